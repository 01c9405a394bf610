/* What the command line of the host shows, on its standard output. Words from outside are made safe for a terminal. */
#ifndef BLUEGREEN_SHOW_H
#define BLUEGREEN_SHOW_H

#include "shared/event.h"

struct show {
    int fd;
    bool is_terminal, colour;
    bool half_line;     /* a line of progress stands there, to be drawn over */
    struct buf pending; /* of a log: a line that has not ended yet */
    bool failed;        /* nobody reads any more */
};

/* no_color: as asked for; it is so anyway unless fd is a terminal that has colours. */
void show_init(struct show *s, int fd, bool no_color);
void show_done(struct show *s);

/* An event of a run, as the deployment's log has it. On a terminal progress is drawn in place. */
void show_event(struct show *s, const struct event *ev);
/* A line in our own words. */
void show_line(struct show *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An answer: for people, or as JSON. -ERR_NOMEM; -ERR_PROTO: no such report is known. */
int show_report(struct show *s, const char *name, const struct json *report, bool json, struct err *err);
/* Bytes of a log, line by line; show_log_end() for a last one without end. */
void show_log(struct show *s, struct span bytes);
void show_log_end(struct show *s);

#endif
