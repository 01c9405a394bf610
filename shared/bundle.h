/*
 * The one door to libarchive: tar.gz bundles, written as a stream and copied through a filter.
 *
 * Reading treats the archive as hostile: regular files only, relative names of [A-Za-z0-9._-/], no "..", no duplicate
 * names (case-insensitive; a file and a directory of one name are duplicates too), caps on entries and bytes, nothing
 * after its end. Equal input gives equal bytes: entries carry no owner, the gzip header no time.
 */
#ifndef BLUEGREEN_BUNDLE_H
#define BLUEGREEN_BUNDLE_H

#include "buf.h"

#define BUNDLE_ENTRIES_MAX 512
#define BUNDLE_BYTES_MAX (512LL * 1024 * 1024) /* unpacked, all entries */
#define BUNDLE_NAME_MAX 200                    /* bytes */

struct bundle_writer;

/*
 * Bytes of the archive go to `sink` as they are made (blocks of up to 64 KiB); it returns 0 or -kind, which then is the
 * result of the call that made them. When the sink sets the err of that call itself, it stays.
 */
int bundle_writer_new(struct bundle_writer **ret, int (*sink)(void *ctx, struct span data), void *ctx, struct err *err);
/*
 * Add a file from memory; mode 0644, mtime given (Unix ms, cut to seconds), owner 0. This and the next: -ERR_BUG for a
 * name that may not stand in a bundle or is taken, -ERR_NOMEM when BUNDLE_ENTRIES_MAX files were added.
 */
int bundle_add(struct bundle_writer *w, const char *name, struct span data, int64_t mtime_ms, struct err *err);
/*
 * Add an open regular file, at most max_bytes of its end (0: all). Its size is taken once; what is written to it
 * meanwhile is left out. The offset of fd does not matter and does not move.
 */
int bundle_add_fd(struct bundle_writer *w, const char *name, int fd, int64_t max_bytes, struct err *err);
/* The same whole and executable (mode 0755), for an archive that becomes a container image. */
int bundle_add_program(struct bundle_writer *w, const char *name, int fd, struct err *err);
/*
 * Copy every entry of the tar.gz in fd (a file, from its current offset) under `prefix` ("": none). The whole archive
 * is checked as said above before the first entry is written: all or nothing. -ERR_PROTO when it is refused.
 */
int bundle_copy(struct bundle_writer *w, int fd, const char *prefix, struct err *err);
/* Write the end. The writer is still to be freed. A writer that is freed without it left an incomplete archive. */
int bundle_finish(struct bundle_writer *w, struct err *err);
void bundle_writer_free(struct bundle_writer *w);
void bundle_writer_free_p(struct bundle_writer **w);

/* True when `name` may stand in a bundle. */
bool bundle_is_name(const char *name);

#endif
