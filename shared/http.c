#include "shared/http.h"

#include "shared/clock.h"
#include "shared/secret.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONNECT_TIMEOUT_MS 10000
#define BODY_MAX_DEFAULT (1024 * 1024)
#define HEADERS_MAX (64 * 1024) /* all header bytes of one exchange, redirects included */
#define POLL_MS 50              /* longest time between two looks at the cancel flag */
#define TARGET_SIZE 256
#define RETRY_AFTER_MAX_S (24 * 3600)
#define AWS_SCOPE_SIZE 160

struct http {
    CURL *easy;
    CURLM *multi; /* owns the connections that are kept */
    const volatile sig_atomic_t *cancel;
    const char *ca_file; /* NULL: what libcurl was built with */
    char errbuf[CURL_ERROR_SIZE];
};

/* One exchange. */
struct exchange {
    struct http *http;
    const struct http_request *request;
    struct http_response *response;
    struct err *err;
    struct curl_slist *headers;
    char scope[AWS_SCOPE_SIZE]; /* "aws:amz:REGION:SERVICE" */
    char target[TARGET_SIZE];   /* "GET https://host/path", for messages */
    int64_t deadline_ms;        /* monotonic, as the next */
    int64_t last_byte_ms;       /* either way */
    curl_off_t bytes_moved;
    size_t header_bytes;
    bool ended_early; /* on_data has seen enough */
    int failed;       /* -kind that a callback or the loop decided; err is set */
};

int http_global_init(struct err *err)
{
    CURLcode c = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (c != CURLE_OK)
        return err_set(err, ERR_BUG, (int)c, "libcurl does not start: %s", curl_easy_strerror(c));
    return 0;
}

/* A bundle of certificates that can be read; a static libcurl knows no good default. */
static const char *find_ca_file(void)
{
    const char *const places[] = {
        getenv("SSL_CERT_FILE"),
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i] && *places[i] && access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

int http_new(struct http **ret, const volatile sig_atomic_t *cancel, struct err *err)
{
    _cleanup_(http_free_p) struct http *h = calloc(1, sizeof(*h));
    if (!h)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    h->easy = curl_easy_init();
    h->multi = curl_multi_init();
    if (!h->easy || !h->multi)
        return err_set(err, ERR_NOMEM, 0, "out of memory for an HTTP client");
    h->cancel = cancel;
    h->ca_file = find_ca_file();
    *ret = TAKE_PTR(h);
    return 0;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->easy); /* NULL is fine for both */
    curl_multi_cleanup(h->multi);
    free(h);
}

void http_free_p(struct http **h)
{
    http_free(*h);
    *h = NULL;
}

void http_response_done(struct http_response *r)
{
    buf_wipe_done(&r->body); /* may be a token */
}

void http_escape(struct span text, struct buf *out)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~';
        const char coded[3] = { '%', hex[c >> 4], hex[c & 15] };
        if (plain)
            buf_addc(out, (char)c);
        else
            buf_add(out, coded, sizeof(coded));
    }
}

/* "GET http://host/path" without user, query and fragment: what may stand in a message. */
static void describe(const struct http_request *q, char out[TARGET_SIZE])
{
    size_t scheme = strcspn(q->url, ":");
    const char *rest = q->url + scheme;
    if (strncmp(rest, "://", 3) == 0)
        rest += 3;
    else
        scheme = 0;
    size_t len = strcspn(rest, "?#");
    size_t authority = strcspn(rest, "/?#");
    for (size_t i = authority; i-- > 0;) {
        if (rest[i] != '@')
            continue;
        rest += i + 1;
        len -= i + 1;
        break;
    }
    int shown = (int)(len > 160 ? 160 : len);
    if (q->label)
        (void)snprintf(out, TARGET_SIZE, "%s", q->label);
    else if (q->unix_socket)
        (void)snprintf(out, TARGET_SIZE, "%.10s %.*s at %.60s", q->method, shown - (int)strcspn(rest, "/"),
                       rest + strcspn(rest, "/"), q->unix_socket);
    else
        (void)snprintf(out, TARGET_SIZE, "%.10s %.*s%s%.*s", q->method, (int)scheme, q->url, scheme ? "://" : "", shown,
                       rest);
}

static bool has_break(const char *s)
{
    return strpbrk(s, "\r\n") != NULL;
}

/* A part of the signature's scope, which libcurl takes with colons between the parts. */
static bool is_scope_part(const char *s)
{
    size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    return len > 0 && s[len] == '\0' && len < 64;
}

static int check_sigv4(const struct exchange *x, const struct http_sigv4 *v4)
{
    if (!is_scope_part(v4->region) || !is_scope_part(v4->service))
        return err_set(x->err, ERR_INPUT, 0, "%s: cannot be signed for service '%.60s' in region '%.60s'", x->target,
                       v4->service, v4->region);
    /* libcurl would sign with an empty key, and the key id is a part of a header. */
    if (!*v4->key_id || !*v4->secret || strpbrk(v4->key_id, " ,/=\r\n") || (v4->token && has_break(v4->token)))
        return err_set(x->err, ERR_INPUT, 0, "%s: the AWS credentials are not of the form that keys and tokens have",
                       x->target);
    return 0;
}

static int check_request(const struct exchange *x)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH" };
    const struct http_request *q = x->request;
    bool known = false;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        known = known || strcmp(methods[i], q->method) == 0;
    if (!known)
        return err_set(x->err, ERR_INPUT, 0, "'%.20s' is not an HTTP method we send", q->method);
    if (strncasecmp(q->url, "http://", 7) != 0 && strncasecmp(q->url, "https://", 8) != 0) {
        (void)err_set(x->err, ERR_INPUT, 0, "not an http or https address");
        err_hint(x->err, "Begin the address with http:// or https://.");
        return -ERR_INPUT;
    }
    for (const char *c = q->url; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127)
            return err_set(x->err, ERR_INPUT, 0, "blank or control character in the address of %s", x->target);
    for (const char *const *h = q->headers; h && *h; h++)
        if (has_break(*h))
            return err_set(x->err, ERR_INPUT, 0, "header '%.*s' holds a line break", (int)strcspn(*h, ":\r\n") % 60,
                           *h);
    if (q->content_type && has_break(q->content_type))
        return err_set(x->err, ERR_INPUT, 0, "the content type holds a line break");
    return q->sigv4 ? check_sigv4(x, q->sigv4) : 0;
}

static bool is_local_ipv4(uint32_t ip)
{
    return ip >> 24 == 127 || ip >> 24 == 10 || ip >> 20 == (172 << 4 | 1) || ip >> 16 == (192 << 8 | 168) ||
           ip >> 16 == (169 << 8 | 254);
}

static bool is_local_ipv6(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_LOOPBACK(ip) || IN6_IS_ADDR_LINKLOCAL(ip) || (ip->s6_addr[0] & 0xfe) == 0xfc;
}

/* The host of the URL is this machine or an address of a private network, written as such. */
static bool is_local_url(const char *url)
{
    const char *host = strstr(url, "://");
    if (!host)
        return false;
    host += 3;
    size_t len = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', len);
    if (at) {
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    char name[64];
    if (len > 0 && *host == '[') {
        host++;
        len = strcspn(host, "]");
    } else {
        len = strcspn(host, ":/?#");
    }
    if (len >= sizeof(name))
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, name, &v4) == 1)
        return is_local_ipv4(ntohl(v4.s_addr));
    if (inet_pton(AF_INET6, name, &v6) == 1)
        return is_local_ipv6(&v6);
    return strcasecmp(name, "localhost") == 0;
}

static bool is_cancelled(const struct http *h)
{
    return h->cancel && *h->cancel;
}

/* `line` begins with `name` and a colon: copy the trimmed value, cut to fit. */
static void take_header(struct span line, const char *name, char *out, size_t out_size)
{
    size_t n = strlen(name);
    if (line.len <= n || strncasecmp(line.ptr, name, n) != 0 || line.ptr[n] != ':')
        return;
    struct span v = span_trim((struct span){ .ptr = line.ptr + n + 1, .len = line.len - n - 1 });
    if (v.len >= out_size)
        v.len = out_size - 1;
    for (size_t i = 0; i < v.len; i++)
        out[i] = isprint((unsigned char)v.ptr[i]) ? v.ptr[i] : '?';
    out[v.len] = '\0';
}

/* The form with seconds only: a date would need the peer's clock. */
static void take_retry_after(struct span line, struct http_response *r)
{
    char value[16] = "";
    int64_t seconds = 0;
    take_header(line, "Retry-After", value, sizeof(value));
    if (span_to_int(span_of(value), 0, RETRY_AFTER_MAX_S, &seconds))
        r->retry_after_ms = seconds * 1000;
}

static void take_date(struct span line, struct http_response *r)
{
    char value[64] = "";
    take_header(line, "Date", value, sizeof(value));
    time_t seconds = *value ? curl_getdate(value, NULL) : -1;
    if (seconds > 0)
        r->date_wall_ms = (int64_t)seconds * 1000;
}

static size_t on_header(char *ptr, size_t size, size_t count, void *ctx)
{
    struct exchange *x = ctx;
    struct span line = { .ptr = ptr, .len = size * count };
    x->last_byte_ms = clock_mono_ms();
    x->header_bytes += line.len;
    if (x->header_bytes > HEADERS_MAX) {
        x->failed = err_set(x->err, ERR_PROTO, 0, "%s: more than %d bytes of headers", x->target, HEADERS_MAX);
        return 0;
    }
    if (span_starts(line, "HTTP/")) { /* a redirect's headers do not count */
        x->response->content_type[0] = '\0';
        x->response->api_version[0] = '\0';
        x->response->error_type[0] = '\0';
        x->response->retry_after_ms = 0;
        x->response->date_wall_ms = 0;
    }
    struct http_response *r = x->response;
    take_header(line, "Content-Type", r->content_type, sizeof(r->content_type));
    take_header(line, "Api-Version", r->api_version, sizeof(r->api_version));
    take_header(line, "x-amzn-ErrorType", r->error_type, sizeof(r->error_type));
    take_retry_after(line, r);
    take_date(line, r);
    return line.len;
}

static int current_status(const struct http *h)
{
    long status = 0;
    (void)curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status); /* stays 0 on failure */
    return (int)status;
}

static size_t hand_over(struct exchange *x, struct span data)
{
    int r = x->request->on_data(x->request->ctx, data);
    x->last_byte_ms = clock_mono_ms(); /* the callee's own time is not the peer's silence */
    if (r == 0)
        return data.len;
    if (r > 0) {
        x->ended_early = true;
        return 0;
    }
    x->failed = r;
    if (x->err && x->err->kind != (enum err_kind) - r)
        (void)err_set(x->err, (enum err_kind) - r, 0, "%s: the answer could not be used", x->target);
    return 0;
}

static size_t on_body(char *ptr, size_t size, size_t count, void *ctx)
{
    struct exchange *x = ctx;
    struct span data = { .ptr = ptr, .len = size * count };
    struct buf *body = &x->response->body;
    x->last_byte_ms = clock_mono_ms();
    if (data.len == 0)
        return 0;
    int status = current_status(x->http);
    if (x->request->on_data && status >= 200 && status < 300)
        return hand_over(x, data);
    size_t room = body->max - body->len;
    if (data.len > room && !x->request->on_data) {
        x->failed = err_set(x->err, ERR_PROTO, 0, "%s: the answer is longer than %zu bytes", x->target, body->max);
        return 0;
    }
    buf_add(body, data.ptr, data.len > room ? room : data.len);
    if (buf_check(body, x->err) < 0) {
        x->failed = err_wrap(x->err, "%s", x->target);
        return 0;
    }
    return data.len;
}

static int on_progress(void *ctx, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
    struct exchange *x = ctx;
    (void)dltotal;
    (void)ultotal;
    if (dlnow + ulnow != x->bytes_moved) {
        x->bytes_moved = dlnow + ulnow;
        x->last_byte_ms = clock_mono_ms();
    }
    return is_cancelled(x->http) ? 1 : 0;
}

static bool add_header(struct exchange *x, const char *line)
{
    struct curl_slist *grown = curl_slist_append(x->headers, line);
    if (grown)
        x->headers = grown;
    return grown != NULL;
}

/* Only when there is one: libcurl before 8.3 signs an empty header and does not send it. */
static bool add_token(struct exchange *x, const struct http_sigv4 *v4)
{
    if (!v4->token || !*v4->token)
        return true;
    _cleanup_(buf_wipe_done_p) struct buf line = BUF_INIT(HEADERS_MAX);
    buf_addf(&line, "X-Amz-Security-Token: %s", v4->token);
    return !line.failed && add_header(x, buf_str(&line));
}

static int build_headers(struct exchange *x)
{
    const struct http_request *q = x->request;
    char type[200];
    if (q->body.len == 0)
        (void)snprintf(type, sizeof(type), "Content-Type:"); /* libcurl would claim a form */
    else
        (void)snprintf(type, sizeof(type), "Content-Type: %s", q->content_type ? q->content_type : "application/json");
    /* libcurl before 8.3 names what is removed among the signed headers. It asks for 100-continue beyond 1 MiB only. */
    bool ok = (q->sigv4 || add_header(x, "Expect:")) && add_header(x, type);
    for (const char *const *h = q->headers; ok && h && *h; h++)
        ok = add_header(x, *h);
    if (ok && q->sigv4)
        ok = add_token(x, q->sigv4);
    if (!ok)
        return err_set(x->err, ERR_NOMEM, 0, "out of memory for the headers of %s", x->target);
    return 0;
}

/* Remember the first option that libcurl refused. */
#define SET(option, value)                                                                                             \
    do {                                                                                                               \
        CURLcode c_ = curl_easy_setopt(easy, (option), (value));                                                       \
        if (bad == CURLE_OK)                                                                                           \
            bad = c_;                                                                                                  \
    } while (0)

static CURLcode set_method(CURL *easy, const struct http_request *q)
{
    CURLcode bad = CURLE_OK;
    bool sends_body = q->body.len > 0 || strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0 ||
                      strcmp(q->method, "PATCH") == 0;
    if (sends_body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, q->body.len ? q->body.ptr : "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
    }
    if (strcmp(q->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    else if (strcmp(q->method, sends_body ? "POST" : "GET") != 0)
        SET(CURLOPT_CUSTOMREQUEST, q->method);
    return bad;
}

static CURLcode set_limits(CURL *easy, struct exchange *x)
{
    CURLcode bad = CURLE_OK;
    int64_t connect_ms = x->request->connect_timeout_ms;
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms > 0 ? connect_ms : CONNECT_TIMEOUT_MS));
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* after a timeout a thread that resolves a name is left behind, not waited for */
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, x->request->follow_redirects && !x->request->sigv4 ? 1L : 0L);
    SET(CURLOPT_MAXREDIRS, 5L);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, x);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, x);
    return bad;
}

static CURLcode set_peer(CURL *easy, const struct exchange *x)
{
    CURLcode bad = CURLE_OK;
    SET(CURLOPT_URL, x->request->url);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FRESH_CONNECT, x->request->once ? 1L : 0L);
    SET(CURLOPT_FORBID_REUSE, x->request->once ? 1L : 0L);
    SET(CURLOPT_USERAGENT, "bluegreen-action");
    SET(CURLOPT_HTTPHEADER, x->headers);
    if (x->request->unix_socket)
        SET(CURLOPT_UNIX_SOCKET_PATH, x->request->unix_socket);
    if (x->request->direct || x->request->unix_socket || is_local_url(x->request->url))
        SET(CURLOPT_PROXY, "");
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_SSL))
        return bad;
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (x->http->ca_file)
        SET(CURLOPT_CAINFO, x->http->ca_file);
    return bad;
}

static CURLcode set_signature(CURL *easy, struct exchange *x)
{
    CURLcode bad = CURLE_OK;
    const struct http_sigv4 *v4 = x->request->sigv4;
    if (!v4)
        return bad;
    (void)snprintf(x->scope, sizeof(x->scope), "aws:amz:%s:%s", v4->region, v4->service); /* it fits: check_sigv4() */
    SET(CURLOPT_AWS_SIGV4, x->scope);
    SET(CURLOPT_USERNAME, v4->key_id);
    SET(CURLOPT_PASSWORD, v4->secret);
    return bad;
}

static int set_up(struct exchange *x)
{
    CURL *easy = x->http->easy;
    curl_easy_reset(easy); /* options only: connections stay with the multi handle */
    CURLcode bad = CURLE_OK;
    x->http->errbuf[0] = '\0';
    SET(CURLOPT_ERRORBUFFER, x->http->errbuf);
    if (bad == CURLE_OK)
        bad = set_method(easy, x->request);
    if (bad == CURLE_OK)
        bad = set_limits(easy, x);
    if (bad == CURLE_OK)
        bad = set_peer(easy, x);
    if (bad == CURLE_OK)
        bad = set_signature(easy, x);
    if (bad != CURLE_OK)
        return err_set(x->err, bad == CURLE_OUT_OF_MEMORY ? ERR_NOMEM : ERR_BUG, (int)bad,
                       "%s: libcurl refused an option: %s", x->target, curl_easy_strerror(bad));
    return 0;
}

static int64_t idle_deadline(const struct exchange *x)
{
    int64_t idle = x->request->idle_timeout_ms;
    return idle > 0 ? x->last_byte_ms + idle : CLOCK_NEVER;
}

static int fail_cancelled(struct exchange *x)
{
    return err_set(x->err, ERR_CANCEL, 0, "%s: cancelled", x->target);
}

/* 0 to go on, or why the exchange must end now. */
static int check_deadlines(struct exchange *x)
{
    int64_t now = clock_mono_ms();
    if (is_cancelled(x->http))
        return fail_cancelled(x);
    if (now >= x->deadline_ms)
        return err_set(x->err, ERR_TIMEOUT, 0, "%s: not done after %lld ms", x->target,
                       (long long)x->request->timeout_ms);
    if (now >= idle_deadline(x))
        return err_set(x->err, ERR_TIMEOUT, 0, "%s: nothing arrived for %lld ms", x->target,
                       (long long)x->request->idle_timeout_ms);
    return 0;
}

static int next_wait_ms(const struct exchange *x)
{
    int total = clock_left_ms(x->deadline_ms);
    int idle = clock_left_ms(idle_deadline(x));
    int left = total < idle ? total : idle;
    return left < POLL_MS ? left : POLL_MS;
}

/* Drive the transfer to its end. 0 with *result, or -kind when we ended it. */
static int drive(struct exchange *x, CURLcode *result)
{
    CURLM *multi = x->http->multi;
    for (;;) {
        int running = 0;
        CURLMcode m = curl_multi_perform(multi, &running);
        if (m == CURLM_OK && running == 0)
            break;
        int r = check_deadlines(x);
        if (r < 0)
            return r;
        if (m == CURLM_OK)
            m = curl_multi_poll(multi, NULL, 0, next_wait_ms(x), NULL);
        if (m != CURLM_OK)
            return err_set(x->err, m == CURLM_OUT_OF_MEMORY ? ERR_NOMEM : ERR_BUG, (int)m, "%s: %s", x->target,
                           curl_multi_strerror(m));
    }
    int queued = 0;
    CURLMsg *msg = curl_multi_info_read(multi, &queued);
    if (!msg || msg->msg != CURLMSG_DONE)
        return err_set(x->err, ERR_BUG, 0, "%s: libcurl ended without a result", x->target);
    *result = msg->data.result;
    return 0;
}

/*
 * errno of connecting to a Unix socket, 0 when it works now. What libcurl reports in CURLINFO_OS_ERRNO differs between
 * its versions.
 */
static int probe_unix_socket(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    if (len >= sizeof(addr.sun_path))
        return ENAMETOOLONG;
    memcpy(addr.sun_path, path, len);
    _cleanup_(close_p) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    return connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 ? 0 : errno;
}

static int fail_unreachable(struct exchange *x, const char *words)
{
    long os_errno = 0;
    (void)curl_easy_getinfo(x->http->easy, CURLINFO_OS_ERRNO, &os_errno); /* stays 0 on failure */
    int code = (int)os_errno;
    if (x->request->unix_socket) {
        int probed = probe_unix_socket(x->request->unix_socket);
        code = probed ? probed : code;
    }
    if (code == EINPROGRESS)
        code = 0;
    if (x->request->unix_socket && code)
        return err_set(x->err, ERR_UNREACHABLE, code, "connect to %s: %s", x->request->unix_socket, strerror(code));
    return err_set(x->err, ERR_UNREACHABLE, code, "%s: %s", x->target, words);
}

static enum err_kind kind_of(CURLcode c)
{
    switch ((int)c) { /* int: later versions add values */
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return ERR_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_URL_MALFORMAT:
        return ERR_INPUT;
    case CURLE_UNSUPPORTED_PROTOCOL: /* the scheme of the URL was checked: an answer or a redirect */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case 100: /* CURLE_TOO_LARGE, which came with 8.6 */
        return ERR_PROTO;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NOMEM;
    default:
        return ERR_NET;
    }
}

/* libcurl's own words, except where they quote a proxy's address, which may hold a password. */
static const char *words_for(const struct exchange *x, CURLcode c)
{
    const char *words = x->http->errbuf;
    if (strncasecmp(words, "Unsupported proxy", 17) == 0)
        return "the address of the proxy (http_proxy, https_proxy, all_proxy) cannot be used";
    return *words ? words : curl_easy_strerror(c);
}

static int fail_with(struct exchange *x, CURLcode c)
{
    const char *words = words_for(x, c);
    if (c == CURLE_ABORTED_BY_CALLBACK && is_cancelled(x->http))
        return fail_cancelled(x);
    enum err_kind kind = kind_of(c);
    if (kind == ERR_UNREACHABLE)
        return fail_unreachable(x, words);
    int r = err_set(x->err, kind, (int)c, "%s: %s", x->target, words);
    if (c == CURLE_PEER_FAILED_VERIFICATION)
        err_hint(x->err, "The server's certificate is not trusted, has expired or is for another name. "
                         "Install the issuing CA where the program runs, or set SSL_CERT_FILE to it.");
    else if (c == CURLE_SSL_CACERT_BADFILE)
        err_hint(x->err, "Install the ca-certificates package where the program runs, or set "
                         "SSL_CERT_FILE to a file of trusted certificates.");
    return r;
}

static int run(struct exchange *x)
{
    struct http *h = x->http;
    int r = build_headers(x);
    if (r == 0)
        r = set_up(x);
    if (r < 0)
        return r;
    CURLMcode m = curl_multi_add_handle(h->multi, h->easy);
    if (m != CURLM_OK)
        return err_set(x->err, ERR_BUG, (int)m, "%s: %s", x->target, curl_multi_strerror(m));
    CURLcode result = CURLE_OK;
    r = drive(x, &result);
    x->response->status = current_status(h);
    if (r == 0 && result != CURLE_OK && !x->ended_early)
        r = x->failed < 0 ? x->failed : fail_with(x, result);
    (void)curl_multi_remove_handle(h->multi, h->easy); /* it was added: cannot fail */
    if (x->request->sigv4)
        curl_easy_reset(h->easy); /* the keys are not kept for what comes next */
    return r;
}

int http_perform(struct http *h, const struct http_request *request, struct http_response *response, struct err *err)
{
    *response = (struct http_response){ 0 };
    buf_init(&response->body, request->max_body ? request->max_body : BODY_MAX_DEFAULT);
    int64_t now = clock_mono_ms();
    struct exchange x = {
        .http = h,
        .request = request,
        .response = response,
        .err = err,
        .last_byte_ms = now,
        .deadline_ms = request->timeout_ms > 0 ? now + request->timeout_ms : CLOCK_NEVER,
    };
    describe(request, x.target);
    int r = check_request(&x);
    if (r == 0 && is_cancelled(h))
        r = fail_cancelled(&x);
    if (r == 0)
        r = run(&x);
    for (struct curl_slist *s = x.headers; s; s = s->next)
        secret_wipe(s->data, strlen(s->data)); /* credentials */
    curl_slist_free_all(x.headers);
    response->took_ms = clock_mono_ms() - now;
    return r;
}

/* ---- the certificate of a server ---- */

static CURLcode set_look(CURL *easy, const char *url, int64_t timeout_ms)
{
    CURLcode bad = CURLE_OK;
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET(CURLOPT_CONNECT_ONLY, 1L);
    SET(CURLOPT_CERTINFO, 1L);
    SET(CURLOPT_SSL_VERIFYPEER, 0L); /* nothing is sent to this server, and nothing believed */
    SET(CURLOPT_SSL_VERIFYHOST, 0L);
    return bad;
}

/* Of the server's own certificate, which is the first one of its chain. -1: none that can be read. */
static int64_t shown_end(CURL *easy)
{
    static const char name[] = "Expire date:";
    struct curl_certinfo *shown = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &shown) != CURLE_OK || !shown || shown->num_of_certs < 1)
        return -1;
    for (const struct curl_slist *s = shown->certinfo[0]; s; s = s->next)
        if (strncmp(s->data, name, sizeof(name) - 1) == 0)
            return clock_parse_certificate(s->data + sizeof(name) - 1);
    return -1;
}

int http_certificate_end(const char *address, int port, int64_t timeout_ms, int64_t *end_ms, struct err *err)
{
    _cleanup_(http_free_p) struct http *h = NULL;
    char url[96];
    (void)snprintf(url, sizeof(url), "https://%.60s:%d/", address, port);
    if (http_new(&h, NULL, err) < 0)
        return -(int)err->kind;
    CURLcode c = set_look(h->easy, url, timeout_ms);
    if (c == CURLE_OK)
        c = curl_easy_perform(h->easy);
    if (c != CURLE_OK)
        return err_set(err, kind_of(c), (int)c, "the certificate of %s: %s", url, curl_easy_strerror(c));
    int64_t end = shown_end(h->easy);
    if (end < 0)
        return err_set(err, ERR_PROTO, 0, "the certificate of %s has no date that can be read", url);
    *end_ms = end;
    return 0;
}
