/* The steps of a run in time: a Mermaid chart, and the same as text for viewers that draw none. */
#include "cmd/report/summary_parts.h"

#include "shared/safetext.h"

#include <inttypes.h>

#define DAY_MS (24 * 60 * 60 * 1000LL)
#define BARS_MAX 250 /* a bar is at least this part of the chart: to be seen */
#define BAR_WIDTH 40
#define TITLE_WIDTH 40

/* A step's place, in milliseconds after the first step began. */
struct place {
    int64_t start_ms, length_ms;
};

static struct place place_of(const struct report *r, size_t i)
{
    const struct report_step *s = &r->steps[i];
    struct place p = { .start_ms = s->start_ms - r->steps[0].start_ms };

    if (p.start_ms < 0)
        p.start_ms = 0;
    if (s->seconds > 0 && s->seconds < (double)DAY_MS / 1000)
        p.length_ms = (int64_t)(s->seconds * 1000);
    return p;
}

static int64_t total_ms(const struct report *r)
{
    int64_t end = 1;

    for (size_t i = 0; i < r->step_count; i++) {
        struct place p = place_of(r, i);
        if (p.start_ms + p.length_ms > end)
            end = p.start_ms + p.length_ms;
    }
    return end;
}

/* ---- chart ---- */

/* So that about five to twelve ticks stand below a chart of up to `up_to_ms`. */
static const struct axis {
    int64_t up_to_ms;
    const char *tick, *format;
} axes[] = {
    { 1500, "200millisecond", "%-S.%L s" }, { 5000, "500millisecond", "%-S.%L s" }, { 12000, "1second", "%-S s" },
    { 25000, "2second", "%-S s" },          { 60000, "5second", "%-S s" },          { 120000, "10second", "%-M:%S" },
    { 300000, "30second", "%-M:%S" },       { 720000, "1minute", "%-M min" },       { 3600000, "5minute", "%-M min" },
    { DAY_MS, "1hour", "%-H h" },
};

static const struct axis *axis_for(int64_t ms)
{
    size_t i = 0;

    while (axes[i].up_to_ms < ms && i + 1 < sizeof(axes) / sizeof(axes[0]))
        i++;
    return &axes[i];
}

/*
 * "2 Image pull 5.40 s :done, s2, 00:00:01.200, 5400ms". The number in front keeps a title from being read as one of
 * Mermaid's keywords. Clock times and not Unix times: a browser shows them as they stand, in whatever time zone it is.
 */
static void gantt_row(const struct markdown *m, const struct report *r, size_t i, int64_t total)
{
    const struct report_step *s = &r->steps[i];
    struct place p = place_of(r, i);
    const char *tag = s->state == REPORT_STEP_FAILED ? "crit, " : s->undo ? "active, " : "";
    int64_t t = p.start_ms, least = total / BARS_MAX + 1;

    markdown_rawf(m, "    %zu ", i + 1);
    safetext_mermaid(span_of(s->title), m->out);
    if (s->state == REPORT_STEP_FAILED)
        markdown_raw(m, " failed");
    if (s->seconds >= 0)
        markdown_rawf(m, " %.2f s", (double)p.length_ms / 1000);
    markdown_rawf(m, " :%ss%zu, %02d:%02d:%02d.%03d, %" PRId64 "ms\n", tag, i + 1, (int)(t / 3600000),
                  (int)(t / 60000 % 60), (int)(t / 1000 % 60), (int)(t % 1000),
                  p.length_ms > least ? p.length_ms : least);
}

static void gantt(const struct markdown *m, const struct report *r, int64_t total)
{
    const struct axis *axis = axis_for(total);
    bool undo = false;

    if (total >= DAY_MS)
        return;
    markdown_rawf(m,
                  "```mermaid\ngantt\n    dateFormat HH:mm:ss.SSS\n    axisFormat %s\n    tickInterval %s\n"
                  "    todayMarker off\n    section Steps\n",
                  axis->format, axis->tick);
    for (size_t i = 0; i < r->step_count; i++) {
        if (r->steps[i].undo && !undo)
            markdown_raw(m, "    section Way back\n");
        undo = r->steps[i].undo;
        gantt_row(m, r, i, total);
    }
    markdown_raw(m, "```\n\n");
}

/* ---- text ---- */

static void add_repeated(struct buf *out, char c, int64_t times)
{
    while (times-- > 0)
        buf_addc(out, c);
}

static char bar_of(const struct report_step *s)
{
    if (s->state == REPORT_STEP_FAILED)
        return '!';
    if (s->state == REPORT_STEP_RUNNING)
        return '?';
    return s->undo ? '<' : '#';
}

static void text_row(struct buf *out, const struct report *r, size_t i, int64_t total)
{
    const struct report_step *s = &r->steps[i];
    struct span title = safetext_cut(span_of(s->title), TITLE_WIDTH);
    struct place p = place_of(r, i);
    int64_t from = p.start_ms * BAR_WIDTH / total, to = (p.start_ms + p.length_ms) * BAR_WIDTH / total;

    if (from >= BAR_WIDTH)
        from = BAR_WIDTH - 1;
    if (to <= from)
        to = from + 1;
    buf_addf(out, "%3zu ", i + 1);
    for (size_t n = 0; n < title.len; n++) /* one title, one line */
        buf_addc(out, title.ptr[n] == '\n' || title.ptr[n] == '\r' ? ' ' : title.ptr[n]);
    add_repeated(out, ' ', TITLE_WIDTH - (int64_t)title.len);
    if (s->seconds >= 0)
        buf_addf(out, " %9.2f s |", (double)p.length_ms / 1000);
    else
        buf_adds(out, "         ? s |");
    add_repeated(out, ' ', from);
    add_repeated(out, bar_of(s), to - from);
    add_repeated(out, ' ', BAR_WIDTH - to);
    buf_adds(out, "|\n");
}

static void text_chart(const struct markdown *m, const struct report *r, int64_t total)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT((size_t)64 * 1024);

    buf_addf(&text, "# done   ! failed   < undone   ? not finished   |%d columns are %.2f s|\n", BAR_WIDTH,
             (double)total / 1000);
    for (size_t i = 0; i < r->step_count; i++)
        text_row(&text, r, i, total);
    markdown_fence(m, buf_span(&text), text.max);
    markdown_raw(m, "\n");
}

/* ---- table ---- */

static const char *state_word(const struct report_step *s)
{
    switch (s->state) {
    case REPORT_STEP_DONE:
        return s->undo ? "undone" : "done";
    case REPORT_STEP_FAILED:
        return "**failed**";
    case REPORT_STEP_RUNNING:
    default:
        return "not finished";
    }
}

#define DIGEST_DIGITS 64
#define DIGEST_SHOWN 12

/* A whole digest would make the table wider than the page. */
static void add_short(struct buf *out, const char *text)
{
    static const char mark[] = "sha256:";
    const char *at = NULL;

    while ((at = strstr(text, mark))) {
        const char *digits = at + strlen(mark);
        size_t count = strspn(digits, "0123456789abcdef");
        size_t shown = count == DIGEST_DIGITS ? DIGEST_SHOWN : count;
        buf_add(out, text, (size_t)(digits - text) + shown);
        buf_adds(out, shown < count ? "…" : "");
        text = digits + count;
    }
    buf_adds(out, text);
}

static void table_row(const struct markdown *m, const struct report_step *s, size_t number)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(2 * sizeof(s->text));

    add_short(&text, s->text);
    markdown_rawf(m, "| %zu | %s", number, s->undo ? "Undo: " : "");
    markdown_text(m, s->title);
    markdown_rawf(m, " | %s | ", state_word(s));
    markdown_seconds(m, s->seconds);
    markdown_raw(m, " | ");
    markdown_text(m, buf_str(&text));
    markdown_raw(m, " |\n");
}

static void table(const struct markdown *m, const struct report *r)
{
    markdown_raw(m, "| # | Step | State | Duration | Detail |\n|--:|---|---|--:|---|\n");
    for (size_t i = 0; i < r->step_count; i++)
        table_row(m, &r->steps[i], i + 1);
    markdown_raw(m, "\n");
}

void summary_part_timeline(const struct markdown *m, const struct report *r)
{
    int64_t total = total_ms(r);

    if (!r->step_count)
        return;
    markdown_raw(m, "### Timeline\n\n");
    gantt(m, r, total);
    markdown_raw(m, "<details><summary>The steps as text, and what each found</summary>\n\n");
    text_chart(m, r, total);
    table(m, r);
    markdown_raw(m, "</details>\n\n");
    if (r->steps_left_out)
        markdown_rawf(m, "%" PRIu64 " further steps are left out.\n\n", r->steps_left_out);
}
