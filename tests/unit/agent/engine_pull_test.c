#include "agent/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char pull_ok[] =
    "{\"status\":\"Pulling from team/app\",\"id\":\"1\"}\r\n"
    "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"aaaaaaaaaaaa\"}\r\n"
    "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"bbbbbbbbbbbb\"}\r\n"
    "{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"cccccccccccc\"}\r\n"
    "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":500,\"total\":1000},\"progress\":"
    "\"[=> ]  }{\\\"\\\\\",\"id\":"
    "\"aaaaaaaaaaaa\"}\r\n"
    "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10,\"total\":3000},\"id\":"
    "\"bbbbbbbbbbbb\"}\r\n"
    "{\"status\":\"Verifying Checksum\",\"progressDetail\":{},\"id\":\"aaaaaaaaaaaa\"}\r\n"
    "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":7,\"total\":1000},\"id\":"
    "\"aaaaaaaaaaaa\"}\r\n"
    "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"aaaaaaaaaaaa\"}\r\n";

static void feed(struct engine_pull *p, const char *text)
{
    assert_int_equal(engine_pull_feed(p, span_of(text)), 0);
}

static void progress_adds_up_over_layers(void **state)
{
    (void)state;
    struct engine_pull p;
    engine_pull_init(&p);
    feed(&p, pull_ok);
    assert_int_equal(p.progress.layers, 3);
    assert_int_equal(p.progress.layers_done, 2);
    assert_int_equal(p.progress.current, 1010);
    assert_int_equal(p.progress.total, 4000);
    assert_string_equal(p.progress.status, "Pull complete");
    assert_int_equal(p.objects, 9);
    assert_int_equal(engine_pull_finish(&p, NULL), 0);
    engine_pull_done(&p);
}

static void a_stream_cut_at_every_byte_gives_the_same_progress(void **state)
{
    (void)state;
    size_t len = sizeof(pull_ok) - 1;
    for (size_t cut = 0; cut <= len; cut++) {
        struct engine_pull p;
        engine_pull_init(&p);
        assert_int_equal(engine_pull_feed(&p, (struct span){ pull_ok, cut }), 0);
        assert_int_equal(engine_pull_feed(&p, (struct span){ pull_ok + cut, len - cut }), 0);
        assert_int_equal(p.objects, 9);
        assert_int_equal(p.progress.current, 1010);
        assert_int_equal(p.progress.layers_done, 2);
        assert_int_equal(engine_pull_finish(&p, NULL), 0);
        engine_pull_done(&p);
    }
}

static void a_stream_that_ends_inside_an_object_is_refused(void **state)
{
    (void)state;
    size_t len = sizeof(pull_ok) - 1;
    for (size_t cut = 0; cut <= len; cut++) {
        struct engine_pull p;
        struct err err = { 0 };
        engine_pull_init(&p);
        assert_int_equal(engine_pull_feed(&p, (struct span){ pull_ok, cut }), 0);
        bool between = cut == 0 || pull_ok[cut - 1] == '\n' || pull_ok[cut - 1] == '\r' ||
                       (pull_ok[cut - 1] == '}' && pull_ok[cut] == '\r');
        assert_int_equal(engine_pull_finish(&p, &err), between ? 0 : -(int)ERR_PROTO);
        engine_pull_done(&p);
    }
}

static void objects_need_no_line_ends_between_them(void **state)
{
    (void)state;
    struct engine_pull p;
    engine_pull_init(&p);
    feed(&p, "{\"status\":\"a\"}{\"status\":\"b\"} \t{\"status\":\"c\"}");
    assert_int_equal(p.objects, 3);
    assert_string_equal(p.progress.status, "c");
    engine_pull_done(&p);
}

static void assert_refused(const char *text, enum err_kind kind)
{
    struct engine_pull p;
    struct err err = { 0 };
    engine_pull_init(&p);
    p.err = &err;
    assert_int_equal(engine_pull_feed(&p, span_of(text)), -(int)kind);
    assert_int_equal(err.kind, kind);
    engine_pull_done(&p);
}

static void what_is_not_an_object_is_refused(void **state)
{
    (void)state;
    assert_refused("<html>", ERR_PROTO);
    assert_refused("[]", ERR_PROTO);
    assert_refused("{\"status\":\"a\"}x", ERR_PROTO);
    assert_refused("}", ERR_PROTO);
    assert_refused("{\"a\":}", ERR_PROTO);
}

static void an_endless_object_is_refused(void **state)
{
    (void)state;
    struct engine_pull p;
    struct err err = { 0 };
    int r = 0;
    engine_pull_init(&p);
    p.err = &err;
    feed(&p, "{\"status\":\"");
    for (size_t i = 0; i < 2 * ENGINE_PULL_OBJECT_MAX && r == 0; i++)
        r = engine_pull_feed(&p, SPAN_LIT("x"));
    assert_int_equal(r, -(int)ERR_PROTO);
    assert_true(p.object.cap <= 2 * ENGINE_PULL_OBJECT_MAX);
    engine_pull_done(&p);
}

static void assert_error(const char *text, enum err_kind kind, const char *words)
{
    struct engine_pull p;
    struct err err = { 0 };
    engine_pull_init(&p);
    feed(&p, text);
    assert_int_equal(engine_pull_finish(&p, &err), -(int)kind);
    assert_string_equal(err.frame[0].text, words);
    engine_pull_done(&p);
}

static void an_error_object_in_the_stream_fails_the_pull(void **state)
{
    (void)state;
    assert_error("{\"status\":\"x\"}\r\n{\"errorDetail\":{\"message\":\"write /x: no space left on "
                 "device\"},\"error\":\"old\"}",
                 ERR_DISK_FULL, "write /x: no space left on device");
    assert_error("{\"error\":\"manifest unknown\"}", ERR_IMAGE_MISSING, "manifest unknown");
    assert_error("{\"errorDetail\":{\"message\":\"something new\"}}", ERR_DOCKER, "something new");
}

static void the_first_error_is_the_one_told(void **state)
{
    (void)state;
    assert_error("{\"error\":\"unexpected EOF\"}{\"error\":\"manifest unknown\"}", ERR_REGISTRY, "unexpected EOF");
}

static void a_null_error_detail_is_no_error(void **state)
{
    (void)state;
    struct engine_pull p;
    engine_pull_init(&p);
    feed(&p, "{\"status\":\"\",\"errorDetail\":null}{\"errorDetail\":{\"message\":\"\"},\"error\":"
             "\"\"}{\"status\":3,\"id\":[]}");
    assert_int_equal(engine_pull_finish(&p, NULL), 0);
    engine_pull_done(&p);
}

static void control_bytes_never_reach_the_status(void **state)
{
    (void)state;
    struct engine_pull p;
    engine_pull_init(&p);
    feed(&p, "{\"status\":\"a\\u001b[31m\\n\\u00e4\"}");
    assert_string_equal(p.progress.status, "a?[31m???");
    engine_pull_done(&p);
}

static void wild_numbers_neither_wrap_nor_go_below_zero(void **state)
{
    (void)state;
    struct engine_pull p;
    engine_pull_init(&p);
    for (int i = 0; i < 300; i++) {
        char text[200];
        (void)snprintf(text, sizeof(text),
                       "{\"status\":\"Downloading\",\"id\":\"%d\",\"progressDetail\":{\"current\":"
                       "9e18,\"total\":-5}}",
                       i);
        feed(&p, text);
    }
    assert_int_equal(p.progress.layers, ENGINE_LAYERS_MAX);
    assert_true(p.progress.current > 0);
    assert_true(p.progress.total >= p.progress.current);
    engine_pull_done(&p);
}

static void count(void *ctx, const struct engine_pull_progress *p)
{
    (void)p;
    ++*(int *)ctx;
}

static void progress_is_told_at_once_and_then_seldom(void **state)
{
    (void)state;
    struct engine_pull p;
    int calls = 0;
    engine_pull_init(&p);
    p.on_progress = count;
    p.ctx = &calls;
    feed(&p, pull_ok);
    assert_in_range(calls, 1, 2); /* 2: a machine that stops for a quarter of a second in between */
    engine_pull_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_adds_up_over_layers),
        cmocka_unit_test(a_stream_cut_at_every_byte_gives_the_same_progress),
        cmocka_unit_test(a_stream_that_ends_inside_an_object_is_refused),
        cmocka_unit_test(objects_need_no_line_ends_between_them),
        cmocka_unit_test(what_is_not_an_object_is_refused),
        cmocka_unit_test(an_endless_object_is_refused),
        cmocka_unit_test(an_error_object_in_the_stream_fails_the_pull),
        cmocka_unit_test(the_first_error_is_the_one_told),
        cmocka_unit_test(a_null_error_detail_is_no_error),
        cmocka_unit_test(control_bytes_never_reach_the_status),
        cmocka_unit_test(wild_numbers_neither_wrap_nor_go_below_zero),
        cmocka_unit_test(progress_is_told_at_once_and_then_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
