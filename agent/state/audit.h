/*
 * The audit log of an app: who changed what, when, and how it ended. Append-only and hash-chained
 * (agent/state/auditchain.h), one entry a run: AUDIT_FILE, AUDIT_FILE_BEFORE and AUDIT_HEAD_FILE in the app's folder.
 *
 * Written by finish_run() for a deployment and a rollback however it ended, and by whoever tidies up (operation "prune").
 * The lock is the log's own: a run that was refused the app's lock is recorded as well.
 */
#ifndef BLUEGREEN_AUDIT_H
#define BLUEGREEN_AUDIT_H

#include "agent/state/auditchain.h"
#include "shared/json.h"
#include "shared/redact.h"

#define AUDIT_FILE_MAX (8 * 1024 * 1024) /* then it is rotated */
#define AUDIT_CHANGES_MAX 6000           /* bytes of an entry's `changes`, printed; beyond it names are left out */

struct audit_mark {
    struct audit_link link; /* of the entry: n and hash */
    char found[300];        /* what was wrong with the log before it; "" nothing. A warning for the run to tell */
};

/*
 * Append one entry and sync it; when this returns 0 it counts.
 * entry: ENTRY of docs/history.schema.json without n, t and hash: operation (deploy, rollback, prune), deployment, outcome,
 *   error, image, digest, previous_image, previous_digest, previous_deployment, strategy, who, reason, started, the
 *   durations, requests_failed and changes. Members that are left out are left out of the file. Names of environment
 *   variables only, never their values. Borrowed. A prune has outcome "pruned" or "failed", and in changes the names of
 *   what went: {"containers":[…],"images":[…],"records":[…],"bytes":N}.
 * redactor: every string goes through it; NULL: there is nothing to hide.
 * A deployment whose entry is the last one already, with this outcome, gets no second one: *ret names that. On a log that is not
 * whole the entry begins with AUDITCHAIN_BROKEN, and verification goes on finding the break.
 * -ERR_DISK_FULL, -ERR_IO, -ERR_LOCKED (somebody holds the log for seconds): nothing was appended.
 */
int audit_append(int app_fd, const struct json *entry, const struct redactor *redactor, struct audit_mark *ret,
                 struct err *err);

struct audit_log {
    struct buf before, now, head;
    struct audit_verified verified;
    struct span *newest; /* good entries, as lines; a ring of `wanted` */
    size_t wanted, count;
    uint64_t seen;
};

/* Read and verify; keeps the newest `wanted` entries. Creates nothing: an app without a log has an empty one. */
int audit_read(int app_fd, size_t wanted, struct audit_log *ret, struct err *err);
void audit_log_done(struct audit_log *log);
static inline void audit_log_done_p(struct audit_log *log)
{
    audit_log_done(log);
}
/* The i-th newest entry (0: the last one) as it is in the file; caller frees. NULL: there is none, or it is not JSON. */
struct json *audit_entry(const struct audit_log *log, size_t i);

#endif
