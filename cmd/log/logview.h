/*
 * Events as people read them while they happen: one group per step in the log, a line of result below each group.
 */
#ifndef BLUEGREEN_LOGVIEW_H
#define BLUEGREEN_LOGVIEW_H

#include "cmd/log/github.h"
#include "shared/event.h"

#define LOGVIEW_PROGRESS_EVERY_MS 2000 /* progress lines of one step are not closer together than this (host's clock) */
#define LOGVIEW_SAMPLES_MAX 200        /* health samples shown per step; the rest is counted */
#define LOGVIEW_EVENTS_MAX 2000        /* steps, results, diagnoses shown; a deployment has about 50 */

struct logview {
    struct github *g;
    int64_t progress_ms; /* when the last progress line was shown; 0 none */
    char progress[200];  /* its text */
    char title[200];     /* of the open step or undo; "" none */
    unsigned samples;    /* of this step */
    uint64_t events;     /* that counted towards LOGVIEW_EVENTS_MAX */
};

void logview_init(struct logview *v, struct github *g); /* g: borrowed */
void logview_event(struct logview *v, const struct event *ev);
/* Close what is open; after the last event. */
void logview_end(struct logview *v);

#endif
