#include "aws_env.h"

static const char *look_up(void *ctx, const char *name)
{
    const struct aws_env *e = ctx;
    for (size_t i = 0; i < 12 && e->vars[i].name; i++)
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

void aws_env_set(struct aws_env *e, const char *name, const char *value)
{
    size_t i = 0;
    while (i < 11 && e->vars[i].name && strcmp(e->vars[i].name, name) != 0)
        i++;
    e->vars[i].name = name;
    e->vars[i].value = value;
}

struct aws aws_with_env(struct aws_env *e)
{
    return (struct aws){ .env = look_up, .env_ctx = e, .note = note, .note_ctx = e };
}
