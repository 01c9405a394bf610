#include "shared/view/sparkline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *draw(const char *list, struct sparkline *s)
{
    static struct buf out = BUF_INIT(4096);
    struct json *j = NULL;
    assert_int_equal(json_parse(span_of(list), &j, NULL), 0);
    buf_reset(&out);
    sparkline_of(s, j, "v");
    sparkline_draw(s, &out);
    json_free(j);
    return buf_str(&out);
}

static void values_become_blocks_from_the_smallest_to_the_largest(void **state)
{
    struct sparkline s;
    (void)state;
    assert_string_equal(draw("[{\"v\":0},{\"v\":1},{\"v\":2},{\"v\":3},{\"v\":4},{\"v\":5},{\"v\":6},{\"v\":7}]", &s),
                        "▁▂▃▄▅▆▇█");
    assert_string_equal(draw("[{\"v\":5},{\"v\":1000},{\"v\":500}]", &s), "▁█▄");
}

static void values_that_hardly_differ_are_shown_as_equal(void **state)
{
    struct sparkline s;
    (void)state;
    assert_string_equal(draw("[{\"v\":4.0},{\"v\":4.1},{\"v\":3.9}]", &s), "▄▄▄");
    assert_string_equal(draw("[{\"v\":0},{\"v\":0}]", &s), "▄▄");
    assert_string_equal(draw("[{\"v\":3}]", &s), "▄");
}

static void what_was_not_measured_is_a_dot_and_counts_for_nothing(void **state)
{
    struct sparkline s;
    (void)state;
    assert_string_equal(draw("[{\"v\":2},{\"v\":-1},{},{\"v\":\"x\"},{\"v\":1e300},7,{\"v\":1}]", &s), "█·····▁");
    assert_int_equal(s.count, 7);
    assert_int_equal(s.measured, 2);
    assert_true(s.min == 1 && s.median == 1.5 && s.last == 1);
}

static void the_figures_are_least_median_and_last(void **state)
{
    struct sparkline s;
    (void)state;
    (void)draw("[{\"v\":5},{\"v\":1},{\"v\":3}]", &s);
    assert_true(s.min == 1 && s.median == 3 && s.last == 3);
}

static void only_the_newest_are_shown(void **state)
{
    struct buf list = BUF_INIT(1 << 16);
    struct sparkline s;
    (void)state;
    buf_adds(&list, "[{\"v\":1}");
    for (int i = 2; i <= SPARKLINE_MAX + 5; i++)
        buf_addf(&list, ",{\"v\":%d}", i);
    buf_addc(&list, ']');
    (void)draw(buf_str(&list), &s);
    assert_int_equal(s.count, SPARKLINE_MAX);
    assert_true(s.min == 6 && s.last == SPARKLINE_MAX + 5);
    buf_done(&list);
}

static void what_is_no_list_has_no_values(void **state)
{
    struct sparkline s;
    (void)state;
    assert_string_equal(draw("{\"a\":{\"v\":1}}", &s), "");
    assert_string_equal(draw("[]", &s), "");
    assert_int_equal(s.measured, 0);
    sparkline_of(&s, NULL, "v");
    assert_int_equal(s.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_blocks_from_the_smallest_to_the_largest),
        cmocka_unit_test(values_that_hardly_differ_are_shown_as_equal),
        cmocka_unit_test(what_was_not_measured_is_a_dot_and_counts_for_nothing),
        cmocka_unit_test(the_figures_are_least_median_and_last),
        cmocka_unit_test(only_the_newest_are_shown),
        cmocka_unit_test(what_is_no_list_has_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
