/* What a deployment changes, for people: keys and plain values, never the value of an environment variable. */
#ifndef BLUEGREEN_CHANGES_H
#define BLUEGREEN_CHANGES_H

#include "agent/run.h"

/* The `changes` member of the outcome (docs/protocol.md), from the inspected old and new container. Owned by caller. */
struct json *changes_describe(const struct run *run);

#endif
