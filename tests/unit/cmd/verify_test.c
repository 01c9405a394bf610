#include "cmd/verify.h"

#include "shared/clock.h"
#include "shared/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* A server in a thread: one request a connection, answered by what its path says. */
struct server {
    int listener;
    int stop[2]; /* closing the writing end ends the thread */
    pthread_t thread;
    atomic_int requests;
    char base[64];
};

static struct server server;

static void send_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

static void answer(int fd, int status, const char *body)
{
    char head[256];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\nLocation: /ok\r\n\r\n", status,
                     strlen(body));
    send_all(fd, head, (size_t)n);
    send_all(fd, body, strlen(body));
}

static void wait_ms(int ms)
{
    struct pollfd p = { .fd = server.stop[0], .events = POLLIN };
    (void)poll(&p, 1, ms);
}

static void answer_big(int fd)
{
    char chunk[4096];
    memset(chunk, 'x', sizeof(chunk));
    const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nneedle";
    send_all(fd, head, sizeof(head) - 1);
    for (int i = 0; i < 512; i++) /* 2 MiB */
        send_all(fd, chunk, sizeof(chunk));
}

static void serve_one(int fd)
{
    char request[4096];
    ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
    if (n <= 0)
        return;
    request[n] = '\0';
    int count = atomic_fetch_add(&server.requests, 1) + 1;
    if (strstr(request, "GET /ok"))
        answer(fd, 200, "status: green\n");
    else if (strstr(request, "GET /500"))
        answer(fd, 500, "broken");
    else if (strstr(request, "GET /404"))
        answer(fd, 404, "nothing here");
    else if (strstr(request, "GET /moved"))
        answer(fd, 301, "");
    else if (strstr(request, "GET /second-time"))
        answer(fd, count < 2 ? 503 : 200, "now");
    else if (strstr(request, "GET /secret"))
        answer(fd, 200,
               "who asks for this page gets seventy bytes of it and then what is secret: canary-4711-canary-4712");
    else if (strstr(request, "GET /hostile"))
        answer(fd, 200, "::error::x\r\n\x1b[31mred");
    else if (strstr(request, "GET /big"))
        answer_big(fd);
    else if (strstr(request, "GET /slow")) {
        wait_ms(400);
        answer(fd, 200, "late");
    } else if (strstr(request, "GET /silent"))
        wait_ms(20000);
    /* anything else: closed without an answer */
}

static void *serve(void *arg)
{
    (void)arg;
    struct pollfd p[2] = { { .fd = server.listener, .events = POLLIN }, { .fd = server.stop[0], .events = POLLIN } };
    while (poll(p, 2, -1) > 0 && p[1].revents == 0) {
        int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        serve_one(fd);
        (void)shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

static int start_server(void **state)
{
    (void)state;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server.listener < 0 || bind(server.listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(server.listener, 16) < 0 || getsockname(server.listener, (struct sockaddr *)&at, &len) < 0 ||
        pipe(server.stop) < 0)
        return -1;
    (void)snprintf(server.base, sizeof(server.base), "http://127.0.0.1:%d", ntohs(at.sin_port));
    return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop_server(void **state)
{
    (void)state;
    close(server.stop[1]);
    (void)pthread_join(server.thread, NULL);
    close(server.stop[0]);
    close(server.listener);
    return 0;
}

/* One verification of a path of the server. */
struct check {
    char url[200];
    struct verify_options o;
    struct verify_result result;
    struct err err;
};

static void begin(struct check *c, const char *path)
{
    *c = (struct check){ .o = { .status = "200", .body = "", .attempts = 2, .interval_ms = 10, .cancel_fd = -1 } };
    (void)snprintf(c->url, sizeof(c->url), "%s%s", server.base, path);
    c->o.url = c->url;
    atomic_store(&server.requests, 0);
}

static int run(struct check *c)
{
    return verify_run(&c->o, &c->result, &c->err);
}

static void assert_reason_has(const struct check *c, const char *part)
{
    char text[512];
    if (!strstr(c->result.reason, part))
        fail_msg("'%s' is not in '%s'", part, c->result.reason);
    assert_non_null(strstr(err_text(&c->err, text, sizeof(text)), part));
}

static void a_good_answer_needs_one_attempt(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/ok");
    c.o.body = "green";
    c.o.max_ms = 5000;
    assert_int_equal(run(&c), 0);
    assert_true(c.result.ok);
    assert_int_equal(c.result.attempts, 1);
    assert_int_equal(c.result.status, 200);
    assert_in_range(c.result.ms, 0, 5000);
    assert_string_equal(c.result.reason, "");
}

static void a_wrong_status_fails_after_all_attempts(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/500");
    assert_int_equal(run(&c), -ERR_VERIFY);
    assert_false(c.result.ok);
    assert_int_equal(c.result.attempts, 2);
    assert_int_equal(atomic_load(&server.requests), 2);
    assert_int_equal(c.err.code, 500);
    assert_reason_has(&c, "HTTP status 500, wanted 200");
}

static void another_wanted_status_is_accepted(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/404");
    c.o.status = "200,400-404";
    c.o.body = "nothing here";
    assert_int_equal(run(&c), 0);
}

static void a_later_attempt_may_succeed(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/second-time");
    assert_int_equal(run(&c), 0);
    assert_int_equal(c.result.attempts, 2);
}

static void a_body_without_the_text_fails_and_is_quoted(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/ok");
    c.o.body = "version 2";
    assert_int_equal(run(&c), -ERR_VERIFY);
    assert_reason_has(&c, "does not hold 'version 2'; it begins 'status: green");
}

static void a_quoted_body_holds_no_control_bytes(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/hostile");
    c.o.body = "version 2";
    assert_int_equal(run(&c), -ERR_VERIFY);
    for (const char *p = c.result.reason; *p; p++)
        assert_in_range(*p, ' ', '~');
}

static void a_secret_across_the_end_of_a_quoted_body_is_not_quoted_in_part(void **state)
{
    (void)state;
    struct check c;
    struct redactor *redactor = NULL;
    struct err err = { 0 };
    assert_int_equal(redactor_new(&redactor, &err), 0);
    assert_int_equal(redactor_add(redactor, SPAN_LIT("canary-4711-canary-4712"), &err), 0);
    begin(&c, "/secret");
    c.o.body = "version 2";
    c.o.redactor = redactor;
    assert_int_equal(run(&c), -ERR_VERIFY);
    assert_reason_has(&c, "what is secret: ***");
    assert_null(strstr(c.result.reason, "cana"));
    redactor_free(redactor);
}

static void a_redirect_is_not_followed_and_says_so(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/moved");
    assert_int_equal(run(&c), -ERR_VERIFY);
    assert_reason_has(&c, "HTTP status 301");
    assert_reason_has(&c, "final URL");
}

static void a_slow_answer_fails_with_its_time(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/slow");
    c.o.max_ms = 100;
    assert_int_equal(run(&c), -ERR_VERIFY);
    assert_true(c.result.ms >= 400);
    assert_reason_has(&c, "ms, at most 100 ms are wanted");
}

static void any_speed_is_good_without_a_limit(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/slow");
    assert_int_equal(run(&c), 0);
}

static void a_long_body_is_searched_at_its_begin(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/big");
    c.o.body = "needle";
    assert_int_equal(run(&c), 0);
    begin(&c, "/big");
    c.o.body = "absent";
    c.o.attempts = 1;
    assert_int_equal(run(&c), -ERR_VERIFY);
    assert_reason_has(&c, "first MiB");
}

static void a_closed_connection_is_a_reason(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/close");
    assert_int_equal(run(&c), -ERR_VERIFY);
    assert_int_equal(c.result.status, 0);
    assert_string_not_equal(c.result.reason, "");
}

static void a_refused_connection_is_a_reason(void **state)
{
    (void)state;
    struct check c;
    begin(&c, "/ok");
    (void)snprintf(c.url, sizeof(c.url), "http://127.0.0.1:1/");
    assert_int_equal(run(&c), -ERR_VERIFY);
    assert_int_equal(c.result.attempts, 2);
}

static void the_error_does_not_show_the_query(void **state)
{
    (void)state;
    struct check c;
    char text[512];
    begin(&c, "/500?token=canary");
    assert_int_equal(run(&c), -ERR_VERIFY);
    assert_null(strstr(err_text(&c.err, text, sizeof(text)), "canary"));
    assert_non_null(strstr(text, "/500"));
}

static void a_cancel_before_the_first_attempt_asks_nothing(void **state)
{
    (void)state;
    struct check c;
    volatile sig_atomic_t cancel = 1;
    begin(&c, "/ok");
    c.o.cancel = &cancel;
    assert_int_equal(run(&c), -ERR_CANCEL);
    assert_int_equal(atomic_load(&server.requests), 0);
}

static void a_cancel_ends_the_pause(void **state)
{
    (void)state;
    struct check c;
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(write(fd[1], "x", 1), 1);
    begin(&c, "/500");
    c.o.interval_ms = 30000;
    c.o.cancel_fd = fd[0];
    int64_t start = clock_mono_ms();
    assert_int_equal(run(&c), -ERR_CANCEL);
    assert_true(clock_mono_ms() - start < 5000);
    close(fd[0]);
    close(fd[1]);
}

static volatile sig_atomic_t late_cancel;

static void *cancel_soon(void *arg)
{
    (void)arg;
    clock_sleep_ms(200);
    late_cancel = 1;
    return NULL;
}

static void a_cancel_ends_a_running_exchange(void **state)
{
    (void)state;
    struct check c;
    pthread_t thread;
    late_cancel = 0;
    begin(&c, "/silent");
    c.o.cancel = &late_cancel;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    int64_t start = clock_mono_ms();
    assert_int_equal(run(&c), -ERR_CANCEL);
    assert_true(clock_mono_ms() - start < 5000);
    (void)pthread_join(thread, NULL);
}

int main(void)
{
    struct err err = { 0 };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_needs_one_attempt),
        cmocka_unit_test(a_wrong_status_fails_after_all_attempts),
        cmocka_unit_test(another_wanted_status_is_accepted),
        cmocka_unit_test(a_later_attempt_may_succeed),
        cmocka_unit_test(a_body_without_the_text_fails_and_is_quoted),
        cmocka_unit_test(a_quoted_body_holds_no_control_bytes),
        cmocka_unit_test(a_secret_across_the_end_of_a_quoted_body_is_not_quoted_in_part),
        cmocka_unit_test(a_redirect_is_not_followed_and_says_so),
        cmocka_unit_test(a_slow_answer_fails_with_its_time),
        cmocka_unit_test(any_speed_is_good_without_a_limit),
        cmocka_unit_test(a_long_body_is_searched_at_its_begin),
        cmocka_unit_test(a_closed_connection_is_a_reason),
        cmocka_unit_test(a_refused_connection_is_a_reason),
        cmocka_unit_test(the_error_does_not_show_the_query),
        cmocka_unit_test(a_cancel_before_the_first_attempt_asks_nothing),
        cmocka_unit_test(a_cancel_ends_the_pause),
        cmocka_unit_test(a_cancel_ends_a_running_exchange), /* last: it keeps the server's thread busy */
    };
    return http_global_init(&err) < 0 ? 1 : cmocka_run_group_tests(tests, start_server, stop_server);
}
