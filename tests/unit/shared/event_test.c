#include "shared/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LINE                                                                                                           \
    "{\"v\":1,\"seq\":17,\"t\":\"2026-01-29T03:10:02.113Z\",\"kind\":\"step.done\","                                   \
    "\"step\":\"image_pull\",\"seconds\":4.2,\"text\":\"\"}"
#define HEAD "\"t\":\"2026-01-29T03:10:02.113Z\",\"kind\":\"log\"}"

static void assert_decode_fails(struct span line, const char *words)
{
    struct event ev = { .seq = 99 };
    struct err e = { 0 };
    char text[1000];
    assert_int_equal(event_decode(line, &ev, &e), -ERR_PROTO);
    if (!strstr(err_text(&e, text, sizeof(text)), words))
        fail_msg("'%.*s' gave '%s', wanted '%s'", (int)line.len, line.ptr, text, words);
    assert_int_equal(ev.seq, 99);
    assert_null(ev.body);
}

static void names_round_trip(void **state)
{
    (void)state;
    for (int i = EVENT_INVALID + 1; i < EVENT_KINDS; i++) {
        assert_true(event_kind_name((enum event_kind)i)[0] != '\0');
        assert_int_equal(event_kind_from_name(event_kind_name((enum event_kind)i)), i);
    }
    assert_int_equal(event_kind_from_name(""), EVENT_INVALID);
    assert_int_equal(event_kind_from_name(NULL), EVENT_INVALID);
    assert_int_equal(event_kind_from_name("step"), EVENT_INVALID);
}

static void a_new_event_has_time_step_and_an_empty_body(void **state)
{
    (void)state;
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, EVENT_STEP_START, "cutover_time");
    assert_int_equal(ev.kind, EVENT_STEP_START);
    assert_int_equal(ev.seq, 0);
    assert_true(ev.t_ms > 1600000000000);
    assert_string_equal(ev.step, "cutover_time");
    assert_int_equal(json_len(ev.body), 0);
    assert_true(json_is_object(ev.body));
}

static void the_line_is_the_documented_one(void **state)
{
    (void)state;
    _cleanup_(event_done_p) struct event ev;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(EVENT_LINE_MAX);
    event_init(&ev, EVENT_STEP_DONE, "image_pull");
    ev.seq = 17;
    ev.t_ms = 1769656202113;
    json_set_seconds(ev.body, "seconds", 4200);
    json_set_str(ev.body, "text", "");
    assert_int_equal(event_encode(&ev, &out, NULL), 0);
    assert_string_equal(buf_str(&out), LINE);
}

static void an_event_without_step_and_members_is_short(void **state)
{
    (void)state;
    _cleanup_(event_done_p) struct event ev;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(EVENT_LINE_MAX);
    event_init(&ev, EVENT_END, NULL);
    ev.t_ms = 0;
    buf_adds(&out, "before ");
    assert_int_equal(event_encode(&ev, &out, NULL), 0);
    assert_string_equal(buf_str(&out), "before {\"v\":1,\"seq\":0,\"t\":\"1970-01-01T00:00:00.000Z\","
                                       "\"kind\":\"end\"}");
}

static void a_line_decodes_into_fields_and_body(void **state)
{
    (void)state;
    _cleanup_(event_done_p) struct event ev = { 0 };
    assert_int_equal(event_decode(SPAN_LIT(LINE), &ev, NULL), 0);
    assert_int_equal(ev.kind, EVENT_STEP_DONE);
    assert_int_equal(ev.seq, 17);
    assert_true(ev.t_ms == 1769656202113);
    assert_string_equal(ev.step, "image_pull");
    assert_int_equal(json_len(ev.body), 2);
    assert_true(json_num(ev.body, "seconds", 0) == 4.2);
}

static void encode_and_decode_are_a_fixed_point_for_every_kind(void **state)
{
    (void)state;
    for (int i = EVENT_INVALID + 1; i < EVENT_KINDS; i++) {
        _cleanup_(event_done_p) struct event ev, again = { 0 };
        _cleanup_(buf_done_p) struct buf one = BUF_INIT(EVENT_LINE_MAX);
        _cleanup_(buf_done_p) struct buf two = BUF_INIT(EVENT_LINE_MAX);
        event_init(&ev, (enum event_kind)i, i % 2 ? "health_check" : "");
        ev.seq = (UINT64_C(1) << 53) - 1 - (unsigned)i;
        json_set_str(ev.body, "text", "caf\xc3\xa9 \"x\" \\ \x1b[31m\r\n::error::");
        json_set_num(ev.body, "n", 0.1 * i);
        json_set(ev.body, "a", json_array());
        assert_int_equal(event_encode(&ev, &one, NULL), 0);
        assert_int_equal(event_decode(buf_span(&one), &again, NULL), 0);
        assert_int_equal(event_encode(&again, &two, NULL), 0);
        assert_string_equal(buf_str(&one), buf_str(&two));
        assert_true(again.seq == ev.seq);
        assert_true(again.t_ms == ev.t_ms);
        assert_int_equal(again.kind, i);
    }
}

static void a_line_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(LINE) - 1; n++) {
        char *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, LINE, n);
        assert_decode_fails((struct span){ .ptr = cut, .len = n }, "event");
        free(cut);
    }
}

static void what_is_not_an_event_is_refused(void **state)
{
    (void)state;
    assert_decode_fails(SPAN_LIT("Welcome to Ubuntu"), "JSON");
    assert_decode_fails(SPAN_LIT("[]"), "not an object");
    assert_decode_fails(SPAN_LIT("1"), "not an object");
    assert_decode_fails(SPAN_LIT("{}"), "version");
    assert_decode_fails(SPAN_LIT(LINE LINE), "after the end");
}

static void other_versions_are_refused_with_advice(void **state)
{
    (void)state;
    struct event ev = { 0 };
    struct err e = { 0 };
    assert_int_equal(event_decode(SPAN_LIT("{\"v\":2,\"seq\":1," HEAD), &ev, &e), -ERR_PROTO);
    assert_non_null(strstr(e.frame[0].text, "version 2, wants 1"));
    assert_non_null(strstr(e.hint, "another version"));
    assert_decode_fails(SPAN_LIT("{\"v\":\"1\",\"seq\":1," HEAD), "version");
    assert_decode_fails(SPAN_LIT("{\"v\":1.5,\"seq\":1," HEAD), "version");
}

static void sequence_numbers_are_whole_and_exact(void **state)
{
    (void)state;
    static const char *const bad[] = { "-1", "1.5", "9007199254740992", "1e300", "\"1\"", "null" };
    char line[300];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(line, sizeof(line), "{\"v\":1,\"seq\":%s,%s", bad[i], HEAD);
        assert_decode_fails(span_of(line), "seq");
    }
    assert_decode_fails(SPAN_LIT("{\"v\":1," HEAD), "seq");
}

static void bad_times_are_refused(void **state)
{
    (void)state;
    assert_decode_fails(SPAN_LIT("{\"v\":1,\"seq\":1,\"kind\":\"log\"}"), "t is missing");
    assert_decode_fails(SPAN_LIT("{\"v\":1,\"seq\":1,\"t\":5,\"kind\":\"log\"}"), "t is missing");
    assert_decode_fails(SPAN_LIT("{\"v\":1,\"seq\":1,\"t\":\"2026-02-30T00:00:00.000Z\",\"kind\":\"log\"}"),
                        "t is missing");
}

static void unknown_kinds_are_refused(void **state)
{
    (void)state;
#define BEFORE "{\"v\":1,\"seq\":1,\"t\":\"2026-01-29T03:10:02.113Z\""
    assert_decode_fails(SPAN_LIT(BEFORE "}"), "unknown kind");
    assert_decode_fails(SPAN_LIT(BEFORE ",\"kind\":\"party\"}"), "unknown kind 'party'");
    assert_decode_fails(SPAN_LIT(BEFORE ",\"kind\":\"\"}"), "unknown kind");
    assert_decode_fails(SPAN_LIT(BEFORE ",\"kind\":7}"), "unknown kind");
    assert_decode_fails(SPAN_LIT(BEFORE ",\"Kind\":\"log\"}"), "unknown kind");
}

static void step_names_are_plain(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\"Image\"", "\"a b\"",         "\"a\\nb\"",     "7",
        "null",      "\"caf\xc3\xa9\"", "\"::error::\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"" /* 40 */
    };
    char line[300];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(line, sizeof(line), BEFORE ",\"kind\":\"log\",\"step\":%s}", bad[i]);
        assert_decode_fails(span_of(line), "step");
    }
}

static void a_step_name_of_39_characters_fits(void **state)
{
    (void)state;
    _cleanup_(event_done_p) struct event ev = { 0 };
    assert_int_equal(event_decode(SPAN_LIT(BEFORE ",\"kind\":\"log\","
                                                  "\"step\":\"a-b_c.9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"),
                                  &ev, NULL),
                     0);
    assert_int_equal(strlen(ev.step), 39);
}

static void members_given_twice_are_refused(void **state)
{
    (void)state;
    assert_decode_fails(SPAN_LIT("{\"v\":1,\"v\":1,\"seq\":1," HEAD), "twice");
    assert_decode_fails(SPAN_LIT("{\"v\":1,\"seq\":1,\"seq\":2," HEAD), "twice");
}

static void the_limit_of_a_line_is_exact_both_ways(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        _cleanup_(event_done_p) struct event ev, again = { 0 };
        _cleanup_(buf_done_p) struct buf out = BUF_INIT(2 * EVENT_LINE_MAX);
        _cleanup_(buf_done_p) struct buf text = BUF_INIT(2 * EVENT_LINE_MAX);
        event_init(&ev, EVENT_LOG, NULL);
        json_set_str(ev.body, "text", "");
        assert_int_equal(event_encode(&ev, &out, NULL), 0);
        size_t fill = EVENT_LINE_MAX - out.len + (size_t)over;
        for (size_t i = 0; i < fill; i++)
            buf_addc(&text, 'x');
        json_set_str(ev.body, "text", buf_str(&text));
        buf_reset(&out);
        assert_int_equal(event_encode(&ev, &out, NULL), over ? -ERR_NOMEM : 0);
        assert_int_equal(out.len, over ? 0 : EVENT_LINE_MAX);
        assert_int_equal(buf_check(&out, NULL), 0);
        if (!over)
            assert_int_equal(event_decode(buf_span(&out), &again, NULL), 0);
        buf_addc(&out, ' ');
        if (!over)
            assert_decode_fails(buf_span(&out), "at most 65536");
    }
}

static void an_event_that_could_not_be_read_back_is_not_written(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf out = BUF_INIT(EVENT_LINE_MAX);
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, EVENT_LOG, "Not a step");
    assert_int_equal(event_encode(&ev, &out, NULL), -ERR_BUG);
    event_done(&ev);
    event_init(&ev, EVENT_INVALID, NULL);
    assert_int_equal(event_encode(&ev, &out, NULL), -ERR_BUG);
    event_done(&ev);
    event_init(&ev, EVENT_LOG, NULL);
    json_set_str(ev.body, "kind", "end");
    assert_int_equal(event_encode(&ev, &out, NULL), -ERR_BUG);
    json_del(ev.body, "kind");
    ev.seq = UINT64_C(1) << 53;
    assert_int_equal(event_encode(&ev, &out, NULL), -ERR_BUG);
    ev.seq = 0;
    assert_int_equal(event_encode(&ev, &out, NULL), 0);
}

static void errors_travel_with_kind_message_and_hint(void **state)
{
    (void)state;
    struct err e = { 0 }, again = { 0 };
    char text[400];
    (void)err_set(&e, ERR_PORT_TAKEN, 0, "port 8080 belongs to nginx");
    err_hint(&e, "Stop nginx.");
    (void)err_wrap(&e, "step 'preflight'");
    _cleanup_(json_free_p) struct json *j = event_error_to_json(&e);
    assert_string_equal(json_str(j, "kind", ""), "port_taken");
    event_error_from_json(j, &again);
    assert_int_equal(again.kind, ERR_PORT_TAKEN);
    assert_int_equal(again.depth, 1);
    assert_string_equal(err_text(&again, text, sizeof(text)), "step 'preflight': port 8080 belongs to nginx");
    assert_string_equal(err_hint_text(&again), "Stop nginx.");
}

static void a_long_error_keeps_its_beginning_and_its_cause(void **state)
{
    (void)state;
    struct err e = { 0 }, again = { 0 };
    char text[ERR_TEXT_MAX + 1];
    (void)err_set(&e, ERR_DOCKER, 0, "%0300d THE CAUSE", 1);
    (void)err_wrap(&e, "THE BEGINNING %0200d", 1);
    _cleanup_(json_free_p) struct json *j = event_error_to_json(&e);
    event_error_from_json(j, &again);
    (void)err_text(&again, text, sizeof(text));
    assert_non_null(strstr(text, "THE BEGINNING"));
    assert_non_null(strstr(text, " ... "));
    assert_string_equal(text + strlen(text) - 9, "THE CAUSE");
}

static void a_strange_error_is_a_remote_failure(void **state)
{
    (void)state;
    static const char *const odd[] = { "{}", "{\"kind\":\"party\"}", "{\"kind\":\"ok\"}",
                                       "{\"kind\":7,\"message\":[],\"hint\":{}}" };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        _cleanup_(json_free_p) struct json *j = NULL;
        struct err e = { 0 };
        assert_int_equal(json_parse(span_of(odd[i]), &j, NULL), 0);
        event_error_from_json(j, &e);
        assert_int_equal(e.kind, ERR_REMOTE);
    }
}

static void no_error_member_is_no_error(void **state)
{
    (void)state;
    struct err e = { 0 };
    (void)err_set(&e, ERR_IO, 0, "old");
    event_error_from_json(NULL, &e);
    assert_int_equal(e.kind, ERR_OK);
    assert_int_equal(e.depth, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_round_trip),
        cmocka_unit_test(a_new_event_has_time_step_and_an_empty_body),
        cmocka_unit_test(the_line_is_the_documented_one),
        cmocka_unit_test(an_event_without_step_and_members_is_short),
        cmocka_unit_test(a_line_decodes_into_fields_and_body),
        cmocka_unit_test(encode_and_decode_are_a_fixed_point_for_every_kind),
        cmocka_unit_test(a_line_cut_anywhere_is_refused),
        cmocka_unit_test(what_is_not_an_event_is_refused),
        cmocka_unit_test(other_versions_are_refused_with_advice),
        cmocka_unit_test(sequence_numbers_are_whole_and_exact),
        cmocka_unit_test(bad_times_are_refused),
        cmocka_unit_test(unknown_kinds_are_refused),
        cmocka_unit_test(step_names_are_plain),
        cmocka_unit_test(a_step_name_of_39_characters_fits),
        cmocka_unit_test(members_given_twice_are_refused),
        cmocka_unit_test(the_limit_of_a_line_is_exact_both_ways),
        cmocka_unit_test(an_event_that_could_not_be_read_back_is_not_written),
        cmocka_unit_test(errors_travel_with_kind_message_and_hint),
        cmocka_unit_test(a_long_error_keeps_its_beginning_and_its_cause),
        cmocka_unit_test(a_strange_error_is_a_remote_failure),
        cmocka_unit_test(no_error_member_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
