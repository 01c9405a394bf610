/*
 * What main leaves for post: GITHUB_STATE, and where the runner loses that for container actions (act and what is
 * made from it: ACT, GITEA_ACTIONS or FORGEJO_ACTIONS is set), a file in the workspace as well.
 *
 * The file's name holds run, attempt, job and step, and it is only believed when its content says the same: a file that
 * a checked-out branch brought along cannot be taken for it.
 */
#ifndef BLUEGREEN_STATE_H
#define BLUEGREEN_STATE_H

#include "cmd/log/github.h"

/* Names; post finds them as STATE_<name>. */
#define STATE_ID "deployment-id"
#define STATE_APP "app"
#define STATE_HOST "host"         /* host:port; what the inputs say may be another one by the time of post */
#define STATE_INSTANCE "instance" /* id of the EC2 instance that host named; absent when it named none */
#define STATE_OUTCOME "outcome"   /* name of the outcome; absent when main was killed */
/*
 * Set when main failed its step although the new version is good and stays: "kpi", "artifact", or "late" when the step's
 * time was over after the outcome (e.g. in the upload). A failed job then has this cause, and post leaves the deployment
 * alone.
 */
#define STATE_KEPT "kept"
/* "REGION GROUP TOKEN" of the rules that let the runner in (cmd/aws/ingress_rule.h): set before the first one is made. */
#define STATE_RULE "ingress"
#define STATE_RULE_GONE "closed" /* in its place: main has seen them go */

/* -ERR_IO, -ERR_NOMEM. A file that cannot be written is an error only where GITHUB_STATE is not there either. */
int state_set(struct github *g, const char *name, const char *value, struct err *err);

/* In post: the value, or "". Borrowed until state_forget(). */
const char *state_get(const char *name);

/* In post, at its end: remove the file, if there is one. */
void state_forget(void);

#endif
