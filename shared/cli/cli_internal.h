/* The rows behind shared/cli/cli.h. Private to shared/cli/. */
#ifndef BLUEGREEN_CLI_INTERNAL_H
#define BLUEGREEN_CLI_INTERNAL_H

#include "shared/cli/cli.h"

#define CLI_BOTH (CLI_CLIENT | CLI_HOST)
#define CLI_EXAMPLES 4
#define CLI_COLUMNS 80

struct cli_example {
    unsigned programs;
    const char *args; /* behind the program's name; NULL: no more */
    const char *what;
};

struct cli_command_row {
    const char *name;
    const char *argument; /* as in a synopsis, "[blue|green|next|ID]"; "" none */
    const char *words;    /* what completes the argument; "" nothing does */
    unsigned programs;
    bool hidden;
    const char *summary; /* one line without a full stop */
    const char *about;   /* whole sentences */
    const char *about_host, *about_client;
    struct cli_example examples[CLI_EXAMPLES];
};

enum cli_option_kind {
    CLI_FLAG,
    CLI_TEXT,
    CLI_NUMBER,
    CLI_OPTIONAL_NUMBER, /* --name alone: the smallest number that makes sense is in `dflt` */
};

struct cli_option {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* "FILE"; "" of a flag */
    enum cli_option_kind kind;
    bool is_file; /* completed by the names of files */
    unsigned programs, commands;
    const char *help; /* one line, a sentence without full stop */
    size_t at;        /* in struct cli_call */
    int64_t max, dflt;
};

extern const struct cli_command_row cli_commands[CLI_COMMANDS];
/* Rows that this program has, in order; false past the last. */
bool cli_option_row(size_t i, const struct cli_option **ret);

/* Is the command one of the program's? Then its row, else NULL. */
const struct cli_command_row *cli_row(const struct cli *cli, enum cli_command command);
/* By name, hidden ones too; CLI_NONE. */
enum cli_command cli_command_by_name(const struct cli *cli, const char *name);
/* Do the program and the command have this option? */
bool cli_has_option(const struct cli *cli, const struct cli_option *o, enum cli_command command);
/* The i-th setting of the program; an option of ours takes commands away from one of its name. false past the last. */
bool cli_setting_row(const struct cli *cli, size_t i, struct cli_setting *ret);

#endif
