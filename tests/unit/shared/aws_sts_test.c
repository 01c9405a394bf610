#include "shared/aws/aws_sts.h"

#include "aws_double.h"
#include "aws_env.h"
#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROLE "arn:aws:iam::123456789012:role/deploy"
#define KEY_ID "ASIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SUB "repo:org/shop:ref:refs/heads/main"

static struct aws_double service;
static struct aws_env env;
static struct aws client;
static struct aws_credentials got;
static struct err err;
static char why[256], text[1024];

static void ask(struct aws_link link)
{
    err_clear(&err);
    aws_credentials_done(&got);
    int r = link.get(link.ctx, &client, &got, why, sizeof(why), &err);
    (void)snprintf(text, sizeof(text), "%d ", r);
    (void)err_text(&err, text + strlen(text), sizeof(text) - strlen(text));
}

static void assert_says(const char *words)
{
    if (!strstr(text, words))
        fail_msg("'%s' is not in: %s (why: %s)", words, text, why);
}

/* An unsigned token of GitHub's with this payload; static. */
static const char *token_of(const char *payload)
{
    static char token[2048];
    _cleanup_(buf_done_p) struct buf body = BUF_INIT(1024);
    crypto_base64_encode(span_of(payload), CRYPTO_BASE64URL, &body);
    body.ptr[strcspn(body.ptr, "=")] = '\0';
    (void)snprintf(token, sizeof(token), "eyJhbGciOiJub25lIn0.%s.c2lnbmF0dXJl", body.ptr);
    return token;
}

static const char *github_token(void)
{
    return token_of("{\"sub\":\"" SUB "\",\"aud\":\"sts.amazonaws.com\",\"repository\":\"org/shop\"}");
}

static const char *token_answer(void)
{
    static char body[2200];
    (void)snprintf(body, sizeof(body), "{\"value\":\"%s\",\"count\":1}", github_token());
    return body;
}

static const char *role_answer(const char *operation)
{
    static char body[2][1024];
    static unsigned turn;
    char *out = body[turn++ % 2];
    (void)snprintf(out, sizeof(body[0]),
                   "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult><Credentials>"
                   "<AccessKeyId>" KEY_ID "</AccessKeyId><SecretAccessKey>" SECRET "</SecretAccessKey>"
                   "<SessionToken>session-token</SessionToken><Expiration>%s</Expiration>"
                   "</Credentials></%sResult></%sResponse>",
                   operation, operation, double_time(3600 * 1000), operation, operation);
    return out;
}

static const char *error_answer(const char *code, const char *message)
{
    static char body[1024];
    (void)snprintf(
        body, sizeof(body),
        "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code,
        message);
    return body;
}

static void give_identity_token(void)
{
    static char url[128];
    (void)snprintf(url, sizeof(url), "%s/token?api-version=2.0&plan=private-plan", service.url);
    aws_env_set(&env, "ACTIONS_ID_TOKEN_REQUEST_URL", url);
    aws_env_set(&env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the-runners-token");
    double_route(&service,
                 (struct double_route){ .request = "GET /token",
                                        .needs = { "&audience=sts.amazonaws.com HTTP", "bearer the-runners-token\r\n" },
                                        .status = 200,
                                        .body = token_answer() });
}

static void answer_sts(const char *operation, int status, const char *body)
{
    static char needle[64];
    (void)snprintf(needle, sizeof(needle), "\r\n\r\nAction=%s&Version=2011-06-15&", operation);
    double_route(&service,
                 (struct double_route){ .request = "POST /", .needs = { needle }, .status = status, .body = body });
}

/* ---- GitHub ---- */

static void githubs_token_becomes_the_roles_credentials(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE, .duration_s = 900, .region = "eu-central-1" };
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(65536);
    client.session_name = "bluegreen-42";
    give_identity_token();
    answer_sts("AssumeRoleWithWebIdentity", 200, role_answer("AssumeRoleWithWebIdentity"));
    ask(aws_link_github(&role));
    assert_string_equal(text, "0 ");
    assert_string_equal(got.key_id, KEY_ID);
    assert_string_equal(got.secret, SECRET);
    assert_string_equal(got.token, "session-token");
    assert_string_equal(got.source, "role " ROLE " by GitHub's OIDC");
    assert_true(got.expires_wall_ms > clock_wall_ms() + 3590 * 1000);
    double_seen(&service, &seen);
    assert_non_null(strstr(seen.ptr, "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy&"
                                     "RoleSessionName=bluegreen-42&DurationSeconds=900&WebIdentityToken=eyJ"));
    assert_null(strstr(seen.ptr, "AWS4-HMAC"));
    assert_non_null(strstr(env.secrets, github_token()));
}

static void without_permission_or_role_github_is_not_set_up(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE };
    ask(aws_link_github(&role));
    assert_string_equal(text, "1 ");
    assert_string_equal(why, "the job lacks 'permissions: id-token: write'");
    aws_env_set(&env, "ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1/");
    ask(aws_link_github(&role));
    assert_string_equal(text, "1 ");
    role.arn = "";
    give_identity_token();
    ask(aws_link_github(&role));
    assert_string_equal(why, "no role-to-assume");
}

static void a_token_service_that_stumbles_is_asked_again(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE };
    double_route(&service, (struct double_route){ .request = "GET /token", .status = 502, .body = "", .times = 2 });
    give_identity_token();
    answer_sts("AssumeRoleWithWebIdentity", 200, role_answer("AssumeRoleWithWebIdentity"));
    ask(aws_link_github(&role));
    assert_string_equal(text, "0 ");
    assert_int_equal(service.seen_count, 4);
}

static void a_refused_token_is_told_without_the_address(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE };
    double_route(&service, (struct double_route){ .request = "GET /token", .status = 403, .body = "{}" });
    give_identity_token();
    ask(aws_link_github(&role));
    assert_int_equal(err.kind, ERR_AWS_CREDENTIALS);
    assert_says("GitHub gives this job no identity token: HTTP status 403");
    assert_null(strstr(text, "private-plan"));
    assert_int_equal(service.seen_count, 1);
    aws_env_set(&env, "ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1/secret-path?plan=private-plan");
    ask(aws_link_github(&role));
    assert_int_equal(err.kind, ERR_UNREACHABLE);
    assert_null(strstr(text, "secret-path"));
}

static void an_answer_without_a_token_is_refused(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE };
    const char *wrong[] = { "", "{}", "[]", "<html>", "{\"value\":7}" };
    for (size_t i = 0; i < 5; i++) {
        double_play(&service, NULL, 0);
        double_route(&service, (struct double_route){ .request = "GET /token", .status = 200, .body = wrong[i] });
        give_identity_token();
        ask(aws_link_github(&role));
        assert_says("GitHub's answer holds no identity token");
    }
}

static void in_china_the_audience_is_chinas(void **state)
{
    (void)state;
    struct aws_role role = { .arn = "arn:aws-cn:iam::123456789012:role/deploy" };
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(65536);
    give_identity_token();
    ask(aws_link_github(&role));
    role.audience = "my audience";
    ask(aws_link_github(&role));
    double_seen(&service, &seen);
    assert_non_null(strstr(seen.ptr, "&audience=sts.amazonaws.com.cn HTTP"));
    assert_non_null(strstr(seen.ptr, "&audience=my%20audience HTTP"));
}

/* ---- refusals ---- */

static void a_trust_policy_that_does_not_fit_shows_the_tokens_claims(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE };
    give_identity_token();
    answer_sts("AssumeRoleWithWebIdentity", 403,
               error_answer("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"));
    ask(aws_link_github(&role));
    assert_int_equal(err.kind, ERR_AWS_DENIED);
    assert_says(ROLE " does not let this job in: its token says sub '" SUB "', aud 'sts.amazonaws.com'");
    assert_non_null(strstr(err_hint_text(&err), "repo:OWNER@ID/REPO@ID:"));
    assert_null(strstr(text, "eyJ"));
}

static void each_refusal_of_sts_has_words_of_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *code, *words, *hint;
    } cases[] = {
        { "InvalidIdentityToken", "does not know the identity token's issuer", "identity provider" },
        { "ExpiredTokenException", "had expired when AWS looked", "clocks" },
        { "IDPRejectedClaim", "does not accept the token", "identity provider" },
        { "RegionDisabledException", "switched off in this region", "aws-region" },
        { "ValidationError", "does not accept the request", "role-duration-seconds" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct aws_role role = { .arn = ROLE };
        double_play(&service, NULL, 0);
        give_identity_token();
        answer_sts("AssumeRoleWithWebIdentity", 400, error_answer(cases[i].code, "words of AWS"));
        ask(aws_link_github(&role));
        assert_says("take on the role " ROLE ": ");
        assert_says(cases[i].words);
        assert_says(cases[i].code);
        assert_non_null(strstr(err_hint_text(&err), cases[i].hint));
    }
}

static void an_answer_without_a_whole_set_is_refused(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE };
    const char *wrong[] = {
        "<AssumeRoleWithWebIdentityResponse/>",
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>" KEY_ID
        "</AccessKeyId><SecretAccessKey>" SECRET "</SecretAccessKey><SessionToken>x</SessionToken></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        "not XML",
    };
    for (size_t i = 0; i < 3; i++) {
        double_play(&service, NULL, 0);
        give_identity_token();
        answer_sts("AssumeRoleWithWebIdentity", 200, wrong[i]);
        ask(aws_link_github(&role));
        assert_true(err.kind == ERR_AWS_CREDENTIALS || err.kind == ERR_PROTO);
        assert_says("take on the role " ROLE);
        assert_null(strstr(text, SECRET));
    }
}

/* ---- web identity file ---- */

static void a_web_identity_file_is_read_for_its_role(void **state)
{
    (void)state;
    char path[] = "/tmp/aws_sts_test.XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(dprintf(fd, "%s\n", github_token()) > 0, 1);
    ask(aws_link_web_identity_file());
    assert_string_equal(text, "1 ");
    aws_env_set(&env, "AWS_WEB_IDENTITY_TOKEN_FILE", path);
    ask(aws_link_web_identity_file());
    assert_says("AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
    aws_env_set(&env, "AWS_ROLE_ARN", ROLE);
    aws_env_set(&env, "AWS_ROLE_SESSION_NAME", "pod-7");
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(65536);
    answer_sts("AssumeRoleWithWebIdentity", 200, role_answer("AssumeRoleWithWebIdentity"));
    ask(aws_link_web_identity_file());
    assert_string_equal(text, "0 ");
    assert_string_equal(got.source, "role " ROLE " by a web identity file");
    double_seen(&service, &seen);
    assert_non_null(strstr(seen.ptr, "RoleSessionName=pod-7&WebIdentityToken=eyJ"));
    assert_null(strstr(seen.ptr, "%0A"));
    assert_int_equal(ftruncate(fd, 0), 0);
    ask(aws_link_web_identity_file());
    assert_says("is empty");
    close(fd);
    assert_int_equal(unlink(path), 0);
    ask(aws_link_web_identity_file());
    assert_says("No such file");
}

/* ---- AssumeRole ---- */

static void assume(struct aws_role *role, const struct aws_credentials *by)
{
    struct aws_role_step step = aws_role_step_assume(role);
    err_clear(&err);
    aws_credentials_done(&got);
    int r = step.assume(step.ctx, &client, by, &got, &err);
    (void)snprintf(text, sizeof(text), "%d ", r);
    (void)err_text(&err, text + strlen(text), sizeof(text) - strlen(text));
}

static char by_secret[] = "secret-of-the-caller", by_token[] = "token-of-the-caller", no_token[] = "";

static void a_role_is_taken_on_with_the_callers_keys(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE, .duration_s = 7200, .external_id = "partner-7", .session_name = "mine" };
    struct aws_credentials by = { "AKIAIOSFODNN7EXAMPLE", by_secret, no_token, 0, "the environment" };
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(65536);
    answer_sts("AssumeRole", 200, role_answer("AssumeRole"));
    assume(&role, &by);
    assert_string_equal(text, "0 ");
    assert_string_equal(got.source, "role " ROLE " by the environment");
    double_seen(&service, &seen);
    assert_non_null(strstr(seen.ptr, "RoleSessionName=mine&DurationSeconds=7200&ExternalId=partner-7"));
    assert_non_null(strstr(seen.ptr, "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"));
    assert_non_null(strstr(seen.ptr, "/us-east-1/sts/aws4_request")); /* nothing says another region */
}

static void a_role_of_a_role_lives_an_hour_at_most(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE, .duration_s = 7200 };
    struct aws_credentials by = { KEY_ID, by_secret, by_token, 0,
                                  "role arn:aws:iam::123456789012:role/ci/first by GitHub's OIDC" };
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(65536);
    answer_sts("AssumeRole", 200, role_answer("AssumeRole"));
    assume(&role, &by);
    assert_string_equal(got.source, "role " ROLE " by role first by GitHub's OIDC");
    double_seen(&service, &seen);
    assert_non_null(strstr(seen.ptr, "&DurationSeconds=3600"));
}

static void another_partitions_role_is_asked_for_there(void **state)
{
    (void)state;
    struct aws_role role = { .arn = "arn:aws-us-gov:iam::123456789012:role/x", .region = "eu-central-1" };
    struct aws_credentials by = { KEY_ID, by_secret, by_token, 0, "role x" };
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(65536);
    answer_sts("AssumeRole", 200, role_answer("AssumeRole"));
    assume(&role, &by);
    double_seen(&service, &seen);
    assert_non_null(strstr(seen.ptr, "/us-gov-west-1/sts/aws4_request"));
}

static void a_role_that_does_not_let_in_names_who_tried(void **state)
{
    (void)state;
    struct aws_role role = { .arn = ROLE };
    struct aws_credentials by = { KEY_ID, by_secret, by_token, 0, "the environment" };
    answer_sts("AssumeRole", 403,
               error_answer("AccessDenied", "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: "
                                            "sts:AssumeRole on resource: " ROLE));
    assume(&role, &by);
    assert_int_equal(err.kind, ERR_AWS_DENIED);
    assert_says("take on the role " ROLE " with the environment: ");
    assert_says("arn:aws:iam::123456789012:user/ci lacks sts:AssumeRole");
    assert_non_null(strstr(err_hint_text(&err), "Two policies have to agree"));
}

/* ---- claims ---- */

static void claims_are_read_from_hostile_tokens_too(void **state)
{
    (void)state;
    struct aws_token_claims c;
    assert_true(aws_token_claims(token_of("{\"sub\":\"a b\\u00fc\",\"aud\":[\"x\",\"y\"]}"), &c));
    assert_string_equal(c.sub, "a?b??");
    assert_string_equal(c.aud, "x");
    const char *wrong[] = { "", ".", "..", "a.b", "a.!!.c", "eyJ" };
    for (size_t i = 0; i < 6; i++) {
        assert_false(aws_token_claims(wrong[i], &c));
        assert_string_equal(c.sub, "");
    }
    assert_true(aws_token_claims(token_of("{\"sub\":7}"), &c));
    assert_string_equal(c.sub, "");
}

static int begin(void **state)
{
    (void)state;
    double_start(&service);
    memset(&env, 0, sizeof(env));
    client = aws_with_env(&env);
    assert_int_equal(aws_init(&client, NULL), 0);
    aws_env_set(&env, "AWS_ENDPOINT_URL_STS", service.url);
    return 0;
}

static int end(void **state)
{
    (void)state;
    aws_credentials_done(&got);
    aws_done(&client);
    double_stop(&service);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(githubs_token_becomes_the_roles_credentials),
        TEST(without_permission_or_role_github_is_not_set_up),
        TEST(a_token_service_that_stumbles_is_asked_again),
        TEST(a_refused_token_is_told_without_the_address),
        TEST(an_answer_without_a_token_is_refused),
        TEST(in_china_the_audience_is_chinas),
        TEST(a_trust_policy_that_does_not_fit_shows_the_tokens_claims),
        TEST(each_refusal_of_sts_has_words_of_its_own),
        TEST(an_answer_without_a_whole_set_is_refused),
        TEST(a_web_identity_file_is_read_for_its_role),
        TEST(a_role_is_taken_on_with_the_callers_keys),
        TEST(a_role_of_a_role_lives_an_hour_at_most),
        TEST(another_partitions_role_is_asked_for_there),
        TEST(a_role_that_does_not_let_in_names_who_tried),
        TEST(claims_are_read_from_hostile_tokens_too),
    };
    if (http_global_init(NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
