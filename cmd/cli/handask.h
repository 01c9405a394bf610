/* What is asked by hand, and how the answer is shown: reports, logs, bundles, a watched status. */
#ifndef BLUEGREEN_HANDASK_H
#define BLUEGREEN_HANDASK_H

#include "cmd/cli/handout.h"
#include "cmd/stage.h"
#include "shared/cli/cli.h"

/* Ask, show, and return the exit code. `out` is the one that hand writes to. */
int handask_run(const struct cli_call *call, const struct stage_hand *hand, struct handout *out);

#endif
