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

static void hosts_are_names_and_addresses(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_host, "web1", "web-1.example.com", "web1.example.com.",
                   "EC2-1-2-3-4.eu.compute.amazonaws.com", "10.0.0.7", "2001:db8::1", "::1", "fe80::1%eth0", "3com.com",
                   "my_host");
}

static void hosts_with_other_parts_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSES(inputs_is_host, "", "ssh://web1", "ec2-user@web1", "web1:22", "web 1", "-oProxyCommand=x", "web1-",
                   "a..b", ".", "..", ".a", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1]", ":::", "::1%", "::1%a b",
                   "web1;id", "web1\n", "$(id)",
                   "b\xc3\xbc"
                   "cher.example",
                   A64 ".example", "a/b");
}

static void a_host_of_254_bytes_is_refused(void **state)
{
    (void)state;
    char host[256];
    for (size_t i = 0; i < sizeof(host); i++)
        host[i] = i % 50 == 49 ? '.' : 'a';
    host[253] = '\0';
    assert_true(inputs_is_host(host));
    host[253] = 'a';
    host[254] = '\0';
    assert_false(inputs_is_host(host));
}

static void ssh_users_have_no_blanks_and_no_leading_dash(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_ssh_user, "ec2-user", "root", "deploy.bot", "user@corp.example");
    ASSERT_REFUSES(inputs_is_ssh_user, "", "-l", "a b", "a\tb", "a\nb", A64 "a");
}

static void image_references_of_every_form_are_accepted(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_image, "app", "app:1.4.2", "team/app", "team/sub/app:v1",
                   "registry.example.com/team/app:1", "registry.example.com:5000/app", "localhost/app:x",
                   "localhost:5000/app", "10.0.0.1:5000/app:latest", "[::1]:5000/app", "app@sha256:" HEX64,
                   "app:1@sha256:" HEX64, "my__app", "my-app--x", "a.b/c_d",
                   "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/api:2026-01-29", "app:_Tag.1-2");
}

static void malformed_image_references_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSES(inputs_is_image, "", "App", "app:", "app:.x", "app:-x", "app:a b", "app@", "app@sha256:123",
                   "app@md5:" HEX64, "@sha256:" HEX64, ":tag", "/app", "app/", "team//app", "-app", "app-", "a..b",
                   "a___b", "https://registry/app", "registry.example.com:99999/app", "registry.example.com:/app",
                   "app:1:2", "app\n", "$IMAGE", "app;id", "registry.example.com/App", "team/-app");
}

static void overlong_images_and_tags_are_refused(void **state)
{
    (void)state;
    assert_true(inputs_is_image("app:" A64 A64));
    assert_false(inputs_is_image("app:" A64 A64 "a"));
    assert_true(inputs_is_image(A64 A64 A64 A64));
    assert_false(inputs_is_image(A64 A64 A64 A64 "/" A64 A64 A64 A64));
}

static void http_paths_begin_with_a_slash(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_http_path, "/", "/health", "/a/b?c=d&e=%20f");
    ASSERT_REFUSES(inputs_is_http_path, "", "health", "http://x/", "/a b", "/a#b", "/a\r\nHost: x");
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

static void networks_are_docker_names_and_not_host(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_network_name, "backend", "my_net-1.x", "bridge");
    ASSERT_REFUSES(inputs_is_network_name, "", "host", "none", "-x", "a b", "container:x", "a/b");
}

static void labels_have_key_and_value(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_label, "a=b", "com.example/team=x y", "a=", "traefik.http.rule=Host(`x`)");
    ASSERT_REFUSES(inputs_is_label, "", "a", "=b", "a b=c", "-a=b", "a=b\nc");
}

static void labels_of_the_action_are_recognised(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_own_label, "io.bluegreen.app=x", "io.bluegreen=x", "io.bluegreen.");
    ASSERT_REFUSES(inputs_is_own_label, "io.bluegreenish=x", "io.blue=io.bluegreen.x", "x.io.bluegreen.app=1");
}

static void container_users_are_names_or_numbers(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_container_user, "1000", "1000:1000", "app", "app:staff");
    ASSERT_REFUSES(inputs_is_container_user, "", ":", "a:", ":a", "a:b:c", "a b", "-a");
}

static void texts_hold_no_control_bytes(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(inputs_is_plain_text, "", "ok", "\"status\":\t\"ok\"", "\xc3\xa4");
    ASSERT_REFUSES(inputs_is_plain_text, "a\nb", "\x1b[31m", "\x7f");
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
        cmocka_unit_test(hosts_are_names_and_addresses),
        cmocka_unit_test(hosts_with_other_parts_are_refused),
        cmocka_unit_test(a_host_of_254_bytes_is_refused),
        cmocka_unit_test(ssh_users_have_no_blanks_and_no_leading_dash),
        cmocka_unit_test(image_references_of_every_form_are_accepted),
        cmocka_unit_test(malformed_image_references_are_refused),
        cmocka_unit_test(overlong_images_and_tags_are_refused),
        cmocka_unit_test(http_paths_begin_with_a_slash),
        cmocka_unit_test(urls_are_http_with_a_host),
        cmocka_unit_test(other_urls_are_refused),
        cmocka_unit_test(networks_are_docker_names_and_not_host),
        cmocka_unit_test(labels_have_key_and_value),
        cmocka_unit_test(labels_of_the_action_are_recognised),
        cmocka_unit_test(container_users_are_names_or_numbers),
        cmocka_unit_test(texts_hold_no_control_bytes),
        cmocka_unit_test(roles_are_arns_of_iam),
        cmocka_unit_test(names_and_ids_of_sts_have_its_alphabet),
        cmocka_unit_test(places_of_host_keys_are_words_or_a_parameter),
        cmocka_unit_test(security_groups_have_8_or_17_hex_digits),
        cmocka_unit_test(addresses_are_those_of_one_host),
        cmocka_unit_test(topics_are_arns_of_sns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
