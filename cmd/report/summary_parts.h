/* The sections of the job summary. Each prints nothing when there is nothing to say. */
#ifndef BLUEGREEN_SUMMARY_PARTS_H
#define BLUEGREEN_SUMMARY_PARTS_H

#include "cmd/report/markdown.h"
#include "cmd/report/summary.h"

#define SUMMARY_ROWS_MAX 60 /* of a table whose length the host decides */
#define SUMMARY_HISTORY_ROWS_MAX 200

void summary_part_facts(const struct markdown *m, const struct summary_facts *f); /* who, where, what, how long */
void summary_part_cause(const struct markdown *m, const struct report *r);        /* cause, hint, diagnosis, evidence */
void summary_part_changes(const struct markdown *m, const struct report *r);      /* table: setting, before, now */
void summary_part_timeline(const struct markdown *m, const struct report *r);     /* chart; the same as text, folded */
void summary_part_kpi(const struct markdown *m, const struct report *r);          /* values, limits, verdicts */
void summary_part_cutover(const struct markdown *m, const struct report *r);      /* outage, probes, response times */
void summary_part_health(const struct markdown *m, const struct report *r);       /* counts, first failures folded */
void summary_part_containers(const struct markdown *m,
                             const struct report *r); /* both, and what the serving one uses */
void summary_part_rollback(const struct markdown *m, const struct summary_facts *f); /* who, why, to what, checked? */
/* The answers to questions, by the name of their report. */
void summary_part_status(const struct markdown *m, const struct report *r);
void summary_part_diagnose(const struct markdown *m, const struct report *r);
void summary_part_prune(const struct markdown *m, const struct report *r);
void summary_part_plan(const struct markdown *m, const struct report *r);

void summary_part_history(const struct markdown *m, const struct report *r); /* the audit log */
void summary_part_trend(const struct markdown *m, const struct report *r);   /* KPIs of the last good runs */

/* A trend (docs/protocol.md "outcome"), folded; nothing below SUMMARY_TREND_MIN runs. */
#define SUMMARY_TREND_MIN 3
void summary_trend(const struct markdown *m, const struct json *trend);

/* Shared by them: rows of the table of containers, and its head. */
void summary_container_head(const struct markdown *m);
void summary_container_row(const struct markdown *m, const struct json *c, const char *role);
/* Below `heading`: setting, before, and as `now` calls it; nothing when there is no change. `changes`: of an outcome. */
void summary_changes_table(const struct markdown *m, const char *heading, const char *now, const struct json *changes);
/* What a prune report removes, with its heading; nothing when it removes nothing. */
void summary_prune_table(const struct markdown *m, const struct json *prune);
/* A command to be copied, in a fence; "": nothing. */
void summary_command(const struct markdown *m, const char *command);
/* "3.5 ms", or "not measured" below 0. */
void summary_milliseconds(const struct markdown *m, double ms);

#endif
