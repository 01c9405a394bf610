"""What cannot work is refused with its own exit code and words, and the host stays as it was."""

import re

import pytest
from e2e import kit

OTHER_PIN = "SHA256:" + "A" * 43


def login_attempts(host):
    return [line for line in host.sshd_log().splitlines() if "userauth" in line and "service" not in line]


# id: (inputs as a function of the site, kind, words in the ::error)
CONNECTION = {
    "wrong host key": (lambda s: {"host_fingerprint": OTHER_PIN}, "host_key", r"SHA256:"),
    "changed host key in known_hosts": (
        lambda s: {"host_fingerprint": None,
                   "known_hosts": s.host.name + " " + s.bed.keys["stranger"].public.rsplit(" ", 1)[0]}, "host_key", r"SHA256:"),
    "revoked host key": (
        lambda s: {"known_hosts": s.host.known_hosts() + "@revoked " + s.host.known_hosts()}, "host_key", r"revoked"),
    "known_hosts of another host": (
        lambda s: {"host_fingerprint": None, "known_hosts": "elsewhere ssh-ed25519 " + s.host.host_key()[1]}, "no_pin", r"known-hosts"),
    "missing pin": (lambda s: {"host_fingerprint": None}, "no_pin", r"host-fingerprint"),
    "wrong key": (lambda s: {"ssh_key": s.bed.keys["stranger"].text}, "auth", r"key"),
    "wrong user": (lambda s: {"user": "nobody-here"}, "auth", r"nobody-here"),
    "wrong passphrase": (
        lambda s: {"ssh_key": s.bed.keys["ed25519-encrypted"].text, "ssh_key_passphrase": "not this one"}, "key", r"passphrase"),
    "wrong passphrase of a PEM key": (
        lambda s: {"ssh_key": s.bed.keys["rsa-pem-encrypted"].text, "ssh_key_passphrase": "not this one"}, "key", r"passphrase"),
    "missing passphrase": (lambda s: {"ssh_key": s.bed.keys["ed25519-encrypted"].text}, "key", r"passphrase"),
    "closed port": (lambda s: {"ssh_port": "2"}, "unreachable", r"refused"),
    "name that does not resolve": (lambda s: {"host": "nowhere.invalid"}, "unreachable", r"nowhere\.invalid"),
}
BEFORE_LOGIN = {"wrong host key", "changed host key in known_hosts", "revoked host key", "missing pin",
                "known_hosts of another host"}


@pytest.mark.parametrize("case", CONNECTION)
def test_connection_refused(site, case):
    over, kind, words = CONNECTION[case]
    site.host.clear_sshd_log()
    before = site.host.snapshot()
    result = site.run("v1", **over(site))
    assert result.exit_code == kit.EXIT[kind], result
    assert re.search(words, kit.error_text(result)), kit.error_text(result)
    assert site.host.snapshot() == before
    if case in BEFORE_LOGIN:
        assert login_attempts(site.host) == []
    if case == "missing pin":
        assert "Connection from" not in site.host.sshd_log()


def test_refused_host_key_shows_the_fingerprint_seen(site):
    result = site.run("v1", host_fingerprint=OTHER_PIN)
    seen = {site.host.fingerprint(k) for k in ("ed25519", "ecdsa", "rsa")}
    assert any(f in kit.error_text(result) or f in result.shown() for f in seen), result


def test_silent_server_ends_as_a_timeout(site, listener):
    silent = listener()
    result = site.run("v1", host=silent.ip, ssh_port=silent.port, connect_timeout="2s")
    assert result.exit_code == kit.EXIT["timeout"], result
    assert result.seconds < 8


def test_server_that_is_no_ssh_server_is_named_so(site, listener):
    web = listener(greeting=b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    result = site.run("v1", host=web.ip, ssh_port=web.port, connect_timeout="3s")
    assert result.exit_code in (kit.EXIT["proto"], kit.EXIT["net"], kit.EXIT["timeout"]), result
    assert result.seconds < 10


def on_host(site, host, **over):
    """Run a deployment against another host of the test bed."""
    return site.run("v1", host=host.name, host_fingerprint=host.fingerprint(), **over)


def test_host_without_docker(site, bed):
    bare = bed.extra_host("bare1", dockerd=False)
    result = on_host(site, bare)
    assert result.exit_code == kit.EXIT["docker_missing"], result
    assert re.search(r"[Dd]ocker", kit.error_text(result))


def test_user_outside_group_docker(site):
    result = site.run("v1", user="nodocker")
    assert result.exit_code == kit.EXIT["docker_denied"], result
    assert "nodocker" in kit.error_text(result) + result.shown()
    assert site.host.containers() == {}


def test_full_home(site, bed):
    host = bed.extra_host("fullhome", dockerd=False, tmpfs=["/home/ec2-user:size=1m,exec,mode=755"])
    result = on_host(site, host)
    assert result.exit_code == kit.EXIT["disk_full"], result
    assert re.search(r"full|space", kit.error_text(result)), kit.error_text(result)
    left = host.exec("find /home/ec2-user/.bluegreen -type f 2>/dev/null || true").split()
    assert left == [], "a half-sent agent must not stay"


def test_noexec_home(site, bed):
    host = bed.extra_host("noexec", dockerd=False, tmpfs=["/home/ec2-user:size=64m,noexec,mode=755"])
    result = on_host(site, host)
    assert result.exit_code == kit.EXIT["install"], result
    assert re.search(r"noexec|execut", kit.error_text(result)), kit.error_text(result)


def test_full_disk_of_docker(site, bed):
    host = bed.extra_host("smalldisk", tmpfs=["/var/lib/docker:size=100m"])
    before = host.snapshot(files=False)
    result = on_host(site, host)
    assert result.exit_code == kit.EXIT["disk_full"], result
    assert re.search(r"MiB|space|full", kit.error_text(result)), kit.error_text(result)
    assert host.snapshot(files=False) == before


def test_disk_of_docker_that_fills_up_during_the_pull(site, bed):
    host = bed.extra_host("middisk", tmpfs=["/var/lib/docker:size=300m"])
    bed.registry.push_app("big", filler=320 << 20)
    before = host.snapshot(files=False)
    result = site.run("big", host=host.name, host_fingerprint=host.fingerprint())
    assert result.exit_code == kit.EXIT["disk_full"], result
    assert host.snapshot(files=False) == before


# id: (inputs, kind, words)
REGISTRY = {
    "missing tag": (lambda s: {"image": s.bed.registry.ref("no-such-tag")}, "image_missing", r"no-such-tag"),
    "missing repository": (lambda s: {"image": s.bed.registry.ref("v1", repo="no/such")}, "image_missing", r"no/such"),
    "wrong password": (lambda s: {"registry_password": "wrong-one"}, "registry_auth", r"registry:5000|registry-password"),
    "no login": (lambda s: {"registry_username": None, "registry_password": None}, ("registry_auth", "image_missing"), r"."),
    "registry that does not resolve": (lambda s: {"image": "nowhere.invalid:5000/app:v1"}, "registry", r"nowhere\.invalid"),
    "registry that does not answer": (lambda s: {"image": "web1:5999/app:v1"}, "registry", r"web1:5999"),
}


@pytest.mark.parametrize("case", REGISTRY)
def test_image_that_cannot_be_had(site, case):
    over, kinds, words = REGISTRY[case]
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    site.deploy("v1")
    before = site.host.snapshot(files=False)
    with site.load(rate=50) as load:
        result = site.run("v2", **over(site))
    assert result.exit_code in [kit.EXIT[k] for k in kinds], result
    assert result.outputs["outcome"] == "failed_untouched"
    assert re.search(words, kit.error_text(result)), kit.error_text(result)
    assert load.report.failed == 0, load.report
    assert site.host.snapshot(files=False) == before
    site.check_serves("v1")


def test_port_taken_by_another_container_names_it(site):
    site.host.run_by_hand("somebody-elses", "v2", 8080)
    before = site.host.snapshot(files=False)
    result = site.run("v1")
    assert result.exit_code == kit.EXIT["port_taken"], result
    assert "somebody-elses" in kit.error_text(result)
    after = [line for line in site.host.snapshot(files=False) if "app:v1" not in line]
    assert after == before


def test_port_taken_by_a_process_names_it(site):
    site.host.exec("cat >/tmp/squatter.pl", stdin=b"use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, "
                   b"Listen => 5, ReuseAddr => 1) or die; open F, '>/tmp/squatter.pid'; print F $$; close F; "
                   b"$SIG{ALRM} = sub { exit }; alarm 60; while (1) { my $c = $s->accept }")
    site.host.exec("setsid perl /tmp/squatter.pl >/dev/null 2>&1 </dev/null & "
                   "for i in $(seq 100); do [ -s /tmp/squatter.pid ] && exit 0; sleep 0.05; done; exit 1", user="ec2-user")
    try:
        result = site.run("v1")
    finally:
        site.host.exec("kill $(cat /tmp/squatter.pid); rm -f /tmp/squatter.*")
    assert result.exit_code == kit.EXIT["port_taken"], result
    assert "perl" in kit.error_text(result), kit.error_text(result)


# id: (inputs, name of the input that the error must name)
INPUTS = {
    "no host": ({"host": None}, "host"),
    "no app": ({"app": None}, "app"),
    "no image": ({"image": None}, "image"),
    "no key": ({"ssh_key": None}, "ssh-key"),
    "app with a slash": ({"app": "a/b"}, "app"),
    "port out of range": ({"port": "70000"}, "port"),
    "port that is no number": ({"port": "http"}, "port"),
    "unknown strategy": ({"strategy": "canary"}, "strategy"),
    "unknown command": ({"command": "destroy"}, "command"),
    "bad duration": ({"health_interval": "often"}, "health-interval"),
    "bad memory": ({"memory": "lots"}, "memory"),
    "bad cpus": ({"cpus": "-1"}, "cpus"),
    "env without a value sign": ({"env": "JUSTAKEY"}, "env"),
    "bad volume": ({"volumes": "data:relative"}, "volumes"),
    "bad restart policy": ({"restart_policy": "sometimes"}, "restart-policy"),
    "bad fingerprint": ({"host_fingerprint": "MD5:00:11"}, "host-fingerprint"),
    "bad rollback-on": ({"rollback_on": "monday"}, "rollback-on"),
    "bad verify-url": ({"verify_url": "ftp://x"}, "verify-url"),
    "bad boolean": ({"read_only": "yes please"}, "read-only"),
    "bad health-status": ({"health_status": "abc"}, "health-status"),
    "label of ours": ({"labels": "io.bluegreen.app=x"}, "labels"),
}


@pytest.mark.parametrize("case", INPUTS)
def test_bad_input_is_refused_before_any_connection(site, case):
    over, name = INPUTS[case]
    site.host.clear_sshd_log()
    result = site.run("v1", **over)
    assert result.exit_code == kit.EXIT["input"], result
    assert name in kit.error_text(result), kit.error_text(result)
    assert "Connection from" not in site.host.sshd_log()


@pytest.mark.parametrize("text", ["hello", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "ssh-ed25519 AAAAC3Nz me@home"],
                         ids=["a word", "a torn key", "a public key"])
def test_text_that_is_no_private_key_is_refused_before_any_connection(site, text):
    site.host.clear_sshd_log()
    result = site.run("v1", ssh_key=text)
    assert result.exit_code == kit.EXIT["key"], result
    assert "ssh-key" in kit.error_text(result)
    assert "Connection from" not in site.host.sshd_log()


def test_all_bad_inputs_are_named_at_once(site):
    result = site.run("v1", port="x", memory="y", strategy="z")
    text = kit.error_text(result) + result.shown()
    assert all(name in text for name in ("port", "memory", "strategy")), text
