#include "shared/aws/aws.h"

#include "aws_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void an_arn_is_taken_apart(void **state)
{
    (void)state;
    struct aws_arn arn;
    assert_true(aws_arn_parse("arn:aws-cn:sns:cn-north-1:123456789012:deploys:sub", &arn));
    assert_string_equal(arn.partition, "aws-cn");
    assert_string_equal(arn.service, "sns");
    assert_string_equal(arn.region, "cn-north-1");
    assert_string_equal(arn.account, "123456789012");
    assert_string_equal(arn.resource, "deploys:sub");
    assert_true(aws_arn_parse("arn:aws:iam::123456789012:role/path/web", &arn));
    assert_string_equal(arn.region, "");
    assert_string_equal(arn.resource, "role/path/web");
}

static void what_is_no_arn_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "arn",
        "arn:",
        "arn:aws:iam::123456789012",
        "arn:aws:iam::123456789012:",
        "aws:iam::123456789012:role/x:y",
        "arn::iam::123456789012:role/x",
        "arn:aws:::1:x",
        "arn:aws:iam::1234567890123:role/x",
        "arn:aws:iam:eu-centralcentralcentralcentralce-1:1:x",
        "arn:aws:iam::12345678\n012:role/x",
        "ARN:aws:iam::123456789012:role/x",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct aws_arn arn = { .service = "untouched" };
        assert_false(aws_arn_parse(bad[i], &arn));
        assert_string_equal(arn.service, "untouched");
    }
    assert_false(aws_arn_parse(NULL, &(struct aws_arn){ 0 }));
}

static void credentials_are_ended_twice_without_harm(void **state)
{
    (void)state;
    struct aws_credentials c = { .key_id = "AKIDEXAMPLE", .secret = strdup("secret"), .token = strdup("token") };
    aws_credentials_done(&c);
    aws_credentials_done(&c);
    assert_string_equal(c.key_id, "");
    assert_null(c.secret);
    assert_null(c.token);
}

static int refuse_secret(void *ctx, struct span secret, struct err *err)
{
    (*(int *)ctx)++;
    return secret.len > 3 ? err_set(err, ERR_NOMEM, 0, "too long to hide") : 0;
}

static void secrets_are_told_before_they_are_used(void **state)
{
    (void)state;
    int told = 0;
    struct aws a = { .on_secret = refuse_secret, .secret_ctx = &told };
    assert_int_equal(aws_learn(&a, SPAN_LIT(""), NULL), 0);
    assert_int_equal(told, 0);
    assert_int_equal(aws_learn(&a, SPAN_LIT("abc"), NULL), 0);
    assert_int_equal(aws_learn(&a, SPAN_LIT("abcd"), NULL), -ERR_NOMEM);
    assert_int_equal(told, 2);
    assert_int_equal(aws_learn(&(struct aws){ 0 }, SPAN_LIT("abcd"), NULL), 0);
}

static void settings_and_notes_need_nobody(void **state)
{
    (void)state;
    struct aws_env env = { 0 };
    struct aws a = aws_with_env(&env), nobody = { 0 };
    static const struct {
        const char *value;
        bool is_true;
    } values[] = { { "true", true }, { "TRUE", true }, { "1", true }, { "yes", false }, { "", false }, { "0", false } };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        aws_env_set(&env, "AWS_X", values[i].value);
        assert_int_equal(aws_env_true(&a, "AWS_X"), values[i].is_true);
    }
    assert_string_equal(aws_env(&a, "AWS_Y"), "");
    assert_string_equal(aws_env(&nobody, "AWS_X"), "");
    aws_note(&a, "%d links", 3);
    aws_note(&nobody, "%d links", 3);
    assert_string_equal(env.notes, "3 links\n");
}

static void a_client_is_made_and_ended_twice(void **state)
{
    (void)state;
    struct aws a = { .error_code = "Old" };
    assert_int_equal(aws_init(&a, NULL), 0);
    assert_non_null(a.http);
    assert_string_equal(a.error_code, "");
    aws_done(&a);
    aws_done(&a);
    assert_null(a.http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arn_is_taken_apart),
        cmocka_unit_test(what_is_no_arn_is_refused),
        cmocka_unit_test(credentials_are_ended_twice_without_harm),
        cmocka_unit_test(secrets_are_told_before_they_are_used),
        cmocka_unit_test(settings_and_notes_need_nobody),
        cmocka_unit_test(a_client_is_made_and_ended_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
