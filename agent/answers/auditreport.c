#include "agent/answers/auditreport.h"

#include "agent/answers/reply.h"
#include "agent/state/store.h"

#include <inttypes.h>

#define EVENT_ENTRIES_MAX 40
#define EVENT_BYTES_MAX (EVENT_LINE_MAX - AUDITCHAIN_LINE_MAX - 4096) /* then the next entry goes into the next event */

/* Members of an entry that are text, and those that are numbers with the value that says "not measured". */
static const char *const texts[] = {
    "operation",       "deployment",          "outcome",  "error", "image",  "digest", "previous_image",
    "previous_digest", "previous_deployment", "strategy", "who",   "reason", "started"
};
static const struct {
    const char *name, *outcome, *kpi; /* in an entry; in an outcome, or in its kpi */
    double absent;
} numbers[] = {
    { "total_seconds", "total_seconds", NULL, -1 },       { "cutover_seconds", "cutover_seconds", NULL, -1 },
    { "health_check_seconds", NULL, "health_check", -1 }, { "image_pull_seconds", NULL, "image_pull", -1 },
    { "outage_seconds", "outage_seconds", NULL, -1 },     { "requests_failed", "requests_failed", NULL, 0 },
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct json *auditreport_of_outcome(const struct json *outcome, const char *reason)
{
    struct json *e = json_object();
    struct json *changes = json_copy(json_get(outcome, "changes"));
    for (size_t i = 0; i < COUNT(texts); i++)
        json_set_str(e, texts[i], json_str(outcome, texts[i], ""));
    json_set_str(e, "error", json_str(json_get(outcome, "error"), "kind", ""));
    json_set_str(e, "who", json_str(outcome, "run_link", ""));
    json_set_str(e, "reason", reason);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const struct json *kpi = numbers[i].kpi ? json_path(outcome, "kpi", numbers[i].kpi, NULL) : NULL;
        json_set_num(e, numbers[i].name,
                     kpi ? json_num(kpi, "seconds", -1)
                         : json_num(outcome, numbers[i].outcome ? numbers[i].outcome : "", numbers[i].absent));
    }
    json_del(changes, "image"); /* members of their own */
    json_del(changes, "digest");
    json_del(changes, "kept");
    json_set(e, "changes", changes ? changes : json_object());
    return e;
}

/* All members, whatever the file has: it may have been written by anybody with a good hash. */
static struct json *entry_json(const struct json *from)
{
    struct json *e = json_object();
    json_set_int(e, "n", json_int(from, "n", 0));
    json_set_str(e, "t", json_str(from, "t", ""));
    for (size_t i = 0; i < COUNT(texts); i++)
        json_set_str(e, texts[i], json_str(from, texts[i], ""));
    for (size_t i = 0; i < COUNT(numbers); i++)
        json_set_num(e, numbers[i].name, json_num(from, numbers[i].name, numbers[i].absent));
    const struct json *changes = json_get(from, "changes");
    json_set(e, "changes", json_is_object(changes) ? json_copy(changes) : json_object());
    json_set_str(e, "hash", json_str(from, "hash", ""));
    json_set_str(e, "broken", json_str(from, AUDITCHAIN_BROKEN, ""));
    return e;
}

struct json *auditreport_entries(const struct audit_log *log, size_t max)
{
    struct json *all = json_array();
    for (size_t i = 0; i < log->count && i < max; i++) {
        _cleanup_(json_free_p) struct json *e = audit_entry(log, i);
        if (e)
            json_push(all, entry_json(e));
    }
    return all;
}

/* ---- trend ---- */

static bool is_good(const struct json *e)
{
    const char *operation = json_str(e, "operation", ""), *outcome = json_str(e, "outcome", "");
    return (strcmp(operation, "deploy") == 0 && strcmp(outcome, "deployed") == 0) ||
           (strcmp(operation, "rollback") == 0 && strcmp(outcome, "rolled_back") == 0);
}

static struct json *point(const struct json *e)
{
    static const char *const names[][2] = { { "total", "total_seconds" },
                                            { "cutover", "cutover_seconds" },
                                            { "health_check", "health_check_seconds" },
                                            { "image_pull", "image_pull_seconds" },
                                            { "outage", "outage_seconds" } };
    struct json *p = json_object();
    json_set_str(p, "deployment", json_str(e, "deployment", ""));
    json_set_str(p, "outcome", json_str(e, "outcome", ""));
    for (size_t i = 0; i < COUNT(names); i++)
        json_set_num(p, names[i][0], json_num(e, names[i][1], -1));
    return p;
}

struct json *auditreport_trend_of(const struct audit_log *log)
{
    struct json *found[AUDITREPORT_TREND_MAX];
    struct json *trend = json_array();
    size_t n = 0;
    for (size_t i = 0; i < log->count && i < AUDITREPORT_LOOKED_AT && n < AUDITREPORT_TREND_MAX; i++) {
        _cleanup_(json_free_p) struct json *e = audit_entry(log, i);
        bool again = n > 0 && strcmp(json_str(found[n - 1], "deployment", ""), json_str(e, "deployment", "")) == 0;
        if (is_good(e) && !again)
            found[n++] = point(e);
    }
    while (n > 0)
        json_push(trend, found[--n]);
    return trend;
}

struct json *auditreport_trend(int app_fd)
{
    _cleanup_(audit_log_done_p) struct audit_log log = { 0 };
    struct err ignored = { 0 };
    if (audit_read(app_fd, AUDITREPORT_LOOKED_AT, &log, &ignored) < 0)
        return json_array();
    return auditreport_trend_of(&log);
}

/* ---- history ---- */

struct json *auditreport_verified(const struct audit_verified *v)
{
    struct json *j = json_object();
    json_set_bool(j, "whole", v->whole);
    json_set_int(j, "entries", v->entries);
    json_set_str(j, "head", v->head);
    json_set_int(j, "first_bad", v->first_bad);
    json_set_str(j, "why", v->why);
    return j;
}

/* One event with entries from *at on, as many as fit; the first one has the rest of the report. */
static int send_part(const struct wire_request *request, const struct audit_log *log, size_t *at, int out_fd,
                     struct err *err)
{
    _cleanup_(event_done_p) struct event ev;
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(EVENT_LINE_MAX);
    struct json *report = json_object(), *entries = json_array();
    size_t used = 0;
    event_init(&ev, EVENT_REPORT, "");
    json_set_str(report, "app", request->app);
    for (size_t n = 0; *at < log->count && n < EVENT_ENTRIES_MAX && used < EVENT_BYTES_MAX; n++, (*at)++) {
        _cleanup_(json_free_p) struct json *e = audit_entry(log, *at);
        if (!e)
            continue;
        struct json *shown = entry_json(e);
        buf_reset(&text);
        int r = json_print(shown, &text, err);
        json_push(entries, shown);
        if (r < 0)
            return r;
        used += text.len + 1;
    }
    json_set(report, "entries", entries);
    json_set_int(report, "total", log->verified.entries);
    json_set(report, "verified", auditreport_verified(&log->verified));
    json_set_str(ev.body, "name", "history");
    json_set(ev.body, "report", report);
    return reply_event(out_fd, &ev, err);
}

static int damaged(const struct audit_verified *v, struct err *err)
{
    err_hint(
        err,
        "Compare the entries with the hashes in the logs and bundles of the runs (SECURITY.md, \"The audit log\"); "
        "keep a copy of the files on the host.");
    return err_set(err, ERR_AUDIT, 0, "the audit log is not whole: %s", v->why);
}

int auditreport_reply(const struct wire_request *request, int out_fd, struct err *err)
{
    _cleanup_(close_p) int app_fd = -1;
    _cleanup_(audit_log_done_p) struct audit_log log = { .verified.whole = true };
    size_t wanted = request->lines < WIRE_LINES_MAX ? (size_t)request->lines : WIRE_LINES_MAX, at = 0;
    int r = store_find_app(request->app, &app_fd, err);
    if (r == 0)
        r = audit_read(app_fd, wanted, &log, err);
    do
        r = r < 0 ? r : send_part(request, &log, &at, out_fd, err);
    while (r == 0 && at < log.count);
    if (r < 0)
        return r;
    return request->verify && !log.verified.whole ? damaged(&log.verified, err) : 0;
}
