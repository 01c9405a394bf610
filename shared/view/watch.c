#include "shared/view/watch.h"

#include "shared/clock.h"
#include "shared/fd.h"
#include "shared/view/screen.h"
#include "shared/view/view_internal.h"
#include "shared/view/watch_line.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#define TEXT_MAX (1024 * 1024)
#define STACK_BYTES ((size_t)1024 * 1024)
#define TICK_MS 1000

/* A question on its way. */
struct question {
    watch_ask_fn *ask;
    void *ctx;
    int cancel_fd, done_fd; /* eventfds */
    pthread_t thread;
    bool asked; /* the thread is to be joined */
    int result;
    struct json *report;
    struct err err;
};

struct watch {
    struct watch_options o;
    bool drawn; /* on a terminal */
    struct screen screen;
    int signal_fd;
    sigset_t before; /* signals blocked before this began */
    struct question question;
    struct json *report;                 /* the last one */
    int64_t answered_wall;               /* when it came, Unix ms */
    int64_t answered, asked, next, lost; /* monotonic; lost: -1 not lost */
    unsigned failures;
    char trouble[ERR_TEXT_MAX * 2];
    struct buf text, frame;
    bool over;
    int number; /* of the signal that ended it */
};

/* ---- asking ---- */

static void wake(int fd)
{
    static const uint64_t one = 1;

    (void)fd_write(fd, (struct span){ (const char *)&one, sizeof(one) }); /* an eventfd that is far from full */
}

static void *ask_once(void *arg)
{
    struct question *q = arg;

    q->result = q->ask(q->ctx, q->cancel_fd, &q->report, &q->err);
    wake(q->done_fd);
    return NULL;
}

/* musl's own 128 KiB are little for a session and its errors. */
static int start_thread(struct question *q)
{
    pthread_attr_t attr;
    int e = pthread_attr_init(&attr);

    if (e)
        return e;
    e = pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (!e)
        e = pthread_create(&q->thread, &attr, ask_once, q);
    (void)pthread_attr_destroy(&attr); /* cannot fail */
    return e;
}

static int ask_now(struct watch *w, struct err *err)
{
    struct question *q = &w->question;
    int e = 0;

    q->report = NULL;
    err_clear(&q->err);
    w->asked = clock_mono_ms();
    e = start_thread(q);
    if (e)
        return err_set(err, ERR_BUG, e, "start a thread: %s", strerror(e));
    q->asked = true;
    return 0;
}

/* Waiting does not mend these; what is wrong must be seen. */
static bool is_final(enum err_kind kind)
{
    return kind == ERR_HOST_KEY || kind == ERR_NO_PIN || kind == ERR_INPUT || kind == ERR_CANCEL || kind == ERR_BUG;
}

static int64_t pause_ms(const struct watch *w)
{
    return watch_pause_ms(w->o.seconds, w->report, w->failures);
}

static int take_answer(struct watch *w, struct err *err)
{
    struct question *q = &w->question;
    int64_t now = 0;

    (void)pthread_join(q->thread, NULL); /* it has told that it is done */
    q->asked = false;
    now = clock_mono_ms();
    if (q->result == 0) {
        json_free(w->report);
        w->report = TAKE_PTR(q->report);
        w->answered = now;
        w->answered_wall = clock_wall_ms();
        w->lost = -1;
        w->failures = 0;
    } else {
        json_free(TAKE_PTR(q->report));
        if (!w->report || is_final(q->err.kind)) {
            *err = q->err;
            return -(int)q->err.kind;
        }
        if (w->lost < 0)
            w->lost = w->asked;
        w->failures++;
        (void)err_text(&q->err, w->trouble, sizeof(w->trouble));
    }
    w->next = now + pause_ms(w);
    return 0;
}

/* ---- showing ---- */

static int write_out(struct watch *w, struct span bytes, struct err *err)
{
    if (fd_write(w->o.out, bytes) == 0)
        return 0;
    w->over = true; /* nobody reads any more */
    if (errno == EPIPE || errno == EIO)
        return 0;
    return err_set(err, ERR_IO, errno, "write: %s", strerror(errno));
}

/* Since when there was no answer where there should be one; -1: there was. A session may try for long before it says that it failed. */
static int64_t lost_since(const struct watch *w, int64_t now)
{
    if (w->lost >= 0)
        return w->lost;
    return w->question.asked && now - w->asked >= WATCH_LOST_MS ? w->asked : -1;
}

static int draw(struct watch *w, struct err *err)
{
    _cleanup_(buf_done_p) struct buf line = BUF_INIT(8192);
    int64_t now = clock_mono_ms(), since = lost_since(w, now);
    bool lost = since >= 0;
    unsigned columns = 0, rows = 0;
    const struct watch_moment m = {
        .seconds = w->o.seconds,
        .answered_at = w->answered_wall,
        .asking_ms = w->question.asked ? now - w->asked : 0,
        .lost_ms = lost ? now - since : -1,
        .silent_ms = now - w->answered,
        .again_ms = w->question.asked || w->next < now ? 0 : w->next - now,
        .trouble = w->lost >= 0 ? w->trouble : "",
    };

    screen_size(w->o.out, &columns, &rows);
    buf_reset(&w->text);
    buf_reset(&w->frame);
    watch_line(&m, w->o.colour, &line);
    const struct view v = { .out = &w->text, .width = columns, .colour = w->o.colour && !lost, .screen = true };
    (void)view_report(&v, w->o.report, w->report); /* a name without a view shows nothing */
    screen_frame(buf_span(&line), buf_span(&w->text), columns, rows, lost && w->o.colour, &w->frame);
    return write_out(w, buf_span(&w->frame), err);
}

static int append(struct watch *w, struct err *err)
{
    char iso[CLOCK_ISO_SIZE];
    const struct view v = { .out = &w->text };

    buf_reset(&w->text);
    if (w->o.json && w->lost >= 0)
        return 0; /* lines of reports and nothing else; the next one tells its time */
    if (w->o.json) {
        if (json_print(w->report, &w->text, err) < 0)
            return err_wrap(err, "write the report");
        buf_addc(&w->text, '\n');
        return write_out(w, buf_span(&w->text), err);
    }
    (void)clock_format_iso(clock_wall_ms(), iso);
    buf_addf(&w->text, "--- %.10s %.8s UTC ---\n", iso, iso + 11);
    if (w->lost >= 0)
        view_line(&v, "no answer: %s", w->trouble);
    else
        (void)view_report(&v, w->o.report, w->report); /* a name without a view shows nothing */
    buf_addc(&w->text, '\n');
    return write_out(w, buf_span(&w->text), err);
}

static int show(struct watch *w, struct err *err)
{
    if (!w->drawn)
        return append(w, err);
    if (screen_take(&w->screen) < 0) {
        w->over = true;
        return 0;
    }
    return draw(w, err);
}

/* The last report stays on the ordinary screen, whole. */
static void leave(struct watch *w)
{
    struct err err = { 0 };
    unsigned columns = 0, rows = 0;

    if (!w->screen.taken)
        return;
    screen_give_back(&w->screen);
    screen_size(w->o.out, &columns, &rows);
    const struct view v = { .out = &w->text, .width = columns, .colour = w->o.colour };
    buf_reset(&w->text);
    (void)view_report(&v, w->o.report, w->report); /* a name without a view shows nothing */
    (void)write_out(w, buf_span(&w->text), &err);  /* a terminal that is gone has no reader */
}

/* ---- what comes in ---- */

static void stop_until_continued(struct watch *w)
{
    if (w->drawn)
        screen_give_back(&w->screen);
    (void)raise(SIGSTOP); /* of the process, this thread among them; goes on at SIGCONT, which is seen next */
}

static int take_signal(struct watch *w, struct err *err)
{
    struct signalfd_siginfo info;

    if (read(w->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    switch ((int)info.ssi_signo) {
    case SIGTSTP:
        stop_until_continued(w);
        return 0;
    case SIGCONT: /* the shell may have had the terminal in between */
        w->screen.taken = false;
        return w->drawn && w->report ? show(w, err) : 0;
    case SIGWINCH:
        return w->drawn && w->report ? show(w, err) : 0;
    case SIGINT:
        w->over = true;
        return 0;
    default:
        w->over = true;
        w->number = (int)info.ssi_signo;
        return 0;
    }
}

static void take_keys(struct watch *w)
{
    char keys[64];
    ssize_t n = read(w->screen.in, keys, sizeof(keys));

    if (n <= 0) { /* the terminal is gone */
        w->over = w->over || n == 0 || errno != EINTR;
        return;
    }
    if (memchr(keys, 'q', (size_t)n) || memchr(keys, 'Q', (size_t)n))
        w->over = true;
}

/* ---- the loop ---- */

/* When something happens by itself: the next question, or the seconds in the line go on. */
static int64_t next_ms(const struct watch *w, int64_t now)
{
    int64_t next = w->question.asked ? CLOCK_NEVER : w->next;
    bool ticks = w->drawn && w->report && (w->lost >= 0 || w->question.asked);

    return ticks && now + TICK_MS < next ? now + TICK_MS : next;
}

static int turn(struct watch *w, struct err *err)
{
    enum { SIGNALS, DONE, KEYS };
    int64_t now = clock_mono_ms();
    struct pollfd fds[] = {
        [SIGNALS] = { .fd = w->signal_fd, .events = POLLIN },
        [DONE] = { .fd = w->question.done_fd, .events = POLLIN },
        [KEYS] = { .fd = w->screen.taken ? w->screen.in : -1, .events = POLLIN },
    };
    uint64_t count = 0;
    int n = 0, r = 0;

    if (!w->question.asked && now >= w->next)
        return ask_now(w, err);
    n = poll(fds, sizeof(fds) / sizeof(fds[0]), clock_left_ms(next_ms(w, now)));
    if (n < 0 && errno != EINTR)
        return err_set(err, ERR_IO, errno, "poll: %s", strerror(errno));
    if (n == 0 && w->drawn && w->report && w->screen.taken)
        return draw(w, err);
    if (n > 0 && fds[KEYS].revents)
        take_keys(w);
    if (n > 0 && fds[SIGNALS].revents)
        r = take_signal(w, err);
    if (r == 0 && !w->over && n > 0 && fds[DONE].revents) {
        if (read(w->question.done_fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
            return 0;
        r = take_answer(w, err);
        return r < 0 ? r : show(w, err);
    }
    return r;
}

static int block_signals(struct watch *w, struct err *err)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH };
    sigset_t set;

    (void)sigemptyset(&set); /* cannot fail, nor can adding known numbers */
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        (void)sigaddset(&set, numbers[i]);
    w->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (w->signal_fd < 0)
        return err_set(err, ERR_IO, errno, "signalfd: %s", strerror(errno));
    if (pthread_sigmask(SIG_BLOCK, &set, &w->before) != 0)
        return err_set(err, ERR_BUG, 0, "block signals");
    return 0;
}

static int open_all(struct watch *w, struct err *err)
{
    w->question.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->question.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->question.cancel_fd < 0 || w->question.done_fd < 0)
        return err_set(err, ERR_IO, errno, "eventfd: %s", strerror(errno));
    return block_signals(w, err);
}

/* The terminal first, and signals as they were: a question that takes its time can then be ended as anything else can. */
static void end(struct watch *w)
{
    leave(w);
    if (w->signal_fd >= 0)
        (void)pthread_sigmask(SIG_SETMASK, &w->before, NULL); /* a set that was valid */
    if (w->question.asked) {
        wake(w->question.cancel_fd);
        (void)pthread_join(w->question.thread, NULL); /* a thread of ours that nobody else joins */
        json_free(w->question.report);
    }
    close_p(&w->signal_fd);
    close_p(&w->question.cancel_fd);
    close_p(&w->question.done_fd);
    json_free(w->report);
    buf_done(&w->text);
    buf_done(&w->frame);
}

int watch_run(const struct watch_options *options, watch_ask_fn *ask, void *ctx, struct err *err)
{
    struct watch w = {
        .o = *options,
        .drawn = !options->json && screen_is_terminal(options->out),
        .signal_fd = -1,
        .question = { .ask = ask, .ctx = ctx, .cancel_fd = -1, .done_fd = -1 },
        .lost = -1,
        .text = BUF_INIT(TEXT_MAX),
        .frame = BUF_INIT(2 * TEXT_MAX),
    };
    int r = 0;

    if (!w.o.seconds)
        w.o.seconds = WATCH_SECONDS;
    if (w.o.seconds > WATCH_SECONDS_MAX)
        w.o.seconds = WATCH_SECONDS_MAX;
    screen_init(&w.screen, options->in, options->out);
    r = open_all(&w, err);
    while (r == 0 && !w.over)
        r = turn(&w, err);
    end(&w);
    return r < 0 ? r : w.number;
}
