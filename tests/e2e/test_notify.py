"""Notifications: who is told what and when, and that nothing about them touches the outcome or shows a secret."""

import json
import pathlib
import re
import signal
import socket

import pytest
from e2e import kit, schema
from testbed import receiver

SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs/notification.schema.json").read_text())
LONGEST = 8.0  # seconds of all attempts together (docs/inputs.md)


@pytest.fixture
def receivers(bed):
    """Makes receivers on this machine; tls: with a certificate nobody knows."""
    made = []

    def make(*answers, tls=False):
        ip = bed.gateway()
        made.append(receiver.Receiver(ip, answers or (200,), receiver.certificate(bed.folder, ip) if tls else None))
        return made[-1]
    yield make
    for one in made:
        one.close()


def told(r):
    """The one message in the generic format, checked against the schema."""
    body = r.told()
    assert schema.problems(body, SCHEMA) == []
    path, headers = r.requests[0]
    assert path == receiver.PATH + r.token
    assert headers["Content-Type"].startswith("application/json")
    return body


def warned(result):
    return [w for w in result.warnings if w.title == "No notification"]


def check_url_is_not_shown(result, r):
    for text in (result.text.replace(f"::add-mask::{r.url}", ""), result.summary, json.dumps([result.outputs, result.state])):
        plain = [line for line in text.splitlines() if not line.startswith("::add-mask::")]
        assert not any(part in line for line in plain for part in (r.token, receiver.PATH, str(r.port)))


def test_documented_members_are_those_of_the_schema():
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/inputs.md").read_text()
    table = re.search(r"### The notification\n.*?\n(\|.*?)\n\n", page, re.S)[1]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(SCHEMA["required"]) == sorted(SCHEMA["properties"])


def test_failed_deployment_is_told_with_its_cause(site, receivers):
    site.deploy("v1")
    r = receivers()
    result = site.run("never-healthy", notify_url=r.url)
    assert result.exit_code == kit.EXIT["unhealthy"], result
    body = told(r)
    assert (body["app"], body["stage"], body["command"]) == ("shop", "main", "deploy")
    assert body["outcome"] == result.outputs["outcome"] == "failed_untouched"
    assert body["exit_code"] == result.exit_code and body["rolled_back"] is False
    assert body["cause_kind"] == "unhealthy" and "503" in body["cause"] and body["hint"]
    assert body["host"] == f"ec2-user@{site.host.name}:22"
    assert body["deployment"] == result.outputs["deployment-id"]
    assert body["image"] == site.bed.registry.ref("never-healthy")
    assert body["previous_image"] == site.bed.registry.ref("v1")
    assert body["repository"] == "octo/shop" and body["actor"] == "octocat"
    assert body["run"] == f"https://github.com/octo/shop/actions/runs/{site.jobs[-1].number}"
    assert not warned(result)
    check_url_is_not_shown(result, r)


def test_rollback_by_post_is_told_and_success_is_not(site, receivers):
    r = receivers()
    site.deploy("v1", notify_url=r.url)
    site.deploy("v2", notify_url=r.url)
    assert r.bodies == [], "a good deployment is no news"
    post = site.post("failure")
    assert post.exit_code == 0, post
    site.check_serves("v1")
    body = told(r)
    assert (body["stage"], body["outcome"], body["rolled_back"]) == ("post", "rolled_back", True)
    assert "job failed" in body["why"]
    check_url_is_not_shown(post, r)


def test_rollback_by_post_that_cannot_be_begun_is_told(site, receivers):
    r = receivers()
    site.deploy("v1")
    step = site.step("v2", notify_url=r.url)
    assert site.finish(step.start_main()).exit_code == 0
    step.with_["host-fingerprint"] = "gone"
    post = site.post("failure", step=step)
    assert post.exit_code == kit.EXIT["input"], post
    body = told(r)
    assert (body["stage"], body["command"], body["outcome"]) == ("post", "rollback", "failed_untouched")
    assert "host-fingerprint" in body["cause"] and "job failed" in body["why"]


def test_rollback_in_the_main_step_is_told(site, receivers):
    r = receivers()
    site.deploy("v1", strategy="recreate")
    result = site.run("never-healthy", strategy="recreate", notify_url=r.url)
    assert result.outputs["outcome"] == "rolled_back", result
    body = told(r)
    assert body["rolled_back"] is True and body["step"] and body["total_seconds"] > 0
    assert body["digest"] == result.outputs["image-digest"]


@pytest.mark.parametrize("on, expected", [("always", ["deployed", "unchanged"]), ("never", [])])
def test_notify_on_decides(site, receivers, on, expected):
    r = receivers()
    for _ in range(2):
        assert site.run("v1", notify_url=r.url, notify_on=on).exit_code == 0
    assert site.post("success").exit_code == 0
    if on == "never":
        assert site.run("no-such-tag", notify_url=r.url, notify_on=on).exit_code != 0
    bodies = [json.loads(b) for b in r.bodies]
    assert [b["outcome"] for b in bodies] == expected
    assert [schema.problems(b, SCHEMA) for b in bodies] == [[] for _ in expected]


def test_refused_run_and_wrong_inputs_are_told(site, receivers):
    for over, kind, code in (({"host_fingerprint": "SHA256:" + "A" * 43}, "host_key", "host_key"), ({"port": "x"}, "input", "input")):
        r = receivers()
        result = site.run("v1", notify_url=r.url, **over)
        assert result.exit_code == kit.EXIT[code], result
        body = told(r)
        assert (body["outcome"], body["cause_kind"]) == ("failed_untouched", kind)


def test_slack_and_teams_get_their_own_forms(site, receivers):
    for notify_format in ("slack", "teams"):
        r = receivers()
        assert site.run("no-such-tag", notify_url=r.url, notify_format=notify_format).exit_code == kit.EXIT["image_missing"]
        body = r.told()
        if notify_format == "slack":
            assert body["text"].startswith("Deployment failed")
            blocks = body["attachments"][0]["blocks"]
            assert [b["type"] for b in blocks][:2] == ["header", "section"]
            assert len(blocks) <= 50 and all(len(f["text"]) <= 2000 for b in blocks for f in b.get("fields", []))
            assert any("no-such-tag" in json.dumps(b) for b in blocks)
            assert f"actions/runs/{site.jobs[-1].number}|Workflow run>" in json.dumps(blocks[-1])
        else:
            card = body["attachments"][0]
            assert (body["type"], card["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
            assert card["content"]["type"] == "AdaptiveCard"
            assert any("no-such-tag" in json.dumps(b) for b in card["content"]["body"])
            assert card["content"]["actions"][0]["url"].endswith(site.jobs[-1].number)


@pytest.mark.parametrize("answers", [(500, 503, 200), ("drop", 200), ((429, {"Retry-After": "1"}), 204)],
                         ids=["5xx twice", "dropped", "429"])
def test_receiver_that_recovers_is_told_in_the_end(site, receivers, answers):
    r = receivers(*answers)
    result = site.run("no-such-tag", notify_url=r.url)
    assert result.exit_code == kit.EXIT["image_missing"]
    assert len(r.bodies) == len(answers) and len(set(r.bodies)) == 1
    assert not warned(result)


@pytest.mark.parametrize("answer, attempts, words", [(500, 3, "HTTP status 500"), (404, 1, "HTTP status 404"), ((302, {"Location": "/"}), 1, "302")])
def test_receiver_that_refuses_is_a_warning_and_nothing_more(site, receivers, answer, attempts, words):
    r = receivers(answer)
    result = site.run("v1", notify_url=r.url, notify_on="always")
    assert result.exit_code == 0 and result.outputs["outcome"] == "deployed", result
    assert len(r.bodies) == attempts
    assert [words in w.message for w in warned(result)] == [True]
    check_url_is_not_shown(result, r)


def test_receiver_that_refuses_connections_is_a_warning(site, receivers):
    r = receivers()
    r.close()
    result = site.run("no-such-tag", notify_url=r.url)
    assert result.exit_code == kit.EXIT["image_missing"]
    assert "could not be reached" in warned(result)[0].message
    check_url_is_not_shown(result, r)


def test_certificate_that_nobody_vouches_for_is_refused(site, receivers):
    r = receivers(tls=True)
    result = site.run("no-such-tag", notify_url=r.url)
    assert result.exit_code == kit.EXIT["image_missing"]
    assert r.bodies == [], "nothing may be said to a stranger"
    assert "certificate is not trusted" in warned(result)[0].message
    check_url_is_not_shown(result, r)


def test_https_receiver_with_a_known_certificate_is_told(site, receivers):
    r = receivers(tls=True)
    step = site.step("no-such-tag", notify_url=r.url, step_env={"SSL_CERT_FILE": "/github/workspace/ca.pem"})
    cert, _ = receiver.certificate(site.bed.folder, r.ip)
    (step.job.workspace / "ca.pem").write_bytes(cert.read_bytes())
    result = site.finish(step.start_main())
    assert result.exit_code == kit.EXIT["image_missing"]
    assert told(r)["cause_kind"] == "image_missing"
    assert not warned(result)


def test_receiver_that_hangs_does_not_hold_the_step(site, receivers):
    r = receivers("hang")
    stage = site.step("no-such-tag", notify_url=r.url).start_main()
    kit.eventually(lambda: r.bodies, 60)
    began = kit.time.monotonic()
    result = site.finish(stage)
    assert kit.time.monotonic() - began < LONGEST + 2
    assert result.exit_code == kit.EXIT["image_missing"], result
    assert len(r.bodies) == 1
    assert "did not answer in time" in warned(result)[0].message


def test_cancelled_step_is_told_and_ends_in_its_ten_seconds(site, receivers):
    r = receivers("hang")
    site.deploy("v1")
    stage = site.step("slow1", notify_url=r.url, health_retries=40).start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    began = kit.time.monotonic()
    stage.process.send_signal(signal.SIGINT)
    result = site.finish(stage)
    assert kit.time.monotonic() - began < 10
    assert result.exit_code in (kit.EXIT["cancel"], kit.EXIT["rolled_back"], kit.EXIT["failed_untouched"]), result
    assert told(r)["exit_code"] == result.exit_code
    kit.eventually(lambda: not site.host.agent_pids(), 10)
    site.check_serves("v1")


def test_hostile_host_text_is_only_words_in_a_message(site, receivers):
    """A host that is none: what it says stands in the cause."""
    greeting = b"<!channel> <https://evil.example|click> *b* \x1b[31m ::error::x\r\n" * 3

    server = socket.create_server((site.bed.gateway(), 0))
    server.settimeout(60)
    r = receivers()
    stage = site.step("v1", host=site.bed.gateway(), ssh_port=server.getsockname()[1], notify_url=r.url, notify_format="slack",
                      connect_timeout="3s").start_main()
    peer, _ = server.accept()
    with server, peer:
        peer.sendall(greeting)
        peer.shutdown(socket.SHUT_WR)
        result = site.finish(stage)
    assert result.exit_code != 0
    text = json.dumps(r.told())
    assert "<!" not in text and "<https://evil" not in text and "\\u001b" not in text and "\x1b" not in text


def test_no_secret_is_in_a_message(site, receivers):
    token = kit.canary("token")
    r = receivers()
    result = site.run("exits", notify_url=r.url, secret_env=f"APP_VERSION={token}")
    assert result.exit_code == kit.EXIT["app_exited"], result
    told(r)
    for word in (token, r.token, site.bed.registry.password, site.bed.keys["ed25519"].text.splitlines()[3]):
        assert word not in r.bodies[0].decode()
