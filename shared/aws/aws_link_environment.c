#include "shared/aws/aws_link_answer.h"
#include "shared/aws/aws_links.h"

static int fail_half(const char *set, const char *unset, struct err *err)
{
    (void)err_set(err, ERR_AWS_CREDENTIALS, 0, "%s is set and %s is not", set, unset);
    err_hint(err, "Set both, or neither: a step before this one, or the workflow's env, sets half of them.");
    return -ERR_AWS_CREDENTIALS;
}

static int get(void *ctx, struct aws *a, struct aws_credentials *ret, char *why, size_t why_size, struct err *err)
{
    const struct aws_link_answer answer = {
        .key_id = aws_env(a, "AWS_ACCESS_KEY_ID"),
        .secret = aws_env(a, "AWS_SECRET_ACCESS_KEY"),
        .token = aws_env(a, "AWS_SESSION_TOKEN"),
        .expiration = "",
    };
    (void)ctx;
    if (!answer.key_id[0] && !answer.secret[0]) {
        (void)snprintf(why, why_size, "AWS_ACCESS_KEY_ID is not set");
        return 1;
    }
    if (!answer.secret[0])
        return fail_half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", err);
    if (!answer.key_id[0])
        return fail_half("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", err);
    if (strncmp(answer.key_id, "ASIA", 4) == 0 && !answer.token[0])
        return fail_half("AWS_ACCESS_KEY_ID to a temporary key (ASIA…)", "AWS_SESSION_TOKEN", err);
    return aws_link_take(&answer, "the environment", ret, err);
}

struct aws_link aws_link_environment(void)
{
    return (struct aws_link){ .name = "environment", .get = get };
}
