#include "shared/aws/aws_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MINUTE_MS (60 * 1000)

static void errors_of_json_services_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code, *message;
    } cases[] = {
        { "{\"__type\":\"RepositoryNotFoundException\",\"message\":\"no app\"}", "RepositoryNotFoundException",
          "no app" },
        { "{\"__type\":\"com.amazonaws.ssm#ParameterNotFound\",\"Message\":\"x\"}", "ParameterNotFound", "x" },
        { "{\"__type\":\"Throttled:http://internal.amazon.com/\"}", "Throttled", "" },
        { "{\"code\":\"X\",\"errorMessage\":\"y\\nz\"}", "X", "y z" },
        { "{\"message\":\"only words\"}", "", "only words" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct aws_error_words words = { 0 };
        assert_true(aws_error_read_json(span_of(cases[i].body), &words));
        assert_string_equal(words.code, cases[i].code);
        assert_string_equal(words.message, cases[i].message);
    }
    static const char *const bad[] = { "", "[]", "{}", "<a/>", "{\"__type\":7}", "{\"__type\":\"X\"" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(aws_error_read_json(span_of(bad[i]), &(struct aws_error_words){ 0 }));
}

static void errors_in_xml_are_found_without_a_parser(void **state)
{
    (void)state;
    struct aws_error_words words = { 0 };
    assert_true(
        aws_error_scan_xml(SPAN_LIT("<ErrorResponse><Error><Code>AccessDenied</Code>\n<Message> not &lt;you&gt; "
                                    "&amp;lt; </Message></Error></ErrorResponse>"),
                           &words));
    assert_string_equal(words.code, "AccessDenied");
    assert_string_equal(words.message, "not <you> &lt;");
    static const char *const bad[] = { "", "<Code>", "<Code></Code>", "<Code>X", "<code>X</code>", "Code" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(aws_error_scan_xml(span_of(bad[i]), &words));
    _cleanup_(buf_done_p) struct buf far = BUF_INIT(200000);
    for (int i = 0; i < 70000; i++)
        buf_addc(&far, ' ');
    buf_adds(&far, "<Code>TooFar</Code>");
    assert_false(aws_error_scan_xml(buf_span(&far), &words));
}

static void words_from_outside_fit_and_have_no_control_bytes(void **state)
{
    (void)state;
    char out[8];
    aws_error_words_copy(SPAN_LIT("a\r\nb\x1b[0m"), out, sizeof(out));
    assert_string_equal(out, "a  b [0");
    aws_error_words_copy(SPAN_LIT("12345\xc3\xa4\xc3\xa4"), out, sizeof(out));
    assert_string_equal(out, "12345\xc3\xa4");
    aws_error_words_copy(SPAN_LIT("\xff\xfe"), out, sizeof(out));
    assert_string_equal(out, "??");
    aws_error_code_copy(SPAN_LIT("ns#A.b_c-1:http"), out, sizeof(out));
    assert_string_equal(out, "A.b_c-1");
    aws_error_code_copy(SPAN_LIT("LongerThanThat"), out, sizeof(out));
    assert_string_equal(out, "LongerT");
}

static struct err tell(struct aws_refusal f, int *result)
{
    static const struct aws_credentials credentials = { .source = "the instance's role web" };
    struct err err = { 0 };
    f.call = "ECR DescribeImages in eu-central-1";
    if (!f.op)
        f.op = aws_op_info(AWS_ECR_DESCRIBE_IMAGES);
    f.credentials = &credentials;
    if (!f.status)
        f.status = 400;
    *result = aws_refusal_tell(&f, &err);
    return err;
}

static void assert_told(const struct err *err, const char *words)
{
    if (!strstr(err->frame[0].text, words) && !strstr(err_hint_text(err), words))
        fail_msg("'%s' (%s) does not say '%s'", err->frame[0].text, err_hint_text(err), words);
}

static void each_refusal_has_its_kind_and_its_words(void **state)
{
    (void)state;
    static const struct {
        const char *code, *message;
        enum err_kind kind;
        const char *words, *hint;
    } cases[] = {
        { "SignatureDoesNotMatch", "The Canonical String should have been x-amz-security-token:SECRET",
          ERR_AWS_CREDENTIALS, "does not fit its key id (SignatureDoesNotMatch; credentials: the instance's role web)",
          "Copy the secret" },
        { "InvalidSignatureException", "x", ERR_AWS_CREDENTIALS, "does not fit its key id", "blanks" },
        { "UnrecognizedClientException", "x", ERR_AWS_CREDENTIALS, "does not know the access key", "ASIA" },
        { "AuthFailure", "x", ERR_AWS_CREDENTIALS, "does not know the access key", "ASIA" },
        { "ExpiredTokenException", "x", ERR_AWS_CREDENTIALS, "have expired", "role-to-assume" },
        { "RequestExpired", "x", ERR_AWS_CREDENTIALS, "have expired", "role-to-assume" },
        { "RequestTimeTooSkewed", "The difference is too large", ERR_AWS_CREDENTIALS, "The difference is too large",
          "" },
        { "InvalidIdentityToken", "Incorrect token audience", ERR_AWS_CREDENTIALS, "Incorrect token audience", "" },
        { "AccessDeniedException", "no words", ERR_AWS_DENIED, "which needs ecr:DescribeImages", "the role that was" },
        { "AuthException", "x", ERR_AWS_DENIED, "not allowed", "docs/aws.md" },
        { "RepositoryNotFoundException", "no app", ERR_AWS, "RepositoryNotFoundException: no app", "docs/aws.md" },
        { "ThrottlingException", "Rate exceeded", ERR_AWS, "ThrottlingException: Rate exceeded", "" },
        { "", "<html>Bad gateway</html>", ERR_AWS, "HTTP 400 and no error of AWS's", "https_proxy" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct aws_refusal f = { 0 };
        int r = 0;
        (void)snprintf(f.words.code, sizeof(f.words.code), "%s", cases[i].code);
        (void)snprintf(f.words.message, sizeof(f.words.message), "%s", cases[i].message);
        struct err err = tell(f, &r);
        assert_int_equal(r, -(int)cases[i].kind);
        assert_int_equal(err.kind, cases[i].kind);
        assert_int_equal(err.code, 400);
        assert_told(&err, "ECR DescribeImages in eu-central-1");
        assert_told(&err, cases[i].words);
        assert_told(&err, cases[i].hint);
        assert_null(strstr(err.frame[0].text, "SECRET"));
    }
}

static void a_wrong_clock_is_told_by_how_much(void **state)
{
    (void)state;
    static const struct {
        int64_t skew_ms;
        const char *code, *words;
    } cases[] = {
        { 12LL * MINUTE_MS, "SignatureDoesNotMatch", "this machine's clock is 12 minutes behind AWS's" },
        { -12LL * MINUTE_MS + 900, "InvalidSignatureException", "this machine's clock is 12 minutes ahead of AWS's" },
        { 5LL * 60 * MINUTE_MS, "RequestTimeTooSkewed", "5 hours behind" },
        { -400LL * 24 * 60 * MINUTE_MS, "RequestExpired", "400 days ahead of" },
        { 12LL * MINUTE_MS, "ExpiredToken", "the credentials have expired" }, /* by AWS's clock, not by ours */
        { 3LL * MINUTE_MS, "SignatureDoesNotMatch", "does not fit its key id" },
        { 12LL * MINUTE_MS, "UnrecognizedClientException", "does not know the access key" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct aws_refusal f = { .skew_ms = cases[i].skew_ms, .status = 403 };
        int r = 0;
        (void)snprintf(f.words.code, sizeof(f.words.code), "%s", cases[i].code);
        struct err err = tell(f, &r);
        assert_int_equal(r, -ERR_AWS_CREDENTIALS);
        assert_told(&err, cases[i].words);
        assert_told(&err, cases[i].code);
    }
}

static struct err deny(const char *message, enum aws_op op)
{
    struct aws_refusal f = { .words.code = "AccessDeniedException", .op = aws_op_info(op) };
    int r = 0;
    (void)snprintf(f.words.message, sizeof(f.words.message), "%s", message);
    struct err err = tell(f, &r);
    assert_int_equal(r, -ERR_AWS_DENIED);
    return err;
}

static void a_denial_names_principal_action_and_resource(void **state)
{
    (void)state;
    struct err err =
        deny("User: arn:aws:sts::123456789012:assumed-role/web/i-1 is not authorized to perform: "
             "ecr:DescribeImages on resource: arn:aws:ecr:eu-central-1:123456789012:repository/app because "
             "no identity-based policy allows the ecr:DescribeImages action",
             AWS_ECR_DESCRIBE_IMAGES);
    assert_told(&err, "not allowed (AccessDeniedException): arn:aws:sts::123456789012:assumed-role/web/i-1 lacks "
                      "ecr:DescribeImages on arn:aws:ecr:eu-central-1:123456789012:repository/app");
    assert_told(&err, "Add ecr:DescribeImages to the policies of arn:aws:sts::123456789012:assumed-role/web/i-1;");
    err = deny("User: arn:aws:iam::1:user/u is not authorized to perform: kms:Decrypt on resource: k",
               AWS_SSM_GET_PARAMETER);
    assert_told(&err, "lacks kms:Decrypt on k");
    err = deny(
        "User: arn:aws:iam::1:user/u is not authorized to perform: ec2:DescribeInstances with an explicit deny in a "
        "service control policy",
        AWS_EC2_DESCRIBE_INSTANCES);
    assert_told(&err, "arn:aws:iam::1:user/u is denied ec2:DescribeInstances");
    assert_told(&err, "denies ec2:DescribeInstances explicitly");
    err = deny("You are not authorized to perform this operation.", AWS_EC2_DESCRIBE_INSTANCES);
    assert_told(&err, "which needs ec2:DescribeInstances: AccessDeniedException: You are not authorized");
    err = deny("Not authorized to perform sts:AssumeRoleWithWebIdentity", AWS_STS_ASSUME_ROLE_WITH_WEB_IDENTITY);
    assert_told(&err, "not allowed: AccessDeniedException: Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

static void a_denial_of_any_length_fits(void **state)
{
    (void)state;
    char message[400];
    memset(message, 'x', sizeof(message));
    memcpy(message, "User: ", 6);
    message[399] = '\0';
    struct err err = deny(message, AWS_SNS_PUBLISH);
    assert_told(&err, "sns:Publish");
    memcpy(message + 150, " is not authorized to perform: ", 31);
    memcpy(message + 300, " on resource: ", 14);
    err = deny(message, AWS_SNS_PUBLISH);
    assert_told(&err, "(AccessDeniedException)");
}

static void only_what_passes_is_worth_another_try(void **state)
{
    (void)state;
    assert_true(aws_error_is_passing(500, ""));
    assert_true(aws_error_is_passing(503, "SlowDown"));
    assert_true(aws_error_is_passing(429, ""));
    assert_true(aws_error_is_passing(400, "ThrottlingException"));
    assert_true(aws_error_is_passing(400, "RequestLimitExceeded"));
    assert_true(aws_error_is_passing(400, "IDPCommunicationError"));
    assert_false(aws_error_is_passing(400, "RepositoryNotFoundException"));
    assert_false(aws_error_is_passing(403, "AccessDenied"));
    assert_false(aws_error_is_passing(400, ""));
    assert_true(aws_error_is_throttling(400, "Throttling"));
    assert_false(aws_error_is_throttling(500, "InternalFailure"));
    assert_true(aws_error_code_is_expired("ExpiredToken"));
    assert_false(aws_error_code_is_expired("SignatureDoesNotMatch"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_of_json_services_are_read),
        cmocka_unit_test(errors_in_xml_are_found_without_a_parser),
        cmocka_unit_test(words_from_outside_fit_and_have_no_control_bytes),
        cmocka_unit_test(each_refusal_has_its_kind_and_its_words),
        cmocka_unit_test(a_wrong_clock_is_told_by_how_much),
        cmocka_unit_test(a_denial_names_principal_action_and_resource),
        cmocka_unit_test(a_denial_of_any_length_fits),
        cmocka_unit_test(only_what_passes_is_worth_another_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
