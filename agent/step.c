#include "agent/step.h"

#include "agent/run.h"
#include "agent/watch/evidence.h"
#include "shared/clock.h"

#define RESTARTS_MAX 3 /* of the engine, outlasted in one step */

static void begin(struct run *run, const struct step *s)
{
    (void)snprintf(run->step_name, sizeof(run->step_name), "%s", s->name);
    run->step_text[0] = '\0';
    run->deadline_ms = clock_mono_ms() + s->timeout_ms;
}

static void emit(struct run *run, enum event_kind kind, const char *step, int64_t took_ms, const char *key,
                 const char *text)
{
    _cleanup_(event_done_p) struct event ev;
    event_init(&ev, kind, step);
    if (took_ms >= 0)
        json_set_seconds(ev.body, "seconds", took_ms);
    json_set_str(ev.body, key, text);
    eventlog_emit(&run->log, &ev);
}

/* One step forward: its result, with everything told and written down. */
static int step_forward(struct run *run, const struct step *s, struct step_record *record, struct err *err)
{
    begin(run, s);
    emit(run, EVENT_STEP_START, s->name, -1, "title", s->title);
    int64_t start = clock_mono_ms();
    int r = run_check(run, err);
    if (r == 0)
        r = journal_append(&run->journal, "intent", s->name, NULL, err);
    if (r == 0 && s->flags & STEP_WHOLE)
        run_hold_cancel(run, true);
    if (r == 0)
        r = s->apply(run, err);
    run_hold_cancel(run, false);
    /* What follows the commit is meant to happen, and may be repeated. */
    for (int again = 0; r < 0 && s->flags & STEP_OPTIONAL && again < RESTARTS_MAX && run_outlast_restart(run, err);
         again++) {
        err_clear(err);
        r = s->apply(run, err);
    }
    record->took_ms = clock_mono_ms() - start;
    if (r < 0) {
        record->status = STEP_FAILED;
        run_emit_error(run, EVENT_STEP_FAILED, s->name, record->took_ms, err);
        return r;
    }
    record->status = r == STEP_SKIPPED ? STEP_WAS_SKIPPED : STEP_OK;
    emit(run, EVENT_STEP_DONE, s->name, record->took_ms, "text", run->step_text);
    /* Done is a help for readers of the journal; the truth is asked of Docker. A full disk must not undo a good step. */
    struct err ignored = { 0 };
    (void)journal_append(&run->journal, s->flags & STEP_COMMIT ? "committed" : "done", s->name, NULL, &ignored);
    return r;
}

static int step_back(struct run *run, const struct step *s)
{
    struct err err = { 0 };
    struct err ignored = { 0 };
    begin(run, s);
    (void)journal_append(&run->journal, "undo", s->name, NULL, &ignored);
    emit(run, EVENT_UNDO_START, s->name, -1, "title", s->title);
    int64_t start = clock_mono_ms();
    int r = s->undo(run, &err);
    for (int again = 0; r < 0 && again < RESTARTS_MAX && run_outlast_restart(run, &err); again++) {
        err_clear(&err);
        r = s->undo(run, &err);
    }
    if (r < 0) {
        run_emit_error(run, EVENT_UNDO_FAILED, s->name, clock_mono_ms() - start, &err);
        return r;
    }
    emit(run, EVENT_UNDO_DONE, s->name, clock_mono_ms() - start, "text", run->step_text);
    (void)journal_append(&run->journal, "undone", s->name, NULL, &ignored);
    return 0;
}

static enum steps_result undo_range(struct run *run, const struct step *steps, size_t from, size_t end)
{
    enum steps_result result = STEPS_UNDONE;
    for (size_t j = end; j-- > from;)
        if (steps[j].undo && step_back(run, &steps[j]) < 0)
            result = STEPS_UNDO_FAILED; /* told; the others are still undone */
    return result;
}

enum steps_result steps_run(struct run *run, const struct step *steps, bool *touched, struct err *err)
{
    size_t keep = 0;
    *touched = false;
    run->steps = steps;
    for (size_t i = 0; steps[i].name; i++) {
        if (steps[i].flags & STEP_TOUCHES)
            *touched = true;
        int r = step_forward(run, &steps[i], &run->records[i], err);
        if (r == STEP_FINISHED)
            return STEPS_NOTHING;
        if (r < 0 && steps[i].flags & STEP_OPTIONAL) {
            err_clear(err);
            continue;
        }
        if (r < 0) {
            (void)err_wrap(err, "step '%s'", steps[i].name);
            evidence_collect(run, err); /* before the undo takes the failed container away */
            run_ignore_cancel(run);     /* an undo is never cut short */
            return undo_range(run, steps, keep, i + 1);
        }
        if (steps[i].flags & STEP_COMMIT)
            keep = i + 1;
    }
    return STEPS_DONE;
}

enum steps_result steps_undo_all(struct run *run, const struct step *steps)
{
    size_t end = 0;
    run->steps = steps;
    while (steps[end].name)
        end++;
    return undo_range(run, steps, 0, end);
}
