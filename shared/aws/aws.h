/*
 * What all of AWS's modules share: where settings come from, who is told of secrets, and the words for credentials.
 *
 * Reading order: aws_endpoint.h (regions, partitions, host names), aws_call.h (the table of operations; one signed
 * call), aws_query.h (the same for the services that speak XML), aws_chain.h (credentials: the links, their order,
 * expiry), aws_links.h (the links: environment, GitHub OIDC, STS, container, instance), ecr.h (registries).
 */
#ifndef BLUEGREEN_AWS_H
#define BLUEGREEN_AWS_H

#include "shared/buf.h"

#include <signal.h>

#define AWS_REGION_MAX 32   /* longest so far: "us-isob-east-1"; a label of a host name may have 63 */
#define AWS_KEY_ID_MAX 128  /* AccessKeyId: 16 to 128 characters [botocore: sts accessKeyIdType] */
#define AWS_ACCOUNT_SIZE 13 /* 12 digits, terminated */

/* One program's way to AWS. Borrowed parts outlive it. */
struct aws {
    /* A variable of the environment, or NULL. Secret ones may have been taken out of the real environment by then. */
    const char *(*env)(void *ctx, const char *name);
    void *env_ctx;
    /*
     * Told of every secret that is learned on the way (secret keys, session tokens, identity tokens, registry tokens)
     * before it is used, so that it can be masked and hidden. 0 or -kind: then it is not used. NULL: nobody.
     */
    int (*on_secret)(void *ctx, struct span secret, struct err *err);
    void *secret_ctx;
    /* A line for the log, of our own words. NULL: nobody. */
    void (*note)(void *ctx, const char *text);
    void *note_ctx;
    const volatile sig_atomic_t *cancel; /* as in http_new(); may be NULL */
    const char *session_name; /* default of RoleSessionName, of [A-Za-z0-9_+=,.@-], 2 to 64; NULL: "bluegreen" */
    int64_t deadline_ms;      /* monotonic: no call goes beyond it; 0: none */
    struct http *http;        /* made by aws_init() */
    char error_code[80];      /* aws_error_code() */
    bool error_of_time;       /* …and this machine's clock is why */
};

/* The fields above http are the caller's and filled in before. http_global_init() has been called. 0 or -ERR_NOMEM. */
int aws_init(struct aws *a, struct err *err);
void aws_done(struct aws *a); /* twice, and of a zeroed one, is fine */

/* The variable, or "" when it is not there. */
const char *aws_env(const struct aws *a, const char *name);
/* "true" (any case), "1". */
bool aws_env_true(const struct aws *a, const char *name);
void aws_note(const struct aws *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int aws_learn(const struct aws *a, struct span secret, struct err *err); /* on_secret; empty: nothing happens */

struct aws_credentials {
    char key_id[AWS_KEY_ID_MAX + 1];
    char *secret;            /* heap, secret */
    char *token;             /* heap, secret; "" none */
    int64_t expires_wall_ms; /* Unix time; 0: never */
    char source[320];        /* for people: "role arn:… by GitHub's OIDC", "the instance's role web" */
};
void aws_credentials_done(struct aws_credentials *c); /* zeroes the secrets */

/* Parts of arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE. */
struct aws_arn {
    char partition[24], service[40], region[AWS_REGION_MAX + 1], account[AWS_ACCOUNT_SIZE];
    const char *resource; /* within the text */
};
/* false: not an ARN. Region and account may be empty. */
bool aws_arn_parse(const char *text, struct aws_arn *ret);

#endif
