#include "agent/target.h"

#include "agent/request.h"
#include "agent/state/versions.h"
#include "agent/steps/steps.h"
#include "agent/traffic/strategy.h"
#include "shared/aws/ecr.h"

/* What is on the host now, and what its records say. */
struct scene {
    struct run_version blue, green, next;
    struct versions versions;
};

static void scene_done(struct scene *s)
{
    run_version_done(&s->blue);
    run_version_done(&s->green);
    run_version_done(&s->next);
    versions_done(&s->versions);
}

static int scene_find(struct run *run, struct scene *s, struct err *err)
{
    if (run_find(run, run->names.blue, &s->blue, err) < 0 || run_find(run, run->names.green, &s->green, err) < 0 ||
        run_find(run, run->names.next, &s->next, err) < 0)
        return err_wrap(err, "look for the containers of '%s'", run->app);
    return versions_read(run->app_fd, &s->versions, err);
}

static const char *label(const struct run_version *v, const char *name)
{
    return v->exists ? engine_container_label(&v->c, name) : "";
}

static bool is_meant(const struct run *run, const struct run_version *v)
{
    return v->exists && versions_means(run->to, label(v, CONTAINER_LABEL_DEPLOYMENT), label(v, CONTAINER_LABEL_IMAGE),
                                       label(v, CONTAINER_LABEL_DIGEST));
}

/* Of the same image as the record: then the kept container is that version, whichever run made it. */
static bool has_digest(const struct run_version *v, const char *digest)
{
    return digest[0] && v->exists && strcmp(label(v, CONTAINER_LABEL_DIGEST), digest) == 0;
}

static int refuse(const struct run *run, const struct scene *s, const char *why, struct err *err)
{
    _cleanup_(buf_done_p) struct buf offer = BUF_INIT(300);
    versions_offer(&s->versions, label(&s->blue, CONTAINER_LABEL_DIGEST), &offer);
    if (offer.len && !offer.failed)
        err_hint(err, "On this host there are: %s.", buf_str(&offer));
    else
        err_hint(err, "No other version is known on this host: deploy the one that you want.");
    return err_set(err, ERR_NO_PREVIOUS, 0, "cannot go back to '%.200s': %s", run->to, why);
}

/* ---- settings ---- */

/* 0; 1: they are not on the host. */
static int settings_of(struct run *run, const char *deployment, struct strlist *secret_keys, struct err *err)
{
    int r = deployment[0] ? request_load_spec(run->app_fd, deployment, &run->spec, err) : 1;
    return r == 0 ? request_load_secret_keys(run->app_fd, deployment, secret_keys, err) : r;
}

/* Of a version that a rollback brought: of the deployment that made it, as far as that is known; else of the run itself. */
static int settings_of_version(struct run *run, const struct scene *s, const struct version *found,
                               struct strlist *secret_keys, struct err *err)
{
    int r = 1;
    for (size_t i = 0; r == 1 && found->is_rollback && i < s->versions.len; i++) {
        const struct version *made = &s->versions.items[i];
        if (made->served && !made->is_rollback && made->digest[0] && strcmp(made->digest, found->digest) == 0)
            r = settings_of(run, made->deployment, secret_keys, err);
    }
    return r == 1 ? settings_of(run, found->deployment, secret_keys, err) : r;
}

/* If what serves must run alone, no other version is started beside it, whatever that one was deployed with. */
static int run_alone_if_needed(struct run *run, const struct scene *s, struct err *err)
{
    struct spec serving;
    const char *id = label(&s->blue, CONTAINER_LABEL_DEPLOYMENT);
    bool alone = false;
    spec_init(&serving);
    int r = id[0] ? request_load_spec(run->app_fd, id, &serving, err) : 1;
    if (r == 0)
        alone = strcmp(serving.strategy, strategy_recreate.name) == 0;
    spec_done(&serving);
    if (r < 0)
        return r;
    return alone ? spec_set_str(&run->spec.strategy, strategy_recreate.name, err) : 0;
}

/*
 * Of the version itself; where its record is gone, or there never was one (a tag that nobody deployed here), of what
 * serves, of green, or of the newest version that served.
 */
static int load_settings(struct run *run, const struct scene *s, const struct version *found,
                         struct strlist *secret_keys, struct err *err)
{
    int r = found ? settings_of_version(run, s, found, secret_keys, err) : 1;
    if (r != 1)
        return r;
    const char *others[] = { label(&s->blue, CONTAINER_LABEL_DEPLOYMENT),
                             label(&s->green, CONTAINER_LABEL_DEPLOYMENT) };
    for (size_t i = 0; r == 1 && i < 2; i++)
        r = settings_of(run, others[i], secret_keys, err);
    for (size_t i = 0; r == 1 && i < s->versions.len; i++)
        if (s->versions.items[i].served)
            r = settings_of(run, s->versions.items[i].deployment, secret_keys, err);
    if (r == 0)
        run_log(run, "warning", "agent", "%s: taking those of the latest version instead",
                found ? "the settings of that version are not on the host any more"
                      : "no version of that name was deployed here");
    return r;
}

static const char *value_in_list(const struct strlist *list, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < list->len; i++)
        if (strncmp(list->items[i], key, len) == 0 && list->items[i][len] == '=')
            return list->items[i];
    return NULL;
}

static const char *value_in_container(const struct run_version *v, const char *key)
{
    size_t len = strlen(key);
    const struct json *env = v->exists ? json_path(v->c.raw, "Config", "Env", NULL) : NULL;
    for (const struct json *e = json_first(env); e; e = json_next(e)) {
        const char *line = json_value_str(e, "");
        if (strncmp(line, key, len) == 0 && line[len] == '=')
            return line;
    }
    return NULL;
}

/* KEY=VALUE of a secret: given anew, else as a container on the host has it. NULL: nobody knows it. */
static const char *find_secret(const struct run *run, const struct scene *s, const char *key, const char **from)
{
    const struct run_version *kept[] = { &s->green, &s->blue, &s->next };
    const char *line = value_in_list(&run->given.secret_env, key);
    *from = NULL;
    /* The version's own container, if that is still there, before any other. */
    for (size_t i = 0; !line && i < 3; i++)
        if (kept[i]->exists && has_digest(kept[i], run->digest) && (line = value_in_container(kept[i], key)))
            *from = kept[i]->c.name;
    for (size_t i = 0; !line && i < 3; i++)
        if ((line = value_in_container(kept[i], key)))
            *from = kept[i]->c.name;
    return line;
}

static int add_secret(struct run *run, const char *line, struct err *err)
{
    const char *value = strchr(line, '=');
    if (redactor_add(run->redactor, span_of(value ? value + 1 : ""), err) < 0)
        return -(int)err->kind; /* nothing may be told that it could not hide */
    return strlist_add(&run->spec.secret_env, span_of(line), err);
}

/* Every secret variable that the version had gets a value again; what is given beyond those comes along. */
static int fill_secrets(struct run *run, const struct scene *s, const struct strlist *keys, struct err *err)
{
    _cleanup_(buf_done_p) struct buf missing = BUF_INIT(200), taken = BUF_INIT(400);
    int r = 0;
    for (size_t i = 0; r == 0 && i < keys->len; i++) {
        const char *from;
        const char *line = find_secret(run, s, keys->items[i], &from);
        if (!line)
            buf_addf(&missing, "%s%s", missing.len ? ", " : "", keys->items[i]);
        else
            r = add_secret(run, line, err);
        if (from)
            buf_addf(&taken, "%s%s as '%s' has it", taken.len ? ", " : "", keys->items[i], from);
    }
    for (size_t i = 0; r == 0 && i < run->given.secret_env.len; i++) {
        const char *line = run->given.secret_env.items[i];
        bool known = false;
        for (size_t k = 0; k < keys->len && !known; k++)
            known = strcspn(line, "=") == strlen(keys->items[k]) &&
                    strncmp(line, keys->items[k], strlen(keys->items[k])) == 0;
        if (!known)
            r = add_secret(run, line, err);
    }
    if (r < 0)
        return r;
    if (taken.len)
        run_log(run, "info", "agent", "secret variables: %s", buf_str(&taken));
    if (!missing.len)
        return 0;
    err_hint(err, "Give them again: input 'secret-env', or on a command line --secrets-stdin.");
    return err_set(err, ERR_NO_PREVIOUS, 0, "the values of the secret variables %s are on the host no more",
                   buf_str(&missing));
}

/*
 * A login that is given counts, with the user of back then if only a password is; a login of back then has no password any
 * more. ECR: the host's own role.
 */
static int fill_login(struct run *run, struct err *err)
{
    const struct spec *given = &run->given;
    bool same_user = given->registry_password[0] && !given->registry_username[0];
    if ((!same_user && spec_set_str(&run->spec.registry_username, given->registry_username, err) < 0) ||
        spec_set_str(&run->spec.registry_password, given->registry_password, err) < 0)
        return -(int)err->kind;
    struct reference ref;
    struct ecr_registry registry;
    bool ecr = reference_parse(run->spec.image, &ref, NULL) == 0 && ecr_registry_parse(ref.registry, &registry);
    const char *by = given->ecr_auth[0] ? given->ecr_auth : "auto";
    return spec_set_str(&run->spec.ecr_auth, ecr && !given->registry_username[0] ? by : "", err);
}

/* ---- the image ---- */

/* Append "REPO:TAG@DIGEST", or without a digest "REPO:TAG". */
static void name_image(const struct reference *ref, const char *digest, struct buf *out)
{
    buf_adds(out, ref->repo);
    if (ref->tag[0])
        buf_addf(out, ":%s", ref->tag);
    if (digest[0])
        buf_addf(out, "@%s", digest);
}

/* What is to run: the digest that the version had, whatever its tag names today. */
static int set_image(struct run *run, const struct scene *s, const struct version *found, struct err *err)
{
    struct reference ref;
    _cleanup_(buf_done_p) struct buf image = BUF_INIT(511);                        /* of the spec's field */
    const char *basis = found && found->image[0] ? found->image : run->spec.image; /* of the settings that were found */
    bool whole = strpbrk(run->to, ":/@") && !versions_is_digest(run->to);
    if (reference_parse(!found && whole ? run->to : basis, &ref, err) < 0)
        return -(int)err->kind;
    if (!found && !whole)
        (void)snprintf(ref.tag, sizeof(ref.tag), "%.*s", REFERENCE_TAG_MAX, run->to);
    if (!found && versions_is_digest(run->to))
        return refuse(run, s, "no version with this digest was deployed here", err);
    name_image(&ref, found ? found->digest : ref.digest, &image);
    if (buf_check(&image, err) < 0)
        return err_wrap(err, "the image's reference");
    if (found)
        (void)snprintf(run->digest, sizeof(run->digest), "%s", found->digest);
    return spec_set_str(&run->spec.image, buf_str(&image), err);
}

/* ---- together ---- */

static int prepare_redeploy(struct run *run, const struct scene *s, const struct version *found, struct err *err)
{
    struct strlist keys = { 0 };
    int r = load_settings(run, s, found, &keys, err);
    if (r == 1)
        r = refuse(run, s, "the settings of no version are on the host", err);
    if (r == 0)
        r = set_image(run, s, found, err);
    if (r == 0)
        r = fill_login(run, err);
    if (r == 0)
        r = fill_secrets(run, s, &keys, err);
    if (r == 0)
        r = spec_set_str(&run->spec.run_link, run->run_link, err);
    if (r == 0)
        r = run_alone_if_needed(run, s, err);
    if (r == 0 && (r = spec_check(&run->spec, err)) < 0) /* what is stored must be readable again */
        r = err_wrap(err, "the settings of '%.200s'", run->to);
    strlist_done(&keys);
    return r;
}

/* "20260129-031002-a1b2c3": what wire_new_id() makes, and nobody calls a tag so. */
static bool looks_like_id(const char *s)
{
    static const char form[] = "dddddddd-dddddd-xxxxxx";
    if (strlen(s) != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < sizeof(form) - 1; i++)
        if (form[i] == '-' ? s[i] != '-' : !strchr(form[i] == 'd' ? "0123456789" : "0123456789abcdef", s[i]))
            return false;
    return true;
}

/*
 * The containers that are here are not meant by themselves. A rollback's id means the version that it brought, so its digest
 * decides; a deployment's id means its settings as well, which another container of that image need not have.
 */
static int resolve_record(struct run *run, const struct scene *s, enum target *ret, struct err *err)
{
    const struct version *found = versions_of(&s->versions, run->to);
    if (found && !found->served)
        return refuse(run, s, "that run did not end well, or had nothing to do: it brought no version into service",
                      err);
    if (!found)
        found = versions_find(&s->versions, run->to);
    if (!found && looks_like_id(run->to))
        return refuse(run, s, "no deployment with this id is known here", err);
    bool by_digest = found && found->is_rollback;
    *ret = TARGET_REDEPLOY;
    if (by_digest && has_digest(&s->blue, found->digest) && s->blue.c.running)
        *ret = TARGET_SERVES;
    else if (by_digest && has_digest(&s->green, found->digest))
        *ret = TARGET_GREEN;
    if (*ret != TARGET_REDEPLOY)
        return 0;
    return prepare_redeploy(run, s, found, err);
}

static int resolve(struct run *run, const struct scene *s, enum target *ret, struct err *err)
{
    if (run->only_if_current[0] && strcmp(label(&s->blue, CONTAINER_LABEL_DEPLOYMENT), run->only_if_current) != 0) {
        *ret = TARGET_ANOTHER;
        return 0;
    }
    if (is_meant(run, &s->blue) && s->blue.c.running) {
        *ret = TARGET_SERVES;
        return 0;
    }
    if (is_meant(run, &s->green)) {
        *ret = TARGET_GREEN;
        return 0;
    }
    return resolve_record(run, s, ret, err);
}

int target_resolve(struct run *run, enum target *ret, struct err *err)
{
    struct scene s = { 0 };
    *ret = TARGET_GREEN;
    if (!run->to[0])
        return 0;
    int r = preflight_open(run, err);
    /* Before anybody is meant by a name: the run does the same later, and then it must not change what was found here. */
    if (r == 0)
        r = settle_names_left(run, err);
    if (r == 0)
        r = scene_find(run, &s, err);
    if (r == 0)
        r = resolve(run, &s, ret, err);
    if (r == 0 && *ret == TARGET_GREEN)
        (void)snprintf(run->target_id, sizeof(run->target_id), "%s", s.green.c.id);
    scene_done(&s);
    return r;
}
