#include "cmd/log/logview.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/cmd/runner_oracle.h"

#include <sys/mman.h>

struct view {
    struct logview v;
    struct github *g;
    int fd;
};

static struct view view_open(void)
{
    struct view w = { .fd = memfd_create("log", MFD_CLOEXEC) };
    struct err err = { 0 };

    assert_true(w.fd >= 0);
    assert_int_equal(github_new(&w.g, w.fd, true, NULL, &err), 0);
    logview_init(&w.v, w.g);
    return w;
}

static void feed(struct view *w, const char *line)
{
    struct event ev;
    struct err err = { 0 };

    assert_int_equal(event_decode(span_of(line), &ev, &err), 0);
    logview_event(&w->v, &ev);
    event_done(&ev);
}

static const char *text_of(const struct view *w)
{
    static char text[1 << 20];
    ssize_t n = pread(w->fd, text, sizeof(text) - 1, 0);

    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

static void view_close(struct view *w)
{
    logview_end(&w->v);
    github_free(w->g);
    close(w->fd);
}

#define EV(second, rest) "{\"v\":1,\"seq\":1,\"t\":\"2026-01-29T03:10:" #second ".000Z\"," rest "}"

static void a_step_is_a_group_with_its_result_below(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w, EV(01, "\"kind\":\"step.start\",\"step\":\"image_pull\",\"title\":\"Image pull\""));
    feed(&w, EV(02, "\"kind\":\"log\",\"level\":\"info\",\"source\":\"agent\",\"text\":\"by digest\""));
    feed(&w, EV(03, "\"kind\":\"step.done\",\"step\":\"image_pull\",\"seconds\":4.2,\"text\":\"12 MB\""));
    assert_string_equal(text_of(&w),
                        "::group::Image pull\nhost | by digest\n::endgroup::\nok Image pull: 4.20 s, 12 MB\n");
    view_close(&w);
}

static void a_failed_step_says_why_and_what_to_do(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w, EV(01, "\"kind\":\"step.start\",\"step\":\"health\",\"title\":\"Health\""));
    feed(&w,
         EV(02,
            "\"kind\":\"step.failed\",\"step\":\"health\",\"seconds\":30,\"error\":{\"kind\":\"unhealthy\",\"message\":"
            "\"HTTP 503\",\"hint\":\"look at the log\"}"));
    assert_string_equal(text_of(&w), "::group::Health\n::endgroup::\nFAILED Health: 30.00 s, HTTP 503\n"
                                     "  what to do: look at the log\n");
    view_close(&w);
}

static void an_undo_is_a_group_of_its_own(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w, EV(01, "\"kind\":\"undo.start\",\"step\":\"cutover\",\"title\":\"Cutover\""));
    feed(&w, EV(02, "\"kind\":\"undo.done\",\"step\":\"cutover\",\"seconds\":0.25"));
    assert_string_equal(text_of(&w), "::group::Undo: Cutover\n::endgroup::\nundone Undo: Cutover: 0.25 s\n");
    view_close(&w);
}

static void progress_is_not_shown_more_often_than_every_two_seconds(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w,
         EV(01, "\"kind\":\"step.progress\",\"step\":\"p\",\"text\":\"layers\",\"current\":1000000,\"total\":9000000"));
    feed(&w,
         EV(02, "\"kind\":\"step.progress\",\"step\":\"p\",\"text\":\"layers\",\"current\":2000000,\"total\":9000000"));
    feed(&w,
         EV(03, "\"kind\":\"step.progress\",\"step\":\"p\",\"text\":\"layers\",\"current\":3000000,\"total\":9000000"));
    feed(&w,
         EV(04, "\"kind\":\"step.progress\",\"step\":\"p\",\"text\":\"done\",\"current\":9000000,\"total\":9000000"));
    assert_string_equal(text_of(&w),
                        "host | 1.0 of 9.0 MB  layers\nhost | 3.0 of 9.0 MB  layers\nhost | 9.0 of 9.0 MB  done\n");
    view_close(&w);
}

static void a_clock_of_the_host_that_jumps_back_does_not_silence_progress(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w, EV(09, "\"kind\":\"step.progress\",\"step\":\"p\",\"text\":\"a\""));
    feed(&w, EV(01, "\"kind\":\"step.progress\",\"step\":\"p\",\"text\":\"b\""));
    assert_string_equal(text_of(&w), "host | a\nhost | b\n");
    view_close(&w);
}

static void samples_tell_target_status_and_error(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w,
         EV(01,
            "\"kind\":\"health.sample\",\"target\":\"candidate\",\"attempt\":3,\"ok\":false,\"status\":503,\"ms\":12.4,"
            "\"error\":\"wanted 200\""));
    feed(
        &w,
        EV(02, "\"kind\":\"health.sample\",\"target\":\"production\",\"attempt\":1,\"ok\":true,\"status\":0,\"ms\":1"));
    assert_string_equal(text_of(&w), "host | health of candidate, attempt 3: not yet, HTTP 503, 12 ms, wanted 200\n"
                                     "host | health of production, attempt 1: ok, no answer, 1 ms\n");
    view_close(&w);
}

static void samples_beyond_the_limit_are_counted(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w, EV(01, "\"kind\":\"step.start\",\"step\":\"health\",\"title\":\"Health\""));
    for (int i = 0; i < LOGVIEW_SAMPLES_MAX + 5; i++)
        feed(
            &w,
            EV(01,
               "\"kind\":\"health.sample\",\"target\":\"candidate\",\"attempt\":1,\"ok\":false,\"status\":0,\"ms\":1"));
    feed(&w, EV(02, "\"kind\":\"step.done\",\"step\":\"health\",\"seconds\":1"));
    assert_non_null(strstr(text_of(&w), "\n5 more health samples are in the bundle\n::endgroup::\n"));
    view_close(&w);
}

static void lines_of_the_app_have_their_own_prefix(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w, EV(01, "\"kind\":\"log\",\"level\":\"error\",\"source\":\"app\",\"text\":\"boom\""));
    feed(&w, EV(01, "\"kind\":\"log\",\"level\":\"warning\",\"source\":\"engine\",\"text\":\"slow\""));
    feed(&w, EV(01, "\"kind\":\"log\",\"level\":\"info\",\"source\":\"::error::\",\"text\":\"odd\""));
    assert_string_equal(text_of(&w), "app | boom\nengine warning | slow\nhost | odd\n");
    view_close(&w);
}

static void debug_lines_are_not_shown(void **state)
{
    struct view w = view_open();

    (void)state;
    unsetenv("RUNNER_DEBUG");
    feed(&w, EV(01, "\"kind\":\"log\",\"level\":\"debug\",\"source\":\"agent\",\"text\":\"detail\""));
    assert_string_equal(text_of(&w), "");
    view_close(&w);
}

static void a_diagnosis_shows_cause_evidence_and_next_step(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w, EV(01, "\"kind\":\"diagnosis\",\"code\":\"c\",\"cause\":\"it "
                    "ended\",\"next\":\"read\",\"evidence\":[\"l1\",\"l2\"]"));
    assert_string_equal(text_of(&w), "Likely cause: it ended\nevidence | l1\nevidence | l2\nWhat to do: read\n");
    view_close(&w);
}

static void no_member_of_any_event_can_make_a_command(void **state)
{
    static const char *const evil[] = { "::error::x", "##[error]x", "a\\n::set-env name=A::b", "a\\r##[group]b",
                                        "\\u00a0::endgroup::" };
    static const char *const shapes[] = {
        "\"kind\":\"hello\",\"agent\":\"%s\"",
        "\"kind\":\"step.start\",\"step\":\"s\",\"title\":\"%s\"",
        "\"kind\":\"step.progress\",\"step\":\"s\",\"text\":\"%s\"",
        "\"kind\":\"step.done\",\"step\":\"s\",\"seconds\":1,\"text\":\"%s\"",
        "\"kind\":\"step.failed\",\"step\":\"s\",\"error\":{\"message\":\"%s\",\"hint\":\"%s\"}",
        "\"kind\":\"log\",\"source\":\"app\",\"text\":\"%s\"",
        "\"kind\":\"health.sample\",\"target\":\"%s\",\"error\":\"%s\"",
        "\"kind\":\"metric\",\"name\":\"%s\",\"value\":1,\"unit\":\"%s\"",
        "\"kind\":\"diagnosis\",\"cause\":\"%s\",\"next\":\"%s\",\"evidence\":[\"x\"]",
        "\"kind\":\"undo.start\",\"step\":\"s\",\"title\":\"%s\"",
        "\"kind\":\"undo.failed\",\"step\":\"s\",\"error\":{\"message\":\"%s\"}",
        "\"kind\":\"outcome\",\"outcome\":\"%s\"",
    };
    struct runner_command *c = calloc(64, sizeof(*c));

    (void)state;
    assert_non_null(c);
    for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
        struct view w = view_open();
        for (size_t j = 0; j < sizeof(shapes) / sizeof(shapes[0]); j++) {
            char line[1024];
            const char *p = shapes[j];
            size_t n = (size_t)snprintf(line, sizeof(line), "{\"v\":1,\"seq\":1,\"t\":\"2026-01-29T03:10:01.000Z\",");
            for (; *p; p++) /* every %s is the evil text */
                if (p[0] == '%' && p[1] == 's')
                    n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", evil[i]), p++;
                else
                    line[n++] = *p;
            (void)snprintf(line + n, sizeof(line) - n, "}");
            feed(&w, line);
        }
        logview_end(&w.v);
        const char *text = text_of(&w);
        size_t found = runner_oracle(text, strlen(text), c, 64);
        assert_in_range(found, 4, 64);
        for (size_t k = 0; k < found; k++)
            assert_true(strcmp(c[k].name, "group") == 0 || strcmp(c[k].name, "endgroup") == 0);
        view_close(&w);
    }
    free(c);
}

static void steps_without_end_are_left_out_and_counted(void **state)
{
    struct view w = view_open();
    char want[100];

    (void)state;
    for (int i = 0; i < LOGVIEW_EVENTS_MAX + 7; i++)
        feed(&w, EV(01, "\"kind\":\"step.start\",\"step\":\"x\",\"title\":\"X\""));
    feed(&w, EV(02, "\"kind\":\"log\",\"level\":\"info\",\"source\":\"app\",\"text\":\"still shown\""));
    logview_end(&w.v);
    (void)snprintf(want, sizeof(want), "\n7 events of the host are not shown: the log shows at most %d of them\n",
                   LOGVIEW_EVENTS_MAX);
    assert_non_null(strstr(text_of(&w), want));
    assert_non_null(strstr(text_of(&w), "app | still shown\n"));
    assert_int_equal(runner_oracle(text_of(&w), strlen(text_of(&w)), NULL, 0), 2 * LOGVIEW_EVENTS_MAX);
    view_close(&w);
}

/* Titles and lines are put into arrays that cut them: the secret goes first. */
static void a_secret_at_a_cut_is_hidden(void **state)
{
    (void)state;
    for (size_t before = 150; before < 520; before++) {
        struct view w = { .fd = memfd_create("log", MFD_CLOEXEC) };
        struct redactor *redactor = NULL;
        char pad[600], line[2000];
        assert_true(w.fd >= 0);
        assert_int_equal(redactor_new(&redactor, NULL), 0);
        assert_int_equal(redactor_add(redactor, SPAN_LIT("hunter2-hunter3"), NULL), 0);
        assert_int_equal(github_new(&w.g, w.fd, true, redactor, NULL), 0);
        logview_init(&w.v, w.g);
        memset(pad, 'x', before);
        pad[before] = '\0';
        (void)snprintf(line, sizeof(line),
                       EV(01, "\"kind\":\"step.start\",\"step\":\"a\",\"title\":\"%shunter2-hunter3\""), pad);
        feed(&w, line);
        (void)snprintf(line, sizeof(line),
                       EV(02, "\"kind\":\"step.progress\",\"step\":\"a\",\"text\":\"%shunter2-hunter3\""), pad);
        feed(&w, line);
        feed(&w, EV(03, "\"kind\":\"step.done\",\"step\":\"a\",\"seconds\":1"));
        if (strstr(text_of(&w), "xhu"))
            fail_msg("%s", text_of(&w));
        view_close(&w);
        redactor_free(redactor);
    }
}

static void the_outcome_names_its_entry_in_the_audit_log(void **state)
{
    struct view w = view_open();

    (void)state;
    feed(&w, EV(01, "\"kind\":\"outcome\",\"outcome\":\"deployed\",\"audit\":{\"n\":17,\"hash\":\"3fa9\"}"));
    assert_non_null(strstr(text_of(&w), "outcome: deployed\n"));
    assert_non_null(strstr(text_of(&w), "audit entry 17, hash 3fa9\n"));
    view_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_a_group_with_its_result_below),
        cmocka_unit_test(a_failed_step_says_why_and_what_to_do),
        cmocka_unit_test(an_undo_is_a_group_of_its_own),
        cmocka_unit_test(progress_is_not_shown_more_often_than_every_two_seconds),
        cmocka_unit_test(a_clock_of_the_host_that_jumps_back_does_not_silence_progress),
        cmocka_unit_test(samples_tell_target_status_and_error),
        cmocka_unit_test(samples_beyond_the_limit_are_counted),
        cmocka_unit_test(lines_of_the_app_have_their_own_prefix),
        cmocka_unit_test(debug_lines_are_not_shown),
        cmocka_unit_test(a_diagnosis_shows_cause_evidence_and_next_step),
        cmocka_unit_test(steps_without_end_are_left_out_and_counted),
        cmocka_unit_test(a_secret_at_a_cut_is_hidden),
        cmocka_unit_test(the_outcome_names_its_entry_in_the_audit_log),
        cmocka_unit_test(no_member_of_any_event_can_make_a_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
