#include "shared/aws/aws_endpoint.h"

#include <strings.h>

/*
 * A partition's regions begin with its prefix; the last row takes all others. Source: AWS's partitions.json, as
 * botocore has it. FIPS names of GovCloud: see fips_is_plain.
 */
static const struct partition_row {
    struct aws_partition partition;
    const char *prefix;
} partitions[] = {
    { { "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "sts.amazonaws.com.cn" }, "cn-" },
    { { "aws-us-gov", "amazonaws.com", "api.aws", "sts.amazonaws.com" }, "us-gov-" },
    { { "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "sts.amazonaws.com" }, "eusc-" },
    { { "aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "sts.amazonaws.com" }, "us-iso-" },
    { { "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "sts.amazonaws.com" }, "us-isob-" },
    { { "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "sts.amazonaws.com" }, "eu-isoe-" },
    { { "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "sts.amazonaws.com" }, "us-isof-" },
    { { "aws", "amazonaws.com", "api.aws", "sts.amazonaws.com" }, "" },
};
#define PARTITIONS (sizeof(partitions) / sizeof(partitions[0]))

/*
 * The first labels of each service's host: plain, FIPS, dual stack, both. Region and the partition's suffix follow.
 * Source: the endpoint rule sets in botocore.
 */
static const struct service_row {
    const char *signing_name;
    const char *variable;    /* what follows AWS_ENDPOINT_URL_ */
    const char *host[2][2];  /* [dual stack][FIPS] */
    const char *only_region; /* NULL: any */
    bool fips_is_plain;      /* in GovCloud the plain name is the FIPS one */
} services[AWS_SERVICES] = {
    [AWS_ECR] = { "ecr", "ECR", { { "api.ecr", "api.ecr-fips" }, { "ecr", "ecr-fips" } }, NULL, false },
    [AWS_ECR_PUBLIC] = { "ecr-public",
                         "ECR_PUBLIC",
                         { { "api.ecr-public", "api.ecr-public-fips" }, { "ecr-public", "api.ecr-public-fips" } },
                         "us-east-1",
                         false },
    [AWS_EC2] = { "ec2", "EC2", { { "ec2", "ec2-fips" }, { "ec2", "ec2-fips" } }, NULL, true },
    [AWS_INSTANCE_CONNECT] = { "ec2-instance-connect",
                               "EC2_INSTANCE_CONNECT",
                               { { "ec2-instance-connect", "ec2-instance-connect-fips" },
                                 { "ec2-instance-connect", "ec2-instance-connect-fips" } },
                               NULL,
                               false },
    [AWS_SSM] = { "ssm", "SSM", { { "ssm", "ssm-fips" }, { "ssm", "ssm-fips" } }, NULL, true },
    [AWS_STS] = { "sts", "STS", { { "sts", "sts-fips" }, { "sts", "sts-fips" } }, NULL, true },
    [AWS_SNS] = { "sns", "SNS", { { "sns", "sns-fips" }, { "sns", "sns-fips" } }, NULL, true },
};

const struct aws_partition *aws_partition_of_region(const char *region)
{
    size_t i = 0;
    while (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) != 0)
        i++; /* the last prefix is empty */
    return &partitions[i].partition;
}

const struct aws_partition *aws_partition_by_name(const char *name)
{
    for (size_t i = 0; i < PARTITIONS; i++)
        if (strcmp(partitions[i].partition.name, name) == 0)
            return &partitions[i].partition;
    return NULL;
}

static bool is_label(struct span s, char first, char last)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < first || s.ptr[i] > last)
            return false;
    return s.len > 0;
}

bool aws_is_region(const char *text)
{
    struct span rest = span_of(text), label = { 0 };
    size_t words = 0;
    if (rest.len == 0 || rest.len > AWS_REGION_MAX || rest.ptr[rest.len - 1] == '-')
        return false;
    while (span_split(&rest, '-', &label) && is_label(label, 'a', 'z'))
        words++;
    return words >= 2 && rest.len == 0 && is_label(label, '0', '9') && label.len <= 2;
}

const char *aws_default_region(const struct aws *a)
{
    static const char *const names[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = aws_env(a, names[i]);
        if (aws_is_region(value))
            return value;
    }
    return "";
}

/* An http(s) URL of scheme, host, port and path: what else it may hold would not be signed or would be a secret. */
static bool is_plain_url(const char *url)
{
    size_t scheme = strncasecmp(url, "http://", 7) == 0 ? 7 : strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
    if (scheme == 0 || url[scheme] == '\0' || url[scheme] == '/')
        return false;
    for (const char *c = url; *c; c++)
        if (*c <= ' ' || *c > '~' || strchr("?#@\"<>\\^`{|}", *c))
            return false;
    return true;
}

/* 1: there is an override, *ret->url is filled in; 0: there is none. */
static int take_override(const struct aws *a, const struct service_row *s, struct aws_endpoint *ret, struct err *err)
{
    char own[64];
    (void)snprintf(own, sizeof(own), "AWS_ENDPOINT_URL_%s", s->variable);
    if (aws_env_true(a, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
        return 0;
    const char *name = *aws_env(a, own) ? own : "AWS_ENDPOINT_URL";
    const char *value = aws_env(a, name);
    if (!*value)
        return 0;
    bool has_path = is_plain_url(value) && strchr(strstr(value, "://") + 3, '/');
    int n = snprintf(ret->url, sizeof(ret->url), "%s%s", value, has_path ? "" : "/");
    if (n > 0 && (size_t)n < sizeof(ret->url) && is_plain_url(value))
        return 1;
    (void)err_set(err, ERR_INPUT, 0, "%s is not the address of a service", name);
    err_hint(err, "Set %s to an address as https://HOST[:PORT][/PATH], or remove it from the environment.", name);
    return -ERR_INPUT;
}

int aws_endpoint_fips(const struct aws *a, enum aws_service service, const char *region, bool fips,
                      struct aws_endpoint *ret, struct err *err)
{
    const struct service_row *s = &services[service];
    struct aws_endpoint e = { .signing_name = s->signing_name };
    if (s->only_region)
        region = s->only_region;
    if (!aws_is_region(region)) {
        (void)err_set(err, ERR_INPUT, 0, "'%.40s' is not a region of AWS", region ? region : "");
        err_hint(err, "Set aws-region (or AWS_REGION) to a region's code, as eu-central-1.");
        return -ERR_INPUT;
    }
    (void)snprintf(e.region, sizeof(e.region), "%s", region); /* it fits: aws_is_region() */
    int r = take_override(a, s, &e, err);
    if (r < 0)
        return r;
    const struct aws_partition *p = aws_partition_of_region(region);
    bool dual_stack = aws_env_true(a, "AWS_USE_DUALSTACK_ENDPOINT");
    if (s->fips_is_plain && !dual_stack && strcmp(p->name, "aws-us-gov") == 0)
        fips = false;
    if (r == 0)
        (void)snprintf(e.url, sizeof(e.url), "https://%s.%s.%s/", s->host[dual_stack][fips], region,
                       dual_stack ? p->dual_stack : p->suffix);
    *ret = e;
    return 0;
}

int aws_endpoint(const struct aws *a, enum aws_service service, const char *region, struct aws_endpoint *ret,
                 struct err *err)
{
    return aws_endpoint_fips(a, service, region, aws_env_true(a, "AWS_USE_FIPS_ENDPOINT"), ret, err);
}
