#include "shared/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>

static int file_with(const char *text)
{
    int fd = memfd_create("fd_test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(fd_write(fd, span_of(text)), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void what_is_written_is_read(void **state)
{
    _cleanup_(buf_done_p) struct buf big = BUF_INIT(100000), out = BUF_INIT(100000);

    (void)state;
    while (big.len < 70000)
        buf_adds(&big, "0123456789");
    _cleanup_(close_p) int fd = file_with(buf_str(&big));
    assert_int_equal(fd_read(fd, &out), 0);
    assert_string_equal(buf_str(&out), buf_str(&big));
    assert_int_equal(fd_read(fd, &out), 0);
    assert_int_equal(out.len, big.len);
}

/* A file without an end, or nearly: reading stops at the bound. */
static void reading_ends_where_nothing_more_fits(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(1000);
    _cleanup_(close_p) int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(fd_read(fd, &out), -1);
    assert_int_equal(errno, EFBIG);
}

static void errors_are_told(void **state)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(1000);

    (void)state;
    assert_int_equal(fd_read(-1, &out), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(fd_write(-1, SPAN_LIT("x")), -1);
    assert_int_equal(fd_write(-1, SPAN_LIT("")), 0);
}

static int opened_again(int fd)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int again = open(path, O_RDWR | O_CLOEXEC);
    assert_true(again >= 0);
    return again;
}

static void a_lock_that_somebody_has_is_not_given(void **state)
{
    _cleanup_(close_p) int fd = file_with("x"), other = opened_again(fd);

    (void)state;
    assert_int_equal(fd_lock(other), 0);
    assert_int_equal(fd_lock(fd), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    close_p(&other);
    assert_int_equal(fd_lock(fd), 0);
}

static void *let_go(void *arg)
{
    usleep(3000); /* longer than any look takes */
    (void)flock(*(const int *)arg, LOCK_UN);
    return NULL;
}

static void a_look_at_the_lock_does_not_take_it_from_anybody(void **state)
{
    _cleanup_(close_p) int fd = file_with("x"), other = opened_again(fd);
    pthread_t thread;

    (void)state;
    assert_int_equal(flock(other, LOCK_SH | LOCK_NB), 0);
    assert_int_equal(pthread_create(&thread, NULL, let_go, &other), 0);
    assert_int_equal(fd_lock(fd), 0);
    (void)pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(reading_ends_where_nothing_more_fits),
        cmocka_unit_test(errors_are_told),
        cmocka_unit_test(a_lock_that_somebody_has_is_not_given),
        cmocka_unit_test(a_look_at_the_lock_does_not_take_it_from_anybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
