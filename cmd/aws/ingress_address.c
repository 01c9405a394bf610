#include "cmd/aws/ingress_address.h"

#include "cmd/aws/account.h"
#include "cmd/inputs/inputs_check.h"
#include "shared/http.h"

#include <arpa/inet.h>

#define CHECKIP_URL "https://checkip.amazonaws.com/"
#define CHECKIP_VARIABLE "AWS_ENDPOINT_URL_CHECKIP"
#define CHECKIP_TIMEOUT_MS 5000
#define CHECKIP_ATTEMPTS 2
#define CHECKIP_ANSWER_MAX 256

bool ingress_address_parse(struct span text, struct ingress_address *ret)
{
    struct ingress_address a = { 0 };
    char given[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];

    text = span_trim(text);
    if (!text.len || text.len >= sizeof(given) || memchr(text.ptr, '\0', text.len))
        return false;
    (void)snprintf(given, sizeof(given), "%.*s", (int)text.len, text.ptr);
    if (!inputs_is_address(given))
        return false;
    a.v6 = strchr(given, ':') != NULL;
    if (inet_pton(a.v6 ? AF_INET6 : AF_INET, given, bytes) != 1 ||
        !inet_ntop(a.v6 ? AF_INET6 : AF_INET, bytes, a.text, sizeof(a.text)))
        return false;
    (void)snprintf(a.cidr, sizeof(a.cidr), "%s/%d", a.text, a.v6 ? 128 : 32);
    *ret = a;
    return true;
}

static int read_answer(const struct http_response *answer, const char *url, struct ingress_address *ret,
                       struct err *err)
{
    if (answer->status != 200)
        return err_set(err, ERR_NET, answer->status, "%s answered with HTTP status %d", url, answer->status);
    if (!ingress_address_parse(buf_span(&answer->body), ret))
        return err_set(err, ERR_PROTO, 0, "%s answered with something that is no public address", url);
    return 0;
}

static int ask_once(struct http *h, const char *url, struct ingress_address *ret, struct err *err)
{
    const struct http_request request = { .method = "GET",
                                          .url = url,
                                          .direct = true, /* as the SSH connection */
                                          .connect_timeout_ms = CHECKIP_TIMEOUT_MS,
                                          .timeout_ms = CHECKIP_TIMEOUT_MS,
                                          .max_body = CHECKIP_ANSWER_MAX };
    struct http_response answer;
    int r = http_perform(h, &request, &answer, err);

    if (r == 0)
        r = read_answer(&answer, url, ret, err);
    http_response_done(&answer);
    return r;
}

static int ask(struct stage *s, struct ingress_address *ret, struct err *err)
{
    struct aws *aws = account_aws(s->account);
    const char *given = aws_env(aws, CHECKIP_VARIABLE);
    bool ignored = aws_env_true(aws, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    const char *url = *given && !ignored ? given : CHECKIP_URL;
    _cleanup_(http_free_p) struct http *h = NULL;
    int r = http_new(&h, aws->cancel, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < CHECKIP_ATTEMPTS; i++) {
        err_clear(err);
        r = ask_once(h, url, ret, err);
        if (r == 0 || r == -ERR_CANCEL)
            return r;
    }
    err->hint[0] = '\0';
    err_hint(err, "Give the runner's address, as the host sees it, in runner-address.");
    return err_wrap(err, "find the runner's own address");
}

int ingress_address(struct stage *s, struct ingress_address *ret, struct err *err)
{
    const char *given = s->in.aws.runner_address;
    int r = account_open(s, err);

    if (r < 0)
        return r;
    if (*given && !ingress_address_parse(span_of(given), ret))
        return err_set(err, ERR_INPUT, 0, "input 'runner-address': got '%s', wants an IPv4 or IPv6 address", given);
    if (*given)
        return 0;
    r = ask(s, ret, err);
    if (r == 0)
        ret->asked = true;
    return r;
}
