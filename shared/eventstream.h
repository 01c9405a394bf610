/*
 * What comes from the agent, as bytes in any pieces, cut into events. Checks the order of sequence numbers, drops what
 * was seen before, and hands over the raw bytes behind `data` events. Pure and bounded.
 */
#ifndef BLUEGREEN_EVENTSTREAM_H
#define BLUEGREEN_EVENTSTREAM_H

#include "shared/event.h"

#define EVENTSTREAM_NOISE_MAX (64 * 1024)            /* bytes before the hello */
#define EVENTSTREAM_EVENTS_MAX (256LL * 1024 * 1024) /* bytes of event lines of one request */
#define EVENTSTREAM_DATA_MAX (512LL * 1024 * 1024)   /* raw bytes of one request */

/*
 * Gets each event, in order. A data event comes with its bytes, long ones in several pieces: one call each with the same event;
 * others come with an empty span. Returns 0 or -kind.
 */
typedef int eventstream_fn(void *ctx, const struct event *ev, struct span data);

struct eventstream {
    struct buf in;
    size_t at;         /* bytes of `in` that are used up */
    bool greeted;      /* hello was seen on this connection */
    bool ended;        /* `end` was seen for this request */
    uint64_t next_seq; /* first one not handed over yet */
    bool endless;      /* set behind eventstream_reset_request(): a log that is followed; its bytes are not counted */
    int64_t noise_bytes, event_bytes, data_bytes;
    struct event data; /* the event whose raw bytes are under way; valid while data_open */
    int64_t data_left; /* of them */
    bool data_open;
};

void eventstream_init(struct eventstream *st);
void eventstream_done(struct eventstream *st);
/* A new connection: forget half lines, expect a hello. Sequence numbers go on. */
void eventstream_reset_connection(struct eventstream *st);
/* A new request: numbers start at 1. */
void eventstream_reset_request(struct eventstream *st);

/* Room for bytes to be appended to st->in; never 0. */
size_t eventstream_room(struct eventstream *st);

/*
 * Handle what is in st->in: hand over each whole event. Stops behind `hello` (1 the first time it is seen) and behind
 * `end` (st->ended). 0: more bytes are wanted, or ended. -ERR_PROTO: not an event, a gap, a bound passed; or what
 * on_event returned.
 */
int eventstream_feed(struct eventstream *st, eventstream_fn *on_event, void *ctx, struct err *err);

#endif
