#include "shared/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void a_new_error_has_kind_code_and_one_frame(void **state)
{
    (void)state;
    struct err e = { 0 };
    assert_int_equal(err_set(&e, ERR_IO, 13, "open '%s'", "x"), -ERR_IO);
    assert_int_equal(e.kind, ERR_IO);
    assert_int_equal(e.code, 13);
    assert_int_equal(e.depth, 1);
    assert_string_equal(e.frame[0].text, "open 'x'");
    assert_non_null(strstr(e.frame[0].file, "err_test.c"));
}

static void text_reads_from_the_outside_to_the_cause(void **state)
{
    (void)state;
    struct err e = { 0 };
    char text[200];
    (void)err_set(&e, ERR_NET, 0, "connection reset");
    assert_int_equal(err_wrap(&e, "upload"), -ERR_NET);
    (void)err_wrap(&e, "step 'install'");
    assert_string_equal(err_text(&e, text, sizeof(text)), "step 'install': upload: connection reset");
}

static void wraps_beyond_the_last_frame_keep_the_first_cause(void **state)
{
    (void)state;
    struct err e = { 0 };
    char text[400];
    (void)err_set(&e, ERR_TIMEOUT, 7, "cause");
    for (int i = 0; i < 3 * ERR_FRAMES; i++)
        assert_int_equal(err_wrap(&e, "level %d", i), -ERR_TIMEOUT);
    assert_int_equal(e.depth, ERR_FRAMES);
    assert_string_equal(e.frame[0].text, "cause");
    assert_int_equal(e.code, 7);
    assert_string_equal(err_text(&e, text, sizeof(text)),
                        "level 6: level 5: level 4: level 3: level 2: level 1: level 0: cause");
}

static void setting_again_forgets_frames_and_hint(void **state)
{
    (void)state;
    struct err e = { 0 };
    (void)err_set(&e, ERR_IO, 1, "first");
    err_hint(&e, "old advice");
    (void)err_set(&e, ERR_AUTH, 2, "second");
    assert_int_equal(e.depth, 1);
    assert_string_equal(e.frame[0].text, "second");
    assert_string_equal(err_hint_text(&e), err_hint_text(&(struct err){ .kind = ERR_AUTH }));
}

static void text_may_be_made_of_the_error_itself(void **state)
{
    (void)state;
    struct err e = { 0 };
    (void)err_set(&e, ERR_DOCKER, 0, "port is already allocated");
    (void)err_set(&e, ERR_PORT_TAKEN, 0, "start: %s", e.frame[0].text);
    assert_string_equal(e.frame[0].text, "start: port is already allocated");
}

static void a_missing_struct_still_returns_the_kind(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_KEY, 0, "x"), -ERR_KEY);
    assert_int_equal(err_wrap(NULL, "x"), -ERR_KEY);
    err_hint(NULL, "x");
    err_clear(NULL);
}

static void wrapping_no_error_is_a_bug_and_never_success(void **state)
{
    (void)state;
    struct err e = { 0 };
    assert_int_equal(err_wrap(&e, "x"), -ERR_BUG);
    assert_int_equal(e.kind, ERR_BUG);
}

static void long_texts_are_cut_and_terminated(void **state)
{
    (void)state;
    struct err e = { 0 };
    char big[2000], small[10];
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    (void)err_set(&e, ERR_IO, 0, "%s", big);
    err_hint(&e, "%s", big);
    assert_int_equal(strlen(e.frame[0].text), ERR_TEXT_MAX - 1);
    assert_int_equal(strlen(e.hint), ERR_HINT_MAX - 1);
    assert_string_equal(err_text(&e, small, sizeof(small)), "aaaaaaaaa");
    assert_string_equal(err_text(&e, small, 1), "");
}

static void a_hint_may_come_right_before_its_error(void **state)
{
    (void)state;
    struct err e = { 0 };
    err_hint(&e, "do that");
    (void)err_set(&e, ERR_AUTH, 0, "refused");
    assert_string_equal(err_hint_text(&e), "do that");
    assert_int_equal(e.depth, 1);
    err_clear(&e);
    (void)err_set(&e, ERR_AUTH, 0, "refused");
    assert_string_equal(err_hint_text(&e), err_hint_text(&(struct err){ .kind = ERR_AUTH }));
}

static void the_deepest_hint_wins(void **state)
{
    (void)state;
    struct err e = { 0 };
    (void)err_set(&e, ERR_IO, 0, "x");
    err_hint(&e, "inner %d", 1);
    err_hint(&e, "outer");
    assert_string_equal(err_hint_text(&e), "inner 1");
}

static void every_kind_has_its_own_name_and_exit_code(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_KINDS; i++) {
        assert_non_null(err_kind_name((enum err_kind)i));
        assert_int_equal(err_kind_from_name(err_kind_name((enum err_kind)i)), i);
        for (int k = 0; k < i; k++)
            assert_int_not_equal(err_kind_exit_code((enum err_kind)i), err_kind_exit_code((enum err_kind)k));
    }
}

static void no_kind_uses_the_exit_code_of_an_outcome(void **state)
{
    (void)state;
    for (int i = 1; i < ERR_KINDS; i++) {
        int code = err_kind_exit_code((enum err_kind)i);
        assert_in_range(code, 2, 125);
        assert_false(code >= 10 && code <= 13);
    }
}

static void every_failure_tells_what_to_do_next(void **state)
{
    (void)state;
    for (int i = 1; i < ERR_KINDS; i++) {
        const char *hint = err_hint_text(&(struct err){ .kind = (enum err_kind)i });
        assert_in_range(strlen(hint), 30, ERR_HINT_MAX - 1);
        assert_int_equal(hint[strlen(hint) - 1], '.');
    }
    assert_string_equal(err_hint_text(&(struct err){ 0 }), "");
}

static void exit_codes_of_the_contract_do_not_move(void **state)
{
    (void)state;
    assert_int_equal(err_kind_exit_code(ERR_INPUT), 2);
    assert_int_equal(err_kind_exit_code(ERR_NO_PIN), 3);
    assert_int_equal(err_kind_exit_code(ERR_HOST_KEY), 4);
    assert_int_equal(err_kind_exit_code(ERR_INSTALL), 9);
    assert_int_equal(err_kind_exit_code(ERR_LOCKED), 14);
    assert_int_equal(err_kind_exit_code(ERR_DOCKER_MISSING), 20);
    assert_int_equal(err_kind_exit_code(ERR_UNHEALTHY), 30);
    assert_int_equal(err_kind_exit_code(ERR_REMOTE), 34);
    assert_int_equal(err_kind_exit_code(ERR_BUG), 70);
}

static void unknown_names_are_remote_failures(void **state)
{
    (void)state;
    assert_int_equal(err_kind_from_name("no such kind"), ERR_REMOTE);
    assert_int_equal(err_kind_from_name(""), ERR_REMOTE);
    assert_int_equal(err_kind_from_name(NULL), ERR_REMOTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_error_has_kind_code_and_one_frame),
        cmocka_unit_test(text_reads_from_the_outside_to_the_cause),
        cmocka_unit_test(wraps_beyond_the_last_frame_keep_the_first_cause),
        cmocka_unit_test(setting_again_forgets_frames_and_hint),
        cmocka_unit_test(text_may_be_made_of_the_error_itself),
        cmocka_unit_test(a_missing_struct_still_returns_the_kind),
        cmocka_unit_test(wrapping_no_error_is_a_bug_and_never_success),
        cmocka_unit_test(long_texts_are_cut_and_terminated),
        cmocka_unit_test(a_hint_may_come_right_before_its_error),
        cmocka_unit_test(the_deepest_hint_wins),
        cmocka_unit_test(every_kind_has_its_own_name_and_exit_code),
        cmocka_unit_test(no_kind_uses_the_exit_code_of_an_outcome),
        cmocka_unit_test(every_failure_tells_what_to_do_next),
        cmocka_unit_test(exit_codes_of_the_contract_do_not_move),
        cmocka_unit_test(unknown_names_are_remote_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
