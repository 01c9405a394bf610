/*
 * The context of one run (a deployment or a rollback): what is wanted, what was found, what to tell.
 */
#ifndef BLUEGREEN_RUN_H
#define BLUEGREEN_RUN_H

#include "agent/container.h"
#include "agent/engine/engine.h"
#include "agent/state/eventlog.h"
#include "agent/state/journal.h"
#include "agent/step.h"
#include "agent/watch/history.h"
#include "agent/watch/prober.h"
#include "shared/outcome.h"
#include "shared/reference.h"
#include "shared/wire.h"

#include <signal.h>

#define RUN_PID_FILE "worker.pid" /* in the deployment's folder while a worker is at it */

struct strategy;
struct ecrhost;

/* The names of an app's containers (contract). */
struct run_names {
    char blue[SPEC_APP_MAX + 16], green[SPEC_APP_MAX + 16], next[SPEC_APP_MAX + 16];
    char keeper[SPEC_APP_MAX + 16];
    char network[SPEC_APP_MAX + 16];
};

/* A version of the app, as one container. */
struct run_version {
    bool exists;
    struct engine_container c; /* as inspected when it was found; endpoints are what an undo restores */
    int host_port;             /* where it can be asked now; 0 unknown */
};

struct run {
    enum wire_op op;
    char app[SPEC_APP_MAX + 1];
    char id[WIRE_ID_MAX + 1];
    struct run_names names;
    struct spec spec;
    char only_if_current[WIRE_ID_MAX + 1];
    char reason[200];
    char run_link[300];            /* who asked */
    char to[WIRE_TO_MAX + 1];      /* rollback: what to go back to; "" the previous version */
    char target_id[ENGINE_ID_MAX]; /* rollback to a named version that green is: its container; "" whatever green is */
    struct spec given;             /* rollback: secrets and login that came with the request */
    bool redeploys; /* rollback: by a new container of the old version, so with the steps of a deployment */

    int app_fd, dir_fd, lock_fd;
    struct engine *engine;
    struct engine_info engine_info;
    struct eventlog log;
    struct journal journal;
    struct redactor *redactor;
    volatile sig_atomic_t cancelled; /* the engine polls it; set through run_cancel() */
    volatile sig_atomic_t cancel_ignored;
    volatile sig_atomic_t cancel_held, cancel_waits;

    /* steps */
    const struct step *steps;
    struct step_record records[STEPS_MAX];
    char step_name[EVENT_STEP_MAX];
    char step_text[300];
    int64_t deadline_ms;

    /* found and made */
    const struct strategy *strategy;
    struct reference ref;       /* deploy: of the image */
    char digest[ENGINE_ID_MAX]; /* of the new version */
    char image_ref[512];        /* what the container is made from: repo@digest */
    char image_id[ENGINE_ID_MAX];
    bool image_was_here;
    struct ecrhost *ecr; /* the host's own login to ECR; NULL: there is none. Owned */
    char fingerprint[65];
    struct run_version old;         /* what serves at the start */
    struct run_version cand;        /* what is to serve */
    struct run_version cand_before; /* rollback: the candidate as it was found, for the undo */
    bool old_was_running;
    bool old_answered;     /* it passed the health check at the start, so an undo may ask for that again */
    char old_policy[32];   /* restart policy to give back on undo */
    char final_policy[32]; /* restart policy of the candidate from the commit on */
    bool direct;           /* the candidate got the port itself: nothing stood in its way */
    bool committed;
    bool by_keeper; /* recovery in the keeper's container: the host's loopback, where health is asked, is not there */

    /* measured */
    int64_t started_wall_ms, started_ms;
    int64_t cutover_ms, health_ms; /* -1 not measured */
    struct prober *prober;
    struct prober_result probes;
    struct history history; /* of the last health check of the new version */
    int64_t response_before_ms, response_after_ms;
    struct engine_stats first_stats;
    struct json *resources; /* owned; NULL not measured */
    struct json *changes;   /* owned */
    struct json *rollback;  /* owned */
    int64_t rollback_started_ms;
};

void run_init(struct run *run);
void run_done(struct run *run);
/* The steps of its kind (agent/deploy.c, agent/rollback.c). */
const struct step *run_steps(const struct run *run);
/* Is there a new container from a given image in it? Otherwise the kept container of the previous version. */
bool run_makes_container(const struct run *run);
void run_set_names(struct run_names *n, const char *app);

/* Events. text of log is cut to fit a line. */
void run_log(struct run *run, const char *level, const char *source, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void run_log_lines(struct run *run, const char *level, const char *source, struct span text, int max_lines);
void run_metric(struct run *run, const char *name, double value, const char *unit);
void run_text(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void run_emit_error(struct run *run, enum event_kind kind, const char *step, int64_t took_ms, const struct err *e);

/* Ask the run to stop at the next safe point; async-signal-safe. Without effect once the run ignores it. */
void run_cancel(struct run *run);
/* While held, a cancel waits; it takes effect with the release. */
void run_hold_cancel(struct run *run, bool hold);
/* From here on nothing cuts the run short: an undo, or what follows the commit. */
void run_ignore_cancel(struct run *run);

/* -ERR_CANCEL or -ERR_TIMEOUT when the run is cancelled or the step's time is up; else 0. */
int run_check(struct run *run, struct err *err);

/*
 * The engine went away (a restart of its service): wait until it answers again, up to a minute. false: it does not, or err
 * has another cause. For work that must be done whatever happens: undo, settle.
 */
bool run_outlast_restart(struct run *run, const struct err *err);

/* Inspect a container into a version (ended first). 0; 1: there is none. */
int run_find(struct run *run, const char *name_or_id, struct run_version *ret, struct err *err);
void run_version_done(struct run_version *v);

#endif
