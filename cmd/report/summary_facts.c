/* The facts of a run at a glance: an HTML table, so that it needs no head. */
#include "cmd/report/summary_parts.h"

#include <inttypes.h>

static void row(const struct markdown *m, const char *name)
{
    markdown_rawf(m, "<tr><th align=\"left\">%s</th><td>", name);
}

static void end_row(const struct markdown *m)
{
    markdown_raw(m, "</td></tr>\n");
}

static bool given(const char *s)
{
    return s && *s;
}

static void app_row(const struct markdown *m, const struct summary_facts *f)
{
    if (!f->report->app[0] && !given(f->host))
        return;
    row(m, "App");
    markdown_html_code(m, f->report->app);
    if (given(f->host)) {
        markdown_raw(m, " on ");
        markdown_html_code(m, f->host);
    }
    end_row(m);
}

/* ---- versions ---- */

/* Length of the part that names the repository: up to the tag or digest. */
static size_t repository_len(const char *image)
{
    const char *slash = strrchr(image, '/');
    const char *name = slash ? slash + 1 : image;

    return (size_t)(name - image) + strcspn(name, ":@");
}

static bool same_repository(const char *a, const char *b)
{
    size_t len = repository_len(a);

    return len == repository_len(b) && strncmp(a, b, len) == 0 && a[len] && b[len];
}

static const char *shown_image(const char *image, char out[300])
{
    (void)snprintf(out, 300, "%.*s", (int)report_image_len(image), image);
    return out;
}

#define VERSIONS_MAX 3

/* "REPOSITORY: TAG → TAG → TAG"; whole references when they are of several repositories. */
static void versions(const struct markdown *m, const char *const image[VERSIONS_MAX], size_t count)
{
    char repository[300];
    bool same = count > 0 && repository_len(image[0]) < sizeof(repository);
    size_t len = same ? repository_len(image[0]) : 0;

    for (size_t i = 0; i < count; i++)
        same = same && same_repository(image[0], image[i]);
    if (same) {
        (void)snprintf(repository, sizeof(repository), "%.*s", (int)len, image[0]);
        markdown_html_code(m, repository);
        markdown_raw(m, ": ");
    }
    for (size_t i = 0; i < count; i++) {
        char shown[300];

        (void)shown_image(image[i], shown);
        markdown_raw(m, i ? " → " : "");
        markdown_html_code(m, same ? shown + len + 1 : shown);
    }
}

/* What serves in the end stands last; what was only wanted is named so. */
static void version_row(const struct markdown *m, const struct report *r)
{
    const char *image[VERSIONS_MAX] = { "" };
    const char *old = report_str(r, "previous_image"), *new = report_str(r, "image");
    char shown[300];
    size_t count = 0;

    if (!*new)
        return;
    row(m, "Version");
    if (r->outcome == OUTCOME_UNCHANGED && r->op == WIRE_DEPLOY)
        old = ""; /* the same twice says nothing */
    if (*old)
        image[count++] = old;
    if (r->outcome == OUTCOME_DEPLOYED || r->outcome == OUTCOME_UNCHANGED || r->outcome == OUTCOME_ROLLED_BACK)
        image[count++] = new;
    if (r->outcome == OUTCOME_ROLLED_BACK && r->op == WIRE_DEPLOY && *old)
        image[count++] = old;
    versions(m, image, count);
    if (r->outcome == OUTCOME_FAILED_UNTOUCHED || r->outcome == OUTCOME_ROLLBACK_FAILED ||
        r->outcome == OUTCOME_UNKNOWN) {
        markdown_raw(m, count ? " (wanted: " : "(wanted: ");
        markdown_html_code(m, shown_image(new, shown));
        markdown_raw(m, ")");
    } else if (r->outcome == OUTCOME_DEPLOYED && !*old) {
        markdown_raw(m, " (the first deployment)");
    }
    end_row(m);
    if (r->outcome == OUTCOME_DEPLOYED && *report_str(r, "digest")) {
        row(m, "Digest");
        markdown_html_code(m, report_str(r, "digest"));
        end_row(m);
    }
}

static void scan_row(const struct markdown *m, const struct summary_facts *f)
{
    if (!given(f->image_scan))
        return;
    row(m, "Image scan");
    markdown_html_code(m, f->image_scan);
    end_row(m);
}

/* ---- times ---- */

static void time_rows(const struct markdown *m, const struct report *r)
{
    const struct json *last = r->rollback_facts;
    double outage = report_num(r, "outage_seconds"), total = report_num(r, "total_seconds");

    if (total >= 0) {
        row(m, "Duration");
        markdown_seconds(m, total);
        if (report_num(r, "cutover_seconds") >= 0) {
            markdown_raw(m, ", of that cutover ");
            markdown_seconds(m, report_num(r, "cutover_seconds"));
        }
        if (json_num(last, "total_seconds", -1) >= 0) {
            markdown_raw(m, "; the way back ");
            markdown_seconds(m, json_num(last, "total_seconds", -1));
        }
        end_row(m);
    }
    if (outage >= 0) {
        row(m, "Outage");
        markdown_raw(m, "<b>");
        markdown_seconds(m, outage);
        markdown_raw(m, "</b> measured on the port");
        if (json_num(last, "outage_seconds", -1) >= 0) {
            markdown_raw(m, ", and ");
            markdown_seconds(m, json_num(last, "outage_seconds", -1));
            markdown_raw(m, " on the way back");
        }
        end_row(m);
    }
}

/* ---- where more is ---- */

/* What an auditor compares later with the log on the host. */
static void audit_row(const struct markdown *m, const struct report *r)
{
    const struct json *audit = json_get(r->rollback_facts ? r->rollback_facts : r->facts, "audit");

    if (!json_str(audit, "hash", "")[0])
        return;
    row(m, "Audit log");
    markdown_rawf(m, "entry %" PRId64 ", hash ", json_int(audit, "n", 0));
    markdown_html_code(m, json_str(audit, "hash", ""));
    end_row(m);
}

static void run_rows(const struct markdown *m, const struct summary_facts *f)
{
    const struct report *r = f->report;

    if (r->deployment[0]) {
        row(m, r->op == WIRE_ROLLBACK ? "Rollback" : "Deployment");
        markdown_html_code(m, r->deployment);
        if (*report_str(r, "strategy")) {
            markdown_raw(m, ", strategy ");
            markdown_html_code(m, report_str(r, "strategy"));
        }
        end_row(m);
    }
    if (r->op == WIRE_ROLLBACK && r->outcome == OUTCOME_ROLLED_BACK && *report_str(r, "previous_deployment")) {
        row(m, "Taken back");
        markdown_raw(m, "deployment ");
        markdown_html_code(m, report_str(r, "previous_deployment"));
        end_row(m);
    }
    if (given(f->run_link)) {
        row(m, "Run");
        markdown_html_link(m, NULL, f->run_link);
        end_row(m);
    }
}

static void bundle_rows(const struct markdown *m, const struct summary_facts *f)
{
    const struct report *r = f->report;

    if (given(f->artifact_url)) {
        row(m, "Evidence");
        markdown_html_link(m, given(f->bundle_path) ? base_name(f->bundle_path) : NULL, f->artifact_url);
        markdown_raw(m, ": logs, metrics, events, inspections");
        end_row(m);
    } else if (given(f->bundle_path)) {
        row(m, "Evidence");
        markdown_html_code(m, f->bundle_path);
        markdown_raw(m, " in the workspace (output <code>bundle-path</code>)");
        end_row(m);
    } else if (f->bundle_path && !report_is_question(r->op)) {
        row(m, "Evidence");
        markdown_raw(m, "No bundle was written; the log says why.");
        end_row(m);
    }
    if (*report_str(r, "log")) {
        row(m, "On the host");
        markdown_html_code(m, report_str(r, "log"));
        markdown_raw(m, " and ");
        markdown_html_code(m, report_str(r, "metrics"));
        end_row(m);
    }
}

void summary_part_facts(const struct markdown *m, const struct summary_facts *f)
{
    size_t before = m->out->len;

    markdown_raw(m, "<table>\n");
    size_t empty = m->out->len;
    app_row(m, f);
    version_row(m, f->report);
    scan_row(m, f);
    time_rows(m, f->report);
    run_rows(m, f);
    bundle_rows(m, f);
    audit_row(m, f->report);
    if (m->out->len == empty && !m->out->failed) {
        m->out->len = before; /* nothing is known: no table */
        return;
    }
    markdown_raw(m, "</table>\n\n");
}
