/*
 * The command line of both programs, `bluegreen` and `bluegreen-agent`: one grammar, made from one table of commands and one
 * of options (cli_table.c). Parser, help, man page and completion scripts are loops over them, so they cannot disagree.
 *
 *     PROGRAM COMMAND [OPTIONS] [ARGUMENT]
 *
 * GNU style: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, letters without a value in one (-fn 50), options before or behind
 * the argument, `--` ends them. Strict: names are not abbreviated, nothing unknown is skipped, an option is given once.
 *
 * Settings of a deployment are options too, called as the action's inputs. Their table belongs to the program, which hands it
 * over row by row (cli_settings_fn). Nothing secret comes by an argument: others see those. Such a setting is refused.
 */
#ifndef BLUEGREEN_CLI_H
#define BLUEGREEN_CLI_H

#include "shared/buf.h"

#define CLI_SETTINGS_MAX 256 /* given in one call */
#define CLI_WATCH_DEFAULT_S 5
#define CLI_WATCH_MAX_S 3600

/* Bits: a row of a table may belong to both. */
enum cli_program {
    CLI_CLIENT = 1, /* bluegreen: a laptop, CI */
    CLI_HOST = 2,   /* bluegreen-agent, run by a person on the host */
};

enum cli_command {
    CLI_NONE = 0,
    CLI_DEPLOY,
    CLI_ROLLBACK,
    CLI_STATUS,
    CLI_HISTORY,
    CLI_LOGS,
    CLI_BUNDLE,
    CLI_DIAGNOSE,
    CLI_PLAN,
    CLI_PRUNE,
    CLI_VERSION,
    CLI_HELP,
    CLI_SELF_CHECK, /* host only */
    CLI_COMPLETION, /* not listed in the help: what packagers and shells ask for */
    CLI_MAN,
    CLI_COMMANDS,
};

#define CLI_BIT(command) (1u << (command))
/* Commands that work on an app. */
#define CLI_APP_COMMANDS (CLI_BIT(CLI_VERSION) - CLI_BIT(CLI_DEPLOY))

/* One setting, as the program's own table describes it. All texts are borrowed and live as long as the program. */
struct cli_setting {
    const char *name;  /* of the input: "health-path" */
    const char *help;  /* one line, plain text */
    unsigned commands; /* CLI_BIT() of those that take it */
    bool secret;       /* known, to be refused with a word about --secrets-stdin */
    bool is_switch;    /* --name alone means true; a value only as --name=VALUE */
    bool is_list;      /* may be given again; one entry each time */
};

/* The i-th setting; false past the last one. */
typedef bool cli_settings_fn(size_t i, struct cli_setting *ret);

struct cli {
    enum cli_program program;
    cli_settings_fn *settings; /* NULL: none */
};

struct cli_pair {
    const char *name, *value;
};

/* What was asked for. Texts are borrowed from argv; NULL: not given. */
struct cli_call {
    enum cli_command command;
    const char *argument; /* logs: target, bundle: id, help: topic, completion: shell */
    bool json, follow, dry_run, no_color, secrets_stdin;
    bool verify;   /* history verify */
    int64_t watch; /* status: seconds between two pictures; 0 = one picture, no watch */
    int64_t lines; /* logs, history; 0 = not given */
    const char *to, *since, *output, *config, *identity, *known_hosts_file, *app;
    struct cli_pair settings[CLI_SETTINGS_MAX]; /* in the order given; a list's name several times */
    size_t settings_len;
};

/*
 * argv[0] is skipped. --help becomes the command help about the command it stands with, --version the command version.
 * -ERR_INPUT, exit code 2, with a hint: unknown names come with the nearest one. A value that was given to an unknown or secret
 * option is never repeated.
 */
int cli_parse(const struct cli *cli, int argc, char *const argv[], struct cli_call *call, struct err *err);

/* Values of a setting, joined by LF, appended to out. false: it was not given. */
bool cli_call_setting(const struct cli_call *call, const char *name, struct buf *out);

/*
 * Help about a command, "exit-codes", or (NULL) the program. -ERR_INPUT: no such topic. Text of at most 80 columns, but for names
 * that are longer.
 */
int cli_help(const struct cli *cli, const char *topic, struct buf *out, struct err *err);

/* The man page, in mdoc. */
void cli_man(const struct cli *cli, struct buf *out);

/* The completion script; shell: bash, zsh. -ERR_INPUT: another one. */
int cli_completion(const struct cli *cli, const char *shell, struct buf *out, struct err *err);

const char *cli_program_name(enum cli_program program); /* "bluegreen" */
const char *cli_command_name(enum cli_command command); /* "deploy"; "" */

/*
 * The table of exit codes: the i-th code in rising order, with the names of the kinds of error and outcomes that end so
 * ("deployed, unchanged, reported") appended to `names`, and what it means. false past the last.
 */
bool cli_exit_code(size_t i, int *code, struct buf *names, const char **meaning);

#endif
