#include "cmd/ssh/session.h"

#include "cmd/ssh/session_link.h"
#include "shared/clock.h"

#define HELLO_MS 30000
#define WRITE_MS 60000
#define ANSWER_IDLE_MS 120000          /* status, bundle: longest silence */
#define RUN_IDLE_MS (30LL * 60 * 1000) /* deploy, rollback: longest silence, waiting for the lock not counted */
#define RUN_MAX_MS                                                                                                     \
    (6LL * 60 * 60 * 1000)               /* a whole run, waiting for the lock not counted: what a hosted job may take */
#define ANSWER_MAX_MS (15LL * 60 * 1000) /* a whole answer, so that one byte a minute does not keep us */
#define REATTACH_MS (5LL * 60 * 1000)
#define FOLLOW_MAX_MS (400LL * 24 * 60 * 60 * 1000) /* a log that goes on; a dead peer is noticed by the connection */
#define BACKOFF_MAX_MS 15000
#define FRUITLESS_MAX 5 /* reconnects in a row that brought no event */

struct session {
    struct ssh_link *ssh; /* NULL when a test brings its own link */
    struct session_link link;
    struct session_observer observer;
    int64_t connect_timeout_ms;
    struct eventstream stream;
};

/* One request while it runs. */
struct run {
    struct session *s;
    const struct wire_request *request;
    eventstream_fn *on_event;
    void *ctx;
    int handler_failed; /* what on_event returned; 0 */
    bool is_run;        /* changes the host: reattach after a loss, undo after a cancel */
    bool silent;        /* the agent told nothing for too long: no reason to ask again */
    bool told;          /* an event was handed over */
    bool cancelled;
    bool cancel_sent;
    int64_t cancel_deadline_ms;
    int64_t idle_ms;
    int64_t max_ms;      /* all of it */
    int64_t deadline_ms; /* the same on the link's clock */
    int fruitless;
};

static void note(const struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(const struct session *s, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    if (!s->observer.note)
        return;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
        s->observer.note(s->observer.ctx, text);
    va_end(ap);
}

/* ---- opening ---- */

/* Read up to the agent's hello. */
static int await_hello(struct session *s, int64_t timeout_ms, struct err *err)
{
    int64_t deadline = s->link.now_ms(s->link.ctx) + timeout_ms;
    for (;;) {
        int64_t left = deadline - s->link.now_ms(s->link.ctx);
        int r = s->link.read(s->link.ctx, &s->stream.in, eventstream_room(&s->stream), left > 0 ? left : 0, err);
        if (r == 1)
            return s->link.explain_end(s->link.ctx, err);
        if (r == -ERR_TIMEOUT)
            return err_set(err, ERR_TIMEOUT, 0, "the agent says nothing");
        if (r < 0)
            return r;
        if ((r = eventstream_feed(&s->stream, NULL, NULL, err)) != 0)
            return r < 0 ? r : 0;
    }
}

static int connect_agent(struct session *s, int64_t timeout_ms, bool cancellable, struct err *err)
{
    int64_t deadline = s->link.now_ms(s->link.ctx) + timeout_ms;
    eventstream_reset_connection(&s->stream);
    int r = s->link.open(s->link.ctx, timeout_ms, cancellable, err);
    if (r < 0)
        return r;
    int64_t left = deadline - s->link.now_ms(s->link.ctx);
    int64_t hello_ms = cancellable ? HELLO_MS : left > 0 ? left : 0; /* after a cancel timeout_ms is all there is */
    if ((r = await_hello(s, hello_ms, err)) < 0)
        return err_wrap(err, "start the agent");
    return 0;
}

int session_open_link(struct session **ret, const struct session_link *link, int64_t connect_timeout_ms,
                      const struct session_observer *observer, struct err *err)
{
    _cleanup_(session_free_p) struct session *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    s->link = *link;
    s->observer = *observer;
    s->connect_timeout_ms = connect_timeout_ms;
    eventstream_init(&s->stream);
    int r = connect_agent(s, connect_timeout_ms, true, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

int session_open(struct session **ret, const struct session_options *o, struct err *err)
{
    struct ssh_link *ssh;
    int r = ssh_link_new(&ssh, o, err);
    if (r < 0)
        return r;
    struct session_link link = ssh_link_ops(ssh);
    struct session *s;
    if ((r = session_open_link(&s, &link, o->inputs->connect_timeout_ms, &o->observer, err)) < 0) {
        ssh_link_free(ssh);
        return r;
    }
    s->ssh = ssh;
    *ret = s;
    return 0;
}

void session_free(struct session *s)
{
    if (!s)
        return;
    eventstream_done(&s->stream);
    if (s->ssh)
        ssh_link_free(s->ssh);
    free(s);
}

void session_free_p(struct session **s)
{
    session_free(*s);
    *s = NULL;
}

void session_facts(const struct session *s, struct session_facts *ret)
{
    *ret = (struct session_facts){ 0 };
    if (s->ssh)
        ssh_link_facts(s->ssh, ret);
}

/* ---- sending ---- */

static int send_request(struct run *run, const struct wire_request *request, struct err *err)
{
    struct session_link *link = &run->s->link;
    int64_t left = run->cancelled ? run->cancel_deadline_ms - link->now_ms(link->ctx) : WRITE_MS;
    _cleanup_(buf_wipe_done) struct buf frame = BUF_INIT(WIRE_REQUEST_MAX + 64);
    int r = wire_encode(request, &frame, err);
    if (r < 0)
        return r;
    r = link->write(link->ctx, buf_span(&frame), left > 0 ? left : 0, err);
    return r == 1 ? link->explain_end(link->ctx, err) : r;
}

static int send_simple(struct run *run, enum wire_op op, uint64_t from, struct err *err)
{
    struct wire_request request;
    wire_request_init(&request);
    request.op = op;
    request.from = from;
    (void)snprintf(request.app, sizeof(request.app), "%s", run->request->app);
    (void)snprintf(request.deployment, sizeof(request.deployment), "%s", run->request->deployment);
    int r = send_request(run, &request, err);
    wire_request_done(&request);
    return r;
}

/* The request itself, or, once events of it were seen, a request for the rest of them. */
static int begin(struct run *run, struct err *err)
{
    const struct wire_request *request = run->request;
    int r;
    if (run->is_run && run->s->stream.next_seq > 1)
        r = send_simple(run, WIRE_ATTACH, run->s->stream.next_seq, err);
    else
        r = send_request(run, request, err); /* an id that the agent knows already is not run again */
    return r;
}

/* ---- cancel ---- */

static void note_cancel(struct run *run)
{
    struct session *s = run->s;
    run->cancelled = true;
    run->cancel_deadline_ms = s->link.now_ms(s->link.ctx) + SESSION_CANCEL_MS;
    s->link.ignore_cancel(s->link.ctx);
    note(s, "cancelled: asking the host to undo what was begun");
}

static int give_up_cancelled(struct err *err)
{
    int r = err_set(err, ERR_CANCEL, 0, "cancelled; the host had not ended within %d s", SESSION_CANCEL_MS / 1000);
    err_hint(err, "The agent on the host goes on by itself and undoes what it can; `command: status` tells "
                  "how it ended.");
    return r;
}

/* ---- reading ---- */

/* Keeps apart what the handler refused and what the stream found wrong. */
static int handle(void *ctx, const struct event *ev, struct span data)
{
    struct run *run = ctx;
    if (ev->seq > 0) /* others could be repeated for ever */
        run->fruitless = 0;
    run->told = true;
    int r = run->on_event(run->ctx, ev, data);
    if (r < 0)
        run->handler_failed = r;
    return r;
}

/* How long the next read may take. */
static int64_t read_time(const struct run *run, int64_t last_ms)
{
    int64_t now = run->s->link.now_ms(run->s->link.ctx);
    int64_t until = last_ms + run->idle_ms;
    if (run->deadline_ms < until)
        until = run->deadline_ms;
    if (run->cancelled && run->cancel_deadline_ms < until)
        until = run->cancel_deadline_ms;
    return until > now ? until - now : 0;
}

static int no_more_events(struct run *run, struct err *err)
{
    if (run->cancelled)
        return give_up_cancelled(err);
    run->silent = true;
    int r = 0;
    if (run->s->link.now_ms(run->s->link.ctx) >= run->deadline_ms)
        r = err_set(err, ERR_TIMEOUT, 0, "the agent had not ended after %lld minutes",
                    (long long)(run->max_ms / 60000));
    else
        r = err_set(err, ERR_TIMEOUT, 0, "the agent told nothing for %lld s", (long long)(run->idle_ms / 1000));
    err_hint(err, "Look at the host: is it overloaded, does `docker ps` answer? `command: status` tells "
                  "how the deployment ended.");
    return r;
}

/* Read until the end of the answer on this connection. */
static int follow(struct run *run, struct err *err)
{
    struct session *s = run->s;
    struct session_link *link = &s->link;
    int64_t last = link->now_ms(link->ctx);
    while (!s->stream.ended) {
        int r;
        if (run->cancelled && !run->cancel_sent) {
            run->cancel_sent = true;
            if ((r = send_simple(run, WIRE_CANCEL, 0, err)) < 0)
                return r;
        }
        r = eventstream_feed(&s->stream, handle, run, err); /* also what came together with the hello */
        if (r < 0 || s->stream.ended)
            return r < 0 ? r : 0;
        size_t before = s->stream.in.len - s->stream.at;
        r = link->read(link->ctx, &s->stream.in, eventstream_room(&s->stream), read_time(run, last), err);
        if (r == -ERR_CANCEL && run->is_run && !run->cancelled) {
            note_cancel(run);
            continue;
        }
        if (r == -ERR_TIMEOUT)
            return no_more_events(run, err);
        if (r == 1)
            return link->explain_end(link->ctx, err);
        if (r < 0)
            return r;
        if (s->stream.in.len > before)
            last = link->now_ms(link->ctx);
        int64_t now = link->now_ms(link->ctx);
        if ((run->cancelled && now >= run->cancel_deadline_ms) || now >= run->deadline_ms)
            return no_more_events(run, err); /* events that never end do not keep us */
    }
    return 0;
}

/* ---- reattaching ---- */

/* A broken connection or a crashed agent; not a refusal, nor a peer that talks nonsense. */
static bool is_loss(int r)
{
    return r == -ERR_NET || r == -ERR_UNREACHABLE || r == -ERR_TIMEOUT || r == -ERR_REMOTE;
}

static int64_t reattach_deadline(const struct run *run, int64_t lost_ms)
{
    int64_t deadline = lost_ms + REATTACH_MS;
    if (run->deadline_ms < deadline)
        deadline = run->deadline_ms;
    return run->cancelled && run->cancel_deadline_ms < deadline ? run->cancel_deadline_ms : deadline;
}

/* Connect again with growing pauses. On failure err tells the last reason. */
static int reconnect(struct run *run, struct err *err)
{
    struct session *s = run->s;
    struct session_link *link = &s->link;
    int64_t lost = link->now_ms(link->ctx), pause = 1000;
    link->drop(link->ctx);
    for (;;) {
        struct err why = { 0 };
        int64_t left = reattach_deadline(run, lost) - link->now_ms(link->ctx);
        if (left <= 0)
            return run->cancelled ? give_up_cancelled(err)
                                  : err_wrap(err, "no new connection for %d minutes", (int)(REATTACH_MS / 60000));
        int r = run->cancelled ? 0 : link->pause(link->ctx, pause < left ? pause : left, &why);
        if (r == 0) {
            left = reattach_deadline(run, lost) - link->now_ms(link->ctx);
            int64_t timeout = s->connect_timeout_ms < left ? s->connect_timeout_ms : left;
            r = connect_agent(s, timeout > 0 ? timeout : 1, !run->cancelled, &why);
        }
        if (r == -ERR_CANCEL && !run->cancelled && run->is_run) {
            note_cancel(run);
            continue;
        }
        if (r == 0)
            return 0;
        *err = why;
        /* refused by the host: trying again makes it worse. AWS, which opens the way in to some hosts, may be busy */
        if (!is_loss(r) && r != -ERR_AWS)
            return r;
        link->drop(link->ctx);
        note(s, "no connection yet: %s", why.depth ? why.frame[0].text : "unknown");
        if (run->cancelled && (r = link->pause(link->ctx, 200, &why)) < 0 && r != -ERR_CANCEL)
            return r;
        pause = pause * 2 < BACKOFF_MAX_MS ? pause * 2 : BACKOFF_MAX_MS;
    }
}

static int reattach(struct run *run, struct err *err)
{
    char text[300];
    note(run->s, "the connection is lost (%s); connecting again",
         err && err->depth ? err_text(err, text, sizeof(text)) : "unknown");
    run->cancel_sent = false;
    int r = reconnect(run, err);
    if (r < 0)
        return r;
    note(run->s, "connected again");
    return 0;
}

static int finish(struct run *run, int r, struct err *err)
{
    if (r < 0 && run->handler_failed)
        return err_set(err, (enum err_kind) - run->handler_failed, 0, "handling an event of the agent failed");
    if (r < 0 && run->is_run && r != -ERR_CANCEL)
        err_hint(err, "How the deployment ended is not known here. The agent goes on without us: ask with "
                      "`command: status`.");
    return r;
}

int session_run(struct session *s, const struct wire_request *request, eventstream_fn *on_event, void *ctx,
                struct err *err)
{
    struct run run = { .s = s, .request = request, .on_event = on_event, .ctx = ctx };
    struct err own = { 0 };
    if (!err)
        err = &own;
    run.is_run = request->op == WIRE_DEPLOY || request->op == WIRE_ROLLBACK || request->op == WIRE_ATTACH;
    run.idle_ms = ANSWER_IDLE_MS;
    run.max_ms = ANSWER_MAX_MS;
    if (request->op == WIRE_LOGS && request->follow)
        run.idle_ms = run.max_ms = FOLLOW_MAX_MS;
    if (run.is_run) {
        int64_t lock_ms = request->op == WIRE_DEPLOY ? request->spec.lock_timeout_ms : request->lock_timeout_ms;
        run.idle_ms = RUN_IDLE_MS + (lock_ms > 0 ? lock_ms : 0);
        run.max_ms = RUN_MAX_MS + (lock_ms > 0 ? lock_ms : 0);
    }
    run.deadline_ms = s->link.now_ms(s->link.ctx) + run.max_ms;
    eventstream_reset_request(&s->stream);
    s->stream.endless = request->op == WIRE_LOGS && request->follow;
    if (request->op == WIRE_ATTACH && request->from > 1)
        s->stream.next_seq = request->from;

    for (;;) {
        int r = 0;
        if (!s->stream.greeted) /* an earlier request lost the connection */
            r = connect_agent(s, s->connect_timeout_ms, true, err);
        if (r == 0)
            r = begin(&run, err);
        if (r == 0)
            r = follow(&run, err);
        if (r == 0)
            return 0;
        bool lost = is_loss(r) && !run.handler_failed && !run.silent;
        if (r < 0)
            s->stream.greeted = false;        /* whatever follows needs a fresh connection */
        bool again = run.is_run || !run.told; /* an answer is not begun a second time */
        if (!again || !lost || ++run.fruitless > FRUITLESS_MAX)
            return finish(&run, r, err);
        if ((r = reattach(&run, err)) < 0)
            return finish(&run, r, err);
    }
}
