#include "cmd/log/annotations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cmd/runner_oracle.h"

#include <sys/mman.h>

#define COMMANDS_MAX 40

struct told {
    struct runner_command c[COMMANDS_MAX];
    size_t count;
};

/* What is annotated for a report. One at a time: the result is overwritten by the next call. */
static const struct told *annotate(const struct report *r)
{
    static struct told t;
    static char text[1 << 20];
    struct github *g = NULL;
    struct err err = { 0 };
    int fd = memfd_create("log", MFD_CLOEXEC);
    ssize_t n = 0;

    assert_int_equal(github_new(&g, fd, true, NULL, &err), 0);
    annotations_print(g, r);
    github_free(g);
    n = pread(fd, text, sizeof(text), 0);
    assert_true(n >= 0);
    t.count = runner_oracle(text, (size_t)n, t.c, COMMANDS_MAX);
    close(fd);
    return &t;
}

static void assert_told(const struct told *t, size_t i, const char *name, const char *part)
{
    assert_true(i < t->count);
    assert_string_equal(t->c[i].name, name);
    if (!strstr(t->c[i].data, part)) {
        print_error("'%s' is not in '%s'\n", part, t->c[i].data);
        fail();
    }
}

static struct report *report_of(enum wire_op op, enum outcome outcome, const char *facts)
{
    static struct report r;
    struct err err = { 0 };

    report_init(&r, op, "shop", "20260129-031000-abcdef");
    r.outcome = outcome;
    if (facts)
        assert_int_equal(json_parse(span_of(facts), &r.facts, &err), 0);
    return &r;
}

static void a_good_deployment_is_one_notice(void **state)
{
    struct report *r = report_of(WIRE_DEPLOY, OUTCOME_DEPLOYED,
                                 "{\"image\":\"shop:2\",\"total_seconds\":4.2,\"outage_seconds\":0.21}");
    const struct told *t = annotate(r);

    (void)state;
    assert_int_equal(t->count, 1);
    assert_told(t, 0, "notice", "shop:2 now serves as shop, deployed in 4.20 s, outage 0.21 s");
    report_done(r);
}

static void a_first_deployment_tells_no_outage_that_was_not_measured(void **state)
{
    struct report *r = report_of(WIRE_DEPLOY, OUTCOME_DEPLOYED, "{\"image\":\"shop:2\",\"outage_seconds\":-1}");
    const struct told *t = annotate(r);

    (void)state;
    assert_null(strstr(t->c[0].data, "outage"));
    report_done(r);
}

static void a_failure_tells_step_cause_and_hint_at_once_and_its_evidence_next(void **state)
{
    struct report *r =
        report_of(WIRE_DEPLOY, OUTCOME_ROLLED_BACK, "{\"image\":\"shop:2\",\"previous_image\":\"shop:1\"}");
    const struct told *t = NULL;

    (void)state;
    err_set(&r->cause, ERR_UNHEALTHY, 0, "HTTP 500 on /health");
    err_hint(&r->cause, "read the app's log");
    (void)snprintf(r->failed_step, sizeof(r->failed_step), "health_check");
    r->diagnosis_count = 1;
    (void)snprintf(r->diagnoses[0].cause, sizeof(r->diagnoses[0].cause), "no database");
    (void)snprintf(r->diagnoses[0].next, sizeof(r->diagnoses[0].next), "start it");
    buf_init(&r->diagnoses[0].evidence, 1000);
    buf_adds(&r->diagnoses[0].evidence, "line 1\nECONNREFUSED\n");
    t = annotate(r);
    assert_int_equal(t->count, 2);
    assert_told(t, 0, "error", "shop:2 failed; shop:1 serves again as shop");
    assert_told(t, 0, "error", "\nStep: health_check\nCause: HTTP 500 on /health\nWhat to do: read the app's log");
    assert_told(t, 0, "error", "\nLikely cause: no database\nNext: start it");
    assert_told(t, 1, "error", "no database\nEvidence:\nline 1\nECONNREFUSED");
    report_done(r);
}

static void the_budget_goes_to_outcome_causes_and_kpis_before_warnings(void **state)
{
    struct report *r = report_of(WIRE_DEPLOY, OUTCOME_ROLLED_BACK,
                                 "{\"kpi\":{\"total\":{\"seconds\":1,\"verdict\":\"critical\"},"
                                 "\"cutover\":{\"seconds\":1,\"verdict\":\"critical\"},"
                                 "\"health_check\":{\"seconds\":1,\"verdict\":\"critical\"},"
                                 "\"image_pull\":{\"seconds\":1,\"verdict\":\"warning\"}}}");
    const struct told *t = NULL;

    (void)state;
    err_set(&r->cause, ERR_UNHEALTHY, 0, "HTTP 500");
    r->diagnosis_count = REPORT_DIAGNOSES_MAX;
    for (size_t i = 0; i < r->diagnosis_count; i++) {
        (void)snprintf(r->diagnoses[i].cause, sizeof(r->diagnoses[i].cause), "cause %zu", i);
        buf_init(&r->diagnoses[i].evidence, 1000);
        buf_adds(&r->diagnoses[i].evidence, "a line\n");
    }
    r->step_count = REPORT_STEPS_MAX;
    for (size_t i = 0; i < r->step_count; i++) {
        r->steps[i].undo = true;
        r->steps[i].state = REPORT_STEP_FAILED;
    }
    t = annotate(r);
    assert_told(t, 0, "error", "HTTP 500");
    for (size_t i = 1; i <= REPORT_DIAGNOSES_MAX; i++)
        assert_told(t, i, "error", "Evidence");
    assert_told(t, 5, "error", "critical limit");
    assert_told(t, 7, "error", "critical limit");
    assert_told(t, 8, "warning", "warning limit");
    assert_int_equal(t->count, 8 + GITHUB_ANNOTATIONS_MAX);
    report_done(r);
}

/* What an answer of that name is annotated with. */
static const struct told *annotate_answer(struct report *r, const char *name, const char *answer)
{
    struct err err = { 0 };

    (void)snprintf(r->answer_name, sizeof(r->answer_name), "%s", name);
    assert_int_equal(json_parse(span_of(answer), &r->answer, &err), 0);
    return annotate(r);
}

static void an_answer_is_told_in_one_sentence(void **state)
{
    static const struct {
        const char *name, *answer, *level, *sentence;
    } cases[] = {
        { "status", "{\"app\":\"shop\",\"blue\":{\"tag\":\"v2\",\"status\":\"running\",\"health\":\"healthy\"}}",
          "notice", "shop: well. v2 serves" },
        { "status", "{\"app\":\"shop\",\"blue\":{\"tag\":\"v2\",\"status\":\"running\",\"health\":\"unhealthy\"}}",
          "warning", "shop: NOT ANSWERING: v2 runs but its health check fails" },
        { "status",
          "{\"app\":\"shop\",\"blue\":{\"tag\":\"v2\",\"status\":\"running\",\"health\":\"healthy\"},"
          "\"recommendations\":[{\"level\":\"warning\",\"text\":\"old\"}]}",
          "notice", "shop: well. v2 serves" },
        { "status",
          "{\"app\":\"shop\",\"blue\":{\"tag\":\"v2\",\"status\":\"running\",\"health\":\"healthy\"},"
          "\"recommendations\":[{\"level\":\"error\",\"text\":\"the disk is full\",\"command\":\"prune it\"}]}",
          "warning", "v2 serves\nthe disk is full\nNext: prune it" },
        { "plan", "{\"app\":\"shop\",\"verdict\":\"deploy\",\"image\":\"shop:2\"}", "notice",
          "shop: would be deployed" },
        { "plan",
          "{\"app\":\"shop\",\"verdict\":\"refused\",\"image\":\"shop:2\",\"problems\":[{\"kind\":\"platform\","
          "\"message\":\"no image for arm64\",\"hint\":\"build one\"}]}",
          "warning",
          "would be REFUSED, first deployment → shop:2 (nothing was done)\nno image for arm64\nNext: build one" },
        { "diagnose", "{\"app\":\"shop\",\"findings\":[{\"level\":\"warning\",\"cause\":\"x\"}],\"checks\":[]}",
          "notice", "shop: 1 finding" },
        { "diagnose",
          "{\"app\":\"shop\",\"findings\":[{\"level\":\"info\",\"cause\":\"x\"},{\"level\":\"error\",\"cause\":"
          "\"port taken\",\"next\":\"free it\",\"command\":\"kill 7\"}],\"checks\":[]}",
          "warning", "0 checks made\nport taken\nNext: free it\nCommand: kill 7" },
        { "prune", "{\"app\":\"shop\",\"dry_run\":true}", "notice", "shop: nothing to remove" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct report *r = report_of(WIRE_STATUS, OUTCOME_REPORTED, NULL);
        const struct told *t = annotate_answer(r, cases[i].name, cases[i].answer);
        assert_int_equal(t->count, 1);
        assert_told(t, 0, cases[i].level, cases[i].sentence);
        assert_int_equal(annotations_needs_a_person(r), strcmp(cases[i].level, "warning") == 0);
        report_done(r);
    }
}

static void of_many_errors_in_an_answer_the_first_are_told(void **state)
{
    struct report *r = report_of(WIRE_STATUS, OUTCOME_REPORTED, NULL);
    const struct told *t = annotate_answer(r, "status",
                                           "{\"recommendations\":[{\"level\":\"error\",\"text\":\"one\"},{\"level\":"
                                           "\"error\",\"text\":\"two\"},{\"level\":"
                                           "\"error\",\"text\":\"three\"},{\"level\":\"error\",\"text\":\"four\"}]}");

    (void)state;
    assert_int_equal(t->count, 1);
    assert_told(t, 0, "warning", "\none\ntwo\nthree");
    assert_null(strstr(t->c[0].data, "four"));
    report_done(r);
}

static void every_outcome_has_its_own_level(void **state)
{
    static const struct {
        enum wire_op op;
        enum outcome outcome;
        const char *level;
    } want[] = {
        { WIRE_DEPLOY, OUTCOME_UNKNOWN, "error" },
        { WIRE_DEPLOY, OUTCOME_DEPLOYED, "notice" },
        { WIRE_DEPLOY, OUTCOME_UNCHANGED, "notice" },
        { WIRE_DEPLOY, OUTCOME_ROLLED_BACK, "error" },
        { WIRE_DEPLOY, OUTCOME_FAILED_UNTOUCHED, "error" },
        { WIRE_DEPLOY, OUTCOME_ROLLBACK_FAILED, "error" },
        { WIRE_ROLLBACK, OUTCOME_ROLLED_BACK, "notice" },
        { WIRE_ROLLBACK, OUTCOME_UNCHANGED, "notice" },
        { WIRE_ROLLBACK, OUTCOME_FAILED_UNTOUCHED, "error" },
        { WIRE_STATUS, OUTCOME_REPORTED, "notice" },
        { WIRE_STATUS, OUTCOME_FAILED_UNTOUCHED, "error" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        struct report *r = report_of(want[i].op, want[i].outcome, NULL);
        const struct told *t = annotate(r);
        assert_int_equal(t->count, 1);
        assert_string_equal(t->c[0].name, want[i].level);
        report_done(r);
    }
}

static void titles_differ_by_outcome_and_command(void **state)
{
    (void)state;
    assert_string_equal(annotations_title(report_of(WIRE_DEPLOY, OUTCOME_ROLLED_BACK, NULL)), "Deployment rolled back");
    assert_string_equal(annotations_title(report_of(WIRE_ROLLBACK, OUTCOME_ROLLED_BACK, NULL)), "Rolled back");
    assert_string_equal(annotations_title(report_of(WIRE_STATUS, OUTCOME_FAILED_UNTOUCHED, NULL)), "No answer");
    assert_string_equal(annotations_title(report_of(WIRE_DEPLOY, OUTCOME_UNKNOWN, NULL)), "Outcome unknown");
}

static void kpis_come_after_the_outcome_and_by_their_verdict(void **state)
{
    struct report *r =
        report_of(WIRE_DEPLOY, OUTCOME_DEPLOYED,
                  "{\"kpi\":{\"total\":{\"seconds\":1300,\"target\":600,\"critical\":1200,\"verdict\":\"critical\"},"
                  "\"cutover\":{\"seconds\":25,\"target\":10,\"warning\":20,\"verdict\":\"warning\"},"
                  "\"health_check\":{\"seconds\":40,\"target\":30,\"verdict\":\"above_target\"},"
                  "\"image_pull\":{\"seconds\":1,\"verdict\":\"on_target\"}}}");
    const struct told *t = annotate(r);

    (void)state;
    assert_int_equal(t->count, 3);
    assert_string_equal(t->c[0].name, "notice");
    assert_told(t, 1, "error",
                "Total deployment time took 1300.00 s: above the critical limit of 1200 s (target 600 s)");
    assert_told(t, 2, "warning", "took 25.00 s: above the warning limit of 20 s");
    report_done(r);
}

static void what_failed_without_changing_the_outcome_is_a_warning(void **state)
{
    struct report *r = report_of(WIRE_DEPLOY, OUTCOME_DEPLOYED, NULL);
    const struct told *t = NULL;
    struct event ev;

    (void)state;
    event_init(&ev, EVENT_LOG, "warm_up");
    json_set_str(ev.body, "level", "warning");
    json_set_str(ev.body, "source", "agent");
    json_set_str(ev.body, "text", "handover is not possible here");
    report_event(r, &ev);
    event_done(&ev);
    event_init(&ev, EVENT_STEP_START, "settle");
    json_set_str(ev.body, "title", "Settle");
    report_event(r, &ev);
    event_done(&ev);
    event_init(&ev, EVENT_STEP_FAILED, "settle");
    report_event(r, &ev);
    event_done(&ev);
    t = annotate(r);
    assert_int_equal(t->count, 3);
    assert_told(t, 0, "notice", "now serves");
    assert_told(t, 1, "warning", "handover is not possible here");
    assert_told(t, 2, "warning", "Settle");
    report_done(r);
}

static void words_of_the_host_cannot_add_a_command(void **state)
{
    struct report *r = report_of(WIRE_DEPLOY, OUTCOME_DEPLOYED, "{\"image\":\"x\\n::set-env name=A::b\\r##[error]c\"}");
    const struct told *t = annotate(r);

    (void)state;
    assert_int_equal(t->count, 1);
    assert_string_equal(t->c[0].name, "notice");
    report_done(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_deployment_is_one_notice),
        cmocka_unit_test(a_first_deployment_tells_no_outage_that_was_not_measured),
        cmocka_unit_test(a_failure_tells_step_cause_and_hint_at_once_and_its_evidence_next),
        cmocka_unit_test(the_budget_goes_to_outcome_causes_and_kpis_before_warnings),
        cmocka_unit_test(every_outcome_has_its_own_level),
        cmocka_unit_test(an_answer_is_told_in_one_sentence),
        cmocka_unit_test(of_many_errors_in_an_answer_the_first_are_told),
        cmocka_unit_test(titles_differ_by_outcome_and_command),
        cmocka_unit_test(kpis_come_after_the_outcome_and_by_their_verdict),
        cmocka_unit_test(what_failed_without_changing_the_outcome_is_a_warning),
        cmocka_unit_test(words_of_the_host_cannot_add_a_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
