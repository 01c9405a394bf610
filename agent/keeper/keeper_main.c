/* What runs in the keeper's container (agent/keeper/keeper.h). */
#include "agent/keeper/keeper.h"

#include "agent/recover.h"
#include "agent/state/lock.h"
#include "agent/state/store.h"
#include "agent/traffic/strategy.h"
#include "shared/clock.h"

#include <signal.h>

#define LOOK_EVERY_MS 5000   /* a killed worker gives no event, and may have left the app without a port */
#define TROUBLE_FIRST_MS 500 /* then twice as long each time, up to LOOK_EVERY_MS */

static volatile sig_atomic_t asked_to_end;

static void on_end(int signal_number)
{
    (void)signal_number;
    asked_to_end = 1;
}

/* Blue runs and holds the spare port in place of its own. */
static bool is_astray(struct run *run, struct run_version *blue, struct err *err)
{
    int port, first, last;
    if (run_find(run, run->names.blue, blue, err) != 0 || !blue->c.running ||
        !keeper_ports_of(run->app_fd, &blue->c, &port, &first, &last))
        return false;
    run->spec.port = port;
    return !traffic_holds_port(&blue->c, port) && traffic_bound_port(&blue->c, first, last) != 0;
}

/* Under the lock: nobody else moves anything, and what was seen without it is looked at again. */
static void put_right(struct run *run)
{
    struct err err = { 0 };
    struct run_version blue = { 0 };
    struct lock_owner me = { .pid = getpid() };
    char text[1024];
    _cleanup_(close_p) int lock_fd = -1;
    (void)snprintf(me.deployment, sizeof(me.deployment), "keeper");
    if (lock_take(run->app_fd, &me, 0, NULL, NULL, NULL, &lock_fd, &err) < 0)
        return; /* a run is on its way, and will leave everything right */
    recover_app(run->app, run->app_fd, "", NULL);
    if (is_astray(run, &blue, &err)) {
        int r = traffic_take_port(run, &blue, (int)run->spec.port, &err);
        (void)fprintf(stderr, "keeper: '%s' came up on the spare port: %s\n", run->names.blue,
                      r < 0 ? err_text(&err, text, sizeof(text)) : "put back on its own"); /* docker logs APP-keeper */
    }
    run_version_done(&blue);
}

/* Look without the lock: it is taken only when there is something to do. */
static int look(struct run *run, bool *trouble, struct err *err)
{
    struct run_version blue = { 0 };
    if (run->app_fd < 0 && store_open_app(run->app, &run->app_fd, err) < 0)
        return -(int)err->kind;
    if (!run->engine && engine_open(&run->engine, ENGINE_SOCKET, &asked_to_end, err) < 0)
        return -(int)err->kind;
    *trouble = is_astray(run, &blue, err) || recover_is_due(run->app_fd);
    run_version_done(&blue);
    if (*trouble)
        put_right(run);
    return err->kind ? -(int)err->kind : 0;
}

static void keep(struct run *run)
{
    int64_t pause_ms = TROUBLE_FIRST_MS;
    while (!asked_to_end) {
        struct err err = { 0 };
        bool trouble = false;
        char text[1024];
        int64_t since_s = clock_wall_ms() / 1000; /* what happens while we look is not missed */
        if (look(run, &trouble, &err) < 0)
            (void)fprintf(stderr, "keeper: %s\n", err_text(&err, text, sizeof(text)));
        if (asked_to_end)
            return;
        if (err.kind || trouble) {
            clock_sleep_ms(pause_ms); /* the lock is held, or the engine is not there yet: neither gives an event */
            pause_ms = pause_ms * 2 < LOOK_EVERY_MS ? pause_ms * 2 : LOOK_EVERY_MS;
        } else {
            pause_ms = TROUBLE_FIRST_MS;
            (void)engine_wait_for_start(run->engine, run->names.blue, since_s, LOOK_EVERY_MS, &err);
        }
    }
}

int keeper_main(const char *app, struct err *err)
{
    struct run run;
    struct sigaction end = { .sa_handler = on_end };
    if (!spec_is_app_name(app))
        return err_set(err, ERR_INPUT, 0, "keep wants the name of an app");
    (void)sigaction(SIGTERM, &end, NULL);
    (void)sigaction(SIGINT, &end, NULL);
    run_init(&run);
    (void)snprintf(run.app, sizeof(run.app), "%s", app);
    run_set_names(&run.names, app);
    keep(&run);
    run_done(&run);
    return 0;
}
