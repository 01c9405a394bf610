#include "cmd/verify.h"

#include "shared/clock.h"
#include "shared/http.h"
#include "shared/spec.h"

#include <inttypes.h>
#include <poll.h>

#define SLACK_MS 2000      /* beyond max_ms, so that the reason can say how long a slow answer took */
#define QUOTED_MAX 80      /* bytes of a body that are quoted */
#define LOOKED_AT_MAX 8192 /* of a body that is quoted */
#define SHOWN_URL_MAX 160

/* What is kept of the body. */
struct page {
    struct buf body;
    bool cut; /* it was longer than VERIFY_BODY_MAX */
};

static int collect(void *ctx, struct span data)
{
    struct page *page = ctx;
    size_t room = VERIFY_BODY_MAX - page->body.len;
    page->cut = data.len > room;
    if (page->cut)
        data.len = room;
    buf_add_span(&page->body, data);
    return page->cut ? 1 : 0;
}

/* The URL without its query, which may hold a token. */
static const char *shown_url(const char *url, char out[SHOWN_URL_MAX])
{
    (void)snprintf(out, SHOWN_URL_MAX, "%.*s", (int)strcspn(url, "?"), url); /* cut when long */
    return out;
}

/* Redacted before it is cut and made plain: what is left of a secret then would not be known as one. */
static void add_quoted(const struct verify_options *o, struct buf *out, struct span text)
{
    _cleanup_(buf_done) struct buf clean = BUF_INIT(2 * LOOKED_AT_MAX);
    if (text.len > LOOKED_AT_MAX)
        redactor_apply_cut(o->redactor, (struct span){ .ptr = text.ptr, .len = LOOKED_AT_MAX }, &clean);
    else
        redactor_apply(o->redactor, text, &clean);
    size_t len = clean.len < QUOTED_MAX ? clean.len : QUOTED_MAX;
    for (size_t i = 0; i < len; i++)
        buf_addc(out, clean.ptr[i] >= ' ' && clean.ptr[i] < 0x7f ? clean.ptr[i] : ' ');
    if (len < clean.len)
        buf_adds(out, "...");
}

/* The reason why this answer is not good; "" when it is. */
static void judge(const struct verify_options *o, const struct http_response *response, struct span body, bool cut,
                  struct buf *reason)
{
    if (!spec_status_matches(o->status, response->status)) {
        buf_addf(reason, "HTTP status %d, wanted %.60s", response->status, o->status);
        if (response->status >= 300 && response->status < 400)
            buf_adds(reason, "; redirects are not followed, so give the final URL");
    } else if (o->body[0] && !span_contains(body, o->body)) {
        buf_adds(reason, cut ? "the first MiB of the answer does not hold '" : "the answer does not hold '");
        add_quoted(o, reason, span_of(o->body));
        buf_adds(reason, "'; it begins '");
        add_quoted(o, reason, body);
        buf_adds(reason, "'");
    } else if (o->max_ms > 0 && response->took_ms > o->max_ms) {
        buf_addf(reason, "the answer took %" PRId64 " ms, at most %" PRId64 " ms are wanted", response->took_ms,
                 o->max_ms);
    }
}

/* One attempt on a connection of its own, so that its time is that of a new visitor. 0, -ERR_CANCEL or -ERR_NOMEM. */
static int attempt(const struct verify_options *o, struct verify_result *ret, struct err *err)
{
    _cleanup_(http_free_p) struct http *http = NULL;
    _cleanup_(buf_done) struct buf reason = BUF_INIT(VERIFY_REASON_MAX * 2);
    if (http_new(&http, o->cancel, err) < 0)
        return err_wrap(err, "verify-url");
    struct page page = { .body = BUF_INIT(VERIFY_BODY_MAX) };
    const char *headers[] = { "User-Agent: bluegreen-action", "Cache-Control: no-cache", NULL };
    struct http_request request = {
        .method = "GET",
        .url = o->url,
        .headers = headers,
        .timeout_ms = o->max_ms > 0 ? o->max_ms + SLACK_MS : VERIFY_TIMEOUT_MS,
        .max_body = VERIFY_BODY_MAX,
        .on_data = collect,
        .ctx = &page,
    };
    struct http_response response;
    struct err failure = { 0 };
    char text[VERIFY_REASON_MAX];
    int64_t start = clock_mono_ms();
    int r = http_perform(http, &request, &response, &failure);
    ret->status = response.status;
    ret->ms = r == 0 ? response.took_ms : clock_mono_ms() - start;
    if (r < 0)
        buf_adds(&reason, err_text(&failure, text, sizeof(text)));
    else /* answers other than 2xx come in the response itself */
        judge(o, &response, page.body.len > 0 ? buf_span(&page.body) : buf_span(&response.body), page.cut, &reason);
    (void)snprintf(ret->reason, sizeof(ret->reason), "%s", buf_str(&reason));
    ret->ok = r == 0 && reason.len == 0;
    http_response_done(&response);
    buf_done(&page.body);
    if (r == -ERR_CANCEL || r == -ERR_NOMEM)
        return err_set(err, (enum err_kind) - r, 0, "verify-url: %s", ret->reason);
    return 0;
}

static bool is_cancelled(const struct verify_options *o)
{
    return o->cancel && *o->cancel != 0;
}

/* false when the pause was cut short by a cancel. */
static bool pause_between(const struct verify_options *o)
{
    int64_t deadline = clock_mono_ms() + (o->interval_ms > 0 ? o->interval_ms : VERIFY_INTERVAL_MS);
    struct pollfd p = { .fd = o->cancel_fd, .events = POLLIN }; /* poll() skips a negative fd */
    int left;
    while (!is_cancelled(o) && (left = clock_left_ms(deadline)) > 0)
        if (poll(&p, 1, left) > 0)
            return false;
    return !is_cancelled(o);
}

int verify_run(const struct verify_options *o, struct verify_result *ret, struct err *err)
{
    unsigned attempts = o->attempts > 0 ? o->attempts : VERIFY_ATTEMPTS;
    char url[SHOWN_URL_MAX];
    *ret = (struct verify_result){ 0 };
    for (;;) {
        if (is_cancelled(o))
            return err_set(err, ERR_CANCEL, 0, "cancelled while verify-url was checked");
        ret->attempts++;
        int r = attempt(o, ret, err);
        if (r < 0)
            return r;
        if (ret->ok)
            return 0;
        if (ret->attempts >= attempts)
            break;
        if (!pause_between(o))
            return err_set(err, ERR_CANCEL, 0, "cancelled while verify-url was checked");
    }
    return err_set(err, ERR_VERIFY, ret->status, "verify-url %s: %s (attempt %u of %u)", shown_url(o->url, url),
                   ret->reason, ret->attempts, attempts);
}
