#include "cmd/log/logcopy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void add_numbered(struct logcopy *l, unsigned from, unsigned to)
{
    char line[64];

    for (unsigned i = from; i < to; i++) {
        int n = snprintf(line, sizeof(line), "line %08u of the log, as long as it is", i);
        logcopy_add(l, (struct span){ line, (size_t)n });
    }
}

#define LINE_BYTES 43 /* with LF */
#define MANY (2 * LOGCOPY_MAX / LINE_BYTES)

static void a_short_log_is_kept_whole(void **state)
{
    struct logcopy l;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(LOGCOPY_MAX);

    (void)state;
    logcopy_init(&l);
    logcopy_add(&l, SPAN_LIT("one"));
    logcopy_add(&l, SPAN_LIT(""));
    logcopy_add(&l, SPAN_LIT("three"));
    logcopy_print(&l, &out);
    assert_string_equal(buf_str(&out), "one\n\nthree\n");
    logcopy_done(&l);
}

static void a_long_log_keeps_its_beginning_and_its_end(void **state)
{
    struct logcopy l;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(LOGCOPY_MAX);
    char last[64];

    (void)state;
    logcopy_init(&l);
    add_numbered(&l, 0, MANY);
    logcopy_print(&l, &out);
    assert_false(out.failed);
    assert_true(span_starts(buf_span(&out), "line 00000000 "));
    (void)snprintf(last, sizeof(last), "line %08u of the log, as long as it is\n", (unsigned)MANY - 1);
    assert_string_equal(out.ptr + out.len - strlen(last), last);
    assert_true(span_contains(buf_span(&out), " bytes of the log are left out here]\nline "));
    logcopy_done(&l);
}

static void what_is_left_out_begins_and_ends_at_a_line(void **state)
{
    struct logcopy l;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(LOGCOPY_MAX);
    struct span rest, line;

    (void)state;
    logcopy_init(&l);
    add_numbered(&l, 0, MANY + 3);
    logcopy_print(&l, &out);
    rest = buf_span(&out);
    while (span_next_line(&rest, &line))
        assert_true(line.len == LINE_BYTES - 1 || line.ptr[0] == '[');
    logcopy_done(&l);
}

static void the_tail_of_a_short_log_is_its_last_lines(void **state)
{
    struct logcopy l;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(LOGCOPY_MAX);

    (void)state;
    logcopy_init(&l);
    logcopy_add(&l, SPAN_LIT("one"));
    logcopy_add(&l, SPAN_LIT("two"));
    logcopy_add(&l, SPAN_LIT("three"));
    logcopy_tail(&l, 2, &out);
    assert_string_equal(buf_str(&out), "two\nthree\n");
    logcopy_done(&l);
}

static void the_tail_is_all_when_there_are_fewer_lines(void **state)
{
    struct logcopy l;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(LOGCOPY_MAX), none = BUF_INIT(16);

    (void)state;
    logcopy_init(&l);
    logcopy_tail(&l, 5, &none);
    assert_int_equal(none.len, 0);
    logcopy_add(&l, SPAN_LIT("one"));
    logcopy_tail(&l, 5, &out);
    assert_string_equal(buf_str(&out), "one\n");
    logcopy_done(&l);
}

static void the_tail_spans_both_parts_just_after_the_first_is_full(void **state)
{
    struct logcopy l;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(LOGCOPY_MAX), want = BUF_INIT(4096);
    unsigned full = LOGCOPY_HEAD_MAX / LINE_BYTES;

    (void)state;
    logcopy_init(&l);
    add_numbered(&l, 0, full + 2);
    logcopy_tail(&l, 4, &out);
    for (unsigned i = full - 2; i < full + 2; i++)
        buf_addf(&want, "line %08u of the log, as long as it is\n", i);
    assert_string_equal(buf_str(&out), buf_str(&want));
    logcopy_done(&l);
}

static void the_tail_of_a_wrapped_log_is_its_last_lines(void **state)
{
    struct logcopy l;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(LOGCOPY_MAX), want = BUF_INIT(4096);

    (void)state;
    logcopy_init(&l);
    add_numbered(&l, 0, MANY);
    logcopy_tail(&l, 3, &out);
    for (unsigned i = MANY - 3; i < MANY; i++)
        buf_addf(&want, "line %08u of the log, as long as it is\n", i);
    assert_string_equal(buf_str(&out), buf_str(&want));
    logcopy_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_log_is_kept_whole),
        cmocka_unit_test(a_long_log_keeps_its_beginning_and_its_end),
        cmocka_unit_test(what_is_left_out_begins_and_ends_at_a_line),
        cmocka_unit_test(the_tail_of_a_short_log_is_its_last_lines),
        cmocka_unit_test(the_tail_is_all_when_there_are_fewer_lines),
        cmocka_unit_test(the_tail_spans_both_parts_just_after_the_first_is_full),
        cmocka_unit_test(the_tail_of_a_wrapped_log_is_its_last_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
