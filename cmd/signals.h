/* SIGINT and SIGTERM become a readable descriptor; SIGPIPE is ignored. The action is PID 1 in its container. */
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

#endif
