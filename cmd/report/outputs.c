#include "cmd/report/outputs.h"

#define VALUE_SIZE 1024

static void put(char *out, const char *text)
{
    (void)snprintf(out, VALUE_SIZE, "%s", text ? text : "");
}

/* Decimal seconds; empty when not measured. */
static void put_seconds(char *out, double seconds)
{
    if (seconds >= 0)
        (void)snprintf(out, VALUE_SIZE, "%.3f", seconds);
    else
        out[0] = '\0';
}

static void put_outcome(const struct outputs_facts *f, char *out)
{
    put(out, outcome_name(f->report->outcome));
}

/* `status` has no deployment of its own: it tells of the one that serves. */
static const struct json *serving(const struct outputs_facts *f)
{
    return json_get(f->report->answer, "blue");
}

static void put_deployment(const struct outputs_facts *f, char *out)
{
    put(out, report_is_question(f->report->op) ? json_str(serving(f), "deployment", "") : f->report->deployment);
}

static void put_digest(const struct outputs_facts *f, char *out)
{
    put(out, report_is_question(f->report->op) ? json_str(serving(f), "digest", "") : report_str(f->report, "digest"));
}

static void put_previous(const struct outputs_facts *f, char *out)
{
    put(out, report_str(f->report, "previous_image"));
}

static void put_cutover(const struct outputs_facts *f, char *out)
{
    put_seconds(out, report_num(f->report, "cutover_seconds"));
}

static void put_outage(const struct outputs_facts *f, char *out)
{
    put_seconds(out, report_num(f->report, "outage_seconds"));
}

static void put_total(const struct outputs_facts *f, char *out)
{
    put_seconds(out, report_num(f->report, "total_seconds"));
}

static void put_rolled_back(const struct outputs_facts *f, char *out)
{
    put(out, f->report->outcome == OUTCOME_ROLLED_BACK ? "true" : "false");
}

static void put_report(const struct outputs_facts *f, char *out)
{
    put(out, f->report_path);
}

static void put_bundle(const struct outputs_facts *f, char *out)
{
    put(out, f->bundle_path);
}

static void put_summary(const struct outputs_facts *f, char *out)
{
    put(out, f->summary_path);
}

static void put_artifact_id(const struct outputs_facts *f, char *out)
{
    put(out, f->artifact ? f->artifact->id : "");
}

static void put_artifact_url(const struct outputs_facts *f, char *out)
{
    put(out, f->artifact ? f->artifact->url : "");
}

static void put_artifact_digest(const struct outputs_facts *f, char *out)
{
    put(out, f->artifact ? f->artifact->digest : "");
}

static const struct {
    const char *name;
    void (*put)(const struct outputs_facts *f, char *out);
} outputs[] = {
    { "outcome", put_outcome },           { "deployment-id", put_deployment },
    { "image-digest", put_digest },       { "previous-image", put_previous },
    { "cutover-seconds", put_cutover },   { "outage-seconds", put_outage },
    { "total-seconds", put_total },       { "rolled-back", put_rolled_back },
    { "report-path", put_report },        { "bundle-path", put_bundle },
    { "summary-path", put_summary },      { "artifact-id", put_artifact_id },
    { "artifact-url", put_artifact_url }, { "artifact-digest", put_artifact_digest },
};
#define OUTPUTS (sizeof(outputs) / sizeof(outputs[0]))

int outputs_write(struct github *g, const struct outputs_facts *f, struct err *err)
{
    char value[VALUE_SIZE];

    for (size_t i = 0; i < OUTPUTS; i++) {
        outputs[i].put(f, value);
        if (github_output(g, outputs[i].name, value, err) < 0)
            return err_wrap(err, "output '%s'", outputs[i].name);
    }
    return 0;
}

const char *outputs_name(size_t i)
{
    return i < OUTPUTS ? outputs[i].name : NULL;
}
