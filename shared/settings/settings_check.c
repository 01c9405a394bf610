#include "shared/settings/settings_check.h"

#include "shared/reference.h"
#include "shared/wire.h"

#include <arpa/inet.h>

#define LABEL_MAX 63  /* likewise */
#define IMAGE_MAX 512 /* names are at most 255; tag 128, digest 71 */

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

bool settings_is_made_of(struct span s, const char *others)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.ptr[i]) && (s.ptr[i] == '\0' || !strchr(others, s.ptr[i])))
            return false;
    return true;
}

bool settings_is_printable(const char *s, size_t max)
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

bool settings_is_ipv6(const char *s)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr in6;
    const char *zone = strchr(s, '%');
    size_t len = zone ? (size_t)(zone - s) : strlen(s);
    if (len >= sizeof(address))
        return false;
    memcpy(address, s, len);
    address[len] = '\0';
    if (zone && (zone[1] == '\0' || strlen(zone) > 17 || !settings_is_made_of(span_of(zone + 1), "_.-")))
        return false;
    return inet_pton(AF_INET6, address, &in6) == 1;
}

static bool is_dns_label(struct span label)
{
    return label.len > 0 && label.len <= LABEL_MAX && settings_is_made_of(label, "_-") && label.ptr[0] != '-' &&
           label.ptr[label.len - 1] != '-';
}

bool settings_is_host(const char *s)
{
    struct span rest = span_of(s);
    struct span label;
    struct in_addr in4;
    if (rest.len == 0 || rest.len > SETTINGS_HOST_MAX)
        return false;
    if (strchr(s, ':'))
        return settings_is_ipv6(s);
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
    char host[SETTINGS_HOST_MAX + 1];
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
    return in_brackets ? settings_is_ipv6(host) : !strchr(host, ':') && settings_is_host(host);
}

static bool is_tag(struct span tag)
{
    return tag.len > 0 && tag.len <= 128 && settings_is_made_of(tag, "_.-") && tag.ptr[0] != '.' && tag.ptr[0] != '-';
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

bool settings_is_image(const char *s)
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

bool settings_is_version(const char *s)
{
    /* An id and a tag have the form of a name, which is that of a short image reference. */
    return reference_is_digest(span_of(s)) || (strlen(s) <= WIRE_TO_MAX && settings_is_image(s));
}

bool settings_is_of(const char *s)
{
    return wire_is_id(s);
}

bool settings_is_http_path(const char *s)
{
    return s[0] == '/' && settings_is_printable(s, 1024) && !strchr(s, '#');
}

bool settings_is_network_name(const char *s)
{
    struct span name = span_of(s);
    if (name.len == 0 || name.len > 128 || !is_alnum(s[0]) || !settings_is_made_of(name, "_.-"))
        return false;
    return !span_eq(name, "host") && !span_eq(name, "none");
}

bool settings_is_label(const char *s)
{
    const char *eq = strchr(s, '=');
    if (!eq || !is_alnum(s[0]) || !is_text(s, 1024))
        return false;
    return settings_is_made_of((struct span){ .ptr = s, .len = (size_t)(eq - s) }, "._/-");
}

bool settings_is_own_label(const char *s)
{
    size_t len = strcspn(s, "=");
    return strncmp(s, "io.bluegreen", 12) == 0 && (len == 12 || s[12] == '.');
}

bool settings_is_container_user(const char *s)
{
    struct span rest = span_of(s);
    struct span part;
    unsigned parts = 0;
    if (rest.len == 0 || rest.len > 128 || s[rest.len - 1] == ':')
        return false;
    while (span_split(&rest, ':', &part)) {
        if (part.len == 0 || !settings_is_made_of(part, "_.-") || part.ptr[0] == '-' || ++parts > 2)
            return false;
    }
    return true;
}

bool settings_is_plain_text(const char *s)
{
    return is_text(s, 4096);
}

bool settings_is_path(const char *s)
{
    return is_text(s, 1024);
}

bool settings_is_login(const char *s)
{
    return is_text(s, 256) && !strpbrk(s, " \t");
}

bool settings_is_password(const char *s)
{
    return strlen(s) <= 65536;
}
