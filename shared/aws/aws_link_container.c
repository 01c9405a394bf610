#include "shared/aws/aws_link_answer.h"
#include "shared/aws/aws_links.h"

#include "shared/clock.h"
#include "shared/http.h"
#include "shared/json.h"

#include <arpa/inet.h>
#include <strings.h>

#define RELATIVE_BASE "http://169.254.170.2" /* of ECS */
#define ATTEMPTS 3
#define ATTEMPT_MS 2000
#define PAUSE_MS 200
#define URL_MAX 2048
#define TOKEN_MAX (16 * 1024)
#define HOST_SIZE 64

/* ---- who may be asked ---- */

/* Host of a URL without brackets; false: none, a user before it, or too long to be one that is allowed. */
static bool read_host(const char *url, char out[HOST_SIZE])
{
    const char *start = strstr(url, "://") + 3;
    size_t authority = strcspn(start, "/?#");
    if (memchr(start, '@', authority) || memchr(start, '\\', authority))
        return false;
    const char *end = start + authority;
    if (start[0] == '[') {
        end = memchr(start, ']', authority);
        start++;
    } else if (memchr(start, ':', authority)) {
        end = memchr(start, ':', authority);
    }
    if (!end || end == start || (size_t)(end - start) >= HOST_SIZE)
        return false;
    memcpy(out, start, (size_t)(end - start));
    out[end - start] = '\0';
    return true;
}

static bool is_loopback(const char *host)
{
    struct in_addr in4;
    struct in6_addr in6;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &in4) == 1)
        return ntohl(in4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &in6) == 1 && IN6_IS_ADDR_LOOPBACK(&in6);
}

/* The token in the request must not go over a network in the clear: what AWS's own SDKs allow. */
static bool may_ask(const char *url)
{
    static const char *const hosts[] = { "169.254.170.2", "169.254.170.23", "fd00:ec2::23" };
    char host[HOST_SIZE];
    if (strncasecmp(url, "https://", 8) == 0)
        return true;
    if (strncasecmp(url, "http://", 7) != 0 || !read_host(url, host))
        return false;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (strcasecmp(hosts[i], host) == 0)
            return true;
    return is_loopback(host);
}

static int build_url(const struct aws *a, struct buf *out, struct err *err)
{
    const char *relative = aws_env(a, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = aws_env(a, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (relative[0]) {
        if (relative[0] != '/')
            return err_set(err, ERR_AWS_CREDENTIALS, 0,
                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with '/'");
        buf_adds(out, RELATIVE_BASE);
        buf_adds(out, relative);
    } else {
        if (!may_ask(full)) {
            (void)err_set(err, ERR_AWS_CREDENTIALS, 0, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not https and not local");
            err_hint(err, "Give an https address, or http to a loopback address, 169.254.170.2, 169.254.170.23 or "
                          "[fd00:ec2::23].");
            return -ERR_AWS_CREDENTIALS;
        }
        buf_adds(out, full);
    }
    return buf_check(out, err);
}

/* ---- the token in the request ---- */

/* "Authorization: …", or nothing. The file is read each time: its content is replaced while the container lives. */
static int build_header(const struct aws *a, struct buf *out, struct err *err)
{
    const char *path = aws_env(a, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    _cleanup_(buf_wipe_done_p) struct buf token = BUF_INIT(TOKEN_MAX);
    int r = path[0] ? aws_link_read_file(path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token, err) : 0;
    if (r < 0)
        return r;
    if (!path[0])
        buf_adds(&token, aws_env(a, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    if (token.len == 0)
        return buf_check(&token, err);
    if (strlen(token.ptr) != token.len || strpbrk(token.ptr, "\r\n"))
        return err_set(err, ERR_AWS_CREDENTIALS, 0, "AWS_CONTAINER_AUTHORIZATION_TOKEN%s holds a line break or a NUL",
                       path[0] ? "_FILE" : "");
    r = aws_learn(a, buf_span(&token), err);
    buf_addf(out, "Authorization: %s", token.ptr);
    return r < 0 ? r : buf_check(out, err);
}

/* ---- the request ---- */

static int fail_status(const struct http_response *answer, struct err *err)
{
    _cleanup_(json_free_p) struct json *j = NULL;
    if (json_parse(buf_span(&answer->body), &j, NULL) < 0)
        j = NULL;
    return err_set(err, ERR_AWS_CREDENTIALS, answer->status,
                   "the container's credentials: HTTP status %d%s%.60s %.140s", answer->status, j ? ", " : "",
                   json_str(j, "code", ""), json_str(j, "message", ""));
}

/* 0; 1: another attempt may help, err is set; -kind. */
static int ask_once(struct aws *a, const struct http_request *request, struct aws_credentials *ret, struct err *err)
{
    struct http_response answer;
    int r = http_perform(a->http, request, &answer, err);
    bool again = r < 0 && r != -ERR_CANCEL && r != -ERR_NOMEM && r != -ERR_INPUT;
    if (r == 0 && answer.status != 200) {
        r = fail_status(&answer, err);
        again = answer.status >= 500 || answer.status == 429;
    } else if (r == 0) {
        r = aws_link_take_json(buf_span(&answer.body), "the container's role", ret, err);
    }
    http_response_done(&answer);
    return again ? 1 : r;
}

static int ask(struct aws *a, const char *url, const char *header, struct aws_credentials *ret, struct err *err)
{
    const char *const headers[] = { "Accept: application/json", header[0] ? header : NULL, NULL };
    const struct http_request request = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .connect_timeout_ms = ATTEMPT_MS,
        .timeout_ms = ATTEMPT_MS,
        .max_body = AWS_ANSWER_MAX,
    };
    struct err why = { 0 };
    int r = 1;
    for (unsigned i = 0; r == 1 && i < ATTEMPTS; i++) {
        if (i > 0)
            clock_sleep_ms(PAUSE_MS << (i - 1));
        r = ask_once(a, &request, ret, &why);
    }
    if (r != 0 && err)
        *err = why;
    return r == 0 ? 0 : -(int)why.kind;
}

static int get(void *ctx, struct aws *a, struct aws_credentials *ret, char *why, size_t why_size, struct err *err)
{
    _cleanup_(buf_done_p) struct buf url = BUF_INIT(URL_MAX);
    _cleanup_(buf_wipe_done_p) struct buf header = BUF_INIT(TOKEN_MAX + 32);
    (void)ctx;
    if (!aws_link_has(a, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") &&
        !aws_link_has(a, "AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
        (void)snprintf(why, why_size, "AWS_CONTAINER_CREDENTIALS_… is not set");
        return 1;
    }
    int r = build_url(a, &url, err);
    if (r == 0)
        r = build_header(a, &header, err);
    return r < 0 ? r : ask(a, buf_str(&url), buf_str(&header), ret, err);
}

struct aws_link aws_link_container(void)
{
    return (struct aws_link){ .name = "container", .get = get };
}
