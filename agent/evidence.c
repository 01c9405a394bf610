#include "agent/evidence.h"

#include "agent/diagnosis.h"
#include "agent/request.h"
#include "agent/store.h"

/* Environment lines keep their key: "KEY=***". */
static struct json *without_env_values(const struct json *inspect)
{
    struct json *copy = json_copy(inspect);
    struct json *config = json_copy(json_get(inspect, "Config"));
    struct json *env = json_array();
    for (const struct json *e = json_first(json_get(config, "Env")); e; e = json_next(e)) {
        char line[300];
        const char *text = json_value_str(e, "");
        size_t key = strcspn(text, "=");
        (void)snprintf(line, sizeof(line), "%.*s=***", (int)(key < 256 ? key : 256), text);
        json_push_str(env, line);
    }
    if (json_is_object(config)) {
        json_set(config, "Env", env);
        json_set(copy, "Config", config);
    } else {
        json_free(env);
        json_free(config);
    }
    return copy;
}

static void save(struct run *run, const char *name, struct span text)
{
    struct err ignored = { 0 };
    _cleanup_(buf_done_p) struct buf clean = BUF_INIT(STORE_FILE_MAX);
    redactor_apply(run->redactor, text, &clean);
    if (buf_check(&clean, &ignored) == 0)
        (void)store_write(run->dir_fd, name, buf_span(&clean), &ignored);
}

/*
 * A container may print secrets that this run was not given: a rollback has none, and the old version's may differ. Their
 * keys are in its deployment's record, their values in its configuration.
 */
static void learn_secrets(struct run *run, const struct engine_container *c)
{
    struct strlist keys = { 0 };
    struct err ignored = { 0 };
    const char *id = engine_container_label(c, CONTAINER_LABEL_DEPLOYMENT);
    if (id[0])
        (void)request_load_secret_keys(run->app_fd, id, &keys, &ignored);
    for (const struct json *e = json_first(json_path(c->raw, "Config", "Env", NULL)); e; e = json_next(e)) {
        struct span value = span_of(json_value_str(e, "")), key;
        char name[256];
        if (!span_split(&value, '=', &key) || key.len >= sizeof(name))
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)key.len, key.ptr);
        if (strlist_has(&keys, name))
            (void)redactor_add(run->redactor, value, &ignored);
    }
    strlist_done(&keys);
}

static void tail_of_log(struct run *run, const struct engine_container *c, struct buf *log)
{
    struct err ignored = { 0 };
    learn_secrets(run, c);
    (void)engine_container_logs(run->engine, c, EVIDENCE_LOG_LINES, EVIDENCE_LOG_BYTES, false, log, &ignored);
}

static void save_with_log(struct run *run, const struct engine_container *c, const char *role, struct span log)
{
    char name[64];
    struct err ignored = { 0 };
    (void)snprintf(name, sizeof(name), "app-%s.log", role);
    save(run, name, log);
    _cleanup_(json_free_p) struct json *inspect = without_env_values(c->raw);
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    if (json_print_pretty(inspect, &text, &ignored) < 0)
        return;
    (void)snprintf(name, sizeof(name), "inspect-%s.json", role);
    save(run, name, buf_span(&text));
}

void evidence_save(struct run *run, const struct engine_container *c, const char *role)
{
    _cleanup_(buf_done_p) struct buf log = BUF_INIT(EVIDENCE_LOG_BYTES);
    tail_of_log(run, c, &log);
    save_with_log(run, c, role, buf_span(&log));
}

static void tell_diagnosis(struct run *run, const struct diagnosis *d, const struct engine_container *c,
                           struct span log)
{
    _cleanup_(event_done_p) struct event ev;
    struct json *evidence = json_array();
    char line[600];
    event_init(&ev, EVENT_DIAGNOSIS, run->step_name);
    json_set_str(ev.body, "code", d->code);
    json_set_str(ev.body, "cause", d->cause);
    json_set_str(ev.body, "next", d->next);
    if (c) {
        (void)snprintf(line, sizeof(line), "container %s: %s, exit code %d%s, restarts %d", c->name, c->status,
                       (int)c->exit_code, c->oom_killed ? ", out of memory" : "", (int)c->restart_count);
        json_push_str(evidence, line);
    }
    struct span rest = log, l;
    size_t lines = 0;
    while (span_next_line(&rest, &l))
        lines++;
    rest = log;
    for (size_t i = 0; span_next_line(&rest, &l); i++)
        if (i + 5 >= lines) {
            (void)snprintf(line, sizeof(line), "log: %.*s", (int)(l.len < 500 ? l.len : 500), l.ptr);
            json_push_str(evidence, line);
        }
    json_set(ev.body, "evidence", evidence);
    eventlog_emit(&run->log, &ev);
}

void evidence_collect(struct run *run, const struct err *cause)
{
    struct err ignored = { 0 };
    struct run_version failed = { 0 };
    struct diagnosis d;
    _cleanup_(buf_done_p) struct buf log = BUF_INIT(EVIDENCE_LOG_BYTES);
    /* After a cancel the engine refuses further calls; what follows must still be asked. */
    run_ignore_cancel(run);
    if (run->cand.exists && run_find(run, run->cand.c.id, &failed, &ignored) == 0) {
        tail_of_log(run, &failed.c, &log);
        if (log.len > 0)
            run_log_lines(run, "info", "app", buf_span(&log), EVIDENCE_SHOWN_LINES);
        save_with_log(run, &failed.c, "candidate", buf_span(&log));
    }
    if (diagnose(cause, failed.exists ? &failed.c : NULL, buf_span(&log), &d))
        tell_diagnosis(run, &d, failed.exists ? &failed.c : NULL, buf_span(&log));
    run_version_done(&failed);
}
