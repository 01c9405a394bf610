#include "shared/view/view_internal.h"

#include <inttypes.h>

#define OTHERS_MAX 20

static void add_bytes(struct buf *out, const char *label, double bytes)
{
    if (bytes >= 0)
        buf_addf(out, ", %s %.1f MB", label, bytes / 1e6);
}

static void container(const struct view *v, const char *role, const struct json *c)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(64 * 1024);
    const struct json *port = NULL;

    if (!json_is_object(c)) {
        view_line(v, "%-6s none", role);
        return;
    }
    view_line(v, "%-6s %-24s %-10s %-10s %s", role, json_str(c, "name", "?"), json_str(c, "status", "?"),
              json_str(c, "health", "unknown"), json_str(c, "image", "?"));
    buf_addf(&line, "deployment %s, started %s, restarts %" PRId64, json_str(c, "deployment", "-"),
             json_str(c, "started", "-"), json_int(c, "restarts", 0));
    for (port = json_first(json_get(c, "ports")); port; port = json_next(port))
        buf_addf(&line, ", port %s", json_value_str(port, "?"));
    if (json_num(c, "response_ms", -1) >= 0)
        buf_addf(&line, ", answers in %.1f ms", json_num(c, "response_ms", -1));
    if (json_num(c, "cpu_percent", -1) >= 0)
        buf_addf(&line, ", CPU %.1f %%", json_num(c, "cpu_percent", -1));
    add_bytes(&line, "memory", json_num(c, "memory_bytes", -1));
    add_bytes(&line, "received", json_num(c, "net_rx_bytes", -1));
    add_bytes(&line, "sent", json_num(c, "net_tx_bytes", -1));
    view_line(v, "       %s", buf_str(&line));
    if (*json_str(c, "digest", ""))
        view_line(v, "       digest %s", json_str(c, "digest", ""));
}

static void deployments(const struct view *v, const struct json *list)
{
    const struct json *d = NULL;

    if (!json_len(list))
        return;
    view_line(v, "%-24s %-17s %-25s %9s  %s", "deployment", "outcome", "started", "seconds", "image");
    for (d = json_first(list); d; d = json_next(d))
        view_line(v, "%-24s %-17s %-25s %9.2f  %s", json_str(d, "deployment", "?"), json_str(d, "outcome", "?"),
                  json_str(d, "started", "?"), json_num(d, "total_seconds", 0), json_str(d, "image", "?"));
}

void view_status(const struct view *v, const struct json *report)
{
    const struct json *engine = json_get(report, "engine"), *disk = json_get(report, "disk"), *c = NULL;
    size_t others = 0;

    container(v, "blue", json_get(report, "blue"));
    container(v, "green", json_get(report, "green"));
    if (json_is_object(json_get(report, "next")))
        container(v, "next", json_get(report, "next"));
    for (c = json_first(json_get(report, "others")); c && others < OTHERS_MAX; c = json_next(c), others++)
        container(v, "other", c);
    deployments(v, json_get(report, "deployments"));
    view_line(v, "Docker Engine %s, API %s, %s; disk: %.1f GB free of %.1f GB", json_str(engine, "version", "?"),
              json_str(engine, "api", "?"), json_str(engine, "arch", "?"), json_num(disk, "free_bytes", 0) / 1e9,
              json_num(disk, "total_bytes", 0) / 1e9);
    if (json_bool(json_get(report, "lock"), "held", false))
        view_line(v, "a deployment is running now: %s", json_str(json_get(report, "lock"), "run_link", "?"));
}
