#include "shared/redact.h"

#include "shared/clock.h"
#include "shared/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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

static void assert_becomes(const char *text, const char *want)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(100000);
    redactor_apply(redactor, span_of(text), &out);
    assert_string_equal(buf_str(&out), want);
}

static void text_without_secrets_stays(void **state)
{
    (void)state;
    add("hunter2hunter2");
    assert_becomes("pulled image app:1.2\nhealthy\n", "pulled image app:1.2\nhealthy\n");
    assert_becomes("", "");
    assert_becomes("hun", "hun");
}

static void every_occurrence_is_replaced(void **state)
{
    (void)state;
    add("hunter2");
    assert_becomes("hunter2", "***");
    assert_becomes("a hunter2 b hunter2", "a *** b ***");
    assert_becomes("hunter2hunter2", "******");
    assert_becomes("hunterhunter2", "hunter***");
    assert_becomes("hunter", "hunter");
}

static void without_a_redactor_text_is_copied(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf out = BUF_INIT(100);
    buf_adds(&out, "before ");
    redactor_apply(NULL, SPAN_LIT("text"), &out);
    assert_string_equal(buf_str(&out), "before text");
}

static void short_values_are_left_alone(void **state)
{
    (void)state;
    add("");
    add("a");
    add("abc");
    assert_becomes("abc a 616263 YWJj", "abc a 616263 YWJj");
}

static void values_of_four_bytes_are_hidden(void **state)
{
    (void)state;
    add("abcd");
    assert_becomes("xabcdx", "x***x");
}

static void the_longest_secret_wins(void **state)
{
    (void)state;
    add("secret");
    add("secret-and-more");
    assert_becomes("secret secret-and-more secret-and", "*** *** ***-and");
}

static void overlapping_secrets_are_hidden_together(void **state)
{
    (void)state;
    add("abcdefgh");
    add("efghijkl");
    assert_becomes("<abcdefghijkl>", "<***>");
}

static void a_secret_inside_another_does_not_end_it(void **state)
{
    (void)state;
    add("cdef");
    add("abcdefghij");
    assert_becomes("abcdefghij", "***");
    assert_becomes("abcdefgh", "ab***gh");
}

static void lines_of_a_secret_are_hidden_one_by_one(void **state)
{
    (void)state;
    add("first-line-1\r\nsecond-line\nshort\n");
    assert_becomes("a first-line-1 b second-line c short", "a *** b *** c short");
}

static void the_armour_of_a_key_stays_readable(void **state)
{
    (void)state;
    add("-----BEGIN KEY-----\nbase64base64\n-----END KEY-----\n");
    assert_becomes("no -----BEGIN KEY----- here", "no -----BEGIN KEY----- here");
    assert_becomes("line base64base64", "line ***");
    assert_becomes("-----BEGIN KEY-----\nbase64base64\n-----END KEY-----", "***");
}

static void a_secret_is_also_known_without_its_last_newline(void **state)
{
    (void)state;
    add("hunter2\n");
    assert_becomes("is hunter2.", "is ***.");
}

static void percent_encoded_secrets_are_hidden(void **state)
{
    (void)state;
    add("p@ss w\xc3\xb6rd!");
    assert_becomes("u=p%40ss%20w%C3%B6rd%21&x", "u=***&x");
    assert_becomes("u=p%40ss%20w%c3%b6rd%21&x", "u=***&x");
    assert_becomes("u=p%40ss+w%C3%B6rd%21&x", "u=***&x");
    assert_becomes("u=p%40ss%20w%C3%B6rd!&x", "u=***&x");
}

static void json_escaped_secrets_are_hidden(void **state)
{
    (void)state;
    add("a\"b\\c\nd\te<f>&\x01");
    assert_becomes("{\"v\":\"a\\\"b\\\\c\\nd\\te<f>&\\u0001\"}", "{\"v\":\"***\"}");
    assert_becomes("{\"v\":\"a\\\"b\\\\c\\nd\\te\\u003cf\\u003e\\u0026\\u0001\"}", "{\"v\":\"***\"}");
}

static void hex_of_secrets_is_hidden(void **state)
{
    (void)state;
    add("key\xfe\xff!");
    assert_becomes("0x6b6579feff21", "0x***");
    assert_becomes("0x6B6579FEFF21", "0x***");
}

/* Base64 of neighbours of every length around the secret: none may let it through. */
static void assert_base64_hides(const char *secret, enum crypto_base64 alphabet)
{
    for (size_t before = 0; before < 7; before++) {
        for (size_t after = 0; after < 7; after++) {
            _cleanup_(buf_done) struct buf plain = BUF_INIT(1000);
            _cleanup_(buf_done) struct buf coded = BUF_INIT(1000);
            _cleanup_(buf_done) struct buf out = BUF_INIT(1000);
            buf_add(&plain, "user:u", before > 6 ? 6 : before);
            buf_adds(&plain, secret);
            buf_add(&plain, "\",\"ser", after > 6 ? 6 : after);
            crypto_base64_encode(buf_span(&plain), alphabet, &coded);
            redactor_apply(redactor, buf_span(&coded), &out);
            /* of the secret's digits at most the two at its ends, shared with neighbours, stay */
            if (!strstr(buf_str(&out), "***") || out.len > coded.len - strlen(secret) * 4 / 3 + 3 + 3)
                fail_msg("'%s' became '%s'", buf_str(&coded), buf_str(&out));
        }
    }
}

static void base64_hides_at_every_alignment(void **state)
{
    (void)state;
    add("hunter2-hunter3");
    assert_base64_hides("hunter2-hunter3", CRYPTO_BASE64);
    assert_base64_hides("hunter2-hunter3", CRYPTO_BASE64URL);
}

static void base64_of_bytes_with_special_digits_hides(void **state)
{
    (void)state;
    add("\xff\xfe\xfb\xef\xbe\xfb\xef\xbe\xff");
    assert_base64_hides("\xff\xfe\xfb\xef\xbe\xfb\xef\xbe\xff", CRYPTO_BASE64);
    assert_base64_hides("\xff\xfe\xfb\xef\xbe\xfb\xef\xbe\xff", CRYPTO_BASE64URL);
}

static void base64_of_the_whole_value_goes_with_its_padding(void **state)
{
    (void)state;
    add("hunter2");
    assert_becomes("aHVudGVyMg==", "***");
    assert_becomes("aHVudGVyMg", "***g");
}

static void base64_that_was_folded_is_hidden_line_by_line(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf secret = BUF_INIT(1000);
    _cleanup_(buf_done) struct buf coded = BUF_INIT(1000);
    for (int i = 0; i < 30; i++)
        buf_addf(&secret, "part%d-", i * 7);
    add(buf_str(&secret));
    crypto_base64_encode(buf_span(&secret), CRYPTO_BASE64, &coded);
    for (size_t width = 64; width <= 76; width += 12) {
        for (size_t at = 0; at + width <= coded.len; at += width) {
            _cleanup_(buf_done) struct buf out = BUF_INIT(1000);
            redactor_apply(redactor, (struct span){ .ptr = coded.ptr + at, .len = width }, &out);
            assert_string_equal(buf_str(&out), "***");
        }
    }
}

static void bytes_that_are_no_text_work_too(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf out = BUF_INIT(100);
    assert_int_equal(redactor_add(redactor, SPAN_LIT("a\0b\0c"), NULL), 0);
    redactor_apply(redactor, SPAN_LIT("\0a\0b\0c\0"), &out);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.ptr, "\0***\0", 5);
}

static void a_secret_cut_off_at_the_end_of_the_text_is_no_match(void **state)
{
    (void)state;
    add("hunter2hunter2");
    static const char exact[] = { 'x', 'h', 'u', 'n', 't', 'e', 'r', '2', 'h', 'u', 'n', 't' };
    _cleanup_(buf_done) struct buf out = BUF_INIT(100);
    redactor_apply(redactor, (struct span){ .ptr = exact, .len = sizeof(exact) }, &out);
    assert_int_equal(out.len, sizeof(exact));
}

static void many_secrets_with_one_beginning_are_told_apart(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        char secret[40];
        (void)snprintf(secret, sizeof(secret), "same-beginning-%d-", i);
        add(secret);
        add(secret);
    }
    assert_becomes("same-beginning-7- same-beginning-499-x same-beginning-500-", "*** ***x same-beginning-500-");
}

static void more_lines_than_can_be_held_are_refused(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf secret = BUF_INIT(10 * 1024 * 1024);
    for (int i = 0; i < REDACT_FORMS_MAX + 10; i++)
        buf_addf(&secret, "%05x-line\n", (i * 9973) & 0xfffff);
    struct err err = { 0 };
    assert_int_equal(redactor_add(redactor, buf_span(&secret), &err), -ERR_NOMEM);
}

static void an_output_that_is_full_is_told_by_the_buffer(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf out = BUF_INIT(5);
    add("hunter2");
    redactor_apply(redactor, SPAN_LIT("a hunter2 b"), &out);
    assert_int_equal(buf_check(&out, NULL), -ERR_NOMEM);
}

static void twenty_secrets_do_not_slow_a_log_down(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        char secret[60];
        (void)snprintf(secret, sizeof(secret), "%dsecret-%d-value-with-some-length/%d", i, i * i, i);
        add(secret);
    }
    _cleanup_(buf_done) struct buf log = BUF_INIT(16 * 1024 * 1024);
    _cleanup_(buf_done) struct buf out = BUF_INIT(16 * 1024 * 1024);
    while (log.len < 8 * 1024 * 1024)
        buf_addf(&log, "2026-01-29T03:10:02.113Z INFO request %zu GET /index.html 200\n", log.len);
    int64_t start = clock_mono_ms();
    redactor_apply(redactor, buf_span(&log), &out);
    int64_t took = clock_mono_ms() - start;
    assert_int_equal(out.len, log.len);
    if (took > 4000) /* 2 MB/s: a slow machine under a sanitizer still passes, a scan per secret not */
        fail_msg("8 MiB took %lld ms", (long long)took);
}

#define REDACTOR_TEST(f) cmocka_unit_test_setup_teardown(f, new_redactor, free_redactor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDACTOR_TEST(text_without_secrets_stays),
        REDACTOR_TEST(every_occurrence_is_replaced),
        REDACTOR_TEST(without_a_redactor_text_is_copied),
        REDACTOR_TEST(short_values_are_left_alone),
        REDACTOR_TEST(values_of_four_bytes_are_hidden),
        REDACTOR_TEST(the_longest_secret_wins),
        REDACTOR_TEST(overlapping_secrets_are_hidden_together),
        REDACTOR_TEST(a_secret_inside_another_does_not_end_it),
        REDACTOR_TEST(lines_of_a_secret_are_hidden_one_by_one),
        REDACTOR_TEST(the_armour_of_a_key_stays_readable),
        REDACTOR_TEST(a_secret_is_also_known_without_its_last_newline),
        REDACTOR_TEST(percent_encoded_secrets_are_hidden),
        REDACTOR_TEST(json_escaped_secrets_are_hidden),
        REDACTOR_TEST(hex_of_secrets_is_hidden),
        REDACTOR_TEST(base64_hides_at_every_alignment),
        REDACTOR_TEST(base64_of_bytes_with_special_digits_hides),
        REDACTOR_TEST(base64_of_the_whole_value_goes_with_its_padding),
        REDACTOR_TEST(base64_that_was_folded_is_hidden_line_by_line),
        REDACTOR_TEST(bytes_that_are_no_text_work_too),
        REDACTOR_TEST(a_secret_cut_off_at_the_end_of_the_text_is_no_match),
        REDACTOR_TEST(many_secrets_with_one_beginning_are_told_apart),
        REDACTOR_TEST(more_lines_than_can_be_held_are_refused),
        REDACTOR_TEST(an_output_that_is_full_is_told_by_the_buffer),
        REDACTOR_TEST(twenty_secrets_do_not_slow_a_log_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
