/* What a deployment changes, for people: keys and plain values, never the value of an environment variable. */
#ifndef BLUEGREEN_CHANGES_H
#define BLUEGREEN_CHANGES_H

#include "agent/run.h"

/* One version, as an inspect shows it. All borrowed. */
struct changes_side {
    const struct json *inspected; /* Config and HostConfig are looked at */
    const char *image, *digest;
    const char *restart_policy; /* that it has, or is to have in the end */
};

/* The `changes` member of the outcome (docs/protocol.md). old NULL: a first version. Owned by the caller. */
struct json *changes_between(const struct changes_side *old, const struct changes_side *new);

/* A container of ours; image "" when it was made by hand. */
struct changes_side changes_side_of(const struct run_version *v, const char *restart_policy);

/* The `changes` member of the outcome (docs/protocol.md), from the inspected old and new container. Owned by caller. */
struct json *changes_describe(const struct run *run);

#endif
