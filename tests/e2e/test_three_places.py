"""The same questions from a step of a workflow, from a laptop and on the host: the same answers, which fit their schemas."""

import json
import pathlib
import re
import subprocess

import pytest
from e2e import kit, schema
from testbed.laptop import Laptop, programs

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
AGENT = ".bluegreen/bin/bluegreen-agent"
QUESTIONS = ["status", "history", "diagnose", "prune", "plan"]
# What differs between two answers to one question, and only that: when it was asked, and what was measured then.
MEASURED = {"time", "age_seconds", "response_ms", "cpu_percent", "memory_bytes", "net_rx_bytes", "net_tx_bytes", "free_bytes",
            "disk_free_bytes", "skew_seconds", "seconds", "step_seconds"}


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    return programs(tmp_path_factory.mktemp("program"))


@pytest.fixture
def laptop(site, program, tmp_path):
    one = Laptop(tmp_path, program)
    one.config({"host": site.host.ip, "user": "ec2-user", "app": kit.APP, "host-fingerprint": site.host.fingerprint(),
                "registry-username": site.bed.registry.user, "health-interval": "150ms", "warm-up": "0s", "stop-timeout": "2s"})
    one.identity = str(one.key(site.bed.keys["ed25519"]))
    yield one
    one.close()


def secrets(site):
    return json.dumps({"registry-password": site.bed.registry.password})


def on_laptop(site, laptop, *args):
    return laptop.run(*args, "--identity", laptop.identity, "--secrets-stdin", stdin=secrets(site))


def on_host(site, *args):
    takes = args[0] in ("deploy", "plan", "rollback", "diagnose")
    line = " ".join([AGENT, *args, *(["--secrets-stdin"] if takes else [])])
    p = subprocess.run(site.host.ssh_command(line), input=secrets(site).encode() if takes else b"", capture_output=True,
                       timeout=120, check=False)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def in_workflow(site, command, tag=None, **over):
    result = site.run(tag, command=command, **over)
    return result, json.loads(site.outside(result.outputs["report-path"]).read_text())


def same(value):
    """Without what was measured in the moment of the answer."""
    if isinstance(value, dict):
        return {k: words(v) if k == "text" else same(v) for k, v in value.items() if k not in MEASURED}
    return [same(v) for v in value] if isinstance(value, list) else value


def words(text):
    """The text with figures and times left out, and blanks as one: columns are as wide as what stands in them."""
    text = re.sub(r"the host's clock is .*", "the host's clock", text)  # the host has none to compare it with
    text = re.sub(r"\d+(\.\d+)? ?(ms|s|min|h|d|B|kB|MB|GB|%)?\b", "N", text)
    return re.sub(r"N( N)*", "N", re.sub(r"[ ]+", " ", text))


def arguments(site, question):
    return {"plan": ["--image", site.bed.registry.ref("v3")], "prune": ["--dry-run"]}.get(question, [])


@pytest.mark.parametrize("question", QUESTIONS)
def test_one_state_one_answer(site, laptop, question):
    site.deploy("v1")
    site.deploy("v2")
    more = arguments(site, question)
    over = {"plan": {"tag": "v3"}, "prune": {"dry_run": "true"}}.get(question, {})
    result, told = in_workflow(site, question, **over)
    assert result.exit_code == 0, result
    theirs = json.loads((DOCS / f"{question}.schema.json").read_text())
    assert schema.problems(told, theirs) == []
    by_laptop = on_laptop(site, laptop, question, *more, "--json")
    assert by_laptop.code == 0, by_laptop
    code, out, err = on_host(site, question, *more, "--json")
    assert code == 0, err
    for answer in (by_laptop.out, out):
        assert schema.problems(json.loads(answer), theirs) == []
    assert same(json.loads(by_laptop.out)) == same(told)
    assert same(json.loads(out)) == same(told)
    assert list(json.loads(out)) == list(json.loads(by_laptop.out)), "the order of the members is the same too"


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_state_is_printed_alike(site, laptop, question):
    site.deploy("v1")
    site.deploy("v2")
    more = arguments(site, question)
    by_laptop = on_laptop(site, laptop, question, *more)
    assert by_laptop.code == 0, by_laptop
    code, out, err = on_host(site, question, *more)
    assert code == 0, err
    assert words(by_laptop.out) == words(out)
    assert "\x1b" not in by_laptop.out + out
    over = {"plan": {"tag": "v3"}, "prune": {"dry_run": "true"}}.get(question, {})
    result, _ = in_workflow(site, question, **over)
    shown = words("\n".join(result.log.shown))
    for line in filter(None, (line.strip() for line in words(out).splitlines())):
        assert line in shown, f"{line!r} is not in the log of the step"


def test_a_version_goes_out_and_back_from_each_place(site, laptop):
    site.deploy("v1")
    done = on_laptop(site, laptop, "deploy", "--image", site.bed.registry.ref("v2"))
    assert done.code == 0, done
    site.check_serves("v2")
    assert on_host(site, "deploy", "--image", site.bed.registry.ref("v3"))[0] == 0
    site.check_serves("v3")
    assert on_laptop(site, laptop, "rollback").code == 0
    site.check_serves("v2")
    assert on_host(site, "rollback", "--to", "v1")[0] == 0
    site.check_serves("v1")
    assert site.run(command="rollback", to="v3").exit_code == 0
    site.check_serves("v3")
    _, history = in_workflow(site, "history")
    who = [e["who"].partition("@")[0] if "/runs/" not in e["who"] else "a run" for e in history["entries"]]
    assert who == ["a run", "ec2-user", "alice", "ec2-user", "alice", "a run"]
    assert history["verified"]["whole"]


def test_logs_and_bundles_from_each_place(site, laptop):
    one = site.deploy("v1").outputs["deployment-id"]
    lines = [line.partition("|")[2].strip() for line in site.run(command="logs").log.shown if line.startswith("app |")]
    assert on_laptop(site, laptop, "logs").out.splitlines() == lines
    assert on_host(site, "logs")[1].splitlines() == lines == ["app v1 starting", "app v1 listening"]
    assert on_laptop(site, laptop, "bundle", one, "--output", "a.tar.gz").code == 0
    assert on_host(site, "bundle", one, "--output", "b.tar.gz")[0] == 0
    ours = set(subprocess.run(["tar", "tzf", str(laptop.work / "a.tar.gz")], capture_output=True, text=True, check=True).stdout.split())
    theirs = set(site.host.ssh("tar tzf b.tar.gz").split())
    assert {n.rsplit("/", 1)[-1] for n in theirs} == {n.rsplit("/", 1)[-1] for n in ours} and len(theirs) > 8


def test_a_rollback_that_cannot_be_ends_alike_everywhere(site, laptop):
    site.deploy("v1")
    site.host.docker("rm", "-f", "shop-green", check=False)
    assert site.run(command="rollback").exit_code == kit.EXIT["no_previous"]
    assert on_laptop(site, laptop, "rollback").code == kit.EXIT["no_previous"]
    assert on_host(site, "rollback")[0] == kit.EXIT["no_previous"]
    site.check_serves("v1")
