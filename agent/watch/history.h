/*
 * What the health check saw, pressed together: how often which answer came. Kept for the diagnosis.
 */
#ifndef BLUEGREEN_HISTORY_H
#define BLUEGREEN_HISTORY_H

#include "shared/buf.h"

#define HISTORY_KINDS_MAX 6    /* different answers told apart; further ones count as "other" */
#define HISTORY_WHAT_MAX 72    /* bytes of an answer's name */
#define HISTORY_BODY_MAX 65536 /* as much as a health check reads of an answer */

enum probe_result {
    PROBE_NONE = 0, /* nothing was asked */
    PROBE_OK,
    PROBE_STATUS,   /* another HTTP status than the wanted ones */
    PROBE_BODY,     /* the right status, but not the wanted text */
    PROBE_REFUSED,  /* no TCP connection */
    PROBE_CLOSED,   /* a connection that ended without an answer */
    PROBE_TIMEOUT,  /* no answer in time */
    PROBE_NOT_HTTP, /* bytes that are no HTTP answer */
};

struct history {
    struct {
        char what[HISTORY_WHAT_MAX];
        int64_t count;
    } kinds[HISTORY_KINDS_MAX];
    size_t kind_count;
    int64_t attempts, others;
    int64_t first_ms, last_ms; /* monotonic */
    char target[160];          /* URL or port that was asked */
    enum probe_result last;    /* of the newest attempt that failed */
    int last_status;           /* HTTP status of that; 0 none */
    struct buf body;           /* of that answer, as it came: redact before it is shown */
};

void history_init(struct history *h);
void history_done(struct history *h);
/* Begin anew: another target. */
void history_reset(struct history *h, const char *target);

/* One attempt at now_ms. status 0: no HTTP answer. body: of an answer that failed; copied. */
void history_add(struct history *h, enum probe_result result, int status, struct span body, int64_t now_ms);

/* "12 attempts in 1.8 s: 9 x connection refused, 3 x HTTP status 503"; nothing when there was no attempt. */
void history_text(const struct history *h, struct buf *out);

#endif
