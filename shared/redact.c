#include "shared/redact.h"

#include "shared/crypto.h"
#include "shared/secret.h"

#define MARK "***"
#define KEY_BITS 16
#define CHAIN_BITS 12
#define CHAINS (1U << CHAIN_BITS)

/* One form of a secret, e.g. its base64. */
struct form {
    char *ptr;
    size_t len;
    uint32_t key;  /* the first four bytes */
    uint32_t next; /* in its chain, longer ones first; index + 1, 0 ends */
};

/*
 * Every form has at least four bytes, so a hash of four bytes of text tells whether a form can begin there: one bit of
 * `maybe` (8 KiB, stays in the first cache) for nearly every byte of text, a walk along a chain for the rest.
 */
struct redactor {
    struct form *forms;
    size_t len, cap;
    uint64_t maybe[(1U << KEY_BITS) / 64];
    uint32_t chain[CHAINS];
};

static uint32_t load_key(const char *p)
{
    uint32_t key;
    memcpy(&key, p, sizeof(key));
    return key;
}

static uint32_t hash_key(uint32_t key)
{
    return (key * 2654435761U) >> (32 - KEY_BITS);
}

int redactor_new(struct redactor **ret, struct err *err)
{
    struct redactor *r = calloc(1, sizeof(*r));
    if (!r)
        return err_set(err, ERR_NOMEM, 0, "out of memory for the list of secrets");
    *ret = r;
    return 0;
}

void redactor_free(struct redactor *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->len; i++) {
        secret_wipe(r->forms[i].ptr, r->forms[i].len);
        free(r->forms[i].ptr);
    }
    if (r->forms)
        secret_wipe(r->forms, r->cap * sizeof(*r->forms)); /* it holds keys */
    free(r->forms);
    free(r);
}

void redactor_free_p(struct redactor **r)
{
    redactor_free(*r);
    *r = NULL;
}

static bool grow(struct redactor *r)
{
    if (r->len < r->cap)
        return true;
    size_t cap = r->cap ? 2 * r->cap : 64;
    struct form *forms = calloc(cap, sizeof(*forms));
    if (!forms)
        return false;
    if (r->forms) {
        memcpy(forms, r->forms, r->len * sizeof(*forms));
        secret_wipe(r->forms, r->cap * sizeof(*forms));
    }
    free(r->forms);
    r->forms = forms;
    r->cap = cap;
    return true;
}

/* Put one form into the table, unless it is too short or already there. */
static int add_form(struct redactor *r, struct span text, struct err *err)
{
    if (text.len < REDACT_MIN)
        return 0;
    uint32_t key = load_key(text.ptr);
    uint32_t hash = hash_key(key);
    uint32_t *link = &r->chain[hash >> (KEY_BITS - CHAIN_BITS)];
    for (; *link; link = &r->forms[*link - 1].next) {
        const struct form *f = &r->forms[*link - 1];
        if (f->len < text.len)
            break;
        if (f->len == text.len && memcmp(f->ptr, text.ptr, text.len) == 0)
            return 0;
    }
    if (r->len >= REDACT_FORMS_MAX)
        return err_set(err, ERR_NOMEM, 0, "more than %d lines of secrets to hide", REDACT_FORMS_MAX);
    size_t link_at = SIZE_MAX; /* the array may move: remember whose `next` it is */
    if (link != &r->chain[hash >> (KEY_BITS - CHAIN_BITS)])
        link_at = (size_t)((const char *)link - (const char *)r->forms) / sizeof(*r->forms);
    char *copy = malloc(text.len);
    if (!copy || !grow(r)) {
        free(copy);
        return err_set(err, ERR_NOMEM, 0, "out of memory for the list of secrets");
    }
    memcpy(copy, text.ptr, text.len);
    if (link_at != SIZE_MAX)
        link = &r->forms[link_at].next;
    r->forms[r->len++] = (struct form){ .ptr = copy, .len = text.len, .key = key, .next = *link };
    *link = (uint32_t)r->len;
    r->maybe[hash / 64] |= 1ULL << hash % 64;
    return 0;
}

static int add_buf(struct redactor *r, const struct buf *b, struct err *err)
{
    int e = buf_check(b, err);
    return e < 0 ? e : add_form(r, buf_span(b), err);
}

/* The lines of one long line that was folded after `width` characters. */
static int add_folded(struct redactor *r, struct span text, size_t width, struct err *err)
{
    int e = 0;
    while (e == 0 && text.len > 0) {
        struct span line = { .ptr = text.ptr, .len = text.len < width ? text.len : width };
        if (line.len >= REDACT_LINE_MIN)
            e = add_form(r, line, err);
        text.ptr += line.len;
        text.len -= line.len;
    }
    return e;
}

/*
 * What every base64 text that contains the value has in common: the value may start at any of three places of a group,
 * and the digits at its ends depend on its neighbours.
 */
static int add_base64(struct redactor *r, struct span value, enum crypto_base64 alphabet, struct err *err)
{
    static const size_t skip[3] = { 0, 2, 3 }; /* digits that hold bits of the bytes before */
    _cleanup_(buf_wipe_done) struct buf padded = BUF_INIT(value.len + 2);
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(2 * value.len + 16);
    int e = 0;
    for (size_t before = 0; before < 3 && e == 0; before++) {
        buf_reset(&padded);
        buf_reset(&text);
        buf_add(&padded, "\0\0", before);
        buf_add_span(&padded, value);
        crypto_base64_encode(buf_span(&padded), alphabet, &text);
        if (buf_check(&padded, err) < 0 || buf_check(&text, err) < 0)
            return -ERR_NOMEM;
        struct span all = buf_span(&text);
        size_t end = 8 * (before + value.len) / 6;
        e = add_form(r, (struct span){ .ptr = all.ptr + skip[before], .len = end - skip[before] }, err);
        if (before > 0 || e < 0)
            continue;
        e = add_form(r, all, err);
        if (e == 0 && all.len > 76)
            e = add_folded(r, all, 76, err); /* base64(1), MIME */
        if (e == 0 && all.len > 64)
            e = add_folded(r, all, 64, err); /* openssl(1), PEM */
    }
    return e;
}

static int add_hex(struct redactor *r, struct span value, const char *digits, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(2 * value.len);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        buf_addc(&text, digits[c >> 4]);
        buf_addc(&text, digits[c & 15]);
    }
    return add_buf(r, &text, err);
}

/* As in a JSON string. `html`: the way of Go's encoder, which the Docker Engine uses. */
static void escape_json(struct span value, bool html, struct buf *out)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        const char *p = c ? strchr(plain, c) : NULL;
        if (html && (c == '<' || c == '>' || c == '&' || c == '\b' || c == '\f'))
            p = NULL;
        if (p) {
            buf_addc(out, '\\');
            buf_addc(out, letters[p - plain]);
        } else if (c < 0x20 || (html && (c == '<' || c == '>' || c == '&'))) {
            buf_addf(out, "\\u%04x", c);
        } else {
            buf_addc(out, (char)c);
        }
    }
}

/* Percent-encoded; `keep` lists further characters that stay, `space` is what a blank becomes. */
static int add_percent(struct redactor *r, struct span value, const char *digits, const char *keep, const char *space,
                       struct err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(3 * value.len);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c == ' ') {
            buf_adds(&text, space);
        } else if (c && (strchr(letters, c) || strchr(keep, c))) {
            buf_addc(&text, (char)c);
        } else {
            buf_addc(&text, '%');
            buf_addc(&text, digits[c >> 4]);
            buf_addc(&text, digits[c & 15]);
        }
    }
    return add_buf(r, &text, err);
}

static int add_lines(struct redactor *r, struct span value, struct err *err)
{
    struct span line;
    int e = 0;
    while (e == 0 && span_next_line(&value, &line)) {
        line = span_trim(line);
        if (line.len >= REDACT_LINE_MIN && !span_starts(line, "-----")) /* armour tells nothing */
            e = add_form(r, line, err);
    }
    return e;
}

static int add_both_base64(struct redactor *r, struct span value, struct err *err)
{
    int e = add_base64(r, value, CRYPTO_BASE64, err);
    return e < 0 ? e : add_base64(r, value, CRYPTO_BASE64URL, err);
}

static int add_json(struct redactor *r, struct span value, bool html, struct err *err)
{
    _cleanup_(buf_wipe_done) struct buf text = BUF_INIT(6 * value.len);
    escape_json(value, html, &text);
    int e = add_buf(r, &text, err);
    /* a registry password travels as base64 of JSON */
    return e < 0 ? e : add_both_base64(r, buf_span(&text), err);
}

static int add_value(struct redactor *r, struct span value, struct err *err)
{
    static const char lower[] = "0123456789abcdef";
    static const char upper[] = "0123456789ABCDEF";
    if (value.len < REDACT_MIN)
        return 0;
    int e = add_form(r, value, err);
    e = e < 0 ? e : add_both_base64(r, value, err);
    e = e < 0 ? e : add_json(r, value, false, err);
    e = e < 0 ? e : add_json(r, value, true, err);
    e = e < 0 ? e : add_percent(r, value, upper, "", "%20", err);
    e = e < 0 ? e : add_percent(r, value, lower, "", "%20", err);
    e = e < 0 ? e : add_percent(r, value, upper, "", "+", err);
    e = e < 0 ? e : add_percent(r, value, upper, "!'()*", "%20", err); /* JavaScript */
    e = e < 0 ? e : add_hex(r, value, lower, err);
    return e < 0 ? e : add_hex(r, value, upper, err);
}

int redactor_add(struct redactor *r, struct span secret, struct err *err)
{
    int e = add_value(r, secret, err);
    if (e == 0)
        e = add_value(r, span_trim(secret), err);
    if (e == 0)
        e = add_lines(r, secret, err);
    return e < 0 ? err_wrap(err, "register a secret of %zu bytes", secret.len) : 0;
}

/* Length of the longest form that begins at p; 0: none. */
static size_t match(const struct redactor *r, uint32_t hash, const char *p, size_t left)
{
    uint32_t key = load_key(p);
    for (uint32_t i = r->chain[hash >> (KEY_BITS - CHAIN_BITS)]; i; i = r->forms[i - 1].next) {
        const struct form *f = &r->forms[i - 1];
        if (f->key == key && f->len <= left && memcmp(f->ptr, p, f->len) == 0)
            return f->len;
    }
    return 0;
}

void redactor_apply(const struct redactor *r, struct span text, struct buf *out)
{
    if (!r || r->len == 0 || text.len < REDACT_MIN) {
        buf_add_span(out, text);
        return;
    }
    size_t kept = 0;    /* text before this is in `out`, or hidden */
    size_t covered = 0; /* end of the occurrence we are in */
    for (size_t i = 0; i + REDACT_MIN <= text.len; i++) {
        uint32_t hash = hash_key(load_key(text.ptr + i));
        if (!(r->maybe[hash / 64] >> hash % 64 & 1))
            continue;
        size_t len = match(r, hash, text.ptr + i, text.len - i);
        if (len == 0)
            continue;
        if (i >= covered) { /* not an overlap: a new one */
            buf_add(out, text.ptr + kept, i - kept);
            buf_adds(out, MARK);
        }
        if (i + len > covered)
            covered = i + len;
        kept = covered;
    }
    buf_add(out, text.ptr + kept, text.len - kept);
}
