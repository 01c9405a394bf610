#include "agent/status/status.h"

#include "agent/answers/reply.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/advice.h"
#include "shared/clock.h"
#include "shared/kpi.h"
#include "shared/reference.h"

#define LABEL_VERSION "org.opencontainers.image.version" /* OCI image spec, annotations */
#define LABEL_REVISION "org.opencontainers.image.revision"
#define HOUR_MS (3600LL * 1000)

/* ---- containers ---- */

static void set_time(struct json *j, const char *key, int64_t wall_ms)
{
    char iso[CLOCK_ISO_SIZE];
    json_set_str(j, key, wall_ms > 0 ? clock_format_iso(wall_ms, iso) : "");
}

static bool has_text(const struct json *array, const char *text)
{
    for (const struct json *t = json_first(array); t; t = json_next(t))
        if (strcmp(json_value_str(t, ""), text) == 0)
            return true;
    return false;
}

/* "8080->8080/tcp"; the engine tells each once for IPv4 and once for IPv6. */
static struct json *ports_of(const struct engine_container *c)
{
    struct json *ports = json_array();
    const struct json *all = json_path(c->raw, "NetworkSettings", "Ports", NULL);
    for (const struct json *p = json_first(all); p; p = json_next(p))
        for (const struct json *b = json_first(p); b; b = json_next(b)) {
            char text[64];
            (void)snprintf(text, sizeof(text), "%s->%s", json_str(b, "HostPort", ""), json_key(p));
            if (!has_text(ports, text))
                json_push_str(ports, text);
        }
    return ports;
}

static void add_image(struct json *j, const struct engine_container *c)
{
    const char *image = engine_container_label(c, CONTAINER_LABEL_IMAGE);
    struct reference ref;
    struct err ignored = { 0 };
    if (!image[0])
        image = c->image;
    bool known = reference_parse(image, &ref, &ignored) == 0;
    json_set_str(j, "image", image);
    json_set_str(j, "tag", known ? ref.tag : "");
    json_set_str(j, "digest", engine_container_label(c, CONTAINER_LABEL_DIGEST));
    json_set_str(j, "version", engine_container_label(c, LABEL_VERSION));
    json_set_str(j, "revision", engine_container_label(c, LABEL_REVISION));
    json_set_str(j, "deployment", engine_container_label(c, CONTAINER_LABEL_DEPLOYMENT));
}

static void add_state(struct json *j, const struct look *l, const struct engine_container *c)
{
    int64_t created = engine_time_ms(c->created);
    json_set_str(j, "status", c->status);
    set_time(j, "created", created);
    set_time(j, "started", engine_time_ms(c->started_at));
    set_time(j, "finished", c->running ? 0 : engine_time_ms(c->finished_at));
    json_set_int(j, "age_seconds", created < 0 || created > l->now_ms ? 0 : (l->now_ms - created) / 1000);
    json_set_int(j, "restarts", c->restart_count);
    json_set_int(j, "exit_code", c->exit_code);
    json_set_bool(j, "oom_killed", c->oom_killed);
    json_set(j, "ports", ports_of(c));
}

static void add_resources(struct json *j, const struct look_version *lv)
{
    const struct engine_stats *s = &lv->stats;
    json_set_num(j, "cpu_percent", lv->cpu_percent);
    json_set_int(j, "memory_bytes", lv->sampled ? s->memory_bytes : -1);
    json_set_int(j, "memory_limit_bytes", lv->sampled ? s->memory_limit_bytes : -1);
    json_set_int(j, "net_rx_bytes", lv->sampled ? (int64_t)s->net_rx_bytes : -1);
    json_set_int(j, "net_tx_bytes", lv->sampled ? (int64_t)s->net_tx_bytes : -1);
}

/* Green may go when it has been stopped as long as the settings of what serves say. -1: it is not on its way out. */
static int64_t keep_until(const struct look *l, enum look_role role)
{
    const struct look_version *blue = &l->at[LOOK_BLUE], *lv = &l->at[role];
    int64_t finished = engine_time_ms(lv->v.c.finished_at);
    if (role != LOOK_GREEN || lv->v.c.running || finished < 0 || !(blue->has_spec || lv->has_spec))
        return -1;
    return finished + (blue->has_spec ? blue->spec.keep_hours : lv->spec.keep_hours) * HOUR_MS;
}

static struct json *describe(const struct look *l, enum look_role role)
{
    const struct look_version *lv = &l->at[role];
    const struct engine_container *c = &lv->v.c;
    struct json *j = json_object();
    json_set_str(j, "name", c->name);
    add_image(j, c);
    add_state(j, l, c);
    json_set_str(j, "health", !lv->asked ? "unknown" : lv->healthy ? "healthy" : "unhealthy");
    json_set_str(j, "health_error", lv->asked && !lv->healthy ? lv->answer.error : "");
    json_set_int(j, "response_ms", lv->asked ? lv->answer.took_ms : -1);
    add_resources(j, lv);
    json_set_str(j, "restart_policy", c->restart_policy);
    json_set_str(j, "strategy", engine_container_label(c, CONTAINER_LABEL_STRATEGY));
    set_time(j, "keep_until", keep_until(l, role));
    json_set_str(j, "drift", lv->drift);
    set_time(j, "certificate_end", lv->certificate_end_ms);
    return j;
}

static void add_containers(struct json *report, const struct look *l)
{
    struct json *others = json_array(), *keeper = json_object();
    for (int role = 0; role < LOOK_ROLES; role++) {
        const char *name = look_role_name((enum look_role)role);
        if (l->at[role].v.exists)
            json_set(report, name, describe(l, (enum look_role)role));
        else
            json_set_str(report, name, NULL);
    }
    json_set_str(keeper, "name", l->keeper.c.name);
    json_set_str(keeper, "status", l->keeper.c.status);
    set_time(keeper, "started", l->keeper.exists ? engine_time_ms(l->keeper.c.started_at) : 0);
    json_set(report, "keeper", keeper);
    if (!l->keeper.exists)
        json_set_str(report, "keeper", NULL);
    for (size_t i = 0; i < l->others.len; i++)
        json_push_str(others, l->others.items[i]);
    json_set(report, "others", others);
}

/* ---- deployments ---- */

static void add_running(struct json *report, const struct look *l)
{
    const struct look_running *r = &l->running;
    struct json *j;
    if (!r->is) {
        json_set_str(report, "running", NULL);
        return;
    }
    j = json_object();
    json_set_str(j, "deployment", r->deployment);
    json_set_str(j, "operation", r->operation);
    json_set_str(j, "step", r->step);
    json_set_str(j, "title", r->title);
    set_time(j, "since", r->since_ms);
    json_set_seconds(j, "step_seconds", r->since_ms > 0 ? l->now_ms - r->since_ms : -1);
    set_time(j, "started", r->started_ms);
    json_set_seconds(j, "seconds", r->started_ms > 0 ? l->now_ms - r->started_ms : -1);
    json_set_str(j, "run_link", r->run_link);
    json_set(report, "running", j);
}

/* Thresholds of what serves, or the defaults. */
static struct kpi_table thresholds(const struct look *l)
{
    const struct look_version *blue = &l->at[LOOK_BLUE];
    return blue->has_spec ? blue->spec.kpi : kpi_defaults();
}

static void add_kpi(struct json *report, const struct look *l)
{
    const struct kpi_table table = thresholds(l);
    struct json *all = json_object();
    for (int id = 0; id < KPI_COUNT; id++) {
        struct json *k = json_object();
        json_set_num(k, "target", table.limits[id].target);
        json_set_num(k, "warning", table.limits[id].warning);
        json_set_num(k, "critical", table.limits[id].critical);
        json_set(all, kpi_name((enum kpi_id)id), k);
    }
    json_set(report, "kpi", all);
}

/* ---- the host ---- */

static void add_host(struct json *report, const struct look *l)
{
    struct json *engine = json_object(), *disk = json_object(), *lock = json_object();
    struct json *clock = json_object(), *agent = json_object();
    json_set_str(engine, "version", l->run.engine_info.version);
    json_set_str(engine, "api", l->run.engine_info.api);
    json_set_str(engine, "arch", l->run.engine_info.arch);
    json_set(report, "engine", engine);
    json_set_int(disk, "free_bytes", l->disk_free_bytes);
    json_set_int(disk, "total_bytes", l->disk_total_bytes);
    json_set(report, "disk", disk);
    json_set_bool(lock, "held", l->lock_held);
    json_set_str(lock, "deployment", l->lock.deployment);
    json_set_str(lock, "run_link", l->lock.run_link);
    json_set(report, "lock", lock);
    if (l->has_skew)
        json_set_num(clock, "skew_seconds", l->skew_seconds);
    else
        json_set_str(clock, "skew_seconds", NULL);
    json_set(report, "clock", clock);
    json_set_str(agent, "version", BLUEGREEN_VERSION);
    json_set(report, "agent", agent);
}

/* ---- recommendations ---- */

/* Recommendations hold commands that people paste: only what is an image reference, or a digest, gets into one. */
static const char *safe_image(const struct engine_container *c)
{
    const char *image = engine_container_label(c, CONTAINER_LABEL_IMAGE);
    return spec_is_image(image) ? image : "";
}

static const char *safe_digest(const struct engine_container *c)
{
    const char *digest = engine_container_label(c, CONTAINER_LABEL_DIGEST);
    return reference_is_digest(span_of(digest)) ? digest : "";
}

static struct advice_version version_facts(const struct look *l, enum look_role role)
{
    const struct look_version *lv = &l->at[role];
    const struct engine_container *c = &lv->v.c;
    int64_t started = engine_time_ms(c->started_at);
    int first, last;
    if (!lv->v.exists)
        return (struct advice_version){ 0 };
    return (struct advice_version){
        .exists = true,
        .ours = strcmp(engine_container_label(c, CONTAINER_LABEL_APP), l->run.app) == 0,
        .running = c->running,
        .restarting = c->restarting,
        .oom_killed = c->oom_killed,
        .comes_back = strcmp(c->restart_policy, "always") == 0 || strcmp(c->restart_policy, "unless-stopped") == 0,
        .restarts = c->restart_count,
        .exit_code = c->exit_code,
        .up_ms = started > 0 && started <= l->now_ms ? l->now_ms - started : 0,
        .port = lv->has_spec ? (int)lv->spec.port : 0,
        .port_lost = lv->has_spec && c->running && traffic_wanted_ports(c, (int)lv->spec.port, &first, &last) &&
                     !traffic_holds_port(c, (int)lv->spec.port),
        .health = !lv->asked    ? ADVICE_HEALTH_UNKNOWN
                  : lv->healthy ? ADVICE_HEALTHY
                                : ADVICE_UNHEALTHY,
        .health_error = lv->answer.error,
        .image = safe_image(c),
        .digest = safe_digest(c),
        .drift = lv->drift,
        .image_missing = lv->image_missing,
        .keep_until_ms = keep_until(l, role),
        .certificate_end_ms = lv->certificate_end_ms,
        .certificate_port = lv->v.host_port,
    };
}

/* The newest deployment or rollback; the log has other entries, too. */
static const struct json *last_run(const struct look *l)
{
    const struct json *e = json_first(l->entries);
    while (e && !wire_is_id(json_str(e, "deployment", "")))
        e = json_next(e);
    return e;
}

/* Its worst KPI. */
static void kpi_facts(const struct look *l, struct advice_facts *f)
{
    static const char *const members[KPI_COUNT] = { [KPI_TOTAL] = "total_seconds",
                                                    [KPI_CUTOVER] = "cutover_seconds",
                                                    [KPI_HEALTH_CHECK] = "health_check_seconds",
                                                    [KPI_IMAGE_PULL] = "image_pull_seconds" };
    const struct kpi_table table = thresholds(l);
    const struct json *last = last_run(l);
    for (int id = 0; last && id < KPI_COUNT; id++) {
        double seconds = json_num(last, members[id], -1);
        enum kpi_verdict verdict = kpi_judge(&table.limits[id], seconds);
        if (verdict < KPI_WARNING || verdict <= f->kpi.verdict)
            continue;
        f->kpi.verdict = verdict;
        f->kpi.title = kpi_title((enum kpi_id)id);
        f->kpi.seconds = seconds;
        f->kpi.limit = verdict == KPI_CRITICAL ? table.limits[id].critical : table.limits[id].warning;
    }
    f->kpi.deployment = json_str(last, "deployment", "");
}

/* The newest good deployment of another version than the one that serves. */
static const char *last_good(const struct look *l)
{
    const char *current = engine_container_label(&l->at[LOOK_BLUE].v.c, CONTAINER_LABEL_DIGEST);
    for (const struct json *e = json_first(l->entries); e; e = json_next(e))
        if (strcmp(json_str(e, "outcome", ""), "deployed") == 0 && strcmp(json_str(e, "digest", ""), current) != 0 &&
            wire_is_id(json_str(e, "deployment", "")))
            return json_str(e, "deployment", "");
    return "";
}

void status_facts(const struct look *l, struct advice_facts *f)
{
    *f = (struct advice_facts){
        .app = l->run.app,
        .now_ms = l->now_ms,
        .is_known = l->run.app_fd >= 0 && (json_len(l->entries) > 0 || l->running.is || l->unfinished[0]),
        .blue = version_facts(l, LOOK_BLUE),
        .green = version_facts(l, LOOK_GREEN),
        .next = version_facts(l, LOOK_NEXT),
        .keeper_exists = l->keeper.exists,
        .keeper_runs = l->keeper.exists && l->keeper.c.running,
        .last_good = last_good(l),
        .running = l->running.is,
        .running_deployment = l->running.deployment,
        .running_ms = l->running.started_ms > 0 ? l->now_ms - l->running.started_ms : 0,
        .running_limit_ms = (int64_t)(thresholds(l).limits[KPI_TOTAL].critical * 1000),
        .unfinished = l->unfinished,
        .lock_held = l->lock_held,
        .lock_deployment = l->lock.deployment,
        .disk_free_bytes = l->disk_free_bytes,
        .disk_total_bytes = l->disk_total_bytes,
        .skew_seconds = l->has_skew ? l->skew_seconds : 0,
        .audit_broken = l->audit_bad[0] != '\0',
        .engine_version = l->run.engine_info.version,
        .engine_api = l->run.engine_info.api,
    };
    kpi_facts(l, f);
}

static struct json *recommendations(const struct look *l)
{
    struct advice_facts facts;
    struct advice advice;
    struct json *all = json_array();
    status_facts(l, &facts);
    for (size_t row = 0; advice_next(&facts, &row, &advice);) {
        struct json *j = json_object();
        json_set_str(j, "code", advice.code);
        json_set_str(j, "level", advice.level);
        json_set_str(j, "text", advice.text);
        json_set_str(j, "command", advice.command);
        json_push(all, j);
    }
    return all;
}

/* ---- the report ---- */

/* A line of the protocol has room for it: what past deployments changed is the one part that may be of any size. */
static void make_fit(struct json *report)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(EVENT_LINE_MAX - 4096); /* the event around it */
    _cleanup_(json_free_p) struct json *slim = NULL;
    struct err ignored = { 0 };
    if (json_print(report, &text, &ignored) == 0)
        return;
    slim = json_array();
    for (const struct json *e = json_first(json_get(report, "deployments")); e; e = json_next(e)) {
        struct json *copy = json_copy(e);
        json_set(copy, "changes", json_object());
        json_push(slim, copy);
    }
    json_set(report, "deployments", TAKE_PTR(slim));
}

static struct json *report_of(struct look *l)
{
    char iso[CLOCK_ISO_SIZE], host[256] = "";
    struct json *report = json_object();
    (void)gethostname(host, sizeof(host) - 1);
    json_set_str(report, "app", l->run.app);
    json_set_str(report, "time", clock_format_iso(l->now_ms, iso));
    json_set_str(report, "host", host);
    add_containers(report, l);
    add_running(report, l);
    json_set(report, "recommendations", recommendations(l));
    json_set(report, "deployments", TAKE_PTR(l->entries));
    json_set(report, "trend", TAKE_PTR(l->trend));
    add_kpi(report, l);
    add_host(report, l);
    make_fit(report);
    return report;
}

int status_report(const char *app, int64_t time_ms, struct look_memory *memory, struct json **ret, struct err *err)
{
    struct look l;
    int r = look_take(&l, app, time_ms, memory, err);
    if (r == 0 && l.engine_error.kind != ERR_OK) {
        *err = l.engine_error;
        r = -(int)err->kind;
    }
    if (r == 0)
        *ret = report_of(&l);
    look_done(&l);
    return r;
}

int status_reply(const char *app, int64_t time_ms, struct look_memory *memory, int out_fd, struct err *err)
{
    _cleanup_(event_done_p) struct event ev;
    struct json *report = NULL;
    int r = status_report(app, time_ms, memory, &report, err);
    if (r < 0)
        return r;
    event_init(&ev, EVENT_REPORT, "");
    json_set_str(ev.body, "name", "status");
    json_set(ev.body, "report", report);
    return reply_event(out_fd, &ev, err);
}
