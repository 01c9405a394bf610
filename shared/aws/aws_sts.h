/* AWS's Security Token Service: credentials of a role, and whose credentials these are. */
#ifndef BLUEGREEN_AWS_STS_H
#define BLUEGREEN_AWS_STS_H

#include "aws_links.h"

#define AWS_IDENTITY_TOKEN_MAX 20000 /* characters [botocore: sts clientTokenType] */

/*
 * AssumeRole with `by`, whose source is named in the message when the role does not let it in. Errors of aws_query(),
 * worded for what they mean here.
 */
int aws_sts_assume_role(struct aws *a, const struct aws_role *role, const struct aws_credentials *by,
                        struct aws_credentials *ret, struct err *err);

/*
 * AssumeRoleWithWebIdentity. `token` is a JSON Web Token that aws_learn() knows; by: "GitHub's OIDC", for `source`. When
 * the role does not let it in, the message shows what the token says of itself (sub and aud, which are no secrets).
 */
int aws_sts_assume_role_with_web_identity(struct aws *a, const struct aws_role *role, const char *token, const char *by,
                                          struct aws_credentials *ret, struct err *err);

/*
 * Claims of a JSON Web Token, unverified, for messages: printable ASCII, cut; "" when absent. false: it is no such token.
 */
struct aws_token_claims {
    char sub[200], aud[80];
};
bool aws_token_claims(const char *token, struct aws_token_claims *ret);

#endif
