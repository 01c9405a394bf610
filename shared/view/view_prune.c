/* What goes, why, and how much room that gives; what stays, and why. */
#include "shared/view/view_internal.h"

static void add_reason(const struct json *thing, struct buf *line)
{
    if (*json_str(thing, "reason", "")) {
        buf_adds(line, ": ");
        view_word(json_str(thing, "reason", ""), line);
    }
}

/* "  image      1.2 MB  NAME: REASON" */
static void thing(const struct view *v, const char *what, const char *key, const struct json *t)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX), bytes = BUF_INIT(64);

    view_bytes(json_num(t, "bytes", -1), &bytes);
    buf_addf(&line, "  %-10s %10s  ", what, buf_str(&bytes));
    view_word(json_str(t, key, "?"), &line);
    if (*json_str(t, "digest", "")) {
        buf_adds(&line, " @ ");
        view_digest(json_str(t, "digest", ""), &line);
    }
    add_reason(t, &line);
    view_end(v, &line);
}

static void things(const struct view *v, const char *what, const char *key, const struct json *list)
{
    const struct json *t = NULL;
    size_t n = 0;

    for (t = json_first(list); t && n < VIEW_ROWS_MAX; t = json_next(t), n++)
        thing(v, what, key, t);
    if (t)
        view_line(v, "  and %zu more", json_len(list) - n);
}

void view_prune_lists(const struct view *v, const struct json *prune)
{
    things(v, "container", "name", json_get(prune, "containers"));
    things(v, "image", "reference", json_get(prune, "images"));
    things(v, "record", "deployment", json_get(prune, "records"));
}

static void kept(const struct view *v, const struct json *list)
{
    const struct json *k = NULL;
    size_t n = 0;

    if (!json_len(list))
        return;
    view_heading(v, "kept");
    for (k = json_first(list); k && n < VIEW_ROWS_MAX; k = json_next(k), n++)
        view_line(v, "  %s: %s", json_str(k, "what", "?"), json_str(k, "why", "?"));
    if (k)
        view_line(v, "  and %zu more", json_len(list) - n);
}

void view_prune(const struct view *v, const struct json *report)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    size_t containers = json_len(json_get(report, "containers")), images = json_len(json_get(report, "images"));
    size_t records = json_len(json_get(report, "records"));
    bool dry = json_bool(report, "dry_run", false);

    view_style(v, VIEW_STRONG, &line);
    view_word(json_str(report, "app", "?"), &line);
    view_style(v, VIEW_PLAIN, &line);
    buf_adds(&line, ": ");
    if (containers + images + records == 0) {
        buf_adds(&line, "nothing to remove");
    } else {
        view_count(containers, "container", &line);
        buf_adds(&line, ", ");
        view_count(images, "image", &line);
        buf_adds(&line, " and ");
        view_count(records, "record", &line);
        buf_adds(&line, dry ? " would be removed, " : " removed, ");
        view_bytes(json_num(report, "bytes", -1), &line);
        if (json_num(report, "disk_freed_bytes", -1) >= 0) {
            buf_adds(&line, "; the disk has ");
            view_bytes(json_num(report, "disk_freed_bytes", -1), &line);
            buf_adds(&line, " more");
        }
        buf_adds(&line, dry ? " (nothing was removed)" : "");
    }
    view_end(v, &line);
    view_prune_lists(v, report);
    kept(v, json_get(report, "kept"));
}
