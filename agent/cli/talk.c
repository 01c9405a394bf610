#include "agent/cli/talk.h"

#include "agent/serve.h"
#include "shared/fd.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

void talk_init(struct talk *t)
{
    t->fd = -1;
    t->pid = 0;
    eventstream_init(&t->stream);
}

void talk_close(struct talk *t)
{
    close_p(&t->fd); /* it ends with its input */
    while (t->pid > 0 && waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    t->pid = 0;
    eventstream_done(&t->stream);
}

/* In the child. Keys pressed in the terminal are for the parent: the child leaves its group of processes. */
static _Noreturn void be_the_agent(int fd)
{
    struct err ignored = { 0 };
    sigset_t none;
    (void)setpgid(0, 0);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(077);
    _exit(serve(fd, fd, &ignored) < 0 ? 1 : 0); /* why is told by the end of the events */
}

static int open_child(struct talk *t, struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return err_set(err, ERR_IO, errno, "make a socket pair: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        close_p(&ends[0]);
        be_the_agent(ends[1]);
    }
    int e = errno;
    close_p(&ends[1]);
    if (pid < 0) {
        close_p(&ends[0]);
        return err_set(err, ERR_NOMEM, e, "start a process: %s", strerror(e));
    }
    t->pid = pid;
    t->fd = ends[0];
    return 0;
}

static int send_request(struct talk *t, const struct wire_request *request, struct err *err)
{
    _cleanup_(buf_wipe_done_p) struct buf frame = BUF_INIT(WIRE_REQUEST_MAX + 64);
    if (wire_encode(request, &frame, err) < 0)
        return -(int)err->kind;
    for (size_t sent = 0; sent < frame.len;) {
        ssize_t n = send(t->fd, frame.ptr + sent, frame.len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return err_set(err, ERR_REMOTE, errno, "speak to the agent's process: %s", strerror(errno));
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int send_cancel(struct talk *t, const struct wire_request *of, struct err *err)
{
    _cleanup_(wire_request_done_p) struct wire_request cancel;
    wire_request_init(&cancel);
    cancel.op = WIRE_CANCEL;
    (void)snprintf(cancel.app, sizeof(cancel.app), "%s", of->app[0] ? of->app : of->spec.app);
    (void)snprintf(cancel.deployment, sizeof(cancel.deployment), "%s", of->deployment);
    return send_request(t, &cancel, err);
}

/* What the child says next. */
static int read_more(struct talk *t, struct err *err)
{
    char bytes[32 * 1024];
    size_t room = eventstream_room(&t->stream);
    ssize_t n = read(t->fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0)
        return err_set(err, ERR_REMOTE, 0, "the agent's process ended before its answer did");
    buf_add(&t->stream.in, bytes, (size_t)n);
    return buf_check(&t->stream.in, err);
}

/* Somebody wants it to end. */
static int cancelled(struct talk *t, const struct wire_request *request, bool *asked, struct err *err)
{
    if (request->op != WIRE_DEPLOY && request->op != WIRE_ROLLBACK)
        return err_set(err, ERR_CANCEL, 0, "interrupted");
    *asked = true;
    return send_cancel(t, request, err);
}

static int follow(struct talk *t, const struct wire_request *request, int cancel_fd, eventstream_fn *on_event,
                  void *ctx, struct err *err)
{
    bool asked = false; /* to stop */
    for (;;) {
        int r;
        while ((r = eventstream_feed(&t->stream, on_event, ctx, err)) == 1)
            ; /* hello */
        if (r < 0 || t->stream.ended)
            return r;
        struct pollfd p[] = {
            { .fd = t->fd, .events = POLLIN },
            { .fd = asked ? -1 : cancel_fd, .events = POLLIN },
        };
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return err_set(err, ERR_IO, errno, "poll: %s", strerror(errno));
        if (p[1].revents && cancelled(t, request, &asked, err) < 0)
            return -(int)err->kind;
        if (p[0].revents && read_more(t, err) < 0)
            return -(int)err->kind;
    }
}

int talk_run(struct talk *t, const struct wire_request *request, int cancel_fd, eventstream_fn *on_event, void *ctx,
             struct err *err)
{
    int r = t->fd < 0 ? open_child(t, err) : 0;
    if (r < 0)
        return r;
    eventstream_reset_request(&t->stream);
    r = send_request(t, request, err);
    if (r == 0)
        r = follow(t, request, cancel_fd, on_event, ctx, err);
    if (r < 0) { /* what is left of the answer is nobody's; the child may be busy with it */
        if (t->pid > 0)
            (void)kill(t->pid, SIGTERM);
        talk_close(t);
        talk_init(t);
    }
    return r;
}
