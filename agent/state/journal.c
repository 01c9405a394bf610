#include "agent/state/journal.h"

#include "agent/state/store.h"

#include <fcntl.h>

#define HEADER 16

static uint32_t crc32_of(uint32_t crc, const unsigned char *p, size_t len)
{
    crc = ~crc;
    while (len--) {
        crc ^= *p++;
        for (int k = 0; k < 8; k++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static void put_le(unsigned char *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t get_le(const unsigned char *p, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

int journal_parse(struct span bytes, struct json *into, size_t *valid, struct err *err)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    uint64_t want = 1;
    *valid = 0;
    for (size_t at = 0; bytes.len - at >= HEADER; want++) {
        uint64_t len = get_le(p + at, 4);
        if (len == 0 || len > JOURNAL_RECORD_MAX || len > bytes.len - at - HEADER)
            break;
        uint32_t crc = crc32_of(0, p + at + 8, 8 + (size_t)len);
        if (crc != get_le(p + at + 4, 4) || get_le(p + at + 8, 8) != want)
            break;
        struct json *payload = NULL;
        if (json_parse((struct span){ bytes.ptr + at + HEADER, (size_t)len }, &payload, err) < 0) {
            err_clear(err);
            break;
        }
        json_push(into, payload);
        at += HEADER + (size_t)len;
        *valid = at;
    }
    return 0;
}

int journal_read(int dir_fd, struct json **ret, int64_t *valid_bytes, struct err *err)
{
    _cleanup_(buf_done_p) struct buf bytes = BUF_INIT(STORE_FILE_MAX);
    int r = store_read(dir_fd, JOURNAL_FILE, &bytes, err);
    if (r < 0)
        return r;
    struct json *records = json_array();
    size_t valid = 0;
    if (r == 0)
        (void)journal_parse(buf_span(&bytes), records, &valid, err);
    if (valid_bytes)
        *valid_bytes = (int64_t)valid;
    *ret = records;
    return 0;
}

int journal_open(struct journal *j, int dir_fd, struct err *err)
{
    _cleanup_(json_free_p) struct json *records = NULL;
    int64_t valid = 0;
    j->fd = -1;
    if (journal_read(dir_fd, &records, &valid, err) < 0)
        return err_wrap(err, "open the journal");
    _cleanup_(close_p) int fd = openat(dir_fd, JOURNAL_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, valid) < 0 || lseek(fd, valid, SEEK_SET) < 0 || fsync(fd) < 0 || fsync(dir_fd) < 0)
        return err_set(err, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO, errno, "open the journal: %s", strerror(errno));
    j->seq = json_len(records);
    j->fd = TAKE_FD(fd);
    return 0;
}

void journal_close(struct journal *j)
{
    close_p(&j->fd);
}

int journal_append(struct journal *j, const char *what, const char *step, const struct json *detail, struct err *err)
{
    _cleanup_(json_free_p) struct json *payload = json_object();
    _cleanup_(buf_done_p) struct buf record = BUF_INIT(JOURNAL_RECORD_MAX + HEADER);
    unsigned char header[HEADER] = { 0 };
    json_set_str(payload, "what", what);
    json_set_str(payload, "step", step);
    if (detail)
        json_set(payload, "detail", json_copy(detail));
    buf_add(&record, header, sizeof(header));
    if (json_print(payload, &record, err) < 0)
        return err_wrap(err, "journal '%s %s'", what, step);
    unsigned char *p = (unsigned char *)record.ptr;
    put_le(p, record.len - HEADER, 4);
    put_le(p + 8, j->seq + 1, 8);
    put_le(p + 4, crc32_of(0, p + 8, record.len - 8), 4);
    off_t end = lseek(j->fd, 0, SEEK_CUR);
    ssize_t n = write(j->fd, record.ptr, record.len);
    if (n != (ssize_t)record.len || fdatasync(j->fd) < 0) {
        int e = n < 0 || n == (ssize_t)record.len ? errno : ENOSPC;
        /* A part of it must not stay: it would hide the records behind it, those of an undo for example. */
        if (end >= 0 && ftruncate(j->fd, end) == 0)
            (void)lseek(j->fd, end, SEEK_SET);
        return err_set(err, e == ENOSPC ? ERR_DISK_FULL : ERR_IO, e, "write the journal: %s", strerror(e));
    }
    j->seq++;
    return 0;
}
