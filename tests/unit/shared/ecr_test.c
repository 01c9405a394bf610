#include "shared/aws/ecr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- registries ---- */

static void every_form_of_a_registry_is_known(void **state)
{
    static const struct {
        const char *host, *account, *region;
        bool fips, is_public;
    } cases[] = {
        { "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "123456789012", "eu-central-1", false, false },
        { "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "123456789012", "us-east-1", true, false },
        { "123456789012.dkr-ecr.us-west-2.on.aws", "123456789012", "us-west-2", false, false },
        { "123456789012.dkr-ecr-fips.us-gov-west-1.on.aws", "123456789012", "us-gov-west-1", true, false },
        { "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "123456789012", "cn-north-1", false, false },
        { "123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn", "123456789012", "cn-northwest-1", false,
          false },
        { "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "123456789012", "eusc-de-east-1", false, false },
        { "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "123456789012", "us-iso-east-1", false, false },
        { "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "123456789012", "us-isob-east-1", false, false },
        { "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "123456789012", "eu-isoe-west-1", false, false },
        { "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "123456789012", "us-isof-south-1", false, false },
        { "123456789012.DKR.ECR.EU-CENTRAL-1.amazonaws.com", "123456789012", "eu-central-1", false, false },
        { "public.ecr.aws", "", "us-east-1", false, true },
        { "ecr-public.aws.com", "", "us-east-1", false, true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ecr_registry r;
        if (!ecr_registry_parse(cases[i].host, &r))
            fail_msg("%s", cases[i].host);
        assert_string_equal(r.account, cases[i].account);
        assert_string_equal(r.region, cases[i].region);
        assert_int_equal(r.fips, cases[i].fips);
        assert_int_equal(r.is_public, cases[i].is_public);
    }
}

static void other_registries_are_not_taken_for_ecr(void **state)
{
    static const char *const hosts[] = {
        "",
        "docker.io",
        "ghcr.io",
        "12345678901.dkr.ecr.eu-central-1.amazonaws.com",
        "1234567890123.dkr.ecr.eu-central-1.amazonaws.com",
        "a23456789012.dkr.ecr.eu-central-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example",
        "123456789012.dkr.ecr.eu-central-1.evil.example",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com:5000",
        "123456789012.dkr.ecr.amazonaws.com",
        "123456789012.dkr.ecr..amazonaws.com",
        "123456789012.dkr.ecr.-x.amazonaws.com",
        "123456789012.ecr.eu-central-1.amazonaws.com",
        "evil.123456789012.dkr.ecr.eu-central-1.amazonaws.com",
        "123456789012.dkr.ecr.a-region-that-is-much-longer-than-any-there-is.amazonaws.com",
        "public.ecr.aws.evil.example",
        "x.public.ecr.aws",
    };
    struct ecr_registry r = { .host = "as it was" };
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (ecr_registry_parse(hosts[i], &r))
            fail_msg("%s", hosts[i]);
    assert_false(ecr_registry_parse(NULL, &r));
    assert_string_equal(r.host, "as it was");
}

/* ---- findings ---- */

static void severities_go_by_their_names(void **state)
{
    (void)state;
    for (int s = ECR_LOW; s <= ECR_CRITICAL; s++)
        assert_int_equal(ecr_severity_from_name(ecr_severity_name((enum ecr_severity)s)), s);
    assert_int_equal(ecr_severity_from_name("off"), ECR_SEVERITY_NONE);
    assert_int_equal(ecr_severity_from_name("none"), ECR_SEVERITY_NONE);
    assert_int_equal(ecr_severity_from_name("HIGH"), ECR_SEVERITY_NONE);
    assert_int_equal(ecr_severity_from_name(NULL), ECR_SEVERITY_NONE);
}

static void findings_are_told_the_worst_first(void **state)
{
    static const struct {
        int64_t n[ECR_CRITICAL + 1];
        const char *text;
    } cases[] = {
        { { 0, 0, 0, 11, 2 }, "2 critical, 11 high" },
        { { 0, 1, 2, 0, 0 }, "2 medium, 1 low" },
        { { 7, 0, 0, 0, 0 }, "7 of no or unknown severity" },
        { { 7, 0, 0, 1, 0 }, "1 high, 7 of no or unknown severity" },
        { { 0 }, "no findings" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(buf_done_p) struct buf out = BUF_INIT(200);
        struct ecr_image image = { .scanned = true };
        memcpy(image.findings, cases[i].n, sizeof(image.findings));
        ecr_findings_text(&image, &out);
        assert_string_equal(buf_str(&out), cases[i].text);
    }
}

static void the_gate_refuses_its_severity_and_worse(void **state)
{
    struct ecr_image image = { .scanned = true, .findings = { 9, 3, 2, 0, 0 } };
    struct err err = { 0 };
    char text[512];
    (void)state;
    assert_int_equal(ecr_findings_check(&image, ECR_SEVERITY_NONE, &err), 0);
    assert_int_equal(ecr_findings_check(&image, ECR_CRITICAL, &err), 0);
    assert_int_equal(ecr_findings_check(&image, ECR_HIGH, &err), 0);
    assert_int_equal(ecr_findings_check(&image, ECR_MEDIUM, &err), -ERR_IMAGE_FINDINGS);
    assert_string_equal(err_text(&err, text, sizeof(text)), "the registry's scan found 2 medium, 3 low, 9 of no or "
                                                            "unknown severity; fail-on-severity is medium");
    assert_int_equal(ecr_findings_check(&image, ECR_LOW, &err), -ERR_IMAGE_FINDINGS);
}

static void findings_that_are_not_known_pass_no_gate(void **state)
{
    struct ecr_image image = { .scan_status = "SCAN_NOT_FOUND" };
    struct err err = { 0 };
    char text[512];
    (void)state;
    assert_int_equal(ecr_findings_check(&image, ECR_SEVERITY_NONE, &err), 0);
    assert_int_equal(ecr_findings_check(&image, ECR_CRITICAL, &err), -ERR_IMAGE_FINDINGS);
    assert_non_null(strstr(err_text(&err, text, sizeof(text)), "SCAN_NOT_FOUND"));
}

/* ---- platforms ---- */

static void a_platform_fits_with_or_without_its_variant(void **state)
{
    struct ecr_image image = { .platform_count = 2, .platforms = { "linux/amd64", "linux/arm64/v8" } };
    const struct ecr_image unknown = { 0 };
    (void)state;
    assert_true(ecr_image_fits(&image, "linux/amd64"));
    assert_true(ecr_image_fits(&image, "linux/arm64"));
    assert_false(ecr_image_fits(&image, "linux/arm"));
    assert_false(ecr_image_fits(&image, "windows/amd64"));
    assert_true(ecr_image_fits(&unknown, "linux/s390x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_registry_is_known),
        cmocka_unit_test(other_registries_are_not_taken_for_ecr),
        cmocka_unit_test(severities_go_by_their_names),
        cmocka_unit_test(findings_are_told_the_worst_first),
        cmocka_unit_test(the_gate_refuses_its_severity_and_worse),
        cmocka_unit_test(findings_that_are_not_known_pass_no_gate),
        cmocka_unit_test(a_platform_fits_with_or_without_its_variant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
