#include "cmd/signals.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static int fd = -1;

static int install(void **state)
{
    (void)state;
    struct err e = { 0 };
    signals_caught = 0;
    return signals_init(&fd, &e);
}

static int remove_fd(void **state)
{
    (void)state;
    close(fd);
    return 0;
}

static bool readable(void)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, 0) == 1;
}

static void nothing_is_readable_before_a_signal(void **state)
{
    (void)state;
    assert_false(readable());
    assert_int_equal(signals_caught, 0);
}

static void a_signal_makes_the_descriptor_readable_for_good(void **state)
{
    (void)state;
    assert_int_equal(raise(SIGTERM), 0);
    assert_true(readable());
    assert_true(readable());
    assert_int_equal(signals_caught, SIGTERM);
}

static void the_first_signal_is_remembered(void **state)
{
    (void)state;
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(signals_caught, SIGINT);
}

static void the_time_since_the_first_signal_is_told(void **state)
{
    (void)state;
    assert_int_equal(signals_age_ms(), 0);
    assert_int_equal(raise(SIGINT), 0);
    usleep(20000);
    assert_int_equal(raise(SIGTERM), 0);
    assert_in_range(signals_age_ms(), 20, 5000);
}

static void many_signals_do_not_block(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(raise(SIGINT), 0);
    assert_true(readable());
}

static void a_broken_pipe_is_no_death(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(write(fds[1], "x", 1), -1);
    close(fds[1]);
    assert_int_equal(signals_caught, 0);
}

static void a_limit_raises_its_flag_once_its_time_is_over(void **state)
{
    (void)state;
    signals_limit(30);
    assert_int_equal(signals_late, 0);
    for (int i = 0; i < 500 && !signals_late; i++)
        usleep(10000);
    assert_int_equal(signals_late, 1);
    assert_int_equal(signals_caught, 0);
    signals_limit(60000);
    assert_int_equal(signals_late, 0);
    signals_limit(20);
    signals_limit(0);
    usleep(60000);
    assert_int_equal(signals_late, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_readable_before_a_signal, install, remove_fd),
        cmocka_unit_test_setup_teardown(a_signal_makes_the_descriptor_readable_for_good, install, remove_fd),
        cmocka_unit_test_setup_teardown(the_first_signal_is_remembered, install, remove_fd),
        cmocka_unit_test_setup_teardown(the_time_since_the_first_signal_is_told, install, remove_fd),
        cmocka_unit_test_setup_teardown(many_signals_do_not_block, install, remove_fd),
        cmocka_unit_test_setup_teardown(a_broken_pipe_is_no_death, install, remove_fd),
        cmocka_unit_test_setup_teardown(a_limit_raises_its_flag_once_its_time_is_over, install, remove_fd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
