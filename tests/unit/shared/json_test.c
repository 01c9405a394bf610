#include "shared/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <math.h>

static struct json *parsed(const char *text)
{
    struct json *j = NULL;
    assert_int_equal(json_parse(span_of(text), &j, NULL), 0);
    return j;
}

static void assert_prints(const struct json *j, const char *want)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(100000);
    assert_int_equal(json_print(j, &out, NULL), 0);
    assert_string_equal(buf_str(&out), want);
}

static void assert_reprints(const char *text, const char *want)
{
    _cleanup_(json_free_p) struct json *j = parsed(text);
    assert_prints(j, want);
}

static void assert_refused(struct span text, const char *words)
{
    struct json *j = NULL;
    struct err e = { 0 };
    assert_int_equal(json_parse(text, &j, &e), -ERR_PROTO);
    assert_null(j);
    assert_non_null(strstr(e.frame[0].text, words));
}

static void values_print_as_they_were_read(void **state)
{
    (void)state;
    static const char *const same[] = {
        "null", "true",  "false", "0",  "-1",   "4.2",     "1e+20",
        "\"\"", "\"a\"", "[]",    "{}", "[[]]", "[1,2,3]", "{\"a\":{\"b\":[true,null]},\"c\":\"d\"}",
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        assert_reprints(same[i], same[i]);
}

static void blanks_around_are_fine_and_dropped(void **state)
{
    (void)state;
    assert_reprints(" { \"a\" : [ 1 , 2 ] } \r\n", "{\"a\":[1,2]}");
}

static void integers_print_without_fraction_or_exponent(void **state)
{
    (void)state;
    assert_reprints("1e3", "1000");
    assert_reprints("5.0", "5");
    assert_reprints("-0", "0");
    assert_reprints("9007199254740991", "9007199254740991");
    assert_reprints("1000000000000000", "1000000000000000");
    assert_reprints("1769656202113", "1769656202113");
    assert_reprints("-2147483649", "-2147483649");
}

static void fractions_print_shortest_and_exact(void **state)
{
    (void)state;
    assert_reprints("0.1", "0.1");
    assert_reprints("1.25", "1.25");
    assert_reprints("0.30000000000000004", "0.30000000000000004");
}

static void numbers_too_big_are_no_numbers(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = parsed("{\"a\":1e999}");
    assert_false(json_is_number(json_get(j, "a")));
    assert_int_equal(json_int(j, "a", 7), 7);
    assert_prints(j, "{\"a\":null}");
}

static void malformed_text_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const bad[] = { "",        " ",           "{",   "}",        "[1,]",  "{\"a\"}",
                                       "tru",     "nul",         "\"a", "{\"a\":}", "{a:1}", "[1 2]",
                                       "\"\\x\"", "\"\\ud800\"", "'a'", "-",        "[1,,2]" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(span_of(bad[i]), "at byte");
}

static void trailing_text_is_refused(void **state)
{
    (void)state;
    assert_refused(SPAN_LIT("{} x"), "after the end");
    assert_refused(SPAN_LIT("1 2"), "after the end");
    assert_refused(SPAN_LIT("{}{}"), "after the end");
}

static void nul_and_control_bytes_are_refused(void **state)
{
    (void)state;
    assert_refused(SPAN_LIT("\"a\\u0000b\""), "NUL");
    assert_refused(SPAN_LIT("\"a\0b\""), "control byte");
    assert_refused(SPAN_LIT("{}\0"), "NUL");
    assert_refused(SPAN_LIT("\"a\nb\""), "control byte");
}

static void an_escaped_backslash_before_u0000_is_ordinary_text(void **state)
{
    (void)state;
    assert_reprints("\"\\\\u0000\"", "\"\\\\u0000\"");
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    for (int depth = 63; depth <= 66; depth++) {
        _cleanup_(buf_done_p) struct buf b = BUF_INIT(1000);
        for (int i = 0; i < depth; i++)
            buf_addc(&b, '[');
        for (int i = 0; i < depth; i++)
            buf_addc(&b, ']');
        _cleanup_(json_free_p) struct json *j = NULL;
        assert_int_equal(json_parse(buf_span(&b), &j, NULL), depth <= 64 ? 0 : -ERR_PROTO);
    }
}

static void a_hundred_thousand_brackets_do_not_overflow_the_stack(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(100000);
    for (int i = 0; i < 100000; i++)
        buf_addc(&b, i % 2 ? '{' : '[');
    assert_refused(buf_span(&b), "nested");
}

static void brackets_inside_strings_do_not_nest(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(1000);
    buf_addc(&b, '"');
    for (int i = 0; i < 200; i++)
        buf_addc(&b, '[');
    buf_addc(&b, '"');
    _cleanup_(json_free_p) struct json *j = NULL;
    assert_int_equal(json_parse(buf_span(&b), &j, NULL), 0);
}

static void an_object_cut_anywhere_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\":[1,2.5e3,true,null],\"b\":{\"c\":\"\\u00e9\\n\\ud83d\\ude00\"},\"d\":\"\"}";
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        /* A copy of exactly n bytes, so that a sanitizer sees a read beyond them. */
        char *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, whole, n);
        struct json *j = NULL;
        assert_int_equal(json_parse((struct span){ .ptr = cut, .len = n }, &j, NULL), -ERR_PROTO);
        assert_null(j);
        free(cut);
    }
}

static void strings_are_escaped_and_come_back(void **state)
{
    (void)state;
    const char *hard = "\" \\ / \n \r \t \b \f \x01 \x1f \x7f \xc3\xa9 \xf0\x9f\x98\x80 ::error";
    _cleanup_(json_free_p) struct json *j = json_object();
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(1000);
    json_set_str(j, "s", hard);
    assert_int_equal(json_print(j, &out, NULL), 0);
    assert_null(strchr(buf_str(&out), '\n'));
    _cleanup_(json_free_p) struct json *again = parsed(buf_str(&out));
    assert_string_equal(json_str(again, "s", ""), hard);
}

static void characters_that_a_terminal_obeys_print_escaped(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = json_array();
    _cleanup_(json_free_p) struct json *again = NULL;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(4096);
    json_push_str(j, "\x7f \xc2\x80 \xc2\x9b"
                     "31m \xc2\x9f \xc2\xa0");
    json_push_str(j, "\u200d\u200e\u200f\u2010 \u2027\u2028\u2029\u202a\u202e\u202f \u2065\u2066\u2069\u206a");
    assert_int_equal(json_print(j, &out, NULL), 0);
    assert_string_equal(buf_str(&out), "[\"\\u007f \\u0080 \\u009b31m \\u009f \xc2\xa0\","
                                       "\"\u200d\\u200e\\u200f\u2010 \u2027\\u2028\\u2029\\u202a\\u202e\u202f "
                                       "\u2065\\u2066\\u2069\u206a\"]");
    assert_int_equal(json_parse(buf_span(&out), &again, NULL), 0);
    assert_string_equal(json_value_str(json_first(again), ""), json_value_str(json_first(j), ""));
}

static void bytes_that_are_not_utf8_print_as_replacement_characters(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = json_array();
    json_push_str(j, "a\xff\xc3(b\xe2\x82");
    assert_prints(j, "[\"a\xef\xbf\xbd\xef\xbf\xbd(b\xef\xbf\xbd\xef\xbf\xbd\"]");
}

static void getters_give_the_default_for_what_is_absent(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = parsed("{\"s\":\"x\",\"n\":1,\"b\":true,\"z\":null}");
    assert_string_equal(json_str(j, "n", "d"), "d");
    assert_string_equal(json_str(j, "z", "d"), "d");
    assert_null(json_str(j, "none", NULL));
    assert_int_equal(json_int(j, "s", 5), 5);
    assert_int_equal(json_int(j, "none", 5), 5);
    assert_true(json_bool(j, "n", true));
    assert_true(json_bool(j, "b", false));
    assert_true(json_num(NULL, "x", 1.5) == 1.5);
    assert_null(json_get(NULL, "x"));
    assert_null(json_first(NULL));
    assert_null(json_next(NULL));
    assert_null(json_key(NULL));
    assert_int_equal(json_len(NULL), 0);
    assert_false(json_is_object(NULL));
}

static void getters_of_the_wrong_container_find_nothing(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = parsed("[1,\"a\"]");
    assert_null(json_get(j, "a"));
    assert_null(json_first(json_first(j)));
    assert_int_equal(json_len(j), 2);
}

static void keys_are_case_sensitive(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = parsed("{\"Key\":1,\"key\":2}");
    assert_int_equal(json_int(j, "key", 0), 2);
    assert_int_equal(json_int(j, "Key", 0), 1);
    assert_int_equal(json_int(j, "KEY", 0), 0);
    json_set_int(j, "key", 3);
    json_del(j, "KEY");
    assert_prints(j, "{\"Key\":1,\"key\":3}");
    json_del(j, "Key");
    assert_prints(j, "{\"key\":3}");
}

static void paths_follow_keys(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = parsed("{\"State\":{\"Health\":{\"Status\":\"ok\"}}}");
    assert_string_equal(json_value_str(json_path(j, "State", "Health", "Status", NULL), ""), "ok");
    assert_null(json_path(j, "State", "Nothing", "Status", NULL));
    assert_ptr_equal(json_path(j, NULL), j);
}

static void integers_beyond_64_bits_give_the_default(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j =
        parsed("{\"a\":18446744073709551615,\"b\":-9223372036854775808,\"c\":9223372036854771712,"
               "\"d\":-4.9}");
    assert_int_equal(json_int(j, "a", -1), -1);
    assert_true(json_int(j, "b", 0) == INT64_MIN);
    assert_true(json_int(j, "c", 0) == 9223372036854771712);
    assert_int_equal(json_int(j, "d", 0), -4);
}

static void setters_replace_in_place(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = json_object();
    json_set_str(j, "a", "x");
    json_set_int(j, "b", -7);
    json_set_bool(j, "c", true);
    json_set_str(j, "a", NULL);
    json_set_num(j, "b", 2.5);
    json_set(j, "d", json_array());
    assert_prints(j, "{\"a\":null,\"b\":2.5,\"c\":true,\"d\":[]}");
}

static void seconds_are_decimal(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = json_object();
    json_set_seconds(j, "a", 1250);
    json_set_seconds(j, "b", 0);
    json_set_seconds(j, "c", 60000);
    json_set_seconds(j, "d", -1);
    json_set_seconds(j, "e", 1);
    assert_prints(j, "{\"a\":1.25,\"b\":0,\"c\":60,\"d\":-1,\"e\":0.001}");
}

static void children_are_walked_in_order(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = json_array();
    json_push_num(j, 1.5);
    json_push_str(j, "x");
    json_push(j, json_object());
    const struct json *c = json_first(j);
    assert_true(json_value_num(c, 0) == 1.5);
    assert_null(json_key(c));
    c = json_next(c);
    assert_true(json_is_string(c));
    c = json_next(c);
    assert_true(json_is_object(c));
    assert_null(json_next(c));
}

static void copies_are_independent(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = parsed("{\"a\":[1]}");
    _cleanup_(json_free_p) struct json *copy = json_copy(j);
    json_set_int(j, "a", 2);
    assert_prints(copy, "{\"a\":[1]}");
}

static void a_misplaced_value_makes_printing_fail(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *arr = json_array();
    _cleanup_(json_free_p) struct json *obj = json_object();
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(100);
    json_set_int(arr, "key", 1);
    json_push_str(obj, "x");
    assert_int_equal(json_print(arr, &out, NULL), -ERR_NOMEM);
    assert_int_equal(json_print(obj, &out, NULL), -ERR_NOMEM);
    assert_int_equal(json_print(NULL, &out, NULL), -ERR_NOMEM);
    assert_int_equal(out.len, 0);
    json_set_int(NULL, "key", 1);
    json_set(NULL, "key", json_object());
    json_del(NULL, "key");
    json_free(NULL);
}

static void printing_beyond_the_limit_keeps_what_was_there(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = parsed("{\"a\":\"0123456789\"}");
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(12);
    buf_adds(&out, "keep");
    assert_int_equal(json_print(j, &out, NULL), -ERR_NOMEM);
    assert_int_equal(out.len, 4);
}

static void pretty_text_is_indented_and_ends_with_a_line_feed(void **state)
{
    (void)state;
    _cleanup_(json_free_p) struct json *j = parsed("{\"a\":[1,{}],\"b\":{\"c\":[]}}");
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(1000);
    assert_int_equal(json_print_pretty(j, &out, NULL), 0);
    assert_string_equal(buf_str(&out), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": "
                                       "[]\n  }\n}\n");
}

static int allocations_left;

static void *scarce_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static struct json *build_something(void)
{
    struct json *j = json_object();
    json_set_str(j, "a", "text");
    json_set_int(j, "b", 1);
    struct json *arr = json_array();
    json_push_str(arr, "x");
    json_push(arr, json_object());
    json_set(j, "c", arr);
    json_set_bool(j, "d", true);
    return j;
}

static void a_failed_allocation_anywhere_makes_printing_fail(void **state)
{
    (void)state;
    cJSON_Hooks scarce = { .malloc_fn = scarce_malloc, .free_fn = free };
    bool whole = false;
    for (int n = 0; n < 100 && !whole; n++) {
        allocations_left = n;
        cJSON_InitHooks(&scarce);
        _cleanup_(json_free_p) struct json *j = build_something();
        whole = allocations_left >= 0;
        cJSON_InitHooks(NULL);
        _cleanup_(buf_done_p) struct buf out = BUF_INIT(1000);
        assert_int_equal(json_print(j, &out, NULL), whole ? 0 : -ERR_NOMEM);
    }
    assert_true(whole);
}

static void edit_x(void *ctx, struct span text, struct buf *out)
{
    (void)ctx;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == 'x')
            buf_adds(out, "***");
        else
            buf_addc(out, text.ptr[i]);
}

static void assert_edited(const char *text, const char *wanted)
{
    struct json *j = NULL;
    struct buf out = BUF_INIT(1024);
    struct err err = { 0 };

    assert_int_equal(json_parse(span_of(text), &j, &err), 0);
    json_edit_strings(j, edit_x, NULL);
    assert_int_equal(json_print(j, &out, &err), 0);
    assert_string_equal(buf_str(&out), wanted);
    buf_done(&out);
    json_free(j);
}

static void every_string_value_can_be_edited(void **state)
{
    (void)state;
    assert_edited("{\"x\":\"axb\",\"n\":7,\"l\":[\"x\",{\"d\":\"xx\"},\"\",null]}",
                  "{\"x\":\"a***b\",\"n\":7,\"l\":[\"***\",{\"d\":\"******\"},\"\",null]}");
    assert_edited("\"x\"", "\"***\"");
    json_edit_strings(NULL, edit_x, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_print_as_they_were_read),
        cmocka_unit_test(blanks_around_are_fine_and_dropped),
        cmocka_unit_test(integers_print_without_fraction_or_exponent),
        cmocka_unit_test(fractions_print_shortest_and_exact),
        cmocka_unit_test(numbers_too_big_are_no_numbers),
        cmocka_unit_test(malformed_text_is_refused_with_its_place),
        cmocka_unit_test(trailing_text_is_refused),
        cmocka_unit_test(nul_and_control_bytes_are_refused),
        cmocka_unit_test(an_escaped_backslash_before_u0000_is_ordinary_text),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_hundred_thousand_brackets_do_not_overflow_the_stack),
        cmocka_unit_test(brackets_inside_strings_do_not_nest),
        cmocka_unit_test(an_object_cut_anywhere_is_refused),
        cmocka_unit_test(strings_are_escaped_and_come_back),
        cmocka_unit_test(characters_that_a_terminal_obeys_print_escaped),
        cmocka_unit_test(bytes_that_are_not_utf8_print_as_replacement_characters),
        cmocka_unit_test(getters_give_the_default_for_what_is_absent),
        cmocka_unit_test(getters_of_the_wrong_container_find_nothing),
        cmocka_unit_test(keys_are_case_sensitive),
        cmocka_unit_test(paths_follow_keys),
        cmocka_unit_test(integers_beyond_64_bits_give_the_default),
        cmocka_unit_test(setters_replace_in_place),
        cmocka_unit_test(seconds_are_decimal),
        cmocka_unit_test(children_are_walked_in_order),
        cmocka_unit_test(copies_are_independent),
        cmocka_unit_test(every_string_value_can_be_edited),
        cmocka_unit_test(a_misplaced_value_makes_printing_fail),
        cmocka_unit_test(printing_beyond_the_limit_keeps_what_was_there),
        cmocka_unit_test(pretty_text_is_indented_and_ends_with_a_line_feed),
        cmocka_unit_test(a_failed_allocation_anywhere_makes_printing_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
