/*
 * A client of ssh-agent: which keys it holds, and signatures by them. The protocol of the agent's Unix socket
 * (draft-ietf-sshm-ssh-agent); the library's own client cannot be used, as it sends through the callbacks of the session.
 *
 * Every wait ends at a deadline, or at a cancel: an agent may ask its user first.
 */
#ifndef BLUEGREEN_SSHAGENT_H
#define BLUEGREEN_SSHAGENT_H

#include "shared/buf.h"
#include "shared/crypto.h"

#define SSHAGENT_KEYS_MAX 32              /* looked at */
#define SSHAGENT_MESSAGE_MAX (256 * 1024) /* OpenSSH's own limit */

struct sshagent_key {
    struct buf blob;      /* public half, in wire form */
    char type[40];        /* "ssh-ed25519" */
    char fingerprint[52]; /* "SHA256:…" */
    char comment[64];     /* printable, cut */
};

struct sshagent {
    int fd;
    int cancel_fd; /* -1 none */
    int64_t deadline_ms;
    struct sshagent_key keys[SSHAGENT_KEYS_MAX];
    size_t len;
    size_t left_out; /* keys beyond that, and those of kinds that cannot be used here: certificates, security keys */
};

/*
 * Connect to the socket and ask for its keys. *ret is initialised here; end it with sshagent_done() in every case. -ERR_KEY: no agent
 * answers there, or it holds no key; -ERR_TIMEOUT, -ERR_CANCEL, -ERR_PROTO.
 */
int sshagent_open(const char *path, int64_t deadline_ms, int cancel_fd, struct sshagent *ret, struct err *err);
void sshagent_done(struct sshagent *a);

/*
 * Sign `data` with a key. algorithm: of the signature, "rsa-sha2-512" for instance. Appends the signature alone, without the name of
 * its algorithm. -ERR_AUTH: the agent (or its user) refused.
 */
int sshagent_sign(struct sshagent *a, const struct sshagent_key *key, struct span data, struct span algorithm,
                  struct buf *out, struct err *err);

/* What a message holds, for tests and fuzzing: the keys of an answer to "which keys", appended to *a. -ERR_PROTO. */
int sshagent_parse_keys(struct span message, struct sshagent *a, struct err *err);

#endif
