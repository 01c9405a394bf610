/*
 * The audit log as it is told: the entry of a run, the answer to `history`, the trend of the KPIs. Shapes:
 * docs/history.schema.json.
 */
#ifndef BLUEGREEN_AUDITREPORT_H
#define BLUEGREEN_AUDITREPORT_H

#include "agent/state/audit.h"
#include "shared/wire.h"

#define AUDITREPORT_TREND_MAX 20

/* What audit_append() is given of a deployment or rollback: picked from the members of its outcome event. */
struct json *auditreport_of_outcome(const struct json *outcome, const char *reason);

/* ENTRY objects, newest first, at most max of them; every member is there. Caller frees. */
struct json *auditreport_entries(const struct audit_log *log, size_t max);

/*
 * TREND: the newest good deployments and rollbacks, oldest first. Of a log that was read with at least
 * AUDITREPORT_LOOKED_AT entries, else of those there are. Caller frees. Never NULL; empty when nothing is known.
 */
#define AUDITREPORT_LOOKED_AT 200
struct json *auditreport_trend_of(const struct audit_log *log);
/* The same, the log read here. */
struct json *auditreport_trend(int app_fd);

/* {"whole","entries","head","first_bad","why"} */
struct json *auditreport_verified(const struct audit_verified *v);

/*
 * Answer a `history`: one report event or several. With request->verify a log that is not whole is -ERR_AUDIT after the
 * report was sent. Creates nothing on the host; an app that is not there has an empty history.
 */
int auditreport_reply(const struct wire_request *request, int out_fd, struct err *err);

#endif
