#include "cmd/cli/handask.h"

#include "cmd/aws/ingress.h"
#include "cmd/cli/handlogs.h"
#include "cmd/log/annotations.h"
#include "cmd/question.h"
#include "cmd/signals.h"
#include "shared/fd.h"
#include "shared/view/view.h"
#include "shared/view/watch.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PATH_MAX_BYTES 1024

struct ask {
    const struct cli_call *call;
    struct handout *out;
    struct stage stage;
    struct report report;
};

/* ---- reports ---- */

static int print_report(const struct ask *a, struct err *err)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(ANSWER_TEXT_MAX);
    const struct report *r = &a->report;
    const struct view view = { .out = &text, .width = a->out->width, .colour = a->out->colour };
    int failed = 0;

    if (!r->answer)
        return 0;
    if (a->call->json)
        failed = json_print_pretty(r->answer, &text, err);
    else if (!view_report(&view, r->answer_name, r->answer))
        return err_set(err, ERR_PROTO, 0, "the host answers with a report that is not known here: '%.20s'",
                       r->answer_name);
    if (failed == 0)
        failed = buf_check(&text, err);
    if (failed == 0 && fd_write(STDOUT_FILENO, buf_span(&text)) < 0 && errno != EPIPE)
        failed = err_set(err, ERR_IO, errno, "write the answer: %s", strerror(errno));
    return failed;
}

static void ask_report(struct ask *a)
{
    struct wire_request request = question_request(&a->stage);
    struct err err = { 0 };

    request.verify = a->call->verify;
    stage_run(&a->stage, &request, &a->report);
    if (print_report(a, &err) < 0 && a->report.cause.kind == ERR_OK) {
        a->report.cause = err;
        a->report.outcome = OUTCOME_FAILED_UNTOUCHED;
    }
}

/* ---- a bundle ---- */

struct bundle {
    int fd;
    struct err err; /* of our side */
    int64_t bytes;
};

static int on_bundle(void *ctx, struct span data)
{
    struct bundle *b = ctx;

    if (fd_write(b->fd, data) < 0)
        return err_set(&b->err, ERR_IO, errno, "write the bundle: %s", strerror(errno));
    b->bytes += (int64_t)data.len;
    return 0;
}

static void fetch_bundle(struct ask *a, int fd, struct err *err)
{
    struct wire_request request = question_request(&a->stage);
    struct bundle b = { .fd = fd };

    (void)snprintf(request.deployment, sizeof(request.deployment), "%s", a->stage.in.ask.of);
    stage_run_data(&a->stage, &request, &a->report, on_bundle, &b);
    if (b.err.kind != ERR_OK)
        *err = b.err;
    else if (a->report.cause.kind != ERR_OK)
        *err = a->report.cause;
    else if (b.bytes == 0)
        err_set(err, ERR_REMOTE, 0, "the host sent nothing");
    a->report.cause = *err;
    if (err->kind != ERR_OK)
        a->report.outcome = OUTCOME_FAILED_UNTOUCHED;
}

/* A half-written one never has the final name. */
static void bundle_to_file(struct ask *a, const char *path, struct err *err)
{
    char partial[PATH_MAX_BYTES + 8];
    _cleanup_(close_p) int fd = -1;

    (void)snprintf(partial, sizeof(partial), "%.*s.part", PATH_MAX_BYTES, path);
    fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        err_set(err, ERR_IO, errno, "open '%.200s': %s", partial, strerror(errno));
        report_never_sent(&a->report, err);
        return;
    }
    fetch_bundle(a, fd, err);
    if (err->kind == ERR_OK && rename(partial, path) < 0) {
        err_set(err, ERR_IO, errno, "write '%.200s': %s", path, strerror(errno));
        report_never_sent(&a->report, err);
    }
    if (err->kind != ERR_OK)
        (void)unlink(partial); /* the failure is told */
    else
        (void)printf("%s\n", path);
}

static void ask_bundle(struct ask *a)
{
    const char *output = a->call->output;
    char path[PATH_MAX_BYTES];
    struct err err = { 0 };

    if (output && strcmp(output, "-") == 0) {
        if (isatty(STDOUT_FILENO)) {
            err_set(&err, ERR_INPUT, 0,
                    "option '--output': got '-', and standard output is a terminal; wants a file or a pipe");
            report_never_sent(&a->report, &err);
            return;
        }
        fetch_bundle(a, STDOUT_FILENO, &err);
        return;
    }
    if (output)
        (void)snprintf(path, sizeof(path), "%s", output);
    else
        (void)snprintf(path, sizeof(path), "bluegreen-%s-%s.tar.gz", a->stage.in.spec.app, a->stage.in.ask.of);
    bundle_to_file(a, path, &err);
}

/* ---- logs ---- */

static void ask_logs(struct ask *a)
{
    handlogs_run(&a->stage, a->call->follow, &a->report);
}

/* ---- once ---- */

static void ask_once(struct ask *a)
{
    struct err err = { 0 };

    if (stage_connect(&a->stage, a->stage.signal_fd, &err) < 0) {
        report_never_sent(&a->report, &err);
        return;
    }
    if (a->call->command == CLI_LOGS)
        ask_logs(a);
    else if (a->call->command == CLI_BUNDLE)
        ask_bundle(a);
    else
        ask_report(a);
}

static int end_code(struct ask *a)
{
    int code = report_exit_code(&a->report, false);

    if (a->call->command == CLI_LOGS && a->call->follow && signals_caught)
        return 0; /* how it is meant to end */
    if (code != 0) {
        handout_complain(a->out);
        annotations_print(a->stage.g, &a->report);
    }
    return code;
}

/* ---- watching ---- */

static int watch_ask(void *ctx, int cancel_fd, struct json **ret, struct err *err)
{
    struct ask *a = ctx;
    struct report r;
    int result = 0;

    if (!a->stage.session && (result = stage_connect(&a->stage, cancel_fd, err)) < 0)
        return result;
    report_init(&r, WIRE_STATUS, a->stage.in.spec.app, "");
    const struct wire_request request = question_request(&a->stage);
    stage_run(&a->stage, &request, &r);
    if (r.cause.kind != ERR_OK) {
        *err = r.cause;
        result = -(int)err->kind;
    } else if (!r.answer) {
        result = err_set(err, ERR_PROTO, 0, "the host does not say how it is");
    } else {
        *ret = TAKE_PTR(r.answer);
    }
    report_done(&r);
    return result;
}

static int watch(struct ask *a)
{
    const struct watch_options o = { .report = "status",
                                     .seconds = (unsigned)a->call->watch,
                                     .in = STDIN_FILENO,
                                     .out = STDOUT_FILENO,
                                     .colour = a->out->colour,
                                     .json = a->call->json };
    struct err err = { 0 };
    int r = watch_run(&o, watch_ask, a, &err);

    if (r >= 0)
        return r > 0 ? 128 + r : 0;
    report_never_sent(&a->report, &err);
    return end_code(a);
}

/* ---- all of it ---- */

static int run(struct ask *a, const struct stage_hand *hand)
{
    struct err err = { 0 };
    int code;

    if (stage_init_by_hand(&a->stage, hand, &err) < 0) {
        char text[1024];
        (void)fprintf(stderr, "bluegreen: %s\n", err_text(&err, text, sizeof(text)));
        return err_kind_exit_code(err.kind);
    }
    if (stage_inputs(&a->stage, &err) < 0)
        return err_kind_exit_code(err.kind); /* told */
    report_init(&a->report, inputs_op(a->stage.in.command), a->stage.in.spec.app, a->stage.in.ask.of);
    if (a->call->watch > 0) {
        code = watch(a);
    } else {
        ask_once(a);
        code = end_code(a);
    }
    ingress_close(&a->stage);
    report_done(&a->report);
    return code;
}

int handask_run(const struct cli_call *call, const struct stage_hand *hand, struct handout *out)
{
    struct ask a = { .call = call, .out = out };
    int code = run(&a, hand);

    stage_done(&a.stage);
    return code;
}
