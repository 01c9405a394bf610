#include "shared/http.h"

#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* What an exchange may take longer than asked, on a machine that does other things too. */
#define SLACK_MS 600
#define BIG_BODY (300 * 1024)

/*
 * A small server in a thread: one connection after the other, any number of requests on each. The path of a request
 * says how it answers.
 */
struct server {
    int listener;
    int stop[2]; /* pipe: closing the writing end ends the thread */
    pthread_t thread;
    atomic_int connections;
    char url[128];
    char dir[64];
    char path[96]; /* of the Unix socket, "" for TCP */
};

static struct server tcp;
static struct server local;
static volatile sig_atomic_t cancel;
static struct http *client;

/* Wait until fd can be read, at most ms; false when time is up or the server is to stop. */
static bool wait_readable(const struct server *s, int fd, int ms)
{
    struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = s->stop[0], .events = POLLIN } };
    int n;
    do
        n = poll(p, 2, ms);
    while (n < 0 && errno == EINTR); /* seteuid() signals every thread */
    return n > 0 && p[1].revents == 0;
}

static bool send_text(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_str(int fd, const char *text)
{
    return send_text(fd, text, strlen(text));
}

static bool send_answer(int fd, const char *status, const char *extra, struct span body)
{
    _cleanup_(buf_done) struct buf b = BUF_INIT(4 * BIG_BODY);
    buf_addf(&b, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status, body.len, extra);
    buf_add_span(&b, body);
    return send_text(fd, b.ptr, b.len);
}

/* One byte every 20 ms for as long as the client stays. */
static void drip(const struct server *s, int fd)
{
    struct pollfd stop = { .fd = s->stop[0], .events = POLLIN };
    if (!send_str(fd, "HTTP/1.1 200 OK\r\n\r\n"))
        return;
    while (poll(&stop, 1, 20) == 0 && send_str(fd, "."))
        ;
}

static bool send_chunks(int fd)
{
    if (!send_str(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
        return false;
    for (int i = 0; i < 5; i++) {
        char chunk[40];
        (void)snprintf(chunk, sizeof(chunk), "7\r\nevent %d\r\n", i);
        if (!send_str(fd, chunk))
            return false;
    }
    return send_str(fd, "0\r\n\r\n");
}

static bool send_big(int fd, const char *status)
{
    _cleanup_(free_p) char *body = malloc(BIG_BODY);
    memset(body, 'x', BIG_BODY);
    return send_answer(fd, status, "", (struct span){ .ptr = body, .len = BIG_BODY });
}

static bool send_endless_headers(int fd)
{
    bool ok = send_str(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; ok && i < 100000; i++)
        ok = send_str(fd, "X-Header: 0123456789012345678901234567890123456789\r\n");
    return ok;
}

/* Answer one request; false ends the connection. */
static bool answer(const struct server *s, int fd, const char *path, struct span request)
{
    if (strcmp(path, "/ok") == 0)
        return send_answer(fd, "200 OK", "Content-Type:  text/plain \r\napi-version: 1.41\r\n", SPAN_LIT("hello"));
    if (strcmp(path, "/aws-error") == 0)
        return send_answer(fd, "400 Bad Request",
                           "Date: Sun, 30 Aug 2015 12:36:00 GMT\r\nX-Amzn-ErrorType: AccessDenied:http://x/\r\n",
                           SPAN_LIT("{}"));
    if (strcmp(path, "/bad-date") == 0)
        return send_answer(fd, "200 OK", "Date: yesterday\r\n", SPAN_LIT(""));
    if (strcmp(path, "/echo") == 0)
        return send_answer(fd, "200 OK", "", request);
    if (strcmp(path, "/missing") == 0)
        return send_answer(fd, "404 Not Found", "", SPAN_LIT("no such thing"));
    if (strcmp(path, "/head") == 0)
        return send_str(fd, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
    if (strcmp(path, "/big") == 0)
        return send_big(fd, "200 OK");
    if (strcmp(path, "/big-error") == 0)
        return send_big(fd, "500 Internal Server Error");
    if (strcmp(path, "/chunks") == 0)
        return send_chunks(fd);
    if (strcmp(path, "/redirect") == 0)
        return send_answer(fd, "302 Found", "Location: /ok\r\nContent-Type: text/html\r\n", SPAN_LIT("moved"));
    if (strcmp(path, "/loop") == 0)
        return send_answer(fd, "302 Found", "Location: /loop\r\n", SPAN_LIT(""));
    if (strcmp(path, "/to-file") == 0)
        return send_answer(fd, "302 Found", "Location: file:///etc/passwd\r\n", SPAN_LIT(""));
    if (strcmp(path, "/half") == 0)
        return send_str(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") && false;
    if (strcmp(path, "/nonsense") == 0)
        return send_str(fd, "220 mail.example.org ESMTP\r\n") && false;
    if (strcmp(path, "/headers") == 0)
        return send_endless_headers(fd) && false;
    if (strcmp(path, "/once") == 0)
        return send_answer(fd, "200 OK", "", SPAN_LIT("bye")) && false;
    if (strcmp(path, "/stall") == 0)
        return send_str(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome") && wait_readable(s, fd, 20000) &&
               false;
    if (strcmp(path, "/silent") == 0)
        return wait_readable(s, fd, 20000) && false;
    if (strcmp(path, "/drip") == 0)
        drip(s, fd);
    return false; /* "/close" */
}

/* Length of the whole request in b, 0 when more is to come. */
static size_t request_len(const struct buf *b)
{
    const char *end = b->len ? strstr(b->ptr, "\r\n\r\n") : NULL;
    if (!end)
        return 0;
    size_t len = (size_t)(end - b->ptr) + 4;
    const char *field = strcasestr(b->ptr, "\r\nContent-Length: ");
    if (field && field < end)
        len += strtoul(field + 18, NULL, 10);
    return b->len >= len ? len : 0;
}

static void serve(const struct server *s, int fd)
{
    _cleanup_(buf_done) struct buf in = BUF_INIT(8 * BIG_BODY);
    while (wait_readable(s, fd, 20000)) {
        char chunk[4096];
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
        if (n <= 0)
            return;
        buf_add(&in, chunk, (size_t)n);
        if (in.ptr[0] < 'A') { /* TLS */
            (void)send_str(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
            return;
        }
        size_t len = request_len(&in);
        if (len == 0)
            continue;
        char path[64] = "";
        (void)sscanf(in.ptr, "%*15s %63s", path);
        if (!answer(s, fd, path, (struct span){ .ptr = in.ptr, .len = len }))
            return;
        buf_consume(&in, len);
    }
}

static void *server_main(void *ctx)
{
    struct server *s = ctx;
    while (wait_readable(s, s->listener, -1)) {
        _cleanup_(close_p) int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        s->connections++;
        serve(s, fd);
    }
    return NULL;
}

static void start(struct server *s, const void *addr, socklen_t len, int family)
{
    s->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, addr, len), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    assert_int_equal(pipe(s->stop), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}

static void stop(struct server *s)
{
    close(s->stop[1]);
    pthread_join(s->thread, NULL);
    close(s->stop[0]);
    close(s->listener);
}

/* Bind to a free port of the loopback address. */
static struct sockaddr_in loopback(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    return a;
}

static struct sockaddr_un unix_addr(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    return a;
}

static int start_servers(void **state)
{
    (void)state;
    struct sockaddr_in a = loopback();
    socklen_t len = sizeof(a);
    start(&tcp, &a, sizeof(a), AF_INET);
    assert_int_equal(getsockname(tcp.listener, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(tcp.url, sizeof(tcp.url), "http://127.0.0.1:%d", ntohs(a.sin_port));
    (void)snprintf(local.dir, sizeof(local.dir), "/tmp/bg-http-XXXXXX");
    assert_non_null(mkdtemp(local.dir));
    assert_int_equal(chmod(local.dir, 0755), 0);
    (void)snprintf(local.path, sizeof(local.path), "%s/socket", local.dir);
    (void)snprintf(local.url, sizeof(local.url), "http://docker");
    struct sockaddr_un u = unix_addr(local.path);
    start(&local, &u, sizeof(u), AF_UNIX);
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    stop(&tcp);
    stop(&local);
    (void)unlink(local.path);
    (void)rmdir(local.dir);
    return 0;
}

static int new_client(void **state)
{
    (void)state;
    cancel = 0;
    return http_new(&client, &cancel, NULL);
}

static int free_client(void **state)
{
    (void)state;
    http_free_p(&client);
    return 0;
}

static int get(struct server *s, const char *path, struct http_request q, struct http_response *r, struct err *err)
{
    char url[256];
    (void)snprintf(url, sizeof(url), "%s%s", s->url, path);
    q.url = url;
    if (!q.method)
        q.method = "GET";
    if (q.timeout_ms == 0)
        q.timeout_ms = 20000; /* no test hangs */
    q.unix_socket = *s->path ? s->path : NULL;
    memset(err, 0, sizeof(*err));
    return http_perform(client, &q, r, err);
}

static void assert_said(const struct err *err, const char *words)
{
    char text[2000];
    if (!strstr(err_text(err, text, sizeof(text)), words))
        fail_msg("'%s' does not say '%s'", text, words);
}

static void assert_took(const struct http_response *r, int64_t at_least_ms)
{
    if (r->took_ms < at_least_ms || r->took_ms > at_least_ms + SLACK_MS)
        fail_msg("took %lld ms, wanted %lld", (long long)r->took_ms, (long long)at_least_ms);
}

/* Runs a request that must fail with this kind; the caller looks at the rest. */
static void assert_fails(struct server *s, const char *path, struct http_request q, enum err_kind kind,
                         const char *words)
{
    struct err err;
    struct http_response r;
    int result = get(s, path, q, &r, &err);
    http_response_done(&r);
    assert_int_equal(result, -(int)kind);
    assert_int_equal(err.kind, kind);
    assert_said(&err, words);
}

static void assert_ok_answer(struct server *s)
{
    struct err err;
    struct http_response r;
    assert_int_equal(get(s, "/ok", (struct http_request){ 0 }, &r, &err), 0);
    assert_int_equal(r.status, 200);
    assert_string_equal(buf_str(&r.body), "hello");
    assert_string_equal(r.content_type, "text/plain");
    assert_string_equal(r.api_version, "1.41");
    http_response_done(&r);
}

static void a_get_over_tcp_gives_status_body_and_headers(void **state)
{
    (void)state;
    assert_ok_answer(&tcp);
}

static void a_get_over_a_unix_socket_gives_status_body_and_headers(void **state)
{
    (void)state;
    assert_ok_answer(&local);
}

static void an_error_status_is_an_answer(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    assert_int_equal(get(&tcp, "/missing", (struct http_request){ 0 }, &r, &err), 0);
    assert_int_equal(r.status, 404);
    assert_string_equal(buf_str(&r.body), "no such thing");
    assert_string_equal(r.content_type, "");
    http_response_done(&r);
}

static void a_head_request_has_no_body(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    assert_int_equal(get(&tcp, "/head", (struct http_request){ .method = "HEAD" }, &r, &err), 0);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.len, 0);
    http_response_done(&r);
}

/* Sends the request to /echo and hands back what the server got. */
static char *sent(struct http_request q)
{
    struct err err;
    struct http_response r;
    q.max_body = 4 * BIG_BODY;
    assert_int_equal(get(&tcp, "/echo", q, &r, &err), 0);
    char *text = buf_detach(&r.body);
    http_response_done(&r);
    assert_non_null(text);
    return text;
}

static void a_post_sends_its_body_and_type_and_headers(void **state)
{
    (void)state;
    static const char *const headers[] = { "X-Registry-Auth: e30=", "X-Other: 1", NULL };
    _cleanup_(free_p) char *text =
        sent((struct http_request){ .method = "POST", .headers = headers, .body = SPAN_LIT("{\"a\":1}") });
    assert_ptr_equal(strstr(text, "POST /echo HTTP/1.1\r\n"), text);
    assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(text, "\r\nX-Registry-Auth: e30=\r\n"));
    assert_non_null(strstr(text, "\r\nX-Other: 1\r\n"));
    assert_non_null(strstr(text, "\r\n\r\n{\"a\":1}"));
    assert_null(strcasestr(text, "\r\nExpect:"));
}

static void a_post_without_body_says_length_zero_and_no_type(void **state)
{
    (void)state;
    _cleanup_(free_p) char *text = sent((struct http_request){ .method = "POST" });
    assert_non_null(strstr(text, "\r\nContent-Length: 0\r\n"));
    assert_null(strcasestr(text, "\r\nContent-Type:"));
}

static void a_big_put_arrives_whole_and_without_expect(void **state)
{
    (void)state;
    _cleanup_(free_p) char *body = malloc(2 * BIG_BODY);
    memset(body, 'y', 2 * BIG_BODY);
    _cleanup_(free_p) char *text = sent((struct http_request){
        .method = "PUT", .content_type = "application/x-tar", .body = { .ptr = body, .len = 2 * BIG_BODY } });
    assert_ptr_equal(strstr(text, "PUT /echo HTTP/1.1\r\n"), text);
    assert_non_null(strstr(text, "\r\nContent-Type: application/x-tar\r\n"));
    assert_null(strcasestr(text, "\r\nExpect:"));
    assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 2 * BIG_BODY);
}

static void a_delete_sends_no_body(void **state)
{
    (void)state;
    _cleanup_(free_p) char *text = sent((struct http_request){ .method = "DELETE" });
    assert_ptr_equal(strstr(text, "DELETE /echo HTTP/1.1\r\n"), text);
    assert_null(strcasestr(text, "\r\nContent-Length:"));
}

static void options_of_one_request_do_not_reach_the_next(void **state)
{
    (void)state;
    static const char *const headers[] = { "X-Secret: 1", NULL };
    _cleanup_(free_p) char *first =
        sent((struct http_request){ .method = "PUT", .headers = headers, .body = SPAN_LIT("body") });
    _cleanup_(free_p) char *second = sent((struct http_request){ .method = "GET" });
    assert_non_null(strstr(first, "X-Secret"));
    assert_ptr_equal(strstr(second, "GET /echo"), second);
    assert_null(strstr(second, "X-Secret"));
    assert_null(strstr(second, "body"));
}

static void assert_reuses(struct server *s)
{
    int before = s->connections;
    for (int i = 0; i < 5; i++)
        assert_ok_answer(s);
    assert_int_equal(s->connections - before, 1);
}

static void the_connection_is_kept_over_tcp(void **state)
{
    (void)state;
    assert_reuses(&tcp);
}

static void the_connection_is_kept_over_a_unix_socket(void **state)
{
    (void)state;
    assert_reuses(&local);
}

/* On a connection that was used before, libcurl would send a request again when the server ends it without an answer. */
static void each_request_to_be_sent_once_has_a_connection_of_its_own(void **state)
{
    (void)state;
    struct err err = { 0 };
    int before = tcp.connections;
    for (int i = 0; i < 3; i++) {
        struct http_response r;
        assert_int_equal(get(&tcp, "/ok", (struct http_request){ .once = true }, &r, &err), 0);
        http_response_done(&r);
    }
    assert_int_equal(tcp.connections - before, 3);
}

static void a_label_stands_for_a_secret_address(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct http_response r;
    char text[2000];
    assert_int_equal(get(&tcp, "/close", (struct http_request){ .label = "block 3" }, &r, &err), -ERR_NET);
    assert_null(strstr(err_text(&err, text, sizeof(text)), "/close"));
    assert_null(strstr(text, "127.0.0.1"));
    assert_said(&err, "block 3");
    http_response_done(&r);
}

static void a_connection_that_the_server_closed_is_replaced(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    int before = local.connections;
    assert_int_equal(get(&local, "/once", (struct http_request){ 0 }, &r, &err), 0);
    http_response_done(&r);
    assert_ok_answer(&local);
    assert_int_equal(local.connections - before, 2);
}

static void a_body_of_just_the_cap_is_taken(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct http_request q = { .max_body = BIG_BODY };
    assert_int_equal(get(&tcp, "/big", q, &r, &err), 0);
    assert_int_equal(r.body.len, BIG_BODY);
    http_response_done(&r);
}

static void a_body_beyond_the_cap_is_refused(void **state)
{
    (void)state;
    assert_fails(&tcp, "/big", (struct http_request){ .max_body = BIG_BODY - 1 }, ERR_PROTO,
                 "longer than 307199 bytes");
    assert_ok_answer(&tcp);
}

/* What on_data saw, and how it is to answer. */
struct reader {
    struct buf text;
    size_t stop_at; /* bytes after which it returns `result`; 0: never */
    int result;
    struct err *err;
};

static int read_data(void *ctx, struct span data)
{
    struct reader *reader = ctx;
    buf_add_span(&reader->text, data);
    if (reader->stop_at == 0 || reader->text.len < reader->stop_at)
        return 0;
    if (reader->result < 0 && reader->err)
        (void)err_set(reader->err, (enum err_kind) - reader->result, 7, "the disk is full");
    return reader->result;
}

static void a_stream_goes_to_on_data(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct reader reader = { .text = BUF_INIT(1000) };
    struct http_request q = { .on_data = read_data, .ctx = &reader };
    assert_int_equal(get(&local, "/chunks", q, &r, &err), 0);
    assert_string_equal(buf_str(&reader.text), "event 0event 1event 2event 3event 4");
    assert_int_equal(r.body.len, 0);
    buf_done(&reader.text);
    http_response_done(&r);
}

static void on_data_can_end_the_exchange_early(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct reader reader = { .text = BUF_INIT(1000), .stop_at = 3, .result = 1 };
    struct http_request q = { .on_data = read_data, .ctx = &reader };
    assert_int_equal(get(&tcp, "/drip", q, &r, &err), 0);
    assert_int_equal(r.status, 200);
    assert_int_equal(err.kind, ERR_OK);
    assert_string_equal(buf_str(&reader.text), "...");
    buf_done(&reader.text);
    http_response_done(&r);
    assert_ok_answer(&tcp);
}

static void a_failure_of_on_data_is_the_result(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct reader reader = { .text = BUF_INIT(1000), .stop_at = 1, .result = -ERR_DISK_FULL, .err = &err };
    struct http_request q = { .on_data = read_data, .ctx = &reader };
    assert_int_equal(get(&tcp, "/chunks", q, &r, &err), -ERR_DISK_FULL);
    assert_said(&err, "the disk is full");
    assert_int_equal(err.code, 7);
    buf_done(&reader.text);
    http_response_done(&r);
}

static void a_failure_of_on_data_without_words_still_has_a_kind(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct reader reader = { .text = BUF_INIT(1000), .stop_at = 1, .result = -ERR_IO };
    struct http_request q = { .on_data = read_data, .ctx = &reader };
    assert_int_equal(get(&tcp, "/chunks", q, &r, &err), -ERR_IO);
    assert_int_equal(err.kind, ERR_IO);
    buf_done(&reader.text);
    http_response_done(&r);
}

static void the_body_of_an_error_does_not_go_to_on_data(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct reader reader = { .text = BUF_INIT(1000) };
    struct http_request q = { .on_data = read_data, .ctx = &reader };
    assert_int_equal(get(&tcp, "/missing", q, &r, &err), 0);
    assert_int_equal(r.status, 404);
    assert_string_equal(buf_str(&r.body), "no such thing");
    assert_int_equal(reader.text.len, 0);
    http_response_done(&r);
}

static void a_long_error_of_a_stream_is_cut(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct reader reader = { .text = BUF_INIT(1000) };
    struct http_request q = { .on_data = read_data, .ctx = &reader, .max_body = 1000 };
    assert_int_equal(get(&tcp, "/big-error", q, &r, &err), 0);
    assert_int_equal(r.status, 500);
    assert_int_equal(r.body.len, 1000);
    http_response_done(&r);
}

static void *cancel_soon(void *ctx)
{
    clock_sleep_ms(150);
    *(int64_t *)ctx = clock_mono_ms();
    cancel = 1;
    return NULL;
}

static void assert_cancel_ends(struct server *s, const char *path)
{
    struct err err;
    struct http_response r;
    int64_t cancelled_ms = 0;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancelled_ms), 0);
    int result = get(s, path, (struct http_request){ .timeout_ms = 10000 }, &r, &err);
    int64_t ended_ms = clock_mono_ms();
    pthread_join(thread, NULL);
    http_response_done(&r);
    assert_int_equal(result, -ERR_CANCEL);
    assert_int_equal(err.kind, ERR_CANCEL);
    assert_true(cancelled_ms > 0);
    if (ended_ms - cancelled_ms > SLACK_MS)
        fail_msg("ended %lld ms after the cancel", (long long)(ended_ms - cancelled_ms));
}

static void a_cancel_ends_the_wait_for_a_silent_server(void **state)
{
    (void)state;
    assert_cancel_ends(&local, "/silent");
}

static void a_cancel_ends_a_stream(void **state)
{
    (void)state;
    assert_cancel_ends(&tcp, "/drip");
}

static void a_cancelled_client_sends_nothing(void **state)
{
    (void)state;
    int before = tcp.connections;
    cancel = 1;
    assert_fails(&tcp, "/ok", (struct http_request){ 0 }, ERR_CANCEL, "cancelled");
    assert_int_equal(tcp.connections, before);
}

static void a_silent_server_runs_into_the_total_deadline(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct http_request q = { .timeout_ms = 200 };
    assert_int_equal(get(&local, "/silent", q, &r, &err), -ERR_TIMEOUT);
    assert_took(&r, 200);
    assert_int_equal(r.status, 0);
    assert_said(&err, "/silent");
    assert_said(&err, "not done after 200 ms");
    http_response_done(&r);
}

static void a_dripping_server_runs_into_the_total_deadline(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct http_request q = { .timeout_ms = 700, .idle_timeout_ms = 600 };
    assert_int_equal(get(&tcp, "/drip", q, &r, &err), -ERR_TIMEOUT);
    assert_took(&r, 700);
    assert_said(&err, "not done after 700 ms");
    assert_true(r.body.len > 2);
    http_response_done(&r);
}

static void a_server_that_stalls_runs_into_the_idle_deadline(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct http_request q = { .idle_timeout_ms = 150 };
    assert_int_equal(get(&tcp, "/stall", q, &r, &err), -ERR_TIMEOUT);
    assert_took(&r, 150);
    assert_said(&err, "nothing arrived for 150 ms");
    assert_int_equal(r.status, 200);
    assert_string_equal(buf_str(&r.body), "some");
    http_response_done(&r);
}

static void a_client_works_on_after_a_timeout(void **state)
{
    (void)state;
    assert_fails(&tcp, "/silent", (struct http_request){ .timeout_ms = 50 }, ERR_TIMEOUT, "50 ms");
    assert_ok_answer(&tcp);
}

static void a_refused_connection_is_unreachable_with_errno(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct sockaddr_in a = loopback();
    socklen_t len = sizeof(a);
    _cleanup_(close_p) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* no listen() */
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    struct server nobody = { 0 };
    (void)snprintf(nobody.url, sizeof(nobody.url), "http://127.0.0.1:%d", ntohs(a.sin_port));
    assert_int_equal(get(&nobody, "/", (struct http_request){ 0 }, &r, &err), -ERR_UNREACHABLE);
    assert_int_equal(err.code, ECONNREFUSED);
    http_response_done(&r);
}

static void a_name_that_does_not_resolve_is_unreachable(void **state)
{
    (void)state;
    struct server nowhere = { .url = "http://nowhere.invalid" };
    assert_fails(&nowhere, "/", (struct http_request){ .timeout_ms = 20000 }, ERR_UNREACHABLE, "nowhere.invalid");
}

static void assert_socket_errno(const char *path, int want)
{
    struct err err;
    struct http_response r;
    struct server s = { .url = "http://docker" };
    (void)snprintf(s.path, sizeof(s.path), "%s", path);
    int result = get(&s, "/info", (struct http_request){ 0 }, &r, &err);
    http_response_done(&r);
    assert_int_equal(result, -ERR_UNREACHABLE);
    if (err.code != want)
        fail_msg("errno %d (%s), wanted %s", err.code, strerror(err.code), strerror(want));
    assert_said(&err, path);
    assert_said(&err, strerror(want));
}

static void a_missing_socket_gives_enoent(void **state)
{
    (void)state;
    assert_socket_errno("/nonexistent/docker.sock", ENOENT);
}

static void a_socket_that_nobody_listens_on_gives_econnrefused(void **state)
{
    (void)state;
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/dead", local.dir);
    struct sockaddr_un a = unix_addr(path);
    _cleanup_(close_p) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
    close_p(&fd);
    assert_socket_errno(path, ECONNREFUSED);
    (void)unlink(path);
}

static void a_socket_we_may_not_open_gives_eacces(void **state)
{
    (void)state;
    bool root = geteuid() == 0; /* root may open anything */
    assert_int_equal(chmod(local.path, 0), 0);
    if (root && seteuid(65534) < 0)
        skip();
    assert_socket_errno(local.path, EACCES);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(local.path, 0777), 0);
}

static void a_server_that_closes_without_a_word_is_a_broken_connection(void **state)
{
    (void)state;
    assert_fails(&tcp, "/close", (struct http_request){ 0 }, ERR_NET, "/close");
}

static void a_body_that_is_cut_off_is_a_broken_connection(void **state)
{
    (void)state;
    assert_fails(&tcp, "/half", (struct http_request){ 0 }, ERR_NET, "/half");
}

static void an_answer_that_is_not_http_is_a_protocol_error(void **state)
{
    (void)state;
    assert_fails(&tcp, "/nonsense", (struct http_request){ 0 }, ERR_PROTO, "/nonsense");
}

static void endless_headers_are_refused(void **state)
{
    (void)state;
    assert_fails(&tcp, "/headers", (struct http_request){ .timeout_ms = 10000 }, ERR_PROTO, "header");
}

static void tls_to_a_plain_server_fails(void **state)
{
    (void)state;
    struct server s = { 0 };
    (void)snprintf(s.url, sizeof(s.url), "https%.100s", tcp.url + strlen("http"));
    assert_fails(&s, "/ok", (struct http_request){ .timeout_ms = 5000 }, ERR_NET, "https://127");
}

static void redirects_are_answers_unless_followed(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    assert_int_equal(get(&tcp, "/redirect", (struct http_request){ 0 }, &r, &err), 0);
    assert_int_equal(r.status, 302);
    http_response_done(&r);
    struct http_request q = { .follow_redirects = true };
    assert_int_equal(get(&tcp, "/redirect", q, &r, &err), 0);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.content_type, "text/plain");
    assert_string_equal(buf_str(&r.body), "hello");
    http_response_done(&r);
}

static void a_loop_of_redirects_is_a_protocol_error(void **state)
{
    (void)state;
    assert_fails(&tcp, "/loop", (struct http_request){ .follow_redirects = true }, ERR_PROTO, "/loop");
}

static void a_redirect_to_a_file_is_not_followed(void **state)
{
    (void)state;
    assert_fails(&tcp, "/to-file", (struct http_request){ .follow_redirects = true }, ERR_PROTO, "/to-file");
}

static void requests_that_cannot_be_sent_are_input_errors(void **state)
{
    (void)state;
    static const char *const split[] = { "X-A: 1\r\nX-B: 2", NULL };
    struct server file = { .url = "file:///etc" };
    struct server spaced = { .url = "http://127.0.0.1/a b" };
    assert_fails(&file, "/passwd", (struct http_request){ 0 }, ERR_INPUT, "not an http");
    assert_fails(&spaced, "", (struct http_request){ 0 }, ERR_INPUT, "blank");
    assert_fails(&tcp, "/ok", (struct http_request){ .headers = split }, ERR_INPUT, "line break");
    assert_fails(&tcp, "/ok", (struct http_request){ .method = "BREW" }, ERR_INPUT, "BREW");
    assert_fails(&tcp, "/ok", (struct http_request){ .content_type = "a/b\r\nX: y" }, ERR_INPUT, "line break");
}

static void messages_do_not_show_user_and_query(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    struct server s = { 0 };
    char text[2000];
    (void)snprintf(s.url, sizeof(s.url), "http://user:hunter2@%.100s", tcp.url + strlen("http://"));
    assert_int_equal(get(&s, "/close?token=hunter3#hunter4", (struct http_request){ 0 }, &r, &err), -ERR_NET);
    assert_null(strstr(err_text(&err, text, sizeof(text)), "hunter"));
    assert_said(&err, "GET http://127.0.0.1:");
    assert_said(&err, "/close");
    http_response_done(&r);
}

static void a_proxy_of_the_environment_is_not_asked_for_local_addresses(void **state)
{
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("all_proxy", "http://127.0.0.1:1", 1), 0);
    assert_ok_answer(&tcp);
    assert_ok_answer(&local);
    struct server elsewhere = { .url = "http://app.example.invalid" };
    assert_fails(&elsewhere, "/", (struct http_request){ .timeout_ms = 5000 }, ERR_UNREACHABLE, "127.0.0.1");
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("all_proxy"), 0);
}

static void messages_do_not_quote_a_proxy_that_cannot_be_used(void **state)
{
    static const char *const proxies[] = { "ftp://u:hunter2@h:1", "http://u:hunter2@h:none", "http://u:hunter2@[::" };
    struct server elsewhere = { .url = "http://app.example.invalid" };

    (void)state;
    for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++) {
        struct err err;
        struct http_response r;
        char text[2000];
        assert_int_equal(setenv("http_proxy", proxies[i], 1), 0);
        assert_true(get(&elsewhere, "/", (struct http_request){ .timeout_ms = 5000 }, &r, &err) < 0);
        assert_null(strstr(err_text(&err, text, sizeof(text)), "hunter"));
        assert_said(&err, "http_proxy");
        http_response_done(&r);
    }
    assert_int_equal(unsetenv("http_proxy"), 0);
}

static void escape_keeps_unreserved_characters_only(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf b = BUF_INIT(100);
    http_escape(SPAN_LIT("aZ09-._~ /:@?&=+%\xc3\xa4"), &b);
    assert_string_equal(buf_str(&b), "aZ09-._~%20%2F%3A%40%3F%26%3D%2B%25%C3%A4");
}

#define CLIENT_TEST(f) cmocka_unit_test_setup_teardown(f, new_client, free_client)

static void the_peers_clock_and_the_type_of_an_aws_error_are_told(void **state)
{
    (void)state;
    struct err err;
    struct http_response r;
    assert_int_equal(get(&tcp, "/aws-error", (struct http_request){ 0 }, &r, &err), 0);
    assert_int_equal(r.date_wall_ms, 1440938160000);
    assert_string_equal(r.error_type, "AccessDenied:http://x/");
    http_response_done(&r);
    assert_int_equal(get(&tcp, "/bad-date", (struct http_request){ 0 }, &r, &err), 0);
    assert_int_equal(r.date_wall_ms, 0);
    assert_string_equal(r.error_type, "");
    http_response_done(&r);
}

static void what_cannot_be_signed_is_not_sent(void **state)
{
    (void)state;
    static const struct http_sigv4 bad[] = {
        { "eu:central", "ecr", "AK", "s", "" },    { "eu-central-1", "", "AK", "s", "" },
        { "eu-central-1", "ecr", "", "s", "" },    { "eu-central-1", "ecr", "AK", "", "" },
        { "eu-central-1", "ecr", "A K", "s", "" }, { "eu-central-1", "ecr", "AK", "s", "t\r\nX: y" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(&tcp, "/ok", (struct http_request){ .method = "POST", .sigv4 = &bad[i] }, ERR_INPUT, "");
}

static void a_signed_request_follows_no_redirect(void **state)
{
    (void)state;
    static const struct http_sigv4 v4 = { "eu-central-1", "ecr", "AK", "s", "" };
    struct err err;
    struct http_response r;
    struct http_request q = { .method = "POST", .follow_redirects = true, .sigv4 = &v4 };
    assert_int_equal(get(&tcp, "/redirect", q, &r, &err), 0);
    assert_int_equal(r.status, 302);
    http_response_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(a_get_over_tcp_gives_status_body_and_headers),
        CLIENT_TEST(a_get_over_a_unix_socket_gives_status_body_and_headers),
        CLIENT_TEST(an_error_status_is_an_answer),
        CLIENT_TEST(a_head_request_has_no_body),
        CLIENT_TEST(a_post_sends_its_body_and_type_and_headers),
        CLIENT_TEST(a_post_without_body_says_length_zero_and_no_type),
        CLIENT_TEST(a_big_put_arrives_whole_and_without_expect),
        CLIENT_TEST(a_delete_sends_no_body),
        CLIENT_TEST(options_of_one_request_do_not_reach_the_next),
        CLIENT_TEST(the_connection_is_kept_over_tcp),
        CLIENT_TEST(the_connection_is_kept_over_a_unix_socket),
        CLIENT_TEST(each_request_to_be_sent_once_has_a_connection_of_its_own),
        CLIENT_TEST(a_label_stands_for_a_secret_address),
        CLIENT_TEST(the_peers_clock_and_the_type_of_an_aws_error_are_told),
        CLIENT_TEST(what_cannot_be_signed_is_not_sent),
        CLIENT_TEST(a_signed_request_follows_no_redirect),
        CLIENT_TEST(a_connection_that_the_server_closed_is_replaced),
        CLIENT_TEST(a_body_of_just_the_cap_is_taken),
        CLIENT_TEST(a_body_beyond_the_cap_is_refused),
        CLIENT_TEST(a_stream_goes_to_on_data),
        CLIENT_TEST(on_data_can_end_the_exchange_early),
        CLIENT_TEST(a_failure_of_on_data_is_the_result),
        CLIENT_TEST(a_failure_of_on_data_without_words_still_has_a_kind),
        CLIENT_TEST(the_body_of_an_error_does_not_go_to_on_data),
        CLIENT_TEST(a_long_error_of_a_stream_is_cut),
        CLIENT_TEST(a_cancel_ends_the_wait_for_a_silent_server),
        CLIENT_TEST(a_cancel_ends_a_stream),
        CLIENT_TEST(a_cancelled_client_sends_nothing),
        CLIENT_TEST(a_silent_server_runs_into_the_total_deadline),
        CLIENT_TEST(a_dripping_server_runs_into_the_total_deadline),
        CLIENT_TEST(a_server_that_stalls_runs_into_the_idle_deadline),
        CLIENT_TEST(a_client_works_on_after_a_timeout),
        CLIENT_TEST(a_refused_connection_is_unreachable_with_errno),
        CLIENT_TEST(a_name_that_does_not_resolve_is_unreachable),
        CLIENT_TEST(a_missing_socket_gives_enoent),
        CLIENT_TEST(a_socket_that_nobody_listens_on_gives_econnrefused),
        CLIENT_TEST(a_socket_we_may_not_open_gives_eacces),
        CLIENT_TEST(a_server_that_closes_without_a_word_is_a_broken_connection),
        CLIENT_TEST(a_body_that_is_cut_off_is_a_broken_connection),
        CLIENT_TEST(an_answer_that_is_not_http_is_a_protocol_error),
        CLIENT_TEST(endless_headers_are_refused),
        CLIENT_TEST(tls_to_a_plain_server_fails),
        CLIENT_TEST(redirects_are_answers_unless_followed),
        CLIENT_TEST(a_loop_of_redirects_is_a_protocol_error),
        CLIENT_TEST(a_redirect_to_a_file_is_not_followed),
        CLIENT_TEST(requests_that_cannot_be_sent_are_input_errors),
        CLIENT_TEST(messages_do_not_show_user_and_query),
        CLIENT_TEST(a_proxy_of_the_environment_is_not_asked_for_local_addresses),
        CLIENT_TEST(messages_do_not_quote_a_proxy_that_cannot_be_used),
        cmocka_unit_test(escape_keeps_unreserved_characters_only),
    };
    if (http_global_init(NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
