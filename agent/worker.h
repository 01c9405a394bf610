/*
 * The worker: the process that does a run. It is detached from the client (own session, no standard streams), so it
 * finishes alone; what it has to tell goes to the event log.
 */
#ifndef BLUEGREEN_WORKER_H
#define BLUEGREEN_WORKER_H

#include "shared/wire.h"

#include <sys/types.h>

/* The descriptors by which the agent speaks with its client; the worker closes its copies. */
struct worker_client {
    int in_fd, out_fd;
};

/*
 * Make the deployment's folder and start its worker. 0: *ret_pid is a child of ours; 1: the deployment exists already (a
 * repeated request), nothing was started. The request's secrets live on in the worker's memory only.
 */
int worker_start(const struct wire_request *request, const struct worker_client *client, pid_t *ret_pid,
                 struct err *err);

/* Start a worker that brings a cut-off run to its end (agent/recover.h). */
int worker_start_recovery(const char *app, const char *id, const struct worker_client *client, pid_t *ret_pid,
                          struct err *err);

/* Ask the worker of a deployment to stop and undo. 0, also when it has ended. */
int worker_cancel(const char *app, const char *id, struct err *err);

#endif
