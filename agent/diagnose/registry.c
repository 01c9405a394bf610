/* The registry of what serves, or of what was deployed last: does it answer, let in, and still have the image? */
#include "agent/diagnose/diagnose_internal.h"
#include "agent/steps/ecr.h"
#include "shared/clock.h"

#define REGISTRY_MS 10000 /* for all of it */
#define CALL_MS 5000

static const char *image_of(const struct diagnosing *d)
{
    const struct run_version *blue = &d->l.at[LOOK_BLUE].v;
    const char *image = blue->exists ? engine_container_label(&blue->c, CONTAINER_LABEL_IMAGE) : "";
    for (const struct json *e = json_first(d->l.entries); !image[0] && e; e = json_next(e))
        image = json_str(e, "image", "");
    return image;
}

/* The host's own role for ECR, else what was given. 1: there is nothing to log in with. */
static int log_in(struct run *run, struct err *err)
{
    if (ecrhost_counts(run)) {
        struct err why = { 0 };
        if (ecrhost_login(run, &why) == 0)
            return 0;
        if (!run->spec.registry_username[0]) {
            *err = why;
            return -(int)err->kind;
        }
    }
    if (!run->spec.registry_username[0])
        return 1;
    const struct engine_auth auth = registry_auth(run);
    return engine_registry_login(run->engine, &auth, err);
}

static int ask(struct run *run, struct engine_remote *remote, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(511);
    const struct engine_auth auth = registry_auth(run);
    reference_format(&run->ref, &text);
    if (buf_check(&text, err) < 0)
        return -(int)err->kind;
    return engine_image_remote(run->engine, buf_str(&text), &auth, remote, err);
}

static void tell_drift(struct diagnosing *d, const struct engine_remote *remote, const char *image)
{
    const struct run_version *blue = &d->l.at[LOOK_BLUE].v;
    const char *digest = blue->exists ? engine_container_label(&blue->c, CONTAINER_LABEL_DIGEST) : "";
    char cause[500], command[400];
    bool drifted = digest[0] && remote->digest[0] && !d->l.run.ref.digest[0] && strcmp(digest, remote->digest) != 0;
    diagnose_check(d, "image", true,
                   drifted ? "the registry has it; the tag names another image now (%.19s)"
                           : "the registry has it (%.19s)",
                   remote->digest);
    if (!drifted)
        return;
    (void)snprintf(cause, sizeof(cause),
                   "in the registry the tag of %.300s names another image now (%.19s) than the one that runs", image,
                   remote->digest);
    (void)snprintf(command, sizeof(command), "bluegreen-agent plan --app %s --image %s", d->l.run.app, image);
    diagnose_add(d, "image_drift", "info", "image", cause, "Deploy it, if that is the version that you want.", command,
                 NULL);
}

static void tell_failure(struct diagnosing *d, const char *name, struct err *err)
{
    char words[300];
    redactor_clean_err(d->l.run.redactor, err);
    diagnose_check(d, name, false, "%s", err_text(err, words, sizeof(words)));
    (void)diagnose_tell(d, "warning", "registry", err, NULL);
}

/* Without a login a private registry tells nobody whether it has an image: no fault of the host's. */
static bool wants_a_login(const struct err *err)
{
    return err->kind == ERR_REGISTRY_AUTH || err->kind == ERR_IMAGE_MISSING;
}

static void look_at_registry(struct diagnosing *d, const char *image)
{
    struct run *run = &d->l.run;
    struct engine_remote remote = { 0 };
    struct err err = { 0 };
    (void)snprintf(run->step_name, sizeof(run->step_name), "ecr_login");
    int login = log_in(run, &err);
    if (login < 0) {
        tell_failure(d, "registry", &err);
        return;
    }
    (void)snprintf(run->step_name, sizeof(run->step_name), "image_check");
    int r = ask(run, &remote, &err);
    if (r < 0 && login == 1 && wants_a_login(&err)) {
        diagnose_check(d, "registry", true, "%s answers; without a login it does not tell of the image",
                       run->ref.registry);
        return;
    }
    bool answers = r == 0 || err.kind == ERR_IMAGE_MISSING || err.kind == ERR_PLATFORM;
    if (answers)
        diagnose_check(d, "registry", true,
                       login == 1 ? "%s answers, and wants no login" : "%s answers, and the login works",
                       run->ref.registry);
    if (r < 0)
        tell_failure(d, answers ? "image" : "registry", &err);
    else
        tell_drift(d, &remote, image);
}

void diagnose_registry(struct diagnosing *d)
{
    struct run *run = &d->l.run;
    const struct spec *given = &d->request->spec;
    const char *image = image_of(d);
    struct err ignored = { 0 };
    if (!spec_is_image(image) || reference_parse(image, &run->ref, &ignored) < 0) {
        run->ref = (struct reference){ 0 };
        return; /* nothing was deployed, or by hand */
    }
    bool same_user = given->registry_password[0] && !given->registry_username[0]; /* as it was deployed */
    const char *user = same_user ? d->l.at[LOOK_BLUE].spec.registry_username : given->registry_username;
    if (spec_set_str(&run->spec.registry_username, user, &ignored) < 0 ||
        spec_set_str(&run->spec.registry_password, given->registry_password, &ignored) < 0 ||
        spec_set_str(&run->spec.ecr_auth, given->ecr_auth[0] ? given->ecr_auth : "auto", &ignored) < 0)
        return;
    run->deadline_ms = clock_mono_ms() + REGISTRY_MS;
    engine_limit(run->engine, CALL_MS);
    look_at_registry(d, image);
    engine_limit(run->engine, 0);
    run->deadline_ms = 0;
    run->step_name[0] = '\0';
}
