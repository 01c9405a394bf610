#include "cmd/artifact/artifact_call.h"

#include "shared/clock.h"
#include "shared/crypto.h"

#include <poll.h>

#define FIRST_PAUSE_MS 1000 /* doubled each time, a quarter more or less by chance */
#define PAUSE_MAX_MS 30000  /* also of what Retry-After asks for */
#define PAUSE_MIN_MS 100
#define LOOK_MS 50 /* without a descriptor to wait on: time between two looks at the cancel flag */
#define LABEL_SIZE 80
#define QUOTA_WORDS "insufficient usage" /* trying again does not help */

void artifact_note(const struct artifact_line *line, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (!line->o->progress)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    line->o->progress(line->o->ctx, text);
}

static bool is_cancelled(const struct artifact_line *line)
{
    return line->o->cancel && *line->o->cancel;
}

static int fail_cancelled(struct err *err)
{
    return err_set(err, ERR_CANCEL, 0, "the upload of the artifact was cancelled");
}

static int fail_late(const struct artifact_line *line, struct err *err)
{
    int64_t max = line->o->time_max_ms > 0 ? line->o->time_max_ms : ARTIFACT_TIME_MAX_MS;

    return err_set(err, ERR_ARTIFACT, 0, "the upload was not done after %lld s", (long long)(max / 1000));
}

int64_t artifact_pause_ms(unsigned attempt, int64_t retry_after_ms)
{
    unsigned char chance = 128;
    int64_t ms = FIRST_PAUSE_MS;

    for (unsigned i = 1; i < attempt && ms < PAUSE_MAX_MS; i++)
        ms *= 2;
    (void)crypto_random(&chance, 1, NULL); /* the middle does as well */
    ms += ms * (chance - 128) / 512;
    if (retry_after_ms > 0)
        ms = retry_after_ms;
    return ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms < PAUSE_MIN_MS ? PAUSE_MIN_MS : ms;
}

int artifact_pause(const struct artifact_line *line, unsigned attempt, int64_t retry_after_ms, struct err *err)
{
    int64_t until = clock_mono_ms() + artifact_pause_ms(attempt, retry_after_ms);
    struct pollfd p = { .fd = line->o->cancel_fd, .events = POLLIN }; /* poll() skips a negative one */
    int left = 0;

    if (until >= line->deadline_ms)
        return fail_late(line, err);
    while (!is_cancelled(line) && (left = clock_left_ms(until)) > 0)
        if (poll(&p, 1, p.fd < 0 && left > LOOK_MS ? LOOK_MS : left) > 0)
            return fail_cancelled(err);
    return is_cancelled(line) ? fail_cancelled(err) : 0;
}

void artifact_answer_done(struct artifact_answer *a)
{
    http_response_done(&a->http);
    json_free_p(&a->json);
}

bool artifact_answer_is_good(const struct artifact_answer *a)
{
    return a->http.status >= 200 && a->http.status < 300;
}

static bool is_passing(int status)
{
    return status == 429 || status == 408 || (status >= 500 && status <= 599 && status != 501);
}

/* A call of a few bytes has no reason to be silent for as long as a store that takes in megabytes. */
static int64_t idle_max(const struct artifact_line *line, const struct artifact_call *call)
{
    if (line->o->idle_max_ms > 0)
        return line->o->idle_max_ms;
    return call->json ? ARTIFACT_SILENT_MAX_MS : ARTIFACT_IDLE_MAX_MS;
}

/* One exchange. 0 with an answer, whatever it says; -kind otherwise. */
static int attempt(struct artifact_line *line, const struct artifact_call *call, struct artifact_answer *a,
                   struct err *err)
{
    int64_t left = line->deadline_ms - clock_mono_ms();
    struct http_request request = call->request;
    char label[LABEL_SIZE];
    int r = 0;

    (void)snprintf(label, sizeof(label), "%s", call->what);
    request.label = label;
    request.timeout_ms = left > 0 ? left : 1;
    request.idle_timeout_ms = idle_max(line, call);
    request.max_body = ARTIFACT_ANSWER_MAX;
    r = http_perform(line->http, &request, &a->http, err);
    if (r < 0)
        return r;
    if (!call->json)
        return 0;
    r = json_parse(buf_span(&a->http.body), &a->json, err);
    if (r == 0 && !json_is_object(a->json)) {
        json_free_p(&a->json);
        r = err_set(err, ERR_PROTO, 0, "not an object");
    }
    /* a refusal may come as anything: its status tells enough */
    return r < 0 && artifact_answer_is_good(a) ? err_wrap(err, "%s: the answer cannot be read", call->what) : 0;
}

/* Is it worth another attempt? `r` and `why` as attempt() left them. */
static bool may_pass(const struct artifact_answer *a, int r, const struct err *why)
{
    if (r == 0)
        return is_passing(a->http.status) && !span_contains(buf_span(&a->http.body), QUOTA_WORDS);
    return why->kind != ERR_CANCEL && why->kind != ERR_INPUT && why->kind != ERR_NOMEM && why->kind != ERR_BUG;
}

static const char *describe(const struct artifact_call *call, const struct artifact_answer *a, int r,
                            const struct err *why, char out[ERR_TEXT_MAX])
{
    if (r < 0)
        return err_text(why, out, ERR_TEXT_MAX);
    (void)snprintf(out, ERR_TEXT_MAX, "%s: HTTP %d", call->what, a->http.status);
    return out;
}

int artifact_call(struct artifact_line *line, const struct artifact_call *call, struct artifact_answer *ret,
                  struct err *err)
{
    char text[ERR_TEXT_MAX];

    *ret = (struct artifact_answer){ 0 };
    for (unsigned made = 1;; made++) {
        struct err why = { 0 };
        if (is_cancelled(line))
            return fail_cancelled(err);
        artifact_answer_done(ret);
        int r = attempt(line, call, ret, &why);
        if (r == -ERR_CANCEL)
            return fail_cancelled(err);
        bool again = may_pass(ret, r, &why);
        if (r == 0 && (!again || made >= call->attempts))
            return 0;
        describe(call, ret, r, &why, text);
        if (!again || made >= call->attempts) {
            (void)err_set(err, ERR_ARTIFACT, why.code, "%s", text);
            if (why.hint[0]) /* a certificate that is not trusted */
                err_hint(err, "%s", why.hint);
            return -ERR_ARTIFACT;
        }
        /* what a full queue refuses is not carried out, and who cannot be reached carries nothing out */
        ret->doubtful = ret->doubtful || (ret->http.status != 429 && why.kind != ERR_UNREACHABLE);
        if (line->told++ < ARTIFACT_RETRY_LINES)
            artifact_note(line, "%s; attempt %u of %u follows", text, made + 1, call->attempts);
        r = artifact_pause(line, made, ret->http.retry_after_ms, err);
        if (r < 0)
            return err_wrap(err, "%s", text);
    }
}
