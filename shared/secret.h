/* Memory hygiene for secrets. */
#ifndef BLUEGREEN_SECRET_H
#define BLUEGREEN_SECRET_H

#include <stddef.h>

/* Zero memory in a way the compiler keeps. */
void secret_wipe(void *p, size_t len);
/* Wipe and free a terminated string; sets *s to NULL. For _cleanup_. */
void secret_free_p(char **s);
/* No core dumps, not readable by other processes of the same user. Called first in main(). Never fails loudly. */
void secret_harden_process(void);
/* Overwrite the value of an environment variable in place (so that /proc/PID/environ shows nothing) and unset it. */
void secret_wipe_env(const char *name);

#endif
