/*
 * Health checks: does a version answer as the user's settings want it to?
 */
#ifndef BLUEGREEN_HEALTH_H
#define BLUEGREEN_HEALTH_H

#include "agent/run.h"

enum health_target { HEALTH_CANDIDATE, HEALTH_PRODUCTION, HEALTH_PREVIOUS };

/*
 * Wait until the container answers as wanted, then for hold_ms without a failure. v->host_port (and, with another
 * health-port, the container's address) says where to ask. Budget: health_retries * health_interval. The pace starts
 * fast and slows down to health_interval, so that a quick app is not waited for.
 * What the attempts on candidate and production gave is kept in run->history.
 * -ERR_APP_EXITED as soon as the container is not running any more, -ERR_UNHEALTHY, -ERR_CANCEL.
 */
int health_wait(struct run *run, enum health_target target, struct run_version *v, int64_t hold_ms, struct err *err);

/* Ask once, quietly. True when it answered as wanted; *took_ms (may be NULL) its response time. */
bool health_ask(struct run *run, const struct run_version *v, int64_t *took_ms);

/*
 * The same for who has to say why: *ret is filled in either case, took_ms -1 when it could not be asked at all; its error may
 * hold words of the answer and of the settings: redact before it is shown. history is begun anew.
 */
struct health_answer {
    int status; /* HTTP; 0 none */
    int64_t took_ms;
    char error[200]; /* "" when it is as wanted */
};
bool health_look(struct run *run, const struct run_version *v, struct history *history, struct health_answer *ret);

/* Where a version is asked: address (IPv4) and port; *inside is that port in the container. */
struct health_place {
    char address[48];
    int port, inside;
};
void health_place(const struct run *run, const struct run_version *v, struct health_place *ret);

#endif
