/*
 * How wide text is on a terminal. The text is ours: words from outside in it are safe already (shared/safetext.h), and the
 * only escape sequences are the colours of view_internal.h, which take no room.
 */
#ifndef BLUEGREEN_VIEW_COLUMNS_H
#define BLUEGREEN_VIEW_COLUMNS_H

#include "shared/buf.h"

/* Columns of one line: 2 of an East Asian wide character or an emoji, none of a combining one. */
size_t columns_of(struct span text);
/* Append at most `max` columns of the line, the last of them "…" when something is left out; colours end where it is cut. 0: whole. */
void columns_cut(struct span text, size_t max, struct buf *out);
/* Bytes of the front that fit into `width` columns, up to a blank if there is one; at least one character; all when width is 0. */
size_t columns_break(struct span text, size_t width);
/* Rows that the line takes on a terminal so wide which goes on in the next row; at least 1. */
size_t columns_rows(struct span text, size_t width);

#endif
