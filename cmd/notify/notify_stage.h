/* The notification of a stage: when it is due, with what, and what a failure of it comes to (a warning). */
#ifndef BLUEGREEN_NOTIFY_STAGE_H
#define BLUEGREEN_NOTIFY_STAGE_H

#include "cmd/report/report.h"
#include "cmd/stage.h"

struct stage_news {
    const char *stage;        /* "main" or "post" */
    const char *why;          /* one sentence of ours; NULL or "" none */
    const char *artifact_url; /* NULL or "" none */
    int exit_code;            /* that the stage will have */
};

/*
 * The last thing a stage does: tells notify-url and sns-topic. Never fails, and lasts no longer than NOTIFY_TIME_MAX_MS
 * for each. Also after wrong inputs, when those it needs are right.
 */
void stage_notify(struct stage *s, const struct report *r, const struct stage_news *news);

#endif
