/*
 * handover: both versions publish the same pair of host ports, production and spare. The candidate boots and is checked
 * on the spare port while the old version serves; then three calls of the engine move the production port to it.
 *
 * The engine gives out the ports of a pair in turn, so which one a container gets is looked at and turned when it is the
 * wrong one (traffic_take_port); between deployments the keeper (agent/keeper/keeper.h) does that.
 * Measurements and the order of the calls: docs/architecture.md "Port handover".
 */
#include "agent/traffic/strategy.h"

#include "agent/traffic/ports.h"
#include "agent/watch/health.h"
#include "shared/clock.h"

static int spare_port(const struct run *run)
{
    return (int)spec_spare_port(&run->spec);
}

static void ports(const struct run *run, int *first, int *last)
{
    int port = (int)run->spec.port, spare = spare_port(run);
    *first = port < spare ? port : spare;
    *last = port < spare ? spare : port;
}

/* The old version has the port that the candidate is to have. */
static bool is_contested(const struct run *run)
{
    return run->old_was_running && traffic_holds_port(&run->old.c, (int)run->spec.port);
}

/* The engine or the containers do not allow it: say why and go on with recreate, as long as nothing was touched. */
static int fall_back(struct run *run, const char *why, struct err *err)
{
    run_log(run, "warning", "agent",
            "handover is not possible here (%s): going on with recreate, which has a longer gap", why);
    run->strategy = &strategy_recreate;
    if (run->cand.c.running && engine_container_stop(run->engine, run->cand.c.id, run->spec.stop_timeout_s, err) < 0)
        return err_wrap(err, "stop the candidate");
    return run->strategy->warm_up(run, err);
}

const char *strategy_handover_obstacle(const struct run *run)
{
    const char *mode = run->old.c.network_mode;
    if (!is_contested(run))
        return NULL;
    if (strcmp(mode, "host") == 0 || strcmp(mode, "none") == 0 || strncmp(mode, "container:", 10) == 0)
        return "the version that serves has no network of its own";
    return NULL;
}

static const char *obstacle(const struct run *run)
{
    int first, last;
    const char *of_old = strategy_handover_obstacle(run);
    if (of_old)
        return of_old;
    if (!traffic_wanted_ports(&run->cand.c, (int)run->spec.port, &first, &last) || first == last)
        return "the version to start was made to publish one port only";
    return NULL;
}

#define HELD_STARTS_MAX                                                                                                \
    4 /* the engine tries a held port at most once for IPv4 and once for IPv6 before the other's turn comes */

/*
 * Both ports are free, and the engine may hand out the spare one first. While that is held by us, a start that tries it
 * fails before the app runs; turning the port of a running app would take its network away while it boots.
 */
static int start_undisturbed(struct run *run, struct err *err)
{
    _cleanup_(close_p) int held = ports_hold(spare_port(run));
    int r = traffic_start(run, &run->cand, err);
    for (int starts = 1; r < 0 && err->kind == ERR_PORT_TAKEN && held >= 0 && starts < HELD_STARTS_MAX; starts++) {
        err_clear(err);
        r = traffic_start(run, &run->cand, err);
    }
    if (r < 0 && err->kind == ERR_PORT_TAKEN && held >= 0) { /* this engine does not move on: without it, then */
        close_p(&held);
        err_clear(err);
        r = traffic_start(run, &run->cand, err);
    }
    return r;
}

/* The candidate starts where it can be checked: on the spare port, or on the production port when that one is free. */
static int start(struct run *run, bool contested, struct err *err)
{
    int wanted = contested ? spare_port(run) : (int)run->spec.port;
    int r = contested ? traffic_start(run, &run->cand, err) : start_undisturbed(run, err);
    if (r < 0 && contested && err->kind == ERR_PORT_TAKEN) {
        /* The old one holds its port on one address only: the engine noticed late, and goes on with the next port. */
        err_clear(err);
        r = traffic_start(run, &run->cand, err);
    }
    if (r < 0 && contested && err->kind == ERR_PORT_TAKEN && run->op == WIRE_ROLLBACK) {
        err_clear(err); /* a stranger on the spare port: the way back must not depend on it */
        return 1;
    }
    if (r < 0)
        return r;
    if (!run->cand.c.running)
        return err_set(err, ERR_APP_EXITED, (int)run->cand.c.exit_code,
                       "the container ended at once, with exit code %d", (int)run->cand.c.exit_code);
    if (run->cand.host_port != wanted && !contested)
        return traffic_take_port(run, &run->cand, wanted,
                                 err); /* it could not be held: which one it got is the engine's turn */
    return run->cand.host_port == wanted ? 0 : 1;
}

static int warm_up(struct run *run, struct err *err)
{
    bool contested = is_contested(run);
    const char *why = contested ? obstacle(run) : NULL;
    if (why)
        return fall_back(run, why, err);
    int64_t start_ms = clock_mono_ms();
    int r = start(run, contested, err);
    if (r < 0)
        return r;
    if (r == 1)
        return fall_back(run, "the engine did not give it the spare port", err);
    run->direct = !contested;
    run_log(run, "info", "agent", "the new version boots on port %d%s", run->cand.host_port,
            contested ? " while the old one serves" : ", which was free");
    if (health_wait(run, HEALTH_CANDIDATE, &run->cand, run->spec.warm_up_ms, err) < 0)
        return -(int)err->kind;
    run_metric(run, "container_startup_seconds", (double)(clock_mono_ms() - start_ms - run->spec.warm_up_ms) / 1000,
               "s");
    run_text(run, "healthy on port %d", run->cand.host_port);
    return 0;
}

static int cutover(struct run *run, struct err *err)
{
    struct traffic_networks old_networks, cand_networks;
    if (run->direct) {
        run->cutover_ms = 0;
        run_text(run, "nothing to move: the new version has port %d already", (int)run->spec.port);
        return 0;
    }
    /* From now on a reboot must bring the old version back, whatever its policy was. */
    if (engine_container_set_restart_policy(run->engine, run->old.c.id, "always", err) < 0)
        return err_wrap(err, "keep '%s' startable", run->old.c.name);
    if (traffic_networks(run, &run->old, &old_networks, err) < 0 ||
        traffic_networks(run, &run->cand, &cand_networks, err) < 0)
        return -(int)err->kind;
    if (traffic_disconnect(run, &run->cand, &cand_networks, err) < 0)
        return -(int)err->kind;
    int64_t gap = clock_mono_ms();
    if (traffic_disconnect(run, &run->old, &old_networks, err) < 0 || traffic_connect(run, &run->cand, err) < 0 ||
        traffic_take_port(run, &run->cand, (int)run->spec.port, err) < 0)
        return -(int)err->kind;
    run->cutover_ms = clock_mono_ms() - gap;
    run_text(run, "port %d moved in %.3f s", (int)run->spec.port, (double)run->cutover_ms / 1000);
    return 0;
}

/* The candidate lets go of its networks, and with them of any port. */
static int take_candidate_off(struct run *run, struct err *err)
{
    struct run_version cand = { 0 };
    struct traffic_networks networks;
    int r = run->cand.exists ? run_find(run, run->cand.c.id, &cand, err) : 1;
    if (r == 0)
        r = traffic_networks(run, &cand, &networks, err);
    if (r == 0)
        r = traffic_disconnect(run, &cand, &networks, err);
    run_version_done(&cand);
    return r < 0 ? r : 0;
}

static int cutover_undo(struct run *run, struct err *err)
{
    if (take_candidate_off(run, err) < 0)
        return -(int)err->kind;
    return traffic_restore_old(run, err);
}

const struct strategy strategy_handover = {
    .name = "handover",
    .ports = ports,
    .warm_up = warm_up,
    .cutover = cutover,
    .cutover_undo = cutover_undo,
};
