/*
 * What a run left to tell: collected from its events, used by annotations, outputs and the summary.
 *
 * Strings come from an untrusted host and are kept as they came, cut to their fields; whoever shows them makes them safe.
 * Everything is bounded: what does not fit is counted, not kept.
 */
#ifndef BLUEGREEN_REPORT_H
#define BLUEGREEN_REPORT_H

#include "shared/answer.h"
#include "shared/event.h"
#include "shared/kpi.h"
#include "shared/outcome.h"
#include "shared/wire.h"

#define REPORT_STEPS_MAX 64
#define REPORT_SAMPLES_MAX 12 /* failed health samples kept */
#define REPORT_DIAGNOSES_MAX 4
#define REPORT_EVIDENCE_MAX 6000 /* bytes of one diagnosis, newest lines kept */

enum report_step_state { REPORT_STEP_RUNNING, REPORT_STEP_DONE, REPORT_STEP_FAILED };

#define REPORT_WARNINGS_MAX 4

struct report_step {
    char name[EVENT_STEP_MAX];
    char title[120];
    char text[240];   /* what it found, or why it failed */
    int64_t start_ms; /* the host's wall clock */
    double seconds;   /* -1: not told */
    enum report_step_state state;
    bool undo;
};

struct report_sample {
    char target[16];
    int64_t attempt;
    int64_t status; /* 0: no answer */
    double ms;
    char error[200];
};

struct report_counts {
    const char *target; /* "candidate", "production", "previous" */
    uint64_t seen, failed;
};
#define REPORT_TARGETS 3

struct report_diagnosis {
    char code[48];
    char cause[400];
    char next[400];
    struct buf evidence; /* lines */
};

struct report {
    char app[SPEC_APP_MAX + 1];
    char deployment[WIRE_ID_MAX + 1];
    enum wire_op op;
    enum outcome outcome;
    struct err cause;    /* kind ERR_OK: none */
    bool told;           /* an outcome event came */
    struct json *facts;  /* its members (docs/protocol.md "outcome"); NULL: none came. Owned */
    struct json *answer; /* of the report events of a question, the parts of a long one together; owned; NULL none */
    char answer_name[ANSWER_NAME_SIZE]; /* "status", "history"…: what kind of report it is */
    struct answer_size answer_size;
    char agent_version[64];
    uint64_t events; /* of the deployment's log (seq > 0) */

    struct report_step steps[REPORT_STEPS_MAX];
    size_t step_count;
    uint64_t steps_left_out;
    struct report_sample samples[REPORT_SAMPLES_MAX];
    size_t sample_count;
    struct report_counts counts[REPORT_TARGETS];
    struct report_diagnosis diagnoses[REPORT_DIAGNOSES_MAX];
    size_t diagnosis_count;
    char warnings[REPORT_WARNINGS_MAX][400]; /* the agent's own: what it could not do as it was asked to */
    size_t warning_count;
    char failed_step[EVENT_STEP_MAX]; /* the first that failed; "" none */

    char verify[400];                  /* what verify-url showed, our words; "" not asked */
    char rollback_id[WIRE_ID_MAX + 1]; /* of a rollback that the action itself asked for; "" none */
    struct json *rollback_facts;       /* its outcome event's members; owned; NULL none */
};

void report_init(struct report *r, enum wire_op op, const char *app, const char *deployment);
void report_done(struct report *r);

/* Take what the event tells. Never fails: an event that makes no sense adds nothing. */
void report_event(struct report *r, const struct event *ev);

/*
 * The request is over: `result` and `err` as session_run() gave them. Decides the outcome: what the agent told, when `end`
 * followed; otherwise unknown, with the error as its cause. A request that was never sent (ERR_INPUT) touched nothing.
 */
void report_end(struct report *r, int result, const struct err *err);

/* It never came to a request: nothing was touched. */
void report_never_sent(struct report *r, const struct err *err);

/*
 * Take over a rollback that the action asked for because of `why` (verify-url): its steps, its facts, and the outcome,
 * which is rolled_back when the rollback says so and rollback_failed (or unknown) otherwise.
 */
void report_adopt_rollback(struct report *r, const struct report *rollback, const struct err *why);

/* Does this request ask something (or tidy up), without moving production? Its answer is a report. */
bool report_is_question(enum wire_op op);

/* A member of facts: text, or ""; number, or -1. */
const char *report_str(const struct report *r, const char *key);
double report_num(const struct report *r, const char *key);

/*
 * Bytes of an image's name that people are shown: with a tag and the digest that it had, the digest has its own place and is
 * left out.
 */
size_t report_image_len(const char *image);

/* As the outcome event judged it; KPI_NOT_MEASURED when it says nothing. */
enum kpi_verdict report_kpi(const struct report *r, enum kpi_id id);
/* Seconds of a KPI, -1 not measured; limits as they were used. */
double report_kpi_seconds(const struct report *r, enum kpi_id id, struct kpi_limits *limits);
bool report_has_critical_kpi(const struct report *r);

/* The exit code of main for this report; fail_on_kpi as the input says. */
int report_exit_code(const struct report *r, bool fail_on_kpi);

#endif
