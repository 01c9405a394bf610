#include "shared/safetext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_line(struct span text, const char *want)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(65536);

    safetext_line(text, &out);
    assert_string_equal(buf_str(&out), want);
}

static void assert_markdown(const char *text, const char *want)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(65536);

    safetext_markdown(span_of(text), &out);
    assert_string_equal(buf_str(&out), want);
}

static void ordinary_text_stays_as_it_is(void **state)
{
    (void)state;
    assert_line(SPAN_LIT("2026-01-29 INFO Caf\xc3\xa9 \xe2\x9c\x93 #1 [ok] std::vector\t100%"),
                "2026-01-29 INFO Caf\xc3\xa9 \xe2\x9c\x93 #1 [ok] std::vector\t100%");
}

static void emoji_with_joiners_stay_whole(void **state)
{
    (void)state;
    assert_line(SPAN_LIT("\xe2\x9a\xa0\xef\xb8\x8f x"), "\xe2\x9a\xa0\xef\xb8\x8f x");
}

static void control_bytes_become_pictures(void **state)
{
    (void)state;
    assert_line(SPAN_LIT("a\x1b[31mb\x07\0\x7f\r\n"),
                "a\xe2\x90\x9b[31mb\xe2\x90\x87\xe2\x90\x80\xe2\x90\xa1\xe2\x90\x8d\xe2\x90\x8a");
}

static void c1_and_bidi_controls_become_replacement_characters(void **state)
{
    (void)state;
    assert_line(SPAN_LIT("a\xc2\x9b\xe2\x80\xae"
                         "b\xe2\x81\xa6\xd8\x9c"),
                "a\xef\xbf\xbd\xef\xbf\xbd"
                "b\xef\xbf\xbd\xef\xbf\xbd");
}

static void hidden_characters_are_shown_after_wide_ones_too(void **state)
{
    (void)state;
    assert_line(SPAN_LIT("\xc3\xa9\xe2\x80\xae\xc3\xa9\xc2\x9b\xc3\xa9\xe2\x80\x8b"),
                "\xc3\xa9\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd");
}

static void invalid_utf8_becomes_replacement_characters(void **state)
{
    (void)state;
    assert_line(SPAN_LIT("\xff"
                         "a\xc0\xba\xed\xa0\x80"
                         "b\xe2\x82"),
                "\xef\xbf\xbd"
                "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                "b\xef\xbf\xbd\xef\xbf\xbd");
}

static void hash_bracket_is_broken_anywhere(void **state)
{
    (void)state;
    assert_line(SPAN_LIT("a ##[error]b"), "a ## [error]b");
    assert_line(SPAN_LIT("###[x]##[y]"), "### [x]## [y]");
}

static void double_colon_is_broken_at_the_start_only(void **state)
{
    (void)state;
    assert_line(SPAN_LIT("  ::error::x"), "  : :error::x");
    assert_line(SPAN_LIT("a ::error::x"), "a ::error::x");
}

static void every_single_byte_gives_valid_text_without_controls(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        _cleanup_(buf_done_p) struct buf out = BUF_INIT(16);
        safetext_line((struct span){ &byte, 1 }, &out);
        assert_true(out.len >= 1);
        assert_true((unsigned char)out.ptr[0] >= 0x20 || c == '\t');
        assert_true(c < 0x80 || out.len == 3); /* alone, none of them is a character */
    }
}

static void cutting_a_text_at_every_byte_never_reads_past_its_end(void **state)
{
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80##[::\xe2\x80\x8b";

    (void)state;
    for (size_t n = 0; n < sizeof(text); n++) {
        char *exact = malloc(n ? n : 1);
        _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);
        assert_non_null(exact);
        memcpy(exact, text, n);
        safetext_line((struct span){ exact, n }, &out);
        assert_false(out.failed);
        free(exact);
    }
}

static void lines_end_at_lf_crlf_and_cr(void **state)
{
    struct span rest = SPAN_LIT("a\nb\r\nc\rd\r\r\n"), line;
    const char *want[] = { "a", "b", "c", "d", "" };
    size_t n = 0;

    (void)state;
    while (safetext_next_line(&rest, &line)) {
        assert_true(n < 5);
        assert_true(span_eq(line, want[n++]));
    }
    assert_int_equal(n, 5);
}

static void markdown_syntax_is_escaped(void **state)
{
    (void)state;
    assert_markdown("*a* _b_ `c` [d](e) |f| ~g~ #h", "\\*a\\* \\_b\\_ \\`c\\` \\[d\\]\\(e\\) \\|f\\| \\~g\\~ \\#h");
}

static void html_is_escaped(void **state)
{
    (void)state;
    assert_markdown("<img src=x onerror=alert(1)> &lt;", "&lt;img src\\=x onerror\\=alert\\(1\\)&gt; &amp;lt;");
}

static void lists_and_rules_at_the_start_are_escaped(void **state)
{
    (void)state;
    assert_markdown("- a", "\\- a");
    assert_markdown("+ a", "\\+ a");
    assert_markdown("12. a", "12\\. a");
    assert_markdown("--- a-b 1.2", "\\--- a-b 1.2");
}

static void links_are_not_made_of_addresses(void **state)
{
    (void)state;
    assert_markdown("https://evil.example www.evil.example @user",
                    "https\\://evil.example www\\.evil.example @<!-- -->user");
}

static void line_ends_cannot_end_a_table_row(void **state)
{
    (void)state;
    assert_markdown("a\n| b |\r\nc", "a\xe2\x90\x8a\\| b \\|\xe2\x90\x8d\xe2\x90\x8a"
                                     "c");
}

static void leading_blanks_make_no_code_block(void **state)
{
    (void)state;
    assert_markdown("     x\t\ty  ", "x  y");
}

static void html_text_is_escaped_for_tags(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);

    (void)state;
    safetext_html(SPAN_LIT("</summary><b>\"x\" & *y*"), &out);
    assert_string_equal(buf_str(&out), "&lt;/summary&gt;&lt;b&gt;&quot;x&quot; &amp; *y*");
}

static void a_fence_is_longer_than_any_inside(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);

    (void)state;
    safetext_fence(SPAN_LIT("a\n````\n</details>"), &out);
    assert_string_equal(buf_str(&out), "`````text\na\n````\n</details>\n`````\n");
}

static void a_chart_gets_words_only(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(256);

    (void)state;
    safetext_mermaid(SPAN_LIT("Pull: a;b#c\n```%%{init}"), &out);
    assert_string_equal(buf_str(&out), "Pull  a b c       init ");
}

static void cutting_keeps_characters_whole(void **state)
{
    (void)state;
    assert_int_equal(safetext_cut(SPAN_LIT("a\xe2\x82\xac"), 4).len, 4);
    assert_int_equal(safetext_cut(SPAN_LIT("a\xe2\x82\xac"), 3).len, 1);
    assert_int_equal(safetext_cut(SPAN_LIT("a\xe2\x82\xac"), 1).len, 1);
    assert_int_equal(safetext_cut(SPAN_LIT("abc"), 0).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_text_stays_as_it_is),
        cmocka_unit_test(emoji_with_joiners_stay_whole),
        cmocka_unit_test(control_bytes_become_pictures),
        cmocka_unit_test(c1_and_bidi_controls_become_replacement_characters),
        cmocka_unit_test(hidden_characters_are_shown_after_wide_ones_too),
        cmocka_unit_test(invalid_utf8_becomes_replacement_characters),
        cmocka_unit_test(hash_bracket_is_broken_anywhere),
        cmocka_unit_test(double_colon_is_broken_at_the_start_only),
        cmocka_unit_test(every_single_byte_gives_valid_text_without_controls),
        cmocka_unit_test(cutting_a_text_at_every_byte_never_reads_past_its_end),
        cmocka_unit_test(lines_end_at_lf_crlf_and_cr),
        cmocka_unit_test(markdown_syntax_is_escaped),
        cmocka_unit_test(html_is_escaped),
        cmocka_unit_test(lists_and_rules_at_the_start_are_escaped),
        cmocka_unit_test(links_are_not_made_of_addresses),
        cmocka_unit_test(line_ends_cannot_end_a_table_row),
        cmocka_unit_test(leading_blanks_make_no_code_block),
        cmocka_unit_test(html_text_is_escaped_for_tags),
        cmocka_unit_test(a_fence_is_longer_than_any_inside),
        cmocka_unit_test(a_chart_gets_words_only),
        cmocka_unit_test(cutting_keeps_characters_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
