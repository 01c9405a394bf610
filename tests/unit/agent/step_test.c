#include "tests/unit/agent/host.h"

#include "shared/clock.h"

/* What the steps of the tests are to do, and what they did: "+a +b -b -a". */
static struct {
    char trace[400];
    const char *fails, *undo_fails; /* names of steps */
    const char *answers;            /* name of the step that answers this: */
    int answer;
    const char *cancels, *undo_cancels;
    int cut_off;  /* so many times apply and undo fail with the engine's connection */
    bool retried; /* and work then */
} script;

static void note(struct run *run, char sign)
{
    size_t used = strlen(script.trace);
    (void)snprintf(script.trace + used, sizeof(script.trace) - used, "%s%c%s", used ? " " : "", sign, run->step_name);
}

static bool is(const struct run *run, const char *name)
{
    return name && strcmp(run->step_name, name) == 0;
}

static int apply(struct run *run, struct err *err)
{
    note(run, '+');
    if (is(run, script.cancels))
        run_cancel(run);
    if (is(run, script.fails) && script.cut_off && script.cut_off--)
        return err_set(err, ERR_NET, 0, "%s was cut off", run->step_name);
    if (is(run, script.fails) && !script.retried)
        return err_set(err, ERR_DOCKER, 0, "%s broke", run->step_name);
    run_text(run, "text of %s", run->step_name);
    return is(run, script.answers) ? script.answer : 0;
}

static int undo(struct run *run, struct err *err)
{
    note(run, '-');
    if (is(run, script.undo_cancels))
        run_cancel(run);
    if (run_check(run, err) < 0)
        return -(int)err->kind;
    if (is(run, script.undo_fails) && script.cut_off && script.cut_off--)
        return err_set(err, ERR_NET, 0, "%s was cut off", run->step_name);
    return is(run, script.undo_fails) && !script.retried
               ? err_set(err, ERR_DOCKER, 0, "no way back from %s", run->step_name)
               : 0;
}

static int wait_for_the_deadline(struct run *run, struct err *err)
{
    while (run_check(run, err) == 0)
        ;
    return -(int)err->kind;
}

#define LONG 60000
#define STEP(n, ...)                                                                                                   \
    { .name = n, .title = "title of " n, .apply = apply, .undo = undo, .timeout_ms = LONG, __VA_ARGS__ }

static const struct step abc[] = { STEP("a"), STEP("b"), STEP("c"), { 0 } };

static int set_up(void **state)
{
    memset(&script, 0, sizeof(script));
    return host_set_up_run(state);
}

static enum steps_result go(struct host *h, const struct step *steps, bool *touched)
{
    return steps_run(&h->run, steps, touched, &h->err);
}

static void assert_run(struct host *h, const struct step *steps, enum steps_result want, const char *trace)
{
    bool touched;
    enum steps_result got = go(h, steps, &touched);
    assert_string_equal(script.trace, trace);
    assert_int_equal(got, want);
}

static void steps_run_in_the_order_of_the_table(void **state)
{
    struct host *h = *state;
    assert_run(h, abc, STEPS_DONE, "+a +b +c");
    assert_int_equal(h->err.kind, ERR_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(h->run.records[i].status, STEP_OK);
    assert_int_equal(h->run.records[3].status, STEP_PENDING);
}

static void a_failure_undoes_newest_first(void **state)
{
    struct host *h = *state;
    script.fails = "c";
    assert_run(h, abc, STEPS_UNDONE, "+a +b +c -c -b -a");
    assert_int_equal(h->run.records[2].status, STEP_FAILED);
    host_assert_err(h, -(int)h->err.kind, ERR_DOCKER, "step 'c': c broke");
}

static void what_was_not_begun_is_not_undone(void **state)
{
    struct host *h = *state;
    script.fails = "a";
    assert_run(h, abc, STEPS_UNDONE, "+a -a");
    assert_int_equal(h->run.records[1].status, STEP_PENDING);
}

static void a_step_without_an_undo_is_passed_over(void **state)
{
    struct host *h = *state;
    static const struct step steps[] = {
        STEP("a"), { .name = "b", .title = "no undo", .apply = apply, .timeout_ms = LONG }, STEP("c"), { 0 }
    };
    script.fails = "c";
    assert_run(h, steps, STEPS_UNDONE, "+a +b +c -c -a");
}

static const struct step committing[] = { STEP("a"), STEP("b", .flags = STEP_COMMIT), STEP("c"), STEP("d"), { 0 } };

static void what_was_committed_stays(void **state)
{
    struct host *h = *state;
    script.fails = "d";
    assert_run(h, committing, STEPS_UNDONE, "+a +b +c +d -d -c");
}

static void a_commit_that_fails_commits_nothing(void **state)
{
    struct host *h = *state;
    script.fails = "b";
    assert_run(h, committing, STEPS_UNDONE, "+a +b -b -a");
}

static void the_journal_tells_the_commit(void **state)
{
    struct host *h = *state;
    struct buf text;
    script.fails = "c";
    assert_run(h, committing, STEPS_UNDONE, "+a +b +c -c");
    assert_string_equal(host_journal(h->run.dir_fd, &text),
                        "intent a,done a,intent b,committed b,intent c,undo c,undone c");
    buf_done(&text);
}

static void an_optional_step_that_fails_changes_nothing(void **state)
{
    struct host *h = *state;
    static const struct step steps[] = { STEP("a"), STEP("b", .flags = STEP_OPTIONAL), STEP("c"), { 0 } };
    struct buf text;
    script.fails = "b";
    assert_run(h, steps, STEPS_DONE, "+a +b +c");
    assert_int_equal(h->err.kind, ERR_OK);
    assert_int_equal(h->run.records[1].status, STEP_FAILED);
    assert_string_equal(host_kinds(h->run.dir_fd, &text),
                        "step.start:a step.done:a step.start:b step.failed:b step.start:c step.done:c");
    buf_done(&text);
}

static void a_step_that_finds_nothing_to_do_ends_the_run(void **state)
{
    struct host *h = *state;
    script.answers = "b";
    script.answer = STEP_FINISHED;
    assert_run(h, abc, STEPS_NOTHING, "+a +b");
    assert_int_equal(h->run.records[1].status, STEP_OK);
}

static void a_skipped_step_is_told_as_skipped(void **state)
{
    struct host *h = *state;
    script.answers = "b";
    script.answer = STEP_SKIPPED;
    assert_run(h, abc, STEPS_DONE, "+a +b +c");
    assert_int_equal(h->run.records[1].status, STEP_WAS_SKIPPED);
}

static void an_undo_that_fails_does_not_stop_the_others(void **state)
{
    struct host *h = *state;
    struct buf text;
    script.fails = "c";
    script.undo_fails = "b";
    assert_run(h, abc, STEPS_UNDO_FAILED, "+a +b +c -c -b -a");
    host_assert_err(h, -(int)h->err.kind, ERR_DOCKER, "c broke"); /* the first cause */
    struct json *told = host_event(h->run.dir_fd, EVENT_UNDO_FAILED);
    assert_string_equal(json_str(json_get(told, "error"), "message", ""), "no way back from b");
    json_free(told);
    assert_string_equal(host_journal(h->run.dir_fd, &text),
                        "intent a,done a,intent b,done b,intent c,undo c,undone c,undo b,undo a,undone a");
    buf_done(&text);
}

static void production_is_touched_when_its_step_begins(void **state)
{
    struct host *h = *state;
    static const struct step steps[] = { STEP("a"), STEP("b", .flags = STEP_TOUCHES), STEP("c"), { 0 } };
    bool touched = true;
    script.fails = "a";
    assert_int_equal(go(h, steps, &touched), STEPS_UNDONE);
    assert_false(touched);
    script.fails = "b";
    assert_int_equal(go(h, steps, &touched), STEPS_UNDONE);
    assert_true(touched);
}

static void a_cancel_stops_before_the_next_step(void **state)
{
    struct host *h = *state;
    script.cancels = "a";
    assert_run(h, abc, STEPS_UNDONE, "+a -b -a"); /* an undo accepts a step that never ran */
    host_assert_err(h, -(int)h->err.kind, ERR_CANCEL, "cancelled");
}

static void a_cancel_does_not_reach_an_undo(void **state)
{
    struct host *h = *state;
    script.fails = "c";
    script.undo_cancels = "c";
    assert_run(h, abc, STEPS_UNDONE, "+a +b +c -c -b -a");
    assert_int_equal(h->run.cancelled, 0);
}

static void a_step_has_its_time_and_no_more(void **state)
{
    struct host *h = *state;
    static const struct step steps[] = {
        STEP("a"),
        { .name = "b", .title = "slow", .apply = wait_for_the_deadline, .undo = undo, .timeout_ms = 5 },
        { 0 },
    };
    int64_t start = clock_mono_ms();
    assert_run(h, steps, STEPS_UNDONE, "+a -b -a");
    assert_true(clock_mono_ms() - start < LONG / 2);
    host_assert_err(h, -(int)h->err.kind, ERR_TIMEOUT, "'b' took longer");
}

static void a_step_whose_intent_cannot_be_written_is_not_done(void **state)
{
    struct host *h = *state;
    journal_close(&h->run.journal);
    assert_run(h, abc, STEPS_UNDONE, "-a");
    host_assert_err(h, -(int)h->err.kind, ERR_IO, "journal");
}

static void every_move_is_told(void **state)
{
    struct host *h = *state;
    struct buf text;
    script.fails = "b";
    assert_run(h, abc, STEPS_UNDONE, "+a +b -b -a");
    assert_string_equal(host_kinds(h->run.dir_fd, &text),
                        "step.start:a step.done:a step.start:b step.failed:b undo.start:b undo.done:b undo.start:a "
                        "undo.done:a");
    struct json *done = host_event(h->run.dir_fd, EVENT_STEP_DONE),
                *start = host_event(h->run.dir_fd, EVENT_STEP_START);
    assert_string_equal(json_str(done, "text", ""), "text of a");
    assert_true(json_num(done, "seconds", -1) >= 0);
    assert_string_equal(json_str(start, "title", ""), "title of b");
    json_free(done);
    json_free(start);
    buf_done(&text);
}

static void after_a_crash_the_whole_table_is_undone(void **state)
{
    struct host *h = *state;
    assert_int_equal(steps_undo_all(&h->run, abc), STEPS_UNDONE);
    assert_string_equal(script.trace, "-c -b -a");
    script.undo_fails = "b";
    assert_int_equal(steps_undo_all(&h->run, abc), STEPS_UNDO_FAILED);
}

static int set_up_engine(void **state)
{
    memset(&script, 0, sizeof(script));
    (void)host_set_up_engine(state);
    struct host *h = *state;
    fake_engine_reply(h->fake, "GET /info", 200, "{}");
    fake_engine_reply(h->fake, "GET /version", 200, "{}");
    return 0;
}

static void an_optional_step_outlasts_a_restart_of_the_engine(void **state)
{
    struct host *h = *state;
    static const struct step steps[] = { STEP("a"), STEP("b", .flags = STEP_OPTIONAL), { 0 } };
    script.fails = "b";
    script.cut_off = 1;
    script.retried = true;
    assert_run(h, steps, STEPS_DONE, "+a +b +b");
    assert_int_equal(h->run.records[1].status, STEP_OK);
}

static void any_other_step_is_not_done_twice(void **state)
{
    struct host *h = *state;
    script.fails = "b";
    script.cut_off = 1;
    script.retried = true;
    assert_run(h, abc, STEPS_UNDONE, "+a +b -b -a");
}

static void an_undo_outlasts_a_restart_of_the_engine(void **state)
{
    struct host *h = *state;
    script.undo_fails = "b";
    script.cut_off = 1;
    script.retried = true;
    assert_int_equal(steps_undo_all(&h->run, abc), STEPS_UNDONE);
    assert_string_equal(script.trace, "-c -b -b -a");
}

static void an_engine_that_meant_what_it_said_is_not_asked_again(void **state)
{
    struct host *h = *state;
    script.undo_fails = "b";
    assert_int_equal(steps_undo_all(&h->run, abc), STEPS_UNDO_FAILED);
    assert_string_equal(script.trace, "-c -b -a");
}

#define STEP_CASE(name) cmocka_unit_test_setup_teardown(name, set_up, host_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STEP_CASE(steps_run_in_the_order_of_the_table),
        STEP_CASE(a_failure_undoes_newest_first),
        STEP_CASE(what_was_not_begun_is_not_undone),
        STEP_CASE(a_step_without_an_undo_is_passed_over),
        STEP_CASE(what_was_committed_stays),
        STEP_CASE(a_commit_that_fails_commits_nothing),
        STEP_CASE(the_journal_tells_the_commit),
        STEP_CASE(an_optional_step_that_fails_changes_nothing),
        STEP_CASE(a_step_that_finds_nothing_to_do_ends_the_run),
        STEP_CASE(a_skipped_step_is_told_as_skipped),
        STEP_CASE(an_undo_that_fails_does_not_stop_the_others),
        STEP_CASE(production_is_touched_when_its_step_begins),
        STEP_CASE(a_cancel_stops_before_the_next_step),
        STEP_CASE(a_cancel_does_not_reach_an_undo),
        STEP_CASE(a_step_has_its_time_and_no_more),
        STEP_CASE(a_step_whose_intent_cannot_be_written_is_not_done),
        STEP_CASE(every_move_is_told),
        STEP_CASE(after_a_crash_the_whole_table_is_undone),
        cmocka_unit_test_setup_teardown(an_optional_step_outlasts_a_restart_of_the_engine, set_up_engine,
                                        host_tear_down),
        cmocka_unit_test_setup_teardown(any_other_step_is_not_done_twice, set_up_engine, host_tear_down),
        cmocka_unit_test_setup_teardown(an_undo_outlasts_a_restart_of_the_engine, set_up_engine, host_tear_down),
        cmocka_unit_test_setup_teardown(an_engine_that_meant_what_it_said_is_not_asked_again, set_up_engine,
                                        host_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
