/*
 * The EC2 instance that the input host names: looked up by DescribeInstances, and the facts about it that others need
 * (where its host keys are published, its availability zone, its security groups).
 */
#ifndef BLUEGREEN_INSTANCE_H
#define BLUEGREEN_INSTANCE_H

#include "shared/aws/aws.h"

#define INSTANCE_ID_SIZE 20      /* "i-" and 8 or 17 hex digits, terminated */
#define INSTANCE_NAME_MAX 200    /* bytes of tag:KEY=VALUE */
#define INSTANCE_ADDRESS_SIZE 46 /* INET6_ADDRSTRLEN */
#define INSTANCE_GROUPS_MAX 16   /* the limit of security groups on a network interface */
#define INSTANCE_TAG_SIZE 1025   /* 256 characters of at most 4 bytes */
#define INSTANCE_HOST_KEYS_TAG "aws-host-keys"

struct stage;

struct instance_group {
    char id[32];    /* "sg-0123…" */
    char name[256]; /* at most 255 characters of ASCII */
};

/* Everything is checked for its form; "" where the instance has none. */
struct instance {
    char id[INSTANCE_ID_SIZE];
    char state[24]; /* "running" */
    char region[AWS_REGION_MAX + 1];
    char zone[AWS_REGION_MAX + 8]; /* "eu-central-1a" */
    char vpc[32];
    char name[INSTANCE_TAG_SIZE];      /* tag Name */
    char host_keys[INSTANCE_TAG_SIZE]; /* tag aws-host-keys */
    char public_ip[INSTANCE_ADDRESS_SIZE], private_ip[INSTANCE_ADDRESS_SIZE], ipv6[INSTANCE_ADDRESS_SIZE];
    struct instance_group groups[INSTANCE_GROUPS_MAX];
    size_t group_count;
};

/* The input names an instance: i-… or tag:KEY=VALUE (which may be malformed). */
bool instance_is_named(const char *host);

/* i- and 8 or 17 hex digits, or tag:KEY=VALUE with both, of at most INSTANCE_NAME_MAX bytes without control bytes. */
bool instance_name_is_valid(const char *host);
bool instance_is_id(const char *text);

/*
 * When host names an instance: look it up, fill in s->instance and the address to connect to, and tell so in the log.
 * Otherwise, and the second time, nothing happens. With s->instance_id (the post stage: the instance that main used) it is
 * that very one, whatever the tag says by now. -ERR_INSTANCE: there is none, several match, it does not run, it has no
 * such address; else what the call said.
 */
int instance_resolve(struct stage *s, struct err *err);

void instance_free(struct instance *i); /* NULL is fine */

#endif
