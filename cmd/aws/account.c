#include "cmd/aws/account.h"

#include "cmd/inputs/inputs_aws.h"
#include "cmd/signals.h"
#include "shared/aws/aws_endpoint.h"
#include "shared/aws/aws_links.h"
#include "shared/http.h"
#include "shared/secret.h"

#define SESSION_NAME_SIZE 65 /* 64 characters [botocore: sts roleSessionNameType] */
#define REGION_ANSWER_MAX 256

struct account {
    struct stage *stage; /* borrowed */
    struct aws aws;
    struct aws_chain *chain;
    struct aws_static_keys keys;
    struct aws_role no_role; /* "": the link for it says that it is not asked for */
    struct aws_role roles[INPUTS_ROLES_MAX];
    size_t role_count;
    char session_name[SESSION_NAME_SIZE];
    char region[AWS_REGION_MAX + 1]; /* once it is known */
};

static const char *environment(void *ctx, const char *name)
{
    const struct account *account = ctx;
    return secretenv_get(account->stage->secrets, name);
}

/* Masked first: what the redactor then prints of an error must not be the first sight of it. */
static int on_secret(void *ctx, struct span secret, struct err *err)
{
    const struct account *account = ctx;
    if (secret.len < REDACT_LINE_MIN)
        return 0; /* a stand-in's key, such as "test": ordinary text would be blanked */
    _cleanup_(secret_free_p) char *text = span_dup(secret);
    if (!text)
        return err_set(err, ERR_NOMEM, 0, "hide a secret that AWS gave: out of memory");
    github_mask(account->stage->g, text);
    return redactor_add(account->stage->redactor, secret, err);
}

static void note(void *ctx, const char *text)
{
    const struct account *account = ctx;
    github_line(account->stage->g, "%s", text);
}

/* "bluegreen-" and the run's number, by which CloudTrail's entries are found. */
static void name_session(struct account *account)
{
    const char *run = environment(account, "GITHUB_RUN_ID");
    size_t digits = run ? strspn(run, "0123456789") : 0;
    bool plain = digits > 0 && digits <= 20 && run[digits] == '\0';
    (void)snprintf(account->session_name, sizeof(account->session_name), "bluegreen%s%s", plain ? "-" : "",
                   plain ? run : "");
    account->aws.session_name = account->session_name;
}

static void set_role(const struct aws_inputs *in, const char *arn, struct aws_role *ret)
{
    *ret = (struct aws_role){
        .arn = arn,
        .session_name = in->session_name,
        .external_id = in->external_id,
        .audience = in->audience,
        .duration_s = in->duration_s,
        .region = in->region,
    };
}

static bool has_identity_token(struct account *account)
{
    const char *url = environment(account, "ACTIONS_ID_TOKEN_REQUEST_URL");
    const char *token = environment(account, "ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    return url && *url && token && *token;
}

/*
 * A chain has one list of steps behind whichever link answers, so what is known beforehand decides: GitHub's identity
 * token gives the first role itself, everything else takes it on.
 */
static int make_chain(struct account *account, struct err *err)
{
    bool by_hand = account->keys.key_id[0] != '\0';
    bool by_token = !by_hand && account->role_count > 0 && has_identity_token(account);
    const struct aws_link links[] = {
        aws_link_static(&account->keys),
        aws_link_github(account->role_count > 0 ? &account->roles[0] : &account->no_role),
        aws_link_environment(),
        aws_link_web_identity_file(),
        aws_link_container(),
        aws_link_instance(),
    };
    size_t all = sizeof(links) / sizeof(links[0]);
    struct aws_role_step steps[INPUTS_ROLES_MAX];
    size_t count = 0;
    for (size_t i = by_token ? 1 : 0; i < account->role_count; i++)
        steps[count++] = aws_role_step_assume(&account->roles[i]);
    return aws_chain_new(&account->chain, &account->aws, links, by_hand ? 1 : by_token ? 2 : all, steps, count, err);
}

int account_open(struct stage *s, struct err *err)
{
    if (s->account)
        return 0;
    struct account *account = calloc(1, sizeof(*account));
    if (!account)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    const struct aws_inputs *in = &s->in.aws;
    account->stage = s;
    account->aws = (struct aws){
        .env = environment,
        .env_ctx = account,
        .on_secret = on_secret,
        .secret_ctx = account,
        .note = note,
        .note_ctx = account,
        .cancel = &signals_caught,
    };
    name_session(account);
    account->keys =
        (struct aws_static_keys){ .key_id = in->key_id, .secret = in->secret_key, .token = in->session_token };
    account->role_count = in->roles.len;
    set_role(in, "", &account->no_role);
    for (size_t i = 0; i < account->role_count; i++)
        set_role(in, in->roles.items[i], &account->roles[i]);
    int r = aws_init(&account->aws, err);
    if (r == 0)
        r = make_chain(account, err);
    if (r < 0) {
        account_free(account);
        return r;
    }
    s->account = account;
    return 0;
}

void account_free(struct account *account)
{
    if (!account)
        return;
    aws_chain_free(account->chain);
    aws_done(&account->aws);
    free(account);
}

struct aws *account_aws(struct account *account)
{
    return &account->aws;
}

struct aws_chain *account_chain(struct account *account)
{
    return account->chain;
}

void account_ignore_cancel(struct account *account)
{
    struct http *patient = NULL;
    if (!account->aws.cancel || http_new(&patient, NULL, NULL) < 0)
        return; /* without memory the calls that follow fail anyway */
    http_free(account->aws.http);
    account->aws.http = patient;
    account->aws.cancel = NULL;
}

void account_limit(struct account *account, int64_t time_ms)
{
    struct http *limited = NULL;
    signals_limit(time_ms);
    if (account->aws.cancel == &signals_late || http_new(&limited, &signals_late, NULL) < 0)
        return;
    http_free(account->aws.http);
    account->aws.http = limited;
    account->aws.cancel = &signals_late;
}

/* Of the instance the runner is on. false: not on one, or nobody answers. */
static bool ask_instance(struct account *account)
{
    _cleanup_(buf_done) struct buf answer = BUF_INIT(REGION_ANSWER_MAX);
    if (aws_instance_metadata(&account->aws, "placement/region", &answer, NULL) != 0)
        return false;
    struct span region = span_trim(buf_span(&answer));
    if (region.len > AWS_REGION_MAX)
        return false;
    (void)snprintf(account->region, sizeof(account->region), "%.*s", (int)region.len, region.ptr);
    if (!aws_is_region(account->region))
        account->region[0] = '\0';
    return account->region[0] != '\0';
}

int account_region(struct stage *s, char out[AWS_REGION_MAX + 1], struct err *err)
{
    int r = account_open(s, err);
    if (r < 0)
        return r;
    struct account *account = s->account;
    const char *known = *s->in.aws.region ? s->in.aws.region : aws_default_region(&account->aws);
    if (!account->region[0])
        (void)snprintf(account->region, sizeof(account->region), "%s", known);
    if (!account->region[0] && !ask_instance(account)) {
        (void)err_set(err, ERR_INPUT, 0, "input 'aws-region': got nothing, wants a region such as eu-central-1");
        err_hint(err, "Set aws-region to the region of the host (or AWS_REGION in the job's env).");
        return -ERR_INPUT;
    }
    (void)snprintf(out, AWS_REGION_MAX + 1, "%s", account->region);
    return 0;
}
