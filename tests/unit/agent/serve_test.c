#include "agent/serve.h"

#include "agent/lock.h"
#include "shared/clock.h"
#include "shared/http.h"
#include "tests/unit/agent/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define WAIT_MS 20000 /* far more than anything here takes */
#define ENGINE_INFO "{\"ServerVersion\":\"20.10.24\",\"DockerRootDir\":\"/tmp\",\"Architecture\":\"x86_64\"}"
#define SECRET "hunter2-canary"
#define OTHER_ID "20260130-000000-ffffff"

/* One channel to an agent in a process of its own. */
struct client {
    int fd;
    pid_t pid;
    struct buf in;
    struct event ev;
};

/* For the end of a test that failed: the channels that are open. */
static struct {
    int fd;
    pid_t pid;
} channels[8];

static void note_channel(pid_t pid, int fd, pid_t instead)
{
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        if (channels[i].pid == instead) {
            channels[i].pid = pid;
            channels[i].fd = fd;
            return;
        }
    fail_msg("too many channels");
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        if (channels[i].pid) {
            (void)kill(channels[i].pid, SIGKILL);
            (void)waitpid(channels[i].pid, NULL, 0);
            close_p(&channels[i].fd);
            channels[i].pid = 0;
        }
    return host_tear_down(state);
}

static void client_open(struct client *c)
{
    int ends[2];
    *c = (struct client){ .in = BUF_INIT(4 * WIRE_REQUEST_MAX) };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    c->pid = fork();
    if (c->pid == 0) {
        struct err err = { 0 };
        close_p(&ends[0]);
        (void)signal(SIGPIPE, SIG_IGN);
        int r = serve(ends[1], ends[1], &err);
        _exit(r == 0 ? 0 : (int)err.kind);
    }
    assert_true(c->pid > 0);
    close_p(&ends[1]);
    c->fd = ends[0];
    note_channel(c->pid, c->fd, 0);
}

static void client_send(struct client *c, struct span bytes)
{
    assert_int_equal(send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
}

/* The agent's exit status: 0 or the kind of its error. */
static int client_close(struct client *c)
{
    int status = -1;
    (void)shutdown(c->fd, SHUT_WR);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    note_channel(0, -1, c->pid);
    close_p(&c->fd);
    event_done(&c->ev);
    buf_done(&c->in);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* More bytes; false at the end of the channel. */
static bool client_read(struct client *c)
{
    char bytes[65536];
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    ssize_t n = read(c->fd, bytes, sizeof(bytes));
    if (n > 0)
        buf_add(&c->in, bytes, (size_t)n);
    return n > 0;
}

/* The next event into c->ev; false at the end of the channel. */
static bool next_event(struct client *c)
{
    const char *lf;
    while (!(lf = memchr(buf_str(&c->in), '\n', c->in.len)))
        if (!client_read(c))
            return false;
    event_done(&c->ev);
    size_t len = (size_t)(lf - c->in.ptr);
    assert_int_equal(event_decode((struct span){ c->in.ptr, len }, &c->ev, NULL), 0);
    buf_consume(&c->in, len + 1);
    return true;
}

static void expect(struct client *c, enum event_kind kind)
{
    if (!next_event(c))
        fail_msg("the channel ended, wanted %s", event_kind_name(kind));
    if (c->ev.kind != kind)
        fail_msg("got %s, wanted %s", event_kind_name(c->ev.kind), event_kind_name(kind));
}

/* Skip to the next event of this kind. */
static void await(struct client *c, enum event_kind kind)
{
    do {
        if (!next_event(c))
            fail_msg("the channel ended before %s", event_kind_name(kind));
    } while (c->ev.kind != kind);
}

/* The outcome that comes next, whatever stands before it, and the end; kind "" : without an error. */
static void expect_outcome(struct client *c, const char *outcome, const char *kind)
{
    await(c, EVENT_OUTCOME);
    assert_string_equal(json_str(c->ev.body, "outcome", ""), outcome);
    assert_string_equal(json_str(json_get(c->ev.body, "error"), "kind", ""), kind);
    expect(c, EVENT_END);
}

static void add_request(struct buf *out, enum wire_op op, const char *id, uint64_t from)
{
    _cleanup_(wire_request_done_p) struct wire_request r;
    wire_request_init(&r);
    r.op = op;
    r.from = from;
    (void)snprintf(r.app, sizeof(r.app), "%s", HOST_APP);
    (void)snprintf(r.deployment, sizeof(r.deployment), "%s", id);
    (void)spec_set_str(&r.spec.app, HOST_APP, NULL);
    (void)spec_set_str(&r.spec.image, "registry.example/shop:1", NULL);
    (void)spec_set_str(&r.spec.registry_password, SECRET, NULL);
    (void)strlist_add(&r.spec.secret_env, SPAN_LIT("TOKEN=" SECRET), NULL);
    r.spec.lock_timeout_ms = 0;
    assert_int_equal(wire_encode(&r, out, NULL), 0);
}

static void request(struct client *c, enum wire_op op, const char *id, uint64_t from)
{
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    add_request(&out, op, id, from);
    client_send(c, buf_span(&out));
    buf_done(&out);
}

static int set_up_nothing(void **state)
{
    (void)host_set_up_root(state);
    struct host *h = *state;
    char url[80];
    (void)snprintf(url, sizeof(url), "unix://%s/no-engine.sock", h->root);
    return setenv("DOCKER_HOST", url, 1);
}

/* An engine that has no container, image or network. */
static int set_up_empty_engine(void **state)
{
    (void)host_set_up_root(state);
    struct host *h = *state;
    char url[80];
    h->fake = fake_engine_start("1.41");
    fake_engine_reply(h->fake, "GET /info", 200, ENGINE_INFO);
    fake_engine_reply(h->fake, "GET /containers/json", 200, "[]");
    (void)snprintf(url, sizeof(url), "unix://%s", fake_engine_socket(h->fake));
    return setenv("DOCKER_HOST", url, 1);
}

static void open_greeted(struct client *c)
{
    client_open(c);
    expect(c, EVENT_HELLO);
}

static void hello_comes_first(void **state)
{
    (void)state;
    struct client c;
    client_open(&c);
    expect(&c, EVENT_HELLO);
    assert_int_equal(c.ev.seq, 0);
    assert_int_equal(json_int(c.ev.body, "pid", 0), c.pid);
    assert_string_equal(json_str(c.ev.body, "agent", ""), BLUEGREEN_VERSION);
    assert_true(json_str(c.ev.body, "arch", "")[0] != '\0');
    assert_int_equal(client_close(&c), 0);
}

static void status_is_reported(void **state)
{
    (void)state;
    struct client c;
    open_greeted(&c);
    request(&c, WIRE_STATUS, "", 1);
    expect(&c, EVENT_STATUS);
    const struct json *report = json_get(c.ev.body, "report");
    assert_int_equal(c.ev.seq, 0);
    assert_string_equal(json_str(report, "app", ""), HOST_APP);
    assert_string_equal(json_str(json_get(report, "engine"), "version", ""), "20.10.24");
    assert_non_null(json_get(report, "blue"));
    assert_false(json_is_object(json_get(report, "blue")));
    assert_int_equal(json_len(json_get(report, "deployments")), 0);
    assert_false(json_bool(json_get(report, "lock"), "held", true));
    expect_outcome(&c, "reported", "");
    assert_int_equal(client_close(&c), 0);
}

static void a_question_that_fails_does_not_end_the_channel(void **state)
{
    (void)state;
    struct client c;
    open_greeted(&c);
    for (int i = 0; i < 2; i++) {
        request(&c, WIRE_STATUS, "", 1);
        expect_outcome(&c, "failed_untouched", "docker_missing");
    }
    assert_int_equal(client_close(&c), 0);
}

static void refused(const char *bytes)
{
    struct client c;
    open_greeted(&c);
    client_send(&c, span_of(bytes));
    (void)shutdown(c.fd, SHUT_WR);
    assert_false(next_event(&c)); /* no answer: what asks so is no client of ours */
    assert_int_equal(client_close(&c), ERR_PROTO);
}

static void an_unknown_request_ends_the_channel(void **state)
{
    (void)state;
    refused("29\n{\"v\":1,\"op\":\"x\",\"app\":\"shop\"}");
    refused("34\n{\"v\":1,\"op\":\"\",\"app\":\"shop\",\"x\":1}");
}

static void a_request_of_another_version_ends_the_channel(void **state)
{
    (void)state;
    refused("34\n{\"v\":2,\"op\":\"status\",\"app\":\"shop\"}");
}

static void a_frame_that_is_too_long_ends_the_channel(void **state)
{
    (void)state;
    refused("1048577\n");
    refused("99999999\n");
}

static void what_is_no_frame_ends_the_channel(void **state)
{
    (void)state;
    refused("GET / HTTP/1.1\r\n");
    refused("034\n{\"v\":1,\"op\":\"status\",\"app\":\"shop\"}");
    refused("\n");
    refused("-1\n");
}

static void a_request_cut_in_the_middle_is_told(void **state)
{
    (void)state;
    struct client c;
    open_greeted(&c);
    client_send(&c, SPAN_LIT("35\n{\"v\":1,\"op\":\"stat"));
    assert_int_equal(client_close(&c), ERR_PROTO);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct client c;
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    open_greeted(&c);
    add_request(&out, WIRE_STATUS, "", 1);
    for (size_t i = 0; i < out.len; i++)
        client_send(&c, (struct span){ out.ptr + i, 1 });
    expect(&c, EVENT_STATUS);
    expect_outcome(&c, "reported", "");
    assert_int_equal(client_close(&c), 0);
    buf_done(&out);
}

static void requests_in_one_piece_are_answered_in_order(void **state)
{
    (void)state;
    struct client c;
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    open_greeted(&c);
    add_request(&out, WIRE_STATUS, "", 1);
    add_request(&out, WIRE_BUNDLE, HOST_ID, 1);
    add_request(&out, WIRE_STATUS, "", 1);
    client_send(&c, buf_span(&out));
    expect_outcome(&c, "reported", "");
    expect_outcome(&c, "failed_untouched", "remote");
    expect_outcome(&c, "reported", "");
    assert_int_equal(client_close(&c), 0);
    buf_done(&out);
}

/* The numbers of the events up to the end are from, from + 1, …; the number of the last one. */
static uint64_t read_numbered(struct client *c, uint64_t from)
{
    uint64_t seq = from;
    do {
        assert_true(next_event(c));
        assert_int_equal(c->ev.seq, seq++);
    } while (c->ev.kind != EVENT_END);
    return seq - 1;
}

static void deploy_without_engine(struct client *c)
{
    request(c, WIRE_DEPLOY, HOST_ID, 1);
    expect(c, EVENT_STEP_START);
    assert_string_equal(c->ev.step, "preflight");
    assert_int_equal(c->ev.seq, 1);
    expect_outcome(c, "failed_untouched", "docker_missing");
}

static void without_an_engine_nothing_is_touched(void **state)
{
    (void)state;
    struct client c;
    open_greeted(&c);
    deploy_without_engine(&c);
    assert_int_equal(client_close(&c), 0);
}

static void a_repeated_deployment_is_told_again_from_the_start(void **state)
{
    struct host *h = *state;
    struct client c;
    struct lock_owner owner;
    open_greeted(&c);
    deploy_without_engine(&c);
    uint64_t last = c.ev.seq;
    for (int i = 0; i < 2; i++) {
        request(&c, WIRE_DEPLOY, HOST_ID, 1);
        assert_int_equal(read_numbered(&c, 1), last);
    }
    assert_int_equal(client_close(&c), 0);
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    assert_false(lock_is_held(h->run.app_fd, &owner));
}

static void attach_gives_exactly_what_is_missing(void **state)
{
    (void)state;
    struct client c;
    open_greeted(&c);
    deploy_without_engine(&c);
    uint64_t last = c.ev.seq;
    assert_int_equal(client_close(&c), 0);
    open_greeted(&c); /* after the connection was lost */
    for (uint64_t from = 1; from <= last; from++) {
        request(&c, WIRE_ATTACH, HOST_ID, from);
        assert_int_equal(read_numbered(&c, from), last);
    }
    assert_int_equal(client_close(&c), 0);
}

static void attach_to_what_is_not_known_tells_so(void **state)
{
    (void)state;
    struct client c;
    open_greeted(&c);
    request(&c, WIRE_ATTACH, HOST_ID, 1);
    expect_outcome(&c, "unknown", "remote");
    assert_int_equal(client_close(&c), 0);
}

static void a_cancel_of_what_is_not_known_is_not_answered(void **state)
{
    (void)state;
    struct client c;
    open_greeted(&c);
    request(&c, WIRE_CANCEL, HOST_ID, 1);
    request(&c, WIRE_STATUS, "", 1);
    expect(&c, EVENT_STATUS);
    assert_int_equal(client_close(&c), 0);
}

static void a_rollback_needs_a_version_to_go_back_to(void **state)
{
    (void)state;
    struct client c;
    open_greeted(&c);
    request(&c, WIRE_ROLLBACK, HOST_ID, 1);
    expect_outcome(&c, "failed_untouched", "no_previous");
    assert_int_equal(client_close(&c), 0);
}

static void another_run_of_the_app_keeps_it_out(void **state)
{
    struct host *h = *state;
    struct client c;
    struct lock_owner me = { .pid = 1, .run_link = "the other run" };
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    host_assert_result(h, lock_take(h->run.app_fd, &me, 0, NULL, NULL, NULL, &h->run.lock_fd, &h->err), 0);
    open_greeted(&c);
    request(&c, WIRE_DEPLOY, HOST_ID, 1);
    expect(&c, EVENT_LOG);
    assert_non_null(strstr(json_str(c.ev.body, "text", ""), "the other run"));
    expect_outcome(&c, "failed_untouched", "locked");
    assert_int_equal(client_close(&c), 0);
}

/* ---- runs that last: the engine does not answer ---- */

static void start_lasting_run(struct host *h, struct client *c)
{
    fake_engine_reply(h->fake, "GET /info", FAKE_HANG, "");
    open_greeted(c);
    request(c, WIRE_DEPLOY, HOST_ID, 1);
    expect(c, EVENT_STEP_START);
}

static void let_engine_answer(struct host *h)
{
    fake_engine_reply(h->fake, "GET /info", 200, ENGINE_INFO);
}

static void a_cancel_ends_the_run(void **state)
{
    struct client c;
    start_lasting_run(*state, &c);
    request(&c, WIRE_CANCEL, HOST_ID, 1);
    expect_outcome(&c, "failed_untouched", "cancel");
    assert_int_equal(client_close(&c), 0);
}

static void a_cancel_in_one_piece_with_its_request_counts(void **state)
{
    struct host *h = *state;
    struct client c;
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    fake_engine_reply(h->fake, "GET /info", FAKE_HANG, "");
    open_greeted(&c);
    add_request(&out, WIRE_DEPLOY, HOST_ID, 1);
    add_request(&out, WIRE_CANCEL, HOST_ID, 1);
    client_send(&c, buf_span(&out));
    expect_outcome(&c, "failed_untouched", "cancel");
    assert_int_equal(client_close(&c), 0);
    buf_done(&out);
}

static void a_cancel_by_another_channel_reaches_the_worker(void **state)
{
    struct client c, second;
    start_lasting_run(*state, &c);
    open_greeted(&second);
    request(&second, WIRE_ATTACH, HOST_ID, 1);
    expect(&second, EVENT_STEP_START);
    request(&second, WIRE_CANCEL, HOST_ID, 1);
    expect_outcome(&second, "failed_untouched", "cancel");
    expect_outcome(&c, "failed_untouched", "cancel");
    assert_int_equal(client_close(&second), 0);
    assert_int_equal(client_close(&c), 0);
}

static void nothing_but_a_cancel_may_come_in_between(void **state)
{
    struct client c, second;
    start_lasting_run(*state, &c);
    request(&c, WIRE_STATUS, "", 1);
    expect_outcome(&c, "unknown", "proto");
    assert_int_equal(client_close(&c), 0);
    open_greeted(&second); /* the run goes on */
    request(&second, WIRE_CANCEL, HOST_ID, 1);
    request(&second, WIRE_ATTACH, HOST_ID, 2);
    expect_outcome(&second, "failed_untouched", "cancel");
    assert_int_equal(client_close(&second), 0);
}

static void a_client_that_leaves_does_not_end_the_run(void **state)
{
    struct client c, second;
    start_lasting_run(*state, &c);
    assert_int_equal(client_close(&c), ERR_NET);
    open_greeted(&second);
    request(&second, WIRE_ATTACH, HOST_ID, 1);
    expect(&second, EVENT_STEP_START);
    request(&second, WIRE_CANCEL, HOST_ID, 1);
    expect_outcome(&second, "failed_untouched", "cancel");
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

static void the_run_of_a_killed_worker_is_brought_to_an_end(void **state)
{
    struct host *h = *state;
    struct client c;
    start_lasting_run(h, &c);
    let_engine_answer(h);
    assert_int_equal(kill(worker_of(h, HOST_ID), SIGKILL), 0);
    expect(&c, EVENT_LOG);
    assert_int_equal(c.ev.seq, 2);
    assert_non_null(strstr(json_str(c.ev.body, "text", ""), "was cut off"));
    expect_outcome(&c, "failed_untouched", "remote");
    request(&c, WIRE_ATTACH, HOST_ID, 1); /* and it stays ended */
    (void)read_numbered(&c, 1);
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
    open_greeted(&c);
    /* The lock of a killed process is free as soon as the kernel is done with it. */
    struct lock_owner owner;
    for (int64_t end = clock_mono_ms() + WAIT_MS; lock_is_held(h->run.app_fd, &owner) && clock_mono_ms() < end;)
        clock_sleep_ms(1);
    request(&c, WIRE_ROLLBACK, OTHER_ID, 1);
    expect_outcome(&c, "failed_untouched", "no_previous");
    assert_int_equal(client_close(&c), 0);
    host_assert_result(h, store_open_deployment(h->run.app_fd, HOST_ID, &h->run.dir_fd, &h->err), 0);
    struct json *outcome = host_event(h->run.dir_fd, EVENT_OUTCOME), *end = host_event(h->run.dir_fd, EVENT_END);
    assert_string_equal(json_str(outcome, "outcome", ""), "failed_untouched");
    assert_non_null(end);
    json_free(outcome);
    json_free(end);
}

/* ---- secrets ---- */

static void no_secret_reaches_the_disk(void **state)
{
    struct host *h = *state;
    struct client c;
    size_t files = 0;
    open_greeted(&c);
    deploy_without_engine(&c);
    assert_int_equal(client_close(&c), 0);
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    host_assert_result(h, store_open_deployment(h->run.app_fd, HOST_ID, &h->run.dir_fd, &h->err), 0);
    DIR *dir = fdopendir(dup(h->run.dir_fd));
    assert_non_null(dir);
    for (const struct dirent *d; (d = readdir(dir));) {
        struct buf text;
        struct stat st;
        if (d->d_name[0] == '.')
            continue;
        if (strstr(host_read(h->run.dir_fd, d->d_name, &text), SECRET))
            fail_msg("the secret is in %s", d->d_name);
        assert_int_equal(fstatat(h->run.dir_fd, d->d_name, &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        buf_done(&text);
        files++;
    }
    closedir(dir);
    assert_true(files >= 6); /* request, journal, events, outcome, log, metrics */
}

static void a_bundle_comes_as_data(void **state)
{
    (void)state;
    struct client c;
    open_greeted(&c);
    deploy_without_engine(&c);
    request(&c, WIRE_BUNDLE, HOST_ID, 1);
    size_t total = 0;
    for (;;) {
        assert_true(next_event(&c));
        if (c.ev.kind != EVENT_DATA)
            break;
        size_t bytes = (size_t)json_int(c.ev.body, "bytes", 0);
        assert_true(bytes > 0);
        while (c.in.len < bytes)
            assert_true(client_read(&c));
        if (total == 0)
            assert_memory_equal(c.in.ptr, "\x1f\x8b", 2);
        buf_consume(&c.in, bytes);
        total += bytes;
    }
    assert_true(total > 100);
    assert_int_equal(c.ev.kind, EVENT_OUTCOME);
    assert_string_equal(json_str(c.ev.body, "outcome", ""), "reported");
    expect(&c, EVENT_END);
    assert_int_equal(client_close(&c), 0);
}

#define ALONE(name) cmocka_unit_test_setup_teardown(name, set_up_nothing, tear_down)
#define EMPTY(name) cmocka_unit_test_setup_teardown(name, set_up_empty_engine, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(hello_comes_first),
        EMPTY(status_is_reported),
        ALONE(a_question_that_fails_does_not_end_the_channel),
        ALONE(an_unknown_request_ends_the_channel),
        ALONE(a_request_of_another_version_ends_the_channel),
        ALONE(a_frame_that_is_too_long_ends_the_channel),
        ALONE(what_is_no_frame_ends_the_channel),
        ALONE(a_request_cut_in_the_middle_is_told),
        EMPTY(a_request_may_come_byte_by_byte),
        EMPTY(requests_in_one_piece_are_answered_in_order),
        ALONE(without_an_engine_nothing_is_touched),
        ALONE(a_repeated_deployment_is_told_again_from_the_start),
        ALONE(attach_gives_exactly_what_is_missing),
        ALONE(attach_to_what_is_not_known_tells_so),
        EMPTY(a_cancel_of_what_is_not_known_is_not_answered),
        EMPTY(a_rollback_needs_a_version_to_go_back_to),
        ALONE(another_run_of_the_app_keeps_it_out),
        EMPTY(a_cancel_ends_the_run),
        EMPTY(a_cancel_in_one_piece_with_its_request_counts),
        EMPTY(a_cancel_by_another_channel_reaches_the_worker),
        EMPTY(nothing_but_a_cancel_may_come_in_between),
        EMPTY(a_client_that_leaves_does_not_end_the_run),
        EMPTY(the_run_of_a_killed_worker_is_brought_to_an_end),
        EMPTY(a_run_that_nobody_watched_is_ended_by_the_next_one),
        ALONE(no_secret_reaches_the_disk),
        ALONE(a_bundle_comes_as_data),
    };
    struct err err = { 0 };
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
