/*
 * One look at the host: everything that status and diagnose know of an app. It changes nothing there, creates nothing, and
 * takes no lock beyond the instant of looking at one.
 */
#ifndef BLUEGREEN_LOOK_H
#define BLUEGREEN_LOOK_H

#include "agent/run.h"
#include "agent/state/lock.h"
#include "agent/watch/health.h"

enum look_role { LOOK_BLUE, LOOK_GREEN, LOOK_NEXT, LOOK_ROLES };
const char *look_role_name(enum look_role role); /* "blue" */

struct look_version {
    struct run_version v;
    bool has_spec;    /* the settings that it was deployed with are on the host */
    struct spec spec; /* those */
    bool asked, healthy;
    struct health_answer answer; /* redacted */
    bool sampled;
    struct engine_stats stats;
    double cpu_percent;        /* of one CPU; -1 not measured */
    char drift[ENGINE_ID_MAX]; /* blue: digest that its tag names on this host now, when that is another one; else "" */
    bool image_missing;        /* green: its image is gone from the host */
    int64_t
        certificate_end_ms; /* Unix time; of what it serves on its published port; 0: no TLS there, as far as is known */
    int64_t certificate_at_ms; /* monotonic: when that was looked at; 0: it was not */
};

/* The deployment that a living worker is at. */
struct look_running {
    bool is;
    char deployment[WIRE_ID_MAX + 1];
    char operation[16];
    char step[EVENT_STEP_MAX], title[160]; /* "" before the first one */
    int64_t since_ms, started_ms;          /* Unix time; 0 unknown */
    char run_link[300];
};

struct look {
    struct run run;          /* engine, app's folder (-1: nothing is known of it), names, redactor */
    struct err engine_error; /* why there is nothing about the engine and its containers; kind ERR_OK: there is */
    int64_t now_ms;
    struct look_version at[LOOK_ROLES];
    struct run_version keeper;
    struct strlist others; /* names of further containers with the app's label */
    struct look_running running;
    char unfinished[WIRE_ID_MAX + 1]; /* newest deployment that has no end and no worker; "" none */
    struct json *entries;             /* newest first, at most 10: docs/history.schema.json */
    struct json *trend;               /* oldest first */
    char audit_bad[240];              /* why the audit log is not whole; "" it is */
    bool lock_held;
    struct lock_owner lock;
    int64_t disk_free_bytes, disk_total_bytes; /* Docker's disk; -1 unknown */
    bool has_skew;
    double skew_seconds;         /* this host's clock against the client's; positive: ahead */
    struct history blue_history; /* what blue answered */
};

/*
 * What one question leaves for the next of the same client: a connection to the engine, the samples of CPU time, the dates of
 * certificates, which are looked at once a minute, and the past as the audit log told it, which is read again only when it
 * has changed.
 */
#define LOOK_AUDIT_FILES 3
struct look_memory {
    struct engine *engine;
    struct engine_info info;
    struct {
        char id[ENGINE_ID_MAX];
        struct engine_stats stats;
        int64_t certificate_end_ms, certificate_at_ms;
    } samples[LOOK_ROLES];
    struct {
        int64_t inode, bytes, changed_ns;
    } audit[LOOK_AUDIT_FILES];
    struct json *entries, *trend;
    char audit_bad[240];
};
void look_memory_done(struct look_memory *m);

/*
 * Look. An engine that does not answer is no failure (engine_error), nor is an app that nobody knows here; -kind when the
 * state root cannot be read. time_ms: the client's clock, 0 unknown. Takes 100 ms for the CPU time of what runs unless
 * `memory` has an earlier sample, and as long as the health checks need. *l is initialised here; look_done() in every case.
 */
int look_take(struct look *l, const char *app, int64_t time_ms, struct look_memory *memory, struct err *err);
void look_done(struct look *l);

/* Likely cause, next step and evidence that a deployment told when it failed: members of a diagnosis event. NULL: none. */
struct json *look_diagnosis_of(const struct look *l, const char *deployment);

/* ---- its parts; look_take() calls them ---- */

/* Containers, their samples, health and images. */
int look_at_versions(struct look *l, struct look_memory *memory, struct err *err);
/* Records of deployments: running, unfinished; the lock. */
int look_at_records(struct look *l, struct err *err);
/* Past deployments: entries, trend, audit_bad. */
int look_at_past(struct look *l, struct look_memory *memory, struct err *err);

#endif
