#include "cmd/notify/notify.h"

#include "shared/clock.h"
#include "shared/http.h"

#include <poll.h>

#define CONNECT_MS 4000
#define PAUSE_MS 400 /* before the second attempt; doubled for the next */
#define ANSWER_MAX (16 * 1024)
#define WORD_MAX 60 /* of a receiver's own word for what is wrong, such as Slack's invalid_payload */

bool notify_due(enum notify_on on, const struct report *r, int exit_code)
{
    if (on == NOTIFY_NEVER)
        return false;
    return on == NOTIFY_ALWAYS || exit_code != 0 || r->outcome == OUTCOME_ROLLED_BACK;
}

/* In our words alone: libcurl's name the host, and http.c's the path. Hints of http.c are constants. */
static int fail_without_answer(const struct err *why, struct err *err)
{
    const char *words = "it could not be reached";

    if (why->kind == ERR_TIMEOUT)
        words = "it did not answer in time";
    else if (why->kind == ERR_INPUT)
        words = "the address cannot be used";
    else if (why->kind == ERR_PROTO)
        words = "what it answered is no HTTP";
    else if (why->kind == ERR_NOMEM)
        words = "out of memory";
    else if (why->kind == ERR_NET && why->hint[0])
        words = "its certificate is not trusted";
    else if (why->kind == ERR_NET)
        words = "the connection failed";
    err_set(err, why->kind, why->code, "the receiver at notify-url: %s", words);
    err_hint(err, "%s",
             why->kind == ERR_NET && why->hint[0]
                 ? why->hint
                 : "Check notify-url, and whether the runner may connect to it (proxy, firewall).");
    return -(int)why->kind;
}

/* The answer when it is one word of letters, for people; anything else stays unsaid. */
static void plain_word(struct span answer, char out[WORD_MAX + 4])
{
    out[0] = '\0';
    answer = span_trim(answer);
    if (!answer.len || answer.len > WORD_MAX)
        return;
    for (size_t i = 0; i < answer.len; i++)
        if (!((answer.ptr[i] >= 'a' && answer.ptr[i] <= 'z') || answer.ptr[i] == '_'))
            return;
    (void)snprintf(out, WORD_MAX + 4, " (%.*s)", (int)answer.len, answer.ptr);
}

static int fail_with_answer(const struct http_response *answer, struct err *err)
{
    char word[WORD_MAX + 4];

    plain_word(buf_span(&answer->body), word);
    err_set(err, ERR_NET, answer->status, "the receiver at notify-url answered with HTTP status %d%s", answer->status,
            word);
    if (answer->status >= 300 && answer->status < 400)
        err_hint(err, "Redirects are not followed: give the final address in notify-url.");
    else if (answer->status >= 500 || answer->status == 429)
        err_hint(err, "The receiver is overloaded or broken: ask those who run it.");
    else
        err_hint(err, "Check notify-url and notify-format (json, slack or teams): the receiver refuses what it gets.");
    return -ERR_NET;
}

struct attempt {
    bool again; /* another one may help */
    int64_t pause_ms;
};

static int attempt_once(struct http *h, const struct notify_target *t, int64_t left_ms, struct span body,
                        struct attempt *a, struct err *err)
{
    const struct http_request request = {
        .method = "POST",
        .url = t->url,
        .body = body,
        .content_type = "application/json; charset=utf-8",
        .connect_timeout_ms = left_ms < CONNECT_MS ? left_ms : CONNECT_MS,
        .timeout_ms = left_ms,
        .max_body = ANSWER_MAX,
        .once = true,
    };
    struct http_response answer;
    struct err why = { 0 };
    int r = http_perform(h, &request, &answer, &why);

    if (r < 0 && answer.status >= 200)
        r = 0; /* an answer whose end is missing or too far is one all the same: told again it would be told twice */
    if (r == 0 && answer.status >= 200 && answer.status < 300) {
        a->again = false;
    } else if (r < 0) {
        a->again = why.kind == ERR_UNREACHABLE || (why.kind == ERR_NET && !why.hint[0]);
        r = fail_without_answer(&why, err);
    } else {
        a->again = answer.status == 429 || answer.status >= 500;
        if (answer.retry_after_ms > a->pause_ms)
            a->pause_ms = answer.retry_after_ms;
        r = fail_with_answer(&answer, err);
    }
    http_response_done(&answer);
    return r;
}

/* false: there is no time for it, or the job was cancelled. */
static bool pause_before_next(const struct notify_target *t, int64_t pause_ms, int64_t deadline_ms)
{
    struct pollfd p = { .fd = t->cancel_fd, .events = POLLIN }; /* poll() skips a negative fd */
    int64_t until = clock_mono_ms() + pause_ms;
    int left = 0;

    if (until >= deadline_ms)
        return false;
    while ((left = clock_left_ms(until)) > 0)
        if (poll(&p, 1, left) > 0)
            return false;
    return true;
}

int notify_send(const struct notify_target *t, struct span body, struct err *err)
{
    _cleanup_(http_free_p) struct http *h = NULL;
    int64_t deadline = clock_mono_ms() + t->time_max_ms;
    int r = http_new(&h, NULL, err);

    if (r < 0)
        return err_wrap(err, "notify-url");
    for (unsigned i = 0; i < NOTIFY_ATTEMPTS; i++) {
        struct attempt a = { .pause_ms = (int64_t)PAUSE_MS << i };
        int left = clock_left_ms(deadline);
        r = attempt_once(h, t, left > 0 ? left : 1, body, &a, err);
        if (r == 0 || !a.again || i + 1 == NOTIFY_ATTEMPTS || !pause_before_next(t, a.pause_ms, deadline))
            return r;
    }
    return r;
}
