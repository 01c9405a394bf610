#include "agent/watch/prober.h"

#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/spec.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define TCP_HOLD_MS 30    /* a proxy accepts and closes at once when nobody listens behind it */
#define IN_FLIGHT_MAX 128 /* one that hangs must not keep the others from being asked */
#define SAMPLES_MAX 65536 /* about 11 minutes; what comes later is not recorded */
#define STATUS_LINE 12    /* "HTTP/1.1 200" */

struct target {
    int port;
    char path[512];
    char status[128];
};

struct request {
    int fd; /* -1: slot is free */
    enum { CONNECTING, ANSWERING, HOLDING } state;
    int64_t start_ms, deadline_ms;
    char answer[STATUS_LINE];
    size_t got;
};

struct sample {
    int64_t start_ms;
    int32_t took_ms;
    bool ok;
};

struct prober {
    pthread_t thread;
    struct target target;
    atomic_bool stop, answers;
    struct request requests[IN_FLIGHT_MAX];
    struct sample *samples;
    size_t count, cap;
};

enum verdict { WAITING, GOOD, BAD };

static enum verdict begin(const struct target *t, struct request *r)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)t->port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *r = (struct request){ .fd = -1, .start_ms = clock_mono_ms() };
    r->deadline_ms = r->start_ms + PROBER_REQUEST_MS;
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (r->fd < 0)
        return BAD;
    if (connect(r->fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
        return BAD;
    return WAITING;
}

static enum verdict connected(const struct target *t, struct request *r)
{
    int failure = 0;
    socklen_t len = sizeof(failure);
    char text[700];
    if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0 || failure != 0)
        return BAD;
    if (!t->path[0]) {
        r->state = HOLDING;
        r->deadline_ms = clock_mono_ms() + TCP_HOLD_MS;
        return WAITING;
    }
    int n =
        snprintf(text, sizeof(text),
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bluegreen\r\nConnection: close\r\n\r\n", t->path);
    if (n < 0 || (size_t)n >= sizeof(text) || send(r->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        return BAD;
    r->state = ANSWERING;
    return WAITING;
}

static enum verdict answered(const struct target *t, struct request *r)
{
    int64_t status = 0;
    ssize_t n = recv(r->fd, r->answer + r->got, sizeof(r->answer) - r->got, 0);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? WAITING : BAD;
    r->got += (size_t)n;
    if (r->got < STATUS_LINE)
        return WAITING;
    if (memcmp(r->answer, "HTTP/1.", 7) != 0 || !span_to_int((struct span){ r->answer + 9, 3 }, 100, 999, &status))
        return BAD;
    return spec_status_matches(t->status, (int)status) ? GOOD : BAD;
}

static enum verdict held(const struct request *r)
{
    char byte;
    ssize_t n = recv(r->fd, &byte, 1, MSG_PEEK); /* it speaks first: good; it hangs up: nobody is there */
    if (n > 0)
        return GOOD;
    return n < 0 && errno == EAGAIN ? WAITING : BAD;
}

/* Go on with a request whose socket is ready (or not). */
static enum verdict step(const struct target *t, struct request *r, bool ready)
{
    enum verdict v = WAITING;
    if (ready && r->state == CONNECTING)
        v = connected(t, r);
    else if (ready && r->state == ANSWERING)
        v = answered(t, r);
    else if (ready && r->state == HOLDING)
        v = held(r);
    if (v == WAITING && clock_mono_ms() >= r->deadline_ms)
        v = r->state == HOLDING ? GOOD : BAD;
    return v;
}

static short wanted(const struct request *r)
{
    return r->state == CONNECTING ? POLLOUT : POLLIN;
}

bool prober_ask(int port, const char *path, const char *status)
{
    struct target t = { .port = port };
    struct request r;
    (void)snprintf(t.path, sizeof(t.path), "%s", path);
    (void)snprintf(t.status, sizeof(t.status), "%s", status);
    enum verdict v = begin(&t, &r);
    while (v == WAITING) {
        struct pollfd p = { .fd = r.fd, .events = wanted(&r) };
        (void)poll(&p, 1, clock_left_ms(r.deadline_ms));
        v = step(&t, &r, p.revents != 0);
    }
    close_p(&r.fd);
    return v == GOOD;
}

static void record(struct prober *p, struct request *r, bool ok)
{
    if (p->count == p->cap && p->cap < SAMPLES_MAX) {
        size_t cap = p->cap ? p->cap * 2 : 1024;
        struct sample *more = realloc(p->samples, cap * sizeof(*more));
        if (more) {
            p->samples = more;
            p->cap = cap;
        }
    }
    if (p->count < p->cap)
        p->samples[p->count++] =
            (struct sample){ .start_ms = r->start_ms, .took_ms = (int32_t)(clock_mono_ms() - r->start_ms), .ok = ok };
    atomic_store(&p->answers, ok);
    close_p(&r->fd);
}

static void start_one(struct prober *p)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (p->requests[i].fd < 0) {
            if (begin(&p->target, &p->requests[i]) == BAD)
                record(p, &p->requests[i], false);
            return;
        }
}

static void poll_all(struct prober *p, int64_t until_ms)
{
    struct pollfd polled[IN_FLIGHT_MAX];
    size_t slot[IN_FLIGHT_MAX], n = 0;
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (p->requests[i].fd >= 0) {
            slot[n] = i;
            polled[n++] = (struct pollfd){ .fd = p->requests[i].fd, .events = wanted(&p->requests[i]) };
        }
    (void)poll(polled, n, clock_left_ms(until_ms));
    for (size_t k = 0; k < n; k++) {
        struct request *r = &p->requests[slot[k]];
        enum verdict v = step(&p->target, r, polled[k].revents != 0);
        if (v != WAITING)
            record(p, r, v == GOOD);
    }
}

static void *probe_loop(void *arg)
{
    struct prober *p = arg;
    int64_t next_ms = clock_mono_ms();
    while (!atomic_load(&p->stop)) {
        if (clock_mono_ms() >= next_ms) {
            start_one(p);
            next_ms += PROBER_PERIOD_MS;
        }
        poll_all(p, next_ms);
    }
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) /* without an answer yet: neither good nor bad */
        close_p(&p->requests[i].fd);
    return NULL;
}

int prober_start(struct prober **ret, int port, const char *path, const char *status, struct err *err)
{
    struct prober *p = calloc(1, sizeof(*p));
    if (!p)
        return err_set(err, ERR_NOMEM, 0, "start the prober: out of memory");
    p->target.port = port;
    (void)snprintf(p->target.path, sizeof(p->target.path), "%s", path);
    (void)snprintf(p->target.status, sizeof(p->target.status), "%s", status);
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        p->requests[i].fd = -1;
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

static int by_start(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
}

static int by_time(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->took_ms > y->took_ms) - (x->took_ms < y->took_ms);
}

/*
 * How long was it down? From the start of a failed request until the earliest end of a good one that was started no
 * earlier; failed ones that were started meanwhile belong to the same span. Spans never overlap, so that their sum is
 * time. Samples in order of their starts; `up` has room for as many times.
 */
static void measure_outage(const struct sample *samples, size_t count, int64_t *up, int64_t now_ms,
                           struct prober_result *ret)
{
    int64_t earliest = INT64_MAX, up_at_ms = INT64_MIN;
    for (size_t i = count;
         i-- > 0;) { /* up[i]: when a good request that was started at or after this one was answered */
        int64_t end = samples[i].start_ms + samples[i].took_ms;
        if (samples[i].ok && end < earliest)
            earliest = end;
        up[i] = earliest;
    }
    for (size_t i = 0; i < count; i++) {
        if (samples[i].ok || samples[i].start_ms < up_at_ms)
            continue;
        ret->down_at_end = up[i] == INT64_MAX;
        up_at_ms = ret->down_at_end ? now_ms : up[i];
        int64_t span = up_at_ms - samples[i].start_ms;
        ret->outage_ms += span;
        ret->longest_ms = span > ret->longest_ms ? span : ret->longest_ms;
        if (ret->down_at_end)
            return;
    }
}

static void judge(struct prober *p, struct prober_result *ret)
{
    size_t good = 0;
    int64_t *up = malloc(p->count * sizeof(*up));
    qsort(p->samples, p->count, sizeof(p->samples[0]), by_start);
    ret->measured = up != NULL;
    if (up)
        measure_outage(p->samples, p->count, up, clock_mono_ms(), ret);
    free(up);
    ret->seen = (int64_t)p->count;
    for (size_t i = 0; i < p->count; i++) { /* keep the good ones, for their median */
        ret->failed += !p->samples[i].ok;
        if (p->samples[i].ok)
            p->samples[good++] = p->samples[i];
    }
    if (good > 0) {
        qsort(p->samples, good, sizeof(p->samples[0]), by_time);
        ret->median_ok_ms = p->samples[good / 2].took_ms;
    }
}

void prober_stop(struct prober **pp, struct prober_result *ret)
{
    struct prober *p = *pp;
    *ret = (struct prober_result){ .median_ok_ms = -1 };
    *pp = NULL;
    if (!p)
        return;
    atomic_store(&p->stop, true);
    (void)pthread_join(p->thread, NULL); /* ends within PROBER_PERIOD_MS */
    if (p->count > 0)
        judge(p, ret);
    free(p->samples);
    free(p);
}
