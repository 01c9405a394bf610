#include "agent/watch/tlscheck.h"

#include "shared/clock.h"
#include "tests/unit/agent/host.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

/* A server for one connection: reads what comes, answers with some bytes. */
struct server {
    int fd;
    const char *answer;
    size_t len;
    unsigned char first[5]; /* of what came */
};

static void *serve(void *arg)
{
    struct server *s = arg;
    char sink[512];
    int fd = accept(s->fd, NULL, NULL);
    ssize_t n = recv(fd, sink, sizeof(sink), 0);
    if (n >= 5)
        memcpy(s->first, sink, 5);
    if (s->len)
        (void)send(fd, s->answer, s->len, MSG_NOSIGNAL);
    close_p(&fd);
    return NULL;
}

static bool ask(const char *answer, size_t len, unsigned char first[5])
{
    pthread_t thread;
    int port;
    struct server s = { .answer = answer, .len = len };
    s.fd = host_listen(&port);
    assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
    bool tls = tlscheck_speaks_tls("127.0.0.1", port, 5000);
    (void)pthread_join(thread, NULL);
    if (first)
        memcpy(first, s.first, 5);
    close_p(&s.fd);
    return tls;
}

static void a_handshake_and_an_alert_are_tls(void **state)
{
    (void)state;
    unsigned char first[5];
    assert_true(ask("\x16\x03\x03\x00\x7a\x02", 6, first));
    assert_memory_equal(first, "\x16\x03\x01\x00\x31", 5); /* the record says how long it is */
    assert_true(ask("\x15\x03\x03\x00\x02\x02\x28", 7, NULL));
}

static void other_answers_are_not(void **state)
{
    (void)state;
    assert_false(ask("HTTP/1.1 400 Bad Request\r\n\r\n", 28, NULL));
    assert_false(ask("220 mail\r\n", 10, NULL));
    assert_false(ask("\x16\x02\x03", 3, NULL));
    assert_false(ask("\x16", 1, NULL));
    assert_false(ask("", 0, NULL));
}

static void nobody_there_is_not_tls(void **state)
{
    (void)state;
    int port, fd = host_listen(&port);
    close_p(&fd);
    assert_false(tlscheck_speaks_tls("127.0.0.1", port, 1000));
    assert_false(tlscheck_speaks_tls("no address", 80, 1000));
}

static void a_silent_server_costs_no_more_than_the_limit(void **state)
{
    (void)state;
    int port, fd = host_listen(&port);
    int64_t start = clock_mono_ms();
    assert_false(tlscheck_speaks_tls("127.0.0.1", port, 150));
    int64_t took = clock_mono_ms() - start;
    assert_true(took >= 140 && took < 2000);
    close_p(&fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_and_an_alert_are_tls),
        cmocka_unit_test(other_answers_are_not),
        cmocka_unit_test(nobody_there_is_not_tls),
        cmocka_unit_test(a_silent_server_costs_no_more_than_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
