/* The last row of a deployment: what nobody needs any more goes. */
#include "agent/prune/prune.h"

#include "agent/request.h"
#include "agent/steps/steps.h"

static void told(struct run *run, const char *text)
{
    run_log(run, "info", "agent", "%s", text);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A version that comes back brings the limits of its day: nothing goes that those of the version before it would keep. */
static struct prune_limits choose_limits(const struct run *run)
{
    _cleanup_(spec_done_p) struct spec before;
    struct err ignored = { 0 };
    struct prune_limits l = prune_limits_of(&run->spec);
    spec_init(&before);
    const char *id =
        run->redeploys && run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_DEPLOYMENT) : "";
    if (!id[0] || request_load_spec(run->app_fd, id, &before, &ignored) != 0)
        return l;
    const struct prune_limits b = prune_limits_of(&before);
    return (struct prune_limits){ .keep_hours = larger(l.keep_hours, b.keep_hours),
                                  .keep_versions = larger(l.keep_versions, b.keep_versions),
                                  .log_retention_days = larger(l.log_retention_days, b.log_retention_days) };
}

int prune_apply(struct run *run, struct err *err)
{
    _cleanup_(prune_facts_done_p) struct prune_facts facts = { 0 };
    const struct prune_limits limits = choose_limits(run);
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
