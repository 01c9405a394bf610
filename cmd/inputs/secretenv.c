#include "cmd/inputs/secretenv.h"

#include "shared/secret.h"

/*
 * Stand-ins for AWS are given "test" for a key: what is too short to be AWS's stays readable, or ordinary text, paths
 * among it, would be blanked.
 */
static const struct {
    const char *name;
    size_t secret_from; /* bytes */
} names[] = {
    { "AWS_ACCESS_KEY_ID", 16 },    /* [botocore: sts accessKeyIdType] */
    { "AWS_SECRET_ACCESS_KEY", 8 }, /* AWS's have 40; those of other stores may be shorter */
    { "AWS_SESSION_TOKEN", 16 },    { "AWS_CONTAINER_AUTHORIZATION_TOKEN", 0 },
    { "ACTIONS_RUNTIME_TOKEN", 0 }, { "ACTIONS_ID_TOKEN_REQUEST_TOKEN", 0 },
};
#define NAMES (sizeof(names) / sizeof(names[0]))

struct secretenv {
    char *values[NAMES];
};

void secretenv_free(struct secretenv *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < NAMES; i++)
        secret_free_p(&s->values[i]);
    free(s);
}

int secretenv_take(struct secretenv **ret, struct github *g, struct redactor *redactor, struct err *err)
{
    struct secretenv *s = calloc(1, sizeof(*s));
    int r = s ? 0 : err_set(err, ERR_NOMEM, 0, "out of memory");

    for (size_t i = 0; r == 0 && i < NAMES; i++) {
        const char *value = getenv(names[i].name);
        if (!value || !*value)
            continue;
        if (strlen(value) >= names[i].secret_from) {
            github_mask(g, value);
            r = redactor_add(redactor, span_of(value), err);
        }
        if (r == 0 && !(s->values[i] = strdup(value)))
            r = err_set(err, ERR_NOMEM, 0, "out of memory");
        secret_wipe_env(names[i].name);
    }
    if (r < 0) {
        secretenv_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

const char *secretenv_get(const struct secretenv *s, const char *name)
{
    for (size_t i = 0; s && i < NAMES; i++)
        if (s->values[i] && strcmp(names[i].name, name) == 0)
            return s->values[i];
    return getenv(name);
}
