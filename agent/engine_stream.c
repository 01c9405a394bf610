#include "agent/engine_internal.h"

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

static int header_end(struct engine_demux *d)
{
    const unsigned char *h = d->header;
    if (h[0] > 3 || h[1] || h[2] || h[3])
        return err_set(d->err, ERR_PROTO, 0, "the Docker Engine's log stream has a broken frame: %02x %02x %02x %02x",
                       h[0], h[1], h[2], h[3]);
    d->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | (uint32_t)h[7];
    d->header_len = 0;
    return 0;
}

int engine_demux_feed(void *demux, struct span data)
{
    struct engine_demux *d = demux;

    if (d->raw) {
        engine_tail_add(d->tail, data);
        return 0;
    }
    while (data.len) {
        if (d->left) {
            size_t n = data.len < d->left ? data.len : d->left;
            engine_tail_add(d->tail, (struct span){ .ptr = data.ptr, .len = n });
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
                          bool timestamps, struct buf *out, struct err *err)
{
    _cleanup_(buf_done) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    _cleanup_(engine_tail_done) struct engine_tail ring = { 0 };
    struct err stream_err = { 0 };

    if (max_bytes == 0 || tail <= 0)
        return 0;
    int r = engine_path(&path, "/containers/", c->id, "/logs?stdout=1&stderr=1", err);
    if (r == 0)
        r = engine_tail_init(&ring, max_bytes, err);
    if (r < 0)
        return r;
    buf_addf(&path, "&tail=%d&timestamps=%d", tail, timestamps ? 1 : 0);
    struct engine_demux demux = { .raw = c->tty, .tail = &ring, .err = &stream_err };
    const struct engine_request request = {
        .method = "GET", .path = buf_str(&path), .on_data = engine_demux_feed, .ctx = &demux
    };
    r = engine_call(e, &request, NULL, err);
    if (r < 0) {
        if (stream_err.kind != ERR_OK && err)
            *err = stream_err;
        return stream_err.kind != ERR_OK ? -(int)stream_err.kind : r;
    }
    engine_tail_get(&ring, out);
    return buf_check(out, err);
}
