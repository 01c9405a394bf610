#include "cmd/aws/ingress.h"

#include "cmd/aws/account.h"
#include "cmd/aws/ingress_address.h"
#include "cmd/aws/ingress_ec2.h"
#include "cmd/aws/instance.h"
#include "cmd/signals.h"
#include "cmd/state.h"
#include "shared/clock.h"
#include "shared/crypto.h"
#include "shared/http.h"

#include <arpa/inet.h>
#include <inttypes.h>

#define SEEN_MS 10000 /* EC2 lists what it took after a moment */
#define PAUSE_MS 300
#define CLOSE_ROUNDS 10

/* After a cancel the runner leaves 10 s; what this stage does not manage, post does. */
#define CLOSE_CANCELLED_MS 3000
#define CLOSE_LEAST_MS 800
#define CLOSE_END_MS 8500

struct ingress {
    struct ingress_place place;
    struct ingress_address address;
    struct ingress_want want;
    bool ready;                  /* the fields above are filled in */
    bool once;                   /* it was open before: from now on nothing that fails here ends a reconnect */
    bool told;                   /* post knows of place: there may be rules */
    bool gone;                   /* removed, and seen to be */
    char id[32];                 /* of the rule; "" not known */
    struct ingress_place before; /* in post: main's, as it was told; its region is "" when there is none */
};

void ingress_free(struct ingress *i)
{
    free(i);
}

static struct ingress *ingress_of(struct stage *s, struct err *err)
{
    if (s->ingress)
        return s->ingress;
    s->ingress = calloc(1, sizeof(*s->ingress));
    if (!s->ingress)
        (void)err_set(err, ERR_NOMEM, 0, "out of memory");
    else if (!ingress_place_parse(state_get(STATE_RULE), &s->ingress->before)) /* before this stage tells its own */
        s->ingress->before = (struct ingress_place){ 0 };
    return s->ingress;
}

static bool same_place(const struct ingress_place *a, const struct ingress_place *b)
{
    return strcmp(a->region, b->region) == 0 && strcmp(a->group, b->group) == 0;
}

/* ---- where, and for whom ---- */

static int several_groups(const struct instance *instance, struct err *err)
{
    _cleanup_(buf_done_p) struct buf names = BUF_INIT(4096);

    for (size_t i = 0; i < instance->group_count; i++)
        buf_addf(&names, "%s%s (%s)", i ? ", " : "", instance->groups[i].id, instance->groups[i].name);
    (void)err_set(err, ERR_INPUT, 0, "input 'security-group': got nothing, wants one of the instance's groups: %.200s",
                  buf_str(&names));
    err_hint(err, "Give the group that is to be opened in security-group.");
    return -ERR_INPUT;
}

static int group_of_instance(const struct instance *instance, char out[INGRESS_GROUP_SIZE], struct err *err)
{
    if (!instance || instance->group_count == 0)
        return err_set(err, ERR_INPUT, 0, "input 'security-group': got nothing, wants the group that is to be opened");
    if (instance->group_count > 1)
        return several_groups(instance, err);
    (void)snprintf(out, INGRESS_GROUP_SIZE, "%s", instance->groups[0].id);
    return 0;
}

static bool has_group(const struct instance *instance, const char *group)
{
    for (size_t i = 0; i < instance->group_count; i++)
        if (strcmp(instance->groups[i].id, group) == 0)
            return true;
    return false;
}

static int find_group(struct stage *s, struct ingress_place *place, struct err *err)
{
    const char *given = s->in.aws.security_group;

    if (!*given)
        return group_of_instance(s->instance, place->group, err);
    (void)snprintf(place->group, sizeof(place->group), "%s", given);
    if (s->instance && !has_group(s->instance, given))
        github_line(s->g, "note: %s is none of the security groups of %s", given, s->instance->id);
    return 0;
}

static int find_region(struct stage *s, struct ingress_place *place, struct err *err)
{
    if (!s->instance || !s->instance->region[0])
        return account_region(s, place->region, err);
    (void)snprintf(place->region, sizeof(place->region), "%s", s->instance->region);
    return 0;
}

/* That of the main stage when this is post and its rules are in the same group: one token to look for. */
static int find_token(struct ingress *i, struct err *err)
{
    if (!i->before.region[0] || !same_place(&i->before, &i->place))
        return crypto_random_hex(INGRESS_TOKEN_BYTES, i->place.token, sizeof(i->place.token), err);
    i->place = i->before;
    i->told = true;
    return 0;
}

static bool is_private4(const char *address)
{
    struct in_addr in4;
    uint32_t a = inet_pton(AF_INET, address, &in4) == 1 ? ntohl(in4.s_addr) : 0;

    return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8;
}

/* The address must be the one that the packets to the host come from. */
static int check_address(struct stage *s, const struct ingress_address *a, struct err *err)
{
    const char *to = s->in.target.address && *s->in.target.address ? s->in.target.address : s->in.target.host;
    struct in_addr in4;
    bool to_v6 = strchr(to, ':') != NULL, to_v4 = inet_pton(AF_INET, to, &in4) == 1;

    if ((to_v6 && !a->v6) || (to_v4 && a->v6)) {
        (void)err_set(err, ERR_INPUT, 0, "the host is reached at %s, but the runner's address is %s", to, a->text);
        err_hint(err, "Give the runner's IPv%d address in runner-address, or choose another host-address.",
                 to_v6 ? 6 : 4);
        return -ERR_INPUT;
    }
    if (a->asked && is_private4(to))
        github_line(s->g,
                    "note: %s is a private address, and %s is what the runner has on the Internet: in the host's own "
                    "network give the runner's address there in runner-address",
                    to, a->text);
    return 0;
}

static int get_ready(struct stage *s, struct ingress *i, struct err *err)
{
    int r = 0;

    if (i->ready)
        return 0;
    if (s->in.jump.host && *s->in.jump.host)
        return err_set(err, ERR_INPUT, 0,
                       "input 'open-port-22': got 'true' with a jump-host, wants a host that is connected to directly");
    if ((r = find_region(s, &i->place, err)) < 0 || (r = find_group(s, &i->place, err)) < 0 ||
        (r = ingress_address(s, &i->address, err)) < 0 || (r = check_address(s, &i->address, err)) < 0 ||
        (r = find_token(i, err)) < 0)
        return r;
    (void)snprintf(i->want.cidr, sizeof(i->want.cidr), "%s", i->address.cidr);
    i->want.port = s->in.target.port;
    i->want.token = i->place.token;
    i->ready = true;
    return 0;
}

/* ---- open ---- */

/* List the group's rules and look at them; rules is the caller's in every case. */
static int look(struct stage *s, const struct ingress *i, struct ingress_rules *rules, struct ingress_view *view,
                struct err *err)
{
    int r = ingress_ec2_list(s, &i->place, rules, err);

    ingress_look(rules, &i->want, clock_wall_ms() / 1000, view);
    return r;
}

static void tell_other(struct stage *s, const struct ingress *i, const struct ingress_rule *other)
{
    const char *whose = !other                         ? "a rule that EC2 does not list"
                        : other->ours && *other->token ? "of another run of this action"
                                                       : "not made by this action";

    github_line(s->g, "%s lets %s in at port %d already: %s%s%s; it is left as it is", i->place.group, i->want.cidr,
                i->want.port, other ? other->id : "", other ? ", " : "", whose);
}

static void remove_expired(struct stage *s, const struct ingress *i, const struct ingress_rules *rules)
{
    int64_t now_s = clock_wall_ms() / 1000;
    struct err err = { 0 };
    unsigned removed = 0;
    char text[1024];

    for (size_t k = 0; k < rules->len && err.kind == ERR_OK; k++)
        if (ingress_is_expired(&rules->items[k], i->place.token, now_s) &&
            ingress_ec2_revoke(s, &i->place, rules->items[k].id, &err) == 0)
            removed++;
    if (removed)
        github_line(s->g, "removed %u rule%s that earlier runs left in %s", removed, removed == 1 ? "" : "s",
                    i->place.group);
    if (err.kind != ERR_OK)
        github_line(s->g, "a rule that an earlier run left in %s stays: %s", i->place.group,
                    err_text(&err, text, sizeof(text)));
}

/* EC2 lists it: what it took is in force. */
static int wait_until_seen(struct stage *s, struct ingress *i, struct err *err)
{
    int64_t deadline = clock_mono_ms() + SEEN_MS;
    struct ingress_rules rules;
    struct ingress_view view;

    for (;;) {
        int r = look(s, i, &rules, &view, err);
        if (r == 0 && view.own)
            (void)snprintf(i->id, sizeof(i->id), "%s", view.own->id);
        bool seen = view.own != NULL;
        ingress_rules_done(&rules);
        if (r < 0 || seen)
            return r;
        if (clock_left_ms(deadline) == 0)
            return err_set(err, ERR_AWS, 0, "EC2 took the rule, but does not list it after %d s", SEEN_MS / 1000);
        clock_sleep_ms(PAUSE_MS);
    }
}

static bool may_have_worked(const struct err *err)
{
    return err->kind == ERR_NET || err->kind == ERR_TIMEOUT || err->kind == ERR_PROTO;
}

static int tell_post(struct stage *s, struct ingress *i, struct err *err)
{
    char text[INGRESS_STATE_SIZE];

    if (i->told && !i->gone)
        return 0;
    ingress_place_text(&i->place, text);
    if (state_set(s->g, STATE_RULE, text, err) < 0)
        return err_wrap(err, "tell the post stage of the rule");
    i->told = true;
    return 0;
}

static int make_rule(struct stage *s, struct ingress *i, struct err *err)
{
    struct ingress_rules rules;
    struct ingress_view view;
    struct err lost = { 0 };
    int r = tell_post(s, i, err);

    if (r < 0)
        return r;
    i->gone = false;
    r = ingress_ec2_authorize(s, &i->place, &i->want, i->id, err);
    if (r == 1) { /* since the look before: somebody else's, or ours after a try that seemed to fail */
        (void)look(s, i, &rules, &view, &lost);
        bool ours = view.own != NULL;
        if (!ours)
            tell_other(s, i, view.other);
        ingress_rules_done(&rules);
        err_clear(&lost);
        if (!ours)
            return 0;
    }
    if (r < 0 && !may_have_worked(err))
        return r;
    if (wait_until_seen(s, i, &lost) < 0) {
        if (r >= 0)
            *err = lost;
        return -(int)err->kind;
    }
    err_clear(err);
    github_line(s->g, "opened port %d of %s for %s: rule %s, until the work on the host is done", i->want.port,
                i->place.group, i->want.cidr, i->id);
    return 0;
}

static int make_sure(struct stage *s, struct ingress *i, struct err *err)
{
    struct ingress_rules rules;
    struct ingress_view view;
    int r = look(s, i, &rules, &view, err);

    if (r == 0 && view.expired)
        remove_expired(s, i, &rules);
    if (r == 0 && view.own) {
        (void)snprintf(i->id, sizeof(i->id), "%s", view.own->id);
        i->gone = false;
        if (!i->once)
            github_line(s->g, "port %d of %s is open for %s: rule %s", i->want.port, i->place.group, i->want.cidr,
                        i->id);
    } else if (r == 0 && view.other) {
        tell_other(s, i, view.other);
    } else if (r == 0) {
        r = make_rule(s, i, err);
    }
    ingress_rules_done(&rules);
    return r;
}

static void open_again(struct stage *s, struct ingress *i)
{
    struct err err = { 0 };
    char text[1024];

    if (signals_caught)
        return; /* what is left to say must be said in seconds, and most likely it is open */
    if (make_sure(s, i, &err) < 0)
        github_line(s->g, "whether port %d is still open is not known: %s", i->want.port,
                    err_text(&err, text, sizeof(text)));
}

int ingress_open(struct stage *s, struct err *err)
{
    struct ingress *i = NULL;

    if (!s->in.aws.open_port)
        return 0;
    if (!(i = ingress_of(s, err)))
        return -ERR_NOMEM;
    if (i->once) {
        open_again(s, i);
        return 0;
    }
    if (get_ready(s, i, err) < 0 || make_sure(s, i, err) < 0)
        return err_wrap(err, "open port %d for the runner", s->in.target.port);
    i->once = true;
    return 0;
}

/* ---- close ---- */

static int64_t close_time(void)
{
    int64_t left = CLOSE_END_MS - signals_age_ms();

    if (!signals_caught)
        return INGRESS_CLOSE_MS;
    if (left > CLOSE_CANCELLED_MS)
        return CLOSE_CANCELLED_MS;
    return left > CLOSE_LEAST_MS ? left : CLOSE_LEAST_MS;
}

struct removal {
    const struct ingress_place *place;
    char id[32]; /* one that is there, or was; "" not known */
    unsigned removed;
};

/* Revoke what the list has of the run. 1: it has none. */
static int revoke_listed(struct stage *s, struct removal *r, struct err *err)
{
    struct ingress_rules rules;
    int result = ingress_ec2_list(s, r->place, &rules, err);
    unsigned found = 0;

    for (size_t i = 0; result == 0 && i < rules.len; i++) {
        const struct ingress_rule *rule = &rules.items[i];
        if (!ingress_is_of_run(rule, r->place->token))
            continue;
        found++;
        (void)snprintf(r->id, sizeof(r->id), "%s", rule->id);
        result = ingress_ec2_revoke(s, r->place, rule->id, err);
    }
    ingress_rules_done(&rules);
    r->removed += result == 0 ? found : 0;
    return result < 0 ? result : !found;
}

/* Until EC2 lists none. A rule that is known is revoked before anything is asked. */
static int remove_rules(struct stage *s, struct removal *r, struct err *err)
{
    int result = 0;

    if (r->id[0] && ingress_ec2_revoke(s, r->place, r->id, err) == 0)
        r->removed++;
    for (unsigned i = 0; i < CLOSE_ROUNDS; i++) {
        if (i)
            clock_sleep_ms(PAUSE_MS);
        err_clear(err);
        result = revoke_listed(s, r, err);
        if (result == 1)
            return 0;
        if (result < 0 && !may_have_worked(err) && err->kind != ERR_UNREACHABLE)
            return result;
    }
    return result < 0 ? result : err_set(err, ERR_AWS, 0, "EC2 still lists the rule after it said that it removed it");
}

static void tell_left(struct stage *s, const struct removal *r, struct err *err)
{
    const struct ingress_place *p = r->place;
    char text[1024], command[400];

    if (err->kind == ERR_CANCEL) /* by our own limit */
        (void)err_set(err, ERR_TIMEOUT, 0, "EC2 did not answer in time");
    if (r->id[0])
        (void)snprintf(command, sizeof(command),
                       "aws ec2 revoke-security-group-ingress --region %s --group-id %s --security-group-rule-ids %s",
                       p->region, p->group, r->id);
    else
        (void)snprintf(command, sizeof(command),
                       "aws ec2 describe-security-group-rules --region %s --filters Name=group-id,Values=%s "
                       "Name=tag:" INGRESS_TAG_RUN ",Values=%s",
                       p->region, p->group, p->token);
    github_annotate(s->g, GITHUB_WARNING, "The runner may still be let in",
                    "The rule %s of this run in %s could not be removed: %s\nWhat to do: when it is still there after "
                    "the job, remove it: %s\nA later run that opens the same group removes it too, %d hours from now. "
                    "The outcome is not affected.",
                    r->id[0] ? r->id : "(of unknown id)", p->group, err_text(err, text, sizeof(text)), command,
                    INGRESS_LIFE_S / 3600);
}

static bool close_place(struct stage *s, const struct ingress_place *place, const char *id)
{
    struct removal r = { .place = place };
    struct err err = { 0 };

    (void)snprintf(r.id, sizeof(r.id), "%s", id);
    if (http_global_init(&err) < 0 || account_open(s, &err) < 0) {
        tell_left(s, &r, &err);
        return false;
    }
    account_limit(s->account, close_time());
    int result = remove_rules(s, &r, &err);
    account_limit(s->account, 0);
    if (result < 0)
        tell_left(s, &r, &err);
    else if (r.removed)
        github_line(s->g, "closed again: rule %s is gone from %s", r.id, place->group);
    else
        github_line(s->g, "EC2 lists no rule of this run in %s", place->group);
    return result == 0;
}

/*
 * What was seen to come and to go is no business of post's, whose credentials may have expired by then. An answer that
 * was lost may still become a rule: that one stays post's.
 */
static void tell_gone(struct stage *s, const struct ingress *i)
{
    struct err ignored = { 0 }; /* then post looks once more */

    if (i->id[0])
        (void)state_set(s->g, STATE_RULE, STATE_RULE_GONE, &ignored);
}

void ingress_close(struct stage *s)
{
    struct ingress *i = s->ingress;
    struct ingress_place before;

    if (!s->g || !s->secrets)
        return; /* the stage could not start */
    if (i && i->told && !i->gone) {
        i->gone = close_place(s, &i->place, i->id);
        if (i->gone)
            tell_gone(s, i);
    }
    if (!i && (!ingress_place_parse(state_get(STATE_RULE), &before) || !(i = ingress_of(s, NULL))))
        return;
    if (!i->before.region[0] || (i->told && same_place(&i->before, &i->place)))
        return;
    stage_inputs_quietly(s);
    bool gone = close_place(s, &i->before, "");
    if (!i->told) { /* nothing else to look after: remembered, for the next call */
        i->place = i->before;
        i->told = true;
        i->gone = gone;
    }
}
