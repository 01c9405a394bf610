/*
 * A zip with one file in it, stored as it is: a header, the file's own bytes, a directory. It is never written anywhere;
 * any part of it can be read at any time, and the same file always gives the same bytes.
 *
 * Not made with libarchive: that puts the sizes of a stored file behind its bytes, which readers of streams refuse
 * (java.util.zip, ditto), and it cannot be asked for a part again. Layout: APPNOTE.TXT of PKWARE, 4.3; no Zip64.
 */
#ifndef BLUEGREEN_ZIP_H
#define BLUEGREEN_ZIP_H

#include "buf.h"

#define ZIP_NAME_MAX 255                                /* bytes of the file's name in it */
#define ZIP_FILE_MAX (4LL * 1024 * 1024 * 1024 - 65536) /* bytes; sizes and offsets have 32 bits */
#define ZIP_HEAD_MAX (30 + ZIP_NAME_MAX)
#define ZIP_TAIL_MAX (46 + ZIP_NAME_MAX + 22)

struct zip {
    int fd;       /* of the file; borrowed */
    int64_t size; /* of the whole zip */
    int64_t file_size;
    size_t head_len, tail_len;
    unsigned char head[ZIP_HEAD_MAX], tail[ZIP_TAIL_MAX];
};

/*
 * Reads the file once, for its checksum; fd must stay open and the file as it is. `name` loses what may not stand in the
 * name of an artifact's file (control bytes, quotes and wildcards become "_"). -ERR_IO, -ERR_INPUT for an empty or too
 * long name and for a file beyond ZIP_FILE_MAX.
 */
int zip_init(struct zip *z, int fd, const char *name, struct err *err);
/* Exactly len bytes from offset `at`, all within z->size. -ERR_IO, also when the file has become shorter. */
int zip_read(const struct zip *z, int64_t at, void *out, size_t len, struct err *err);

#endif
