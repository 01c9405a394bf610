/*
 * The commit and what follows from it.
 *
 * Uncommitted means old: until the commit the candidate's restart policy is "no" and the old one's is "always". The
 * commit gives the candidate its policy and takes the old one's away; when the second call has returned, a reboot brings
 * the new version, and the journal says "committed". settle then stops the old version and gives both their names; it
 * may be repeated at any time.
 */
#include "agent/steps/steps.h"

#include "agent/keeper/keeper.h"
#include "agent/traffic/strategy.h"

int commit_apply(struct run *run, struct err *err)
{
    if (engine_container_set_restart_policy(run->engine, run->cand.c.id, run->final_policy, err) < 0)
        return err_wrap(err, "let the new version survive a reboot");
    if (run->old.exists && engine_container_set_restart_policy(run->engine, run->old.c.id, "no", err) < 0)
        return err_wrap(err, "keep the old version from coming back");
    run->committed = true;
    run_ignore_cancel(run);
    run_text(run, "restart policy '%s'; the old version stays as it is, for the way back", run->final_policy);
    return 0;
}

int commit_undo(struct run *run, struct err *err)
{
    int r = run->cand.exists ? engine_container_set_restart_policy(run->engine, run->cand.c.id, "no", err) : 0;
    if (r < 0 && err->code == 404) {
        err_clear(err); /* it is gone already */
        r = 0;
    }
    return r; /* the old one's policy is given back with the port */
}

/* Make `name` free: an older version that has it is removed; the two that count are left alone. */
static int free_name(struct run *run, const char *name, struct err *err)
{
    struct run_version there = { 0 };
    int r = run_find(run, name, &there, err);
    if (r == 0 && strcmp(there.c.id, run->cand.c.id) != 0 &&
        (!run->old.exists || strcmp(there.c.id, run->old.c.id) != 0))
        r = engine_container_remove(run->engine, there.c.id, err);
    run_version_done(&there);
    return r < 0 ? err_wrap(err, "make the name '%s' free", name) : 0;
}

static int rename_to(struct run *run, const char *id, const char *name, struct err *err)
{
    if (engine_container_rename(run->engine, id, name, err) < 0)
        return err_wrap(err, "name a container '%s'", name);
    return 0;
}

/* The candidate becomes blue, the old one green, whatever names both have now. */
static int give_names(struct run *run, struct err *err)
{
    struct run_version green = { 0 };
    /* Without an old version there is no new green: the one that is kept stays the way back. */
    int r = run->old.exists ? free_name(run, run->names.green, err) : 0;
    if (r == 0 && run->old.exists) {
        r = run_find(run, run->names.green, &green, err);
        bool cand_is_green = r == 0 && strcmp(green.c.id, run->cand.c.id) == 0;
        run_version_done(&green);
        if (r >= 0 && cand_is_green) {
            r = free_name(run, run->names.next, err);
            if (r == 0)
                r = rename_to(run, run->cand.c.id, run->names.next, err);
        }
        if (r >= 0)
            r = rename_to(run, run->old.c.id, run->names.green, err);
    }
    if (r >= 0)
        r = free_name(run, run->names.blue, err);
    if (r >= 0)
        r = rename_to(run, run->cand.c.id, run->names.blue, err);
    return r < 0 ? r : 0;
}

int settle_apply(struct run *run, struct err *err)
{
    struct err names = { 0 };
    int named = give_names(run, &names); /* quick, and what people look at: before the old one's grace time */
    if (run->old.exists && engine_container_stop(run->engine, run->old.c.id, run->spec.stop_timeout_s, err) < 0)
        return err_wrap(err, "stop the old version");
    /* Stopped, its networks are settings only: with them it can be started again, by us or by hand. */
    if (run->old.exists && traffic_connect(run, &run->old, err) < 0)
        return -(int)err->kind;
    if (named < 0) {
        *err = names;
        return named;
    }
    if (keeper_ensure(run, err) < 0)
        return -(int)err->kind;
    if (run->old.exists)
        run_text(run, "'%s' serves; '%s' is kept, stopped", run->names.blue, run->names.green);
    else
        run_text(run, "'%s' serves", run->names.blue);
    return 0;
}

int settle_who_is_blue(struct run *run, const char **ret_name, struct err *err)
{
    const char *from[] = { run->names.next, run->names.green };
    struct run_version v = { 0 };
    int r = run_find(run, run->names.blue, &v, err);
    bool serves = r == 0 && v.c.running;
    *ret_name = run->names.blue;
    for (size_t i = 0; r >= 0 && !serves && i < 2; i++) {
        r = run_find(run, from[i], &v, err);
        serves = r == 0 && v.c.running && strcmp(engine_container_label(&v.c, CONTAINER_LABEL_APP), run->app) == 0;
        if (serves)
            *ret_name = from[i];
    }
    run_version_done(&v);
    return r < 0 ? r : 0;
}

int settle_names_left(struct run *run, struct err *err)
{
    const char *name;
    int r = settle_who_is_blue(run, &name, err);
    if (r == 0 && strcmp(name, run->names.blue) != 0) {
        run_log(run, "warning", "agent", "'%s' runs and '%s' does not: it takes that name", name, run->names.blue);
        r = run_find(run, run->names.blue, &run->old, err);
        if (r >= 0)
            r = run_find(run, name, &run->cand, err);
        if (r >= 0)
            r = give_names(run, err);
    }
    run_version_done(&run->old);
    run_version_done(&run->cand);
    return r < 0 ? r : 0;
}
