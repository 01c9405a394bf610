/*
 * Key performance indicators of a deployment: durations with target, warning and critical thresholds.
 * Contract: names and defaults (README "KPI"). Seconds, decimal.
 */
#ifndef BLUEGREEN_KPI_H
#define BLUEGREEN_KPI_H

#include "buf.h"
#include "json.h"

enum kpi_id { KPI_TOTAL, KPI_CUTOVER, KPI_HEALTH_CHECK, KPI_IMAGE_PULL, KPI_COUNT };
enum kpi_verdict { KPI_NOT_MEASURED, KPI_ON_TARGET, KPI_ABOVE_TARGET, KPI_WARNING, KPI_CRITICAL };

struct kpi_limits {
    double target, warning, critical; /* seconds; target <= warning <= critical */
};

struct kpi_table {
    struct kpi_limits limits[KPI_COUNT];
};

const char *kpi_name(enum kpi_id id);  /* "total", "cutover", "health_check", "image_pull" */
const char *kpi_title(enum kpi_id id); /* for people: "Total deployment time" */
const char *
kpi_verdict_name(enum kpi_verdict v); /* "not_measured", "on_target", "above_target", "warning", "critical" */

/* The defaults: total 600/900/1200, cutover 10/20/30, health_check 30/45/60, image_pull 60/90/120. */
struct kpi_table kpi_defaults(void);

/*
 * Read lines "NAME: TARGET/WARNING/CRITICAL" (blank lines and # comments skipped) over *table. Unknown or repeated
 * names, missing numbers and unordered limits are -ERR_INPUT; then *table is unchanged.
 */
int kpi_parse(struct span text, struct kpi_table *table, struct err *err);

/* seconds < 0: not measured. Above `critical` is critical, above `warning` a warning, above `target` above_target. */
enum kpi_verdict kpi_judge(const struct kpi_limits *limits, double seconds);

/* {"total":[600,900,1200],…} and back; decoding needs each name exactly once and ordered numbers. */
struct json *kpi_to_json(const struct kpi_table *table);
int kpi_from_json(const struct json *j, struct kpi_table *table, struct err *err);

#endif
