#include "agent/answers/logs.h"

#include "agent/state/eventlog.h"
#include "shared/clock.h"
#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SECRET "hunter2-canary"
#define FRAMES                                                                                                         \
    "\x01\0\0\0\0\0\0\x06"                                                                                             \
    "first\n"                                                                                                          \
    "\x02\0\0\0\0\0\0\x13"                                                                                             \
    "key hunter2-canary\n"

struct reading {
    struct logs_child child;
    int fd;
    struct buf bytes; /* of the data events, without their heads */
};

static void start(struct host *h, struct reading *r, const struct wire_request *request)
{
    int ends[2];
    *r = (struct reading){ .bytes = BUF_INIT(1 << 20) };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    host_assert_result(h, logs_start(request, ends[1], &r->child, &h->err), 0);
    close_p(&ends[1]);
    r->fd = ends[0];
}

/* Everything up to the end of the child's output; the heads of data events are taken out. */
static const char *read_all(struct reading *r)
{
    _cleanup_(buf_done_p) struct buf all = BUF_INIT(1 << 20);
    char chunk[4096];
    ssize_t n;
    while ((n = read(r->fd, chunk, sizeof(chunk))) > 0)
        buf_add(&all, chunk, (size_t)n);
    struct span rest = buf_span(&all), line;
    while (span_next_line(&rest, &line)) {
        struct event ev;
        assert_int_equal(event_decode(line, &ev, NULL), 0);
        assert_int_equal(ev.kind, EVENT_DATA);
        size_t len = (size_t)json_int(ev.body, "bytes", 0);
        assert_true(len <= rest.len);
        buf_add(&r->bytes, rest.ptr, len);
        rest = (struct span){ rest.ptr + len, rest.len - len };
        event_done(&ev);
    }
    return buf_str(&r->bytes);
}

static int end(struct host *h, struct reading *r)
{
    int result = logs_end(&r->child, &h->err);
    close_p(&r->fd);
    buf_done(&r->bytes);
    return result;
}

static struct wire_request request_of(const char *target)
{
    struct wire_request r = { .op = WIRE_LOGS };
    wire_request_defaults(&r);
    (void)snprintf(r.app, sizeof(r.app), HOST_APP);
    (void)snprintf(r.target, sizeof(r.target), "%s", target);
    return r;
}

/* The engine has blue, of deployment HOST_ID, whose variable KEY is secret. */
static void set_blue(struct host *h)
{
    char socket[200];
    (void)snprintf(socket, sizeof(socket), "unix://%s", fake_engine_socket(h->fake));
    assert_int_equal(setenv("DOCKER_HOST", socket, 1), 0);
    host_write(h->run.dir_fd, "request.json",
               "{\"op\":\"deploy\",\"spec\":{\"app\":\"shop\",\"image\":\"shop:1\",\"secret_env\":[\"KEY\"]}}");
    fake_engine_reply(
        h->fake, "GET /containers/shop-blue/json", 200,
        "{\"Id\":\"abc\",\"Name\":\"/shop-blue\",\"State\":{\"Running\":true},\"Config\":{\"Env\":[\"KEY=" SECRET
        "\"],\"Labels\":{\"io.bluegreen.deployment\":\"" HOST_ID "\"}}}");
}

static void a_containers_log_comes_without_its_secrets(void **state)
{
    struct host *h = *state;
    struct reading r;
    struct wire_request request = request_of("");
    set_blue(h);
    fake_engine_answer(
        h->fake, (struct fake_answer){
                     .request = "GET /containers/abc/logs", .status = 200, .body = SPAN_LIT(FRAMES), .piece = 5 });
    request.lines = 7;
    request.since_ms = 1769656202113;
    start(h, &r, &request);
    assert_string_equal(read_all(&r), "first\nkey ***\n");
    host_assert_result(h, end(h, &r), 0);
    assert_non_null(strstr(fake_engine_seen(h->fake), "/logs?stdout=1&stderr=1&tail=7&follow=0&since=1769656202.113"));
}

static void a_log_whose_secrets_cannot_be_known_is_not_shown(void **state)
{
    struct host *h = *state;
    struct reading r;
    struct wire_request request = request_of("blue");
    set_blue(h);
    host_write(h->run.dir_fd, "request.json", "{");
    start(h, &r, &request);
    assert_string_equal(read_all(&r), "");
    host_assert_err(h, end(h, &r), ERR_PROTO, "could not be hidden");
    assert_int_equal(fake_engine_count(h->fake, "GET /containers/abc/logs"), 0);
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char *const targets[] = { "green", "20200101-000000-aaaaaa", "weather" };
    struct host *h = *state;
    set_blue(h);
    for (size_t i = 0; i < 3; i++) {
        struct reading r;
        struct wire_request request = request_of(targets[i]);
        start(h, &r, &request);
        assert_string_equal(read_all(&r), "");
        host_assert_err(h, end(h, &r), ERR_NOT_FOUND, i == 0 ? "shop-green" : targets[i]);
    }
}

static void a_log_that_is_followed_ends_when_asked(void **state)
{
    struct host *h = *state;
    struct reading r;
    struct wire_request request = request_of("blue");
    set_blue(h);
    fake_engine_answer(h->fake, (struct fake_answer){ .request = "GET /containers/abc/logs", .status = FAKE_HANG });
    request.follow = true;
    start(h, &r, &request);
    while (fake_engine_count(h->fake, "GET /containers/abc/logs") == 0) {
        struct pollfd p = { .fd = r.child.fd, .events = POLLIN };
        assert_int_equal(poll(&p, 1, 10), 0); /* it goes on */
    }
    host_assert_result(h, end(h, &r), 0);
}

static void the_last_lines_of_a_deployments_log_are_shown(void **state)
{
    static const struct {
        int lines;
        const char *shown;
    } cases[] = {
        { 0, "" }, { 1, "three\n" }, { 2, "two\nthree\n" }, { 3, "one\ntwo\nthree\n" }, { 9, "one\ntwo\nthree\n" }
    };
    struct host *h = *state;
    host_write(h->run.dir_fd, "deployment-" HOST_STAMP ".log", "one\ntwo\nthree\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading r;
        struct wire_request request = request_of(HOST_ID);
        request.lines = cases[i].lines;
        start(h, &r, &request);
        assert_string_equal(read_all(&r), cases[i].shown);
        host_assert_result(h, end(h, &r), 0);
    }
}

static void of_several_logs_the_newest_is_shown(void **state)
{
    static const char *const stamps[] = { "20260131-000000", "20260203-000000", "20260201-000000", "20260202-000000" };
    struct host *h = *state;
    struct reading r;
    struct wire_request request = request_of(HOST_ID);
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "deployment-%s.log", stamps[i]);
        host_write(h->run.dir_fd, name, stamps[i]);
    }
    start(h, &r, &request);
    assert_string_equal(read_all(&r), stamps[1]);
    host_assert_result(h, end(h, &r), 0);
}

static void an_error_of_any_length_is_told(void **state)
{
    char long_text[ERR_TEXT_MAX];
    struct err e = { 0 }, read = { 0 };
    struct buf text = BUF_INIT(PIPE_BUF);
    struct json *j = NULL;
    (void)state;
    memset(long_text, '\x01', sizeof(long_text) - 1); /* six bytes each in JSON */
    long_text[sizeof(long_text) - 1] = '\0';
    (void)err_set(&e, ERR_DOCKER, 0, "%s", long_text);
    for (int i = 0; i < 3; i++)
        (void)err_wrap(&e, "%s", long_text);
    err_hint(&e, "%s", long_text);
    logs_print_error(&e, &text);
    assert_in_range(text.len, 1, PIPE_BUF);
    assert_int_equal(json_parse(buf_span(&text), &j, NULL), 0);
    event_error_from_json(j, &read);
    assert_int_equal(read.kind, ERR_DOCKER);
    json_free(j);
    buf_done(&text);
}

static void a_lost_engine_is_told_to_the_client(void **state)
{
    struct host *h = *state;
    struct reading r;
    struct wire_request request = request_of("blue");
    set_blue(h);
    fake_engine_answer(h->fake, (struct fake_answer){ .request = "GET /containers/abc/logs", .status = FAKE_CLOSE });
    start(h, &r, &request);
    assert_string_equal(read_all(&r), "");
    host_assert_err(h, end(h, &r), ERR_DOCKER, "");
}

static void a_child_that_is_killed_is_no_success(void **state)
{
    struct host *h = *state;
    struct reading r;
    struct wire_request request = request_of("blue");
    set_blue(h);
    fake_engine_answer(h->fake, (struct fake_answer){ .request = "GET /containers/abc/logs", .status = FAKE_HANG });
    request.follow = true;
    start(h, &r, &request);
    while (fake_engine_count(h->fake, "GET /containers/abc/logs") == 0)
        clock_sleep_ms(1);
    assert_int_equal(kill(r.child.pid, SIGKILL), 0);
    assert_string_equal(read_all(&r), "");
    host_assert_err(h, end(h, &r), ERR_NET, "signal 9");
}

static void a_child_that_hangs_in_a_write_is_ended_and_is_no_success(void **state)
{
    struct host *h = *state;
    struct reading r;
    struct wire_request request = request_of(HOST_ID);
    char *lines = calloc(1, 2 << 20);
    assert_non_null(lines);
    memset(lines, '\n', (2 << 20) - 1);
    host_write(h->run.dir_fd, "deployment-" HOST_STAMP ".log", lines); /* more than a socket takes */
    free(lines);
    request.lines = 4 << 20;
    start(h, &r, &request);
    struct pollfd p = { .fd = r.fd, .events = POLLIN };
    assert_int_equal(poll(&p, 1, 20000), 1); /* it has begun, and nobody reads */
    host_assert_err(h, end(h, &r), ERR_NET, "signal 9");
}

static void a_deployments_log_is_shown_from_a_time_on(void **state)
{
    static const struct {
        const char *since, *shown;
    } cases[] = { { "2026-01-29T03:10:01.000Z", "2026-01-29T03:10:01.000Z one\n2026-01-29T03:10:02.500Z two\n" },
                  { "2026-01-29T03:10:01.001Z", "2026-01-29T03:10:02.500Z two\n" },
                  { "2026-01-29T03:10:02.501Z", "" } };
    struct host *h = *state;
    host_write(h->run.dir_fd, "deployment-" HOST_STAMP ".log",
               "2026-01-29T03:10:01.000Z one\n2026-01-29T03:10:02.500Z two\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading r;
        struct wire_request request = request_of(HOST_ID);
        request.since_ms = clock_parse_iso(cases[i].since);
        start(h, &r, &request);
        assert_string_equal(read_all(&r), cases[i].shown);
        host_assert_result(h, end(h, &r), 0);
    }
}

/* A worker: has the event log open until a byte comes, then writes three lines and ends. */
static void work(struct host *h, int ready_fd, int go_fd)
{
    char byte;
    struct err err = { 0 };
    if (eventlog_open(&h->run.log, h->run.dir_fd, HOST_STAMP, h->run.redactor, &err) < 0 ||
        write(ready_fd, "", 1) != 1 || read(go_fd, &byte, 1) != 1)
        _exit(1);
    for (int i = 0; i < 3; i++)
        run_log(&h->run, "info", "agent", "line %d", i);
    eventlog_close(&h->run.log);
    _exit(0);
}

static void a_deployments_log_is_followed_to_its_end(void **state)
{
    struct host *h = *state;
    struct reading r;
    struct wire_request request = request_of(HOST_ID);
    int ready[2], go[2];
    char byte;
    eventlog_close(&h->run.log); /* the lock on it must be the worker's alone */
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    pid_t worker = fork();
    if (worker == 0)
        work(h, ready[1], go[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    request.follow = true;
    start(h, &r, &request);
    assert_int_equal(write(go[1], "", 1), 1);
    const char *seen = read_all(&r);
    assert_non_null(strstr(seen, "line 0"));
    assert_non_null(strstr(seen, "line 2"));
    host_assert_result(h, end(h, &r), 0);
    assert_int_equal(waitpid(worker, NULL, 0), worker);
    close(ready[0]), close(ready[1]), close(go[0]), close(go[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_CASE(a_containers_log_comes_without_its_secrets),
        ENGINE_CASE(a_log_whose_secrets_cannot_be_known_is_not_shown),
        ENGINE_CASE(what_is_not_there_is_not_found),
        ENGINE_CASE(a_log_that_is_followed_ends_when_asked),
        RUN_CASE(the_last_lines_of_a_deployments_log_are_shown),
        RUN_CASE(a_deployments_log_is_shown_from_a_time_on),
        RUN_CASE(a_deployments_log_is_followed_to_its_end),
        RUN_CASE(of_several_logs_the_newest_is_shown),
        cmocka_unit_test(an_error_of_any_length_is_told),
        ENGINE_CASE(a_lost_engine_is_told_to_the_client),
        ENGINE_CASE(a_child_that_is_killed_is_no_success),
        RUN_CASE(a_child_that_hangs_in_a_write_is_ended_and_is_no_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
