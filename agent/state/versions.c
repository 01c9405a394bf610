#include "agent/state/versions.h"

#include "agent/state/audit.h"
#include "agent/state/store.h"

#define DIGEST_PREFIX "sha256:"
#define SHORT_DIGEST_MIN 7 /* hex digits, as git takes them */
#define OFFERED_MAX 4

/* ---- reading ---- */

/* Of an outcome.json or an entry of the audit log, which have the same members. */
static void fill(struct version *v, const struct json *from, const char *deployment)
{
    *v = (struct version){ .is_rollback = strcmp(json_str(from, "operation", ""), "rollback") == 0 };
    (void)snprintf(v->deployment, sizeof(v->deployment), "%s", deployment);
    (void)snprintf(v->image, sizeof(v->image), "%s", json_str(from, "image", ""));
    (void)snprintf(v->digest, sizeof(v->digest), "%s", json_str(from, "digest", ""));
    const char *name = json_str(from, "outcome", "");
    /* A rollback that had nothing to do brought nothing; a deployment that had none names what served all the same. */
    v->served = v->is_rollback ? strcmp(name, "rolled_back") == 0
                               : strcmp(name, "deployed") == 0 || strcmp(name, "unchanged") == 0;
}

/* 0; 1: it has not ended, or cannot be read. */
static int read_one(int app_fd, const char *id, struct version *ret)
{
    _cleanup_(close_p) int dir_fd = -1;
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(STORE_FILE_MAX);
    _cleanup_(json_free_p) struct json *outcome = NULL;
    struct err ignored = { 0 };
    if (store_open_deployment(app_fd, id, &dir_fd, &ignored) != 0 ||
        store_read(dir_fd, "outcome.json", &text, &ignored) != 0 || json_parse(buf_span(&text), &outcome, &ignored) < 0)
        return 1;
    fill(ret, outcome, id);
    return 0;
}

/* Runs whose record was pruned: image and digest outlive it. A log that cannot be read adds nothing. */
static void add_audited(int app_fd, struct versions *v)
{
    _cleanup_(audit_log_done_p) struct audit_log log = { 0 };
    struct err ignored = { 0 };
    if (audit_read(app_fd, VERSIONS_MAX, &log, &ignored) < 0)
        return;
    for (size_t i = 0; i < log.count; i++) {
        _cleanup_(json_free_p) struct json *entry = audit_entry(&log, i);
        const char *id = json_str(entry, "deployment", "");
        bool is_run = id[0] && strcmp(json_str(entry, "operation", ""), "prune") != 0;
        if (is_run && wire_is_id(id) && !versions_of(v, id))
            fill(&v->items[v->len++], entry, id);
    }
}

/* Ids begin with their time. */
static int newest_first(const void *a, const void *b)
{
    const struct version *x = a, *y = b;
    return strcmp(y->deployment, x->deployment);
}

int versions_read(int app_fd, struct versions *ret, struct err *err)
{
    struct strlist ids = { 0 };
    *ret = (struct versions){ 0 };
    int r = store_list_deployments(app_fd, &ids, err);
    size_t most = ids.len < VERSIONS_MAX ? ids.len : VERSIONS_MAX;
    ret->items = calloc(most + VERSIONS_MAX, sizeof(*ret->items));
    if (r == 0 && !ret->items)
        r = err_set(err, ERR_NOMEM, 0, "out of memory: the versions of the app");
    for (size_t i = 0; r == 0 && i < most; i++)
        if (read_one(app_fd, ids.items[i], &ret->items[ret->len]) == 0)
            ret->len++;
    strlist_done(&ids);
    if (r < 0) {
        versions_done(ret);
        return r;
    }
    add_audited(app_fd, ret);
    qsort(ret->items, ret->len, sizeof(*ret->items), newest_first);
    return 0;
}

void versions_done(struct versions *v)
{
    free_p(&v->items);
    v->len = 0;
}

/* ---- who is meant ---- */

bool versions_is_digest(const char *what)
{
    if (strncmp(what, DIGEST_PREFIX, sizeof(DIGEST_PREFIX) - 1) != 0)
        return false;
    const char *hex = what + sizeof(DIGEST_PREFIX) - 1;
    size_t len = strlen(hex);
    return len >= SHORT_DIGEST_MIN && len <= 64 && strspn(hex, "0123456789abcdef") == len;
}

/* A tag alone, or a whole reference. */
static bool is_of_reference(const char *what, const char *image, const char *digest)
{
    struct reference wanted, has;
    if (!image[0] || reference_parse(image, &has, NULL) < 0)
        return false;
    if (strcmp(what, has.tag) == 0)
        return true;
    if (!strpbrk(what, ":/@") || reference_parse(what, &wanted, NULL) < 0 ||
        !reference_same_repo(span_of(wanted.repo), span_of(has.repo)))
        return false;
    return wanted.digest[0] ? strcmp(wanted.digest, digest) == 0 : strcmp(wanted.tag, has.tag) == 0;
}

bool versions_means(const char *what, const char *deployment, const char *image, const char *digest)
{
    if (deployment[0] && strcmp(what, deployment) == 0)
        return true;
    if (versions_is_digest(what))
        return strncmp(what, digest, strlen(what)) == 0;
    return is_of_reference(what, image, digest);
}

const struct version *versions_of(const struct versions *v, const char *deployment)
{
    for (size_t i = 0; i < v->len; i++)
        if (strcmp(v->items[i].deployment, deployment) == 0)
            return &v->items[i];
    return NULL;
}

const struct version *versions_find(const struct versions *v, const char *what)
{
    for (size_t i = 0; i < v->len; i++) {
        const struct version *one = &v->items[i];
        if (one->served && versions_means(what, one->deployment, one->image, one->digest))
            return one;
    }
    return NULL;
}

/* ---- what there is ---- */

void versions_offer(const struct versions *v, const char *except, struct buf *out)
{
    struct strlist seen = { 0 };
    struct err ignored = { 0 };
    size_t offered = 0;
    if (except[0])
        (void)strlist_add(&seen, span_of(except), &ignored);
    for (size_t i = 0; i < v->len && offered < OFFERED_MAX; i++) {
        const struct version *one = &v->items[i];
        const char *end = strchr(one->image, '@');
        if (!one->served || !one->digest[0] || strlist_has(&seen, one->digest))
            continue;
        buf_addf(out, "%s%s (%.*s)", offered++ ? ", " : "", one->deployment,
                 (int)(end ? (size_t)(end - one->image) : strlen(one->image)), one->image);
        if (strlist_add(&seen, span_of(one->digest), &ignored) < 0)
            break;
    }
    strlist_done(&seen);
}
