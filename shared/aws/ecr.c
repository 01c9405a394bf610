#include "shared/aws/ecr.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* ---- registries by their name ---- */

/* What may follow the region. Source: ecrPattern of AWS's own amazon-ecr-credential-helper, ecr-login/api/client.go. */
static const char *const suffixes[] = {
    "amazonaws.com", "amazonaws.com.cn", "amazonaws.eu",   "on.aws",         "on.amazonwebservices.com.cn",
    "sc2s.sgov.gov", "c2s.ic.gov",       "cloud.adc-e.uk", "csp.hci.ic.gov",
};

/* Between account and region. */
static const struct {
    const char *text;
    bool fips;
} kinds[] = {
    { ".dkr.ecr.", false },
    { ".dkr.ecr-fips.", true },
    { ".dkr-ecr.", false },
    { ".dkr-ecr-fips.", true },
};

static const char *const public_hosts[] = { "public.ecr.aws", "ecr-public.aws.com" };

#define PUBLIC_REGION "us-east-1" /* where the tokens of ECR Public are made */
#define ACCOUNT_DIGITS (AWS_ACCOUNT_SIZE - 1)

static bool is_suffix(struct span s)
{
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (span_eq(s, suffixes[i]))
            return true;
    return false;
}

static bool is_region_label(struct span s)
{
    if (!s.len || s.len > AWS_REGION_MAX || s.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!islower((unsigned char)s.ptr[i]) && !isdigit((unsigned char)s.ptr[i]) && s.ptr[i] != '-')
            return false;
    return true;
}

/* "REGION.SUFFIX" */
static bool read_place(struct span rest, struct ecr_registry *r)
{
    struct span region;
    if (!span_split(&rest, '.', &region) || !is_region_label(region) || !is_suffix(rest))
        return false;
    (void)snprintf(r->region, sizeof(r->region), "%.*s", (int)region.len, region.ptr);
    return true;
}

static bool parse_private(struct ecr_registry *r)
{
    const char *after = r->host;
    while (isdigit((unsigned char)*after))
        after++;
    if (after - r->host != ACCOUNT_DIGITS)
        return false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct span rest = span_of(after);
        if (!span_starts(rest, kinds[i].text))
            continue;
        (void)snprintf(r->account, sizeof(r->account), "%.*s", ACCOUNT_DIGITS, r->host);
        r->fips = kinds[i].fips;
        return read_place(span_of(after + strlen(kinds[i].text)), r);
    }
    return false;
}

static bool parse_public(struct ecr_registry *r)
{
    for (size_t i = 0; i < sizeof(public_hosts) / sizeof(public_hosts[0]); i++) {
        if (strcmp(r->host, public_hosts[i]) != 0)
            continue;
        r->is_public = true;
        (void)snprintf(r->region, sizeof(r->region), "%s", PUBLIC_REGION);
        return true;
    }
    return false;
}

bool ecr_registry_parse(const char *host, struct ecr_registry *ret)
{
    struct ecr_registry r = { 0 };
    size_t len = host ? strlen(host) : 0;
    if (!len || len >= sizeof(r.host))
        return false;
    for (size_t i = 0; i < len; i++)
        r.host[i] = (char)tolower((unsigned char)host[i]);
    if (!parse_public(&r) && !parse_private(&r))
        return false;
    *ret = r;
    return true;
}

/* ---- findings ---- */

static const char *const severities[] = {
    [ECR_SEVERITY_NONE] = "none", [ECR_LOW] = "low",           [ECR_MEDIUM] = "medium",
    [ECR_HIGH] = "high",          [ECR_CRITICAL] = "critical",
};

enum ecr_severity ecr_severity_from_name(const char *name)
{
    for (int s = ECR_LOW; s <= ECR_CRITICAL; s++)
        if (name && strcmp(name, severities[s]) == 0)
            return (enum ecr_severity)s;
    return ECR_SEVERITY_NONE;
}

const char *ecr_severity_name(enum ecr_severity s)
{
    return severities[(unsigned)s <= ECR_CRITICAL ? s : ECR_SEVERITY_NONE];
}

void ecr_findings_text(const struct ecr_image *i, struct buf *out)
{
    const char *between = "";
    for (int s = ECR_CRITICAL; s >= ECR_LOW; s--) {
        if (i->findings[s] <= 0)
            continue;
        buf_addf(out, "%s%" PRId64 " %s", between, i->findings[s], severities[s]);
        between = ", ";
    }
    if (i->findings[ECR_SEVERITY_NONE] > 0)
        buf_addf(out, "%s%" PRId64 " of no or unknown severity", between, i->findings[ECR_SEVERITY_NONE]);
    else if (!*between)
        buf_adds(out, "no findings");
}

int ecr_findings_check(const struct ecr_image *i, enum ecr_severity gate, struct err *err)
{
    int64_t bad = 0;
    if (gate == ECR_SEVERITY_NONE)
        return 0;
    if (!i->scanned) {
        err_hint(
            err,
            "Let ECR scan the repository (scan on push), wait for the scan to end before the deployment, and allow "
            "ecr:DescribeImageScanFindings; or set fail-on-severity to off.");
        return err_set(err, ERR_IMAGE_FINDINGS, 0,
                       "fail-on-severity is %s, and the findings of the image are not known: the scan's status is %s",
                       ecr_severity_name(gate), *i->scan_status ? i->scan_status : "unknown");
    }
    for (int s = (int)gate; s <= ECR_CRITICAL; s++)
        bad += i->findings[s] > 0;
    if (!bad)
        return 0;
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(200);
    ecr_findings_text(i, &text);
    return err_set(err, ERR_IMAGE_FINDINGS, 0, "the registry's scan found %s; fail-on-severity is %s", buf_str(&text),
                   ecr_severity_name(gate));
}
