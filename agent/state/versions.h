/*
 * The versions of an app that served once, as the records of its deployments tell, and for those whose record is gone the
 * audit log; and which of them somebody means by an id, a digest, a tag or an image reference.
 */
#ifndef BLUEGREEN_VERSIONS_H
#define BLUEGREEN_VERSIONS_H

#include "shared/reference.h"
#include "shared/wire.h"

#define VERSIONS_MAX 200 /* newest records, and as many newest entries of the audit log */

struct version {
    char deployment[WIRE_ID_MAX + 1];
    char image[REFERENCE_NAME_MAX + REFERENCE_TAG_MAX + 64]; /* as the user gave it */
    char digest[REFERENCE_DIGEST_SIZE];                      /* "" none: a local image */
    bool served;                                             /* it ended well; false: the deployment failed */
    bool is_rollback;                                        /* the run brought an older version back */
};

struct versions {
    struct version *items; /* newest first; owned */
    size_t len;
};

/* Read the records of an app, and its audit log. -ERR_IO, -ERR_NOMEM; a record that cannot be read is left out. */
int versions_read(int app_fd, struct versions *ret, struct err *err);
void versions_done(struct versions *v);
static inline void versions_done_p(struct versions *v)
{
    versions_done(v);
}

/* Does `what` mean this version? An id, a digest or 7 and more digits of it behind "sha256:", a reference, or a tag. */
bool versions_means(const char *what, const char *deployment, const char *image, const char *digest);
/* Has `what` the form of a digest or of the beginning of one ("sha256:" and 7 to 64 hex digits)? */
bool versions_is_digest(const char *what);

/* The newest that served and is meant; NULL: none. */
const struct version *versions_find(const struct versions *v, const char *what);
/* The record of this id, whatever became of it; NULL: none. */
const struct version *versions_of(const struct versions *v, const char *deployment);

/*
 * What there is to go back to, for a message: "ID (IMAGE), ID (IMAGE)…", each digest once, `except` left out, at most 4.
 * Nothing is appended when there is none.
 */
void versions_offer(const struct versions *v, const char *except, struct buf *out);

#endif
