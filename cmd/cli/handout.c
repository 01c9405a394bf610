#include "cmd/cli/handout.h"

#include "shared/fd.h"

#include <sys/ioctl.h>

#define BAR_MAX 40
#define WIDTH_DEFAULT 80
#define ERASE "\r\033[K"

static unsigned columns_of(int fd)
{
    struct winsize size;
    if (!isatty(fd))
        return 0;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : WIDTH_DEFAULT;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static bool is_dumb(void)
{
    const char *term = getenv("TERM");
    return !term || !*term || strcmp(term, "dumb") == 0;
}

void handout_init(struct handout *o, bool quiet, bool no_color)
{
    *o = (struct handout){ .quiet = quiet, .width = columns_of(STDOUT_FILENO) };
    o->colour = o->width > 0 && !no_color && !is_set("NO_COLOR") && !is_dumb();
    o->bar_width = columns_of(STDERR_FILENO);
    o->has_bar = !quiet && o->bar_width > 0 && !is_dumb();
}

static void erase_bar(struct handout *o)
{
    if (o->bar_shown)
        (void)fd_write(STDERR_FILENO, SPAN_LIT(ERASE)); /* it is an ornament */
    o->bar_shown = false;
}

static void draw_bar(struct handout *o)
{
    if (!o->bar[0])
        return;
    if (fd_write(STDERR_FILENO, SPAN_LIT(ERASE)) == 0 && fd_write(STDERR_FILENO, span_of(o->bar)) == 0)
        o->bar_shown = true;
}

int handout_write(void *ctx, struct span bytes)
{
    struct handout *o = ctx;
    if (o->quiet && !o->complaining)
        return 0;
    erase_bar(o);
    int r = fd_write(o->complaining ? STDERR_FILENO : STDOUT_FILENO, bytes);
    draw_bar(o);
    return r;
}

void handout_complain(void *ctx)
{
    struct handout *o = ctx;
    handout_end(o);
    o->complaining = true;
}

void handout_end(struct handout *o)
{
    o->bar[0] = '\0';
    erase_bar(o);
}

void handout_bar(double current, double total, unsigned width, char out[160])
{
    char blocks[BAR_MAX + 1];
    char text[64];
    double part = total > 0 ? current / total : 0;
    part = part > 1 ? 1 : part > 0 ? part : 0; /* not a number: 0 */
    int n = snprintf(text, sizeof(text), "%3.0f %%  %.1f of %.1f MB", part * 100, current / 1e6, total / 1e6);
    unsigned used = (n > 0 ? (unsigned)n : 0) + 5; /* brackets, two blanks, and the last column, which wraps */
    unsigned room = width > used ? width - used : 0;
    room = room > BAR_MAX ? BAR_MAX : room;
    unsigned full = (unsigned)(part * room);
    for (unsigned i = 0; i < room; i++)
        blocks[i] = i < full ? '#' : '.';
    blocks[room] = '\0';
    if (room >= 4)
        (void)snprintf(out, 160, "[%s]  %s", blocks, text);
    else
        (void)snprintf(out, 160, "%.*s", (int)(width > 1 ? width - 1 : 0), text);
}

bool handout_event(void *ctx, const struct event *ev)
{
    struct handout *o = ctx;
    double current = json_num(ev->body, "current", 0), total = json_num(ev->body, "total", 0);
    if (!o->has_bar)
        return false;
    if (ev->kind == EVENT_STEP_DONE || ev->kind == EVENT_STEP_FAILED) {
        handout_end(o);
        return false;
    }
    if (ev->kind != EVENT_STEP_PROGRESS || strcmp(ev->step, "image_pull") != 0 || total <= 0)
        return false;
    handout_bar(current, total, o->bar_width, o->bar);
    draw_bar(o);
    return true;
}
