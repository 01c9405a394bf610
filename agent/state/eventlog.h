/*
 * The event log of a deployment: the one writer of `events` (for the client) and deployment-*.log (for people).
 *
 * Every string of an event passes the redactor first. Lines are written whole; the files are synced at the end.
 */
#ifndef BLUEGREEN_EVENTLOG_H
#define BLUEGREEN_EVENTLOG_H

#include "shared/event.h"
#include "shared/redact.h"

#define EVENTLOG_FILE "events"
#define EVENTLOG_NAME_MAX 64                  /* of deployment-*.log */
#define EVENTLOG_MAX_BYTES (16 * 1024 * 1024) /* past that, log and progress events are dropped and counted */

struct eventlog {
    int events_fd;
    int log_fd;
    uint64_t seq; /* of the last event */
    bool ended;   /* the last event is `end` */
    int64_t bytes;
    uint64_t dropped;
    const struct redactor *redactor; /* borrowed */
    char log_name[EVENTLOG_NAME_MAX];
};

/*
 * Make (or reopen, to go on after the last whole line) the files below dir_fd. stamp: of the log's name, when there is none yet.
 * The events file stays locked (flock) until the log is closed: by that it is known whether a run has a living worker.
 * -ERR_LOCKED: somebody writes it, and nothing was made.
 */
int eventlog_open(struct eventlog *l, int dir_fd, const char *stamp, const struct redactor *redactor, struct err *err);
void eventlog_close(struct eventlog *l);
/* Name of the deployment-*.log below dir_fd, of several the newest. 0; 1: there is none, name untouched. */
int eventlog_find(int dir_fd, char name[EVENTLOG_NAME_MAX], struct err *err);
/* Does a living worker write this events file (an open descriptor of it)? */
bool eventlog_is_written(int events_fd);

/*
 * Number, stamp, redact and write. Takes nothing: the caller ends ev. A disk that is full must not change what is done
 * on the host, so failures are kept aside (l->dropped) and not returned.
 */
void eventlog_emit(struct eventlog *l, struct event *ev);

/* A copy in which every string but the protocol's own words went through the redactor; the caller frees it. */
struct json *eventlog_redacted(const struct redactor *redactor, const struct json *j);

/*
 * Append the event as the deployment's log has it: a line with the time in front, of a diagnosis a few lines; nothing for kinds
 * that say nothing to people. Words from outside are as they came.
 */
void eventlog_format(const struct event *ev, struct buf *out);

#endif
