#include "cmd/signals.h"

#include "shared/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

volatile sig_atomic_t signals_caught;
volatile sig_atomic_t signals_late;

/* What the handler needs: where to write, and when the first one came. */
static volatile sig_atomic_t wake_fd = -1;
static _Atomic int64_t caught_ms;

static void on_signal(int number)
{
    int saved = errno;
    if (signals_caught == 0) {
        caught_ms = clock_mono_ms();
        signals_caught = number;
    }
    if (wake_fd >= 0 && write(wake_fd, "x", 1) < 0) {
        /* the pipe is full: it is readable already */
    }
    errno = saved;
}

int64_t signals_age_ms(void)
{
    return signals_caught ? clock_mono_ms() - caught_ms : 0;
}

static int install(int number, void (*handler)(int), struct err *err)
{
    struct sigaction sa;
    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = handler;
    sigemptyset(&sa.sa_mask);
    if (sigaction(number, &sa, NULL) < 0) /* no SA_RESTART: waits end early and look at the descriptor */
        return err_set(err, ERR_BUG, errno, "handle signal %d: %s", number, strerror(errno));
    return 0;
}

static void on_alarm(int number)
{
    (void)number;
    signals_late = 1;
}

void signals_limit(int64_t time_ms)
{
    struct itimerval timer = { .it_value = { .tv_sec = time_ms / 1000, .tv_usec = time_ms % 1000 * 1000 } };

    (void)setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL); /* cannot fail: the arguments are right */
    signals_late = 0;
    if (time_ms > 0)
        (void)setitimer(ITIMER_REAL, &timer, NULL);
}

int signals_init(int *ret_fd, struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_set(err, ERR_IO, errno, "pipe for signals: %s", strerror(errno));
    wake_fd = fds[1];
    int r;
    if ((r = install(SIGINT, on_signal, err)) < 0 || (r = install(SIGTERM, on_signal, err)) < 0 ||
        (r = install(SIGALRM, on_alarm, err)) < 0 || (r = install(SIGPIPE, SIG_IGN, err)) < 0) {
        wake_fd = -1;
        close(fds[0]);
        close(fds[1]);
        return r;
    }
    *ret_fd = fds[0]; /* never read, so it stays readable */
    return 0;
}
