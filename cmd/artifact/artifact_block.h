/*
 * The blob store that a signed URL of the artifact service leads to: blocks, and the list that makes them one file.
 *
 * Azure's store takes blocks in any order and keeps the last of an id: a block whose answer was lost is sent again. Others
 * that speak its language (act) append what comes, in the order it comes: there a lost answer means to begin anew.
 */
#ifndef BLUEGREEN_ARTIFACT_BLOCK_H
#define BLUEGREEN_ARTIFACT_BLOCK_H

#include "cmd/artifact/artifact_call.h"

#define ARTIFACT_BLOCK_ID_SIZE 16

struct artifact_store {
    struct artifact_line *line;
    const char *url; /* signed; borrowed */
    size_t blocks;   /* in all */
    bool replaces;   /* a block sent twice counts once */
};

/*
 * Told by the URL itself: a shared access signature of Azure names the version of its protocol (sv) beside the signature
 * (sig), and with any version a block id replaces. The runner's variables would not do: act says it is github.com.
 */
bool artifact_store_replaces(const char *url);

/* base64 of the number in nine digits: no padding, nothing to escape, all of one length. i < 10^9. */
const char *artifact_block_id(size_t i, char out[ARTIFACT_BLOCK_ID_SIZE]);

/* Send block i. 0; 1: the upload must begin anew (err says why); -ERR_ARTIFACT, -ERR_CANCEL. */
int artifact_store_put(const struct artifact_store *store, size_t i, struct span data, struct err *err);
/* All blocks, in order, are the file. The same results. */
int artifact_store_commit(const struct artifact_store *store, struct err *err);

#endif
