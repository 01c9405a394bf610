/*
 * A listener that plays AWS, a metadata service, or a proxy before them: it records what arrives and answers by a
 * table of routes, or from a script.
 */
#ifndef BLUEGREEN_AWS_DOUBLE_H
#define BLUEGREEN_AWS_DOUBLE_H

#include "shared/buf.h"

#include <pthread.h>

#define DOUBLE_SEEN_MAX 8
#define DOUBLE_ROUTES_MAX 16

struct double_answer {
    const char *status;  /* "200 OK"; NULL: the connection ends without an answer */
    const char *headers; /* each with its CR LF; NULL: none */
    const char *body;
};

struct double_route {
    const char *request;  /* method and path: "PUT /latest/api/token" */
    const char *needs[3]; /* each is somewhere in the request */
    int status;           /* 0: no answer, and the connection stays open */
    const char *body;
    int times; /* so often, then the next route that fits; 0: always */
};

struct aws_double {
    int listener;
    int stop[2];
    pthread_t thread;
    unsigned port;
    char url[64];
    const struct double_answer *script; /* one after the other, the last one again and again */
    size_t script_len;
    struct double_route routes[DOUBLE_ROUTES_MAX];
    size_t route_count;
    pthread_mutex_t lock;
    size_t seen_count; /* requests, also beyond those that are kept */
    char *seen[DOUBLE_SEEN_MAX];
};

void double_start(struct aws_double *d);
void double_stop(struct aws_double *d);
/* Forget what was seen and the routes, and play this from now on; borrowed. */
void double_play(struct aws_double *d, const struct double_answer *script, size_t len);
/* Add a route behind those that are there. What fits none is answered from the script, without one by a 404. */
void double_route(struct aws_double *d, struct double_route route);
/* All requests that were kept, one behind the other. */
void double_seen(struct aws_double *d, struct buf *out);
/* The value of a header in a request that was seen, trimmed; empty when it is not there. Borrowed. */
struct span double_header(const char *request, const char *name);
/* What follows the headers. */
const char *double_body(const char *request);

/* Now and `ms`, as AWS writes a time; one of four static texts. */
const char *double_time(int64_t ms);

#endif
