"""The commands of a person on the host: bluegreen-agent by hand, over a real login, after a deployment by the action."""

import io
import json
import pathlib
import re
import subprocess
import tarfile

from e2e import kit, schema
from testbed.engine import wait_for

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
AGENT = ".bluegreen/bin/bluegreen-agent"
WHO = "ec2-user@web1"


class Answer:
    def __init__(self, process):
        self.code, self.bytes, self.errors = process.returncode, process.stdout, process.stderr.decode(errors="replace")
        self.text = self.bytes.decode(errors="replace")

    def __repr__(self):
        return f"exit code {self.code}\n{self.text[-3000:]}\n{self.errors[-2000:]}"


def by_hand(site, line, code=0, secrets=None):
    """Type it, as the user that deploys. secrets: an object on standard input."""
    stdin = json.dumps(secrets).encode() if secrets is not None else b""
    answer = Answer(subprocess.run(site.host.ssh_command(f"{AGENT} {line}"), input=stdin, capture_output=True, timeout=120,
                                   check=False))
    assert answer.code == code, answer
    return answer


def report(site, line, name, code=0, secrets=None):
    """Its answer as JSON, which fits its schema."""
    answer = by_hand(site, f"{line} --json", code, secrets)
    parsed = json.loads(answer.text)
    assert schema.problems(parsed, json.loads((DOCS / f"{name}.schema.json").read_text())) == []
    return parsed


def registry_secrets(site):
    return {"registry-password": site.bed.registry.password}


def deploy_by_hand(site, tag, options="", code=0, **secrets):
    return by_hand(site, f"deploy --image {site.bed.registry.ref(tag)} --secrets-stdin {options}", code,
                   {**registry_secrets(site), **secrets})


def outcomes(site):
    return [json.loads(site.read_state("outcome.json", deployment=d)) for d in site.deployments()]


def environment(site, name="shop-blue"):
    return dict(e.partition("=")[::2] for e in site.host.containers()[name]["Config"]["Env"])


# The name


def test_the_short_name_is_a_link_to_the_agent_that_serves(site):
    site.deploy("v1")
    target = site.host.ssh(f"readlink {AGENT}").strip()
    assert re.fullmatch(r"bluegreen-agent-x86_64-[0-9a-f]{64}", target)
    assert by_hand(site, "version").text.startswith("bluegreen-agent ")
    site.host.ssh(f"ln -sfn bluegreen-agent-x86_64-{'0' * 64} {AGENT}")  # of a version that is gone
    site.run(command="status")
    assert site.host.ssh(f"readlink {AGENT}").strip() == target
    site.check_serves("v1")


# Questions


def test_status_is_what_the_action_is_told(site):
    site.deploy("v1")
    result = site.run(command="status")
    told = json.loads(site.outside(result.outputs["report-path"]).read_text())
    own = report(site, "status", "status")
    assert set(own) == set(told)
    for same in ("app", "host", "green", "next", "others", "deployments", "trend", "kpi", "engine", "lock", "agent"):
        assert own[same] == told[same], same
    for same in ("image", "digest", "deployment", "status", "started", "ports", "health", "restart_policy"):
        assert own["blue"][same] == told["blue"][same], same
    answer = by_hand(site, "status")
    assert "shop-blue" in answer.text and "\x1b" not in answer.text and not answer.errors


def test_status_has_colours_on_a_terminal_only_and_not_with_no_color(site):
    site.deploy("v1")
    ssh = site.host.ssh_command()

    def on_a_terminal(line):
        return subprocess.run([ssh[0], "-tt", *ssh[1:], line], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True,
                              env={"TERM": "xterm", "PATH": "/usr/bin:/bin"}).stdout
    assert b"\x1b[" in on_a_terminal(f"{AGENT} status")
    for plain in (f"NO_COLOR=1 {AGENT} status", f"{AGENT} status --no-color", f"TERM=dumb {AGENT} status"):
        assert b"\x1b" not in on_a_terminal(plain), plain


def test_history_tells_who_and_verify_finds_a_changed_byte(site):
    site.deploy("v1")
    deploy_by_hand(site, "v2")
    entries = report(site, "history", "history")["entries"]
    assert [e["operation"] for e in entries] == ["deploy", "deploy"]
    assert entries[0]["who"] == WHO and "/actions/runs/" in entries[1]["who"]
    assert len(report(site, "history --lines 1", "history")["entries"]) == 1
    assert WHO in by_hand(site, "history").text
    assert report(site, "history verify", "history")["verified"]["whole"]
    site.host.exec("sed -i '1s/\"operation\":\"deploy\"/\"operation\":\"deplox\"/' /home/ec2-user/.bluegreen/apps/shop/audit.ndjson")
    broken = report(site, "history verify", "history", kit.EXIT["audit"])
    assert not broken["verified"]["whole"] and broken["verified"]["first_bad"] == 1
    assert WHO in by_hand(site, "history verify", kit.EXIT["audit"]).text


def test_logs_of_a_version_and_of_a_deployment(site):
    result = site.deploy("v1")
    whole = by_hand(site, "logs").text
    assert whole.splitlines() == site.host.docker("logs", "shop-blue").splitlines()[-200:] and whole
    assert by_hand(site, "logs blue --lines 1").text == whole.splitlines()[-1] + "\n"
    told = by_hand(site, f"logs {result.outputs['deployment-id']}").text
    assert "[cutover_time]" in told and "outcome: deployed" in told
    by_hand(site, "logs green", kit.EXIT["not_found"])
    by_hand(site, "logs 20200101-000000-aaaaaa", kit.EXIT["not_found"])
    assert by_hand(site, "logs --since 1s").text.count("\n") <= whole.count("\n")


def test_logs_are_followed_until_ctrl_c(site):
    site.deploy("v1")
    ssh = site.host.ssh_command()
    p = subprocess.Popen([ssh[0], "-tt", *ssh[1:], f"{AGENT} logs --follow; echo code=$?"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert p.stdout.read1(4096)
    p.stdin.write(b"\x03")
    p.stdin.flush()
    assert b"code=0" in p.communicate(timeout=30)[0]
    site.check_nothing_left_over()


def test_a_bundle_is_written_to_the_working_directory_or_through_a_pipe(site):
    deployment = site.deploy("v1").outputs["deployment-id"]
    name = f"bluegreen-shop-{deployment}.tar.gz"
    assert by_hand(site, f"bundle {deployment}").text == f"{name}\n"
    assert site.host.ssh("stat -c %a " + name).strip() == "600"
    assert "deployment-metrics" in site.host.ssh(f"tar tzf {name}")
    piped = by_hand(site, f"bundle {deployment} --output -")
    with tarfile.open(fileobj=io.BytesIO(piped.bytes), mode="r:gz") as t:
        assert any(n.endswith("events.ndjson") for n in t.getnames())
    site.host.ssh(f"rm {name}")
    assert by_hand(site, "bundle 20200101-000000-aaaaaa", kit.EXIT["not_found"]).errors
    assert site.host.ssh("ls").strip() == ""


def test_prune_by_hand_tells_first_and_then_does_it(site):
    site.deploy("v1")
    site.deploy("v2")
    site.deploy("v3")
    before = site.host.snapshot()
    options = "--keep-hours 0 --keep-versions 0 --log-retention-days 1"
    would = report(site, f"prune --dry-run {options}", "prune")
    assert site.host.snapshot() == before
    assert would["dry_run"] and [c["name"] for c in would["containers"]] == ["shop-green"], would
    did = report(site, f"prune {options}", "prune")
    assert [c["name"] for c in did["containers"]] == ["shop-green"] and not did["dry_run"]
    assert sorted(site.check_serves("v3")) == ["shop-blue"]
    assert report(site, "history", "history")["entries"][0]["who"] == WHO


def test_diagnose_by_hand_finds_what_is_wrong_and_changes_nothing(site):
    site.deploy("v1")
    assert report(site, "diagnose", "diagnose")["checks"]
    site.host.docker("stop", "-t", "1", "shop-blue")
    before = site.host.snapshot()
    found = report(site, "diagnose", "diagnose")["findings"]
    assert any(f["subject"] == "blue" and f["level"] == "error" for f in found), found
    text = by_hand(site, "diagnose").text
    assert all(f["cause"][:30] in text for f in found if f["level"] == "error"), text
    assert site.host.snapshot() == before


def test_a_plan_by_hand_tells_what_a_deployment_would_change_and_changes_nothing(site):
    site.deploy("v1", env="COLOR=blue", secret_env="TOKEN=one")
    before = site.host.snapshot()
    line = f"plan --image {site.bed.registry.ref('v2')} --secrets-stdin"
    would = report(site, f"{line} --env COLOR=red", "plan", secrets=registry_secrets(site))
    assert would["verdict"] == "deploy" and would["changes"]["env_changed"] == ["COLOR"], would
    assert "env_removed" not in would["changes"]
    answer = by_hand(site, line, secrets=registry_secrets(site))
    assert "v2" in answer.text and "what is not given stays" in answer.errors
    same = report(site, "plan --secrets-stdin", "plan", secrets=registry_secrets(site))
    assert same["verdict"] == "unchanged", same
    assert site.host.snapshot() == before


# Changes


def test_a_deployment_by_hand_keeps_settings_and_secrets(site):
    site.deploy("v1", env="COLOR=blue", secret_env="TOKEN=canary-4471", memory="96m", labels="team=shop")
    answer = deploy_by_hand(site, "v2")
    assert "what is not given stays as deployment" in answer.text and "1 secret variable" in answer.text
    assert re.search(r"^\S+Z \[cutover_time\] start: ", answer.text, re.M)
    assert re.search(r"^\S+Z outcome: deployed\b", answer.text, re.M)
    blue = site.check_serves("v2")["shop-blue"]
    assert environment(site)["COLOR"] == "blue" and environment(site)["TOKEN"] == "canary-4471"
    assert blue["HostConfig"]["Memory"] == 96 << 20 and blue["Config"]["Labels"]["team"] == "shop"
    for text in (answer.text, answer.errors, site.host.exec("grep -r canary-4471 /home/ec2-user/.bluegreen || true")):
        assert "canary-4471" not in text and site.bed.registry.password not in text
    assert outcomes(site)[-1]["outcome"] == "deployed"
    assert json.loads(site.read_state("request.json"))["run_link"] == WHO


def test_options_of_a_deployment_by_hand_change_just_that(site):
    site.deploy("v1", env="COLOR=blue\nSIZE=1", secret_env="TOKEN=one")
    deploy_by_hand(site, "v2", "--env COLOR=red --env A=1 --memory 64m", **{"secret-env": {"TOKEN": "two-two", "OTHER": "three"}})
    blue = site.check_serves("v2")["shop-blue"]
    now = environment(site)
    assert (now["COLOR"], now["A"], now["TOKEN"], now["OTHER"]) == ("red", "1", "two-two", "three") and "SIZE" not in now
    assert blue["HostConfig"]["Memory"] == 64 << 20


def test_the_same_again_is_unchanged(site):
    site.deploy("v1", env="COLOR=blue", secret_env="TOKEN=one")
    assert "outcome: unchanged" in deploy_by_hand(site, "v1").text
    site.check_serves("v1")


def test_rollback_by_hand_and_with_nothing_to_go_back_to(site):
    site.deploy("v1")
    by_hand(site, "rollback", kit.EXIT["no_previous"])
    site.check_serves("v1")
    deploy_by_hand(site, "v2")
    answer = by_hand(site, "rollback")
    assert "outcome: rolled_back" in answer.text
    site.check_serves("v1")
    assert outcomes(site)[-1]["rollback"]["reason"] == "asked for by hand"


def test_rollback_by_hand_to_a_version_that_is_named(site):
    first = site.deploy("v1").outputs["deployment-id"]
    site.deploy("v2")
    site.deploy("v3")
    refused = by_hand(site, "rollback --to 20200101-000000-aaaaaa", kit.EXIT["no_previous"])
    assert first in refused.text, refused
    answer = by_hand(site, f"rollback --to {first} --registry-username {site.bed.registry.user} --secrets-stdin",
                     secrets=registry_secrets(site))
    assert "outcome: rolled_back" in answer.text
    site.check_serves("v1")
    assert site.bed.registry.password not in answer.text + answer.errors


def test_a_bad_version_by_hand_has_the_exit_code_of_its_cause(site):
    site.deploy("v1")
    answer = deploy_by_hand(site, "never-healthy", code=kit.EXIT["unhealthy"])
    assert "outcome: failed_untouched" in answer.text and "503" in answer.text
    site.check_serves("v1")
    by_hand(site, f"deploy --image {site.bed.registry.ref('v2')}", kit.EXIT["input"])  # the registry's password is kept nowhere
    site.check_serves("v1")


def test_a_first_deployment_by_hand(site):
    site.run(command="status")  # the agent is there
    r = site.bed.registry
    deploy_by_hand(site, "v1", f"--app shop --registry-username {r.user} --port 8080 --health-interval 150ms --warm-up 0s")
    site.check_serves("v1")


def test_ctrl_c_cancels_a_deployment_and_shows_the_undo(site):
    site.deploy("v1")
    ssh = site.host.ssh_command()
    site.host.ssh("cat >secrets.json; chmod 600 secrets.json", stdin=json.dumps(registry_secrets(site)).encode())
    line = f"{AGENT} deploy --image {site.bed.registry.ref('never-healthy')} --health-retries 1000 --secrets-stdin <secrets.json; echo code=$?"
    p = subprocess.Popen([ssh[0], "-tt", *ssh[1:], line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen = b""
    while b"[warm_up] start" not in seen:
        chunk = p.stdout.read1(4096)
        assert chunk, seen.decode()
        seen += chunk
    p.stdin.write(b"\x03")
    p.stdin.flush()
    seen += p.communicate(timeout=60)[0]
    text = seen.decode()
    assert "undo" in text and "outcome: failed_untouched" in text and f"code={kit.EXIT['cancel']}" in text, text
    site.host.ssh("rm secrets.json")
    site.check_serves("v1")


def test_a_terminal_that_goes_away_does_not_end_the_deployment(site):
    site.deploy("v1")
    command = site.host.ssh_command(f"{AGENT} deploy --image {site.bed.registry.ref('v2')} --warm-up 2s --secrets-stdin")
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    p.stdin.write(json.dumps(registry_secrets(site)).encode())
    p.stdin.close()
    seen = b""
    while b"[warm_up] start" not in seen:
        seen += p.stdout.read1(4096)
    assert site.host.cut_sessions()
    p.wait(30)
    wait_for("the deployment's end", lambda: (site.host.version() == "v2" and outcomes_told(site)), 60)
    site.check_serves("v2")
    assert outcomes(site)[-1]["outcome"] == "deployed"


def outcomes_told(site):
    return "outcome.json" in site.host.exec(f"ls /home/ec2-user/.bluegreen/apps/shop/deployments/{site.deployments()[-1]}")


# Which app, which words


def test_the_app_is_named_when_there_are_two(site):
    site.deploy("v1")
    site.deploy("v2", app="api", port="8090")
    refused = by_hand(site, "status", kit.EXIT["input"])
    assert "there are 2 apps" in refused.errors and "api, shop" in refused.errors and refused.text == ""
    assert report(site, "status --app api", "status")["blue"]["tag"] == "v2"
    assert report(site, "status --app=shop", "status")["blue"]["tag"] == "v1"


def test_a_wrong_line_changes_nothing_and_says_what_is_near(site):
    site.deploy("v1")
    before = site.host.snapshot()
    assert "Did you mean 'rollback'?" in by_hand(site, "rolback", kit.EXIT["input"]).errors
    assert "--secrets-stdin" in by_hand(site, "deploy --registry-password=x", kit.EXIT["input"]).errors
    assert "--port" in by_hand(site, "deploy --port 99999", kit.EXIT["input"]).errors
    assert site.host.snapshot() == before
