/* What `--watch` says in its first line, and how long it waits. Private to shared/view/. */
#ifndef BLUEGREEN_VIEW_WATCH_LINE_H
#define BLUEGREEN_VIEW_WATCH_LINE_H

#include "shared/json.h"

struct watch_moment {
    unsigned seconds;    /* between two questions */
    int64_t answered_at; /* Unix ms of the last answer */
    int64_t asking_ms;   /* how long the question waits for its answer; 0: none does */
    int64_t lost_ms;     /* since the first of the questions that failed; -1: the last one did not */
    int64_t silent_ms;   /* since the last answer */
    int64_t again_ms;    /* until the next question; 0: it is being asked */
    const char *trouble; /* why the last one failed; "" none did, the answer is only late. Made safe here */
};

#define WATCH_SLOW_MS 2000 /* a question that waits longer is told */
#define WATCH_LOST_MS 5000 /* and one that waits longer than this is as good as failed */

/* Appends one line, without LF. */
void watch_line(const struct watch_moment *m, bool colour, struct buf *out);
/* Milliseconds until the next question. failures: how many failed since the last answer. */
int64_t watch_pause_ms(unsigned seconds, const struct json *report, unsigned failures);

#endif
