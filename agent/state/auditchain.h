/*
 * The hash chain of the audit log, over bytes in memory (agent/state/audit.h has the files).
 *
 * A line is BODY,"hash":"H"} and LF. BODY is a JSON object without its closing brace that begins with {"n":N,"prev":"P",
 * (N: 1, 2, 3…; P: the hash of entry N-1, zeros for the first), and H the SHA-256 of BODY's bytes: a byte that changes
 * anywhere, line ends included, makes a line that is none. The head names the last entry, so that entries taken from the
 * end are missed; it may be one behind, for it is written after the entry.
 *
 * What it proves: nobody changed the log without writing it anew from there on. Somebody with the user's rights can do that;
 * the hashes that each run told to its client are the hold outside.
 */
#ifndef BLUEGREEN_AUDITCHAIN_H
#define BLUEGREEN_AUDITCHAIN_H

#include "shared/crypto.h"

/* The files, in the app's folder. */
#define AUDIT_FILE "audit.ndjson"
#define AUDIT_FILE_BEFORE "audit.1.ndjson" /* what AUDIT_FILE was when it had grown too large */
#define AUDIT_HEAD_FILE "audit.head"

#define AUDITCHAIN_HASH_SIZE CRYPTO_SHA256_HEX_SIZE
#define AUDITCHAIN_LINE_MAX (16 * 1024) /* with its hash and LF */
#define AUDITCHAIN_HEAD_MAX 128
#define AUDITCHAIN_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

/* Members of an entry that say how it continues the chain; at its beginning, in this order, each only when needed. */
#define AUDITCHAIN_FROM "before_from" /* first of a file: with which entry the file before it begins */
#define AUDITCHAIN_BROKEN                                                                                              \
    "broken" /* text: why the chain cannot be trusted up to here. Verification goes on saying so */

/* One entry's place in the chain. */
struct audit_link {
    int64_t n; /* 0: none */
    char prev[AUDITCHAIN_HASH_SIZE];
    char hash[AUDITCHAIN_HASH_SIZE];
};

/* Append hash, brace and LF to a body. -ERR_NOMEM, -ERR_BUG; hash (may be NULL) is set on success. */
int auditchain_seal(struct buf *body, char hash[AUDITCHAIN_HASH_SIZE], struct err *err);
/* A line without its LF. false: damaged, or none of ours; *ret is untouched then. */
bool auditchain_read(struct span line, struct audit_link *ret);

/* {"count":N,"hash":"H"} and LF: the text of the head; and back, strict. */
void auditchain_head(const struct audit_link *last, struct buf *out);
bool auditchain_read_head(struct span text, struct audit_link *ret);

struct audit_bytes {
    struct span before, now, head; /* the rotated file, the file, the head */
    bool has_before, has_now, has_head;
};

struct audit_verified {
    bool whole;
    int64_t entries;                 /* good ones that are there */
    char head[AUDITCHAIN_HASH_SIZE]; /* hash of the last good one; "" none */
    struct audit_link last;
    int64_t
        first_bad; /* number of the first entry that is damaged, missing or misplaced; 0: none, or not an entry's fault */
    char why[240]; /* "" when whole */
    size_t torn;   /* bytes of an append that was cut off: not counted, and no fault */
};

/* Each good entry, oldest first; NULL: only verify. line is borrowed, without LF. */
typedef void auditchain_each(void *ctx, const struct audit_link *link, struct span line);

/* One pass over everything. Never fails: what is wrong is the result. */
void auditchain_verify(const struct audit_bytes *b, auditchain_each *each, void *ctx, struct audit_verified *ret);

#endif
