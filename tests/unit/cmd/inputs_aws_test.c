#include "tests/unit/cmd/inputs_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define INSTANCE_ID "i-0123456789abcdef0"
#define ROLE "arn:aws:iam::123456789012:role/deploy"
#define LONG_KEY "AKIAIOSFODNN7EXAMPLE"
#define SHORT_KEY "ASIAIOSFODNN7EXAMPLE"

struct pair {
    const char *name, *value;
};

/* Read with these on top of the least that a deploy needs (a NULL name ends them); `want` "" means nothing is told. */
static void assert_told(const struct pair *pairs, const char *want)
{
    struct inputs_run run;
    inputs_run_begin(&run);
    for (; pairs->name; pairs++)
        inputs_run_set(&run, pairs->name, pairs->value);
    inputs_run_read(&run);
    const char *told = buf_str(&run.problems);
    if (want[0] ? !strstr(told, want) : told[0] != '\0')
        fail_msg("'%s' wanted, told: %s", want, told);
    const char *lf = strchr(told, '\n');
    if (lf && lf[1])
        fail_msg("more than one problem: %s", told);
    assert_int_equal(run.result < 0, want[0] != '\0');
    inputs_run_end(&run);
}

#define ASSERT_TOLD(want, ...) assert_told((const struct pair[]){ __VA_ARGS__, { NULL, NULL } }, want)
#define ASSERT_GOOD(...) ASSERT_TOLD("", __VA_ARGS__)

/* ---- keys and roles ---- */

static void an_access_key_has_a_secret(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'aws-secret-access-key': got nothing, wants the secret that belongs to aws-access-key-id",
                { "INPUT_AWS-ACCESS-KEY-ID", LONG_KEY });
    ASSERT_TOLD("input 'aws-access-key-id': got nothing, wants the id of the key",
                { "INPUT_AWS-SECRET-ACCESS-KEY", "secret-of-the-key" });
    ASSERT_GOOD({ "INPUT_AWS-ACCESS-KEY-ID", LONG_KEY }, { "INPUT_AWS-SECRET-ACCESS-KEY", "secret-of-the-key" });
}

static void a_session_token_needs_its_key(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'aws-session-token': got a token alone", { "INPUT_AWS-SESSION-TOKEN", "token-of-the-key" });
    ASSERT_TOLD("input 'aws-session-token': got nothing, wants the token", { "INPUT_AWS-ACCESS-KEY-ID", SHORT_KEY },
                { "INPUT_AWS-SECRET-ACCESS-KEY", "secret-of-the-key" });
    ASSERT_GOOD({ "INPUT_AWS-ACCESS-KEY-ID", SHORT_KEY }, { "INPUT_AWS-SECRET-ACCESS-KEY", "secret-of-the-key" },
                { "INPUT_AWS-SESSION-TOKEN", "token-of-the-key" });
}

static void a_malformed_key_is_told_once(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'aws-access-key-id': got (secret value of 4 characters), wants",
                { "INPUT_AWS-ACCESS-KEY-ID", "AKIA" }, { "INPUT_AWS-SECRET-ACCESS-KEY", "secret-of-the-key" });
}

static void an_external_id_needs_a_role(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'role-external-id': got a value, wants the role", { "INPUT_ROLE-EXTERNAL-ID", "partner-7" });
    ASSERT_GOOD({ "INPUT_ROLE-EXTERNAL-ID", "partner-7" }, { "INPUT_ROLE-TO-ASSUME", ROLE });
}

static void four_roles_are_enough(void **state)
{
    (void)state;
    ASSERT_GOOD({ "INPUT_ROLE-TO-ASSUME", ROLE "1\n" ROLE "2\n" ROLE "3\n" ROLE "4" });
    ASSERT_TOLD("input 'role-to-assume': got more than 4 roles",
                { "INPUT_ROLE-TO-ASSUME", ROLE "1\n" ROLE "2\n" ROLE "3\n" ROLE "4\n" ROLE "5" });
    ASSERT_TOLD("input 'role-to-assume' line 2: got 'deploy', wants the ARN",
                { "INPUT_ROLE-TO-ASSUME", ROLE "\ndeploy" });
}

static void a_rollback_is_checked_likewise(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'aws-secret-access-key': got nothing", { "INPUT_COMMAND", "rollback" },
                { "INPUT_AWS-ACCESS-KEY-ID", LONG_KEY });
}

/* ---- the way in ---- */

static void instance_connect_replaces_the_key(void **state)
{
    (void)state;
    ASSERT_GOOD({ "INPUT_HOST", INSTANCE_ID }, { "INPUT_SSH-AUTH", "instance-connect" }, { "INPUT_SSH-KEY", "" });
    ASSERT_TOLD("input 'ssh-key': got a key, wants none with ssh-auth: instance-connect", { "INPUT_HOST", INSTANCE_ID },
                { "INPUT_SSH-AUTH", "instance-connect" });
    ASSERT_TOLD("input 'ssh-key': got nothing, wants the private key", { "INPUT_HOST", INSTANCE_ID },
                { "INPUT_SSH-KEY", "" });
}

static void instance_connect_needs_an_instance(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'ssh-auth': got 'instance-connect', wants an EC2 instance in input 'host'",
                { "INPUT_SSH-AUTH", "instance-connect" }, { "INPUT_SSH-KEY", "" });
}

static void a_jump_host_under_instance_connect_has_its_own_key(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'jump-key': got nothing, wants the private key for the jump host", { "INPUT_HOST", INSTANCE_ID },
                { "INPUT_SSH-AUTH", "instance-connect" }, { "INPUT_SSH-KEY", "" }, { "INPUT_JUMP-HOST", "bastion" },
                { "INPUT_JUMP-FINGERPRINT", PIN });
    ASSERT_GOOD({ "INPUT_HOST", INSTANCE_ID }, { "INPUT_SSH-AUTH", "instance-connect" }, { "INPUT_SSH-KEY", "" },
                { "INPUT_JUMP-HOST", "bastion" }, { "INPUT_JUMP-FINGERPRINT", PIN }, { "INPUT_JUMP-KEY", KEY });
}

static void what_aws_knows_of_an_instance_needs_one(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'host-address': got a choice of addresses, wants an EC2 instance",
                { "INPUT_HOST-ADDRESS", "private" });
    ASSERT_TOLD("input 'aws-host-keys': got a place", { "INPUT_AWS-HOST-KEYS", "tag" });
    ASSERT_GOOD({ "INPUT_AWS-HOST-KEYS", "off" });
    ASSERT_GOOD({ "INPUT_HOST", "tag:Name=web" }, { "INPUT_HOST-ADDRESS", "private" },
                { "INPUT_AWS-HOST-KEYS", "parameter:/prod/web1" }, { "INPUT_HOST-FINGERPRINT", "" });
}

static void a_malformed_host_is_told_once(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'host': ", { "INPUT_HOST", "ec2-user@web1" }, { "INPUT_HOST-ADDRESS", "private" });
}

/* ---- pins ---- */

static void an_instance_may_go_without_a_pin_unless_its_keys_are_off(void **state)
{
    (void)state;
    ASSERT_GOOD({ "INPUT_HOST", INSTANCE_ID }, { "INPUT_HOST-FINGERPRINT", "" });
    ASSERT_GOOD({ "INPUT_HOST", INSTANCE_ID }, { "INPUT_HOST-FINGERPRINT", "" },
                { "INPUT_KNOWN-HOSTS", "bastion " HOST_KEY });
    ASSERT_TOLD("input 'host-fingerprint': got nothing, and known-hosts is empty too", { "INPUT_HOST", INSTANCE_ID },
                { "INPUT_HOST-FINGERPRINT", "" }, { "INPUT_AWS-HOST-KEYS", "off" });
    ASSERT_TOLD("input 'host-fingerprint' line 1: ", { "INPUT_HOST", INSTANCE_ID },
                { "INPUT_HOST-FINGERPRINT", "SHA256:short" });
}

static void the_jump_host_of_an_instance_needs_a_pin(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'jump-fingerprint': got nothing", { "INPUT_HOST", INSTANCE_ID },
                { "INPUT_HOST-FINGERPRINT", "" }, { "INPUT_JUMP-HOST", "bastion" });
}

/* ---- the open port ---- */

static void a_port_is_opened_in_the_group_of_an_instance_or_a_given_one(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'open-port-22': got 'true', wants the group", { "INPUT_OPEN-PORT-22", "true" });
    ASSERT_GOOD({ "INPUT_OPEN-PORT-22", "true" }, { "INPUT_SECURITY-GROUP", "sg-0123456789abcdef0" });
    ASSERT_GOOD({ "INPUT_OPEN-PORT-22", "true" }, { "INPUT_HOST", INSTANCE_ID },
                { "INPUT_RUNNER-ADDRESS", "203.0.113.7" });
}

static void no_port_is_opened_before_a_jump_host(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'open-port-22': got 'true' with a jump-host", { "INPUT_OPEN-PORT-22", "true" },
                { "INPUT_JUMP-HOST", "bastion" }, { "INPUT_JUMP-FINGERPRINT", PIN });
    ASSERT_TOLD("input 'open-port-22': got 'true' with a jump-host", { "INPUT_OPEN-PORT-22", "true" },
                { "INPUT_SECURITY-GROUP", "sg-0123456789abcdef0" }, { "INPUT_HOST", INSTANCE_ID },
                { "INPUT_JUMP-HOST", "bastion" }, { "INPUT_JUMP-FINGERPRINT", PIN });
}

static void a_malformed_group_is_told_once(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'security-group': got 'default', wants the id", { "INPUT_OPEN-PORT-22", "true" },
                { "INPUT_SECURITY-GROUP", "default" });
}

static void group_and_address_open_nothing_by_themselves(void **state)
{
    (void)state;
    ASSERT_TOLD("input 'security-group': got a group, wants open-port-22: true with it",
                { "INPUT_SECURITY-GROUP", "sg-0123456789abcdef0" });
    ASSERT_TOLD("input 'runner-address': got an address, wants open-port-22: true with it",
                { "INPUT_RUNNER-ADDRESS", "203.0.113.7" });
}

static void all_problems_are_told_at_once(void **state)
{
    (void)state;
    struct inputs_run run;
    inputs_run_begin(&run);
    inputs_run_set(&run, "INPUT_SSH-AUTH", "instance-connect");
    inputs_run_set(&run, "INPUT_AWS-ACCESS-KEY-ID", LONG_KEY);
    inputs_run_set(&run, "INPUT_RUNNER-ADDRESS", "203.0.113.7");
    inputs_run_read(&run);
    const char *ids[] = { "'aws-secret-access-key'", "'ssh-key'", "'ssh-auth'", "'runner-address'" };
    for (size_t i = 0; i < 4; i++)
        assert_non_null(strstr(buf_str(&run.problems), ids[i]));
    assert_int_equal(run.result, -ERR_INPUT);
    inputs_run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_access_key_has_a_secret),
        cmocka_unit_test(a_session_token_needs_its_key),
        cmocka_unit_test(a_malformed_key_is_told_once),
        cmocka_unit_test(an_external_id_needs_a_role),
        cmocka_unit_test(four_roles_are_enough),
        cmocka_unit_test(a_rollback_is_checked_likewise),
        cmocka_unit_test(instance_connect_replaces_the_key),
        cmocka_unit_test(instance_connect_needs_an_instance),
        cmocka_unit_test(a_jump_host_under_instance_connect_has_its_own_key),
        cmocka_unit_test(what_aws_knows_of_an_instance_needs_one),
        cmocka_unit_test(a_malformed_host_is_told_once),
        cmocka_unit_test(an_instance_may_go_without_a_pin_unless_its_keys_are_off),
        cmocka_unit_test(the_jump_host_of_an_instance_needs_a_pin),
        cmocka_unit_test(a_port_is_opened_in_the_group_of_an_instance_or_a_given_one),
        cmocka_unit_test(no_port_is_opened_before_a_jump_host),
        cmocka_unit_test(a_malformed_group_is_told_once),
        cmocka_unit_test(group_and_address_open_nothing_by_themselves),
        cmocka_unit_test(all_problems_are_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
