#include "cmd/log/logcopy.h"

#include <inttypes.h>

void logcopy_init(struct logcopy *l)
{
    *l = (struct logcopy){ .head = BUF_INIT(LOGCOPY_HEAD_MAX) };
}

void logcopy_done(struct logcopy *l)
{
    buf_done(&l->head);
    free(l->ring);
    *l = (struct logcopy){ .head = BUF_INIT(LOGCOPY_HEAD_MAX) };
}

static void ring_add(struct logcopy *l, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        l->ring[(l->ring_bytes + i) % LOGCOPY_TAIL_MAX] = bytes[i];
    l->ring_bytes += len;
}

void logcopy_add(struct logcopy *l, struct span line)
{
    if (!l->ring && l->head.len + line.len + 1 <= LOGCOPY_HEAD_MAX) {
        buf_add_span(&l->head, line);
        buf_addc(&l->head, '\n');
        return;
    }
    if (!l->ring)
        l->ring = malloc(LOGCOPY_TAIL_MAX);
    if (!l->ring)
        return;
    if (line.len > LOGCOPY_TAIL_MAX / 2)
        line.len = LOGCOPY_TAIL_MAX / 2;
    ring_add(l, line.ptr, line.len);
    ring_add(l, "\n", 1);
}

static char ring_at(const struct logcopy *l, uint64_t at)
{
    return l->ring[at % LOGCOPY_TAIL_MAX];
}

/* Where the first whole line of the ring begins: after the first LF that is still there. */
static uint64_t ring_first_line(const struct logcopy *l)
{
    uint64_t at = 0;

    if (l->ring_bytes <= LOGCOPY_TAIL_MAX)
        return 0;
    at = l->ring_bytes - LOGCOPY_TAIL_MAX;
    while (at < l->ring_bytes && ring_at(l, at) != '\n')
        at++;
    return at + 1;
}

static void ring_print(const struct logcopy *l, uint64_t from, struct buf *out)
{
    for (uint64_t at = from; at < l->ring_bytes;) {
        size_t offset = (size_t)(at % LOGCOPY_TAIL_MAX);
        size_t n = LOGCOPY_TAIL_MAX - offset;
        if (n > l->ring_bytes - at)
            n = (size_t)(l->ring_bytes - at);
        buf_add(out, l->ring + offset, n);
        at += n;
    }
}

void logcopy_print(const struct logcopy *l, struct buf *out)
{
    uint64_t from = 0;

    buf_add_span(out, buf_span(&l->head));
    if (!l->ring)
        return;
    from = ring_first_line(l);
    if (from)
        buf_addf(out, "[%" PRIu64 " bytes of the log are left out here]\n", from);
    ring_print(l, from, out);
}

/* Offset where the last `lines` lines of `text` begin. */
static size_t head_tail(struct span text, size_t lines)
{
    size_t at = text.len;

    while (at > 0) {
        if (text.ptr[at - 1] == '\n' && at != text.len && lines-- <= 1)
            break;
        at--;
    }
    return at;
}

void logcopy_tail(const struct logcopy *l, size_t lines, struct buf *out)
{
    struct span head = buf_span(&l->head);
    uint64_t first = l->ring ? ring_first_line(l) : 0;
    uint64_t at = l->ring ? l->ring_bytes : 0;
    size_t missing = lines;

    if (!lines)
        return;
    while (at > first && missing > 0) {
        at--;
        while (at > first && ring_at(l, at - 1) != '\n')
            at--;
        missing--;
    }
    if (missing > 0 && !first) {
        size_t from = head_tail(head, missing);
        buf_add(out, head.ptr + from, head.len - from);
    }
    if (l->ring)
        ring_print(l, at, out);
}
