#include "shared/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void appends_grow_and_stay_terminated(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(10000);
    assert_string_equal(buf_str(&b), "");
    for (int i = 0; i < 500; i++) {
        buf_addf(&b, "%d,", i % 10);
        assert_int_equal(strlen(buf_str(&b)), b.len);
    }
    assert_int_equal(b.len, 1000);
    assert_int_equal(buf_check(&b, NULL), 0);
}

static void the_limit_is_exact(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(5);
    buf_adds(&b, "12345");
    assert_int_equal(buf_check(&b, NULL), 0);
    assert_string_equal(buf_str(&b), "12345");
    buf_addc(&b, '6');
    assert_true(b.failed);
    assert_string_equal(buf_str(&b), "12345");
}

static void a_failed_append_is_sticky_and_names_the_limit(void **state)
{
    (void)state;
    struct err e = { 0 };
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(4);
    buf_adds(&b, "ab");
    buf_addf(&b, "%s", "cde");
    buf_adds(&b, "c");
    assert_string_equal(buf_str(&b), "ab");
    assert_int_equal(buf_check(&b, &e), -ERR_NOMEM);
    assert_non_null(strstr(e.frame[0].text, "4 bytes"));
    buf_reset(&b);
    buf_adds(&b, "wxyz");
    assert_int_equal(buf_check(&b, NULL), 0);
    assert_string_equal(buf_str(&b), "wxyz");
}

static void a_buf_without_a_limit_takes_nothing(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = { 0 };
    buf_adds(&b, "");
    assert_int_equal(buf_check(&b, NULL), 0);
    buf_addc(&b, 'x');
    assert_int_equal(buf_check(&b, NULL), -ERR_NOMEM);
}

static void null_and_empty_add_nothing(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(8);
    buf_adds(&b, NULL);
    buf_add(&b, NULL, 0);
    buf_add_span(&b, (struct span){ 0 });
    buf_addf(&b, "%s", "");
    assert_int_equal(b.len, 0);
    assert_int_equal(buf_check(&b, NULL), 0);
}

static void nul_bytes_are_kept(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(8);
    buf_add(&b, "a\0b", 3);
    assert_int_equal(b.len, 3);
    assert_memory_equal(buf_span(&b).ptr, "a\0b", 4);
}

static void consume_drops_the_front_and_wipes_the_tail(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(16);
    buf_adds(&b, "abcdef");
    buf_consume(&b, 2);
    assert_string_equal(buf_str(&b), "cdef");
    assert_memory_equal(b.ptr, "cdef\0\0", 6);
    buf_consume(&b, 100);
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_str(&b), "");
    buf_consume(&b, 1);
}

static void detach_hands_the_text_over(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(8);
    buf_adds(&b, "abc");
    _cleanup_(free_p) char *s = buf_detach(&b);
    assert_string_equal(s, "abc");
    assert_null(b.ptr);
    assert_int_equal(b.max, 8);
    _cleanup_(free_p) char *empty = buf_detach(&b);
    assert_string_equal(empty, "");
    buf_adds(&b, "too long for it");
    assert_null(buf_detach(&b));
}

static void done_keeps_the_limit(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 3);
    buf_adds(&b, "abc");
    buf_wipe_done(&b);
    assert_int_equal(b.max, 3);
    assert_int_equal(b.len, 0);
    buf_adds(&b, "xyz");
    assert_string_equal(buf_str(&b), "xyz");
    buf_done(&b);
}

static void spans_compare_by_content(void **state)
{
    (void)state;
    assert_true(span_eq(SPAN_LIT("abc"), "abc"));
    assert_false(span_eq(SPAN_LIT("abc"), "ab"));
    assert_false(span_eq(SPAN_LIT("ab"), "abc"));
    assert_true(span_eq((struct span){ 0 }, ""));
    assert_true(span_eq(span_of(NULL), ""));
    assert_true(span_starts(SPAN_LIT("abc"), "ab"));
    assert_true(span_starts((struct span){ 0 }, ""));
    assert_false(span_starts(SPAN_LIT("a"), "ab"));
    assert_true(span_contains(SPAN_LIT("abcabd"), "abd"));
    assert_true(span_contains((struct span){ 0 }, ""));
    assert_false(span_contains(SPAN_LIT("ab"), "abc"));
}

static void trim_takes_blanks_of_both_ends(void **state)
{
    (void)state;
    assert_true(span_eq(span_trim(SPAN_LIT(" \t a b\r\n")), "a b"));
    assert_true(span_eq(span_trim(SPAN_LIT(" \n ")), ""));
    assert_true(span_eq(span_trim((struct span){ 0 }), ""));
}

static void lines_come_one_by_one(void **state)
{
    (void)state;
    struct span rest = SPAN_LIT("a\r\n\nb"), line;
    assert_true(span_next_line(&rest, &line));
    assert_true(span_eq(line, "a\r"));
    assert_true(span_next_line(&rest, &line));
    assert_true(span_eq(line, ""));
    assert_true(span_next_line(&rest, &line));
    assert_true(span_eq(line, "b"));
    assert_false(span_next_line(&rest, &line));
}

static void a_last_line_feed_makes_no_further_line(void **state)
{
    (void)state;
    struct span rest = SPAN_LIT("a\n"), line;
    assert_true(span_next_line(&rest, &line));
    assert_false(span_next_line(&rest, &line));
}

static void split_drops_the_separator(void **state)
{
    (void)state;
    struct span rest = SPAN_LIT("k=v=w"), part;
    assert_true(span_split(&rest, '=', &part));
    assert_true(span_eq(part, "k"));
    assert_true(span_eq(rest, "v=w"));
}

static void dup_refuses_a_nul_byte(void **state)
{
    (void)state;
    _cleanup_(free_p) char *s = span_dup(SPAN_LIT("abc"));
    _cleanup_(free_p) char *empty = span_dup((struct span){ 0 });
    assert_string_equal(s, "abc");
    assert_string_equal(empty, "");
    assert_null(span_dup(SPAN_LIT("a\0b")));
}

static void numbers_are_whole_decimal_and_in_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min, max, value;
        bool ok;
    } cases[] = {
        { "0", 0, 10, 0, true },
        { "10", 0, 10, 10, true },
        { "007", 0, 10, 7, true },
        { "9223372036854775807", 0, INT64_MAX, INT64_MAX, true },
        { "9223372036854775808", 0, INT64_MAX, 0, false },
        { "99999999999999999999", 0, INT64_MAX, 0, false },
        { "11", 0, 10, 0, false },
        { "1", 2, 10, 0, false },
        { "", 0, 10, 0, false },
        { "-1", -5, 10, 0, false },
        { "+1", 0, 10, 0, false },
        { " 1", 0, 10, 0, false },
        { "1 ", 0, 10, 0, false },
        { "1.0", 0, 10, 0, false },
        { "0x1", 0, 10, 0, false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t v = -7;
        bool ok = span_to_int(span_of(cases[i].text), cases[i].min, cases[i].max, &v);
        assert_int_equal(ok, cases[i].ok);
        assert_int_equal(v, ok ? cases[i].value : -7);
    }
}

static void utf8_is_checked_by_the_book(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"
    };
    static const char *const bad[] = {
        "\x80",         "\xc3",     "\xc0\xaf", "\xe0\x80\xaf",    "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80", "\xe2\x82", "a\xff",    "\xf0\x80\x80\xaf"
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(span_is_utf8(span_of(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(span_is_utf8(span_of(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_grow_and_stay_terminated),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(a_failed_append_is_sticky_and_names_the_limit),
        cmocka_unit_test(a_buf_without_a_limit_takes_nothing),
        cmocka_unit_test(null_and_empty_add_nothing),
        cmocka_unit_test(nul_bytes_are_kept),
        cmocka_unit_test(consume_drops_the_front_and_wipes_the_tail),
        cmocka_unit_test(detach_hands_the_text_over),
        cmocka_unit_test(done_keeps_the_limit),
        cmocka_unit_test(spans_compare_by_content),
        cmocka_unit_test(trim_takes_blanks_of_both_ends),
        cmocka_unit_test(lines_come_one_by_one),
        cmocka_unit_test(a_last_line_feed_makes_no_further_line),
        cmocka_unit_test(split_drops_the_separator),
        cmocka_unit_test(dup_refuses_a_nul_byte),
        cmocka_unit_test(numbers_are_whole_decimal_and_in_range),
        cmocka_unit_test(utf8_is_checked_by_the_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
