/*
 * Texts of inputs: no parser looks past its end, and what it read, written out and read again, is the same.
 */
#include "cmd/inputs/inputs_check.h"
#include "shared/settings/settings_check.h"
#include "shared/settings/settings_parse.h"

#define TEXT_MAX (64 * 1024)
#define OUT_MAX (16 * TEXT_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_scalar(struct span text, bool (*parse)(struct span, int64_t *), void (*format)(int64_t, struct buf *))
{
    int64_t value, again;
    if (!parse(text, &value))
        return;
    must(value >= 0);
    struct buf out = BUF_INIT(128);
    format(value, &out);
    must(parse(buf_span(&out), &again) && again == value);
    buf_done(&out);
}

/* ---- lists: the items, one a line, are the list ---- */

static int add_item(void *ctx, unsigned line, struct span item)
{
    struct buf *out = ctx;
    must(line > 0 && item.len > 0 && item.ptr[0] != '#');
    buf_add_span(out, item);
    buf_addc(out, '\n');
    return 0;
}

static void ignore_complaint(void *ctx, unsigned line, struct span text, const char *what)
{
    (void)ctx;
    (void)text;
    must(line > 0 && what[0]);
}

static void refuse_complaint(void *ctx, unsigned line, struct span text, const char *what)
{
    (void)ctx;
    (void)line;
    (void)text;
    (void)what;
    abort();
}

static void must_be_same(const struct buf *a, const struct buf *b)
{
    must(!a->failed && !b->failed && a->len == b->len && memcmp(buf_str(a), buf_str(b), a->len) == 0);
}

static void check_list(struct span text)
{
    struct buf first = BUF_INIT(OUT_MAX);
    struct buf second = BUF_INIT(OUT_MAX);
    struct settings_list_visitor v = { .ctx = &first, .item = add_item, .complain = ignore_complaint };
    must(settings_parse_list(text, &v) == 0);
    v = (struct settings_list_visitor){ .ctx = &second, .item = add_item, .complain = refuse_complaint };
    must(settings_parse_list(buf_span(&first), &v) == 0);
    must_be_same(&first, &second);
    buf_done(&first);
    buf_done(&second);
}

/* ---- KEY=VALUE: written with CR LF line ends, of which the CR is no part of a value ---- */

/* A closing word that is no line of the value. */
static void choose_word(struct span value, char word[32])
{
    for (unsigned n = 0;; n++) {
        (void)snprintf(word, 32, "END%u", n);
        if (!span_contains(value, word))
            return;
    }
}

static int add_entry(void *ctx, unsigned line, struct span key, struct span value)
{
    struct buf *out = ctx;
    must(line > 0 && settings_is_env_key(key) && (value.len == 0 || !memchr(value.ptr, '\0', value.len)));
    buf_add_span(out, key);
    if (value.len == 0 || !memchr(value.ptr, '\n', value.len)) {
        buf_addc(out, '=');
        buf_add_span(out, value);
        buf_adds(out, "\r\n");
        return 0;
    }
    char word[32];
    choose_word(value, word);
    buf_addf(out, "<<%s\r\n", word);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\n')
            buf_addc(out, '\r');
        buf_addc(out, value.ptr[i]);
    }
    buf_addf(out, "\r\n%s\r\n", word);
    return 0;
}

static void check_env(struct span text, enum settings_env_form form)
{
    struct buf first = BUF_INIT(OUT_MAX);
    struct buf second = BUF_INIT(OUT_MAX);
    struct settings_env_visitor v = { .ctx = &first, .entry = add_entry, .complain = ignore_complaint };
    must(settings_parse_env(text, form, &v) == 0);
    v = (struct settings_env_visitor){ .ctx = &second, .entry = add_entry, .complain = refuse_complaint };
    must(settings_parse_env(buf_span(&first), SETTINGS_ENV_LINES, &v) == 0);
    must_be_same(&first, &second);
    buf_done(&first);
    buf_done(&second);
}

static void check_words(struct span text)
{
    bool (*const checks[])(const char *) = {
        settings_is_host,       inputs_is_ssh_user,    settings_is_image,
        settings_is_http_path,  inputs_is_url,         settings_is_network_name,
        settings_is_label,      settings_is_own_label, settings_is_container_user,
        settings_is_plain_text, settings_is_path,      settings_is_login,
    };
    bool flag;
    (void)settings_parse_bool(text, &flag);
    char *s = span_dup(text);
    if (!s)
        return;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        (void)checks[i](s);
    /* what may be a host can be nothing else in a message or a URL */
    must(!settings_is_host(s) || !strpbrk(s, " \t\r\n/@'\"`$;|&<>"));
    must(!settings_is_image(s) || !strpbrk(s, " \t\r\n'\"`$;|&<>"));
    free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > TEXT_MAX)
        return 0;
    struct span text = { .ptr = (const char *)data, .len = size };
    check_scalar(text, settings_parse_duration, settings_format_duration);
    check_scalar(text, settings_parse_size, settings_format_size);
    check_scalar(text, settings_parse_cpus, settings_format_cpus);
    check_list(text);
    check_env(text, SETTINGS_ENV_LINES);
    check_env(text, SETTINGS_ENV_FILE);
    check_words(text);
    return 0;
}
