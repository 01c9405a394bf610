/*
 * Which TCP sockets listen in a network namespace: /proc/net or /proc/PID/net, which any user may read.
 */
#ifndef BLUEGREEN_SOCKETS_H
#define BLUEGREEN_SOCKETS_H

#include "shared/buf.h"

#define SOCKETS_MAX 16

struct socket_listener {
    int port;
    bool loopback;    /* nobody from outside the namespace reaches it */
    char address[48]; /* "0.0.0.0", "127.0.0.1", "::", … */
    uint64_t inode;
};

struct sockets {
    bool known; /* the namespace could be looked at */
    struct socket_listener at[SOCKETS_MAX];
    size_t len;
};

/* The next listening socket of an open /proc/…/net/tcp or tcp6; false at the end. Lines that make no sense are skipped. */
bool sockets_next(FILE *f, struct socket_listener *ret);

/*
 * All of a folder such as "/proc/12/net", each address and port once; the engine's own name server in a container
 * (127.0.0.11) is left out. ret->known is false when the folder cannot be read.
 */
void sockets_read(const char *net_dir, struct sockets *ret);

/* One that listens on that port: reachable from outside when there is one, else on loopback; NULL: none. */
const struct socket_listener *sockets_on(const struct sockets *s, int port);
/* One that is not on that port, reachable from outside when there is one; NULL: none. */
const struct socket_listener *sockets_elsewhere(const struct sockets *s, int port);

/* "0.0.0.0:3000, [::1]:9000", or "no TCP port". */
void sockets_text(const struct sockets *s, struct buf *out);

#endif
