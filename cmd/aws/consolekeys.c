#include "cmd/aws/consolekeys.h"

#include "cmd/ssh/hostpin.h"

#include <ctype.h>

#define BLOCK_LINES_MAX 64 /* blank and framing ones too */
#define BITS_MAX 65536
#define PREFIX_MAX 120

enum block_kind { BLOCK_FINGERPRINTS, BLOCK_KEYS, BLOCK_KINDS };

static const struct {
    const char *begin, *end;
} MARKS[BLOCK_KINDS] = {
    [BLOCK_FINGERPRINTS] = { "-----BEGIN SSH HOST KEY FINGERPRINTS-----", "-----END SSH HOST KEY FINGERPRINTS-----" },
    [BLOCK_KEYS] = { "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----" },
};

/* What stands between the marks of one block. */
struct block {
    bool found;
    enum block_kind kind;
    struct span body;
    struct span prefix; /* of its BEGIN line */
};

/* ---- lines ---- */

static bool ends_with(struct span s, const char *tail)
{
    size_t n = strlen(tail);
    return s.len >= n && memcmp(s.ptr + s.len - n, tail, n) == 0;
}

/*
 * What logger(1) and the kernel's log put in front: "<14>May  9 12:00:00 ec2: ", "[   21.3] cloud-init[901]: ". Nothing, or
 * some text without marks that ends in ": ".
 */
static bool is_prefix(struct span s)
{
    return s.len == 0 || (s.len <= PREFIX_MAX && ends_with(s, ": ") && !span_contains(s, "-----"));
}

/* The line is this mark, with a prefix or without. */
static bool is_mark(struct span line, const char *mark, struct span *prefix)
{
    line = span_trim(line);
    if (!ends_with(line, mark))
        return false;
    *prefix = (struct span){ line.ptr, line.len - strlen(mark) };
    return is_prefix(*prefix);
}

/* The tag at the end of a prefix, "ec2: ": lines of one block differ in their time stamps. */
static struct span tag_of(struct span prefix)
{
    size_t i = prefix.len > 2 ? prefix.len - 2 : 0;
    while (i > 0 && prefix.ptr[i - 1] != ' ')
        i--;
    return (struct span){ prefix.ptr + i, prefix.len - i };
}

/* The line without the prefix that its block has; false: it has another. */
static bool strip(struct span *line, struct span tag)
{
    *line = span_trim(*line);
    if (tag.len == 0)
        return true;
    const char *at = memmem(line->ptr, line->len, tag.ptr, tag.len);
    if (at && !is_prefix((struct span){ line->ptr, (size_t)(at - line->ptr) + tag.len }))
        return false; /* somebody's text that only holds the tag */
    if (!at && line->len + 1 == tag.len && memcmp(line->ptr, tag.ptr, line->len) == 0)
        at = line->ptr; /* an empty line: its blank was trimmed */
    if (!at)
        return false;
    size_t used = (size_t)(at - line->ptr) + tag.len;
    *line = used < line->len ? span_trim((struct span){ line->ptr + used, line->len - used }) : (struct span){ "", 0 };
    return true;
}

/* A message of the kernel that got in between: "[   12.345678] …". */
static bool is_kernel_message(struct span line)
{
    const char *end = line.len && line.ptr[0] == '[' ? memchr(line.ptr, ']', line.len) : NULL;
    if (!end || end - line.ptr < 4)
        return false;
    for (const char *c = line.ptr + 1; c < end; c++)
        if (!isdigit((unsigned char)*c) && *c != ' ' && *c != '.')
            return false;
    return true;
}

/* ---- the last block ---- */

static struct block find_last(struct span text)
{
    struct block last = { .found = false }, open = { .found = false };
    struct span line, prefix;
    bool is_open = false;
    while (span_next_line(&text, &line)) {
        const char *next = line.ptr + line.len;
        for (int k = 0; k < BLOCK_KINDS; k++) {
            if (is_mark(line, MARKS[k].begin, &prefix)) { /* one that was open is not complete */
                open = (struct block){ true, (enum block_kind)k, { next, 0 }, prefix };
                is_open = true;
            } else if (is_open && (int)open.kind == k && is_mark(line, MARKS[k].end, &prefix)) {
                open.body.len = (size_t)(line.ptr - open.body.ptr);
                last = open;
                is_open = false;
            }
        }
    }
    return last;
}

/* ---- what stands in it ---- */

/* Cut the next word off. */
static struct span next_word(struct span *rest)
{
    *rest = span_trim(*rest);
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != ' ' && rest->ptr[n] != '\t')
        n++;
    struct span word = { rest->ptr, n };
    *rest = (struct span){ rest->ptr + n, rest->len - n };
    return word;
}

static void add_pin(struct buf *out, const char *type, const unsigned char sha256[CRYPTO_SHA256_SIZE])
{
    char text[HOSTPIN_FINGERPRINT_SIZE];
    hostpin_fingerprint(sha256, text);
    buf_addf(out, "%s %s\n", type, text);
}

/* "256 SHA256:… comment (ED25519)": 1 was added, 0 is of a type that is not used, -1 is none. */
static int read_fingerprint(struct span line, struct buf *out)
{
    struct span rest = line, bits = next_word(&rest), print = next_word(&rest);
    struct hostpins pins;
    int64_t number;
    if (!span_to_int(bits, 256, BITS_MAX, &number) || !span_starts(print, "SHA256:") || line.ptr[line.len - 1] != ')' ||
        memchr(line.ptr, ',', line.len)) /* a comma would begin another one */
        return -1;
    if (span_contains(rest, "SHA256:"))
        return -1;
    /* the words of ssh-keygen are known there already */
    int added = -1;
    if (hostpins_parse(line, span_of(""), "console", 22, &pins, NULL) == 0) {
        added = pins.len == 1 && pins.items[0].types ? 1 : 0;
        if (added)
            add_pin(out, hostpin_type_name(pins.items[0].types), pins.items[0].sha256);
    }
    hostpins_done(&pins);
    return added;
}

/* "ssh-ed25519 AAAA… comment": likewise. */
static int read_key(struct span line, struct buf *out)
{
    _cleanup_(buf_done_p) struct buf known = BUF_INIT(CONSOLEKEYS_LINE_MAX + 8);
    struct span rest = line, type = next_word(&rest), key = next_word(&rest);
    struct hostpins pins;
    bool is_type = span_starts(type, "ssh-") || span_starts(type, "ecdsa-") || span_starts(type, "sk-");
    if (!is_type || key.len == 0)
        return -1;
    buf_addf(&known, "console %.*s %.*s", (int)type.len, type.ptr, (int)key.len, key.ptr);
    int added = -1;
    if (hostpins_parse(span_of(""), buf_span(&known), "console", 22, &pins, NULL) == 0) {
        added = pins.len == 1 && pins.items[0].types ? 1 : 0;
        if (added)
            add_pin(out, hostpin_type_name(pins.items[0].types), pins.items[0].sha256);
    }
    hostpins_done(&pins);
    return added;
}

static bool is_frame(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] != '#')
            return false;
    return true; /* an empty one too */
}

static int refuse(struct err *err, const char *what)
{
    return err_set(err, ERR_PROTO, 0, "the host keys on the console cannot be used: %s", what);
}

int consolekeys_parse(struct span text, struct buf *fingerprints, struct err *err)
{
    struct block block = find_last(text);
    struct span line, tag = tag_of(block.prefix);
    unsigned lines = 0, keys = 0;
    if (!block.found)
        return 1;
    size_t before = fingerprints->len;
    while (span_next_line(&block.body, &line)) {
        if (++lines > BLOCK_LINES_MAX || line.len > CONSOLEKEYS_LINE_MAX || memchr(line.ptr, '\0', line.len))
            return refuse(err, "the block is too long");
        if (!strip(&line, tag)) {
            if (is_kernel_message(line) || line.len == 0)
                continue;
            return refuse(err, "another line stands among them");
        }
        if (is_frame(line) || is_kernel_message(line))
            continue;
        int r = block.kind == BLOCK_KEYS ? read_key(line, fingerprints) : read_fingerprint(line, fingerprints);
        if (r < 0)
            return refuse(err, "a line is no key and no SHA256 fingerprint");
        keys += r > 0;
        if (keys > CONSOLEKEYS_MAX)
            return refuse(err, "there are too many");
    }
    if (fingerprints->len == before)
        return refuse(err, "none of them is of a type that is used (Ed25519, ECDSA, RSA)");
    return buf_check(fingerprints, err);
}
