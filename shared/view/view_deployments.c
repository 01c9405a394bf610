/* The last deployments as a table: wide with all durations, narrow with the one that counts. */
#include "shared/view/view_internal.h"

#define WIDE_COLUMNS 128 /* with 12 of the tag */
#define ROWS_MAX 10

struct measured {
    const char *key, *title;
    enum kpi_id kpi; /* KPI_COUNT: has none */
};

static const struct measured measured[] = {
    { "total_seconds", "total", KPI_TOTAL },
    { "cutover_seconds", "cutover", KPI_CUTOVER },
    { "health_check_seconds", "health", KPI_HEALTH_CHECK },
    { "image_pull_seconds", "pull", KPI_IMAGE_PULL },
    { "outage_seconds", "outage", KPI_COUNT },
};
#define MEASURED (sizeof(measured) / sizeof(measured[0]))

enum { AT_WHAT = 23, AT_OUTCOME = 32, AT_WHEN = 49, AT_NUMBERS = 60 };

/* "" on target, "!" above the warning limit, "!!" above the critical one. */
static const char *mark(const struct json *report, const struct json *entry, const struct measured *m)
{
    const struct json *limits = m->kpi < KPI_COUNT ? json_path(report, "kpi", kpi_name(m->kpi), NULL) : NULL;
    const struct kpi_limits l = { json_num(limits, "target", -1), json_num(limits, "warning", -1),
                                  json_num(limits, "critical", -1) };
    enum kpi_verdict verdict = KPI_NOT_MEASURED;

    if (!limits || l.warning < 0 || l.critical < 0)
        return "";
    verdict = kpi_judge(&l, json_num(entry, m->key, -1));
    return verdict == KPI_CRITICAL ? "!!" : verdict == KPI_WARNING ? "!" : "";
}

static void add_number(const struct view *v, const struct json *report, const struct json *entry,
                       const struct measured *m, struct buf *line)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(64);
    const char *sign = mark(report, entry, m);

    view_seconds(json_num(entry, m->key, -1), &text);
    view_style(v, *sign ? (sign[1] ? VIEW_BAD : VIEW_WARN) : "", line);
    buf_addf(line, "%8s%-3s", buf_str(&text), sign);
    if (*sign)
        view_style(v, VIEW_PLAIN, line);
}

static bool is_good(const char *outcome, const char *operation)
{
    bool back = strcmp(outcome, "rolled_back") == 0 && strcmp(operation, "rollback") == 0;

    return back || strcmp(outcome, "deployed") == 0 || strcmp(outcome, "unchanged") == 0 ||
           strcmp(outcome, "reported") == 0;
}

/* The narrow table tells only what is above a limit, in a line of its own. */
static void marked_below(const struct view *v, const struct json *report, const struct json *entry)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    for (size_t i = 1; i < MEASURED; i++)
        if (*mark(report, entry, &measured[i])) {
            view_pad(&line, AT_WHEN);
            buf_addf(&line, "%-8s", measured[i].title);
            view_pad(&line, AT_NUMBERS);
            add_number(v, report, entry, &measured[i], &line);
            view_end(v, &line);
        }
}

static bool is_wide(const struct view *v)
{
    return !v->width || v->width >= WIDE_COLUMNS;
}

/* The tag; the repository is the same in each row. */
static void add_tag(const struct json *entry, struct buf *line)
{
    _cleanup_(buf_done_p) struct buf image = BUF_INIT(VIEW_LINE_MAX);
    const char *name = NULL, *colon = NULL;

    view_image(json_str(entry, "image", ""), &image);
    name = base_name(buf_str(&image));
    colon = strchr(name, ':');
    buf_adds(line, colon && !strchr(name, '@') ? colon + 1 : name);
}

static void row(const struct view *v, const struct json *report, const struct json *entry)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const char *outcome = json_str(entry, "outcome", "?"), *operation = json_str(entry, "operation", "deploy");
    bool good = is_good(outcome, operation);
    double ago = view_since(report, json_str(entry, "started", json_str(entry, "t", "")));

    view_word(json_str(entry, "deployment", "?"), &line);
    view_pad(&line, AT_WHAT);
    view_word(operation, &line);
    view_pad(&line, AT_OUTCOME);
    view_style(v, good ? VIEW_GOOD : VIEW_BAD, &line);
    view_word(outcome, &line);
    view_style(v, VIEW_PLAIN, &line);
    view_pad(&line, AT_WHEN);
    view_duration(ago, &line);
    view_pad(&line, AT_NUMBERS);
    for (size_t i = 0; i < (is_wide(v) ? MEASURED : 1); i++)
        add_number(v, report, entry, &measured[i], &line);
    buf_addc(&line, ' ');
    add_tag(entry, &line);
    view_end(v, &line);
    if (!is_wide(v))
        marked_below(v, report, entry);
}

static void head(const struct view *v)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    view_style(v, VIEW_STRONG, &line);
    buf_adds(&line, "deployment");
    view_pad(&line, AT_WHAT);
    buf_adds(&line, "what");
    view_pad(&line, AT_OUTCOME);
    buf_adds(&line, "outcome");
    view_pad(&line, AT_WHEN);
    buf_adds(&line, "ago");
    view_pad(&line, AT_NUMBERS);
    for (size_t i = 0; i < (is_wide(v) ? MEASURED : 1); i++)
        buf_addf(&line, "%8s   ", measured[i].title);
    buf_adds(&line, " tag");
    view_style(v, VIEW_PLAIN, &line);
    view_end(v, &line);
}

void view_deployments(const struct view *v, const struct json *report)
{
    const struct json *list = json_get(report, "deployments"), *d = NULL;
    bool marked = false;
    size_t n = 0;

    if (!json_len(list))
        return;
    buf_addc(v->out, '\n');
    head(v);
    for (d = json_first(list); d && n < ROWS_MAX; d = json_next(d), n++) {
        row(v, report, d);
        for (size_t i = 0; i < MEASURED; i++)
            marked = marked || *mark(report, d, &measured[i]);
    }
    if (marked)
        view_line(v, "! above the warning limit, !! above the critical one");
}
