"""
What the action and its agent learn of AWS (keys, tokens, credentials of roles, the key of Instance Connect) leaves them no
more than a user's own secrets do: see test_secrets.py, whose sweep this is with AWS's values in it.
"""

import json
import re
import secrets
import time

import pytest
from e2e import kit
from e2e.test_secrets import Sweep, check_processes
from testbed import artifacts, canary
from testbed.peek import Peek

# How a private key of any form begins: that of Instance Connect is made by the action and known to nobody else.
PRIVATE_KEY = re.compile(rb"PRIVATE KEY|b3BlbnNzaC1rZXktdjE|openssh-key-v1|MC4CAQAwBQYDK2Vw|BQYDK2VwBCIE")
ADDRESS = "203.0.113.7"


class AwsSweep(Sweep):
    """Runs with everything of AWS in use, and whoever may see a secret of it."""

    def __init__(self, site, aws):
        self.site, self.bed, self.aws, self.began = site, site.bed, aws, time.time()
        self.service = artifacts.Service(site.bed.folder / f"service-{secrets.token_hex(4)}", site.bed.gateway())
        self.receivers, self.hosts, self.results, self.known = [], [site.host], [], set()
        self.container_token = "Basic " + canary.fresh("container").replace('"', "'")
        self.more = [self.container_token]
        self.topic = aws.topic("deployments")
        self.group = aws.instance(site.host, name="shop-production").group
        aws.tag(aws.instance_id, "aws-host-keys", site.host.fingerprint())
        site.host.exec("rm -rf /root/.docker")
        self.inputs = {"sns_topic": self.topic, "notify_on": "always"}
        # Without one stored secret: role by OIDC, host by tag, its key from a tag, Instance Connect, the port opened.
        self.keyless = {
            "role_to_assume": aws.role("deploy"), "host": "tag:Name=shop-production", "host_fingerprint": None, "ssh_key": None,
            "ssh_auth": "instance-connect", "aws_host_keys": "tag", "open_port_22": "true", "runner_address": ADDRESS,
            "security_group": self.group,
        }

    def values(self):
        """What is secret of an identity token is its signature: its claims are words such as sts.amazonaws.com."""
        known = {*self.aws.secrets, self.aws.oidc["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}
        self.known |= {v.rpartition(".")[2] if v.startswith("eyJ") and v.count(".") == 2 else v for v in known}
        return [*self.known, *self.service.secrets(), *self.more]

    def run_with(self, tag, who="runner", env=None, **over):
        given = self.aws.inputs(tag, who=who)
        given["step_env"] = {**given["step_env"], **(env or {})}
        return self.run(offers={**self.service.offers(), **self.aws.oidc}, **{**given, **over})

    def expect(self, kinds, *args, **over):
        result = self.run_with(*args, **over)
        codes = [kit.EXIT[k] for k in ([kinds] if isinstance(kinds, str) else kinds)]
        assert result.exit_code in codes, result
        return result

    def input_keys(self, who):
        k = self.aws.keys(who)
        return {"aws_access_key_id": k.key_id, "aws_secret_access_key": k.secret, "aws_session_token": k.token or None}

    def places(self):
        yield from super().places()
        for message in self.aws.published:
            yield "SNS", f"{message['subject']}\n{message['message']}".encode()
        for host in self.hosts:
            for name, inspect in host.containers().items():
                yield f"inspect of {name}", json.dumps(inspect).encode()
            yield "environments of agents", host.exec(
                "for p in $(pgrep -f '[b]luegreen-agent'); do tr '\\0' '\\n' </proc/$p/environ; tr '\\0' '\\n' </proc/$p/cmdline; done || true").encode()

    def check(self):
        super().check()
        for where, data in self.places():
            found = PRIVATE_KEY.search(data)
            assert not found, f"a private key in {where}: {found[0]}"


@pytest.fixture
def sweep(site, aws):
    s = AwsSweep(site, aws)
    yield s
    s.close()


# ---- what goes well or wrong; each asserts that it did ----


def keyless(s):
    result = s.expect("ok", "v1", who=None, ecr_auth="host-role", **s.keyless)
    assert result.outputs["outcome"] == "deployed" and result.outputs["artifact-id"], result
    assert s.aws.pushed_keys and s.aws.identity_tokens and s.aws.published and s.aws.imds_requests, "the sweep must have met them all"
    masks = set(result.log.masks)
    assert {*s.aws.identity_tokens, s.aws.oidc["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]} <= masks
    assert len(masks & set(s.aws.secrets)) >= 3, "secret key and session token of the role, too"
    assert s.post("success").exit_code == 0


def keyless_and_rolled_back_by_post(s):
    s.expect("ok", "v1", who=None, **s.keyless)
    s.expect("ok", "v2", who=None, **s.keyless)
    assert s.post("failure").exit_code == 0
    s.site.check_serves("v1")


def runner_token_by_keys_of_the_environment(s):
    s.expect("ok", "v1", who="session", ecr_auth="runner")


def runner_token_by_keys_of_inputs(s):
    s.expect("ok", "v2", who=None, ecr_auth="runner", **s.input_keys("session"))


def chained_role(s):
    s.expect("ok", "v3", who=None, role_to_assume=f"{s.aws.role('deploy')}\n{s.aws.role('next')}", role_external_id="ext-1")


def token_expired_in_mid_pull(s):
    s.aws.token_expires_after(1)
    s.expect("ok", "v1", who=None, ecr_auth="host-role")


def denied(s):
    s.aws.allow(["sts:GetCallerIdentity"], who="deploy")
    result = s.expect("aws_denied", "v1", who=None, **s.keyless)
    assert "ecr:" in kit.error_text(result) or "ec2:" in kit.error_text(result), result


def not_trusted(s):
    s.aws.trust("deploy", ["repo:octo/other:*"])
    s.expect("aws_denied", "v1", who=None, **s.keyless)


def expired_keys(s):
    env = s.aws.env("session")
    s.aws.expire("deploy")
    s.expect("aws_credentials", "v1", who=None, env=env, ecr_auth="runner")


def skewed_clock(s):
    s.aws.clock(3600)
    s.expect("aws_credentials", "v1", ecr_auth="runner")


def wrong_session_token(s):
    s.more.append(canary.fresh("session").replace(" ", "+").replace("\u00e9", "e"))
    s.expect("aws_credentials", "v1", who="session", env={"AWS_SESSION_TOKEN": s.more[-1]}, ecr_auth="runner")


def half_of_the_keys(s):
    s.more.append("half" + secrets.token_hex(20))
    s.expect("aws_credentials", "v1", who=None, env={"AWS_SECRET_ACCESS_KEY": s.more[-1]}, ecr_auth="runner")


def container_endpoint_silent(s):
    env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/", "AWS_CONTAINER_AUTHORIZATION_TOKEN": s.container_token}
    s.expect(("aws_credentials", "unreachable", "net"), "v1", who=None, env=env, ecr_auth="runner")


def identity_refused_with_its_own_token_in_the_answer(s):
    s.aws.oidc_fail(401, json.dumps({"message": s.aws.oidc["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}))
    s.expect("aws_credentials", "v1", who=None, **s.keyless)


def aws_repeats_secrets_in_its_errors(s):
    env = s.aws.env("session")
    words = " ".join([env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"]])
    s.aws.fail("GetAuthorizationToken", 400, "ServerException", words, times=9)
    s.aws.fail("DescribeImages", 400, "InvalidParameterException", words, times=9)
    s.expect("aws", "v1", who=None, env=env, ecr_auth="runner")


def aws_repeats_secrets_to_the_host(s):
    s.expect("ok", "v1", who=None, ecr_auth="host-role")
    own = [v for v in s.aws.secrets if (len(v) == 40 or v.startswith("FQoGZXIvYXdz")) and v != s.aws.keys("runner").secret]
    assert len(own) == 2, "secret key and session token of the host's role, which stay the same for hours"
    s.aws.fail("GetAuthorizationToken", 400, "ServerException", " ".join(own), times=9)
    result = s.expect("aws", "v2", who=None, ecr_auth="host-role")
    assert "***" in result.shown()


def metadata_service_closed(s):
    s.aws.imds("disabled")
    s.expect("aws_credentials", "v1", who=None, ecr_auth="host-role")


def host_role_denied(s):
    s.aws.allow(["sts:GetCallerIdentity"], who="host")
    s.expect("aws_denied", "v1", who=None, ecr_auth="host-role")


def image_missing(s):
    s.expect("image_missing", "no-such-tag", who=None, **s.keyless)


CASES = [
    [keyless, image_missing], [keyless_and_rolled_back_by_post],
    [runner_token_by_keys_of_the_environment, runner_token_by_keys_of_inputs, chained_role, token_expired_in_mid_pull],
    [half_of_the_keys, container_endpoint_silent, wrong_session_token, expired_keys, skewed_clock],
    [identity_refused_with_its_own_token_in_the_answer, aws_repeats_secrets_in_its_errors, denied, not_trusted],
    [aws_repeats_secrets_to_the_host], [host_role_denied, metadata_service_closed],
]


def next_case(s):
    """AWS as it was, apart from what was handed out: the cases of a line share what is planted."""
    s.values()
    s.aws.clock(0)
    s.aws.oidc_fail(None)


@pytest.mark.parametrize("cases", CASES, ids=lambda cases: ", ".join(case.__name__.replace("_", " ") for case in cases))
def test_no_secret_of_aws_leaves_in_any_encoding(sweep, cases):
    for case in cases:
        case(sweep)
        next_case(sweep)
    assert len(sweep.values()) > 3
    sweep.check()


def test_the_sweep_sees_a_secret_of_aws_that_was_planted(sweep):
    """Session tokens and identity tokens are long and of one kind of letters: any piece of them counts."""
    sweep.expect("ok", "v1", who="session", ecr_auth="runner")
    token = next(v for v in sweep.values() if len(v) > 100)
    watch = canary.Watch(sweep.values())
    assert watch.hits(f"a {token[40:60]} b".encode())
    sweep.site.host.exec("cat >/home/ec2-user/leak", stdin=token.encode())
    with pytest.raises(pytest.fail.Exception, match="home/ec2-user/leak"):
        sweep.check()
    sweep.site.host.exec("printf 'MC4CAQAwBQYDK2VwBCIEI' >/home/ec2-user/leak")
    with pytest.raises(AssertionError, match="a private key"):
        sweep.check()


def test_no_secret_of_aws_is_in_the_arguments_or_the_environment_of_a_process(sweep):
    env, inputs = sweep.aws.env("session"), sweep.input_keys("session")
    words = [env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"], inputs["aws_secret_access_key"], inputs["aws_session_token"],
             sweep.aws.oidc["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], *sweep.aws.secrets]
    with Peek(sorted({w for w in words if len(w) < 1000})[:60], sweep.bed) as peek:
        sweep.expect("ok", "v1", who=None, env=env, ecr_auth="runner", open_port_22="true", runner_address=ADDRESS, security_group=sweep.group)
        sweep.expect("ok", "v2", who=None, **inputs, ecr_auth="runner")
    check_processes(peek, sweep.site.results)
