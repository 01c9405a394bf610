/*
 * The journal of one deployment: what was wanted, never what is true (that is asked of Docker).
 *
 * Record: u32 length, u32 CRC-32 over sequence and payload, u64 sequence (1, 2, 3…), payload (JSON), little-endian.
 * Each append is synced before it returns: intent → sync → effect → done → sync. Reading stops at the first record that
 * is cut, does not check or is out of sequence: a torn tail is dropped, never guessed.
 */
#ifndef BLUEGREEN_JOURNAL_H
#define BLUEGREEN_JOURNAL_H

#include "shared/json.h"

#define JOURNAL_RECORD_MAX (64 * 1024)
#define JOURNAL_FILE "journal"

struct journal {
    int fd;
    uint64_t seq; /* of the last record */
};

/* Open for appending, made when missing. A torn tail is cut off. */
int journal_open(struct journal *j, int dir_fd, struct err *err);
void journal_close(struct journal *j);

/* {"what":"intent|done|undo|undone|committed|facts","step":step,"detail":detail}; detail borrowed, may be NULL. */
int journal_append(struct journal *j, const char *what, const char *step, const struct json *detail, struct err *err);

/*
 * Read all good records of a deployment, oldest first: *ret is a JSON array of payloads (caller frees), empty when there
 * is no journal. valid_bytes (may be NULL) is the length of the good part.
 */
int journal_read(int dir_fd, struct json **ret, int64_t *valid_bytes, struct err *err);

/* The same over bytes in memory: for tests and fuzzing. */
int journal_parse(struct span bytes, struct json *into, size_t *valid, struct err *err);

#endif
