/*
 * SIGINT and SIGTERM become a readable descriptor, SIGALRM a flag; SIGPIPE is ignored. The action is PID 1 in its
 * container.
 */
#ifndef BLUEGREEN_SIGNALS_H
#define BLUEGREEN_SIGNALS_H

#include "shared/err.h"

#include <signal.h>
#include <stdint.h>

/* Install the handlers. Returns 0 and the descriptor that becomes (and stays) readable after the first signal. */
int signals_init(int *ret_fd, struct err *err);
/* Non-zero after a signal: its number. */
extern volatile sig_atomic_t signals_caught;
/* Milliseconds since the first signal; 0 before. */
int64_t signals_age_ms(void);

/*
 * A limit for what must be done in a given time and cannot be told so otherwise: signals_late becomes non-zero after
 * time_ms. A new limit replaces the one before; 0: none.
 */
void signals_limit(int64_t time_ms);
extern volatile sig_atomic_t signals_late;

#endif
