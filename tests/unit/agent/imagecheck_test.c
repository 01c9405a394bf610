#include "agent/steps/steps.h"

#include "agent/steps/ecr.h"
#include "shared/http.h"
#include "tests/unit/agent/host.h"

#include <stdlib.h>

#define REPO "123456789012.dkr.ecr.eu-central-1.amazonaws.com/app"
#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* An image of ECR, and nothing of AWS can be reached. */
static void start(struct host *h, const char *image, const char *how)
{
    assert_int_equal(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    host_assert_result(h, spec_set_str(&h->run.spec.image, image, &h->err), 0);
    host_assert_result(h, spec_set_str(&h->run.spec.ecr_auth, how, &h->err), 0);
}

static void has_image(struct host *h)
{
    fake_engine_reply(h->fake, "GET /images/", 200, "{\"Id\":\"sha256:id\",\"Size\":1}");
}

static void an_image_that_is_on_the_host_needs_no_registry(void **state)
{
    static const char *const hows[] = { "auto", "host-role" };
    struct host *h = *state;
    has_image(h);
    for (size_t i = 0; i < 2; i++) {
        start(h, REPO "@" DIGEST, hows[i]);
        host_assert_result(h, login_apply(&h->run, &h->err), STEP_SKIPPED);
        assert_non_null(strstr(h->run.step_text, "on the host already"));
        host_assert_result(h, check_apply(&h->run, &h->err), 0);
        assert_string_equal(h->run.digest, DIGEST);
    }
    assert_int_equal(fake_engine_count(h->fake, "GET /distribution/"), 0);
}

static void a_gate_is_not_passed_by_an_image_that_is_on_the_host(void **state)
{
    struct host *h = *state;
    has_image(h);
    start(h, REPO "@" DIGEST, "auto");
    host_assert_result(h, spec_set_str(&h->run.spec.fail_on_severity, "high", &h->err), 0);
    host_assert_result(h, login_apply(&h->run, &h->err), STEP_SKIPPED);
    host_assert_err(h, check_apply(&h->run, &h->err), ERR_IMAGE_FINDINGS, "fail-on-severity is high");
}

static void a_tag_or_an_image_that_is_not_there_needs_a_login(void **state)
{
    struct host *h = *state;
    start(h, REPO "@" DIGEST, "auto");
    host_assert_err(h, login_apply(&h->run, &h->err), ERR_AWS_CREDENTIALS, "the host has no way into it");
    has_image(h);
    start(h, REPO ":v1", "host-role");
    host_assert_err(h, login_apply(&h->run, &h->err), ERR_AWS_CREDENTIALS, "ecr-auth is host-role");
}

static void a_repository_called_expired_is_no_expired_token(void **state)
{
    struct host *h = *state;
    start(h, REPO "/expired-orders:v1", "");
    host_assert_result(h, spec_set_str(&h->run.spec.registry_username, "AWS", &h->err), 0);
    (void)err_set(&h->err, ERR_REGISTRY_AUTH, 403, "denied: you may not pull from expired-orders");
    host_assert_result(h, ecrhost_renew(&h->run, &h->err), 0);
    assert_int_equal(h->err.kind, ERR_REGISTRY_AUTH);
    (void)err_set(&h->err, ERR_REGISTRY_AUTH, 403, "denied: the token has expired");
    host_assert_result(h, ecrhost_renew(&h->run, &h->err), 0);
    assert_int_equal(h->err.kind, ERR_REGISTRY_EXPIRED);
    err_clear(&h->err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_CASE(an_image_that_is_on_the_host_needs_no_registry),
        ENGINE_CASE(a_gate_is_not_passed_by_an_image_that_is_on_the_host),
        ENGINE_CASE(a_tag_or_an_image_that_is_not_there_needs_a_login),
        ENGINE_CASE(a_repository_called_expired_is_no_expired_token),
    };
    struct err ignored = { 0 };
    if (http_global_init(&ignored) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
