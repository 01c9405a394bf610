/*
 * One run per app at a time: flock on apps/APP/lock, held by the worker and gone with it. The file's content says who
 * holds it, for messages only; a dead owner never blocks.
 */
#ifndef BLUEGREEN_LOCK_H
#define BLUEGREEN_LOCK_H

#include "shared/wire.h"

#include <signal.h>
#include <sys/types.h>

struct lock_owner {
    char deployment[WIRE_ID_MAX + 1];
    char run_link[300];
    pid_t pid;
};

/*
 * Take the lock of the app, waiting up to timeout_ms. *ret_fd holds it until closed. busy is called once, when somebody
 * else has it. -ERR_LOCKED names the owner; -ERR_CANCEL.
 */
int lock_take(int app_fd, const struct lock_owner *me, int64_t timeout_ms, const volatile sig_atomic_t *cancel,
              void (*busy)(void *ctx, const struct lock_owner *owner), void *ctx, int *ret_fd, struct err *err);

/* True when somebody holds it now; *owner is what that one wrote. Creates nothing. */
bool lock_is_held(int app_fd, struct lock_owner *owner);

#endif
