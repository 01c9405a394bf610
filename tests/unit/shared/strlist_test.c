#include "shared/strlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void items_are_copies_in_order(void **state)
{
    (void)state;
    struct strlist l = { 0 };
    char text[8] = "k=0";
    for (int i = 0; i < 100; i++) {
        text[2] = (char)('0' + i % 10);
        assert_int_equal(strlist_add(&l, span_of(text), NULL), 0);
    }
    assert_int_equal(l.len, 100);
    assert_string_equal(l.items[0], "k=0");
    assert_string_equal(l.items[99], "k=9");
    strlist_done(&l);
}

static void a_list_knows_what_it_has(void **state)
{
    (void)state;
    struct strlist l = { 0 };
    assert_false(strlist_has(&l, "a"));
    assert_int_equal(strlist_add(&l, SPAN_LIT("a"), NULL), 0);
    assert_true(strlist_has(&l, "a"));
    assert_false(strlist_has(&l, "A"));
    assert_false(strlist_has(&l, ""));
    strlist_done(&l);
}

static void a_nul_byte_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct strlist l = { 0 };
    struct err e = { 0 };
    assert_int_equal(strlist_add(&l, SPAN_LIT("a\0b"), &e), -ERR_NOMEM);
    assert_int_equal(l.len, 0);
    assert_non_null(strstr(e.frame[0].text, "NUL"));
}

static void an_ended_list_is_empty_and_usable(void **state)
{
    (void)state;
    struct strlist l = { 0 };
    assert_int_equal(strlist_add(&l, SPAN_LIT("secret"), NULL), 0);
    strlist_wipe_done(&l);
    assert_int_equal(l.len, 0);
    strlist_done(&l);
    assert_int_equal(strlist_add(&l, SPAN_LIT(""), NULL), 0);
    assert_string_equal(l.items[0], "");
    strlist_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_copies_in_order),
        cmocka_unit_test(a_list_knows_what_it_has),
        cmocka_unit_test(a_nul_byte_is_refused_and_changes_nothing),
        cmocka_unit_test(an_ended_list_is_empty_and_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
