/*
 * Events: the one format in which the agent tells what happens. One JSON object a line; docs/protocol.md lists the
 * members of each kind. Contract, versioned by EVENT_VERSION.
 */
#ifndef BLUEGREEN_EVENT_H
#define BLUEGREEN_EVENT_H

#include "json.h"

#define EVENT_VERSION 1
#define EVENT_LINE_MAX (64 * 1024) /* bytes of one encoded line, LF not counted */
#define EVENT_STEP_MAX 40

enum event_kind {
    EVENT_INVALID = 0,
    EVENT_HELLO,         /* agent, version, arch, pid, deployment, app */
    EVENT_STEP_START,    /* title */
    EVENT_STEP_PROGRESS, /* text, current, total (bytes) */
    EVENT_STEP_DONE,     /* seconds, text */
    EVENT_STEP_FAILED,   /* seconds, error{kind,message,hint} */
    EVENT_LOG,           /* level (debug|info|warning|error), source (agent|app|engine), text */
    EVENT_HEALTH_SAMPLE, /* target (candidate|production|previous), attempt, ok, status, ms, error */
    EVENT_METRIC,        /* name, value, unit */
    EVENT_DIAGNOSIS,     /* code, cause, next, evidence[] */
    EVENT_UNDO_START,    /* title */
    EVENT_UNDO_DONE,     /* seconds */
    EVENT_UNDO_FAILED,   /* error{…} */
    EVENT_REPORT,        /* name, report{…}: the answer to a question such as `status` */
    EVENT_DATA,          /* name, bytes: that many raw bytes follow the line's LF */
    EVENT_OUTCOME,       /* outcome, error{…} when failed, and the facts listed in docs/protocol.md */
    EVENT_END,           /* exit: nothing follows for this request */
    EVENT_KINDS
};

struct event {
    enum event_kind kind;
    uint64_t seq;              /* 1, 2, 3… within a deployment; 0: not part of its log (answers to a request) */
    int64_t t_ms;              /* Unix time */
    char step[EVENT_STEP_MAX]; /* name from the step table; "" outside a step */
    struct json *body;         /* the other members; owned; never NULL after event_init()/decode */
};

const char *event_kind_name(enum event_kind kind); /* "step.done" */
enum event_kind event_kind_from_name(const char *name);

void event_init(struct event *ev, enum event_kind kind, const char *step);
void event_done(struct event *ev);
static inline void event_done_p(struct event *ev)
{
    event_done(ev);
}

/* Append the line without LF. -ERR_NOMEM when it would be longer than EVENT_LINE_MAX; out then keeps what it had. */
int event_encode(const struct event *ev, struct buf *out, struct err *err);

/*
 * One line without LF. -ERR_PROTO: too long, not JSON, wrong version, unknown kind, bad seq, time or step; *ret is
 * untouched then.
 */
int event_decode(struct span line, struct event *ret, struct err *err);

/* The `error` member: kind, message, hint. */
struct json *event_error_to_json(const struct err *e);
/* Rebuild an error from it; the message becomes one frame (its middle is left out when it is too long). No object: ok. */
void event_error_from_json(const struct json *j, struct err *e);

#endif
