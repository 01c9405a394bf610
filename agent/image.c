#include "agent/steps.h"

#include "agent/health.h"
#include "agent/keeper.h"
#include "shared/clock.h"

#include <inttypes.h>

static struct engine_auth auth_of(const struct run *run)
{
    return (struct engine_auth){
        .server = run->ref.registry,
        .username = run->spec.registry_username,
        .password = run->spec.registry_password,
    };
}

int login_apply(struct run *run, struct err *err)
{
    if (reference_parse(run->spec.image, &run->ref, err) < 0)
        return -(int)err->kind;
    if (!run->spec.registry_username[0]) {
        run_text(run, "no registry-username: pulling without login");
        return STEP_SKIPPED;
    }
    const struct engine_auth auth = auth_of(run);
    if (engine_registry_login(run->engine, &auth, err) < 0)
        return err_wrap(err, "log in to %s as '%s'", run->ref.registry, run->spec.registry_username);
    run_text(run, "%s accepted '%s'", run->ref.registry, run->spec.registry_username);
    return 0;
}

/* The tag may move while we work: from here on the version is its digest. */
static int resolve(struct run *run, const struct engine_auth *auth, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(sizeof(run->image_ref) - 1);
    if (run->ref.digest[0]) {
        (void)snprintf(run->digest, sizeof(run->digest), "%s", run->ref.digest);
    } else {
        reference_format(&run->ref, &text);
        if (engine_image_remote_digest(run->engine, buf_str(&text), auth, run->digest, err) < 0)
            return err_wrap(err, "ask the registry for '%s'", run->spec.image);
        if (!run->digest[0])
            return err_set(err, ERR_REGISTRY, 0, "the registry told no digest for '%s'", run->spec.image);
    }
    buf_reset(&text);
    reference_format_digest(&run->ref, run->digest, &text);
    if (buf_check(&text, err) < 0)
        return err_wrap(err, "image reference");
    (void)snprintf(run->image_ref, sizeof(run->image_ref), "%s", buf_str(&text));
    return 0;
}

static void progress(void *ctx, const struct engine_pull_progress *p)
{
    struct run *run = ctx;
    if (p->layers == 0)
        return; /* nothing known yet */
    _cleanup_(event_done_p) struct event ev;
    char text[200];
    (void)snprintf(text, sizeof(text), "%u of %u layers, %.1f of %.1f MB", p->layers_done, p->layers,
                   (double)p->current / 1e6, (double)p->total / 1e6);
    event_init(&ev, EVENT_STEP_PROGRESS, run->step_name);
    json_set_str(ev.body, "text", text);
    json_set_int(ev.body, "current", p->current);
    json_set_int(ev.body, "total", p->total);
    eventlog_emit(&run->log, &ev);
}

/* 0 when it is on the host and fits the host; 1 when it is not there. */
static int look_at_image(struct run *run, int64_t *size_bytes, struct err *err)
{
    struct engine_image image;
    int r = engine_image_inspect(run->engine, run->image_ref, run->ref.repo, &image, err);
    if (r != 0)
        return r;
    (void)snprintf(run->image_id, sizeof(run->image_id), "%s", image.id);
    *size_bytes = image.size_bytes;
    if (strcmp(image.arch, run->engine_info.arch) != 0 && image.arch[0]) {
        err_hint(err, "Build the image for linux/%s, for example with 'docker build --platform linux/%s'.",
                 run->engine_info.arch, run->engine_info.arch);
        r = err_set(err, ERR_PLATFORM, 0, "the image is for %s/%s, the host is %s", image.os, image.arch,
                    run->engine_info.arch);
    }
    engine_image_done(&image);
    return r;
}

int pull_apply(struct run *run, struct err *err)
{
    const struct engine_auth auth = auth_of(run);
    int64_t size_bytes = 0;
    if (resolve(run, &auth, err) < 0)
        return -(int)err->kind;
    int r = look_at_image(run, &size_bytes, err);
    run->image_was_here = r == 0 || (r < 0 && err->kind == ERR_PLATFORM);
    if (preflight_journal_facts(run, r < 0 ? NULL : err) < 0 && r >= 0)
        return -(int)err->kind;
    if (r <= 0) {
        if (r == 0)
            run_text(run, "%s is on the host already", run->digest);
        return r;
    }
    int64_t left = clock_left_ms(run->deadline_ms);
    if (engine_image_pull(run->engine, run->ref.repo, run->digest, &auth, progress, run, left, err) < 0)
        return err_wrap(err, "pull %s", run->spec.image);
    r = look_at_image(run, &size_bytes, err);
    if (r == 1)
        return err_set(err, ERR_IMAGE_MISSING, 0, "the pull of %s ended, but the image is not there", run->image_ref);
    run_text(run, "%s, %.1f MB", run->digest, (double)size_bytes / 1e6);
    return r;
}

int pull_undo(struct run *run, struct err *err)
{
    if (!run->image_ref[0] || run->image_was_here)
        return 0;
    int r = engine_image_remove(run->engine, run->image_ref, err);
    return r < 0 ? r : 0; /* in use by somebody: theirs */
}

int compare_apply(struct run *run, struct err *err)
{
    if (spec_fingerprint(&run->spec, run->fingerprint, err) < 0)
        return -(int)err->kind;
    const char *digest = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_DIGEST) : "";
    const char *config = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_CONFIG) : "";
    bool same = run->old_was_running && strcmp(digest, run->digest) == 0 && strcmp(config, run->fingerprint) == 0;
    if (!same) {
        run_text(run, "%s",
                 !run->old.exists                   ? "nothing serves yet"
                 : strcmp(digest, run->digest) == 0 ? "same image, other settings"
                                                    : "another image");
        return 0;
    }
    if (!health_ask(run, &run->old, NULL)) {
        run_text(run, "the same version with the same settings, but it is not healthy: deploying it anew");
        return 0;
    }
    keeper_ensure_or_warn(run); /* it may have been removed by hand */
    run_text(run, "this version serves already, with the same settings");
    return STEP_FINISHED;
}
