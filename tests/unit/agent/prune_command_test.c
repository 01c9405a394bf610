#include "agent/answers/prune_command.h"

#include "agent/run.h"
#include "agent/state/audit.h"
#include "agent/state/lock.h"
#include "shared/clock.h"
#include "shared/http.h"
#include "tests/unit/agent/client.h"

#include <fcntl.h>
#include <sys/file.h>

#define HOUR_MS INT64_C(3600000)
#define HEX(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define OLD "sha256:" HEX("a") HEX("a")
#define RECORD "20260101-000000-aaaaaa"
#define BLUE_RECORD "20260102-000000-aaaaaa"

struct asked {
    bool dry_run;
    int64_t keep_hours, lock_timeout_ms;
};

static void ask(struct client *c, struct asked how)
{
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    struct wire_request r;
    wire_request_init(&r);
    r.op = WIRE_PRUNE;
    r.dry_run = how.dry_run;
    r.keep_hours = how.keep_hours;
    r.keep_versions = 0;
    r.lock_timeout_ms = how.lock_timeout_ms;
    (void)snprintf(r.app, sizeof(r.app), "%s", HOST_APP);
    assert_int_equal(wire_encode(&r, &out, NULL), 0);
    client_open_greeted(c);
    client_send(c, buf_span(&out));
    wire_request_done(&r);
    buf_done(&out);
}

/* The report of a prune that ends well; the caller frees. */
static struct json *prune(struct asked how)
{
    struct client c;
    ask(&c, how);
    client_expect(&c, EVENT_REPORT);
    assert_string_equal(json_str(c.ev.body, "name", ""), "prune");
    struct json *report = json_copy(json_get(c.ev.body, "report"));
    client_expect_outcome(&c, "reported", "");
    assert_int_equal(client_close(&c), 0);
    return report;
}

static int open_app(struct host *h)
{
    int fd = -1;
    host_assert_result(h, store_open_app(HOST_APP, &fd, &h->err), 0);
    return fd;
}

/* An image that was last used 30 hours ago, and what serves, deployed with these keep_hours. */
static void set_up_app(struct host *h, int64_t keep_hours)
{
    char text[600], iso[CLOCK_ISO_SIZE];
    int app_fd = open_app(h), fd = -1;
    host_assert_result(h, store_create_deployment(app_fd, RECORD, &fd, &h->err), 0);
    (void)snprintf(text, sizeof(text),
                   "{\"ended\":\"%s\",\"outcome\":\"deployed\",\"image\":\"reg/shop:1\",\"digest\":\"" OLD
                   "\",\"image_ref\":\"reg/shop@" OLD "\"}",
                   clock_format_iso(clock_wall_ms() - 30 * HOUR_MS, iso));
    host_write(fd, "outcome.json", text);
    close_p(&fd);
    host_assert_result(h, store_create_deployment(app_fd, BLUE_RECORD, &fd, &h->err), 0);
    (void)snprintf(text, sizeof(text),
                   "{\"op\":\"deploy\",\"spec\":{\"app\":\"shop\",\"image\":\"reg/shop:2\",\"keep_hours\":%d}}",
                   (int)keep_hours);
    host_write(fd, "request.json", text);
    host_write(fd, "outcome.json", "{}");
    close_p(&fd);
    close_p(&app_fd);
    fake_engine_reply(h->fake, "GET /containers/json", 200,
                      "[{\"Id\":\"b\",\"Names\":[\"/shop-blue\"],\"State\":\"running\",\"Labels\":{"
                      "\"io.bluegreen.app\":\"shop\",\"io.bluegreen.role\":\"version\","
                      "\"io.bluegreen.deployment\":\"" BLUE_RECORD "\"}}]");
    fake_engine_reply(h->fake, "GET /images/json", 200,
                      "[{\"Id\":\"sha256:id\",\"RepoDigests\":[\"reg/shop@" OLD "\"],\"Size\":5}]");
    fake_engine_reply(h->fake, "DELETE /images/", 200, "[]");
}

static void nothing_is_found_and_made_where_the_app_is_unknown(void **state)
{
    struct host *h = *state;
    int fd = -1;
    struct json *report = prune((struct asked){ .dry_run = true, .keep_hours = 0 });
    struct buf text = BUF_INIT(1024);
    assert_int_equal(json_print(report, &text, NULL), 0);
    assert_string_equal(buf_str(&text),
                        "{\"app\":\"shop\",\"dry_run\":true,\"containers\":[],\"images\":[],\"records\":[],"
                        "\"kept\":[],\"bytes\":0,\"disk_freed_bytes\":-1}");
    assert_int_equal(store_find_app(HOST_APP, &fd, &h->err), 1);
    json_free(report);
    buf_done(&text);
}

static void a_dry_run_needs_no_lock_and_removes_nothing(void **state)
{
    struct host *h = *state;
    struct lock_owner me = { .pid = getpid() };
    int lock_fd = -1, app_fd = open_app(h);
    set_up_app(h, 24);
    host_assert_result(h, lock_take(app_fd, &me, 0, NULL, NULL, NULL, &lock_fd, &h->err), 0);
    struct json *report = prune((struct asked){ .dry_run = true, .keep_hours = -1 });
    assert_int_equal(json_len(json_get(report, "images")), 1);
    assert_int_equal(fake_engine_count(h->fake, "DELETE "), 0);
    json_free(report);
    close_p(&lock_fd);
    close_p(&app_fd);
}

static void a_limit_that_is_not_given_is_that_of_what_serves(void **state)
{
    static const struct {
        int64_t deployed_with, given;
        size_t gone;
    } cases[] = { { 31, -1, 0 }, { 30, -1, 1 }, { 31, 30, 1 }, { 30, 31, 0 } };
    struct host *h = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int app_fd = open_app(h);
        (void)store_remove_deployment(app_fd, RECORD, &h->err);
        (void)store_remove_deployment(app_fd, BLUE_RECORD, &h->err);
        close_p(&app_fd);
        set_up_app(h, cases[i].deployed_with);
        struct json *report = prune((struct asked){ .keep_hours = cases[i].given });
        assert_int_equal(json_len(json_get(report, "images")), cases[i].gone);
        json_free(report);
    }
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/"), 2);
}

static void who_has_the_lock_is_told(void **state)
{
    struct host *h = *state;
    struct client c;
    struct lock_owner me = { .pid = getpid(), .deployment = HOST_ID, .run_link = "https://ci/7" };
    int lock_fd = -1, app_fd = open_app(h);
    set_up_app(h, 0);
    host_assert_result(h, lock_take(app_fd, &me, 0, NULL, NULL, NULL, &lock_fd, &h->err), 0);
    ask(&c, (struct asked){ .keep_hours = 0, .lock_timeout_ms = 600 });
    client_expect(&c, EVENT_LOG);
    assert_non_null(strstr(json_str(c.ev.body, "text", ""), HOST_ID " has it (https://ci/7)"));
    client_await(&c, EVENT_OUTCOME);
    const struct json *error = json_get(c.ev.body, "error");
    assert_string_equal(json_str(error, "kind", ""), "locked");
    assert_non_null(strstr(json_str(error, "message", ""), HOST_ID));
    assert_non_null(strstr(json_str(error, "hint", ""), "lock-timeout"));
    assert_int_equal(fake_engine_count(h->fake, "DELETE "), 0);
    assert_int_equal(client_close(&c), 0);
    close_p(&lock_fd);
    close_p(&app_fd);
}

static void the_lock_is_waited_for_and_let_go(void **state)
{
    struct host *h = *state;
    struct client c;
    struct lock_owner me = { .pid = getpid() }, owner;
    int lock_fd = -1, app_fd = open_app(h);
    set_up_app(h, 0);
    host_assert_result(h, lock_take(app_fd, &me, 0, NULL, NULL, NULL, &lock_fd, &h->err), 0);
    ask(&c, (struct asked){ .keep_hours = 0, .lock_timeout_ms = 20000 });
    client_expect(&c, EVENT_LOG);
    assert_int_equal(flock(lock_fd, LOCK_UN), 0); /* the agent has inherited it */
    client_expect(&c, EVENT_REPORT);
    client_expect_outcome(&c, "reported", "");
    assert_int_equal(client_close(&c), 0);
    assert_false(lock_is_held(app_fd, &owner));
    assert_int_equal(fake_engine_count(h->fake, "DELETE /images/"), 1);
    close_p(&lock_fd);
    close_p(&app_fd);
}

static void a_client_that_leaves_while_it_waits_has_nothing_removed(void **state)
{
    struct host *h = *state;
    struct client c;
    struct lock_owner me = { .pid = getpid() };
    int lock_fd = -1, app_fd = open_app(h);
    set_up_app(h, 0);
    host_assert_result(h, lock_take(app_fd, &me, 0, NULL, NULL, NULL, &lock_fd, &h->err), 0);
    ask(&c, (struct asked){ .keep_hours = 0, .lock_timeout_ms = 600000 });
    client_expect(&c, EVENT_LOG);
    close_p(&c.fd); /* both directions */
    c.fd = dup(app_fd);
    assert_int_equal(client_close(&c), ERR_NET);
    assert_int_equal(fake_engine_count(h->fake, "DELETE "), 0);
    close_p(&lock_fd);
    close_p(&app_fd);
}

static void a_run_that_was_cut_off_is_brought_to_its_end_first(void **state)
{
    struct host *h = *state;
    struct buf outcome;
    int app_fd = open_app(h), fd = -1;
    set_up_app(h, 24);
    host_assert_result(h, store_create_deployment(app_fd, HOST_ID, &fd, &h->err), 0);
    host_write(fd, "request.json", "{\"op\":\"deploy\",\"spec\":{\"app\":\"shop\",\"image\":\"reg/shop:3\"}}");
    host_write(fd, EVENTLOG_FILE, "");
    struct json *dry = prune((struct asked){ .dry_run = true, .keep_hours = -1 });
    assert_int_equal(faccessat(fd, "outcome.json", F_OK, 0), -1);
    json_free(dry);
    json_free(prune((struct asked){ .keep_hours = -1 }));
    assert_non_null(strstr(host_read(fd, "outcome.json", &outcome), "failed_untouched"));
    buf_done(&outcome);
    close_p(&fd);
    close_p(&app_fd);
}

static void what_a_prune_removed_is_in_the_audit_log_and_a_dry_run_is_not(void **state)
{
    struct host *h = *state;
    struct audit_log log;
    int app_fd = open_app(h);
    set_up_app(h, 24);
    json_free(prune((struct asked){ .dry_run = true, .keep_hours = -1 }));
    host_assert_result(h, audit_read(app_fd, 5, &log, &h->err), 0);
    assert_null(audit_entry(&log, 0));
    audit_log_done(&log);
    json_free(prune((struct asked){ .keep_hours = -1 }));
    host_assert_result(h, audit_read(app_fd, 5, &log, &h->err), 0);
    struct json *entry = audit_entry(&log, 0);
    assert_string_equal(json_str(entry, "operation", ""), "prune");
    assert_string_equal(json_str(entry, "outcome", ""), "pruned");
    const struct json *changes = json_get(entry, "changes");
    assert_string_equal(json_value_str(json_first(json_get(changes, "images")), ""), "reg/shop@" OLD);
    assert_true(json_int(changes, "bytes", 0) >= 5);
    assert_int_equal(log.verified.entries, 1);
    json_free(entry);
    audit_log_done(&log);
    close_p(&app_fd);
}

static void a_prune_that_fails_is_in_the_audit_log_too(void **state)
{
    struct host *h = *state;
    struct client c;
    struct audit_log log;
    int app_fd = open_app(h);
    set_up_app(h, 24);
    fake_engine_reply(h->fake, "GET /images/json", 500, "{\"message\":\"no\"}");
    ask(&c, (struct asked){ .keep_hours = -1 });
    client_expect_outcome(&c, "failed_untouched", "docker");
    assert_int_equal(client_close(&c), 0);
    host_assert_result(h, audit_read(app_fd, 5, &log, &h->err), 0);
    struct json *entry = audit_entry(&log, 0);
    assert_string_equal(json_str(entry, "outcome", ""), "failed");
    assert_string_equal(json_str(entry, "error", ""), "docker");
    json_free(entry);
    audit_log_done(&log);
    close_p(&app_fd);
}

/* So many stopped containers that nobody needs: x0, x1, … */
static void add_leftovers(struct host *h, size_t count)
{
    struct buf text = BUF_INIT(65536);
    for (size_t i = 0; i < count; i++)
        buf_addf(&text,
                 "%s{\"Id\":\"x%zu\",\"Names\":[\"/shop-x%zu\"],\"State\":\"exited\",\"Labels\":{"
                 "\"io.bluegreen.app\":\"shop\",\"io.bluegreen.role\":\"version\"}}",
                 i ? "," : "[", i, i);
    buf_addc(&text, ']');
    fake_engine_reply(h->fake, "GET /containers/json", 200, buf_str(&text));
    fake_engine_reply(h->fake, "GET /containers/x", 200, "{\"State\":{\"Status\":\"exited\"}}");
    fake_engine_reply(h->fake, "DELETE /containers/x", 204, "");
    buf_done(&text);
}

static struct json *newest_entry(struct host *h)
{
    struct audit_log log;
    int app_fd = open_app(h);
    host_assert_result(h, audit_read(app_fd, 5, &log, &h->err), 0);
    struct json *entry = audit_entry(&log, 0);
    audit_log_done(&log);
    close_p(&app_fd);
    return entry;
}

static void what_was_removed_until_the_engine_was_lost_is_told_and_written_down(void **state)
{
    struct host *h = *state;
    struct client c;
    set_up_app(h, 24);
    add_leftovers(h, 3);
    fake_engine_answer(h->fake, (struct fake_answer){ .request = "DELETE /containers/x1", .status = FAKE_CLOSE });
    ask(&c, (struct asked){ .keep_hours = 24 });
    client_expect(&c, EVENT_REPORT);
    const struct json *gone = json_get(json_get(c.ev.body, "report"), "containers");
    assert_int_equal(json_len(gone), 1);
    assert_string_equal(json_str(json_first(gone), "name", ""), "shop-x0");
    client_expect_outcome(&c, "failed_untouched", "docker");
    assert_int_equal(client_close(&c), 0);
    struct json *entry = newest_entry(h);
    assert_string_equal(json_str(entry, "outcome", ""), "failed");
    gone = json_get(json_get(entry, "changes"), "containers");
    assert_int_equal(json_len(gone), 1);
    assert_string_equal(json_value_str(json_first(gone), ""), "shop-x0");
    json_free(entry);
}

static void who_is_asked_to_end_writes_down_first_what_it_removed(void **state)
{
    struct host *h = *state;
    struct client c;
    set_up_app(h, 24);
    add_leftovers(h, 50);
    ask(&c, (struct asked){ .keep_hours = 24 });
    while (fake_engine_count(h->fake, "DELETE /containers/") == 0)
        clock_sleep_ms(1);
    assert_int_equal(kill(c.pid, SIGTERM), 0);
    assert_int_equal(client_end_by_signal(&c), SIGTERM);
    assert_int_equal(fake_engine_count(h->fake, "DELETE /containers/"), 50);
    struct json *entry = newest_entry(h);
    assert_string_equal(json_str(entry, "outcome", ""), "pruned");
    assert_int_equal(json_len(json_get(json_get(entry, "changes"), "containers")), 50);
    json_free(entry);
}

static void who_waits_for_the_lock_ends_when_asked(void **state)
{
    struct host *h = *state;
    struct client c;
    struct lock_owner me = { .pid = getpid() };
    int lock_fd = -1, app_fd = open_app(h);
    set_up_app(h, 0);
    host_assert_result(h, lock_take(app_fd, &me, 0, NULL, NULL, NULL, &lock_fd, &h->err), 0);
    ask(&c, (struct asked){ .keep_hours = 0, .lock_timeout_ms = 600000 });
    client_expect(&c, EVENT_LOG);
    assert_int_equal(kill(c.pid, SIGTERM), 0);
    assert_int_equal(client_end_by_signal(&c), SIGTERM);
    assert_int_equal(fake_engine_count(h->fake, "DELETE "), 0);
    close_p(&lock_fd);
    close_p(&app_fd);
}

static void an_image_whose_record_is_gone_is_known_from_the_audit_log(void **state)
{
    struct host *h = *state;
    struct audit_mark mark;
    int app_fd = open_app(h);
    set_up_app(h, 0);
    host_assert_result(h, store_remove_deployment(app_fd, RECORD, &h->err), 0);
    struct json *entry = host_parse("{\"operation\":\"deploy\",\"deployment\":\"" RECORD
                                    "\",\"outcome\":\"deployed\",\"image\":\"reg/shop:1\",\"digest\":\"" OLD "\"}");
    host_assert_result(h, audit_append(app_fd, entry, NULL, &mark, &h->err), 0);
    struct json *report = prune((struct asked){ .keep_hours = 0 });
    assert_string_equal(json_str(json_first(json_get(report, "images")), "reference", ""), "docker.io/reg/shop@" OLD);
    json_free(report);
    json_free(entry);
    close_p(&app_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMPTY_CASE(nothing_is_found_and_made_where_the_app_is_unknown),
        EMPTY_CASE(a_dry_run_needs_no_lock_and_removes_nothing),
        EMPTY_CASE(a_limit_that_is_not_given_is_that_of_what_serves),
        EMPTY_CASE(who_has_the_lock_is_told),
        EMPTY_CASE(the_lock_is_waited_for_and_let_go),
        EMPTY_CASE(a_client_that_leaves_while_it_waits_has_nothing_removed),
        EMPTY_CASE(what_a_prune_removed_is_in_the_audit_log_and_a_dry_run_is_not),
        EMPTY_CASE(a_prune_that_fails_is_in_the_audit_log_too),
        EMPTY_CASE(what_was_removed_until_the_engine_was_lost_is_told_and_written_down),
        EMPTY_CASE(who_is_asked_to_end_writes_down_first_what_it_removed),
        EMPTY_CASE(who_waits_for_the_lock_ends_when_asked),
        EMPTY_CASE(an_image_whose_record_is_gone_is_known_from_the_audit_log),
        EMPTY_CASE(a_run_that_was_cut_off_is_brought_to_its_end_first),
    };
    struct err ignored = { 0 };
    if (http_global_init(&ignored) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
