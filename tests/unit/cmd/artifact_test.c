#include "cmd/artifact/artifact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/artifact/artifact_api.h"
#include "cmd/artifact/artifact_block.h"
#include "cmd/artifact/upload.h"
#include "shared/clock.h"
#include "shared/crypto.h"

/* A token with these claims; the caller frees. */
static char *token_of(const char *claims)
{
    struct buf out = BUF_INIT(ARTIFACT_TOKEN_MAX * 2);

    buf_adds(&out, "eyJhbGciOiJSUzI1NiJ9.");
    crypto_base64_encode(span_of(claims), CRYPTO_BASE64URL, &out);
    while (out.len && out.ptr[out.len - 1] == '=') /* as JWT has it */
        out.ptr[--out.len] = '\0';
    buf_adds(&out, ".c2lnbmF0dXJl");
    return buf_detach(&out);
}

static int ids_of(const char *claims, struct artifact_ids *ids, struct err *err)
{
    char *token = token_of(claims);
    int r = artifact_ids_from_token(token, ids, err);

    free(token);
    return r;
}

static void ids_come_from_the_scope_of_the_token(void **state)
{
    struct artifact_ids ids;
    struct err err = { 0 };

    (void)state;
    assert_int_equal(ids_of("{\"scp\":\"Actions.Example a:b:c Actions.Results:run-1:job-2 x\"}", &ids, &err), 0);
    assert_string_equal(ids.run, "run-1");
    assert_string_equal(ids.job, "job-2");
    assert_int_equal(ids_of("{\"scp\":\"Actions.Results:only Actions.Results:1:2\",\"x\":[1]}", &ids, &err), 0);
    assert_string_equal(ids.run, "1");
}

static void a_token_of_another_form_is_refused_without_being_quoted(void **state)
{
    static const char *const claims[] = {
        "{}",
        "[]",
        "{\"scp\":7}",
        "{\"scp\":\"Actions.Results\"}",
        "{\"scp\":\"Actions.Results:a\"}",
        "{\"scp\":\"Actions.Results:a:b:c\"}",
        "{\"scp\":\"Actions.Results::b\"}",
        "{\"scp\":\"xActions.Results:a:b\"}",
        "not json",
    };
    static const char *const tokens[] = { "canary-x", "canary.", "canary..", "canary.!!.x", "" };
    struct artifact_ids ids;
    char text[1024];

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        struct err err = { 0 };
        assert_int_equal(ids_of(claims[i], &ids, &err), -ERR_ARTIFACT);
    }
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        struct err err = { 0 };
        assert_int_equal(artifact_ids_from_token(tokens[i], &ids, &err), -ERR_ARTIFACT);
        assert_null(strstr(err_text(&err, text, sizeof(text)), "canary"));
        assert_non_null(strstr(err_hint_text(&err), "actions/upload-artifact"));
    }
}

static void ids_and_tokens_have_a_bound(void **state)
{
    struct buf claims = BUF_INIT(ARTIFACT_TOKEN_MAX * 2);
    struct artifact_ids ids;
    struct err err = { 0 };

    (void)state;
    buf_adds(&claims, "{\"scp\":\"Actions.Results:");
    for (size_t i = 0; i < ARTIFACT_ID_SIZE; i++)
        buf_addc(&claims, 'r');
    buf_adds(&claims, ":j\"}");
    assert_int_equal(ids_of(buf_str(&claims), &ids, &err), -ERR_ARTIFACT);
    buf_reset(&claims);
    buf_adds(&claims, "{\"scp\":\"Actions.Results:r:j\",\"x\":\"");
    for (size_t i = 0; i < ARTIFACT_TOKEN_MAX; i++)
        buf_addc(&claims, 'x');
    buf_adds(&claims, "\"}");
    assert_int_equal(ids_of(buf_str(&claims), &ids, &err), -ERR_ARTIFACT);
    buf_done(&claims);
}

static void block_ids_are_of_one_length_in_order_and_need_no_escaping(void **state)
{
    const size_t numbers[] = { 0, 1, 9, 10, 999, 49999, 999999999 };
    char last[ARTIFACT_BLOCK_ID_SIZE] = "", id[ARTIFACT_BLOCK_ID_SIZE];

    (void)state;
    assert_string_equal(artifact_block_id(1, id), "MDAwMDAwMDAx");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(strlen(artifact_block_id(numbers[i], id)), 12);
        assert_int_equal(strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 12);
        assert_string_not_equal(id, last);
        memcpy(last, id, sizeof(id));
    }
}

static void a_store_of_azure_is_known_by_its_signature(void **state)
{
    (void)state;
    assert_true(artifact_store_replaces("https://x.blob.core.windows.net/c/b.zip?se=1&sig=a%2B&sv=2025-11-05"));
    assert_true(artifact_store_replaces("https://x/b?sv=2025&sig=a"));
    assert_false(artifact_store_replaces("http://10.0.0.1:34567/upload?sig=a&expires=1&artifactName=sv=1&taskID=1"));
    assert_false(artifact_store_replaces("http://x/sv=1&sig=2"));
    assert_false(artifact_store_replaces("http://x/?a=1#&sv=1&sig=2"));
    assert_false(artifact_store_replaces(""));
}

static void only_the_origin_of_the_address_is_used(void **state)
{
    char out[64];

    (void)state;
    assert_true(artifact_origin("https://results.example:8443/some/path/?x", out, sizeof(out)));
    assert_string_equal(out, "https://results.example:8443");
    assert_true(artifact_origin("http://a", out, sizeof(out)));
    assert_string_equal(out, "http://a");
    assert_false(artifact_origin("ftp://a/", out, sizeof(out)));
    assert_false(artifact_origin("https:///path", out, sizeof(out)));
    assert_false(artifact_origin("", out, sizeof(out)));
    assert_false(artifact_origin("https://0123456789012345678901234567890123456789012345678901234567890123456789", out,
                                 sizeof(out)));
}

static void retention_is_lowered_to_what_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(artifact_retention(30, "90"), 30);
    assert_int_equal(artifact_retention(90, "90"), 90);
    assert_int_equal(artifact_retention(91, "90"), 90);
    assert_int_equal(artifact_retention(0, "90"), 0);
    assert_int_equal(artifact_retention(400, ""), 400);
    assert_int_equal(artifact_retention(400, NULL), 400);
    assert_int_equal(artifact_retention(400, "0"), 400);
    assert_int_equal(artifact_retention(400, "many"), 400);
}

static void pauses_grow_and_have_a_bound(void **state)
{
    int64_t before = 0;

    (void)state;
    for (unsigned attempt = 1; attempt < 5; attempt++) {
        int64_t middle = 1000LL << (attempt - 1);
        for (int i = 0; i < 50; i++) {
            int64_t ms = artifact_pause_ms(attempt, 0);
            assert_in_range(ms, middle * 3 / 4, middle * 5 / 4);
            assert_true(ms > before);
        }
        before = middle * 5 / 8;
    }
    assert_in_range(artifact_pause_ms(4000000000U, 0), 1000, 30000);
    assert_int_equal(artifact_pause_ms(1, 7000), 7000);
    assert_int_equal(artifact_pause_ms(1, 86400000), 30000);
}

static void servers_and_runners_without_the_service_are_told_apart(void **state)
{
    struct artifact_service s = { .results_url = "https://r/", .token = "t", .server_url = "https://github.com" };
    static const char *const good[] = { "https://github.com/", "https://GitHub.com", "https://a.ghe.com", "", NULL };
    static const char *const bad[] = { "https://git.example.com", "https://github.com.x", "https://xgithub.com",
                                       "https://ghe.com", "https://a.ghe.com.x/github.com" };
    const char *why = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        s.server_url = good[i];
        assert_true(artifact_supported(&s, &why));
        assert_null(why);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        s.server_url = bad[i];
        assert_false(artifact_supported(&s, &why));
        assert_non_null(strstr(why, "Enterprise"));
    }
    s.server_url = NULL;
    s.token = "";
    assert_false(artifact_supported(&s, &why));
    s.token = "t";
    s.results_url = NULL;
    assert_false(artifact_supported(&s, &why));
}

static void words_of_the_service_are_cut_and_hold_no_secret(void **state)
{
    const struct artifact_options o = { .service.token = "canary-token" };
    struct artifact_line line = { .o = &o };
    const struct artifact_api api = { .line = &line };
    static const struct {
        const char *answer, *want;
    } cases[] = {
        { "{\"code\":\"a\",\"msg\":\"b\"}", "a: b" },
        { "{\"msg\":\"b\\n::error::\\u001b[0m\"}", "b?::error::?[0m" },
        { "{\"code\":\"a\",\"msg\":\"it was canary-token\"}", "" },
        { "{\"code\":\"a\",\"msg\":\"https://x/?Sig=abc\"}", "" },
        { "{\"code\":7}", "" },
        { "[]", "" },
    };
    char words[200];

    (void)state;
    artifact_api_words(&api, NULL, words);
    assert_string_equal(words, "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(json_free_p) struct json *j = NULL;
        struct err err = { 0 };
        assert_int_equal(json_parse(span_of(cases[i].answer), &j, &err), 0);
        artifact_api_words(&api, j, words);
        assert_string_equal(words, cases[i].want);
    }
}

static void the_name_is_the_files_without_its_ending(void **state)
{
    char out[64];

    (void)state;
    upload_default_name("/github/workspace/bluegreen-shop-1.tar.gz", out, sizeof(out));
    assert_string_equal(out, "bluegreen-shop-1");
    upload_default_name("odd:\"name\"?.tar.gz", out, sizeof(out));
    assert_string_equal(out, "odd__name__");
    upload_default_name(".tar.gz", out, sizeof(out));
    assert_string_equal(out, ".tar.gz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_come_from_the_scope_of_the_token),
        cmocka_unit_test(a_token_of_another_form_is_refused_without_being_quoted),
        cmocka_unit_test(ids_and_tokens_have_a_bound),
        cmocka_unit_test(block_ids_are_of_one_length_in_order_and_need_no_escaping),
        cmocka_unit_test(a_store_of_azure_is_known_by_its_signature),
        cmocka_unit_test(only_the_origin_of_the_address_is_used),
        cmocka_unit_test(retention_is_lowered_to_what_is_allowed),
        cmocka_unit_test(pauses_grow_and_have_a_bound),
        cmocka_unit_test(servers_and_runners_without_the_service_are_told_apart),
        cmocka_unit_test(words_of_the_service_are_cut_and_hold_no_secret),
        cmocka_unit_test(the_name_is_the_files_without_its_ending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
