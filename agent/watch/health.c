#include "agent/watch/health.h"

#include "shared/clock.h"
#include "shared/http.h"

#define FIRST_PAUSE_MS 25
#define HOLD_PAUSE_MS 200
#define DYING_MS 600
#define DYING_LOOK_MS 50
#define BODY_MAX (64 * 1024)

struct answer {
    bool ok;
    int status;
    int64_t took_ms;
    char error[200];
    enum probe_result result;
    struct buf *body; /* keep the body of an answer that is not as wanted; NULL: nobody asks for it */
};

static const char *target_name(enum health_target t)
{
    static const char *const names[] = { "candidate", "production", "previous" };
    return names[t];
}

/* The published port, or another port of the container at its own address. */
void health_place(const struct run *run, const struct run_version *v, struct health_place *ret)
{
    *ret =
        (struct health_place){ .address = "127.0.0.1", .port = v->host_port, .inside = (int)run->spec.container_port };
    if (!run->spec.health_port || run->spec.health_port == run->spec.container_port)
        return;
    ret->port = ret->inside = (int)run->spec.health_port;
    for (size_t i = 0; i < v->c.endpoint_count; i++)
        if (v->c.endpoints[i].ip[0])
            (void)snprintf(ret->address, sizeof(ret->address), "%s", v->c.endpoints[i].ip);
}

static void health_url(const struct run *run, const struct run_version *v, struct buf *url)
{
    struct health_place place;
    health_place(run, v, &place);
    buf_addf(url, "http://%s:%d%s", place.address, place.port, run->spec.health_path);
}

static void judge(const struct spec *spec, const struct http_response *response, struct answer *a)
{
    a->status = response->status;
    a->took_ms = response->took_ms;
    a->result = PROBE_OK;
    if (!spec_status_matches(spec->health_status, a->status)) {
        a->result = PROBE_STATUS;
        (void)snprintf(a->error, sizeof(a->error), "HTTP status %d, wanted %s", a->status, spec->health_status);
    } else if (spec->health_body[0] && !span_contains(buf_span(&response->body), spec->health_body)) {
        a->result = PROBE_BODY;
        (void)snprintf(a->error, sizeof(a->error), "HTTP status %d, but the body does not contain '%.100s'", a->status,
                       spec->health_body);
    }
    a->ok = a->result == PROBE_OK;
    if (!a->ok && a->body)
        buf_add_span(a->body, buf_span(&response->body));
}

static enum probe_result no_answer(const struct err *err)
{
    if (err->kind == ERR_UNREACHABLE)
        return PROBE_REFUSED;
    if (err->kind == ERR_TIMEOUT)
        return PROBE_TIMEOUT;
    return err->kind == ERR_PROTO ? PROBE_NOT_HTTP : PROBE_CLOSED;
}

static void ask_http(struct run *run, struct http *http, const struct run_version *v, struct answer *a)
{
    static const char *const headers[] = { "User-Agent: bluegreen", "Connection: close", NULL };
    _cleanup_(buf_done_p) struct buf url = BUF_INIT(2048);
    struct http_response response;
    struct err err = { 0 };
    health_url(run, v, &url);
    const struct http_request request = {
        .method = "GET",
        .url = buf_str(&url),
        .headers = headers,
        .timeout_ms = run->spec.health_timeout_ms,
        .connect_timeout_ms = run->spec.health_timeout_ms,
        .max_body = BODY_MAX,
    };
    int64_t start = clock_mono_ms();
    int r = http_perform(http, &request, &response, &err);
    if (r == 0) {
        judge(&run->spec, &response, a);
    } else {
        a->result = no_answer(&err);
        (void)err_text(&err, a->error, sizeof(a->error));
    }
    a->took_ms = clock_mono_ms() - start;
    http_response_done(&response);
}

/* body as in struct answer; emptied first. */
static void ask(struct run *run, struct http *http, const struct run_version *v, struct buf *body, struct answer *a)
{
    memset(a, 0, sizeof(*a));
    a->body = body;
    if (body)
        buf_reset(body);
    if (run->spec.health_path[0]) {
        ask_http(run, http, v, a);
        return;
    }
    int64_t start = clock_mono_ms();
    a->ok = prober_ask(v->host_port, "", "");
    a->took_ms = clock_mono_ms() - start;
    a->result = a->ok ? PROBE_OK : PROBE_CLOSED;
    if (!a->ok)
        (void)snprintf(a->error, sizeof(a->error), "no TCP connection to port %d stays open", v->host_port);
}

/* Ask once, and keep what came of it for a diagnosis. */
static void ask_and_keep(struct run *run, struct http *http, enum health_target target, const struct run_version *v,
                         struct answer *a)
{
    _cleanup_(buf_done_p) struct buf body = BUF_INIT(BODY_MAX);
    ask(run, http, v, &body, a);
    if (target != HEALTH_PREVIOUS)
        history_add(&run->history, a->result, a->status, buf_span(&body), clock_mono_ms());
    a->body = NULL;
}

static void name_target(const struct run *run, const struct run_version *v, struct history *history)
{
    _cleanup_(buf_done_p) struct buf where = BUF_INIT(2048);
    if (run->spec.health_path[0])
        health_url(run, v, &where);
    else
        buf_addf(&where, "TCP port %d", v->host_port);
    history_reset(history, buf_str(&where));
}

static void tell(struct run *run, enum health_target target, int64_t attempt, const struct answer *a)
{
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, EVENT_HEALTH_SAMPLE, run->step_name);
    json_set_str(ev.body, "target", target_name(target));
    json_set_int(ev.body, "attempt", attempt);
    json_set_bool(ev.body, "ok", a->ok);
    json_set_int(ev.body, "status", a->status);
    json_set_int(ev.body, "ms", a->took_ms);
    json_set_str(ev.body, "error", a->error);
    eventlog_emit(&run->log, &ev);
}

/* 0 while the container runs as it should; else how it ended. */
static int check_alive(struct run *run, struct run_version *v, struct err *err)
{
    char id[ENGINE_ID_MAX];
    (void)snprintf(id, sizeof(id), "%s", v->c.id);
    int r = run_find(run, id, v, err);
    if (r < 0)
        return r;
    if (r == 1)
        return err_set(err, ERR_APP_EXITED, 0, "the container is gone");
    if (v->c.oom_killed)
        return err_set(err, ERR_APP_EXITED, (int)v->c.exit_code, "the container was killed: out of memory");
    if (!v->c.running || v->c.restarting)
        return err_set(err, ERR_APP_EXITED, (int)v->c.exit_code, "the container ended with exit code %d%s%s",
                       (int)v->c.exit_code, v->c.error[0] ? ": " : "", v->c.error);
    if (v->c.restart_count > 0)
        return err_set(err, ERR_APP_EXITED, 0, "the container was restarted %d times", (int)v->c.restart_count);
    return 0;
}

/* A process that is gone is seen by its clients before the engine says so: give it a moment to. */
static int check_dying(struct run *run, struct run_version *v, struct err *err)
{
    int64_t until = clock_mono_ms() + DYING_MS;
    int r;
    while ((r = check_alive(run, v, err)) == 0 && clock_mono_ms() < until)
        clock_sleep_ms(DYING_LOOK_MS); /* `wait` would need a second connection to the engine */
    return r;
}

/* The version answered; it must go on answering for hold_ms. */
static int hold(struct run *run, struct http *http, enum health_target target, struct run_version *v, int64_t hold_ms,
                int64_t attempt, struct err *err)
{
    int64_t until = clock_mono_ms() + hold_ms;
    while (clock_mono_ms() < until) {
        clock_sleep_ms(HOLD_PAUSE_MS); /* the pace of the samples */
        struct answer a;
        ask_and_keep(run, http, target, v, &a);
        if (run_check(run, err) < 0)
            return -(int)err->kind;
        if (a.ok)
            continue;
        tell(run, target, ++attempt, &a);
        if (check_dying(run, v, err) < 0)
            return err_wrap(err, "it was healthy, then stopped answering");
        return err_set(err, ERR_UNHEALTHY, a.status, "it was healthy, then failed within the warm-up: %s", a.error);
    }
    return check_alive(run, v, err);
}

int health_wait(struct run *run, enum health_target target, struct run_version *v, int64_t hold_ms, struct err *err)
{
    _cleanup_(http_free_p) struct http *http = NULL;
    if (http_new(&http, &run->cancelled, err) < 0)
        return -(int)err->kind;
    if (target != HEALTH_PREVIOUS)
        name_target(run, v, &run->history);
    int64_t start = clock_mono_ms();
    int64_t budget = run->spec.health_retries * run->spec.health_interval_ms;
    int64_t pause = FIRST_PAUSE_MS;
    struct answer a = { 0 };
    int r = 0;
    for (int64_t attempt = 1;; attempt++) {
        ask_and_keep(run, http, target, v, &a);
        if ((r = run_check(run, err)) < 0)
            break;
        if (a.ok || attempt <= 20 || attempt % 10 == 0)
            tell(run, target, attempt, &a);
        if (a.ok) {
            r = hold(run, http, target, v, hold_ms, attempt, err);
            break;
        }
        if ((r = check_alive(run, v, err)) < 0)
            break;
        int64_t left = start + budget - clock_mono_ms();
        if (left <= 0) {
            r = err_set(err, ERR_UNHEALTHY, a.status, "not healthy after %d attempts in %.1f s; the last answer: %s",
                        (int)attempt, (double)(clock_mono_ms() - start) / 1000, a.error);
            break;
        }
        clock_sleep_ms(pause < left ? pause : left); /* the user's own interval between two attempts */
        pause = pause * 2 < run->spec.health_interval_ms ? pause * 2 : run->spec.health_interval_ms;
    }
    int64_t took = clock_mono_ms() - start;
    if (target != HEALTH_PREVIOUS)
        run->health_ms = (run->health_ms < 0 ? 0 : run->health_ms) + took;
    if (r == 0 && target == HEALTH_PRODUCTION)
        run->response_after_ms = a.took_ms;
    return r;
}

bool health_ask(struct run *run, const struct run_version *v, int64_t *took_ms)
{
    _cleanup_(http_free_p) struct http *http = NULL;
    struct err ignored = { 0 };
    struct answer a;
    if (http_new(&http, &run->cancelled, &ignored) < 0)
        return false;
    ask(run, http, v, NULL, &a);
    if (took_ms)
        *took_ms = a.took_ms;
    return a.ok;
}

bool health_look(struct run *run, const struct run_version *v, struct history *history, struct health_answer *ret)
{
    _cleanup_(http_free_p) struct http *http = NULL;
    _cleanup_(buf_done_p) struct buf body = BUF_INIT(BODY_MAX);
    struct err err = { 0 };
    struct answer a;
    *ret = (struct health_answer){ .took_ms = -1 };
    name_target(run, v, history);
    if (http_new(&http, &run->cancelled, &err) < 0)
        return false;
    ask(run, http, v, &body, &a);
    history_add(history, a.result, a.status, buf_span(&body), clock_mono_ms());
    ret->status = a.status;
    ret->took_ms = a.took_ms;
    (void)snprintf(ret->error, sizeof(ret->error), "%s", a.error);
    return a.ok;
}
