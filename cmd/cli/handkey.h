/*
 * The key that a person logs in with, when none is among the settings: a file they name, else what their ssh-agent holds, else the
 * first of ~/.ssh/id_ed25519, id_ecdsa, id_rsa that is there.
 */
#ifndef BLUEGREEN_HANDKEY_H
#define BLUEGREEN_HANDKEY_H

#include "shared/buf.h"

struct handkey {
    struct buf text;       /* secret: the key's file, whole; empty: there is none */
    struct buf passphrase; /* secret; empty: none is needed, or nobody could be asked */
    char path[1024];       /* of the file; "" none */
    const char
        *agent; /* socket of the agent that is asked in place of a file; NULL none. Borrowed from the environment */
};

/*
 * identity: the file that is named; NULL none. A file that others can read is refused, as ssh does. The passphrase of an encrypted one
 * is asked for on the terminal; cancel_fd ends that. *ret is initialised here; handkey_done() in every case. Finding nothing is no
 * error. -ERR_KEY, -ERR_CANCEL.
 */
int handkey_find(const char *identity, int cancel_fd, struct handkey *ret, struct err *err);
void handkey_done(struct handkey *k); /* zeroes it */

#endif
