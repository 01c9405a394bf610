#include "agent/state/versions.h"

#include "agent/state/audit.h"
#include "tests/unit/agent/host.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void record(struct host *h, const char *id, const char *operation, const char *outcome, const char *image,
                   const char *digest)
{
    char text[600];
    _cleanup_(close_p) int dir_fd = -1;
    host_assert_result(h, store_create_deployment(h->run.app_fd, id, &dir_fd, &h->err), 0);
    (void)snprintf(text, sizeof(text), "{\"operation\":\"%s\",\"outcome\":\"%s\",\"image\":\"%s\",\"digest\":\"%s\"}",
                   operation, outcome, image, digest);
    host_write(dir_fd, "outcome.json", text);
}

static void three_records(struct host *h, struct versions *v)
{
    record(h, "20260101-000000-aaaaaa", "deploy", "deployed", "r.example.com/shop:1.0@" A, A);
    record(h, "20260102-000000-bbbbbb", "deploy", "failed_untouched", "r.example.com/shop:1.1", B);
    record(h, "20260103-000000-cccccc", "deploy", "deployed", "r.example.com/shop:1.2", B);
    record(h, "20260104-000000-dddddd", "rollback", "rolled_back", "r.example.com/shop:1.0", A);
    record(h, "20260104-000001-dddddd", "rollback", "unchanged", "", "");
    host_assert_result(h, versions_read(h->run.app_fd, v, &h->err), 0);
}

static void what_people_type_finds_the_version(void **state)
{
    static const struct {
        const char *what, *deployment, *image, *digest;
        bool meant;
    } cases[] = {
        { "20260101-000000-aaaaaa", "20260101-000000-aaaaaa", "shop:1", A, true },
        { "20260101-000000-aaaaab", "20260101-000000-aaaaaa", "shop:1", A, false },
        { A, "d", "shop:1", A, true },
        { B, "d", "shop:1", A, false },
        { "sha256:aaaaaaa", "d", "shop:1", A, true },
        { "sha256:aaaaaa", "d", "shop:1", A, false }, /* six digits are too few to be sure */
        { "sha256:aaaaaaab", "d", "shop:1", A, false },
        { "1", "d", "shop:1", A, true },
        { "latest", "d", "shop", A, true },
        { "shop:1", "d", "shop:1", A, true },
        { "shop:1", "d", "docker.io/library/shop:1", A, true },
        { "other:1", "d", "shop:1", A, false },
        { "shop:2", "d", "shop:1", A, false },
        { "shop@" A, "d", "shop:1", A, true },
        { "shop@" B, "d", "shop:1", A, false },
        { "r.example.com:5000/team/shop:1", "d", "r.example.com:5000/team/shop:1@" A, A, true },
        { "1", "", "", "", false },
        { "", "", "", "", false },
        { "no such:thing!", "d", "shop:1", A, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (versions_means(cases[i].what, cases[i].deployment, cases[i].image, cases[i].digest) != cases[i].meant)
            fail_msg("'%s' of %s %s", cases[i].what, cases[i].deployment, cases[i].image);
}

static void only_what_served_is_found_newest_first(void **state)
{
    struct host *h = *state;
    _cleanup_(versions_done_p) struct versions v = { 0 };
    three_records(h, &v);
    assert_int_equal(v.len, 5); /* the run of the fixture has not ended */
    assert_string_equal(versions_find(&v, "1.0")->deployment, "20260104-000000-dddddd");
    assert_true(versions_find(&v, "1.0")->is_rollback);
    assert_null(versions_find(&v, "1.1"));
    assert_string_equal(versions_find(&v, B)->deployment, "20260103-000000-cccccc");
    assert_false(versions_of(&v, "20260102-000000-bbbbbb")->served);
    assert_false(versions_of(&v, "20260104-000001-dddddd")->served);
    assert_null(versions_of(&v, "20260105-000000-eeeeee"));
}

static void what_is_offered_names_each_image_once(void **state)
{
    struct host *h = *state;
    _cleanup_(versions_done_p) struct versions v = { 0 };
    _cleanup_(buf_done_p) struct buf all = BUF_INIT(1000), others = BUF_INIT(1000);
    three_records(h, &v);
    versions_offer(&v, "", &all);
    assert_string_equal(buf_str(&all), "20260104-000000-dddddd (r.example.com/shop:1.0), "
                                       "20260103-000000-cccccc (r.example.com/shop:1.2)");
    versions_offer(&v, A, &others);
    assert_string_equal(buf_str(&others), "20260103-000000-cccccc (r.example.com/shop:1.2)");
}

static void a_record_that_cannot_be_read_is_left_out(void **state)
{
    struct host *h = *state;
    _cleanup_(versions_done_p) struct versions v = { 0 };
    host_write(h->run.dir_fd, "outcome.json", "{");
    host_assert_result(h, versions_read(h->run.app_fd, &v, &h->err), 0);
    assert_int_equal(v.len, 0);
}

static void what_is_pruned_is_known_from_the_audit_log(void **state)
{
    struct host *h = *state;
    _cleanup_(versions_done_p) struct versions v = { 0 };
    struct audit_mark mark;
    _cleanup_(json_free_p) struct json *deploy =
        host_parse("{\"operation\":\"deploy\",\"deployment\":\"20251231-000000-ffffff\",\"outcome\":\"deployed\","
                   "\"image\":\"r.example.com/shop:0.9\",\"digest\":\"sha256:0900900\"}");
    _cleanup_(json_free_p) struct json *prune = host_parse("{\"operation\":\"prune\",\"deployment\":\"\"}");
    host_assert_result(h, audit_append(h->run.app_fd, deploy, NULL, &mark, &h->err), 0);
    host_assert_result(h, audit_append(h->run.app_fd, prune, NULL, &mark, &h->err), 0);
    three_records(h, &v);
    assert_int_equal(v.len, 6);
    assert_string_equal(v.items[5].deployment, "20251231-000000-ffffff");
    assert_string_equal(versions_find(&v, "0.9")->digest, "sha256:0900900");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_type_finds_the_version), RUN_CASE(only_what_served_is_found_newest_first),
        RUN_CASE(what_is_offered_names_each_image_once),      RUN_CASE(what_is_pruned_is_known_from_the_audit_log),
        RUN_CASE(a_record_that_cannot_be_read_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
