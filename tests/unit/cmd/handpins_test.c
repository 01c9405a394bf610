#include "cmd/cli/handpins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_chosen(const char *text, const char *host, int port, const char *want)
{
    struct buf out = BUF_INIT(4096);
    handpins_choose(span_of(text), host, port, false, &out);
    assert_string_equal(buf_str(&out), want);
    buf_done(&out);
}

static void only_lines_that_name_the_host_are_taken(void **state)
{
    (void)state;
    assert_chosen("web1 ssh-ed25519 AAAA\nweb2 ssh-ed25519 BBBB\n# web1 said hello\n\n", "web1", 22,
                  "web1 ssh-ed25519 AAAA\n");
    assert_chosen("web2,*.example.com ssh-rsa AAAA me@home\n", "a.example.com", 22,
                  "web2,*.example.com ssh-rsa AAAA me@home\n");
    assert_chosen("web1 ssh-ed25519 AAAA\n[web1]:2222 ssh-ed25519 BBBB\n", "web1", 2222,
                  "[web1]:2222 ssh-ed25519 BBBB\n");
}

static void revoked_lines_of_the_host_are_kept(void **state)
{
    (void)state;
    assert_chosen("@revoked web1 ssh-ed25519 AAAA\n@revoked web2 ssh-ed25519 AAAA\n", "web1", 22,
                  "@revoked web1 ssh-ed25519 AAAA\n");
}

static void the_revoked_lines_can_be_had_alone(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(4096);
    handpins_choose(SPAN_LIT("web1 ssh-rsa BBBB\n@revoked web1 ssh-rsa AAAA\n@cert-authority web1 ssh-rsa CCCC\n"),
                    "web1", 22, true, &out);
    assert_string_equal(buf_str(&out), "@revoked web1 ssh-rsa AAAA\n");
    buf_done(&out);
}

static void broken_lines_about_others_do_no_harm(void **state)
{
    (void)state;
    assert_chosen("nonsense\n|1|broken web1\n@\n@revoked\n\tweb1 ssh-ed25519 AAAA\r\nno-end", "web1", 22,
                  "web1 ssh-ed25519 AAAA\n");
}

static void a_file_that_is_not_there_is_told_apart(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(4096);
    struct err err = { 0 };
    assert_int_equal(handpins_read("/nonexistent/known_hosts", "web1", 22, false, &out, &err), 1);
    assert_int_equal(handpins_read("/", "web1", 22, false, &out, &err), -ERR_INPUT);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_lines_that_name_the_host_are_taken),
        cmocka_unit_test(revoked_lines_of_the_host_are_kept),
        cmocka_unit_test(the_revoked_lines_can_be_had_alone),
        cmocka_unit_test(broken_lines_about_others_do_no_harm),
        cmocka_unit_test(a_file_that_is_not_there_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
