/* Likely causes, the weightiest first, each with its next step; then what was looked at. */
#include "shared/view/view_internal.h"

#define EVIDENCE_MAX 20

static const char *style_of(const char *level)
{
    return strcmp(level, "error") == 0 ? VIEW_BAD : strcmp(level, "warning") == 0 ? VIEW_WARN : VIEW_GOOD;
}

/* "1. error, SUBJECT: TEXT" */
static void entry(const struct view *v, size_t number, const struct json *e, const char *subject, const char *text)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const char *level = json_str(e, "level", "info");

    buf_addf(&line, "%2zu. ", number);
    view_style(v, style_of(level), &line);
    view_word(level, &line);
    view_style(v, VIEW_PLAIN, &line);
    if (*subject) {
        buf_adds(&line, ", ");
        view_word(subject, &line);
    }
    buf_adds(&line, ": ");
    view_word(text, &line);
    view_end_wrapped(v, 4, &line);
}

void view_recommendations(const struct view *v, const struct json *list)
{
    const struct json *r = NULL;
    size_t n = 0;

    if (!json_len(list))
        return;
    view_heading(v, "what to do");
    for (r = json_first(list); r && n < VIEW_ROWS_MAX; r = json_next(r)) {
        entry(v, ++n, r, "", json_str(r, "text", "?"));
        view_command(v, json_str(r, "command", ""));
    }
}

void view_next(const struct view *v, const char *next)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    if (!*next)
        return;
    buf_adds(&line, "    Next: ");
    view_word(next, &line);
    view_end_wrapped(v, 4, &line);
}

static void evidence(const struct view *v, const struct json *lines)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const struct json *l = NULL;
    size_t skip = json_len(lines) > EVIDENCE_MAX ? json_len(lines) - EVIDENCE_MAX : 0;

    for (l = json_first(lines); l; l = json_next(l)) {
        if (skip > 0) {
            skip--;
            continue;
        }
        buf_adds(&line, "     | ");
        view_word(json_value_str(l, "?"), &line);
        view_end(v, &line);
    }
}

static void check(const struct view *v, const struct json *c)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    bool good = json_bool(c, "ok", false);

    buf_adds(&line, "  ");
    view_styled(v, good ? VIEW_GOOD : VIEW_BAD, good ? "good" : "BAD", &line);
    view_pad(&line, 8);
    view_word(json_str(c, "name", "?"), &line);
    view_pad(&line, 24);
    view_word(json_str(c, "text", ""), &line);
    view_end(v, &line);
}

static void verdict(const struct view *v, const struct json *report, size_t findings)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    view_style(v, VIEW_STRONG, &line);
    view_word(json_str(report, "app", "?"), &line);
    view_style(v, VIEW_PLAIN, &line);
    buf_adds(&line, ": ");
    view_style(v, findings ? VIEW_WARN : VIEW_GOOD, &line);
    if (findings)
        view_count(findings, "finding", &line);
    else
        buf_adds(&line, "nothing found");
    view_style(v, VIEW_PLAIN, &line);
    buf_adds(&line, findings > 1 ? ", the likeliest cause first; " : "; ");
    view_count(json_len(json_get(report, "checks")), "check", &line);
    buf_adds(&line, " made");
    view_end(v, &line);
}

void view_diagnose(const struct view *v, const struct json *report)
{
    const struct json *findings = json_get(report, "findings"), *checks = json_get(report, "checks"), *c = NULL;
    size_t n = 0;

    verdict(v, report, json_len(findings));
    for (c = json_first(findings); c && n < VIEW_ROWS_MAX; c = json_next(c)) {
        buf_addc(v->out, '\n');
        entry(v, ++n, c, json_str(c, "subject", ""), json_str(c, "cause", "?"));
        view_next(v, json_str(c, "next", ""));
        view_command(v, json_str(c, "command", ""));
        evidence(v, json_get(c, "evidence"));
    }
    if (!json_len(checks))
        return;
    view_heading(v, "checks");
    n = 0;
    for (c = json_first(checks); c && n < VIEW_ROWS_MAX; c = json_next(c), n++)
        check(v, c);
}
