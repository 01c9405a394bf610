#include "agent/finish.h"

#include "agent/answers/auditreport.h"
#include "agent/state/audit.h"
#include "agent/state/store.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/evidence.h"
#include "shared/clock.h"

static void set_seconds_or_unknown(struct json *j, const char *key, int64_t ms)
{
    if (ms < 0)
        json_set_int(j, key, -1);
    else
        json_set_seconds(j, key, ms);
}

static struct json *steps_json(const struct run *run)
{
    static const char *const names[] = { "skipped", "success", "failed", "skipped" };
    struct json *steps = json_object();
    for (size_t i = 0; run->steps && run->steps[i].name; i++) {
        struct json *s = json_object();
        json_set_str(s, "status", names[run->records[i].status]);
        json_set_seconds(s, "duration_seconds", run->records[i].took_ms);
        json_set(steps, run->steps[i].name, s);
    }
    return steps;
}

static double step_seconds(const struct run *run, const char *name)
{
    for (size_t i = 0; run->steps && run->steps[i].name; i++)
        if (strcmp(run->steps[i].name, name) == 0 && run->records[i].status == STEP_OK)
            return (double)run->records[i].took_ms / 1000;
    return -1;
}

static struct json *kpi_json(const struct run *run, int64_t total_ms)
{
    const double measured[KPI_COUNT] = {
        [KPI_TOTAL] = (double)total_ms / 1000,
        [KPI_CUTOVER] = run->cutover_ms < 0 ? -1 : (double)run->cutover_ms / 1000,
        [KPI_HEALTH_CHECK] = run->health_ms < 0 ? -1 : (double)run->health_ms / 1000,
        [KPI_IMAGE_PULL] = step_seconds(run, "image_pull"),
    };
    struct json *all = json_object();
    for (int id = 0; id < KPI_COUNT; id++) {
        const struct kpi_limits *l = &run->spec.kpi.limits[id];
        struct json *k = json_object();
        json_set_num(k, "seconds", measured[id]);
        json_set_num(k, "target", l->target);
        json_set_num(k, "warning", l->warning);
        json_set_num(k, "critical", l->critical);
        json_set_str(k, "verdict", kpi_verdict_name(kpi_judge(l, measured[id])));
        json_set(all, kpi_name((enum kpi_id)id), k);
    }
    return all;
}

/* Blue and green as they are now; their evidence goes to the folder on the way. */
static struct json *containers_json(struct run *run)
{
    static const char *const roles[] = { "blue", "green" };
    const char *names[] = { run->names.blue, run->names.green };
    struct json *all = json_array();
    for (size_t i = 0; run->engine && i < 2; i++) {
        struct run_version v = { 0 };
        struct err ignored = { 0 };
        if (run_find(run, names[i], &v, &ignored) != 0)
            continue;
        struct json *c = json_object();
        const char *image = engine_container_label(&v.c, CONTAINER_LABEL_IMAGE);
        json_set_str(c, "role", roles[i]);
        json_set_str(c, "name", v.c.name);
        json_set_str(c, "image", image[0] ? image : v.c.image);
        json_set_str(c, "digest", engine_container_label(&v.c, CONTAINER_LABEL_DIGEST));
        json_set_str(c, "status", v.c.status);
        json_set_str(c, "deployment", engine_container_label(&v.c, CONTAINER_LABEL_DEPLOYMENT));
        json_set_str(c, "started", v.c.started_at);
        json_push(all, c);
        evidence_save(run, &v.c, roles[i]);
        run_version_done(&v);
    }
    return all;
}

static const char *label_or(const struct run_version *v, const char *label, const char *dflt)
{
    const char *text = v->exists ? engine_container_label(&v->c, label) : "";
    return text[0] ? text : dflt;
}

static void set_versions(struct json *o, const struct run *run)
{
    const char *image = run_makes_container(run)
                            ? run->spec.image
                            : label_or(&run->cand, CONTAINER_LABEL_IMAGE, run->cand.exists ? run->cand.c.image : "");
    json_set_str(o, "image", image);
    json_set_str(o, "digest",
                 run_makes_container(run) ? run->digest : label_or(&run->cand, CONTAINER_LABEL_DIGEST, ""));
    json_set_str(o, "image_ref", run->image_ref);
    json_set_str(o, "previous_image",
                 label_or(&run->old, CONTAINER_LABEL_IMAGE, run->old.exists ? run->old.c.image : ""));
    json_set_str(o, "previous_digest", label_or(&run->old, CONTAINER_LABEL_DIGEST, ""));
    json_set_str(o, "previous_deployment", label_or(&run->old, CONTAINER_LABEL_DEPLOYMENT, ""));
}

static void set_times(struct json *o, const struct run *run, int64_t total_ms)
{
    char started[CLOCK_ISO_SIZE], ended[CLOCK_ISO_SIZE];
    json_set_str(o, "started", clock_format_iso(run->started_wall_ms, started));
    json_set_str(o, "ended", clock_format_iso(clock_wall_ms(), ended));
    json_set_seconds(o, "total_seconds", total_ms);
    set_seconds_or_unknown(o, "cutover_seconds", run->cutover_ms);
    /* Nothing had to move, so nothing could be out. */
    bool nothing_moved = run->direct && run->cutover_ms == 0 && run->old_was_running;
    set_seconds_or_unknown(o, "outage_seconds", run->probes.measured ? run->probes.outage_ms : nothing_moved ? 0 : -1);
    json_set_int(o, "requests_seen", run->probes.seen);
    json_set_int(o, "requests_failed", run->probes.failed);
}

static struct json *outcome_json(struct run *run, enum outcome outcome, const struct err *err, const char *stamp)
{
    struct json *o = json_object();
    char name[80];
    int64_t total_ms = clock_mono_ms() - run->started_ms;
    json_set_str(o, "outcome", outcome_name(outcome));
    if (err->kind != ERR_OK)
        json_set(o, "error", event_error_to_json(err));
    json_set_str(o, "deployment", run->id);
    json_set_str(o, "app", run->app);
    json_set_str(o, "operation", run->op == WIRE_ROLLBACK ? "rollback" : "deploy");
    json_set_str(o, "strategy", run->strategy ? run->strategy->name : run->spec.strategy);
    set_versions(o, run);
    set_times(o, run, total_ms);
    json_set(o, "steps", steps_json(run));
    json_set(o, "kpi", kpi_json(run, total_ms));
    if (run->resources)
        json_set(o, "resources", json_copy(run->resources));
    json_set(o, "changes", run->changes ? json_copy(run->changes) : json_object());
    json_set(o, "containers", containers_json(run));
    struct json *response = json_object();
    json_set_int(response, "before", run->response_before_ms);
    json_set_int(response, "after", run->response_after_ms);
    json_set(o, "response_ms", response);
    if (run->rollback)
        json_set(o, "rollback", json_copy(run->rollback));
    json_set_str(o, "log", run->log.log_name);
    (void)snprintf(name, sizeof(name), "deployment-metrics-%s.json", stamp);
    json_set_str(o, "metrics", name);
    json_set_str(o, "run_link", run->run_link);
    return o;
}

/* The metrics file: the outcome's members under the contract's names, and a few of its own (docs/metrics.schema.json). */
static struct json *metrics_json(const struct json *o, const struct run *run)
{
    struct json *m = json_copy(o);
    const char *outcome = json_str(o, "outcome", "");
    bool good = strcmp(outcome, "deployed") == 0 || strcmp(outcome, "unchanged") == 0 ||
                (run->op == WIRE_ROLLBACK && strcmp(outcome, "rolled_back") == 0);
    json_set_str(m, "deployment_start", json_str(o, "started", ""));
    json_set_str(m, "deployment_end", json_str(o, "ended", ""));
    json_set_str(m, "deployment_id", run->id);
    json_set_str(m, "deployment_status", good ? "success" : "failed");
    json_set_str(m, "image_tag", run->ref.tag[0] ? run->ref.tag : run->digest);
    json_set_num(m, "total_duration_seconds", json_num(o, "total_seconds", 0));
    json_del(m, "started");
    json_del(m, "ended");
    json_del(m, "deployment");
    json_del(m, "total_seconds");
    json_del(m, "trend"); /* of other runs */
    return m;
}

static void write_json(struct run *run, const char *name, const struct json *j)
{
    struct err ignored = { 0 };
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    if (json_print_pretty(j, &text, &ignored) < 0)
        return;
    (void)store_write(run->dir_fd, name, buf_span(&text), &ignored);
}

static void write_engine(struct run *run)
{
    _cleanup_(json_free_p) struct json *e = json_object();
    const struct engine_info *i = &run->engine_info;
    json_set_str(e, "version", i->version);
    json_set_str(e, "api", i->api);
    json_set_str(e, "os", i->os);
    json_set_str(e, "arch", i->arch);
    json_set_str(e, "kernel", i->kernel);
    json_set_str(e, "storage_driver", i->storage_driver);
    json_set_bool(e, "live_restore", i->live_restore);
    json_set_bool(e, "rootless", i->rootless);
    write_json(run, "engine.json", e);
}

static void emit_end(struct run *run, enum outcome outcome, bool rollback, enum err_kind cause)
{
    _cleanup_(event_done_p) struct event end;
    event_init(&end, EVENT_END, "");
    json_set_int(end.body, "exit", outcome_exit_code(outcome, rollback, cause));
    eventlog_emit(&run->log, &end);
}

void finish_end(struct run *run, struct span outcome_json)
{
    _cleanup_(json_free_p) struct json *o = NULL;
    struct err ignored = { 0 };
    (void)json_parse(outcome_json, &o, &ignored);
    const char *cause = json_str(json_get(o, "error"), "kind", NULL);
    emit_end(run, outcome_from_name(json_str(o, "outcome", "")), strcmp(json_str(o, "operation", ""), "rollback") == 0,
             cause ? err_kind_from_name(cause) : ERR_OK);
}

/* One entry a run, however it ended; what cannot be written is told, and changes nothing else. */
static void add_audit(struct run *run, struct json *outcome)
{
    _cleanup_(json_free_p) struct json *entry = auditreport_of_outcome(outcome, run->reason);
    struct audit_mark mark;
    struct err err = { 0 };
    char text[1024];
    if (audit_append(run->app_fd, entry, run->redactor, &mark, &err) < 0) {
        run_log(run, "warning", "agent", "this run is not in the audit log: %s", err_text(&err, text, sizeof(text)));
        return;
    }
    if (mark.found[0])
        run_log(run, "warning", "agent", "%s", mark.found);
    struct json *audit = json_object();
    json_set_int(audit, "n", mark.link.n);
    json_set_str(audit, "hash", mark.link.hash);
    json_set(outcome, "audit", audit);
}

static void add_trend(struct run *run, struct json *outcome)
{
    struct json *trend = auditreport_trend(run->app_fd);
    if (json_len(trend) > 0)
        json_set(outcome, "trend", trend);
    else
        json_free(trend);
}

void finish_run(struct run *run, enum outcome outcome, const struct err *err)
{
    char stamp[CLOCK_STAMP_SIZE], name[80];
    run->step_name[0] = '\0';
    (void)clock_format_stamp(run->started_wall_ms, stamp);
    _cleanup_(event_done_p) struct event told;
    event_init(&told, EVENT_OUTCOME, "");
    json_free(told.body);
    told.body = outcome_json(run, outcome, err, stamp);
    add_audit(run, told.body);
    add_trend(run, told.body);
    eventlog_emit(&run->log, &told); /* redacts told.body in place: the files below get the same */
    write_json(run, "outcome.json", told.body);
    (void)snprintf(name, sizeof(name), "deployment-metrics-%s.json", stamp);
    _cleanup_(json_free_p) struct json *metrics = metrics_json(told.body, run);
    write_json(run, name, metrics);
    write_engine(run);
    (void)unlinkat(run->dir_fd, RUN_PID_FILE, 0); /* nothing is left to cancel */
    emit_end(run, outcome, run->op == WIRE_ROLLBACK, err->kind);
}
