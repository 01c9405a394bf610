#include "cmd/inputs/inputs_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16

static void assert_all(bool (*check)(const char *), bool want, const char *const *texts)
{
    for (; *texts; texts++)
        if (check(*texts) != want)
            fail_msg("'%s' was %s", *texts, want ? "refused" : "accepted");
}

#define ASSERT_ACCEPTS(check, ...) assert_all(check, true, (const char *const[]){ __VA_ARGS__, NULL })
#define ASSERT_REFUSES(check, ...) assert_all(check, false, (const char *const[]){ __VA_ARGS__, NULL })

static void ssh_users_have_no_blanks_and_no_leading_dash(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_ssh_user, "ec2-user", "root", "deploy.bot", "user@corp.example");
    ASSERT_REFUSES(inputs_is_ssh_user, "", "-l", "a b", "a\tb", "a\nb", A64 "a");
}

static void urls_are_http_with_a_host(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_url, "http://a", "https://example.com/x?y=z", "http://10.0.0.1:8080/",
                   "https://[::1]:8443/x", "http://[2001:db8::1]/", "https://example.com?x=1",
                   "https://example.com/@x");
}

static void other_urls_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSES(inputs_is_url, "", "example.com", "ftp://a", "file:///etc/passwd", "http://", "http:///x",
                   "http://u:p@a/", "http://a:0/", "http://a:99999/", "http://a:/", "http://[::1", "http://[::1]x/",
                   "http://[]/", "http://a b/", "http://a/#x", "HTTP://a", "http://a\n", "gopher://a", "http://[a]/");
}

static void roles_are_arns_of_iam(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_role, "arn:aws:iam::123456789012:role/deploy",
                   "arn:aws:iam::123456789012:role/ci/team-1/deploy@x", "arn:aws-cn:iam::123456789012:role/a",
                   "arn:aws-us-gov:iam::123456789012:role/a", "arn:aws-eusc:iam::123456789012:role/a");
    ASSERT_REFUSES(inputs_is_role, "", "deploy", "arn:aws:iam::123456789012:user/deploy",
                   "arn:aws:iam::123456789012:role/", "arn:aws:iam::12345:role/a",
                   "arn:aws:iam:eu-central-1:123456789012:role/a", "arn:aws:sts::123456789012:assumed-role/a/b",
                   "arn:gcp:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/a b",
                   "arn:aws:iam::123456789012:role//a", "arn:aws:iam::123456789012:role/" A64 "a",
                   " arn:aws:iam::123456789012:role/a");
}

static void names_and_ids_of_sts_have_its_alphabet(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_session_name, "ab", "deploy-shop_1+=,.@-", A64);
    ASSERT_REFUSES(inputs_is_session_name, "", "a", "a b", "a/b", A64 "a", "b\xc3\xbc");
    ASSERT_ACCEPTS(inputs_is_external_id, "ab", "partner-7:x/y");
    ASSERT_REFUSES(inputs_is_external_id, "", "a", "a b", "a#b");
    ASSERT_ACCEPTS(inputs_is_key_id, "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7_XY");
    ASSERT_REFUSES(inputs_is_key_id, "", "AKIA", "AKIAIOSFODNN7 EXAMPLE", "AKIA-IOSFODNN7EXAMPLE", A64 A64 "a");
}

static void places_of_host_keys_are_words_or_a_parameter(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_host_keys, "auto", "tag", "console", "off", "parameter:/prod/web1/host-keys",
                   "parameter:keys_1.x", "parameter:arn:aws:ssm:eu-central-1:123456789012:parameter/x");
    ASSERT_REFUSES(inputs_is_host_keys, "", "on", "parameter", "parameter:", "parameter:a b", "parameter:a\nb", "Tag");
}

static void security_groups_have_8_or_17_hex_digits(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_security_group, "sg-0123456789abcdef0", "sg-01234567");
    ASSERT_REFUSES(inputs_is_security_group, "", "sg-", "sg-0123", "sg-0123456789abcdef", "sg-0123456789ABCDEF0",
                   "default", "sg-0123456789abcdef0 ", "sg-0123456789abcdef00");
}

static void addresses_are_those_of_one_host(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_address, "203.0.113.7", "10.0.0.1", "192.168.1.2", "2001:db8::1", "fd00::1");
    ASSERT_REFUSES(inputs_is_address, "", "203.0.113.7/32", "0.0.0.0", "127.0.0.1", "169.254.169.254", "224.0.0.1",
                   "255.255.255.255", "240.0.0.1", "0.1.2.3", "::", "::1", "fe80::1", "fe80::1%eth0", "ff02::1",
                   "::ffff:203.0.113.7", "host.example.com", "203.0.113", "[2001:db8::1]", "2001:db8::/64");
}

static void topics_are_arns_of_sns(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_sns_topic, "arn:aws:sns:eu-central-1:123456789012:deployments",
                   "arn:aws-cn:sns:cn-north-1:123456789012:a_b-1", "arn:aws:sns:us-east-1:123456789012:x.fifo");
    ASSERT_REFUSES(
        inputs_is_sns_topic, "", "deployments", "arn:aws:sqs:eu-central-1:123456789012:x",
        "arn:aws:sns::123456789012:x", "arn:aws:sns:eu-central-1:123:x", "arn:aws:sns:nowhere:123456789012:x",
        "arn:aws:sns:eu-central-1:123456789012:", "arn:aws:sns:eu-central-1:123456789012:a b",
        "arn:aws:sns:eu-central-1:123456789012:x:0c7b-subscription", "arn:aws:sns:eu-central-1:123456789012:.fifo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ssh_users_have_no_blanks_and_no_leading_dash),
        cmocka_unit_test(urls_are_http_with_a_host),
        cmocka_unit_test(other_urls_are_refused),
        cmocka_unit_test(roles_are_arns_of_iam),
        cmocka_unit_test(names_and_ids_of_sts_have_its_alphabet),
        cmocka_unit_test(places_of_host_keys_are_words_or_a_parameter),
        cmocka_unit_test(security_groups_have_8_or_17_hex_digits),
        cmocka_unit_test(addresses_are_those_of_one_host),
        cmocka_unit_test(topics_are_arns_of_sns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
