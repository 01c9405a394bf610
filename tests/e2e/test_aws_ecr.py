"""Images in Amazon ECR: who logs in, what is looked at before anything is touched, and what becomes of a token that expires."""

import urllib.request

import pytest
from e2e import kit
from testbed.registry import MANIFEST


def steps(result, site):
    return kit.metrics(result, of=site)["steps"]


def labels(site, name="shop-blue"):
    return site.host.containers()[name]["Config"]["Labels"]


def blobs(aws):
    """Blobs that the host asked the registry for; its engine reads an image's configuration to tell the platform."""
    return [r["path"] for r in aws.registry_requests if "/blobs/" in r["path"] and r["status"] in (200, 206)]


def logins(aws):
    return [c.who.split("/")[1] for c in aws.calls_of("GetAuthorizationToken") if c.status == 200]


def test_host_pulls_with_its_own_role(site, aws):
    aws.findings("v1", {"HIGH": 2, "LOW": 1})
    result = site.run(**aws.inputs("v1", who=None))
    assert result.exit_code == 0, result
    site.check_serves("v1")
    assert "no AWS credentials on the runner" in result.shown(), result
    assert "a token of the host's own" in result.shown() and "2 high, 1 low" in result.shown(), result
    assert logins(aws) == ["host"]
    done = steps(result, site)
    assert done["ecr_login"]["status"] == "success" and done["ecr_login"]["duration_seconds"] > 0
    assert list(done)[:4] == ["preflight", "ecr_login", "image_check", "image_pull"]
    digest = result.outputs["image-digest"]
    assert labels(site)["io.bluegreen.digest"] == digest
    pulled = [r["path"] for r in aws.registry_requests if "/manifests/" in r["path"]]
    assert pulled[-1].endswith(digest), pulled

    # Somebody who has keys, too: the tag is pinned on the runner, the pull is still the host's own.
    aws.clear_calls()
    result = site.run(**aws.inputs("v2"))
    assert result.exit_code == 0, result
    site.check_serves("v2")
    assert sorted(logins(aws)) == ["host", "runner"]
    assert labels(site)["io.bluegreen.image"] == f"{aws.image('v2')}@{result.outputs['image-digest']}"
    assert {c.action for c in aws.calls if c.who.startswith("user/")} >= {"DescribeImages", "BatchGetImage"}

    # A rollback pulls nothing, and asks nobody for credentials.
    aws.clear_calls()
    seen = len(aws.imds_requests)
    result = site.run(command="rollback", **aws.inputs("v2", who=None))
    assert result.exit_code == 0, result
    site.check_serves("v1")
    assert not aws.calls and len(aws.imds_requests) == seen


def test_runner_gives_the_token_to_a_host_without_a_role(site, aws):
    aws.imds_role(None)
    aws.findings("v1", {"CRITICAL": 1, "MEDIUM": 3})
    result = site.run(**aws.inputs("v1", who=None), offers=aws.oidc, role_to_assume=aws.role("deploy"))
    assert result.exit_code == 0, result
    site.check_serves("v1")
    assert logins(aws) == ["deploy"]
    assert "with the runner's token" in result.shown() and "the host's own role gives none" in result.shown(), result
    [warning] = [w for w in result.warnings if "vulnerabilities" in w.title]
    assert "1 critical, 3 medium" in warning.message
    assert "Image scan" in result.summary and "1 critical, 3 medium" in result.summary
    users = {r["user"] for r in aws.registry_requests if r["status"] == 200}
    assert users <= {"AWS", ""}


def test_digest_of_the_look_is_what_is_pulled_though_the_tag_moves(site, aws):
    registry = site.bed.registry
    registry.push_app("moving")
    inputs = aws.inputs("moving", ecr_auth="runner")
    stage = site.step(**inputs).start_main()
    kit.eventually(lambda: aws.calls_of("GetAuthorizationToken"), 20)  # the runner's last word to ECR
    registry.push_app("moving", {"APP_VERSION": "other"})
    assert not aws.registry_requests, "the host was faster than this test"
    result = site.finish(stage)
    assert result.exit_code == 0, result
    assert site.host.version() == "moving"
    assert labels(site)["io.bluegreen.image"].endswith(result.outputs["image-digest"])
    assert logins(aws) == ["runner"]
    assert not aws.imds_requests, "ecr-auth: runner leaves the host's role alone"


def test_token_that_expires_in_mid_pull_is_renewed_once(site, aws):
    site.bed.registry.push_app("layers", filler=200_000)
    aws.token_expires_after(2)
    result = site.run(**aws.inputs("layers", who=None, ecr_auth="host-role"))
    assert result.exit_code == 0, result
    site.check_serves("layers")
    assert logins(aws) == ["host", "host"]
    assert "has expired: going on with a new one" in result.shown(), result


def test_token_of_the_runner_that_expires_in_mid_pull_is_made_anew_by_a_second_try(site, aws):
    site.bed.registry.push_app("layers", filler=200_000)
    aws.token_expires_after(2)
    result = site.run(**aws.inputs("layers", ecr_auth="runner"))
    assert result.exit_code == 0, result
    site.check_serves("layers")
    assert logins(aws) == ["runner", "runner"]
    assert "deploying once more with a new one" in result.shown(), result
    assert len(site.deployments()) == 2
    assert site.post("success").exit_code == 0


def test_token_that_expires_again_has_its_own_exit_code(site, aws):
    site.bed.registry.push_app("layers", filler=200_000)
    aws.token_expires_after(2, 0)
    result = site.run(**aws.inputs("layers", who=None, ecr_auth="host-role"))
    assert result.exit_code == kit.EXIT["registry_expired"], result
    assert "expired" in kit.error_text(result)
    assert logins(aws) == ["host", "host"], "once, not for ever"
    assert "shop-blue" not in site.host.containers()


# Refused on the runner: (inputs as a function of aws, kind, words of the ::error).
ON_THE_RUNNER = {
    "wrong region": (lambda a: {"image": a.image("v1", region="us-east-1")}, "image_missing",
                     ["no repository 'app' in region us-east-1 of account 123456789012", "AWS_REGION is eu-central-1"]),
    "missing repository": (lambda a: {"image": a.image("v1", repo="nowhere")}, "image_missing", ["no repository 'nowhere'"]),
    "missing tag": (lambda a: {"image": a.image("v99")}, "image_missing", ["has no tag v99"]),
    "missing digest": (lambda a: {"image": a.image("v1@sha256:" + "0" * 64)}, "image_missing", ["no image with the digest"]),
    "archived": (lambda a: a.image_status("v2", "ARCHIVED") or {"image": a.image("v2")}, "image_missing", ["archive"]),
    "findings": (lambda a: a.findings("v2", {"CRITICAL": 1}) or {"image": a.image("v2"), "fail_on_severity": "high"},
                 "image_findings", ["1 critical", "fail-on-severity is high"]),
    "no scan": (lambda a: {"fail_on_severity": "critical"}, "image_findings", ["SCAN_NOT_FOUND"]),
    "no permission": (lambda a: a.allow(["sts:GetCallerIdentity"]) or {"ecr_auth": "runner"}, "aws_denied", ["ecr:BatchGetImage"]),
    "no credentials": (lambda a: {"ecr_auth": "runner", "step_env": a.env(None)}, "aws_credentials", ["AWS_ACCESS_KEY_ID"]),
}


@pytest.mark.parametrize("case", ON_THE_RUNNER)
def test_refused_before_any_connection(site, aws, case):
    inputs, kind, words = ON_THE_RUNNER[case]
    given = {**aws.inputs("v1"), **inputs(aws)}
    result = site.run(**given)
    assert result.exit_code == kit.EXIT[kind], result
    assert result.outputs["outcome"] == "failed_untouched"
    for word in words:
        assert word in kit.error_text(result), result
    assert "Connect to" not in result.shown() and not aws.registry_requests


# Refused on the host, whose role alone counts: (inputs as a function of site and aws, kind, words of the ::error).
ON_THE_HOST = {
    "missing repository": (lambda s, a: {"image": a.image("v1", repo="nowhere")}, "image_missing", ["nowhere", "does not exist"]),
    "missing tag": (lambda s, a: {"image": a.image("v99")}, "image_missing", ["v99"]),
    "wrong platform": (lambda s, a: {"image": a.image("wrong-arch")}, "platform", ["linux/arm64", "nothing was pulled"]),
    "no role": (lambda s, a: a.imds_role(None), "aws_credentials", ["the runner sent no login", "instance role"]),
    "role without permission": (lambda s, a: a.allow(["ecr:DescribeImages"], who="host"), "aws_denied", ["ecr:GetAuthorizationToken"]),
    "role that may not pull": (lambda s, a: a.allow(["ecr:GetAuthorizationToken"], who="host"), "registry_auth",
                               ["ecr:BatchGetImage"]),
    "archived": (lambda s, a: a.image_status(digest(a), "ARCHIVED"), "image_missing", ["archive"]),
    "too large": (lambda s, a: a.size(digest(a), 1 << 45), "disk_full", ["to download", "MiB free"]),
    "findings": (lambda s, a: a.findings("v1", {"CRITICAL": 1}) or {"fail_on_severity": "critical"}, "image_findings", ["1 critical"]),
    "findings not to be read": (
        lambda s, a: a.allow(["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], who="host") or {
            "fail_on_severity": "low"}, "image_findings", ["not allowed"]),
}
DIAGNOSES = {"no role": "host_role_missing", "role without permission": "host_role_denied", "archived": "image_archived",
             "findings": "image_findings", "too large": "image_no_space", "wrong platform": "wrong_architecture"}


def digest(aws):
    """Of the image v1, by which the host asks."""
    registry = aws.bed.registry
    request = urllib.request.Request(f"http://{registry.address}/v2/app/manifests/v1", headers={
        "Authorization": "Basic " + registry.basic, "Accept": MANIFEST})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers["Docker-Content-Digest"]


def test_refused_by_the_host_before_anything_is_pulled(site, aws):
    site.deploy("v3")
    before = site.host.containers()["shop-blue"]["Id"]
    for case, (inputs, kind, words) in ON_THE_HOST.items():
        aws.detach_all()
        aws.reset()
        aws.attach(site.host)
        result = site.run(**{**aws.inputs("v1", who=None), **(inputs(site, aws) or {})})
        assert result.exit_code == kit.EXIT[kind], (case, result)
        assert result.outputs["outcome"] == "failed_untouched", (case, result)
        for word in words:
            assert word in kit.error_text(result), (case, word, result)
        if case in DIAGNOSES:
            told = [e["code"] for e in kit.events(result, of=site) if e["kind"] == "diagnosis"]
            assert told == [DIAGNOSES[case]], (case, told)
        assert len(blobs(aws)) <= 1, (case, blobs(aws))  # the configuration, by which the engine knows the platform
        assert site.host.containers()["shop-blue"]["Id"] == before, case
    site.check_serves("v3")


def test_permission_that_the_runner_lacks_is_left_to_the_host(site, aws):
    aws.allow(["sts:GetCallerIdentity"])
    result = site.run(**aws.inputs("v1"))
    assert result.exit_code == 0, result
    assert "is left to the host's own role" in result.shown(), result
    assert logins(aws) == ["host"]


def test_host_role_without_access_to_the_image_gives_way_to_the_runner(site, aws):
    aws.allow(["ecr:GetAuthorizationToken"], who="host")
    result = site.run(**aws.inputs("v1"))
    assert result.exit_code == 0, result
    assert "going on with the runner's login" in result.shown(), result
    site.check_serves("v1")


def test_public_registry_needs_no_login_and_takes_one(site, aws):
    aws.imds_role(None)
    public = {"image": "public.ecr.aws/app:v1", "registry_username": None, "registry_password": None, "step_env": aws.env(None)}
    result = site.run(**public)
    assert result.exit_code == 0, result
    assert "pulling without login" in result.shown(), result
    aws.imds_role("host")
    result = site.run(**{**public, "image": "public.ecr.aws/app:v2"})
    assert result.exit_code == 0, result
    assert [(c.service, c.region) for c in aws.calls_of("GetAuthorizationToken")] == [("ecr-public", "us-east-1")]
    assert "a token of the host's own" in result.shown(), result


def test_role_that_may_only_pull_is_enough(site, aws):
    only_pull = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    aws.allow(only_pull, who="host")
    aws.allow(only_pull)
    for who, outcome in ((None, "deployed"), ("runner", "unchanged")):
        result = site.run(**aws.inputs("v1", who=who))
        assert result.exit_code == 0 and result.outputs["outcome"] == outcome, result
        assert "ecr:DescribeImages" in result.shown(), result
    site.check_serves("v1")


def test_fail_on_severity_without_a_scan_to_ask_is_a_wrong_input(site, aws):
    result = site.run("v1", fail_on_severity="high")
    assert result.exit_code == kit.EXIT["input"], result
    assert "fail-on-severity" in kit.error_text(result)
