/*
 * Calls to AWS's query services (STS, EC2, SNS): a form goes there, XML comes back. Apart from aws_call.h, so that
 * the agent, which calls none of them, goes without an XML parser.
 */
#ifndef BLUEGREEN_AWS_QUERY_H
#define BLUEGREEN_AWS_QUERY_H

#include "aws_call.h"
#include "shared/xml.h"

/*
 * The form body. Ordered as added; values are percent-encoded as Python's urllib does (unreserved characters stay, a
 * blank becomes '+'), which AWS and its test doubles both read.
 */
struct aws_form {
    struct buf text; /* "Action=…&Version=…" at first; empty once it got too long, which aws_query() refuses */
};
void aws_form_init(struct aws_form *f, enum aws_op op);
void aws_form_add(struct aws_form *f, const char *name, const char *value);
void aws_form_add_int(struct aws_form *f, const char *name, int64_t value);
void aws_form_done(struct aws_form *f); /* zeroes it: it may hold a token */

/* As aws_call(); the document is owned by the caller. */
int aws_query(struct aws *a, const struct aws_request *request, struct xml **ret, struct err *err);

#endif
