#include "cmd/cli/handlogs.h"

#include "cmd/question.h"
#include "cmd/signals.h"
#include "shared/clock.h"
#include "shared/fd.h"
#include "shared/safetext.h"

#define LINE_MAX_BYTES (64 * 1024)
#define PIECE_MAX (16 * 1024)

struct lines {
    const struct redactor *redactor;
    struct buf pending;
    bool any;    /* something came on this connection */
    bool broken; /* nobody reads any more */
};

static void print_line(struct lines *l, struct span line)
{
    _cleanup_(buf_done) struct buf clean = BUF_INIT(line.len * 2 + 64);
    _cleanup_(buf_done) struct buf safe = BUF_INIT(line.len * 8 + 256);

    redactor_apply(l->redactor, line, &clean);
    safetext_line(buf_span(&clean), &safe);
    buf_addc(&safe, '\n');
    if (!l->broken && fd_write(STDOUT_FILENO, buf_span(&safe)) < 0)
        l->broken = true;
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

static void on_data(void *ctx, struct span data)
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
}

static bool is_loss(const struct report *r)
{
    return r->cause.kind == ERR_NET || r->cause.kind == ERR_UNREACHABLE || r->cause.kind == ERR_TIMEOUT ||
           r->cause.kind == ERR_REMOTE;
}

void handlogs_run(struct stage *s, bool follow, struct report *r)
{
    struct wire_request request = question_request(s);
    struct lines l = { .redactor = s->redactor, .pending = BUF_INIT(2 * LINE_MAX_BYTES) };

    request.follow = follow;
    for (;;) {
        l.any = false;
        stage_run_data(s, &request, r, on_data, &l);
        print_whole(&l, true);
        if (!follow || !l.any || l.broken || signals_caught || !is_loss(r))
            break;
        /* on the host's clock, as its lines are */
        request.since_ms = s->data_ms ? s->data_ms : request.since_ms;
        request.lines = WIRE_LINES_MAX;
        report_done(r);
        report_init(r, WIRE_LOGS, s->in.spec.app, "");
    }
    buf_done(&l.pending);
}
