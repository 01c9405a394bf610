/*
 * The action's own copy of what it printed, for the bundle and the summary: the first and the last part of it, so that
 * it stays within LOGCOPY_MAX bytes however long the run. Text is kept as handed over: made safe and redacted before.
 */
#ifndef BLUEGREEN_LOGCOPY_H
#define BLUEGREEN_LOGCOPY_H

#include "shared/buf.h"

#define LOGCOPY_HEAD_MAX (1024 * 1024)
#define LOGCOPY_TAIL_MAX (3 * 1024 * 1024) /* a ring; allocated when the head is full */
#define LOGCOPY_MAX (LOGCOPY_HEAD_MAX + LOGCOPY_TAIL_MAX + 128)

struct logcopy {
    struct buf head;
    char *ring;
    uint64_t ring_bytes; /* written into the ring so far */
};

void logcopy_init(struct logcopy *l);
void logcopy_done(struct logcopy *l);
/* Append a line (without LF). Without memory for the ring, later lines are not kept. */
void logcopy_add(struct logcopy *l, struct span line);
/* Append all that was kept, with a note where lines were left out. */
void logcopy_print(const struct logcopy *l, struct buf *out);
/* Append the last `lines` lines. */
void logcopy_tail(const struct logcopy *l, size_t lines, struct buf *out);

#endif
