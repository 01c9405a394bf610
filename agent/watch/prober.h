/*
 * The prober: asks the app on its port without a pause, in a thread of its own, to measure the outage of a cutover as
 * its clients see it. Plain sockets, one short HTTP/1.1 request (or a TCP connection that must stay open a moment) every
 * PROBER_PERIOD_MS.
 */
#ifndef BLUEGREEN_PROBER_H
#define BLUEGREEN_PROBER_H

#include "shared/err.h"

#include <stdint.h>

#define PROBER_PERIOD_MS 10    /* between two starts */
#define PROBER_REQUEST_MS 1000 /* deadline of one request */

struct prober;

struct prober_result {
    bool measured;
    int64_t seen, failed;
    int64_t outage_ms;  /* sum of the spans in which requests failed, from the first failed start to the next success */
    int64_t longest_ms; /* longest of those spans */
    int64_t median_ok_ms; /* response time of the good ones; -1 none */
    bool down_at_end;
};

/* One request, in the caller's thread: did it answer as wanted? path "": a TCP connection that stays open. */
bool prober_ask(int port, const char *path, const char *status);

/* path "": TCP only. status: list as in spec.health_status. */
int prober_start(struct prober **ret, int port, const char *path, const char *status, struct err *err);
/* True once a request has succeeded since the last failure: the port answers now. */
bool prober_answers(struct prober *p);
/* Stop the thread, free, and give the result. NULL: not measured. */
void prober_stop(struct prober **p, struct prober_result *ret);

#endif
