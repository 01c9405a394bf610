#include "agent/engine/engine_internal.h"

#define LOGS_TIMEOUT_MS 5000                   /* they are asked for before an undo, which must not wait for them */
#define READ_TIMEOUT_MS 60000                  /* of a log that is asked for by a person */
#define FOLLOW_TIMEOUT_MS (24LL * 3600 * 1000) /* of one that is followed */
#define CLEAN_PART ((size_t)16 * 1024)
#define CLEAN_MAX (8 * 1024 * 1024) /* what a stream may hold back and hand over at once */

/* One byte more than asked for: it tells whether what is kept begins with a line. */
static size_t capacity(const struct engine_tail *t)
{
    return t->max + 1;
}

int engine_tail_init(struct engine_tail *t, size_t max, struct err *err)
{
    *t = (struct engine_tail){ .max = max };
    t->ring = malloc(capacity(t));
    if (!t->ring)
        return err_set(err, ERR_NOMEM, 0, "out of memory: %zu bytes for the end of a log", max);
    return 0;
}

void engine_tail_done(struct engine_tail *t)
{
    free_p(&t->ring);
}

void engine_tail_add(struct engine_tail *t, struct span data)
{
    size_t cap = capacity(t);
    t->total += data.len;
    if (data.len > cap) {
        data.ptr += data.len - cap;
        data.len = cap;
    }
    while (data.len) {
        size_t n = cap - t->at;
        if (n > data.len)
            n = data.len;
        memcpy(t->ring + t->at, data.ptr, n);
        t->at = (t->at + n) % cap;
        data.ptr += n;
        data.len -= n;
    }
}

/* Bytes to leave out of older + newer, of which the first is one too many: up to the first line end, if any. */
static size_t partial_line(struct span older, struct span newer)
{
    size_t all = older.len + newer.len, skip = 0;
    const char *lf = older.len ? memchr(older.ptr, '\n', older.len) : NULL;
    if (lf) {
        skip = (size_t)(lf - older.ptr) + 1;
    } else {
        lf = newer.len ? memchr(newer.ptr, '\n', newer.len) : NULL;
        skip = lf ? older.len + (size_t)(lf - newer.ptr) + 1 : 1;
    }
    return skip < all ? skip : 1; /* one line that ends here: better its end than nothing */
}

void engine_tail_get(const struct engine_tail *t, struct buf *out)
{
    struct span older = { .ptr = t->ring };
    struct span newer = { .ptr = t->ring, .len = t->at };
    size_t skip = 0;

    if (t->total > t->max) { /* the ring is full */
        older = (struct span){ .ptr = t->ring + t->at, .len = capacity(t) - t->at };
        skip = partial_line(older, newer);
    }
    size_t cut = skip < older.len ? skip : older.len;
    buf_add(out, older.ptr + cut, older.len - cut);
    skip -= cut;
    buf_add(out, newer.ptr + skip, newer.len - skip);
}

int engine_tail_take(void *tail, struct span data)
{
    engine_tail_add(tail, data);
    return 0;
}

void engine_demux_init(struct engine_demux *d, bool raw, engine_log_fn *emit, void *ctx, const struct redactor *hide,
                       struct err *err)
{
    *d = (struct engine_demux){ .raw = raw, .emit = emit, .ctx = ctx, .hides = hide != NULL, .err = err };
    d->clean = (struct buf)BUF_INIT(CLEAN_MAX);
    for (size_t i = 0; i < ENGINE_STREAMS; i++)
        redact_stream_init(&d->streams[i], hide);
}

void engine_demux_done(struct engine_demux *d)
{
    for (size_t i = 0; i < ENGINE_STREAMS; i++)
        redact_stream_done(&d->streams[i]);
    buf_done(&d->clean);
}

static int move_clean(struct engine_demux *d)
{
    int r = buf_check(&d->clean, d->err);
    if (r == 0 && d->clean.len)
        r = d->emit(d->ctx, buf_span(&d->clean));
    buf_reset(&d->clean);
    return r;
}

/* Payload of one stream. The secrets in it are gone before the ring can cut one in two. */
static int payload(struct engine_demux *d, size_t stream, struct span data)
{
    if (!d->hides)
        return d->emit(d->ctx, data);
    for (int r = 0; r == 0 && data.len;) {
        struct span part = { .ptr = data.ptr, .len = data.len < CLEAN_PART ? data.len : CLEAN_PART };
        data.ptr += part.len;
        data.len -= part.len;
        redact_stream_feed(&d->streams[stream], part, &d->clean);
        r = move_clean(d);
        if (r < 0)
            return r;
    }
    return 0;
}

int engine_demux_finish(struct engine_demux *d, struct err *err)
{
    for (size_t i = 0; d->hides && i < ENGINE_STREAMS; i++)
        redact_stream_finish(&d->streams[i], &d->clean);
    int r = d->hides ? move_clean(d) : 0;
    return r < 0 ? err_wrap(err, "the end of a log") : 0;
}

static int header_end(struct engine_demux *d)
{
    const unsigned char *h = d->header;
    if (h[0] >= ENGINE_STREAMS || h[1] || h[2] || h[3])
        return err_set(d->err, ERR_PROTO, 0, "the Docker Engine's log stream has a broken frame: %02x %02x %02x %02x",
                       h[0], h[1], h[2], h[3]);
    d->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | (uint32_t)h[7];
    d->header_len = 0;
    return 0;
}

int engine_demux_feed(void *demux, struct span data)
{
    struct engine_demux *d = demux;

    if (d->raw)
        return payload(d, 0, data);
    while (data.len) {
        if (d->left) {
            size_t n = data.len < d->left ? data.len : d->left;
            int r = payload(d, d->header[0], (struct span){ .ptr = data.ptr, .len = n });
            if (r < 0)
                return r;
            d->left -= (uint32_t)n;
            data.ptr += n;
            data.len -= n;
            continue;
        }
        d->header[d->header_len++] = (unsigned char)*data.ptr++;
        data.len--;
        if (d->header_len == sizeof(d->header)) {
            int r = header_end(d);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int engine_container_logs(struct engine *e, const struct engine_container *c, int tail, size_t max_bytes,
                          bool timestamps, const struct redactor *hide, struct buf *out, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    _cleanup_(engine_tail_done) struct engine_tail ring = { 0 };
    _cleanup_(engine_demux_done) struct engine_demux demux = { 0 };
    struct err stream_err = { 0 };

    if (max_bytes == 0 || tail <= 0)
        return 0;
    int r = engine_path(&path, "/containers/", c->id, "/logs?stdout=1&stderr=1", err);
    if (r == 0)
        r = engine_tail_init(&ring, max_bytes, err);
    if (r < 0)
        return r;
    buf_addf(&path, "&tail=%d&timestamps=%d", tail, timestamps ? 1 : 0);
    engine_demux_init(&demux, c->tty, engine_tail_take, &ring, hide, &stream_err);
    const struct engine_request request = {
        .method = "GET",
        .path = buf_str(&path),
        .timeout_ms = LOGS_TIMEOUT_MS,
        .on_data = engine_demux_feed,
        .ctx = &demux,
    };
    r = engine_call(e, &request, NULL, err);
    if (r == 0)
        r = engine_demux_finish(&demux, err);
    if (r < 0) {
        if (stream_err.kind != ERR_OK && err)
            *err = stream_err;
        return stream_err.kind != ERR_OK ? -(int)stream_err.kind : r;
    }
    engine_tail_get(&ring, out);
    return buf_check(out, err);
}

int engine_container_read_logs(struct engine *e, const struct engine_container *c, const struct engine_log_options *o,
                               const struct redactor *hide, engine_log_fn *emit, void *ctx, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    _cleanup_(engine_demux_done) struct engine_demux demux = { 0 };
    struct err stream_err = { 0 };

    int r = engine_path(&path, "/containers/", c->id, "/logs?stdout=1&stderr=1", err);
    if (r < 0)
        return r;
    buf_addf(&path, "&tail=%lld&follow=%d", (long long)o->lines, o->follow ? 1 : 0);
    if (o->since_ms > 0)
        buf_addf(&path, "&since=%lld.%03d", (long long)(o->since_ms / 1000), (int)(o->since_ms % 1000));
    engine_demux_init(&demux, c->tty, emit, ctx, hide, &stream_err);
    const struct engine_request request = {
        .method = "GET",
        .path = buf_str(&path),
        .timeout_ms = o->follow ? FOLLOW_TIMEOUT_MS : READ_TIMEOUT_MS,
        .on_data = engine_demux_feed,
        .ctx = &demux,
    };
    r = engine_call(e, &request, NULL, err);
    if (r == 0)
        r = engine_demux_finish(&demux, err);
    if (r < 0 && stream_err.kind != ERR_OK) {
        *err = stream_err;
        return -(int)stream_err.kind;
    }
    return r;
}
