"""plan: what a deployment would do is told, and nothing on the host changes by it."""

import json
import pathlib

import pytest
from e2e import kit, schema

SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs" / "plan.schema.json").read_text())


def plan(site, tag="v2", **over):
    """The report, checked for what holds of any; the host is as it was."""
    before = site.host.snapshot()
    result = site.run(tag, command="plan", **over)
    assert result.exit_code == 0, result
    assert site.host.snapshot() == before
    data = json.loads(site.outside(result.outputs["report-path"]).read_text())
    assert schema.problems(data, SCHEMA) == []
    assert (data["verdict"] == "refused") <= bool(data["problems"])
    assert data["prune"]["dry_run"] is True
    return data


def agent_is_there(site):
    """What each command sends first; not a part of what a plan could change."""
    assert site.run(command="status").exit_code == 0


def kinds(report):
    return [p["kind"] for p in report["problems"]]


def problem(report, word):
    hits = [p for p in report["problems"] if word in p["message"]]
    assert len(hits) == 1, f"{word}: {report['problems']}"
    assert hits[0]["hint"]
    return hits[0]


def digest_served(site):
    return site.host.containers()["shop-blue"]["Config"]["Labels"]["io.bluegreen.digest"]


def test_twice_in_a_row_says_the_same_and_changes_nothing(site):
    site.deploy("v1")
    first = plan(site, env="COLOUR=red")
    second = plan(site, env="COLOUR=red")
    for report in (first, second):
        report["size"]["disk_free_bytes"] = 0
    assert first == second
    assert first["verdict"] == "deploy" and first["problems"] == []
    assert site.run("v2", env="COLOUR=red").exit_code == 0
    assert first["digest"] == digest_served(site)
    site.check_serves("v2")


def test_host_where_the_app_was_never_deployed(site):
    agent_is_there(site)
    report = plan(site, "v1", env="COLOUR=red")
    assert report["verdict"] == "deploy"
    assert report["previous_image"] == "" and report["previous_digest"] == ""
    assert report["changes"]["env_added"] == ["COLOUR"]
    assert report["changes"]["image"] == ["", site.bed.registry.ref("v1")]
    assert report["expected"] == {"outage_seconds": -1, "total_seconds": -1, "from": 0}
    assert report["size"]["disk_free_bytes"] > 0
    assert report["platform"] == {"host": "linux/amd64", "image": ["linux/amd64"], "fits": True}
    assert not report["prune"]["containers"] and not report["prune"]["images"]
    assert site.deployments() == []
    assert not site.host.containers()
    assert not site.host.images()


def test_what_serves_already_is_unchanged(site):
    site.deploy("v1", env="COLOUR=red")
    report = plan(site, "v1", env="COLOUR=red")
    assert report["verdict"] == "unchanged"
    assert [s["name"] for s in report["steps"]] == ["preflight", "ecr_login", "image_check", "image_pull", "compare"]
    assert set(report["changes"]) == {"kept"}
    assert report["size"]["download_bytes"] == 0
    assert report["digest"] == report["previous_digest"]
    site.host.docker("stop", "-t", "1", "shop-blue")
    assert plan(site, "v1", env="COLOUR=red")["verdict"] == "deploy", "what does not run is deployed anew"


def test_changes_are_those_that_the_deployment_then_makes(site):
    before = {"env": "SAME=1\nGONE=2\nOTHER=3", "memory": "64m", "args": "one", "container_user": "1000"}
    after = {"env": "SAME=1\nOTHER=4\nNEW=5", "memory": "96m", "cpus": "0.5", "read_only": "true", "volumes": "data:/data",
             "args": "one\ntwo", "container_user": "1001", "restart_policy": "always"}
    site.deploy("v1", **before)
    site.host.docker("volume", "create", "data")
    told = plan(site, "v2", **after)["changes"]
    assert told["env_added"] == ["NEW"] and told["env_removed"] == ["GONE"] and told["env_changed"] == ["OTHER"]
    site.deploy("v2", **after)
    done = json.loads(site.read_state("outcome.json"))["changes"]
    image_itself = ["APP_VERSION"]  # known when the image was pulled
    assert done["env_changed"] == ["OTHER", *image_itself]
    assert {**done, "env_changed": ["OTHER"]} == told
    again = plan(site, "v1", **before)["changes"]
    assert sorted(again["env_changed"]) == sorted(["OTHER", *image_itself]), "its image is on the host"


def test_steps_and_what_goes_afterwards(site):
    site.deploy("v1", keep_versions=1, keep_hours=0)
    site.deploy("v2", keep_versions=1, keep_hours=0)
    report = plan(site, "v3", keep_versions=1, keep_hours=0)
    names = [s["name"] for s in report["steps"]]
    assert names[0] == "preflight" and names[-1] == "prune" and "warm_up" in names
    assert [c["name"] for c in report["prune"]["containers"]] == ["shop-green"]
    gone = {i["digest"] for i in report["prune"]["images"]}
    assert len(gone) == 1
    site.deploy("v3", keep_versions=1, keep_hours=0)
    left = set(site.host.docker("image", "ls", "-a", "--digests", "--format", "{{.Digest}}").split())
    assert gone.isdisjoint(left)
    assert site.host.containers()["shop-green"]["Config"]["Labels"]["io.bluegreen.digest"] in left


def test_expected_times_are_medians_of_the_past_with_that_strategy(site):
    for tag in ("v1", "v2", "v1"):
        site.deploy(tag, strategy="recreate")
    outcomes = [json.loads(site.read_state("outcome.json", deployment=d)) for d in site.deployments()]
    expected = plan(site, strategy="recreate")["expected"]
    assert expected["from"] == 3
    assert expected["total_seconds"] == sorted(o["total_seconds"] for o in outcomes)[1]
    outages = sorted(o["outage_seconds"] for o in outcomes if o["outage_seconds"] >= 0)
    assert expected["outage_seconds"] == pytest.approx((outages[(len(outages) - 1) // 2] + outages[len(outages) // 2]) / 2)
    assert plan(site, strategy="handover")["expected"]["from"] == 0


def test_strategy_recreate_boots_nothing_beside_what_serves(site):
    site.deploy("v1")
    report = plan(site, strategy="recreate")
    assert report["strategy"] == "recreate"
    assert "warm_up" not in [s["name"] for s in report["steps"]]
    assert report["changes"]["ports"] == ["8080-8081->8080/tcp", "8080->8080/tcp"]


def test_version_on_the_hosts_network_is_no_way_back(site):
    site.host.login_registry()
    ref = site.bed.registry.ref("v1")
    site.host.docker("run", "-d", "--name", "shop-blue", "--network", "host", "-e", "PORT=8080", ref)
    agent_is_there(site)
    report = plan(site)
    assert report["verdict"] == "refused"
    assert "--network host" in problem(report, "no way back")["message"]
    assert report["steps"] == []


REFUSED = {
    "missing tag": ("no-such-tag", {}, "image_missing", "no-such-tag"),
    "wrong platform": ("wrong-arch", {}, "platform", "arm64"),
    "wrong password": ("v2", {"registry_password": "wrong-password"}, "registry_auth", "log in"),
    "unknown network": ("v2", {"networks": "backend"}, "docker", "network backend not found"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_deployment_would_fail_at_is_refused(site, case):
    tag, over, kind, word = REFUSED[case]
    site.deploy("v1")
    report = plan(site, tag, **over)
    assert report["verdict"] == "refused"
    assert kinds(report) == [kind]
    assert problem(report, word)
    assert report["steps"] == [] and report["prune"]["bytes"] == 0
    failed = site.run(tag, **over)
    assert failed.outputs["outcome"] == "failed_untouched"
    assert failed.exit_code == kit.EXIT[kind], failed
    site.check_serves("v1")


def test_taken_ports_are_both_told(site):
    site.host.run_by_hand("stranger", "v1", 8080)
    site.host.run_by_hand("second", "v1", 8081)
    agent_is_there(site)
    report = plan(site)
    assert report["verdict"] == "refused"
    assert kinds(report) == ["port_taken", "port_taken"]
    assert "container 'stranger'" in problem(report, "port 8080")["message"]
    assert "container 'second'" in problem(report, "spare port 8081")["message"]


def test_all_problems_are_told_at_once(site):
    site.host.run_by_hand("shop-next", "v1", 8080)
    agent_is_there(site)
    report = plan(site, "no-such-tag", networks="backend")
    assert report["verdict"] == "refused"
    assert sorted(kinds(report)) == ["docker", "docker", "image_missing", "port_taken"]
    assert "'shop-next'" in problem(report, "is not ours")["message"]


def test_after_a_way_back_by_hand_the_plan_is_against_what_runs(site):
    site.deploy("v1", strategy="recreate")
    site.deploy("v2", strategy="recreate")
    site.host.docker("stop", "-t", "1", "shop-blue")
    site.host.docker("start", "shop-green")
    kit.eventually(lambda: site.host.version() == "v1", 15)
    report = plan(site, "v3", strategy="recreate")
    assert report["verdict"] == "deploy", report["problems"]
    assert report["previous_image"].endswith(":v1")
    site.deploy("v3", strategy="recreate")
    assert json.loads(site.read_state("outcome.json"))["previous_digest"] == report["previous_digest"]
    site.check_serves("v3")


def test_folder_that_would_be_made_is_told_and_refuses_nothing(site):
    site.deploy("v1")
    report = plan(site, volumes="/srv/missing:/data")
    assert report["verdict"] == "deploy"
    assert "'/srv/missing'" in problem(report, "not on the host")["message"]


def test_run_at_work_is_told_and_refuses_nothing(site):
    site.deploy("v1")
    stage = site.step("slow1", health_retries=40).start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    result = site.run("v2", command="plan")
    assert result.exit_code == 0, result
    report = json.loads(site.outside(result.outputs["report-path"]).read_text())
    assert schema.problems(report, SCHEMA) == []
    assert kinds(report) == ["locked"] and "is at work" in problem(report, "deployment")["message"]
    assert report["verdict"] == "deploy"
    assert site.finish(stage).exit_code == 0
    site.check_serves("slow1")


def test_host_without_an_engine_is_refused_with_the_reason(site):
    site.deploy("v1")
    result = site.run("v2", command="plan", user="nodocker")
    assert result.exit_code == 0, result
    report = json.loads(site.outside(result.outputs["report-path"]).read_text())
    assert schema.problems(report, SCHEMA) == []
    assert report["verdict"] == "refused" and kinds(report) == ["docker_denied"]


def test_no_secret_is_in_it(site):
    old, new, password = kit.canary("old"), kit.canary("new"), kit.canary("password")
    site.deploy("v1", secret_env=f"TOKEN={old}\nGONE={old}-2", env="PLAIN=plain-value")
    for over in ({}, {"registry_password": password}, {"args": f"--token={new}"}, {"volumes": f"/srv/{new}:/data"}):
        result = site.run("v2", command="plan", secret_env=f"TOKEN={new}\nMORE={new}-2", **over)
        assert result.exit_code == 0, result
        text = site.outside(result.outputs["report-path"]).read_text()
        report = json.loads(text)
        assert schema.problems(report, SCHEMA) == []
        for canary in (old, new, password, "plain-value"):
            assert canary not in text and canary not in result.shown() and canary not in result.summary
        assert report["changes"]["env_changed"] == ["TOKEN"]
        assert report["changes"]["env_added"] == ["MORE"]
        assert report["changes"]["env_removed"] == ["PLAIN", "GONE"]
    assert site.host.exec(f"grep -rl {new} /home /tmp /var/log || true") == ""
