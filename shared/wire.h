/*
 * Framing of what the client sends to the agent's stdin (docs/protocol.md "Requests"): a decimal length, LF, then that
 * many bytes of JSON. The way back is event lines (shared/event.h).
 */
#ifndef BLUEGREEN_WIRE_H
#define BLUEGREEN_WIRE_H

#include "event.h"
#include "spec.h"

#define WIRE_VERSION 1
#define WIRE_REQUEST_MAX (1024 * 1024)
#define WIRE_TO_MAX 400 /* of an image reference that people type */
#define WIRE_LINES_MAX 10000
#define WIRE_LINES_DEFAULT 200
#define WIRE_ID_MAX 40 /* deployment id: YYYYMMDD-HHMMSS-xxxxxx, [0-9a-z-] */

enum wire_op {
    WIRE_INVALID = 0,
    WIRE_DEPLOY,   /* deployment (id chosen by the client), spec */
    WIRE_ROLLBACK, /* deployment (id of this rollback run), app, only_if_current ("" = whatever is current), to, given */
    WIRE_STATUS,   /* app */
    WIRE_ATTACH,   /* app, deployment, from: stream events with seq >= from, to the end */
    WIRE_CANCEL,   /* app, deployment: ask the worker to stop and undo; answered by the running stream, not by itself */
    WIRE_BUNDLE,   /* app, deployment: data events with a tar.gz */
    WIRE_HISTORY,  /* app: the audit log, or (verify) whether it is whole */
    WIRE_LOGS,     /* app, target: data events with text; with follow until the client cancels or leaves */
    WIRE_DIAGNOSE, /* app */
    WIRE_PRUNE,    /* app */
    WIRE_PLAN,     /* app, spec: what a deploy of it would do */
};
#define WIRE_OPS (WIRE_PLAN + 1)

struct wire_request {
    enum wire_op op;
    char app[SPEC_APP_MAX + 1];
    char deployment[WIRE_ID_MAX + 1];
    char only_if_current[WIRE_ID_MAX + 1]; /* rollback: refuse (outcome unchanged) unless blue is this deployment */
    char reason[200];                      /* rollback: for the log ("job failed") */
    char run_link[300];                    /* who asks: rollback, prune */
    uint64_t from;                         /* attach */
    int64_t lock_timeout_ms;               /* rollback, prune */
    char to[WIRE_TO_MAX + 1];              /* rollback: id, digest, tag or reference; "" = the previous version */
    char target[WIRE_ID_MAX + 1];          /* logs: blue, green, next or a deployment's id; "" = blue */
    int64_t time_ms;                       /* status, diagnose: the client's wall clock, to find a skew; 0 unknown */
    int64_t since_ms;                      /* logs: Unix time of the oldest line; 0 = any */
    int64_t lines;                         /* logs: of the end; history: newest entries */
    bool follow;                           /* logs */
    bool verify;                           /* history */
    bool dry_run;                          /* prune */
    int64_t keep_hours, keep_versions, log_retention_days; /* prune: -1 = as the version that serves was deployed */
    /*
     * deploy, plan. Of a rollback to a version whose container is gone, and of diagnose: what is given anew, in secret_env,
     * registry_username, registry_password and ecr_auth. Initialised in every case.
     */
    struct spec spec;
};

void wire_request_init(struct wire_request *r);
/* The default of every whole number in it; for a request that was filled in by hand. */
void wire_request_defaults(struct wire_request *r);
void wire_request_done(struct wire_request *r); /* zeroes the secrets */
static inline void wire_request_done_p(struct wire_request *r)
{
    wire_request_done(r);
}

/*
 * Append the frame. The buf holds secrets: wipe it. The `app` of deploy and plan may be left empty: it is spec.app then; their
 * spec is checked as by spec_check(). -ERR_INPUT, -ERR_NOMEM (longer than WIRE_REQUEST_MAX), -ERR_BUG.
 */
int wire_encode(const struct wire_request *r, struct buf *out, struct err *err);
/* Decode the JSON of one frame; strict. *r is initialised here; done again on failure. -ERR_PROTO; a spec: -ERR_INPUT. */
int wire_decode(struct span text, struct wire_request *r, struct err *err);

/*
 * Cut one frame off the front of `in`. 0 and *text set (borrowed from in->ptr, valid until *used bytes are consumed), 1:
 * more bytes are needed, -ERR_PROTO: not a frame or longer than WIRE_REQUEST_MAX.
 */
int wire_next_frame(const struct buf *in, struct span *text, size_t *used, struct err *err);

const char *wire_op_name(enum wire_op op); /* "deploy"; "" when it is none */
bool wire_is_id(const char *s);
/* A new id from the wall clock and random bits. */
int wire_new_id(char out[WIRE_ID_MAX + 1], struct err *err);

#endif
