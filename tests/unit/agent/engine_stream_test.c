#include "agent/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void add_frame(struct buf *out, unsigned char stream, const char *text)
{
    size_t len = strlen(text);
    const unsigned char header[8] = { stream,
                                      0,
                                      0,
                                      0,
                                      (unsigned char)(len >> 24),
                                      (unsigned char)(len >> 16),
                                      (unsigned char)(len >> 8),
                                      (unsigned char)len };
    buf_add(out, header, sizeof(header));
    buf_add(out, text, len);
}

static struct span part(struct span s, size_t from, size_t to)
{
    return (struct span){ .ptr = s.ptr + from, .len = to - from };
}

/* Feed in two pieces cut at `cut` (or byte by byte when it is beyond the end) and return what is kept. */
static char *run(struct span data, size_t cut, size_t max, bool raw)
{
    struct engine_tail tail;
    struct err err = { 0 };
    struct buf out = BUF_INIT(65536);
    struct engine_demux d = { .raw = raw, .emit = engine_tail_take, .ctx = &tail, .err = &err };

    assert_int_equal(engine_tail_init(&tail, max, NULL), 0);
    if (cut <= data.len) {
        assert_int_equal(engine_demux_feed(&d, part(data, 0, cut)), 0);
        assert_int_equal(engine_demux_feed(&d, part(data, cut, data.len)), 0);
    } else {
        for (size_t i = 0; i < data.len; i++)
            assert_int_equal(engine_demux_feed(&d, part(data, i, i + 1)), 0);
    }
    engine_tail_get(&tail, &out);
    engine_tail_done(&tail);
    char *text = strdup(buf_str(&out));
    buf_done(&out);
    assert_non_null(text);
    return text;
}

static void frames_cut_at_every_byte_give_the_same_text(void **state)
{
    (void)state;
    struct buf in = BUF_INIT(65536);
    add_frame(&in, 1, "first\n");
    add_frame(&in, 2, "second, to stderr\n");
    add_frame(&in, 1, "");
    add_frame(&in, 1, "no end");
    add_frame(&in, 3, " of line\n");
    for (size_t cut = 0; cut <= in.len + 1; cut++) {
        char *text = run(buf_span(&in), cut, 4096, false);
        assert_string_equal(text, "first\nsecond, to stderr\nno end of line\n");
        free(text);
    }
    buf_done(&in);
}

static void a_frame_of_more_than_64_kib_is_one_payload(void **state)
{
    (void)state;
    struct buf in = BUF_INIT(1 << 20);
    char *big = malloc(70001);
    assert_non_null(big);
    memset(big, 'x', 70000);
    big[70000] = '\0';
    add_frame(&in, 1, big);
    add_frame(&in, 1, "\nend\n");
    char *text = run(buf_span(&in), 8, 5, false);
    assert_string_equal(text, "end\n");
    free(text);
    free(big);
    buf_done(&in);
}

static void a_terminal_has_no_frames(void **state)
{
    (void)state;
    char *text = run(SPAN_LIT("\x01\x02raw\n"), 3, 100, true);
    assert_string_equal(text, "\x01\x02raw\n");
    free(text);
}

static void a_stream_cut_inside_a_header_keeps_what_came(void **state)
{
    (void)state;
    struct buf in = BUF_INIT(4096);
    add_frame(&in, 1, "whole\n");
    buf_add(&in, "\x01\0\0", 3);
    char *text = run(buf_span(&in), 99999, 100, false);
    assert_string_equal(text, "whole\n");
    free(text);
    buf_done(&in);
}

static void assert_broken(const char *bytes)
{
    struct engine_tail tail;
    struct err err = { 0 };
    assert_int_equal(engine_tail_init(&tail, 100, NULL), 0);
    struct engine_demux d = { .emit = engine_tail_take, .ctx = &tail, .err = &err };
    assert_int_equal(engine_demux_feed(&d, (struct span){ .ptr = bytes, .len = 8 }), -(int)ERR_PROTO);
    assert_int_equal(err.kind, ERR_PROTO);
    assert_int_equal(tail.total, 0);
    engine_tail_done(&tail);
}

static void a_header_of_an_unknown_stream_is_refused(void **state)
{
    (void)state;
    assert_broken("\x04\0\0\0\0\0\0\1");
    assert_broken("GET / HT");
}

static void a_header_with_bytes_that_must_be_zero_is_refused(void **state)
{
    (void)state;
    assert_broken("\x01\1\0\0\0\0\0\1");
    assert_broken("\x01\0\1\0\0\0\0\1");
    assert_broken("\x01\0\0\1\0\0\0\1");
}

/* ---- secrets ---- */

/* What is kept of the frames, fed in pieces of every size, with one secret known. */
static void assert_hidden(struct span data, size_t max, bool raw, const char *want)
{
    struct redactor *r = NULL;
    assert_int_equal(redactor_new(&r, NULL), 0);
    assert_int_equal(redactor_add(r, SPAN_LIT("hunter2-hunter3"), NULL), 0);
    for (size_t piece = 1; piece <= data.len; piece++) {
        struct engine_tail tail;
        struct engine_demux d;
        struct err err = { 0 };
        struct buf out = BUF_INIT(65536);
        assert_int_equal(engine_tail_init(&tail, max, NULL), 0);
        engine_demux_init(&d, raw, engine_tail_take, &tail, r, &err);
        for (size_t i = 0; i < data.len; i += piece)
            assert_int_equal(engine_demux_feed(&d, part(data, i, i + piece < data.len ? i + piece : data.len)), 0);
        assert_int_equal(engine_demux_finish(&d, &err), 0);
        engine_tail_get(&tail, &out);
        assert_string_equal(buf_str(&out), want);
        engine_demux_done(&d);
        engine_tail_done(&tail);
        buf_done(&out);
    }
    redactor_free(r);
}

static void a_secret_in_two_frames_is_hidden(void **state)
{
    (void)state;
    struct buf in = BUF_INIT(65536);
    add_frame(&in, 1, "password hunter2-");
    add_frame(&in, 1, "hunter3 in use\n");
    assert_hidden(buf_span(&in), 1000, false, "password *** in use\n");
    buf_done(&in);
}

static void a_secret_in_two_frames_with_the_other_stream_between_is_hidden(void **state)
{
    (void)state;
    struct buf in = BUF_INIT(65536);
    add_frame(&in, 1, "password hunter2-");
    add_frame(&in, 2, "warning: x\n");
    add_frame(&in, 1, "hunter3 in use\n");
    assert_hidden(buf_span(&in), 1000, false, "password warning: x\n*** in use\n");
    buf_done(&in);
}

static void a_secret_that_the_ring_would_cut_is_hidden(void **state)
{
    (void)state;
    for (size_t max = 5; max < 40; max++) {
        struct buf in = BUF_INIT(65536), want = BUF_INIT(100);
        const char *shown = "one endless line, password *** in use";
        add_frame(&in, 1, "one endless line, password hunter2-hunter3 in use");
        buf_adds(&want, strlen(shown) > max ? shown + strlen(shown) - max : shown);
        assert_hidden(buf_span(&in), max, false, buf_str(&want));
        buf_done(&in);
        buf_done(&want);
    }
}

static void a_secret_on_a_terminal_is_hidden(void **state)
{
    (void)state;
    assert_hidden(SPAN_LIT("x hunter2-hunter3\ny hunter2"), 1000, true, "x ***\ny hunter2");
}

/* Add `text` in pieces of every size and compare with the rule written down once more. */
static void assert_tail(const char *text, size_t max, const char *want)
{
    size_t len = strlen(text);
    for (size_t piece = 1; piece <= len + 1; piece++) {
        struct engine_tail t;
        struct buf out = BUF_INIT(4096);
        assert_int_equal(engine_tail_init(&t, max, NULL), 0);
        for (size_t i = 0; i < len; i += piece)
            engine_tail_add(&t, (struct span){ .ptr = text + i, .len = len - i < piece ? len - i : piece });
        engine_tail_get(&t, &out);
        assert_string_equal(buf_str(&out), want);
        assert_int_equal(t.total, len);
        engine_tail_done(&t);
        buf_done(&out);
    }
}

static void a_tail_that_fits_is_kept_whole(void **state)
{
    (void)state;
    assert_tail("", 4, "");
    assert_tail("abc", 4, "abc");
    assert_tail("abcd", 4, "abcd");
    assert_tail("a\nb\n", 4, "a\nb\n");
}

static void a_tail_that_lost_bytes_begins_with_a_whole_line(void **state)
{
    (void)state;
    assert_tail("one\ntwo\nthree\n", 9, "three\n");
    assert_tail("one\ntwo\nthree\n", 10, "two\nthree\n");
    assert_tail("one\ntwo\nthree\n", 11, "two\nthree\n");
    assert_tail("one\ntwo\nthree\n", 13, "two\nthree\n");
    assert_tail("one\ntwo\nthree\n", 14, "one\ntwo\nthree\n");
    assert_tail("one\ntwo\nthree\nfo", 8, "three\nfo");
    assert_tail("one\ntwo\nthree\nfo", 7, "fo");
    assert_tail("\n\n\n\n", 2, "\n\n");
}

static void a_tail_of_one_endless_line_keeps_its_end(void **state)
{
    (void)state;
    assert_tail("abcdefghij", 4, "ghij");
    assert_tail("abcdefghi\n", 4, "ghi\n");
}

static void a_tail_of_one_byte_works(void **state)
{
    (void)state;
    assert_tail("abc", 1, "c");
    assert_tail("ab\n", 1, "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_cut_at_every_byte_give_the_same_text),
        cmocka_unit_test(a_frame_of_more_than_64_kib_is_one_payload),
        cmocka_unit_test(a_terminal_has_no_frames),
        cmocka_unit_test(a_stream_cut_inside_a_header_keeps_what_came),
        cmocka_unit_test(a_header_of_an_unknown_stream_is_refused),
        cmocka_unit_test(a_header_with_bytes_that_must_be_zero_is_refused),
        cmocka_unit_test(a_secret_in_two_frames_is_hidden),
        cmocka_unit_test(a_secret_in_two_frames_with_the_other_stream_between_is_hidden),
        cmocka_unit_test(a_secret_that_the_ring_would_cut_is_hidden),
        cmocka_unit_test(a_secret_on_a_terminal_is_hidden),
        cmocka_unit_test(a_tail_that_fits_is_kept_whole),
        cmocka_unit_test(a_tail_that_lost_bytes_begins_with_a_whole_line),
        cmocka_unit_test(a_tail_of_one_endless_line_keeps_its_end),
        cmocka_unit_test(a_tail_of_one_byte_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
