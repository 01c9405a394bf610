#include "cmd/aws/instance_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/cmd/inputs_run.h"

#define ID "i-0123456789abcdef0"

/* An item as EC2 answers it; `more` stands in it. */
static struct xml *item(const char *more)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(64 * 1024);
    struct xml *x = NULL;
    buf_addf(&text,
             "<item><instanceId>" ID "</instanceId><instanceState><code>16</code><name>running</name></instanceState>"
             "<placement><availabilityZone>eu-central-1a</availabilityZone></placement><vpcId>vpc-1</vpcId>%s</item>",
             more);
    assert_int_equal(xml_parse(buf_span(&text), &x, NULL), 0);
    return x;
}

static struct instance read_item(const char *more)
{
    _cleanup_(xml_free_p) struct xml *x = item(more);
    struct instance i;
    assert_true(instance_read(xml_root(x), "eu-central-1", &i));
    return i;
}

static void names_of_instances_are_told_from_other_hosts(void **state)
{
    (void)state;
    static const char *const named[] = { ID, "i-0123abcd", "tag:Name=web", "tag:aws:autoscaling:groupName=web a" };
    static const char *const other[] = { "",     "i-web",      "i-0123abcg", "i-0123abc", "i-0123abcd.example.com",
                                         "web1", "I-0123abcd", "192.0.2.1",  "::1",       "i-0123456789abcdef01" };
    for (size_t k = 0; k < sizeof(named) / sizeof(named[0]); k++)
        assert_true(instance_is_named(named[k]) && instance_name_is_valid(named[k]));
    for (size_t k = 0; k < sizeof(other) / sizeof(other[0]); k++)
        assert_false(instance_is_named(other[k]) || instance_name_is_valid(other[k]));
}

static void a_tag_has_a_key_and_a_value(void **state)
{
    struct instance_query q;
    char longest[INSTANCE_NAME_MAX + 2] = "tag:Name=";
    (void)state;
    assert_false(instance_name_is_valid("tag:"));
    assert_false(instance_name_is_valid("tag:Name"));
    assert_false(instance_name_is_valid("tag:Name="));
    assert_false(instance_name_is_valid("tag:=web"));
    assert_false(instance_name_is_valid("tag:Name=a\nb"));
    assert_false(instance_name_is_valid("tag:Name=\xff"));
    assert_true(instance_query_parse("tag:a:b=c=d \xc3\xa4", &q));
    assert_string_equal(q.key, "a:b");
    assert_string_equal(q.value, "c=d \xc3\xa4");
    assert_string_equal(q.id, "");
    memset(longest + 9, 'x', INSTANCE_NAME_MAX - 9);
    assert_true(instance_name_is_valid(longest));
    longest[INSTANCE_NAME_MAX] = 'x';
    assert_false(instance_name_is_valid(longest));
}

static void the_input_says_what_a_tag_looks_like(void **state)
{
    (void)state;
    inputs_run_assert_good("INPUT_HOST", "tag:Name=web 1");
    inputs_run_assert_good("INPUT_HOST", ID);
    inputs_run_assert_problem(
        "INPUT_HOST", "tag:web",
        "input 'host': got 'tag:web', wants tag:KEY=VALUE, both not empty, at most 200 bytes together\n");
    inputs_run_assert_problem_has("INPUT_JUMP-HOST", "tag:Name=web",
                                  "only input 'host' may name an instance by its tag");
}

static void wildcards_of_a_value_are_only_themselves(void **state)
{
    char out[INSTANCE_FILTER_MAX];
    (void)state;
    instance_filter_value("a*b?c\\d", out);
    assert_string_equal(out, "a\\*b\\?c\\\\d");
}

static void facts_are_read(void **state)
{
    (void)state;
    struct instance i =
        read_item("<ipAddress>203.0.113.7</ipAddress><privateIpAddress>10.0.0.1</privateIpAddress>"
                  "<networkInterfaceSet><item><ipv6AddressesSet/></item><item><ipv6AddressesSet><item>"
                  "<ipv6Address>2001:db8::7</ipv6Address></item></ipv6AddressesSet></item></networkInterfaceSet>"
                  "<groupSet><item><groupId>sg-1</groupId><groupName>web &amp; co</groupName></item>"
                  "<item><groupId>sg-2</groupId><groupName>ssh</groupName></item></groupSet>"
                  "<tagSet><item><key>Name</key><value>web</value></item>"
                  "<item><key>aws-host-keys</key><value>SHA256:x</value></item></tagSet>");
    assert_string_equal(i.id, ID);
    assert_string_equal(i.state, "running");
    assert_string_equal(i.region, "eu-central-1");
    assert_string_equal(i.zone, "eu-central-1a");
    assert_string_equal(i.vpc, "vpc-1");
    assert_string_equal(i.name, "web");
    assert_string_equal(i.host_keys, "SHA256:x");
    assert_string_equal(i.public_ip, "203.0.113.7");
    assert_string_equal(i.private_ip, "10.0.0.1");
    assert_string_equal(i.ipv6, "2001:db8::7");
    assert_int_equal(i.group_count, 2);
    assert_string_equal(i.groups[0].id, "sg-1");
    assert_string_equal(i.groups[0].name, "web & co");
    assert_string_equal(i.groups[1].id, "sg-2");
}

static void what_has_not_its_form_is_left_out(void **state)
{
    (void)state;
    struct instance i =
        read_item("<ipAddress>evil.example.com</ipAddress><privateIpAddress>10.0.0.1%eth0</privateIpAddress>"
                  "<ipv6Address>::1]:22</ipv6Address><groupSet><item><groupId>sg 1</groupId></item></groupSet>"
                  "<tagSet><item><key>Name</key><value>a&#9;b</value></item></tagSet>");
    assert_string_equal(i.public_ip, "");
    assert_string_equal(i.private_ip, "");
    assert_string_equal(i.ipv6, "");
    assert_string_equal(i.name, "");
    assert_int_equal(i.group_count, 0);
    assert_null(instance_address(&i, HOST_ADDRESS_AUTO));

    _cleanup_(xml_free_p) struct xml *x = NULL;
    assert_int_equal(xml_parse(SPAN_LIT("<item><instanceId>i-1;x</instanceId></item>"), &x, NULL), 0);
    assert_false(instance_read(xml_root(x), "eu-central-1", &i));
}

static void more_groups_than_an_interface_has_are_not_kept(void **state)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(64 * 1024);
    (void)state;
    buf_adds(&text, "<groupSet>");
    for (int k = 0; k < 40; k++)
        buf_addf(&text, "<item><groupId>sg-%d</groupId></item>", k);
    buf_adds(&text, "</groupSet>");
    assert_int_equal(read_item(buf_str(&text)).group_count, INSTANCE_GROUPS_MAX);
}

static void the_tag_must_be_the_very_one(void **state)
{
    _cleanup_(xml_free_p) struct xml *x = item("<tagSet><item><key>Name</key><value>web</value></item></tagSet>");
    (void)state;
    assert_true(instance_has_tag(xml_root(x), "Name", "web"));
    assert_false(instance_has_tag(xml_root(x), "Name", "Web"));
    assert_false(instance_has_tag(xml_root(x), "Name", "web2"));
    assert_false(instance_has_tag(xml_root(x), "name", "web"));
}

static void the_address_is_the_chosen_one(void **state)
{
    struct instance i = { .public_ip = "203.0.113.7", .private_ip = "10.0.0.1", .ipv6 = "2001:db8::7" };
    (void)state;
    assert_string_equal(instance_address(&i, HOST_ADDRESS_AUTO), "203.0.113.7");
    assert_string_equal(instance_address(&i, HOST_ADDRESS_PUBLIC), "203.0.113.7");
    assert_string_equal(instance_address(&i, HOST_ADDRESS_PRIVATE), "10.0.0.1");
    assert_string_equal(instance_address(&i, HOST_ADDRESS_IPV6), "2001:db8::7");
    i.public_ip[0] = '\0';
    assert_string_equal(instance_address(&i, HOST_ADDRESS_AUTO), "10.0.0.1");
    assert_null(instance_address(&i, HOST_ADDRESS_PUBLIC));
    i.private_ip[0] = '\0';
    assert_string_equal(instance_address(&i, HOST_ADDRESS_AUTO), "2001:db8::7");
}

static void only_a_running_one_will_do(void **state)
{
    static const struct {
        const char *state, *words;
    } rows[] = { { "pending", "still starting" },
                 { "stopped", "is stopped" },
                 { "stopping", "is being stopped" },
                 { "shutting-down", "is being terminated" },
                 { "terminated", "was terminated" },
                 { "", "not running" },
                 { "odd", "not running" } };
    (void)state;
    struct instance i = { .id = ID, .region = "eu-central-1" };
    struct err err = { 0 };
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        (void)snprintf(i.state, sizeof(i.state), "%s", rows[k].state);
        assert_int_equal(instance_check_state(&i, &err), -ERR_INSTANCE);
        assert_non_null(strstr(err.frame[0].text, rows[k].words));
        assert_non_null(strstr(err.frame[0].text, ID));
    }
    (void)snprintf(i.state, sizeof(i.state), "running");
    assert_int_equal(instance_check_state(&i, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_instances_are_told_from_other_hosts),
        cmocka_unit_test(a_tag_has_a_key_and_a_value),
        cmocka_unit_test(the_input_says_what_a_tag_looks_like),
        cmocka_unit_test(wildcards_of_a_value_are_only_themselves),
        cmocka_unit_test(facts_are_read),
        cmocka_unit_test(what_has_not_its_form_is_left_out),
        cmocka_unit_test(more_groups_than_an_interface_has_are_not_kept),
        cmocka_unit_test(the_tag_must_be_the_very_one),
        cmocka_unit_test(the_address_is_the_chosen_one),
        cmocka_unit_test(only_a_running_one_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
