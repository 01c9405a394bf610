"""The workflows in examples/, run by act as they stand: only names in capitals, and a login, are filled in."""

import re

import pytest
from testbed import act
from testbed.engine import compiled, tar_of

EXAMPLES = act.REPOSITORY / "examples"
IMAGE = "ghcr.io/OWNER/shop"
# The test bed's registry wants a login, a container on it is healthy at once, and its runner is not kept waiting.
SOON = "          health-interval: 150ms\n          stop-timeout: 2s\n"
LOGIN = ("          registry-username: ${{ vars.REGISTRY_USER }}\n"
         "          registry-password: ${{ secrets.REGISTRY_PASSWORD }}\n"
         + SOON)


def example(name, **replace):
    """Its text, with capitals replaced, and how it calls the action."""
    text = (EXAMPLES / name).read_text()
    for old, new in {IMAGE: "registry:5000/app", "warm-up: 10s": "warm-up: 0s", "user: ubuntu": "user: ec2-user",
                     **replace}.items():
        text = text.replace(old, new)
    # A login where an image is pulled that no login stands with.
    if "registry-username" not in text and "ecr-auth" not in text:
        text = re.sub(r"(?m)^(          image: .*\n)", lambda m: m[1] + LOGIN, text)
    calls = set(re.findall(r"uses: (\S+/bluegreen-action@\S+)", text))
    return text, calls.pop() if calls else None


@pytest.fixture
def make(site):
    """make({file: text}, action) is a repository with these workflows and the settings of its environments."""
    if not act.available():
        pytest.fail("act is missing: it is in the development image", pytrace=False)

    def one(workflows, action, variables=None, secrets=None, **kwargs):
        known_secrets, known = act.settings(site)
        database = "postgres://db/shop"
        known_secrets |= {"DATABASE_URL": database, "APP_ENV": f"DATABASE_URL={database}", **(secrets or {})}
        known |= variables or {}
        repository = act.Act(site.bed, workflows, known_secrets, known, action=action, **kwargs)
        site.bed.registry.push_app(repository.sha)
        return repository
    return one


def test_minimal(site, make):
    text, action = example("minimal.yml")
    repository = make({"deploy.yml": text}, action)
    result = repository.run("push")
    assert result.exit_code == 0, result
    assert site.host.version() == repository.sha


def test_staging_then_production(site, make):
    text, action = example("environments.yml")
    repository = make({"deploy.yml": text}, action)
    result = repository.run("push")
    assert result.exit_code == 0, result
    assert result.jobs() == {"staging": "success", "production": "success"}
    # Here both environments are one host: the second deployment finds the bytes of the first one.
    assert result.step("deploy", job="staging").outputs["outcome"] == "deployed"
    assert result.step("deploy", job="production").outputs["outcome"] in ("deployed", "unchanged")
    assert site.host.version() == repository.sha


def test_two_hosts_one_after_the_other(site, make):
    other = site.bed.extra_host("web2")
    other.reset()
    text, action = example("two-hosts.yml")
    repository = make({"deploy.yml": text}, action, {
        "HOST_FIRST": site.host.name, "FINGERPRINT_FIRST": site.host.fingerprint(),
        "HOST_SECOND": other.name, "FINGERPRINT_SECOND": other.fingerprint()})
    result = repository.run("push")
    assert result.exit_code == 0, result
    assert site.host.version() == other.version() == repository.sha
    for name in ("first", "second"):
        assert repository.artifact(f"bluegreen-{name}")


def test_rollback_by_hand(site, make):
    site.deploy("v1")
    site.deploy("v2")
    text, action = example("rollback.yml")
    repository = make({"rollback.yml": text}, action)
    result = repository.run("workflow_dispatch", inputs={"to": "", "reason": "a test"})
    assert result.exit_code == 0, result
    site.check_serves("v1")
    result = repository.run("workflow_dispatch", inputs={"to": "v3", "reason": "a test"})
    assert result.exit_code == 0, result
    site.check_serves("v3")


def test_plan_of_a_pull_request(site, make):
    site.deploy("v1")
    before = site.host.snapshot(files=False)
    text, action = example("plan.yml")
    text = re.sub(r"(?m)^    if: .*\n", "", text).replace("${{ github.event.pull_request.head.sha }}", "v2").replace("production-plan", "production")
    result = make({"plan.yml": text.replace("  pull_request:", "  workflow_dispatch:")}, action).run("workflow_dispatch")
    assert result.exit_code == 0, result
    assert site.host.snapshot(files=False) == before


def test_status_by_hand(site, make):
    site.deploy("v1")
    text, action = example("status.yml")
    result = make({"status.yml": text}, action).run("workflow_dispatch")
    assert result.exit_code == 0, result
    assert site.deployments()[-1] in result.text


def test_reusable_deployment_called_twice(site, make):
    called, action = example("reusable-deploy.yml")
    caller, _ = example("call-reusable.yml")
    where = re.search(r"uses: (\S+?)/\.github/workflows/(\S+?)@(\S+)", caller)
    repository = make({"deploy.yml": caller}, action, actions={
        f"{where[1]}@{where[3]}": {f".github/workflows/{where[2]}": called}})
    digest = site.bed.registry.push("app", "by-digest", [tar_of({"app": compiled("apps/app.c").read_bytes()})],
                                    {"APP_VERSION": "by-digest"})
    result = repository.run("workflow_dispatch", inputs={"digest": digest})
    assert result.exit_code == 0, result
    assert site.host.version() == "by-digest"


# What the four-job example needs besides this action: a compiler, AWS and a docker to build with, by their answers.
COMMANDS = {
    "sudo": "", "rustup": "",
    "cargo": "out=target/x86_64-unknown-linux-musl/release; mkdir -p $out && echo program >$out/NAME",
    "aws": "echo PASSWORD",
    "docker": 'case $1 in login) test "$(cat)" = PASSWORD ;; image) echo REGISTRY/NAME@DIGEST ;; esac',
}
STEPS = {
    "actions/cache": "true",
    "actions/upload-artifact": 'mkdir -p "$HOME/kept" && cp "${{ inputs.path }}" "$HOME/kept/"',
    "actions/download-artifact": 'mkdir -p "${{ inputs.path }}" && cp "$HOME"/kept/* "${{ inputs.path }}/"',
    "aws-actions/configure-aws-credentials": 'test "${{ inputs.role-to-assume }}" = ROLE',
}
ROLE = "arn:aws:iam::123456789012:role/deploy"
NAME = "mexc-sniper-rust"


def composite(run):
    inputs = "".join(f"  {i}:\n    description: As there.\n"
                     for i in ("path", "name", "key", "role-to-assume", "aws-region"))
    return {"action.yml": "name: stand-in\ndescription: Stands in for an action that needs the network.\n"
            f"inputs:\n{inputs}runs:\n  using: composite\n  steps:\n    - shell: bash\n      run: |\n        {run}\n"}


def four_jobs(make, site, digest, smoke_test):
    text, action = example("four-jobs.yml")
    words = {"PASSWORD": site.bed.registry.password, "REGISTRY": site.bed.registry.name, "NAME": NAME, "DIGEST": digest}
    commands = {name: "#!/bin/bash\nset -e\n" + re.sub("|".join(words), lambda m: words[m[0]], script) + "\n"
                for name, script in COMMANDS.items()}
    used = {m[1]: m[2] for m in re.finditer(r"uses: ([\w-]+/[\w-]+)@(\S+)", text)}
    return make({"deploy.yml": text}, action, {
        "AWS_REGION": "eu-central-1", "AWS_ROLE": ROLE, "AWS_EC2_IP": site.host.ip,
        "ECR_REGISTRY": site.bed.registry.name}, {
        "AWS_SSH_PRIVATE_KEY": site.bed.keys["ed25519"].text, "MEXC_API_KEY": "key-of-mexc",
        "MEXC_SECRET_KEY": "secret-of-mexc", "JWT_SECRET": "secret-of-jwt"},
        actions={f"{name}@{used[name]}": composite(run.replace("ROLE", ROLE)) for name, run in STEPS.items()}, commands=commands,
        files={"backend-rust/Cargo.lock": "", "backend-rust/scripts/smoke-test.sh": f"#!/bin/bash\n{smoke_test}\n"})


def push(site, version):
    return site.bed.registry.push(NAME, version, [tar_of({"app": compiled("apps/app.c").read_bytes()})],
                                  {"APP_VERSION": version})


def test_four_jobs_deploy_and_go_back_when_the_smoke_test_fails(site, make):
    good = four_jobs(make, site, push(site, "rust-1"), "true").run("workflow_dispatch")
    assert good.exit_code == 0, good
    assert good.jobs() == {"build": "success", "docker-build": "success", "deploy": "success"}
    assert site.host.version() == "rust-1"
    bad = four_jobs(make, site, push(site, "rust-2"), "echo smoke test says no; exit 1").run("workflow_dispatch")
    assert bad.exit_code != 0
    assert bad.step("deploy", job="deploy").outputs["outcome"] == "deployed", bad
    assert "outcome: rolled_back" in bad.step("deploy", "Post", job="deploy").text, bad
    # The safety net looks, and finds the work done.
    assert bad.step("status", job="rollback").outputs["outcome"] == "reported", bad
    assert "Rolling back" not in "".join(line.text for line in bad.lines if line.raw.get("jobID") == "rollback")
    assert site.host.version() == "rust-1"
    assert "secret-of-mexc" not in bad.shown()


def test_keyless_aws(site, aws, make):
    text, action = example("keyless-aws.yml", **{"}}/shop:": "}}/app:"})
    # The runner's part: where AWS is here, and what proves to it which job is asking.
    env = {**aws.env(None), **aws.oidc}
    text = text.replace("permissions: {}\n", "permissions: {}\nenv:\n" + "".join(f'  {k}: "{v}"\n' for k, v in env.items()), 1)
    text = re.sub(r"(?m)^( +)security-group: .*\n", rf"\g<0>\1runner-address: 203.0.113.7\n{SOON}", text)
    instance = aws.instance(site.host, name="shop-production")
    aws.tag(instance.id, "aws-host-keys", site.host.fingerprint())
    variables = {"AWS_REGION": aws.region, "AWS_ROLE": aws.role("deploy"), "ECR_REGISTRY": aws.registry_host,
                 "SECURITY_GROUP": instance.group}
    repository = make({"deploy.yml": text}, action, variables, files={"smoke-test.sh": "#!/bin/sh\ntrue\n"})
    aws.findings(repository.sha, {"HIGH": 2})
    result = repository.run("push")
    assert result.exit_code == 0, result
    assert site.host.version() == repository.sha
    assert aws.pushed_keys and aws.rules(instance.group) == []
    assert not [c for c in aws.calls_of("GetAuthorizationToken") if "role/deploy" in c.who]
