/* tests/unit/cmd/session_test.c has the same through a session; tests/fuzz/fuzz_agent_output.c cuts it anywhere. */
#include "shared/eventstream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEAD(seq) "{\"v\":1,\"seq\":" #seq ",\"t\":\"2026-01-29T03:10:02.113Z\",\"kind\":"
#define HELLO HEAD(0) "\"hello\"}\n"
#define LOG(seq) HEAD(seq) "\"log\",\"level\":\"info\",\"source\":\"agent\",\"text\":\"\"}\n"
#define END(seq) HEAD(seq) "\"end\"}\n"

static int note(void *ctx, const struct event *ev, struct span data)
{
    buf_addf(ctx, "%s %d [%.*s] ", event_kind_name(ev->kind), (int)ev->seq, (int)data.len, data.ptr);
    return 0;
}

/* Feed a text behind the hello; what the handler got is in `seen`. */
static int feed(const char *text, struct buf *seen, bool *ended, struct err *err)
{
    struct eventstream st;
    eventstream_init(&st);
    buf_adds(&st.in, HELLO);
    buf_adds(&st.in, text);
    int r = eventstream_feed(&st, note, seen, err);
    assert_int_equal(r, 1); /* the hello */
    r = eventstream_feed(&st, note, seen, err);
    *ended = st.ended;
    eventstream_done(&st);
    return r;
}

static void events_come_in_order_up_to_the_end(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(1000);
    bool ended;
    assert_int_equal(feed(LOG(1) LOG(2) END(3) LOG(4), &seen, &ended, NULL), 0);
    assert_true(ended);
    assert_string_equal(buf_str(&seen), "log 1 [] log 2 [] end 3 [] ");
}

static void bytes_behind_a_data_event_are_its_own(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf seen = BUF_INIT(1000);
    bool ended;
    assert_int_equal(feed(HEAD(0) "\"data\",\"name\":\"log\",\"bytes\":5}\na\n{\"v" END(0), &seen, &ended, NULL), 0);
    assert_true(ended);
    assert_string_equal(buf_str(&seen), "data 0 [a\n{\"v] end 0 [] ");
}

static void the_bytes_of_a_followed_log_are_not_counted(void **state)
{
    (void)state;
    for (int endless = 0; endless < 2; endless++) {
        _cleanup_(buf_done_p) struct buf seen = BUF_INIT(1000);
        struct eventstream st;
        eventstream_init(&st);
        eventstream_reset_request(&st);
        st.endless = endless;
        buf_adds(&st.in, HELLO HEAD(0) "\"data\",\"name\":\"log\",\"bytes\":4}\nline");
        assert_int_equal(eventstream_feed(&st, note, &seen, NULL), 1); /* the hello */
        assert_int_equal(eventstream_feed(&st, note, &seen, NULL), 0);
        assert_string_equal(buf_str(&seen), "data 0 [line] ");
        assert_int_equal(st.data_bytes, endless ? 0 : 4);
        assert_true(endless ? st.event_bytes == 0 : st.event_bytes > 0);
        eventstream_done(&st);
    }
}

static void a_gap_and_a_line_that_is_no_event_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { LOG(1) LOG(3), "nonsense\n", HELLO };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        _cleanup_(buf_done_p) struct buf seen = BUF_INIT(1000);
        struct err err = { 0 };
        bool ended;
        assert_int_equal(feed(wrong[i], &seen, &ended, &err), -ERR_PROTO);
        assert_false(ended);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_up_to_the_end),
        cmocka_unit_test(bytes_behind_a_data_event_are_its_own),
        cmocka_unit_test(the_bytes_of_a_followed_log_are_not_counted),
        cmocka_unit_test(a_gap_and_a_line_that_is_no_event_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
