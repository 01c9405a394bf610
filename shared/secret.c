#include "shared/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

void secret_wipe(void *p, size_t len)
{
    if (p && len)
        explicit_bzero(p, len);
}

void secret_free_p(char **s)
{
    if (*s)
        secret_wipe(*s, strlen(*s));
    free(*s);
    *s = NULL;
}

void secret_harden_process(void)
{
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    (void)setrlimit(RLIMIT_CORE, &none);          /* a second line of defence: going on without is fine */
    (void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L); /* likewise */
}

void secret_wipe_env(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || strchr(name, '='))
        return;
    for (char **e = environ; e && *e; e++)
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
            secret_wipe(*e + len + 1, strlen(*e + len + 1));
    (void)unsetenv(name); /* fails for an invalid name only */
}
