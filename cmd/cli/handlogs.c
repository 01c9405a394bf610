#include "cmd/cli/handlogs.h"

#include "cmd/question.h"
#include "cmd/signals.h"
#include "shared/clock.h"
#include "shared/fd.h"
#include "shared/safetext.h"

#include <poll.h>

#define LINE_MAX_BYTES (64 * 1024)
#define PIECE_MAX (16 * 1024)
#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 15000
#define PAUSE_LASTED_MS 60000

struct lines {
    const struct redactor *redactor;
    struct buf pending;
    bool any;   /* something came on this connection */
    int broken; /* errno of a write: EPIPE, nobody reads any more; 0 none */
};

static void print_line(struct lines *l, struct span line)
{
    _cleanup_(buf_done) struct buf clean = BUF_INIT(line.len * 2 + 64);
    _cleanup_(buf_done) struct buf safe = BUF_INIT(line.len * 8 + 256);

    redactor_apply(l->redactor, line, &clean);
    safetext_line(buf_span(&clean), &safe);
    buf_addc(&safe, '\n');
    if (!l->broken && fd_write(STDOUT_FILENO, buf_span(&safe)) < 0)
        l->broken = errno;
}

static void print_whole(struct lines *l, bool rest)
{
    struct span all = buf_span(&l->pending);
    size_t used = 0;

    while (used < all.len) {
        const char *lf = memchr(all.ptr + used, '\n', all.len - used);
        size_t len = lf ? (size_t)(lf - all.ptr) - used : all.len - used;
        if (!lf && !rest && len < LINE_MAX_BYTES)
            break;
        print_line(l, (struct span){ all.ptr + used, len });
        used += len + (lf ? 1 : 0);
    }
    buf_consume(&l->pending, used);
}

static int on_data(void *ctx, struct span data)
{
    struct lines *l = ctx;

    l->any = true;
    while (data.len > 0) {
        size_t n = data.len < PIECE_MAX ? data.len : PIECE_MAX;
        buf_add(&l->pending, data.ptr, n);
        print_whole(l, false);
        data.ptr += n;
        data.len -= n;
    }
    return l->broken ? -ERR_IO : 0;
}

/* The connection failed; what the host told of a failure of its own is no loss. */
static bool is_loss(const struct report *r)
{
    if (r->told)
        return false;
    return r->cause.kind == ERR_NET || r->cause.kind == ERR_UNREACHABLE || r->cause.kind == ERR_TIMEOUT ||
           r->cause.kind == ERR_REMOTE;
}

/* Before the next try; a signal ends it. A connection that had lasted begins anew with a short one. */
static void pause_before(struct stage *s, int64_t lasted_ms, int64_t *pause_ms)
{
    struct pollfd p = { .fd = s->signal_fd, .events = POLLIN };

    *pause_ms = lasted_ms >= PAUSE_LASTED_MS || *pause_ms == 0 ? PAUSE_FIRST_MS : *pause_ms * 2;
    if (*pause_ms > PAUSE_MAX_MS)
        *pause_ms = PAUSE_MAX_MS;
    (void)poll(&p, 1, (int)*pause_ms); /* the signal is looked for next, and stays readable */
}

/* Who read it has enough: that is an end as good as any. */
static void end_of_output(struct report *r, int e)
{
    err_clear(&r->cause);
    r->outcome = OUTCOME_REPORTED;
    if (e == EPIPE)
        return;
    err_set(&r->cause, ERR_IO, e, "write the log: %s", strerror(e));
    r->outcome = OUTCOME_FAILED_UNTOUCHED;
}

void handlogs_run(struct stage *s, bool follow, struct report *r)
{
    struct wire_request request = question_request(s);
    struct lines l = { .redactor = s->redactor, .pending = BUF_INIT(2 * LINE_MAX_BYTES) };
    int64_t pause_ms = 0, began_ms = 0;

    request.follow = follow;
    for (;;) {
        l.any = false;
        began_ms = clock_mono_ms();
        stage_run_data(s, &request, r, on_data, &l);
        print_whole(&l, true);
        if (!follow || !l.any || l.broken || signals_caught || !is_loss(r))
            break;
        pause_before(s, clock_mono_ms() - began_ms, &pause_ms);
        if (signals_caught)
            break;
        /*
         * On the host's clock, as its lines are; behind the millisecond of the last one, which came within it. What was written
         * in its rest and not sent any more is lost: better than a line that seems to have happened twice.
         */
        request.since_ms = s->data_ms ? s->data_ms + 1 : request.since_ms;
        request.lines = WIRE_LINES_MAX;
        report_done(r);
        report_init(r, WIRE_LOGS, s->in.spec.app, "");
    }
    if (l.broken)
        end_of_output(r, l.broken);
    buf_done(&l.pending);
}
