/* The main stage: deploy, rollback or status, from the inputs to the exit code. */
#ifndef BLUEGREEN_ACTION_H
#define BLUEGREEN_ACTION_H

/* Does everything, tells everything; returns the exit code (README "Exit codes"). */
int action_main(void);

#endif
