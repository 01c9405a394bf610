#include "tests/unit/agent/engine_fixture.h"

static const char inspect_running[] =
    "{\"Id\":\"abc123\",\"Name\":\"/"
    "shop-blue\",\"Image\":\"sha256:77\",\"Created\":\"2026-01-01T00:00:00Z\",\"RestartCount\":4,"
    "\"Config\":{\"Image\":\"shop:1\",\"Tty\":true,\"Labels\":{\"io.bluegreen.app\":\"shop\"}},"
    "\"HostConfig\":{\"NetworkMode\":\"bg\",\"RestartPolicy\":{\"Name\":\"on-failure\","
    "\"MaximumRetryCount\":3}},"
    "\"State\":{\"Status\":\"running\",\"Running\":true,\"Restarting\":false,\"OOMKilled\":true,"
    "\"ExitCode\":137,\"Error\":\"e\","
    "\"StartedAt\":\"2026-01-02T00:00:00Z\",\"FinishedAt\":\"0001-01-01T00:00:00Z\",\"Health\":{"
    "\"Status\":\"healthy\"}},"
    "\"NetworkSettings\":{\"Ports\":{\"8080/"
    "tcp\":[{\"HostIp\":\"::\",\"HostPort\":\"9999\"},{\"HostIp\":\"0.0.0.0\","
    "\"HostPort\":\"8081\"}],\"9090/"
    "tcp\":null},\"Networks\":{\"bg\":{\"NetworkID\":\"n1\",\"IPAddress\":\"172.18.0.253\","
    "\"IPAMConfig\":{\"IPv4Address\":\"172.18.0.253\"},\"Aliases\":[\"shop\"]},\"bridge\":{"
    "\"IPAMConfig\":null,"
    "\"IPAddress\":\"\",\"Aliases\":null}}}}";

static void a_container_is_read(void **state)
{
    struct fixture *f = *state;
    struct engine_container c;
    fake_engine_reply(f->fake, "GET /containers/shop-blue/json", 200, inspect_running);
    assert_result(f, engine_container_inspect(f->engine, "shop-blue", &c, &f->err), 0);
    assert_string_equal(c.id, "abc123");
    assert_string_equal(c.name, "shop-blue");
    assert_string_equal(c.image, "shop:1");
    assert_string_equal(c.image_id, "sha256:77");
    assert_string_equal(c.status, "running");
    assert_string_equal(c.health, "healthy");
    assert_string_equal(c.restart_policy, "on-failure:3");
    assert_string_equal(c.network_mode, "bg");
    assert_true(c.running && c.oom_killed && c.tty && !c.restarting);
    assert_int_equal(c.exit_code, 137);
    assert_int_equal(c.restart_count, 4);
    assert_string_equal(engine_container_label(&c, "io.bluegreen.app"), "shop");
    assert_string_equal(engine_container_label(&c, "none"), "");
    engine_container_done(&c);
}

static void networks_of_a_container_are_read(void **state)
{
    struct fixture *f = *state;
    struct engine_container c;
    fake_engine_reply(f->fake, "GET /containers/a/json", 200, inspect_running);
    assert_result(f, engine_container_inspect(f->engine, "a", &c, &f->err), 0);
    assert_int_equal(c.endpoint_count, 2);
    assert_string_equal(c.endpoints[0].network, "bg");
    assert_string_equal(c.endpoints[0].network_id, "n1");
    assert_string_equal(c.endpoints[0].static_ip, "172.18.0.253");
    assert_int_equal(json_len(c.endpoints[0].aliases), 1);
    assert_string_equal(c.endpoints[1].network, "bridge");
    assert_string_equal(c.endpoints[1].ip, "");
    assert_string_equal(c.endpoints[1].static_ip, "");
    assert_null(c.endpoints[1].aliases);
    engine_container_done(&c);
}

static void more_networks_than_fit_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct engine_container c;
    struct buf text = BUF_INIT(8192);
    buf_adds(&text, "{\"Id\":\"a\",\"NetworkSettings\":{\"Networks\":{\"n\":{}");
    for (int i = 0; i < 40; i++)
        buf_addf(&text, ",\"n%d\":{}", i);
    buf_adds(&text, "}}}");
    fake_engine_reply(f->fake, "GET /containers/a/json", 200, buf_str(&text));
    assert_result(f, engine_container_inspect(f->engine, "a", &c, &f->err), 0);
    assert_int_equal(c.endpoint_count, ENGINE_ENDPOINTS_MAX);
    engine_container_done(&c);
    buf_done(&text);
}

static void an_inspect_of_wrong_types_does_no_harm(void **state)
{
    struct fixture *f = *state;
    struct engine_container c;
    fake_engine_reply(f->fake, "GET /containers/a/json", 200,
                      "{\"Id\":3,\"Name\":null,\"Config\":[],\"State\":\"x\",\"HostConfig\":7,"
                      "\"NetworkSettings\":{\"Networks\":"
                      "[1,2],\"Ports\":\"x\"}}");
    assert_result(f, engine_container_inspect(f->engine, "a", &c, &f->err), 0);
    assert_string_equal(c.id, "");
    assert_string_equal(c.restart_policy, "no");
    assert_int_equal(c.endpoint_count, 0);
    engine_container_done(&c);
}

static void an_inspect_that_is_no_object_is_refused(void **state)
{
    struct fixture *f = *state;
    struct engine_container c;
    fake_engine_reply(f->fake, "GET /containers/a/json", 200, "[]");
    assert_err(f, engine_container_inspect(f->engine, "a", &c, &f->err), ERR_PROTO, "not an object");
}

static void no_such_container_is_1(void **state)
{
    struct fixture *f = *state;
    struct engine_container c;
    fake_engine_reply(f->fake, "GET /containers/", 404, "{\"message\":\"No such container: a\"}");
    assert_result(f, engine_container_inspect(f->engine, "a", &c, &f->err), 1);
    engine_container_done(&c);
}

static void a_list_is_filtered_by_label(void **state)
{
    struct fixture *f = *state;
    struct json *j = NULL;
    fake_engine_reply(f->fake, "GET /containers/json", 200, "[{},{}]");
    assert_result(f, engine_container_list(f->engine, "io.bluegreen.app=shop", &j, &f->err), 0);
    assert_int_equal(json_len(j), 2);
    assert_asked(f,
                 "GET "
                 "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22io.bluegreen.app%3Dshop%22%5D%7D",
                 1);
    json_free(j);
}

static void creating_gives_the_id(void **state)
{
    struct fixture *f = *state;
    char id[ENGINE_ID_MAX];
    struct json *body = json_object();
    json_set_str(body, "Image", "a");
    fake_engine_reply(f->fake, "POST /containers/create?name=shop-next", 201, "{\"Id\":\"abc\",\"Warnings\":[]}");
    assert_result(f, engine_container_create(f->engine, "shop-next", body, id, &f->err), 0);
    assert_string_equal(id, "abc");
    assert_seen(f, "\r\n\r\n{\"Image\":\"a\"}");
    json_free(body);
}

static void a_taken_name_is_409(void **state)
{
    struct fixture *f = *state;
    char id[ENGINE_ID_MAX] = "untouched";
    fake_engine_reply(f->fake, "POST /containers/create", 409, "{\"message\":\"Conflict. The container name\"}");
    int r = engine_container_create(f->engine, "a", NULL, id, &f->err);
    assert_int_equal(f->err.code, 409);
    assert_err(f, r, ERR_DOCKER, "Conflict");
    assert_string_equal(id, "untouched");
}

static void a_creation_without_id_is_refused(void **state)
{
    struct fixture *f = *state;
    char id[ENGINE_ID_MAX];
    fake_engine_reply(f->fake, "POST /containers/create", 201, "{}");
    assert_err(f, engine_container_create(f->engine, "a", NULL, id, &f->err), ERR_PROTO, "id");
}

static void starting_what_runs_is_fine(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /containers/a/start", 304, "");
    fake_engine_reply(f->fake, "POST /containers/b/start", 204, "");
    assert_result(f, engine_container_start(f->engine, "a", &f->err), 0);
    assert_result(f, engine_container_start(f->engine, "b", &f->err), 0);
}

static void starting_on_a_taken_port_says_so(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /containers/a/start", 500,
                      "{\"message\":\"Bind for 0.0.0.0:8080 failed: port is already allocated\"}");
    assert_err(f, engine_container_start(f->engine, "a", &f->err), ERR_PORT_TAKEN, "0.0.0.0:8080");
}

static void starting_a_program_for_another_machine_says_so(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /containers/a/start", 400, "{\"message\":\"exec /app: exec format error\"}");
    assert_err(f, engine_container_start(f->engine, "a", &f->err), ERR_PLATFORM, "exec format error");
}

static void starting_without_program_is_an_ended_app(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /containers/a/start", 400,
                      "{\"message\":\"exec: \\\"x\\\": executable file not found in $PATH\"}");
    assert_err(f, engine_container_start(f->engine, "a", &f->err), ERR_APP_EXITED, "executable file not found");
}

static void starting_what_is_gone_is_an_error(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /containers/a/start", 404, "{\"message\":\"No such container: a\"}");
    assert_err(f, engine_container_start(f->engine, "a", &f->err), ERR_DOCKER, "No such container");
}

static void stopping_accepts_stopped_and_gone(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /containers/a/stop?t=7", 204, "");
    fake_engine_reply(f->fake, "POST /containers/b/stop?t=0", 304, "");
    assert_result(f, engine_container_stop(f->engine, "a", 7, &f->err), 0);
    assert_result(f, engine_container_stop(f->engine, "b", -1, &f->err), 0); /* never "wait for ever" */
    assert_asked(f, "POST /containers/b/stop?t=0", 1);
    assert_result(f, engine_container_stop(f->engine, "gone", 1, &f->err), 0);
}

static void renaming_to_the_same_name_is_fine(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /containers/a/rename?name=shop-blue", 400,
                      "{\"message\":\"Renaming a container with the same name as its current name\"}");
    fake_engine_reply(f->fake, "POST /containers/b/rename", 400, "{\"message\":\"Invalid container name\"}");
    fake_engine_reply(f->fake, "POST /containers/c/rename", 409, "{\"message\":\"Conflict\"}");
    assert_result(f, engine_container_rename(f->engine, "a", "shop-blue", &f->err), 0);
    assert_err(f, engine_container_rename(f->engine, "b", "-", &f->err), ERR_DOCKER, "Invalid container name");
    int r = engine_container_rename(f->engine, "c", "x", &f->err);
    assert_int_equal(f->err.code, 409);
    assert_err(f, r, ERR_DOCKER, "Conflict");
}

static void removing_forces_and_accepts_gone(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "DELETE /containers/a?v=1&force=1", 204, "");
    assert_result(f, engine_container_remove(f->engine, "a", &f->err), 0);
    assert_result(f, engine_container_remove(f->engine, "gone", &f->err), 0);
}

static void a_removal_under_way_is_waited_for(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "DELETE /containers/a", 409,
                      "{\"message\":\"removal of container a is already in progress\"}");
    assert_result(f, engine_container_remove(f->engine, "a", &f->err), 0);
    assert_asked(f, "POST /containers/a/wait?condition=removed", 1);
}

static void a_removal_that_is_refused_is_an_error(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "DELETE /containers/a", 409, "{\"message\":\"You cannot remove it\"}");
    assert_err(f, engine_container_remove(f->engine, "a", &f->err), ERR_DOCKER, "remove container a: You cannot");
}

static void restart_policies_are_set_in_the_engines_form(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /containers/a/update", 200, "{\"Warnings\":null}");
    assert_result(f, engine_container_set_restart_policy(f->engine, "a", "on-failure:5", &f->err), 0);
    assert_seen(f, "{\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":5}}");
    assert_result(f, engine_container_set_restart_policy(f->engine, "a", "", &f->err), 0);
    assert_seen(f, "{\"RestartPolicy\":{\"Name\":\"no\"}}");
}

/* ---- logs and stats ---- */

#define FRAMES                                                                                                         \
    "\x01\0\0\0\0\0\0\x06"                                                                                             \
    "first\n"                                                                                                          \
    "\x02\0\0\0\0\0\0\x04"                                                                                             \
    "err\n"                                                                                                            \
    "\x01\0\0\0\0\0\0\x05"                                                                                             \
    "last\n"

static void logs_split_at_every_byte_are_put_together(void **state)
{
    struct fixture *f = *state;
    struct engine_container c = { .id = "abc" };
    for (size_t piece = 1; piece < 20; piece++) {
        struct buf out = BUF_INIT(1000);
        fake_engine_answer(f->fake, (struct fake_answer){ .request = "GET /containers/abc/logs",
                                                          .status = 200,
                                                          .body = SPAN_LIT(FRAMES),
                                                          .piece = piece });
        assert_result(f, engine_container_logs(f->engine, &c, 50, 1000, false, NULL, &out, &f->err), 0);
        assert_string_equal(buf_str(&out), "first\nerr\nlast\n");
        buf_done(&out);
    }
    assert_asked(f, "GET /containers/abc/logs?stdout=1&stderr=1&tail=50&timestamps=0", 19);
}

static void logs_keep_the_newest_bytes(void **state)
{
    struct fixture *f = *state;
    struct engine_container c = { .id = "abc" };
    struct buf out = BUF_INIT(10);
    fake_engine_answer(
        f->fake, (struct fake_answer){
                     .request = "GET /containers/abc/logs", .status = 200, .body = SPAN_LIT(FRAMES), .piece = 3 });
    assert_result(f, engine_container_logs(f->engine, &c, 50, 10, true, NULL, &out, &f->err), 0);
    assert_string_equal(buf_str(&out), "err\nlast\n");
    buf_done(&out);
}

static void logs_of_a_terminal_are_raw(void **state)
{
    struct fixture *f = *state;
    struct engine_container c = { .id = "abc", .tty = true };
    struct buf out = BUF_INIT(100);
    fake_engine_reply(f->fake, "GET /containers/abc/logs", 200, "raw\r\n");
    assert_result(f, engine_container_logs(f->engine, &c, 50, 100, false, NULL, &out, &f->err), 0);
    assert_string_equal(buf_str(&out), "raw\r\n");
    buf_done(&out);
}

static void logs_with_broken_frames_are_refused(void **state)
{
    struct fixture *f = *state;
    struct engine_container c = { .id = "abc" };
    struct buf out = BUF_INIT(100);
    fake_engine_reply(f->fake, "GET /containers/abc/logs", 200, "not framed at all");
    assert_err(f, engine_container_logs(f->engine, &c, 50, 100, false, NULL, &out, &f->err), ERR_PROTO, "broken frame");
    assert_int_equal(out.len, 0);
}

static void logs_that_the_driver_cannot_read_are_an_error(void **state)
{
    struct fixture *f = *state;
    struct engine_container c = { .id = "abc" };
    struct buf out = BUF_INIT(100);
    fake_engine_reply(f->fake, "GET /containers/abc/logs", 501,
                      "{\"message\":\"configured logging driver does not support reading\"}");
    assert_err(f, engine_container_logs(f->engine, &c, 50, 100, false, NULL, &out, &f->err), ERR_DOCKER,
               "logging driver");
}

static void stats_are_one_shot_from_api_1_41_on(void **state)
{
    struct fixture *f = *state;
    struct engine_stats s;
    fake_engine_reply(f->fake, "GET /containers/a/stats", 200, "{\"memory_stats\":{\"usage\":5}}");
    assert_result(f, engine_container_stats(f->engine, "a", &s, &f->err), 0);
    assert_int_equal(s.memory_bytes, 5);
    assert_true(s.at_ms > 0);
    assert_asked(f, "GET /containers/a/stats?stream=false&one-shot=true", 1);
}

static void stats_of_an_older_engine_are_asked_the_old_way(void **state)
{
    (void)state;
    struct fixture f = { .fake = fake_engine_start("1.40") };
    struct engine_stats s;
    assert_int_equal(engine_open(&f.engine, fake_engine_socket(f.fake), NULL, NULL), 0);
    fake_engine_reply(f.fake, "GET /containers/a/stats", 200, "{}");
    assert_result(&f, engine_container_stats(f.engine, "a", &s, &f.err), 0);
    assert_null(strstr(fake_engine_seen(f.fake), "one-shot"));
    engine_free(f.engine);
    fake_engine_stop(f.fake);
}

static void the_size_of_a_container_is_what_it_wrote(void **state)
{
    struct fixture *f = *state;
    int64_t bytes = -1;
    fake_engine_reply(f->fake, "GET /containers/a/json?size=1", 200, "{\"SizeRw\":12345,\"SizeRootFs\":99999}");
    assert_result(f, engine_container_size(f->engine, "a", &bytes, &f->err), 0);
    assert_int_equal(bytes, 12345);
    assert_result(f, engine_container_size(f->engine, "gone", &bytes, &f->err), 0);
    assert_int_equal(bytes, 0);
}

static void times_of_the_engine_are_read(void **state)
{
    (void)state;
    assert_int_equal(engine_time_ms("1970-01-01T00:00:01Z"), 1000);
    assert_int_equal(engine_time_ms("1970-01-01T00:00:01.5Z"), 1500);
    assert_int_equal(engine_time_ms("1970-01-01T00:00:01.123456789Z"), 1123);
    static const char *const none[] = { "",
                                        "Z",
                                        "0001-01-01T00:00:00Z",
                                        "1970-01-01T00:00:01",
                                        "1970-01-01T00:00:01+01:00",
                                        "yesterdayZ",
                                        "1970-01-01T00:00:01.5.5.5Z garbage" };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(engine_time_ms(none[i]), -1);
}

static void a_limit_holds_for_every_call(void **state)
{
    struct fixture *f = *state;
    struct engine_container c;
    fake_engine_reply(f->fake, "GET /containers/shop-blue/json", FAKE_HANG, "");
    engine_limit(f->engine, 50);
    assert_err(f, engine_container_inspect(f->engine, "shop-blue", &c, &f->err), ERR_TIMEOUT, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_the_engine_are_read),
        CASE(a_limit_holds_for_every_call),
        CASE(a_container_is_read),
        CASE(networks_of_a_container_are_read),
        CASE(more_networks_than_fit_are_left_out),
        CASE(an_inspect_of_wrong_types_does_no_harm),
        CASE(an_inspect_that_is_no_object_is_refused),
        CASE(no_such_container_is_1),
        CASE(the_size_of_a_container_is_what_it_wrote),
        CASE(a_list_is_filtered_by_label),
        CASE(creating_gives_the_id),
        CASE(a_taken_name_is_409),
        CASE(a_creation_without_id_is_refused),
        CASE(starting_what_runs_is_fine),
        CASE(starting_on_a_taken_port_says_so),
        CASE(starting_a_program_for_another_machine_says_so),
        CASE(starting_without_program_is_an_ended_app),
        CASE(starting_what_is_gone_is_an_error),
        CASE(stopping_accepts_stopped_and_gone),
        CASE(renaming_to_the_same_name_is_fine),
        CASE(removing_forces_and_accepts_gone),
        CASE(a_removal_under_way_is_waited_for),
        CASE(a_removal_that_is_refused_is_an_error),
        CASE(restart_policies_are_set_in_the_engines_form),
        CASE(logs_split_at_every_byte_are_put_together),
        CASE(logs_keep_the_newest_bytes),
        CASE(logs_of_a_terminal_are_raw),
        CASE(logs_with_broken_frames_are_refused),
        CASE(logs_that_the_driver_cannot_read_are_an_error),
        CASE(stats_are_one_shot_from_api_1_41_on),
        cmocka_unit_test(stats_of_an_older_engine_are_asked_the_old_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
