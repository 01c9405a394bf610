/* Whole writes and reads through a descriptor. */
#ifndef BLUEGREEN_FD_H
#define BLUEGREEN_FD_H

#include "buf.h"

/* Every byte, however often a signal comes in between. 0, or -1 with errno. */
int fd_write(int fd, struct span bytes);
/* Append what is left of it. 0, or -1 with errno; EFBIG when it does not fit: no more is read then. */
int fd_read(int fd, struct buf *out);

#endif
