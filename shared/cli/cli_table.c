#include "shared/cli/cli_internal.h"

#include "shared/wire.h"

#include <stddef.h>

/* clang-format off */
const struct cli_command_row cli_commands[CLI_COMMANDS] = {
    [CLI_DEPLOY] = {
        "deploy", "", "", CLI_BOTH, false, "Put a new version into service",
        "The new version boots and is checked beside the one that serves, then takes over its port. When anything fails, the old "
        "version gets the port back, and the exit code says so.",
        "When the app was deployed here before, whatever is not given stays as it is: settings of the version that serves are used "
        "again, and its secret variables. A list that is given, such as --env, replaces the whole list. The password of a registry is "
        "kept nowhere and has to be given each time, with --secrets-stdin.",
        "Every setting that is not given here comes from the configuration file. There is no job around it: once it is good, "
        "nothing but a rollback takes it back.",
        { { CLI_HOST, "deploy --image registry.example.com/shop:1.4.2", "The same settings, another image." },
          { CLI_HOST, "deploy --app shop --image shop:1.4.2 --port 8080 --health-path /healthz", "A first deployment." },
          { CLI_CLIENT, "deploy --image registry.example.com/shop:1.4.2",
            "Host, app and all other settings are in ./bluegreen.json." },
          { CLI_BOTH, "deploy --image shop:1.4.2 --secrets-stdin",
            "With {\"registry-password\":\"...\",\"secret-env\":{\"DATABASE_URL\":\"...\"}} piped into it." } } },
    [CLI_ROLLBACK] = {
        "rollback", "", "", CLI_BOTH, false, "Go back to an earlier version",
        "Without --to it is the previous version, which is kept stopped beside the one that serves: it is back in a moment. Any "
        "other one is named by its deployment, its digest, its tag or its image; history shows them. Its image is pulled again "
        "when it is gone. What cannot be done is refused with the reason, and the version that serves stays.",
        "", "",
        { { CLI_BOTH, "rollback", "To the previous version." },
          { CLI_BOTH, "rollback --to 20260129-031002-a1b2c3", "To what that deployment brought." },
          { CLI_BOTH, "rollback --to 1.4.1", "To the image with this tag." } } },
    [CLI_STATUS] = {
        "status", "", "", CLI_BOTH, false, "What serves, since when, and is it well",
        "Shows the version that serves and the previous one, a deployment that runs, the last deployments and how long they took, "
        "the disk, the engine, and what should be done, with the command for it. Nothing is changed.",
        "", "",
        { { CLI_BOTH, "status", "Once." },
          { CLI_BOTH, "status --watch=2", "Drawn anew every 2 seconds, until q or Ctrl-C." },
          { CLI_BOTH, "status --json | jq -r .blue.digest", "For scripts." } } },
    [CLI_HISTORY] = {
        "history", "[verify]", "verify", CLI_BOTH, false, "Who changed what, when, and how it ended",
        "Reads the audit log of the host, newest entry first. Each entry holds the hash of the one before it: verify reads all of "
        "them and ends with exit code 42 when a byte was changed or an entry is missing.",
        "", "",
        { { CLI_BOTH, "history", "The last 20 entries." },
          { CLI_BOTH, "history --lines 100 --json", "More of them, for scripts." },
          { CLI_BOTH, "history verify", "Is the log whole?" } } },
    [CLI_LOGS] = {
        "logs", "[blue|green|next|ID]", "blue green next", CLI_BOTH, false, "The log of a version, or of a deployment",
        "blue serves (this is also meant when nothing is named), green is the previous version, next the one that is being deployed. "
        "The id of a deployment shows what that deployment did.",
        "", "",
        { { CLI_BOTH, "logs --follow", "What serves, as it goes on." },
          { CLI_BOTH, "logs green --since 2h --lines 500", "The previous version." },
          { CLI_BOTH, "logs 20260129-031002-a1b2c3", "What this deployment did." } } },
    [CLI_BUNDLE] = {
        "bundle", "ID", "", CLI_BOTH, false, "Everything that is known of a deployment, in one file",
        "Writes a tar.gz with its log, events, measurements, settings without secrets, and the ends of the containers' logs. It is "
        "called bluegreen-APP-ID.tar.gz and lies in the working directory, unless --output says otherwise.",
        "", "",
        { { CLI_BOTH, "bundle 20260129-031002-a1b2c3", "" },
          { CLI_BOTH, "bundle 20260129-031002-a1b2c3 --output - | tar tz", "What is in it?" } } },
    [CLI_DIAGNOSE] = {
        "diagnose", "", "", CLI_BOTH, false, "What is wrong, and what to do next",
        "Looks at host, engine, containers, image and registry as they are now, and names the likely cause and the next step for "
        "each thing that is not as it should be. Nothing is changed.",
        "", "",
        { { CLI_BOTH, "diagnose", "" },
          { CLI_BOTH, "diagnose --json | jq -r '.findings[].command'", "Only the commands that help." } } },
    [CLI_PLAN] = {
        "plan", "", "", CLI_BOTH, false, "What a deploy would do, without doing it",
        "Takes what deploy takes, and tells what would change, what would be pulled and pruned, how long it is likely to take, and "
        "what would stop it. Nothing on the host is changed.",
        "", "",
        { { CLI_BOTH, "plan --image registry.example.com/shop:1.4.2", "" },
          { CLI_BOTH, "plan --image shop:1.4.2 --json | jq -r .verdict", "deploy, unchanged or refused." } } },
    [CLI_PRUNE] = {
        "prune", "", "", CLI_BOTH, false, "Remove what the app no longer needs",
        "Containers, images and records of this app that are older than its limits; nothing of another app. What serves, the "
        "previous version within keep-hours, and the images of the last keep-versions good deployments are never touched.",
        "", "",
        { { CLI_BOTH, "prune --dry-run", "What would go, and how much room that makes." },
          { CLI_BOTH, "prune", "" } } },
    [CLI_VERSION] = {
        "version", "", "", CLI_BOTH, false, "Version of this program",
        "Prints it, and on the host the architecture too.", "", "",
        { { CLI_BOTH, "version", "" } } },
    [CLI_HELP] = {
        "help", "[COMMAND]", "", CLI_BOTH, false, "Help about a command, or about exit-codes",
        "The same as COMMAND --help. The topic exit-codes lists what each exit code means.", "", "",
        { { CLI_BOTH, "help rollback", "" },
          { CLI_BOTH, "help exit-codes", "" } } },
    [CLI_SELF_CHECK] = {
        "self-check", "", "", CLI_HOST, false, "Does this program work on this machine",
        "Tries every part that needs no Docker Engine, and names the one that fails.", "", "",
        { { CLI_HOST, "self-check", "" } } },
    [CLI_COMPLETION] = {
        "completion", "bash|zsh", "bash zsh", CLI_BOTH, true, "A completion script for the shell",
        "Prints a script that makes the shell complete commands and options.", "", "",
        { { CLI_HOST, "completion bash", "To be read by: source <(bluegreen-agent completion bash)" },
          { CLI_CLIENT, "completion bash", "To be read by: source <(bluegreen completion bash)" },
          { CLI_HOST, "completion zsh > ~/.zfunc/_bluegreen-agent", "With ~/.zfunc in fpath." },
          { CLI_CLIENT, "completion zsh > ~/.zfunc/_bluegreen", "With ~/.zfunc in fpath." } } },
    [CLI_MAN] = {
        "man", "", "", CLI_BOTH, true, "The manual page",
        "Prints the manual page in the mdoc language, made of what this help is made of.", "", "",
        { { CLI_HOST, "man > bluegreen-agent.1", "" },
          { CLI_CLIENT, "man > bluegreen.1", "" } } },
};

#define AT(member) offsetof(struct cli_call, member)
#define ONLY(command) CLI_BIT(CLI_##command)
#define EVERY (CLI_BIT(CLI_COMMANDS) - CLI_BIT(CLI_DEPLOY))
#define REPORTS (ONLY(STATUS) | ONLY(HISTORY) | ONLY(DIAGNOSE) | ONLY(PLAN) | ONLY(PRUNE))

static const struct cli_option options[] = {
    { "app", 0, "NAME", CLI_TEXT, false, CLI_HOST, CLI_APP_COMMANDS,
      "Which app; not needed while there is just one on the host", AT(app), 0, 0 },
    { "to", 0, "VERSION", CLI_TEXT, false, CLI_BOTH, ONLY(ROLLBACK),
      "A deployment's id, a digest, a tag or an image; the previous version when not given", AT(to), 0, 0 },
    { "watch", 'w', "SECONDS", CLI_OPTIONAL_NUMBER, false, CLI_BOTH, ONLY(STATUS),
      "Go on, and draw anew every so many seconds (5)", AT(watch), CLI_WATCH_MAX_S, CLI_WATCH_DEFAULT_S },
    { "follow", 'f', "", CLI_FLAG, false, CLI_BOTH, ONLY(LOGS), "Go on as new lines come, until Ctrl-C", AT(follow), 0, 0 },
    { "since", 0, "WHEN", CLI_TEXT, false, CLI_BOTH, ONLY(LOGS),
      "Lines since then: 10m, 2h30m, or a time such as 2026-01-29T03:10:00Z", AT(since), 0, 0 },
    { "lines", 'n', "NUMBER", CLI_NUMBER, false, CLI_BOTH, ONLY(LOGS) | ONLY(HISTORY),
      "So many of the newest (logs 200, history 20)", AT(lines), WIRE_LINES_MAX, 0 },
    { "output", 'o', "FILE", CLI_TEXT, true, CLI_BOTH, ONLY(BUNDLE), "Where to write it; - is standard output", AT(output), 0, 0 },
    { "dry-run", 0, "", CLI_FLAG, false, CLI_BOTH, ONLY(PRUNE), "Only tell what would be removed", AT(dry_run), 0, 0 },
    { "json", 0, "", CLI_FLAG, false, CLI_BOTH, REPORTS, "The whole answer as JSON, for scripts", AT(json), 0, 0 },
    { "config", 0, "FILE", CLI_TEXT, true, CLI_CLIENT, CLI_APP_COMMANDS,
      "Settings as JSON; ./bluegreen.json when it is there", AT(config), 0, 0 },
    { "identity", 'i', "FILE", CLI_TEXT, true, CLI_CLIENT, CLI_APP_COMMANDS,
      "Private SSH key; the keys of ssh-agent when not given", AT(identity), 0, 0 },
    { "known-hosts-file", 0, "FILE", CLI_TEXT, true, CLI_CLIENT, CLI_APP_COMMANDS,
      "Where the host's key is looked up when it is not pinned; ~/.ssh/known_hosts", AT(known_hosts_file), 0, 0 },
    { "secrets-stdin", 0, "", CLI_FLAG, false, CLI_CLIENT, CLI_APP_COMMANDS,
      "Read the secret settings from standard input, as a JSON object", AT(secrets_stdin), 0, 0 },
    { "secrets-stdin", 0, "", CLI_FLAG, false, CLI_HOST, ONLY(DEPLOY) | ONLY(PLAN) | ONLY(ROLLBACK) | ONLY(DIAGNOSE),
      "Read the secret settings from standard input, as a JSON object", AT(secrets_stdin), 0, 0 },
    { "no-color", 0, "", CLI_FLAG, false, CLI_BOTH, CLI_APP_COMMANDS,
      "No colours; nor are there any when NO_COLOR is set or the output is no terminal", AT(no_color), 0, 0 },
    { "help", 'h', "", CLI_FLAG, false, CLI_BOTH, EVERY, "This help", 0, 0, 0 },
};
/* clang-format on */

bool cli_option_row(size_t i, const struct cli_option **ret)
{
    if (i >= sizeof(options) / sizeof(options[0]))
        return false;
    *ret = &options[i];
    return true;
}

const struct cli_command_row *cli_row(const struct cli *cli, enum cli_command command)
{
    const struct cli_command_row *row = &cli_commands[command];
    return row->name && (row->programs & cli->program) ? row : NULL;
}

enum cli_command cli_command_by_name(const struct cli *cli, const char *name)
{
    for (int c = CLI_NONE + 1; c < CLI_COMMANDS; c++) {
        const struct cli_command_row *row = cli_row(cli, (enum cli_command)c);
        if (row && strcmp(row->name, name) == 0)
            return (enum cli_command)c;
    }
    return CLI_NONE;
}

bool cli_has_option(const struct cli *cli, const struct cli_option *o, enum cli_command command)
{
    return (o->programs & cli->program) && (o->commands & CLI_BIT(command));
}

bool cli_setting_row(const struct cli *cli, size_t i, struct cli_setting *ret)
{
    const struct cli_option *o;
    if (!cli->settings || !cli->settings(i, ret))
        return false;
    for (size_t k = 0; cli_option_row(k, &o); k++)
        if ((o->programs & cli->program) && strcmp(o->name, ret->name) == 0)
            ret->commands &= ~o->commands;
    return true;
}

const char *cli_program_name(enum cli_program program)
{
    return program == CLI_HOST ? "bluegreen-agent" : "bluegreen";
}

const char *cli_command_name(enum cli_command command)
{
    return (unsigned)command < CLI_COMMANDS && cli_commands[command].name ? cli_commands[command].name : "";
}
