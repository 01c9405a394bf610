#include "shared/cli/cli_internal.h"

/* " --json --watch": what the command takes. */
static void add_names(const struct cli *cli, enum cli_command command, struct buf *out)
{
    const struct cli_option *o;
    struct cli_setting s;
    for (size_t i = 0; cli_option_row(i, &o); i++)
        if (cli_has_option(cli, o, command))
            buf_addf(out, " --%s", o->name);
    for (size_t i = 0; cli_setting_row(cli, i, &s); i++)
        if ((s.commands & CLI_BIT(command)) && !s.secret)
            buf_addf(out, " --%s", s.name);
}

static void add_commands(const struct cli *cli, bool hidden, struct buf *out)
{
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        if (row && (hidden || !row->hidden))
            buf_addf(out, " %s", row->name);
    }
}

/* Words behind which the next one is a value: `files` those that name a file, else the others. */
static void add_value_options(const struct cli *cli, bool files, struct buf *out)
{
    const struct cli_option *o;
    struct cli_setting s;
    size_t start = out->len;
    for (size_t i = 0; cli_option_row(i, &o); i++) {
        if (!(o->programs & cli->program) || o->is_file != files || (o->kind != CLI_TEXT && o->kind != CLI_NUMBER))
            continue;
        buf_addf(out, "%s--%s", out->len > start ? "|" : "", o->name);
        if (o->letter)
            buf_addf(out, "|-%c", o->letter);
    }
    for (size_t i = 0; !files && cli_setting_row(cli, i, &s); i++)
        if (s.commands && !s.secret && !s.is_switch)
            buf_addf(out, "|--%s", s.name);
}

/* ---- bash ---- */

static void bash_script(const struct cli *cli, const char *function, struct buf *out)
{
    buf_addf(
        out,
        "# bash completion of %s; made by its command completion\n"
        "%s()\n{\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} options= "
        "words=\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        COMPREPLY=($(compgen -W '",
        cli_program_name(cli->program), function);
    add_commands(cli, false, out);
    buf_adds(out, "' -- \"$word\"))\n        return\n    fi\n    case $before in\n    ");
    add_value_options(cli, true, out);
    buf_adds(out, ")\n        COMPREPLY=($(compgen -f -- \"$word\"))\n        return\n        ;;\n    ");
    add_value_options(cli, false, out);
    buf_adds(out, ")\n        return\n        ;;\n    esac\n    case $command in\n");
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        if (!row)
            continue;
        buf_addf(out, "    %s)\n        options='", row->name);
        add_names(cli, (enum cli_command)c, out);
        buf_addf(out, "' words='%s", row->words);
        if (c == CLI_HELP) {
            add_commands(cli, true, out);
            buf_adds(out, " exit-codes");
        }
        buf_adds(out, "'\n        ;;\n");
    }
    buf_addf(out,
             "    esac\n"
             "    case $word in\n"
             "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
             "    *) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
             "    esac\n"
             "}\n"
             "complete -F %s %s\n",
             function, cli_program_name(cli->program));
}

/* ---- zsh ---- */

/* "'name:words' " in single quotes. */
static void zsh_pair(struct buf *out, const char *dashes, const char *name, const char *words)
{
    buf_addf(out, " '%s%s:", dashes, name);
    for (const char *c = words; *c; c++)
        if (*c == '\'')
            buf_adds(out, "'\\''");
        else
            buf_addc(out, *c);
    buf_addc(out, '\'');
}

static void zsh_options(const struct cli *cli, enum cli_command command, struct buf *out)
{
    const struct cli_option *o;
    struct cli_setting s;
    for (size_t i = 0; cli_option_row(i, &o); i++)
        if (cli_has_option(cli, o, command))
            zsh_pair(out, "--", o->name, o->help);
    for (size_t i = 0; cli_setting_row(cli, i, &s); i++)
        if ((s.commands & CLI_BIT(command)) && !s.secret)
            zsh_pair(out, "--", s.name, s.help);
}

static void zsh_commands(const struct cli *cli, bool hidden, struct buf *out)
{
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        if (row && (hidden || !row->hidden))
            zsh_pair(out, "", row->name, row->summary);
    }
}

static void zsh_words(const struct cli *cli, enum cli_command command, struct buf *out)
{
    struct span rest = span_of(cli_commands[command].words), word;
    if (command == CLI_HELP) {
        zsh_commands(cli, true, out);
        zsh_pair(out, "", "exit-codes", "What each exit code means");
    }
    while (span_split(&rest, ' ', &word))
        buf_addf(out, " %.*s", (int)word.len, word.ptr);
}

static void zsh_script(const struct cli *cli, const char *function, struct buf *out)
{
    const char *program = cli_program_name(cli->program);
    buf_addf(out,
             "#compdef %s\n"
             "# zsh completion of %s; made by its command completion\n"
             "%s()\n{\n"
             "    local -a choices options\n"
             "    if (( CURRENT == 2 )); then\n"
             "        choices=(",
             program, program, function);
    zsh_commands(cli, false, out);
    buf_adds(out,
             " )\n        _describe command choices\n        return\n    fi\n    case ${words[CURRENT-1]} in\n    ");
    add_value_options(cli, true, out);
    buf_adds(out, ") _files; return ;;\n    ");
    add_value_options(cli, false, out);
    buf_adds(out, ") return 1 ;;\n    esac\n    case ${words[2]} in\n");
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        if (!row)
            continue;
        buf_addf(out, "    %s)\n        options=(", row->name);
        zsh_options(cli, (enum cli_command)c, out);
        buf_adds(out, " )\n        choices=(");
        zsh_words(cli, (enum cli_command)c, out);
        buf_adds(out, " )\n        ;;\n");
    }
    buf_addf(out,
             "    esac\n"
             "    if [[ ${words[CURRENT]} == -* ]]; then\n"
             "        _describe -o option options\n"
             "    else\n"
             "        _describe argument choices\n"
             "    fi\n"
             "}\n"
             "if [[ $funcstack[1] == %s ]]; then\n"
             "    %s \"$@\"\n"
             "else\n"
             "    compdef %s %s\n"
             "fi\n",
             function, function, function, program);
}

int cli_completion(const struct cli *cli, const char *shell, struct buf *out, struct err *err)
{
    const char *function = cli->program == CLI_HOST ? "_bluegreen_agent" : "_bluegreen";
    if (strcmp(shell, "bash") == 0)
        bash_script(cli, function, out);
    else if (strcmp(shell, "zsh") == 0)
        zsh_script(cli, function, out);
    else
        return err_set(err, ERR_INPUT, 0, "there is no completion for '%s', only for bash and zsh", shell);
    return buf_check(out, err);
}
