/*
 * Rules of a security group as EC2 lists them, and whose they are. No network here.
 */
#ifndef BLUEGREEN_INGRESS_RULE_H
#define BLUEGREEN_INGRESS_RULE_H

#include "shared/aws/aws.h"
#include "shared/xml.h"

#include <netinet/in.h>

/* Contract: by these tags leftovers are found, also those of other versions of this action. */
#define INGRESS_TAG_ACTION "bluegreen-action"
#define INGRESS_TAG_ACTION_VALUE "ingress"
#define INGRESS_TAG_RUN "bluegreen-run"
#define INGRESS_TAG_EXPIRES "bluegreen-expires" /* Unix time in seconds */

#define INGRESS_LIFE_S                                                                                                 \
    (6 * 60 * 60) /* as long as a job of GitHub's runners may last; a reconnect after that makes a new one */
#define INGRESS_RULES_MAX 2000 /* of one group; AWS's own limit is 1000 for both directions of a network interface */
#define INGRESS_TOKEN_BYTES 16
#define INGRESS_TOKEN_SIZE (2 * INGRESS_TOKEN_BYTES + 1)
#define INGRESS_GROUP_SIZE 32
#define INGRESS_CIDR_SIZE (INET6_ADDRSTRLEN + 4)
#define INGRESS_STATE_SIZE (AWS_REGION_MAX + INGRESS_GROUP_SIZE + INGRESS_TOKEN_SIZE + 2)
#define INGRESS_DESCRIPTION_SIZE 256 /* with terminator [botocore: ec2 IpRange.Description] */

/* Where the rules of a run are, and how they are known. */
struct ingress_place {
    char region[AWS_REGION_MAX + 1];
    char group[INGRESS_GROUP_SIZE];
    char token[INGRESS_TOKEN_SIZE];
};
/* "REGION GROUP TOKEN", for the post stage; and back, which is strict: the text may come from a file. */
void ingress_place_text(const struct ingress_place *place, char out[INGRESS_STATE_SIZE]);
bool ingress_place_parse(const char *text, struct ingress_place *ret);

struct ingress_rule {
    char id[32];
    char cidr[INGRESS_CIDR_SIZE]; /* "": the rule is for something else (a group, a prefix list) */
    int64_t from_port, to_port;
    bool tcp;
    bool ours;                      /* has the tag INGRESS_TAG_ACTION */
    char token[INGRESS_TOKEN_SIZE]; /* "" without our tag, or when it is none */
    int64_t expires_s;              /* 0: not told */
};

/* The incoming ones; owned. */
struct ingress_rules {
    struct ingress_rule *items;
    size_t len;
};
void ingress_rules_done(struct ingress_rules *rules);

/* Add those of an answer (DescribeSecurityGroupRules, AuthorizeSecurityGroupIngress). -ERR_NOMEM; -ERR_PROTO: too many. */
int ingress_rules_read(const struct xml_node *answer, struct ingress_rules *rules, struct err *err);

/* What a run wants to have in the group. */
struct ingress_want {
    char cidr[INGRESS_CIDR_SIZE]; /* one address, as inet_ntop() writes it */
    int port;
    const char *token;
};

/* Borrowed from the rules; NULL: there is none. */
struct ingress_view {
    const struct ingress_rule *own;   /* of this run, for this address and port */
    const struct ingress_rule *other; /* somebody else's for exactly the same: EC2 takes no second one */
    size_t expired;                   /* of runs that are over */
};
void ingress_look(const struct ingress_rules *rules, const struct ingress_want *want, int64_t now_s,
                  struct ingress_view *ret);

/* Ours, of another run, and its time is over. */
bool ingress_is_expired(const struct ingress_rule *rule, const char *token, int64_t now_s);
bool ingress_is_of_run(const struct ingress_rule *rule, const char *token);

/* Only what EC2 takes in a description: A-Z a-z 0-9, blanks and ._-:/()#,@[]+=&;{}!$* [API_IpRange]. */
void ingress_description(const char *run_link, char out[INGRESS_DESCRIPTION_SIZE]);

/* Same address, however it is written ("2001:DB8::1/128", "2001:db8:0::1/128"). */
bool ingress_cidr_equal(const char *a, const char *b);

#endif
