/*
 * One call to an AWS service: built, signed by libcurl (CURLOPT_AWS_SIGV4), sent, tried again when that is safe and may
 * help, and its answer or its error understood.
 *
 * Every operation that this project calls is a row of one table (shared/aws/aws_call.c), with the IAM action it needs:
 * docs/aws.md and the policies in docs/iam/ are held against that table by a test.
 */
#ifndef BLUEGREEN_AWS_CALL_H
#define BLUEGREEN_AWS_CALL_H

#include "aws_endpoint.h"
#include "shared/json.h"

enum aws_op {
    AWS_ECR_GET_AUTHORIZATION_TOKEN,
    AWS_ECR_BATCH_GET_IMAGE,
    AWS_ECR_DESCRIBE_IMAGES,
    AWS_ECR_DESCRIBE_IMAGE_SCAN_FINDINGS,
    AWS_ECR_GET_DOWNLOAD_URL_FOR_LAYER,
    AWS_ECR_PUBLIC_GET_AUTHORIZATION_TOKEN,
    AWS_STS_ASSUME_ROLE,
    AWS_STS_ASSUME_ROLE_WITH_WEB_IDENTITY, /* not signed */
    AWS_STS_GET_CALLER_IDENTITY,
    AWS_EC2_DESCRIBE_INSTANCES,
    AWS_EC2_GET_CONSOLE_OUTPUT,
    AWS_EC2_DESCRIBE_SECURITY_GROUP_RULES,
    AWS_EC2_AUTHORIZE_SECURITY_GROUP_INGRESS,
    AWS_EC2_REVOKE_SECURITY_GROUP_INGRESS,
    AWS_INSTANCE_CONNECT_SEND_SSH_PUBLIC_KEY,
    AWS_SSM_GET_PARAMETER,
    AWS_SNS_PUBLISH,
    AWS_OPS
};

struct aws_op_info {
    enum aws_service service;
    const char *name;   /* "DescribeImages" */
    const char *action; /* of IAM: "ecr:DescribeImages"; "" none is needed */
    bool reads;         /* changes nothing, or nothing more the second time: sent again after a lost answer */
    bool unsigned_call; /* takes no credentials: the token in its body is what counts */
};
const struct aws_op_info *aws_op_info(enum aws_op op);

struct aws_request {
    enum aws_op op;
    const char *region;
    bool fips;
    const struct aws_credentials *credentials; /* NULL only for what is not signed */
    struct span body;                          /* of aws_query.h's form, or JSON */
    int64_t timeout_ms;                        /* all attempts together; 0: 20 s */
    unsigned attempts;                         /* 0: 3 */
};

/*
 * Call an operation of a JSON service: 0 and the answer of a 2xx, owned by the caller. Tried again, with growing
 * pauses, after throttling, 5xx and (operations that read) a lost connection. Otherwise:
 *   -ERR_AWS_CREDENTIALS  unknown key, wrong secret, expired or missing token, and a clock that is wrong: the message
 *                         tells by how much, from the answer's Date
 *   -ERR_AWS_DENIED       not authorized; the message names the IAM action and, where AWS told it, the principal
 *   -ERR_AWS              any other answer with an error; the message has AWS's code and words
 *   -ERR_UNREACHABLE, -ERR_TIMEOUT, -ERR_NET, -ERR_PROTO, -ERR_CANCEL, -ERR_INPUT as http_perform()
 * err->code is the HTTP status. aws_error_code() tells AWS's own code after each of the first three. For the query
 * services (STS, EC2, SNS): aws_query.h, same rules.
 */
int aws_call(struct aws *a, const struct aws_request *request, struct json **ret, struct err *err);

/*
 * AWS's code of the last call that failed with an answer ("RepositoryNotFoundException",
 * "InvalidPermission.Duplicate"); "" otherwise. Valid until the next call of that client.
 */
const char *aws_error_code(const struct aws *a);
bool aws_error_is(const struct aws *a, const char *code);

/* The temporary credentials have expired, as AWS sees it. */
bool aws_error_expired(const struct aws *a);

/*
 * What both kinds of calls are made of. *body is the answer of a 2xx, initialised in every case: end it with
 * buf_wipe_done(). read_error finds code and message in the body of another answer; false: they are not there.
 */
struct aws_error_words {
    char code[80], message[400];
};
typedef bool aws_read_error_fn(struct span body, struct aws_error_words *ret);
int aws_exchange(struct aws *a, const struct aws_request *request, const char *content_type,
                 aws_read_error_fn *read_error, struct buf *body, struct err *err);

#endif
