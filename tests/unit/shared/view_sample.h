/* Reports as the agent makes them, for the tests of what is shown of them. */
#ifndef BLUEGREEN_VIEW_SAMPLE_H
#define BLUEGREEN_VIEW_SAMPLE_H

#include "shared/view/view.h"

/* The report of that name in tests/unit/reports, with the members of `patch`, an object or NULL, in place of its own. The caller frees. */
struct json *view_sample(const char *name, const char *patch);
/* What is shown; valid until the next call. */
const char *view_shown(const char *name, const struct json *report, unsigned width, bool colour);

/*
 * Put hostile words at each place of the report where a string stands, one after the other and all at once, and look at each result: nothing
 * but printable text, ended lines and our own colours; no line wider than it may be, commands excepted.
 */
void view_attack(const char *name);

#endif
