#include "agent/watch/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_text(const struct history *h, const char *want)
{
    struct buf text = BUF_INIT(1024);
    history_text(h, &text);
    assert_string_equal(buf_str(&text), want);
    buf_done(&text);
}

static void answers_of_one_kind_are_counted_together(void **state)
{
    (void)state;
    struct history h;
    history_init(&h);
    assert_text(&h, "");
    history_add(&h, PROBE_REFUSED, 0, (struct span){ 0 }, 1000);
    assert_text(&h, "1 attempt in 0.0 s: 1 x connection refused");
    for (int i = 0; i < 8; i++)
        history_add(&h, PROBE_REFUSED, 0, (struct span){ 0 }, 1100 + i);
    for (int i = 0; i < 3; i++)
        history_add(&h, PROBE_STATUS, 503, SPAN_LIT("no database"), 2790 + i * 5);
    assert_text(&h, "12 attempts in 1.8 s: 9 x connection refused, 3 x HTTP status 503");
    assert_int_equal(h.last, PROBE_STATUS);
    assert_int_equal(h.last_status, 503);
    assert_string_equal(buf_str(&h.body), "no database");
    history_done(&h);
}

static void the_last_failure_stays_when_a_good_answer_follows(void **state)
{
    (void)state;
    struct history h;
    history_init(&h);
    history_add(&h, PROBE_BODY, 200, SPAN_LIT("starting"), 1);
    history_add(&h, PROBE_OK, 200, SPAN_LIT("ready"), 2);
    assert_text(&h, "2 attempts in 0.0 s: 1 x HTTP status 200 without the wanted text, 1 x as wanted");
    assert_int_equal(h.last, PROBE_BODY);
    assert_string_equal(buf_str(&h.body), "starting");
    history_done(&h);
}

static void kinds_beyond_the_limit_are_still_counted(void **state)
{
    (void)state;
    struct history h;
    history_init(&h);
    for (int i = 0; i < HISTORY_KINDS_MAX + 2; i++)
        history_add(&h, PROBE_STATUS, 500 + i, (struct span){ 0 }, i);
    assert_int_equal(h.attempts, HISTORY_KINDS_MAX + 2);
    assert_int_equal(h.kind_count, HISTORY_KINDS_MAX);
    assert_int_equal(h.others, 2);
    struct buf text = BUF_INIT(1024);
    history_text(&h, &text);
    assert_non_null(strstr(buf_str(&text), ", 2 x other"));
    buf_done(&text);
    history_done(&h);
}

static void a_reset_forgets_everything_but_the_new_target(void **state)
{
    (void)state;
    struct history h;
    history_init(&h);
    history_add(&h, PROBE_STATUS, 503, SPAN_LIT("x"), 1);
    history_reset(&h, "http://127.0.0.1:8080/health");
    assert_text(&h, "");
    assert_int_equal(h.last, PROBE_NONE);
    assert_int_equal(h.body.len, 0);
    assert_string_equal(h.target, "http://127.0.0.1:8080/health");
    history_done(&h);
}

static void every_result_has_words(void **state)
{
    (void)state;
    for (int r = PROBE_NONE; r <= PROBE_NOT_HTTP; r++) {
        struct history h;
        history_init(&h);
        history_add(&h, (enum probe_result)r, 200, (struct span){ 0 }, 1);
        assert_true(strlen(h.kinds[0].what) > 5);
        assert_true(strlen(h.kinds[0].what) < HISTORY_WHAT_MAX - 1);
        history_done(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_one_kind_are_counted_together),
        cmocka_unit_test(the_last_failure_stays_when_a_good_answer_follows),
        cmocka_unit_test(kinds_beyond_the_limit_are_still_counted),
        cmocka_unit_test(a_reset_forgets_everything_but_the_new_target),
        cmocka_unit_test(every_result_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
