/* The KPIs over the last good runs: charts and figures. Numbers only: no word of the host gets into a chart. */
#include "cmd/report/summary_parts.h"

#include "shared/view/sparkline.h"

static const struct {
    const char *key, *title;
    bool chart; /* those that people ask about */
} kpis[] = {
    { "total", "Total duration", true },       { "cutover", "Cutover", true },        { "outage", "Outage", true },
    { "health_check", "Health check", false }, { "image_pull", "Image pull", false },
};
/* Half as high as Mermaid draws it, and bars that are seen on a light and on a dark page. */
#define CHART_CONFIG                                                                                                   \
    "---\nconfig:\n  xyChart:\n    width: 600\n    height: 220\n"                                                      \
    "  themeVariables:\n    xyChart:\n      plotColorPalette: \"#4493f8\"\n---\n"

#define KPIS (sizeof(kpis) / sizeof(kpis[0]))

/* The top of the axis: above the largest value, and not 0. */
static double axis_top(const struct sparkline *s)
{
    double max = 0;

    for (size_t i = 0; i < s->count; i++)
        max = s->values[i] > max ? s->values[i] : max;
    return max > 0 ? max * 1.1 : 1;
}

/* Bars from the oldest run to the newest; what was not measured is left out, which a chart cannot show otherwise. */
static void chart(const struct markdown *m, const char *title, const struct sparkline *s)
{
    size_t n = 0;

    markdown_raw(m, "```mermaid\n" CHART_CONFIG);
    markdown_rawf(m, "xychart-beta\n    title \"%s in seconds\"\n    x-axis [", title);
    for (size_t i = 1; i <= s->measured; i++)
        markdown_rawf(m, "%s%zu", i > 1 ? ", " : "", i);
    markdown_rawf(m, "]\n    y-axis 0 --> %.3f\n    bar [", axis_top(s));
    for (size_t i = 0; i < s->count; i++)
        if (s->values[i] >= 0)
            markdown_rawf(m, "%s%.3f", n++ > 0 ? ", " : "", s->values[i]);
    markdown_raw(m, "]\n```\n\n");
}

static void figures(const struct markdown *m, const char *title, const struct sparkline *s)
{
    markdown_rawf(m, "| %s | ", title);
    sparkline_draw(s, m->out);
    markdown_raw(m, " | ");
    markdown_seconds(m, s->min);
    markdown_raw(m, " | ");
    markdown_seconds(m, s->median);
    markdown_raw(m, " | ");
    markdown_seconds(m, s->last);
    markdown_raw(m, " |\n");
}

void summary_trend(const struct markdown *m, const struct json *trend)
{
    struct sparkline s;

    sparkline_of(&s, trend, "total");
    if (s.measured < SUMMARY_TREND_MIN)
        return;
    markdown_rawf(m, "<details><summary>Trend of the last %zu good runs</summary>\n\n", s.count);
    markdown_raw(m, "| Trend | Oldest to newest | Least | Median | Last |\n|---|---|--:|--:|--:|\n");
    for (size_t i = 0; i < KPIS; i++) {
        sparkline_of(&s, trend, kpis[i].key);
        if (s.measured >= SUMMARY_TREND_MIN)
            figures(m, kpis[i].title, &s);
    }
    markdown_raw(m, "\n");
    for (size_t i = 0; i < KPIS; i++) {
        sparkline_of(&s, trend, kpis[i].key);
        if (kpis[i].chart && s.measured >= SUMMARY_TREND_MIN)
            chart(m, kpis[i].title, &s);
    }
    markdown_raw(m, "</details>\n\n");
}

void summary_part_trend(const struct markdown *m, const struct report *r)
{
    summary_trend(m, json_get(r->facts, "trend"));
}
