#include "cmd/cli/handout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

static void the_bar_shows_how_much_is_there(void **state)
{
    (void)state;
    char bar[160];
    handout_bar(5e6, 10e6, 100, bar);
    assert_string_equal(bar, "[####################....................]   50 %  5.0 of 10.0 MB");
    handout_bar(10e6, 10e6, 100, bar);
    assert_string_equal(bar, "[########################################]  100 %  10.0 of 10.0 MB");
}

static void the_bar_never_fills_the_last_column(void **state)
{
    (void)state;
    char bar[160];
    for (unsigned width = 0; width < 160; width++) {
        handout_bar(123.4e6, 200e6, width, bar);
        assert_true(strlen(bar) < (width > 1 ? width : 2));
    }
}

static void nonsense_from_a_host_does_not_break_the_bar(void **state)
{
    (void)state;
    char bar[160];
    handout_bar(20e6, 10e6, 80, bar);
    assert_non_null(strstr(bar, "100 %"));
    handout_bar(-1, 10e6, 80, bar);
    assert_non_null(strstr(bar, "  0 %"));
    handout_bar(1, 0, 80, bar);
    assert_non_null(strstr(bar, "  0 %"));
    handout_bar(1e300, 1e308, 80, bar);
    assert_true(strlen(bar) < 160);
    handout_bar((double)INFINITY, (double)INFINITY, 80, bar); /* their quotient is no number */
    assert_non_null(strstr(bar, "[......"));
    assert_non_null(strstr(bar, "  0 %"));
}

static void a_quiet_one_writes_only_complaints(void **state)
{
    (void)state;
    struct handout o = { .quiet = true };
    int ends[2], before = dup(STDERR_FILENO);
    char got[64] = "";
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    int first = handout_write(&o, SPAN_LIT("nobody wants this\n"));
    handout_complain(&o);
    int second = handout_write(&o, SPAN_LIT("error: look\n"));
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    assert_int_equal(first, 0);
    assert_int_equal(second, 0);
    assert_int_equal(read(ends[0], got, sizeof(got) - 1), 12);
    assert_string_equal(got, "error: look\n");
    (void)close(before);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_shows_how_much_is_there),
        cmocka_unit_test(the_bar_never_fills_the_last_column),
        cmocka_unit_test(nonsense_from_a_host_does_not_break_the_bar),
        cmocka_unit_test(a_quiet_one_writes_only_complaints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
