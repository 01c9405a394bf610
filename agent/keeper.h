/*
 * The keeper: a container that does nothing but hold the spare port of an app whose containers publish a range.
 *
 * The engine hands out the ports of a range in turn, not the lowest first: a container that is restarted, by hand or by
 * its restart policy, would come back on the other port. With the keeper on the spare port only the production port is
 * free, so there is nothing to choose. It steps aside while a candidate is checked. Measured: docs/architecture.md.
 * It is made from the agent's own binary, without capabilities, with a read-only root.
 */
#ifndef BLUEGREEN_KEEPER_H
#define BLUEGREEN_KEEPER_H

#include "agent/run.h"

#define KEEPER_ROLE "keeper"

/* Make sure that the keeper holds `port`. 0, also when it did already. -ERR_PORT_TAKEN. */
int keeper_ensure(struct run *run, int port, struct err *err);
/* Step aside: the spare port is free until keeper_ensure(). 0, also when there is no keeper. */
int keeper_release(struct run *run, struct err *err);
/* Make sure that there is none. */
int keeper_remove(struct run *run, struct err *err);
/*
 * Put it where it belongs after a run: there when blue or green asks for a range with the production port in it, gone
 * otherwise.
 */
int keeper_settle(struct run *run, struct err *err);
/* The same; a failure is a warning. For an undo: the old version comes first. */
void keeper_settle_or_warn(struct run *run);
/*
 * Before `c` is started while nothing else of ours needs its ports: the other port of its range is held, a port that it
 * alone asks for is not.
 */
int keeper_make_way(struct run *run, const struct engine_container *c, struct err *err);

/* `bluegreen-agent keep`: wait for SIGTERM or SIGINT. */
int keeper_main(struct err *err);

#endif
