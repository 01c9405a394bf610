#include "agent/worker.h"

#include "agent/state/lock.h"
#include "shared/clock.h"
#include "shared/http.h"
#include "tests/unit/agent/client.h"

#include <fcntl.h>

#define OTHER_ID "20260130-000000-ffffff"

/* A run that does not end by itself: the engine does not answer. */
static void start_lasting_run(struct host *h, struct client *c)
{
    fake_engine_reply(h->fake, "GET /info", FAKE_HANG, "");
    client_open_greeted(c);
    client_request(c, WIRE_DEPLOY, HOST_ID, 1);
    client_expect(c, EVENT_STEP_START);
}

static void let_engine_answer(struct host *h)
{
    fake_engine_reply(h->fake, "GET /info", 200, CLIENT_ENGINE_INFO);
}

static void a_cancel_ends_the_run(void **state)
{
    struct client c;
    start_lasting_run(*state, &c);
    client_request(&c, WIRE_CANCEL, HOST_ID, 1);
    client_expect_outcome(&c, "failed_untouched", "cancel");
    assert_int_equal(client_close(&c), 0);
}

static void a_cancel_in_one_piece_with_its_request_counts(void **state)
{
    struct host *h = *state;
    struct client c;
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    fake_engine_reply(h->fake, "GET /info", FAKE_HANG, "");
    client_open_greeted(&c);
    client_add_request(&out, WIRE_DEPLOY, HOST_ID, 1);
    client_add_request(&out, WIRE_CANCEL, HOST_ID, 1);
    client_send(&c, buf_span(&out));
    client_expect_outcome(&c, "failed_untouched", "cancel");
    assert_int_equal(client_close(&c), 0);
    buf_done(&out);
}

static void a_cancel_by_another_channel_reaches_the_worker(void **state)
{
    struct client c, second;
    start_lasting_run(*state, &c);
    client_open_greeted(&second);
    client_request(&second, WIRE_ATTACH, HOST_ID, 1);
    client_expect(&second, EVENT_STEP_START);
    client_request(&second, WIRE_CANCEL, HOST_ID, 1);
    client_expect_outcome(&second, "failed_untouched", "cancel");
    client_expect_outcome(&c, "failed_untouched", "cancel");
    assert_int_equal(client_close(&second), 0);
    assert_int_equal(client_close(&c), 0);
}

static void nothing_but_a_cancel_may_come_in_between(void **state)
{
    struct client c, second;
    start_lasting_run(*state, &c);
    client_request(&c, WIRE_STATUS, "", 1);
    client_expect_outcome(&c, "unknown", "proto");
    assert_int_equal(client_close(&c), 0);
    client_open_greeted(&second); /* the run goes on */
    client_request(&second, WIRE_CANCEL, HOST_ID, 1);
    client_request(&second, WIRE_ATTACH, HOST_ID, 2);
    client_expect_outcome(&second, "failed_untouched", "cancel");
    assert_int_equal(client_close(&second), 0);
}

static pid_t worker_of(struct host *h, const char *id)
{
    struct buf text;
    int64_t pid = 0;
    if (h->run.app_fd < 0)
        host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    host_assert_result(h, store_open_deployment(h->run.app_fd, id, &h->run.dir_fd, &h->err), 0);
    (void)host_read(h->run.dir_fd, "worker.pid", &text);
    assert_true(span_to_int(buf_span(&text), 2, INT32_MAX, &pid));
    buf_done(&text);
    return (pid_t)pid;
}

static void a_client_that_leaves_does_not_end_the_run(void **state)
{
    struct host *h = *state;
    struct client c, second;
    start_lasting_run(h, &c);
    pid_t worker = worker_of(h, HOST_ID);
    assert_int_equal(getsid(worker), worker); /* what ends the login ends its session */
    assert_int_equal(client_close(&c), ERR_NET);
    client_open_greeted(&second);
    client_request(&second, WIRE_ATTACH, HOST_ID, 1);
    client_expect(&second, EVENT_STEP_START);
    client_request(&second, WIRE_CANCEL, HOST_ID, 1);
    client_expect_outcome(&second, "failed_untouched", "cancel");
    assert_int_equal(client_close(&second), 0);
}

static void an_agent_that_is_killed_leaves_no_open_channel(void **state)
{
    struct client c, second;
    start_lasting_run(*state, &c);
    assert_int_equal(kill(c.pid, SIGKILL), 0);
    while (client_read(&c)) /* comes to an end, though the run goes on */
        ;
    assert_int_equal(client_end_by_signal(&c), SIGKILL);
    client_open_greeted(&second);
    client_request(&second, WIRE_ATTACH, HOST_ID, 1);
    client_expect(&second, EVENT_STEP_START);
    client_request(&second, WIRE_CANCEL, HOST_ID, 1);
    client_expect_outcome(&second, "failed_untouched", "cancel");
    assert_int_equal(client_close(&second), 0);
}

static void the_run_of_a_killed_worker_is_brought_to_an_end(void **state)
{
    struct host *h = *state;
    struct client c;
    start_lasting_run(h, &c);
    let_engine_answer(h);
    assert_int_equal(kill(worker_of(h, HOST_ID), SIGKILL), 0);
    client_expect(&c, EVENT_LOG);
    assert_int_equal(c.ev.seq, 2);
    assert_non_null(strstr(json_str(c.ev.body, "text", ""), "was cut off"));
    client_expect_outcome(&c, "failed_untouched", "remote");
    client_request(&c, WIRE_ATTACH, HOST_ID, 1); /* and it stays ended */
    (void)client_read_numbered(&c, 1);
    assert_int_equal(client_close(&c), 0);
}

static void a_run_that_nobody_watched_is_ended_by_the_next_one(void **state)
{
    struct host *h = *state;
    struct client c;
    start_lasting_run(h, &c);
    pid_t worker = worker_of(h, HOST_ID);
    close_p(&h->run.dir_fd);
    assert_int_equal(client_close(&c), ERR_NET);
    let_engine_answer(h);
    assert_int_equal(kill(worker, SIGKILL), 0);
    client_open_greeted(&c);
    /* The lock of a killed process is free as soon as the kernel is done with it. */
    struct lock_owner owner;
    for (int64_t end = clock_mono_ms() + CLIENT_WAIT_MS; lock_is_held(h->run.app_fd, &owner) && clock_mono_ms() < end;)
        clock_sleep_ms(1);
    client_request(&c, WIRE_ROLLBACK, OTHER_ID, 1);
    client_expect_outcome(&c, "failed_untouched", "no_previous");
    assert_int_equal(client_close(&c), 0);
    host_assert_result(h, store_open_deployment(h->run.app_fd, HOST_ID, &h->run.dir_fd, &h->err), 0);
    struct json *outcome = host_event(h->run.dir_fd, EVENT_OUTCOME), *end = host_event(h->run.dir_fd, EVENT_END);
    assert_string_equal(json_str(outcome, "outcome", ""), "failed_untouched");
    assert_non_null(end);
    json_free(outcome);
    json_free(end);
}

static void a_run_that_was_killed_before_its_last_word_gets_it(void **state)
{
    struct host *h = *state;
    struct client c;
    struct buf events;
    client_open_greeted(&c);
    client_deploy_without_engine(&c);
    uint64_t last = c.ev.seq;
    int64_t exit_code = json_int(c.ev.body, "exit", -1);
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    host_assert_result(h, store_open_deployment(h->run.app_fd, HOST_ID, &h->run.dir_fd, &h->err), 0);
    int fd = openat(h->run.dir_fd, EVENTLOG_FILE, O_RDWR | O_CLOEXEC);
    (void)host_read(h->run.dir_fd, EVENTLOG_FILE, &events);
    const char *end = strrchr(buf_str(&events), 'e'); /* somewhere in the last line */
    while (end > events.ptr && end[-1] != '\n')
        end--;
    assert_int_equal(ftruncate(fd, end - events.ptr), 0);
    client_request(&c, WIRE_ATTACH, HOST_ID, 1);
    assert_int_equal(client_read_numbered(&c, 1), last);
    assert_int_equal(json_int(c.ev.body, "exit", -1), exit_code);
    assert_int_equal(client_close(&c), 0);
    buf_done(&events);
    close_p(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMPTY_CASE(a_cancel_ends_the_run),
        EMPTY_CASE(a_cancel_in_one_piece_with_its_request_counts),
        EMPTY_CASE(a_cancel_by_another_channel_reaches_the_worker),
        EMPTY_CASE(nothing_but_a_cancel_may_come_in_between),
        EMPTY_CASE(a_client_that_leaves_does_not_end_the_run),
        EMPTY_CASE(an_agent_that_is_killed_leaves_no_open_channel),
        EMPTY_CASE(the_run_of_a_killed_worker_is_brought_to_an_end),
        EMPTY_CASE(a_run_that_nobody_watched_is_ended_by_the_next_one),
        ALONE_CASE(a_run_that_was_killed_before_its_last_word_gets_it),
    };
    struct err err = { 0 };
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
