#include "cmd/aws/ecrcheck.h"

#include "cmd/aws/account.h"
#include "shared/aws/ecr.h"
#include "shared/reference.h"

#include <inttypes.h>
#include <stdlib.h>

#define SCAN_WAIT_MS (2 * 60 * 1000) /* for a scan on push that is under way; a basic one takes some ten seconds */
#define MB 1e6

struct check {
    struct stage *stage;
    struct spec *spec;
    struct reference ref;
    struct ecr_registry registry;
    struct aws *aws;
    struct aws_chain *chain;
    bool may_leave; /* ecr-auth auto: what the runner may not do is left to the host */
};

static bool is_gate(const struct spec *spec)
{
    return ecr_severity_from_name(spec->fail_on_severity) != ECR_SEVERITY_NONE;
}

static int no_scan_there(const struct check *c, const char *why, struct err *err)
{
    err_hint(err,
             "Set fail-on-severity to off, or deploy from a private repository of ECR, without registry-username.");
    return err_set(err, ERR_INPUT, 0, "input 'fail-on-severity': no findings are known of %s: %s", c->spec->image, why);
}

/* 1: the runner has nothing to do. */
static int begin(struct check *c, struct err *err)
{
    struct err ignored = { 0 };
    bool readable = reference_parse(c->spec->image, &c->ref, &ignored) == 0; /* if not, the agent tells what is wrong */
    bool in_ecr = readable && ecr_registry_parse(c->ref.registry, &c->registry);
    if (readable && is_gate(c->spec) && (!in_ecr || c->registry.is_public))
        return no_scan_there(c, in_ecr ? "ECR Public shows none" : "it is not in ECR", err);
    if (readable && is_gate(c->spec) && *c->spec->registry_username)
        return no_scan_there(c, "with registry-username ECR is not asked", err);
    if (!in_ecr || *c->spec->registry_username) {
        if (spec_set_str(&c->spec->ecr_auth, "", err) < 0)
            return -(int)err->kind;
        return 1;
    }
    c->may_leave = strcmp(c->spec->ecr_auth, "runner") != 0;
    return strcmp(c->spec->ecr_auth, "host-role") == 0 ? 1 : 0;
}

static int open_account(struct check *c, struct err *err)
{
    if (account_open(c->stage, err) < 0)
        return -(int)err->kind;
    c->aws = account_aws(c->stage->account);
    c->chain = account_chain(c->stage->account);
    return 0;
}

/* Without credentials of its own the runner leaves everything to the host: 1. */
static int find_credentials(struct check *c, struct err *err)
{
    const struct aws_credentials *credentials;
    struct err why = { 0 };
    int r = aws_chain_get(c->chain, &credentials, &why);
    if (r == 0) {
        github_line(c->stage->g, "asking ECR in %s as %s", c->registry.region, credentials->source);
        return 0;
    }
    if (c->may_leave && aws_chain_is_bare(c->chain)) {
        github_line(c->stage->g, "no AWS credentials on the runner, the host's own count: %s",
                    aws_chain_tried(c->chain));
        return 1;
    }
    *err = why;
    return c->may_leave ? r : err_wrap(err, "ecr-auth is runner");
}

static void leave_to_host(const struct check *c, const char *what, const struct err *why)
{
    char text[1024];
    github_line(c->stage->g, "%s is left to the host's own role: %s", what, err_text(why, text, sizeof(text)));
}

/* ---- what ECR tells ---- */

static int pin(struct check *c, const struct ecr_image *image, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(1024);
    if (c->ref.digest[0])
        return 0;
    if (!reference_is_digest(span_of(image->digest)))
        return err_set(err, ERR_PROTO, 0, "ECR told no digest of %s", c->spec->image);
    buf_addf(&text, "%s:%s@%s", c->ref.repo, c->ref.tag, image->digest);
    if (buf_check(&text, err) < 0)
        return err_wrap(err, "image reference");
    return spec_set_str(&c->spec->image, buf_str(&text), err);
}

static void tell_image(const struct check *c, const struct ecr_image *image)
{
    _cleanup_(buf_done_p) struct buf platforms = BUF_INIT(ECR_PLATFORMS_MAX * sizeof(image->platforms[0]));
    for (size_t i = 0; i < image->platform_count; i++)
        buf_addf(&platforms, "%s%s", i ? ", " : "", image->platforms[i]);
    github_line(c->stage->g, "%s is %s", c->ref.digest[0] ? c->ref.repo : c->ref.tag, image->digest);
    if (image->size_bytes)
        github_line(c->stage->g, "%.1f MB to download%s%s", (double)image->size_bytes / MB,
                    platforms.len ? ", for " : "", buf_str(&platforms));
    if (image->notes[0])
        github_line(c->stage->g, "%s", image->notes);
}

/* The gate is answered here when the findings are known, or when nobody else could know more. */
static int judge_findings(struct check *c, const struct ecr_image *image, struct err *err)
{
    _cleanup_(buf_done_p) struct buf text = BUF_INIT(sizeof(c->stage->image_scan) - 1);
    if (!image->scanned) {
        github_line(c->stage->g, "findings of a scan: none known (%s)",
                    *image->scan_status ? image->scan_status : "not scanned");
        if (c->may_leave && strcmp(image->scan_status, "not allowed") == 0)
            return 0;
        return ecr_findings_check(image, ecr_severity_from_name(c->spec->fail_on_severity), err);
    }
    ecr_findings_text(image, &text);
    (void)snprintf(c->stage->image_scan, sizeof(c->stage->image_scan), "%s", buf_str(&text));
    github_line(c->stage->g, "ECR's scan: %s", c->stage->image_scan);
    if (ecr_findings_check(image, ecr_severity_from_name(c->spec->fail_on_severity), err) < 0)
        return err_wrap(err, "%s", c->spec->image);
    if (image->findings[ECR_CRITICAL] + image->findings[ECR_HIGH] + image->findings[ECR_MEDIUM] > 0)
        github_annotate(c->stage->g, GITHUB_WARNING, "The image has known vulnerabilities",
                        "ECR's scan of %s found %s. Set fail-on-severity to refuse such images.", c->spec->image,
                        c->stage->image_scan);
    return spec_set_str(&c->spec->fail_on_severity, "off", err);
}

static int look(struct check *c, struct err *err)
{
    const struct ecr_wanted wanted = {
        .repo = c->ref.repo + strlen(c->ref.registry) + 1,
        .tag = c->ref.tag,
        .digest = c->ref.digest,
        .platform = "", /* the host's is not known yet */
        .gate = ecr_severity_from_name(c->spec->fail_on_severity),
        .scan_wait_ms = SCAN_WAIT_MS,
    };
    struct ecr_image image;
    struct err why = { 0 };
    if (c->registry.is_public)
        return 0;
    int r = ecr_image_look(c->aws, c->chain, &c->registry, &wanted, &image, &why);
    if (r == -ERR_AWS_DENIED && c->may_leave) {
        leave_to_host(c, "the look at the image", &why);
        return 0;
    }
    if (r < 0) {
        *err = why;
        return r;
    }
    tell_image(c, &image);
    c->spec->image_size_bytes = image.size_bytes;
    r = judge_findings(c, &image, err);
    return r < 0 ? r : pin(c, &image, err);
}

/* ---- the login ---- */

static int send_token(struct check *c, struct err *err)
{
    struct ecr_token token = { 0 };
    int r = ecr_token_get(c->aws, c->chain, &c->registry, &token, err);
    if (r < 0)
        return r;
    r = spec_set_str(&c->spec->registry_username, token.username, err);
    if (r == 0)
        r = spec_set_str(&c->spec->registry_password, token.password, err);
    ecr_token_done(&token);
    c->stage->ecr_token_sent = r == 0;
    return r;
}

static int log_in(struct check *c, struct err *err)
{
    struct err why = { 0 };
    int r = send_token(c, &why);
    if (r == 0) {
        github_line(c->stage->g, "a login token for the pull: kept in memory, sent to the agent only");
        return 0;
    }
    if (r == -ERR_AWS_DENIED && c->may_leave) {
        leave_to_host(c, "the login", &why);
        return 0;
    }
    *err = why;
    return r;
}

int ecrcheck_run(struct stage *s, struct err *err)
{
    struct check c = { .stage = s, .spec = &s->in.spec };
    int r = begin(&c, err);
    if (r != 0)
        return r < 0 ? r : 0;
    github_group(s->g, "Check the image in ECR");
    r = open_account(&c, err);
    if (r == 0)
        r = find_credentials(&c, err);
    if (r == 0)
        r = look(&c, err);
    if (r == 0)
        r = log_in(&c, err);
    if (r < 0)
        redactor_clean_err(s->redactor, err);
    github_endgroup(s->g);
    return r < 0 ? r : 0;
}

int ecrcheck_renew(struct stage *s, struct err *err)
{
    struct check c = { .stage = s, .spec = &s->in.spec };
    if (!s->ecr_token_sent)
        return 1;
    if (reference_parse(c.spec->image, &c.ref, err) < 0 || open_account(&c, err) < 0)
        return -(int)err->kind;
    (void)ecr_registry_parse(c.ref.registry, &c.registry); /* it was one when the first token was made */
    return send_token(&c, err);
}
