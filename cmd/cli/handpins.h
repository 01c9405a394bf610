/* A person's known_hosts file: the lines of it that could be about the hosts of this call. */
#ifndef BLUEGREEN_HANDPINS_H
#define BLUEGREEN_HANDPINS_H

#include "shared/buf.h"

/*
 * Append those of `text` whose names are host's at that port. Others are left out, whatever is wrong with them: a broken line about
 * another host does no harm here. revoked_only: of the host's lines, those marked @revoked.
 */
void handpins_choose(struct span text, const char *host, int port, bool revoked_only, struct buf *out);

/* The same of a file. 1: there is no such file. -ERR_INPUT: it cannot be read, or is longer than 8 MiB. */
int handpins_read(const char *path, const char *host, int port, bool revoked_only, struct buf *out, struct err *err);

#endif
