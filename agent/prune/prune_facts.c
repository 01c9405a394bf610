#include "agent/prune/prune.h"

#include "agent/recover.h"
#include "agent/state/audit.h"
#include "agent/state/lock.h"
#include "agent/state/store.h"
#include "shared/clock.h"

#include <fcntl.h>
#include <sys/stat.h>

#define AUDIT_ENTRIES 200 /* newest entries that may name an image whose record is gone */

void prune_facts_done(struct prune_facts *f)
{
    for (size_t i = 0; i < f->image_count; i++)
        strlist_done(&f->images[i].tags);
    free(f->containers);
    free(f->images);
    free(f->records);
    *f = (struct prune_facts){ 0 };
}

static void copy(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text);
}

/* ---- containers ---- */

static bool is_named(const char *name, const char *wanted)
{
    return strcmp(name, wanted) == 0;
}

static enum prune_role role_of(const struct run *run, const struct json *labels, const char *name)
{
    const char *role = json_str(labels, CONTAINER_LABEL_ROLE, "");
    bool ours = strcmp(json_str(labels, CONTAINER_LABEL_APP, ""), run->app) == 0;
    if (is_named(name, run->names.blue))
        return PRUNE_BLUE; /* one that was started by hand serves too */
    if (ours && strcmp(role, CONTAINER_ROLE_VERSION) == 0)
        return is_named(name, run->names.green)  ? PRUNE_GREEN
               : is_named(name, run->names.next) ? PRUNE_NEXT
                                                 : PRUNE_ODD;
    return ours && role[0] ? PRUNE_KEEPER : PRUNE_OTHERS;
}

static bool is_stopped(const char *state)
{
    return strcmp(state, "exited") == 0 || strcmp(state, "created") == 0 || strcmp(state, "dead") == 0 ||
           strcmp(state, "removing") == 0;
}

static bool may_go(const struct prune_container *c)
{
    return c->role >= PRUNE_GREEN && !c->running;
}

/* Since when it is stopped, and what it wrote. One that has vanished meanwhile is left as it is: unknown. */
static int look_closer(struct run *run, struct prune_container *c, struct err *err)
{
    struct engine_container now;
    int r = engine_container_inspect(run->engine, c->id, &now, err);
    if (r == 0) {
        c->stopped_ms = engine_time_ms(now.finished_at);
        engine_container_done(&now);
        r = engine_container_size(run->engine, c->id, &c->bytes, err);
    }
    return r < 0 ? r : 0;
}

static int add_container(struct run *run, struct prune_container *c, const struct json *from, struct err *err)
{
    const struct json *labels = json_get(from, "Labels");
    const char *name = json_value_str(json_first(json_get(from, "Names")), "");
    const char *image = json_str(labels, CONTAINER_LABEL_IMAGE, "");
    copy(c->id, sizeof(c->id), json_str(from, "Id", ""));
    copy(c->name, sizeof(c->name), name + (name[0] == '/'));
    copy(c->image_id, sizeof(c->image_id), json_str(from, "ImageID", ""));
    copy(c->image, sizeof(c->image), image[0] ? image : json_str(from, "Image", ""));
    copy(c->deployment, sizeof(c->deployment), json_str(labels, CONTAINER_LABEL_DEPLOYMENT, ""));
    c->role = role_of(run, labels, c->name);
    c->running = !is_stopped(json_str(from, "State", ""));
    c->halted = c->running && strcmp(json_str(from, "State", ""), "running") != 0;
    c->held = run->old.exists && strcmp(c->id, run->old.c.id) == 0;
    c->stopped_ms = -1;
    return may_go(c) ? look_closer(run, c, err) : 0;
}

static int add_containers(struct run *run, struct prune_facts *f, struct err *err)
{
    _cleanup_(json_free_p) struct json *all = NULL;
    if (engine_container_list(run->engine, NULL, &all, err) < 0)
        return -(int)err->kind;
    f->containers = calloc(json_len(all) + 1, sizeof(f->containers[0]));
    if (!f->containers)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    for (const struct json *c = json_first(all); c; c = json_next(c)) {
        struct prune_container *to = &f->containers[f->container_count++];
        if (add_container(run, to, c, err) < 0)
            return -(int)err->kind;
        if (to->role == PRUNE_BLUE && to->running && !f->serves_digest[0])
            copy(f->serves_digest, sizeof(f->serves_digest),
                 json_str(json_get(c, "Labels"), CONTAINER_LABEL_DIGEST, ""));
    }
    return 0;
}

/* ---- records, and the images that they name ---- */

static struct json *read_outcome(int dir_fd)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    struct json *outcome = NULL;
    struct err ignored = { 0 };
    if (store_read(dir_fd, "outcome.json", &text, &ignored) != 0 || json_parse(buf_span(&text), &outcome, &ignored) < 0)
        return NULL; /* unfinished, or not ours to judge */
    return outcome;
}

static bool is_good(const struct json *outcome, bool *is_deploy)
{
    const char *how = json_str(outcome, "outcome", "");
    bool rollback = strcmp(json_str(outcome, "operation", ""), "rollback") == 0;
    *is_deploy = !rollback && strcmp(how, "deployed") == 0;
    return *is_deploy || strcmp(how, rollback ? "rolled_back" : "unchanged") == 0;
}

/* "repo@digest" of a reference as the user gave it; "" when it is none. */
static void make_ref(const char *image, const char *digest, char *out, size_t size)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(size - 1);
    struct reference ref;
    struct err ignored = { 0 };
    if (reference_parse(image, &ref, &ignored) == 0)
        reference_format_digest(&ref, digest, &text);
    copy(out, size, text.failed ? "" : buf_str(&text));
}

/* An image that the records name: its last use, and by which tags it was called. */
static int note_image(struct prune_facts *f, const char *ref, const char *image, const char *digest, int64_t used_ms,
                      struct err *err)
{
    struct prune_image *to = NULL;
    if (!reference_is_digest(span_of(digest)))
        return 0;
    for (size_t i = 0; !to && i < f->image_count; i++)
        if (strcmp(f->images[i].digest, digest) == 0)
            to = &f->images[i];
    if (!to) {
        to = &f->images[f->image_count++];
        to->used_ms = -1;
        copy(to->digest, sizeof(to->digest), digest);
    }
    if (used_ms > to->used_ms)
        to->used_ms = used_ms;
    if (!to->ref[0] && ref[0])
        copy(to->ref, sizeof(to->ref), ref);
    else if (!to->ref[0])
        make_ref(image, digest, to->ref, sizeof(to->ref));
    if (image[0] && !strlist_has(&to->tags, image))
        return strlist_add(&to->tags, span_of(image), err);
    return 0;
}

static int note_images(struct prune_facts *f, const struct json *outcome, int64_t used_ms, struct err *err)
{
    int r = note_image(f, json_str(outcome, "image_ref", ""), json_str(outcome, "image", ""),
                       json_str(outcome, "digest", ""), used_ms, err);
    if (r == 0)
        r = note_image(f, "", json_str(outcome, "previous_image", ""), json_str(outcome, "previous_digest", ""),
                       used_ms, err);
    return r;
}

/* Neither request nor outcome: nothing ran, or a removal was cut off. It goes as if it had ended when it was last changed. */
static void note_remains(struct prune_record *r, int dir_fd)
{
    struct stat st;
    r->ended = faccessat(dir_fd, "outcome.json", F_OK, AT_SYMLINK_NOFOLLOW) != 0 && fstat(dir_fd, &st) == 0;
    if (r->ended)
        r->ended_ms = (int64_t)st.st_mtim.tv_sec * 1000;
}

static int add_record(struct run *run, struct prune_facts *f, const char *id, struct err *err)
{
    _cleanup_(close_p) int dir_fd = -1;
    struct err ignored = { 0 };
    if (store_open_deployment(run->app_fd, id, &dir_fd, &ignored) != 0)
        return 0;
    struct prune_record *to = &f->records[f->record_count++];
    copy(to->id, sizeof(to->id), id);
    to->ended_ms = -1;
    to->bytes = store_folder_bytes(dir_fd);
    to->whole = store_has_request(dir_fd);
    _cleanup_(json_free_p) struct json *outcome = read_outcome(dir_fd);
    if (!outcome && !to->whole)
        note_remains(to, dir_fd);
    if (!outcome || strcmp(id, f->current) == 0)
        return 0;
    to->ended = true;
    to->ended_ms = clock_parse_iso(json_str(outcome, "ended", ""));
    to->good = is_good(outcome, &to->is_deploy);
    copy(to->digest, sizeof(to->digest), json_str(outcome, "digest", ""));
    return note_images(f, outcome, to->ended_ms, err);
}

/* Images whose records are gone already; a log that cannot be read names none. */
static int add_audit(struct run *run, struct prune_facts *f, struct err *err)
{
    _cleanup_(audit_log_done_p) struct audit_log log = { 0 };
    struct err ignored = { 0 };
    int r = 0;
    if (run->app_fd < 0 || audit_read(run->app_fd, AUDIT_ENTRIES, &log, &ignored) < 0)
        return 0;
    for (size_t i = 0; r == 0 && i < AUDIT_ENTRIES; i++) {
        _cleanup_(json_free_p) struct json *entry = audit_entry(&log, i);
        if (!entry)
            break;
        r = note_images(f, entry, clock_parse_iso(json_str(entry, "t", "")), err);
    }
    return r;
}

static int add_records(struct run *run, struct prune_facts *f, struct err *err)
{
    struct strlist ids = { 0 };
    int r = run->app_fd >= 0 ? store_list_deployments(run->app_fd, &ids, err) : 0;
    f->records = calloc(ids.len + 1, sizeof(f->records[0]));
    f->images = calloc(2 * (ids.len + AUDIT_ENTRIES), sizeof(f->images[0])); /* each names two at most */
    if (r == 0 && (!f->records || !f->images))
        r = err_set(err, ERR_NOMEM, 0, "out of memory");
    for (size_t i = 0; r == 0 && i < ids.len; i++)
        r = add_record(run, f, ids.items[i], err);
    strlist_done(&ids);
    return r < 0 ? r : add_audit(run, f, err);
}

/* ---- what of it is on the host ---- */

static bool has_digest(const struct prune_image *image, const struct json *local)
{
    struct reference wanted;
    struct err ignored = { 0 };
    if (reference_parse(image->ref, &wanted, &ignored) < 0)
        return false;
    for (const struct json *d = json_first(json_get(local, "RepoDigests")); d; d = json_next(d)) {
        struct span rest = span_of(json_value_str(d, "")), name;
        if (span_split(&rest, '@', &name) && span_eq(rest, image->digest) &&
            reference_same_repo(name, span_of(wanted.repo)))
            return true;
    }
    return false;
}

/* The records' word for a name on the host; NULL: they do not know it. */
static const char *known_tag(const struct prune_image *image, const struct reference *name)
{
    struct err ignored = { 0 };
    for (size_t i = 0; i < image->tags.len; i++) {
        struct reference r;
        if (reference_parse(image->tags.items[i], &r, &ignored) == 0 && r.tag[0] && strcmp(r.tag, name->tag) == 0 &&
            strcmp(r.repo, name->repo) == 0)
            return image->tags.items[i];
    }
    return NULL;
}

/* Names that are not of our giving belong to somebody; the tags that we know and that still name it may go with it. */
static int sort_names(struct prune_image *image, const struct json *local, struct err *err)
{
    struct strlist ours = { 0 };
    struct reference own;
    struct err ignored = { 0 };
    int r = reference_parse(image->ref, &own, &ignored); /* has_digest() has seen that it is one */
    for (const struct json *t = json_first(json_get(local, "RepoTags")); r == 0 && t; t = json_next(t)) {
        const char *text = json_value_str(t, "");
        struct reference name;
        if (strcmp(text, "<none>:<none>") == 0 || reference_parse(text, &name, &ignored) < 0)
            continue;
        if (known_tag(image, &name))
            r = strlist_add(&ours, span_of(text), err);
        else
            copy(image->other_name, sizeof(image->other_name), text);
    }
    for (const struct json *d = json_first(json_get(local, "RepoDigests")); r == 0 && d; d = json_next(d)) {
        struct span rest = span_of(json_value_str(d, "")), name;
        if (span_split(&rest, '@', &name) && !reference_same_repo(name, span_of(own.repo)))
            copy(image->other_name, sizeof(image->other_name), json_value_str(d, ""));
    }
    strlist_done(&image->tags);
    image->tags = ours;
    return r;
}

static int find_images(struct run *run, struct prune_facts *f, struct err *err)
{
    _cleanup_(json_free_p) struct json *all = NULL;
    if (f->image_count == 0)
        return 0;
    int r = engine_image_list(run->engine, &all, err);
    for (size_t i = 0; r == 0 && i < f->image_count; i++) {
        struct prune_image *image = &f->images[i];
        for (const struct json *local = json_first(all); r == 0 && !image->id[0] && local; local = json_next(local)) {
            if (!has_digest(image, local))
                continue;
            copy(image->id, sizeof(image->id), json_str(local, "Id", ""));
            image->bytes = json_int(local, "Size", 0);
            r = sort_names(image, local, err);
        }
    }
    return r;
}

/* ---- the other apps of this host ---- */

static void mark_elsewhere(struct prune_facts *f, int app_fd, const char *id)
{
    _cleanup_(close_p) int dir_fd = -1;
    struct err ignored = { 0 };
    bool is_deploy;
    if (store_open_deployment(app_fd, id, &dir_fd, &ignored) != 0)
        return;
    _cleanup_(json_free_p) struct json *outcome = read_outcome(dir_fd);
    if (!outcome || !is_good(outcome, &is_deploy))
        return;
    for (size_t i = 0; i < f->image_count; i++)
        if (strcmp(f->images[i].digest, json_str(outcome, "digest", "")) == 0)
            f->images[i].elsewhere = true;
}

/* A record that cannot be read says nothing; what its containers use is known from the engine. */
static int look_elsewhere(struct run *run, struct prune_facts *f, struct err *err)
{
    struct strlist apps = { 0 };
    int r = f->image_count ? store_list_apps(&apps, err) : 0;
    for (size_t i = 0; r == 0 && i < apps.len; i++) {
        _cleanup_(close_p) int app_fd = -1;
        struct strlist ids = { 0 };
        struct err ignored = { 0 };
        if (strcmp(apps.items[i], run->app) == 0 || store_find_app(apps.items[i], &app_fd, &ignored) != 0)
            continue;
        (void)store_list_deployments(app_fd, &ids, &ignored);
        for (size_t k = 0; k < ids.len; k++)
            mark_elsewhere(f, app_fd, ids.items[k]);
        strlist_done(&ids);
    }
    strlist_done(&apps);
    return r;
}

int prune_collect(struct run *run, struct prune_facts *ret, struct err *err)
{
    struct lock_owner owner;
    *ret = (struct prune_facts){ .now_ms = clock_wall_ms() };
    copy(ret->current, sizeof(ret->current), run->id);
    ret->busy = run->app_fd >= 0 && run->lock_fd < 0 && lock_is_held(run->app_fd, &owner);
    ret->unfinished = run->app_fd >= 0 && recover_is_due(run->app_fd);
    if (add_containers(run, ret, err) < 0 || add_records(run, ret, err) < 0 || find_images(run, ret, err) < 0 ||
        look_elsewhere(run, ret, err) < 0)
        return -(int)err->kind;
    return 0;
}
