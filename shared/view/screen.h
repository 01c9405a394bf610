/*
 * The terminal of `--watch`: taken and given back, its size, and one picture drawn over the one before.
 *
 * Taken: the other screen, no cursor, keys without Enter and without echo; Ctrl-C and Ctrl-Z stay signals. Given back: all of it as it was.
 */
#ifndef BLUEGREEN_VIEW_SCREEN_H
#define BLUEGREEN_VIEW_SCREEN_H

#include "shared/buf.h"

#include <termios.h>

struct screen {
    int in, out;          /* in: -1 when no keys can be read */
    struct termios saved; /* of `in` */
    bool taken;
};

/* Both -1 or descriptors of the caller. in is used when it is a terminal. */
void screen_init(struct screen *s, int in, int out);
/* -1 with errno when the terminal is gone. Twice is once. */
int screen_take(struct screen *s);
void screen_give_back(struct screen *s);

/* Size of the terminal; 80 x 24 when it does not tell. */
void screen_size(int fd, unsigned *columns, unsigned *rows);
/* Is it one that understands what is drawn here? TERM unset or "dumb": no. */
bool screen_is_terminal(int fd);

/*
 * One picture as bytes for one write: home, `head` (one line, cut), a blank line, the lines of `body`, each erased to its end, and below
 * them nothing. What does not fit is told as "… N more lines". A line longer than the screen goes on in the next row.
 * dim: the body, which has no colours then.
 */
void screen_frame(struct span head, struct span body, unsigned columns, unsigned rows, bool dim, struct buf *out);

#endif
