#include "shared/view/view.h"

#include "shared/safetext.h"
#include "shared/view/view_internal.h"

#include <inttypes.h>

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

void view_word(const char *word, struct buf *line)
{
    size_t from = line->len;

    safetext_line(span_of(word), line);
    for (size_t i = from; i < line->len; i++)
        if (line->ptr[i] == '\t')
            line->ptr[i] = ' ';
}

void view_duration(double seconds, struct buf *line)
{
    static const struct {
        const char *name, *small;
        int64_t seconds, in_small;
    } units[] = {
        { "d", "h", 86400, 3600 },
        { "h", "min", 3600, 60 },
        { "min", "s", 60, 1 },
    };
    int64_t s = 0;

    if (!(seconds >= 0 && seconds < 1e12)) {
        buf_adds(line, "?");
        return;
    }
    s = (int64_t)seconds;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (s >= units[i].seconds) {
            buf_addf(line, "%" PRId64 " %s", s / units[i].seconds, units[i].name);
            if (s % units[i].seconds >= units[i].in_small)
                buf_addf(line, " %" PRId64 " %s", s % units[i].seconds / units[i].in_small, units[i].small);
            return;
        }
    buf_addf(line, "%" PRId64 " s", s);
}
