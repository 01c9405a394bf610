/* The KPIs of the last good runs, a sparkline each. */
#include "shared/view/sparkline.h"
#include "shared/view/view_internal.h"

void view_trend(const struct view *v, const struct json *trend)
{
    static const char *const kpis[][2] = { { "total", "total" },
                                           { "cutover", "cutover" },
                                           { "health_check", "health check" },
                                           { "image_pull", "image pull" },
                                           { "outage", "outage" } };
    bool begun = false;

    for (size_t i = 0; i < sizeof(kpis) / sizeof(kpis[0]); i++) {
        _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
        struct sparkline s;

        sparkline_of(&s, trend, kpis[i][0]);
        if (s.measured < VIEW_TREND_MIN)
            continue;
        if (!begun) {
            buf_addf(&line, "Trend of the last %zu good runs", s.count);
            view_heading(v, buf_str(&line));
            buf_reset(&line);
        }
        begun = true;
        buf_addf(&line, "  %-12s  ", kpis[i][1]);
        sparkline_draw(&s, &line);
        buf_adds(&line, "  least ");
        view_seconds(s.min, &line);
        buf_adds(&line, ", median ");
        view_seconds(s.median, &line);
        buf_adds(&line, ", last ");
        view_seconds(s.last, &line);
        view_end(v, &line);
    }
}
