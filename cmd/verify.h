/*
 * The runner's own look at the new version: verify-url answers with the expected status, body and speed, seen from where
 * the users' side is rather than from the host.
 */
#ifndef BLUEGREEN_VERIFY_H
#define BLUEGREEN_VERIFY_H

#include "shared/redact.h"

#include <signal.h>

#define VERIFY_ATTEMPTS 3
#define VERIFY_INTERVAL_MS 1000
#define VERIFY_TIMEOUT_MS 15000       /* of one attempt, when any response time is good */
#define VERIFY_BODY_MAX (1024 * 1024) /* bytes that are searched for the expected text */
#define VERIFY_REASON_MAX 300

struct verify_options {
    const char *url;
    const char *status;                  /* list as of spec_status_matches() */
    const char *body;                    /* text that the answer must hold; "" any */
    int64_t max_ms;                      /* longest accepted response time, connecting included; 0 any */
    unsigned attempts;                   /* 0: VERIFY_ATTEMPTS */
    int64_t interval_ms;                 /* between two attempts; 0: VERIFY_INTERVAL_MS */
    const volatile sig_atomic_t *cancel; /* non-zero ends an exchange; may be NULL */
    int cancel_fd;                       /* readable ends a pause; -1 none */
    const struct redactor *redactor;     /* of what is quoted of an answer; may be NULL */
};

struct verify_result {
    bool ok;
    unsigned attempts; /* made */
    int status;        /* of the last attempt; 0: no answer */
    int64_t ms;        /* of the last attempt */
    /*
     * Why the last attempt was not good; "" when it was. May quote what the server sent: as untrusted as any remote text.
     */
    char reason[VERIFY_REASON_MAX];
};

/*
 * Ask until an answer is good or the attempts are used up. 0 when it is; -ERR_VERIFY with the reason, -ERR_CANCEL,
 * -ERR_NOMEM. *ret is written in every case. Redirects are not followed: their status is what counts.
 */
int verify_run(const struct verify_options *o, struct verify_result *ret, struct err *err);

#endif
