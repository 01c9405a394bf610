#include "shared/aws/aws_link_answer.h"
#include "shared/aws/aws_sts.h"

static int get(void *ctx, struct aws *a, struct aws_credentials *ret, char *why, size_t why_size, struct err *err)
{
    const char *path = aws_env(a, "AWS_WEB_IDENTITY_TOKEN_FILE");
    const struct aws_role role = {
        .arn = aws_env(a, "AWS_ROLE_ARN"),
        .session_name = aws_env(a, "AWS_ROLE_SESSION_NAME"),
    };
    _cleanup_(buf_wipe_done_p) struct buf token = BUF_INIT(AWS_IDENTITY_TOKEN_MAX);
    (void)ctx;
    if (!path[0]) {
        (void)snprintf(why, why_size, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
        return 1;
    }
    if (!role.arn[0]) {
        (void)err_set(err, ERR_AWS_CREDENTIALS, 0, "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
        err_hint(err, "Set AWS_ROLE_ARN to the role that the token is for, or unset AWS_WEB_IDENTITY_TOKEN_FILE.");
        return -ERR_AWS_CREDENTIALS;
    }
    int r = aws_link_read_file(path, "AWS_WEB_IDENTITY_TOKEN_FILE", &token, err);
    if (r < 0)
        return r;
    struct span trimmed = span_trim(buf_span(&token));
    if (trimmed.len == 0)
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "AWS_WEB_IDENTITY_TOKEN_FILE: '%.120s' is empty", path);
    token.ptr[(trimmed.ptr - token.ptr) + (ptrdiff_t)trimmed.len] = '\0';
    r = aws_learn(a, trimmed, err);
    return r < 0 ? r : aws_sts_assume_role_with_web_identity(a, &role, trimmed.ptr, "a web identity file", ret, err);
}

struct aws_link aws_link_web_identity_file(void)
{
    return (struct aws_link){ .name = "web identity", .get = get };
}
