#include "cmd/aws/consolekeys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PRINT_A "SHA256:Ts49K+09m+HjWS/H2UbGLaFHx7jQ5sqogtbD5bcgGnE"
#define PRINT_B "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIkRVXEXPwMxxjI/kc+Z8+eaFUlmeogQyCWl2Lt8xqX0"
#define BEGIN_PRINTS "-----BEGIN SSH HOST KEY FINGERPRINTS-----"
#define END_PRINTS "-----END SSH HOST KEY FINGERPRINTS-----"
#define BEGIN_KEYS "-----BEGIN SSH HOST KEY KEYS-----"
#define END_KEYS "-----END SSH HOST KEY KEYS-----"
#define ONE(print) BEGIN_PRINTS "\n256 " print " root@web (ED25519)\n" END_PRINTS "\n"

static void assert_result(const char *text, int want, const char *want_text)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(64 * 1024);
    struct err err = { 0 };
    int r = consolekeys_parse(span_of(text), &out, &err);
    if (r != want)
        fail_msg("%d, wanted %d: %s", r, want, text);
    if (r == 0)
        assert_string_equal(buf_str(&out), want_text);
    if (r < 0)
        assert_int_equal(err.kind, ERR_PROTO);
}

static void fingerprints_are_read_with_their_types(void **state)
{
    (void)state;
    assert_result("Booting\r\n"
                  "#####\r\n" BEGIN_PRINTS "\r\n"
                  "1024 " PRINT_B " root@web (DSA)\r\n"
                  "256 " PRINT_A " root@ip-10-0-0-1 (ECDSA)\r\n"
                  "256 " PRINT_B " no comment (ED25519)\r\n" END_PRINTS "\r\n#####\r\nlogin:",
                  0, "ecdsa-sha2-nistp256 " PRINT_A "\nssh-ed25519 " PRINT_B "\n");
}

static void keys_are_hashed(void **state)
{
    (void)state;
    assert_result(BEGIN_KEYS "\n" KEY " root@web\n" END_KEYS "\n", 0, "ssh-ed25519 " PRINT_A "\n");
}

static void lines_may_carry_what_logger_puts_in_front(void **state)
{
    (void)state;
    assert_result("<14>May  9 12:00:00 ec2: \n"
                  "<14>May  9 12:00:00 ec2: " BEGIN_PRINTS "\n"
                  "<14>May  9 12:00:01 ec2: 256 " PRINT_A " root@web (ED25519)\n"
                  "<14>May  9 12:00:01 ec2: " END_PRINTS "\n",
                  0, "ssh-ed25519 " PRINT_A "\n");
    assert_result("[   21.30] cloud-init[901]: " BEGIN_PRINTS "\n"
                  "[   21.31] cloud-init[901]: 256 " PRINT_A " root@web (ED25519)\n"
                  "[   21.32] cloud-init[901]: " END_PRINTS "\n",
                  0, "ssh-ed25519 " PRINT_A "\n");
}

static void the_last_complete_block_counts(void **state)
{
    (void)state;
    assert_result(ONE(PRINT_A) ONE(PRINT_B), 0, "ssh-ed25519 " PRINT_B "\n");
    assert_result(ONE(PRINT_B) BEGIN_KEYS "\n" KEY "\n" END_KEYS "\n", 0, "ssh-ed25519 " PRINT_A "\n");
    assert_result(ONE(PRINT_A) BEGIN_PRINTS "\n256 " PRINT_B " root@web (ED25519)\n", 0, "ssh-ed25519 " PRINT_A "\n");
    /* a block that was cut by the next one is none */
    assert_result(BEGIN_PRINTS "\n256 " PRINT_B " x (ED25519)\n" ONE(PRINT_A), 0, "ssh-ed25519 " PRINT_A "\n");
    assert_result(ONE(PRINT_A) BEGIN_PRINTS "\n256 " PRINT_B " x (ED25519)\n" END_KEYS "\n", 0,
                  "ssh-ed25519 " PRINT_A "\n");
}

static void without_a_complete_block_there_is_nothing(void **state)
{
    (void)state;
    assert_result("", 1, NULL);
    assert_result("256 " PRINT_A " root@web (ED25519)\n", 1, NULL);
    assert_result(BEGIN_PRINTS "\n256 " PRINT_A " root@web (ED25519)\n", 1, NULL);
    assert_result("256 " PRINT_A " root@web (ED25519)\n" END_PRINTS "\n", 1, NULL);
    assert_result("echo " BEGIN_PRINTS "\n256 " PRINT_A " x (ED25519)\n" END_PRINTS "\n", 1, NULL);
    assert_result(BEGIN_PRINTS " \nx" END_PRINTS "\n", 1, NULL);
}

static void kernel_messages_may_stand_in_between(void **state)
{
    (void)state;
    assert_result(BEGIN_PRINTS "\n[   12.345678] eth0: link up\n256 " PRINT_A " x (ED25519)\n\n####\n" END_PRINTS "\n",
                  0, "ssh-ed25519 " PRINT_A "\n");
}

static void a_block_with_anything_else_is_refused_and_no_earlier_one_taken(void **state)
{
    static const char *const lines[] = {
        "hello",
        "SHA256:Ts49K+09m+HjWS/H2UbGLaFHx7jQ5sqogtbD5bcgGnE",
        "256 " PRINT_A,
        "256 " PRINT_A "x x (ED25519)",
        "256 MD5:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99 x (ED25519)",
        "256 " PRINT_A " " PRINT_B " x (ED25519)",
        "256 " PRINT_A ",SHA256 x (ED25519)",
        "0 " PRINT_A " x (ED25519)",
        KEY,
        "[hello] 256 " PRINT_A " x (ED25519)",
        "1024 " PRINT_A " x (DSA)", /* alone: nothing that is used */
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        _cleanup_(buf_done_p) struct buf text = BUF_INIT(4096);
        buf_addf(&text, "%s%s\n%s\n%s\n", ONE(PRINT_B), BEGIN_PRINTS, lines[i], END_PRINTS);
        assert_result(buf_str(&text), -ERR_PROTO, NULL);
    }
    assert_result(BEGIN_KEYS "\n" PRINT_A "\n" END_KEYS "\n", -ERR_PROTO, NULL);
    assert_result(BEGIN_KEYS "\nssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIIkRVXEX\n" END_KEYS "\n", -ERR_PROTO, NULL);
    assert_result("ec2: " BEGIN_PRINTS "\n256 " PRINT_A " x (ED25519)\nec2: " END_PRINTS "\n", -ERR_PROTO, NULL);
}

static void more_keys_than_a_host_has_are_refused(void **state)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(64 * 1024);
    (void)state;
    buf_adds(&text, BEGIN_KEYS "\n");
    for (int i = 0; i <= CONSOLEKEYS_MAX; i++)
        buf_adds(&text, KEY "\n");
    buf_adds(&text, END_KEYS "\n");
    assert_result(buf_str(&text), -ERR_PROTO, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprints_are_read_with_their_types),
        cmocka_unit_test(keys_are_hashed),
        cmocka_unit_test(lines_may_carry_what_logger_puts_in_front),
        cmocka_unit_test(the_last_complete_block_counts),
        cmocka_unit_test(without_a_complete_block_there_is_nothing),
        cmocka_unit_test(kernel_messages_may_stand_in_between),
        cmocka_unit_test(a_block_with_anything_else_is_refused_and_no_earlier_one_taken),
        cmocka_unit_test(more_keys_than_a_host_has_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
