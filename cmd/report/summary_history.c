/* The answer to `command: history` as a table, and whether the log is whole. */
#include "cmd/report/summary_parts.h"

#include <inttypes.h>

static void add_keys(const struct markdown *m, const struct json *changes, const char *list, const char *sign,
                     size_t *n)
{
    const struct json *k = NULL;

    for (k = json_first(json_get(changes, list)); k && *n < SUMMARY_ROWS_MAX; k = json_next(k)) {
        markdown_rawf(m, "%s%s", (*n)++ > 0 ? ", " : "", sign);
        markdown_code(m, json_value_str(k, "?"));
    }
}

static void env_cell(const struct markdown *m, const struct json *changes)
{
    size_t n = 0;

    add_keys(m, changes, "env_added", "+", &n);
    add_keys(m, changes, "env_removed", "-", &n);
    add_keys(m, changes, "env_changed", "~", &n);
    if (n == 0)
        markdown_raw(m, "-");
}

static void outcome_cell(const struct markdown *m, const struct json *e)
{
    markdown_text(m, json_str(e, "outcome", "?"));
    if (json_str(e, "error", "")[0]) {
        markdown_raw(m, ": ");
        markdown_text(m, json_str(e, "error", ""));
    }
}

static void image_cell(const struct markdown *m, const struct json *e)
{
    const char *image = json_str(e, "image", "");
    char shown[300];

    (void)snprintf(shown, sizeof(shown), "%.*s", (int)report_image_len(image), image);
    markdown_code(m, shown);
    if (json_str(e, "digest", "")[0]) {
        markdown_raw(m, " ");
        markdown_digest(m, json_str(e, "digest", ""));
    }
}

static void who_cell(const struct markdown *m, const struct json *e)
{
    const char *who = json_str(e, "who", "");

    if (strncmp(who, "https://", 8) == 0)
        markdown_link(m, "run", who);
    else
        markdown_code(m, who);
    if (json_str(e, "reason", "")[0]) {
        markdown_raw(m, ": ");
        markdown_text(m, json_str(e, "reason", ""));
    }
}

static void row(const struct markdown *m, const struct json *e)
{
    markdown_rawf(m, "| %" PRId64 " | ", json_int(e, "n", 0));
    markdown_time(m, json_str(e, "t", ""));
    markdown_raw(m, " | ");
    markdown_text(m, json_str(e, "operation", "?"));
    markdown_raw(m, " | ");
    outcome_cell(m, e);
    markdown_raw(m, " | ");
    image_cell(m, e);
    markdown_raw(m, " | ");
    markdown_seconds(m, json_num(e, "total_seconds", -1));
    markdown_raw(m, " | ");
    markdown_seconds(m, json_num(e, "outage_seconds", -1));
    markdown_raw(m, " | ");
    env_cell(m, json_get(e, "changes"));
    markdown_raw(m, " | ");
    who_cell(m, e);
    markdown_raw(m, " |\n");
}

static void verification(const struct markdown *m, const struct json *v)
{
    if (json_bool(v, "whole", false)) {
        markdown_rawf(m, "The audit log is whole: %" PRId64 " entries", json_int(v, "entries", 0));
    } else {
        markdown_raw(m, "**The audit log is not whole:** ");
        markdown_text(m, json_str(v, "why", "it was not verified"));
    }
    if (json_str(v, "head", "")[0]) {
        markdown_raw(m, "; hash of the last one ");
        markdown_code(m, json_str(v, "head", ""));
    }
    markdown_raw(m, ".\n\n");
}

void summary_part_history(const struct markdown *m, const struct report *r)
{
    const struct json *e = json_first(json_get(r->answer, "entries"));
    size_t rows = 0;

    if (!r->answer)
        return;
    verification(m, json_get(r->answer, "verified"));
    if (e)
        markdown_raw(m, "| # | When (UTC) | What | Outcome | Image | Total | Outage | Environment | By "
                        "|\n|--:|---|---|---|---|--:|--:|---|---|\n");
    for (; e && rows < SUMMARY_HISTORY_ROWS_MAX; e = json_next(e), rows++)
        row(m, e);
    if (e)
        markdown_rawf(m, "\nThe newest %zu of %" PRId64 " entries.\n", rows, json_int(r->answer, "total", 0));
    markdown_raw(m, "\n");
}
