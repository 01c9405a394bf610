/*
 * A conversation with the agent: installs it when missing, sends requests, hands over events, reattaches when the
 * connection dies. One SSH connection; at most three channels on it: probe, upload, agent.
 */
#ifndef BLUEGREEN_SESSION_H
#define BLUEGREEN_SESSION_H

#include "cmd/ssh/ssh.h"
#include "shared/eventstream.h"
#include "shared/wire.h"

struct session;

/* What the session tells while it works; for the log. Both may be NULL. */
struct session_observer {
    void *ctx;
    void (*note)(void *ctx, const char *text); /* our own words: "connected to …", "sent the agent (3.7 MB)" */
};

struct session_options {
    const struct inputs *inputs;
    int cancel_fd; /* from cmd/signals.h; -1 none */
    struct ssh_hooks hooks;
    struct session_observer observer;
};

/* Connect and make sure the agent is there. Errors of ssh_connect(), plus ERR_INSTALL. */
int session_open(struct session **ret, const struct session_options *o, struct err *err);
void session_free(struct session *s);
void session_free_p(struct session **s);

/*
 * Run one request to its `end` event. on_event gets every event of it in order, each seq exactly once, also across
 * reconnects (deploy and rollback: the session reconnects and attaches from the next seq for up to 5 minutes). data
 * events come with their bytes, long ones in several pieces: one call each with the same event, in order. Others come
 * with an empty span.
 * After a cancel (cancel_fd readable) during deploy or rollback a `cancel` request is sent once and the events of the
 * undo are still handed over, for at most SESSION_CANCEL_MS; then -ERR_CANCEL.
 * on_event returns 0 or -kind, which ends the request with that.
 * All of it takes at most 6 hours (deploy, rollback; waiting for the lock not counted) or 15 minutes (the others; a log that is
 * followed has no end).
 * 0: `end` arrived. Otherwise the end is unknown: -ERR_NET, -ERR_TIMEOUT, -ERR_PROTO, -ERR_CANCEL, -ERR_REMOTE.
 */
#define SESSION_CANCEL_MS 8000
int session_run(struct session *s, const struct wire_request *request, eventstream_fn *on_event, void *ctx,
                struct err *err);

/* "x86_64", "aarch64"; where it was found; was it sent in this run; channels and connections used so far. */
struct session_facts {
    char arch[16];
    char agent_sha256[65];
    bool uploaded;
    unsigned channels; /* most opened on one connection */
    unsigned connections;
    char where[300];
};
void session_facts(const struct session *s, struct session_facts *ret);

#endif
