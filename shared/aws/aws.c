#include "shared/aws/aws.h"

#include "shared/http.h"
#include "shared/secret.h"

#include <stdarg.h>
#include <strings.h>

int aws_init(struct aws *a, struct err *err)
{
    a->error_code[0] = '\0';
    a->http = NULL;
    return http_new(&a->http, a->cancel, err);
}

void aws_done(struct aws *a)
{
    http_free_p(&a->http);
}

const char *aws_env(const struct aws *a, const char *name)
{
    const char *value = a->env ? a->env(a->env_ctx, name) : NULL;
    return value ? value : "";
}

bool aws_env_true(const struct aws *a, const char *name)
{
    const char *value = aws_env(a, name);
    return strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

void aws_note(const struct aws *a, const char *fmt, ...)
{
    if (!a->note)
        return;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    a->note(a->note_ctx, text);
}

int aws_learn(const struct aws *a, struct span secret, struct err *err)
{
    return a->on_secret && secret.len > 0 ? a->on_secret(a->secret_ctx, secret, err) : 0;
}

void aws_credentials_done(struct aws_credentials *c)
{
    secret_free_p(&c->secret);
    secret_free_p(&c->token);
    secret_wipe(c, sizeof(*c));
}

static bool take_part(struct span part, char *out, size_t out_size)
{
    if (part.len >= out_size)
        return false;
    for (size_t i = 0; i < part.len; i++)
        if (part.ptr[i] <= ' ' || part.ptr[i] > '~')
            return false;
    memcpy(out, part.ptr, part.len);
    out[part.len] = '\0';
    return true;
}

bool aws_arn_parse(const char *text, struct aws_arn *ret)
{
    struct aws_arn arn = { 0 };
    struct span rest = span_of(text), part;
    if (!span_split(&rest, ':', &part) || !span_eq(part, "arn"))
        return false;
    const struct {
        char *out;
        size_t size;
    } parts[] = {
        { arn.partition, sizeof(arn.partition) },
        { arn.service, sizeof(arn.service) },
        { arn.region, sizeof(arn.region) },
        { arn.account, sizeof(arn.account) },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!span_split(&rest, ':', &part) || !take_part(part, parts[i].out, parts[i].size))
            return false;
    if (rest.len == 0 || !*arn.partition || !*arn.service)
        return false;
    arn.resource = rest.ptr;
    *ret = arn;
    return true;
}
