/*
 * Secrets of any kind, in any encoding, whole or cut, among other text and split anywhere.
 *
 * Input: one byte that chooses a set of secrets (made from that number, or, from FRESH on, the input's own), one that
 * seeds the splits, then the text: bytes below 0x80 are themselves, the others put in a form of a secret (INSERT and the
 * byte after it choose which), the beginning or the end of one, or a byte above 0x7f.
 *
 * Properties: no form that the independent encoder (tests/unit/shared/encoder.c) knows is in the output; the output is
 * what a naive search for the program's own list of forms makes of the text, so that everything else stays, in order;
 * and a stream gives the same wherever it is split.
 *
 * BLUEGREEN_FUZZ_SALT, a number, gives other sets. BLUEGREEN_FUZZ_FRESH: of the inputs that bring their own secrets, which
 * take a thousand times as long, one in so many is run as such (default 1: all, 0: none), the others with a set.
 */
#include "shared/redact.h"

#include "shared/redact_forms.h"

#include "tests/unit/shared/encoder.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SETS 32
#define FRESH 0xf8
#define SECRETS 2
#define SECRET_MAX 96
#define TEXT_MAX 4096
#define COMPOSED_MAX 160 /* then the text ends: many short ones find more than few long ones */
#define OUT_MAX (1 << 20)
#define INSERT 0x80
#define BEGINNING 0xc0
#define END 0xd0
#define BYTE 0xe0

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

/* ---- lists of forms, and the naive search in them ---- */

struct forms {
    struct span *at;
    size_t len, cap;
    uint64_t begins[1024]; /* hash of the first four bytes */
    bool sorted;
};

static size_t begin_hash(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (b[0] * 31U + b[1] * 7U + b[2] * 1031U + b[3] * 257U) & 0xffff;
}

static void add(struct forms *f, const char *form, size_t len)
{
    if (len < REDACT_MIN)
        return;
    if (f->len == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 256;
        f->at = realloc(f->at, f->cap * sizeof(*f->at));
        check(f->at != NULL, "memory");
    }
    char *copy = malloc(len);
    check(copy != NULL, "memory");
    memcpy(copy, form, len);
    f->at[f->len++] = (struct span){ .ptr = copy, .len = len };
    f->begins[begin_hash(form) / 64] |= 1ULL << begin_hash(form) % 64;
}

static void encoder_add(void *ctx, const char *form, size_t len)
{
    add(ctx, form, len);
}

static int program_add(void *ctx, struct span form, struct err *err)
{
    (void)err;
    add(ctx, form.ptr, form.len);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void clear(struct forms *f)
{
    for (size_t i = 0; i < f->len; i++)
        free((void *)(uintptr_t)f->at[i].ptr);
    free(f->at);
    memset(f, 0, sizeof(*f));
}

/* The longest form that begins at p. */
static size_t longest_at(const struct forms *f, const char *p, size_t left)
{
    size_t best = 0;
    size_t low = 0, high = f->len;
    if (left < REDACT_MIN || !(f->begins[begin_hash(p) / 64] >> begin_hash(p) % 64 & 1))
        return 0;
    while (low < high) { /* the first that does not sort before the four bytes */
        size_t mid = (low + high) / 2;
        if (memcmp(f->at[mid].ptr, p, REDACT_MIN) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < f->len && memcmp(f->at[low].ptr, p, REDACT_MIN) == 0; low++)
        if (f->at[low].len <= left && f->at[low].len > best && memcmp(f->at[low].ptr, p, f->at[low].len) == 0)
            best = f->at[low].len;
    return best;
}

/* ---- sets of secrets ---- */

struct set {
    bool made;
    struct redactor *r;
    struct forms known;   /* by the encoder */
    struct forms program; /* by the program's own table */
};

static struct set sets[SETS];

static void program_forms(struct set *s, struct span value)
{
    size_t count = 0;
    const struct redact_encoding *e = redact_encodings(&count);
    for (size_t i = 0; i < count; i++)
        check(redact_encode(&e[i], value, program_add, &s->program, NULL) == 0, "an encoding takes any value");
}

/* What redact.h says is registered. */
static void program_secret(struct set *s, struct span secret)
{
    struct span trimmed = span_trim(secret), line;
    if (secret.len < REDACT_MIN)
        return;
    program_forms(s, secret);
    if (trimmed.len >= REDACT_MIN)
        program_forms(s, trimmed);
    while (span_next_line(&secret, &line)) {
        line = span_trim(line);
        if (line.len >= REDACT_LINE_MIN && !span_starts(line, "-----"))
            program_forms(s, line);
    }
}

static void make(struct set *s, const struct span *secrets, size_t count)
{
    check(redactor_new(&s->r, NULL) == 0, "memory");
    for (size_t i = 0; i < count; i++) {
        check(redactor_add(s->r, secrets[i], NULL) == 0, "a secret is taken");
        encoder_secret(secrets[i].ptr, secrets[i].len, encoder_add, &s->known);
        program_secret(s, secrets[i]);
    }
    if (s->known.len)
        qsort(s->known.at, s->known.len, sizeof(*s->known.at), by_text);
    if (s->program.len)
        qsort(s->program.at, s->program.len, sizeof(*s->program.at), by_text);
    s->made = true;
}

static void unmake(struct set *s)
{
    redactor_free(s->r);
    clear(&s->known);
    clear(&s->program);
    memset(s, 0, sizeof(*s));
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One secret of a kind that `number` chooses: a word, a password, text of many scripts, lines, a key, bytes. */
static size_t random_secret(uint64_t *state, char *out)
{
    static const char words[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+/=";
    static const char signs[] = "aB3 !\"#$%&'()+,-./:;<=>?@[\\]^_`{|}~\t";
    static const char *const wide[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91", "x", "\xd0\x96", "&" };
    uint64_t kind = next_random(state) % 6;
    size_t len = 4 + next_random(state) % (kind == 3 || kind == 4 ? SECRET_MAX - 8 : 28), n = 0;
    if (kind == 4)
        n = (size_t)snprintf(out, SECRET_MAX, "-----BEGIN KEY-----\n");
    while (n < len) {
        uint64_t x = next_random(state);
        if (kind == 2 && n + 4 <= len) {
            const char *c = wide[x % 6];
            memcpy(out + n, c, strlen(c));
            n += strlen(c);
        } else if (kind == 5) {
            char c = (char)(x >> 8);
            out[n++] = c == '*' ? '+' : c;
        } else if ((kind == 3 || kind == 4) && x % 16 == 0) {
            out[n++] = '\n';
        } else {
            out[n++] = kind == 1 || kind == 3 ? signs[(x >> 8) % (sizeof(signs) - 1)] : words[(x >> 8) % 65];
        }
    }
    return n;
}

static const struct set *set_of(uint8_t number)
{
    struct set *s = &sets[number % SETS];
    if (s->made)
        return s;
    const char *salt = getenv("BLUEGREEN_FUZZ_SALT");
    uint64_t state = 0x9e3779b97f4a7c15ULL * (number % SETS + 1U) ^ (salt ? strtoull(salt, NULL, 10) : 0);
    char secrets[SECRETS][SECRET_MAX];
    struct span spans[SECRETS];
    state = state ? state : 1;
    for (size_t i = 0; i < SECRETS; i++)
        spans[i] = (struct span){ .ptr = secrets[i], .len = random_secret(&state, secrets[i]) };
    make(s, spans, SECRETS);
    return s;
}

/* ---- one execution ---- */

static struct buf text = BUF_INIT(OUT_MAX), whole = BUF_INIT(OUT_MAX), parts = BUF_INIT(OUT_MAX),
                  expected = BUF_INIT(OUT_MAX);

static void compose(const struct forms *f, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && text.len < COMPOSED_MAX; i++) {
        uint8_t c = data[i];
        uint8_t next = i + 1 < size ? data[i + 1] : 0;
        if (c < INSERT || f->len == 0) {
            buf_addc(&text, (c & 0x7f) == '*' ? '+' : (char)(c & 0x7f)); /* the mark's sign stays the mark's */
            continue;
        }
        struct span form = f->at[((size_t)c * 256 + next) * 2654435761U % f->len];
        if (c >= BYTE)
            buf_addc(&text, (char)c);
        else if (c >= END)
            buf_add(&text, form.ptr + next % form.len, form.len - next % form.len);
        else
            buf_add(&text, form.ptr, c >= BEGINNING ? next % form.len : form.len);
        i += c < BYTE;
    }
}

static void naive(const struct forms *f, struct span t)
{
    static char out[OUT_MAX];
    size_t hidden = 0, n = 0;
    for (size_t i = 0; i < t.len; i++) {
        size_t len = longest_at(f, t.ptr + i, t.len - i);
        if (len && i >= hidden) {
            memcpy(out + n, "***", 3);
            n += 3;
        }
        if (len && i + len > hidden)
            hidden = i + len;
        if (i >= hidden)
            out[n++] = t.ptr[i];
    }
    buf_add(&expected, out, n);
}

static void in_parts(const struct redactor *r, struct span t, uint8_t seed)
{
    struct redact_stream stream;
    uint64_t state = seed * 2654435761ULL + 1;
    size_t most = seed % 32 == 0 ? 1 : (size_t)4 << seed % 8; /* byte by byte is slow */
    redact_stream_init(&stream, r);
    while (t.len > 0) {
        size_t n = 1 + next_random(&state) % most;
        n = n < t.len ? n : t.len;
        redact_stream_feed(&stream, (struct span){ .ptr = t.ptr, .len = n }, &parts);
        t.ptr += n;
        t.len -= n;
    }
    redact_stream_finish(&stream, &parts);
}

static void check_hidden(const struct forms *f, struct span out)
{
    for (size_t i = 0; i < out.len; i++)
        check(longest_at(f, out.ptr + i, out.len - i) == 0, "no form of a secret is in the output");
}

static void run(const struct set *s, uint8_t seed, const uint8_t *data, size_t size)
{
    buf_reset(&text);
    buf_reset(&whole);
    buf_reset(&parts);
    buf_reset(&expected);
    compose(&s->known, data, size);
    struct span t = buf_span(&text);
    redactor_apply(s->r, t, &whole);
    in_parts(s->r, t, seed);
    naive(&s->program, t);
    check(buf_check(&text, NULL) == 0 && buf_check(&whole, NULL) == 0, "memory");
    check(whole.len == parts.len && memcmp(buf_str(&whole), buf_str(&parts), whole.len) == 0,
          "a stream gives the same");
    check(whole.len == expected.len && memcmp(buf_str(&whole), buf_str(&expected), whole.len) == 0,
          "the naive search gives the same");
    check_hidden(&s->known, buf_span(&whole));
}

/* The input's own secrets: its first two lines. */
static void run_fresh(uint8_t seed, const uint8_t *data, size_t size)
{
    struct span rest = { .ptr = (const char *)data, .len = size };
    struct span secrets[SECRETS] = { 0 };
    struct set s = { 0 };
    if (memchr(data, '*', size))
        return;
    for (size_t i = 0; i < SECRETS; i++) {
        if (!span_next_line(&rest, &secrets[i]) || secrets[i].len > SECRET_MAX)
            return;
        for (size_t j = 0; j < secrets[i].len && i == 0; j++) /* so that one has lines */
            if (secrets[i].ptr[j] == '\v')
                *(char *)(uintptr_t)(secrets[i].ptr + j) = '\n';
    }
    make(&s, secrets, SECRETS);
    run(&s, seed, (const uint8_t *)rest.ptr, rest.len);
    unmake(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > TEXT_MAX)
        return 0;
    static long every = -1;
    static unsigned long count;
    if (every < 0) {
        const char *wanted = getenv("BLUEGREEN_FUZZ_FRESH");
        every = wanted ? strtol(wanted, NULL, 10) : 1;
    }
    if (data[0] < FRESH || every <= 0 || count++ % (unsigned long)every) {
        run(set_of(data[0]), data[1], data + 2, size - 2);
        return 0;
    }
    uint8_t *copy = malloc(size);
    check(copy != NULL, "memory");
    memcpy(copy, data, size);
    run_fresh(copy[1], copy + 2, size - 2);
    free(copy);
    return 0;
}
