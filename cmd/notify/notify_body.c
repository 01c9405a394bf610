#include "cmd/notify/notify.h"

#include "cmd/notify/notify_message.h"
#include "shared/json.h"

#include <ctype.h>

#define SLACK_TEXT_MAX 2800 /* a section's text may have 3000 characters */
#define SLACK_FIELD_MAX 600 /* of 2000 */

/* ---- json: docs/notification.schema.json ---- */

static void set_seconds(struct json *o, const char *key, double seconds)
{
    if (seconds < 0)
        json_set_str(o, key, NULL);
    else
        json_set_num(o, key, seconds);
}

static void set_diagnosis(struct json *o, const struct notify_message *m)
{
    struct json *d = NULL;

    if (!*m->diagnosis_cause) {
        json_set_str(o, "diagnosis", NULL);
        return;
    }
    d = json_object();
    json_set_str(d, "code", m->diagnosis);
    json_set_str(d, "cause", m->diagnosis_cause);
    json_set_str(d, "next", m->diagnosis_next);
    json_set(o, "diagnosis", d);
}

static struct json *plain_body(const struct notify_message *m)
{
    struct json *o = json_object();
    const struct {
        const char *key, *value;
    } texts[] = {
        { "sent_at", m->sent_at },
        { "app", m->app },
        { "host", m->host },
        { "command", m->command },
        { "stage", m->stage },
        { "outcome", m->outcome },
        { "title", m->title },
        { "story", m->story },
        { "why", m->why },
        { "step", m->step },
        { "cause_kind", m->cause_kind },
        { "cause", m->cause },
        { "hint", m->hint },
        { "deployment", m->deployment },
        { "image", m->image },
        { "digest", m->digest },
        { "previous_image", m->previous_image },
        { "run", m->run_link },
        { "actor", m->actor },
        { "repository", m->repository },
        { "artifact", m->artifact_url },
    };

    json_set_int(o, "v", 1);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        json_set_str(o, texts[i].key, texts[i].value);
    json_set_int(o, "exit_code", m->exit_code);
    json_set_bool(o, "rolled_back", m->rolled_back);
    set_seconds(o, "total_seconds", m->total_seconds);
    set_seconds(o, "outage_seconds", m->outage_seconds);
    set_diagnosis(o, m);
    return o;
}

/* ---- what people read, whatever the receiver ---- */

struct fact {
    const char *label, *value;
};
#define FACTS_MAX 8

static size_t facts_of(const struct notify_message *m, struct fact facts[FACTS_MAX])
{
    const struct fact all[FACTS_MAX] = {
        { "App", m->app },
        { "Host", m->host },
        { "Image", m->image },
        { "Previous image", m->previous_image },
        { "Deployment", m->deployment },
        { "Failed step", m->good ? "" : m->step },
        { "Repository", m->repository },
        { "Started by", m->actor },
    };
    size_t n = 0;

    for (size_t i = 0; i < FACTS_MAX; i++)
        if (*all[i].value)
            facts[n++] = all[i];
    return n;
}

#define REASONS_MAX 5

/* Why, and what to do about it. */
static size_t reasons_of(const struct notify_message *m, struct fact reasons[REASONS_MAX])
{
    const struct fact all[REASONS_MAX] = {
        { "Why", m->why },
        { "Cause", m->cause },
        { "What to do", m->hint },
        { "Likely cause", m->diagnosis_cause },
        { "Next", m->diagnosis_next },
    };
    size_t n = 0;

    for (size_t i = 0; i < REASONS_MAX; i++)
        if (*all[i].value)
            reasons[n++] = all[i];
    return n;
}

/* ---- slack: a coloured attachment with blocks ---- */

/* ":word:" would become a picture. */
static bool begins_emoji(const char *p)
{
    size_t n = 1;

    while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '+' || p[n] == '-' || p[n] == '\'')
        n++;
    return n > 1 && p[n] == ':';
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || ((unsigned char)c & 0x80);
}

/* What stands for text[i] so that Slack shows it and does nothing else; NULL: itself. Slack knows no backslash. */
static const char *slack_twin(const char *text, size_t i)
{
    bool in_word = i > 0 && is_word(text[i - 1]);

    switch (text[i]) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '*':
        return "\xe2\x88\x97"; /* U+2217 */
    case '_':                  /* within a word it is only itself */
        return in_word && is_word(text[i + 1]) ? NULL : "\xef\xbc\xbf";
    case '~':
        return "\xe2\x88\xbc"; /* U+223C */
    case '`':
        return "'";
    case '@': /* @here and #general, not user@host */
        return in_word ? NULL : "\xef\xbc\xa0";
    case '#':
        return in_word ? NULL : "\xef\xbc\x83";
    case ':':
        return begins_emoji(text + i) ? "\xe2\x88\xb6" : NULL;
    default:
        return NULL;
    }
}

/* Append text as Slack's mrkdwn; at most max bytes, never half a character or entity. */
static void slack_add(struct buf *out, const char *text, size_t max)
{
    size_t end = out->len + max;

    for (size_t i = 0; text[i];) {
        const char *twin = slack_twin(text, i);
        size_t used = span_utf8_next(span_of(text + i));
        size_t len = twin ? strlen(twin) : used ? used : 1;
        if (out->len + len > end)
            return;
        buf_add(out, twin ? twin : text + i, len);
        i += twin ? 1 : len;
    }
}

static struct json *slack_text(const struct buf *text)
{
    struct json *t = json_object();

    json_set_str(t, "type", "mrkdwn");
    json_set_str(t, "text", buf_str(text));
    json_set_bool(t, "verbatim", true); /* no links and mentions but ours */
    return t;
}

static struct json *slack_block(const char *type)
{
    struct json *b = json_object();

    json_set_str(b, "type", type);
    return b;
}

static struct json *slack_header(const char *title)
{
    struct json *b = slack_block("header"), *t = json_object();

    json_set_str(t, "type", "plain_text");
    json_set_str(t, "text", title);
    json_set(b, "text", t);
    return b;
}

static struct json *slack_section(const char *label, const char *text)
{
    struct json *b = slack_block("section");
    _cleanup_(buf_done_p) struct buf t = BUF_INIT(SLACK_TEXT_MAX + 64);

    if (*label)
        buf_addf(&t, "*%s:* ", label);
    slack_add(&t, text, SLACK_TEXT_MAX);
    json_set(b, "text", slack_text(&t));
    return b;
}

static struct json *slack_fields(const struct notify_message *m)
{
    struct json *b = slack_block("section"), *fields = json_array();
    struct fact facts[FACTS_MAX];
    size_t n = facts_of(m, facts);

    for (size_t i = 0; i < n; i++) {
        _cleanup_(buf_done_p) struct buf t = BUF_INIT(SLACK_FIELD_MAX + 64);
        buf_addf(&t, "*%s:* ", facts[i].label);
        slack_add(&t, facts[i].value, SLACK_FIELD_MAX);
        json_push(fields, slack_text(&t));
    }
    json_set(b, "fields", fields);
    return n ? b : (json_free(b), NULL);
}

static void slack_add_link(struct buf *out, const char *label, const char *url)
{
    if (!*url)
        return;
    if (out->len)
        buf_adds(out, " | ");
    if (notify_is_link(url)) {
        buf_addf(out, "<%s|%s>", url, label);
    } else {
        buf_addf(out, "%s: ", label);
        slack_add(out, url, SLACK_FIELD_MAX);
    }
}

static struct json *slack_links(const struct notify_message *m)
{
    struct json *b = NULL, *elements = NULL;
    _cleanup_(buf_done_p) struct buf t = BUF_INIT(SLACK_TEXT_MAX);

    slack_add_link(&t, "Workflow run", m->run_link);
    slack_add_link(&t, "Evidence", m->artifact_url);
    if (!t.len)
        return NULL;
    b = slack_block("context");
    elements = json_array();
    json_push(elements, slack_text(&t));
    json_set(b, "elements", elements);
    return b;
}

static void push_block(struct json *blocks, struct json *b)
{
    if (b)
        json_push(blocks, b);
}

static struct json *slack_blocks(const struct notify_message *m)
{
    struct json *blocks = json_array();
    struct fact reasons[REASONS_MAX];
    size_t n = m->good ? 0 : reasons_of(m, reasons);

    push_block(blocks, slack_header(m->title));
    push_block(blocks, slack_section("Now", m->story));
    push_block(blocks, slack_fields(m));
    for (size_t i = 0; i < n; i++)
        push_block(blocks, slack_section(reasons[i].label, reasons[i].value));
    push_block(blocks, slack_links(m));
    return blocks;
}

static struct json *slack_body(const struct notify_message *m)
{
    struct json *o = json_object(), *attachments = json_array(), *a = json_object();
    _cleanup_(buf_done_p) struct buf t = BUF_INIT(SLACK_TEXT_MAX);

    buf_addf(&t, "%s: ", m->title);
    slack_add(&t, m->story, SLACK_FIELD_MAX);
    json_set_str(o, "text", buf_str(&t)); /* shown by clients that show no blocks, and in their pop-ups */
    json_set_str(o, "parse", "none");
    json_set_bool(o, "link_names", false);
    json_set_bool(o, "unfurl_links", false);
    json_set_bool(o, "unfurl_media", false);
    json_set_str(a, "color", m->good ? "#2da44e" : m->rolled_back ? "#bf8700" : "#cf222e");
    json_set(a, "blocks", slack_blocks(m));
    json_push(attachments, a);
    json_set(o, "attachments", attachments);
    return o;
}

/* ---- teams: an adaptive card ---- */

/* The runs of a RichTextBlock are not read as Markdown, those of a TextBlock are; "{{" begins a date in both. */
static struct json *teams_run(const char *text, bool bold)
{
    struct json *run = json_object();
    struct span all = span_of(text);
    _cleanup_(buf_done_p) struct buf t = BUF_INIT(2 * all.len + 1);

    for (size_t i = 0; i < all.len; i++) {
        if (i > 0 && text[i] == '{' && text[i - 1] == '{')
            buf_addc(&t, ' ');
        buf_addc(&t, text[i]);
    }
    json_set_str(run, "type", "TextRun");
    json_set_str(run, "text", buf_str(&t));
    if (bold)
        json_set_str(run, "weight", "Bolder");
    return run;
}

static struct json *teams_line(const struct fact *f)
{
    struct json *line = json_object(), *runs = json_array();
    char label[40];

    (void)snprintf(label, sizeof(label), "%s: ", f->label);
    json_push(runs, teams_run(label, true));
    json_push(runs, teams_run(f->value, false));
    json_set_str(line, "type", "RichTextBlock");
    json_set(line, "inlines", runs);
    json_set_str(line, "spacing", "Small");
    return line;
}

static struct json *teams_title(const struct notify_message *m)
{
    struct json *t = json_object();

    json_set_str(t, "type", "TextBlock");
    json_set_str(t, "text", m->title); /* a constant of ours */
    json_set_str(t, "size", "Large");
    json_set_str(t, "weight", "Bolder");
    json_set_str(t, "color", m->good ? "Good" : m->rolled_back ? "Warning" : "Attention");
    json_set_bool(t, "wrap", true);
    return t;
}

static void teams_add_link(struct json *actions, const char *label, const char *url)
{
    struct json *a = NULL;

    if (!notify_is_link(url))
        return;
    a = json_object();
    json_set_str(a, "type", "Action.OpenUrl");
    json_set_str(a, "title", label);
    json_set_str(a, "url", url);
    json_push(actions, a);
}

static struct json *teams_lines(const struct notify_message *m)
{
    struct json *body = json_array();
    const struct fact now = { "Now", m->story };
    struct fact facts[FACTS_MAX], reasons[REASONS_MAX];
    size_t n = facts_of(m, facts), why = m->good ? 0 : reasons_of(m, reasons);

    json_push(body, teams_title(m));
    json_push(body, teams_line(&now));
    for (size_t i = 0; i < why; i++)
        json_push(body, teams_line(&reasons[i]));
    for (size_t i = 0; i < n; i++)
        json_push(body, teams_line(&facts[i]));
    return body;
}

static struct json *teams_card(const struct notify_message *m)
{
    struct json *card = json_object(), *actions = json_array(), *width = json_object();

    json_set_str(card, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    json_set_str(card, "type", "AdaptiveCard");
    json_set_str(card, "version", "1.4");
    json_set_str(width, "width", "Full");
    json_set(card, "msteams", width);
    json_set(card, "body", teams_lines(m));
    teams_add_link(actions, "Workflow run", m->run_link);
    teams_add_link(actions, "Evidence", m->artifact_url);
    json_set(card, "actions", actions);
    return card;
}

static struct json *teams_body(const struct notify_message *m)
{
    struct json *o = json_object(), *attachments = json_array(), *a = json_object();

    json_set_str(o, "type", "message");
    json_set_str(a, "contentType", "application/vnd.microsoft.card.adaptive");
    json_set_str(a, "contentUrl", NULL);
    json_set(a, "content", teams_card(m));
    json_push(attachments, a);
    json_set(o, "attachments", attachments);
    return o;
}

/* ---- */

int notify_compose(enum notify_format format, const struct notify_facts *f, struct buf *out, struct err *err)
{
    struct notify_message m;
    _cleanup_(json_free_p) struct json *body = NULL;

    notify_message_fill(&m, f);
    switch (format) {
    case NOTIFY_SLACK:
        body = slack_body(&m);
        break;
    case NOTIFY_TEAMS:
        body = teams_body(&m);
        break;
    case NOTIFY_JSON:
    default:
        body = plain_body(&m);
        break;
    }
    if (json_print(body, out, err) < 0 || buf_check(out, err) < 0)
        return err_wrap(err, "compose the notification");
    return 0;
}
