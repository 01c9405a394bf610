#include "shared/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void add(const char *name, const char *report, char into[ANSWER_NAME_SIZE], struct json **all)
{
    _cleanup_(event_done_p) struct event ev;
    struct json *j = NULL;
    event_init(&ev, EVENT_REPORT, "");
    assert_int_equal(json_parse(span_of(report), &j, NULL), 0);
    json_set_str(ev.body, "name", name);
    json_set(ev.body, "report", j);
    answer_add(&ev, into, all);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_of_later_parts_follow_the_first),
        cmocka_unit_test(a_report_of_another_name_replaces_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
