#include "agent/traffic/strategy.h"

#include "agent/watch/health.h"

#include <string.h>

#define TURNS_MAX 3 /* one turns a pair; the others are for a port that somebody had for a moment */

const struct strategy *strategy_by_name(const char *name)
{
    static const struct strategy *const all[] = { &strategy_handover, &strategy_recreate };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

int traffic_start(struct run *run, struct run_version *v, struct err *err)
{
    char id[ENGINE_ID_MAX];
    (void)snprintf(id, sizeof(id), "%s", v->c.id);
    bool held = run->cancel_held; /* a start that is cut off may happen after its undo */
    run_hold_cancel(run, true);
    int started = engine_container_start(run->engine, id, err);
    run_hold_cancel(run, held);
    if (started < 0)
        return err_wrap(err, "start container '%s'", v->c.name);
    int r = run_find(run, id, v, err);
    if (r != 0)
        return r < 0 ? r : err_set(err, ERR_DOCKER, 404, "the container vanished right after its start");
    int first, last;
    v->host_port =
        traffic_wanted_ports(&v->c, (int)run->spec.port, &first, &last) ? traffic_bound_port(&v->c, first, last) : 0;
    return 0;
}

int traffic_networks(struct run *run, struct run_version *v, struct traffic_networks *ret, struct err *err)
{
    struct traffic_networks n = { 0 };
    for (size_t i = 0; i < v->c.endpoint_count; i++) {
        struct engine_network network;
        int r = engine_network_inspect(run->engine, v->c.endpoints[i].network, &network, err);
        if (r < 0)
            return r;
        if (r == 1)
            continue;
        if (!network.internal)
            n.endpoint[n.count++] = &v->c.endpoints[i];
        engine_network_done(&network);
    }
    *ret = n;
    return 0;
}

int traffic_disconnect(struct run *run, const struct run_version *v, const struct traffic_networks *n, struct err *err)
{
    for (size_t i = 0; i < n->count; i++)
        if (engine_network_disconnect(run->engine, n->endpoint[i]->network, v->c.id, err) < 0)
            return err_wrap(err, "take '%s' off network '%s'", v->c.name, n->endpoint[i]->network);
    return 0;
}

/* The network that the container was made for: it carries the published ports, so it is connected first. */
static bool is_primary(const struct engine_container *c, const struct engine_endpoint *e)
{
    const char *mode = strcmp(c->network_mode, "default") == 0 ? "bridge" : c->network_mode;
    return strcmp(e->network, mode) == 0;
}

static int connect_one(struct run *run, const struct run_version *v, const struct engine_endpoint *e,
                       const struct engine_container *now, struct err *err)
{
    for (size_t k = 0; k < now->endpoint_count; k++)
        if (strcmp(now->endpoints[k].network, e->network) == 0)
            return 0;
    /* The default bridge takes neither aliases nor static addresses. */
    const struct json *aliases = strcmp(e->network, "bridge") == 0 ? NULL : e->aliases;
    if (engine_network_connect(run->engine, e->network, v->c.id, e->static_ip, aliases, err) < 0)
        return err_wrap(err, "put '%s' on network '%s'", v->c.name, e->network);
    return 0;
}

int traffic_connect(struct run *run, const struct run_version *v, struct err *err)
{
    struct engine_container now;
    int r = engine_container_inspect(run->engine, v->c.id, &now, err);
    if (r != 0)
        return r < 0 ? r : err_set(err, ERR_DOCKER, 404, "container '%s' is gone", v->c.name);
    for (int primary = 1; primary >= 0; primary--)
        for (size_t i = 0; r == 0 && i < v->c.endpoint_count; i++)
            if (is_primary(&v->c, &v->c.endpoints[i]) == (primary == 1))
                r = connect_one(run, v, &v->c.endpoints[i], &now, err);
    engine_container_done(&now);
    return r;
}

static int look_again(struct run *run, struct run_version *v, struct err *err)
{
    char id[ENGINE_ID_MAX];
    (void)snprintf(id, sizeof(id), "%s", v->c.id);
    int r = run_find(run, id, v, err);
    return r == 1 ? err_set(err, ERR_APP_EXITED, 0, "the container vanished") : r;
}

int traffic_take_port(struct run *run, struct run_version *v, int port, struct err *err)
{
    int first, last;
    if (look_again(run, v, err) < 0)
        return -(int)err->kind;
    bool pair = traffic_wanted_ports(&v->c, port, &first, &last) && first != last;
    for (int turns = 0; turns < TURNS_MAX && pair && v->c.running && !traffic_holds_port(&v->c, port); turns++) {
        struct traffic_networks networks;
        if (traffic_networks(run, v, &networks, err) < 0 || traffic_disconnect(run, v, &networks, err) < 0 ||
            traffic_connect(run, v, err) < 0 || look_again(run, v, err) < 0)
            return -(int)err->kind;
    }
    v->host_port = port;
    if (traffic_holds_port(&v->c, port))
        return 0;
    return err_set(err, v->c.running ? ERR_PORT_TAKEN : ERR_APP_EXITED, (int)v->c.exit_code,
                   "the container '%s' %s port %d", v->c.name, v->c.running ? "did not get" : "ended before it had",
                   port);
}

int traffic_restore_old(struct run *run, struct err *err)
{
    struct run_version old = { 0 };
    int first, last;
    int r = traffic_connect(run, &run->old, err);
    if (r == 0)
        r = run_find(run, run->old.c.id, &old, err);
    if (r == 0 && run->old_was_running && !old.c.running) /* a paused one "runs", and cannot be started */
        r = engine_container_start(run->engine, run->old.c.id, err);
    if (r == 0)
        r = engine_container_set_restart_policy(run->engine, run->old.c.id, run->old_policy, err);
    if (r == 0)
        r = run_find(run, run->old.c.id, &old, err);
    if (r == 0 && run->old_was_running && traffic_wanted_ports(&old.c, (int)run->spec.port, &first, &last) &&
        first != last)
        r = traffic_take_port(run, &old, (int)run->spec.port, err);
    if (r != 0)
        return r < 0 ? r : err_set(err, ERR_NO_PREVIOUS, 0, "the old container is gone");
    old.host_port = (int)run->spec.port;
    /* It is held to what it did before: the settings are the new version's, and may name another port or path. */
    if (run->old_was_running && run->old_answered)
        r = health_wait(run, HEALTH_PREVIOUS, &old, 0, err);
    else if (run->old_was_running && !old.c.running)
        r = err_set(err, ERR_APP_EXITED, (int)old.c.exit_code, "the old container does not run any more");
    run_version_done(&old);
    if (r == 0)
        run_text(run, "the previous version %s",
                 run->old_answered      ? "answers again"
                 : run->old_was_running ? "runs again, as it did before"
                                        : "is as it was: stopped");
    return r;
}

bool traffic_holds_port(const struct engine_container *c, int port)
{
    const struct json *ports = json_path(c->raw, "NetworkSettings", "Ports", NULL);
    char wanted[16];
    (void)snprintf(wanted, sizeof(wanted), "%d", port);
    for (const struct json *p = json_first(ports); p; p = json_next(p))
        for (const struct json *b = json_first(p); b; b = json_next(b))
            if (strcmp(json_str(b, "HostPort", ""), wanted) == 0)
                return true;
    return false;
}

int traffic_bound_port(const struct engine_container *c, int first, int last)
{
    for (int port = first; port <= last; port++)
        if (traffic_holds_port(c, port))
            return port;
    return 0;
}

bool traffic_wanted_ports(const struct engine_container *c, int port, int *first, int *last)
{
    const struct json *ports = json_path(c->raw, "HostConfig", "PortBindings", NULL);
    for (const struct json *p = json_first(ports); p; p = json_next(p))
        for (const struct json *b = json_first(p); b; b = json_next(b)) {
            struct span rest = span_of(json_str(b, "HostPort", "")), part;
            int64_t low = 0, high = 0;
            if (!span_split(&rest, '-', &part) || !span_to_int(part, 1, 65535, &low))
                continue;
            if (!span_to_int(rest, 1, 65535, &high))
                high = low;
            if (low <= port && port <= high) {
                *first = (int)low;
                *last = (int)high;
                return true;
            }
        }
    return false;
}
