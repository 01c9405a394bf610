/*
 * `--watch`: a report, asked for again and again. Both command lines use it.
 *
 * On a terminal the newest report is drawn in place of the one before, below a line that says how often and when it was asked for. A
 * new size draws it anew at once. When no answer comes, the last report stays, dimmed, under "NO ANSWER since 12 s; last answer 14 s
 * ago", and it is asked again with growing pauses. q, Ctrl-C and SIGTERM end it, and leave the last report and the terminal as it was;
 * Ctrl-Z and `fg` work. Anywhere else (a pipe, a file) each report is appended below a line with the time.
 *
 * The question is asked in a thread of its own, one at a time, so that keys and sizes are seen while it waits.
 */
#ifndef BLUEGREEN_VIEW_WATCH_H
#define BLUEGREEN_VIEW_WATCH_H

#include "shared/json.h"

#define WATCH_SECONDS 5 /* between an answer and the next question, when nothing else is wanted */
#define WATCH_SECONDS_MAX 3600

/*
 * Ask once. *ret is watch_run()'s then; or -kind. cancel_fd, the same each time, becomes readable when the watching is over: return soon
 * then, whatever was found, since watch_run() waits for it. SIGINT, SIGTERM and their like do not reach this thread.
 */
typedef int watch_ask_fn(void *ctx, int cancel_fd, struct json **ret, struct err *err);

struct watch_options {
    const char *report; /* its name: "status" */
    unsigned seconds; /* 1 to WATCH_SECONDS_MAX; 0: WATCH_SECONDS. While a deployment runs every second all the same */
    int in;           /* where keys come from; -1 nowhere */
    int out;          /* a terminal is drawn on, anything else appended to */
    bool colour;      /* as in struct view; of no effect when it is not drawn */
    bool json;        /* append each report as one line of JSON, drawing nothing */
};

/*
 * Watch until somebody ends it. 0: q or Ctrl-C, or the reader of `out` is gone; the number of the signal (> 0) that ended it otherwise.
 * The error of the first question when that one fails, and later one that no waiting mends (a host key that is another now, say); -ERR_IO.
 * The calling process must be the only one that waits for its signals: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT and SIGWINCH
 * are blocked meanwhile and as before at the end.
 */
int watch_run(const struct watch_options *options, watch_ask_fn *ask, void *ctx, struct err *err);

#endif
