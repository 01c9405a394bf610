/* The answer to a question, out of the report events that bring it (docs/protocol.md "Reports"). */
#ifndef BLUEGREEN_ANSWER_H
#define BLUEGREEN_ANSWER_H

#include "shared/event.h"

#define ANSWER_NAME_SIZE 24
#define ANSWER_ENTRIES_MAX 10000 /* as many as may be asked for */

/*
 * Take a report event in. *report (owned by the caller; NULL before the first) and name ("status") are what came so far: the
 * entries of the later parts of a long answer follow those of the first, up to ANSWER_ENTRIES_MAX. A report of another name replaces it.
 */
void answer_add(const struct event *ev, char name[ANSWER_NAME_SIZE], struct json **report);

#endif
