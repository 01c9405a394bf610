#include "agent/cli/hostcli.h"

#include "agent/cli/bundlefile.h"
#include "agent/cli/selfcheck.h"
#include "agent/cli/show.h"
#include "agent/cli/talk.h"
#include "agent/cli/wanted.h"
#include "shared/answer.h"
#include "shared/clock.h"
#include "shared/fd.h"
#include "shared/outcome.h"
#include "shared/safetext.h"
#include "shared/view/watch.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>

#define PROGRAM "bluegreen-agent"
#define TEXT_MAX (512 * 1024)

static const struct cli program = { CLI_HOST, wanted_option };

/* One command while it runs. */
struct asking {
    const struct cli_call *call;
    const struct wire_request *request;
    struct show show;
    struct bundlefile *bundle;
    char name[ANSWER_NAME_SIZE]; /* of the report */
    struct json *report;         /* owned */
    struct answer_size size;
    bool told;
    enum outcome outcome;
    struct err cause;
};

/* ---- problems ---- */

static void complain_line(struct span text)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(TEXT_MAX);
    safetext_line(text, &line);
    buf_addc(&line, '\n');
    (void)fd_write(STDERR_FILENO, buf_span(&line)); /* there is nobody else to tell */
}

/* An error and what to do about it; the usual words about inputs are for workflows. The exit code. */
static int complain(const struct err *err)
{
    char text[2048];
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(TEXT_MAX);
    buf_addf(&line, PROGRAM ": %s", err_text(err, text, sizeof(text)));
    complain_line(buf_span(&line));
    if (err->hint[0] || err->kind != ERR_INPUT)
        complain_line(span_of(err_hint_text(err)));
    return err_kind_exit_code(err->kind);
}

static int complain_of_options(const struct wanted *w, const struct err *err)
{
    struct span rest = buf_span(&w->problems), line;
    if (w->problems.len == 0)
        return complain(err);
    while (span_next_line(&rest, &line)) {
        _cleanup_(buf_done_p) struct buf text = BUF_INIT(TEXT_MAX);
        buf_addf(&text, PROGRAM ": %.*s", (int)line.len, line.ptr);
        complain_line(buf_span(&text));
    }
    return err_kind_exit_code(err->kind);
}

/* ---- commands that ask nobody ---- */

static int print(const struct buf *text)
{
    return fd_write(STDOUT_FILENO, buf_span(text)) < 0 ? err_kind_exit_code(ERR_IO) : 0;
}

static int print_version(void)
{
    struct utsname u = { 0 };
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(300);
    (void)uname(&u);
    buf_addf(&text, PROGRAM " %s %s\n", BLUEGREEN_VERSION, u.machine);
    return print(&text);
}

static int run_alone(const struct cli_call *call)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(TEXT_MAX);
    struct err err = { 0 };
    int r = 0;
    if (call->command == CLI_VERSION)
        return print_version();
    if (call->command == CLI_HELP)
        r = cli_help(&program, call->argument, &text, &err);
    else if (call->command == CLI_COMPLETION)
        r = cli_completion(&program, call->argument, &text, &err);
    else if (call->command == CLI_MAN)
        cli_man(&program, &text);
    else if ((r = selfcheck(&err)) == 0 && fflush(stdout) != 0)
        r = err_set(&err, ERR_IO, errno, "write: %s", strerror(errno));
    return r < 0 ? complain(&err) : print(&text);
}

/* ---- events ---- */

static bool is_run(const struct wire_request *request)
{
    return request->op == WIRE_DEPLOY || request->op == WIRE_ROLLBACK;
}

static void take_outcome(struct asking *a, const struct event *ev)
{
    a->told = true;
    a->outcome = outcome_from_name(json_str(ev->body, "outcome", ""));
    err_clear(&a->cause);
    if (json_is_object(json_get(ev->body, "error")))
        event_error_from_json(json_get(ev->body, "error"), &a->cause);
}

static int on_event(void *ctx, const struct event *ev, struct span data)
{
    struct asking *a = ctx;
    struct err *err = &a->cause;
    if (ev->kind == EVENT_REPORT)
        answer_add(ev, a->name, &a->report, &a->size);
    if (ev->kind == EVENT_OUTCOME)
        take_outcome(a, ev);
    if (ev->kind == EVENT_DATA && a->bundle)
        return bundlefile_add(a->bundle, data, err);
    if (ev->kind == EVENT_DATA)
        show_log(&a->show, data);
    if (is_run(a->request))
        show_event(&a->show, ev);
    if (a->show.failed)
        return err_set(err, ERR_IO, 0, "standard output cannot be written to");
    return 0;
}

/* ---- the answer ---- */

/* The log of who did what may be told to be broken by its report alone. */
static bool is_broken(const struct asking *a)
{
    const struct json *verified = json_get(a->report, "verified");
    return a->call->verify && verified && !json_bool(verified, "whole", false);
}

static int show_answer(struct asking *a, struct err *err)
{
    show_log_end(&a->show);
    if (a->report && show_report(&a->show, a->name, a->report, a->call->json, err) < 0)
        return complain(err);
    if (!a->told || (a->outcome == OUTCOME_UNKNOWN && a->cause.kind == ERR_OK)) {
        err_set(err, ERR_PROTO, 0, "the agent ended without an outcome that this version knows");
        (void)complain(err);
        return outcome_exit_code(OUTCOME_UNKNOWN, false, ERR_OK);
    }
    if (a->size.cut)
        complain_line(SPAN_LIT("the answer is longer than what is kept of one: its oldest entries are left out"));
    if (a->cause.kind != ERR_OK && !is_run(a->request)) /* of a run the last event tells it */
        (void)complain(&a->cause);
    if (is_broken(a))
        return err_kind_exit_code(ERR_AUDIT);
    return outcome_exit_code(a->outcome, a->request->op == WIRE_ROLLBACK, a->cause.kind);
}

/* The conversation broke off. What the agent works on it goes on with. */
static int broke_off(struct asking *a, struct err *err)
{
    struct err *why = err->kind == ERR_OK ? &a->cause : err; /* it was on_event() */
    if (why->kind == ERR_CANCEL && a->request->follow)
        return 0;
    if (!is_run(a->request) || why->kind == ERR_INPUT)
        return complain(why);
    err_hint(why, "The deployment goes on without this terminal: ask with '" PROGRAM " status'.");
    (void)complain(why);
    return outcome_exit_code(OUTCOME_UNKNOWN, false, ERR_OK);
}

/* ---- asking ---- */

/* Ctrl-C and SIGTERM, from here on. -1: they act as they always do. */
static int catch_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int ask(struct asking *a, struct err *err)
{
    struct talk talk;
    _cleanup_(close_p) int signals = catch_signals();
    talk_init(&talk);
    int r = talk_run(&talk, a->request, signals, on_event, a, err);
    talk_close(&talk);
    return r < 0 ? broke_off(a, err) : show_answer(a, err);
}

static int ask_for_bundle(struct asking *a, struct err *err)
{
    struct bundlefile file;
    _cleanup_(buf_done_p) struct buf name = BUF_INIT(PATH_MAX);
    if (a->call->output)
        buf_adds(&name, a->call->output);
    else
        buf_addf(&name, "bluegreen-%s-%s.tar.gz", a->request->app, a->request->deployment);
    if (bundlefile_open(&file, buf_str(&name), err) < 0)
        return complain(err);
    a->bundle = &file;
    int code = ask(a, err);
    if (code == 0 && bundlefile_finish(&file, err) < 0)
        code = complain(err);
    if (code == 0 && file.name[0])
        show_line(&a->show, "%s", file.name);
    bundlefile_done(&file);
    return code;
}

/* ---- watching ---- */

struct watching {
    struct asking *a;
    struct talk talk;
    struct wire_request *request;
};

static int ask_again(void *ctx, int cancel_fd, struct json **ret, struct err *err)
{
    struct watching *w = ctx;
    struct asking *a = w->a;
    a->told = false;
    w->request->time_ms = clock_wall_ms();
    int r = talk_run(&w->talk, w->request, cancel_fd, on_event, a, err);
    if (r < 0)
        return r;
    if (a->cause.kind != ERR_OK || !a->report) {
        *err = a->cause;
        return err->kind != ERR_OK ? -(int)err->kind : err_set(err, ERR_PROTO, 0, "the agent told no status");
    }
    *ret = TAKE_PTR(a->report);
    return 0;
}

static int watch(struct asking *a, struct wire_request *request, struct err *err)
{
    struct watching w = { .a = a, .request = request };
    struct watch_options options = { .report = "status",
                                     .seconds = (unsigned)a->call->watch,
                                     .in = STDIN_FILENO,
                                     .out = STDOUT_FILENO,
                                     .colour = a->show.colour,
                                     .json = a->call->json };
    talk_init(&w.talk);
    int r = watch_run(&options, ask_again, &w, err);
    talk_close(&w.talk);
    if (r < 0)
        return complain(err);
    return r > 0 ? 128 + r : 0; /* as a shell tells of a signal */
}

/* ---- all of it ---- */

static void tell_notes(struct asking *a, const struct buf *notes)
{
    struct span rest = buf_span(notes), line;
    while (span_next_line(&rest, &line)) {
        if (a->call->json || a->call->command == CLI_PLAN)
            complain_line(line); /* standard output is for the answer */
        else
            show_line(&a->show, "%.*s", (int)line.len, line.ptr);
    }
}

static int run_command(const struct cli_call *call)
{
    struct err err = { 0 };
    _cleanup_(wanted_done_p) struct wanted w;
    struct asking a = { .call = call, .request = &w.request };
    int code;
    wanted_init(&w);
    if (wanted_read(&w, call, STDIN_FILENO, &err) < 0)
        return complain_of_options(&w, &err);
    show_init(&a.show, STDOUT_FILENO, call->no_color);
    tell_notes(&a, &w.notes);
    if (call->command == CLI_BUNDLE)
        code = ask_for_bundle(&a, &err);
    else if (call->watch)
        code = watch(&a, &w.request, &err);
    else
        code = ask(&a, &err);
    json_free(a.report);
    show_done(&a.show);
    return code;
}

int hostcli_main(int argc, char *const argv[])
{
    static struct cli_call call; /* too large for a small stack */
    struct err err = { 0 };
    if (cli_parse(&program, argc, argv, &call, &err) < 0)
        return complain(&err);
    if (CLI_BIT(call.command) & CLI_APP_COMMANDS)
        return run_command(&call);
    return run_alone(&call);
}
