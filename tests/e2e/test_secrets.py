"""A secret of the user is found nowhere but in the deployed container's own configuration."""

import json
import subprocess

import pytest
from e2e import kit
from testbed import engine
from testbed.peek import Peek

# The runner hands secrets over in the environment; the action clears it as its first work. So long after its start the
# environment may still hold them.
CLEARED_AFTER_MS = 1000


def key_with_passphrase(folder, passphrase):
    path = folder / f"canary-key-{passphrase[-6:]}"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "canary", "-f", path], check=True)
    return path.read_text(), path.with_suffix(".pub").read_text()


class Canaries:
    """One value for each secret input, let in where it has to be."""

    def __init__(self, site):
        bed = site.bed
        self.passphrase = kit.canary("passphrase")
        self.jump_passphrase = kit.canary("jump-passphrase")
        key, public = key_with_passphrase(bed.folder, self.passphrase)
        jump_key, jump_public = key_with_passphrase(bed.folder, self.jump_passphrase)
        self.jump = bed.extra_host("jump1", dockerd=False)
        for host, line in ((site.host, public), (self.jump, jump_public)):
            host.exec("cat >>/home/ec2-user/.ssh/authorized_keys", stdin=line.encode())
        self.token, self.line1, self.line2 = kit.canary("token"), kit.canary("line-one"), kit.canary("line-two")
        self.inputs = {
            "ssh_key": key, "ssh_key_passphrase": self.passphrase, "jump_host": self.jump.name,
            "jump_fingerprint": self.jump.fingerprint(), "jump_key": jump_key, "jump_key_passphrase": self.jump_passphrase,
            "secret_env": f"TOKEN={self.token}\nPEM<<END\n{self.line1}\n{self.line2}\nEND\n",
        }
        body = [line for text in (key, jump_key) for line in text.splitlines() if "KEY-----" not in line]
        # A key's first lines tell its kind only (and are the same for all keys); what is secret comes after them.
        self.words = [self.passphrase, self.jump_passphrase, self.token, self.line1, self.line2, bed.registry.password,
                      *(line for line in body if not line.startswith("b3BlbnNzaC1"))]


@pytest.fixture
def canaries(site):
    return Canaries(site)


def found(words, text):
    return [w for w in words if w in text]


def check_host(site, words):
    """Nothing below these folders; what the engine keeps of a container's own configuration is apart."""
    for host in (site.host, site.bed.hosts["jump1"]):
        listing = host.exec("cat >/dev/shm/words; grep -rlaF --exclude-dir=docker -f /dev/shm/words /home /tmp /var/tmp /var/log /run /etc /root/.ssh "
                            "2>/dev/null || true; rm -f /dev/shm/words", stdin="\n".join(words).encode() + b"\n")
        assert listing.split() == [], listing
        assert found(words, host.sshd_log()) == []


def check_job(site, words):
    folder = site.steps[-1].job.folder
    for path in folder.rglob("*"):
        if path.is_file():
            assert found(words, path.read_bytes().decode(errors="replace")) == [], path


def check_result(result, words):
    for line in result.log.plain:
        assert found(words, line) == [], line
    assert found(words, result.summary) == []
    assert found(words, json.dumps([result.outputs, result.state])) == []
    for a in result.log.annotations:
        assert found(words, a.title + a.message) == [], a


def check_bundle(result, site, words):
    for name, data in kit.bundle(result, site).items():
        assert found(words, data.decode(errors="replace")) == [], name


def check_processes(peek):
    """No arguments at all; environments: the runner's own docker command, the app's own, the action's first moment, and
    the registry, which is given its password so."""
    assert any(hit["exe"].endswith("/docker") for hit in peek.hits), "the watch must have seen the runner's own command"
    for hit in peek.hits:
        exe = hit["exe"].rsplit("/", 1)[-1]
        assert hit["place"] == "environ", hit
        if exe in ("docker", "app", "tini", "docker-registry") or exe.startswith(("runc", "exe", "memfd")) or "docker-init" in exe:
            continue
        assert "bluegreen" in exe and "agent" not in exe and hit["age_ms"] < CLEARED_AFTER_MS, hit


def run_watched(site, canaries, tag, post=None, **over):
    with Peek(canaries.words, site.bed) as peek:
        result = site.run(tag, **canaries.inputs, **over)
        after = site.post(post) if post else None
    return result, after, peek


def test_good_deployment_and_its_rollback_leak_no_secret(site, canaries):
    site.deploy("v1")
    result, post, peek = run_watched(site, canaries, "v2", post="failure")
    assert result.outputs["outcome"] == "deployed", result
    check_result(result, canaries.words)
    check_result(post, canaries.words)
    check_bundle(result, site, canaries.words)
    check_host(site, canaries.words)
    check_job(site, canaries.words)
    check_processes(peek)


def test_deployed_container_has_its_secrets_as_they_were_given(site, canaries):
    site.deploy("v1", **canaries.inputs)
    env = site.host.containers()["shop-blue"]["Config"]["Env"]
    assert f"TOKEN={canaries.token}" in env
    assert f"PEM={canaries.line1}\n{canaries.line2}" in env


@pytest.mark.parametrize("tag", ["exits", "never-healthy", "no-such-tag"])
def test_failed_deployment_leaks_no_secret(site, canaries, tag):
    site.deploy("v1")
    result, _, peek = run_watched(site, canaries, tag)
    assert result.exit_code != 0
    check_result(result, canaries.words)
    check_bundle(result, site, canaries.words)
    check_host(site, canaries.words)
    check_job(site, canaries.words)
    check_processes(peek)


@pytest.mark.parametrize("over", [{"host_fingerprint": "SHA256:" + "A" * 43}, {"port": "x"}, {"user": "nobody-here"}],
                         ids=["host key", "input", "user"])
def test_refused_run_leaks_no_secret(site, canaries, over):
    result = site.run("v1", **{**canaries.inputs, **over})
    assert result.exit_code != 0
    check_result(result, canaries.words)
    check_job(site, canaries.words)
    check_host(site, canaries.words)


def test_app_that_prints_its_secrets_does_not_leak_them(site, canaries):
    """The log of the app is shown when it fails: the secrets in it are not."""
    layers = [engine.tar_of({"app": engine.compiled("apps/app.c").read_bytes()})]
    site.bed.registry.push("app", "blabber", layers, {"EXIT_CODE": "6"})
    result = site.run("blabber", **{**canaries.inputs, "secret_env": f"APP_VERSION={canaries.token}"})
    assert result.exit_code != 0
    assert "app ***" in result.shown() or "starting" in result.shown()
    check_result(result, canaries.words)
    check_bundle(result, site, canaries.words)
    check_host(site, canaries.words)


@pytest.mark.parametrize("way", ["post", "command"])
def test_good_app_that_prints_its_secrets_does_not_leak_them_in_a_rollback(site, canaries, way):
    layers = [engine.tar_of({"app": engine.compiled("apps/app.c").read_bytes()})]
    for tag in ("chatty1", "chatty2"):
        site.bed.registry.push("app", tag, layers, {"LOG_MB": "0"}, labels={"tag": tag})
    inputs = {**canaries.inputs, "secret_env": f"APP_VERSION={canaries.token}"}
    results = [site.deploy("chatty1", **inputs), site.deploy("chatty2", **inputs)]
    assert canaries.token in site.host.docker("logs", "shop-blue"), "the app does print it"
    results.append(site.post("failure") if way == "post" else site.run(command="rollback", **canaries.inputs))
    for result in results:
        check_result(result, canaries.words)
    for result in results:
        if result.outputs.get("bundle-path") and result is results[-1]:
            check_bundle(result, site, canaries.words)
    check_host(site, canaries.words)
    check_job(site, canaries.words)


def test_every_secret_is_masked_before_anything_else_is_printed(site, canaries):
    result = site.run(command="status", **{k: v for k, v in canaries.inputs.items() if k != "secret_env"})
    masks = [i for i, line in enumerate(result.lines) if line.text.startswith("::add-mask::")]
    assert masks and masks == list(range(len(masks))), "masks come first"
    for word in (canaries.passphrase, canaries.jump_passphrase, site.bed.registry.password):
        assert word in result.log.masks
