"""Apps that misbehave: right outcome, right exit code, cause named, the old version answers, nothing left over."""

import re

import pytest
from e2e import kit
from testbed.peek import Peek

# tag, cause (exit code when untouched), words an ::error must have, further inputs
BAD = {
    "never-healthy": ("unhealthy", r"503", {}),
    "exits": ("app_exited", r"exit code 3|DATABASE_URL", {}),
    "dies-after": ("app_exited", r"exit code 4|out of luck", {"warm_up": "2500ms"}),
    "wrong-arch": ("platform", r"arm64", {}),
}
STRATEGIES = ["handover", "recreate"]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("tag", BAD)
def test_bad_app_leaves_the_old_version_serving(site, tag, strategy):
    cause, words, over = BAD[tag]
    site.deploy("v1", strategy=strategy)
    before = site.host.versions()
    images, networks = site.host.images(), site.host.docker("network", "ls", "-q", "--no-trunc")
    untouched = strategy == "handover" or tag == "wrong-arch"
    with site.load() as load:
        kit.pause(0.3)
        result = site.run(tag, strategy=strategy, **over)
        kit.pause(0.3)
    if untouched:
        assert result.exit_code == kit.EXIT[cause], result
        assert result.outputs["outcome"] == "failed_untouched"
        assert load.report.failed == 0, load.report
        assert load.report.versions == ["v1"]
    else:
        assert result.exit_code == kit.EXIT["rolled_back"], result
        assert result.outputs["outcome"] == "rolled_back"
        assert result.outputs["rolled-back"] == "true"
        assert load.report.versions[0] == load.report.versions[-1] == "v1"
    assert re.search(words, kit.error_text(result)), kit.error_text(result)
    after = site.check_serves("v1")
    assert {n: c["Id"] for n, c in after.items()} == {n: c["Id"] for n, c in before.items()}
    assert site.host.images() == images, "the image that failed must not stay"
    assert site.host.docker("network", "ls", "-q", "--no-trunc") == networks


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("tag", BAD)
def test_bad_app_as_first_deployment_leaves_the_host_empty(site, tag, strategy):
    cause, words, over = BAD[tag]
    result = site.run(tag, strategy=strategy, **over)
    assert result.exit_code in (kit.EXIT[cause], kit.EXIT["rolled_back"]), result
    assert re.search(words, kit.error_text(result)), kit.error_text(result)
    assert site.host.containers() == {}
    assert site.host.images() == []
    assert site.host.version() == ""
    site.check_nothing_left_over()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_previous_version_that_ignores_sigterm_is_replaced(site, strategy):
    site.deploy("ignore-sigterm", strategy=strategy)
    with site.load() as load:
        kit.pause(0.3)
        site.deploy("v2", strategy=strategy, stop_timeout="2s")
        kit.pause(0.3)
    assert load.report.versions == ["ignore-sigterm", "v2"]
    assert load.report.outage < (1.0 if strategy == "handover" else 5.0), load.report
    site.check_serves("v2")


def test_new_version_that_ignores_sigterm_and_is_not_healthy_is_removed_in_time(site):
    site.bed.registry.push_app("stubborn", env={"IGNORE_TERM": "1", "HEALTH_STATUS": "503"})
    site.deploy("v1")
    result = site.run("stubborn")
    assert result.exit_code == kit.EXIT["unhealthy"]
    assert result.seconds < 20
    site.check_serves("v1")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_slow_app_is_waited_for(site, strategy):
    site.deploy("v1", strategy=strategy)
    site.deploy("slow1", strategy=strategy, health_retries=40)
    site.check_serves("slow1")


def test_app_slower_than_its_health_check_allows_is_not_taken(site):
    site.deploy("v1")
    result = site.run("slow1", health_retries=5)
    assert result.exit_code == kit.EXIT["unhealthy"]
    site.check_serves("v1")


def test_failed_health_check_shows_the_last_lines_of_the_app(site):
    site.deploy("v1")
    result = site.run("exits")
    assert "missing environment variable DATABASE_URL" in result.shown()
    assert "missing environment variable DATABASE_URL" in result.summary


def test_app_with_a_database_connection_is_healthy_after_the_handover(site, database):
    site.deploy("v1", env=f"DB={database.address}")
    with site.load() as load:
        kit.pause(0.3)
        site.deploy("v2", env=f"DB={database.address}")
        kit.pause(0.3)
    assert load.report.outage < 1.0, load.report
    status, body = kit.eventually(lambda: (lambda a: a if a[0] == 200 else None)(site.host.http("/health")))
    assert "db=up" in body, body


def test_database_connection_of_the_new_version_survives_the_handover(site, database):
    site.deploy("v1", env=f"DB={database.address}")
    site.deploy("v2", env=f"DB={database.address}")
    kit.pause(1.5)
    status, body = site.host.http("/health")
    assert (status, body) == (200, "ok v2 db=up connects=1")


def test_huge_log_stays_within_the_memory_bounds(site):
    site.deploy("v1")
    with Peek(bed=site.bed) as peek:
        site.deploy("huge-log", health_retries=40, warm_up="1s")
    peaks = peek.peaks()
    assert 0 < peaks["agent"] <= 12 * 1024, f"agent: {peaks['agent']} KiB"
    assert 0 < peaks["action"] <= 32 * 1024, f"action: {peaks['action']} KiB"
    assert len(site.results[-1].text) < 4 << 20


def test_huge_log_of_a_failing_app_stays_within_the_memory_bounds(site):
    site.bed.registry.push_app("huge-sick", env={"LOG_MB": "100", "HEALTH_STATUS": "503"})
    site.deploy("v1")
    with Peek(bed=site.bed) as peek:
        result = site.run("huge-sick", health_retries=20)
    peaks = peek.peaks()
    assert result.exit_code == kit.EXIT["unhealthy"]
    assert 0 < peaks["agent"] <= 12 * 1024, f"agent: {peaks['agent']} KiB"
    assert 0 < peaks["action"] <= 32 * 1024, f"action: {peaks['action']} KiB"
    assert len(result.text) < 4 << 20, "the log of the run must stay readable"


def test_app_whose_log_holds_workflow_commands_cannot_command_the_runner(site):
    site.bed.registry.push_app("shouter", env={"APP_VERSION": "x\n::error::owned\n##[error]owned\r::set-output name=a::b\n",
                                               "EXIT_CODE": "5"})
    result = site.run("shouter")
    assert result.exit_code != 0
    assert not any("owned" in a.message for a in result.errors if "exit code" not in a.message)
    assert "a" not in result.outputs
