/* What a line on the host asks for: the request it becomes. */
#include "agent/cli/wanted.h"

#include "agent/request.h"
#include "shared/clock.h"
#include "tests/unit/agent/client.h"

#include <fcntl.h>

#define SECRET "hunter2-canary"
#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct cli program = { CLI_HOST, wanted_option };
static struct cli_call call;
static struct wanted w;
static struct err err;

/* Options as a person types them; `secrets`: what stands on standard input, NULL nothing. */
static int want(const char *secrets, const char *text)
{
    static char words[1000];
    char *argv[40];
    int argc = 0, r;
    (void)snprintf(words, sizeof(words), "bluegreen-agent %s", text);
    for (char *rest = words; rest && argc < 40;)
        argv[argc++] = strsep(&rest, " ");
    wanted_init(&w);
    err_clear(&err);
    assert_int_equal(cli_parse(&program, argc, argv, &call, &err), 0);
    FILE *in = tmpfile();
    assert_non_null(in);
    (void)fputs(secrets ? secrets : "", in);
    assert_int_equal(fflush(in), 0);
    assert_int_equal(lseek(fileno(in), 0, SEEK_SET), 0);
    r = wanted_read(&w, &call, fileno(in), &err);
    (void)fclose(in);
    return r;
}

static void wants(const char *secrets, const char *text)
{
    char message[2000];
    if (want(secrets, text) != 0)
        fail_msg("%s: %s", text, err_text(&err, message, sizeof(message)));
}

static void refuses(const char *secrets, const char *text, enum err_kind kind, const char *words)
{
    char message[2000];
    assert_int_equal(want(secrets, text), -(int)kind);
    if (!strstr(err_text(&err, message, sizeof(message)), words))
        fail_msg("%s: '%s' is not in '%s'", text, words, message);
    assert_null(strstr(message, SECRET));
    assert_null(strstr(buf_str(&w.problems), SECRET));
    wanted_done(&w);
}

/* A deployment of the app that serves in a container with this environment. */
static void deployed(struct host *h, const char *env)
{
    char text[2000];
    struct run *run = &h->run;
    host_assert_result(h, store_open_app(HOST_APP, &run->app_fd, &h->err), 0);
    host_assert_result(h, store_create_deployment(run->app_fd, HOST_ID, &run->dir_fd, &h->err), 0);
    (void)spec_set_str(&run->spec.app, HOST_APP, NULL);
    (void)spec_set_str(&run->spec.image, "registry.example/shop:1", NULL);
    (void)spec_set_str(&run->spec.health_path, "/alive", NULL);
    (void)strlist_add(&run->spec.env, SPAN_LIT("COLOR=green"), NULL);
    (void)strlist_add(&run->spec.env, SPAN_LIT("SIZE=1"), NULL);
    (void)strlist_add(&run->spec.secret_env, SPAN_LIT("TOKEN=" SECRET), NULL);
    run->spec.port = 9191;
    run->spec.container_port = 7000;
    run->spec.spare_port = 9192;
    run->spec.image_size_bytes = 12345;
    host_assert_result(h, request_store(run, &h->err), 0);
    (void)snprintf(text, sizeof(text),
                   "{\"Id\":\"abc\",\"Name\":\"/shop-blue\",\"State\":{\"Status\":\"running\",\"Running\":true},"
                   "\"Config\":{\"Image\":\"x\",\"Env\":%s,\"Labels\":{\"io.bluegreen.app\":\"shop\","
                   "\"io.bluegreen.deployment\":\"" HOST_ID "\"}},\"HostConfig\":{}}",
                   env);
    fake_engine_reply(h->fake, "GET /containers/shop-blue/json", 200, text);
}

#define ENV "[\"TOKENS=no\",\"TOKEN=" SECRET "\",\"COLOR=green\"]"

static void what_is_not_given_stays_as_what_serves_has_it(void **state)
{
    deployed(*state, ENV);
    wants(NULL, "deploy --image registry.example/shop:2");
    const struct spec *s = &w.request.spec;
    assert_int_equal(w.request.op, WIRE_DEPLOY);
    assert_string_equal(s->app, HOST_APP);
    assert_string_equal(s->image, "registry.example/shop:2");
    assert_string_equal(s->health_path, "/alive");
    assert_int_equal(s->port, 9191);
    assert_int_equal(s->container_port, 7000);
    assert_int_equal(s->env.len, 2);
    assert_int_equal(s->secret_env.len, 1);
    assert_string_equal(s->secret_env.items[0], "TOKEN=" SECRET);
    assert_int_equal(s->image_size_bytes, 0); /* of the other image */
    assert_non_null(strchr(s->run_link, '@'));
    assert_string_equal(s->run_link, w.request.run_link);
    assert_non_null(strstr(buf_str(&w.notes), "deployment " HOST_ID ", which serves"));
    assert_non_null(strstr(buf_str(&w.notes), "1 secret variable"));
    assert_null(strstr(buf_str(&w.notes), SECRET));
    assert_true(wire_is_id(w.request.deployment));
    wanted_done(&w);
}

static void a_list_that_is_given_replaces_the_whole_list(void **state)
{
    deployed(*state, ENV);
    wants(NULL, "deploy --env A=1 --env B=2 --port 80 --read-only");
    const struct spec *s = &w.request.spec;
    assert_int_equal(s->env.len, 2);
    assert_string_equal(s->env.items[0], "A=1");
    assert_string_equal(s->env.items[1], "B=2");
    assert_int_equal(s->port, 80);
    assert_int_equal(s->container_port, 7000);
    assert_int_equal(s->spare_port, 81); /* the neighbour of the new one */
    assert_true(s->read_only);
    assert_string_equal(s->image, "registry.example/shop:1");
    wanted_done(&w);
    wants(NULL, "deploy --env=");
    assert_int_equal(w.request.spec.env.len, 0);
    wanted_done(&w);
}

static void secrets_come_by_standard_input(void **state)
{
    deployed(*state, ENV);
    wants("{\"registry-password\":\"pass-word\",\"secret-env\":{\"OTHER\":\"two\\nlines\"}}",
          "deploy --registry-username me --secrets-stdin");
    const struct spec *s = &w.request.spec;
    assert_string_equal(s->registry_username, "me");
    assert_string_equal(s->registry_password, "pass-word");
    assert_int_equal(s->secret_env.len, 1);
    assert_string_equal(s->secret_env.items[0], "OTHER=two\nlines");
    wanted_done(&w);
}

static void secrets_that_are_gone_have_to_be_given_anew(void **state)
{
    deployed(*state, "[\"COLOR=green\"]");
    refuses(NULL, "deploy --image registry.example/shop:2", ERR_INPUT, "the value of TOKEN is not known any more");
    refuses(NULL, "deploy --registry-username me", ERR_INPUT, "the value of TOKEN");
    wants("{\"secret-env\":{\"TOKEN\":\"new\"}}", "deploy --secrets-stdin");
    assert_string_equal(w.request.spec.secret_env.items[0], "TOKEN=new");
    wanted_done(&w);
}

static void a_first_deployment_has_the_usual_settings(void **state)
{
    (void)state;
    wants(NULL, "deploy --app other --image registry.example/other:1 --port 81");
    const struct spec *s = &w.request.spec;
    assert_string_equal(s->app, "other");
    assert_int_equal(s->port, 81);
    assert_int_equal(s->container_port, 81);
    assert_int_equal(s->spare_port, 82);
    assert_string_equal(s->health_path, "/health");
    assert_string_equal(s->ecr_auth, "");
    assert_int_equal(w.notes.len, 0);
    wanted_done(&w);
    refuses(NULL, "deploy --app other", ERR_INPUT, "option '--image': got nothing");
}

static void each_wrong_option_is_told(void **state)
{
    (void)state;
    refuses(NULL, "deploy --app other --image registry.example/other:1 --port 0", ERR_INPUT,
            "option '--port': got '0'");
    assert_int_equal(
        want("{\"secret-env\":\"" SECRET "\"}", "deploy --app o --image x:1 --memory 1 --cpus x --secrets-stdin"),
        -ERR_INPUT);
    assert_non_null(strstr(buf_str(&w.problems), "option '--memory': got '1'"));
    assert_non_null(strstr(buf_str(&w.problems), "option '--cpus': got 'x'"));
    assert_non_null(strstr(buf_str(&w.problems), "secret-env (by --secrets-stdin)"));
    assert_null(strstr(buf_str(&w.problems), SECRET));
    wanted_done(&w);
    refuses(NULL, "deploy --app other --image x:1 --registry-username me", ERR_INPUT,
            "registry-password (by --secrets-stdin): got nothing");
    refuses("{\"port\":80}", "deploy --app other --image x:1 --secrets-stdin", ERR_INPUT, "\"port\" is no secret");
}

static void the_host_logs_in_to_ecr_by_itself(void **state)
{
    struct host *h = *state;
    (void)spec_set_str(&h->run.spec.registry_username, "AWS", NULL); /* the token of an earlier run's runner */
    deployed(h, ENV);
    wants(NULL, "deploy --image 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:2");
    assert_string_equal(w.request.spec.ecr_auth, "auto");
    assert_string_equal(w.request.spec.registry_username, "");
    wanted_done(&w);
    refuses(NULL, "deploy --image registry.example/shop:2", ERR_INPUT,
            "registry-password (by --secrets-stdin): got nothing");
}

static void without_an_engine_nothing_is_known_of_what_serves(void **state)
{
    struct host *h = *state;
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    refuses(NULL, "deploy --image x:1", ERR_DOCKER_MISSING, "");
}

static void questions_have_their_own_members(void **state)
{
    struct host *h = *state;
    int64_t now = clock_wall_ms();
    host_assert_result(h, store_open_app(HOST_APP, &h->run.app_fd, &h->err), 0);
    wants(NULL, "logs green --since 1h -f -n 7");
    assert_int_equal(w.request.op, WIRE_LOGS);
    assert_string_equal(w.request.app, HOST_APP);
    assert_string_equal(w.request.target, "green");
    assert_in_range(w.request.since_ms, now - 3600000 - 5000, now - 3600000 + 60000);
    assert_int_equal(w.request.lines, 7);
    assert_true(w.request.follow);
    wanted_done(&w);
    wants(NULL, "history");
    assert_int_equal(w.request.lines, 20);
    wanted_done(&w);
    wants(NULL, "logs --since 2026-01-29T03:10:00Z");
    assert_int_equal(w.request.since_ms, 1769656200000);
    assert_int_equal(w.request.lines, WIRE_LINES_DEFAULT);
    wanted_done(&w);
    refuses(NULL, "logs --since yesterday", ERR_INPUT, "--since is 'yesterday'");
    wants(NULL, "prune --dry-run --keep-hours 3");
    assert_true(w.request.dry_run);
    assert_int_equal(w.request.keep_hours, 3);
    assert_int_equal(w.request.keep_versions, -1);
    assert_int_equal(w.request.log_retention_days, -1);
    wanted_done(&w);
    wants("{\"secret-env\":{\"TOKEN\":\"new\"}}", "rollback --to " DIGEST " --lock-timeout 5s --secrets-stdin");
    assert_string_equal(w.request.to, DIGEST);
    assert_int_equal(w.request.lock_timeout_ms, 5000);
    assert_string_equal(w.request.spec.secret_env.items[0], "TOKEN=new");
    assert_non_null(strchr(w.request.run_link, '@'));
    wanted_done(&w);
}

static void the_app_is_named_when_there_is_not_just_one(void **state)
{
    struct host *h = *state;
    int fd;
    refuses(NULL, "status", ERR_INPUT, "no app was deployed on this host");
    host_assert_result(h, store_open_app("shop", &fd, &h->err), 0);
    close_p(&fd);
    host_assert_result(h, store_open_app("api", &fd, &h->err), 0);
    close_p(&fd);
    assert_int_equal(want(NULL, "status"), -ERR_INPUT);
    assert_string_equal(err.frame[0].text, "there are 2 apps on this host: say which one with --app");
    assert_string_equal(err_hint_text(&err), "They are api, shop.");
    wanted_done(&w);
    wants(NULL, "status --app api");
    assert_string_equal(w.request.app, "api");
    wanted_done(&w);
    refuses(NULL, "status --app NO", ERR_INPUT, "--app is 'NO'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMPTY_CASE(what_is_not_given_stays_as_what_serves_has_it),
        EMPTY_CASE(a_list_that_is_given_replaces_the_whole_list),
        EMPTY_CASE(secrets_come_by_standard_input),
        EMPTY_CASE(secrets_that_are_gone_have_to_be_given_anew),
        EMPTY_CASE(a_first_deployment_has_the_usual_settings),
        EMPTY_CASE(each_wrong_option_is_told),
        EMPTY_CASE(the_host_logs_in_to_ecr_by_itself),
        ALONE_CASE(without_an_engine_nothing_is_known_of_what_serves),
        ALONE_CASE(questions_have_their_own_members),
        ALONE_CASE(the_app_is_named_when_there_is_not_just_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
