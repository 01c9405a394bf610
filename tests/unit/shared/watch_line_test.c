#include "shared/view/watch_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define AT 1769656202113 /* 2026-01-29T03:10:02.113Z */

static const char *line_of(const struct watch_moment *m, bool colour)
{
    static struct buf out = BUF_INIT(4096);

    buf_reset(&out);
    watch_line(m, colour, &out);
    return buf_str(&out);
}

static void how_often_and_when_is_told(void **state)
{
    const struct watch_moment m = { .seconds = 5, .answered_at = AT, .lost_ms = -1, .asking_ms = 300 };

    (void)state;
    assert_string_equal(line_of(&m, false), "every 5 s, 2026-01-29 03:10:02 UTC (q ends)");
    assert_string_equal(line_of(&m, true), "\033[2mevery 5 s, 2026-01-29 03:10:02 UTC (q ends)\033[0m");
}

static void a_question_that_waits_long_is_told(void **state)
{
    const struct watch_moment m = { .seconds = 5, .answered_at = AT, .lost_ms = -1, .asking_ms = 3400 };

    (void)state;
    assert_string_equal(line_of(&m, false),
                        "every 5 s, 2026-01-29 03:10:02 UTC, waiting for an answer since 3 s (q ends)");
}

static void a_lost_connection_is_told_with_its_reason_in_words(void **state)
{
    struct watch_moment m = {
        .seconds = 5, .lost_ms = 12000, .silent_ms = 74000, .again_ms = 3001, .trouble = "connect: \033[2Jrefused\t!"
    };

    (void)state;
    assert_string_equal(line_of(&m, false),
                        "NO ANSWER since 12 s; last answer 1 min 14 s ago; next try in 4 s (q ends): "
                        "connect: \u241b[2Jrefused !");
    m.again_ms = 0;
    assert_non_null(strstr(line_of(&m, false), "ago; trying again (q ends): "));
    assert_non_null(strstr(line_of(&m, true), "NO ANSWER since 12 s"));
    m.trouble = ""; /* nothing failed, the answer is only late */
    assert_string_equal(line_of(&m, false), "NO ANSWER since 12 s; last answer 1 min 14 s ago; still waiting (q ends)");
}

static void questions_come_faster_while_a_deployment_runs(void **state)
{
    _cleanup_(json_free_p) struct json *report = json_object();

    (void)state;
    assert_int_equal(watch_pause_ms(5, NULL, 0), 5000);
    assert_int_equal(watch_pause_ms(5, report, 0), 5000);
    json_set(report, "running", json_object());
    assert_int_equal(watch_pause_ms(5, report, 0), 1000);
    assert_int_equal(watch_pause_ms(1, report, 0), 1000);
}

static void pauses_grow_while_nothing_answers_up_to_a_limit(void **state)
{
    _cleanup_(json_free_p) struct json *report = json_object();
    int64_t before = 0;

    (void)state;
    json_set(report, "running", json_object());
    assert_int_equal(watch_pause_ms(5, report, 1), 1000);
    for (unsigned failures = 1; failures < 200; failures++) {
        int64_t pause = watch_pause_ms(3600, report, failures);
        assert_true(pause >= before && pause <= 15000);
        before = pause;
    }
    assert_int_equal(before, 15000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_often_and_when_is_told),
        cmocka_unit_test(a_question_that_waits_long_is_told),
        cmocka_unit_test(a_lost_connection_is_told_with_its_reason_in_words),
        cmocka_unit_test(questions_come_faster_while_a_deployment_runs),
        cmocka_unit_test(pauses_grow_while_nothing_answers_up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
