#include "shared/view/columns.h"

#define ELLIPSIS "…"

struct range {
    uint32_t first, last;
};

/* Unicode 15, East Asian Width W and F; neighbours are taken together where nothing narrow in between is in use. */
static const struct range wide[] = {
    { 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },   { 0x23e9, 0x23ec },   { 0x23f0, 0x23f0 },
    { 0x23f3, 0x23f3 },   { 0x25fd, 0x25fe },   { 0x2614, 0x2615 },   { 0x2648, 0x2653 },   { 0x267f, 0x267f },
    { 0x2693, 0x2693 },   { 0x26a1, 0x26a1 },   { 0x26aa, 0x26ab },   { 0x26bd, 0x26be },   { 0x26c4, 0x26c5 },
    { 0x26ce, 0x26ce },   { 0x26d4, 0x26d4 },   { 0x26ea, 0x26ea },   { 0x26f2, 0x26f3 },   { 0x26f5, 0x26f5 },
    { 0x26fa, 0x26fa },   { 0x26fd, 0x26fd },   { 0x2705, 0x2705 },   { 0x270a, 0x270b },   { 0x2728, 0x2728 },
    { 0x274c, 0x274c },   { 0x274e, 0x274e },   { 0x2753, 0x2755 },   { 0x2757, 0x2757 },   { 0x2795, 0x2797 },
    { 0x27b0, 0x27b0 },   { 0x27bf, 0x27bf },   { 0x2b1b, 0x2b1c },   { 0x2b50, 0x2b50 },   { 0x2b55, 0x2b55 },
    { 0x2e80, 0x303e },   { 0x3041, 0x4dbf },   { 0x4e00, 0xa4cf },   { 0xa960, 0xa97c },   { 0xac00, 0xd7a3 },
    { 0xf900, 0xfaff },   { 0xfe10, 0xfe19 },   { 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },   { 0xffe0, 0xffe6 },
    { 0x16fe0, 0x1b2ff }, { 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a },
    { 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f335 }, { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca },
    { 0x1f3cf, 0x1f3d3 }, { 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f440 },
    { 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d }, { 0x1f54b, 0x1f567 }, { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 },
    { 0x1f5a4, 0x1f5a4 }, { 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6d7 }, { 0x1f6dc, 0x1f6df },
    { 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7f0 }, { 0x1f90c, 0x1f9ff }, { 0x1fa70, 0x1faff },
    { 0x20000, 0x3fffd },
};

/* Combining marks of the scripts in wide use, and the joiners that safetext_line() leaves. */
static const struct range none[] = {
    { 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x05bf, 0x05bf }, { 0x05c1, 0x05c7 },
    { 0x0610, 0x061a }, { 0x064b, 0x065f }, { 0x0670, 0x0670 }, { 0x06d6, 0x06dc }, { 0x06df, 0x06e4 },
    { 0x0900, 0x0902 }, { 0x093a, 0x093a }, { 0x093c, 0x093c }, { 0x0941, 0x0948 }, { 0x094d, 0x094d },
    { 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
    { 0x200b, 0x200f }, { 0x20d0, 0x20ff }, { 0x302a, 0x302d }, { 0x3099, 0x309a }, { 0xfe00, 0xfe0f },
    { 0xfe20, 0xfe2f },
};

static bool is_in(const struct range *ranges, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count && ranges[i].first <= c; i++)
        if (c <= ranges[i].last)
            return true;
    return false;
}

static size_t columns_of_character(uint32_t c)
{
    if (c < 0x300)
        return 1;
    if (is_in(none, sizeof(none) / sizeof(none[0]), c))
        return 0;
    return is_in(wide, sizeof(wide) / sizeof(wide[0]), c) ? 2 : 1;
}

/* Bytes of the colour at the front: ESC [ … m; 0 when there is none. */
static size_t colour_len(struct span s)
{
    size_t n = 2;

    if (s.len < 3 || s.ptr[0] != '\033' || s.ptr[1] != '[')
        return 0;
    while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || s.ptr[n] == ';'))
        n++;
    return n < s.len && s.ptr[n] == 'm' ? n + 1 : 0;
}

/* The next piece of the line: its bytes, and its columns in *columns. */
static size_t next_piece(struct span s, size_t *columns)
{
    size_t len = colour_len(s);
    uint32_t c = 0;

    *columns = 0;
    if (len)
        return len;
    len = span_utf8_next(s);
    c = (unsigned char)s.ptr[0];
    if (len > 1)
        c &= 0xffU >> (len + 1);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)s.ptr[i] & 0x3fU);
    *columns = len ? columns_of_character(c) : 1;
    return len ? len : 1;
}

static struct span rest_of(struct span s, size_t used)
{
    return (struct span){ s.ptr + used, s.len - used };
}

size_t columns_of(struct span text)
{
    size_t sum = 0, columns = 0;

    for (size_t at = 0; at < text.len; sum += columns)
        at += next_piece(rest_of(text, at), &columns);
    return sum;
}

void columns_cut(struct span text, size_t max, struct buf *out)
{
    bool whole = !max || columns_of(text) <= max, coloured = false;
    size_t used = 0, columns = 0;

    if (whole) {
        buf_add_span(out, text);
        return;
    }
    for (size_t at = 0, len = 0; at < text.len; at += len) {
        len = next_piece(rest_of(text, at), &columns);
        if (used + columns > max - 1)
            break;
        used += columns;
        coloured = coloured || (text.ptr[at] == '\033' && len > 1);
        buf_add(out, text.ptr + at, len);
    }
    buf_adds(out, ELLIPSIS);
    buf_adds(out, coloured ? "\033[0m" : "");
}

size_t columns_break(struct span text, size_t width)
{
    size_t used = 0, columns = 0, blank = 0;

    for (size_t at = 0, len = 0; width && at < text.len; at += len) {
        len = next_piece(rest_of(text, at), &columns);
        if (used + columns > width && used > 0)
            return text.ptr[at] == ' ' || !blank ? at : blank;
        if (text.ptr[at] == ' ')
            blank = at;
        used += columns;
    }
    return text.len;
}

size_t columns_rows(struct span text, size_t width)
{
    size_t rows = 1, used = 0, columns = 0;

    for (size_t at = 0; width && at < text.len;) {
        at += next_piece(rest_of(text, at), &columns);
        if (used + columns > width) { /* a wide character does not stand on the edge */
            rows++;
            used = 0;
        }
        used += columns;
    }
    return rows;
}
