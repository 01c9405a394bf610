/*
 * Tells somebody else how it ended: one POST to notify-url, after everything else is done. A notification never changes
 * an outcome or an exit code, takes NOTIFY_TIME_MAX_MS at most, and carries nothing that the log would not show.
 */
#ifndef BLUEGREEN_NOTIFY_H
#define BLUEGREEN_NOTIFY_H

#include "cmd/inputs.h"
#include "cmd/report.h"

#include <signal.h>

#define NOTIFY_TIME_MAX_MS 8000 /* all attempts together: a cancelled main step has 10 s to live */
#define NOTIFY_ATTEMPTS 3
#define NOTIFY_BODY_MAX (24 * 1024) /* Teams refuses a message above 28 KB, Slack a text above 40,000 characters */

struct notify_facts {
    const struct report *report;
    const struct redactor *redactor; /* may be NULL */
    const char *host;                /* "user@host:port", "" unknown */
    const char *stage;               /* "main" or "post" */
    const char *why;                 /* post: one sentence of ours; "" none */
    const char *run_link;            /* "" none */
    const char *actor;               /* "" unknown */
    const char *repository;          /* GITHUB_REPOSITORY; "" unknown */
    const char *artifact_url;        /* "" none */
};

/* Is this report worth a message? FAILURE: everything but deployed, unchanged and reported; a rollback always. */
bool notify_due(enum notify_on on, const struct report *r);

/* The body in that format: valid JSON, redacted, made safe, at most NOTIFY_BODY_MAX bytes. 0 or -ERR_NOMEM. */
int notify_compose(enum notify_format format, const struct notify_facts *f, struct buf *out, struct err *err);

/* POST it; one more try after 429 and 5xx and lost connections. 0; -ERR_NET, -ERR_TIMEOUT… Messages never name the URL. */
int notify_send(const char *url, struct span body, const volatile sig_atomic_t *cancel, struct err *err);

#endif
