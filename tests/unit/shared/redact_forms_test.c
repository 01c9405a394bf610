/* Every encoding, against a second writing of all of them (tests/unit/shared/encoder.c). */
#include "shared/redact_forms.h"

#include "shared/redact.h"

#include "tests/unit/shared/encoder.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define KEY                                                                                                            \
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"                                                                            \
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"                                         \
    "QyNTUxOQAAACBkD5g6qPqQ1fVfYBd0cmQv7+z7m9KQ0p1m4Kk1Hq8JXwAAAJgL0k5/C9JO\n"                                         \
    "fwAAAAtzc2gtZWQyNTUxOQ==\n"                                                                                       \
    "-----END OPENSSH PRIVATE KEY-----\n"

/* What people have for secrets, and what gets in the way of an encoding. */
static const char *const secrets[] = {
    "hunter2-hunter3",
    "p@ss w\xc3\xb6rd!",
    "a\"b\\c'd`e$f&g<h>i/j+k%l=m;n|o*p?q[r]s{t}u(v)w~x#y^z,0.1-2_3:4",
    "\xe2\x82\xac\xf0\x9f\x94\x91 key",
    "{\"user\":\"deploy\",\"password\":\"s3cr3t/+&<>\"}",
    "tab\there and \x1b escape, bell \x07",
    "postgres://app:S3cr3t%2F@db.internal:5432/prod?sslmode=require",
    "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
    " surrounded by blanks, one \n",
    "first line of two\r\nsecond line of two\r\n",
    "#begins with a sign",
    "every digit >>>>>>>>>?????????",
    KEY,
};
#define SECRETS (sizeof(secrets) / sizeof(secrets[0]))

struct check {
    const struct redactor *r;
    size_t seen;
};

/* Alone, among text, and twice: it is gone, and the text is there. */
static void assert_hidden(void *ctx, const char *form, size_t len)
{
    struct check *check = ctx;
    struct span hidden = { .ptr = form, .len = len };
    _cleanup_(buf_done) struct buf text = BUF_INIT(100000);
    _cleanup_(buf_done) struct buf out = BUF_INIT(100000);
    buf_adds(&text, "GET <");
    buf_add_span(&text, hidden);
    buf_adds(&text, "> \xc3\xa9 <");
    buf_add_span(&text, hidden);
    buf_adds(&text, "> 200");
    redactor_apply(check->r, buf_span(&text), &out);
    if (memmem(buf_str(&out), out.len, form, len) || !span_starts(buf_span(&out), "GET <") ||
        !memmem(buf_str(&out), out.len, "> \xc3\xa9 <", 6) || memcmp(out.ptr + out.len - 5, "> 200", 5) != 0)
        fail_msg("'%.*s' became '%s'", (int)len, form, buf_str(&out));
    check->seen++;
}

static void every_secret_is_hidden_whole_and_by_line_in_every_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < SECRETS; i++) {
        _cleanup_(redactor_free_p) struct redactor *r = NULL;
        assert_int_equal(redactor_new(&r, NULL), 0);
        assert_int_equal(redactor_add(r, span_of(secrets[i]), NULL), 0);
        struct check check = { .r = r };
        encoder_secret(secrets[i], strlen(secrets[i]), assert_hidden, &check);
        assert_true(check.seen >= encoder_count());
    }
}

static void all_secrets_together_are_hidden_as_well(void **state)
{
    (void)state;
    _cleanup_(redactor_free_p) struct redactor *r = NULL;
    assert_int_equal(redactor_new(&r, NULL), 0);
    for (size_t i = 0; i < SECRETS; i++)
        assert_int_equal(redactor_add(r, span_of(secrets[i]), NULL), 0);
    struct check check = { .r = r };
    for (size_t i = 0; i < SECRETS; i++)
        encoder_secret(secrets[i], strlen(secrets[i]), assert_hidden, &check);
}

/* ---- the two tables say the same ---- */

struct list {
    char *text[4096];
    size_t len[4096];
    size_t n;
};

static void list_add(void *ctx, const char *form, size_t len)
{
    struct list *l = ctx;
    assert_true(l->n < 4096);
    l->text[l->n] = malloc(len + 1);
    assert_non_null(l->text[l->n]);
    memcpy(l->text[l->n], form, len);
    l->len[l->n++] = len;
}

static bool list_has(const struct list *l, struct span form)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->len[i] == form.len && memcmp(l->text[i], form.ptr, form.len) == 0)
            return true;
    return false;
}

static void list_done(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->text[i]);
    free(l);
}

static int program_list_add(void *ctx, struct span form, struct err *err)
{
    (void)err;
    if (form.len >= REDACT_MIN)
        list_add(ctx, form.ptr, form.len);
    return 0;
}

static void both_tables_know_the_same_forms(void **state)
{
    (void)state;
    size_t count = 0;
    const struct redact_encoding *table = redact_encodings(&count);
    for (size_t s = 0; s < SECRETS; s++) {
        struct list *program = calloc(1, sizeof(*program)), *second = calloc(1, sizeof(*second));
        size_t len = strlen(secrets[s]);
        assert_true(program && second);
        for (size_t i = 0; i < encoder_count(); i++)
            encoder_forms(i, secrets[s], len, list_add, second);
        for (size_t i = 0; i < count; i++) {
            size_t before = program->n;
            assert_int_equal(redact_encode(&table[i], span_of(secrets[s]), program_list_add, program, NULL), 0);
            bool cut = strstr(table[i].name, "a line") != NULL; /* folds of what is cut off at the end come on top */
            for (size_t f = before; f < program->n && !cut; f++)
                if (!list_has(second, (struct span){ program->text[f], program->len[f] }))
                    fail_msg("%s of '%s': only the program knows '%.*s'", table[i].name, secrets[s],
                             (int)program->len[f], program->text[f]);
        }
        for (size_t f = 0; f < second->n; f++)
            if (!list_has(program, (struct span){ second->text[f], second->len[f] }))
                fail_msg("'%s': only the second table knows '%.*s'", secrets[s], (int)second->len[f], second->text[f]);
        list_done(program);
        list_done(second);
    }
}

static void the_table_has_many_rows_with_names_of_their_own(void **state)
{
    (void)state;
    size_t count = 0;
    const struct redact_encoding *table = redact_encodings(&count);
    assert_true(count >= 60);
    assert_string_equal(table[0].name, "as it is");
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(table[i].name, table[j].name);
}

/* ---- by hand, so that both tables cannot share a mistake ---- */

static void known_answers(void **state)
{
    static const struct {
        const char *name, *value, *form;
    } rows[] = {
        { "base64", "hunter2", "aHVudGVyMg==" },
        { "base32", "foobar", "MZXW6YTBO" },
        { "hex", "a\xff", "61ff" },
        { "HEX with colons", "k\xe9y", "6B:E9:79" },
        { "hex in pairs, 8 a line", "0123456789abcdefghi", "3031 3233 3435 3637 3839 6162 6364 6566" },
        { "hex with blanks, 8 a line", "0123456789", "30 31 32 33 34 35 36 37" },
        { "octal escapes", "a\xff", "\\141\\377" },
        { "URI", "a b/\xc3\xa9", "a%20b%2F%C3%A9" },
        { "encodeURI", "a b/?&=c", "a%20b/?&=c" },
        { "URI of URI", "a/b c", "a%252Fb%2520c" },
        { "JSON of PHP", "a/\xc3\xa9", "a\\/\\u00e9" },
        { "JSON in ASCII", "\xf0\x9f\x94\x91", "\\ud83d\\udd11" },
        { "JSON of .NET", "a'b+", "a\\u0027b\\u002B" },
        { "JSON of JSON", "a\"b\n", "a\\\\\\\"b\\\\n" },
        { "HTML of Go", "a'b\"<", "a&#39;b&#34;&lt;" },
        { "shell, single quotes", "it's", "it'\\''s" },
        { "shell, mixed quotes", "it's", "it'\"'\"'s" },
        { "shell, backslashes", "a b$c", "a\\ b\\$c" },
        { "shell, ANSI-C quotes", "a'\n\x01", "a\\'\\n\\001" },
        { "ls -b", "a b\xff", "a\\ b\\377" },
        { "cat -v", "a\x01\xe9\x7f", "a^AM-i^?" },
        { "PowerShell, back-ticks", "a$b\"", "a`$b`\"" },
        { "base64 of UTF-16LE", "dir c:", "ZABpAHIAIABjADoA" },
        { "hex of base64", "foobar", "5a6d3976596d4679" },
        { "base64 of base64", "foobar", "Wm05dlltRnk=" },
        { "JSON, every character", "a\xc3\xa9", "\\u0061\\u00e9" },
        { "HTML, every character", "a\xe2\x82\xac", "&#97;&#8364;" },
        { "HTML, every one in hex", "ab", "&#x61;&#x62;" },
        { "Python", "a'\"\n\xc3\xa9", "a\\'\"\\n\xc3\xa9" },
        { "Python, bytes", "a'\"\n\xff", "a\\'\"\\n\\xff" },
        { "HTML, hex, of JSON", "a\"b'", "a\\&quot;b&#x27;" },
        { "workflow command data", "a%b\nc", "a%25b%0Ac" },
    };
    size_t count = 0;
    const struct redact_encoding *table = redact_encodings(&count);
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct list *l = calloc(1, sizeof(*l));
        size_t row = 0;
        assert_non_null(l);
        while (row < count && strcmp(table[row].name, rows[i].name) != 0)
            row++;
        if (row == count)
            fail_msg("no encoding is called '%s'", rows[i].name);
        assert_int_equal(redact_encode(&table[row], span_of(rows[i].value), program_list_add, l, NULL), 0);
        if (!list_has(l, span_of(rows[i].form)))
            fail_msg("%s of '%s': want '%s', got '%.*s'", rows[i].name, rows[i].value, rows[i].form,
                     l->n ? (int)l->len[0] : 0, l->n ? l->text[0] : "");
        list_done(l);
    }
}

/* ---- cost ---- */

static void a_key_of_fifty_lines_and_twenty_secrets_need_little_memory(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf key = BUF_INIT(10000);
    uint32_t x = 1;
    buf_adds(&key, "-----BEGIN RSA PRIVATE KEY-----\n");
    for (int line = 0; line < 50; line++) {
        for (int i = 0; i < 64; i++) {
            x = x * 1664525 + 1013904223;
            buf_addc(&key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[x >> 26]);
        }
        buf_addc(&key, '\n');
    }
    buf_adds(&key, "-----END RSA PRIVATE KEY-----\n");
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    _cleanup_(redactor_free_p) struct redactor *r = NULL;
    assert_int_equal(redactor_new(&r, NULL), 0);
    assert_int_equal(redactor_add(r, buf_span(&key), NULL), 0);
    for (int i = 0; i < 20; i++) {
        char secret[80];
        (void)snprintf(secret, sizeof(secret), "%08x%08x/+secret=%d&%08x", x + (unsigned)i, x * (unsigned)i, i, x);
        assert_int_equal(redactor_add(r, span_of(secret), NULL), 0);
    }
    size_t used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    if (used > 3 * 1024 * 1024)
        fail_msg("%zu bytes", used);
}

static void four_hundred_variables_are_not_too_many(void **state)
{
    (void)state;
    _cleanup_(redactor_free_p) struct redactor *r = NULL;
    _cleanup_(buf_done) struct buf all = BUF_INIT(100000), out = BUF_INIT(100000);
    assert_int_equal(redactor_new(&r, NULL), 0);
    for (int i = 0; i < 400; i++) {
        char value[60];
        (void)snprintf(value, sizeof(value), "value-%08x-%08x-%d", (unsigned)i * 2654435761U, (unsigned)i * 40503U, i);
        buf_addf(&all, "VARIABLE_%d=%s\n", i, value);
        assert_int_equal(redactor_add(r, span_of(value), NULL), 0);
    }
    assert_int_equal(redactor_add(r, buf_span(&all), NULL), 0);
    redactor_apply(r, buf_span(&all), &out);
    assert_string_equal(buf_str(&out), "***");
}

static void lines_as_they_are_are_known_even_when_their_encodings_do_not_fit(void **state)
{
    (void)state;
    _cleanup_(redactor_free_p) struct redactor *r = NULL;
    _cleanup_(buf_done) struct buf big = BUF_INIT(2000000), out = BUF_INIT(1000);
    struct err err = { 0 };
    for (int i = 0; big.len < 400000; i++)
        buf_addf(&big, "line-%06d-of-a-large-secret\n", i);
    assert_int_equal(redactor_new(&r, NULL), 0);
    assert_int_equal(redactor_add(r, buf_span(&big), &err), -ERR_NOMEM);
    assert_int_equal(redactor_add(r, SPAN_LIT("a-later-secret"), &err), -ERR_NOMEM);
    redactor_apply(r, SPAN_LIT("<line-000003-of-a-large-secret> <line-012000-of-a-large-secret> <a-later-secret>"),
                   &out);
    assert_string_equal(buf_str(&out), "<***> <***> <***>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_secret_is_hidden_whole_and_by_line_in_every_encoding),
        cmocka_unit_test(all_secrets_together_are_hidden_as_well),
        cmocka_unit_test(both_tables_know_the_same_forms),
        cmocka_unit_test(the_table_has_many_rows_with_names_of_their_own),
        cmocka_unit_test(known_answers),
        cmocka_unit_test(a_key_of_fifty_lines_and_twenty_secrets_need_little_memory),
        cmocka_unit_test(four_hundred_variables_are_not_too_many),
        cmocka_unit_test(lines_as_they_are_are_known_even_when_their_encodings_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
