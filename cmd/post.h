/* The post stage: looks how the job ended and, when asked to, takes back exactly the deployment that this job made. */
#ifndef BLUEGREEN_POST_H
#define BLUEGREEN_POST_H

#include "cmd/inputs/inputs.h"
#include "shared/outcome.h"

enum post_decision {
    POST_NOTHING, /* `why` says why */
    POST_ROLLBACK,
};

struct post_facts {
    const char *deployment; /* STATE_ID; NULL or "": main never got that far */
    const char *outcome;    /* STATE_OUTCOME; NULL or "": main was killed before it could tell */
    const char *kept;       /* STATE_KEPT; NULL or "": main's own step did not fail over a good deployment */
    const char *job_status; /* "" not known */
    enum rollback_on rollback_on;
};

/* *why: one sentence of ours for log and summary. */
enum post_decision post_decide(const struct post_facts *f, const char **why);

/* Does and tells everything; returns the exit code: 0 when rolled back or nothing was to do. */
int post_main(void);

#endif
