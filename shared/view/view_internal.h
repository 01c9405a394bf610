/* One function a report; shared by them: pieces of a line. Private to shared/view/. */
#ifndef BLUEGREEN_VIEW_INTERNAL_H
#define BLUEGREEN_VIEW_INTERNAL_H

#include "shared/view/view.h"

typedef void view_fn(const struct view *v, const struct json *report);

view_fn view_status;

/* One line; words from outside are made safe. */
void view_line(const struct view *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
