#include "agent/engine/engine_internal.h"

#include "shared/json.h"

#include <inttypes.h>

/* Any byte is an event: the filters leave nothing else. */
static int stop_at_once(void *ctx, struct span data)
{
    *(bool *)ctx = data.len > 0;
    return 1;
}

int engine_wait_for_start(struct engine *e, const char *name, int64_t since_s, int64_t timeout_ms, struct err *err)
{
    _cleanup_(json_free_p) struct json *filters = json_object();
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(1024);
    _cleanup_(buf_done_p) struct buf path = BUF_INIT(ENGINE_PATH_MAX);
    struct json *names = json_array(), *events = json_array();
    bool seen = false;
    json_push_str(names, name);
    json_push_str(events, "start");
    json_set(filters, "container", names);
    json_set(filters, "event", events);
    if (json_print(filters, &text, err) < 0)
        return -(int)err->kind;
    buf_addf(&path, "/events?since=%" PRId64 "&filters=", since_s);
    http_escape(buf_span(&text), &path);
    if (buf_check(&path, err) < 0)
        return -(int)err->kind;
    const struct engine_request request = {
        .method = "GET", .path = buf_str(&path), .timeout_ms = timeout_ms, .on_data = stop_at_once, .ctx = &seen
    };
    int r = engine_call(e, &request, NULL, err);
    if (r == -ERR_TIMEOUT) {
        err_clear(err);
        return 1;
    }
    return r < 0 ? r : seen ? 0 : 1;
}
