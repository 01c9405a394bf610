#include "shared/aws/ecr_internal.h"

#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/secret.h"

#define BODY_MAX 4096
#define TOKEN_MAX 65536 /* one has about 3 KB */

static int call_once(struct aws *a, struct aws_chain *chain, struct aws_request *request, struct json **ret,
                     struct err *err)
{
    if (aws_chain_get(chain, &request->credentials, err) < 0)
        return -(int)err->kind;
    return aws_call(a, request, ret, err);
}

int ecr_call(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r, enum aws_op op,
             const struct json *body, struct json **ret, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(BODY_MAX);
    struct err seen = { 0 };

    if (json_print(body, &text, err) < 0)
        return err_wrap(err, "question for ECR");
    struct aws_request request = { .op = op, .region = r->region, .fips = r->fips, .body = buf_span(&text) };
    int result = call_once(a, chain, &request, ret, &seen);
    if (result < 0 && seen.kind != ERR_CANCEL && aws_error_expired(a)) {
        aws_chain_expired(chain);
        err_clear(&seen);
        result = call_once(a, chain, &request, ret, &seen);
    }
    if (result < 0 && err)
        *err = seen;
    return result;
}

/* base64 of "user:password" */
static int read_token(struct aws *a, const char *text, struct ecr_token *ret, struct err *err)
{
    _cleanup_(buf_wipe_done_p) struct buf pair = BUF_INIT(TOKEN_MAX);
    struct span user, password;

    /* The redactor knows the encodings of what it is told, so the password stands for both. */
    if (crypto_base64_decode(span_of(text), &pair, err) < 0)
        return err_wrap(err, "ECR's authorization token");
    password = buf_span(&pair);
    if (!span_split(&password, ':', &user) || !user.len || !password.len)
        return err_set(err, ERR_PROTO, 0, "ECR's authorization token is not of the form user:password");
    if (aws_learn(a, password, err) < 0)
        return -(int)err->kind;
    ret->username = span_dup(user);
    ret->password = span_dup(password);
    if (!ret->username || !ret->password)
        return err_set(err, ERR_PROTO, 0, "ECR's authorization token holds a NUL byte");
    return 0;
}

/* Of no use here when it is past: the registry decides. */
static int64_t read_expiry(const struct json *data)
{
    double s = json_num(data, "expiresAt", 0);
    int64_t at = s > 0 && s < 1e12 ? (int64_t)(s * 1000) : 0;
    return at > clock_wall_ms() ? at : 0;
}

int ecr_token_get(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r, struct ecr_token *ret,
                  struct err *err)
{
    _cleanup_(json_free_p) struct json *body = json_object(), *answer = NULL;
    enum aws_op op = r->is_public ? AWS_ECR_PUBLIC_GET_AUTHORIZATION_TOKEN : AWS_ECR_GET_AUTHORIZATION_TOKEN;
    struct ecr_token token = { 0 };

    if (ecr_call(a, chain, r, op, body, &answer, err) < 0)
        return err_wrap(err, "ask ECR in %s for a login token", r->region);
    const struct json *data = json_get(answer, "authorizationData");
    if (json_is_array(data))
        data = json_first(data);
    const char *text = json_str(data, "authorizationToken", "");
    if (!*text)
        return err_set(err, ERR_PROTO, 0, "ECR in %s answered without a login token", r->region);
    int result = read_token(a, text, &token, err);
    if (result < 0) {
        ecr_token_done(&token);
        return result;
    }
    token.expires_wall_ms = read_expiry(data);
    *ret = token;
    return 0;
}

void ecr_token_done(struct ecr_token *t)
{
    free_p(&t->username);
    secret_free_p(&t->password);
    t->expires_wall_ms = 0;
}
