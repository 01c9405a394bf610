#include "cmd/post.h"

#include "cmd/aws/account.h"
#include "cmd/aws/ingress.h"
#include "cmd/log/annotations.h"
#include "cmd/log/logcopy.h"
#include "cmd/notify/notify_stage.h"
#include "cmd/report/summary.h"
#include "cmd/stage.h"
#include "cmd/state.h"

static bool given(const char *s)
{
    return s && *s;
}

static bool is(const char *s, const char *what)
{
    return s && strcmp(s, what) == 0;
}

enum post_decision post_decide(const struct post_facts *f, const char **why)
{
    enum outcome outcome = given(f->outcome) ? outcome_from_name(f->outcome) : OUTCOME_UNKNOWN;

    if (!given(f->deployment)) {
        *why = "No deployment of this job is known here (the main step ended before it began one): nothing to do.";
        return POST_NOTHING;
    }
    if (is(f->job_status, "success")) {
        *why = "The job succeeded: its deployment stays.";
        return POST_NOTHING;
    }
    if (f->rollback_on != ROLLBACK_ON_JOB_FAILURE) {
        *why = "The input rollback-on does not ask for a rollback after the job: the deployment stays as it is.";
        return POST_NOTHING;
    }
    if (outcome == OUTCOME_ROLLBACK_FAILED) {
        /* Safe to try: the agent takes back exactly this deployment, and only while it serves. */
        *why = "The main step's own way back failed: it is tried once more.";
        return POST_ROLLBACK;
    }
    if (outcome != OUTCOME_DEPLOYED && outcome != OUTCOME_UNKNOWN) {
        *why = "The main step left nothing of this deployment in production: nothing to roll back.";
        return POST_NOTHING;
    }
    if (is(f->job_status, "failure") && given(f->kept)) {
        *why = "The main step failed the job itself, over a version that is good: its deployment stays.";
        return POST_NOTHING;
    }
    if (is(f->job_status, "failure")) {
        *why = "The job failed after this deployment.";
        return POST_ROLLBACK;
    }
    if (is(f->job_status, "cancelled")) {
        *why = "The job was cancelled after this deployment.";
        return POST_ROLLBACK;
    }
    *why = "How the job ended is not known, so its deployment stays. Give the step the input "
           "job-status: ${{ job.status }}";
    return POST_NOTHING;
}

/*
 * act and its kin leave an input that only has its default out of the post stage's INPUT_*, but hand every input over under
 * its plain name too.
 */
static const char *job_status(void)
{
    const char *value = getenv("INPUT_JOB-STATUS");

    return value ? value : getenv("job-status");
}

static void summarize(struct stage *s, const struct report *r, const char *why)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(SUMMARY_MAX), tail = BUF_INIT(LOGCOPY_MAX);
    char host[300], text[1024];
    struct summary_facts f = {
        .report = r, .redactor = s->redactor, .host = stage_host(s, host), .run_link = s->in.run_link
    };
    struct err err = { 0 };

    github_log_tail(s->g, SUMMARY_LOG_LINES, &tail);
    f.log_tail = buf_span(&tail);
    if (summary_render_post(&f, why, &out, &err) < 0)
        github_line(s->g, "no summary: %s", err_text(&err, text, sizeof(text)));
    else
        stage_summary(s, buf_span(&out));
}

/* The agent may still be at work for a main step that was killed: the request waits for the app's lock by itself. */
static void ask_rollback(struct stage *s, const char *deployment, const char *reason, struct report *r)
{
    struct err err = { 0 };
    struct wire_request request = stage_request(s, WIRE_ROLLBACK, r->deployment);

    (void)snprintf(request.only_if_current, sizeof(request.only_if_current), "%s", deployment);
    (void)snprintf(request.reason, sizeof(request.reason), "%s", reason);
    /* no cancel: a rollback that was begun is to end, and the runner gives this stage minutes */
    if (account_open(s, &err) == 0)
        account_ignore_cancel(s->account);
    if (stage_connect(s, -1, &err) < 0)
        report_never_sent(r, &err);
    else
        stage_run(s, &request, r);
    ingress_close(s); /* nothing more goes to the host */
}

static int roll_back(struct stage *s, const char *deployment, const char *job_status, const char *why)
{
    struct err err = { 0 };
    struct report r;
    char id[WIRE_ID_MAX + 1] = "", reason[64];
    int code = 0;

    (void)snprintf(reason, sizeof(reason), "job %s", is(job_status, "cancelled") ? "cancelled" : "failed");
    github_line(s->g, "%s Rolling back %s, if it is still the one that serves.", why, deployment);
    if (wire_new_id(id, &err) < 0) {
        report_init(&r, WIRE_ROLLBACK, s->in.spec.app, "");
        report_never_sent(&r, &err);
    } else {
        report_init(&r, WIRE_ROLLBACK, s->in.spec.app, id);
        ask_rollback(s, deployment, reason, &r);
    }
    annotations_print(s->g, &r);
    summarize(s, &r, why);
    code = report_exit_code(&r, false);
    stage_notify(s, &r, &(struct stage_news){ .stage = "post", .why = why, .exit_code = code });
    report_done(&r);
    return code;
}

/* A version that stays although the job did not succeed is worth more than a line of the log. */
static void tell_nothing(struct stage *s, const struct post_facts *f, const char *why)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(4096);
    enum outcome outcome = given(f->outcome) ? outcome_from_name(f->outcome) : OUTCOME_UNKNOWN;
    bool told = is(f->job_status, "failure") || is(f->job_status, "cancelled");

    github_line(s->g, "%s", why);
    if (!given(f->deployment))
        return;
    github_line(s->g, "deployment %s, outcome %s", f->deployment, given(f->outcome) ? f->outcome : "not told");
    if (is(f->job_status, "success") || (outcome != OUTCOME_DEPLOYED && outcome != OUTCOME_UNKNOWN))
        return;
    github_annotate(s->g, told ? GITHUB_NOTICE : GITHUB_WARNING, "Not rolled back after the job", "%s", why);
    buf_addf(&text, "## After the job: not rolled back\n\n%s\n\nDeployment <code>%s</code> is left as it is.\n", why,
             f->deployment);
    stage_summary(s, buf_span(&text));
}

/* A rollback that is due and cannot even be begun: the exit code. */
static int tell_no_rollback(struct stage *s, const char *deployment, const char *why, const struct err *err)
{
    struct report r;

    github_annotate(s->g, GITHUB_ERROR, "No rollback after the job",
                    "The post stage of deployment %s cannot use its inputs, so it cannot look at the host. Look "
                    "there yourself, or run the action with command: rollback",
                    deployment);
    report_init(&r, WIRE_ROLLBACK, s->in.spec.app, "");
    report_never_sent(&r, err);
    stage_notify(s, &r,
                 &(struct stage_news){ .stage = "post", .why = why, .exit_code = err_kind_exit_code(err->kind) });
    report_done(&r);
    return err_kind_exit_code(err->kind);
}

/* Inputs are evaluated anew for post. Of another host or app one could only learn that nothing of this deployment is there. */
static int check_place(struct stage *s, struct err *err)
{
    const char *app = state_get(STATE_APP), *host = state_get(STATE_HOST);
    char place[300], text[1024];

    if ((!given(app) || is(s->in.spec.app, app)) && (!given(host) || is(stage_place(s, place), host)))
        return 0;
    err_set(err, ERR_INPUT, 0, "the inputs now name app '%s' on '%s', but the main step deployed '%s' on '%s'",
            s->in.spec.app, stage_place(s, place), app, host);
    github_annotate(s->g, GITHUB_ERROR, "Wrong input", "%s", err_text(err, text, sizeof(text)));
    return -ERR_INPUT;
}

static int run(struct stage *s)
{
    struct err err = { 0 };
    struct post_facts f = { .deployment = state_get(STATE_ID),
                            .outcome = state_get(STATE_OUTCOME),
                            .kept = state_get(STATE_KEPT) };
    const char *why = NULL;
    char text[2048];

    if (!wire_is_id(f.deployment)) /* it may come from a file */
        f.deployment = "";
    if (stage_init(s, &err) < 0) {
        if (s->g)
            github_annotate(s->g, GITHUB_ERROR, "Cannot start", "%s", err_text(&err, text, sizeof(text)));
        return err_kind_exit_code(err.kind);
    }
    f.job_status = job_status();
    if (post_decide(&f, &why) == POST_ROLLBACK) { /* as far as can be told without the inputs */
        /* What a rollback needs is less than what the deployment did: an env-file may be gone by now. */
        (void)setenv("INPUT_COMMAND", "rollback", 1);
        if (stage_inputs(s, &err) < 0)
            return tell_no_rollback(s, f.deployment, why, &err);
        f.rollback_on = s->in.rollback_on;
    }
    if (post_decide(&f, &why) == POST_NOTHING) {
        tell_nothing(s, &f, why);
        return 0;
    }
    s->instance_id = state_get(STATE_INSTANCE);
    if (check_place(s, &err) < 0)
        return tell_no_rollback(s, f.deployment, why, &err);
    return roll_back(s, f.deployment, f.job_status, why);
}

int post_main(void)
{
    struct stage s;
    int code = run(&s);

    ingress_close(&s); /* the main stage's, whatever it said and whatever there was to do here */
    state_forget();
    stage_done(&s);
    return code;
}
