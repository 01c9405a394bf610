#include "tests/unit/agent/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

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

int client_tear_down(void **state)
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

void client_open(struct client *c)
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

void client_send(struct client *c, struct span bytes)
{
    assert_int_equal(send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
}

int client_close(struct client *c)
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

int client_end_by_signal(struct client *c)
{
    int status = 0;
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    note_channel(0, -1, c->pid);
    close_p(&c->fd);
    event_done(&c->ev);
    buf_done(&c->in);
    assert_true(WIFSIGNALED(status));
    return WTERMSIG(status);
}

bool client_read(struct client *c)
{
    char bytes[65536];
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    assert_int_equal(poll(&p, 1, CLIENT_WAIT_MS), 1);
    ssize_t n = read(c->fd, bytes, sizeof(bytes));
    if (n > 0)
        buf_add(&c->in, bytes, (size_t)n);
    return n > 0;
}

bool client_next(struct client *c)
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

void client_expect(struct client *c, enum event_kind kind)
{
    if (!client_next(c))
        fail_msg("the channel ended, wanted %s", event_kind_name(kind));
    if (c->ev.kind != kind)
        fail_msg("got %s, wanted %s", event_kind_name(c->ev.kind), event_kind_name(kind));
}

void client_await(struct client *c, enum event_kind kind)
{
    do {
        if (!client_next(c))
            fail_msg("the channel ended before %s", event_kind_name(kind));
    } while (c->ev.kind != kind);
}

void client_expect_outcome(struct client *c, const char *outcome, const char *kind)
{
    client_await(c, EVENT_OUTCOME);
    assert_string_equal(json_str(c->ev.body, "outcome", ""), outcome);
    assert_string_equal(json_str(json_get(c->ev.body, "error"), "kind", ""), kind);
    client_expect(c, EVENT_END);
}

void client_add_request(struct buf *out, enum wire_op op, const char *id, uint64_t from)
{
    _cleanup_(wire_request_done_p) struct wire_request r;
    wire_request_init(&r);
    r.op = op;
    r.from = from;
    (void)snprintf(r.app, sizeof(r.app), "%s", HOST_APP);
    (void)snprintf(r.deployment, sizeof(r.deployment), "%s", id);
    (void)spec_set_str(&r.spec.app, HOST_APP, NULL);
    (void)spec_set_str(&r.spec.image, "registry.example/shop:1", NULL);
    (void)spec_set_str(&r.spec.registry_password, CLIENT_SECRET, NULL);
    (void)strlist_add(&r.spec.secret_env, SPAN_LIT("TOKEN=" CLIENT_SECRET), NULL);
    r.spec.lock_timeout_ms = 0;
    assert_int_equal(wire_encode(&r, out, NULL), 0);
}

void client_request(struct client *c, enum wire_op op, const char *id, uint64_t from)
{
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    client_add_request(&out, op, id, from);
    client_send(c, buf_span(&out));
    buf_done(&out);
}

int client_set_up_alone(void **state)
{
    (void)host_set_up_root(state);
    struct host *h = *state;
    char url[80];
    (void)snprintf(url, sizeof(url), "unix://%s/no-engine.sock", h->root);
    return setenv("DOCKER_HOST", url, 1);
}

int client_set_up_engine(void **state)
{
    (void)host_set_up_root(state);
    struct host *h = *state;
    char url[80];
    h->fake = fake_engine_start("1.41");
    fake_engine_reply(h->fake, "GET /info", 200, CLIENT_ENGINE_INFO);
    fake_engine_reply(h->fake, "GET /containers/json", 200, "[]");
    (void)snprintf(url, sizeof(url), "unix://%s", fake_engine_socket(h->fake));
    return setenv("DOCKER_HOST", url, 1);
}

void client_open_greeted(struct client *c)
{
    client_open(c);
    client_expect(c, EVENT_HELLO);
}

uint64_t client_read_numbered(struct client *c, uint64_t from)
{
    uint64_t seq = from;
    do {
        assert_true(client_next(c));
        assert_int_equal(c->ev.seq, seq++);
    } while (c->ev.kind != EVENT_END);
    return seq - 1;
}

void client_deploy_without_engine(struct client *c)
{
    client_request(c, WIRE_DEPLOY, HOST_ID, 1);
    client_expect(c, EVENT_STEP_START);
    assert_string_equal(c->ev.step, "preflight");
    assert_int_equal(c->ev.seq, 1);
    client_expect_outcome(c, "failed_untouched", "docker_missing");
}
