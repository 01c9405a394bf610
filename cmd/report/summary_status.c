/* The answer to `command: status` as tables. */
#include "cmd/report/summary_parts.h"

#include <inttypes.h>

static void live_row(const struct markdown *m, const struct json *c)
{
    const struct json *port = NULL;

    markdown_raw(m, "| ");
    markdown_code(m, json_str(c, "name", ""));
    markdown_raw(m, " | ");
    markdown_text(m, json_str(c, "health", "unknown"));
    markdown_raw(m, " | ");
    summary_milliseconds(m, json_num(c, "response_ms", -1));
    markdown_rawf(m, " | %" PRId64 " | ", json_int(c, "restarts", 0));
    for (port = json_first(json_get(c, "ports")); port; port = json_next(port)) {
        markdown_text(m, json_value_str(port, ""));
        markdown_raw(m, " ");
    }
    markdown_raw(m, "| ");
    if (json_num(c, "cpu_percent", -1) >= 0)
        markdown_rawf(m, "%.1f %%", json_num(c, "cpu_percent", -1));
    else
        markdown_raw(m, "-");
    markdown_raw(m, " | ");
    markdown_bytes(m, json_num(c, "memory_bytes", -1));
    markdown_raw(m, " |\n");
}

static const char *const roles[] = { "blue", "green", "next" };
#define ROLES (sizeof(roles) / sizeof(roles[0]))

static void status_containers(const struct markdown *m, const struct json *status)
{
    const struct json *c = NULL;
    size_t rows = 0;

    summary_container_head(m);
    for (size_t i = 0; i < ROLES; i++)
        if (json_is_object(json_get(status, roles[i])))
            summary_container_row(m, json_get(status, roles[i]), roles[i]);
    for (c = json_first(json_get(status, "others")); c && rows < SUMMARY_ROWS_MAX; c = json_next(c), rows++)
        summary_container_row(m, c, "other");
    markdown_raw(
        m, "\n| Container | Health | Response | Restarts | Ports | CPU | Memory |\n|---|---|--:|--:|---|--:|--:|\n");
    for (size_t i = 0; i < ROLES; i++)
        if (json_is_object(json_get(status, roles[i])))
            live_row(m, json_get(status, roles[i]));
    markdown_raw(m, "\n");
}

static void status_deployments(const struct markdown *m, const struct json *list)
{
    const struct json *d = NULL;
    size_t rows = 0;

    if (!json_len(list))
        return;
    markdown_raw(m, "### Last deployments\n\n| Deployment | Outcome | Image | Started (UTC) | Took | By "
                    "|\n|---|---|---|---|--:|---|\n");
    for (d = json_first(list); d && rows < SUMMARY_ROWS_MAX; d = json_next(d), rows++) {
        markdown_raw(m, "| ");
        markdown_code(m, json_str(d, "deployment", ""));
        markdown_raw(m, " | ");
        markdown_text(m, json_str(d, "outcome", ""));
        markdown_raw(m, " | ");
        markdown_code(m, json_str(d, "image", ""));
        markdown_raw(m, " | ");
        markdown_time(m, json_str(d, "started", ""));
        markdown_raw(m, " | ");
        markdown_seconds(m, json_num(d, "total_seconds", -1));
        markdown_raw(m, " | ");
        markdown_link(m, "run", json_str(d, "who", ""));
        markdown_raw(m, " |\n");
    }
    markdown_raw(m, "\n");
}

void summary_part_status(const struct markdown *m, const struct report *r)
{
    const struct json *engine = json_get(r->answer, "engine"), *disk = json_get(r->answer, "disk");
    const struct json *lock = json_get(r->answer, "lock");

    if (!r->answer)
        return;
    status_containers(m, r->answer);
    status_deployments(m, json_get(r->answer, "deployments"));
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
    markdown_raw(m, ".\n\n");
    if (json_bool(lock, "held", false)) {
        markdown_raw(m, "A deployment is running now: ");
        markdown_link(m, NULL, json_str(lock, "run_link", ""));
        markdown_raw(m, "\n\n");
    }
}
