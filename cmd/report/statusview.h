/* The answer to `command: status` as a table in the log. */
#ifndef BLUEGREEN_STATUSVIEW_H
#define BLUEGREEN_STATUSVIEW_H

#include "cmd/log/github.h"
#include "shared/json.h"

/* report: the member of the status event (docs/protocol.md); NULL prints nothing. */
void statusview_print(struct github *g, const struct json *report);

#endif
