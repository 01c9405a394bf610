/*
 * What the agent prints, in one piece and byte by byte: the same events, the same bytes, the same verdict. Memory stays
 * within the stream's bounds.
 */
#include "cmd/ssh/install.h"
#include "shared/eventstream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t hash;
    uint64_t seq;
};

static int on_event(void *ctx, const struct event *ev, struct span data)
{
    struct seen *s = ctx;
    if (ev->kind == EVENT_INVALID || !ev->body)
        abort();
    if (ev->seq != 0 && ev->seq != s->seq + 1)
        abort(); /* a gap or a repetition got through */
    if (ev->seq != 0)
        s->seq = ev->seq;
    if (ev->kind != EVENT_DATA)
        s->hash = s->hash * 31 + (uint64_t)ev->kind + ev->seq;
    for (size_t i = 0; i < data.len; i++)
        s->hash = s->hash * 31 + (unsigned char)data.ptr[i];
    return 0;
}

static int feed(const uint8_t *data, size_t size, size_t piece, struct seen *seen)
{
    struct eventstream st;
    int r = 0;
    eventstream_init(&st);
    while (r >= 0 && !st.ended) {
        size_t room = eventstream_room(&st), n = size < piece ? size : piece;
        if (room == 0)
            abort();
        if (n > room)
            n = room;
        buf_add(&st.in, data, n);
        data += n;
        size -= n;
        while ((r = eventstream_feed(&st, on_event, seen, NULL)) == 1) {
        }
        if (n == 0)
            break;
    }
    eventstream_done(&st);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen one = { 0 }, two = { 0 };
    struct install_probe probe;
    int r = feed(data, size, SIZE_MAX, &one);
    if (r != feed(data, size, 1, &two) || one.hash != two.hash || one.seq != two.seq)
        abort();
    (void)install_parse_probe((struct span){ (const char *)data, size }, &probe);
    (void)install_parse_upload((struct span){ (const char *)data, size }, &probe, NULL);
    return 0;
}
