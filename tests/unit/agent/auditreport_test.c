#include "agent/answers/auditreport.h"

#include "agent/finish.h"
#include "agent/state/store.h"
#include "tests/unit/agent/auditlog.h"
#include "tests/unit/agent/client.h"

#include <fcntl.h>
#include <sys/stat.h>

#define LINK "https://github.example/org/repo/actions/runs/7"

/* ---- history, as a client gets it ---- */

/* The log of HOST_APP below the client's state root. */
static int open_app(void)
{
    int fd = -1;
    struct err err = { 0 };
    assert_int_equal(store_open_app(HOST_APP, &fd, &err), 0);
    return fd;
}

static void append(int app_fd, const char *deployment, const char *outcome)
{
    struct audit_mark mark;
    struct err err = { 0 };
    struct json *e = auditlog_entry(deployment, outcome);
    assert_int_equal(audit_append(app_fd, e, NULL, &mark, &err), 0);
    json_free(e);
}

static void ask(struct client *c, int64_t lines, bool verify)
{
    _cleanup_(wire_request_done_p) struct wire_request r;
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    wire_request_init(&r);
    r.op = WIRE_HISTORY;
    (void)snprintf(r.app, sizeof(r.app), "%s", HOST_APP);
    r.lines = lines;
    r.verify = verify;
    assert_int_equal(wire_encode(&r, &out, NULL), 0);
    client_send(c, buf_span(&out));
    buf_done(&out);
}

/* The whole answer as the action puts it together; caller frees. events: how many there were. */
static struct json *read_answer(struct client *c, int *events)
{
    struct json *all = NULL, *entries = json_array();
    *events = 0;
    for (;;) {
        assert_true(client_next(c));
        if (c->ev.kind != EVENT_REPORT)
            break;
        ++*events;
        assert_string_equal(json_str(c->ev.body, "name", ""), "history");
        const struct json *report = json_get(c->ev.body, "report");
        if (!all)
            all = json_copy(report);
        for (const struct json *e = json_first(json_get(report, "entries")); e; e = json_next(e))
            json_push(entries, json_copy(e));
    }
    assert_non_null(all);
    json_set(all, "entries", entries);
    assert_int_equal(c->ev.kind, EVENT_OUTCOME);
    return all;
}

static void an_app_that_is_not_there_has_an_empty_history_and_gets_no_folder(void **state)
{
    struct host *h = *state;
    struct client c;
    char path[80];
    int events;
    client_open_greeted(&c);
    ask(&c, 20, true);
    struct json *report = read_answer(&c, &events);
    assert_string_equal(json_str(c.ev.body, "outcome", ""), "reported");
    assert_string_equal(json_str(report, "app", ""), HOST_APP);
    assert_int_equal(json_len(json_get(report, "entries")), 0);
    assert_int_equal(json_int(report, "total", -1), 0);
    assert_true(json_bool(json_get(report, "verified"), "whole", false));
    assert_string_equal(json_str(json_get(report, "verified"), "head", "?"), "");
    json_free(report);
    client_expect(&c, EVENT_END);
    assert_int_equal(client_close(&c), 0);
    (void)snprintf(path, sizeof(path), "%s/apps", h->root);
    assert_int_equal(access(path, F_OK), -1);
}

static void entries_come_newest_first_with_all_their_members(void **state)
{
    (void)state;
    static const char *const members[] = {
        "n",
        "t",
        "operation",
        "deployment",
        "outcome",
        "error",
        "image",
        "digest",
        "previous_image",
        "previous_digest",
        "previous_deployment",
        "strategy",
        "who",
        "reason",
        "started",
        "total_seconds",
        "cutover_seconds",
        "health_check_seconds",
        "hash",
        "broken",
        "requests_failed",
        "outage_seconds",
        "image_pull_seconds",
        "changes",
    };
    struct client c;
    int events, app_fd = open_app();
    append(app_fd, "a", "deployed");
    append(app_fd, "b", "rolled_back");
    client_open_greeted(&c);
    ask(&c, 1, false);
    struct json *report = read_answer(&c, &events);
    const struct json *e = json_first(json_get(report, "entries"));
    assert_int_equal(json_len(json_get(report, "entries")), 1);
    assert_int_equal(json_int(report, "total", 0), 2);
    assert_string_equal(json_str(e, "deployment", ""), "b");
    assert_int_equal(json_int(e, "n", 0), 2);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (!json_get(e, members[i]))
            fail_msg("an entry without '%s'", members[i]);
    assert_int_equal(json_len(e), sizeof(members) / sizeof(members[0]));
    assert_true(json_num(e, "outage_seconds", 0) == -1);
    assert_string_equal(json_str(json_get(report, "verified"), "head", ""), json_str(e, "hash", "?"));
    json_free(report);
    client_expect(&c, EVENT_END);
    assert_int_equal(client_close(&c), 0);
    close_p(&app_fd);
}

static void a_long_history_comes_in_several_events(void **state)
{
    struct host *h = *state;
    struct auditlog log;
    struct client c;
    struct buf members = BUF_INIT(1 << 16);
    int events, app_fd = open_app();
    (void)h;
    auditlog_init(&log);
    buf_adds(&members, "\"reason\":\"");
    for (int i = 0; i < 12000; i++)
        buf_addc(&members, 'x');
    buf_adds(&members, "\",");
    for (int i = 0; i < 130; i++)
        auditlog_add(&log, i % 13 == 0 ? buf_str(&members) : "");
    auditlog_write(&log, app_fd);
    client_open_greeted(&c);
    ask(&c, 125, true);
    struct json *report = read_answer(&c, &events);
    assert_string_equal(json_str(c.ev.body, "outcome", ""), "reported");
    assert_true(events > 3 && events < 20);
    assert_int_equal(json_len(json_get(report, "entries")), 125);
    int64_t n = 130;
    for (const struct json *e = json_first(json_get(report, "entries")); e; e = json_next(e))
        assert_int_equal(json_int(e, "n", 0), n--);
    json_free(report);
    client_expect(&c, EVENT_END);
    assert_int_equal(client_close(&c), 0);
    buf_done(&members);
    auditlog_done(&log);
    close_p(&app_fd);
}

static void a_log_that_is_not_whole_fails_the_verification_after_the_report(void **state)
{
    (void)state;
    struct client c;
    int events, app_fd = open_app();
    append(app_fd, "a", "deployed");
    append(app_fd, "b", "deployed");
    int fd = openat(app_fd, AUDIT_FILE, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "X", 1, 100), 1);
    close_p(&fd);
    client_open_greeted(&c);
    for (int verify = 0; verify <= 1; verify++) {
        ask(&c, 20, verify);
        struct json *report = read_answer(&c, &events);
        const struct json *v = json_get(report, "verified"), *error = json_get(c.ev.body, "error");
        assert_false(json_bool(v, "whole", true));
        assert_int_equal(json_int(v, "first_bad", 0), 1);
        assert_non_null(strstr(json_str(v, "why", ""), "entry 1 is damaged"));
        assert_int_equal(json_len(json_get(report, "entries")),
                         1); /* what is damaged is not shown as if it were true */
        assert_string_equal(json_str(error, "kind", ""), verify ? "audit" : "");
        if (verify)
            assert_non_null(strstr(json_str(error, "message", ""), "entry 1 is damaged"));
        json_free(report);
        client_expect(&c, EVENT_END);
        assert_int_equal(json_int(c.ev.body, "exit", 0), verify ? 42 : 0);
    }
    assert_int_equal(client_close(&c), 0);
    close_p(&app_fd);
}

/* ---- a run's entry ---- */

/* The newest entry of the run's app; caller frees. */
static struct json *newest(struct host *h, int64_t entries)
{
    struct audit_log log;
    host_assert_result(h, audit_read(h->run.app_fd, 1, &log, &h->err), 0);
    assert_true(log.verified.whole);
    assert_int_equal(log.verified.entries, entries);
    struct json *e = audit_entry(&log, 0);
    audit_log_done(&log);
    return e;
}

static void every_end_of_a_run_is_in_the_log_and_its_hash_leaves_with_the_outcome(void **state)
{
    struct host *h = *state;
    struct err cause = { 0 };
    host_assert_result(h, redactor_add(h->run.redactor, SPAN_LIT("hunter2-canary"), &h->err), 0);
    (void)snprintf(h->run.run_link, sizeof(h->run.run_link), LINK);
    (void)snprintf(h->run.reason, sizeof(h->run.reason), "the token hunter2-canary leaked");
    h->run.op = WIRE_ROLLBACK;
    h->run.cutover_ms = 250;
    h->run.changes = host_parse("{\"env_changed\":[\"MODE\"],\"image\":[\"a\",\"b\"],\"kept\":{\"ports\":\"1\"}}");
    (void)err_set(&cause, ERR_UNHEALTHY, 0, "it does not answer");
    finish_run(&h->run, OUTCOME_ROLLBACK_FAILED, &cause);
    struct json *e = newest(h, 1), *outcome = host_event(h->run.dir_fd, EVENT_OUTCOME);
    assert_string_equal(json_str(e, "operation", ""), "rollback");
    assert_string_equal(json_str(e, "outcome", ""), "rollback_failed");
    assert_string_equal(json_str(e, "error", ""), "unhealthy");
    assert_string_equal(json_str(e, "deployment", ""), HOST_ID);
    assert_string_equal(json_str(e, "who", ""), LINK);
    assert_string_equal(json_str(e, "reason", ""), "the token *** leaked");
    assert_true(json_num(e, "cutover_seconds", 0) == 0.25);
    assert_true(json_num(e, "outage_seconds", 0) == -1);
    assert_int_equal(json_len(json_get(e, "changes")), 1);
    assert_int_equal(json_len(json_path(e, "changes", "env_changed", NULL)), 1);
    assert_int_equal(json_int(json_get(outcome, "audit"), "n", 0), 1);
    assert_string_equal(json_str(json_get(outcome, "audit"), "hash", ""), json_str(e, "hash", "?"));
    json_free(e);
    json_free(outcome);
}

static void a_log_that_cannot_be_written_is_a_warning_and_changes_no_outcome(void **state)
{
    struct host *h = *state;
    struct err none = { 0 };
    assert_int_equal(mkdirat(h->run.app_fd, AUDIT_FILE, 0700), 0); /* in its place */
    h->run.op = WIRE_DEPLOY;
    finish_run(&h->run, OUTCOME_DEPLOYED, &none);
    struct json *outcome = host_event(h->run.dir_fd, EVENT_OUTCOME), *log = host_event(h->run.dir_fd, EVENT_LOG);
    assert_string_equal(json_str(outcome, "outcome", ""), "deployed");
    assert_null(json_get(outcome, "audit"));
    assert_string_equal(json_str(log, "level", ""), "warning");
    assert_non_null(strstr(json_str(log, "text", ""), "not in the audit log"));
    json_free(outcome);
    json_free(log);
}

static void a_run_says_what_was_wrong_with_the_log(void **state)
{
    struct host *h = *state;
    struct err none = { 0 };
    (void)auditlog_append(h, "a", "deployed");
    host_write(h->run.app_fd, AUDIT_HEAD_FILE, "nonsense");
    h->run.op = WIRE_DEPLOY;
    finish_run(&h->run, OUTCOME_DEPLOYED, &none);
    struct json *log = host_event(h->run.dir_fd, EVENT_LOG), *outcome = host_event(h->run.dir_fd, EVENT_OUTCOME);
    assert_string_equal(json_str(log, "level", ""), "warning");
    assert_non_null(strstr(json_str(log, "text", ""), "audit.head is damaged"));
    assert_int_equal(json_int(json_get(outcome, "audit"), "n", 0), 2);
    json_free(log);
    json_free(outcome);
}

/* ---- trend ---- */

static void add_run(struct host *h, const char *operation, const char *deployment, const char *outcome, double total)
{
    struct audit_mark mark;
    struct json *e = auditlog_entry(deployment, outcome);
    json_set_str(e, "operation", operation);
    json_set_num(e, "total_seconds", total);
    json_set_num(e, "outage_seconds", total / 10);
    host_assert_result(h, audit_append(h->run.app_fd, e, NULL, &mark, &h->err), 0);
    json_free(e);
}

static void the_trend_is_of_good_runs_oldest_first(void **state)
{
    struct host *h = *state;
    add_run(h, "deploy", "a", "deployed", 10);
    add_run(h, "deploy", "b", "rolled_back", 11);
    add_run(h, "rollback", "c", "rolled_back", 12);
    add_run(h, "deploy", "d", "unchanged", 13);
    add_run(h, "prune", "", "pruned", 14);
    add_run(h, "deploy", "e", "failed_untouched", 15);
    add_run(h, "deploy", "f", "deployed", 16);
    struct json *trend = auditreport_trend(h->run.app_fd);
    const char *const want[] = { "a", "c", "f" };
    size_t i = 0;
    assert_int_equal(json_len(trend), 3);
    for (const struct json *p = json_first(trend); p; p = json_next(p))
        assert_string_equal(json_str(p, "deployment", ""), want[i++]);
    assert_true(json_num(json_first(trend), "total", 0) == 10);
    assert_true(json_num(json_first(trend), "outage", 0) == 1);
    assert_true(json_num(json_first(trend), "cutover", 0) == -1);
    json_free(trend);
}

static void the_trend_has_an_end(void **state)
{
    struct host *h = *state;
    char name[8];
    for (int i = 0; i < AUDITREPORT_TREND_MAX + 5; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        add_run(h, "deploy", name, "deployed", i);
    }
    struct json *trend = auditreport_trend(h->run.app_fd);
    assert_int_equal(json_len(trend), AUDITREPORT_TREND_MAX);
    assert_string_equal(json_str(json_first(trend), "deployment", ""), "d5");
    json_free(trend);
}

static void the_trend_of_an_app_without_a_log_is_empty(void **state)
{
    struct host *h = *state;
    struct json *trend = auditreport_trend(h->run.app_fd);
    assert_int_equal(json_len(trend), 0);
    json_free(trend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE_CASE(an_app_that_is_not_there_has_an_empty_history_and_gets_no_folder),
        ALONE_CASE(entries_come_newest_first_with_all_their_members),
        ALONE_CASE(a_long_history_comes_in_several_events),
        ALONE_CASE(a_log_that_is_not_whole_fails_the_verification_after_the_report),
        RUN_CASE(every_end_of_a_run_is_in_the_log_and_its_hash_leaves_with_the_outcome),
        RUN_CASE(a_log_that_cannot_be_written_is_a_warning_and_changes_no_outcome),
        RUN_CASE(a_run_says_what_was_wrong_with_the_log),
        RUN_CASE(the_trend_is_of_good_runs_oldest_first),
        RUN_CASE(the_trend_has_an_end),
        RUN_CASE(the_trend_of_an_app_without_a_log_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
