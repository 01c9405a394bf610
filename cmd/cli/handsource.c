#include "cmd/cli/handsource.h"

#include "cmd/cli/handpins.h"
#include "cmd/ssh/hostpin.h"
#include "shared/secret.h"

#include <fcntl.h>
#include <inttypes.h>

#define STDIN_NAME "standard input"

/* ---- values ---- */

/* Kept until the end; NULL, and the source failed, without memory. */
static const char *keep(struct handsource *s, const char *id, struct span text)
{
    char *copy = s->made_len < SETTINGS_ROWS_MAX ? span_dup(text) : NULL;
    if (!copy) {
        s->failed = true;
        return NULL;
    }
    s->made[s->made_len].id = id;
    s->made[s->made_len++].value = copy;
    return copy;
}

static const char *kept(const struct handsource *s, const char *id)
{
    for (size_t i = 0; i < s->made_len; i++)
        if (strcmp(s->made[i].id, id) == 0)
            return s->made[i].value;
    return NULL;
}

static const char *number(struct handsource *s, const char *id, int64_t n)
{
    char text[24];
    if (n == 0)
        return NULL;
    (void)snprintf(text, sizeof(text), "%" PRId64, n);
    return keep(s, id, span_of(text));
}

/* What the grammar has as options and words of its own. */
static const char *of_call(struct handsource *s, const char *id)
{
    const struct cli_call *c = s->call;
    if (strcmp(id, "command") == 0)
        return cli_command_name(c->command);
    if (strcmp(id, "to") == 0)
        return c->to;
    if (strcmp(id, "of") == 0)
        return c->command == CLI_LOGS || c->command == CLI_BUNDLE ? c->argument : NULL;
    if (strcmp(id, "since") == 0)
        return c->since;
    if (strcmp(id, "lines") == 0)
        return number(s, id, c->lines);
    if (strcmp(id, "dry-run") == 0)
        return c->dry_run ? "true" : "false";
    if (strcmp(id, "upload-artifact") == 0)
        return "off";
    return NULL;
}

static const char *of_option(struct handsource *s, const char *id)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT((size_t)CLI_SETTINGS_MAX * SETTINGS_VALUE_MAX);
    return cli_call_setting(s->call, id, &text) ? keep(s, id, buf_span(&text)) : NULL;
}

static const char *given(struct handsource *s, const char *id)
{
    const char *value = kept(s, id);
    if (!value)
        value = of_call(s, id);
    if (!value)
        value = of_option(s, id);
    if (!value)
        value = settings_json_get(s->secrets, id);
    return value ? value : settings_json_get(s->config, id);
}

static bool is_given(struct handsource *s, const char *id)
{
    const char *value = given(s, id);
    return value && span_trim(span_of(value)).len > 0;
}

static const char *found(struct handsource *s, const char *id)
{
    const struct buf *text = NULL;
    if (strcmp(id, "ssh-key") == 0)
        text = &s->key.text;
    else if (strcmp(id, "ssh-key-passphrase") == 0 && s->key.text.len)
        text = &s->key.passphrase;
    else if (strcmp(id, "known-hosts") == 0)
        text = &s->known_hosts;
    return text && text->len ? buf_str(text) : NULL;
}

static const char *value_of(void *ctx, const char *id)
{
    struct handsource *s = ctx;
    const char *value = found(s, id);
    return value ? value : given(s, id);
}

/* ---- names ---- */

static const char *last_part(const char *path)
{
    return base_name(path);
}

static void name_of(void *ctx, const char *id, char out[SETTINGS_NAME_MAX])
{
    struct handsource *s = ctx;
    bool by_option = kept(s, id) != NULL || of_call(s, id) != NULL;
    const struct settings_row *row = settings_table_find(inputs_sections(), id);
    if (strcmp(id, "of") == 0)
        (void)snprintf(out, SETTINGS_NAME_MAX, "%s", cli_command_name(s->call->command));
    else if (strcmp(id, "ssh-key") == 0 && s->key.path[0])
        (void)snprintf(out, SETTINGS_NAME_MAX, "key '%.60s'", last_part(s->key.path));
    else if (strcmp(id, "known-hosts") == 0 && s->known_hosts.len)
        (void)snprintf(out, SETTINGS_NAME_MAX, "'%.60s'", last_part(s->known_hosts_path));
    else if (!by_option && settings_json_get(s->config, id) && !settings_json_get(s->secrets, id))
        (void)snprintf(out, SETTINGS_NAME_MAX, "%.50s: \"%s\"", last_part(s->config_path), id);
    else if (row && row->secret)
        (void)snprintf(out, SETTINGS_NAME_MAX, STDIN_NAME ": \"%s\"", id);
    else
        (void)snprintf(out, SETTINGS_NAME_MAX, "option '--%s'", id);
}

/* Who asks: nothing of a runner's counts. */
static const char *person(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "USER") == 0 ? getenv(name) : NULL;
}

/* ---- reading ---- */

static int read_config(struct handsource *s, struct err *err)
{
    const char *path = s->call->config ? s->call->config : HANDSOURCE_CONFIG;
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    s->config_path = path;
    if (fd < 0 && errno == ENOENT && !s->call->config)
        return 0;
    if (fd < 0)
        return err_set(err, ERR_INPUT, errno, "config '%.200s' cannot be read: %s", path, strerror(errno));
    return settings_json_read(fd, path, inputs_sections(), SETTINGS_JSON_PLAIN, &s->config, err);
}

int handsource_init(struct handsource *s, const struct cli_call *call, struct err *err)
{
    *s = (struct handsource){ .call = call,
                              .config_path = HANDSOURCE_CONFIG,
                              .key = { .text = BUF_INIT(1), .passphrase = BUF_INIT(1) },
                              .known_hosts = BUF_INIT(HOSTPIN_TEXT_MAX) };
    s->source = (struct inputs_source){ .settings = { s, value_of, name_of }, .env = person, .by_hand = true };
    int r = read_config(s, err);
    if (r == 0 && call->secrets_stdin)
        r = settings_json_read(STDIN_FILENO, STDIN_NAME, inputs_sections(), SETTINGS_JSON_SECRET, &s->secrets, err);
    return r;
}

void handsource_done(struct handsource *s)
{
    settings_json_free_p(&s->config);
    settings_json_free_p(&s->secrets);
    handkey_done(&s->key);
    buf_done(&s->known_hosts);
    for (size_t i = 0; i < s->made_len; i++)
        free(s->made[i].value);
    s->made_len = 0;
}

/* ---- key and pins ---- */

static int find_key(struct handsource *s, int cancel_fd, struct err *err)
{
    const char *auth = given(s, "ssh-auth");
    bool is_secret = is_given(s, "ssh-key");
    if (is_secret && s->call->identity)
        return err_set(err, ERR_INPUT, 0,
                       "option '--identity': got a key, and " STDIN_NAME
                       " has another one in \"ssh-key\"; wants one of them");
    if (is_secret || (auth && strcmp(auth, "instance-connect") == 0))
        return 0;
    int r = handkey_find(s->call->identity, cancel_fd, &s->key, err);
    s->source.agent = s->key.agent;
    if (r < 0 || s->key.text.len || s->key.agent || !is_given(s, "host"))
        return r; /* without a host more is missing, and told together */
    r = err_set(
        err, ERR_KEY, 0,
        "there is no key to log in with: no ssh-agent holds one, and none of ~/.ssh/id_ed25519, id_ecdsa and id_rsa "
        "is there");
    err_hint(err, "Name the key's file with --identity FILE, or hand the key to ssh-agent: ssh-add FILE.");
    return r;
}

static int port_of(struct handsource *s, const char *id)
{
    const char *value = given(s, id);
    int64_t port = 22;
    return value && span_to_int(span_trim(span_of(value)), 1, 65535, &port) ? (int)port : 22;
}

/* The lines for one of the hosts on the way; what is wrong with its name is told when the settings are read. */
static int choose_pins(struct handsource *s, const char *host_id, const char *port_id, struct err *err)
{
    const char *host = given(s, host_id);
    if (!host || !*host)
        return 0;
    int r = handpins_read(s->known_hosts_path, host, port_of(s, port_id), &s->known_hosts, err);
    if (r == 1 && s->call->known_hosts_file)
        return err_set(err, ERR_INPUT, ENOENT, "option '--known-hosts-file': there is no file '%.200s'",
                       s->known_hosts_path);
    return r < 0 ? r : 0;
}

static int find_pins(struct handsource *s, struct err *err)
{
    const char *home = getenv("HOME");
    if (is_given(s, "host-fingerprint") || is_given(s, "known-hosts"))
        return 0;
    if (s->call->known_hosts_file)
        (void)snprintf(s->known_hosts_path, sizeof(s->known_hosts_path), "%s", s->call->known_hosts_file);
    else if (home && *home)
        (void)snprintf(s->known_hosts_path, sizeof(s->known_hosts_path), "%.900s/.ssh/known_hosts", home);
    else
        return 0;
    s->source.pins_path = s->known_hosts_path;
    int r = choose_pins(s, "host", "ssh-port", err);
    if (r == 0 && !is_given(s, "jump-fingerprint") && !is_given(s, "jump-known-hosts"))
        r = choose_pins(s, "jump-host", "jump-port", err);
    return r;
}

int handsource_prepare(struct handsource *s, int cancel_fd, struct err *err)
{
    int r = find_pins(s, err);
    if (r == 0)
        r = find_key(s, cancel_fd, err);
    return r == 0 && s->failed ? err_set(err, ERR_NOMEM, 0, "read the settings: out of memory") : r;
}
