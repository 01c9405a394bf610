#include "cmd/ssh/install.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LINE "BLUEGREEN-PROBE v1 arch=x86_64 have=yes free_kb=1234 home=/home/ec2-user/.bluegreen"

static const struct install_probe FOUND = { .arch = "x86_64", .free_kb = 12, .home = "/home/u/.bluegreen" };

static void assert_upload(const char *output, int result, const char *words, const char *hint)
{
    struct err e = { 0 };
    char text[1000];
    int r = install_parse_upload(span_of(output), &FOUND, &e);
    if (r != result || !strstr(err_text(&e, text, sizeof(text)), words) || !strstr(err_hint_text(&e), hint))
        fail_msg("'%s' gave %d '%s' (%s), wanted '%s'", output, r, err_text(&e, text, sizeof(text)), err_hint_text(&e),
                 words);
}

static void the_probe_line_is_read(void **state)
{
    (void)state;
    struct install_probe p;
    assert_int_equal(install_parse_probe(SPAN_LIT("\n" LINE "\n"), &p), 0);
    assert_string_equal(p.arch, "x86_64");
    assert_true(p.have);
    assert_int_equal(p.free_kb, 1234);
    assert_string_equal(p.home, "/home/ec2-user/.bluegreen");
}

static void the_probe_line_is_found_among_noise(void **state)
{
    (void)state;
    struct install_probe p;
    assert_int_equal(install_parse_probe(SPAN_LIT("Welcome\r\nBLUEGREEN-PROBE\nBLUEGREEN-PROBE v2 arch=sparc\n"
                                                  "  prompt> \r\n" LINE "\r\nlogout\n"),
                                         &p),
                     0);
    assert_string_equal(p.arch, "x86_64");
}

static void a_home_with_blanks_is_kept_whole(void **state)
{
    (void)state;
    struct install_probe p;
    assert_int_equal(
        install_parse_probe(SPAN_LIT("BLUEGREEN-PROBE v1 arch=aarch64 have=no free_kb=x home=/home/a b/c d\n"), &p), 0);
    assert_string_equal(p.home, "/home/a b/c d");
    assert_false(p.have);
    assert_int_equal(p.free_kb, 0);
}

static void only_yes_means_that_the_agent_is_there(void **state)
{
    (void)state;
    struct install_probe p;
    assert_int_equal(install_parse_probe(SPAN_LIT("BLUEGREEN-PROBE v1 arch=x have=yess free_kb=1 home=/\n"), &p), 0);
    assert_false(p.have);
}

static void a_cut_probe_line_is_not_taken(void **state)
{
    (void)state;
    struct install_probe p;
    size_t least = strlen(LINE) - strlen("/home/ec2-user/.bluegreen");
    for (size_t n = 0; n < least; n++)
        if (install_parse_probe((struct span){ LINE, n }, &p) != 1)
            fail_msg("%zu bytes were taken for a probe", n);
}

static void control_bytes_of_the_host_do_not_get_through(void **state)
{
    (void)state;
    struct install_probe p;
    assert_int_equal(
        install_parse_probe(SPAN_LIT("BLUEGREEN-PROBE v1 arch=\x1b[31m have=no free_kb=1 home=/a\x1b]0;x\n"), &p), 0);
    assert_null(strchr(p.arch, 0x1b));
    assert_null(strchr(p.home, 0x1b));
}

static void a_long_answer_is_cut(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(10000);
    struct install_probe p;
    buf_adds(&b, "BLUEGREEN-PROBE v1 arch=");
    for (int i = 0; i < 1000; i++)
        buf_addc(&b, 'a');
    buf_adds(&b, " have=no free_kb=1 home=/");
    assert_int_equal(install_parse_probe(buf_span(&b), &p), 0);
    assert_int_equal(strlen(p.arch), sizeof(p.arch) - 1);
}

static void an_upload_that_says_ok_is_good(void **state)
{
    (void)state;
    assert_upload("motd\n\nBLUEGREEN-UPLOAD v1 ok\n", 0, "", "");
}

static void an_upload_without_a_result_is_told_apart(void **state)
{
    (void)state;
    assert_upload("", 1, "", "");
    assert_upload("BLUEGREEN-UPLOAD v1 \n", 1, "", "");
    assert_upload("BLUEGREEN-UPLOAD v1 fail\n", 1, "", "");
    assert_upload("BLUEGREEN-UPLOAD v1 maybe\n", 1, "", "");
}

static void a_full_disk_is_a_kind_of_its_own(void **state)
{
    (void)state;
    assert_upload("BLUEGREEN-UPLOAD v1 fail write cat: write error: No space left on device\n", -ERR_DISK_FULL,
                  "12 KB free", "df -h");
    assert_upload("BLUEGREEN-UPLOAD v1 fail mkdir mkdir: Disk quota exceeded\n", -ERR_DISK_FULL, "quota", "");
}

static void noexec_leads_to_bluegreen_home(void **state)
{
    (void)state;
    assert_upload("BLUEGREEN-UPLOAD v1 fail exec 126 sh: 1: /x: Permission denied\n", -ERR_INSTALL, "noexec",
                  "BLUEGREEN_HOME");
}

static void other_failures_name_their_cause(void **state)
{
    (void)state;
    assert_upload("BLUEGREEN-UPLOAD v1 fail mkdir mkdir: cannot create: Read-only file system\n", -ERR_INSTALL,
                  "read-only", "BLUEGREEN_HOME");
    assert_upload("BLUEGREEN-UPLOAD v1 fail owner /home/u/.bluegreen\n", -ERR_INSTALL, "/home/u/.bluegreen is a link",
                  "swap");
    assert_upload("BLUEGREEN-UPLOAD v1 fail home relative\n", -ERR_INSTALL, "not an absolute path", "home directory");
    assert_upload("BLUEGREEN-UPLOAD v1 fail exec 126 Exec format error\n", -ERR_INSTALL, "x86_64", "uname");
    assert_upload("BLUEGREEN-UPLOAD v1 fail exec 132\n", -ERR_INSTALL, "exit status 132", "");
    assert_upload("BLUEGREEN-UPLOAD v1 fail hash 00\n", -ERR_INSTALL, "changed or incomplete", "again");
    assert_upload("BLUEGREEN-UPLOAD v1 fail create mktemp: Permission denied\n", -ERR_INSTALL, "'create'", "HOME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_probe_line_is_read),
        cmocka_unit_test(the_probe_line_is_found_among_noise),
        cmocka_unit_test(a_home_with_blanks_is_kept_whole),
        cmocka_unit_test(only_yes_means_that_the_agent_is_there),
        cmocka_unit_test(a_cut_probe_line_is_not_taken),
        cmocka_unit_test(control_bytes_of_the_host_do_not_get_through),
        cmocka_unit_test(a_long_answer_is_cut),
        cmocka_unit_test(an_upload_that_says_ok_is_good),
        cmocka_unit_test(an_upload_without_a_result_is_told_apart),
        cmocka_unit_test(a_full_disk_is_a_kind_of_its_own),
        cmocka_unit_test(noexec_leads_to_bluegreen_home),
        cmocka_unit_test(other_failures_name_their_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
