#include "tests/unit/cmd/runner_oracle.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t rune;

struct line {
    rune *at;
    size_t len;
};

/* ---- reading as .NET's StreamReader does: UTF-8, replacement for what is none ---- */

static size_t read_rune(const unsigned char *p, size_t left, rune *out)
{
    *out = 0xfffd;
    if (p[0] < 0x80) {
        *out = p[0];
        return 1;
    }
    if (p[0] >= 0xc2 && p[0] <= 0xdf && left >= 2 && p[1] >> 6 == 2) {
        *out = (rune)(p[0] & 31) << 6 | (p[1] & 63);
        return 2;
    }
    if (p[0] >= 0xe0 && p[0] <= 0xef && left >= 3 && p[1] >> 6 == 2 && p[2] >> 6 == 2) {
        rune c = (rune)(p[0] & 15) << 12 | (rune)(p[1] & 63) << 6 | (p[2] & 63);
        if (c >= 0x800 && (c < 0xd800 || c > 0xdfff)) {
            *out = c;
            return 3;
        }
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4 && left >= 4 && p[1] >> 6 == 2 && p[2] >> 6 == 2 && p[3] >> 6 == 2) {
        rune c = (rune)(p[0] & 7) << 18 | (rune)(p[1] & 63) << 12 | (rune)(p[2] & 63) << 6 | (p[3] & 63);
        if (c >= 0x10000 && c <= 0x10ffff) {
            *out = c;
            return 4;
        }
    }
    return 1;
}

/* char.IsWhiteSpace */
static bool is_white(rune c)
{
    return (c >= 9 && c <= 13) || c == 32 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* What a comparison by culture (ICU) passes over as if it were not there. */
static bool is_passed_over(rune c)
{
    return c < 9 || (c > 13 && c < 32) || (c >= 0x7f && c <= 0x9f && c != 0x85) || c == 0xad || c == 0x34f ||
           c == 0x61c || c == 0x180e || (c >= 0x488 && c <= 0x489) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || (c >= 0x20dd && c <= 0x20e4) ||
           (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

/* ---- the two parsers ---- */

static bool same_name(const rune *p, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++) {
        rune c = p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i];
        if (!name[i] || c != (unsigned char)name[i])
            return false;
    }
    return !name[len];
}

static const char *registered(const rune *p, size_t len)
{
    static const char *const names[] = {
        "notice",     "warning",     "error",          "group",
        "endgroup",   "debug",       "add-mask",       "stop-commands",
        "echo",       "add-matcher", "remove-matcher", "set-output",
        "save-state", "set-env",     "add-path",       "internal-set-repo-path",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == len && same_name(p, len, names[i]))
            return names[i];
    return NULL;
}

static size_t name_length(const rune *p, size_t len)
{
    size_t n = 0;
    while (n < len && p[n] != ' ')
        n++;
    return n;
}

static void put_rune(char *out, size_t *n, rune c)
{
    char utf8[4];
    size_t len = 0;

    if (c < 0x80)
        utf8[len++] = (char)c;
    else if (c < 0x800) {
        utf8[len++] = (char)(0xc0 | c >> 6);
        utf8[len++] = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        utf8[len++] = (char)(0xe0 | c >> 12);
        utf8[len++] = (char)(0x80 | (c >> 6 & 63));
        utf8[len++] = (char)(0x80 | (c & 63));
    } else {
        utf8[len++] = (char)(0xf0 | c >> 18);
        utf8[len++] = (char)(0x80 | (c >> 12 & 63));
        utf8[len++] = (char)(0x80 | (c >> 6 & 63));
        utf8[len++] = (char)(0x80 | (c & 63));
    }
    if (*n + len < RUNNER_ORACLE_DATA_MAX) {
        memcpy(out + *n, utf8, len);
        *n += len;
    }
}

static bool escape_at(const rune *p, size_t left, const char *escape)
{
    return left >= 3 && p[0] == '%' && p[1] == (unsigned char)escape[0] && p[2] == (unsigned char)escape[1];
}

static void unescape(const rune *p, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        rune c = p[i];
        if (escape_at(p + i, len - i, "0D"))
            c = '\r';
        else if (escape_at(p + i, len - i, "0A"))
            c = '\n';
        else if (!escape_at(p + i, len - i, "25")) {
            put_rune(out, &n, c);
            continue;
        }
        put_rune(out, &n, c);
        i += 2;
    }
    out[n] = '\0';
}

static bool take(struct runner_command *cmd, const char *name, const rune *data, size_t len)
{
    (void)snprintf(cmd->name, sizeof(cmd->name), "%s", name);
    unescape(data, len, cmd->data);
    return true;
}

/* TryParseV2, and act's "^::any::" */
static bool double_colon(struct line l, struct runner_command *cmd)
{
    const char *name = NULL;

    while (l.len && is_white(l.at[0])) {
        l.at++;
        l.len--;
    }
    if (l.len < 4 || l.at[0] != ':' || l.at[1] != ':')
        return false;
    for (size_t i = 2; i + 1 < l.len; i++) {
        if (l.at[i] != ':' || l.at[i + 1] != ':')
            continue;
        name = registered(l.at + 2, name_length(l.at + 2, i - 2));
        return take(cmd, name ? name : "(some token)", l.at + i + 2, l.len - i - 2); /* a token resumes commands */
    }
    return false;
}

/* TryParse */
static bool hash_bracket(struct line l, struct runner_command *cmd)
{
    for (size_t i = 0; i + 3 < l.len; i++) {
        if (l.at[i] != '#' || l.at[i + 1] != '#' || l.at[i + 2] != '[')
            continue;
        for (size_t j = i + 3; j < l.len; j++) {
            const char *name = NULL;
            if (l.at[j] != ']')
                continue;
            name = registered(l.at + i + 3, name_length(l.at + i + 3, j - i - 3));
            if (name)
                return take(cmd, name, l.at + j + 1, l.len - j - 1);
            break;
        }
    }
    return false;
}

static struct line without_passed_over(struct line l)
{
    size_t n = 0;

    for (size_t i = 0; i < l.len; i++)
        if (!is_passed_over(l.at[i]))
            l.at[n++] = l.at[i];
    l.len = n;
    return l;
}

/* What a comparison that knows of compatibility forms takes c for; 0: nothing that matters. */
static char worst_twin(rune c)
{
    static const struct {
        rune from;
        char to;
    } twins[] = { { 0xfe13, ':' }, { 0xfe55, ':' }, { 0xff1a, ':' }, { 0xfe5f, '#' },
                  { 0xff03, '#' }, { 0xfe47, '[' }, { 0xff3b, '[' } };

    if (c < 0x80)
        return c == '\t' || (c >= 0x20 && c != 0x7f) ? (char)c : 0;
    for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++)
        if (c == twins[i].from)
            return twins[i].to;
    return 0;
}

static bool worst_reading(struct line l, struct runner_command *cmd)
{
    char seen[3] = { 0 };
    size_t count = 0; /* since the first that is not blank */

    for (size_t i = 0; i < l.len; i++) {
        char c = worst_twin(l.at[i]);
        bool pair = l.at[i] == 0x2a74; /* decomposes to "::=" */
        if (!c && !pair)
            continue;
        if (pair && count == 0)
            return take(cmd, "(worst reading)", l.at, l.len);
        if (count == 0 && (c == ' ' || c == '\t'))
            continue;
        memmove(seen, seen + 1, 2);
        seen[2] = pair ? '=' : c;
        count++;
        if ((count == 2 && seen[1] == ':' && seen[2] == ':') || (count >= 3 && memcmp(seen, "##[", 3) == 0))
            return take(cmd, "(worst reading)", l.at, l.len);
    }
    return false;
}

static bool is_command(struct line l, struct runner_command *cmd)
{
    if (double_colon(l, cmd) || hash_bracket(l, cmd) || worst_reading(l, cmd))
        return true;
    l = without_passed_over(l);
    return double_colon(l, cmd) || hash_bracket(l, cmd);
}

/* What the runner's reader ends a line at, and what other readers would. */
static bool is_line_end(rune c)
{
    return c == '\n' || c == '\r' || c == 0x0b || c == 0x0c || c == 0x85 || c == 0x2028 || c == 0x2029;
}

size_t runner_oracle(const char *output, size_t len, struct runner_command *found, size_t max)
{
    struct runner_command *cmd = malloc(sizeof(*cmd));
    struct line l = { malloc((len + 1) * sizeof(rune)), 0 };
    size_t count = 0;

    if (!cmd || !l.at)
        abort();
    for (size_t i = 0; i <= len;) {
        rune c = '\n';
        i += i < len ? read_rune((const unsigned char *)output + i, len - i, &c) : 1;
        if (!is_line_end(c)) { /* CRLF is an end and an empty line: no difference here */
            l.at[l.len++] = c;
            continue;
        }
        if (is_command(l, cmd) && count++ < max && found)
            found[count - 1] = *cmd;
        l.len = 0;
    }
    free(l.at);
    free(cmd);
    return count;
}

static bool is_between(rune c, rune first, rune last)
{
    return c >= first && c <= last;
}

static bool is_joining(rune c)
{
    return c == 0x200c || c == 0x200d || c == 0xfe0e || c == 0xfe0f;
}

static bool is_unseen(rune c)
{
    return is_between(c, 0x200b, 0x200f) || is_between(c, 0x2028, 0x202e) || is_between(c, 0x2060, 0x206f) ||
           is_between(c, 0xfe00, 0xfe0f) || is_between(c, 0xe0000, 0xe0fff) || is_between(c, 0x180b, 0x180f) ||
           is_between(c, 0xfff0, 0xfffb) || is_between(c, 0x1d173, 0x1d17a) || c == 0xad || c == 0x34f || c == 0x61c ||
           c == 0xfeff || c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0;
}

bool runner_oracle_quiet(const char *output, size_t len)
{
    rune before = 0;

    for (size_t i = 0; i < len;) {
        rune c = 0;
        size_t n = read_rune((const unsigned char *)output + i, len - i, &c);
        if (c == 0xfffd && n == 1)
            return false;
        if (c < 0x20 && c != '\n' && c != '\t')
            return false;
        if (is_between(c, 0x7f, 0x9f) || (is_unseen(c) && !(is_joining(c) && before >= 0xa0)))
            return false;
        before = c;
        i += n;
    }
    return true;
}
