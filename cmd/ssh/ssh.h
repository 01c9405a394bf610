/*
 * The one door to libssh2: a connection to a pinned host (through a jump host when asked), and exec channels on it.
 *
 * Non-blocking throughout: one function waits (poll on the socket, the cancel pipe and a deadline). Keepalive is sent
 * every few seconds and a dead peer is noticed within SSH_DEAD_AFTER_MS. Not for two threads.
 */
#ifndef BLUEGREEN_SSH_H
#define BLUEGREEN_SSH_H

#include "cmd/inputs/inputs.h"

#define SSH_DEAD_AFTER_MS 20000

struct ssh;
struct ssh_channel;

int ssh_global_init(struct err *err);

/* What has to happen at every connection, the further ones of a session too. Each may be NULL. */
struct ssh_hooks {
    void *ctx;
    /* Before the first packet (of the way to the jump host, if there is one): 0 or -kind, which ends the attempt. */
    int (*before_connect)(void *ctx, struct err *err);
    /*
     * After the host's own key was accepted, before the login to it. Not for the jump host. deadline_ms: of the login
     * (monotonic). cancellable: the user's cancel ends it.
     */
    int (*before_login)(void *ctx, int64_t deadline_ms, bool cancellable, struct err *err);
};

/*
 * Connect, verify the host key against the pins, authenticate. jump NULL or host "": direct. hooks may be NULL. cancel_fd: readable when
 * the user cancelled; -1 none. Errors: ERR_UNREACHABLE, ERR_TIMEOUT, ERR_HOST_KEY (before any authentication; the hint
 * prints the fingerprint seen and how to check it), ERR_AUTH (says which of user, key or server policy is likely),
 * ERR_KEY, ERR_NET, ERR_CANCEL. The text says whether the jump host or the host failed.
 */
int ssh_connect(struct ssh **ret, const struct ssh_target *target, const struct ssh_target *jump,
                const struct ssh_hooks *hooks, int64_t timeout_ms, int cancel_fd, struct err *err);
void ssh_free(struct ssh *s); /* closes at once, waits for nobody */
void ssh_free_p(struct ssh **s);
/* "ec2-user@web1:22", for messages. */
const char *ssh_where(const struct ssh *s);
/* From now on waits on this connection do not end with -ERR_CANCEL: for what must still be said after a cancel. */
void ssh_ignore_cancel(struct ssh *s);
/* From now on no wait on this connection goes beyond deadline_ms (monotonic): it ends with -ERR_TIMEOUT. */
void ssh_set_limit(struct ssh *s, int64_t deadline_ms);
/* Channels opened on the connection to the host (not to the jump host). */
unsigned ssh_channels_opened(const struct ssh *s);

/* Run one constant command. Nothing of the user's may be part of it. */
int ssh_exec(struct ssh *s, const char *command, struct ssh_channel **ret, struct err *err);
/*
 * Send everything; reads what arrives meanwhile into the channel's buffers (bounded). 1 when the command ended before it
 * took everything. After a failure the connection is of no further use.
 */
int ssh_write(struct ssh_channel *c, struct span data, int64_t timeout_ms, struct err *err);
int ssh_send_eof(struct ssh_channel *c, struct err *err);
/*
 * Wait for bytes on stdout and append at most `max` to out. A cancel comes before bytes that are there. 0 got some, 1 end of stream, -ERR_TIMEOUT nothing within
 * timeout_ms, -ERR_NET the connection died, -ERR_CANCEL. stderr is collected aside (ssh_stderr, last 8 KiB).
 */
int ssh_read(struct ssh_channel *c, struct buf *out, size_t max, int64_t timeout_ms, struct err *err);
struct span ssh_stderr(const struct ssh_channel *c);
/*
 * After the end of stream: exit status, or -1 when the command was killed by a signal or the connection was lost. Waits a
 * moment for it. 0 proves nothing: the library says so as well when the server sent none.
 */
int ssh_exit_status(struct ssh_channel *c);
void ssh_channel_free(struct ssh_channel *c); /* does not wait for the remote process */
void ssh_channel_free_p(struct ssh_channel **c);

#endif
