#include "tests/unit/agent/engine_fixture.h"

static void inspect(struct fixture *f, const char *body, struct engine_network *n)
{
    fake_engine_reply(f->fake, "GET /networks/bg", 200, body);
    assert_result(f, engine_network_inspect(f->engine, "bg", n, &f->err), 0);
}

static void a_network_is_read(void **state)
{
    struct fixture *f = *state;
    struct engine_network n;
    inspect(f,
            "{\"Name\":\"bg\",\"Id\":\"n1\",\"Driver\":\"bridge\",\"Internal\":true,\"IPAM\":{"
            "\"Config\":[{\"Subnet\":"
            "\"fd00::/64\"},{\"Subnet\":\"172.18.0.0/16\",\"Gateway\":\"172.18.0.1\"}]},\"Labels\":{}}",
            &n);
    assert_string_equal(n.name, "bg");
    assert_string_equal(n.subnet, "172.18.0.0/16");
    assert_string_equal(n.gateway, "172.18.0.1");
    assert_true(n.internal);
    assert_false(n.subnet_configured);
    engine_network_done(&n);
}

static void a_subnet_of_ours_is_known_by_its_label(void **state)
{
    struct fixture *f = *state;
    struct engine_network n;
    inspect(f,
            "{\"Name\":\"bg\",\"IPAM\":{\"Config\":[{\"Subnet\":\"172.18.0.0/"
            "16\",\"Gateway\":\"172.18.0.1\"}]},\"Labels\":"
            "{\"io.bluegreen.subnet\":\"172.18.0.0/16\"}}",
            &n);
    assert_true(n.subnet_configured);
    engine_network_done(&n);
}

static void a_subnet_shown_without_gateway_was_configured(void **state)
{
    struct fixture *f = *state;
    struct engine_network n;
    inspect(f, "{\"Name\":\"bg\",\"IPAM\":{\"Config\":[{\"Subnet\":\"172.18.0.0/16\"}]}}", &n);
    assert_true(n.subnet_configured);
    engine_network_done(&n);
}

static void the_default_bridge_takes_no_static_addresses(void **state)
{
    struct fixture *f = *state;
    struct engine_network n;
    inspect(f, "{\"Name\":\"bridge\",\"IPAM\":{\"Config\":[{\"Subnet\":\"172.17.0.0/16\"}]}}", &n);
    assert_false(n.subnet_configured);
    engine_network_done(&n);
}

static void a_network_without_ipam_has_no_subnet(void **state)
{
    struct fixture *f = *state;
    struct engine_network n;
    inspect(f, "{\"Name\":\"host\",\"IPAM\":{\"Config\":null}}", &n);
    assert_string_equal(n.subnet, "");
    assert_false(n.subnet_configured);
    engine_network_done(&n);
}

static void no_such_network_is_1(void **state)
{
    struct fixture *f = *state;
    struct engine_network n;
    assert_result(f, engine_network_inspect(f->engine, "bg", &n, &f->err), 1);
    engine_network_done(&n);
}

static void creating_with_a_subnet_labels_it(void **state)
{
    struct fixture *f = *state;
    struct json *labels = json_object();
    json_set_str(labels, "io.bluegreen.app", "shop");
    fake_engine_reply(f->fake, "POST /networks/create", 201, "{\"Id\":\"n\"}");
    assert_result(f, engine_network_create(f->engine, "bg", "10.9.0.0/24", "10.9.0.1", labels, &f->err), 0);
    assert_seen(f, "{\"Name\":\"bg\",\"Driver\":\"bridge\",\"CheckDuplicate\":true,\"IPAM\":{\"Config\":[{"
                   "\"Subnet\":"
                   "\"10.9.0.0/24\",\"Gateway\":\"10.9.0.1\"}]},\"Labels\":{\"io.bluegreen.app\":\"shop\","
                   "\"io.bluegreen.subnet\":\"10.9.0.0/24\"}}");
    json_free(labels);
}

static void creating_without_a_subnet_leaves_it_to_the_engine(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /networks/create", 201, "{\"Id\":\"n\"}");
    assert_result(f, engine_network_create(f->engine, "bg", NULL, NULL, NULL, &f->err), 0);
    assert_seen(f, "{\"Name\":\"bg\",\"Driver\":\"bridge\",\"CheckDuplicate\":true,\"Labels\":{}}");
}

static void creating_what_exists_is_fine(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /networks/create", 409, "{\"message\":\"network with name bg already exists\"}");
    assert_result(f, engine_network_create(f->engine, "bg", NULL, NULL, NULL, &f->err), 0);
}

static void creating_on_a_taken_subnet_is_an_error(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /networks/create", 403,
                      "{\"message\":\"Pool overlaps with other one on this address space\"}");
    int r = engine_network_create(f->engine, "bg", "10.0.0.0/8", NULL, NULL, &f->err);
    assert_int_equal(f->err.code, 403);
    assert_err(f, r, ERR_DOCKER, "Pool overlaps");
}

static void removing_tells_gone_and_in_use_apart(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "DELETE /networks/a", 204, "");
    fake_engine_reply(f->fake, "DELETE /networks/b", 403,
                      "{\"message\":\"error while removing network: network b id 1 has active endpoints\"}");
    fake_engine_reply(f->fake, "DELETE /networks/c", 403,
                      "{\"message\":\"c is a pre-defined network and cannot be removed\"}");
    assert_result(f, engine_network_remove(f->engine, "a", &f->err), 0);
    assert_result(f, engine_network_remove(f->engine, "gone", &f->err), 0);
    assert_result(f, engine_network_remove(f->engine, "b", &f->err), 1);
    assert_err(f, engine_network_remove(f->engine, "c", &f->err), ERR_DOCKER, "pre-defined");
}

static void connecting_sends_address_and_aliases(void **state)
{
    struct fixture *f = *state;
    struct json *aliases = json_array();
    json_push_str(aliases, "shop");
    fake_engine_reply(f->fake, "POST /networks/bg/connect", 200, "");
    assert_result(f, engine_network_connect(f->engine, "bg", "abc", "10.9.0.5", aliases, &f->err), 0);
    assert_seen(f, "{\"Container\":\"abc\",\"EndpointConfig\":{\"IPAMConfig\":{\"IPv4Address\":"
                   "\"10.9.0.5\"},\"Aliases\":"
                   "[\"shop\"]}}");
    assert_result(f, engine_network_connect(f->engine, "bg", "abc", "", NULL, &f->err), 0);
    assert_seen(f, "{\"Container\":\"abc\",\"EndpointConfig\":{}}");
    json_free(aliases);
}

static void reply_exists(struct fixture *f)
{
    fake_engine_reply(f->fake, "POST /networks/bg/connect", 403,
                      "{\"message\":\"endpoint with name shop-blue already exists in network bg\"}");
}

static void connecting_what_is_connected_is_fine(void **state)
{
    struct fixture *f = *state;
    reply_exists(f);
    fake_engine_reply(f->fake, "GET /containers/abc/json", 200,
                      "{\"State\":{\"Running\":true},\"NetworkSettings\":{\"Networks\":{\"bg\":{"
                      "\"IPAddress\":\"10.9.0.5\"}}}}");
    assert_result(f, engine_network_connect(f->engine, "bg", "abc", "", NULL, &f->err), 0);
}

static void a_connection_that_cannot_be_looked_at_is_not_believed(void **state)
{
    struct fixture *f = *state;
    reply_exists(f);
    fake_engine_reply(f->fake, "GET /containers/abc/json", 500, "{\"message\":\"broken\"}");
    assert_err(f, engine_network_connect(f->engine, "bg", "abc", "", NULL, &f->err), ERR_DOCKER, "broken");
}

static void an_endpoint_of_somebody_else_is_no_connection(void **state)
{
    struct fixture *f = *state;
    reply_exists(f);
    fake_engine_reply(f->fake, "GET /containers/abc/json", 200,
                      "{\"State\":{\"Running\":true},\"NetworkSettings\":{\"Networks\":{\"other\":{"
                      "\"IPAddress\":\"10.1.0.5\"}}}}");
    assert_err(f, engine_network_connect(f->engine, "bg", "abc", "", NULL, &f->err), ERR_DOCKER,
               "already exists in network");
}

static void connecting_on_a_taken_port_says_so(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /networks/bg/connect", 500,
                      "{\"message\":\"Bind for 0.0.0.0:8080 failed: port is already allocated\"}");
    assert_err(f, engine_network_connect(f->engine, "bg", "abc", "", NULL, &f->err), ERR_PORT_TAKEN, "8080");
}

static void connecting_with_a_taken_address_is_no_taken_port(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /networks/bg/connect", 403, "{\"message\":\"Address already in use\"}");
    assert_err(f, engine_network_connect(f->engine, "bg", "abc", "10.9.0.5", NULL, &f->err), ERR_DOCKER,
               "Address already");
}

static void disconnecting_what_is_not_connected_is_fine(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /networks/a/disconnect", 200, "");
    fake_engine_reply(f->fake, "POST /networks/b/disconnect", 500,
                      "{\"message\":\"container 1 is not connected to network b\"}");
    fake_engine_reply(f->fake, "POST /networks/c/disconnect", 500, "{\"message\":\"broken\"}");
    assert_result(f, engine_network_disconnect(f->engine, "a", "abc", &f->err), 0);
    assert_result(f, engine_network_disconnect(f->engine, "b", "abc", &f->err), 0);
    assert_result(f, engine_network_disconnect(f->engine, "gone", "abc", &f->err), 0);
    assert_err(f, engine_network_disconnect(f->engine, "c", "abc", &f->err), ERR_DOCKER, "broken");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_network_is_read),
        CASE(a_subnet_of_ours_is_known_by_its_label),
        CASE(a_subnet_shown_without_gateway_was_configured),
        CASE(the_default_bridge_takes_no_static_addresses),
        CASE(a_network_without_ipam_has_no_subnet),
        CASE(no_such_network_is_1),
        CASE(creating_with_a_subnet_labels_it),
        CASE(creating_without_a_subnet_leaves_it_to_the_engine),
        CASE(creating_what_exists_is_fine),
        CASE(creating_on_a_taken_subnet_is_an_error),
        CASE(removing_tells_gone_and_in_use_apart),
        CASE(connecting_sends_address_and_aliases),
        CASE(connecting_what_is_connected_is_fine),
        CASE(a_connection_that_cannot_be_looked_at_is_not_believed),
        CASE(an_endpoint_of_somebody_else_is_no_connection),
        CASE(connecting_on_a_taken_port_says_so),
        CASE(connecting_with_a_taken_address_is_no_taken_port),
        CASE(disconnecting_what_is_not_connected_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
