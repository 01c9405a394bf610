"""Tidying up: what goes, what stays whatever the limits say, and that a dry run only tells."""

import json
import pathlib

import pytest
from e2e import kit, schema

SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs" / "prune.schema.json").read_text())
APPS = "/home/ec2-user/.bluegreen/apps"


def report_of(result, site):
    assert result.exit_code == 0, result
    data = json.loads(site.outside(result.outputs["report-path"]).read_text())
    assert schema.problems(data, SCHEMA) == []
    listed = data["containers"] + data["images"] + data["records"]
    assert data["bytes"] == sum(item["bytes"] for item in listed)
    return data


def prune(site, **over):
    return report_of(site.run(command="prune", **over), site)


def digest_of(site, tag):
    """Of a deployed tag."""
    for d in site.deployments():
        outcome = json.loads(site.read_state("outcome.json", deployment=d))
        if outcome["image"].endswith(f":{tag}"):
            return outcome["digest"]
    raise AssertionError(f"{tag} was not deployed")


def local_digests(site):
    return set(site.host.docker("image", "ls", "-a", "--digests", "--format", "{{.Digest}}").split()) - {"<none>"}


def images_of(report):
    return {i["digest"] for i in report["images"]}


def why(report, what):
    hits = [k["why"] for k in report["kept"] if what in k["what"]]
    assert len(hits) == 1, f"{what}: {report['kept']}"
    return hits[0]


def age_records(site, days):
    """As if so many days had gone by since: `ended` of every outcome."""
    site.host.exec(f"""cd {APPS} && for f in */deployments/*/outcome.json; do
        ended=$(sed -n 's/.*"ended": *"\\([^"]*\\)".*/\\1/p' "$f")
        past=$(date -u -d "$ended - {days} days" +%Y-%m-%dT%H:%M:%S.000Z)
        sed -i "s/\\"ended\\": *\\"[^\\"]*\\"/\\"ended\\": \\"$past\\"/" "$f"; done""")


def deploy_four(site):
    site.bed.registry.push_app("v4")
    for tag in ("v1", "v2", "v3", "v4"):
        site.deploy(tag, keep_versions=4)
    return {tag: digest_of(site, tag) for tag in ("v1", "v2", "v3", "v4")}


def test_a_dry_run_changes_nothing_and_tells_what_the_real_one_removes(site):
    digests = deploy_four(site)
    age_records(site, 30)
    before = site.host.snapshot()
    told = prune(site, dry_run="true", keep_hours=0, keep_versions=2)
    assert site.host.snapshot() == before
    assert told["dry_run"] is True and told["disk_freed_bytes"] == -1
    assert images_of(told) == {digests["v1"], digests["v2"]}
    assert [c["name"] for c in told["containers"]] == ["shop-green"]

    done = prune(site, keep_hours=0, keep_versions=2)
    assert done["dry_run"] is False and done["disk_freed_bytes"] >= 0
    for part in ("containers", "images", "records"):
        assert done[part] == told[part]
    assert images_of(done).isdisjoint(local_digests(site))
    assert not {r["deployment"] for r in done["records"]} & set(site.deployments())
    assert "shop-green" not in site.host.containers()
    site.check_serves("v4")
    again = prune(site, keep_hours=0, keep_versions=2)
    assert not again["containers"] and not again["images"] and not again["records"]


def test_pinned_versions_survive_and_the_next_one_goes(site):
    digests = deploy_four(site)
    age_records(site, 30)
    site.host.docker("rm", "shop-green")
    report = prune(site, keep_hours=0)  # as v4 was deployed
    assert not report["images"]
    report = prune(site, keep_hours=0, keep_versions=2)
    assert images_of(report) == {digests["v1"], digests["v2"]}
    assert "last 2 good versions (keep-versions)" in why(report, digests["v3"])
    assert local_digests(site) >= {digests["v3"], digests["v4"]}
    stays = site.deployments()
    assert len(stays) == 2, "records of pinned versions stay whatever their age"
    for d in stays:
        assert json.loads(site.read_state("request.json", deployment=d))["spec"]["image"]
    site.check_serves("v4")


def test_a_deployment_prunes_by_count_and_age_too(site):
    for tag in ("v1", "v2", "v3"):
        site.deploy(tag, keep_versions=2, keep_hours=0)
    digests = [json.loads(site.read_state("outcome.json", deployment=d))["digest"] for d in site.deployments()]
    assert digests[0] not in local_digests(site) and set(digests[1:]) <= local_digests(site)
    assert "shop-green" in site.host.containers(), "what was replaced a moment ago is the way back"
    assert site.run(command="rollback").exit_code == 0
    site.check_serves("v2")


def test_green_stays_for_its_keep_time(site):
    site.deploy("v1")
    site.deploy("v2")
    report = prune(site, keep_hours=1)
    assert not report["containers"]
    assert "less than 1 hours ago" in why(report, "shop-green")
    assert "serves" in why(report, "container shop-blue")
    assert "shop-keeper" in {k["what"].split()[-1] for k in report["kept"]}
    report = prune(site, keep_hours=0, keep_versions=1)
    assert [c["name"] for c in report["containers"]] == ["shop-green"]
    assert report["containers"][0]["image"].endswith(":v1")
    assert images_of(report) == {digest_of(site, "v1")}, "with the container its image goes"
    site.check_serves("v2")
    assert site.run(command="rollback").exit_code == kit.EXIT["no_previous"]


def test_green_stays_while_nothing_serves(site):
    site.deploy("v1")
    site.deploy("v2")
    site.host.docker("stop", "-t", "1", "shop-blue")
    report = prune(site, keep_hours=0, keep_versions=1)
    assert not report["containers"] and not report["images"]
    assert "nothing serves" in why(report, "shop-green")


@pytest.mark.parametrize("state", ["run", "create"])
def test_an_image_that_somebody_elses_container_uses_stays(site, state):
    digests = deploy_four(site)
    r = site.bed.registry
    site.host.docker(*(("run", "-d") if state == "run" else ("create",)), "--name", "by-hand", f"{r.ref('v1').rpartition(':')[0]}@{digests['v1']}")
    report = prune(site, keep_hours=0, keep_versions=1)
    assert "container 'by-hand' uses it" in why(report, digests["v1"])
    assert digests["v1"] in local_digests(site)
    assert "by-hand" in site.host.containers()
    assert images_of(report) == {digests["v2"], digests["v3"]}


def test_an_image_with_a_name_of_somebodys_own_stays(site):
    digests = deploy_four(site)
    site.host.docker("tag", f"{site.bed.registry.ref('v1').rpartition(':')[0]}@{digests['v1']}", "mine:1")
    report = prune(site, keep_hours=0, keep_versions=1)
    assert "'mine:1'" in why(report, digests["v1"])
    assert "mine:1" in site.host.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()


def test_a_tag_that_was_pulled_by_hand_goes_with_its_version(site):
    site.host.login_registry()
    site.host.docker("pull", site.bed.registry.ref("v1"))
    deploy_four(site)
    pulled = digest_of(site, "v1")
    assert [i for i in site.host.images() if ":v1@" in i]
    report = prune(site, keep_hours=0, keep_versions=1)
    assert pulled in images_of(report)
    assert pulled not in local_digests(site)
    assert not [i for i in site.host.images() if ":v1@" in i]


def test_a_digest_that_another_app_has_deployed_stays(site):
    digests = deploy_four(site)
    site.deploy("v1", app="other", port=9090, keep_versions=1)
    site.deploy("v2", app="other", port=9090, keep_versions=1)
    site.host.docker("rm", "-f", "other-green")
    report = prune(site, keep_hours=0, keep_versions=1)
    assert "another app" in why(report, digests["v1"])
    assert "container 'other-blue' uses it" in why(report, digests["v2"])
    assert images_of(report) == {digests["v3"]}
    assert site.host.version(9090) == "v2"


def test_only_this_apps_things_are_touched(site):
    site.deploy("v1", app="other", port=9090)
    site.deploy("v1")
    site.deploy("v2")
    site.host.docker("stop", "-t", "1", "other-blue")
    site.host.exec("docker volume create data; docker network create backend")
    strangers = {n: c["Id"] for n, c in site.host.containers().items() if not n.startswith("shop-")}
    volumes = site.host.docker("volume", "ls", "-q")
    age_records(site, 30)
    others = site.deployments("other")
    prune(site, keep_hours=0, keep_versions=0, log_retention_days=1)
    assert {n: c["Id"] for n, c in site.host.containers().items() if not n.startswith("shop-")} == strangers
    assert site.host.docker("volume", "ls", "-q") == volumes
    assert "backend" in site.host.docker("network", "ls", "--format", "{{.Name}}").split()
    assert site.deployments("other") == others


def test_a_leftover_candidate_goes(site):
    site.deploy("v1")
    image = site.host.containers()["shop-blue"]["Image"]
    site.host.docker("create", "--name", "shop-next", "--label", "io.bluegreen.app=shop", "--label", "io.bluegreen.role=version", image)
    site.host.docker("create", "--name", "shop-old", "--label", "io.bluegreen.app=shop", image)
    report = prune(site)
    assert [(c["name"], "left behind" in c["reason"]) for c in report["containers"]] == [("shop-next", True)]
    assert "shop-next" not in site.host.containers()
    assert "shop-old" in site.host.containers(), "the label of the app alone makes no version of it"


def test_bytes_are_told(site):
    site.bed.registry.push_app("heavy", filler=8 * 1024 * 1024)
    site.deploy("heavy")
    site.deploy("v1")
    site.deploy("v2")
    age_records(site, 30)
    report = prune(site, keep_versions=1, log_retention_days=1, keep_hours=0)
    assert {i["bytes"] > 8 * 1024 * 1024 for i in report["images"]} == {True, False}
    assert all(r["bytes"] > 1000 for r in report["records"])
    assert report["disk_freed_bytes"] > 4 * 1024 * 1024


def test_limits_of_the_version_that_serves_count_when_none_are_given(site):
    site.deploy("v1", keep_versions=1, keep_hours=0)
    site.deploy("v2", keep_versions=1, keep_hours=0)
    report = prune(site)
    assert [c["name"] for c in report["containers"]] == ["shop-green"]
    assert len(report["images"]) == 1


def test_an_app_that_was_never_deployed_has_nothing_to_prune(site):
    before = site.host.snapshot()
    report = prune(site, dry_run="true")
    assert not report["containers"] and not report["images"] and not report["records"] and not report["kept"]
    left = [line for line in site.host.snapshot() if line not in before and "/.bluegreen/bin" not in line]
    assert [line for line in left if "/apps" in line] == []


def test_a_running_deployment_is_waited_for_or_told(site):
    site.deploy("v1")
    stage = site.step("slow1", health_retries=40, warm_up="3s").start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    refused = site.run(command="prune", lock_timeout="0s", keep_hours=0)
    assert refused.exit_code == kit.EXIT["locked"], refused
    assert "another run holds the lock: deployment" in kit.error_text(refused)
    told = prune(site, dry_run="true", keep_hours=0)
    assert not told["containers"]
    waited = prune(site, lock_timeout="60s", keep_hours=0)
    assert "waiting for the lock" in site.results[-1].shown()
    assert site.finish(stage).exit_code == 0
    assert [c["name"] for c in waited["containers"]] == ["shop-green"]
    site.check_serves("slow1")
