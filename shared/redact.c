#include "shared/redact.h"

#include "shared/redact_forms.h"
#include "shared/secret.h"

#include <string.h>

#define MARK "***"
#define KEY_BITS 18
#define CHAIN_BITS 14
#define BEGIN_BITS 14
#define CHAINS (1U << CHAIN_BITS)
#define PLAIN_BYTES_MAX (REDACT_BYTES_MAX + 1024 * 1024)
#define PLAIN_FORMS_MAX (REDACT_FORMS_MAX + 16 * 1024)
#define CHUNK_BYTES ((size_t)32 * 1024)  /* forms are stored side by side in chunks of this size, or larger ones */
#define STREAM_SLICE ((size_t)64 * 1024) /* of a piece that is fed, looked at in one go */

/* One form of a secret, e.g. its base64. */
struct form {
    const char *ptr;
    uint32_t len;
    uint32_t key;  /* the first four bytes */
    uint32_t next; /* in its chain, longer ones first; index + 1, 0 ends */
};

struct chunk {
    struct chunk *older;
    size_t used, cap;
    char bytes[];
};

/*
 * Every form has at least four bytes, so a hash of four bytes of text tells whether a form can begin there: one bit of
 * `maybe` (32 KiB, stays in the first cache) for nearly every byte of text, a walk along a chain for the rest.
 */
struct redactor {
    struct form *forms;
    size_t len, cap;
    struct chunk *chunks; /* newest first */
    size_t bytes;         /* of all forms, with their entries */
    size_t longest;
    uint64_t maybe[(1U << KEY_BITS) / 64];
    uint64_t begins[(1U << BEGIN_BITS) / 64]; /* the same for the first one, two and three bytes */
    uint32_t chain[CHAINS];
};

static uint32_t load_key(const char *p)
{
    uint32_t key;
    memcpy(&key, p, sizeof(key));
    return key;
}

static uint32_t hash_key(uint32_t key)
{
    return (key * 2654435761U) >> (32 - KEY_BITS);
}

/* Of the first len bytes, 1 to 3. */
static uint32_t hash_begin(const char *p, size_t len)
{
    uint32_t key = (uint32_t)len << 24;
    memcpy(&key, p, len);
    return (key * 2654435761U) >> (32 - BEGIN_BITS);
}

int redactor_new(struct redactor **ret, struct err *err)
{
    struct redactor *r = calloc(1, sizeof(*r));
    if (!r)
        return err_set(err, ERR_NOMEM, 0, "out of memory for the list of secrets");
    *ret = r;
    return 0;
}

void redactor_free(struct redactor *r)
{
    if (!r)
        return;
    while (r->chunks) {
        struct chunk *c = r->chunks;
        r->chunks = c->older;
        secret_wipe(c->bytes, c->used);
        free(c);
    }
    if (r->forms)
        secret_wipe(r->forms, r->cap * sizeof(*r->forms)); /* it holds keys */
    free(r->forms);
    free(r);
}

void redactor_free_p(struct redactor **r)
{
    redactor_free(*r);
    *r = NULL;
}

/* ---- the table of forms ---- */

static bool grow(struct redactor *r)
{
    if (r->len < r->cap)
        return true;
    size_t cap = r->cap ? 2 * r->cap : 64;
    struct form *forms = calloc(cap, sizeof(*forms));
    if (!forms)
        return false;
    if (r->forms) {
        memcpy(forms, r->forms, r->len * sizeof(*forms));
        secret_wipe(r->forms, r->cap * sizeof(*forms));
    }
    free(r->forms);
    r->forms = forms;
    r->cap = cap;
    return true;
}

static const char *store(struct redactor *r, struct span text)
{
    struct chunk *c = r->chunks;
    if (!c || c->cap - c->used < text.len) {
        size_t cap = text.len > CHUNK_BYTES ? text.len : CHUNK_BYTES;
        c = malloc(sizeof(*c) + cap);
        if (!c)
            return NULL;
        *c = (struct chunk){ .older = r->chunks, .cap = cap };
        r->chunks = c;
    }
    char *copy = c->bytes + c->used;
    memcpy(copy, text.ptr, text.len);
    c->used += text.len;
    return copy;
}

/* Put one form into the table, unless it is too short or already there. */
static int add_form(struct redactor *r, struct span text, bool plain, struct err *err)
{
    if (text.len < REDACT_MIN)
        return 0;
    uint32_t key = load_key(text.ptr);
    uint32_t hash = hash_key(key);
    uint32_t *head = &r->chain[hash >> (KEY_BITS - CHAIN_BITS)];
    uint32_t before = 0; /* the entry whose `next` will be this one; index + 1 */
    uint32_t after = *head;
    for (; after; before = after, after = r->forms[after - 1].next) {
        const struct form *f = &r->forms[after - 1];
        if (f->len < text.len)
            break;
        if (f->len == text.len && f->key == key && memcmp(f->ptr, text.ptr, text.len) == 0)
            return 0;
    }
    size_t more = text.len + sizeof(struct form);
    size_t bytes_max = plain ? PLAIN_BYTES_MAX : REDACT_BYTES_MAX;
    if (r->len >= (plain ? PLAIN_FORMS_MAX : REDACT_FORMS_MAX) || r->bytes + more > bytes_max) {
        int e = err_set(err, ERR_NOMEM, 0, "more text of secrets than can be searched for");
        err_hint(err, "Give as secret what is secret: every encoding of about 1000 short values, or of 8 private keys, "
                      "can be hidden.");
        return e;
    }
    const char *copy = grow(r) ? store(r, text) : NULL;
    if (!copy)
        return err_set(err, ERR_NOMEM, 0, "out of memory for the list of secrets");
    r->forms[r->len++] = (struct form){ .ptr = copy, .len = (uint32_t)text.len, .key = key, .next = after };
    *(before ? &r->forms[before - 1].next : head) = (uint32_t)r->len;
    r->maybe[hash / 64] |= 1ULL << hash % 64;
    for (size_t n = 1; n < REDACT_MIN; n++)
        r->begins[hash_begin(text.ptr, n) / 64] |= 1ULL << hash_begin(text.ptr, n) % 64;
    r->bytes += more;
    if (text.len > r->longest)
        r->longest = text.len;
    return 0;
}

/* ---- from values to forms ---- */

typedef int value_fn(struct redactor *r, struct span value, struct err *err);

static int add_plain(struct redactor *r, struct span value, struct err *err)
{
    return add_form(r, value, true, err);
}

static int add_encoded(void *redactor, struct span form, struct err *err)
{
    return add_form(redactor, form, false, err);
}

static int add_encodings(struct redactor *r, struct span value, struct err *err)
{
    size_t count = 0;
    const struct redact_encoding *e = redact_encodings(&count);
    int result = 0;
    if (value.len < REDACT_MIN)
        return 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = redact_encode(&e[i], value, add_encoded, r, err);
    return result;
}

static int each_line(struct redactor *r, struct span value, value_fn *fn, struct err *err)
{
    struct span line;
    int e = 0;
    while (e == 0 && span_next_line(&value, &line)) {
        line = span_trim(line);
        if (line.len >= REDACT_LINE_MIN && !span_starts(line, "-----")) /* armour tells nothing */
            e = fn(r, line, err);
    }
    return e;
}

/* Plain text first: when there is no room for all, it matters most. */
int redactor_add(struct redactor *r, struct span secret, struct err *err)
{
    struct span trimmed = span_trim(secret);
    int e = add_plain(r, secret, err);
    if (e == 0)
        e = add_plain(r, trimmed, err);
    if (e == 0)
        e = each_line(r, secret, add_plain, err);
    bool as_lines = trimmed.len > REDACT_WHOLE_MAX && span_contains(trimmed, "\n");
    if (e == 0 && !as_lines)
        e = add_encodings(r, trimmed, err);
    if (e == 0)
        e = each_line(r, secret, add_encodings, err);
    if (e == 0 && !as_lines && trimmed.len != secret.len)
        e = add_encodings(r, secret, err); /* lines fold elsewhere, padding differs */
    return e < 0 ? err_wrap(err, "register a secret of %zu bytes", secret.len) : 0;
}

/* ---- matching ---- */

/* What is known of the text behind the end of a span. */
enum end {
    END_OPEN,  /* it goes on: what cannot be decided waits */
    END_CUT,   /* it goes on, but is not to be had */
    END_WHOLE, /* nothing follows */
};

#define MATCH_UNDECIDED SIZE_MAX

/* Length of the longest form that begins at p; 0: none. When a longer one may come to be: as `end` says. */
static size_t match(const struct redactor *r, uint32_t hash, const char *p, size_t left, enum end end)
{
    uint32_t key = load_key(p);
    for (uint32_t i = r->chain[hash >> (KEY_BITS - CHAIN_BITS)]; i; i = r->forms[i - 1].next) {
        const struct form *f = &r->forms[i - 1];
        if (f->key != key)
            continue;
        if (f->len <= left) {
            if (memcmp(f->ptr, p, f->len) == 0)
                return f->len;
        } else if (end != END_WHOLE && memcmp(f->ptr, p, left) == 0) {
            if (end == END_OPEN)
                return MATCH_UNDECIDED;
            if (left >= REDACT_LINE_MIN)
                return left;
        }
    }
    return 0;
}

/* Less than a key is left: may a form begin with it? */
static bool may_begin(const struct redactor *r, const char *p, size_t left)
{
    uint32_t hash = hash_begin(p, left);
    return r->begins[hash / 64] >> hash % 64 & 1;
}

/*
 * Append what the first bytes of text become, as far as that can be told; returns how many those are. *hidden: bytes at
 * the front of text, later of the rest, that belong to an occurrence begun before.
 */
static size_t scan(const struct redactor *r, struct span text, enum end end, size_t *hidden, struct buf *out)
{
    size_t covered = *hidden;
    size_t kept = covered; /* text before this is in `out`, or hidden */
    size_t i = 0;
    for (; i + REDACT_MIN <= text.len; i++) {
        uint32_t hash = hash_key(load_key(text.ptr + i));
        if (!(r->maybe[hash / 64] >> hash % 64 & 1))
            continue;
        size_t len = match(r, hash, text.ptr + i, text.len - i, end);
        if (len == 0)
            continue;
        if (len == MATCH_UNDECIDED)
            break;
        if (i >= covered) { /* not an overlap: a new one */
            buf_add(out, text.ptr + kept, i - kept);
            buf_adds(out, MARK);
        }
        if (i + len > covered)
            covered = i + len;
        kept = covered;
    }
    if (end != END_OPEN)
        i = text.len;
    while (text.len - i < REDACT_MIN && i < text.len && !may_begin(r, text.ptr + i, text.len - i))
        i++;
    if (i > kept)
        buf_add(out, text.ptr + kept, i - kept);
    *hidden = covered > i ? covered - i : 0;
    return i;
}

static void apply(const struct redactor *r, struct span text, enum end end, struct buf *out)
{
    size_t hidden = 0;
    if (!r || r->len == 0 || text.len < REDACT_MIN)
        buf_add_span(out, text);
    else
        (void)scan(r, text, end, &hidden, out);
}

void redactor_apply(const struct redactor *r, struct span text, struct buf *out)
{
    apply(r, text, END_WHOLE, out);
}

void redactor_apply_cut(const struct redactor *r, struct span text, struct buf *out)
{
    apply(r, text, text.len < REDACT_CUT_MIN ? END_WHOLE : END_CUT, out);
}

static void clean_text(const struct redactor *r, char *text, size_t size)
{
    _cleanup_(buf_wipe_done_p) struct buf clean = BUF_INIT(size);
    redactor_apply_cut(r, span_of(text), &clean);
    (void)snprintf(text, size, "%s",
                   clean.failed ? MARK : buf_str(&clean)); /* a mark is no longer than what it hides */
}

void redactor_clean_err(const struct redactor *r, struct err *e)
{
    for (unsigned i = 0; r && i < e->depth && i < ERR_FRAMES; i++)
        clean_text(r, e->frame[i].text, sizeof(e->frame[i].text));
    if (r && e->hint[0])
        clean_text(r, e->hint, sizeof(e->hint));
}

/* ---- streams ---- */

void redact_stream_init(struct redact_stream *s, const struct redactor *r)
{
    *s = (struct redact_stream){ .r = r, .held = BUF_INIT(STREAM_SLICE + PLAIN_BYTES_MAX) };
}

void redact_stream_done(struct redact_stream *s)
{
    buf_wipe_done(&s->held);
    s->hidden = 0;
}

void redact_stream_feed(struct redact_stream *s, struct span text, struct buf *out)
{
    if (!s->r || (s->r->len == 0 && s->held.len == 0)) {
        buf_add_span(out, text);
        return;
    }
    while (text.len > 0) {
        size_t n = text.len < STREAM_SLICE ? text.len : STREAM_SLICE;
        buf_add(&s->held, text.ptr, n);
        text.ptr += n;
        text.len -= n;
        out->failed = out->failed || s->held.failed;
        buf_consume(&s->held, scan(s->r, buf_span(&s->held), END_OPEN, &s->hidden, out));
    }
}

void redact_stream_finish(struct redact_stream *s, struct buf *out)
{
    if (s->r)
        (void)scan(s->r, buf_span(&s->held), END_WHOLE, &s->hidden, out);
    redact_stream_done(s);
}
