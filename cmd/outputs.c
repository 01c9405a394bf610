#include "cmd/outputs.h"

#define VALUE_SIZE 1024

struct context {
    const struct report *report;
    const char *bundle_path, *summary_path;
};

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

static void put_outcome(const struct context *c, char *out)
{
    put(out, outcome_name(c->report->outcome));
}

/* `status` has no deployment of its own: it tells of the one that serves. */
static const struct json *serving(const struct context *c)
{
    return json_get(c->report->status, "blue");
}

static void put_deployment(const struct context *c, char *out)
{
    put(out, c->report->op == WIRE_STATUS ? json_str(serving(c), "deployment", "") : c->report->deployment);
}

static void put_digest(const struct context *c, char *out)
{
    put(out, c->report->op == WIRE_STATUS ? json_str(serving(c), "digest", "") : report_str(c->report, "digest"));
}

static void put_previous(const struct context *c, char *out)
{
    put(out, report_str(c->report, "previous_image"));
}

static void put_cutover(const struct context *c, char *out)
{
    put_seconds(out, report_num(c->report, "cutover_seconds"));
}

static void put_outage(const struct context *c, char *out)
{
    put_seconds(out, report_num(c->report, "outage_seconds"));
}

static void put_total(const struct context *c, char *out)
{
    put_seconds(out, report_num(c->report, "total_seconds"));
}

static void put_rolled_back(const struct context *c, char *out)
{
    put(out, c->report->outcome == OUTCOME_ROLLED_BACK ? "true" : "false");
}

static void put_bundle(const struct context *c, char *out)
{
    put(out, c->bundle_path);
}

static void put_summary(const struct context *c, char *out)
{
    put(out, c->summary_path);
}

static const struct {
    const char *name;
    void (*put)(const struct context *c, char *out);
} outputs[] = {
    { "outcome", put_outcome },         { "deployment-id", put_deployment }, { "image-digest", put_digest },
    { "previous-image", put_previous }, { "cutover-seconds", put_cutover },  { "outage-seconds", put_outage },
    { "total-seconds", put_total },     { "rolled-back", put_rolled_back },  { "bundle-path", put_bundle },
    { "summary-path", put_summary },
};
#define OUTPUTS (sizeof(outputs) / sizeof(outputs[0]))

int outputs_write(struct github *g, const struct report *r, const char *bundle_path, const char *summary_path,
                  struct err *err)
{
    const struct context c = { r, bundle_path, summary_path };
    char value[VALUE_SIZE];

    for (size_t i = 0; i < OUTPUTS; i++) {
        outputs[i].put(&c, value);
        if (github_output(g, outputs[i].name, value, err) < 0)
            return err_wrap(err, "output '%s'", outputs[i].name);
    }
    return 0;
}

const char *outputs_name(size_t i)
{
    return i < OUTPUTS ? outputs[i].name : NULL;
}
