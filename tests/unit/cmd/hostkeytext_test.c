#include "cmd/aws/hostkeytext.h"

#include "cmd/ssh/hostpin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PRINT "SHA256:Ts49K+09m+HjWS/H2UbGLaFHx7jQ5sqogtbD5bcgGnE"
#define OTHER "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIkRVXEXPwMxxjI/kc+Z8+eaFUlmeogQyCWl2Lt8xqX0"

static const struct hostkeytext_host HOST = { { "tag:Name=web one", "i-0123456789abcdef0", "203.0.113.7", "", NULL },
                                              22 };

struct result {
    struct buf fingerprints, known_hosts;
    struct hostpins pins; /* as the connection reads them */
    struct err err;
    int r;
};

static struct result parse(const char *text, const struct hostkeytext_host *host)
{
    struct result x = { .fingerprints = BUF_INIT(65536), .known_hosts = BUF_INIT(65536) };
    x.r = hostkeytext_parse(span_of(text), host, &x.fingerprints, &x.known_hosts, &x.err);
    if (x.r == 0)
        assert_int_equal(hostpins_parse(buf_span(&x.fingerprints), buf_span(&x.known_hosts), host->names[0], host->port,
                                        &x.pins, NULL),
                         0);
    return x;
}

static void done(struct result *x)
{
    buf_done(&x->fingerprints);
    buf_done(&x->known_hosts);
    if (x->r == 0)
        hostpins_done(&x->pins);
}

static void assert_pins(const char *text, const struct hostkeytext_host *host, size_t count)
{
    struct result x = parse(text, host);
    char shown[HOSTPIN_FINGERPRINT_SIZE];
    if (x.r != 0)
        fail_msg("'%s': %s", text, x.err.frame[0].text);
    assert_int_equal(x.pins.len, count);
    hostpin_fingerprint(x.pins.items[0].sha256, shown);
    assert_string_equal(shown, PRINT);
    done(&x);
}

static void assert_refused(const char *text, const char *words)
{
    struct result x = parse(text, &HOST);
    if (x.r != -ERR_NO_PIN || !strstr(x.err.frame[0].text, words))
        fail_msg("'%s': %d %s", text, x.r, x.err.frame[0].text);
    done(&x);
}

static void all_forms_give_the_pin(void **state)
{
    (void)state;
    assert_pins(PRINT, &HOST, 1);
    assert_pins(PRINT " " OTHER, &HOST, 2);
    assert_pins(PRINT "," OTHER, &HOST, 2);
    assert_pins("\n# published by hand\r\n256 " PRINT " root@web (ED25519)\r\n", &HOST, 1);
    assert_pins("ssh-ed25519 " PRINT, &HOST, 1);
    assert_pins(KEY, &HOST, 1);
    assert_pins(KEY " root@web\n", &HOST, 1);
    assert_pins("i-0123456789abcdef0 " KEY, &HOST, 1);
    assert_pins("other,203.0.113.7 " KEY, &HOST, 1);
    assert_pins(PRINT "\n" KEY "\n", &HOST, 1);
}

static void known_hosts_lines_of_others_are_passed_over(void **state)
{
    (void)state;
    assert_pins("elsewhere ssh-ed25519 AAAA\n203.0.113.7 " KEY "\n", &HOST, 1);
    assert_refused("elsewhere " KEY, "no key of this host");
    assert_refused("203.0.113.70 " KEY, "no key of this host");
}

static void a_line_that_excludes_the_host_by_any_of_its_names_is_not_for_it(void **state)
{
    (void)state;
    assert_refused("*,!i-0123456789abcdef0 " KEY "\n", "holds no key of this host");
    assert_refused("i-0123456789abcdef0,!203.0.113.* " KEY "\n", "holds no key of this host");
    assert_pins("i-0123456789abcdef0,!198.51.100.* " KEY "\n", &HOST, 1);
}

static void a_name_counts_for_its_port_only(void **state)
{
    struct hostkeytext_host other = HOST;
    (void)state;
    other.port = 2222;
    assert_pins("[203.0.113.7]:2222 " KEY, &other, 1);
    struct result x = parse("203.0.113.7 " KEY, &other);
    assert_int_equal(x.r, -ERR_NO_PIN);
    done(&x);
}

static void a_revoked_key_stays_revoked(void **state)
{
    (void)state;
    struct result x = parse(OTHER "\n@revoked 203.0.113.7 " KEY "\n", &HOST);
    assert_int_equal(x.r, 0);
    assert_int_equal(x.pins.len, 2);
    assert_true(x.pins.items[1].revoked);
    done(&x);
    assert_refused("@revoked 203.0.113.7 " KEY, "no key of this host");
    assert_refused("@revoked " KEY, "no key of this host");
}

static void what_is_no_key_is_an_error_that_names_the_line(void **state)
{
    (void)state;
    assert_refused("", "no key of this host");
    assert_refused("hello", "line 1: 'hello' is no fingerprint");
    assert_refused(PRINT "\n"
                         "a line of more than forty bytes that is not shown whole",
                   "line 2: 'a line of more than forty bytes that is ...'");
    assert_refused(PRINT "\nhello world again\n", "line 2");
    assert_refused(PRINT "\n\nSHA256:abc\n", "line 3: 'SHA256:abc' is not a whole SHA256 fingerprint");
    assert_refused(PRINT "\nMD5:aa:bb " OTHER, "line 2");
    assert_refused("ssh-ed25519 AAAA", "line 1");
    assert_refused("203.0.113.7 ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIIkRVXEXPwMxxjI/kc+Z8+eaFUlmeogQyCWl2Lt8xqX0",
                   "line 1");
    assert_refused("ssh-dss AAAAB3NzaC1kc3MAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "no key of this host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_give_the_pin),
        cmocka_unit_test(known_hosts_lines_of_others_are_passed_over),
        cmocka_unit_test(a_line_that_excludes_the_host_by_any_of_its_names_is_not_for_it),
        cmocka_unit_test(a_name_counts_for_its_port_only),
        cmocka_unit_test(a_revoked_key_stays_revoked),
        cmocka_unit_test(what_is_no_key_is_an_error_that_names_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
