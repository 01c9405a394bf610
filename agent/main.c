/*
 * bluegreen-agent: does the work on the host. `serve` is what the action starts; the rest is for people.
 */
#include "agent/keeper.h"
#include "agent/selfcheck.h"
#include "agent/serve.h"
#include "shared/http.h"
#include "shared/secret.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

static const char usage[] = "usage: bluegreen-agent serve | self-check | keep APP | version | help\n"
                            "  serve       answer the action's requests on standard input and output\n"
                            "  self-check  try every part that needs no Docker Engine\n"
                            "  keep        what the container APP-keeper does: look after the app between deployments\n"
                            "  version     version and architecture\n";

static int print_version(struct err *err)
{
    struct utsname u = { 0 };
    (void)err;
    (void)uname(&u);
    (void)printf("bluegreen-agent %s %s\n", BLUEGREEN_VERSION, u.machine);
    return 0;
}

static int print_help(struct err *err)
{
    (void)err;
    (void)fputs(usage, stdout);
    return 0;
}

static int do_serve(struct err *err)
{
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error of write(2) */
    return serve(STDIN_FILENO, STDOUT_FILENO, err);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct err *err);
    } commands[] = {
        { "serve", do_serve },
        { "self-check", selfcheck },
        { "version", print_version },
        { "help", print_help },
    };
    struct err err = { 0 };
    char text[2048];
    secret_harden_process();
    if (http_global_init(&err) < 0) {
        (void)fprintf(stderr, "bluegreen-agent: %s\n", err_text(&err, text, sizeof(text)));
        return 1;
    }
    if (argc == 3 && strcmp(argv[1], "keep") == 0) {
        if (keeper_main(argv[2], &err) == 0)
            return 0;
        (void)fprintf(stderr, "bluegreen-agent: %s\n", err_text(&err, text, sizeof(text)));
        return err_kind_exit_code(err.kind);
    }
    for (size_t i = 0; argc == 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, argv[1]) != 0)
            continue;
        if (commands[i].run(&err) == 0)
            return fflush(stdout) == 0 ? 0 : 1;
        (void)fprintf(stderr, "bluegreen-agent: %s\n", err_text(&err, text, sizeof(text)));
        return err_kind_exit_code(err.kind);
    }
    (void)fputs(usage, stderr);
    return 2;
}
