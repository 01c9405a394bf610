#include "cmd/log/annotations.h"

#include "shared/safetext.h"
#include "shared/view/view.h"

#define EVIDENCE_LINES 15 /* of each diagnosis, the last ones; all of them are in log and bundle */
#define EVIDENCE_LINE_MAX 200

static const char *question_title(enum wire_op op)
{
    static const char *const titles[WIRE_OPS] = {
        [WIRE_HISTORY] = "History",    [WIRE_LOGS] = "Logs",    [WIRE_BUNDLE] = "Bundle",
        [WIRE_DIAGNOSE] = "Diagnosis", [WIRE_PRUNE] = "Pruned", [WIRE_PLAN] = "Plan",
    };

    return (unsigned)op < WIRE_OPS && titles[op] ? titles[op] : "Status";
}

const char *annotations_title(const struct report *r)
{
    switch (r->outcome) {
    case OUTCOME_DEPLOYED:
        return "Deployed";
    case OUTCOME_UNCHANGED:
        return r->op == WIRE_ROLLBACK ? "Nothing to roll back" : "Nothing to deploy";
    case OUTCOME_ROLLED_BACK:
        return r->op == WIRE_ROLLBACK ? "Rolled back" : "Deployment rolled back";
    case OUTCOME_FAILED_UNTOUCHED:
        if (report_is_question(r->op))
            return "No answer";
        return r->op == WIRE_ROLLBACK ? "Rollback failed and production is untouched"
                                      : "Deployment failed and production is untouched";
    case OUTCOME_ROLLBACK_FAILED:
        return "Rollback failed - a person is needed";
    case OUTCOME_REPORTED:
        return question_title(r->op);
    case OUTCOME_UNKNOWN:
    default:
        return "Outcome unknown";
    }
}

static void add_seconds(struct buf *out, const char *before, double seconds)
{
    if (seconds >= 0)
        buf_addf(out, "%s%.2f s", before, seconds);
}

static const char *or_else(const char *s, const char *dflt)
{
    return s && *s ? s : dflt;
}

/* Whichever rollback there was: the agent's own, or one that the action asked for. */
static const char *rollback_target(const struct report *r)
{
    const char *image = json_str(json_get(r->facts, "rollback"), "to", "");

    if (!*image && r->rollback_facts)
        image = json_str(r->rollback_facts, "image", "");
    if (!*image && r->op == WIRE_ROLLBACK)
        image = report_str(r, "image");
    if (!*image)
        image = report_str(r, "previous_image");
    return or_else(image, "the previous version");
}

void annotations_story(const struct report *r, struct buf *out)
{
    const char *image = or_else(report_str(r, "image"), r->app), *target = rollback_target(r);
    int len = (int)report_image_len(image), target_len = (int)report_image_len(target);

    switch (r->outcome) {
    case OUTCOME_DEPLOYED:
        buf_addf(out, "%.*s now serves as %s", len, image, r->app);
        add_seconds(out, ", deployed in ", report_num(r, "total_seconds"));
        add_seconds(out, ", outage ", report_num(r, "outage_seconds"));
        break;
    case OUTCOME_UNCHANGED:
        if (r->op == WIRE_ROLLBACK)
            buf_adds(out, "the deployment does not serve (any more), so nothing was rolled back");
        else
            buf_addf(out, "%.*s already serves as %s with the same settings; nothing was done", len, image, r->app);
        break;
    case OUTCOME_ROLLED_BACK:
        if (r->op == WIRE_ROLLBACK)
            buf_addf(out, "%.*s serves again as %s", target_len, target, r->app);
        else
            buf_addf(out, "%.*s failed; %.*s serves again as %s", len, image, target_len, target, r->app);
        add_seconds(out, ", after ", report_num(r, "total_seconds"));
        add_seconds(out, ", outage ", report_num(r, "outage_seconds"));
        break;
    case OUTCOME_FAILED_UNTOUCHED:
        buf_addf(out, "what served as %s before still serves; it was not touched", or_else(r->app, "the app"));
        break;
    case OUTCOME_ROLLBACK_FAILED:
        buf_addf(out, "the deployment of %s failed and the way back failed too: look at the host now", r->app);
        break;
    case OUTCOME_REPORTED:
        if (!r->answer || !view_sentence(r->answer_name, r->answer, out))
            buf_addf(out, "%s of %s", question_title(r->op), r->app);
        break;
    case OUTCOME_UNKNOWN:
    default:
        buf_addf(
            out,
            "how it ended for %s was not told. The agent on the host goes on and finishes by itself, or undoes what "
            "it began; ask with `command: status`",
            or_else(r->app, "the app"));
        break;
    }
}

static void add_cause(const struct report *r, struct buf *out)
{
    char text[ERR_FRAMES * ERR_TEXT_MAX];

    if (r->cause.kind == ERR_OK)
        return;
    if (r->failed_step[0])
        buf_addf(out, "\nStep: %s", r->failed_step);
    buf_addf(out, "\nCause: %s", err_text(&r->cause, text, sizeof(text)));
    if (*err_hint_text(&r->cause))
        buf_addf(out, "\nWhat to do: %s", err_hint_text(&r->cause));
}

static struct span last_lines(struct span text, size_t lines)
{
    size_t at = text.len;

    while (at > 0) {
        if (text.ptr[at - 1] == '\n' && at != text.len && lines-- <= 1)
            break;
        at--;
    }
    return (struct span){ text.ptr + at, text.len - at };
}

/* The first likely cause belongs to the outcome itself: many readers see one annotation only. */
static void add_likely_cause(const struct report *r, struct buf *out)
{
    if (!r->diagnosis_count || !r->diagnoses[0].cause[0])
        return;
    buf_addf(out, "\nLikely cause: %s", r->diagnoses[0].cause);
    if (r->diagnoses[0].next[0])
        buf_addf(out, "\nNext: %s", r->diagnoses[0].next);
}

/* The last lines, each cut: a long one must not push the others out of an annotation. */
static void add_evidence(const struct report_diagnosis *d, struct buf *out)
{
    struct span rest = span_trim(last_lines(buf_span(&d->evidence), EVIDENCE_LINES)), line;

    if (rest.len)
        buf_adds(out, "\nEvidence:");
    while (span_next_line(&rest, &line)) {
        struct span cut = safetext_cut(line, EVIDENCE_LINE_MAX);
        buf_addc(out, '\n');
        buf_add_span(out, cut);
        buf_adds(out, cut.len < line.len ? "…" : "");
    }
}

/* What each likely cause rests on; the first one itself was told with the outcome. */
static void print_diagnoses(struct github *g, const struct report *r)
{
    for (size_t i = 0; i < r->diagnosis_count; i++) {
        const struct report_diagnosis *d = &r->diagnoses[i];
        _cleanup_(buf_done_p) struct buf text = BUF_INIT(2 * REPORT_EVIDENCE_MAX);
        if (i == 0 && !d->evidence.len)
            continue;
        buf_adds(&text, d->cause);
        if (i && d->next[0])
            buf_addf(&text, "\nNext: %s", d->next);
        add_evidence(d, &text);
        github_annotate(g, GITHUB_ERROR, "Likely cause", "%s", buf_str(&text));
    }
}

/* ---- answers ---- */

#define ANSWER_PARTS_MAX 3

/* Where an answer keeps what needs a person, and under which names. */
static const struct {
    const char *name, *list;
    const char *text, *next, *command;
    bool errors_only; /* those of level "error" */
} concerns[] = {
    { "status", "recommendations", "text", "", "command", true },
    { "diagnose", "findings", "cause", "next", "command", true },
    { "plan", "problems", "message", "hint", "", false },
};

static bool is_concern(const struct json *c, bool errors_only)
{
    return json_is_object(c) && (!errors_only || strcmp(json_str(c, "level", ""), "error") == 0);
}

static bool is_refused(const struct report *r)
{
    return strcmp(r->answer_name, "plan") == 0 && strcmp(json_str(r->answer, "verdict", ""), "refused") == 0;
}

static bool is_down(const struct report *r)
{
    const struct json *blue = json_get(r->answer, "blue");

    return strcmp(r->answer_name, "status") == 0 && json_is_object(blue) &&
           (strcmp(json_str(blue, "status", ""), "running") != 0 ||
            strcmp(json_str(blue, "health", ""), "unhealthy") == 0);
}

static void add_concern(const struct json *c, size_t which, struct buf *out)
{
    buf_addf(out, "\n%s", json_str(c, concerns[which].text, ""));
    if (*json_str(c, concerns[which].next, ""))
        buf_addf(out, "\nNext: %s", json_str(c, concerns[which].next, ""));
    if (*json_str(c, concerns[which].command, ""))
        buf_addf(out, "\n%s: %s", *concerns[which].next ? "Command" : "Next", json_str(c, concerns[which].command, ""));
}

/* The first few; out NULL: only how many there are. */
static size_t add_concerns(const struct report *r, struct buf *out)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof(concerns) / sizeof(concerns[0]); i++) {
        const struct json *c = NULL;
        if (strcmp(concerns[i].name, r->answer_name) != 0)
            continue;
        for (c = json_first(json_get(r->answer, concerns[i].list)); c && n < ANSWER_PARTS_MAX; c = json_next(c))
            if (is_concern(c, concerns[i].errors_only) && ++n && out)
                add_concern(c, i, out);
    }
    return n;
}

bool annotations_needs_a_person(const struct report *r)
{
    return r->outcome == OUTCOME_REPORTED && r->answer && (is_refused(r) || is_down(r) || add_concerns(r, NULL) > 0);
}

static bool is_good(const struct report *r)
{
    bool good = r->outcome == OUTCOME_DEPLOYED || r->outcome == OUTCOME_UNCHANGED || r->outcome == OUTCOME_REPORTED ||
                (r->outcome == OUTCOME_ROLLED_BACK && r->op == WIRE_ROLLBACK);

    return good && r->cause.kind != ERR_VERIFY; /* rollback-on: never keeps it, but the user is told */
}

static void print_outcome(struct github *g, const struct report *r)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT((size_t)64 * 1024);
    bool good = is_good(r), concern = annotations_needs_a_person(r);

    annotations_story(r, &text);
    if (concern)
        (void)add_concerns(r, &text); /* how many does not matter here */
    if (!good) {
        add_cause(r, &text);
        add_likely_cause(r, &text);
    }
    github_annotate(g,
                    !good     ? GITHUB_ERROR
                    : concern ? GITHUB_WARNING
                              : GITHUB_NOTICE,
                    annotations_title(r), "%s", buf_str(&text));
}

static void print_kpi(struct github *g, const struct report *r, enum kpi_id id)
{
    struct kpi_limits limits;
    double seconds = report_kpi_seconds(r, id, &limits);
    enum kpi_verdict verdict = report_kpi(r, id);

    if (verdict == KPI_CRITICAL)
        github_annotate(g, GITHUB_ERROR, "KPI critical",
                        "%s took %.2f s: above the critical limit of %.0f s (target %.0f s)", kpi_title(id), seconds,
                        limits.critical, limits.target);
    else if (verdict == KPI_WARNING)
        github_annotate(g, GITHUB_WARNING, "KPI warning",
                        "%s took %.2f s: above the warning limit of %.0f s (target %.0f s)", kpi_title(id), seconds,
                        limits.warning, limits.target);
    else if (verdict == KPI_ABOVE_TARGET)
        github_line(g, "%s took %.2f s: above its target of %.0f s", kpi_title(id), seconds, limits.target);
}

/* What did not change the outcome and still needs somebody's eye. */
static void print_warnings(struct github *g, const struct report *r)
{
    bool kept = r->outcome == OUTCOME_DEPLOYED || (r->outcome == OUTCOME_ROLLED_BACK && r->op == WIRE_ROLLBACK);
    for (size_t i = 0; i < r->warning_count; i++)
        github_annotate(g, GITHUB_WARNING, "Warning from the host", "%s", r->warnings[i]);
    for (size_t i = 0; i < r->step_count; i++) {
        const struct report_step *s = &r->steps[i];
        if (s->state == REPORT_STEP_FAILED && s->undo)
            github_annotate(g, GITHUB_WARNING, "An undo failed", "%s: %s", s->title, s->text);
        else if (s->state == REPORT_STEP_FAILED && kept)
            github_annotate(g, GITHUB_WARNING, "A step after the commit failed",
                            "%s: %s. The new version serves; the next run tries this again.", s->title, s->text);
    }
}

void annotations_print(struct github *g, const struct report *r)
{
    print_outcome(g, r);
    if (!is_good(r))
        print_diagnoses(g, r);
    for (int id = 0; id < KPI_COUNT; id++)
        print_kpi(g, r, (enum kpi_id)id);
    print_warnings(g, r);
}
