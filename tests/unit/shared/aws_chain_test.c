#include "shared/aws/aws_chain.h"

#include "aws_double.h"
#include "aws_env.h"
#include "shared/aws/aws_links.h"
#include "shared/clock.h"
#include "shared/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MINUTE (60 * 1000)

/* A link, or a role's step, of the test's own. */
struct place {
    int result;       /* of the next call */
    int64_t lives_ms; /* 0: for ever */
    const char *key_id;
    int asked;
};

static struct aws_double service;
static struct aws_env env;
static struct aws client;

static void fill(const struct place *p, struct aws_credentials *ret)
{
    *ret = (struct aws_credentials){ .expires_wall_ms = p->lives_ms ? clock_wall_ms() + p->lives_ms : 0 };
    (void)snprintf(ret->key_id, sizeof(ret->key_id), "%s", p->key_id);
    (void)snprintf(ret->source, sizeof(ret->source), "a place");
    ret->secret = strdup("secret-of-the-place");
    ret->token = strdup("token-of-the-place");
}

static int get(void *ctx, struct aws *a, struct aws_credentials *ret, char *why, size_t why_size, struct err *err)
{
    struct place *p = ctx;
    (void)a;
    p->asked++;
    if (p->result == 0)
        fill(p, ret);
    else if (p->result == 1)
        (void)snprintf(why, why_size, "nothing there");
    else
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "it is broken");
    return p->result;
}

static int assume(void *ctx, struct aws *a, const struct aws_credentials *by, struct aws_credentials *ret,
                  struct err *err)
{
    struct place *p = ctx;
    (void)a;
    p->asked++;
    if (p->result < 0)
        return err_set(err, ERR_AWS_DENIED, 0, "%s may not", by->key_id);
    fill(p, ret);
    (void)snprintf(ret->source, sizeof(ret->source), "role by %s", by->key_id);
    return 0;
}

static struct aws_link link_of(const char *name, struct place *p)
{
    return (struct aws_link){ .name = name, .get = get, .ctx = p };
}

static struct aws_chain *chain_of(const struct aws_link *links, size_t count, const struct aws_role_step *steps,
                                  size_t step_count)
{
    struct aws_chain *c = NULL;
    assert_int_equal(aws_chain_new(&c, &client, links, count, steps, step_count, NULL), 0);
    return c;
}

static const char *key_of(struct aws_chain *c)
{
    const struct aws_credentials *got = NULL;
    struct err err = { 0 };
    char text[512];
    if (aws_chain_get(c, &got, &err) < 0)
        fail_msg("%s", err_text(&err, text, sizeof(text)));
    return got->key_id;
}

/* ---- order ---- */

static void the_first_link_that_has_some_gives_them(void **state)
{
    (void)state;
    struct place none = { .result = 1 }, some = { .key_id = "AKIASOME" }, other = { .key_id = "AKIAOTHER" };
    const struct aws_link links[] = { link_of("one", &none), link_of("two", &some), link_of("three", &other) };
    struct aws_chain *c = chain_of(links, 3, NULL, 0);
    assert_string_equal(key_of(c), "AKIASOME");
    assert_int_equal(other.asked, 0);
    assert_string_equal(key_of(c), "AKIASOME");
    assert_int_equal(some.asked, 1); /* kept */
    assert_string_equal(env.notes, "AWS credentials: a place\n");
    aws_chain_free(c);
}

static void a_link_that_is_set_up_and_broken_ends_the_search(void **state)
{
    (void)state;
    struct place broken = { .result = -ERR_AWS_CREDENTIALS }, some = { .key_id = "AKIASOME" };
    const struct aws_link links[] = { link_of("one", &broken), link_of("two", &some) };
    struct aws_chain *c = chain_of(links, 2, NULL, 0);
    const struct aws_credentials *got = NULL;
    struct err err = { 0 };
    char text[512];
    assert_int_equal(aws_chain_get(c, &got, &err), -ERR_AWS_CREDENTIALS);
    assert_string_equal(err_text(&err, text, sizeof(text)), "AWS credentials by one: it is broken");
    assert_int_equal(some.asked, 0);
    assert_string_equal(aws_chain_tried(c), "one: failed");
    aws_chain_free(c);
}

static void without_any_the_error_lists_each_link_and_why(void **state)
{
    (void)state;
    struct place none = { .result = 1 };
    const struct aws_link links[] = { link_of("one", &none), link_of("two", &none) };
    struct aws_chain *c = chain_of(links, 2, NULL, 0);
    const struct aws_credentials *got = NULL;
    struct err err = { 0 };
    char text[512];
    assert_int_equal(aws_chain_get(c, &got, &err), -ERR_AWS_CREDENTIALS);
    assert_string_equal(err_text(&err, text, sizeof(text)),
                        "no AWS credentials. one: nothing there; two: nothing there");
    assert_string_equal(aws_chain_tried(c), "one: nothing there; two: nothing there");
    aws_chain_free(c);
}

static void the_six_links_of_the_action_fit_into_one_message(void **state)
{
    (void)state;
    struct aws_static_keys keys = { .key_id = "", .secret = "", .token = "" };
    struct aws_role role = { .arn = "arn:aws:iam::123456789012:role/deploy" };
    const struct aws_link links[] = { aws_link_static(&keys),       aws_link_github(&role), aws_link_environment(),
                                      aws_link_web_identity_file(), aws_link_container(),   aws_link_instance() };
    aws_env_set(&env, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    struct aws_chain *c = chain_of(links, 6, NULL, 0);
    const struct aws_credentials *got = NULL;
    struct err err = { 0 };
    char text[512];
    assert_int_equal(aws_chain_get(c, &got, &err), -ERR_AWS_CREDENTIALS);
    (void)err_text(&err, text, sizeof(text));
    const char *parts[] = { "aws-access-key-id: not given",
                            "GitHub OIDC: the job lacks 'permissions: id-token: write'",
                            "environment: AWS_ACCESS_KEY_ID is not set",
                            "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
                            "container: ",
                            "instance role: nothing answers at http://127.0.0.1:1" };
    for (size_t i = 0; i < 6; i++)
        if (!strstr(text, parts[i]))
            fail_msg("'%s' is not in: %s", parts[i], text);
    aws_chain_free(c);
    aws_env_set(&env, "AWS_EC2_METADATA_SERVICE_ENDPOINT", NULL);
}

static void every_secret_is_told_before_it_is_given(void **state)
{
    (void)state;
    struct place some = { .key_id = "AKIATOLD" }, role = { .key_id = "ASIATOLD" };
    const struct aws_link links[] = { link_of("one", &some) };
    const struct aws_role_step steps[] = { { assume, &role } };
    struct aws_chain *c = chain_of(links, 1, steps, 1);
    assert_string_equal(key_of(c), "ASIATOLD");
    assert_string_equal(env.secrets, "AKIATOLD\nsecret-of-the-place\ntoken-of-the-place\n"
                                     "ASIATOLD\nsecret-of-the-place\ntoken-of-the-place\n");
    aws_chain_free(c);
}

/* ---- roles ---- */

static void each_role_is_taken_on_with_the_one_before(void **state)
{
    (void)state;
    struct place some = { .key_id = "AKIABASE" }, first = { .key_id = "ASIAFIRST" },
                 second = { .key_id = "ASIASECOND" };
    const struct aws_link links[] = { link_of("one", &some) };
    const struct aws_role_step steps[] = { { assume, &first }, { assume, &second } };
    struct aws_chain *c = chain_of(links, 1, steps, 2);
    const struct aws_credentials *got = NULL;
    assert_int_equal(aws_chain_get(c, &got, NULL), 0);
    assert_string_equal(got->key_id, "ASIASECOND");
    assert_string_equal(got->source, "role by ASIAFIRST");
    aws_chain_free(c);
}

static void a_role_that_refuses_fails_the_search(void **state)
{
    (void)state;
    struct place some = { .key_id = "AKIABASE" }, role = { .result = -ERR_AWS_DENIED };
    const struct aws_link links[] = { link_of("one", &some) };
    const struct aws_role_step steps[] = { { assume, &role } };
    struct aws_chain *c = chain_of(links, 1, steps, 1);
    const struct aws_credentials *got = NULL;
    struct err err = { 0 };
    char text[512];
    assert_int_equal(aws_chain_get(c, &got, &err), -ERR_AWS_DENIED);
    assert_string_equal(err_text(&err, text, sizeof(text)), "AKIABASE may not");
    aws_chain_free(c);
}

/* ---- expiry ---- */

static void credentials_that_end_within_five_minutes_are_renewed(void **state)
{
    (void)state;
    struct place some = { .key_id = "ASIAOLD", .lives_ms = 15 * MINUTE };
    const struct aws_link links[] = { link_of("one", &some) };
    struct aws_chain *c = chain_of(links, 1, NULL, 0);
    assert_string_equal(key_of(c), "ASIAOLD");
    some.key_id = "ASIANEW";
    aws_chain_age(c, 9 * MINUTE);
    assert_string_equal(key_of(c), "ASIAOLD");
    aws_chain_age(c, 2 * MINUTE);
    assert_string_equal(key_of(c), "ASIANEW");
    aws_chain_free(c);
}

static void a_renewal_that_fails_leaves_what_has_not_expired(void **state)
{
    (void)state;
    struct place some = { .key_id = "ASIAOLD", .lives_ms = 15 * MINUTE };
    const struct aws_link links[] = { link_of("one", &some) };
    struct aws_chain *c = chain_of(links, 1, NULL, 0);
    assert_string_equal(key_of(c), "ASIAOLD");
    some.result = -ERR_AWS_CREDENTIALS;
    aws_chain_age(c, 11 * MINUTE);
    assert_string_equal(key_of(c), "ASIAOLD");
    assert_non_null(strstr(env.notes, "could not be renewed yet"));
    assert_non_null(strstr(env.notes, "it is broken"));
    assert_string_equal(key_of(c), "ASIAOLD"); /* and the place is left alone for a while */
    assert_int_equal(some.asked, 2);
    aws_chain_age(c, 5 * MINUTE);
    const struct aws_credentials *got = NULL;
    assert_int_equal(aws_chain_get(c, &got, NULL), -ERR_AWS_CREDENTIALS);
    aws_chain_free(c);
}

static void credentials_that_come_expired_are_tried_and_told(void **state)
{
    (void)state;
    struct place some = { .key_id = "ASIAOLD", .lives_ms = -1000 };
    const struct aws_link links[] = { link_of("one", &some) };
    struct aws_chain *c = chain_of(links, 1, NULL, 0);
    assert_string_equal(key_of(c), "ASIAOLD");
    assert_non_null(strstr(env.notes, "a place; they have expired at 20"));
    some = (struct place){ .key_id = "ASIANEW", .lives_ms = 6 * MINUTE };
    assert_string_equal(key_of(c), "ASIANEW");
    aws_chain_free(c);
}

static void short_lived_ones_are_not_fetched_for_every_call(void **state)
{
    (void)state;
    struct place some = { .key_id = "ASIASHORT", .lives_ms = MINUTE };
    const struct aws_link links[] = { link_of("one", &some) };
    struct aws_chain *c = chain_of(links, 1, NULL, 0);
    for (int i = 0; i < 3; i++)
        assert_string_equal(key_of(c), "ASIASHORT");
    assert_int_equal(some.asked, 1);
    aws_chain_free(c);
}

static void what_aws_calls_expired_is_fetched_anew(void **state)
{
    (void)state;
    struct place some = { .key_id = "ASIAOLD" };
    const struct aws_link links[] = { link_of("one", &some) };
    struct aws_chain *c = chain_of(links, 1, NULL, 0);
    assert_string_equal(key_of(c), "ASIAOLD");
    some.key_id = "ASIANEW";
    aws_chain_expired(c);
    assert_string_equal(key_of(c), "ASIANEW");
    aws_chain_free(c);
}

static void the_same_expired_ones_again_are_an_error(void **state)
{
    (void)state;
    struct place some = { .key_id = "ASIAOLD" };
    const struct aws_link links[] = { link_of("one", &some) };
    struct aws_chain *c = chain_of(links, 1, NULL, 0);
    const struct aws_credentials *got = NULL;
    struct err err = { 0 };
    char text[512];
    assert_string_equal(key_of(c), "ASIAOLD");
    aws_chain_expired(c);
    assert_int_equal(aws_chain_get(c, &got, &err), -ERR_AWS_CREDENTIALS);
    assert_non_null(strstr(err_text(&err, text, sizeof(text)), "have expired, and there are no newer ones (a place)"));
    aws_chain_free(c);
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
    aws_done(&client);
    double_stop(&service);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_link_that_has_some_gives_them),
        TEST(a_link_that_is_set_up_and_broken_ends_the_search),
        TEST(without_any_the_error_lists_each_link_and_why),
        TEST(the_six_links_of_the_action_fit_into_one_message),
        TEST(every_secret_is_told_before_it_is_given),
        TEST(each_role_is_taken_on_with_the_one_before),
        TEST(a_role_that_refuses_fails_the_search),
        TEST(credentials_that_end_within_five_minutes_are_renewed),
        TEST(a_renewal_that_fails_leaves_what_has_not_expired),
        TEST(credentials_that_come_expired_are_tried_and_told),
        TEST(short_lived_ones_are_not_fetched_for_every_call),
        TEST(what_aws_calls_expired_is_fetched_anew),
        TEST(the_same_expired_ones_again_are_an_error),
    };
    if (http_global_init(NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
