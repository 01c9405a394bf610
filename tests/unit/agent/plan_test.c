#include "agent/plan/plan.h"

#include "agent/state/audit.h"
#include "shared/clock.h"
#include "shared/http.h"
#include "tests/unit/agent/client.h"

#define HEX(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define DIGEST "sha256:" HEX("a") HEX("a")

/* ---- changes ---- */

static const char serves[] = "{\"Id\":\"b\",\"Name\":\"/"
                             "shop-blue\",\"Image\":\"sha256:old\",\"State\":{\"Status\":\"running\",\"Running\":true},"
                             "\"Config\":{\"Image\":\"reg/"
                             "shop@x\",\"Env\":[\"MINE=1\",\"SECRET=old-canary\",\"GONE=1\",\"PATH=/bin\",\"LANG=C\"],"
                             "\"Cmd\":[\"serve\"],\"User\":\"app\",\"Labels\":{\"io.bluegreen.app\":\"shop\",\"io."
                             "bluegreen.image\":\"reg/shop:1\","
                             "\"io.bluegreen.digest\":\"sha256:before\"}},\"HostConfig\":{\"Memory\":0,"
                             "\"PortBindings\":{\"8080/tcp\":[{\"HostPort\":"
                             "\"8080-8081\"}]},\"RestartPolicy\":{\"Name\":\"unless-stopped\"}}}";

static void plan_is(struct host *h, struct plan *p)
{
    *p = (struct plan){ .problems = json_array() };
    run_init(&p->run);
    (void)snprintf(p->run.app, sizeof(p->run.app), HOST_APP);
    run_set_names(&p->run.names, HOST_APP);
    host_assert_result(h, redactor_new(&p->run.redactor, &h->err), 0);
    host_assert_result(h, spec_set_str(&p->run.spec.app, HOST_APP, &h->err), 0);
    host_assert_result(h, spec_set_str(&p->run.spec.image, "reg/shop:2", &h->err), 0);
    host_assert_result(h, engine_open(&p->run.engine, fake_engine_socket(h->fake), NULL, &h->err), 0);
    host_assert_result(h, preflight_strategy(&p->run, &h->err), 0);
}

static void plan_ends(struct plan *p)
{
    json_free(p->problems);
    run_done(&p->run);
}

static void assert_changes(struct host *h, struct plan *p, const char *want)
{
    struct buf text = BUF_INIT(8192);
    struct json *changes = NULL;
    host_assert_result(h, plan_changes(p, &changes, &h->err), 0);
    assert_int_equal(json_print(changes, &text, NULL), 0);
    assert_string_equal(buf_str(&text), want);
    json_free(changes);
    buf_done(&text);
}

static void add(struct strlist *l, const char *line)
{
    assert_int_equal(strlist_add(l, span_of(line), NULL), 0);
}

static void what_the_image_sets_is_no_change(void **state)
{
    struct host *h = *state;
    struct plan p;
    plan_is(h, &p);
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 200, serves);
    fake_engine_reply(h->fake, "GET /images/sha256:old/json", 200,
                      "{\"Config\":{\"Env\":[\"PATH=/bin\",\"LANG=C\"],\"Cmd\":[\"serve\"],\"User\":\"app\"}}");
    host_assert_result(h, preflight_look_at_old(&p.run, "shop-blue", &h->err), 0);
    add(&p.run.spec.env, "MINE=1");
    add(&p.run.spec.secret_env, "SECRET=new-canary");
    add(&p.run.spec.secret_env, "LANG=de"); /* set over the image's */
    assert_changes(
        h, &p,
        "{\"image\":[\"reg/shop:1\",\"reg/shop:2\"],\"kept\":{\"ports\":\"8080-8081->8080/tcp\",\"memory\":"
        "\"no limit\",\"cpus\":\"no limit\"},\"env_removed\":[\"GONE\"],\"env_changed\":[\"SECRET\",\"LANG\"]}");
    plan_ends(&p);
}

static void an_image_that_is_on_the_host_is_known_whole(void **state)
{
    struct host *h = *state;
    struct plan p;
    plan_is(h, &p);
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 200, serves);
    fake_engine_reply(h->fake, "GET /images/reg/shop@" DIGEST "/json", 200,
                      "{\"Config\":{\"Env\":[\"PATH=/usr/bin\",\"EXTRA=1\"],\"User\":\"root\"}}");
    host_assert_result(h, preflight_look_at_old(&p.run, "shop-blue", &h->err), 0);
    (void)snprintf(p.run.digest, sizeof(p.run.digest), DIGEST);
    (void)snprintf(p.run.image_ref, sizeof(p.run.image_ref), "reg/shop@" DIGEST);
    add(&p.run.spec.env, "MINE=1");
    add(&p.run.spec.env, "SECRET=old-canary");
    add(&p.run.spec.env, "GONE=1");
    assert_changes(h, &p,
                   "{\"image\":[\"reg/shop:1\",\"reg/shop:2\"],\"digest\":[\"sha256:before\",\"" DIGEST
                   "\"],\"user\":[\"app\",\"root\"],\"kept\":{\"ports\":\"8080-8081->8080/tcp\",\"memory\":\"no "
                   "limit\",\"cpus\":\"no limit\"},\"env_added\":[\"EXTRA\"],\"env_removed\":[\"LANG\"],"
                   "\"env_changed\":[\"PATH\"],\"arguments\":[\"1\",\"0\"]}");
    plan_ends(&p);
}

static void a_first_deployment_adds_what_is_given(void **state)
{
    struct host *h = *state;
    struct plan p;
    plan_is(h, &p);
    add(&p.run.spec.env, "MINE=1");
    assert_changes(h, &p,
                   "{\"image\":[\"\",\"reg/shop:2\"],\"ports\":[\"\",\"8080-8081->8080/tcp\"],\"memory\":[\"\",\"no "
                   "limit\"],\"cpus\":[\"\",\"no limit\"],\"env_added\":[\"MINE\"]}");
    plan_ends(&p);
}

/* ---- what is to be expected ---- */

static void deployed(struct host *h, const char *strategy, const char *outcome, double outage, double total)
{
    static int number;
    char text[400];
    struct audit_mark mark;
    (void)snprintf(text, sizeof(text),
                   "{\"operation\":\"deploy\",\"deployment\":\"20260101-%06d-aaaaaa\",\"outcome\":\"%s\",\"strategy\":"
                   "\"%s\",\"outage_seconds\":%g,\"total_seconds\":%g}",
                   ++number, outcome, strategy, outage, total);
    struct json *entry = host_parse(text);
    host_assert_result(h, audit_append(h->run.app_fd, entry, NULL, &mark, &h->err), 0);
    json_free(entry);
}

static void assert_expected(struct host *h, const char *strategy, const char *want)
{
    struct buf text = BUF_INIT(400);
    struct json *expected = plan_expected(h->run.app_fd, strategy);
    assert_int_equal(json_print(expected, &text, NULL), 0);
    assert_string_equal(buf_str(&text), want);
    json_free(expected);
    buf_done(&text);
}

static void medians_of_the_last_ten_with_that_strategy_are_told(void **state)
{
    struct host *h = *state;
    assert_expected(h, "handover", "{\"outage_seconds\":-1,\"total_seconds\":-1,\"from\":0}");
    deployed(h, "handover", "deployed", 0.25, 10);
    deployed(h, "recreate", "deployed", 7, 70);
    deployed(h, "handover", "rolled_back", 9, 90);
    assert_expected(h, "handover", "{\"outage_seconds\":0.25,\"total_seconds\":10,\"from\":1}");
    deployed(h, "handover", "deployed", -1, 30); /* not measured */
    assert_expected(h, "handover", "{\"outage_seconds\":0.25,\"total_seconds\":20,\"from\":2}");
    for (int i = 1; i <= 10; i++)
        deployed(h, "handover", "deployed", i, 100 + i);
    assert_expected(h, "handover", "{\"outage_seconds\":5.5,\"total_seconds\":105.5,\"from\":10}");
    assert_expected(h, "recreate", "{\"outage_seconds\":7,\"total_seconds\":70,\"from\":1}");
}

static void records_tell_where_there_is_no_audit_log_yet(void **state)
{
    struct host *h = *state;
    int fd = -1;
    host_assert_result(h, store_create_deployment(h->run.app_fd, "20260101-000000-aaaaaa", &fd, &h->err), 0);
    host_write(fd, "outcome.json",
               "{\"operation\":\"deploy\",\"outcome\":\"deployed\",\"strategy\":\"handover\","
               "\"outage_seconds\":0.5,\"total_seconds\":3}");
    close_p(&fd);
    assert_expected(h, "handover", "{\"outage_seconds\":0.5,\"total_seconds\":3,\"from\":1}");
}

/* ---- the command ---- */

/* The report of a plan; the caller frees. No file or folder is made by it. */
static struct json *ask(struct host *h)
{
    struct client c;
    struct buf out = BUF_INIT(WIRE_REQUEST_MAX);
    int fd = -1;
    client_add_request(&out, WIRE_PLAN, "", 1);
    client_open_greeted(&c);
    client_send(&c, buf_span(&out));
    client_expect(&c, EVENT_REPORT);
    assert_string_equal(json_str(c.ev.body, "name", ""), "plan");
    struct json *report = json_copy(json_get(c.ev.body, "report"));
    client_expect_outcome(&c, "reported", "");
    assert_int_equal(client_close(&c), 0);
    assert_int_equal(store_find_app(HOST_APP, &fd, &h->err), 1);
    buf_done(&out);
    return report;
}

static const char *first_problem(const struct json *report, const char *member)
{
    return json_str(json_first(json_get(report, "problems")), member, "");
}

static void without_an_engine_the_plan_says_so(void **state)
{
    struct json *report = ask(*state);
    assert_string_equal(json_str(report, "verdict", ""), "refused");
    assert_string_equal(first_problem(report, "kind"), "docker_missing");
    assert_int_equal(json_len(json_get(report, "problems")), 1);
    assert_int_equal(json_len(json_get(report, "steps")), 0);
    json_free(report);
}

static void a_plan_changes_nothing_at_the_engine(void **state)
{
    struct host *h = *state;
    fake_engine_reply(h->fake, "GET /distribution/", 200,
                      "{\"Descriptor\":{\"digest\":\"" DIGEST
                      "\"},\"Platforms\":[{\"os\":\"linux\",\"architecture\":\"amd64\"}]}");
    fake_engine_reply(h->fake, "GET /info", 200,
                      "{\"ServerVersion\":\"26.1\",\"DockerRootDir\":\"/tmp\",\"OSType\":\"linux\",\"Architecture\":"
                      "\"x86_64\"}");
    struct json *report = ask(h);
    assert_string_equal(json_str(report, "verdict", ""), "deploy");
    assert_string_equal(json_str(report, "digest", ""), DIGEST);
    assert_string_equal(json_value_str(json_first(json_path(report, "changes", "env_added", NULL)), ""), "TOKEN");
    assert_true(json_bool(json_get(report, "platform"), "fits", false));
    assert_string_equal(json_str(json_first(json_get(report, "steps")), "name", ""), "preflight");
    struct buf text = BUF_INIT(EVENT_LINE_MAX);
    assert_int_equal(json_print(report, &text, NULL), 0);
    assert_null(strstr(buf_str(&text), CLIENT_SECRET));
    assert_int_equal(fake_engine_count(h->fake, "POST ") - fake_engine_count(h->fake, "POST /auth"), 0);
    assert_int_equal(fake_engine_count(h->fake, "DELETE ") + fake_engine_count(h->fake, "PUT "), 0);
    buf_done(&text);
    json_free(report);
}

static void what_the_registry_says_is_told_without_the_secret(void **state)
{
    struct host *h = *state;
    fake_engine_reply(h->fake, "GET /distribution/", 403,
                      "{\"message\":\"denied: password " CLIENT_SECRET " may not pull\"}");
    struct json *report = ask(h);
    assert_string_equal(json_str(report, "verdict", ""), "refused");
    assert_non_null(strstr(first_problem(report, "message"), "may not pull"));
    assert_null(strstr(first_problem(report, "message"), CLIENT_SECRET));
    json_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMPTY_CASE(what_the_image_sets_is_no_change),
        EMPTY_CASE(an_image_that_is_on_the_host_is_known_whole),
        EMPTY_CASE(a_first_deployment_adds_what_is_given),
        RUN_CASE(medians_of_the_last_ten_with_that_strategy_are_told),
        RUN_CASE(records_tell_where_there_is_no_audit_log_yet),
        ALONE_CASE(without_an_engine_the_plan_says_so),
        EMPTY_CASE(a_plan_changes_nothing_at_the_engine),
        EMPTY_CASE(what_the_registry_says_is_told_without_the_secret),
    };
    struct err ignored = { 0 };
    if (http_global_init(&ignored) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
