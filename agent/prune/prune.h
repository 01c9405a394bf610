/*
 * What of an app may go from the host, in three parts: facts are collected (prune_facts.c), a pure decision gives each thing
 * its fate and the reason (prune_rules.c), and what may go is removed (prune_do.c). The `prune` row of a deployment, the
 * command `prune` and, without the last part, the plan do this.
 *
 * Only containers with the app's labels, images that the app's own records name, and those records. Never what serves, a
 * container that runs, green within its keep time, the keeper, the last keep_versions good versions (a rollback can reach them:
 * their images, and the records with their settings), or what somebody else uses.
 */
#ifndef BLUEGREEN_PRUNE_H
#define BLUEGREEN_PRUNE_H

#include "agent/run.h"

struct prune_limits {
    int64_t keep_hours;         /* green since it stopped, an image since it was last used */
    int64_t keep_versions;      /* good deployments of distinct digests */
    int64_t log_retention_days; /* records */
};

#define PRUNE_REASON_MAX 160

struct prune_fate {
    bool go;
    char reason[PRUNE_REASON_MAX]; /* why it goes or stays, for people */
};

enum prune_role { PRUNE_OTHERS = 0, PRUNE_KEEPER, PRUNE_BLUE, PRUNE_GREEN, PRUNE_NEXT, PRUNE_ODD, PRUNE_REPLACED };

struct prune_container {
    char id[ENGINE_ID_MAX], name[128], image_id[ENGINE_ID_MAX];
    char image[REFERENCE_NAME_MAX + REFERENCE_TAG_MAX + 8]; /* as the user gave it */
    char deployment[WIRE_ID_MAX + 1];                       /* that made it; "" unknown */
    enum prune_role role; /* OTHERS: not this app's; only the use of its image counts */
    bool running;         /* or paused, or between two starts */
    bool halted;          /* it runs, but is paused or between two starts: it does not serve */
    bool held;            /* the run at hand needs it: what serves from now on, and the version that it replaced */
    int64_t stopped_ms;   /* Unix time; -1 unknown */
    int64_t bytes;        /* written by it; 0 unknown */
    struct prune_fate fate;
};

struct prune_image {
    char digest[ENGINE_ID_MAX];
    char ref[512];          /* repo@digest */
    struct strlist tags;    /* by which the records call it and which still name it; owned */
    char id[ENGINE_ID_MAX]; /* "" not on the host */
    int64_t used_ms;        /* end of the last run that had to do with it; -1 unknown */
    int64_t bytes;
    char other_name[128]; /* under which somebody else keeps it on the host; "" none */
    bool elsewhere;       /* another app's records name it */
    bool pinned;
    struct prune_fate fate;
};

struct prune_record {
    char id[WIRE_ID_MAX + 1];
    bool ended;       /* or was never one: an empty folder, or what a removal left */
    bool whole;       /* has the settings; a removal that was cut off takes them first */
    bool good;        /* a version served at its end */
    bool is_deploy;   /* and was deployed, not brought back */
    int64_t ended_ms; /* -1: cannot be told, or it has not ended */
    char digest[ENGINE_ID_MAX];
    int64_t bytes;
    bool pinned;
    struct prune_fate fate;
};

struct prune_facts {
    int64_t now_ms;
    bool busy;                          /* somebody else is at work on this app */
    bool unfinished;                    /* a run was cut off and has not been brought to its end */
    char current[WIRE_ID_MAX + 1];      /* the run at hand; "" none */
    char serves_digest[ENGINE_ID_MAX];  /* "" nothing of ours serves */
    struct prune_container *containers; /* all of the host; owned */
    struct prune_image *images;         /* owned */
    struct prune_record *records;       /* newest first; owned */
    size_t container_count, image_count, record_count;
};

void prune_facts_done(struct prune_facts *f);
static inline void prune_facts_done_p(struct prune_facts *f)
{
    prune_facts_done(f);
}

/*
 * Look at the host. Of `run`: app, names, engine, app_fd (-1: nothing is known of the app), id ("" none). Changes nothing. *ret
 * is the caller's to end, also after a failure.
 */
int prune_collect(struct run *run, struct prune_facts *ret, struct err *err);

/*
 * As the facts will be when this version has been deployed: blue becomes green and has just stopped, which no container stands in
 * the way of. For the plan.
 */
void prune_foresee(struct prune_facts *f, const char *digest);

/* Give each thing its fate. */
void prune_decide(struct prune_facts *f, const struct prune_limits *limits);

/* With the settings of a deployment. */
struct prune_limits prune_limits_of(const struct spec *spec);

struct prune_done {
    size_t containers, images, records;
    int64_t bytes;
    int64_t disk_freed_bytes; /* measured; -1: cannot be told */
};

/*
 * Remove what may go. What turns out to be in use stays and gets that as its reason; *ret counts the rest. told (may be NULL) hears
 * of each thing. When the engine is lost on the way (-kind) what was not tried stays with that reason, so that fates and *ret are in
 * any case what was done.
 */
int prune_carry_out(struct run *run, struct prune_facts *f, void (*told)(struct run *run, const char *text),
                    struct prune_done *ret, struct err *err);

/* The `prune` report (docs/protocol.md), from facts with their fates. done NULL: a dry run. Owned by the caller. */
struct json *prune_report(const char *app, const struct prune_facts *f, const struct prune_done *done);

#endif
