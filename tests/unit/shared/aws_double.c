#include "aws_double.h"

#include "shared/clock.h"

#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

#define REQUEST_MAX (4 * 1024 * 1024)
#define CONNECTIONS_MAX 16

/* Length of the whole request, 0 while more is to come. */
static size_t request_len(const struct buf *b)
{
    const char *end = b->len ? strstr(b->ptr, "\r\n\r\n") : NULL;
    if (!end)
        return 0;
    size_t len = (size_t)(end - b->ptr) + 4;
    struct span n = double_header(b->ptr, "Content-Length");
    int64_t body = 0;
    if (span_to_int(n, 0, REQUEST_MAX, &body))
        len += (size_t)body;
    return b->len >= len ? len : 0;
}

/* What to send, or nothing yet. */
struct reply {
    bool silent;
    char status[16];
    struct double_answer answer;
};

static bool fits(const struct double_route *r, const char *request)
{
    size_t len = strlen(r->request);
    if (r->times < 0 || strncmp(request, r->request, len) != 0 || (request[len] != ' ' && request[len] != '?'))
        return false;
    for (size_t i = 0; i < 3 && r->needs[i]; i++)
        if (!strstr(request, r->needs[i]))
            return false;
    return true;
}

static bool take_route(struct aws_double *d, const char *request, struct reply *ret)
{
    for (size_t i = 0; i < d->route_count; i++) {
        struct double_route *r = &d->routes[i];
        if (!fits(r, request))
            continue;
        ret->silent = r->status == 0;
        ret->answer.body = r->body;
        (void)snprintf(ret->status, sizeof(ret->status), "%d X", r->status);
        if (r->times > 0 && --r->times == 0)
            r->times = -1; /* used up */
        return true;
    }
    return false;
}

static void take(struct aws_double *d, const char *request, struct reply *ret)
{
    pthread_mutex_lock(&d->lock);
    size_t i = d->seen_count++;
    if (i < DOUBLE_SEEN_MAX)
        d->seen[i] = strdup(request);
    *ret = (struct reply){ .status = "404 no route" };
    ret->answer.status = ret->status;
    if (!take_route(d, request, ret) && d->script_len > 0)
        ret->answer = d->script[i < d->script_len ? i : d->script_len - 1];
    pthread_mutex_unlock(&d->lock);
}

static bool answer(int fd, const struct double_answer *a)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(REQUEST_MAX);
    const char *body = a->body ? a->body : "";
    if (!a->status)
        return false;
    buf_addf(&out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s", a->status, strlen(body),
             a->headers ? a->headers : "", body);
    return send(fd, out.ptr, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
}

struct connection {
    int fd; /* -1: none */
    struct buf in;
};

static void end(struct connection *c)
{
    close_p(&c->fd);
    buf_done(&c->in);
}

static void serve(struct aws_double *d, struct connection *c)
{
    char chunk[65536];
    ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);
    if (n <= 0) {
        end(c);
        return;
    }
    buf_add(&c->in, chunk, (size_t)n);
    if (request_len(&c->in) == 0)
        return;
    struct reply reply;
    take(d, c->in.ptr, &reply);
    buf_reset(&c->in);
    if (!reply.silent && !answer(c->fd, &reply.answer))
        end(c);
}

static void take_connection(const struct aws_double *d, struct connection *all)
{
    int fd = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < CONNECTIONS_MAX; i++)
        if (all[i].fd < 0) {
            all[i].fd = fd;
            buf_init(&all[i].in, REQUEST_MAX);
            return;
        }
    close_p(&fd);
}

static void *double_main(void *ctx)
{
    struct aws_double *d = ctx;
    struct connection all[CONNECTIONS_MAX];
    struct pollfd p[CONNECTIONS_MAX + 2];
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        all[i] = (struct connection){ .fd = -1 };
    for (;;) {
        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
            p[i] = (struct pollfd){ .fd = all[i].fd, .events = POLLIN };
        p[CONNECTIONS_MAX] = (struct pollfd){ .fd = d->listener, .events = POLLIN };
        p[CONNECTIONS_MAX + 1] = (struct pollfd){ .fd = d->stop[0], .events = POLLIN };
        int n = poll(p, CONNECTIONS_MAX + 2, -1);
        if (n > 0 && p[CONNECTIONS_MAX + 1].revents)
            break;
        for (size_t i = 0; n > 0 && i < CONNECTIONS_MAX; i++)
            if (p[i].revents)
                serve(d, &all[i]);
        if (n > 0 && p[CONNECTIONS_MAX].revents)
            take_connection(d, all);
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        end(&all[i]);
    return NULL;
}

void double_start(struct aws_double *d)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    memset(d, 0, sizeof(*d));
    pthread_mutex_init(&d->lock, NULL);
    d->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (d->listener < 0 || bind(d->listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(d->listener, 16) < 0 ||
        getsockname(d->listener, (struct sockaddr *)&a, &len) < 0 || pipe(d->stop) < 0 ||
        pthread_create(&d->thread, NULL, double_main, d) != 0)
        abort();
    d->port = ntohs(a.sin_port);
    (void)snprintf(d->url, sizeof(d->url), "http://127.0.0.1:%u", d->port);
}

void double_play(struct aws_double *d, const struct double_answer *script, size_t len)
{
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < DOUBLE_SEEN_MAX; i++)
        free_p(&d->seen[i]);
    d->seen_count = 0;
    d->script = script;
    d->script_len = len;
    d->route_count = 0;
    pthread_mutex_unlock(&d->lock);
}

void double_route(struct aws_double *d, struct double_route route)
{
    pthread_mutex_lock(&d->lock);
    if (d->route_count == DOUBLE_ROUTES_MAX)
        abort();
    d->routes[d->route_count++] = route;
    pthread_mutex_unlock(&d->lock);
}

void double_seen(struct aws_double *d, struct buf *out)
{
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < DOUBLE_SEEN_MAX && d->seen[i]; i++)
        buf_adds(out, d->seen[i]);
    pthread_mutex_unlock(&d->lock);
}

void double_stop(struct aws_double *d)
{
    close(d->stop[1]);
    pthread_join(d->thread, NULL);
    close(d->stop[0]);
    close(d->listener);
    double_play(d, NULL, 0);
    pthread_mutex_destroy(&d->lock);
}

struct span double_header(const char *request, const char *name)
{
    struct span rest = span_of(request), line;
    size_t len = strlen(name);
    while (span_next_line(&rest, &line)) {
        if (span_trim(line).len == 0)
            break;
        if (line.len > len && strncasecmp(line.ptr, name, len) == 0 && line.ptr[len] == ':')
            return span_trim((struct span){ .ptr = line.ptr + len + 1, .len = line.len - len - 1 });
    }
    return (struct span){ .ptr = "" };
}

const char *double_body(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    return end ? end + 4 : "";
}

const char *double_time(int64_t ms)
{
    static char texts[4][CLOCK_ISO_SIZE];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    (void)clock_format_iso(clock_wall_ms() + ms, text);
    memcpy(text + sizeof("2026-01-29T03:10:02") - 1, "Z", 2); /* AWS has whole seconds */
    return text;
}
