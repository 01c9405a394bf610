"""`command: status`: what is on the host, asked on a real one; what it recommends, and that the recommended command helps."""

import datetime
import json
import pathlib
import re

import pytest
from e2e import kit, schema
from e2e.test_diagnosis import Case
from testbed import engine
from testbed.engine import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "status.schema.json").read_text())


def ask(site, **over):
    """The report of a step with `command: status`, which fits the schema."""
    result = site.run(command="status", **over)
    assert result.exit_code == 0 and result.outputs["outcome"] == "reported", result
    report = json.loads(site.outside(result.outputs["report-path"]).read_text())
    assert schema.problems(report, SCHEMA) == []
    return report


def advice(report):
    return {a["code"]: a for a in report["recommendations"]}


def follow(site, report, code):
    """Type what is recommended, as the user that deploys; recommendations of an own command are left to others."""
    command = advice(report)[code]["command"]
    assert command.startswith("docker "), command
    site.host.ssh(command)


def test_everything_of_two_versions_is_told(site):
    site.bed.registry.push_app("labelled", {"BOOT_MS": "0"}, labels={
        "org.opencontainers.image.version": "2.4.1", "org.opencontainers.image.revision": "8c7f3d1"})
    first = site.deploy("v1")
    second = site.deploy("labelled", memory="64m")
    report = ask(site)
    blue, green = report["blue"], report["green"]
    assert report["app"] == "shop" and report["host"] == "web1" and report["next"] is None and report["others"] == []
    assert blue["name"] == "shop-blue" and blue["image"].endswith("/app:labelled") and blue["tag"] == "labelled"
    assert blue["version"] == "2.4.1" and blue["revision"] == "8c7f3d1"
    assert blue["digest"] == second.outputs["image-digest"] and blue["deployment"] == second.outputs["deployment-id"]
    assert blue["status"] == "running" and blue["health"] == "healthy" and 0 <= blue["response_ms"] < 1000
    assert blue["ports"] == ["8080->8080/tcp"] and blue["restarts"] == 0 and blue["drift"] == "" and blue["finished"] == ""
    assert blue["certificate_end"] == "", "it speaks plain HTTP"
    assert 0 <= blue["cpu_percent"] < 100 and 0 < blue["memory_bytes"] < blue["memory_limit_bytes"] == 64 << 20
    assert blue["net_rx_bytes"] > 0 and blue["restart_policy"] == "unless-stopped" and blue["strategy"] == "handover"
    assert 0 <= blue["age_seconds"] < 600
    assert green["deployment"] == first.outputs["deployment-id"] and green["status"] == "exited"
    assert green["health"] == "unknown" and green["response_ms"] == -1 and green["cpu_percent"] == -1
    assert green["keep_until"] > green["finished"] > green["started"]
    assert report["keeper"]["name"] == "shop-keeper" and report["keeper"]["status"] == "running"
    assert [d["deployment"] for d in report["deployments"]] == [second.outputs["deployment-id"], first.outputs["deployment-id"]]
    assert report["deployments"][0]["outcome"] == "deployed" and report["deployments"][0]["total_seconds"] > 0
    assert [p["deployment"] for p in report["trend"]] == [first.outputs["deployment-id"], second.outputs["deployment-id"]]
    assert report["kpi"]["total"] == {"target": 600, "warning": 900, "critical": 1200}
    assert report["engine"]["version"] and re.fullmatch(r"1\.\d+", report["engine"]["api"])
    assert 0 < report["disk"]["free_bytes"] <= report["disk"]["total_bytes"]
    assert report["lock"] == {"held": False, "deployment": "", "run_link": ""} and report["running"] is None
    assert abs(report["clock"]["skew_seconds"]) < 5
    assert set(advice(report)) <= {"disk_low"}, report["recommendations"]


def test_asking_creates_and_changes_nothing(site):
    ask(site)  # the agent itself is sent
    before = site.host.snapshot()
    report = ask(site)
    assert site.host.snapshot() == before
    assert report["blue"] is None and report["green"] is None and report["keeper"] is None and report["deployments"] == []
    assert list(advice(report)) == ["app_unknown"] or set(advice(report)) == {"app_unknown", "disk_low"}
    site.deploy("v1")
    site.deploy("v2")
    before = site.host.snapshot()
    ask(site)
    assert site.host.snapshot() == before


def test_the_candidate_and_its_step_are_seen_while_a_deployment_runs(site):
    site.deploy("v1")
    stage = site.step("slow1", health_retries="60", run_link=None).start_main()
    wait_for("the candidate", lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    report = ask(site)
    result = site.finish(stage)
    assert result.outputs["outcome"] == "deployed", result
    running = report["running"]
    assert running["deployment"] == result.outputs["deployment-id"] and running["operation"] == "deploy"
    assert running["step"] == "warm_up" and running["title"], running
    assert 0 <= running["step_seconds"] <= running["seconds"] < 60 and running["started"] <= running["since"] <= report["time"]
    assert running["run_link"].startswith("https://github.com/octo/shop/actions/runs/")
    assert report["next"]["image"].endswith("/app:slow1") and report["next"]["status"] == "running"
    assert report["lock"]["held"] and report["lock"]["deployment"] == running["deployment"]
    assert report["blue"]["health"] == "healthy" and not {"green_running", "candidate_left"} & set(advice(report))
    after = ask(site)
    assert after["running"] is None and after["blue"]["image"].endswith("/app:slow1")


def test_a_green_that_was_started_by_hand_is_told_and_the_command_stops_it(site):
    site.deploy("v1")
    site.deploy("v2")
    site.host.docker("start", "shop-green")
    report = ask(site)
    assert report["green"]["status"] == "running" and advice(report)["green_running"]["level"] == "warning"
    follow(site, report, "green_running")
    assert "green_running" not in advice(ask(site))
    site.check_serves("v2")


def test_a_blue_that_was_stopped_by_hand_is_told_and_the_command_starts_it(site):
    site.deploy("v1")
    site.host.docker("stop", "-t", "1", "shop-blue")
    report = ask(site)
    assert report["blue"]["status"] == "exited" and report["blue"]["health"] == "unknown" and report["blue"]["finished"]
    assert report["recommendations"][0]["code"] == "blue_stopped" and report["recommendations"][0]["level"] == "error"
    follow(site, report, "blue_stopped")
    kit.eventually(lambda: site.host.version() == "v1")
    assert "blue_stopped" not in advice(ask(site))


def test_a_blue_that_answers_500_is_a_reason_to_go_back(site):
    site.deploy("v1")
    site.bed.registry.push_app("falls-sick", {"SICK_AFTER": kit.SICK_AFTER})
    site.deploy("falls-sick")
    kit.make_sick(site)
    report = ask(site)
    assert report["blue"]["health"] == "unhealthy" and "503" in report["blue"]["health_error"], report["blue"]
    assert "rollback --app shop" in advice(report)["blue_unhealthy"]["command"]


def test_a_tag_that_was_pulled_anew_is_told(site):
    site.bed.registry.push_app("moving")
    site.deploy("moving")
    assert ask(site)["blue"]["drift"] == ""
    new = site.bed.registry.push("app", "moving", [b"\0" * 1024], {"APP_VERSION": "other"})
    site.host.login_registry()
    site.host.docker("pull", "-q", site.bed.registry.ref("moving"))
    report = ask(site)
    assert report["blue"]["drift"] == new
    assert "plan --app shop --image " in advice(report)["image_drift"]["command"]


def test_a_keeper_that_was_stopped_is_told_and_the_command_starts_it(site):
    site.deploy("v1")
    site.host.docker("stop", "-t", "1", "shop-keeper")
    report = ask(site)
    follow(site, report, "keeper_stopped")
    assert ask(site)["keeper"]["status"] == "running"


def test_a_small_disk_is_told(site):
    small = site.bed.extra_host("statusdisk", tmpfs=["/var/lib/docker:size=300m"])
    report = ask(site, host=small.name, host_fingerprint=small.fingerprint())
    assert "disk_low" in advice(report), report["disk"]
    small.exec("head -c 200m /dev/zero >/var/lib/docker/filler")
    report = ask(site, host=small.name, host_fingerprint=small.fingerprint())
    small.exec("rm /var/lib/docker/filler")
    assert advice(report)["disk_full"]["level"] == "error", report["disk"]


# ---- certificates ----

def serve_tls(site, tag, end):
    """Deploy a server that speaks TLS itself, as a TCP check sees it, with a certificate that ends then."""
    case = Case(site)
    site.host.exec("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=testbed -not_before 20250101000000Z "
                   f"-not_after {end:%Y%m%d%H%M%SZ} -keyout /tmp/own.key -out /tmp/own.crt 2>/dev/null")
    own = {name: site.host.exec(f"cat /tmp/{name}; rm /tmp/{name}").encode() for name in ("own.crt", "own.key")}
    site.bed.registry.push(
        "app", tag, [case.of_host("usr/bin/openssl", *case.libraries("/usr/bin/openssl")), engine.tar_of(own)],
        entrypoint=("/usr/bin/openssl", "s_server", "-accept", "8080", "-cert", "/own.crt", "-key", "/own.key", "-www"))
    site.deploy(tag, health_path="tcp")


def look_with_openssl(site, recommendation):
    """What the recommended command shows; Z as the report has it."""
    out = site.host.ssh(recommendation["command"])
    return datetime.datetime.strptime(out.strip(), "notAfter=%b %d %H:%M:%S %Y GMT").strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize("days,code,level,words", [
    (5, "certificate_expiring", "warning", "port 8080 expires in 4 days, on "),
    (-40, "certificate_expired", "error", "port 8080 expired 40 days ago, on ")], ids=["expiring", "expired"])
def test_the_end_of_a_certificate_that_the_app_serves_is_told(site, days, code, level, words):
    end = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=days)
    serve_tls(site, f"tls-{code.split('_')[1]}", end)
    report = ask(site)
    assert report["blue"]["health"] == "healthy" and report["blue"]["certificate_end"] == f"{end:%Y-%m-%dT%H:%M:%S}.000Z", report["blue"]
    told = advice(report)[code]
    assert told["level"] == level and words in told["text"] and f"{end:%Y-%m-%d %H:%M} UTC" in told["text"], told
    assert look_with_openssl(site, told) == report["blue"]["certificate_end"]


def test_a_certificate_that_holds_long_is_told_and_recommends_nothing(site):
    end = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=90)
    serve_tls(site, "tls-new", end)
    report = ask(site)
    assert report["blue"]["certificate_end"] == f"{end:%Y-%m-%dT%H:%M:%S}.000Z", report["blue"]
    assert not {c for c in advice(report) if c.startswith("certificate_")}, report["recommendations"]


def test_fifty_past_deployments_are_no_burden(site):
    """Roomy here, on a machine that does other things, too; make bench has the bar."""
    site.deploy("v1")
    site.deploy("v2")
    site.host.exec("cd /home/ec2-user/.bluegreen/apps/shop/deployments; one=$(ls | head -1); "
                   "for i in $(seq 10 59); do cp -a $one 20250101-0000$i-aaaaaa; done")
    report = ask(site)
    assert report["deployments"][0]["n"] == 2 and report["blue"]["health"] == "healthy"
    assert ask_on_the_host(site, 3) < 3


def ask_on_the_host(site, times):
    """Seconds of the fastest of so many answers, each by a new agent, as somebody on the host asks."""
    request = json.dumps({"v": 1, "op": "status", "app": "shop"})
    frame = f"{len(request)}\n{request}"
    script = (f"printf '%s' '{frame}' >/tmp/question; for i in $(seq {times}); do a=$(date +%s%N); "
              "/home/ec2-user/.bluegreen/bin/bluegreen-agent-*-* serve </tmp/question >/tmp/answer || exit 1; b=$(date +%s%N); "
              "grep -q '\"outcome\":\"reported\"' /tmp/answer || exit 1; echo $(((b - a) / 1000000)); done")
    out = site.host.exec(script, user="ec2-user").split()
    site.host.exec("rm -f /tmp/question /tmp/answer")
    return min(map(int, out)) / 1000


# ---- the page for people lists what the code knows ----

TEXT = r'"(?:[^"\\]|\\.)*"'


def literal(tokens, macros):
    """The value of adjacent C string literals and macros that stand for some."""
    return "".join(macros[t] if t in macros else json.loads(t) for t in re.findall(rf"{TEXT}|[A-Z_]+", tokens))


def rows_of_the_table():
    source = (ROOT / "agent/watch/advice.c").read_text(encoding="utf-8")
    macros = {name: literal(text, {}) for name, text in re.findall(rf"^#define (\w+) ((?:{TEXT}\s*)+)$", source, re.M)}
    table = source.split("static const struct row rows[] = {")[1].split("\n};")[0]
    found = re.findall(rf'\{{ "(\w+)", "(\w+)", "\w+", \w+,\s*((?:{TEXT}\s*)+),\s*((?:{TEXT}|[A-Z_]+|\s)+?) \}}', table)
    assert len(found) == table.count("{ \"")
    return [(code, level, literal(text, macros), literal(command, macros)) for code, level, text, command in found]


def page_rows():
    def shown(text):
        return re.sub(r"\{\w+\}", "…", text.replace("{app}", "APP")).replace("|", "\\|")
    return [f"| `{code}` | {level} | {shown(text)} | " + (f"`{shown(command)}` |" if command else "|")
            for code, level, text, command in rows_of_the_table()]


def test_page_says_what_the_table_of_the_code_says():
    section = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8").split("\n## What status recommends\n")[1]
    there = re.findall(r"^\| `\w+` \|.*$", section.split("\n## ")[0], re.M)
    assert there == page_rows(), "\n".join(page_rows())


def test_entries_are_those_of_the_history():
    history = json.loads((ROOT / "docs" / "history.schema.json").read_text())["$defs"]["entry"]
    assert set(SCHEMA["$defs"]["entry"]["required"]) == set(history["required"])
