#include "agent/serve.h"

#include "agent/state/lock.h"
#include "shared/clock.h"
#include "shared/http.h"
#include "tests/unit/agent/client.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static void hello_comes_first(void **state)
{
    (void)state;
    struct client c;
    client_open(&c);
    client_expect(&c, EVENT_HELLO);
    assert_int_equal(c.ev.seq, 0);
    assert_int_equal(json_int(c.ev.body, "pid", 0), c.pid);
    assert_string_equal(json_str(c.ev.body, "agent", ""), BLUEGREEN_VERSION);
    assert_true(json_str(c.ev.body, "arch", "")[0] != '\0');
    assert_int_equal(client_close(&c), 0);
}

static void status_is_reported(void **state)
{
    (void)state;
    struct client c;
    client_open_greeted(&c);
    client_request(&c, WIRE_STATUS, "", 1);
    client_expect(&c, EVENT_REPORT);
    const struct json *report = json_get(c.ev.body, "report");
    assert_int_equal(c.ev.seq, 0);
    assert_string_equal(json_str(report, "app", ""), HOST_APP);
    assert_string_equal(json_str(json_get(report, "engine"), "version", ""), "20.10.24");
    assert_non_null(json_get(report, "blue"));
    assert_false(json_is_object(json_get(report, "blue")));
    assert_int_equal(json_len(json_get(report, "deployments")), 0);
    assert_false(json_bool(json_get(report, "lock"), "held", true));
    client_expect_outcome(&c, "reported", "");
    assert_int_equal(client_close(&c), 0);
}

static void a_question_that_fails_does_not_end_the_channel(void **state)
{
    (void)state;
    struct client c;
    client_open_greeted(&c);
    for (int i = 0; i < 2; i++) {
        client_request(&c, WIRE_STATUS, "", 1);
        client_expect_outcome(&c, "failed_untouched", "docker_missing");
    }
    assert_int_equal(client_close(&c), 0);
}

/* Of the agent's children the only one. */
static pid_t child_of(pid_t pid)
{
    char path[64], text[64] = "";
    int64_t child = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text));
    assert_true(n > 1 && span_to_int((struct span){ text, (size_t)n - 1 }, 2, INT32_MAX, &child)); /* a blank ends it */
    return (pid_t)child;
}

static void the_channel_ends_where_a_log_was_cut_off(void **state)
{
    struct host *h = *state;
    struct client c;
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 200,
                      "{\"Id\":\"abc\",\"Name\":\"/shop-blue\",\"State\":{\"Running\":true}}");
    fake_engine_answer(h->fake, (struct fake_answer){ .request = "GET /containers/abc/logs", .status = FAKE_HANG });
    client_open_greeted(&c);
    client_request(&c, WIRE_LOGS, "", 1);
    while (fake_engine_count(h->fake, "GET /containers/abc/logs") == 0)
        clock_sleep_ms(1);
    assert_int_equal(kill(child_of(c.pid), SIGKILL), 0);
    assert_false(client_next(&c)); /* not one word more: half a frame may stand before it */
    assert_int_equal(client_close(&c), ERR_NET);
}

static void refused(const char *bytes)
{
    struct client c;
    client_open_greeted(&c);
    client_send(&c, span_of(bytes));
    (void)shutdown(c.fd, SHUT_WR);
    assert_false(client_next(&c)); /* no answer: what asks so is no client of ours */
    assert_int_equal(client_close(&c), ERR_PROTO);
}

static void an_unknown_request_ends_the_channel(void **state)
{
    (void)state;
    refused("29\n{\"v\":1,\"op\":\"x\",\"app\":\"shop\"}");
    refused("34\n{\"v\":1,\"op\":\"\",\"app\":\"shop\",\"x\":1}");
}

static void a_request_of_another_version_ends_the_channel(void **state)
{
    (void)state;
    refused("34\n{\"v\":2,\"op\":\"status\",\"app\":\"shop\"}");
}

static void a_frame_that_is_too_long_ends_the_channel(void **state)
{
    (void)state;
    refused("1048577\n");
    refused("99999999\n");
}

static void what_is_no_frame_ends_the_channel(void **state)
{
    (void)state;
    refused("GET / HTTP/1.1\r\n");
    refused("034\n{\"v\":1,\"op\":\"status\",\"app\":\"shop\"}");
    refused("\n");
    refused("-1\n");
}

static void a_request_cut_in_the_middle_is_told(void **state)
{
    (void)state;
    struct client c;
    client_open_greeted(&c);
    client_send(&c, SPAN_LIT("35\n{\"v\":1,\"op\":\"stat"));
    assert_int_equal(client_close(&c), ERR_PROTO);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct client c;
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    client_open_greeted(&c);
    client_add_request(&out, WIRE_STATUS, "", 1);
    for (size_t i = 0; i < out.len; i++)
        client_send(&c, (struct span){ out.ptr + i, 1 });
    client_expect(&c, EVENT_REPORT);
    client_expect_outcome(&c, "reported", "");
    assert_int_equal(client_close(&c), 0);
    buf_done(&out);
}

static void requests_in_one_piece_are_answered_in_order(void **state)
{
    (void)state;
    struct client c;
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    client_open_greeted(&c);
    client_add_request(&out, WIRE_STATUS, "", 1);
    client_add_request(&out, WIRE_BUNDLE, HOST_ID, 1);
    client_add_request(&out, WIRE_STATUS, "", 1);
    client_send(&c, buf_span(&out));
    client_expect_outcome(&c, "reported", "");
    client_expect_outcome(&c, "failed_untouched", "not_found");
    client_expect_outcome(&c, "reported", "");
    assert_int_equal(client_close(&c), 0);
    buf_done(&out);
}

static void without_an_engine_nothing_is_touched(void **state)
{
    (void)state;
    struct client c;
    client_open_greeted(&c);
    client_deploy_without_engine(&c);
    assert_int_equal(client_close(&c), 0);
}

static void a_repeated_deployment_is_told_again_from_the_start(void **state)
{
    struct host *h = *state;
    struct client c;
    struct lock_owner owner;
    client_open_greeted(&c);
    client_deploy_without_engine(&c);
    uint64_t last = c.ev.seq;
    for (int i = 0; i < 2; i++) {
        client_request(&c, WIRE_DEPLOY, HOST_ID, 1);
        assert_int_equal(client_read_numbered(&c, 1), last);
    }
    assert_int_equal(client_close(&c), 0);
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    /* The worker's last word comes before it lets go. */
    for (int64_t end = clock_mono_ms() + CLIENT_WAIT_MS; lock_is_held(h->run.app_fd, &owner) && clock_mono_ms() < end;)
        clock_sleep_ms(1);
    assert_false(lock_is_held(h->run.app_fd, &owner));
}

static void attach_gives_exactly_what_is_missing(void **state)
{
    (void)state;
    struct client c;
    client_open_greeted(&c);
    client_deploy_without_engine(&c);
    uint64_t last = c.ev.seq;
    assert_int_equal(client_close(&c), 0);
    client_open_greeted(&c); /* after the connection was lost */
    for (uint64_t from = 1; from <= last; from++) {
        client_request(&c, WIRE_ATTACH, HOST_ID, from);
        assert_int_equal(client_read_numbered(&c, from), last);
    }
    assert_int_equal(client_close(&c), 0);
}

static void attach_to_what_is_not_known_tells_so(void **state)
{
    (void)state;
    struct client c;
    client_open_greeted(&c);
    client_request(&c, WIRE_ATTACH, HOST_ID, 1);
    client_expect_outcome(&c, "unknown", "remote");
    assert_int_equal(client_close(&c), 0);
}

static void a_cancel_of_what_is_not_known_is_not_answered(void **state)
{
    (void)state;
    struct client c;
    client_open_greeted(&c);
    client_request(&c, WIRE_CANCEL, HOST_ID, 1);
    client_request(&c, WIRE_STATUS, "", 1);
    client_expect(&c, EVENT_REPORT);
    assert_int_equal(client_close(&c), 0);
}

static void a_rollback_needs_a_version_to_go_back_to(void **state)
{
    (void)state;
    struct client c;
    client_open_greeted(&c);
    client_request(&c, WIRE_ROLLBACK, HOST_ID, 1);
    client_expect_outcome(&c, "failed_untouched", "no_previous");
    assert_int_equal(client_close(&c), 0);
}

static void another_run_of_the_app_keeps_it_out(void **state)
{
    struct host *h = *state;
    struct client c;
    struct lock_owner me = { .pid = 1, .run_link = "the other run" };
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    host_assert_result(h, lock_take(h->run.app_fd, &me, 0, NULL, NULL, NULL, &h->run.lock_fd, &h->err), 0);
    client_open_greeted(&c);
    client_request(&c, WIRE_DEPLOY, HOST_ID, 1);
    client_expect(&c, EVENT_LOG);
    assert_non_null(strstr(json_str(c.ev.body, "text", ""), "the other run"));
    client_expect_outcome(&c, "failed_untouched", "locked");
    assert_int_equal(client_close(&c), 0);
}

static void no_secret_reaches_the_disk(void **state)
{
    struct host *h = *state;
    struct client c;
    size_t files = 0;
    client_open_greeted(&c);
    client_deploy_without_engine(&c);
    assert_int_equal(client_close(&c), 0);
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    host_assert_result(h, store_open_deployment(h->run.app_fd, HOST_ID, &h->run.dir_fd, &h->err), 0);
    DIR *dir = fdopendir(dup(h->run.dir_fd));
    assert_non_null(dir);
    for (const struct dirent *d; (d = readdir(dir));) {
        struct buf text;
        struct stat st;
        if (d->d_name[0] == '.')
            continue;
        if (strstr(host_read(h->run.dir_fd, d->d_name, &text), CLIENT_SECRET))
            fail_msg("the secret is in %s", d->d_name);
        assert_int_equal(fstatat(h->run.dir_fd, d->d_name, &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        buf_done(&text);
        files++;
    }
    closedir(dir);
    assert_true(files >= 6); /* request, journal, events, outcome, log, metrics */
}

static void a_bundle_comes_as_data(void **state)
{
    (void)state;
    struct client c;
    client_open_greeted(&c);
    client_deploy_without_engine(&c);
    client_request(&c, WIRE_BUNDLE, HOST_ID, 1);
    size_t total = 0;
    for (;;) {
        assert_true(client_next(&c));
        if (c.ev.kind != EVENT_DATA)
            break;
        size_t bytes = (size_t)json_int(c.ev.body, "bytes", 0);
        assert_true(bytes > 0);
        while (c.in.len < bytes)
            assert_true(client_read(&c));
        if (total == 0)
            assert_memory_equal(c.in.ptr, "\x1f\x8b", 2);
        buf_consume(&c.in, bytes);
        total += bytes;
    }
    assert_true(total > 100);
    assert_int_equal(c.ev.kind, EVENT_OUTCOME);
    assert_string_equal(json_str(c.ev.body, "outcome", ""), "reported");
    client_expect(&c, EVENT_END);
    assert_int_equal(client_close(&c), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE_CASE(hello_comes_first),
        EMPTY_CASE(status_is_reported),
        EMPTY_CASE(the_channel_ends_where_a_log_was_cut_off),
        ALONE_CASE(a_question_that_fails_does_not_end_the_channel),
        ALONE_CASE(an_unknown_request_ends_the_channel),
        ALONE_CASE(a_request_of_another_version_ends_the_channel),
        ALONE_CASE(a_frame_that_is_too_long_ends_the_channel),
        ALONE_CASE(what_is_no_frame_ends_the_channel),
        ALONE_CASE(a_request_cut_in_the_middle_is_told),
        EMPTY_CASE(a_request_may_come_byte_by_byte),
        EMPTY_CASE(requests_in_one_piece_are_answered_in_order),
        ALONE_CASE(without_an_engine_nothing_is_touched),
        ALONE_CASE(a_repeated_deployment_is_told_again_from_the_start),
        ALONE_CASE(attach_gives_exactly_what_is_missing),
        ALONE_CASE(attach_to_what_is_not_known_tells_so),
        EMPTY_CASE(a_cancel_of_what_is_not_known_is_not_answered),
        EMPTY_CASE(a_rollback_needs_a_version_to_go_back_to),
        ALONE_CASE(another_run_of_the_app_keeps_it_out),
        ALONE_CASE(no_secret_reaches_the_disk),
        ALONE_CASE(a_bundle_comes_as_data),
    };
    struct err err = { 0 };
    if (http_global_init(&err) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
