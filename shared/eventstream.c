#include "shared/eventstream.h"

#include <inttypes.h>

#define IN_MAX (EVENT_LINE_MAX + 64 * 1024)
#define READ_MAX (32 * 1024)

void eventstream_init(struct eventstream *st)
{
    *st = (struct eventstream){ .next_seq = 1 };
    buf_init(&st->in, IN_MAX);
}

static void drop_data_event(struct eventstream *st)
{
    if (st->data_open)
        event_done(&st->data);
    st->data_open = false;
    st->data_left = 0;
}

void eventstream_done(struct eventstream *st)
{
    drop_data_event(st);
    buf_done(&st->in);
}

void eventstream_reset_connection(struct eventstream *st)
{
    drop_data_event(st);
    buf_reset(&st->in);
    st->at = 0;
    st->greeted = false;
    st->noise_bytes = 0;
}

void eventstream_reset_request(struct eventstream *st)
{
    st->ended = false;
    st->next_seq = 1;
    st->endless = false;
    st->event_bytes = 0;
    st->data_bytes = 0;
}

size_t eventstream_room(struct eventstream *st)
{
    if (st->at > 0) { /* once a read, not once a line */
        buf_consume(&st->in, st->at);
        st->at = 0;
    }
    size_t room = st->in.max - st->in.len;
    return room < READ_MAX ? room : READ_MAX;
}

static int protocol_error(struct err *err, const char *what)
{
    int r = err_set(err, ERR_PROTO, 0, "the agent's answer is not understood: %s", what);
    err_hint(err, "Something else may write to the agent's output. If it happens again, report it with the "
                  "log of this run.");
    return r;
}

/* Cut the next line off. 1 got one, 0 none yet, -ERR_PROTO too long. */
static int next_line(struct eventstream *st, struct span *line, struct err *err)
{
    const char *from = buf_str(&st->in) + st->at;
    size_t len = st->in.len - st->at;
    const char *lf = memchr(from, '\n', len);
    if (!lf && len > EVENT_LINE_MAX)
        return protocol_error(err, "a line without end");
    if (!lf)
        return 0;
    *line = (struct span){ from, (size_t)(lf - from) };
    st->at += line->len + 1;
    return 1;
}

/*
 * Before the hello: skip what login scripts print. They may leave their last line open, so the hello is looked for within
 * the line too.
 */
static int look_for_hello(struct eventstream *st, struct span line, struct err *err)
{
    static const char start[] = "{\"v\":";
    const char *at = line.len ? memmem(line.ptr, line.len, start, sizeof(start) - 1) : NULL;
    if (at) {
        struct span json = { at, line.len - (size_t)(at - line.ptr) };
        struct event ev;
        struct err ignored = { 0 };
        if (event_decode(json, &ev, &ignored) == 0) {
            bool hello = ev.kind == EVENT_HELLO;
            event_done(&ev);
            if (hello) {
                st->greeted = true;
                return 1;
            }
        }
    }
    st->noise_bytes += (int64_t)line.len + 1;
    if (st->noise_bytes > EVENTSTREAM_NOISE_MAX)
        return protocol_error(err, "more than 64 KiB came before the agent's first words");
    return 0;
}

/* 0 to be handed over, 1 seen before. */
static int check_seq(struct eventstream *st, const struct event *ev, struct err *err)
{
    char what[100];
    if (ev->seq == 0)
        return 0;
    if (ev->seq < st->next_seq)
        return 1;
    if (ev->seq > st->next_seq) {
        (void)snprintf(what, sizeof(what), "event %" PRIu64 " came where %" PRIu64 " was due", ev->seq, st->next_seq);
        return protocol_error(err, what);
    }
    st->next_seq++;
    return 0;
}

static int begin_data(struct eventstream *st, struct event *ev, eventstream_fn *on_event, void *ctx, struct err *err)
{
    if (ev->seq != 0) /* its bytes are in no log, so it could not be asked for again */
        return protocol_error(err, "data with a sequence number");
    int64_t bytes = json_int(ev->body, "bytes", -1);
    if (bytes < 0 || bytes > EVENTSTREAM_DATA_MAX - st->data_bytes)
        return protocol_error(err, bytes < 0 ? "data without a size" : "more than 512 MiB of data");
    st->data_bytes += st->endless ? 0 : bytes;
    if (bytes == 0)
        return on_event(ctx, ev, (struct span){ "", 0 });
    st->data = *ev; /* taken over */
    *ev = (struct event){ 0 };
    st->data_left = bytes;
    st->data_open = true;
    return 0;
}

static int one_line(struct eventstream *st, struct span line, eventstream_fn *on_event, void *ctx, struct err *err)
{
    struct event ev;
    st->event_bytes += st->endless ? 0 : (int64_t)line.len + 1;
    if (st->event_bytes > EVENTSTREAM_EVENTS_MAX)
        return protocol_error(err, "more than 256 MiB of events");
    int r = event_decode(line, &ev, err);
    if (r < 0)
        return err_wrap(err, "the agent's answer is not understood");
    if (ev.kind == EVENT_DATA)
        r = begin_data(st, &ev, on_event, ctx, err);
    else
        r = check_seq(st, &ev, err);
    if (ev.kind == EVENT_DATA || ev.kind == EVENT_INVALID || r < 0) {
        /* handled, taken over, or refused */
    } else if (r == 0 && ev.kind == EVENT_HELLO) {
        r = protocol_error(err, "a second hello");
    } else if (r == 0) {
        if (ev.kind == EVENT_END)
            st->ended = true;
        r = on_event(ctx, &ev, (struct span){ "", 0 });
    } else if (r == 1) {
        /* The end of a stream that was seen before is still the end of this answer. */
        if (ev.kind == EVENT_END)
            st->ended = true;
        r = 0;
    }
    event_done(&ev);
    return r;
}

/* 0 all of it came, 1 more is to come, negative: on_event's. */
static int data_bytes(struct eventstream *st, eventstream_fn *on_event, void *ctx)
{
    size_t have = st->in.len - st->at;
    size_t n = (int64_t)have < st->data_left ? have : (size_t)st->data_left;
    if (n > 0) {
        struct span piece = { st->in.ptr + st->at, n };
        st->at += n;
        st->data_left -= (int64_t)n;
        int r = on_event(ctx, &st->data, piece);
        if (r < 0)
            return r;
    }
    if (st->data_left > 0)
        return 1;
    drop_data_event(st);
    return 0;
}

int eventstream_feed(struct eventstream *st, eventstream_fn *on_event, void *ctx, struct err *err)
{
    while (!st->ended) {
        struct span line;
        int r;
        if (st->data_open) {
            if ((r = data_bytes(st, on_event, ctx)) != 0)
                return r < 0 ? r : 0;
            continue;
        }
        if ((r = next_line(st, &line, err)) <= 0)
            return r;
        if (!st->greeted)
            r = look_for_hello(st, line, err);
        else
            r = one_line(st, line, on_event, ctx, err);
        if (r != 0)
            return r;
    }
    return 0;
}
