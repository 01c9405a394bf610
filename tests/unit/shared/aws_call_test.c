#include "shared/aws/aws_call.h"

#include "shared/aws/aws_query.h"
#include "shared/clock.h"
#include "shared/http.h"

#include "aws_double.h"
#include "aws_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/time.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PLAY(script) double_play(&service, (script), COUNT(script))
#define PLAY_ONE(answer) double_play(&service, &(answer), 1)

static struct aws_double service;
static struct aws_env env;
static struct aws aws;
static volatile sig_atomic_t cancel;
static char secret_key[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", session_token[] = "FwoGZXIvYXdzTOKEN==";
static struct aws_credentials keys = {
    .key_id = "AKIDEXAMPLE", .secret = secret_key, .token = session_token, .source = "a test"
};

static const struct double_answer busy = { "400 Bad Request", NULL, "{\"__type\":\"ThrottlingException\"}" };
static const struct double_answer broken = { "503 Service Unavailable", NULL, "" };
static const struct double_answer lost = { 0 };
static const struct double_answer fine = { "200 OK", NULL, "{\"imageDetails\":[]}" };

static int start(void **state)
{
    (void)state;
    double_start(&service);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    double_stop(&service);
    return 0;
}

static int new_client(void **state)
{
    (void)state;
    cancel = 0;
    memset(&env, 0, sizeof(env));
    aws_env_set(&env, "AWS_ENDPOINT_URL", service.url);
    aws = aws_with_env(&env);
    aws.cancel = &cancel;
    return aws_init(&aws, NULL);
}

static int end_client(void **state)
{
    (void)state;
    aws_done(&aws);
    return 0;
}

static struct aws_request describe(void)
{
    return (struct aws_request){ .op = AWS_ECR_DESCRIBE_IMAGES,
                                 .region = "eu-central-1",
                                 .credentials = &keys,
                                 .body = SPAN_LIT("{\"repositoryName\":\"app\"}") };
}

static int call(const struct aws_request *q, struct err *err)
{
    struct json *j = NULL;
    memset(err, 0, sizeof(*err));
    int r = aws_call(&aws, q, &j, err);
    assert_true((r == 0) == (j != NULL));
    json_free(j);
    return r;
}

static void assert_told(const struct err *err, const char *words)
{
    char text[2000];
    if (!strstr(err_text(err, text, sizeof(text)), words))
        fail_msg("'%s' does not say '%s'", text, words);
}

static size_t count_headers(const char *request, const char *name)
{
    size_t count = 0;
    char line[80];
    (void)snprintf(line, sizeof(line), "\r\n%s:", name);
    for (const char *at = request; (at = strcasestr(at, line)); at += strlen(line))
        count++;
    return count;
}

static void a_call_of_a_json_service_has_its_form(void **state)
{
    (void)state;
    PLAY_ONE(fine);
    struct err err;
    struct aws_request q = describe();
    assert_int_equal(call(&q, &err), 0);
    assert_int_equal(service.seen_count, 1);
    const char *r = service.seen[0];
    assert_int_equal(strncmp(r, "POST / HTTP/1.1\r\n", 17), 0);
    assert_true(span_eq(double_header(r, "Content-Type"), "application/x-amz-json-1.1"));
    assert_true(span_eq(double_header(r, "X-Amz-Target"), "AmazonEC2ContainerRegistry_V20150921.DescribeImages"));
    assert_true(span_eq(double_header(r, "X-Amz-Security-Token"), session_token));
    assert_string_equal(double_body(r), "{\"repositoryName\":\"app\"}");
    struct span auth = double_header(r, "Authorization");
    assert_true(span_starts(auth, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    assert_true(span_contains(auth, "/eu-central-1/ecr/aws4_request, "));
    assert_true(span_contains(auth, "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "));
    assert_int_equal(count_headers(r, "Authorization") + count_headers(r, "X-Amz-Date"), 2);
    assert_null(strstr(r, secret_key));
    assert_null(strstr(r, "Expect"));
}

static void an_empty_body_is_an_empty_object(void **state)
{
    (void)state;
    PLAY_ONE(fine);
    struct err err;
    struct aws_request q = { .op = AWS_ECR_GET_AUTHORIZATION_TOKEN, .region = "eu-west-1", .credentials = &keys };
    assert_int_equal(call(&q, &err), 0);
    assert_string_equal(double_body(service.seen[0]), "{}");
}

static void a_call_without_session_token_names_none(void **state)
{
    (void)state;
    PLAY_ONE(fine);
    struct err err;
    char none[] = "";
    struct aws_credentials plain = { .key_id = "AKIDEXAMPLE", .secret = secret_key, .token = none };
    struct aws_request q = describe();
    q.credentials = &plain;
    assert_int_equal(call(&q, &err), 0);
    assert_null(strcasestr(service.seen[0], "security-token"));
}

static void the_next_request_of_the_client_has_no_credentials(void **state)
{
    (void)state;
    PLAY_ONE(fine);
    struct err err;
    struct aws_request q = describe();
    assert_int_equal(call(&q, &err), 0);
    struct http_response response;
    char url[100];
    (void)snprintf(url, sizeof(url), "%s/next", service.url);
    assert_int_equal(http_perform(aws.http, &(struct http_request){ .method = "GET", .url = url }, &response, &err), 0);
    http_response_done(&response);
    assert_int_equal(service.seen_count, 2);
    assert_null(strcasestr(service.seen[1], "Authorization"));
    assert_null(strstr(service.seen[1], "X-Amz"));
}

static void a_form_has_its_version_and_is_encoded(void **state)
{
    (void)state;
    static const struct double_answer ok = { "200 OK", NULL,
                                             "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account>"
                                             "</GetCallerIdentityResult></GetCallerIdentityResponse>" };
    PLAY_ONE(ok);
    struct err err = { 0 };
    struct xml *x = NULL;
    struct aws_form form;
    aws_form_init(&form, AWS_STS_GET_CALLER_IDENTITY);
    aws_form_add(&form, "Filter.1.Name", "tag:Name");
    aws_form_add(&form, "Filter.1.Value.1", " a/b*c~d e+\xc3\xa4");
    aws_form_add_int(&form, "N", -5);
    struct aws_request q = {
        .op = AWS_STS_GET_CALLER_IDENTITY, .region = "eu-central-1", .credentials = &keys, .body = buf_span(&form.text)
    };
    assert_int_equal(aws_query(&aws, &q, &x, &err), 0);
    assert_string_equal(xml_str(xml_child(xml_root(x), "GetCallerIdentityResult"), "Account"), "1");
    xml_free(x);
    assert_string_equal(double_body(service.seen[0]),
                        "Action=GetCallerIdentity&Version=2011-06-15&Filter.1.Name=tag%3AName&"
                        "Filter.1.Value.1=+a%2Fb%2Ac~d+e%2B%C3%A4&N=-5");
    assert_true(
        span_eq(double_header(service.seen[0], "Content-Type"), "application/x-www-form-urlencoded; charset=utf-8"));
    assert_int_equal(count_headers(service.seen[0], "X-Amz-Target"), 0);
    aws_form_done(&form);
}

static void a_form_that_got_too_long_is_not_sent(void **state)
{
    (void)state;
    PLAY_ONE(fine);
    struct err err = { 0 };
    struct xml *x = NULL;
    _cleanup_(buf_done_p) struct buf big = BUF_INIT(2 << 20);
    for (int i = 0; i < 400000; i++)
        buf_addc(&big, '%');
    struct aws_form form;
    aws_form_init(&form, AWS_SNS_PUBLISH);
    aws_form_add(&form, "Message", buf_str(&big));
    struct aws_request q = {
        .op = AWS_SNS_PUBLISH, .region = "eu-central-1", .credentials = &keys, .body = buf_span(&form.text)
    };
    assert_int_equal(aws_query(&aws, &q, &x, &err), -ERR_NOMEM);
    assert_int_equal(service.seen_count, 0);
    aws_form_done(&form);
}

static void an_identity_is_exchanged_without_a_signature(void **state)
{
    (void)state;
    static const struct double_answer ok = { "200 OK", NULL, "<A/>" };
    PLAY_ONE(ok);
    struct err err = { 0 };
    struct xml *x = NULL;
    struct aws_request q = { .op = AWS_STS_ASSUME_ROLE_WITH_WEB_IDENTITY,
                             .region = "eu-central-1",
                             .body = SPAN_LIT("A=1") };
    assert_int_equal(aws_query(&aws, &q, &x, &err), 0);
    xml_free(x);
    assert_null(strcasestr(service.seen[0], "Authorization"));
    assert_null(strcasestr(service.seen[0], "X-Amz-"));
    q.op = AWS_STS_ASSUME_ROLE;
    assert_int_equal(aws_query(&aws, &q, &x, &err), -ERR_BUG);
}

static void what_passes_is_tried_again(void **state)
{
    (void)state;
    struct err err;
    const struct double_answer script[] = { busy, broken, fine };
    PLAY(script);
    struct aws_request q = describe();
    assert_int_equal(call(&q, &err), 0);
    assert_int_equal(service.seen_count, 3);
    assert_int_equal(err.kind, ERR_OK);
    assert_string_equal(aws_error_code(&aws), "");
    assert_non_null(strstr(env.notes, "ECR DescribeImages in eu-central-1: ThrottlingException; trying again in "));
    assert_null(strstr(service.seen[1], secret_key));
}

static void attempts_end(void **state)
{
    (void)state;
    struct err err;
    PLAY_ONE(busy);
    struct aws_request q = describe();
    assert_int_equal(call(&q, &err), -ERR_AWS);
    assert_int_equal(service.seen_count, 3);
    assert_true(aws_error_is(&aws, "ThrottlingException"));
    q.attempts = 1;
    PLAY_ONE(busy);
    assert_int_equal(call(&q, &err), -ERR_AWS);
    assert_int_equal(service.seen_count, 1);
}

static void a_pause_that_is_asked_for_is_kept_or_the_call_ends(void **state)
{
    (void)state;
    static const struct double_answer later = { "503 Busy", "Retry-After: 1\r\n", "" };
    const struct double_answer script[] = { later, fine };
    struct err err;
    struct aws_request q = describe();
    PLAY(script);
    int64_t before = clock_mono_ms();
    assert_int_equal(call(&q, &err), 0);
    assert_in_range(clock_mono_ms() - before, 990, 3000);
    static const struct double_answer much_later = { "503 Busy", "Retry-After: 60\r\n", "" };
    PLAY_ONE(much_later);
    before = clock_mono_ms();
    assert_int_equal(call(&q, &err), -ERR_AWS);
    assert_int_equal(service.seen_count, 1);
    assert_in_range(clock_mono_ms() - before, 0, 900);
}

static void all_attempts_together_have_one_deadline(void **state)
{
    (void)state;
    struct err err;
    PLAY_ONE(busy);
    struct aws_request q = describe();
    q.attempts = 50;
    q.timeout_ms = 1500;
    int64_t before = clock_mono_ms();
    assert_int_equal(call(&q, &err), -ERR_AWS);
    assert_in_range(clock_mono_ms() - before, 0, 2200);
    assert_in_range(service.seen_count, 2, 5);
}

static void cancel_now(int signal_number)
{
    (void)signal_number;
    cancel = 1;
}

static void a_pause_ends_when_the_run_is_cancelled(void **state)
{
    (void)state;
    static const struct double_answer later = { "503 Busy", "Retry-After: 10\r\n", "" };
    struct err err;
    PLAY_ONE(later);
    struct aws_request q = describe();
    int64_t before = clock_mono_ms();
    (void)signal(SIGALRM, cancel_now);
    (void)setitimer(ITIMER_REAL, &(struct itimerval){ .it_value = { .tv_usec = 300 * 1000 } }, NULL);
    assert_int_equal(call(&q, &err), -ERR_CANCEL);
    assert_int_equal(service.seen_count, 1);
    assert_in_range(clock_mono_ms() - before, 250, 1500);
}

static void reading_is_repeated_after_a_lost_answer_and_writing_is_not(void **state)
{
    (void)state;
    struct err err;
    const struct double_answer script[] = { lost, fine };
    struct aws_request q = describe();
    PLAY(script);
    assert_int_equal(call(&q, &err), 0);
    assert_int_equal(service.seen_count, 2);
    struct aws_request publish = {
        .op = AWS_SNS_PUBLISH, .region = "eu-central-1", .credentials = &keys, .body = SPAN_LIT("Action=Publish")
    };
    struct xml *x = NULL;
    PLAY(script);
    assert_int_equal(aws_query(&aws, &publish, &x, &err), -ERR_NET);
    assert_int_equal(service.seen_count, 1);
    assert_told(&err, "SNS Publish in eu-central-1: ");
    assert_non_null(strstr(err_hint_text(&err), "reaches the address of AWS"));
}

/* libcurl sends a request again by itself when a kept connection turns out to be closed. */
static void what_writes_never_uses_a_connection_twice(void **state)
{
    (void)state;
    struct err err = { 0 };
    static const struct double_answer ok = { "200 OK", NULL, "<A/>" };
    const struct double_answer script[] = { ok, lost, ok };
    PLAY(script);
    struct aws_request publish = {
        .op = AWS_SNS_PUBLISH, .region = "eu-central-1", .credentials = &keys, .body = SPAN_LIT("Action=Publish")
    };
    struct xml *x = NULL;
    assert_int_equal(aws_query(&aws, &publish, &x, &err), 0);
    xml_free_p(&x);
    assert_int_equal(aws_query(&aws, &publish, &x, &err), -ERR_NET);
    assert_int_equal(service.seen_count, 2);
    PLAY(script);
    struct aws_request q = describe(); /* may be sent again: each time signed once */
    (void)call(&q, &err);
    (void)call(&q, &err);
    assert_in_range(service.seen_count, 2, 4);
    for (size_t i = 0; i < service.seen_count; i++)
        assert_int_equal(count_headers(service.seen[i], "Authorization"), 1);
}

static void nobody_there_is_told(void **state)
{
    (void)state;
    struct err err;
    aws_env_set(&env, "AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    struct aws_request q = describe();
    assert_int_equal(call(&q, &err), -ERR_UNREACHABLE);
    assert_told(&err, "ECR DescribeImages in eu-central-1: ");
    assert_non_null(strstr(err_hint_text(&err), "VPC"));
    assert_non_null(strstr(env.notes, "trying again"));
    assert_string_equal(aws_error_code(&aws), "");
}

static void a_refusal_is_asked_once_and_has_its_code(void **state)
{
    (void)state;
    static const struct {
        struct double_answer answer;
        enum err_kind kind;
        const char *code, *words;
    } cases[] = {
        { { "400 Bad Request", NULL, "{\"__type\":\"RepositoryNotFoundException\",\"message\":\"no 'app'\"}" },
          ERR_AWS,
          "RepositoryNotFoundException",
          "RepositoryNotFoundException: no 'app'" },
        { { "400 Bad Request", "x-amzn-ErrorType: ns#AccessDeniedException:http://x/\r\n", "{}" },
          ERR_AWS_DENIED,
          "AccessDeniedException",
          "needs ecr:DescribeImages" },
        { { "403 Forbidden", NULL,
            "<Response><Errors><Error><Code>UnrecognizedClientException</Code></Error></Errors></Response>" },
          ERR_AWS_CREDENTIALS,
          "UnrecognizedClientException",
          "credentials: a test" },
        { { "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n",
            "<Response><Errors><Error><Code>AuthFailure</Code></Error></Errors></Response>" },
          ERR_AWS_CREDENTIALS,
          "AuthFailure",
          "does not know the access key" },
        { { "302 Found", "Location: http://127.0.0.1:1/\r\n", "" }, ERR_AWS, "", "HTTP 302" },
        { { "407 Proxy Authentication Required", "Proxy-Authenticate: Basic\r\n", "who are you" },
          ERR_AWS,
          "",
          "HTTP 407 and no error of AWS's: who are you" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err;
        struct aws_request q = describe();
        double_play(&service, &cases[i].answer, 1);
        assert_int_equal(call(&q, &err), -(int)cases[i].kind);
        assert_told(&err, cases[i].words);
        assert_string_equal(aws_error_code(&aws), cases[i].code);
        assert_int_equal(service.seen_count, 1);
        assert_int_equal(err.code, strtol(cases[i].answer.status, NULL, 10));
    }
}

static void errors_of_query_services_are_read(void **state)
{
    (void)state;
    static const struct {
        enum aws_op op;
        const char *body, *code;
        enum err_kind kind;
    } cases[] = {
        { AWS_STS_ASSUME_ROLE,
          "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
          "<Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/u is not authorized to perform: sts:AssumeRole "
          "on "
          "resource: arn:aws:iam::1:role/r</Message></Error></ErrorResponse>",
          "AccessDenied", ERR_AWS_DENIED },
        { AWS_EC2_DESCRIBE_INSTANCES,
          "<?xml version=\"1.0\"?><Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>no "
          "i-1</Message></Error></Errors><RequestID>1</RequestID></Response>",
          "InvalidInstanceID.NotFound", ERR_AWS },
        { AWS_EC2_DESCRIBE_INSTANCES, "<a><Error><Code>ExpiredToken</Code></Error></a>", "ExpiredToken",
          ERR_AWS_CREDENTIALS },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = { 0 };
        struct xml *x = NULL;
        const struct double_answer answer = { "400 Bad Request", NULL, cases[i].body };
        double_play(&service, &answer, 1);
        struct aws_request q = {
            .op = cases[i].op, .region = "eu-central-1", .credentials = &keys, .body = SPAN_LIT("Action=X")
        };
        assert_int_equal(aws_query(&aws, &q, &x, &err), -(int)cases[i].kind);
        assert_string_equal(aws_error_code(&aws), cases[i].code);
        assert_int_equal(aws_error_expired(&aws), strcmp(cases[i].code, "ExpiredToken") == 0);
    }
}

static void a_wrong_clock_is_seen_in_the_answers_date(void **state)
{
    (void)state;
    char headers[100];
    time_t then = time(NULL) + 25 * 60;
    struct tm tm;
    (void)strftime(headers, sizeof(headers), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&then, &tm));
    const struct double_answer answer = {
        "403 Forbidden", headers, "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired\"}"
    };
    struct err err;
    double_play(&service, &answer, 1);
    struct aws_request q = describe();
    assert_int_equal(call(&q, &err), -ERR_AWS_CREDENTIALS);
    assert_told(&err, "this machine's clock is 25 minutes behind AWS's");
    assert_non_null(strstr(err_hint_text(&err), "timedatectl"));
}

static void a_request_that_expired_by_a_wrong_clock_asks_for_no_newer_credentials(void **state)
{
    (void)state;
    static const struct double_answer answer = { "400 Bad Request", "Date: Thu, 29 Jan 2026 03:10:02 GMT\r\n",
                                                 "<Response><Errors><Error><Code>RequestExpired</Code><Message>Request "
                                                 "has expired.</Message></Error></Errors></Response>" };
    struct err err = { 0 };
    struct xml *x = NULL;
    struct aws_request q = {
        .op = AWS_EC2_DESCRIBE_INSTANCES, .region = "eu-central-1", .credentials = &keys, .body = SPAN_LIT("Action=X")
    };
    double_play(&service, &answer, 1);
    assert_int_equal(aws_query(&aws, &q, &x, &err), -ERR_AWS_CREDENTIALS);
    assert_told(&err, "ahead of AWS's");
    assert_false(aws_error_expired(&aws));
}

static void answers_that_make_no_sense_are_told(void **state)
{
    (void)state;
    static const struct double_answer nonsense = { "200 OK", NULL, "<html>Welcome</html>" };
    struct err err;
    PLAY_ONE(nonsense);
    struct aws_request q = describe();
    assert_int_equal(call(&q, &err), -ERR_PROTO);
    assert_told(&err, "ECR DescribeImages: the answer is not JSON");
    struct xml *x = NULL;
    static const struct double_answer json = { "200 OK", NULL, "{}" };
    PLAY_ONE(json);
    q.op = AWS_EC2_DESCRIBE_INSTANCES;
    assert_int_equal(aws_query(&aws, &q, &x, &err), -ERR_PROTO);
}

static void keys_that_would_break_a_header_are_not_sent(void **state)
{
    (void)state;
    static char broken_secret[] = "", broken_token[] = "a\r\nX-Evil: 1";
    struct aws_credentials bad[3] = { keys, keys, keys };
    (void)snprintf(bad[0].key_id, sizeof(bad[0].key_id), "AK/us-east-1 ");
    bad[1].secret = broken_secret;
    bad[2].token = broken_token;
    PLAY_ONE(fine);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err;
        struct aws_request q = describe();
        q.credentials = &bad[i];
        assert_int_equal(call(&q, &err), -ERR_INPUT);
        assert_int_equal(service.seen_count, 0);
    }
}

static void every_operation_has_a_row(void **state)
{
    (void)state;
    for (int i = 0; i < AWS_OPS; i++) {
        const struct aws_op_info *op = aws_op_info((enum aws_op)i);
        assert_non_null(op->name);
        assert_non_null(op->action);
        const char *colon = strchr(op->action, ':');
        if (*op->action)
            assert_string_equal(colon + 1, op->name);
        else
            assert_int_equal(op->service, AWS_STS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_of_a_json_service_has_its_form, new_client, end_client),
        cmocka_unit_test_setup_teardown(an_empty_body_is_an_empty_object, new_client, end_client),
        cmocka_unit_test_setup_teardown(a_call_without_session_token_names_none, new_client, end_client),
        cmocka_unit_test_setup_teardown(the_next_request_of_the_client_has_no_credentials, new_client, end_client),
        cmocka_unit_test_setup_teardown(a_form_has_its_version_and_is_encoded, new_client, end_client),
        cmocka_unit_test_setup_teardown(a_form_that_got_too_long_is_not_sent, new_client, end_client),
        cmocka_unit_test_setup_teardown(an_identity_is_exchanged_without_a_signature, new_client, end_client),
        cmocka_unit_test_setup_teardown(what_passes_is_tried_again, new_client, end_client),
        cmocka_unit_test_setup_teardown(attempts_end, new_client, end_client),
        cmocka_unit_test_setup_teardown(a_pause_that_is_asked_for_is_kept_or_the_call_ends, new_client, end_client),
        cmocka_unit_test_setup_teardown(all_attempts_together_have_one_deadline, new_client, end_client),
        cmocka_unit_test_setup_teardown(a_pause_ends_when_the_run_is_cancelled, new_client, end_client),
        cmocka_unit_test_setup_teardown(reading_is_repeated_after_a_lost_answer_and_writing_is_not, new_client,
                                        end_client),
        cmocka_unit_test_setup_teardown(what_writes_never_uses_a_connection_twice, new_client, end_client),
        cmocka_unit_test_setup_teardown(nobody_there_is_told, new_client, end_client),
        cmocka_unit_test_setup_teardown(a_refusal_is_asked_once_and_has_its_code, new_client, end_client),
        cmocka_unit_test_setup_teardown(errors_of_query_services_are_read, new_client, end_client),
        cmocka_unit_test_setup_teardown(a_wrong_clock_is_seen_in_the_answers_date, new_client, end_client),
        cmocka_unit_test_setup_teardown(a_request_that_expired_by_a_wrong_clock_asks_for_no_newer_credentials,
                                        new_client, end_client),
        cmocka_unit_test_setup_teardown(answers_that_make_no_sense_are_told, new_client, end_client),
        cmocka_unit_test_setup_teardown(keys_that_would_break_a_header_are_not_sent, new_client, end_client),
        cmocka_unit_test(every_operation_has_a_row),
    };
    return http_global_init(NULL) < 0 ? 1 : cmocka_run_group_tests(tests, start, stop);
}
