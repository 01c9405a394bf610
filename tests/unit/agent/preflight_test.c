#include "agent/steps/steps.h"

#include "tests/unit/agent/host.h"

/* A container of this name; ours or a stranger's. */
static void there_is(struct host *h, const char *name, bool running, bool ours)
{
    static const char *const requests[] = { "GET /containers/shop-blue/json", "GET /containers/shop-green/json",
                                            "GET /containers/shop-next/json" };
    const char *request = NULL;
    char inspect[300];
    for (size_t i = 0; i < 3; i++)
        if (strstr(requests[i], name))
            request = requests[i];
    assert_non_null(request);
    (void)snprintf(
        inspect, sizeof(inspect),
        "{\"Id\":\"id-%s\",\"Name\":\"/%s\",\"State\":{\"Status\":\"%s\",\"Running\":%s},\"Config\":{\"Labels\":{%s}}}",
        name, name, running ? "running" : "exited", running ? "true" : "false",
        ours ? "\"io.bluegreen.app\":\"shop\"" : "");
    fake_engine_reply(h->fake, request, 200, inspect);
}

static void assert_blue(struct host *h, const char *want)
{
    const char *name = NULL;
    host_assert_result(h, settle_who_is_blue(&h->run, &name, &h->err), 0);
    assert_string_equal(name, want);
}

static void blue_is_who_runs_under_that_name(void **state)
{
    struct host *h = *state;
    assert_blue(h, "shop-blue"); /* also when there is none at all */
    there_is(h, "shop-green", true, false);
    assert_blue(h, "shop-blue"); /* a stranger's is not ours to name */
    there_is(h, "shop-green", true, true);
    assert_blue(h, "shop-green"); /* somebody went back by hand */
    there_is(h, "shop-next", true, true);
    assert_blue(h, "shop-next"); /* names were not given at the end of a run */
    there_is(h, "shop-blue", false, true);
    assert_blue(h, "shop-next");
    there_is(h, "shop-blue", true, true);
    assert_blue(h, "shop-blue");
    assert_int_equal(fake_engine_count(h->fake, "POST ") + fake_engine_count(h->fake, "DELETE "), 0);
}

static void the_name_of_the_candidate_is_free_ours_or_a_strangers(void **state)
{
    struct host *h = *state;
    char id[ENGINE_ID_MAX] = "";
    host_assert_result(h, preflight_next_name(&h->run, id, sizeof(id), &h->err), 1);
    there_is(h, "shop-next", false, true);
    host_assert_result(h, preflight_next_name(&h->run, id, sizeof(id), &h->err), 0);
    assert_string_equal(id, "id-shop-next");
    there_is(h, "shop-next", false, false);
    host_assert_err(h, preflight_next_name(&h->run, id, sizeof(id), &h->err), ERR_DOCKER, "exists and is not ours");
}

static void a_strangers_container_is_in_the_way_while_it_runs(void **state)
{
    struct host *h = *state;
    host_assert_result(h, preflight_name(&h->run, "shop-green", &h->err), 0);
    there_is(h, "shop-green", false, false);
    host_assert_result(h, preflight_name(&h->run, "shop-green", &h->err), 0);
    there_is(h, "shop-green", true, true);
    host_assert_result(h, preflight_name(&h->run, "shop-green", &h->err), 0);
    there_is(h, "shop-green", true, false);
    host_assert_err(h, preflight_name(&h->run, "shop-green", &h->err), ERR_DOCKER, "runs and is not ours");
}

static void old_is(struct host *h, const char *inspect)
{
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 200, inspect);
    host_assert_result(h, preflight_look_at_old(&h->run, "shop-blue", &h->err), 0);
}

static void a_way_back_is_needed_to_what_runs(void **state)
{
    struct host *h = *state;
    old_is(h, "{\"State\":{\"Running\":true},\"HostConfig\":{\"AutoRemove\":true}}");
    host_assert_err(h, preflight_way_back(&h->run, &h->err), ERR_DOCKER, "--rm");
    old_is(h, "{\"State\":{\"Running\":true},\"HostConfig\":{\"NetworkMode\":\"host\"}}");
    host_assert_err(h, preflight_way_back(&h->run, &h->err), ERR_DOCKER, "--network host");
    old_is(h, "{\"State\":{\"Running\":false},\"HostConfig\":{\"NetworkMode\":\"host\"}}");
    host_assert_result(h, preflight_way_back(&h->run, &h->err), 0);
    old_is(h, "{\"State\":{\"Running\":true},\"HostConfig\":{\"NetworkMode\":\"bridge\"}}");
    host_assert_result(h, preflight_way_back(&h->run, &h->err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_CASE(blue_is_who_runs_under_that_name),
        ENGINE_CASE(the_name_of_the_candidate_is_free_ours_or_a_strangers),
        ENGINE_CASE(a_strangers_container_is_in_the_way_while_it_runs),
        ENGINE_CASE(a_way_back_is_needed_to_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
