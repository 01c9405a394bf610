#include "shared/view/screen.h"

#include "shared/fd.h"
#include "shared/view/columns.h"

#include <sys/ioctl.h>

#define TAKE "\033[?1049h\033[?25l\033[H\033[2J"
#define GIVE_BACK "\033[0m\033[2J\033[?25h\033[?1049l"
#define ERASE_REST_OF_LINE "\033[K"
#define ERASE_BELOW "\033[J"

#define HEAD_MAX (16 * 1024)

void screen_init(struct screen *s, int in, int out)
{
    *s = (struct screen){ .in = in, .out = out };
    if (in >= 0 && (!isatty(in) || tcgetattr(in, &s->saved) < 0))
        s->in = -1;
}

int screen_take(struct screen *s)
{
    struct termios keys = s->saved;

    if (s->taken)
        return 0;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    keys.c_iflag &= ~(tcflag_t)IXON; /* Ctrl-S would stop the drawing, and with it the end */
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    if (s->in >= 0 && tcsetattr(s->in, TCSADRAIN, &keys) < 0)
        return -1;
    s->taken = true;
    return fd_write(s->out, SPAN_LIT(TAKE));
}

void screen_give_back(struct screen *s)
{
    if (!s->taken)
        return;
    s->taken = false;
    (void)fd_write(s->out, SPAN_LIT(GIVE_BACK)); /* a terminal that is gone needs nothing back */
    if (s->in >= 0)
        (void)tcsetattr(s->in, TCSAFLUSH, &s->saved); /* the same */
}

void screen_size(int fd, unsigned *columns, unsigned *rows)
{
    struct winsize w = { 0 };

    if (ioctl(fd, TIOCGWINSZ, &w) < 0)
        w = (struct winsize){ 0 };
    *columns = w.ws_col ? w.ws_col : 80;
    *rows = w.ws_row ? w.ws_row : 24;
}

bool screen_is_terminal(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

/* Whatever stood in its rows is gone. One that ends at the edge has nothing behind it, and some terminals would erase its last character. */
static void add_line(struct span line, unsigned columns, struct buf *out)
{
    size_t used = columns_of(line);

    buf_add_span(out, line);
    if (!used || used % columns)
        buf_adds(out, ERASE_REST_OF_LINE);
}

static size_t count_lines(struct span text)
{
    struct span line;
    size_t n = 0;

    while (span_next_line(&text, &line))
        n++;
    return n;
}

/* The next line of *body if it leaves `keep` of *rows free. */
static bool add_next(struct span *body, unsigned columns, size_t *rows, size_t keep, struct buf *out)
{
    struct span before = *body, line;

    if (!span_next_line(body, &line))
        return false;
    if (columns_rows(line, columns) + keep > *rows) {
        *body = before;
        return false;
    }
    *rows -= columns_rows(line, columns);
    buf_adds(out, "\r\n");
    add_line(line, columns, out);
    return true;
}

/* Rows that all of it takes, counted up to one more than there are. */
static size_t rows_of(struct span body, unsigned columns, size_t enough)
{
    struct span line;
    size_t rows = 0;

    while (rows <= enough && span_next_line(&body, &line))
        rows += columns_rows(line, columns);
    return rows;
}

static void add_more(struct span body, unsigned columns, struct buf *out)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(64), cut = BUF_INIT(64);

    buf_addf(&text, "… %zu more lines", count_lines(body));
    columns_cut(buf_span(&text), columns, &cut);
    buf_adds(out, "\r\n");
    add_line(buf_span(&cut), columns, out);
}

void screen_frame(struct span head, struct span body, unsigned columns, unsigned rows, bool dim, struct buf *out)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(HEAD_MAX);
    size_t left = rows > 2 ? rows - 2 : 0, keep = rows_of(body, columns, left) > left;

    buf_adds(out, "\033[H");
    columns_cut(head, columns, &line);
    add_line(buf_span(&line), columns, out);
    if (rows > 1)
        buf_adds(out, "\r\n" ERASE_REST_OF_LINE);
    buf_adds(out, dim ? "\033[2m" : "");
    while (add_next(&body, columns, &left, keep, out)) {
    }
    if (body.len && left) {
        add_more(body, columns, out);
        left--;
    }
    buf_adds(out, dim ? "\033[0m" : "");
    if (left)
        buf_adds(out, "\r\n" ERASE_BELOW);
}
