#include "cmd/aws/ingress_ec2.h"

#include "cmd/aws/accountcall.h"
#include "shared/clock.h"

#include <inttypes.h>

#define CALL_MS 10000 /* with all attempts */
#define PAGES_MAX 10
#define PAGE_RULES 1000 /* most that DescribeSecurityGroupRules gives at once */

/* ---- what a refusal means ---- */

static void hint(struct err *err, const char *text)
{
    err->hint[0] = '\0'; /* the call's own knows nothing of the rule */
    err_hint(err, "%s", text);
}

static int explain_denied(struct err *err)
{
    char words[ERR_FRAMES * ERR_TEXT_MAX];

    if (strstr(err_text(err, words, sizeof(words)), "ec2:CreateTags"))
        hint(err, "Let the role do ec2:CreateTags on arn:aws:ec2:*:*:security-group-rule/* too: the rule is made with "
                  "tags, by which it is found again and removed.");
    else
        hint(err,
             "open-port-22 needs ec2:DescribeSecurityGroupRules, and on the group ec2:AuthorizeSecurityGroupIngress, "
             "ec2:RevokeSecurityGroupIngress and ec2:CreateTags: docs/aws.md has the policy.");
    return -(int)err->kind;
}

static int explain(struct stage *s, const struct ingress_place *place, struct err *err)
{
    const struct aws *aws = s->account ? account_aws(s->account) : NULL;

    if (err->kind == ERR_AWS_DENIED)
        return explain_denied(err);
    if (err->kind != ERR_AWS || !aws)
        return -(int)err->kind;
    if (aws_error_is(aws, "RulesPerSecurityGroupLimitExceeded")) {
        (void)err_set(err, ERR_AWS, err->code, "security group %s has no room for another rule", place->group);
        hint(err,
             "Remove rules that nobody needs, or raise the quota \"Inbound or outbound rules per security group\".");
    } else if (aws_error_is(aws, "InvalidGroup.NotFound") || aws_error_is(aws, "InvalidGroupId.Malformed") ||
               aws_error_is(aws, "InvalidSecurityGroupID.NotFound")) {
        (void)err_set(err, ERR_AWS, err->code, "there is no security group %s in %s", place->group, place->region);
        hint(err, "Check security-group, and that aws-region and the role's account are those of the host.");
    }
    return -(int)err->kind;
}

static int call(struct stage *s, enum aws_op op, const struct ingress_place *place, struct aws_form *form,
                struct xml **ret, struct err *err)
{
    const struct aws_request request = {
        .op = op, .region = place->region, .body = buf_span(&form->text), .timeout_ms = CALL_MS
    };
    int r = buf_check(&form->text, err);

    if (r == 0)
        r = account_query(s, &request, ret, err);
    aws_form_done(form);
    return r;
}

/* ---- list ---- */

static int list_page(struct stage *s, const struct ingress_place *place, const char *next, struct xml **ret,
                     struct err *err)
{
    struct aws_form form;

    aws_form_init(&form, AWS_EC2_DESCRIBE_SECURITY_GROUP_RULES);
    aws_form_add(&form, "Filter.1.Name", "group-id");
    aws_form_add(&form, "Filter.1.Value.1", place->group);
    aws_form_add_int(&form, "MaxResults", PAGE_RULES);
    if (*next)
        aws_form_add(&form, "NextToken", next);
    return call(s, AWS_EC2_DESCRIBE_SECURITY_GROUP_RULES, place, &form, ret, err);
}

int ingress_ec2_list(struct stage *s, const struct ingress_place *place, struct ingress_rules *rules, struct err *err)
{
    _cleanup_(xml_free_p) struct xml *page = NULL;
    const char *next = "";
    int r = 0;

    *rules = (struct ingress_rules){ 0 };
    for (unsigned i = 0; r == 0 && (i == 0 || *next) && i < PAGES_MAX; i++) {
        struct xml *answer = NULL;
        r = list_page(s, place, next, &answer, err);
        if (r < 0)
            return explain(s, place, err);
        xml_free(page);
        page = answer;
        next = xml_str(xml_root(page), "nextToken");
        r = ingress_rules_read(xml_root(page), rules, err);
    }
    if (r == 0 && *next)
        return err_set(err, ERR_PROTO, 0, "EC2 lists the rules of %s on more than %d pages", place->group, PAGES_MAX);
    return r;
}

/* ---- make ---- */

static void add_tag(struct aws_form *form, int number, const char *key, const char *value)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "TagSpecification.1.Tag.%d.Key", number);
    aws_form_add(form, name, key);
    (void)snprintf(name, sizeof(name), "TagSpecification.1.Tag.%d.Value", number);
    aws_form_add(form, name, value);
}

static void fill_form(const struct stage *s, const struct ingress_place *place, const struct ingress_want *want,
                      struct aws_form *form)
{
    bool v6 = strchr(want->cidr, ':') != NULL;
    char description[INGRESS_DESCRIPTION_SIZE], expires[24];

    ingress_description(s->in.run_link, description);
    (void)snprintf(expires, sizeof(expires), "%" PRId64, clock_wall_ms() / 1000 + INGRESS_LIFE_S);
    aws_form_add(form, "GroupId", place->group);
    aws_form_add(form, "IpPermissions.1.IpProtocol", "tcp");
    aws_form_add_int(form, "IpPermissions.1.FromPort", want->port);
    aws_form_add_int(form, "IpPermissions.1.ToPort", want->port);
    aws_form_add(form, v6 ? "IpPermissions.1.Ipv6Ranges.1.CidrIpv6" : "IpPermissions.1.IpRanges.1.CidrIp", want->cidr);
    aws_form_add(form, v6 ? "IpPermissions.1.Ipv6Ranges.1.Description" : "IpPermissions.1.IpRanges.1.Description",
                 description);
    aws_form_add(form, "TagSpecification.1.ResourceType", "security-group-rule");
    add_tag(form, 1, INGRESS_TAG_ACTION, INGRESS_TAG_ACTION_VALUE);
    add_tag(form, 2, INGRESS_TAG_RUN, place->token);
    add_tag(form, 3, INGRESS_TAG_EXPIRES, expires);
}

int ingress_ec2_authorize(struct stage *s, const struct ingress_place *place, const struct ingress_want *want,
                          char id[32], struct err *err)
{
    _cleanup_(xml_free_p) struct xml *answer = NULL;
    struct ingress_rules made = { 0 };
    struct aws_form form;
    int r = 0;

    id[0] = '\0';
    aws_form_init(&form, AWS_EC2_AUTHORIZE_SECURITY_GROUP_INGRESS);
    fill_form(s, place, want, &form);
    r = call(s, AWS_EC2_AUTHORIZE_SECURITY_GROUP_INGRESS, place, &form, &answer, err);
    if (r == -ERR_AWS && aws_error_is(account_aws(s->account), "InvalidPermission.Duplicate")) {
        err_clear(err);
        return 1;
    }
    if (r < 0)
        return explain(s, place, err);
    if (ingress_rules_read(xml_root(answer), &made, NULL) == 0 && made.len == 1)
        (void)snprintf(id, sizeof(made.items->id), "%s", made.items->id);
    ingress_rules_done(&made);
    return 0;
}

/* ---- remove ---- */

static bool is_gone(const struct stage *s)
{
    static const char *const codes[] = { "InvalidPermission.NotFound", "InvalidSecurityGroupRuleId.NotFound",
                                         "InvalidGroup.NotFound" };
    const struct aws *aws = account_aws(s->account);

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (aws_error_is(aws, codes[i]))
            return true;
    return false;
}

int ingress_ec2_revoke(struct stage *s, const struct ingress_place *place, const char *id, struct err *err)
{
    _cleanup_(xml_free_p) struct xml *answer = NULL;
    struct aws_form form;
    int r = 0;

    aws_form_init(&form, AWS_EC2_REVOKE_SECURITY_GROUP_INGRESS);
    aws_form_add(&form, "GroupId", place->group);
    aws_form_add(&form, "SecurityGroupRuleId.1", id);
    r = call(s, AWS_EC2_REVOKE_SECURITY_GROUP_INGRESS, place, &form, &answer, err);
    if (r == -ERR_AWS && is_gone(s)) {
        err_clear(err);
        return 0;
    }
    return r < 0 ? explain(s, place, err) : 0;
}
