/* The audit log: whether it is whole; who changed what, when, and how it ended. */
#include "shared/view/columns.h"
#include "shared/view/sparkline.h"
#include "shared/view/view_internal.h"

#include <inttypes.h>

#define ENTRIES_MAX 10000
#define CELL_MAX 60 /* columns of one cell */
#define KEYS_MAX 30 /* names shown of one entry */

enum column { WHEN, WHAT, OUTCOME, IMAGE, TOTAL, OUTAGE, WHO, COLUMNS };

static const struct {
    const char *title;
    bool right;
} columns[COLUMNS] = {
    [WHEN] = { "when (UTC)", false }, [WHAT] = { "what", false },  [OUTCOME] = { "outcome", false },
    [IMAGE] = { "image", false },     [TOTAL] = { "total", true }, [OUTAGE] = { "outage", true },
    [WHO] = { "who", false },
};

/* "shop:2 @1a2b3c4d5e6f": the name as people say it, and which bytes it meant. */
static void image_cell(const struct json *e, struct buf *out)
{
    const char *image = json_str(e, "image", ""), *digest = json_str(e, "digest", "");
    char name[300];

    (void)snprintf(name, sizeof(name), "%s", base_name(image));
    name[strcspn(name, "@")] = '\0';
    view_word(name[0] ? name : "-", out);
    if (digest[0]) {
        buf_adds(out, " @");
        view_digest(digest, out);
    }
}

static void cell(const struct json *e, enum column c, struct buf *out)
{
    const char *error = json_str(e, "error", ""), *who = json_str(e, "who", "");

    switch (c) {
    case WHEN:
        view_time(json_str(e, "t", "?"), out);
        break;
    case WHAT:
        view_word(json_str(e, "operation", "?"), out);
        break;
    case OUTCOME:
        view_word(json_str(e, "outcome", "?"), out);
        buf_adds(out, error[0] ? ": " : "");
        view_word(error, out);
        break;
    case IMAGE:
        image_cell(e, out);
        break;
    case TOTAL:
        view_seconds(json_num(e, "total_seconds", -1), out);
        break;
    case OUTAGE:
        view_seconds(json_num(e, "outage_seconds", -1), out);
        break;
    case WHO:
        view_word(who[0] ? who : "-", out);
        break;
    case COLUMNS:
        break;
    }
}

/* Not wider than one may be; the last one may be as long as it is. */
static void cut_cell(const struct json *e, enum column c, struct buf *out)
{
    _cleanup_(buf_done_p) struct buf whole = BUF_INIT(VIEW_LINE_MAX);

    cell(e, c, &whole);
    columns_cut(buf_span(&whole), c == WHO ? 0 : CELL_MAX, out);
}

static void add_padded(struct buf *line, struct span text, size_t width, bool right)
{
    size_t have = columns_of(text), pad = width > have ? width - have : 0;
    if (!right)
        buf_add_span(line, text);
    while (pad-- > 0)
        buf_addc(line, ' ');
    if (right)
        buf_add_span(line, text);
}

static void add_keys(struct buf *line, const struct json *changes, const char *list, char sign, size_t *shown)
{
    for (const struct json *k = json_first(json_get(changes, list)); k; k = json_next(k)) {
        if (++*shown > KEYS_MAX)
            return;
        buf_addf(line, " %c", sign);
        view_word(json_value_str(k, "?"), line);
    }
}

/* What else there is to say of an entry: the names that changed, the reason, a break. */
static void details(const struct view *v, const struct json *e)
{
    _cleanup_(buf_done_p) struct buf env = BUF_INIT(VIEW_LINE_MAX), line = BUF_INIT(2 * VIEW_LINE_MAX);
    const struct json *changes = json_get(e, "changes");
    const char *reason = json_str(e, "reason", ""), *broken = json_str(e, "broken", "");
    size_t shown = 0;
    add_keys(&env, changes, "env_added", '+', &shown);
    add_keys(&env, changes, "env_removed", '-', &shown);
    add_keys(&env, changes, "env_changed", '~', &shown);
    if (shown > 0) {
        buf_addf(&line, "        env:%s%s", buf_str(&env), shown > KEYS_MAX ? " …" : "");
        view_end(v, &line);
    }
    if (reason[0]) {
        buf_adds(&line, "        reason: ");
        view_word(reason, &line);
        view_end(v, &line);
    }
    if (broken[0]) {
        buf_adds(&line, "        found broken then: ");
        view_word(broken, &line);
        view_end(v, &line);
    }
}

static void row(const struct view *v, const struct json *e, const size_t widths[COLUMNS])
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(2 * VIEW_LINE_MAX), text = BUF_INIT(VIEW_LINE_MAX);
    buf_addf(&line, "%5" PRId64, json_int(e, "n", 0));
    for (int c = 0; c < COLUMNS; c++) {
        buf_reset(&text);
        cut_cell(e, (enum column)c, &text);
        buf_adds(&line, "  ");
        add_padded(&line, buf_span(&text), c == WHO ? 0 : widths[c], columns[c].right);
    }
    view_end(v, &line);
    details(v, e);
}

static void table(const struct view *v, const struct json *entries)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX), text = BUF_INIT(VIEW_LINE_MAX);
    size_t widths[COLUMNS], n = 0;
    for (int c = 0; c < COLUMNS; c++)
        widths[c] = strlen(columns[c].title);
    for (const struct json *e = json_first(entries); e && n < ENTRIES_MAX; e = json_next(e), n++)
        for (int c = 0; c < WHO; c++) {
            buf_reset(&text);
            cut_cell(e, (enum column)c, &text);
            size_t width = columns_of(buf_span(&text));
            widths[c] = width > widths[c] ? width : widths[c];
        }
    buf_adds(&line, "    n");
    for (int c = 0; c < COLUMNS; c++) {
        buf_adds(&line, "  ");
        add_padded(&line, span_of(columns[c].title), c == WHO ? 0 : widths[c], columns[c].right);
    }
    view_end(v, &line);
    n = 0;
    for (const struct json *e = json_first(entries); e && n < ENTRIES_MAX; e = json_next(e), n++)
        row(v, e, widths);
}

/* The good runs among the entries, oldest first, as a trend. */
static struct json *trend_of(const struct json *entries)
{
    const struct json *good[SPARKLINE_MAX];
    struct json *trend = json_array();
    size_t n = 0;
    for (const struct json *e = json_first(entries); e && n < SPARKLINE_MAX; e = json_next(e)) {
        const char *outcome = json_str(e, "outcome", "");
        bool rollback = strcmp(json_str(e, "operation", ""), "rollback") == 0;
        if (strcmp(outcome, rollback ? "rolled_back" : "deployed") == 0)
            good[n++] = e;
    }
    while (n-- > 0) {
        struct json *p = json_object();
        json_set_num(p, "total", json_num(good[n], "total_seconds", -1));
        json_set_num(p, "cutover", json_num(good[n], "cutover_seconds", -1));
        json_set_num(p, "health_check", json_num(good[n], "health_check_seconds", -1));
        json_set_num(p, "image_pull", json_num(good[n], "image_pull_seconds", -1));
        json_set_num(p, "outage", json_num(good[n], "outage_seconds", -1));
        json_push(trend, p);
    }
    return trend;
}

/* One sentence, which is also what an annotation says. */
static void verdict(const struct view *v, const struct json *report, size_t shown)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const struct json *is = json_get(report, "verified");
    bool whole = json_bool(is, "whole", false);

    view_styled(v, whole ? VIEW_GOOD : VIEW_BAD, whole ? "The audit log is whole" : "The audit log is not whole",
                &line);
    if (!whole) {
        buf_adds(&line, ": ");
        view_word(json_str(is, "why", "it was not verified"), &line);
    }
    buf_addf(&line, "; %zu of %" PRId64 " entries shown", shown, json_int(report, "total", 0));
    view_end_wrapped(v, 2, &line);
}

/* Never cut: it is there to be compared. */
static void head(const struct view *v, const char *hash)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    if (!hash[0])
        return;
    buf_adds(&line, "Hash of the last entry: ");
    view_word(hash, &line);
    buf_addf(v->out, "\n%s\n", buf_str(&line));
}

void view_history(const struct view *v, const struct json *report)
{
    const struct json *entries = json_get(report, "entries");
    _cleanup_(json_free_p) struct json *trend = trend_of(entries);

    verdict(v, report, json_len(entries));
    if (json_len(entries) > 0) {
        buf_addc(v->out, '\n');
        table(v, entries);
    }
    view_trend(v, trend);
    head(v, json_str(json_get(report, "verified"), "head", ""));
}
