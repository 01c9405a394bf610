/*
 * The action's own way to AWS: one client, one chain of credentials and one region for whatever part of a run needs them.
 *
 * Where the credentials come from: aws-access-key-id; else, with role-to-assume, GitHub's OIDC for the first role; else
 * the environment, a web identity file, the runner's container and instance role, which then take the first role on. Each
 * further role is taken on with the one before.
 */
#ifndef BLUEGREEN_ACCOUNT_H
#define BLUEGREEN_ACCOUNT_H

#include "cmd/stage.h"
#include "shared/aws/aws_chain.h"

struct account;

/*
 * Make s->account, once: later calls return 0 and leave it. Asks nobody yet. After stage_inputs(). 0 or -ERR_NOMEM;
 * stage_done() frees it.
 */
int account_open(struct stage *s, struct err *err);
void account_free(struct account *account); /* zeroes the credentials; NULL is fine */

/* Borrowed, as the next. */
struct aws *account_aws(struct account *account);
struct aws_chain *account_chain(struct account *account);

/*
 * From here on a cancelled job ends no call any longer: for what has to be put back all the same. Calls keep their own
 * deadlines.
 */
void account_ignore_cancel(struct account *account);

/*
 * The same, with a limit for whatever is called from now on, the search for credentials too: after time_ms it ends with
 * -ERR_CANCEL. 0: no limit (any longer).
 */
void account_limit(struct account *account, int64_t time_ms);

/*
 * The region to work in: aws-region, AWS_REGION, AWS_DEFAULT_REGION, that of the instance the runner is on. Opens the
 * account. -ERR_INPUT naming aws-region when nobody knows.
 */
int account_region(struct stage *s, char out[AWS_REGION_MAX + 1], struct err *err);

#endif
