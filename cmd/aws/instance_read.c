#include "cmd/aws/instance_read.h"

#include <arpa/inet.h>

#define TAGS_MAX 64 /* EC2 allows 50 */
#define INTERFACES_MAX 16

/* ---- what host names ---- */

static bool is_hex(const char *s)
{
    return s[strspn(s, "0123456789abcdef")] == '\0';
}

bool instance_is_id(const char *text)
{
    size_t len = strlen(text);
    return (len == 2 + 8 || len == 2 + 17) && strncmp(text, "i-", 2) == 0 && is_hex(text + 2);
}

bool instance_is_named(const char *host)
{
    return strncmp(host, "tag:", 4) == 0 || instance_is_id(host);
}

static bool is_clean(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return false;
    return span_is_utf8(s);
}

bool instance_query_parse(const char *host, struct instance_query *ret)
{
    *ret = (struct instance_query){ 0 };
    if (instance_is_id(host)) {
        (void)snprintf(ret->id, sizeof(ret->id), "%s", host);
        return true;
    }
    size_t len = strlen(host);
    const char *equals = strchr(host, '=');
    if (strncmp(host, "tag:", 4) != 0 || len > INSTANCE_NAME_MAX || !equals || !is_clean(span_of(host)))
        return false;
    const char *key = host + 4;
    (void)snprintf(ret->key, sizeof(ret->key), "%.*s", (int)(equals - key), key);
    (void)snprintf(ret->value, sizeof(ret->value), "%s", equals + 1);
    return ret->key[0] != '\0' && ret->value[0] != '\0';
}

bool instance_name_is_valid(const char *host)
{
    struct instance_query ignored;
    return instance_query_parse(host, &ignored);
}

void instance_filter_value(const char *value, char out[INSTANCE_FILTER_MAX])
{
    size_t n = 0;
    for (const char *c = value; *c && n + 3 < INSTANCE_FILTER_MAX; c++) {
        if (*c == '*' || *c == '?' || *c == '\\')
            out[n++] = '\\';
        out[n++] = *c;
    }
    out[n] = '\0';
}

/* ---- facts ---- */

/* Letters, digits and `others`, at most as many as fit; "" otherwise. */
static void copy_word(const char *text, const char *others, char *out, size_t size)
{
    size_t len = strlen(text);
    bool good = len < size;
    for (size_t i = 0; good && i < len; i++) {
        char c = text[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr(others, c);
    }
    (void)snprintf(out, size, "%s", good ? text : "");
}

/* Words of people: whole or not at all. */
static void copy_text(const char *text, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", strlen(text) < size && is_clean(span_of(text)) ? text : "");
}

static void copy_address(int family, const char *text, char out[INSTANCE_ADDRESS_SIZE])
{
    unsigned char bytes[16];
    bool good = strlen(text) < INSTANCE_ADDRESS_SIZE && inet_pton(family, text, bytes) == 1;
    (void)snprintf(out, INSTANCE_ADDRESS_SIZE, "%s", good ? text : "");
}

static void read_tags(const struct xml_node *item, struct instance *ret)
{
    const struct xml_node *tag = xml_first(xml_child(item, "tagSet"));
    for (size_t i = 0; tag && i < TAGS_MAX; tag = xml_next(tag), i++) {
        const char *key = xml_str(tag, "key"), *value = xml_str(tag, "value");
        if (strcmp(key, "Name") == 0)
            copy_text(value, ret->name, sizeof(ret->name));
        else if (strcmp(key, INSTANCE_HOST_KEYS_TAG) == 0)
            /* what does not fit is no tag of EC2's; cut, it is refused as what it then is */
            (void)snprintf(ret->host_keys, sizeof(ret->host_keys), "%s", value);
    }
}

static void read_groups(const struct xml_node *item, struct instance *ret)
{
    const struct xml_node *group = xml_first(xml_child(item, "groupSet"));
    for (; group && ret->group_count < INSTANCE_GROUPS_MAX; group = xml_next(group)) {
        struct instance_group *g = &ret->groups[ret->group_count];
        copy_word(xml_str(group, "groupId"), "-", g->id, sizeof(g->id));
        copy_text(xml_str(group, "groupName"), g->name, sizeof(g->name));
        if (g->id[0])
            ret->group_count++;
    }
}

/* Of the instance itself, or of its first interface that has one. */
static void read_ipv6(const struct xml_node *item, struct instance *ret)
{
    const struct xml_node *interface = xml_first(xml_child(item, "networkInterfaceSet"));
    copy_address(AF_INET6, xml_str(item, "ipv6Address"), ret->ipv6);
    for (size_t i = 0; interface && !ret->ipv6[0] && i < INTERFACES_MAX; interface = xml_next(interface), i++)
        copy_address(AF_INET6, xml_str(xml_first(xml_child(interface, "ipv6AddressesSet")), "ipv6Address"), ret->ipv6);
}

bool instance_read(const struct xml_node *item, const char *region, struct instance *ret)
{
    *ret = (struct instance){ 0 };
    const char *id = xml_str(item, "instanceId");
    if (!instance_is_id(id))
        return false;
    (void)snprintf(ret->id, sizeof(ret->id), "%s", id);
    (void)snprintf(ret->region, sizeof(ret->region), "%s", region);
    copy_word(xml_str(xml_child(item, "instanceState"), "name"), "-", ret->state, sizeof(ret->state));
    copy_word(xml_str(xml_child(item, "placement"), "availabilityZone"), "-", ret->zone, sizeof(ret->zone));
    copy_word(xml_str(item, "vpcId"), "-", ret->vpc, sizeof(ret->vpc));
    copy_address(AF_INET, xml_str(item, "ipAddress"), ret->public_ip);
    copy_address(AF_INET, xml_str(item, "privateIpAddress"), ret->private_ip);
    read_ipv6(item, ret);
    read_groups(item, ret);
    read_tags(item, ret);
    return true;
}

bool instance_has_tag(const struct xml_node *item, const char *key, const char *value)
{
    const struct xml_node *tag = xml_first(xml_child(item, "tagSet"));
    for (size_t i = 0; tag && i < TAGS_MAX; tag = xml_next(tag), i++)
        if (strcmp(xml_str(tag, "key"), key) == 0)
            return strcmp(xml_str(tag, "value"), value) == 0;
    return false;
}

/* ---- choices ---- */

const char *instance_address(const struct instance *i, enum host_address which)
{
    const char *chosen;
    switch (which) {
    case HOST_ADDRESS_PUBLIC:
        chosen = i->public_ip;
        break;
    case HOST_ADDRESS_PRIVATE:
        chosen = i->private_ip;
        break;
    case HOST_ADDRESS_IPV6:
        chosen = i->ipv6;
        break;
    case HOST_ADDRESS_AUTO:
    default:
        chosen = i->public_ip[0] ? i->public_ip : i->private_ip[0] ? i->private_ip : i->ipv6;
        break;
    }
    return chosen[0] ? chosen : NULL;
}

int instance_check_state(const struct instance *i, struct err *err)
{
    static const struct {
        const char *state, *what, *hint;
    } rows[] = {
        { "pending", "is still starting",
          "Wait until it runs, then run again: aws ec2 wait instance-running --instance-ids" },
        { "stopped", "is stopped", "Start it, then run again: aws ec2 start-instances --instance-ids" },
        { "stopping", "is being stopped",
          "When it has stopped, start it and run again: aws ec2 start-instances --instance-ids" },
        { "shutting-down", "is being terminated",
          "Choose another instance; to look at it: aws ec2 describe-instances --instance-ids" },
        { "terminated", "was terminated",
          "Choose another instance; to look at it: aws ec2 describe-instances --instance-ids" },
    };
    if (strcmp(i->state, "running") == 0)
        return 0;
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        if (strcmp(i->state, rows[k].state) != 0)
            continue;
        (void)err_set(err, ERR_INSTANCE, 0, "instance %s %s, so nothing can be deployed to it", i->id, rows[k].what);
        err_hint(err, "%s %s --region %s", rows[k].hint, i->id, i->region);
        return -ERR_INSTANCE;
    }
    return err_set(err, ERR_INSTANCE, 0, "instance %s is in the state '%s', not running", i->id, i->state);
}
