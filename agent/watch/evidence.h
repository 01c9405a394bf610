/* What a failed container leaves behind for whoever has to understand it, taken before the undo removes it. */
#ifndef BLUEGREEN_EVIDENCE_H
#define BLUEGREEN_EVIDENCE_H

#include "agent/run.h"

#define EVIDENCE_LOG_LINES 200
#define EVIDENCE_LOG_BYTES (256 * 1024)
#define EVIDENCE_SHOWN_LINES 20

/*
 * Tell the last lines of the candidate's log, keep its tail and its inspect for the bundle, and emit a diagnosis: likely
 * cause and next step. Never fails: what cannot be had is left out.
 */
void evidence_collect(struct run *run, const struct err *cause);

/*
 * A container may print secrets that this run was not given: a rollback has none, and the old version's may differ. Their
 * keys are in its deployment's record, their values in its configuration: they become known to run->redactor. Negative:
 * not all of them could be found out, so nothing of the container may be shown.
 */
int evidence_learn_secrets(struct run *run, const struct engine_container *c, struct err *err);

/*
 * Write NAME (for example "app-blue.log") with the tail of a container's log, redacted, into the deployment's folder, and
 * "inspect-ROLE.json" with the values of its environment taken out.
 */
void evidence_save(struct run *run, const struct engine_container *c, const char *role);

/*
 * A container may print secrets that this run was not given: a rollback has none, and the old version's may differ. Their
 * keys are in its deployment's record, their values in its configuration: run->redactor learns them. Negative: not all of
 * them are known now, so nothing of this container may be shown.
 */
int evidence_learn_secrets(struct run *run, const struct engine_container *c, struct err *err);

#endif
