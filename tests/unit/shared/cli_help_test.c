/* What is made of the tables: help, exit codes, manual page, completion. tests/e2e/test_cli_help.py tries the real programs. */
#include "shared/cli/cli.h"
#include "shared/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool settings(size_t i, struct cli_setting *ret)
{
    static const struct cli_setting rows[] = {
        { "image", "It's an image.", CLI_BIT(CLI_DEPLOY), false, false, false },
        { "registry-password", "Password.", CLI_BIT(CLI_DEPLOY), true, false, false },
    };
    if (i >= sizeof(rows) / sizeof(rows[0]))
        return false;
    *ret = rows[i];
    return true;
}

static const struct cli programs[] = { { CLI_CLIENT, settings }, { CLI_HOST, settings } };

/* Names that are longer push what follows them onto a line of its own; only examples may be wider. */
static void assert_columns(const struct buf *help)
{
    struct span rest = buf_span(help), line;
    while (span_next_line(&rest, &line))
        if (line.len > 80 && !span_starts(line, "  bluegreen"))
            fail_msg("more than 80 columns: %.*s", (int)line.len, line.ptr);
}

static void each_command_has_help_with_an_example_in_80_columns(void **state)
{
    (void)state;
    for (size_t p = 0; p < 2; p++)
        for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
            _cleanup_(buf_done_p) struct buf help = BUF_INIT(64 * 1024);
            struct err err = { 0 };
            if (c == CLI_SELF_CHECK && programs[p].program == CLI_CLIENT)
                continue;
            const char *name = cli_command_name((enum cli_command)c);
            assert_int_equal(cli_help(&programs[p], name, &help, &err), 0);
            const char *examples = strstr(buf_str(&help), "\nExamples:\n  bluegreen");
            assert_non_null(examples);
            assert_non_null(strstr(examples, name));
            assert_columns(&help);
        }
}

static void the_program_and_the_exit_codes_have_help_too(void **state)
{
    (void)state;
    for (size_t p = 0; p < 2; p++) {
        _cleanup_(buf_done_p) struct buf help = BUF_INIT(64 * 1024);
        _cleanup_(buf_done_p) struct buf codes = BUF_INIT(64 * 1024);
        assert_int_equal(cli_help(&programs[p], NULL, &help, NULL), 0);
        assert_int_equal(cli_help(&programs[p], "exit-codes", &codes, NULL), 0);
        assert_columns(&help);
        assert_columns(&codes);
        assert_non_null(strstr(buf_str(&help), "\n  rollback  "));
        assert_null(strstr(buf_str(&help), "\n  completion"));
        assert_non_null(strstr(buf_str(&codes), "\n  42  audit "));
    }
}

static void help_tells_plain_settings_from_secret_ones(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf help = BUF_INIT(64 * 1024);
    assert_int_equal(cli_help(&programs[0], "deploy", &help, NULL), 0);
    assert_non_null(strstr(buf_str(&help), "      --image VALUE"));
    assert_non_null(strstr(buf_str(&help), "Secret settings, only by --secrets-stdin:\n  registry-password"));
    assert_null(strstr(buf_str(&help), "--registry-password"));
}

static void help_about_nothing_known_is_refused(void **state)
{
    (void)state;
    struct err err = { 0 };
    _cleanup_(buf_done_p) struct buf help = BUF_INIT(64 * 1024);
    assert_int_equal(cli_help(&programs[0], "nonsense", &help, &err), -ERR_INPUT);
    assert_string_equal(err.frame[0].text, "there is no help about 'nonsense'");
}

static void exit_codes_rise_and_none_is_missing(void **state)
{
    (void)state;
    bool known[256] = { false };
    const char *meaning;
    int code = -1, before = -1;
    for (size_t i = 0;; i++) {
        _cleanup_(buf_done_p) struct buf names = BUF_INIT(200);
        if (!cli_exit_code(i, &code, &names, &meaning))
            break;
        assert_true(code > before && code < 256);
        assert_true(names.len > 0 && meaning[0]);
        known[code] = true;
        before = code;
    }
    for (int k = ERR_OK; k < ERR_KINDS; k++)
        if (!known[err_kind_exit_code((enum err_kind)k)])
            fail_msg("the exit code of %s is not in the table", err_kind_name((enum err_kind)k));
}

/* README's rows, without back-ticks, against ours. */
static void the_table_is_that_of_the_readme(void **state)
{
    (void)state;
    _cleanup_(close_p) int fd = open("README.md", O_RDONLY | O_CLOEXEC);
    _cleanup_(buf_done_p) struct buf raw = BUF_INIT(1024 * 1024);
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(1024 * 1024);
    assert_int_equal(fd_read(fd, &raw), 0);
    for (size_t i = 0; i < raw.len; i++)
        if (raw.ptr[i] != '`')
            buf_addc(&text, raw.ptr[i]);
    const char *at = strstr(buf_str(&text), "<!-- exit-codes -->");
    assert_non_null(at);
    at = strstr(at, "|---|---|---|\n") + strlen("|---|---|---|\n");
    const char *meaning;
    int code;
    for (size_t i = 0;; i++) {
        _cleanup_(buf_done_p) struct buf names = BUF_INIT(200);
        _cleanup_(buf_done_p) struct buf row = BUF_INIT(1000);
        if (!cli_exit_code(i, &code, &names, &meaning))
            break;
        buf_addf(&row, "| %d | %s | %s |\n", code, buf_str(&names), meaning);
        if (strncmp(at, buf_str(&row), row.len) != 0)
            fail_msg("README has\n%.*swhere the table has\n%s", (int)(strcspn(at, "\n") + 1), at, buf_str(&row));
        at += row.len;
    }
    assert_true(strncmp(at, "<!-- /exit-codes -->", 20) == 0);
}

static void scripts_quote_what_a_shell_would_read(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf zsh = BUF_INIT(256 * 1024);
    struct err err = { 0 };
    assert_int_equal(cli_completion(&programs[0], "zsh", &zsh, &err), 0);
    assert_non_null(strstr(buf_str(&zsh), " '--image:It'\\''s an image.'"));
    assert_null(strstr(buf_str(&zsh), "registry-password"));
    assert_int_equal(cli_completion(&programs[0], "fish", &zsh, &err), -ERR_INPUT);
}

static void the_manual_page_has_no_request_but_ours(void **state)
{
    (void)state;
    for (size_t p = 0; p < 2; p++) {
        _cleanup_(buf_done_p) struct buf man = BUF_INIT(256 * 1024);
        cli_man(&programs[p], &man);
        assert_int_equal(buf_check(&man, NULL), 0);
        struct span rest = buf_span(&man), line;
        while (span_next_line(&rest, &line))
            if (line.len > 0 && line.ptr[0] == '.')
                assert_true(line.len > 2 && line.ptr[1] >= 'A' && line.ptr[1] <= 'Z');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_has_help_with_an_example_in_80_columns),
        cmocka_unit_test(the_program_and_the_exit_codes_have_help_too),
        cmocka_unit_test(help_tells_plain_settings_from_secret_ones),
        cmocka_unit_test(help_about_nothing_known_is_refused),
        cmocka_unit_test(exit_codes_rise_and_none_is_missing),
        cmocka_unit_test(the_table_is_that_of_the_readme),
        cmocka_unit_test(scripts_quote_what_a_shell_would_read),
        cmocka_unit_test(the_manual_page_has_no_request_but_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
