#include "shared/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <sys/mman.h>

static void assert_hash_of_span(struct span data, const char *want)
{
    char hex[CRYPTO_SHA256_HEX_SIZE];
    assert_int_equal(crypto_sha256_hex(data, hex, NULL), 0);
    assert_string_equal(hex, want);
}

static void sha256_gives_the_published_values(void **state)
{
    (void)state;
    assert_hash_of_span(SPAN_LIT("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_hash_of_span((struct span){ 0 }, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha256_of_a_file_reads_all_of_it_and_leaves_the_offset(void **state)
{
    (void)state;
    _cleanup_(close_p) int fd = memfd_create("hash", MFD_CLOEXEC);
    assert_true(fd >= 0);
    _cleanup_(buf_done) struct buf text = BUF_INIT(1000000);
    while (text.len < 200000)
        buf_addf(&text, "line %zu\n", text.len);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    assert_int_equal(lseek(fd, 77, SEEK_SET), 77);
    char of_file[CRYPTO_SHA256_HEX_SIZE];
    char of_memory[CRYPTO_SHA256_HEX_SIZE];
    assert_int_equal(crypto_sha256_fd(fd, of_file, NULL), 0);
    assert_int_equal(crypto_sha256_hex(buf_span(&text), of_memory, NULL), 0);
    assert_string_equal(of_file, of_memory);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 77);
}

static void sha256_of_a_closed_descriptor_is_an_io_error(void **state)
{
    (void)state;
    struct err err = { 0 };
    char hex[CRYPTO_SHA256_HEX_SIZE] = "unchanged";
    assert_int_equal(crypto_sha256_fd(-1, hex, &err), -ERR_IO);
    assert_int_equal(err.code, EBADF);
    assert_string_equal(hex, "unchanged");
}

struct reading {
    int64_t asked; /* bytes */
    int fails;     /* -kind once half of them were asked for; 0 never */
};

static int read_letters(void *ctx, int64_t at, void *out, size_t len, struct err *err)
{
    struct reading *r = ctx;
    assert_int_equal(at, r->asked);
    r->asked += (int64_t)len;
    memset(out, 'a', len);
    return r->fails && r->asked > 500000 ? err_set(err, (enum err_kind) - r->fails, 0, "no") : 0;
}

static void sha256_of_a_million_letters_read_in_parts_is_known(void **state)
{
    (void)state;
    struct reading r = { 0 };
    char hex[CRYPTO_SHA256_HEX_SIZE];
    assert_int_equal(crypto_sha256_read(1000000, read_letters, &r, hex, NULL), 0);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    r = (struct reading){ .fails = -ERR_IO };
    assert_int_equal(crypto_sha256_read(1000000, read_letters, &r, hex, NULL), -ERR_IO);
}

static void hmac_sha1_gives_the_value_of_rfc_2202(void **state)
{
    (void)state;
    static const unsigned char want[20] = { 0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb, 0x2f, 0xa2, 0xd2, 0x74,
                                            0x16, 0xd5, 0xf1, 0x84, 0xdf, 0x9c, 0x25, 0x9a, 0x7c, 0x79 };
    unsigned char mac[20];
    assert_int_equal(crypto_hmac_sha1(SPAN_LIT("Jefe"), SPAN_LIT("what do ya want for nothing?"), mac, NULL), 0);
    assert_memory_equal(mac, want, 20);
}

static void assert_base64(const char *text, const char *want)
{
    _cleanup_(buf_done) struct buf coded = BUF_INIT(100);
    _cleanup_(buf_done) struct buf back = BUF_INIT(100);
    crypto_base64_encode(span_of(text), CRYPTO_BASE64, &coded);
    assert_string_equal(buf_str(&coded), want);
    assert_int_equal(crypto_base64_decode(span_of(want), &back, NULL), 0);
    assert_string_equal(buf_str(&back), text);
}

static void base64_gives_the_values_of_rfc_4648(void **state)
{
    (void)state;
    assert_base64("", "");
    assert_base64("f", "Zg==");
    assert_base64("fo", "Zm8=");
    assert_base64("foo", "Zm9v");
    assert_base64("foob", "Zm9vYg==");
    assert_base64("fooba", "Zm9vYmE=");
    assert_base64("foobar", "Zm9vYmFy");
}

static void base64_of_every_byte_comes_back_in_both_alphabets(void **state)
{
    (void)state;
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    for (size_t len = 0; len <= sizeof(all); len++) {
        for (int form = CRYPTO_BASE64; form <= CRYPTO_BASE64URL; form++) {
            _cleanup_(buf_done) struct buf coded = BUF_INIT(1000);
            _cleanup_(buf_done) struct buf back = BUF_INIT(1000);
            struct span data = { .ptr = all + sizeof(all) - len, .len = len };
            crypto_base64_encode(data, (enum crypto_base64)form, &coded);
            assert_int_equal(coded.len, (len + 2) / 3 * 4);
            assert_int_equal(crypto_base64_decode(buf_span(&coded), &back, NULL), 0);
            assert_int_equal(back.len, len);
            assert_memory_equal(back.len ? back.ptr : "", data.ptr, len);
        }
    }
}

static void base64url_uses_its_own_two_digits(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf coded = BUF_INIT(100);
    crypto_base64_encode(SPAN_LIT("\xfb\xff\xfe"), CRYPTO_BASE64URL, &coded);
    assert_string_equal(buf_str(&coded), "-__-");
}

static void base64_padding_may_be_left_out(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf back = BUF_INIT(100);
    assert_int_equal(crypto_base64_decode(SPAN_LIT("Zm9vYg"), &back, NULL), 0);
    assert_string_equal(buf_str(&back), "foob");
}

static void base64_that_is_not_strict_is_refused_and_adds_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = { "Z",      "Zg=",   "Zg===",      "Zm9v=",   "Zm9vYg=", "Zm9v YmFy",
                                       "Zm9v\n", "=",     "====",       "Zm=v",    "Zm9vY",   "Zh==",
                                       "Zm9=",   "Z m8=", "\xc3\xa4==", "Zg==Zg==" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        _cleanup_(buf_done) struct buf back = BUF_INIT(100);
        struct err err = { 0 };
        int r = crypto_base64_decode(span_of(bad[i]), &back, &err);
        if (r != -ERR_PROTO || back.len != 0)
            fail_msg("'%s' gave %d and %zu bytes", bad[i], r, back.len);
    }
}

static void base64_that_does_not_fit_is_told(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf back = BUF_INIT(3);
    struct err err = { 0 };
    assert_int_equal(crypto_base64_decode(SPAN_LIT("Zm9vYmFy"), &back, &err), -ERR_NOMEM);
}

static void random_hex_has_the_length_and_differs(void **state)
{
    (void)state;
    char a[33];
    char b[33];
    assert_int_equal(crypto_random_hex(16, a, sizeof(a), NULL), 0);
    assert_int_equal(crypto_random_hex(16, b, sizeof(b), NULL), 0);
    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_string_not_equal(a, b);
}

static void random_hex_refuses_a_small_buffer(void **state)
{
    (void)state;
    char small[4];
    struct err err = { 0 };
    assert_int_equal(crypto_random_hex(2, small, sizeof(small), &err), -ERR_BUG);
    assert_int_equal(crypto_random_hex(65, small, sizeof(small), &err), -ERR_BUG);
}

static void random_bytes_fill_the_whole_buffer(void **state)
{
    (void)state;
    unsigned char seen[64] = { 0 };
    for (int round = 0; round < 20; round++) {
        unsigned char bytes[64];
        assert_int_equal(crypto_random(bytes, sizeof(bytes), NULL), 0);
        for (size_t i = 0; i < sizeof(bytes); i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof(seen); i++)
        assert_int_not_equal(seen[i], 0);
}

static void equal_compares_every_byte(void **state)
{
    (void)state;
    assert_true(crypto_equal("abcd", "abcd", 4));
    assert_false(crypto_equal("abcd", "abcx", 4));
    assert_false(crypto_equal("xbcd", "abcd", 4));
    assert_true(crypto_equal(NULL, NULL, 0));
}

/* The key that the PEM holds, as another program reads it. */
static void assert_pem_holds(const struct buf *pem, const unsigned char want[CRYPTO_ED25519_SIZE])
{
    unsigned char public_key[CRYPTO_ED25519_SIZE];
    size_t len = sizeof(public_key);
    BIO *bio = BIO_new_mem_buf(pem->ptr, (int)pem->len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, public_key, &len), 1);
    assert_memory_equal(public_key, want, sizeof(public_key));
    EVP_PKEY_free(key);
    BIO_free(bio);
}

static void ed25519_makes_a_new_pair_each_time(void **state)
{
    _cleanup_(buf_wipe_done_p) struct buf pem = BUF_INIT(512), other = BUF_INIT(512), small = BUF_INIT(100);
    unsigned char public_key[CRYPTO_ED25519_SIZE], other_key[CRYPTO_ED25519_SIZE];
    (void)state;
    assert_int_equal(crypto_ed25519_new(&pem, public_key, NULL), 0);
    assert_int_equal(crypto_ed25519_new(&other, other_key, NULL), 0);
    assert_pem_holds(&pem, public_key);
    assert_pem_holds(&other, other_key);
    assert_memory_not_equal(public_key, other_key, sizeof(public_key));
    assert_int_equal(crypto_ed25519_new(&small, public_key, NULL), -ERR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_values),
        cmocka_unit_test(sha256_of_a_file_reads_all_of_it_and_leaves_the_offset),
        cmocka_unit_test(sha256_of_a_closed_descriptor_is_an_io_error),
        cmocka_unit_test(sha256_of_a_million_letters_read_in_parts_is_known),
        cmocka_unit_test(hmac_sha1_gives_the_value_of_rfc_2202),
        cmocka_unit_test(base64_gives_the_values_of_rfc_4648),
        cmocka_unit_test(base64_of_every_byte_comes_back_in_both_alphabets),
        cmocka_unit_test(base64url_uses_its_own_two_digits),
        cmocka_unit_test(base64_padding_may_be_left_out),
        cmocka_unit_test(base64_that_is_not_strict_is_refused_and_adds_nothing),
        cmocka_unit_test(base64_that_does_not_fit_is_told),
        cmocka_unit_test(random_hex_has_the_length_and_differs),
        cmocka_unit_test(random_hex_refuses_a_small_buffer),
        cmocka_unit_test(random_bytes_fill_the_whole_buffer),
        cmocka_unit_test(equal_compares_every_byte),
        cmocka_unit_test(ed25519_makes_a_new_pair_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
