#include "cmd/ssh/sshkey.h"

#include "shared/crypto.h"
#include "tests/unit/cmd/test_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_pem(const char *text, bool has_passphrase, const char *wanted)
{
    struct sshkey k;
    struct err e = { 0 };
    char shown[1000];
    int r = sshkey_parse(span_of(text), has_passphrase, &k, &e);
    if (r != 0)
        fail_msg("'%s': %s", text, err_text(&e, shown, sizeof(shown)));
    assert_string_equal(buf_str(&k.pem), wanted);
    sshkey_done(&k);
}

static void assert_refused_span(struct span text, bool has_passphrase, const char *words)
{
    struct sshkey k;
    struct err e = { 0 };
    char shown[1000];
    int r = sshkey_parse(text, has_passphrase, &k, &e);
    if (r != -ERR_KEY || !strstr(err_text(&e, shown, sizeof(shown)), words) || !e.hint[0])
        fail_msg("'%.*s' gave %d '%s', wanted '%s'", (int)text.len, text.ptr, r, err_text(&e, shown, sizeof(shown)),
                 words);
    assert_int_equal(k.pem.len, 0);
    sshkey_done(&k);
}

static void assert_refused(const char *text, const char *words)
{
    assert_refused_span(span_of(text), false, words);
}

/* OpenSSH writes lines of 70, we of 64: the expected text of each key. */
static void wrapped(const char *pem, struct buf *out)
{
    struct span rest = span_of(pem), line;
    _cleanup_(buf_done_p) struct buf digits = BUF_INIT(8192);
    span_next_line(&rest, &line);
    buf_add_span(out, line);
    buf_addc(out, '\n');
    while (span_next_line(&rest, &line) && !span_starts(line, "-----END"))
        buf_add_span(&digits, line);
    for (size_t i = 0; i < digits.len; i += 64) {
        buf_add(out, digits.ptr + i, digits.len - i < 64 ? digits.len - i : 64);
        buf_addc(out, '\n');
    }
    buf_add_span(out, line);
    buf_addc(out, '\n');
}

/* text: the key with each line end replaced and each line indented. */
static void bent(const char *pem, const char *indent, const char *line_end, struct buf *out)
{
    struct span rest = span_of(pem), line;
    while (span_next_line(&rest, &line)) {
        buf_adds(out, indent);
        buf_add_span(out, line);
        buf_adds(out, line_end);
    }
}

static void assert_mended(const char *pem, const char *indent, const char *line_end)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(16384);
    _cleanup_(buf_done_p) struct buf wanted = BUF_INIT(16384);
    bent(pem, indent, line_end, &text);
    wrapped(pem, &wanted);
    assert_pem(buf_str(&text), false, buf_str(&wanted));
}

static void a_key_as_it_is_keeps_its_bytes(void **state)
{
    (void)state;
    assert_mended(KEY_ED25519, "", "\n");
    assert_mended(KEY_ECDSA_PEM, "", "\n");
    assert_mended(KEY_ED25519_PKCS8, "", "\n");
}

static void carriage_returns_go(void **state)
{
    (void)state;
    assert_mended(KEY_ED25519, "", "\r\n");
}

static void indented_lines_are_mended(void **state)
{
    (void)state;
    assert_mended(KEY_ED25519, "    ", "\n");
    assert_mended(KEY_ECDSA_PEM, "\t", " \n\n");
}

static void a_key_on_one_line_is_mended(void **state)
{
    (void)state;
    assert_mended(KEY_ED25519, "", " ");
    assert_mended(KEY_ED25519, "", "");
    assert_mended(KEY_ECDSA_PEM, "", " ");
}

static void literal_backslash_n_is_mended(void **state)
{
    (void)state;
    assert_mended(KEY_ED25519, "", "\\n");
    assert_mended(KEY_ED25519_PKCS8, "", "\\r\\n");
}

static void text_around_the_key_is_dropped(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf wanted = BUF_INIT(8192);
    wrapped(KEY_ECDSA_PEM, &wanted);
    assert_pem("\xef\xbb\xbfsome words\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
               "-----END EC PARAMETERS-----\n" KEY_ECDSA_PEM KEY_ED25519_PUBLIC "\n",
               false, buf_str(&wanted));
}

static void an_old_encrypted_pem_keeps_its_headers_on_one_line_too(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(8192);
    bent(KEY_ECDSA_PEM_ENCRYPTED, "", " ", &text);
    struct sshkey k;
    struct err e = { 0 };
    assert_int_equal(sshkey_parse(buf_span(&text), true, &k, &e), 0);
    assert_true(k.encrypted);
    assert_string_equal(k.kind, "ECDSA");
    assert_non_null(strstr(buf_str(&k.pem), "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"));
    assert_non_null(strstr(strstr(buf_str(&k.pem), "DEK-Info"), "\n\n"));
    sshkey_done(&k);
}

static void kind_and_fingerprint_are_told(void **state)
{
    (void)state;
    struct sshkey k;
    struct err e = { 0 };
    assert_int_equal(sshkey_parse(span_of(KEY_ED25519), false, &k, &e), 0);
    assert_string_equal(k.kind, "Ed25519");
    assert_string_equal(k.fingerprint, KEY_ED25519_FINGERPRINT);
    assert_false(k.encrypted);
    sshkey_done(&k);
    assert_int_equal(sshkey_parse(span_of(KEY_ED25519_PKCS8), false, &k, &e), 0);
    assert_string_equal(k.kind, "Ed25519");
    assert_string_equal(k.fingerprint, "");
    sshkey_done(&k);
}

static void an_encrypted_key_wants_a_passphrase(void **state)
{
    (void)state;
    static const char *const keys[] = { KEY_ED25519_ENCRYPTED, KEY_ECDSA_PEM_ENCRYPTED, KEY_ED25519_PKCS8_ENCRYPTED };
    for (size_t i = 0; i < 3; i++) {
        struct sshkey k;
        struct err e = { 0 };
        assert_refused(keys[i], "encrypted and no passphrase was given");
        assert_int_equal(sshkey_parse(span_of(keys[i]), true, &k, &e), 0);
        assert_true(k.encrypted);
        sshkey_done(&k);
    }
}

static void a_cipher_that_cannot_be_used_is_named(void **state)
{
    (void)state;
    assert_refused_span(span_of(KEY_ED25519_CHACHA), true, "chacha20-poly1305@openssh.com");
    assert_refused_span(span_of("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                                "DEK-Info: DES-CBC,0011223344556677\n\nAAAAAAAAAAA=\n"
                                "-----END RSA PRIVATE KEY-----\n"),
                        true, "(DES)");
}

static void what_is_no_private_key_is_called_by_its_name(void **state)
{
    (void)state;
    assert_refused("", "empty");
    assert_refused(" \n ", "empty");
    assert_refused("hunter2", "not a private key");
    assert_refused(KEY_ED25519_PUBLIC, "public key");
    assert_refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "public key");
    assert_refused("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTY");
    assert_refused("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA\n", "ssh.com");
    assert_refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "certificate");
    assert_refused("~/.ssh/id_ed25519", "file name");
    assert_refused("-----BEGIN DSA PRIVATE KEY-----\nMAA=\n-----END DSA PRIVATE KEY-----", "type is not supported");
}

static void a_key_encoded_once_more_is_told(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(8192);
    crypto_base64_encode(span_of(KEY_ED25519), CRYPTO_BASE64, &b);
    assert_refused(buf_str(&b), "base64 once more");
}

static void missing_frame_lines_are_told(void **state)
{
    (void)state;
    const char *begin = strchr(KEY_ED25519, '\n') + 1;
    assert_refused(begin, "BEGIN line of the key is missing");
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(8192);
    buf_add(&b, begin, (size_t)(strstr(begin, "-----END") - begin));
    assert_refused(buf_str(&b), "BEGIN and END lines");
    assert_refused("-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n", "nothing between");
    assert_refused("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n", "END line does not belong");
}

static void a_key_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = { KEY_ED25519, KEY_ECDSA_PEM, KEY_ED25519_PKCS8 };
    for (size_t i = 0; i < 3; i++)
        for (size_t n = 0; n + 2 < strlen(keys[i]); n++) /* the last dash and the line end are behind it */
            assert_refused_span((struct span){ keys[i], n }, false, "");
}

static void a_key_that_lacks_a_line_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = { KEY_ED25519, KEY_ECDSA_PEM };
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(buf_done_p) struct buf b = BUF_INIT(8192);
        const char *second = strchr(strchr(keys[i], '\n') + 1, '\n') + 1;
        const char *third = strchr(second, '\n') + 1;
        buf_add(&b, keys[i], (size_t)(second - keys[i]));
        buf_adds(&b, third);
        assert_refused(buf_str(&b), "the key is ");
    }
}

static void foreign_characters_are_told(void **state)
{
    (void)state;
    assert_refused("-----BEGIN RSA PRIVATE KEY-----\nMII***\n-----END RSA PRIVATE KEY-----\n", "do not belong");
    assert_refused("-----BEGIN RSA PRIVATE KEY-----\nMII\\x\n-----END RSA PRIVATE KEY-----\n", "do not belong");
}

static void an_endless_text_is_refused(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(2 * SSHKEY_TEXT_MAX);
    for (int i = 0; i < SSHKEY_TEXT_MAX + 1; i++)
        buf_addc(&b, 'A');
    assert_refused(buf_str(&b), "longer than any");
}

static void a_finished_key_leaves_no_bytes_behind(void **state)
{
    (void)state;
    struct sshkey k;
    struct err e = { 0 };
    assert_int_equal(sshkey_parse(span_of(KEY_ED25519), false, &k, &e), 0);
    sshkey_done(&k);
    assert_int_equal(k.pem.len, 0);
    assert_null(k.pem.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_as_it_is_keeps_its_bytes),
        cmocka_unit_test(carriage_returns_go),
        cmocka_unit_test(indented_lines_are_mended),
        cmocka_unit_test(a_key_on_one_line_is_mended),
        cmocka_unit_test(literal_backslash_n_is_mended),
        cmocka_unit_test(text_around_the_key_is_dropped),
        cmocka_unit_test(an_old_encrypted_pem_keeps_its_headers_on_one_line_too),
        cmocka_unit_test(kind_and_fingerprint_are_told),
        cmocka_unit_test(an_encrypted_key_wants_a_passphrase),
        cmocka_unit_test(a_cipher_that_cannot_be_used_is_named),
        cmocka_unit_test(what_is_no_private_key_is_called_by_its_name),
        cmocka_unit_test(a_key_encoded_once_more_is_told),
        cmocka_unit_test(missing_frame_lines_are_told),
        cmocka_unit_test(a_key_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_key_that_lacks_a_line_is_refused),
        cmocka_unit_test(foreign_characters_are_told),
        cmocka_unit_test(an_endless_text_is_refused),
        cmocka_unit_test(a_finished_key_leaves_no_bytes_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
