#include "shared/cli/cli_internal.h"

#define NAMES_WIDTH 26 /* column where the words about an option or a command begin */

/* Append text, broken between words at column CLI_COLUMNS; further lines begin at `indent`. `column`: where out is now. */
static void wrap(struct buf *out, size_t indent, size_t column, const char *text)
{
    struct span rest = span_of(text), word;
    bool first = true;
    while (span_split(&rest, ' ', &word)) {
        if (!first && column + 1 + word.len > CLI_COLUMNS) {
            buf_addf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            buf_addc(out, ' ');
            column++;
        }
        buf_add_span(out, word);
        column += word.len;
        first = false;
    }
    buf_addc(out, '\n');
}

static void paragraph(struct buf *out, const char *text)
{
    if (!text || !text[0])
        return;
    buf_addc(out, '\n');
    wrap(out, 0, 0, text);
}

/* "  NAMES    words", the words on a line of their own when the names are long. */
static void entry(struct buf *out, const char *names, const char *words)
{
    size_t len = strlen(names);
    buf_addf(out, "  %s", names);
    if (len + 4 > NAMES_WIDTH)
        buf_addf(out, "\n%*s", NAMES_WIDTH, "");
    else
        buf_addf(out, "%*s", (int)(NAMES_WIDTH - 2 - len), "");
    wrap(out, NAMES_WIDTH, NAMES_WIDTH, words);
}

static void option_names(const struct cli_option *o, struct buf *out)
{
    if (o->letter)
        buf_addf(out, "-%c, ", o->letter);
    else
        buf_adds(out, "    ");
    buf_addf(out, "--%s", o->name);
    if (o->kind == CLI_OPTIONAL_NUMBER)
        buf_addf(out, "[=%s]", o->argument);
    else if (o->argument[0])
        buf_addf(out, " %s", o->argument);
}

static void add_options(const struct cli *cli, enum cli_command command, struct buf *out)
{
    const struct cli_option *o;
    buf_adds(out, "\nOptions:\n");
    for (size_t i = 0; cli_option_row(i, &o); i++) {
        _cleanup_(buf_done_p) struct buf names = BUF_INIT(200);
        if (!cli_has_option(cli, o, command))
            continue;
        option_names(o, &names);
        entry(out, buf_str(&names), o->help);
    }
}

static void add_settings(const struct cli *cli, enum cli_command command, bool secret, struct buf *out)
{
    struct cli_setting s;
    bool first = true;
    for (size_t i = 0; cli_setting_row(cli, i, &s); i++) {
        _cleanup_(buf_done_p) struct buf names = BUF_INIT(200);
        if (!(s.commands & CLI_BIT(command)) || s.secret != secret)
            continue;
        if (first)
            buf_adds(out, secret ? "\nSecret settings, only by --secrets-stdin:\n"
                                 : "\nSettings, called as the action's inputs:\n");
        first = false;
        if (secret)
            buf_adds(&names, s.name);
        else
            buf_addf(&names, "    --%s%s", s.name, s.is_switch ? "[=false]" : s.is_list ? " ENTRY" : " VALUE");
        entry(out, buf_str(&names), s.help);
    }
}

static void add_examples(const struct cli *cli, const struct cli_command_row *row, struct buf *out)
{
    buf_adds(out, "\nExamples:\n");
    for (size_t i = 0; i < CLI_EXAMPLES && row->examples[i].args; i++) {
        const struct cli_example *e = &row->examples[i];
        if (!(e->programs & cli->program))
            continue;
        buf_addf(out, "  %s %s\n", cli_program_name(cli->program), e->args);
        if (e->what[0]) {
            buf_adds(out, "      ");
            wrap(out, 6, 6, e->what);
        }
    }
}

static void command_help(const struct cli *cli, enum cli_command command, struct buf *out)
{
    const struct cli_command_row *row = &cli_commands[command];
    buf_addf(out, "Usage: %s %s [OPTIONS]%s%s\n\n%s.\n", cli_program_name(cli->program), row->name,
             row->argument[0] ? " " : "", row->argument, row->summary);
    paragraph(out, row->about);
    paragraph(out, cli->program == CLI_HOST ? row->about_host : row->about_client);
    add_options(cli, command, out);
    add_settings(cli, command, false, out);
    add_settings(cli, command, true, out);
    add_examples(cli, row, out);
}

static void exit_codes(struct buf *out)
{
    const char *meaning = NULL;
    int code = 0;
    wrap(
        out, 0, 0,
        "A rollback is never success, and an unknown end is neither. When rollback was the command, rolled_back is 0.");
    buf_addc(out, '\n');
    for (size_t i = 0;; i++) {
        _cleanup_(buf_done_p) struct buf names = BUF_INIT(200);
        _cleanup_(buf_done_p) struct buf left = BUF_INIT(200);
        if (!cli_exit_code(i, &code, &names, &meaning))
            break;
        buf_addf(&left, "%2d  %s", code, buf_str(&names));
        entry(out, buf_str(&left), meaning);
    }
}

static void program_help(const struct cli *cli, struct buf *out)
{
    const char *program = cli_program_name(cli->program);
    _cleanup_(buf_done_p) struct buf more = BUF_INIT(1000);
    buf_addf(out, "Usage: %s COMMAND [OPTIONS] [ARGUMENT]\n\n", program);
    buf_adds(out, cli->program == CLI_HOST
                      ? "Blue-green deployment of a Docker container, by hand on the host itself.\n"
                      : "Blue-green deployment of a Docker container over SSH.\n");
    buf_adds(out, "\nCommands:\n");
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        _cleanup_(buf_done_p) struct buf names = BUF_INIT(200);
        if (!row || row->hidden)
            continue;
        buf_addf(&names, "%s%s%s", row->name, row->argument[0] ? " " : "", row->argument);
        entry(out, buf_str(&names), row->summary);
    }
    buf_addf(&more,
             "'%s COMMAND --help' explains each with its options and examples, '%s help exit-codes' what the exit "
             "codes mean. "
             "'%s man' is the manual page, '%s completion bash' (or zsh) what makes the shell complete all this.",
             program, program, program, program);
    paragraph(out, buf_str(&more));
    buf_addf(out,
             "\nExamples:\n"
             "  %s status\n"
             "  %s rollback\n"
             "  %s logs --follow\n",
             program, program, program);
}

int cli_help(const struct cli *cli, const char *topic, struct buf *out, struct err *err)
{
    enum cli_command command = topic ? cli_command_by_name(cli, topic) : CLI_NONE;
    if (!topic) {
        program_help(cli, out);
    } else if (command != CLI_NONE) {
        command_help(cli, command, out);
    } else if (strcmp(topic, "exit-codes") == 0) {
        exit_codes(out);
    } else {
        int r = err_set(err, ERR_INPUT, 0, "there is no help about '%s'", topic);
        err_hint(err, "'%s help' lists the commands.", cli_program_name(cli->program));
        return r;
    }
    return buf_check(out, err);
}
