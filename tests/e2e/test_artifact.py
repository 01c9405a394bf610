"""The bundle becomes an artifact of the run: what arrives, what is told, and what is done when the service fails.

First the upload code by itself against services that misbehave, then the action as a whole.
"""

import datetime
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import urllib.parse
import zipfile

import pytest
from e2e import kit, uploader
from e2e.uploader import Running, download, upload
from testbed.artifacts import token
from testbed.peek import Peek

MEMORY_MAX_KB = 40 * 1024  # of the whole process, at its peak
LARGE = 256 * 1024 * 1024
BLOCK = 8 * 1024 * 1024
CANCEL_MAX_S = 0.5  # 0.1 s is promised; the rest is for the end of the process and a busy machine


@pytest.fixture
def service(new_service):
    return new_service()


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "bluegreen-shop-1.tar.gz"
    path.write_bytes(os.urandom(100_000))
    return path


@pytest.fixture
def blocks3(tmp_path):
    """A file of a little more than two blocks."""
    path = tmp_path / "bluegreen-shop-3.tar.gz"
    path.write_bytes(os.urandom(2 * BLOCK + 12345))
    return path


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(1 << 20):
            h.update(chunk)
    return h.hexdigest()


def check_arrived(service, result, path, name):
    """The artifact is a good zip with exactly that file, under the digest that was told; nothing was against the rules."""
    assert result.code == 0, result.lines
    assert service.problems == []
    kept = service.content(name)
    assert result.facts["digest"] == "sha256:" + sha256(kept)
    assert int(result.facts["bytes"]) == kept.stat().st_size
    assert result.facts["id"] == str(service.artifacts[name].id)
    with zipfile.ZipFile(kept) as z:
        assert z.namelist() == [path.name]
        assert z.testzip() is None
        h = hashlib.sha256()
        with z.open(path.name) as f:
            while chunk := f.read(1 << 20):
                h.update(chunk)
        assert h.hexdigest() == sha256(path)


def check_hidden(service, result):
    """Whoever prints was told every secret before; in other lines there is none."""
    told = result.of("secret")
    for signature in service.signatures:
        assert signature in told and urllib.parse.unquote(signature) in told
        assert [t for t in told if t.startswith(service.url) and signature in t], "the URL as a whole"
    for line in result.lines:
        if not line.startswith("secret "):
            assert not [s for s in service.secrets() if s in line], line
            assert service.url not in line or line.startswith("url "), line


# ---- the upload by itself ----

@pytest.mark.parametrize("kwargs", [{}, {"camel": True}, {"numbers": True}, {"store": "append", "camel": True}],
                         ids=lambda k: "-".join(k) or "azure")
def test_a_file_arrives_whole(new_service, blocks3, kwargs):
    service = new_service(**kwargs)
    result = upload(service, blocks3, "evidence")
    check_arrived(service, result, blocks3, "evidence")
    check_hidden(service, result)
    assert result.facts["url"] == f"https://github.com/octo/shop/actions/runs/42/artifacts/{result.facts['id']}"
    assert [r.kind for r in service.requests] == ["CreateArtifact", *["block"] * 3, "blocklist", "FinalizeArtifact"]


def test_the_same_file_gives_the_same_artifact(service, bundle):
    assert upload(service, bundle, "a").facts["digest"] == upload(service, bundle, "b").facts["digest"]


def test_an_empty_file_arrives(service, tmp_path):
    path = tmp_path / "empty.tar.gz"
    path.touch()
    check_arrived(service, upload(service, path, "empty"), path, "empty")


@pytest.mark.parametrize("store", ["azure", "append"])
def test_a_large_bundle_survives_three_503_and_a_dropped_connection_in_little_memory(new_service, tmp_path, store):
    service, path = new_service(store=store), tmp_path / "large.tar.gz"
    with open(path, "wb") as f:
        for _ in range(LARGE // (1 << 20)):
            f.write(os.urandom(1 << 20))
    service.fault("CreateArtifact", "status", retry_after=1)
    service.fault("block", "status", after=5, retry_after=1)
    service.fault("block", "drop", after=13)
    service.fault("FinalizeArtifact", "status", retry_after=1)
    result = upload(service, path, "large")
    check_arrived(service, result, path, "large")
    assert result.peak_kb <= MEMORY_MAX_KB
    assert 4 <= len(result.of("progress")) <= 30, result.of("progress")
    blocks = LARGE // BLOCK + 1
    # Where a block's id replaces, only that block goes again; where bytes are appended, all do: the 6th and the 15th failed.
    assert service.count("block") == (blocks + 2 if store == "azure" else 15 + blocks)


@pytest.mark.parametrize("store,creations", [("azure", 1), ("append", 2)])
def test_a_block_whose_answer_is_lost_does_not_count_twice(new_service, blocks3, store, creations):
    service = new_service(store=store)
    service.fault("block", "lost", after=1)
    check_arrived(service, upload(service, blocks3, "x"), blocks3, "x")
    assert service.count("CreateArtifact") == creations


def test_a_name_taken_by_our_own_lost_request_is_freed(service, bundle):
    service.fault("CreateArtifact", "lost")
    check_arrived(service, upload(service, bundle, "x"), bundle, "x")


@pytest.mark.parametrize("kwargs", [{}, {"camel": True, "numbers": True}], ids=lambda k: "-".join(k) or "snake")
def test_a_lost_answer_to_the_last_call_is_looked_up(new_service, bundle, kwargs):
    service = new_service(**kwargs)
    service.fault("FinalizeArtifact", "lost")
    check_arrived(service, upload(service, bundle, "x"), bundle, "x")
    assert service.count("ListArtifacts") == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_after_the_time_it_names(service, bundle, status):
    service.fault("CreateArtifact", "status", status=status, times=2, retry_after=1)
    check_arrived(service, upload(service, bundle, "x"), bundle, "x")
    at = [r.at for r in service.requests if r.kind == "CreateArtifact"]
    assert [1.0 <= b - a < 2.5 for a, b in zip(at, at[1:])] == [True, True]


def test_an_answer_that_cannot_be_read_is_asked_for_again(service, bundle):
    service.fault("CreateArtifact", "text", body=b"<html>")
    service.fault("ListArtifacts", "text", body=b"[]")
    check_arrived(service, upload(service, bundle, "x", "overwrite"), bundle, "x")


def test_attempts_end(service, bundle):
    service.fault("CreateArtifact", "status", times=99, retry_after=1)
    result = upload(service, bundle, "x")
    assert result.kind == "artifact" and "CreateArtifact: HTTP 503" in result.error
    assert service.count("CreateArtifact") == 5


def error_body(code, msg):
    return json.dumps({"code": code, "msg": msg}).encode()


@pytest.mark.parametrize("kind,fault,words", [
    ("CreateArtifact", {"what": "text", "body": b'{"ok":false}'}, "the service did not do it"),
    ("FinalizeArtifact", {"what": "text", "body": b"{}"}, "the service did not do it"),
    ("CreateArtifact", {"what": "text", "body": b'{"ok":true}'}, "no address to upload to"),
    ("CreateArtifact", {"what": "text", "body": b'{"ok":true,"signed_upload_url":"file:///etc/passwd"}'}, "no address"),
    ("FinalizeArtifact", {"what": "text", "body": b'{"ok":true,"artifact_id":"x"}'}, "no id"),
    ("CreateArtifact", {"what": "status", "status": 400, "body": error_body("invalid_argument", "\x1b[31mwrong\n::error::")},
     "HTTP 400: invalid_argument: ?[31mwrong?::error::"),
    ("CreateArtifact", {"what": "status", "status": 401, "body": b"no"}, "HTTP 401"),
    ("block", {"what": "status", "status": 403, "body": b"<Error><Code>AuthenticationFailed</Code></Error>"},
     "block 1 of 1: HTTP 403 AuthenticationFailed"),
    ("blocklist", {"what": "status", "status": 400, "body": b"<Error><Code>InvalidBlockList</Code></Error>"},
     "block list: HTTP 400 InvalidBlockList"),
], ids=lambda v: v if isinstance(v, str) and v.isalpha() else "")
def test_a_refusal_is_told_and_not_repeated(service, bundle, kind, fault, words):
    service.fault(kind, **fault)
    result = upload(service, bundle, "x")
    assert result.kind == "artifact" and words in result.error, result.lines
    assert service.count(kind) == 1
    check_hidden(service, result)


@pytest.mark.parametrize("status", [200, 403, 429, 500])
def test_a_quota_that_is_used_up_is_named(service, bundle, status):
    service.fault("CreateArtifact", "status", times=9, status=status,
                  body=error_body("resource_exhausted", "insufficient usage to create artifact"))
    result = upload(service, bundle, "x")
    assert "used up" in result.error and "Delete artifacts" in result.facts["hint"]
    assert service.count("CreateArtifact") == 1


def test_what_the_service_says_cannot_show_its_secrets(service, bundle):
    service.fault("CreateArtifact", "status", status=400, body=error_body("x", f"{service.token} is odd"))
    result = upload(service, bundle, "x")
    assert result.error == "CreateArtifact: HTTP 400"  # not even a part of it, which no mask would cover


def test_a_name_that_is_taken_is_explained(service, bundle):
    upload(service, bundle, "x")
    result = upload(service, bundle, "x")
    assert result.error == "an artifact named 'x' exists in this run already"
    assert "artifact-name" in result.facts["hint"] and "artifact-overwrite" in result.facts["hint"]
    check_arrived(service, upload(service, bundle, "y"), bundle, "y")


def test_overwrite_replaces(service, bundle, blocks3):
    first = upload(service, bundle, "x")
    upload(service, bundle, "x-2")
    second = upload(service, blocks3, "x", "overwrite")
    check_arrived(service, second, blocks3, "x")
    assert first.facts["id"] != second.facts["id"] and set(service.artifacts) == {"x", "x-2"}


@pytest.mark.parametrize("wanted,allowed,days", [("30", "90", 30), ("90", "7", 7), ("7", None, 7), ("0", "90", None)])
def test_retention_stays_within_what_is_allowed(service, bundle, wanted, allowed, days):
    assert upload(service, bundle, "x", f"retention={wanted}", GITHUB_RETENTION_DAYS=allowed).code == 0
    expires = service.artifacts["x"].expires_at
    if days is None:
        assert expires is None
    else:
        left = expires - datetime.datetime.now(datetime.timezone.utc)
        assert abs(left - datetime.timedelta(days=days)) < datetime.timedelta(minutes=2)


@pytest.mark.parametrize("over,words", [
    ({"GITHUB_SERVER_URL": "https://git.example.com"}, "GitHub Enterprise Server"),
    ({"GITHUB_SERVER_URL": "https://github.com.evil.example"}, "GitHub Enterprise Server"),
    ({"ACTIONS_RESULTS_URL": None}, "ACTIONS_RESULTS_URL is not set"),
    ({"ACTIONS_RUNTIME_TOKEN": ""}, "ACTIONS_RUNTIME_TOKEN is not set"),
])
def test_a_runner_without_the_service_is_recognised(service, bundle, over, words):
    result = upload(service, bundle, "x", **over)
    assert result.code == 98 and words in result.facts["unsupported"]
    assert service.requests == []


@pytest.mark.parametrize("server", ["https://github.com", "https://octo.ghe.com", "http://web.localhost:3000", None])
def test_servers_that_have_the_service_are_recognised(service, bundle, server):
    assert upload(service, bundle, "x", GITHUB_SERVER_URL=server).code == 0


@pytest.mark.parametrize("value,words", [
    ("rt-0000", "not a token of the form"), ("a.b.c", "not a token of the form"), ("a.e30.c", "gives no right"),
    (token("r", "j", scope="Actions.Results:only-one"), "gives no right"),
    (token("r", "j", scope="Actions.Results:a:b:c Other:a:b"), "gives no right"), ("x" * 70000, "too long"),
])
def test_a_token_without_the_right_is_explained(service, bundle, value, words):
    result = upload(service, bundle, "x", ACTIONS_RUNTIME_TOKEN=value)
    assert result.kind == "artifact" and words in result.error
    assert value not in result.error and service.requests == []


def test_a_service_that_is_not_there_is_given_up(bundle, new_service):
    gone = new_service()
    gone.close()
    result = upload(gone, bundle, "x", "time=4000")
    assert result.kind == "artifact" and "CreateArtifact" in result.error
    check_hidden(gone, result)


def test_silence_is_bounded(service, bundle):
    service.fault("block", "silent", times=9)
    result = upload(service, bundle, "x", "idle=300", "time=3000")
    assert result.kind == "artifact" and "block 1 of 1" in result.error
    assert 2 <= service.count("block") <= 5
    check_hidden(service, result)


def test_the_whole_upload_is_bounded(service, bundle):
    service.fault("CreateArtifact", "silent")
    result = upload(service, bundle, "x", "time=1000")
    assert result.kind == "artifact"


@pytest.mark.parametrize("kind,what", [("block", "silent"), ("CreateArtifact", "silent"), ("FinalizeArtifact", "pause")])
def test_a_cancel_takes_effect_at_once(service, blocks3, kind, what):
    if what == "pause":
        service.fault(kind, "status", retry_after=20)
    else:
        service.fault(kind, what)
    running = Running(service, blocks3, "x")
    service.wait_request(kind)
    kit.pause(0.3)  # into the wait
    at = running.cancel()
    result = running.wait()
    assert result.kind == "cancel", result.lines
    assert result.ended - at < CANCEL_MAX_S


def test_a_file_that_is_not_there_or_no_file_is_refused(service, tmp_path):
    for path in (tmp_path / "none.tar.gz", tmp_path):
        assert upload(service, path, "x").kind == "io"


@pytest.mark.parametrize("size", [0, 100_000, 2 * BLOCK + 12345])
def test_the_official_client_downloads_what_was_uploaded(service, tmp_path, size):
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(os.urandom(size))
    result = upload(service, path, "evidence")
    got = download(service, "evidence", tmp_path / "out", result.facts["digest"])
    assert got["digestMismatch"] is False
    assert got["artifact"]["digest"] == result.facts["digest"] and str(got["artifact"]["id"]) == result.facts["id"]
    assert sha256(tmp_path / "out" / path.name) == sha256(path)
    assert service.problems == []


WORKFLOW = """\
on: push
jobs:
  j:
    runs-on: ubuntu-latest
    steps:
      - run: |
          {program} {file} evidence
          {program} {file} evidence overwrite
          node {tools}/download.mjs evidence {out} sha256:$(sha256sum <{server}/1/evidence/evidence.zip | cut -c1-64)
"""


@pytest.mark.skipif(not shutil.which("act"), reason="act is not here")
def test_acts_own_server_takes_it_and_the_official_client_gets_it_from_there(tmp_path, blocks3):
    """act runs with an empty workflow around the upload: its server lives as long as a run."""
    repo, out, server = tmp_path / "repo", tmp_path / "out", tmp_path / "server"
    for folder in (repo / ".github" / "workflows", out, tmp_path / "home"):
        folder.mkdir(parents=True)
    text = WORKFLOW.format(program=uploader.program(), file=blocks3, tools=uploader.TOOLS, out=out, server=server)
    (repo / ".github" / "workflows" / "w.yml").write_text(text)
    env = {**os.environ, "HOME": str(tmp_path / "home"), "GITHUB_WORKSPACE": str(out)}
    for args in (["init", "-q"], ["add", "-A"], ["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "x"]):
        subprocess.run(["git", *args], cwd=repo, env=env, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    p = subprocess.run(["act", "push", "-P", "ubuntu-latest=-self-hosted", "--pull=false", "--action-offline-mode",
                        "--no-cache-server", "--container-daemon-socket", "-", "--artifact-server-path", server,
                        "--artifact-server-addr", "127.0.0.1", "--artifact-server-port", str(port)],
                       cwd=repo, env=env, capture_output=True, text=True, timeout=100)
    assert p.returncode == 0, p.stdout + p.stderr
    assert '"digestMismatch":false' in p.stdout
    assert p.stdout.count(f"digest sha256:{sha256(server / '1' / 'evidence' / 'evidence.zip')}") == 2
    assert sha256(out / blocks3.name) == sha256(blocks3)


# ---- the action ----

def outside_sha(site, result):
    return sha256(site.outside(result.outputs["bundle-path"]))


def check_action_hides(site, service, result, bundle_too=True):
    """Masked before it is printed, and then printed nowhere."""
    assert set(service.secrets()) <= {m.strip() for m in result.log.masks}
    for words in service.secrets():
        for line in result.log.plain:
            assert words not in line, line
        assert words not in result.summary
        assert words not in json.dumps([result.outputs, result.state])
        for a in result.log.annotations:
            assert words not in a.title + a.message
    if bundle_too:
        for name, data in kit.bundle(result, site).items():
            assert not [w for w in service.secrets() if w.encode() in data], name


def plain(result):
    return "\n".join(result.log.plain)


def test_a_deployment_uploads_its_bundle(site, near, tmp_path):
    result = site.deploy("v1", offers=near.offers())
    outputs = result.outputs
    name = outputs["bundle-path"].removesuffix(".tar.gz")
    assert near.problems == []
    assert set(near.artifacts) == {name}
    a = near.artifacts[name]
    assert outputs["artifact-id"] == str(a.id) and outputs["artifact-digest"] == a.hash
    number = site.steps[-1].job.number
    assert outputs["artifact-url"] == f"https://github.com/octo/shop/actions/runs/{number}/artifacts/{a.id}"
    assert outputs["artifact-url"] in result.summary
    assert "Upload the artifact" in [g.title for g in result.log.groups]
    assert not [w for w in result.warnings if "rtifact" in w.title]
    check_action_hides(site, near, result)
    got = download(near, name, tmp_path / "out", outputs["artifact-digest"])
    assert got["digestMismatch"] is False
    file = tmp_path / "out" / outputs["bundle-path"]
    assert sha256(file) == outside_sha(site, result)
    with tarfile.open(fileobj=io.BytesIO(file.read_bytes()), mode="r:gz") as t:
        assert "summary.md" in t.getnames()


def test_a_failed_deployment_uploads_its_bundle_too(site, near):
    result = site.run("exits", offers=near.offers())
    assert result.exit_code != 0 and result.outputs["artifact-id"]
    assert near.problems == []


@pytest.mark.parametrize("offers,words", [
    ({}, "offers no artifact service"),
    ({"GITHUB_SERVER_URL": "https://git.example.com"}, "GitHub Enterprise Server"),
])
def test_without_the_service_the_bundle_waits_for_the_upload_action(site, offers, words):
    result = site.deploy("v1", offers=offers)
    line = next(line for line in result.log.plain if "the bundle is not uploaded" in line)
    assert words in line and result.outputs["bundle-path"] in line and "actions/upload-artifact" in line
    assert not [a for a in result.log.annotations if "rtifact" in a.title]
    assert result.outputs["artifact-id"] == result.outputs["artifact-url"] == result.outputs["artifact-digest"] == ""


def test_off_uploads_nothing(site, near):
    result = site.deploy("v1", offers=near.offers(), upload_artifact="off")
    assert near.requests == [] and "upload-artifact is off" in plain(result)


def test_a_failed_upload_does_not_fail_a_good_deployment(site, near):
    near.fault("CreateArtifact", "status", status=400, body=error_body("invalid_argument", "no"))
    result = site.deploy("v1", offers=near.offers())
    assert [w for w in result.warnings if w.title == "No artifact" and "HTTP 400" in w.message]
    assert result.outputs["artifact-id"] == "" and outside_sha(site, result)
    check_action_hides(site, near, result)


@pytest.mark.parametrize("offered", [True, False])
def test_a_required_artifact_fails_the_step_and_post_leaves_the_deployment(site, near, offered):
    site.deploy("v1")
    near.fault("CreateArtifact", "status", status=403, body=b"{}")
    result = site.run("v2", offers=near.offers() if offered else {}, upload_artifact="required")
    assert result.exit_code == kit.EXIT["artifact"] and result.outputs["outcome"] == "deployed"
    assert [e for e in result.errors if e.title == "No artifact"]
    post = site.post("failure")
    assert post.exit_code == 0 and "stays" in plain(post)
    site.check_serves("v2")


def test_a_required_artifact_that_is_missing_does_not_hide_the_outcome(site, near):
    near.fault("CreateArtifact", "status", status=403, body=b"{}")
    result = site.run("exits", offers=near.offers(), upload_artifact="required")
    assert result.exit_code == kit.EXIT["app_exited"]


def test_inputs_of_the_artifact_are_used(site, near):
    over = {"offers": near.offers(), "artifact_name": "évidence of 42", "artifact_retention_days": "120"}
    result = site.deploy("v1", **over)
    assert set(near.artifacts) == {"évidence of 42"}
    assert [w for w in result.warnings if "120" in w.message and "90" in w.message]
    again = site.deploy("v2", **over)
    assert [w for w in again.warnings if "artifact-overwrite" in w.message]
    third = site.deploy("v3", artifact_overwrite="true", **over)
    assert third.outputs["artifact-id"] not in ("", result.outputs["artifact-id"])
    assert near.artifacts["évidence of 42"].hash == third.outputs["artifact-digest"]
    assert near.problems == []


def test_a_job_cancelled_during_the_upload_ends_at_once(site, near):
    near.fault("block", "silent")
    stage = site.step("v1", offers=near.offers()).start_main()
    near.wait_request("block", timeout=60)
    stage.cancel()
    result = site.finish(stage)
    assert not result.killed and "the upload ended early" in plain(result)
    assert result.outputs["outcome"] == "deployed" and result.outputs["artifact-id"] == ""
    assert result.summary
    check_action_hides(site, near, result)
    site.check_serves("v1")


def test_the_runners_tokens_do_not_stay_in_the_environment(site, near):
    offers = near.offers(ACTIONS_ID_TOKEN_REQUEST_TOKEN=kit.canary("oidc"))
    words = [near.token, offers["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]]
    with Peek(words, site.bed) as peek:
        result = site.deploy("v1", offers=offers)
    assert any(hit["exe"].endswith("/docker") for hit in peek.hits), "the watch must have seen the runner's own command"
    ours = [h for h in peek.hits if "bluegreen" in h["exe"]]
    assert not [h for h in ours if h["at_ms"] >= kit.connected_after([result], h["since_ms"])]
    assert not [h for h in peek.hits if h["place"] != "environ"]
    for value in words:
        assert value in result.log.masks and value not in plain(result)
