#include "shared/cli/cli_internal.h"

#define MAN_DATE "November 30, 2026" /* of the last change of its words */

/* Text of a line, its sentences on lines of their own; nothing in it acts as a request or an escape. */
static void add_text(struct buf *out, const char *text)
{
    bool at_start = true;
    for (const char *c = text; *c; c++) {
        if (at_start && (*c == '.' || *c == '\''))
            buf_adds(out, "\\&");
        at_start = false;
        if (*c == '\\')
            buf_adds(out, "\\e");
        else if (*c == '.' && c[1] == ' ' && c[2] >= 'A' && c[2] <= 'Z') {
            buf_adds(out, ".\n");
            c++;
            at_start = true;
        } else
            buf_addc(out, *c);
    }
    if (*text)
        buf_addc(out, '\n');
}

static void add_flag(struct buf *out, const struct cli_option *o)
{
    buf_adds(out, ".It ");
    if (o->letter)
        buf_addf(out, "Fl %c , ", o->letter);
    buf_addf(out, "Fl -%s", o->name);
    if (o->kind == CLI_OPTIONAL_NUMBER)
        buf_addf(out, " Ns Op = Ns Ar %s", o->argument);
    else if (o->argument[0])
        buf_addf(out, " Ar %s", o->argument);
    buf_addc(out, '\n');
}

static void add_commands_of(const struct cli *cli, unsigned commands, struct buf *out)
{
    bool first = true;
    if ((commands & CLI_APP_COMMANDS) == CLI_APP_COMMANDS)
        return;
    buf_adds(out, "Of");
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        if (!row || !(commands & CLI_BIT(c)))
            continue;
        buf_addf(out, "%s %s", first ? "" : ",", row->name);
        first = false;
    }
    buf_adds(out, ".\n");
}

static void add_commands(const struct cli *cli, struct buf *out)
{
    buf_adds(out, ".Sh COMMANDS\n");
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        if (!row)
            continue;
        buf_addf(out, ".Ss %s%s%s\n", row->name, row->argument[0] ? " " : "", row->argument);
        buf_addf(out, "%s.\n", row->summary);
        add_text(out, row->about);
        add_text(out, cli->program == CLI_HOST ? row->about_host : row->about_client);
    }
}

static void add_options(const struct cli *cli, struct buf *out)
{
    const struct cli_option *o;
    buf_adds(out, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; cli_option_row(i, &o); i++) {
        if (!(o->programs & cli->program))
            continue;
        add_flag(out, o);
        buf_addf(out, "%s.\n", o->help);
        add_commands_of(cli, o->commands, out);
    }
    buf_adds(out, ".El\n");
}

static void add_settings(const struct cli *cli, struct buf *out)
{
    struct cli_setting s;
    if (!cli_setting_row(cli, 0, &s))
        return;
    buf_adds(out,
             ".Sh SETTINGS\nThey are called as the inputs of the action.\n"
             "The secret ones are members of the JSON object that\n.Fl -secrets-stdin\nreads.\n.Bl -tag -width Ds\n");
    for (size_t i = 0; cli_setting_row(cli, i, &s); i++) {
        if (!s.commands)
            continue;
        if (s.secret)
            buf_addf(out, ".It Dv %s\n", s.name);
        else
            buf_addf(out, ".It Fl -%s%s\n", s.name,
                     s.is_switch ? " Ns Op = Ns Cm false"
                     : s.is_list ? " Ar ENTRY"
                                 : " Ar VALUE");
        buf_addf(out, "%s.\n%s", s.help, s.secret ? "Secret.\n" : "");
        add_commands_of(cli, s.commands, out);
    }
    buf_adds(out, ".El\n");
}

static void add_environment(const struct cli *cli, struct buf *out)
{
    buf_adds(out, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev NO_COLOR\nWhen set to anything, no colours are used.\n");
    if (cli->program == CLI_HOST)
        buf_adds(out, ".It Ev BLUEGREEN_HOME\nWhere the state is kept;\n.Pa ~/.bluegreen\nwhen not set.\n");
    else
        buf_adds(out, ".It Ev SSH_AUTH_SOCK\nWhere ssh-agent is asked for keys when no key is given.\n");
    buf_adds(out, ".El\n");
}

static void add_exit_status(struct buf *out)
{
    const char *meaning = NULL;
    int code = 0;
    buf_adds(out, ".Sh EXIT STATUS\nA rollback is never success, and an unknown end is neither.\n"
                  "When rollback was the command, rolled_back is 0.\n.Bl -tag -width Ds\n");
    for (size_t i = 0;; i++) {
        _cleanup_(buf_done_p) struct buf names = BUF_INIT(200);
        if (!cli_exit_code(i, &code, &names, &meaning))
            break;
        buf_addf(out, ".It %d Pq %s\n", code, buf_str(&names));
        add_text(out, meaning);
    }
    buf_adds(out, ".El\n");
}

static void add_examples(const struct cli *cli, struct buf *out)
{
    buf_adds(out, ".Sh EXAMPLES\n.Bl -tag -width Ds\n");
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        for (size_t i = 0; row && i < CLI_EXAMPLES && row->examples[i].args; i++) {
            const struct cli_example *e = &row->examples[i];
            if (!(e->programs & cli->program))
                continue;
            buf_addf(out, ".It Li \"%s ", cli_program_name(cli->program));
            for (const char *a = e->args; *a; a++) /* a quote within a quoted argument is written twice */
                buf_addf(out, *a == '"' ? "\"\"" : *a == '\\' ? "\\e" : "%c", *a);
            buf_adds(out, "\"\n");
            add_text(out, e->what);
        }
    }
    buf_adds(out, ".El\n");
}

void cli_man(const struct cli *cli, struct buf *out)
{
    const char *program = cli_program_name(cli->program);
    buf_addf(out, ".Dd %s\n.Dt %s 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", MAN_DATE,
             cli->program == CLI_HOST ? "BLUEGREEN-AGENT" : "BLUEGREEN", program);
    buf_adds(out, cli->program == CLI_HOST ? "blue-green deployment of a Docker container, on the host\n"
                                           : "blue-green deployment of a Docker container over SSH\n");
    buf_adds(out, ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar options\n.Op Ar argument\n");
    buf_adds(out, ".Sh DESCRIPTION\nThe version that serves is called blue, the previous one, which is kept stopped, "
                  "green, and the one "
                  "that is being deployed next.\n");
    add_commands(cli, out);
    add_options(cli, out);
    add_settings(cli, out);
    add_environment(cli, out);
    add_exit_status(out);
    add_examples(cli, out);
}
