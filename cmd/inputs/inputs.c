#include "cmd/inputs/inputs.h"

#include "cmd/inputs/inputs_check.h"
#include "cmd/inputs/inputs_finish.h"
#include "cmd/inputs/inputs_parse.h"
#include "cmd/inputs/inputs_reading.h"
#include "shared/aws/aws_endpoint.h"
#include "shared/aws/ecr.h"
#include "shared/secret.h"
#include "shared/wire.h"

#define NAME_MAX_BYTES 64 /* of an environment variable's name; the longest id has 22 */
#define URL_PART_MIN 16   /* shorter parts of a URL are words such as "services" */

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define MIB (1LL << 20)

/* ---- readers of this action's own words ---- */

struct word {
    const char *name;
    int value;
};

/* The value of one of the words; false after telling the problem. */
static bool read_word(struct inputs_reading *rd, const struct inputs_row *row, const char *value,
                      const struct word *words, size_t count, int *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].name, value) == 0) {
            *ret = words[i].value;
            return true;
        }
    }
    inputs_refuse(rd, row, 0, span_of(value), row->wants);
    return false;
}

static int read_command(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    static const struct word words[] = {
        { "deploy", COMMAND_DEPLOY },     { "rollback", COMMAND_ROLLBACK }, { "status", COMMAND_STATUS },
        { "history", COMMAND_HISTORY },   { "logs", COMMAND_LOGS },         { "bundle", COMMAND_BUNDLE },
        { "diagnose", COMMAND_DIAGNOSE }, { "plan", COMMAND_PLAN },         { "prune", COMMAND_PRUNE },
    };
    int chosen;
    if (read_word(rd, row, value, words, sizeof(words) / sizeof(words[0]), &chosen))
        rd->in->command = (enum command)chosen;
    return 0;
}

static int read_rollback_on(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    static const struct word words[] = {
        { "job-failure", ROLLBACK_ON_JOB_FAILURE },
        { "deploy-failure", ROLLBACK_ON_DEPLOY_FAILURE },
        { "never", ROLLBACK_NEVER },
    };
    int chosen;
    if (read_word(rd, row, value, words, 3, &chosen))
        rd->in->rollback_on = (enum rollback_on)chosen;
    return 0;
}

static int read_upload_artifact(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    static const struct word words[] = {
        { "auto", UPLOAD_AUTO },
        { "off", UPLOAD_OFF },
        { "required", UPLOAD_REQUIRED },
    };
    int chosen;
    if (read_word(rd, row, value, words, 3, &chosen))
        rd->in->upload_artifact = (enum upload_artifact)chosen;
    return 0;
}

static int read_notify_format(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    static const struct word words[] = {
        { "json", NOTIFY_JSON },
        { "slack", NOTIFY_SLACK },
        { "teams", NOTIFY_TEAMS },
    };
    int chosen;
    if (read_word(rd, row, value, words, 3, &chosen))
        rd->in->notify_format = (enum notify_format)chosen;
    return 0;
}

static int read_notify_on(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    static const struct word words[] = {
        { "failure", NOTIFY_ON_FAILURE },
        { "always", NOTIFY_ALWAYS },
        { "never", NOTIFY_NEVER },
    };
    int chosen;
    if (read_word(rd, row, value, words, 3, &chosen))
        rd->in->notify_on = (enum notify_on)chosen;
    return 0;
}

static int read_ssh_auth(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    static const struct word words[] = {
        { "key", SSH_AUTH_KEY },
        { "instance-connect", SSH_AUTH_INSTANCE_CONNECT },
    };
    int chosen;
    if (read_word(rd, row, value, words, 2, &chosen))
        rd->in->ssh_auth = (enum ssh_auth)chosen;
    return 0;
}

static int read_host_address(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    static const struct word words[] = {
        { "auto", HOST_ADDRESS_AUTO },
        { "public", HOST_ADDRESS_PUBLIC },
        { "private", HOST_ADDRESS_PRIVATE },
        { "ipv6", HOST_ADDRESS_IPV6 },
    };
    int chosen;
    if (read_word(rd, row, value, words, 4, &chosen))
        rd->in->aws.host_address = (enum host_address)chosen;
    return 0;
}

/* The word tcp: no request, a connection is enough. */
static int read_health_path(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    if (strcmp(value, "tcp") == 0)
        return spec_set_str(&rd->in->spec.health_path, "", rd->err);
    return inputs_read_text(rd, row, value);
}

/* A runner that does not evaluate defaults hands the expression itself over: then nothing is known. */
static int read_job_status(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    return strncmp(value, "${{", 3) == 0 ? 0 : inputs_read_text(rd, row, value);
}

static int read_labels(struct inputs_reading *rd, const struct inputs_row *row, const char *value)
{
    int r = inputs_read_list(rd, row, value);
    const struct strlist *labels = &rd->in->spec.labels;
    for (size_t i = 0; i < labels->len; i++) {
        struct span key = inputs_key_of(labels->items[i]);
        if (inputs_is_own_label(labels->items[i]))
            inputs_problem(rd, ERR_INPUT, row->id, 0,
                           "got '%.60s', but labels below io.bluegreen are set by the action", labels->items[i]);
        else if (inputs_find_key(labels, key) < i)
            inputs_problem(rd, ERR_INPUT, row->id, 0, "sets %.*s a second time", (int)key.len, key.ptr);
    }
    return r;
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

static bool is_job_status(const char *s)
{
    return strcmp(s, "success") == 0 || strcmp(s, "failure") == 0 || strcmp(s, "cancelled") == 0;
}

/* ---- the table ---- */

#define AT(member) offsetof(struct inputs, member)
#define PLAIN false
#define SECRET true

#define STATUS_WANTS "HTTP statuses such as 200, 200,204 or 200-299"
#define USER_WANTS "a login name without blanks, at most 64 characters"
#define TEXT_WANTS "at most 4096 bytes of text without line breaks"
#define PATH_WANTS "a path of at most 1024 bytes"

/*
 * In the order of action.yml, which tests/e2e/test_contract.py compares with this table: a row is id, default, secrecy,
 * reader, field, smallest and largest value, check, what it wants.
 */
/* clang-format off */
static const struct inputs_row rows[] = {
    { "host", "", PLAIN, inputs_read_host, AT(target.host), 0, 0, NULL, NULL },
    { "ssh-port", "22", PLAIN, inputs_read_ssh_port, AT(target.port), 0, 0, NULL, NULL },
    { "user", "ec2-user", PLAIN, inputs_read_text, AT(target.user), 0, 0, inputs_is_ssh_user, USER_WANTS },
    { "ssh-key", "", SECRET, inputs_read_text, AT(target.key), 0, 0, NULL, NULL },
    { "ssh-key-passphrase", "", SECRET, inputs_read_text, AT(target.passphrase), 0, 0, inputs_is_plain_text, TEXT_WANTS },
    { "host-fingerprint", "", PLAIN, inputs_read_text, AT(target.fingerprints), 0, 0, NULL, NULL },
    { "known-hosts", "", PLAIN, inputs_read_text, AT(target.known_hosts), 0, 0, NULL, NULL },
    { "jump-host", "", PLAIN, inputs_read_host, AT(jump.host), 0, 0, NULL, NULL },
    { "jump-port", "22", PLAIN, inputs_read_ssh_port, AT(jump.port), 0, 0, NULL, NULL },
    { "jump-user", "", PLAIN, inputs_read_text, AT(jump.user), 0, 0, inputs_is_ssh_user, USER_WANTS },
    { "jump-key", "", SECRET, inputs_read_text, AT(jump.key), 0, 0, NULL, NULL },
    { "jump-key-passphrase", "", SECRET, inputs_read_text, AT(jump.passphrase), 0, 0, inputs_is_plain_text, TEXT_WANTS },
    { "jump-fingerprint", "", PLAIN, inputs_read_text, AT(jump.fingerprints), 0, 0, NULL, NULL },
    { "jump-known-hosts", "", PLAIN, inputs_read_text, AT(jump.known_hosts), 0, 0, NULL, NULL },
    { "connect-timeout", "30s", PLAIN, inputs_read_duration, AT(connect_timeout_ms), SECOND, 10 * MINUTE, NULL, NULL },

    { "command", "deploy", PLAIN, read_command, 0, 0, 0, NULL,
      "deploy, rollback, status, history, logs, bundle, diagnose, plan or prune" },
    { "to", "", PLAIN, inputs_read_text, AT(to), 0, 0, inputs_is_version,
      "a deployment's id, a digest (sha256:…), a tag or an image reference" },
    { "of", "", PLAIN, inputs_read_text, AT(of), 0, 0, inputs_is_of, "blue, green, next or a deployment's id" },
    { "since", "", PLAIN, inputs_read_since, AT(since_ms), 0, 0, NULL, NULL },
    { "lines", "", PLAIN, inputs_read_number, AT(lines), 1, WIRE_LINES_MAX, NULL, NULL },
    { "dry-run", "false", PLAIN, inputs_read_bool, AT(dry_run), 0, 0, NULL, NULL },
    { "app", "", PLAIN, inputs_read_text, AT(spec.app), 0, 0, spec_is_app_name,
      "a name of at most 48 lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit" },
    { "image", "", PLAIN, inputs_read_text, AT(spec.image), 0, 0, inputs_is_image,
      "an image reference such as registry.example.com/team/app:1.4.2 or app@sha256:…" },
    { "registry-username", "", PLAIN, inputs_read_text, AT(spec.registry_username), 0, 0, inputs_is_login,
      "a name without blanks, at most 256 bytes" },
    { "registry-password", "", SECRET, inputs_read_text, AT(spec.registry_password), 0, 0, inputs_is_password,
      "at most 65536 bytes" },
    { "port", "8080", PLAIN, inputs_read_number, AT(spec.port), 1, 65535, NULL, NULL },
    { "container-port", "", PLAIN, inputs_read_number, AT(spec.container_port), 1, 65535, NULL, NULL },
    { "env", "", PLAIN, inputs_read_env, AT(spec.env), 0, 0, NULL, NULL },
    { "env-file", "", PLAIN, inputs_read_text, AT(env_file), 0, 0, inputs_is_path, PATH_WANTS },
    { "secret-env", "", SECRET, inputs_read_env, AT(spec.secret_env), 0, 0, NULL, NULL },
    { "volumes", "", PLAIN, inputs_read_list, AT(spec.volumes), 0, 0, spec_is_volume,
      "SOURCE:TARGET or SOURCE:TARGET:ro; SOURCE an absolute path or a volume's name, TARGET an absolute path" },
    { "networks", "", PLAIN, inputs_read_list, AT(spec.networks), 0, 0, inputs_is_network_name,
      "the name of a Docker network (not host or none)" },
    { "labels", "", PLAIN, read_labels, AT(spec.labels), 0, 0, inputs_is_label, "KEY=VALUE, KEY of letters, digits, '.', '_', '/' and '-'" },
    { "args", "", PLAIN, inputs_read_list, AT(spec.args), 0, 0, NULL, NULL },
    { "container-user", "", PLAIN, inputs_read_text, AT(spec.user), 0, 0, inputs_is_container_user,
      "a user name or number of the container, with :GROUP or without" },
    { "memory", "", PLAIN, inputs_read_size, AT(spec.memory_bytes), 6 * MIB, 1LL << 44, NULL, NULL },
    { "cpus", "", PLAIN, inputs_read_cpus, AT(spec.nano_cpus), 10000000, 1024 * 1000000000LL, NULL, NULL },
    { "read-only", "false", PLAIN, inputs_read_bool, AT(spec.read_only), 0, 0, NULL, NULL },
    { "restart-policy", "unless-stopped", PLAIN, inputs_read_text, AT(spec.restart_policy), 0, 0, spec_is_restart_policy,
      "no, always, unless-stopped, on-failure or on-failure:N" },
    { "stop-timeout", "10s", PLAIN, inputs_read_seconds, AT(spec.stop_timeout_s), 0, 10 * MINUTE, NULL, NULL },

    { "health-path", "/health", PLAIN, read_health_path, AT(spec.health_path), 0, 0, inputs_is_http_path,
      "a path that begins with '/', or the word tcp" },
    { "health-port", "", PLAIN, inputs_read_number, AT(spec.health_port), 1, 65535, NULL, NULL },
    { "health-status", "200", PLAIN, inputs_read_text, AT(spec.health_status), 0, 0, spec_is_status_list, STATUS_WANTS },
    { "health-body", "", PLAIN, inputs_read_text, AT(spec.health_body), 0, 0, inputs_is_plain_text, TEXT_WANTS },
    { "health-retries", "30", PLAIN, inputs_read_number, AT(spec.health_retries), 1, 1000, NULL, NULL },
    { "health-interval", "2s", PLAIN, inputs_read_duration, AT(spec.health_interval_ms), 100, 5 * MINUTE, NULL, NULL },
    { "health-timeout", "5s", PLAIN, inputs_read_duration, AT(spec.health_timeout_ms), 100, 5 * MINUTE, NULL, NULL },
    { "warm-up", "2s", PLAIN, inputs_read_duration, AT(spec.warm_up_ms), 0, 10 * MINUTE, NULL, NULL },
    { "verify-url", "", PLAIN, inputs_read_text, AT(verify_url), 0, 0, inputs_is_url,
      "an http:// or https:// URL without user and password, at most 2048 bytes" },
    { "verify-status", "200", PLAIN, inputs_read_text, AT(verify_status), 0, 0, spec_is_status_list, STATUS_WANTS },
    { "verify-body", "", PLAIN, inputs_read_text, AT(verify_body), 0, 0, inputs_is_plain_text, TEXT_WANTS },
    { "verify-max-time", "", PLAIN, inputs_read_duration, AT(verify_max_ms), 1, 2 * MINUTE, NULL, NULL },

    { "strategy", "handover", PLAIN, inputs_read_text, AT(spec.strategy), 0, 0, is_strategy, "handover or recreate" },
    { "spare-port", "", PLAIN, inputs_read_number, AT(spec.spare_port), 1, 65535, NULL, NULL },
    { "rollback-on", "job-failure", PLAIN, read_rollback_on, 0, 0, 0, NULL, "job-failure, deploy-failure or never" },
    { "lock-timeout", "10m", PLAIN, inputs_read_duration, AT(spec.lock_timeout_ms), 0, 24 * HOUR, NULL, NULL },
    { "keep-hours", "24", PLAIN, inputs_read_number, AT(spec.keep_hours), 0, 8760, NULL, NULL },
    { "keep-versions", "3", PLAIN, inputs_read_number, AT(spec.keep_versions), 0, 1000, NULL, NULL },
    { "log-retention-days", "7", PLAIN, inputs_read_number, AT(spec.log_retention_days), 1, 3650, NULL, NULL },
    { "kpi", "", PLAIN, inputs_read_kpi, AT(spec.kpi), 0, 0, NULL, NULL },
    { "fail-on-kpi", "false", PLAIN, inputs_read_bool, AT(fail_on_kpi), 0, 0, NULL, NULL },
    { "bundle-path", "", PLAIN, inputs_read_text, AT(bundle_path), 0, 0, inputs_is_path, PATH_WANTS },
    { "upload-artifact", "auto", PLAIN, read_upload_artifact, 0, 0, 0, NULL, "auto, off or required" },
    { "artifact-name", "", PLAIN, inputs_read_text, AT(artifact_name), 0, 0, inputs_is_artifact_name,
      "at most 200 characters, none of \" : < > | * ? \\ /" },
    { "artifact-retention-days", "", PLAIN, inputs_read_number, AT(artifact_retention_days), 1, 400, NULL, NULL },
    { "artifact-overwrite", "false", PLAIN, inputs_read_bool, AT(artifact_overwrite), 0, 0, NULL, NULL },
    { "notify-url", "", SECRET, inputs_read_text, AT(notify_url), 0, 0, inputs_is_url,
      "https:// or http:// with a host, without user and fragment" },
    { "notify-format", "json", PLAIN, read_notify_format, 0, 0, 0, NULL, "json, slack or teams" },
    { "notify-on", "failure", PLAIN, read_notify_on, 0, 0, 0, NULL, "failure, always or never" },
    { "sns-topic", "", PLAIN, inputs_read_text, AT(aws.sns_topic), 0, 0, inputs_is_sns_topic,
      "the ARN of an SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME" },

    { "aws-region", "", PLAIN, inputs_read_text, AT(aws.region), 0, 0, aws_is_region, "a region such as eu-central-1" },
    { "role-to-assume", "", PLAIN, inputs_read_list, AT(aws.roles), 0, 0, inputs_is_role,
      "the ARN of an IAM role: arn:aws:iam::ACCOUNT:role/NAME" },
    { "role-session-name", "", PLAIN, inputs_read_text, AT(aws.session_name), 0, 0, inputs_is_session_name,
      "2 to 64 letters, digits and + = , . @ - _" },
    { "role-duration-seconds", "3600", PLAIN, inputs_read_number, AT(aws.duration_s), 900, 43200, NULL, NULL },
    { "role-external-id", "", PLAIN, inputs_read_text, AT(aws.external_id), 0, 0, inputs_is_external_id,
      "2 to 1224 letters, digits and + = , . @ : / - _" },
    { "audience", "", PLAIN, inputs_read_text, AT(aws.audience), 0, 0, inputs_is_login, "a name without blanks, at most 256 bytes" },
    { "aws-access-key-id", "", SECRET, inputs_read_text, AT(aws.key_id), 0, 0, inputs_is_key_id,
      "16 to 128 letters, digits and _" },
    { "aws-secret-access-key", "", SECRET, inputs_read_text, AT(aws.secret_key), 0, 0, inputs_is_password, "at most 65536 bytes" },
    { "aws-session-token", "", SECRET, inputs_read_text, AT(aws.session_token), 0, 0, inputs_is_password, "at most 65536 bytes" },
    { "ecr-auth", "auto", PLAIN, inputs_read_text, AT(spec.ecr_auth), 0, 0, is_ecr_auth, "auto, host-role or runner" },
    { "fail-on-severity", "off", PLAIN, inputs_read_text, AT(spec.fail_on_severity), 0, 0, is_severity,
      "off, low, medium, high or critical" },
    { "ssh-auth", "key", PLAIN, read_ssh_auth, 0, 0, 0, NULL, "key or instance-connect" },
    { "host-address", "auto", PLAIN, read_host_address, 0, 0, 0, NULL, "auto, public, private or ipv6" },
    { "aws-host-keys", "auto", PLAIN, inputs_read_text, AT(aws.host_keys), 0, 0, inputs_is_host_keys,
      "auto, tag, console, off, or parameter:NAME" },
    { "open-port-22", "false", PLAIN, inputs_read_bool, AT(aws.open_port), 0, 0, NULL, NULL },
    { "security-group", "", PLAIN, inputs_read_text, AT(aws.security_group), 0, 0, inputs_is_security_group,
      "the id of a security group: sg-…" },
    { "runner-address", "", PLAIN, inputs_read_text, AT(aws.runner_address), 0, 0, inputs_is_address,
      "an IPv4 or IPv6 address, without a mask" },
    { "job-status", "${{ job.status }}", PLAIN, read_job_status, AT(job_status), 0, 0, is_job_status,
      "success, failure or cancelled" },
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROWS <= INPUTS_ROWS_MAX, "raise INPUTS_ROWS_MAX");

bool inputs_table(size_t i, const char **id, const char **dflt, bool *secret)
{
    if (i >= ROWS)
        return false;
    *id = rows[i].id;
    *dflt = rows[i].dflt;
    *secret = rows[i].secret;
    return true;
}

/* ---- where values come from ---- */

/* "ssh-key" -> "INPUT_SSH-KEY": the runner keeps dashes. */
static void variable_name(const char *id, char out[NAME_MAX_BYTES])
{
    (void)snprintf(out, NAME_MAX_BYTES, "INPUT_%s", id); /* ids are ours: it fits */
    for (char *p = out + 6; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
}

/* "" when the variable is not there. */
static const char *raw_value(inputs_env_fn *env, void *ctx, const struct inputs_row *row)
{
    char name[NAME_MAX_BYTES];
    variable_name(row->id, name);
    const char *value = env(ctx, name);
    return value ? value : "";
}

/* ---- secrets ---- */

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

/*
 * Of a secret URL: what follows its host, and each part of that which is long enough to be a token, as a receiver or a
 * library may name it by itself.
 */
static int each_url_part(struct span url, int (*part)(void *ctx, struct span text), void *ctx)
{
    const char *authority = strstr(url.ptr, "://");
    size_t skip = authority ? (size_t)(authority + 3 - url.ptr) : 0;
    skip += strcspn(url.ptr + skip, "/?");
    struct span rest = { .ptr = url.ptr + skip, .len = url.len > skip ? url.len - skip : 0 };
    int r = rest.len >= URL_PART_MIN ? part(ctx, rest) : 0;
    while (r == 0 && rest.len > 0) {
        size_t len = 0;
        while (len < rest.len && !strchr("/?&=", rest.ptr[len]))
            len++;
        if (len >= URL_PART_MIN)
            r = part(ctx, (struct span){ .ptr = rest.ptr, .len = len });
        len += len < rest.len ? 1 : 0;
        rest.ptr += len;
        rest.len -= len;
    }
    return r;
}

/*
 * Hand over everything of one secret input that must not be seen: the whole, the values of secret-env, the parts of a
 * URL.
 */
static int each_part(const struct inputs_row *row, const char *value, int (*part)(void *ctx, struct span text),
                     void *ctx)
{
    struct span whole = span_of(value);
    struct span trimmed = span_trim(whole);
    if (trimmed.len == 0)
        return 0;
    int r = part(ctx, whole);
    if (r == 0 && trimmed.len < whole.len)
        r = part(ctx, trimmed);
    if (r == 0 && row->check == inputs_is_url)
        r = each_url_part(trimmed, part, ctx);
    if (r < 0 || row->read != inputs_read_env)
        return r;
    struct secret_parts parts = { .part = part, .ctx = ctx };
    struct inputs_env_visitor v = { .ctx = &parts, .entry = secret_entry, .complain = secret_complain };
    return inputs_parse_env(trimmed, INPUTS_ENV_LINES, &v);
}

struct visit {
    void (*visit)(void *vctx, const char *value);
    void *vctx;
};

static int visit_part(void *ctx, struct span text)
{
    const struct visit *v = ctx;
    _cleanup_(secret_free_p) char *copy = span_dup(text);
    if (copy)
        v->visit(v->vctx, copy);
    return 0;
}

bool inputs_has_settings(const struct inputs *in)
{
    return in->command == COMMAND_DEPLOY || in->command == COMMAND_PLAN;
}

void inputs_each_secret(inputs_env_fn *env, void *ctx, void (*visit)(void *vctx, const char *value), void *vctx)
{
    struct visit v = { .visit = visit, .vctx = vctx };
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].secret)
            (void)each_part(&rows[i], raw_value(env, ctx, &rows[i]), visit_part, &v); /* never fails */
}

struct registration {
    struct redactor *redactor;
    struct err *err;
};

static int register_part(void *ctx, struct span text)
{
    const struct registration *reg = ctx;
    return redactor_add(reg->redactor, text, reg->err);
}

static int register_secrets(const struct inputs_reading *rd, struct redactor *redactor)
{
    struct registration reg = { .redactor = redactor, .err = rd->err };
    for (size_t i = 0; redactor && i < ROWS; i++) {
        if (rows[i].secret && each_part(&rows[i], raw_value(rd->env, rd->ctx, &rows[i]), register_part, &reg) < 0)
            return err_wrap(rd->err, "register the secret input '%s'", rows[i].id);
    }
    return 0;
}

void inputs_wipe_env(void)
{
    char name[NAME_MAX_BYTES];
    for (size_t i = 0; i < ROWS; i++) {
        if (!rows[i].secret)
            continue;
        variable_name(rows[i].id, name);
        secret_wipe_env(name);
        secret_wipe_env(rows[i].id); /* act hands inputs over under their plain names as well */
    }
}

/* ---- reading ---- */

static int init_target(struct ssh_target *t, struct err *err)
{
    char **strings[] = { &t->host, &t->address, &t->user, &t->key, &t->passphrase, &t->fingerprints, &t->known_hosts };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if (spec_set_str(strings[i], "", err) < 0)
            return -ERR_NOMEM;
    return 0;
}

static int init_aws(struct aws_inputs *a, struct err *err)
{
    char **strings[] = { &a->region,         &a->session_name,   &a->external_id,   &a->audience,
                         &a->key_id,         &a->secret_key,     &a->session_token, &a->host_keys,
                         &a->security_group, &a->runner_address, &a->sns_topic };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if (spec_set_str(strings[i], "", err) < 0)
            return -ERR_NOMEM;
    return 0;
}

static int init(struct inputs *in, struct err *err)
{
    *in = (struct inputs){ 0 };
    spec_init(&in->spec);
    /* 0 stands for "not given" until inputs_finish() */
    in->spec.container_port = 0;
    in->spec.spare_port = 0;
    char **strings[] = { &in->verify_url,    &in->verify_status, &in->verify_body, &in->bundle_path,
                         &in->job_status,    &in->run_link,      &in->actor,       &in->env_file,
                         &in->artifact_name, &in->notify_url,    &in->to,          &in->of };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if (spec_set_str(strings[i], "", err) < 0)
            return -ERR_NOMEM;
    if (init_target(&in->target, err) < 0 || init_target(&in->jump, err) < 0 || init_aws(&in->aws, err) < 0)
        return -ERR_NOMEM;
    return 0;
}

static int read_row(struct inputs_reading *rd, const struct inputs_row *row)
{
    struct span raw = span_of(raw_value(rd->env, rd->ctx, row));
    if (raw.len > INPUTS_VALUE_MAX) {
        inputs_problem(rd, ERR_INPUT, row->id, 0, "got %zu bytes, wants at most %d", raw.len, INPUTS_VALUE_MAX);
        return 0;
    }
    if (!span_is_utf8(raw)) {
        inputs_problem(rd, ERR_INPUT, row->id, 0, "got bytes that are not UTF-8 text");
        return 0;
    }
    struct span text = span_trim(raw);
    if (text.len == 0 && strncmp(row->dflt, "${{", 3) != 0)
        text = span_of(row->dflt);
    if (text.len == 0)
        return 0;
    _cleanup_(secret_free_p) char *value = span_dup(text);
    if (!value)
        return err_set(rd->err, ERR_NOMEM, 0, "read input '%s': out of memory", row->id);
    return row->read(rd, row, value);
}

int inputs_read(inputs_env_fn *env, void *ctx, struct inputs *in, struct redactor *redactor, struct buf *problems,
                struct err *err)
{
    struct inputs_reading rd = { .env = env, .ctx = ctx, .in = in, .problems = problems, .err = err };
    if (init(in, err) < 0 || register_secrets(&rd, redactor) < 0)
        return -ERR_NOMEM;
    for (size_t i = 0; i < ROWS; i++) {
        unsigned before = rd.told;
        int r = read_row(&rd, &rows[i]);
        if (r < 0)
            return r;
        rd.wrong[i] = rd.told > before;
    }
    int r = inputs_finish(&rd);
    return r < 0 ? r : rd.result;
}

bool inputs_is_wrong(const struct inputs_reading *rd, const char *id)
{
    return rd->wrong[inputs_row_of(id) - rows];
}

const struct inputs_row *inputs_row_of(const char *id)
{
    size_t i = 0;
    while (i + 1 < ROWS && strcmp(rows[i].id, id) != 0)
        i++;
    return &rows[i];
}

static void done_target(struct ssh_target *t)
{
    free_p(&t->host);
    free_p(&t->address);
    free_p(&t->user);
    secret_free_p(&t->key);
    secret_free_p(&t->passphrase);
    free_p(&t->fingerprints);
    free_p(&t->known_hosts);
}

static void done_aws(struct aws_inputs *a)
{
    free_p(&a->region);
    strlist_done(&a->roles);
    free_p(&a->session_name);
    free_p(&a->external_id);
    free_p(&a->audience);
    secret_free_p(&a->key_id);
    secret_free_p(&a->secret_key);
    secret_free_p(&a->session_token);
    free_p(&a->host_keys);
    free_p(&a->security_group);
    free_p(&a->runner_address);
    free_p(&a->sns_topic);
}

void inputs_done(struct inputs *in)
{
    done_target(&in->target);
    done_target(&in->jump);
    done_aws(&in->aws);
    spec_done(&in->spec);
    free_p(&in->env_file);
    free_p(&in->verify_url);
    free_p(&in->verify_status);
    free_p(&in->verify_body);
    free_p(&in->bundle_path);
    free_p(&in->artifact_name);
    secret_free_p(&in->notify_url);
    free_p(&in->job_status);
    free_p(&in->run_link);
    free_p(&in->actor);
}
