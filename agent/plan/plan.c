#include "agent/plan/plan.h"

#include "agent/answers/reply.h"
#include "agent/deploy.h"
#include "agent/prune/prune.h"
#include "agent/state/store.h"
#include "agent/traffic/strategy.h"

/* ---- the parts of the report ---- */

static const char *verdict_of(const struct plan *p)
{
    return p->refused ? "refused" : p->same ? "unchanged" : "deploy";
}

static void add_versions(struct json *report, const struct run *run)
{
    const char *image = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_IMAGE) : "";
    json_set_str(report, "image", run->spec.image);
    json_set_str(report, "digest", run->digest);
    json_set_str(report, "previous_image", image[0] ? image : run->old.exists ? run->old.c.image : "");
    json_set_str(report, "previous_digest",
                 run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_DIGEST) : "");
    json_set_str(report, "strategy", run->strategy ? run->strategy->name : run->spec.strategy);
}

static void add_platform(struct json *report, const struct plan *p)
{
    const struct engine_info *info = &p->run.engine_info;
    char host[80] = "";
    struct json *platform = json_object(), *image = json_array();
    if (p->has_engine)
        (void)snprintf(host, sizeof(host), "%s/%s", info->os, info->arch);
    for (size_t i = 0; i < p->image.remote.platform_count; i++)
        json_push_str(image, p->image.remote.platforms[i]);
    json_set_str(platform, "host", host);
    json_set(platform, "image", image);
    json_set_bool(platform, "fits", p->fits);
    json_set(report, "platform", platform);
}

static void add_size(struct json *report, struct plan *p)
{
    int64_t free_bytes = -1, total_bytes, download = -1;
    struct json *size = json_object();
    if (p->has_engine)
        store_disk(p->run.engine_info.root_dir, &free_bytes, &total_bytes);
    if (p->has_engine && p->run.image_ref[0] && check_is_here(&p->run))
        download = 0;
    else if (p->image.size_bytes > 0)
        download = p->image.size_bytes;
    json_set_int(size, "download_bytes", download);
    json_set_int(size, "disk_free_bytes", free_bytes);
    json_set_int(size, "disk_needed_bytes", download < 0 ? -1 : download * CHECK_DISK_FACTOR);
    json_set(report, "size", size);
}

/* The rows that would be gone through. */
static void add_steps(struct json *report, const struct plan *p)
{
    struct json *steps = json_array();
    bool alone = p->run.strategy == &strategy_recreate; /* has nothing to boot beside what serves */
    for (const struct step *s = deploy_steps; !p->refused && s->name; s++) {
        if (alone && strcmp(s->name, "warm_up") == 0)
            continue;
        struct json *step = json_object();
        json_set_str(step, "name", s->name);
        json_set_str(step, "title", s->title);
        json_push(steps, step);
        if (p->same && strcmp(s->name, "compare") == 0)
            break;
    }
    json_set(report, "steps", steps);
}

/* What the row `prune` would remove, and what making room for the names does before it. */
static int add_prune(struct json *report, struct plan *p, struct err *err)
{
    _cleanup_(prune_facts_done_p) struct prune_facts facts = { 0 };
    const struct prune_limits limits = prune_limits_of(&p->run.spec);
    if (!p->refused && !p->same) {
        if (prune_collect(&p->run, &facts, err) < 0)
            return err_wrap(err, "look for what would be pruned");
        prune_foresee(&facts, p->run.digest);
        prune_decide(&facts, &limits);
    }
    json_set(report, "prune", prune_report(p->run.app, &facts, NULL));
    return 0;
}

static int add_changes(struct json *report, struct plan *p, struct err *err)
{
    struct json *changes = NULL;
    int r = p->has_engine && p->run.strategy ? plan_changes(p, &changes, err) : 0;
    if (r == 0)
        json_set(report, "changes", changes ? changes : json_object());
    return r;
}

static int fill(struct json *report, struct plan *p, struct err *err)
{
    bool deploys = !p->refused && !p->same;
    json_set_str(report, "app", p->run.app);
    json_set_str(report, "verdict", verdict_of(p));
    add_versions(report, &p->run);
    if (add_changes(report, p, err) < 0)
        return -(int)err->kind;
    add_platform(report, p);
    add_size(report, p);
    add_steps(report, p);
    if (add_prune(report, p, err) < 0)
        return -(int)err->kind;
    json_set(report, "expected", plan_expected(deploys ? p->run.app_fd : -1, json_str(report, "strategy", "")));
    json_set(report, "problems", TAKE_PTR(p->problems));
    return 0;
}

/* ---- the request ---- */

static int start(struct plan *p, const struct wire_request *request, struct err *err)
{
    struct run *run = &p->run;
    _cleanup_(json_free_p) struct json *copy = spec_to_json(&request->spec, SPEC_WITH_SECRETS);
    (void)snprintf(run->app, sizeof(run->app), "%s", request->app);
    run_set_names(&run->names, run->app);
    if (redactor_new(&run->redactor, err) < 0)
        return -(int)err->kind;
    spec_done(&run->spec);
    if (spec_from_json(copy, &run->spec, err) < 0 || spec_register_secrets(&run->spec, run->redactor, err) < 0)
        return -(int)err->kind; /* nothing may be told that could not be hidden */
    int r = store_find_app(run->app, &run->app_fd, err);
    return r < 0 ? r : 0;
}

int plan_command(const struct wire_request *request, int out_fd, struct err *err)
{
    struct plan p = { .problems = json_array() };
    _cleanup_(event_done_p) struct event ev;
    _cleanup_(json_free_p) struct json *report = json_object();
    event_init(&ev, EVENT_REPORT, "");
    run_init(&p.run);
    int r = start(&p, request, err);
    if (r == 0)
        plan_check(&p);
    if (r == 0)
        r = fill(report, &p, err);
    json_set_str(ev.body, "name", "plan");
    json_set(ev.body, "report", eventlog_redacted(p.run.redactor, report));
    if (r < 0 && p.run.redactor)
        redactor_clean_err(p.run.redactor, err);
    json_free(p.problems);
    run_done(&p.run);
    return r < 0 ? r : reply_event(out_fd, &ev, err);
}
