/* The main stage: deploy, rollback or status, from the inputs to the exit code. */
#ifndef BLUEGREEN_ACTION_H
#define BLUEGREEN_ACTION_H

/* Does everything, tells everything; returns the exit code (README "Exit codes"). */
int action_main(void);

/* Deploy or roll back by hand: the same without post stage, outputs and job summary. The exit code. */
struct stage_hand;
int action_by_hand(const struct stage_hand *hand);

#endif
