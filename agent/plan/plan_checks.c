#include "agent/plan/plan.h"

#include "agent/recover.h"
#include "agent/state/lock.h"
#include "agent/traffic/ports.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/health.h"
#include "shared/clock.h"

#include <sys/stat.h>

#define CHECK_MS 180000 /* for all questions to the registry: as long as the row image_check has */

/* Add what went wrong, if it did. true: all is well. */
static bool passed(struct plan *p, int r, struct err *err)
{
    if (r >= 0)
        return true;
    struct err clean = *err;
    redactor_clean_err(p->run.redactor, &clean);
    json_push(p->problems, event_error_to_json(&clean));
    p->refused = true;
    err_clear(err);
    return false;
}

/* Worth knowing, but no reason for a deployment to fail. */
static void note(struct plan *p, struct err *err)
{
    bool refused = p->refused;
    (void)passed(p, -1, err);
    p->refused = refused;
}

/* Is a run at work, or was one cut off? Then what it holds for the moment, such as the spare port, is in nobody's way. */
static bool check_work(struct plan *p, struct err *err)
{
    struct run *run = &p->run;
    struct lock_owner owner;
    size_t before = json_len(p->problems);
    if (run->app_fd >= 0 && lock_is_held(run->app_fd, &owner)) {
        err_hint(err, "A deployment waits for it, at most 'lock-timeout'; plan again when it has ended.");
        (void)err_set(err, ERR_LOCKED, 0, "a run is at work on this app: deployment %s, %s",
                      owner.deployment[0] ? owner.deployment : "unknown",
                      owner.run_link[0] ? owner.run_link : "no run link");
        note(p, err);
    } else if (run->app_fd >= 0 && recover_is_due(run->app_fd)) {
        err_hint(err, "The next deployment does that first; plan again afterwards.");
        (void)err_set(err, ERR_REMOTE, 0, "a run of this app was cut off and is not at its end yet");
        note(p, err);
    }
    return json_len(p->problems) > before;
}

static void check_names(struct plan *p, struct err *err)
{
    struct run *run = &p->run;
    char id[ENGINE_ID_MAX];
    (void)passed(p, preflight_next_name(run, id, sizeof(id), err), err);
    (void)passed(p, preflight_name(run, run->names.green, err), err);
    (void)passed(p, preflight_name(run, run->names.keeper, err), err);
}

static bool find_old(struct plan *p, struct err *err)
{
    const char *name;
    int r = settle_who_is_blue(&p->run, &name, err);
    if (r == 0)
        r = preflight_look_at_old(&p->run, name, err);
    return passed(p, r, err);
}

static void check_ports(struct plan *p, struct err *err)
{
    struct run *run = &p->run;
    int first, last;
    run->strategy->ports(run, &first, &last);
    for (int port = first; port <= last; port++)
        (void)passed(p, ports_check(run, port, port, err), err);
}

static void check_networks(struct plan *p, struct err *err)
{
    for (size_t i = 0; i < p->run.spec.networks.len; i++) {
        const char *name = p->run.spec.networks.items[i];
        struct engine_network network;
        int r = engine_network_inspect(p->run.engine, name, &network, err);
        if (r == 0)
            engine_network_done(&network);
        if (r == 1) {
            err_hint(err, "Make it with 'docker network create %s', or correct the input 'networks'.", name);
            r = err_set(err, ERR_DOCKER, 404, "join network '%s': network %s not found", name, name);
        }
        (void)passed(p, r, err);
    }
}

/* A path that is not there is made by the engine, as an empty folder of root's: seldom what was meant. */
static void check_volumes(struct plan *p, struct err *err)
{
    for (size_t i = 0; i < p->run.spec.volumes.len; i++) {
        const char *volume = p->run.spec.volumes.items[i];
        char path[4096];
        struct stat st;
        (void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(volume, ":"), volume);
        if (path[0] != '/' || stat(path, &st) == 0 || errno != ENOENT)
            continue;
        err_hint(err, "Make it, with the owner that the app needs, or correct the input 'volumes'.");
        (void)err_set(err, ERR_INPUT, 0,
                      "'%s' of the input 'volumes' is not on the host: it would be made, empty and root's", path);
        note(p, err);
    }
}

/* ---- the image ---- */

/* On the host already, so the engine knows what it is for; the registry need not have said. */
static int check_local_platform(struct plan *p, struct err *err)
{
    struct run *run = &p->run;
    struct engine_image image;
    int r = engine_image_inspect(run->engine, run->image_ref, run->ref.repo, &image, err);
    if (r != 0)
        return r < 0 ? r : 0;
    struct engine_remote *known = &p->image.remote;
    if (!known->platform_count && image.arch[0]) {
        known->platform_count = 1;
        (void)snprintf(known->platforms[0], sizeof(known->platforms[0]), "%.20s/%.20s", image.os, image.arch);
    }
    engine_image_done(&image);
    return check_platform(run, known, err);
}

static void check_image(struct plan *p, struct err *err)
{
    struct run *run = &p->run;
    run->deadline_ms = clock_mono_ms() + CHECK_MS;
    if (!passed(p, login_apply(run, err), err) || !passed(p, check_resolve(run, &p->image, err), err))
        return;
    int r = check_platform(run, &p->image.remote, err);
    if (r == 0)
        r = check_local_platform(p, err);
    p->fits = passed(p, r, err);
    (void)passed(p, check_findings(run, &p->image, err), err);
    (void)passed(p, check_room(run, p->image.size_bytes, err), err);
}

static void compare(struct plan *p, struct err *err)
{
    struct run *run = &p->run;
    bool same = false;
    if (passed(p, compare_same(run, &same, err), err))
        p->same = same && health_ask(run, &run->old, NULL);
}

void plan_check(struct plan *p)
{
    struct run *run = &p->run;
    struct err err = { 0 };
    p->fits = true;
    p->has_engine = passed(p, preflight_open(run, &err), &err);
    if (!p->has_engine)
        return;
    (void)passed(p, preflight_disks(run, &err), &err);
    bool busy = check_work(p, &err);
    check_names(p, &err);
    if (!find_old(p, &err) || !passed(p, preflight_strategy(run, &err), &err))
        return;
    (void)passed(p, preflight_way_back(run, &err), &err);
    if (!busy)
        check_ports(p, &err);
    check_networks(p, &err);
    check_volumes(p, &err);
    check_image(p, &err);
    compare(p, &err);
    if (run->strategy == &strategy_handover && strategy_handover_obstacle(run))
        run->strategy = &strategy_recreate;
}
