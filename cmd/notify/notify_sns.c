#include "cmd/notify/notify_sns.h"

#include "cmd/aws/accountcall.h"
#include "shared/crypto.h"
#include "shared/outcome.h"

#define FIFO_GROUP "bluegreen"
#define DEDUPLICATION_BYTES 16

/* ---- words ---- */

static const char *short_title(const struct notify_message *m)
{
    bool status = strcmp(m->command, "status") == 0, rollback = strcmp(m->command, "rollback") == 0;

    switch (outcome_from_name(m->outcome)) {
    case OUTCOME_DEPLOYED:
        return m->good ? "deployed" : "deployed, but the step failed";
    case OUTCOME_UNCHANGED:
        return rollback ? "nothing to roll back" : "nothing to deploy";
    case OUTCOME_ROLLED_BACK:
        return "rolled back";
    case OUTCOME_FAILED_UNTOUCHED:
        return status     ? "status not available"
               : rollback ? "rollback failed"
                          : "deployment failed, production untouched";
    case OUTCOME_ROLLBACK_FAILED:
        return "rollback failed, a person is needed";
    case OUTCOME_REPORTED:
        return "status";
    case OUTCOME_UNKNOWN:
    default:
        return "outcome unknown";
    }
}

/* "web1" of "ec2-user@web1:22". */
static struct span host_name(const char *host)
{
    const char *at = strrchr(host, '@'), *name = at ? at + 1 : host, *colon = strrchr(name, ':');

    return (struct span){ .ptr = name, .len = colon ? (size_t)(colon - name) : strlen(name) };
}

void notify_sns_subject(const struct notify_message *m, char out[NOTIFY_SNS_SUBJECT_SIZE])
{
    struct span host = host_name(m->host);
    char whole[sizeof(m->app) + sizeof(m->host) + NOTIFY_SNS_SUBJECT_SIZE];

    (void)snprintf(whole, sizeof(whole), "%s: %s%s%.*s", m->app[0] ? m->app : "bluegreen", short_title(m),
                   host.len ? " on " : "", (int)host.len, host.ptr);
    for (char *c = whole; *c; c++)
        if (*c < ' ' || *c > '~') /* a subject is a header of a mail */
            *c = '?';
    bool fits = strlen(whole) < NOTIFY_SNS_SUBJECT_SIZE;
    (void)snprintf(out, NOTIFY_SNS_SUBJECT_SIZE, "%.*s%s", NOTIFY_SNS_SUBJECT_SIZE - (fits ? 1 : 4), whole,
                   fits ? "" : "...");
}

static void add(struct buf *out, const char *name, const char *value)
{
    if (*value)
        buf_addf(out, "%s: %s\n", name, value);
}

static void add_what(const struct notify_message *m, struct buf *out)
{
    buf_addf(out, "%s", m->title);
    if (m->app[0])
        buf_addf(out, ": %s", m->app);
    if (m->host[0])
        buf_addf(out, " on %s", m->host);
    buf_addc(out, '\n');
    if (m->story[0])
        buf_addf(out, "%s.\n", m->story);
    if (m->why[0])
        buf_addf(out, "%s\n", m->why);
}

static void add_cause(const struct notify_message *m, struct buf *out)
{
    if (!m->cause[0] && !m->diagnosis_cause[0])
        return;
    buf_addc(out, '\n');
    add(out, "Step", m->step);
    add(out, "Cause", m->cause);
    add(out, "What to do", m->hint);
    add(out, "Likely", m->diagnosis_cause);
    add(out, "Next", m->diagnosis_next);
}

int notify_sns_text(const struct notify_message *m, struct buf *out, struct err *err)
{
    add_what(m, out);
    add_cause(m, out);
    buf_addc(out, '\n');
    add(out, "Image", m->image);
    add(out, "Digest", m->digest);
    add(out, "Before", m->previous_image);
    add(out, "Deployment", m->deployment);
    add(out, "Run", m->run_link);
    add(out, "Bundle", m->artifact_url);
    add(out, "Repository", m->repository);
    add(out, "By", m->actor);
    return buf_check(out, err);
}

/* ---- call ---- */

static void add_attribute(struct aws_form *form, unsigned number, const char *name, const char *value)
{
    char field[64];

    (void)snprintf(field, sizeof(field), "MessageAttributes.entry.%u.Name", number);
    aws_form_add(form, field, name);
    (void)snprintf(field, sizeof(field), "MessageAttributes.entry.%u.Value.DataType", number);
    aws_form_add(form, field, "String");
    (void)snprintf(field, sizeof(field), "MessageAttributes.entry.%u.Value.StringValue", number);
    aws_form_add(form, field, value);
}

/* What a topic of the kind "fifo" wants besides. */
static int add_fifo(struct aws_form *form, const char *topic, struct err *err)
{
    size_t len = strlen(topic);
    char id[2 * DEDUPLICATION_BYTES + 1];
    int r = 0;

    if (len < 5 || strcmp(topic + len - 5, ".fifo") != 0)
        return 0;
    if ((r = crypto_random_hex(DEDUPLICATION_BYTES, id, sizeof(id), err)) < 0)
        return r;
    aws_form_add(form, "MessageGroupId", FIFO_GROUP);
    aws_form_add(form, "MessageDeduplicationId", id);
    return 0;
}

static int fill_form(const char *topic, const struct notify_facts *facts, struct aws_form *form, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(NOTIFY_SNS_TEXT_MAX);
    char subject[NOTIFY_SNS_SUBJECT_SIZE];
    struct notify_message m;
    int r = 0;

    notify_message_fill(&m, facts);
    notify_sns_subject(&m, subject);
    if ((r = notify_sns_text(&m, &text, err)) < 0)
        return r;
    aws_form_add(form, "TopicArn", topic);
    aws_form_add(form, "Subject", subject);
    aws_form_add(form, "Message", buf_str(&text));
    add_attribute(form, 1, "outcome", m.outcome);
    if (m.app[0])
        add_attribute(form, 2, "app", m.app);
    if ((r = add_fifo(form, topic, err)) < 0)
        return r;
    return buf_check(&form->text, err);
}

static int publish(struct stage *s, const struct aws_arn *topic, const struct aws_form *form, int64_t time_max_ms,
                   struct err *err)
{
    const struct aws_request request = {
        .op = AWS_SNS_PUBLISH, .region = topic->region, .body = buf_span(&form->text), .timeout_ms = time_max_ms
    };
    _cleanup_(xml_free_p) struct xml *answer = NULL;
    int r = account_open(s, err);

    if (r < 0)
        return r;
    account_limit(s->account, time_max_ms);
    r = account_query(s, &request, &answer, err);
    account_limit(s->account, 0);
    if (r == -ERR_CANCEL) /* by our own limit */
        r = err_set(err, ERR_TIMEOUT, 0, "SNS did not answer in time");
    return r;
}

int notify_sns_send(struct stage *s, const struct notify_facts *facts, int64_t time_max_ms, struct err *err)
{
    const char *topic = s->in.aws.sns_topic;
    struct aws_form form;
    struct aws_arn arn;
    int r = 0;

    if (!aws_arn_parse(topic, &arn))
        return err_set(err, ERR_INPUT, 0, "input 'sns-topic': got '%s', wants the ARN of a topic", topic);
    aws_form_init(&form, AWS_SNS_PUBLISH);
    r = fill_form(topic, facts, &form, err);
    if (r == 0)
        r = publish(s, &arn, &form, time_max_ms, err);
    aws_form_done(&form);
    return r < 0 ? err_wrap(err, "publish to sns-topic") : 0;
}
