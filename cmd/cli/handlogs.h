/* The log of a version, line by line as it is, and on for as long as somebody reads. */
#ifndef BLUEGREEN_HANDLOGS_H
#define BLUEGREEN_HANDLOGS_H

#include "cmd/stage.h"

/*
 * Ask for it and print its lines on standard output, redacted and made safe for a terminal. follow: new ones too, until the user's
 * signal; a connection that is lost is made again, and goes on with what came after the last piece. *r has the end of it.
 */
void handlogs_run(struct stage *s, bool follow, struct report *r);

#endif
