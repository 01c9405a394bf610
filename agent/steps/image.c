#include "agent/steps/steps.h"

#include "agent/keeper/keeper.h"
#include "agent/steps/ecr.h"
#include "agent/watch/health.h"
#include "shared/clock.h"

#include <inttypes.h>

/* With what the request brought. `why_not` tells why it is not the host's own login; "" that was not asked for. */
static int login_given(struct run *run, const char *why_not, struct err *err)
{
    const struct engine_auth auth = registry_auth(run);
    if (!auth.username[0]) {
        run_text(run, "%s%sno registry-username: pulling without login", why_not, *why_not ? "; " : "");
        return STEP_SKIPPED;
    }
    if (engine_registry_login(run->engine, &auth, err) < 0)
        return err_wrap(err, "log in to %s as '%s'", run->ref.registry, auth.username);
    run_text(run, "%s accepted '%s'%s%s", run->ref.registry, auth.username,
             *why_not ? " with the runner's token; " : "", why_not);
    return 0;
}

#define NO_LOGIN_HINT                                                                                                  \
    "Give the host a role that may pull (an instance profile with AmazonEC2ContainerRegistryPullOnly), or the job "    \
    "credentials (role-to-assume, or aws-actions/configure-aws-credentials before); docs/aws.md has both."

/* The host's own role, or by `auto` what the runner sent. */
static int login_to_ecr(struct run *run, struct err *err)
{
    struct ecr_registry registry;
    struct err why = { 0 }, late = { 0 };
    char text[1024], short_text[200];
    int r = ecrhost_login(run, &why);
    if (r == 0) {
        run_text(run, "%s accepted a token of the host's own: %s", run->ref.registry, ecrhost_source(run));
        return 0;
    }
    bool only_host = strcmp(run->spec.ecr_auth, "host-role") == 0;
    if (r != -ERR_CANCEL && !only_host) {
        run_log(run, "info", "agent", "no login by the host's own credentials: %s", err_text(&why, text, sizeof(text)));
        (void)snprintf(short_text, sizeof(short_text), "the host's own role gives none: %.160s",
                       why.depth ? why.frame[0].text : "");
        bool may =
            run->spec.registry_username[0] || (ecr_registry_parse(run->ref.registry, &registry) && registry.is_public);
        if (may && run_check(run, &late) == 0)
            return login_given(run, short_text, err);
    }
    if (r != -ERR_CANCEL && check_needs_no_registry(run)) {
        run_text(run, "no login to %s, and none is needed: the image is on the host already", run->ref.registry);
        return STEP_SKIPPED;
    }
    *err = why;
    if (r == -ERR_CANCEL)
        return r;
    /* Credentials that are there and refused (a wrong clock, an expired key) have a hint of their own. */
    if (r == -ERR_AWS_CREDENTIALS)
        err_hint(err, "%s", NO_LOGIN_HINT);
    return err_wrap(err, only_host ? "ecr-auth is host-role, and the host has no way into ECR"
                                   : "the runner sent no login for ECR, and the host has no way into it");
}

int login_apply(struct run *run, struct err *err)
{
    if (reference_parse(run->spec.image, &run->ref, err) < 0)
        return -(int)err->kind;
    return ecrhost_counts(run) ? login_to_ecr(run, err) : login_given(run, "", err);
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

/* The engine keeps the layers it has: after a new login it goes on where the token expired. */
static int pull(struct run *run, struct err *err)
{
    for (;;) {
        const struct engine_auth auth = registry_auth(run);
        int64_t left = clock_left_ms(run->deadline_ms);
        if (engine_image_pull(run->engine, run->ref.repo, run->digest, &auth, progress, run, left, err) == 0)
            return 0;
        if (ecrhost_renew(run, err) != 1)
            return -(int)err->kind;
    }
}

int pull_apply(struct run *run, struct err *err)
{
    int64_t size_bytes = 0;
    int r = look_at_image(run, &size_bytes, err);
    run->image_was_here = r == 0 || (r < 0 && err->kind == ERR_PLATFORM);
    if (preflight_journal_facts(run, r < 0 ? NULL : err) < 0 && r >= 0)
        return -(int)err->kind;
    if (r <= 0) {
        if (r == 0)
            run_text(run, "%s is on the host already", run->digest);
        return r;
    }
    if (pull(run, err) < 0)
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

int compare_same(struct run *run, bool *ret, struct err *err)
{
    if (spec_fingerprint(&run->spec, run->fingerprint, err) < 0)
        return -(int)err->kind;
    const char *digest = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_DIGEST) : "";
    const char *config = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_CONFIG) : "";
    *ret = run->old_was_running && strcmp(digest, run->digest) == 0 && strcmp(config, run->fingerprint) == 0;
    return 0;
}

int compare_apply(struct run *run, struct err *err)
{
    bool same = false;
    if (compare_same(run, &same, err) < 0)
        return -(int)err->kind;
    if (!same) {
        const char *digest = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_DIGEST) : "";
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
