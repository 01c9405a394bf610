/*
 * The other end of a conversation with the agent, for the command line of the host: a child that serves on a socket pair. So a
 * request by hand goes the way of a request by SSH: the worker detaches, a cancel reaches it, its log is streamed.
 */
#ifndef BLUEGREEN_TALK_H
#define BLUEGREEN_TALK_H

#include "shared/eventstream.h"
#include "shared/wire.h"

#include <sys/types.h>

struct talk {
    int fd;    /* -1: not open */
    pid_t pid; /* of the child */
    struct eventstream stream;
};

void talk_init(struct talk *t);
/* Ends the child with its input; a worker that it started goes on. */
void talk_close(struct talk *t);

/*
 * Send the request and hand over the events of its answer, in order. Opens the conversation when it is not open.
 * cancel_fd: becomes readable when it is to be cancelled, -1 never. What changes the host (deploy, rollback) is then asked to stop, once,
 * and its events go on up to the end; anything else ends with -ERR_CANCEL.
 * 0: the `end` came. on_event's failure, -ERR_PROTO, -ERR_REMOTE (the child is gone).
 */
int talk_run(struct talk *t, const struct wire_request *request, int cancel_fd, eventstream_fn *on_event, void *ctx,
             struct err *err);

#endif
