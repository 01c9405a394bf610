/* What the command line of the host writes, and that nothing in it acts on a terminal. */
#include "agent/cli/show.h"

#include "shared/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static FILE *file;
static struct show show;
static struct buf seen = BUF_INIT(1024 * 1024);

static int set_up(void **state)
{
    (void)state;
    file = tmpfile();
    assert_non_null(file);
    show_init(&show, fileno(file), false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    show_done(&show);
    buf_reset(&seen);
    return fclose(file);
}

static const char *shown(void)
{
    buf_reset(&seen);
    assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
    assert_int_equal(fd_read(fileno(file), &seen), 0);
    return buf_str(&seen);
}

static void log_lines_are_whole_whatever_the_pieces(void **state)
{
    (void)state;
    static const char *const pieces[] = { "fir", "st\nsec", "ond\r\n\nlast" };
    for (size_t i = 0; i < 3; i++)
        show_log(&show, span_of(pieces[i]));
    assert_string_equal(shown(), "first\nsecond\n\n");
    show_log_end(&show);
    assert_string_equal(shown(), "first\nsecond\n\nlast\n");
}

static void nothing_from_outside_acts_on_the_terminal(void **state)
{
    (void)state;
    _cleanup_(event_done_p) struct event ev;
    show_log(&show, span_of("\x1b[2Jgone\x9b\n"));
    event_init(&ev, EVENT_LOG, "");
    json_set_str(ev.body, "level", "info");
    json_set_str(ev.body, "source", "app");
    json_set_str(ev.body, "text", "a\x1b]0;title\x07\nb");
    show_event(&show, &ev);
    show_line(&show, "%s", "\x1b[31m");
    const char *text = shown();
    for (const char *c = text; *c; c++)
        assert_true((unsigned char)*c >= ' ' || *c == '\n');
    assert_non_null(strstr(text, "info app: a"));
    assert_non_null(strstr(text, "\nb\n"));
}

static void progress_is_a_line_where_there_is_no_terminal(void **state)
{
    (void)state;
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, EVENT_STEP_PROGRESS, "image_pull");
    json_set_str(ev.body, "text", "3 of 5 layers");
    show_event(&show, &ev);
    assert_non_null(strstr(shown(), "Z [image_pull] 3 of 5 layers\n"));
}

static void a_report_that_is_not_known_is_no_answer(void **state)
{
    (void)state;
    struct err err = { 0 };
    _cleanup_(json_free_p) struct json *report = json_object();
    assert_int_equal(show_report(&show, "nonsense", report, false, &err), -ERR_PROTO);
    assert_string_equal(shown(), "");
    assert_int_equal(show_report(&show, "nonsense", report, true, &err), 0);
    assert_string_equal(shown(), "{}\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(log_lines_are_whole_whatever_the_pieces),
        CASE(nothing_from_outside_acts_on_the_terminal),
        CASE(progress_is_a_line_where_there_is_no_terminal),
        CASE(a_report_that_is_not_known_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
