/* One channel of the protocol (docs/protocol.md): requests on standard input, events on standard output. */
#ifndef BLUEGREEN_SERVE_H
#define BLUEGREEN_SERVE_H

#include "shared/err.h"

/*
 * Say hello and answer requests until end of input. 0; -ERR_PROTO for input that is no request; -ERR_NET when the client
 * is gone. A running worker is not affected by any of these.
 */
int serve(int in_fd, int out_fd, struct err *err);

#endif
