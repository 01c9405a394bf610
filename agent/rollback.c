#include "agent/deploy.h"
#include "agent/finish.h"
#include "agent/request.h"
#include "agent/state/versions.h"
#include "agent/steps/steps.h"
#include "agent/target.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/health.h"

#define MINUTE_MS (60LL * 1000)

/* Which variables are secret is a setting, too: the record of this run must tell it as that of the deployment does. */
static int keep_secret_keys(struct run *run, const char *deployment, struct err *err)
{
    struct strlist keys = { 0 };
    char line[300];
    int r = request_load_secret_keys(run->app_fd, deployment, &keys, err);
    for (size_t i = 0; r == 0 && i < keys.len; i++) {
        (void)snprintf(line, sizeof(line), "%s=", keys.items[i]); /* values are stored nowhere */
        r = strlist_add(&run->spec.secret_env, span_of(line), err);
    }
    strlist_done(&keys);
    return r;
}

/* The settings with which a version was deployed, without secrets: the rollback needs its port, health path, policy. */
static int load_settings(struct run *run, struct err *err)
{
    const struct run_version *from[] = { &run->old, &run->cand }; /* the later one counts: what goes back there */
    bool alone = false, found = false;
    for (size_t i = 0; i < 2; i++) {
        const char *id = from[i]->exists ? engine_container_label(&from[i]->c, CONTAINER_LABEL_DEPLOYMENT) : "";
        int r = id[0] ? request_load_spec(run->app_fd, id, &run->spec, err) : 1;
        if (r == 0)
            r = keep_secret_keys(run, id, err);
        if (r < 0)
            return r;
        found = found || r == 0;
        alone = alone || (r == 0 && strcmp(run->spec.strategy, strategy_recreate.name) == 0);
    }
    if (found) /* if either version must run alone, both are never started together */
        return spec_set_str(&run->spec.strategy, alone ? strategy_recreate.name : run->spec.strategy, err);
    err_hint(err, "Deploy the version that you want with 'command: deploy'.");
    return err_set(err, ERR_NO_PREVIOUS, 0, "the settings of neither version are on the host any more");
}

/* There is no green: what else is there to go back to? */
static void hint_other_versions(const struct run *run, struct err *err)
{
    _cleanup_(versions_done_p) struct versions versions = { 0 };
    _cleanup_(buf_done_p) struct buf offer = BUF_INIT(280);
    struct err ignored = { 0 };
    if (versions_read(run->app_fd, &versions, &ignored) == 0)
        versions_offer(&versions, run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_DIGEST) : "",
                       &offer);
    if (offer.len && !offer.failed)
        err_hint(err, "Name an earlier version with 'to' (--to): %s; or any tag.", buf_str(&offer));
    else
        err_hint(err, "There is no '%s' on the host. Name a tag that was good with 'to' (--to), or deploy it.",
                 run->names.green);
}

static int find_versions(struct run *run, struct err *err)
{
    if (settle_names_left(run, err) < 0)
        return -(int)err->kind;
    int r = run_find(run, run->names.green, &run->cand, err);
    if (r < 0 || run_find(run, run->names.green, &run->cand_before, err) < 0)
        return err_wrap(err, "look for '%s'", run->names.green);
    if (preflight_find_old(run, err) < 0)
        return -(int)err->kind;
    const char *current = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_DEPLOYMENT) : "";
    if (run->only_if_current[0] && strcmp(current, run->only_if_current) != 0) {
        run_text(run, "deployment %s is not what serves (%s does): nothing to roll back", run->only_if_current,
                 current[0] ? current : "nothing of ours");
        return STEP_FINISHED;
    }
    if (!run->cand.exists) {
        hint_other_versions(run, err);
        return err_set(err, ERR_NO_PREVIOUS, 0, "no previous version is kept for app '%s'", run->app);
    }
    if (run->target_id[0] && strcmp(run->target_id, run->cand.c.id) != 0)
        return err_set(err, ERR_DOCKER, 0, "'%s' is not the version any more that '%.200s' means", run->names.green,
                       run->to);
    return 0;
}

static int rollback_preflight(struct run *run, struct err *err)
{
    if (preflight_engine(run, err) < 0)
        return -(int)err->kind;
    int r = find_versions(run, err);
    if (r == 0)
        r = load_settings(run, err);
    if (r != 0)
        return r;
    run->old.host_port = (int)run->spec.port;
    run->old_answered = run->old_was_running && health_ask(run, &run->old, NULL);
    run->strategy = strategy_by_name(run->spec.strategy);
    if (!run->strategy)
        return err_set(err, ERR_BUG, 0, "the stored strategy '%s' is unknown", run->spec.strategy);
    (void)snprintf(run->final_policy, sizeof(run->final_policy), "%s", run->spec.restart_policy);
    if (request_store(run, err) < 0 || preflight_journal_facts(run, err) < 0)
        return -(int)err->kind;
    const char *image = engine_container_label(&run->cand.c, CONTAINER_LABEL_IMAGE);
    run_text(run, "back to %s, kept as '%s'", image[0] ? image : run->cand.c.image, run->names.green);
    return 0;
}

/* Green as it was: stopped, with its networks, not startable by a reboot. */
static int previous_undo(struct run *run, struct err *err)
{
    if (!run->cand_before.exists)
        return 0;
    const char *id = run->cand_before.c.id;
    if (engine_container_set_restart_policy(run->engine, id, "no", err) < 0 ||
        engine_container_stop(run->engine, id, run->spec.stop_timeout_s, err) < 0)
        return err_wrap(err, "stop '%s' again", run->names.green);
    return traffic_connect(run, &run->cand_before, err);
}

const struct step rollback_steps[] = {
    { .name = "preflight", .title = "Find the previous version", .apply = rollback_preflight, .timeout_ms = MINUTE_MS },
    { .name = "warm_up",
      .title = "Boot and check the previous version",
      .apply = warm_up_apply,
      .undo = previous_undo,
      .timeout_ms = 120 * MINUTE_MS },
    { .name = "cutover_time",
      .title = "Cutover",
      .apply = cutover_apply,
      .undo = cutover_undo,
      .timeout_ms = 120 * MINUTE_MS,
      .flags = STEP_TOUCHES | STEP_WHOLE },
    { .name = "health_check",
      .title = "Health check on the production port",
      .apply = health_apply,
      .timeout_ms = 120 * MINUTE_MS },
    { .name = "comprehensive_check",
      .title = "Comprehensive check",
      .apply = comprehensive_apply,
      .timeout_ms = MINUTE_MS },
    { .name = "commit",
      .title = "Commit",
      .apply = commit_apply,
      .undo = commit_undo,
      .timeout_ms = MINUTE_MS,
      .flags = STEP_COMMIT | STEP_WHOLE },
    { .name = "settle",
      .title = "Stop the replaced version, give the names",
      .apply = settle_apply,
      .timeout_ms = 60 * MINUTE_MS,
      .flags = STEP_OPTIONAL },
    { 0 },
};

/* What the rolled-back-to version is, for the outcome. */
static void note_result(struct run *run)
{
    run->rollback = json_object();
    const char *image = engine_container_label(&run->cand.c, CONTAINER_LABEL_IMAGE);
    json_set_str(run->rollback, "reason", run->reason[0] ? run->reason : "asked for");
    json_set_str(run->rollback, "to", image[0] ? image : run->cand.c.image);
    json_set_num(run->rollback, "seconds", run->cutover_ms < 0 ? -1 : (double)run->cutover_ms / 1000);
    json_set_bool(run->rollback, "verified", true);
}

/* Settings are known and stored before the first step, so that a recovery takes the same steps. */
static int begin_redeploy(struct run *run, struct err *err)
{
    run->redeploys = true;
    run_log(run, "info", "agent", "going back to %s by a new container", run->spec.image);
    return request_store(run, err);
}

/* Which way back? 0; 1: none is needed. */
static int choose(struct run *run, struct err *err)
{
    enum target target;
    if (target_resolve(run, &target, err) < 0)
        return -(int)err->kind;
    if (target == TARGET_SERVES) {
        run_log(run, "info", "agent", "'%s' is what serves: nothing to roll back", run->to);
        return 1;
    }
    if (target == TARGET_ANOTHER) {
        run_log(run, "info", "agent", "deployment %s is not what serves: nothing to roll back", run->only_if_current);
        return 1;
    }
    return target == TARGET_REDEPLOY ? begin_redeploy(run, err) : 0;
}

void rollback_run(struct run *run)
{
    struct err err = { 0 };
    bool touched = false;
    enum outcome outcome = OUTCOME_ROLLED_BACK;
    int r = choose(run, &err);
    if (r != 0) {
        finish_run(run, r < 0 ? OUTCOME_FAILED_UNTOUCHED : OUTCOME_UNCHANGED, &err);
        return;
    }
    switch (steps_run(run, run_steps(run), &touched, &err)) {
    case STEPS_DONE:
        note_result(run);
        break;
    case STEPS_NOTHING:
        outcome = OUTCOME_UNCHANGED;
        break;
    case STEPS_UNDONE:
    case STEPS_UNDO_FAILED:
        /* Once touched, the version that was to go serves again at best: the rollback that was asked for failed. */
        outcome = touched ? OUTCOME_ROLLBACK_FAILED : OUTCOME_FAILED_UNTOUCHED;
        break;
    }
    finish_run(run, outcome, &err);
}
