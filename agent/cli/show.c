#include "agent/cli/show.h"

#include "agent/state/eventlog.h"
#include "shared/answer.h"
#include "shared/fd.h"
#include "shared/safetext.h"
#include "shared/view/screen.h"
#include "shared/view/view.h"

#include <inttypes.h>

#define LOG_LINE_MAX (64 * 1024)
#define MB 1e6

void show_init(struct show *s, int fd, bool no_color)
{
    const char *variable = getenv("NO_COLOR");
    *s = (struct show){ .fd = fd, .is_terminal = screen_is_terminal(fd), .pending = BUF_INIT(2 * LOG_LINE_MAX) };
    s->colour = s->is_terminal && !no_color && !(variable && variable[0]);
}

void show_done(struct show *s)
{
    buf_done(&s->pending);
}

static void put(struct show *s, struct span text)
{
    if (!s->failed && text.len > 0 && fd_write(s->fd, text) < 0)
        s->failed = true;
}

/* Whatever progress stands there goes. */
static void put_whole(struct show *s, struct buf *text)
{
    if (s->half_line)
        put(s, SPAN_LIT("\r\x1b[K"));
    s->half_line = false;
    put(s, buf_span(text));
}

void show_line(struct show *s, const char *fmt, ...)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(LOG_LINE_MAX);
    _cleanup_(buf_done_p) struct buf safe = BUF_INIT(4 * LOG_LINE_MAX);
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&line, fmt, ap);
    va_end(ap);
    safetext_line(buf_span(&line), &safe);
    buf_addc(&safe, '\n');
    put_whole(s, &safe);
}

/* "Pull the image: 12.3 of 45.6 MB", cut to the width of the terminal. */
static void progress(struct show *s, const struct event *ev)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(LOG_LINE_MAX);
    _cleanup_(buf_done_p) struct buf safe = BUF_INIT(4 * LOG_LINE_MAX);
    unsigned columns, rows;
    double current = (double)json_int(ev->body, "current", 0), total = (double)json_int(ev->body, "total", 0);
    screen_size(s->fd, &columns, &rows);
    buf_addf(&text, "[%s] %s", ev->step, json_str(ev->body, "text", ""));
    if (total > 0)
        buf_addf(&text, ", %.1f of %.1f MB", current / MB, total / MB);
    buf_adds(&safe, "\r\x1b[K");
    safetext_line(safetext_cut(buf_span(&text), columns > 1 ? columns - 1 : 1), &safe);
    put(s, buf_span(&safe));
    s->half_line = true;
}

void show_event(struct show *s, const struct event *ev)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(4 * EVENT_LINE_MAX);
    _cleanup_(buf_done_p) struct buf safe = BUF_INIT(16 * EVENT_LINE_MAX);
    struct span rest, line;
    if (ev->kind == EVENT_STEP_PROGRESS && s->is_terminal) {
        progress(s, ev);
        return;
    }
    eventlog_format(ev, &text);
    rest = buf_span(&text);
    while (span_next_line(&rest, &line)) {
        safetext_line(line, &safe);
        buf_addc(&safe, '\n');
    }
    if (safe.len > 0)
        put_whole(s, &safe);
}

int show_report(struct show *s, const char *name, const struct json *report, bool json, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(ANSWER_TEXT_MAX);
    struct view view = { .out = &text, .colour = s->colour };
    unsigned rows;
    if (s->is_terminal)
        screen_size(s->fd, &view.width, &rows);
    if (json && json_print_pretty(report, &text, err) < 0)
        return -(int)err->kind;
    if (!json && !view_report(&view, name, report))
        return err_set(err, ERR_PROTO, 0, "the agent answered with '%s', which this version cannot show", name);
    if (buf_check(&text, err) < 0)
        return err_wrap(err, "show the answer");
    put_whole(s, &text);
    return 0;
}

static void log_lines(struct show *s, bool rest)
{
    _cleanup_(buf_done_p) struct buf safe = BUF_INIT(8 * LOG_LINE_MAX);
    struct span all = buf_span(&s->pending);
    size_t used = 0;
    const char *lf;
    while (used < all.len && (lf = memchr(all.ptr + used, '\n', all.len - used))) {
        struct span line = { all.ptr + used, (size_t)(lf - all.ptr) - used };
        used += line.len + 1;
        line.len -= line.len > 0 && line.ptr[line.len - 1] == '\r';
        safetext_line(line, &safe);
        buf_addc(&safe, '\n');
    }
    if (used < all.len && (rest || all.len - used > LOG_LINE_MAX)) {
        safetext_line((struct span){ all.ptr + used, all.len - used }, &safe);
        buf_addc(&safe, '\n');
        used = all.len;
    }
    buf_consume(&s->pending, used);
    put(s, buf_span(&safe));
}

void show_log(struct show *s, struct span bytes)
{
    while (bytes.len > 0) {
        size_t n = bytes.len < LOG_LINE_MAX / 2 ? bytes.len : LOG_LINE_MAX / 2;
        buf_add(&s->pending, bytes.ptr, n);
        log_lines(s, false);
        bytes.ptr += n;
        bytes.len -= n;
    }
}

void show_log_end(struct show *s)
{
    log_lines(s, true);
}
