#include "cmd/inputs/inputs_aws.h"

#include "cmd/aws/instance.h"

/* What a rule says of an input that it finds wanting. */
struct rule {
    const char *id; /* of the input that is told */
    bool (*broken)(const struct inputs *in);
    const char *text;
    const char *others[3]; /* inputs that it looks at too: when one of them was refused, nothing is told */
};

static bool has_instance(const struct inputs *in)
{
    return instance_is_named(in->target.host);
}

static bool by_instance_connect(const struct inputs *in)
{
    return in->ssh_auth == SSH_AUTH_INSTANCE_CONNECT;
}

static bool has_jump(const struct inputs *in)
{
    return in->jump.host[0] != '\0';
}

bool inputs_pins_from_aws(const struct inputs *in)
{
    return has_instance(in) && strcmp(in->aws.host_keys, "off") != 0;
}

/* ---- keys and roles ---- */

static bool secret_is_missing(const struct inputs *in)
{
    return in->aws.key_id[0] && !in->aws.secret_key[0];
}

static bool key_id_is_missing(const struct inputs *in)
{
    return !in->aws.key_id[0] && in->aws.secret_key[0];
}

static bool token_is_alone(const struct inputs *in)
{
    return in->aws.session_token[0] && !in->aws.key_id[0] && !in->aws.secret_key[0];
}

static bool token_is_missing(const struct inputs *in)
{
    return strncmp(in->aws.key_id, "ASIA", 4) == 0 && !in->aws.session_token[0];
}

static bool external_id_has_no_role(const struct inputs *in)
{
    return in->aws.external_id[0] && in->aws.roles.len == 0;
}

static bool roles_are_too_many(const struct inputs *in)
{
    return in->aws.roles.len > INPUTS_ROLES_MAX;
}

/* ---- the way in ---- */

static bool key_is_missing(const struct inputs *in)
{
    return !by_instance_connect(in) && !in->target.key[0] && !in->target.agent[0];
}

static bool key_is_too_much(const struct inputs *in)
{
    return by_instance_connect(in) && in->target.key[0];
}

static bool jump_key_is_missing(const struct inputs *in)
{
    return by_instance_connect(in) && has_jump(in) && !in->jump.key[0] && !in->target.agent[0];
}

static bool connect_has_no_instance(const struct inputs *in)
{
    return by_instance_connect(in) && in->target.host[0] && !has_instance(in);
}

static bool address_has_no_instance(const struct inputs *in)
{
    return in->aws.host_address != HOST_ADDRESS_AUTO && in->target.host[0] && !has_instance(in);
}

static bool host_keys_have_no_instance(const struct inputs *in)
{
    bool of_instance = strcmp(in->aws.host_keys, "auto") != 0 && strcmp(in->aws.host_keys, "off") != 0;
    return of_instance && in->target.host[0] && !has_instance(in);
}

static bool port_has_no_group(const struct inputs *in)
{
    return in->aws.open_port && !has_jump(in) && in->target.host[0] && !has_instance(in) && !in->aws.security_group[0];
}

static bool port_is_behind_jump(const struct inputs *in)
{
    return in->aws.open_port && has_jump(in);
}

static bool group_opens_nothing(const struct inputs *in)
{
    return in->aws.security_group[0] && !in->aws.open_port;
}

static bool address_opens_nothing(const struct inputs *in)
{
    return in->aws.runner_address[0] && !in->aws.open_port;
}

#define INSTANCE "an EC2 instance in input 'host': i-… or tag:NAME=VALUE"

static const struct rule rules[] = {
    { "aws-secret-access-key",
      secret_is_missing,
      "got nothing, wants the secret that belongs to aws-access-key-id",
      { "aws-access-key-id" } },
    { "aws-access-key-id",
      key_id_is_missing,
      "got nothing, wants the id of the key that aws-secret-access-key belongs to",
      { "aws-secret-access-key" } },
    { "aws-session-token",
      token_is_alone,
      "got a token alone, wants the aws-access-key-id and aws-secret-access-key that were handed out with it",
      { "aws-access-key-id", "aws-secret-access-key" } },
    { "aws-session-token",
      token_is_missing,
      "got nothing, wants the token that was handed out with aws-access-key-id: a key that begins with ASIA is a "
      "temporary one and useless without",
      { "aws-access-key-id" } },
    { "role-external-id",
      external_id_has_no_role,
      "got a value, wants the role whose trust policy asks for it in role-to-assume",
      { "role-to-assume" } },
    { "role-to-assume", roles_are_too_many, "got more than 4 roles, wants at most 4, one a line", { NULL } },
    { "ssh-key",
      key_is_missing,
      "got nothing, wants the private key that may log in, from a secret (or set ssh-auth: instance-connect, which "
      "needs none)",
      { "ssh-auth" } },
    { "ssh-key",
      key_is_too_much,
      "got a key, wants none with ssh-auth: instance-connect, which makes its own; drop ssh-key, or drop ssh-auth",
      { "ssh-auth" } },
    { "jump-key",
      jump_key_is_missing,
      "got nothing, wants the private key for the jump host: with ssh-auth: instance-connect there is no ssh-key that "
      "it could share",
      { "ssh-auth", "jump-host" } },
    { "ssh-auth", connect_has_no_instance, "got 'instance-connect', wants " INSTANCE, { "host" } },
    { "host-address", address_has_no_instance, "got a choice of addresses, wants " INSTANCE, { "host" } },
    { "aws-host-keys",
      host_keys_have_no_instance,
      "got a place where AWS has the keys of an instance, wants " INSTANCE,
      { "host" } },
    { "open-port-22",
      port_has_no_group,
      "got 'true', wants the group that is to be opened in security-group, or " INSTANCE,
      { "host", "security-group" } },
    { "open-port-22",
      port_is_behind_jump,
      "got 'true' with a jump-host, wants a host that the runner connects to itself: drop one of the two",
      { "jump-host" } },
    { "security-group", group_opens_nothing, "got a group, wants open-port-22: true with it", { "open-port-22" } },
    { "runner-address", address_opens_nothing, "got an address, wants open-port-22: true with it", { "open-port-22" } },
};

static bool is_moot(const struct settings_reading *rd, const struct rule *rule)
{
    bool moot = settings_is_wrong(rd, rule->id);
    for (size_t i = 0; !moot && i < 3 && rule->others[i]; i++)
        moot = settings_is_wrong(rd, rule->others[i]);
    return moot;
}

void inputs_finish_aws(struct settings_reading *rd)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].broken(inputs_of(rd)) && !is_moot(rd, &rules[i]))
            settings_problem(rd, ERR_INPUT, rules[i].id, 0, "%s", rules[i].text);
}
