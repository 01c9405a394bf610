/* What the serving side writes by itself: events that are not part of a deployment's log (seq 0). */
#ifndef BLUEGREEN_REPLY_H
#define BLUEGREEN_REPLY_H

#include "shared/event.h"
#include "shared/outcome.h"

/* A `data` event of this name and its bytes. As reply_event(). */
int reply_data(int out_fd, const char *name, struct span data, struct err *err);
/* Encode and write one line. -ERR_NET when the client is gone. */
int reply_event(int out_fd, struct event *ev, struct err *err);
/* Whole bytes, blocking. */
int reply_bytes(int out_fd, struct span data, struct err *err);
/* A request whose end no run's log tells: `outcome`, with the failure when there is one, and `end`. */
int reply_outcome(int out_fd, enum outcome outcome, const struct err *failure, struct err *err);

#endif
