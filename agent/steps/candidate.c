#include "agent/steps/steps.h"

#include "agent/keeper/keeper.h"
#include "agent/traffic/slots.h"
#include "agent/traffic/strategy.h"
#include "agent/watch/changes.h"

/*
 * The app's own network has a configured subnet, since static addresses need one. Docker knows best which subnet is
 * free: let it choose one, then make the network again with just that.
 */
static int make_network(struct run *run, struct err *err)
{
    struct engine_network network;
    _cleanup_(json_free_p) struct json *labels = json_object();
    json_set_str(labels, CONTAINER_LABEL_APP, run->app);
    int r = engine_network_create(run->engine, run->names.network, NULL, NULL, labels, err);
    if (r == 0)
        r = engine_network_inspect(run->engine, run->names.network, &network, err);
    if (r != 0)
        return r < 0 ? r : err_set(err, ERR_DOCKER, 404, "the network vanished right after it was made");
    r = engine_network_remove(run->engine, run->names.network, err);
    if (r == 0)
        r = engine_network_create(run->engine, run->names.network, network.subnet, network.gateway, labels, err);
    engine_network_done(&network);
    return r < 0 ? r : 0;
}

static int addresses_in_use(const struct engine_network *network, struct strlist *in_use, struct err *err)
{
    const struct json *containers = json_get(network->raw, "Containers");
    for (const struct json *c = json_first(containers); c; c = json_next(c))
        if (strlist_add(in_use, span_of(json_str(c, "IPv4Address", "")), err) < 0)
            return -(int)err->kind;
    return 0;
}

/* The address of the old version on the app's network; NULL when it has none. */
static const char *inherited_address(const struct run *run)
{
    if (!run->old_was_running || !run->strategy->inherits_address)
        return NULL;
    for (size_t i = 0; i < run->old.c.endpoint_count; i++)
        if (strcmp(run->old.c.endpoints[i].network, run->names.network) == 0 && run->old.c.endpoints[i].ip[0])
            return run->old.c.endpoints[i].ip;
    return NULL;
}

/* Make sure of the app's network and pick the slot that is free. address "": the network takes no static addresses. */
static int pick_address(struct run *run, char address[SLOTS_ADDRESS_SIZE], struct err *err)
{
    struct engine_network network;
    struct strlist in_use = { 0 };
    struct slots slots;
    int r = engine_network_inspect(run->engine, run->names.network, &network, err);
    if (r == 1) {
        if (make_network(run, err) < 0)
            return err_wrap(err, "make network '%s'", run->names.network);
        r = engine_network_inspect(run->engine, run->names.network, &network, err);
    }
    if (r != 0)
        return r < 0 ? r : err_set(err, ERR_DOCKER, 404, "network '%s' vanished", run->names.network);
    address[0] = '\0';
    const char *inherited = inherited_address(run);
    if (network.subnet_configured && inherited) {
        (void)snprintf(address, SLOTS_ADDRESS_SIZE, "%s", inherited);
    } else if (network.subnet_configured) {
        r = addresses_in_use(&network, &in_use, err);
        if (r == 0)
            r = slots_of_subnet(network.subnet, &slots, err);
        if (r == 0)
            r = slots_pick(&slots, &in_use, address, err);
    }
    strlist_done(&in_use);
    engine_network_done(&network);
    return r;
}

static int join_networks(struct run *run, const char *id, struct err *err)
{
    _cleanup_(json_free_p) struct json *aliases = json_array();
    json_push_str(aliases, run->app);
    for (size_t i = 0; i < run->spec.networks.len; i++)
        if (engine_network_connect(run->engine, run->spec.networks.items[i], id, "", aliases, err) < 0)
            return err_wrap(err, "join network '%s'", run->spec.networks.items[i]);
    return 0;
}

int candidate_apply(struct run *run, struct err *err)
{
    char address[SLOTS_ADDRESS_SIZE], id[ENGINE_ID_MAX];
    _cleanup_(json_free_p) struct json *body = NULL;
    if (pick_address(run, address, err) < 0)
        return -(int)err->kind;
    struct container_plan plan = {
        .spec = &run->spec,
        .image_ref = run->image_ref,
        .deployment = run->id,
        .digest = run->digest,
        .fingerprint = run->fingerprint,
        .network = run->names.network,
        .static_ip = address,
        .restart_policy = "no", /* uncommitted means old: the candidate does not survive a reboot */
        .previous = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_DEPLOYMENT) : "",
    };
    run->strategy->ports(run, &plan.port_first, &plan.port_last);
    if (container_plan_to_json(&plan, &body, err) < 0)
        return -(int)err->kind;
    if (engine_container_create(run->engine, run->names.next, body, id, err) < 0)
        return err_wrap(err, "create container '%s'", run->names.next);
    if (join_networks(run, id, err) < 0)
        return -(int)err->kind;
    int r = run_find(run, id, &run->cand, err);
    if (r != 0)
        return r < 0 ? r : err_set(err, ERR_DOCKER, 404, "the container vanished right after it was made");
    run->changes = changes_describe(run);
    run_text(run, "container '%s' from %s", run->names.next, run->image_ref);
    return preflight_journal_facts(run, err);
}

/* Nothing served before and nothing does now: keeper and network go, unless green still needs them to be started. */
static int leave_nothing(struct run *run, struct err *err)
{
    struct run_version green = { 0 };
    int r = run_find(run, run->names.green, &green, err);
    run_version_done(&green);
    if (r != 1)
        return r;
    r = keeper_remove(run, err);
    if (r == 0)
        r = engine_network_remove(run->engine, run->names.network, err);
    return r < 0 ? r : 0;
}

int candidate_undo(struct run *run, struct err *err)
{
    struct run_version next = { 0 };
    int r = run_find(run, run->names.next, &next, err);
    if (r == 0 && strcmp(engine_container_label(&next.c, CONTAINER_LABEL_APP), run->app) == 0) {
        /* The end of a failed version is not waited for, but it gets the chance to end by itself. */
        if (next.c.running)
            r = engine_container_stop(run->engine, next.c.id,
                                      run->spec.stop_timeout_s < 2 ? run->spec.stop_timeout_s : 2, err);
        if (r == 0)
            r = engine_container_remove(run->engine, next.c.id, err);
    }
    run_version_done(&next);
    if (r < 0)
        return err_wrap(err, "remove '%s'", run->names.next);
    return run->old.exists ? 0 : leave_nothing(run, err);
}
