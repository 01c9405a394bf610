#include "shared/aws/ecr_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define SIZE_MAX_BYTES (1e15) /* of one blob; more is a mistake */

/* One look: what is asked, what is known so far. */
struct look {
    struct aws *aws;
    struct aws_chain *chain;
    const struct ecr_registry *registry;
    const struct ecr_wanted *wanted;
    struct ecr_image *image;
    bool described;                       /* DescribeImages had it */
    char children[ECR_PLATFORMS_MAX][80]; /* digests of an index's images, beside image->platforms */
    size_t child_count;
    bool nameless;  /* some of an index's images tell no platform: which of them a host takes is its engine's choice */
    bool too_many;  /* more platforms than there is room for */
    struct err why; /* DescribeImages said nothing, and this is why */
};

struct json *ecr_body(const struct ecr_registry *r, const char *repo)
{
    struct json *body = json_object();
    json_set_str(body, "registryId", r->account);
    json_set_str(body, "repositoryName", repo);
    return body;
}

void ecr_note(struct ecr_image *i, const char *fmt, ...)
{
    char text[200];
    size_t used = strlen(i->notes);
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    if (!strstr(i->notes, text)) /* once is enough: an index has several images */
        (void)snprintf(i->notes + used, sizeof(i->notes) - used, "%s%s", used ? "; " : "", text);
}

bool ecr_image_fits(const struct ecr_image *i, const char *platform)
{
    for (size_t n = 0; n < i->platform_count; n++)
        if (ecr_platform_fits(i->platforms[n], platform))
            return true;
    return i->platform_count == 0 || i->platform_count == ECR_PLATFORMS_MAX; /* there may be more */
}

static struct json *image_id(const char *tag, const char *digest)
{
    struct json *id = json_object();
    if (*digest)
        json_set_str(id, "imageDigest", digest);
    else
        json_set_str(id, "imageTag", tag);
    return id;
}

static struct json *images_body(const struct look *l, const char *tag, const char *digest)
{
    struct json *body = ecr_body(l->registry, l->wanted->repo), *ids = json_array();
    json_push(ids, image_id(tag, digest));
    json_set(body, "imageIds", ids);
    return body;
}

/* ---- what is missing, in words ---- */

/* The region and the account are those of the registry's name, whatever the caller's are. */
static void hint_place(const struct look *l, const char *what, struct err *err)
{
    const char *here = aws_default_region(l->aws);
    if (*here && strcmp(here, l->registry->region) != 0)
        err_hint(err,
                 "The region is the one in the image's name (%s), while AWS_REGION is %s: check account and region in "
                 "`image`, and that %s.",
                 l->registry->region, here, what);
    else
        err_hint(err, "Check account (%s) and region (%s) in the name that `image` has, and that %s.",
                 l->registry->account, l->registry->region, what);
}

static int no_repository(const struct look *l, struct err *err)
{
    hint_place(l, "the repository's name is spelled right", err);
    return err_set(err, ERR_IMAGE_MISSING, 0, "ECR has no repository '%s' in region %s of account %s", l->wanted->repo,
                   l->registry->region, l->registry->account);
}

static int no_image(const struct look *l, struct err *err)
{
    bool by_digest = *l->wanted->digest;
    hint_place(l,
               by_digest ? "this digest was pushed there and not deleted by a lifecycle rule"
                         : "this tag was pushed there and not deleted by a lifecycle rule",
               err);
    return err_set(err, ERR_IMAGE_MISSING, 0, "the repository '%s' in region %s of account %s has no %s %s",
                   l->wanted->repo, l->registry->region, l->registry->account,
                   by_digest ? "image with the digest" : "tag", by_digest ? l->wanted->digest : l->wanted->tag);
}

/* ---- DescribeImages ---- */

static int check_status(const struct look *l, const char *status, struct err *err)
{
    if (strcmp(status, "ARCHIVED") == 0) {
        err_hint(err, "Restore it in the ECR console, or with 'aws ecr update-image-storage-class "
                      "--target-storage-class STANDARD', and deploy when it is active again.");
        return err_set(err, ERR_IMAGE_MISSING, 0, "the image '%s' is in ECR's archive and cannot be pulled",
                       l->wanted->repo);
    }
    if (strcmp(status, "ACTIVATING") == 0) {
        err_hint(err, "Wait until ECR shows the image as active, then run again.");
        return err_set(err, ERR_IMAGE_MISSING, 0, "the image '%s' is still being restored from ECR's archive",
                       l->wanted->repo);
    }
    return 0;
}

static int64_t size_of(const struct json *j, const char *key)
{
    double n = json_num(j, key, 0);
    return n > 0 && n < SIZE_MAX_BYTES ? (int64_t)n : 0;
}

static int take_description(struct look *l, const struct json *detail, struct err *err)
{
    struct ecr_image *i = l->image;
    if (check_status(l, json_str(detail, "imageStatus", ""), err) < 0)
        return -(int)err->kind;
    l->described = true;
    (void)snprintf(i->digest, sizeof(i->digest), "%s", json_str(detail, "imageDigest", ""));
    i->size_bytes = size_of(detail, "imageSizeInBytes");
    (void)snprintf(i->scan_status, sizeof(i->scan_status), "%s",
                   json_str(json_get(detail, "imageScanStatus"), "status", ""));
    const struct json *counts = json_path(detail, "imageScanFindingsSummary", "findingSeverityCounts", NULL);
    if (json_is_object(counts) && ecr_scan_counts(i->scan_status))
        ecr_scan_take(counts, i);
    return 0;
}

/* false: AWS's last error says something else. */
static bool is_missing(const struct look *l, int result, struct err *err)
{
    bool repository = aws_error_is(l->aws, "RepositoryNotFoundException");
    if (result != -ERR_AWS || (!repository && !aws_error_is(l->aws, "ImageNotFoundException")))
        return false;
    err_clear(err); /* with the hint of AWS's own words */
    (void)(repository ? no_repository(l, err) : no_image(l, err));
    return true;
}

/*
 * 0 also when it may not be asked. Nor is an image that is not there the end: behind a pull-through cache rule only
 * reading its manifest brings it, so that has the last word.
 */
static int describe(struct look *l, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = images_body(l, l->wanted->tag, l->wanted->digest), *answer = NULL;
    int r = ecr_call(l->aws, l->chain, l->registry, AWS_ECR_DESCRIBE_IMAGES, body, &answer, &l->why);
    if (r == 0)
        return take_description(l, json_first(json_get(answer, "imageDetails")), err);
    if (r == -ERR_AWS_DENIED) {
        ecr_note(l->image, "size and status may not be asked for (ecr:DescribeImages)");
        return 0;
    }
    if (is_missing(l, r, &l->why))
        return 0;
    if (err)
        *err = l->why;
    return err_wrap(err, "ask ECR in %s about '%s'", l->registry->region, l->wanted->repo);
}

/* ---- the manifest ---- */

static int read_failure(const struct look *l, const struct json *failure, struct err *err)
{
    const char *code = json_str(failure, "failureCode", "no image and no failure");
    if (strcmp(code, "ImageNotFound") == 0 || strcmp(code, "ImageTagDoesNotMatchDigest") == 0)
        return no_image(l, err);
    return err_set(err, ERR_AWS, 0, "%s: %s", code, json_str(failure, "failureReason", ""));
}

static struct json *manifest_body(const struct look *l, const char *tag, const char *digest)
{
    static const char *const types[] = {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    };
    struct json *body = images_body(l, tag, digest), *accepted = json_array();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        json_push_str(accepted, types[i]);
    json_set(body, "acceptedMediaTypes", accepted);
    return body;
}

/* BatchGetImage. *found is the digest as AWS tells it. */
static int get_manifest(const struct look *l, const char *tag, const char *digest, struct json **ret, char found[80],
                        struct err *err)
{
    _cleanup_(json_free_p) struct json *body = manifest_body(l, tag, digest), *answer = NULL;
    struct err seen = { 0 };
    int r = ecr_call(l->aws, l->chain, l->registry, AWS_ECR_BATCH_GET_IMAGE, body, &answer, &seen);
    if (r < 0) {
        if (!is_missing(l, r, &seen))
            (void)err_wrap(&seen, "ask ECR in %s for the manifest of '%s'", l->registry->region, l->wanted->repo);
        if (err)
            *err = seen;
        return -(int)seen.kind;
    }
    const struct json *image = json_first(json_get(answer, "images"));
    if (!image)
        return read_failure(l, json_first(json_get(answer, "failures")), err);
    (void)snprintf(found, 80, "%s", json_str(json_get(image, "imageId"), "imageDigest", ""));
    if (json_parse(span_of(json_str(image, "imageManifest", "")), ret, err) < 0)
        return err_wrap(err, "the manifest of '%s' in ECR", l->wanted->repo);
    return 0;
}

static void take_size(struct ecr_image *i, const struct json *manifest)
{
    const struct json *layers = json_get(manifest, "layers");
    int64_t sum = size_of(json_get(manifest, "config"), "size");
    for (const struct json *layer = json_first(layers); layer; layer = json_next(layer))
        sum += sum < (int64_t)SIZE_MAX_BYTES ? size_of(layer, "size") : 0;
    if (json_is_array(layers))
        i->size_bytes = sum;
}

/* Attestations and signatures stand beside the images, for no platform. */
static void take_index(struct look *l, const struct json *manifests)
{
    struct ecr_image *i = l->image;
    for (const struct json *m = json_first(manifests); m; m = json_next(m)) {
        char platform[sizeof(i->platforms[0])];
        ecr_platform(json_get(m, "platform"), platform, sizeof(platform));
        l->nameless = l->nameless || !json_is_object(json_get(m, "platform"));
        if (!*platform)
            continue;
        if (i->platform_count == ECR_PLATFORMS_MAX) {
            l->too_many = true;
            break;
        }
        (void)snprintf(i->platforms[i->platform_count], sizeof(platform), "%s", platform);
        (void)snprintf(l->children[i->platform_count], sizeof(l->children[0]), "%s", json_str(m, "digest", ""));
        l->child_count = ++i->platform_count;
    }
}

/* Only what the caller runs on: an index has one image a platform. */
static bool is_wanted_child(const struct look *l, size_t n)
{
    return !*l->wanted->platform || ecr_platform_fits(l->image->platforms[n], l->wanted->platform);
}

/* The size of the one image that will be pulled; without a platform it stays the one of DescribeImages. */
static int measure_child(struct look *l, struct err *err)
{
    for (size_t n = 0; *l->wanted->platform && n < l->child_count; n++) {
        _cleanup_(json_free_p) struct json *manifest = NULL;
        char found[80];
        if (!is_wanted_child(l, n) || !l->children[n][0])
            continue;
        if (get_manifest(l, "", l->children[n], &manifest, found, err) < 0)
            return err_wrap(err, "image for %s", l->image->platforms[n]);
        take_size(l->image, manifest);
        return 0;
    }
    return 0;
}

/* What is not known of the platform is found out by the engine, later: no failure but a cancel counts. */
static int take_config(struct look *l, const struct json *config, struct err *err)
{
    struct ecr_image *i = l->image;
    struct err seen = { 0 };
    char text[120];
    if (!config)
        return 0;
    int r = ecr_config_platform(l->aws, l->chain, l->registry, l->wanted->repo, config, i->platforms[0],
                                sizeof(i->platforms[0]), &seen);
    if (r == -ERR_CANCEL) {
        if (err)
            *err = seen;
        return r;
    }
    if (r == -ERR_AWS_DENIED)
        ecr_note(i, "the platform may not be looked up (ecr:GetDownloadUrlForLayer)");
    else if (r < 0)
        ecr_note(i, "the platform is not known: %s", err_text(&seen, text, sizeof(text)));
    i->platform_count = r == 0 && i->platforms[0][0] ? 1 : 0;
    return 0;
}

static int read_manifest(struct look *l, struct err *err)
{
    _cleanup_(json_free_p) struct json *manifest = NULL;
    struct ecr_image *i = l->image;
    const char *digest = i->digest[0] ? i->digest : l->wanted->digest; /* a tag may move between two questions */
    char found[80];
    struct err seen = { 0 };

    int r = get_manifest(l, l->wanted->tag, digest, &manifest, found, &seen);
    if (r == -ERR_AWS_DENIED && l->described) {
        ecr_note(i, "platforms may not be looked up (ecr:BatchGetImage)");
        return 0;
    }
    if (r < 0) {
        if (err)
            *err = r == -ERR_AWS_DENIED && l->why.kind == ERR_IMAGE_MISSING ? l->why : seen;
        return -(int)(err ? err->kind : seen.kind);
    }
    if (!i->digest[0])
        (void)snprintf(i->digest, sizeof(i->digest), "%s", found);
    const struct json *manifests = json_get(manifest, "manifests");
    if (json_is_array(manifests)) {
        take_index(l, manifests);
        i->scanned = false; /* whatever was said of the index itself */
        memset(i->findings, 0, sizeof(i->findings));
        return measure_child(l, err);
    }
    if (!i->size_bytes)
        take_size(i, manifest);
    return take_config(l, json_get(manifest, "config"), err);
}

/* ---- findings ---- */

/* Are all images of the index looked at that a host may take? */
static bool knows_children(const struct look *l)
{
    return !l->too_many && (!l->nameless || *l->wanted->platform);
}

/* An index is not scanned, its images are. With one of them unknown, nothing is known. */
static int scan_children(struct look *l, struct err *err)
{
    struct ecr_image *i = l->image;
    char unknown[sizeof(i->scan_status)] = "";
    if (!knows_children(l))
        (void)snprintf(unknown, sizeof(unknown), "%s", "images of unknown platform");
    bool any = false;
    for (size_t n = 0; n < l->child_count; n++) {
        if (!is_wanted_child(l, n) || !l->children[n][0])
            continue;
        i->scanned = false;
        if (ecr_scan_look(l->aws, l->chain, l->registry, l->wanted, l->children[n], i, err) < 0)
            return err_wrap(err, "image for %s", i->platforms[n]);
        any = true;
        if (!i->scanned && !*unknown)
            (void)snprintf(unknown, sizeof(unknown), "%s", i->scan_status);
    }
    i->scanned = any && !*unknown;
    if (*unknown)
        (void)snprintf(i->scan_status, sizeof(i->scan_status), "%s", unknown);
    return 0;
}

static int look_at_findings(struct look *l, struct err *err)
{
    struct ecr_image *i = l->image;
    if (i->scanned || !i->digest[0])
        return 0;
    return l->child_count ? scan_children(l, err)
                          : ecr_scan_look(l->aws, l->chain, l->registry, l->wanted, i->digest, i, err);
}

int ecr_image_look(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r,
                   const struct ecr_wanted *wanted, struct ecr_image *ret, struct err *err)
{
    struct ecr_image image = { 0 };
    struct look l = { .aws = a, .chain = chain, .registry = r, .wanted = wanted, .image = &image };

    int result = describe(&l, err);
    if (result == 0)
        result = read_manifest(&l, err);
    if (result == 0)
        result = look_at_findings(&l, err);
    if (result == 0)
        *ret = image;
    return result;
}
