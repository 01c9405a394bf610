#include "shared/view/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *cut(const char *text, size_t max)
{
    static struct buf out = BUF_INIT(4096);

    buf_reset(&out);
    columns_cut(span_of(text), max, &out);
    return buf_str(&out);
}

static void wide_and_combining_characters_are_counted_as_they_are_drawn(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        { "", 0 },
        { "shop", 4 },
        { "größe", 5 },
        { "日本語", 6 },
        { "한글", 4 },
        { "ｗｉｄｅ", 8 },
        { "🚀 up", 5 },
        { "e\u0301", 1 },
        { "…", 1 },
        { "▁▂█", 3 },
        { "\u2713 ok", 4 },
        { "\xff\xfe", 2 },
        { "\033[1;31mred\033[0m", 3 },
        { "\033[", 2 },
        { "𠀀", 2 },
        { "⚡", 2 },
        { "\u0627\u064b", 1 },
        { "\ufffd", 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (columns_of(span_of(cases[i].text)) != cases[i].columns)
            fail_msg("'%s' takes %zu columns, not %zu", cases[i].text, columns_of(span_of(cases[i].text)),
                     cases[i].columns);
}

static void a_line_is_cut_between_characters_and_says_so(void **state)
{
    (void)state;
    assert_string_equal(cut("abcdef", 0), "abcdef");
    assert_string_equal(cut("abcdef", 6), "abcdef");
    assert_string_equal(cut("abcdef", 5), "abcd…");
    assert_string_equal(cut("abcdef", 1), "…");
    assert_string_equal(cut("日本語", 6), "日本語");
    assert_string_equal(cut("日本語", 5), "日本…");
    assert_string_equal(cut("日本語", 4), "日…");
    assert_string_equal(cut("e\u0301e\u0301e\u0301", 2), "e\u0301…");
}

static void a_colour_takes_no_room_and_ends_where_the_line_is_cut(void **state)
{
    (void)state;
    assert_string_equal(cut("\033[32mabc\033[0m", 3), "\033[32mabc\033[0m");
    assert_string_equal(cut("\033[32mabcd\033[0m", 3), "\033[32mab…\033[0m");
    assert_string_equal(cut("ab\033[32mcd\033[0mef", 2), "a…");
}

static void a_cut_line_never_takes_more_than_it_may(void **state)
{
    static const char text[] = "x日\u0301y\033[1m語🚀z…\xffq";

    (void)state;
    for (size_t max = 1; max < 20; max++)
        for (size_t len = 0; len < sizeof(text); len++) {
            _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);
            columns_cut((struct span){ text, len }, max, &out);
            assert_true(columns_of(buf_span(&out)) <= max);
        }
}

static void a_long_line_takes_the_rows_that_a_terminal_gives_it(void **state)
{
    (void)state;
    assert_int_equal(columns_rows(span_of(""), 10), 1);
    assert_int_equal(columns_rows(span_of("0123456789"), 10), 1);
    assert_int_equal(columns_rows(span_of("0123456789a"), 10), 2);
    assert_int_equal(columns_rows(span_of("012345678日"), 10), 2); /* a wide one does not stand on the edge */
    assert_int_equal(columns_rows(span_of("012345678日23456789"), 10), 2);
    assert_int_equal(columns_rows(span_of("012345678日234567890"), 10), 3);
    assert_int_equal(columns_rows(span_of("abc"), 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_and_combining_characters_are_counted_as_they_are_drawn),
        cmocka_unit_test(a_line_is_cut_between_characters_and_says_so),
        cmocka_unit_test(a_colour_takes_no_room_and_ends_where_the_line_is_cut),
        cmocka_unit_test(a_cut_line_never_takes_more_than_it_may),
        cmocka_unit_test(a_long_line_takes_the_rows_that_a_terminal_gives_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
