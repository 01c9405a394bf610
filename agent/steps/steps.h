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
/*
 * What preflight_apply() asks, one question each, for who only asks (agent/plan.c): nothing is changed on the host, nothing
 * journaled. preflight_open() comes first, preflight_look_at_old() before those that look at run->old.
 */
int preflight_open(struct run *run, struct err *err);
int preflight_disks(struct run *run, struct err *err);
int preflight_look_at_old(struct run *run, const char *name, struct err *err);
/* 0: one of ours has the name of the candidate, its id is in ret_id; 1: it is free. */
int preflight_next_name(struct run *run, char *ret_id, size_t size, struct err *err);
int preflight_name(struct run *run, const char *name, struct err *err);
int preflight_way_back(const struct run *run, struct err *err);
/* Sets run->strategy and final_policy. */
int preflight_strategy(struct run *run, struct err *err);
int preflight_journal_facts(struct run *run, struct err *err);

/* imagecheck.c: what the registry says of the image, before a byte of it is pulled; tag → digest. */
int check_apply(struct run *run, struct err *err);

/* What is known of the image when it is asked for without a pull. */
struct image_known {
    struct engine_remote remote;
    int64_t size_bytes; /* to download; 0 unknown */
    char scan[200];     /* the findings, for the step's text; "" not looked at */
};
/*
 * Room for an image of SIZE bytes to download: its layers unpacked take two to three times that, and while the last ones
 * are unpacked they are there twice. Twice the download is what no image gets along with less than.
 */
#define CHECK_DISK_FACTOR 2
/* The parts of check_apply(), in this order; the others need what the first one sets: run->digest and image_ref. */
int check_resolve(struct run *run, struct image_known *known, struct err *err);
int check_platform(const struct run *run, const struct engine_remote *remote, struct err *err);
int check_findings(struct run *run, struct image_known *known, struct err *err);
int check_room(struct run *run, int64_t size_bytes, struct err *err);
/* Is it on the host, by its digest? */
bool check_is_here(struct run *run);
/* The image is named by its digest (run->ref) and on the host: a deployment gets along without its registry. */
bool check_needs_no_registry(struct run *run);

/* image.c */
int login_apply(struct run *run, struct err *err);
int pull_apply(struct run *run, struct err *err);
int pull_undo(struct run *run, struct err *err);
/* Does what is wanted serve already, with the same settings? Whether it is healthy is not asked. Sets run->fingerprint. */
int compare_same(struct run *run, bool *ret, struct err *err);
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
/* The name of the container that is blue then; blue's own also when there is none. Changes nothing. */
int settle_who_is_blue(struct run *run, const char **ret_name, struct err *err);

/* prune.c */
int prune_apply(struct run *run, struct err *err);

#endif
