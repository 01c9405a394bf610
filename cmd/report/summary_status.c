/* The answer to `command: status`: what to do, the containers side by side, the last deployments, the host. */
#include "cmd/report/summary_parts.h"

#include <inttypes.h>

static const struct {
    const char *key, *title;
} roles[] = {
    { "blue", "blue: serves" },
    { "green", "green: to go back to" },
    { "next", "candidate" },
};
#define ROLES (sizeof(roles) / sizeof(roles[0]))

/* ---- what to do ---- */

void summary_command(const struct markdown *m, const char *command)
{
    if (!*command)
        return;
    markdown_fence(m, span_of(command), MARKDOWN_TEXT_MAX);
    markdown_raw(m, "\n");
}

static void recommendations(const struct markdown *m, const struct json *list)
{
    const struct json *r = NULL;
    size_t n = 0;

    if (!json_len(list))
        return;
    markdown_raw(m, "### What to do\n\n");
    for (r = json_first(list); r && n < SUMMARY_ROWS_MAX; r = json_next(r)) {
        markdown_rawf(m, "**%zu. ", ++n);
        markdown_text(m, json_str(r, "level", "info"));
        markdown_raw(m, ":** ");
        markdown_text(m, json_str(r, "text", ""));
        markdown_raw(m, "\n\n");
        summary_command(m, json_str(r, "command", ""));
    }
    if (r)
        markdown_rawf(m, "And %zu more.\n\n", json_len(list) - n);
}

/* ---- the containers ---- */

typedef void cell_fn(const struct markdown *m, const struct json *c);

static bool runs(const struct json *c)
{
    return strcmp(json_str(c, "status", ""), "running") == 0;
}

static void cell_code(const struct markdown *m, const struct json *c, const char *key)
{
    markdown_code(m, json_str(c, key, ""));
}

static void cell_name(const struct markdown *m, const struct json *c)
{
    cell_code(m, c, "name");
}

static void cell_image(const struct markdown *m, const struct json *c)
{
    const char *image = json_str(c, "image", "");
    _cleanup_(free_p) char *shown = span_dup((struct span){ image, report_image_len(image) });

    markdown_code(m, shown ? shown : image);
}

static void cell_digest(const struct markdown *m, const struct json *c)
{
    markdown_digest(m, json_str(c, "digest", ""));
    if (*json_str(c, "drift", "")) {
        markdown_raw(m, " (the tag now names ");
        markdown_digest(m, json_str(c, "drift", ""));
        markdown_raw(m, ")");
    }
}

static void cell_version(const struct markdown *m, const struct json *c)
{
    cell_code(m, c, "version");
}

static void cell_state(const struct markdown *m, const struct json *c)
{
    bool ended = strcmp(json_str(c, "status", ""), "exited") == 0;

    markdown_text(m, json_str(c, "status", "?"));
    if (*json_str(c, runs(c) ? "started" : "finished", "")) {
        markdown_raw(m, " since ");
        markdown_time(m, json_str(c, runs(c) ? "started" : "finished", ""));
    }
    if (json_bool(c, "oom_killed", false))
        markdown_raw(m, ", killed for want of memory");
    else if (ended)
        markdown_rawf(m, ", exit code %" PRId64, json_int(c, "exit_code", 0));
}

static void cell_health(const struct markdown *m, const struct json *c)
{
    bool bad = strcmp(json_str(c, "health", ""), "unhealthy") == 0;

    if (!runs(c)) {
        markdown_raw(m, "-");
        return;
    }
    markdown_raw(m, bad ? "**" : "");
    markdown_text(m, json_str(c, "health", "unknown"));
    markdown_raw(m, bad ? "**" : "");
    if (json_num(c, "response_ms", -1) >= 0) {
        markdown_raw(m, ", answers in ");
        summary_milliseconds(m, json_num(c, "response_ms", -1));
    }
    if (*json_str(c, "health_error", "")) {
        markdown_raw(m, ": ");
        markdown_text(m, json_str(c, "health_error", ""));
    }
}

static void cell_restarts(const struct markdown *m, const struct json *c)
{
    markdown_rawf(m, "%" PRId64, json_int(c, "restarts", 0));
}

static void cell_ports(const struct markdown *m, const struct json *c)
{
    const struct json *port = NULL;
    size_t n = 0;

    for (port = json_first(json_get(c, "ports")); port && n < SUMMARY_ROWS_MAX; port = json_next(port), n++) {
        markdown_raw(m, n ? ", " : "");
        markdown_text(m, json_value_str(port, ""));
    }
    markdown_raw(m, n ? "" : "-");
}

static void cell_cpu(const struct markdown *m, const struct json *c)
{
    if (json_num(c, "cpu_percent", -1) >= 0)
        markdown_rawf(m, "%.1f %%", json_num(c, "cpu_percent", -1));
    else
        markdown_raw(m, "-");
}

static void cell_memory(const struct markdown *m, const struct json *c)
{
    double used = json_num(c, "memory_bytes", -1), limit = json_num(c, "memory_limit_bytes", -1);

    markdown_bytes(m, used);
    if (used < 0 || limit <= 0)
        return;
    markdown_raw(m, " of ");
    markdown_bytes(m, limit);
    markdown_rawf(m, " (%.0f %%)", used / limit * 100);
}

static void cell_network(const struct markdown *m, const struct json *c)
{
    if (json_num(c, "net_rx_bytes", -1) < 0) {
        markdown_raw(m, "-");
        return;
    }
    markdown_bytes(m, json_num(c, "net_rx_bytes", -1));
    markdown_raw(m, " in, ");
    markdown_bytes(m, json_num(c, "net_tx_bytes", -1));
    markdown_raw(m, " out");
}

static void cell_deployment(const struct markdown *m, const struct json *c)
{
    cell_code(m, c, "deployment");
    if (*json_str(c, "strategy", "")) {
        markdown_raw(m, ", ");
        markdown_text(m, json_str(c, "strategy", ""));
    }
}

static void cell_kept(const struct markdown *m, const struct json *c)
{
    if (*json_str(c, "keep_until", ""))
        markdown_time(m, json_str(c, "keep_until", ""));
    else
        markdown_raw(m, "-");
}

static const struct {
    const char *title;
    cell_fn *cell;
} facts[] = {
    { "Container", cell_name },    { "Image", cell_image },     { "Digest", cell_digest },
    { "Version", cell_version },   { "State", cell_state },     { "Health", cell_health },
    { "Restarts", cell_restarts }, { "Ports", cell_ports },     { "CPU", cell_cpu },
    { "Memory", cell_memory },     { "Network", cell_network }, { "Deployment", cell_deployment },
    { "Kept until", cell_kept },
};

static void containers(const struct markdown *m, const struct json *status)
{
    const struct json *shown[ROLES];
    size_t count = 0;

    markdown_raw(m, "| Fact |");
    for (size_t i = 0; i < ROLES; i++)
        if (json_is_object(json_get(status, roles[i].key))) {
            shown[count++] = json_get(status, roles[i].key);
            markdown_rawf(m, " %s |", roles[i].title);
        }
    markdown_raw(m, "\n|---|");
    for (size_t i = 0; i < count; i++)
        markdown_raw(m, "---|");
    markdown_raw(m, "\n");
    for (size_t f = 0; count && f < sizeof(facts) / sizeof(facts[0]); f++) {
        markdown_rawf(m, "| %s |", facts[f].title);
        for (size_t i = 0; i < count; i++) {
            markdown_raw(m, " ");
            facts[f].cell(m, shown[i]);
            markdown_raw(m, " |");
        }
        markdown_raw(m, "\n");
    }
    markdown_raw(m, count ? "\n" : "| no container |\n\n");
}

/* ---- the last deployments ---- */

static const struct {
    const char *key;
    enum kpi_id kpi; /* KPI_COUNT: has none */
} measured[] = {
    { "total_seconds", KPI_TOTAL },
    { "cutover_seconds", KPI_CUTOVER },
    { "health_check_seconds", KPI_HEALTH_CHECK },
    { "image_pull_seconds", KPI_IMAGE_PULL },
    { "outage_seconds", KPI_COUNT },
};

static void duration(const struct markdown *m, const struct json *status, double seconds, enum kpi_id id)
{
    const struct json *limits = id < KPI_COUNT ? json_path(status, "kpi", kpi_name(id), NULL) : NULL;
    const struct kpi_limits l = { json_num(limits, "target", 0), json_num(limits, "warning", 0),
                                  json_num(limits, "critical", 0) };
    enum kpi_verdict verdict = limits ? kpi_judge(&l, seconds) : KPI_NOT_MEASURED;

    markdown_seconds(m, seconds);
    if (verdict == KPI_WARNING || verdict == KPI_CRITICAL)
        markdown_rawf(m, " **%s**", verdict == KPI_CRITICAL ? "critical" : "warning");
}

static void deployment(const struct markdown *m, const struct json *status, const struct json *d)
{
    markdown_raw(m, "| ");
    markdown_code(m, json_str(d, "deployment", ""));
    markdown_raw(m, " | ");
    markdown_text(m, json_str(d, "operation", ""));
    markdown_raw(m, ": ");
    markdown_text(m, json_str(d, "outcome", ""));
    markdown_raw(m, " | ");
    markdown_code(m, json_str(d, "image", ""));
    markdown_raw(m, " | ");
    markdown_time(m, json_str(d, "started", ""));
    for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
        markdown_raw(m, " | ");
        duration(m, status, json_num(d, measured[i].key, -1), measured[i].kpi);
    }
    markdown_raw(m, " | ");
    if (strncmp(json_str(d, "who", ""), "https://", 8) == 0)
        markdown_link(m, "run", json_str(d, "who", ""));
    else if (json_str(d, "who", "")[0])
        markdown_code(m, json_str(d, "who", ""));
    markdown_raw(m, " |\n");
}

static void deployments(const struct markdown *m, const struct json *status)
{
    const struct json *list = json_get(status, "deployments"), *d = NULL;
    size_t rows = 0;

    if (!json_len(list))
        return;
    markdown_raw(
        m, "### Last deployments\n\n"
           "| Deployment | Outcome | Image | Started (UTC) | Total | Cutover | Health check | Image pull | Outage "
           "| By |\n|---|---|---|---|--:|--:|--:|--:|--:|---|\n");
    for (d = json_first(list); d && rows < SUMMARY_ROWS_MAX; d = json_next(d), rows++)
        deployment(m, status, d);
    markdown_raw(m, "\n");
}

/* ---- what is around them ---- */

static void running(const struct markdown *m, const struct json *status)
{
    const struct json *r = json_get(status, "running"), *lock = json_get(status, "lock");

    if (json_is_object(r)) {
        markdown_raw(m, "Under way: ");
        markdown_text(m, json_str(r, "operation", "deploy"));
        markdown_raw(m, " ");
        markdown_code(m, json_str(r, "deployment", ""));
        markdown_raw(m, " since ");
        markdown_seconds(m, json_num(r, "seconds", -1));
        markdown_raw(m, ", step ");
        markdown_code(m, json_str(r, "step", ""));
        markdown_raw(m, " since ");
        markdown_seconds(m, json_num(r, "step_seconds", -1));
        markdown_raw(m, ", by ");
        markdown_link(m, NULL, json_str(r, "run_link", ""));
        markdown_raw(m, "\n\n");
    } else if (json_bool(lock, "held", false)) {
        markdown_raw(m, "The lock is held by ");
        markdown_link(m, NULL, json_str(lock, "run_link", ""));
        markdown_raw(m, "\n\n");
    }
}

static void host(const struct markdown *m, const struct json *status)
{
    const struct json *engine = json_get(status, "engine"), *disk = json_get(status, "disk");
    const struct json *keeper = json_get(status, "keeper");
    double skew = json_num(json_get(status, "clock"), "skew_seconds", 0);

    markdown_raw(m, "Docker Engine ");
    markdown_text(m, json_str(engine, "version", "?"));
    markdown_raw(m, " (API ");
    markdown_text(m, json_str(engine, "api", "?"));
    markdown_raw(m, ", ");
    markdown_text(m, json_str(engine, "arch", "?"));
    markdown_raw(m, "), disk: ");
    markdown_bytes(m, json_num(disk, "free_bytes", -1));
    markdown_raw(m, " free of ");
    markdown_bytes(m, json_num(disk, "total_bytes", -1));
    markdown_raw(m, "; keeper: ");
    markdown_text(m, json_is_object(keeper) ? json_str(keeper, "status", "?") : "none");
    markdown_raw(m, "; agent ");
    markdown_text(m, json_str(json_get(status, "agent"), "version", "?"));
    if (skew >= 1 || skew <= -1)
        markdown_rawf(m, "; its clock is %.1f s %s", skew > 0 ? skew : -skew, skew > 0 ? "ahead" : "behind");
    markdown_raw(m, ".\n\n");
}

void summary_part_status(const struct markdown *m, const struct report *r)
{
    if (!r->answer)
        return;
    running(m, r->answer);
    recommendations(m, json_get(r->answer, "recommendations"));
    markdown_raw(m, "### Containers\n\n");
    containers(m, r->answer);
    deployments(m, r->answer);
    summary_trend(m, json_get(r->answer, "trend"));
    host(m, r->answer);
}
