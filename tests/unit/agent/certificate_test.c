/* The certificate that an app serves: how it is read, and when it is looked at. */
#include "agent/diagnose/diagnose.h"
#include "agent/request.h"
#include "agent/status/status.h"
#include "shared/clock.h"
#include "shared/http.h"
#include "tests/unit/agent/host.h"
#include "tests/unit/agent/tlsserver.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define DAY 86400

static int64_t in_days(int64_t days)
{
    return clock_wall_ms() / 1000 + days * DAY;
}

/* ---- reading it ---- */

static void assert_end_is_read(int64_t end_seconds)
{
    struct tlsserver *s = tlsserver_start(end_seconds);
    struct err err = { 0 };
    int64_t end_ms = -1;
    char text[400];
    if (http_certificate_end("127.0.0.1", tlsserver_port(s), 5000, &end_ms, &err) < 0)
        fail_msg("%s", err_text(&err, text, sizeof(text)));
    assert_int_equal(end_ms, end_seconds * 1000);
    tlsserver_stop(s);
}

static void the_end_of_a_certificate_is_read_whoever_signed_it(void **state)
{
    (void)state;
    assert_end_is_read(in_days(90));
    assert_end_is_read(INT64_C(1796040000)); /* 30 November 2026 */
    assert_end_is_read(INT64_C(1796126400)); /* a day of one digit */
    assert_end_is_read(INT64_C(4102444800)); /* 2100: X.509 writes years from 2050 on in another form */
}

static void the_end_of_a_certificate_that_has_expired_is_read(void **state)
{
    (void)state;
    assert_end_is_read(in_days(-1));
    assert_end_is_read(INT64_C(1000000000));
}

static void *hang_up(void *arg)
{
    char sink[512];
    int fd = accept(*(const int *)arg, NULL, NULL);
    if (recv(fd, sink, sizeof(sink), 0) > 0)
        (void)send(fd, "220 mail\r\n", 10, MSG_NOSIGNAL);
    close_p(&fd);
    return NULL;
}

static void what_speaks_no_tls_has_no_certificate(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t end_ms = 7;
    pthread_t thread;
    int port, fd = host_listen(&port);
    assert_int_equal(pthread_create(&thread, NULL, hang_up, &fd), 0);
    assert_int_equal(http_certificate_end("127.0.0.1", port, 5000, &end_ms, &err), -ERR_NET);
    (void)pthread_join(thread, NULL);
    close_p(&fd);
    err_clear(&err);
    assert_int_equal(http_certificate_end("127.0.0.1", port, 5000, &end_ms, &err), -ERR_UNREACHABLE);
    assert_int_equal(end_ms, 7);
}

static void a_silent_server_costs_no_more_than_the_limit(void **state)
{
    (void)state;
    struct err err = { 0 };
    int64_t end_ms = 7, start = clock_mono_ms();
    int port, fd = host_listen(&port);
    assert_int_equal(http_certificate_end("127.0.0.1", port, 200, &end_ms, &err), -ERR_TIMEOUT);
    int64_t took = clock_mono_ms() - start;
    assert_true(took >= 190 && took < 2000);
    assert_int_equal(end_ms, 7);
    close_p(&fd);
}

/* ---- in the reports ---- */

static int set_up(void **state)
{
    int r = host_set_up_found_engine(state);
    struct host *h = *state;
    fake_engine_reply(h->fake, "GET /containers/b/stats", 200,
                      "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":1}},\"memory_stats\":{\"usage\":1,\"limit\":2}}");
    return r;
}

#define REPORT_CASE(name) cmocka_unit_test_setup_teardown(name, set_up, host_tear_down)

/* Blue runs with its published port there. health_path: "" for a TCP check. */
static void serves_on(struct host *h, int port, const char *health_path)
{
    char text[2048];
    h->run.spec.port = port;
    (void)spec_set_str(&h->run.spec.app, "shop", NULL);
    (void)spec_set_str(&h->run.spec.image, "reg/shop:v2", NULL);
    (void)spec_set_str(&h->run.spec.health_path, health_path, NULL);
    host_assert_result(h, request_store(&h->run, &h->err), 0);
    host_write(h->run.dir_fd, "outcome.json", "{}"); /* it is over */
    (void)snprintf(text, sizeof(text),
                   "{\"Id\":\"b\",\"Name\":\"/shop-blue\",\"State\":{\"Status\":\"running\",\"Running\":true,"
                   "\"StartedAt\":\"2026-01-29T03:10:03.5Z\"},\"HostConfig\":{\"PortBindings\":{\"8080/tcp\":[{"
                   "\"HostPort\":\"%d\"}]}},\"NetworkSettings\":{\"Ports\":{\"8080/tcp\":[{\"HostPort\":\"%d\"}]}},"
                   "\"Config\":{\"Labels\":{\"io.bluegreen.app\":\"shop\",\"io.bluegreen.deployment\":\"" HOST_ID
                   "\"}}}",
                   port, port);
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 200, text);
}

static struct json *ask(struct host *h, struct look_memory *memory)
{
    struct json *report = NULL;
    host_assert_result(h, status_report(HOST_APP, 0, memory, &report, &h->err), 0);
    return report;
}

static const struct json *named(const struct json *list, const char *key, const char *value)
{
    for (const struct json *j = json_first(list); j; j = json_next(j))
        if (strcmp(json_str(j, key, ""), value) == 0)
            return j;
    return NULL;
}

static void assert_end(const struct json *report, int64_t end_seconds)
{
    char iso[CLOCK_ISO_SIZE] = "";
    if (end_seconds)
        (void)clock_format_iso(end_seconds * 1000, iso);
    assert_string_equal(json_str(json_get(report, "blue"), "certificate_end", "none told"), iso);
}

static void an_app_with_a_tcp_check_is_asked_for_its_certificate(void **state)
{
    struct host *h = *state;
    int64_t end = in_days(5) + 3600;
    struct tlsserver *s = tlsserver_start(end);
    serves_on(h, tlsserver_port(s), "");
    struct json *report = ask(h, NULL);
    const struct json *r = named(json_get(report, "recommendations"), "code", "certificate_expiring");
    char command[200];
    assert_end(report, end);
    assert_string_equal(json_str(json_get(report, "blue"), "health", ""), "healthy");
    assert_non_null(strstr(json_str(r, "text", ""), "expires in 5 days, on 20"));
    (void)snprintf(command, sizeof(command),
                   "echo | openssl s_client -connect 127.0.0.1:%d 2>/dev/null | openssl x509 -noout -enddate",
                   tlsserver_port(s));
    assert_string_equal(json_str(r, "command", ""), command);
    json_free(report);
    tlsserver_stop(s);
}

static void a_certificate_that_holds_long_is_told_and_no_reason_for_a_recommendation(void **state)
{
    struct host *h = *state;
    int64_t end = in_days(90);
    struct tlsserver *s = tlsserver_start(end);
    serves_on(h, tlsserver_port(s), "");
    struct json *report = ask(h, NULL);
    assert_end(report, end);
    assert_null(named(json_get(report, "recommendations"), "code", "certificate_expiring"));
    assert_null(named(json_get(report, "recommendations"), "code", "certificate_expired"));
    json_free(report);
    tlsserver_stop(s);
}

static void an_app_whose_plain_check_fails_because_of_tls_is_asked(void **state)
{
    struct host *h = *state;
    int64_t end = in_days(-3);
    struct tlsserver *s = tlsserver_start(end);
    serves_on(h, tlsserver_port(s), "/health");
    struct json *report = ask(h, NULL);
    assert_end(report, end);
    assert_string_equal(json_str(json_get(report, "blue"), "health", ""), "unhealthy");
    assert_string_equal(
        json_str(named(json_get(report, "recommendations"), "code", "certificate_expired"), "level", ""), "error");
    json_free(report);
    tlsserver_stop(s);
}

static void one_channel_looks_once_a_minute(void **state)
{
    struct host *h = *state;
    int64_t end = in_days(90);
    struct tlsserver *s = tlsserver_start(end);
    struct look_memory memory = { 0 };
    serves_on(h, tlsserver_port(s), "");
    for (int i = 0; i < 3; i++) {
        struct json *report = ask(h, &memory);
        assert_end(report, end);
        json_free(report);
    }
    assert_int_equal(tlsserver_handshakes(s), 1);
    memory.samples[LOOK_BLUE].certificate_at_ms -= 60 * 1000;
    json_free(ask(h, &memory));
    assert_int_equal(tlsserver_handshakes(s), 2);
    look_memory_done(&memory);
    tlsserver_stop(s);
}

static void diagnose_has_it_among_its_findings(void **state)
{
    struct host *h = *state;
    struct tlsserver *s = tlsserver_start(in_days(-3));
    struct wire_request request;
    struct json *report = NULL;
    serves_on(h, tlsserver_port(s), "");
    wire_request_init(&request);
    request.op = WIRE_DIAGNOSE;
    (void)snprintf(request.app, sizeof(request.app), "%s", HOST_APP);
    host_assert_result(h, diagnose_report(&request, &report, &h->err), 0);
    const struct json *f = named(json_get(report, "findings"), "code", "certificate_expired");
    assert_string_equal(json_str(f, "subject", ""), "blue");
    assert_non_null(strstr(json_str(f, "cause", ""), "expired 3 days ago"));
    const struct json *check = named(json_get(report, "checks"), "name", "certificate");
    assert_non_null(check);
    assert_false(json_bool(check, "ok", true));
    json_free(report);
    wire_request_done(&request);
    tlsserver_stop(s);
}

/* ---- what speaks plain HTTP ---- */

struct plain {
    int fd, port, stop[2];
    const char *answer;
    pthread_t thread;
    atomic_int connections, handshakes;
};

static void *serve_plainly(void *arg)
{
    struct plain *a = arg;
    struct pollfd p[2] = { { .fd = a->fd, .events = POLLIN }, { .fd = a->stop[0], .events = POLLIN } };
    while (poll(p, 2, -1) > 0 && p[1].revents == 0) {
        char bytes[4096] = "";
        _cleanup_(close_p) int fd = accept(a->fd, NULL, NULL);
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        atomic_fetch_add(&a->connections, 1);
        if (n > 0 && bytes[0] == 0x16)
            atomic_fetch_add(&a->handshakes, 1);
        if (n > 0)
            (void)send(fd, a->answer, strlen(a->answer), MSG_NOSIGNAL);
    }
    return NULL;
}

static void plain_start(struct plain *a, const char *answer)
{
    memset(a, 0, sizeof(*a));
    a->answer = answer;
    a->fd = host_listen(&a->port);
    assert_int_equal(pipe(a->stop), 0);
    assert_int_equal(pthread_create(&a->thread, NULL, serve_plainly, a), 0);
}

static void plain_stop(struct plain *a)
{
    close_p(&a->stop[1]);
    (void)pthread_join(a->thread, NULL);
    close_p(&a->stop[0]);
    close_p(&a->fd);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

/* Handshakes that a status costs an app which answers so; also that it tells of no certificate. */
static int cost_of_status(struct host *h, const char *answer)
{
    struct plain a;
    plain_start(&a, answer);
    serves_on(h, a.port, "/health");
    struct json *report = ask(h, NULL);
    assert_end(report, 0);
    json_free(report);
    plain_stop(&a);
    assert_true(atomic_load(&a.connections) > 0);
    return atomic_load(&a.handshakes);
}

static void an_app_that_answers_plain_http_costs_no_handshake(void **state)
{
    struct host *h = *state;
    assert_int_equal(cost_of_status(h, OK), 0);
}

static void an_app_that_answers_that_it_is_sick_costs_no_handshake(void **state)
{
    struct host *h = *state;
    assert_int_equal(cost_of_status(h, "HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), 0);
}

static void an_answer_that_tls_servers_give_to_plain_http_costs_one(void **state)
{
    struct host *h = *state;
    assert_int_equal(cost_of_status(h, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), 1);
}

static void a_plain_health_port_does_not_hide_the_certificate_of_the_published_one(void **state)
{
    struct host *h = *state;
    int64_t end = in_days(7) + 3600;
    struct tlsserver *s = tlsserver_start(end);
    struct plain a;
    plain_start(&a, OK);
    h->run.spec.health_port = a.port;
    serves_on(h, tlsserver_port(s), "/health");
    struct json *report = ask(h, NULL);
    assert_end(report, end);
    assert_string_equal(json_str(json_get(report, "blue"), "health", ""), "healthy");
    json_free(report);
    plain_stop(&a);
    assert_int_equal(atomic_load(&a.handshakes), 0);
    tlsserver_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_certificate_is_read_whoever_signed_it),
        cmocka_unit_test(the_end_of_a_certificate_that_has_expired_is_read),
        cmocka_unit_test(what_speaks_no_tls_has_no_certificate),
        cmocka_unit_test(a_silent_server_costs_no_more_than_the_limit),
        REPORT_CASE(an_app_with_a_tcp_check_is_asked_for_its_certificate),
        REPORT_CASE(a_certificate_that_holds_long_is_told_and_no_reason_for_a_recommendation),
        REPORT_CASE(an_app_whose_plain_check_fails_because_of_tls_is_asked),
        REPORT_CASE(one_channel_looks_once_a_minute),
        REPORT_CASE(diagnose_has_it_among_its_findings),
        REPORT_CASE(an_app_that_answers_plain_http_costs_no_handshake),
        REPORT_CASE(an_app_that_answers_that_it_is_sick_costs_no_handshake),
        REPORT_CASE(a_plain_health_port_does_not_hide_the_certificate_of_the_published_one),
        REPORT_CASE(an_answer_that_tls_servers_give_to_plain_http_costs_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
