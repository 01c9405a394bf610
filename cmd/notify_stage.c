#include "cmd/notify_stage.h"

#include "cmd/notify.h"
#include "cmd/signals.h"
#include "shared/http.h"

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

static int64_t time_max(void)
{
    int64_t left = NOTIFY_END_MS - signals_age_ms();

    if (!signals_caught)
        return NOTIFY_TIME_MAX_MS;
    if (left > NOTIFY_TIME_CANCELLED_MS)
        return NOTIFY_TIME_CANCELLED_MS;
    return left > NOTIFY_TIME_LEAST_MS ? left : NOTIFY_TIME_LEAST_MS;
}

static int compose_and_send(struct stage *s, const struct report *r, const struct stage_news *news, struct err *err)
{
    const struct inputs *in = &s->in;
    _cleanup_(buf_done_p) struct buf body = BUF_INIT(NOTIFY_BODY_MAX);
    char host[300] = "";
    const struct notify_facts facts = {
        .report = r,
        .redactor = s->redactor,
        .exit_code = news->exit_code,
        .stage = news->stage,
        .why = or_empty(news->why),
        .host = *in->target.host ? stage_host(s, host) : "",
        .image = r->op == WIRE_DEPLOY ? in->spec.image : "",
        .run_link = in->run_link,
        .actor = in->actor,
        .repository = or_empty(getenv("GITHUB_REPOSITORY")),
        .artifact_url = or_empty(news->artifact_url),
    };
    const struct notify_target target = {
        .url = in->notify_url,
        .time_max_ms = time_max(),
        .cancel_fd = s->signal_fd,
    };
    int e = notify_compose(in->notify_format, &facts, &body, err);

    if (e == 0)
        e = http_global_init(err); /* after wrong inputs nobody has */
    return e < 0 ? e : notify_send(&target, buf_span(&body), err);
}

void stage_notify(struct stage *s, const struct report *r, const struct stage_news *news)
{
    struct err err = { 0 };
    char text[1024];

    if (!s->has_inputs || !*or_empty(s->in.notify_url) || !notify_due(s->in.notify_on, r, news->exit_code))
        return;
    if (compose_and_send(s, r, news, &err) < 0)
        github_annotate(s->g, GITHUB_WARNING, "No notification", "%s\nWhat to do: %s\nThe outcome is not affected.",
                        err_text(&err, text, sizeof(text)), err_hint_text(&err));
    else
        github_line(s->g, "the receiver at notify-url was told");
}
