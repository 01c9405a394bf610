/* Who has a port of the host? */
#ifndef BLUEGREEN_PORTS_H
#define BLUEGREEN_PORTS_H

#include "agent/run.h"

/*
 * Every port of the range must be free, or held by blue or the keeper. -ERR_PORT_TAKEN names the owner: a container, or a
 * process of the host as far as we may see it.
 */
int ports_check(struct run *run, int first, int last, struct err *err);

/* "process 'nginx' (pid 12)", or that this user may not look at it; false when nothing listens on it. IPv4 and IPv6. */
bool ports_listener(int port, struct buf *owner);

/*
 * Keep the port from everybody, the engine included, until the descriptor is closed: bound on every address, so that
 * nobody can connect. -1 when that cannot be had (privileged port, taken).
 */
int ports_hold(int port);

/* Who has the port now: "container 'web' (image nginx:1)" or as ports_listener(). false: nobody. */
bool ports_owner(struct run *run, int port, struct buf *owner);

#endif
