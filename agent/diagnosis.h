/*
 * Why did it fail? One table from what was seen (kind of error, exit code, words in the log) to the likely cause and
 * the next step. Pure: no calls, no state.
 */
#ifndef BLUEGREEN_DIAGNOSIS_H
#define BLUEGREEN_DIAGNOSIS_H

#include "agent/engine.h"

struct diagnosis {
    const char *code;  /* stable name */
    const char *cause; /* one sentence */
    const char *next;  /* what to do */
};

/* The first row that fits. container NULL: there was none. log: the tail of its log. false when none fits. */
bool diagnose(const struct err *cause, const struct engine_container *container, struct span log,
              struct diagnosis *ret);

#endif
