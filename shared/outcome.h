/* How a run ended. Contract: names and exit codes are documented in README and never change their meaning. */
#ifndef BLUEGREEN_OUTCOME_H
#define BLUEGREEN_OUTCOME_H

#include "err.h"

enum outcome {
    OUTCOME_UNKNOWN = 0,      /* the connection or the agent was lost before the end was told */
    OUTCOME_DEPLOYED,         /* the new version serves */
    OUTCOME_UNCHANGED,        /* the wanted version already served; nothing was done */
    OUTCOME_ROLLED_BACK,      /* the previous version serves again */
    OUTCOME_FAILED_UNTOUCHED, /* failed before production was touched */
    OUTCOME_ROLLBACK_FAILED,  /* failed, and the way back failed too: needs a person */
    OUTCOME_REPORTED,         /* a question was answered (status, bundle); nothing was to change */
};

const char *outcome_name(enum outcome o);
enum outcome outcome_from_name(const char *name); /* OUTCOME_UNKNOWN when unknown */

/*
 * Exit code of the action. `wanted_rollback`: the command was `rollback`, so OUTCOME_ROLLED_BACK is success. `cause` is
 * ERR_OK or the kind of the failure; it refines OUTCOME_FAILED_UNTOUCHED only. DEPLOYED, UNCHANGED and REPORTED are 0.
 */
int outcome_exit_code(enum outcome o, bool wanted_rollback, enum err_kind cause);

#endif
