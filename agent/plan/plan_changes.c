#include "agent/plan/plan.h"

#include "agent/traffic/strategy.h"
#include "agent/watch/changes.h"

/*
 * What the new image itself sets. Before it is pulled nobody on the host knows; then it is taken to set what the old one does, so
 * that PATH and the like are no change. Inspected into *ret, ended by the caller. 1: neither is known.
 */
static int find_image(struct run *run, struct engine_image *ret, struct err *err)
{
    int r = run->image_ref[0] ? engine_image_inspect(run->engine, run->image_ref, NULL, ret, err) : 1;
    if (r == 1 && run->old.exists)
        r = engine_image_inspect(run->engine, run->old.c.image_id, NULL, ret, err);
    return r;
}

static bool is_set_in(const struct json *env, const char *line)
{
    size_t len = strcspn(line, "=");
    for (const struct json *e = json_first(env); e; e = json_next(e)) {
        const char *other = json_value_str(e, "");
        if (strcspn(other, "=") == len && strncmp(other, line, len) == 0)
            return true;
    }
    return false;
}

/* As the engine makes it of a create request and the image's own settings. */
static struct json *inspected_of(const struct json *body, const struct json *image_config)
{
    struct json *inspected = json_object(), *config = json_object();
    struct json *env = json_copy(json_get(body, "Env"));
    for (const struct json *e = json_first(json_get(image_config, "Env")); e; e = json_next(e))
        if (!is_set_in(json_get(body, "Env"), json_value_str(e, "")))
            json_push_str(env, json_value_str(e, ""));
    const struct json *cmd = json_get(body, "Cmd");
    json_set(config, "Env", env);
    if (cmd || json_is_array(json_get(image_config, "Cmd")))
        json_set(config, "Cmd", json_copy(cmd ? cmd : json_get(image_config, "Cmd")));
    json_set_str(config, "User", json_str(body, "User", json_str(image_config, "User", "")));
    json_set(inspected, "Config", config);
    json_set(inspected, "HostConfig", json_copy(json_get(body, "HostConfig")));
    return inspected;
}

/* The new container on paper; owned by the caller. */
static int draw(struct run *run, struct json **ret, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = NULL;
    struct engine_image image = { 0 };
    struct container_plan plan = {
        .spec = &run->spec,
        .image_ref = run->image_ref[0] ? run->image_ref : run->spec.image,
        .deployment = "plan",
        .digest = run->digest,
        .fingerprint = run->fingerprint[0] ? run->fingerprint : "none",
    };
    run->strategy->ports(run, &plan.port_first, &plan.port_last);
    if (container_plan_to_json(&plan, &body, err) < 0)
        return -(int)err->kind;
    int r = find_image(run, &image, err);
    if (r < 0)
        return r;
    *ret = inspected_of(body, json_get(image.raw, "Config"));
    if (r == 0)
        engine_image_done(&image);
    return 0;
}

int plan_changes(struct plan *p, struct json **ret, struct err *err)
{
    struct run *run = &p->run;
    _cleanup_(json_free_p) struct json *inspected = NULL;
    if (draw(run, &inspected, err) < 0)
        return err_wrap(err, "compare with what serves");
    struct changes_side old =
        run->old.exists ? changes_side_of(&run->old, run->old_policy) : (struct changes_side){ 0 };
    if (run->old.exists && !old.image[0])
        old.image = run->old.c.image;
    const struct changes_side new = {
        .inspected = inspected,
        .image = run->spec.image,
        /* One that could not be found out is no change. */
        .digest = run->digest[0] || !run->old.exists ? run->digest : old.digest,
        .restart_policy = run->final_policy,
    };
    *ret = changes_between(run->old.exists ? &old : NULL, &new);
    return 0;
}
