#include "cmd/aws/instance.h"

#include "cmd/aws/accountcall.h"
#include "cmd/aws/instance_read.h"

#define PAGES_MAX 10
#define PAGE_SIZE 100  /* DescribeInstances takes 5 to 1000 */
#define TOKEN_MAX 4096 /* of nextToken; no limit is documented */
#define FORM_TIMEOUT_MS 30000
#define WHO_TIMEOUT_MS 5000
#define LISTED_MAX 10
#define LIST_TEXT_MAX 240

/* The instances that match, as far as they are kept. */
struct matches {
    struct instance *items; /* LISTED_MAX of them */
    size_t kept, total;
    size_t running;          /* of all of them */
    struct instance *chosen; /* the first running one, else the first */
};

void instance_free(struct instance *i)
{
    free(i);
}

/* ---- the question ---- */

static void ask_by_tag(struct aws_form *form, const struct instance_query *query, const char *token)
{
    /* a terminated one may keep its tags for an hour, and is nobody's host */
    static const char *const states[] = { "pending", "running", "stopping", "stopped", "shutting-down" };
    char name[INSTANCE_NAME_MAX + 8], value[INSTANCE_FILTER_MAX], field[40];

    (void)snprintf(name, sizeof(name), "tag:%s", query->key);
    instance_filter_value(query->value, value);
    aws_form_add(form, "Filter.1.Name", name);
    aws_form_add(form, "Filter.1.Value.1", value);
    aws_form_add(form, "Filter.2.Name", "instance-state-name");
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        (void)snprintf(field, sizeof(field), "Filter.2.Value.%zu", i + 1);
        aws_form_add(form, field, states[i]);
    }
    aws_form_add_int(form, "MaxResults", PAGE_SIZE); /* not allowed together with ids */
    if (*token)
        aws_form_add(form, "NextToken", token);
}

static int ask(struct stage *s, const struct instance_query *query, const char *region, const char *token,
               struct xml **ret, struct err *err)
{
    struct aws_form form;
    int r;

    aws_form_init(&form, AWS_EC2_DESCRIBE_INSTANCES);
    if (query->id[0])
        aws_form_add(&form, "InstanceId.1", query->id);
    else
        ask_by_tag(&form, query, token);
    r = buf_check(&form.text, err);
    if (r == 0)
        r = account_query(s,
                          &(struct aws_request){ .op = AWS_EC2_DESCRIBE_INSTANCES,
                                                 .region = region,
                                                 .body = buf_span(&form.text),
                                                 .timeout_ms = FORM_TIMEOUT_MS },
                          ret, err);
    aws_form_done(&form);
    return r;
}

/* ---- the answer ---- */

static void keep(struct matches *m, const struct instance *found)
{
    bool running = strcmp(found->state, "running") == 0;

    m->total++;
    m->running += running;
    if (running && m->running == 1 && m->kept == LISTED_MAX)
        m->kept--; /* the running one has to be among those kept */
    if (m->kept == LISTED_MAX)
        return;
    m->items[m->kept] = *found;
    if (!m->chosen || (running && m->running == 1))
        m->chosen = &m->items[m->kept];
    m->kept++;
}

static void read_page(const struct xml *page, const struct instance_query *query, const char *region, struct matches *m)
{
    const struct xml_node *reservation = xml_first(xml_child(xml_root(page), "reservationSet"));
    struct instance found;

    for (; reservation; reservation = xml_next(reservation)) {
        const struct xml_node *item = xml_first(xml_child(reservation, "instancesSet"));
        for (; item; item = xml_next(item)) {
            if (!instance_read(item, region, &found))
                continue;
            /* EC2's filter has done this already; here it is no matter of wildcards or of upper and lower case */
            if (query->id[0] ? strcmp(found.id, query->id) == 0 : instance_has_tag(item, query->key, query->value))
                keep(m, &found);
        }
    }
}

static int collect(struct stage *s, const struct instance_query *query, const char *region, struct matches *m,
                   struct err *err)
{
    char token[TOKEN_MAX] = "";

    for (unsigned page = 0; page < PAGES_MAX; page++) {
        _cleanup_(xml_free_p) struct xml *answer = NULL;
        const char *next;
        int r = ask(s, query, region, token, &answer, err);
        if (r < 0)
            return r;
        read_page(answer, query, region, m);
        next = xml_str(xml_root(answer), "nextToken");
        if (!*next || m->running > LISTED_MAX)
            return 0;
        if (strlen(next) >= sizeof(token))
            return err_set(err, ERR_PROTO, 0, "EC2's list of instances goes on behind a token of %zu bytes",
                           strlen(next));
        (void)snprintf(token, sizeof(token), "%s", next);
    }
    return err_set(err, ERR_INSTANCE, 0, "more than %d instances have the tag '%s'", PAGES_MAX * PAGE_SIZE, query->key);
}

/* ---- what is wrong with it ---- */

/* " of account 123456789012", when STS tells. Needs no permission. */
static void describe_account(struct stage *s, const char *region, char out[40])
{
    _cleanup_(xml_free_p) struct xml *answer = NULL;
    struct err ignored = { 0 };
    struct aws_form form;
    int64_t digits;
    const char *account = "";

    aws_form_init(&form, AWS_STS_GET_CALLER_IDENTITY);
    if (account_query(s,
                      &(struct aws_request){ .op = AWS_STS_GET_CALLER_IDENTITY,
                                             .region = region,
                                             .body = buf_span(&form.text),
                                             .timeout_ms = WHO_TIMEOUT_MS,
                                             .attempts = 1 },
                      &answer, &ignored) == 0)
        account = xml_text(xml_path(xml_root(answer), "GetCallerIdentityResult", "Account", NULL));
    aws_form_done(&form);
    bool good = strlen(account) == 12 && span_to_int(span_of(account), 0, 999999999999, &digits);
    (void)snprintf(out, 40, "%s%s", good ? " of account " : "", good ? account : "");
}

static int refuse_none(struct stage *s, const struct instance_query *query, const char *region, struct err *err)
{
    char account[40];

    describe_account(s, region, account);
    if (query->id[0])
        (void)err_set(err, ERR_INSTANCE, 0, "there is no instance %s in region %s%s", query->id, region, account);
    else
        (void)err_set(err, ERR_INSTANCE, 0, "no instance in region %s%s has the tag '%s' with the value '%s'", region,
                      account, query->key, query->value);
    if (s->instance_id && *s->instance_id)
        err_hint(err, "It is the one that the main step deployed to; it was terminated since, and its containers with "
                      "it: there is nothing left to roll back.");
    else
        err_hint(err,
                 "Each region and each account has its own instances: is aws-region right, and are the "
                 "credentials of the account that owns it? Look: aws ec2 describe-instances --region %s%s%s",
                 region, query->id[0] ? " --instance-ids " : "", query->id);
    return -ERR_INSTANCE;
}

static void list(struct stage *s, const struct matches *m)
{
    for (size_t i = 0; i < m->kept; i++) {
        const struct instance *k = &m->items[i];
        const char *address = instance_address(k, HOST_ADDRESS_AUTO);
        github_line(s->g, "  %s %.64s, %s, %s, %s", k->id, k->name[0] ? k->name : "(no Name)", k->zone, k->state,
                    address ? address : "no address");
    }
    if (m->total > m->kept)
        github_line(s->g, "  and more");
}

static int refuse_many(struct stage *s, const struct matches *m, struct err *err)
{
    char ids[LIST_TEXT_MAX] = "";
    size_t used = 0;

    github_line(s->g, "'%s' matches:", s->in.target.host);
    list(s, m);
    for (size_t i = 0; i < m->kept && used < sizeof(ids); i++)
        used += (size_t)snprintf(ids + used, sizeof(ids) - used, "%s%s", i ? ", " : "", m->items[i].id);
    (void)err_set(err, ERR_INSTANCE, 0, "%s%zu instances match: %s%s", m->total > m->kept ? "more than " : "", m->kept,
                  ids, m->total > m->kept ? "…" : "");
    err_hint(err,
             "One run deploys to one host. Set host to one of the ids, or give the right one a tag of its own: aws "
             "ec2 create-tags --resources %s --tags Key=bluegreen,Value=%.40s and host: tag:bluegreen=%.40s",
             m->chosen->id, s->in.spec.app, s->in.spec.app);
    return -ERR_INSTANCE;
}

static int choose(struct stage *s, const struct instance_query *query, const char *region, const struct matches *m,
                  struct err *err)
{
    if (m->total == 0)
        return refuse_none(s, query, region, err);
    if (m->running > 1 || (m->running == 0 && m->total > 1))
        return refuse_many(s, m, err);
    if (m->total > 1) {
        github_line(s->g, "more than one instance has this tag, and one of them runs:");
        list(s, m);
    }
    return instance_check_state(m->chosen, err);
}

/* ---- the whole way ---- */

static int refuse_address(const struct instance *i, enum host_address which, struct err *err)
{
    static const char *const words[] = { [HOST_ADDRESS_AUTO] = "",
                                         [HOST_ADDRESS_PUBLIC] = "public IPv4 ",
                                         [HOST_ADDRESS_PRIVATE] = "private IPv4 ",
                                         [HOST_ADDRESS_IPV6] = "IPv6 " };

    (void)err_set(err, ERR_INSTANCE, 0, "instance %s has no %saddress (it has public %s, private %s, IPv6 %s)", i->id,
                  words[which], i->public_ip[0] ? i->public_ip : "none", i->private_ip[0] ? i->private_ip : "none",
                  i->ipv6[0] ? i->ipv6 : "none");
    err_hint(err, "Set host-address to one that it has and that the runner reaches, or give the instance such an "
                  "address. A private one is reached from within the VPC only (a self-hosted runner, or jump-host).");
    return -ERR_INSTANCE;
}

static int use(struct stage *s, const struct instance *chosen, struct err *err)
{
    const char *address = instance_address(chosen, s->in.aws.host_address);
    const char *host = s->in.target.host;
    bool by_id = strcmp(host, chosen->id) == 0;
    struct instance *kept;
    int r;

    if (!address)
        return refuse_address(chosen, s->in.aws.host_address, err);
    r = spec_set_str(&s->in.target.address, address, err);
    if (r < 0)
        return r;
    kept = malloc(sizeof(*kept));
    if (!kept)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    *kept = *chosen;
    s->instance = kept;
    github_line(s->g, "%s%s%s%s%.64s (%s, %s), address %s", by_id ? "" : host, by_id ? "" : " is ", kept->id,
                by_id && kept->name[0] ? " " : "", by_id ? kept->name : "", kept->zone[0] ? kept->zone : kept->region,
                kept->state, address);
    return 0;
}

static int look_up(struct stage *s, const struct instance_query *query, struct err *err)
{
    _cleanup_(free_p) struct instance *items = calloc(LISTED_MAX, sizeof(*items));
    struct matches m = { .items = items };
    char region[AWS_REGION_MAX + 1];
    int r;

    if (!items)
        return err_set(err, ERR_NOMEM, 0, "out of memory");
    r = account_region(s, region, err);
    if (r == 0)
        r = collect(s, query, region, &m, err);
    /* EC2's own words for an id that it does not know, or that is none of its */
    if (r == -ERR_AWS && query->id[0] &&
        (aws_error_is(account_aws(s->account), "InvalidInstanceID.NotFound") ||
         aws_error_is(account_aws(s->account), "InvalidInstanceID.Malformed")))
        return refuse_none(s, query, region, err);
    if (r == 0)
        r = choose(s, query, region, &m, err);
    return r == 0 ? use(s, m.chosen, err) : r;
}

int instance_resolve(struct stage *s, struct err *err)
{
    const char *host = s->in.target.host;
    struct instance_query query;

    if (s->instance || !instance_is_named(host))
        return 0;
    if (!instance_query_parse(host, &query))
        return err_set(err, ERR_INPUT, 0, "input 'host': '%.100s' names no instance", host);
    if (s->instance_id && instance_is_id(s->instance_id)) /* whoever has the tag by now */
        (void)snprintf(query.id, sizeof(query.id), "%s", s->instance_id);
    return look_up(s, &query, err) < 0 ? err_wrap(err, "find the host '%.100s'", host) : 0;
}
