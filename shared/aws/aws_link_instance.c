#include "shared/aws/aws_link_answer.h"
#include "shared/aws/aws_links.h"

#include "shared/clock.h"
#include "shared/http.h"
#include "shared/json.h"

#define TIMEOUT_MS 1000 /* AWS's own tools wait as long */
#define TIMEOUT_MAX_S 60
#define ATTEMPTS 2
#define PAUSE_MS 200
#define BASE_MAX 256
#define PATH_MAX_BYTES 256
#define TOKEN_MAX 1024
#define TOKEN_TTL "300" /* s; it is used at once */
#define ROLE_MAX 64     /* [botocore: iam roleNameType] */
#define ROLES_PATH "iam/security-credentials/"

/* Says why nothing comes of it. `text` NULL: nobody asks. */
struct reason {
    char *text;
    size_t size;
};

static int not_here(const struct reason *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int not_here(const struct reason *why, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (why->text && vsnprintf(why->text, why->size, fmt, ap) < 0)
        why->text[0] = '\0';
    va_end(ap);
    return 1;
}

/* ---- settings ---- */

/* "http://169.254.169.254", without a slash at its end. */
static void find_base(const struct aws *a, char out[BASE_MAX])
{
    const char *given = aws_env(a, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    bool ipv6 = strcasecmp(aws_env(a, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6") == 0;
    const char *usual = ipv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    (void)snprintf(out, BASE_MAX, "%s", given[0] ? given : usual);
    for (size_t len = strlen(out); len > 0 && out[len - 1] == '/'; len--)
        out[len - 1] = '\0';
}

static int64_t timeout_ms(const struct aws *a)
{
    int64_t seconds;
    const char *given = aws_env(a, "AWS_METADATA_SERVICE_TIMEOUT");
    return span_to_int(span_of(given), 1, TIMEOUT_MAX_S, &seconds) ? seconds * 1000 : TIMEOUT_MS;
}

/* ---- requests ---- */

struct imds {
    struct aws *aws;
    char base[BASE_MAX];
    int64_t timeout_ms;
    struct buf token_header; /* "X-aws-ec2-metadata-token: …" */
};

static void imds_done(struct imds *i)
{
    buf_wipe_done(&i->token_header);
}

/* One exchange, a second one after 429 and 5xx. 0 with an answer, whatever its status; -kind. */
static int exchange(const struct imds *i, const char *method, const char *path, const char *header,
                    struct http_response *answer, struct err *err)
{
    char url[BASE_MAX + PATH_MAX_BYTES];
    const char *const headers[] = { header, NULL };
    const struct http_request request = {
        .method = method,
        .url = url,
        .headers = headers,
        .connect_timeout_ms = i->timeout_ms,
        .timeout_ms = 2 * i->timeout_ms, /* so that a connection without an answer can be told from none */
        .max_body = AWS_ANSWER_MAX,
    };
    (void)snprintf(url, sizeof(url), "%s%s", i->base, path);
    int r = http_perform(i->aws->http, &request, answer, err);
    for (unsigned n = 1; n < ATTEMPTS && r == 0 && (answer->status == 429 || answer->status >= 500); n++) {
        http_response_done(answer);
        clock_sleep_ms(PAUSE_MS);
        r = http_perform(i->aws->http, &request, answer, err);
    }
    return r;
}

/* For messages: a password may stand before the host that somebody has set. */
static const char *shown_base(const struct imds *i)
{
    const char *at = strrchr(i->base, '@');
    return at ? at + 1 : i->base;
}

static bool is_fatal(int r)
{
    return r == -ERR_CANCEL || r == -ERR_NOMEM;
}

/*
 * Without an answer. The answer to the token's request travels as many hops as the instance's metadata options allow, by
 * default one, which ends before a container with a network of its own; the connection itself is not limited.
 */
static int tell_silence(const struct imds *i, const struct err *why, const struct reason *reason)
{
    bool connected = why->kind == ERR_TIMEOUT && why->code == 0; /* our own deadline, not libcurl's for connecting */
    if (connected)
        return not_here(reason,
                        "%.60s takes the connection and does not answer: in a container, set the instance's "
                        "HttpPutResponseHopLimit to 2",
                        shown_base(i));
    return not_here(reason, "nothing answers at %.60s", shown_base(i));
}

/* What another cloud has at the same address is no token either. */
static int read_token(struct imds *i, const struct http_response *answer, const struct reason *why, struct err *err)
{
    struct span token = span_trim(buf_span(&answer->body));
    bool plain = token.len > 0 && token.len <= TOKEN_MAX;
    for (size_t n = 0; plain && n < token.len; n++)
        plain = token.ptr[n] > ' ' && token.ptr[n] < 0x7f;
    if (!plain)
        return not_here(why, "%.60s is not AWS's", shown_base(i));
    int r = aws_learn(i->aws, token, err);
    buf_adds(&i->token_header, "X-aws-ec2-metadata-token: ");
    buf_add_span(&i->token_header, token);
    return r < 0 ? r : buf_check(&i->token_header, err);
}

static int fetch_token(struct imds *i, const struct reason *why, struct err *err)
{
    struct http_response answer;
    struct err silence = { 0 };
    int r =
        exchange(i, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: " TOKEN_TTL, &answer, &silence);
    if (is_fatal(r) && err)
        *err = silence;
    else if (r < 0 && !is_fatal(r))
        r = tell_silence(i, &silence, why);
    else if (r == 0 && answer.status == 200)
        r = read_token(i, &answer, why, err);
    else if (r == 0 && answer.status == 403)
        r = not_here(why, "%.60s refuses (HTTP 403): the metadata service is switched off", shown_base(i));
    else if (r == 0)
        r = not_here(why, "%.60s gives no token (HTTP %d): switched off, or not AWS's", shown_base(i), answer.status);
    http_response_done(&answer);
    return r;
}

/* Ready to ask: 0; 1: not here; -kind. *i is initialised in every case. */
static int imds_open(struct imds *i, struct aws *a, const struct reason *why, struct err *err)
{
    *i = (struct imds){ .aws = a, .timeout_ms = timeout_ms(a), .token_header = BUF_INIT(TOKEN_MAX + 64) };
    find_base(a, i->base);
    if (aws_env_true(a, "AWS_EC2_METADATA_DISABLED"))
        return not_here(why, "AWS_EC2_METADATA_DISABLED is set");
    return fetch_token(i, why, err);
}

/* 0: a 200; 1: not there; -kind. */
static int imds_get(const struct imds *i, const char *path, struct http_response *answer, struct err *err)
{
    char whole[PATH_MAX_BYTES];
    (void)snprintf(whole, sizeof(whole), "/latest/meta-data/%s", path);
    int r = exchange(i, "GET", whole, buf_str(&i->token_header), answer, err);
    if (r == -ERR_TIMEOUT || r == -ERR_NET || r == -ERR_UNREACHABLE) {
        err_clear(err); /* it gave a token and now gives nothing: as good as not there */
        return 1;
    }
    if (r < 0)
        return r;
    if (answer->status == 200)
        return 0;
    if (answer->status == 404)
        return 1;
    return err_set(err, ERR_AWS_CREDENTIALS, answer->status, "the instance's metadata %.80s: HTTP status %d", path,
                   answer->status);
}

/* ---- credentials ---- */

static bool is_role_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && (c == '\0' || !strchr("_+=,.@-", c)))
            return false;
    }
    return name.len > 0 && name.len <= ROLE_MAX;
}

static int find_role(const struct imds *i, char role[ROLE_MAX + 1], const struct reason *why, struct err *err)
{
    struct http_response answer;
    int r = imds_get(i, ROLES_PATH, &answer, err);
    struct span rest = span_trim(buf_span(&answer.body)), line = { 0 };
    bool any = span_next_line(&rest, &line);
    line = span_trim(line);
    if (r == 1 || (r == 0 && !any))
        r = not_here(why, "no role is attached to this instance");
    else if (r == 0 && !is_role_name(line))
        r = not_here(why, "%.60s is not AWS's", shown_base(i));
    if (r == 0)
        (void)snprintf(role, ROLE_MAX + 1, "%.*s", (int)line.len, line.ptr);
    http_response_done(&answer);
    return r;
}

/* A 200 may tell of a failure: the role is gone, or does not trust EC2. */
static int check_code(struct span text, const char *role, struct err *err)
{
    _cleanup_(json_free_p) struct json *j = NULL;
    if (json_parse(text, &j, NULL) < 0)
        return 0; /* told by whoever reads it */
    const char *code = json_str(j, "Code", "Success");
    if (strcmp(code, "Success") == 0)
        return 0;
    (void)err_set(err, ERR_AWS_CREDENTIALS, 0, "the instance gets no credentials of its role %s: %.60s %.140s", role,
                  code, json_str(j, "Message", ""));
    err_hint(
        err,
        "Attach the role anew: it was deleted, or its trust policy does not allow ec2.amazonaws.com to assume it.");
    return -ERR_AWS_CREDENTIALS;
}

static int fetch_credentials(const struct imds *i, const char *role, struct aws_credentials *ret,
                             const struct reason *why, struct err *err)
{
    struct http_response answer;
    char path[PATH_MAX_BYTES / 2], source[ROLE_MAX + 32];
    (void)snprintf(path, sizeof(path), ROLES_PATH "%s", role);
    (void)snprintf(source, sizeof(source), "the instance's role %s", role);
    int r = imds_get(i, path, &answer, err);
    struct span text = buf_span(&answer.body);
    if (r == 1)
        r = not_here(why, "the role %s has just been taken off this instance", role);
    else if (r == 0 && check_code(text, role, err) < 0)
        r = -ERR_AWS_CREDENTIALS;
    else if (r == 0 && aws_link_take_json(text, source, ret, err) < 0)
        r = err_wrap(err, "the instance's role %s", role);
    http_response_done(&answer);
    return r;
}

static int get(void *ctx, struct aws *a, struct aws_credentials *ret, char *why, size_t why_size, struct err *err)
{
    const struct reason reason = { .text = why, .size = why_size };
    char role[ROLE_MAX + 1];
    struct imds i;
    (void)ctx;
    int r = imds_open(&i, a, &reason, err);
    if (r == 0)
        r = find_role(&i, role, &reason, err);
    if (r == 0)
        r = fetch_credentials(&i, role, ret, &reason, err);
    imds_done(&i);
    return r;
}

struct aws_link aws_link_instance(void)
{
    return (struct aws_link){ .name = "instance role", .get = get };
}

int aws_instance_metadata(struct aws *a, const char *path, struct buf *out, struct err *err)
{
    const struct reason nobody = { 0 };
    struct http_response answer;
    struct imds i;
    int r = imds_open(&i, a, &nobody, err);
    if (r == 0) {
        r = imds_get(&i, path, &answer, err);
        if (r == 0)
            buf_add_span(out, buf_span(&answer.body));
        http_response_done(&answer);
    }
    imds_done(&i);
    return r == 0 ? buf_check(out, err) : r;
}
