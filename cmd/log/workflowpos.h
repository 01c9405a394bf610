/*
 * Where in its workflow file the step stands that runs us: what annotations point at.
 *
 * Not a YAML parser: workflow files are read by their lines and indentation, and what cannot be told for sure is not told.
 * The file in the workspace may be another version than the one that runs; a wrong line is then all that happens.
 */
#ifndef BLUEGREEN_WORKFLOWPOS_H
#define BLUEGREEN_WORKFLOWPOS_H

#include "shared/buf.h"

#define WORKFLOWPOS_FILE_MAX (256 * 1024)
#define WORKFLOWPOS_PATH_MAX 256

/* What the runner tells; NULL or "" where it says nothing. Borrowed. */
struct workflowpos_env {
    const char *workflow_ref;      /* GITHUB_WORKFLOW_REF: "owner/repo/.github/workflows/x.yml@refs/heads/main" */
    const char *repository;        /* GITHUB_REPOSITORY */
    const char *workspace;         /* GITHUB_WORKSPACE */
    const char *action_repository; /* GITHUB_ACTION_REPOSITORY; empty for an action of the workspace itself */
    const char *action;            /* GITHUB_ACTION: the step's id, or a name that the runner made up */
    const char *job;               /* GITHUB_JOB: the job's id */
};

struct workflowpos {
    char file[WORKFLOWPOS_PATH_MAX]; /* relative to the workspace; "" not known: the annotations get no position */
    int line;                        /* of the step's `uses:`, from 1; 0: not known */
    struct buf text;                 /* the file, for workflowpos_input() */
};

/* Environment of the runner into *ret. */
void workflowpos_env(struct workflowpos_env *ret);

/*
 * Fills *ret; workflowpos_done() afterwards. The file must be in the workspace, belong to the repository that runs, and
 * use the action; several steps that may be ours leave the line open. Reads WORKFLOWPOS_FILE_MAX bytes at most.
 */
void workflowpos_find(const struct workflowpos_env *env, struct workflowpos *ret);
void workflowpos_done(struct workflowpos *p);

/* Line of an input's key below the step's `with:`; the step's own line when it is not there. */
int workflowpos_input(const struct workflowpos *p, const char *input);

/* The parts of it, pure. */

/* The file's path within the repository. false: another repository's, or a path that is not plain. */
bool workflowpos_path(const char *workflow_ref, const char *repository, char out[WORKFLOWPOS_PATH_MAX]);
/* Line of the `uses:` of the step that is ours. 0: more than one may be; -1: none can be. */
int workflowpos_step(struct span text, const struct workflowpos_env *env);
/* Line of the key `input` below the `with:` of the step whose `uses:` stands on step_line; 0: not there. */
int workflowpos_key(struct span text, int step_line, const char *input);

#endif
