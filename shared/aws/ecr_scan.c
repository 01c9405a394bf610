#include "shared/aws/ecr_internal.h"

#include "shared/clock.h"

#include <string.h>

#define PAUSE_MS 3000     /* between two looks at a scan that is under way; a basic one takes some ten seconds */
#define PAUSE_SLICE_MS 50 /* between two looks at the cancel flag */

static enum ecr_severity severity_of(const char *aws_word)
{
    static const struct {
        const char *word;
        enum ecr_severity severity;
    } words[] = { { "LOW", ECR_LOW }, { "MEDIUM", ECR_MEDIUM }, { "HIGH", ECR_HIGH }, { "CRITICAL", ECR_CRITICAL } };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(aws_word, words[i].word) == 0)
            return words[i].severity;
    return ECR_SEVERITY_NONE; /* INFORMATIONAL, UNDEFINED, UNTRIAGED */
}

/* Several images of an index: the worst of each severity. */
void ecr_scan_take(const struct json *counts, struct ecr_image *i)
{
    int64_t here[ECR_CRITICAL + 1] = { 0 };
    for (const struct json *c = json_first(counts); c; c = json_next(c)) {
        double n = json_value_num(c, 0);
        here[severity_of(json_key(c))] += n > 0 && n < 1e9 ? (int64_t)n : 0;
    }
    for (int s = ECR_SEVERITY_NONE; s <= ECR_CRITICAL; s++)
        if (here[s] > i->findings[s])
            i->findings[s] = here[s];
    i->scanned = true;
}

static bool is_under_way(const char *status)
{
    return strcmp(status, "IN_PROGRESS") == 0 || strcmp(status, "PENDING") == 0;
}

/* A scan that failed, or was never made of this kind of image, may bring empty counts: they are no clean bill. */
bool ecr_scan_counts(const char *status)
{
    return strcmp(status, "COMPLETE") == 0 || strcmp(status, "ACTIVE") == 0;
}

static void set_status(struct ecr_image *i, const char *status)
{
    (void)snprintf(i->scan_status, sizeof(i->scan_status), "%s", status);
}

static struct json *question(const struct ecr_registry *r, const char *repo, const char *digest)
{
    struct json *body = ecr_body(r, repo), *id = json_object();
    json_set_str(id, "imageDigest", digest);
    json_set(body, "imageId", id);
    json_set_int(body, "maxResults", 1); /* the counts are of all findings */
    return body;
}

/* What a refusal means for the scan; false: it is an error. */
static bool take_refusal(struct aws *a, int result, struct ecr_image *i)
{
    if (result == -ERR_AWS_DENIED) {
        set_status(i, "not allowed");
        ecr_note(i, "the scan's findings may not be read (ecr:DescribeImageScanFindings)");
        return true;
    }
    if (result != -ERR_AWS)
        return false;
    if (aws_error_is(a, "ScanNotFoundException"))
        set_status(i, "SCAN_NOT_FOUND");
    else if (aws_error_is(a, "ImageNotFoundException"))
        set_status(i, "IMAGE_NOT_FOUND");
    else
        return false;
    return true;
}

/* 0 and the status in *i; 1 when it is not ready yet. */
static int look_once(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r, const char *repo,
                     const char *digest, struct ecr_image *i, struct err *err)
{
    _cleanup_(json_free_p) struct json *body = question(r, repo, digest), *answer = NULL;
    struct err seen = { 0 };

    int result = ecr_call(a, chain, r, AWS_ECR_DESCRIBE_IMAGE_SCAN_FINDINGS, body, &answer, &seen);
    if (result < 0) {
        if (take_refusal(a, result, i))
            return 0;
        if (err)
            *err = seen;
        return err_wrap(err, "ask ECR for the findings of its scan");
    }
    set_status(i, json_str(json_get(answer, "imageScanStatus"), "status", "unknown"));
    const struct json *counts = json_path(answer, "imageScanFindings", "findingSeverityCounts", NULL);
    if (json_is_object(counts) && ecr_scan_counts(i->scan_status))
        ecr_scan_take(counts, i);
    return is_under_way(i->scan_status) ? 1 : 0;
}

/* false: cancelled. */
static bool wait_ms(const struct aws *a, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;
    for (;;) {
        int64_t left = clock_left_ms(until);
        if (a->cancel && *a->cancel)
            return false;
        if (left == 0)
            return true;
        clock_sleep_ms(left < PAUSE_SLICE_MS ? left : PAUSE_SLICE_MS);
    }
}

int ecr_scan_look(struct aws *a, struct aws_chain *chain, const struct ecr_registry *r, const struct ecr_wanted *wanted,
                  const char *digest, struct ecr_image *i, struct err *err)
{
    int64_t until = clock_mono_ms() + (wanted->gate == ECR_SEVERITY_NONE ? 0 : wanted->scan_wait_ms);
    bool told = false;

    for (;;) {
        int result = look_once(a, chain, r, wanted->repo, digest, i, err);
        int left = clock_left_ms(until);
        if (result != 1 || left <= 0)
            return result < 0 ? result : 0;
        if (!told)
            aws_note(a, "waiting for ECR's scan of the image: %s", i->scan_status);
        told = true;
        if (!wait_ms(a, left < PAUSE_MS ? left : PAUSE_MS))
            return err_set(err, ERR_CANCEL, 0, "cancelled");
    }
}
