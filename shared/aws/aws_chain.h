/*
 * Credentials: a chain of links, asked in order until one has some; kept until they are about to expire.
 *
 * A link is a place where credentials may come from (shared/aws/aws_links.h). A program chooses its links and hands them
 * over, so what it does not use is not linked into it.
 */
#ifndef BLUEGREEN_AWS_CHAIN_H
#define BLUEGREEN_AWS_CHAIN_H

#include "aws.h"

#define AWS_LINKS_MAX 8
#define AWS_REFRESH_BEFORE_MS (5 * 60 * 1000) /* credentials that live less than this are fetched anew, if that works */

/*
 * 0: *ret is filled in; 1: this link is not set up here, `why` says in a few words what is missing; -kind: it is set up
 * and does not work, which ends the search: what the user asked for by name is not silently replaced by something else.
 */
struct aws_link {
    const char *name; /* "GitHub OIDC", "instance role" */
    int (*get)(void *ctx, struct aws *a, struct aws_credentials *ret, char *why, size_t why_size, struct err *err);
    void *ctx;
};

/* A further role to take on, with the credentials of the step before (chained AssumeRole). */
struct aws_role_step {
    int (*assume)(void *ctx, struct aws *a, const struct aws_credentials *by, struct aws_credentials *ret,
                  struct err *err);
    void *ctx;
};

struct aws_chain;

/* *links and *steps are copied, what they point to is borrowed. steps may be NULL. */
int aws_chain_new(struct aws_chain **ret, struct aws *a, const struct aws_link *links, size_t link_count,
                  const struct aws_role_step *steps, size_t step_count, struct err *err);
void aws_chain_free(struct aws_chain *c); /* zeroes the credentials */
void aws_chain_free_p(struct aws_chain **c);

/*
 * The credentials, borrowed until the next call. Kept ones are given while they live longer than AWS_REFRESH_BEFORE_MS;
 * after that the chain is asked again, and when that fails, kept ones that have not expired are still given (a note tells).
 * -ERR_AWS_CREDENTIALS: no link has any; the message lists each link and why. Otherwise what the link failed with.
 */
int aws_chain_get(struct aws_chain *c, const struct aws_credentials **ret, struct err *err);

/*
 * AWS said that the ones given last have expired: forget them. When the next search finds the same again, that is
 * -ERR_AWS_CREDENTIALS.
 */
void aws_chain_expired(struct aws_chain *c);

/* At the last search no link was set up at all: nobody asked for AWS here. */
bool aws_chain_is_bare(const struct aws_chain *c);

/* "environment: AWS_ACCESS_KEY_ID is not set; instance role: …": what was tried at the last search, for messages. */
const char *aws_chain_tried(const struct aws_chain *c);

/* For tests: as if that much time had passed since the last search. */
void aws_chain_age(struct aws_chain *c, int64_t ms);

#endif
