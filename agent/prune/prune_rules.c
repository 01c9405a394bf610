/* The decision: no call, no clock, nothing but the facts. */
#include "agent/prune/prune.h"

#include <inttypes.h>

#define HOUR_MS INT64_C(3600000)

static void stays(struct prune_fate *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void goes(struct prune_fate *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void stays(struct prune_fate *f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    f->go = false;
    (void)vsnprintf(f->reason, sizeof(f->reason), fmt, ap);
    va_end(ap);
}

static void goes(struct prune_fate *f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    f->go = true;
    (void)vsnprintf(f->reason, sizeof(f->reason), fmt, ap);
    va_end(ap);
}

struct prune_limits prune_limits_of(const struct spec *spec)
{
    return (struct prune_limits){
        .keep_hours = spec->keep_hours,
        .keep_versions = spec->keep_versions,
        .log_retention_days = spec->log_retention_days,
    };
}

/* ---- which versions a rollback is to reach ---- */

/*
 * The record that has the settings of a version: of its newest deployment; when that is gone, of the run that brought it back
 * last.
 */
static struct prune_record *settings_of(const struct prune_facts *f, const char *digest)
{
    struct prune_record *found = NULL;
    for (size_t i = 0; i < f->record_count; i++) {
        struct prune_record *r = &f->records[i];
        if (!r->good || !r->whole || strcmp(r->digest, digest) != 0)
            continue;
        if (r->is_deploy)
            return r;
        found = found ? found : r;
    }
    return found;
}

static void pin(struct prune_facts *f, const char *digest)
{
    struct prune_record *settings = settings_of(f, digest);
    for (size_t i = 0; i < f->image_count; i++)
        if (strcmp(f->images[i].digest, digest) == 0)
            f->images[i].pinned = true;
    if (settings)
        settings->pinned = true;
}

static bool seen_before(const struct prune_facts *f, size_t end)
{
    for (size_t i = 0; i < end; i++)
        if (f->records[i].good && strcmp(f->records[i].digest, f->records[end].digest) == 0)
            return true;
    return false;
}

/* What serves is the first of them, then the others, newest first. */
static void pin_versions(struct prune_facts *f, int64_t count)
{
    bool serves = f->serves_digest[0] != '\0';
    if (serves && count > 0) {
        pin(f, f->serves_digest);
        count--;
    }
    for (size_t i = 0; i < f->record_count && count > 0; i++) {
        const struct prune_record *r = &f->records[i];
        if (!r->good || !r->digest[0] || (serves && strcmp(r->digest, f->serves_digest) == 0) || seen_before(f, i))
            continue;
        pin(f, r->digest);
        count--;
    }
}

/* ---- containers ---- */

/* Then what is stopped is no longer the only way to have a version. One that crashes again and again is none, nor is a candidate. */
static bool something_serves(const struct prune_facts *f)
{
    for (size_t i = 0; i < f->container_count; i++)
        if (f->containers[i].role == PRUNE_BLUE && f->containers[i].running && !f->containers[i].halted)
            return true;
    return false;
}

static void judge_green(struct prune_container *c, const struct prune_facts *f, const struct prune_limits *limits)
{
    int64_t age_ms = f->now_ms - c->stopped_ms;
    if (!something_serves(f))
        stays(&c->fate, "nothing serves: it is the way back");
    else if (c->stopped_ms < 0)
        stays(&c->fate, "the previous version; since when it is stopped cannot be told");
    else if (age_ms < limits->keep_hours * HOUR_MS)
        stays(&c->fate, "the previous version, stopped less than %" PRId64 " hours ago", limits->keep_hours);
    else
        goes(&c->fate, "the previous version, stopped %" PRId64 " hours ago; kept for %" PRId64, age_ms / HOUR_MS,
             limits->keep_hours);
}

static void judge_container(struct prune_container *c, const struct prune_facts *f, const struct prune_limits *limits)
{
    if (c->role == PRUNE_OTHERS)
        stays(&c->fate, "not of this app");
    else if (c->role == PRUNE_KEEPER)
        stays(&c->fate, "looks after the app between deployments");
    else if (c->role == PRUNE_REPLACED)
        goes(&c->fate, "the version that serves now takes its place");
    else if (c->role == PRUNE_BLUE)
        stays(&c->fate, "%s", c->running ? "it serves" : "it has the name of what serves");
    else if (c->running)
        stays(&c->fate, "it runs");
    else if (c->held)
        stays(&c->fate, "the previous version, the way back");
    else if (c->role == PRUNE_GREEN)
        judge_green(c, f, limits);
    else if (f->busy)
        stays(&c->fate, "a run is at work on this app");
    else if (f->unfinished)
        stays(&c->fate, "a run was cut off and is to be brought to its end first");
    else if (c->role == PRUNE_NEXT)
        goes(&c->fate, "left behind by a run that did not end well");
    else
        goes(&c->fate, "it does not run, and is neither what serves nor the previous version");
}

/* ---- images ---- */

/* The container that keeps an image in use when those that go are gone; NULL: none. */
static const struct prune_container *user_of(const struct prune_facts *f, const char *image_id)
{
    for (size_t i = 0; i < f->container_count; i++)
        if (!f->containers[i].fate.go && strcmp(f->containers[i].image_id, image_id) == 0)
            return &f->containers[i];
    return NULL;
}

static void judge_image(struct prune_image *image, const struct prune_facts *f, const struct prune_limits *limits)
{
    int64_t age_ms = f->now_ms - image->used_ms;
    const struct prune_container *user = image->id[0] ? user_of(f, image->id) : NULL;
    if (!image->id[0])
        stays(&image->fate, "not on the host");
    else if (strcmp(image->digest, f->serves_digest) == 0)
        stays(&image->fate, "it serves");
    else if (user)
        stays(&image->fate, "container '%.80s' uses it", user->name);
    else if (image->other_name[0])
        stays(&image->fate, "it has another name on this host, '%.90s'", image->other_name);
    else if (image->elsewhere)
        stays(&image->fate, "another app on this host has deployed it");
    else if (image->pinned)
        stays(&image->fate, "one of the last %" PRId64 " good versions (keep-versions)", limits->keep_versions);
    else if (image->used_ms < 0)
        stays(&image->fate, "when it was last used cannot be told");
    else if (age_ms < limits->keep_hours * HOUR_MS)
        stays(&image->fate, "used less than %" PRId64 " hours ago (keep-hours)", limits->keep_hours);
    else
        goes(&image->fate, "last used %" PRId64 " hours ago, and not one of the last %" PRId64 " good versions",
             age_ms / HOUR_MS, limits->keep_versions);
}

/* ---- records ---- */

/* While a container is there, so is the record of what made it: it tells which of its variables are secret. */
static bool has_container(const struct prune_facts *f, const char *id)
{
    for (size_t i = 0; i < f->container_count; i++)
        if (!f->containers[i].fate.go && strcmp(f->containers[i].deployment, id) == 0)
            return true;
    return false;
}

static void judge_record(struct prune_record *r, const struct prune_facts *f, const struct prune_limits *limits)
{
    int64_t age_ms = f->now_ms - r->ended_ms;
    if (strcmp(r->id, f->current) == 0)
        stays(&r->fate, "the run at hand");
    else if (!r->ended || r->ended_ms < 0)
        stays(&r->fate, "when it ended cannot be told");
    else if (has_container(f, r->id))
        stays(&r->fate, "its container is kept");
    else if (r->pinned)
        stays(&r->fate, "the settings of one of the last %" PRId64 " good versions", limits->keep_versions);
    else if (age_ms < limits->log_retention_days * 24 * HOUR_MS)
        stays(&r->fate, "ended less than %" PRId64 " days ago (log-retention-days)", limits->log_retention_days);
    else
        goes(&r->fate, "ended %" PRId64 " days ago; kept for %" PRId64, age_ms / (24 * HOUR_MS),
             limits->log_retention_days);
}

void prune_decide(struct prune_facts *f, const struct prune_limits *limits)
{
    pin_versions(f, limits->keep_versions);
    for (size_t i = 0; i < f->container_count; i++)
        judge_container(&f->containers[i], f, limits);
    for (size_t i = 0; i < f->image_count; i++)
        judge_image(&f->images[i], f, limits);
    for (size_t i = 0; i < f->record_count; i++)
        judge_record(&f->records[i], f, limits);
}

/* ---- the plan's look ahead ---- */

void prune_foresee(struct prune_facts *f, const char *digest)
{
    bool serves = false;
    for (size_t i = 0; i < f->container_count; i++)
        serves = serves || f->containers[i].role == PRUNE_BLUE;
    for (size_t i = 0; i < f->container_count; i++) {
        struct prune_container *c = &f->containers[i];
        if (c->role == PRUNE_GREEN && serves) {
            c->role = PRUNE_REPLACED; /* settling makes its name free */
        } else if (c->role == PRUNE_BLUE) {
            c->role = PRUNE_GREEN;
            c->running = false;
            c->held = true;
        }
    }
    for (size_t i = 0; i < f->image_count; i++) {
        if (strcmp(f->images[i].digest, f->serves_digest) == 0)
            f->images[i].used_ms = f->now_ms;
    }
    f->busy = f->unfinished = false; /* waited for, and brought to its end */
    (void)snprintf(f->serves_digest, sizeof(f->serves_digest), "%s", digest);
}
