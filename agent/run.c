#include "agent/run.h"

#include "agent/deploy.h"
#include "agent/steps/ecr.h"
#include "shared/clock.h"

#define LOG_TEXT_MAX 8192
#define LOG_LINE_MAX (64 * 1024) /* looked at of one line before it is cut to LOG_TEXT_MAX */
#define LOG_WHOLE_MAX (2 * LOG_LINE_MAX)
#define ENGINE_RESTART_MS 60000 /* dockerd takes seconds; with many containers to bring back, longer */
#define ENGINE_RETRY_MS 250

void run_init(struct run *run)
{
    memset(run, 0, sizeof(*run));
    run->app_fd = run->dir_fd = run->lock_fd = -1;
    run->log.events_fd = run->log.log_fd = -1;
    run->journal.fd = -1;
    run->cutover_ms = run->health_ms = -1;
    run->response_before_ms = run->response_after_ms = -1;
    run->started_wall_ms = clock_wall_ms();
    run->started_ms = clock_mono_ms();
    history_init(&run->history);
    spec_init(&run->spec);
    spec_init(&run->given);
}

void run_version_done(struct run_version *v)
{
    if (v->exists)
        engine_container_done(&v->c);
    memset(v, 0, sizeof(*v));
}

void run_done(struct run *run)
{
    if (run->prober)
        prober_stop(&run->prober, &run->probes);
    history_done(&run->history);
    run_version_done(&run->old);
    run_version_done(&run->cand);
    run_version_done(&run->cand_before);
    json_free(run->resources);
    json_free(run->changes);
    json_free(run->rollback);
    eventlog_close(&run->log);
    journal_close(&run->journal);
    engine_free(run->engine);
    ecrhost_free(run->ecr);
    spec_done(&run->spec);
    spec_done(&run->given);
    redactor_free(run->redactor);
    close_p(&run->dir_fd);
    close_p(&run->app_fd);
    close_p(&run->lock_fd);
}

bool run_makes_container(const struct run *run)
{
    return run->op != WIRE_ROLLBACK || run->redeploys;
}

const struct step *run_steps(const struct run *run)
{
    return run_makes_container(run) ? deploy_steps : rollback_steps;
}

void run_set_names(struct run_names *n, const char *app)
{
    (void)snprintf(n->blue, sizeof(n->blue), "%s-blue", app);
    (void)snprintf(n->green, sizeof(n->green), "%s-green", app);
    (void)snprintf(n->next, sizeof(n->next), "%s-next", app);
    (void)snprintf(n->keeper, sizeof(n->keeper), "%s-keeper", app);
    (void)snprintf(n->network, sizeof(n->network), "bluegreen-%s", app);
}

void run_log(struct run *run, const char *level, const char *source, const char *fmt, ...)
{
    _cleanup_(buf_done_p) struct buf whole = BUF_INIT(LOG_WHOLE_MAX), clean = BUF_INIT(LOG_WHOLE_MAX);
    char text[LOG_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&whole, fmt, ap);
    va_end(ap);
    redactor_apply_cut(run->redactor, buf_span(&whole), &clean); /* before it is cut: half a secret is none any more */
    (void)snprintf(text, sizeof(text), "%s", whole.failed ? "[text too long to be shown]" : buf_str(&clean));
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, EVENT_LOG, run->step_name);
    json_set_str(ev.body, "level", level);
    json_set_str(ev.body, "source", source);
    json_set_str(ev.body, "text", text);
    eventlog_emit(&run->log, &ev);
}

void run_log_lines(struct run *run, const char *level, const char *source, struct span text, int max_lines)
{
    struct span rest = text, line;
    int lines = 0;
    while (span_next_line(&rest, &line))
        lines++;
    rest = text;
    for (int skip = lines - max_lines; span_next_line(&rest, &line); skip--)
        if (skip <= 0)
            run_log(run, level, source, "%.*s", (int)(line.len < LOG_LINE_MAX ? line.len : LOG_LINE_MAX), line.ptr);
}

void run_metric(struct run *run, const char *name, double value, const char *unit)
{
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, EVENT_METRIC, run->step_name);
    json_set_str(ev.body, "name", name);
    json_set_num(ev.body, "value", value);
    json_set_str(ev.body, "unit", unit);
    eventlog_emit(&run->log, &ev);
}

void run_text(struct run *run, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(run->step_text, sizeof(run->step_text), fmt, ap);
    va_end(ap);
}

void run_emit_error(struct run *run, enum event_kind kind, const char *step, int64_t took_ms, const struct err *e)
{
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, kind, step);
    json_set_seconds(ev.body, "seconds", took_ms);
    struct err clean = *e;
    redactor_clean_err(run->redactor, &clean);
    json_set(ev.body, "error", event_error_to_json(&clean));
    eventlog_emit(&run->log, &ev);
}

void run_cancel(struct run *run)
{
    if (run->cancel_ignored)
        return;
    if (run->cancel_held)
        run->cancel_waits = 1;
    else
        run->cancelled = 1;
}

void run_hold_cancel(struct run *run, bool hold)
{
    run->cancel_held = hold;
    if (!hold && run->cancel_waits) {
        run->cancel_waits = 0;
        run_cancel(run);
    }
}

void run_ignore_cancel(struct run *run)
{
    run->cancel_ignored = 1;
    run->cancelled = 0;
}

int run_check(struct run *run, struct err *err)
{
    if (run->cancelled)
        return err_set(err, ERR_CANCEL, 0, "cancelled");
    if (run->deadline_ms && clock_mono_ms() > run->deadline_ms)
        return err_set(err, ERR_TIMEOUT, 0, "step '%s' took longer than it may", run->step_name);
    return 0;
}

bool run_outlast_restart(struct run *run, const struct err *err)
{
    if (!run->engine)
        return false; /* none was ever reached */
    if (err->kind != ERR_DOCKER_MISSING && err->kind != ERR_NET && err->kind != ERR_TIMEOUT && err->kind != ERR_DOCKER)
        return false;
    int64_t deadline = clock_mono_ms() + ENGINE_RESTART_MS;
    for (bool away = false; clock_mono_ms() < deadline; away = true) {
        struct err ignored = { 0 };
        struct engine_info info;
        if (engine_info(run->engine, &info, &ignored) == 0)
            return away || err->kind != ERR_DOCKER; /* an engine that was there all the time meant what it said */
        clock_sleep_ms(ENGINE_RETRY_MS);
    }
    return false;
}

int run_find(struct run *run, const char *name_or_id, struct run_version *ret, struct err *err)
{
    struct engine_container c;
    int r = engine_container_inspect(run->engine, name_or_id, &c, err);
    if (r < 0)
        return r;
    int host_port = ret->host_port;
    run_version_done(ret);
    if (r == 1)
        return 1;
    ret->exists = true;
    ret->c = c;
    ret->host_port = host_port;
    return 0;
}
