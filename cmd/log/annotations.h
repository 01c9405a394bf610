/*
 * What a run comes to, as annotations, the weightiest first, so that the budget is spent on what matters: outcome with its
 * cause, the evidence of each likely cause, the KPIs, and what else needs somebody's eye. Titles are constants.
 */
#ifndef BLUEGREEN_ANNOTATIONS_H
#define BLUEGREEN_ANNOTATIONS_H

#include "cmd/log/github.h"
#include "cmd/report/report.h"

void annotations_print(struct github *g, const struct report *r);
/* "deployed": the outcome for people, a constant. */
const char *annotations_title(const struct report *r);
/* One sentence that says what happened; safe only after the sink's or Markdown's own treatment. */
void annotations_story(const struct report *r, struct buf *out);
/* An answer that somebody should look at: the app does not serve, an error was found, a plan is refused. */
bool annotations_needs_a_person(const struct report *r);

#endif
