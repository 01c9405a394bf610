#include "shared/aws/aws_sts.h"

#include "shared/aws/aws_link_answer.h"
#include "shared/aws/aws_query.h"
#include "shared/crypto.h"
#include "shared/json.h"

#define CHAINED_MAX_S 3600 /* AWS's limit for a role that is taken on by another role's credentials */
#define SOURCE_SIZE (sizeof(((struct aws_credentials *)0)->source))
#define CLAIMS_MAX 8192 /* bytes of a token's payload; GitHub's have about 1.5 KB */

/* ---- where, and for how long ---- */

/* A region of each partition that has STS switched on for everybody. */
static const struct {
    const char *partition, *region;
} first_regions[] = {
    { "aws", "us-east-1" },
    { "aws-cn", "cn-north-1" },
    { "aws-us-gov", "us-gov-west-1" },
    { "aws-eusc", "eusc-de-east-1" },
    { "aws-iso", "us-iso-east-1" },
    { "aws-iso-b", "us-isob-east-1" },
    { "aws-iso-e", "eu-isoe-west-1" },
    { "aws-iso-f", "us-isof-south-1" },
};

static const char *first_region(const char *partition)
{
    for (size_t i = 0; i < sizeof(first_regions) / sizeof(first_regions[0]); i++)
        if (strcmp(first_regions[i].partition, partition) == 0)
            return first_regions[i].region;
    return "us-east-1";
}

/* The role's ARN has the last word on the partition: no other one knows the role. */
static const char *region_for(const struct aws *a, const struct aws_role *role)
{
    struct aws_arn arn;
    const char *region = role->region && role->region[0] ? role->region : aws_default_region(a);
    if (!aws_arn_parse(role->arn, &arn))
        return region[0] ? region : "us-east-1";
    bool fits = region[0] && strcmp(aws_partition_of_region(region)->name, arn.partition) == 0;
    return fits ? region : first_region(arn.partition);
}

static const char *session_name(const struct aws *a, const struct aws_role *role)
{
    if (role->session_name && role->session_name[0])
        return role->session_name;
    return a->session_name ? a->session_name : "bluegreen";
}

/* ---- what a token says of itself ---- */

/* Text of the claim, or its first when there are several; nothing but printable ASCII, cut. */
static void copy_claim(const struct json *payload, const char *name, char *out, size_t size)
{
    const struct json *claim = json_get(payload, name);
    if (json_is_array(claim))
        claim = json_first(claim);
    const char *text = json_value_str(claim, "");
    size_t len = 0;
    for (; *text && len + 1 < size; text++)
        out[len++] = *text > ' ' && *text < 0x7f ? *text : '?';
    out[len] = '\0';
}

bool aws_token_claims(const char *token, struct aws_token_claims *ret)
{
    struct span rest = span_of(token), header, payload;
    _cleanup_(buf_wipe_done_p) struct buf text = BUF_INIT(CLAIMS_MAX);
    _cleanup_(json_free_p) struct json *j = NULL;
    *ret = (struct aws_token_claims){ 0 };
    if (!span_split(&rest, '.', &header) || !span_split(&rest, '.', &payload) || payload.len > 2 * CLAIMS_MAX)
        return false;
    if (crypto_base64_decode(payload, &text, NULL) < 0 || json_parse(buf_span(&text), &j, NULL) < 0)
        return false;
    copy_claim(j, "sub", ret->sub, sizeof(ret->sub));
    copy_claim(j, "aud", ret->aud, sizeof(ret->aud));
    return true;
}

/* ---- refusals ---- */

struct refusal {
    const char *code; /* AWS's */
    bool of_token;    /* means something else when there is no identity token */
    const char *text, *hint;
};

static const struct refusal refusals[] = {
    { "InvalidIdentityToken", true, "AWS does not know the identity token's issuer or its audience",
      "Create the IAM identity provider in the role's account: for GitHub token.actions.githubusercontent.com with "
      "the audience sts.amazonaws.com (in China sts.amazonaws.com.cn), or set input audience to the one it has." },
    { "ExpiredTokenException", true, "the identity token had expired when AWS looked at it",
      "Compare the clocks of this machine and of AWS: the token lives for minutes and is fetched right before." },
    { "IDPRejectedClaim", true, "AWS's identity provider does not accept the token",
      "Look at the identity provider in IAM: its audiences and its issuer have to be the token's." },
    { "IDPCommunicationError", true, "AWS could not fetch the issuer's keys",
      "Run the job again; if it repeats, the issuer (GitHub's, or that of your GitHub server) is not reachable for "
      "AWS." },
    { "RegionDisabledException", false, "STS is switched off in this region for the role's account",
      "Set aws-region to a region that is switched on, or switch STS on there (IAM, Account settings)." },
    { "ValidationError", false, "AWS does not accept the request",
      "role-duration-seconds must not exceed the role's own maximum session duration, and role-to-assume must be the "
      "role's whole ARN." },
};

static const struct refusal *find_refusal(const struct aws *a, bool by_token)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (aws_error_is(a, refusals[i].code) && (by_token || !refusals[i].of_token))
            return &refusals[i];
    return NULL;
}

/* What to do, where more is known here than where the error was found. */
static void replace_hint(struct err *err, const char *hint)
{
    if (!err)
        return;
    err->hint[0] = '\0';
    err_hint(err, "%s", hint);
}

static bool was_refused(const struct err *why)
{
    return why->kind == ERR_AWS || why->kind == ERR_AWS_CREDENTIALS || why->kind == ERR_AWS_DENIED;
}

/* `why` with what it means for this role; by: NULL for an identity token. */
static int fail_to_assume(const struct aws *a, const struct aws_role *role, const struct aws_credentials *by,
                          const struct err *why, struct err *err)
{
    const struct refusal *known = was_refused(why) ? find_refusal(a, !by) : NULL;
    if (err)
        *err = *why;
    if (known) {
        replace_hint(err, known->hint);
        (void)err_wrap(err, "%s", known->text);
    }
    return err_wrap(err, "take on the role %.120s%s%.80s", role->arn, by ? " with " : "", by ? by->source : "");
}

static int fail_denied_keys(const struct aws *a, const struct aws_role *role, const struct aws_credentials *by,
                            const struct err *why, struct err *err)
{
    int r = fail_to_assume(a, role, by, why, err);
    if (why->kind == ERR_AWS_DENIED)
        replace_hint(err,
                     "Two policies have to agree: the caller's must allow sts:AssumeRole for this role, and the role's "
                     "trust policy must name the caller (and may ask for role-external-id).");
    return r;
}

static int fail_denied_token(const struct aws_role *role, const char *token, struct err *err)
{
    struct aws_token_claims claims;
    if (!aws_token_claims(token, &claims) || !claims.sub[0]) {
        (void)err_set(err, ERR_AWS_DENIED, 0, "the role %.120s does not let this identity token in", role->arn);
        err_hint(err, "Compare the role's trust policy with the token's issuer, sub and aud.");
        return -ERR_AWS_DENIED;
    }
    (void)err_set(err, ERR_AWS_DENIED, 0,
                  "the role %.90s does not let this job in: its token says sub '%.130s', aud '%.40s'", role->arn,
                  claims.sub, claims.aud);
    err_hint(err,
             "The role's trust policy has to allow sts:AssumeRoleWithWebIdentity for exactly that sub and aud. A sub "
             "has two forms: repo:OWNER/REPO:… and, for repositories made since July 2026, "
             "repo:OWNER@ID/REPO@ID:…; a job with an environment has environment:NAME in place of the ref.");
    return -ERR_AWS_DENIED;
}

/* ---- calls ---- */

/* For people: "role ARN by role NAME by GitHub's OIDC"; of a role that came before, the name is enough. */
static void describe(const char *arn, const char *by, char out[SOURCE_SIZE])
{
    size_t len = strncmp(by, "role arn:", 9) == 0 ? strcspn(by + 5, " ") : 0;
    const char *slash = len > 0 ? memrchr(by + 5, '/', len) : NULL;
    (void)snprintf(out, SOURCE_SIZE, "role %.120s by %s%s", arn, slash ? "role " : "", slash ? slash + 1 : by);
}

static int read_credentials(const struct xml *answer, const char *result, const char *source,
                            struct aws_credentials *ret, struct err *err)
{
    const struct xml_node *c = xml_path(xml_root(answer), result, "Credentials", NULL);
    const struct aws_link_answer given = {
        .key_id = xml_str(c, "AccessKeyId"),
        .secret = xml_str(c, "SecretAccessKey"),
        .token = xml_str(c, "SessionToken"),
        .expiration = xml_str(c, "Expiration"),
    };
    if (!given.token[0] || !given.expiration[0])
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "STS answered without a %s",
                       given.token[0] ? "time of expiry" : "session token");
    return aws_link_take(&given, source, ret, err);
}

static void add_role(const struct aws *a, const struct aws_role *role, int64_t duration_s, struct aws_form *f)
{
    aws_form_add(f, "RoleArn", role->arn);
    aws_form_add(f, "RoleSessionName", session_name(a, role));
    if (duration_s > 0)
        aws_form_add_int(f, "DurationSeconds", duration_s);
}

int aws_sts_assume_role(struct aws *a, const struct aws_role *role, const struct aws_credentials *by,
                        struct aws_credentials *ret, struct err *err)
{
    bool chained = by->token && by->token[0];
    int64_t duration_s = chained && role->duration_s > CHAINED_MAX_S ? CHAINED_MAX_S : role->duration_s;
    char source[SOURCE_SIZE];
    _cleanup_(xml_free_p) struct xml *answer = NULL;
    struct aws_form f;
    struct err why = { 0 };
    aws_form_init(&f, AWS_STS_ASSUME_ROLE);
    add_role(a, role, duration_s, &f);
    if (role->external_id && role->external_id[0])
        aws_form_add(&f, "ExternalId", role->external_id);
    const struct aws_request request = {
        .op = AWS_STS_ASSUME_ROLE,
        .region = region_for(a, role),
        .credentials = by,
        .body = buf_span(&f.text),
    };
    int r = buf_check(&f.text, &why);
    if (r == 0)
        r = aws_query(a, &request, &answer, &why);
    aws_form_done(&f);
    if (r < 0)
        return fail_denied_keys(a, role, by, &why, err);
    describe(role->arn, by->source, source);
    r = read_credentials(answer, "AssumeRoleResult", source, ret, err);
    return r < 0 ? err_wrap(err, "take on the role %.120s", role->arn) : 0;
}

int aws_sts_assume_role_with_web_identity(struct aws *a, const struct aws_role *role, const char *token, const char *by,
                                          struct aws_credentials *ret, struct err *err)
{
    char source[SOURCE_SIZE];
    _cleanup_(xml_free_p) struct xml *answer = NULL;
    struct aws_form f;
    struct err why = { 0 };
    if (strlen(token) > AWS_IDENTITY_TOKEN_MAX)
        return err_set(err, ERR_AWS_CREDENTIALS, 0,
                       "the identity token is longer than the %d characters that AWS takes", AWS_IDENTITY_TOKEN_MAX);
    aws_form_init(&f, AWS_STS_ASSUME_ROLE_WITH_WEB_IDENTITY);
    add_role(a, role, role->duration_s, &f);
    aws_form_add(&f, "WebIdentityToken", token);
    const struct aws_request request = {
        .op = AWS_STS_ASSUME_ROLE_WITH_WEB_IDENTITY,
        .region = region_for(a, role),
        .body = buf_span(&f.text),
    };
    int r = buf_check(&f.text, &why);
    if (r == 0)
        r = aws_query(a, &request, &answer, &why);
    aws_form_done(&f);
    if (why.kind == ERR_AWS_DENIED)
        return fail_denied_token(role, token, err);
    if (r < 0)
        return fail_to_assume(a, role, NULL, &why, err);
    describe(role->arn, by, source);
    r = read_credentials(answer, "AssumeRoleWithWebIdentityResult", source, ret, err);
    return r < 0 ? err_wrap(err, "take on the role %.120s", role->arn) : 0;
}

static int assume(void *ctx, struct aws *a, const struct aws_credentials *by, struct aws_credentials *ret,
                  struct err *err)
{
    return aws_sts_assume_role(a, ctx, by, ret, err);
}

struct aws_role_step aws_role_step_assume(struct aws_role *role)
{
    return (struct aws_role_step){ .assume = assume, .ctx = role };
}
