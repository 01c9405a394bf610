#include "shared/settings/settings_parse.h"

#include "shared/clock.h"

#include <inttypes.h>

#define ENV_KEY_MAX 256
#define ENV_VALUE_MAX (256 * 1024) /* of one unquoted value; an env file is smaller than that */

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first: a duration names its units in this order. */
static const struct unit duration_units[] = {
    { "d", 24 * 3600 * 1000 }, { "h", 3600 * 1000 }, { "m", 60 * 1000 }, { "s", 1000 }, { "ms", 1 },
};

static const struct unit size_units[] = {
    { "t", 1LL << 40 }, { "g", 1LL << 30 }, { "m", 1LL << 20 }, { "k", 1LL << 10 }, { "b", 1 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_letter(char c)
{
    return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

/* Cut the first n bytes off. */
static struct span cut(struct span *s, size_t n)
{
    struct span head = { .ptr = s->ptr, .len = n };
    if (n > 0) /* ptr may be NULL in an empty span */
        s->ptr += n;
    s->len -= n;
    return head;
}

static struct span cut_while(struct span *s, bool (*is)(char))
{
    size_t n = 0;
    while (n < s->len && is(s->ptr[n]))
        n++;
    return cut(s, n);
}

/* *total += number * factor, within max. */
static bool add_scaled(struct span digits, int64_t factor, int64_t max, int64_t *total)
{
    int64_t number;
    if (!span_to_int(digits, 0, max, &number))
        return false;
    if (number > (max - *total) / factor)
        return false;
    *total += number * factor;
    return true;
}

bool settings_parse_duration(struct span text, int64_t *ret_ms)
{
    struct span rest = text;
    struct span digits = cut_while(&rest, is_digit);
    int64_t total = 0;
    if (digits.len > 0 && rest.len == 0) {
        if (!add_scaled(digits, 1000, SETTINGS_DURATION_MAX_MS, &total))
            return false;
        *ret_ms = total;
        return true;
    }
    rest = text;
    size_t next_unit = 0; /* units before it are used up */
    while (rest.len > 0) {
        digits = cut_while(&rest, is_digit);
        struct span name = cut_while(&rest, is_letter);
        size_t i = next_unit;
        while (i < COUNT(duration_units) && !span_eq(name, duration_units[i].name))
            i++;
        if (digits.len == 0 || i == COUNT(duration_units))
            return false;
        if (!add_scaled(digits, duration_units[i].factor, SETTINGS_DURATION_MAX_MS, &total))
            return false;
        next_unit = i + 1;
    }
    if (text.len == 0)
        return false;
    *ret_ms = total;
    return true;
}

void settings_format_duration(int64_t ms, struct buf *out)
{
    if (ms <= 0) {
        buf_adds(out, "0s");
        return;
    }
    for (size_t i = 1; i < COUNT(duration_units); i++) { /* hours, not days: "36h" */
        const struct unit *u = &duration_units[i];
        if (ms / u->factor > 0)
            buf_addf(out, "%" PRId64 "%s", ms / u->factor, u->name);
        ms %= u->factor;
    }
}

/* "g", "gb", "gib" in any case; "" is bytes. */
static const struct unit *find_size_unit(struct span name)
{
    if (name.len == 0)
        return &size_units[COUNT(size_units) - 1];
    for (size_t i = 0; i < COUNT(size_units); i++) {
        const struct unit *u = &size_units[i];
        if (to_lower(name.ptr[0]) != u->name[0])
            continue;
        struct span tail = { .ptr = name.ptr + 1, .len = name.len - 1 };
        bool has_i = tail.len == 2 && to_lower(tail.ptr[0]) == 'i' && to_lower(tail.ptr[1]) == 'b';
        bool has_b = tail.len == 1 && to_lower(tail.ptr[0]) == 'b';
        if (tail.len == 0 || (u->factor > 1 && (has_b || has_i)))
            return u;
    }
    return NULL;
}

bool settings_parse_size(struct span text, int64_t *ret_bytes)
{
    struct span digits = cut_while(&text, is_digit);
    const struct unit *u = find_size_unit(text);
    int64_t total = 0;
    if (digits.len == 0 || !u || !add_scaled(digits, u->factor, SETTINGS_SIZE_MAX_BYTES, &total))
        return false;
    *ret_bytes = total;
    return true;
}

void settings_format_size(int64_t bytes, struct buf *out)
{
    for (size_t i = 0; i < COUNT(size_units); i++) {
        const struct unit *u = &size_units[i];
        if (bytes % u->factor == 0 && (bytes > 0 || u->factor == 1)) {
            buf_addf(out, "%" PRId64 "%s", bytes / u->factor, u->name);
            return;
        }
    }
}

#define NANO_DIGITS 9
#define CPUS_MAX 100000

bool settings_parse_cpus(struct span text, int64_t *ret_nano)
{
    struct span whole = cut_while(&text, is_digit);
    int64_t nano = 0;
    if (whole.len == 0 || !add_scaled(whole, 1000000000, CPUS_MAX * 1000000000LL, &nano))
        return false;
    if (text.len > 0) {
        struct span fraction = { .ptr = text.ptr + 1, .len = text.len - 1 };
        int64_t digits;
        if (text.ptr[0] != '.' || fraction.len > NANO_DIGITS || !span_to_int(fraction, 0, 999999999, &digits))
            return false;
        for (size_t i = fraction.len; i < NANO_DIGITS; i++)
            digits *= 10;
        nano += digits;
    }
    if (nano > CPUS_MAX * 1000000000LL)
        return false;
    *ret_nano = nano;
    return true;
}

void settings_format_cpus(int64_t nano, struct buf *out)
{
    buf_addf(out, "%" PRId64, nano / 1000000000);
    int64_t rest = nano % 1000000000;
    if (rest == 0)
        return;
    int width = NANO_DIGITS;
    for (; rest % 10 == 0; rest /= 10)
        width--;
    buf_addf(out, ".%0*" PRId64, width, rest);
}

int64_t settings_parse_time(const char *text)
{
    char whole[CLOCK_ISO_SIZE];
    size_t len = strlen(text);
    if (len != sizeof("2026-01-29T03:10:00Z") - 1)
        return clock_parse_iso(text);
    (void)snprintf(whole, sizeof(whole), "%.*s.000Z", (int)len - 1, text);
    return text[len - 1] == 'Z' ? clock_parse_iso(whole) : -1;
}

bool settings_parse_bool(struct span text, bool *ret)
{
    if (span_eq(text, "true") || span_eq(text, "True") || span_eq(text, "TRUE"))
        *ret = true;
    else if (span_eq(text, "false") || span_eq(text, "False") || span_eq(text, "FALSE"))
        *ret = false;
    else
        return false;
    return true;
}

/* ---- lists ---- */

static bool is_skipped(struct span trimmed)
{
    return trimmed.len == 0 || trimmed.ptr[0] == '#';
}

int settings_parse_list(struct span text, const struct settings_list_visitor *visitor)
{
    struct span line;
    unsigned items = 0;
    for (unsigned number = 1; span_next_line(&text, &line); number++) {
        struct span item = span_trim(line);
        if (is_skipped(item))
            continue;
        if (++items > SETTINGS_LIST_MAX) {
            visitor->complain(visitor->ctx, number, item, "is one entry too many (at most 1000)");
            return 0;
        }
        int r = visitor->item(visitor->ctx, number, item);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- KEY=VALUE ---- */

bool settings_is_env_key(struct span key)
{
    if (key.len == 0 || key.len > ENV_KEY_MAX || is_digit(key.ptr[0]))
        return false;
    for (size_t i = 0; i < key.len; i++)
        if (!is_letter(key.ptr[i]) && !is_digit(key.ptr[i]) && key.ptr[i] != '_')
            return false;
    return true;
}

struct env_reader {
    enum settings_env_form form;
    const struct settings_env_visitor *visitor;
    struct span rest;   /* lines still to read */
    unsigned line;      /* number of the line read last */
    struct buf scratch; /* value that had to be put together; zeroed at the end */
};

static struct span without_cr(struct span line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static void complain(struct env_reader *r, unsigned line, struct span text, const char *what)
{
    r->visitor->complain(r->visitor->ctx, line, text, what);
}

/* Position of `c` in s, or s.len. */
static size_t find(struct span s, char c)
{
    const char *at = s.len > 0 ? memchr(s.ptr, c, s.len) : NULL;
    return at ? (size_t)(at - s.ptr) : s.len;
}

/* KEY<<WORD: take the lines up to WORD. 1 when the end is missing (told). */
static int read_heredoc(struct env_reader *r, struct span head, struct span word, struct span *value)
{
    unsigned start = r->line;
    if (word.len == 0) {
        complain(r, start, head, "needs a word after '<<' that ends the value");
        return 1;
    }
    buf_reset(&r->scratch);
    struct span line;
    for (bool first = true; span_next_line(&r->rest, &line); first = false) {
        r->line++;
        line = without_cr(line);
        struct span end = span_trim(line);
        if (end.len == word.len && memcmp(end.ptr, word.ptr, word.len) == 0) {
            *value = buf_span(&r->scratch);
            return r->scratch.failed ? -ERR_NOMEM : 0;
        }
        if (!first)
            buf_addc(&r->scratch, '\n');
        buf_add_span(&r->scratch, line);
    }
    complain(r, start, head, "begins a value with '<<' whose closing word never comes");
    return 1;
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case '"':
    case '\\':
    case '$':
        return c;
    default:
        return '\0';
    }
}

/* Quotes of an env file's value. 1 when they are wrong (told). */
static int read_quoted(struct env_reader *r, struct span line, struct span *value)
{
    struct span text = *value;
    char quote = text.ptr[0];
    size_t i = 1;
    buf_reset(&r->scratch);
    for (; i < text.len && text.ptr[i] != quote; i++) {
        char c = text.ptr[i];
        if (quote == '"' && c == '\\' && i + 1 < text.len && unescape(text.ptr[i + 1]))
            c = unescape(text.ptr[++i]);
        buf_addc(&r->scratch, c);
    }
    if (i >= text.len) {
        complain(r, r->line, line, "has an opening quote that is never closed on its line");
        return 1;
    }
    struct span tail = span_trim((struct span){ .ptr = text.ptr + i + 1, .len = text.len - i - 1 });
    if (!is_skipped(tail)) {
        complain(r, r->line, line, "has text after the closing quote");
        return 1;
    }
    *value = buf_span(&r->scratch);
    return r->scratch.failed ? -ERR_NOMEM : 0;
}

static struct span skip_export(struct span line)
{
    if (span_starts(line, "export ") || span_starts(line, "export\t")) {
        (void)cut(&line, 7); /* the length of the word and its blank */
        return span_trim(line);
    }
    return line;
}

/* A blank between KEY and = is forgiven in files only: after it the value would keep a blank nobody sees. */
static struct span cut_key(const struct env_reader *r, struct span text, size_t len)
{
    struct span key = { .ptr = text.ptr, .len = len };
    if (r->form == SETTINGS_ENV_FILE)
        return span_trim(key);
    while (key.len > 0 && (key.ptr[0] == ' ' || key.ptr[0] == '\t'))
        (void)cut(&key, 1);
    return key;
}

/* One entry that begins with `line` (CR cut). Positive: a mistake, told. */
static int read_entry(struct env_reader *r, struct span line)
{
    unsigned number = r->line;
    struct span text = r->form == SETTINGS_ENV_FILE ? skip_export(span_trim(line)) : line;
    size_t eq = find(text, '=');
    size_t here = find(text, '<');
    struct span key, value;
    int result = 0;

    bool heredoc = r->form == SETTINGS_ENV_LINES && here < eq && here + 1 < text.len && text.ptr[here + 1] == '<';
    if (heredoc) {
        key = cut_key(r, text, here);
        struct span word = { .ptr = text.ptr + here + 2, .len = text.len - here - 2 };
        result = read_heredoc(r, line, span_trim(word), &value);
    } else if (eq < text.len) {
        key = cut_key(r, text, eq);
        value = (struct span){ .ptr = text.ptr + eq + 1, .len = text.len - eq - 1 };
        if (r->form == SETTINGS_ENV_FILE) {
            value = span_trim(value);
            if (value.len > 0 && (value.ptr[0] == '"' || value.ptr[0] == '\''))
                result = read_quoted(r, line, &value);
        }
    } else {
        complain(r, number, line, "is not of the form KEY=VALUE");
        return 1;
    }
    if (result != 0)
        return result;
    if (!settings_is_env_key(key)) {
        complain(r, number, line, "wants a name of letters, digits and _ before the '='");
        return 1;
    }
    if (find(value, '\0') < value.len) {
        complain(r, number, line, "holds a NUL byte");
        return 1;
    }
    return r->visitor->entry(r->visitor->ctx, number, key, value);
}

int settings_parse_env(struct span text, enum settings_env_form form, const struct settings_env_visitor *visitor)
{
    struct env_reader r = { .form = form, .visitor = visitor, .rest = text };
    buf_init(&r.scratch, ENV_VALUE_MAX);
    struct span line;
    unsigned entries = 0;
    int result = 0;
    while (result >= 0 && span_next_line(&r.rest, &line)) {
        r.line++;
        line = without_cr(line);
        if (is_skipped(span_trim(line)))
            continue;
        if (++entries > SETTINGS_LIST_MAX) {
            complain(&r, r.line, line, "is one entry too many (at most 1000)");
            break;
        }
        result = read_entry(&r, line);
    }
    buf_wipe_done(&r.scratch);
    return result < 0 ? result : 0;
}
