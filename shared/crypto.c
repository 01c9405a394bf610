#include "shared/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <limits.h>

#define READ_CHUNK (64 * 1024)

static const char hex_digits[] = "0123456789abcdef";

static void md_ctx_free_p(EVP_MD_CTX **ctx)
{
    EVP_MD_CTX_free(*ctx);
    *ctx = NULL;
}

static void to_hex(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = hex_digits[bytes[i] >> 4];
        out[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

int crypto_sha256(struct span data, unsigned char out[CRYPTO_SHA256_SIZE], struct err *err)
{
    unsigned int len = 0;
    if (EVP_Digest(data.len ? data.ptr : "", data.len, out, &len, EVP_sha256(), NULL) != 1 || len != CRYPTO_SHA256_SIZE)
        return err_set(err, ERR_BUG, 0, "libcrypto refused to compute SHA-256");
    return 0;
}

int crypto_sha256_hex(struct span data, char out[CRYPTO_SHA256_HEX_SIZE], struct err *err)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    int r = crypto_sha256(data, digest, err);
    if (r < 0)
        return r;
    to_hex(digest, sizeof(digest), out);
    return 0;
}

int crypto_sha256_fd(int fd, char out[CRYPTO_SHA256_HEX_SIZE], struct err *err)
{
    _cleanup_(md_ctx_free_p) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    _cleanup_(free_p) char *chunk = malloc(READ_CHUNK);
    if (!ctx || !chunk)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    if (EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
        return err_set(err, ERR_BUG, 0, "libcrypto refused to compute SHA-256");
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(fd, chunk, READ_CHUNK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_IO, errno, "read to compute SHA-256: %s", strerror(errno));
        if (n == 0)
            break;
        if (EVP_DigestUpdate(ctx, chunk, (size_t)n) != 1)
            return err_set(err, ERR_BUG, 0, "libcrypto refused to compute SHA-256");
        at += n;
    }
    unsigned char digest[CRYPTO_SHA256_SIZE];
    unsigned int len = 0;
    if (EVP_DigestFinal_ex(ctx, digest, &len) != 1 || len != sizeof(digest))
        return err_set(err, ERR_BUG, 0, "libcrypto refused to compute SHA-256");
    to_hex(digest, sizeof(digest), out);
    return 0;
}

int crypto_sha256_read(int64_t size, int (*read)(void *ctx, int64_t at, void *out, size_t len, struct err *err),
                       void *ctx, char out[CRYPTO_SHA256_HEX_SIZE], struct err *err)
{
    _cleanup_(md_ctx_free_p) EVP_MD_CTX *md = EVP_MD_CTX_new();
    _cleanup_(free_p) char *chunk = malloc(READ_CHUNK);
    unsigned char digest[CRYPTO_SHA256_SIZE];
    unsigned int len = 0;
    if (!md || !chunk)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    bool ok = EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
    for (int64_t at = 0; ok && at < size;) {
        size_t n = size - at < READ_CHUNK ? (size_t)(size - at) : READ_CHUNK;
        int r = read(ctx, at, chunk, n, err);
        if (r < 0)
            return r;
        ok = EVP_DigestUpdate(md, chunk, n) == 1;
        at += (int64_t)n;
    }
    if (!ok || EVP_DigestFinal_ex(md, digest, &len) != 1 || len != sizeof(digest))
        return err_set(err, ERR_BUG, 0, "libcrypto refused to compute SHA-256");
    to_hex(digest, sizeof(digest), out);
    return 0;
}

int crypto_hmac_sha1(struct span key, struct span data, unsigned char out[20], struct err *err)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (key.len > INT_MAX)
        return err_set(err, ERR_BUG, 0, "HMAC key of %zu bytes", key.len);
    const void *data_ptr = data.len ? data.ptr : "";
    if (!HMAC(EVP_sha1(), key.len ? key.ptr : "", (int)key.len, data_ptr, data.len, mac, &len) || len != 20)
        return err_set(err, ERR_BUG, 0, "libcrypto refused to compute HMAC-SHA1");
    memcpy(out, mac, 20);
    return 0;
}

void crypto_base64_encode(struct span data, enum crypto_base64 form, struct buf *out)
{
    static const char std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *alphabet = form == CRYPTO_BASE64URL ? url : std;
    const unsigned char *p = (const unsigned char *)data.ptr;
    for (size_t i = 0; i < data.len; i += 3) {
        size_t left = data.len - i;
        unsigned v = (unsigned)p[i] << 16;
        if (left > 1)
            v |= (unsigned)p[i + 1] << 8;
        if (left > 2)
            v |= p[i + 2];
        char quad[4] = {
            alphabet[v >> 18],
            alphabet[v >> 12 & 63],
            left > 1 ? alphabet[v >> 6 & 63] : '=',
            left > 2 ? alphabet[v & 63] : '=',
        };
        buf_add(out, quad, sizeof(quad));
    }
}

/* Value of one digit of either alphabet; -1 for anything else. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

/* Take the padding off; it must complete a group of four when there is any. */
static bool strip_padding(struct span *text)
{
    size_t pad = 0;
    while (pad < 2 && pad < text->len && text->ptr[text->len - 1 - pad] == '=')
        pad++;
    if (pad > 0 && text->len % 4 != 0)
        return false;
    text->len -= pad;
    return text->len % 4 != 1;
}

int crypto_base64_decode(struct span text, struct buf *out, struct err *err)
{
    if (!strip_padding(&text))
        return err_set(err, ERR_PROTO, 0, "base64 text ends in the middle of a group");
    for (size_t i = 0; i < text.len; i++)
        if (base64_value(text.ptr[i]) < 0)
            return err_set(err, ERR_PROTO, 0, "not a base64 digit at offset %zu", i);
    size_t tail = text.len % 4;
    if (tail) {
        int unused = tail == 2 ? 15 : 3;
        if (base64_value(text.ptr[text.len - 1]) & unused)
            return err_set(err, ERR_PROTO, 0, "base64 text has stray bits in its last digit");
    }
    unsigned acc = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        acc = (acc << 6 | (unsigned)base64_value(text.ptr[i])) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_addc(out, (char)(acc >> bits & 0xff));
        }
    }
    return buf_check(out, err);
}

static void pkey_free_p(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
    *key = NULL;
}

/* PrivateKeyInfo of RFC 8410, section 7: all of it but the 32 bytes of the key is constant. */
static void add_pkcs8(const unsigned char seed[CRYPTO_ED25519_SIZE], struct buf *out)
{
    static const unsigned char head[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                          0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
    static const char label[] = "PRIVATE KEY";
    unsigned char der[sizeof(head) + CRYPTO_ED25519_SIZE];
    memcpy(der, head, sizeof(head));
    memcpy(der + sizeof(head), seed, CRYPTO_ED25519_SIZE);
    buf_addf(out, "-----BEGIN %s-----\n", label);
    crypto_base64_encode((struct span){ (const char *)der, sizeof(der) }, CRYPTO_BASE64, out);
    buf_addf(out, "\n-----END %s-----\n", label);
    OPENSSL_cleanse(der, sizeof(der));
}

int crypto_ed25519_new(struct buf *pkcs8, unsigned char public_key[CRYPTO_ED25519_SIZE], struct err *err)
{
    _cleanup_(pkey_free_p) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    unsigned char seed[CRYPTO_ED25519_SIZE];
    size_t seed_len = sizeof(seed), public_len = CRYPTO_ED25519_SIZE;
    if (!key || EVP_PKEY_get_raw_private_key(key, seed, &seed_len) != 1 || seed_len != sizeof(seed) ||
        EVP_PKEY_get_raw_public_key(key, public_key, &public_len) != 1 || public_len != CRYPTO_ED25519_SIZE)
        return err_set(err, ERR_BUG, 0, "libcrypto refused to make an Ed25519 key");
    add_pkcs8(seed, pkcs8);
    OPENSSL_cleanse(seed, sizeof(seed));
    return buf_check(pkcs8, err);
}

int crypto_random(void *out, size_t len, struct err *err)
{
    unsigned char *p = out;
    while (len > 0) {
        int step = len > INT_MAX ? INT_MAX : (int)len;
        if (RAND_bytes(p, step) != 1)
            return err_set(err, ERR_IO, 0, "the system gave no random bytes");
        p += step;
        len -= (size_t)step;
    }
    return 0;
}

int crypto_random_hex(size_t bytes, char *out, size_t out_size, struct err *err)
{
    unsigned char raw[64];
    if (bytes > sizeof(raw) || out_size < 2 * bytes + 1)
        return err_set(err, ERR_BUG, 0, "%zu random bytes do not fit in %zu", bytes, out_size);
    int r = crypto_random(raw, bytes, err);
    if (r < 0)
        return r;
    to_hex(raw, bytes, out);
    OPENSSL_cleanse(raw, sizeof(raw));
    return 0;
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}
