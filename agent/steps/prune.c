/* The last row of a deployment: what nobody needs any more goes. */
#include "agent/prune/prune.h"

#include "agent/steps/steps.h"

static void told(struct run *run, const char *text)
{
    run_log(run, "info", "agent", "%s", text);
}

int prune_apply(struct run *run, struct err *err)
{
    _cleanup_(prune_facts_done_p) struct prune_facts facts = { 0 };
    const struct prune_limits limits = prune_limits_of(&run->spec);
    struct prune_done done;
    if (prune_collect(run, &facts, err) < 0)
        return err_wrap(err, "look for what may go");
    /* What this run brought serves, whatever its container is called by now. */
    (void)snprintf(facts.serves_digest, sizeof(facts.serves_digest), "%s", run->digest);
    prune_decide(&facts, &limits);
    if (prune_carry_out(run, &facts, told, &done, err) < 0)
        return -(int)err->kind;
    run_text(run, "%zu containers, %zu images, %zu deployment records", done.containers, done.images, done.records);
    return 0;
}
