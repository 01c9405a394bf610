#include "cmd/report/report.h"

static const char *const targets[REPORT_TARGETS] = { "candidate", "production", "previous" };

void report_init(struct report *r, enum wire_op op, const char *app, const char *deployment)
{
    memset(r, 0, sizeof(*r));
    r->op = op;
    r->outcome = OUTCOME_UNKNOWN;
    (void)snprintf(r->app, sizeof(r->app), "%s", app ? app : "");
    (void)snprintf(r->deployment, sizeof(r->deployment), "%s", deployment ? deployment : "");
    for (size_t i = 0; i < REPORT_TARGETS; i++)
        r->counts[i].target = targets[i];
}

void report_done(struct report *r)
{
    json_free(r->facts);
    json_free(r->answer);
    json_free(r->rollback_facts);
    for (size_t i = 0; i < r->diagnosis_count; i++)
        buf_done(&r->diagnoses[i].evidence);
    memset(r, 0, sizeof(*r));
}

/* A member's text into a field; cut text is no error. */
static void take(char *field, size_t size, const struct json *body, const char *key)
{
    (void)snprintf(field, size, "%s", json_str(body, key, ""));
}

static struct report_step *add_step(struct report *r, const struct event *ev, bool undo)
{
    struct report_step *s = NULL;

    if (r->step_count == REPORT_STEPS_MAX) {
        r->steps_left_out++;
        return NULL;
    }
    s = &r->steps[r->step_count++];
    *s = (struct report_step){ .start_ms = ev->t_ms, .seconds = -1, .undo = undo };
    (void)snprintf(s->name, sizeof(s->name), "%s", ev->step);
    take(s->title, sizeof(s->title), ev->body, "title");
    if (!s->title[0])
        (void)snprintf(s->title, sizeof(s->title), "%s", ev->step);
    return s;
}

static struct report_step *running_step(struct report *r, const struct event *ev, bool undo)
{
    for (size_t i = r->step_count; i-- > 0;) {
        struct report_step *s = &r->steps[i];
        if (s->undo == undo && s->state == REPORT_STEP_RUNNING && strcmp(s->name, ev->step) == 0)
            return s;
    }
    return NULL;
}

static void end_step(struct report *r, const struct event *ev, bool undo, bool failed)
{
    struct report_step *s = running_step(r, ev, undo);
    const struct json *error = json_get(ev->body, "error");

    if (!s)
        s = add_step(r, ev, undo);
    if (failed && !undo && !r->failed_step[0])
        (void)snprintf(r->failed_step, sizeof(r->failed_step), "%s", ev->step);
    if (!s)
        return;
    s->state = failed ? REPORT_STEP_FAILED : REPORT_STEP_DONE;
    s->seconds = json_num(ev->body, "seconds", -1);
    if (failed)
        take(s->text, sizeof(s->text), error, "message");
    else
        take(s->text, sizeof(s->text), ev->body, "text");
}

static void add_sample(struct report *r, const struct event *ev)
{
    const char *target = json_str(ev->body, "target", "");
    bool ok = json_bool(ev->body, "ok", false);
    struct report_sample *s = NULL;

    for (size_t i = 0; i < REPORT_TARGETS; i++) {
        if (strcmp(r->counts[i].target, target) == 0) {
            r->counts[i].seen++;
            r->counts[i].failed += ok ? 0 : 1;
        }
    }
    if (ok || r->sample_count == REPORT_SAMPLES_MAX)
        return;
    s = &r->samples[r->sample_count++];
    (void)snprintf(s->target, sizeof(s->target), "%s", target);
    s->attempt = json_int(ev->body, "attempt", 0);
    s->status = json_int(ev->body, "status", 0);
    s->ms = json_num(ev->body, "ms", -1);
    take(s->error, sizeof(s->error), ev->body, "error");
}

static void add_diagnosis(struct report *r, const struct event *ev)
{
    struct report_diagnosis *d = NULL;
    const struct json *line = NULL;

    if (r->diagnosis_count == REPORT_DIAGNOSES_MAX)
        return;
    d = &r->diagnoses[r->diagnosis_count++];
    take(d->code, sizeof(d->code), ev->body, "code");
    take(d->cause, sizeof(d->cause), ev->body, "cause");
    take(d->next, sizeof(d->next), ev->body, "next");
    buf_init(&d->evidence, EVENT_LINE_MAX);
    for (line = json_first(json_get(ev->body, "evidence")); line; line = json_next(line)) {
        buf_adds(&d->evidence, json_value_str(line, ""));
        buf_addc(&d->evidence, '\n');
    }
    if (d->evidence.len > REPORT_EVIDENCE_MAX)
        buf_consume(&d->evidence, d->evidence.len - REPORT_EVIDENCE_MAX);
}

static void add_warning(struct report *r, const struct event *ev)
{
    if (r->warning_count >= REPORT_WARNINGS_MAX || strcmp(json_str(ev->body, "level", ""), "warning") != 0 ||
        strcmp(json_str(ev->body, "source", ""), "agent") != 0)
        return;
    take(r->warnings[r->warning_count], sizeof(r->warnings[0]), ev->body, "text");
    r->warning_count++;
}

static void add_answer(struct report *r, const struct event *ev)
{
    bool cut = r->answer_size.cut;

    answer_add(ev, r->answer_name, &r->answer, &r->answer_size);
    if (r->answer_size.cut && !cut && r->warning_count < REPORT_WARNINGS_MAX)
        (void)snprintf(r->warnings[r->warning_count++], sizeof(r->warnings[0]),
                       "the answer is longer than what is kept of one: entries behind the first %zu are left out",
                       r->answer_size.entries);
}

static void set_outcome(struct report *r, const struct event *ev)
{
    json_free(r->facts);
    r->facts = json_copy(ev->body);
    r->told = true;
    r->outcome = outcome_from_name(json_str(ev->body, "outcome", ""));
    err_clear(&r->cause);
    if (json_is_object(json_get(ev->body, "error")))
        event_error_from_json(json_get(ev->body, "error"), &r->cause);
}

bool report_is_question(enum wire_op op)
{
    switch (op) {
    case WIRE_STATUS:
    case WIRE_HISTORY:
    case WIRE_LOGS:
    case WIRE_DIAGNOSE:
    case WIRE_PRUNE:
    case WIRE_PLAN:
    case WIRE_BUNDLE:
        return true;
    case WIRE_DEPLOY:
    case WIRE_ROLLBACK:
    case WIRE_ATTACH:
    case WIRE_CANCEL:
    case WIRE_INVALID:
        break;
    }
    return false;
}

void report_event(struct report *r, const struct event *ev)
{
    if (ev->seq > 0)
        r->events++;
    switch (ev->kind) {
    case EVENT_HELLO:
        take(r->agent_version, sizeof(r->agent_version), ev->body, "agent");
        break;
    case EVENT_STEP_START:
        (void)add_step(r, ev, false);
        break;
    case EVENT_STEP_DONE:
        end_step(r, ev, false, false);
        break;
    case EVENT_STEP_FAILED:
        end_step(r, ev, false, true);
        break;
    case EVENT_UNDO_START:
        (void)add_step(r, ev, true);
        break;
    case EVENT_UNDO_DONE:
        end_step(r, ev, true, false);
        break;
    case EVENT_UNDO_FAILED:
        end_step(r, ev, true, true);
        break;
    case EVENT_HEALTH_SAMPLE:
        add_sample(r, ev);
        break;
    case EVENT_DIAGNOSIS:
        add_diagnosis(r, ev);
        break;
    case EVENT_REPORT:
        add_answer(r, ev);
        break;
    case EVENT_OUTCOME:
        set_outcome(r, ev);
        break;
    case EVENT_LOG:
        add_warning(r, ev);
        break;
    case EVENT_STEP_PROGRESS:
    case EVENT_METRIC:
    case EVENT_DATA:
    case EVENT_END:
    case EVENT_INVALID:
    case EVENT_KINDS:
        break;
    }
}

/* Can a request of this kind end so? An answer to another question proves nothing about this one. */
static bool is_answer(const struct report *r)
{
    switch (r->outcome) {
    case OUTCOME_DEPLOYED:
        return r->op == WIRE_DEPLOY;
    case OUTCOME_UNCHANGED:
    case OUTCOME_ROLLED_BACK:
    case OUTCOME_ROLLBACK_FAILED:
        return r->op == WIRE_DEPLOY || r->op == WIRE_ROLLBACK;
    case OUTCOME_FAILED_UNTOUCHED:
        return true;
    case OUTCOME_REPORTED:
        return r->op == WIRE_BUNDLE || r->op == WIRE_LOGS || (report_is_question(r->op) && r->answer);
    case OUTCOME_UNKNOWN:
    default:
        return false;
    }
}

static enum outcome told_outcome(struct report *r)
{
    if (report_is_question(r->op) && r->answer && !r->told)
        return OUTCOME_REPORTED;
    if (r->told && r->outcome != OUTCOME_UNKNOWN && !is_answer(r)) {
        err_set(&r->cause, ERR_PROTO, 0, "the agent answered with the outcome '%s', which does not fit the request",
                outcome_name(r->outcome));
        return report_is_question(r->op) ? OUTCOME_FAILED_UNTOUCHED : OUTCOME_UNKNOWN;
    }
    if (!r->told || r->outcome == OUTCOME_UNKNOWN) {
        if (!r->told || r->cause.kind == ERR_OK) /* the agent's own reason says more */
            err_set(&r->cause, ERR_PROTO, 0, "the agent ended without telling an outcome this version knows");
        return OUTCOME_UNKNOWN;
    }
    return r->outcome;
}

void report_end(struct report *r, int result, const struct err *err)
{
    if (result == 0) {
        r->outcome = told_outcome(r);
        return;
    }
    /* an outcome without its `end` may be half the truth */
    r->cause = *err;
    r->outcome = err->kind == ERR_INPUT && r->events == 0 ? OUTCOME_FAILED_UNTOUCHED : OUTCOME_UNKNOWN;
    if (report_is_question(r->op))
        r->outcome = OUTCOME_FAILED_UNTOUCHED;
}

void report_never_sent(struct report *r, const struct err *err)
{
    r->cause = *err;
    r->outcome = OUTCOME_FAILED_UNTOUCHED;
}

static void adopt_steps(struct report *r, const struct report *rollback)
{
    for (size_t i = 0; i < rollback->step_count; i++) {
        if (r->step_count == REPORT_STEPS_MAX) {
            r->steps_left_out += rollback->step_count - i;
            return;
        }
        r->steps[r->step_count] = rollback->steps[i];
        r->steps[r->step_count++].undo = true;
    }
}

void report_adopt_rollback(struct report *r, const struct report *rollback, const struct err *why)
{
    r->cause = *why;
    adopt_steps(r, rollback);
    (void)snprintf(r->rollback_id, sizeof(r->rollback_id), "%s", rollback->deployment);
    json_free(r->rollback_facts);
    r->rollback_facts = rollback->facts ? json_copy(rollback->facts) : NULL;
    if (rollback->outcome == OUTCOME_ROLLED_BACK || rollback->outcome == OUTCOME_UNKNOWN) {
        r->outcome = rollback->outcome;
        return;
    }
    r->outcome = OUTCOME_ROLLBACK_FAILED;
    err_hint(&r->cause, "Look which version serves (`command: status`), then take the previous one back with "
                        "`command: rollback`.");
    if (rollback->cause.kind != ERR_OK) {
        char text[ERR_TEXT_MAX];
        err_wrap(&r->cause, "the rollback failed (%s)", err_text(&rollback->cause, text, sizeof(text)));
    } else {
        err_wrap(&r->cause, "not rolled back: another deployment serves by now");
    }
}

const char *report_str(const struct report *r, const char *key)
{
    return json_str(r->facts, key, "");
}

size_t report_image_len(const char *image)
{
    const char *slash = strrchr(image, '/');
    size_t name = slash ? (size_t)(slash - image) : 0, digest = name + strcspn(image + name, "@");
    bool has_tag = memchr(image + name, ':', digest - name) != NULL;

    return has_tag ? digest : strlen(image);
}

double report_num(const struct report *r, const char *key)
{
    return json_num(r->facts, key, -1);
}

static const struct json *kpi_facts(const struct report *r, enum kpi_id id)
{
    return json_path(r->facts, "kpi", kpi_name(id), NULL);
}

enum kpi_verdict report_kpi(const struct report *r, enum kpi_id id)
{
    const char *name = json_str(kpi_facts(r, id), "verdict", "");

    for (int v = KPI_NOT_MEASURED; v <= KPI_CRITICAL; v++)
        if (strcmp(name, kpi_verdict_name((enum kpi_verdict)v)) == 0)
            return (enum kpi_verdict)v;
    return KPI_NOT_MEASURED;
}

double report_kpi_seconds(const struct report *r, enum kpi_id id, struct kpi_limits *limits)
{
    const struct json *k = kpi_facts(r, id);

    limits->target = json_num(k, "target", -1);
    limits->warning = json_num(k, "warning", -1);
    limits->critical = json_num(k, "critical", -1);
    return json_num(k, "seconds", -1);
}

bool report_has_critical_kpi(const struct report *r)
{
    for (int id = 0; id < KPI_COUNT; id++)
        if (report_kpi(r, (enum kpi_id)id) == KPI_CRITICAL)
            return true;
    return false;
}

int report_exit_code(const struct report *r, bool fail_on_kpi)
{
    bool good = r->outcome == OUTCOME_DEPLOYED || r->outcome == OUTCOME_UNCHANGED;

    if (good && r->cause.kind == ERR_VERIFY)
        return err_kind_exit_code(ERR_VERIFY);
    if (good && fail_on_kpi && report_has_critical_kpi(r))
        return err_kind_exit_code(ERR_KPI);
    return outcome_exit_code(r->outcome, r->op == WIRE_ROLLBACK, r->cause.kind);
}
