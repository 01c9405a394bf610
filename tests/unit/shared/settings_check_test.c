#include "shared/settings/settings_check.h"

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
    ASSERT_ACCEPTS(settings_is_host, "web1", "web-1.example.com", "web1.example.com.",
                   "EC2-1-2-3-4.eu.compute.amazonaws.com", "10.0.0.7", "2001:db8::1", "::1", "fe80::1%eth0", "3com.com",
                   "my_host");
}

static void hosts_with_other_parts_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSES(settings_is_host, "", "ssh://web1", "ec2-user@web1", "web1:22", "web 1", "-oProxyCommand=x", "web1-",
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
    assert_true(settings_is_host(host));
    host[253] = 'a';
    host[254] = '\0';
    assert_false(settings_is_host(host));
}

static void image_references_of_every_form_are_accepted(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(settings_is_image, "app", "app:1.4.2", "team/app", "team/sub/app:v1",
                   "registry.example.com/team/app:1", "registry.example.com:5000/app", "localhost/app:x",
                   "localhost:5000/app", "10.0.0.1:5000/app:latest", "[::1]:5000/app", "app@sha256:" HEX64,
                   "app:1@sha256:" HEX64, "my__app", "my-app--x", "a.b/c_d",
                   "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/api:2026-01-29", "app:_Tag.1-2");
}

static void malformed_image_references_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSES(settings_is_image, "", "App", "app:", "app:.x", "app:-x", "app:a b", "app@", "app@sha256:123",
                   "app@md5:" HEX64, "@sha256:" HEX64, ":tag", "/app", "app/", "team//app", "-app", "app-", "a..b",
                   "a___b", "https://registry/app", "registry.example.com:99999/app", "registry.example.com:/app",
                   "app:1:2", "app\n", "$IMAGE", "app;id", "registry.example.com/App", "team/-app");
}

static void overlong_images_and_tags_are_refused(void **state)
{
    (void)state;
    assert_true(settings_is_image("app:" A64 A64));
    assert_false(settings_is_image("app:" A64 A64 "a"));
    assert_true(settings_is_image(A64 A64 A64 A64));
    assert_false(settings_is_image(A64 A64 A64 A64 "/" A64 A64 A64 A64));
}

static void http_paths_begin_with_a_slash(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(settings_is_http_path, "/", "/health", "/a/b?c=d&e=%20f");
    ASSERT_REFUSES(settings_is_http_path, "", "health", "http://x/", "/a b", "/a#b", "/a\r\nHost: x");
}

static void networks_are_docker_names_and_not_host(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(settings_is_network_name, "backend", "my_net-1.x", "bridge");
    ASSERT_REFUSES(settings_is_network_name, "", "host", "none", "-x", "a b", "container:x", "a/b");
}

static void labels_have_key_and_value(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(settings_is_label, "a=b", "com.example/team=x y", "a=", "traefik.http.rule=Host(`x`)");
    ASSERT_REFUSES(settings_is_label, "", "a", "=b", "a b=c", "-a=b", "a=b\nc");
}

static void labels_of_the_action_are_recognised(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(settings_is_own_label, "io.bluegreen.app=x", "io.bluegreen=x", "io.bluegreen.");
    ASSERT_REFUSES(settings_is_own_label, "io.bluegreenish=x", "io.blue=io.bluegreen.x", "x.io.bluegreen.app=1");
}

static void container_users_are_names_or_numbers(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(settings_is_container_user, "1000", "1000:1000", "app", "app:staff");
    ASSERT_REFUSES(settings_is_container_user, "", ":", "a:", ":a", "a:b:c", "a b", "-a");
}

static void texts_hold_no_control_bytes(void **state)
{
    (void)state;
    ASSERT_ACCEPTS(settings_is_plain_text, "", "ok", "\"status\":\t\"ok\"", "\xc3\xa4");
    ASSERT_REFUSES(settings_is_plain_text, "a\nb", "\x1b[31m", "\x7f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_names_and_addresses),
        cmocka_unit_test(hosts_with_other_parts_are_refused),
        cmocka_unit_test(a_host_of_254_bytes_is_refused),
        cmocka_unit_test(image_references_of_every_form_are_accepted),
        cmocka_unit_test(malformed_image_references_are_refused),
        cmocka_unit_test(overlong_images_and_tags_are_refused),
        cmocka_unit_test(http_paths_begin_with_a_slash),
        cmocka_unit_test(networks_are_docker_names_and_not_host),
        cmocka_unit_test(labels_have_key_and_value),
        cmocka_unit_test(labels_of_the_action_are_recognised),
        cmocka_unit_test(container_users_are_names_or_numbers),
        cmocka_unit_test(texts_hold_no_control_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
