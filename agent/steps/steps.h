/*
 * The functions behind the rows of the step tables (agent/deploy.c, agent/rollback.c). Contracts: struct step in
 * agent/step.h. One file each: preflight.c, imagecheck.c, image.c, candidate.c, proof.c, commit.c, prune.c.
 */
#ifndef BLUEGREEN_STEPS_H
#define BLUEGREEN_STEPS_H

#include "agent/run.h"

/* preflight.c: engine, disk, names, port owner; finds the version that serves. */
int preflight_apply(struct run *run, struct err *err);
/* The part that a rollback shares: open the engine, look at the disk. */
int preflight_engine(struct run *run, struct err *err);
/* Find blue and remember what an undo needs; journals it. */
int preflight_find_old(struct run *run, struct err *err);
int preflight_journal_facts(struct run *run, struct err *err);

/* imagecheck.c: what the registry says of the image, before a byte of it is pulled; tag → digest. */
int check_apply(struct run *run, struct err *err);
/* The image is named by its digest (run->ref) and on the host: a deployment gets along without its registry. */
bool check_needs_no_registry(struct run *run);

/* image.c */
int login_apply(struct run *run, struct err *err);
int pull_apply(struct run *run, struct err *err);
int pull_undo(struct run *run, struct err *err);
/* STEP_FINISHED when the wanted version with the same settings serves already. */
int compare_apply(struct run *run, struct err *err);

/* candidate.c */
int candidate_apply(struct run *run, struct err *err);
int candidate_undo(struct run *run, struct err *err);

/* proof.c: the strategy's moves, with the prober around them, and the checks behind them. */
int warm_up_apply(struct run *run, struct err *err);
int cutover_apply(struct run *run, struct err *err);
int cutover_undo(struct run *run, struct err *err);
int health_apply(struct run *run, struct err *err);
int comprehensive_apply(struct run *run, struct err *err);

/* commit.c */
int commit_apply(struct run *run, struct err *err);
int commit_undo(struct run *run, struct err *err);
int settle_apply(struct run *run, struct err *err);
/*
 * Before a run looks for what serves: when blue does not run but another version of ours does (an earlier settle could not
 * give the names, or somebody went back by hand), that one becomes blue and blue becomes green. 0 also: nothing to do.
 */
int settle_names_left(struct run *run, struct err *err);

/* prune.c */
int prune_apply(struct run *run, struct err *err);

#endif
