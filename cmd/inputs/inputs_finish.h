/*
 * After every row is read: what needs more than one input, and what the runner says of itself. Private to
 * the inputs.
 */
#ifndef BLUEGREEN_INPUTS_FINISH_H
#define BLUEGREEN_INPUTS_FINISH_H

#include "cmd/inputs/inputs_reading.h"

/* Fills in what depends on other inputs and tells the problems found. 0, or -ERR_NOMEM. */
int inputs_finish(struct settings_reading *rd, const struct inputs_source *source);

#endif
