#include "cmd/report/markdown.h"

#include "shared/safetext.h"

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

/* Redacted, then cut: a secret must not slip through at the seam. */
static void add_cut(const struct markdown *m, const char *text, void (*escape)(struct span, struct buf *))
{
    struct span all = span_of(text), cut;
    _cleanup_(buf_done_p) struct buf redacted = BUF_INIT(all.len + 16);

    redactor_apply(m->redactor, all, &redacted);
    cut = safetext_cut(buf_span(&redacted), m->text_max ? m->text_max : MARKDOWN_TEXT_MAX);
    escape(cut, m->out);
    if (cut.len < redacted.len)
        buf_adds(m->out, "…");
}

void markdown_text(const struct markdown *m, const char *text)
{
    add_cut(m, text, safetext_markdown);
}

static void code(const struct markdown *m, const char *text, void (*escape)(struct span, struct buf *))
{
    if (!text || !*text) {
        markdown_raw(m, "-");
        return;
    }
    markdown_raw(m, "<code>");
    add_cut(m, text, escape);
    markdown_raw(m, "</code>");
}

void markdown_code(const struct markdown *m, const char *text)
{
    code(m, text, safetext_markdown);
}

void markdown_html_code(const struct markdown *m, const char *text)
{
    code(m, text, safetext_html);
}

/* Only what no browser and no sanitizer reads as something else. */
static bool is_plain_url(const char *url)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#=%+@";

    const char *host = NULL;

    if (strncmp(url, "https://", 8) == 0)
        host = url + 8;
    else if (strncmp(url, "http://", 7) == 0)
        host = url + 7;
    if (!host || url[strspn(url, allowed)] != '\0')
        return false;
    return host[strcspn(host, "/?#@")] != '@'; /* https://github.com@elsewhere/ */
}

static void link_to(const struct markdown *m, const char *words, const char *url,
                    void (*escape)(struct span, struct buf *))
{
    _cleanup_(buf_done_p) struct buf redacted = BUF_INIT(strlen(url) + 16);

    redactor_apply(m->redactor, span_of(url), &redacted);
    if (!is_plain_url(buf_str(&redacted))) {
        code(m, url, escape);
        return;
    }
    markdown_rawf(m, "<a href=\"%s\">", buf_str(&redacted));
    add_cut(m, words ? words : url, escape);
    markdown_raw(m, "</a>");
}

void markdown_link(const struct markdown *m, const char *words, const char *url)
{
    link_to(m, words, url, safetext_markdown);
}

void markdown_html_link(const struct markdown *m, const char *words, const char *url)
{
    link_to(m, words, url, safetext_html);
}

#define DIGEST_SHOWN 12 /* digits, as docker(1) shows ids */

void markdown_digest(const struct markdown *m, const char *digest)
{
    char text[80];
    const char *colon = digest ? strchr(digest, ':') : NULL;

    if (!colon || strlen(digest) >= sizeof(text)) {
        markdown_code(m, digest);
        return;
    }
    (void)snprintf(text, sizeof(text), "%.*s", (int)(colon - digest) + 1 + DIGEST_SHOWN, digest);
    markdown_code(m, text);
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
        markdown_rawf(m, seconds < 1e7 ? "%.2f s" : "%.3g s", seconds);
    else
        markdown_raw(m, "-");
}

void markdown_time(const struct markdown *m, const char *iso)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    size_t i = 0;

    while (form[i] && (form[i] == 'd' ? iso[i] >= '0' && iso[i] <= '9' : iso[i] == form[i]))
        i++;
    if (form[i] || iso[strlen(iso) - 1] != 'Z')
        markdown_text(m, iso);
    else
        markdown_rawf(m, "%.10s %.8s", iso, iso + 11);
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
