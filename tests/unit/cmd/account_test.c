#include "cmd/aws/account.h"

#include "cmd/signals.h"
#include "shared/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROLE "arn:aws:iam::123456789012:role/deploy"
#define KEY_ID "AKIAIOSFODNN7EXAMPLE"
#define NOBODY "http://127.0.0.1:1/" /* refuses */

static struct stage stage;
static struct buf log_text;
static struct err err;
static char text[1024];

static const char *const variables[] = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_STS",
    "AWS_EC2_METADATA_DISABLED",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "GITHUB_RUN_ID",
};

static int write_log(void *ctx, struct span bytes)
{
    buf_add_span(ctx, bytes);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("AWS_ENDPOINT_URL_STS", NOBODY, 1);
    buf_init(&log_text, 65536);
    stage = (struct stage){ .signal_fd = -1 };
    err_clear(&err);
    struct aws_inputs *in = &stage.in.aws;
    char **strings[] = { &in->region, &in->session_name, &in->external_id,   &in->audience,
                         &in->key_id, &in->secret_key,   &in->session_token, &in->host_keys };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        assert_int_equal(spec_set_str(strings[i], "", NULL), 0);
    assert_int_equal(redactor_new(&stage.redactor, NULL), 0);
    return github_new_writer(&stage.g, write_log, &log_text, true, stage.redactor, NULL);
}

static int end(void **state)
{
    (void)state;
    signals_caught = 0;
    account_free(stage.account);
    inputs_done(&stage.in);
    github_free(stage.g);
    secretenv_free(stage.secrets);
    redactor_free(stage.redactor);
    buf_done(&log_text);
    return 0;
}

static void set(char **field, const char *value)
{
    assert_int_equal(spec_set_str(field, value, NULL), 0);
}

static void take_environment(void)
{
    assert_int_equal(secretenv_take(&stage.secrets, stage.g, stage.redactor, NULL), 0);
}

/* Open the account and ask; what went wrong is in text. */
static const struct aws_credentials *ask(void)
{
    const struct aws_credentials *got = NULL;
    assert_int_equal(account_open(&stage, NULL), 0);
    if (aws_chain_get(account_chain(stage.account), &got, &err) < 0)
        got = NULL;
    (void)err_text(&err, text, sizeof(text));
    return got;
}

static void assert_says(const char *words)
{
    if (!strstr(text, words))
        fail_msg("'%s' is not in: %s", words, text);
}

static void keys_by_input_come_first_and_are_masked(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-environment", 1);
    take_environment();
    set(&stage.in.aws.key_id, KEY_ID);
    set(&stage.in.aws.secret_key, "secret-of-the-input");
    const struct aws_credentials *got = ask();
    assert_non_null(got);
    assert_string_equal(got->key_id, KEY_ID);
    assert_non_null(strstr(buf_str(&log_text), "::add-mask::secret-of-the-input"));
    _cleanup_(buf_done) struct buf clean = BUF_INIT(1000);
    github_redact(stage.g, SPAN_LIT("it is secret-of-the-input"), &clean);
    assert_string_equal(buf_str(&clean), "it is ***");
}

/* As of localstack: nothing of AWS is used, and "test" is in names, paths and outputs. */
static void keys_too_short_to_be_aws_s_blank_nothing(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "test", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "test", 1);
    setenv("AWS_SESSION_TOKEN", "test", 1);
    take_environment();
    _cleanup_(buf_done) struct buf clean = BUF_INIT(1000);
    github_redact(stage.g, SPAN_LIT("test-shop"), &clean);
    assert_string_equal(buf_str(&clean), "test-shop");
    assert_null(strstr(buf_str(&log_text), "add-mask"));
    assert_null(getenv("AWS_SECRET_ACCESS_KEY"));
    assert_string_equal(secretenv_get(stage.secrets, "AWS_ACCESS_KEY_ID"), "test");
}

static void keys_taken_out_of_the_environment_are_found(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-environment", 1);
    take_environment();
    assert_null(getenv("AWS_SECRET_ACCESS_KEY"));
    const struct aws_credentials *got = ask();
    assert_non_null(got);
    assert_string_equal(got->source, "the environment");
}

static void a_role_is_asked_for_with_the_jobs_identity_token(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-environment", 1);
    setenv("ACTIONS_ID_TOKEN_REQUEST_URL", NOBODY "?plan=x", 1);
    setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "token-of-the-runner", 1);
    take_environment();
    assert_int_equal(strlist_add(&stage.in.aws.roles, SPAN_LIT(ROLE), NULL), 0);
    assert_null(ask());
    assert_says("AWS credentials by GitHub OIDC: GitHub's identity token: ");
}

static void without_an_identity_token_the_keys_take_the_role_on(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEENVIRONMENT", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-environment", 1);
    take_environment();
    assert_int_equal(strlist_add(&stage.in.aws.roles, SPAN_LIT(ROLE), NULL), 0);
    assert_null(ask());
    assert_says("take on the role " ROLE " with the environment: ");
    assert_string_equal(aws_chain_tried(account_chain(stage.account)),
                        "aws-access-key-id: not given; GitHub OIDC: the job lacks 'permissions: id-token: write'");
}

static void keys_by_input_take_the_role_on_too(void **state)
{
    (void)state;
    setenv("ACTIONS_ID_TOKEN_REQUEST_URL", NOBODY "?plan=x", 1);
    setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "token-of-the-runner", 1);
    take_environment();
    set(&stage.in.aws.key_id, KEY_ID);
    set(&stage.in.aws.secret_key, "secret-of-the-input");
    assert_int_equal(strlist_add(&stage.in.aws.roles, SPAN_LIT(ROLE), NULL), 0);
    assert_null(ask());
    assert_says("take on the role " ROLE " with aws-access-key-id: ");
}

static void nothing_at_all_lists_every_place(void **state)
{
    (void)state;
    assert_null(ask());
    assert_int_equal(err.kind, ERR_AWS_CREDENTIALS);
    const char *places[] = { "aws-access-key-id: ", "GitHub OIDC: ", "environment: ",
                             "web identity: ",      "container: ",   "instance role: AWS_EC2_METADATA_DISABLED" };
    for (size_t i = 0; i < 6; i++)
        assert_says(places[i]);
}

static void sessions_are_named_after_the_run(void **state)
{
    (void)state;
    setenv("GITHUB_RUN_ID", "4711", 1);
    assert_int_equal(account_open(&stage, NULL), 0);
    assert_string_equal(account_aws(stage.account)->session_name, "bluegreen-4711");
    account_free(stage.account);
    stage.account = NULL;
    setenv("GITHUB_RUN_ID", "47/11", 1);
    assert_int_equal(account_open(&stage, NULL), 0);
    assert_string_equal(account_aws(stage.account)->session_name, "bluegreen");
}

static void an_account_is_opened_once(void **state)
{
    (void)state;
    assert_int_equal(account_open(&stage, NULL), 0);
    struct account *first = stage.account;
    assert_int_equal(account_open(&stage, NULL), 0);
    assert_ptr_equal(stage.account, first);
}

static void the_region_is_the_inputs_then_the_environments(void **state)
{
    (void)state;
    char region[AWS_REGION_MAX + 1];
    assert_int_equal(account_region(&stage, region, &err), -ERR_INPUT);
    assert_non_null(strstr(err_text(&err, text, sizeof(text)), "aws-region"));
    setenv("AWS_REGION", "eu-west-1", 1);
    assert_int_equal(account_region(&stage, region, NULL), 0);
    assert_string_equal(region, "eu-west-1");
    account_free(stage.account);
    stage.account = NULL;
    set(&stage.in.aws.region, "eu-central-1");
    assert_int_equal(account_region(&stage, region, NULL), 0);
    assert_string_equal(region, "eu-central-1");
}

static void a_cancelled_job_can_still_put_things_back(void **state)
{
    (void)state;
    const struct http_request request = { .method = "GET", .url = NOBODY };
    struct http_response answer;
    assert_int_equal(account_open(&stage, NULL), 0);
    signals_caught = 15;
    assert_int_equal(http_perform(account_aws(stage.account)->http, &request, &answer, NULL), -ERR_CANCEL);
    http_response_done(&answer);
    account_ignore_cancel(stage.account);
    account_ignore_cancel(stage.account);
    assert_int_equal(http_perform(account_aws(stage.account)->http, &request, &answer, NULL), -ERR_UNREACHABLE);
    http_response_done(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_by_input_come_first_and_are_masked),
        TEST(keys_taken_out_of_the_environment_are_found),
        TEST(keys_too_short_to_be_aws_s_blank_nothing),
        TEST(a_role_is_asked_for_with_the_jobs_identity_token),
        TEST(without_an_identity_token_the_keys_take_the_role_on),
        TEST(keys_by_input_take_the_role_on_too),
        TEST(nothing_at_all_lists_every_place),
        TEST(sessions_are_named_after_the_run),
        TEST(an_account_is_opened_once),
        TEST(the_region_is_the_inputs_then_the_environments),
        TEST(a_cancelled_job_can_still_put_things_back),
    };
    if (http_global_init(NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
