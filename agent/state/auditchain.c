#include "agent/state/auditchain.h"

#include "shared/json.h"

#include <inttypes.h>

#define HASH_LEN (AUDITCHAIN_HASH_SIZE - 1)

static const char seal_begin[] = ",\"hash\":\"", seal_end[] = "\"}";
#define SEAL_LEN (sizeof(seal_begin) - 1 + HASH_LEN + sizeof(seal_end) - 1)

/* ---- one line ---- */

int auditchain_seal(struct buf *body, char hash[AUDITCHAIN_HASH_SIZE], struct err *err)
{
    char hex[AUDITCHAIN_HASH_SIZE];
    if (buf_check(body, err) < 0 || crypto_sha256_hex(buf_span(body), hex, err) < 0)
        return -(int)err->kind;
    buf_addf(body, "%s%s%s\n", seal_begin, hex, seal_end);
    if (buf_check(body, err) < 0)
        return -(int)err->kind;
    if (hash)
        memcpy(hash, hex, sizeof(hex));
    return 0;
}

/* Cut `word` off the front. */
static bool take(struct span *s, const char *word)
{
    size_t len = strlen(word);
    if (s->len < len || memcmp(s->ptr, word, len) != 0)
        return false;
    s->ptr += len;
    s->len -= len;
    return true;
}

/* A number as it is printed here: no sign, no zero in front. */
static bool take_number(struct span *s, int64_t *ret)
{
    size_t digits = 0;
    while (digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9')
        digits++;
    if (digits == 0 || s->ptr[0] == '0' || !span_to_int((struct span){ s->ptr, digits }, 1, INT64_C(1) << 52, ret))
        return false;
    s->ptr += digits;
    s->len -= digits;
    return true;
}

static bool take_hash(struct span *s, char ret[AUDITCHAIN_HASH_SIZE])
{
    if (s->len < HASH_LEN)
        return false;
    for (size_t i = 0; i < HASH_LEN; i++)
        if (!strchr("0123456789abcdef", s->ptr[i]) || s->ptr[i] == '\0')
            return false;
    memcpy(ret, s->ptr, HASH_LEN);
    ret[HASH_LEN] = '\0';
    s->ptr += HASH_LEN;
    s->len -= HASH_LEN;
    return true;
}

/* What follows the place in the chain: ,"key": at the front of the rest. */
static bool take_place(struct span *rest, struct audit_link *l)
{
    return take(rest, "{\"n\":") && take_number(rest, &l->n) && take(rest, ",\"prev\":\"") &&
           take_hash(rest, l->prev) && take(rest, "\",");
}

bool auditchain_read(struct span line, struct audit_link *ret)
{
    struct audit_link l;
    char hex[AUDITCHAIN_HASH_SIZE];
    struct err ignored = { 0 };
    if (line.len <= SEAL_LEN || line.len >= AUDITCHAIN_LINE_MAX)
        return false;
    struct span body = { line.ptr, line.len - SEAL_LEN }, seal = { line.ptr + body.len, SEAL_LEN }, rest = body;
    if (!take(&seal, seal_begin) || !take_hash(&seal, l.hash) || !take(&seal, seal_end) || !take_place(&rest, &l))
        return false;
    if (crypto_sha256_hex(body, hex, &ignored) < 0 || memcmp(hex, l.hash, HASH_LEN) != 0)
        return false;
    *ret = l;
    return true;
}

/* ---- the head ---- */

void auditchain_head(const struct audit_link *last, struct buf *out)
{
    buf_addf(out, "{\"count\":%" PRId64 ",\"hash\":\"%s\"}\n", last->n, last->hash);
}

bool auditchain_read_head(struct span text, struct audit_link *ret)
{
    struct audit_link l = { 0 };
    if (!take(&text, "{\"count\":") || !take_number(&text, &l.n) || !take(&text, ",\"hash\":\"") ||
        !take_hash(&text, l.hash) || !take(&text, "\"}\n") || text.len > 0)
        return false;
    *ret = l;
    return true;
}

/* ---- the whole ---- */

struct walk {
    struct audit_verified *v;
    auditchain_each *each;
    void *ctx;
    int64_t expected; /* number of the next entry */
    bool known;       /* v->last is the entry before it */
    int64_t oldest;   /* number of the first entry of the rotated file; 0 none */
};

/* The first fault is the one that is told: what follows may come from it. */
__attribute__((format(printf, 3, 4))) static void bad(struct audit_verified *v, int64_t n, const char *fmt, ...)
{
    va_list ap;
    if (!v->whole)
        return;
    v->whole = false;
    v->first_bad = n;
    va_start(ap, fmt);
    (void)vsnprintf(v->why, sizeof(v->why), fmt, ap);
    va_end(ap);
}

/* The first entry of the oldest file that is there. */
static void begin(struct walk *w, const struct audit_link *l, int64_t from, bool rotated)
{
    if (from == 0)
        return; /* the very first, or so it has to prove */
    if (!rotated)
        bad(w->v, from, "entries %" PRId64 " to %" PRId64 " are missing: there is no " AUDIT_FILE_BEFORE, from,
            l->n - 1);
    w->expected = l->n;
    w->known = false;
}

/* The first entry of the newer of two files. */
static void join(struct walk *w, const struct audit_link *l, int64_t from)
{
    if (from == 0)
        bad(w->v, l->n, "entry %" PRId64 " does not name the file before it", l->n);
    else if (from != w->oldest)
        bad(w->v, from, AUDIT_FILE_BEFORE " does not begin with entry %" PRId64, from);
}

static void tell_broken(struct audit_verified *v, const struct audit_link *l, struct span line)
{
    _cleanup_(json_free_p) struct json *j = NULL;
    struct err ignored = { 0 };
    (void)json_parse(line, &j, &ignored);
    bad(v, l->n, "the chain was found broken when entry %" PRId64 " was written: %s", l->n,
        json_str(j, AUDITCHAIN_BROKEN, "?"));
}

static void follow(struct walk *w, const struct audit_link *l)
{
    if (l->n > w->expected)
        bad(w->v, w->expected, "entry %" PRId64 " is missing: the next one that is there is %" PRId64, w->expected,
            l->n);
    else if (l->n < w->expected)
        bad(w->v, w->expected, "entry %" PRId64 " stands where entry %" PRId64 " belongs", l->n, w->expected);
    else if (w->known && strcmp(l->prev, w->v->last.hash) != 0)
        bad(w->v, l->n, "entry %" PRId64 " does not follow from the one before it", l->n);
}

static void take_line(struct walk *w, struct span line, bool first, bool rotated)
{
    struct audit_verified *v = w->v;
    struct audit_link l;
    int64_t from = 0;
    struct span rest = line;
    if (!auditchain_read(line, &l)) {
        if (first && rotated && take(&rest, "{\"n\":")) /* nothing before it says which one it is */
            (void)take_number(&rest, &w->expected);
        bad(v, w->expected, "entry %" PRId64 " is damaged: its bytes do not give its hash", w->expected);
        w->expected++;
        w->known = false;
        return;
    }
    (void)take_place(&rest, &l);
    if (take(&rest, "\"" AUDITCHAIN_FROM "\":") && (!take_number(&rest, &from) || !take(&rest, ",")))
        from = 0;
    if (first && (rotated || w->oldest == 0))
        begin(w, &l, from, rotated);
    else if (first)
        join(w, &l, from);
    follow(w, &l);
    if (take(&rest, "\"" AUDITCHAIN_BROKEN "\":"))
        tell_broken(v, &l, line);
    v->entries++;
    v->last = l;
    w->expected = l.n + 1;
    w->known = true;
    if (w->each)
        w->each(w->ctx, &l, line);
}

/* Returns the bytes behind the last line end. */
static size_t take_file(struct walk *w, struct span bytes, bool rotated)
{
    bool first = true;
    const char *lf;
    while (bytes.len > 0 && (lf = memchr(bytes.ptr, '\n', bytes.len))) {
        struct span line = { bytes.ptr, (size_t)(lf - bytes.ptr) };
        take_line(w, line, first, rotated);
        if (first && rotated)
            w->oldest = w->expected - 1;
        first = false;
        bytes.ptr += line.len + 1;
        bytes.len -= line.len + 1;
    }
    return bytes.len;
}

static void check_head(const struct walk *w, const struct audit_bytes *b)
{
    struct audit_verified *v = w->v;
    const struct audit_link *last = &v->last;
    struct audit_link head = { 0 };
    if (!b->has_head) {
        if (last->n > 1) /* the first one's head may not have been written any more */
            bad(v, 0, AUDIT_HEAD_FILE " is missing");
        return;
    }
    if (!auditchain_read_head(b->head, &head))
        bad(v, 0, AUDIT_HEAD_FILE " is damaged");
    else if (head.n > last->n)
        bad(v, last->n + 1, "entry %" PRId64 " is %s: " AUDIT_HEAD_FILE " counts %" PRId64, last->n + 1,
            v->torn ? "cut off" : "missing", head.n);
    else if (head.n + 1 < last->n)
        bad(v, head.n + 1, AUDIT_HEAD_FILE " counts %" PRId64 " entries, there are %" PRId64, head.n, last->n);
    else if (strcmp(head.hash, head.n == last->n ? last->hash : last->prev) != 0)
        bad(v, head.n, "entry %" PRId64 " is another one than " AUDIT_HEAD_FILE " names", head.n);
}

void auditchain_verify(const struct audit_bytes *b, auditchain_each *each, void *ctx, struct audit_verified *ret)
{
    *ret = (struct audit_verified){ .whole = true, .last = { .hash = AUDITCHAIN_NO_HASH } };
    struct walk w = { .v = ret, .each = each, .ctx = ctx, .expected = 1, .known = true };
    if (b->has_before && take_file(&w, b->before, true) > 0)
        bad(ret, w.expected, "entry %" PRId64 " is cut off: the end of " AUDIT_FILE_BEFORE " is missing", w.expected);
    if (b->has_now)
        ret->torn = take_file(&w, b->now, false);
    if (ret->torn >= AUDITCHAIN_LINE_MAX)
        bad(ret, w.expected, "entry %" PRId64 " is damaged: no line is as long", w.expected);
    check_head(&w, b);
    if (ret->entries > 0)
        memcpy(ret->head, ret->last.hash, sizeof(ret->head));
}
