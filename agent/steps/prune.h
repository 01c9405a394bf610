/* Which images of this app may go? Pure decision, apart from the calls that carry it out. */
#ifndef BLUEGREEN_PRUNE_H
#define BLUEGREEN_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

/* An image may go when nothing uses it and the last deployment of it ended at least keep_hours ago. */
bool prune_may_go(bool in_use, int64_t last_used_ms, int64_t now_ms, int64_t keep_hours);

#endif
