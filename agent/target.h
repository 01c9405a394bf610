/*
 * What a rollback goes back to (request.to, run->to): nothing to do, the green container, or a new container of a version
 * whose own one is gone, with the settings that it was deployed with.
 */
#ifndef BLUEGREEN_TARGET_H
#define BLUEGREEN_TARGET_H

#include "agent/run.h"

enum target {
    TARGET_GREEN,    /* the kept container: rollback_steps */
    TARGET_SERVES,   /* the version that serves is meant */
    TARGET_ANOTHER,  /* run->only_if_current is not what serves */
    TARGET_REDEPLOY, /* run->spec is what is to be deployed: deploy_steps */
};

/*
 * Find out (lock held; names that an earlier run left are put right first). For TARGET_GREEN run->target_id is its container. For TARGET_REDEPLOY run->spec is filled: the settings of the stored request, those of what serves
 * when there is no record; secret values given anew, else from a container that has them; the image by its digest where
 * that is known. They are known to the redactor then.
 * -ERR_NO_PREVIOUS says why it cannot be and what there is instead.
 */
int target_resolve(struct run *run, enum target *ret, struct err *err);

#endif
