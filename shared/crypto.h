/* The one door to OpenSSL's libcrypto outside libssh2 and libcurl: hashes, base64, random bytes, new keys. */
#ifndef BLUEGREEN_CRYPTO_H
#define BLUEGREEN_CRYPTO_H

#include "buf.h"

#define CRYPTO_SHA256_SIZE 32
#define CRYPTO_SHA256_HEX_SIZE 65 /* with terminator */

int crypto_sha256(struct span data, unsigned char out[CRYPTO_SHA256_SIZE], struct err *err);
int crypto_sha256_hex(struct span data, char out[CRYPTO_SHA256_HEX_SIZE], struct err *err);
/* Whole file through an open descriptor, from its start (pread; the offset does not move). */
int crypto_sha256_fd(int fd, char out[CRYPTO_SHA256_HEX_SIZE], struct err *err);
/* Of `size` bytes that `read` gives: exactly len of them from offset `at`, 0 or -kind. */
int crypto_sha256_read(int64_t size, int (*read)(void *ctx, int64_t at, void *out, size_t len, struct err *err),
                       void *ctx, char out[CRYPTO_SHA256_HEX_SIZE], struct err *err);
/* HMAC-SHA1, for hashed known_hosts names only. */
int crypto_hmac_sha1(struct span key, struct span data, unsigned char out[20], struct err *err);

enum crypto_base64 { CRYPTO_BASE64, CRYPTO_BASE64URL }; /* both with padding */
void crypto_base64_encode(struct span data, enum crypto_base64 form, struct buf *out);
/* Strict: no blanks, no stray bits; padding optional, either alphabet. -ERR_PROTO, and then nothing was appended. */
int crypto_base64_decode(struct span text, struct buf *out, struct err *err);

/*
 * A new Ed25519 key pair. pkcs8: its private half as one PKCS#8 PEM block, secret, appended; end it with buf_wipe_done().
 * public_key: the 32 bytes of RFC 8032.
 */
#define CRYPTO_ED25519_SIZE 32
int crypto_ed25519_new(struct buf *pkcs8, unsigned char public_key[CRYPTO_ED25519_SIZE], struct err *err);

int crypto_random(void *out, size_t len, struct err *err);
/* 2*bytes lower-case hex digits, terminated. At most 64 bytes. */
int crypto_random_hex(size_t bytes, char *out, size_t out_size, struct err *err);
/* Constant-time comparison. */
bool crypto_equal(const void *a, const void *b, size_t len);

#endif
