/*
 * Secret variables that the runner or an earlier step put into the environment (the runner's own tokens, AWS's keys): taken
 * out of it at the start, masked and registered, and kept here for those who need them.
 */
#ifndef BLUEGREEN_SECRETENV_H
#define BLUEGREEN_SECRETENV_H

#include "cmd/log/github.h"

struct secretenv;

/* Take them. 0 or -ERR_NOMEM; *ret is owned by the caller in the first case. */
int secretenv_take(struct secretenv **ret, struct github *g, struct redactor *redactor, struct err *err);
void secretenv_free(struct secretenv *s); /* zeroes them */

/* As getenv(): the variable that was taken, or else the one in the environment; NULL: neither. `s` may be NULL. */
const char *secretenv_get(const struct secretenv *s, const char *name);

#endif
