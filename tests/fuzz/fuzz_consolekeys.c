/*
 * The text of a console, as it came. Properties: reading twice gives the same; what comes out are pins, each with a type,
 * whose fingerprint stands in the text or is that of a key that does; a block in front changes nothing, unless there was
 * none; a good block behind is the one that counts; without the line that ends the last block, it does not count.
 */
#include "cmd/aws/consolekeys.h"

#include "cmd/ssh/hostpin.h"

#define TEXT_MAX (2 * 1024 * 1024)
#define OUT_MAX (64 * 1024)

static const char GOOD[] = "\n-----BEGIN SSH HOST KEY FINGERPRINTS-----\n"
                           "256 SHA256:Ts49K+09m+HjWS/H2UbGLaFHx7jQ5sqogtbD5bcgGnE root@web (ED25519)\n"
                           "-----END SSH HOST KEY FINGERPRINTS-----\n";
static const char GOOD_PINS[] = "ssh-ed25519 SHA256:Ts49K+09m+HjWS/H2UbGLaFHx7jQ5sqogtbD5bcgGnE\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The result of `before`, text and `after` as one. */
static int parse(const char *before, struct span text, const char *after, struct buf *out)
{
    _cleanup_(buf_done_p) struct buf whole = BUF_INIT(TEXT_MAX);
    buf_adds(&whole, before);
    buf_add_span(&whole, text);
    buf_adds(&whole, after);
    buf_reset(out);
    return consolekeys_parse(buf_span(&whole), out, NULL);
}

/* The word is this fingerprint, or the key that has it. base64 may be of either alphabet, so bytes are compared. */
static bool stands_for(struct span word, const unsigned char sha256[CRYPTO_SHA256_SIZE])
{
    static const char mark[] = "SHA256:";
    _cleanup_(buf_done_p) struct buf raw = BUF_INIT(CONSOLEKEYS_LINE_MAX);
    unsigned char digest[CRYPTO_SHA256_SIZE];
    bool is_print = span_starts(word, mark);
    if (is_print)
        word = (struct span){ word.ptr + sizeof(mark) - 1, word.len - sizeof(mark) + 1 };
    if (word.len < 20 || crypto_base64_decode(word, &raw, NULL) < 0)
        return false;
    if (is_print)
        return raw.len == CRYPTO_SHA256_SIZE && memcmp(raw.ptr, sha256, CRYPTO_SHA256_SIZE) == 0;
    return crypto_sha256(buf_span(&raw), digest, NULL) == 0 && memcmp(digest, sha256, sizeof(digest)) == 0;
}

static bool stands_in(struct span text, const unsigned char sha256[CRYPTO_SHA256_SIZE])
{
    for (size_t i = 0, n; i < text.len; i += n + 1) {
        for (n = 0; i + n < text.len && !strchr(" \t\r\n", text.ptr[i + n]);)
            n++;
        if (stands_for((struct span){ text.ptr + i, n }, sha256))
            return true;
    }
    return false;
}

static void check_pins(struct span text, const struct buf *out)
{
    struct hostpins pins;
    if (hostpins_parse(buf_span(out), span_of(""), "web1", 22, &pins, NULL) < 0 || pins.len == 0 ||
        pins.len > CONSOLEKEYS_MAX)
        abort();
    for (size_t i = 0; i < pins.len; i++)
        if (!pins.items[i].types || pins.items[i].revoked || !stands_in(text, pins.items[i].sha256))
            abort();
    hostpins_done(&pins);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(buf_done_p) struct buf first = BUF_INIT(OUT_MAX), other = BUF_INIT(OUT_MAX);
    struct span text = { (const char *)data, size };
    if (size > CONSOLEKEYS_TEXT_MAX)
        return 0;
    int r = parse("", text, "", &first);
    if (r != 0 && r != 1 && r != -ERR_PROTO)
        abort();
    if (parse("", text, "", &other) != r || (r == 0 && strcmp(buf_str(&first), buf_str(&other)) != 0))
        abort();
    if (r == 0)
        check_pins(text, &first);
    /* the first line of the text may be the end of what is put in front: it begins a line of its own */
    int after = parse(GOOD, text, "", &other);
    if (r == 1 ? after != 0 || strcmp(buf_str(&other), GOOD_PINS) != 0
               : after != r || (r == 0 && strcmp(buf_str(&first), buf_str(&other)) != 0))
        abort();
    if (parse("", text, GOOD, &other) != 0 || strcmp(buf_str(&other), GOOD_PINS) != 0)
        abort();
    int cut = parse("", text, "\n-----BEGIN SSH HOST KEY KEYS-----\nssh-ed25519 AAAA\n", &other);
    if (cut != r || (r == 0 && strcmp(buf_str(&first), buf_str(&other)) != 0))
        abort();
    return 0;
}
