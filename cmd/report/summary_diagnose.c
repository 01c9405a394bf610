/* The answer to `command: diagnose`: likely causes with their next step, then what was looked at. */
#include "cmd/report/summary_parts.h"

#define EVIDENCE_MAX 6000 /* bytes of one finding */

static void evidence(const struct markdown *m, const struct json *lines)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT((size_t)256 * 1024);
    const struct json *l = NULL;

    if (!json_len(lines))
        return;
    for (l = json_first(lines); l && !text.failed; l = json_next(l))
        buf_addf(&text, "%s\n", json_value_str(l, ""));
    markdown_raw(m, "<details><summary>Evidence</summary>\n\n");
    markdown_fence(m, buf_span(&text), EVIDENCE_MAX);
    markdown_raw(m, "\n</details>\n\n");
}

static void finding(const struct markdown *m, size_t number, const struct json *f)
{
    markdown_rawf(m, "**%zu. ", number);
    markdown_text(m, json_str(f, "level", "info"));
    markdown_raw(m, ", ");
    markdown_text(m, json_str(f, "subject", ""));
    markdown_raw(m, ":** ");
    markdown_text(m, json_str(f, "cause", ""));
    markdown_raw(m, "\n\n");
    if (*json_str(f, "next", "")) {
        markdown_raw(m, "**Next:** ");
        markdown_text(m, json_str(f, "next", ""));
        markdown_raw(m, "\n\n");
    }
    summary_command(m, json_str(f, "command", ""));
    evidence(m, json_get(f, "evidence"));
}

static void check(const struct markdown *m, const struct json *c)
{
    markdown_raw(m, "| ");
    markdown_text(m, json_str(c, "name", ""));
    markdown_rawf(m, " | %s | ", json_bool(c, "ok", false) ? "good" : "**bad**");
    markdown_text(m, json_str(c, "text", ""));
    markdown_raw(m, " |\n");
}

void summary_part_diagnose(const struct markdown *m, const struct report *r)
{
    const struct json *findings = json_get(r->answer, "findings"), *checks = json_get(r->answer, "checks"), *c = NULL;
    size_t n = 0;

    if (json_len(findings))
        markdown_raw(m, "### Findings\n\n");
    for (c = json_first(findings); c && n < SUMMARY_ROWS_MAX; c = json_next(c))
        finding(m, ++n, c);
    if (!json_len(checks))
        return;
    markdown_raw(m, "### Checks\n\n| Check | Result | Detail |\n|---|---|---|\n");
    n = 0;
    for (c = json_first(checks); c && n < SUMMARY_ROWS_MAX; c = json_next(c), n++)
        check(m, c);
    markdown_raw(m, "\n");
}
