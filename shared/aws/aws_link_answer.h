/*
 * Credentials as the places that hand them out write them: checked, and taken over. Private to the links.
 */
#ifndef BLUEGREEN_AWS_LINK_ANSWER_H
#define BLUEGREEN_AWS_LINK_ANSWER_H

#include "aws.h"

#define AWS_ANSWER_MAX (64 * 1024) /* a session token has no fixed size; those met have 1 to 2 KB */

/* Borrowed texts; token and expiration may be "". */
struct aws_link_answer {
    const char *key_id, *secret, *token;
    const char *expiration; /* ISO 8601, UTC */
};

/*
 * Take them over into *ret. -ERR_AWS_CREDENTIALS: one is missing, or cannot be what it is called; the text does not
 * hold it. source: as in struct aws_credentials.
 */
int aws_link_take(const struct aws_link_answer *answer, const char *source, struct aws_credentials *ret,
                  struct err *err);

/* The same from JSON with the members AccessKeyId, SecretAccessKey, Token and Expiration. */
int aws_link_take_json(struct span text, const char *source, struct aws_credentials *ret, struct err *err);

/* "2026-01-29T03:10:02Z", with fractions of a second or without: Unix milliseconds; -1 for anything else. */
int64_t aws_link_time(const char *iso);

/* The variable is there and not empty. */
bool aws_link_has(const struct aws *a, const char *name);

/* A whole file of at most `max` bytes. -ERR_AWS_CREDENTIALS naming the variable that named it. */
int aws_link_read_file(const char *path, const char *variable, struct buf *out, struct err *err);

#endif
