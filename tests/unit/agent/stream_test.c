#include "agent/stream.h"

#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <poll.h>

static void emit(struct host *h, enum event_kind kind, const char *text)
{
    struct event ev;
    event_init(&ev, kind, "");
    json_set_str(ev.body, "text", text);
    eventlog_emit(&h->run.log, &ev);
    event_done(&ev);
}

static void follow(struct host *h, struct stream *s, uint64_t from)
{
    host_assert_result(h, stream_open(s, h->run.dir_fd, from, &h->err), 0);
}

/* What a pump hands over now: the sequence numbers, "3 4 5". */
static const char *pump(struct host *h, struct stream *s)
{
    static char seqs[256];
    char bytes[65536];
    int ends[2];
    size_t used = 0;
    seqs[0] = '\0';
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    host_assert_result(h, stream_pump(s, ends[1], &h->err), 0);
    close_p(&ends[1]);
    size_t got = 0;
    ssize_t n;
    while ((n = read(ends[0], bytes + got, sizeof(bytes) - got)) > 0)
        got += (size_t)n;
    close_p(&ends[0]);
    struct span rest = { bytes, got }, line;
    while (span_next_line(&rest, &line)) {
        struct event ev;
        assert_int_equal(event_decode(line, &ev, NULL), 0);
        used += (size_t)snprintf(seqs + used, sizeof(seqs) - used, "%s%d", used ? " " : "", (int)ev.seq);
        event_done(&ev);
    }
    assert_true(got == 0 || bytes[got - 1] == '\n');
    return seqs;
}

static bool is_readable(const struct stream *s)
{
    struct pollfd p = { .fd = s->inotify_fd, .events = POLLIN };
    return poll(&p, 1, 0) == 1;
}

static void everything_from_a_number_on_is_handed_over_once(void **state)
{
    struct host *h = *state;
    struct stream s;
    for (int i = 0; i < 5; i++)
        emit(h, EVENT_LOG, "x");
    static const char *const want[] = { "1 2 3 4 5", "1 2 3 4 5", "2 3 4 5", "3 4 5", "4 5", "5", "", "" };
    for (uint64_t from = 0; from < 8; from++) {
        follow(h, &s, from);
        assert_string_equal(pump(h, &s), want[from]);
        assert_string_equal(pump(h, &s), "");
        stream_close(&s);
    }
}

static void what_comes_later_wakes_it_up(void **state)
{
    struct host *h = *state;
    struct stream s;
    emit(h, EVENT_LOG, "x");
    follow(h, &s, 1);
    assert_string_equal(pump(h, &s), "1");
    assert_false(is_readable(&s));
    emit(h, EVENT_LOG, "x");
    assert_true(is_readable(&s));
    assert_string_equal(pump(h, &s), "2");
    assert_false(is_readable(&s));
    stream_close(&s);
}

static void a_number_yet_to_come_is_waited_for(void **state)
{
    struct host *h = *state;
    struct stream s;
    follow(h, &s, 3);
    for (int i = 0; i < 4; i++)
        emit(h, EVENT_LOG, "x");
    assert_string_equal(pump(h, &s), "3 4");
    stream_close(&s);
}

static void half_a_line_waits_for_its_other_half(void **state)
{
    struct host *h = *state;
    struct stream s;
    struct event ev;
    struct buf line = BUF_INIT(EVENT_LINE_MAX);
    follow(h, &s, 1);
    event_init(&ev, EVENT_LOG, "");
    ev.seq = 1;
    assert_int_equal(event_encode(&ev, &line, NULL), 0);
    buf_addc(&line, '\n');
    for (size_t i = 0; i < line.len; i++) {
        assert_string_equal(pump(h, &s), "");
        assert_int_equal(write(h->run.log.events_fd, line.ptr + i, 1), 1);
    }
    assert_string_equal(pump(h, &s), "1");
    event_done(&ev);
    buf_done(&line);
    stream_close(&s);
}

static void with_the_end_it_ends(void **state)
{
    struct host *h = *state;
    struct stream s;
    follow(h, &s, 1);
    emit(h, EVENT_OUTCOME, "x");
    assert_string_equal(pump(h, &s), "1");
    assert_false(s.ended);
    emit(h, EVENT_END, "x");
    emit(h, EVENT_LOG, "nobody is to see this");
    assert_string_equal(pump(h, &s), "2");
    assert_true(s.ended);
    assert_string_equal(pump(h, &s), "");
    stream_close(&s);
}

static void the_end_is_seen_also_when_it_is_not_wanted(void **state)
{
    struct host *h = *state;
    struct stream s;
    emit(h, EVENT_END, "x");
    follow(h, &s, 7);
    assert_string_equal(pump(h, &s), "");
    assert_true(s.ended);
    stream_close(&s);
}

static void a_damaged_log_is_an_error(void **state)
{
    struct host *h = *state;
    struct stream s;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(h->run.log.events_fd, "{\"v\":1}\n", 8), 8);
    follow(h, &s, 1);
    host_assert_err(h, stream_pump(&s, null, &h->err), ERR_PROTO, "the event log");
    stream_close(&s);
    close_p(&null);
}

static void a_line_without_an_end_is_not_collected_for_ever(void **state)
{
    struct host *h = *state;
    struct stream s;
    char bytes[8192];
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC), r = 0;
    memset(bytes, 'x', sizeof(bytes));
    follow(h, &s, 1);
    for (int i = 0; i < 64 && r == 0; i++) {
        assert_int_equal(write(h->run.log.events_fd, bytes, sizeof(bytes)), sizeof(bytes));
        r = stream_pump(&s, null, &h->err);
    }
    host_assert_err(h, r, ERR_NOMEM, "the event log");
    stream_close(&s);
    close_p(&null);
}

static void a_client_that_is_gone_is_told_apart(void **state)
{
    struct host *h = *state;
    struct stream s;
    int ends[2];
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close_p(&ends[0]);
    emit(h, EVENT_LOG, "x");
    follow(h, &s, 1);
    host_assert_err(h, stream_pump(&s, ends[1], &h->err), ERR_NET, "client");
    stream_close(&s);
    close_p(&ends[1]);
}

static void without_a_log_there_is_nothing_to_follow(void **state)
{
    struct host *h = *state;
    struct stream s;
    assert_int_equal(unlinkat(h->run.dir_fd, EVENTLOG_FILE, 0), 0);
    host_assert_err(h, stream_open(&s, h->run.dir_fd, 1, &h->err), ERR_IO, "follow");
    assert_int_equal(s.fd, -1);
    assert_int_equal(s.inotify_fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_CASE(everything_from_a_number_on_is_handed_over_once),
        RUN_CASE(what_comes_later_wakes_it_up),
        RUN_CASE(a_number_yet_to_come_is_waited_for),
        RUN_CASE(half_a_line_waits_for_its_other_half),
        RUN_CASE(with_the_end_it_ends),
        RUN_CASE(the_end_is_seen_also_when_it_is_not_wanted),
        RUN_CASE(a_damaged_log_is_an_error),
        RUN_CASE(a_line_without_an_end_is_not_collected_for_ever),
        RUN_CASE(a_client_that_is_gone_is_told_apart),
        RUN_CASE(without_a_log_there_is_nothing_to_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
