#include "agent/watch/prober.h"

#include "shared/clock.h"
#include "tests/unit/agent/host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define WAIT_MS 20000 /* far more than anything here takes */

/* A web site in a thread: answers every connection the same way, until told otherwise. */
struct site {
    int fd, port;
    int stop[2];
    pthread_t thread;
    _Atomic(const char *) answer; /* sent as it is, then the connection is closed */
    atomic_int asked;             /* connections so far */
};

static const char HOLD[] = "";   /* neither answers nor closes */
static const char CLOSE[] = "-"; /* closes at once */

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define FAILING "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"

static void answer_one(struct site *s, int fd, int *held)
{
    char ignored[1024];
    const char *answer = atomic_load(&s->answer);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    if (answer == HOLD) {
        close_p(held); /* one is enough to hold at a time */
        *held = fd;
        return;
    }
    if (answer != CLOSE && strncmp(answer, "SSH", 3) != 0) {
        (void)poll(&p, 1, WAIT_MS);
        (void)!recv(fd, ignored, sizeof(ignored), 0);
    }
    if (answer != CLOSE)
        (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    close_p(&fd);
}

static void *serve(void *arg)
{
    struct site *s = arg;
    int held = -1;
    for (;;) {
        struct pollfd p[2] = { { .fd = s->fd, .events = POLLIN }, { .fd = s->stop[0], .events = POLLIN } };
        (void)poll(p, 2, -1);
        if (p[1].revents)
            break;
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        answer_one(s, fd, &held);
        atomic_fetch_add(&s->asked, 1);
    }
    close_p(&held);
    return NULL;
}

static struct site *site_start(const char *answer)
{
    struct site *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->fd = host_listen(&s->port);
    atomic_init(&s->answer, answer);
    assert_int_equal(pipe2(s->stop, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

static void site_stop(struct site *s)
{
    close_p(&s->stop[1]);
    (void)pthread_join(s->thread, NULL);
    close_p(&s->stop[0]);
    close_p(&s->fd);
    free(s);
}

static bool ask(const char *answer, const char *path, const char *status)
{
    struct site *s = site_start(answer);
    bool good = prober_ask(s->port, path, status);
    site_stop(s);
    return good;
}

static void an_answer_with_the_wanted_status_is_good(void **state)
{
    (void)state;
    assert_true(ask(OK, "/health", "200"));
    assert_true(ask("HTTP/1.0 204 None\r\n\r\n", "/", "200-299"));
    assert_true(ask(FAILING, "/", "200,500"));
}

static void any_other_answer_is_not(void **state)
{
    (void)state;
    static const char *const answers[] = { FAILING,
                                           "HTTP/1.1 204 None\r\n\r\n",
                                           "HTTP/1.1 2",
                                           "SSH-2.0-OpenSSH_9.2\r\n",
                                           "HTTP/1.1 abc\r\n\r\n",
                                           "SMTP/1.1 200 OK\r\n" };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        if (ask(answers[i], "/", "200"))
            fail_msg("'%s' was taken", answers[i]);
    assert_false(ask(CLOSE, "/", "200"));
}

static void a_port_without_a_listener_is_not_good(void **state)
{
    (void)state;
    int port, fd = host_listen(&port);
    close_p(&fd);
    assert_false(prober_ask(port, "/", "200"));
    assert_false(prober_ask(port, "", ""));
}

static void a_site_that_hangs_is_given_up(void **state)
{
    (void)state;
    int64_t start = clock_mono_ms();
    assert_false(ask(HOLD, "/", "200"));
    int64_t took = clock_mono_ms() - start;
    assert_true(took >= PROBER_REQUEST_MS && took < WAIT_MS);
}

static void a_connection_that_stays_open_is_enough_without_a_path(void **state)
{
    (void)state;
    assert_true(ask(HOLD, "", ""));
    assert_true(ask("SSH-2.0-OpenSSH_9.2\r\n", "", "")); /* speaks first */
    assert_false(ask(CLOSE, "", ""));                    /* what a proxy does when nobody listens behind it */
}

static void path_and_host_are_sent(void **state)
{
    (void)state;
    int port, fd = host_listen(&port);
    struct prober *p = NULL;
    struct prober_result result;
    char text[512];
    assert_int_equal(prober_start(&p, port, "/a/b?c=d", "200", NULL), 0);
    int one = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    ssize_t n = recv(one, text, sizeof(text) - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    assert_ptr_equal(strstr(text, "GET /a/b?c=d HTTP/1.1\r\n"), text);
    assert_non_null(strstr(text, "\r\nHost: localhost\r\n"));
    assert_non_null(strstr(text, "\r\n\r\n"));
    prober_stop(&p, &result);
    assert_null(p);
    close_p(&one);
    close_p(&fd);
}

static void await_answers(struct prober *p, bool wanted)
{
    int64_t end = clock_mono_ms() + WAIT_MS;
    while (prober_answers(p) != wanted && clock_mono_ms() < end)
        clock_sleep_ms(1);
    assert_int_equal(prober_answers(p), wanted);
}

static void await_asked(struct site *s, int more)
{
    int wanted = atomic_load(&s->asked) + more;
    int64_t end = clock_mono_ms() + WAIT_MS;
    while (atomic_load(&s->asked) < wanted && clock_mono_ms() < end)
        clock_sleep_ms(1);
    assert_true(atomic_load(&s->asked) >= wanted);
}

static void a_site_that_is_up_has_no_outage(void **state)
{
    (void)state;
    struct site *s = site_start(OK);
    struct prober *p = NULL;
    struct prober_result r;
    assert_int_equal(prober_start(&p, s->port, "/", "200", NULL), 0);
    assert_false(s->port == 0);
    await_answers(p, true);
    await_asked(s, 5);
    prober_stop(&p, &r);
    assert_true(r.measured);
    assert_true(r.seen >= 5);
    assert_int_equal(r.failed, 0);
    assert_int_equal(r.outage_ms, 0);
    assert_int_equal(r.longest_ms, 0);
    assert_false(r.down_at_end);
    assert_true(r.median_ok_ms >= 0 && r.median_ok_ms < PROBER_REQUEST_MS);
    site_stop(s);
}

static void an_outage_lasts_from_the_first_failure_to_the_next_success(void **state)
{
    (void)state;
    struct site *s = site_start(OK);
    struct prober *p = NULL;
    struct prober_result r;
    assert_int_equal(prober_start(&p, s->port, "/", "200", NULL), 0);
    await_answers(p, true);
    int64_t before = clock_mono_ms();
    atomic_store(&s->answer, FAILING);
    await_answers(p, false);
    int64_t seen_down = clock_mono_ms();
    await_asked(s, 5);
    int64_t up = clock_mono_ms();
    atomic_store(&s->answer, OK);
    await_answers(p, true);
    int64_t after = clock_mono_ms();
    prober_stop(&p, &r);
    assert_true(r.failed >= 5 && r.failed < r.seen);
    assert_true(r.outage_ms >= up - seen_down && r.outage_ms <= after - before + PROBER_PERIOD_MS);
    assert_true(r.outage_ms >= 3 * PROBER_PERIOD_MS);
    assert_int_equal(r.longest_ms, r.outage_ms);
    assert_false(r.down_at_end);
    site_stop(s);
}

static void two_outages_add_up(void **state)
{
    (void)state;
    struct site *s = site_start(OK);
    struct prober *p = NULL;
    struct prober_result r;
    assert_int_equal(prober_start(&p, s->port, "/", "200", NULL), 0);
    await_answers(p, true);
    for (int i = 0; i < 2; i++) {
        atomic_store(&s->answer, CLOSE);
        await_answers(p, false);
        await_asked(s, 3);
        atomic_store(&s->answer, OK);
        await_answers(p, true);
        await_asked(s, 3);
    }
    prober_stop(&p, &r);
    assert_true(r.longest_ms > 0);
    assert_true(r.longest_ms < r.outage_ms);
    assert_true(r.outage_ms <= 2 * r.longest_ms);
    site_stop(s);
}

static void a_site_that_stays_down_is_down_at_the_end(void **state)
{
    (void)state;
    struct site *s = site_start(FAILING);
    struct prober *p = NULL;
    struct prober_result r;
    assert_int_equal(prober_start(&p, s->port, "/", "200", NULL), 0);
    await_asked(s, 5);
    prober_stop(&p, &r);
    assert_true(r.measured && r.down_at_end);
    assert_int_equal(r.failed, r.seen);
    assert_int_equal(r.median_ok_ms, -1);
    assert_true(r.outage_ms > 0);
    site_stop(s);
}

static void one_that_hangs_does_not_keep_the_others_from_being_asked(void **state)
{
    (void)state;
    struct site *s = site_start(HOLD);
    struct prober *p = NULL;
    struct prober_result r;
    assert_int_equal(prober_start(&p, s->port, "/", "200", NULL), 0);
    await_asked(s, 2);
    atomic_store(&s->answer, OK);
    int64_t start = clock_mono_ms();
    await_answers(p, true);
    assert_true(clock_mono_ms() - start < PROBER_REQUEST_MS);
    while (clock_mono_ms() < start + PROBER_REQUEST_MS + 5 * PROBER_PERIOD_MS)
        await_asked(s, 1); /* until the one that hangs is given up */
    prober_stop(&p, &r);
    assert_true(r.failed >= 2);
    assert_true(r.outage_ms > 0 && r.outage_ms < PROBER_REQUEST_MS); /* the others were answered meanwhile */
    assert_false(r.down_at_end);
    site_stop(s);
}

static void no_prober_measures_nothing(void **state)
{
    (void)state;
    struct prober *none = NULL;
    struct prober_result r = { .measured = true };
    prober_stop(&none, &r);
    assert_false(r.measured);
    assert_int_equal(r.median_ok_ms, -1);
    assert_false(prober_answers(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_with_the_wanted_status_is_good),
        cmocka_unit_test(any_other_answer_is_not),
        cmocka_unit_test(a_port_without_a_listener_is_not_good),
        cmocka_unit_test(a_site_that_hangs_is_given_up),
        cmocka_unit_test(a_connection_that_stays_open_is_enough_without_a_path),
        cmocka_unit_test(path_and_host_are_sent),
        cmocka_unit_test(a_site_that_is_up_has_no_outage),
        cmocka_unit_test(an_outage_lasts_from_the_first_failure_to_the_next_success),
        cmocka_unit_test(two_outages_add_up),
        cmocka_unit_test(a_site_that_stays_down_is_down_at_the_end),
        cmocka_unit_test(one_that_hangs_does_not_keep_the_others_from_being_asked),
        cmocka_unit_test(no_prober_measures_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
