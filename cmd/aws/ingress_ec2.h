/* The calls to EC2 that a rule needs, and what its refusals mean. */
#ifndef BLUEGREEN_INGRESS_EC2_H
#define BLUEGREEN_INGRESS_EC2_H

#include "cmd/aws/ingress_rule.h"
#include "cmd/stage.h"

/* All incoming rules of the group; rules is initialised in every case. Errors of account_query(). */
int ingress_ec2_list(struct stage *s, const struct ingress_place *place, struct ingress_rules *rules, struct err *err);

/*
 * Make the rule, with our tags. 0: *id is its id, "" when EC2 did not tell; 1: there is one for exactly this already.
 * -ERR_AWS_DENIED tells which permission is missing; -ERR_AWS: no such group, no room in it. After -ERR_NET,
 * -ERR_TIMEOUT and
 * -ERR_PROTO the rule may be there all the same.
 */
int ingress_ec2_authorize(struct stage *s, const struct ingress_place *place, const struct ingress_want *want,
                          char id[32], struct err *err);

/* Remove one rule; 0 too when it is not there (any more). */
int ingress_ec2_revoke(struct stage *s, const struct ingress_place *place, const char *id, struct err *err);

#endif
