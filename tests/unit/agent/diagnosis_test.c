#include "agent/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct seen {
    enum err_kind kind;
    const char *message, *log;
    int exit_code;
    bool oom;
    const char *code; /* of the diagnosis; NULL: none */
};

static const struct seen table[] = {
    { ERR_APP_EXITED, "the container ended with exit code 137", "", 137, true, "out_of_memory" },
    { ERR_UNHEALTHY, "not healthy", "", 0, true, "out_of_memory" },
    { ERR_APP_EXITED, "the container ended with exit code 1", "exec /app: exec format error\n", 1, false,
      "wrong_architecture" },
    { ERR_DOCKER, "start: exec user process caused: exec format error", "", 0, false, "wrong_architecture" },
    { ERR_PLATFORM, "the image is for arm64", "", 0, false, "wrong_architecture" },
    { ERR_APP_EXITED, "the container ended with exit code 1", "Error: DATABASE_URL must be set\n", 1, false,
      "missing_environment" },
    { ERR_APP_EXITED, "the container ended with exit code 1", "dial tcp 10.0.0.5:5432: Connection Refused\n", 1, false,
      "dependency_unreachable" },
    { ERR_UNHEALTHY, "not healthy; HTTP status 503", "redis: Could not connect\n", 0, false, "dependency_unreachable" },
    { ERR_APP_EXITED, "the container ended with exit code 1", "open /data/db: Permission denied\n", 1, false,
      "permission" },
    { ERR_DOCKER, "start: exec: \"/entry.sh\": permission denied", "", 0, false, "permission" },
    { ERR_DOCKER, "start: exec: \"serve\": executable file not found in $PATH", "", 0, false, "no_such_program" },
    { ERR_APP_EXITED, "the container ended with exit code 1", "write: No space left on device\n", 1, false,
      "disk_full" },
    { ERR_DISK_FULL, "Docker's disk has 3 MiB free", "", 0, false, "disk_full" },
    { ERR_APP_EXITED, "the container ended with exit code 137", "", 137, false, "killed" },
    { ERR_APP_EXITED, "the container ended with exit code 139", "", 139, false, "crashed" },
    { ERR_APP_EXITED, "the container ended with exit code 0", "bye\n", 0, false, "exits_at_once" },
    { ERR_UNHEALTHY, "the last answer: HTTP status 404, wanted 200", "", 0, false, "health_path" },
    { ERR_UNHEALTHY, "the last answer: HTTP status 401, wanted 200", "", 0, false, "health_auth" },
    { ERR_UNHEALTHY, "the last answer: HTTP status 403, wanted 200", "", 0, false, "health_auth" },
    { ERR_UNHEALTHY, "the last answer: HTTP status 302, wanted 200", "", 0, false, "health_redirect" },
    { ERR_UNHEALTHY, "the last answer: HTTP status 500, wanted 200", "", 0, false, "app_reports_failure" },
    { ERR_UNHEALTHY, "the last answer: GET http://127.0.0.1:8081/health: connection reset by peer", "", 0, false,
      "not_listening" },
    { ERR_UNHEALTHY, "the last answer: timed out", "starting\n", 0, false, "slow_start" },
    { ERR_IMAGE_MISSING, "manifest unknown", "", 0, false, "image_missing" },
    { ERR_REGISTRY_AUTH, "no basic auth credentials", "", 0, false, "login_refused" },
    { ERR_REGISTRY, "no such host", "", 0, false, "registry_unreachable" },
    { ERR_PORT_TAKEN, "port 8080 belongs to nginx", "", 0, false, "port_taken" },
    { ERR_DOCKER, "name is taken", "", 0, false, NULL },
    { ERR_DOCKER_MISSING, "no Docker Engine at /var/run/docker.sock", "", 0, false, NULL },
    { ERR_DOCKER_DENIED, "user 'x' may not use the Docker Engine", "", 0, false, NULL },
    { ERR_CANCEL, "cancelled", "connection refused\n", 137, true, NULL },
};

static bool look(const struct seen *s, struct diagnosis *d)
{
    struct err err = { 0 };
    struct engine_container c = { .exit_code = s->exit_code, .oom_killed = s->oom };
    (void)err_set(&err, s->kind, 0, "%s", s->message);
    (void)err_wrap(&err, "step 'health_check'");
    return diagnose(&err, &c, span_of(s->log), d);
}

static void each_failure_has_its_diagnosis(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct diagnosis d = { 0 };
        bool found = look(&table[i], &d);
        const char *want = table[i].code ? table[i].code : "none";
        if (strcmp(found ? d.code : "none", want) != 0)
            fail_msg("'%s' / '%s' is %s, wanted %s", table[i].message, table[i].log, found ? d.code : "none", want);
    }
}

static void every_diagnosis_says_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct diagnosis d = { 0 };
        if (!look(&table[i], &d))
            continue;
        assert_true(strlen(d.cause) > 10 && strlen(d.next) > 10);
        assert_int_equal(d.next[strlen(d.next) - 1], '.');
        assert_int_equal(strspn(d.code, "abcdefghijklmnopqrstuvwxyz_"), strlen(d.code));
    }
}

static void our_own_probe_is_not_mistaken_for_the_app(void **state)
{
    (void)state;
    static const struct seen refused = { ERR_UNHEALTHY, "GET http://127.0.0.1:8081/: Connection refused",
                                         "ready\n",     0,
                                         false,         "not_listening" };
    struct diagnosis d = { 0 };
    assert_true(look(&refused, &d));
    assert_string_equal(d.code, "not_listening");
}

static void an_unreachable_registry_is_not_mistaken_for_the_app(void **state)
{
    (void)state;
    static const struct seen refused = { ERR_REGISTRY, "dial tcp 10.0.0.1:443: connect: connection refused",
                                         "",           0,
                                         false,        "registry_unreachable" };
    struct diagnosis d = { 0 };
    assert_true(look(&refused, &d));
    assert_string_equal(d.code, "registry_unreachable");
}

static void without_a_container_its_exit_code_means_nothing(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct diagnosis d;
    (void)err_set(&err, ERR_APP_EXITED, 0, "the container is gone");
    assert_true(diagnose(&err, NULL, (struct span){ 0 }, &d));
    assert_string_equal(d.code, "exits_at_once");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_has_its_diagnosis),
        cmocka_unit_test(every_diagnosis_says_what_to_do),
        cmocka_unit_test(our_own_probe_is_not_mistaken_for_the_app),
        cmocka_unit_test(an_unreachable_registry_is_not_mistaken_for_the_app),
        cmocka_unit_test(without_a_container_its_exit_code_means_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
