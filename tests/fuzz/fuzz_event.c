/* A line that decodes encodes again (unless it grew beyond the limit), and that line is a fixed point. */
#include "shared/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct event *ev)
{
    _cleanup_(buf_done_p) struct buf one = BUF_INIT(EVENT_LINE_MAX);
    _cleanup_(buf_done_p) struct buf two = BUF_INIT(EVENT_LINE_MAX);
    _cleanup_(event_done_p) struct event again = { 0 };
    int r = event_encode(ev, &one, NULL);
    if (r == -ERR_NOMEM) /* replacement characters are longer than the bytes they stand for */
        return;
    if (r < 0 || event_decode(buf_span(&one), &again, NULL) < 0 || event_encode(&again, &two, NULL) < 0)
        abort();
    if (strcmp(buf_str(&one), buf_str(&two)) != 0 || again.kind != ev->kind || again.seq != ev->seq ||
        again.t_ms != ev->t_ms || strcmp(again.step, ev->step) != 0)
        abort();
    struct err e = { 0 };
    char text[ERR_TEXT_MAX * 2];
    event_error_from_json(json_get(ev->body, "error"), &e);
    (void)err_text(&e, text, sizeof(text));
    if (e.depth > 1 || !err_hint_text(&e))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span line = { .ptr = (const char *)data, .len = size };
    _cleanup_(event_done_p) struct event ev = { 0 };
    if (event_decode(line, &ev, NULL) == 0)
        check(&ev);
    else if (ev.body)
        abort();
    return 0;
}
