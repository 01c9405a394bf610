#include "tests/unit/shared/view_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_a_deployment_would_do_is_told_and_that_nothing_was_done(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample("plan", NULL);

    (void)state;
    assert_string_equal(view_shown("plan", report, 0, false),
                        "shop: would be deployed, shop:v1 → shop:v2 (nothing was done)\n"
                        "\n"
                        "digest        111122223333 → 0123456789ab\n"
                        "strategy      handover\n"
                        "platform      linux/amd64, linux/arm64, fits linux/amd64\n"
                        "download      12.0 MB; disk needed 36.0 MB, free 5.00 GB\n"
                        "expected      outage 0.21 s, in all 4.20 s (from the last 3 deployments)\n"
                        "\n"
                        "changes\n"
                        "  image         shop:v1 → shop:v2\n"
                        "  env_added     NEW_KEY, OTHER\n"
                        "  memory        no limit → 256 MiB\n"
                        "  arguments     1 → 2\n"
                        "  ports         8080->80/tcp (as before)\n"
                        "\n"
                        "steps\n"
                        "  1. preflight            Preflight\n"
                        "  2. image_pull           Image pull\n"
                        "\n"
                        "would be removed afterwards\n"
                        "  image          1.0 kB  shop:v0: old\n");
}

static void a_refusal_comes_with_its_reason_and_what_to_do(void **state)
{
    _cleanup_(json_free_p) struct json *report =
        view_sample("plan", "{\"verdict\":\"refused\",\"previous_image\":\"\",\"platform\":{\"host\":\"linux/amd64\","
                            "\"image\":[\"linux/arm64\"],\"fits\":false},\"expected\":{\"from\":0},\"problems\":[{"
                            "\"kind\":\"platform\",\"message\":\"no image for linux/amd64\",\"hint\":\"build one\"}]}");
    const char *text = view_shown("plan", report, 0, false);

    (void)state;
    assert_int_equal(strncmp(text,
                             "shop: would be REFUSED, first deployment → shop:v2 (nothing was done)\n\nproblems\n 1. "
                             "platform: no image for linux/amd64\n    Next: build one\n",
                             120),
                     0);
    assert_non_null(strstr(text, "platform      linux/arm64, does NOT fit linux/amd64\n"));
    assert_non_null(strstr(text, "expected      not known: no deployment to learn from\n"));
}

static void nothing_to_do_is_said(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample("plan", "{\"verdict\":\"unchanged\"}");

    (void)state;
    assert_int_equal(
        strncmp(view_shown("plan", report, 0, false), "shop: nothing would change (nothing was done)\n", 46), 0);
    assert_non_null(strchr(view_shown("plan", NULL, 0, false), '\n'));
}

static void what_is_not_known_is_said_and_digests_are_short(void **state)
{
    _cleanup_(json_free_p) struct json *report = view_sample(
        "plan",
        "{\"platform\":{\"host\":\"\",\"image\":[],\"fits\":true},\"changes\":{\"digest\":[\"sha256:1111222233334444\","
        "\"sha256:5555666677778888\"]}}");

    (void)state;
    assert_non_null(strstr(view_shown("plan", report, 0, false), "\nplatform      not known\n"));
    assert_non_null(strstr(view_shown("plan", report, 0, false), "\n  digest        111122223333 → 555566667777\n"));
}

static void words_of_the_host_reach_the_terminal_as_words(void **state)
{
    (void)state;
    view_attack("plan");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_deployment_would_do_is_told_and_that_nothing_was_done),
        cmocka_unit_test(a_refusal_comes_with_its_reason_and_what_to_do),
        cmocka_unit_test(nothing_to_do_is_said),
        cmocka_unit_test(what_is_not_known_is_said_and_digests_are_short),
        cmocka_unit_test(words_of_the_host_reach_the_terminal_as_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
