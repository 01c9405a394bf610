#include "agent/status/status.h"

#include "agent/request.h"
#include "shared/clock.h"
#include "tests/unit/agent/auditlog.h"
#include "tests/unit/agent/host.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define SECRET "canary-4711-secret"

#define STATUS_CASE(name) cmocka_unit_test_setup_teardown(name, host_set_up_found_engine, host_tear_down)

/* The answers keep the pointer to what they answer. */
static const char *kept(const char *form, const char *name)
{
    static char all[128][100];
    static size_t used;
    char *one = all[used++ % 128];
    (void)snprintf(one, sizeof(all[0]), "GET /containers/%s/%s", name, form);
    return one;
}

/* A container of the app; `more`: further members of it. */
static void has(struct host *h, const char *name, const char *state, const char *more)
{
    char text[4096];
    (void)snprintf(
        text, sizeof(text),
        "{\"Id\":\"id-%s\",\"Name\":\"/%s\",\"Image\":\"sha256:1\",\"Created\":\"2026-01-29T03:10:02.113456789Z\","
        "\"RestartCount\":2,\"State\":{%s},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"unless-stopped\"}}%s,"
        "\"Config\":{\"Image\":\"reg/shop:v2\",\"Labels\":{\"io.bluegreen.app\":\"shop\","
        "\"io.bluegreen.deployment\":\"" HOST_ID "\",\"io.bluegreen.image\":\"reg/shop:v2\","
        "\"io.bluegreen.digest\":\"" DIGEST "\",\"io.bluegreen.strategy\":\"recreate\","
        "\"org.opencontainers.image.version\":\"2.4.1\"}}}",
        name, name, state, more);
    fake_engine_reply(h->fake, kept("json", name), 200, text);
}

#define RUNS                                                                                                           \
    "\"Status\":\"running\",\"Running\":true,\"StartedAt\":\"2026-01-29T03:10:03.5Z\",\"FinishedAt\":\"0001-01-01T00:" \
    "00:00Z\""
#define ENDED                                                                                                          \
    "\"Status\":\"exited\",\"Running\":false,\"ExitCode\":3,\"StartedAt\":\"2026-01-29T03:10:03Z\",\"FinishedAt\":"    \
    "\"2026-01-29T03:11:04.25Z\""

static void uses(struct host *h, const char *id, int64_t cpu_ns)
{
    char text[256];
    (void)snprintf(
        text, sizeof(text),
        "{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":%lld}},\"memory_stats\":{\"usage\":1000,\"limit\":5000},"
        "\"networks\":{\"eth0\":{\"rx_bytes\":7,\"tx_bytes\":9}}}",
        (long long)cpu_ns);
    fake_engine_reply(h->fake, kept("stats", id), 200, text);
}

static struct json *ask(struct host *h, struct look_memory *memory)
{
    struct json *report = NULL;
    host_assert_result(h, status_report(HOST_APP, 0, memory, &report, &h->err), 0);
    return report;
}

static const struct json *at(const struct json *report, const char *name)
{
    return json_get(report, name);
}

static bool advises(const struct json *report, const char *code)
{
    for (const struct json *a = json_first(at(report, "recommendations")); a; a = json_next(a))
        if (strcmp(json_str(a, "code", ""), code) == 0)
            return true;
    return false;
}

/* ---- what it is asked of ---- */

static void an_app_that_nobody_knows_is_no_failure_and_nothing_is_created(void **state)
{
    struct host *h = *state;
    struct json *report = NULL;
    char path[128];
    host_assert_result(h, status_report("other", 0, NULL, &report, &h->err), 0);
    assert_string_equal(json_str(report, "app", ""), "other");
    assert_false(json_is_object(at(report, "blue")));
    assert_false(json_is_object(at(report, "keeper")));
    assert_false(json_is_object(at(report, "running")));
    assert_int_equal(json_len(at(report, "deployments")), 0);
    assert_int_equal(json_len(at(report, "trend")), 0);
    assert_true(advises(report, "app_unknown"));
    (void)snprintf(path, sizeof(path), "%s/apps/other", h->root);
    assert_int_equal(access(path, F_OK), -1);
    json_free(report);
}

static void an_engine_that_is_not_there_is_told(void **state)
{
    struct host *h = *state;
    struct json *report = NULL;
    (void)setenv("DOCKER_HOST", "unix:///tmp/there-is-no-such-socket", 1);
    host_assert_err(h, status_report(HOST_APP, 0, NULL, &report, &h->err), ERR_DOCKER_MISSING, "no such socket");
    assert_null(report);
}

/* ---- containers ---- */

static void a_container_is_told_with_all_that_is_known_of_it(void **state)
{
    struct host *h = *state;
    has(h, "shop-blue", RUNS,
        ",\"NetworkSettings\":{\"Ports\":{\"8080/"
        "tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8081\"},{\"HostIp\":\"::\","
        "\"HostPort\":\"8081\"}],\"9000/tcp\":null}}");
    has(h, "shop-green", ENDED, "");
    uses(h, "id-shop-blue", 1000);
    struct json *report = ask(h, NULL);
    const struct json *blue = at(report, "blue"), *green = at(report, "green");
    assert_string_equal(json_str(blue, "image", ""), "reg/shop:v2");
    assert_string_equal(json_str(blue, "tag", ""), "v2");
    assert_string_equal(json_str(blue, "digest", ""), DIGEST);
    assert_string_equal(json_str(blue, "version", ""), "2.4.1");
    assert_string_equal(json_str(blue, "revision", "?"), "");
    assert_string_equal(json_str(blue, "created", ""), "2026-01-29T03:10:02.113Z");
    assert_string_equal(json_str(blue, "started", ""), "2026-01-29T03:10:03.500Z");
    assert_string_equal(json_str(blue, "finished", "?"), "");
    assert_int_equal(json_int(blue, "restarts", 0), 2);
    assert_int_equal(json_len(json_get(blue, "ports")), 1);
    assert_string_equal(json_value_str(json_first(json_get(blue, "ports")), ""), "8081->8080/tcp");
    assert_string_equal(json_str(blue, "health", ""), "unknown"); /* its settings are not there */
    assert_int_equal(json_int(blue, "memory_bytes", 0), 1000);
    assert_int_equal(json_int(blue, "net_tx_bytes", 0), 9);
    assert_true(json_int(blue, "age_seconds", 0) > 0);
    assert_string_equal(json_str(green, "finished", ""), "2026-01-29T03:11:04.250Z");
    assert_int_equal(json_int(green, "exit_code", 0), 3);
    assert_int_equal(json_int(green, "memory_bytes", 0), -1);
    assert_true(json_num(green, "cpu_percent", 0) < 0);
    json_free(report);
}

static void a_tag_that_names_another_image_now_is_told(void **state)
{
    struct host *h = *state;
    has(h, "shop-blue", ENDED, "");
    fake_engine_reply(h->fake, "GET /images/reg/shop:v2/json", 200,
                      "{\"Id\":\"sha256:2\",\"RepoDigests\":[\"else/shop@" DIGEST "\",\"reg/shop@" OTHER "\"]}");
    struct json *report = ask(h, NULL);
    assert_string_equal(json_str(at(report, "blue"), "drift", ""), OTHER);
    assert_true(advises(report, "image_drift"));
    json_free(report);
    fake_engine_reply(h->fake, "GET /images/reg/shop:v2/json", 200,
                      "{\"Id\":\"sha256:1\",\"RepoDigests\":[\"reg/shop@" DIGEST "\"]}");
    report = ask(h, NULL);
    assert_string_equal(json_str(at(report, "blue"), "drift", "?"), "");
    json_free(report);
}

static void what_is_no_image_reference_gets_into_no_command(void **state)
{
    struct host *h = *state;
    has(h, "shop-green", ENDED, "");
    fake_engine_reply(h->fake, "GET /images/", 404, "{\"message\":\"no such image\"}");
    struct json *report = ask(h, NULL);
    assert_true(advises(report, "green_image_missing"));
    json_free(report);
    fake_engine_reply(h->fake, "GET /containers/shop-green/json", 200,
                      "{\"Id\":\"g\",\"Name\":\"/shop-green\",\"Image\":\"sha256:1\",\"State\":{" ENDED
                      "},\"Config\":{\"Labels\":{"
                      "\"io.bluegreen.app\":\"shop\",\"io.bluegreen.image\":\"x; rm -rf /\"}}}");
    report = ask(h, NULL);
    assert_false(advises(report, "green_image_missing"));
    json_free(report);
}

static void others_with_the_label_are_named(void **state)
{
    struct host *h = *state;
    fake_engine_reply(h->fake, "GET /containers/json", 200,
                      "[{\"Names\":[\"/shop-blue\"]},{\"Names\":[\"/stray\"]},{\"Names\":[\"/shop-keeper\"]}]");
    struct json *report = ask(h, NULL);
    assert_int_equal(json_len(at(report, "others")), 1);
    assert_string_equal(json_value_str(json_first(at(report, "others")), ""), "stray");
    json_free(report);
}

/* ---- samples ---- */

static void the_first_question_waits_once_and_the_next_not_at_all(void **state)
{
    struct host *h = *state;
    struct look_memory memory = { 0 };
    has(h, "shop-blue", RUNS, "");
    has(h, "shop-green", RUNS, "");
    uses(h, "id-shop-blue", 1000000000);
    uses(h, "id-shop-green", 0);
    json_free(ask(h, &memory));
    assert_int_equal(fake_engine_count(h->fake, "GET /containers/id-shop-blue/stats"), 2);
    assert_int_equal(fake_engine_count(h->fake, "GET /containers/id-shop-green/stats"), 2);

    int64_t since = memory.samples[LOOK_BLUE].stats.at_ms - 1000; /* as if that had been a second ago */
    memory.samples[LOOK_BLUE].stats.at_ms = memory.samples[LOOK_GREEN].stats.at_ms = since;
    uses(h, "id-shop-blue", 1500000000);
    struct json *report = ask(h, &memory);
    int64_t apart = memory.samples[LOOK_BLUE].stats.at_ms - since;
    assert_int_equal(fake_engine_count(h->fake, "GET /containers/id-shop-blue/stats"), 3);
    assert_int_equal(fake_engine_count(h->fake, "GET /_ping"), 1); /* on the connection that is there */
    assert_int_equal(fake_engine_count(h->fake, "GET /info"), 1);
    double cpu = json_num(at(report, "blue"), "cpu_percent", -1), wanted = 500.0 / (double)apart * 100;
    assert_true(cpu > wanted - 0.1 && cpu < wanted + 0.1);
    json_free(report);

    has(h, "shop-green", ENDED, ""); /* another container: its sample is of no use */
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 404, "{}");
    has(h, "shop-next", RUNS, "");
    uses(h, "id-shop-next", 5);
    json_free(ask(h, &memory));
    assert_int_equal(fake_engine_count(h->fake, "GET /containers/id-shop-next/stats"), 2);
    look_memory_done(&memory);
}

static void a_counter_that_began_anew_gives_no_figure_that_makes_no_sense(void **state)
{
    struct host *h = *state;
    struct look_memory memory = { 0 };
    has(h, "shop-blue", RUNS, "");
    uses(h, "id-shop-blue", 1000000000);
    json_free(ask(h, &memory));
    memory.samples[LOOK_BLUE].stats.at_ms -= 1000;
    uses(h, "id-shop-blue", 50); /* it was restarted in between */
    struct json *report = ask(h, &memory);
    assert_true(json_num(at(report, "blue"), "cpu_percent", -1) == 0);
    json_free(report);
    look_memory_done(&memory);
}

static void an_engine_that_was_restarted_is_asked_anew(void **state)
{
    struct host *h = *state;
    struct look_memory memory = { 0 };
    json_free(ask(h, &memory));
    fake_engine_stop(h->fake);
    char url[96];
    h->fake = fake_engine_start("1.45");
    fake_engine_reply(h->fake, "GET /info", 200, "{\"ServerVersion\":\"27.0\",\"DockerRootDir\":\"/\"}");
    fake_engine_reply(h->fake, "GET /containers/json", 200, "[]");
    (void)snprintf(url, sizeof(url), "unix://%s", fake_engine_socket(h->fake));
    (void)setenv("DOCKER_HOST", url, 1);
    struct json *report = ask(h, &memory);
    assert_string_equal(json_str(at(report, "engine"), "version", ""), "27.0");
    json_free(report);
    look_memory_done(&memory);
}

/* ---- health ---- */

static void *answer_once(void *arg)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    char bytes[4096];
    int fd = accept(*(const int *)arg, NULL, NULL);
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n > 0)
        n = send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void a_secret_of_the_settings_is_not_in_the_reason(void **state)
{
    struct host *h = *state;
    char text[2048];
    pthread_t thread;
    int port, listener = host_listen(&port);
    h->run.spec.port = port;
    (void)spec_set_str(&h->run.spec.app, "shop", NULL);
    (void)spec_set_str(&h->run.spec.image, "reg/shop:v2", NULL);
    (void)spec_set_str(&h->run.spec.health_path, "/health", NULL);
    (void)spec_set_str(&h->run.spec.health_body, SECRET, NULL);
    (void)strlist_add(&h->run.spec.secret_env, span_of("TOKEN=" SECRET), NULL);
    host_assert_result(h, request_store(&h->run, &h->err), 0);
    host_write(h->run.dir_fd, "outcome.json", "{}"); /* it is over */
    (void)snprintf(text, sizeof(text),
                   "{\"Id\":\"b\",\"Name\":\"/shop-blue\",\"State\":{" RUNS
                   "},\"HostConfig\":{\"PortBindings\":{\"8080/tcp\":[{"
                   "\"HostPort\":\"%d\"}]}},\"NetworkSettings\":{\"Ports\":{\"8080/tcp\":[{\"HostPort\":\"%d\"}]}},"
                   "\"Config\":{\"Env\":[\"TOKEN=" SECRET "\"],\"Labels\":{\"io.bluegreen.app\":\"shop\","
                   "\"io.bluegreen.deployment\":\"" HOST_ID "\"}}}",
                   port, port);
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 200, text);
    assert_int_equal(pthread_create(&thread, NULL, answer_once, &listener), 0);
    struct json *report = ask(h, NULL);
    (void)pthread_join(thread, NULL);
    const struct json *blue = at(report, "blue");
    assert_string_equal(json_str(blue, "health", ""), "unhealthy");
    assert_true(json_int(blue, "response_ms", -1) >= 0);
    assert_non_null(strstr(json_str(blue, "health_error", ""), "the body does not contain"));
    struct buf all = BUF_INIT(EVENT_LINE_MAX);
    assert_int_equal(json_print(report, &all, NULL), 0);
    assert_null(strstr(buf_str(&all), SECRET));
    assert_true(advises(report, "blue_unhealthy"));
    buf_done(&all);
    json_free(report);
    close_p(&listener);
}

/* ---- the deployment that runs ---- */

static void emit(struct host *h, enum event_kind kind, const char *step, const char *title)
{
    struct event ev;
    event_init(&ev, kind, step);
    json_set_str(ev.body, "title", title);
    eventlog_emit(&h->run.log, &ev);
    event_done(&ev);
}

static void runs_step(struct host *h)
{
    (void)snprintf(h->run.run_link, sizeof(h->run.run_link), "https://example.org/run/7");
    host_assert_result(h, request_store(&h->run, &h->err), 0);
    emit(h, EVENT_STEP_START, "preflight", "Look at the host");
    emit(h, EVENT_STEP_START, "image_pull", "Pull the image");
}

static void the_step_of_a_deployment_is_seen_from_outside(void **state)
{
    struct host *h = *state;
    runs_step(h);
    struct json *report = ask(h, NULL);
    const struct json *running = at(report, "running");
    assert_string_equal(json_str(running, "deployment", ""), HOST_ID);
    assert_string_equal(json_str(running, "operation", ""), "deploy");
    assert_string_equal(json_str(running, "step", ""), "image_pull");
    assert_string_equal(json_str(running, "title", ""), "Pull the image");
    assert_string_equal(json_str(running, "run_link", ""), "https://example.org/run/7");
    assert_true(json_num(running, "step_seconds", -1) >= 0);
    assert_true(json_num(running, "seconds", -1) >= json_num(running, "step_seconds", -1));
    assert_false(advises(report, "deployment_cut_off"));
    json_free(report);
}

static void a_step_that_says_much_is_still_found(void **state)
{
    struct host *h = *state;
    char words[4000];
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    runs_step(h);
    for (int i = 0; i < 400; i++) /* 1.6 MB behind it */
        run_log(&h->run, "info", "app", "\"step.start\" %s", words);
    assert_true(h->run.log.bytes > 1024 * 1024);
    (void)!write(h->run.log.events_fd, "{\"v\":1,\"seq\":1,\"kind\":\"step.start\",", 30); /* being written */
    struct json *report = ask(h, NULL);
    assert_string_equal(json_str(at(report, "running"), "step", ""), "image_pull");
    json_free(report);
}

static void an_undo_is_told_as_such(void **state)
{
    struct host *h = *state;
    runs_step(h);
    emit(h, EVENT_UNDO_START, "cutover_time", "Cutover");
    struct json *report = ask(h, NULL);
    assert_string_equal(json_str(at(report, "running"), "title", ""), "Undo: Cutover");
    json_free(report);
}

static void a_deployment_without_a_worker_does_not_run(void **state)
{
    struct host *h = *state;
    runs_step(h);
    eventlog_close(&h->run.log); /* and with it the worker */
    struct json *report = ask(h, NULL);
    assert_false(json_is_object(at(report, "running")));
    assert_true(advises(report, "deployment_cut_off"));
    json_free(report);
    host_write(h->run.dir_fd, "outcome.json", "{\"outcome\":\"failed_untouched\"}");
    report = ask(h, NULL);
    assert_false(advises(report, "deployment_cut_off"));
    json_free(report);
}

static void of_two_the_one_that_has_the_lock_runs(void **state)
{
    struct host *h = *state;
    struct run waits;
    struct lock_owner me = { .pid = 1 };
    int lock_fd = -1;
    runs_step(h);
    (void)snprintf(me.deployment, sizeof(me.deployment), "%s", HOST_ID);
    host_assert_result(h, lock_take(h->run.app_fd, &me, 0, NULL, NULL, NULL, &lock_fd, &h->err), 0);
    run_init(&waits); /* a later one, which waits for it */
    host_assert_result(h, store_create_deployment(h->run.app_fd, "20260129-031500-ffffff", &waits.dir_fd, &h->err), 0);
    host_assert_result(h, eventlog_open(&waits.log, waits.dir_fd, HOST_STAMP, NULL, &h->err), 0);
    host_write(waits.dir_fd, "request.json", "{\"op\":\"rollback\"}");
    struct json *report = ask(h, NULL);
    assert_string_equal(json_str(at(report, "running"), "deployment", ""), HOST_ID);
    assert_true(json_bool(at(report, "lock"), "held", false));
    json_free(report);
    run_done(&waits);
    close_p(&lock_fd);
}

/* ---- the past ---- */

static void past_deployments_and_their_times_come_from_the_audit_log(void **state)
{
    struct host *h = *state;
    (void)auditlog_append(h, "a", "deployed");
    (void)auditlog_append(h, "b", "failed_untouched");
    struct json *report = ask(h, NULL);
    assert_int_equal(json_len(at(report, "deployments")), 2);
    assert_string_equal(json_str(json_first(at(report, "deployments")), "outcome", ""), "failed_untouched");
    assert_int_equal(json_int(json_first(at(report, "deployments")), "n", 0), 2);
    assert_int_equal(json_len(at(report, "trend")), 1);
    assert_false(advises(report, "audit_broken"));
    json_free(report);
}

static void an_audit_log_that_was_changed_is_seen_by_a_channel_that_knew_it_whole(void **state)
{
    struct host *h = *state;
    struct look_memory memory = { 0 };
    (void)auditlog_append(h, "a", "deployed");
    for (int i = 0; i < 2; i++) {
        struct json *report = ask(h, &memory);
        assert_false(advises(report, "audit_broken"));
        assert_int_equal(json_len(at(report, "deployments")), 1);
        json_free(report);
    }
    int fd = openat(h->run.app_fd, AUDIT_FILE, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "!", 1, 40), 1);
    close_p(&fd);
    struct json *report = ask(h, &memory);
    assert_true(advises(report, "audit_broken"));
    json_free(report);
    look_memory_done(&memory);
}

static void records_that_are_older_than_the_audit_log_are_told(void **state)
{
    struct host *h = *state;
    host_write(h->run.dir_fd, "outcome.json",
               "{\"outcome\":\"deployed\",\"operation\":\"deploy\",\"deployment\":\"" HOST_ID
               "\",\"total_seconds\":7.5,\"ended\":\"2026-01-29T03:11:02.113Z\"}");
    struct json *report = ask(h, NULL);
    const struct json *entry = json_first(at(report, "deployments"));
    assert_string_equal(json_str(entry, "deployment", ""), HOST_ID);
    assert_int_equal(json_int(entry, "n", -1), 0);
    assert_true(json_num(entry, "total_seconds", 0) == 7.5);
    json_free(report);
}

/* ---- the whole ---- */

static void the_skew_of_the_clock_is_known_only_when_the_client_told_its_own(void **state)
{
    struct host *h = *state;
    struct json *report = ask(h, NULL);
    assert_non_null(json_get(at(report, "clock"), "skew_seconds"));
    assert_false(json_is_number(json_get(at(report, "clock"), "skew_seconds")));
    json_free(report);
    host_assert_result(h, status_report(HOST_APP, clock_wall_ms() - 60000, NULL, &report, &h->err), 0);
    double skew = json_num(at(report, "clock"), "skew_seconds", 0);
    assert_true(skew >= 60 && skew < 70);
    assert_true(advises(report, "clock_skew"));
    json_free(report);
}

static void an_answer_fits_a_line_of_the_protocol(void **state)
{
    struct host *h = *state;
    for (int i = 0; i < 12; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "d%d", i);
        struct json *entry = auditlog_entry(id, "deployed"), *changes = json_object(), *keys = json_array();
        for (int k = 0; k < 250; k++)
            json_push_str(keys, "A_RATHER_LONG_NAME_OF_AN_ENVIRONMENT_VARIABLE_THAT_WAS_ADDED");
        json_set(changes, "env_added", keys);
        json_set(entry, "changes", changes);
        struct audit_mark mark;
        host_assert_result(h, audit_append(h->run.app_fd, entry, NULL, &mark, &h->err), 0);
        json_free(entry);
    }
    struct json *report = ask(h, NULL);
    struct buf text = BUF_INIT(EVENT_LINE_MAX - 4096);
    assert_int_equal(json_print(report, &text, NULL), 0);
    assert_int_equal(json_len(at(report, "deployments")), 10);
    buf_done(&text);
    json_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATUS_CASE(an_app_that_nobody_knows_is_no_failure_and_nothing_is_created),
        STATUS_CASE(an_engine_that_is_not_there_is_told),
        STATUS_CASE(a_container_is_told_with_all_that_is_known_of_it),
        STATUS_CASE(a_tag_that_names_another_image_now_is_told),
        STATUS_CASE(what_is_no_image_reference_gets_into_no_command),
        STATUS_CASE(others_with_the_label_are_named),
        STATUS_CASE(the_first_question_waits_once_and_the_next_not_at_all),
        STATUS_CASE(a_counter_that_began_anew_gives_no_figure_that_makes_no_sense),
        STATUS_CASE(an_engine_that_was_restarted_is_asked_anew),
        STATUS_CASE(a_secret_of_the_settings_is_not_in_the_reason),
        STATUS_CASE(the_step_of_a_deployment_is_seen_from_outside),
        STATUS_CASE(a_step_that_says_much_is_still_found),
        STATUS_CASE(an_undo_is_told_as_such),
        STATUS_CASE(a_deployment_without_a_worker_does_not_run),
        STATUS_CASE(of_two_the_one_that_has_the_lock_runs),
        STATUS_CASE(past_deployments_and_their_times_come_from_the_audit_log),
        STATUS_CASE(an_audit_log_that_was_changed_is_seen_by_a_channel_that_knew_it_whole),
        STATUS_CASE(records_that_are_older_than_the_audit_log_are_told),
        STATUS_CASE(the_skew_of_the_clock_is_known_only_when_the_client_told_its_own),
        STATUS_CASE(an_answer_fits_a_line_of_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
