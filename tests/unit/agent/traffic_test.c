#include "agent/traffic/strategy.h"
#include "tests/unit/agent/host.h"

static struct engine_container container(const char *inspect)
{
    return (struct engine_container){ .raw = host_parse(inspect) };
}

static void strategies_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(strategy_by_name("handover"), &strategy_handover);
    assert_ptr_equal(strategy_by_name("recreate"), &strategy_recreate);
    assert_null(strategy_by_name("hand"));
    assert_null(strategy_by_name(""));
}

static const struct {
    const char *host_port;
    int port, first, last; /* first 0: not found */
} ranges[] = {
    { "8080", 8080, 8080, 8080 },
    { "8080", 8081, 0, 0 },
    { "8080-8081", 8080, 8080, 8081 },
    { "8080-8081", 8081, 8080, 8081 },
    { "8080-8081", 8082, 0, 0 },
    { "8080-8081", 8079, 0, 0 },
    { "", 8080, 0, 0 },
    { "x", 8080, 0, 0 },
    { "65534-65535", 65535, 65534, 65535 },
    { "0", 0, 0, 0 },
};

static void the_range_that_holds_the_port_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        char text[200];
        int first = 0, last = 0;
        (void)snprintf(text, sizeof(text),
                       "{\"HostConfig\":{\"PortBindings\":{\"1/tcp\":[{\"HostPort\":\"7000-7010\"}],\"80/tcp\":[{"
                       "\"HostPort\":\"%s\"}]}}}",
                       ranges[i].host_port);
        struct engine_container c = container(text);
        bool found = traffic_wanted_ports(&c, ranges[i].port, &first, &last);
        if (found != (ranges[i].first != 0) || first != ranges[i].first || last != ranges[i].last)
            fail_msg("'%s' for %d: %d %d-%d", ranges[i].host_port, ranges[i].port, found, first, last);
        engine_container_done(&c);
    }
}

static void a_container_that_publishes_nothing_wants_nothing(void **state)
{
    (void)state;
    static const char *const inspects[] = { "{}", "{\"HostConfig\":{\"PortBindings\":null}}",
                                            "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":null}}}" };
    for (size_t i = 0; i < sizeof(inspects) / sizeof(inspects[0]); i++) {
        struct engine_container c = container(inspects[i]);
        int first = -1, last = -1;
        assert_false(traffic_wanted_ports(&c, 8080, &first, &last));
        assert_false(traffic_holds_port(&c, 8080));
        assert_int_equal(traffic_bound_port(&c, 8080, 8081), 0);
        engine_container_done(&c);
    }
}

static void the_port_that_is_bound_now_is_found(void **state)
{
    (void)state;
    struct engine_container c =
        container("{\"NetworkSettings\":{\"Ports\":{\"9/tcp\":null,\"80/tcp\":[{\"HostIp\":\"::\","
                  "\"HostPort\":\"8081\"},{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8081\"}]}}}");
    assert_true(traffic_holds_port(&c, 8081));
    assert_false(traffic_holds_port(&c, 808));
    assert_false(traffic_holds_port(&c, 8080));
    assert_int_equal(traffic_bound_port(&c, 8080, 8081), 8081);
    assert_int_equal(traffic_bound_port(&c, 8082, 8083), 0);
    engine_container_done(&c);
}

static const char two_networks[] =
    "{\"Id\":\"abc\",\"Name\":\"/shop-blue\",\"HostConfig\":{\"NetworkMode\":\"bluegreen-shop\","
    "\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8080-8081\"}]}},"
    "\"State\":{\"Status\":\"running\",\"Running\":true},\"NetworkSettings\":{"
    "\"Ports\":{\"80/tcp\":[{\"HostPort\":\"8081\"}]},\"Networks\":{"
    "\"backend\":{\"IPAMConfig\":null,\"Aliases\":[\"api\"],\"IPAddress\":\"172.20.0.2\"},"
    "\"bluegreen-shop\":{\"IPAMConfig\":{\"IPv4Address\":\"172.19.255.253\"},\"Aliases\":[\"shop\"]}}}}";

static void find_blue(struct host *h)
{
    fake_engine_reply(h->fake, "GET /containers/abc/json", 200, two_networks);
    host_assert_result(h, run_find(&h->run, "abc", &h->run.old, &h->err), 0);
}

static void a_version_gets_its_networks_back_the_one_with_the_ports_first(void **state)
{
    struct host *h = *state;
    find_blue(h);
    fake_engine_reply(h->fake, "GET /containers/abc/json", 200,
                      "{\"Id\":\"abc\",\"NetworkSettings\":{\"Networks\":{}}}");
    fake_engine_reply(h->fake, "POST /networks/", 200, "");
    host_assert_result(h, traffic_connect(&h->run, &h->run.old, &h->err), 0);
    const char *seen = fake_engine_seen(h->fake);
    const char *own = strstr(seen, "/networks/bluegreen-shop/connect"),
               *other = strstr(seen, "/networks/backend/connect");
    assert_non_null(own);
    assert_non_null(other);
    assert_true(own < other);
    assert_non_null(strstr(own, "\"IPv4Address\":\"172.19.255.253\""));
    assert_non_null(strstr(own, "\"shop\""));
    assert_non_null(strstr(other, "\"api\""));
    assert_null(strstr(other, "IPv4Address"));
}

static void a_network_that_it_is_on_is_left_alone(void **state)
{
    struct host *h = *state;
    find_blue(h);
    fake_engine_reply(h->fake, "POST /networks/", 200, "");
    host_assert_result(h, traffic_connect(&h->run, &h->run.old, &h->err), 0);
    assert_int_equal(fake_engine_count(h->fake, "POST /networks/"), 0);
}

static void a_version_that_is_gone_cannot_be_connected(void **state)
{
    struct host *h = *state;
    find_blue(h);
    fake_engine_reply(h->fake, "GET /containers/abc/json", 404, "{\"message\":\"No such container\"}");
    host_assert_err(h, traffic_connect(&h->run, &h->run.old, &h->err), ERR_DOCKER, "'shop-blue' is gone");
}

static void only_networks_that_carry_ports_are_moved(void **state)
{
    struct host *h = *state;
    struct traffic_networks n;
    find_blue(h);
    fake_engine_reply(h->fake, "GET /networks/bluegreen-shop", 200, "{\"Id\":\"n1\",\"Name\":\"bluegreen-shop\"}");
    fake_engine_reply(h->fake, "GET /networks/backend", 200, "{\"Id\":\"n2\",\"Name\":\"backend\",\"Internal\":true}");
    fake_engine_reply(h->fake, "POST /networks/", 200, "");
    host_assert_result(h, traffic_networks(&h->run, &h->run.old, &n, &h->err), 0);
    assert_int_equal(n.count, 1);
    assert_string_equal(n.endpoint[0]->network, "bluegreen-shop");
    host_assert_result(h, traffic_disconnect(&h->run, &h->run.old, &n, &h->err), 0);
    assert_int_equal(fake_engine_count(h->fake, "POST /networks/"), 1);
    assert_int_equal(fake_engine_count(h->fake, "POST /networks/bluegreen-shop/disconnect"), 1);
}

static void a_network_that_is_gone_is_passed_over(void **state)
{
    struct host *h = *state;
    struct traffic_networks n;
    find_blue(h);
    fake_engine_reply(h->fake, "GET /networks/backend", 200, "{\"Id\":\"n2\",\"Name\":\"backend\"}");
    host_assert_result(h, traffic_networks(&h->run, &h->run.old, &n, &h->err), 0);
    assert_int_equal(n.count, 1);
    assert_string_equal(n.endpoint[0]->network, "backend");
}

static void a_start_tells_which_port_was_given(void **state)
{
    struct host *h = *state;
    find_blue(h);
    h->run.spec.port = 8080;
    fake_engine_reply(h->fake, "POST /containers/abc/start", 204, "");
    host_assert_result(h, traffic_start(&h->run, &h->run.old, &h->err), 0);
    assert_int_equal(h->run.old.host_port, 8081);
}

static void a_start_that_fails_names_the_container(void **state)
{
    struct host *h = *state;
    find_blue(h);
    fake_engine_reply(h->fake, "POST /containers/abc/start", 500, "{\"message\":\"no such device\"}");
    host_assert_err(h, traffic_start(&h->run, &h->run.old, &h->err), ERR_DOCKER, "'shop-blue'");
}

static void a_version_that_was_stopped_is_not_started_by_an_undo(void **state)
{
    struct host *h = *state;
    find_blue(h);
    h->run.old_was_running = false;
    (void)snprintf(h->run.old_policy, sizeof(h->run.old_policy), "on-failure:3");
    fake_engine_reply(h->fake, "POST /containers/abc/update", 200, "{}");
    host_assert_result(h, traffic_restore_old(&h->run, &h->err), 0);
    assert_int_equal(fake_engine_count(h->fake, "POST /containers/abc/start"), 0);
    assert_int_equal(fake_engine_count(h->fake, "POST /containers/abc/update"), 1);
    assert_non_null(strstr(fake_engine_seen(h->fake), "on-failure"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strategies_are_found_by_name),
        cmocka_unit_test(the_range_that_holds_the_port_is_found),
        cmocka_unit_test(a_container_that_publishes_nothing_wants_nothing),
        cmocka_unit_test(the_port_that_is_bound_now_is_found),
        ENGINE_CASE(a_version_gets_its_networks_back_the_one_with_the_ports_first),
        ENGINE_CASE(a_network_that_it_is_on_is_left_alone),
        ENGINE_CASE(a_version_that_is_gone_cannot_be_connected),
        ENGINE_CASE(only_networks_that_carry_ports_are_moved),
        ENGINE_CASE(a_network_that_is_gone_is_passed_over),
        ENGINE_CASE(a_start_tells_which_port_was_given),
        ENGINE_CASE(a_start_that_fails_names_the_container),
        ENGINE_CASE(a_version_that_was_stopped_is_not_started_by_an_undo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
