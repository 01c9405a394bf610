#include "agent/status.h"

#include "agent/reply.h"
#include "agent/request.h"
#include "agent/state/lock.h"
#include "agent/state/store.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/health.h"
#include "shared/clock.h"

#define DEPLOYMENTS_SHOWN 10
#define STATS_APART_MS 100 /* shortest span between two samples that gives a CPU figure worth printing */

static void add_ports(struct json *c, const struct engine_container *from)
{
    struct json *ports = json_array();
    char text[64];
    const struct json *all = json_path(from->raw, "NetworkSettings", "Ports", NULL);
    for (const struct json *p = json_first(all); p; p = json_next(p)) {
        const struct json *b = json_first(p); /* one address family is enough to show */
        if (!b)
            continue;
        (void)snprintf(text, sizeof(text), "%s->%s", json_str(b, "HostPort", ""), json_key(p));
        json_push_str(ports, text);
    }
    json_set(c, "ports", ports);
}

static void add_resources(struct run *run, struct json *c, const char *id)
{
    struct engine_stats first, second;
    struct err ignored = { 0 };
    if (engine_container_stats(run->engine, id, &first, &ignored) < 0)
        return;
    clock_sleep_ms(STATS_APART_MS); /* the sampling period */
    if (engine_container_stats(run->engine, id, &second, &ignored) < 0)
        return;
    double cpu = (double)(second.cpu_total_ns - first.cpu_total_ns) / 1e4 / (double)(second.at_ms - first.at_ms);
    json_set_num(c, "cpu_percent", (double)(int64_t)(cpu * 10) / 10);
    json_set_int(c, "memory_bytes", second.memory_bytes);
    json_set_int(c, "memory_limit_bytes", second.memory_limit_bytes);
    json_set_int(c, "net_rx_bytes", (int64_t)second.net_rx_bytes);
    json_set_int(c, "net_tx_bytes", (int64_t)second.net_tx_bytes);
}

static void add_health(struct run *run, struct json *c, struct run_version *v)
{
    struct err ignored = { 0 };
    int64_t took;
    const char *id = engine_container_label(&v->c, CONTAINER_LABEL_DEPLOYMENT);
    json_set_str(c, "health", "unknown");
    if (!v->c.running || !id[0] || request_load_spec(run->app_fd, id, &run->spec, &ignored) != 0)
        return;
    int first, last;
    v->host_port =
        traffic_wanted_ports(&v->c, (int)run->spec.port, &first, &last) ? traffic_bound_port(&v->c, first, last) : 0;
    bool healthy = health_ask(run, v, &took);
    json_set_str(c, "health", healthy ? "healthy" : "unhealthy");
    json_set_int(c, "response_ms", took);
}

static struct json *describe(struct run *run, struct run_version *v)
{
    struct json *c = json_object();
    const char *image = engine_container_label(&v->c, CONTAINER_LABEL_IMAGE);
    json_set_str(c, "name", v->c.name);
    json_set_str(c, "image", image[0] ? image : v->c.image);
    json_set_str(c, "digest", engine_container_label(&v->c, CONTAINER_LABEL_DIGEST));
    json_set_str(c, "deployment", engine_container_label(&v->c, CONTAINER_LABEL_DEPLOYMENT));
    json_set_str(c, "status", v->c.status);
    json_set_str(c, "started", v->c.started_at);
    json_set_int(c, "restarts", v->c.restart_count);
    add_ports(c, &v->c);
    add_health(run, c, v);
    if (v->c.running)
        add_resources(run, c, v->c.id);
    return c;
}

static int add_role(struct run *run, struct json *report, const char *role, const char *name, struct err *err)
{
    struct run_version v = { 0 };
    int r = run_find(run, name, &v, err);
    if (r < 0)
        return r;
    if (r == 0)
        json_set(report, role, describe(run, &v));
    else
        json_set_str(report, role, NULL);
    run_version_done(&v);
    return 0;
}

/* Containers with the app's label that have none of its three names. */
static int add_others(struct run *run, struct json *report, struct err *err)
{
    _cleanup_(json_free_p) struct json *all = NULL;
    char label[SPEC_APP_MAX + 64];
    struct json *others = json_array();
    (void)snprintf(label, sizeof(label), "%s=%s", CONTAINER_LABEL_APP, run->app);
    json_set(report, "others", others);
    if (engine_container_list(run->engine, label, &all, err) < 0)
        return -(int)err->kind;
    for (const struct json *c = json_first(all); c; c = json_next(c)) {
        const char *name = json_value_str(json_first(json_get(c, "Names")), "");
        name += name[0] == '/';
        if (strcmp(name, run->names.blue) != 0 && strcmp(name, run->names.green) != 0 &&
            strcmp(name, run->names.next) != 0 && strcmp(name, run->names.keeper) != 0)
            json_push_str(others, name);
    }
    return 0;
}

static struct json *describe_deployment(int app_fd, const char *id)
{
    static const char *const members[] = { "outcome", "operation", "image", "digest", "started", "run_link" };
    _cleanup_(close_p) int dir_fd = -1;
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    _cleanup_(json_free_p) struct json *outcome = NULL;
    struct err ignored = { 0 };
    struct json *d = json_object();
    json_set_str(d, "id", id);
    if (store_open_deployment(app_fd, id, &dir_fd, &ignored) != 0 ||
        store_read(dir_fd, "outcome.json", &text, &ignored) != 0 ||
        json_parse(buf_span(&text), &outcome, &ignored) < 0) {
        json_set_str(d, "outcome", "unfinished");
        return d;
    }
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        json_set_str(d, members[i], json_str(outcome, members[i], ""));
    json_set_num(d, "total_seconds", json_num(outcome, "total_seconds", -1));
    return d;
}

static int add_deployments(struct run *run, struct json *report, struct err *err)
{
    struct strlist ids = { 0 };
    struct json *all = json_array();
    json_set(report, "deployments", all);
    int r = store_list_deployments(run->app_fd, &ids, err);
    for (size_t i = 0; i < ids.len && i < DEPLOYMENTS_SHOWN; i++)
        json_push(all, describe_deployment(run->app_fd, ids.items[i]));
    strlist_done(&ids);
    return r;
}

static void add_host(struct run *run, struct json *report)
{
    int64_t free_bytes, total_bytes;
    struct lock_owner owner;
    struct json *engine = json_object(), *disk = json_object(), *lock = json_object();
    json_set_str(engine, "version", run->engine_info.version);
    json_set_str(engine, "api", run->engine_info.api);
    json_set_str(engine, "arch", run->engine_info.arch);
    json_set(report, "engine", engine);
    store_disk(run->engine_info.root_dir, &free_bytes, &total_bytes);
    json_set_int(disk, "free_bytes", free_bytes);
    json_set_int(disk, "total_bytes", total_bytes);
    json_set(report, "disk", disk);
    json_set_bool(lock, "held", lock_is_held(run->app_fd, &owner));
    json_set_str(lock, "run_link", owner.run_link);
    json_set(report, "lock", lock);
}

static int fill(struct run *run, struct json *report, struct err *err)
{
    json_set_str(report, "app", run->app);
    if (store_open_app(run->app, &run->app_fd, err) < 0 || engine_open(&run->engine, NULL, NULL, err) < 0 ||
        engine_info(run->engine, &run->engine_info, err) < 0)
        return -(int)err->kind;
    if (add_role(run, report, "blue", run->names.blue, err) < 0 ||
        add_role(run, report, "green", run->names.green, err) < 0 ||
        add_role(run, report, "next", run->names.next, err) < 0 || add_others(run, report, err) < 0 ||
        add_deployments(run, report, err) < 0)
        return -(int)err->kind;
    add_host(run, report);
    return 0;
}

int status_reply(const char *app, int out_fd, struct err *err)
{
    struct run run;
    _cleanup_(event_done_p) struct event ev;
    struct json *report = json_object();
    event_init(&ev, EVENT_REPORT, "");
    run_init(&run);
    (void)snprintf(run.app, sizeof(run.app), "%s", app);
    run_set_names(&run.names, app);
    int r = fill(&run, report, err);
    json_set_str(ev.body, "name", "status");
    json_set(ev.body, "report", report);
    if (r == 0)
        r = reply_event(out_fd, &ev, err);
    run_done(&run);
    return r;
}
