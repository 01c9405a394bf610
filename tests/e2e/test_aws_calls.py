"""Every call to AWS that the code makes is signed right, and whole: nothing that a signature covers can be changed.

The calls are those of real runs; the judges are botocore's own signer, strictly used, and moto.
"""

import datetime
import pathlib
import re

import pytest
from e2e import kit

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_SIGNED = {"AssumeRoleWithWebIdentity"}
NOBODY = "i-0123456789abcdef0"  # an instance that is not there
MOTO_IGNORES = {"scope's day"}  # it takes the day of X-Amz-Date
ALWAYS_SIGNED = {"host", "x-amz-date", "content-type"}


def operations():
    """(service, name) of each row of the code's table of operations."""
    text = (ROOT / "shared/aws/aws_call.c").read_text()
    services = {"AWS_INSTANCE_CONNECT": "ec2-instance-connect"}
    rows = re.findall(r'\[AWS_\w+\] = \{\s*(AWS_\w+),\s*"(\w+)"', text)
    names = re.findall(r"^    (AWS_\w+),", (ROOT / "shared/aws/aws_call.h").read_text(), re.M)
    assert len(rows) == len([n for n in names if n != "AWS_OPS"]) > 10
    return {(services.get(s, s.removeprefix("AWS_").lower().replace("_", "-")), name) for s, name in rows}


def deploy_with_everything(site, aws):
    """By the job's identity, to an instance behind a closed port, with an image that the host pulls by its own role."""
    aws.console(aws.instance_id, aws.console_of(site.host))
    aws.findings("v1", {"LOW": 3}, summary=False)
    result = site.run(**aws.inputs(
        "v1", who=None, offers=aws.oidc, role_to_assume=f"{aws.role('deploy')}\n{aws.role('next')}",
        role_external_id="ext-1", host=aws.instance_id, host_fingerprint=None, ssh_key=None,
        ssh_auth="instance-connect", open_port_22="true",
        runner_address=site.bed.gateway(), fail_on_severity="critical", ecr_auth="host-role", sns_topic=aws.topic("t"),
        notify_on="always"))
    assert result.exit_code == 0, result
    assert site.post().exit_code == 0


def ask_and_fail(site, aws, image):
    """What the runner asks before it knows that there is no such host."""
    gate = None if "public" in image else "high"
    result = site.run(**aws.inputs("v1", image=image, host=NOBODY, fail_on_severity=gate))
    assert result.exit_code not in (0, 2), result
    assert f"no instance {NOBODY}" in kit.error_text(result)


def distinct(calls):
    """One call of each operation by each client."""
    return list({(c.service, c.action, c.ip): c for c in calls}.values())


def changed(call):
    """(what, arguments of judge()): the call with one thing changed that the signature covers."""
    def header(name, value):
        return {"headers": {k: v for k, v in {**call.headers, name: value}.items() if v is not None}}

    def authorization(old, new):
        assert old in call.headers["authorization"]
        return header("authorization", call.headers["authorization"].replace(old, new, 1))

    yield "method", {"method": "PUT"}
    yield "path", {"path": "/other"}
    yield "query", {"path": "/?Action=Other"}
    yield "body cut", {"body": call.raw[:-1]}
    yield "body longer", {"body": call.raw + b"x"}
    yield "body's first byte", {"body": bytes([call.raw[0] ^ 1]) + call.raw[1:]}
    yield "body's last byte", {"body": call.raw[:-1] + bytes([call.raw[-1] ^ 1])}
    for name in call.signed:
        value = call.headers[name]
        yield f"{name}'s first byte", header(name, chr(ord(value[0]) ^ 1) + value[1:])
        yield f"{name}'s last byte", header(name, value[:-1] + chr(ord(value[-1]) ^ 1))
        yield f"{name} is gone", header(name, None)
        others = ";".join(n for n in call.signed if n != name)
        yield f"{name} is not signed", authorization(";".join(call.signed), others)
    date = call.headers["x-amz-date"]
    later = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ") + datetime.timedelta(seconds=1)
    yield "a second later", header("x-amz-date", later.strftime("%Y%m%dT%H%M%SZ"))
    yield "scope's day", authorization(f"/{date[:8]}/", f"/{int(date[:8]) - 1}/")
    yield "scope's region", authorization(f"/{call.region}/", "/us-west-2/")
    yield "scope's service", authorization(f"/{call.service}/aws4", "/iam/aws4")
    yield "key id", authorization(call.key_id, call.key_id[:-1] + ("A" if call.key_id[-1] != "A" else "B"))
    signature = call.headers["authorization"][-64:]
    yield "signature", authorization(signature, signature[:-1] + format(int(signature[-1], 16) ^ 1, "x"))
    yield "no signature", header("authorization", None)


def test_every_call_is_accepted_as_it_is_and_refused_when_anything_is_changed(site, aws):
    deploy_with_everything(site, aws)
    ask_and_fail(site, aws, aws.image("v1"))
    ask_and_fail(site, aws, "public.ecr.aws/app:v1")

    calls = aws.calls
    refused = [(c.action, c.code, c.moto) for c in calls if not c.verified or c.moto]
    assert not refused
    seen = {(c.service, c.action) for c in calls}
    assert seen == operations()
    assert {c.ip for c in calls if c.service == "ecr"} > {site.host.ip}, "the host asks for itself, the runner too"

    tries = 0
    for call in distinct(calls):
        if call.action in NOT_SIGNED:
            assert "authorization" not in call.headers
            continue
        assert aws.judge(call) == {"front": "", "moto": ""}, call
        wanted = ALWAYS_SIGNED | {n for n in call.headers if n.startswith("x-amz-")}
        assert wanted <= set(call.signed), call
        assert ("x-amz-security-token" in call.signed) == call.key_id.startswith("ASIA")
        for what, change in changed(call):
            verdict = aws.judge(call, **change)
            assert verdict["front"], f"{call.service}:{call.action}: {what} is not covered"
            assert verdict["moto"] or what in MOTO_IGNORES, f"{call.service}:{call.action}: {what} is nothing to moto"
            tries += 1
    assert tries > 400, tries


@pytest.mark.parametrize("ahead, words", [(720, "12 minutes behind"), (-3 * 3600, "3 hours ahead of")])
def test_a_clock_that_is_wrong_is_named_with_how_much(site, aws, ahead, words):
    aws.clock(ahead)
    for service, over in (("ECR", {}), ("EC2", {"image": site.bed.registry.ref("v1"), "host": aws.instance_id})):
        result = site.run(**aws.inputs("v1", **over))
        assert result.exit_code == kit.EXIT["aws_credentials"], result
        assert re.search(rf"{service} .*this machine's clock is {words} AWS's", kit.error_text(result)), result
    assert [c.code for c in aws.calls] == ["InvalidSignatureException", "AuthFailure"]
    assert not site.host.agent_pids()


def test_the_judges_see_what_is_not_signed(site, aws):
    """The judges of this file are judged: with a signature that is right but covers too little, or the wrong thing."""
    def verdicts(unsigned=(), **over):
        return aws.judge(aws.signed("ecr", "GetAuthorizationToken", {}, who="session", unsigned=unsigned, **over))
    assert verdicts() == {"front": "", "moto": ""}
    for name in ("x-amz-target", "content-type", "x-amz-security-token"):
        assert "not signed" in verdicts(unsigned=[name])["front"], name
    assert "Signature expired" in verdicts(at=-301)["front"]
    assert "not yet current" in verdicts(at=301)["front"]
    assert verdicts(secret="wrong")["moto"] and "does not match" in verdicts(secret="wrong")["front"]
    assert "invalid" in verdicts(token="wrong")["front"]
    aws.expire("deploy")
    assert verdicts()["front"] == "", "new credentials"
