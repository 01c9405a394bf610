#include "agent/plan/plan.h"

#include "agent/state/audit.h"
#include "agent/state/store.h"

#include <stdlib.h>

#define PAST_MAX 10
#define LOOKED_AT 200 /* newest entries or records in which these are searched for */

struct past {
    const char *strategy;
    double outage[PAST_MAX], total[PAST_MAX];
    size_t outages, totals, count;
};

/* A deployment as the audit log or its record has it: the members have the same names. */
static void take(struct past *past, const struct json *deployment)
{
    if (past->count == PAST_MAX || strcmp(json_str(deployment, "operation", ""), "deploy") != 0 ||
        strcmp(json_str(deployment, "outcome", ""), "deployed") != 0 ||
        strcmp(json_str(deployment, "strategy", ""), past->strategy) != 0)
        return;
    double outage = json_num(deployment, "outage_seconds", -1), total = json_num(deployment, "total_seconds", -1);
    past->count++;
    if (outage >= 0)
        past->outage[past->outages++] = outage;
    if (total >= 0)
        past->total[past->totals++] = total;
}

static void take_audit(struct past *past, int app_fd)
{
    _cleanup_(audit_log_done_p) struct audit_log log = { 0 };
    struct err ignored = { 0 };
    if (audit_read(app_fd, LOOKED_AT, &log, &ignored) < 0)
        return;
    for (size_t i = 0; i < LOOKED_AT && past->count < PAST_MAX; i++) {
        _cleanup_(json_free_p) struct json *entry = audit_entry(&log, i);
        if (!entry)
            break;
        take(past, entry);
    }
}

/* Of a host whose deployments are older than its audit log. */
static void take_records(struct past *past, int app_fd)
{
    struct strlist ids = { 0 };
    struct err ignored = { 0 };
    (void)store_list_deployments(app_fd, &ids, &ignored);
    for (size_t i = 0; i < ids.len && i < LOOKED_AT && past->count < PAST_MAX; i++) {
        _cleanup_(close_p) int dir_fd = -1;
        _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
        _cleanup_(json_free_p) struct json *outcome = NULL;
        if (store_open_deployment(app_fd, ids.items[i], &dir_fd, &ignored) == 0 &&
            store_read(dir_fd, "outcome.json", &text, &ignored) == 0 &&
            json_parse(buf_span(&text), &outcome, &ignored) == 0)
            take(past, outcome);
    }
    strlist_done(&ids);
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* -1: nothing was measured. */
static double median(double *values, size_t count)
{
    if (count == 0)
        return -1;
    qsort(values, count, sizeof(values[0]), by_size);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct json *plan_expected(int app_fd, const char *strategy)
{
    struct past past = { .strategy = strategy };
    struct json *expected = json_object();
    if (app_fd >= 0)
        take_audit(&past, app_fd);
    if (app_fd >= 0 && past.count == 0)
        take_records(&past, app_fd);
    json_set_num(expected, "outage_seconds", median(past.outage, past.outages));
    json_set_num(expected, "total_seconds", median(past.total, past.totals));
    json_set_int(expected, "from", (int64_t)past.count);
    return expected;
}
