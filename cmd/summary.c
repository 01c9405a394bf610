#include "cmd/summary.h"

#include "cmd/annotations.h"
#include "cmd/markdown.h"
#include "cmd/safetext.h"
#include "cmd/summary_parts.h"

#include <inttypes.h>

#define LOG_TAIL_MAX (64 * 1024)

static void heading(const struct markdown *m, const struct summary_facts *f, const char *what)
{
    markdown_rawf(m, "## %s ", what);
    markdown_code(m, f->report->app);
    markdown_rawf(m, ": %s\n\n", annotations_title(f->report));
}

static void story(const struct markdown *m, const struct summary_facts *f)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(4096);

    annotations_story(f->report, &text);
    markdown_text(m, buf_str(&text));
    markdown_raw(m, ".\n\n");
}

/* "Deployment ID on HOST by RUN", the facts that identify it. */
static void identity(const struct markdown *m, const struct summary_facts *f)
{
    markdown_raw(m, "Deployment ");
    markdown_code(m, f->report->deployment);
    if (f->host && *f->host) {
        markdown_raw(m, " on ");
        markdown_code(m, f->host);
    }
    if (*report_str(f->report, "strategy")) {
        markdown_raw(m, ", strategy ");
        markdown_code(m, report_str(f->report, "strategy"));
    }
    if (f->run_link && *f->run_link) {
        markdown_raw(m, ", by ");
        markdown_code(m, f->run_link);
    }
    markdown_rawf(m, ", outcome `%s`.\n\n", outcome_name(f->report->outcome));
}

static void where_the_bundle_is(const struct markdown *m, const struct summary_facts *f)
{
    markdown_raw(m, "### Bundle\n\n");
    if (f->bundle_path && *f->bundle_path) {
        markdown_raw(m, "What was collected (logs, metrics, events, inspections) is in ");
        markdown_code(m, f->bundle_path);
        markdown_raw(m, " (output `bundle-path`).\n\n");
    } else {
        markdown_raw(m, "No bundle was written; the log says why.\n\n");
    }
    if (*report_str(f->report, "log")) {
        markdown_raw(m, "On the host: log ");
        markdown_code(m, report_str(f->report, "log"));
        markdown_raw(m, ", metrics ");
        markdown_code(m, report_str(f->report, "metrics"));
        markdown_raw(m, ".\n\n");
    }
}

static void log_tail(const struct markdown *m, const struct summary_facts *f)
{
    if (!f->log_tail.len)
        return;
    markdown_rawf(m, "<details><summary>Last %d lines of the log</summary>\n\n", SUMMARY_LOG_LINES);
    markdown_fence(m, f->log_tail, LOG_TAIL_MAX);
    markdown_raw(m, "\n</details>\n\n");
}

int summary_render(const struct summary_facts *f, struct buf *out, struct err *err)
{
    const struct markdown m = { out, f->redactor };

    heading(&m, f, f->report->op == WIRE_ROLLBACK ? "Rollback of" : "Blue-green deployment of");
    story(&m, f);
    identity(&m, f);
    summary_part_cause(&m, f->report);
    summary_part_changes(&m, f->report);
    summary_part_timeline(&m, f->report);
    summary_part_kpi(&m, f->report);
    summary_part_cutover(&m, f->report);
    summary_part_health(&m, f->report);
    summary_part_containers(&m, f->report);
    summary_part_rollback(&m, f->report);
    where_the_bundle_is(&m, f);
    log_tail(&m, f);
    if (buf_check(out, err) < 0)
        return err_wrap(err, "write the summary");
    return 0;
}

int summary_render_post(const struct summary_facts *f, const char *why, struct buf *out, struct err *err)
{
    const struct markdown m = { out, f->redactor };

    heading(&m, f, "After the job:");
    markdown_text(&m, why);
    markdown_raw(&m, " ");
    story(&m, f);
    summary_part_cause(&m, f->report);
    summary_part_timeline(&m, f->report);
    summary_part_containers(&m, f->report);
    log_tail(&m, f);
    if (buf_check(out, err) < 0)
        return err_wrap(err, "write the summary");
    return 0;
}

int summary_render_status(const struct summary_facts *f, struct buf *out, struct err *err)
{
    const struct markdown m = { out, f->redactor };

    heading(&m, f, "Status of");
    story(&m, f);
    if (f->host && *f->host) {
        markdown_raw(&m, "Host: ");
        markdown_code(&m, f->host);
        markdown_raw(&m, "\n\n");
    }
    summary_part_cause(&m, f->report);
    summary_part_status(&m, f->report);
    if (buf_check(out, err) < 0)
        return err_wrap(err, "write the summary");
    return 0;
}
