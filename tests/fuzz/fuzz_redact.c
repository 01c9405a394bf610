/*
 * Input: a secret, LF, a second secret, LF, text. Property: no form of a secret that we know how to make is in the
 * output, and what is between the marks is the text, in order.
 */
#include "shared/redact.h"

#include "shared/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static bool holds(struct span text, struct span part)
{
    return part.len >= REDACT_MIN && memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

/* Forms made here in another way than in the redactor: raw, base64 at the start of a group, hex. */
static void check_hidden(struct span secret, struct span out)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(4 * secret.len + 16);
    if (secret.len < REDACT_MIN)
        return;
    check(!holds(out, secret));
    crypto_base64_encode(secret, CRYPTO_BASE64, &text);
    check(!holds(out, buf_span(&text)));
    buf_reset(&text);
    crypto_base64_encode(secret, CRYPTO_BASE64URL, &text);
    check(!holds(out, buf_span(&text)));
    buf_reset(&text);
    for (size_t i = 0; i < secret.len; i++)
        buf_addf(&text, "%02x", (unsigned char)secret.ptr[i]);
    check(!holds(out, buf_span(&text)));
}

/* Each piece between marks must be found in the text, one behind the other. */
static void check_order(struct span text, struct span out)
{
    while (out.len > 0) {
        const char *mark = memmem(out.ptr, out.len, "***", 3);
        size_t len = mark ? (size_t)(mark - out.ptr) : out.len;
        const char *at = len ? memmem(text.ptr, text.len, out.ptr, len) : text.ptr;
        check(at != NULL);
        size_t used = len ? (size_t)(at - text.ptr) + len : 0;
        text = (struct span){ .ptr = text.ptr + used, .len = text.len - used };
        size_t cut = len + (mark ? 3 : 0);
        out = (struct span){ .ptr = out.ptr + cut, .len = out.len - cut };
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = { .ptr = (const char *)data, .len = size };
    struct span secret[2] = { 0 };
    if (size > 4096 || memchr(data, '*', size)) /* the mark may not be part of anything else */
        return 0;
    for (size_t i = 0; i < 2; i++)
        if (!span_next_line(&rest, &secret[i]))
            return 0;
    _cleanup_(redactor_free_p) struct redactor *r = NULL;
    _cleanup_(buf_done) struct buf text = BUF_INIT(64 * 1024);
    _cleanup_(buf_done) struct buf out = BUF_INIT(64 * 1024);
    check(redactor_new(&r, NULL) == 0);
    for (size_t i = 0; i < 2; i++)
        check(redactor_add(r, secret[i], NULL) == 0);
    buf_add_span(&text, rest);
    for (size_t i = 0; i < 2; i++) { /* so that every input has something to hide */
        buf_add_span(&text, secret[i]);
        crypto_base64_encode(secret[i], i ? CRYPTO_BASE64URL : CRYPTO_BASE64, &text);
        buf_add_span(&text, rest);
    }
    redactor_apply(r, buf_span(&text), &out);
    check(buf_check(&text, NULL) == 0 && buf_check(&out, NULL) == 0);
    for (size_t i = 0; i < 2; i++)
        check_hidden(secret[i], buf_span(&out));
    check_order(buf_span(&text), buf_span(&out));
    if (secret[0].len < REDACT_MIN && secret[1].len < REDACT_MIN)
        check(out.len == text.len && memcmp(buf_str(&out), buf_str(&text), out.len) == 0);
    return 0;
}
