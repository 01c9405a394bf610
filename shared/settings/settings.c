#include "shared/settings/settings.h"

#include "shared/aws/ecr.h"
#include "shared/secret.h"
#include "shared/settings/settings_check.h"
#include "shared/settings/settings_parse.h"

#include <assert.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define MIB (1LL << 20)

/* ---- readers of some rows ---- */

/* The word tcp: no request, a connection is enough. */
static int read_health_path(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    if (strcmp(value, "tcp") == 0)
        return spec_set_str(&((struct spec *)rd->base)->health_path, "", rd->err);
    return settings_read_text(rd, row, value);
}

static int read_labels(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    int r = settings_read_list(rd, row, value);
    const struct strlist *labels = &((const struct spec *)rd->base)->labels;
    for (size_t i = 0; i < labels->len; i++) {
        struct span key = settings_key_of(labels->items[i]);
        if (settings_is_own_label(labels->items[i]))
            settings_problem(rd, ERR_INPUT, row->id, 0,
                             "got '%.60s', but labels below io.bluegreen are set by the action", labels->items[i]);
        else if (settings_find_key(labels, key) < i)
            settings_problem(rd, ERR_INPUT, row->id, 0, "sets %.*s a second time", (int)key.len, key.ptr);
    }
    return r;
}

/* The file itself is read when all else is: settings_finish(). */
static int read_env_file(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    if (row->check(value))
        return spec_set_str(&rd->env_file, value, rd->err);
    settings_refuse(rd, row, 0, span_of(value), row->wants);
    return 0;
}

/* ---- words of the checks ---- */

static bool is_strategy(const char *s)
{
    return strcmp(s, "handover") == 0 || strcmp(s, "recreate") == 0;
}

static bool is_ecr_auth(const char *s)
{
    return strcmp(s, "auto") == 0 || strcmp(s, "host-role") == 0 || strcmp(s, "runner") == 0;
}

static bool is_severity(const char *s)
{
    return strcmp(s, "off") == 0 || ecr_severity_from_name(s) != ECR_SEVERITY_NONE;
}

/* ---- the sections ---- */

#define ONLY(command) CLI_BIT(CLI_##command)
#define EVERY CLI_APP_COMMANDS
#define NONE 0
#define RUN (ONLY(DEPLOY) | ONLY(PLAN))
#define GIVEN (RUN | ONLY(ROLLBACK) | ONLY(DIAGNOSE)) /* what is no secret on the host may have to be given anew */
#define KEEPS (RUN | ONLY(PRUNE))
#define CHANGES (KEEPS | ONLY(ROLLBACK))

#define SPEC(member) offsetof(struct spec, member)
#define ASK(member) offsetof(struct settings_ask, member)
#define PLAIN false
#define SECRET true

#define STATUS_WANTS "HTTP statuses such as 200, 200,204 or 200-299"
#define TEXT_WANTS "at most 4096 bytes of text without line breaks"
#define PATH_WANTS "a path of at most 1024 bytes"

/*
 * Which tests/e2e/test_contract.py compares with action.yml: a row is id, default, secrecy, reader, field, smallest and
 * largest value, check, what it wants; commands that take it as an option, help.
 */
/* clang-format off */
static const struct settings_row asked_rows[] = {
    { "to", "", PLAIN, settings_read_text, ASK(to), 0, 0, settings_is_version,
      "a deployment's id, a digest (sha256:…), a tag or an image reference",
      NONE, "" },
    { "of", "", PLAIN, settings_read_text, ASK(of), 0, 0, settings_is_of, "blue, green, next or a deployment's id",
      NONE, "" },
    { "since", "", PLAIN, settings_read_since, ASK(since_ms), 0, 0, NULL, NULL,
      NONE, "" },
    { "lines", "", PLAIN, settings_read_number, ASK(lines), 1, WIRE_LINES_MAX, NULL, NULL,
      NONE, "" },
    { "dry-run", "false", PLAIN, settings_read_bool, ASK(dry_run), 0, 0, NULL, NULL,
      NONE, "" },
};

static const struct settings_row container_rows[] = {
    { "app", "", PLAIN, settings_read_text, SPEC(app), 0, 0, spec_is_app_name,
      "a name of at most 48 lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit",
      EVERY, "Name of the application" },
    { "image", "", PLAIN, settings_read_text, SPEC(image), 0, 0, settings_is_image,
      "an image reference such as registry.example.com/team/app:1.4.2 or app@sha256:…",
      RUN, "Image to deploy, by tag or digest" },
    { "registry-username", "", PLAIN, settings_read_text, SPEC(registry_username), 0, 0, settings_is_login,
      "a name without blanks, at most 256 bytes",
      GIVEN, "User for the image's registry" },
    { "registry-password", "", SECRET, settings_read_text, SPEC(registry_password), 0, 0, settings_is_password,
      "at most 65536 bytes",
      GIVEN, "Password or token of that user" },
    { "port", "8080", PLAIN, settings_read_number, SPEC(port), 1, 65535, NULL, NULL,
      RUN, "Port on the host where the app is to answer" },
    { "container-port", "", PLAIN, settings_read_number, SPEC(container_port), 1, 65535, NULL, NULL,
      RUN, "Port the app listens on in the container; as port when not given" },
    { "env", "", PLAIN, settings_read_env, SPEC(env), 0, 0, NULL, NULL,
      RUN, "Environment, KEY=VALUE" },
    { "env-file", "", PLAIN, read_env_file, 0, 0, 0, settings_is_path, PATH_WANTS,
      RUN, "File with KEY=VALUE lines; --env wins over it" },
    { "secret-env", "", SECRET, settings_read_env, SPEC(secret_env), 0, 0, NULL, NULL,
      GIVEN, "Environment whose values must not be seen" },
    { "volumes", "", PLAIN, settings_read_list, SPEC(volumes), 0, 0, spec_is_volume,
      "SOURCE:TARGET or SOURCE:TARGET:ro; SOURCE an absolute path or a volume's name, TARGET an absolute path",
      RUN, "Mount, SOURCE:TARGET or SOURCE:TARGET:ro" },
    { "networks", "", PLAIN, settings_read_list, SPEC(networks), 0, 0, settings_is_network_name,
      "the name of a Docker network (not host or none)",
      RUN, "Further Docker network to join" },
    { "labels", "", PLAIN, read_labels, SPEC(labels), 0, 0, settings_is_label, "KEY=VALUE, KEY of letters, digits, '.', '_', '/' and '-'",
      RUN, "Label, KEY=VALUE" },
    { "args", "", PLAIN, settings_read_list, SPEC(args), 0, 0, NULL, NULL,
      RUN, "Argument of the container, in place of the image's own command" },
    { "container-user", "", PLAIN, settings_read_text, SPEC(user), 0, 0, settings_is_container_user,
      "a user name or number of the container, with :GROUP or without",
      RUN, "User, and :GROUP, that the container runs as" },
    { "memory", "", PLAIN, settings_read_size, SPEC(memory_bytes), 6 * MIB, 1LL << 44, NULL, NULL,
      RUN, "Memory limit, such as 512m" },
    { "cpus", "", PLAIN, settings_read_cpus, SPEC(nano_cpus), 10000000, 1024 * 1000000000LL, NULL, NULL,
      RUN, "CPU limit, such as 0.5" },
    { "read-only", "false", PLAIN, settings_read_bool, SPEC(read_only), 0, 0, NULL, NULL,
      RUN, "The container's root file system is read-only" },
    { "restart-policy", "unless-stopped", PLAIN, settings_read_text, SPEC(restart_policy), 0, 0, spec_is_restart_policy,
      "no, always, unless-stopped, on-failure or on-failure:N",
      RUN, "no, always, unless-stopped, on-failure or on-failure:N" },
    { "stop-timeout", "10s", PLAIN, settings_read_seconds, SPEC(stop_timeout_s), 0, 10 * MINUTE, NULL, NULL,
      RUN, "Time a version gets to end after SIGTERM" },
};

static const struct settings_row health_rows[] = {
    { "health-path", "/health", PLAIN, read_health_path, SPEC(health_path), 0, 0, settings_is_http_path,
      "a path that begins with '/', or the word tcp",
      RUN, "Path asked on the container; the word tcp: a connection is enough" },
    { "health-port", "", PLAIN, settings_read_number, SPEC(health_port), 1, 65535, NULL, NULL,
      RUN, "Port asked, in the container; as container-port when not given" },
    { "health-status", "200", PLAIN, settings_read_text, SPEC(health_status), 0, 0, spec_is_status_list, STATUS_WANTS,
      RUN, "Statuses that mean healthy" },
    { "health-body", "", PLAIN, settings_read_text, SPEC(health_body), 0, 0, settings_is_plain_text, TEXT_WANTS,
      RUN, "Text that the answer must hold" },
    { "health-retries", "30", PLAIN, settings_read_number, SPEC(health_retries), 1, 1000, NULL, NULL,
      RUN, "Attempts before the version counts as unhealthy" },
    { "health-interval", "2s", PLAIN, settings_read_duration, SPEC(health_interval_ms), 100, 5 * MINUTE, NULL, NULL,
      RUN, "Pause between attempts" },
    { "health-timeout", "5s", PLAIN, settings_read_duration, SPEC(health_timeout_ms), 100, 5 * MINUTE, NULL, NULL,
      RUN, "Longest time for one attempt" },
    { "warm-up", "2s", PLAIN, settings_read_duration, SPEC(warm_up_ms), 0, 10 * MINUTE, NULL, NULL,
      RUN, "The new version must stay healthy this long before it is trusted" },
};

static const struct settings_row traffic_rows[] = {
    { "strategy", "handover", PLAIN, settings_read_text, SPEC(strategy), 0, 0, is_strategy, "handover or recreate",
      RUN, "handover, or recreate for apps of which two must never run at once" },
    { "spare-port", "", PLAIN, settings_read_number, SPEC(spare_port), 1, 65535, NULL, NULL,
      RUN, "Port on which the new version is checked, a neighbour of port" },
};

static const struct settings_row keeping_rows[] = {
    { "lock-timeout", "10m", PLAIN, settings_read_duration, SPEC(lock_timeout_ms), 0, 24 * HOUR, NULL, NULL,
      CHANGES, "Longest wait for another deployment of the same app" },
    { "keep-hours", "24", PLAIN, settings_read_number, SPEC(keep_hours), 0, 8760, NULL, NULL,
      KEEPS, "Hours that the previous version and older images are kept" },
    { "keep-versions", "3", PLAIN, settings_read_number, SPEC(keep_versions), 0, 1000, NULL, NULL,
      KEEPS, "Images of so many good deployments are never pruned" },
    { "log-retention-days", "7", PLAIN, settings_read_number, SPEC(log_retention_days), 1, 3650, NULL, NULL,
      KEEPS, "Days that deployment logs are kept on the host" },
    { "kpi", "", PLAIN, settings_read_kpi, SPEC(kpi), 0, 0, NULL, NULL,
      RUN, "Limits of a duration in seconds, NAME: TARGET/WARNING/CRITICAL" },
};

static const struct settings_row ecr_rows[] = {
    { "ecr-auth", "auto", PLAIN, settings_read_text, SPEC(ecr_auth), 0, 0, is_ecr_auth, "auto, host-role or runner",
      GIVEN, "Who logs in to Amazon ECR: auto, host-role or runner" },
    { "fail-on-severity", "off", PLAIN, settings_read_text, SPEC(fail_on_severity), 0, 0, is_severity,
      "off, low, medium, high or critical",
      RUN, "Refuse an image with findings this severe: off, low, medium, high, critical" },
};
/* clang-format on */

const struct settings_section settings_asked = { SETTINGS_OF_ASK, asked_rows, COUNT(asked_rows) };
const struct settings_section settings_container = { SETTINGS_OF_SPEC, container_rows, COUNT(container_rows) };
const struct settings_section settings_health = { SETTINGS_OF_SPEC, health_rows, COUNT(health_rows) };
const struct settings_section settings_traffic = { SETTINGS_OF_SPEC, traffic_rows, COUNT(traffic_rows) };
const struct settings_section settings_keeping = { SETTINGS_OF_SPEC, keeping_rows, COUNT(keeping_rows) };
const struct settings_section settings_ecr = { SETTINGS_OF_SPEC, ecr_rows, COUNT(ecr_rows) };

/* ---- tables of sections ---- */

const struct settings_row *settings_table_row(settings_table table, size_t i, enum settings_base *base)
{
    for (size_t s = 0; table[s]; s++) {
        if (i < table[s]->len) {
            if (base)
                *base = table[s]->base;
            return &table[s]->rows[i];
        }
        i -= table[s]->len;
    }
    return NULL;
}

/* Index over all sections; that of the end when there is no such row. */
static size_t index_of(settings_table table, const char *id)
{
    const struct settings_row *row = NULL;
    size_t i = 0;
    while ((row = settings_table_row(table, i, NULL)) && strcmp(row->id, id) != 0)
        i++;
    return i;
}

const struct settings_row *settings_table_find(settings_table table, const char *id)
{
    return settings_table_row(table, index_of(table, id), NULL);
}

bool settings_is_map(const struct settings_row *row)
{
    return row->read == settings_read_env || row->read == read_labels || row->read == settings_read_kpi;
}

bool settings_is_list(const struct settings_row *row)
{
    return settings_is_map(row) || row->read == settings_read_list || row->read == settings_read_lines;
}

bool settings_table_option(settings_table table, size_t i, struct cli_setting *ret)
{
    const struct settings_row *row = settings_table_row(table, i, NULL);
    if (!row)
        return false;
    *ret = (struct cli_setting){ .name = row->id,
                                 .help = row->help,
                                 .commands = row->commands,
                                 .secret = row->secret,
                                 .is_switch = row->read == settings_read_bool,
                                 .is_list = settings_is_list(row) };
    return true;
}

bool settings_is_wrong(const struct settings_reading *rd, const char *id)
{
    size_t i = index_of(rd->table, id);
    return i < SETTINGS_ROWS_MAX && rd->wrong[i];
}

/* ---- secrets ---- */

/* "" when it was not given. */
static const char *raw_value(const struct settings_source *source, const struct settings_row *row)
{
    const char *value = source->value(source->ctx, row->id);
    return value ? value : "";
}

struct secret_parts {
    int (*part)(void *ctx, struct span text);
    void *ctx;
};

static int secret_entry(void *ctx, unsigned line, struct span key, struct span value)
{
    struct secret_parts *p = ctx;
    (void)line;
    (void)key;
    return value.len >= REDACT_MIN ? p->part(p->ctx, value) : 0;
}

/* A wrong line is secret all the same: what follows its '=', if it has one. */
static void secret_complain(void *ctx, unsigned line, struct span text, const char *what)
{
    struct secret_parts *p = ctx;
    (void)line;
    (void)what;
    struct span key;
    if (span_split(&text, '=', &key) && text.len >= REDACT_MIN)
        (void)p->part(p->ctx, span_trim(text)); /* the whole line is registered anyway */
}

static int each_part(const struct settings_row *row, const char *value, int (*part)(void *ctx, struct span text),
                     void *ctx)
{
    struct span whole = span_of(value);
    struct span trimmed = span_trim(whole);
    if (trimmed.len == 0)
        return 0;
    int r = part(ctx, whole);
    if (r == 0 && trimmed.len < whole.len)
        r = part(ctx, trimmed);
    if (r < 0 || row->read != settings_read_env)
        return r;
    struct secret_parts parts = { .part = part, .ctx = ctx };
    struct settings_env_visitor v = { .ctx = &parts, .entry = secret_entry, .complain = secret_complain };
    return settings_parse_env(trimmed, SETTINGS_ENV_LINES, &v);
}

int settings_each_secret(settings_table table, const struct settings_source *source,
                         int (*part)(void *ctx, struct span text), void *ctx)
{
    const struct settings_row *row = NULL;
    int r = 0;
    for (size_t i = 0; r >= 0 && (row = settings_table_row(table, i, NULL)); i++)
        if (row->secret)
            r = each_part(row, raw_value(source, row), part, ctx);
    return r < 0 ? r : 0;
}

/* ---- reading ---- */

int settings_init(struct spec *spec, struct settings_ask *ask, struct err *err)
{
    spec_init(spec);
    /* 0 stands for "not given" until settings_finish() */
    spec->container_port = 0;
    spec->spare_port = 0;
    *ask = (struct settings_ask){ 0 };
    return spec_set_str(&ask->to, "", err) < 0 || spec_set_str(&ask->of, "", err) < 0 ? -ERR_NOMEM : 0;
}

void settings_ask_done(struct settings_ask *ask)
{
    free_p(&ask->to);
    free_p(&ask->of);
}

void settings_reading_done(struct settings_reading *rd)
{
    free_p(&rd->env_file);
}

static int read_row(struct settings_reading *rd, const struct settings_row *row)
{
    struct span raw = span_of(raw_value(rd->source, row));
    if (raw.len > SETTINGS_VALUE_MAX) {
        settings_problem(rd, ERR_INPUT, row->id, 0, "got %zu bytes, wants at most %d", raw.len, SETTINGS_VALUE_MAX);
        return 0;
    }
    if (!span_is_utf8(raw)) {
        settings_problem(rd, ERR_INPUT, row->id, 0, "got bytes that are not UTF-8 text");
        return 0;
    }
    struct span text = span_trim(raw);
    if (text.len == 0 && strncmp(row->dflt, "${{", 3) != 0)
        text = span_of(row->dflt);
    if (text.len == 0)
        return 0;
    _cleanup_(secret_free_p) char *value = span_dup(text);
    if (!value)
        return settings_no_memory(rd, row->id);
    return row->read(rd, row, value);
}

int settings_read(struct settings_reading *rd)
{
    const struct settings_row *row = NULL;
    enum settings_base base;
    for (size_t i = 0; (row = settings_table_row(rd->table, i, &base)); i++) {
        assert(i < SETTINGS_ROWS_MAX);
        unsigned before = rd->told;
        rd->base = rd->into[base];
        int r = read_row(rd, row);
        if (r < 0)
            return r;
        rd->wrong[i] = rd->told > before;
    }
    return 0;
}
