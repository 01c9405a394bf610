#include "shared/view/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *print(const char *report)
{
    static struct buf text = BUF_INIT(1 << 20);
    struct json *j = NULL;
    const struct view v = { .out = &text };

    buf_reset(&text);
    if (report)
        assert_int_equal(json_parse(span_of(report), &j, NULL), 0);
    assert_true(view_report(&v, "status", j));
    json_free(j);
    return buf_str(&text);
}

static void both_containers_and_the_last_deployments_are_shown(void **state)
{
    const char *text = print(
        "{\"blue\":{\"name\":\"shop-blue\",\"status\":\"running\",\"health\":\"healthy\",\"image\":\"shop:2\","
        "\"restarts\":0,"
        "\"ports\":[\"8080->8080\"],\"response_ms\":2.5},\"green\":null,"
        "\"deployments\":[{\"deployment\":\"d1\",\"outcome\":\"deployed\",\"image\":\"shop:2\",\"total_seconds\":4.2}],"
        "\"engine\":{\"version\":\"20.10\",\"api\":\"1.41\",\"arch\":\"amd64\"},\"disk\":{\"free_bytes\":5e9,"
        "\"total_bytes\":1e10}}");

    (void)state;
    assert_non_null(strstr(text, "blue   shop-blue                running    healthy    shop:2\n"));
    assert_non_null(strstr(text, "port 8080->8080, answers in 2.5 ms"));
    assert_non_null(strstr(text, "green  none\n"));
    assert_non_null(strstr(text, "Docker Engine 20.10, API 1.41, amd64; disk: 5.0 GB free of 10.0 GB\n"));
}

static void who_holds_the_lock_is_told(void **state)
{
    (void)state;
    assert_non_null(
        strstr(print("{\"lock\":{\"held\":true,\"run_link\":\"run 7\"}}"), "a deployment is running now: run 7\n"));
    assert_null(strstr(print("{\"lock\":{\"held\":false,\"run_link\":\"run 7\"}}"), "run 7"));
}

static void members_of_the_wrong_type_do_no_harm(void **state)
{
    (void)state;
    assert_non_null(
        strstr(print("{\"blue\":[],\"green\":\"x\",\"others\":{\"a\":1},\"deployments\":[1,null,\"x\"],\"disk\":5}"),
               "blue   none\n"));
}

static void words_of_the_host_reach_the_terminal_as_words(void **state)
{
    (void)state;
    const char *text = print("{\"blue\":{\"name\":\"\\u001b[2J\\n::error::x\",\"image\":\"##[error]y\"}}");
    assert_null(strchr(text, 0x1b));
    assert_null(strstr(text, "\n::error"));
    assert_null(strstr(text, "##["));
}

static void a_report_of_another_name_is_not_shown(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(100);
    const struct view v = { .out = &text };
    assert_false(view_report(&v, "weather", NULL));
    assert_int_equal(text.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_containers_and_the_last_deployments_are_shown),
        cmocka_unit_test(who_holds_the_lock_is_told),
        cmocka_unit_test(a_report_of_another_name_is_not_shown),
        cmocka_unit_test(members_of_the_wrong_type_do_no_harm),
        cmocka_unit_test(words_of_the_host_reach_the_terminal_as_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
