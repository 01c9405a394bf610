/* Which app is meant, when a person on the host does not say so. */
#ifndef BLUEGREEN_APPS_H
#define BLUEGREEN_APPS_H

#include "shared/spec.h"

/*
 * wanted: what --app says, NULL nothing. The only app of the host otherwise. -ERR_INPUT: the name is none, or there is not just one;
 * the hint lists them.
 */
int apps_choose(const char *wanted, char out[SPEC_APP_MAX + 1], struct err *err);

#endif
