#include "agent/watch/history.h"

void history_init(struct history *h)
{
    memset(h, 0, sizeof(*h));
    buf_init(&h->body, HISTORY_BODY_MAX);
}

void history_done(struct history *h)
{
    buf_wipe_done(&h->body);
}

void history_reset(struct history *h, const char *target)
{
    history_done(h);
    history_init(h);
    (void)snprintf(h->target, sizeof(h->target), "%s", target);
}

static const char *name_of(enum probe_result result, int status, char name[HISTORY_WHAT_MAX])
{
    static const char *const names[] = {
        [PROBE_NONE] = "nothing",
        [PROBE_OK] = "as wanted",
        [PROBE_STATUS] = "HTTP status",
        [PROBE_BODY] = "without the wanted text",
        [PROBE_REFUSED] = "connection refused",
        [PROBE_CLOSED] = "connection closed without an answer",
        [PROBE_TIMEOUT] = "no answer in time",
        [PROBE_NOT_HTTP] = "an answer that is not HTTP",
    };
    if (result == PROBE_STATUS)
        (void)snprintf(name, HISTORY_WHAT_MAX, "HTTP status %d", status);
    else if (result == PROBE_BODY)
        (void)snprintf(name, HISTORY_WHAT_MAX, "HTTP status %d without the wanted text", status);
    else
        (void)snprintf(name, HISTORY_WHAT_MAX, "%s", names[result]);
    return name;
}

static void count(struct history *h, const char *what)
{
    size_t i = 0;
    while (i < h->kind_count && strcmp(h->kinds[i].what, what) != 0)
        i++;
    if (i == HISTORY_KINDS_MAX) {
        h->others++;
        return;
    }
    if (i == h->kind_count) {
        (void)snprintf(h->kinds[i].what, sizeof(h->kinds[i].what), "%s", what);
        h->kind_count++;
    }
    h->kinds[i].count++;
}

void history_add(struct history *h, enum probe_result result, int status, struct span body, int64_t now_ms)
{
    char name[HISTORY_WHAT_MAX];
    if (h->attempts++ == 0)
        h->first_ms = now_ms;
    h->last_ms = now_ms;
    count(h, name_of(result, status, name));
    if (result == PROBE_OK)
        return;
    h->last = result;
    h->last_status = status;
    buf_reset(&h->body);
    buf_add_span(&h->body, body);
}

void history_text(const struct history *h, struct buf *out)
{
    if (h->attempts == 0)
        return;
    buf_addf(out, "%lld attempt%s in %.1f s", (long long)h->attempts, h->attempts == 1 ? "" : "s",
             (double)(h->last_ms - h->first_ms) / 1000);
    for (size_t i = 0; i < h->kind_count; i++)
        buf_addf(out, "%s %lld x %s", i ? "," : ":", (long long)h->kinds[i].count, h->kinds[i].what);
    if (h->others)
        buf_addf(out, ", %lld x other", (long long)h->others);
}
