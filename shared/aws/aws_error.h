/*
 * AWS's errors: found in the body of an answer, sorted, and told in words that say what to do. Used by aws_call.c and
 * aws_query.c only.
 */
#ifndef BLUEGREEN_AWS_ERROR_H
#define BLUEGREEN_AWS_ERROR_H

#include "aws_call.h"

/* One call that was refused. */
struct aws_refusal {
    const char *call; /* "ECR DescribeImages in eu-central-1" */
    const struct aws_op_info *op;
    const struct aws_credentials *credentials; /* NULL: not signed */
    int status;                                /* of HTTP */
    int64_t skew_ms;                           /* AWS's clock minus ours; 0 unknown, too */
    struct aws_error_words words;              /* code and message, as in the answer; "" unknown */
};
/* Sets the error that aws_call() promises. Returns -kind. */
int aws_refusal_tell(const struct aws_refusal *refusal, struct err *err);

/* The same request may well be answered when it is sent again later. */
bool aws_error_is_passing(int status, const char *code);
/* …because there were too many of them: pauses are longer then. */
bool aws_error_is_throttling(int status, const char *code);
/* What EC2 calls an expired request comes of this machine's clock: newer credentials are no help. */
bool aws_refusal_is_of_time(const struct aws_refusal *refusal);
/* The temporary credentials have expired, as AWS sees it. */
bool aws_error_code_is_expired(const char *code);

/* Code and message in an answer of a JSON service: an object with __type (or code) and message. */
bool aws_error_read_json(struct span body, struct aws_error_words *ret);
/*
 * <Code> and <Message> anywhere in a text: for XML where none is expected, of gateways and test doubles. Not a
 * parser: the first of each is taken, XML's five entities are understood.
 */
bool aws_error_scan_xml(struct span body, struct aws_error_words *ret);
/* Copy words from outside: cut to fit, blanks for control characters, '?' for what is not UTF-8. */
void aws_error_words_copy(struct span from, char *out, size_t out_size);
/* "namespace#Code:more" as it may stand in __type and in x-amzn-ErrorType: the code alone. */
void aws_error_code_copy(struct span from, char *out, size_t out_size);

#endif
