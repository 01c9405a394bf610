#include "agent/worker.h"

#include "agent/deploy.h"
#include "agent/finish.h"
#include "agent/recover.h"
#include "agent/request.h"
#include "agent/state/lock.h"
#include "agent/state/store.h"
#include "shared/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

/* The run that SIGTERM cancels. A signal handler has no other way to it; a worker has exactly one run. */
static struct run *volatile cancellable;

static void on_term(int signal_number)
{
    (void)signal_number;
    struct run *run = cancellable;
    if (run)
        run_cancel(run);
}

/* Between the fork and the handler a SIGTERM would kill the worker instead of cancelling its run. */
static void hold_term(sigset_t *before)
{
    sigset_t term;
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &term, before);
}

/* Leave the client behind: session, streams, signals. Its end of the channel is seen when the agent's alone is closed. */
static void detach(const struct worker_client *client, const sigset_t *signals)
{
    struct sigaction term = { .sa_handler = on_term };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    (void)setsid();
    (void)sigaction(SIGTERM, &term, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL);
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigprocmask(SIG_SETMASK, signals, NULL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        (void)dup2(null, fd);
    if (null > 2)
        close(null);
    if (client->in_fd > 2)
        close(client->in_fd);
    if (client->out_fd > 2 && client->out_fd != client->in_fd)
        close(client->out_fd);
    (void)umask(077);
}

static void tell_busy(void *ctx, const struct lock_owner *owner)
{
    run_log(ctx, "info", "agent", "waiting for the lock: deployment %s has it (%s)",
            owner->deployment[0] ? owner->deployment : "unknown", owner->run_link);
}

static int take_lock(struct run *run, int64_t timeout_ms, struct err *err)
{
    struct lock_owner me = { .pid = getpid() };
    (void)snprintf(me.deployment, sizeof(me.deployment), "%s", run->id);
    (void)snprintf(me.run_link, sizeof(me.run_link), "%s", run->run_link);
    if (lock_take(run->app_fd, &me, timeout_ms, &run->cancelled, tell_busy, run, &run->lock_fd, err) < 0) {
        err_hint(err, "Wait for that run to end, or raise the input 'lock-timeout'.");
        return -(int)err->kind;
    }
    return 0;
}

static void work(struct run *run, int64_t lock_timeout_ms)
{
    struct err err = { 0 };
    char pid[24];
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    (void)store_write(run->dir_fd, RUN_PID_FILE, span_of(pid),
                      &err); /* without it only a cancel after a reconnect is lost */
    err_clear(&err);
    if (take_lock(run, lock_timeout_ms, &err) < 0 || journal_open(&run->journal, run->dir_fd, &err) < 0) {
        finish_run(run, OUTCOME_FAILED_UNTOUCHED, &err);
        return;
    }
    recover_app(run->app, run->app_fd, run->id, run);
    if (run->op == WIRE_ROLLBACK)
        rollback_run(run);
    else
        deploy_run(run);
}

/* What came with a rollback: secret values, and a login for the registry. */
static int copy_given(struct run *run, const struct wire_request *request, struct err *err)
{
    const struct spec *from = &request->spec;
    struct spec *to = &run->given;
    for (size_t i = 0; i < from->secret_env.len; i++)
        if (strlist_add(&to->secret_env, span_of(from->secret_env.items[i]), err) < 0)
            return -(int)err->kind;
    if (spec_set_str(&to->registry_username, from->registry_username, err) < 0 ||
        spec_set_str(&to->registry_password, from->registry_password, err) < 0 ||
        spec_set_str(&to->ecr_auth, from->ecr_auth, err) < 0)
        return -(int)err->kind;
    return spec_register_secrets(to, run->redactor, err); /* nothing may be told that it could not hide */
}

/* Everything a run needs, before the fork: what fails here is told to the client directly. 1: it exists already. */
static int prepare(struct run *run, const struct wire_request *request, struct err *err)
{
    char stamp[CLOCK_STAMP_SIZE];
    run->op = request->op;
    (void)snprintf(run->app, sizeof(run->app), "%s", request->app);
    (void)snprintf(run->id, sizeof(run->id), "%s", request->deployment);
    (void)snprintf(run->only_if_current, sizeof(run->only_if_current), "%s", request->only_if_current);
    (void)snprintf(run->to, sizeof(run->to), "%s", request->to);
    (void)snprintf(run->reason, sizeof(run->reason), "%s", request->reason);
    (void)snprintf(run->run_link, sizeof(run->run_link), "%s",
                   request->op == WIRE_DEPLOY ? request->spec.run_link : request->run_link);
    run_set_names(&run->names, run->app);
    if (store_open_app(run->app, &run->app_fd, err) < 0)
        return -(int)err->kind;
    int r = store_create_deployment(run->app_fd, run->id, &run->dir_fd, err);
    if (r != 0)
        return r;
    if (redactor_new(&run->redactor, err) < 0)
        return -(int)err->kind;
    if (request->op == WIRE_DEPLOY) {
        _cleanup_(json_free_p) struct json *copy = spec_to_json(&request->spec, SPEC_WITH_SECRETS);
        spec_done(&run->spec);
        if (spec_from_json(copy, &run->spec, err) < 0)
            return -(int)err->kind;
        if (spec_register_secrets(&run->spec, run->redactor, err) < 0)
            return -(int)err->kind; /* nothing may be told that it could not hide */
    }
    if (request->op == WIRE_ROLLBACK && copy_given(run, request, err) < 0)
        return -(int)err->kind;
    (void)clock_format_stamp(run->started_wall_ms, stamp);
    /* The event log is locked before there is a request: a record with a request and no lock has lost its worker. */
    if (eventlog_open(&run->log, run->dir_fd, stamp, run->redactor, err) < 0)
        return -(int)err->kind;
    return request_store(run, err);
}

int worker_start(const struct wire_request *request, const struct worker_client *client, pid_t *ret_pid,
                 struct err *err)
{
    struct run run;
    run_init(&run);
    int r = prepare(&run, request, err);
    if (r != 0) {
        run_done(&run);
        return r;
    }
    int64_t lock_timeout_ms = request->op == WIRE_DEPLOY ? run.spec.lock_timeout_ms : request->lock_timeout_ms;
    sigset_t signals;
    hold_term(&signals);
    pid_t pid = fork();
    if (pid == 0) {
        cancellable = &run;
        detach(client, &signals);
        work(&run, lock_timeout_ms);
        cancellable = NULL;
        run_done(&run);
        _exit(0); /* the parent's streams and handlers are not ours to flush or run */
    }
    int e = errno;
    (void)sigprocmask(SIG_SETMASK, &signals, NULL);
    run_done(&run);
    if (pid < 0)
        return err_set(err, ERR_NOMEM, e, "start the worker: %s", strerror(e));
    *ret_pid = pid;
    return 0;
}

int worker_start_recovery(const char *app, const char *id, const struct worker_client *client, pid_t *ret_pid,
                          struct err *err)
{
    sigset_t signals;
    hold_term(&signals);
    pid_t pid = fork();
    if (pid == 0) {
        struct err ignored = { 0 };
        detach(client, &signals);
        _exit(recover_one(app, id, &ignored) < 0 ? 1 : 0);
    }
    int e = errno;
    (void)sigprocmask(SIG_SETMASK, &signals, NULL);
    if (pid < 0)
        return err_set(err, ERR_NOMEM, e, "start the recovery: %s", strerror(e));
    *ret_pid = pid;
    return 0;
}

int worker_cancel(const char *app, const char *id, struct err *err)
{
    _cleanup_(close_p) int app_fd = -1;
    _cleanup_(close_p) int dir_fd = -1;
    _cleanup_(close_p) int events_fd = -1;
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(32);
    int64_t pid;
    if (store_open_app(app, &app_fd, err) < 0)
        return -(int)err->kind;
    int r = store_open_deployment(app_fd, id, &dir_fd, err);
    if (r != 0)
        return r < 0 ? r : 0;
    events_fd = openat(dir_fd, EVENTLOG_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    r = store_read(dir_fd, RUN_PID_FILE, &text, err);
    /* The locked events file proves that the worker lives, so the pid is its own. */
    if (r == 0 && span_to_int(buf_span(&text), 2, INT32_MAX, &pid) && events_fd >= 0 && eventlog_is_written(events_fd))
        (void)kill((pid_t)pid, SIGTERM);
    return r < 0 ? r : 0;
}
