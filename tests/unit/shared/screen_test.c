#include "shared/view/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>

static const char *frame(const char *head, const char *body, unsigned columns, unsigned rows)
{
    static struct buf out = BUF_INIT(1 << 16);

    buf_reset(&out);
    screen_frame(span_of(head), span_of(body), columns, rows, false, &out);
    return buf_str(&out);
}

static void each_line_is_erased_to_its_end_and_all_below_the_last(void **state)
{
    (void)state;
    assert_string_equal(frame("head", "one\n\ntwo\n", 20, 10),
                        "\033[Hhead\033[K\r\n\033[K\r\none\033[K\r\n\033[K\r\ntwo\033[K\r\n\033[J");
}

static void what_just_fits_is_shown_whole(void **state)
{
    (void)state;
    assert_string_equal(frame("head", "one\ntwo\n", 20, 4), "\033[Hhead\033[K\r\n\033[K\r\none\033[K\r\ntwo\033[K");
}

static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    assert_string_equal(frame("head", "one\ntwo\nthree\n", 20, 4),
                        "\033[Hhead\033[K\r\n\033[K\r\none\033[K\r\n… 2 more lines\033[K");
    assert_string_equal(frame("head", "one\ntwo\nthree\n", 8, 3), "\033[Hhead\033[K\r\n\033[K\r\n… 3 mor…");
    assert_string_equal(frame("head", "one\n", 20, 2), "\033[Hhead\033[K\r\n\033[K");
    assert_string_equal(frame("head", "one\n", 20, 1), "\033[Hhead\033[K");
}

/* In the last column the cursor stands on the last character: what is erased from there would take it along. */
static void a_line_that_fills_its_row_keeps_its_last_character(void **state)
{
    (void)state;
    assert_string_equal(frame("head", "0123456789\nend\n", 10, 4),
                        "\033[Hhead\033[K\r\n\033[K\r\n0123456789\r\nend\033[K");
}

static void a_command_that_is_longer_than_the_screen_takes_its_rows(void **state)
{
    (void)state;
    assert_string_equal(frame("head", "0123456789abc\nend\n", 10, 5),
                        "\033[Hhead\033[K\r\n\033[K\r\n0123456789abc\033[K\r\nend\033[K");
    assert_string_equal(frame("head", "0123456789abc\nend\n", 10, 4),
                        "\033[Hhead\033[K\r\n\033[K\r\n… 2 more …\r\n\033[J");
}

static void the_head_is_cut(void **state)
{
    (void)state;
    assert_string_equal(frame("a long head", "", 6, 4), "\033[Ha lon…\r\n\033[K\r\n\033[J");
}

static void a_file_is_no_terminal(void **state)
{
    _cleanup_(close_p) int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    unsigned columns = 0, rows = 0;

    (void)state;
    assert_false(screen_is_terminal(fd));
    screen_size(fd, &columns, &rows);
    assert_int_equal(columns, 80);
    assert_int_equal(rows, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_erased_to_its_end_and_all_below_the_last),
        cmocka_unit_test(what_just_fits_is_shown_whole),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(a_line_that_fills_its_row_keeps_its_last_character),
        cmocka_unit_test(a_command_that_is_longer_than_the_screen_takes_its_rows),
        cmocka_unit_test(the_head_is_cut),
        cmocka_unit_test(a_file_is_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
