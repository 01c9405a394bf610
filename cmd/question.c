#include "cmd/question.h"

#include "shared/clock.h"
#include "shared/view/view.h"

#include <fcntl.h>

#define LOG_LINE_MAX (64 * 1024)
#define HISTORY_LINES 20
#define LOGS_LINES 200

/* ---- the log of an app, which comes as bytes ---- */

struct lines {
    struct github *g;
    struct buf pending;
};

static void show_lines(struct lines *l, bool rest)
{
    struct span all = buf_span(&l->pending), line;
    size_t used = 0;
    const char *lf;

    while (used < all.len && (lf = memchr(all.ptr + used, '\n', all.len - used))) {
        line = (struct span){ all.ptr + used, (size_t)(lf - all.ptr) - used };
        github_remote_line(l->g, "app", line);
        used += line.len + 1;
    }
    if (used < all.len && (rest || all.len - used > LOG_LINE_MAX / 2)) {
        github_remote_line(l->g, "app", (struct span){ all.ptr + used, all.len - used });
        used = all.len;
    }
    buf_consume(&l->pending, used);
}

static int on_data(void *ctx, struct span data)
{
    struct lines *l = ctx;

    while (data.len > 0) {
        size_t n = data.len < LOG_LINE_MAX / 2 ? data.len : LOG_LINE_MAX / 2;
        buf_add(&l->pending, data.ptr, n);
        show_lines(l, false);
        data.ptr += n;
        data.len -= n;
    }
    return 0;
}

/* ---- asking ---- */

/*
 * -1: the host's own limit counts. A person's value is sent when they gave one; runners fill in the default of an input that was left
 * out, so there the default means the same as nothing.
 */
static int64_t limit(const struct inputs_source *source, const char *id, int64_t value, int64_t usual)
{
    const char *given = NULL;

    if (!source->by_hand)
        return value == usual ? -1 : value;
    given = source->settings.value(source->settings.ctx, id);
    return given && span_trim(span_of(given)).len > 0 ? value : -1;
}

static void fill_limits(const struct stage *s, struct wire_request *request)
{
    const struct spec *spec = &s->in.spec;
    _cleanup_(spec_done_p) struct spec usual;

    spec_init(&usual);
    request->keep_hours = limit(s->source, "keep-hours", spec->keep_hours, usual.keep_hours);
    request->keep_versions = limit(s->source, "keep-versions", spec->keep_versions, usual.keep_versions);
    request->log_retention_days =
        limit(s->source, "log-retention-days", spec->log_retention_days, usual.log_retention_days);
}

struct wire_request question_request(const struct stage *s)
{
    const struct inputs *in = &s->in;
    struct wire_request request = stage_request(s, inputs_op(in->command), "");

    wire_request_defaults(&request);
    request.time_ms = clock_wall_ms();
    request.since_ms = in->ask.since_ms;
    request.lines = in->ask.lines ? in->ask.lines : request.op == WIRE_HISTORY ? HISTORY_LINES : LOGS_LINES;
    request.verify = request.op == WIRE_HISTORY;
    request.dry_run = in->ask.dry_run;
    request.lock_timeout_ms = in->spec.lock_timeout_ms;
    fill_limits(s, &request);
    (void)snprintf(request.target, sizeof(request.target), "%s", in->ask.of);
    return request;
}

static void show_answer(struct github *g, const struct report *r)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(ANSWER_TEXT_MAX);
    const struct view v = { .out = &text };
    struct span rest, line;

    if (!r->answer || !view_report(&v, r->answer_name, r->answer))
        return;
    rest = buf_span(&text);
    while (span_next_line(&rest, &line))
        github_line(g, "%.*s", (int)line.len, line.ptr);
}

void question_ask(struct stage *s, struct report *r)
{
    struct wire_request request = question_request(s);
    struct lines lines = { .g = s->g, .pending = BUF_INIT(2 * LOG_LINE_MAX) };
    char title[80];

    (void)snprintf(title, sizeof(title), "%s of %s", wire_op_name(request.op), s->in.spec.app);
    github_group(s->g, title);
    stage_run_data(s, &request, r, request.op == WIRE_LOGS ? on_data : NULL, &lines);
    show_lines(&lines, true);
    buf_done(&lines.pending);
    show_answer(s->g, r);
    github_endgroup(s->g);
}

int question_write(const struct report *r, const char *path, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(ANSWER_TEXT_MAX);
    _cleanup_(close_p) int fd = -1;

    if (!r->answer)
        return 1;
    if (json_print_pretty(r->answer, &text, err) < 0)
        return err_wrap(err, "write the answer");
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "open '%s': %s", path, strerror(errno));
    for (size_t at = 0; at < text.len;) {
        ssize_t n = write(fd, text.ptr + at, text.len - at);
        if (n < 0 && errno != EINTR)
            return err_set(err, ERR_IO, errno, "write '%s': %s", path, strerror(errno));
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}
