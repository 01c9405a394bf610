#include "aws_env.h"

#define VARS (sizeof(((struct aws_env *)0)->vars) / sizeof(((struct aws_env *)0)->vars[0]))

static const char *look_up(void *ctx, const char *name)
{
    const struct aws_env *e = ctx;
    for (size_t i = 0; i < VARS && e->vars[i].name; i++)
        if (strcmp(e->vars[i].name, name) == 0)
            return e->vars[i].value;
    return NULL;
}

static void note(void *ctx, const char *text)
{
    struct aws_env *e = ctx;
    size_t used = strlen(e->notes);
    (void)snprintf(e->notes + used, sizeof(e->notes) - used, "%s\n", text);
}

static int learn(void *ctx, struct span secret, struct err *err)
{
    struct aws_env *e = ctx;
    size_t used = strlen(e->secrets);
    (void)err;
    (void)snprintf(e->secrets + used, sizeof(e->secrets) - used, "%.*s\n", (int)secret.len, secret.ptr);
    return 0;
}

void aws_env_set(struct aws_env *e, const char *name, const char *value)
{
    size_t i = 0;
    while (i + 1 < VARS && e->vars[i].name && strcmp(e->vars[i].name, name) != 0)
        i++;
    e->vars[i].name = name;
    e->vars[i].value = value;
}

struct aws aws_with_env(struct aws_env *e)
{
    return (
        struct aws){ .env = look_up, .env_ctx = e, .on_secret = learn, .secret_ctx = e, .note = note, .note_ctx = e };
}
