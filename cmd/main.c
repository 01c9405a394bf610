/*
 * Two stages, one binary: /bluegreen is the main stage, /bluegreen-post (a link, or --post) the one after the job. The
 * inputs come from the environment, never from arguments: the runner prints those.
 */
#include "cmd/action.h"
#include "cmd/inputs/inputs.h"
#include "cmd/post.h"
#include "cmd/report/outputs.h"
#include "shared/json.h"

#ifndef BLUEGREEN_VERSION
#define BLUEGREEN_VERSION "dev"
#endif

#define EXIT_USAGE 2

static int help(FILE *out)
{
    (void)fputs("bluegreen " BLUEGREEN_VERSION ": blue-green deployment of a Docker container over SSH\n"
                "\n"
                "  bluegreen            do what the inputs ask for (INPUT_COMMAND: deploy, rollback, status)\n"
                "  bluegreen --post     the stage after the job; the same as the name bluegreen-post\n"
                "  bluegreen --list-inputs   the inputs, one JSON object a line\n"
                "  bluegreen --list-outputs  the names of the outputs, one a line\n"
                "  bluegreen --version\n"
                "\n"
                "Inputs are environment variables as the GitHub runner sets them: the input ssh-key is INPUT_SSH-KEY.\n"
                "README.md explains each one, and the exit codes.\n",
                out);
    return out == stdout ? 0 : EXIT_USAGE;
}

static int list_inputs(void)
{
    const char *id = NULL, *dflt = NULL;
    bool secret = false;

    for (size_t i = 0; inputs_table(i, &id, &dflt, &secret); i++) {
        _cleanup_(buf_done_p) struct buf line = BUF_INIT(64 * 1024);
        _cleanup_(json_free_p) struct json *j = json_object();
        json_set_str(j, "id", id);
        json_set_str(j, "default", dflt ? dflt : "");
        json_set_bool(j, "secret", secret);
        if (json_print(j, &line, NULL) < 0)
            return EXIT_FAILURE;
        (void)puts(buf_str(&line));
    }
    return 0;
}

static int list_outputs(void)
{
    for (size_t i = 0; outputs_name(i); i++)
        (void)puts(outputs_name(i));
    return 0;
}

int main(int argc, char **argv)
{
    const char *option = argc > 1 ? argv[1] : "";

    if (argc > 2)
        return help(stderr);
    if (strcmp(option, "--version") == 0)
        return puts("bluegreen " BLUEGREEN_VERSION) < 0;
    if (strcmp(option, "--help") == 0)
        return help(stdout);
    if (strcmp(option, "--list-inputs") == 0)
        return list_inputs();
    if (strcmp(option, "--list-outputs") == 0)
        return list_outputs();
    if (strcmp(option, "--post") == 0 || (!*option && argc > 0 && strcmp(base_name(argv[0]), "bluegreen-post") == 0))
        return post_main();
    if (*option)
        return help(stderr);
    return action_main();
}
