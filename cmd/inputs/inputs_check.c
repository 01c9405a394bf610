#include "cmd/inputs/inputs_check.h"

#include "shared/aws/aws_endpoint.h"
#include "shared/settings/settings_check.h"

#include <arpa/inet.h>

#define ARN_MAX 2048       /* of a role [botocore: sts arnType] */
#define PARAMETER_MAX 1011 /* of a parameter's name [botocore: ssm PutParameter] */

bool inputs_is_ssh_user(const char *s)
{
    return settings_is_printable(s, 64) && s[0] != '-';
}

/* ---- words of AWS ---- */

static bool is_text_of(const char *s, const char *others, size_t min, size_t max)
{
    struct span text = span_of(s);
    return text.len >= min && text.len <= max && settings_is_made_of(text, others);
}

/* arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, cut; false: not of that form, or not of that service. */
static bool read_arn(const char *s, const char *service, struct aws_arn *ret)
{
    return strlen(s) <= ARN_MAX && aws_arn_parse(s, ret) && strncmp(ret->partition, "aws", 3) == 0 &&
           strcmp(ret->service, service) == 0 && strlen(ret->account) == AWS_ACCOUNT_SIZE - 1;
}

bool inputs_is_role(const char *s)
{
    struct aws_arn arn;
    if (!read_arn(s, "iam", &arn) || arn.region[0] || strncmp(arn.resource, "role/", 5) != 0)
        return false;
    const char *name = strrchr(arn.resource, '/') + 1;
    for (const char *p = arn.resource; *p; p++) /* of a path, AWS takes all that can be printed */
        if (*p <= ' ' || *p >= 0x7f)
            return false;
    return is_text_of(name, "_+=,.@-", 1, 64) && !strstr(arn.resource, "//");
}

bool inputs_is_session_name(const char *s)
{
    return is_text_of(s, "_+=,.@-", 2, 64);
}

bool inputs_is_external_id(const char *s)
{
    return is_text_of(s, "_+=,.@:/-", 2, 1224);
}

bool inputs_is_key_id(const char *s)
{
    return is_text_of(s, "_", 16, AWS_KEY_ID_MAX);
}

bool inputs_is_host_keys(const char *s)
{
    static const char *const words[] = { "auto", "tag", "console", "off" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(s, words[i]) == 0)
            return true;
    /* ':' is in the ARN of another account's parameter and before a version */
    return strncmp(s, "parameter:", 10) == 0 && is_text_of(s + 10, "_.:/-", 1, PARAMETER_MAX);
}

bool inputs_is_security_group(const char *s)
{
    size_t digits = strlen(s) > 3 ? strspn(s + 3, "0123456789abcdef") : 0;
    return strncmp(s, "sg-", 3) == 0 && s[3 + digits] == '\0' && (digits == 8 || digits == 17);
}

/* One host's, which another network may see: not "this host", loopback, link-local, multicast or reserved. */
static bool is_unicast4(const struct in_addr *in4)
{
    uint32_t address = ntohl(in4->s_addr);
    unsigned first = address >> 24;
    return first != 0 && first != 127 && first < 224 && address >> 16 != 0xa9fe;
}

bool inputs_is_address(const char *s)
{
    struct in_addr in4;
    struct in6_addr in6;
    if (inet_pton(AF_INET, s, &in4) == 1)
        return is_unicast4(&in4);
    if (inet_pton(AF_INET6, s, &in6) != 1)
        return false;
    return !IN6_IS_ADDR_UNSPECIFIED(&in6) && !IN6_IS_ADDR_LOOPBACK(&in6) && !IN6_IS_ADDR_LINKLOCAL(&in6) &&
           !IN6_IS_ADDR_MULTICAST(&in6) && !IN6_IS_ADDR_V4MAPPED(&in6) && !IN6_IS_ADDR_V4COMPAT(&in6);
}

bool inputs_is_sns_topic(const char *s)
{
    struct aws_arn arn;
    if (!read_arn(s, "sns", &arn) || !aws_is_region(arn.region))
        return false;
    size_t len = strlen(arn.resource);
    bool fifo = len > 5 && strcmp(arn.resource + len - 5, ".fifo") == 0;
    struct span name = { .ptr = arn.resource, .len = fifo ? len - 5 : len };
    return name.len > 0 && len <= 256 && settings_is_made_of(name, "_-");
}

bool inputs_is_url(const char *s)
{
    char host[SETTINGS_HOST_MAX + 1];
    if (!settings_is_printable(s, 2048) || strchr(s, '#'))
        return false;
    if (strncmp(s, "http://", 7) != 0 && strncmp(s, "https://", 8) != 0)
        return false;
    const char *start = strstr(s, "://") + 3;
    size_t len = strcspn(start, "/?");
    const char *end = start + len;
    if (memchr(start, '@', len)) /* a password there would be shown with the URL */
        return false;
    struct span authority = { .ptr = start, .len = len };
    const char *bracket = start[0] == '[' ? memchr(start, ']', len) : NULL;
    const char *after = bracket ? bracket + 1 : memchr(start, ':', len);
    if (after && after < end) {
        int64_t port;
        size_t host_len = (size_t)(after - start);
        if (*after != ':' ||
            !span_to_int((struct span){ .ptr = after + 1, .len = len - host_len - 1 }, 1, 65535, &port))
            return false;
        authority.len = host_len;
    }
    if (authority.len == 0 || authority.len >= sizeof(host))
        return false;
    if (bracket) {
        authority.ptr++;
        authority.len -= 2;
    }
    memcpy(host, authority.ptr, authority.len);
    host[authority.len] = '\0';
    return bracket ? settings_is_ipv6(host) : settings_is_host(host);
}

bool inputs_is_artifact_name(const char *s)
{
    size_t n = strlen(s);
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || strchr("\":<>|*?\\/", *p))
            return false;
    return n > 0 && n <= 200;
}
