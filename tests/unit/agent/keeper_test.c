#include "agent/keeper/keeper.h"

#include "agent/request.h"
#include "shared/crypto.h"
#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

/* The image that a keeper of this very binary has. */
static void own_image(char *out, size_t size)
{
    char sha[CRYPTO_SHA256_HEX_SIZE];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(crypto_sha256_fd(fd, sha, NULL), 0);
    (void)snprintf(out, size, "bluegreen-keeper:%.16s", sha);
    close_p(&fd);
}

static void answer_keeper(struct host *h, const char *image, const char *role, bool running)
{
    char text[500];
    (void)snprintf(text, sizeof(text),
                   "{\"Id\":\"kkk\",\"Name\":\"/shop-keeper\",\"Config\":{\"Image\":\"%s\",\"Labels\":{"
                   "\"io.bluegreen.app\":\"shop\",\"io.bluegreen.role\":\"%s\"}},\"State\":{\"Running\":%s}}",
                   image, role, running ? "true" : "false");
    fake_engine_reply(h->fake, "GET /containers/shop-keeper/json", 200, text);
}

/* The version that serves, deployed with these ports. */
static void answer_blue(struct host *h, const char *ports)
{
    char text[400];
    (void)snprintf(
        text, sizeof(text),
        "{\"Id\":\"bbb\",\"Name\":\"/shop-blue\",\"Config\":{\"Labels\":{\"io.bluegreen.deployment\":\"" HOST_ID "\"}},"
        "\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"%s\"}]}}}",
        ports);
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 200, text);
}

static void store_settings(struct host *h)
{
    (void)spec_set_str(&h->run.spec.app, HOST_APP, NULL);
    (void)spec_set_str(&h->run.spec.image, "shop:1", NULL);
    h->run.spec.port = 8080;
    host_assert_result(h, request_store(&h->run, &h->err), 0);
}

static int set_up(void **state)
{
    (void)host_set_up_engine(state);
    struct host *h = *state;
    fake_engine_reply(h->fake, "GET /images/", 200, "{\"Id\":\"sha256:1\"}");
    fake_engine_reply(h->fake, "POST /containers/create", 201, "{\"Id\":\"new\"}");
    fake_engine_reply(h->fake, "POST /containers/new/start", 204, "");
    fake_engine_reply(h->fake, "DELETE /containers/", 204, "");
    store_settings(h);
    return 0;
}

static void assert_asked(struct host *h, const char *request, size_t times)
{
    if (fake_engine_count(h->fake, request) != times)
        fail_msg("'%s' was not asked %zu times: %s", request, times, fake_engine_seen(h->fake));
}

static void where_there_is_none_it_is_made_and_started(void **state)
{
    struct host *h = *state;
    host_assert_result(h, keeper_ensure(&h->run, &h->err), 0);
    assert_asked(h, "POST /containers/create?name=shop-keeper", 1);
    assert_asked(h, "POST /containers/new/start", 1);
}

static void it_may_do_next_to_nothing(void **state)
{
    struct host *h = *state;
    static const char *const wanted[] = { "\"CapDrop\":[\"ALL\"]",
                                          "\"ReadonlyRootfs\":true",
                                          "\"no-new-privileges\"",
                                          "\"NetworkMode\":\"bluegreen-shop\"",
                                          "\"Cmd\":[\"shop\"]",
                                          "\"Name\":\"always\"",
                                          "\"io.bluegreen.role\":\"keeper\"",
                                          "\"PidsLimit\":",
                                          "\"Memory\":" };
    host_assert_result(h, keeper_ensure(&h->run, &h->err), 0);
    const char *body = strstr(fake_engine_seen(h->fake), "/containers/create");
    assert_non_null(body);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(body, wanted[i]))
            fail_msg("%s is not in: %s", wanted[i], body);
    assert_null(strstr(body, "Privileged"));
    assert_null(strstr(body, "PortBindings"));
}

static void one_that_fits_is_left_alone(void **state)
{
    struct host *h = *state;
    char image[64];
    own_image(image, sizeof(image));
    answer_keeper(h, image, "keeper", true);
    host_assert_result(h, keeper_ensure(&h->run, &h->err), 0);
    assert_asked(h, "POST /containers/create", 0);
    assert_asked(h, "DELETE /containers/", 0);
}

static void one_of_another_agent_is_replaced(void **state)
{
    struct host *h = *state;
    answer_keeper(h, "bluegreen-keeper:0123456789abcdef", "keeper", true);
    host_assert_result(h, keeper_ensure(&h->run, &h->err), 0);
    assert_asked(h, "DELETE /containers/kkk", 1);
    assert_asked(h, "POST /containers/create", 1);
}

static void one_that_does_not_run_is_replaced(void **state)
{
    struct host *h = *state;
    char image[64];
    own_image(image, sizeof(image));
    answer_keeper(h, image, "keeper", false);
    host_assert_result(h, keeper_ensure(&h->run, &h->err), 0);
    assert_asked(h, "DELETE /containers/kkk", 1);
    assert_asked(h, "POST /containers/new/start", 1);
}

static void a_container_of_somebody_else_is_left_alone(void **state)
{
    struct host *h = *state;
    answer_keeper(h, "postgres:16", "", true);
    int r = keeper_ensure(&h->run, &h->err);
    assert_non_null(strstr(err_hint_text(&h->err), "Rename or remove"));
    host_assert_err(h, r, ERR_DOCKER, "'shop-keeper' exists and is not ours");
    host_assert_err(h, keeper_remove(&h->run, &h->err), ERR_DOCKER, "is not ours");
    assert_asked(h, "DELETE /containers/", 0);
    assert_asked(h, "POST /containers/create", 0);
}

static void one_that_does_not_start_is_removed(void **state)
{
    struct host *h = *state;
    fake_engine_reply(h->fake, "POST /containers/new/start", 500, "{\"message\":\"no room\"}");
    host_assert_err(h, keeper_ensure(&h->run, &h->err), ERR_DOCKER, "no room");
    assert_asked(h, "DELETE /containers/new", 1);
}

static void it_is_removed_where_it_is_not_wanted(void **state)
{
    struct host *h = *state;
    answer_keeper(h, "bluegreen-keeper:1", "keeper", true);
    host_assert_result(h, keeper_remove(&h->run, &h->err), 0);
    assert_asked(h, "DELETE /containers/kkk", 1);
    assert_asked(h, "POST /containers/create", 0);
}

static void where_there_is_none_there_is_nothing_to_remove(void **state)
{
    struct host *h = *state;
    host_assert_result(h, keeper_remove(&h->run, &h->err), 0);
    assert_asked(h, "DELETE /containers/", 0);
}

static void a_failure_may_be_no_more_than_a_warning(void **state)
{
    struct host *h = *state;
    fake_engine_reply(h->fake, "POST /containers/create", 500, "{\"message\":\"no room\"}");
    keeper_ensure_or_warn(&h->run);
    struct json *told = host_event(h->run.dir_fd, EVENT_LOG);
    assert_string_equal(json_str(told, "level", ""), "warning");
    assert_non_null(strstr(json_str(told, "text", ""), "no room"));
    json_free(told);
}

static void the_ports_are_those_of_its_own_deployment(void **state)
{
    struct host *h = *state;
    int port = 0, first = 0, last = 0;
    answer_blue(h, "8080");
    host_assert_result(h, run_find(&h->run, "shop-blue", &h->run.old, &h->err), 0);
    assert_false(keeper_ports_of(h->run.app_fd, &h->run.old.c, &port, &first, &last)); /* no pair */
    answer_blue(h, "8079-8080");
    host_assert_result(h, run_find(&h->run, "shop-blue", &h->run.old, &h->err), 0);
    h->run.spec.port = 1234; /* of the run at hand */
    assert_true(keeper_ports_of(h->run.app_fd, &h->run.old.c, &port, &first, &last));
    assert_int_equal(port, 8080);
    assert_int_equal(first, 8079);
    assert_int_equal(last, 8080);
    assert_int_equal(unlinkat(h->run.dir_fd, "request.json", 0), 0);
    assert_false(keeper_ports_of(h->run.app_fd, &h->run.old.c, &port, &first, &last));
}

static void it_keeps_an_app_only(void **state)
{
    struct host *h = *state;
    host_assert_err(h, keeper_main("../x", &h->err), ERR_INPUT, "name of an app");
}

static void it_ends_when_it_is_told_to(void **state)
{
    (void)state;
    int said[2], status = -1;
    char text[256];
    assert_int_equal(pipe2(said, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(said[1], STDERR_FILENO);
        _exit(keeper_main("unit-test-of-the-keeper", NULL) == 0 ? 0 : 1);
    }
    assert_true(child > 0);
    close_p(&said[1]);
    struct pollfd p = { .fd = said[0], .events = POLLIN };
    if (poll(&p, 1, 2000) == 1) /* it complains that there is no engine; where there is one it says nothing */
        assert_true(read(said[0], text, sizeof(text)) > 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close_p(&said[0]);
}

#define KEEPER_CASE(name) cmocka_unit_test_setup_teardown(name, set_up, host_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEEPER_CASE(where_there_is_none_it_is_made_and_started),
        KEEPER_CASE(it_may_do_next_to_nothing),
        KEEPER_CASE(one_that_fits_is_left_alone),
        KEEPER_CASE(one_of_another_agent_is_replaced),
        KEEPER_CASE(one_that_does_not_run_is_replaced),
        KEEPER_CASE(a_container_of_somebody_else_is_left_alone),
        KEEPER_CASE(one_that_does_not_start_is_removed),
        KEEPER_CASE(it_is_removed_where_it_is_not_wanted),
        KEEPER_CASE(where_there_is_none_there_is_nothing_to_remove),
        KEEPER_CASE(a_failure_may_be_no_more_than_a_warning),
        KEEPER_CASE(the_ports_are_those_of_its_own_deployment),
        ROOT_CASE(it_keeps_an_app_only),
        ROOT_CASE(it_ends_when_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
