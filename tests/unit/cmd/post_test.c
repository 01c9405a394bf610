#include "cmd/post.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cmd/fake_session.h"

#define ID "20260129-031000-abcdef"

static enum post_decision decide(const char *deployment, const char *outcome, const char *job, enum rollback_on on)
{
    const struct post_facts f = { .deployment = deployment, .outcome = outcome, .job_status = job, .rollback_on = on };
    const char *why = NULL;
    enum post_decision d = post_decide(&f, &why);

    assert_non_null(why);
    return d;
}

static void a_failed_or_cancelled_job_takes_its_deployment_back(void **state)
{
    (void)state;
    assert_int_equal(decide(ID, "deployed", "failure", ROLLBACK_ON_JOB_FAILURE), POST_ROLLBACK);
    assert_int_equal(decide(ID, "deployed", "cancelled", ROLLBACK_ON_JOB_FAILURE), POST_ROLLBACK);
}

static void a_deployment_of_unknown_end_is_looked_at(void **state)
{
    (void)state;
    assert_int_equal(decide(ID, "unknown", "failure", ROLLBACK_ON_JOB_FAILURE), POST_ROLLBACK);
    assert_int_equal(decide(ID, NULL, "cancelled", ROLLBACK_ON_JOB_FAILURE), POST_ROLLBACK);
    assert_int_equal(decide(ID, "", "failure", ROLLBACK_ON_JOB_FAILURE), POST_ROLLBACK);
}

static void a_job_that_succeeded_keeps_its_deployment(void **state)
{
    static const char *const outcomes[] = { "deployed", "unknown", "", "rolled_back" };

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(decide(ID, outcomes[i], "success", ROLLBACK_ON_JOB_FAILURE), POST_NOTHING);
}

static void nothing_is_done_when_nothing_of_it_serves(void **state)
{
    static const char *const outcomes[] = { "unchanged", "rolled_back", "failed_untouched" };

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(decide(ID, outcomes[i], "failure", ROLLBACK_ON_JOB_FAILURE), POST_NOTHING);
}

static void other_values_of_rollback_on_do_nothing_after_the_job(void **state)
{
    (void)state;
    assert_int_equal(decide(ID, "deployed", "failure", ROLLBACK_ON_DEPLOY_FAILURE), POST_NOTHING);
    assert_int_equal(decide(ID, "deployed", "failure", ROLLBACK_NEVER), POST_NOTHING);
}

static void an_unknown_job_status_does_nothing(void **state)
{
    (void)state;
    assert_int_equal(decide(ID, "deployed", NULL, ROLLBACK_ON_JOB_FAILURE), POST_NOTHING);
    assert_int_equal(decide(ID, "deployed", "", ROLLBACK_ON_JOB_FAILURE), POST_NOTHING);
    assert_int_equal(decide(ID, "deployed", "Failure?", ROLLBACK_ON_JOB_FAILURE), POST_NOTHING);
}

static void without_a_deployment_nothing_is_done(void **state)
{
    (void)state;
    assert_int_equal(decide(NULL, NULL, "failure", ROLLBACK_ON_JOB_FAILURE), POST_NOTHING);
    assert_int_equal(decide("", "deployed", "failure", ROLLBACK_ON_JOB_FAILURE), POST_NOTHING);
}

static enum post_decision decide_kept(const char *job, const char *outcome)
{
    const struct post_facts f = {
        .deployment = ID, .outcome = outcome, .kept = "kpi", .job_status = job, .rollback_on = ROLLBACK_ON_JOB_FAILURE
    };
    const char *why = NULL;

    return post_decide(&f, &why);
}

static void a_failure_of_main_over_a_good_version_does_not_take_it_back(void **state)
{
    (void)state;
    assert_int_equal(decide_kept("failure", "deployed"), POST_NOTHING);
    /* somebody stopped the job as well: that is a wish of its own */
    assert_int_equal(decide_kept("cancelled", "deployed"), POST_ROLLBACK);
    assert_int_equal(decide_kept("failure", "rollback_failed"), POST_ROLLBACK);
}

static void a_failed_way_back_is_tried_once_more(void **state)
{
    const struct post_facts f = {
        .deployment = ID, .outcome = "rollback_failed", .job_status = "failure", .rollback_on = ROLLBACK_ON_JOB_FAILURE
    };
    const char *why = NULL;

    (void)state;
    assert_int_equal(post_decide(&f, &why), POST_ROLLBACK);
    assert_non_null(strstr(why, "tried once more"));
}

/* ---- the whole stage ---- */

static void after(const char *job_status, const char *outcome)
{
    setenv("STATE_deployment-id", ID, 1);
    setenv("STATE_app", "shop", 1);
    if (outcome)
        setenv("STATE_outcome", outcome, 1);
    setenv("INPUT_JOB-STATUS", job_status, 1);
}

static void the_rollback_names_the_deployment_and_the_reason(void **state)
{
    (void)state;
    after("failure", "deployed");
    fake.reply[0].events = FAKE_ROLLED_BACK;
    assert_int_equal(fake_run(post_main), 0);
    assert_int_equal(fake.op[0], WIRE_ROLLBACK);
    assert_string_equal(fake.only_if_current[0], ID);
    assert_string_not_equal(fake.deployment[0], ID);
    assert_string_equal(fake.reason[0], "job failed");
    assert_int_equal(fake.cancel_fd, -1);
    assert_true(fake_file_has("log", "::notice title=Rolled back::"));
    assert_true(fake_file_has("summary", "The job failed after this deployment."));
}

static void a_killed_main_step_is_followed_by_a_rollback(void **state)
{
    (void)state;
    after("cancelled", NULL);
    fake.reply[0].events = FAKE_UNCHANGED;
    assert_int_equal(fake_run(post_main), 0);
    assert_string_equal(fake.reason[0], "job cancelled");
    assert_true(fake_file_has("log", "::notice title=Nothing to roll back::"));
}

static void a_job_that_succeeded_needs_no_connection(void **state)
{
    (void)state;
    after("success", "deployed");
    assert_int_equal(fake_run(post_main), 0);
    assert_int_equal(fake.requests, 0);
    assert_true(fake_file_has("log", "The job succeeded: its deployment stays."));
}

static void a_missing_state_is_said_and_is_no_failure(void **state)
{
    (void)state;
    setenv("INPUT_JOB-STATUS", "failure", 1);
    assert_int_equal(fake_run(post_main), 0);
    assert_int_equal(fake.requests, 0);
    assert_true(fake_file_has("log", "No deployment of this job is known here"));
}

static void a_failed_main_step_needs_no_inputs_in_post(void **state)
{
    (void)state;
    after("failure", "failed_untouched");
    unsetenv("INPUT_HOST");
    assert_int_equal(fake_run(post_main), 0);
    assert_int_equal(fake.requests, 0);
}

static void secrets_are_masked_again(void **state)
{
    char *log = NULL;

    (void)state;
    after("failure", "deployed");
    fake.reply[0].events = FAKE_ROLLED_BACK;
    assert_int_equal(fake_run(post_main), 0);
    log = fake_file(fake_path("log"));
    assert_true(strncmp(log, "::add-mask::", 12) == 0);
    free(log);
}

static void missing_connection_inputs_are_a_clear_error(void **state)
{
    (void)state;
    after("failure", "deployed");
    unsetenv("INPUT_HOST");
    assert_int_equal(fake_run(post_main), err_kind_exit_code(ERR_INPUT));
    assert_true(fake_file_has("log", "::error title=Wrong input::input 'host'"));
    assert_true(fake_file_has("log", "::error title=No rollback after the job::"));
}

static void inputs_that_name_another_host_or_app_by_now_are_an_error(void **state)
{
    (void)state;
    after("failure", "deployed");
    setenv("STATE_host", "web2:22", 1);
    assert_int_equal(fake_run(post_main), err_kind_exit_code(ERR_INPUT));
    setenv("STATE_host", "web1:22", 1);
    setenv("STATE_app", "till", 1);
    assert_int_equal(fake_run(post_main), err_kind_exit_code(ERR_INPUT));
    assert_int_equal(fake.requests, 0);
    assert_true(fake_file_has("log", "main step deployed 'shop' on 'web2:22'"));
    assert_true(fake_file_has("log", "::error title=No rollback after the job::"));
}

static void the_input_rollback_on_is_obeyed(void **state)
{
    (void)state;
    after("failure", "deployed");
    setenv("INPUT_ROLLBACK-ON", "never", 1);
    assert_int_equal(fake_run(post_main), 0);
    assert_int_equal(fake.requests, 0);
}

static void a_rollback_that_failed_is_an_error(void **state)
{
    (void)state;
    after("failure", "deployed");
    fake.reply[0].events = FAKE_NO_PREVIOUS;
    assert_int_equal(fake_run(post_main), err_kind_exit_code(ERR_NO_PREVIOUS));
    assert_true(fake_file_has("log", "::error title=Rollback failed and production is untouched::"));
}

static void a_rollback_of_unknown_end_is_an_error(void **state)
{
    (void)state;
    after("failure", "deployed");
    fake.reply[0].result = -ERR_NET;
    assert_int_equal(fake_run(post_main), 13);
    assert_true(fake_file_has("log", "::error title=Outcome unknown::"));
}

static void a_host_that_cannot_be_reached_is_an_error(void **state)
{
    (void)state;
    after("failure", "deployed");
    fake.open_result = -ERR_UNREACHABLE;
    assert_int_equal(fake_run(post_main), err_kind_exit_code(ERR_UNREACHABLE));
    assert_true(fake_file_has("log", "::error title="));
}

static void a_runner_without_defaults_in_post_tells_the_job_status_under_the_plain_name(void **state)
{
    (void)state;
    after("failure", "deployed");
    unsetenv("INPUT_JOB-STATUS");
    setenv("job-status", "failure", 1);
    fake.reply[0].events = FAKE_ROLLED_BACK;
    assert_int_equal(fake_run(post_main), 0);
    assert_int_equal(fake.requests, 1);
}

static void a_kept_deployment_is_left_alone(void **state)
{
    (void)state;
    after("failure", "deployed");
    setenv("STATE_kept", "kpi", 1);
    assert_int_equal(fake_run(post_main), 0);
    assert_int_equal(fake.requests, 0);
    assert_true(fake_file_has("log", "::notice title=Not rolled back after the job::"));
    assert_true(fake_file_has("log", "its deployment stays"));
    assert_true(fake_file_has("summary", "not rolled back"));
}

static void an_unknown_end_of_the_job_is_a_warning_that_names_the_input(void **state)
{
    (void)state;
    after("", "deployed");
    assert_int_equal(fake_run(post_main), 0);
    assert_int_equal(fake.requests, 0);
    assert_true(fake_file_has("log", "::warning title=Not rolled back after the job::"));
    assert_true(fake_file_has("log", "job-status: ${{ job.status }}"));
}

static void a_deployment_id_that_is_none_is_not_used(void **state)
{
    (void)state;
    after("failure", "deployed");
    setenv("STATE_deployment-id", "::error::no id", 1);
    assert_int_equal(fake_run(post_main), 0);
    assert_int_equal(fake.requests, 0);
    assert_true(fake_file_has("log", "No deployment of this job is known here"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failed_or_cancelled_job_takes_its_deployment_back, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_deployment_of_unknown_end_is_looked_at, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_job_that_succeeded_keeps_its_deployment, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_done_when_nothing_of_it_serves, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_failure_of_main_over_a_good_version_does_not_take_it_back, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(a_runner_without_defaults_in_post_tells_the_job_status_under_the_plain_name,
                                        fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_kept_deployment_is_left_alone, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(an_unknown_end_of_the_job_is_a_warning_that_names_the_input, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(a_deployment_id_that_is_none_is_not_used, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_failed_way_back_is_tried_once_more, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(other_values_of_rollback_on_do_nothing_after_the_job, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(an_unknown_job_status_does_nothing, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(without_a_deployment_nothing_is_done, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(the_rollback_names_the_deployment_and_the_reason, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_killed_main_step_is_followed_by_a_rollback, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_job_that_succeeded_needs_no_connection, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_missing_state_is_said_and_is_no_failure, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_failed_main_step_needs_no_inputs_in_post, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(secrets_are_masked_again, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(missing_connection_inputs_are_a_clear_error, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(inputs_that_name_another_host_or_app_by_now_are_an_error, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(the_input_rollback_on_is_obeyed, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_rollback_that_failed_is_an_error, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_rollback_of_unknown_end_is_an_error, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_host_that_cannot_be_reached_is_an_error, fake_setup, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
