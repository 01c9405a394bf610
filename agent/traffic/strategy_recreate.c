/*
 * recreate: for apps of which two must never run at once. The candidate is made, but not started, while the old version
 * serves; the gap is stop + start + boot. The old version is stopped, not removed: the way back is a start.
 */
#include "agent/traffic/strategy.h"

#include "shared/clock.h"

static void ports(const struct run *run, int *first, int *last)
{
    *first = *last = (int)run->spec.port;
}

static int warm_up(struct run *run, struct err *err)
{
    (void)err;
    run_text(run, "not before the cutover: two versions never run at once");
    return STEP_SKIPPED;
}

static int cutover(struct run *run, struct err *err)
{
    int64_t gap = clock_mono_ms();
    if (run->old.exists && run->old_was_running) {
        /* A stopped container with `always` comes back at a reboot: uncommitted means old. */
        if (engine_container_set_restart_policy(run->engine, run->old.c.id, "always", err) < 0)
            return err_wrap(err, "keep '%s' startable", run->old.c.name);
        gap = clock_mono_ms();
        if (engine_container_stop(run->engine, run->old.c.id, run->spec.stop_timeout_s, err) < 0)
            return err_wrap(err, "stop the old version");
    }
    if (traffic_start(run, &run->cand, err) < 0)
        return -(int)err->kind;
    if (traffic_take_port(run, &run->cand, (int)run->spec.port, err) < 0)
        return -(int)err->kind;
    run->cutover_ms = clock_mono_ms() - gap;
    run_text(run, "stopped the old version and started the new one in %.3f s", (double)run->cutover_ms / 1000);
    return 0;
}

static int cutover_undo(struct run *run, struct err *err)
{
    /* A stop without grace waits until the ports are free; a kill does not. */
    if (run->cand.exists && engine_container_stop(run->engine, run->cand.c.id, 0, err) < 0)
        return err_wrap(err, "stop the failed version");
    return traffic_restore_old(run, err);
}

const struct strategy strategy_recreate = {
    .name = "recreate",
    .inherits_address = true,
    .ports = ports,
    .warm_up = warm_up,
    .cutover = cutover,
    .cutover_undo = cutover_undo,
};
