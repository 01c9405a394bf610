/*
 * The progress stream of a pull: any chunking gives what one buffer gives, numbers stay in bounds and words printable.
 * Input: one byte that seeds the chunk sizes, then the stream.
 */
#include "agent/engine/engine_internal.h"

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Result of the feed and, when that is fine, of the end. */
static int run(struct span data, unsigned seed, struct engine_pull *p)
{
    int r = 0;
    engine_pull_init(p);
    while (data.len && r == 0) {
        size_t n = data.len;
        if (seed) {
            seed = seed * 1103515245u + 12345u;
            n = 1 + (seed >> 16) % 31;
            n = n < data.len ? n : data.len;
        }
        r = engine_pull_feed(p, (struct span){ .ptr = data.ptr, .len = n });
        data.ptr += n;
        data.len -= n;
    }
    return r < 0 ? r : engine_pull_finish(p, NULL);
}

static void check_bounds(const struct engine_pull *p)
{
    REQUIRE(p->progress.layers <= ENGINE_LAYERS_MAX && p->progress.layers_done <= p->progress.layers);
    REQUIRE(p->progress.current >= 0 && p->progress.current <= p->progress.total);
    REQUIRE(p->object.len <= ENGINE_PULL_OBJECT_MAX);
    for (const char *c = p->progress.status; *c; c++)
        REQUIRE(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct engine_pull whole, chunks;
    if (size < 1)
        return 0;
    struct span stream = { .ptr = (const char *)data + 1, .len = size - 1 };

    int a = run(stream, 0, &whole);
    int b = run(stream, data[0] + 1u, &chunks);
    REQUIRE(a == b);
    REQUIRE(whole.objects == chunks.objects);
    REQUIRE(strcmp(whole.error, chunks.error) == 0);
    REQUIRE(whole.progress.current == chunks.progress.current && whole.progress.total == chunks.progress.total);
    REQUIRE(whole.progress.layers == chunks.progress.layers &&
            whole.progress.layers_done == chunks.progress.layers_done);
    REQUIRE(strcmp(whole.progress.status, chunks.progress.status) == 0);
    check_bounds(&whole);
    engine_pull_done(&whole);
    engine_pull_done(&chunks);
    return 0;
}
