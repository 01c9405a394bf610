#include "shared/kpi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

static void defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    static const double want[KPI_COUNT][3] = { { 600, 900, 1200 }, { 10, 20, 30 }, { 30, 45, 60 }, { 60, 90, 120 } };
    struct kpi_table t = kpi_defaults();
    for (int i = 0; i < KPI_COUNT; i++) {
        assert_true(t.limits[i].target == want[i][0]);
        assert_true(t.limits[i].warning == want[i][1]);
        assert_true(t.limits[i].critical == want[i][2]);
    }
}

static void names_are_those_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(kpi_name(KPI_TOTAL), "total");
    assert_string_equal(kpi_name(KPI_CUTOVER), "cutover");
    assert_string_equal(kpi_name(KPI_HEALTH_CHECK), "health_check");
    assert_string_equal(kpi_name(KPI_IMAGE_PULL), "image_pull");
    assert_string_equal(kpi_title(KPI_TOTAL), "Total deployment time");
    assert_string_equal(kpi_name((enum kpi_id)99), "");
    assert_string_equal(kpi_verdict_name(KPI_CRITICAL), "critical");
    assert_string_equal(kpi_verdict_name(KPI_ABOVE_TARGET), "above_target");
    assert_string_equal(kpi_verdict_name((enum kpi_verdict)99), "not_measured");
}

static void verdicts_change_just_above_each_limit(void **state)
{
    (void)state;
    struct kpi_limits l = { 10, 20, 30 };
    assert_int_equal(kpi_judge(&l, -1), KPI_NOT_MEASURED);
    assert_int_equal(kpi_judge(&l, NAN), KPI_NOT_MEASURED);
    assert_int_equal(kpi_judge(&l, 0), KPI_ON_TARGET);
    assert_int_equal(kpi_judge(&l, 10), KPI_ON_TARGET);
    assert_int_equal(kpi_judge(&l, 10.001), KPI_ABOVE_TARGET);
    assert_int_equal(kpi_judge(&l, 20), KPI_ABOVE_TARGET);
    assert_int_equal(kpi_judge(&l, 20.001), KPI_WARNING);
    assert_int_equal(kpi_judge(&l, 30), KPI_WARNING);
    assert_int_equal(kpi_judge(&l, 30.001), KPI_CRITICAL);
    assert_int_equal(kpi_judge(&l, INFINITY), KPI_CRITICAL);
}

static void lines_change_only_what_they_name(void **state)
{
    (void)state;
    struct kpi_table t = kpi_defaults();
    struct err e = { 0 };
    assert_int_equal(kpi_parse(SPAN_LIT("# slow app\r\n\n  cutover : 1 / 2.5/ 3\r\ntotal:0/0/0"), &t, &e), 0);
    assert_true(t.limits[KPI_CUTOVER].target == 1);
    assert_true(t.limits[KPI_CUTOVER].warning == 2.5);
    assert_true(t.limits[KPI_CUTOVER].critical == 3);
    assert_true(t.limits[KPI_TOTAL].critical == 0);
    assert_true(t.limits[KPI_IMAGE_PULL].critical == 120);
}

static void nothing_given_changes_nothing(void **state)
{
    (void)state;
    struct kpi_table t = kpi_defaults(), want = kpi_defaults();
    assert_int_equal(kpi_parse((struct span){ 0 }, &t, NULL), 0);
    assert_memory_equal(&t, &want, sizeof(t));
}

static void wrong_lines_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "speed: 1/2/3", "'speed: 1/2/3'" },
        { "total", "three numbers" },
        { "total 1/2/3", "wants NAME" },
        { "Total: 1/2/3", "wants NAME" },
        { ": 1/2/3", "wants NAME" },
        { "total:", "three numbers" },
        { "total: 1/2", "three numbers" },
        { "total: 1/2/", "three numbers" },
        { "total: 1/2/3/4", "three numbers" },
        { "total: 1/2/3/", "three numbers" },
        { "total: 1//3", "three numbers" },
        { "total: -1/2/3", "three numbers" },
        { "total: 1s/2s/3s", "three numbers" },
        { "total: 1e1/20/30", "three numbers" },
        { "total: nan/2/3", "three numbers" },
        { "total: .5/2/3", "three numbers" },
        { "total: 1./2/3", "three numbers" },
        { "total: 1.2.3/2/3", "three numbers" },
        { "total: 1/2/99999999999999999", "three numbers" },
        { "total: 1/2/10000001", "three numbers" },
        { "total: 3/2/1", "target <= warning <= critical" },
        { "total: 1/3/2", "target <= warning <= critical" },
        { "cutover: 1/2/3\ntotal: 1/2/3\ncutover: 1/2/3", "'cutover' is given twice" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct kpi_table t = kpi_defaults(), want = kpi_defaults();
        struct err e = { 0 };
        assert_int_equal(kpi_parse(span_of(cases[i].text), &t, &e), -ERR_INPUT);
        if (!strstr(e.frame[0].text, cases[i].words))
            fail_msg("'%s' gave '%s'", cases[i].text, e.frame[0].text);
        assert_memory_equal(&t, &want, sizeof(t));
    }
}

static void json_round_trips(void **state)
{
    (void)state;
    struct kpi_table t = kpi_defaults(), again = { 0 };
    t.limits[KPI_CUTOVER] = (struct kpi_limits){ 0.25, 0.5, 1e6 };
    _cleanup_(json_free_p) struct json *j = kpi_to_json(&t);
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(1000);
    assert_int_equal(json_print(j, &out, NULL), 0);
    assert_string_equal(buf_str(&out), "{\"total\":[600,900,1200],\"cutover\":[0.25,0.5,1000000],"
                                       "\"health_check\":[30,45,60],\"image_pull\":[60,90,120]}");
    assert_int_equal(kpi_from_json(j, &again, NULL), 0);
    assert_memory_equal(&t, &again, sizeof(t));
}

static void wrong_json_is_refused_and_changes_nothing(void **state)
{
    (void)state;
#define REST "\"cutover\":[1,2,3],\"health_check\":[1,2,3],\"image_pull\":[1,2,3]}"
    static const char *const bad[] = {
        "{}",
        "[]",
        "7",
        "{" REST,
        "{\"total\":[1,2,3],\"total\":[1,2,3]," REST,
        "{\"total\":[1,2]," REST,
        "{\"total\":[1,2,3,4]," REST,
        "{\"total\":[3,2,1]," REST,
        "{\"total\":[-1,2,3]," REST,
        "{\"total\":[1,2,1e999]," REST,
        "{\"total\":[1,2,\"3\"]," REST,
        "{\"total\":{\"a\":1,\"b\":2,\"c\":3}," REST,
        "{\"total\":[1,2,3],\"speed\":[1,2,3]," REST,
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct kpi_table t = kpi_defaults(), want = kpi_defaults();
        _cleanup_(json_free_p) struct json *j = NULL;
        assert_int_equal(json_parse(span_of(bad[i]), &j, NULL), 0);
        assert_int_equal(kpi_from_json(j, &t, NULL), -ERR_INPUT);
        assert_memory_equal(&t, &want, sizeof(t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(names_are_those_of_the_contract),
        cmocka_unit_test(verdicts_change_just_above_each_limit),
        cmocka_unit_test(lines_change_only_what_they_name),
        cmocka_unit_test(nothing_given_changes_nothing),
        cmocka_unit_test(wrong_lines_are_refused_and_change_nothing),
        cmocka_unit_test(json_round_trips),
        cmocka_unit_test(wrong_json_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
