#include "cmd/notify/notify_stage.h"

#include "cmd/notify/notify.h"
#include "cmd/notify/notify_sns.h"
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

static void fill_facts(const struct stage *s, const struct report *r, const struct stage_news *news, char host[300],
                       struct notify_facts *ret)
{
    const struct inputs *in = &s->in;

    *ret = (struct notify_facts){
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
}

static int tell_url(struct stage *s, const struct notify_facts *facts, struct err *err)
{
    _cleanup_(buf_done_p) struct buf body = BUF_INIT(NOTIFY_BODY_MAX);
    const struct notify_target target = {
        .url = s->in.notify_url,
        .time_max_ms = time_max(),
        .cancel_fd = s->signal_fd,
    };
    int r = notify_compose(s->in.notify_format, facts, &body, err);

    return r < 0 ? r : notify_send(&target, buf_span(&body), err);
}

static int tell_topic(struct stage *s, const struct notify_facts *facts, struct err *err)
{
    return notify_sns_send(s, facts, time_max(), err);
}

/* One receiver, when it was asked for. */
static void tell(struct stage *s, const struct notify_facts *facts, const char *input, const char *receiver,
                 int (*send)(struct stage *s, const struct notify_facts *facts, struct err *err))
{
    struct err err = { 0 };
    char text[1024];

    if (!*or_empty(receiver))
        return;
    if (http_global_init(&err) < 0 /* after wrong inputs nobody has */ || send(s, facts, &err) < 0)
        github_annotate(s->g, GITHUB_WARNING, "No notification", "%s\nWhat to do: %s\nThe outcome is not affected.",
                        err_text(&err, text, sizeof(text)), err_hint_text(&err));
    else
        github_line(s->g, "the receiver at %s was told", input);
}

void stage_notify(struct stage *s, const struct report *r, const struct stage_news *news)
{
    struct notify_facts facts;
    char host[300];

    if (!s->has_inputs || !notify_due(s->in.notify_on, r, news->exit_code))
        return;
    fill_facts(s, r, news, host, &facts);
    tell(s, &facts, "notify-url", s->in.notify_url, tell_url);
    tell(s, &facts, "sns-topic", s->in.aws.sns_topic, tell_topic);
}
