#include "shared/aws/aws_call.h"

#include "shared/aws/aws_error.h"
#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/http.h"

#define TIMEOUT_MS 20000
#define ATTEMPTS 3
#define CONNECT_TIMEOUT_MS 5000
#define ATTEMPT_MIN_MS 5000 /* an attempt that is not the last one gets half of the time left, or this */
#define PAUSE_MS 200        /* before the second attempt; doubles */
#define PAUSE_THROTTLED_MS 800
#define PAUSE_MAX_MS 8000
#define PAUSE_SLICE_MS 50 /* between two looks at the cancel flag */
#define BODY_MAX (8 * 1024 * 1024)
#define CALL_SIZE 96

#define READS .reads = true

/*
 * Every operation that is called. IAM's action as in AWS's service authorization reference. "reads" is also what may be
 * done twice without harm: a key pushed again.
 */
static const struct aws_op_info ops[AWS_OPS] = {
    [AWS_ECR_GET_AUTHORIZATION_TOKEN] = { AWS_ECR, "GetAuthorizationToken", "ecr:GetAuthorizationToken", READS },
    [AWS_ECR_BATCH_GET_IMAGE] = { AWS_ECR, "BatchGetImage", "ecr:BatchGetImage", READS },
    [AWS_ECR_DESCRIBE_IMAGES] = { AWS_ECR, "DescribeImages", "ecr:DescribeImages", READS },
    [AWS_ECR_DESCRIBE_IMAGE_SCAN_FINDINGS] = { AWS_ECR, "DescribeImageScanFindings", "ecr:DescribeImageScanFindings",
                                               READS },
    [AWS_ECR_GET_DOWNLOAD_URL_FOR_LAYER] = { AWS_ECR, "GetDownloadUrlForLayer", "ecr:GetDownloadUrlForLayer", READS },
    /* Needs sts:GetServiceBearerToken as well, which has no operation of its own. */
    [AWS_ECR_PUBLIC_GET_AUTHORIZATION_TOKEN] = { AWS_ECR_PUBLIC, "GetAuthorizationToken",
                                                 "ecr-public:GetAuthorizationToken", READS },
    [AWS_STS_ASSUME_ROLE] = { AWS_STS, "AssumeRole", "sts:AssumeRole", READS },
    [AWS_STS_ASSUME_ROLE_WITH_WEB_IDENTITY] = { AWS_STS, "AssumeRoleWithWebIdentity", "", READS,
                                                .unsigned_call = true },
    [AWS_STS_GET_CALLER_IDENTITY] = { AWS_STS, "GetCallerIdentity", "", READS },
    [AWS_EC2_DESCRIBE_INSTANCES] = { AWS_EC2, "DescribeInstances", "ec2:DescribeInstances", READS },
    [AWS_EC2_GET_CONSOLE_OUTPUT] = { AWS_EC2, "GetConsoleOutput", "ec2:GetConsoleOutput", READS },
    [AWS_EC2_DESCRIBE_SECURITY_GROUP_RULES] = { AWS_EC2, "DescribeSecurityGroupRules", "ec2:DescribeSecurityGroupRules",
                                                READS },
    [AWS_EC2_AUTHORIZE_SECURITY_GROUP_INGRESS] = { AWS_EC2, "AuthorizeSecurityGroupIngress",
                                                   "ec2:AuthorizeSecurityGroupIngress", .reads = false },
    [AWS_EC2_REVOKE_SECURITY_GROUP_INGRESS] = { AWS_EC2, "RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress",
                                                .reads = false },
    [AWS_INSTANCE_CONNECT_SEND_SSH_PUBLIC_KEY] = { AWS_INSTANCE_CONNECT, "SendSSHPublicKey",
                                                   "ec2-instance-connect:SendSSHPublicKey", READS },
    [AWS_SSM_GET_PARAMETER] = { AWS_SSM, "GetParameter", "ssm:GetParameter", READS },
    [AWS_SNS_PUBLISH] = { AWS_SNS, "Publish", "sns:Publish", .reads = false },
};

/* For people; and what X-Amz-Target begins with, of those that speak JSON. */
static const struct {
    const char *name, *target;
} services[AWS_SERVICES] = {
    [AWS_ECR] = { "ECR", "AmazonEC2ContainerRegistry_V20150921" },
    [AWS_ECR_PUBLIC] = { "ECR Public", "SpencerFrontendService" },
    [AWS_EC2] = { "EC2", NULL },
    [AWS_INSTANCE_CONNECT] = { "EC2 Instance Connect", "AWSEC2InstanceConnectService" },
    [AWS_SSM] = { "SSM", "AmazonSSM" },
    [AWS_STS] = { "STS", NULL },
    [AWS_SNS] = { "SNS", NULL },
};

const struct aws_op_info *aws_op_info(enum aws_op op)
{
    return &ops[op];
}

const char *aws_error_code(const struct aws *a)
{
    return a->error_code;
}

bool aws_error_is(const struct aws *a, const char *code)
{
    return strcmp(a->error_code, code) == 0;
}

bool aws_error_expired(const struct aws *a)
{
    return !a->error_of_time && aws_error_code_is_expired(a->error_code);
}

/* One call with all its attempts. */
struct call {
    struct aws *aws;
    const struct aws_request *request;
    const struct aws_op_info *op;
    struct aws_endpoint endpoint;
    struct http_sigv4 sigv4;
    char target[96];      /* header, "" none */
    char name[CALL_SIZE]; /* "ECR DescribeImages in eu-central-1" */
    const char *content_type;
    aws_read_error_fn *read_error;
    unsigned attempts;
    int64_t deadline_ms; /* monotonic */
};

static int call_init(struct call *c, struct aws *a, const struct aws_request *q, struct err *err)
{
    c->aws = a;
    c->request = q;
    c->op = aws_op_info(q->op);
    c->attempts = q->attempts ? q->attempts : ATTEMPTS;
    c->deadline_ms = clock_mono_ms() + (q->timeout_ms > 0 ? q->timeout_ms : TIMEOUT_MS);
    if (a->deadline_ms && a->deadline_ms < c->deadline_ms)
        c->deadline_ms = a->deadline_ms;
    const char *region = q->region ? q->region : "";
    bool fips = q->fips || aws_env_true(a, "AWS_USE_FIPS_ENDPOINT");
    if (aws_endpoint_fips(a, c->op->service, region, fips, &c->endpoint, err) < 0)
        return err_wrap(err, "%s %s", services[c->op->service].name, c->op->name);
    (void)snprintf(c->name, sizeof(c->name), "%s %s in %s", services[c->op->service].name, c->op->name,
                   c->endpoint.region);
    if (services[c->op->service].target)
        (void)snprintf(c->target, sizeof(c->target), "X-Amz-Target: %s.%s", services[c->op->service].target,
                       c->op->name);
    if (c->op->unsigned_call)
        return 0;
    if (!q->credentials)
        return err_set(err, ERR_BUG, 0, "%s: no credentials given", c->name);
    c->sigv4 = (struct http_sigv4){
        .region = c->endpoint.region,
        .service = c->endpoint.signing_name,
        .key_id = q->credentials->key_id,
        .secret = q->credentials->secret ? q->credentials->secret : "",
        .token = q->credentials->token,
    };
    return 0;
}

static int64_t time_left_ms(const struct call *c)
{
    return clock_left_ms(c->deadline_ms);
}

/* An attempt that is not the last one leaves time for the next. */
static int64_t attempt_ms(const struct call *c, bool last)
{
    int64_t left = time_left_ms(c), half = left / 2 > ATTEMPT_MIN_MS ? left / 2 : ATTEMPT_MIN_MS;
    if (c->op->reads && !last && half < left)
        return half;
    return left > 0 ? left : 1; /* 0 would be without end */
}

static int attempt(const struct call *c, bool last, struct http_response *response, struct err *err)
{
    const char *const headers[] = { *c->target ? c->target : NULL, NULL };
    const struct http_request q = {
        .method = "POST",
        .url = c->endpoint.url,
        .headers = headers,
        .body = c->request->body,
        .content_type = c->content_type,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .timeout_ms = attempt_ms(c, last),
        .max_body = BODY_MAX,
        .once = !c->op->reads,
        .sigv4 = c->op->unsigned_call ? NULL : &c->sigv4,
    };
    return http_perform(c->aws->http, &q, response, err);
}

static void read_words(const struct call *c, const struct http_response *r, struct aws_error_words *words)
{
    struct span body = buf_span(&r->body);
    if (!c->read_error(body, words) && !aws_error_scan_xml(body, words))
        aws_error_words_copy(span_trim(body), words->message, sizeof(words->message));
    if (!*words->code)
        aws_error_code_copy(span_of(r->error_type), words->code, sizeof(words->code));
}

/* An answer that is no 2xx: its words, also for aws_error_code(). */
static void read_refusal(const struct call *c, const struct http_response *r, struct aws_refusal *ret)
{
    *ret = (struct aws_refusal){
        .call = c->name,
        .op = c->op,
        .credentials = c->op->unsigned_call ? NULL : c->request->credentials,
        .status = r->status,
        .skew_ms = r->date_wall_ms ? r->date_wall_ms - clock_wall_ms() : 0,
    };
    read_words(c, r, &ret->words);
    (void)snprintf(c->aws->error_code, sizeof(c->aws->error_code), "%s", ret->words.code);
    c->aws->error_of_time = aws_refusal_is_of_time(ret);
}

/* Nothing was sent, or sending it again does no harm. */
static bool may_repeat(const struct call *c, int result)
{
    return result == -ERR_UNREACHABLE || (c->op->reads && (result == -ERR_NET || result == -ERR_TIMEOUT));
}

static int64_t pause_ms(unsigned tried, bool throttled, int64_t retry_after_ms)
{
    uint32_t random = 0;
    (void)crypto_random(&random, sizeof(random), NULL); /* without it, pauses are the same for everybody */
    int64_t longest = (throttled ? PAUSE_THROTTLED_MS : PAUSE_MS) << (tried < 6 ? tried : 6);
    if (longest > PAUSE_MAX_MS)
        longest = PAUSE_MAX_MS;
    int64_t pause = longest / 2 + random % (longest / 2);
    return pause > retry_after_ms ? pause : retry_after_ms;
}

/* false: cancelled. */
static bool wait_ms(const struct call *c, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;
    for (;;) {
        if (c->aws->cancel && *c->aws->cancel)
            return false;
        int64_t left = clock_left_ms(until);
        if (left == 0)
            return true;
        clock_sleep_ms(left < PAUSE_SLICE_MS ? left : PAUSE_SLICE_MS);
    }
}

static int fail_lost(const struct call *c, int result, struct err *err)
{
    if (result == -ERR_UNREACHABLE || result == -ERR_TIMEOUT || result == -ERR_NET)
        err_hint(err, "Check that this machine reaches the address of AWS: DNS, proxy (https_proxy), firewall, VPC "
                      "endpoint; then run again.");
    return err_wrap(err, "%s", c->name);
}

static void note_again(const struct call *c, int result, const char *code, int64_t pause, const struct err *err)
{
    char text[200] = "no answer";
    if (result == 0)
        (void)snprintf(text, sizeof(text), "%s", *code ? code : "the service failed");
    else if (err)
        (void)err_text(err, text, sizeof(text));
    aws_note(c->aws, "%s: %s; trying again in %lld ms", c->name, text, (long long)pause);
}

/* What an attempt came to: 0 done, 1 try again after *pause, -kind. */
static int judge(const struct call *c, unsigned tried, int result, struct http_response *r, int64_t *pause,
                 struct err *err)
{
    bool last = tried >= c->attempts;
    struct aws_refusal refusal = { 0 };
    if (result == 0 && r->status >= 200 && r->status < 300)
        return 0;
    bool again = may_repeat(c, result), throttled = false;
    if (result == 0) {
        read_refusal(c, r, &refusal);
        again = aws_error_is_passing(r->status, refusal.words.code);
        throttled = aws_error_is_throttling(r->status, refusal.words.code);
    }
    *pause = pause_ms(tried - 1, throttled, r->retry_after_ms);
    if (again && !last && *pause < time_left_ms(c)) {
        note_again(c, result, refusal.words.code, *pause, err);
        return 1;
    }
    return result < 0 ? fail_lost(c, result, err) : aws_refusal_tell(&refusal, err);
}

static int perform(const struct call *c, struct buf *body, struct err *err)
{
    for (unsigned tried = 1;; tried++) {
        struct http_response response;
        int64_t pause = 0;
        int r = attempt(c, tried >= c->attempts, &response, err);
        r = judge(c, tried, r, &response, &pause, err);
        if (r == 0) {
            *body = response.body;
            buf_init(&response.body, 0);
        }
        http_response_done(&response);
        if (r <= 0)
            return r;
        err_clear(err);
        if (!wait_ms(c, pause))
            return err_set(err, ERR_CANCEL, 0, "%s: cancelled", c->name);
    }
}

int aws_exchange(struct aws *a, const struct aws_request *request, const char *content_type,
                 aws_read_error_fn *read_error, struct buf *body, struct err *err)
{
    struct call c = { .content_type = content_type, .read_error = read_error };
    buf_init(body, BODY_MAX);
    a->error_code[0] = '\0';
    a->error_of_time = false;
    int r = call_init(&c, a, request, err);
    if (r == 0)
        r = perform(&c, body, err);
    if (r == 0)
        a->error_code[0] = '\0';
    return r;
}

int aws_call(struct aws *a, const struct aws_request *request, struct json **ret, struct err *err)
{
    _cleanup_(buf_wipe_done_p) struct buf body = { 0 };
    struct aws_request q = *request;
    if (q.body.len == 0)
        q.body = SPAN_LIT("{}");
    int r = aws_exchange(a, &q, "application/x-amz-json-1.1", aws_error_read_json, &body, err);
    if (r < 0)
        return r;
    if (json_parse(buf_span(&body), ret, err) < 0)
        return err_wrap(err, "%s %s: the answer is not JSON", services[aws_op_info(q.op)->service].name,
                        aws_op_info(q.op)->name);
    return 0;
}
