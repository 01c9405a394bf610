"""The host by AWS: found by id or tag, its keys pinned from what AWS knows of it, and let in by EC2 Instance Connect."""

import re
import signal
from types import SimpleNamespace

import pytest
from e2e import kit

OTHER_PIN = "SHA256:" + "A" * 43
PARAMETER = "/bluegreen/host-keys/"
NOT_THERE = "i-0123456789abcdef0"
ELSEWHERE = SimpleNamespace(ip="192.0.2.99")  # a host that nobody reaches


@pytest.fixture
def keyless(site, aws):
    """No key lets anybody in to the host but one of Instance Connect."""
    site.host.exec("mv /home/ec2-user/.ssh/authorized_keys /root/authorized_keys")
    yield aws
    site.host.exec("mv /root/authorized_keys /home/ec2-user/.ssh/authorized_keys")


def by_instance(aws, host="tag:Name=web1", **over):
    """Inputs of a workflow that leaves all of the way in to AWS."""
    return {"host": host, "host_fingerprint": None, "ssh_key": None, "ssh_auth": "instance-connect", "step_env": aws.env(),
            **over}


def pin(site, aws):
    aws.tag(aws.instance_id, "aws-host-keys", site.host.fingerprint())


def logins(host):
    return re.findall(r"Accepted publickey for ec2-user from \S+ port \d+ ssh2: ED25519 (SHA256:\S+)", host.sshd_log())


def check_untouched(site, result, kind):
    assert result.exit_code == kit.EXIT[kind], result
    assert "userauth-request" not in site.host.sshd_log()


# ---- finding it ----

@pytest.mark.parametrize("how", ["id", "tag", "private address"])
def test_host_is_found(site, aws, how):
    if how == "private address":
        aws.instance(site.host, name="inner", public=False)  # takes the place of the first
    host = {"id": aws.instance_id, "tag": "tag:Name=web1", "private address": "tag:Name=inner"}[how]
    result = site.run(command="status", host=host, step_env=aws.env())
    assert result.exit_code == 0, result
    line = f"(eu-central-1a, running), address {site.host.ip}"
    assert line in result.shown(), result
    assert aws.instance_id in result.shown()
    assert len(aws.calls_of("DescribeInstances")) == 1 and aws.pushed_keys == []


def refused(words, kind="instance", **over):
    return over, kind, words


NOT_FOUND = {
    "no instance of that id": refused(rf"no instance {NOT_THERE} in region eu-central-1 of account 123456789012", host=NOT_THERE),
    "no instance of that tag": refused(r"no instance in region eu-central-1 of account 123456789012 has the tag 'Name'",
                                       host="tag:Name=web"),
    "a wildcard is none": refused(r"has the tag 'Name' with the value 'web\*'", host="tag:Name=web*"),
    "an address that it has not": refused(r"has no IPv6 address \(it has public \d", host_address="ipv6"),
}


@pytest.mark.parametrize("case", NOT_FOUND)
def test_host_that_is_not_there(site, aws, case):
    over, kind, words = NOT_FOUND[case]
    site.host.clear_sshd_log()
    result = site.run(command="status", step_env=aws.env(), **{"host": "tag:Name=web1", **over})
    check_untouched(site, result, kind)
    assert re.search(words, kit.error_text(result)), kit.error_text(result)


def test_host_that_does_not_run(site, aws):
    aws.set_state(aws.instance_id, "stopped")
    result = site.run(command="status", host="tag:Name=web1", step_env=aws.env())
    check_untouched(site, result, "instance")
    assert f"instance {aws.instance_id} is stopped" in kit.error_text(result), kit.error_text(result)
    assert "aws ec2 start-instances" in kit.error_text(result)


def test_one_host_is_chosen_only_when_it_is_clear_which(site, aws):
    first, second = aws.instance_id, aws.instance(ELSEWHERE, name="web1").id
    site.host.clear_sshd_log()
    result = site.run(command="status", host="tag:Name=web1", step_env=aws.env())
    check_untouched(site, result, "instance")
    assert "2 instances match" in kit.error_text(result)
    assert first in kit.error_text(result) and second in kit.error_text(result)
    aws.set_state(second, "stopped")
    result = site.run(command="status", host="tag:Name=web1", step_env=aws.env())
    assert result.exit_code == 0, result
    assert f"tag:Name=web1 is {first}" in result.shown() and second in result.shown(), result


# ---- its host keys ----

def by_tag(site, aws):
    aws.tag(aws.instance_id, "aws-host-keys", f"{OTHER_PIN} {site.host.fingerprint()}")


def by_parameter(site, aws):
    aws.parameter(PARAMETER + aws.instance_id, f"256 {site.host.fingerprint()} root@web (ED25519)\n")


def by_named_parameter(site, aws):
    aws.parameter("/prod/keys", "elsewhere ssh-rsa AAAA\n" + site.host.known_hosts(("rsa",), name=site.host.ip))


def by_console(site, aws):
    aws.console(aws.instance_id, aws.console_of(site.host))


def by_console_after_denial(site, aws):
    by_console(site, aws)
    aws.allow(["ec2:DescribeInstances", "ec2:GetConsoleOutput"])


PLACES = {"tag": (by_tag, "tag", "tag aws-host-keys"), "parameter": (by_parameter, "auto", "parameter /bluegreen/host-keys/i-"),
          "named parameter": (by_named_parameter, "parameter:/prod/keys", "parameter /prod/keys"),
          "console": (by_console, "console", "console output"),
          "console when the parameter may not be read": (by_console_after_denial, "auto", "console output")}


@pytest.mark.parametrize("place", PLACES)
def test_host_keys_from_aws(site, aws, place):
    publish, where, words = PLACES[place]
    publish(site, aws)
    result = site.run(command="status", host="tag:Name=web1", host_fingerprint=None, aws_host_keys=where, step_env=aws.env())
    assert result.exit_code == 0, result
    assert f"host keys from the {words}" in result.shown()
    used = "rsa" if place == "named parameter" else "ed25519"
    assert site.host.fingerprint(used) in result.shown()


def test_known_hosts_by_hand_count_for_an_address_and_leave_room_for_aws(site, aws):
    by_tag(site, aws)
    how = {"command": "status", "host": "tag:Name=web1", "host_fingerprint": None, "step_env": aws.env()}
    bastion = site.host.known_hosts(("rsa",), name="bastion.example.com")  # says nothing of this host
    result = site.run(known_hosts=bastion, **how)
    assert result.exit_code == 0, result
    assert "host keys from the tag" in result.shown()
    result = site.run(known_hosts=bastion + site.host.known_hosts(("rsa",), name=site.host.ip), **how)
    assert result.exit_code == 0, result
    assert "host keys from" not in result.shown()
    site.host.clear_sshd_log()
    revoked = f"@revoked {site.host.known_hosts(name=site.host.ip)}"  # what AWS says does not make it good again
    check_untouched(site, site.run(known_hosts=revoked, **how), "no_pin")


@pytest.mark.parametrize("place", ["tag", "parameter", "console"])
def test_wrong_host_key_is_refused_before_instance_connect_is_asked(site, keyless, place):
    aws = keyless
    if place == "tag":
        aws.tag(aws.instance_id, "aws-host-keys", OTHER_PIN)
    elif place == "parameter":
        aws.parameter(PARAMETER + aws.instance_id, OTHER_PIN)
    else:
        text = aws.console_of(site.host)
        begin = text.index("-----BEGIN SSH HOST KEY KEYS-----")
        aws.console(aws.instance_id, text[:begin].replace(site.host.fingerprint(), OTHER_PIN))
    site.host.clear_sshd_log()
    result = site.run(command="status", **by_instance(aws))
    check_untouched(site, result, "host_key")
    assert "SHA256:" in kit.error_text(result)
    assert aws.pushed_keys == []


NO_PINS = {
    "nothing anywhere": (lambda s, a: None, {}, r"nothing pins the host key of i-.*tag aws-host-keys \(not set\).*there is none.*"
                                                r"console output \(no host keys in it\)"),
    "a tag that holds something else": (lambda s, a: (by_parameter(s, a), a.tag(a.instance_id, "aws-host-keys", "ask Bob")), {},
                                        r"tag aws-host-keys: line 1: 'ask Bob'"),
    "a parameter that is encrypted": (lambda s, a: a.parameter("/prod/keys", s.host.fingerprint(), secure=True),
                                      {"aws_host_keys": "parameter:/prod/keys"}, "SecureString"),
    "another place than the one asked for": (by_tag, {"aws_host_keys": "console"}, r"looked at: console output \(no host keys"),
}


@pytest.mark.parametrize("case", NO_PINS)
def test_without_a_pin_from_aws_there_is_no_connection(site, aws, case):
    publish, over, words = NO_PINS[case]
    publish(site, aws)
    site.host.clear_sshd_log()
    result = site.run(command="status", **by_instance(aws, **over))
    assert result.exit_code == kit.EXIT["no_pin"], result
    assert re.search(words, kit.error_text(result)), kit.error_text(result)
    assert "aws ssm put-parameter" in kit.error_text(result) or "--type String" in kit.error_text(result)
    assert "Connection from" not in site.host.sshd_log()


# ---- Instance Connect ----

def test_deploy_without_any_stored_key(site, keyless):
    aws = keyless
    pin(site, aws)
    site.host.clear_sshd_log()
    result = site.run("v1", **by_instance(aws))
    assert (result.exit_code, result.outputs["outcome"]) == (0, "deployed"), result
    pushed = aws.pushed_keys
    assert [(p["instance"], p["user"], p["az"]) for p in pushed] == [(aws.instance_id, "ec2-user", "eu-central-1a")]
    assert len(logins(site.host)) == 1
    assert site.host.exec("ls /home/ec2-user/.ssh") == ""
    blob = pushed[0]["key"].split()[1]
    assert blob not in site.host.exec("grep -rs ssh-ed25519 /home /tmp /var/tmp /root || true")
    site.check_serves("v1")


def test_reconnect_after_the_key_of_the_first_login_has_expired(site, keyless):
    aws = keyless
    pin(site, aws)
    site.host.clear_sshd_log()
    stage = site.step("slow1", health_retries=40, **by_instance(aws)).start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    aws.clock(61)
    assert site.host.exec("/usr/local/sbin/host-pushed-keys ec2-user").strip() == "", "the first key is gone by now"
    site.host.cut_sessions()
    result = site.finish(stage)
    assert (result.exit_code, result.outputs["outcome"]) == (0, "deployed"), result
    assert len(aws.pushed_keys) == len(logins(site.host)) >= 2
    assert len({p["key"] for p in aws.pushed_keys}) == 1, "one key for one run"
    site.check_serves("slow1")


def test_each_run_has_a_key_of_its_own(site, keyless):
    aws = keyless
    pin(site, aws)
    for _ in range(2):
        assert site.run(command="status", **by_instance(aws, host=aws.instance_id)).exit_code == 0
    assert len({p["key"] for p in aws.pushed_keys}) == 2


def test_host_that_does_not_ask_for_the_key_says_what_it_lacks(site, keyless):
    pin(site, keyless)
    site.host.exec("rm /run/instance-connect")
    result = site.run(command="status", **by_instance(keyless))
    assert result.exit_code == kit.EXIT["auth"], result
    assert re.search(r"package ec2-instance-connect.*metadata", kit.error_text(result)), kit.error_text(result)


PUSHES = {
    "not allowed": (lambda a: a.allow(["ec2:DescribeInstances"]), "aws_denied",
                    r"ec2-instance-connect:SendSSHPublicKey.*ec2:osuser"),
    "stopped meanwhile": (lambda a: a.fail("SendSSHPublicKey", 400, "EC2InstanceStateInvalidException", "not running"), "instance",
                          r"does not run"),
    "not for this user": (lambda a: a.fail("SendSSHPublicKey", 400, "AuthException", "no"), "aws_denied", r"ec2:osuser"),
}


@pytest.mark.parametrize("case", PUSHES)
def test_key_that_instance_connect_does_not_take(site, aws, case):
    prepare, kind, words = PUSHES[case]
    pin(site, aws)
    prepare(aws)
    site.host.clear_sshd_log()
    result = site.run(command="status", **by_instance(aws))
    assert result.exit_code == kit.EXIT[kind], result
    assert re.search(words, kit.error_text(result), re.S), kit.error_text(result)
    assert logins(site.host) == []


@pytest.mark.parametrize("end", ["connect-timeout", "cancel"])
def test_instance_connect_that_stays_silent_is_not_waited_for(site, aws, listener, end):
    silent = listener()
    pin(site, aws)
    env = aws.env(AWS_ENDPOINT_URL_EC2_INSTANCE_CONNECT=f"http://{silent.ip}:{silent.port}")
    timeout = "3s" if end == "connect-timeout" else "30s"
    stage = site.step(command="status", **by_instance(aws, connect_timeout=timeout, step_env=env)).start_main()
    kit.eventually(lambda: silent.connections, 20)
    if end == "cancel":
        stage.process.send_signal(signal.SIGINT)
    result = site.finish(stage)
    assert result.exit_code == kit.EXIT["timeout" if end == "connect-timeout" else "cancel"], result
    assert result.seconds < 10, result


# ---- the post stage ----

def test_post_goes_to_the_instance_of_main_though_the_tag_has_moved_on(site, keyless):
    aws = keyless
    pin(site, aws)
    assert site.run("v1", **by_instance(aws)).exit_code == 0
    assert site.run("v2", **by_instance(aws)).exit_code == 0
    first = aws.instance_id
    aws.tag(first, "Name", "web-old")
    other = aws.instance(ELSEWHERE, name="web1").id
    post = site.post("failure")
    assert post.exit_code == 0, post
    assert first in post.shown() and other not in post.shown(), post
    site.check_serves("v1")


def test_post_of_an_instance_that_was_terminated_says_so(site, keyless):
    aws = keyless
    pin(site, aws)
    assert site.run("v1", **by_instance(aws)).exit_code == 0
    aws.set_state(aws.instance_id, "terminated")
    post = site.post("failure")
    assert post.exit_code == kit.EXIT["instance"], post
    assert re.search(r"terminated", kit.error_text(post)), post
