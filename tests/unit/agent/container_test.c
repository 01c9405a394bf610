#include "agent/container.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct spec spec;
    struct container_plan plan;
    struct json *body;
};

static void set(char **field, const char *value)
{
    assert_int_equal(spec_set_str(field, value, NULL), 0);
}

static void add(struct strlist *l, const char *item)
{
    assert_int_equal(strlist_add(l, span_of(item), NULL), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    spec_init(&f->spec);
    set(&f->spec.app, "shop");
    set(&f->spec.image, "ghcr.io/org/shop:1");
    set(&f->spec.strategy, "handover");
    f->spec.container_port = 8080;
    f->spec.stop_timeout_s = 12;
    f->plan = (struct container_plan){
        .spec = &f->spec,
        .image_ref = "ghcr.io/org/shop@sha256:11",
        .deployment = "20260101-000000-abcdef",
        .digest = "sha256:11",
        .fingerprint = "f00d",
        .network = "bg-shop",
        .static_ip = "172.18.0.253",
        .port_first = 8080,
        .port_last = 8081,
        .restart_policy = "no",
    };
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    json_free(f->body);
    spec_done(&f->spec);
    free(f);
    return 0;
}

static const struct json *build(struct fixture *f)
{
    struct err err = { 0 };
    if (container_plan_to_json(&f->plan, &f->body, &err) != 0)
        fail_msg("%s", err.frame[0].text);
    return f->body;
}

static void refuse(struct fixture *f, enum err_kind kind, const char *word)
{
    struct err err = { 0 };
    assert_int_equal(container_plan_to_json(&f->plan, &f->body, &err), -(int)kind);
    assert_null(f->body);
    assert_non_null(strstr(err.frame[0].text, word));
}

static void assert_json(const struct json *j, const char *want)
{
    struct buf out = BUF_INIT(65536);
    assert_non_null(j);
    assert_int_equal(json_print(j, &out, NULL), 0);
    assert_string_equal(buf_str(&out), want);
    buf_done(&out);
}

static void a_plain_plan_is_exactly_this_request(void **state)
{
    struct fixture *f = *state;
    set(&f->spec.user, "");
    assert_json(build(f), "{\"Image\":\"ghcr.io/org/shop@sha256:11\",\"Env\":[],\"ExposedPorts\":{\"8080/tcp\":{}},"
                          "\"StopTimeout\":12,\"Labels\":{\"io.bluegreen.app\":\"shop\","
                          "\"io.bluegreen.deployment\":\"20260101-000000-abcdef\",\"io.bluegreen.role\":\"version\","
                          "\"io.bluegreen.digest\":\"sha256:11\",\"io.bluegreen.image\":\"ghcr.io/org/shop:1\","
                          "\"io.bluegreen.config\":\"f00d\",\"io.bluegreen.strategy\":\"handover\"},"
                          "\"HostConfig\":{\"PortBindings\":{\"8080/tcp\":[{\"HostPort\":\"8080-8081\"}]},"
                          "\"RestartPolicy\":{\"Name\":\"no\"},\"NetworkMode\":\"bg-shop\"},"
                          "\"NetworkingConfig\":{\"EndpointsConfig\":{\"bg-shop\":{\"IPAMConfig\":"
                          "{\"IPv4Address\":\"172.18.0.253\"},\"Aliases\":[\"shop\"]}}}}");
}

static void equal_first_and_last_port_are_one_port(void **state)
{
    struct fixture *f = *state;
    f->plan.port_last = 8080;
    assert_json(json_path(build(f), "HostConfig", "PortBindings", NULL), "{\"8080/tcp\":[{\"HostPort\":\"8080\"}]}");
}

static void the_highest_port_range_fits(void **state)
{
    struct fixture *f = *state;
    f->plan.port_first = 65534;
    f->plan.port_last = 65535;
    assert_json(json_path(build(f), "HostConfig", "PortBindings", NULL),
                "{\"8080/tcp\":[{\"HostPort\":\"65534-65535\"}]}");
}

static void no_first_port_publishes_nothing(void **state)
{
    struct fixture *f = *state;
    f->plan.port_first = f->plan.port_last = 0;
    assert_null(json_path(build(f), "HostConfig", "PortBindings", NULL));
    assert_json(json_get(f->body, "ExposedPorts"), "{\"8080/tcp\":{}}");
}

static void env_and_secret_env_become_one_list(void **state)
{
    struct fixture *f = *state;
    add(&f->spec.env, "A=1");
    add(&f->spec.env, "B=x=y");
    add(&f->spec.secret_env, "S=\"quoted\"\nline");
    assert_json(json_get(build(f), "Env"), "[\"A=1\",\"B=x=y\",\"S=\\\"quoted\\\"\\nline\"]");
}

static void the_last_of_repeated_keys_counts_and_secrets_win(void **state)
{
    struct fixture *f = *state;
    add(&f->spec.env, "A=1");
    add(&f->spec.env, "AA=keep");
    add(&f->spec.env, "A=2");
    add(&f->spec.env, "S=plain");
    add(&f->spec.secret_env, "S=old");
    add(&f->spec.secret_env, "S=secret");
    assert_json(json_get(build(f), "Env"), "[\"AA=keep\",\"A=2\",\"S=secret\"]");
}

static void limits_and_flags_are_given_when_set(void **state)
{
    struct fixture *f = *state;
    f->spec.memory_bytes = INT64_C(536870912);
    f->spec.nano_cpus = 1500000000;
    f->spec.read_only = true;
    add(&f->spec.volumes, "/srv/data:/data:ro");
    add(&f->spec.volumes, "cache:/cache");
    add(&f->spec.args, "serve");
    add(&f->spec.args, "--port=8080");
    set(&f->spec.user, "1000:1000");
    const struct json *host = json_get(build(f), "HostConfig");
    assert_int_equal(json_int(host, "Memory", 0), 536870912);
    assert_int_equal(json_int(host, "NanoCpus", 0), 1500000000);
    assert_true(json_bool(host, "ReadonlyRootfs", false));
    assert_json(json_get(host, "Binds"), "[\"/srv/data:/data:ro\",\"cache:/cache\"]");
    assert_json(json_get(f->body, "Cmd"), "[\"serve\",\"--port=8080\"]");
    assert_string_equal(json_str(f->body, "User", ""), "1000:1000");
}

static void what_is_not_set_is_left_to_the_image(void **state)
{
    struct fixture *f = *state;
    static const char *const absent[] = { "Memory", "NanoCpus", "ReadonlyRootfs", "Binds", "LogConfig" };
    const struct json *host = json_get(build(f), "HostConfig");
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        assert_null(json_get(host, absent[i]));
    assert_null(json_get(f->body, "Cmd"));
    assert_null(json_get(f->body, "User"));
}

static void a_restart_policy_with_a_count_is_split(void **state)
{
    struct fixture *f = *state;
    f->plan.restart_policy = "on-failure:3";
    assert_json(json_path(build(f), "HostConfig", "RestartPolicy", NULL),
                "{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}");
}

static void no_restart_policy_is_no(void **state)
{
    struct fixture *f = *state;
    f->plan.restart_policy = NULL;
    assert_json(json_path(build(f), "HostConfig", "RestartPolicy", NULL), "{\"Name\":\"no\"}");
}

static void the_default_bridge_gets_no_aliases(void **state)
{
    struct fixture *f = *state;
    f->plan.network = "bridge";
    f->plan.static_ip = NULL;
    assert_null(json_get(build(f), "NetworkingConfig"));
    assert_string_equal(json_str(json_get(f->body, "HostConfig"), "NetworkMode", ""), "bridge");
}

static void a_dynamic_address_leaves_ipam_out(void **state)
{
    struct fixture *f = *state;
    f->plan.static_ip = "";
    assert_json(json_path(build(f), "NetworkingConfig", "EndpointsConfig", NULL),
                "{\"bg-shop\":{\"Aliases\":[\"shop\"]}}");
}

static void no_network_is_the_engines_default(void **state)
{
    struct fixture *f = *state;
    f->plan.network = f->plan.static_ip = NULL;
    assert_null(json_get(build(f), "NetworkingConfig"));
    assert_null(json_path(f->body, "HostConfig", "NetworkMode", NULL));
}

static void a_fixed_address_on_the_default_bridge_is_our_mistake(void **state)
{
    struct fixture *f = *state;
    f->plan.network = "bridge";
    refuse(f, ERR_BUG, "fixed address");
}

static void labels_of_the_user_are_kept_beside_ours(void **state)
{
    struct fixture *f = *state;
    add(&f->spec.labels, "team=pay=ments");
    add(&f->spec.labels, "empty=");
    f->plan.previous = "20251231-000000-aaaaaa";
    const struct json *labels = json_get(build(f), "Labels");
    assert_string_equal(json_str(labels, "team", ""), "pay=ments");
    assert_string_equal(json_str(labels, "empty", "x"), "");
    assert_string_equal(json_str(labels, CONTAINER_LABEL_PREVIOUS, ""), "20251231-000000-aaaaaa");
    assert_string_equal(json_str(labels, CONTAINER_LABEL_APP, ""), "shop");
}

static void labels_of_the_user_in_our_name_space_are_refused(void **state)
{
    struct fixture *f = *state;
    add(&f->spec.labels, "io.bluegreen.app=other");
    refuse(f, ERR_INPUT, "io.bluegreen.");
}

static void a_label_that_only_looks_like_ours_is_fine(void **state)
{
    struct fixture *f = *state;
    add(&f->spec.labels, "io.bluegreenish=1");
    assert_string_equal(json_str(json_get(build(f), "Labels"), "io.bluegreenish", ""), "1");
}

static void a_label_without_value_sign_is_refused(void **state)
{
    struct fixture *f = *state;
    add(&f->spec.labels, "team");
    refuse(f, ERR_INPUT, "KEY=VALUE");
}

static void a_label_without_key_is_refused(void **state)
{
    struct fixture *f = *state;
    add(&f->spec.labels, "=x");
    refuse(f, ERR_INPUT, "KEY=VALUE");
}

static void an_unordered_port_range_is_our_mistake(void **state)
{
    struct fixture *f = *state;
    f->plan.port_last = 8079;
    refuse(f, ERR_BUG, "8079");
}

static void a_plan_without_image_is_our_mistake(void **state)
{
    struct fixture *f = *state;
    f->plan.image_ref = "";
    refuse(f, ERR_BUG, "image");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_plain_plan_is_exactly_this_request),
        CASE(equal_first_and_last_port_are_one_port),
        CASE(the_highest_port_range_fits),
        CASE(no_first_port_publishes_nothing),
        CASE(env_and_secret_env_become_one_list),
        CASE(the_last_of_repeated_keys_counts_and_secrets_win),
        CASE(limits_and_flags_are_given_when_set),
        CASE(what_is_not_set_is_left_to_the_image),
        CASE(a_restart_policy_with_a_count_is_split),
        CASE(no_restart_policy_is_no),
        CASE(the_default_bridge_gets_no_aliases),
        CASE(a_dynamic_address_leaves_ipam_out),
        CASE(no_network_is_the_engines_default),
        CASE(a_fixed_address_on_the_default_bridge_is_our_mistake),
        CASE(labels_of_the_user_are_kept_beside_ours),
        CASE(labels_of_the_user_in_our_name_space_are_refused),
        CASE(a_label_that_only_looks_like_ours_is_fine),
        CASE(a_label_without_value_sign_is_refused),
        CASE(a_label_without_key_is_refused),
        CASE(an_unordered_port_range_is_our_mistake),
        CASE(a_plan_without_image_is_our_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
