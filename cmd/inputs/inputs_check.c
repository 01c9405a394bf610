#include "cmd/inputs/inputs_check.h"

#include "shared/aws/aws_endpoint.h"
#include "shared/reference.h"
#include "shared/wire.h"

#include <arpa/inet.h>

#define HOST_MAX 253       /* RFC 1035, 2.3.4: 255 bytes on the wire */
#define LABEL_MAX 63       /* likewise */
#define IMAGE_MAX 512      /* names are at most 255; tag 128, digest 71 */
#define ARN_MAX 2048       /* of a role [botocore: sts arnType] */
#define PARAMETER_MAX 1011 /* of a parameter's name [botocore: ssm PutParameter] */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
    return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_graph(char c)
{
    return c > ' ' && c < 0x7f;
}

/* Every byte is a letter, a digit or in `others`. */
static bool is_made_of(struct span s, const char *others)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.ptr[i]) && (s.ptr[i] == '\0' || !strchr(others, s.ptr[i])))
            return false;
    return true;
}

static bool is_printable(const char *s, size_t max)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len; i++)
        if (!is_graph(s[i]))
            return false;
    return len > 0 && len <= max;
}

/* No control bytes but tab; bytes of UTF-8 pass. */
static bool is_text(const char *s, size_t max)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
            return false;
    return len <= max;
}

static bool is_ipv6(const char *s)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr in6;
    const char *zone = strchr(s, '%');
    size_t len = zone ? (size_t)(zone - s) : strlen(s);
    if (len >= sizeof(address))
        return false;
    memcpy(address, s, len);
    address[len] = '\0';
    if (zone && (zone[1] == '\0' || strlen(zone) > 17 || !is_made_of(span_of(zone + 1), "_.-")))
        return false;
    return inet_pton(AF_INET6, address, &in6) == 1;
}

static bool is_dns_label(struct span label)
{
    return label.len > 0 && label.len <= LABEL_MAX && is_made_of(label, "_-") && label.ptr[0] != '-' &&
           label.ptr[label.len - 1] != '-';
}

bool inputs_is_host(const char *s)
{
    struct span rest = span_of(s);
    struct span label;
    struct in_addr in4;
    if (rest.len == 0 || rest.len > HOST_MAX)
        return false;
    if (strchr(s, ':'))
        return is_ipv6(s);
    if (rest.ptr[rest.len - 1] == '.') /* a rooted name */
        rest.len--;
    if (rest.len == 0 || rest.ptr[rest.len - 1] == '.')
        return false;
    bool only_numbers = strspn(s, "0123456789.") == strlen(s);
    if (only_numbers)
        return inet_pton(AF_INET, s, &in4) == 1;
    while (span_split(&rest, '.', &label))
        if (!is_dns_label(label))
            return false;
    return true;
}

bool inputs_is_ssh_user(const char *s)
{
    return is_printable(s, 64) && s[0] != '-';
}

/* Lower-case words joined by '.', '_', '__' or dashes; nothing at the ends. */
static bool is_repository_part(struct span part)
{
    size_t i = 0;
    while (i < part.len) {
        size_t word = i;
        while (i < part.len && (is_digit(part.ptr[i]) || is_lower(part.ptr[i])))
            i++;
        if (i == word)
            return false;
        if (i == part.len)
            return true;
        size_t joint = i;
        while (i < part.len && part.ptr[i] == part.ptr[joint] && strchr("._-", part.ptr[i]))
            i++;
        size_t len = i - joint;
        if (len == 0 || (part.ptr[joint] == '.' && len > 1) || (part.ptr[joint] == '_' && len > 2))
            return false;
    }
    return false;
}

static bool is_registry(struct span s)
{
    char host[HOST_MAX + 1];
    const char *colon = memrchr(s.ptr, ':', s.len);
    int64_t port;
    if (colon) {
        size_t at = (size_t)(colon - s.ptr);
        if (!span_to_int((struct span){ .ptr = colon + 1, .len = s.len - at - 1 }, 1, 65535, &port))
            return false;
        s.len = at;
    }
    if (s.len == 0 || s.len >= sizeof(host))
        return false;
    bool in_brackets = s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']';
    if (in_brackets) {
        s.ptr++;
        s.len -= 2;
    }
    memcpy(host, s.ptr, s.len);
    host[s.len] = '\0';
    return in_brackets ? is_ipv6(host) : !strchr(host, ':') && inputs_is_host(host);
}

static bool is_tag(struct span tag)
{
    return tag.len > 0 && tag.len <= 128 && is_made_of(tag, "_.-") && tag.ptr[0] != '.' && tag.ptr[0] != '-';
}

static bool is_digest(struct span digest)
{
    if (digest.len != 7 + 64 || !span_starts(digest, "sha256:"))
        return false;
    for (size_t i = 7; i < digest.len; i++)
        if (!is_digit(digest.ptr[i]) && !(digest.ptr[i] >= 'a' && digest.ptr[i] <= 'f'))
            return false;
    return true;
}

/* The first component names a registry when it cannot be a repository: the engine's own rule. */
static bool names_registry(struct span first)
{
    return memchr(first.ptr, '.', first.len) || memchr(first.ptr, ':', first.len) || span_eq(first, "localhost");
}

bool inputs_is_image(const char *s)
{
    struct span name = span_of(s);
    if (name.len == 0 || name.len > IMAGE_MAX)
        return false;
    const char *at = memchr(name.ptr, '@', name.len);
    if (at) {
        size_t len = (size_t)(at - name.ptr);
        if (!is_digest((struct span){ .ptr = at + 1, .len = name.len - len - 1 }))
            return false;
        name.len = len;
    }
    const char *slash = name.len > 0 ? memrchr(name.ptr, '/', name.len) : NULL;
    size_t last = slash ? (size_t)(slash - name.ptr) + 1 : 0;
    const char *colon = name.len > last ? memchr(name.ptr + last, ':', name.len - last) : NULL;
    if (colon) {
        size_t len = (size_t)(colon - name.ptr);
        if (!is_tag((struct span){ .ptr = colon + 1, .len = name.len - len - 1 }))
            return false;
        name.len = len;
    }
    if (name.len == 0 || name.ptr[name.len - 1] == '/' || name.ptr[0] == '/')
        return false;
    struct span part;
    bool is_first = true;
    while (span_split(&name, '/', &part)) {
        bool registry = is_first && slash && part.len > 0 && names_registry(part);
        if (registry ? !is_registry(part) : !is_repository_part(part))
            return false;
        is_first = false;
    }
    return true;
}

/* ---- words of AWS ---- */

static bool is_text_of(const char *s, const char *others, size_t min, size_t max)
{
    struct span text = span_of(s);
    return text.len >= min && text.len <= max && is_made_of(text, others);
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
        if (!is_graph(*p))
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

bool inputs_is_version(const char *s)
{
    /* An id and a tag have the form of a name, which is that of a short image reference. */
    return reference_is_digest(span_of(s)) || (strlen(s) <= WIRE_TO_MAX && inputs_is_image(s));
}

bool inputs_is_of(const char *s)
{
    return wire_is_id(s);
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
    return name.len > 0 && len <= 256 && is_made_of(name, "_-");
}

bool inputs_is_http_path(const char *s)
{
    return s[0] == '/' && is_printable(s, 1024) && !strchr(s, '#');
}

bool inputs_is_url(const char *s)
{
    char host[HOST_MAX + 1];
    if (!is_printable(s, 2048) || strchr(s, '#'))
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
    return bracket ? is_ipv6(host) : inputs_is_host(host);
}

bool inputs_is_network_name(const char *s)
{
    struct span name = span_of(s);
    if (name.len == 0 || name.len > 128 || !is_alnum(s[0]) || !is_made_of(name, "_.-"))
        return false;
    return !span_eq(name, "host") && !span_eq(name, "none");
}

bool inputs_is_label(const char *s)
{
    const char *eq = strchr(s, '=');
    if (!eq || !is_alnum(s[0]) || !is_text(s, 1024))
        return false;
    return is_made_of((struct span){ .ptr = s, .len = (size_t)(eq - s) }, "._/-");
}

bool inputs_is_own_label(const char *s)
{
    size_t len = strcspn(s, "=");
    return strncmp(s, "io.bluegreen", 12) == 0 && (len == 12 || s[12] == '.');
}

bool inputs_is_container_user(const char *s)
{
    struct span rest = span_of(s);
    struct span part;
    unsigned parts = 0;
    if (rest.len == 0 || rest.len > 128 || s[rest.len - 1] == ':')
        return false;
    while (span_split(&rest, ':', &part)) {
        if (part.len == 0 || !is_made_of(part, "_.-") || part.ptr[0] == '-' || ++parts > 2)
            return false;
    }
    return true;
}

bool inputs_is_plain_text(const char *s)
{
    return is_text(s, 4096);
}

bool inputs_is_path(const char *s)
{
    return is_text(s, 1024);
}

bool inputs_is_artifact_name(const char *s)
{
    size_t n = strlen(s);
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || strchr("\":<>|*?\\/", *p))
            return false;
    return n > 0 && n <= 200;
}

bool inputs_is_login(const char *s)
{
    return is_text(s, 256) && !strpbrk(s, " \t");
}

bool inputs_is_password(const char *s)
{
    return strlen(s) <= 65536;
}
