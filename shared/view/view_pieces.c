/* Pieces of a line, and questions to a report. */
#include "shared/view/view_internal.h"

#include "shared/clock.h"
#include "shared/safetext.h"
#include "shared/view/columns.h"

#include <inttypes.h>

#define DIGEST_SHOWN 12
#define WRAP_MIN 20 /* columns that a sentence has at least, beside its indent */

void view_line(const struct view *v, const char *fmt, ...)
{
    _cleanup_(buf_done_p) struct buf words = BUF_INIT(VIEW_LINE_MAX), line = BUF_INIT(VIEW_LINE_MAX);
    va_list ap;

    va_start(ap, fmt);
    buf_vaddf(&words, fmt, ap);
    va_end(ap);
    view_word(buf_str(&words), &line);
    view_end(v, &line);
}

void view_end(const struct view *v, struct buf *line)
{
    columns_cut(buf_span(line), v->width, v->out);
    buf_addc(v->out, '\n');
    buf_reset(line);
}

void view_end_wrapped(const struct view *v, size_t indent, struct buf *line)
{
    struct span rest = buf_span(line);
    size_t width = v->width, used = columns_break(rest, width);

    indent = indent + WRAP_MIN < width ? indent : 0;
    buf_add(v->out, rest.ptr, used);
    while (used < rest.len) {
        rest = (struct span){ rest.ptr + used, rest.len - used };
        while (rest.len && rest.ptr[0] == ' ')
            rest.ptr++, rest.len--;
        if (!rest.len)
            break;
        buf_addf(v->out, "\n%*s", (int)indent, "");
        used = columns_break(rest, width - indent);
        buf_add(v->out, rest.ptr, used);
    }
    buf_addc(v->out, '\n');
    buf_reset(line);
}

void view_command(const struct view *v, const char *command)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    if (!*command)
        return;
    buf_adds(&line, "     ");
    view_style(v, VIEW_STRONG, &line);
    view_word(command, &line);
    view_style(v, VIEW_PLAIN, &line);
    buf_add_span(v->out, buf_span(&line));
    buf_addc(v->out, '\n');
}

void view_heading(const struct view *v, const char *words)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(VIEW_LINE_MAX);

    buf_addc(v->out, '\n');
    view_styled(v, VIEW_STRONG, words, &line);
    view_end(v, &line);
}

void view_style(const struct view *v, const char *style, struct buf *line)
{
    buf_adds(line, v->colour ? style : "");
}

void view_styled(const struct view *v, const char *style, const char *words, struct buf *line)
{
    view_style(v, style, line);
    buf_adds(line, words);
    view_style(v, VIEW_PLAIN, line);
}

void view_word(const char *word, struct buf *line)
{
    size_t from = line->len;

    safetext_line(span_of(word), line);
    for (size_t i = from; i < line->len; i++)
        if (line->ptr[i] == '\t')
            line->ptr[i] = ' ';
}

void view_pad(struct buf *line, size_t column)
{
    size_t used = columns_of(buf_span(line));

    do
        buf_addc(line, ' ');
    while (++used < column);
}

void view_duration(double seconds, struct buf *line)
{
    static const struct {
        const char *name, *small;
        int64_t seconds, in_small;
    } units[] = {
        { "d", "h", 86400, 3600 },
        { "h", "min", 3600, 60 },
        { "min", "s", 60, 1 },
    };
    int64_t s = 0;

    if (!(seconds >= 0 && seconds < 1e12)) {
        buf_adds(line, "?");
        return;
    }
    s = (int64_t)seconds;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (s >= units[i].seconds) {
            buf_addf(line, "%" PRId64 " %s", s / units[i].seconds, units[i].name);
            if (s % units[i].seconds >= units[i].in_small)
                buf_addf(line, " %" PRId64 " %s", s % units[i].seconds / units[i].in_small, units[i].small);
            return;
        }
    buf_addf(line, "%" PRId64 " s", s);
}

void view_bytes(double bytes, struct buf *line)
{
    if (!(bytes >= 0))
        buf_adds(line, "?");
    else if (bytes >= 1e9)
        buf_addf(line, bytes < 1e15 ? "%.2f GB" : "%.3g GB", bytes / 1e9);
    else if (bytes >= 1e6)
        buf_addf(line, "%.1f MB", bytes / 1e6);
    else if (bytes >= 1e3)
        buf_addf(line, "%.1f kB", bytes / 1e3);
    else
        buf_addf(line, "%.0f B", bytes);
}

void view_seconds(double seconds, struct buf *line)
{
    if (seconds >= 0)
        buf_addf(line, seconds < 1e7 ? "%.2f s" : "%.3g s", seconds);
    else
        buf_adds(line, "-");
}

void view_time(const char *iso, struct buf *line)
{
    if (clock_parse_iso(iso) < 0)
        view_word(iso, line);
    else
        buf_addf(line, "%.10s %.8s", iso, iso + 11);
}

void view_digest(const char *digest, struct buf *line)
{
    const char *colon = strchr(digest, ':');
    struct span digits = span_of(colon ? colon + 1 : digest);
    char shown[DIGEST_SHOWN + 1];

    (void)snprintf(shown, sizeof(shown), "%.*s", (int)safetext_cut(digits, DIGEST_SHOWN).len, digits.ptr);
    view_word(shown, line);
}

void view_image(const char *image, struct buf *line)
{
    size_t len = strcspn(image, "@");
    const char *slash = memrchr(image, '/', len), *name = slash ? slash : image;
    bool tagged = image[len] && memchr(name, ':', len - (size_t)(name - image));
    _cleanup_(free_p) char *shown = tagged ? span_dup((struct span){ image, len }) : NULL;

    view_word(shown ? shown : image, line);
}

void view_count(size_t n, const char *one, struct buf *line)
{
    buf_addf(line, "%zu %s%s", n, one, n == 1 ? "" : "s");
}

double view_since(const struct json *report, const char *iso)
{
    int64_t now = clock_parse_iso(json_str(report, "time", "")), then = clock_parse_iso(iso);

    if (now < 0 || then < 0)
        return -1;
    return now > then ? (double)(now - then) / 1000 : 0;
}

void view_version(const struct json *c, struct buf *line)
{
    const char *words = json_str(c, "tag", "");

    if (!*words) /* a label that the image may have from the one it was made of */
        words = json_str(c, "version", "");
    if (*words)
        view_word(words, line);
    else if (*json_str(c, "digest", ""))
        view_digest(json_str(c, "digest", ""), line);
    else
        view_word(json_str(c, "image", "?"), line);
}
