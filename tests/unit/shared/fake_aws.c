#include "tests/unit/shared/fake_aws.h"

#include "shared/clock.h"
#include "shared/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#define REQUEST_MAX (64 * 1024)

/* ---- the client ---- */

static const char *lookup(void *ctx, const char *name)
{
    const struct fake_aws *f = ctx;
    for (size_t i = 0; i < f->vars; i++)
        if (strcmp(f->names[i], name) == 0)
            return f->values[i];
    return NULL;
}

void fake_aws_env(struct fake_aws *f, const char *name, const char *value)
{
    size_t i = 0;
    while (i < f->vars && strcmp(f->names[i], name) != 0)
        i++;
    assert_true(i < FAKE_VARS_MAX);
    f->names[i] = name;
    f->values[i] = value;
    if (i == f->vars)
        f->vars++;
}

static int on_secret(void *ctx, struct span secret, struct err *err)
{
    struct fake_aws *f = ctx;
    (void)err;
    buf_add_span(&f->secrets, secret);
    buf_addc(&f->secrets, '\n');
    return 0;
}

static void on_note(void *ctx, const char *text)
{
    struct fake_aws *f = ctx;
    buf_addf(&f->notes, "%s\n", text);
}

const char *fake_aws_time(int64_t ms)
{
    static char texts[4][CLOCK_ISO_SIZE];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    (void)clock_format_iso(clock_wall_ms() + ms, text);
    memcpy(text + 19, "Z", 2); /* AWS has whole seconds */
    return text;
}

/* ---- the server ---- */

static bool wait_readable(const struct fake_aws *f, int fd)
{
    struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = f->stop[0], .events = POLLIN } };
    return poll(p, 2, -1) > 0 && p[1].revents == 0;
}

static bool fits(const struct fake_route *r, const char *request)
{
    size_t len = strlen(r->request);
    if (strncmp(request, r->request, len) != 0 || (request[len] != ' ' && request[len] != '?'))
        return false;
    for (size_t i = 0; i < 3 && r->needs[i]; i++)
        if (!strstr(request, r->needs[i]))
            return false;
    return r->times >= 0;
}

static struct fake_route route_for(struct fake_aws *f, const char *request)
{
    struct fake_route found = { .status = 404, .body = "no route" };
    (void)pthread_mutex_lock(&f->lock);
    buf_adds(&f->seen, request);
    buf_addc(&f->seen, '\n');
    f->requests++;
    for (size_t i = 0; i < f->route_count; i++) {
        if (!fits(&f->routes[i], request))
            continue;
        found = f->routes[i];
        if (f->routes[i].times > 0 && --f->routes[i].times == 0)
            f->routes[i].times = -1; /* used up */
        break;
    }
    (void)pthread_mutex_unlock(&f->lock);
    return found;
}

static bool answer(struct fake_aws *f, int fd, const char *request)
{
    struct fake_route r = route_for(f, request);
    if (r.status == 0)
        return wait_readable(f, fd) && false;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(REQUEST_MAX);
    buf_addf(&b, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", r.status, strlen(r.body), r.body);
    return send(fd, b.ptr, b.len, MSG_NOSIGNAL) == (ssize_t)b.len;
}

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

static void serve(struct fake_aws *f, int fd)
{
    _cleanup_(buf_done_p) struct buf in = BUF_INIT(REQUEST_MAX);
    while (wait_readable(f, fd)) {
        char chunk[4096];
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
        if (n <= 0)
            return;
        buf_add(&in, chunk, (size_t)n);
        if (request_len(&in) == 0)
            continue;
        if (!answer(f, fd, in.ptr))
            return;
        buf_reset(&in);
    }
}

static void *server_main(void *ctx)
{
    struct fake_aws *f = ctx;
    while (wait_readable(f, f->listener)) {
        _cleanup_(close_p) int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve(f, fd);
    }
    return NULL;
}

void fake_aws_route(struct fake_aws *f, struct fake_route route)
{
    (void)pthread_mutex_lock(&f->lock);
    assert_true(f->route_count < FAKE_ROUTES_MAX);
    f->routes[f->route_count++] = route;
    (void)pthread_mutex_unlock(&f->lock);
}

void fake_aws_forget_routes(struct fake_aws *f)
{
    (void)pthread_mutex_lock(&f->lock);
    f->route_count = 0;
    (void)pthread_mutex_unlock(&f->lock);
}

void fake_aws_take_seen(struct fake_aws *f, struct buf *out)
{
    (void)pthread_mutex_lock(&f->lock);
    buf_add_span(out, buf_span(&f->seen));
    buf_reset(&f->seen);
    (void)pthread_mutex_unlock(&f->lock);
}

void fake_aws_begin(struct fake_aws *f)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    *f = (struct fake_aws){
        .aws = { .env = lookup, .on_secret = on_secret, .note = on_note },
        .secrets = BUF_INIT(REQUEST_MAX),
        .notes = BUF_INIT(REQUEST_MAX),
        .seen = BUF_INIT(16 * REQUEST_MAX),
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    f->aws.env_ctx = f->aws.secret_ctx = f->aws.note_ctx = f;
    assert_int_equal(aws_init(&f->aws, NULL), 0);
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(f->listener, 16), 0);
    assert_int_equal(getsockname(f->listener, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d", ntohs(a.sin_port));
    assert_int_equal(pipe(f->stop), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, server_main, f), 0);
}

void fake_aws_end(struct fake_aws *f)
{
    aws_done(&f->aws);
    close(f->stop[1]);
    pthread_join(f->thread, NULL);
    close(f->stop[0]);
    close(f->listener);
    buf_done(&f->secrets);
    buf_done(&f->notes);
    buf_done(&f->seen);
}
