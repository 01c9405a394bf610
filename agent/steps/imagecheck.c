#include "agent/steps/steps.h"

#include "agent/state/store.h"
#include "agent/steps/ecr.h"

#include <inttypes.h>

#define MIB 1048576.0

/* ---- the registry, through the engine ---- */

static int set_ref(struct run *run, const char *digest, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(sizeof(run->image_ref) - 1);
    (void)snprintf(run->digest, sizeof(run->digest), "%s", digest);
    reference_format_digest(&run->ref, run->digest, &text);
    if (buf_check(&text, err) < 0)
        return err_wrap(err, "image reference");
    (void)snprintf(run->image_ref, sizeof(run->image_ref), "%s", buf_str(&text));
    return 0;
}

static int ask_registry(struct run *run, struct engine_remote *ret, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(sizeof(run->image_ref) - 1);
    reference_format(&run->ref, &text);
    for (;;) {
        const struct engine_auth auth = registry_auth(run);
        if (engine_image_remote(run->engine, buf_str(&text), &auth, ret, err) == 0)
            return 0;
        if (ecrhost_renew(run, err) != 1 && ecrhost_give_way(run, err) != 1)
            return err_wrap(err, "ask the registry for '%s'", run->spec.image);
    }
}

static bool is_on_host(struct run *run, const char *ref)
{
    struct engine_image image;
    struct err ignored = { 0 };
    if (engine_image_inspect(run->engine, ref, run->ref.repo, &image, &ignored) != 0)
        return false;
    engine_image_done(&image);
    return true;
}

bool check_is_here(struct run *run)
{
    return is_on_host(run, run->image_ref);
}

bool check_needs_no_registry(struct run *run)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(sizeof(run->image_ref) - 1);
    if (!run->ref.digest[0])
        return false;
    reference_format_digest(&run->ref, run->ref.digest, &text);
    return !text.failed && is_on_host(run, buf_str(&text));
}

/*
 * With a digest nothing depends on the answer: the pull may have other ways (a mirror of the engine's), and tells by itself
 * what is wrong.
 */
static int ask_if_it_answers(struct run *run, struct image_known *known, struct err *err)
{
    struct err why = { 0 };
    char text[400];
    int r = ask_registry(run, &known->remote, &why);
    if (r == -ERR_REGISTRY || r == -ERR_TIMEOUT) {
        run_log(run, "info", "agent", "not looked at before the pull: %s", err_text(&why, text, sizeof(text)));
        known->remote = (struct engine_remote){ 0 };
        return 0;
    }
    if (r < 0)
        *err = why;
    return r;
}

/* The tag may move while we work: from here on the version is its digest. */
int check_resolve(struct run *run, struct image_known *known, struct err *err)
{
    if (run->ref.digest[0]) {
        if (set_ref(run, run->ref.digest, err) < 0)
            return -(int)err->kind;
        if (check_is_here(run))
            return 0; /* whatever becomes of the registry */
        return ask_if_it_answers(run, known, err);
    }
    if (ask_registry(run, &known->remote, err) < 0)
        return -(int)err->kind;
    if (!known->remote.digest[0])
        return err_set(err, ERR_REGISTRY, 0, "the registry told no digest for '%s'", run->spec.image);
    return set_ref(run, known->remote.digest, err);
}

/* "linux/arm64" takes "linux/arm64/v8". */
static bool is_for_host(const struct run *run, const char *platform)
{
    char host[80];
    int len = snprintf(host, sizeof(host), "%s/%s", run->engine_info.os, run->engine_info.arch);
    return len > 0 && strncmp(platform, host, (size_t)len) == 0 && (platform[len] == '\0' || platform[len] == '/');
}

int check_platform(const struct run *run, const struct engine_remote *remote, struct err *err)
{
    _cleanup_(buf_done_p) struct buf list = BUF_INIT(ENGINE_PLATFORMS_MAX * sizeof(remote->platforms[0]));
    for (size_t i = 0; i < remote->platform_count; i++) {
        if (is_for_host(run, remote->platforms[i]))
            return 0;
        buf_addf(&list, "%s%s", i ? ", " : "", remote->platforms[i]);
    }
    if (!remote->platform_count || remote->platform_count == ENGINE_PLATFORMS_MAX || !run->engine_info.arch[0])
        return 0; /* nobody knows all of them: looked at again after the pull */
    err_hint(err, "Build the image for linux/%s, for example with 'docker build --platform linux/%s'.",
             run->engine_info.arch, run->engine_info.arch);
    return err_set(err, ERR_PLATFORM, 0, "the image is for %.200s, the host is %s/%s; nothing was pulled",
                   buf_str(&list), run->engine_info.os, run->engine_info.arch);
}

/* ---- ECR, with the host's own credentials ---- */

static int judge_findings(struct run *run, const struct ecr_image *image, struct image_known *known, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(sizeof(known->scan) - 1);
    enum ecr_severity gate = ecr_severity_from_name(run->spec.fail_on_severity);
    if (image->notes[0])
        run_log(run, "info", "agent", "ECR: %s", image->notes);
    if (image->scanned) {
        bool bad = image->findings[ECR_CRITICAL] + image->findings[ECR_HIGH] + image->findings[ECR_MEDIUM] > 0;
        ecr_findings_text(image, &text);
        (void)snprintf(known->scan, sizeof(known->scan), "%s", buf_str(&text));
        if (bad)
            run_log(run, "warning", "agent", "ECR's scan of the image found %s", known->scan);
    }
    return ecr_findings_check(image, gate, err);
}

static int no_findings_known(const struct run *run, struct err *err)
{
    err_hint(err,
             "Give the runner or the host credentials that may read the findings (ecr:DescribeImageScanFindings), or "
             "set fail-on-severity to off.");
    return err_set(err, ERR_IMAGE_FINDINGS, 0,
                   "fail-on-severity is %s, and neither the runner nor the host may ask ECR for the findings",
                   run->spec.fail_on_severity);
}

/* The runner has looked already, as far as it could: a size is there then, and fail-on-severity is off. */
int check_findings(struct run *run, struct image_known *known, struct err *err)
{
    struct ecr_registry registry;
    struct ecr_image image;
    struct err why = { 0 };
    char text[600];
    bool gate = ecr_severity_from_name(run->spec.fail_on_severity) != ECR_SEVERITY_NONE;
    known->size_bytes = run->spec.image_size_bytes;
    if (!ecr_registry_parse(run->ref.registry, &registry) || (known->size_bytes && !gate))
        return 0;
    if (!gate && check_is_here(run))
        return 0; /* nothing is pulled: what ECR knows of it, and whether it still has it, does not count */
    int r = ecrhost_look(run, &image, &why);
    if (r == 0) {
        known->size_bytes = image.size_bytes;
        return judge_findings(run, &image, known, err);
    }
    if (r == 1)
        return gate ? no_findings_known(run, err) : 0;
    if (gate || r == -ERR_IMAGE_MISSING || r == -ERR_CANCEL) {
        *err = why;
        return err_wrap(err, "look at the image in ECR");
    }
    /* The engine has seen that it is there; what else ECR could have told is no reason to fail. */
    run_log(run, "info", "agent", "not looked at in ECR: %s", err_text(&why, text, sizeof(text)));
    return 0;
}

/* ---- room for it ---- */

/* The version that serves may share most of its layers with it. */
static bool shares_layers(const struct run *run)
{
    struct reference old;
    struct err ignored = { 0 };
    const char *image = run->old.exists ? engine_container_label(&run->old.c, CONTAINER_LABEL_IMAGE) : "";
    return image[0] && reference_parse(image, &old, &ignored) == 0 &&
           reference_same_repo(span_of(old.repo), span_of(run->ref.repo));
}

int check_room(struct run *run, int64_t size_bytes, struct err *err)
{
    int64_t free_bytes, total_bytes, need = size_bytes * CHECK_DISK_FACTOR;
    store_disk(run->engine_info.root_dir, &free_bytes, &total_bytes);
    if (size_bytes <= 0 || free_bytes < 0 || free_bytes >= need || check_is_here(run))
        return 0;
    if (shares_layers(run)) {
        run_log(run, "warning", "agent",
                "Docker's disk (%s) has %.0f MiB free; the image needs about %.0f MiB, less what it shares with the "
                "version "
                "that serves",
                run->engine_info.root_dir, (double)free_bytes / MIB, (double)need / MIB);
        return 0;
    }
    err_hint(err,
             "Free space on the host ('docker image prune -a' keeps what runs), enlarge the disk, or make the image "
             "smaller.");
    return err_set(err, ERR_DISK_FULL, 0,
                   "the image has %.0f MiB to download and needs about %.0f MiB; Docker's disk (%s) has %.0f MiB free",
                   (double)size_bytes / MIB, (double)need / MIB, run->engine_info.root_dir, (double)free_bytes / MIB);
}

int check_apply(struct run *run, struct err *err)
{
    struct image_known known = { 0 };
    char size[60] = "";
    if (check_resolve(run, &known, err) < 0 || check_platform(run, &known.remote, err) < 0 ||
        check_findings(run, &known, err) < 0 || check_room(run, known.size_bytes, err) < 0)
        return -(int)err->kind;
    if (known.size_bytes > 0)
        (void)snprintf(size, sizeof(size), ", %.1f MB to download", (double)known.size_bytes / 1e6);
    run_text(run, "%s%s%s%s", run->digest, size, known.scan[0] ? "; the scan found " : "", known.scan);
    return 0;
}
