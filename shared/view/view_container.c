/* The facts about one container, each group of them in a line with its label. */
#include "shared/view/view_internal.h"

#include <inttypes.h>

#define LABEL_COLUMNS 11
#define PORTS_MAX 20

static void begin(const struct view *v, const char *label, struct buf *line)
{
    buf_adds(line, "  ");
    view_styled(v, VIEW_DIM, label, line);
    view_pad(line, LABEL_COLUMNS);
}

static bool runs(const struct json *c)
{
    return strcmp(json_str(c, "status", ""), "running") == 0;
}

/* ", for 3 d 4 h", when it is known. */
static void add_for(double seconds, struct buf *line)
{
    if (seconds < 0)
        return;
    buf_adds(line, " for ");
    view_duration(seconds, line);
}

static void add_health(const struct view *v, const struct json *c, struct buf *line)
{
    const char *health = json_str(c, "health", "unknown"), *why = json_str(c, "health_error", "");
    bool bad = strcmp(health, "unhealthy") == 0;

    buf_adds(line, ", ");
    view_style(v, bad ? VIEW_BAD : strcmp(health, "healthy") == 0 ? VIEW_GOOD : VIEW_WARN, line);
    if (bad)
        buf_adds(line, "UNHEALTHY");
    else if (strcmp(health, "unknown") == 0)
        buf_adds(line, "health not known");
    else
        view_word(health, line);
    view_style(v, VIEW_PLAIN, line);
    if (json_num(c, "response_ms", -1) >= 0)
        buf_addf(line, ", answers in %.3g ms", json_num(c, "response_ms", -1));
    if (*why) {
        buf_adds(line, ": ");
        view_word(why, line);
    }
}

static void add_end(const struct view *v, const struct json *report, const struct json *c, struct buf *line)
{
    view_word(json_str(c, "status", "?"), line);
    add_for(view_since(report, json_str(c, "finished", "")), line);
    if (json_bool(c, "oom_killed", false)) {
        buf_adds(line, ", ");
        view_styled(v, VIEW_BAD, "killed for want of memory", line);
    }
    if (strcmp(json_str(c, "status", ""), "exited") == 0)
        buf_addf(line, ", exit code %" PRId64, json_int(c, "exit_code", 0));
}

static void add_keep(const struct json *report, const struct json *c, struct buf *line)
{
    const char *until = json_str(c, "keep_until", "");

    if (!*until)
        return;
    buf_adds(line, view_since(report, until) > 0 ? ", was kept until " : ", kept until ");
    view_time(until, line);
}

static void state(const struct view *v, const struct json *report, const char *role, const struct json *c)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    int64_t restarts = json_int(c, "restarts", 0);

    view_styled(v, VIEW_STRONG, role, &line);
    view_pad(&line, LABEL_COLUMNS);
    view_version(c, &line);
    buf_adds(&line, ", ");
    if (runs(c)) {
        buf_adds(&line, "runs");
        add_for(view_since(report, json_str(c, "started", "")), &line);
        add_health(v, c, &line);
    } else {
        add_end(v, report, c, &line);
    }
    if (restarts > 0) {
        buf_adds(&line, ", ");
        view_style(v, VIEW_WARN, &line);
        buf_addf(&line, "restarted %" PRId64 " times", restarts);
        view_style(v, VIEW_PLAIN, &line);
    }
    add_keep(report, c, &line);
    view_end_wrapped(v, LABEL_COLUMNS, &line);
}

static void image(const struct view *v, const struct json *c)
{
    static const char *const more[] = { "version", "revision" };
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    begin(v, "image", &line);
    view_image(json_str(c, "image", "?"), &line);
    view_end_wrapped(v, LABEL_COLUMNS, &line);
    begin(v, "digest", &line);
    view_digest(json_str(c, "digest", "?"), &line);
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
        if (*json_str(c, more[i], "")) {
            buf_addf(&line, ", %s ", more[i]);
            view_word(json_str(c, more[i], ""), &line);
        }
    if (*json_str(c, "drift", "")) {
        buf_adds(&line, ", ");
        view_styled(v, VIEW_WARN, "the tag now names ", &line);
        view_digest(json_str(c, "drift", ""), &line);
    }
    view_end_wrapped(v, LABEL_COLUMNS, &line);
}

static void ports(const struct view *v, const struct json *c)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const struct json *port = NULL;
    size_t n = 0;

    if (!json_len(json_get(c, "ports")))
        return;
    begin(v, "ports", &line);
    for (port = json_first(json_get(c, "ports")); port && n < PORTS_MAX; port = json_next(port), n++) {
        buf_adds(&line, n ? ", " : "");
        view_word(json_value_str(port, "?"), &line);
    }
    buf_adds(&line, port ? " and more" : "");
    view_end_wrapped(v, LABEL_COLUMNS, &line);
}

/* What serves TLS itself has an end that nobody sees coming. */
static void certificate(const struct view *v, const struct json *report, const struct json *c)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const char *end = json_str(c, "certificate_end", "");

    if (!*end)
        return;
    begin(v, "TLS", &line);
    if (view_since(report, end) > 0)
        view_styled(v, VIEW_BAD, "certificate expired on ", &line);
    else
        buf_adds(&line, "certificate holds until ");
    view_time(end, &line);
    view_end_wrapped(v, LABEL_COLUMNS, &line);
}

static void uses(const struct view *v, const struct json *c)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    double cpu = json_num(c, "cpu_percent", -1), memory = json_num(c, "memory_bytes", -1);
    double limit = json_num(c, "memory_limit_bytes", -1), in = json_num(c, "net_rx_bytes", -1);

    if (!runs(c) || (cpu < 0 && memory < 0 && in < 0))
        return;
    begin(v, "uses", &line);
    buf_adds(&line, "CPU ");
    if (cpu >= 0)
        buf_addf(&line, "%.1f %%", cpu);
    else
        buf_adds(&line, "?");
    buf_adds(&line, ", memory ");
    view_bytes(memory, &line);
    if (limit > 0 && memory >= 0) {
        buf_adds(&line, " of ");
        view_bytes(limit, &line);
        buf_addf(&line, " (%.0f %%)", memory / limit * 100);
    }
    buf_adds(&line, ", net ");
    view_bytes(in, &line);
    buf_adds(&line, " in, ");
    view_bytes(json_num(c, "net_tx_bytes", -1), &line);
    buf_adds(&line, " out");
    view_end_wrapped(v, LABEL_COLUMNS, &line);
}

static void from(const struct view *v, const struct json *c)
{
    static const char *const more[][2] = { { "strategy", "" },
                                           { "restart_policy", "restart policy " },
                                           { "name", "container " } };
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    begin(v, "from", &line);
    view_word(*json_str(c, "deployment", "") ? json_str(c, "deployment", "") : "by hand", &line);
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
        if (*json_str(c, more[i][0], "")) {
            buf_addf(&line, ", %s", more[i][1]);
            view_word(json_str(c, more[i][0], ""), &line);
        }
    view_end_wrapped(v, LABEL_COLUMNS, &line);
}

void view_container(const struct view *v, const struct json *report, const char *role, const struct json *c)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    if (!json_is_object(c)) {
        view_styled(v, VIEW_STRONG, role, &line);
        view_pad(&line, LABEL_COLUMNS);
        buf_adds(&line, "none");
        view_end(v, &line);
        return;
    }
    state(v, report, role, c);
    image(v, c);
    ports(v, c);
    certificate(v, report, c);
    uses(v, c);
    from(v, c);
}
