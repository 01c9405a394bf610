#include "cmd/aws/ingress_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OWN "00112233445566778899aabbccddeeff"
#define OTHER "ffeeddccbbaa99887766554433221100"
#define NOW 1000000

/* ---- state ---- */

static void where_a_rule_is_survives_the_way_to_the_post_stage(void **state)
{
    const struct ingress_place place = { "eu-central-1", "sg-0123456789abcdef0", OWN };
    struct ingress_place back;
    char text[INGRESS_STATE_SIZE];

    (void)state;
    ingress_place_text(&place, text);
    assert_string_equal(text, "eu-central-1 sg-0123456789abcdef0 " OWN);
    assert_true(ingress_place_parse(text, &back));
    assert_string_equal(back.region, place.region);
    assert_string_equal(back.group, place.group);
    assert_string_equal(back.token, place.token);
}

static void a_state_that_is_not_ours_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        " ",
        "eu-central-1",
        "eu-central-1 sg-0123456789abcdef0",
        "eu-central-1 sg-0123456789abcdef0 ",
        "eu-central-1 sg-0123456789abcdef0 " OWN " x",
        "eu-central-1 sg-0123456789abcdef0 " OWN "0",
        "eu-central-1 sg-0123456789abcdef0 00112233445566778899AABBCCDDEEFF",
        "eu-central-1  sg-0123456789abcdef0 " OWN,
        "eu-central-1 sg-; " OWN,
        "localhost sg-0123456789abcdef0 " OWN,
        "eu-central-1\nsg-0123456789abcdef0\n" OWN,
    };
    struct ingress_place place = { "kept", "", "" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(ingress_place_parse(wrong[i], &place));
    assert_string_equal(place.region, "kept");
}

/* ---- rules ---- */

#define TAGS(action, run, expires)                                                                                     \
    "<tagSet><item><key>bluegreen-action</key><value>" action                                                          \
    "</value></item><item><key>bluegreen-run</key><value>" run                                                         \
    "</value></item><item><key>bluegreen-expires</key><value>" expires "</value></item></tagSet>"
#define RULE(id, cidr, port, rest)                                                                                     \
    "<item><securityGroupRuleId>" id "</securityGroupRuleId><isEgress>false</isEgress><ipProtocol>tcp</ipProtocol>"    \
    "<fromPort>" port "</fromPort><toPort>" port "</toPort>" cidr rest "</item>"
#define V4(address) "<cidrIpv4>" address "</cidrIpv4>"
#define V6(address) "<cidrIpv6>" address "</cidrIpv6>"
#define HERE V4("203.0.113.7/32")

static const struct ingress_want want = { .cidr = "203.0.113.7/32", .port = 22, .token = OWN };

/* The rules of an answer; the caller's. */
static struct ingress_rules read_rules(const char *items)
{
    struct ingress_rules rules = { 0 };
    struct buf text = BUF_INIT(64 * 1024);
    struct xml *x = NULL;
    struct err err = { 0 };

    buf_addf(&text,
             "<A xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><securityGroupRuleSet>%s"
             "</securityGroupRuleSet></A>",
             items);
    assert_int_equal(xml_parse(buf_span(&text), &x, &err), 0);
    assert_int_equal(ingress_rules_read(xml_root(x), &rules, &err), 0);
    xml_free(x);
    buf_done(&text);
    return rules;
}

static void a_rule_is_read_with_its_tags(void **state)
{
    struct ingress_rules rules =
        read_rules(RULE("sgr-0123456789abcdef0", HERE, "2222", TAGS("ingress", OWN, "1700000000")));

    (void)state;
    assert_int_equal(rules.len, 1);
    assert_string_equal(rules.items[0].id, "sgr-0123456789abcdef0");
    assert_string_equal(rules.items[0].cidr, "203.0.113.7/32");
    assert_int_equal(rules.items[0].from_port, 2222);
    assert_int_equal(rules.items[0].to_port, 2222);
    assert_true(rules.items[0].tcp);
    assert_true(rules.items[0].ours);
    assert_string_equal(rules.items[0].token, OWN);
    assert_int_equal(rules.items[0].expires_s, 1700000000);
    ingress_rules_done(&rules);
}

static void what_goes_out_and_what_has_no_proper_id_is_no_rule_of_interest(void **state)
{
    struct ingress_rules rules = read_rules(
        "<item><securityGroupRuleId>sgr-1</securityGroupRuleId><isEgress>true</isEgress></item>"
        "<item><securityGroupRuleId>sgr-1; rm</securityGroupRuleId><isEgress>false</isEgress></item><item/>"
        "<item><securityGroupRuleId>sgr-2</securityGroupRuleId><isEgress>false</isEgress><ipProtocol>-1</ipProtocol>"
        "<fromPort>-1</fromPort><toPort>-1</toPort></item>");

    (void)state;
    assert_int_equal(rules.len, 1);
    assert_string_equal(rules.items[0].id, "sgr-2");
    assert_false(rules.items[0].tcp);
    assert_int_equal(rules.items[0].from_port, -1);
    assert_string_equal(rules.items[0].cidr, "");
    ingress_rules_done(&rules);
}

/* Look at these rules; the answer's ids, "" for none. */
static size_t seen(const char *items, char own[32], char other[32])
{
    struct ingress_rules rules = read_rules(items);
    struct ingress_view view;

    ingress_look(&rules, &want, NOW, &view);
    (void)snprintf(own, 32, "%s", view.own ? view.own->id : "");
    (void)snprintf(other, 32, "%s", view.other ? view.other->id : "");
    ingress_rules_done(&rules);
    return view.expired;
}

static void the_rule_of_this_run_is_found_among_others(void **state)
{
    char own[32], other[32];

    (void)state;
    assert_int_equal(seen(RULE("sgr-1", V4("0.0.0.0/0"), "22", "")
                              RULE("sgr-2", HERE, "22", TAGS("ingress", OWN, "1000001")) RULE("sgr-3", HERE, "80", ""),
                          own, other),
                     0);
    assert_string_equal(own, "sgr-2");
    assert_string_equal(other, "");
}

static void a_rule_of_this_run_for_another_port_or_address_is_not_the_one(void **state)
{
    char own[32], other[32];

    (void)state;
    (void)seen(RULE("sgr-1", HERE, "2222", TAGS("ingress", OWN, "1000001"))
                   RULE("sgr-2", V4("203.0.113.8/32"), "22", TAGS("ingress", OWN, "1000001"))
                       RULE("sgr-3", V4("203.0.113.0/24"), "22", TAGS("ingress", OWN, "1000001")),
               own, other);
    assert_string_equal(own, "");
    assert_string_equal(other, "");
}

static void the_same_rule_of_somebody_else_is_seen_as_theirs(void **state)
{
    char own[32], other[32];

    (void)state;
    assert_int_equal(seen(RULE("sgr-1", HERE, "22", ""), own, other), 0);
    assert_string_equal(own, "");
    assert_string_equal(other, "sgr-1");
    assert_int_equal(seen(RULE("sgr-2", HERE, "22", TAGS("ingress", OTHER, "1000001")), own, other), 0);
    assert_string_equal(other, "sgr-2");
}

static void only_our_own_kind_expires(void **state)
{
    char own[32], other[32];

    (void)state;
    assert_int_equal(seen(RULE("sgr-1", HERE, "22", TAGS("ingress", OTHER, "999999")), own, other), 1);
    assert_string_equal(other, ""); /* it will be gone */
    assert_int_equal(seen(RULE("sgr-1", HERE, "22", TAGS("ingress", OTHER, "1000000")), own, other), 0);
    assert_int_equal(seen(RULE("sgr-1", HERE, "22", TAGS("ingress", OTHER, "")), own, other), 0);
    assert_int_equal(seen(RULE("sgr-1", HERE, "22", TAGS("ingress", OTHER, "soon")), own, other), 0);
    assert_int_equal(seen(RULE("sgr-1", HERE, "22", TAGS("ingress", OTHER, "-5")), own, other), 0);
    assert_int_equal(seen(RULE("sgr-1", HERE, "22", TAGS("egress", OTHER, "5")), own, other), 0);
    /* this run's own one never does: it is in use */
    assert_int_equal(seen(RULE("sgr-1", HERE, "22", TAGS("ingress", OWN, "5")), own, other), 0);
    assert_string_equal(own, "sgr-1");
}

static void a_token_without_our_tag_is_not_ours(void **state)
{
    struct ingress_rules rules = read_rules(RULE("sgr-1", HERE, "22", TAGS("something", OWN, "5")));

    (void)state;
    assert_false(ingress_is_of_run(&rules.items[0], OWN));
    assert_false(ingress_is_expired(&rules.items[0], OTHER, NOW));
    ingress_rules_done(&rules);
}

static void a_rule_without_a_token_belongs_to_no_run(void **state)
{
    struct ingress_rules rules = read_rules(RULE("sgr-1", HERE, "22", TAGS("ingress", "", "5")));

    (void)state;
    assert_false(ingress_is_of_run(&rules.items[0], ""));
    assert_true(ingress_is_expired(&rules.items[0], OWN, NOW));
    ingress_rules_done(&rules);
}

static void an_ipv6_address_is_the_same_however_it_is_written(void **state)
{
    (void)state;
    assert_true(ingress_cidr_equal("2001:db8::1/128", "2001:0DB8:0:0::1/128"));
    assert_false(ingress_cidr_equal("2001:db8::1/128", "2001:db8::2/128"));
    assert_false(ingress_cidr_equal("2001:db8::1/64", "2001:db8::1/64"));
    assert_false(ingress_cidr_equal("1.2.3.4/32", "1.2.3.4/24"));
    assert_false(ingress_cidr_equal("1.2.3.4", "1.2.3.4"));
    assert_false(ingress_cidr_equal("", ""));
    assert_true(ingress_cidr_equal("1.2.3.4/32", "1.2.3.4/32"));
}

static void a_description_has_only_what_ec2_takes(void **state)
{
    char out[INGRESS_DESCRIPTION_SIZE], longest[600];

    (void)state;
    ingress_description("https://github.com/octo/shop/actions/runs/42", out);
    assert_string_equal(out, "bluegreen-action https://github.com/octo/shop/actions/runs/42");
    ingress_description("a\"b'c\n<d>\xc3\xa9%?|~^`\\", out);
    assert_string_equal(out, "bluegreen-action a_b_c__d__________");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    ingress_description(longest, out);
    assert_int_equal(strlen(out), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_a_rule_is_survives_the_way_to_the_post_stage),
        cmocka_unit_test(a_state_that_is_not_ours_is_refused),
        cmocka_unit_test(a_rule_is_read_with_its_tags),
        cmocka_unit_test(what_goes_out_and_what_has_no_proper_id_is_no_rule_of_interest),
        cmocka_unit_test(the_rule_of_this_run_is_found_among_others),
        cmocka_unit_test(a_rule_of_this_run_for_another_port_or_address_is_not_the_one),
        cmocka_unit_test(the_same_rule_of_somebody_else_is_seen_as_theirs),
        cmocka_unit_test(only_our_own_kind_expires),
        cmocka_unit_test(a_token_without_our_tag_is_not_ours),
        cmocka_unit_test(a_rule_without_a_token_belongs_to_no_run),
        cmocka_unit_test(an_ipv6_address_is_the_same_however_it_is_written),
        cmocka_unit_test(a_description_has_only_what_ec2_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
