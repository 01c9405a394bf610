#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <sys/wait.h>

#define CANARY "canary-5f2e9a"

static void emit(struct host *h, enum event_kind kind, const char *key, const char *value)
{
    struct event ev;
    event_init(&ev, kind, "step");
    if (key)
        json_set_str(ev.body, key, value);
    eventlog_emit(&h->run.log, &ev);
    event_done(&ev);
}

static void emit_log(struct host *h, const char *text)
{
    emit(h, EVENT_LOG, "text", text);
}

static void reopen(struct host *h)
{
    eventlog_close(&h->run.log);
    host_assert_result(h, eventlog_open(&h->run.log, h->run.dir_fd, HOST_STAMP, h->run.redactor, &h->err), 0);
}

static void keep_secret(struct host *h, const char *secret)
{
    host_assert_result(h, redactor_add(h->run.redactor, span_of(secret), &h->err), 0);
}

static void assert_numbered(struct host *h, uint64_t count)
{
    struct buf all;
    struct span rest, line;
    uint64_t want = 0;
    (void)host_read(h->run.dir_fd, EVENTLOG_FILE, &all);
    for (rest = buf_span(&all); span_next_line(&rest, &line);) {
        struct event ev;
        assert_int_equal(event_decode(line, &ev, NULL), 0);
        assert_int_equal(ev.seq, ++want);
        event_done(&ev);
    }
    assert_int_equal(want, count);
    buf_done(&all);
}

static void events_are_numbered_without_a_gap(void **state)
{
    struct host *h = *state;
    for (int i = 0; i < 5; i++)
        emit_log(h, "x");
    assert_numbered(h, 5);
}

static void after_reopening_the_numbers_go_on(void **state)
{
    struct host *h = *state;
    emit_log(h, "one");
    emit_log(h, "two");
    reopen(h);
    emit_log(h, "three");
    assert_numbered(h, 3);
}

static void the_end_is_known_after_reopening(void **state)
{
    struct host *h = *state;
    emit_log(h, "one");
    assert_false(h->run.log.ended);
    emit(h, EVENT_END, NULL, NULL);
    assert_true(h->run.log.ended);
    reopen(h);
    assert_true(h->run.log.ended);
    emit_log(h, "behind it");
    reopen(h);
    assert_false(h->run.log.ended);
}

static void a_line_that_a_crash_cut_is_dropped(void **state)
{
    struct host *h = *state;
    struct buf all;
    emit_log(h, "one");
    int64_t good = h->run.log.bytes;
    emit_log(h, "two, which is cut");
    int64_t end = h->run.log.bytes;
    struct buf whole;
    (void)host_read(h->run.dir_fd, EVENTLOG_FILE, &whole);
    for (int64_t cut = good; cut < end; cut++) {
        assert_int_equal(ftruncate(h->run.log.events_fd, 0), 0);
        assert_int_equal(pwrite(h->run.log.events_fd, whole.ptr, (size_t)cut, 0), cut);
        reopen(h);
        emit_log(h, "two again");
        assert_numbered(h, 2);
        assert_null(strstr(host_read(h->run.dir_fd, EVENTLOG_FILE, &all), "is cut"));
        buf_done(&all);
    }
    buf_done(&whole);
}

static void a_line_that_is_no_event_ends_what_is_kept(void **state)
{
    struct host *h = *state;
    emit_log(h, "one");
    assert_int_equal(write(h->run.log.events_fd, "garbage\n", 8), 8);
    emit_log(h, "behind it");
    reopen(h);
    assert_int_equal(h->run.log.seq, 1);
    emit_log(h, "two");
    assert_numbered(h, 2);
}

static void a_line_that_the_disk_did_not_take_leaves_no_trace(void **state)
{
    struct host *h = *state;
    emit_log(h, "one");
    host_limit_files(h->run.log.bytes + 30);
    emit_log(h, "lost");
    host_limit_files(-1);
    assert_int_equal(h->run.log.dropped, 1);
    emit_log(h, "two");
    assert_numbered(h, 2);
}

/* A body in which every string is the secret, but for the words of the protocol. */
static struct json *body_full_of(const char *secret)
{
    struct json *body = json_object(), *list = json_array(), *object = json_object(), *deep = json_array();
    static const char *const keys[] = { "title",  "text",           "name",     "cause",    "next",  "image",
                                        "digest", "previous_image", "run_link", "error",    "value", "reason",
                                        "to",     "hint",           "message",  "image_ref" };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        json_set_str(body, keys[i], secret);
        json_set_str(object, keys[i], secret);
    }
    json_push_str(list, secret);
    json_push(deep, object);
    json_push(list, deep);
    json_set(body, "evidence", list);
    struct json *odd = json_object();
    json_set_str(odd, "inner", secret);
    json_set(body, "status", odd); /* a word's name, but no word */
    return body;
}

static void a_secret_is_in_no_member_of_any_event(void **state)
{
    struct host *h = *state;
    struct buf all;
    keep_secret(h, CANARY);
    for (int kind = EVENT_INVALID + 1; kind < EVENT_KINDS; kind++) {
        struct event ev;
        event_init(&ev, (enum event_kind)kind, "step");
        json_free(ev.body);
        ev.body = body_full_of("before " CANARY " after");
        eventlog_emit(&h->run.log, &ev);
        event_done(&ev);
    }
    assert_numbered(h, EVENT_KINDS - 1);
    assert_null(strstr(host_read(h->run.dir_fd, EVENTLOG_FILE, &all), CANARY));
    assert_non_null(strstr(buf_str(&all), "before *** after"));
    buf_done(&all);
    assert_null(strstr(host_read(h->run.dir_fd, h->run.log.log_name, &all), CANARY));
    assert_non_null(strstr(buf_str(&all), "before *** after"));
    buf_done(&all);
}

static void a_secret_that_is_a_word_of_the_protocol_does_not_break_it(void **state)
{
    struct host *h = *state;
    static const char *const words[] = { "outcome", "kind",  "verdict", "level",    "source",    "role",
                                         "target",  "code",  "status",  "strategy", "operation", "deployment",
                                         "started", "ended", "log",     "metrics",  "unit",      "app" };
    keep_secret(h, "deployed");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct event ev;
        struct json *inner = json_object();
        event_init(&ev, EVENT_OUTCOME, "");
        json_set_str(inner, words[i], "deployed");
        json_set(ev.body, "error", inner); /* members count at any depth */
        eventlog_emit(&h->run.log, &ev);
        event_done(&ev);
        struct json *told = host_event(h->run.dir_fd, EVENT_OUTCOME);
        assert_string_equal(json_str(json_get(told, "error"), words[i], ""), "deployed");
        json_free(told);
    }
    emit(h, EVENT_OUTCOME, "image", "deployed");
    struct json *told = host_event(h->run.dir_fd, EVENT_OUTCOME);
    assert_string_equal(json_str(told, "image", ""), "***");
    json_free(told);
}

static void a_secret_that_is_a_key_or_a_number_leaves_the_form_whole(void **state)
{
    struct host *h = *state;
    keep_secret(h, "text");
    keep_secret(h, "2026");
    keep_secret(h, "\"seq\":");
    emit_log(h, "the text of 2026");
    struct json *told = host_event(h->run.dir_fd, EVENT_LOG);
    assert_string_equal(json_str(told, "text", ""), "the *** of ***");
    json_free(told);
    assert_numbered(h, 1);
}

static void what_the_caller_keeps_of_an_event_is_redacted_too(void **state)
{
    struct host *h = *state;
    struct event ev;
    keep_secret(h, CANARY);
    event_init(&ev, EVENT_OUTCOME, "");
    json_set_str(ev.body, "image", CANARY);
    eventlog_emit(&h->run.log, &ev);
    assert_string_equal(json_str(ev.body, "image", ""), "***");
    event_done(&ev);
}

static void the_log_for_people_has_a_line_an_event(void **state)
{
    struct host *h = *state;
    struct buf all;
    emit(h, EVENT_STEP_START, "title", "Pull image");
    emit_log(h, "hello");
    emit(h, EVENT_END, NULL, NULL);
    const char *text = host_read(h->run.dir_fd, "deployment-" HOST_STAMP ".log", &all);
    assert_non_null(strstr(text, "[step] start: Pull image\n"));
    assert_non_null(strstr(text, "hello\n"));
    assert_int_equal(strlen(strchr(strchr(text, '\n') + 1, '\n')), 1); /* two lines: `end` says nothing to people */
    buf_done(&all);
}

static void beyond_its_size_the_small_talk_is_left_out(void **state)
{
    struct host *h = *state;
    h->run.log.bytes = EVENTLOG_MAX_BYTES + 1;
    emit_log(h, "left out");
    emit(h, EVENT_STEP_PROGRESS, "text", "left out");
    emit(h, EVENT_HEALTH_SAMPLE, "target", "candidate");
    assert_int_equal(h->run.log.dropped, 3);
    emit(h, EVENT_STEP_DONE, "text", "told");
    assert_int_equal(h->run.log.dropped, 3);
    assert_numbered(h, 1);
}

static void an_event_too_long_for_a_line_takes_no_number(void **state)
{
    struct host *h = *state;
    struct buf text = BUF_INIT(2 * EVENT_LINE_MAX);
    while (text.len < EVENT_LINE_MAX)
        buf_adds(&text, "a long line ");
    struct event ev;
    event_init(&ev, EVENT_DIAGNOSIS, "");
    struct json *lines = json_array();
    json_push_str(lines, "short");
    for (int i = 0; i < 3; i++) {
        text.ptr[EVENT_LINE_MAX / 2] = '\0';
        json_push_str(lines, text.ptr);
    }
    json_set(ev.body, "evidence", lines);
    eventlog_emit(&h->run.log, &ev);
    event_done(&ev);
    buf_done(&text);
    assert_int_equal(h->run.log.dropped, 1);
    emit_log(h, "next");
    assert_numbered(h, 1);
}

static void a_log_has_one_writer(void **state)
{
    struct host *h = *state;
    struct eventlog second;
    int reader = openat(h->run.dir_fd, EVENTLOG_FILE, O_RDONLY | O_CLOEXEC);
    assert_true(eventlog_is_written(reader));
    host_assert_err(h, eventlog_open(&second, h->run.dir_fd, "20260201-000000", NULL, &h->err), ERR_LOCKED,
                    "another process");
    assert_int_equal(faccessat(h->run.dir_fd, "deployment-20260201-000000.log", F_OK, 0), -1);
    eventlog_close(&h->run.log);
    assert_false(eventlog_is_written(reader));
    host_assert_result(h, eventlog_open(&second, h->run.dir_fd, HOST_STAMP, NULL, &h->err), 0);
    eventlog_close(&second);
    close_p(&reader);
}

static void who_goes_on_later_writes_into_the_log_that_is_there(void **state)
{
    struct host *h = *state;
    struct buf text;
    char name[EVENTLOG_NAME_MAX] = "untouched";
    emit_log(h, "before");
    eventlog_close(&h->run.log);
    host_write(h->run.dir_fd, "deployment-metrics-" HOST_STAMP ".json", "{}");
    host_assert_result(h, eventlog_open(&h->run.log, h->run.dir_fd, "20260201-000000", h->run.redactor, &h->err), 0);
    emit_log(h, "after");
    assert_string_equal(h->run.log.log_name, "deployment-" HOST_STAMP ".log");
    assert_int_equal(faccessat(h->run.dir_fd, "deployment-20260201-000000.log", F_OK, 0), -1);
    assert_non_null(strstr(host_read(h->run.dir_fd, h->run.log.log_name, &text), "before"));
    assert_non_null(strstr(buf_str(&text), "after"));
    buf_done(&text);
    host_assert_result(h, eventlog_find(h->run.dir_fd, name, &h->err), 0);
    assert_int_equal(unlinkat(h->run.dir_fd, name, 0), 0);
    host_assert_result(h, eventlog_find(h->run.dir_fd, name, &h->err), 1);
    assert_string_equal(name, "deployment-" HOST_STAMP ".log");
}

/* The worker is a child of the process that opened the log: it must count as the writer, and its death be seen. */
static void a_dead_writer_is_noticed(void **state)
{
    struct host *h = *state;
    int hold[2];
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close_p(&hold[1]);
        (void)!read(hold[0], &byte, 1); /* until the parent says so */
        _exit(0);
    }
    assert_true(child > 0);
    close_p(&hold[0]);
    eventlog_close(&h->run.log);
    int reader = openat(h->run.dir_fd, EVENTLOG_FILE, O_RDONLY | O_CLOEXEC);
    assert_true(eventlog_is_written(reader));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(eventlog_is_written(reader));
    close_p(&hold[1]);
    close_p(&reader);
}

/* The log's text is cut at 8 KiB, an error's frame at 320 bytes: nowhere may half a secret be left. */
static void a_secret_at_a_cut_is_hidden(void **state)
{
    struct host *h = *state;
    struct buf all;
    keep_secret(h, CANARY "-" CANARY);
    for (int before = 8150; before < 8200; before++)
        run_log(&h->run, "info", "app", "%0*d" CANARY "-" CANARY " end", before, 0);
    for (int before = 270; before < 330; before++) {
        struct err err = { 0 };
        (void)err_set(&err, ERR_DOCKER, 0, "%0*d" CANARY "-" CANARY, before, 0);
        (void)err_wrap(&err, "step %d", before);
        run_emit_error(&h->run, EVENT_STEP_FAILED, "pull", 1, &err);
    }
    assert_null(strstr(host_read(h->run.dir_fd, EVENTLOG_FILE, &all), "0canary-5")); /* less tells nothing */
    assert_non_null(strstr(buf_str(&all), "0***"));
    buf_done(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_CASE(events_are_numbered_without_a_gap),
        RUN_CASE(after_reopening_the_numbers_go_on),
        RUN_CASE(the_end_is_known_after_reopening),
        RUN_CASE(a_line_that_a_crash_cut_is_dropped),
        RUN_CASE(a_line_that_is_no_event_ends_what_is_kept),
        RUN_CASE(a_line_that_the_disk_did_not_take_leaves_no_trace),
        RUN_CASE(a_secret_is_in_no_member_of_any_event),
        RUN_CASE(a_secret_that_is_a_word_of_the_protocol_does_not_break_it),
        RUN_CASE(a_secret_that_is_a_key_or_a_number_leaves_the_form_whole),
        RUN_CASE(what_the_caller_keeps_of_an_event_is_redacted_too),
        RUN_CASE(the_log_for_people_has_a_line_an_event),
        RUN_CASE(a_secret_at_a_cut_is_hidden),
        RUN_CASE(beyond_its_size_the_small_talk_is_left_out),
        RUN_CASE(an_event_too_long_for_a_line_takes_no_number),
        RUN_CASE(a_log_has_one_writer),
        RUN_CASE(who_goes_on_later_writes_into_the_log_that_is_there),
        RUN_CASE(a_dead_writer_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
