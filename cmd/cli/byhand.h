/*
 * The command line of a person, on a laptop or in another CI: bluegreen COMMAND [OPTIONS] (shared/cli/cli.h). The same flow as the
 * action's, with settings from a file and options in place of inputs, and words for people in place of workflow commands.
 */
#ifndef BLUEGREEN_BYHAND_H
#define BLUEGREEN_BYHAND_H

#include <stdbool.h>

/* Nothing was asked for, and no runner set anything up either. */
bool byhand_is_lost(int argc);
/* Does all of it; the exit code. */
int byhand_main(int argc, char *const argv[]);

#endif
