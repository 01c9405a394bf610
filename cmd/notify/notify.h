/*
 * Tells somebody else how it ended: one POST to notify-url, after everything else is done. A notification never changes
 * an outcome or an exit code, is bounded in time and size, and carries nothing that the log would not show.
 *
 * The URL is a secret as a whole (Slack's and Teams's hold a token): no message names any part of it.
 */
#ifndef BLUEGREEN_NOTIFY_H
#define BLUEGREEN_NOTIFY_H

#include "cmd/inputs/inputs.h"
#include "cmd/report/report.h"

#define NOTIFY_TIME_MAX_MS 8000       /* all attempts together: a step cancelled meanwhile has 10 s to live */
#define NOTIFY_TIME_CANCELLED_MS 2500 /* the same when it was cancelled before: some of the 10 s are gone */
#define NOTIFY_TIME_LEAST_MS 300      /* when nearly all of them are */
#define NOTIFY_END_MS 9000            /* after the signal: the connection has to be closed, too */
#define NOTIFY_ATTEMPTS 3
#define NOTIFY_BODY_MAX (24 * 1024) /* Teams refuses a message above 28 KB, Slack a text above 40,000 characters */

struct notify_facts {
    const struct report *report;
    const struct redactor *redactor; /* may be NULL */
    int exit_code;                   /* of this stage */
    const char *stage;               /* "main" or "post" */
    const char *why;                 /* one sentence of ours; "" none */
    const char *host;                /* "user@host:port", "" unknown */
    const char *image;               /* the image asked for, where the host told none; "" unknown */
    const char *run_link;            /* "" none */
    const char *actor;               /* "" unknown */
    const char *repository;          /* "" unknown */
    const char *artifact_url;        /* "" none */
};

/* Is this worth a message? NOTIFY_ON_FAILURE: whatever fails the step, and every rollback. */
bool notify_due(enum notify_on on, const struct report *r, int exit_code);

/*
 * The body in that format: valid JSON, redacted, made safe, at most NOTIFY_BODY_MAX bytes. 0 or -ERR_NOMEM. The JSON
 * format is a contract: docs/notification.schema.json.
 */
int notify_compose(enum notify_format format, const struct notify_facts *f, struct buf *out, struct err *err);

struct notify_target {
    const char *url;
    int64_t time_max_ms; /* all attempts and pauses together */
    int cancel_fd;       /* readable: no further attempt; -1 none */
};

/*
 * POST it; again after 429, 5xx, a refused and a lost connection, NOTIFY_ATTEMPTS in all. Redirects are not followed.
 * 0 after a 2xx; -ERR_NET, -ERR_TIMEOUT, -ERR_UNREACHABLE…
 */
int notify_send(const struct notify_target *t, struct span body, struct err *err);

#endif
