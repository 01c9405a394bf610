/*
 * What to do about what is seen: one table from facts to recommendations, each with the command that fixes it. Pure: no calls,
 * no state. docs/troubleshooting.md lists the codes for people.
 */
#ifndef BLUEGREEN_ADVICE_H
#define BLUEGREEN_ADVICE_H

#include "shared/kpi.h"

#define ADVICE_DISK_FULL (256LL * 1024 * 1024) /* as the preflight of a deployment wants it */
#define ADVICE_DISK_LOW (1024LL * 1024 * 1024)
#define ADVICE_DISK_MUCH (10 * ADVICE_DISK_LOW) /* that much is enough, however small a part it is */
#define ADVICE_DISK_PART 10                     /* less than one part in so many is little */
#define ADVICE_RESTARTS 3
#define ADVICE_RESTARTS_UP_MS (10LL * 60 * 1000) /* up longer than that: the loop is over */
#define ADVICE_SKEW_SECONDS 5.0
#define ADVICE_CERTIFICATE_MS (21LL * 24 * 3600 * 1000) /* what renews itself does so a month before the end */
#define ADVICE_OLD_API 41 /* Engine 20.10: older ones are slow to tell CPU time, and nobody mends them any more */

enum advice_health { ADVICE_HEALTH_UNKNOWN, ADVICE_HEALTHY, ADVICE_UNHEALTHY };

/* A container. Strings may be NULL. */
struct advice_version {
    bool exists;
    bool ours; /* made by this tool, for this app */
    bool running, restarting, oom_killed;
    bool comes_back; /* its restart policy starts it whatever ended it, unless somebody stopped it */
    int64_t restarts, exit_code;
    int64_t up_ms;  /* since its last start */
    int port;       /* of the host, with which it was deployed */
    bool port_lost; /* it runs, and holds another one */
    enum advice_health health;
    const char *health_error;
    const char *image, *digest;
    const char *drift;          /* digest that the image's tag names on the host now, when that is another one */
    bool image_missing;         /* from the host */
    int64_t keep_until_ms;      /* Unix time; -1 unknown */
    int64_t certificate_end_ms; /* Unix time; 0: it serves none, as far as is known */
    int certificate_port;       /* of the host, on which it serves it */
};

/* What was seen; borrowed. Strings may be NULL. */
struct advice_facts {
    const char *app;
    int64_t now_ms; /* Unix time */
    bool is_known;  /* there are records of it */
    struct advice_version blue, green, next;
    bool keeper_exists, keeper_runs;
    const char *last_good; /* an earlier good deployment, to go back to when there is no green */
    bool running;          /* a worker is at a deployment */
    const char *running_deployment;
    int64_t running_ms, running_limit_ms;
    const char *unfinished; /* a deployment that nobody is at */
    bool lock_held;
    const char *lock_deployment;
    int64_t disk_free_bytes, disk_total_bytes; /* -1 unknown */
    double skew_seconds;                       /* positive: the host is ahead; 0 also: unknown */
    struct {
        enum kpi_verdict verdict; /* the worst of the last deployment */
        const char *title, *deployment;
        double seconds, limit;
    } kpi;
    bool audit_broken;
    const char *engine_version, *engine_api;
};

struct advice {
    const char *code;    /* stable name */
    const char *level;   /* info, warning, error */
    const char *subject; /* blue, green, image, deployment, host, engine */
    char text[400];      /* one sentence */
    char command[300];   /* to be typed on the host; "": nothing there helps, and the text says what does */
};

/* The next row that fits, from *row on, which is moved behind it. false: no further one. */
bool advice_next(const struct advice_facts *facts, size_t *row, struct advice *ret);

/* The table's codes in its order, for tests; NULL after the last one. A code may stand there several times. */
const char *advice_code(size_t row);

#endif
