"""The way back: by the post step, by command, by verify-url; and when there is none."""

import pytest
from e2e import kit

STRATEGIES = ["handover", "recreate"]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("job_status", ["failure", "cancelled"])
def test_post_rolls_back_a_good_deployment_of_a_job_that_did_not_succeed(site, job_status, strategy):
    site.deploy("v1", strategy=strategy)
    site.deploy("v2", strategy=strategy)
    with site.load() as load:
        kit.pause(0.3)
        post = site.post(job_status)
        kit.pause(0.3)
    assert post.exit_code == 0, post
    assert load.report.versions == ["v2", "v1"]
    assert load.report.outage < (1.0 if strategy == "handover" else 4.0), load.report
    site.check_serves("v1")
    assert "roll" in post.summary.lower()
    assert {"failure": "failed", "cancelled": "cancelled"}[job_status] in post.summary


def test_post_of_a_successful_job_keeps_the_new_version(site):
    site.deploy("v1")
    site.deploy("v2")
    before = site.host.snapshot(files=False)
    post = site.post("success")
    assert post.exit_code == 0, post
    assert site.host.snapshot(files=False) == before
    site.check_serves("v2")


@pytest.mark.parametrize("rollback_on", ["never", "deploy-failure"])
def test_post_keeps_the_new_version_when_told_so(site, rollback_on):
    site.deploy("v1")
    site.deploy("v2", rollback_on=rollback_on)
    assert site.post("failure").exit_code == 0
    site.check_serves("v2")


def test_post_keeps_a_good_version_whose_own_step_failed_over_a_kpi(site):
    site.deploy("v1")
    result = site.run("v2", kpi="total: 0.001/0.002/0.003", fail_on_kpi="true")
    assert result.exit_code == kit.EXIT["kpi"], result
    post = site.post("failure")
    assert post.exit_code == 0, post
    assert "its deployment stays" in post.shown()
    site.check_serves("v2")


def test_post_leaves_a_later_deployment_alone(site):
    site.deploy("v1")
    site.deploy("v2")
    ours = site.steps[-1]
    site.deploy("v3")
    post = site.post("failure", step=ours)
    assert post.exit_code == 0, post
    site.check_serves("v3")


def test_post_twice_rolls_back_once(site):
    site.deploy("v1")
    site.deploy("v2")
    site.post("failure")
    assert site.post("failure").exit_code == 0
    site.check_serves("v1")


def test_post_after_a_failed_deployment_changes_nothing(site):
    site.deploy("v1")
    site.run("exits")
    before = site.host.snapshot(files=False)
    assert site.post("failure").exit_code == 0
    assert site.host.snapshot(files=False) == before
    site.check_serves("v1")


def test_post_after_an_unchanged_deployment_changes_nothing(site):
    site.deploy("v1")
    site.deploy("v2")
    assert site.run("v2").outputs["outcome"] == "unchanged"
    assert site.post("failure").exit_code == 0
    site.check_serves("v2")


def test_post_after_a_refused_input_is_quiet(site):
    site.run("v1", port="nonsense")
    post = site.post("failure")
    assert post.exit_code == 0, post


def test_post_after_a_first_deployment_says_that_there_is_nothing_to_go_back_to(site):
    site.deploy("v1")
    post = site.post("failure")
    assert any(word in post.shown().lower() for word in ("no previous", "nothing to roll back", "no earlier")), post
    site.check_serves("v1")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_command_rollback_brings_the_previous_version_back(site, strategy):
    site.deploy("v1", strategy=strategy)
    site.deploy("v2", strategy=strategy)
    with site.load() as load:
        kit.pause(0.3)
        result = site.run(command="rollback", strategy=strategy)
        kit.pause(0.3)
    assert result.exit_code == 0, result
    assert result.outputs["outcome"] == "rolled_back"
    assert result.outputs["rolled-back"] == "true"
    assert load.report.versions == ["v2", "v1"]
    assert load.report.outage < (1.0 if strategy == "handover" else 4.0), load.report
    site.check_serves("v1")


def test_rollback_twice_goes_forth_again(site):
    site.deploy("v1")
    site.deploy("v2")
    for version in ("v1", "v2"):
        assert site.run(command="rollback").exit_code == 0
        site.check_serves(version)


def test_rollback_without_a_previous_version_is_refused(site):
    site.deploy("v1")
    before = site.host.snapshot(files=False)
    result = site.run(command="rollback")
    assert result.exit_code == kit.EXIT["no_previous"], result
    assert site.host.snapshot(files=False) == before


def test_rollback_on_an_empty_host_is_refused(site):
    result = site.run(command="rollback")
    assert result.exit_code == kit.EXIT["no_previous"], result
    assert site.host.containers() == {}


def test_rollback_to_a_version_taken_over_from_a_container_run_by_hand(site):
    site.host.run_by_hand("shop-blue", "v1")
    kit.eventually(site.host.version)
    site.deploy("v2")
    assert site.run(command="rollback").exit_code == 0
    assert site.host.version() == "v1"


def test_deploy_after_a_rollback_works(site):
    site.deploy("v1")
    site.deploy("v2")
    site.post("failure")
    site.deploy("v3")
    site.check_serves("v3")


def test_status_reports_and_changes_nothing(site):
    site.deploy("v1")
    site.deploy("v2")
    before = site.host.snapshot(files=False)
    result = site.run(command="status")
    assert result.exit_code == 0, result
    assert "shop-blue" in result.shown() and "shop-green" in result.shown()
    assert site.host.snapshot(files=False) == before
    post = site.post("failure")
    assert post.exit_code == 0
    site.check_serves("v2")


def test_status_of_an_empty_host_is_no_failure(site):
    assert site.run(command="status").exit_code == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("case", ["body", "status", "unreachable"])
def test_verify_url_that_does_not_hold_rolls_back(site, case, strategy):
    site.deploy("v1", strategy=strategy)
    url = f"http://{site.host.name}:8080/"
    over = {
        "body": {"verify_url": url, "verify_body": "something else"},
        "status": {"verify_url": url, "verify_status": "204"},
        "unreachable": {"verify_url": f"http://{site.host.name}:9/"},
    }[case]
    result = site.run("v2", strategy=strategy, **over)
    assert result.exit_code == kit.EXIT["rolled_back"], result
    assert result.outputs["outcome"] == "rolled_back"
    assert "verify-url" in kit.error_text(result) or "verify" in kit.error_text(result).lower()
    site.check_serves("v1")


def test_verify_url_that_holds_changes_nothing(site):
    site.deploy("v1")
    result = site.deploy("v2", verify_url=f"http://{site.host.name}:8080/", verify_body="v2", verify_max_time="5s")
    assert "verify" in result.shown().lower()
    site.check_serves("v2")


def test_verify_url_that_fails_with_rollback_on_never_keeps_the_new_version(site):
    site.deploy("v1")
    result = site.run("v2", verify_url=f"http://{site.host.name}:8080/", verify_body="nope", rollback_on="never")
    assert result.exit_code != 0
    assert site.host.version() == "v2"
