#include "agent/serve.h"

#include "agent/answers/auditreport.h"
#include "agent/answers/collect.h"
#include "agent/answers/logs.h"
#include "agent/answers/prune_command.h"
#include "agent/answers/reply.h"
#include "agent/diagnose/diagnose.h"
#include "agent/plan/plan.h"
#include "agent/state/eventlog.h"
#include "agent/state/store.h"
#include "agent/status/status.h"
#include "agent/stream.h"
#include "agent/worker.h"
#include "shared/clock.h"

#include <poll.h>
#include <signal.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define WATCH_MS 500 /* how often a worker that says nothing is looked after */

struct serving {
    int in_fd, out_fd;
    struct buf in; /* bytes of requests; wiped */
    bool in_ended;
    pid_t worker; /* child that runs or recovers the current deployment; 0 none */
    bool recovering;
    struct look_memory memory; /* of the status asked before, when it is asked again */
    char memory_app[SPEC_APP_MAX + 1];
    bool started; /* the current request has a run: how it ends is no longer ours to say */
};

static int say_hello(const struct serving *s, struct err *err)
{
    _cleanup_(event_done_p) struct event ev;
    struct utsname u = { 0 };
    (void)uname(&u);
    event_init(&ev, EVENT_HELLO, "");
    json_set_str(ev.body, "agent", BLUEGREEN_VERSION);
    json_set_str(ev.body, "arch", u.machine);
    json_set_int(ev.body, "pid", getpid());
    return reply_event(s->out_fd, &ev, err);
}

/* Read what is there. 0; in_ended at the end of input. */
static int read_more(struct serving *s, struct err *err)
{
    char chunk[16384];
    ssize_t n = read(s->in_fd, chunk, sizeof(chunk));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0) {
        s->in_ended = true;
        return 0;
    }
    buf_add(&s->in, chunk, (size_t)n);
    return buf_check(&s->in, err);
}

/* The next request. 0; 1: none yet. */
static int next_request(struct serving *s, struct wire_request *request, struct err *err)
{
    struct span text;
    size_t used;
    int r = wire_next_frame(&s->in, &text, &used, err);
    if (r != 0)
        return r;
    r = wire_decode(text, request, err);
    buf_consume(&s->in, used);
    return r;
}

/* A cancel may come while a run is streamed; anything else then is a mistake of the client. 0; 1: none is there. */
static int take_cancel(struct serving *s, const struct wire_request *running, struct err *err)
{
    struct wire_request request;
    int r = next_request(s, &request, err);
    if (r != 0)
        return r;
    if (request.op != WIRE_CANCEL || strcmp(request.deployment, running->deployment) != 0)
        r = err_set(err, ERR_PROTO, 0, "only a cancel of the running deployment may be sent while it runs");
    else if (s->worker > 0 && !s->recovering)
        (void)kill(s->worker, SIGTERM);
    else
        r = worker_cancel(request.app, request.deployment, err);
    wire_request_done(&request);
    return r;
}

/* All that have arrived: one may have come in one piece with the request that it cancels. */
static int take_cancels(struct serving *s, const struct wire_request *running, struct err *err)
{
    int r;
    while ((r = take_cancel(s, running, err)) == 0)
        ;
    return r < 0 ? r : 0;
}

/* Is anybody still working on it? A dead worker of ours is reaped. */
static bool is_worked_on(struct serving *s, const struct stream *stream)
{
    if (s->worker > 0 && waitpid(s->worker, NULL, WNOHANG) != 0)
        s->worker = 0;
    return s->worker > 0 || eventlog_is_written(stream->fd);
}

/*
 * The log has no end and nobody works on it: the worker was killed. Bring the run to its end, once; if that does not
 * help either, say that the end is unknown.
 */
static int look_after(struct serving *s, const struct wire_request *request, bool *gave_up, struct err *err)
{
    const struct worker_client client = { .in_fd = s->in_fd, .out_fd = s->out_fd };
    if (!s->recovering) {
        s->recovering = true;
        return worker_start_recovery(request->app, request->deployment, &client, &s->worker, err);
    }
    *gave_up = true;
    return err_set(err, ERR_REMOTE, 0, "the worker of deployment %s died and its run could not be brought to an end",
                   request->deployment);
}

static int stream_run(struct serving *s, const struct wire_request *request, struct stream *stream, struct err *err)
{
    bool gave_up = false;
    s->recovering = false;
    for (;;) {
        if (stream_pump(stream, s->out_fd, err) < 0)
            return -(int)err->kind;
        if (stream->ended)
            return 0;
        if (take_cancels(s, request, err) < 0)
            return -(int)err->kind;
        if (s->in_ended)
            return err_set(err, ERR_NET, 0, "the client is gone");
        struct pollfd p[] = {
            { .fd = stream->inotify_fd, .events = POLLIN },
            { .fd = s->in_fd, .events = POLLIN },
        };
        if (poll(p, 2, WATCH_MS) < 0 && errno != EINTR)
            return err_set(err, ERR_IO, errno, "poll: %s", strerror(errno));
        if (p[1].revents && read_more(s, err) < 0)
            return -(int)err->kind;
        if (p[0].revents || is_worked_on(s, stream))
            continue;
        if (stream_pump(stream, s->out_fd, err) < 0) /* its last words may have come in between */
            return -(int)err->kind;
        if (!stream->ended && look_after(s, request, &gave_up, err) < 0 && gave_up)
            return -(int)err->kind;
    }
}

/* Follow a deployment, whoever runs it. */
static int attach(struct serving *s, const struct wire_request *request, uint64_t from, struct err *err)
{
    s->started = true;
    _cleanup_(close_p) int app_fd = -1;
    _cleanup_(close_p) int dir_fd = -1;
    struct stream stream;
    if (store_open_app(request->app, &app_fd, err) < 0)
        return -(int)err->kind;
    int r = store_open_deployment(app_fd, request->deployment, &dir_fd, err);
    if (r == 1)
        return err_set(err, ERR_REMOTE, 0, "deployment %s is not known on this host", request->deployment);
    if (r < 0 || stream_open(&stream, dir_fd, from, err) < 0)
        return -(int)err->kind;
    r = stream_run(s, request, &stream, err);
    stream_close(&stream);
    return r;
}

static int run(struct serving *s, const struct wire_request *request, struct err *err)
{
    const struct worker_client client = { .in_fd = s->in_fd, .out_fd = s->out_fd };
    s->started = false;
    if (worker_start(request, &client, &s->worker, err) <
        0) /* 1: a repeated request; its run is followed like any other */
        return -(int)err->kind;
    return attach(s, request, 1, err);
}

/* Until the child has written everything, or the client does not want more of it: it cancels, or is gone. */
static int await_logs(struct serving *s, const struct wire_request *request, int child_fd, struct err *err)
{
    for (;;) {
        struct pollfd p[] = {
            { .fd = child_fd, .events = POLLIN },
            { .fd = s->in_fd, .events = POLLIN },
        };
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return err_set(err, ERR_IO, errno, "poll: %s", strerror(errno));
        if (p[0].revents)
            return 0;
        if (p[1].revents && read_more(s, err) < 0)
            return -(int)err->kind;
        struct wire_request cancel;
        int r = next_request(s, &cancel, err);
        if (r < 0)
            return r;
        if (r == 0) {
            bool fits = cancel.op == WIRE_CANCEL && strcmp(cancel.app, request->app) == 0;
            wire_request_done(&cancel);
            return fits ? 0 : err_set(err, ERR_PROTO, 0, "only a cancel may be sent while logs are shown");
        }
        if (s->in_ended)
            return err_set(err, ERR_NET, 0, "the client is gone");
    }
}

static int show_logs(struct serving *s, const struct wire_request *request, struct err *err)
{
    struct logs_child child;
    struct err told = { 0 };
    if (logs_start(request, s->out_fd, &child, err) < 0)
        return -(int)err->kind;
    int r = await_logs(s, request, child.fd, err);
    int ended = logs_end(&child, &told);
    if (ended != -ERR_NET && r < 0)
        return r;
    if (ended < 0)
        *err = told; /* of -ERR_NET no word goes to the client: half a frame may stand there */
    return ended;
}

/* The child of an earlier request is not whom a cancel means from now on. */
static void forget_worker(struct serving *s)
{
    if (s->worker > 0)
        (void)waitpid(s->worker, NULL, WNOHANG);
    s->worker = 0;
}

/* Samples of another app's containers are of no use, and the memory has room for one. */
static struct look_memory *memory_of(struct serving *s, const char *app)
{
    if (strcmp(s->memory_app, app) != 0)
        look_memory_done(&s->memory);
    (void)snprintf(s->memory_app, sizeof(s->memory_app), "%s", app);
    return &s->memory;
}

static int answer(struct serving *s, const struct wire_request *request, struct err *err)
{
    forget_worker(s);
    switch (request->op) {
    case WIRE_DEPLOY:
    case WIRE_ROLLBACK:
        return run(s, request, err);
    case WIRE_ATTACH:
        return attach(s, request, request->from, err);
    case WIRE_STATUS:
        return status_reply(request->app, request->time_ms, memory_of(s, request->app), s->out_fd, err);
    case WIRE_BUNDLE:
        return collect_reply(request->app, request->deployment, s->out_fd, err);
    case WIRE_PLAN:
        return plan_command(request, s->out_fd, err);
    case WIRE_PRUNE:
        return prune_command(request, s->out_fd, err);
    case WIRE_CANCEL:
        return worker_cancel(request->app, request->deployment, err); /* too late: nothing runs here */
    case WIRE_HISTORY:
        return auditreport_reply(request, s->out_fd, err);
    case WIRE_DIAGNOSE:
        return diagnose_reply(request, s->out_fd, err);
    case WIRE_LOGS:
        return show_logs(s, request, err);
    case WIRE_INVALID:
        break;
    }
    return err_set(err, ERR_PROTO, 0, "unknown request");
}

static int answer_next(struct serving *s, struct err *err)
{
    struct wire_request request;
    struct err failure = { 0 };
    int r = next_request(s, &request, err);
    if (r != 0)
        return r;
    bool streams = request.op == WIRE_DEPLOY || request.op == WIRE_ROLLBACK || request.op == WIRE_ATTACH;
    bool silent = request.op == WIRE_CANCEL;
    r = answer(s, &request, &failure);
    wire_request_done(&request);
    if (r < 0 && failure.kind == ERR_NET) {
        *err = failure;
        return r;
    }
    if (silent || (r == 0 && streams))
        return 0; /* a run's own log brought its outcome and end */
    enum outcome o = failure.kind == ERR_OK  ? OUTCOME_REPORTED
                     : streams && s->started ? OUTCOME_UNKNOWN
                                             : OUTCOME_FAILED_UNTOUCHED;
    return reply_outcome(s->out_fd, o, &failure, err);
}

static void wipe_p(struct serving *s)
{
    buf_wipe_done(&s->in);
    look_memory_done(&s->memory);
}

int serve(int in_fd, int out_fd, struct err *err)
{
    _cleanup_(wipe_p) struct serving s = { .in_fd = in_fd, .out_fd = out_fd, .in = BUF_INIT(2 * WIRE_REQUEST_MAX) };
    if (say_hello(&s, err) < 0)
        return -(int)err->kind;
    for (;;) {
        int r = answer_next(&s, err);
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        if (s.in_ended)
            return s.in.len > 0 ? err_set(err, ERR_PROTO, 0, "the input ended within a request") : 0;
        struct pollfd p = { .fd = in_fd, .events = POLLIN };
        if (poll(&p, 1, -1) < 0 && errno != EINTR) /* idle until the client speaks or leaves */
            return err_set(err, ERR_IO, errno, "poll: %s", strerror(errno));
        if (p.revents && read_more(&s, err) < 0)
            return -(int)err->kind;
    }
}
