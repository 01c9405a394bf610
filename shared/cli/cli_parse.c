#include "shared/cli/cli_internal.h"
#include "shared/wire.h"

#define NAME_MAX_BYTES 64 /* of an option's name; a longer one is unknown */

struct parsing {
    const struct cli *cli;
    struct cli_call *call;
    int argc, at; /* at: of the next word */
    char *const *argv;
    bool help;           /* -h or --help was there */
    bool only_arguments; /* `--` was there */
    uint64_t given;      /* bit i: own option i */
};

/* ---- the nearest name ---- */

/* Edits between two words: insertion, deletion, replacement; at most NAME_MAX_BYTES each. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), row[NAME_MAX_BYTES + 1];
    if (la > NAME_MAX_BYTES || lb > NAME_MAX_BYTES)
        return NAME_MAX_BYTES;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t up = row[j], least = up < row[j - 1] ? up : row[j - 1];
            row[j] = a[i - 1] == b[j - 1] ? diagonal : 1 + (least < diagonal ? least : diagonal);
            diagonal = up;
        }
    }
    return row[lb];
}

struct nearest {
    const char *wanted, *found;
    size_t distance;
};

static void nearest_try(struct nearest *n, const char *name)
{
    size_t len = strlen(n->wanted), d = distance(n->wanted, name);
    if (len >= 2 && strncmp(n->wanted, name, len) == 0)
        d = d < 1 ? d : 1; /* the beginning of it */
    if (d <= len / 3 + 1 && (!n->found || d < n->distance)) {
        n->found = name;
        n->distance = d;
    }
}

static const char *nearest_command(const struct cli *cli, const char *wanted)
{
    struct nearest n = { .wanted = wanted };
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        if (row && !row->hidden)
            nearest_try(&n, row->name);
    }
    return n.found;
}

static const char *nearest_option(const struct parsing *p, const char *wanted)
{
    struct nearest n = { .wanted = wanted };
    const struct cli_option *o;
    struct cli_setting s;
    for (size_t i = 0; cli_option_row(i, &o); i++)
        if (cli_has_option(p->cli, o, p->call->command))
            nearest_try(&n, o->name);
    for (size_t i = 0; cli_setting_row(p->cli, i, &s); i++)
        if ((s.commands & CLI_BIT(p->call->command)) && !s.secret)
            nearest_try(&n, s.name);
    return n.found;
}

/* ---- refusals ---- */

static void hint_help(const struct parsing *p, struct err *err)
{
    const char *command = cli_command_name(p->call->command);
    err_hint(err, "See '%s%s%s --help'.", cli_program_name(p->cli->program), command[0] ? " " : "", command);
}

static int unknown_command(const struct parsing *p, const char *name, struct err *err)
{
    const char *program = cli_program_name(p->cli->program), *near = nearest_command(p->cli, name);
    int r = err_set(err, ERR_INPUT, 0, "unknown command '%s'", name);
    if (near)
        err_hint(err, "Did you mean '%s'? See '%s --help'.", near, program);
    else
        err_hint(err, "See '%s --help'.", program);
    return r;
}

/* Some other command has it: say which. */
static int not_of_this_command(const struct parsing *p, const char *name, unsigned commands, struct err *err)
{
    _cleanup_(buf_done_p) struct buf names = BUF_INIT(512);
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++)
        if ((commands & CLI_BIT(c)) && cli_row(p->cli, (enum cli_command)c))
            buf_addf(&names, "%s%s", names.len ? ", " : "", cli_commands[c].name);
    int r = err_set(err, ERR_INPUT, 0, "'%s' has no option --%s: it belongs to %s", cli_command_name(p->call->command),
                    name, buf_str(&names));
    hint_help(p, err);
    return r;
}

static int secret_option(const struct cli_setting *s, struct err *err)
{
    int r = err_set(err, ERR_INPUT, 0, "--%s is secret, and arguments are seen by every user of the machine", s->name);
    err_hint(err, "Give it with --secrets-stdin, as a member of a JSON object on standard input: {\"%s\":%s}.", s->name,
             s->is_list ? "{\"KEY\":\"...\"}" : "\"...\"");
    return r;
}

static int unknown_option(const struct parsing *p, const char *name, struct err *err)
{
    const struct cli_option *o;
    struct cli_setting s;
    unsigned commands = 0;
    const char *near;
    for (size_t i = 0; cli_option_row(i, &o); i++)
        if ((o->programs & p->cli->program) && strcmp(o->name, name) == 0)
            commands |= o->commands;
    for (size_t i = 0; cli_setting_row(p->cli, i, &s); i++)
        if (strcmp(s.name, name) == 0)
            commands |= s.commands;
    if (commands)
        return not_of_this_command(p, name, commands, err);
    int r = err_set(err, ERR_INPUT, 0, "unknown option '--%s'", name);
    if ((near = nearest_option(p, name)))
        err_hint(err, "Did you mean '--%s'? See '%s %s --help'.", near, cli_program_name(p->cli->program),
                 cli_command_name(p->call->command));
    hint_help(p, err);
    return r;
}

static int fault(const struct parsing *p, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int fault(const struct parsing *p, struct err *err, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    int r = err_set(err, ERR_INPUT, 0, "%s", text);
    hint_help(p, err);
    return r;
}

/* ---- options ---- */

/* The value of an option that needs one: behind its '=', or the next word. 0; *value borrowed. */
static int take_value(struct parsing *p, const char *name, const char *attached, const char **value, struct err *err)
{
    if (attached) {
        *value = attached;
        return 0;
    }
    if (p->at >= p->argc)
        return fault(p, err, "--%s needs a value", name);
    const char *next = p->argv[p->at];
    if (next[0] == '-' && next[1]) {
        int r = err_set(err, ERR_INPUT, 0, "--%s needs a value, and another option follows it", name);
        err_hint(err, "A value that begins with '-' is written behind an equals sign: --%s=-...", name);
        return r;
    }
    p->at++;
    *value = next;
    return 0;
}

static int store_option(struct parsing *p, const struct cli_option *o, const char *attached, struct err *err)
{
    void *at = (char *)p->call + o->at;
    const char *value = NULL;
    if (o->kind == CLI_FLAG) {
        if (attached)
            return fault(p, err, "--%s takes no value", o->name);
        *(strcmp(o->name, "help") == 0 ? &p->help : (bool *)at) = true;
        return 0;
    }
    if (o->kind == CLI_OPTIONAL_NUMBER && !attached) {
        *(int64_t *)at = o->dflt;
        return 0;
    }
    if (take_value(p, o->name, attached, &value, err) < 0)
        return -(int)err->kind;
    if (!value[0])
        return fault(p, err, "--%s is empty", o->name);
    if (o->kind == CLI_TEXT)
        *(const char **)at = value;
    else if (!span_to_int(span_of(value), 1, o->max, at))
        return fault(p, err, "--%s is a whole number from 1 to %lld, not '%s'", o->name, (long long)o->max, value);
    return 0;
}

static int own_option(struct parsing *p, size_t i, const struct cli_option *o, const char *attached, struct err *err)
{
    if ((p->given & (UINT64_C(1) << i)) && o->kind != CLI_FLAG)
        return fault(p, err, "--%s is given twice", o->name);
    p->given |= UINT64_C(1) << i;
    return store_option(p, o, attached, err);
}

static int setting_option(struct parsing *p, const struct cli_setting *s, const char *attached, struct err *err)
{
    struct cli_call *call = p->call;
    const char *value = "true";
    if (s->secret)
        return secret_option(s, err);
    for (size_t i = 0; i < call->settings_len; i++)
        if (!s->is_list && strcmp(call->settings[i].name, s->name) == 0)
            return fault(p, err, "--%s is given twice", s->name);
    if (s->is_switch && attached)
        value = attached;
    else if (!s->is_switch && take_value(p, s->name, attached, &value, err) < 0)
        return -(int)err->kind;
    if (call->settings_len == CLI_SETTINGS_MAX)
        return fault(p, err, "more than %d settings", CLI_SETTINGS_MAX);
    call->settings[call->settings_len++] = (struct cli_pair){ s->name, value };
    return 0;
}

static int long_option(struct parsing *p, const char *word, struct err *err)
{
    const struct cli_option *o;
    struct cli_setting s;
    char name[NAME_MAX_BYTES + 1];
    size_t len = strcspn(word, "=");
    const char *attached = word[len] ? word + len + 1 : NULL;
    (void)snprintf(name, sizeof(name), "%.*s", (int)(len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES), word);
    for (size_t i = 0; cli_option_row(i, &o); i++)
        if (cli_has_option(p->cli, o, p->call->command) && strcmp(o->name, name) == 0)
            return own_option(p, i, o, attached, err);
    for (size_t i = 0; cli_setting_row(p->cli, i, &s); i++)
        if (strcmp(s.name, name) == 0 && (s.secret || (s.commands & CLI_BIT(p->call->command))))
            return setting_option(p, &s, attached, err);
    return unknown_option(p, name, err);
}

static const struct cli_option *by_letter(const struct parsing *p, char letter, size_t *ret_i)
{
    const struct cli_option *o;
    for (size_t i = 0; cli_option_row(i, &o); i++)
        if (o->letter == letter && cli_has_option(p->cli, o, p->call->command)) {
            *ret_i = i;
            return o;
        }
    return NULL;
}

/* -fn50: letters until one that takes a value, which has the rest. */
static int short_options(struct parsing *p, const char *word, struct err *err)
{
    for (const char *c = word; *c; c++) {
        size_t i = 0;
        const struct cli_option *o = by_letter(p, *c, &i);
        if (!o)
            return fault(p, err, "unknown option '-%c'", *c >= ' ' && *c <= '~' ? *c : '?');
        bool takes_value = o->kind != CLI_FLAG;
        int r = own_option(p, i, o, takes_value && c[1] ? c + 1 : NULL, err);
        if (r < 0 || takes_value)
            return r;
    }
    return 0;
}

/* ---- arguments ---- */

static int argument(struct parsing *p, const char *word, struct err *err)
{
    const struct cli_command_row *row = &cli_commands[p->call->command];
    if (!row->argument[0])
        return fault(p, err, "'%s' takes no argument, and '%s' is one", row->name, word);
    if (p->call->argument)
        return fault(p, err, "'%s' takes one argument; '%s' is too many", row->name, word);
    p->call->argument = word;
    return 0;
}

static bool is_word_of(const struct cli_command_row *row, const char *argument)
{
    struct span rest = span_of(row->words), word;
    while (span_split(&rest, ' ', &word))
        if (span_eq(word, argument))
            return true;
    return false;
}

static int check_argument(struct parsing *p, struct err *err)
{
    struct cli_call *call = p->call;
    const struct cli_command_row *row = &cli_commands[call->command];
    const char *argument = call->argument;
    bool takes_id = call->command == CLI_LOGS || call->command == CLI_BUNDLE;
    if (!argument && row->argument[0] && row->argument[0] != '[')
        return fault(p, err, "'%s' needs its argument: %s", row->name, row->argument);
    if (!argument || call->command == CLI_HELP || is_word_of(row, argument))
        return 0;
    if (!takes_id)
        return fault(p, err, "'%s' does not know '%s'; it takes %s", row->name, argument, row->argument);
    if (wire_is_id(argument) && strpbrk(argument, "0123456789")) /* a word is no id that anybody was given */
        return 0;
    int r = err_set(err, ERR_INPUT, 0,
                    "'%s' is not the id of a deployment, as history shows them (20260129-031002-a1b2c3)%s", argument,
                    call->command == CLI_LOGS ? ", nor blue, green or next" : "");
    hint_help(p, err);
    return r;
}

/* ---- the whole line ---- */

/* The first word names the command; --help and --version are commands there. */
static int take_command(struct parsing *p, struct err *err)
{
    const char *word = p->argc > 1 ? p->argv[1] : NULL;
    struct cli_call *call = p->call;
    if (!word)
        return fault(p, err, "no command is given");
    p->at = 2;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        call->command = CLI_HELP;
    else if (strcmp(word, "--version") == 0)
        call->command = CLI_VERSION;
    else if (word[0] == '-')
        return fault(p, err, "the command comes first, before its options");
    else
        call->command = cli_command_by_name(p->cli, word);
    return call->command == CLI_NONE ? unknown_command(p, word, err) : 0;
}

static int parse_word(struct parsing *p, const char *word, struct err *err)
{
    if (p->only_arguments || word[0] != '-' || !word[1])
        return argument(p, word, err);
    if (word[1] != '-')
        return short_options(p, word + 1, err);
    if (word[2])
        return long_option(p, word + 2, err);
    p->only_arguments = true;
    return 0;
}

static void become_help(struct cli_call *call)
{
    *call = (struct cli_call){ .command = CLI_HELP, .argument = cli_command_name(call->command) };
}

int cli_parse(const struct cli *cli, int argc, char *const argv[], struct cli_call *call, struct err *err)
{
    struct parsing p = { .cli = cli, .call = call, .argc = argc, .argv = argv };
    *call = (struct cli_call){ 0 };
    if (take_command(&p, err) < 0)
        return -(int)err->kind;
    while (p.at < argc)
        if (parse_word(&p, argv[p.at++], err) < 0)
            return -(int)err->kind;
    if (p.help) {
        become_help(call);
        return 0;
    }
    if (check_argument(&p, err) < 0)
        return -(int)err->kind;
    if (call->command == CLI_HISTORY && call->argument)
        call->verify = true;
    return 0;
}

bool cli_call_setting(const struct cli_call *call, const char *name, struct buf *out)
{
    bool given = false;
    for (size_t i = 0; i < call->settings_len; i++) {
        if (strcmp(call->settings[i].name, name) != 0)
            continue;
        buf_addf(out, "%s%s", given ? "\n" : "", call->settings[i].value);
        given = true;
    }
    return given;
}
