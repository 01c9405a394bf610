/*
 * Two stages, one binary: /bluegreen is the main stage, /bluegreen-post (a link, or --post) the one after the job. Their
 * inputs come from the environment, never from arguments: the runner prints those. With a word behind its name it is a person's
 * command line. For tests and documents it lists its inputs and outputs, one a line: --list-inputs, --list-outputs.
 */
#include "cmd/action.h"
#include "cmd/cli/byhand.h"
#include "cmd/inputs/inputs.h"
#include "cmd/post.h"
#include "cmd/report/outputs.h"
#include "shared/json.h"

static int list_inputs(void)
{
    const char *id = NULL, *dflt = NULL;
    bool secret = false;
    struct cli_setting option;

    for (size_t i = 0; inputs_table(i, &id, &dflt, &secret) && inputs_option(i, &option); i++) {
        _cleanup_(buf_done_p) struct buf line = BUF_INIT(64 * 1024);
        _cleanup_(json_free_p) struct json *j = json_object();
        json_set_str(j, "id", id);
        json_set_str(j, "default", dflt ? dflt : "");
        json_set_bool(j, "secret", secret);
        json_set_bool(j, "option", option.commands != 0);
        json_set_bool(j, "switch", option.is_switch);
        json_set_bool(j, "list", option.is_list);
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
    const char *word = argc > 1 ? argv[1] : "";

    if (strcmp(word, "--list-inputs") == 0)
        return list_inputs();
    if (strcmp(word, "--list-outputs") == 0)
        return list_outputs();
    if (strcmp(word, "--post") == 0 || (!*word && argc > 0 && strcmp(base_name(argv[0]), "bluegreen-post") == 0))
        return post_main();
    return *word || byhand_is_lost(argc) ? byhand_main(argc, argv) : action_main();
}
