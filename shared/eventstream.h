/*
 * What comes from the agent, as bytes in any pieces, cut into events. Checks the order of sequence numbers, drops what
 * was seen before, and hands over the raw bytes behind `data` events. Pure and bounded.
 */
#ifndef BLUEGREEN_SESSION_STREAM_H
#define BLUEGREEN_SESSION_STREAM_H

#include "cmd/ssh/session.h"

#define STREAM_NOISE_MAX (64 * 1024)            /* bytes before the hello */
#define STREAM_EVENTS_MAX (256LL * 1024 * 1024) /* bytes of event lines of one request */
#define STREAM_DATA_MAX (512LL * 1024 * 1024)   /* raw bytes of one request */

struct stream {
    struct buf in;
    size_t at;         /* bytes of `in` that are used up */
    bool greeted;      /* hello was seen on this connection */
    bool ended;        /* `end` was seen for this request */
    uint64_t next_seq; /* first one not handed over yet */
    int64_t noise_bytes, event_bytes, data_bytes;
    struct event data; /* the event whose raw bytes are under way; valid while data_open */
    int64_t data_left; /* of them */
    bool data_open;
};

void stream_init(struct stream *st);
void stream_done(struct stream *st);
/* A new connection: forget half lines, expect a hello. Sequence numbers go on. */
void stream_reset_connection(struct stream *st);
/* A new request: numbers start at 1. */
void stream_reset_request(struct stream *st);

/* Room for bytes to be appended to st->in; never 0. */
size_t stream_room(struct stream *st);

/*
 * Handle what is in st->in: hand over each whole event. Stops behind `hello` (1 the first time it is seen) and behind
 * `end` (st->ended). 0: more bytes are wanted, or ended. -ERR_PROTO: not an event, a gap, a bound passed; or what
 * on_event returned.
 */
int stream_feed(struct stream *st, session_event_fn *on_event, void *ctx, struct err *err);

#endif
