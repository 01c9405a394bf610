#include "tests/unit/shared/encoder.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *at;
    size_t len, cap;
};

static void put(struct text *t, const char *bytes, size_t len)
{
    if (t->len + len >= t->cap) {
        t->cap = 2 * (t->len + len) + 64;
        t->at = realloc(t->at, t->cap);
    }
    if (!t->at)
        abort();
    memcpy(t->at + t->len, bytes, len);
    t->len += len;
    t->at[t->len] = '\0';
}

static void put_number(struct text *t, const char *format, unsigned number)
{
    char out[32];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(out, sizeof(out), format, number);
#pragma GCC diagnostic pop
    put(t, out, (size_t)n);
}

/* ---- maps ---- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define URL_SAFE LETTERS "0123456789_.-~"

struct map {
    const char *name;
    const char *stays;     /* printable ASCII that stays; NULL: all of it */
    const char *other;     /* printf format of the rest of it */
    const char *control;   /* of 0x00 to 0x1f, NULL: they stay */
    const char *del;       /* of 0x7f */
    const char *high;      /* of bytes from 0x80 */
    const char *wide;      /* of UTF-16 units of characters from 0x80, instead of `high` */
    const char *point;     /* of characters from 0x80, instead of both */
    size_t drop;           /* bytes at the front: a sign that stands between */
    const char *pairs[20]; /* a character, then what it becomes; before all other rules */
};

enum {
    PLAIN,
    HEX,
    HEX_UPPER,
    URI,
    URI_LOWER,
    FORM,
    JSON,
    JSON_GO,
    JSON_PHP,
    HTML,
    HTML_GO,
    HTML_HEX,
    SINGLE,
    BLANKS,
    PAIRS_NAMED
};

#define SAME(format) .stays = "", .other = format, .control = format, .del = format, .high = format
#define PERCENT(format) .other = format, .control = format, .del = format, .high = format
#define JSON_ESCAPES "\"\\\"", "\\\\\\", "\n\\n", "\r\\r", "\t\\t"
#define MARKUP "&&amp;", "<&lt;", ">&gt;"
#define C_ESCAPES "\n\\n", "\r\\r", "\t\\t", "\a\\a", "\b\\b", "\f\\f", "\v\\v"
#define PYTHON_ESCAPES "'\\'", "\\\\\\", "\n\\n", "\r\\r", "\t\\t"
#define OCTAL .control = "\\%03o", .del = "\\%03o", .high = "\\%03o"

static const struct map maps[] = {
    [PLAIN] = { .name = "plain" },
    [HEX] = { .name = "hex", SAME("%02x") },
    [HEX_UPPER] = { .name = "HEX", SAME("%02X") },
    [URI] = { .name = "URI", .stays = URL_SAFE, PERCENT("%%%02X") },
    [URI_LOWER] = { .name = "uri", .stays = URL_SAFE, PERCENT("%%%02x") },
    [FORM] = { .name = "form", .stays = URL_SAFE, PERCENT("%%%02X"), .pairs = { " +" } },
    [JSON] = { .name = "JSON", .control = "\\u%04x", .pairs = { JSON_ESCAPES, "\b\\b", "\f\\f" } },
    [JSON_GO] = { .name = "JSON of Go",
                  .control = "\\u%04x",
                  .pairs = { JSON_ESCAPES, "<\\u003c", ">\\u003e", "&\\u0026", "\b\\u0008", "\f\\u000c" } },
    [JSON_PHP] = { .name = "JSON of PHP",
                   .control = "\\u%04x",
                   .wide = "\\u%04x",
                   .pairs = { JSON_ESCAPES, "/\\/", "\b\\b", "\f\\f" } },
    [HTML] = { .name = "HTML", .pairs = { MARKUP, "\"&quot;", "'&#39;" } },
    [HTML_GO] = { .name = "HTML of Go", .pairs = { MARKUP, "\"&#34;", "'&#39;" } },
    [HTML_HEX] = { .name = "HTML, hex", .pairs = { MARKUP, "\"&quot;", "'&#x27;" } },
    [SINGLE] = { .name = "single quotes", .pairs = { "''\\''" } },
    [BLANKS] = { .name = "hex with blanks", SAME(" %02x"), .drop = 1 },
    { .name = "HEX with blanks", SAME(" %02X"), .drop = 1 },
    { .name = "hex with colons", SAME(":%02x"), .drop = 1 },
    { .name = "HEX with colons", SAME(":%02X"), .drop = 1 },
    { .name = "hex escapes", SAME("\\x%02x") },
    { .name = "HEX escapes", SAME("\\x%02X") },
    { .name = "hex list", SAME(", 0x%02x"), .drop = 2 },
    { .name = "octal escapes", SAME("\\%03o") },
    { .name = "every byte with percent", SAME("%%%02X") },
    { .name = "every byte with percent, lower", SAME("%%%02x") },
    { .name = "form, lower", .stays = URL_SAFE, PERCENT("%%%02x"), .pairs = { " +" } },
    { .name = "encodeURIComponent", .stays = URL_SAFE "!'()*", PERCENT("%%%02X") },
    { .name = "encodeURI", .stays = URL_SAFE "!'()*;,/?:@&=+$#", PERCENT("%%%02X") },
    { .name = "command data", .pairs = { "%%25", "\r%0D", "\n%0A" } },
    { .name = "JSON in ASCII",
      .control = "\\u%04x",
      .del = "\\u%04x",
      .wide = "\\u%04x",
      .pairs = { JSON_ESCAPES, "\b\\b", "\f\\f" } },
    { .name = "JSON of .NET",
      .control = "\\u%04X",
      .del = "\\u%04X",
      .wide = "\\u%04X",
      .pairs = { "\\\\\\", "\n\\n", "\r\\r", "\t\\t", "\b\\b", "\f\\f", "\"\\u0022", "'\\u0027", "&\\u0026", "<\\u003C",
                 ">\\u003E", "+\\u002B", "`\\u0060" } },
    { .name = "XML text", .pairs = { MARKUP } },
    { .name = "XML", .pairs = { MARKUP, "\"&quot;", "'&apos;" } },
    { .name = "JSON, all", SAME("\\u%04x"), .wide = "\\u%04x" },
    { .name = "HTML, all", SAME("&#%u;"), .point = "&#%u;" },
    { .name = "HTML, all in hex", SAME("&#x%x;"), .point = "&#x%x;" },
    { .name = "Python", .control = "\\x%02x", .del = "\\x%02x", .pairs = { PYTHON_ESCAPES } },
    { .name = "Python, bytes", .control = "\\x%02x", .del = "\\x%02x", .high = "\\x%02x", .pairs = { PYTHON_ESCAPES } },
    { .name = "mixed quotes", .pairs = { "''\"'\"'" } },
    { .name = "double quotes", .pairs = { "\"\\\"", "$\\$", "`\\`", "\\\\\\" } },
    { .name = "ANSI-C quotes", OCTAL, .pairs = { "'\\'", "\\\\\\", "\x1b\\E", C_ESCAPES } },
    { .name = "C string", OCTAL, .pairs = { "\"\\\"", "\\\\\\", C_ESCAPES } },
    { .name = "C string, hex",
      .control = "\\x%02x",
      .del = "\\x%02x",
      .high = "\\x%02x",
      .pairs = { "\\\\\\", "\n\\n", "\r\\r", "\t\\t" } },
    { .name = "ls -b", OCTAL, .pairs = { " \\ ", "\\\\\\", C_ESCAPES } },
    { .name = "back-ticks", .pairs = { "```", "\"`\"", "$`$" } },
    { .name = "doubled single quotes", .pairs = { "'''" } },
    { .name = "doubled double quotes", .pairs = { "\"\"\"" } },
};
#define MAPS (sizeof(maps) / sizeof(maps[0]))

static const char *pair(const struct map *m, char c)
{
    for (size_t i = 0; i < 20 && m->pairs[i]; i++)
        if (m->pairs[i][0] == c)
            return m->pairs[i] + 1;
    return NULL;
}

/* UTF-8 by hand; false where it is none. */
static bool read_char(const char *p, size_t left, size_t *len, uint32_t *ret)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)p[0];
    *len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first >= 0x80 && (first < 0xc2 || first > 0xf4))
        return false;
    if (*len > left)
        return false;
    *ret = *len == 1 ? first : first & (0x7fU >> *len);
    for (size_t i = 1; i < *len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return false;
        *ret = *ret * 64 + (p[i] & 0x3fU);
    }
    return *ret >= least[*len] && *ret <= 0x10ffff && !(*ret >= 0xd800 && *ret <= 0xdfff);
}

/* 1 or 2 units */
static size_t units(uint32_t c, uint32_t out[2])
{
    out[0] = c;
    if (c < 0x10000)
        return 1;
    out[0] = 0xd7c0 + (c >> 10);
    out[1] = 0xdc00 + c % 1024;
    return 2;
}

static bool is_utf8(const char *value, size_t len)
{
    size_t n = 0;
    uint32_t c = 0;
    for (size_t i = 0; i < len; i += n)
        if (!read_char(value + i, len - i, &n, &c))
            return false;
    return true;
}

static struct text mapped(const struct map *m, const char *value, size_t len)
{
    struct text t = { 0 };
    put(&t, "", 0);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        const char *becomes = pair(m, value[i]);
        const char *format = c < 0x20                           ? m->control
                             : c == 0x7f                        ? m->del
                             : c >= 0x80                        ? m->high
                             : m->stays && !strchr(m->stays, c) ? m->other
                                                                : NULL;
        if (becomes) {
            put(&t, becomes, strlen(becomes));
        } else if (c >= 0x80 && (m->wide || m->point)) {
            size_t n = 0;
            uint32_t wide = 0, two[2];
            (void)read_char(value + i, len - i, &n, &wide);
            for (size_t u = 0; m->wide && u < units(wide, two); u++)
                put_number(&t, m->wide, two[u]);
            if (m->point)
                put_number(&t, m->point, wide);
            i += n - 1;
        } else if (format) {
            put_number(&t, format, c);
        } else {
            put(&t, value + i, 1);
        }
    }
    if (m->drop && t.len) {
        memmove(t.at, t.at + m->drop, t.len - m->drop + 1);
        t.len -= m->drop;
    }
    return t;
}

/* ---- packing bits ---- */

#define DIGITS64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define DIGITS64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define DIGITS32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

static bool bit(const char *value, size_t len, size_t before, bool neighbours, size_t i)
{
    size_t byte = i / 8;
    if (byte < before || byte >= before + len)
        return neighbours;
    return (unsigned char)value[byte - before] >> (7 - i % 8) & 1;
}

/* Digits of `width` bits for the value with `before` neighbours at its front, all of their bits being `neighbours`. */
static struct text packed(const char *digits, size_t width, const char *value, size_t len, size_t before,
                          bool neighbours)
{
    struct text t = { 0 };
    put(&t, "", 0);
    for (size_t i = 0; i < (before + len) * 8; i += width) {
        size_t digit = 0;
        for (size_t b = 0; b < width; b++)
            digit = digit * 2 + bit(value, len, before, neighbours, i + b);
        put(&t, digits + digit, 1);
    }
    return t;
}

/* The digits that are the same whatever the neighbours are. */
static struct text common(const char *digits, size_t width, const char *value, size_t len, size_t before)
{
    struct text a = packed(digits, width, value, len, before, false);
    struct text b = packed(digits, width, value, len, before, true);
    struct text t = { 0 };
    put(&t, "", 0);
    for (size_t i = 0; i < a.len; i++)
        if (a.at[i] == b.at[i])
            put(&t, a.at + i, 1);
    free(a.at);
    free(b.at);
    return t;
}

static void give(struct text t, encoder_fn *fn, void *ctx)
{
    if (t.len >= ENCODER_FORM_MIN)
        fn(ctx, t.at, t.len);
    free(t.at);
}

static struct text padded64(const char *digits, const char *value, size_t len)
{
    struct text t = packed(digits, 6, value, len, 0, false);
    while (t.len % 4)
        put(&t, "=", 1);
    return t;
}

static void folded(struct text t, size_t width, encoder_fn *fn, void *ctx)
{
    for (size_t i = 0; t.len > width && i < t.len; i += width) {
        size_t n = t.len - i < width ? t.len - i : width;
        n -= t.at[i + n - 1] == ' ';
        if (n >= ENCODER_LINE_MIN)
            fn(ctx, t.at + i, n);
    }
    free(t.at);
}

static void base64_forms(const char *digits, const char *value, size_t len, encoder_fn *fn, void *ctx)
{
    for (size_t before = 0; before < 3; before++)
        give(common(digits, 6, value, len, before), fn, ctx);
    give(padded64(digits, value, len), fn, ctx);
}

static struct text utf16(const char *value, size_t len, bool little)
{
    struct text t = { 0 };
    size_t n = 0;
    uint32_t c = 0, two[2];
    put(&t, "", 0);
    for (size_t i = 0; i < len; i += n) {
        (void)read_char(value + i, len - i, &n, &c);
        for (size_t u = 0; u < units(c, two); u++) {
            char bytes[2] = { (char)(two[u] >> (little ? 0 : 8)), (char)(two[u] >> (little ? 8 : 0)) };
            put(&t, bytes, 2);
        }
    }
    return t;
}

static struct text cat_visible(const char *value, size_t len)
{
    struct text t = { 0 };
    put(&t, "", 0);
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)value[i];
        if (c > 127) {
            put(&t, "M-", 2);
            c -= 128;
        } else if (c == '\t' || c == '\n') {
            put(&t, value + i, 1);
            continue;
        }
        if (c == 127)
            put(&t, "^?", 2);
        else if (c < 32)
            put_number(&t, "^%c", (unsigned)(c + 64));
        else
            put_number(&t, "%c", (unsigned)c);
    }
    return t;
}

/* printf %q of bash: a list of what is left alone, not of what is not */
static struct text bash_quoted(const char *value, size_t len)
{
    struct text t = { 0 };
    put(&t, "", 0);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        bool alone = c >= 0x80 || c == 0x7f || (c < 0x20 && c != '\t') ||
                     (c && strchr(LETTERS "0123456789%+-./:=@_", c)) || ((c == '#' || c == '~') && i > 0);
        if (!alone)
            put(&t, "\\", 1);
        put(&t, value + i, 1);
    }
    return t;
}

static struct text pairs_of_hex(const char *value, size_t len)
{
    struct text t = { 0 };
    put(&t, "", 0);
    for (size_t i = 0; i < len; i++)
        put_number(&t, i > 0 && i % 2 == 0 ? " %02x" : "%02x", (unsigned char)value[i]);
    return t;
}

/* ---- the rows behind the maps ---- */

enum special {
    BASE64,
    BASE64URL,
    BASE64_76,
    BASE64_64,
    BASE32,
    HEX_60,
    BLANKS_8,
    PAIRS_8,
    UTF16LE,
    UTF16BE,
    CAT,
    BASH,
    URI_URI,
    URI_URI_LOWER,
    JSON_JSON,
    JSON_JSON_GO,
    URI_JSON,
    FORM_JSON,
    HTML_JSON,
    HTML_GO_JSON,
    HTML_HEX_JSON,
    JSON_HTML_HEX,
    JSON_SHELL,
    BASE64_JSON,
    BASE64_JSON_GO,
    BASE64URL_JSON,
    BASE64URL_JSON_GO,
    BASE64_URI,
    BASE64_HEX,
    BASE64_UTF16,
    BASE64_BASE64,
    HEX_BASE64,
    URI_BASE64,
    URI_LOWER_BASE64,
    PHP_BASE64,
    SPECIALS
};

static const char *const special_names[SPECIALS] = {
    [BASE64] = "base64",
    [BASE64URL] = "base64url",
    [BASE64_76] = "base64 -w 76",
    [BASE64_64] = "base64 -w 64",
    [BASE32] = "base32",
    [HEX_60] = "xxd -p",
    [BLANKS_8] = "hexdump -C",
    [PAIRS_8] = "xxd",
    [UTF16LE] = "UTF-16LE",
    [UTF16BE] = "UTF-16BE",
    [CAT] = "cat -v",
    [BASH] = "printf %q",
    [URI_URI] = "URI of URI",
    [URI_URI_LOWER] = "uri of uri",
    [JSON_JSON] = "JSON of JSON",
    [JSON_JSON_GO] = "JSON of JSON of Go",
    [URI_JSON] = "URI of JSON",
    [FORM_JSON] = "form of JSON",
    [HTML_JSON] = "HTML of JSON",
    [HTML_GO_JSON] = "HTML of Go of JSON",
    [HTML_HEX_JSON] = "HTML, hex, of JSON",
    [JSON_HTML_HEX] = "JSON of HTML, hex",
    [JSON_SHELL] = "JSON of single quotes",
    [BASE64_JSON] = "base64 of JSON",
    [BASE64_JSON_GO] = "base64 of JSON of Go",
    [BASE64URL_JSON] = "base64url of JSON",
    [BASE64URL_JSON_GO] = "base64url of JSON of Go",
    [BASE64_URI] = "base64 of URI",
    [BASE64_HEX] = "base64 of hex",
    [BASE64_UTF16] = "base64 of UTF-16LE",
    [BASE64_BASE64] = "base64 of base64",
    [HEX_BASE64] = "hex of base64",
    [URI_BASE64] = "URI of base64",
    [URI_LOWER_BASE64] = "uri of base64",
    [PHP_BASE64] = "JSON of PHP of base64",
};

static void map_of(int outer, struct text inner, encoder_fn *fn, void *ctx)
{
    give(mapped(&maps[outer], inner.at, inner.len), fn, ctx);
    free(inner.at);
}

static void base64_of(const char *digits, struct text inner, encoder_fn *fn, void *ctx)
{
    base64_forms(digits, inner.at, inner.len, fn, ctx);
    free(inner.at);
}

/* `outer`, a map or -1 for base64, of the three base64 texts of the value. */
static void of_base64(int outer, size_t alignments, const char *value, size_t len, encoder_fn *fn, void *ctx)
{
    for (size_t before = 0; before < alignments; before++) {
        struct text inner = common(DIGITS64, 6, value, len, before);
        if (outer < 0)
            base64_of(DIGITS64, inner, fn, ctx);
        else
            map_of(outer, inner, fn, ctx);
    }
}

static void special_forms(enum special s, const char *v, size_t n, encoder_fn *fn, void *ctx)
{
    switch (s) {
    case BASE64:
        base64_forms(DIGITS64, v, n, fn, ctx);
        break;
    case BASE64URL:
        base64_forms(DIGITS64URL, v, n, fn, ctx);
        break;
    case BASE64_76:
        folded(padded64(DIGITS64, v, n), 76, fn, ctx);
        break;
    case BASE64_64:
        folded(padded64(DIGITS64, v, n), 64, fn, ctx);
        break;
    case BASE32:
        for (size_t before = 0; before < 5; before++)
            give(common(DIGITS32, 5, v, n, before), fn, ctx);
        break;
    case HEX_60:
        folded(mapped(&maps[HEX], v, n), 60, fn, ctx);
        break;
    case BLANKS_8:
        folded(mapped(&maps[BLANKS], v, n), 24, fn, ctx);
        break;
    case PAIRS_8:
        folded(pairs_of_hex(v, n), 40, fn, ctx);
        break;
    case UTF16LE:
    case UTF16BE:
        give(utf16(v, n, s == UTF16LE), fn, ctx);
        break;
    case CAT:
        give(cat_visible(v, n), fn, ctx);
        break;
    case BASH:
        give(bash_quoted(v, n), fn, ctx);
        break;
    case URI_URI:
        map_of(URI, mapped(&maps[URI], v, n), fn, ctx);
        break;
    case URI_URI_LOWER:
        map_of(URI_LOWER, mapped(&maps[URI_LOWER], v, n), fn, ctx);
        break;
    case JSON_JSON:
        map_of(JSON, mapped(&maps[JSON], v, n), fn, ctx);
        break;
    case JSON_JSON_GO:
        map_of(JSON, mapped(&maps[JSON_GO], v, n), fn, ctx);
        break;
    case URI_JSON:
        map_of(URI, mapped(&maps[JSON], v, n), fn, ctx);
        break;
    case FORM_JSON:
        map_of(FORM, mapped(&maps[JSON], v, n), fn, ctx);
        break;
    case HTML_JSON:
        map_of(HTML, mapped(&maps[JSON], v, n), fn, ctx);
        break;
    case HTML_GO_JSON:
        map_of(HTML_GO, mapped(&maps[JSON], v, n), fn, ctx);
        break;
    case HTML_HEX_JSON:
        map_of(HTML_HEX, mapped(&maps[JSON], v, n), fn, ctx);
        break;
    case JSON_HTML_HEX:
        map_of(JSON, mapped(&maps[HTML_HEX], v, n), fn, ctx);
        break;
    case JSON_SHELL:
        map_of(JSON, mapped(&maps[SINGLE], v, n), fn, ctx);
        break;
    case BASE64_JSON:
    case BASE64URL_JSON:
        base64_of(s == BASE64_JSON ? DIGITS64 : DIGITS64URL, mapped(&maps[JSON], v, n), fn, ctx);
        break;
    case BASE64_JSON_GO:
    case BASE64URL_JSON_GO:
        base64_of(s == BASE64_JSON_GO ? DIGITS64 : DIGITS64URL, mapped(&maps[JSON_GO], v, n), fn, ctx);
        break;
    case BASE64_URI:
        base64_of(DIGITS64, mapped(&maps[URI], v, n), fn, ctx);
        break;
    case BASE64_HEX:
        base64_of(DIGITS64, mapped(&maps[HEX], v, n), fn, ctx);
        break;
    case BASE64_UTF16:
        base64_of(DIGITS64, utf16(v, n, true), fn, ctx);
        break;
    case BASE64_BASE64:
        of_base64(-1, 3, v, n, fn, ctx);
        break;
    case HEX_BASE64:
        of_base64(HEX, 1, v, n, fn, ctx);
        break;
    case URI_BASE64:
        of_base64(URI, 3, v, n, fn, ctx);
        break;
    case URI_LOWER_BASE64:
        of_base64(URI_LOWER, 1, v, n, fn, ctx);
        break;
    case PHP_BASE64:
        of_base64(JSON_PHP, 3, v, n, fn, ctx);
        break;
    case SPECIALS:
        break;
    }
}

size_t encoder_count(void)
{
    return MAPS + SPECIALS;
}

const char *encoder_name(size_t i)
{
    return i < MAPS ? maps[i].name : special_names[i - MAPS];
}

void encoder_forms(size_t i, const char *value, size_t len, encoder_fn *fn, void *ctx)
{
    size_t s = i < MAPS ? SPECIALS : i - MAPS;
    bool wide = i < MAPS ? maps[i].wide || maps[i].point || i == JSON_GO
                         : s == UTF16LE || s == UTF16BE || s == BASE64_UTF16 || s == JSON_JSON_GO ||
                               s == BASE64_JSON_GO || s == BASE64URL_JSON_GO;
    if (len < ENCODER_FORM_MIN ||
        (wide && !is_utf8(value, len))) /* what such a writer does with it is its own affair */
        return;
    bool go = i == JSON_GO || s == JSON_JSON_GO || s == BASE64_JSON_GO || s == BASE64URL_JSON_GO;
    if (go && memmem(value, len, "\xe2\x80", 2)) /* Go writes two of these characters in its own way */
        return;
    if (i < MAPS)
        give(mapped(&maps[i], value, len), fn, ctx);
    else
        special_forms((enum special)s, value, len, fn, ctx);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **value, size_t *len)
{
    while (*len && is_blank((*value)[0])) {
        (*value)++;
        (*len)--;
    }
    while (*len && is_blank((*value)[*len - 1]))
        (*len)--;
}

static void all_forms(const char *value, size_t len, encoder_fn *fn, void *ctx)
{
    for (size_t i = 0; i < encoder_count(); i++)
        encoder_forms(i, value, len, fn, ctx);
}

void encoder_secret(const char *secret, size_t len, encoder_fn *fn, void *ctx)
{
    const char *trimmed = secret;
    size_t trimmed_len = len;
    all_forms(secret, len, fn, ctx);
    trim(&trimmed, &trimmed_len);
    all_forms(trimmed, trimmed_len, fn, ctx);
    for (size_t i = 0; i < len;) {
        const char *lf = memchr(secret + i, '\n', len - i);
        size_t n = lf ? (size_t)(lf - secret) - i : len - i;
        const char *line = secret + i;
        i += n + 1;
        trim(&line, &n);
        if (n >= ENCODER_LINE_MIN && strncmp(line, "-----", 5) != 0)
            all_forms(line, n, fn, ctx);
    }
}
