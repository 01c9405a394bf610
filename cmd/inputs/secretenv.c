#include "cmd/inputs/secretenv.h"

#include "shared/secret.h"

static const char *const names[] = {
    "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",     "AWS_CONTAINER_AUTHORIZATION_TOKEN",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

struct secretenv {
    char *values[NAMES];
};

const char *secretenv_name(size_t i)
{
    return i < NAMES ? names[i] : NULL;
}

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
        const char *value = getenv(names[i]);
        if (!value || !*value)
            continue;
        github_mask(g, value);
        r = redactor_add(redactor, span_of(value), err);
        if (r == 0 && !(s->values[i] = strdup(value)))
            r = err_set(err, ERR_NOMEM, 0, "out of memory");
        secret_wipe_env(names[i]);
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
        if (s->values[i] && strcmp(names[i], name) == 0)
            return s->values[i];
    return getenv(name);
}
