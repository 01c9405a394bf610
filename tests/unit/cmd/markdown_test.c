#include "cmd/markdown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void empty_code_is_a_dash(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);
    const struct markdown m = { &out, NULL };

    (void)state;
    markdown_code(&m, "");
    markdown_code(&m, NULL);
    markdown_code(&m, "a`b");
    assert_string_equal(buf_str(&out), "--<code>a\\`b</code>");
}

static void text_is_cut_at_its_limit(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(8192), text = BUF_INIT(8192);
    const struct markdown m = { &out, NULL };

    (void)state;
    while (text.len < MARKDOWN_TEXT_MAX + 100)
        buf_addc(&text, 'x');
    markdown_text(&m, buf_str(&text));
    assert_int_equal(out.len, MARKDOWN_TEXT_MAX);
}

static void a_fence_keeps_whole_last_lines(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);
    const struct markdown m = { &out, NULL };

    (void)state;
    markdown_fence(&m, SPAN_LIT("first line\nsecond\nthird\n"), 16);
    assert_string_equal(buf_str(&out), "```text\nsecond\nthird\n```\n");
}

static void numbers_have_units(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);
    const struct markdown m = { &out, NULL };

    (void)state;
    markdown_seconds(&m, 0.214);
    markdown_raw(&m, " ");
    markdown_seconds(&m, -1);
    markdown_raw(&m, " ");
    markdown_bytes(&m, 1500);
    markdown_raw(&m, " ");
    markdown_bytes(&m, 12e6);
    markdown_raw(&m, " ");
    markdown_bytes(&m, 3.5e9);
    markdown_raw(&m, " ");
    markdown_bytes(&m, -1);
    assert_string_equal(buf_str(&out), "0.21 s - 1.5 kB 12.0 MB 3.50 GB -");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_code_is_a_dash),
        cmocka_unit_test(text_is_cut_at_its_limit),
        cmocka_unit_test(a_fence_keeps_whole_last_lines),
        cmocka_unit_test(numbers_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
