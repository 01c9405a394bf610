/* Inside of the SSH door: shared by ssh*.c only. */
#ifndef BLUEGREEN_SSH_INTERNAL_H
#define BLUEGREEN_SSH_INTERNAL_H

#include "cmd/ssh/hostpin.h"
#include "cmd/ssh/ssh.h"
#include "cmd/ssh/sshkey.h"

#include <libssh2.h>

#define SSH_FIRST_MAX 160

/* One SSH session: on a socket of its own, or on a channel of the session to the jump host. */
struct ssh {
    LIBSSH2_SESSION *session;
    int fd;            /* -1: on a channel */
    struct ssh *outer; /* session to the jump host */
    bool owns_outer;
    LIBSSH2_CHANNEL *via; /* of outer */
    struct buf ahead;     /* bytes of `via` that were read before the session asked for them */
    bool via_reading;     /* the last packet that outer began and could not finish was begun by a read of `via` */

    int cancel_fd;
    int64_t limit_ms;          /* no wait goes beyond it (monotonic); 0 none */
    bool ready;                /* authenticated: keepalives may be sent */
    bool closing;              /* the callbacks refuse, so that nothing waits any more */
    bool half_sent;            /* a packet went out in part: only the call that began it may send now */
    bool peer_ended;           /* the peer closed the transport */
    int sock_errno;            /* last failure of the socket; 0 none */
    int64_t alive_ms;          /* when the peer last gave a sign of life */
    int64_t watched_ms;        /* when ssh_wait() last looked */
    char first[SSH_FIRST_MAX]; /* first bytes the peer sent: its banner, or why it sends none */
    size_t first_len;
    char where[300]; /* "user@host:port" */
    unsigned channels;
};

/* ssh_wait.c */
/* libssh2 session with our callbacks; transport not yet connected. */
int ssh_session_new(struct ssh *s, struct err *err);
/*
 * Wait until a call that said EAGAIN is worth repeating, at most a second. Sends keepalives. 0; -ERR_TIMEOUT past
 * deadline_ms (monotonic), -ERR_CANCEL, -ERR_NET no sign of life for SSH_DEAD_AFTER_MS.
 */
int ssh_wait(struct ssh *s, int64_t deadline_ms, struct err *err);
bool ssh_is_cancelled(const struct ssh *s);
/* Turn the failure of a libssh2 call into an error: ERR_NET when the transport is gone, otherwise `kind`. */
int ssh_fail(struct ssh *s, enum err_kind kind, int rc, const char *what, struct err *err);
/* What the peer said first, printable, when it is not an SSH banner; "" otherwise. */
const char *ssh_strange_words(const struct ssh *s, char out[SSH_FIRST_MAX]);

/* ssh_tcp.c: connect to host:port. -ERR_UNREACHABLE, -ERR_CANCEL. */
int ssh_tcp_connect(const char *host, int port, int64_t deadline_ms, int cancel_fd, int *ret_fd, struct err *err);

/* ssh_jump.c */
/* A channel of `outer` to host:port. -ERR_UNREACHABLE when the jump host cannot reach it. */
int ssh_jump_open(struct ssh *outer, const char *host, int port, int64_t deadline_ms, LIBSSH2_CHANNEL **ret,
                  struct err *err);
void ssh_jump_close(struct ssh *outer, LIBSSH2_CHANNEL *via);
ssize_t ssh_jump_send(struct ssh *s, const void *bytes, size_t len); /* as the libssh2 callbacks want it */
ssize_t ssh_jump_recv(struct ssh *s, void *bytes, size_t len);

/* ssh_auth.c: log in. -ERR_AUTH, -ERR_KEY, -ERR_TIMEOUT, -ERR_NET, -ERR_CANCEL. */
int ssh_auth(struct ssh *s, const struct ssh_target *target, const struct sshkey *key, int64_t deadline_ms,
             struct err *err);

/*
 * ssh_agent.c: log in with one of the keys of the agent at target->agent, at most six of them. As ssh_auth(); the error names those
 * that were offered.
 */
int ssh_auth_agent(struct ssh *s, const struct ssh_target *target, int64_t deadline_ms, struct err *err);

#endif
