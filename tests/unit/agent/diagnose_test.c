#include "agent/diagnose/diagnose.h"

#include "agent/request.h"
#include "tests/unit/agent/host.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define SECRET "canary-4711-secret"

#define DIAGNOSE_CASE(name) cmocka_unit_test_setup_teardown(name, host_set_up_found_engine, host_tear_down)

static struct json *ask(struct host *h, const char *username)
{
    struct wire_request request;
    struct json *report = NULL;
    wire_request_init(&request);
    request.op = WIRE_DIAGNOSE;
    (void)snprintf(request.app, sizeof(request.app), "%s", HOST_APP);
    (void)spec_set_str(&request.spec.registry_username, username, NULL);
    (void)spec_set_str(&request.spec.registry_password, "wrong-password", NULL);
    host_assert_result(h, diagnose_report(&request, &report, &h->err), 0);
    wire_request_done(&request);
    return report;
}

static const struct json *named(const struct json *list, const char *key, const char *value)
{
    for (const struct json *j = json_first(list); j; j = json_next(j))
        if (strcmp(json_str(j, key, ""), value) == 0)
            return j;
    return NULL;
}

static const struct json *finding(const struct json *report, const char *code)
{
    return named(json_get(report, "findings"), "code", code);
}

static void assert_check(const struct json *report, const char *name, bool ok, const char *word)
{
    const struct json *check = named(json_get(report, "checks"), "name", name);
    if (!check || json_bool(check, "ok", !ok) != ok || !strstr(json_str(check, "text", ""), word))
        fail_msg("check %s: %s", name, json_str(check, "text", "not made"));
}

static void assert_nowhere(const struct json *report, const char *word)
{
    struct buf all = BUF_INIT(EVENT_LINE_MAX);
    assert_int_equal(json_print(report, &all, NULL), 0);
    if (strstr(buf_str(&all), word))
        fail_msg("'%s' is in %s", word, buf_str(&all));
    buf_done(&all);
}

/* Blue, deployed by the run of the host's folder, with a policy that does not bring it back. */
static void blue_has_ended(struct host *h, const char *log)
{
    char frame[512];
    (void)spec_set_str(&h->run.spec.app, "shop", NULL);
    (void)spec_set_str(&h->run.spec.image, "reg.example/shop:v2", NULL);
    (void)strlist_add(&h->run.spec.secret_env, span_of("TOKEN=" SECRET), NULL);
    h->run.spec.port = 1; /* nobody listens there */
    host_assert_result(h, request_store(&h->run, &h->err), 0);
    host_write(h->run.dir_fd, "outcome.json", "{}");
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 200,
                      "{\"Id\":\"b\",\"Name\":\"/shop-blue\",\"State\":{\"Status\":\"exited\",\"Running\":false,"
                      "\"ExitCode\":1},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"no\"}},\"Config\":{\"Tty\":true,"
                      "\"Env\":[\"TOKEN=" SECRET "\"],\"Labels\":{\"io.bluegreen.app\":\"shop\","
                      "\"io.bluegreen.deployment\":\"" HOST_ID "\",\"io.bluegreen.image\":\"reg.example/shop:v2\","
                      "\"io.bluegreen.digest\":\"" DIGEST "\"}}}");
    (void)snprintf(frame, sizeof(frame), "%s", log);
    fake_engine_reply(h->fake, "GET /containers/b/logs", 200, frame);
}

static void an_engine_that_is_not_there_is_a_finding(void **state)
{
    struct host *h = *state;
    (void)setenv("DOCKER_HOST", "unix:///tmp/there-is-no-such-socket", 1);
    struct json *report = ask(h, "");
    const struct json *f = finding(report, "docker_missing");
    assert_string_equal(json_str(f, "level", ""), "error");
    assert_string_equal(json_str(f, "subject", ""), "engine");
    assert_string_equal(json_str(f, "command", ""), "sudo systemctl enable --now docker");
    assert_int_equal(json_len(json_get(f, "evidence")), 1);
    assert_check(report, "engine", false, "no such socket");
    assert_int_equal(json_len(json_get(report, "findings")), 1); /* of containers nothing is known */
    json_free(report);
}

static void an_engine_that_fails_in_a_way_that_no_row_knows_is_a_finding_too(void **state)
{
    struct host *h = *state;
    fake_engine_reply(h->fake, "GET /info", 500, "{\"message\":\"driver failed\"}");
    struct json *report = ask(h, "");
    assert_non_null(finding(report, "engine_failed"));
    assert_check(report, "engine", false, "driver failed");
    json_free(report);
}

static void why_blue_ended_is_told_without_its_secrets(void **state)
{
    struct host *h = *state;
    blue_has_ended(h, "panic: DATABASE_URL is not set, token " SECRET "\n");
    struct json *report = ask(h, "");
    const struct json *f = finding(report, "missing_environment");
    assert_string_equal(json_str(f, "subject", ""), "blue");
    assert_string_equal(json_str(f, "command", ""), "bluegreen-agent logs blue --app shop");
    assert_true(json_len(json_get(f, "evidence")) >= 2);
    assert_null(finding(report, "blue_ended")); /* once is enough */
    assert_check(report, "blue", false, "exit code 1");
    assert_check(report, "port", true, "port 1 is free");
    assert_nowhere(report, SECRET);
    json_free(report);
}

static void a_login_that_is_refused_is_told_without_the_password(void **state)
{
    struct host *h = *state;
    blue_has_ended(h, "");
    fake_engine_reply(h->fake, "POST /auth", 401, "{\"message\":\"unauthorized: wrong-password is wrong\"}");
    struct json *report = ask(h, "deployer");
    const struct json *f = finding(report, "login_refused");
    assert_string_equal(json_str(f, "level", ""), "warning");
    assert_string_equal(json_str(f, "command", ""), "docker login reg.example");
    assert_check(report, "registry", false, "unauthorized");
    assert_nowhere(report, "wrong-password");
    json_free(report);
}

static void a_registry_that_tells_nothing_without_a_login_is_no_finding(void **state)
{
    struct host *h = *state;
    blue_has_ended(h, "");
    fake_engine_reply(h->fake, "GET /distribution/", 401, "{\"message\":\"no basic auth credentials\"}");
    struct json *report = ask(h, "");
    assert_check(report, "registry", true, "without a login");
    assert_null(finding(report, "login_missing"));
    json_free(report);
}

static void a_tag_that_names_another_image_in_the_registry_is_told(void **state)
{
    struct host *h = *state;
    blue_has_ended(h, "");
    fake_engine_reply(h->fake, "GET /distribution/", 200,
                      "{\"Descriptor\":{\"digest\":\"" OTHER "\"},\"Platforms\":[]}");
    struct json *report = ask(h, "");
    assert_string_equal(json_str(finding(report, "image_drift"), "command", ""),
                        "bluegreen-agent plan --app shop --image reg.example/shop:v2");
    json_free(report);
    fake_engine_reply(h->fake, "GET /distribution/", 200,
                      "{\"Descriptor\":{\"digest\":\"" DIGEST "\"},\"Platforms\":[]}");
    report = ask(h, "");
    assert_null(finding(report, "image_drift"));
    assert_check(report, "image", true, "the registry has it");
    json_free(report);
}

static void errors_come_before_what_is_merely_worth_knowing(void **state)
{
    struct host *h = *state;
    blue_has_ended(h, "");
    fake_engine_reply(h->fake, "GET /distribution/", 200,
                      "{\"Descriptor\":{\"digest\":\"" OTHER "\"},\"Platforms\":[]}");
    struct json *report = ask(h, "");
    static const char *const order[] = { "error", "warning", "info" };
    size_t at = 0;
    for (const struct json *f = json_first(json_get(report, "findings")); f; f = json_next(f)) {
        while (at < 3 && strcmp(order[at], json_str(f, "level", "")) != 0)
            at++;
        assert_true(at < 3);
    }
    assert_int_equal(at, 2);
    json_free(report);
}

static void why_the_last_deployment_failed_is_told(void **state)
{
    struct host *h = *state;
    struct event ev;
    event_init(&ev, EVENT_DIAGNOSIS, "health_check");
    json_set_str(ev.body, "code", "health_path");
    json_set_str(ev.body, "cause", "no such path");
    json_set_str(ev.body, "next", "Check it.");
    eventlog_emit(&h->run.log, &ev);
    event_done(&ev);
    run_log(&h->run, "info", "agent", "and so on");
    eventlog_close(&h->run.log);
    host_write(h->run.dir_fd, "outcome.json",
               "{\"outcome\":\"failed_untouched\",\"operation\":\"deploy\",\"deployment\":\"" HOST_ID
               "\",\"error\":{\"kind\":\"unhealthy\"}}");
    struct json *report = ask(h, "");
    const struct json *f = finding(report, "health_path");
    assert_string_equal(json_str(f, "subject", ""), "deployment");
    assert_string_equal(json_str(f, "command", ""), "bluegreen-agent logs " HOST_ID " --app shop");
    json_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIAGNOSE_CASE(an_engine_that_is_not_there_is_a_finding),
        DIAGNOSE_CASE(an_engine_that_fails_in_a_way_that_no_row_knows_is_a_finding_too),
        DIAGNOSE_CASE(why_blue_ended_is_told_without_its_secrets),
        DIAGNOSE_CASE(a_login_that_is_refused_is_told_without_the_password),
        DIAGNOSE_CASE(a_registry_that_tells_nothing_without_a_login_is_no_finding),
        DIAGNOSE_CASE(a_tag_that_names_another_image_in_the_registry_is_told),
        DIAGNOSE_CASE(errors_come_before_what_is_merely_worth_knowing),
        DIAGNOSE_CASE(why_the_last_deployment_failed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
