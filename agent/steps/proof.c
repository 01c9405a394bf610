#include "agent/steps/steps.h"

#include "agent/traffic/strategy.h"
#include "agent/watch/health.h"
#include "shared/clock.h"

#define STATS_APART_MS 100   /* shortest span between two samples that gives a CPU figure worth printing */
#define PROBER_READY_MS 1000 /* the prober must have seen the app answer before the gap begins */

int warm_up_apply(struct run *run, struct err *err)
{
    int r = run->strategy->warm_up(run, err);
    if (r < 0)
        return r;
    /* The strategy may have changed, and a rollback's candidate was started. */
    struct err ignored = { 0 };
    (void)preflight_journal_facts(run, &ignored);
    if (r == 0) /* the second sample comes in the comprehensive check */
        (void)engine_container_stats(run->engine, run->cand.c.id, &run->first_stats, &ignored);
    return r;
}

static void start_prober(struct run *run)
{
    struct err err = { 0 };
    bool own_health_port = run->spec.health_port && run->spec.health_port != run->spec.container_port;
    if (run->direct || prober_start(&run->prober, (int)run->spec.port, own_health_port ? "" : run->spec.health_path,
                                    run->spec.health_status, &err) < 0)
        return; /* nothing moves, or no thread: then the outage is "not measured" */
    int64_t deadline = clock_mono_ms() + (run->old_was_running ? PROBER_READY_MS : 0);
    while (!prober_answers(run->prober) && clock_mono_ms() < deadline)
        clock_sleep_ms(1); /* its first answer is about a millisecond away */
}

static void stop_prober(struct run *run)
{
    if (!run->prober)
        return;
    prober_stop(&run->prober, &run->probes);
    if (!run->probes.measured)
        return;
    run_metric(run, "outage_seconds", (double)run->probes.outage_ms / 1000, "s");
    run_metric(run, "requests_seen", (double)run->probes.seen, "");
    run_metric(run, "requests_failed", (double)run->probes.failed, "");
}

int cutover_apply(struct run *run, struct err *err)
{
    if (run->old.exists)
        start_prober(run);
    int r = run->strategy->cutover(run, err);
    if (r >= 0 && run->cutover_ms >= 0)
        run_metric(run, "cutover_seconds", (double)run->cutover_ms / 1000, "s");
    return r;
}

int cutover_undo(struct run *run, struct err *err)
{
    if (!run->old.exists)
        return 0; /* nothing served before: nothing to give the port back to */
    run->rollback_started_ms = run->rollback_started_ms ? run->rollback_started_ms : clock_mono_ms();
    int r = run->strategy->cutover_undo(run, err);
    stop_prober(run);
    return r;
}

int health_apply(struct run *run, struct err *err)
{
    struct err ignored = { 0 };
    bool proven = run->strategy == &strategy_handover; /* its candidate was held through the warm-up */
    if (!run->first_stats.at_ms)
        (void)engine_container_stats(run->engine, run->cand.c.id, &run->first_stats, &ignored);
    int r = health_wait(run, HEALTH_PRODUCTION, &run->cand, proven ? 0 : run->spec.warm_up_ms, err);
    if (r < 0)
        return r;
    if (run->prober) {
        int64_t deadline = clock_mono_ms() + PROBER_READY_MS;
        while (!prober_answers(run->prober) && clock_mono_ms() < deadline)
            clock_sleep_ms(1); /* the gap ends for the prober as well before it is stopped */
    }
    stop_prober(run);
    run_text(run, "port %d answers as wanted in %d ms", (int)run->spec.port, (int)run->response_after_ms);
    return 0;
}

static void sample_resources(struct run *run)
{
    struct engine_stats now;
    struct err ignored = { 0 };
    int64_t apart = run->first_stats.at_ms ? clock_mono_ms() - run->first_stats.at_ms : 0;
    if (apart > 0 && apart < STATS_APART_MS)
        clock_sleep_ms(STATS_APART_MS - apart); /* the sampling period */
    if (engine_container_stats(run->engine, run->cand.c.id, &now, &ignored) < 0)
        return;
    json_free(run->resources);
    run->resources = json_object();
    apart = now.at_ms - run->first_stats.at_ms;
    double cpu = 0;
    if (run->first_stats.at_ms && apart > 0 && now.cpu_total_ns >= run->first_stats.cpu_total_ns)
        cpu = (double)(now.cpu_total_ns - run->first_stats.cpu_total_ns) / 1e4 / (double)apart;
    json_set_num(run->resources, "cpu_percent", (double)(int64_t)(cpu * 10) / 10);
    json_set_int(run->resources, "memory_bytes", now.memory_bytes);
    json_set_int(run->resources, "memory_limit_bytes", now.memory_limit_bytes);
    json_set_int(run->resources, "net_rx_bytes", (int64_t)now.net_rx_bytes);
    json_set_int(run->resources, "net_tx_bytes", (int64_t)now.net_tx_bytes);
}

int comprehensive_apply(struct run *run, struct err *err)
{
    char id[ENGINE_ID_MAX];
    (void)snprintf(id, sizeof(id), "%s", run->cand.c.id);
    sample_resources(run);
    int r = run_find(run, id, &run->cand, err);
    if (r != 0)
        return r < 0 ? r : err_set(err, ERR_APP_EXITED, 0, "the new container is gone");
    run->cand.host_port = (int)run->spec.port;
    const struct engine_container *c = &run->cand.c;
    if (!c->running || c->restarting)
        return err_set(err, ERR_APP_EXITED, (int)c->exit_code, "the new container ended with exit code %d",
                       (int)c->exit_code);
    if (c->oom_killed)
        return err_set(err, ERR_APP_EXITED, 0, "a process of the new container was killed: out of memory");
    if (c->restart_count > 0)
        return err_set(err, ERR_APP_EXITED, 0, "the new container was restarted %d times", (int)c->restart_count);
    if (!traffic_holds_port(c, (int)run->spec.port))
        return err_set(err, ERR_DOCKER, 0, "the new container does not hold port %d", (int)run->spec.port);
    if (strcmp(c->health, "unhealthy") == 0)
        return err_set(err, ERR_UNHEALTHY, 0, "the image's own HEALTHCHECK says unhealthy");
    run_text(run, "running, no restart, port %d bound%s%s", (int)run->spec.port, c->health[0] ? ", HEALTHCHECK " : "",
             c->health);
    return 0;
}
