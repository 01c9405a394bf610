#include "shared/redact_steps.h"

#include "shared/crypto.h"

#include <string.h>

static const char lower[] = "0123456789abcdef";
static const char upper[] = "0123456789ABCDEF";

static unsigned char at(struct span s, size_t i)
{
    return (unsigned char)s.ptr[i];
}

static bool is_one_of(unsigned char c, const char *set)
{
    return c && strchr(set, c);
}

/* ---- hexadecimal, octal ---- */

/* Each byte as `before` and two digits, with `between` from one to the next. */
static void add_hex(struct span value, const char *digits, const char *before, const char *between, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        char two[2] = { digits[at(value, i) >> 4], digits[at(value, i) & 15] };
        if (i > 0)
            buf_adds(out, between);
        buf_adds(out, before);
        buf_add(out, two, 2);
    }
}

void redact_hex(struct span value, struct buf *out)
{
    add_hex(value, lower, "", "", out);
}

void redact_hex_upper(struct span value, struct buf *out)
{
    add_hex(value, upper, "", "", out);
}

void redact_hex_colons(struct span value, struct buf *out)
{
    add_hex(value, lower, "", ":", out);
}

void redact_hex_colons_upper(struct span value, struct buf *out)
{
    add_hex(value, upper, "", ":", out);
}

void redact_hex_blanks(struct span value, struct buf *out)
{
    add_hex(value, lower, "", " ", out);
}

void redact_hex_blanks_upper(struct span value, struct buf *out)
{
    add_hex(value, upper, "", " ", out);
}

void redact_hex_pairs(struct span value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i += 2) {
        if (i > 0)
            buf_addc(out, ' ');
        add_hex((struct span){ .ptr = value.ptr + i, .len = value.len - i < 2 ? 1 : 2 }, lower, "", "", out);
    }
}

void redact_hex_escape(struct span value, struct buf *out)
{
    add_hex(value, lower, "\\x", "", out);
}

void redact_hex_escape_upper(struct span value, struct buf *out)
{
    add_hex(value, upper, "\\x", "", out);
}

void redact_hex_list(struct span value, struct buf *out)
{
    add_hex(value, lower, "0x", ", ", out);
}

static void add_octal(struct buf *out, unsigned char c)
{
    char text[4] = { '\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)), (char)('0' + (c & 7)) };
    buf_add(out, text, sizeof(text));
}

void redact_octal_escape(struct span value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++)
        add_octal(out, at(value, i));
}

/* ---- percent signs ---- */

static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

/* `plain`, `more`: the characters that stay. `blank` is what a blank becomes. */
static void add_percent(struct span value, const char *digits, const char *plain, const char *more, const char *blank,
                        struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = at(value, i);
        char text[3] = { '%', digits[c >> 4], digits[c & 15] };
        if (c == ' ' && blank)
            buf_adds(out, blank);
        else if (is_one_of(c, plain) || is_one_of(c, more))
            buf_addc(out, (char)c);
        else
            buf_add(out, text, sizeof(text));
    }
}

void redact_uri(struct span value, struct buf *out)
{
    add_percent(value, upper, unreserved, "", NULL, out);
}

void redact_uri_lower(struct span value, struct buf *out)
{
    add_percent(value, lower, unreserved, "", NULL, out);
}

void redact_form(struct span value, struct buf *out)
{
    add_percent(value, upper, unreserved, "", "+", out);
}

void redact_form_lower(struct span value, struct buf *out)
{
    add_percent(value, lower, unreserved, "", "+", out);
}

void redact_uri_component(struct span value, struct buf *out)
{
    add_percent(value, upper, unreserved, "!'()*", NULL, out);
}

void redact_uri_address(struct span value, struct buf *out)
{
    add_percent(value, upper, unreserved, "!'()*;/?:@&=+$,#", NULL, out);
}

void redact_uri_all(struct span value, struct buf *out)
{
    add_percent(value, upper, "", "", NULL, out);
}

void redact_uri_all_lower(struct span value, struct buf *out)
{
    add_percent(value, lower, "", "", NULL, out);
}

void redact_command_data(struct span value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        struct span one = { .ptr = value.ptr + i, .len = 1 };
        if (is_one_of(at(value, i), "%\r\n"))
            redact_uri_all(one, out);
        else
            buf_add_span(out, one);
    }
}

/* ---- JSON ---- */

struct json_way {
    const char *digits;
    const char *coded; /* further characters that become \u00xx */
    bool no_b_f;       /* \b and \f as \u0008 and \u000c */
    bool slash;        /* "\/" */
    bool ascii;        /* everything outside ASCII as \uxxxx */
    bool separators;   /* U+2028 and U+2029 as \uxxxx */
    bool replace;      /* bytes that are no UTF-8 as \ufffd */
};

static void add_unit(struct buf *out, const char *digits, uint32_t unit)
{
    char text[6] = {
        '\\', 'u', digits[unit >> 12 & 15], digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15]
    };
    buf_add(out, text, sizeof(text));
}

/* The character at the front; its length, 1 and *ret the byte where it is no UTF-8. */
static size_t next_char(struct span s, bool *valid, uint32_t *ret)
{
    size_t len = span_utf8_next(s);
    *valid = len > 0;
    *ret = at(s, 0);
    if (len < 2)
        return 1;
    uint32_t c = at(s, 0) & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (at(s, i) & 0x3fU);
    *ret = c;
    return len;
}

static void add_coded(struct buf *out, const char *digits, uint32_t c)
{
    if (c >= 0x10000) {
        add_unit(out, digits, 0xd800 + ((c - 0x10000) >> 10));
        c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    add_unit(out, digits, c);
}

static void add_json_ascii_char(const struct json_way *way, unsigned char c, struct buf *out)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *p = c ? strchr(plain, c) : NULL;
    if (way->no_b_f && (c == '\b' || c == '\f'))
        p = NULL;
    if (is_one_of(c, way->coded))
        add_unit(out, way->digits, c);
    else if (p) {
        buf_addc(out, '\\');
        buf_addc(out, letters[p - plain]);
    } else if (c == '/' && way->slash)
        buf_adds(out, "\\/");
    else if (c < 0x20)
        add_unit(out, way->digits, c);
    else
        buf_addc(out, (char)c);
}

static void add_json(const struct json_way *way, struct span value, struct buf *out)
{
    while (value.len > 0) {
        bool valid = false;
        uint32_t c = 0;
        size_t len = next_char(value, &valid, &c);
        if (c < 0x80)
            add_json_ascii_char(way, (unsigned char)c, out);
        else if (!valid && (way->ascii || way->replace))
            add_unit(out, way->digits, 0xfffd);
        else if (valid && (way->ascii || (way->separators && (c == 0x2028 || c == 0x2029))))
            add_coded(out, way->digits, c);
        else
            buf_add(out, value.ptr, len);
        value.ptr += len;
        value.len -= len;
    }
}

void redact_json(struct span value, struct buf *out)
{
    static const struct json_way way = { .digits = lower, .coded = "" };
    add_json(&way, value, out);
}

void redact_json_go(struct span value, struct buf *out)
{
    static const struct json_way way = {
        .digits = lower, .coded = "<>&", .no_b_f = true, .separators = true, .replace = true
    };
    add_json(&way, value, out);
}

void redact_json_ascii(struct span value, struct buf *out)
{
    static const struct json_way way = { .digits = lower, .coded = "\x7f", .ascii = true };
    add_json(&way, value, out);
}

void redact_json_php(struct span value, struct buf *out)
{
    static const struct json_way way = { .digits = lower, .coded = "", .ascii = true, .slash = true };
    add_json(&way, value, out);
}

void redact_json_dotnet(struct span value, struct buf *out)
{
    static const struct json_way way = { .digits = upper, .coded = "\"'&<>+`\x7f", .ascii = true };
    add_json(&way, value, out);
}

void redact_unicode_all(struct span value, struct buf *out)
{
    while (value.len > 0) {
        bool valid = false;
        uint32_t c = 0;
        size_t len = next_char(value, &valid, &c);
        add_coded(out, lower, valid ? c : 0xfffd);
        value.ptr += len;
        value.len -= len;
    }
}

/* ---- XML, HTML ---- */

static void add_entities_all(struct span value, bool hex, struct buf *out)
{
    while (value.len > 0) {
        bool valid = false;
        uint32_t c = 0;
        size_t len = next_char(value, &valid, &c);
        if (hex)
            buf_addf(out, "&#x%x;", (unsigned)c);
        else
            buf_addf(out, "&#%u;", (unsigned)c);
        value.ptr += len;
        value.len -= len;
    }
}

void redact_entities_all(struct span value, struct buf *out)
{
    add_entities_all(value, false, out);
}

void redact_entities_all_hex(struct span value, struct buf *out)
{
    add_entities_all(value, true, out);
}

static void add_entities(struct span value, const char *quote, const char *apostrophe, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = at(value, i);
        const char *entity = c == '&'    ? "&amp;"
                             : c == '<'  ? "&lt;"
                             : c == '>'  ? "&gt;"
                             : c == '"'  ? quote
                             : c == '\'' ? apostrophe
                                         : NULL;
        if (entity)
            buf_adds(out, entity);
        else
            buf_addc(out, (char)c);
    }
}

void redact_xml_text(struct span value, struct buf *out)
{
    add_entities(value, NULL, NULL, out);
}

void redact_xml(struct span value, struct buf *out)
{
    add_entities(value, "&quot;", "&apos;", out);
}

void redact_html(struct span value, struct buf *out)
{
    add_entities(value, "&quot;", "&#39;", out);
}

void redact_html_hex(struct span value, struct buf *out)
{
    add_entities(value, "&quot;", "&#x27;", out);
}

void redact_html_go(struct span value, struct buf *out)
{
    add_entities(value, "&#34;", "&#39;", out);
}

/* ---- shells and languages ---- */

/* Each of `set` becomes `before` and itself. */
static void add_marked(struct span value, const char *set, const char *before, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        if (is_one_of(at(value, i), set))
            buf_adds(out, before);
        buf_addc(out, value.ptr[i]);
    }
}

static void add_replaced(struct span value, char what, const char *with, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] == what)
            buf_adds(out, with);
        else
            buf_addc(out, value.ptr[i]);
}

void redact_single_quoted(struct span value, struct buf *out)
{
    add_replaced(value, '\'', "'\\''", out);
}

void redact_single_quoted_double(struct span value, struct buf *out)
{
    add_replaced(value, '\'', "'\"'\"'", out);
}

void redact_backslashes(struct span value, struct buf *out)
{
    if (value.len > 0 && (value.ptr[0] == '#' || value.ptr[0] == '~'))
        buf_addc(out, '\\');
    add_marked(value, "\t !\"$&'()*,;<>?[\\]^`{|}", "\\", out);
}

/* Control bytes by letter where there is one; the rest of what is not printable ASCII in octal or hexadecimal. */
static void add_c(struct span value, const char *quoted, bool hex, bool escape_letter, struct buf *out)
{
    static const char plain[] = "\a\b\f\n\r\t\v";
    static const char letters[] = "abfnrtv";
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = at(value, i);
        struct span one = { .ptr = value.ptr + i, .len = 1 };
        const char *p = c ? strchr(plain, c) : NULL;
        if (p && !(hex && is_one_of(c, "\a\b\f\v"))) {
            buf_addc(out, '\\');
            buf_addc(out, letters[p - plain]);
        } else if (c == 0x1b && escape_letter) {
            buf_adds(out, "\\E");
        } else if (c < 0x20 || c >= 0x7f) {
            if (hex)
                redact_hex_escape(one, out);
            else
                add_octal(out, c);
        } else {
            add_marked(one, quoted, "\\", out);
        }
    }
}

void redact_ansi_quoted(struct span value, struct buf *out)
{
    add_c(value, "\\'", false, true, out);
}

void redact_double_quoted(struct span value, struct buf *out)
{
    add_marked(value, "\"$`\\", "\\", out);
}

void redact_c_string(struct span value, struct buf *out)
{
    add_c(value, "\"\\", false, false, out);
}

void redact_c_string_hex(struct span value, struct buf *out)
{
    add_c(value, "\\", true, false, out);
}

void redact_python_bytes(struct span value, struct buf *out)
{
    add_c(value, "\\'", true, false, out);
}

/* As of bytes, but what is no ASCII stays: it is printable more often than not. */
void redact_python(struct span value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        struct span one = { .ptr = value.ptr + i, .len = 1 };
        if (at(value, i) >= 0x80)
            buf_add_span(out, one);
        else
            redact_python_bytes(one, out);
    }
}

void redact_ls_escape(struct span value, struct buf *out)
{
    add_c(value, " \\", false, false, out);
}

void redact_cat_visible(struct span value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = at(value, i);
        if (c >= 0x80)
            buf_adds(out, "M-");
        unsigned char low = c & 0x7f;
        if ((low < 0x20 && (c >= 0x80 || (c != '\n' && c != '\t'))) || low == 0x7f) {
            buf_addc(out, '^');
            low ^= 0x40;
        }
        buf_addc(out, (char)low);
    }
}

void redact_back_ticks(struct span value, struct buf *out)
{
    add_marked(value, "`\"$", "`", out);
}

void redact_doubled_single(struct span value, struct buf *out)
{
    add_marked(value, "'", "'", out);
}

void redact_doubled_double(struct span value, struct buf *out)
{
    add_marked(value, "\"", "\"", out);
}

/* ---- characters of two bytes ---- */

static void add_utf16(struct span value, bool little, struct buf *out)
{
    while (value.len > 0) {
        bool valid = false;
        uint32_t c = 0;
        size_t len = next_char(value, &valid, &c);
        uint32_t units[2] = { c, 0 };
        size_t n = 1;
        if (c >= 0x10000) {
            units[0] = 0xd800 + ((c - 0x10000) >> 10);
            units[1] = 0xdc00 + ((c - 0x10000) & 0x3ff);
            n = 2;
        }
        for (size_t i = 0; i < n; i++) {
            char high = (char)(units[i] >> 8), low = (char)(units[i] & 0xff);
            buf_addc(out, little ? low : high);
            buf_addc(out, little ? high : low);
        }
        value.ptr += len;
        value.len -= len;
    }
}

void redact_utf16le(struct span value, struct buf *out)
{
    add_utf16(value, true, out);
}

void redact_utf16be(struct span value, struct buf *out)
{
    add_utf16(value, false, out);
}

/* ---- base64 ---- */

static void add_base64(struct span value, size_t before, struct buf *out)
{
    static const size_t skip[3] = { 0, 2, 3 }; /* digits that hold bits of the bytes before */
    _cleanup_(buf_wipe_done) struct buf padded = BUF_INIT(value.len + 2);
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(2 * value.len + 16);
    buf_add(&padded, "\0\0", before);
    buf_add_span(&padded, value);
    crypto_base64_encode(buf_span(&padded), CRYPTO_BASE64, &text);
    size_t end = 8 * (before + value.len) / 6;
    out->failed = out->failed || padded.failed || text.failed;
    if (!out->failed && end > skip[before])
        buf_add(out, text.ptr + skip[before], end - skip[before]);
}

void redact_base64_at_0(struct span value, struct buf *out)
{
    add_base64(value, 0, out);
}

void redact_base64_at_1(struct span value, struct buf *out)
{
    add_base64(value, 1, out);
}

void redact_base64_at_2(struct span value, struct buf *out)
{
    add_base64(value, 2, out);
}
