#include "agent/watch/changes.h"

#include "tests/unit/agent/host.h"

/* A version as an inspect would show it; ended by run_done(). */
static void make_version(struct run_version *v, const char *inspect)
{
    v->exists = true;
    v->c.raw = host_parse(inspect);
    (void)snprintf(v->c.image, sizeof(v->c.image), "%s", "by-hand:1");
}

static const char before[] =
    "{\"Config\":{\"Env\":[\"SAME=1\",\"GONE=old-secret\",\"CHANGED=first-secret\",\"LONG=x\"],"
    "\"Labels\":{\"io.bluegreen.image\":\"shop:1\",\"io.bluegreen.digest\":\"sha256:aa\"},\"User\":\"root\",\"Cmd\":["
    "\"--token=a\"]},"
    "\"HostConfig\":{\"Memory\":536870912,\"NanoCpus\":0,\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8080\"}]}}}";

static const char after[] =
    "{\"Config\":{\"Env\":[\"SAME=1\",\"NEW=third-secret\",\"CHANGED=second-secret\",\"LONGER=x\",\"LONG=x\"],"
    "\"Labels\":{\"io.bluegreen.image\":\"shop:2\",\"io.bluegreen.digest\":\"sha256:bb\"},"
    "\"User\":\"1000\",\"Cmd\":[\"--token=a\",\"--b\"]},"
    "\"HostConfig\":{\"Binds\":[\"/srv:/data:ro\",\"cache:/"
    "cache\"],\"ReadonlyRootfs\":true,\"Memory\":0,\"NanoCpus\":1500000000,"
    "\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8080-8081\"}],\"9/tcp\":[{\"HostPort\":\"9\"}]}}}";

static void assert_changes(struct host *h, const char *want)
{
    struct buf text = BUF_INIT(8192);
    struct json *changes = changes_describe(&h->run);
    assert_int_equal(json_print(changes, &text, NULL), 0);
    assert_string_equal(buf_str(&text), want);
    json_free(changes);
    buf_done(&text);
}

static void all_that_differs_is_told_and_no_value(void **state)
{
    struct host *h = *state;
    make_version(&h->run.old, before);
    make_version(&h->run.cand, after);
    (void)snprintf(h->run.old_policy, sizeof(h->run.old_policy), "no");
    (void)snprintf(h->run.final_policy, sizeof(h->run.final_policy), "always");
    assert_changes(h, "{\"image\":[\"shop:1\",\"shop:2\"],\"digest\":[\"sha256:aa\",\"sha256:bb\"],"
                      "\"ports\":[\"8080->80/tcp\",\"8080-8081->80/tcp, 9->9/tcp\"],"
                      "\"memory\":[\"512 MiB\",\"no limit\"],\"cpus\":[\"no limit\",\"1.5\"],"
                      "\"volumes\":[\"\",\"/srv:/data:ro, cache:/cache\"],\"user\":[\"root\",\"1000\"],"
                      "\"read_only\":[\"no\",\"yes\"],"
                      "\"env_added\":[\"NEW\",\"LONGER\"],\"env_removed\":[\"GONE\"],\"env_changed\":[\"CHANGED\"],"
                      "\"arguments\":[\"1\",\"2\"],\"restart_policy\":[\"no\",\"always\"]}");
}

static void equal_versions_differ_in_nothing(void **state)
{
    struct host *h = *state;
    make_version(&h->run.old, after);
    make_version(&h->run.cand, after);
    assert_changes(h, "{\"kept\":{\"ports\":\"8080-8081->80/tcp, 9->9/tcp\",\"memory\":\"no limit\",\"cpus\":\"1.5\","
                      "\"volumes\":\"/srv:/data:ro, cache:/cache\"}}");
}

static void other_arguments_are_told_by_their_number_only(void **state)
{
    struct host *h = *state;
    make_version(&h->run.old, "{\"Config\":{\"Cmd\":[\"--token=a\"]}}");
    make_version(&h->run.cand, "{\"Config\":{\"Cmd\":[\"--token=b\"]}}");
    assert_changes(h, "{\"image\":[\"by-hand:1\",\"\"],\"kept\":{\"memory\":\"no limit\",\"cpus\":\"no limit\"},"
                      "\"arguments\":[\"1\",\"1 other\"]}");
}

static void a_first_version_is_all_new(void **state)
{
    struct host *h = *state;
    make_version(&h->run.cand, before);
    assert_changes(h, "{\"image\":[\"\",\"shop:1\"],\"digest\":[\"\",\"sha256:aa\"],"
                      "\"ports\":[\"\",\"8080->80/tcp\"],\"memory\":[\"\",\"512 MiB\"],\"cpus\":[\"\",\"no limit\"],"
                      "\"env_added\":[\"SAME\",\"GONE\",\"CHANGED\",\"LONG\"]}");
}

static void a_version_made_by_hand_has_its_image_at_least(void **state)
{
    struct host *h = *state;
    make_version(&h->run.old, "{\"Config\":{}}");
    make_version(&h->run.cand, "{\"Config\":{\"Labels\":{\"io.bluegreen.image\":\"shop:1\"}}}");
    assert_changes(h,
                   "{\"image\":[\"by-hand:1\",\"shop:1\"],\"kept\":{\"memory\":\"no limit\",\"cpus\":\"no limit\"}}");
}

static void more_ports_than_fit_are_cut(void **state)
{
    struct host *h = *state;
    struct buf text = BUF_INIT(16384);
    buf_adds(&text, "{\"HostConfig\":{\"PortBindings\":{\"1/tcp\":[{}");
    for (int i = 0; i < 300; i++)
        buf_addf(&text, ",{\"HostPort\":\"%d\"}", 10000 + i);
    buf_adds(&text, "]}}}");
    make_version(&h->run.old, "{}");
    make_version(&h->run.cand, buf_str(&text));
    struct json *changes = changes_describe(&h->run);
    const char *ports = json_value_str(json_next(json_first(json_get(changes, "ports"))), "");
    assert_int_equal(strlen(ports), 255);
    json_free(changes);
    buf_done(&text);
}

static void more_keys_than_an_event_holds_are_counted(void **state)
{
    struct host *h = *state;
    struct buf text = BUF_INIT(512 * 1024);
    buf_adds(&text, "{\"Config\":{\"Env\":[\"A=1\"");
    for (int i = 0; i < 1000; i++)
        buf_addf(&text, ",\"%0100d=x\"", i);
    buf_adds(&text, "]}}");
    make_version(&h->run.cand, buf_str(&text));
    struct json *changes = changes_describe(&h->run);
    const struct json *added = json_get(changes, "env_added"), *last = NULL;
    for (const struct json *k = json_first(added); k; k = json_next(k))
        last = k;
    assert_int_equal(json_len(added), 61);
    assert_string_equal(json_value_str(last, ""), "(and 941 more)");
    json_free(changes);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOT_CASE(all_that_differs_is_told_and_no_value),         ROOT_CASE(equal_versions_differ_in_nothing),
        ROOT_CASE(other_arguments_are_told_by_their_number_only), ROOT_CASE(a_first_version_is_all_new),
        ROOT_CASE(a_version_made_by_hand_has_its_image_at_least), ROOT_CASE(more_ports_than_fit_are_cut),
        ROOT_CASE(more_keys_than_an_event_holds_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
