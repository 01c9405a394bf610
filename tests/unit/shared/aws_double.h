/* A listener that plays AWS, or a proxy before it: it records what arrives and answers from a script. */
#ifndef BLUEGREEN_AWS_DOUBLE_H
#define BLUEGREEN_AWS_DOUBLE_H

#include "shared/buf.h"

#include <pthread.h>

#define DOUBLE_SEEN_MAX 8

struct double_answer {
    const char *status;  /* "200 OK"; NULL: the connection ends without an answer */
    const char *headers; /* each with its CR LF; NULL: none */
    const char *body;
};

struct aws_double {
    int listener;
    int stop[2];
    pthread_t thread;
    unsigned port;
    char url[64];
    const struct double_answer *script; /* one after the other, the last one again and again */
    size_t script_len;
    pthread_mutex_t lock;
    size_t seen_count; /* requests, also beyond those that are kept */
    char *seen[DOUBLE_SEEN_MAX];
};

void double_start(struct aws_double *d);
void double_stop(struct aws_double *d);
/* Forget what was seen and play this from now on; borrowed. */
void double_play(struct aws_double *d, const struct double_answer *script, size_t len);
/* The value of a header in a request that was seen, trimmed; empty when it is not there. Borrowed. */
struct span double_header(const char *request, const char *name);
/* What follows the headers. */
const char *double_body(const char *request);

#endif
