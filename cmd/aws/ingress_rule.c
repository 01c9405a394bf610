#include "cmd/aws/ingress_rule.h"

#include "cmd/inputs/inputs_check.h"
#include "shared/aws/aws_endpoint.h"

#include <arpa/inet.h>
#include <inttypes.h>

#define EXPIRES_MAX INT64_C(253402300799) /* end of the year 9999 */

/* ---- state ---- */

static bool is_token(const char *s)
{
    return strlen(s) == INGRESS_TOKEN_SIZE - 1 && strspn(s, "0123456789abcdef") == INGRESS_TOKEN_SIZE - 1;
}

void ingress_place_text(const struct ingress_place *place, char out[INGRESS_STATE_SIZE])
{
    (void)snprintf(out, INGRESS_STATE_SIZE, "%s %s %s", place->region, place->group, place->token);
}

/* One word of the text, whole. */
static bool take_word(struct span *rest, char *out, size_t size)
{
    struct span word;

    if (!span_split(rest, ' ', &word) || !word.len || word.len >= size)
        return false;
    (void)snprintf(out, size, "%.*s", (int)word.len, word.ptr);
    return true;
}

bool ingress_place_parse(const char *text, struct ingress_place *ret)
{
    struct span rest = span_of(text);
    struct ingress_place place;

    if (!take_word(&rest, place.region, sizeof(place.region)) || !take_word(&rest, place.group, sizeof(place.group)) ||
        !take_word(&rest, place.token, sizeof(place.token)) || rest.len)
        return false;
    if (!aws_is_region(place.region) || !inputs_is_security_group(place.group) || !is_token(place.token))
        return false;
    *ret = place;
    return true;
}

/* ---- rules ---- */

void ingress_rules_done(struct ingress_rules *rules)
{
    free(rules->items);
    *rules = (struct ingress_rules){ 0 };
}

static void copy(char *out, size_t size, const char *text)
{
    if (strlen(text) < size) /* what does not fit is not what it should be */
        (void)snprintf(out, size, "%s", text);
}

static void read_tag(const struct xml_node *tag, struct ingress_rule *rule)
{
    const char *key = xml_str(tag, "key"), *value = xml_str(tag, "value");

    if (strcmp(key, INGRESS_TAG_ACTION) == 0)
        rule->ours = strcmp(value, INGRESS_TAG_ACTION_VALUE) == 0;
    else if (strcmp(key, INGRESS_TAG_RUN) == 0 && is_token(value))
        copy(rule->token, sizeof(rule->token), value);
    else if (strcmp(key, INGRESS_TAG_EXPIRES) == 0 && !span_to_int(span_of(value), 1, EXPIRES_MAX, &rule->expires_s))
        rule->expires_s = 0;
}

static int64_t port_of(const struct xml_node *item, const char *name)
{
    int64_t port = -1;

    return span_to_int(span_of(xml_str(item, name)), 0, 65535, &port) ? port : -1;
}

static void read_rule(const struct xml_node *item, struct ingress_rule *rule)
{
    const char *v4 = xml_str(item, "cidrIpv4"), *protocol = xml_str(item, "ipProtocol");
    const struct xml_node *tag = xml_first(xml_child(item, "tagSet"));

    memset(rule, 0, sizeof(*rule));
    copy(rule->id, sizeof(rule->id), xml_str(item, "securityGroupRuleId"));
    copy(rule->cidr, sizeof(rule->cidr), *v4 ? v4 : xml_str(item, "cidrIpv6"));
    rule->from_port = port_of(item, "fromPort");
    rule->to_port = port_of(item, "toPort");
    rule->tcp = strcmp(protocol, "tcp") == 0 || strcmp(protocol, "6") == 0;
    for (; tag; tag = xml_next(tag))
        read_tag(tag, rule);
    if (!rule->ours)
        rule->token[0] = '\0';
}

/* "sgr-…": it will be part of a command that people copy. */
static bool is_rule_id(const char *s)
{
    return strncmp(s, "sgr-", 4) == 0 && s[4] && s[4 + strspn(s + 4, "0123456789abcdef")] == '\0';
}

static int add(struct ingress_rules *rules, const struct ingress_rule *rule, struct err *err)
{
    struct ingress_rule *grown = NULL;

    if (rules->len == INGRESS_RULES_MAX)
        return err_set(err, ERR_PROTO, 0, "more than %d rules in one security group", INGRESS_RULES_MAX);
    grown = reallocarray(rules->items, rules->len + 1, sizeof(*grown));
    if (!grown)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    rules->items = grown;
    rules->items[rules->len++] = *rule;
    return 0;
}

int ingress_rules_read(const struct xml_node *answer, struct ingress_rules *rules, struct err *err)
{
    const struct xml_node *item = xml_first(xml_child(answer, "securityGroupRuleSet"));
    struct ingress_rule rule;
    int r = 0;

    for (; r == 0 && item; item = xml_next(item)) {
        read_rule(item, &rule);
        if (strcmp(xml_str(item, "isEgress"), "true") != 0 && is_rule_id(rule.id))
            r = add(rules, &rule, err);
    }
    return r;
}

/* ---- whose ---- */

/* An address with the mask of a single one. */
static bool read_single(const char *cidr, unsigned char out[16], int *family)
{
    const char *slash = strchr(cidr, '/');
    char address[INET6_ADDRSTRLEN];
    size_t len = slash ? (size_t)(slash - cidr) : 0;

    if (!slash || len >= sizeof(address))
        return false;
    (void)snprintf(address, sizeof(address), "%.*s", (int)len, cidr);
    memset(out, 0, 16);
    *family = strcmp(slash, "/32") == 0 ? AF_INET : AF_INET6;
    return (*family == AF_INET || strcmp(slash, "/128") == 0) && inet_pton(*family, address, out) == 1;
}

bool ingress_cidr_equal(const char *a, const char *b)
{
    unsigned char first[16], second[16];
    int family_a = 0, family_b = 0;

    return read_single(a, first, &family_a) && read_single(b, second, &family_b) && family_a == family_b &&
           memcmp(first, second, sizeof(first)) == 0;
}

bool ingress_is_of_run(const struct ingress_rule *rule, const char *token)
{
    return rule->ours && *token && strcmp(rule->token, token) == 0;
}

bool ingress_is_expired(const struct ingress_rule *rule, const char *token, int64_t now_s)
{
    return rule->ours && !ingress_is_of_run(rule, token) && rule->expires_s > 0 && rule->expires_s < now_s;
}

static bool lets_in(const struct ingress_rule *rule, const struct ingress_want *want)
{
    return rule->tcp && rule->from_port == want->port && rule->to_port == want->port &&
           ingress_cidr_equal(rule->cidr, want->cidr);
}

void ingress_look(const struct ingress_rules *rules, const struct ingress_want *want, int64_t now_s,
                  struct ingress_view *ret)
{
    *ret = (struct ingress_view){ 0 };
    for (size_t i = 0; i < rules->len; i++) {
        const struct ingress_rule *rule = &rules->items[i];
        if (ingress_is_expired(rule, want->token, now_s))
            ret->expired++;
        else if (lets_in(rule, want) && ingress_is_of_run(rule, want->token))
            ret->own = rule;
        else if (lets_in(rule, want))
            ret->other = rule;
    }
}

/* ---- words ---- */

void ingress_description(const char *run_link, char out[INGRESS_DESCRIPTION_SIZE])
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._-:/()#,@[]+=&;{}!$*";

    (void)snprintf(out, INGRESS_DESCRIPTION_SIZE, "%s %s", INGRESS_TAG_ACTION, run_link);
    for (char *c = out; *c; c++)
        if (!strchr(allowed, *c))
            *c = '_';
}
