#include "agent/answers/prune_command.h"

#include "agent/answers/reply.h"
#include "agent/prune/prune.h"
#include "agent/recover.h"
#include "agent/request.h"
#include "agent/state/audit.h"
#include "agent/state/lock.h"
#include "agent/state/store.h"
#include "shared/clock.h"

#include <poll.h>
#include <signal.h>

#define WAIT_SLICE_MS 500 /* how often a client that waits for the lock is looked after */
#define LOCK_NAME "prune" /* in place of a deployment's id */

struct waiting {
    int out_fd;
    bool told;
};

static void tell_busy(void *ctx, const struct lock_owner *owner)
{
    struct waiting *w = ctx;
    _cleanup_(event_done_p) struct event ev;
    char text[500];
    struct err ignored = { 0 };
    if (w->told)
        return;
    w->told = true;
    (void)snprintf(text, sizeof(text), "waiting for the lock: deployment %s has it (%s)",
                   owner->deployment[0] ? owner->deployment : "unknown", owner->run_link);
    event_init(&ev, EVENT_LOG, "");
    json_set_str(ev.body, "level", "info");
    json_set_str(ev.body, "source", "agent");
    json_set_str(ev.body, "text", text);
    (void)reply_event(w->out_fd, &ev, &ignored); /* a client that is gone is found out below */
}

static bool is_gone(int out_fd)
{
    struct pollfd p = { .fd = out_fd };
    return poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP);
}

/* While it waits it may be ended; what it then removes is written down, whoever wants it to end meanwhile. */
static void hold_signals(sigset_t *before)
{
    sigset_t held;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &held, before);
}

/* Nobody tidies up for a client that has left while it waited. */
static int take_lock(struct run *run, const struct wire_request *request, int out_fd, struct err *err)
{
    if (request->dry_run)
        return 0; /* it changes nothing */
    struct lock_owner me = { .deployment = LOCK_NAME, .pid = getpid() };
    struct waiting waiting = { .out_fd = out_fd };
    int64_t deadline_ms = clock_mono_ms() + request->lock_timeout_ms;
    (void)snprintf(me.run_link, sizeof(me.run_link), "%s", request->run_link);
    for (;;) {
        int64_t left = clock_left_ms(deadline_ms);
        int r = lock_take(run->app_fd, &me, left < WAIT_SLICE_MS ? left : WAIT_SLICE_MS, NULL, tell_busy, &waiting,
                          &run->lock_fd, err);
        if (r == -ERR_LOCKED && is_gone(out_fd))
            return err_set(err, ERR_NET, 0, "the client is gone");
        if (r == -ERR_LOCKED && clock_left_ms(deadline_ms) > 0) {
            err_clear(err);
            continue;
        }
        if (r == -ERR_LOCKED)
            err_hint(err, "Wait for that run to end, or raise the input 'lock-timeout'.");
        return r;
    }
}

/* The host is ours until the lock is let go. What was cut off looks like something that nobody needs: it is ended first. */
static void enter(struct run *run, const struct wire_request *request)
{
    if (!request->dry_run)
        recover_app(run->app, run->app_fd, "", run);
}

/* A limit that was not given is that of the version that serves, and without one the usual one. */
static struct prune_limits choose_limits(struct run *run, const struct prune_facts *f,
                                         const struct wire_request *request)
{
    struct err ignored = { 0 };
    for (size_t i = 0; i < f->container_count; i++)
        if (f->containers[i].role == PRUNE_BLUE && f->containers[i].deployment[0] && run->app_fd >= 0)
            (void)request_load_spec(run->app_fd, f->containers[i].deployment, &run->spec, &ignored);
    struct prune_limits l = prune_limits_of(&run->spec);
    if (request->keep_hours >= 0)
        l.keep_hours = request->keep_hours;
    if (request->keep_versions >= 0)
        l.keep_versions = request->keep_versions;
    if (request->log_retention_days >= 0)
        l.log_retention_days = request->log_retention_days;
    return l;
}

static int remove_or_tell(struct run *run, const struct wire_request *request, struct json **ret, struct err *err)
{
    _cleanup_(prune_facts_done_p) struct prune_facts facts = { 0 };
    struct prune_done done;
    int r = 0;
    if (prune_collect(run, &facts, err) < 0)
        return err_wrap(err, "look for what may go");
    const struct prune_limits limits = choose_limits(run, &facts, request);
    prune_decide(&facts, &limits);
    if (!request->dry_run)
        r = prune_carry_out(run, &facts, NULL, &done, err);
    *ret = prune_report(run->app, &facts, request->dry_run ? NULL : &done); /* of what was done, also when r < 0 */
    return r;
}

/* ERR_NET is said of the client's end; one of the engine is an answer that the client is to get. */
static int tidy_up(struct run *run, const struct wire_request *request, struct json **ret, struct err *err)
{
    int r = remove_or_tell(run, request, ret, err);
    if (r == -ERR_NET)
        err->kind = ERR_DOCKER;
    return r < 0 ? -(int)err->kind : 0;
}

/* ---- the audit log ---- */

/* Names of what went, from the report. */
static struct json *names_of(const struct json *report, const char *list, const char *member)
{
    struct json *names = json_array();
    for (const struct json *i = json_first(json_get(report, list)); i; i = json_next(i))
        json_push_str(names, json_str(i, member, ""));
    return names;
}

/* failure: NULL when it went well; report: of what was done until then, NULL when nothing was. */
static struct json *audit_entry_of(const struct run *run, const struct wire_request *request, const struct json *report,
                                   const struct err *failure)
{
    char iso[CLOCK_ISO_SIZE];
    struct json *entry = json_object(), *changes = json_object();
    json_set_str(entry, "operation", "prune");
    json_set_str(entry, "outcome", failure ? "failed" : "pruned");
    json_set_str(entry, "error", failure ? err_kind_name(failure->kind) : "");
    json_set_str(entry, "who", request->run_link);
    json_set_str(entry, "started", clock_format_iso(run->started_wall_ms, iso));
    json_set_seconds(entry, "total_seconds", clock_mono_ms() - run->started_ms);
    if (report) {
        json_set(changes, "containers", names_of(report, "containers", "name"));
        json_set(changes, "images", names_of(report, "images", "reference"));
        json_set(changes, "records", names_of(report, "records", "deployment"));
        json_set_int(changes, "bytes", json_int(report, "bytes", 0));
    }
    json_set(entry, "changes", changes);
    return entry;
}

/* 0 also for a dry run, which changed nothing that could be written down. */
static int write_down(struct run *run, const struct wire_request *request, const struct json *report,
                      const struct err *failure, struct err *err)
{
    struct audit_mark mark;
    if (request->dry_run || run->lock_fd < 0)
        return 0;
    _cleanup_(json_free_p) struct json *entry = audit_entry_of(run, request, report, failure);
    return audit_append(run->app_fd, entry, NULL, &mark, err) < 0 ? err_wrap(err, "write down what was removed") : 0;
}

static int open_all(struct run *run, const struct wire_request *request, struct err *err)
{
    (void)snprintf(run->app, sizeof(run->app), "%s", request->app);
    run_set_names(&run->names, run->app);
    if (engine_open(&run->engine, NULL, NULL, err) < 0 || engine_info(run->engine, &run->engine_info, err) < 0)
        return -(int)err->kind;
    int r =
        request->dry_run ? store_find_app(run->app, &run->app_fd, err) : store_open_app(run->app, &run->app_fd, err);
    return r < 0 ? r : 0;
}

int prune_command(const struct wire_request *request, int out_fd, struct err *err)
{
    struct run run;
    struct json *report = NULL;
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, EVENT_REPORT, "");
    run_init(&run);
    sigset_t signals;
    int r = open_all(&run, request, err);
    if (r == 0)
        r = take_lock(&run, request, out_fd, err);
    hold_signals(&signals);
    if (r == 0)
        enter(&run, request);
    if (r == 0)
        r = tidy_up(&run, request, &report, err);
    struct err lost = { 0 };
    if (write_down(&run, request, report, r < 0 ? err : NULL, &lost) < 0 && r == 0) {
        *err = lost;
        r = -(int)lost.kind;
    }
    run_done(&run);                                 /* and with it the lock */
    (void)sigprocmask(SIG_SETMASK, &signals, NULL); /* one that came meanwhile ends us here */
    json_set_str(ev.body, "name", "prune");
    if (report)
        json_set(ev.body, "report", report);
    /* What was removed is told in any case. */
    if (report && reply_event(out_fd, &ev, r < 0 ? &lost : err) < 0 && r == 0)
        r = -(int)err->kind;
    return r;
}
