/*
 * The instance's facts out of an answer of DescribeInstances, and the choices made among them. Pure. The answer is bytes
 * from outside: what has not the form that it should have is left out.
 */
#ifndef BLUEGREEN_INSTANCE_READ_H
#define BLUEGREEN_INSTANCE_READ_H

#include "cmd/aws/instance.h"
#include "cmd/inputs/inputs.h"
#include "shared/xml.h"

#define INSTANCE_FILTER_MAX 1024

/* What host names: an id, or a tag. */
struct instance_query {
    char id[INSTANCE_ID_SIZE]; /* "": by tag */
    char key[INSTANCE_NAME_MAX + 1];
    char value[INSTANCE_NAME_MAX + 1];
};
/* false: not valid. */
bool instance_query_parse(const char *host, struct instance_query *ret);
/* The value for a filter of EC2's, which takes * ? and \ for more than they are. */
void instance_filter_value(const char *value, char out[INSTANCE_FILTER_MAX]);

/* item: of instancesSet. false: it has no id of the right form, and then *ret means nothing. */
bool instance_read(const struct xml_node *item, const char *region, struct instance *ret);
/* The item has the tag, letter by letter. */
bool instance_has_tag(const struct xml_node *item, const char *key, const char *value);

/*
 * The address to connect to, within *i; NULL: it has none of that kind. auto: public, else private, else IPv6.
 */
const char *instance_address(const struct instance *i, enum host_address which);

/* 0, or -ERR_INSTANCE for an instance that does not run, worded for its state. */
int instance_check_state(const struct instance *i, struct err *err);

#endif
