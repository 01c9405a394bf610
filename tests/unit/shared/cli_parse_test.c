/* The grammar of the command line: what is taken, and with which words the rest is refused. */
#include "shared/cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DEPLOYS (CLI_BIT(CLI_DEPLOY) | CLI_BIT(CLI_PLAN))

static bool settings(size_t i, struct cli_setting *ret)
{
    static const struct cli_setting rows[] = {
        { "host", "Where", CLI_APP_COMMANDS, false, false, false },
        { "image", "What", DEPLOYS, false, false, false },
        { "env", "Variables", DEPLOYS, false, false, true },
        { "read-only", "No writing", DEPLOYS, false, true, false },
        { "registry-password", "Secret", DEPLOYS, true, false, false },
        { "secret-env", "Secrets", DEPLOYS, true, false, true },
    };
    if (i >= sizeof(rows) / sizeof(rows[0]))
        return false;
    *ret = rows[i];
    return true;
}

static const struct cli client = { CLI_CLIENT, settings }, host = { CLI_HOST, NULL };

/* Words of a line, split at blanks; '_' within a word stands for a blank. */
struct line {
    char text[400];
    char *argv[64];
    int argc;
};

static void split(struct line *l, const char *text)
{
    l->argc = 0;
    (void)snprintf(l->text, sizeof(l->text), "%s", text);
    for (char *rest = l->text; rest;)
        l->argv[l->argc++] = strsep(&rest, " ");
    l->argv[l->argc] = NULL;
}

static struct line line;
static struct cli_call call;

static void parse_with(const struct cli *cli, const char *text)
{
    struct err err = { 0 };
    char message[1000];
    split(&line, text);
    int r = cli_parse(cli, line.argc, line.argv, &call, &err);
    if (r != 0)
        fail_msg("%s: %s", text, err_text(&err, message, sizeof(message)));
}

static void parse(const char *text)
{
    parse_with(&client, text);
}

/* The message, and the hint behind it, must hold these words. */
static void refuses_with(const struct cli *cli, const char *text, const char *words, const char *hint)
{
    struct err err = { 0 };
    char message[1000];
    split(&line, text);
    int r = cli_parse(cli, line.argc, line.argv, &call, &err);
    assert_int_equal(r, -ERR_INPUT);
    assert_int_equal(err_kind_exit_code(err.kind), 2);
    err_text(&err, message, sizeof(message));
    if (!strstr(message, words))
        fail_msg("%s: '%s' is not in '%s'", text, words, message);
    if (!strstr(err_hint_text(&err), hint))
        fail_msg("%s: '%s' is not in the hint '%s'", text, hint, err_hint_text(&err));
}

static void refuses(const char *text, const char *words, const char *hint)
{
    refuses_with(&client, text, words, hint);
}

static void a_value_follows_its_option_in_each_way(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "bluegreen logs --lines 50 green", "bluegreen logs green --lines=50",         "bluegreen logs -n 50 green",
        "bluegreen logs green -n50",       "bluegreen logs -n50 --since 1h -- green",
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        parse(ways[i]);
        assert_int_equal(call.command, CLI_LOGS);
        assert_int_equal(call.lines, 50);
        assert_string_equal(call.argument, "green");
        assert_false(call.follow);
    }
}

static void letters_stand_together(void **state)
{
    (void)state;
    parse("bluegreen logs -fn 20");
    assert_true(call.follow);
    assert_int_equal(call.lines, 20);
    parse("bluegreen logs -fn20");
    assert_true(call.follow);
    assert_int_equal(call.lines, 20);
}

static void each_own_option_reaches_its_member(void **state)
{
    (void)state;
    parse(
        "bluegreen rollback --to 1.4.1 --config c.json --identity id --known-hosts-file kh --no-color --secrets-stdin");
    assert_string_equal(call.to, "1.4.1");
    assert_string_equal(call.config, "c.json");
    assert_string_equal(call.identity, "id");
    assert_string_equal(call.known_hosts_file, "kh");
    assert_true(call.no_color && call.secrets_stdin);
    assert_false(call.json || call.dry_run || call.follow || call.verify);
    parse("bluegreen bundle 20260101-000000-abcdef -o -");
    assert_string_equal(call.output, "-");
    assert_string_equal(call.argument, "20260101-000000-abcdef");
    parse("bluegreen prune --dry-run --json");
    assert_true(call.dry_run && call.json);
    parse("bluegreen logs --since 2h");
    assert_string_equal(call.since, "2h");
    parse_with(&host, "bluegreen-agent status --app shop");
    assert_string_equal(call.app, "shop");
}

static void watch_has_a_number_only_behind_an_equals_sign(void **state)
{
    (void)state;
    parse("bluegreen status");
    assert_int_equal(call.watch, 0);
    parse("bluegreen status --watch");
    assert_int_equal(call.watch, 5);
    parse("bluegreen status -w");
    assert_int_equal(call.watch, 5);
    parse("bluegreen status --watch=2");
    assert_int_equal(call.watch, 2);
    parse("bluegreen status -w2");
    assert_int_equal(call.watch, 2);
    refuses("bluegreen status --watch 2", "'status' takes no argument", "status --help");
    refuses("bluegreen status --watch=0", "whole number from 1 to 3600", "");
}

static void verify_is_the_argument_of_history(void **state)
{
    (void)state;
    parse("bluegreen history verify");
    assert_true(call.verify);
    parse("bluegreen history");
    assert_false(call.verify);
    refuses("bluegreen history verfy", "'history' does not know 'verfy'; it takes [verify]", "history --help");
}

static void settings_come_in_the_order_given(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf value = BUF_INIT(100);
    parse("bluegreen deploy --env A=1 --image shop:2 --env=B=2 --read-only");
    assert_int_equal(call.settings_len, 4);
    assert_string_equal(call.settings[0].name, "env");
    assert_string_equal(call.settings[0].value, "A=1");
    assert_string_equal(call.settings[3].value, "true");
    assert_true(cli_call_setting(&call, "env", &value));
    assert_string_equal(buf_str(&value), "A=1\nB=2");
    assert_false(cli_call_setting(&call, "host", &value));
    parse("bluegreen deploy --read-only=false");
    assert_string_equal(call.settings[0].value, "false");
    parse("bluegreen deploy --image=");
    assert_string_equal(call.settings[0].value, "");
}

static void help_is_about_the_command_it_stands_with(void **state)
{
    (void)state;
    static const char *const ways[] = { "bluegreen rollback --help", "bluegreen rollback -h",
                                        "bluegreen rollback --to 1 -h", "bluegreen help rollback" };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        parse(ways[i]);
        assert_int_equal(call.command, CLI_HELP);
        assert_string_equal(call.argument, "rollback");
        assert_null(call.to);
    }
    parse("bluegreen bundle --help"); /* although its argument is missing */
    assert_string_equal(call.argument, "bundle");
    parse("bluegreen help --help");
    assert_string_equal(call.argument, "help");
    parse("bluegreen --help");
    assert_int_equal(call.command, CLI_HELP);
    assert_null(call.argument);
    parse("bluegreen --version");
    assert_int_equal(call.command, CLI_VERSION);
}

static void an_unknown_name_comes_with_the_nearest_one(void **state)
{
    (void)state;
    refuses("bluegreen stats", "unknown command 'stats'", "Did you mean 'status'? See 'bluegreen --help'.");
    refuses("bluegreen hist", "unknown command 'hist'", "Did you mean 'history'?");
    refuses("bluegreen quux", "unknown command 'quux'", "See 'bluegreen --help'.");
    refuses("bluegreen deploy --imgae x", "unknown option '--imgae'",
            "Did you mean '--image'? See 'bluegreen deploy --help'.");
    refuses("bluegreen status --jso", "unknown option '--jso'", "Did you mean '--json'?");
    refuses("bluegreen status --zzzzzzzz", "unknown option '--zzzzzzzz'", "See 'bluegreen status --help'.");
    refuses("bluegreen status -x", "unknown option '-x'", "See 'bluegreen status --help'.");
}

static void an_option_of_another_command_is_named_as_such(void **state)
{
    (void)state;
    refuses("bluegreen status --follow", "'status' has no option --follow: it belongs to logs", "status --help");
    refuses("bluegreen status --image x", "'status' has no option --image: it belongs to deploy, plan", "");
    refuses_with(&host, "bluegreen-agent status --config x", "unknown option '--config'",
                 "bluegreen-agent status --help");
    refuses("bluegreen self-check", "unknown command 'self-check'", "");
}

static void missing_and_extra_words_are_named(void **state)
{
    (void)state;
    refuses("bluegreen bundle", "'bundle' needs its argument: ID", "bundle --help");
    refuses("bluegreen bundle 20260101-000000-abcdef more", "'bundle' takes one argument; 'more' is too many", "");
    refuses("bluegreen diagnose now", "'diagnose' takes no argument, and 'now' is one", "");
    refuses("bluegreen rollback --to", "--to needs a value", "");
    refuses("bluegreen rollback --to --no-color", "--to needs a value, and another option follows it", "--to=-...");
    refuses("bluegreen rollback --to=", "--to is empty", "");
    refuses("bluegreen rollback --to 1 --to 2", "--to is given twice", "");
    refuses("bluegreen deploy --image a --image b", "--image is given twice", "");
    refuses("bluegreen status --json=yes", "--json takes no value", "");
    refuses("bluegreen logs --lines many", "--lines is a whole number from 1 to 10000, not 'many'", "");
    refuses("bluegreen logs grene", "'grene' is not the id of a deployment", "");
    refuses("bluegreen bundle NO.ID", "'NO.ID' is not the id of a deployment", "");
    refuses("bluegreen --json status", "the command comes first", "bluegreen --help");
    refuses("bluegreen", "no command is given", "bluegreen --help");
    refuses("bluegreen completion fish", "'completion' does not know 'fish'", "");
}

static void a_secret_is_refused_and_never_repeated(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "bluegreen deploy --registry-password=hunter2hunter2", "bluegreen deploy --registry-password hunter2hunter2",
        "bluegreen status --registry-password=hunter2hunter2", "bluegreen deploy --secret-env KEY=hunter2hunter2",
        "bluegreen deploy --registry-passwrd=hunter2hunter2",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct err err = { 0 };
        char message[1000];
        split(&line, lines[i]);
        assert_int_equal(cli_parse(&client, line.argc, line.argv, &call, &err), -ERR_INPUT);
        assert_null(strstr(err_text(&err, message, sizeof(message)), "hunter2"));
        assert_null(strstr(err_hint_text(&err), "hunter2"));
    }
    refuses("bluegreen deploy --registry-password=x", "--registry-password is secret",
            "{\"registry-password\":\"...\"}");
    refuses("bluegreen deploy --secret-env K=x", "--secret-env is secret", "--secrets-stdin");
}

static void everything_behind_two_dashes_is_an_argument(void **state)
{
    (void)state;
    refuses("bluegreen logs -- --follow", "'--follow' is not the id of a deployment", "");
    parse("bluegreen logs -f --");
    assert_true(call.follow);
}

static void settings_beyond_the_limit_are_refused(void **state)
{
    (void)state;
    struct err err = { 0 };
    static char words[][16] = { "bluegreen", "deploy", "--env=A=1" };
    static char *argv[2 + CLI_SETTINGS_MAX + 1] = { words[0], words[1] };
    for (int i = 0; i < CLI_SETTINGS_MAX + 1; i++)
        argv[2 + i] = words[2];
    assert_int_equal(cli_parse(&client, 2 + CLI_SETTINGS_MAX, argv, &call, &err), 0);
    assert_int_equal(call.settings_len, CLI_SETTINGS_MAX);
    assert_int_equal(cli_parse(&client, 2 + CLI_SETTINGS_MAX + 1, argv, &call, &err), -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_follows_its_option_in_each_way),
        cmocka_unit_test(letters_stand_together),
        cmocka_unit_test(each_own_option_reaches_its_member),
        cmocka_unit_test(watch_has_a_number_only_behind_an_equals_sign),
        cmocka_unit_test(verify_is_the_argument_of_history),
        cmocka_unit_test(settings_come_in_the_order_given),
        cmocka_unit_test(help_is_about_the_command_it_stands_with),
        cmocka_unit_test(an_unknown_name_comes_with_the_nearest_one),
        cmocka_unit_test(an_option_of_another_command_is_named_as_such),
        cmocka_unit_test(missing_and_extra_words_are_named),
        cmocka_unit_test(a_secret_is_refused_and_never_repeated),
        cmocka_unit_test(everything_behind_two_dashes_is_an_argument),
        cmocka_unit_test(settings_beyond_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
