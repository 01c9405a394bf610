/*
 * A stream of frames: every frame lies within the input and no prefix of it is a frame; a request that decodes encodes
 * again, to a fixed point. The input as a whole is tried as the text of one request, too.
 */
#include "shared/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct span text)
{
    _cleanup_(wire_request_done_p) struct wire_request r, again = { 0 };
    _cleanup_(buf_wipe_done_p) struct buf one = BUF_INIT(WIRE_REQUEST_MAX + 16);
    _cleanup_(buf_wipe_done_p) struct buf two = BUF_INIT(WIRE_REQUEST_MAX + 16);
    struct span inner;
    size_t used;
    if (wire_decode(text, &r, NULL) < 0) {
        if (r.spec.app)
            abort();
        return;
    }
    int n = wire_encode(&r, &one, NULL);
    if (n == -ERR_NOMEM) /* defaults are written out: it may grow beyond the limit */
        return;
    if (n < 0 || wire_next_frame(&one, &inner, &used, NULL) != 0 || used != one.len ||
        wire_decode(inner, &again, NULL) < 0 || wire_encode(&again, &two, NULL) < 0 ||
        strcmp(buf_str(&one), buf_str(&two)) != 0)
        abort();
}

static void check_prefix(const struct buf *in, size_t len)
{
    _cleanup_(buf_done_p) struct buf part = BUF_INIT(WIRE_REQUEST_MAX + 16);
    struct span text;
    size_t used;
    buf_add(&part, in->ptr, len);
    if (wire_next_frame(&part, &text, &used, NULL) != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(buf_done_p) struct buf in = BUF_INIT(WIRE_REQUEST_MAX * 2);
    struct span text = { .ptr = (const char *)data, .len = size };
    size_t used = 0;
    check_text(text);
    buf_add_span(&in, text);
    while (wire_next_frame(&in, &text, &used, NULL) == 0) {
        if (text.len == 0 || text.ptr < in.ptr || text.ptr + text.len != in.ptr + used || used > in.len)
            abort();
        check_text(text);
        check_prefix(&in, used - 1);
        buf_consume(&in, used);
    }
    return 0;
}
