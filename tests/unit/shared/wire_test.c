#include "shared/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ID "20260129-031002-a1b2c3"
#define DEPLOY                                                                                                         \
    "{\"v\":1,\"op\":\"deploy\",\"app\":\"shop\",\"deployment\":\"" ID "\","                                           \
    "\"spec\":{\"app\":\"shop\",\"image\":\"shop:1\",\"secret_env\":[\"K=v\"]}}"
#define TO_SHOP "\"app\":\"shop\",\"deployment\":\"" ID "\""

static void assert_refused(const char *text, int kind, const char *words)
{
    struct wire_request r;
    struct err e = { 0 };
    char shown[1000];
    int n = wire_decode(span_of(text), &r, &e);
    if (n != -kind || !strstr(err_text(&e, shown, sizeof(shown)), words))
        fail_msg("'%s' gave %d '%s', wanted '%s'", text, n, err_text(&e, shown, sizeof(shown)), words);
    assert_null(r.spec.app);
}

static void fill(struct wire_request *r, enum wire_op op)
{
    wire_request_init(r);
    r->op = op;
    (void)snprintf(r->app, sizeof(r->app), "shop");
    (void)snprintf(r->deployment, sizeof(r->deployment), ID);
    (void)snprintf(r->only_if_current, sizeof(r->only_if_current), "20260101-000000-000000");
    (void)snprintf(r->reason, sizeof(r->reason), "job \"failed\"");
    (void)snprintf(r->run_link, sizeof(r->run_link), "https://example.org/runs/1");
    r->from = 18;
    r->lock_timeout_ms = 5000;
    assert_int_equal(spec_set_str(&r->spec.app, "shop", NULL), 0);
    assert_int_equal(spec_set_str(&r->spec.image, "shop:1", NULL), 0);
    assert_int_equal(spec_set_str(&r->spec.registry_password, "secret", NULL), 0);
    (void)snprintf(r->to, sizeof(r->to), "registry.example.com/shop:1.4");
    (void)snprintf(r->target, sizeof(r->target), "green");
    r->time_ms = 1769656202113;
    r->since_ms = 1769656000000;
    r->lines = 7;
    r->follow = r->verify = r->dry_run = true;
    r->keep_hours = 0;
    r->keep_versions = 5;
}

/* Through encode, framing and decode. */
static void send(const struct wire_request *r, struct buf *frame, struct wire_request *ret)
{
    struct span text = { 0 };
    size_t used = 0;
    assert_int_equal(wire_encode(r, frame, NULL), 0);
    assert_int_equal(wire_next_frame(frame, &text, &used, NULL), 0);
    assert_int_equal(used, frame->len);
    assert_int_equal(wire_decode(text, ret, NULL), 0);
}

static bool has_deployment(int op)
{
    return op == WIRE_DEPLOY || op == WIRE_ROLLBACK || op == WIRE_ATTACH || op == WIRE_CANCEL || op == WIRE_BUNDLE;
}

static bool carries_secrets(int op)
{
    return op == WIRE_DEPLOY || op == WIRE_PLAN || op == WIRE_ROLLBACK || op == WIRE_DIAGNOSE;
}

static void every_op_round_trips(void **state)
{
    (void)state;
    for (int op = WIRE_INVALID + 1; op < WIRE_OPS; op++) {
        _cleanup_(wire_request_done_p) struct wire_request r, again, third;
        _cleanup_(buf_wipe_done_p) struct buf one = BUF_INIT(WIRE_REQUEST_MAX);
        _cleanup_(buf_wipe_done_p) struct buf two = BUF_INIT(WIRE_REQUEST_MAX);
        fill(&r, (enum wire_op)op);
        send(&r, &one, &again);
        send(&again, &two, &third);
        assert_string_equal(buf_str(&one), buf_str(&two));
        assert_int_equal(again.op, op);
        assert_string_equal(again.app, "shop");
        assert_string_equal(again.deployment, has_deployment(op) ? ID : "");
        assert_string_equal(again.reason, op == WIRE_ROLLBACK ? r.reason : "");
        assert_string_equal(again.run_link, op == WIRE_ROLLBACK || op == WIRE_PRUNE ? r.run_link : "");
        assert_string_equal(again.to, op == WIRE_ROLLBACK ? r.to : "");
        assert_string_equal(again.target, op == WIRE_LOGS ? "green" : "");
        assert_int_equal(again.time_ms, op == WIRE_STATUS || op == WIRE_DIAGNOSE ? r.time_ms : 0);
        assert_int_equal(again.since_ms, op == WIRE_LOGS ? r.since_ms : 0);
        assert_int_equal(again.lines, op == WIRE_LOGS || op == WIRE_HISTORY ? 7 : WIRE_LINES_DEFAULT);
        assert_int_equal(again.follow, op == WIRE_LOGS);
        assert_int_equal(again.verify, op == WIRE_HISTORY);
        assert_int_equal(again.dry_run, op == WIRE_PRUNE);
        assert_int_equal(again.keep_hours, op == WIRE_PRUNE ? 0 : -1);
        assert_int_equal(again.keep_versions, op == WIRE_PRUNE ? 5 : -1);
        assert_string_equal(again.only_if_current, op == WIRE_ROLLBACK ? r.only_if_current : "");
        assert_int_equal(again.lock_timeout_ms, op == WIRE_ROLLBACK || op == WIRE_PRUNE ? 5000 : 600000);
        assert_int_equal(again.from, op == WIRE_ATTACH ? 18 : 1);
        assert_string_equal(again.spec.registry_password, carries_secrets(op) ? "secret" : "");
    }
}

static void only_what_needs_them_carries_secrets(void **state)
{
    (void)state;
    for (int op = WIRE_ROLLBACK; op < WIRE_OPS; op++) {
        _cleanup_(wire_request_done_p) struct wire_request r;
        _cleanup_(buf_wipe_done_p) struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
        fill(&r, (enum wire_op)op);
        assert_int_equal(wire_encode(&r, &out, NULL), 0);
        assert_int_equal(strstr(buf_str(&out), "\"secret\"") != NULL, carries_secrets(op));
    }
}

static void a_deploy_may_leave_the_app_to_its_spec(void **state)
{
    (void)state;
    _cleanup_(wire_request_done_p) struct wire_request r, again;
    _cleanup_(buf_wipe_done_p) struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    fill(&r, WIRE_DEPLOY);
    r.app[0] = '\0';
    send(&r, &out, &again);
    assert_string_equal(again.app, "shop");
}

static void requests_that_could_not_be_read_are_not_sent(void **state)
{
    (void)state;
    _cleanup_(buf_wipe_done_p) struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    for (int i = 0; i < 4; i++) {
        _cleanup_(wire_request_done_p) struct wire_request r;
        fill(&r, WIRE_ATTACH);
        if (i == 0)
            r.op = WIRE_INVALID;
        else if (i == 1)
            r.app[0] = '\0';
        else if (i == 2)
            r.deployment[0] = '/';
        else
            r.from = UINT64_MAX;
        assert_int_equal(wire_encode(&r, &out, NULL), -ERR_BUG);
    }
    assert_int_equal(out.len, 0);
}

static void a_request_beyond_the_limit_is_refused_before_it_is_sent(void **state)
{
    (void)state;
    _cleanup_(wire_request_done_p) struct wire_request r;
    _cleanup_(buf_wipe_done_p) struct buf out = BUF_INIT(2 * WIRE_REQUEST_MAX);
    _cleanup_(buf_done_p) struct buf big = BUF_INIT(200000);
    struct err e = { 0 };
    fill(&r, WIRE_DEPLOY);
    buf_adds(&big, "K=");
    for (int i = 0; i < 120000; i++)
        buf_addc(&big, 'x');
    for (int i = 0; i < 10; i++)
        assert_int_equal(strlist_add(&r.spec.env, buf_span(&big), NULL), 0);
    assert_int_equal(wire_encode(&r, &out, &e), -ERR_NOMEM);
    assert_int_equal(out.len, 0);
    assert_non_null(strstr(err_hint_text(&e), "1 MiB"));
}

static void what_is_given_anew_is_an_object_of_known_members(void **state)
{
    static const char *const wrong[] = {
        "[\"x\"]", "[]", "\"x\"", "1", "{\"image\":\"x\"}", "{\"secret_env\":[\"x\"]}"
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct wire_request r;
        struct err e = { 0 };
        char text[300];
        (void)snprintf(text, sizeof(text), "{\"v\":1,\"op\":\"rollback\"," TO_SHOP ",\"to\":\"1.0\",\"given\":%s}",
                       wrong[i]);
        int n = wire_decode(span_of(text), &r, &e);
        if (n != -ERR_PROTO && n != -ERR_INPUT)
            fail_msg("%s gave %d", text, n);
    }
}

static void a_request_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(DEPLOY) - 1; n++) {
        struct wire_request r;
        char *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, DEPLOY, n);
        assert_int_equal(wire_decode((struct span){ .ptr = cut, .len = n }, &r, NULL), -ERR_PROTO);
        assert_null(r.spec.app);
        free(cut);
    }
}

static void a_frame_cut_anywhere_waits_for_more(void **state)
{
    (void)state;
    _cleanup_(wire_request_done_p) struct wire_request r;
    _cleanup_(buf_wipe_done_p) struct buf whole = BUF_INIT(WIRE_REQUEST_MAX);
    fill(&r, WIRE_DEPLOY);
    assert_int_equal(wire_encode(&r, &whole, NULL), 0);
    for (size_t n = 0; n < whole.len; n++) {
        _cleanup_(buf_done_p) struct buf part = BUF_INIT(WIRE_REQUEST_MAX);
        struct span text = { 0 };
        size_t used = 0;
        buf_add(&part, whole.ptr, n);
        assert_int_equal(wire_next_frame(&part, &text, &used, NULL), 1);
        assert_int_equal(used, 0);
    }
}

static void frames_come_one_after_another(void **state)
{
    (void)state;
    _cleanup_(buf_done_p) struct buf in = BUF_INIT(100);
    struct span text;
    size_t used;
    buf_adds(&in, "2\n{}3\n[1]1\n");
    assert_int_equal(wire_next_frame(&in, &text, &used, NULL), 0);
    assert_true(span_eq(text, "{}"));
    buf_consume(&in, used);
    assert_int_equal(wire_next_frame(&in, &text, &used, NULL), 0);
    assert_true(span_eq(text, "[1]"));
    buf_consume(&in, used);
    assert_int_equal(wire_next_frame(&in, &text, &used, NULL), 1);
}

static void what_is_not_a_frame_is_refused_at_once(void **state)
{
    (void)state;
    static const char *const bad[] = { "x",    "\n",        "-1\n",      "+1\n",     " 1\n", "0\n",
                                       "01\n", "1048577\n", "9999999\n", "12345678", "1x",   "{}" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        _cleanup_(buf_done_p) struct buf in = BUF_INIT(100);
        struct span text;
        size_t used;
        buf_adds(&in, bad[i]);
        assert_int_equal(wire_next_frame(&in, &text, &used, NULL), -ERR_PROTO);
    }
}

static void strange_requests_are_refused(void **state)
{
    (void)state;
    assert_refused("", ERR_PROTO, "JSON");
    assert_refused("[]", ERR_PROTO, "not an object");
    assert_refused("{}", ERR_PROTO, "version");
    assert_refused("{\"v\":2,\"op\":\"status\",\"app\":\"shop\"}", ERR_PROTO, "version 2, wants 1");
    assert_refused("{\"v\":1,\"op\":\"dance\",\"app\":\"shop\"}", ERR_PROTO, "unknown op 'dance'");
    assert_refused("{\"v\":1,\"app\":\"shop\"}", ERR_PROTO, "unknown op ''");
    assert_refused("{\"v\":1,\"op\":\"status\"}", ERR_PROTO, "'app'");
    assert_refused("{\"v\":1,\"op\":\"status\",\"app\":\"../x\"}", ERR_PROTO, "'app'");
    assert_refused("{\"v\":1,\"op\":\"status\",\"app\":7}", ERR_PROTO, "'app'");
    assert_refused("{\"v\":1,\"op\":\"status\",\"app\":\"shop\",\"app\":\"shop\"}", ERR_PROTO, "'app'");
    assert_refused("{\"v\":1,\"op\":\"status\",\"app\":\"shop\",\"x\":1}", ERR_PROTO, "'x'");
}

static void members_must_fit_the_op(void **state)
{
    (void)state;
    assert_refused("{\"v\":1,\"op\":\"status\"," TO_SHOP "}", ERR_PROTO, "'deployment'");
    assert_refused("{\"v\":1,\"op\":\"cancel\"," TO_SHOP ",\"from\":1}", ERR_PROTO, "'from'");
    assert_refused("{\"v\":1,\"op\":\"cancel\",\"app\":\"shop\"}", ERR_PROTO, "'deployment'");
    assert_refused("{\"v\":1,\"op\":\"attach\"," TO_SHOP "}", ERR_PROTO, "'from'");
    assert_refused("{\"v\":1,\"op\":\"deploy\"," TO_SHOP "}", ERR_PROTO, "'spec'");
    assert_refused("{\"v\":1,\"op\":\"rollback\"," TO_SHOP ",\"spec\":{}}", ERR_PROTO, "'spec'");
}

static void members_must_be_well_formed(void **state)
{
    (void)state;
#define ROLLBACK "{\"v\":1,\"op\":\"rollback\"," TO_SHOP ","
    assert_refused("{\"v\":1,\"op\":\"cancel\",\"app\":\"shop\",\"deployment\":\"../../etc\"}", ERR_PROTO,
                   "'deployment'");
    assert_refused("{\"v\":1,\"op\":\"cancel\",\"app\":\"shop\",\"deployment\":\"\"}", ERR_PROTO, "'deployment'");
    assert_refused("{\"v\":1,\"op\":\"attach\"," TO_SHOP ",\"from\":-1}", ERR_PROTO, "'from'");
    assert_refused("{\"v\":1,\"op\":\"attach\"," TO_SHOP ",\"from\":1.5}", ERR_PROTO, "'from'");
    assert_refused("{\"v\":1,\"op\":\"attach\"," TO_SHOP ",\"from\":\"1\"}", ERR_PROTO, "'from'");
    assert_refused(ROLLBACK "\"only_if_current\":\"a/b\"}", ERR_PROTO, "'only_if_current'");
    assert_refused(ROLLBACK "\"reason\":7}", ERR_PROTO, "'reason'");
    assert_refused(ROLLBACK "\"lock_timeout_ms\":86400001}", ERR_PROTO, "'lock_timeout_ms'");
}

static void a_wrong_spec_is_an_input_error_that_names_the_member(void **state)
{
    (void)state;
    assert_refused("{\"v\":1,\"op\":\"deploy\"," TO_SHOP ",\"spec\":{\"app\":\"shop\",\"image\":\"a\",\"port\":0}}",
                   ERR_INPUT, "request: spec: port: wants");
    assert_refused("{\"v\":1,\"op\":\"deploy\"," TO_SHOP ",\"spec\":7}", ERR_INPUT, "an object");
}

static void the_spec_must_be_of_the_same_app(void **state)
{
    (void)state;
    assert_refused("{\"v\":1,\"op\":\"deploy\"," TO_SHOP ",\"spec\":{\"app\":\"other\",\"image\":\"a\"}}", ERR_PROTO,
                   "'app'");
}

static void rollback_details_may_be_left_out(void **state)
{
    (void)state;
    _cleanup_(wire_request_done_p) struct wire_request r;
    assert_int_equal(wire_decode(SPAN_LIT("{\"v\":1,\"op\":\"rollback\"," TO_SHOP "}"), &r, NULL), 0);
    assert_string_equal(r.only_if_current, "");
    assert_int_equal(r.lock_timeout_ms, 600000);
}

static void new_ids_are_valid_and_differ(void **state)
{
    (void)state;
    char one[WIRE_ID_MAX + 1], two[WIRE_ID_MAX + 1];
    assert_int_equal(wire_new_id(one, NULL), 0);
    assert_int_equal(wire_new_id(two, NULL), 0);
    assert_true(wire_is_id(one));
    assert_int_equal(strlen(one), strlen(ID));
    assert_int_equal(one[8], '-');
    assert_int_equal(one[15], '-');
    assert_string_not_equal(one, two);
}

static void ids_are_safe_as_file_names(void **state)
{
    (void)state;
    static const char *const bad[] = { "",  "-a",  ".",   "..",  "a/b",
                                       "A", "a b", "a\n", "a.b", "01234567890123456789012345678901234567890" };
    assert_true(wire_is_id(ID));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(wire_is_id(bad[i]));
}

static void a_wrong_spec_is_refused_before_it_is_sent(void **state)
{
    (void)state;
    _cleanup_(wire_request_done_p) struct wire_request r;
    _cleanup_(buf_wipe_done_p) struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    fill(&r, WIRE_DEPLOY);
    r.spec.port = 0;
    assert_int_equal(wire_encode(&r, &out, NULL), -ERR_INPUT);
    assert_int_equal(out.len, 0);
}

static void a_reason_cut_within_a_character_still_arrives(void **state)
{
    (void)state;
    _cleanup_(wire_request_done_p) struct wire_request r, again;
    _cleanup_(buf_wipe_done_p) struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    fill(&r, WIRE_ROLLBACK);
    memset(r.reason, 'x', sizeof(r.reason) - 1);
    r.reason[sizeof(r.reason) - 2] = '\xc3';
    send(&r, &out, &again);
    assert_int_equal(strlen(again.reason), sizeof(r.reason) - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_round_trips),
        cmocka_unit_test(only_what_needs_them_carries_secrets),
        cmocka_unit_test(a_deploy_may_leave_the_app_to_its_spec),
        cmocka_unit_test(requests_that_could_not_be_read_are_not_sent),
        cmocka_unit_test(a_request_beyond_the_limit_is_refused_before_it_is_sent),
        cmocka_unit_test(what_is_given_anew_is_an_object_of_known_members),
        cmocka_unit_test(a_request_cut_anywhere_is_refused),
        cmocka_unit_test(a_frame_cut_anywhere_waits_for_more),
        cmocka_unit_test(frames_come_one_after_another),
        cmocka_unit_test(what_is_not_a_frame_is_refused_at_once),
        cmocka_unit_test(strange_requests_are_refused),
        cmocka_unit_test(members_must_fit_the_op),
        cmocka_unit_test(members_must_be_well_formed),
        cmocka_unit_test(a_wrong_spec_is_an_input_error_that_names_the_member),
        cmocka_unit_test(the_spec_must_be_of_the_same_app),
        cmocka_unit_test(rollback_details_may_be_left_out),
        cmocka_unit_test(new_ids_are_valid_and_differ),
        cmocka_unit_test(ids_are_safe_as_file_names),
        cmocka_unit_test(a_wrong_spec_is_refused_before_it_is_sent),
        cmocka_unit_test(a_reason_cut_within_a_character_still_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
