#include "shared/zip.h"

#include <sys/stat.h>
#include <time.h>

#define CHUNK (64 * 1024)
#define SIGNATURE_FILE 0x04034b50U
#define SIGNATURE_ENTRY 0x02014b50U
#define SIGNATURE_END 0x06054b50U
#define VERSION_NEEDED 10      /* 1.0: stored files */
#define MADE_BY_UNIX (3U << 8) /* so that the mode below counts */
#define FLAG_UTF8 (1U << 11)
#define MODE (0100644U << 16)

/* Fixed-width little-endian fields, one after the other. */
struct fields {
    unsigned char *at;
};

static void put16(struct fields *f, unsigned v)
{
    *f->at++ = (unsigned char)(v & 0xff);
    *f->at++ = (unsigned char)(v >> 8 & 0xff);
}

static void put32(struct fields *f, uint32_t v)
{
    put16(f, v & 0xffff);
    put16(f, v >> 16);
}

static void put_text(struct fields *f, const char *text, size_t len)
{
    memcpy(f->at, text, len);
    f->at += len;
}

/* CRC-32 of ISO 3309, reflected. */
static uint32_t crc_add(const uint32_t table[256], uint32_t crc, const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        crc = table[(crc ^ p[i]) & 0xff] ^ crc >> 8;
    return crc;
}

static void crc_table(uint32_t table[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int bit = 0; bit < 8; bit++)
            v = v & 1 ? v >> 1 ^ 0xedb88320U : v >> 1;
        table[i] = v;
    }
}

static int read_at(int fd, int64_t at, void *out, size_t len, struct err *err)
{
    char *p = out;

    while (len > 0) {
        ssize_t n = pread(fd, p, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, ERR_IO, errno, "read the file for the zip: %s", strerror(errno));
        if (n == 0)
            return err_set(err, ERR_IO, 0, "the file became shorter while it was read for the zip");
        p += n;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static int checksum(int fd, int64_t size, uint32_t *ret, struct err *err)
{
    _cleanup_(free_p) unsigned char *chunk = malloc(CHUNK);
    uint32_t table[256], crc = 0xffffffffU;

    if (!chunk)
        return err_set(err, ERR_NOMEM, 0, "out of memory for a zip");
    crc_table(table);
    for (int64_t at = 0; at < size;) {
        size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
        int r = read_at(fd, at, chunk, n, err);
        if (r < 0)
            return r;
        crc = crc_add(table, crc, chunk, n);
        at += (int64_t)n;
    }
    *ret = ~crc;
    return 0;
}

/* Date and time of MS-DOS, in UTC; what they cannot hold is told as their first moment. */
static uint32_t dos_time(time_t t)
{
    struct tm tm;

    if (!gmtime_r(&t, &tm) || tm.tm_year < 80 || tm.tm_year > 80 + 127)
        return 1U << 21 | 1U << 16;
    return (uint32_t)(tm.tm_year - 80) << 25 | (uint32_t)(tm.tm_mon + 1) << 21 | (uint32_t)tm.tm_mday << 16 |
           (uint32_t)tm.tm_hour << 11 | (uint32_t)tm.tm_min << 5 | (uint32_t)tm.tm_sec / 2;
}

static bool clean_name(const char *name, char out[ZIP_NAME_MAX + 1], unsigned *flags)
{
    size_t len = strlen(name);

    if (len == 0 || len > ZIP_NAME_MAX)
        return false;
    *flags = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        out[i] = c < ' ' || c == 127 || strchr("\":<>|*?\\/", c) ? '_' : name[i];
        if (c > 127)
            *flags = FLAG_UTF8;
    }
    out[len] = '\0';
    return true;
}

/* What the file's own header and its entry in the directory have in common. */
static void put_facts(struct fields *f, unsigned flags, uint32_t when, uint32_t crc, uint32_t size, size_t name_len)
{
    put16(f, VERSION_NEEDED);
    put16(f, flags);
    put16(f, 0); /* stored */
    put32(f, when);
    put32(f, crc);
    put32(f, size);
    put32(f, size);
    put16(f, (unsigned)name_len);
    put16(f, 0); /* extra field */
}

int zip_init(struct zip *z, int fd, const char *name, struct err *err)
{
    char clean[ZIP_NAME_MAX + 1];
    unsigned flags = 0;
    uint32_t crc = 0;
    struct stat st;

    if (!clean_name(name, clean, &flags))
        return err_set(err, ERR_INPUT, 0, "the name of a file in a zip has 1 to %d bytes", ZIP_NAME_MAX);
    if (fstat(fd, &st) < 0)
        return err_set(err, ERR_IO, errno, "look at '%.80s': %s", clean, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_IO, 0, "'%.80s' is not a regular file", clean);
    if (st.st_size > ZIP_FILE_MAX)
        return err_set(err, ERR_INPUT, 0, "'%.80s' has %lld bytes; a zip of ours holds 4 GiB at most", clean,
                       (long long)st.st_size);
    int r = checksum(fd, st.st_size, &crc, err);
    if (r < 0)
        return r;

    size_t name_len = strlen(clean);
    uint32_t size = (uint32_t)st.st_size, when = dos_time(st.st_mtime);
    struct fields f = { z->head };
    put32(&f, SIGNATURE_FILE);
    put_facts(&f, flags, when, crc, size, name_len);
    put_text(&f, clean, name_len);
    z->head_len = (size_t)(f.at - z->head);

    f.at = z->tail;
    put32(&f, SIGNATURE_ENTRY);
    put16(&f, MADE_BY_UNIX | VERSION_NEEDED);
    put_facts(&f, flags, when, crc, size, name_len);
    put16(&f, 0); /* comment */
    put16(&f, 0); /* disk */
    put16(&f, 0); /* kind of content: not told */
    put32(&f, MODE);
    put32(&f, 0); /* where the file's header is */
    put_text(&f, clean, name_len);
    uint32_t directory = (uint32_t)(f.at - z->tail);
    put32(&f, SIGNATURE_END);
    put32(&f, 0); /* disks */
    put16(&f, 1); /* entries here, and in all */
    put16(&f, 1);
    put32(&f, directory);
    put32(&f, (uint32_t)z->head_len + size);
    put16(&f, 0); /* comment */
    z->tail_len = (size_t)(f.at - z->tail);

    z->fd = fd;
    z->file_size = st.st_size;
    z->size = (int64_t)(z->head_len + z->tail_len) + st.st_size;
    return 0;
}

/* Copy what [at, at + len) has of a part that begins at `start`; memory parts only. */
static void copy_part(const unsigned char *part, size_t part_len, int64_t start, int64_t at, char *out, size_t len)
{
    int64_t from = at > start ? at : start;
    int64_t end = start + (int64_t)part_len < at + (int64_t)len ? start + (int64_t)part_len : at + (int64_t)len;

    if (from < end)
        memcpy(out + (from - at), part + (from - start), (size_t)(end - from));
}

int zip_read(const struct zip *z, int64_t at, void *out, size_t len, struct err *err)
{
    int64_t file = (int64_t)z->head_len, tail = file + z->file_size, end = at + (int64_t)len;

    if (at < 0 || end > z->size)
        return err_set(err, ERR_BUG, 0, "read beyond the end of a zip");
    copy_part(z->head, z->head_len, 0, at, out, len);
    copy_part(z->tail, z->tail_len, tail, at, out, len);
    int64_t from = at > file ? at : file, to = end < tail ? end : tail;
    if (from >= to)
        return 0;
    return read_at(z->fd, from - file, (char *)out + (from - at), (size_t)(to - from), err);
}
