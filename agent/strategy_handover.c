/*
 * handover: both versions publish the same range of host ports. The candidate boots and is checked on the second port
 * while the old version serves; then three calls of the engine move the first port to it. Measurements and the order of
 * the calls: docs/architecture.md "Port handover".
 */
#include "agent/strategy.h"

#include "agent/health.h"
#include "shared/clock.h"

static int last_port(const struct run *run)
{
    return (int)(run->spec.spare_port ? run->spec.spare_port : run->spec.port + 1);
}

static void ports(const struct run *run, int *first, int *last)
{
    *first = (int)run->spec.port;
    *last = last_port(run);
}

/* The engine or the containers do not allow it: say why and go on with recreate, as long as nothing was touched. */
static int fall_back(struct run *run, const char *why, struct err *err)
{
    run_log(run, "warning", "agent", "handover is not possible here (%s): going on with recreate, which has a longer gap",
            why);
    run->strategy = &strategy_recreate;
    if (run->cand.c.running && engine_container_stop(run->engine, run->cand.c.id, run->spec.stop_timeout_s, err) < 0)
        return err_wrap(err, "stop the candidate");
    return run->strategy->warm_up(run, err);
}

static const char *obstacle(const struct run *run)
{
    const char *mode = run->old.c.network_mode;
    if (strcmp(mode, "host") == 0 || strcmp(mode, "none") == 0 || strncmp(mode, "container:", 10) == 0)
        return "the version that serves has no network of its own";
    if (run->op == WIRE_ROLLBACK && traffic_last_wanted_port(&run->cand.c, (int)run->spec.port) <= run->spec.port)
        return "the previous version was made to publish one port only";
    return NULL;
}

static int warm_up(struct run *run, struct err *err)
{
    bool contested = run->old_was_running && traffic_holds_port(&run->old.c, (int)run->spec.port);
    const char *why = contested ? obstacle(run) : NULL;
    if (why)
        return fall_back(run, why, err);

    int64_t start = clock_mono_ms();
    struct err failure = { 0 };
    int r = traffic_start(run, &run->cand, &failure);
    if (r < 0 && failure.kind == ERR_PORT_TAKEN && contested)
        return fall_back(run, "the engine gave it no port of the range", err);
    if (r < 0) {
        *err = failure;
        return r;
    }
    int port = run->cand.host_port;
    if (contested && (port <= run->spec.port || port > last_port(run)) &&
        port != traffic_last_wanted_port(&run->cand.c, (int)run->spec.port))
        return fall_back(run, "the engine gave it no spare port", err);
    run->direct = port == run->spec.port;
    run_log(run, "info", "agent", "the new version boots on port %d%s", port,
            run->direct ? ", which was free" : " while the old one serves");
    r = health_wait(run, HEALTH_CANDIDATE, &run->cand, run->spec.warm_up_ms, err);
    if (r < 0)
        return r;
    run_metric(run, "container_startup_seconds", (double)(clock_mono_ms() - start - run->spec.warm_up_ms) / 1000, "s");
    run_text(run, "healthy on port %d", port);
    return 0;
}

static int cutover(struct run *run, struct err *err)
{
    struct traffic_networks old_networks, cand_networks;
    if (run->direct || !run->old_was_running) {
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
    if (traffic_disconnect(run, &run->old, &old_networks, err) < 0)
        return -(int)err->kind;
    /* The app's own network is the first one and carries the port: it ends the gap. */
    if (traffic_connect(run, &run->cand, err) < 0)
        return -(int)err->kind;
    run->cutover_ms = clock_mono_ms() - gap;

    char id[ENGINE_ID_MAX];
    (void)snprintf(id, sizeof(id), "%s", run->cand.c.id);
    int r = run_find(run, id, &run->cand, err);
    if (r != 0)
        return r < 0 ? r : err_set(err, ERR_APP_EXITED, 0, "the new container vanished in the cutover");
    if (!traffic_holds_port(&run->cand.c, (int)run->spec.port))
        return err_set(err, run->cand.c.running ? ERR_DOCKER : ERR_APP_EXITED, 0,
                       "after the cutover the new container does not hold port %d", (int)run->spec.port);
    run->cand.host_port = (int)run->spec.port;
    run_text(run, "port %d moved in %.3f s", (int)run->spec.port, (double)run->cutover_ms / 1000);
    return 0;
}

static int cutover_undo(struct run *run, struct err *err)
{
    struct run_version cand = { 0 };
    struct run_version old = { 0 };
    int r = 0;
    /* The candidate lets go of the port, if it has it… */
    if (run->cand.exists && run_find(run, run->cand.c.id, &cand, err) == 0) {
        struct traffic_networks networks;
        r = traffic_networks(run, &cand, &networks, err);
        if (r == 0)
            r = traffic_disconnect(run, &cand, &networks, err);
        run_version_done(&cand);
    }
    /* …and the old version takes it: back on its networks, running, with the policy it had. */
    if (r == 0)
        r = traffic_connect(run, &run->old, err);
    if (r == 0 && run->old_was_running)
        r = engine_container_start(run->engine, run->old.c.id, err);
    if (r == 0)
        r = engine_container_set_restart_policy(run->engine, run->old.c.id, run->old_policy, err);
    if (r == 0 && run_find(run, run->old.c.id, &old, err) == 0) {
        old.host_port = (int)run->spec.port;
        if (run->old_was_running)
            r = health_wait(run, HEALTH_PREVIOUS, &old, 0, err);
        run_version_done(&old);
    }
    if (r == 0)
        run_text(run, "the previous version answers again on port %d", (int)run->spec.port);
    return r;
}

const struct strategy strategy_handover = {
    .name = "handover",
    .ports = ports,
    .warm_up = warm_up,
    .cutover = cutover,
    .cutover_undo = cutover_undo,
};
