#include "cmd/report/summary.h"

#include "cmd/log/annotations.h"
#include "cmd/report/markdown.h"
#include "cmd/report/summary_parts.h"
#include "shared/safetext.h"

#define LOG_TAIL_MAX (64 * 1024) /* bytes of the log shown, before they are made safe */
#define LOG_TAIL_MIN 1024        /* less is not worth a section */
#define TEXT_SHORT 160           /* bytes of each text when a section would not fit otherwise */
#define NOTE_ROOM 512            /* kept free for the last sentence */

/* A section may use what is to be told and, in the post stage, why. */
struct told {
    const struct summary_facts *f;
    const char *why; /* NULL in main */
};

typedef void section_fn(const struct markdown *m, const struct told *t);

/* ---- outcome ---- */

/* GitHub's own marks; a viewer that does not know them shows a quotation. */
static const char *alert(const struct report *r)
{
    switch (r->outcome) {
    case OUTCOME_DEPLOYED:
        return r->cause.kind == ERR_OK ? "NOTE" : "WARNING"; /* it serves, although verify-url did not hold */
    case OUTCOME_UNCHANGED:
        return "NOTE";
    case OUTCOME_REPORTED:
        return annotations_needs_a_person(r) ? "WARNING" : "NOTE";
    case OUTCOME_ROLLED_BACK:
        return r->op == WIRE_ROLLBACK ? "NOTE" : "WARNING";
    case OUTCOME_FAILED_UNTOUCHED:
        return "WARNING";
    case OUTCOME_ROLLBACK_FAILED:
    case OUTCOME_UNKNOWN:
    default:
        return "CAUTION";
    }
}

static void add_cause(const struct markdown *m, const struct report *r)
{
    char text[ERR_FRAMES * ERR_TEXT_MAX];
    bool likely = r->diagnosis_count > 0 && r->diagnoses[0].cause[0];

    if (r->cause.kind == ERR_OK && !likely)
        return;
    markdown_rawf(m, ">\n> **%s:** ", likely ? "Likely cause" : "Cause");
    markdown_text(m, likely ? r->diagnoses[0].cause : err_text(&r->cause, text, sizeof(text)));
    markdown_raw(m, "\n");
    if (likely && r->diagnoses[0].next[0]) {
        markdown_raw(m, ">\n> **Next:** ");
        markdown_text(m, r->diagnoses[0].next);
        markdown_raw(m, "\n");
    }
}

static void outcome(const struct markdown *m, const struct told *t)
{
    const struct report *r = t->f->report;
    _cleanup_(buf_done_p) struct buf story = BUF_INIT(8192);

    markdown_rawf(m, "## %s%s", annotations_title(r), t->why ? " after the job" : "");
    if (r->app[0]) {
        markdown_raw(m, ": ");
        markdown_code(m, r->app);
    }
    markdown_rawf(m, "\n\n> [!%s]\n> **%s:** ", alert(r), annotations_title(r));
    if (t->why) {
        markdown_text(m, t->why);
        markdown_raw(m, " ");
    }
    annotations_story(r, &story);
    markdown_text(m, buf_str(&story));
    markdown_raw(m, ".\n");
    add_cause(m, r);
    markdown_raw(m, "\n");
}

/* ---- the rest ---- */

static void facts(const struct markdown *m, const struct told *t)
{
    summary_part_facts(m, t->f);
}

static void cause(const struct markdown *m, const struct told *t)
{
    summary_part_cause(m, t->f->report);
}

static void changes(const struct markdown *m, const struct told *t)
{
    summary_part_changes(m, t->f->report);
}

static void timeline(const struct markdown *m, const struct told *t)
{
    summary_part_timeline(m, t->f->report);
}

static void kpi(const struct markdown *m, const struct told *t)
{
    summary_part_kpi(m, t->f->report);
}

static void trend(const struct markdown *m, const struct told *t)
{
    summary_part_trend(m, t->f->report);
}

static void cutover(const struct markdown *m, const struct told *t)
{
    summary_part_cutover(m, t->f->report);
}

static void health(const struct markdown *m, const struct told *t)
{
    summary_part_health(m, t->f->report);
}

static void containers(const struct markdown *m, const struct told *t)
{
    summary_part_containers(m, t->f->report);
}

static void way_back(const struct markdown *m, const struct told *t)
{
    summary_part_rollback(m, t->f);
}

/* By the name of the report; one that has no page of its own here is in the log and in the file. */
static void answer(const struct markdown *m, const struct told *t)
{
    static const struct {
        const char *name;
        void (*part)(const struct markdown *m, const struct report *r);
    } parts[] = {
        { "status", summary_part_status }, { "diagnose", summary_part_diagnose }, { "prune", summary_part_prune },
        { "plan", summary_part_plan },     { "history", summary_part_history },
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strcmp(parts[i].name, t->f->report->answer_name) == 0)
            parts[i].part(m, t->f->report);
}

static section_fn *const of_run[] = { outcome, facts,  cause, changes,    timeline, kpi,
                                      cutover, health, trend, containers, way_back, NULL };
static section_fn *const of_post[] = { outcome, facts, cause, way_back, timeline, cutover, health, containers, NULL };
static section_fn *const of_answer[] = { outcome, facts, cause, answer, NULL };

/* ---- within the limit ---- */

/* Append what `section` has to say if that fits; false when it does not. */
static bool add_section(struct buf *out, section_fn *section, const struct told *t, size_t text_max)
{
    _cleanup_(buf_done_p) struct buf part = BUF_INIT(out->max > NOTE_ROOM ? out->max - NOTE_ROOM : 0);
    const struct markdown m = { &part, t->f->redactor, text_max };

    section(&m, t);
    if (part.failed || out->len + part.len + NOTE_ROOM > out->max)
        return false;
    buf_add_span(out, buf_span(&part));
    return true;
}

static bool add_log_tail(struct buf *out, const struct told *t, size_t bytes)
{
    _cleanup_(buf_done_p) struct buf part = BUF_INIT(out->max);
    const struct markdown m = { &part, t->f->redactor, 0 };

    markdown_rawf(&m, "<details><summary>Last lines of the log (at most %d)</summary>\n\n", SUMMARY_LOG_LINES);
    markdown_fence(&m, t->f->log_tail, bytes);
    markdown_raw(&m, "\n</details>\n\n");
    if (part.failed || out->len + part.len + NOTE_ROOM > out->max)
        return false;
    buf_add_span(out, buf_span(&part));
    return true;
}

static int render(section_fn *const *sections, const struct told *t, struct buf *out, struct err *err)
{
    unsigned left_out = 0;
    size_t bytes = LOG_TAIL_MAX;

    for (; *sections; sections++)
        if (!add_section(out, *sections, t, MARKDOWN_TEXT_MAX) && !add_section(out, *sections, t, TEXT_SHORT))
            left_out++;
    if (t->f->log_tail.len) {
        while (bytes >= LOG_TAIL_MIN && !add_log_tail(out, t, bytes))
            bytes /= 2;
        left_out += bytes < LOG_TAIL_MIN;
    }
    if (left_out)
        buf_addf(out, "Too long to be shown here: %u sections are left out. The bundle holds everything.\n", left_out);
    if (buf_check(out, err) < 0)
        return err_wrap(err, "write the summary");
    return 0;
}

int summary_render(const struct summary_facts *f, struct buf *out, struct err *err)
{
    return render(of_run, &(struct told){ f, NULL }, out, err);
}

int summary_render_post(const struct summary_facts *f, const char *why, struct buf *out, struct err *err)
{
    return render(of_post, &(struct told){ f, why }, out, err);
}

int summary_render_answer(const struct summary_facts *f, struct buf *out, struct err *err)
{
    return render(of_answer, &(struct told){ f, NULL }, out, err);
}
