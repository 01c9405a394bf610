#include "agent/steps/steps.h"

#include "agent/state/store.h"
#include "agent/traffic/ports.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/health.h"

#define DISK_FREE_MIN (256LL * 1024 * 1024) /* on Docker's disk: room for an ordinary image's layers */
#define STATE_FREE_MIN (16LL * 1024 * 1024) /* on the state root's disk: event log, journal, evidence */

static int check_disk(const char *path, const char *what, int64_t wanted, struct err *err)
{
    int64_t free_bytes, total_bytes;
    store_disk(path, &free_bytes, &total_bytes);
    if (free_bytes < 0 || free_bytes >= wanted)
        return 0; /* a path that we may not look at is not held against the host */
    err_hint(err, "Free space on the host, for example with 'docker image prune'.");
    return err_set(err, ERR_DISK_FULL, 0, "%s (%s) has %.0f MiB free, wants at least %.0f MiB", what, path,
                   (double)free_bytes / 1048576, (double)wanted / 1048576);
}

int preflight_open(struct run *run, struct err *err)
{
    if (!run->engine && engine_open(&run->engine, NULL, &run->cancelled, err) < 0)
        return -(int)err->kind;
    if (engine_info(run->engine, &run->engine_info, err) < 0)
        return err_wrap(err, "ask the engine about itself");
    return 0;
}

int preflight_disks(struct run *run, struct err *err)
{
    _cleanup_(buf_done_p) struct buf root = BUF_INIT(4096);
    if (store_root_path(&root, err) < 0)
        return -(int)err->kind;
    if (check_disk(buf_str(&root), "the disk of the state root", STATE_FREE_MIN, err) < 0)
        return -(int)err->kind;
    return check_disk(run->engine_info.root_dir, "Docker's disk", DISK_FREE_MIN, err);
}

int preflight_engine(struct run *run, struct err *err)
{
    return preflight_open(run, err) < 0 ? -(int)err->kind : preflight_disks(run, err);
}

int preflight_look_at_old(struct run *run, const char *name, struct err *err)
{
    int r = run_find(run, name, &run->old, err);
    if (r < 0)
        return err_wrap(err, "look for '%s'", name);
    if (!run->old.exists)
        return 0;
    run->old_was_running = run->old.c.running;
    run->old.host_port = (int)run->spec.port;
    (void)snprintf(run->old_policy, sizeof(run->old_policy), "%s",
                   run->old.c.restart_policy[0] ? run->old.c.restart_policy : "no");
    return 0;
}

int preflight_find_old(struct run *run, struct err *err)
{
    return preflight_look_at_old(run, run->names.blue, err);
}

static struct json *endpoints_json(const struct run_version *v)
{
    struct json *endpoints = json_array();
    for (size_t i = 0; v->exists && i < v->c.endpoint_count; i++) {
        const struct engine_endpoint *e = &v->c.endpoints[i];
        struct json *j = json_object();
        json_set_str(j, "network", e->network);
        json_set_str(j, "static_ip", e->static_ip);
        if (e->aliases)
            json_set(j, "aliases", json_copy(e->aliases));
        json_push(endpoints, j);
    }
    return endpoints;
}

/* What an undo after a crash must know and Docker no longer tells: the networks of the version that served. */
int preflight_journal_facts(struct run *run, struct err *err)
{
    _cleanup_(json_free_p) struct json *facts = json_object();
    json_set_str(facts, "strategy", run->strategy ? run->strategy->name : "");
    json_set_str(facts, "cand", run->cand.exists ? run->cand.c.id : "");
    json_set_str(facts, "old", run->old.exists ? run->old.c.id : "");
    json_set_bool(facts, "old_was_running", run->old_was_running);
    json_set_bool(facts, "old_answered", run->old_answered);
    json_set_str(facts, "old_policy", run->old_policy);
    json_set_str(facts, "final_policy", run->final_policy);
    json_set_str(facts, "image_ref", run->image_ref);
    json_set_bool(facts, "image_was_here", run->image_was_here);
    json_set(facts, "old_endpoints", endpoints_json(&run->old));
    json_set(facts, "cand_endpoints", endpoints_json(run->cand_before.exists ? &run->cand_before : &run->cand));
    return journal_append(&run->journal, "facts", run->step_name, facts, err);
}

static int refuse_name(const char *name, const char *what, const char *hint, struct err *err)
{
    err_hint(err, "%s", hint);
    return err_set(err, ERR_DOCKER, 409, "a container named '%s' %s and is not ours", name, what);
}

int preflight_next_name(struct run *run, char *ret_id, size_t size, struct err *err)
{
    struct run_version next = { 0 };
    int r = run_find(run, run->names.next, &next, err);
    if (r == 0 && strcmp(engine_container_label(&next.c, CONTAINER_LABEL_APP), run->app) != 0)
        r = refuse_name(run->names.next, "exists",
                        "Rename or remove that container; the name is needed for the new version.", err);
    else if (r == 0)
        (void)snprintf(ret_id, size, "%s", next.c.id);
    run_version_done(&next);
    return r;
}

/* A container of an earlier run that nobody finished is ours to remove; anybody else's is not. */
static int clear_next(struct run *run, struct err *err)
{
    char id[ENGINE_ID_MAX];
    int r = preflight_next_name(run, id, sizeof(id), err);
    if (r != 0)
        return r < 0 ? r : 0;
    run_log(run, "warning", "agent", "removing '%s', left behind by an earlier run", run->names.next);
    return engine_container_remove(run->engine, id, err);
}

/* A container made by hand is taken over only if the way back to it would work. */
int preflight_way_back(const struct run *run, struct err *err)
{
    const struct engine_container *c = &run->old.c;
    if (!run->old_was_running)
        return 0;
    bool removes_itself = json_value_bool(json_path(c->raw, "HostConfig", "AutoRemove", NULL), false);
    if (!removes_itself && strcmp(c->network_mode, "host") != 0)
        return 0;
    err_hint(err, "Start it anew as 'docker run -d -p %d:... --name %s', without %s; then deploy again.",
             (int)run->spec.port, c->name, removes_itself ? "'--rm'" : "'--network host'");
    return err_set(err, ERR_DOCKER, 0, "'%s' was started with %s: there would be no way back to it", c->name,
                   removes_itself ? "'--rm'" : "'--network host'");
}

/* The names are ours to reuse, but nobody's running container is removed for one. */
int preflight_name(struct run *run, const char *name, struct err *err)
{
    struct run_version there = { 0 };
    int r = run_find(run, name, &there, err);
    if (r == 0 && there.c.running && !engine_container_label(&there.c, CONTAINER_LABEL_APP)[0])
        r = refuse_name(name, "runs", "Rename, stop or remove that container; the name is needed for the app.", err);
    run_version_done(&there);
    return r < 0 ? r : 0;
}

int preflight_strategy(struct run *run, struct err *err)
{
    run->strategy = strategy_by_name(run->spec.strategy);
    (void)snprintf(run->final_policy, sizeof(run->final_policy), "%s", run->spec.restart_policy);
    return run->strategy ? 0 : err_set(err, ERR_INPUT, 0, "strategy '%s' is unknown", run->spec.strategy);
}

int preflight_apply(struct run *run, struct err *err)
{
    if (preflight_engine(run, err) < 0)
        return -(int)err->kind;
    if (settle_names_left(run, err) < 0 || preflight_find_old(run, err) < 0 || clear_next(run, err) < 0 ||
        preflight_name(run, run->names.green, err) < 0 || preflight_name(run, run->names.keeper, err) < 0 ||
        preflight_way_back(run, err) < 0 || preflight_strategy(run, err) < 0)
        return -(int)err->kind;

    int first, last;
    run->strategy->ports(run, &first, &last);
    if (ports_check(run, first, last, err) < 0)
        return -(int)err->kind;
    if (run->old_was_running) {
        int64_t took;
        run->old_answered = health_ask(run, &run->old, &took);
        if (run->old_answered)
            run->response_before_ms = took;
    }
    if (preflight_journal_facts(run, err) < 0)
        return -(int)err->kind;
    run_text(run, "Docker %s (API %s) on %s; %s", run->engine_info.version, run->engine_info.api, run->engine_info.arch,
             !run->old.exists       ? "first deployment of this app"
             : run->old_was_running ? "a version is serving"
                                    : "a version exists, but is not running");
    return 0;
}
