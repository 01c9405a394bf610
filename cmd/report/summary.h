/*
 * The job summary: Markdown for GITHUB_STEP_SUMMARY, for summary.md in the bundle and for the file beside it.
 *
 * Outcome first, then the facts, what to do, and the details, long ones folded. Everything from outside is redacted and
 * escaped (cmd/report/markdown.h). Within SUMMARY_MAX whatever the host said: the log tail shrinks first, then texts are cut
 * short, then sections are left out, from the last one on, and the summary says so.
 */
#ifndef BLUEGREEN_SUMMARY_H
#define BLUEGREEN_SUMMARY_H

#include "cmd/report/report.h"
#include "shared/redact.h"

#define SUMMARY_MAX (512 * 1024) /* the runner takes 1 MiB from a step */
#define SUMMARY_LOG_LINES 100

struct summary_facts {
    const struct report *report;
    const struct redactor *redactor; /* may be NULL */
    const char *host;                /* where it ran; "" leaves it out */
    const char *run_link;            /* "" leaves it out */
    const char *image_scan;          /* findings of the registry's scan; "" or NULL leaves them out */
    const char *bundle_path;         /* "" none could be written; NULL: none was to be */
    const char *artifact_url;        /* page of the uploaded bundle; "" or NULL: not uploaded */
    struct span log_tail;            /* last lines of the action's log */
};

/* Deploy and rollback. 0 or -ERR_NOMEM; out (empty) has a max of SUMMARY_MAX at most, which is kept. */
int summary_render(const struct summary_facts *f, struct buf *out, struct err *err);
/* What the post stage did: a summary of its own below main's. `why`: one sentence of ours. */
int summary_render_post(const struct summary_facts *f, const char *why, struct buf *out, struct err *err);
/* The answer to a question (`command: status` and its like): by the name of its report. */
int summary_render_answer(const struct summary_facts *f, struct buf *out, struct err *err);

#endif
