/* Whole writes and reads through a descriptor, and its lock. */
#ifndef BLUEGREEN_FD_H
#define BLUEGREEN_FD_H

#include "buf.h"

/* Every byte, however often a signal comes in between. 0, or -1 with errno. */
int fd_write(int fd, struct span bytes);
/* Append what is left of it. 0, or -1 with errno; EFBIG when it does not fit: no more is read then. */
int fd_read(int fd, struct buf *out);

/*
 * flock() it for us alone. 0, or -1 with errno; EWOULDBLOCK: somebody has it. Who asks with a shared lock whether it is held
 * has it for an instant, too: that one is waited for, at most 50 ms.
 */
int fd_lock(int fd);

#endif
