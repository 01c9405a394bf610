#include "cmd/stage.h"

#include "cmd/artifact/collect.h"
#include "cmd/aws/account.h"
#include "cmd/aws/connectkey.h"
#include "cmd/aws/hostkeys.h"
#include "cmd/aws/ingress.h"
#include "cmd/aws/instance.h"
#include "cmd/log/logview.h"
#include "cmd/signals.h"
#include "cmd/ssh/ssh.h"
#include "shared/http.h"
#include "shared/secret.h"

#define PROBLEMS_MAX (64 * 1024)
#define REDACT_TEXT_MIN 24 /* bytes; the longest word of the protocol has 16 */

static const char *environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static void mask(void *ctx, const char *value)
{
    github_mask(ctx, value);
}

/* Annotations point at the step in its workflow file. */
static void find_position(struct stage *s)
{
    struct workflowpos_env env;

    workflowpos_env(&env);
    workflowpos_find(&env, &s->pos);
    github_set_position(s->g, s->pos.file, s->pos.line);
}

static int begin(struct stage *s, struct err *err)
{
    memset(s, 0, sizeof(*s));
    s->signal_fd = -1;
    secret_harden_process();
    return signals_init(&s->signal_fd, err) < 0 || redactor_new(&s->redactor, err) < 0 ? -(int)err->kind : 0;
}

int stage_init(struct stage *s, struct err *err)
{
    const char *actions = getenv("GITHUB_ACTIONS");

    if (begin(s, err) < 0 ||
        github_new(&s->g, STDOUT_FILENO, actions && strcmp(actions, "true") == 0, s->redactor, err) < 0)
        return err_wrap(err, "start");
    inputs_source_init(&s->environment, environment, NULL);
    s->source = &s->environment;
    inputs_each_secret(s->source, mask, s->g);
    find_position(s);
    return secretenv_take(&s->secrets, s->g, s->redactor, err);
}

int stage_init_by_hand(struct stage *s, const struct stage_hand *hand, struct err *err)
{
    if (begin(s, err) < 0 || github_new_writer(&s->g, hand->write, hand->ctx, false, s->redactor, err) < 0)
        return err_wrap(err, "start");
    s->hand = hand;
    s->source = hand->source;
    return secretenv_take(&s->secrets, s->g, s->redactor, err);
}

void stage_done(struct stage *s)
{
    session_free(s->session);
    connectkey_free(s->connectkey);
    instance_free(s->instance);
    ingress_free(s->ingress);
    account_free(s->account);
    workflowpos_done(&s->pos);
    github_free(s->g);
    if (s->has_inputs)
        inputs_done(&s->in);
    redactor_free(s->redactor);
    secretenv_free(s->secrets);
}

/* "input 'ID'…": at the line of the workflow where ID stands. */
static void point_at_input(struct stage *s, struct span problem)
{
    struct span before, id, rest = problem;
    char name[64];

    if (!span_split(&rest, '\'', &before) || !span_split(&rest, '\'', &id) || id.len >= sizeof(name))
        return;
    (void)snprintf(name, sizeof(name), "%.*s", (int)id.len, id.ptr);
    github_set_position(s->g, s->pos.file, workflowpos_input(&s->pos, name));
}

int stage_inputs(struct stage *s, struct err *err)
{
    _cleanup_(buf_done_p) struct buf problems = BUF_INIT(PROBLEMS_MAX);
    const char *title = s->hand ? "Wrong setting" : "Wrong input";
    struct span rest, line;
    char text[2048];
    int r = s->hand ? s->hand->prepare(s->hand->ctx, s->signal_fd, err) : 0;

    if (r >= 0) {
        r = inputs_read(s->source, &s->in, s->redactor, &problems, err);
        s->has_inputs = true;
    }
    inputs_wipe_env();
    /* slow work, so not while secrets are in the environment */
    if (r >= 0 && (http_global_init(err) < 0 || ssh_global_init(err) < 0))
        r = err_wrap(err, "start");
    if (r >= 0)
        return 0;
    if (s->hand)
        s->hand->complain(s->hand->ctx);
    if (!problems.len)
        github_annotate(s->g, GITHUB_ERROR, title, "%s%s%s", err_text(err, text, sizeof(text)),
                        *err_hint_text(err) ? "\nWhat to do: " : "", err_hint_text(err));
    rest = buf_span(&problems);
    while (span_next_line(&rest, &line))
        if (span_trim(line).len) {
            point_at_input(s, line);
            github_annotate(s->g, GITHUB_ERROR, title, "%.*s", (int)line.len, line.ptr);
        }
    github_set_position(s->g, s->pos.file, s->pos.line);
    return r;
}

void stage_inputs_quietly(struct stage *s)
{
    _cleanup_(buf_done_p) struct buf problems = BUF_INIT(PROBLEMS_MAX);
    struct err err = { 0 };

    if (s->has_inputs)
        return;
    (void)inputs_read(s->source, &s->in, s->redactor, &problems, &err); /* what is right is filled in */
    s->has_inputs = true;
    inputs_wipe_env();
}

const char *stage_host(const struct stage *s, char out[300])
{
    const struct ssh_target *t = &s->in.target;

    (void)snprintf(out, 300, "%s@%s:%d", t->user, t->host, t->port);
    return out;
}

const char *stage_place(const struct stage *s, char out[300])
{
    (void)snprintf(out, 300, "%s:%d", s->in.target.host, s->in.target.port);
    return out;
}

static void note(void *ctx, const char *text)
{
    github_line(ctx, "%s", text);
}

static int before_connect(void *ctx, struct err *err)
{
    return ingress_open(ctx, err);
}

static int before_login(void *ctx, int64_t deadline_ms, bool cancellable, struct err *err)
{
    return connectkey_push(ctx, deadline_ms, cancellable, err);
}

/* What nothing may interrupt, a cancel does not keep from AWS either. */
static int be_patient(struct stage *s, struct err *err)
{
    int r = 0;

    if (!instance_is_named(s->in.target.host) && !s->in.aws.open_port)
        return 0;
    r = account_open(s, err);
    if (r == 0)
        account_ignore_cancel(s->account);
    return r;
}

/* What AWS knows of the host, before the first packet to it. */
static int prepare_instance(struct stage *s, int cancel_fd, struct err *err)
{
    int r = cancel_fd < 0 ? be_patient(s, err) : 0;

    if (r == 0)
        r = instance_resolve(s, err);
    if (r == 0)
        r = hostkeys_fetch(s, err);
    return r == 0 ? connectkey_make(s, err) : r;
}

int stage_connect(struct stage *s, int cancel_fd, struct err *err)
{
    struct session_options o = { .inputs = &s->in,
                                 .cancel_fd = cancel_fd,
                                 .hooks = { .ctx = s, .before_connect = before_connect, .before_login = before_login },
                                 .observer = { s->g, note } };
    struct session_facts facts;
    char host[300], title[400];
    int r = 0;

    (void)snprintf(title, sizeof(title), "Connect to %s", stage_host(s, host));
    github_group(s->g, title);
    if (*s->in.jump.host)
        github_line(s->g, "through %s@%s:%d", s->in.jump.user, s->in.jump.host, s->in.jump.port);
    r = prepare_instance(s, cancel_fd, err);
    if (r == 0)
        r = session_open(&s->session, &o, err);
    if (r < 0) {
        redactor_clean_err(s->redactor, err);
        github_endgroup(s->g);
        return r;
    }
    session_facts(s->session, &facts);
    github_line(s->g, "agent %s %.12s %s", facts.arch, facts.agent_sha256,
                facts.uploaded ? "sent" : "was there already");
    github_endgroup(s->g);
    return 0;
}

struct wire_request stage_request(const struct stage *s, enum wire_op op, const char *deployment)
{
    struct wire_request r = { .op = op, .lock_timeout_ms = s->in.spec.lock_timeout_ms, .spec = s->in.spec };

    (void)snprintf(r.app, sizeof(r.app), "%s", s->in.spec.app);
    (void)snprintf(r.deployment, sizeof(r.deployment), "%s", deployment);
    (void)snprintf(r.run_link, sizeof(r.run_link), "%s", s->in.run_link);
    return r;
}

struct listener {
    struct logview view;
    struct report *report;
    struct redactor *redactor;
    const struct stage_hand *hand; /* NULL: none */
    stage_data_fn *on_data;        /* NULL: not wanted */
    void *ctx;
    int64_t *data_ms;
};

/* Short strings stay: they are the protocol's own words, and no field of ours is too small for them. */
static void redact_text(void *ctx, struct span text, struct buf *out)
{
    if (text.len < REDACT_TEXT_MIN)
        buf_add_span(out, text);
    else
        redactor_apply(ctx, text, out);
}

static int on_event(void *ctx, const struct event *ev, struct span data)
{
    struct listener *l = ctx;
    int r = 0;

    if (data.len && l->on_data) {
        *l->data_ms = ev->t_ms;
        if ((r = l->on_data(l->ctx, data)) < 0)
            return r;
    }
    /* before anything is cut to fit a field or a line: a secret must not slip through at the seam */
    json_edit_strings(ev->body, redact_text, l->redactor);
    report_event(l->report, ev);
    if (!l->hand || !l->hand->event(l->hand->ctx, ev))
        logview_event(&l->view, ev);
    return 0;
}

void stage_run_data(struct stage *s, const struct wire_request *request, struct report *r, stage_data_fn *on_data,
                    void *ctx)
{
    struct listener l = {
        .report = r, .redactor = s->redactor, .hand = s->hand, .on_data = on_data, .ctx = ctx, .data_ms = &s->data_ms
    };
    struct err err = { 0 };
    int result = 0;

    logview_init(&l.view, s->g);
    result = session_run(s->session, request, on_event, &l, &err);
    logview_end(&l.view);
    report_end(r, result, &err);
    redactor_clean_err(s->redactor, &r->cause); /* its texts may have been cut: half a secret is found here only */
}

void stage_run(struct stage *s, const struct wire_request *request, struct report *r)
{
    stage_run_data(s, request, r, NULL, NULL);
}

struct bundle_listener {
    struct collect *collect;
    struct err err;  /* of our side */
    struct err told; /* of the agent's */
    bool any;
};

static int on_bundle_event(void *ctx, const struct event *ev, struct span data)
{
    struct bundle_listener *l = ctx;

    if (ev->kind == EVENT_OUTCOME && json_is_object(json_get(ev->body, "error")))
        event_error_from_json(json_get(ev->body, "error"), &l->told);
    if (ev->kind != EVENT_DATA || !data.len)
        return 0;
    l->any = true;
    return collect_data(l->collect, data, &l->err);
}

int stage_bundle(struct stage *s, struct collect *collect, const char *deployment, const char *prefix, struct err *err)
{
    struct wire_request request = stage_request(s, WIRE_BUNDLE, deployment);
    struct bundle_listener l = { .collect = collect };
    int r = collect_begin_part(collect, prefix, err);

    if (r < 0)
        return r;
    r = session_run(s->session, &request, on_bundle_event, &l, err);
    if (r < 0 && l.err.kind != ERR_OK)
        *err = l.err;
    else if (r == 0 && l.told.kind != ERR_OK)
        *err = l.told;
    else if (r == 0 && !l.any)
        err_set(err, ERR_REMOTE, 0, "the host sent nothing");
    else if (r == 0)
        return 0;
    collect_drop_part(collect);
    return -(int)err->kind;
}

void stage_summary(struct stage *s, struct span markdown)
{
    struct err err = { 0 };
    char text[1024];

    if (github_summary(s->g, markdown, &err) < 0)
        github_annotate(s->g, GITHUB_WARNING, "No job summary", "%s", err_text(&err, text, sizeof(text)));
}
