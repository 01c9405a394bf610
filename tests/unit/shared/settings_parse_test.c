#include "shared/settings/settings_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- durations ---- */

static void assert_duration(const char *text, int64_t want_ms)
{
    int64_t ms = -1;
    if (!settings_parse_duration(span_of(text), &ms))
        fail_msg("'%s' was refused", text);
    if (ms != want_ms)
        fail_msg("'%s' became %lld ms instead of %lld", text, (long long)ms, (long long)want_ms);
}

static void assert_no_duration(const char *text)
{
    int64_t ms = 77;
    if (settings_parse_duration(span_of(text), &ms))
        fail_msg("'%s' was taken as %lld ms", text, (long long)ms);
    assert_int_equal(ms, 77);
}

static void durations_with_one_unit_are_read(void **state)
{
    (void)state;
    assert_duration("500ms", 500);
    assert_duration("2s", 2000);
    assert_duration("10m", 600000);
    assert_duration("24h", 86400000);
    assert_duration("0s", 0);
    assert_duration("0", 0);
}

static void durations_with_several_units_are_read(void **state)
{
    (void)state;
    assert_duration("1m30s", 90000);
    assert_duration("1h2m3s4ms", 3723004);
    assert_duration("1s500ms", 1500);
}

static void a_bare_number_is_seconds(void **state)
{
    (void)state;
    assert_duration("30", 30000);
}

static void wrong_durations_are_refused_and_leave_the_result_alone(void **state)
{
    (void)state;
    const char *wrong[] = { "",     "s",      "ms",   "1.5s", "-1s", "1 s",  " 1s", "1s ",   "2x",  "1s1s",
                            "1s1m", "10ms1s", "1m30", "1e3s", "1S",  "1min", "0x1", "1ms5s", "+1s", "1sms" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_no_duration(wrong[i]);
}

static void overlong_durations_are_refused_without_overflow(void **state)
{
    (void)state;
    assert_duration("8784h", SETTINGS_DURATION_MAX_MS);
    assert_no_duration("8784h1ms");
    assert_no_duration("9223372036854775807h");
    assert_no_duration("99999999999999999999999999s");
    assert_no_duration("9223372036854775807");
}

static void formatted_durations_read_back_the_same(void **state)
{
    (void)state;
    const int64_t all[] = { 0, 1, 999, 1000, 1001, 59999, 60000, 90000, 3600000, 3723004, SETTINGS_DURATION_MAX_MS };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        _cleanup_(buf_done) struct buf text = BUF_INIT(64);
        settings_format_duration(all[i], &text);
        assert_duration(buf_str(&text), all[i]);
    }
}

static void a_duration_is_formatted_as_people_write_it(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf text = BUF_INIT(64);
    settings_format_duration(90000, &text);
    assert_string_equal(buf_str(&text), "1m30s");
}

/* ---- sizes ---- */

static void assert_size(const char *text, int64_t want)
{
    int64_t bytes = -1;
    if (!settings_parse_size(span_of(text), &bytes))
        fail_msg("'%s' was refused", text);
    assert_int_equal(bytes, want);
}

static void sizes_are_read_in_powers_of_1024(void **state)
{
    (void)state;
    assert_size("512m", 512LL << 20);
    assert_size("1g", 1LL << 30);
    assert_size("1G", 1LL << 30);
    assert_size("2t", 2LL << 40);
    assert_size("64k", 64 << 10);
    assert_size("100b", 100);
    assert_size("100", 100);
    assert_size("1gb", 1LL << 30);
    assert_size("1GiB", 1LL << 30);
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    const char *wrong[] = {
        "", "m", "1.5g", "-1m", "1 g", "1x", "1gg", "1bb", "1ib", "1gi", "1bib", "9999999t", "99999999999999999999"
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int64_t bytes = 77;
        if (settings_parse_size(span_of(wrong[i]), &bytes))
            fail_msg("'%s' was taken as %lld", wrong[i], (long long)bytes);
        assert_int_equal(bytes, 77);
    }
}

static void formatted_sizes_read_back_the_same(void **state)
{
    (void)state;
    const int64_t all[] = { 0, 1, 1023, 1024, 1025, 6 << 20, 1LL << 30, (1LL << 30) + 1, SETTINGS_SIZE_MAX_BYTES };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        _cleanup_(buf_done) struct buf text = BUF_INIT(64);
        settings_format_size(all[i], &text);
        assert_size(buf_str(&text), all[i]);
    }
}

/* ---- CPUs ---- */

static void assert_cpus(const char *text, int64_t want)
{
    int64_t nano = -1;
    if (!settings_parse_cpus(span_of(text), &nano))
        fail_msg("'%s' was refused", text);
    assert_int_equal(nano, want);
}

static void cpus_are_read_to_the_last_decimal(void **state)
{
    (void)state;
    assert_cpus("2", 2000000000);
    assert_cpus("1.5", 1500000000);
    assert_cpus("0.25", 250000000);
    assert_cpus("0.000000001", 1);
    assert_cpus("100000", 100000LL * 1000000000);
}

static void wrong_cpus_are_refused(void **state)
{
    (void)state;
    const char *wrong[] = {
        "", ".", "1.", ".5", "-1", "1,5", "1.5.5", "1e2", "0.0000000001", "100000.1", "100001", "1 "
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int64_t nano = 77;
        if (settings_parse_cpus(span_of(wrong[i]), &nano))
            fail_msg("'%s' was taken as %lld", wrong[i], (long long)nano);
        assert_int_equal(nano, 77);
    }
}

static void formatted_cpus_read_back_the_same(void **state)
{
    (void)state;
    const int64_t all[] = { 0, 1, 10, 10000000, 250000000, 1000000000, 1500000000, 64000000001 };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        _cleanup_(buf_done) struct buf text = BUF_INIT(64);
        settings_format_cpus(all[i], &text);
        assert_cpus(buf_str(&text), all[i]);
    }
}

/* ---- booleans ---- */

static void booleans_are_the_six_words_of_the_toolkit(void **state)
{
    (void)state;
    const char *words[] = { "true", "True", "TRUE", "false", "False", "FALSE" };
    for (size_t i = 0; i < 6; i++) {
        bool value = i >= 3;
        assert_true(settings_parse_bool(span_of(words[i]), &value));
        assert_int_equal(value, i < 3);
    }
}

static void other_booleans_are_refused(void **state)
{
    (void)state;
    const char *wrong[] = { "", "yes", "no", "1", "0", "tRUE", "true ", "truefalse", "on" };
    bool value = true;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (settings_parse_bool(span_of(wrong[i]), &value))
            fail_msg("'%s' was taken", wrong[i]);
    assert_true(value);
}

/* ---- lists and KEY=VALUE: what was met, one line for each ---- */

struct seen {
    struct buf text;
    int fail_at; /* the callback fails at this line */
};

static int see_item(void *ctx, unsigned line, struct span item)
{
    struct seen *seen = ctx;
    buf_addf(&seen->text, "%u:", line);
    buf_add_span(&seen->text, item);
    buf_addc(&seen->text, ';');
    return (int)line == seen->fail_at ? -ERR_NOMEM : 0;
}

static int see_entry(void *ctx, unsigned line, struct span key, struct span value)
{
    struct seen *seen = ctx;
    buf_addf(&seen->text, "%u:", line);
    buf_add_span(&seen->text, key);
    buf_addc(&seen->text, '=');
    for (size_t i = 0; i < value.len; i++)
        buf_addc(&seen->text, value.ptr[i] == '\n' ? '/' : value.ptr[i]);
    buf_addc(&seen->text, ';');
    return (int)line == seen->fail_at ? -ERR_NOMEM : 0;
}

static void see_complaint(void *ctx, unsigned line, struct span text, const char *what)
{
    struct seen *seen = ctx;
    (void)text;
    buf_addf(&seen->text, "%u!%s;", line, what);
}

static void assert_list(const char *text, const char *want)
{
    struct seen seen = { .text = BUF_INIT(4096) };
    struct settings_list_visitor v = { .ctx = &seen, .item = see_item, .complain = see_complaint };
    assert_int_equal(settings_parse_list(span_of(text), &v), 0);
    assert_string_equal(buf_str(&seen.text), want);
    buf_done(&seen.text);
}

static void assert_env_span(struct span text, enum settings_env_form form, const char *want)
{
    struct seen seen = { .text = BUF_INIT(65536) };
    struct settings_env_visitor v = { .ctx = &seen, .entry = see_entry, .complain = see_complaint };
    assert_int_equal(settings_parse_env(text, form, &v), 0);
    assert_string_equal(buf_str(&seen.text), want);
    buf_done(&seen.text);
}

static void assert_env(const char *text, const char *want)
{
    assert_env_span(span_of(text), SETTINGS_ENV_LINES, want);
}

static void assert_env_file(const char *text, const char *want)
{
    assert_env_span(span_of(text), SETTINGS_ENV_FILE, want);
}

static void lists_have_one_item_a_line(void **state)
{
    (void)state;
    assert_list("a\nb b\nc", "1:a;2:b b;3:c;");
}

static void lists_skip_comments_and_empty_lines_but_count_them(void **state)
{
    (void)state;
    assert_list("# one\n\n  a  \r\n\t# two\nb#c\n", "3:a;5:b#c;");
    assert_list("", "");
    assert_list("\n\n#\n", "");
}

static void an_overlong_list_is_told_once(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf text = BUF_INIT(65536);
    for (int i = 0; i < SETTINGS_LIST_MAX + 10; i++)
        buf_adds(&text, "x\n");
    struct seen seen = { .text = BUF_INIT(65536) };
    struct settings_list_visitor v = { .ctx = &seen, .item = see_item, .complain = see_complaint };
    assert_int_equal(settings_parse_list(buf_span(&text), &v), 0);
    assert_non_null(strstr(buf_str(&seen.text), "1000:x;1001!"));
    assert_null(strstr(buf_str(&seen.text), "1002"));
    buf_done(&seen.text);
}

static void a_failing_item_ends_the_list(void **state)
{
    (void)state;
    struct seen seen = { .text = BUF_INIT(100), .fail_at = 2 };
    struct settings_list_visitor v = { .ctx = &seen, .item = see_item, .complain = see_complaint };
    assert_int_equal(settings_parse_list(SPAN_LIT("a\nb\nc"), &v), -ERR_NOMEM);
    assert_string_equal(buf_str(&seen.text), "1:a;2:b;");
    buf_done(&seen.text);
}

static void env_values_stand_as_they_are(void **state)
{
    (void)state;
    assert_env("A=1\n_B2= two  words \nC=\nD=\"quoted\"\nE=a=b<<c\n",
               "1:A=1;2:_B2= two  words ;3:C=;4:D=\"quoted\";5:E=a=b<<c;");
}

static void env_lines_lose_a_cr_at_their_end(void **state)
{
    (void)state;
    assert_env("A=1\r\nB=2\r\n", "1:A=1;2:B=2;");
}

static void env_skips_comments_and_leading_blanks(void **state)
{
    (void)state;
    assert_env("# A=1\n\n   B=2\n", "3:B=2;");
}

static void env_heredocs_hold_several_lines(void **state)
{
    (void)state;
    assert_env("KEY<<EOF\none\n# two\n\nEOF\nNEXT=1\n", "1:KEY=one/# two/;6:NEXT=1;");
    assert_env("KEY<<EOF\nEOF", "1:KEY=;");
    assert_env("KEY << END\n  x\n  END  \n", "1!wants a name of letters, digits and _ before the '=';");
}

static void a_heredoc_keeps_indentation_and_equal_signs(void **state)
{
    (void)state;
    assert_env("CERT<<X\n  a=b\n\tc\nX\n", "1:CERT=  a=b/\tc;");
}

static void a_heredoc_without_end_is_told_at_its_first_line(void **state)
{
    (void)state;
    assert_env("A=1\nKEY<<EOF\none\ntwo", "1:A=1;2!begins a value with '<<' whose closing word never comes;");
}

static void a_heredoc_without_word_is_told(void **state)
{
    (void)state;
    assert_env("KEY<<\nA=1", "1!needs a word after '<<' that ends the value;2:A=1;");
}

static void wrong_env_lines_are_told_with_their_number(void **state)
{
    (void)state;
    assert_env("A=1\nnonsense\nB=2", "1:A=1;2!is not of the form KEY=VALUE;3:B=2;");
    const char *wrong[] = { "1A=x", "A-B=x", "=x", "A B=x", "A =x", "A.B=x", "\xc3\xa4=x" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_env(wrong[i], "1!wants a name of letters, digits and _ before the '=';");
}

static void env_files_may_have_export_blanks_and_quotes(void **state)
{
    (void)state;
    assert_env_file("export A=1\nB = two words \nC=\"  x y \" # why\nD='$HOME \\n'\nE=\"a\\nb\\\"c\\\\\"\n",
                    "1:A=1;2:B=two words;3:C=  x y ;4:D=$HOME \\n;5:E=a/b\"c\\;");
}

static void env_files_keep_a_hash_within_an_unquoted_value(void **state)
{
    (void)state;
    assert_env_file("A=x#y # z\n", "1:A=x#y # z;");
}

static void env_files_have_no_heredocs(void **state)
{
    (void)state;
    assert_env_file("A<<EOF\nx=1\n", "1!is not of the form KEY=VALUE;2:x=1;");
}

static void wrong_quotes_in_env_files_are_told(void **state)
{
    (void)state;
    assert_env_file("A=\"open\nB='x' y\nC='\n", "1!has an opening quote that is never closed on its line;"
                                                "2!has text after the closing quote;"
                                                "3!has an opening quote that is never closed on its line;");
}

static void a_nul_byte_in_a_value_is_told(void **state)
{
    (void)state;
    assert_env_span((struct span){ .ptr = "A=x\0y\nB=1", .len = 9 }, SETTINGS_ENV_FILE, "1!holds a NUL byte;2:B=1;");
}

static void a_failing_entry_ends_the_reading(void **state)
{
    (void)state;
    struct seen seen = { .text = BUF_INIT(100), .fail_at = 1 };
    struct settings_env_visitor v = { .ctx = &seen, .entry = see_entry, .complain = see_complaint };
    assert_int_equal(settings_parse_env(SPAN_LIT("A=1\nB=2"), SETTINGS_ENV_LINES, &v), -ERR_NOMEM);
    assert_string_equal(buf_str(&seen.text), "1:A=1;");
    buf_done(&seen.text);
}

static void input_cut_at_every_byte_never_reads_past_its_end(void **state)
{
    (void)state;
    const char text[] = "A=1\r\nKEY<<EOF\nx\nEOF\nexport B=\"q\\\"\" # c\nC='";
    for (size_t len = 0; len < sizeof(text); len++) {
        char *copy = malloc(len ? len : 1); /* exact: a sanitizer sees one byte too many */
        assert_non_null(copy);
        memcpy(copy, text, len);
        struct seen seen = { .text = BUF_INIT(4096) };
        struct settings_env_visitor v = { .ctx = &seen, .entry = see_entry, .complain = see_complaint };
        struct span part = { .ptr = copy, .len = len };
        assert_int_equal(settings_parse_env(part, SETTINGS_ENV_LINES, &v), 0);
        assert_int_equal(settings_parse_env(part, SETTINGS_ENV_FILE, &v), 0);
        buf_done(&seen.text);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_with_one_unit_are_read),
        cmocka_unit_test(durations_with_several_units_are_read),
        cmocka_unit_test(a_bare_number_is_seconds),
        cmocka_unit_test(wrong_durations_are_refused_and_leave_the_result_alone),
        cmocka_unit_test(overlong_durations_are_refused_without_overflow),
        cmocka_unit_test(formatted_durations_read_back_the_same),
        cmocka_unit_test(a_duration_is_formatted_as_people_write_it),
        cmocka_unit_test(sizes_are_read_in_powers_of_1024),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(formatted_sizes_read_back_the_same),
        cmocka_unit_test(cpus_are_read_to_the_last_decimal),
        cmocka_unit_test(wrong_cpus_are_refused),
        cmocka_unit_test(formatted_cpus_read_back_the_same),
        cmocka_unit_test(booleans_are_the_six_words_of_the_toolkit),
        cmocka_unit_test(other_booleans_are_refused),
        cmocka_unit_test(lists_have_one_item_a_line),
        cmocka_unit_test(lists_skip_comments_and_empty_lines_but_count_them),
        cmocka_unit_test(an_overlong_list_is_told_once),
        cmocka_unit_test(a_failing_item_ends_the_list),
        cmocka_unit_test(env_values_stand_as_they_are),
        cmocka_unit_test(env_lines_lose_a_cr_at_their_end),
        cmocka_unit_test(env_skips_comments_and_leading_blanks),
        cmocka_unit_test(env_heredocs_hold_several_lines),
        cmocka_unit_test(a_heredoc_keeps_indentation_and_equal_signs),
        cmocka_unit_test(a_heredoc_without_end_is_told_at_its_first_line),
        cmocka_unit_test(a_heredoc_without_word_is_told),
        cmocka_unit_test(wrong_env_lines_are_told_with_their_number),
        cmocka_unit_test(env_files_may_have_export_blanks_and_quotes),
        cmocka_unit_test(env_files_keep_a_hash_within_an_unquoted_value),
        cmocka_unit_test(env_files_have_no_heredocs),
        cmocka_unit_test(wrong_quotes_in_env_files_are_told),
        cmocka_unit_test(a_nul_byte_in_a_value_is_told),
        cmocka_unit_test(a_failing_entry_ends_the_reading),
        cmocka_unit_test(input_cut_at_every_byte_never_reads_past_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
