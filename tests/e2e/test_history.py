"""Who changed what, when, and how it ended: the audit log on the host, and what finds it changed."""

import hashlib
import io
import json
import pathlib
import re
import signal

import pytest
from e2e import kit, schema

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs" / "history.schema.json"
FOLDER = f"/home/ec2-user/.bluegreen/apps/{kit.APP}"
LOG = f"{FOLDER}/audit.ndjson"


def history(site, expect=0, **over):
    """The answer to `command: history`, checked against its schema."""
    result = site.run(command="history", **over)
    assert result.exit_code == expect, result
    report = json.loads(site.outside(result.outputs["report-path"]).read_text())
    assert schema.problems(report, json.loads(SCHEMA.read_text())) == []
    return report, result


def verify(log, head):
    """The chain, checked by a second implementation. Returns the entries."""
    prev, entries = "0" * 64, []
    for number, line in enumerate(log.decode().splitlines(keepends=True), 1):
        body, digest = re.fullmatch(r'(\{.*),"hash":"([0-9a-f]{64})"\}\n', line).groups()
        assert hashlib.sha256(body.encode()).hexdigest() == digest
        entry = json.loads(line)
        assert (entry["n"], entry["prev"], entry["hash"]) == (number, prev, digest)
        entries.append(entry)
        prev = digest
    assert json.loads(head) == {"count": len(entries), "hash": prev}
    return entries


def link_of(site, index):
    return f"/actions/runs/{site.steps[index].job.number}"


def test_history_of_good_and_bad_deployments_and_a_rollback(site):
    site.deploy("v1", env="MODE=a\nCOLOR=red")
    site.deploy("v2", env="MODE=b\nEXTRA=1", secret_env="TOKEN=canary-value-9431")
    failed = site.run("exits")
    assert failed.exit_code != 0
    back = site.run(command="rollback")
    assert back.outputs["outcome"] == "rolled_back", back
    report, result = history(site)
    assert report["total"] == 4
    assert report["verified"]["whole"] and report["verified"]["entries"] == 4
    newest, bad, second, first = report["entries"]
    assert [e["n"] for e in report["entries"]] == [4, 3, 2, 1]
    assert [e["operation"] for e in report["entries"]] == ["rollback", "deploy", "deploy", "deploy"]
    assert [e["outcome"] for e in report["entries"]] == ["rolled_back", bad["outcome"], "deployed", "deployed"]
    assert bad["outcome"] in ("failed_untouched", "rolled_back") and bad["error"] == "app_exited"
    assert "The audit log is whole; 4 of 4 entries shown" in result.shown()
    assert "The audit log is whole: 4 entries" in result.summary
    assert report["verified"]["head"] == newest["hash"] in result.summary
    for i, entry in enumerate([first, second, bad, newest]):
        assert entry["who"].endswith(link_of(site, i)), entry
        assert entry["total_seconds"] > 0
    assert first["image"].endswith(":v1") and second["previous_image"].endswith(":v1")
    assert second["digest"] and second["previous_digest"] == first["digest"]
    assert second["previous_deployment"] == first["deployment"]
    assert set(second["changes"]["env_added"]) >= {"EXTRA", "TOKEN"}
    assert "COLOR" in second["changes"]["env_removed"] and "MODE" in second["changes"]["env_changed"]
    assert second["cutover_seconds"] >= 0 and second["health_check_seconds"] >= 0 and second["image_pull_seconds"] >= 0
    assert newest["image"].endswith(":v1")
    text = site.host.exec(f"cat {LOG}")
    assert "canary-value-9431" not in text + result.shown() and "TOKEN" in text
    assert site.host.exec(f"stat -c '%a %U' {LOG} {FOLDER}/audit.head").split() == ["600", "ec2-user"] * 2
    site.check_nothing_left_over()


def test_every_run_tells_the_hash_of_its_entry_and_its_bundle_has_the_log(site):
    site.deploy("v1")
    result = site.deploy("v2")
    files = kit.bundle(result, site)
    entries = verify(kit.named(files, r"audit\.ndjson"), kit.named(files, r"audit\.head"))
    assert [e["outcome"] for e in entries] == ["deployed", "deployed"]
    by_hand = """sed -n 2p %s | sed 's/,"hash":"[0-9a-f]*"}$//' | tr -d '\\n' | sha256sum""" % LOG
    assert site.host.exec(by_hand).split()[0] == entries[1]["hash"]  # as docs/protocol.md says
    told = next(e for e in kit.events(result, site) if e["kind"] == "outcome")
    assert f"audit entry 2, hash {entries[1]['hash']}" in result.shown()
    assert f"entry 2, hash <code>{entries[1]['hash']}</code>" in result.summary
    assert f"audit entry 2, hash {entries[1]['hash']}" in kit.named(files, r"deployment-\d{8}-\d{6}\.log").decode()
    assert told["audit"] == {"n": 2, "hash": entries[1]["hash"]}
    assert kit.metrics(result, site)["audit"] == told["audit"]
    assert [p["deployment"] for p in told["trend"]] == [e["deployment"] for e in entries]


def test_run_that_was_refused_the_lock_is_in_the_history(site):
    site.deploy("v1")
    first = site.step("slow1", health_retries=40).start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    refused = site.run("v2", lock_timeout="0s")
    assert refused.exit_code == kit.EXIT["locked"], refused
    assert site.finish(first).outputs["outcome"] == "deployed"
    report, _ = history(site)
    assert [(e["outcome"], e["error"]) for e in report["entries"]] == [
        ("deployed", ""), ("failed_untouched", "locked"), ("deployed", "")]
    assert report["verified"]["whole"]


@pytest.mark.parametrize("by", ["next deployment", "keeper"])
def test_deployment_whose_worker_was_killed_is_in_the_history(site, by):
    site.deploy("v1")
    stage = site.step("slow1", health_retries=40).start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    if by != "keeper":
        site.host.docker("stop", "-t", "0", "shop-keeper")
    stage.kill_container()
    stage.wait()
    for pid in site.host.agent_pids():
        site.host.exec(f"kill -9 {pid}", check=False)
    if by == "keeper":
        kit.eventually(lambda: site.host.exec(f"wc -l < {LOG}").strip() == "2", 30)
    else:
        site.deploy("v2")
    report, _ = history(site)
    cut_off = report["entries"][-2]
    assert (cut_off["operation"], cut_off["outcome"], cut_off["error"]) == ("deploy", "failed_untouched", "remote")
    assert cut_off["who"].endswith(link_of(site, 1))
    assert report["verified"]["whole"]
    assert len(report["entries"]) == (2 if by == "keeper" else 3)


def test_history_of_an_app_that_was_never_deployed_is_empty_and_leaves_no_trace(site):
    site.run(command="history")  # brings the agent
    before = site.host.state_files()
    report, _ = history(site, app="nothing")
    assert report["entries"] == [] and report["total"] == 0
    assert report["verified"] == {"whole": True, "entries": 0, "head": "", "first_bad": 0, "why": ""}
    assert site.host.state_files() == before


def test_history_shows_as_many_entries_as_were_asked_for(site):
    for tag in ("v1", "v2", "v1"):
        site.deploy(tag)
    report, _ = history(site, lines="2")
    assert [e["n"] for e in report["entries"]] == [3, 2]
    assert report["total"] == 3 and report["verified"]["entries"] == 3


TAMPERINGS = {
    "a byte in the middle": (f"""perl -0pi -e 's/("n":2,.*?"operation":")d/$1D/s' {LOG}""", 2, "entry 2 is damaged"),
    "an outcome": (f"""sed -i '2s/"outcome":"deployed"/"outcome":"unchanged"/' {LOG}""", 2, "entry 2 is damaged"),
    "an entry removed": (f"sed -i 2d {LOG}", 2, "entry 2 is missing"),
    "the last entry removed": (f"sed -i '$d' {LOG}", 3, "entry 3 is missing"),
    "the file deleted": (f"rm {LOG}", 1, "entry 1 is missing"),
    "two entries swapped": (f"sed -i -n '1p;2h;3{{p;x;p}}' {LOG}", 2, "entry 2 is missing"),
    "cut short": (f"truncate -s -1 {LOG}", 3, "entry 3 is cut off"),
    "the head deleted": (f"rm {FOLDER}/audit.head", 0, "audit.head is missing"),
}


def test_tampering_is_found_and_named(site):
    for tag in ("v1", "v2", "v1"):
        site.deploy(tag)
    site.host.exec(f"cp -p {LOG} /tmp/log; cp -p {FOLDER}/audit.head /tmp/head")
    for what, (command, entry, words) in TAMPERINGS.items():
        site.host.exec(f"cp -p /tmp/log {LOG}; cp -p /tmp/head {FOLDER}/audit.head")
        before = site.host.exec(f"cat {LOG} {FOLDER}/audit.head | sha256sum")
        site.host.exec(command)
        assert site.host.exec(f"cat {LOG} {FOLDER}/audit.head 2>/dev/null | sha256sum", check=False) != before, what
        report, result = history(site, expect=kit.EXIT["audit"])
        assert not report["verified"]["whole"], what
        assert report["verified"]["first_bad"] == entry, (what, report["verified"])
        assert words in report["verified"]["why"], (what, report["verified"])
        assert words in kit.error_text(result), (what, result)
    site.host.exec(f"cp -p /tmp/log {LOG}; cp -p /tmp/head {FOLDER}/audit.head")
    assert history(site)[0]["verified"]["whole"]


def test_break_stays_found_after_further_deployments_which_tell_it(site):
    site.deploy("v1")
    site.host.exec(f"""sed -i '1s/"outcome":"deployed"/"outcome":"unchanged"/' {LOG}""")
    result = site.deploy("v2")
    assert "the audit log is not whole: entry 1 is damaged" in result.shown()
    site.deploy("v1")
    report, _ = history(site, expect=kit.EXIT["audit"])
    assert report["verified"]["first_bad"] == 1
    assert [e["n"] for e in report["entries"]] == [3, 2]
    assert "entry 1 is damaged" in report["entries"][1]["broken"]


def test_log_that_cannot_be_written_costs_no_deployment(site):
    site.deploy("v1")
    site.host.exec(f"rm {LOG}; mkdir {LOG}; chown ec2-user: {LOG}")
    result = site.deploy("v2")
    assert "this run is not in the audit log" in result.shown()
    site.host.exec(f"rmdir {LOG}")
    assert site.host.version() == "v2"


def test_signal_in_mid_deploy_is_in_the_history(site):
    site.deploy("v1")
    stage = site.step("slow1", health_retries=40).start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    stage.process.send_signal(signal.SIGTERM)
    site.finish(stage)
    kit.eventually(lambda: not site.host.agent_pids(), 10)
    report, _ = history(site)
    assert report["entries"][0]["error"] == "cancel"


def test_history_of_a_log_as_large_as_one_file_becomes_arrives_whole_and_the_next_run_rotates_it(site):
    site.deploy("v1")
    entry = {k: v for k, v in json.loads(site.host.exec(f"cat {LOG}")).items() if k not in ("n", "prev", "hash")}
    prev, text, n = "0" * 64, io.StringIO(), 0
    while text.tell() < 8 * 1024 * 1024:
        n += 1
        body = json.dumps({"n": n, "prev": prev, **entry}, separators=(",", ":"))[:-1]
        prev = hashlib.sha256(body.encode()).hexdigest()
        text.write(f'{body},"hash":"{prev}"}}\n')
    site.host.exec(f"cat > {LOG}", stdin=text.getvalue().encode())
    site.host.exec(f"cat > {FOLDER}/audit.head", stdin=f'{{"count":{n},"hash":"{prev}"}}\n'.encode())
    report, result = history(site, lines="10000")
    assert [e["n"] for e in report["entries"]] == list(range(n, 0, -1))
    assert report["total"] == n and report["verified"]["head"] == prev
    assert f"The audit log is whole; {n} of {n} entries shown" in result.shown()
    assert f"The newest 200 of {n} entries." in result.summary
    site.deploy("v2")
    assert site.host.exec(f"wc -l < {LOG}").strip() == "1" and site.host.exec(f"wc -l < {FOLDER}/audit.1.ndjson").strip() == str(n)
    report, _ = history(site)
    assert report["verified"] == {**report["verified"], "whole": True, "entries": n + 1}
    site.check_nothing_left_over()
