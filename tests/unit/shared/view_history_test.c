#include "shared/view/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WHOLE "\"verified\":{\"whole\":true,\"entries\":2,\"head\":\"" HEX64 "\",\"first_bad\":0,\"why\":\"\"}"

static const char *print_wide(const char *report, unsigned width, bool colour)
{
    static struct buf text = BUF_INIT(1 << 20);
    struct json *j = NULL;
    const struct view v = { .out = &text, .width = width, .colour = colour };

    buf_reset(&text);
    assert_int_equal(json_parse(span_of(report), &j, NULL), 0);
    assert_true(view_report(&v, "history", j));
    json_free(j);
    return buf_str(&text);
}

static const char *print(const char *report)
{
    return print_wide(report, 0, false);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        assert_string_equal(text, part); /* prints both */
}

#define TWO                                                                                                            \
    "{\"app\":\"shop\",\"total\":17,\"entries\":["                                                                     \
    "{\"n\":17,\"t\":\"2026-01-29T03:10:02.113Z\",\"operation\":\"rollback\",\"outcome\":\"rolled_back\","             \
    "\"error\":\"\",\"image\":\"registry.example/team/shop:1\",\"digest\":\"sha256:" HEX64 "\","                       \
    "\"total_seconds\":1.5,\"outage_seconds\":0.21,\"who\":\"https://github.example/runs/7\","                         \
    "\"reason\":\"job failed\",\"changes\":{}},"                                                                       \
    "{\"n\":16,\"t\":\"2026-01-29T02:10:02.113Z\",\"operation\":\"deploy\",\"outcome\":\"failed_untouched\","          \
    "\"error\":\"unhealthy\",\"image\":\"shop:2@sha256:ab\",\"digest\":\"\",\"total_seconds\":12.25,"                  \
    "\"outage_seconds\":-1,\"who\":\"\",\"reason\":\"\",\"changes\":{\"env_added\":[\"A\",\"B\"],"                     \
    "\"env_removed\":[\"C\"],\"env_changed\":[\"D\"]}}]," WHOLE "}"

static void entries_are_a_table_newest_first(void **state)
{
    (void)state;
    const char *text = print(TWO);
    assert_has(text,
               "    n  when (UTC)           what      outcome                      image                   total  "
               "outage  who\n");
    assert_has(text,
               "   17  2026-01-29 03:10:02  rollback  rolled_back                  shop:1 @0123456789ab   1.50 s  "
               "0.21 s  https://github.example/runs/7\n        reason: job failed\n");
    assert_has(text,
               "   16  2026-01-29 02:10:02  deploy    failed_untouched: unhealthy  shop:2                12.25 s  "
               "     -  -\n        env: +A +B -C ~D\n");
    assert_true(strstr(text, "   17  ") < strstr(text, "   16  "));
}

static void the_first_line_says_whether_the_log_is_whole(void **state)
{
    (void)state;
    assert_has(print(TWO), "The audit log is whole; 2 of 17 entries shown\n\n    n");
    assert_has(print(TWO), "\nHash of the last entry: " HEX64 "\n");
    assert_has(print("{\"entries\":[],\"total\":0,\"verified\":{\"whole\":false,\"why\":\"entry 2 is damaged\"}}"),
               "The audit log is not whole: entry 2 is damaged; 0 of 0 entries shown\n");
    assert_has(print("{}"), "not whole: it was not verified");
}

static void a_narrow_terminal_cuts_the_table_and_not_the_hash(void **state)
{
    (void)state;
    const char *text = print_wide(TWO, 40, false);
    assert_has(text, "   17  2026-01-29 03:10:02  rollback  r…\n");
    assert_has(text, HEX64 "\n");
}

static void colour_marks_the_verdict(void **state)
{
    (void)state;
    assert_has(print_wide(TWO, 0, true), "\033[32mThe audit log is whole\033[0m;");
    assert_has(print_wide("{}", 0, true), "\033[1;31mThe audit log is not whole\033[0m:");
}

static void the_trend_of_three_good_runs_is_drawn(void **state)
{
    struct buf report = BUF_INIT(1 << 16);
    (void)state;
    buf_adds(&report, "{\"entries\":[");
    for (int i = 5; i > 0; i--)
        buf_addf(&report, "%s{\"operation\":\"%s\",\"outcome\":\"%s\",\"total_seconds\":%d,\"outage_seconds\":%s}",
                 i < 5 ? "," : "", i == 3 ? "rollback" : "deploy", i == 3 || i == 2 ? "rolled_back" : "deployed", i,
                 i == 1 ? "-1" : "0.2");
    buf_adds(&report, "]}");
    const char *text = print(buf_str(&report));
    assert_has(text, "\nTrend of the last 4 good runs\n");
    assert_has(text, "  total         ▁▅▆█  least 1.00 s, median 3.50 s, last 5.00 s\n");
    assert_has(text, "  outage        ·▄▄▄  least 0.20 s, median 0.20 s, last 0.20 s\n");
    assert_null(strstr(text, "cutover"));
    assert_null(strstr(print(TWO), "Trend"));
    buf_done(&report);
}

static void words_of_the_host_reach_the_terminal_as_words(void **state)
{
    (void)state;
    const char *text =
        print("{\"entries\":[{\"n\":1,\"t\":\"\\u001b[2J\",\"operation\":\"\\r::error::x\","
              "\"outcome\":\"##[error]y\",\"image\":\"\\u009b31m\",\"who\":\"\\u001b]0;x\\u0007\","
              "\"reason\":\"\\n::x\",\"broken\":\"\\u001b[1m\",\"changes\":{\"env_added\":[\"\\u001bc\"]}}],"
              "\"verified\":{\"why\":\"\\u001b[2J\",\"head\":\"\\u001b[2J\"}}");
    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, "\n::"));
    assert_null(strstr(text, "##["));
    assert_null(strstr(text, "\xc2\x9b"));
}

static void members_of_the_wrong_type_do_no_harm(void **state)
{
    (void)state;
    assert_has(print("{\"entries\":[1,null,\"x\",{\"changes\":[1],\"total_seconds\":\"x\"}],\"verified\":[]}"),
               "not whole");
    assert_has(print("{\"entries\":{\"a\":1}}"), "not whole");
    assert_has(print("{\"entries\":\"x\",\"total\":1e300}"), "not whole");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_a_table_newest_first),
        cmocka_unit_test(the_first_line_says_whether_the_log_is_whole),
        cmocka_unit_test(a_narrow_terminal_cuts_the_table_and_not_the_hash),
        cmocka_unit_test(colour_marks_the_verdict),
        cmocka_unit_test(the_trend_of_three_good_runs_is_drawn),
        cmocka_unit_test(words_of_the_host_reach_the_terminal_as_words),
        cmocka_unit_test(members_of_the_wrong_type_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
