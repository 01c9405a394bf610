#include "shared/aws/aws_endpoint.h"

#include "aws_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Each form of a host in each partition that has its own; the whole table was compared with botocore's rule sets. */
static const struct {
    enum aws_service service;
    const char *region;
    bool fips, dual_stack;
    const char *url;
} endpoints[] = {
    { AWS_ECR, "eu-central-1", false, false, "https://api.ecr.eu-central-1.amazonaws.com/" },
    { AWS_ECR, "us-east-1", true, false, "https://api.ecr-fips.us-east-1.amazonaws.com/" },
    { AWS_ECR, "eu-central-1", false, true, "https://ecr.eu-central-1.api.aws/" },
    { AWS_ECR, "us-gov-west-1", true, true, "https://ecr-fips.us-gov-west-1.api.aws/" },
    { AWS_ECR, "cn-north-1", false, false, "https://api.ecr.cn-north-1.amazonaws.com.cn/" },
    { AWS_ECR, "cn-north-1", false, true, "https://ecr.cn-north-1.api.amazonwebservices.com.cn/" },
    { AWS_ECR, "eusc-de-east-1", false, false, "https://api.ecr.eusc-de-east-1.amazonaws.eu/" },
    { AWS_ECR, "eusc-de-east-1", false, true, "https://ecr.eusc-de-east-1.api.amazonwebservices.eu/" },
    { AWS_ECR_PUBLIC, "us-east-1", false, false, "https://api.ecr-public.us-east-1.amazonaws.com/" },
    { AWS_ECR_PUBLIC, "eu-central-1", false, true, "https://ecr-public.us-east-1.api.aws/" },
    { AWS_EC2, "ap-southeast-7", false, false, "https://ec2.ap-southeast-7.amazonaws.com/" },
    { AWS_EC2, "us-east-2", true, false, "https://ec2-fips.us-east-2.amazonaws.com/" },
    { AWS_EC2, "us-gov-east-1", true, false, "https://ec2.us-gov-east-1.amazonaws.com/" },
    { AWS_EC2, "us-gov-east-1", true, true, "https://ec2-fips.us-gov-east-1.api.aws/" },
    { AWS_EC2, "eu-west-1", false, true, "https://ec2.eu-west-1.api.aws/" },
    { AWS_INSTANCE_CONNECT, "eu-west-1", false, false, "https://ec2-instance-connect.eu-west-1.amazonaws.com/" },
    { AWS_INSTANCE_CONNECT, "us-gov-west-1", true, false,
      "https://ec2-instance-connect-fips.us-gov-west-1.amazonaws.com/" },
    { AWS_SSM, "us-iso-east-1", false, false, "https://ssm.us-iso-east-1.c2s.ic.gov/" },
    { AWS_SSM, "us-isob-east-1", true, false, "https://ssm-fips.us-isob-east-1.sc2s.sgov.gov/" },
    { AWS_STS, "cn-northwest-1", false, false, "https://sts.cn-northwest-1.amazonaws.com.cn/" },
    { AWS_STS, "us-gov-west-1", true, false, "https://sts.us-gov-west-1.amazonaws.com/" },
    { AWS_STS, "eu-isoe-west-1", false, false, "https://sts.eu-isoe-west-1.cloud.adc-e.uk/" },
    { AWS_SNS, "us-isof-south-1", false, true, "https://sns.us-isof-south-1.api.aws.hci.ic.gov/" },
    { AWS_SNS, "sa-east-1", true, true, "https://sns-fips.sa-east-1.api.aws/" },
};

static int resolve(struct aws_env *env, enum aws_service service, const char *region, struct aws_endpoint *e,
                   struct err *err)
{
    struct aws a = aws_with_env(env);
    memset(e, 0, sizeof(*e));
    memset(err, 0, sizeof(*err));
    return aws_endpoint(&a, service, region, e, err);
}

static void services_have_the_addresses_that_aws_gives_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        struct aws_env env = { 0 };
        struct aws_endpoint e;
        struct err err;
        if (endpoints[i].fips)
            aws_env_set(&env, "AWS_USE_FIPS_ENDPOINT", "true");
        if (endpoints[i].dual_stack)
            aws_env_set(&env, "AWS_USE_DUALSTACK_ENDPOINT", "True");
        assert_int_equal(resolve(&env, endpoints[i].service, endpoints[i].region, &e, &err), 0);
        assert_string_equal(e.url, endpoints[i].url);
        bool is_public = endpoints[i].service == AWS_ECR_PUBLIC;
        assert_string_equal(e.region, is_public ? "us-east-1" : endpoints[i].region);
    }
}

static void a_registry_of_fips_names_the_address_by_itself(void **state)
{
    (void)state;
    struct aws_env env = { 0 };
    struct aws a = aws_with_env(&env);
    struct aws_endpoint e;
    assert_int_equal(aws_endpoint_fips(&a, AWS_ECR, "us-west-2", true, &e, NULL), 0);
    assert_string_equal(e.url, "https://api.ecr-fips.us-west-2.amazonaws.com/");
    assert_string_equal(e.signing_name, "ecr");
}

static void signing_names_are_not_host_names(void **state)
{
    (void)state;
    static const char *const names[AWS_SERVICES] = {
        [AWS_ECR] = "ecr",
        [AWS_ECR_PUBLIC] = "ecr-public",
        [AWS_EC2] = "ec2",
        [AWS_SSM] = "ssm",
        [AWS_STS] = "sts",
        [AWS_SNS] = "sns",
        [AWS_INSTANCE_CONNECT] = "ec2-instance-connect",
    };
    for (int i = 0; i < AWS_SERVICES; i++) {
        struct aws_env env = { 0 };
        struct aws_endpoint e;
        struct err err;
        assert_int_equal(resolve(&env, (enum aws_service)i, "eu-west-1", &e, &err), 0);
        assert_string_equal(e.signing_name, names[i]);
    }
}

static void overrides_go_from_the_service_to_all(void **state)
{
    (void)state;
    static const struct {
        enum aws_service service;
        const char *variable;
    } own[] = {
        { AWS_ECR, "AWS_ENDPOINT_URL_ECR" }, { AWS_ECR_PUBLIC, "AWS_ENDPOINT_URL_ECR_PUBLIC" },
        { AWS_EC2, "AWS_ENDPOINT_URL_EC2" }, { AWS_INSTANCE_CONNECT, "AWS_ENDPOINT_URL_EC2_INSTANCE_CONNECT" },
        { AWS_SSM, "AWS_ENDPOINT_URL_SSM" }, { AWS_STS, "AWS_ENDPOINT_URL_STS" },
        { AWS_SNS, "AWS_ENDPOINT_URL_SNS" },
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        struct aws_env env = { 0 };
        struct aws_endpoint e;
        struct err err;
        aws_env_set(&env, "AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
        assert_int_equal(resolve(&env, own[i].service, "eu-west-1", &e, &err), 0);
        assert_string_equal(e.url, "http://127.0.0.1:4566/");
        aws_env_set(&env, own[i].variable, "https://vpce-1.example/aws");
        assert_int_equal(resolve(&env, own[i].service, "eu-west-1", &e, &err), 0);
        assert_string_equal(e.url, "https://vpce-1.example/aws");
        aws_env_set(&env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert_int_equal(resolve(&env, own[i].service, "eu-west-1", &e, &err), 0);
        assert_non_null(strstr(e.url, ".amazonaws.com/"));
    }
}

static void overrides_that_are_no_addresses_are_named(void **state)
{
    (void)state;
    static const char *const bad[] = { "localhost:4566",        "ftp://x/",          "https://",
                                       "https://user:pw@host/", "https://host/?a=b", "https://host/#x",
                                       "https://ho st/",        "https:///path",     "http://host/\n" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct aws_env env = { 0 };
        struct aws_endpoint e;
        struct err err;
        aws_env_set(&env, "AWS_ENDPOINT_URL_STS", bad[i]);
        assert_int_equal(resolve(&env, AWS_STS, "eu-west-1", &e, &err), -ERR_INPUT);
        assert_non_null(strstr(err.frame[0].text, "AWS_ENDPOINT_URL_STS"));
        assert_null(strstr(err.frame[0].text, "pw"));
    }
}

static void regions_have_a_form(void **state)
{
    (void)state;
    static const char *const good[] = { "eu-central-1",   "us-gov-west-1",  "cn-northwest-1",
                                        "eusc-de-east-1", "us-isob-east-1", "ap-southeast-17" };
    static const char *const bad[] = { "",      "eu",          "eu-central",    "EU-central-1",   "eu-central-1a",
                                       "-eu-1", "eu--1",       "eu-central-1-", "eu-central-1/x", "eu-central-123",
                                       "1-2-3", "evil.com/-1", "us-east-1 ",    "aws-global" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(aws_is_region(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct aws_env env = { 0 };
        struct aws_endpoint e;
        struct err err;
        assert_false(aws_is_region(bad[i]));
        assert_int_equal(resolve(&env, AWS_EC2, bad[i], &e, &err), -ERR_INPUT);
    }
    assert_false(aws_is_region("eu-centralcentralcentralcentralcen-1"));
    assert_false(aws_is_region(NULL));
}

static void the_default_region_is_the_first_of_the_environment_that_is_one(void **state)
{
    (void)state;
    struct aws_env env = { 0 };
    struct aws a = aws_with_env(&env);
    assert_string_equal(aws_default_region(&a), "");
    aws_env_set(&env, "AWS_DEFAULT_REGION", "us-west-2");
    assert_string_equal(aws_default_region(&a), "us-west-2");
    aws_env_set(&env, "AWS_REGION", "eu-west-3");
    assert_string_equal(aws_default_region(&a), "eu-west-3");
    aws_env_set(&env, "AWS_REGION", "nowhere");
    assert_string_equal(aws_default_region(&a), "us-west-2");
}

static void partitions_are_found_by_region_and_by_name(void **state)
{
    (void)state;
    assert_string_equal(aws_partition_of_region("us-gov-east-1")->name, "aws-us-gov");
    assert_string_equal(aws_partition_of_region("us-isof-east-1")->name, "aws-iso-f");
    assert_string_equal(aws_partition_of_region("mx-central-1")->name, "aws");
    assert_string_equal(aws_partition_of_region("cn-north-1")->audience, "sts.amazonaws.com.cn");
    assert_string_equal(aws_partition_by_name("aws-eusc")->suffix, "amazonaws.eu");
    assert_string_equal(aws_partition_by_name("aws")->audience, "sts.amazonaws.com");
    assert_null(aws_partition_by_name("aws-mars"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_have_the_addresses_that_aws_gives_them),
        cmocka_unit_test(a_registry_of_fips_names_the_address_by_itself),
        cmocka_unit_test(signing_names_are_not_host_names),
        cmocka_unit_test(overrides_go_from_the_service_to_all),
        cmocka_unit_test(overrides_that_are_no_addresses_are_named),
        cmocka_unit_test(regions_have_a_form),
        cmocka_unit_test(the_default_region_is_the_first_of_the_environment_that_is_one),
        cmocka_unit_test(partitions_are_found_by_region_and_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
