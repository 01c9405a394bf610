#include "tests/unit/agent/engine_fixture.h"

#include "shared/clock.h"
#include "shared/crypto.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST_A "sha256:" HEX64
#define DIGEST_B "sha256:ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct engine_auth auth = { .server = "r.io:5000",
                                         .username = "ci",
                                         .password = "p\"w\\\n\xc3\xa4~~~~~~" };

static void an_image_is_read(void **state)
{
    struct fixture *f = *state;
    struct engine_image i;
    fake_engine_reply(f->fake, "GET /images/r.io:5000/a/b:1/json", 200,
                      "{\"Id\":\"sha256:1\",\"Architecture\":\"arm64\",\"Os\":\"linux\",\"Size\":"
                      "3000000000,\"RepoDigests\":"
                      "[\"other@" DIGEST_B "\",\"r.io:5000/a/b@" DIGEST_A "\"]}");
    assert_result(f, engine_image_inspect(f->engine, "r.io:5000/a/b:1", "r.io:5000/a/b", &i, &f->err), 0);
    assert_string_equal(i.id, "sha256:1");
    assert_string_equal(i.arch, "arm64");
    assert_int_equal(i.size_bytes, 3000000000);
    assert_string_equal(i.digest, DIGEST_A);
    engine_image_done(&i);
}

static void the_first_digest_counts_when_no_repository_is_named(void **state)
{
    struct fixture *f = *state;
    struct engine_image i;
    fake_engine_reply(f->fake, "GET /images/x/json", 200,
                      "{\"RepoDigests\":[3,\"bad\",\"a@sha256:1\",\"a@" DIGEST_B "\"]}");
    assert_result(f, engine_image_inspect(f->engine, "x", NULL, &i, &f->err), 0);
    assert_string_equal(i.digest, DIGEST_B);
    engine_image_done(&i);
}

static void a_local_image_has_no_digest(void **state)
{
    struct fixture *f = *state;
    struct engine_image i;
    fake_engine_reply(f->fake, "GET /images/x/json", 200, "{\"Id\":\"sha256:1\",\"RepoDigests\":null}");
    assert_result(f, engine_image_inspect(f->engine, "x", NULL, &i, &f->err), 0);
    assert_string_equal(i.digest, "");
    engine_image_done(&i);
}

static void short_hub_names_match_their_long_form(void **state)
{
    struct fixture *f = *state;
    struct engine_image i;
    fake_engine_reply(f->fake, "GET /images/", 200, "{\"RepoDigests\":[\"nginx@" DIGEST_A "\"]}");
    assert_result(
        f, engine_image_inspect(f->engine, "docker.io/library/nginx:1", "docker.io/library/nginx", &i, &f->err), 0);
    assert_string_equal(i.digest, DIGEST_A);
    engine_image_done(&i);
}

static void no_such_image_is_1(void **state)
{
    struct fixture *f = *state;
    struct engine_image i;
    fake_engine_reply(f->fake, "GET /images/", 404, "{\"message\":\"No such image: x\"}");
    assert_result(f, engine_image_inspect(f->engine, "x", NULL, &i, &f->err), 1);
    engine_image_done(&i);
}

/* ---- credentials ---- */

static void the_credentials_are_a_header_of_base64url(void **state)
{
    (void)state;
    struct buf header = BUF_INIT(4096), json = BUF_INIT(4096);
    struct json *j = NULL;
    static const char name[] = "X-Registry-Auth: ";
    assert_int_equal(engine_auth_header(&auth, &header, NULL), 0);
    assert_true(span_starts(buf_span(&header), name));
    struct span coded = { header.ptr + sizeof(name) - 1, header.len - sizeof(name) + 1 };
    assert_false(span_contains(coded, "+") || span_contains(coded, "/"));
    assert_true(span_contains(coded, "-") || span_contains(coded, "_"));
    char *plain = span_dup(coded);
    for (char *c = plain; *c; c++)
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    assert_int_equal(crypto_base64_decode(span_of(plain), &json, NULL), 0);
    assert_int_equal(json_parse(buf_span(&json), &j, NULL), 0);
    assert_string_equal(json_str(j, "username", ""), "ci");
    assert_string_equal(json_str(j, "password", ""), auth.password);
    assert_string_equal(json_str(j, "serveraddress", ""), "r.io:5000");
    json_free(j);
    free(plain);
    buf_done(&header);
    buf_done(&json);
}

static void anonymous_pulls_send_no_header(void **state)
{
    (void)state;
    struct buf header = BUF_INIT(4096);
    static const struct engine_auth nobody = { .server = "r", .username = "", .password = "x" };
    assert_int_equal(engine_auth_header(&nobody, &header, NULL), 0);
    assert_int_equal(engine_auth_header(NULL, &header, NULL), 0);
    assert_int_equal(header.len, 0);
}

static void the_hub_is_addressed_by_its_old_name(void **state)
{
    (void)state;
    struct buf json = BUF_INIT(4096);
    static const struct engine_auth hub = { .server = "docker.io", .username = "u", .password = NULL };
    assert_int_equal(engine_auth_json(&hub, &json, NULL), 0);
    assert_string_equal(buf_str(&json),
                        "{\"username\":\"u\",\"password\":\"\",\"serveraddress\":\"https://index.docker.io/v1/\"}");
    buf_done(&json);
}

static void a_login_sends_the_credentials_in_its_body(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /auth", 200, "{\"Status\":\"Login Succeeded\"}");
    assert_result(f, engine_registry_login(f->engine, &auth, &f->err), 0);
    assert_seen(f, "{\"username\":\"ci\",\"password\":\"p\\\"w\\\\\\u000a\xc3\xa4~~~~~~\","
                   "\"serveraddress\":\"r.io:5000\"}");
}

static void a_refused_login_is_an_authentication_error(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /auth", 401, "{\"message\":\"unauthorized: incorrect username or password\"}");
    assert_err(f, engine_registry_login(f->engine, &auth, &f->err), ERR_REGISTRY_AUTH, "incorrect username");
}

static void a_login_at_an_unreachable_registry_says_so(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /auth", 500,
                      "{\"message\":\"Get https://r/v2/: dial tcp: lookup r: no such host\"}");
    assert_err(f, engine_registry_login(f->engine, &auth, &f->err), ERR_REGISTRY, "no such host");
}

static void an_anonymous_login_asks_nobody(void **state)
{
    struct fixture *f = *state;
    assert_result(f, engine_registry_login(f->engine, NULL, &f->err), 0);
    assert_asked(f, "POST /auth", 0);
}

/* ---- pull ---- */

static const char pull_stream[] = "{\"status\":\"Pulling from a/b\",\"id\":\"1\"}\r\n"
                                  "{\"status\":\"Pulling fs layer\",\"id\":\"aaaaaaaaaaaa\"}\r\n"
                                  "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":9},\"id\":"
                                  "\"aaaaaaaaaaaa\"}\r\n"
                                  "{\"status\":\"Pull complete\",\"id\":\"aaaaaaaaaaaa\"}\r\n";

static int pull(struct fixture *f, int64_t timeout_ms)
{
    return engine_image_pull(f->engine, "r.io:5000/a/b", "1", &auth, NULL, NULL, timeout_ms, &f->err);
}

static void answer_pull(struct fixture *f, const char *body, size_t piece, size_t cut)
{
    fake_engine_answer(
        f->fake,
        (struct fake_answer){
            .request = "POST /images/create", .status = 200, .body = span_of(body), .piece = piece, .cut = cut });
}

static void a_pull_in_chunks_of_every_size_works(void **state)
{
    struct fixture *f = *state;
    static const size_t pieces[] = { 1, 2, 3, 7, 64, 1000 };
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        answer_pull(f, pull_stream, pieces[i], 0);
        assert_result(f, pull(f, 10000), 0);
    }
    assert_asked(f, "POST /images/create?fromImage=r.io%3A5000%2Fa%2Fb&tag=1", 6);
    assert_seen(f, "X-Registry-Auth: ey");
}

static void a_digest_is_given_as_the_tag(void **state)
{
    struct fixture *f = *state;
    answer_pull(f, pull_stream, 50, 0);
    assert_result(f, engine_image_pull(f->engine, "a", DIGEST_A, NULL, NULL, NULL, 10000, &f->err), 0);
    assert_asked(f, "POST /images/create?fromImage=a&tag=sha256%3A" HEX64, 1);
}

static void a_pull_without_tag_never_fetches_all_tags(void **state)
{
    struct fixture *f = *state;
    assert_err(f, engine_image_pull(f->engine, "a", "", NULL, NULL, NULL, 1000, &f->err), ERR_BUG, "all tags");
    assert_asked(f, "POST /images/create", 0);
}

static void remember(void *ctx, const struct engine_pull_progress *p)
{
    *(struct engine_pull_progress *)ctx = *p;
}

static void progress_reaches_the_caller(void **state)
{
    struct fixture *f = *state;
    struct engine_pull_progress p = { 0 };
    answer_pull(f,
                "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":9},\"id\":"
                "\"aaaaaaaaaaaa\"}",
                9, 0);
    assert_result(f, engine_image_pull(f->engine, "a", "1", NULL, remember, &p, 10000, &f->err), 0);
    assert_int_equal(p.current, 5);
    assert_int_equal(p.total, 9);
    assert_int_equal(p.layers, 1);
}

static void an_error_inside_a_pull_of_status_200_is_found(void **state)
{
    struct fixture *f = *state;
    answer_pull(f,
                "{\"status\":\"x\"}\r\n{\"errorDetail\":{\"message\":\"write: no space left on "
                "device\"},\"error\":\"x\"}\r\n",
                11, 0);
    assert_err(f, pull(f, 10000), ERR_DISK_FULL, "no space left");
}

static void a_missing_image_is_told_before_the_stream_begins(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /images/create", 404,
                      "{\"message\":\"manifest for a:1 not found: manifest unknown\"}");
    int r = pull(f, 10000);
    assert_int_equal(f->err.code, 404);
    assert_err(f, r, ERR_IMAGE_MISSING, "manifest unknown");
}

static void a_wrong_password_is_an_authentication_error(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "POST /images/create", 500, "{\"message\":\"unauthorized: authentication required\"}");
    assert_err(f, pull(f, 10000), ERR_REGISTRY_AUTH, "unauthorized");
}

static void garbage_in_the_stream_is_refused(void **state)
{
    struct fixture *f = *state;
    answer_pull(f, "{\"status\":\"x\"}\r\nOops\r\n", 4, 0);
    assert_err(f, pull(f, 10000), ERR_PROTO, "progress stream");
}

static void a_stream_cut_anywhere_is_no_success(void **state)
{
    struct fixture *f = *state;
    /* Chunked coding: a connection that ends before the last chunk is an error even between two objects. */
    for (size_t cut = 1; cut < 20; cut++) {
        answer_pull(f, pull_stream, 5, cut);
        assert_true(pull(f, 10000) < 0);
    }
}

static void a_pull_ends_at_its_deadline(void **state)
{
    struct fixture *f = *state;
    int64_t before = clock_mono_ms();
    fake_engine_reply(f->fake, "POST /images/create", FAKE_HANG, "");
    assert_err(f, pull(f, 200), ERR_TIMEOUT, "/images/create");
    assert_in_range(clock_mono_ms() - before, 150, 5000);
}

/* ---- registry, list, remove ---- */

static void the_digest_of_a_tag_is_asked_for_with_credentials(void **state)
{
    struct fixture *f = *state;
    struct engine_remote remote;
    fake_engine_reply(f->fake, "GET /distribution/r.io:5000/a/b:1/json", 200,
                      "{\"Descriptor\":{\"digest\":\"" DIGEST_A "\",\"size\":1}}");
    assert_result(f, engine_image_remote(f->engine, "r.io:5000/a/b:1", &auth, &remote, &f->err), 0);
    assert_string_equal(remote.digest, DIGEST_A);
    assert_int_equal(remote.platform_count, 0);
    assert_seen(f, "X-Registry-Auth: ey");
}

static void the_platforms_of_an_index_are_those_of_its_images(void **state)
{
    struct fixture *f = *state;
    struct engine_remote remote;
    fake_engine_reply(f->fake, "GET /distribution/a:1/json", 200,
                      "{\"Descriptor\":{\"digest\":\"" DIGEST_A "\"},\"Platforms\":["
                      "{\"architecture\":\"amd64\",\"os\":\"linux\"},{\"architecture\":\"unknown\",\"os\":\"unknown\"},"
                      "{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"},{\"os\":\"linux\"}]}");
    assert_result(f, engine_image_remote(f->engine, "a:1", NULL, &remote, &f->err), 0);
    assert_int_equal(remote.platform_count, 2);
    assert_string_equal(remote.platforms[0], "linux/amd64");
    assert_string_equal(remote.platforms[1], "linux/arm64/v8");
}

static void an_engine_without_distribution_tells_no_digest(void **state)
{
    struct fixture *f = *state;
    struct engine_remote remote = { .digest = "x" };
    fake_engine_reply(f->fake, "GET /distribution/", 404, "{\"message\":\"page not found\"}");
    assert_result(f, engine_image_remote(f->engine, "a:1", NULL, &remote, &f->err), 0);
    assert_string_equal(remote.digest, "");
}

static void a_digest_that_is_none_is_not_believed(void **state)
{
    struct fixture *f = *state;
    struct engine_remote remote = { .digest = "x" };
    fake_engine_reply(f->fake, "GET /distribution/", 200, "{\"Descriptor\":{\"digest\":\"../../etc\"}}");
    assert_result(f, engine_image_remote(f->engine, "a:1", NULL, &remote, &f->err), 0);
    assert_string_equal(remote.digest, "");
}

static void a_missing_tag_is_told_by_the_registry(void **state)
{
    struct fixture *f = *state;
    struct engine_remote remote;
    fake_engine_reply(f->fake, "GET /distribution/", 404, "{\"message\":\"manifest unknown: manifest unknown\"}");
    assert_err(f, engine_image_remote(f->engine, "a:1", NULL, &remote, &f->err), ERR_IMAGE_MISSING, "a:1");
}

static void removing_an_image_tells_whether_it_happened(void **state)
{
    struct fixture *f = *state;
    fake_engine_reply(f->fake, "DELETE /images/a:1", 200, "[{\"Untagged\":\"a:1\"}]");
    fake_engine_reply(f->fake, "DELETE /images/a:2", 404, "{\"message\":\"No such image\"}");
    fake_engine_reply(f->fake, "DELETE /images/a:3", 409, "{\"message\":\"unable to remove repository reference\"}");
    fake_engine_reply(f->fake, "DELETE /images/a:4", 500, "{\"message\":\"broken\"}");
    assert_result(f, engine_image_remove(f->engine, "a:1", &f->err), 0);
    assert_result(f, engine_image_remove(f->engine, "a:2", &f->err), 1);
    assert_result(f, engine_image_remove(f->engine, "a:3", &f->err), 1);
    assert_err(f, engine_image_remove(f->engine, "a:4", &f->err), ERR_DOCKER, "broken");
    assert_null(strstr(fake_engine_seen(f->fake), "force"));
}

static void images_are_listed(void **state)
{
    struct fixture *f = *state;
    struct json *all = NULL;
    fake_engine_reply(f->fake, "GET /images/json", 200, "[{\"Id\":\"sha256:1\",\"Size\":7},{}]");
    assert_result(f, engine_image_list(f->engine, &all, &f->err), 0);
    assert_int_equal(json_len(all), 2);
    assert_int_equal(json_int(json_first(all), "Size", 0), 7);
    json_free_p(&all);
    fake_engine_reply(f->fake, "GET /images/json", 200, "{}");
    assert_err(f, engine_image_list(f->engine, &all, &f->err), ERR_PROTO, "not an array");
    assert_null(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_image_is_read),
        CASE(the_first_digest_counts_when_no_repository_is_named),
        CASE(a_local_image_has_no_digest),
        CASE(short_hub_names_match_their_long_form),
        CASE(no_such_image_is_1),
        cmocka_unit_test(the_credentials_are_a_header_of_base64url),
        cmocka_unit_test(anonymous_pulls_send_no_header),
        cmocka_unit_test(the_hub_is_addressed_by_its_old_name),
        CASE(a_login_sends_the_credentials_in_its_body),
        CASE(a_refused_login_is_an_authentication_error),
        CASE(a_login_at_an_unreachable_registry_says_so),
        CASE(an_anonymous_login_asks_nobody),
        CASE(a_pull_in_chunks_of_every_size_works),
        CASE(a_digest_is_given_as_the_tag),
        CASE(a_pull_without_tag_never_fetches_all_tags),
        CASE(progress_reaches_the_caller),
        CASE(an_error_inside_a_pull_of_status_200_is_found),
        CASE(a_missing_image_is_told_before_the_stream_begins),
        CASE(a_wrong_password_is_an_authentication_error),
        CASE(garbage_in_the_stream_is_refused),
        CASE(a_stream_cut_anywhere_is_no_success),
        CASE(a_pull_ends_at_its_deadline),
        CASE(the_digest_of_a_tag_is_asked_for_with_credentials),
        CASE(the_platforms_of_an_index_are_those_of_its_images),
        CASE(an_engine_without_distribution_tells_no_digest),
        CASE(a_digest_that_is_none_is_not_believed),
        CASE(a_missing_tag_is_told_by_the_registry),
        CASE(images_are_listed),
        CASE(removing_an_image_tells_whether_it_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
