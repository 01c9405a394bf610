/* A few measured values as a line of blocks, ▁▂▃▄▅▆▇█, and what to say beside it. */
#ifndef BLUEGREEN_SPARKLINE_H
#define BLUEGREEN_SPARKLINE_H

#include "shared/json.h"

#define SPARKLINE_MAX 40

struct sparkline {
    double values[SPARKLINE_MAX]; /* oldest first; below 0: not measured */
    size_t count;
    size_t measured;
    double min, median, last; /* of those that were measured; 0 when none was */
};

/*
 * The member `key` of each object in a list (docs/protocol.md "outcome", trend), the newest SPARKLINE_MAX of them. What is not a
 * number from 0 to a million counts as not measured.
 */
void sparkline_of(struct sparkline *s, const struct json *list, const char *key);

/*
 * One character a value, a middle dot for one that was not measured. From the smallest to the largest value; values that lie
 * within a tenth of the largest of each other are shown as equal, since there is nothing to see.
 */
void sparkline_draw(const struct sparkline *s, struct buf *out);

#endif
