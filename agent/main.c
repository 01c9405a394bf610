/*
 * bluegreen-agent: does the work on the host. `serve` is what the action starts, `keep APP` what the container APP-keeper does; the
 * rest is for people (agent/cli/).
 */
#include "agent/cli/hostcli.h"
#include "agent/keeper/keeper.h"
#include "agent/serve.h"
#include "agent/state/selflink.h"
#include "shared/http.h"
#include "shared/secret.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

static int do_serve(struct err *err)
{
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error of write(2) */
    selflink_update();
    return serve(STDIN_FILENO, STDOUT_FILENO, err);
}

static int end(int r, const struct err *err)
{
    char text[2048];
    if (r == 0)
        return 0;
    (void)fprintf(stderr, "bluegreen-agent: %s\n", err_text(err, text, sizeof(text)));
    return err_kind_exit_code(err->kind);
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    secret_harden_process();
    if (http_global_init(&err) < 0)
        return end(-1, &err);
    if (argc == 3 && strcmp(argv[1], "keep") == 0)
        return end(keeper_main(argv[2], &err), &err);
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        return end(do_serve(&err), &err);
    return hostcli_main(argc, argv);
}
