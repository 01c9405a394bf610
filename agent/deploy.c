#include "agent/deploy.h"

#include "agent/finish.h"
#include "agent/steps/steps.h"
#include "shared/clock.h"

#define MINUTE_MS (60LL * 1000)

/* Names are contract: keys of the metrics. The order is the flow of a deployment; docs/architecture.md walks through it. */
const struct step deploy_steps[] = {
    { .name = "preflight", .title = "Preflight checks", .apply = preflight_apply, .timeout_ms = MINUTE_MS },
    { .name = "ecr_login", .title = "Registry login", .apply = login_apply, .timeout_ms = MINUTE_MS },
    { .name = "image_check",
      .title = "Check the image in the registry",
      .apply = check_apply,
      .timeout_ms = 3 * MINUTE_MS },
    { .name = "image_pull",
      .title = "Pull image",
      .apply = pull_apply,
      .undo = pull_undo,
      .timeout_ms = 30 * MINUTE_MS },
    { .name = "compare", .title = "Compare with what serves", .apply = compare_apply, .timeout_ms = MINUTE_MS },
    { .name = "container_create",
      .title = "Create the candidate",
      .apply = candidate_apply,
      .undo = candidate_undo,
      .timeout_ms = 2 * MINUTE_MS,
      .flags = STEP_WHOLE },
    { .name = "warm_up",
      .title = "Boot and check the candidate",
      .apply = warm_up_apply,
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
      .title = "Stop the old version, give the names",
      .apply = settle_apply,
      .timeout_ms = 60 * MINUTE_MS,
      .flags = STEP_OPTIONAL },
    { .name = "prune", .title = "Prune", .apply = prune_apply, .timeout_ms = 5 * MINUTE_MS, .flags = STEP_OPTIONAL },
    { 0 },
};

void deploy_note_rollback(struct run *run, const struct err *why, bool verified)
{
    char text[1024];
    const char *image = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_IMAGE) : "";
    int64_t started = run->rollback_started_ms ? run->rollback_started_ms : run->started_ms;
    json_free(run->rollback);
    run->rollback = json_object();
    json_set_str(run->rollback, "reason", why->kind ? err_text(why, text, sizeof(text)) : run->reason);
    json_set_str(run->rollback, "to", image[0] ? image : run->old.exists ? run->old.c.image : "");
    json_set_seconds(run->rollback, "seconds", clock_mono_ms() - started);
    json_set_bool(run->rollback, "verified", verified);
}

void deploy_run(struct run *run)
{
    struct err err = { 0 };
    bool touched = false;
    enum outcome outcome = OUTCOME_DEPLOYED;
    enum steps_result result = steps_run(run, deploy_steps, &touched, &err);
    touched = touched && run->old.exists; /* nothing served before: there was nothing to touch */
    switch (result) {
    case STEPS_DONE:
        break;
    case STEPS_NOTHING:
        outcome = OUTCOME_UNCHANGED;
        break;
    case STEPS_UNDONE:
        outcome = touched ? OUTCOME_ROLLED_BACK : OUTCOME_FAILED_UNTOUCHED;
        break;
    case STEPS_UNDO_FAILED:
        outcome = touched ? OUTCOME_ROLLBACK_FAILED : OUTCOME_FAILED_UNTOUCHED;
        break;
    }
    if (touched && result >= STEPS_UNDONE)
        deploy_note_rollback(run, &err, result == STEPS_UNDONE);
    finish_run(run, outcome, &err);
}
