/*
 * What the main and the post stage have in common: log, masks, inputs, connection, one request at a time.
 */
#ifndef BLUEGREEN_STAGE_H
#define BLUEGREEN_STAGE_H

#include "cmd/inputs/inputs.h"
#include "cmd/inputs/secretenv.h"
#include "cmd/log/github.h"
#include "cmd/log/workflowpos.h"
#include "cmd/report/report.h"
#include "cmd/ssh/session.h"

struct collect;

/*
 * A person's command line in place of a runner: where settings come from, and where words go. Everything is borrowed and has to outlive
 * the stage.
 */
struct stage_hand {
    const struct inputs_source *source;
    void *ctx;
    github_write_fn *write;
    /* Before the settings are read: keys and pins that have to be looked for. What it finds fault with is told as a wrong setting. */
    int (*prepare)(void *ctx, int cancel_fd, struct err *err);
    /* From now on what is written tells what went wrong: it is for standard error, whatever else is shown. */
    void (*complain)(void *ctx);
    /* Before the log has it. true: it is shown already. */
    bool (*event)(void *ctx, const struct event *ev);
};

struct stage {
    const struct stage_hand *hand; /* NULL: a step of a workflow */
    struct github *g;
    struct redactor *redactor;
    struct inputs_source environment;   /* the runner's */
    const struct inputs_source *source; /* of the inputs: that, or the hand's */
    struct inputs in;
    bool has_inputs; /* in is initialised */
    int signal_fd;   /* readable after SIGINT or SIGTERM */
    struct session *session;
    int64_t data_ms;               /* when the host sent the last piece of an answer in bytes, on its clock; 0 none */
    struct workflowpos pos;        /* where annotations point */
    struct secretenv *secrets;     /* of the environment; NULL before stage_init() */
    struct account *account;       /* AWS; NULL until somebody needs it */
    bool ecr_token_sent;           /* the registry's login is one that ecrcheck_run() made */
    char image_scan[200];          /* findings of ECR's scan of the image, for the summary; "" not looked at */
    struct instance *instance;     /* that host names; NULL: an ordinary name, or not looked up yet */
    const char *instance_id;       /* post: the one that main used, borrowed; NULL or "": as host says */
    struct connectkey *connectkey; /* ssh-auth: instance-connect; NULL before connectkey_make() */
    struct ingress *ingress;       /* the rule that lets the runner in; NULL until one was asked for */
};

/*
 * Hardening, signals, the log on fd 1, and the masks of every secret input before anything else is printed.
 * 0 or -kind; stage_done() in every case.
 */
int stage_init(struct stage *s, struct err *err);
/* The same by hand: nothing of a runner is looked at. */
int stage_init_by_hand(struct stage *s, const struct stage_hand *hand, struct err *err);
void stage_done(struct stage *s);

/* Read, check and wipe the inputs. Each wrong one is told as an annotation; then -ERR_INPUT, -ERR_NO_PIN… */
int stage_inputs(struct stage *s, struct err *err);
/* The same without a word about wrong ones, unless they were read before: for what is left to do whatever they are. */
void stage_inputs_quietly(struct stage *s);

/* "user@host:port". */
const char *stage_host(const struct stage *s, char out[300]);

/* "host:port". */
const char *stage_place(const struct stage *s, char out[300]);

/* Connect and install, in a group of the log. cancel_fd: s->signal_fd, or -1 when nothing may interrupt it. */
int stage_connect(struct stage *s, int cancel_fd, struct err *err);

/*
 * A request for this app, spec borrowed from the inputs: to be used at once and never handed to wire_request_done().
 */
struct wire_request stage_request(const struct stage *s, enum wire_op op, const char *deployment);

/* Run it: events go to the log and into *r (initialised by the caller), which has its outcome afterwards. */
void stage_run(struct stage *s, const struct wire_request *request, struct report *r);

/* Gets each piece of bytes, as it came; whoever shows it redacts and filters it. 0, or -kind, which ends the answer. */
typedef int stage_data_fn(void *ctx, struct span data);

/* The same for an answer that brings bytes (the log of an app). on_data NULL: they are not wanted. */
void stage_run_data(struct stage *s, const struct wire_request *request, struct report *r, stage_data_fn *on_data,
                    void *ctx);

/* Ask for the bundle of a deployment into `collect`. 0, or -kind when the part is not whole. */
int stage_bundle(struct stage *s, struct collect *collect, const char *deployment, const char *prefix, struct err *err);

/* Append to the job summary; a failure is a warning in the log. */
void stage_summary(struct stage *s, struct span markdown);

#endif
