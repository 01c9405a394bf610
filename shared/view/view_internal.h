/* One function a report; shared by them: pieces of a line. Private to shared/view/. */
#ifndef BLUEGREEN_VIEW_INTERNAL_H
#define BLUEGREEN_VIEW_INTERNAL_H

#include "shared/view/view.h"

typedef void view_fn(const struct view *v, const struct json *report);

view_fn view_status;

/* The colours there are. What they tell is in the words as well. */
#define VIEW_PLAIN "\033[0m"
#define VIEW_STRONG "\033[1m"
#define VIEW_DIM "\033[2m"
#define VIEW_GOOD "\033[32m"
#define VIEW_WARN "\033[33m"
#define VIEW_BAD "\033[1;31m"

/* One line; words from outside are made safe. */
void view_line(const struct view *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- pieces, appended to a line that is being made ---- */

/* A word from outside, safe; a TAB becomes a blank. */
void view_word(const char *word, struct buf *line);
/* "12 s", "3 min 4 s", "3 h 4 min", "3 d 4 h"; "?" below 0. */
void view_duration(double seconds, struct buf *line);

#endif
