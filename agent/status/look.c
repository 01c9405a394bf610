#include "agent/status/look.h"

#include "agent/state/store.h"
#include "shared/clock.h"

const char *look_role_name(enum look_role role)
{
    static const char *const names[] = { "blue", "green", "next", "" };
    return names[role];
}

void look_memory_done(struct look_memory *m)
{
    engine_free_p(&m->engine);
    json_free(m->entries);
    json_free(m->trend);
    memset(m, 0, sizeof(*m));
}

void look_done(struct look *l)
{
    for (int role = 0; role < LOOK_ROLES; role++) {
        run_version_done(&l->at[role].v);
        if (l->at[role].has_spec)
            spec_done(&l->at[role].spec);
    }
    run_version_done(&l->keeper);
    strlist_done(&l->others);
    json_free_p(&l->entries);
    json_free_p(&l->trend);
    history_done(&l->blue_history);
    run_done(&l->run);
}

static int open_engine(struct look *l, struct look_memory *memory, struct err *err)
{
    struct run *run = &l->run;
    if (memory && memory->engine) {
        run->engine = TAKE_PTR(memory->engine);
        run->engine_info = memory->info;
        return 0;
    }
    if (engine_open(&run->engine, NULL, NULL, err) < 0 || engine_info(run->engine, &run->engine_info, err) < 0)
        return -(int)err->kind;
    return 0;
}

static int ask_engine(struct look *l, struct look_memory *memory, struct err *err)
{
    int r = open_engine(l, memory, err);
    if (r == 0)
        r = look_at_versions(l, memory, err);
    return r;
}

/* The engine may have been restarted since the last question: then its connection and what was known of it are worth nothing. */
static void look_at_engine(struct look *l, struct look_memory *memory)
{
    bool remembered = memory && memory->engine;
    int r = ask_engine(l, memory, &l->engine_error);
    if (r < 0 && remembered) {
        engine_free_p(&l->run.engine);
        err_clear(&l->engine_error);
        r = ask_engine(l, memory, &l->engine_error);
    }
    if (r == 0 && memory)
        memory->info = l->run.engine_info;
}

int look_take(struct look *l, const char *app, int64_t time_ms, struct look_memory *memory, struct err *err)
{
    memset(l, 0, sizeof(*l));
    run_init(&l->run);
    history_init(&l->blue_history);
    l->now_ms = clock_wall_ms();
    l->has_skew = time_ms > 0;
    l->skew_seconds = l->has_skew ? (double)(l->now_ms - time_ms) / 1000 : 0;
    (void)snprintf(l->run.app, sizeof(l->run.app), "%s", app);
    run_set_names(&l->run.names, app);
    if (redactor_new(&l->run.redactor, err) < 0 || store_find_app(app, &l->run.app_fd, err) < 0)
        return -(int)err->kind;
    look_at_engine(l, memory);
    store_disk(l->run.engine_info.root_dir, &l->disk_free_bytes, &l->disk_total_bytes);
    if (look_at_records(l, err) < 0 || look_at_past(l, memory, err) < 0)
        return -(int)err->kind;
    if (memory && l->engine_error.kind == ERR_OK)
        memory->engine = TAKE_PTR(l->run.engine); /* status needs it no more */
    return 0;
}
