#include "shared/spec.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define OWN_LABELS "io.bluegreen."
#define ON_FAILURE "on-failure"

static bool only(const char *s, const char *set)
{
    return s[strspn(s, set)] == '\0';
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

/* Docker's rule for names of volumes, networks and containers. */
static bool is_docker_name(const char *s)
{
    return s[0] && strchr(LOWER UPPER DIGIT, s[0]) && only(s, LOWER UPPER DIGIT "_.-");
}

bool spec_is_app_name(const char *s)
{
    return s[0] && strlen(s) <= SPEC_APP_MAX && strchr(LOWER DIGIT, s[0]) && only(s, LOWER DIGIT "_.-");
}

bool spec_is_image(const char *s)
{
    return s[0] && strchr(LOWER UPPER DIGIT "[", s[0]) && only(s, LOWER UPPER DIGIT "._-/:@[]");
}

bool spec_is_env_line(const char *s)
{
    size_t key = strspn(s, LOWER UPPER DIGIT "_");
    return key > 0 && !strchr(DIGIT, s[0]) && s[key] == '=' && span_is_utf8(span_of(s));
}

bool spec_is_label(const char *s)
{
    const char *eq = strchr(s, '=');
    if (!eq || eq == s || strncmp(s, OWN_LABELS, strlen(OWN_LABELS)) == 0)
        return false;
    for (const char *c = s; c < eq; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return false;
    return span_is_utf8(span_of(s));
}

bool spec_is_network(const char *s)
{
    return is_docker_name(s);
}

static bool has_dotdot(struct span path)
{
    struct span part;
    while (span_split(&path, '/', &part))
        if (span_eq(part, ".."))
            return true;
    return false;
}

bool spec_is_volume(const char *s)
{
    struct span rest = span_of(s), src = { 0 }, dst = { 0 }, mode = { 0 };
    if (has_control(s) || !span_is_utf8(rest) || (rest.len > 0 && rest.ptr[rest.len - 1] == ':'))
        return false;
    if (!span_split(&rest, ':', &src) || !span_split(&rest, ':', &dst))
        return false;
    if (span_split(&rest, ':', &mode) && !span_eq(mode, "ro") && !span_eq(mode, "rw"))
        return false;
    if (rest.len > 0 || has_dotdot(src) || has_dotdot(dst))
        return false;
    if (!span_starts(dst, "/") || span_eq(dst, "/"))
        return false;
    if (span_starts(src, "/"))
        return true;
    char name[256];
    if (src.len == 0 || src.len >= sizeof(name))
        return false;
    memcpy(name, src.ptr, src.len);
    name[src.len] = '\0';
    return is_docker_name(name);
}

bool spec_is_restart_policy(const char *s)
{
    int64_t count;
    if (strcmp(s, "no") == 0 || strcmp(s, "always") == 0 || strcmp(s, "unless-stopped") == 0)
        return true;
    if (strncmp(s, ON_FAILURE, strlen(ON_FAILURE)) != 0)
        return false;
    s += strlen(ON_FAILURE);
    return !*s || (*s == ':' && span_to_int(span_of(s + 1), 0, 1000000, &count));
}

/* One element of a status list: "200" or "200-299". */
static bool parse_status(struct span part, int64_t *from, int64_t *to)
{
    struct span low = { 0 };
    part = span_trim(part);
    if (!span_split(&part, '-', &low) || !span_to_int(low, 100, 599, from))
        return false;
    *to = *from;
    if (part.len > 0)
        return span_to_int(part, *from, 599, to);
    return low.len == 3 && low.ptr[low.len] != '-';
}

/* Visits each element; false when the list is malformed. */
static bool walk_status(const char *list, int status, bool *matches)
{
    struct span rest = span_of(list), part;
    if (rest.len == 0 || rest.ptr[rest.len - 1] == ',')
        return false;
    *matches = false;
    while (span_split(&rest, ',', &part)) {
        int64_t from, to;
        if (!parse_status(part, &from, &to))
            return false;
        *matches = *matches || (status >= from && status <= to);
    }
    return true;
}

bool spec_is_status_list(const char *s)
{
    bool matches;
    return walk_status(s, 0, &matches);
}

bool spec_status_matches(const char *list, int status)
{
    bool matches;
    return walk_status(list, status, &matches) && matches;
}
