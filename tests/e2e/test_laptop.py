"""bluegreen by hand: the same deployments and questions from a laptop, with a person's own keys, files and terminal."""

import json
import pathlib
import re
import signal
import subprocess
import threading
import time

import pytest

from testbed import canary, keys, laptop
from testbed.engine import wait_for

from e2e import schema
from e2e.kit import EXIT

DOCS = pathlib.Path(__file__).parents[2] / "docs"
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return laptop.programs(tmp_path_factory.mktemp("program"))


@pytest.fixture
def mine(program, tmp_path):
    one = laptop.Laptop(tmp_path, program)
    yield one
    one.close()


def settings(site, tag=None, **over):
    """bluegreen.json for the site's host; over wins, None leaves a setting out."""
    found = {
        "$schema": "https://example.com/bluegreen.schema.json", "host": site.host.ip, "user": "ec2-user",
        "host-fingerprint": site.host.fingerprint(), "app": "shop", "port": 8080, "container-port": 8080,
        "registry-username": site.bed.registry.user, "connect-timeout": "10s", "health-interval": "150ms",
        "health-retries": 12, "health-timeout": "1s", "warm-up": "0s", "stop-timeout": "2s", "lock-timeout": "20s",
    }
    if tag:
        found["image"] = site.bed.registry.ref(tag)
    found |= {k.replace("_", "-"): v for k, v in over.items()}
    return {k: v for k, v in found.items() if v is not None}


def secret(site, **more):
    return json.dumps({"registry-password": site.bed.registry.password} | more)


def deploy(mine, site, *args, **kwargs):
    done = mine.run("deploy", "--secrets-stdin", *args, stdin=secret(site), **kwargs)
    assert done.code == 0, done
    return done


# ---- deploying ----


def test_a_deployment_by_file_key_and_options(site, mine):
    """Settings of bluegreen.json, of which an option wins; nothing of a runner is written or asked for."""
    mine.config(settings(site, "v9", env={"MODE": "by file"}, labels=["team=web"]))
    runner = {"GITHUB_OUTPUT": str(mine.home / "output"), "GITHUB_STATE": str(mine.home / "state"),
              "GITHUB_STEP_SUMMARY": str(mine.home / "summary"), "GITHUB_ACTIONS": "true", "INPUT_IMAGE": "wrong:1"}
    done = deploy(mine, site, "--identity", mine.key(site.bed.keys["ed25519"]), "--image", site.bed.registry.ref("v1"),
                  env=runner)
    site.check_serves("v1")
    blue = site.host.versions()["shop-blue"]
    assert "MODE=by file" in blue["Config"]["Env"] and blue["Config"]["Labels"]["team"] == "web"
    assert "::" not in done.out and "##[" not in done.out and ESCAPE not in done.out + done.err
    assert done.err == "", done
    assert re.search(r"^ok .*: [0-9.]+ s", done.out, re.M), done
    assert not [p for p in ("output", "state", "summary") if (mine.home / p).exists()]
    assert sorted(p.suffix for p in mine.work.iterdir()) == [".gz", ".json", ".md"], list(mine.work.iterdir())
    assert re.search(r"alice@\S+", site.read_state("request.json"))


def test_the_keys_of_an_agent_are_tried_until_one_is_let_in(site, mine):
    mine.config(settings(site))
    mine.ssh_agent(site.bed.keys["stranger"], site.bed.keys["rsa-openssh"])
    done = mine.run("status", "--json")
    assert done.code == 0, done
    assert json.loads(done.out)["app"] == "shop"


def test_each_kind_of_key_signs_in_the_agent(site, mine):
    mine.config(settings(site))
    mine.ssh_agent(site.bed.keys["ecdsa"])
    assert mine.run("status").code == 0


def test_the_keys_that_an_agent_offered_are_named(site, mine):
    mine.config(settings(site))
    mine.ssh_agent(site.bed.keys["stranger"])
    done = mine.run("status")
    assert done.code == EXIT["auth"], done
    stranger = subprocess.run(["ssh-keygen", "-lf", site.bed.keys["stranger"].path], capture_output=True, text=True,
                              check=True, timeout=10).stdout.split()[1]
    assert stranger in done.err and done.out == "", done


def test_without_any_key_the_places_are_named(site, mine):
    mine.config(settings(site))
    done = mine.run("status")
    assert done.code == EXIT["key"], done
    assert "~/.ssh/id_ed25519" in done.err and "--identity" in done.err, done


def test_a_key_in_its_usual_place_is_found(site, mine):
    mine.config(settings(site))
    mine.key(site.bed.keys["ed25519"], "id_ed25519")
    assert mine.run("status").code == 0


def test_a_key_that_others_can_read_is_refused(site, mine):
    mine.config(settings(site))
    path = mine.key(site.bed.keys["ed25519"])
    path.chmod(0o644)
    done = mine.run("status", "-i", path)
    assert done.code == EXIT["key"] and "chmod 600" in done.err, done


def test_the_passphrase_of_a_key_is_asked_for_and_not_shown(site, mine):
    mine.config(settings(site))
    path = mine.key(site.bed.keys["ed25519-encrypted"])
    done = mine.run_on_terminal("status", "-i", path, typed=[("Passphrase of ", keys.PASSPHRASE + "\n")])
    assert done.code == 0, done
    assert keys.PASSPHRASE not in done.out
    wrong = mine.run_on_terminal("status", "-i", path, typed=[("Passphrase of ", "not this one\n")])
    assert wrong.code == EXIT["key"] and "not this one" not in wrong.out, wrong


def test_without_a_terminal_an_encrypted_key_is_refused(site, mine):
    mine.config(settings(site))
    path = mine.key(site.bed.keys["ed25519-encrypted"])
    p = mine.start("status", "-i", path, start_new_session=True)
    out, err = p.communicate(timeout=30)
    assert p.returncode == EXIT["key"] and "no terminal" in err, (out, err)


# ---- pins ----


def test_known_hosts_of_the_person_are_pins(site, mine):
    """Of the file only what names the host counts: broken lines about others do no harm."""
    mine.config(settings(site, host_fingerprint=None))
    path = mine.key(site.bed.keys["ed25519"])
    (mine.home / ".ssh/known_hosts").write_text("other.example ssh-ed25519 !!!\nnonsense\n"
                                                + site.host.known_hosts(name=site.host.ip))
    assert mine.run("status", "-i", path).code == 0


def test_a_host_that_is_not_known_is_not_talked_to(site, mine):
    mine.config(settings(site, host_fingerprint=None))
    path = mine.key(site.bed.keys["ed25519"])
    site.host.clear_sshd_log()
    done = mine.run("status", "-i", path)
    assert done.code == EXIT["no_pin"], done
    assert "known_hosts" in done.err and site.host.ip in done.err, done
    assert "Accepted" not in site.host.sshd_log()
    (mine.home / "pins").write_text(site.host.known_hosts(name="192.0.2.1"))
    done = mine.run("status", "-i", path, "--known-hosts-file", mine.home / "pins")
    assert done.code == EXIT["no_pin"], done


def test_another_key_in_known_hosts_is_a_refusal(site, mine):
    mine.config(settings(site, host_fingerprint=None))
    path = mine.key(site.bed.keys["ed25519"])
    (mine.home / "pins").write_text(f"{site.host.ip} {' '.join(site.bed.keys['stranger'].public.split()[:2])}\n")
    done = mine.run("status", "-i", path, "--known-hosts-file", mine.home / "pins")
    assert done.code == EXIT["host_key"], done


# ---- secrets ----


def test_secrets_come_by_standard_input_and_stay_inside(site, mine):
    """The canary is in no argument, no file of laptop or host, and no output."""
    value = canary.fresh("laptop")
    watch = canary.Watch([value])
    since = time.time() - 1
    mine.config(settings(site, "v1"))
    path = mine.key(site.bed.keys["ed25519"])
    p = mine.start("deploy", "--secrets-stdin", "-i", path, stdin=subprocess.PIPE)
    p.stdin.write(secret(site, **{"secret-env": {"TOKEN": value}}))
    p.stdin.close()
    p.stdin = None
    wait_for("a connection", lambda: site.host.agent_pids() or p.poll() is not None, 30)
    seen = open(f"/proc/{p.pid}/cmdline", "rb").read() if p.poll() is None else b""
    argv = site.host.exec("cat /proc/[0-9]*/cmdline 2>/dev/null || true").encode()
    out, err = p.communicate(timeout=120)
    assert p.returncode == 0, (out, err)
    assert f"TOKEN={value}" in site.host.versions()["shop-blue"]["Config"]["Env"]
    for name, data in [("its arguments", seen), ("arguments on the host", argv), ("stdout", out.encode()),
                       ("stderr", err.encode()), *canary.of_folder(mine.work), *canary.of_folder(mine.home),
                       *canary.of_host(site.host, since)]:
        assert not watch.hits(data), f"{name}: {watch.hits(data)}"


@pytest.mark.parametrize("bad, words", [
    ({"prot": 8080}, 'bluegreen.json: "prot" is not the name of a setting'),
    ({"registry-password": "hunter2-in-a-file"}, 'bluegreen.json: "registry-password" is a secret'),
    ({"volumes": {"a": "b"}}, 'bluegreen.json: "volumes" wants an array'),
    ({"port": "none"}, "bluegreen.json: \"port\": got 'none', wants a whole number"),
])
def test_what_is_wrong_in_the_file_is_named(site, mine, bad, words):
    mine.config(settings(site) | bad)
    done = mine.run("status", "-i", mine.key(site.bed.keys["ed25519"]))
    assert done.code == EXIT["input"] and words in done.err and "hunter2" not in done.err, done


def test_secrets_are_no_options(mine):
    done = mine.run("deploy", "--registry-password", "hunter2-on-argv")
    assert done.code == EXIT["input"] and "--secrets-stdin" in done.err and "hunter2" not in done.out + done.err, done


# ---- what is shown ----


def test_status_for_people_and_for_programs(site, mine):
    mine.config(settings(site, "v1"))
    path = mine.key(site.bed.keys["ed25519"])
    deploy(mine, site, "-i", path)
    plain = mine.run("status", "-i", path)
    assert plain.code == 0 and plain.err == "", plain
    assert "shop-blue" in plain.out and ESCAPE not in plain.out
    answer = mine.run("status", "-i", path, "--json")
    assert answer.code == 0 and answer.err == "", answer
    report = json.loads(answer.out)
    assert report["blue"]["name"] == "shop-blue"
    assert schema.problems(report, json.loads((DOCS / "status.schema.json").read_text())) == []


def test_colours_are_a_terminals_own(site, mine):
    mine.config(settings(site, "v1"))
    path = mine.key(site.bed.keys["ed25519"])
    deploy(mine, site, "-i", path)
    coloured = mine.run_on_terminal("status", "-i", path)
    assert coloured.code == 0 and ESCAPE in coloured.out, coloured
    for plain in (mine.run_on_terminal("status", "-i", path, env={"NO_COLOR": "1"}),
                  mine.run_on_terminal("status", "-i", path, "--no-color"),
                  mine.run_on_terminal("status", "-i", path, env={"TERM": "dumb"})):
        assert plain.code == 0 and ESCAPE not in plain.out, plain


def push_large(site, tag):
    """v1 with some files more, whose download takes a moment."""
    of, to = site.bed.registry.ref("v1"), site.bed.registry.ref(tag)
    site.host.login_registry()
    site.host.exec(f"docker pull -q {of} && head -c 80000000 /dev/urandom > /tmp/large && docker create --name large {of} x &&"
                   f" docker cp /tmp/large large:/large && docker commit large {to} && docker push -q {to} &&"
                   f" docker rm large && docker rmi {to} {of} && rm /tmp/large", timeout=120)


def test_the_bar_of_a_pull_is_for_terminals(site, mine):
    """Drawn in place on a terminal, and gone at the end; elsewhere lines tell the progress."""
    push_large(site, "v1-large")
    mine.config(settings(site, "v1-large"))
    path = mine.key(site.bed.keys["ed25519"])
    password = mine.home / "secrets.json"
    password.write_text(secret(site))
    # standard input is the file, the two others are the terminal
    shown = mine.run_on_terminal("deploy", "-i", path, "--secrets-stdin", stdin=password)
    assert shown.code == 0, shown
    assert re.search(r"\r\x1b\[K\[[#.]+\]  +\d+ %  [0-9.]+ of [0-9.]+ MB", shown.out), shown.out
    assert not re.search(r"^host \| [0-9.]+ of [0-9.]+ MB", shown.out, re.M), shown.out
    site.host.reset()
    plain = deploy(mine, site, "-i", path)
    assert "\r" not in plain.out + plain.err and ESCAPE not in plain.out + plain.err


def test_a_failed_deployment_tells_why_on_stderr(site, mine):
    mine.config(settings(site, "no-such-tag"))
    done = mine.run("deploy", "--secrets-stdin", "-i", mine.key(site.bed.keys["ed25519"]), stdin=secret(site))
    assert done.code == EXIT["image_missing"] or done.code == EXIT["failed_untouched"], done
    assert done.err.startswith("error: Deployment failed and production is untouched"), done
    assert "What to do: " in done.err and "::" not in done.out + done.err


def test_a_bundle_is_fetched_into_a_file(site, mine):
    mine.config(settings(site, "v1"))
    path = mine.key(site.bed.keys["ed25519"])
    deploy(mine, site, "-i", path)
    of = site.deployments()[-1]
    (mine.work / f"bluegreen-shop-{of}.tar.gz").unlink()
    done = mine.run("bundle", of, "-i", path)
    assert done.code == 0 and done.out == f"bluegreen-shop-{of}.tar.gz\n", done
    names = subprocess.run(["tar", "tzf", mine.work / done.out.strip()], capture_output=True, text=True, check=True,
                           timeout=20).stdout
    assert "events.ndjson" in names and "request.json" in names, names
    missing = mine.run("bundle", "20200101-000000-aaaaaa", "-i", path)
    assert missing.code != 0 and not list(mine.work.glob("*.part")), missing


def test_help_needs_no_host(mine):
    done = mine.run("--help")
    assert done.code == 0 and "bluegreen COMMAND" in done.out and done.err == "", done
    assert mine.run().code == EXIT["input"]
    assert mine.run("version").out.startswith("bluegreen ")


# ---- questions, and going back ----


@pytest.fixture
def served(site, mine):
    """v1 and then v2 were deployed from this laptop, whose settings and key need no option any more."""
    mine.config(settings(site, "v1"))
    mine.key(site.bed.keys["ed25519"], "id_ed25519")
    deploy(mine, site)
    deploy(mine, site, "--image", site.bed.registry.ref("v2"))
    return mine


def answer(mine, *args, code=0, **kwargs):
    done = mine.run(*args, "--json", **kwargs)
    assert done.code == code and (done.err == "" or code), done
    return json.loads(done.out)


def check_schema(report, name):
    assert schema.problems(report, json.loads((DOCS / f"{name}.schema.json").read_text())) == []


def test_history_says_who_and_verify_finds_a_changed_byte(site, served):
    report = answer(served, "history")
    check_schema(report, "history")
    assert [e["operation"] for e in report["entries"]] == ["deploy", "deploy"]
    assert all(e["who"].startswith("alice@") for e in report["entries"])
    whole = served.run("history", "verify")
    assert whole.code == 0, whole
    site.host.exec("sed -i 's/alice@/mallo@/' /home/ec2-user/.bluegreen/apps/shop/audit.ndjson")
    broken = served.run("history", "verify")
    assert broken.code == EXIT["audit"] and "audit log is not whole" in broken.err, broken


def test_back_to_the_previous_version_and_to_a_named_one(site, served):
    done = served.run("rollback")
    assert done.code == 0, done
    site.check_serves("v1")
    done = served.run("rollback", "--to", "v2")
    assert done.code == 0, done
    site.check_serves("v2")
    refused = served.run("rollback", "--to", "20200101-000000-aaaaaa")
    assert refused.code != 0 and refused.err.startswith("error: "), refused
    site.check_serves("v2")


def test_plan_and_prune_change_nothing_when_they_only_look(site, served):
    before = site.host.snapshot()
    plan = answer(served, "plan", "--secrets-stdin", "--image", site.bed.registry.ref("v3"), stdin=secret(site))
    check_schema(plan, "plan")
    assert plan["verdict"] == "deploy"
    prune = answer(served, "prune", "--dry-run")
    check_schema(prune, "prune")
    assert prune["dry_run"] is True
    assert site.host.snapshot() == before


def test_diagnose_tells_causes_with_their_next_step(site, served):
    report = answer(served, "diagnose")
    check_schema(report, "diagnose")
    assert report["checks"], report
    site.host.docker("stop", "-t", "1", "shop-blue")
    broken = answer(served, "diagnose")
    assert [f for f in broken["findings"] if f["subject"] == "blue" and f["command"]], broken


def test_logs_are_the_apps_own_lines(site, served):
    assert served.run("logs").out == "app v2 starting\napp v2 listening\n"
    assert served.run("logs", "green", "--lines", "1", "--since", "3d").out.startswith("app v1")
    assert served.run("logs", "next").code == EXIT["not_found"]


def say(site, text):
    """The app prints a line."""
    pid = site.host.docker("inspect", "-f", "{{.State.Pid}}", "shop-blue").strip()
    site.host.exec(f"echo '{text}' > /proc/{pid}/fd/1")


class Reader:
    """What a running command writes to standard output, as it comes."""

    def __init__(self, process):
        self.process, self.lines = process, []
        self._thread = threading.Thread(target=lambda: self.lines.extend(iter(process.stdout.readline, "")), daemon=True)
        self._thread.start()

    def wait(self, what, condition, timeout=40):
        wait_for(what, lambda: condition(self.lines) or self.process.poll() is not None, timeout)
        assert condition(self.lines), (self.lines, self.process.poll())

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        code = self.process.wait(30)
        self._thread.join(10)
        return code


def test_logs_are_followed_over_a_lost_connection(site, served):
    p = served.start("logs", "--follow")
    reader = Reader(p)
    reader.wait("the lines so far", lambda lines: "app v2 listening\n" in lines)
    say(site, "the first")
    reader.wait("a new line", lambda lines: "the first\n" in lines)
    site.host.cut_sessions()
    say(site, "the second")
    reader.wait("a line after the cut", lambda lines: "the second\n" in lines)
    assert reader.end() == 0, p.stderr.read()
    assert reader.lines == ["app v2 starting\n", "app v2 listening\n", "the first\n", "the second\n"]


def test_a_watched_status_takes_one_connection(site, served):
    """It is asked over the same one again, and over a new one when that is cut."""
    site.host.clear_sshd_log()
    reader = Reader(served.start("status", "--watch=1", "--json"))
    reader.wait("three answers", lambda lines: len(lines) >= 3)
    assert site.host.sshd_log().count("Accepted publickey") == 1
    site.host.cut_sessions()
    seen = len(reader.lines)
    reader.wait("answers after the cut", lambda lines: len(lines) >= seen + 2)
    assert reader.end() == 0
    assert all(json.loads(line)["blue"]["name"] == "shop-blue" for line in reader.lines)


def test_a_watched_status_is_drawn_on_the_terminal_until_q(served):
    done = served.run_on_terminal("status", "--watch", typed=[("shop-blue", "q")])
    assert done.code == 0 and ESCAPE in done.out, done


# ---- the file of settings ----


def inputs(mine):
    return [json.loads(line) for line in mine.run("--list-inputs").out.splitlines()]


def test_the_schema_has_exactly_what_the_file_may_hold(mine):
    found = json.loads((DOCS / "bluegreen.schema.json").read_text())["properties"]
    assert set(found) == {"$schema"} | {i["id"] for i in inputs(mine) if i["option"] and not i["secret"]}
    for i in inputs(mine):
        if i["option"] and not i["secret"]:
            takes = {d["$ref"].rsplit("/", 1)[1] for d in found[i["id"]].get("anyOf", [])}
            assert bool(takes) == i["list"], i
            assert ("boolean" in found[i["id"]].get("type", [])) == i["switch"], i
            assert str(found[i["id"]].get("default", "")).lower() == i["default"], i


def test_the_example_fits_the_schema_and_the_program(bed, mine):
    text = (DOCS.parent / "examples/bluegreen.json").read_text()
    assert schema.problems(json.loads(text), json.loads((DOCS / "bluegreen.schema.json").read_text())) == []
    (mine.work / "bluegreen.json").write_text(text)
    (mine.work / "shop.env").write_text("A=1\n")
    done = mine.run("plan", "--secrets-stdin", "--host", "192.0.2.1", "--host-fingerprint", "SHA256:" + "A" * 43, "--connect-timeout", "1s",
                    stdin=json.dumps({"registry-password": "x", "ssh-key": bed.keys["ed25519"].text}))
    assert "Wrong setting" not in done.err and done.code in (EXIT["unreachable"], EXIT["timeout"]), done
