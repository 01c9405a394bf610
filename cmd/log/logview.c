#include "cmd/log/logview.h"

#include "shared/safetext.h"

#include <inttypes.h>

#define PREFIX_AGENT "host"

void logview_init(struct logview *v, struct github *g)
{
    *v = (struct logview){ .g = g };
}

/* Print words of the host whole: the sink redacts them before it cuts. */
static void remote_text(struct logview *v, const struct buf *text)
{
    if (text->len)
        github_remote_line(v->g, PREFIX_AGENT, buf_span(text));
}

/* A title is cut to fit: half a secret would not be recognised later, so it is redacted first. */
static void keep_title(struct logview *v, const char *before, const char *title)
{
    _cleanup_(buf_done_p) struct buf clean = BUF_INIT(EVENT_LINE_MAX);

    github_redact(v->g, span_of(title), &clean);
    struct span cut = safetext_cut(buf_span(&clean), sizeof(v->title) - strlen(before) - 1);
    (void)snprintf(v->title, sizeof(v->title), "%s%.*s", before, (int)cut.len, cut.ptr);
}

static void begin(struct logview *v, const struct event *ev, const char *before)
{
    const char *title = json_str(ev->body, "title", "");

    keep_title(v, before, *title ? title : ev->step);
    v->progress_ms = 0;
    v->progress[0] = '\0';
    v->samples = 0;
    github_group(v->g, v->title);
}

/* The line below the group: seen also when the group is folded. */
static void finish(struct logview *v, const struct event *ev, const char *mark, const char *text)
{
    double seconds = json_num(ev->body, "seconds", -1);

    if (v->samples > LOGVIEW_SAMPLES_MAX)
        github_line(v->g, "%u more health samples are in the bundle", v->samples - LOGVIEW_SAMPLES_MAX);
    github_endgroup(v->g);
    if (!v->title[0])
        keep_title(v, "", ev->step);
    if (seconds >= 0)
        github_line(v->g, "%s %s: %.2f s%s%s", mark, v->title, seconds, *text ? ", " : "", text);
    else
        github_line(v->g, "%s %s%s%s", mark, v->title, *text ? ": " : "", text);
    v->title[0] = '\0';
}

static void failed(struct logview *v, const struct event *ev)
{
    const struct json *error = json_get(ev->body, "error");
    const char *hint = json_str(error, "hint", "");

    finish(v, ev, "FAILED", json_str(error, "message", ""));
    if (*hint)
        github_line(v->g, "  what to do: %s", hint);
}

/* At most every LOGVIEW_PROGRESS_EVERY_MS, but the end of it at once. */
static void progress(struct logview *v, const struct event *ev)
{
    const char *text = json_str(ev->body, "text", "");
    double current = json_num(ev->body, "current", 0), total = json_num(ev->body, "total", 0);
    bool same = strncmp(text, v->progress, sizeof(v->progress) - 1) == 0;
    bool complete = total > 0 && current >= total;
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(2 * EVENT_LINE_MAX);

    if (v->progress_ms && ev->t_ms - v->progress_ms < LOGVIEW_PROGRESS_EVERY_MS && ev->t_ms >= v->progress_ms &&
        !(complete && !same))
        return;
    v->progress_ms = ev->t_ms ? ev->t_ms : 1;
    (void)snprintf(v->progress, sizeof(v->progress), "%s", text);
    if (total > 0)
        buf_addf(&line, "%.1f of %.1f MB  %s", current / 1e6, total / 1e6, text);
    else if (current > 0)
        buf_addf(&line, "%.1f MB  %s", current / 1e6, text);
    else
        buf_adds(&line, text);
    remote_text(v, &line);
}

static void sample(struct logview *v, const struct event *ev)
{
    const char *error = json_str(ev->body, "error", "");
    int64_t status = json_int(ev->body, "status", 0);
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(2 * EVENT_LINE_MAX);
    char answer[32] = "no answer";

    if (++v->samples > LOGVIEW_SAMPLES_MAX)
        return;
    if (status > 0)
        (void)snprintf(answer, sizeof(answer), "HTTP %" PRId64, status);
    buf_addf(&line, "health of %s, attempt %" PRId64 ": %s, %s, %.0f ms%s%s", json_str(ev->body, "target", "?"),
             json_int(ev->body, "attempt", 0), json_bool(ev->body, "ok", false) ? "ok" : "not yet", answer,
             json_num(ev->body, "ms", 0), *error ? ", " : "", error);
    remote_text(v, &line);
}

static void log_line(struct logview *v, const struct event *ev)
{
    const char *source = json_str(ev->body, "source", "");
    const char *level = json_str(ev->body, "level", "info");
    const char *text = json_str(ev->body, "text", "");
    const char *prefix = PREFIX_AGENT;

    if (strcmp(source, "app") == 0)
        prefix = "app";
    else if (strcmp(source, "engine") == 0)
        prefix = "engine";
    if (strcmp(level, "debug") == 0)
        github_debug(v->g, "%s: %s", prefix, text);
    else if (strcmp(level, "error") == 0 && strcmp(prefix, "app") != 0)
        github_remote_line(v->g, strcmp(prefix, "engine") == 0 ? "engine error" : "host error", span_of(text));
    else if (strcmp(level, "warning") == 0 && strcmp(prefix, "app") != 0)
        github_remote_line(v->g, strcmp(prefix, "engine") == 0 ? "engine warning" : "host warning", span_of(text));
    else
        github_remote_line(v->g, prefix, span_of(text));
}

static void diagnosis(struct logview *v, const struct event *ev)
{
    const struct json *line = NULL;

    github_line(v->g, "Likely cause: %s", json_str(ev->body, "cause", "not known"));
    for (line = json_first(json_get(ev->body, "evidence")); line; line = json_next(line))
        github_remote_line(v->g, "evidence", span_of(json_value_str(line, "")));
    if (*json_str(ev->body, "next", ""))
        github_line(v->g, "What to do: %s", json_str(ev->body, "next", ""));
}

static void metric(struct logview *v, const struct event *ev)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(2 * EVENT_LINE_MAX);

    buf_addf(&line, "%s = %g %s", json_str(ev->body, "name", "?"), json_num(ev->body, "value", 0),
             json_str(ev->body, "unit", ""));
    remote_text(v, &line);
}

static void outcome(struct logview *v, const struct event *ev)
{
    const struct json *audit = json_get(ev->body, "audit");

    github_endgroup(v->g);
    github_line(v->g, "outcome: %s", json_str(ev->body, "outcome", "?"));
    if (json_is_object(audit))
        github_line(v->g, "audit entry %" PRId64 ", hash %s", json_int(audit, "n", 0), json_str(audit, "hash", "?"));
}

/* The sink counts the host's own lines; what is composed of its events is counted here. */
static bool beyond_the_limit(struct logview *v, const struct event *ev)
{
    if (ev->kind == EVENT_LOG || ev->kind == EVENT_STEP_PROGRESS || ev->kind == EVENT_HEALTH_SAMPLE ||
        ev->kind == EVENT_METRIC)
        return false;
    return ++v->events > LOGVIEW_EVENTS_MAX;
}

void logview_event(struct logview *v, const struct event *ev)
{
    if (beyond_the_limit(v, ev))
        return;
    switch (ev->kind) {
    case EVENT_HELLO:
        github_line(v->g, "agent %s answers", json_str(ev->body, "agent", "?"));
        break;
    case EVENT_STEP_START:
        begin(v, ev, "");
        break;
    case EVENT_STEP_PROGRESS:
        progress(v, ev);
        break;
    case EVENT_STEP_DONE:
        finish(v, ev, "ok", json_str(ev->body, "text", ""));
        break;
    case EVENT_STEP_FAILED:
    case EVENT_UNDO_FAILED:
        failed(v, ev);
        break;
    case EVENT_LOG:
        log_line(v, ev);
        break;
    case EVENT_HEALTH_SAMPLE:
        sample(v, ev);
        break;
    case EVENT_METRIC:
        metric(v, ev);
        break;
    case EVENT_DIAGNOSIS:
        diagnosis(v, ev);
        break;
    case EVENT_UNDO_START:
        begin(v, ev, "Undo: ");
        break;
    case EVENT_UNDO_DONE:
        finish(v, ev, "undone", "");
        break;
    case EVENT_OUTCOME:
        outcome(v, ev);
        break;
    case EVENT_REPORT:
    case EVENT_DATA:
    case EVENT_END:
    case EVENT_INVALID:
    case EVENT_KINDS:
        break;
    }
}

void logview_end(struct logview *v)
{
    github_endgroup(v->g);
    if (v->events > LOGVIEW_EVENTS_MAX)
        github_line(v->g, "%" PRIu64 " events of the host are not shown: the log shows at most %d of them",
                    v->events - LOGVIEW_EVENTS_MAX, LOGVIEW_EVENTS_MAX);
    v->events = 0;
    v->title[0] = '\0';
}
