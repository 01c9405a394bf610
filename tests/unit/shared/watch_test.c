#include "shared/view/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/clock.h"
#include "shared/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#define PATIENCE_MS 10000

/* What the question answers, in turn; the last one stays. */
enum answer { GOOD, RUNNING, REFUSED, ANOTHER_KEY, SILENT };

struct asked {
    const enum answer *answers;
    size_t count, at;
};

static int answer(void *ctx, int cancel_fd, struct json **ret, struct err *err)
{
    struct asked *a = ctx;
    enum answer what = a->answers[a->at < a->count ? a->at : a->count - 1];
    struct json *blue = NULL;
    struct pollfd cancel = { .fd = cancel_fd, .events = POLLIN };

    a->at++;
    switch (what) {
    case REFUSED:
        return err_set(err, ERR_UNREACHABLE, 0, "connect to web1: refused");
    case ANOTHER_KEY:
        return err_set(err, ERR_HOST_KEY, 0, "another key");
    case SILENT:
        (void)poll(&cancel, 1, PATIENCE_MS);
        return err_set(err, ERR_CANCEL, 0, "cancelled");
    case GOOD:
    case RUNNING:
    default:
        *ret = json_object();
        json_set_str(*ret, "app", "shop");
        if (json_parse(SPAN_LIT("{\"name\":\"shop-blue\"}"), &blue, err) < 0)
            return -ERR_PROTO;
        json_set(*ret, "blue", blue);
        json_set_int(*ret, "answer", (int64_t)a->at);
        if (what == RUNNING)
            json_set(*ret, "running", json_object());
        return 0;
    }
}

/* ---- into a pipe ---- */

/* What is written until the answers are used up: the last one must end it. */
static int watch_pipe(const enum answer *answers, size_t count, bool as_json, struct buf *out, struct err *err)
{
    struct asked a = { .answers = answers, .count = count };
    int fds[2], r = 0;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    r = watch_run(&(struct watch_options){ .report = "status", .seconds = 1, .in = -1, .out = fds[1], .json = as_json },
                  answer, &a, err);
    close(fds[1]);
    assert_int_equal(fd_read(fds[0], out), 0);
    close(fds[0]);
    return r;
}

static void a_pipe_gets_each_report_below_its_time_and_no_control_sequence(void **state)
{
    static const enum answer answers[] = { RUNNING, REFUSED, GOOD, ANOTHER_KEY };
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(1 << 16);
    struct err err = { 0 };
    const char *second = NULL, *third = NULL;

    (void)state;
    assert_int_equal(watch_pipe(answers, 4, false, &out, &err), -ERR_HOST_KEY);
    assert_int_equal(strncmp(buf_str(&out), "--- 20", 6), 0);
    assert_non_null(strstr(buf_str(&out), " UTC ---\n"));
    second = strstr(buf_str(&out) + 1, "\n\n--- 20");
    assert_non_null(second);
    third = strstr(second + 3, "\n\n--- 20");
    assert_non_null(third);
    assert_non_null(strstr(second, "no answer: connect to web1: refused\n"));
    assert_true(strstr(second, "no answer") < third);
    assert_non_null(strstr(third, "shop"));
    assert_null(strchr(buf_str(&out), 033));
}

static void json_is_one_line_a_report(void **state)
{
    static const enum answer answers[] = { RUNNING, REFUSED, GOOD, ANOTHER_KEY };
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(1 << 16);
    struct err err = { 0 };

    (void)state;
    assert_int_equal(watch_pipe(answers, 4, true, &out, &err), -ERR_HOST_KEY);
    assert_string_equal(buf_str(&out),
                        "{\"app\":\"shop\",\"blue\":{\"name\":\"shop-blue\"},\"answer\":1,\"running\":{}}\n"
                        "{\"app\":\"shop\",\"blue\":{\"name\":\"shop-blue\"},\"answer\":3}\n");
}

static void a_watch_into_a_pipe_can_be_stopped(void **state)
{
    static const enum answer answers[] = { GOOD };
    char first[64];
    int fds[2] = { -1, -1 }, status = 0;
    pid_t pid = -1;

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct asked a = { .answers = answers, .count = 1 };
        struct err err = { 0 };
        (void)alarm(PATIENCE_MS / 1000 * 2);
        (void)watch_run(&(struct watch_options){ .report = "status", .seconds = 3600, .in = -1, .out = fds[1] }, answer,
                        &a, &err);
        _exit(0);
    }
    (void)close(fds[1]);
    assert_true(read(fds[0], first, sizeof(first)) > 0);
    assert_int_equal(kill(pid, SIGTSTP), 0);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    (void)close(fds[0]);
}

static void a_first_question_that_fails_is_the_end(void **state)
{
    static const enum answer answers[] = { REFUSED };
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(1 << 16);
    struct err err = { 0 };

    (void)state;
    assert_int_equal(watch_pipe(answers, 1, false, &out, &err), -ERR_UNREACHABLE);
    assert_int_equal(out.len, 0);
    assert_string_equal(err.frame[0].text, "connect to web1: refused");
}

/* ---- on a terminal ---- */

struct terminal {
    int fd; /* the other end */
    pid_t pid;
    struct termios before;
    struct buf seen; /* everything that was written */
};

static _Noreturn void be_watched(const enum answer *answers, size_t count, unsigned seconds)
{
    struct asked a = { .answers = answers, .count = count };
    struct err err = { 0 };
    int r = 0;

    (void)setenv("TERM", "xterm", 1);
    (void)alarm(PATIENCE_MS / 1000 * 2);
    r = watch_run(&(struct watch_options){ .report = "status", .seconds = seconds, .in = 0, .out = 1, .colour = true },
                  answer, &a, &err);
    _exit(r < 0 ? 100 - r : r);
}

static void begin(struct terminal *t, const enum answer *answers, size_t count, unsigned seconds)
{
    struct winsize size = { .ws_row = 30, .ws_col = 100 };

    *t = (struct terminal){ .seen = BUF_INIT(1 << 20) };
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    assert_true(t->pid >= 0);
    if (t->pid == 0)
        be_watched(answers, count, seconds);
    assert_int_equal(tcgetattr(t->fd, &t->before), 0);
}

/* Read until `text` comes, from byte `from` of all that was seen; where it begins. */
static size_t wait_for(struct terminal *t, size_t from, const char *text)
{
    int64_t deadline = clock_mono_ms() + PATIENCE_MS;
    const char *found = NULL;
    char chunk[4096];

    while (from > t->seen.len || !(found = strstr(buf_str(&t->seen) + from, text))) {
        struct pollfd p = { .fd = t->fd, .events = POLLIN };
        ssize_t n = poll(&p, 1, clock_left_ms(deadline)) == 1 ? read(t->fd, chunk, sizeof(chunk)) : -1;
        if (n <= 0)
            fail_msg("'%s' did not come; seen: %s", text, buf_str(&t->seen) + from);
        buf_add(&t->seen, chunk, (size_t)n);
    }
    return (size_t)(found - t->seen.ptr);
}

static void say(struct terminal *t, const char *keys)
{
    assert_int_equal(fd_write(t->fd, span_of(keys)), 0);
}

#define GIVEN_BACK "\033[?25h\033[?1049l"

/* It ends with this code, and leaves the terminal as it was. */
static void finish(struct terminal *t, size_t from, int code)
{
    struct termios after;
    int status = 0;

    (void)wait_for(t, from, GIVEN_BACK);
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
    assert_int_equal(tcgetattr(t->fd, &after), 0);
    assert_int_equal(after.c_lflag, t->before.c_lflag);
    assert_int_equal(after.c_iflag, t->before.c_iflag);
    close(t->fd);
    buf_done(&t->seen);
}

static void the_report_is_drawn_in_place_until_q(void **state)
{
    static const enum answer answers[] = { GOOD };
    struct terminal t;
    struct termios keys;
    size_t at = 0;

    (void)state;
    begin(&t, answers, 1, 1);
    at = wait_for(&t, 0, "\033[?1049h\033[?25l");
    at = wait_for(&t, at, "\033[H");
    at = wait_for(&t, at, "every 1 s, 20");
    at = wait_for(&t, at, "shop");
    at = wait_for(&t, at, "\033[J\033[H"); /* the next one in its place, and in one piece */
    assert_int_equal(tcgetattr(t.fd, &keys), 0);
    assert_false(keys.c_lflag & (ICANON | ECHO));
    assert_true(keys.c_lflag & ISIG);
    say(&t, "q");
    at = wait_for(&t, at, GIVEN_BACK);
    (void)wait_for(&t, at, "shop"); /* stays to be read */
    finish(&t, at, 0);
}

static void ctrl_c_and_signals_end_it_and_give_the_terminal_back(void **state)
{
    static const enum answer answers[] = { GOOD };
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    struct terminal t;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        begin(&t, answers, 1, 60);
        at = wait_for(&t, 0, "every 60 s");
        at = wait_for(&t, at, "\033[J");
        if (i == 0)
            say(&t, "\003");
        else
            assert_int_equal(kill(t.pid, numbers[i]), 0);
        finish(&t, at, i == 0 ? 0 : numbers[i]);
    }
}

static void a_new_size_draws_it_anew_at_once(void **state)
{
    static const enum answer answers[] = { GOOD };
    struct terminal t;
    size_t at = 0;

    (void)state;
    begin(&t, answers, 1, 3600);
    at = wait_for(&t, 0, "every 3600 s");
    at = wait_for(&t, at, "\033[J");
    assert_int_equal(ioctl(t.fd, TIOCSWINSZ, &(struct winsize){ .ws_row = 4, .ws_col = 40 }), 0);
    at = wait_for(&t, at, "\033[H");
    at = wait_for(&t, at, " more lines");
    say(&t, "q");
    finish(&t, at, 0);
}

static void a_stopped_one_gives_the_terminal_back_and_draws_again_when_continued(void **state)
{
    static const enum answer answers[] = { GOOD };
    struct terminal t;
    struct termios keys;
    int status = 0;
    size_t at = 0;

    (void)state;
    begin(&t, answers, 1, 3600);
    at = wait_for(&t, 0, "\033[J");
    say(&t, "\032");
    at = wait_for(&t, at, GIVEN_BACK);
    assert_int_equal(waitpid(t.pid, &status, WUNTRACED), t.pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(tcgetattr(t.fd, &keys), 0);
    assert_int_equal(keys.c_lflag, t.before.c_lflag);
    assert_int_equal(kill(t.pid, SIGCONT), 0);
    at = wait_for(&t, at, "\033[?1049h\033[?25l");
    at = wait_for(&t, at, "shop");
    assert_int_equal(tcgetattr(t.fd, &keys), 0);
    assert_false(keys.c_lflag & ICANON);
    say(&t, "q");
    finish(&t, at, 0);
}

static void a_lost_connection_keeps_the_last_report_dimmed_and_is_tried_again(void **state)
{
    static const enum answer answers[] = { GOOD, REFUSED, REFUSED, GOOD };
    struct terminal t;
    size_t at = 0;

    (void)state;
    begin(&t, answers, 4, 1);
    at = wait_for(&t, 0, "every 1 s");
    at = wait_for(&t, at, "NO ANSWER since ");
    at = wait_for(&t, at, "s; last answer ");
    at = wait_for(&t, at, "connect to web1: refused");
    at = wait_for(&t, at, "\033[2m");
    at = wait_for(&t, at, "shop");
    at = wait_for(&t, at, "every 1 s");
    at = wait_for(&t, at, "shop");
    say(&t, "q");
    finish(&t, at, 0);
}

static void a_host_with_another_key_ends_it(void **state)
{
    static const enum answer answers[] = { GOOD, ANOTHER_KEY };
    struct terminal t;

    (void)state;
    begin(&t, answers, 2, 1);
    finish(&t, 0, 100 + ERR_HOST_KEY);
}

static void keys_are_heard_while_the_question_waits(void **state)
{
    static const enum answer answers[] = { GOOD, SILENT };
    int64_t began = clock_mono_ms();
    struct terminal t;
    size_t at = 0;

    (void)state;
    begin(&t, answers, 2, 1);
    at = wait_for(&t, 0, "waiting for an answer since ");
    at = wait_for(&t, at, "NO ANSWER since ");
    at = wait_for(&t, at, "\033[2m"); /* what is no longer sure is dimmed */
    say(&t, "q");
    finish(&t, at, 0);
    assert_true(clock_mono_ms() - began < PATIENCE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_gets_each_report_below_its_time_and_no_control_sequence),
        cmocka_unit_test(json_is_one_line_a_report),
        cmocka_unit_test(a_watch_into_a_pipe_can_be_stopped),
        cmocka_unit_test(a_first_question_that_fails_is_the_end),
        cmocka_unit_test(the_report_is_drawn_in_place_until_q),
        cmocka_unit_test(ctrl_c_and_signals_end_it_and_give_the_terminal_back),
        cmocka_unit_test(a_new_size_draws_it_anew_at_once),
        cmocka_unit_test(a_stopped_one_gives_the_terminal_back_and_draws_again_when_continued),
        cmocka_unit_test(a_lost_connection_keeps_the_last_report_dimmed_and_is_tried_again),
        cmocka_unit_test(a_host_with_another_key_ends_it),
        cmocka_unit_test(keys_are_heard_while_the_question_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
