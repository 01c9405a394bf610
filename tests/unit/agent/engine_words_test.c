/* Real words of engines and registries, and what they are to mean. */
#include "agent/engine/engine_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct words {
    int status;
    enum err_kind kind; /* ERR_OK: not known */
    const char *text;
};

#define CHECK(table, function) check((table), sizeof(table) / sizeof((table)[0]), (function))

static void check(const struct words *table, size_t n, enum err_kind (*kind_of)(int, const char *, const char **))
{
    for (size_t i = 0; i < n; i++) {
        const char *hint = NULL;
        enum err_kind kind = kind_of(table[i].status, table[i].text, &hint);
        if (kind != table[i].kind)
            fail_msg("'%s' is %s, not %s", table[i].text, err_kind_name(kind), err_kind_name(table[i].kind));
    }
}

static void words_of_a_pull_get_their_kind(void **state)
{
    (void)state;
    static const struct words table[] = {
        { 404, ERR_IMAGE_MISSING,
          "manifest for 127.0.0.1:5000/team/app:2 not found: manifest unknown: manifest unknown" },
        { 404, ERR_IMAGE_MISSING, "manifest for nginx:nope not found" },
        { 404, ERR_IMAGE_MISSING,
          "repository team/app not found: name unknown: repository name not known to registry" },
        { 404, ERR_IMAGE_MISSING,
          "name unknown: The repository with name 'x' does not exist in the registry with id "
          "'123456789012'" },
        { 0, ERR_IMAGE_MISSING,
          "pull access denied for nope, repository does not exist or may require 'docker login': "
          "denied: requested access to "
          "the resource is denied" },
        { 404, ERR_IMAGE_MISSING,
          "failed to resolve reference \"docker.io/library/nope:1\": pull access denied, "
          "repository does not exist or may "
          "require authorization: server message: insufficient_scope: authorization failed" },
        { 404, ERR_IMAGE_MISSING, "failed to resolve reference \"r.io/a:1\": r.io/a:1: not found" },
        { 404, ERR_IMAGE_MISSING, "something without known words" },
        { 500, ERR_REGISTRY_AUTH,
          "Head \"https://1.dkr.ecr.eu-west-1.amazonaws.com/v2/a/manifests/1\": no basic auth "
          "credentials" },
        { 500, ERR_REGISTRY_AUTH, "unauthorized: authentication required" },
        { 500, ERR_REGISTRY_AUTH,
          "Get https://registry-1.docker.io/v2/: unauthorized: incorrect username or password" },
        { 500, ERR_REGISTRY_AUTH, "Head \"https://ghcr.io/v2/o/a/manifests/1\": denied" },
        { 500, ERR_REGISTRY_AUTH, "Head \"https://ghcr.io/v2/o/timeout-app/manifests/1\": unauthorized" },
        { 500, ERR_REGISTRY_EXPIRED, "denied: Your authorization token has expired. Reauthenticate and try again." },
        { 500, ERR_REGISTRY_AUTH, "unexpected status from HEAD request to https://r/v2/a/manifests/1: 403 Forbidden" },
        { 403, ERR_REGISTRY_AUTH, "something without known words" },
        { 500, ERR_REGISTRY, "Get \"https://r:5000/v2/\": dial tcp 10.0.0.1:5000: connect: connection refused" },
        { 500, ERR_REGISTRY, "Get \"https://r/v2/\": dial tcp: lookup r on 10.255.255.53:53: no such host" },
        { 500, ERR_REGISTRY,
          "Get \"https://r/v2/\": net/http: request canceled while waiting for connection "
          "(Client.Timeout "
          "exceeded while awaiting headers)" },
        { 500, ERR_REGISTRY, "Get \"https://r/v2/\": net/http: TLS handshake timeout" },
        { 500, ERR_REGISTRY, "Get \"https://r/v2/\": x509: certificate signed by unknown authority" },
        { 500, ERR_REGISTRY, "Get \"https://r/v2/\": http: server gave HTTP response to HTTPS client" },
        { 500, ERR_REGISTRY, "error parsing HTTP 503 response body: 503 Service Unavailable" },
        { 500, ERR_REGISTRY, "received unexpected HTTP status: 500 Internal Server Error" },
        { 500, ERR_REGISTRY, "toomanyrequests: You have reached your pull rate limit." },
        { 0, ERR_REGISTRY, "unexpected EOF" },
        { 0, ERR_DISK_FULL,
          "failed to register layer: Error processing tar file(exit status 1): write /x: no space "
          "left on device" },
        { 0, ERR_DISK_FULL, "open /var/lib/docker/tmp/GetImageBlob1: No Space Left On Device" },
        { 404, ERR_PLATFORM, "no matching manifest for linux/arm64/v8 in the manifest list entries" },
        { 404, ERR_PLATFORM, "no match for platform in manifest: not found" },
        { 0, ERR_PLATFORM, "image operating system \"windows\" cannot be used on this platform" },
        { 400, ERR_OK, "invalid reference format" },
        { 500, ERR_OK, "something new" },
    };
    CHECK(table, engine_words_pull);
}

static void words_of_a_login_get_their_kind(void **state)
{
    (void)state;
    static const struct words table[] = {
        { 401, ERR_REGISTRY_AUTH, "Get \"https://r/v2/\": unauthorized: incorrect username or password" },
        { 500, ERR_REGISTRY_AUTH, "login attempt to http://127.0.0.1:5000/v2/ failed with status: 401 Unauthorized" },
        { 500, ERR_REGISTRY, "Get \"https://r/v2/\": dial tcp: lookup r: no such host" },
        { 500, ERR_REGISTRY, "login attempt to https://r/v2/ failed with status: 404 Not Found" },
    };
    CHECK(table, engine_words_login);
}

static void words_of_a_start_get_their_kind(void **state)
{
    (void)state;
    static const struct words table[] = {
        { 500, ERR_PORT_TAKEN,
          "driver failed programming external connectivity on endpoint x (y): Bind for "
          "0.0.0.0:8080 failed: port is already "
          "allocated" },
        { 500, ERR_PORT_TAKEN,
          "driver failed programming external connectivity on endpoint x (y): Error starting "
          "userland proxy: listen tcp4 "
          "0.0.0.0:8080: bind: address already in use" },
        { 500, ERR_PORT_TAKEN,
          "failed to set up container networking: failed to bind host port 0.0.0.0:8080/tcp: "
          "address "
          "already in use" },
        { 500, ERR_PORT_TAKEN,
          "failed to bind host port for 0.0.0.0:8080:172.18.0.2:8080/tcp: address already in use" },
        { 500, ERR_PORT_TAKEN, "driver failed programming external connectivity: all ports are allocated" },
        { 500, ERR_PLATFORM, "OCI runtime create failed: runc create failed: exec /app: exec format error: unknown" },
        { 400, ERR_APP_EXITED,
          "failed to create shim task: OCI runtime create failed: runc create failed: unable to "
          "start container process: exec: "
          "\"/nope\": stat /nope: no such file or directory: unknown" },
        { 400, ERR_APP_EXITED, "exec: \"serve\": executable file not found in $PATH: unknown" },
        { 400, ERR_APP_EXITED, "exec: \"/app\": permission denied: unknown" },
        { 400, ERR_APP_EXITED, "unable to find user nobody2: no matching entries in passwd file" },
        { 500, ERR_DISK_FULL, "mkdir /var/lib/docker/overlay2/x: no space left on device" },
        { 500, ERR_OK,
          "error while creating mount source path '/srv/x': mkdir /srv/x: no such file or "
          "directory" },
        { 403, ERR_OK, "Address already in use" }, /* a network address, not a port */
        { 500, ERR_OK, "something new" },
    };
    CHECK(table, engine_words_start);
}

static void an_address_in_use_on_a_network_is_no_port(void **state)
{
    (void)state;
    static const struct words table[] = {
        { 403, ERR_OK, "Address already in use" },
        { 500, ERR_PORT_TAKEN, "Bind for 0.0.0.0:8080 failed: port is already allocated" },
    };
    CHECK(table, engine_words_connect);
}

static void both_meanings_of_a_denied_pull_are_in_the_hint(void **state)
{
    (void)state;
    struct err err = { 0 };
    (void)engine_words_error(engine_words_pull, 404,
                             "pull access denied for x, repository does not exist or may require 'docker login'", &err);
    assert_int_equal(err.kind, ERR_IMAGE_MISSING);
    assert_non_null(strstr(err.hint, "registry-username"));
    assert_non_null(strstr(err.hint, "spelling"));
}

static void an_engine_that_refuses_our_version_is_explained(void **state)
{
    (void)state;
    struct err err = { 0 };
    int r =
        engine_words_error(NULL, 400, "client version 1.47 is too old. Minimum supported API version is 1.60", &err);
    assert_int_equal(r, -(int)ERR_DOCKER);
    assert_int_equal(err.code, 400);
    assert_non_null(strstr(err.hint, "update"));
}

static void long_ids_are_cut_to_what_docker_shows(void **state)
{
    (void)state;
    static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    char in[300], out[300];
    (void)snprintf(in, sizeof(in), "by container \"%s\" and %s0 and sha256:%s.", id, id, id);
    engine_words_shorten(span_of(in), out, sizeof(out));
    assert_string_equal(out, "by container \"0123456789ab\" and "
                             "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0 "
                             "and sha256:0123456789ab.");
}

static void shortened_words_fit_every_size(void **state)
{
    (void)state;
    static const char text[] = "id 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!";
    for (size_t size = 1; size < 40; size++) {
        char *out = malloc(size);
        assert_non_null(out);
        engine_words_shorten(span_of(text), out, size);
        assert_true(strlen(out) < size);
        assert_memory_equal(out, "id 0123456789ab!", strlen(out));
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_a_pull_get_their_kind),
        cmocka_unit_test(words_of_a_login_get_their_kind),
        cmocka_unit_test(words_of_a_start_get_their_kind),
        cmocka_unit_test(an_address_in_use_on_a_network_is_no_port),
        cmocka_unit_test(both_meanings_of_a_denied_pull_are_in_the_hint),
        cmocka_unit_test(an_engine_that_refuses_our_version_is_explained),
        cmocka_unit_test(long_ids_are_cut_to_what_docker_shows),
        cmocka_unit_test(shortened_words_fit_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
