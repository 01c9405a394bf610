/*
 * The private key as the user gave it: made readable for libssh2, or refused with the precise cause. Pure.
 *
 * Secrets get bent on their way into a workflow: indented, CRLF, all on one line with blanks or a literal \n between.
 * All of that is put right here. What cannot be put right is told apart before any connection is made.
 */
#ifndef BLUEGREEN_SSHKEY_H
#define BLUEGREEN_SSHKEY_H

#include "shared/buf.h"

#define SSHKEY_TEXT_MAX (64 * 1024)

struct sshkey {
    struct buf pem; /* secret; one PEM block, LF line ends */
    bool encrypted;
    char kind[24];        /* for messages: "RSA", "ECDSA", "Ed25519"; "" unknown without decrypting */
    char fingerprint[52]; /* of the public half; "" when the format does not tell it */
};

/*
 * text: the input; borrowed. *ret is initialised here; end it with sshkey_done() in every case. -ERR_KEY: empty, no key
 * at all, a file name, a public key, a PuTTY key, still base64-encoded, cut off, damaged, encrypted without a
 * passphrase, a cipher or key type that cannot be used.
 */
int sshkey_parse(struct span text, bool has_passphrase, struct sshkey *ret, struct err *err);
void sshkey_done(struct sshkey *k); /* zeroes the key */

#endif
