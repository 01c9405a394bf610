/*
 * Amazon ECR: registries by their host name, the login token, and what the registry says of an image before anything is
 * pulled.
 */
#ifndef BLUEGREEN_ECR_H
#define BLUEGREEN_ECR_H

#include "aws_call.h"
#include "aws_chain.h"

struct ecr_registry {
    char host[256];                  /* as in the image's name, lower case */
    char account[AWS_ACCOUNT_SIZE];  /* "" for ECR Public */
    char region[AWS_REGION_MAX + 1]; /* whose API is asked */
    bool fips, is_public;
};
/* Is this the host of an ECR registry (or of ECR Public)? The patterns are AWS's own credential helper's. */
bool ecr_registry_parse(const char *host, struct ecr_registry *ret);

struct ecr_token {
    char *username;          /* "AWS" */
    char *password;          /* secret */
    int64_t expires_wall_ms; /* 0 unknown */
};
/* Told to aws->on_secret before it is returned. Errors of aws_chain_get() and aws_call(). */
int ecr_token_get(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r, struct ecr_token *ret,
                  struct err *err);
void ecr_token_done(struct ecr_token *t);

enum ecr_severity { ECR_SEVERITY_NONE, ECR_LOW, ECR_MEDIUM, ECR_HIGH, ECR_CRITICAL };
enum ecr_severity ecr_severity_from_name(const char *name); /* "low" … "critical"; anything else: NONE */
const char *ecr_severity_name(enum ecr_severity s);

#define ECR_PLATFORMS_MAX 16
struct ecr_image {
    char digest[80];    /* sha256:… of what the tag names: an image, or an index of several platforms */
    int64_t size_bytes; /* to download, of the platform asked for (or the largest); 0 unknown */
    size_t platform_count;
    char platforms[ECR_PLATFORMS_MAX][48]; /* "linux/amd64", "linux/arm64/v8"; none: unknown */
    bool scanned;                          /* findings are there */
    char scan_status[40];                  /* AWS's word: "COMPLETE", "IN_PROGRESS", "SCAN_NOT_FOUND"; "not allowed" */
    int64_t findings[ECR_CRITICAL + 1];    /* by severity; NONE: informational and undefined */
    char notes[300];                       /* what could not be looked at and why, for the log; "" nothing */
};

struct ecr_wanted {
    const char *repo;       /* without the registry's host: "team/app" */
    const char *tag;        /* "" when a digest is given */
    const char *digest;     /* "sha256:…", "" none: the tag counts */
    const char *platform;   /* "linux/amd64": whose size and findings; "" all, and the worst of them */
    enum ecr_severity gate; /* not NONE: a scan that is under way is waited for */
    int64_t scan_wait_ms;   /* at most this long */
};
/*
 * Look at an image of a private registry before anything is pulled. What may not be looked at (by the permissions of a
 * role that may only pull) is a note, and stays unknown; ecr_findings_check() is what then refuses.
 * -ERR_IMAGE_MISSING (repository, tag or digest; told apart, with the region and account that were asked; archived),
 * -ERR_AWS_DENIED when neither describing nor reading the manifest is allowed, errors of aws_chain_get() and aws_call().
 */
int ecr_image_look(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r,
                   const struct ecr_wanted *wanted, struct ecr_image *ret, struct err *err);

/* Is one of the image's platforms that one? True also when none is known. "linux/arm64" takes "linux/arm64/v8". */
bool ecr_image_fits(const struct ecr_image *i, const char *platform);

/* "2 critical, 11 high"; "no findings". */
void ecr_findings_text(const struct ecr_image *i, struct buf *out);
/* -ERR_IMAGE_FINDINGS when there is one of `gate` or worse, or when they are not known; 0 otherwise, and for NONE. */
int ecr_findings_check(const struct ecr_image *i, enum ecr_severity gate, struct err *err);

#endif
