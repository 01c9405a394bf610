#include "agent/traffic/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *subnet, *first, *second;
} cases[] = {
    { "10.0.0.0/8", "10.255.255.253", "10.255.255.252" },    { "172.18.0.0/16", "172.18.255.253", "172.18.255.252" },
    { "172.16.0.0/12", "172.31.255.253", "172.31.255.252" }, { "192.168.5.0/24", "192.168.5.253", "192.168.5.252" },
    { "192.168.5.16/28", "192.168.5.29", "192.168.5.28" },   { "192.168.5.8/29", "192.168.5.13", "192.168.5.12" },
    { "192.168.5.9/29", "192.168.5.13", "192.168.5.12" }, /* host bits set: the same subnet */
    { "172.18.0.0/23", "172.18.1.253", "172.18.1.252" },
};

static void slots_lie_near_the_top_of_the_subnet(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slots s;
        assert_int_equal(slots_of_subnet(cases[i].subnet, &s, NULL), 0);
        assert_string_equal(s.address[0], cases[i].first);
        assert_string_equal(s.address[1], cases[i].second);
    }
}

static void subnets_that_are_too_small_or_too_large_are_refused(void **state)
{
    (void)state;
    static const char *const subnets[] = { "10.0.0.0/30", "10.0.0.0/31", "10.0.0.0/32", "10.0.0.0/7", "0.0.0.0/0" };
    for (size_t i = 0; i < sizeof(subnets) / sizeof(subnets[0]); i++) {
        struct slots s;
        struct err err = { 0 };
        assert_int_equal(slots_of_subnet(subnets[i], &s, &err), -(int)ERR_DOCKER);
        assert_non_null(strstr(err.frame[0].text, subnets[i]));
    }
}

static void what_is_no_ipv4_subnet_is_refused(void **state)
{
    (void)state;
    static const char *const subnets[] = {
        "",
        "10.0.0.0",
        "10.0.0.0/",
        "/16",
        "10.0.0/16",
        "10.0.0.256/16",
        "fd00::/64",
        "10.0.0.0/-1",
        "10.0.0.0/33",
        "10.0.0.0/1x",
        "10.0.0.0/16/3",
        "1000.1000.1000.1000/16",
        " 10.0.0.0/16",
    };
    for (size_t i = 0; i < sizeof(subnets) / sizeof(subnets[0]); i++) {
        struct slots s;
        struct err err = { 0 };
        if (slots_of_subnet(subnets[i], &s, &err) != -(int)ERR_DOCKER)
            fail_msg("'%s' was taken", subnets[i]);
        assert_non_null(strstr(err.frame[0].text, "not an IPv4 subnet"));
    }
    assert_int_equal(slots_of_subnet(NULL, &(struct slots){ 0 }, NULL), -(int)ERR_DOCKER);
}

static void pick(const char *used_a, const char *used_b, const char *want)
{
    struct slots s;
    struct strlist used = { 0 };
    char address[SLOTS_ADDRESS_SIZE] = "";

    assert_int_equal(slots_of_subnet("172.18.0.0/24", &s, NULL), 0);
    if (used_a)
        assert_int_equal(strlist_add(&used, span_of(used_a), NULL), 0);
    if (used_b)
        assert_int_equal(strlist_add(&used, span_of(used_b), NULL), 0);
    int r = slots_pick(&s, &used, address, NULL);
    assert_int_equal(r, want ? 0 : -(int)ERR_DOCKER);
    assert_string_equal(address, want ? want : "");
    strlist_done(&used);
}

static void the_first_free_slot_is_picked(void **state)
{
    (void)state;
    pick(NULL, NULL, "172.18.0.253");
    pick("172.18.0.2", NULL, "172.18.0.253");
    pick("172.18.0.253", NULL, "172.18.0.252");
    pick("172.18.0.252", NULL, "172.18.0.253");
    pick("172.18.0.253/24", "172.18.0.1", "172.18.0.252");
    pick("172.18.0.25", "172.18.0.2530", "172.18.0.253"); /* only whole addresses count */
}

static void no_slot_is_picked_when_both_are_taken(void **state)
{
    (void)state;
    pick("172.18.0.252/24", "172.18.0.253/24", NULL);
}

static void no_list_means_that_nothing_is_taken(void **state)
{
    (void)state;
    struct slots s;
    char address[SLOTS_ADDRESS_SIZE];
    assert_int_equal(slots_of_subnet("172.18.0.0/24", &s, NULL), 0);
    assert_int_equal(slots_pick(&s, NULL, address, NULL), 0);
    assert_string_equal(address, "172.18.0.253");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_lie_near_the_top_of_the_subnet),
        cmocka_unit_test(subnets_that_are_too_small_or_too_large_are_refused),
        cmocka_unit_test(what_is_no_ipv4_subnet_is_refused),
        cmocka_unit_test(the_first_free_slot_is_picked),
        cmocka_unit_test(no_slot_is_picked_when_both_are_taken),
        cmocka_unit_test(no_list_means_that_nothing_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
