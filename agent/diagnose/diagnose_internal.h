/* What the parts of diagnose share. Nobody else includes this. */
#ifndef BLUEGREEN_DIAGNOSE_INTERNAL_H
#define BLUEGREEN_DIAGNOSE_INTERNAL_H

#include "agent/status/look.h"
#include "agent/watch/evidence.h"

struct diagnosing {
    struct look l;
    const struct wire_request *request;
    struct json *checks, *findings;
    bool blue_explained; /* a finding says why blue does not serve as it should */
};

/* A check and what it saw. */
void diagnose_check(struct diagnosing *d, const char *name, bool ok, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A finding from the diagnosis table. evidence: with its cause; NULL: that error's words alone. false: no row fits. */
bool diagnose_tell(struct diagnosing *d, const char *level, const char *subject, struct err *cause,
                   const struct evidence *evidence);

/* A finding in words of its own; evidence is taken, NULL: none. */
void diagnose_add(struct diagnosing *d, const char *code, const char *level, const char *subject, const char *cause,
                  const char *next, const char *command, struct json *evidence);

/* blue.c: does it run, answer, listen, hold its port? */
void diagnose_blue(struct diagnosing *d);
/* registry.c: does it answer, let in, and still have the image? */
void diagnose_registry(struct diagnosing *d);

#endif
