/* What a failed container leaves behind for whoever has to understand it, taken before the undo removes it. */
#ifndef BLUEGREEN_EVIDENCE_H
#define BLUEGREEN_EVIDENCE_H

#include "agent/run.h"
#include "agent/watch/diagnosis.h"

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

/* ---- the pieces, for who looks at a host of which no run has failed ---- */

/* What was seen. Borrows what it was made of. */
struct evidence {
    struct diagnosis_facts facts;
    struct sockets listens;
    struct buf owner; /* of the port */
};

/*
 * Look at `failed` (it may be one that does not exist) as run->spec wants it: what listens inside it, whether it speaks TLS,
 * who has the port. asked: where its health check asked; log: the tail of its log; probes: what the health check saw.
 * cause: ERR_APP_EXITED, ERR_UNHEALTHY, ERR_PORT_TAKEN… *s is initialised here; evidence_done() ends it.
 */
void evidence_look(struct run *run, const struct err *cause, const struct run_version *asked,
                   const struct run_version *failed, const struct history *probes, struct span log, struct evidence *s);
void evidence_done(struct evidence *s);

/* As lines for people, redacted: facts first, then the end of the log. telling: a line of it that decided; may be empty. */
struct json *evidence_lines(const struct run *run, const struct evidence *s, struct span telling);

/* The tail of a container's log, redacted. false: nothing of it may be shown, since its secrets cannot be hidden. */
bool evidence_tail(struct run *run, const struct engine_container *c, struct buf *log);

#endif
