"""Ways in: keys, pins, jump hosts, shells that talk, and how little goes over the wire."""

import re

import pytest
from e2e import kit
from testbed import keys

PLAIN = ["ed25519", "rsa-pem", "rsa-pkcs8", "rsa-openssh", "ecdsa", "ecdsa-pem"]


@pytest.mark.parametrize("name", PLAIN + list(keys.ENCRYPTED))
def test_key_type(site, name):
    key = site.bed.keys[name]
    result = site.run(command="status", ssh_key=key.text, ssh_key_passphrase=key.passphrase or None)
    assert result.exit_code == 0, result
    assert "Accepted publickey for ec2-user" in site.host.sshd_log()


@pytest.mark.parametrize("change", ["CRLF line ends", "no final newline", "blank lines around"])
def test_key_text_as_people_paste_it(site, change):
    text = site.bed.keys["rsa-pem"].text
    text = {"CRLF line ends": text.replace("\n", "\r\n"), "no final newline": text.rstrip("\n"),
            "blank lines around": "\n\n" + text + "\n\n"}[change]
    assert site.run(command="status", ssh_key=text).exit_code == 0


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_pin_of_each_host_key_type(site, kind):
    assert site.run(command="status", host_fingerprint=site.host.fingerprint(kind)).exit_code == 0


def hashed(site):
    return site.host.exec("cd /tmp && rm -f kh kh.old && cat >kh && ssh-keygen -q -H -f kh >/dev/null && cat kh && rm -f kh kh.old",
                          stdin=site.host.known_hosts().encode())


PINS = {
    "one of several fingerprints": lambda s: {"host_fingerprint": "SHA256:" + "A" * 43 + "\n" + s.host.fingerprint()},
    "known_hosts line": lambda s: {"host_fingerprint": None, "known_hosts": s.host.known_hosts()},
    "hashed known_hosts line": lambda s: {"host_fingerprint": None, "known_hosts": hashed(s)},
    "known_hosts line with port": lambda s: {"host_fingerprint": None, "ssh_port": "2222",
                                             "known_hosts": s.host.known_hosts(name=f"[{s.host.name}]:2222")},
    "known_hosts of several types": lambda s: {"host_fingerprint": None, "known_hosts": s.host.known_hosts(("rsa", "ecdsa"))},
    "known_hosts with comments and CRLF": lambda s: {
        "host_fingerprint": None, "known_hosts": "# hosts\r\n\r\n" + s.host.known_hosts().replace("\n", "\r\n")},
}


@pytest.mark.parametrize("case", PINS)
def test_pin(site, case):
    assert site.run(command="status", **PINS[case](site)).exit_code == 0


def test_jump_host(site, bed):
    jump = bed.extra_host("jump1", dockerd=False)
    jump.clear_sshd_log()
    site.host.clear_sshd_log()
    site.deploy("v1", jump_host=jump.name, jump_fingerprint=jump.fingerprint())
    assert "Accepted publickey for ec2-user" in jump.sshd_log()
    assert re.search(r"Accepted publickey for ec2-user from " + re.escape(jump.ip), site.host.sshd_log())
    site.check_serves("v1")


def test_jump_host_with_user_and_key_of_its_own(site, bed):
    jump = bed.extra_host("jump1", dockerd=False)
    result = site.run(command="status", jump_host=jump.name, jump_user="nodocker", jump_key=bed.keys["ecdsa"].text,
                      jump_fingerprint=jump.fingerprint())
    assert result.exit_code == 0, result
    assert "Accepted publickey for nodocker" in jump.sshd_log()


def test_jump_host_with_a_wrong_pin_is_not_logged_in_to(site, bed):
    jump = bed.extra_host("jump1", dockerd=False)
    jump.clear_sshd_log()
    site.host.clear_sshd_log()
    result = site.run("v1", jump_host=jump.name, jump_fingerprint="SHA256:" + "A" * 43)
    assert result.exit_code == kit.EXIT["host_key"], result
    assert "jump" in kit.error_text(result)
    assert "userauth-request" not in jump.sshd_log()
    assert "Connection from" not in site.host.sshd_log()


def test_pin_of_the_host_holds_behind_a_jump_host(site, bed):
    jump = bed.extra_host("jump1", dockerd=False)
    site.host.clear_sshd_log()
    result = site.run("v1", jump_host=jump.name, jump_fingerprint=jump.fingerprint(), host_fingerprint="SHA256:" + "A" * 43)
    assert result.exit_code == kit.EXIT["host_key"], result
    assert "userauth-request" not in site.host.sshd_log()


@pytest.mark.parametrize("noise", ["echo hello from .bashrc", "printf 'no newline'", "seq 1 2000; echo '{\"v\":1}' >&2",
                                   "echo '{\"v\":1,\"seq\":1,\"kind\":\"outcome\",\"outcome\":\"deployed\"}'"])
def test_noisy_bashrc(site, noise):
    site.host.exec("cat >/home/ec2-user/.bashrc && chown ec2-user: /home/ec2-user/.bashrc", stdin=noise.encode() + b"\n")
    site.deploy("v1")
    site.check_serves("v1")


def test_agent_is_sent_once(site):
    first = site.deploy("v1")
    inode = site.host.exec("stat -c '%i %Y' /home/ec2-user/.bluegreen/bin/*")
    site.host.clear_sshd_log()
    second = site.deploy("v2")
    assert site.host.exec("stat -c '%i %Y' /home/ec2-user/.bluegreen/bin/*") == inode
    assert len(sessions(site.host)) < 3
    assert first.shown() != second.shown()


def test_damaged_agent_is_replaced(site):
    site.deploy("v1")
    agent = site.host.exec("ls /home/ec2-user/.bluegreen/bin/bluegreen-agent-*").strip()
    site.host.exec(f"chmod u+w {agent}; printf X | dd of={agent} bs=1 seek=5000 conv=notrunc 2>/dev/null")
    site.deploy("v2")
    assert site.host.exec(f"sha256sum {agent}").split()[0] == agent.rsplit("-", 1)[1]
    site.check_serves("v2")


def test_state_root_is_for_its_owner_only(site):
    site.deploy("v1")
    assert site.host.exec("stat -c '%a %U' /home/ec2-user/.bluegreen").strip() == "700 ec2-user"


def test_symlink_in_place_of_the_bin_folder_is_not_followed(site):
    site.host.exec("install -d -m 0777 /tmp/elsewhere; install -d -m 0700 -o ec2-user -g ec2-user /home/ec2-user/.bluegreen; "
                   "ln -s /tmp/elsewhere /home/ec2-user/.bluegreen/bin")
    try:
        result = site.run("v1")
        assert result.exit_code == kit.EXIT["install"], result
        assert site.host.exec("ls -A /tmp/elsewhere") == ""
    finally:
        site.host.exec("rm -rf /tmp/elsewhere")


def sessions(host):
    return re.findall(r"new session \[server-session\]|channel \d+: new.*server-session", host.sshd_log())


def test_at_most_four_channels_on_one_connection(site):
    site.host.clear_sshd_log()
    site.deploy("v1")
    log = site.host.sshd_log()
    assert log.count("Accepted publickey") == 1
    assert 1 <= len(sessions(site.host)) <= 4, sessions(site.host)


# sshd runs a command as SHELL -c COMMAND: this shell writes down what it is asked to run.
WRITING_SHELL = b"""#!/bin/bash
printf '%s\\n--\\n' "$*" >>/tmp/commands
exec /bin/bash "$@"
"""


def test_remote_commands_are_constant_and_hold_nothing_of_the_user(site):
    def commands(**over):
        site.host.exec("rm -rf /home/ec2-user/.bluegreen; : >/tmp/commands; chmod 666 /tmp/commands")
        site.deploy("v1", **over)
        return site.host.exec("cat /tmp/commands").split("\n--\n")

    site.host.exec("cat >/usr/local/bin/writing-shell; chmod 755 /usr/local/bin/writing-shell; "
                   "usermod -s /usr/local/bin/writing-shell ec2-user", stdin=WRITING_SHELL)
    try:
        plain = commands()
        assert 3 <= len(list(filter(None, plain))) <= 4, plain
        assert commands(env="X=$(touch /tmp/owned) `id` '\"\nY=2", app="other", port="9090") == plain
        assert site.host.exec("ls /tmp/owned 2>/dev/null || true") == ""
    finally:
        site.host.exec("usermod -s /bin/bash ec2-user; rm -f /tmp/commands /usr/local/bin/writing-shell")


def test_home_without_sftp_and_scp_is_enough(site):
    site.host.exec("chmod 0 /usr/bin/scp /usr/bin/sftp /usr/lib/openssh/sftp-server 2>/dev/null; true")
    try:
        site.deploy("v1")
    finally:
        site.host.exec("chmod 0755 /usr/bin/scp /usr/bin/sftp /usr/lib/openssh/sftp-server 2>/dev/null; true")
