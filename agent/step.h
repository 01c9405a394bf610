/*
 * A run is a table of steps. steps_run() is the only loop that knows the order, the undo order and the commit point.
 */
#ifndef BLUEGREEN_STEP_H
#define BLUEGREEN_STEP_H

#include "shared/err.h"

#include <stdint.h>

struct run;

enum step_flags {
    STEP_COMMIT = 1,   /* what came so far stays, whatever follows */
    STEP_OPTIONAL = 2, /* its failure is told as a warning and changes nothing */
    STEP_TOUCHES = 4,  /* production is touched from here on: a failure is a rollback, not "untouched" */
    STEP_WHOLE = 8,    /* bounded; a cancel waits for its end: a call that is cut off may happen after its undo */
};

struct step {
    const char *name;  /* contract: key of the metrics (`steps.NAME`) and of the events */
    const char *title; /* for people */
    /*
     * Does the step. 0 done; STEP_SKIPPED nothing to do; STEP_FINISHED the whole run is done (nothing to change); -kind.
     * May leave a sentence on what it found in run->step_text.
     */
    int (*apply)(struct run *run, struct err *err);
    /*
     * Undoes it by looking at the world, not at memory: accepts a step that never ran, ran half or was undone already.
     * Ignores cancellation. NULL: nothing to undo.
     */
    int (*undo)(struct run *run, struct err *err);
    int64_t timeout_ms; /* run->deadline_ms while apply or undo works; loops inside obey it */
    unsigned flags;
};

#define STEP_SKIPPED 1
#define STEP_FINISHED 2
#define STEPS_MAX 16

enum step_status { STEP_PENDING = 0, STEP_OK, STEP_FAILED, STEP_WAS_SKIPPED };

struct step_record { /* how it went: for metrics and summary */
    enum step_status status;
    int64_t took_ms;
};

enum steps_result {
    STEPS_DONE,        /* all done (a failed optional step included) */
    STEPS_NOTHING,     /* a step found nothing to do */
    STEPS_UNDONE,      /* failed, every undo worked */
    STEPS_UNDO_FAILED, /* failed, and an undo as well */
};

/*
 * Run the table (ended by a NULL name). *touched tells whether a STEP_TOUCHES step had begun. err is the first failure.
 */
enum steps_result steps_run(struct run *run, const struct step *steps, bool *touched, struct err *err);

/* Undo everything of the table, newest first: after a crash. */
enum steps_result steps_undo_all(struct run *run, const struct step *steps);

#endif
