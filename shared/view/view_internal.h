/*
 * One function a report; shared by them: pieces of a line. Private to shared/view/.
 *
 * A line is made in a buf: our own words as they are, words from outside through view_word(), colours through view_style(). view_end()
 * cuts it to the width, so nothing else has to count.
 */
#ifndef BLUEGREEN_VIEW_INTERNAL_H
#define BLUEGREEN_VIEW_INTERNAL_H

#include "shared/kpi.h"
#include "shared/view/view.h"

typedef void view_fn(const struct view *v, const struct json *report);

view_fn view_status;
view_fn view_history;
view_fn view_diagnose;
view_fn view_plan;
view_fn view_prune;

#define VIEW_LINE_MAX (64 * 1024)
#define VIEW_ROWS_MAX 200 /* of a list whose length the host decides */

/* The colours there are. What they tell is in the words as well. */
#define VIEW_PLAIN "\033[0m"
#define VIEW_STRONG "\033[1m"
#define VIEW_DIM "\033[2m"
#define VIEW_GOOD "\033[32m"
#define VIEW_WARN "\033[33m"
#define VIEW_BAD "\033[1;31m"

/* ---- whole lines ---- */

/* One line of words, made safe as a whole. */
void view_line(const struct view *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The line that was made, cut to the width; it is empty afterwards. */
void view_end(const struct view *v, struct buf *line);
/* The same, but what is too long goes on in the next lines, `indent` blanks in: for sentences. */
void view_end_wrapped(const struct view *v, size_t indent, struct buf *line);
/* A command, to be copied: a line of its own, never cut. "": nothing. */
void view_command(const struct view *v, const char *command);
/* The heading of a section: an empty line, then these words of ours. */
void view_heading(const struct view *v, const char *words);

/* ---- pieces, appended to a line that is being made ---- */

void view_style(const struct view *v, const char *style,
                struct buf *line); /* one of the colours above, if there are any */
void view_styled(const struct view *v, const char *style, const char *words, struct buf *line); /* words of ours */
/* A word from outside, safe; a TAB becomes a blank. "": nothing. */
void view_word(const char *word, struct buf *line);
/* Blanks until the line is so many columns long; one at least. */
void view_pad(struct buf *line, size_t column);
/* "12 s", "3 min 4 s", "3 h 4 min", "3 d 4 h"; "?" below 0. */
void view_duration(double seconds, struct buf *line);
/* "12.3 MB"; "?" below 0. */
void view_bytes(double bytes, struct buf *line);
/* "4.20 s"; "-" below 0. */
void view_seconds(double seconds, struct buf *line);
/* "2026-01-29 03:10:02" of an ISO 8601 time in UTC; anything else as a word. */
void view_time(const char *iso, struct buf *line);
/* The first digits of "sha256:1a2b3c…", as docker(1) shows ids. */
void view_digest(const char *digest, struct buf *line);
/* The image without the digest that stands behind its tag. */
void view_image(const char *image, struct buf *line);
/* "1 container", "2 containers". */
void view_count(size_t n, const char *one, struct buf *line);

/* ---- questions to a report ---- */

/* Seconds from the time `iso` until the report was made; -1 when one of them is not known. */
double view_since(const struct json *report, const char *iso);
/* What a version is called: its tag, else its version label, else the short digest. */
void view_version(const struct json *container, struct buf *line);

/* ---- sections that several reports have ---- */

/* blue, green, next: the facts about one container. NULL: that there is none. */
void view_container(const struct view *v, const struct json *report, const char *role, const struct json *container);
/* The last deployments, newest first; what is above a limit of `kpi` is marked. */
void view_deployments(const struct view *v, const struct json *report);
/* "1. error: TEXT", then the command, for each of the recommendations. */
void view_recommendations(const struct view *v, const struct json *list);
/* "    Next: …": what to do about it. "": nothing. */
void view_next(const struct view *v, const char *next);
/* A sparkline a KPI of a trend (docs/protocol.md "outcome"), with figures; nothing below VIEW_TREND_MIN measured values. */
#define VIEW_TREND_MIN 3
void view_trend(const struct view *v, const struct json *trend);
/* What a prune did or would do. */
void view_prune_lists(const struct view *v, const struct json *prune);

#endif
