#include "shared/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct answer_size size;

static void add(const char *name, const char *report, char into[ANSWER_NAME_SIZE], struct json **all)
{
    _cleanup_(event_done_p) struct event ev;
    struct json *j = NULL;
    event_init(&ev, EVENT_REPORT, "");
    assert_int_equal(json_parse(span_of(report), &j, NULL), 0);
    json_set_str(ev.body, "name", name);
    json_set(ev.body, "report", j);
    answer_add(&ev, into, all, &size);
}

static void assert_is(const struct json *j, const char *text)
{
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(4096);
    assert_int_equal(json_print(j, &out, NULL), 0);
    assert_string_equal(buf_str(&out), text);
}

static void entries_of_later_parts_follow_the_first(void **state)
{
    (void)state;
    char name[ANSWER_NAME_SIZE] = "";
    _cleanup_(json_free_p) struct json *all = NULL;
    add("history", "{\"app\":\"shop\",\"entries\":[3]}", name, &all);
    add("history", "{\"app\":\"shop\",\"entries\":[2,1]}", name, &all);
    add("history", "{\"app\":\"shop\",\"entries\":[]}", name, &all);
    assert_string_equal(name, "history");
    assert_is(all, "{\"app\":\"shop\",\"entries\":[3,2,1]}");
}

static void a_report_of_another_name_replaces_it(void **state)
{
    (void)state;
    char name[ANSWER_NAME_SIZE] = "";
    _cleanup_(json_free_p) struct json *all = NULL;
    add("history", "{\"entries\":[1]}", name, &all);
    add("status", "{\"app\":\"shop\"}", name, &all);
    assert_string_equal(name, "status");
    assert_is(all, "{\"app\":\"shop\"}");
}

static void entries_beyond_the_limit_are_left_out(void **state)
{
    (void)state;
    char name[ANSWER_NAME_SIZE] = "";
    _cleanup_(json_free_p) struct json *all = NULL;
    _cleanup_(buf_done_p) struct buf part = BUF_INIT(1 << 20);
    buf_adds(&part, "{\"entries\":[0");
    for (int i = 1; i < 999; i++)
        buf_addf(&part, ",%d", i);
    buf_adds(&part, "]}");
    for (int i = 0; i < 12; i++)
        add("history", buf_str(&part), name, &all);
    assert_int_equal(json_len(json_get(all, "entries")), ANSWER_ENTRIES_MAX);
    assert_true(size.cut);
}

static void entries_beyond_the_memory_are_left_out(void **state)
{
    (void)state;
    char name[ANSWER_NAME_SIZE] = "";
    _cleanup_(json_free_p) struct json *all = NULL;
    _cleanup_(buf_done_p) struct buf part = BUF_INIT(1 << 20);
    buf_adds(&part, "{\"entries\":[[[]");
    for (int i = 1; i < 20000; i++)
        buf_adds(&part, ",[]");
    buf_adds(&part, "]]}");
    for (int i = 0; i < 100; i++)
        add("history", buf_str(&part), name, &all);
    assert_true(size.cut);
    assert_in_range(json_len(json_get(all, "entries")), 40, 79); /* of a hundred; each takes more than a megabyte */
    assert_true(size.memory <= ANSWER_MEMORY_MAX);
    add("history", "{\"entries\":[1]}", name, &all);
    assert_int_equal(json_len(json_get(all, "entries")), size.entries); /* small as it is: there are no holes */
}

static void a_name_that_is_no_word_is_no_answer(void **state)
{
    (void)state;
    char name[ANSWER_NAME_SIZE] = "";
    _cleanup_(json_free_p) struct json *all = NULL;
    add("../status", "{}", name, &all);
    add("", "{}", name, &all);
    add("Status", "{}", name, &all);
    add("statusstatusstatusstatus", "{}", name, &all);
    assert_null(all);
    assert_string_equal(name, "");
}

static void a_first_part_without_entries_takes_none(void **state)
{
    (void)state;
    char name[ANSWER_NAME_SIZE] = "";
    _cleanup_(json_free_p) struct json *all = NULL;
    add("history", "{\"entries\":5}", name, &all);
    add("history", "{\"entries\":[1]}", name, &all);
    assert_is(all, "{\"entries\":5}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_later_parts_follow_the_first),
        cmocka_unit_test(a_report_of_another_name_replaces_it),
        cmocka_unit_test(entries_beyond_the_limit_are_left_out),
        cmocka_unit_test(entries_beyond_the_memory_are_left_out),
        cmocka_unit_test(a_name_that_is_no_word_is_no_answer),
        cmocka_unit_test(a_first_part_without_entries_takes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
