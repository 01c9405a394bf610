#include "cmd/cli/byhand.h"

#include "cmd/action.h"
#include "cmd/cli/handask.h"
#include "cmd/cli/handsource.h"
#include "shared/cli/cli.h"

#include <stdio.h>

#ifndef BLUEGREEN_VERSION
#define BLUEGREEN_VERSION "dev"
#endif

#define TEXT_MAX (256 * 1024)

extern char **environ;

struct byhand {
    struct handout out;
    struct handsource source;
};

/* ---- the runner's variables ---- */

static bool is_runners(const char *variable)
{
    static const char *const prefixes[] = { "GITHUB_", "ACTIONS_", "RUNNER_", "INPUT_",
                                            "STATE_",  "ACT=",     "GITEA_",  "FORGEJO_" };
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* In a step of a workflow, too, a command line is one: it writes no outputs, and takes no inputs from there. */
static void forget_runner(void)
{
    for (size_t i = 0; environ[i];) {
        char name[256];
        size_t len = strcspn(environ[i], "=");
        if (!is_runners(environ[i]) || len == 0 || len >= sizeof(name)) {
            i++;
            continue;
        }
        (void)snprintf(name, sizeof(name), "%.*s", (int)len, environ[i]);
        (void)unsetenv(name); /* of a name that is there: cannot fail; the others move up */
    }
}

bool byhand_is_lost(int argc)
{
    if (argc > 1)
        return false;
    for (size_t i = 0; environ[i]; i++)
        if (is_runners(environ[i]))
            return false;
    return true;
}

/* ---- words without a host ---- */

static int complain(const struct err *err)
{
    char text[ERR_FRAMES * ERR_TEXT_MAX];
    (void)fprintf(stderr, "bluegreen: %s\n", err_text(err, text, sizeof(text)));
    if (*err_hint_text(err))
        (void)fprintf(stderr, "%s\n", err_hint_text(err));
    return err_kind_exit_code(err->kind);
}

static int show(const struct buf *text)
{
    (void)fwrite(text->ptr, 1, text->len, stdout); /* a reader that is gone wants no more */
    return 0;
}

/* 0 when it was one of these commands, with *code; 1: it needs a host. */
static int without_host(const struct cli *cli, const struct cli_call *call, int *code)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
    struct err err = { 0 };
    int r = 0;
    if (call->command == CLI_VERSION)
        buf_adds(&text, "bluegreen " BLUEGREEN_VERSION "\n");
    else if (call->command == CLI_HELP)
        r = cli_help(cli, call->argument, &text, &err);
    else if (call->command == CLI_COMPLETION)
        r = cli_completion(cli, call->argument, &text, &err);
    else if (call->command == CLI_MAN)
        cli_man(cli, &text);
    else
        return 1;
    *code = r < 0 ? complain(&err) : show(&text);
    return 0;
}

/* ---- what the stage is given ---- */

static int write_words(void *ctx, struct span bytes)
{
    return handout_write(&((struct byhand *)ctx)->out, bytes);
}

static void begin_complaint(void *ctx)
{
    handout_complain(&((struct byhand *)ctx)->out);
}

static bool show_event(void *ctx, const struct event *ev)
{
    return handout_event(&((struct byhand *)ctx)->out, ev);
}

static int prepare(void *ctx, int cancel_fd, struct err *err)
{
    return handsource_prepare(&((struct byhand *)ctx)->source, cancel_fd, err);
}

static bool is_run(enum cli_command command)
{
    return command == CLI_DEPLOY || command == CLI_ROLLBACK;
}

static int with_host(const struct cli_call *call)
{
    struct byhand b;
    struct err err = { 0 };
    const struct stage_hand hand = { .source = &b.source.source,
                                     .ctx = &b,
                                     .write = write_words,
                                     .prepare = prepare,
                                     .complain = begin_complaint,
                                     .event = show_event };
    int code;
    handout_init(&b.out, !is_run(call->command), call->no_color);
    if (handsource_init(&b.source, call, &err) < 0)
        code = complain(&err);
    else if (is_run(call->command))
        code = action_by_hand(&hand);
    else
        code = handask_run(call, &hand, &b.out);
    handout_end(&b.out);
    handsource_done(&b.source);
    return code;
}

int byhand_main(int argc, char *const argv[])
{
    static const struct cli cli = { .program = CLI_CLIENT, .settings = inputs_option };
    static struct cli_call call; /* large */
    struct err err = { 0 };
    int code = 0;
    forget_runner();
    if (cli_parse(&cli, argc, argv, &call, &err) < 0)
        return complain(&err);
    return without_host(&cli, &call, &code) == 0 ? code : with_host(&call);
}
