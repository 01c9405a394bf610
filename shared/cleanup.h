/*
 * Scope-exit cleanup. `_cleanup_(fn)` runs fn(&variable) when the variable leaves scope; each type keeps its `_p`
 * helper beside its own `_free`. The attribute does not run on exit() or on a signal: cancellation is a value that
 * the code sees, then the stack unwinds.
 */
#ifndef BLUEGREEN_CLEANUP_H
#define BLUEGREEN_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Hand a pointer over: yields its value and leaves NULL behind, so that its cleanup does nothing. */
#define TAKE_PTR(p)                                                                                                    \
    __extension__({                                                                                                    \
        __typeof__(p) taken_ = (p);                                                                                    \
        (p) = NULL;                                                                                                    \
        taken_;                                                                                                        \
    })

/* The same for a file descriptor: leaves -1 behind. */
#define TAKE_FD(fd)                                                                                                    \
    __extension__({                                                                                                    \
        int taken_ = (fd);                                                                                             \
        (fd) = -1;                                                                                                     \
        taken_;                                                                                                        \
    })

/* Close *fd unless it is -1; cannot fail, keeps errno. On Linux the descriptor is gone even after EINTR: no retry. */
static inline void close_p(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

/* Free *(void **)p; for char * and other plain heap pointers. */
static inline void free_p(void *p)
{
    void **pp = p;
    free(*pp);
    *pp = NULL;
}

static inline void fclose_p(FILE **f)
{
    if (*f)
        (void)fclose(*f); /* callers that care about the result close by hand */
    *f = NULL;
}

#endif
