/* What is on the host for an app: docs/protocol.md "status report". */
#ifndef BLUEGREEN_STATUS_H
#define BLUEGREEN_STATUS_H

#include "shared/err.h"

/* Send the status event; the caller ends the request. Takes no lock and changes nothing. */
int status_reply(const char *app, int out_fd, struct err *err);

#endif
