/* Carrying it out, and the report. */
#include "agent/prune/prune.h"

#include "agent/state/store.h"

#define LISTED_MAX                                                                                                     \
    60 /* things of a kind that the report names; the others are told by their number: a line has its limit */

static void turn_out_kept(struct prune_fate *f, const char *why)
{
    f->go = false;
    (void)snprintf(f->reason, sizeof(f->reason), "%s", why);
}

/* ---- removing ---- */

/* One that somebody has started since the look stays, and one that the engine does not give up. */
static int remove_container(struct run *run, struct prune_container *c, struct err *err)
{
    struct engine_container now;
    char text[PRUNE_REASON_MAX];
    int r = engine_container_inspect(run->engine, c->id, &now, err);
    if (r != 0)
        return r < 0 ? r : 0;
    bool running = now.running;
    engine_container_done(&now);
    r = running ? 0 : engine_container_remove_stopped(run->engine, c->id, err);
    if (running)
        turn_out_kept(&c->fate, "it was started meanwhile");
    if (r != -ERR_DOCKER)
        return r;
    turn_out_kept(&c->fate, err_text(err, text, sizeof(text)));
    err_clear(err);
    return 0;
}

static bool is_here(struct run *run, const char *ref, const char *id)
{
    struct engine_image now;
    struct err ignored = { 0 };
    if (engine_image_inspect(run->engine, ref, NULL, &now, &ignored) != 0)
        return false;
    bool same = strcmp(now.id, id) == 0;
    engine_image_done(&now);
    return same;
}

/* The tags that still name it, then the name by digest. Never forced: what a container uses the engine keeps. */
static int remove_image(struct run *run, struct prune_image *image, struct err *err)
{
    char text[PRUNE_REASON_MAX];
    int r = 0;
    for (size_t i = 0; r >= 0 && i < image->tags.len; i++)
        if (is_here(run, image->tags.items[i], image->id))
            r = engine_image_remove(run->engine, image->tags.items[i], err);
    if (r >= 0)
        r = engine_image_remove(run->engine, image->ref, err);
    if (r == 1 && is_here(run, image->ref, image->id))
        turn_out_kept(&image->fate, "the engine says that it is in use");
    if (r != -ERR_DOCKER)
        return r < 0 ? r : 0;
    turn_out_kept(&image->fate, err_text(err, text, sizeof(text)));
    err_clear(err);
    return 0;
}

/* A container that is kept after all keeps the record of what made it. */
static bool is_needed(const struct prune_facts *f, const struct prune_record *record)
{
    for (size_t i = 0; i < f->container_count; i++)
        if (!f->containers[i].fate.go && strcmp(f->containers[i].deployment, record->id) == 0)
            return true;
    return false;
}

static void remove_record(struct run *run, struct prune_record *record)
{
    struct err why = { 0 };
    char text[PRUNE_REASON_MAX];
    if (store_remove_deployment(run->app_fd, record->id, &why) < 0)
        turn_out_kept(&record->fate, err_text(&why, text, sizeof(text)));
}

/* Docker's disk and, when that is another one, the state root's. -1: cannot be told. */
static int64_t free_bytes(const struct run *run)
{
    int64_t docker, state, total, state_total;
    struct err ignored = { 0 };
    _cleanup_(buf_done_p) struct buf root = BUF_INIT(4096);
    store_disk(run->engine_info.root_dir, &docker, &total);
    if (store_root_path(&root, &ignored) < 0)
        return docker;
    store_disk(buf_str(&root), &state, &state_total);
    bool same = state == docker && state_total == total;
    return docker < 0 || state < 0 || same ? docker : docker + state;
}

static void tell(struct run *run, void (*told)(struct run *run, const char *text), const char *what, const char *name,
                 const struct prune_fate *f)
{
    char text[1024];
    if (!told)
        return;
    (void)snprintf(text, sizeof(text), "%s %s %s: %s", what, name, f->go ? "removed" : "kept after all", f->reason);
    told(run, text);
}

/* After the engine was lost: what was not tried stays, and says why. */
static void leave_out(struct prune_fate *f, const struct err *why)
{
    char text[PRUNE_REASON_MAX], reason[PRUNE_REASON_MAX];
    (void)snprintf(reason, sizeof(reason), "not tried: %.140s", err_text(why, text, sizeof(text)));
    turn_out_kept(f, reason);
}

/* Neither gone nor refused: whether it is still there cannot be told. */
static int leave_open(struct prune_fate *f, const char *kind, const char *name, struct err *err)
{
    char text[PRUNE_REASON_MAX];
    turn_out_kept(f, err_text(err, text, sizeof(text)));
    return err_wrap(err, "remove %s '%s'", kind, name);
}

static int remove_containers(struct run *run, struct prune_facts *f, void (*told)(struct run *run, const char *text),
                             struct prune_done *done, struct err *err)
{
    int r = 0;
    for (size_t i = 0; i < f->container_count; i++) {
        struct prune_container *c = &f->containers[i];
        if (!c->fate.go)
            continue;
        if (r < 0) {
            leave_out(&c->fate, err);
            continue;
        }
        if (remove_container(run, c, err) < 0)
            r = leave_open(&c->fate, "container", c->name, err);
        done->containers += c->fate.go;
        done->bytes += c->fate.go ? c->bytes : 0;
        tell(run, told, "container", c->name, &c->fate);
    }
    return r;
}

static int remove_images(struct run *run, struct prune_facts *f, void (*told)(struct run *run, const char *text),
                         struct prune_done *done, int r, struct err *err)
{
    for (size_t i = 0; i < f->image_count; i++) {
        struct prune_image *image = &f->images[i];
        if (!image->fate.go)
            continue;
        if (r < 0) {
            leave_out(&image->fate, err);
            continue;
        }
        if (remove_image(run, image, err) < 0)
            r = leave_open(&image->fate, "image", image->ref, err);
        done->images += image->fate.go;
        done->bytes += image->fate.go ? image->bytes : 0;
        tell(run, told, "image", image->ref, &image->fate);
    }
    return r;
}

static void remove_records(struct run *run, struct prune_facts *f, void (*told)(struct run *run, const char *text),
                           struct prune_done *done, int r, const struct err *err)
{
    for (size_t i = 0; i < f->record_count; i++) {
        struct prune_record *record = &f->records[i];
        if (!record->fate.go)
            continue;
        if (r < 0) {
            leave_out(&record->fate, err);
            continue;
        }
        if (is_needed(f, record))
            turn_out_kept(&record->fate, "its container is kept");
        else
            remove_record(run, record);
        done->records += record->fate.go;
        done->bytes += record->fate.go ? record->bytes : 0;
        tell(run, told, "record", record->id, &record->fate);
    }
}

int prune_carry_out(struct run *run, struct prune_facts *f, void (*told)(struct run *run, const char *text),
                    struct prune_done *ret, struct err *err)
{
    int64_t before = free_bytes(run);
    *ret = (struct prune_done){ 0 };
    int r = remove_containers(run, f, told, ret, err);
    r = remove_images(run, f, told, ret, r, err);
    remove_records(run, f, told, ret, r, err);
    int64_t after = free_bytes(run);
    ret->disk_freed_bytes = before < 0 || after < 0 ? -1 : after > before ? after - before : 0;
    return r;
}

/* ---- the report ---- */

/* A list of which only the first are named. */
struct listing {
    struct json *list;
    size_t len;
    int64_t bytes, bytes_unnamed;
};

/* The object to be filled; NULL: there are enough. */
static struct json *next_item(struct listing *l, int64_t bytes)
{
    l->bytes += bytes;
    if (l->len++ >= LISTED_MAX) {
        l->bytes_unnamed += bytes;
        return NULL;
    }
    struct json *item = json_object();
    json_push(l->list, item);
    return item;
}

/* What was not named, as one more item; it has the members `names` ("" each but the first). */
static void add_unnamed(const struct listing *l, const char *const names[], size_t count, bool with_bytes)
{
    char text[64];
    if (l->len <= LISTED_MAX)
        return;
    struct json *item = json_object();
    (void)snprintf(text, sizeof(text), "and %zu more", l->len - LISTED_MAX);
    for (size_t i = 0; i < count; i++)
        json_set_str(item, names[i], i == 0 ? text : "");
    if (with_bytes)
        json_set_int(item, "bytes", l->bytes_unnamed);
    json_push(l->list, item);
}

static int64_t list_containers(struct json *report, const struct prune_facts *f)
{
    static const char *const names[] = { "name", "id", "image", "reason" };
    struct listing l = { .list = json_array() };
    json_set(report, "containers", l.list);
    for (size_t i = 0; i < f->container_count; i++) {
        const struct prune_container *c = &f->containers[i];
        struct json *item = c->fate.go ? next_item(&l, c->bytes) : NULL;
        if (!item)
            continue;
        json_set_str(item, "name", c->name);
        json_set_str(item, "id", c->id);
        json_set_str(item, "image", c->image);
        json_set_str(item, "reason", c->fate.reason);
        json_set_int(item, "bytes", c->bytes);
    }
    add_unnamed(&l, names, 4, true);
    return l.bytes;
}

static int64_t list_images(struct json *report, const struct prune_facts *f)
{
    static const char *const names[] = { "reference", "digest", "reason" };
    struct listing l = { .list = json_array() };
    json_set(report, "images", l.list);
    for (size_t i = 0; i < f->image_count; i++) {
        const struct prune_image *image = &f->images[i];
        struct json *item = image->fate.go ? next_item(&l, image->bytes) : NULL;
        if (!item)
            continue;
        json_set_str(item, "reference", image->ref);
        json_set_str(item, "digest", image->digest);
        json_set_str(item, "reason", image->fate.reason);
        json_set_int(item, "bytes", image->bytes);
    }
    add_unnamed(&l, names, 3, true);
    return l.bytes;
}

static int64_t list_records(struct json *report, const struct prune_facts *f)
{
    static const char *const names[] = { "deployment", "reason" };
    struct listing l = { .list = json_array() };
    json_set(report, "records", l.list);
    for (size_t i = 0; i < f->record_count; i++) {
        const struct prune_record *record = &f->records[i];
        struct json *item = record->fate.go ? next_item(&l, record->bytes) : NULL;
        if (!item)
            continue;
        json_set_str(item, "deployment", record->id);
        json_set_str(item, "reason", record->fate.reason);
        json_set_int(item, "bytes", record->bytes);
    }
    add_unnamed(&l, names, 2, true);
    return l.bytes;
}

static void keep(struct listing *l, const char *kind, const char *name, const struct prune_fate *f)
{
    char what[600];
    struct json *item = next_item(l, 0);
    if (!item)
        return;
    (void)snprintf(what, sizeof(what), "%s %s", kind, name);
    json_set_str(item, "what", what);
    json_set_str(item, "why", f->reason);
}

static void list_kept(struct json *report, const struct prune_facts *f)
{
    static const char *const names[] = { "what", "why" };
    struct listing l = { .list = json_array() };
    json_set(report, "kept", l.list);
    for (size_t i = 0; i < f->container_count; i++)
        if (f->containers[i].role != PRUNE_OTHERS && !f->containers[i].fate.go)
            keep(&l, "container", f->containers[i].name, &f->containers[i].fate);
    for (size_t i = 0; i < f->image_count; i++)
        if (f->images[i].id[0] && !f->images[i].fate.go)
            keep(&l, "image", f->images[i].ref, &f->images[i].fate);
    for (size_t i = 0; i < f->record_count; i++)
        if (!f->records[i].fate.go)
            keep(&l, "record", f->records[i].id, &f->records[i].fate);
    add_unnamed(&l, names, 2, false);
}

struct json *prune_report(const char *app, const struct prune_facts *f, const struct prune_done *done)
{
    struct json *report = json_object();
    json_set_str(report, "app", app);
    json_set_bool(report, "dry_run", !done);
    int64_t bytes = list_containers(report, f);
    bytes += list_images(report, f);
    bytes += list_records(report, f);
    list_kept(report, f);
    json_set_int(report, "bytes", bytes);
    json_set_int(report, "disk_freed_bytes", done ? done->disk_freed_bytes : -1);
    return report;
}
