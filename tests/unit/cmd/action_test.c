#include "cmd/action.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cmd/fake_session.h"

#include "shared/clock.h"
#include "shared/err.h"

static void a_good_deployment_exits_0_with_all_outputs(void **state)
{
    (void)state;
    fake.reply[0].events = FAKE_DEPLOYED;
    assert_int_equal(fake_run(action_main), 0);
    assert_int_equal(fake.op[0], WIRE_DEPLOY);
    assert_string_equal(fake.image[0], "shop:2");
    assert_true(fake_file_has("output", "outcome=deployed\n"));
    assert_true(fake_file_has("output", "image-digest=sha256:22\nprevious-image=shop:1\ncutover-seconds=0.300\n"
                                        "outage-seconds=0.210\ntotal-seconds=4.200\nrolled-back=false\nreport-path=\n"
                                        "bundle-path=bluegreen-shop-"));
    assert_true(fake_file_has(
        "log", "::notice title=Deployed::shop:2 now serves as shop, deployed in 4.20 s, outage 0.21 s\n"));
    assert_true(fake_file_has("summary", "## Deployed: <code>shop</code>\n"));
}

static void the_state_is_written_before_the_request(void **state)
{
    (void)state;
    fake.reply[0].events = FAKE_DEPLOYED;
    assert_int_equal(fake_run(action_main), 0);
    assert_true(fake.state_before_request);
    assert_true(fake_file_has("state", "app=shop\nhost=web1:22\noutcome=deployed\n"));
}

static void secrets_are_masked_before_anything_else_and_shown_nowhere(void **state)
{
    char *log = NULL;

    (void)state;
    fake.reply[0].events =
        FAKE_DEPLOYED "\"kind\":\"log\",\"source\":\"app\",\"text\":\"canary-password " KEY_LINE2 "\"\n";
    assert_int_equal(fake_run(action_main), 0);
    log = fake_file(fake_path("log"));
    assert_true(strncmp(log, "::add-mask::", 12) == 0);
    for (char *p = strstr(log, "canary"); p; p = strstr(p + 1, "canary"))
        assert_memory_equal(p - 12, "::add-mask::", 12);
    for (char *p = strstr(log, KEY_LINE2); p; p = strstr(p + 1, KEY_LINE2))
        assert_memory_equal(p - 12, "::add-mask::", 12);
    assert_non_null(strstr(log, "app | *** ***\n"));
    free(log);
    assert_false(fake_file_has("summary", "canary"));
    assert_false(fake_file_has("summary", KEY_LINE2));
    assert_false(fake_file_has("output", "canary"));
    assert_null(getenv("INPUT_SSH-KEY"));
    assert_null(getenv("INPUT_REGISTRY-PASSWORD"));
}

static void a_critical_kpi_is_an_error_annotation_that_fails_only_when_asked(void **state)
{
    (void)state;
    fake.reply[0].events = FAKE_DEPLOYED;
    setenv("INPUT_FAIL-ON-KPI", "true", 1);
    assert_int_equal(fake_run(action_main), err_kind_exit_code(ERR_KPI));
    assert_true(fake_file_has("state", "kept=kpi\n")); /* post is not to take it back */
    assert_true(fake_file_has("output", "outcome=deployed\n"));
    assert_true(fake_file_has("log", "::error title=KPI critical::"));
}

static void a_host_that_cannot_be_reached_leaves_it_untouched(void **state)
{
    (void)state;
    fake.open_result = -ERR_UNREACHABLE;
    assert_int_equal(fake_run(action_main), err_kind_exit_code(ERR_UNREACHABLE));
    assert_int_equal(fake.requests, 0);
    assert_true(fake_file_has("output", "outcome=failed_untouched\n"));
    assert_true(fake_file_has("log", "::error title=Deployment failed and production is untouched::"));
    assert_true(fake_file_has("state", "outcome=failed_untouched\n"));
}

static void wrong_inputs_are_all_told_and_nothing_is_tried(void **state)
{
    (void)state;
    setenv("INPUT_PORT", "99999", 1);
    setenv("INPUT_APP", "No Such Name", 1);
    fake.open_result = -ERR_BUG;
    assert_int_equal(fake_run(action_main), err_kind_exit_code(ERR_INPUT));
    assert_true(fake_file_has("log", "::error title=Wrong input::input 'port'"));
    assert_true(fake_file_has("log", "::error title=Wrong input::input 'app'"));
    assert_true(fake_file_has("output", "outcome=failed_untouched\n"));
    assert_false(fake_file_has("state", "deployment-id"));
}

static void a_missing_pin_has_its_own_exit_code(void **state)
{
    (void)state;
    unsetenv("INPUT_HOST-FINGERPRINT");
    assert_int_equal(fake_run(action_main), err_kind_exit_code(ERR_NO_PIN));
}

static void a_lost_connection_is_unknown_and_fetches_no_bundle(void **state)
{
    (void)state;
    fake.reply[0] = (struct fake_reply){ .events = "\"kind\":\"step.start\",\"step\":\"cutover\",\"title\":\"Cutover\"",
                                         .result = -ERR_NET };
    assert_int_equal(fake_run(action_main), 13);
    assert_int_equal(fake.requests, 1);
    assert_true(fake_file_has("output", "outcome=unknown\n"));
    assert_true(fake_file_has("log", "::error title=Outcome unknown::"));
    assert_true(fake_file_has("state", "outcome=unknown\n"));
}

static void a_cancel_that_was_undone_is_rolled_back_and_fetches_no_bundle(void **state)
{
    (void)state;
    fake.reply[0].events = FAKE_ROLLED_BACK;
    fake.signal_after = 1;
    assert_int_equal(fake_run(action_main), 10);
    assert_int_equal(fake.requests, 1);
    assert_true(fake_file_has("log", "the host's files are not fetched: the job was cancelled"));
    assert_true(fake_file_has("output", "rolled-back=true\n"));
}

static void a_cancel_whose_end_did_not_come_is_unknown(void **state)
{
    (void)state;
    fake.reply[0].result = -ERR_CANCEL;
    fake.signal_after = 1;
    assert_int_equal(fake_run(action_main), 13);
    assert_true(fake_file_has("log", "finishes by itself"));
}

static void the_stage_can_be_interrupted_by_a_signal(void **state)
{
    (void)state;
    fake.reply[0].events = FAKE_DEPLOYED;
    assert_int_equal(fake_run(action_main), 0);
    assert_true(fake.cancel_fd >= 0);
}

static void a_good_answer_of_verify_url_keeps_the_deployment(void **state)
{
    (void)state;
    setenv("INPUT_VERIFY-URL", "https://shop.example.com/", 1);
    fake.reply[0].events = FAKE_DEPLOYED;
    assert_int_equal(fake_run(action_main), 0);
    assert_true(fake.verified);
    assert_true(fake_file_has("summary", "answered as expected"));
}

static void a_bad_answer_of_verify_url_rolls_back_exactly_this_deployment(void **state)
{
    (void)state;
    setenv("INPUT_VERIFY-URL", "https://shop.example.com/", 1);
    fake.reply[0].events = FAKE_DEPLOYED;
    fake.reply[1].events = FAKE_ROLLED_BACK;
    fake.verify_result = -ERR_VERIFY;
    assert_int_equal(fake_run(action_main), 10);
    assert_int_equal(fake.op[1], WIRE_ROLLBACK);
    assert_string_equal(fake.only_if_current[1], fake.deployment[0]);
    assert_string_not_equal(fake.deployment[1], fake.deployment[0]);
    assert_string_equal(fake.reason[1], "verify-url answered HTTP 500");
    assert_true(fake_file_has("output", "outcome=rolled_back\n"));
    assert_true(fake_file_has("log", "::error title=Deployment rolled back::"));
    assert_true(fake_file_has("log", "Cause: verify-url answered HTTP 500"));
    assert_true(fake_file_has("state", "outcome=rolled_back\n"));
}

static void a_failed_rollback_after_verify_needs_a_person(void **state)
{
    (void)state;
    setenv("INPUT_VERIFY-URL", "https://shop.example.com/", 1);
    fake.reply[0].events = FAKE_DEPLOYED;
    fake.reply[1].events = FAKE_NO_PREVIOUS;
    fake.verify_result = -ERR_VERIFY;
    assert_int_equal(fake_run(action_main), 12);
    assert_true(fake_file_has("log", "::error title=Rollback failed - a person is needed::"));
}

static void verify_url_is_not_asked_after_a_cancel(void **state)
{
    (void)state;
    setenv("INPUT_VERIFY-URL", "https://shop.example.com/", 1);
    fake.reply[0].events = FAKE_DEPLOYED;
    fake.signal_after = 1;
    assert_int_equal(fake_run(action_main), 0);
    assert_false(fake.verified);
    assert_true(fake_file_has("state", "outcome=deployed\n"));
}

static void a_cancel_during_verify_takes_nothing_back(void **state)
{
    (void)state;
    setenv("INPUT_VERIFY-URL", "https://shop.example.com/", 1);
    fake.reply[0].events = FAKE_DEPLOYED;
    fake.verify_result = -ERR_CANCEL;
    assert_int_equal(fake_run(action_main), 0);
    assert_int_equal(fake.op[1], WIRE_BUNDLE);
}

static void the_bundle_of_this_deployment_is_asked_for(void **state)
{
    (void)state;
    fake.reply[0].events = FAKE_DEPLOYED;
    fake.reply[1].events = "data:no archive\n";
    assert_int_equal(fake_run(action_main), 0);
    assert_int_equal(fake.op[1], WIRE_BUNDLE);
    assert_string_equal(fake.deployment[1], fake.deployment[0]);
    assert_true(fake_file_has("log", "::warning title=The host's files could not be read::"));
    assert_true(fake_file_has("log", "\nbundle: bluegreen-shop-"));
}

static void a_bundle_that_cannot_be_written_is_a_warning_only(void **state)
{
    (void)state;
    setenv("INPUT_BUNDLE-PATH", "/proc/nowhere", 1);
    fake.reply[0].events = FAKE_DEPLOYED;
    assert_int_equal(fake_run(action_main), 0);
    unsetenv("INPUT_BUNDLE-PATH");
    assert_true(fake_file_has("log", "::warning title=No bundle::"));
    assert_true(fake_file_has("output", "bundle-path=\n"));
    assert_true(fake_file_has("summary", "No bundle was written"));
}

static void the_command_rollback_succeeds_when_rolled_back(void **state)
{
    (void)state;
    setenv("INPUT_COMMAND", "rollback", 1);
    fake.reply[0].events = FAKE_ROLLED_BACK;
    assert_int_equal(fake_run(action_main), 0);
    assert_int_equal(fake.op[0], WIRE_ROLLBACK);
    assert_string_equal(fake.only_if_current[0], "");
    assert_true(fake_file_has("log", "::notice title=Rolled back::"));
    assert_false(fake_file_has("state", "deployment-id"));
}

static void the_command_status_reports_and_changes_nothing(void **state)
{
    (void)state;
    setenv("INPUT_COMMAND", "status", 1);
    fake.reply[0].events = "\"kind\":\"report\",\"name\":\"status\",\"report\":{\"app\":\"shop\",\"blue\":{\"name\":"
                           "\"shop-blue\",\"image\":\"shop:2\","
                           "\"deployment\":\"20260129-031000-abcdef\",\"digest\":\"sha256:22\"}}\n";
    assert_int_equal(fake_run(action_main), 0);
    assert_int_equal(fake.requests, 1);
    assert_int_equal(fake.op[0], WIRE_STATUS);
    assert_true(
        fake_file_has("output", "outcome=reported\ndeployment-id=20260129-031000-abcdef\nimage-digest=sha256:22\n"));
    assert_true(fake_file_has("log", "shop-blue"));
    assert_true(fake_file_has("summary", "<code>shop-blue</code>"));
}

static void an_artifact_that_is_required_and_missing_fails_a_good_step_which_stays(void **state)
{
    (void)state;
    setenv("INPUT_UPLOAD-ARTIFACT", "required", 1);
    fake.reply[0].events = FAKE_DEPLOYED;
    assert_int_equal(fake_run(action_main), 35);
    unsetenv("INPUT_UPLOAD-ARTIFACT");
    assert_true(
        fake_file_has("log", "::error title=No artifact::upload-artifact is required, but this runner offers no"));
    assert_true(fake_file_has("output", "outcome=deployed\n"));
    assert_true(fake_file_has("output", "artifact-id=\nartifact-url=\nartifact-digest=\n"));
    assert_true(fake_file_has("state", "kept=artifact\n"));
}

static void a_required_artifact_does_not_change_a_failure(void **state)
{
    (void)state;
    setenv("INPUT_UPLOAD-ARTIFACT", "required", 1);
    fake.reply[0].result = -ERR_NET;
    assert_int_equal(fake_run(action_main), 13);
    unsetenv("INPUT_UPLOAD-ARTIFACT");
    assert_false(fake_file_has("state", "kept="));
}

static void a_cancelled_job_uploads_nothing_and_that_fails_nothing(void **state)
{
    (void)state;
    setenv("INPUT_UPLOAD-ARTIFACT", "required", 1);
    fake.reply[0].events = FAKE_DEPLOYED;
    fake.signal_after = 1;
    assert_int_equal(fake_run(action_main), 0);
    unsetenv("INPUT_UPLOAD-ARTIFACT");
    assert_true(fake_file_has("log", "the bundle is not uploaded: the job was cancelled"));
    assert_false(fake_file_has("log", "::error title=No artifact"));
}

/* The step's own time limit, while the bundle is fetched: the job fails, the version is good. */
static void a_signal_after_the_outcome_tells_post_that_the_version_stays(void **state)
{
    (void)state;
    fake.reply[0].events = FAKE_DEPLOYED;
    fake.signal_after = 2;
    assert_int_equal(fake_run(action_main), 0);
    assert_true(fake_file_has("state", "outcome=deployed\nkept=late\n"));
}

static void a_signal_before_the_outcome_does_not(void **state)
{
    (void)state;
    fake.reply[0].events = FAKE_DEPLOYED;
    fake.signal_after = 1;
    assert_int_equal(fake_run(action_main), 0);
    assert_true(fake_file_has("state", "outcome=deployed\n"));
    assert_false(fake_file_has("state", "kept="));
}

static void a_short_secret_does_not_spoil_the_state(void **state)
{
    char year[8], id[40], stamp[CLOCK_STAMP_SIZE];

    (void)state;
    (void)snprintf(year, sizeof(year), "%.4s", clock_format_stamp(clock_wall_ms(), stamp));
    (void)snprintf(id, sizeof(id), "deployment-id=%s", year);
    setenv("INPUT_REGISTRY-PASSWORD", year, 1);
    fake.reply[0].events = FAKE_DEPLOYED;
    assert_int_equal(fake_run(action_main), 0);
    assert_true(fake_file_has("state", id));
    assert_true(fake.state_before_request);
}

static void the_runners_tokens_leave_the_environment_and_are_hidden(void **state)
{
    static const char *const names[] = { "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN" };

    (void)state;
    for (size_t i = 0; i < 2; i++)
        setenv(names[i], i ? "canary-of-the-oidc-token" : "canary-of-the-runtime", 1);
    fake.reply[0].events = FAKE_DEPLOYED "\"kind\":\"log\",\"source\":\"app\",\"text\":\"canary-of-the-runtime\"\n";
    assert_int_equal(fake_run(action_main), 0);
    for (size_t i = 0; i < 2; i++)
        assert_null(getenv(names[i]));
    assert_true(fake_file_has("log", "::add-mask::canary-of-the-runtime\n"));
    assert_true(fake_file_has("log", "::add-mask::canary-of-the-oidc-token\n"));
    assert_true(fake_file_has("log", "***"));
    assert_false(fake_file_has("log", "| canary-of-the-runtime"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_deployment_exits_0_with_all_outputs, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(the_state_is_written_before_the_request, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(secrets_are_masked_before_anything_else_and_shown_nowhere, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(a_critical_kpi_is_an_error_annotation_that_fails_only_when_asked, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(a_host_that_cannot_be_reached_leaves_it_untouched, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(wrong_inputs_are_all_told_and_nothing_is_tried, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_missing_pin_has_its_own_exit_code, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_lost_connection_is_unknown_and_fetches_no_bundle, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_cancel_that_was_undone_is_rolled_back_and_fetches_no_bundle, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(a_cancel_whose_end_did_not_come_is_unknown, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(the_stage_can_be_interrupted_by_a_signal, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_good_answer_of_verify_url_keeps_the_deployment, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_bad_answer_of_verify_url_rolls_back_exactly_this_deployment, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(a_failed_rollback_after_verify_needs_a_person, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(verify_url_is_not_asked_after_a_cancel, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_cancel_during_verify_takes_nothing_back, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(the_bundle_of_this_deployment_is_asked_for, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_bundle_that_cannot_be_written_is_a_warning_only, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(the_command_rollback_succeeds_when_rolled_back, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(the_command_status_reports_and_changes_nothing, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(an_artifact_that_is_required_and_missing_fails_a_good_step_which_stays,
                                        fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_required_artifact_does_not_change_a_failure, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_job_uploads_nothing_and_that_fails_nothing, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(a_signal_after_the_outcome_tells_post_that_the_version_stays, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(a_signal_before_the_outcome_does_not, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(a_short_secret_does_not_spoil_the_state, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(the_runners_tokens_leave_the_environment_and_are_hidden, fake_setup,
                                        fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
