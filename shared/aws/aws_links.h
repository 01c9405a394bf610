/*
 * The links of the chain, one file each (shared/aws/aws_link_*.c). Each is a constructor: the struct it is given stays the
 * caller's and must outlive the chain. Settings are read from the environment when a link is asked, not before.
 */
#ifndef BLUEGREEN_AWS_LINKS_H
#define BLUEGREEN_AWS_LINKS_H

#include "aws_chain.h"

/* Keys that were given by hand (inputs); all "" or NULL: not set up. Borrowed. */
struct aws_static_keys {
    const char *key_id, *secret, *token; /* token may be "" */
};
struct aws_link aws_link_static(struct aws_static_keys *keys);

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. Half of them is an error. */
struct aws_link aws_link_environment(void);

struct aws_role {
    const char *arn;
    const char *session_name; /* "": struct aws's */
    const char *external_id;  /* "": none; AssumeRole only */
    const char *audience;     /* of GitHub's token; "": the partition's */
    int64_t duration_s;       /* 900 to 43200; chained roles get at most 3600 */
    const char *region;       /* whose STS is asked; "": aws_default_region(), else the partition's first */
};

/*
 * GitHub's identity token (ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN) for the role, by
 * AssumeRoleWithWebIdentity. role->arn "": not set up. Without the two variables: not set up, and `why` tells of
 * `permissions: id-token: write`.
 */
struct aws_link aws_link_github(struct aws_role *role);

/* AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN (and AWS_ROLE_SESSION_NAME). */
struct aws_link aws_link_web_identity_file(void);

/* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN[_FILE]. */
struct aws_link aws_link_container(void);

/*
 * The instance's role by IMDSv2 (never version 1). AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT[_MODE],
 * AWS_METADATA_SERVICE_TIMEOUT. Nothing answers there: not set up; a token request that gets no answer while the address is
 * reachable tells of the hop limit.
 */
struct aws_link aws_link_instance(void);

/* AssumeRole with the credentials of the step before. */
struct aws_role_step aws_role_step_assume(struct aws_role *role);

/* One path of the instance's metadata, e.g. "placement/region". 0; 1 not there or no IMDS; -kind. */
int aws_instance_metadata(struct aws *a, const char *path, struct buf *out, struct err *err);

#endif
