#include "cmd/ssh/hostpin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ED_KEY "AAAAC3NzaC1lZDI1NTE5AAAAIHB0h5YSZXFQ03odSukSbsEp5Wtki9EXNFF+46+qzExr"
#define ED_FP "SHA256:GKuVY9gnTQ3TwZ5zPYOLOn/slhs/Er6csLNBJ8SXt9Q"
#define ED2_KEY "AAAAC3NzaC1lZDI1NTE5AAAAIJ8gLRMSMTJEE4T2ouUPNkKAqYapQm1hqNv7v0thGri2"
#define ED2_FP "SHA256:JKN/NdGikESaU3ai+qRiiUid9oz4dW7wsgHv8UElmMc"
#define EC_KEY                                                                                                         \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJ6UZPp+ncs9nEVsjQ/aXnf4oIjamZHwbVqks5tP9/"                   \
    "NcMIAnrlulbe16CJXUsPSvSbwpdYV6lFrtmlz3tuNPoiQ="
#define EC_FP "SHA256:ePHrUb5Xi4P4J5XEgCsq/zMQCR9rf60ASfF1Dsp8Omc"
#define RSA_FP "SHA256:OfeXTFmdwjjJK74oNdks/7vYQZa18UKLR+UFMv3BZmo"
/* web1 and [web1]:2222, hashed by ssh-keygen -H */
#define HASHED_WEB1 "|1|RPcyJmFgmr+ZDl4kCWetw/ypBMA=|X267o+dwnA9uedTkRwiF2M8AeaY="
#define HASHED_WEB1_2222 "|1|d1H8hvjUUGH+hiHmVvSATZqe7gs=|6fTk/5kXoVgZhmwL0Ok4YkZXtvI="

static void parse(const char *fingerprints, const char *known_hosts, int port, struct hostpins *pins)
{
    struct err e = { 0 };
    char text[1000];
    int r = hostpins_parse(span_of(fingerprints), span_of(known_hosts), "web1", port, pins, &e);
    if (r != 0)
        fail_msg("'%s' '%s': %s", fingerprints, known_hosts, err_text(&e, text, sizeof(text)));
}

static void assert_refused(const char *fingerprints, const char *known_hosts, const char *words)
{
    struct hostpins pins;
    struct err e = { 0 };
    char text[1000];
    int r = hostpins_parse(span_of(fingerprints), span_of(known_hosts), "web1", 22, &pins, &e);
    if (r != -ERR_INPUT || !strstr(err_text(&e, text, sizeof(text)), words) || !err_hint_text(&e)[0])
        fail_msg("'%s' '%s' gave %d '%s', wanted '%s'", fingerprints, known_hosts, r, err_text(&e, text, sizeof(text)),
                 words);
    hostpins_done(&pins);
}

/* Verdict about the key with this base64 blob. */
static enum hostpin_verdict judge(const struct hostpins *pins, const char *key)
{
    struct err e = { 0 };
    _cleanup_(buf_done_p) struct buf blob = BUF_INIT(4096);
    unsigned char sha256[CRYPTO_SHA256_SIZE];
    assert_int_equal(crypto_base64_decode(span_of(key), &blob, &e), 0);
    assert_int_equal(crypto_sha256(buf_span(&blob), sha256, &e), 0);
    return hostpins_judge(pins, sha256);
}

static void assert_types(const char *fingerprints, unsigned types, bool untyped)
{
    struct hostpins pins;
    parse(fingerprints, "", 22, &pins);
    if (hostpins_types(&pins) != types || hostpins_untyped(&pins) != untyped)
        fail_msg("'%s': types %x untyped %d", fingerprints, hostpins_types(&pins), hostpins_untyped(&pins));
    hostpins_done(&pins);
}

static void assert_names(const char *names, const char *host, int port, bool wanted)
{
    if (hostpin_names_match(span_of(names), host, port) != wanted)
        fail_msg("'%s' against %s port %d: wanted %d", names, host, port, wanted);
}

static void a_bare_fingerprint_matches_its_key_and_no_other(void **state)
{
    (void)state;
    struct hostpins pins;
    parse(ED_FP, "", 22, &pins);
    assert_int_equal(judge(&pins, ED_KEY), HOSTPIN_MATCH);
    assert_int_equal(judge(&pins, ED2_KEY), HOSTPIN_MISMATCH);
    hostpins_done(&pins);
}

static void a_fingerprint_may_have_padding(void **state)
{
    (void)state;
    struct hostpins pins;
    parse(ED_FP "=", "", 22, &pins);
    assert_int_equal(judge(&pins, ED_KEY), HOSTPIN_MATCH);
    hostpins_done(&pins);
}

static void several_fingerprints_come_with_commas_or_lines(void **state)
{
    (void)state;
    struct hostpins pins;
    parse(ED2_FP "," EC_FP "\r\n" RSA_FP ", " ED_FP "\n\n", "", 22, &pins);
    assert_int_equal(pins.len, 4);
    assert_int_equal(judge(&pins, ED_KEY), HOSTPIN_MATCH);
    assert_int_equal(judge(&pins, EC_KEY), HOSTPIN_MATCH);
    hostpins_done(&pins);
}

static void the_type_before_a_fingerprint_is_kept(void **state)
{
    (void)state;
    assert_types("ssh-ed25519 " ED_FP, HOSTPIN_ED25519, false);
    assert_types("ssh-rsa " RSA_FP ",ecdsa-sha2-nistp384 " EC_FP, HOSTPIN_RSA | HOSTPIN_ECDSA384, false);
    assert_types("rsa-sha2-512 " RSA_FP, HOSTPIN_RSA, false);
    assert_types("ssh-ed25519 " ED_FP "\n" RSA_FP, HOSTPIN_ED25519, true);
}

static void lines_of_ssh_keygen_are_understood(void **state)
{
    (void)state;
    assert_types("256 " ED_FP " root@web1 (ED25519)", HOSTPIN_ED25519, false);
    assert_types("256 " EC_FP " root@web1, the old one (ECDSA)\n3072 " RSA_FP " no comment (RSA)",
                 HOSTPIN_ECDSA256 | HOSTPIN_RSA, false);
    assert_types("521 " EC_FP " x (ECDSA)", HOSTPIN_ECDSA521, false);
}

static void a_dsa_line_among_others_is_passed_over(void **state)
{
    (void)state;
    struct hostpins pins;
    parse("1024 " ED2_FP " root@web1 (DSA)\n256 " ED_FP " root@web1 (ED25519)", "", 22, &pins);
    assert_int_equal(pins.len, 1);
    assert_int_equal(judge(&pins, ED2_KEY), HOSTPIN_MISMATCH);
    hostpins_done(&pins);
}

static void the_console_output_of_cloud_init_is_understood(void **state)
{
    (void)state;
    assert_types("ec2: #############################################\n"
                 "ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\n"
                 "ec2: 256 " EC_FP " root@ip-10-0-0-1 (ECDSA)\n"
                 "ec2: 256 " ED_FP " root@ip-10-0-0-1 (ED25519)\n"
                 "ec2: -----END SSH HOST KEY FINGERPRINTS-----\n",
                 HOSTPIN_ECDSA256 | HOSTPIN_ED25519, false);
}

static void wrong_fingerprints_are_refused_with_their_line(void **state)
{
    (void)state;
    assert_refused("SHA256:abc", "", "line 1: 'SHA256:abc' is not a whole SHA256 fingerprint");
    assert_refused(ED_FP "\nSHA256:" ED_FP, "", "line 2");
    assert_refused("MD5:aa:bb", "", "MD5");
    assert_refused("16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "", "MD5");
    assert_refused("ssh-ed25519 " ED_KEY, "", "belongs into known-hosts");
    assert_refused("hello", "", "'hello' is not a fingerprint");
    assert_refused("256 (ED25519)", "", "not a fingerprint");
    assert_refused(ED_FP " trailing words", "", "'trailing' is not a fingerprint");
}

static void a_fingerprint_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    for (size_t n = 1; n < strlen(ED_FP); n++) {
        struct hostpins pins;
        struct err e = { 0 };
        int r = hostpins_parse((struct span){ ED_FP, n }, span_of(""), "web1", 22, &pins, &e);
        if (r != -ERR_INPUT)
            fail_msg("%zu bytes gave %d", n, r);
        hostpins_done(&pins);
    }
}

static void no_pin_at_all_is_told(void **state)
{
    (void)state;
    struct hostpins pins;
    parse(" \n# nothing\n", "\n  \n# comment\n", 22, &pins);
    assert_false(pins.given);
    assert_false(hostpins_usable(&pins));
    hostpins_done(&pins);
}

static void a_known_hosts_line_pins_key_and_type(void **state)
{
    (void)state;
    struct hostpins pins;
    parse("", "web1 ssh-ed25519 " ED_KEY " a comment\n", 22, &pins);
    assert_int_equal(judge(&pins, ED_KEY), HOSTPIN_MATCH);
    assert_int_equal(judge(&pins, ED2_KEY), HOSTPIN_MISMATCH);
    assert_int_equal(hostpins_types(&pins), HOSTPIN_ED25519);
    assert_false(hostpins_untyped(&pins));
    hostpins_done(&pins);
}

static void carriage_returns_and_tabs_do_no_harm(void **state)
{
    (void)state;
    struct hostpins pins;
    parse("", "\r\n\tweb1\tssh-ed25519  " ED_KEY "\r\nweb1 ecdsa-sha2-nistp256 " EC_KEY "\r\n", 22, &pins);
    assert_int_equal(judge(&pins, ED_KEY), HOSTPIN_MATCH);
    assert_int_equal(judge(&pins, EC_KEY), HOSTPIN_MATCH);
    hostpins_done(&pins);
}

static void lines_for_other_hosts_are_counted_and_pin_nothing(void **state)
{
    (void)state;
    struct hostpins pins;
    parse("", "web2 ssh-ed25519 " ED_KEY "\n[web1]:2222 ssh-ed25519 " ED2_KEY "\n", 22, &pins);
    assert_int_equal(pins.other_lines, 2);
    assert_true(pins.given);
    assert_false(hostpins_usable(&pins));
    hostpins_done(&pins);
}

static void a_plain_name_counts_for_port_22_only(void **state)
{
    (void)state;
    assert_names("web1", "web1", 22, true);
    assert_names("web1", "web1", 2222, false);
    assert_names("[web1]:2222", "web1", 2222, true);
    assert_names("[web1]:2222", "web1", 22, false);
    assert_names("[web1]:2222", "web1", 2223, false);
}

static void names_are_compared_without_case_in_lists(void **state)
{
    (void)state;
    assert_names("WEB1.example.com,10.0.0.1", "web1.Example.com", 22, true);
    assert_names("WEB1.example.com,10.0.0.1", "10.0.0.1", 22, true);
    assert_names("web1,", "web1", 22, true);
    assert_names(",", "web1", 22, false);
    assert_names("web", "web1", 22, false);
    assert_names("web11", "web1", 22, false);
    assert_names("fe80::1,::1", "::1", 22, true);
    assert_names("[::1]:2222", "::1", 2222, true);
}

static void wildcards_match_like_in_openssh(void **state)
{
    (void)state;
    assert_names("*.example.com", "web1.example.com", 22, true);
    assert_names("*.example.com", "example.com", 22, false);
    assert_names("web?", "web1", 22, true);
    assert_names("web?", "web", 22, false);
    assert_names("*", "web1", 2222, true);
    assert_names("[*]:2222", "web1", 2222, true);
    assert_names("w*b*1*", "web1", 22, true);
    assert_names("**a*b", "xxaxxb", 22, true);
    assert_names("a*b*c", "abbbbd", 22, false);
}

static void a_negated_name_wins_over_the_rest_of_its_line(void **state)
{
    (void)state;
    assert_names("*.example.com,!db.example.com", "web1.example.com", 22, true);
    assert_names("*.example.com,!db.example.com", "db.example.com", 22, false);
    assert_names("!db.example.com,*.example.com", "db.example.com", 22, false);
    assert_names("!web1", "web2", 22, false);
    assert_names("!", "web1", 22, false);
}

static void hashed_names_match_with_and_without_a_port(void **state)
{
    (void)state;
    assert_names(HASHED_WEB1, "web1", 22, true);
    assert_names(HASHED_WEB1, "WEB1", 22, true);
    assert_names(HASHED_WEB1, "web2", 22, false);
    assert_names(HASHED_WEB1, "web1", 2222, false);
    assert_names(HASHED_WEB1_2222, "web1", 2222, true);
    assert_names(HASHED_WEB1_2222, "web1", 22, false);
}

static void a_revoked_key_is_refused_whatever_else_matches(void **state)
{
    (void)state;
    struct hostpins pins;
    parse(ED_FP, "web1 ssh-ed25519 " ED_KEY "\n@revoked * ssh-ed25519 " ED_KEY "\n", 22, &pins);
    assert_int_equal(judge(&pins, ED_KEY), HOSTPIN_REVOKED);
    assert_false(hostpins_usable(&pins));
    hostpins_done(&pins);
}

static void a_key_revoked_for_another_host_is_not_revoked_here(void **state)
{
    (void)state;
    struct hostpins pins;
    parse("", "@revoked web2 ssh-ed25519 " ED_KEY "\nweb1 ssh-ed25519 " ED_KEY "\n", 22, &pins);
    assert_int_equal(judge(&pins, ED_KEY), HOSTPIN_MATCH);
    hostpins_done(&pins);
}

static void certificate_authorities_pin_nothing(void **state)
{
    (void)state;
    struct hostpins pins;
    parse("", "@cert-authority * ssh-ed25519 " ED_KEY "\n", 22, &pins);
    assert_int_equal(judge(&pins, ED_KEY), HOSTPIN_MISMATCH);
    assert_false(hostpins_usable(&pins));
    hostpins_done(&pins);
}

static void malformed_known_hosts_lines_are_refused_with_their_number(void **state)
{
    (void)state;
    assert_refused("", "web1\n", "line 1: key type and key are missing behind 'web1'");
    assert_refused("", "# c\n\nweb1 ssh-ed25519\n", "line 3: the key is missing behind 'ssh-ed25519'");
    assert_refused("", "web1 ssh-ed25519 AAAA!!!!\n", "not base64");
    assert_refused("", "web1 ssh-rsa " ED_KEY "\n", "not of the type");
    assert_refused("", "web1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA\n", "cut off");
    assert_refused("", "@revokd * ssh-ed25519 " ED_KEY "\n", "unknown marker '@revokd'");
    assert_refused("", "@revoked\n", "missing");
    assert_refused("", "|1|xx|yy ssh-ed25519 " ED_KEY "\n", "damaged hashed host name");
    assert_refused("", "web1 1024 35 1234567\n", "protocol 1");
    assert_refused("", "web2 ssh-ed25519 " ED_KEY "\nweb2 x\n", "line 2");
}

static void a_nul_byte_is_refused(void **state)
{
    (void)state;
    struct hostpins pins;
    struct err e = { 0 };
    int r = hostpins_parse((struct span){ ED_FP "\0x", sizeof(ED_FP) + 1 }, span_of(""), "web1", 22, &pins, &e);
    assert_int_equal(r, -ERR_INPUT);
    hostpins_done(&pins);
}

static void only_safe_algorithms_of_the_pinned_types_are_offered(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(300);
    hostpin_methods(HOSTPIN_RSA | HOSTPIN_ED25519, &b);
    assert_string_equal(buf_str(&b), "ssh-ed25519,rsa-sha2-512,rsa-sha2-256");
    buf_reset(&b);
    hostpin_methods(HOSTPIN_ECDSA, &b);
    assert_string_equal(buf_str(&b), "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521");
}

static void fingerprints_are_printed_as_openssh_prints_them(void **state)
{
    (void)state;
    struct err e = { 0 };
    _cleanup_(buf_done_p) struct buf blob = BUF_INIT(4096);
    unsigned char sha256[CRYPTO_SHA256_SIZE];
    char out[HOSTPIN_FINGERPRINT_SIZE];
    assert_int_equal(crypto_base64_decode(SPAN_LIT(EC_KEY), &blob, &e), 0);
    assert_int_equal(crypto_sha256(buf_span(&blob), sha256, &e), 0);
    hostpin_fingerprint(sha256, out);
    assert_string_equal(out, EC_FP);
    assert_int_equal(hostpin_blob_type(buf_span(&blob)), HOSTPIN_ECDSA256);
}

static void a_blob_that_is_no_key_has_no_type(void **state)
{
    (void)state;
    assert_int_equal(hostpin_blob_type((struct span){ "\0\0", 2 }), 0);
    assert_int_equal(hostpin_blob_type((struct span){ "\xff\xff\xff\xff", 4 }), 0);
    assert_int_equal(hostpin_blob_type((struct span){ "\0\0\0\x0cssh-ed25519", 15 }), 0);
    assert_int_equal(hostpin_blob_type((struct span){ "\0\0\0\x0crsa-sha2-512", 16 }), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_fingerprint_matches_its_key_and_no_other),
        cmocka_unit_test(a_fingerprint_may_have_padding),
        cmocka_unit_test(several_fingerprints_come_with_commas_or_lines),
        cmocka_unit_test(the_type_before_a_fingerprint_is_kept),
        cmocka_unit_test(lines_of_ssh_keygen_are_understood),
        cmocka_unit_test(a_dsa_line_among_others_is_passed_over),
        cmocka_unit_test(the_console_output_of_cloud_init_is_understood),
        cmocka_unit_test(wrong_fingerprints_are_refused_with_their_line),
        cmocka_unit_test(a_fingerprint_cut_at_any_byte_is_refused),
        cmocka_unit_test(no_pin_at_all_is_told),
        cmocka_unit_test(a_known_hosts_line_pins_key_and_type),
        cmocka_unit_test(carriage_returns_and_tabs_do_no_harm),
        cmocka_unit_test(lines_for_other_hosts_are_counted_and_pin_nothing),
        cmocka_unit_test(a_plain_name_counts_for_port_22_only),
        cmocka_unit_test(names_are_compared_without_case_in_lists),
        cmocka_unit_test(wildcards_match_like_in_openssh),
        cmocka_unit_test(a_negated_name_wins_over_the_rest_of_its_line),
        cmocka_unit_test(hashed_names_match_with_and_without_a_port),
        cmocka_unit_test(a_revoked_key_is_refused_whatever_else_matches),
        cmocka_unit_test(a_key_revoked_for_another_host_is_not_revoked_here),
        cmocka_unit_test(certificate_authorities_pin_nothing),
        cmocka_unit_test(malformed_known_hosts_lines_are_refused_with_their_number),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(only_safe_algorithms_of_the_pinned_types_are_offered),
        cmocka_unit_test(fingerprints_are_printed_as_openssh_prints_them),
        cmocka_unit_test(a_blob_that_is_no_key_has_no_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
