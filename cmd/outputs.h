/* Names of the action's outputs (action.yml) and of what main leaves for post: each stands in one table, here. */
#ifndef BLUEGREEN_OUTPUTS_H
#define BLUEGREEN_OUTPUTS_H

#include "cmd/github.h"
#include "cmd/report.h"

/* GITHUB_STATE names; the post stage finds them as STATE_<name>. */
#define OUTPUTS_STATE_ID "deployment-id"
#define OUTPUTS_STATE_APP "app"
#define OUTPUTS_STATE_PHASE "phase"     /* "started" before the request is sent, "ended" when main told its outcome */
#define OUTPUTS_STATE_OUTCOME "outcome" /* name of the outcome; absent when main was killed */

/* Paths "" when there is no such file. */
int outputs_write(struct github *g, const struct report *r, const char *bundle_path, const char *summary_path,
                  struct err *err);

/* Name of the i-th output; NULL past the end. */
const char *outputs_name(size_t i);

#endif
