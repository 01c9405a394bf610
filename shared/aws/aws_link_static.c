#include "shared/aws/aws_link_answer.h"
#include "shared/aws/aws_links.h"

static const char *text(const char *s)
{
    return s ? s : "";
}

static int get(void *ctx, struct aws *a, struct aws_credentials *ret, char *why, size_t why_size, struct err *err)
{
    const struct aws_static_keys *keys = ctx;
    const struct aws_link_answer answer = {
        .key_id = text(keys->key_id), .secret = text(keys->secret), .token = text(keys->token), .expiration = ""
    };
    (void)a;
    if (answer.key_id[0] == '\0' && answer.secret[0] == '\0') {
        (void)snprintf(why, why_size, "not given");
        return 1;
    }
    return aws_link_take(&answer, "aws-access-key-id", ret, err);
}

struct aws_link aws_link_static(struct aws_static_keys *keys)
{
    return (struct aws_link){ .name = "aws-access-key-id", .get = get, .ctx = keys };
}
