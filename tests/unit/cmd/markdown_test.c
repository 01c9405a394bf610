#include "cmd/report/markdown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void empty_code_is_a_dash(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);
    const struct markdown m = { .out = &out };

    (void)state;
    markdown_code(&m, "");
    markdown_code(&m, NULL);
    markdown_code(&m, "a`b");
    assert_string_equal(buf_str(&out), "--<code>a\\`b</code>");
}

static void text_is_cut_at_its_limit(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(8192), text = BUF_INIT(8192);
    const struct markdown m = { .out = &out };

    (void)state;
    while (text.len < MARKDOWN_TEXT_MAX + 100)
        buf_addc(&text, 'x');
    markdown_text(&m, buf_str(&text));
    assert_int_equal(out.len, MARKDOWN_TEXT_MAX + strlen("…"));
    buf_reset(&out);
    const struct markdown narrow = { .out = &out, .text_max = 3 };
    markdown_text(&narrow, "abcd");
    markdown_text(&narrow, "xyz");
    assert_string_equal(buf_str(&out), "abc…xyz");
}

static void a_link_is_made_of_a_plain_web_address_only(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(4096);
    const struct markdown m = { .out = &out };

    (void)state;
    markdown_link(&m, "*run*", "https://github.com/o/r/actions/runs/7");
    markdown_raw(&m, " ");
    markdown_link(&m, NULL, "javascript:alert(1)");
    markdown_raw(&m, " ");
    markdown_link(&m, "x", "https://a/\" onclick=\"b");
    markdown_raw(&m, " ");
    markdown_html_link(&m, NULL, "http://a/*b");
    markdown_raw(&m, " ");
    markdown_html_link(&m, "<i>", "http://a/b");
    markdown_link(&m, "run", "https://github.com@evil.example/");
    markdown_link(&m, "run", "https://a/b@c");
    assert_string_equal(buf_str(&out),
                        "<a href=\"https://github.com/o/r/actions/runs/7\">\\*run\\*</a> "
                        "<code>javascript\\:alert\\(1\\)</code> "
                        "<code>https\\://a/\\\" onclick\\=\\\"b</code> <code>http://a/*b</code> "
                        "<a href=\"http://a/b\">&lt;i&gt;</a>"
                        "<code>https\\://github.com@<!-- -->evil.example/</code><a href=\"https://a/b@c\">run</a>");
}

static void digests_are_short_and_times_readable(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(4096);
    const struct markdown m = { .out = &out };

    (void)state;
    markdown_digest(&m, "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    markdown_digest(&m, "");
    markdown_digest(&m, "odd");
    markdown_raw(&m, " ");
    markdown_time(&m, "2026-01-29T03:10:02.113456789Z");
    markdown_raw(&m, ",");
    markdown_time(&m, "2026-01-29T03:10:02+01:00");
    markdown_raw(&m, ",");
    markdown_time(&m, "2026-01-29T03:10:0");
    markdown_raw(&m, ",");
    markdown_time(&m, "");
    assert_string_equal(buf_str(&out), "<code>sha256\\:0123456789ab</code>-<code>odd</code> 2026-01-29 03:10:02,"
                                       "2026-01-29T03\\:10\\:02+01\\:00,2026-01-29T03\\:10\\:0,");
}

static void a_fence_keeps_whole_last_lines(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);
    const struct markdown m = { .out = &out };

    (void)state;
    markdown_fence(&m, SPAN_LIT("first line\nsecond\nthird\n"), 16);
    assert_string_equal(buf_str(&out), "```text\nsecond\nthird\n```\n");
}

static void numbers_have_units(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);
    const struct markdown m = { .out = &out };

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
        cmocka_unit_test(a_link_is_made_of_a_plain_web_address_only),
        cmocka_unit_test(digests_are_short_and_times_readable),
        cmocka_unit_test(a_fence_keeps_whole_last_lines),
        cmocka_unit_test(numbers_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
