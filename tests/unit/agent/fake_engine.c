#include "tests/unit/agent/fake_engine.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define ANSWERS_MAX 32
#define REQUEST_MAX (1024 * 1024)

struct fake_engine {
    char folder[32];
    char path[64];
    char api_version[16];
    int listener;
    int stop[2]; /* pipe: a byte in it ends the thread */
    pthread_t thread;
    pthread_barrier_t started;
    pthread_mutex_t lock; /* of what follows */
    struct fake_answer answers[ANSWERS_MAX];
    size_t answer_count;
    struct buf seen;
    struct buf lines; /* request lines without version, one a line */
};

static void die(const char *what)
{
    perror(what);
    abort();
}

/* false when the test is over. */
static bool wait_readable(const struct fake_engine *f, int fd)
{
    struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = f->stop[0], .events = POLLIN } };
    while (poll(p, 2, -1) < 0)
        if (errno != EINTR)
            die("poll");
    return p[1].revents == 0;
}

static size_t body_length(const char *head)
{
    const char *line = strcasestr(head, "\r\ncontent-length:");
    return line ? (size_t)strtoul(line + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

/* One whole request into `in`; false when it does not come. */
static bool read_request(const struct fake_engine *f, int fd, struct buf *in)
{
    for (;;) {
        const char *end = strstr(buf_str(in), "\r\n\r\n");
        if (end && in->len >= (size_t)(end + 4 - in->ptr) + body_length(in->ptr))
            return true;
        char bytes[4096];
        if (!wait_readable(f, fd))
            return false;
        ssize_t n = read(fd, bytes, sizeof(bytes));
        if (n <= 0)
            return false;
        buf_add(in, bytes, (size_t)n);
    }
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the client has gone: its right */
        bytes += n;
        len -= (size_t)n;
    }
}

static void send_body(int fd, const struct fake_answer *a)
{
    size_t end = a->cut ? a->cut : a->body.len;
    for (size_t at = 0; at < end;) {
        char head[24];
        size_t n = a->piece && a->piece < end - at ? a->piece : end - at;
        if (a->piece) {
            (void)snprintf(head, sizeof(head), "%zx\r\n", n); /* fits */
            send_all(fd, head, strlen(head));
        }
        send_all(fd, a->body.ptr + at, n);
        if (a->piece)
            send_all(fd, "\r\n", 2);
        at += n;
    }
    if (a->piece && !a->cut)
        send_all(fd, "0\r\n\r\n", 5);
}

static void send_answer(const struct fake_engine *f, int fd, const struct fake_answer *a)
{
    struct buf head = BUF_INIT(4096);
    buf_addf(&head, "HTTP/1.1 %d Whatever\r\nConnection: close\r\n", a->status);
    if (f->api_version[0])
        buf_addf(&head, "Api-Version: %s\r\n", f->api_version);
    if (a->piece)
        buf_adds(&head, "Transfer-Encoding: chunked\r\n");
    else if (a->status != 204 && a->status != 304)
        buf_addf(&head, "Content-Length: %zu\r\n", a->body.len);
    buf_adds(&head, "Content-Type: application/json\r\n\r\n");
    send_all(fd, head.ptr, head.len);
    send_body(fd, a);
    buf_done(&head);
}

/* "GET /v1.41/info" -> "GET /info" */
static void without_version(struct span line, struct buf *out)
{
    struct span rest = line, method;
    (void)span_split(&rest, ' ', &method);
    if (span_starts(rest, "/v1.")) {
        size_t i = 1;
        while (i < rest.len && rest.ptr[i] != '/')
            i++;
        rest = (struct span){ .ptr = rest.ptr + i, .len = rest.len - i };
    }
    buf_add_span(out, method);
    buf_addc(out, ' ');
    buf_add_span(out, rest);
}

static bool fits(const struct fake_answer *a, struct span line, const char *plain)
{
    return span_starts(line, a->request) || strncmp(plain, a->request, strlen(a->request)) == 0;
}

static struct fake_answer choose(struct fake_engine *f, const struct buf *in)
{
    struct fake_answer answer = { .status = 404, .body = SPAN_LIT("{\"message\":\"no canned answer\"}") };
    struct span rest = buf_span(in), line;
    struct buf plain = BUF_INIT(REQUEST_MAX);

    (void)span_next_line(&rest, &line);
    without_version(line, &plain);
    if (strncmp(buf_str(&plain), "GET /_ping", 10) == 0)
        answer = (struct fake_answer){ .status = 200, .body = SPAN_LIT("OK") };
    (void)pthread_mutex_lock(&f->lock);
    buf_add_span(&f->seen, buf_span(in));
    buf_adds(&f->lines, buf_str(&plain));
    buf_addc(&f->lines, '\n');
    for (size_t i = f->answer_count; i-- > 0;) {
        if (fits(&f->answers[i], line, buf_str(&plain))) {
            answer = f->answers[i];
            break;
        }
    }
    (void)pthread_mutex_unlock(&f->lock);
    buf_done(&plain);
    return answer;
}

static void *serve(void *arg)
{
    struct fake_engine *f = arg;
    (void)pthread_barrier_wait(&f->started);
    while (wait_readable(f, f->listener)) {
        int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
        struct buf in = BUF_INIT(REQUEST_MAX);
        if (fd >= 0 && read_request(f, fd, &in)) {
            struct fake_answer answer = choose(f, &in);
            if (answer.status == FAKE_HANG)
                (void)wait_readable(f, fd); /* the end of the connection is readable too */
            else if (answer.status != FAKE_CLOSE)
                send_answer(f, fd, &answer);
        }
        buf_done(&in);
        close_p(&fd);
    }
    return NULL;
}

struct fake_engine *fake_engine_start(const char *api_version)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct fake_engine *f = calloc(1, sizeof(*f));
    if (!f)
        die("calloc");
    buf_init(&f->seen, (size_t)16 * REQUEST_MAX);
    buf_init(&f->lines, REQUEST_MAX);
    (void)snprintf(f->api_version, sizeof(f->api_version), "%s", api_version);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/fake-engine-XXXXXX");
    if (!mkdtemp(f->folder))
        die("mkdtemp");
    (void)snprintf(f->path, sizeof(f->path), "%s/docker.sock", f->folder);
    memcpy(address.sun_path, f->path, sizeof(f->path));
    f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f->listener < 0 || bind(f->listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(f->listener, 16) < 0)
        die("listen");
    if (pipe2(f->stop, O_CLOEXEC) < 0 || pthread_mutex_init(&f->lock, NULL) != 0 ||
        pthread_barrier_init(&f->started, NULL, 2) != 0 || pthread_create(&f->thread, NULL, serve, f) != 0)
        die("thread");
    (void)pthread_barrier_wait(&f->started); /* a test may fork: not while the thread is on its way */
    return f;
}

void fake_engine_stop(struct fake_engine *f)
{
    (void)!write(f->stop[1], "", 1); /* a close alone is not seen while a child of the test has the end, too */
    close_p(&f->stop[1]);
    (void)pthread_join(f->thread, NULL);
    close_p(&f->stop[0]);
    close_p(&f->listener);
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    for (size_t i = 0; i < f->answer_count; i++) {
        union {
            const char *in;
            char *out;
        } u = { .in = f->answers[i].body.ptr }; /* a copy of ours, see fake_engine_answer() */
        free(u.out);
    }
    (void)pthread_mutex_destroy(&f->lock);
    (void)pthread_barrier_destroy(&f->started);
    buf_done(&f->seen);
    buf_done(&f->lines);
    free(f);
}

const char *fake_engine_socket(const struct fake_engine *f)
{
    return f->path;
}

void fake_engine_answer(struct fake_engine *f, struct fake_answer answer)
{
    char *copy = malloc(answer.body.len + 1);
    if (!copy || f->answer_count == ANSWERS_MAX)
        die("answers");
    if (answer.body.len)
        memcpy(copy, answer.body.ptr, answer.body.len);
    answer.body.ptr = copy;
    (void)pthread_mutex_lock(&f->lock);
    f->answers[f->answer_count++] = answer;
    (void)pthread_mutex_unlock(&f->lock);
}

void fake_engine_reply(struct fake_engine *f, const char *request, int status, const char *body)
{
    fake_engine_answer(f, (struct fake_answer){ .request = request, .status = status, .body = span_of(body) });
}

const char *fake_engine_seen(struct fake_engine *f)
{
    (void)pthread_mutex_lock(&f->lock);
    const char *seen = buf_str(&f->seen);
    (void)pthread_mutex_unlock(&f->lock);
    return seen;
}

size_t fake_engine_count(struct fake_engine *f, const char *request)
{
    size_t n = 0;
    (void)pthread_mutex_lock(&f->lock);
    struct span rest = buf_span(&f->lines), line;
    while (span_next_line(&rest, &line))
        n += span_starts(line, request) ? 1 : 0;
    (void)pthread_mutex_unlock(&f->lock);
    return n;
}
