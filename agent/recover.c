#include "agent/recover.h"

#include "agent/deploy.h"
#include "agent/finish.h"
#include "agent/request.h"
#include "agent/state/lock.h"
#include "agent/state/store.h"
#include "agent/steps/steps.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/changes.h"
#include "shared/clock.h"

#include <fcntl.h>

#define RECOVER_LOCK_MS 30000  /* the keeper may be at it already; then there is nothing left to do */
#define RECOVER_RECORDS_MAX 20 /* newest records looked at: older unfinished ones cannot own anything any more */

/* Endpoints as the journal has them: Docker forgets those a container was taken off. */
static void restore_endpoints(struct run_version *v, const struct json *endpoints)
{
    size_t n = 0;
    if (!v->exists || json_len(endpoints) == 0)
        return;
    for (const struct json *e = json_first(endpoints); e && n < ENGINE_ENDPOINTS_MAX; e = json_next(e)) {
        struct engine_endpoint *to = &v->c.endpoints[n++];
        memset(to, 0, sizeof(*to));
        (void)snprintf(to->network, sizeof(to->network), "%s", json_str(e, "network", ""));
        (void)snprintf(to->static_ip, sizeof(to->static_ip), "%s", json_str(e, "static_ip", ""));
        if (json_get(e, "aliases")) {
            char key[32];
            (void)snprintf(key, sizeof(key), "bluegreen-aliases-%zu", n); /* lives as long as the version */
            json_set(v->c.raw, key, json_copy(json_get(e, "aliases")));
            to->aliases = json_get(v->c.raw, key);
        }
    }
    v->c.endpoint_count = n;
}

static int find_by_id(struct run *run, const char *id, struct run_version *v, struct err *err)
{
    return id[0] ? run_find(run, id, v, err) : 1;
}

/* The policies tell of a commit that the journal could not: see agent/steps/commit.c. A policy "no" of the user's tells nothing. */
static bool policies_say_committed(const struct run *run)
{
    return run->cand.exists && strcmp(run->cand.c.restart_policy, "no") != 0 && run->old.exists &&
           strcmp(run->old.c.restart_policy, "no") == 0;
}

/* What the run had found and made, from the journal's last facts and Docker. */
static int restore(struct run *run, const struct json *records, bool *committed, bool *touched, struct err *err)
{
    const struct json *facts = NULL;
    for (const struct json *r = json_first(records); r; r = json_next(r)) {
        const char *what = json_str(r, "what", "");
        if (strcmp(what, "facts") == 0)
            facts = json_get(r, "detail");
        else if (strcmp(what, "committed") == 0)
            *committed = true;
        else if (strcmp(what, "intent") == 0 && strcmp(json_str(r, "step", ""), "cutover_time") == 0)
            *touched = true;
    }
    if (!facts)
        return 0; /* it ended before it had found anything */
    if (find_by_id(run, json_str(facts, "old", ""), &run->old, err) < 0 ||
        find_by_id(run, json_str(facts, "cand", ""), &run->cand, err) < 0 ||
        (!run_makes_container(run) && find_by_id(run, json_str(facts, "cand", ""), &run->cand_before, err) < 0))
        return -(int)err->kind;
    *committed = *committed || policies_say_committed(run);
    restore_endpoints(&run->old, json_get(facts, "old_endpoints"));
    restore_endpoints(&run->cand_before, json_get(facts, "cand_endpoints"));
    run->strategy = strategy_by_name(json_str(facts, "strategy", ""));
    run->old_was_running = json_bool(facts, "old_was_running", false);
    run->old_answered = json_bool(facts, "old_answered", false) && !run->by_keeper;
    run->image_was_here = json_bool(facts, "image_was_here", true);
    (void)snprintf(run->old_policy, sizeof(run->old_policy), "%s", json_str(facts, "old_policy", "no"));
    (void)snprintf(run->final_policy, sizeof(run->final_policy), "%s", json_str(facts, "final_policy", "no"));
    (void)snprintf(run->image_ref, sizeof(run->image_ref), "%s", json_str(facts, "image_ref", ""));
    const char *digest = strchr(run->image_ref, '@');
    (void)snprintf(run->digest, sizeof(run->digest), "%s", digest ? digest + 1 : "");
    return 0;
}

/* After a crash the old version may be up without its networks, or down: the undo puts it right, whatever it finds. */
static void undo_unfinished(struct run *run, bool touched)
{
    const struct step *steps = run_steps(run);
    struct err why = { 0 };
    (void)err_set(&why, ERR_REMOTE, 0, "the run was cut off: its worker was killed or the host went down");
    err_hint(&why, "Nothing is left to do: the previous state was restored. Run the deployment again.");
    enum steps_result result = run->strategy ? steps_undo_all(run, steps) : STEPS_UNDONE;
    bool back = touched && run->old.exists;
    enum outcome outcome = !back                    ? OUTCOME_FAILED_UNTOUCHED
                           : result == STEPS_UNDONE ? OUTCOME_ROLLED_BACK
                                                    : OUTCOME_ROLLBACK_FAILED;
    if (back && run->op == WIRE_ROLLBACK)
        outcome = OUTCOME_ROLLBACK_FAILED;
    if (back)
        deploy_note_rollback(run, &why, result == STEPS_UNDONE && !run->by_keeper);
    finish_run(run, outcome, &why);
}

static void settle_unfinished(struct run *run)
{
    struct err err = { 0 };
    run->steps = run_steps(run);
    if (settle_apply(run, &err) < 0)
        run_emit_error(run, EVENT_UNDO_FAILED, "settle", 0, &err);
    err_clear(&err);
    if (!run->changes)
        run->changes = changes_describe(run);
    finish_run(run, run->op == WIRE_ROLLBACK ? OUTCOME_ROLLED_BACK : OUTCOME_DEPLOYED, &err);
}

/* The run's files are open. Bring it to its end. */
static int finish_unfinished(struct run *run, struct err *err)
{
    _cleanup_(json_free_p) struct json *records = NULL;
    bool committed = false, touched = false;
    if (journal_read(run->dir_fd, &records, NULL, err) < 0 || journal_open(&run->journal, run->dir_fd, err) < 0)
        return -(int)err->kind;
    run_ignore_cancel(run);
    if (json_len(records) > 0) {
        if (engine_open(&run->engine, NULL, &run->cancelled, err) < 0 ||
            engine_info(run->engine, &run->engine_info, err) < 0 ||
            restore(run, records, &committed, &touched, err) < 0)
            return err_wrap(err, "recover deployment %s", run->id);
    }
    run_log(run, "warning", "agent", "deployment %s was cut off; bringing it to an end", run->id);
    if (committed && run->cand.exists)
        settle_unfinished(run);
    else
        undo_unfinished(run, touched);
    return 0;
}

/* 0 opened; 1 it has ended already, is not there, or somebody is at it. */
static int open_unfinished(struct run *run, const char *app, int app_fd, const char *id, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    char stamp[CLOCK_STAMP_SIZE];
    (void)snprintf(run->app, sizeof(run->app), "%s", app);
    (void)snprintf(run->id, sizeof(run->id), "%s", id);
    run_set_names(&run->names, app);
    run->app_fd = dup(app_fd);
    int r = store_open_deployment(app_fd, id, &run->dir_fd, err);
    if (r != 0)
        return r;
    r = store_read(run->dir_fd, "outcome.json", &text, err);
    if (r <= 0)
        return r < 0 ? r : 1;
    r = request_load(run, err);
    if (r != 0) /* 1: it died, or is, before its first word, or its removal was cut off: nothing is left to do */
        return r;
    if (redactor_new(&run->redactor, err) < 0)
        return -(int)err->kind;
    (void)clock_format_stamp(run->started_wall_ms, stamp);
    r = eventlog_open(&run->log, run->dir_fd, stamp, run->redactor, err);
    if (r != -ERR_LOCKED)
        return r;
    err_clear(err); /* it runs, or waits for the lock of the app: no loss */
    return 1;
}

/* Cut off between its outcome.json and its last word: say that, so that nobody waits for it. */
static int say_end(struct run *run, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    char stamp[CLOCK_STAMP_SIZE];
    (void)clock_format_stamp(run->started_wall_ms, stamp);
    if (!store_has_request(run->dir_fd))
        return 0; /* a record that is on its way out: nothing is added to it */
    int r = store_read(run->dir_fd, "outcome.json", &text, err);
    if (r == 0)
        r = eventlog_open(&run->log, run->dir_fd, stamp, NULL, err); /* nothing of it is a secret */
    if (r == 0 && !run->log.ended)
        finish_end(run, buf_span(&text));
    return r < 0 ? r : 0;
}

/* silent: nobody writes its log, and its end was not told. by_keeper: recover_app() says what differs. */
static int recover_held(const char *app, int app_fd, const char *id, bool silent, bool by_keeper, struct err *err)
{
    struct run run;
    run_init(&run);
    run.by_keeper = by_keeper;
    int r = open_unfinished(&run, app, app_fd, id, err);
    if (r == 0)
        r = finish_unfinished(&run, err);
    else if (r == 1 && silent && run.dir_fd >= 0)
        r = say_end(&run, err);
    run_done(&run);
    return r < 0 ? r : 0;
}

static bool is_unfinished(int app_fd, const char *id)
{
    _cleanup_(close_p) int dir_fd = -1;
    _cleanup_(close_p) int events_fd = -1;
    struct err ignored = { 0 };
    if (store_open_deployment(app_fd, id, &dir_fd, &ignored) != 0 || faccessat(dir_fd, "outcome.json", F_OK, 0) == 0 ||
        !store_has_request(dir_fd))
        return false;
    events_fd = openat(dir_fd, EVENTLOG_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return events_fd >= 0 && !eventlog_is_written(events_fd);
}

bool recover_is_due(int app_fd)
{
    struct strlist ids = { 0 };
    struct err ignored = { 0 };
    bool due = false;
    (void)store_list_deployments(app_fd, &ids, &ignored);
    for (size_t i = 0; !due && i < ids.len && i < RECOVER_RECORDS_MAX; i++)
        due = is_unfinished(app_fd, ids.items[i]);
    strlist_done(&ids);
    return due;
}

void recover_app(const char *app, int app_fd, const char *except, struct run *told)
{
    struct strlist ids = { 0 };
    struct err err = { 0 };
    (void)store_list_deployments(app_fd, &ids, &err);
    for (size_t i = 0; i < ids.len && i < RECOVER_RECORDS_MAX; i++) {
        if (strcmp(ids.items[i], except) == 0)
            continue;
        err_clear(&err);
        if (recover_held(app, app_fd, ids.items[i], false, !told, &err) < 0 && told) {
            char text[1024];
            run_log(told, "warning", "agent", "could not bring deployment %s to an end: %s", ids.items[i],
                    err_text(&err, text, sizeof(text)));
        }
    }
    strlist_done(&ids);
}

int recover_one(const char *app, const char *id, struct err *err)
{
    _cleanup_(close_p) int app_fd = -1;
    _cleanup_(close_p) int lock_fd = -1;
    struct lock_owner me = { .pid = getpid() };
    (void)snprintf(me.deployment, sizeof(me.deployment), "%s", id);
    if (store_open_app(app, &app_fd, err) < 0 ||
        lock_take(app_fd, &me, RECOVER_LOCK_MS, NULL, NULL, NULL, &lock_fd, err) < 0)
        return -(int)err->kind;
    return recover_held(app, app_fd, id, true, false, err);
}
