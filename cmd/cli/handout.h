/*
 * Where the words of a command line go. Lines of a deployment to standard output, with a bar for the download below them when there is
 * a terminal; what went wrong to standard error.
 */
#ifndef BLUEGREEN_HANDOUT_H
#define BLUEGREEN_HANDOUT_H

#include "shared/event.h"

struct handout {
    bool quiet;       /* only what went wrong is shown: the answer is what is wanted */
    bool complaining; /* what comes now goes to standard error */
    bool colour;      /* of standard output */
    unsigned width;   /* columns of it; 0: it is no terminal */
    bool has_bar;     /* standard error is a terminal, on which a line can be drawn again */
    bool bar_shown;
    char bar[160]; /* as it is shown; "" none */
    unsigned bar_width;
};

/* Looks at the terminal, NO_COLOR and TERM. */
void handout_init(struct handout *o, bool quiet, bool no_color);
/* As github_write_fn, stage_hand.complain and stage_hand.event; ctx is a struct handout. */
int handout_write(void *ctx, struct span bytes);
void handout_complain(void *ctx);
bool handout_event(void *ctx, const struct event *ev);
/* Nothing is left of the bar. */
void handout_end(struct handout *o);

/* "[#####.....]  45 %  12.3 of 27.1 MB", of at most `width` columns; for tests. */
void handout_bar(double current, double total, unsigned width, char out[160]);

#endif
