"""
A secret of the user is found nowhere but in the deployed container's own configuration: in no encoding, whatever happens.

Every case of the sweep plants one value for each secret input, lets something go well or wrong, and looks through all that
leaves: output, summary, outputs, state, annotations, bundle, uploaded artifact, notification, and the files of the hosts.
"""

import json
import secrets
import signal
import subprocess
import time
import urllib.parse

import pytest
from e2e import kit
from testbed import artifacts, canary, engine, receiver
from testbed.peek import Peek

CUT_AT = (80, 500, 16384)  # bytes after which some reader or other cuts a text


def key_with_passphrase(folder, passphrase):
    path = folder / f"canary-key-{secrets.token_hex(4)}"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "canary", "-f", path], check=True)
    return path.read_text(), path.with_suffix(".pub").read_text()


class Sweep:
    """One value for each secret input, let in where it has to be, and everything that may see them."""

    def __init__(self, site):
        self.site, self.bed, bed, self.began = site, site.bed, site.bed, time.time()
        self.passphrase, self.jump_passphrase = canary.fresh("passphrase"), canary.fresh("jump-passphrase")
        self.key, public = key_with_passphrase(bed.folder, self.passphrase)
        self.jump_key, jump_public = key_with_passphrase(bed.folder, self.jump_passphrase)
        self.jump = bed.extra_host("jump1", dockerd=False)
        self.let_in(site.host, public)
        self.let_in(self.jump, jump_public)
        self.public = public
        self.token = canary.fresh("token")
        self.pem = "-----BEGIN SECRET-----\n" + "\n".join(canary.fresh(f"line-{i}") for i in range(2)) + "\n-----END SECRET-----"
        self.receivers = [receiver.Receiver(bed.gateway())]
        self.service = artifacts.Service(bed.folder / f"service-{secrets.token_hex(4)}", bed.gateway())
        site.host.exec("rm -rf /root/.docker")  # of those who ran containers by hand
        self.more, self.hosts, self.results = [], [site.host, self.jump], []
        self.inputs = {
            "ssh_key": self.key, "ssh_key_passphrase": self.passphrase, "jump_host": self.jump.name,
            "jump_fingerprint": self.jump.fingerprint(), "jump_key": self.jump_key, "jump_key_passphrase": self.jump_passphrase,
            "secret_env": f"TOKEN={self.token}\nPEM<<END\n{self.pem}\nEND\n", "notify_url": self.receivers[0].url, "notify_on": "always",
        }

    @staticmethod
    def let_in(host, public):
        host.exec("cat >>/home/ec2-user/.ssh/authorized_keys", stdin=public.encode())

    def close(self):
        for r in self.receivers:
            r.close()
        self.service.close()

    def secret(self, what):
        """Another value that must not be seen."""
        self.more.append(canary.fresh(what))
        return self.more[-1]

    def values(self):
        return [self.passphrase, self.jump_passphrase, self.key, self.jump_key, self.token, self.pem, self.bed.registry.password,
                *(word for r in self.receivers for word in (r.url, r.token)), *self.service.secrets(), *self.more]

    def words(self):
        """What the watch over processes looks for, as it is."""
        return [line for v in self.values() for line in canary.parts(v) if "\n" not in line and len(line) > 12]

    # ---- runs ----

    def step(self, tag=None, **over):
        over.setdefault("offers", self.service.offers())
        return self.site.step(tag, **{**self.inputs, **over})

    def run(self, tag=None, **over):
        return self.finish(self.step(tag, **over).start_main())

    def finish(self, stage, **kwargs):
        self.results.append(self.site.finish(stage, **kwargs))
        return self.results[-1]

    def post(self, job_status, step=None):
        return self.finish((step or self.site.steps[-1]).start_post(job_status))

    def deploy(self, tag="v1", **over):
        result = self.run(tag, **over)
        assert result.outputs["outcome"] == "deployed", result
        return result

    def failed(self, kinds, tag="v2", **over):
        result = self.run(tag, **over)
        assert result.exit_code in [kit.EXIT[k] for k in ([kinds] if isinstance(kinds, str) else kinds)], result
        return result

    def blabbing(self, chunk, **env):
        """An image whose app prints its secrets in every encoding, `chunk` bytes in one write."""
        tag = f"blab-{secrets.token_hex(4)}"
        layers = [engine.tar_of({"app": engine.compiled("apps/app.c").read_bytes()}), engine.tar_of({"blab": self.blab()})]
        self.bed.registry.push("app", tag, layers, {"APP_VERSION": tag, "PRINT_FILE": "/blab", "PRINT_CHUNK": str(chunk), **env})
        return tag

    def blab(self):
        """
        The values in every encoding, one a line; across the places where readers cut; and last, as only the last lines
        are shown to people, many in each of a few lines.
        """
        token, line = self.token.encode(), self.pem.splitlines()[1].encode()
        out = [name.encode() + b": " + text for name in canary.ENCODINGS for text in canary.texts(name, token)]
        for at in CUT_AT:
            out += [b"x" * (at - before) + token + b" y" for before in (1, 20, len(token) // 2, len(token) - 1)]
        out += self.pem.encode().split(b"\n")
        packed = [text for name in canary.ENCODINGS for v in (token, line) for text in canary.texts(name, v)]
        out += [b" | ".join(packed[i::12]) for i in range(12)]
        out += [b"x" * (CUT_AT[1] - before) + token for before in (6, 40, 90)]
        return b"\n".join(out) + b"\n"

    # ---- what must hold ----

    def places(self):
        for result in self.results:
            yield from canary.of_result(result)
        for job in self.site.jobs:
            yield from canary.of_folder(job.folder)
        for name, a in self.service.artifacts.items():
            if a.finalized:
                yield from canary.unpacked(f"artifact {name}", self.service.content(name).read_bytes())
        for body in (b for r in self.receivers for b in r.bodies):
            yield "notification", body
            yield "notification, read", "\n".join(strings(json.loads(body))).encode()
        for host in self.hosts:
            yield from canary.of_host(host, self.began)

    def check(self):
        watch, leaks, known = canary.Watch(self.values()), {}, {}
        for where, data in self.places():
            if data not in known:
                known[data] = watch.hits(data)
            for hit in known[data]:
                leaks.setdefault(hit, []).append(where)
        if leaks:
            pytest.fail("\n".join(f"{hit} in {', '.join(places)}" for hit, places in leaks.items()), pytrace=False)


def strings(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [s for v in value for s in strings(v)]
    return [value] if isinstance(value, str) else []


@pytest.fixture
def sweep(site):
    s = Sweep(site)
    yield s
    s.close()


def under_way(s, stage):
    kit.eventually(lambda: "shop-next" in s.site.host.docker("ps", "--format", "{{.Names}}").split() or stage.process.poll() is not None, 30)


# ---- what goes well or wrong; each asserts that it did ----


def good_and_confirmed(s):
    result = s.deploy("v1")
    assert s.post("success").exit_code == 0
    assert s.service.artifacts and result.outputs["artifact-id"], "the sweep must see an uploaded artifact"
    assert any("/deployments/" in where for where, _ in canary.of_host(s.site.host, s.began)), "and what the agent wrote"


def rolled_back_by_post(s):
    s.deploy("v1")
    s.deploy("v2")
    assert s.post("failure").exit_code == 0
    s.site.check_serves("v1")


def rolled_back_by_command(s):
    s.deploy(s.blabbing(1000))
    s.deploy(s.blabbing(1))
    assert s.run(command="rollback").exit_code == 0


def status(s):
    assert s.run(command="status").exit_code == 0


def unreachable(s):
    s.failed("unreachable", jump_host="", ssh_port="1")


def wrong_host_key(s):
    s.failed("host_key", host_fingerprint="SHA256:" + "A" * 43)


def auth_refused(s):
    s.failed("auth", user="nobody-here")


def wrong_passphrase(s):
    s.failed("key", ssh_key_passphrase=s.secret("wrong-passphrase"))


def broken_key(s):
    lines = s.key.splitlines()
    s.failed(("key", "input"), ssh_key="\n".join([*lines[:3], s.secret("in-a-key"), *lines[4:]]))


def wrong_inputs(s):
    wrong = "\n".join([s.secret("without-equals").replace("=", "-"), f"1BAD={s.secret('bad-name')}", f"X<<END\n{s.secret('no-end')}"])
    s.more += wrong.splitlines()[:1]
    s.failed("input", port="x", memory="lots", secret_env=wrong, registry_password="\n" + s.secret("password") + "\n" + s.secret("password"))


def wrong_notify_url(s):
    s.failed("input", notify_url="ftp://" + urllib.parse.quote(s.secret("url")))


def login_refused(s):
    s.failed("registry_auth", registry_password=s.secret("password"))


def image_missing(s):
    s.failed("image_missing", "no-such-tag")


def wrong_arch(s):
    s.failed("platform", "wrong-arch")


def app_exits(s):
    s.failed("app_exited", "exits")


def app_unhealthy(s):
    s.deploy("v1", strategy="recreate")
    s.failed("rolled_back", "never-healthy", strategy="recreate")


def app_exits_blabbing(s):
    result = s.failed("app_exited", s.blabbing(7, EXIT_CODE="6"))
    assert "***" in result.shown()


def app_unhealthy_blabbing(s):
    result = s.failed("unhealthy", s.blabbing(1, HEALTH_STATUS="503"))
    assert "***" in result.shown()


def health_answer_is_the_secret(s):
    s.inputs["secret_env"] = f"APP_VERSION={s.token}"
    s.failed("unhealthy", health_body="something else")


def verify_answer_is_the_secret(s):
    s.inputs["secret_env"] = f"APP_VERSION={s.token}"
    s.deploy("v1")
    s.failed("rolled_back", verify_url=f"http://{s.site.host.name}:8080/", verify_body="something else")


def port_taken(s):
    s.site.host.run_by_hand("somebody-elses", "v2")
    s.site.host.exec("rm -r /root/.docker")
    s.failed("port_taken", "v1")


def cancelled(s):
    s.deploy("v1")
    stage = s.step("slow1", health_retries=40).start_main()
    under_way(s, stage)
    stage.process.send_signal(signal.SIGINT)
    assert s.finish(stage).exit_code in [kit.EXIT[k] for k in ("cancel", "rolled_back", "failed_untouched")]
    assert s.post("cancelled").exit_code == 0


def locked(s):
    s.bed.registry.push_app("slowest", env={"BOOT_MS": "60000"})
    stage = s.step("slowest", health_retries=400).start_main()
    under_way(s, stage)
    s.failed("locked", "v2", lock_timeout="0s")
    stage.process.send_signal(signal.SIGINT)
    assert s.finish(stage).exit_code != 0


def agent_killed(s):
    s.deploy("v1")
    stage = s.step("slow1", health_retries=40).start_main()
    under_way(s, stage)
    for pid in s.site.host.agent_pids():
        s.site.host.exec(f"kill -9 {pid}", check=False)
    assert s.finish(stage).exit_code != 0
    kit.eventually(lambda: not s.site.host.agent_pids(), 20)


def connection_cut(s):
    s.deploy("v1")
    stage = s.step("slow1", health_retries=40).start_main()
    under_way(s, stage)
    s.site.host.cut_sessions()
    s.finish(stage)


def disk_full(s):
    host = s.bed.extra_host("fullhome", dockerd=False, tmpfs=["/home/ec2-user:size=1m,exec,mode=755"])
    s.let_in(host, s.public)
    s.hosts.append(host)
    s.failed("disk_full", host=host.name, host_fingerprint=host.fingerprint())


def artifact_refused(s):
    words = "\n".join(s.values()).encode()
    s.service.fault("CreateArtifact", "status", times=99, status=403, body=words)
    s.failed("artifact", "v1", upload_artifact="required")
    s.service.faults.clear()


def artifact_store_broken(s):
    words = "\n".join(s.values()).encode()
    s.service.fault("block", "status", times=99, status=403, body=words)
    s.failed("artifact", "v2", upload_artifact="required")


def notification_refused(s):
    refusing = receiver.Receiver(s.bed.gateway(), [403])
    s.receivers.append(refusing)
    for notify_format in ("slack", "teams"):
        result = s.failed("image_missing", "no-such-tag", notify_url=refusing.url, notify_format=notify_format)
        assert [w for w in result.warnings if w.title == "No notification"], result
    assert len(refusing.bodies) == 2


# Those of a line share what is planted, and are looked through together at their end.
CASES = [
    [good_and_confirmed, status], [rolled_back_by_post], [rolled_back_by_command],
    [unreachable, wrong_host_key, auth_refused, wrong_passphrase, broken_key, wrong_inputs, wrong_notify_url],
    [login_refused, image_missing, wrong_arch, app_exits, notification_refused],
    [app_unhealthy, app_exits_blabbing], [app_unhealthy_blabbing], [health_answer_is_the_secret], [verify_answer_is_the_secret],
    [port_taken, disk_full], [cancelled], [locked], [agent_killed], [connection_cut], [artifact_refused, artifact_store_broken],
]


@pytest.mark.parametrize("cases", CASES, ids=lambda cases: ", ".join(case.__name__.replace("_", " ") for case in cases))
def test_no_secret_leaves_in_any_encoding(sweep, cases):
    for case in cases:
        case(sweep)
    sweep.check()


def test_the_sweep_sees_every_encoding_of_what_it_planted(tmp_path):
    """A sweep that finds nothing proves nothing unless it would have found something."""
    value = canary.fresh("seen")
    watch = canary.Watch([value])
    assert len(canary.ENCODINGS) >= 40
    for name in canary.ENCODINGS:
        for text in canary.texts(name, value.encode()):
            assert watch.hits(b"before " + text + b" after"), (name, text)
    assert watch.hits(value[15:28].encode()), "a part"
    assert watch.hits(b"nothing of it, canary- and all") == []
    packed = engine.tar_of({"f": value.encode()})
    assert any(watch.hits(data) for _, data in canary.unpacked("x", canary.gzip.compress(packed)))


# ---- arguments and environments ----


def check_processes(peek, results):
    """No arguments at all; environments: the runner's own docker command, the app's own, the registry, which is given its
    password so, and the action's until it connects: the runner hands secrets over there, clearing it is its first work."""
    assert any(hit["exe"].endswith("/docker") for hit in peek.hits), "the watch must have seen the runner's own command"
    for hit in peek.hits:
        exe = hit["exe"].rsplit("/", 1)[-1]
        assert hit["place"] == "environ", hit
        if exe in ("docker", "app", "tini", "docker-registry") or exe.startswith(("runc", "exe", "memfd")) or "docker-init" in exe:
            continue
        connected = kit.connected_after(results, hit["since_ms"])
        assert exe in ("bluegreen", "bluegreen-post") and connected and hit["at_ms"] < connected, (hit, connected)


@pytest.mark.parametrize("case", [rolled_back_by_post, app_exits], ids=lambda case: case.__name__.replace("_", " "))
def test_no_secret_is_in_the_arguments_or_the_environment_of_a_process(sweep, case):
    words = sweep.words()
    assert len(words) <= 64, "the watch takes no more"
    with Peek(words, sweep.bed) as peek:
        case(sweep)
    check_processes(peek, sweep.site.results)


def test_deployed_container_has_its_secrets_as_they_were_given(sweep):
    sweep.deploy()
    env = sweep.site.host.containers()["shop-blue"]["Config"]["Env"]
    assert f"TOKEN={sweep.token}" in env
    assert f"PEM={sweep.pem}" in env


def test_every_secret_is_masked_before_anything_else_is_printed(sweep):
    result = sweep.run(command="status", secret_env=None)
    masks = [i for i, line in enumerate(result.lines) if line.text.startswith("::add-mask::")]
    first = next(i for i, line in enumerate(result.lines) if not line.text.startswith("::add-mask::"))
    assert masks[0] == 0 and first > 10, "masks come first"
    for word in (sweep.passphrase, sweep.jump_passphrase, sweep.bed.registry.password, sweep.receivers[0].url, sweep.receivers[0].token):
        assert word in result.log.masks
