#include "agent/request.h"

#include "tests/unit/agent/host.h"

#define SECRET "hunter2-canary"

static void fill(struct run *run)
{
    (void)spec_set_str(&run->spec.app, HOST_APP, NULL);
    (void)spec_set_str(&run->spec.image, "registry.example/shop:1", NULL);
    (void)spec_set_str(&run->spec.registry_password, SECRET, NULL);
    (void)spec_set_str(&run->spec.health_path, "/alive", NULL);
    (void)strlist_add(&run->spec.env, SPAN_LIT("COLOR=green"), NULL);
    (void)strlist_add(&run->spec.secret_env, SPAN_LIT("TOKEN=" SECRET), NULL);
    run->spec.port = 9191;
    (void)snprintf(run->run_link, sizeof(run->run_link), "https://example.org/run/7");
}

static void settings_come_back_without_secrets(void **state)
{
    struct host *h = *state;
    struct spec spec;
    struct buf text;
    fill(&h->run);
    host_assert_result(h, request_store(&h->run, &h->err), 0);
    assert_null(strstr(host_read(h->run.dir_fd, "request.json", &text), SECRET));
    assert_non_null(strstr(buf_str(&text), "TOKEN")); /* for people: which ones there were */
    buf_done(&text);
    spec_init(&spec);
    host_assert_result(h, request_load_spec(h->run.app_fd, HOST_ID, &spec, &h->err), 0);
    assert_string_equal(spec.image, "registry.example/shop:1");
    assert_string_equal(spec.health_path, "/alive");
    assert_int_equal(spec.port, 9191);
    assert_int_equal(spec.env.len, 1);
    assert_int_equal(spec.secret_env.len, 0);
    assert_string_equal(spec.registry_password, "");
    spec_done(&spec);
}

static void which_variables_are_secret_is_remembered(void **state)
{
    struct host *h = *state;
    struct strlist keys = { 0 };
    fill(&h->run);
    host_assert_result(h, request_store(&h->run, &h->err), 0);
    host_assert_result(h, request_load_secret_keys(h->run.app_fd, HOST_ID, &keys, &h->err), 0);
    assert_int_equal(keys.len, 1);
    assert_string_equal(keys.items[0], "TOKEN");
    strlist_done(&keys);
    host_assert_result(h, request_load_secret_keys(h->run.app_fd, "20200101-000000-aaaaaa", &keys, &h->err), 1);
    assert_int_equal(keys.len, 0);
}

static void the_whole_request_comes_back(void **state)
{
    struct host *h = *state;
    struct run again;
    fill(&h->run);
    h->run.op = WIRE_ROLLBACK;
    (void)snprintf(h->run.only_if_current, sizeof(h->run.only_if_current), "20260101-000000-aaaaaa");
    (void)snprintf(h->run.reason, sizeof(h->run.reason), "the \"job\" failed");
    host_assert_result(h, request_store(&h->run, &h->err), 0);
    run_init(&again);
    again.dir_fd = dup(h->run.dir_fd);
    host_assert_result(h, request_load(&again, &h->err), 0);
    assert_int_equal(again.op, WIRE_ROLLBACK);
    assert_string_equal(again.only_if_current, "20260101-000000-aaaaaa");
    assert_string_equal(again.reason, "the \"job\" failed");
    assert_string_equal(again.run_link, "https://example.org/run/7");
    assert_int_equal(again.spec.port, 9191);
    run_done(&again);
}

static void a_rollback_that_has_no_settings_yet_is_stored_too(void **state)
{
    struct host *h = *state;
    struct spec spec;
    h->run.op = WIRE_ROLLBACK;
    host_assert_result(h, request_store(&h->run, &h->err), 0);
    host_assert_result(h, request_load(&h->run, &h->err), 0);
    assert_int_equal(h->run.op, WIRE_ROLLBACK);
    spec_init(&spec);
    host_assert_result(h, request_load_spec(h->run.app_fd, HOST_ID, &spec, &h->err), 1);
    spec_done(&spec);
}

static void what_is_not_there_is_1(void **state)
{
    struct host *h = *state;
    struct spec spec;
    spec_init(&spec);
    host_assert_result(h, request_load_spec(h->run.app_fd, HOST_ID, &spec, &h->err), 1);
    host_assert_result(h, request_load_spec(h->run.app_fd, "20200101-000000-aaaaaa", &spec, &h->err), 1);
    host_assert_result(h, request_load(&h->run, &h->err), 1);
    spec_done(&spec);
}

static void settings_that_are_damaged_replace_nothing(void **state)
{
    struct host *h = *state;
    struct spec spec;
    static const char *const damaged[] = { "", "{", "{\"spec\":{\"app\":\"shop\"}}",
                                           "{\"spec\":{\"app\":\"shop\",\"image\":\"x\",\"port\":0}}", "{\"spec\":7}" };
    spec_init(&spec);
    spec.port = 4711;
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        host_write(h->run.dir_fd, "request.json", damaged[i]);
        if (request_load_spec(h->run.app_fd, HOST_ID, &spec, &h->err) >= 0)
            fail_msg("'%s' was taken", damaged[i]);
        assert_int_equal(spec.port, 4711);
        err_clear(&h->err);
    }
    spec_done(&spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_CASE(settings_come_back_without_secrets),
        RUN_CASE(which_variables_are_secret_is_remembered),
        RUN_CASE(the_whole_request_comes_back),
        RUN_CASE(a_rollback_that_has_no_settings_yet_is_stored_too),
        RUN_CASE(what_is_not_there_is_1),
        RUN_CASE(settings_that_are_damaged_replace_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
