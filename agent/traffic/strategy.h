/*
 * How production moves from one container to the other. Each strategy is one table of functions; everything else of a
 * run is shared. docs/architecture.md says how to add one.
 */
#ifndef BLUEGREEN_STRATEGY_H
#define BLUEGREEN_STRATEGY_H

#include "agent/run.h"

struct strategy {
    const char *name; /* value of the `strategy` input */
    /* Host ports that a new container publishes: [first, last], the first free one is taken when it joins its network. */
    void (*ports)(const struct run *run, int *first, int *last);
    /*
     * The candidate gets the address of the old version instead of one beside it. Only for versions that never run at
     * once. The host's kernel then knows the address already (as long as the keeper holds the bridge up). Otherwise a
     * request that comes while the container is being started makes it ask by ARP, and ask again only after a second
     * (RETRANS_TIME), for which all later requests wait.
     */
    bool inherits_address;
    /* Prove the candidate before production is touched. May switch run->strategy to a humbler one. STEP_SKIPPED allowed. */
    int (*warm_up)(struct run *run, struct err *err);
    /* Move the port to the candidate. Sets run->cutover_ms. */
    int (*cutover)(struct run *run, struct err *err);
    /* Give the port back to the old version. As every undo: looks at the world. Never called without an old version. */
    int (*cutover_undo)(struct run *run, struct err *err);
};

extern const struct strategy strategy_handover;
extern const struct strategy strategy_recreate;

/* Why the version that serves cannot hand its port over, in words: then recreate is done instead. NULL: it can, or need not. */
const char *strategy_handover_obstacle(const struct run *run);

/* NULL when there is none of that name. */
const struct strategy *strategy_by_name(const char *name);

/*
 * Shared by the strategies (agent/traffic/traffic.c): networks of a running container, without and with a gap in mind.
 */

/* Start the candidate and note which host port it was given. Measures nothing. */
int traffic_start(struct run *run, struct run_version *v, struct err *err);
/* Networks of the version that can carry published ports (not internal, connected now), in order. */
struct traffic_networks {
    size_t count;
    struct engine_endpoint *endpoint[ENGINE_ENDPOINTS_MAX]; /* borrowed from the version */
};
int traffic_networks(struct run *run, struct run_version *v, struct traffic_networks *ret, struct err *err);
int traffic_disconnect(struct run *run, const struct run_version *v, const struct traffic_networks *n, struct err *err);
/* Connect those that are not connected now; with their static address and aliases. */
int traffic_connect(struct run *run, const struct run_version *v, struct err *err);
/*
 * A running version that asks for a pair of ports is to hold `port` of them: the engine may have given it the other one,
 * which is free afterwards, so that taking it off its networks and putting it back turns the pair. *v is looked at anew.
 * -ERR_PORT_TAKEN when it does not get it after all.
 */
int traffic_take_port(struct run *run, struct run_version *v, int port, struct err *err);
/*
 * The end of every cutover_undo: the old version is back on its networks, running if it was, with the policy it had, and
 * answers on the production port.
 */
int traffic_restore_old(struct run *run, struct err *err);
/* Does the container hold this host port now? */
bool traffic_holds_port(const struct engine_container *c, int port);
/* The first host port within [first, last] that the container holds now; 0: none. */
int traffic_bound_port(const struct engine_container *c, int first, int last);
/*
 * The range of host ports, with `port` in it, that the container asks for when it is started. false: it publishes none
 * or asks for any. *first == *last: one port, no range.
 */
bool traffic_wanted_ports(const struct engine_container *c, int port, int *first, int *last);

#endif
