#include "shared/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct good {
    const char *text, *registry, *repo, *tag, *digest;
};

static const struct good good[] = {
    { "nginx", "docker.io", "docker.io/library/nginx", "latest", "" },
    { "nginx:1.27", "docker.io", "docker.io/library/nginx", "1.27", "" },
    { "user/app", "docker.io", "docker.io/user/app", "latest", "" },
    { "docker.io/nginx", "docker.io", "docker.io/library/nginx", "latest", "" },
    { "docker.io/library/nginx:x", "docker.io", "docker.io/library/nginx", "x", "" },
    { "index.docker.io/user/app:1", "docker.io", "docker.io/user/app", "1", "" },
    { "library/nginx", "docker.io", "docker.io/library/nginx", "latest", "" },
    { "ghcr.io/org/app:1.4.2", "ghcr.io", "ghcr.io/org/app", "1.4.2", "" },
    { "ghcr.io/org/team/app/sub:v", "ghcr.io", "ghcr.io/org/team/app/sub", "v", "" },
    { "localhost/app", "localhost", "localhost/app", "latest", "" },
    { "localhost:5000/app", "localhost:5000", "localhost:5000/app", "latest", "" },
    { "localhost:5000/app:2", "localhost:5000", "localhost:5000/app", "2", "" },
    { "127.0.0.1:5000/a/b:c", "127.0.0.1:5000", "127.0.0.1:5000/a/b", "c", "" },
    { "registry:5000/app", "registry:5000", "registry:5000/app", "latest", "" },
    { "Registry/app", "Registry", "Registry/app", "latest", "" },
    { "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mexc-sniper:latest", "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
      "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mexc-sniper", "latest", "" },
    { "nginx@" DIGEST, "docker.io", "docker.io/library/nginx", "", DIGEST },
    { "nginx:1@" DIGEST, "docker.io", "docker.io/library/nginx", "1", DIGEST },
    { "localhost:5000/app@" DIGEST, "localhost:5000", "localhost:5000/app", "", DIGEST },
    { "ghcr.io/o/a:t@" DIGEST, "ghcr.io", "ghcr.io/o/a", "t", DIGEST },
    { "a", "docker.io", "docker.io/library/a", "latest", "" },
    { "a.b/c", "a.b", "a.b/c", "latest", "" },
    { "a_b", "docker.io", "docker.io/library/a_b", "latest", "" },
    { "a__b", "docker.io", "docker.io/library/a__b", "latest", "" },
    { "a---b", "docker.io", "docker.io/library/a---b", "latest", "" },
    { "a.b", "docker.io", "docker.io/library/a.b", "latest", "" },
    { "x/y:A_b.c-D", "docker.io", "docker.io/x/y", "A_b.c-D", "" },
    { "x:_", "docker.io", "docker.io/library/x", "_", "" },
    { "sha256/app", "docker.io", "docker.io/sha256/app", "latest", "" },
};

static void every_good_reference_is_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct reference r = { 0 };
        struct err err = { 0 };
        int result = reference_parse(good[i].text, &r, &err);
        if (result != 0)
            fail_msg("%s: %s", good[i].text, err.frame[0].text);
        assert_string_equal(r.registry, good[i].registry);
        assert_string_equal(r.repo, good[i].repo);
        assert_string_equal(r.tag, good[i].tag);
        assert_string_equal(r.digest, good[i].digest);
    }
}

struct bad {
    const char *text, *word; /* word: what the error must name */
};

static const struct bad bad[] = {
    { "", "empty" },
    { NULL, "empty" },
    { "Nginx", "lower-case" },
    { "ghcr.io/Org/app", "lower-case" },
    { "/nginx", "lower-case" },
    { "nginx/", "lower-case" },
    { "a//b", "lower-case" },
    { "ghcr.io/", "name is missing" },
    { "ghcr.io//a", "lower-case" },
    { "-a", "lower-case" },
    { "a-", "lower-case" },
    { "a___b", "lower-case" },
    { "a..b", "lower-case" },
    { "a._b", "lower-case" },
    { ".a/b", "registry" },
    { "a./b", "registry" },
    { "a..b/c", "registry" },
    { "-a.b/c", "registry" },
    { "a.-b/c", "registry" },
    { "a:b/c", "registry" },
    { "a:/c", "registry" },
    { "a:0/c", "registry" },
    { "a:65536/c", "registry" },
    { "a:1:2/c", "registry" },
    { "[::1]:5000/c", "registry" },
    { "a:", "tag" },
    { ":a", "name is missing" },
    { "a:.b", "tag" },
    { "a:-b", "tag" },
    { "a:b:c", "lower-case" },
    { "a:b+c", "tag" },
    { "a:" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "tag" },
    { "a@", "digest" },
    { "a@sha256:", "digest" },
    { "a@sha256:abc", "digest" },
    { "a@sha512:" HEX64, "digest" },
    { "a@" DIGEST "0", "digest" },
    { "a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "digest" },
    { "a@" DIGEST "@" DIGEST, "digest" },
    { "@" DIGEST, "name is missing" },
    { HEX64, "image id" },
    { DIGEST, "image id" },
    { "a b", "blank" },
    { "a\n", "blank" },
    { " a", "blank" },
    { "a\x7f", "blank" },
    { "\xc3\xa4pp", "non-ASCII" },
    { "https://ghcr.io/a/b", "scheme" },
    { "a$(id)", "lower-case" },
    { "a;b", "lower-case" },
    { "../a", "registry" },
    { "a-b.c_d/f0", "registry" },
    { "a/../b", "lower-case" },
    { A50 A50 A50 A50 A50 "aaaaaa", "255" },
    { A50 A50 A50 A50 A50 A50 A50 A50 A50 A50, "too long" },
};

static void every_bad_reference_is_refused_with_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct reference r = { .tag = "untouched" };
        struct err err = { 0 };
        int result = reference_parse(bad[i].text, &r, &err);
        if (result != -(int)ERR_INPUT || err.kind != ERR_INPUT)
            fail_msg("'%s' gave %d", bad[i].text, result);
        if (!strstr(err.frame[0].text, bad[i].word))
            fail_msg("'%s': '%s' does not say '%s'", bad[i].text, err.frame[0].text, bad[i].word);
        assert_string_equal(r.tag, "untouched");
    }
}

static void a_reference_without_error_struct_is_still_refused(void **state)
{
    (void)state;
    struct reference r;
    assert_int_equal(reference_parse("A", &r, NULL), -(int)ERR_INPUT);
}

static void the_longest_names_and_tags_fit(void **state)
{
    (void)state;
    struct reference r;
    char text[REFERENCE_NAME_MAX + REFERENCE_TAG_MAX + 2];
    memset(text, 'a', sizeof(text));
    text[REFERENCE_NAME_MAX] = ':';
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(reference_parse(text, &r, NULL), 0);
    assert_int_equal(strlen(r.tag), REFERENCE_TAG_MAX);
    assert_int_equal(strlen(r.repo), REFERENCE_NAME_MAX + strlen("docker.io/library/"));
    assert_true(sizeof(r.repo) > strlen(r.repo));
}

static void a_digest_is_wanted_before_a_tag(void **state)
{
    (void)state;
    struct reference r;
    assert_int_equal(reference_parse("a:1@" DIGEST, &r, NULL), 0);
    assert_string_equal(reference_wanted(&r), DIGEST);
    assert_int_equal(reference_parse("a:1", &r, NULL), 0);
    assert_string_equal(reference_wanted(&r), "1");
}

static void formatting_and_parsing_again_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct reference r, again;
        struct buf out = BUF_INIT(1000);
        if (reference_parse(good[i].text, &r, NULL) != 0)
            continue;
        reference_format(&r, &out);
        assert_int_equal(reference_parse(buf_str(&out), &again, NULL), 0);
        assert_string_equal(again.repo, r.repo);
        assert_string_equal(reference_wanted(&again), reference_wanted(&r));
        buf_done(&out);
    }
}

static void long_and_short_names_of_the_hub_are_the_same_repository(void **state)
{
    (void)state;
    assert_true(reference_same_repo(SPAN_LIT("nginx"), SPAN_LIT("docker.io/library/nginx")));
    assert_true(reference_same_repo(SPAN_LIT("library/nginx"), SPAN_LIT("index.docker.io/library/nginx")));
    assert_true(reference_same_repo(SPAN_LIT("user/app"), SPAN_LIT("docker.io/user/app")));
    assert_true(reference_same_repo(SPAN_LIT("ghcr.io/a/b"), SPAN_LIT("ghcr.io/a/b")));
}

static void different_repositories_are_told_apart(void **state)
{
    (void)state;
    assert_false(reference_same_repo(SPAN_LIT("nginx"), SPAN_LIT("ghcr.io/library/nginx")));
    assert_false(reference_same_repo(SPAN_LIT("nginx"), SPAN_LIT("nginx2")));
    assert_false(reference_same_repo(SPAN_LIT("docker.io/library/a/b"), SPAN_LIT("docker.io/a/b")));
    assert_false(reference_same_repo(SPAN_LIT("user/app"), SPAN_LIT("app")));
    assert_false(reference_same_repo(SPAN_LIT(""), SPAN_LIT("app")));
}

static void only_whole_lower_case_sha256_is_a_digest(void **state)
{
    (void)state;
    assert_true(reference_is_digest(SPAN_LIT(DIGEST)));
    assert_false(reference_is_digest(SPAN_LIT(HEX64)));
    assert_false(reference_is_digest(SPAN_LIT(DIGEST "0")));
    assert_false(reference_is_digest(SPAN_LIT("sha256:")));
    assert_false(reference_is_digest(SPAN_LIT("")));
    assert_true(sizeof(DIGEST) <= REFERENCE_DIGEST_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_good_reference_is_taken_apart),
        cmocka_unit_test(every_bad_reference_is_refused_with_its_reason),
        cmocka_unit_test(a_reference_without_error_struct_is_still_refused),
        cmocka_unit_test(the_longest_names_and_tags_fit),
        cmocka_unit_test(a_digest_is_wanted_before_a_tag),
        cmocka_unit_test(formatting_and_parsing_again_gives_the_same),
        cmocka_unit_test(long_and_short_names_of_the_hub_are_the_same_repository),
        cmocka_unit_test(different_repositories_are_told_apart),
        cmocka_unit_test(only_whole_lower_case_sha256_is_a_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
