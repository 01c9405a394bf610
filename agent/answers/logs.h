/*
 * The answer to `logs`: what a container writes, or what a deployment did. A child reads and writes it out as `data` events,
 * so that a log that is followed can be ended at any time.
 *
 * Secrets of the container are learned first and replaced; a log whose secrets cannot be known is not shown.
 */
#ifndef BLUEGREEN_LOGS_H
#define BLUEGREEN_LOGS_H

#include "shared/wire.h"

#include <sys/types.h>

struct logs_child {
    pid_t pid;
    int fd; /* readable when it has ended */
};

/* -ERR_NOMEM, -ERR_IO. */
int logs_start(const struct wire_request *request, int out_fd, struct logs_child *ret, struct err *err);
/*
 * Ask it to end, wait for that, and tell why it failed: 0 (also: it was asked to end), -kind. -ERR_NET: it was killed, maybe in the
 * middle of a frame: nothing may follow on its output.
 */
int logs_end(struct logs_child *child, struct err *err);

/* How the child tells its error: as the protocol writes it, shortened when that is longer than out->max. */
void logs_print_error(const struct err *e, struct buf *out);

#endif
