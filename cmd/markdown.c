#include "cmd/markdown.h"

#include "cmd/safetext.h"

void markdown_raw(const struct markdown *m, const char *constant)
{
    buf_adds(m->out, constant);
}

void markdown_rawf(const struct markdown *m, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vaddf(m->out, fmt, ap);
    va_end(ap);
}

void markdown_text(const struct markdown *m, const char *text)
{
    struct span all = span_of(text);
    _cleanup_(buf_done_p) struct buf redacted = BUF_INIT(all.len + 16);

    redactor_apply(m->redactor, all, &redacted);
    safetext_markdown(safetext_cut(buf_span(&redacted), MARKDOWN_TEXT_MAX), m->out);
}

void markdown_code(const struct markdown *m, const char *text)
{
    if (!text || !*text) {
        markdown_raw(m, "-");
        return;
    }
    markdown_raw(m, "<code>");
    markdown_text(m, text);
    markdown_raw(m, "</code>");
}

void markdown_fence(const struct markdown *m, struct span text, size_t max_bytes)
{
    _cleanup_(buf_done_p) struct buf redacted = BUF_INIT(text.len + 16);
    struct span shown;

    redactor_apply(m->redactor, text, &redacted);
    shown = buf_span(&redacted);
    if (shown.len > max_bytes) {
        shown.ptr += shown.len - max_bytes;
        shown.len = max_bytes;
        while (shown.len > 0 && shown.ptr[0] != '\n') /* begin with a whole line */
            shown.ptr++, shown.len--;
        if (shown.len > 0)
            shown.ptr++, shown.len--;
    }
    safetext_fence(shown, m->out);
}

void markdown_seconds(const struct markdown *m, double seconds)
{
    if (seconds >= 0)
        markdown_rawf(m, "%.2f s", seconds);
    else
        markdown_raw(m, "-");
}

void markdown_bytes(const struct markdown *m, double bytes)
{
    if (bytes < 0)
        markdown_raw(m, "-");
    else if (bytes >= 1e9)
        markdown_rawf(m, "%.2f GB", bytes / 1e9);
    else if (bytes >= 1e6)
        markdown_rawf(m, "%.1f MB", bytes / 1e6);
    else
        markdown_rawf(m, "%.1f kB", bytes / 1e3);
}
