#include "shared/aws/aws_links.h"

#include "aws_double.h"
#include "aws_env.h"
#include "shared/clock.h"
#include "shared/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#define KEY_ID "ASIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SESSION "FwoGZXIvYXdzEXAMPLETOKEN=="

static struct aws_double service;
static struct aws_env env;
static struct aws client;

/* What a link answered. */
struct answer {
    int result;
    struct aws_credentials got;
    char why[256];
    char text[1024];
    char hint[ERR_HINT_MAX];
};
static struct answer last;

static void ask(struct aws_link link)
{
    struct err err = { 0 };
    aws_credentials_done(&last.got);
    last = (struct answer){ 0 };
    last.result = link.get(link.ctx, &client, &last.got, last.why, sizeof(last.why), &err);
    (void)err_text(&err, last.text, sizeof(last.text));
    if (last.result < 0)
        (void)snprintf(last.hint, sizeof(last.hint), "%s", err_hint_text(&err));
}

static void assert_given(const char *source)
{
    if (last.result != 0)
        fail_msg("%d: %s%s", last.result, last.why, last.text);
    assert_string_equal(last.got.key_id, KEY_ID);
    assert_string_equal(last.got.secret, SECRET);
    assert_string_equal(last.got.source, source);
}

static void assert_not_set_up(const char *why)
{
    if (last.result != 1 || !strstr(last.why, why))
        fail_msg("'%s' wanted: %d, why '%s', error '%s'", why, last.result, last.why, last.text);
}

static void assert_fails(enum err_kind kind, const char *words)
{
    if (last.result != -(int)kind || !strstr(last.text, words))
        fail_msg("'%s' wanted: %d, why '%s', error '%s'", words, last.result, last.why, last.text);
    assert_true(last.hint[0] != '\0');
    assert_null(strstr(last.text, SECRET));
}

/* JSON of credentials as metadata services write it; static. */
static const char *credentials_json(int64_t lives_ms)
{
    static char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"Code\":\"Success\",\"AccessKeyId\":\"" KEY_ID "\",\"SecretAccessKey\":\"" SECRET
                   "\",\"Token\":\"" SESSION "\",\"Expiration\":\"%s\"}",
                   double_time(lives_ms));
    return text;
}

/* ---- keys given by hand, environment ---- */

static void keys_given_by_hand_are_taken(void **state)
{
    (void)state;
    struct aws_static_keys keys = { KEY_ID, SECRET, SESSION };
    ask(aws_link_static(&keys));
    assert_given("aws-access-key-id");
    assert_string_equal(last.got.token, SESSION);
    assert_int_equal(last.got.expires_wall_ms, 0);
    keys = (struct aws_static_keys){ 0 };
    ask(aws_link_static(&keys));
    assert_not_set_up("not given");
}

static void keys_with_blanks_in_them_are_refused(void **state)
{
    (void)state;
    struct aws_static_keys keys = { KEY_ID, "wJalr XUtn", "" };
    ask(aws_link_static(&keys));
    assert_fails(ERR_AWS_CREDENTIALS, "the secret key holds blanks");
    keys = (struct aws_static_keys){ "AKIA", SECRET, "" };
    ask(aws_link_static(&keys));
    assert_fails(ERR_AWS_CREDENTIALS, "is none (4 characters)");
}

static void the_environment_gives_all_three(void **state)
{
    (void)state;
    ask(aws_link_environment());
    assert_not_set_up("AWS_ACCESS_KEY_ID is not set");
    aws_env_set(&env, "AWS_ACCESS_KEY_ID", KEY_ID);
    aws_env_set(&env, "AWS_SECRET_ACCESS_KEY", SECRET);
    aws_env_set(&env, "AWS_SESSION_TOKEN", SESSION);
    ask(aws_link_environment());
    assert_given("the environment");
    assert_string_equal(last.got.token, SESSION);
}

static void half_of_the_environment_is_an_error(void **state)
{
    (void)state;
    aws_env_set(&env, "AWS_ACCESS_KEY_ID", KEY_ID);
    ask(aws_link_environment());
    assert_fails(ERR_AWS_CREDENTIALS, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
    aws_env_set(&env, "AWS_SECRET_ACCESS_KEY", SECRET);
    ask(aws_link_environment());
    assert_fails(ERR_AWS_CREDENTIALS, "temporary key");
    aws_env_set(&env, "AWS_ACCESS_KEY_ID", "");
    ask(aws_link_environment());
    assert_fails(ERR_AWS_CREDENTIALS, "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not");
}

/* ---- container ---- */

static void a_container_gives_its_roles_credentials(void **state)
{
    (void)state;
    char url[128];
    (void)snprintf(url, sizeof(url), "%s/creds", service.url);
    aws_env_set(&env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    aws_env_set(&env, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic c2VzYW1l");
    double_route(&service, (struct double_route){ .request = "GET /creds",
                                                  .needs = { "\r\nAuthorization: Basic c2VzYW1l\r\n" },
                                                  .status = 200,
                                                  .body = credentials_json(3600 * 1000) });
    ask(aws_link_container());
    assert_given("the container's role");
    assert_string_equal(last.got.token, SESSION);
    assert_true(last.got.expires_wall_ms > clock_wall_ms() + 3590 * 1000);
    assert_true(last.got.expires_wall_ms < clock_wall_ms() + 3610 * 1000);
    assert_non_null(strstr(env.secrets, "Basic c2VzYW1l"));
}

static void a_containers_token_file_is_read_each_time(void **state)
{
    (void)state;
    char url[128], path[] = "/tmp/aws_links_test.XXXXXX";
    int fd = mkstemp(path);
    (void)snprintf(url, sizeof(url), "%s/creds", service.url);
    aws_env_set(&env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    aws_env_set(&env, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "not-this-one");
    aws_env_set(&env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path);
    double_route(&service, (struct double_route){ .request = "GET /creds",
                                                  .needs = { "\r\nAuthorization: second\r\n" },
                                                  .status = 200,
                                                  .body = credentials_json(3600 * 1000) });
    assert_int_equal(pwrite(fd, "first!", 6, 0), 6);
    ask(aws_link_container());
    assert_fails(ERR_AWS_CREDENTIALS, "HTTP status 404");
    assert_int_equal(pwrite(fd, "second", 6, 0), 6);
    ask(aws_link_container());
    assert_given("the container's role");
    assert_int_equal(pwrite(fd, "sec\r\nX", 6, 0), 6);
    ask(aws_link_container());
    assert_fails(ERR_AWS_CREDENTIALS, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE holds a line break");
    assert_int_equal(unlink(path), 0);
    close(fd);
    ask(aws_link_container());
    assert_fails(ERR_AWS_CREDENTIALS, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: read '/tmp/aws_links_test");
}

static void only_local_and_encrypted_addresses_are_asked(void **state)
{
    (void)state;
    const char *refused[] = {
        "http://example.com/x",
        "http://169.254.170.2.example.com/",
        "http://169.254.170.2@evil/",
        "http://127.0.0.1@evil.example/x",
        "http://[fd00:ec2::24]/x",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://10.0.0.1/",
        "http://127.0.0.1\\@evil/x",
        "http://localhost.example.com/",
        "http://127.0.0.1:80@evil.example/",
        "http://[::1]@evil.example/",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        aws_env_set(&env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", refused[i]);
        ask(aws_link_container());
        assert_fails(ERR_AWS_CREDENTIALS, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not https and not local");
    }
    aws_env_set(&env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "x");
    ask(aws_link_container());
    assert_fails(ERR_AWS_CREDENTIALS, "does not begin with '/'");
}

static void a_container_endpoint_that_stumbles_is_asked_again(void **state)
{
    (void)state;
    char url[128];
    (void)snprintf(url, sizeof(url), "%s/creds", service.url);
    aws_env_set(&env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    double_route(&service, (struct double_route){ .request = "GET /creds", .status = 503, .body = "", .times = 2 });
    double_route(&service, (struct double_route){
                               .request = "GET /creds", .status = 200, .body = credentials_json(3600 * 1000) });
    ask(aws_link_container());
    assert_given("the container's role");
    assert_int_equal(service.seen_count, 3);
}

static void a_container_endpoints_own_words_are_told(void **state)
{
    (void)state;
    char url[128];
    (void)snprintf(url, sizeof(url), "%s/creds", service.url);
    aws_env_set(&env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    double_route(&service,
                 (struct double_route){ .request = "GET /creds",
                                        .status = 400,
                                        .body = "{\"code\":\"AccessDenied\",\"message\":\"no such association\"}" });
    ask(aws_link_container());
    assert_fails(ERR_AWS_CREDENTIALS, "HTTP status 400, AccessDenied no such association");
}

/* ---- instance ---- */

#define TOKEN_ROUTE                                                                                                    \
    (struct double_route){ .request = "PUT /latest/api/token",                                                         \
                           .needs = { "\r\nX-aws-ec2-metadata-token-ttl-seconds: " },                                  \
                           .status = 200,                                                                              \
                           .body = "AQAEtoken==" }
#define META_ROUTE(path, code, text)                                                                                   \
    (struct double_route)                                                                                              \
    {                                                                                                                  \
        .request = "GET /latest/meta-data/" path, .needs = { "\r\nX-aws-ec2-metadata-token: AQAEtoken==\r\n" },        \
        .status = code, .body = text                                                                                   \
    }

static void point_at_service(void)
{
    aws_env_set(&env, "AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url);
}

static void an_instance_gives_its_roles_credentials_by_version_2(void **state)
{
    (void)state;
    point_at_service();
    double_route(&service, TOKEN_ROUTE);
    double_route(&service, META_ROUTE("iam/security-credentials/", 200, "web\n"));
    double_route(&service, META_ROUTE("iam/security-credentials/web", 200, credentials_json(6 * 3600 * 1000)));
    ask(aws_link_instance());
    assert_given("the instance's role web");
    assert_string_equal(last.got.token, SESSION);
    assert_true(last.got.expires_wall_ms > clock_wall_ms());
    assert_non_null(strstr(env.secrets, "AQAEtoken=="));
}

static void metadata_is_never_asked_without_a_token(void **state)
{
    (void)state;
    const int statuses[] = { 400, 403, 404, 405, 500 };
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        _cleanup_(buf_done_p) struct buf seen = BUF_INIT(65536);
        point_at_service();
        double_play(&service, NULL, 0);
        double_route(&service,
                     (struct double_route){ .request = "PUT /latest/api/token", .status = statuses[i], .body = "" });
        double_route(&service, (struct double_route){ .request = "GET /latest/meta-data/iam/security-credentials/",
                                                      .status = 200,
                                                      .body = "web" });
        ask(aws_link_instance());
        assert_not_set_up(statuses[i] == 403 ? "the metadata service is switched off" : "switched off, or not AWS's");
        double_seen(&service, &seen);
        assert_null(strstr(buf_str(&seen), "GET "));
    }
}

static void another_clouds_answer_is_no_token(void **state)
{
    (void)state;
    point_at_service();
    double_route(&service, (struct double_route){ .request = "PUT /latest/api/token",
                                                  .status = 200,
                                                  .body = "<!DOCTYPE html><html>Metadata Server</html>" });
    ask(aws_link_instance());
    assert_not_set_up("is not AWS's");
}

static void an_instance_without_a_role_says_so(void **state)
{
    (void)state;
    point_at_service();
    double_route(&service, TOKEN_ROUTE);
    ask(aws_link_instance());
    assert_not_set_up("no role is attached to this instance");
    double_route(&service, META_ROUTE("iam/security-credentials/", 200, ""));
    ask(aws_link_instance());
    assert_not_set_up("no role is attached to this instance");
}

static void a_role_name_that_leads_elsewhere_is_not_followed(void **state)
{
    (void)state;
    point_at_service();
    double_route(&service, TOKEN_ROUTE);
    double_route(&service, META_ROUTE("iam/security-credentials/", 200, "../../user-data"));
    ask(aws_link_instance());
    assert_not_set_up("is not AWS's");
}

static void a_role_that_cannot_be_assumed_is_told_in_its_own_words(void **state)
{
    (void)state;
    point_at_service();
    double_route(&service, TOKEN_ROUTE);
    double_route(&service, META_ROUTE("iam/security-credentials/", 200, "web"));
    double_route(
        &service,
        META_ROUTE("iam/security-credentials/web", 200,
                   "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume the role web\"}"));
    ask(aws_link_instance());
    assert_fails(ERR_AWS_CREDENTIALS, "role web: AssumeRoleUnauthorizedAccess EC2 cannot assume the role web");
    assert_non_null(strstr(last.hint, "ec2.amazonaws.com"));
}

static void credentials_that_lack_a_part_are_refused(void **state)
{
    (void)state;
    const char *wrong[] = {
        "{\"AccessKeyId\":\"" KEY_ID "\"}",
        "{\"AccessKeyId\":\"" KEY_ID "\",\"SecretAccessKey\":\"" SECRET "\",\"Expiration\":\"soon\"}",
        "{\"AccessKeyId\":\"" KEY_ID "\",\"SecretAccessKey\":\"" SECRET "\",\"Expiration\":\"9999-01-01T00:00:00Z\"}",
        "{\"AccessKeyId\":\"" KEY_ID "\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"a b\"}",
        "[]",
        "not JSON",
        "",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        point_at_service();
        double_play(&service, NULL, 0);
        double_route(&service, TOKEN_ROUTE);
        double_route(&service, META_ROUTE("iam/security-credentials/", 200, "web"));
        double_route(&service, META_ROUTE("iam/security-credentials/web", 200, wrong[i]));
        ask(aws_link_instance());
        assert_fails(ERR_AWS_CREDENTIALS, "the instance's role web: ");
    }
}

static void expired_credentials_are_handed_on_with_their_time(void **state)
{
    (void)state;
    point_at_service();
    double_route(&service, TOKEN_ROUTE);
    double_route(&service, META_ROUTE("iam/security-credentials/", 200, "web"));
    double_route(&service, META_ROUTE("iam/security-credentials/web", 200, credentials_json(-3600 * 1000)));
    ask(aws_link_instance());
    assert_given("the instance's role web");
    assert_true(last.got.expires_wall_ms < clock_wall_ms());
}

static void metadata_can_be_switched_off_here(void **state)
{
    (void)state;
    point_at_service();
    aws_env_set(&env, "AWS_EC2_METADATA_DISABLED", "true");
    ask(aws_link_instance());
    assert_not_set_up("AWS_EC2_METADATA_DISABLED is set");
    assert_int_equal(service.seen_count, 0);
}

static void a_token_that_never_comes_tells_of_the_hop_limit(void **state)
{
    (void)state;
    point_at_service();
    double_route(&service, (struct double_route){ .request = "PUT /latest/api/token", .status = 0 });
    int64_t began = clock_mono_ms();
    ask(aws_link_instance());
    assert_not_set_up("HttpPutResponseHopLimit to 2");
    assert_true(clock_mono_ms() - began < 4000);
}

static void a_password_in_the_endpoint_is_not_told(void **state)
{
    char url[100];
    (void)state;
    (void)snprintf(url, sizeof(url), "http://me:hidden@127.0.0.1:%u", service.port);
    point_at_service();
    aws_env_set(&env, "AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
    double_route(&service, (struct double_route){ .request = "PUT /latest/api/token", .status = 403, .body = "" });
    ask(aws_link_instance());
    assert_not_set_up("127.0.0.1");
    assert_null(strstr(last.why, "hidden"));
}

/* A listener whose queue is full answers no SYN: like an address that nobody routes. */
static void an_address_that_swallows_packets_is_given_up_after_a_second(void **state)
{
    (void)state;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    char url[64];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), held[8];
    assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    for (size_t i = 0; i < 8; i++) {
        held[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(held[i], (struct sockaddr *)&a, len);
    }
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(a.sin_port));
    aws_env_set(&env, "AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
    int64_t began = clock_mono_ms();
    ask(aws_link_instance());
    assert_not_set_up("nothing answers at http://127.0.0.1:");
    assert_true(clock_mono_ms() - began < 1900);
    for (size_t i = 0; i < 8; i++)
        close(held[i]);
    close(listener);
}

static void one_path_of_the_metadata_can_be_read(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(100);
    point_at_service();
    double_route(&service, TOKEN_ROUTE);
    double_route(&service, META_ROUTE("placement/region", 200, "eu-central-1"));
    assert_int_equal(aws_instance_metadata(&client, "placement/region", &out, NULL), 0);
    assert_string_equal(buf_str(&out), "eu-central-1");
    assert_int_equal(aws_instance_metadata(&client, "tags/instance/Name", &out, NULL), 1);
}

static int begin(void **state)
{
    (void)state;
    double_start(&service);
    memset(&env, 0, sizeof(env));
    client = aws_with_env(&env);
    assert_int_equal(aws_init(&client, NULL), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    aws_credentials_done(&last.got);
    aws_done(&client);
    double_stop(&service);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_given_by_hand_are_taken),
        TEST(keys_with_blanks_in_them_are_refused),
        TEST(the_environment_gives_all_three),
        TEST(half_of_the_environment_is_an_error),
        TEST(a_container_gives_its_roles_credentials),
        TEST(a_containers_token_file_is_read_each_time),
        TEST(only_local_and_encrypted_addresses_are_asked),
        TEST(a_container_endpoint_that_stumbles_is_asked_again),
        TEST(a_container_endpoints_own_words_are_told),
        TEST(an_instance_gives_its_roles_credentials_by_version_2),
        TEST(metadata_is_never_asked_without_a_token),
        TEST(another_clouds_answer_is_no_token),
        TEST(an_instance_without_a_role_says_so),
        TEST(a_role_name_that_leads_elsewhere_is_not_followed),
        TEST(a_role_that_cannot_be_assumed_is_told_in_its_own_words),
        TEST(credentials_that_lack_a_part_are_refused),
        TEST(expired_credentials_are_handed_on_with_their_time),
        TEST(metadata_can_be_switched_off_here),
        TEST(a_token_that_never_comes_tells_of_the_hop_limit),
        TEST(a_password_in_the_endpoint_is_not_told),
        TEST(an_address_that_swallows_packets_is_given_up_after_a_second),
        TEST(one_path_of_the_metadata_can_be_read),
    };
    if (http_global_init(NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
