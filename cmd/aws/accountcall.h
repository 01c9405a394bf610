/* Calls to AWS with the action's own credentials (cmd/aws/account.h), renewed once when AWS finds them expired. */
#ifndef BLUEGREEN_ACCOUNTCALL_H
#define BLUEGREEN_ACCOUNTCALL_H

#include "cmd/aws/account.h"
#include "shared/aws/aws_query.h"

/*
 * request: its credentials are filled in here, and its region when it has none (account_region()). Opens the account.
 * Otherwise as aws_query() and aws_call(); further errors are those of account_region() and aws_chain_get().
 */
int account_query(struct stage *s, const struct aws_request *request, struct xml **ret, struct err *err);
int account_call(struct stage *s, const struct aws_request *request, struct json **ret, struct err *err);

#endif
