#include "cmd/summary_parts.h"

#include "cmd/safetext.h"

#include <inttypes.h>

#define ROWS_MAX 60 /* of a table whose length the host decides */

/* ---- cause ---- */

static void labelled(const struct markdown *m, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    markdown_rawf(m, "- **%s:** ", label);
    markdown_text(m, text);
    markdown_raw(m, "\n");
}

static void diagnosis(const struct markdown *m, const struct report_diagnosis *d)
{
    labelled(m, "Likely cause", d->cause);
    labelled(m, "Next", d->next);
    if (!d->evidence.len)
        return;
    markdown_raw(m, "\n<details><summary>Evidence</summary>\n\n");
    markdown_fence(m, buf_span(&d->evidence), REPORT_EVIDENCE_MAX);
    markdown_raw(m, "\n</details>\n\n");
}

void summary_part_cause(const struct markdown *m, const struct report *r)
{
    char text[ERR_FRAMES * ERR_TEXT_MAX];

    if (r->cause.kind == ERR_OK && !r->diagnosis_count)
        return;
    markdown_raw(m, "### Why\n\n");
    if (r->cause.kind != ERR_OK) {
        labelled(m, "Failed step", r->failed_step);
        labelled(m, "Cause", err_text(&r->cause, text, sizeof(text)));
        labelled(m, "What to do", err_hint_text(&r->cause));
    }
    for (size_t i = 0; i < r->diagnosis_count; i++)
        diagnosis(m, &r->diagnoses[i]);
    markdown_raw(m, "\n");
}

/* ---- what changed ---- */

static void change_row(const struct markdown *m, const char *what, const char *before, const char *now)
{
    markdown_raw(m, "| ");
    markdown_text(m, what);
    markdown_raw(m, " | ");
    markdown_code(m, before);
    markdown_raw(m, " | ");
    markdown_code(m, now);
    markdown_raw(m, " |\n");
}

/* A value of any JSON type as text. */
static void add_value(const struct json *v, struct buf *out)
{
    if (json_is_number(v))
        buf_addf(out, "%.15g", json_value_num(v, 0));
    else
        buf_adds(out, json_value_str(v, ""));
}

static void change_pair(const struct markdown *m, const struct json *pair)
{
    _cleanup_(buf_done_p) struct buf before = BUF_INIT(64 * 1024), now = BUF_INIT(64 * 1024);
    const struct json *first = json_first(pair);

    add_value(first, &before);
    add_value(first ? json_next(first) : NULL, &now);
    change_row(m, json_key(pair), buf_str(&before), buf_str(&now));
}

static void change_keys(const struct markdown *m, const char *what, const struct json *keys)
{
    const struct json *key = NULL;
    size_t shown = 0;

    if (!json_len(keys))
        return;
    markdown_rawf(m, "| %s | | ", what);
    for (key = json_first(keys); key && shown < ROWS_MAX; key = json_next(key), shown++) {
        markdown_raw(m, shown ? ", " : "");
        markdown_code(m, json_value_str(key, "?"));
    }
    if (key)
        markdown_rawf(m, " and %zu more", json_len(keys) - shown);
    markdown_raw(m, " |\n");
}

static bool is_key_list(const char *name)
{
    return strncmp(name, "env_", 4) == 0;
}

void summary_part_changes(const struct markdown *m, const struct report *r)
{
    const struct json *changes = json_get(r->facts, "changes"), *c = NULL;
    size_t rows = 0;

    if (!r->facts || r->op != WIRE_DEPLOY)
        return;
    markdown_raw(m, "### What changed\n\n| Setting | Before | Now |\n|---|---|---|\n");
    if (!json_get(changes, "image"))
        change_row(m, "image", report_str(r, "previous_image"), report_str(r, "image"));
    if (!json_get(changes, "digest"))
        change_row(m, "digest", report_str(r, "previous_digest"), report_str(r, "digest"));
    for (c = json_first(changes); c && rows < ROWS_MAX; c = json_next(c))
        if (json_is_array(c) && json_key(c) && !is_key_list(json_key(c)) && ++rows)
            change_pair(m, c);
    change_keys(m, "environment: added", json_get(changes, "env_added"));
    change_keys(m, "environment: removed", json_get(changes, "env_removed"));
    change_keys(m, "environment: changed", json_get(changes, "env_changed"));
    markdown_raw(m, "\n");
}

/* ---- timeline ---- */

static const char *state_word(const struct report_step *s)
{
    switch (s->state) {
    case REPORT_STEP_DONE:
        return s->undo ? "undone" : "done";
    case REPORT_STEP_FAILED:
        return "failed";
    case REPORT_STEP_RUNNING:
    default:
        return "not finished";
    }
}

/* "Image pull :done, s3, 1200, 5400": times relative to the first step, so that the axis counts from 00:00. */
static void gantt_row(const struct markdown *m, const struct report *r, size_t i)
{
    const struct report_step *s = &r->steps[i];
    int64_t start = s->start_ms - r->steps[0].start_ms;
    int64_t length = s->seconds > 0 && s->seconds < 1e6 ? (int64_t)(s->seconds * 1000) : 0;
    const char *tag = s->state == REPORT_STEP_FAILED ? "crit, " : s->undo ? "active, " : "done, ";

    if (start < 0)
        start = 0;
    markdown_rawf(m, "    %zu ", i + 1);
    safetext_mermaid(span_of(s->title), m->out);
    markdown_rawf(m, " :%ss%zu, %" PRId64 ", %" PRId64 "\n", tag, i + 1, start, start + (length ? length : 1));
}

static void gantt(const struct markdown *m, const struct report *r)
{
    bool undo = false;

    markdown_raw(m, "```mermaid\ngantt\n    dateFormat x\n    axisFormat %M:%S\n    section Steps\n");
    for (size_t i = 0; i < r->step_count; i++) {
        if (r->steps[i].undo && !undo)
            markdown_raw(m, "    section Way back\n");
        undo = r->steps[i].undo;
        gantt_row(m, r, i);
    }
    markdown_raw(m, "```\n\n");
}

static void timeline_row(const struct markdown *m, const struct report_step *s, size_t number)
{
    markdown_rawf(m, "| %zu | %s", number, s->undo ? "Undo: " : "");
    markdown_text(m, s->title);
    markdown_rawf(m, " | %s | ", state_word(s));
    markdown_seconds(m, s->seconds);
    markdown_raw(m, " | ");
    markdown_text(m, s->text);
    markdown_raw(m, " |\n");
}

void summary_part_timeline(const struct markdown *m, const struct report *r)
{
    if (!r->step_count)
        return;
    markdown_raw(m, "### Timeline\n\n");
    gantt(m, r);
    markdown_raw(m, "| # | Step | State | Duration | Detail |\n|--:|---|---|--:|---|\n");
    for (size_t i = 0; i < r->step_count; i++)
        timeline_row(m, &r->steps[i], i + 1);
    markdown_raw(m, "\n");
    if (r->steps_left_out)
        markdown_rawf(m, "%" PRIu64 " further steps are left out.\n\n", r->steps_left_out);
}

/* ---- KPI ---- */

static const char *verdict_words(enum kpi_verdict v)
{
    switch (v) {
    case KPI_ON_TARGET:
        return "on target";
    case KPI_ABOVE_TARGET:
        return "above target";
    case KPI_WARNING:
        return "**warning**";
    case KPI_CRITICAL:
        return "**critical**";
    case KPI_NOT_MEASURED:
    default:
        return "not measured";
    }
}

static void kpi_limit(const struct markdown *m, double seconds)
{
    if (seconds >= 0)
        markdown_rawf(m, " | %g s", seconds);
    else
        markdown_raw(m, " | -");
}

void summary_part_kpi(const struct markdown *m, const struct report *r)
{
    if (!json_get(r->facts, "kpi"))
        return;
    markdown_raw(m, "### KPI\n\n| KPI | Value | Target | Warning | Critical | Verdict |\n|---|--:|--:|--:|--:|---|\n");
    for (int i = 0; i < KPI_COUNT; i++) {
        struct kpi_limits limits;
        double seconds = report_kpi_seconds(r, (enum kpi_id)i, &limits);
        markdown_rawf(m, "| %s | ", kpi_title((enum kpi_id)i));
        markdown_seconds(m, seconds);
        kpi_limit(m, limits.target);
        kpi_limit(m, limits.warning);
        kpi_limit(m, limits.critical);
        markdown_rawf(m, " | %s |\n", verdict_words(report_kpi(r, (enum kpi_id)i)));
    }
    markdown_raw(m, "\n");
}

/* ---- cutover ---- */

static void milliseconds(const struct markdown *m, double ms)
{
    if (ms >= 0)
        markdown_rawf(m, "%.1f ms", ms);
    else
        markdown_raw(m, "not measured");
}

void summary_part_cutover(const struct markdown *m, const struct report *r)
{
    const struct json *response = json_get(r->facts, "response_ms");
    double outage = report_num(r, "outage_seconds"), cutover = report_num(r, "cutover_seconds");

    if (!r->facts || (outage < 0 && cutover < 0 && !response))
        return;
    markdown_raw(m, "### Cutover\n\n| Measured | Value |\n|---|--:|\n| Cutover | ");
    markdown_seconds(m, cutover);
    markdown_raw(m, " |\n| Outage on the port | ");
    markdown_seconds(m, outage);
    markdown_raw(m, " |\n");
    if (report_num(r, "requests_seen") >= 0)
        markdown_rawf(m, "| Probes answered / failed | %.0f / %.0f |\n",
                      report_num(r, "requests_seen") - report_num(r, "requests_failed"),
                      report_num(r, "requests_failed"));
    markdown_raw(m, "| Response time before | ");
    milliseconds(m, json_num(response, "before", -1));
    markdown_raw(m, " |\n| Response time after | ");
    milliseconds(m, json_num(response, "after", -1));
    markdown_raw(m, " |\n\n");
}

/* ---- health ---- */

static void sample_row(const struct markdown *m, const struct report_sample *s)
{
    markdown_raw(m, "| ");
    markdown_text(m, s->target);
    markdown_rawf(m, " | %" PRId64 " | ", s->attempt);
    if (s->status > 0)
        markdown_rawf(m, "%" PRId64, s->status);
    else
        markdown_raw(m, "no answer");
    markdown_rawf(m, " | %.0f ms | ", s->ms);
    markdown_text(m, s->error);
    markdown_raw(m, " |\n");
}

void summary_part_health(const struct markdown *m, const struct report *r)
{
    bool any = false;

    for (size_t i = 0; i < REPORT_TARGETS; i++)
        any = any || r->counts[i].seen > 0;
    if (!any && !r->verify[0])
        return;
    markdown_raw(m, "### Health\n\n");
    for (size_t i = 0; i < REPORT_TARGETS; i++)
        if (r->counts[i].seen)
            markdown_rawf(m, "- %s: %" PRIu64 " samples, %" PRIu64 " failed\n", r->counts[i].target, r->counts[i].seen,
                          r->counts[i].failed);
    labelled(m, "verify-url", r->verify);
    markdown_raw(m, "\n");
    if (!r->sample_count)
        return;
    markdown_rawf(m, "<details><summary>First %zu failed samples</summary>\n\n", r->sample_count);
    markdown_raw(m, "| Target | Attempt | Status | Time | Error |\n|---|--:|---|--:|---|\n");
    for (size_t i = 0; i < r->sample_count; i++)
        sample_row(m, &r->samples[i]);
    markdown_raw(m, "\n</details>\n\n");
}

/* ---- containers ---- */

static void container_row(const struct markdown *m, const struct json *c, const char *role)
{
    markdown_raw(m, "| ");
    markdown_text(m, role);
    markdown_raw(m, " | ");
    markdown_code(m, json_str(c, "name", ""));
    markdown_raw(m, " | ");
    markdown_code(m, json_str(c, "image", ""));
    markdown_raw(m, " | ");
    markdown_code(m, json_str(c, "digest", ""));
    markdown_raw(m, " | ");
    markdown_text(m, json_str(c, "status", "?"));
    markdown_raw(m, " | ");
    markdown_code(m, json_str(c, "deployment", ""));
    markdown_raw(m, " | ");
    markdown_text(m, json_str(c, "started", ""));
    markdown_raw(m, " |\n");
}

#define CONTAINER_HEAD                                                                                                 \
    "| Role | Name | Image | Digest | Status | Deployment | Started |\n"                                               \
    "|---|---|---|---|---|---|---|\n"

static void resources(const struct markdown *m, const struct json *u)
{
    if (!json_is_object(u))
        return;
    markdown_raw(m, "What serves uses ");
    if (json_num(u, "cpu_percent", -1) >= 0)
        markdown_rawf(m, "%.1f %% CPU, ", json_num(u, "cpu_percent", -1));
    markdown_bytes(m, json_num(u, "memory_bytes", -1));
    markdown_raw(m, " memory of ");
    if (json_num(u, "memory_limit_bytes", 0) > 0)
        markdown_bytes(m, json_num(u, "memory_limit_bytes", 0));
    else
        markdown_raw(m, "no limit");
    markdown_raw(m, "; received ");
    markdown_bytes(m, json_num(u, "net_rx_bytes", -1));
    markdown_raw(m, ", sent ");
    markdown_bytes(m, json_num(u, "net_tx_bytes", -1));
    markdown_raw(m, ".\n\n");
}

void summary_part_containers(const struct markdown *m, const struct report *r)
{
    const struct json *facts = r->rollback_facts ? r->rollback_facts : r->facts;
    const struct json *list = json_get(facts, "containers"), *c = NULL;
    size_t rows = 0;

    if (!json_len(list))
        return;
    markdown_raw(m, "### Containers at the end\n\n" CONTAINER_HEAD);
    for (c = json_first(list); c && rows < ROWS_MAX; c = json_next(c), rows++)
        container_row(m, c, json_str(c, "role", "?"));
    markdown_raw(m, "\n");
    resources(m, json_get(facts, "resources"));
}

/* ---- rollback ---- */

void summary_part_rollback(const struct markdown *m, const struct report *r)
{
    const struct json *own = json_get(r->facts, "rollback");
    const struct json *back = json_is_object(own) ? own : json_get(r->rollback_facts, "rollback");

    if (!json_is_object(back) && !r->rollback_id[0])
        return;
    markdown_raw(m, "### The way back\n\n");
    if (r->rollback_id[0]) {
        markdown_raw(m, "The action asked for it, as rollback ");
        markdown_code(m, r->rollback_id);
        markdown_raw(m, ".\n\n");
    }
    if (!json_is_object(back)) {
        markdown_raw(m, "The host told nothing about it.\n\n");
        return;
    }
    labelled(m, "Reason", json_str(back, "reason", ""));
    labelled(m, "Back to", json_str(back, "to", ""));
    markdown_raw(m, "- **Took:** ");
    markdown_seconds(m, json_num(back, "seconds", -1));
    markdown_rawf(m, "\n- **Answers again, checked:** %s\n\n", json_bool(back, "verified", false) ? "yes" : "no");
}

/* ---- status ---- */

static void live_row(const struct markdown *m, const struct json *c)
{
    const struct json *port = NULL;

    markdown_raw(m, "| ");
    markdown_code(m, json_str(c, "name", ""));
    markdown_raw(m, " | ");
    markdown_text(m, json_str(c, "health", "unknown"));
    markdown_raw(m, " | ");
    milliseconds(m, json_num(c, "response_ms", -1));
    markdown_rawf(m, " | %" PRId64 " | ", json_int(c, "restarts", 0));
    for (port = json_first(json_get(c, "ports")); port; port = json_next(port)) {
        markdown_text(m, json_value_str(port, ""));
        markdown_raw(m, " ");
    }
    markdown_raw(m, "| ");
    if (json_num(c, "cpu_percent", -1) >= 0)
        markdown_rawf(m, "%.1f %%", json_num(c, "cpu_percent", -1));
    else
        markdown_raw(m, "-");
    markdown_raw(m, " | ");
    markdown_bytes(m, json_num(c, "memory_bytes", -1));
    markdown_raw(m, " |\n");
}

static const char *const roles[] = { "blue", "green", "next" };
#define ROLES (sizeof(roles) / sizeof(roles[0]))

static void status_containers(const struct markdown *m, const struct json *status)
{
    const struct json *c = NULL;
    size_t rows = 0;

    markdown_raw(m, CONTAINER_HEAD);
    for (size_t i = 0; i < ROLES; i++)
        if (json_is_object(json_get(status, roles[i])))
            container_row(m, json_get(status, roles[i]), roles[i]);
    for (c = json_first(json_get(status, "others")); c && rows < ROWS_MAX; c = json_next(c), rows++)
        container_row(m, c, "other");
    markdown_raw(
        m, "\n| Container | Health | Response | Restarts | Ports | CPU | Memory |\n|---|---|--:|--:|---|--:|--:|\n");
    for (size_t i = 0; i < ROLES; i++)
        if (json_is_object(json_get(status, roles[i])))
            live_row(m, json_get(status, roles[i]));
    markdown_raw(m, "\n");
}

static void status_deployments(const struct markdown *m, const struct json *list)
{
    const struct json *d = NULL;
    size_t rows = 0;

    if (!json_len(list))
        return;
    markdown_raw(
        m,
        "### Last deployments\n\n| Deployment | Outcome | Image | Started | Took | By |\n|---|---|---|---|--:|---|\n");
    for (d = json_first(list); d && rows < ROWS_MAX; d = json_next(d), rows++) {
        markdown_raw(m, "| ");
        markdown_code(m, json_str(d, "id", ""));
        markdown_raw(m, " | ");
        markdown_text(m, json_str(d, "outcome", ""));
        markdown_raw(m, " | ");
        markdown_code(m, json_str(d, "image", ""));
        markdown_raw(m, " | ");
        markdown_text(m, json_str(d, "started", ""));
        markdown_raw(m, " | ");
        markdown_seconds(m, json_num(d, "total_seconds", -1));
        markdown_raw(m, " | ");
        markdown_text(m, json_str(d, "run_link", ""));
        markdown_raw(m, " |\n");
    }
    markdown_raw(m, "\n");
}

void summary_part_status(const struct markdown *m, const struct report *r)
{
    const struct json *engine = json_get(r->status, "engine"), *disk = json_get(r->status, "disk");
    const struct json *lock = json_get(r->status, "lock");

    if (!r->status)
        return;
    status_containers(m, r->status);
    status_deployments(m, json_get(r->status, "deployments"));
    markdown_raw(m, "Docker Engine ");
    markdown_text(m, json_str(engine, "version", "?"));
    markdown_raw(m, " (API ");
    markdown_text(m, json_str(engine, "api", "?"));
    markdown_raw(m, ", ");
    markdown_text(m, json_str(engine, "arch", "?"));
    markdown_raw(m, "), disk: ");
    markdown_bytes(m, json_num(disk, "free_bytes", -1));
    markdown_raw(m, " free of ");
    markdown_bytes(m, json_num(disk, "total_bytes", -1));
    markdown_raw(m, ".\n\n");
    if (json_bool(lock, "held", false)) {
        markdown_raw(m, "A deployment is running now: ");
        markdown_code(m, json_str(lock, "run_link", ""));
        markdown_raw(m, "\n\n");
    }
}
