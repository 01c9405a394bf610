/*
 * Bytes as an audit log: AUDIT_FILE, head and rotated file with FS (0x1c) between them; a part that is left out is a file
 * that is not there. What is taken for an entry is one; a log that is said to be whole, with a head that names its end, is not
 * any more with one bit changed. Then lines of the input as entries of a log that is whole: it is not with a bit changed, an
 * entry removed, repeated or swapped, or bytes taken from its end. The last bytes of the input choose what is done.
 */
#include "agent/state/auditchain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (64 * 1024)
#define ENTRIES_MAX 32

static uint64_t choice; /* from the input */

static size_t choose(size_t below)
{
    uint64_t c = choice;
    choice = choice * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((c >> 16) % below);
}

static void check_entry(void *ctx, const struct audit_link *link, struct span line)
{
    struct audit_link again;
    char hex[AUDITCHAIN_HASH_SIZE];
    int64_t *count = ctx;
    ++*count;
    if (!auditchain_read(line, &again) || again.n != link->n || strcmp(again.hash, link->hash) != 0 || link->n < 1)
        abort();
    struct span body = { line.ptr, line.len - 75 }; /* ,"hash":"…"} */
    if (crypto_sha256_hex(body, hex, NULL) < 0 || strcmp(hex, link->hash) != 0)
        abort();
    if (memcmp(line.ptr + body.len, ",\"hash\":\"", 9) != 0 || memcmp(line.ptr + line.len - 2, "\"}", 2) != 0)
        abort();
}

static struct audit_verified verify(const struct audit_bytes *b)
{
    struct audit_verified v;
    int64_t count = 0;
    auditchain_verify(b, check_entry, &count, &v);
    if (count != v.entries || v.whole != (v.why[0] == '\0') || (v.whole && v.first_bad != 0) ||
        (count > 0) != (v.head[0] != '\0') || v.first_bad < 0)
        abort();
    return v;
}

/* One bit of a part, in a copy. */
static void check_flip(const struct audit_bytes *b, size_t part)
{
    struct audit_bytes other = *b;
    struct span *at = part == 0 ? &other.now : part == 1 ? &other.head : &other.before;
    size_t len = at->len, bit = len ? choose(len * 8) : 0;
    if (len == 0)
        return;
    char *bytes = malloc(len);
    if (!bytes)
        abort();
    memcpy(bytes, at->ptr, len);
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << (bit % 8)));
    at->ptr = bytes;
    if (verify(&other).whole)
        abort();
    free(bytes);
}

static void as_a_log(struct span input)
{
    struct audit_bytes b = { .has_now = true };
    struct audit_link head = { 0 };
    struct span part;
    if (span_split(&input, 0x1c, &part))
        b.now = part;
    b.has_head = span_split(&input, 0x1c, &part);
    b.head = b.has_head ? part : b.head;
    b.has_before = span_split(&input, 0x1c, &part);
    b.before = b.has_before ? part : b.before;
    struct audit_verified v = verify(&b);
    if (!v.whole || v.torn || !b.has_head || !auditchain_read_head(b.head, &head) || head.n != v.last.n)
        return;
    for (size_t i = 0; i < 3; i++)
        check_flip(&b, i);
}

/* ---- a log of our own ---- */

struct made {
    struct buf now, head;
    size_t at[ENTRIES_MAX + 1]; /* where each line begins, and the end */
    size_t entries;
};

/* Lines of the input are what the entries say; the format does not ask whether that is JSON. */
static void make(struct made *m, struct span input)
{
    struct audit_link last = { .hash = AUDITCHAIN_NO_HASH };
    struct span line;
    buf_init(&m->now, 4 * INPUT_MAX);
    buf_init(&m->head, AUDITCHAIN_HEAD_MAX);
    while (m->entries < ENTRIES_MAX && span_next_line(&input, &line)) {
        _cleanup_(buf_done_p) struct buf body = BUF_INIT(2 * INPUT_MAX);
        if (line.len > AUDITCHAIN_LINE_MAX / 2)
            continue;
        buf_addf(&body, "{\"n\":%lld,\"prev\":\"%s\",\"x\":\"", (long long)last.n + 1, last.hash);
        buf_add_span(&body, line);
        buf_addc(&body, '"');
        if (auditchain_seal(&body, last.hash, NULL) < 0)
            abort();
        last.n++;
        buf_add_span(&m->now, buf_span(&body));
        m->at[++m->entries] = m->now.len;
    }
    if (m->entries > 0)
        auditchain_head(&last, &m->head);
    if (m->now.failed || m->head.failed)
        abort();
}

static void check_changed(const struct made *m, struct span now)
{
    const struct audit_bytes b = { .now = now, .head = buf_span(&m->head), .has_now = true, .has_head = true };
    if (verify(&b).whole)
        abort();
}

static void add_lines(const struct made *m, struct buf *out, size_t from, size_t to)
{
    buf_add(out, m->now.ptr + m->at[from], m->at[to] - m->at[from]);
}

static void as_entries(struct span input)
{
    struct made m = { 0 };
    make(&m, input);
    if (m.entries > 0) {
        const struct audit_bytes b = {
            .now = buf_span(&m.now), .head = buf_span(&m.head), .has_now = true, .has_head = true
        };
        _cleanup_(buf_done_p) struct buf other = BUF_INIT(8 * INPUT_MAX);
        size_t i = choose(m.entries), n = m.entries;
        if (!verify(&b).whole || verify(&b).entries != (int64_t)n)
            abort();
        check_flip(&b, 0);
        check_flip(&b, 1);
        check_changed(&m, (struct span){ m.now.ptr, choose(m.now.len) }); /* cut */
        add_lines(&m, &other, 0, i);                                      /* removed */
        add_lines(&m, &other, i + 1, n);
        check_changed(&m, buf_span(&other));
        buf_reset(&other);
        add_lines(&m, &other, 0, i + 1); /* repeated */
        add_lines(&m, &other, i, n);
        check_changed(&m, buf_span(&other));
        if (i + 1 < n) { /* swapped with the next one */
            buf_reset(&other);
            add_lines(&m, &other, 0, i);
            add_lines(&m, &other, i + 1, i + 2);
            add_lines(&m, &other, i, i + 1);
            add_lines(&m, &other, i + 2, n);
            check_changed(&m, buf_span(&other));
        }
    }
    buf_done(&m.now);
    buf_done(&m.head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    choice = size;
    for (size_t i = 0; i < 8 && i < size; i++)
        choice = choice << 8 | data[size - 1 - i];
    as_a_log((struct span){ (const char *)data, size });
    as_entries((struct span){ (const char *)data, size });
    return 0;
}
