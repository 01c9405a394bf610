#include "cmd/aws/accountcall.h"

#define ATTEMPTS 2 /* the second with new credentials */

/* The answer of one of the two kinds. */
struct answer {
    struct xml **xml;
    struct json **json; /* when xml is NULL */
};

static int exchange(struct stage *s, const struct aws_request *request, const struct answer *answer, struct err *err)
{
    struct aws *aws = account_aws(s->account);

    return answer->xml ? aws_query(aws, request, answer->xml, err) : aws_call(aws, request, answer->json, err);
}

static int perform(struct stage *s, const struct aws_request *wanted, const struct answer *answer, struct err *err)
{
    struct aws_request request = *wanted;
    char region[AWS_REGION_MAX + 1];
    int r = account_open(s, err);

    if (r == 0 && !request.region) {
        r = account_region(s, region, err);
        request.region = region;
    }
    if (r < 0)
        return r;
    for (unsigned attempt = 1;; attempt++) {
        r = aws_chain_get(account_chain(s->account), &request.credentials, err);
        if (r < 0)
            return r;
        r = exchange(s, &request, answer, err);
        if (r != -ERR_AWS_CREDENTIALS || attempt == ATTEMPTS || !aws_error_expired(account_aws(s->account)))
            return r;
        aws_chain_expired(account_chain(s->account));
        err_clear(err);
    }
}

int account_query(struct stage *s, const struct aws_request *request, struct xml **ret, struct err *err)
{
    return perform(s, request, &(struct answer){ .xml = ret }, err);
}

int account_call(struct stage *s, const struct aws_request *request, struct json **ret, struct err *err)
{
    return perform(s, request, &(struct answer){ .json = ret }, err);
}
