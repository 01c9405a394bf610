"""The main job: a new version serves, and the evidence says so."""

import json

import pytest
from e2e import kit

STRATEGIES = ["handover", "recreate"]


def test_first_deploy_on_an_empty_host_serves_the_app(site):
    result = site.deploy("v1")
    site.check_serves("v1")
    assert result.outputs["rolled-back"] == "false"
    assert result.outputs["image-digest"].startswith("sha256:")
    assert result.outputs["previous-image"] == ""
    assert float(result.outputs["total-seconds"]) > 0


def test_first_deploy_leaves_the_booting_app_on_its_network(site):
    """The engine hands out the ports of a pair in turn, so of three first deployments one at least would get the spare one."""
    for _ in range(3):
        began = site.host.exec("date +%s.%N").strip()
        site.deploy("v1")
        blue = site.check_serves("v1")["shop-blue"]["Id"]
        lines = site.host.docker("events", "--since", began, "--until", site.host.exec("date +%s.%N").strip(), "--format", "json").splitlines()
        of_blue = [e["Action"] for e in map(json.loads, lines) if blue in (e["Actor"]["ID"], e["Actor"]["Attributes"].get("container"))]
        assert "disconnect" not in of_blue[of_blue.index("start"):], of_blue
        site.host.reset(keep_images=True)


def test_every_output_is_set_after_a_second_deploy(site, near):
    site.deploy("v1")
    result = site.deploy("v2", offers=near.offers())
    assert set(result.outputs) == kit.OUTPUTS
    assert [name for name in kit.OUTPUTS if not result.outputs[name]] == ["report-path"]  # that is of a question


def test_second_deploy_under_load_is_out_for_less_than_a_second(site):
    site.deploy("v1")
    with site.load() as load:
        kit.pause(0.5)
        result = site.deploy("v2")
        kit.pause(0.5)
    assert load.report.versions == ["v1", "v2"], load.report
    assert load.report.outage < 1.0, load.report
    site.check_serves("v2")
    assert abs(float(result.outputs["outage-seconds"]) - load.report.outage) < 0.3, load.report
    assert "v1" in result.outputs["previous-image"] or "sha256:" in result.outputs["previous-image"]


def test_handover_from_a_slow_app_to_a_slow_app_is_out_for_less_than_a_second(site):
    site.deploy("slow1", health_retries=40)
    with site.load() as load:
        kit.pause(0.5)
        site.deploy("slow2", health_retries=40)
        kit.pause(0.5)
    assert load.report.versions == ["slow1", "slow2"]
    assert load.report.outage < 1.0, load.report


def test_recreate_never_lets_two_versions_answer_at_once(site):
    site.deploy("v1", strategy="recreate")
    with site.load() as load:
        kit.pause(0.3)
        site.deploy("v2", strategy="recreate")
        kit.pause(0.3)
    assert load.report.versions == ["v1", "v2"]
    assert load.report.outage < 4.0, load.report
    site.check_serves("v2")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_previous_version_is_kept_stopped_as_green(site, strategy):
    site.deploy("v1", strategy=strategy)
    site.deploy("v2", strategy=strategy)
    containers = site.check_serves("v2")
    assert sorted(containers) == ["shop-blue", "shop-green"]
    assert "APP_VERSION=v1" in containers["shop-green"]["Config"]["Env"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_third_deploy_removes_the_version_before_the_previous_one(site, strategy):
    for tag in ("v1", "v2", "v3"):
        site.deploy(tag, strategy=strategy, keep_hours=0, keep_versions=2)
    containers = site.check_serves("v3")
    assert sorted(containers) == ["shop-blue", "shop-green"]
    assert "APP_VERSION=v2" in containers["shop-green"]["Config"]["Env"]
    images = " ".join(c["Image"] for c in containers.values())
    kept = {line.split()[-1] for line in site.host.snapshot(files=False) if line.startswith("image ") and "keeper" not in line}
    assert len(kept) == 2 and all(i in images for i in kept), "the image of v1 must be gone"


def test_same_digest_with_same_settings_ends_as_unchanged(site):
    site.deploy("v1")
    before = site.host.snapshot(files=False)
    result = site.run("v1")
    assert (result.exit_code, result.outputs["outcome"]) == (0, "unchanged")
    assert site.host.snapshot(files=False) == before
    site.check_serves("v1")


def test_same_digest_under_another_tag_ends_as_unchanged(site):
    site.bed.registry.push_app("same", env={"APP_VERSION": "twin"})
    site.bed.registry.push_app("twin", env={"APP_VERSION": "twin"})
    site.deploy("same")
    assert site.run("twin").outputs["outcome"] == "unchanged"


def test_same_digest_with_other_settings_is_deployed_again(site):
    site.deploy("v1")
    site.deploy("v1", env="COLOUR=red")
    blue = site.check_serves("v1")["shop-blue"]
    assert "COLOUR=red" in blue["Config"]["Env"]


def test_a_moved_tag_is_deployed_by_its_new_digest(site):
    site.bed.registry.push_app("moving", env={"APP_VERSION": "old"})
    first = site.deploy("moving")
    site.bed.registry.push_app("moving", env={"APP_VERSION": "new"})
    second = site.deploy("moving")
    assert first.outputs["image-digest"] != second.outputs["image-digest"]
    assert site.host.version() == "new"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_container_run_by_hand_is_taken_over(site, strategy):
    site.host.run_by_hand("shop-blue", "v1")
    kit.eventually(site.host.version)
    with site.load() as load:
        kit.pause(0.3)
        site.deploy("v2", strategy=strategy)
        kit.pause(0.3)
    assert load.report.versions == ["v1", "v2"]
    assert load.report.outage < (1.0 if strategy == "handover" else 4.0), load.report
    site.check_serves("v2")


def test_settings_reach_the_container(site):
    site.host.docker("network", "create", "backend")
    site.deploy("v1", env="COLOUR=red\nEMPTY=\nSPACED=a b", secret_env="TOKEN=hush", volumes="data:/data\n/tmp:/host:ro",
                networks="backend", labels="team=shop", memory="64m", cpus="0.5", read_only="true",
                restart_policy="always", container_user="1234")
    blue = site.check_serves("v1")["shop-blue"]
    assert {"COLOUR=red", "EMPTY=", "SPACED=a b", "TOKEN=hush"} <= set(blue["Config"]["Env"])
    assert {(m.get("Name") or m["Source"], m["Destination"], m["RW"]) for m in blue["Mounts"]} == {
        ("data", "/data", True), ("/tmp", "/host", False)}
    assert "backend" in blue["NetworkSettings"]["Networks"]
    assert blue["Config"]["Labels"]["team"] == "shop"
    assert blue["HostConfig"]["Memory"] == 64 << 20
    assert blue["HostConfig"]["NanoCpus"] == 500_000_000
    assert blue["HostConfig"]["ReadonlyRootfs"] is True
    assert blue["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert blue["Config"]["User"] == "1234"


def test_labels_tell_what_a_container_is(site):
    result = site.deploy("v1")
    labels = site.host.containers()["shop-blue"]["Config"]["Labels"]
    assert labels["io.bluegreen.app"] == "shop"
    assert labels["io.bluegreen.deployment"] == result.outputs["deployment-id"]
    assert labels["io.bluegreen.digest"] == result.outputs["image-digest"]


def test_an_image_named_by_digest_is_deployed(site):
    digest = site.deploy("v1").outputs["image-digest"]
    site.deploy("v2")
    site.deploy(image=f"{site.bed.registry.name}/app@{digest}", tag=None)
    site.check_serves("v1")


def test_two_apps_live_side_by_side(site):
    site.deploy("v1")
    site.deploy("v2", app="desk", port="9090")
    site.check_serves("v1")
    site.check_serves("v2", app="desk", port=9090)


def test_only_a_connection_is_asked_for_when_health_path_is_tcp(site):
    site.deploy("never-healthy", health_path="tcp")
    site.check_serves("never-healthy")


def test_expected_health_status_and_body_are_obeyed(site):
    site.deploy("never-healthy", health_status="500-503", health_body="bad never-healthy")
    assert site.host.version() == "never-healthy"


def test_the_log_is_kept_on_the_host_and_names_each_step(site):
    result = site.deploy("v1")
    names = site.host.exec("ls ~ec2-user/.bluegreen/apps/shop/deployments/*/").split()
    log = next(n for n in names if n.startswith("deployment-2"))
    text = site.read_state(log)
    outcome = json.loads(site.read_state("outcome.json"))
    assert outcome["outcome"] == "deployed"
    assert outcome["deployment"] == result.outputs["deployment-id"]
    assert all(step in text for step in outcome["steps"] if outcome["steps"][step]["status"] == "success"), text


def test_command_of_the_container_can_be_given(site):
    site.deploy("v1", args="--flag\nwith blank")
    assert site.host.containers()["shop-blue"]["Args"] == ["--flag", "with blank"]


def test_the_spare_port_of_the_user_is_used(site):
    for tag in ("v1", "v2", "v3"):
        site.deploy(tag, spare_port="8079")
        site.check_serves(tag)
    assert site.host.version(8079) == ""
