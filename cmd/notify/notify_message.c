#include "cmd/notify/notify_message.h"

#include "cmd/log/annotations.h"
#include "shared/safetext.h"

#define TEXT_MAX (16 * 1024) /* looked at of one text */
#define CUT_MARK "..."

/* Whole text redacted before it is cut: a secret must not slip through at the seam. Lines are joined by blanks. */
static void clean(const struct notify_facts *f, const char *text, char *out, size_t size)
{
    struct span all = safetext_cut(span_of(text), TEXT_MAX), rest, line, shown;
    _cleanup_(buf_done_p) struct buf redacted = BUF_INIT(2 * TEXT_MAX), safe = BUF_INIT(8 * TEXT_MAX);

    redactor_apply(f->redactor, all, &redacted);
    rest = buf_span(&redacted);
    while (safetext_next_line(&rest, &line)) {
        line = span_trim(line);
        if (!line.len)
            continue;
        if (safe.len)
            buf_addc(&safe, ' ');
        safetext_line(line, &safe);
    }
    shown = buf_span(&safe);
    if (shown.len < size) {
        (void)snprintf(out, size, "%s", buf_str(&safe));
        return;
    }
    shown = safetext_cut(shown, size - sizeof(CUT_MARK));
    (void)snprintf(out, size, "%.*s" CUT_MARK, (int)shown.len, shown.ptr);
}

/* clean() into an array. */
#define CLEAN(field, text) clean(f, (text), (field), sizeof(field))

static const char *command_name(const struct report *r)
{
    return wire_op_name(r->op);
}

static void fill_story(struct notify_message *m, const struct notify_facts *f)
{
    _cleanup_(buf_done_p) struct buf story = BUF_INIT(TEXT_MAX);

    annotations_story(f->report, &story);
    CLEAN(m->story, buf_str(&story));
    CLEAN(m->why, f->why);
}

static void fill_cause(struct notify_message *m, const struct notify_facts *f)
{
    const struct report *r = f->report;
    struct err cause = r->cause;
    char text[ERR_FRAMES * ERR_TEXT_MAX];

    CLEAN(m->step, r->failed_step);
    m->cause_kind = cause.kind == ERR_OK ? "" : err_kind_name(cause.kind);
    if (cause.kind != ERR_OK) {
        redactor_clean_err(f->redactor, &cause); /* each of its texts may have been cut */
        CLEAN(m->cause, err_text(&cause, text, sizeof(text)));
        CLEAN(m->hint, err_hint_text(&cause));
    }
    if (r->diagnosis_count) { /* the first is the likeliest */
        CLEAN(m->diagnosis, r->diagnoses[0].code);
        CLEAN(m->diagnosis_cause, r->diagnoses[0].cause);
        CLEAN(m->diagnosis_next, r->diagnoses[0].next);
    }
}

static void fill_subject(struct notify_message *m, const struct notify_facts *f)
{
    const struct report *r = f->report;
    const char *image = report_str(r, "image");

    CLEAN(m->app, r->app);
    CLEAN(m->host, f->host);
    CLEAN(m->deployment, r->deployment);
    CLEAN(m->image, *image ? image : f->image);
    CLEAN(m->digest, report_str(r, "digest"));
    CLEAN(m->previous_image, report_str(r, "previous_image"));
}

static void fill_origin(struct notify_message *m, const struct notify_facts *f)
{
    CLEAN(m->run_link, f->run_link);
    CLEAN(m->artifact_url, f->artifact_url);
    CLEAN(m->actor, f->actor);
    CLEAN(m->repository, f->repository);
}

void notify_message_fill(struct notify_message *m, const struct notify_facts *f)
{
    const struct report *r = f->report;

    memset(m, 0, sizeof(*m));
    m->exit_code = f->exit_code;
    m->rolled_back = r->outcome == OUTCOME_ROLLED_BACK;
    m->good = f->exit_code == 0 && !m->rolled_back;
    m->total_seconds = report_num(r, "total_seconds");
    m->outage_seconds = report_num(r, "outage_seconds");
    (void)clock_format_iso(clock_wall_ms(), m->sent_at);
    m->command = command_name(r);
    m->stage = f->stage;
    m->outcome = outcome_name(r->outcome);
    m->title = annotations_title(r);
    fill_story(m, f);
    fill_cause(m, f);
    fill_subject(m, f);
    fill_origin(m, f);
}

bool notify_is_link(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:?=%+,@";
    size_t scheme = strncmp(text, "https://", 8) == 0 ? 8 : strncmp(text, "http://", 7) == 0 ? 7 : 0;

    return scheme && text[scheme] && text[strspn(text, plain)] == '\0';
}
