/* The sections of the job summary. Each prints nothing when there is nothing to say. */
#ifndef BLUEGREEN_SUMMARY_PARTS_H
#define BLUEGREEN_SUMMARY_PARTS_H

#include "cmd/markdown.h"
#include "cmd/report.h"

void summary_part_cause(const struct markdown *m, const struct report *r);    /* cause, hint, diagnosis, evidence */
void summary_part_changes(const struct markdown *m, const struct report *r);  /* table: setting, before, now */
void summary_part_timeline(const struct markdown *m, const struct report *r); /* gantt and table of the steps */
void summary_part_kpi(const struct markdown *m, const struct report *r);
void summary_part_cutover(const struct markdown *m, const struct report *r); /* outage, requests, response times */
void summary_part_health(const struct markdown *m, const struct report *r);  /* counts, first failures folded */
void summary_part_containers(const struct markdown *m,
                             const struct report *r); /* both, and what the serving one uses */
void summary_part_rollback(const struct markdown *m, const struct report *r);
void summary_part_status(const struct markdown *m, const struct report *r); /* the status report */

#endif
