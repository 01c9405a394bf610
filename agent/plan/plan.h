/*
 * What a deployment of these settings would do and change: asked of the host and the registry, and nothing on the host changes.
 *
 * plan_checks.c puts the questions that a deployment puts before it touches anything, all of them; plan_changes.c makes the new
 * container on paper and compares it; plan_expect.c looks at how long it took before; plan.c is the flow and the report.
 */
#ifndef BLUEGREEN_PLAN_H
#define BLUEGREEN_PLAN_H

#include "agent/run.h"
#include "agent/steps/steps.h"

/*
 * Answer with a `plan` report (docs/protocol.md). What would keep a deployment from succeeding is told in the report's problems,
 * not in err. Takes no lock; no value of a secret is in it.
 */
int plan_command(const struct wire_request *request, int out_fd, struct err *err);

struct plan {
    struct run run;
    struct image_known image;
    struct json *problems; /* array of the report; owned */
    bool refused;          /* one of them would stop a deployment */
    bool same;             /* what is wanted serves already, and is healthy */
    bool has_engine;
    bool fits; /* the host's platform, as far as anybody knows */
};

/* Everything that a deployment would look at first. Fills the plan; what is wrong is in its problems. */
void plan_check(struct plan *p);

/* The `changes` of the report; owned by the caller. */
int plan_changes(struct plan *p, struct json **ret, struct err *err);

/* The `expected` of the report: medians of the last good deployments with this strategy. Owned by the caller. */
struct json *plan_expected(int app_fd, const char *strategy);

#endif
