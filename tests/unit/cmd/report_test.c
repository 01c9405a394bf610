#include "cmd/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Feed one event line, as the agent writes it. */
static void feed(struct report *r, const char *line)
{
    struct event ev;
    struct err err = { 0 };

    assert_int_equal(event_decode(span_of(line), &ev, &err), 0);
    report_event(r, &ev);
    event_done(&ev);
}

#define EV(seq, rest) "{\"v\":1,\"seq\":" #seq ",\"t\":\"2026-01-29T03:10:0" #seq ".000Z\"," rest "}"
#define DEPLOYED                                                                                                       \
    EV(9, "\"kind\":\"outcome\",\"outcome\":\"deployed\",\"image\":\"app:2\",\"digest\":\"sha256:22\",\"total_"        \
          "seconds\":4.25,"                                                                                            \
          "\"outage_seconds\":0.21,\"kpi\":{\"total\":{\"seconds\":4.25,\"target\":1,\"warning\":2,\"critical\":4,"    \
          "\"verdict\":\"critical\"},\"cutover\":{\"seconds\":0.2,\"verdict\":\"on_target\"}}")

static struct report *deploy_report(void)
{
    static struct report r;

    report_init(&r, WIRE_DEPLOY, "app", "20260129-031000-abcdef");
    return &r;
}

static void a_told_and_ended_outcome_counts(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    feed(r, DEPLOYED);
    report_end(r, 0, NULL);
    assert_int_equal(r->outcome, OUTCOME_DEPLOYED);
    assert_int_equal(r->cause.kind, ERR_OK);
    assert_string_equal(report_str(r, "digest"), "sha256:22");
    assert_true(report_num(r, "outage_seconds") > 0.2 && report_num(r, "outage_seconds") < 0.22);
    assert_int_equal(report_exit_code(r, false), 0);
    report_done(r);
}

static void an_outcome_without_the_end_is_unknown(void **state)
{
    struct report *r = deploy_report();
    struct err err = { 0 };

    (void)state;
    feed(r, DEPLOYED);
    err_set(&err, ERR_NET, 0, "connection lost");
    report_end(r, -ERR_NET, &err);
    assert_int_equal(r->outcome, OUTCOME_UNKNOWN);
    assert_int_equal(r->cause.kind, ERR_NET);
    assert_int_equal(report_exit_code(r, false), 13);
    report_done(r);
}

static void an_end_without_outcome_is_unknown_with_a_cause(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    report_end(r, 0, NULL);
    assert_int_equal(r->outcome, OUTCOME_UNKNOWN);
    assert_int_equal(r->cause.kind, ERR_PROTO);
    report_done(r);
}

static void an_outcome_of_an_unknown_name_is_unknown(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    feed(r, EV(1, "\"kind\":\"outcome\",\"outcome\":\"splendid\""));
    report_end(r, 0, NULL);
    assert_int_equal(r->outcome, OUTCOME_UNKNOWN);
    report_done(r);
}

static void an_outcome_that_does_not_fit_the_request_counts_as_none(void **state)
{
    static const struct {
        enum wire_op op;
        const char *outcome;
        int code;
    } cases[] = {
        { WIRE_DEPLOY, "reported", 13 }, { WIRE_ROLLBACK, "deployed", 13 }, { WIRE_ROLLBACK, "reported", 13 },
        { WIRE_STATUS, "deployed", 16 }, { WIRE_STATUS, "reported", 16 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct report r;
        char line[200];

        report_init(&r, cases[i].op, "app", "");
        (void)snprintf(line, sizeof(line), EV(1, "\"kind\":\"outcome\",\"outcome\":\"%s\""), cases[i].outcome);
        feed(&r, line);
        report_end(&r, 0, NULL);
        assert_int_equal(r.cause.kind, ERR_PROTO);
        assert_int_equal(report_exit_code(&r, false), cases[i].code);
        report_done(&r);
    }
}

static void a_cancel_without_the_end_is_unknown(void **state)
{
    struct report *r = deploy_report();
    struct err err = { 0 };

    (void)state;
    err_set(&err, ERR_CANCEL, 0, "cancelled");
    report_end(r, -ERR_CANCEL, &err);
    assert_int_equal(r->outcome, OUTCOME_UNKNOWN);
    report_done(r);
}

static void a_request_that_was_never_sent_touched_nothing(void **state)
{
    struct report *r = deploy_report();
    struct err err = { 0 };

    (void)state;
    err_set(&err, ERR_AUTH, 0, "refused");
    report_never_sent(r, &err);
    assert_int_equal(r->outcome, OUTCOME_FAILED_UNTOUCHED);
    assert_int_equal(report_exit_code(r, false), err_kind_exit_code(ERR_AUTH));
    report_done(r);
}

static void a_failure_before_production_exits_by_its_kind(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    feed(r, EV(1, "\"kind\":\"outcome\",\"outcome\":\"failed_untouched\",\"error\":{\"kind\":\"image_missing\","
                  "\"message\":\"no such image\",\"hint\":\"push it\"}"));
    report_end(r, 0, NULL);
    assert_int_equal(r->cause.kind, ERR_IMAGE_MISSING);
    assert_string_equal(err_hint_text(&r->cause), "push it");
    assert_int_equal(report_exit_code(r, false), err_kind_exit_code(ERR_IMAGE_MISSING));
    report_done(r);
}

static void a_critical_kpi_fails_only_when_asked(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    feed(r, DEPLOYED);
    report_end(r, 0, NULL);
    assert_int_equal(report_kpi(r, KPI_TOTAL), KPI_CRITICAL);
    assert_int_equal(report_kpi(r, KPI_CUTOVER), KPI_ON_TARGET);
    assert_int_equal(report_kpi(r, KPI_IMAGE_PULL), KPI_NOT_MEASURED);
    assert_int_equal(report_exit_code(r, false), 0);
    assert_int_equal(report_exit_code(r, true), err_kind_exit_code(ERR_KPI));
    assert_int_equal(r->outcome, OUTCOME_DEPLOYED);
    report_done(r);
}

static void a_critical_kpi_does_not_hide_a_rollback(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    feed(r, DEPLOYED);
    report_end(r, 0, NULL);
    r->outcome = OUTCOME_ROLLED_BACK;
    assert_int_equal(report_exit_code(r, true), 10);
    report_done(r);
}

static void steps_form_a_timeline(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    feed(r, EV(1, "\"kind\":\"step.start\",\"step\":\"image_pull\",\"title\":\"Image pull\""));
    feed(r, EV(2, "\"kind\":\"step.done\",\"step\":\"image_pull\",\"seconds\":1.5,\"text\":\"12 MB\""));
    feed(r, EV(3, "\"kind\":\"step.start\",\"step\":\"health\",\"title\":\"Health\""));
    feed(r, EV(4, "\"kind\":\"step.failed\",\"step\":\"health\",\"seconds\":9,\"error\":{\"kind\":\"unhealthy\","
                  "\"message\":\"503\"}"));
    feed(r, EV(5, "\"kind\":\"undo.start\",\"step\":\"health\",\"title\":\"Back\""));
    feed(r, EV(6, "\"kind\":\"undo.done\",\"step\":\"health\",\"seconds\":0.3"));
    assert_int_equal(r->step_count, 3);
    assert_string_equal(r->steps[0].title, "Image pull");
    assert_int_equal(r->steps[0].state, REPORT_STEP_DONE);
    assert_string_equal(r->steps[0].text, "12 MB");
    assert_int_equal(r->steps[1].state, REPORT_STEP_FAILED);
    assert_string_equal(r->steps[1].text, "503");
    assert_string_equal(r->failed_step, "health");
    assert_true(r->steps[2].undo);
    assert_int_equal(r->steps[2].start_ms - r->steps[0].start_ms, 4000);
    report_done(r);
}

static void steps_beyond_the_limit_are_counted(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    for (int i = 0; i < REPORT_STEPS_MAX + 3; i++)
        feed(r, EV(1, "\"kind\":\"step.start\",\"step\":\"again\",\"title\":\"Again\""));
    assert_int_equal(r->step_count, REPORT_STEPS_MAX);
    assert_int_equal(r->steps_left_out, 3);
    report_done(r);
}

static void failed_samples_are_kept_and_all_are_counted(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    for (int i = 0; i < 20; i++)
        feed(
            r,
            EV(1,
               "\"kind\":\"health.sample\",\"target\":\"candidate\",\"attempt\":1,\"ok\":false,\"status\":503,\"ms\":4,"
               "\"error\":\"no\""));
    feed(
        r,
        EV(2, "\"kind\":\"health.sample\",\"target\":\"candidate\",\"attempt\":2,\"ok\":true,\"status\":200,\"ms\":4"));
    feed(r,
         EV(3,
            "\"kind\":\"health.sample\",\"target\":\"production\",\"attempt\":1,\"ok\":true,\"status\":200,\"ms\":4"));
    assert_int_equal(r->sample_count, REPORT_SAMPLES_MAX);
    assert_int_equal(r->counts[0].seen, 21);
    assert_int_equal(r->counts[0].failed, 20);
    assert_int_equal(r->counts[1].seen, 1);
    assert_int_equal(r->counts[1].failed, 0);
    report_done(r);
}

static void a_diagnosis_keeps_its_evidence(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    feed(r, EV(1, "\"kind\":\"diagnosis\",\"code\":\"exit\",\"cause\":\"it "
                  "ended\",\"next\":\"look\",\"evidence\":[\"a\",\"b\"]"));
    assert_int_equal(r->diagnosis_count, 1);
    assert_string_equal(r->diagnoses[0].cause, "it ended");
    assert_string_equal(buf_str(&r->diagnoses[0].evidence), "a\nb\n");
    report_done(r);
}

static void a_status_answer_is_reported(void **state)
{
    struct report r;

    (void)state;
    report_init(&r, WIRE_STATUS, "app", "");
    feed(&r, "{\"v\":1,\"seq\":0,\"t\":\"2026-01-29T03:10:00.000Z\",\"kind\":\"report\",\"name\":\"status\",\"report\":"
             "{\"app\":\"app\"}}");
    report_end(&r, 0, NULL);
    assert_int_equal(r.outcome, OUTCOME_REPORTED);
    assert_int_equal(report_exit_code(&r, false), 0);
    report_done(&r);
}

static void members_of_the_wrong_type_do_no_harm(void **state)
{
    struct report *r = deploy_report();

    (void)state;
    feed(r, EV(1, "\"kind\":\"step.start\",\"step\":\"x\",\"title\":[1]"));
    feed(r, EV(2, "\"kind\":\"step.failed\",\"step\":\"x\",\"seconds\":\"long\",\"error\":7"));
    feed(r, EV(3, "\"kind\":\"health.sample\",\"target\":3,\"ok\":\"yes\""));
    feed(r, EV(4, "\"kind\":\"diagnosis\",\"evidence\":{\"a\":1},\"cause\":null"));
    feed(r, EV(5, "\"kind\":\"outcome\",\"outcome\":5,\"error\":[],\"kpi\":[],\"changes\":3"));
    report_end(r, 0, NULL);
    assert_int_equal(r->outcome, OUTCOME_UNKNOWN);
    assert_int_equal(report_kpi(r, KPI_TOTAL), KPI_NOT_MEASURED);
    report_done(r);
}

/* ---- a rollback that the action asked for ---- */

static void rollback_of(struct report *back, enum outcome outcome, struct err *why)
{
    report_init(back, WIRE_ROLLBACK, "app", "20260129-031100-abcdef");
    back->outcome = outcome;
    err_set(why, ERR_VERIFY, 0, "verify-url answered 500");
}

static void an_adopted_rollback_makes_it_rolled_back_with_the_first_cause(void **state)
{
    struct report *r = deploy_report(), back;
    struct err why = { 0 };

    (void)state;
    feed(r, DEPLOYED);
    report_end(r, 0, NULL);
    rollback_of(&back, OUTCOME_ROLLED_BACK, &why);
    feed(&back, EV(1, "\"kind\":\"step.start\",\"step\":\"cutover\",\"title\":\"Back\""));
    report_adopt_rollback(r, &back, &why);
    assert_int_equal(r->outcome, OUTCOME_ROLLED_BACK);
    assert_int_equal(r->cause.kind, ERR_VERIFY);
    assert_int_equal(r->step_count, 1);
    assert_true(r->steps[0].undo);
    assert_string_equal(r->rollback_id, "20260129-031100-abcdef");
    assert_int_equal(report_exit_code(r, false), 10);
    report_done(&back);
    report_done(r);
}

static void an_adopted_rollback_that_failed_is_told_with_both_causes(void **state)
{
    struct report *r = deploy_report(), back;
    struct err why = { 0 };
    char text[2048];

    (void)state;
    rollback_of(&back, OUTCOME_FAILED_UNTOUCHED, &why);
    err_set(&back.cause, ERR_NO_PREVIOUS, 0, "no green container");
    report_adopt_rollback(r, &back, &why);
    assert_int_equal(r->outcome, OUTCOME_ROLLBACK_FAILED);
    assert_non_null(strstr(err_text(&r->cause, text, sizeof(text)), "no green container"));
    assert_non_null(strstr(text, "verify-url answered 500"));
    assert_int_equal(report_exit_code(r, false), 12);
    report_done(&back);
    report_done(r);
}

static void an_adopted_rollback_of_unknown_end_is_unknown(void **state)
{
    struct report *r = deploy_report(), back;
    struct err why = { 0 };

    (void)state;
    rollback_of(&back, OUTCOME_UNKNOWN, &why);
    report_adopt_rollback(r, &back, &why);
    assert_int_equal(r->outcome, OUTCOME_UNKNOWN);
    report_done(&back);
    report_done(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_told_and_ended_outcome_counts),
        cmocka_unit_test(an_outcome_without_the_end_is_unknown),
        cmocka_unit_test(an_end_without_outcome_is_unknown_with_a_cause),
        cmocka_unit_test(an_outcome_of_an_unknown_name_is_unknown),
        cmocka_unit_test(a_cancel_without_the_end_is_unknown),
        cmocka_unit_test(a_request_that_was_never_sent_touched_nothing),
        cmocka_unit_test(a_failure_before_production_exits_by_its_kind),
        cmocka_unit_test(a_critical_kpi_fails_only_when_asked),
        cmocka_unit_test(a_critical_kpi_does_not_hide_a_rollback),
        cmocka_unit_test(steps_form_a_timeline),
        cmocka_unit_test(steps_beyond_the_limit_are_counted),
        cmocka_unit_test(failed_samples_are_kept_and_all_are_counted),
        cmocka_unit_test(a_diagnosis_keeps_its_evidence),
        cmocka_unit_test(a_status_answer_is_reported),
        cmocka_unit_test(an_outcome_that_does_not_fit_the_request_counts_as_none),
        cmocka_unit_test(members_of_the_wrong_type_do_no_harm),
        cmocka_unit_test(an_adopted_rollback_makes_it_rolled_back_with_the_first_cause),
        cmocka_unit_test(an_adopted_rollback_that_failed_is_told_with_both_causes),
        cmocka_unit_test(an_adopted_rollback_of_unknown_end_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
