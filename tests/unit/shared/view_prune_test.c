#include "tests/unit/shared/view_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_dry_run_says_what_would_go_and_that_nothing_went(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample("prune", NULL);

    (void)state;
    assert_string_equal(view_shown("prune", report, 0, false),
                        "shop: 1 container, 2 images and 1 record would be removed, 120.0 MB (nothing was removed)\n"
                        "  container     12.0 kB  shop-old: ended 40 days ago\n"
                        "  image        120.0 MB  shop:v1 @ 0123456789ab: not among the last 5 good ones\n"
                        "  image               ?  shop:v2: old\n"
                        "  record         4.1 kB  20250101-000000-abcdef: older than 90 days\n"
                        "\n"
                        "kept\n"
                        "  image shop:v1.4.1: of green\n");
}

static void what_was_freed_is_told(void **state)
{
    _cleanup_(json_free_p) struct json *report =
        view_sample("prune", "{\"dry_run\":false,\"disk_freed_bytes\":119000000}");

    (void)state;
    assert_non_null(strstr(view_shown("prune", report, 0, false),
                           "shop: 1 container, 2 images and 1 record removed, 120.0 MB; the disk has 119.0 MB more\n"));
}

static void nothing_to_remove_is_said(void **state)
{
    _cleanup_(json_free_p) struct json *report =
        view_sample("prune", "{\"containers\":[],\"images\":[],\"records\":[],\"kept\":[]}");

    (void)state;
    assert_string_equal(view_shown("prune", report, 0, false), "shop: nothing to remove\n");
    assert_string_equal(view_shown("prune", NULL, 0, false), "?: nothing to remove\n");
}

static void a_list_without_end_is_counted(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample("prune", NULL);
    struct json *records = json_array();

    (void)state;
    for (int i = 0; i < 1000; i++)
        json_push(records, json_object());
    json_set(report, "records", records);
    assert_non_null(strstr(view_shown("prune", report, 0, false), "\n  and 800 more\n"));
}

static void words_of_the_host_reach_the_terminal_as_words(void **state)
{
    (void)state;
    view_attack("prune");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dry_run_says_what_would_go_and_that_nothing_went),
        cmocka_unit_test(what_was_freed_is_told),
        cmocka_unit_test(nothing_to_remove_is_said),
        cmocka_unit_test(a_list_without_end_is_counted),
        cmocka_unit_test(words_of_the_host_reach_the_terminal_as_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
