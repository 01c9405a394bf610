/*
 * The action's inputs: one table names each once (action.yml id, kind, default, secrecy, validator). Everything is
 * validated before any connection; each error names the input, what it got and what it wants.
 */
#ifndef BLUEGREEN_INPUTS_H
#define BLUEGREEN_INPUTS_H

#include "shared/settings/settings.h"

enum command {
    COMMAND_DEPLOY,
    COMMAND_ROLLBACK,
    COMMAND_STATUS,
    COMMAND_HISTORY,
    COMMAND_LOGS,
    COMMAND_BUNDLE,
    COMMAND_DIAGNOSE,
    COMMAND_PLAN,
    COMMAND_PRUNE,
};
enum upload_artifact { UPLOAD_AUTO, UPLOAD_OFF, UPLOAD_REQUIRED };
enum notify_format { NOTIFY_JSON, NOTIFY_SLACK, NOTIFY_TEAMS };
enum notify_on { NOTIFY_ON_FAILURE, NOTIFY_ALWAYS, NOTIFY_NEVER };
enum rollback_on { ROLLBACK_ON_JOB_FAILURE, ROLLBACK_ON_DEPLOY_FAILURE, ROLLBACK_NEVER };

enum ssh_auth { SSH_AUTH_KEY, SSH_AUTH_INSTANCE_CONNECT };
enum host_address { HOST_ADDRESS_AUTO, HOST_ADDRESS_PUBLIC, HOST_ADDRESS_PRIVATE, HOST_ADDRESS_IPV6 };

struct ssh_target {
    char *host;    /* as the user wrote it; pins are for this name */
    char *address; /* to connect to, when it is another: of the instance that host names; "" = host */
    int port;
    char *user;
    char *key;             /* secret; as given, sshkey_parse() accepts it */
    char *passphrase;      /* secret; "" none */
    char *agent;           /* socket of an ssh-agent, whose keys are used when there is no key; "" none */
    char *fingerprints;    /* lines, as given; hostpins_parse() accepts both and finds a pin for host and port */
    char *known_hosts;     /* likewise */
    bool instance_connect; /* key is one that the host only knows by EC2 Instance Connect: for messages */
};

/* What the action's own use of AWS needs; "" everywhere unless given. */
struct aws_inputs {
    char *region;
    struct strlist
        roles; /* ARNs; the first by GitHub's OIDC or with the keys found, each further one with those of the one before */
    char *session_name;
    int64_t duration_s;
    char *external_id;
    char *audience;
    char *key_id, *secret_key, *session_token; /* secret */
    enum host_address host_address;
    char *host_keys; /* auto, tag, console, off, parameter:NAME */
    bool open_port;
    char *security_group;
    char *runner_address;
    char *sns_topic;
};

struct inputs {
    enum command command;
    struct settings_ask ask;
    struct ssh_target target;
    enum ssh_auth ssh_auth;
    struct aws_inputs aws;
    /*
     * host "" = none. Filled in here: user and key (with its passphrase) from the target when not given; known_hosts too,
     * when neither pin of the jump host is.
     */
    struct ssh_target jump;
    int64_t connect_timeout_ms;
    struct spec spec; /* app … kpi; for rollback and status only app and lock_timeout matter */
    enum rollback_on rollback_on;
    char *verify_url; /* "" none */
    char *verify_status;
    char *verify_body;
    int64_t verify_max_ms; /* longest accepted response time; 0 = any */
    bool fail_on_kpi;
    char *bundle_path; /* file (ends in .tar.gz) or directory; "" = workspace */
    enum upload_artifact upload_artifact;
    char *artifact_name;             /* "" = as the bundle's file, without .tar.gz */
    int64_t artifact_retention_days; /* 0 = as the repository has it */
    bool artifact_overwrite;
    char *notify_url; /* secret; "" none */
    enum notify_format notify_format;
    enum notify_on notify_on;
    char *job_status; /* success | failure | cancelled | "" */
    /* from the runner */
    char *run_link; /* https://…/actions/runs/N, or user@machine */
    char *actor;
};

/* getenv-like: value of an environment variable or NULL. Tests pass their own. */
typedef const char *inputs_env_fn(void *ctx, const char *name);

/* Where inputs come from. */
struct inputs_source {
    struct settings_source settings; /* their values, by id */
    inputs_env_fn *env;              /* who runs this, and where: GITHUB_*, USER */
    void *ctx;                       /* of env */
    bool by_hand;                    /* a person's command line: no runner, and any file of theirs may be read */
    const char *pins_path;           /* where pins were looked for, for messages; NULL: nowhere else */
    const char *env_folder;          /* env-file must lie in it; NULL: anywhere, or in the workspace */
    const char *agent;               /* socket of their ssh-agent, for when there is no key; NULL none */
};
/* The runner's way: INPUT_* of this environment. *s must stay where it is. */
void inputs_source_init(struct inputs_source *s, inputs_env_fn *env, void *ctx);

/*
 * Read and validate. Every wrong input adds a line to `problems` (so that all are seen at once); 0 when none.
 * -ERR_INPUT, -ERR_NO_PIN or -ERR_KEY otherwise, err naming the first. *in is initialised in every case. Values of secret inputs
 * (and each line of them) are added to `redactor` before anything else happens, also when other inputs are wrong.
 */
int inputs_read(const struct inputs_source *source, struct inputs *in, struct redactor *redactor, struct buf *problems,
                struct err *err);
void inputs_done(struct inputs *in);

/* The request that a command becomes. */
enum wire_op inputs_op(enum command command);

/* Visit each raw secret value for ::add-mask::. Called before inputs_read(); it needs no valid inputs. */
void inputs_each_secret(const struct inputs_source *source, void (*visit)(void *vctx, const char *value), void *vctx);
/* Zero every INPUT_* of a secret input in the process environment and unset it. After inputs_read(). */
void inputs_wipe_env(void);

/* The i-th input as an option of a command line (cli_settings_fn). */
bool inputs_option(size_t i, struct cli_setting *ret);
/* The table itself, for those who read settings from elsewhere. */
const struct settings_section *const *inputs_sections(void);
/* For tests and docs: id, default and secrecy of the i-th input; false past the end. */
bool inputs_table(size_t i, const char **id, const char **dflt, bool *secret);

#endif
