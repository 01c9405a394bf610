/* The two kinds of run: each a step table and what its end means. */
#ifndef BLUEGREEN_DEPLOY_H
#define BLUEGREEN_DEPLOY_H

#include "agent/run.h"

extern const struct step deploy_steps[];
extern const struct step rollback_steps[];

/* Do the run (lock held, files open) and tell its end. */
void deploy_run(struct run *run);
void rollback_run(struct run *run);

/* Fill the `rollback` member: why, to what, how long it took. */
void deploy_note_rollback(struct run *run, const struct err *why, bool verified);

#endif
