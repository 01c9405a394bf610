/*
 * Puts the agent on the host: by content, atomically, into a directory that belongs to the user alone.
 *
 * Two constant command lines (docs/protocol.md "Channels"): a probe, and an upload when the probe does not find the
 * agent with the wanted SHA-256. No SFTP, no scp; any POSIX sh does, whatever the login shell is and prints.
 */
#ifndef BLUEGREEN_INSTALL_H
#define BLUEGREEN_INSTALL_H

#include "cmd/ssh/ssh.h"

#define INSTALL_DIR_ENV "BLUEGREEN_AGENT_DIR" /* where the agents are in the action's image */
#define INSTALL_DIR_DEFAULT "/usr/lib/bluegreen"
#define INSTALL_COMMAND_MAX 400

struct install {
    char arch[16];   /* "x86_64", "aarch64" */
    char sha256[65]; /* of the agent for that architecture */
    bool uploaded;   /* it was not there */
    int64_t size_bytes;
    char home[300];                    /* state root on the host, as the host says it */
    char command[INSTALL_COMMAND_MAX]; /* constant line that starts the agent's serve mode */
};

/*
 * Find the agent on the host or send it. -ERR_INSTALL (noexec, read-only, foreign directory, no agent for the
 * architecture, a shell that is none), -ERR_DISK_FULL, -ERR_AUTH (an account that only tells who to log in as), and
 * the errors of ssh.h.
 */
int install_agent(struct ssh *s, struct install *ret, struct err *err);

/* What the probe found. */
struct install_probe {
    char arch[16]; /* `uname -m`, with the usual synonyms replaced */
    bool have;
    int64_t free_kb; /* of the file system with the home directory; 0 unknown */
    char home[300];
};
/* Find the probe's line in the output of a login shell that may print anything. 1: it is not there. */
int install_parse_probe(struct span output, struct install_probe *ret);
/*
 * The upload's line: 0 when it says ok, 1 when it is not there, else -ERR_INSTALL or -ERR_DISK_FULL with the cause.
 * free_kb: from the probe, for the text.
 */
int install_parse_upload(struct span output, const struct install_probe *probe, struct err *err);

#endif
