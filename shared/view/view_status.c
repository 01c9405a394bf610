/* What runs, and is it well: the first line says it, the rest is what it rests on. */
#include "shared/view/view_internal.h"

#include <inttypes.h>
#include <math.h>

#define LABEL_COLUMNS 11
#define OTHERS_MAX 20
#define CLOCK_OFF_SECONDS 1.0

/* ---- the first line ---- */

static void add_serves(const struct json *report, const struct json *blue, struct buf *line)
{
    double since = view_since(report, json_str(blue, "started", "")), ms = json_num(blue, "response_ms", -1);

    view_version(blue, line);
    buf_adds(line, " serves");
    if (since >= 0) {
        buf_adds(line, " since ");
        view_duration(since, line);
    }
    if (ms >= 0)
        buf_addf(line, ", answers in %.3g ms", ms);
}

static void add_ended(const struct json *report, const struct json *blue, struct buf *line)
{
    double since = view_since(report, json_str(blue, "finished", ""));

    view_version(blue, line);
    buf_adds(line, " is ");
    view_word(json_str(blue, "status", "?"), line);
    if (since >= 0) {
        buf_adds(line, " since ");
        view_duration(since, line);
    }
    if (json_bool(blue, "oom_killed", false))
        buf_adds(line, ", killed for want of memory");
    else
        buf_addf(line, ", exit code %" PRId64, json_int(blue, "exit_code", 0));
}

static void add_not_answering(const struct json *report, const struct json *blue, struct buf *line)
{
    double since = view_since(report, json_str(blue, "started", ""));

    view_version(blue, line);
    buf_adds(line, " runs");
    if (since >= 0) {
        buf_adds(line, " since ");
        view_duration(since, line);
    }
    buf_adds(line, " but its health check fails");
    if (*json_str(blue, "health_error", "")) {
        buf_adds(line, ": ");
        view_word(json_str(blue, "health_error", ""), line);
    }
}

static size_t count_level(const struct json *report, const char *level)
{
    const struct json *r = NULL;
    size_t n = 0;

    for (r = json_first(json_get(report, "recommendations")); r; r = json_next(r))
        n += strcmp(json_str(r, "level", ""), level) == 0;
    return n;
}

static void add_production(const struct view *v, const struct json *report, struct buf *line)
{
    const struct json *blue = json_get(report, "blue");
    const char *status = json_str(blue, "status", "?"), *health = json_str(blue, "health", "unknown");
    size_t errors = count_level(report, "error");

    if (!json_is_object(blue)) {
        view_styled(v, VIEW_BAD, "NOTHING SERVES", line);
        buf_adds(line, ": there is no container of this app that does");
    } else if (strcmp(status, "restarting") == 0) {
        view_styled(v, VIEW_BAD, "NOT RUNNING", line);
        buf_adds(line, ": ");
        view_version(blue, line);
        buf_addf(line, " ends and is started again, %" PRId64 " times so far", json_int(blue, "restarts", 0));
    } else if (strcmp(status, "running") != 0) {
        view_styled(v, VIEW_BAD, "NOT RUNNING", line);
        buf_adds(line, ": ");
        add_ended(report, blue, line);
    } else if (strcmp(health, "unhealthy") == 0) {
        view_styled(v, VIEW_BAD, "NOT ANSWERING", line);
        buf_adds(line, ": ");
        add_not_answering(report, blue, line);
    } else if (strcmp(health, "healthy") != 0) {
        view_styled(v, VIEW_WARN, "running, health not known", line);
        buf_adds(line, ". ");
        add_serves(report, blue, line);
    } else if (errors) {
        view_styled(v, VIEW_WARN, "answers, but needs attention", line);
        buf_adds(line, ". ");
        add_serves(report, blue, line);
    } else {
        view_styled(v, VIEW_GOOD, "well", line);
        buf_adds(line, ". ");
        add_serves(report, blue, line);
    }
}

static void add_running(const struct view *v, const struct json *running, struct buf *line)
{
    view_style(v, VIEW_WARN, line);
    buf_adds(line, strcmp(json_str(running, "operation", ""), "rollback") == 0 ? "a rollback" : "a deployment");
    buf_adds(line, " is running");
    view_style(v, VIEW_PLAIN, line);
    if (*json_str(running, "step", "")) {
        buf_adds(line, ": step ");
        view_word(json_str(running, "step", ""), line);
        buf_adds(line, " since ");
        view_duration(json_num(running, "step_seconds", -1), line);
    }
    buf_adds(line, ". ");
}

static void verdict(const struct view *v, const struct json *report)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const char *host = json_str(report, "host", "");

    view_style(v, VIEW_STRONG, &line);
    view_word(json_str(report, "app", "?"), &line);
    if (*host) {
        buf_adds(&line, " on ");
        view_word(host, &line);
    }
    view_style(v, VIEW_PLAIN, &line);
    buf_adds(&line, ": ");
    if (json_is_object(json_get(report, "running")))
        add_running(v, json_get(report, "running"), &line);
    add_production(v, report, &line);
    view_end_wrapped(v, 2, &line);
}

/* ---- the run that is under way ---- */

static void running(const struct view *v, const struct json *r)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    if (!json_is_object(r))
        return;
    view_styled(v, VIEW_STRONG, "running", &line);
    view_pad(&line, LABEL_COLUMNS);
    view_word(json_str(r, "operation", "deploy"), &line);
    buf_addc(&line, ' ');
    view_word(json_str(r, "deployment", "?"), &line);
    buf_adds(&line, " since ");
    view_duration(json_num(r, "seconds", -1), &line);
    if (*json_str(r, "title", "")) {
        buf_adds(&line, ", now: ");
        view_word(json_str(r, "title", ""), &line);
    }
    if (*json_str(r, "run_link", "")) {
        buf_adds(&line, ", by ");
        view_word(json_str(r, "run_link", ""), &line);
    }
    view_end(v, &line);
}

/* ---- what is around it ---- */

static void begin(const struct view *v, const char *label, struct buf *line)
{
    view_styled(v, VIEW_STRONG, label, line);
    view_pad(line, LABEL_COLUMNS);
}

static void keeper(const struct view *v, const struct json *report)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const struct json *k = json_get(report, "keeper");
    bool is_up = strcmp(json_str(k, "status", ""), "running") == 0;

    begin(v, "keeper", &line);
    if (!json_is_object(k)) {
        buf_adds(&line, "none");
    } else {
        view_style(v, is_up ? "" : VIEW_WARN, &line);
        view_word(json_str(k, "status", "?"), &line);
        view_style(v, is_up ? "" : VIEW_PLAIN, &line);
        if (is_up && view_since(report, json_str(k, "started", "")) >= 0) {
            buf_adds(&line, " for ");
            view_duration(view_since(report, json_str(k, "started", "")), &line);
        }
    }
    view_end(v, &line);
}

static void others(const struct view *v, const struct json *list)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const struct json *c = NULL;
    size_t n = 0;

    if (!json_len(list))
        return;
    begin(v, "others", &line);
    for (c = json_first(list); c && n < OTHERS_MAX; c = json_next(c), n++) {
        buf_adds(&line, n ? ", " : "");
        view_word(json_value_str(c, json_str(c, "name", "?")), &line);
    }
    buf_adds(&line, c ? " and more" : "");
    view_end(v, &line);
}

static void host(const struct view *v, const struct json *report)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);
    const struct json *engine = json_get(report, "engine"), *disk = json_get(report, "disk");
    double free_bytes = json_num(disk, "free_bytes", -1), total = json_num(disk, "total_bytes", -1);
    double skew = json_num(json_get(report, "clock"), "skew_seconds", 0);
    const struct json *lock = json_get(report, "lock");

    buf_addc(v->out, '\n');
    begin(v, "engine", &line);
    buf_adds(&line, "Docker Engine ");
    view_word(json_str(engine, "version", "?"), &line);
    buf_adds(&line, ", API ");
    view_word(json_str(engine, "api", "?"), &line);
    buf_adds(&line, ", ");
    view_word(json_str(engine, "arch", "?"), &line);
    buf_adds(&line, "; agent ");
    view_word(json_str(json_get(report, "agent"), "version", "?"), &line);
    view_end(v, &line);
    begin(v, "disk", &line);
    view_bytes(free_bytes, &line);
    buf_adds(&line, " free of ");
    view_bytes(total, &line);
    if (total > 0 && free_bytes >= 0)
        buf_addf(&line, " (%.0f %%)", free_bytes / total * 100);
    view_end(v, &line);
    if (fabs(skew) >= CLOCK_OFF_SECONDS) {
        begin(v, "clock", &line);
        view_duration(fabs(skew), &line);
        buf_adds(&line, skew > 0 ? " ahead" : " behind");
        view_end(v, &line);
    }
    if (json_bool(lock, "held", false) && !json_is_object(json_get(report, "running"))) {
        begin(v, "lock", &line);
        buf_adds(&line, "held by ");
        view_word(*json_str(lock, "run_link", "") ? json_str(lock, "run_link", "") : json_str(lock, "deployment", "?"),
                  &line);
        view_end(v, &line);
    }
}

void view_status(const struct view *v, const struct json *report)
{
    verdict(v, report);
    if (v->screen)
        view_recommendations(v, json_get(report, "recommendations"));
    buf_addc(v->out, '\n');
    running(v, json_get(report, "running"));
    view_container(v, report, "blue", json_get(report, "blue"));
    view_container(v, report, "green", json_get(report, "green"));
    if (json_is_object(json_get(report, "next")))
        view_container(v, report, "candidate", json_get(report, "next"));
    keeper(v, report);
    others(v, json_get(report, "others"));
    view_deployments(v, report);
    view_trend(v, json_get(report, "trend"));
    host(v, report);
    if (!v->screen)
        view_recommendations(v, json_get(report, "recommendations"));
}
