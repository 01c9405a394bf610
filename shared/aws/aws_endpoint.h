/*
 * Regions, partitions and the addresses of services in them, with FIPS and dual-stack names, and the overrides that
 * all of AWS's tools honour: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS,
 * AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT.
 */
#ifndef BLUEGREEN_AWS_ENDPOINT_H
#define BLUEGREEN_AWS_ENDPOINT_H

#include "aws.h"

enum aws_service {
    AWS_ECR,
    AWS_ECR_PUBLIC, /* us-east-1 only, whatever the region asked for */
    AWS_EC2,
    AWS_INSTANCE_CONNECT,
    AWS_SSM,
    AWS_STS,
    AWS_SNS,
    AWS_SERVICES
};

struct aws_partition {
    const char *name;       /* "aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso"… */
    const char *suffix;     /* "amazonaws.com" */
    const char *dual_stack; /* "api.aws"; "" none */
    const char *audience;   /* of GitHub's identity tokens: "sts.amazonaws.com"; in China "sts.amazonaws.com.cn" */
};
/* By the form of the region's name; an unknown form is the commercial partition. */
const struct aws_partition *aws_partition_of_region(const char *region);
/* By its name, as in ARNs; NULL unknown. */
const struct aws_partition *aws_partition_by_name(const char *name);

bool aws_is_region(const char *text); /* the form: "eu-central-1", "us-gov-west-1", "eusc-de-east-1" */

/* AWS_REGION, else AWS_DEFAULT_REGION; "" when neither is a region. */
const char *aws_default_region(const struct aws *a);

struct aws_endpoint {
    char url[512];                   /* "https://api.ecr.eu-central-1.amazonaws.com/", always with a path */
    char region[AWS_REGION_MAX + 1]; /* that the signature names */
    const char *signing_name;        /* "ecr", "ec2-instance-connect" */
};
/* -ERR_INPUT: not a region, or an override that is not an http(s) URL (the message names the variable). */
int aws_endpoint(const struct aws *a, enum aws_service service, const char *region, struct aws_endpoint *ret,
                 struct err *err);
/* The same with FIPS said by the caller, as a registry's own name does ("…dkr.ecr-fips…"). */
int aws_endpoint_fips(const struct aws *a, enum aws_service service, const char *region, bool fips,
                      struct aws_endpoint *ret, struct err *err);

#endif
