/* What a deployment would do, without having done any of it. */
#include "shared/view/view_internal.h"

#include <inttypes.h>

#define LABEL_COLUMNS 14
#define WORDS_MAX 40

static void begin(const struct view *v, const char *label, struct buf *line)
{
    view_styled(v, VIEW_STRONG, label, line);
    view_pad(line, LABEL_COLUMNS);
}

static void verdict(const struct view *v, const struct json *report)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const char *verdict = json_str(report, "verdict", "?"), *before = json_str(report, "previous_image", "");

    view_style(v, VIEW_STRONG, &line);
    view_word(json_str(report, "app", "?"), &line);
    view_style(v, VIEW_PLAIN, &line);
    buf_adds(&line, ": ");
    if (strcmp(verdict, "deploy") == 0) {
        view_styled(v, VIEW_GOOD, "would be deployed", &line);
    } else if (strcmp(verdict, "unchanged") == 0) {
        buf_adds(&line, "nothing would change");
    } else if (strcmp(verdict, "refused") == 0) {
        view_styled(v, VIEW_BAD, "would be REFUSED", &line);
    } else {
        view_word(verdict, &line);
    }
    if (strcmp(verdict, "unchanged") != 0) {
        buf_adds(&line, ", ");
        view_image(*before ? before : "first deployment", &line);
        buf_adds(&line, " → ");
        view_image(json_str(report, "image", "?"), &line);
    }
    buf_adds(&line, " (nothing was done)");
    view_end_wrapped(v, 2, &line);
}

static void problems(const struct view *v, const struct json *list)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const struct json *p = NULL;
    size_t n = 0;

    if (!json_len(list))
        return;
    view_heading(v, "problems");
    for (p = json_first(list); p && n < VIEW_ROWS_MAX; p = json_next(p)) {
        buf_addf(&line, "%2zu. ", ++n);
        view_word(json_str(p, "kind", "?"), &line);
        buf_adds(&line, ": ");
        view_word(json_str(p, "message", "?"), &line);
        view_end_wrapped(v, 4, &line);
        view_next(v, json_str(p, "hint", ""));
    }
}

static void add_value(const struct json *value, struct buf *line)
{
    if (json_is_number(value))
        buf_addf(line, "%.15g", json_value_num(value, 0));
    else
        view_word(*json_value_str(value, "") ? json_value_str(value, "") : "-", line);
}

static void add_words(const struct json *list, struct buf *line)
{
    const struct json *w = NULL;
    size_t n = 0;

    for (w = json_first(list); w && n < WORDS_MAX; w = json_next(w), n++) {
        buf_adds(line, n ? ", " : "");
        add_value(w, line);
    }
    if (w)
        buf_addf(line, " and %zu more", json_len(list) - n);
}

static void add_side(const char *key, const struct json *value, struct buf *line)
{
    if (strcmp(key, "digest") == 0 && *json_value_str(value, ""))
        view_digest(json_value_str(value, ""), line);
    else
        add_value(value, line);
}

/* "memory: no limit → 256 MiB"; of the environment the keys. */
static void change(const struct view *v, const struct json *c)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const struct json *before = json_first(c);

    buf_adds(&line, "  ");
    view_word(json_key(c), &line);
    view_pad(&line, LABEL_COLUMNS + 2);
    if (strncmp(json_key(c), "env_", 4) == 0) {
        add_words(c, &line);
    } else {
        add_side(json_key(c), before, &line);
        buf_adds(&line, " → ");
        add_side(json_key(c), before ? json_next(before) : NULL, &line);
    }
    view_end(v, &line);
}

static void changes(const struct view *v, const struct json *list)
{
    const struct json *c = NULL;
    size_t n = 0;

    if (!json_len(list))
        return;
    view_heading(v, "changes");
    for (c = json_first(list); c && n < VIEW_ROWS_MAX; c = json_next(c))
        if (json_key(c) && json_is_array(c) && json_len(c) && ++n)
            change(v, c);
    for (c = json_first(json_get(list, "kept")); c && n < VIEW_ROWS_MAX; c = json_next(c), n++)
        if (json_key(c))
            view_line(v, "  %-*s%s (as before)", LABEL_COLUMNS, json_key(c), json_value_str(c, "?"));
}

static void size(const struct view *v, const struct json *s)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    begin(v, "download", &line);
    view_bytes(json_num(s, "download_bytes", -1), &line);
    buf_adds(&line, "; disk needed ");
    view_bytes(json_num(s, "disk_needed_bytes", -1), &line);
    buf_adds(&line, ", free ");
    view_bytes(json_num(s, "disk_free_bytes", -1), &line);
    view_end(v, &line);
}

static void expected(const struct view *v, const struct json *e)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    int64_t from = json_int(e, "from", 0);

    begin(v, "expected", &line);
    if (from > 0) {
        buf_adds(&line, "outage ");
        view_seconds(json_num(e, "outage_seconds", -1), &line);
        buf_adds(&line, ", in all ");
        view_seconds(json_num(e, "total_seconds", -1), &line);
        buf_addf(&line, " (from the last %" PRId64 " deployments)", from);
    } else {
        buf_adds(&line, "not known: no deployment to learn from");
    }
    view_end(v, &line);
}

static void facts(const struct view *v, const struct json *report)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const struct json *platform = json_get(report, "platform");
    bool fits = json_bool(platform, "fits", false);

    buf_addc(v->out, '\n');
    begin(v, "digest", &line);
    if (*json_str(report, "previous_digest", "")) {
        view_digest(json_str(report, "previous_digest", ""), &line);
        buf_adds(&line, " → ");
    }
    view_digest(json_str(report, "digest", "?"), &line);
    view_end(v, &line);
    begin(v, "strategy", &line);
    view_word(json_str(report, "strategy", "?"), &line);
    view_end(v, &line);
    begin(v, "platform", &line);
    add_words(json_get(platform, "image"), &line);
    if (!json_len(json_get(platform, "image")))
        buf_adds(&line, "not known");
    else if (fits)
        buf_adds(&line, ", fits ");
    else
        view_styled(v, VIEW_BAD, ", does NOT fit ", &line);
    if (json_len(json_get(platform, "image")))
        view_word(json_str(platform, "host", "?"), &line);
    view_end(v, &line);
    size(v, json_get(report, "size"));
    expected(v, json_get(report, "expected"));
}

static void steps(const struct view *v, const struct json *list)
{
    const struct json *s = NULL;
    size_t n = 0;

    if (!json_len(list))
        return;
    view_heading(v, "steps");
    for (s = json_first(list); s && n < VIEW_ROWS_MAX; s = json_next(s))
        view_line(v, "%3zu. %-20s %s", ++n, json_str(s, "name", "?"), json_str(s, "title", ""));
}

void view_plan(const struct view *v, const struct json *report)
{
    const struct json *prune = json_get(report, "prune");

    verdict(v, report);
    problems(v, json_get(report, "problems"));
    facts(v, report);
    changes(v, json_get(report, "changes"));
    steps(v, json_get(report, "steps"));
    if (json_len(json_get(prune, "containers")) || json_len(json_get(prune, "images")) ||
        json_len(json_get(prune, "records"))) {
        view_heading(v, "would be removed afterwards");
        view_prune_lists(v, prune);
    }
}
