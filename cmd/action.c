#include "cmd/action.h"

#include "cmd/artifact/collect.h"
#include "cmd/artifact/upload.h"
#include "cmd/aws/ecrcheck.h"
#include "cmd/aws/ingress.h"
#include "cmd/aws/instance.h"
#include "cmd/log/annotations.h"
#include "cmd/log/logcopy.h"
#include "cmd/notify/notify_stage.h"
#include "cmd/question.h"
#include "cmd/report/outputs.h"
#include "cmd/report/summary.h"
#include "cmd/signals.h"
#include "cmd/stage.h"
#include "cmd/state.h"
#include "cmd/verify.h"

struct action {
    const struct stage_hand *hand; /* NULL: a step of a workflow */
    struct stage stage;
    struct report report;
    bool has_report;
    struct collect_paths paths;
    struct collect *collect; /* NULL: no bundle */
    const char *bundle_path; /* for outputs and summary; "" none */
    const char *summary_path;
    char report_path[COLLECT_PATH_MAX]; /* the answer to a question as a file; "" none */
    struct artifact artifact;
    bool artifact_missing; /* it is required, and could not be uploaded */
    bool stopped_early;    /* a signal came before post was told the outcome */
};

static void warn(struct github *g, const char *title, const struct err *err)
{
    char text[2048];

    github_annotate(g, GITHUB_WARNING, title, "%s\nWhat to do: %s", err_text(err, text, sizeof(text)),
                    err_hint_text(err));
}

/* ---- state for the post stage ---- */

static int state_started(struct action *a, const char *id, struct err *err)
{
    struct github *g = a->stage.g;
    char place[300];

    if (state_set(g, STATE_ID, id, err) < 0 || state_set(g, STATE_APP, a->stage.in.spec.app, err) < 0 ||
        state_set(g, STATE_HOST, stage_place(&a->stage, place), err) < 0)
        return err_wrap(err, "tell the post stage");
    return 0;
}

/* The step fails and its deployment is good all the same: the job's failure is then no reason to take it back. */
static bool kept_despite_kpi(const struct action *a)
{
    return a->report.outcome == OUTCOME_DEPLOYED &&
           report_exit_code(&a->report, a->stage.in.fail_on_kpi) == err_kind_exit_code(ERR_KPI);
}

static void state_kept(struct action *a, const char *cause)
{
    struct err err = { 0 };

    if (state_set(a->stage.g, STATE_KEPT, cause, &err) < 0)
        warn(a->stage.g, "The post stage is not told that the new version stays", &err);
}

/* Only a deployment is the post stage's business. Unknown is told as unknown: post looks then. */
static void state_ended(struct action *a)
{
    struct err err = { 0 };

    a->stopped_early = signals_caught != 0;
    if (a->report.op != WIRE_DEPLOY)
        return;
    if (kept_despite_kpi(a))
        state_kept(a, "kpi");
    if (state_set(a->stage.g, STATE_OUTCOME, outcome_name(a->report.outcome), &err) < 0)
        warn(a->stage.g, "The post stage is not told the outcome", &err);
}

/*
 * A time limit of the step that hits what comes after the outcome fails the job over a good version. That somebody
 * cancelled the job is told by its status, and counts all the same.
 */
static void state_late(struct action *a)
{
    if (signals_caught && !a->stopped_early && a->report.op == WIRE_DEPLOY && a->report.outcome == OUTCOME_DEPLOYED)
        state_kept(a, "late");
}

/* ---- bundle ---- */

/* Deployments and rollbacks leave one, and `bundle` asks for that of an earlier one. */
static bool has_bundle(const struct action *a)
{
    return !report_is_question(a->report.op) || (a->report.op == WIRE_BUNDLE && a->report.outcome == OUTCOME_REPORTED);
}

static void collect_begin(struct action *a)
{
    struct err err = { 0 };

    if (collect_resolve(a->stage.in.bundle_path, getenv("GITHUB_WORKSPACE"), a->report.app, a->report.deployment,
                        &a->paths, &err) < 0 ||
        collect_new(&a->collect, &a->paths, &err) < 0) {
        warn(a->stage.g, "No bundle", &err);
        return;
    }
    a->bundle_path = collect_public_path(a->paths.bundle, getenv("GITHUB_WORKSPACE"));
    a->summary_path = collect_public_path(a->paths.summary, getenv("GITHUB_WORKSPACE"));
}

static void collect_host_part(struct action *a, const char *deployment, const char *prefix)
{
    struct err err = { 0 };
    char text[2048];

    if (stage_bundle(&a->stage, a->collect, deployment, prefix, &err) == 0)
        return;
    if (a->report.op == WIRE_BUNDLE) /* it is what was asked for */
        report_never_sent(&a->report, &err);
    else
        github_line(a->stage.g, "without the host's files of %s: %s", deployment, err_text(&err, text, sizeof(text)));
}

/* The host's files, unless the time is short or the host does not answer any more. */
static void collect_host(struct action *a)
{
    if (!a->collect || !a->stage.session)
        return;
    if (signals_caught || a->report.outcome == OUTCOME_UNKNOWN) {
        github_line(a->stage.g, "the host's files are not fetched: %s",
                    signals_caught ? "the job was cancelled" : "the connection was lost");
        return;
    }
    github_group(a->stage.g, "Collect the bundle");
    collect_host_part(a, a->report.deployment, "");
    if (a->report.rollback_id[0] && !signals_caught)
        collect_host_part(a, a->report.rollback_id, "rollback");
    github_endgroup(a->stage.g);
}

static int render(struct action *a, struct buf *out, struct err *err)
{
    _cleanup_(buf_done_p) struct buf tail = BUF_INIT(LOGCOPY_MAX);
    char host[300];
    struct summary_facts f = { .report = &a->report,
                               .redactor = a->stage.redactor,
                               .host = stage_host(&a->stage, host),
                               .run_link = a->stage.in.run_link,
                               .image_scan = a->stage.image_scan,
                               .bundle_path = a->bundle_path,
                               .artifact_url = a->artifact.url };

    buf_reset(out);
    github_log_tail(a->stage.g, SUMMARY_LOG_LINES, &tail);
    f.log_tail = buf_span(&tail);
    return report_is_question(a->report.op) ? summary_render_answer(&f, out, err) : summary_render(&f, out, err);
}

static int finish_bundle(struct action *a, struct span summary, struct err *err)
{
    _cleanup_(buf_done_p) struct buf log = BUF_INIT(LOGCOPY_MAX), clean = BUF_INIT(SUMMARY_MAX);

    github_log(a->stage.g, &log);
    github_redact(a->stage.g, summary, &clean);
    return collect_finish(a->collect, buf_span(&log), buf_span(&clean), err);
}

static void write_bundle(struct action *a, struct span summary)
{
    struct err err = { 0 };
    int r = a->collect ? finish_bundle(a, summary, &err) : -1;

    if (a->collect && r != 0)
        warn(a->stage.g, r > 0 ? "The host's files could not be read" : "No bundle", &err);
    if (r >= 0)
        github_line(a->stage.g, "bundle: %s", a->bundle_path);
    else
        a->bundle_path = a->summary_path = "";
}

/*
 * Summary, bundle and artifact know of each other: the summary names the bundle, the bundle holds the summary, the artifact
 * is the bundle, and the job's summary, rendered last, has the link to it.
 */
static void write_reports(struct action *a)
{
    _cleanup_(buf_done_p) struct buf summary = BUF_INIT(SUMMARY_MAX);
    struct err err = { 0 };
    bool wanted = has_bundle(a);

    if (wanted) {
        (void)render(a, &summary, &err); /* when it cannot be, the next time tells */
        err_clear(&err);
        write_bundle(a, buf_span(&summary));
        a->artifact_missing =
            !a->hand && !upload_bundle(&a->stage, *a->bundle_path ? a->paths.bundle : "", a->bundle_path, &a->artifact);
    }
    if (render(a, &summary, &err) < 0)
        warn(a->stage.g, "No job summary", &err);
    else
        stage_summary(&a->stage, buf_span(&summary));
}

/* The answer to a question as a file of the workspace, for later steps. */
static void write_answer(struct action *a)
{
    struct err err = { 0 };
    const char *workspace = getenv("GITHUB_WORKSPACE");
    char path[COLLECT_PATH_MAX];

    if (!report_is_question(a->report.op)) /* a host may send what it was not asked for */
        return;
    int n = snprintf(path, sizeof(path), "%s/bluegreen-%s-%s.json", workspace && *workspace ? workspace : ".",
                     a->report.app, a->report.answer_name);
    int r = n < 0 || (size_t)n >= sizeof(path) ? err_set(&err, ERR_IO, 0, "the workspace's path is too long")
                                               : question_write(&a->report, path, &err);

    if (r < 0)
        warn(a->stage.g, "The answer is not in a file", &err);
    if (r == 0)
        (void)snprintf(a->report_path, sizeof(a->report_path), "%s", collect_public_path(path, workspace));
}

/* ---- commands ---- */

static void begin_report(struct action *a, enum wire_op op, const char *id)
{
    report_init(&a->report, op, a->stage.in.spec.app, id);
    a->has_report = true;
}

/* The new version answers where its users are, or the way back is taken. */
static void roll_back_after_verify(struct action *a, const struct err *why)
{
    struct wire_request request;
    struct report rollback;
    char id[WIRE_ID_MAX + 1];
    struct err err = { 0 };

    if (wire_new_id(id, &err) < 0) {
        report_init(&rollback, WIRE_ROLLBACK, a->report.app, "");
        report_never_sent(&rollback, &err);
    } else {
        github_line(a->stage.g, "rolling back %s", a->report.deployment);
        request = stage_request(&a->stage, WIRE_ROLLBACK, id);
        (void)snprintf(request.only_if_current, sizeof(request.only_if_current), "%s", a->report.deployment);
        (void)err_text(why, request.reason, sizeof(request.reason)); /* begins with "verify-url" */
        report_init(&rollback, WIRE_ROLLBACK, a->report.app, id);
        stage_run(&a->stage, &request, &rollback);
    }
    report_adopt_rollback(&a->report, &rollback, why);
    report_done(&rollback);
}

static void verify(struct action *a)
{
    const struct inputs *in = &a->stage.in;
    struct verify_options o = { .url = in->verify_url,
                                .status = in->verify_status,
                                .body = in->verify_body,
                                .max_ms = in->verify_max_ms,
                                .cancel = &signals_caught,
                                .cancel_fd = a->stage.signal_fd,
                                .redactor = a->stage.redactor };
    struct verify_result result = { 0 };
    struct err err = { 0 };
    char text[300];
    int r = 0;

    if (a->report.outcome != OUTCOME_DEPLOYED || !*in->verify_url)
        return;
    if (signals_caught) {
        github_line(a->stage.g, "verify-url is not asked: the job was cancelled");
        return;
    }
    github_group(a->stage.g, "Verify from the runner");
    r = verify_run(&o, &result, &err);
    github_endgroup(a->stage.g);
    if (r == 0) {
        (void)snprintf(a->report.verify, sizeof(a->report.verify),
                       "answered as expected: HTTP %d in %lld ms, attempt %u", result.status, (long long)result.ms,
                       result.attempts);
        github_line(a->stage.g, "ok Verify from the runner: %s", a->report.verify);
        return;
    }
    (void)snprintf(a->report.verify, sizeof(a->report.verify), "%s", err_text(&err, text, sizeof(text)));
    github_line(a->stage.g, "FAILED Verify from the runner: %s", a->report.verify);
    if (r == -ERR_CANCEL)
        return; /* nothing is known against the new version; the post stage knows that the job was cancelled */
    if (in->rollback_on == ROLLBACK_NEVER)
        a->report.cause = err; /* the new version stays, as was asked for; the step fails all the same */
    else
        roll_back_after_verify(a, &err);
}

static void connect_and(struct action *a, void (*then)(struct action *a))
{
    struct err err = { 0 };

    if (stage_connect(&a->stage, a->stage.signal_fd, &err) < 0) {
        report_never_sent(&a->report, &err);
        return;
    }
    then(a);
}

/* The login that the runner sent expired in mid-pull, and nothing was touched: what a new one can mend. */
static bool token_expired(const struct action *a)
{
    return a->report.outcome == OUTCOME_FAILED_UNTOUCHED && a->report.cause.kind == ERR_REGISTRY_EXPIRED &&
           a->stage.ecr_token_sent && !signals_caught;
}

/* As a deployment of its own: the agent answers a known id with what came of it. */
static void deploy_again(struct action *a)
{
    char id[WIRE_ID_MAX + 1], text[1024];
    struct err err = { 0 };

    github_line(a->stage.g, "the registry's login token has expired: deploying once more with a new one");
    if (ecrcheck_renew(&a->stage, &err) != 0 || wire_new_id(id, &err) < 0 || state_started(a, id, &err) < 0) {
        github_line(a->stage.g, "no second try: %s", err_text(&err, text, sizeof(text)));
        return;
    }
    report_done(&a->report);
    begin_report(a, WIRE_DEPLOY, id);
    github_line(a->stage.g, "deployment %s of %s: %s", id, a->stage.in.spec.app, a->stage.in.spec.image);
    const struct wire_request request = stage_request(&a->stage, WIRE_DEPLOY, id);
    stage_run(&a->stage, &request, &a->report);
}

/* A tag may be on another instance by the time of post. */
static int state_instance(struct action *a, struct err *err)
{
    if (!a->stage.instance || state_set(a->stage.g, STATE_INSTANCE, a->stage.instance->id, err) == 0)
        return 0;
    return err_wrap(err, "tell the post stage");
}

static void request_deploy(struct action *a)
{
    struct wire_request request = stage_request(&a->stage, WIRE_DEPLOY, a->report.deployment);
    struct err err = { 0 };

    if (state_instance(a, &err) < 0) {
        report_never_sent(&a->report, &err);
        return;
    }
    stage_run(&a->stage, &request, &a->report);
    if (token_expired(a))
        deploy_again(a);
    verify(a);
}

static void request_rollback(struct action *a)
{
    struct wire_request request = stage_request(&a->stage, WIRE_ROLLBACK, a->report.deployment);

    (void)snprintf(request.reason, sizeof(request.reason), "command: rollback");
    (void)snprintf(request.to, sizeof(request.to), "%s",
                   a->stage.in.ask.to); /* with spec's secrets and login, if given */
    stage_run(&a->stage, &request, &a->report);
}

static void request_answer(struct action *a)
{
    question_ask(&a->stage, &a->report);
}

static void request_bundle(struct action *a)
{
    a->report.outcome = OUTCOME_REPORTED;
    collect_begin(a);
    collect_host(a);
}

static void run_command(struct action *a)
{
    char id[WIRE_ID_MAX + 1] = "";
    struct err err = { 0 };
    enum wire_op op = inputs_op(a->stage.in.command);

    if (!report_is_question(op) && wire_new_id(id, &err) < 0) {
        begin_report(a, op, "");
        report_never_sent(&a->report, &err);
        return;
    }
    switch (a->stage.in.command) {
    case COMMAND_STATUS:
    case COMMAND_HISTORY:
    case COMMAND_LOGS:
    case COMMAND_DIAGNOSE:
    case COMMAND_PLAN:
    case COMMAND_PRUNE:
        begin_report(a, op, "");
        connect_and(a, request_answer);
        return;
    case COMMAND_BUNDLE:
        begin_report(a, op, a->stage.in.ask.of);
        connect_and(a, request_bundle);
        return;
    case COMMAND_ROLLBACK:
        begin_report(a, WIRE_ROLLBACK, id);
        connect_and(a, request_rollback);
        return;
    case COMMAND_DEPLOY:
    default:
        begin_report(a, WIRE_DEPLOY, id);
        github_line(a->stage.g, "deployment %s of %s: %s", id, a->stage.in.spec.app, a->stage.in.spec.image);
        if (state_started(a, id, &err) < 0 || /* without it the post stage could not roll back */
            ecrcheck_run(&a->stage, &err) < 0)
            report_never_sent(&a->report, &err);
        else
            connect_and(a, request_deploy);
        return;
    }
}

/* ---- the end ---- */

static void tell_end(struct action *a)
{
    struct err err = { 0 };

    state_ended(a);
    if (a->hand && report_exit_code(&a->report, a->stage.in.fail_on_kpi) != 0)
        a->hand->complain(a->hand->ctx);
    annotations_print(a->stage.g, &a->report);
    if (!report_is_question(a->report.op)) {
        collect_begin(a);
        collect_host(a);
    }
    write_answer(a);
    ingress_close(&a->stage); /* nothing more goes to the host */
    state_late(a);            /* a signal that came meanwhile; the runner may not wait for what follows */
    github_tell_dropped(a->stage.g);
    write_reports(a);
    const struct outputs_facts outputs = { &a->report, a->report_path, a->bundle_path, a->summary_path, &a->artifact };
    if (outputs_write(a->stage.g, &outputs, &err) < 0)
        warn(a->stage.g, "No outputs", &err);
}

/* The step's exit code. An artifact that is missing fails a good step only, and post is to leave its deployment alone. */
static int end_code(struct action *a)
{
    int code = report_exit_code(&a->report, a->stage.in.fail_on_kpi);

    state_late(a);
    if (code != 0 || !a->artifact_missing)
        return code;
    if (a->report.op == WIRE_DEPLOY)
        state_kept(a, "artifact");
    return err_kind_exit_code(ERR_ARTIFACT);
}

/* Wrong inputs: nothing was tried; the outputs and the summary say so. */
static void tell_wrong_inputs(struct action *a, const struct err *why)
{
    _cleanup_(buf_done_p) struct buf summary = BUF_INIT(SUMMARY_MAX);
    struct summary_facts f = { .report = &a->report, .redactor = a->stage.redactor };
    struct err err = { 0 };

    report_init(&a->report, WIRE_DEPLOY, "", "");
    a->has_report = true;
    report_never_sent(&a->report, why);
    if (summary_render(&f, &summary, &err) >= 0)
        stage_summary(&a->stage, buf_span(&summary));
    if (outputs_write(a->stage.g, &(struct outputs_facts){ &a->report, "", "", "", NULL }, &err) < 0)
        warn(a->stage.g, "No outputs", &err);
}

/* A step that fails over a good outcome has no cause in the report. */
static const char *why_failed(int exit_code)
{
    if (exit_code == err_kind_exit_code(ERR_ARTIFACT))
        return "The step fails only because its artifact is required and could not be uploaded.";
    if (exit_code == err_kind_exit_code(ERR_KPI))
        return "The step fails only because a duration is above its critical limit (fail-on-kpi).";
    return "";
}

/* The very last: whatever comes of it, this stage ends as it would have. */
static int tell_others(struct action *a, int exit_code)
{
    const struct stage_news news = {
        .stage = "main", .why = why_failed(exit_code), .artifact_url = a->artifact.url, .exit_code = exit_code
    };

    stage_notify(&a->stage, &a->report, &news);
    return exit_code;
}

static int run(struct action *a)
{
    struct err err = { 0 };

    if ((a->hand ? stage_init_by_hand(&a->stage, a->hand, &err) : stage_init(&a->stage, &err)) < 0) {
        char text[2048];
        if (a->stage.g)
            github_annotate(a->stage.g, GITHUB_ERROR, "Cannot start", "%s", err_text(&err, text, sizeof(text)));
        return err_kind_exit_code(err.kind);
    }
    state_forget(); /* what an earlier run that was killed left must not be taken for this one's */
    if (stage_inputs(&a->stage, &err) < 0) {
        if (a->hand)
            return err_kind_exit_code(err.kind); /* told; and nobody else is waiting for it */
        tell_wrong_inputs(a, &err);
        return tell_others(a, err_kind_exit_code(err.kind));
    }
    run_command(a);
    tell_end(a);
    int code = tell_others(a, end_code(a));
    state_late(a);
    return code;
}

static int run_all(const struct stage_hand *hand)
{
    struct action a = { .hand = hand, .bundle_path = "", .summary_path = "" };
    int code = run(&a);

    collect_free(a.collect);
    if (a.has_report)
        report_done(&a.report);
    stage_done(&a.stage);
    return code;
}

int action_main(void)
{
    return run_all(NULL);
}

int action_by_hand(const struct stage_hand *hand)
{
    return run_all(hand);
}
