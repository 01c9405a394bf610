#include "shared/redact_forms.h"

#include "shared/crypto.h"
#include "shared/redact_steps.h"

#define STEP_GROWTH 6 /* the longest text for one byte: \u00e9, and "0xaa, " */

/* ---- from text to forms ---- */

static int whole(struct span text, unsigned arg, redact_form_fn *fn, void *ctx, struct err *err)
{
    (void)arg;
    return fn(ctx, text, err);
}

/* The lines of one long line that is folded after `width` characters; a blank at a line's end is not printed. */
static int folded(struct span text, unsigned width, redact_form_fn *fn, void *ctx, struct err *err)
{
    int e = 0;
    if (text.len <= width)
        return 0;
    while (e == 0 && text.len > 0) {
        struct span line = { .ptr = text.ptr, .len = text.len < width ? text.len : width };
        text.ptr += line.len;
        text.len -= line.len;
        if (line.ptr[line.len - 1] == ' ')
            line.len--;
        if (line.len >= REDACT_FOLDED_MIN)
            e = fn(ctx, line, err);
    }
    return e;
}

/* Digits of `bits` bits each, of which the first and the last hold bits of the neighbours too. */
static struct span certain(struct span digits, size_t bits, size_t before, size_t bytes)
{
    size_t skip = (8 * before + bits - 1) / bits;
    size_t end = 8 * (before + bytes) / bits;
    if (end > digits.len || end < skip)
        return (struct span){ .ptr = digits.ptr, .len = 0 };
    return (struct span){ .ptr = digits.ptr + skip, .len = end - skip };
}

static int base64(struct span value, unsigned alphabet, redact_form_fn *fn, void *ctx, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf padded = BUF_INIT(value.len + 2);
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(2 * value.len + 16);
    int e = 0;
    for (size_t before = 0; before < 3 && e == 0; before++) {
        buf_reset(&padded);
        buf_reset(&text);
        buf_add(&padded, "\0\0", before);
        buf_add_span(&padded, value);
        crypto_base64_encode(buf_span(&padded), alphabet ? CRYPTO_BASE64URL : CRYPTO_BASE64, &text);
        if (buf_check(&padded, err) < 0 || buf_check(&text, err) < 0)
            return -ERR_NOMEM;
        e = fn(ctx, certain(buf_span(&text), 6, before, value.len), err);
        if (e == 0 && before == 0)
            e = fn(ctx, buf_span(&text), err);
    }
    return e;
}

/* With and without the end that depends on what follows the value. */
static int base64_folded(struct span value, unsigned width, redact_form_fn *fn, void *ctx, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(2 * value.len + 16);
    crypto_base64_encode(value, CRYPTO_BASE64, &text);
    int e = buf_check(&text, err);
    if (e == 0)
        e = folded(buf_span(&text), width, fn, ctx, err);
    return e < 0 ? e : folded(certain(buf_span(&text), 6, 0, value.len), width, fn, ctx, err);
}

static void add_base32(struct span value, size_t before, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < before + value.len; i++) {
        bits = bits << 8 | (i < before ? 0U : (unsigned char)value.ptr[i - before]);
        for (have += 8; have >= 5; have -= 5)
            buf_addc(out, digits[bits >> (have - 5) & 31]);
    }
}

static int base32(struct span value, unsigned arg, redact_form_fn *fn, void *ctx, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(2 * value.len + 16);
    int e = 0;
    (void)arg;
    for (size_t before = 0; before < 5 && e == 0; before++) {
        buf_reset(&text);
        add_base32(value, before, &text);
        e = buf_check(&text, err);
        if (e == 0)
            e = fn(ctx, certain(buf_span(&text), 5, before, value.len), err);
    }
    return e;
}

/* ---- the table ---- */

/* clang-format off */
static const struct redact_encoding table[] = {
    { "as it is",                     { NULL },                                      whole, 0 },
    { "base64",                       { NULL },                                      base64, 0 },
    { "base64url",                    { NULL },                                      base64, 1 },
    { "base64, 76 a line",            { NULL },                                      base64_folded, 76 },
    { "base64, 64 a line",            { NULL },                                      base64_folded, 64 },
    { "base32",                       { NULL },                                      base32, 0 },
    { "hex",                          { redact_hex },                                whole, 0 },
    { "HEX",                          { redact_hex_upper },                          whole, 0 },
    { "hex, 60 a line",               { redact_hex },                                folded, 60 }, /* xxd -p */
    { "hex with colons",              { redact_hex_colons },                         whole, 0 },
    { "HEX with colons",              { redact_hex_colons_upper },                   whole, 0 },
    { "hex with blanks",              { redact_hex_blanks },                         whole, 0 },
    { "HEX with blanks",              { redact_hex_blanks_upper },                   whole, 0 },
    { "hex with blanks, 8 a line",    { redact_hex_blanks },                         folded, 24 }, /* hexdump -C */
    { "hex in pairs, 8 a line",       { redact_hex_pairs },                          folded, 40 }, /* xxd */
    { "hex escapes",                  { redact_hex_escape },                         whole, 0 },
    { "HEX escapes",                  { redact_hex_escape_upper },                   whole, 0 },
    { "hex list",                     { redact_hex_list },                           whole, 0 },
    { "octal escapes",                { redact_octal_escape },                       whole, 0 },
    { "URI",                          { redact_uri },                                whole, 0 },
    { "uri, lower case",              { redact_uri_lower },                          whole, 0 },
    { "form",                         { redact_form },                               whole, 0 },
    { "form, lower case",             { redact_form_lower },                         whole, 0 },
    { "encodeURIComponent",           { redact_uri_component },                      whole, 0 },
    { "encodeURI",                    { redact_uri_address },                        whole, 0 },
    { "URI, every byte",              { redact_uri_all },                            whole, 0 },
    { "uri, every byte, lower case",  { redact_uri_all_lower },                      whole, 0 },
    { "workflow command data",        { redact_command_data },                       whole, 0 },
    { "JSON",                         { redact_json },                               whole, 0 },
    { "JSON of Go",                   { redact_json_go },                            whole, 0 },
    { "JSON in ASCII",                { redact_json_ascii },                         whole, 0 },
    { "JSON of PHP",                  { redact_json_php },                           whole, 0 },
    { "JSON, every character",        { redact_unicode_all },                        whole, 0 },
    { "JSON of .NET",                 { redact_json_dotnet },                        whole, 0 },
    { "XML text",                     { redact_xml_text },                           whole, 0 },
    { "XML",                          { redact_xml },                                whole, 0 },
    { "HTML",                         { redact_html },                               whole, 0 },
    { "HTML, hex",                    { redact_html_hex },                           whole, 0 },
    { "HTML, every character",        { redact_entities_all },                       whole, 0 },
    { "HTML, every one in hex",       { redact_entities_all_hex },                   whole, 0 },
    { "HTML of Go",                   { redact_html_go },                            whole, 0 },
    { "shell, single quotes",         { redact_single_quoted },                      whole, 0 },
    { "shell, mixed quotes",          { redact_single_quoted_double },               whole, 0 },
    { "shell, backslashes",           { redact_backslashes },                        whole, 0 },
    { "shell, ANSI-C quotes",         { redact_ansi_quoted },                        whole, 0 },
    { "shell, double quotes",         { redact_double_quoted },                      whole, 0 },
    { "C string",                     { redact_c_string },                           whole, 0 },
    { "C string, hex",                { redact_c_string_hex },                       whole, 0 },
    { "Python",                       { redact_python },                             whole, 0 },
    { "Python, bytes",                { redact_python_bytes },                       whole, 0 },
    { "ls -b",                        { redact_ls_escape },                          whole, 0 },
    { "cat -v",                       { redact_cat_visible },                        whole, 0 },
    { "PowerShell, back-ticks",       { redact_back_ticks },                         whole, 0 },
    { "doubled single quotes",        { redact_doubled_single },                     whole, 0 },
    { "doubled double quotes",        { redact_doubled_double },                     whole, 0 },
    { "UTF-16LE",                     { redact_utf16le },                            whole, 0 },
    { "UTF-16BE",                     { redact_utf16be },                            whole, 0 },
    { "URI of URI",                   { redact_uri, redact_uri },                    whole, 0 },
    { "uri of uri, lower case",       { redact_uri_lower, redact_uri_lower },        whole, 0 },
    { "JSON of JSON",                 { redact_json, redact_json },                  whole, 0 },
    { "JSON of JSON of Go",           { redact_json_go, redact_json },               whole, 0 },
    { "URI of JSON",                  { redact_json, redact_uri },                   whole, 0 },
    { "form of JSON",                 { redact_json, redact_form },                  whole, 0 },
    { "HTML of JSON",                 { redact_json, redact_html },                  whole, 0 },
    { "HTML, hex, of JSON",           { redact_json, redact_html_hex },              whole, 0 },
    { "JSON of HTML, hex",            { redact_html_hex, redact_json },              whole, 0 },
    { "HTML of Go of JSON",           { redact_json, redact_html_go },               whole, 0 },
    { "JSON of shell",                { redact_single_quoted, redact_json },         whole, 0 },
    { "base64 of JSON",               { redact_json },                               base64, 0 },
    { "base64 of JSON of Go",         { redact_json_go },                            base64, 0 },
    { "base64url of JSON",            { redact_json },                               base64, 1 },
    { "base64url of JSON of Go",      { redact_json_go },                            base64, 1 },
    { "base64 of URI",                { redact_uri },                                base64, 0 },
    { "base64 of hex",                { redact_hex },                                base64, 0 },
    { "base64 of UTF-16LE",           { redact_utf16le },                            base64, 0 },
    { "base64 of base64",             { redact_base64_at_0 },                        base64, 0 },
    { "base64 of base64 at 1",        { redact_base64_at_1 },                        base64, 0 },
    { "base64 of base64 at 2",        { redact_base64_at_2 },                        base64, 0 },
    { "hex of base64",                { redact_base64_at_0, redact_hex },            whole, 0 },
    { "URI of base64",                { redact_base64_at_0, redact_uri },            whole, 0 },
    { "URI of base64 at 1",           { redact_base64_at_1, redact_uri },            whole, 0 },
    { "URI of base64 at 2",           { redact_base64_at_2, redact_uri },            whole, 0 },
    { "uri of base64, lower case",    { redact_base64_at_0, redact_uri_lower },      whole, 0 },
    { "JSON of PHP of base64",        { redact_base64_at_0, redact_json_php },       whole, 0 },
    { "JSON of PHP of base64 at 1",   { redact_base64_at_1, redact_json_php },       whole, 0 },
    { "JSON of PHP of base64 at 2",   { redact_base64_at_2, redact_json_php },       whole, 0 },
};
/* clang-format on */

const struct redact_encoding *redact_encodings(size_t *count)
{
    *count = sizeof(table) / sizeof(table[0]);
    return table;
}

int redact_encode(const struct redact_encoding *e, struct span value, redact_form_fn *fn, void *ctx, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf first = BUF_INIT(STEP_GROWTH * value.len + 16);
    _cleanup_(buf_wipe_done) struct buf second = BUF_INIT(STEP_GROWTH * STEP_GROWTH * value.len + 16);
    struct span text = value;
    if (e->step[0]) {
        e->step[0](value, &first);
        text = buf_span(&first);
    }
    if (e->step[1]) {
        e->step[1](text, &second);
        text = buf_span(&second);
    }
    if (buf_check(&first, err) < 0 || buf_check(&second, err) < 0)
        return -ERR_NOMEM;
    return e->cut(text, e->arg, fn, ctx, err);
}
