#include "agent/steps/prune.h"

#include "agent/steps/steps.h"
#include "shared/clock.h"
#include "tests/unit/agent/host.h"

#define HOUR_MS (3600LL * 1000)
#define DAY_MS (24 * HOUR_MS)

static void what_may_go_is_unused_and_old(void **state)
{
    (void)state;
    const int64_t now = 1000 * HOUR_MS;
    assert_true(prune_may_go(false, now - 24 * HOUR_MS, now, 24));
    assert_false(prune_may_go(false, now - 24 * HOUR_MS + 1, now, 24));
    assert_false(prune_may_go(true, now - 100 * HOUR_MS, now, 24));
    assert_false(prune_may_go(false, -1, now, 0)); /* nobody knows when */
    assert_true(prune_may_go(false, now, now, 0));
    assert_false(prune_may_go(false, now + HOUR_MS, now, 0)); /* a clock that was set back */
}

/* A record that ended `age_ms` ago with an image of this digest. */
static void record(struct host *h, const char *id, int64_t age_ms, const char *digest)
{
    char text[400], iso[CLOCK_ISO_SIZE];
    int fd = -1;
    host_assert_result(h, store_create_deployment(h->run.app_fd, id, &fd, &h->err), 0);
    (void)snprintf(text, sizeof(text), "{\"ended\":\"%s\",\"digest\":\"%s\",\"image_ref\":\"reg/shop@%s\"}",
                   clock_format_iso(clock_wall_ms() - age_ms, iso), digest, digest);
    host_write(fd, "outcome.json", text);
    close_p(&fd);
}

static bool is_there(struct host *h, const char *id)
{
    int fd = -1;
    bool there = store_open_deployment(h->run.app_fd, id, &fd, NULL) == 0;
    close_p(&fd);
    return there;
}

static void prune(struct host *h, const char *containers)
{
    fake_engine_reply(h->fake, "GET /containers/json", 200, containers);
    fake_engine_reply(h->fake, "DELETE /containers/", 204, "");
    fake_engine_reply(h->fake, "DELETE /images/", 200, "[]");
    h->run.spec.keep_hours = 24;
    h->run.spec.log_retention_days = 7;
    (void)snprintf(h->run.digest, sizeof(h->run.digest), "sha256:new");
    host_assert_result(h, prune_apply(&h->run, &h->err), 0);
}

static void version_is(struct run_version *v, const char *id, const char *digest)
{
    char text[300];
    (void)snprintf(text, sizeof(text),
                   "{\"Config\":{\"Labels\":{\"io.bluegreen.deployment\":\"%s\",\"io.bluegreen.digest\":\"%s\"}}}", id,
                   digest);
    v->exists = true;
    v->c.raw = host_parse(text);
}

static void the_old_version_is(struct host *h, const char *id, const char *digest)
{
    version_is(&h->run.old, id, digest);
}

static void only_containers_that_nobody_needs_are_removed(void **state)
{
    struct host *h = *state;
    prune(h, "[{\"Id\":\"b\",\"Names\":[\"/shop-blue\"],\"State\":\"exited\"},"
             "{\"Id\":\"g\",\"Names\":[\"/shop-green\"],\"State\":\"exited\"},"
             "{\"Id\":\"k\",\"Names\":[\"/shop-keeper\"],\"State\":\"exited\"},"
             "{\"Id\":\"r\",\"Names\":[\"/shop-odd\"],\"State\":\"running\"},"
             "{\"Id\":\"n\",\"Names\":[\"/shop-next\"],\"State\":\"created\"},"
             "{\"Id\":\"x\",\"Names\":[\"/shop-blue2\"],\"State\":\"exited\"}]");
    assert_int_equal(fake_engine_count(h->fake, "DELETE /containers/"), 2);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /containers/n"), 1);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /containers/x"), 1);
    assert_string_equal(h->run.step_text, "2 containers, 0 images, 0 deployment records");
}

static void only_containers_of_the_app_are_asked_for(void **state)
{
    struct host *h = *state;
    prune(h, "[]");
    assert_non_null(strstr(fake_engine_seen(h->fake), "io.bluegreen.app%3Dshop"));
}

static void an_image_goes_when_it_was_last_used_long_ago(void **state)
{
    struct host *h = *state;
    record(h, "20260101-000000-aaaaaa", 2 * DAY_MS, "sha256:gone");
    record(h, "20260102-000000-aaaaaa", 30 * HOUR_MS, "sha256:new");  /* serves */
    record(h, "20260103-000000-aaaaaa", 28 * HOUR_MS, "sha256:old");  /* green */
    record(h, "20260104-000000-aaaaaa", 3 * HOUR_MS, "sha256:fresh"); /* within keep-hours */
    the_old_version_is(h, "20260103-000000-aaaaaa", "sha256:old");
    prune(h, "[]");
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/"), 1);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/reg/shop@sha256:gone") +
                         fake_engine_count(h->fake, "DELETE /images/reg%2Fshop%40sha256%3Agone") +
                         fake_engine_count(h->fake, "DELETE /images/reg/shop%40sha256%3Agone"),
                     1);
}

static void the_newest_record_of_an_image_counts(void **state)
{
    struct host *h = *state;
    record(h, "20260101-000000-aaaaaa", 6 * DAY_MS, "sha256:used");
    record(h, "20260105-000000-aaaaaa", HOUR_MS, "sha256:used"); /* again, an hour ago */
    prune(h, "[]");
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/"), 0);
}

static void records_go_after_their_days(void **state)
{
    struct host *h = *state;
    record(h, "20260101-000000-aaaaaa", 8 * DAY_MS, "sha256:a");
    record(h, "20260102-000000-aaaaaa", 7 * DAY_MS - HOUR_MS, "sha256:b");
    record(h, "20260103-000000-aaaaaa", 9 * DAY_MS, "sha256:old");  /* of the version that is kept */
    record(h, "20260104-000000-aaaaaa", 9 * DAY_MS, "sha256:back"); /* of the version that a rollback brought back */
    the_old_version_is(h, "20260103-000000-aaaaaa", "sha256:old");
    version_is(&h->run.cand, "20260104-000000-aaaaaa", "sha256:back");
    prune(h, "[]");
    assert_true(is_there(h, "20260104-000000-aaaaaa"));
    assert_false(is_there(h, "20260101-000000-aaaaaa"));
    assert_true(is_there(h, "20260102-000000-aaaaaa"));
    assert_true(is_there(h, "20260103-000000-aaaaaa"));
    assert_true(is_there(h, HOST_ID)); /* the run at hand */
    assert_non_null(strstr(h->run.step_text, "1 deployment records"));
}

static void a_record_without_an_end_is_left_alone(void **state)
{
    struct host *h = *state;
    int fd = -1;
    host_assert_result(h, store_create_deployment(h->run.app_fd, "20200101-000000-aaaaaa", &fd, &h->err), 0);
    close_p(&fd);
    host_assert_result(h, store_create_deployment(h->run.app_fd, "20200102-000000-aaaaaa", &fd, &h->err), 0);
    host_write(fd, "outcome.json", "{\"ended\":\"yesterday\",\"image_ref\":\"x\",\"digest\":\"y\"}");
    close_p(&fd);
    prune(h, "[]");
    assert_true(is_there(h, "20200101-000000-aaaaaa"));
    assert_true(is_there(h, "20200102-000000-aaaaaa"));
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_go_is_unused_and_old),
        ENGINE_CASE(only_containers_that_nobody_needs_are_removed),
        ENGINE_CASE(only_containers_of_the_app_are_asked_for),
        ENGINE_CASE(an_image_goes_when_it_was_last_used_long_ago),
        ENGINE_CASE(the_newest_record_of_an_image_counts),
        ENGINE_CASE(records_go_after_their_days),
        ENGINE_CASE(a_record_without_an_end_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
