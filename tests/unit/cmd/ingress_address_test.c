#include "cmd/aws/ingress_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void an_address_becomes_a_range_of_one(void **state)
{
    struct ingress_address a;

    (void)state;
    assert_true(ingress_address_parse(SPAN_LIT("203.0.113.7\n"), &a));
    assert_string_equal(a.text, "203.0.113.7");
    assert_string_equal(a.cidr, "203.0.113.7/32");
    assert_false(a.v6);
    assert_true(ingress_address_parse(SPAN_LIT(" 2001:DB8:0:0::1 \r\n"), &a));
    assert_string_equal(a.text, "2001:db8::1");
    assert_string_equal(a.cidr, "2001:db8::1/128");
    assert_true(a.v6);
}

static void an_answer_that_is_no_address_of_one_host_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "\n",
        "0.0.0.0",
        "0.0.0.0/0",
        "203.0.113.7/24",
        "203.0.113.7, 198.51.100.1",
        "203.0.113.7\n198.51.100.1",
        "203.0.113.256",
        "127.0.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "::ffff:203.0.113.7",
        "<html>203.0.113.7</html>",
        "203.0.113.0000000000000000000000000000000000000000000007",
    };
    struct ingress_address a = { .text = "kept" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(ingress_address_parse(span_of(wrong[i]), &a));
    assert_false(ingress_address_parse((struct span){ "203.0.113.7\0x", 13 }, &a));
    assert_string_equal(a.text, "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_becomes_a_range_of_one),
        cmocka_unit_test(an_answer_that_is_no_address_of_one_host_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
