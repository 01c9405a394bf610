/*
 * What xml_parse() takes has no document type declaration and a bounded depth, its texts are trimmed UTF-8, and written
 * out and read again it is the same tree.
 */
#include "shared/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX (64U << 20)

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* Drop everything up to and with `end`; false when it is not there. */
static bool skip_past(struct span *s, const char *end)
{
    const char *at = s->len ? memmem(s->ptr, s->len, end, strlen(end)) : NULL;
    if (!at)
        return false;
    size_t used = (size_t)(at - s->ptr) + strlen(end);
    *s = (struct span){ .ptr = s->ptr + used, .len = s->len - used };
    return true;
}

/* Is the first thing that is neither blank nor comment nor instruction a document type declaration? */
static bool has_doctype(struct span s)
{
    if (span_starts(s, "\xef\xbb\xbf"))
        s = (struct span){ .ptr = s.ptr + 3, .len = s.len - 3 };
    for (;;) {
        s = span_trim(s);
        if (span_starts(s, "<!--")) {
            if (!skip_past(&s, "-->"))
                return false;
        } else if (span_starts(s, "<?")) {
            if (!skip_past(&s, "?>"))
                return false;
        } else {
            return span_starts(s, "<!DOCTYPE");
        }
    }
}

static void write_node(const struct xml_node *n, size_t depth, struct buf *out)
{
    struct span text = span_of(xml_text(n));
    check(depth <= XML_DEPTH_MAX && *xml_name(n));
    check(span_is_utf8(text) && span_trim(text).len == text.len);
    buf_addf(out, "<%s>", xml_name(n));
    for (size_t i = 0; i < text.len; i++)
        if (strchr("<>&\r\n\t", text.ptr[i]))
            buf_addf(out, "&#%d;", text.ptr[i]);
        else
            buf_addc(out, text.ptr[i]);
    for (const struct xml_node *c = xml_first(n); c; c = xml_next(c))
        write_node(c, depth + 1, out);
    buf_addf(out, "</%s>", xml_name(n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { .ptr = (const char *)data, .len = size };
    _cleanup_(xml_free_p) struct xml *x = NULL, *again = NULL;
    struct err err = { 0 };
    if (xml_parse(text, &x, &err) < 0) {
        check(!x && (err.kind == ERR_PROTO || err.kind == ERR_NOMEM) && err.depth == 1);
        return 0;
    }
    check(!has_doctype(text) && xml_root(x));
    _cleanup_(buf_done_p) struct buf one = BUF_INIT(OUT_MAX), two = BUF_INIT(OUT_MAX);
    write_node(xml_root(x), 1, &one);
    check(!one.failed && xml_parse(buf_span(&one), &again, NULL) == 0);
    write_node(xml_root(again), 1, &two);
    check(one.len == two.len && memcmp(one.ptr, two.ptr, one.len) == 0);
    return 0;
}
