/*
 * AWS's published test suite for Signature Version 4 (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4), as far as
 * our calls can meet it: each case is sent by http_perform(), and the Authorization header that arrives must be the
 * published one. The listener stands as http_proxy, so that the request goes to example.amazonaws.com as in the
 * suite.
 */
#include "shared/http.h"

#include "aws_double.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SUITE_TOKEN                                                                                                    \
    "AQoDYXdzEPT//////////"                                                                                            \
    "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/"             \
    "qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+" \
    "xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
#define FORM "application/x-www-form-urlencoded"
#define FORM_SHA256 "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"

struct sigv4_case {
    const char *name, *method;
    const char *path;         /* NULL: "/" */
    const char *headers[5];   /* besides X-Amz-Date */
    const char *content_type; /* with the body */
    const char *body;
    const char *token;
    const char *signed_headers, *signature;
};

/* clang-format off */
static const struct sigv4_case cases[] = {
    { "get-vanilla", "GET", .signed_headers = "host;x-amz-date",
      .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-vanilla-with-session-token", "GET",
      .token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
      .signed_headers = "host;x-amz-date;x-amz-security-token",
      .signature = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8" },
    { "get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
      .signed_headers = "host;x-amz-date",
      .signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
    { "get-header-key-duplicate", "GET", .headers = { "My-Header1:value2", "My-Header1:value2", "My-Header1:value1" },
      .signed_headers = "host;my-header1;x-amz-date",
      .signature = "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
    { "get-header-value-order", "GET",
      .headers = { "My-Header1:value4", "My-Header1:value1", "My-Header1:value3", "My-Header1:value2" },
      .signed_headers = "host;my-header1;x-amz-date",
      .signature = "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01" },
    { "get-header-value-trim", "GET", .headers = { "My-Header1: value1", "My-Header2: \"a   b   c\"" },
      .signed_headers = "host;my-header1;my-header2;x-amz-date",
      .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
    { "get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", .signed_headers = "host;x-amz-date",
      .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
    { "post-vanilla", "POST", .signed_headers = "host;x-amz-date",
      .signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
    { "post-vanilla-query", "POST", "/?Param1=value1", .signed_headers = "host;x-amz-date",
      .signature = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
    { "post-header-key-sort", "POST", .headers = { "My-Header1:value1" },
      .signed_headers = "host;my-header1;x-amz-date",
      .signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
    { "post-header-value-case", "POST", .headers = { "My-Header1:VALUE1" },
      .signed_headers = "host;my-header1;x-amz-date",
      .signature = "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d" },
    { "post-sts-header-before", "POST", .token = SUITE_TOKEN, .signed_headers = "host;x-amz-date;x-amz-security-token",
      .signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
    { "post-x-www-form-urlencoded, as published in 2015", "POST", .content_type = FORM, .body = "Param1=value1",
      .signed_headers = "content-type;host;x-amz-date",
      .signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
    { "post-x-www-form-urlencoded-parameters, as published in 2015", "POST", .content_type = FORM "; charset=utf8",
      .body = "Param1=value1", .signed_headers = "content-type;host;x-amz-date",
      .signature = "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe" },
    { "post-x-www-form-urlencoded", "POST", .content_type = FORM, .body = "Param1=value1",
      .headers = { "Content-Length: 13", "x-amz-content-sha256:" FORM_SHA256 },
      .signed_headers = "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
      .signature = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b" },
    { "post-x-www-form-urlencoded-parameters", "POST", .content_type = FORM "; charset=utf-8",
      .body = "Param1=value1", .headers = { "Content-Length: 13", "x-amz-content-sha256:" FORM_SHA256 },
      .signed_headers = "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
      .signature = "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422" },
};

/*
 * The cases of the suite that no call of ours can be:
 *   post-header-key-case       post-vanilla with other capitals in the headers' names, which libcurl takes as given
 *   post-sts-header-after      its token is sent without being signed; ours always is
 *   get-header-value-multiline line breaks in headers: http_perform() refuses them, RFC 9112 forbids them
 *   get-relative-*, get-slash* dots and double slashes: calls go to "/" or to the path of an override, as it is
 *   get-space-*, get-utf8      blanks and bytes beyond ASCII in a path: refused
 *   get-vanilla-query*, get-vanilla-empty-query-key, get-vanilla-utf8-query, post-vanilla-empty-query-value, query-*
 *                              no call has a query (two of them are met all the same), no address has a signature
 *   v4a/...                    asymmetric signatures for several regions: no service here wants them
 */

/* Calls as ours are, on their own hosts, signed by botocore's SigV4Auth. */
static const struct {
    const char *url, *service, *target, *content_type, *body, *token, *authorization;
} calls[] = {
    { "http://api.ecr.eu-central-1.amazonaws.com/", "ecr",
      "X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.DescribeImages", "application/x-amz-json-1.1",
      "{\"repositoryName\":\"app\",\"imageIds\":[{\"imageTag\":\"v1\"}]}", "FwoGZXIvYXdzEXAMPLE//token+with/signs==",
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/ecr/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
      "Signature=15d4d92f850a301aeef73d780188a9fdf84830476b762542c012f2998065d3c2" },
    { "http://sts.eu-central-1.amazonaws.com/", "sts", NULL, FORM "; charset=utf-8",
      "Action=GetCallerIdentity&Version=2011-06-15", "",
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/sts/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date, "
      "Signature=02eb614c741be9dae6ff5149b7e794aaf28a8c539edecc8bc6157bff8063ae52" },
};
/* clang-format on */

static struct aws_double proxy;
static struct http *client;

static int start(void **state)
{
    (void)state;
    static const struct double_answer ok = { "200 OK", NULL, "fine" };
    double_start(&proxy);
    double_play(&proxy, &ok, 1);
    (void)setenv("http_proxy", proxy.url, 1);
    return http_new(&client, NULL, NULL);
}

static int stop(void **state)
{
    (void)state;
    http_free_p(&client);
    double_stop(&proxy);
    return 0;
}

/* Send it, and give the Authorization header that arrived. */
static struct span send_signed(const struct http_request *q)
{
    struct http_response r;
    struct err err = { 0 };
    char text[1000];
    double_play(&proxy, proxy.script, proxy.script_len);
    if (http_perform(client, q, &r, &err) < 0 || r.status != 200)
        fail_msg("%s: %s", q->url, err_text(&err, text, sizeof(text)));
    http_response_done(&r);
    assert_int_equal(proxy.seen_count, 1);
    return double_header(proxy.seen[0], "Authorization");
}

static void check_case(const struct sigv4_case *c)
{
    char url[256], wanted[600];
    (void)snprintf(url, sizeof(url), "http://example.amazonaws.com%s", c->path ? c->path : "/");
    const struct http_sigv4 v4 = { "us-east-1", "service", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                   c->token };
    const char *const headers[] = {
        "X-Amz-Date:20150830T123600Z", c->headers[0], c->headers[1], c->headers[2], c->headers[3], NULL
    };
    struct span got = send_signed(&(struct http_request){ .method = c->method,
                                                          .url = url,
                                                          .headers = headers,
                                                          .content_type = c->content_type,
                                                          .body = span_of(c->body),
                                                          .timeout_ms = 10000,
                                                          .sigv4 = &v4 });
    (void)snprintf(wanted, sizeof(wanted),
                   "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                   "SignedHeaders=%s, Signature=%s",
                   c->signed_headers, c->signature);
    if (!span_eq(got, wanted))
        fail_msg("%s: got\n%.*s, wanted\n%s", c->name, (int)got.len, got.ptr, wanted);
}

static void published_cases_get_their_published_signature(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_case(&cases[i]);
}

static void calls_are_signed_as_botocore_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const struct http_sigv4 v4 = { "eu-central-1", calls[i].service, "AKIDEXAMPLE",
                                       "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", calls[i].token };
        const char *const headers[] = { "X-Amz-Date: 20150830T123600Z", calls[i].target, NULL };
        struct span got = send_signed(&(struct http_request){ .method = "POST",
                                                              .url = calls[i].url,
                                                              .headers = headers,
                                                              .content_type = calls[i].content_type,
                                                              .body = span_of(calls[i].body),
                                                              .timeout_ms = 10000,
                                                              .sigv4 = &v4 });
        if (!span_eq(got, calls[i].authorization))
            fail_msg("%s: got\n%.*s, wanted\n%s", calls[i].url, (int)got.len, got.ptr, calls[i].authorization);
        struct span token = double_header(proxy.seen[0], "X-Amz-Security-Token");
        assert_true(span_eq(token, calls[i].token));
        assert_null(strstr(proxy.seen[0], "wJalrXUtnFEMI"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_cases_get_their_published_signature),
        cmocka_unit_test(calls_are_signed_as_botocore_does),
    };
    return http_global_init(NULL) < 0 ? 1 : cmocka_run_group_tests(tests, start, stop);
}
