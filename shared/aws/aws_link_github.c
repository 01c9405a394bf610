#include "shared/aws/aws_link_answer.h"
#include "shared/aws/aws_sts.h"

#include "shared/aws/aws_endpoint.h"
#include "shared/clock.h"
#include "shared/http.h"
#include "shared/json.h"
#include "shared/secret.h"

#define ATTEMPTS 3
#define ATTEMPT_MS 10000
#define PAUSE_MS 500 /* doubled for the next */
#define URL_MAX 4096
#define HEADER_MAX 8192 /* the runner's token has 1 to 2 KB */

/* The address of the token for this audience: the runner's own, which has a query already. */
static int build_url(const struct aws *a, const struct aws_role *role, struct buf *out, struct err *err)
{
    struct aws_arn arn;
    const struct aws_partition *partition =
        aws_arn_parse(role->arn, &arn) ? aws_partition_by_name(arn.partition) : NULL;
    const char *audience = role->audience && role->audience[0] ? role->audience
                           : partition                         ? partition->audience
                                                               : "sts.amazonaws.com";
    const char *base = aws_env(a, "ACTIONS_ID_TOKEN_REQUEST_URL");
    buf_adds(out, base);
    buf_adds(out, strchr(base, '?') ? "&audience=" : "?audience=");
    http_escape(span_of(audience), out);
    return buf_check(out, err);
}

static int fail_status(int status, struct err *err)
{
    (void)err_set(err, ERR_AWS_CREDENTIALS, status, "GitHub gives this job no identity token: HTTP status %d", status);
    if (status >= 500 || status == 429)
        err_hint(err, "GitHub's token service is overloaded: run the job again.");
    else
        err_hint(err,
                 "Give the job 'permissions: id-token: write'. A job that has run for long may not ask any more: its "
                 "own token has expired.");
    return -ERR_AWS_CREDENTIALS;
}

/* One request. 0: *token is heap and learned; 1: another attempt may help, err is set; -kind. */
static int ask_once(struct aws *a, const struct http_request *request, char **token, struct err *err)
{
    struct http_response answer;
    int r = http_perform(a->http, request, &answer, err);
    if (r < 0) {
        bool again = r != -ERR_CANCEL && r != -ERR_NOMEM && r != -ERR_INPUT;
        http_response_done(&answer);
        return again ? 1 : r;
    }
    if (answer.status != 200) {
        r = fail_status(answer.status, err);
        bool again = answer.status >= 500 || answer.status == 429;
        http_response_done(&answer);
        return again ? 1 : r;
    }
    _cleanup_(json_free_p) struct json *j = NULL;
    const char *value = json_parse(buf_span(&answer.body), &j, NULL) < 0 ? "" : json_str(j, "value", "");
    http_response_done(&answer);
    if (!value[0])
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "GitHub's answer holds no identity token");
    r = aws_learn(a, span_of(value), err);
    if (r == 0 && !(*token = strdup(value)))
        r = err_set(err, ERR_NOMEM, 0, "out of memory");
    return r;
}

static int fetch_token(struct aws *a, const struct aws_role *role, char **token, struct err *err)
{
    _cleanup_(buf_done_p) struct buf url = BUF_INIT(URL_MAX);
    _cleanup_(buf_wipe_done_p) struct buf bearer = BUF_INIT(HEADER_MAX);
    buf_addf(&bearer, "Authorization: bearer %s", aws_env(a, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    if (build_url(a, role, &url, err) < 0 || buf_check(&bearer, err) < 0)
        return err_wrap(err, "ask GitHub for an identity token");
    const char *const headers[] = { buf_str(&bearer), "Accept: application/json", NULL };
    const struct http_request request = {
        .method = "GET",
        .url = buf_str(&url),
        .headers = headers,
        .label = "GitHub's identity token", /* the address names the job's plan */
        .timeout_ms = ATTEMPT_MS,
        .max_body = AWS_ANSWER_MAX,
    };
    struct err why = { 0 };
    int r = 1;
    for (unsigned i = 0; r == 1 && i < ATTEMPTS; i++) {
        if (i > 0)
            clock_sleep_ms(PAUSE_MS << (i - 1));
        r = ask_once(a, &request, token, &why);
    }
    if (r != 0 && err)
        *err = why;
    return r == 0 ? 0 : -(int)why.kind;
}

static int get(void *ctx, struct aws *a, struct aws_credentials *ret, char *why, size_t why_size, struct err *err)
{
    const struct aws_role *role = ctx;
    _cleanup_(secret_free_p) char *token = NULL;
    if (!role->arn || !role->arn[0]) {
        (void)snprintf(why, why_size, "no role-to-assume");
        return 1;
    }
    if (!aws_link_has(a, "ACTIONS_ID_TOKEN_REQUEST_URL") || !aws_link_has(a, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")) {
        (void)snprintf(why, why_size, "the job lacks 'permissions: id-token: write'");
        return 1;
    }
    int r = fetch_token(a, role, &token, err);
    return r < 0 ? r : aws_sts_assume_role_with_web_identity(a, role, token, "GitHub's OIDC", ret, err);
}

struct aws_link aws_link_github(struct aws_role *role)
{
    return (struct aws_link){ .name = "GitHub OIDC", .get = get, .ctx = role };
}
