/*
 * Image references: [host[:port]/]path[:tag][@sha256:hex], as Docker reads them (distribution/reference grammar).
 */
#ifndef BLUEGREEN_REFERENCE_H
#define BLUEGREEN_REFERENCE_H

#include "buf.h"

#define REFERENCE_NAME_MAX 255 /* host and path together; limit of the grammar */
#define REFERENCE_TAG_MAX 128
#define REFERENCE_DIGEST_SIZE 72 /* "sha256:" + 64 hex digits + terminator */
#define REFERENCE_DEFAULT_REGISTRY "docker.io"
#define REFERENCE_DEFAULT_TAG "latest"

struct reference {
    char registry[REFERENCE_NAME_MAX + 1]; /* "docker.io", "localhost:5000", lower case as given */
    char repo[REFERENCE_NAME_MAX + 32];    /* full name with the registry: "docker.io/library/nginx" */
    char tag[REFERENCE_TAG_MAX + 1];       /* "latest" when neither tag nor digest was given; "" with only a digest */
    char digest[REFERENCE_DIGEST_SIZE];    /* "sha256:…"; "" when none was given */
};

/* -ERR_INPUT says which part is wrong and what it should look like. */
int reference_parse(const char *text, struct reference *ret, struct err *err);

/* The digest when there is one, else the tag: what a pull asks for. */
const char *reference_wanted(const struct reference *r);

/* "repo:tag", "repo@digest" when there is a digest (the tag is left out then). Appended to out. */
void reference_format(const struct reference *r, struct buf *out);
/* "repo@digest" */
void reference_format_digest(const struct reference *r, const char *digest, struct buf *out);

/* Same repository, whichever of the long and short forms of Docker Hub names are used ("nginx", "docker.io/library/nginx"). */
bool reference_same_repo(struct span a, struct span b);

/* "sha256:" and 64 lower-case hex digits, nothing else. */
bool reference_is_digest(struct span s);

#endif
