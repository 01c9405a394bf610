#include "shared/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(reading_ends_where_nothing_more_fits),
        cmocka_unit_test(errors_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
