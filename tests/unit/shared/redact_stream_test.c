/* Text in pieces, and text that was cut. */
#include "shared/redact.h"

#include "shared/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct redactor *redactor;

static int new_redactor(void **state)
{
    (void)state;
    return redactor_new(&redactor, NULL);
}

static int free_redactor(void **state)
{
    (void)state;
    redactor_free_p(&redactor);
    return 0;
}

static void add(const char *secret)
{
    assert_int_equal(redactor_add(redactor, span_of(secret), NULL), 0);
}

static void feed(struct redact_stream *s, const char *text, struct buf *out)
{
    redact_stream_feed(s, span_of(text), out);
}

/* Before the text stand so many other bytes that it may have been cut. */
static void assert_cut_becomes(const char *text, const char *want)
{
    _cleanup_(buf_done) struct buf long_text = BUF_INIT(1000), out = BUF_INIT(1000);
    buf_addf(&long_text, "%0*d%s", REDACT_CUT_MIN, 0, text);
    redactor_apply_cut(redactor, buf_span(&long_text), &out);
    assert_string_equal(buf_str(&out) + REDACT_CUT_MIN, want);
}

static void a_stream_gives_the_same_wherever_it_is_split(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "plain text of some length, nothing in it",
        "hunter2-hunter3",
        "xhunter2-hunter3hunter2-hunter3x",
        "hunter2-hunter2-hunter3-",
        "aHVudGVyMi1odW50ZXIz and 68756e746572322d68756e74657233 and hunter2-hunte",
        "overlap hunter2-hunter3-and-more of two",
        "first line\nsecond line\nfirst line\nsecond lin",
    };
    add("hunter2-hunter3");
    add("hunter3-and-more");
    add("first line\nsecond line");
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
        struct span text = span_of(texts[t]);
        _cleanup_(buf_done) struct buf whole = BUF_INIT(1000);
        redactor_apply(redactor, text, &whole);
        for (size_t a = 0; a <= text.len; a++) {
            for (size_t b = a; b <= text.len; b++) {
                _cleanup_(buf_done) struct buf out = BUF_INIT(1000);
                _cleanup_(redact_stream_done) struct redact_stream s;
                redact_stream_init(&s, redactor);
                redact_stream_feed(&s, (struct span){ text.ptr, a }, &out);
                redact_stream_feed(&s, (struct span){ text.ptr + a, b - a }, &out);
                redact_stream_feed(&s, (struct span){ text.ptr + b, text.len - b }, &out);
                redact_stream_finish(&s, &out);
                if (strcmp(buf_str(&out), buf_str(&whole)) != 0)
                    fail_msg("split at %zu and %zu: '%s', whole '%s'", a, b, buf_str(&out), buf_str(&whole));
            }
        }
    }
}

static void a_stream_byte_by_byte_gives_the_same(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf text = BUF_INIT(100000), whole = BUF_INIT(100000), out = BUF_INIT(100000);
    _cleanup_(redact_stream_done) struct redact_stream s;
    add("hunter2-hunter3");
    for (int i = 0; i < 300; i++) {
        buf_addf(&text, "%d hunter2-%s", i, i % 3 ? "hunter3" : "");
        crypto_base64_encode(SPAN_LIT("u:hunter2-hunter3"), CRYPTO_BASE64, &text);
    }
    redactor_apply(redactor, buf_span(&text), &whole);
    redact_stream_init(&s, redactor);
    for (size_t i = 0; i < text.len; i++)
        redact_stream_feed(&s, (struct span){ text.ptr + i, 1 }, &out);
    redact_stream_finish(&s, &out);
    assert_string_equal(buf_str(&out), buf_str(&whole));
}

static void only_what_may_begin_a_secret_is_held_back(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf out = BUF_INIT(1000);
    _cleanup_(redact_stream_done) struct redact_stream s;
    add("hunter2-hunter3");
    redact_stream_init(&s, redactor);
    feed(&s, "a line of the log\n", &out);
    assert_string_equal(buf_str(&out), "a line of the log\n");
    assert_int_equal(s.held.len, 0);
    feed(&s, "hunter2-hun", &out);
    assert_string_equal(buf_str(&out), "a line of the log\n");
    assert_int_equal(s.held.len, 11);
    feed(&s, "dred", &out);
    assert_string_equal(buf_str(&out), "a line of the log\nhunter2-hundred");
    feed(&s, "hunter2-hunter3.", &out);
    redact_stream_finish(&s, &out);
    assert_string_equal(buf_str(&out), "a line of the log\nhunter2-hundred***.");
}

static void a_long_piece_is_taken_in_slices(void **state)
{
    (void)state;
    size_t size = (size_t)4 << 20;
    _cleanup_(buf_done) struct buf text = BUF_INIT(size + 100), out = BUF_INIT(size + 100);
    _cleanup_(redact_stream_done) struct redact_stream s;
    add("hunter2-hunter3");
    while (text.len < size)
        buf_adds(&text, "0123456789abcdef hunter2-hunter3\n");
    redact_stream_init(&s, redactor);
    redact_stream_feed(&s, buf_span(&text), &out);
    assert_true(s.held.cap < 256 * 1024);
    redact_stream_finish(&s, &out);
    assert_int_equal(out.len, text.len / 33 * 21);
    assert_null(strstr(buf_str(&out), "hunter2"));
}

static void a_secret_added_while_a_stream_is_open_holds_from_what_is_held_back(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf out = BUF_INIT(1000);
    _cleanup_(redact_stream_done) struct redact_stream s;
    add("token-begin");
    redact_stream_init(&s, redactor);
    feed(&s, "later-secret token-", &out);
    assert_string_equal(buf_str(&out), "later-secret ");
    add("later-secret");
    add("token-other");
    feed(&s, "other later-secret", &out);
    redact_stream_finish(&s, &out);
    assert_string_equal(buf_str(&out), "later-secret *** ***");
}

static void the_first_secret_may_come_while_a_stream_is_open(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf out = BUF_INIT(1000);
    _cleanup_(redact_stream_done) struct redact_stream s;
    redact_stream_init(&s, redactor);
    feed(&s, "abc", &out);
    assert_string_equal(buf_str(&out), "abc");
    add("hunter2-hunter3");
    feed(&s, "hunter2-hunter3", &out);
    redact_stream_finish(&s, &out);
    assert_string_equal(buf_str(&out), "abc***");
}

static void a_stream_without_a_redactor_copies(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf out = BUF_INIT(1000);
    _cleanup_(redact_stream_done) struct redact_stream s;
    redact_stream_init(&s, NULL);
    feed(&s, "text", &out);
    redact_stream_finish(&s, &out);
    assert_string_equal(buf_str(&out), "text");
}

static void a_stream_begins_anew_after_its_end(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf out = BUF_INIT(1000);
    _cleanup_(redact_stream_done) struct redact_stream s;
    add("hunter2-hunter3");
    redact_stream_init(&s, redactor);
    feed(&s, "hunter2-", &out);
    redact_stream_finish(&s, &out);
    feed(&s, "hunter3 hunter2-hunter3", &out);
    redact_stream_finish(&s, &out);
    assert_string_equal(buf_str(&out), "hunter2-hunter3 ***");
}

/* ---- text that was cut ---- */

static void the_beginning_of_a_secret_at_a_cut_is_hidden(void **state)
{
    (void)state;
    add("hunter2-hunter3");
    assert_cut_becomes("password is hunter2-hun", "password is ***");
    assert_cut_becomes("password is hunter2-", "password is ***");
    assert_cut_becomes("password is hunter2", "password is hunter2"); /* too short to tell */
    assert_cut_becomes("hunter2-hun ", "hunter2-hun ");
    assert_cut_becomes("hunter2-hunter3 hunter2-hunter", "*** ***");
    assert_cut_becomes("basic aHVudGVyMi1", "basic ***");
}

static void the_end_of_a_text_that_nobody_cut_stays(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf out = BUF_INIT(1000);
    add("mexc-sniper-prod-password");
    redactor_apply_cut(redactor, span_of("registry.example.com/mexc-sniper"), &out);
    assert_string_equal(buf_str(&out), "registry.example.com/mexc-sniper");
    redactor_apply_cut(redactor, span_of(", mexc-sniper-prod-password"), &out);
    assert_string_equal(buf_str(&out), "registry.example.com/mexc-sniper, ***");
}

static void texts_of_an_error_are_cleaned_one_by_one(void **state)
{
    (void)state;
    char text[1000];
    struct err e = { 0 };
    add("hunter2-hunter3");
    (void)err_set(
        &e, ERR_NET, 0,
        "call https://host/a/path/that/is/so/long/that/the/array/may/well/have/cut/what/follows/?token=hunter2-hunt");
    (void)err_wrap(&e, "say hunter2-hunter3 twice");
    err_hint(&e, "not hunter2-hunter3");
    redactor_clean_err(redactor, &e);
    assert_string_equal(err_text(&e, text, sizeof(text)),
                        "say *** twice: call "
                        "https://host/a/path/that/is/so/long/that/the/array/may/well/have/cut/what/follows/?token=***");
    assert_string_equal(err_hint_text(&e), "not ***");
    assert_int_equal(e.kind, ERR_NET);
}

#define REDACTOR_TEST(f) cmocka_unit_test_setup_teardown(f, new_redactor, free_redactor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDACTOR_TEST(a_stream_gives_the_same_wherever_it_is_split),
        REDACTOR_TEST(a_stream_byte_by_byte_gives_the_same),
        REDACTOR_TEST(only_what_may_begin_a_secret_is_held_back),
        REDACTOR_TEST(a_long_piece_is_taken_in_slices),
        REDACTOR_TEST(a_secret_added_while_a_stream_is_open_holds_from_what_is_held_back),
        REDACTOR_TEST(the_first_secret_may_come_while_a_stream_is_open),
        REDACTOR_TEST(a_stream_without_a_redactor_copies),
        REDACTOR_TEST(a_stream_begins_anew_after_its_end),
        REDACTOR_TEST(the_beginning_of_a_secret_at_a_cut_is_hidden),
        REDACTOR_TEST(the_end_of_a_text_that_nobody_cut_stays),
        REDACTOR_TEST(texts_of_an_error_are_cleaned_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
