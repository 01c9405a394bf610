#include "cmd/inputs/inputs.h"

#include "cmd/inputs/inputs_check.h"
#include "cmd/inputs/inputs_finish.h"
#include "cmd/inputs/inputs_reading.h"
#include "shared/aws/aws_endpoint.h"
#include "shared/secret.h"
#include "shared/settings/settings_check.h"

#define NAME_MAX_BYTES 64 /* of an environment variable's name; the longest id has 22 */
#define URL_PART_MIN 16   /* shorter parts of a URL are words such as "services" */

#define SECOND 1000LL
#define MINUTE (60 * SECOND)

/* ---- readers of this action's own words ---- */

struct word {
    const char *name;
    int value;
};

/* The value of one of the words; false after telling the problem. */
static bool read_word(struct settings_reading *rd, const struct settings_row *row, const char *value,
                      const struct word *words, size_t count, int *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].name, value) == 0) {
            *ret = words[i].value;
            return true;
        }
    }
    settings_refuse(rd, row, 0, span_of(value), row->wants);
    return false;
}

static int read_command(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    static const struct word words[] = {
        { "deploy", COMMAND_DEPLOY },     { "rollback", COMMAND_ROLLBACK }, { "status", COMMAND_STATUS },
        { "history", COMMAND_HISTORY },   { "logs", COMMAND_LOGS },         { "bundle", COMMAND_BUNDLE },
        { "diagnose", COMMAND_DIAGNOSE }, { "plan", COMMAND_PLAN },         { "prune", COMMAND_PRUNE },
    };
    int chosen;
    if (read_word(rd, row, value, words, sizeof(words) / sizeof(words[0]), &chosen))
        inputs_of(rd)->command = (enum command)chosen;
    return 0;
}

static int read_rollback_on(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    static const struct word words[] = {
        { "job-failure", ROLLBACK_ON_JOB_FAILURE },
        { "deploy-failure", ROLLBACK_ON_DEPLOY_FAILURE },
        { "never", ROLLBACK_NEVER },
    };
    int chosen;
    if (read_word(rd, row, value, words, 3, &chosen))
        inputs_of(rd)->rollback_on = (enum rollback_on)chosen;
    return 0;
}

static int read_upload_artifact(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    static const struct word words[] = {
        { "auto", UPLOAD_AUTO },
        { "off", UPLOAD_OFF },
        { "required", UPLOAD_REQUIRED },
    };
    int chosen;
    if (read_word(rd, row, value, words, 3, &chosen))
        inputs_of(rd)->upload_artifact = (enum upload_artifact)chosen;
    return 0;
}

static int read_notify_format(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    static const struct word words[] = {
        { "json", NOTIFY_JSON },
        { "slack", NOTIFY_SLACK },
        { "teams", NOTIFY_TEAMS },
    };
    int chosen;
    if (read_word(rd, row, value, words, 3, &chosen))
        inputs_of(rd)->notify_format = (enum notify_format)chosen;
    return 0;
}

static int read_notify_on(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    static const struct word words[] = {
        { "failure", NOTIFY_ON_FAILURE },
        { "always", NOTIFY_ALWAYS },
        { "never", NOTIFY_NEVER },
    };
    int chosen;
    if (read_word(rd, row, value, words, 3, &chosen))
        inputs_of(rd)->notify_on = (enum notify_on)chosen;
    return 0;
}

static int read_ssh_auth(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    static const struct word words[] = {
        { "key", SSH_AUTH_KEY },
        { "instance-connect", SSH_AUTH_INSTANCE_CONNECT },
    };
    int chosen;
    if (read_word(rd, row, value, words, 2, &chosen))
        inputs_of(rd)->ssh_auth = (enum ssh_auth)chosen;
    return 0;
}

static int read_host_address(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    static const struct word words[] = {
        { "auto", HOST_ADDRESS_AUTO },
        { "public", HOST_ADDRESS_PUBLIC },
        { "private", HOST_ADDRESS_PRIVATE },
        { "ipv6", HOST_ADDRESS_IPV6 },
    };
    int chosen;
    if (read_word(rd, row, value, words, 4, &chosen))
        inputs_of(rd)->aws.host_address = (enum host_address)chosen;
    return 0;
}

/* A runner that does not evaluate defaults hands the expression itself over: then nothing is known. */
static int read_job_status(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    return strncmp(value, "${{", 3) == 0 ? 0 : settings_read_text(rd, row, value);
}

/* ---- words of the checks ---- */

static bool is_job_status(const char *s)
{
    return strcmp(s, "success") == 0 || strcmp(s, "failure") == 0 || strcmp(s, "cancelled") == 0;
}

/* ---- the table ---- */

#define EVERY CLI_APP_COMMANDS
#define NONE 0
#define RUN (CLI_BIT(CLI_DEPLOY) | CLI_BIT(CLI_PLAN))
#define RUNS (CLI_BIT(CLI_DEPLOY) | CLI_BIT(CLI_ROLLBACK))

#define AT(member) offsetof(struct inputs, member)
#define PLAIN false
#define SECRET true

#define STATUS_WANTS "HTTP statuses such as 200, 200,204 or 200-299"
#define USER_WANTS "a login name without blanks, at most 64 characters"
#define TEXT_WANTS "at most 4096 bytes of text without line breaks"
#define PATH_WANTS "a path of at most 1024 bytes"

/*
 * A row is id, default, secrecy, reader, field, smallest and largest value, check, what it wants; commands of a command line
 * that take it as an option, help. With the sections that every
 * program has, in the order of action.yml: tests/e2e/test_contract.py compares.
 */
/* clang-format off */
static const struct settings_row connection_rows[] = {
    { "host", "", PLAIN, inputs_read_host, AT(target.host), 0, 0, NULL, NULL,
      EVERY, "Host: a name, an address, or an EC2 instance as i-... or tag:NAME=VALUE" },
    { "ssh-port", "22", PLAIN, inputs_read_ssh_port, AT(target.port), 0, 0, NULL, NULL,
      EVERY, "Port of its SSH server" },
    { "user", "ec2-user", PLAIN, settings_read_text, AT(target.user), 0, 0, inputs_is_ssh_user, USER_WANTS,
      EVERY, "User to log in as; may use Docker" },
    { "ssh-key", "", SECRET, settings_read_text, AT(target.key), 0, 0, NULL, NULL,
      EVERY, "Private SSH key" },
    { "ssh-key-passphrase", "", SECRET, settings_read_text, AT(target.passphrase), 0, 0, settings_is_plain_text, TEXT_WANTS,
      EVERY, "Passphrase of ssh-key" },
    { "host-fingerprint", "", PLAIN, settings_read_lines, AT(target.fingerprints), 0, 0, NULL, NULL,
      EVERY, "SHA256 fingerprint of the host's key, as ssh-keygen -lf prints it" },
    { "known-hosts", "", PLAIN, settings_read_lines, AT(target.known_hosts), 0, 0, NULL, NULL,
      EVERY, "Lines of a known_hosts file for the host" },
    { "jump-host", "", PLAIN, inputs_read_host, AT(jump.host), 0, 0, NULL, NULL,
      EVERY, "Host to go through" },
    { "jump-port", "22", PLAIN, inputs_read_ssh_port, AT(jump.port), 0, 0, NULL, NULL,
      EVERY, "Port of its SSH server" },
    { "jump-user", "", PLAIN, settings_read_text, AT(jump.user), 0, 0, inputs_is_ssh_user, USER_WANTS,
      EVERY, "User there; as user when not given" },
    { "jump-key", "", SECRET, settings_read_text, AT(jump.key), 0, 0, NULL, NULL,
      EVERY, "Private SSH key for the jump host" },
    { "jump-key-passphrase", "", SECRET, settings_read_text, AT(jump.passphrase), 0, 0, settings_is_plain_text, TEXT_WANTS,
      EVERY, "Passphrase of jump-key" },
    { "jump-fingerprint", "", PLAIN, settings_read_lines, AT(jump.fingerprints), 0, 0, NULL, NULL,
      EVERY, "SHA256 fingerprint of the jump host's key" },
    { "jump-known-hosts", "", PLAIN, settings_read_lines, AT(jump.known_hosts), 0, 0, NULL, NULL,
      EVERY, "Lines of a known_hosts file for the jump host" },
    { "connect-timeout", "30s", PLAIN, settings_read_duration, AT(connect_timeout_ms), SECOND, 10 * MINUTE, NULL, NULL,
      EVERY, "Longest time to connect and log in" },
    { "command", "deploy", PLAIN, read_command, 0, 0, 0, NULL,
      "deploy, rollback, status, history, logs, bundle, diagnose, plan or prune",
      NONE, "" },
};

static const struct settings_row verify_rows[] = {
    { "verify-url", "", PLAIN, settings_read_text, AT(verify_url), 0, 0, inputs_is_url,
      "an http:// or https:// URL without user and password, at most 2048 bytes",
      RUN, "URL that is asked from here at the end; no good answer: rolled back" },
    { "verify-status", "200", PLAIN, settings_read_text, AT(verify_status), 0, 0, spec_is_status_list, STATUS_WANTS,
      RUN, "Statuses wanted from it" },
    { "verify-body", "", PLAIN, settings_read_text, AT(verify_body), 0, 0, settings_is_plain_text, TEXT_WANTS,
      RUN, "Text wanted in its answer" },
    { "verify-max-time", "", PLAIN, settings_read_duration, AT(verify_max_ms), 1, 2 * MINUTE, NULL, NULL,
      RUN, "Longest accepted response time" },
};

static const struct settings_row rollback_rows[] = {
    { "rollback-on", "job-failure", PLAIN, read_rollback_on, 0, 0, 0, NULL, "job-failure, deploy-failure or never",
      RUN, "never: what verify-url finds does not roll back" },
};

static const struct settings_row output_rows[] = {
    { "fail-on-kpi", "false", PLAIN, settings_read_bool, AT(fail_on_kpi), 0, 0, NULL, NULL,
      RUN, "A critical duration is exit code 33; the new version stays" },
    { "bundle-path", "", PLAIN, settings_read_text, AT(bundle_path), 0, 0, settings_is_path, PATH_WANTS,
      RUNS, "Folder or .tar.gz file for the bundle; the working directory" },
    { "upload-artifact", "auto", PLAIN, read_upload_artifact, 0, 0, 0, NULL, "auto, off or required",
      NONE, "" },
    { "artifact-name", "", PLAIN, settings_read_text, AT(artifact_name), 0, 0, inputs_is_artifact_name,
      "at most 200 characters, none of \" : < > | * ? \\ /",
      NONE, "" },
    { "artifact-retention-days", "", PLAIN, settings_read_number, AT(artifact_retention_days), 1, 400, NULL, NULL,
      NONE, "" },
    { "artifact-overwrite", "false", PLAIN, settings_read_bool, AT(artifact_overwrite), 0, 0, NULL, NULL,
      NONE, "" },
    { "notify-url", "", SECRET, settings_read_text, AT(notify_url), 0, 0, inputs_is_url,
      "https:// or http:// with a host, without user and fragment",
      RUNS, "URL that is told of the outcome" },
    { "notify-format", "json", PLAIN, read_notify_format, 0, 0, 0, NULL, "json, slack or teams",
      RUNS, "What is sent there: json, slack or teams" },
    { "notify-on", "failure", PLAIN, read_notify_on, 0, 0, 0, NULL, "failure, always or never",
      RUNS, "When: failure, always or never" },
    { "sns-topic", "", PLAIN, settings_read_text, AT(aws.sns_topic), 0, 0, inputs_is_sns_topic,
      "the ARN of an SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME",
      RUNS, "ARN of an SNS topic that is told of the outcome" },
    { "aws-region", "", PLAIN, settings_read_text, AT(aws.region), 0, 0, aws_is_region, "a region such as eu-central-1",
      EVERY, "AWS region of the host" },
    { "role-to-assume", "", PLAIN, settings_read_list, AT(aws.roles), 0, 0, inputs_is_role,
      "the ARN of an IAM role: arn:aws:iam::ACCOUNT:role/NAME",
      EVERY, "ARN of an IAM role to take on" },
    { "role-session-name", "", PLAIN, settings_read_text, AT(aws.session_name), 0, 0, inputs_is_session_name,
      "2 to 64 letters, digits and + = , . @ - _",
      EVERY, "Name of the role's session in CloudTrail" },
    { "role-duration-seconds", "3600", PLAIN, settings_read_number, AT(aws.duration_s), 900, 43200, NULL, NULL,
      EVERY, "How long the role's credentials live" },
    { "role-external-id", "", PLAIN, settings_read_text, AT(aws.external_id), 0, 0, inputs_is_external_id,
      "2 to 1224 letters, digits and + = , . @ : / - _",
      EVERY, "External ID that the role's trust policy asks for" },
    { "audience", "", PLAIN, settings_read_text, AT(aws.audience), 0, 0, settings_is_login, "a name without blanks, at most 256 bytes",
      NONE, "" },
    { "aws-access-key-id", "", SECRET, settings_read_text, AT(aws.key_id), 0, 0, inputs_is_key_id,
      "16 to 128 letters, digits and _",
      EVERY, "AWS access key; the environment's when not given" },
    { "aws-secret-access-key", "", SECRET, settings_read_text, AT(aws.secret_key), 0, 0, settings_is_password, "at most 65536 bytes",
      EVERY, "Secret of that key" },
    { "aws-session-token", "", SECRET, settings_read_text, AT(aws.session_token), 0, 0, settings_is_password, "at most 65536 bytes",
      EVERY, "Session token of a temporary key" },
};

static const struct settings_row instance_rows[] = {
    { "ssh-auth", "key", PLAIN, read_ssh_auth, 0, 0, 0, NULL, "key or instance-connect",
      EVERY, "key, or instance-connect: a key made for this call" },
    { "host-address", "auto", PLAIN, read_host_address, 0, 0, 0, NULL, "auto, public, private or ipv6",
      EVERY, "Address of the instance: auto, public, private or ipv6" },
    { "aws-host-keys", "auto", PLAIN, settings_read_text, AT(aws.host_keys), 0, 0, inputs_is_host_keys,
      "auto, tag, console, off, or parameter:NAME",
      EVERY, "Where the pins of an instance are: auto, tag, parameter:NAME, console, off" },
    { "open-port-22", "false", PLAIN, settings_read_bool, AT(aws.open_port), 0, 0, NULL, NULL,
      EVERY, "Let this machine in at ssh-port while the connection lasts" },
    { "security-group", "", PLAIN, settings_read_text, AT(aws.security_group), 0, 0, inputs_is_security_group,
      "the id of a security group: sg-…",
      EVERY, "Security group that gets the rule for it" },
    { "runner-address", "", PLAIN, settings_read_text, AT(aws.runner_address), 0, 0, inputs_is_address,
      "an IPv4 or IPv6 address, without a mask",
      EVERY, "Address that is let in; AWS is asked when not given" },
    { "job-status", "${{ job.status }}", PLAIN, read_job_status, AT(job_status), 0, 0, is_job_status,
      "success, failure or cancelled",
      NONE, "" },
};
/* clang-format on */

#define SECTION(name) { SETTINGS_OF_PROGRAM, name##_rows, sizeof(name##_rows) / sizeof(name##_rows[0]) }

static const struct settings_section connection = SECTION(connection);
static const struct settings_section verify = SECTION(verify);
static const struct settings_section rollback = SECTION(rollback);
static const struct settings_section output = SECTION(output);
static const struct settings_section instance = SECTION(instance);

static settings_table table = {
    &connection,       &settings_asked, &settings_container, &settings_health, &verify, &settings_traffic, &rollback,
    &settings_keeping, &output,         &settings_ecr,       &instance,        NULL,
};

const struct settings_section *const *inputs_sections(void)
{
    return table;
}

bool inputs_option(size_t i, struct cli_setting *ret)
{
    return settings_table_option(table, i, ret);
}

bool inputs_table(size_t i, const char **id, const char **dflt, bool *secret)
{
    const struct settings_row *row = settings_table_row(table, i, NULL);
    if (!row)
        return false;
    *id = row->id;
    *dflt = row->dflt;
    *secret = row->secret;
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

static const char *variable_value(void *ctx, const char *id)
{
    const struct inputs_source *s = ctx;
    char name[NAME_MAX_BYTES];
    variable_name(id, name);
    return s->env(s->ctx, name);
}

static void input_name(void *ctx, const char *id, char out[SETTINGS_NAME_MAX])
{
    (void)ctx;
    (void)snprintf(out, SETTINGS_NAME_MAX, "input '%s'", id);
}

void inputs_source_init(struct inputs_source *s, inputs_env_fn *env, void *ctx)
{
    *s = (struct inputs_source){ .settings = { s, variable_value, input_name }, .env = env, .ctx = ctx };
}

/* ---- secrets ---- */

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

/* The secret URL is one of the action's own. */
static int each_secret(const struct inputs_source *source, int (*part)(void *ctx, struct span text), void *ctx)
{
    const char *url = source->settings.value(source->settings.ctx, "notify-url");
    int r = settings_each_secret(table, &source->settings, part, ctx);
    return r == 0 && url ? each_url_part(span_trim(span_of(url)), part, ctx) : r;
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

enum wire_op inputs_op(enum command command)
{
    static const enum wire_op ops[] = {
        [COMMAND_DEPLOY] = WIRE_DEPLOY,     [COMMAND_ROLLBACK] = WIRE_ROLLBACK, [COMMAND_STATUS] = WIRE_STATUS,
        [COMMAND_HISTORY] = WIRE_HISTORY,   [COMMAND_LOGS] = WIRE_LOGS,         [COMMAND_BUNDLE] = WIRE_BUNDLE,
        [COMMAND_DIAGNOSE] = WIRE_DIAGNOSE, [COMMAND_PLAN] = WIRE_PLAN,         [COMMAND_PRUNE] = WIRE_PRUNE,
    };
    return ops[command];
}

void inputs_each_secret(const struct inputs_source *source, void (*visit)(void *vctx, const char *value), void *vctx)
{
    struct visit v = { .visit = visit, .vctx = vctx };
    (void)each_secret(source, visit_part, &v); /* never fails */
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

void inputs_wipe_env(void)
{
    char name[NAME_MAX_BYTES];
    const struct settings_row *row = NULL;
    for (size_t i = 0; (row = settings_table_row(table, i, NULL)); i++) {
        if (!row->secret)
            continue;
        variable_name(row->id, name);
        secret_wipe_env(name);
        secret_wipe_env(row->id); /* act hands inputs over under their plain names as well */
    }
}

/* ---- reading ---- */

static int init_target(struct ssh_target *t, struct err *err)
{
    char **strings[] = { &t->host,       &t->address, &t->user,         &t->key,
                         &t->passphrase, &t->agent,   &t->fingerprints, &t->known_hosts };
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
    if (settings_init(&in->spec, &in->ask, err) < 0)
        return -ERR_NOMEM;
    char **strings[] = { &in->verify_url, &in->verify_status, &in->verify_body,   &in->bundle_path, &in->job_status,
                         &in->run_link,   &in->actor,         &in->artifact_name, &in->notify_url };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if (spec_set_str(strings[i], "", err) < 0)
            return -ERR_NOMEM;
    if (init_target(&in->target, err) < 0 || init_target(&in->jump, err) < 0 || init_aws(&in->aws, err) < 0)
        return -ERR_NOMEM;
    return 0;
}

int inputs_read(const struct inputs_source *source, struct inputs *in, struct redactor *redactor, struct buf *problems,
                struct err *err)
{
    struct settings_reading rd = { .table = table, .source = &source->settings, .problems = problems, .err = err };
    struct registration reg = { .redactor = redactor, .err = err };
    int r = init(in, err);
    rd.into[SETTINGS_OF_SPEC] = &in->spec;
    rd.into[SETTINGS_OF_ASK] = &in->ask;
    rd.into[SETTINGS_OF_PROGRAM] = in;
    if (r == 0 && redactor && each_secret(source, register_part, &reg) < 0)
        r = err_wrap(err, "register the secret inputs");
    if (r == 0)
        r = settings_read(&rd);
    if (r == 0)
        r = inputs_finish(&rd, source);
    settings_reading_done(&rd);
    return r < 0 ? r : rd.result;
}

static void done_target(struct ssh_target *t)
{
    free_p(&t->host);
    free_p(&t->address);
    free_p(&t->user);
    secret_free_p(&t->key);
    secret_free_p(&t->passphrase);
    free_p(&t->agent);
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
    settings_ask_done(&in->ask);
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
