/*
 * Tidying up after a good deployment: only what carries this app's labels or stands in this app's records. Never what
 * serves, green, or an image that was deployed within keep-hours.
 */
#include "agent/steps/prune.h"

#include "agent/state/store.h"
#include "agent/steps/steps.h"
#include "shared/clock.h"

#define HOUR_MS (3600LL * 1000)

bool prune_may_go(bool in_use, int64_t last_used_ms, int64_t now_ms, int64_t keep_hours)
{
    return !in_use && last_used_ms >= 0 && now_ms - last_used_ms >= keep_hours * HOUR_MS;
}

static bool is_kept_name(const struct run *run, const struct json *container)
{
    for (const struct json *n = json_first(json_get(container, "Names")); n; n = json_next(n)) {
        const char *name = json_value_str(n, "");
        name += name[0] == '/';
        if (strcmp(name, run->names.blue) == 0 || strcmp(name, run->names.green) == 0 ||
            strcmp(name, run->names.keeper) == 0)
            return true;
    }
    return false;
}

static int prune_containers(struct run *run, int *count, struct err *err)
{
    _cleanup_(json_free_p) struct json *all = NULL;
    char label[SPEC_APP_MAX + 64];
    (void)snprintf(label, sizeof(label), "%s=%s", CONTAINER_LABEL_APP, run->app);
    if (engine_container_list(run->engine, label, &all, err) < 0)
        return -(int)err->kind;
    for (const struct json *c = json_first(all); c; c = json_next(c)) {
        if (is_kept_name(run, c) || strcmp(json_str(c, "State", ""), "running") == 0)
            continue;
        if (engine_container_remove(run->engine, json_str(c, "Id", ""), err) < 0)
            return -(int)err->kind;
        (*count)++;
    }
    return 0;
}

/* Is the image (a reference repo@digest) the one of blue or green? */
static bool in_use(struct run *run, const char *digest)
{
    return strcmp(digest, run->digest) == 0 ||
           (run->old.exists && strcmp(digest, engine_container_label(&run->old.c, CONTAINER_LABEL_DIGEST)) == 0);
}

/* While a container is there, so is the record of what made it: it tells which of its variables are secret. */
static bool made_by(const struct run_version *v, const char *id)
{
    return v->exists && strcmp(id, engine_container_label(&v->c, CONTAINER_LABEL_DEPLOYMENT)) == 0;
}

/* Go through the records: remove images nobody needs, and records that are old. */
static int prune_records(struct run *run, int *images, int *records, struct err *err)
{
    struct strlist ids = { 0 }, seen = { 0 };
    int64_t now = clock_wall_ms();
    int r = store_list_deployments(run->app_fd, &ids, err);
    for (size_t i = 0; r == 0 && i < ids.len; i++) {
        _cleanup_(close_p) int dir_fd = -1;
        _cleanup_(json_free_p) struct json *outcome = NULL;
        _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
        struct err ignored = { 0 };
        if (strcmp(ids.items[i], run->id) == 0 ||
            store_open_deployment(run->app_fd, ids.items[i], &dir_fd, &ignored) != 0 ||
            store_read(dir_fd, "outcome.json", &text, &ignored) != 0 ||
            json_parse(buf_span(&text), &outcome, &ignored) < 0)
            continue; /* not ours to judge: unfinished, or of a later version */
        int64_t ended = clock_parse_iso(json_str(outcome, "ended", ""));
        const char *digest = json_str(outcome, "digest", "");
        const char *image = json_str(outcome, "image_ref", "");
        /* Newest first: the first record of a digest tells when it was last used. */
        if (image[0] && !strlist_has(&seen, digest)) {
            r = strlist_add(&seen, span_of(digest), err);
            if (r == 0 && prune_may_go(in_use(run, digest), ended, now, run->spec.keep_hours) &&
                engine_image_remove(run->engine, image, &ignored) == 0)
                (*images)++;
        }
        bool kept = made_by(&run->old, ids.items[i]) || made_by(&run->cand, ids.items[i]);
        if (r == 0 && !kept && ended >= 0 && now - ended >= run->spec.log_retention_days * 24 * HOUR_MS &&
            store_remove_deployment(run->app_fd, ids.items[i], &ignored) == 0)
            (*records)++;
    }
    strlist_done(&ids);
    strlist_done(&seen);
    return r;
}

int prune_apply(struct run *run, struct err *err)
{
    int containers = 0, images = 0, records = 0;
    if (prune_containers(run, &containers, err) < 0 || prune_records(run, &images, &records, err) < 0)
        return -(int)err->kind;
    run_text(run, "%d containers, %d images, %d deployment records", containers, images, records);
    return 0;
}
