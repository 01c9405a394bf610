/*
 * A Docker Engine made of canned answers: an HTTP server on a Unix socket in a thread of the test. Every connection
 * carries one request. Not for two threads at once.
 */
#ifndef BLUEGREEN_TEST_FAKE_ENGINE_H
#define BLUEGREEN_TEST_FAKE_ENGINE_H

#include "shared/buf.h"

struct fake_engine;

#define FAKE_HANG (-1)  /* never answers, until the client goes away */
#define FAKE_CLOSE (-2) /* closes without a byte */

struct fake_answer {
    const char *request; /* beginning of "GET /v1.41/info", the version part may be left out: "GET /info" */
    int status;          /* HTTP status or FAKE_… */
    struct span body;
    size_t piece; /* 0: Content-Length; n: chunked transfer coding, n bytes a chunk */
    size_t cut;   /* 0: whole; n: the connection ends after n bytes of the body */
};

/* /_ping answers with this Api-Version ("" leaves the header out); everything else with 404 until told otherwise. */
struct fake_engine *fake_engine_start(const char *api_version);
void fake_engine_stop(struct fake_engine *f);
const char *fake_engine_socket(const struct fake_engine *f);

/* The newest answer whose `request` fits is given. The body is copied. */
void fake_engine_answer(struct fake_engine *f, struct fake_answer answer);
/* Short form: JSON text, whole. */
void fake_engine_reply(struct fake_engine *f, const char *request, int status, const char *body);

/* Everything that was received so far, heads and bodies. Valid until the next request. */
const char *fake_engine_seen(struct fake_engine *f);
/* Number of requests so far whose line begins like that. */
size_t fake_engine_count(struct fake_engine *f, const char *request);

#endif
