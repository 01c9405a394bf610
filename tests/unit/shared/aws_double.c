#include "aws_double.h"

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

static struct double_answer take(struct aws_double *d, const char *request)
{
    pthread_mutex_lock(&d->lock);
    size_t i = d->seen_count++;
    if (i < DOUBLE_SEEN_MAX)
        d->seen[i] = strdup(request);
    struct double_answer a = { .status = "500 no script" };
    if (d->script_len > 0)
        a = d->script[i < d->script_len ? i : d->script_len - 1];
    pthread_mutex_unlock(&d->lock);
    return a;
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
    struct double_answer a = take(d, c->in.ptr);
    buf_reset(&c->in);
    if (!answer(c->fd, &a))
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
