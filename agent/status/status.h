/* What is on the host for an app: docs/protocol.md "Reports", status. */
#ifndef BLUEGREEN_STATUS_H
#define BLUEGREEN_STATUS_H

#include "agent/status/look.h"

/*
 * The report; owned by the caller. Takes no lock and changes nothing on the host; an app that is unknown there gives a report
 * with nulls. time_ms: the client's clock, 0 unknown. memory: of the questions before, NULL none; see look_take().
 * -ERR_DOCKER_MISSING and its like when the engine cannot be asked, -ERR_IO.
 */
int status_report(const char *app, int64_t time_ms, struct look_memory *memory, struct json **ret, struct err *err);

/* Send it as an event; the caller ends the request. */
int status_reply(const char *app, int64_t time_ms, struct look_memory *memory, int out_fd, struct err *err);

/* The facts behind the recommendations, borrowed from the look. */
struct advice_facts;
void status_facts(const struct look *l, struct advice_facts *f);

#endif
