/*
 * The log frames of the engine: any chunking gives what one buffer gives, and what a plain second reading of the format
 * gives. Input: one byte for the tail's size, one that seeds the chunk sizes, then the stream.
 */
#include "agent/engine/engine_internal.h"

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    int code;
    struct engine_tail tail;
    struct buf text;
};

static void run(struct span data, size_t max, unsigned seed, struct result *ret)
{
    struct engine_demux d = { .emit = engine_tail_take, .ctx = &ret->tail };
    ret->code = 0;
    REQUIRE(engine_tail_init(&ret->tail, max, NULL) == 0);
    buf_init(&ret->text, max);
    while (data.len && ret->code == 0) {
        size_t n = data.len;
        if (seed) {
            seed = seed * 1103515245u + 12345u;
            n = 1 + (seed >> 16) % 13;
            n = n < data.len ? n : data.len;
        }
        ret->code = engine_demux_feed(&d, (struct span){ .ptr = data.ptr, .len = n });
        data.ptr += n;
        data.len -= n;
    }
    engine_tail_get(&ret->tail, &ret->text);
    REQUIRE(!ret->text.failed && ret->text.len <= max);
}

/* All payload bytes up to the first broken header. */
static int read_plainly(struct span data, struct buf *out)
{
    while (data.len >= 8) {
        const unsigned char *h = (const unsigned char *)data.ptr;
        if (h[0] > 3 || h[1] || h[2] || h[3])
            return -(int)ERR_PROTO;
        uint64_t len = (uint64_t)h[4] << 24 | (uint64_t)h[5] << 16 | (uint64_t)h[6] << 8 | h[7];
        size_t n = len < data.len - 8 ? (size_t)len : data.len - 8;
        buf_add(out, data.ptr + 8, n);
        data.ptr += 8 + n;
        data.len -= 8 + n;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole, chunks;
    if (size < 2)
        return 0;
    struct span stream = { .ptr = (const char *)data + 2, .len = size - 2 };
    struct buf plain = BUF_INIT(size);
    size_t max = (size_t)data[0] + 1;

    run(stream, max, 0, &whole);
    run(stream, max, data[1] + 1u, &chunks);
    int code = read_plainly(stream, &plain);
    REQUIRE(whole.code == code && chunks.code == code);
    REQUIRE(whole.tail.total == plain.len && chunks.tail.total == plain.len);
    REQUIRE(whole.text.len == chunks.text.len);
    REQUIRE(whole.text.len == 0 || memcmp(whole.text.ptr, chunks.text.ptr, whole.text.len) == 0);
    REQUIRE(whole.text.len <= plain.len && (whole.text.len > 0) == (plain.len > 0));
    if (whole.text.len) {
        size_t from = plain.len - whole.text.len;
        REQUIRE(memcmp(plain.ptr + from, whole.text.ptr, whole.text.len) == 0);
        REQUIRE(from == 0 || plain.ptr[from - 1] == '\n' || whole.text.len == max);
    }
    engine_tail_done(&whole.tail);
    engine_tail_done(&chunks.tail);
    buf_done(&whole.text);
    buf_done(&chunks.text);
    buf_done(&plain);
    return 0;
}
