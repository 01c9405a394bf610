/*
 * Runs that nobody finished: their worker was killed, or the host went down. Each is brought to an end by looking at
 * Docker: committed ones are settled, others undone. Idempotent; may itself be killed.
 */
#ifndef BLUEGREEN_RECOVER_H
#define BLUEGREEN_RECOVER_H

#include "agent/run.h"

/*
 * Finish every unfinished run of the app but `except` ("" none). The lock must be held. told: the run in whose log this
 * is mentioned; NULL: the keeper asks, from whose container the host's ports are not reached, so the engine's word (runs,
 * holds the port) takes the place of the health check. Failures are told and do not stop the caller: the next steps look at the world anyway.
 */
void recover_app(const char *app, int app_fd, const char *except, struct run *told);

/* Is there an unfinished run without a living worker? Takes no lock. */
bool recover_is_due(int app_fd);

/* Finish one. -ERR_LOCKED: the app's lock is not let go. 0 also when it has ended already, or its worker is alive. */
int recover_one(const char *app, const char *id, struct err *err);

#endif
