/*
 * A client of AWS whose environment a test chooses and whose secrets and notes it sees, and a web server that answers by a
 * table: what the tests of the credentials share.
 */
#ifndef BLUEGREEN_TESTS_FAKE_AWS_H
#define BLUEGREEN_TESTS_FAKE_AWS_H

#include "shared/aws.h"

#include <pthread.h>

#define FAKE_ROUTES_MAX 16
#define FAKE_VARS_MAX 16

struct fake_route {
    const char *request;  /* method and path: "PUT /latest/api/token" */
    const char *needs[3]; /* each is somewhere in the request */
    int status;           /* 0: the connection stays open and silent */
    const char *body;
    int times; /* so often, then the next route that fits; 0: always */
};

struct fake_aws {
    struct aws aws;
    const char *names[FAKE_VARS_MAX], *values[FAKE_VARS_MAX];
    size_t vars;
    struct buf secrets; /* all that aws_learn() was told, one a line */
    struct buf notes;   /* one a line */
    char url[64];       /* of the server, without a slash at the end */
    struct fake_route routes[FAKE_ROUTES_MAX];
    size_t route_count;
    struct buf seen; /* every request, as it came */
    int requests;
    pthread_mutex_t lock; /* routes, seen, requests */
    pthread_t thread;
    int listener, stop[2];
};

void fake_aws_begin(struct fake_aws *f);
void fake_aws_end(struct fake_aws *f);

/* Set, change or (NULL) remove a variable; borrowed. */
void fake_aws_env(struct fake_aws *f, const char *name, const char *value);
/* Add a route behind those that are there. What fits none gets a 404. */
void fake_aws_route(struct fake_aws *f, struct fake_route route);
void fake_aws_forget_routes(struct fake_aws *f);
/* What was asked since the last call, copied; the caller ends it. */
void fake_aws_take_seen(struct fake_aws *f, struct buf *out);

/* Now and `ms`, as AWS writes it; one of four static texts. */
const char *fake_aws_time(int64_t ms);

#endif
