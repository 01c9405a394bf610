/*
 * Input: a byte that says how, then a tar.gz as it is, or a tar that is wrapped into gzip here. Property: a copy is all or
 * nothing, and what was written is a bundle that can be copied again to the same bytes.
 */
#include "shared/bundle.h"

#include <sys/mman.h>

#define OUT_MAX (64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static int take_bytes(void *ctx, struct span data)
{
    struct buf *b = ctx;
    buf_add_span(b, data);
    return buf_check(b, NULL);
}

/* One member of stored blocks: the reader sees tar, whatever the fuzzer makes of it. */
static void wrap(struct span tar, struct buf *out)
{
    buf_add(out, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    do {
        size_t n = tar.len > 65535 ? 65535 : tar.len;
        const unsigned char head[5] = { n == tar.len, (unsigned char)(n & 255), (unsigned char)(n >> 8),
                                        (unsigned char)(~n & 255), (unsigned char)(~n >> 8 & 255) };
        buf_add(out, head, sizeof(head));
        buf_add(out, tar.ptr, n);
        tar = (struct span){ .ptr = tar.ptr + n, .len = tar.len - n };
    } while (tar.len > 0);
    buf_add(out, "\0\0\0\0\0\0\0\0", 8); /* libarchive does not look at the checksum */
}

/* Copy into a fresh bundle; the result of bundle_copy(). */
static int copy(struct span bytes, struct buf *out)
{
    _cleanup_(close_p) int fd = memfd_create("fuzz", MFD_CLOEXEC);
    _cleanup_(bundle_writer_free_p) struct bundle_writer *w = NULL;
    struct err err = { 0 };
    check(fd >= 0 && write(fd, bytes.len ? bytes.ptr : "", bytes.len) == (ssize_t)bytes.len);
    check(lseek(fd, 0, SEEK_SET) == 0);
    check(bundle_writer_new(&w, take_bytes, out, NULL) == 0);
    int r = bundle_copy(w, fd, "", &err);
    check(r == 0 || (r == -(int)err.kind && err.depth > 0));
    check(bundle_finish(w, NULL) == 0);
    return r;
}

static void empty_bundle(struct buf *out)
{
    _cleanup_(bundle_writer_free_p) struct bundle_writer *w = NULL;
    check(bundle_writer_new(&w, take_bytes, out, NULL) == 0 && bundle_finish(w, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span input = { .ptr = (const char *)data + 1, .len = size - 1 };
    _cleanup_(buf_done) struct buf bytes = BUF_INIT(OUT_MAX);
    _cleanup_(buf_done) struct buf first = BUF_INIT(OUT_MAX);
    _cleanup_(buf_done) struct buf second = BUF_INIT(OUT_MAX);
    if (data[0] == 'z')
        buf_add_span(&bytes, input);
    else
        wrap(input, &bytes);
    if (copy(buf_span(&bytes), &first) == 0)
        check(copy(buf_span(&first), &second) == 0);
    else
        empty_bundle(&second);
    check(first.len == second.len && memcmp(buf_str(&first), buf_str(&second), first.len) == 0);
    return 0;
}
