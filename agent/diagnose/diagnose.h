/* The checks of the diagnosis table against the host as it is now: docs/protocol.md "Reports", diagnose. Changes nothing. */
#ifndef BLUEGREEN_DIAGNOSE_H
#define BLUEGREEN_DIAGNOSE_H

#include "shared/wire.h"

/*
 * The report; owned by the caller. An engine that cannot be asked is a finding, not a failure. request->spec has what was
 * given to log in to the registry with, which is asked for 10 s at most. -ERR_IO: the state root cannot be read.
 */
int diagnose_report(const struct wire_request *request, struct json **ret, struct err *err);

/* Send it as an event; the caller ends the request. */
int diagnose_reply(const struct wire_request *request, int out_fd, struct err *err);

#endif
