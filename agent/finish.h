/* The end of a run: the outcome event, outcome.json, the metrics file, the evidence for the bundle. */
#ifndef BLUEGREEN_FINISH_H
#define BLUEGREEN_FINISH_H

#include "agent/run.h"

/*
 * Tell and write down how the run ended; err: the first cause, kind ERR_OK when nothing failed. Emits `outcome` and
 * `end`. Never fails: a full disk does not change what happened on the host.
 */
void finish_run(struct run *run, enum outcome outcome, const struct err *err);
/* The last word alone: for a run that was cut off behind its outcome.json, with the text of that file. */
void finish_end(struct run *run, struct span outcome_json);

#endif
