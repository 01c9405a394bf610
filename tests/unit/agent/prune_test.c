#include "agent/prune/prune.h"

#include "agent/steps/steps.h"
#include "shared/clock.h"
#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

#define HEX(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define DIGEST(c) "sha256:" HEX(c) HEX(c)
#define GONE DIGEST("a")
#define SERVES DIGEST("b")
#define OLD DIGEST("c")
#define FRESH DIGEST("d")

static void record_of(struct host *h, int app_fd, const char *id, int64_t age_ms, const char *digest, const char *more)
{
    char text[800], iso[CLOCK_ISO_SIZE];
    int fd = -1;
    host_assert_result(h, store_create_deployment(app_fd, id, &fd, &h->err), 0);
    (void)snprintf(text, sizeof(text),
                   "{\"ended\":\"%s\",\"outcome\":\"deployed\",\"image\":\"reg/shop:1\",\"digest\":\"%s\","
                   "\"image_ref\":\"reg/shop@%s\"%s}",
                   clock_format_iso(clock_wall_ms() - age_ms, iso), digest, digest, more);
    host_write(fd, "outcome.json", text);
    host_write(fd, "request.json", "{\"op\":\"deploy\"}");
    close_p(&fd);
}

/* A deployment that ended `age_ms` ago with an image of this digest. */
static void record(struct host *h, const char *id, int64_t age_ms, const char *digest)
{
    record_of(h, h->run.app_fd, id, age_ms, digest, "");
}

static bool is_there(struct host *h, const char *id)
{
    int fd = -1;
    bool there = store_open_deployment(h->run.app_fd, id, &fd, NULL) == 0;
    close_p(&fd);
    return there;
}

/* One image a digest, without a tag. */
static void images_are(struct host *h, size_t count, const char *const digests[])
{
    struct buf text = BUF_INIT(16384);
    for (size_t i = 0; i < count; i++)
        buf_addf(&text, "%s{\"Id\":\"sha256:id%zu\",\"RepoTags\":null,\"RepoDigests\":[\"reg/shop@%s\"],\"Size\":%zu}",
                 i ? "," : "[", i, digests[i], 1000 * (i + 1));
    buf_addc(&text, ']');
    fake_engine_reply(h->fake, "GET /images/json", 200, buf_str(&text));
    buf_done(&text);
}

static void containers_are(struct host *h, const char *list)
{
    fake_engine_reply(h->fake, "GET /containers/json", 200, list);
}

static void start(struct host *h)
{
    static const char *const all[] = { GONE, SERVES, OLD, FRESH };
    h->run.spec.keep_hours = 24;
    h->run.spec.keep_versions = 0;
    h->run.spec.log_retention_days = 7;
    (void)snprintf(h->run.digest, sizeof(h->run.digest), "%s", SERVES);
    containers_are(h, "[]");
    images_are(h, 4, all);
    fake_engine_reply(h->fake, "DELETE /containers/", 204, "");
    fake_engine_reply(h->fake, "DELETE /images/", 200, "[]");
}

static void prune(struct host *h)
{
    host_assert_result(h, prune_apply(&h->run, &h->err), 0);
}

static size_t removed_images(struct host *h)
{
    return fake_engine_count(h->fake, "DELETE /images/");
}

#define OURS "\"io.bluegreen.app\":\"shop\",\"io.bluegreen.role\":\"version\""

static void only_containers_that_nobody_needs_are_removed(void **state)
{
    struct host *h = *state;
    start(h);
    containers_are(
        h, "[{\"Id\":\"b\",\"Names\":[\"/shop-blue\"],\"State\":\"exited\",\"Labels\":{" OURS "}},"
           "{\"Id\":\"g\",\"Names\":[\"/shop-green\"],\"State\":\"exited\",\"Labels\":{" OURS "}},"
           "{\"Id\":\"k\",\"Names\":[\"/shop-keeper\"],\"State\":\"exited\",\"Labels\":{\"io.bluegreen.app\":\"shop\","
           "\"io.bluegreen.role\":\"keeper\"}},"
           "{\"Id\":\"r\",\"Names\":[\"/shop-odd\"],\"State\":\"running\",\"Labels\":{" OURS "}},"
           "{\"Id\":\"o\",\"Names\":[\"/other-next\"],\"State\":\"exited\",\"Labels\":{\"io.bluegreen.app\":\"other\","
           "\"io.bluegreen.role\":\"version\"}},"
           "{\"Id\":\"h\",\"Names\":[\"/by-hand\"],\"State\":\"exited\",\"Labels\":{}},"
           "{\"Id\":\"n\",\"Names\":[\"/shop-next\"],\"State\":\"created\",\"Labels\":{" OURS "}},"
           "{\"Id\":\"s\",\"Names\":[\"/shop-late\"],\"State\":\"exited\",\"Labels\":{" OURS "}},"
           "{\"Id\":\"x\",\"Names\":[\"/shop-blue2\"],\"State\":\"exited\",\"Labels\":{" OURS "}}]");
    fake_engine_reply(h->fake, "GET /containers/g/json", 200, "{\"State\":{\"FinishedAt\":\"0001-01-01T00:00:00Z\"}}");
    fake_engine_reply(h->fake, "GET /containers/n/json", 200, "{\"State\":{\"Status\":\"created\"}}");
    fake_engine_reply(h->fake, "GET /containers/x/json", 200, "{\"State\":{\"Status\":\"exited\"},\"SizeRw\":77}");
    fake_engine_reply(h->fake, "GET /containers/s/json", 200,
                      "{\"State\":{\"Status\":\"running\",\"Running\":true}}"); /* somebody started it meanwhile */
    prune(h);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /containers/"), 2);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /containers/n"), 1);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /containers/x"), 1);
    assert_string_equal(h->run.step_text, "2 containers, 0 images, 0 deployment records");
}

static void an_image_goes_when_it_was_last_used_long_ago(void **state)
{
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 2 * DAY_MS, GONE);
    record(h, "20260102-000000-aaaaaa", 30 * HOUR_MS, SERVES);
    record(h, "20260103-000000-aaaaaa", 28 * HOUR_MS, OLD); /* green is made from it */
    record(h, "20260104-000000-aaaaaa", 3 * HOUR_MS, FRESH);
    containers_are(h, "[{\"Id\":\"g\",\"Names\":[\"/by-hand\"],\"ImageID\":\"sha256:id2\",\"State\":\"exited\"}]");
    prune(h);
    assert_int_equal(removed_images(h), 1);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/reg/shop@" GONE), 1);
}

static void the_last_use_of_an_image_is_when_it_was_replaced(void **state)
{
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 6 * DAY_MS, GONE);
    record_of(h, h->run.app_fd, "20260105-000000-aaaaaa", HOUR_MS, FRESH,
              ",\"previous_image\":\"reg/shop:1\",\"previous_digest\":\"" GONE "\"");
    prune(h);
    assert_int_equal(removed_images(h), 0);
}

static void the_newest_record_of_an_image_counts(void **state)
{
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 6 * DAY_MS, GONE);
    record(h, "20260105-000000-aaaaaa", HOUR_MS, GONE); /* again, an hour ago */
    prune(h);
    assert_int_equal(removed_images(h), 0);
}

static void an_image_is_found_by_its_tag_when_the_record_has_no_other_name(void **state)
{
    struct host *h = *state;
    start(h);
    record_of(h, h->run.app_fd, "20260101-000000-aaaaaa", 2 * DAY_MS, GONE, ",\"image_ref\":\"\"");
    prune(h);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/reg/shop@" GONE), 1);
}

static void images_of_pinned_versions_stay(void **state)
{
    struct host *h = *state;
    start(h);
    h->run.spec.keep_versions = 2;
    record(h, "20260101-000000-aaaaaa", 9 * DAY_MS, GONE);
    record(h, "20260102-000000-aaaaaa", 8 * DAY_MS, OLD);
    prune(h);
    assert_int_equal(removed_images(h), 1);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/reg/shop@" GONE), 1);
    assert_true(is_there(h, "20260102-000000-aaaaaa"));
    assert_false(is_there(h, "20260101-000000-aaaaaa"));
}

static void an_image_of_another_app_stays(void **state)
{
    struct host *h = *state;
    int other_fd = -1;
    start(h);
    record(h, "20260101-000000-aaaaaa", 2 * DAY_MS, GONE);
    host_assert_result(h, store_open_app("other", &other_fd, &h->err), 0);
    record_of(h, other_fd, "20260101-000000-bbbbbb", 5 * DAY_MS, GONE, "");
    prune(h);
    assert_int_equal(removed_images(h), 0);
    close_p(&other_fd);
}

static void a_tag_that_the_records_know_goes_with_the_image(void **state)
{
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 2 * DAY_MS, GONE);
    fake_engine_reply(h->fake, "GET /images/json", 200,
                      "[{\"Id\":\"sha256:id0\",\"RepoTags\":[\"reg/shop:1\"],\"RepoDigests\":[\"reg/shop@" GONE
                      "\"],\"Size\":5}]");
    fake_engine_reply(h->fake, "GET /images/reg/shop:1/json", 200, "{\"Id\":\"sha256:id0\"}");
    prune(h);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/reg/shop:1 "), 1);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/reg/shop@" GONE), 1);
}

static void a_tag_that_names_another_image_by_now_stays(void **state)
{
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 2 * DAY_MS, GONE);
    fake_engine_reply(h->fake, "GET /images/json", 200,
                      "[{\"Id\":\"sha256:id0\",\"RepoTags\":[\"reg/shop:1\"],\"RepoDigests\":[\"reg/shop@" GONE
                      "\"],\"Size\":5}]");
    fake_engine_reply(h->fake, "GET /images/reg/shop:1/json", 200, "{\"Id\":\"sha256:moved\"}");
    prune(h);
    assert_int_equal(removed_images(h), 1);
}

static void an_image_with_a_name_that_somebody_gave_it_stays(void **state)
{
    static const char *const names[] = {
        "\"RepoTags\":[\"reg/shop:1\",\"keep:me\"],\"RepoDigests\":[\"reg/shop@" GONE "\"]",
        "\"RepoTags\":[],\"RepoDigests\":[\"reg/shop@" GONE "\",\"mirror/shop@" GONE "\"]",
    };
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 2 * DAY_MS, GONE);
    for (size_t i = 0; i < 2; i++) {
        char text[600];
        (void)snprintf(text, sizeof(text), "[{\"Id\":\"sha256:id0\",%s,\"Size\":5}]", names[i]);
        fake_engine_reply(h->fake, "GET /images/json", 200, text);
        prune(h);
        assert_int_equal(removed_images(h), 0);
    }
}

static void records_go_after_their_days(void **state)
{
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 8 * DAY_MS, GONE);
    record(h, "20260102-000000-aaaaaa", 7 * DAY_MS - HOUR_MS, GONE);
    record(h, "20260103-000000-aaaaaa", 9 * DAY_MS, OLD); /* of a container that is there */
    containers_are(h, "[{\"Id\":\"r\",\"Names\":[\"/shop-blue\"],\"State\":\"running\",\"Labels\":{" OURS
                      ",\"io.bluegreen.deployment\":\"20260103-000000-aaaaaa\"}}]");
    prune(h);
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
    start(h);
    host_assert_result(h, store_create_deployment(h->run.app_fd, "20200101-000000-aaaaaa", &fd, &h->err), 0);
    close_p(&fd);
    host_assert_result(h, store_create_deployment(h->run.app_fd, "20200102-000000-aaaaaa", &fd, &h->err), 0);
    host_write(fd, "outcome.json", "{\"ended\":\"yesterday\",\"image_ref\":\"x\",\"digest\":\"y\"}");
    close_p(&fd);
    prune(h);
    assert_true(is_there(h, "20200101-000000-aaaaaa"));
    assert_true(is_there(h, "20200102-000000-aaaaaa"));
    assert_int_equal(removed_images(h), 0);
}

static void what_a_removal_that_was_cut_off_left_goes_with_the_next_one(void **state)
{
    static const char *const ids[] = { "20260101-000000-aaaaaa", "20260102-000000-aaaaaa", "20260103-000000-aaaaaa" };
    struct host *h = *state;
    int fd = -1;
    start(h);
    h->run.spec.keep_versions = 5;
    record(h, ids[0], 8 * DAY_MS, GONE); /* a good one, but without its settings nothing is brought back by it */
    host_assert_result(h, store_open_deployment(h->run.app_fd, ids[0], &fd, &h->err), 0);
    assert_int_equal(unlinkat(fd, "request.json", 0), 0);
    close_p(&fd);
    for (size_t i = 1; i < 3; i++) {
        const time_t age_s = i == 1 ? 8 * DAY_MS / 1000 : 6 * DAY_MS / 1000;
        const struct timespec then[] = { { .tv_sec = time(NULL) - age_s }, { .tv_sec = time(NULL) - age_s } };
        host_assert_result(h, store_create_deployment(h->run.app_fd, ids[i], &fd, &h->err), 0);
        assert_int_equal(futimens(fd, then), 0);
        close_p(&fd);
    }
    prune(h);
    assert_false(is_there(h, ids[0]));
    assert_false(is_there(h, ids[1]));
    assert_true(is_there(h, ids[2]));
}

static void a_version_that_comes_back_does_not_shorten_what_is_kept(void **state)
{
    struct host *h = *state;
    int fd = -1;
    start(h);
    h->run.redeploys = true;
    h->run.spec.log_retention_days = 1;
    h->run.spec.keep_hours = 1;
    h->run.old.exists = true;
    h->run.old.c.raw = host_parse("{\"Config\":{\"Labels\":{\"io.bluegreen.deployment\":\"20260104-000000-aaaaaa\"}}}");
    record(h, "20260101-000000-aaaaaa", 5 * DAY_MS, GONE);
    record(h, "20260102-000000-aaaaaa", 8 * DAY_MS, OLD);
    record(h, "20260104-000000-aaaaaa", 2 * HOUR_MS, FRESH);
    host_assert_result(h, store_open_deployment(h->run.app_fd, "20260104-000000-aaaaaa", &fd, &h->err), 0);
    host_write(fd, "request.json",
               "{\"op\":\"deploy\",\"spec\":{\"app\":\"shop\",\"image\":\"reg/shop:4\",\"keep_hours\":140,"
               "\"keep_versions\":0,\"log_retention_days\":6}}");
    close_p(&fd);
    prune(h);
    assert_true(is_there(h, "20260101-000000-aaaaaa"));
    assert_false(is_there(h, "20260102-000000-aaaaaa"));
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/reg/shop@" GONE), 0);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/reg/shop@" OLD), 1);
}

static void one_that_is_started_at_the_last_moment_is_not_removed_by_force(void **state)
{
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 9 * DAY_MS, GONE);
    containers_are(h, "[{\"Id\":\"x\",\"Names\":[\"/shop-odd\"],\"State\":\"exited\",\"Labels\":{" OURS
                      ",\"io.bluegreen.deployment\":\"20260101-000000-aaaaaa\"}}]");
    fake_engine_reply(h->fake, "GET /containers/x/json", 200, "{\"State\":{\"Status\":\"exited\"}}");
    fake_engine_reply(h->fake, "DELETE /containers/x?v=1&force=1", 204, "");
    fake_engine_reply(h->fake, "DELETE /containers/x?v=1 ", 409,
                      "{\"message\":\"You cannot remove a running container\"}");
    prune(h);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /containers/x?v=1 "), 1);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /containers/"), 1);
    assert_true(is_there(h, "20260101-000000-aaaaaa")); /* and so stays what tells of its secrets */
    assert_non_null(strstr(h->run.step_text, "0 containers"));
}

/* ---- the report ---- */

static struct json *report_of(struct host *h, bool dry)
{
    struct prune_facts facts;
    struct prune_done done;
    const struct prune_limits limits = prune_limits_of(&h->run.spec);
    host_assert_result(h, prune_collect(&h->run, &facts, &h->err), 0);
    prune_decide(&facts, &limits);
    if (!dry)
        host_assert_result(h, prune_carry_out(&h->run, &facts, NULL, &done, &h->err), 0);
    struct json *report = prune_report("shop", &facts, dry ? NULL : &done);
    prune_facts_done(&facts);
    return report;
}

static const char *first(const struct json *report, const char *list, const char *member)
{
    return json_str(json_first(json_get(report, list)), member, "");
}

static void a_dry_run_tells_what_the_real_one_then_removes(void **state)
{
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 9 * DAY_MS, GONE);
    struct json *dry = report_of(h, true);
    assert_int_equal(removed_images(h), 0);
    assert_true(is_there(h, "20260101-000000-aaaaaa"));
    assert_true(json_bool(dry, "dry_run", false));
    assert_int_equal(json_int(dry, "disk_freed_bytes", 0), -1);
    assert_string_equal(first(dry, "images", "reference"), "reg/shop@" GONE);
    assert_string_equal(first(dry, "images", "digest"), GONE);
    assert_int_equal(json_int(json_first(json_get(dry, "images")), "bytes", 0), 1000);
    assert_string_equal(first(dry, "records", "deployment"), "20260101-000000-aaaaaa");
    int64_t record_bytes = json_int(json_first(json_get(dry, "records")), "bytes", 0);
    assert_true(record_bytes > 100);
    assert_int_equal(json_int(dry, "bytes", 0), 1000 + record_bytes);
    struct json *real = report_of(h, false);
    assert_false(json_bool(real, "dry_run", true));
    assert_int_equal(json_int(real, "bytes", 0), 1000 + record_bytes);
    assert_string_equal(first(real, "images", "reason"), first(dry, "images", "reason"));
    assert_false(is_there(h, "20260101-000000-aaaaaa"));
    json_free(dry);
    json_free(real);
}

static void what_the_engine_does_not_give_up_is_told_as_kept(void **state)
{
    struct host *h = *state;
    start(h);
    record(h, "20260101-000000-aaaaaa", 2 * DAY_MS, GONE);
    fake_engine_reply(h->fake, "DELETE /images/", 409, "{\"message\":\"image is being used\"}");
    fake_engine_reply(h->fake, "GET /images/reg/shop@" GONE, 200, "{\"Id\":\"sha256:id0\"}");
    struct json *report = report_of(h, false);
    assert_int_equal(json_len(json_get(report, "images")), 0);
    assert_int_equal(json_int(report, "bytes", -1), 0);
    assert_string_equal(first(report, "kept", "why"), "the engine says that it is in use");
    json_free(report);
}

static void what_was_not_tried_when_the_engine_was_lost_is_kept_and_says_so(void **state)
{
    struct host *h = *state;
    struct prune_facts facts;
    struct prune_done done;
    struct buf text = BUF_INIT(65536);
    start(h);
    record(h, "20260101-000000-aaaaaa", 9 * DAY_MS, GONE);
    const struct prune_limits limits = prune_limits_of(&h->run.spec);
    containers_are(h, "[{\"Id\":\"x\",\"Names\":[\"/shop-x\"],\"State\":\"exited\",\"Labels\":{" OURS "}},"
                      "{\"Id\":\"y\",\"Names\":[\"/shop-y\"],\"State\":\"exited\",\"Labels\":{" OURS "}},"
                      "{\"Id\":\"z\",\"Names\":[\"/shop-z\"],\"State\":\"exited\",\"Labels\":{" OURS "}}]");
    fake_engine_reply(h->fake, "GET /containers/x/json", 200, "{\"State\":{\"Status\":\"exited\"}}");
    fake_engine_reply(h->fake, "GET /containers/y/json", 200, "{\"State\":{\"Status\":\"exited\"}}");
    fake_engine_reply(h->fake, "GET /containers/z/json", 200, "{\"State\":{\"Status\":\"exited\"}}");
    fake_engine_answer(h->fake, (struct fake_answer){ .request = "DELETE /containers/y", .status = FAKE_CLOSE });
    host_assert_result(h, prune_collect(&h->run, &facts, &h->err), 0);
    prune_decide(&facts, &limits);
    int r = prune_carry_out(&h->run, &facts, NULL, &done, &h->err);
    assert_true(r < 0 && r != -ERR_DOCKER);
    struct json *report = prune_report("shop", &facts, &done);
    assert_int_equal(json_len(json_get(report, "containers")), 1);
    assert_string_equal(first(report, "containers", "name"), "shop-x");
    assert_int_equal(done.containers, 1);
    assert_int_equal(json_len(json_get(report, "images")), 0);
    assert_int_equal(json_len(json_get(report, "records")), 0);
    assert_true(is_there(h, "20260101-000000-aaaaaa"));
    assert_int_equal(json_print(json_get(report, "kept"), &text, NULL), 0);
    assert_non_null(strstr(buf_str(&text), "{\"what\":\"container shop-z\",\"why\":\"not tried: "));
    assert_non_null(strstr(buf_str(&text), "{\"what\":\"record 20260101-000000-aaaaaa\",\"why\":\"not tried: "));
    assert_int_equal(fake_engine_count(h->fake, "DELETE "), 2);
    buf_done(&text);
    json_free(report);
    prune_facts_done(&facts);
}

static void a_long_report_fits_a_line_and_counts_the_rest(void **state)
{
    struct host *h = *state;
    struct event ev;
    start(h);
    for (int i = 0; i < 400; i++) {
        char id[40];
        (void)snprintf(id, sizeof(id), "20260101-%06d-aaaaaa", i);
        record(h, id, 9 * DAY_MS, GONE);
    }
    struct json *report = report_of(h, true);
    const struct json *records = json_get(report, "records"), *last = json_first(records);
    int64_t sum = 1000;
    for (const struct json *r = json_first(records); r; r = json_next(r)) {
        sum += json_int(r, "bytes", 0);
        last = r;
    }
    assert_int_equal(json_len(records), 61);
    assert_string_equal(json_str(last, "deployment", ""), "and 340 more");
    assert_int_equal(json_int(report, "bytes", 0), sum);
    struct buf line = BUF_INIT(EVENT_LINE_MAX + 1);
    event_init(&ev, EVENT_REPORT, "");
    json_set(ev.body, "report", report);
    host_assert_result(h, event_encode(&ev, &line, &h->err), 0);
    event_done(&ev);
    buf_done(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_CASE(only_containers_that_nobody_needs_are_removed),
        ENGINE_CASE(one_that_is_started_at_the_last_moment_is_not_removed_by_force),
        ENGINE_CASE(what_a_removal_that_was_cut_off_left_goes_with_the_next_one),
        ENGINE_CASE(a_version_that_comes_back_does_not_shorten_what_is_kept),
        ENGINE_CASE(what_was_not_tried_when_the_engine_was_lost_is_kept_and_says_so),
        ENGINE_CASE(an_image_goes_when_it_was_last_used_long_ago),
        ENGINE_CASE(the_last_use_of_an_image_is_when_it_was_replaced),
        ENGINE_CASE(the_newest_record_of_an_image_counts),
        ENGINE_CASE(an_image_is_found_by_its_tag_when_the_record_has_no_other_name),
        ENGINE_CASE(images_of_pinned_versions_stay),
        ENGINE_CASE(an_image_of_another_app_stays),
        ENGINE_CASE(a_tag_that_the_records_know_goes_with_the_image),
        ENGINE_CASE(a_tag_that_names_another_image_by_now_stays),
        ENGINE_CASE(an_image_with_a_name_that_somebody_gave_it_stays),
        ENGINE_CASE(records_go_after_their_days),
        ENGINE_CASE(a_record_without_an_end_is_left_alone),
        ENGINE_CASE(a_dry_run_tells_what_the_real_one_then_removes),
        ENGINE_CASE(what_the_engine_does_not_give_up_is_told_as_kept),
        ENGINE_CASE(a_long_report_fits_a_line_and_counts_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
