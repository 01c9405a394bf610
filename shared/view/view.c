#include "shared/view/view.h"

#include "shared/safetext.h"
#include "shared/view/view_internal.h"

#define LINE_MAX_BYTES (64 * 1024)

static const struct {
    const char *name; /* contract: of the report event */
    view_fn *show;
} views[] = {
    { "status", view_status },
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

void view_line(const struct view *v, const char *fmt, ...)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(LINE_MAX_BYTES);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&line, fmt, ap);
    va_end(ap);
    safetext_line(buf_span(&line), v->out);
    buf_addc(v->out, '\n');
}
