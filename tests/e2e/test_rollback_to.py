"""Back to any version: by id, digest or tag, from the kept container or by a new one, and why not when it cannot be."""

import json
import signal

import pytest
from e2e import kit

STRATEGIES = ["handover", "recreate"]


def rollback(site, to, **over):
    return site.run(command="rollback", to=to, **over)


def three_versions(site, **over):
    """v3 serves, v2 is green, v1 is history. Their deployments' ids by tag."""
    return {tag: site.deploy(tag, **over).outputs["deployment-id"] for tag in ("v1", "v2", "v3")}


def forget_image(site, tag):
    """The image goes from the host, as a prune or a person would do it."""
    for ref in site.host.docker("image", "ls", "--digests", "--format", "{{.Repository}}@{{.Digest}} {{.ID}}").splitlines():
        name, image = ref.split()
        if f"APP_VERSION={tag}" in site.host.docker("image", "inspect", "-f", "{{json .Config.Env}}", image):
            site.host.docker("rmi", name, check=False)
    assert not [1 for image in site.host.docker("image", "ls", "-q").split()
                if f"APP_VERSION={tag}" in site.host.docker("image", "inspect", "-f", "{{json .Config.Env}}", image)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_id_whose_image_was_pruned_comes_back_by_its_digest(site, strategy):
    ids = three_versions(site, strategy=strategy, env="COLOUR=blue")
    forget_image(site, "v1")
    site.bed.registry.push_app("v1", env={"MOVED": "1"})  # the tag names something else by now
    with site.load() as load:
        kit.pause(0.3)
        result = rollback(site, ids["v1"], strategy=strategy)
        kit.pause(0.3)
    try:
        assert (result.exit_code, result.outputs["outcome"]) == (0, "rolled_back"), result
        assert load.report.versions == ["v3", "v1"]
        assert load.report.outage < (1.0 if strategy == "handover" else 4.0), load.report
        env = site.check_serves("v1")["shop-blue"]["Config"]["Env"]
        assert "COLOUR=blue" in env and "MOVED=1" not in env
        assert site.host.containers()["shop-green"]["Config"]["Env"].count("APP_VERSION=v3") == 1
    finally:
        site.bed.registry.push_app("v1")


@pytest.mark.parametrize("how", ["id", "digest", "short digest", "tag", "reference"])
def test_the_kept_version_is_meant_by_whatever_names_it(site, how):
    site.deploy("v1")
    one = site.results[-1].outputs
    site.deploy("v2")
    before = site.host.containers()["shop-green"]["Id"]
    to = {"id": one["deployment-id"], "digest": one["image-digest"], "short digest": one["image-digest"][:19],
          "tag": "v1", "reference": site.bed.registry.ref("v1")}[how]
    assert rollback(site, to).exit_code == 0
    assert site.check_serves("v1")["shop-blue"]["Id"] == before, "the kept container is the quickest way back"


def test_to_a_tag_that_was_never_deployed_here_when_no_green_is_left(site):
    site.deploy("v2", env="COLOUR=blue", labels="team=shop")
    assert "shop-green" not in site.host.containers()
    result = rollback(site, "v1")
    assert (result.exit_code, result.outputs["outcome"]) == (0, "rolled_back"), result
    blue = site.check_serves("v1")["shop-blue"]["Config"]
    assert "COLOUR=blue" in blue["Env"] and blue["Labels"]["team"] == "shop"


def test_an_id_whose_record_was_pruned_is_known_from_the_audit_log(site):
    ids = three_versions(site, env="COLOUR=blue")
    site.host.exec(f"rm -r /home/ec2-user/.bluegreen/apps/shop/deployments/{ids['v1']}")
    result = rollback(site, ids["v1"])
    assert result.exit_code == 0, result
    assert "not on the host any more" in result.shown()  # its settings: those of the latest version
    assert "COLOUR=blue" in site.check_serves("v1")["shop-blue"]["Config"]["Env"]


def test_when_nothing_runs_any_more(site):
    ids = three_versions(site)
    site.host.docker("rm", "-f", "shop-blue", "shop-green")
    result = rollback(site, ids["v2"])
    assert result.exit_code == 0, result
    site.check_serves("v2")


def test_to_what_serves_changes_nothing(site):
    ids = three_versions(site)
    before = site.host.snapshot(files=False)
    for to in (ids["v3"], "v3"):
        result = rollback(site, to)
        assert (result.exit_code, result.outputs["outcome"]) == (0, "unchanged"), result
    assert site.host.snapshot(files=False) == before


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_version_that_is_unhealthy_itself_is_refused(site, strategy):
    site.deploy("v1", strategy=strategy)
    before = site.host.containers()["shop-blue"]["Id"]
    result = rollback(site, "never-healthy", strategy=strategy, health_retries="3")
    assert result.exit_code != 0, result
    if strategy == "handover":
        assert result.exit_code == kit.EXIT["unhealthy"], result
    assert site.check_serves("v1")["shop-blue"]["Id"] == before


def test_an_unknown_id_is_refused_and_what_there_is_is_offered(site):
    ids = three_versions(site)
    before = site.host.snapshot(files=False)
    result = rollback(site, "20200101-000000-abcdef")
    assert result.exit_code == kit.EXIT["no_previous"], result
    assert ids["v2"] in kit.error_text(result) and ids["v1"] in kit.error_text(result)
    assert ids["v3"] not in kit.error_text(result), "that one serves"
    assert site.host.snapshot(files=False) == before


def test_a_deployment_that_failed_is_no_version_to_go_back_to(site):
    site.deploy("v1")
    failed = site.run("exits").outputs["deployment-id"]
    result = rollback(site, failed)
    assert result.exit_code == kit.EXIT["no_previous"], result
    assert "did not end well" in kit.error_text(result)
    site.check_serves("v1")


def test_a_tag_that_the_registry_does_not_have_changes_nothing(site):
    site.deploy("v1")
    before = site.host.snapshot(files=False)
    assert rollback(site, "v99").exit_code == kit.EXIT["image_missing"]
    assert site.host.snapshot(files=False) == before


def test_without_green_the_refusal_names_what_can_be_named(site):
    ids = three_versions(site)
    site.host.docker("rm", "shop-green")
    result = site.run(command="rollback")
    assert result.exit_code == kit.EXIT["no_previous"], result
    assert ids["v2"] in kit.error_text(result)


def test_secrets_come_from_a_kept_container_and_are_shown_nowhere(site):
    secret = kit.canary("kept")
    ids = three_versions(site, secret_env=f"DB_URL={secret}")
    result = rollback(site, ids["v1"], secret_env=None)
    assert result.exit_code == 0, result
    assert f"DB_URL={secret}" in site.check_serves("v1")["shop-blue"]["Config"]["Env"]
    assert "DB_URL as 'shop-" in result.shown()
    assert secret not in result.text and secret not in result.summary
    site.host.exec(f"! grep -r {secret} /home/ec2-user/.bluegreen")
    assert all(secret.encode() not in data for data in kit.bundle(result, site).values())


def test_a_secret_that_nobody_has_any_more_is_named_and_can_be_given_anew(site):
    first = site.deploy("v1", secret_env="API_KEY=" + kit.canary("first")).outputs["deployment-id"]
    site.deploy("v2")
    site.deploy("v3")
    before = site.host.snapshot(files=False)
    result = rollback(site, first)
    assert result.exit_code == kit.EXIT["no_previous"], result
    assert "API_KEY" in kit.error_text(result) and "secret-env" in kit.error_text(result)
    assert site.host.snapshot(files=False) == before
    anew = kit.canary("anew")
    result = rollback(site, first, secret_env=f"API_KEY={anew}")
    assert result.exit_code == 0, result
    assert f"API_KEY={anew}" in site.check_serves("v1")["shop-blue"]["Config"]["Env"]
    assert anew not in result.text.replace(f"::add-mask::{anew}", "").replace(f"::add-mask::API_KEY={anew}", "")
    site.host.exec(f"! grep -r {anew} /home/ec2-user/.bluegreen")


def test_green_that_somebody_started_by_hand_is_what_serves(site):
    site.deploy("v1")
    site.deploy("v2")
    site.host.docker("stop", "shop-blue")
    site.host.docker("start", "shop-green")
    kit.eventually(lambda: site.host.version(8081) == "v1" or site.host.version() == "v1")
    result = rollback(site, "v1")
    assert (result.exit_code, result.outputs["outcome"]) == (0, "unchanged"), result
    assert "APP_VERSION=v1" in site.host.containers()["shop-blue"]["Config"]["Env"]


def test_a_version_that_came_back_once_keeps_its_secrets(site):
    secret = kit.canary("again")
    site.deploy("v1", secret_env=f"DB_URL={secret}")
    site.deploy("v2", secret_env=f"DB_URL={secret}")
    back = site.run(command="rollback").outputs["deployment-id"]
    site.deploy("v3", secret_env=f"DB_URL={secret}")
    site.deploy("v2", secret_env=f"DB_URL={secret}")
    for to in ("v1", back):
        result = rollback(site, to, secret_env=None)
        assert result.exit_code == 0, result
        assert f"DB_URL={secret}" in site.check_serves("v1")["shop-blue"]["Config"]["Env"]
        site.deploy("v3", secret_env=f"DB_URL={secret}")
        site.deploy("v2", secret_env=f"DB_URL={secret}")


def test_what_must_run_alone_is_not_joined_by_an_older_version(site):
    old = site.deploy("v1", strategy="handover").outputs["deployment-id"]
    site.deploy("v2", strategy="recreate")
    site.deploy("v3", strategy="recreate")
    result = rollback(site, old, strategy="recreate")
    assert result.exit_code == 0, result
    assert kit.metrics(result, site)["strategy"] == "recreate"
    site.check_serves("v1")


def test_a_rollback_that_had_nothing_to_do_is_no_version(site):
    ids = three_versions(site)
    nothing = rollback(site, ids["v3"]).outputs["deployment-id"]
    result = rollback(site, nothing)
    assert result.exit_code == kit.EXIT["no_previous"], result
    site.check_serves("v3")


def test_a_name_that_no_image_can_have_changes_nothing(site):
    site.deploy("v1")
    before = site.host.snapshot(files=False)
    assert rollback(site, "v1 x").exit_code == kit.EXIT["input"]
    assert site.host.snapshot(files=False) == before


def test_settings_come_from_the_deployment_that_is_named(site):
    old = site.deploy("v1", env="COLOUR=blue", memory="64m").outputs["deployment-id"]
    site.deploy("v2", env="COLOUR=red")
    site.deploy("v2", env="COLOUR=green")
    assert rollback(site, old).exit_code == 0
    blue = site.check_serves("v1")["shop-blue"]
    assert "COLOUR=blue" in blue["Config"]["Env"] and blue["HostConfig"]["Memory"] == 64 << 20


def test_the_same_image_with_earlier_settings_is_another_version(site):
    old = site.deploy("v1", env="COLOUR=blue").outputs["deployment-id"]
    site.deploy("v1", env="COLOUR=red")
    site.deploy("v1", env="COLOUR=green")
    assert rollback(site, old).exit_code == 0
    assert "COLOUR=blue" in site.check_serves("v1")["shop-blue"]["Config"]["Env"]


def test_back_and_forth_over_several_versions(site):
    ids = three_versions(site)
    for tag in ("v1", "v3", "v2", "v1"):
        result = rollback(site, ids[tag])
        assert result.exit_code == 0, result
        site.check_serves(tag)
    assert rollback(site, "").exit_code == 0  # the previous one
    site.check_serves("v2")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_worker_killed_on_the_way_leaves_the_version_that_served(site, strategy):
    slow = site.deploy("slow1", strategy=strategy, health_retries=40).outputs["deployment-id"]
    site.deploy("v2", strategy=strategy)
    site.deploy("v3", strategy=strategy)
    stage = site.step(command="rollback", to=slow, strategy=strategy).start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    for pid in site.host.agent_pids():
        site.host.exec(f"kill -{signal.SIGKILL} {pid}", check=False)
    result = site.finish(stage)
    assert result.exit_code != 0, result
    kit.eventually(lambda: not site.host.agent_pids(), 20)
    kit.eventually(lambda: site.host.version() == "v3", 20)
    kit.eventually(lambda: "shop-next" not in site.host.containers(), 20)
    site.check_serves("v3")
    assert json.loads(site.read_state("outcome.json"))["operation"] == "rollback"
