#include "shared/event.h"

#include "shared/clock.h"

#include <inttypes.h>

#define SEQ_MAX ((UINT64_C(1) << 53) - 1) /* what a JSON number holds exactly */

static const char *const kind_names[EVENT_KINDS] = {
    [EVENT_INVALID] = "",
    [EVENT_HELLO] = "hello",
    [EVENT_STEP_START] = "step.start",
    [EVENT_STEP_PROGRESS] = "step.progress",
    [EVENT_STEP_DONE] = "step.done",
    [EVENT_STEP_FAILED] = "step.failed",
    [EVENT_LOG] = "log",
    [EVENT_HEALTH_SAMPLE] = "health.sample",
    [EVENT_METRIC] = "metric",
    [EVENT_DIAGNOSIS] = "diagnosis",
    [EVENT_UNDO_START] = "undo.start",
    [EVENT_UNDO_DONE] = "undo.done",
    [EVENT_UNDO_FAILED] = "undo.failed",
    [EVENT_REPORT] = "report",
    [EVENT_DATA] = "data",
    [EVENT_OUTCOME] = "outcome",
    [EVENT_END] = "end",
};

/* Members of the line that struct event has fields for; the body holds all others. */
static const char *const own_members[] = { "v", "seq", "t", "kind", "step" };

#define OWN_MEMBERS (sizeof(own_members) / sizeof(own_members[0]))

const char *event_kind_name(enum event_kind kind)
{
    return kind_names[(unsigned)kind < EVENT_KINDS ? kind : EVENT_INVALID];
}

enum event_kind event_kind_from_name(const char *name)
{
    for (unsigned i = EVENT_INVALID + 1; name && i < EVENT_KINDS; i++)
        if (strcmp(kind_names[i], name) == 0)
            return (enum event_kind)i;
    return EVENT_INVALID;
}

static bool is_step(const char *s)
{
    size_t len = strlen(s);
    return len < EVENT_STEP_MAX && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

static bool has_own_member(const struct json *body)
{
    for (size_t i = 0; i < OWN_MEMBERS; i++)
        if (json_get(body, own_members[i]))
            return true;
    return false;
}

void event_init(struct event *ev, enum event_kind kind, const char *step)
{
    *ev = (struct event){ .kind = kind, .t_ms = clock_wall_ms(), .body = json_object() };
    if (!ev->body)
        abort(); /* a few bytes: nothing could be reported any more */
    (void)snprintf(ev->step, sizeof(ev->step), "%s", step ? step : "");
}

void event_done(struct event *ev)
{
    json_free_p(&ev->body);
    *ev = (struct event){ 0 };
}

int event_encode(const struct event *ev, struct buf *out, struct err *err)
{
    if (ev->kind == EVENT_INVALID || (unsigned)ev->kind >= EVENT_KINDS || ev->seq > SEQ_MAX || !is_step(ev->step) ||
        !json_is_object(ev->body) || has_own_member(ev->body))
        return err_set(err, ERR_BUG, 0, "encode event '%s': its fields are not allowed", event_kind_name(ev->kind));
    char iso[CLOCK_ISO_SIZE];
    _cleanup_(buf_wipe_done_p) struct buf line = BUF_INIT(EVENT_LINE_MAX);
    buf_addf(&line, "{\"v\":%d,\"seq\":%" PRIu64 ",\"t\":\"%s\",\"kind\":\"%s\"", EVENT_VERSION, ev->seq,
             clock_format_iso(ev->t_ms, iso), event_kind_name(ev->kind));
    if (ev->step[0])
        buf_addf(&line, ",\"step\":\"%s\"", ev->step);
    if (json_len(ev->body) == 0) {
        buf_addc(&line, '}');
    } else {
        size_t brace = line.len;
        if (json_print(ev->body, &line, err) < 0)
            return err_wrap(err, "encode event '%s'", event_kind_name(ev->kind));
        line.ptr[brace] = ','; /* the body's members go on in the same object */
    }
    size_t before = out->len;
    buf_add_span(out, buf_span(&line));
    if (buf_check(&line, err) < 0 || buf_check(out, err) < 0) {
        if (out->len > before)
            out->len = before;
        return err_wrap(err, "encode event '%s'", event_kind_name(ev->kind));
    }
    return 0;
}

static int decode_members(const struct json *j, struct event *ev, struct err *err)
{
    if (!json_is_object(j))
        return err_set(err, ERR_PROTO, 0, "event: not an object");
    double version = json_num(j, "v", -1);
    if (version != EVENT_VERSION) {
        int r = err_set(err, ERR_PROTO, 0, "event: version %g, wants %d", version, EVENT_VERSION);
        err_hint(err, "The agent on the host is of another version; run again with the current "
                      "action, which brings its own agent.");
        return r;
    }
    double seq = json_num(j, "seq", -1);
    if (!(seq >= 0 && seq <= (double)SEQ_MAX) || seq != (double)(uint64_t)seq)
        return err_set(err, ERR_PROTO, 0, "event: seq is missing or not a whole number");
    ev->seq = (uint64_t)seq;
    ev->t_ms = clock_parse_iso(json_str(j, "t", NULL));
    if (ev->t_ms < 0)
        return err_set(err, ERR_PROTO, 0, "event: t is missing or not a time");
    const char *kind = json_str(j, "kind", NULL);
    ev->kind = event_kind_from_name(kind);
    if (ev->kind == EVENT_INVALID)
        return err_set(err, ERR_PROTO, 0, "event: unknown kind '%.40s'", kind ? kind : "");
    const char *step = json_get(j, "step") ? json_str(j, "step", NULL) : "";
    if (!step || !is_step(step))
        return err_set(err, ERR_PROTO, 0, "event: step is not a step name");
    (void)snprintf(ev->step, sizeof(ev->step), "%s", step);
    return 0;
}

int event_decode(struct span line, struct event *ret, struct err *err)
{
    if (line.len > EVENT_LINE_MAX)
        return err_set(err, ERR_PROTO, 0, "event: %zu bytes, at most %d are allowed", line.len, EVENT_LINE_MAX);
    _cleanup_(json_free_p) struct json *j = NULL;
    int r = json_parse(line, &j, err);
    if (r < 0)
        return err_wrap(err, "event");
    struct event ev = { 0 };
    r = decode_members(j, &ev, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < OWN_MEMBERS; i++)
        json_del(j, own_members[i]);
    if (has_own_member(j))
        return err_set(err, ERR_PROTO, 0, "event: a member is given twice");
    ev.body = TAKE_PTR(j);
    *ret = ev;
    return 0;
}

struct json *event_error_to_json(const struct err *e)
{
    char text[ERR_FRAMES * (ERR_TEXT_MAX + 2)];
    struct json *j = json_object();
    json_set_str(j, "kind", err_kind_name(e->kind));
    json_set_str(j, "message", err_text(e, text, sizeof(text)));
    json_set_str(j, "hint", err_hint_text(e));
    return j;
}

void event_error_from_json(const struct json *j, struct err *e)
{
    err_clear(e);
    if (!json_is_object(j))
        return;
    enum err_kind kind = err_kind_from_name(json_str(j, "kind", NULL));
    if (kind == ERR_OK) /* an error it is, whatever it is called */
        kind = ERR_REMOTE;
    const char *message = json_str(j, "message", "");
    size_t len = strlen(message), half = ERR_TEXT_MAX / 2 - 4;
    if (len < ERR_TEXT_MAX) /* the cause stands at the end, so that a cut goes to the middle */
        (void)err_set(e, kind, 0, "%s", message);
    else
        (void)err_set(e, kind, 0, "%.*s ... %s", (int)half, message, message + len - half);
    const char *hint = json_str(j, "hint", "");
    if (hint[0])
        err_hint(e, "%s", hint);
}
