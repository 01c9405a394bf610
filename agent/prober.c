#include "agent/prober.h"

#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/spec.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define TCP_HOLD_MS 30 /* a proxy accepts and closes at once when nobody listens behind it */
#define SAMPLES_MAX 4096

struct prober {
    pthread_t thread;
    int port;
    char path[512];
    char status[128];
    atomic_bool stop, answers;
    struct prober_result result;
    int64_t down_since_ms; /* start of the first failed request of this span; -1 up */
    int32_t ok_ms[SAMPLES_MAX];
    size_t ok_count;
};

/* Wait until fd is ready. false at the deadline. */
static bool wait_for(int fd, short events, int64_t deadline_ms)
{
    struct pollfd p = { .fd = fd, .events = events };
    int r;
    do
        r = poll(&p, 1, clock_left_ms(deadline_ms));
    while (r < 0 && errno == EINTR);
    return r > 0;
}

static int connect_to(int port, int64_t deadline_ms)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int failure = 0;
    socklen_t len = sizeof(failure);
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
        if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, deadline_ms) ||
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0 || failure != 0) {
            close(fd);
            return -1;
        }
    }
    return fd;
}

/* "HTTP/1.1 200 …" within the deadline: the status, 0 when none came. */
static int http_status(int fd, const char *path, int64_t deadline_ms)
{
    char request[700], answer[64];
    size_t got = 0;
    int n = snprintf(request, sizeof(request),
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bluegreen\r\nConnection: close\r\n\r\n", path);
    if (n < 0 || (size_t)n >= sizeof(request) || send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        return 0;
    while (got < 12) {
        if (!wait_for(fd, POLLIN, deadline_ms))
            return 0;
        ssize_t r = recv(fd, answer + got, sizeof(answer) - 1 - got, 0);
        if (r <= 0)
            return 0;
        got += (size_t)r;
    }
    int64_t status = 0;
    if (memcmp(answer, "HTTP/1.", 7) != 0 || !span_to_int((struct span){ answer + 9, 3 }, 100, 999, &status))
        return 0;
    return (int)status;
}

bool prober_ask(int port, const char *path, const char *status)
{
    int64_t deadline_ms = clock_mono_ms() + PROBER_REQUEST_MS;
    int fd = connect_to(port, deadline_ms);
    if (fd < 0)
        return false;
    bool ok;
    if (path[0])
        ok = spec_status_matches(status, http_status(fd, path, deadline_ms));
    else
        ok = !wait_for(fd, POLLIN | POLLRDHUP, clock_mono_ms() + TCP_HOLD_MS) || recv(fd, (char[1]){ 0 }, 1, MSG_PEEK) > 0;
    close(fd);
    return ok;
}

static void end_span(struct prober *p, int64_t now_ms)
{
    int64_t span = now_ms - p->down_since_ms;
    p->result.outage_ms += span;
    if (span > p->result.longest_ms)
        p->result.longest_ms = span;
    p->down_since_ms = -1;
}

static void *probe_loop(void *arg)
{
    struct prober *p = arg;
    while (!atomic_load(&p->stop)) {
        int64_t start = clock_mono_ms();
        bool ok = prober_ask(p->port, p->path, p->status);
        int64_t end = clock_mono_ms();
        p->result.seen++;
        if (ok) {
            if (p->down_since_ms >= 0)
                end_span(p, end);
            p->ok_ms[p->ok_count++ % SAMPLES_MAX] = (int32_t)(end - start);
        } else {
            p->result.failed++;
            if (p->down_since_ms < 0)
                p->down_since_ms = start;
        }
        atomic_store(&p->answers, ok);
        if (end - start < PROBER_PERIOD_MS)
            clock_sleep_ms(PROBER_PERIOD_MS - (end - start)); /* the sampling period */
    }
    return NULL;
}

int prober_start(struct prober **ret, int port, const char *path, const char *status, struct err *err)
{
    struct prober *p = calloc(1, sizeof(*p));
    if (!p)
        return err_set(err, ERR_NOMEM, 0, "start the prober: out of memory");
    p->port = port;
    p->down_since_ms = -1;
    (void)snprintf(p->path, sizeof(p->path), "%s", path);
    (void)snprintf(p->status, sizeof(p->status), "%s", status);
    atomic_init(&p->stop, false);
    atomic_init(&p->answers, false);
    int e = pthread_create(&p->thread, NULL, probe_loop, p);
    if (e != 0) {
        free(p);
        return err_set(err, ERR_NOMEM, e, "start the prober: %s", strerror(e));
    }
    *ret = p;
    return 0;
}

bool prober_answers(struct prober *p)
{
    return p && atomic_load(&p->answers);
}

static int by_value(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void prober_stop(struct prober **pp, struct prober_result *ret)
{
    struct prober *p = *pp;
    *ret = (struct prober_result){ .median_ok_ms = -1 };
    *pp = NULL;
    if (!p)
        return;
    atomic_store(&p->stop, true);
    (void)pthread_join(p->thread, NULL); /* ends within PROBER_REQUEST_MS */
    p->result.measured = p->result.seen > 0;
    p->result.median_ok_ms = -1;
    p->result.down_at_end = p->down_since_ms >= 0;
    if (p->down_since_ms >= 0)
        end_span(p, clock_mono_ms());
    size_t n = p->ok_count < SAMPLES_MAX ? p->ok_count : SAMPLES_MAX;
    if (n > 0) {
        qsort(p->ok_ms, n, sizeof(p->ok_ms[0]), by_value);
        p->result.median_ok_ms = p->ok_ms[n / 2];
    }
    *ret = p->result;
    free(p);
}
