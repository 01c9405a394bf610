#include "tests/unit/shared/view_sample.h"

#include "shared/fd.h"
#include "shared/view/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>

struct json *view_sample(const char *name, const char *patch)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(1 << 20);
    _cleanup_(close_p) int fd = -1;
    char path[80];
    struct json *report = NULL, *changes = NULL;
    const struct json *c = NULL;

    (void)snprintf(path, sizeof(path), "tests/unit/reports/%s.json", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fd_read(fd, &text), 0);
    assert_int_equal(json_parse(buf_span(&text), &report, NULL), 0);
    if (patch) {
        assert_int_equal(json_parse(span_of(patch), &changes, NULL), 0);
        for (c = json_first(changes); c; c = json_next(c))
            json_set(report, json_key(c), json_copy(c));
        json_free(changes);
    }
    return report;
}

const char *view_shown(const char *name, const struct json *report, unsigned width, bool colour)
{
    static struct buf text = BUF_INIT(1 << 20);
    const struct view v = { .out = &text, .width = width, .colour = colour };

    buf_reset(&text);
    assert_true(view_report(&v, name, report));
    assert_false(text.failed);
    return buf_str(&text);
}

/* ---- hostile words ---- */

static const char hostile[] = "\033[2J\033]0;x\007\r\n::error::x\t##[group]\u202egnp\u2066\xc2\x9b"
                              "31m\x7f\u2028日本語🚀e\u0301 ";

struct attack {
    size_t at; /* the string that is replaced; SIZE_MAX: each */
    size_t seen;
    bool is_long;
};

static void attack_one(void *ctx, struct span text, struct buf *out)
{
    struct attack *a = ctx;
    size_t times = a->is_long ? 40 : 1;

    if (a->at != SIZE_MAX && a->seen++ != a->at) {
        buf_add_span(out, text);
        return;
    }
    a->seen += a->at == SIZE_MAX;
    while (times-- > 0)
        buf_adds(out, hostile);
}

/* Only our colours, which are taken out; then text alone. */
static void assert_is_text(const char *shown, bool colour)
{
    struct span rest = span_of(shown);

    assert_true(span_is_utf8(rest));
    for (size_t i = 0; i < rest.len; i++) {
        unsigned char c = (unsigned char)rest.ptr[i];
        if (colour && c == 033 && rest.ptr[i + 1] == '[') {
            i += 2;
            while ((rest.ptr[i] >= '0' && rest.ptr[i] <= '9') || rest.ptr[i] == ';')
                i++;
            assert_int_equal(rest.ptr[i], 'm');
        } else if ((c < 0x20 && c != '\n') || c == 0x7f) {
            fail_msg("byte %02x is shown: %s", c, shown);
        }
    }
    assert_null(strstr(shown, "\u202e"));
    assert_null(strstr(shown, "\u2066"));
    assert_null(strstr(shown, "\xc2\x9b"));
    assert_null(strstr(shown, "\u2028"));
    assert_null(strstr(shown, "\n::"));
}

static void assert_fits(const char *shown, unsigned width)
{
    struct span rest = span_of(shown), line;

    while (span_next_line(&rest, &line))
        if (columns_of(line) > width && !span_starts(line, "     ")) /* a command */
            fail_msg("%zu columns: %.*s", columns_of(line), (int)line.len, line.ptr);
}

static size_t attack(const char *name, size_t at, bool is_long, unsigned width, bool colour)
{
    _cleanup_(json_free_p) struct json *report = view_sample(name, NULL);
    struct attack a = { .at = at, .is_long = is_long };
    const char *shown = NULL;

    json_edit_strings(report, attack_one, &a);
    shown = view_shown(name, report, width, colour);
    assert_is_text(shown, colour);
    if (width)
        assert_fits(shown, width);
    return a.seen;
}

void view_attack(const char *name)
{
    size_t strings = attack(name, SIZE_MAX, false, 0, false);

    assert_true(strings > 5);
    for (size_t i = 0; i < strings; i++)
        for (int n = 0; n < 4; n++)
            (void)attack(name, i, n & 1, n & 2 ? 80 : 0, n & 1);
    for (unsigned width = 1; width < 200; width += 7)
        (void)attack(name, SIZE_MAX, true, width, true);
}
