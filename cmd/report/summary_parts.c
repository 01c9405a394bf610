#include "cmd/report/summary_parts.h"

#include "shared/safetext.h"

#include <inttypes.h>

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
    markdown_raw(m, "\n<details open><summary>Evidence</summary>\n\n");
    markdown_fence(m, buf_span(&d->evidence), REPORT_EVIDENCE_MAX);
    markdown_raw(m, "\n</details>\n\n");
}

/* The failed step as people know it. */
static const char *failed_title(const struct report *r)
{
    for (size_t i = 0; i < r->step_count; i++)
        if (r->steps[i].state == REPORT_STEP_FAILED && strcmp(r->steps[i].name, r->failed_step) == 0)
            return r->steps[i].title;
    return r->failed_step;
}

void summary_part_cause(const struct markdown *m, const struct report *r)
{
    char text[ERR_FRAMES * ERR_TEXT_MAX];

    if (r->cause.kind == ERR_OK && !r->diagnosis_count)
        return;
    markdown_raw(m, "### Why\n\n");
    if (r->cause.kind != ERR_OK) {
        labelled(m, "Failed step", failed_title(r));
        labelled(m, "Cause", err_text(&r->cause, text, sizeof(text)));
        labelled(m, "What to do", err_hint_text(&r->cause));
    }
    for (size_t i = 0; i < r->diagnosis_count; i++)
        diagnosis(m, &r->diagnoses[i]);
    markdown_raw(m, "\n");
}

/* ---- what changed ---- */

static bool is_key_list(const char *name)
{
    return strncmp(name, "env_", 4) == 0;
}

/* The agent's words for settings, where people would put it otherwise. */
static const char *setting_name(const char *key)
{
    static const char *const names[][2] = {
        { "memory", "memory limit" },           { "cpus", "CPU limit" },
        { "user", "user in the container" },    { "read_only", "read-only root" },
        { "restart_policy", "restart policy" }, { "arguments", "number of arguments" },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(key, names[i][0]) == 0)
            return names[i][1];
    return key;
}

static void change_row(const struct markdown *m, const char *key, const char *before, const char *now)
{
    bool digest = strcmp(key, "digest") == 0;

    markdown_raw(m, "| ");
    markdown_text(m, setting_name(key));
    markdown_raw(m, " | ");
    (digest ? markdown_digest : markdown_code)(m, before);
    markdown_raw(m, " | ");
    (digest ? markdown_digest : markdown_code)(m, now);
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

static void kept_row(const struct markdown *m, const struct json *kept)
{
    markdown_raw(m, "| ");
    markdown_text(m, setting_name(json_key(kept)));
    markdown_raw(m, " | ");
    markdown_code(m, json_value_str(kept, ""));
    markdown_raw(m, " | as before |\n");
}

static void change_keys(const struct markdown *m, const char *what, const struct json *keys)
{
    const struct json *key = NULL;
    size_t shown = 0;

    if (!json_len(keys))
        return;
    markdown_rawf(m, "| %s | | ", what);
    for (key = json_first(keys); key && shown < SUMMARY_ROWS_MAX; key = json_next(key), shown++) {
        markdown_raw(m, shown ? ", " : "");
        markdown_code(m, json_value_str(key, "?"));
    }
    if (key)
        markdown_rawf(m, " and %zu more", json_len(keys) - shown);
    markdown_raw(m, " |\n");
}

void summary_changes_table(const struct markdown *m, const char *heading, const char *now, const struct json *changes)
{
    const struct json *c = NULL;
    size_t rows = 0;

    if (!json_len(changes))
        return;
    markdown_rawf(m, "%s\n\n| Setting | Before | %s |\n|---|---|---|\n", heading, now);
    for (c = json_first(changes); c && rows < SUMMARY_ROWS_MAX; c = json_next(c))
        if (json_is_array(c) && json_key(c) && !is_key_list(json_key(c)) && ++rows)
            change_pair(m, c);
    for (c = json_first(json_get(changes, "kept")); c && rows < SUMMARY_ROWS_MAX; c = json_next(c))
        if (json_key(c) && ++rows)
            kept_row(m, c);
    change_keys(m, "environment: added", json_get(changes, "env_added"));
    change_keys(m, "environment: removed", json_get(changes, "env_removed"));
    change_keys(m, "environment: changed", json_get(changes, "env_changed"));
    markdown_raw(m, "\n");
}

void summary_part_changes(const struct markdown *m, const struct report *r)
{
    bool deployed = r->outcome == OUTCOME_DEPLOYED;

    if (r->facts && r->op == WIRE_DEPLOY)
        summary_changes_table(m, deployed ? "### What changed" : "### What was to change", deployed ? "Now" : "Wanted",
                              json_get(r->facts, "changes"));
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
    markdown_raw(m, "### Against the targets\n\n| KPI | Value | Target | Warning | Critical | Verdict "
                    "|\n|---|--:|--:|--:|--:|---|\n");
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

void summary_milliseconds(const struct markdown *m, double ms)
{
    if (ms < 0)
        markdown_raw(m, "not measured");
    else if (ms < 1)
        markdown_raw(m, "below 1 ms");
    else if (ms < 1e7)
        markdown_rawf(m, ms > (double)(int64_t)ms ? "%.1f ms" : "%.0f ms", ms);
    else
        markdown_rawf(m, "%.3g ms", ms);
}

static void measured(const struct markdown *m, double seconds)
{
    if (seconds >= 0)
        markdown_seconds(m, seconds);
    else
        markdown_raw(m, "not measured");
}

static void cutover_row(const struct markdown *m, const struct json *facts, const char *name)
{
    const struct json *response = json_get(facts, "response_ms");
    double seen = json_num(facts, "requests_seen", 0), failed = json_num(facts, "requests_failed", 0);

    markdown_rawf(m, "| %s | ", name);
    measured(m, json_num(facts, "cutover_seconds", -1));
    markdown_raw(m, " | ");
    measured(m, json_num(facts, "outage_seconds", -1));
    if (seen > 0 && seen < 1e12 && failed >= 0 && failed <= seen)
        markdown_rawf(m, " | %.0f of %.0f | ", seen - failed, seen);
    else
        markdown_raw(m, " | - | ");
    summary_milliseconds(m, json_num(response, "before", -1));
    markdown_raw(m, " | ");
    summary_milliseconds(m, json_num(response, "after", -1));
    markdown_raw(m, " |\n");
}

static bool has_cutover(const struct json *facts)
{
    const struct json *response = json_get(facts, "response_ms");

    return json_num(facts, "cutover_seconds", -1) >= 0 || json_num(facts, "outage_seconds", -1) >= 0 ||
           json_num(response, "after", -1) >= 0;
}

void summary_part_cutover(const struct markdown *m, const struct report *r)
{
    if (!has_cutover(r->facts) && !has_cutover(r->rollback_facts))
        return;
    markdown_raw(m, "### Cutover and response times\n\n"
                    "| | Cutover | Outage on the port | Probes answered | Response before | Response after |\n"
                    "|---|--:|--:|--:|--:|--:|\n");
    if (has_cutover(r->facts))
        cutover_row(m, r->facts, r->op == WIRE_ROLLBACK ? "Rollback" : "Deployment");
    if (has_cutover(r->rollback_facts))
        cutover_row(m, r->rollback_facts, "Way back");
    markdown_raw(m, "\n");
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
    markdown_rawf(m, " | ");
    summary_milliseconds(m, s->ms);
    markdown_raw(m, " | ");
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
            markdown_rawf(m, "- %s: %" PRIu64 " %s, %" PRIu64 " failed\n", r->counts[i].target, r->counts[i].seen,
                          r->counts[i].seen == 1 ? "sample" : "samples", r->counts[i].failed);
    labelled(m, "verify-url", r->verify);
    markdown_raw(m, "\n");
    if (!r->sample_count)
        return;
    markdown_rawf(m, "<details><summary>The first failed samples (%zu)</summary>\n\n", r->sample_count);
    markdown_raw(m, "| Target | Attempt | Status | Time | Error |\n|---|--:|---|--:|---|\n");
    for (size_t i = 0; i < r->sample_count; i++)
        sample_row(m, &r->samples[i]);
    markdown_raw(m, "\n</details>\n\n");
}

/* ---- containers ---- */

void summary_container_head(const struct markdown *m)
{
    markdown_raw(m, "| Role | Container | Image | Digest | Status | Started (UTC) |\n|---|---|---|---|---|---|\n");
}

void summary_container_row(const struct markdown *m, const struct json *c, const char *role)
{
    markdown_raw(m, "| ");
    markdown_text(m, role);
    markdown_raw(m, " | ");
    markdown_code(m, json_str(c, "name", ""));
    markdown_raw(m, " | ");
    markdown_code(m, json_str(c, "image", ""));
    markdown_raw(m, " | ");
    markdown_digest(m, json_str(c, "digest", ""));
    markdown_raw(m, " | ");
    markdown_text(m, json_str(c, "status", "?"));
    markdown_raw(m, " | ");
    markdown_time(m, json_str(c, "started", ""));
    markdown_raw(m, " |\n");
}

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

/* "blue" and "green" are the words of the code; here they are told as what they mean. */
static const char *role_words(const char *role)
{
    if (strcmp(role, "blue") == 0)
        return "serves (blue)";
    if (strcmp(role, "green") == 0)
        return "kept to go back to (green)";
    return role;
}

void summary_part_containers(const struct markdown *m, const struct report *r)
{
    const struct json *facts = r->rollback_facts ? r->rollback_facts : r->facts;
    const struct json *list = json_get(facts, "containers"), *c = NULL;
    size_t rows = 0;

    if (!json_len(list))
        return;
    markdown_raw(m, "### Containers at the end\n\n");
    summary_container_head(m);
    for (c = json_first(list); c && rows < SUMMARY_ROWS_MAX; c = json_next(c), rows++)
        summary_container_row(m, c, role_words(json_str(c, "role", "?")));
    markdown_raw(m, "\n");
    resources(m, json_get(facts, "resources"));
}

/* ---- rollback ---- */

static const char *who_asked(const struct report *r, const char *reason)
{
    if (r->rollback_id[0])
        return "this action, from the runner";
    if (r->op != WIRE_ROLLBACK)
        return "the deployment itself, on the host";
    if (strncmp(reason, "job ", 4) == 0) /* cmd/post.c */
        return "the post step, after the job";
    return "this step";
}

void summary_part_rollback(const struct markdown *m, const struct summary_facts *f)
{
    const struct report *r = f->report;
    const struct json *own = json_get(r->facts, "rollback"), *told = json_get(r->rollback_facts, "rollback");
    const struct json *back = json_is_object(told) ? told : own;
    const char *reason = json_str(back, "reason", "");

    if (!json_is_object(back) && !r->rollback_id[0])
        return;
    markdown_rawf(m, "### The way back\n\n- **Asked for by:** %s", who_asked(r, reason));
    if (r->rollback_id[0]) {
        markdown_raw(m, ", as rollback ");
        markdown_code(m, r->rollback_id);
    }
    markdown_raw(m, "\n");
    if (!json_is_object(back)) {
        markdown_raw(m, "- **How it went:** the host told nothing about it\n\n");
        return;
    }
    labelled(m, "Reason", reason);
    markdown_raw(m, "- **Back to:** ");
    markdown_code(m, json_str(back, "to", ""));
    markdown_raw(m, "\n- **Took:** ");
    markdown_seconds(m, json_num(back, "seconds", -1));
    markdown_rawf(m, "\n- **Answers again, checked:** %s\n\n", json_bool(back, "verified", false) ? "yes" : "**no**");
}
