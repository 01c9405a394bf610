#include "agent/steps/ecr.h"

#include "shared/aws/aws_links.h"
#include "shared/clock.h"

#include <stdlib.h>

#define SCAN_WAIT_MS 60000 /* for findings that a gate needs; the runner has waited longer, if it could look */

struct ecrhost {
    struct run *run; /* borrowed */
    struct aws aws;
    struct aws_chain *chain;
    struct ecr_registry registry;
    struct ecr_token token;
    char source[320];
    bool renewed;
};

static const char *environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static int on_secret(void *ctx, struct span secret, struct err *err)
{
    struct run *run = ctx;
    return redactor_add(run->redactor, secret, err);
}

static void on_note(void *ctx, const char *text)
{
    run_log(ctx, "info", "agent", "%s", text);
}

void ecrhost_free(struct ecrhost *h)
{
    if (!h)
        return;
    ecr_token_done(&h->token);
    aws_chain_free(h->chain);
    aws_done(&h->aws);
    free(h);
}

static int open_host(struct run *run, struct ecrhost **ret, struct err *err)
{
    const struct aws_link links[] = { aws_link_environment(), aws_link_container(), aws_link_instance() };
    struct ecrhost *h = calloc(1, sizeof(*h));
    if (!h)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    h->run = run;
    h->aws = (struct aws){ .env = environment,
                           .on_secret = on_secret,
                           .secret_ctx = run,
                           .note = on_note,
                           .note_ctx = run,
                           .cancel = &run->cancelled };
    (void)ecr_registry_parse(run->ref.registry, &h->registry); /* ecrhost_counts() has seen that it is one */
    int r = aws_init(&h->aws, err);
    if (r == 0)
        r = aws_chain_new(&h->chain, &h->aws, links, sizeof(links) / sizeof(links[0]), NULL, 0, err);
    if (r < 0)
        ecrhost_free(h);
    else
        *ret = h;
    return r;
}

bool ecrhost_counts(const struct run *run)
{
    struct ecr_registry registry;
    const char *how = run->spec.ecr_auth;
    return (strcmp(how, "auto") == 0 || strcmp(how, "host-role") == 0) &&
           ecr_registry_parse(run->ref.registry, &registry);
}

static struct engine_auth auth_of(const struct ecrhost *h)
{
    return (
        struct engine_auth){ .server = h->registry.host, .username = h->token.username, .password = h->token.password };
}

/* Where the kept credentials came from; the chain was asked a moment ago and has them. */
static void note_source(struct ecrhost *h)
{
    const struct aws_credentials *c;
    struct err ignored = { 0 };
    if (aws_chain_get(h->chain, &c, &ignored) == 0)
        (void)snprintf(h->source, sizeof(h->source), "%s", c->source);
}

static int new_token(struct ecrhost *h, struct err *err)
{
    struct ecr_token token;
    h->aws.deadline_ms = h->run->deadline_ms;
    if (ecr_token_get(&h->aws, h->chain, &h->registry, &token, err) < 0)
        return -(int)err->kind;
    ecr_token_done(&h->token);
    h->token = token;
    note_source(h);
    const struct engine_auth auth = auth_of(h);
    if (engine_registry_login(h->run->engine, &auth, err) < 0)
        return err_wrap(err, "log in to %s with the token of the host's own credentials (%s)", h->registry.host,
                        h->source);
    return 0;
}

int ecrhost_login(struct run *run, struct err *err)
{
    struct ecrhost *h = NULL;
    int r = open_host(run, &h, err);
    if (r < 0)
        return r;
    r = new_token(h, err);
    if (r < 0)
        ecrhost_free(h);
    else
        run->ecr = h;
    return r;
}

const char *ecrhost_source(const struct run *run)
{
    return run->ecr ? run->ecr->source : "";
}

struct engine_auth registry_auth(const struct run *run)
{
    if (run->ecr)
        return auth_of(run->ecr);
    return (struct engine_auth){
        .server = run->ref.registry,
        .username = run->spec.registry_username,
        .password = run->spec.registry_password,
    };
}

/* ---- expiry ---- */

/* A registry that forgets a login which worked says the same as one that never had it. */
static bool is_expiry(const struct run *run, const struct err *err)
{
    /* Two words each: an image may be called "expired". */
    static const char *const phrases[] = { "no basic auth credentials", "has expired", "is expired", "token expired",
                                           "expired token" };
    char text[ERR_TEXT_MAX * 2];
    if (err->kind == ERR_REGISTRY_EXPIRED)
        return true;
    if (err->kind != ERR_REGISTRY_AUTH || !registry_auth(run).username[0])
        return false;
    struct span words = span_of(err_text(err, text, sizeof(text)));
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (span_contains(words, phrases[i]))
            return true;
    return false;
}

static void say_expired(const struct run *run, struct err *err)
{
    err->kind = ERR_REGISTRY_EXPIRED;
    err->hint[0] = '\0';
    if (!run->ecr && !run->spec.ecr_auth[0])
        err_hint(err,
                 "Make the token right before the deployment; for an image in ECR, leave registry-username out: the "
                 "action then makes its own, and a new one when it expires.");
}

int ecrhost_renew(struct run *run, struct err *err)
{
    struct err why = { 0 };
    char text[400];
    if (!is_expiry(run, err))
        return 0;
    say_expired(run, err);
    if (!run->ecr || run->ecr->renewed)
        return 0;
    run->ecr->renewed = true;
    int r = new_token(run->ecr, &why);
    if (r == 0) {
        run_log(run, "info", "agent", "the registry's login token has expired: going on with a new one of %s",
                run->ecr->source);
        err_clear(err);
        return 1;
    }
    if (r == -ERR_CANCEL) {
        *err = why;
        return r;
    }
    run_log(run, "warning", "agent", "no new login token in place of the expired one: %s",
            err_text(&why, text, sizeof(text)));
    return 0;
}

int ecrhost_give_way(struct run *run, struct err *err)
{
    char text[600];
    bool may = strcmp(run->spec.ecr_auth, "auto") == 0 && run->spec.registry_username[0];
    if (!run->ecr || !may || err->kind != ERR_REGISTRY_AUTH)
        return 0;
    run_log(run, "info", "agent", "going on with the runner's login, the host's own may not pull this image: %s",
            err_text(err, text, sizeof(text)));
    ecrhost_free(run->ecr);
    run->ecr = NULL;
    err_clear(err);
    return 1;
}

/* ---- the image ---- */

int ecrhost_look(struct run *run, struct ecr_image *ret, struct err *err)
{
    struct ecrhost *h = run->ecr;
    char platform[80];
    if (!h || h->registry.is_public)
        return 1;
    h->aws.deadline_ms = run->deadline_ms;
    int64_t left = clock_left_ms(run->deadline_ms) / 2; /* the questions take their time, too */
    const struct ecr_wanted wanted = {
        .repo = run->ref.repo + strlen(run->ref.registry) + 1,
        .tag = run->ref.tag,
        .digest = run->digest,
        .platform = platform,
        .gate = ecr_severity_from_name(run->spec.fail_on_severity),
        .scan_wait_ms = left < SCAN_WAIT_MS ? left : SCAN_WAIT_MS,
    };
    (void)snprintf(platform, sizeof(platform), "%s/%s", run->engine_info.os, run->engine_info.arch);
    return ecr_image_look(&h->aws, h->chain, &h->registry, &wanted, ret, err);
}
