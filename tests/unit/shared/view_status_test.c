#include "tests/unit/shared/view_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The sample with these changes, as text; valid until the next call. */
static const char *print(const char *patch)
{
    _cleanup_(json_free_p) struct json *report = view_sample("status", patch);

    return view_shown("status", report, 0, false);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("missing: %s\nin:\n%s", part, text);
}

/* The first line, with these changes. */
static void assert_verdict(const char *patch, const char *line)
{
    const char *text = print(patch);

    if (strncmp(text, line, strlen(line)) != 0 || text[strlen(line)] != '\n')
        fail_msg("not '%s':\n%s", line, text);
}

static void the_first_line_says_that_it_is_well(void **state)
{
    (void)state;
    assert_verdict(NULL, "shop on web1: well. v1.4.2 serves since 3 d 4 h, answers in 3 ms");
}

#define RUNS "\"tag\":\"v2\",\"status\":\"running\",\"started\":\"2026-01-29T03:06:02.000Z\""

static void the_first_line_says_what_is_wrong(void **state)
{
    (void)state;
    assert_verdict("{\"blue\":null}", "shop on web1: NOTHING SERVES: there is no container of this app that does");
    assert_verdict("{\"blue\":{" RUNS ",\"health\":\"unhealthy\",\"health_error\":\"HTTP 500 on /health\"}}",
                   "shop on web1: NOT ANSWERING: v2 runs since 4 min but its health check fails: HTTP 500 on /health");
    assert_verdict("{\"blue\":{" RUNS ",\"health\":\"unknown\"}}",
                   "shop on web1: running, health not known. v2 serves since 4 min");
    assert_verdict("{\"blue\":{\"tag\":\"v2\",\"status\":\"exited\",\"exit_code\":137,\"oom_killed\":true,\"finished\":"
                   "\"2026-01-29T03:09:50.000Z\"}}",
                   "shop on web1: NOT RUNNING: v2 is exited since 12 s, killed for want of memory");
    assert_verdict("{\"blue\":{\"tag\":\"v2\",\"status\":\"exited\",\"exit_code\":3}}",
                   "shop on web1: NOT RUNNING: v2 is exited, exit code 3");
    assert_verdict("{\"blue\":{\"tag\":\"v2\",\"status\":\"restarting\",\"restarts\":12}}",
                   "shop on web1: NOT RUNNING: v2 ends and is started again, 12 times so far");
    assert_verdict("{\"recommendations\":[{\"code\":\"disk\",\"level\":\"error\",\"text\":\"full\",\"command\":\"\"}]}",
                   "shop on web1: answers, but needs attention. v1.4.2 serves since 3 d 4 h, answers in 3 ms");
}

static void a_run_that_is_under_way_comes_first(void **state)
{
    static const char running[] =
        "{\"running\":{\"deployment\":\"20260129-030900-aaaaaa\",\"operation\":\"deploy\",\"step\":\"warm_up\","
        "\"title\":"
        "\"Warm-up check\",\"since\":\"\",\"step_seconds\":12.4,\"started\":\"\",\"seconds\":62,\"run_link\":"
        "\"https://github.com/o/r/actions/runs/"
        "9\"},\"next\":{\"name\":\"shop-next\",\"tag\":\"v2\",\"status\":\"running\","
        "\"started\":\"2026-01-29T03:09:52.000Z\",\"health\":\"unhealthy\",\"health_error\":\"HTTP 503\"}}";
    (void)state;
    assert_verdict(running,
                   "shop on web1: a deployment is running: step warm_up since 12 s. well. v1.4.2 serves since 3 d 4 "
                   "h, answers in 3 ms");
    const char *text = print(running);
    assert_has(
        text,
        "\nrunning    deploy 20260129-030900-aaaaaa since 1 min 2 s, now: Warm-up check, by https://github.com/o/r/"
        "actions/runs/9\n");
    assert_has(text, "\ncandidate  v2, runs for 10 s, UNHEALTHY: HTTP 503\n");
}

static void the_facts_of_each_container_stand_below_each_other(void **state)
{
    const char *text = print(NULL);

    (void)state;
    assert_has(text, "\nblue       v1.4.2, runs for 3 d 4 h, healthy, answers in 3 ms\n"
                     "  image    registry:5000/team/shop:v1.4.2\n"
                     "  digest   0123456789ab, version 1.4.2, revision abc1234\n"
                     "  ports    8080->8080/tcp\n"
                     "  uses     CPU 1.2 %, memory 45.0 MB of 256.0 MB (18 %), net 1.2 MB in, 3.4 MB out\n"
                     "  from     20260125-231000-abcdef, handover, restart policy always, container shop-blue\n"
                     "green      v1.4.1, exited for 3 d 4 h, exit code 143, kept until 2026-02-01 03:10:02\n"
                     "  image    registry:5000/team/shop:v1.4.1\n"
                     "  digest   999900000123\n"
                     "  from     20260120-100000-111111, handover, restart policy no, container shop-green\n"
                     "keeper     running for 3 d 4 h\n");
    assert_has(text, "\nengine     Docker Engine 20.10.24, API 1.41, amd64; agent 0.1.0\n"
                     "disk       5.00 GB free of 10.00 GB (50 %)\n");
    assert_null(strstr(text, "candidate"));
    assert_null(strstr(text, "what to do"));
}

static void what_is_odd_about_a_container_is_told(void **state)
{
    const char *text =
        print("{\"blue\":{" RUNS ",\"health\":\"healthy\",\"restarts\":7,\"drift\":\"sha256:feedfacecafe0000\","
              "\"digest\":\"sha256:1234\"},\"green\":{\"tag\":\"v1\",\"status\":\"running\",\"keep_until\":"
              "\"2026-01-28T03:10:02.000Z\"},\"keeper\":null,\"others\":[\"shop-x\",\"shop-y\"],\"clock\":{"
              "\"skew_seconds\":-75.2},\"lock\":{\"held\":true,\"deployment\":\"d9\",\"run_link\":\"\"}}");

    (void)state;
    assert_has(text, "v2, runs for 4 min, healthy, restarted 7 times\n");
    assert_has(text, "digest   1234, the tag now names feedfacecafe\n");
    assert_has(text, "\ngreen      v1, runs, health not known, was kept until 2026-01-28 03:10:02\n");
    assert_has(text, "\nkeeper     none\n");
    assert_has(text, "\nothers     shop-x, shop-y\n");
    assert_has(text, "\nclock      1 min 15 s behind\n");
    assert_has(text, "\nlock       held by d9\n");
}

static void the_end_of_a_certificate_is_told_where_there_is_one(void **state)
{
    (void)state;
    assert_null(strstr(print(NULL), "certificate"));
    assert_has(print("{\"blue\":{" RUNS ",\"certificate_end\":\"2026-02-18T12:00:00.000Z\"}}"),
               "\n  TLS      certificate holds until 2026-02-18 12:00:00\n");
    assert_has(print("{\"blue\":{" RUNS ",\"certificate_end\":\"2026-01-28T12:00:00.000Z\"}}"),
               "\n  TLS      certificate expired on 2026-01-28 12:00:00\n");
}

static void deployments_are_a_table_that_marks_what_is_above_a_limit(void **state)
{
    const char *text = print(NULL);

    (void)state;
    assert_has(text, "\n"
                     "deployment             what     outcome          ago           total    cutover     health       "
                     "pull     outage    tag\n"
                     "20260125-231000-abcdef deploy   deployed         3 d 4 h      4.20 s     0.31 s     1.20 s     "
                     "2.50 s     0.21 s    v1.4.2\n"
                     "20260122-100000-222222 deploy   rolled_back      6 d 17 h   950.00 s!   35.50 s!!        -     "
                     "2.50 s          -    v1.4.2-rc1\n"
                     "! above the warning limit, !! above the critical one\n");
    assert_null(strstr(print("{\"kpi\":null}"), "above the warning limit"));
}

static void a_narrow_table_tells_what_is_marked_below_its_row(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample("status", NULL);

    (void)state;
    assert_has(view_shown("status", report, 80, false),
               "\n"
               "deployment             what     outcome          ago           total    tag\n"
               "20260125-231000-abcdef deploy   deployed         3 d 4 h      4.20 s    v1.4.2\n"
               "20260122-100000-222222 deploy   rolled_back      6 d 17 h   950.00 s!   v1.4.2-…\n"
               "                                                 cutover     35.50 s!! \n"
               "! above");
}

#define COMMAND "bluegreen-agent prune --app shop --and --a --command --that --is --longer --than --the --terminal"

static void each_recommendation_has_its_command_on_a_line_that_is_never_cut(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample(
        "status", "{\"recommendations\":[{\"code\":\"disk\",\"level\":\"warning\",\"text\":\"the disk is nearly "
                  "full\",\"command\":"
                  "\"" COMMAND "\"},{\"code\":\"x\",\"level\":\"info\",\"text\":\"look\",\"command\":\"\"}]}");
    struct buf top = BUF_INIT(1 << 16);
    const struct view v = { .out = &top, .width = 60, .screen = true };
    const char *text = view_shown("status", report, 60, false), *to_do = NULL;

    (void)state;
    to_do = strstr(text, "\nwhat to do\n 1. warning: the disk is nearly full\n     " COMMAND "\n 2. info: look\n");
    assert_non_null(to_do);
    assert_true(to_do > strstr(text, "\ndisk "));
    assert_true(view_report(&v, "status", report));
    to_do = strstr(buf_str(&top), "\nwhat to do\n");
    assert_non_null(to_do);
    assert_true(to_do < strstr(buf_str(&top), "\nblue "));
    buf_done(&top);
}

static void a_sentence_that_is_too_long_goes_on_in_the_next_line(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample("status", NULL);

    (void)state;
    assert_has(view_shown("status", report, 40, false),
               "shop on web1: well. v1.4.2 serves since\n  3 d 4 h, answers in 3 ms\n");
    assert_has(view_shown("status", report, 80, false),
               "\n  from     20260125-231000-abcdef, handover, restart policy always, container\n"
               "           shop-blue\n");
}

static void without_its_colours_it_says_the_same(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample("status", NULL);
    _cleanup_(buf_done_p) struct buf bare = BUF_INIT(1 << 16);
    const char *p = view_shown("status", report, 0, true);
    size_t colours = 0;

    (void)state;
    for (; *p; p++) {
        if (*p == 033) {
            p += strcspn(p, "m");
            colours++;
        } else {
            buf_addc(&bare, *p);
        }
    }
    assert_true(colours > 10);
    assert_string_equal(buf_str(&bare), view_shown("status", report, 0, false));
}

static void members_of_the_wrong_type_do_no_harm(void **state)
{
    static const char *const patches[] = {
        "{\"blue\":[],\"green\":\"x\",\"others\":{\"a\":1},\"deployments\":[1,null,\"x\"],\"disk\":5}",
        "{\"running\":[1],\"recommendations\":{\"a\":{}},\"kpi\":[],\"trend\":{\"a\":1},\"time\":7,\"host\":null}",
        "{\"blue\":{\"status\":\"running\",\"ports\":[{}],\"restarts\":\"x\",\"memory_bytes\":\"y\",\"response_ms\":"
        "1e300}}",
        "{\"engine\":null,\"disk\":null,\"lock\":null,\"clock\":null,\"agent\":null,\"keeper\":5,\"app\":1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++)
        assert_non_null(strchr(print(patches[i]), '\n'));
    assert_non_null(strchr(view_shown("status", NULL, 0, false), '\n'));
    assert_has(print(patches[0]), "\nblue       none\n");
}

static void words_of_the_host_reach_the_terminal_as_words(void **state)
{
    (void)state;
    view_attack("status");
}

static void a_report_of_another_name_is_not_shown(void **state)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(100);
    const struct view v = { .out = &text };

    (void)state;
    assert_false(view_report(&v, "weather", NULL));
    assert_int_equal(text.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_says_that_it_is_well),
        cmocka_unit_test(the_first_line_says_what_is_wrong),
        cmocka_unit_test(a_run_that_is_under_way_comes_first),
        cmocka_unit_test(the_facts_of_each_container_stand_below_each_other),
        cmocka_unit_test(what_is_odd_about_a_container_is_told),
        cmocka_unit_test(the_end_of_a_certificate_is_told_where_there_is_one),
        cmocka_unit_test(deployments_are_a_table_that_marks_what_is_above_a_limit),
        cmocka_unit_test(a_narrow_table_tells_what_is_marked_below_its_row),
        cmocka_unit_test(each_recommendation_has_its_command_on_a_line_that_is_never_cut),
        cmocka_unit_test(a_sentence_that_is_too_long_goes_on_in_the_next_line),
        cmocka_unit_test(without_its_colours_it_says_the_same),
        cmocka_unit_test(members_of_the_wrong_type_do_no_harm),
        cmocka_unit_test(words_of_the_host_reach_the_terminal_as_words),
        cmocka_unit_test(a_report_of_another_name_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
