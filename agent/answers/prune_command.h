/* The command `prune`: tidy up on the host between deployments, or (dry run) tell what that would remove. */
#ifndef BLUEGREEN_PRUNE_COMMAND_H
#define BLUEGREEN_PRUNE_COMMAND_H

#include "shared/wire.h"

/*
 * Answer with a `prune` report. Holds the app's lock while it removes, waiting for it as long as the request says; a run that was
 * cut off is brought to its end first. -ERR_LOCKED names who has the lock. A dry run takes no lock and changes nothing.
 */
int prune_command(const struct wire_request *request, int out_fd, struct err *err);

#endif
