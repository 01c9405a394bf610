/*
 * How a session reaches an agent: connect, install, start; read and write. The session's rules (order of events,
 * reattaching, cancel) know only this, so that tests can put a scripted agent behind it.
 */
#ifndef BLUEGREEN_SESSION_LINK_H
#define BLUEGREEN_SESSION_LINK_H

#include "cmd/ssh/session.h"

struct session_link {
    void *ctx;
    /*
     * Connect and start the agent; an open connection is dropped first. The first call installs the agent. timeout_ms: for
     * connecting and logging in. cancellable: end with -ERR_CANCEL when the user cancels; otherwise (the user has done so)
     * timeout_ms is for all of it.
     */
    int (*open)(void *ctx, int64_t timeout_ms, bool cancellable, struct err *err);
    void (*drop)(void *ctx);
    int (*read)(void *ctx, struct buf *out, size_t max, int64_t timeout_ms, struct err *err); /* as ssh_read() */
    int (*write)(void *ctx, struct span data, int64_t timeout_ms, struct err *err);           /* as ssh_write() */
    void (*ignore_cancel)(void *ctx);
    /* After the end of stream: what the agent's end looks like, as an error. */
    int (*explain_end)(void *ctx, struct err *err);
    /* Wait so long, or until the user cancels: -ERR_CANCEL. */
    int (*pause)(void *ctx, int64_t ms, struct err *err);
    int64_t (*now_ms)(void *ctx); /* monotonic */
};

/* Run the rules over a link of one's own. *link is copied; the caller keeps ctx alive. */
int session_open_link(struct session **ret, const struct session_link *link, int64_t connect_timeout_ms,
                      const struct session_observer *observer, struct err *err);

/* The link over SSH. */
struct ssh_link;
int ssh_link_new(struct ssh_link **ret, const struct session_options *o, struct err *err);
void ssh_link_free(struct ssh_link *l);
struct session_link ssh_link_ops(struct ssh_link *l);
void ssh_link_facts(const struct ssh_link *l, struct session_facts *ret);

#endif
