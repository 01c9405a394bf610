"""Notifications by Amazon SNS: who is told what, and that nothing about them touches the outcome or shows a secret."""

import signal

import pytest
from e2e import kit


@pytest.fixture
def topic(aws):
    return aws.topic("deployments")


def inputs(aws, topic, who="runner", **over):
    return {"sns_topic": topic, "step_env": aws.env(who), **over}


def told(aws, topic):
    """The one message; both of its parts."""
    [one] = aws.published
    assert one["topic"] == topic
    assert len(one["subject"]) < 100 and one["subject"].isprintable() and one["subject"].isascii()
    assert len(one["message"].encode()) < 8192
    return one["subject"], one["message"]


def warned(result):
    return [w for w in result.warnings if w.title == "No notification"]


def test_failure_is_told_with_cause_and_next_step(site, aws, topic):
    site.deploy("v1")
    result = site.run("never-healthy", **inputs(aws, topic))
    assert result.exit_code == kit.EXIT["unhealthy"], result
    subject, message = told(aws, topic)
    assert subject == f"shop: deployment failed, production untouched on {site.host.name}"
    for words in ("Cause: ", "503", "What to do: ", f"ec2-user@{site.host.name}:22", site.bed.registry.ref("never-healthy"),
                  result.outputs["deployment-id"], f"Run: https://github.com/octo/shop/actions/runs/{site.jobs[-1].number}"):
        assert words in message
    assert not warned(result)
    [call] = aws.calls_of("Publish")
    assert call.verified and call.region == aws.region
    assert (call.body["MessageAttributes.entry.1.Value.StringValue"], call.body["MessageAttributes.entry.2.Value.StringValue"]) \
        == ("failed_untouched", "shop")


@pytest.mark.parametrize("on, expected", [("always", ["shop: deployed on {host}"]), ("failure", []), ("never", [])])
def test_notify_on_decides(site, aws, topic, on, expected):
    assert site.run("v1", notify_on=on, **inputs(aws, topic)).exit_code == 0
    if on == "never":
        assert site.run("no-such-tag", notify_on=on, **inputs(aws, topic)).exit_code != 0
    assert [p["subject"] for p in aws.published] == [s.format(host=site.host.name) for s in expected]


def test_rollback_by_post_is_told(site, aws, topic):
    site.deploy("v1")
    site.deploy("v2", **inputs(aws, topic))
    assert aws.published == []
    assert site.post("failure").exit_code == 0
    subject, message = told(aws, topic)
    assert subject == f"shop: rolled back on {site.host.name}"
    assert "The job failed after this deployment." in message
    site.check_serves("v1")


def test_wrong_inputs_are_told(site, aws, topic):
    result = site.run("v1", port="x", **inputs(aws, topic))
    assert result.exit_code == kit.EXIT["input"], result
    assert "input 'port'" in told(aws, topic)[1]


def test_cancelled_step_is_told_in_its_ten_seconds(site, aws, topic):
    site.deploy("v1")
    over = inputs(aws, topic, who=None, health_retries=40, role_to_assume=aws.role("deploy"), offers=aws.oidc)
    stage = site.step("slow1", **over).start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    began = kit.time.monotonic()
    stage.process.send_signal(signal.SIGINT)
    result = site.finish(stage)
    assert kit.time.monotonic() - began < 10
    assert result.exit_code != 0, result
    told(aws, topic)
    kit.eventually(lambda: not site.host.agent_pids(), 10)
    site.check_serves("v1")


@pytest.mark.parametrize("failure, words", [
    ((403, "AuthorizationError", "User: arn:aws:iam::123456789012:user/runner is not authorized to perform: SNS:Publish"), "Publish"),
    ((404, "NotFound", "Topic does not exist"), "Topic does not exist"),
], ids=["denied", "no topic"])
def test_topic_that_refuses_is_a_warning_and_nothing_more(site, aws, topic, failure, words):
    aws.fail("Publish", *failure)
    result = site.run("v1", notify_on="always", **inputs(aws, topic))
    assert (result.exit_code, result.outputs["outcome"]) == (0, "deployed"), result
    assert [words in w.message for w in warned(result)] == [True]


def test_service_that_hangs_does_not_hold_the_step(site, aws, topic, listener):
    silent = listener()
    env = aws.env(AWS_ENDPOINT_URL_SNS=f"http://{silent.address}")
    stage = site.step("no-such-tag", sns_topic=topic, step_env=env).start_main()
    kit.eventually(lambda: silent.connections, 60)
    began = kit.time.monotonic()
    result = site.finish(stage)
    assert kit.time.monotonic() - began < 10
    assert result.exit_code == kit.EXIT["image_missing"], result
    assert len(warned(result)) == 1


def test_no_secret_is_in_a_message(site, aws, topic):
    token = kit.canary("token")
    result = site.run("exits", secret_env=f"APP_VERSION={token}", **inputs(aws, topic, who="session"))
    assert result.exit_code == kit.EXIT["app_exited"], result
    whole = "\n".join(told(aws, topic))
    for word in (token, site.bed.registry.password, site.bed.keys["ed25519"].text.splitlines()[3], *aws.secrets):
        assert word not in whole
