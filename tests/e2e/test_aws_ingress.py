"""A closed host: a rule of its security group lets the runner in while that is needed, and is gone afterwards, whatever came."""

import http.server
import re
import threading
import time

import pytest
from e2e import kit

RUNNER = "203.0.113.7"  # said to be the runner's address; only security groups look at it, no network of the test bed does
HERE = f"{RUNNER}/32"
ACTION, RUN, EXPIRES = "bluegreen-action", "bluegreen-run", "bluegreen-expires"
OTHER_RUN = "0123456789abcdef0123456789abcdef"
LIFE = 6 * 3600


def tags(expires, run=OTHER_RUN):
    return {ACTION: "ingress", RUN: run, EXPIRES: str(int(expires))}


class Door:
    """The site's host as an instance with a security group of its own, and the inputs that open it."""

    def __init__(self, site, aws):
        self.site, self.aws = site, aws
        self.instance = aws.instance(site.host, name="closed")
        self.group = self.instance.group
        self.before = self.rules()

    def rules(self):
        return sorted(self.aws.rules(self.group), key=lambda r: r["id"])

    def ours(self):
        return [r for r in self.rules() if ACTION in r["tags"]]

    def inputs(self, step_env=None, **over):
        return {"open_port_22": "true", "security_group": self.group, "runner_address": RUNNER,
                "step_env": self.aws.env(**(step_env or {})), **over}

    def run(self, tag, **over):
        return self.site.run(tag, **self.inputs(**over))

    def start(self, tag, **over):
        return self.site.step(tag, **self.inputs(**over)).start_main()

    def check_closed(self):
        assert self.rules() == self.before


@pytest.fixture
def door(site, aws):
    return Door(site, aws)


@pytest.fixture
def checkip(site):
    """The service that tells a client its address; its list of requests, and its URL."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{RUNNER}\n".encode())

        def log_message(self, *args):
            pass

    seen = []
    server = http.server.ThreadingHTTPServer((site.bed.gateway(), 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield seen, f"http://{server.server_address[0]}:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


class Firewall(threading.Thread):
    """Nothing new gets to the host's port 22, until the group has a rule for the runner."""

    RULE = "INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j DROP"

    def __init__(self, door):
        super().__init__(daemon=True)
        self.door, self.seen, self.end = door, [], threading.Event()
        door.site.host.exec(f"iptables -I {self.RULE}")
        self.start()

    def run(self):
        while not self.seen and not self.end.wait(0.05):
            self.seen = self.door.ours()
        self.door.site.host.exec(f"iptables -D {self.RULE}")

    def close(self):
        self.end.set()
        self.join(20)


def under_way(site):
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)


def left_warnings(result):
    return [w for w in result.warnings if w.title == "The runner may still be let in"]


def test_closed_host_is_opened_for_the_runner_alone_and_closed_again(site, door, aws, checkip):
    asked, url = checkip
    aws.clear_calls()
    wall = Firewall(door)
    try:
        result = door.run("v1", host=door.instance.id, security_group=None, runner_address=None,
                          step_env={"AWS_ENDPOINT_URL_CHECKIP": url})
    finally:
        wall.close()
    assert result.exit_code == 0, result
    assert len(asked) == 1
    [rule] = wall.seen
    assert (rule["cidr"], rule["from"], rule["to"], rule["protocol"]) == (HERE, 22, 22, "tcp")
    assert rule["tags"][ACTION] == "ingress" and re.fullmatch("[0-9a-f]{32}", rule["tags"][RUN])
    assert LIFE - 120 < int(rule["tags"][EXPIRES]) - time.time() <= LIFE
    assert f"actions/runs/{site.jobs[-1].number}" in rule["description"]
    assert result.state["ingress"] == "closed"
    assert f"rule {rule['id']}" in result.text
    door.check_closed()
    calls = [c.action for c in aws.calls if "SecurityGroup" in c.action]
    assert calls == ["DescribeSecurityGroupRules", "AuthorizeSecurityGroupIngress", "DescribeSecurityGroupRules",
                     "RevokeSecurityGroupIngress", "DescribeSecurityGroupRules"]
    assert all(c.verified for c in aws.calls)
    aws.clear_calls()
    post = site.post("success")
    assert (post.exit_code, post.errors, post.warnings) == (0, [], []), post
    assert aws.calls == [], "what main has seen to go needs no credentials in post"
    door.check_closed()
    site.check_serves("v1")


def test_failed_deployment_leaves_the_group_as_it_was(site, door, aws):
    site.deploy("v1")
    result = door.run("never-healthy", runner_address="2001:DB8:0::7")
    assert result.exit_code == kit.EXIT["unhealthy"], result
    [call] = aws.calls_of("AuthorizeSecurityGroupIngress")
    assert call.body["IpPermissions.1.Ipv6Ranges.1.CidrIpv6"] == "2001:db8::7/128"
    assert f"opened port 22 of {door.group} for 2001:db8::7/128" in result.text
    door.check_closed()
    site.check_serves("v1")


def test_cancelled_deployment_leaves_the_group_as_it_was(site, door):
    site.deploy("v1")
    stage = door.start("slow1", health_retries=40)
    under_way(site)
    assert len(door.ours()) == 1
    began = time.monotonic()
    stage.cancel()
    result = site.finish(stage)
    assert time.monotonic() - began < 10 and not result.killed
    assert result.exit_code in (kit.EXIT["cancel"], kit.EXIT["rolled_back"], kit.EXIT["failed_untouched"]), result
    door.check_closed()
    assert site.post("cancelled").exit_code == 0
    door.check_closed()
    site.check_serves("v1")


def test_cancelled_step_whose_removal_hangs_ends_in_time_and_post_removes(site, door, aws):
    site.deploy("v1")
    stage = door.start("slow1", health_retries=40)
    under_way(site)
    aws.fail("RevokeSecurityGroupIngress", -1)
    began = time.monotonic()
    stage.cancel()
    result = site.finish(stage)
    assert time.monotonic() - began < 10 and not result.killed
    assert len(left_warnings(result)) == 1 and len(door.ours()) == 1
    post = site.post("cancelled")
    assert (post.exit_code, post.warnings) == (0, []), post
    door.check_closed()
    site.check_serves("v1")


@pytest.mark.parametrize("status, serves", [("failure", "v1"), ("success", "slow1")])
def test_rule_of_a_killed_step_is_removed_by_post(site, door, aws, status, serves):
    site.deploy("v1")
    stage = door.start("slow1", health_retries=40)
    under_way(site)
    [rule] = door.ours()
    stage.kill_container()
    stage.wait()
    assert door.ours() == [rule]
    kit.eventually(lambda: not site.host.agent_pids(), 20)
    aws.clear_calls()
    post = site.post(status)
    assert (post.exit_code, post.warnings) == (0, []), post
    assert aws.calls_of("AuthorizeSecurityGroupIngress") == [], "the rule was there: it serves post too"
    door.check_closed()
    site.check_serves(serves)


def test_rule_of_a_killed_step_is_removed_by_a_post_whose_inputs_are_wrong(site, door):
    step = site.step("slow1", **door.inputs(health_retries=40))
    stage = step.start_main()
    under_way(site)
    stage.kill_container()
    stage.wait()
    assert len(door.ours()) == 1
    step.with_["ssh-port"] = "none"
    assert site.post("failure", step=step).exit_code == kit.EXIT["input"]
    door.check_closed()
    kit.eventually(lambda: not site.host.agent_pids(), 20)


def test_post_that_rolls_back_opens_and_closes_by_itself(site, door, aws):
    site.deploy("v1")
    assert door.run("v2").exit_code == 0
    door.check_closed()
    aws.clear_calls()
    post = site.post("failure")
    assert (post.exit_code, post.warnings) == (0, []), post
    assert len(aws.calls_of("AuthorizeSecurityGroupIngress")) == 1
    door.check_closed()
    site.check_serves("v1")


def test_answer_that_is_lost_is_no_rule_that_is_lost(site, door, aws):
    aws.fail("AuthorizeSecurityGroupIngress", 0, after=True)
    result = door.run("v1")
    assert result.exit_code == 0, result
    assert len(aws.calls_of("AuthorizeSecurityGroupIngress")) == 1
    door.check_closed()


def test_rule_that_was_made_though_ec2_said_that_it_failed_is_known_as_ours(site, door, aws):
    aws.fail("AuthorizeSecurityGroupIngress", 503, "InternalError", "try again", after=True)
    result = door.run("v1")
    assert result.exit_code == 0, result
    assert len(aws.calls_of("AuthorizeSecurityGroupIngress")) == 2
    assert f"opened port 22 of {door.group} for {HERE}" in result.text and "left as it is" not in result.text, result
    door.check_closed()


def test_rule_that_is_taken_away_is_made_again_for_the_next_connection(site, door, aws):
    stage = door.start("slow1", health_retries=60, warm_up="3s")
    under_way(site)
    [rule] = door.ours()
    aws.remove_rule(door.group, rule["id"])
    site.host.cut_sessions()
    result = site.finish(stage)
    assert result.exit_code == 0, result
    assert len(aws.calls_of("AuthorizeSecurityGroupIngress")) == 2
    door.check_closed()


def test_leftovers_are_cleaned_and_what_is_others_stays(site, door, aws):
    now = time.time()
    aws.add_rule(door.group, 22, "198.51.100.1/32", tags(now - 60))
    aws.add_rule(door.group, 2222, "2001:db8::1/128", tags(now - 7 * 24 * 3600))
    aws.add_rule(door.group, 22, HERE, tags(now - 1))
    stays = [aws.add_rule(door.group, 22, "198.51.100.2/32", tags(now + 3600)),
             aws.add_rule(door.group, 22, "198.51.100.3/32", {**tags(now - 60), ACTION: "other"}),
             aws.add_rule(door.group, 22, "198.51.100.4/32", {EXPIRES: "1"}),
             aws.add_rule(door.group, 443, "0.0.0.0/0", {}, "web")]
    result = door.run("v1")
    assert result.exit_code == 0, result
    assert f"removed 3 rules that earlier runs left in {door.group}" in result.text
    assert {r["id"] for r in door.rules()} == {r["id"] for r in door.before} | set(stays)


@pytest.mark.parametrize("mine, words", [(False, "not made by this action"), (True, "of another run of this action")],
                         ids=["foreign", "of another run"])
def test_rule_that_is_there_already_serves_and_stays(site, door, aws, mine, words):
    rule = aws.add_rule(door.group, 22, HERE, tags(time.time() + 600) if mine else {}, "office")
    door.before = door.rules()
    result = door.run("v1")
    assert result.exit_code == 0, result
    assert re.search(f"already: {rule}, {words}", result.text)
    assert site.post("success").exit_code == 0
    door.check_closed()


DENIED = "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/runner is not authorized to perform: "


@pytest.mark.parametrize("action, code, message, kind, words", [
    ("AuthorizeSecurityGroupIngress", "UnauthorizedOperation", DENIED + "ec2:AuthorizeSecurityGroupIngress on resource: arn:aws:ec2:x",
     "aws_denied", ["ec2:AuthorizeSecurityGroupIngress", "docs/aws.md"]),
    ("AuthorizeSecurityGroupIngress", "UnauthorizedOperation", DENIED + "ec2:CreateTags on resource: arn:aws:ec2:x", "aws_denied",
     ["Let the role do ec2:CreateTags", "security-group-rule"]),
    ("DescribeSecurityGroupRules", "UnauthorizedOperation", DENIED + "ec2:DescribeSecurityGroupRules", "aws_denied",
     ["ec2:DescribeSecurityGroupRules"]),
    ("AuthorizeSecurityGroupIngress", "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules", "aws",
     ["has no room for another rule", "quota"]),
    ("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", "The security group does not exist", "aws",
     ["there is no security group sg-", "aws-region"]),
], ids=["denied", "tags denied", "list denied", "full", "no such group"])
def test_refusals_have_their_own_words(site, door, aws, action, code, message, kind, words):
    aws.fail(action, 403 if kind == "aws_denied" else 400, code, message)
    result = door.run("v1")
    assert (result.exit_code, result.outputs["outcome"]) == (kit.EXIT[kind], "failed_untouched"), result
    for word in words:
        assert word in kit.error_text(result)
    assert site.host.sshd_log().count("Accepted publickey") == 0
    door.check_closed()


def test_removal_that_fails_is_a_warning_with_the_way_to_do_it(site, door, aws):
    aws.fail("RevokeSecurityGroupIngress", 403, "UnauthorizedOperation", DENIED + "ec2:RevokeSecurityGroupIngress", times=2)
    result = door.run("v1")
    assert (result.exit_code, result.outputs["outcome"]) == (0, "deployed"), result
    [rule] = door.ours()
    assert result.state["ingress"] == f"{aws.region} {door.group} {rule['tags'][RUN]}"
    [warning] = left_warnings(result)
    assert (f"aws ec2 revoke-security-group-ingress --region {aws.region} --group-id {door.group} "
            f"--security-group-rule-ids {rule['id']}") in warning.message
    assert "ec2:RevokeSecurityGroupIngress" in warning.message
    post = site.post("success")
    assert (post.exit_code, post.warnings) == (0, []), post
    door.check_closed()


def test_jump_host_or_unknown_group_is_a_wrong_input(site, door):
    for over in ({"jump_host": "bastion", "jump_fingerprint": site.host.fingerprint()}, {"security_group": None}):
        result = door.run("v1", **over)
        assert result.exit_code == kit.EXIT["input"], result
        assert "open-port-22" in kit.error_text(result)
    door.check_closed()
