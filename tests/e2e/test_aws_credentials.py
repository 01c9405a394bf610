"""Where the action's AWS credentials come from; DescribeInstances of `host: tag:…` is what needs some."""

import re

from e2e import kit


def look_up(site, aws, who=None, env=None, **over):
    """A run that asks AWS once, for the address of its host."""
    return site.run(command="status", host="tag:Name=web1", step_env={**aws.env(who), **(env or {})}, **over)


def by_oidc(site, aws, *roles, **over):
    return look_up(site, aws, offers=aws.oidc, role_to_assume="\n".join(aws.role(r) for r in roles), **over)


def check_asked_as(aws, who):
    """The last call that was let in came from this principal, its signature right."""
    call = aws.calls_of("DescribeInstances")[-1]
    assert call.status == 200 and call.verified and re.fullmatch(who, call.who), call


def check_hidden(aws, result):
    shown = result.shown()
    assert [s for s in aws.secrets if s in shown] == []


def check_refused(result, kind, *words):
    assert result.exit_code == kit.EXIT[kind], result
    for w in words:
        assert w in kit.error_text(result), kit.error_text(result)


def test_keys_by_input_win_over_the_environment(site, aws):
    keys = aws.keys("runner")
    result = look_up(site, aws, who="session", aws_access_key_id=keys.key_id, aws_secret_access_key=keys.secret)
    assert result.exit_code == 0, result
    check_asked_as(aws, "user/runner")
    check_hidden(aws, result)


def test_keys_of_an_earlier_step(site, aws):
    result = look_up(site, aws, who="session")
    assert result.exit_code == 0, result
    check_asked_as(aws, "assumed-role/deploy/.*")
    check_hidden(aws, result)


def test_session_token_that_is_wrong(site, aws):
    result = look_up(site, aws, who="session", env={"AWS_SESSION_TOKEN": "FwoGZXIvYXdzEJ3notthisone"})
    check_refused(result, "aws_credentials", "AWS does not know the access key or its session token", "the environment")


def test_half_of_the_keys(site, aws):
    result = look_up(site, aws, env={"AWS_ACCESS_KEY_ID": aws.keys("runner").key_id})
    check_refused(result, "aws_credentials", "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")
    assert aws.calls == []


def test_role_by_the_jobs_identity_token(site, aws):
    result = by_oidc(site, aws, "deploy", role_duration_seconds=900)
    assert result.exit_code == 0, result
    check_asked_as(aws, r"assumed-role/deploy/bluegreen-\d+")
    assume, = aws.calls_of("AssumeRoleWithWebIdentity")
    assert "authorization" not in assume.headers and assume.body["DurationSeconds"] == "900"
    assert f"AWS credentials: role {aws.role('deploy')} by GitHub's OIDC" in result.shown()
    check_hidden(aws, result)


def test_role_whose_trust_policy_does_not_fit(site, aws):
    aws.trust("deploy", ["repo:octo/shop:ref:refs/heads/main"])
    aws.identity(sub="repo:octo@583231/shop@1296269:ref:refs/heads/main")
    result = by_oidc(site, aws, "deploy")
    check_refused(result, "aws_denied", aws.role("deploy"), "'repo:octo@583231/shop@1296269:ref:refs/heads/main'",
                  "'sts.amazonaws.com'")
    assert "repo:OWNER@ID/REPO@ID" in result.shown()
    check_hidden(aws, result)


def test_audience_that_the_provider_does_not_know(site, aws):
    check_refused(by_oidc(site, aws, "deploy", audience="another"), "aws_credentials", "InvalidIdentityToken", "audience")


def test_roles_in_a_chain(site, aws):
    result = by_oidc(site, aws, "deploy", "next", role_external_id="ext-1")
    assert result.exit_code == 0, result
    check_asked_as(aws, r"assumed-role/next/bluegreen-\d+")
    assert aws.calls_of("AssumeRole")[0].who.startswith("assumed-role/deploy/bluegreen-")
    assert f"AWS credentials: role {aws.role('next')} by role deploy by GitHub's OIDC" in result.shown()
    check_hidden(aws, result)


def test_chained_role_that_does_not_let_in(site, aws):
    result = by_oidc(site, aws, "deploy", "next")
    check_refused(result, "aws_denied", f"take on the role {aws.role('next')}", "assumed-role/deploy/bluegreen-", "sts:AssumeRole")
    assert "role-external-id" in result.shown()


def test_keys_take_a_role_on_where_there_is_no_identity_token(site, aws):
    result = look_up(site, aws, who="runner", role_to_assume=aws.role("deploy"), role_session_name="by-hand")
    assert result.exit_code == 0, result
    check_asked_as(aws, "assumed-role/deploy/by-hand")
    assert aws.calls_of("AssumeRole")[0].who == "user/runner"
    check_hidden(aws, result)


def test_nothing_at_all(site, aws):
    result = look_up(site, aws, role_to_assume=aws.role("deploy"))
    check_refused(result, "aws_credentials", "no AWS credentials. aws-access-key-id: not given",
                  "GitHub OIDC: the job lacks 'permissions: id-token: write'", "environment: AWS_ACCESS_KEY_ID is not set",
                  "web identity: ", "container: ", "instance role: AWS_EC2_METADATA_DISABLED is set")
    assert aws.calls == []


def test_credentials_that_expire_during_the_run_are_renewed(site, aws):
    aws.fail("DescribeInstances", 400, "RequestExpired", "Request has expired.")
    result = by_oidc(site, aws, "deploy")
    assert result.exit_code == 0, result
    first, second = aws.calls_of("DescribeInstances")
    assert (first.code, second.code) == ("RequestExpired", "") and first.key_id != second.key_id
    assert len(aws.calls_of("AssumeRoleWithWebIdentity")) == len(aws.identity_tokens) == 2
    check_hidden(aws, result)


def test_keys_that_have_expired_and_cannot_be_renewed(site, aws):
    env = aws.env("session")
    aws.expire("deploy")
    result = site.run(command="status", host="tag:Name=web1", step_env=env)
    check_refused(result, "aws_credentials", "have expired, and there are no newer ones (the environment)")
    assert "right before this step" in result.shown()


def test_metadata_service_that_gives_the_host_nothing(site, aws):
    refused = (("hop-limit", "takes the connection and does not answer.* HttpPutResponseHopLimit to 2"),
               ("disabled", r"refuses \(HTTP 403\): the metadata service is switched off"), ("absent", "nothing answers"))
    for mode, words in refused:
        aws.imds(mode)
        result = site.run(**aws.inputs("v1", who=None, ecr_auth="host-role"))
        assert result.exit_code == kit.EXIT["aws_credentials"], result
        assert result.outputs["outcome"] == "failed_untouched"
        assert re.search(f"instance role: .*{words}", result.shown()), result
    assert not site.host.containers()
