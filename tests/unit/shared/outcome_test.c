#include "shared/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void names_round_trip(void **state)
{
    (void)state;
    for (int i = OUTCOME_UNKNOWN; i <= OUTCOME_REPORTED; i++)
        assert_int_equal(outcome_from_name(outcome_name((enum outcome)i)), i);
}

static void what_is_no_outcome_is_unknown(void **state)
{
    (void)state;
    assert_int_equal(outcome_from_name("success"), OUTCOME_UNKNOWN);
    assert_int_equal(outcome_from_name(""), OUTCOME_UNKNOWN);
    assert_int_equal(outcome_from_name(NULL), OUTCOME_UNKNOWN);
    assert_string_equal(outcome_name((enum outcome)99), "unknown");
}

static void good_ends_exit_with_zero_whatever_the_cause(void **state)
{
    (void)state;
    for (int rollback = 0; rollback < 2; rollback++)
        for (int cause = 0; cause < ERR_KINDS; cause++) {
            assert_int_equal(outcome_exit_code(OUTCOME_DEPLOYED, rollback, (enum err_kind)cause), 0);
            assert_int_equal(outcome_exit_code(OUTCOME_UNCHANGED, rollback, (enum err_kind)cause), 0);
            assert_int_equal(outcome_exit_code(OUTCOME_REPORTED, rollback, (enum err_kind)cause), 0);
        }
}

static void a_rollback_is_success_only_when_it_was_wanted(void **state)
{
    (void)state;
    assert_int_equal(outcome_exit_code(OUTCOME_ROLLED_BACK, false, ERR_UNHEALTHY), 10);
    assert_int_equal(outcome_exit_code(OUTCOME_ROLLED_BACK, false, ERR_OK), 10);
    assert_int_equal(outcome_exit_code(OUTCOME_ROLLED_BACK, true, ERR_OK), 0);
}

static void an_untouched_failure_exits_with_the_code_of_its_cause(void **state)
{
    (void)state;
    assert_int_equal(outcome_exit_code(OUTCOME_FAILED_UNTOUCHED, false, ERR_OK), 11);
    for (int cause = 1; cause < ERR_KINDS; cause++)
        assert_int_equal(outcome_exit_code(OUTCOME_FAILED_UNTOUCHED, false, (enum err_kind)cause),
                         err_kind_exit_code((enum err_kind)cause));
}

static void bad_ends_have_their_own_codes(void **state)
{
    (void)state;
    assert_int_equal(outcome_exit_code(OUTCOME_ROLLBACK_FAILED, false, ERR_UNHEALTHY), 12);
    assert_int_equal(outcome_exit_code(OUTCOME_ROLLBACK_FAILED, true, ERR_OK), 12);
    assert_int_equal(outcome_exit_code(OUTCOME_UNKNOWN, false, ERR_NET), 13);
    assert_int_equal(outcome_exit_code(OUTCOME_UNKNOWN, true, ERR_OK), 13);
    assert_int_equal(outcome_exit_code((enum outcome)99, false, ERR_OK), 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_round_trip),
        cmocka_unit_test(what_is_no_outcome_is_unknown),
        cmocka_unit_test(good_ends_exit_with_zero_whatever_the_cause),
        cmocka_unit_test(a_rollback_is_success_only_when_it_was_wanted),
        cmocka_unit_test(an_untouched_failure_exits_with_the_code_of_its_cause),
        cmocka_unit_test(bad_ends_have_their_own_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
