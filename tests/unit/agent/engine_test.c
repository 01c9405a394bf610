#include "tests/unit/agent/engine_fixture.h"

#include "shared/clock.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* ---- opening ---- */

static void assert_negotiated(const char *offered, const char *path)
{
    struct fake_engine *fake = fake_engine_start(offered);
    struct engine *e = NULL;
    struct engine_info info;
    assert_int_equal(engine_open(&e, fake_engine_socket(fake), NULL, NULL), 0);
    fake_engine_reply(fake, "GET /info", 200, "{}");
    assert_int_equal(engine_info(e, &info, NULL), 0);
    if (!strstr(fake_engine_seen(fake), path))
        fail_msg("%s: %s", offered, fake_engine_seen(fake));
    engine_free(e);
    fake_engine_stop(fake);
}

static void engine_20_10_is_spoken_to_in_its_own_version(void **state)
{
    (void)state;
    assert_negotiated("1.41", "GET /v1.41/info");
}

static void engine_24_is_spoken_to_in_its_own_version(void **state)
{
    (void)state;
    assert_negotiated("1.43", "GET /v1.43/info");
}

static void engine_29_is_spoken_to_in_a_version_above_its_minimum(void **state)
{
    (void)state;
    assert_negotiated("1.52", "GET /v1.47/info"); /* its minimum is 1.44 */
}

static void assert_open_fails(const char *offered, const char *word)
{
    struct fixture f = { .fake = fake_engine_start(offered) };
    assert_err(&f, engine_open(&f.engine, fake_engine_socket(f.fake), NULL, &f.err), ERR_DOCKER, word);
    assert_null(f.engine);
    fake_engine_stop(f.fake);
}

static void an_engine_that_is_too_old_is_refused(void **state)
{
    (void)state;
    assert_open_fails("1.24", "too old");
}

static void something_that_is_no_engine_is_refused(void **state)
{
    (void)state;
    assert_open_fails("", "API version");
    assert_open_fails("2.0", "API version");
    assert_open_fails("1.x", "API version");
}

static void a_ping_that_fails_is_an_error_of_the_engine(void **state)
{
    (void)state;
    struct fixture f = { .fake = fake_engine_start("1.41") };
    fake_engine_reply(f.fake, "GET /_ping", 500, "starting up");
    assert_err(&f, engine_open(&f.engine, fake_engine_socket(f.fake), NULL, &f.err), ERR_DOCKER, "starting up");
    fake_engine_stop(f.fake);
}

static void a_missing_socket_is_a_missing_engine(void **state)
{
    (void)state;
    struct fixture f = { 0 };
    int r = engine_open(&f.engine, "/tmp/fake-engine-none/docker.sock", NULL, &f.err);
    assert_non_null(strstr(err_hint_text(&f.err), "Is Docker installed and running"));
    assert_int_equal(f.err.code, ENOENT);
    assert_err(&f, r, ERR_DOCKER_MISSING, "/tmp/fake-engine-none/docker.sock");
}

static void a_socket_where_nobody_listens_is_a_missing_engine(void **state)
{
    (void)state;
    struct fixture f = { 0 };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char folder[] = "/tmp/fake-engine-XXXXXX";
    assert_non_null(mkdtemp(folder));
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/docker.sock", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    close_p(&fd);

    int r = engine_open(&f.engine, address.sun_path, NULL, &f.err);
    assert_int_equal(f.err.code, ECONNREFUSED);
    assert_err(&f, r, ERR_DOCKER_MISSING, "nobody listens");
    (void)unlink(address.sun_path);
    (void)rmdir(folder);
}

static void a_forbidden_socket_names_the_user_and_the_group(void **state)
{
    (void)state;
    struct fixture f = { .fake = fake_engine_start("1.41") };
    bool root = geteuid() == 0;
    assert_int_equal(chmod(fake_engine_socket(f.fake), 0), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0); /* root may use any socket */
    int r = engine_open(&f.engine, fake_engine_socket(f.fake), NULL, &f.err);
    if (root)
        assert_int_equal(seteuid(0), 0);
    const char *hint = err_hint_text(&f.err);
    if (!strstr(hint, "sudo usermod -aG docker ") || strstr(hint, "docker  ") || strstr(hint, "docker `"))
        fail_msg("hint: %s", hint);
    assert_err(&f, r, ERR_DOCKER_DENIED, "may not use");
    fake_engine_stop(f.fake);
}

static void a_path_that_is_too_long_for_a_socket_is_refused(void **state)
{
    (void)state;
    struct fixture f = { 0 };
    char path[200];
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_err(&f, engine_open(&f.engine, path, NULL, &f.err), ERR_DOCKER_MISSING, "Unix socket");
}

static void docker_host_chooses_the_socket(void **state)
{
    (void)state;
    struct fake_engine *fake = fake_engine_start("1.41");
    struct engine *e = NULL;
    char value[128];
    (void)snprintf(value, sizeof(value), "unix://%s", fake_engine_socket(fake));
    assert_int_equal(setenv("DOCKER_HOST", value, 1), 0);
    int r = engine_open(&e, NULL, NULL, NULL);
    (void)unsetenv("DOCKER_HOST");
    assert_int_equal(r, 0);
    assert_string_equal(engine_socket_path(e), fake_engine_socket(fake));
    engine_free(e);
    fake_engine_stop(fake);
}

/* ---- the one function for calls ---- */

static void an_error_answer_keeps_words_and_status(void **state)
{
    struct fixture *f = *state;
    struct engine_info info;
    fake_engine_reply(f->fake, "GET /info", 503, "{\"message\":\"dockerd is busy\"}");
    int r = engine_info(f->engine, &info, &f->err);
    assert_int_equal(f->err.code, 503);
    assert_err(f, r, ERR_DOCKER, "GET /info: dockerd is busy");
}

static void an_error_answer_without_json_is_told_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct engine_info info;
    fake_engine_reply(f->fake, "GET /info", 502, "<html>\r\nbad gateway\r\n");
    assert_err(f, engine_info(f->engine, &info, &f->err), ERR_DOCKER, "<html>  bad gateway");
}

static void an_error_answer_without_words_tells_its_status(void **state)
{
    struct fixture *f = *state;
    struct engine_info info;
    fake_engine_reply(f->fake, "GET /info", 500, "");
    assert_err(f, engine_info(f->engine, &info, &f->err), ERR_DOCKER, "HTTP status 500");
}

static void an_answer_that_is_broken_json_is_refused(void **state)
{
    struct fixture *f = *state;
    struct engine_info info;
    fake_engine_reply(f->fake, "GET /info", 200, "{\"ServerVersion\":");
    assert_err(f, engine_info(f->engine, &info, &f->err), ERR_PROTO, "answer of the Docker Engine");
}

static void a_connection_that_closes_without_a_word_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct engine_info info;
    fake_engine_reply(f->fake, "GET /info", FAKE_CLOSE, "");
    assert_true(engine_info(f->engine, &info, &f->err) < 0);
    assert_true(f->err.kind == ERR_NET || f->err.kind == ERR_PROTO);
}

static void an_answer_cut_anywhere_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct json *j = NULL;
    static const char body[] = "[{\"Id\":\"abc\"}]";
    for (size_t cut = 1; cut < sizeof(body) - 1; cut++) {
        fake_engine_answer(f->fake, (struct fake_answer){ .request = "GET /containers/json",
                                                          .status = 200,
                                                          .body = SPAN_LIT("[{\"Id\":\"abc\"}]"),
                                                          .cut = cut });
        assert_true(engine_container_list(f->engine, NULL, &j, &f->err) < 0);
        assert_null(j);
    }
}

static void a_full_disk_is_known_in_every_call(void **state)
{
    struct fixture *f = *state;
    char id[ENGINE_ID_MAX];
    fake_engine_reply(f->fake, "POST /containers/create", 500, "{\"message\":\"mkdir /x: no space left on device\"}");
    assert_err(f, engine_container_create(f->engine, "a", NULL, id, &f->err), ERR_DISK_FULL, "no space left");
}

static void calls_work_without_an_error_struct(void **state)
{
    struct fixture *f = *state;
    struct engine_info info;
    fake_engine_reply(f->fake, "GET /info", 500, "{\"message\":\"x\"}");
    assert_int_equal(engine_info(f->engine, &info, NULL), -(int)ERR_DOCKER);
}

static void a_cancelled_call_ends_at_once(void **state)
{
    (void)state;
    struct fixture f = { .fake = fake_engine_start("1.41") };
    volatile sig_atomic_t cancel = 0;
    struct engine_info info;
    assert_int_equal(engine_open(&f.engine, fake_engine_socket(f.fake), &cancel, &f.err), 0);
    fake_engine_reply(f.fake, "GET /info", FAKE_HANG, "");
    int64_t before = clock_mono_ms();
    cancel = 1;
    assert_err(&f, engine_info(f.engine, &info, &f.err), ERR_CANCEL, "");
    assert_in_range(clock_mono_ms() - before, 0, 5000);
    engine_free(f.engine);
    fake_engine_stop(f.fake);
}

static void names_that_could_leave_their_place_in_a_path_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "", "../info", "a/../../info", "/a", "a//b", ".hidden" };
    struct engine_container c;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_err(f, engine_container_inspect(f->engine, names[i], &c, &f->err), ERR_INPUT, "not a name");
    assert_int_equal(fake_engine_count(f->fake, "GET /containers"), 0);
}

static void odd_bytes_in_a_name_are_escaped(void **state)
{
    struct fixture *f = *state;
    struct engine_container c;
    assert_int_equal(engine_container_inspect(f->engine, "a?b#c d\n", &c, &f->err), 1);
    assert_int_equal(fake_engine_count(f->fake, "GET /containers/a%3Fb%23c%20d%0A/json"), 1);
}

static void the_engine_tells_about_itself(void **state)
{
    struct fixture *f = *state;
    struct engine_info info;
    fake_engine_reply(f->fake, "GET /info", 200,
                      "{\"ServerVersion\":\"20.10.24\",\"OSType\":\"linux\",\"Architecture\":"
                      "\"aarch64\",\"DockerRootDir\":\"/d\","
                      "\"KernelVersion\":\"6.1\",\"Driver\":\"overlay2\",\"LiveRestoreEnabled\":"
                      "true,\"SecurityOptions\":"
                      "[\"name=seccomp,profile=default\",\"name=rootless\"]}");
    assert_int_equal(engine_info(f->engine, &info, &f->err), 0);
    assert_string_equal(info.version, "20.10.24");
    assert_string_equal(info.api, "1.41");
    assert_string_equal(info.arch, "arm64");
    assert_string_equal(info.root_dir, "/d");
    assert_true(info.live_restore);
    assert_true(info.rootless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine_20_10_is_spoken_to_in_its_own_version),
        cmocka_unit_test(engine_24_is_spoken_to_in_its_own_version),
        cmocka_unit_test(engine_29_is_spoken_to_in_a_version_above_its_minimum),
        cmocka_unit_test(an_engine_that_is_too_old_is_refused),
        cmocka_unit_test(something_that_is_no_engine_is_refused),
        cmocka_unit_test(a_ping_that_fails_is_an_error_of_the_engine),
        cmocka_unit_test(a_missing_socket_is_a_missing_engine),
        cmocka_unit_test(a_socket_where_nobody_listens_is_a_missing_engine),
        cmocka_unit_test(a_forbidden_socket_names_the_user_and_the_group),
        cmocka_unit_test(a_path_that_is_too_long_for_a_socket_is_refused),
        cmocka_unit_test(docker_host_chooses_the_socket),
        CASE(an_error_answer_keeps_words_and_status),
        CASE(an_error_answer_without_json_is_told_as_it_is),
        CASE(an_error_answer_without_words_tells_its_status),
        CASE(an_answer_that_is_broken_json_is_refused),
        CASE(a_connection_that_closes_without_a_word_is_an_error),
        CASE(an_answer_cut_anywhere_is_an_error),
        CASE(a_full_disk_is_known_in_every_call),
        CASE(calls_work_without_an_error_struct),
        cmocka_unit_test(a_cancelled_call_ends_at_once),
        CASE(names_that_could_leave_their_place_in_a_path_are_refused),
        CASE(odd_bytes_in_a_name_are_escaped),
        CASE(the_engine_tells_about_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
