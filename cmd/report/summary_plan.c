/* The answer to `command: plan`, as a reviewer of a pull request wants it: is it possible, what would change, what would it cost. */
#include "cmd/report/summary_parts.h"

#include <inttypes.h>

static void row(const struct markdown *m, const char *name)
{
    markdown_rawf(m, "| %s | ", name);
}

static void problems(const struct markdown *m, const struct json *list)
{
    const struct json *p = NULL;
    size_t n = 0;

    if (!json_len(list))
        return;
    markdown_raw(m, "### Problems\n\n");
    for (p = json_first(list); p && n < SUMMARY_ROWS_MAX; p = json_next(p), n++) {
        markdown_raw(m, "- **");
        markdown_text(m, json_str(p, "kind", ""));
        markdown_raw(m, ":** ");
        markdown_text(m, json_str(p, "message", ""));
        if (*json_str(p, "hint", "")) {
            markdown_raw(m, " **Next:** ");
            markdown_text(m, json_str(p, "hint", ""));
        }
        markdown_raw(m, "\n");
    }
    markdown_raw(m, "\n");
}

static void version(const struct markdown *m, const struct json *plan)
{
    row(m, "Image");
    if (*json_str(plan, "previous_image", "")) {
        markdown_code(m, json_str(plan, "previous_image", ""));
        markdown_raw(m, " → ");
    }
    markdown_code(m, json_str(plan, "image", ""));
    markdown_raw(m, *json_str(plan, "previous_image", "") ? " |\n" : " (the first deployment) |\n");
    row(m, "Digest");
    if (*json_str(plan, "previous_digest", "")) {
        markdown_digest(m, json_str(plan, "previous_digest", ""));
        markdown_raw(m, " → ");
    }
    markdown_code(m, json_str(plan, "digest", ""));
    markdown_raw(m, " |\n");
}

static void platform(const struct markdown *m, const struct json *p)
{
    const struct json *i = NULL;
    size_t n = 0;

    row(m, "Platform");
    for (i = json_first(json_get(p, "image")); i && n < SUMMARY_ROWS_MAX; i = json_next(i), n++) {
        markdown_raw(m, n ? ", " : "");
        markdown_text(m, json_value_str(i, ""));
    }
    if (n) {
        markdown_raw(m, json_bool(p, "fits", false) ? " fits " : " **does not fit** ");
        markdown_text(m, json_str(p, "host", "?"));
    }
    markdown_raw(m, n ? " |\n" : "not known |\n");
}

static void size(const struct markdown *m, const struct json *s)
{
    row(m, "Disk");
    markdown_bytes(m, json_num(s, "disk_needed_bytes", -1));
    markdown_raw(m, " needed, ");
    markdown_bytes(m, json_num(s, "disk_free_bytes", -1));
    markdown_raw(m, " free, ");
    markdown_bytes(m, json_num(s, "download_bytes", -1));
    markdown_raw(m, " to download |\n");
}

static void expected(const struct markdown *m, const struct json *e)
{
    int64_t from = json_int(e, "from", 0);

    row(m, "Expected");
    if (from <= 0) {
        markdown_raw(m, "not known: no deployment to learn from |\n");
        return;
    }
    markdown_raw(m, "outage **");
    markdown_seconds(m, json_num(e, "outage_seconds", -1));
    markdown_raw(m, "**, in all ");
    markdown_seconds(m, json_num(e, "total_seconds", -1));
    markdown_rawf(m, ", from the last %" PRId64 " |\n", from);
}

static void steps(const struct markdown *m, const struct json *list)
{
    const struct json *s = NULL;
    size_t n = 0;

    if (!json_len(list))
        return;
    markdown_rawf(m, "<details><summary>The steps (%zu)</summary>\n\n| # | Step | Name |\n|--:|---|---|\n",
                  json_len(list));
    for (s = json_first(list); s && n < SUMMARY_ROWS_MAX; s = json_next(s)) {
        markdown_rawf(m, "| %zu | ", ++n);
        markdown_text(m, json_str(s, "title", ""));
        markdown_raw(m, " | ");
        markdown_code(m, json_str(s, "name", ""));
        markdown_raw(m, " |\n");
    }
    markdown_raw(m, "\n</details>\n\n");
}

void summary_part_plan(const struct markdown *m, const struct report *r)
{
    const struct json *plan = r->answer;

    if (!plan)
        return;
    problems(m, json_get(plan, "problems"));
    markdown_raw(m, "| Plan | |\n|---|---|\n");
    version(m, plan);
    row(m, "Strategy");
    markdown_code(m, json_str(plan, "strategy", ""));
    markdown_raw(m, " |\n");
    platform(m, json_get(plan, "platform"));
    size(m, json_get(plan, "size"));
    expected(m, json_get(plan, "expected"));
    markdown_raw(m, "\n");
    summary_changes_table(m, "### What would change", "Wanted", json_get(plan, "changes"));
    summary_prune_table(m, json_get(plan, "prune"));
    steps(m, json_get(plan, "steps"));
}
