#include "cmd/report/statusview.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cmd/runner_oracle.h"

#include <sys/mman.h>

static const char *print(const char *report)
{
    static char text[1 << 20];
    struct github *g = NULL;
    struct json *j = NULL;
    struct err err = { 0 };
    int fd = memfd_create("log", MFD_CLOEXEC);
    ssize_t n = 0;

    if (report)
        assert_int_equal(json_parse(span_of(report), &j, &err), 0);
    assert_int_equal(github_new(&g, fd, true, NULL, &err), 0);
    statusview_print(g, j);
    github_free(g);
    json_free(j);
    n = pread(fd, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    close(fd);
    return text;
}

static void both_containers_and_the_last_deployments_are_shown(void **state)
{
    const char *text =
        print("{\"blue\":{\"name\":\"shop-blue\",\"status\":\"running\",\"health\":\"healthy\",\"image\":\"shop:2\","
              "\"restarts\":0,"
              "\"ports\":[\"8080->8080\"],\"response_ms\":2.5},\"green\":null,"
              "\"deployments\":[{\"id\":\"d1\",\"outcome\":\"deployed\",\"image\":\"shop:2\",\"total_seconds\":4.2}],"
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

static void a_missing_report_prints_nothing(void **state)
{
    (void)state;
    assert_string_equal(print(NULL), "");
}

static void members_of_the_wrong_type_do_no_harm(void **state)
{
    (void)state;
    assert_non_null(
        strstr(print("{\"blue\":[],\"green\":\"x\",\"others\":{\"a\":1},\"deployments\":[1,null,\"x\"],\"disk\":5}"),
               "blue   none\n"));
}

static void words_of_the_host_make_no_command(void **state)
{
    struct runner_command c[4];
    const char *text = print("{\"blue\":{\"name\":\"\\n::error::x\",\"image\":\"##[error]y\"},\"deployments\":[{\"id\":"
                             "\"::set-env name=A::b\"}]}");

    (void)state;
    assert_int_equal(runner_oracle(text, strlen(text), c, 4), 2);
    assert_string_equal(c[0].name, "group");
    assert_string_equal(c[1].name, "endgroup");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_containers_and_the_last_deployments_are_shown),
        cmocka_unit_test(who_holds_the_lock_is_told),
        cmocka_unit_test(a_missing_report_prints_nothing),
        cmocka_unit_test(members_of_the_wrong_type_do_no_harm),
        cmocka_unit_test(words_of_the_host_make_no_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
