#include "cmd/cli/handsource.h"

#include "cmd/cli/handpins.h"
#include "cmd/ssh/hostpin.h"
#include "shared/secret.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define STDIN_NAME "standard input"
#define HOST_NAME_SIZE 300

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

/* A known_hosts file that was named for this call wins over the pins that the configuration has. */
static const char *of_config(const struct handsource *s, const char *id)
{
    static const char *const pins[] = { "host-fingerprint", "known-hosts", "jump-fingerprint", "jump-known-hosts" };
    for (size_t i = 0; s->call->known_hosts_file && i < sizeof(pins) / sizeof(pins[0]); i++)
        if (strcmp(id, pins[i]) == 0)
            return NULL;
    return settings_json_get(s->config, id);
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
    return value ? value : of_config(s, id);
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
    else if (strcmp(id, "jump-known-hosts") == 0)
        text = &s->jump_known_hosts;
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
    else if ((strcmp(id, "known-hosts") == 0 && s->known_hosts.len && !given(s, id)) ||
             (strcmp(id, "jump-known-hosts") == 0 && s->jump_known_hosts.len && !given(s, id)))
        (void)snprintf(out, SETTINGS_NAME_MAX, "'%.60s'", last_part(s->known_hosts_path));
    else if (!by_option && of_config(s, id) && !settings_json_get(s->secrets, id))
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

/* The file that is read without being named: anybody who writes it says which host gets the secrets of this call. */
static int check_writers(int fd, const char *path, struct err *err)
{
    struct stat st;
    int r = 0;
    if (fstat(fd, &st) < 0)
        return err_set(err, ERR_INPUT, errno, "config '%.200s' cannot be read: %s", path, strerror(errno));
    if (st.st_uid != geteuid() && st.st_uid != 0)
        r = err_set(err, ERR_INPUT, 0, "config './%.200s' is not used: it belongs to another user (uid %u)", path,
                    (unsigned)st.st_uid);
    else if ((st.st_mode & 002) || ((st.st_mode & 020) && st.st_gid != (gid_t)st.st_uid)) /* own group: umask 002 */
        r = err_set(err, ERR_INPUT, 0, "config './%.200s' is not used: others may write it (mode %04o)", path,
                    (unsigned)(st.st_mode & 07777));
    if (r < 0)
        err_hint(err, "If it is yours: chmod go-w %.200s; to use it as it is, name it: --config %.200s.", path, path);
    return r;
}

/* env-file of the configuration is looked up beside it, and does not lead elsewhere. */
static void find_env_folder(struct handsource *s)
{
    const char *slash = strrchr(s->config_path, '/');
    if (!slash)
        (void)snprintf(s->env_folder, sizeof(s->env_folder), ".");
    else
        (void)snprintf(s->env_folder, sizeof(s->env_folder), "%.*s", (int)(slash - s->config_path + 1), s->config_path);
    if (of_config(s, "env-file") && given(s, "env-file") == of_config(s, "env-file"))
        s->source.env_folder = s->env_folder;
}

static int read_config(struct handsource *s, struct err *err)
{
    const char *path = s->call->config ? s->call->config : HANDSOURCE_CONFIG;
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    s->config_path = path;
    if (fd < 0 && errno == ENOENT && !s->call->config)
        return 0;
    if (fd < 0)
        return err_set(err, ERR_INPUT, errno, "config '%.200s' cannot be read: %s", path, strerror(errno));
    if (!s->call->config && check_writers(fd, path, err) < 0)
        return -(int)err->kind;
    return settings_json_read(fd, path, inputs_sections(), SETTINGS_JSON_PLAIN, &s->config, err);
}

int handsource_init(struct handsource *s, const struct cli_call *call, struct err *err)
{
    *s = (struct handsource){ .call = call,
                              .config_path = HANDSOURCE_CONFIG,
                              .key = { .text = BUF_INIT(1), .passphrase = BUF_INIT(1) },
                              .known_hosts = BUF_INIT(HOSTPIN_TEXT_MAX),
                              .jump_known_hosts = BUF_INIT(HOSTPIN_TEXT_MAX) };
    s->source = (struct inputs_source){ .settings = { s, value_of, name_of }, .env = person, .by_hand = true };
    int r = read_config(s, err);
    if (r == 0 && call->secrets_stdin)
        r = settings_json_read(STDIN_FILENO, STDIN_NAME, inputs_sections(), SETTINGS_JSON_SECRET, &s->secrets, err);
    if (r == 0)
        find_env_folder(s);
    return r;
}

void handsource_done(struct handsource *s)
{
    settings_json_free_p(&s->config);
    settings_json_free_p(&s->secrets);
    handkey_done(&s->key);
    buf_done(&s->known_hosts);
    buf_done(&s->jump_known_hosts);
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

/* One of the hosts on the way: names of its settings. */
struct hop {
    const char *host, *port, *fingerprint, *known_hosts;
};

/* As inputs_read_host() takes it: without blanks around it, and an IPv6 address without its brackets. */
static void host_name(const char *value, char out[HOST_NAME_SIZE])
{
    struct span host = span_trim(span_of(value));
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (struct span){ host.ptr + 1, host.len - 2 };
    (void)snprintf(out, HOST_NAME_SIZE, "%.*s", (int)(host.len < HOST_NAME_SIZE ? host.len : 0), host.ptr);
}

/*
 * The file's lines for the hop; where a pin is given, only those that take a key back: they always count. What is wrong with a host's
 * name is told when the settings are read.
 */
static int choose_pins(struct handsource *s, const struct hop *hop, struct buf *out, struct err *err)
{
    const char *host = given(s, hop->host), *lines = given(s, hop->known_hosts);
    bool pinned = is_given(s, hop->fingerprint) || is_given(s, hop->known_hosts);
    char name[HOST_NAME_SIZE] = "";
    if (host)
        host_name(host, name);
    if (!name[0])
        return 0;
    if (!pinned) /* the target's hold the jump host's too */
        lines = given(s, "known-hosts");
    if (lines)
        buf_addf(out, "%s\n", lines);
    int r = handpins_read(s->known_hosts_path, name, port_of(s, hop->port), pinned, out, err);
    if (r == 1 && s->call->known_hosts_file)
        return err_set(err, ERR_INPUT, ENOENT, "option '--known-hosts-file': there is no file '%.200s'",
                       s->known_hosts_path);
    return r < 0 ? r : 0;
}

static int find_pins(struct handsource *s, struct err *err)
{
    static const struct hop target = { "host", "ssh-port", "host-fingerprint", "known-hosts" };
    static const struct hop jump = { "jump-host", "jump-port", "jump-fingerprint", "jump-known-hosts" };
    const char *home = getenv("HOME");
    if (s->call->known_hosts_file)
        (void)snprintf(s->known_hosts_path, sizeof(s->known_hosts_path), "%s", s->call->known_hosts_file);
    else if (home && *home)
        (void)snprintf(s->known_hosts_path, sizeof(s->known_hosts_path), "%.900s/.ssh/known_hosts", home);
    else
        return 0;
    if (!is_given(s, target.fingerprint) && !is_given(s, target.known_hosts))
        s->source.pins_path = s->known_hosts_path;
    int r = choose_pins(s, &target, &s->known_hosts, err);
    return r < 0 ? r : choose_pins(s, &jump, &s->jump_known_hosts, err);
}

int handsource_prepare(struct handsource *s, int cancel_fd, struct err *err)
{
    int r = find_pins(s, err);
    if (r == 0)
        r = find_key(s, cancel_fd, err);
    return r == 0 && s->failed ? err_set(err, ERR_NOMEM, 0, "read the settings: out of memory") : r;
}
