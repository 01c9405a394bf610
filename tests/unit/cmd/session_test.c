#include "cmd/ssh/session.h"

#include "cmd/ssh/session_link.h"
#include "shared/clock.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ID "20260129-031002-a1b2c3"
#define HELLO                                                                                                          \
    "{\"v\":1,\"seq\":0,\"t\":\"2026-01-29T03:10:02.113Z\",\"kind\":\"hello\",\"agent\":\"1\",\"arch\":\"x86_64\","    \
    "\"pid\":1}\n"
#define EVENT(seq, kind, more)                                                                                         \
    "{\"v\":1,\"seq\":" #seq ",\"t\":\"2026-01-29T03:10:02.113Z\",\"kind\":\"" kind "\"" more "}\n"
#define LOG(seq) EVENT(seq, "log", ",\"level\":\"info\",\"source\":\"agent\",\"text\":\"x\"")
#define END(seq) EVENT(seq, "end", "")
#define DATA(bytes) EVENT(0, "data", ",\"name\":\"b.tar.gz\",\"bytes\":" #bytes)

/*
 * A scripted agent. Each act is one thing that a read meets: text, or an error kind (negative), or the end of the
 * stream. Reads beyond the script find silence. Time passes only where a read or a pause waits for it.
 */
#define OPENS_MAX 40

struct act {
    const char *text;
    size_t len; /* 0: strlen */
    int result; /* without text: 1 end of stream, -kind */
};

struct agent {
    const struct act *acts;
    size_t len, at;
    size_t piece;  /* bytes a read gives at most; 0: no limit */
    size_t offset; /* into the act under way */
    int64_t now_ms;
    int opens, drops, ignored;
    int open_results[OPENS_MAX]; /* of the 1st, 2nd … open */
    int64_t open_times[OPENS_MAX];
    int64_t open_timeouts[OPENS_MAX];
    struct buf written; /* JSON of each request, a line each */
    int write_result;   /* of the next write only */
    int end_kind;       /* of explain_end */
    int pause_cancels;  /* the n-th pause is cancelled; 0 none */
    int pauses;
};

static int agent_open(void *ctx, int64_t timeout_ms, bool cancellable, struct err *err)
{
    struct agent *a = ctx;
    (void)cancellable;
    int i = a->opens++;
    if (i >= OPENS_MAX)
        return err_set(err, ERR_BUG, 0, "too many connections");
    a->open_times[i] = a->now_ms;
    a->open_timeouts[i] = timeout_ms;
    if (a->open_results[i] < 0)
        return err_set(err, (enum err_kind) - a->open_results[i], 0, "no connection %d", i);
    return 0;
}

static void agent_drop(void *ctx)
{
    ((struct agent *)ctx)->drops++;
}

static int agent_read(void *ctx, struct buf *out, size_t max, int64_t timeout_ms, struct err *err)
{
    struct agent *a = ctx;
    if (a->at == a->len) {
        a->now_ms += timeout_ms;
        return err_set(err, ERR_TIMEOUT, 0, "silence");
    }
    const struct act *act = &a->acts[a->at];
    if (!act->text) {
        a->at++;
        return act->result == 1 ? 1 : err_set(err, (enum err_kind) - act->result, 0, "scripted");
    }
    size_t len = (act->len ? act->len : strlen(act->text)) - a->offset;
    size_t n = len < max ? len : max;
    if (a->piece && n > a->piece)
        n = a->piece;
    buf_add(out, act->text + a->offset, n);
    a->offset += n;
    if (n == len) {
        a->offset = 0;
        a->at++;
    }
    return 0;
}

static int agent_write(void *ctx, struct span data, int64_t timeout_ms, struct err *err)
{
    struct agent *a = ctx;
    (void)timeout_ms;
    const char *lf = memchr(data.ptr, '\n', data.len);
    assert_non_null(lf);
    buf_add(&a->written, lf + 1, data.len - (size_t)(lf + 1 - data.ptr));
    buf_addc(&a->written, '\n');
    int r = a->write_result;
    a->write_result = 0;
    return r < 0 ? err_set(err, (enum err_kind) - r, 0, "scripted") : r;
}

static void agent_ignore_cancel(void *ctx)
{
    ((struct agent *)ctx)->ignored++;
}

static int agent_explain_end(void *ctx, struct err *err)
{
    struct agent *a = ctx;
    return err_set(err, a->end_kind ? (enum err_kind)a->end_kind : ERR_REMOTE, 0, "the agent ended");
}

static int agent_pause(void *ctx, int64_t ms, struct err *err)
{
    struct agent *a = ctx;
    a->now_ms += ms;
    if (++a->pauses == a->pause_cancels)
        return err_set(err, ERR_CANCEL, 0, "cancelled");
    return 0;
}

static int64_t agent_now(void *ctx)
{
    return ((struct agent *)ctx)->now_ms;
}

/* What the handler got. */
struct heard {
    char seqs[400];
    struct buf data;
    int fail_at; /* fail at the n-th call */
    int calls;
};

static int hear(void *ctx, const struct event *ev, struct span data)
{
    struct heard *h = ctx;
    size_t n = strlen(h->seqs);
    if (n < sizeof(h->seqs) - 40)
        (void)snprintf(h->seqs + n, sizeof(h->seqs) - n, "%s%" PRIu64 " ",
                       ev->kind == EVENT_END    ? "end"
                       : ev->kind == EVENT_DATA ? "data"
                                                : "",
                       ev->seq);
    buf_add_span(&h->data, data);
    return ++h->calls == h->fail_at ? -ERR_IO : 0;
}

struct scene {
    struct agent agent;
    struct heard heard;
    struct session *session;
    struct wire_request request;
    struct err err;
};

static void begin(struct scene *sc, const struct act *acts, size_t len, enum wire_op op)
{
    buf_init(&sc->agent.written, 1024 * 1024);
    buf_init(&sc->heard.data, 1024 * 1024);
    sc->agent.acts = acts;
    sc->agent.len = len;
    sc->agent.now_ms = 1000;
    wire_request_init(&sc->request);
    sc->request.op = op;
    (void)snprintf(sc->request.app, sizeof(sc->request.app), "shop");
    (void)snprintf(sc->request.deployment, sizeof(sc->request.deployment), ID);
    assert_int_equal(spec_set_str(&sc->request.spec.app, "shop", NULL), 0);
    assert_int_equal(spec_set_str(&sc->request.spec.image, "shop:1", NULL), 0);
    sc->request.spec.lock_timeout_ms = 0;
}

static int open_session(struct scene *sc)
{
    const struct session_link link = {
        .ctx = &sc->agent,
        .open = agent_open,
        .drop = agent_drop,
        .read = agent_read,
        .write = agent_write,
        .ignore_cancel = agent_ignore_cancel,
        .explain_end = agent_explain_end,
        .pause = agent_pause,
        .now_ms = agent_now,
    };
    const struct session_observer observer = { 0 };
    return session_open_link(&sc->session, &link, 30000, &observer, &sc->err);
}

static int run(struct scene *sc)
{
    char text[1000];
    if (open_session(sc) < 0)
        fail_msg("open: %s", err_text(&sc->err, text, sizeof(text)));
    return session_run(sc->session, &sc->request, hear, &sc->heard, &sc->err);
}

static void finish(struct scene *sc)
{
    session_free(sc->session);
    wire_request_done(&sc->request);
    buf_done(&sc->agent.written);
    buf_done(&sc->heard.data);
}

static void assert_wrote(struct scene *sc, size_t index, const char *needle)
{
    struct span rest = buf_span(&sc->agent.written), line = { "", 0 };
    for (size_t i = 0; i <= index; i++)
        if (!span_next_line(&rest, &line))
            fail_msg("there is no request %zu in: %s", index, buf_str(&sc->agent.written));
    if (!span_contains(line, needle))
        fail_msg("request %zu is '%.*s', wanted %s", index, (int)line.len, line.ptr, needle);
}

#define SCENE(sc, op, ...)                                                                                             \
    static const struct act acts_[] = { __VA_ARGS__ };                                                                 \
    struct scene sc = { 0 };                                                                                           \
    begin(&sc, acts_, sizeof(acts_) / sizeof(acts_[0]), op)

static void events_arrive_in_order_up_to_the_end(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO }, { .text = LOG(1) LOG(2) END(3) });
    assert_int_equal(run(&sc), 0);
    assert_string_equal(sc.heard.seqs, "1 2 end3 ");
    assert_wrote(&sc, 0, "\"op\":\"deploy\"");
    finish(&sc);
}

static void bytes_may_come_in_any_pieces(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = "motd\n" HELLO LOG(1) LOG(2) DATA(5) "a\n{\"b" DATA(0) LOG(3) END(4) });
    sc.agent.piece = 1;
    assert_int_equal(run(&sc), 0);
    assert_string_equal(buf_str(&sc.heard.data), "a\n{\"b");
    assert_non_null(strstr(sc.heard.seqs, "3 end4 "));
    finish(&sc);
}

static void noise_before_the_hello_is_skipped(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = "Welcome!\n{\"v\":1}\n" LOG(7) "no line end" HELLO LOG(1) END(2) });
    assert_int_equal(run(&sc), 0);
    assert_string_equal(sc.heard.seqs, "1 end2 ");
    finish(&sc);
}

static void endless_noise_is_refused(void **state)
{
    (void)state;
    static char noise[80 * 1024];
    memset(noise, 'x', sizeof(noise) - 1);
    for (size_t i = 99; i < sizeof(noise) - 1; i += 100)
        noise[i] = '\n';
    SCENE(sc, WIRE_DEPLOY, { .text = noise });
    assert_int_equal(open_session(&sc), -ERR_PROTO);
    finish(&sc);
}

static void an_agent_that_cannot_start_is_told(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = "bash: no such file\n" }, { .result = 1 });
    sc.agent.end_kind = ERR_INSTALL;
    assert_int_equal(open_session(&sc), -ERR_INSTALL);
    finish(&sc);
}

static void a_silent_agent_is_given_up(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = "x" });
    assert_int_equal(open_session(&sc), -ERR_TIMEOUT);
    assert_int_equal(sc.agent.now_ms, 31000);
    finish(&sc);
}

static void a_gap_is_a_protocol_error(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) LOG(3) END(4) });
    assert_int_equal(run(&sc), -ERR_PROTO);
    assert_string_equal(sc.heard.seqs, "1 ");
    assert_int_equal(sc.agent.opens, 1);
    finish(&sc);
}

static void an_event_seen_before_is_dropped(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) LOG(1) LOG(2) LOG(1) END(3) });
    assert_int_equal(run(&sc), 0);
    assert_string_equal(sc.heard.seqs, "1 2 end3 ");
    finish(&sc);
}

static void words_between_events_are_a_protocol_error(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) "hello there\n" END(2) });
    assert_int_equal(run(&sc), -ERR_PROTO);
    finish(&sc);
}

static void a_second_hello_is_a_protocol_error(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) HELLO END(2) });
    assert_int_equal(run(&sc), -ERR_PROTO);
    finish(&sc);
}

static void a_line_without_end_is_a_protocol_error(void **state)
{
    (void)state;
    static char line[EVENT_LINE_MAX + 100];
    memset(line, '{', sizeof(line) - 1);
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO }, { .text = line });
    assert_int_equal(run(&sc), -ERR_PROTO);
    finish(&sc);
}

static void data_is_handed_over_in_pieces_with_its_event(void **state)
{
    (void)state;
    static char big[100000];
    memset(big, 'd', sizeof(big) - 1);
    SCENE(sc, WIRE_BUNDLE, { .text = HELLO }, { .text = DATA(99999) }, { .text = big }, { .text = END(0) });
    assert_int_equal(run(&sc), 0);
    assert_int_equal(sc.heard.data.len, 99999);
    assert_true(sc.heard.calls > 3);
    finish(&sc);
}

static void data_without_a_fair_size_is_refused(void **state)
{
    (void)state;
    {
        SCENE(sc, WIRE_BUNDLE, { .text = HELLO DATA(-1) });
        assert_int_equal(run(&sc), -ERR_PROTO);
        finish(&sc);
    }
    {
        SCENE(sc, WIRE_BUNDLE, { .text = HELLO DATA(536870913) });
        assert_int_equal(run(&sc), -ERR_PROTO);
        finish(&sc);
    }
    {
        SCENE(sc, WIRE_BUNDLE, { .text = HELLO EVENT(1, "data", ",\"name\":\"b\",\"bytes\":1") "x" });
        assert_int_equal(run(&sc), -ERR_PROTO);
        finish(&sc);
    }
}

static void a_lost_connection_is_taken_up_from_the_next_event(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) LOG(2) "{\"v\":1,\"se" }, { .result = -ERR_NET },
          { .text = HELLO LOG(3) END(4) });
    assert_int_equal(run(&sc), 0);
    assert_string_equal(sc.heard.seqs, "1 2 3 end4 ");
    assert_wrote(&sc, 1, "\"op\":\"attach\"");
    assert_wrote(&sc, 1, "\"from\":");
    assert_wrote(&sc, 1, "3");
    assert_wrote(&sc, 1, ID);
    assert_int_equal(sc.agent.opens, 2);
    finish(&sc);
}

static void a_deploy_that_was_not_heard_of_is_sent_again_under_its_id(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO }, { .result = -ERR_NET }, { .text = HELLO LOG(1) END(2) });
    assert_int_equal(run(&sc), 0);
    assert_wrote(&sc, 1, "\"op\":\"deploy\"");
    assert_wrote(&sc, 1, ID);
    finish(&sc);
}

static void a_crashed_agent_is_started_again(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = 1 }, { .text = HELLO LOG(2) END(3) });
    assert_int_equal(run(&sc), 0);
    assert_string_equal(sc.heard.seqs, "1 2 end3 ");
    finish(&sc);
}

static void an_agent_that_crashes_each_time_is_given_up(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = 1 }, { .text = HELLO }, { .result = 1 },
          { .text = HELLO }, { .result = 1 }, { .text = HELLO }, { .result = 1 }, { .text = HELLO }, { .result = 1 },
          { .text = HELLO }, { .result = 1 }, { .text = HELLO }, { .result = 1 });
    assert_int_equal(run(&sc), -ERR_REMOTE);
    assert_int_equal(sc.agent.opens, 6);
    finish(&sc);
}

static void events_outside_the_log_do_not_keep_a_crashing_agent_going(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = 1 }, { .text = HELLO LOG(0) }, { .result = 1 },
          { .text = HELLO LOG(0) }, { .result = 1 }, { .text = HELLO LOG(0) }, { .result = 1 },
          { .text = HELLO LOG(0) }, { .result = 1 }, { .text = HELLO LOG(0) }, { .result = 1 },
          { .text = HELLO LOG(0) }, { .result = 1 });
    assert_int_equal(run(&sc), -ERR_REMOTE);
    assert_int_equal(sc.agent.opens, 6);
    finish(&sc);
}

static void reconnects_wait_longer_each_time(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = -ERR_NET }, { .text = HELLO END(2) });
    for (int i = 1; i < 7; i++)
        sc.agent.open_results[i] = -ERR_UNREACHABLE;
    assert_int_equal(run(&sc), 0);
    static const int64_t waits[] = { 1000, 2000, 4000, 8000, 15000, 15000, 15000 };
    for (int i = 1; i < 8; i++)
        assert_int_equal(sc.agent.open_times[i] - sc.agent.open_times[i - 1], waits[i - 1]);
    finish(&sc);
}

static void a_host_that_stays_away_is_given_up_after_five_minutes(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = -ERR_NET });
    for (int i = 1; i < OPENS_MAX; i++)
        sc.agent.open_results[i] = -ERR_UNREACHABLE;
    assert_int_equal(run(&sc), -ERR_UNREACHABLE);
    assert_int_equal(sc.agent.now_ms, 1000 + 5 * 60 * 1000);
    assert_true(sc.agent.opens > 20);
    finish(&sc);
}

static void a_refusal_ends_the_reconnects_at_once(void **state)
{
    (void)state;
    static const int kinds[] = { ERR_AUTH, ERR_HOST_KEY, ERR_KEY };
    for (size_t i = 0; i < 3; i++) {
        SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = -ERR_NET });
        sc.agent.open_results[1] = -kinds[i];
        assert_int_equal(run(&sc), -kinds[i]);
        assert_int_equal(sc.agent.opens, 2);
        assert_non_null(strstr(err_hint_text(&sc.err), "status"));
        finish(&sc);
    }
}

static void an_answer_that_had_begun_is_not_asked_for_again(void **state)
{
    (void)state;
    SCENE(sc, WIRE_BUNDLE, { .text = HELLO }, { .text = DATA(4) "ab" }, { .result = -ERR_NET }, { .text = HELLO });
    assert_int_equal(run(&sc), -ERR_NET);
    assert_int_equal(sc.agent.opens, 1);
    finish(&sc);
}

static void a_question_that_was_not_heard_is_asked_again(void **state)
{
    (void)state;
    SCENE(sc, WIRE_BUNDLE, { .text = HELLO }, { .result = -ERR_NET }, { .text = HELLO DATA(2) "ab" END(0) });
    assert_int_equal(run(&sc), 0);
    assert_string_equal(buf_str(&sc.heard.data), "ab");
    assert_wrote(&sc, 1, "\"op\":\"bundle\"");
    finish(&sc);
}

static void the_next_request_connects_anew_after_a_loss(void **state)
{
    (void)state;
    SCENE(sc, WIRE_BUNDLE, { .text = HELLO }, { .text = DATA(4) "ab" }, { .result = -ERR_NET },
          { .text = HELLO END(0) });
    assert_int_equal(run(&sc), -ERR_NET);
    assert_int_equal(session_run(sc.session, &sc.request, hear, &sc.heard, &sc.err), 0);
    assert_int_equal(sc.agent.opens, 2);
    finish(&sc);
}

static void a_cancel_is_sent_once_and_the_undo_is_heard(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = -ERR_CANCEL }, { .text = LOG(2) },
          { .text = LOG(3) END(4) });
    assert_int_equal(run(&sc), 0);
    assert_string_equal(sc.heard.seqs, "1 2 3 end4 ");
    assert_wrote(&sc, 1, "\"op\":\"cancel\"");
    assert_int_equal(sc.agent.ignored, 1);
    assert_int_equal(sc.agent.opens, 1);
    finish(&sc);
}

static void after_a_cancel_the_host_gets_eight_seconds(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = -ERR_CANCEL }, { .text = LOG(2) });
    assert_int_equal(run(&sc), -ERR_CANCEL);
    assert_int_equal(sc.agent.now_ms, 1000 + SESSION_CANCEL_MS);
    assert_string_equal(sc.heard.seqs, "1 2 ");
    finish(&sc);
}

static void a_cancel_during_a_question_ends_it_at_once(void **state)
{
    (void)state;
    SCENE(sc, WIRE_STATUS, { .text = HELLO }, { .result = -ERR_CANCEL }, { .text = END(0) });
    assert_int_equal(run(&sc), -ERR_CANCEL);
    assert_int_equal(sc.agent.opens, 1);
    finish(&sc);
}

static void after_a_cancel_an_agent_that_does_not_greet_is_not_waited_for(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = -ERR_NET });
    sc.agent.pause_cancels = 1; /* one second after the start of 1000 */
    assert_int_equal(run(&sc), -ERR_CANCEL);
    assert_true(sc.agent.now_ms <= 1000 + 1000 + SESSION_CANCEL_MS + 500);
    finish(&sc);
}

static void a_cancel_while_reconnecting_is_still_told_to_the_host(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) }, { .result = -ERR_NET }, { .text = HELLO LOG(2) END(3) });
    sc.agent.pause_cancels = 1;
    assert_int_equal(run(&sc), 0);
    assert_wrote(&sc, 1, "\"op\":\"attach\"");
    assert_wrote(&sc, 2, "\"op\":\"cancel\"");
    assert_string_equal(sc.heard.seqs, "1 2 end3 ");
    finish(&sc);
}

static void a_handler_that_fails_ends_the_request_with_its_kind(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) LOG(2) END(3) });
    sc.heard.fail_at = 2;
    assert_int_equal(run(&sc), -ERR_IO);
    assert_int_equal(sc.err.kind, ERR_IO);
    assert_int_equal(sc.agent.opens, 1);
    finish(&sc);
}

static void a_silent_run_is_given_up_without_asking_again(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) });
    assert_int_equal(run(&sc), -ERR_TIMEOUT);
    assert_int_equal(sc.agent.opens, 1);
    assert_true(sc.agent.now_ms >= 30 * 60 * 1000);
    finish(&sc);
}

static void a_failed_write_leads_to_a_new_connection(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO }, { .text = HELLO LOG(1) END(2) });
    assert_int_equal(open_session(&sc), 0);
    sc.agent.write_result = -ERR_NET;
    assert_int_equal(session_run(sc.session, &sc.request, hear, &sc.heard, &sc.err), 0);
    assert_int_equal(sc.agent.opens, 2);
    finish(&sc);
}

static void two_requests_share_one_connection(void **state)
{
    (void)state;
    SCENE(sc, WIRE_DEPLOY, { .text = HELLO LOG(1) END(2) LOG(1) END(2) });
    assert_int_equal(run(&sc), 0);
    assert_int_equal(session_run(sc.session, &sc.request, hear, &sc.heard, &sc.err), 0);
    assert_string_equal(sc.heard.seqs, "1 end2 1 end2 ");
    assert_int_equal(sc.agent.opens, 1);
    finish(&sc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_arrive_in_order_up_to_the_end),
        cmocka_unit_test(bytes_may_come_in_any_pieces),
        cmocka_unit_test(noise_before_the_hello_is_skipped),
        cmocka_unit_test(endless_noise_is_refused),
        cmocka_unit_test(an_agent_that_cannot_start_is_told),
        cmocka_unit_test(a_silent_agent_is_given_up),
        cmocka_unit_test(a_gap_is_a_protocol_error),
        cmocka_unit_test(an_event_seen_before_is_dropped),
        cmocka_unit_test(words_between_events_are_a_protocol_error),
        cmocka_unit_test(a_second_hello_is_a_protocol_error),
        cmocka_unit_test(a_line_without_end_is_a_protocol_error),
        cmocka_unit_test(data_is_handed_over_in_pieces_with_its_event),
        cmocka_unit_test(data_without_a_fair_size_is_refused),
        cmocka_unit_test(a_lost_connection_is_taken_up_from_the_next_event),
        cmocka_unit_test(a_deploy_that_was_not_heard_of_is_sent_again_under_its_id),
        cmocka_unit_test(a_crashed_agent_is_started_again),
        cmocka_unit_test(an_agent_that_crashes_each_time_is_given_up),
        cmocka_unit_test(reconnects_wait_longer_each_time),
        cmocka_unit_test(a_host_that_stays_away_is_given_up_after_five_minutes),
        cmocka_unit_test(a_refusal_ends_the_reconnects_at_once),
        cmocka_unit_test(an_answer_that_had_begun_is_not_asked_for_again),
        cmocka_unit_test(a_question_that_was_not_heard_is_asked_again),
        cmocka_unit_test(the_next_request_connects_anew_after_a_loss),
        cmocka_unit_test(a_cancel_is_sent_once_and_the_undo_is_heard),
        cmocka_unit_test(after_a_cancel_the_host_gets_eight_seconds),
        cmocka_unit_test(a_cancel_during_a_question_ends_it_at_once),
        cmocka_unit_test(a_cancel_while_reconnecting_is_still_told_to_the_host),
        cmocka_unit_test(after_a_cancel_an_agent_that_does_not_greet_is_not_waited_for),
        cmocka_unit_test(events_outside_the_log_do_not_keep_a_crashing_agent_going),
        cmocka_unit_test(a_handler_that_fails_ends_the_request_with_its_kind),
        cmocka_unit_test(a_silent_run_is_given_up_without_asking_again),
        cmocka_unit_test(a_failed_write_leads_to_a_new_connection),
        cmocka_unit_test(two_requests_share_one_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
