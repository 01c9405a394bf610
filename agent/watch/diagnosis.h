/*
 * Why did it fail? One table from what was seen to the likely cause and the next step. Pure: no calls, no state.
 * docs/troubleshooting.md lists the codes for people.
 */
#ifndef BLUEGREEN_DIAGNOSIS_H
#define BLUEGREEN_DIAGNOSIS_H

#include "agent/engine/engine.h"
#include "agent/watch/history.h"
#include "agent/watch/sockets.h"

/* What was seen. Everything but `cause` may be missing: NULL, empty, 0, false. */
struct diagnosis_facts {
    const struct err *cause;
    const char *step;                         /* name of the step that failed */
    const struct engine_container *container; /* the new version's */
    struct span log;                          /* the tail of its log */
    const struct history *probes;             /* of its health check */
    const struct sockets *listens;            /* inside it */
    int port;                                 /* where it is asked, inside it */
    bool speaks_tls;                          /* that port answers with TLS */
    const char *port_owner;                   /* as ports_owner() tells */
};

struct diagnosis {
    const char *code; /* stable name */
    char cause[300];  /* one sentence */
    char next[400];   /* what to do */
    struct span line; /* of the log, when that decided; borrowed from facts->log */
};

/* The first row that fits. false when none does. */
bool diagnose(const struct diagnosis_facts *facts, struct diagnosis *ret);

/* "SIGKILL" of exit code 137; NULL when the code means no signal that has a name. */
const char *diagnosis_signal(int64_t exit_code);

/* The table's codes in its order, for tests; NULL after the last one. A code may stand there several times. */
const char *diagnosis_code(size_t row);

#endif
