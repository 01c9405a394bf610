"""`command: diagnose`: what is wrong with a host as it is now. The four families of the original troubleshooting guide, and more."""

import json
import pathlib

import pytest
from e2e import kit, schema

SCHEMA = json.loads((pathlib.Path(__file__).parents[2] / "docs" / "diagnose.schema.json").read_text())


class Answer:
    """A report that fits the schema; its findings and checks by code and name."""

    def __init__(self, report):
        assert schema.problems(report, SCHEMA) == []
        self.report = report
        self.findings = {f["code"]: f for f in report["findings"]}
        self.checks = {c["name"]: c for c in report["checks"]}

    def failing(self):
        return {name for name, c in self.checks.items() if not c["ok"]}

    def evidence(self, code):
        return "\n".join(self.findings[code]["evidence"])

    def __repr__(self):
        return json.dumps(self.report, indent=1)


def ask(site, **over):
    result = site.run(command="diagnose", **over)
    assert result.exit_code == 0 and result.outputs["outcome"] == "reported", result
    return Answer(json.loads(site.outside(result.outputs["report-path"]).read_text()))


def test_a_host_on_which_all_is_well_has_no_findings_and_is_not_changed(site):
    site.deploy("v1")
    site.deploy("v2")
    before = site.host.snapshot()
    a = ask(site)
    assert site.host.snapshot() == before
    assert set(a.findings) <= {"disk_low"} and a.failing() <= {"disk"}, a
    assert {"engine", "disk", "blue", "health", "port", "green", "keeper", "registry", "image", "clock", "audit",
            "deployment"} <= set(a.checks), a
    assert "the login works" in a.checks["registry"]["text"]


def test_an_app_that_nobody_knows(site):
    a = ask(site)
    assert "app_unknown" in a.findings and a.failing() == {"blue"}, a


# ---- family 1: the container does not start ----

def test_a_blue_that_ended_with_a_missing_variable(site):
    site.bed.registry.push_app("forgets", {"DIE_AFTER_MS": "1500", "SAY": "panic: DATABASE_URL is not set"})
    site.deploy("v1")
    site.deploy("forgets", restart_policy="no", warm_up="0s")
    kit.eventually(lambda: not site.host.containers()["shop-blue"]["State"]["Running"])
    a = ask(site)
    finding = a.findings["missing_environment"]
    assert finding["level"] == "error" and finding["subject"] == "blue" and "blue" in a.failing(), a
    assert finding["command"] == "bluegreen-agent rollback --app shop"
    assert "exit code 4" in a.evidence("missing_environment") and "DATABASE_URL is not set" in a.evidence("missing_environment")
    assert "blue_ended" not in a.findings


def test_a_blue_that_was_stopped_by_hand_is_no_crash(site):
    site.deploy("v1")
    site.host.docker("stop", "-t", "1", "shop-blue")
    a = ask(site)
    assert a.findings["blue_stopped"]["command"] == "docker start shop-blue" and a.report["findings"][0]["code"] == "blue_stopped"
    assert not {"one_shot", "terminated", "killed"} & set(a.findings), a


def test_the_last_deployment_that_failed_is_told_with_its_cause(site):
    site.deploy("v1")
    failed = site.run("exits")
    assert failed.exit_code == kit.EXIT["failed_untouched"] or failed.outputs["outcome"] == "failed_untouched", failed
    a = ask(site)
    finding = a.findings["missing_environment"]
    assert finding["subject"] == "deployment" and finding["level"] == "warning", a
    assert failed.outputs["deployment-id"] in finding["command"] and finding["evidence"]
    assert a.checks["health"]["ok"], "what serves is well"


# ---- family 2: the health check does not pass ----

def test_a_blue_that_answers_503(site):
    site.deploy("v1")
    site.bed.registry.push_app("sickens", {"SICK_AFTER": kit.SICK_AFTER})
    site.deploy("sickens")
    kit.make_sick(site)
    a = ask(site)
    finding = a.findings["app_reports_failure"]
    assert finding["level"] == "error" and finding["command"] == "bluegreen-agent rollback --app shop", a
    assert "503" in a.evidence("app_reports_failure") and not a.checks["health"]["ok"] and a.checks["listening"]["ok"]


def test_the_secrets_of_the_app_are_in_no_evidence(site):
    secret = kit.canary("diagnose")
    site.bed.registry.push_app("chatty", {"SICK_AFTER": kit.SICK_AFTER, "SAY": f"connecting with {secret} to the database"})
    site.deploy("chatty", secret_env=f"TOKEN={secret}")
    kit.make_sick(site)
    a = ask(site)
    assert "connecting with" in a.evidence("app_reports_failure") and secret not in json.dumps(a.report), a


def test_another_program_has_the_port_of_a_blue_that_was_stopped(site):
    site.deploy("v1", strategy="recreate")
    site.host.docker("stop", "-t", "1", "shop-blue")
    site.host.run_by_hand("squatter", "v2", 8080)
    a = ask(site)
    site.host.docker("rm", "-f", "squatter")
    assert "port" in a.failing() and "squatter" in a.evidence("port_taken_by_container"), a


# ---- family 3: the image cannot be pulled ----

def test_a_wrong_login_to_the_registry(site):
    site.deploy("v1")
    a = ask(site, registry_password="wrong-" + "x" * 12)
    finding = a.findings["login_refused"]
    assert finding["subject"] == "registry" and finding["level"] == "warning", a
    assert finding["command"] == "docker login registry:5000" and "registry" in a.failing()
    assert "wrong-x" not in json.dumps(a.report)


def test_without_a_login_the_registry_is_only_seen_to_answer(site):
    site.deploy("v1")
    a = ask(site, registry_username=None, registry_password=None)
    assert a.checks["registry"]["ok"] and "without a login" in a.checks["registry"]["text"] and "image" not in a.checks, a


def test_a_tag_that_moved_in_the_registry(site):
    site.bed.registry.push_app("wanders")
    site.deploy("wanders")
    new = site.bed.registry.push("app", "wanders", [b"\0" * 1024], {"APP_VERSION": "other"})
    a = ask(site)
    assert a.findings["image_drift"]["level"] == "info" and new[:19] in a.findings["image_drift"]["cause"], a


def test_a_registry_that_is_away(site):
    site.deploy("v1")
    site.host.exec("cp /etc/hosts /tmp/hosts.kept; echo '192.0.2.1 registry' >>/etc/hosts; ip route add blackhole 192.0.2.1")
    try:
        a = ask(site)
    finally:
        site.host.exec("cat /tmp/hosts.kept >/etc/hosts; rm /tmp/hosts.kept; ip route del blackhole 192.0.2.1")
    assert "registry" in a.failing() and any(c.startswith("registry_") for c in a.findings), a
    assert a.checks["health"]["ok"]


# ---- family 4: green still runs ----

def test_a_green_that_was_started_by_hand(site):
    site.deploy("v1")
    site.deploy("v2")
    site.host.docker("start", "shop-green")
    a = ask(site)
    assert a.findings["green_running"]["command"] == "docker stop shop-green" and a.failing() <= {"green", "disk"}, a
    site.host.ssh(a.findings["green_running"]["command"])
    assert "green_running" not in ask(site).findings


# ---- and more ----

def test_an_engine_that_may_not_be_used_is_a_finding(site):
    a = ask(site, user="nodocker")
    assert a.findings["docker_denied"]["command"] == "sudo usermod -aG docker $USER" and a.failing() == {"engine"}, a


def test_an_engine_that_is_not_there_is_a_finding(site):
    bare = site.bed.extra_host("noengine", dockerd=False)
    a = ask(site, host=bare.name, host_fingerprint=bare.fingerprint())
    assert a.findings["docker_missing"]["subject"] == "engine" and "engine" in a.failing(), a


@pytest.mark.parametrize("case", ["keeper", "audit"])
def test_what_is_wrong_beside_the_app(site, case):
    site.deploy("v1")
    if case == "keeper":
        site.host.docker("stop", "-t", "1", "shop-keeper")
        a = ask(site)
        assert a.failing() <= {"keeper", "disk"} and a.findings["keeper_stopped"]["command"] == "docker start shop-keeper", a
    else:
        site.host.exec("sed -i 's/\"operation\":\"deploy\"/\"operation\":\"deploX\"/' /home/ec2-user/.bluegreen/apps/shop/audit.ndjson")
        a = ask(site)
        assert "audit" in a.failing() and a.findings["audit_broken"]["level"] == "error", a
