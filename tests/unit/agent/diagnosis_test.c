#include "agent/watch/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What was seen, in few words. Empty fields: not seen. */
struct seen {
    const char *code; /* of the diagnosis; NULL: none */
    enum err_kind kind;
    const char *message, *log;
    int exit_code;
    const char *status; /* of the container; NULL: "exited" for ERR_APP_EXITED, else "running" */
    bool oom;
    int restarts;
    enum probe_result probe;
    int http;            /* status of that answer */
    const char *listens; /* "127.0.0.1:8080 0.0.0.0:3000"; "" none, NULL not known */
    bool tls;
    const char *owner; /* of the port */
    const char *step;
    int err_code;
};

#define ENDED "the container ended with exit code 1"
#define NOT_HEALTHY "not healthy after 4 attempts in 0.8 s"

static const struct seen table[] = {
    { "docker_denied", ERR_DOCKER_DENIED, "user 'x' may not use the Docker Engine", "", .exit_code = 0 },
    { "docker_missing", ERR_DOCKER_MISSING, "no Docker Engine at /var/run/docker.sock", "", .exit_code = 0 },
    { "engine_too_old", ERR_DOCKER,
      "the Docker Engine at /var/run/docker.sock is too old: it speaks API 1.24, 1.30 is needed", "", .exit_code = 0 },
    { "engine_too_old", ERR_DOCKER, "client version 1.24 is too old. Minimum supported API version is 1.44", "",
      .exit_code = 0 },
    { "image_no_space", ERR_DISK_FULL, "write /layer.tar: no space left on device", "", .exit_code = 0,
      .step = "image_pull" },
    { "disk_full", ERR_DISK_FULL, "Docker's disk has 3 MiB free", "", .exit_code = 0, .step = "preflight" },
    { "spare_port_taken", ERR_PORT_TAKEN, "handover needs the spare port 8081; it belongs to container 'web'", "",
      .exit_code = 0, .owner = "container 'web' (image nginx:1)" },
    { "port_taken_by_container", ERR_PORT_TAKEN, "port 8080 of the host belongs to container 'web'", "", .exit_code = 0,
      .owner = "container 'web' (image nginx:1)" },
    { "port_taken_by_process", ERR_PORT_TAKEN, "port 8080 of the host belongs to process 'nginx' (pid 1)", "",
      .exit_code = 0, .owner = "process 'nginx' (pid 1)" },
    { "port_taken_by_process", ERR_PORT_TAKEN, "bind: address already in use", "", .exit_code = 0,
      .owner = "a process that this user may not look at" },
    { "port_taken", ERR_PORT_TAKEN, "port is already allocated", "", .exit_code = 0 },
    { "name_taken", ERR_DOCKER, "a container named 'shop-next' exists and is not ours", "", .exit_code = 0,
      .err_code = 409 },
    { "no_way_back", ERR_DOCKER, "'web' was started with --rm: there would be no way back to it", "", .exit_code = 0 },

    { "token_expired", ERR_REGISTRY_AUTH, "denied: Your authorization token has expired. Reauthenticate", "",
      .exit_code = 0 },
    { "token_expired", ERR_REGISTRY_EXPIRED, "denied: Your authorization token has expired. Reauthenticate", "",
      .exit_code = 0 },
    { "host_clock", ERR_AWS_CREDENTIALS,
      "ECR GetAuthorizationToken in eu-central-1: RequestExpired: this machine's clock is 12 minutes behind AWS's", "",
      .exit_code = 0 },
    { "host_role_missing", ERR_AWS_CREDENTIALS, "no AWS credentials. instance role: nothing answers", "",
      .exit_code = 0 },
    { "host_role_denied", ERR_AWS_DENIED, "ECR GetAuthorizationToken: not allowed", "", .exit_code = 0 },
    { "image_archived", ERR_IMAGE_MISSING, "the image 'app' is in ECR's archive and cannot be pulled", "",
      .exit_code = 0 },
    { "image_findings", ERR_IMAGE_FINDINGS, "the registry's scan found 2 critical; fail-on-severity is high", "",
      .exit_code = 0 },
    { "repository_missing", ERR_IMAGE_MISSING, "ECR has no repository 'app' in region eu-central-1", "",
      .exit_code = 0 },
    { "tag_missing", ERR_IMAGE_MISSING, "the repository 'app' in region eu-central-1 has no tag v9", "",
      .exit_code = 0 },
    { "image_no_space", ERR_DISK_FULL, "the image needs about 90 MiB", "", .exit_code = 0, .step = "image_check" },
    { "registry_timeout", ERR_TIMEOUT, "not done after 60000 ms", "", .exit_code = 0, .step = "image_check" },
    { "login_missing", ERR_REGISTRY_AUTH, "no basic auth credentials", "", .exit_code = 0 },
    { "pull_denied", ERR_REGISTRY_AUTH, "denied: User: x is not authorized to perform: ecr:BatchGetImage", "",
      .exit_code = 0 },
    { "login_refused", ERR_REGISTRY_AUTH, "unauthorized: authentication required", "", .exit_code = 0 },
    { "repository_missing", ERR_IMAGE_MISSING, "name unknown: The repository with name 'x' does not exist", "",
      .exit_code = 0 },
    { "repository_missing", ERR_IMAGE_MISSING, "pull access denied for x, repository does not exist", "",
      .exit_code = 0 },
    { "tag_missing", ERR_IMAGE_MISSING, "manifest unknown", "", .exit_code = 0 },
    { "image_missing", ERR_IMAGE_MISSING, "the pull ended, but the image is not there", "", .exit_code = 0 },
    { "registry_rate_limit", ERR_REGISTRY, "toomanyrequests: You have reached your pull rate limit", "",
      .exit_code = 0 },
    { "registry_name", ERR_REGISTRY, "dial tcp: lookup ecr.example: no such host", "", .exit_code = 0 },
    { "registry_untrusted", ERR_REGISTRY, "x509: certificate signed by unknown authority", "", .exit_code = 0 },
    { "registry_plain_http", ERR_REGISTRY, "http: server gave HTTP response to HTTPS client", "", .exit_code = 0 },
    { "registry_plain_http", ERR_REGISTRY, "tls: first record does not look like a TLS handshake", "", .exit_code = 0 },
    { "registry_refused", ERR_REGISTRY, "dial tcp 10.0.0.1:443: connect: connection refused", "", .exit_code = 0 },
    { "registry_timeout", ERR_REGISTRY, "net/http: TLS handshake timeout", "", .exit_code = 0 },
    { "registry_timeout", ERR_TIMEOUT, "not done after 60000 ms", "", .exit_code = 0, .step = "ecr_login" },
    { "registry_timeout", ERR_TIMEOUT, "not done after 60000 ms", "", .exit_code = 0, .step = "image_pull" },
    { NULL, ERR_TIMEOUT, "not done after 60000 ms", "", .exit_code = 0, .step = "commit" },
    { "registry_failed", ERR_REGISTRY, "received unexpected HTTP status: 500 Internal Server Error", "",
      .exit_code = 0 },

    { "wrong_architecture", ERR_PLATFORM, "the image is for linux/arm64", "", .exit_code = 0 },
    { "wrong_architecture", ERR_DOCKER, "start: exec /app: exec format error", "", .exit_code = 0 },
    { "wrong_architecture", ERR_APP_EXITED, ENDED, "exec /app: Exec format error\n", .exit_code = 1 },
    { "network_missing", ERR_DOCKER, "start: network backend-net not found", "", .exit_code = 0, .err_code = 404 },
    { "network_missing", ERR_DOCKER, "join network 'backend-net': not found", "", .exit_code = 0, .err_code = 404 },
    { "mount_invalid", ERR_DOCKER, "error while creating mount source path '/x': permission denied", "",
      .exit_code = 0 },
    { "mount_invalid", ERR_DOCKER, "error mounting \"/srv/file\" to rootfs at \"/etc\": not a directory", "",
      .exit_code = 0 },
    { "no_such_user", ERR_APP_EXITED, "unable to find user webmaster: no matching entries in passwd file", "",
      .exit_code = 0 },
    { "no_such_program", ERR_APP_EXITED, "exec: \"serve\": executable file not found in $PATH", "", .exit_code = 0 },
    { "not_executable", ERR_APP_EXITED, "exec: \"/entry.sh\": permission denied: unknown", "", .exit_code = 0 },
    { "memory_limit_too_small", ERR_DOCKER, "Minimum memory limit allowed is 6MB", "", .exit_code = 0 },
    { "too_many_cpus", ERR_DOCKER, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs", "", .exit_code = 0 },
    { "no_free_subnet", ERR_DOCKER, "all predefined address pools have been fully subnetted", "", .exit_code = 0 },

    { "out_of_memory", ERR_APP_EXITED, "the container was killed: out of memory", "", .exit_code = 137, .oom = true },
    { "out_of_memory", ERR_UNHEALTHY, NOT_HEALTHY, "connection refused\n", .exit_code = 0, .oom = true },
    { "killed", ERR_APP_EXITED, ENDED, "connection refused\n", .exit_code = 137 },
    { "crashed", ERR_APP_EXITED, ENDED, "permission denied\n", .exit_code = 139 },
    { "crashed", ERR_APP_EXITED, ENDED, "", .exit_code = 135 },
    { "illegal_instruction", ERR_APP_EXITED, ENDED, "", .exit_code = 132 },
    { "not_executable", ERR_APP_EXITED, ENDED, "sh: 1: /app: Permission denied\n", .exit_code = 126 },
    { "restart_loop", ERR_APP_EXITED, ENDED, "", .exit_code = 1, .restarts = 3 },
    { "only_loopback", ERR_UNHEALTHY, NOT_HEALTHY, "connection refused\n", .exit_code = 0, .probe = PROBE_CLOSED,
      .listens = "127.0.0.1:8080" },

    { "missing_environment", ERR_APP_EXITED, ENDED, "Error: DATABASE_URL must be set\n", .exit_code = 1 },
    { "missing_environment", ERR_APP_EXITED, ENDED, "environment variable not found\nnote: backtrace\n",
      .exit_code = 101 },
    { "aws_credentials", ERR_APP_EXITED, ENDED, "NoCredentialProviders: no valid providers in chain\n",
      .exit_code = 1 },
    { "aws_denied", ERR_APP_EXITED, ENDED, "AccessDeniedException: dynamodb:Query\n", .exit_code = 1 },
    { "store_missing", ERR_APP_EXITED, ENDED, "ResourceNotFoundException: Table: orders\n", .exit_code = 1 },
    { "dependency_login", ERR_APP_EXITED, ENDED, "FATAL: password authentication failed for user \"a\"\n",
      .exit_code = 1 },
    { "tls_certificate", ERR_APP_EXITED, ENDED, "x509: certificate signed by unknown authority\n", .exit_code = 1 },
    { "dependency_name", ERR_APP_EXITED, ENDED, "getaddrinfo ENOTFOUND db\n", .exit_code = 1 },
    { "address_in_use", ERR_APP_EXITED, ENDED, "listen: Address already in use\n", .exit_code = 1 },
    { "dependency_timeout", ERR_APP_EXITED, ENDED, "could not connect to server: Connection timed out\n",
      .exit_code = 1 },
    { "dependency_refused", ERR_APP_EXITED, ENDED, "dial tcp 10.0.0.5:5432: Connection Refused\n", .exit_code = 1 },
    { "dependency_refused", ERR_UNHEALTHY, NOT_HEALTHY, "redis: Could not connect\n", .exit_code = 0,
      .probe = PROBE_STATUS, .http = 503 },
    { "dependency_refused", ERR_UNHEALTHY, NOT_HEALTHY, "waiting for db: connection refused\n", .exit_code = 0,
      .probe = PROBE_CLOSED, .listens = "" },
    { "library_missing", ERR_APP_EXITED, ENDED, "error while loading shared libraries: libssl.so.3\n",
      .exit_code = 127 },
    { "app_out_of_memory", ERR_APP_EXITED, ENDED, "java.lang.OutOfMemoryError: Java heap space\n", .exit_code = 1 },
    { "no_space_inside", ERR_APP_EXITED, ENDED, "write: No space left on device\n", .exit_code = 1 },
    { "read_only", ERR_APP_EXITED, ENDED, "open /state: Read-only file system\n", .exit_code = 1 },
    { "privileged_port", ERR_APP_EXITED, ENDED, "listen tcp :80: bind: permission denied\n", .exit_code = 1 },
    { "permission_denied", ERR_APP_EXITED, ENDED, "open /data/db: Permission denied\n", .exit_code = 1 },
    { "file_missing", ERR_APP_EXITED, ENDED, "open /etc/shop.yml: no such file or directory\n", .exit_code = 1 },

    { "no_such_program", ERR_APP_EXITED, ENDED, "sh: 1: serve: not found\n", .exit_code = 127 },
    { "aborted", ERR_APP_EXITED, ENDED, "assertion `x' failed\n", .exit_code = 134 },
    { "terminated", ERR_APP_EXITED, ENDED, "bye\n", .exit_code = 143 },
    { "killed_by_signal", ERR_APP_EXITED, ENDED, "", .exit_code = 141 },
    { "one_shot", ERR_APP_EXITED, "the container ended with exit code 0", "bye\n", .exit_code = 0 },
    { "exited", ERR_APP_EXITED, ENDED, "bye\n", .exit_code = 3 },
    { "exited", ERR_APP_EXITED, ENDED, "bye\n", .exit_code = 255 },
    { "exited", ERR_APP_EXITED, "the container is gone", "", .exit_code = 0, .status = "removing" },

    { "image_healthcheck", ERR_UNHEALTHY, "the image's own HEALTHCHECK says unhealthy", "", .exit_code = 0,
      .probe = PROBE_NONE },
    { "speaks_tls", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_CLOSED, .listens = "0.0.0.0:8080",
      .tls = true },
    { "speaks_tls", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 400, .tls = true },
    { "health_redirect", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 302 },
    { "health_login", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 401 },
    { "health_login", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 403 },
    { "health_path", ERR_UNHEALTHY, NOT_HEALTHY, "connection refused\n", .exit_code = 0, .probe = PROBE_STATUS,
      .http = 404 },
    { "health_refused", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 405 },
    { "health_refused", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 400 },
    { "health_body", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_BODY },
    { "speaks_tls", ERR_UNHEALTHY, NOT_HEALTHY, "cache: connection refused, going on without\n", .exit_code = 0,
      .probe = PROBE_CLOSED, .listens = "0.0.0.0:8080", .tls = true },
    { "other_port", ERR_UNHEALTHY, NOT_HEALTHY, "ready\n", .exit_code = 0, .probe = PROBE_CLOSED,
      .listens = "127.0.0.1:9229 0.0.0.0:3000" },
    { "not_listening", ERR_UNHEALTHY, NOT_HEALTHY, "starting\n", .exit_code = 0, .probe = PROBE_CLOSED,
      .listens = "127.0.0.1:9229" },
    { "health_not_http", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_NOT_HTTP,
      .listens = "0.0.0.0:8080" },
    { "not_listening", ERR_UNHEALTHY, NOT_HEALTHY, "starting\n", .exit_code = 0, .probe = PROBE_CLOSED, .listens = "" },
    { "not_listening", ERR_UNHEALTHY, NOT_HEALTHY, "ready\n", .exit_code = 0, .probe = PROBE_REFUSED },
    { "slow_answers", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_TIMEOUT, .listens = ":::8080" },
    { "flapping", ERR_UNHEALTHY, "it was healthy, then failed within the warm-up: HTTP status 503", "", .exit_code = 0,
      .probe = PROBE_STATUS, .http = 503 },
    { "app_reports_failure", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 500 },
    { "app_reports_failure", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 503,
      .listens = "127.0.0.1:8080" },
    { "health_status", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 429 },
    { "health_status", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0, .probe = PROBE_STATUS, .http = 204 },
    { "slow_start", ERR_UNHEALTHY, NOT_HEALTHY, "", .exit_code = 0 },

    { NULL, ERR_DOCKER, "name is taken", "connection refused\n", .exit_code = 0 },
    { NULL, ERR_DOCKER, "start: network shop-net is broken", "", .exit_code = 0, .err_code = 500 },
    { NULL, ERR_CANCEL, "cancelled", "connection refused\n", .exit_code = 137, .oom = true },
    { NULL, ERR_NO_PREVIOUS, "no previous version is kept", "", .exit_code = 0 },
};

#define ROWS (sizeof(table) / sizeof(table[0]))

static void take_listeners(const char *text, struct sockets *s)
{
    struct span rest = span_of(text), word;
    s->known = true;
    while (span_split(&rest, ' ', &word)) {
        struct socket_listener *l = &s->at[s->len++];
        size_t colon = word.len;
        int64_t port = 0;
        while (word.ptr[colon - 1] != ':')
            colon--;
        assert_true(span_to_int((struct span){ word.ptr + colon, word.len - colon }, 1, 65535, &port));
        l->port = (int)port;
        l->loopback = strncmp(word.ptr, "127.", 4) == 0;
        (void)snprintf(l->address, sizeof(l->address), "%.*s", (int)colon - 1, word.ptr);
    }
}

static bool look(const struct seen *s, struct diagnosis *d)
{
    struct err err = { 0 };
    struct engine_container c = { .exit_code = s->exit_code, .oom_killed = s->oom, .restart_count = s->restarts };
    struct history h;
    struct sockets sockets = { 0 };
    history_init(&h);
    if (s->probe)
        history_add(&h, s->probe, s->http, (struct span){ 0 }, 1);
    if (s->listens)
        take_listeners(s->listens, &sockets);
    c.running = s->kind != ERR_APP_EXITED;
    (void)snprintf(c.status, sizeof(c.status), "%s", s->status ? s->status : c.running ? "running" : "exited");
    (void)err_set(&err, s->kind, s->err_code, "%s", s->message);
    (void)err_wrap(&err, "Docker Engine: POST /containers");
    const struct diagnosis_facts f = {
        .cause = &err,
        .step = s->step,
        .container = &c,
        .log = span_of(s->log),
        .probes = &h,
        .listens = &sockets,
        .port = 8080,
        .speaks_tls = s->tls,
        .port_owner = s->owner,
    };
    bool found = diagnose(&f, d);
    history_done(&h);
    return found;
}

static void each_failure_has_its_diagnosis(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct diagnosis d = { 0 };
        bool found = look(&table[i], &d);
        const char *want = table[i].code ? table[i].code : "none";
        if (strcmp(found ? d.code : "none", want) != 0)
            fail_msg("'%s' / '%s' is %s, wanted %s", table[i].message, table[i].log, found ? d.code : "none", want);
    }
}

static void each_code_has_a_failure_here(void **state)
{
    (void)state;
    size_t codes = 0;
    for (size_t row = 0; diagnosis_code(row); row++, codes++) {
        bool here = false;
        for (size_t i = 0; !here && i < ROWS; i++)
            here = table[i].code && strcmp(table[i].code, diagnosis_code(row)) == 0;
        if (!here)
            fail_msg("no row of this test is a case of %s", diagnosis_code(row));
    }
    assert_true(codes >= 28);
}

static void every_diagnosis_says_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct diagnosis d = { 0 };
        if (!look(&table[i], &d))
            continue;
        assert_true(strlen(d.cause) > 10 && strlen(d.next) > 10);
        assert_int_equal(d.next[strlen(d.next) - 1], '.'); /* not cut either */
        assert_null(strpbrk(d.cause, "{}"));
        assert_null(strpbrk(d.next, "{}"));
        assert_int_equal(strspn(d.code, "abcdefghijklmnopqrstuvwxyz_"), strlen(d.code));
    }
}

static const struct seen *row_of(const char *code)
{
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].code && strcmp(table[i].code, code) == 0)
            return &table[i];
    return NULL;
}

static void what_was_seen_is_named_in_the_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *code, *cause;
    } wanted[] = {
        { "other_port", "the app listens on port 3000, but is asked on port 8080" },
        { "health_redirect", "the health path redirects elsewhere (HTTP status 302)" },
        { "exited", "the app ended by itself with exit code 3" },
        { "killed_by_signal", "the app was ended by a signal (SIGPIPE)" },
        { "port_taken_by_container", "another container has the app's port: container 'web' (image nginx:1)" },
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        struct diagnosis d;
        assert_true(look(row_of(wanted[i].code), &d));
        assert_string_equal(d.cause, wanted[i].cause);
    }
}

static void an_owner_with_a_long_name_is_cut(void **state)
{
    (void)state;
    char owner[900];
    struct diagnosis d;
    memset(owner, 'x', sizeof(owner) - 1);
    memcpy(owner, "container ", 10);
    owner[sizeof(owner) - 1] = '\0';
    struct seen s = *row_of("port_taken_by_container");
    s.owner = owner;
    assert_true(look(&s, &d));
    assert_int_equal(strlen(d.cause), sizeof(d.cause) - 1);
}

static void assert_says(const char *log, enum err_kind kind, const char *code, const char *line)
{
    struct seen s = { .kind = kind, .message = "x", .log = log, .exit_code = 3 };
    struct diagnosis d;
    assert_true(look(&s, &d));
    assert_string_equal(d.code, code);
    assert_int_equal(d.line.len, strlen(line));
    assert_memory_equal(d.line.ptr, line, d.line.len);
}

static void the_last_line_that_says_something_counts(void **state)
{
    (void)state;
    assert_says("warning: LOG_LEVEL is not set\nstarting\npanic: db: connection refused\nbye\n", ERR_APP_EXITED,
                "dependency_refused", "panic: db: connection refused");
    assert_says("connection refused\nconnected\nDATABASE_URL must be set", ERR_APP_EXITED, "missing_environment",
                "DATABASE_URL must be set");
    assert_says("\n\n\npermission denied\n\n\n", ERR_APP_EXITED, "permission_denied", "permission denied");
}

/* `lines` of no interest behind a complaint. */
static void old_complaint(struct buf *log, int lines)
{
    buf_adds(log, "connection refused\n");
    for (int i = 0; i < lines; i++)
        buf_addf(log, "line %d\n", i);
}

static void words_of_long_ago_do_not_count(void **state)
{
    (void)state;
    struct buf log = BUF_INIT(4096);
    old_complaint(&log, 11);
    assert_says(buf_str(&log), ERR_UNHEALTHY, "dependency_refused", "connection refused");
    buf_adds(&log, "one more\n");
    assert_says(buf_str(&log), ERR_UNHEALTHY, "slow_start", "");
    assert_says(buf_str(&log), ERR_APP_EXITED, "dependency_refused", "connection refused");
    old_complaint(&log, 40);
    assert_says(buf_str(&log), ERR_APP_EXITED, "exited", "");
    buf_done(&log);
}

static void a_name_of_an_error_is_a_word_of_its_own(void **state)
{
    (void)state;
    assert_says("Error: EACCES: /data\n", ERR_APP_EXITED, "permission_denied", "Error: EACCES: /data");
    assert_says("EPERM", ERR_APP_EXITED, "permission_denied", "EPERM");
    assert_says("route createAccessToken is ready\nrolePermissions: 12\nEACCESS\n", ERR_APP_EXITED, "exited", "");
    assert_says("api: quota exceeded for project 7\n", ERR_APP_EXITED, "exited", "");
    assert_says("write: Disk quota exceeded\n", ERR_APP_EXITED, "no_space_inside", "write: Disk quota exceeded");
}

static void the_log_of_a_healthy_app_is_not_asked_about_a_port(void **state)
{
    (void)state;
    static const struct seen taken = { .kind = ERR_PORT_TAKEN,
                                       .message = "port is already allocated",
                                       .log = "connection refused\nDATABASE_URL must be set\n" };
    struct diagnosis d;
    assert_true(look(&taken, &d));
    assert_string_equal(d.code, "port_taken");
    assert_int_equal(d.line.len, 0);
}

static void a_line_that_did_not_decide_is_not_told(void **state)
{
    (void)state;
    struct diagnosis d;
    assert_true(look(row_of("killed"), &d)); /* its log complains of something else */
    assert_int_equal(d.line.len, 0);
}

static void our_own_probe_is_not_mistaken_for_the_app(void **state)
{
    (void)state;
    static const struct seen refused = { .kind = ERR_UNHEALTHY,
                                         .probe = PROBE_REFUSED,
                                         .message = "GET http://127.0.0.1:8081/: Connection refused",
                                         .log = "ready\n" };
    struct diagnosis d;
    assert_true(look(&refused, &d));
    assert_string_equal(d.code, "not_listening");
}

static void only_the_cause_is_enough(void **state)
{
    (void)state;
    for (int kind = ERR_OK; kind < ERR_KINDS; kind++) {
        struct err err = { 0 };
        struct diagnosis d;
        (void)err_set(&err, (enum err_kind)kind, 0, "something");
        (void)diagnose(&(struct diagnosis_facts){ .cause = &err }, &d);
    }
    struct err err = { 0 };
    struct diagnosis d;
    (void)err_set(&err, ERR_APP_EXITED, 0, "the container is gone");
    assert_true(diagnose(&(struct diagnosis_facts){ .cause = &err }, &d));
    assert_string_equal(d.code, "exited");
}

static void signals_have_their_names(void **state)
{
    (void)state;
    assert_string_equal(diagnosis_signal(137), "SIGKILL");
    assert_string_equal(diagnosis_signal(139), "SIGSEGV");
    assert_string_equal(diagnosis_signal(143), "SIGTERM");
    assert_string_equal(diagnosis_signal(134), "SIGABRT");
    assert_null(diagnosis_signal(0));
    assert_null(diagnosis_signal(127));
    assert_null(diagnosis_signal(128));
    assert_null(diagnosis_signal(255));
    assert_null(diagnosis_signal(-1));
    assert_null(diagnosis_signal(INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_has_its_diagnosis),
        cmocka_unit_test(each_code_has_a_failure_here),
        cmocka_unit_test(every_diagnosis_says_what_to_do),
        cmocka_unit_test(what_was_seen_is_named_in_the_sentence),
        cmocka_unit_test(an_owner_with_a_long_name_is_cut),
        cmocka_unit_test(the_last_line_that_says_something_counts),
        cmocka_unit_test(words_of_long_ago_do_not_count),
        cmocka_unit_test(a_name_of_an_error_is_a_word_of_its_own),
        cmocka_unit_test(the_log_of_a_healthy_app_is_not_asked_about_a_port),
        cmocka_unit_test(a_line_that_did_not_decide_is_not_told),
        cmocka_unit_test(our_own_probe_is_not_mistaken_for_the_app),
        cmocka_unit_test(only_the_cause_is_enough),
        cmocka_unit_test(signals_have_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
