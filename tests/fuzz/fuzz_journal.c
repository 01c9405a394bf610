/*
 * Bytes as a journal: what is read is a valid prefix, and reading that prefix alone gives the same. A record appended to
 * the prefix is read as one more. A flipped bit never gives a record that was not there, and spoils none before it.
 * The last bytes of the input choose the bit.
 */
#include "agent/state/journal.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (256 * 1024)
#define SLACK (2 * JOURNAL_RECORD_MAX)

/* The records as one line each; *count of them. */
static void parse(struct span bytes, struct buf *text, size_t *count, size_t *valid)
{
    _cleanup_(json_free_p) struct json *records = json_array();
    buf_init(text, (size_t)8 * INPUT_MAX);
    if (journal_parse(bytes, records, valid, NULL) < 0 || *valid > bytes.len)
        abort();
    *count = json_len(records);
    for (const struct json *r = json_first(records); r; r = json_next(r)) {
        if (json_print(r, text, NULL) < 0)
            abort();
        buf_addc(text, '\n');
    }
    if (text->failed)
        abort();
}

static bool begins_with(const struct buf *whole, const struct buf *part)
{
    return part->len <= whole->len && (part->len == 0 || memcmp(whole->ptr, part->ptr, part->len) == 0);
}

static void check_prefix(struct span prefix, const struct buf *want, size_t want_count)
{
    _cleanup_(buf_done_p) struct buf text;
    size_t count, valid;
    parse(prefix, &text, &count, &valid);
    if (count != want_count || valid != prefix.len || text.len != want->len || !begins_with(want, &text))
        abort();
}

static uint64_t little_endian(const char *p, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

/* The records lie one behind the other and are numbered 1, 2, 3… */
static void check_sequence(struct span prefix, size_t count)
{
    uint64_t want = 1;
    for (size_t at = 0; at < prefix.len; at += 16 + (size_t)little_endian(prefix.ptr + at, 4))
        if (little_endian(prefix.ptr + at + 8, 8) != want++)
            abort();
    if (want != count + 1)
        abort();
}

/* The prefix as a file, and one record more. */
static void check_append(struct span prefix, const struct buf *before, size_t count)
{
    _cleanup_(buf_done_p) struct buf file = BUF_INIT(INPUT_MAX + SLACK);
    _cleanup_(buf_done_p) struct buf text;
    struct journal j = { .fd = memfd_create("journal", MFD_CLOEXEC), .seq = count };
    size_t now, valid;
    if (j.fd < 0 || write(j.fd, prefix.ptr, prefix.len) != (ssize_t)prefix.len ||
        journal_append(&j, "intent", "step", NULL, NULL) < 0 || j.seq != count + 1)
        abort();
    off_t len = lseek(j.fd, 0, SEEK_END);
    char *bytes = malloc((size_t)len);
    if (!bytes || pread(j.fd, bytes, (size_t)len, 0) != len)
        abort();
    parse((struct span){ bytes, (size_t)len }, &text, &now, &valid);
    if (now != count + 1 || valid != (size_t)len || !begins_with(&text, before))
        abort();
    free(bytes);
    journal_close(&j);
}

static void check_flip(struct span prefix, size_t bit, const struct buf *before, size_t count)
{
    _cleanup_(buf_done_p) struct buf text;
    size_t now, valid;
    char *bytes = malloc(prefix.len);
    if (!bytes)
        abort();
    memcpy(bytes, prefix.ptr, prefix.len);
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << (bit % 8)));
    parse((struct span){ bytes, prefix.len }, &text, &now, &valid);
    if (now >= count || valid > bit / 8 || !begins_with(before, &text))
        abort();
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(buf_done_p) struct buf text;
    size_t count, valid, choice = 0;
    if (size > INPUT_MAX)
        return 0;
    struct span all = { (const char *)data, size };
    parse(all, &text, &count, &valid);
    struct span prefix = { all.ptr, valid };
    check_prefix(prefix, &text, count);
    check_sequence(prefix, count);
    check_append(prefix, &text, count);
    for (size_t i = 0; i < 4 && i < size; i++)
        choice = choice << 8 | data[size - 1 - i];
    if (valid > 0)
        check_flip(prefix, choice % (valid * 8), &text, count);
    return 0;
}
