#include "shared/view/view.h"

#include "shared/view/view_internal.h"

#define SENTENCE_VIEW_MAX (1024 * 1024)

static const struct {
    const char *name; /* contract: of the report event */
    view_fn *show;
} views[] = {
    { "status", view_status }, { "history", view_history }, { "diagnose", view_diagnose },
    { "prune", view_prune },   { "plan", view_plan },
};

bool view_report(const struct view *v, const char *name, const struct json *report)
{
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
        if (strcmp(views[i].name, name) == 0) {
            views[i].show(v, report);
            return true;
        }
    return false;
}

bool view_sentence(const char *name, const struct json *report, struct buf *out)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(SENTENCE_VIEW_MAX);
    const struct view v = { .out = &text };
    struct span rest, line;

    if (!view_report(&v, name, report))
        return false;
    rest = buf_span(&text);
    if (span_next_line(&rest, &line))
        buf_add_span(out, line);
    return true;
}
