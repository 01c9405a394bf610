#include "shared/aws/aws_chain.h"

#include "shared/clock.h"

#define TRIED_SIZE 1200
#define WHY_SIZE 240
#define ASK_AGAIN_AFTER_MS (10 * 1000) /* short-lived ones would be fetched for every single call otherwise */

struct aws_chain {
    struct aws *aws; /* borrowed */
    struct aws_link links[AWS_LINKS_MAX];
    size_t link_count;
    struct aws_role_step steps[AWS_LINKS_MAX];
    size_t step_count;
    struct aws_credentials kept;
    bool has_kept;
    int64_t asked_mono_ms;                                    /* when the chain was last asked */
    char refused[AWS_KEY_ID_MAX + 1];                         /* key id of those that AWS called expired; "" none */
    char told[sizeof(((struct aws_credentials *)0)->source)]; /* the source that was noted last */
    char tried[TRIED_SIZE];
    bool bare; /* no link was set up at the last search */
};

int aws_chain_new(struct aws_chain **ret, struct aws *a, const struct aws_link *links, size_t link_count,
                  const struct aws_role_step *steps, size_t step_count, struct err *err)
{
    if (link_count > AWS_LINKS_MAX || step_count > AWS_LINKS_MAX)
        return err_set(err, ERR_BUG, 0, "a chain of %zu links and %zu roles", link_count, step_count);
    struct aws_chain *c = calloc(1, sizeof(*c));
    if (!c)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    c->aws = a;
    c->link_count = link_count;
    c->step_count = step_count;
    for (size_t i = 0; i < link_count; i++)
        c->links[i] = links[i];
    for (size_t i = 0; i < step_count; i++)
        c->steps[i] = steps[i];
    *ret = c;
    return 0;
}

static void forget(struct aws_chain *c)
{
    aws_credentials_done(&c->kept);
    c->has_kept = false;
}

void aws_chain_free(struct aws_chain *c)
{
    if (!c)
        return;
    forget(c);
    free(c);
}

void aws_chain_free_p(struct aws_chain **c)
{
    aws_chain_free(*c);
    *c = NULL;
}

const char *aws_chain_tried(const struct aws_chain *c)
{
    return c->tried;
}

bool aws_chain_is_bare(const struct aws_chain *c)
{
    return c->bare;
}

/* ---- one search ---- */

static void add_tried(struct aws_chain *c, const char *name, const char *why)
{
    size_t used = strlen(c->tried);
    (void)snprintf(c->tried + used, sizeof(c->tried) - used, "%s%s: %s", used ? "; " : "", name, why); /* cut is fine */
}

/* Nothing of them may be printed before this. */
static int learn(const struct aws *a, const struct aws_credentials *c, struct err *err)
{
    int r = aws_learn(a, span_of(c->key_id), err);
    if (r == 0)
        r = aws_learn(a, span_of(c->secret), err);
    return r < 0 ? r : aws_learn(a, span_of(c->token), err);
}

static int fail_without_any(const struct aws_chain *c, struct err *err)
{
    return err_set(err, ERR_AWS_CREDENTIALS, 0, "no AWS credentials. %s", c->tried);
}

/* The first link that has some. */
static int ask_links(struct aws_chain *c, struct aws_credentials *ret, struct err *err)
{
    c->tried[0] = '\0';
    c->bare = false;
    for (size_t i = 0; i < c->link_count; i++) {
        const struct aws_link *link = &c->links[i];
        char why[WHY_SIZE] = "";
        int r = link->get(link->ctx, c->aws, ret, why, sizeof(why), err);
        if (r == 0)
            r = learn(c->aws, ret, err);
        if (r == 0)
            return 0;
        aws_credentials_done(ret);
        add_tried(c, link->name, r < 0 ? "failed" : why);
        if (r < 0)
            return err_wrap(err, "AWS credentials by %s", link->name);
    }
    c->bare = true;
    return fail_without_any(c, err);
}

static int take_roles_on(struct aws_chain *c, struct aws_credentials *by, struct err *err)
{
    for (size_t i = 0; i < c->step_count; i++) {
        struct aws_credentials next = { 0 };
        int r = c->steps[i].assume(c->steps[i].ctx, c->aws, by, &next, err);
        if (r == 0)
            r = learn(c->aws, &next, err);
        if (r < 0) {
            aws_credentials_done(&next);
            return r;
        }
        aws_credentials_done(by);
        *by = next;
    }
    return 0;
}

/* A search that gives what AWS has just refused has given nothing. */
static int check_refused(const struct aws_chain *c, const struct aws_credentials *found, struct err *err)
{
    if (!c->refused[0] || strcmp(c->refused, found->key_id) != 0)
        return 0;
    (void)err_set(err, ERR_AWS_CREDENTIALS, 0, "the AWS credentials have expired, and there are no newer ones (%s)",
                  found->source);
    err_hint(err, "Fetch them right before this step, or for longer; with role-to-assume and permissions: id-token: "
                  "write they are renewed whenever that is needed.");
    return -ERR_AWS_CREDENTIALS;
}

/* AWS's own tools use expired ones too, for some minutes: the metadata service may be late with the next. */
static void tell(const struct aws_chain *c, const struct aws_credentials *found)
{
    char when[CLOCK_ISO_SIZE];
    if (found->expires_wall_ms && found->expires_wall_ms <= clock_wall_ms())
        aws_note(c->aws,
                 "AWS credentials: %s; they have expired at %s by this machine's clock and are tried all the same",
                 found->source, clock_format_iso(found->expires_wall_ms, when));
    else if (strcmp(c->told, found->source) != 0)
        aws_note(c->aws, "AWS credentials: %s", found->source);
}

static int search(struct aws_chain *c, struct err *err)
{
    struct aws_credentials found = { 0 };
    c->asked_mono_ms = clock_mono_ms();
    int r = ask_links(c, &found, err);
    if (r == 0)
        r = take_roles_on(c, &found, err);
    if (r == 0)
        r = check_refused(c, &found, err);
    if (r < 0) {
        aws_credentials_done(&found);
        return r;
    }
    tell(c, &found);
    (void)snprintf(c->told, sizeof(c->told), "%s", found.source);
    forget(c);
    c->kept = found;
    c->has_kept = true;
    c->refused[0] = '\0';
    return 0;
}

/* ---- what is kept ---- */

static bool lives_for(const struct aws_credentials *c, int64_t ms)
{
    return !c->expires_wall_ms || c->expires_wall_ms - clock_wall_ms() > ms;
}

static bool kept_will_do(const struct aws_chain *c)
{
    if (!c->has_kept)
        return false;
    if (lives_for(&c->kept, AWS_REFRESH_BEFORE_MS))
        return true;
    return lives_for(&c->kept, 0) && clock_mono_ms() - c->asked_mono_ms < ASK_AGAIN_AFTER_MS;
}

int aws_chain_get(struct aws_chain *c, const struct aws_credentials **ret, struct err *err)
{
    struct err why = { 0 };
    char text[512];
    if (!kept_will_do(c)) {
        int r = search(c, &why);
        bool may_go_on = c->has_kept && lives_for(&c->kept, 0);
        if (r < 0 && !may_go_on) {
            if (err)
                *err = why;
            return r;
        }
        if (r < 0)
            aws_note(c->aws, "the AWS credentials could not be renewed yet; the present ones go on (%s)",
                     err_text(&why, text, sizeof(text)));
    }
    *ret = &c->kept;
    return 0;
}

void aws_chain_expired(struct aws_chain *c)
{
    if (!c->has_kept)
        return;
    (void)snprintf(c->refused, sizeof(c->refused), "%s", c->kept.key_id);
    forget(c);
}

void aws_chain_age(struct aws_chain *c, int64_t ms)
{
    c->asked_mono_ms -= ms;
    if (c->has_kept && c->kept.expires_wall_ms)
        c->kept.expires_wall_ms -= ms;
}
