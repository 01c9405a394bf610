/*
 * The keeper: a small container per app that looks after what nobody else does between two deployments.
 *
 * - The engine hands out the ports of a range in turn, not the lowest first: a version that was deployed with handover
 *   and is restarted, by hand, by its restart policy or at a boot, may come back on the spare port. The keeper sees the
 *   start and puts it back on the production port. Measured: docs/architecture.md.
 * - A run whose worker was killed, or that the host went down with, is brought to its end (agent/recover.h).
 * - It is on the app's network without saying anything there: a bridge that loses its last member makes the kernel
 *   forget every address behind it, and wait a second for the next one (strategy_recreate.c).
 *
 * It is the agent's own binary from scratch with the engine's socket, the state root, and nothing else: no open port, a
 * read-only root, no capabilities, not root. It acts under the app's lock only, so never beside a run.
 */
#ifndef BLUEGREEN_KEEPER_H
#define BLUEGREEN_KEEPER_H

#include "agent/run.h"

#define KEEPER_ROLE "keeper"

/* Make sure that there is one, running, of this version of the agent. */
int keeper_ensure(struct run *run, struct err *err);
/* Make sure that there is none. */
int keeper_remove(struct run *run, struct err *err);
/* keeper_ensure() whose failure is a warning. */
void keeper_ensure_or_warn(struct run *run);

/*
 * The production port with which a container of ours was deployed, and the pair that it asks for. false: it asks for one
 * port, or its settings are not on the host (any more).
 */
bool keeper_ports_of(int app_fd, const struct engine_container *c, int *port, int *first, int *last);

/* `bluegreen-agent keep APP`: what runs in the container. Ends with SIGTERM or SIGINT. */
int keeper_main(const char *app, struct err *err);

#endif
