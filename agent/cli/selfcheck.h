/* `bluegreen-agent self-check`: does this binary work on this machine? Needs no engine and changes nothing. */
#ifndef BLUEGREEN_SELFCHECK_H
#define BLUEGREEN_SELFCHECK_H

#include "shared/err.h"

/* Prints a line for each part that was tried; 0 when all worked. */
int selfcheck(struct err *err);

#endif
