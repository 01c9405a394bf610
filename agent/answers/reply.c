#include "agent/answers/reply.h"

#include "shared/clock.h"

int reply_bytes(int out_fd, struct span data, struct err *err)
{
    while (data.len > 0) {
        ssize_t n = write(out_fd, data.ptr, data.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(err, ERR_NET, errno, "the client is gone");
        data.ptr += n;
        data.len -= (size_t)n;
    }
    return 0;
}

int reply_event(int out_fd, struct event *ev, struct err *err)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(EVENT_LINE_MAX + 1);
    ev->t_ms = clock_wall_ms();
    if (event_encode(ev, &line, err) < 0)
        return -(int)err->kind;
    buf_addc(&line, '\n');
    return reply_bytes(out_fd, buf_span(&line), err);
}

int reply_data(int out_fd, const char *name, struct span data, struct err *err)
{
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, EVENT_DATA, "");
    json_set_str(ev.body, "name", name);
    json_set_int(ev.body, "bytes", (int64_t)data.len);
    int r = reply_event(out_fd, &ev, err);
    return r < 0 ? r : reply_bytes(out_fd, data, err);
}

int reply_outcome(int out_fd, enum outcome o, const struct err *failure, struct err *err)
{
    _cleanup_(event_done_p) struct event outcome;
    _cleanup_(event_done_p) struct event end;
    event_init(&outcome, EVENT_OUTCOME, "");
    event_init(&end, EVENT_END, "");
    json_set_str(outcome.body, "outcome", outcome_name(o));
    if (failure->kind != ERR_OK)
        json_set(outcome.body, "error", event_error_to_json(failure));
    json_set_int(end.body, "exit", outcome_exit_code(o, false, failure->kind));
    int r = reply_event(out_fd, &outcome, err);
    return r < 0 ? r : reply_event(out_fd, &end, err);
}
