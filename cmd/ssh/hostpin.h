/*
 * Host pins: what the user said about the host's key, and the decision about a key that was seen. Pure; no network.
 *
 * A pin is the SHA-256 of a public key, from a fingerprint or from a known_hosts line that names the host. Rules for
 * lines are OpenSSH's (sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT"): comma lists, |1| hashed names, [host]:port, * and ?, !,
 * @revoked; @cert-authority lines are skipped. A plain name counts for port 22 only.
 */
#ifndef BLUEGREEN_HOSTPIN_H
#define BLUEGREEN_HOSTPIN_H

#include "shared/buf.h"
#include "shared/crypto.h"

#define HOSTPIN_MAX 1024              /* pins kept */
#define HOSTPIN_TEXT_MAX (512 * 1024) /* bytes of each input */
#define HOSTPIN_FINGERPRINT_SIZE 52   /* "SHA256:" and 43 digits, terminated */

/* Key types as bits of a set. */
enum hostpin_type {
    HOSTPIN_ED25519 = 1 << 0,
    HOSTPIN_ECDSA256 = 1 << 1,
    HOSTPIN_ECDSA384 = 1 << 2,
    HOSTPIN_ECDSA521 = 1 << 3,
    HOSTPIN_RSA = 1 << 4,
};
#define HOSTPIN_ECDSA (HOSTPIN_ECDSA256 | HOSTPIN_ECDSA384 | HOSTPIN_ECDSA521)
#define HOSTPIN_ALL (HOSTPIN_ED25519 | HOSTPIN_ECDSA | HOSTPIN_RSA)

struct hostpin {
    unsigned types; /* set the key's type is in; 0: the fingerprint came without a type */
    bool revoked;
    unsigned char sha256[CRYPTO_SHA256_SIZE];
};

struct hostpins {
    struct hostpin *items; /* owned */
    size_t len;
    size_t cap;
    bool given;         /* some fingerprint or known_hosts line was there, whether it names this host or not */
    size_t other_lines; /* valid known_hosts lines that name other hosts only */
};

/*
 * Read both inputs for host:port; either may be empty. host without brackets. *ret is initialised here; end it with
 * hostpins_done() in every case. -ERR_INPUT naming the input and its line, -ERR_NOMEM. No pin at all is no error here.
 */
int hostpins_parse(struct span fingerprints, struct span known_hosts, const char *host, int port, struct hostpins *ret,
                   struct err *err);
void hostpins_done(struct hostpins *p);

/* Types of the pins that came with one (revoked ones do not count). */
unsigned hostpins_types(const struct hostpins *p);
/* A pin came without a type, so every type must be tried. */
bool hostpins_untyped(const struct hostpins *p);
/* A pin exists that can match. */
bool hostpins_usable(const struct hostpins *p);

enum hostpin_verdict { HOSTPIN_MISMATCH = 0, HOSTPIN_MATCH, HOSTPIN_REVOKED };
/* Revoked wins over everything. */
enum hostpin_verdict hostpins_judge(const struct hostpins *p, const unsigned char sha256[CRYPTO_SHA256_SIZE]);

/* Type of a public key in SSH wire form; 0: unknown or malformed. */
unsigned hostpin_blob_type(struct span blob);
/* "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"; of a set: its first. */
const char *hostpin_type_name(unsigned types);
/* For people: "ED25519, ECDSA, RSA". */
void hostpin_describe_types(unsigned types, struct buf *out);
/* Host key algorithms for these types, in our order, comma-separated. Never ssh-rsa, which is SHA-1. */
void hostpin_methods(unsigned types, struct buf *out);
void hostpin_fingerprint(const unsigned char sha256[CRYPTO_SHA256_SIZE], char out[HOSTPIN_FINGERPRINT_SIZE]);

/* Does the name field of a known_hosts line name this host? For tests and fuzzing. */
bool hostpin_names_match(struct span names, const char *host, int port);

#endif
