#include "tests/unit/shared/view_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void findings_come_with_their_next_step_command_and_evidence(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample("diagnose", NULL);

    (void)state;
    assert_string_equal(view_shown("diagnose", report, 0, false),
                        "shop: 2 findings, the likeliest cause first; 2 checks made\n"
                        "\n"
                        " 1. error, host: port 8080 belongs to nginx\n"
                        "    Next: stop it, or choose another port\n"
                        "     sudo systemctl stop nginx\n"
                        "     | LISTEN 0.0.0.0:8080 nginx\n"
                        "     | pid 71\n"
                        "\n"
                        " 2. warning, host: the disk is nearly full\n"
                        "    Next: remove what is old\n"
                        "     bluegreen-agent prune --app shop\n"
                        "\n"
                        "checks\n"
                        "  good  engine          answers in 2 ms\n"
                        "  BAD   port            taken\n");
}

static void nothing_found_is_said(void **state)
{
    _cleanup_(json_free_p) struct json *report =
        view_sample("diagnose", "{\"findings\":[],\"checks\":[{\"name\":\"engine\",\"ok\":true,\"text\":\"\"}]}");

    (void)state;
    assert_string_equal(view_shown("diagnose", report, 0, false),
                        "shop: nothing found; 1 check made\n\nchecks\n  good  engine          \n");
}

static void of_long_evidence_the_last_lines_are_shown(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample("diagnose", NULL);
    struct json *finding = json_object(), *lines = json_array(), *findings = json_array();
    char text[16];

    (void)state;
    for (int i = 1; i <= 100; i++) {
        (void)snprintf(text, sizeof(text), "line %d", i);
        json_push_str(lines, text);
    }
    json_set(finding, "evidence", lines);
    json_push(findings, finding);
    json_set(report, "findings", findings);
    assert_null(strstr(view_shown("diagnose", report, 0, false), "line 80\n"));
    assert_non_null(strstr(view_shown("diagnose", report, 0, false), "line 81\n"));
    assert_non_null(strstr(view_shown("diagnose", report, 0, false), "line 100\n"));
}

static void words_of_the_host_reach_the_terminal_as_words(void **state)
{
    (void)state;
    view_attack("diagnose");
}

static void members_of_the_wrong_type_do_no_harm(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample(
        "diagnose", "{\"app\":1,\"findings\":[1,{\"evidence\":7,\"level\":{}},\"x\"],\"checks\":{\"a\":1,\"b\":[]}}");

    (void)state;
    assert_non_null(strstr(view_shown("diagnose", report, 0, false), "3 findings"));
    assert_non_null(strstr(view_shown("diagnose", NULL, 0, false), "nothing found; 0 checks"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_come_with_their_next_step_command_and_evidence),
        cmocka_unit_test(nothing_found_is_said),
        cmocka_unit_test(of_long_evidence_the_last_lines_are_shown),
        cmocka_unit_test(words_of_the_host_reach_the_terminal_as_words),
        cmocka_unit_test(members_of_the_wrong_type_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
