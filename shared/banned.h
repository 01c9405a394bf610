/*
 * Functions that must not be used: no bound, no error, or hidden state. Included by shared/buf.h, so by nearly every
 * file; a use fails to compile.
 */
#ifndef BLUEGREEN_BANNED_H
#define BLUEGREEN_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atoll system popen gets tmpnam mktemp

#endif
