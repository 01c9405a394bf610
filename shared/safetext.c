#include "shared/safetext.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct range {
    uint32_t first, last;
};

/*
 * Invisible or able to reorder what is shown; sorted. Unicode: Default_Ignorable, Bidi_Control, line separators. And
 * U+2A74, which some comparisons take for "::=".
 */
static const struct range hidden[] = {
    { 0x0080, 0x009f },   { 0x00ad, 0x00ad },   { 0x034f, 0x034f },   { 0x061c, 0x061c }, { 0x070f, 0x070f },
    { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },   { 0x200b, 0x200f }, { 0x2028, 0x202e },
    { 0x2060, 0x206f },   { 0x2a74, 0x2a74 },   { 0x3164, 0x3164 },   { 0xd800, 0xdfff }, { 0xfdd0, 0xfdef },
    { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
    { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

static bool is_hidden(uint32_t c)
{
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (c >= hidden[i].first && c <= hidden[i].last)
            return true;
    return (c & 0xfffe) == 0xfffe; /* the non-characters that end each plane */
}

/* Parts of ordinary emoji and of scripts that need joiners: kept after a character that is itself outside ASCII. */
static bool is_joiner(uint32_t c)
{
    return c == 0x200c || c == 0x200d || c == 0xfe0e || c == 0xfe0f;
}

/* Length of the character at p (1 to 4) and its value; 0 when it is no valid UTF-8. */
static size_t decode(const unsigned char *p, size_t left, uint32_t *ret)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    uint32_t c = p[0];
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (len == 1) {
        *ret = c;
        return 1;
    }
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > left)
        return 0;
    c &= 0xffU >> (len + 1);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fU);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret = c;
    return len;
}

/* The ASCII character that a comparison by culture could take c for; 0: none, c is looked through. */
static char ascii_twin(uint32_t c)
{
    if (c < 0x80)
        return (char)c;
    switch (c) {
    case 0xff03:
    case 0xfe5f:
        return '#';
    case 0xff3b:
    case 0xfe47:
        return '[';
    case 0xff1a:
    case 0xfe55:
    case 0xfe13:
        return ':';
    default:
        return 0;
    }
}

/* What was seen of the line so far, as far as commands are concerned. */
struct watch {
    char last[2];     /* the last two ASCII characters (or twins) */
    bool only_blanks; /* nothing but white space before */
    bool one_colon;   /* the first thing of the line is a colon, and nothing came since */
};

/* True when a blank must stand before c so that no command comes to be. */
static bool watch_step(struct watch *w, uint32_t c)
{
    char a = ascii_twin(c);
    bool cut = false;

    if (!a)
        return false;
    if (a == '[' && w->last[0] == '#' && w->last[1] == '#')
        cut = true;
    if (a == ':' && w->one_colon)
        cut = true;
    w->one_colon = a == ':' && w->only_blanks;
    if (a != ' ' && a != '\t')
        w->only_blanks = false;
    w->last[0] = w->last[1];
    w->last[1] = a;
    return cut;
}

static void add_picture(struct buf *out, uint32_t c)
{
    uint32_t picture = c == 0x7f ? 0x2421 : 0x2400 + c;
    char utf8[3] = { (char)(0xe0 | picture >> 12), (char)(0x80 | (picture >> 6 & 0x3f)),
                     (char)(0x80 | (picture & 0x3f)) };
    buf_add(out, utf8, sizeof(utf8));
}

void safetext_line(struct span text, struct buf *out)
{
    struct watch w = { .only_blanks = true };
    bool after_wide = false;

    for (size_t i = 0; i < text.len;) {
        /* bytes above 0x7f must not be negative */
        const unsigned char *p = (const unsigned char *)text.ptr + i;
        uint32_t c = 0;
        size_t len = decode(p, text.len - i, &c);

        i += len ? len : 1;
        if (!len) {
            buf_adds(out, REPLACEMENT);
            after_wide = false;
        } else if (c < 0x20 && c != '\t') {
            add_picture(out, c);
            after_wide = false;
        } else if (c == 0x7f) {
            add_picture(out, c);
            after_wide = false;
        } else if (is_hidden(c) && !(is_joiner(c) && after_wide)) {
            buf_adds(out, REPLACEMENT);
            after_wide = false;
        } else {
            if (watch_step(&w, c))
                buf_addc(out, ' ');
            buf_add(out, p, len);
            after_wide = c >= 0xa0;
        }
    }
}

bool safetext_next_line(struct span *rest, struct span *line)
{
    size_t n = 0;

    if (!rest->len)
        return false;
    while (n < rest->len && rest->ptr[n] != '\n' && rest->ptr[n] != '\r')
        n++;
    *line = (struct span){ rest->ptr, n };
    if (n < rest->len)
        n += rest->ptr[n] == '\r' && n + 1 < rest->len && rest->ptr[n + 1] == '\n' ? 2 : 1;
    rest->ptr += n;
    rest->len -= n;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Does `safe[i]` need a backslash so that it is only itself? `digits`: nothing but digits stands before. */
static bool needs_backslash(struct span safe, size_t i, bool digits)
{
    char c = safe.ptr[i];

    switch (c) {
    case '\\':
    case '`':
    case '*':
    case '_':
    case '{':
    case '}':
    case '[':
    case ']':
    case '(':
    case ')':
    case '#':
    case '!':
    case '|':
    case '~':
    case ':':
    case '$':
    case '^':
    case '"':
    case '\'':
    case '=':
        return true;
    case '+':
    case '-':
        return i == 0;
    case '.': /* "1." begins a list, "www." a link */
        return digits || (i > 0 && (safe.ptr[i - 1] == 'w' || safe.ptr[i - 1] == 'W'));
    default:
        return false;
    }
}

static const char *entity(char c)
{
    return c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '\t' ? " " : NULL;
}

/* The comment keeps addresses and @names from becoming links, which no backslash does. */
#define MARKDOWN_AT "@<!-- -->"

void safetext_markdown(struct span text, struct buf *out)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(text.len * 4 + 16);
    bool digits = true;

    safetext_line(text, &line);
    struct span safe = span_trim(buf_span(&line)); /* leading blanks would make a code block */
    for (size_t i = 0; i < safe.len; i++) {
        const char *e = entity(safe.ptr[i]);
        if (e) {
            buf_adds(out, e);
        } else if (safe.ptr[i] == '@') {
            buf_adds(out, MARKDOWN_AT);
        } else {
            if (needs_backslash(safe, i, digits))
                buf_addc(out, '\\');
            buf_addc(out, safe.ptr[i]);
        }
        digits = digits && is_digit(safe.ptr[i]);
    }
}

void safetext_html(struct span text, struct buf *out)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(text.len * 4 + 16);

    safetext_line(text, &line);
    for (size_t i = 0; i < line.len; i++) {
        const char *e = entity(line.ptr[i]);
        if (e)
            buf_adds(out, e);
        else if (line.ptr[i] == '"')
            buf_adds(out, "&quot;");
        else
            buf_addc(out, line.ptr[i]);
    }
}

static size_t longest_run(struct span text, char c)
{
    size_t longest = 0, run = 0;

    for (size_t i = 0; i < text.len; i++) {
        run = text.ptr[i] == c ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    return longest;
}

static void add_repeated(struct buf *out, char c, size_t times)
{
    while (times-- > 0)
        buf_addc(out, c);
}

void safetext_fence(struct span text, struct buf *out)
{
    size_t run = longest_run(text, '`');
    size_t fence = run < 3 ? 3 : run + 1;
    struct span line;

    add_repeated(out, '`', fence);
    buf_adds(out, "text\n");
    while (safetext_next_line(&text, &line)) {
        safetext_line(line, out);
        buf_addc(out, '\n');
    }
    add_repeated(out, '`', fence);
    buf_addc(out, '\n');
}

static bool is_mermaid_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || (c && strchr("_.()-", c));
}

void safetext_mermaid(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++)
        buf_addc(out, is_mermaid_char(text.ptr[i]) ? text.ptr[i] : ' ');
}

struct span safetext_cut(struct span text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && ((unsigned char)text.ptr[max] & 0xc0) == 0x80)
        max--;
    text.len = max;
    return text;
}
