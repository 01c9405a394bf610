/*
 * The job summary: Markdown for GITHUB_STEP_SUMMARY, for summary.md in the bundle and for the file beside it.
 * Everything from outside is escaped (cmd/markdown.h); the whole stays well below the runner's 1 MiB.
 */
#ifndef BLUEGREEN_SUMMARY_H
#define BLUEGREEN_SUMMARY_H

#include "cmd/report.h"
#include "shared/redact.h"

#define SUMMARY_MAX (512 * 1024)
#define SUMMARY_LOG_LINES 100

struct summary_facts {
    const struct report *report;
    const struct redactor *redactor; /* may be NULL */
    const char *host;                /* where it ran; "" leaves it out */
    const char *run_link;            /* "" leaves it out */
    const char *bundle_path;         /* "" none was written */
    struct span log_tail;            /* last lines of the action's log */
};

/* Deploy and rollback. 0 or -ERR_NOMEM; out's max should be SUMMARY_MAX. */
int summary_render(const struct summary_facts *f, struct buf *out, struct err *err);
/* What the post stage did: a section of its own below main's. `why`: one sentence of ours. */
int summary_render_post(const struct summary_facts *f, const char *why, struct buf *out, struct err *err);
/* The answer to `command: status`. */
int summary_render_status(const struct summary_facts *f, struct buf *out, struct err *err);

#endif
