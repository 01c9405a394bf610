"""What a run leaves to read: log, annotations, summary, outputs, metrics, bundle."""

import csv
import io
import json
import pathlib
import re

import pytest
from e2e import kit, schema

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs" / "metrics.schema.json"
BUNDLE = [r"deployment-\d{8}-\d{6}\.log", r"deployment-metrics-\d{8}-\d{6}\.json", r"events\.ndjson", r"health-samples\.csv",
          r"request\.json", r"engine\.json", r"action\.log", r"summary\.md"]


def check_metrics(data):
    assert schema.problems(data, json.loads(SCHEMA.read_text())) == []


@pytest.mark.parametrize("strategy", ["handover", "recreate"])
def test_metrics_of_a_good_deployment_fit_the_schema(site, strategy):
    site.deploy("v1", strategy=strategy)
    result = site.deploy("v2", strategy=strategy)
    data = kit.metrics(result, site)
    check_metrics(data)
    assert data["deployment_status"] == "success"
    assert data["outcome"] == "deployed"
    assert data["deployment_id"] == result.outputs["deployment-id"]
    assert data["image_tag"] == "v2" or data["image_tag"].endswith(":v2")
    assert 0 < data["total_duration_seconds"] < 60
    assert 0 <= data["outage_seconds"] < 10
    assert data["steps"]["image_pull"]["status"] == "success"


@pytest.mark.parametrize("tag,strategy", [("exits", "handover"), ("never-healthy", "recreate"), ("no-such-tag", "handover")])
def test_metrics_of_a_failed_deployment_fit_the_schema(site, tag, strategy):
    site.deploy("v1", strategy=strategy)
    data = kit.metrics(site.run(tag, strategy=strategy), site)
    check_metrics(data)
    assert data["deployment_status"] == "failed"


def test_bundle_of_a_good_deployment_is_complete(site):
    site.deploy("v1")
    result = site.deploy("v2")
    files = kit.bundle(result, site)
    for pattern in [*BUNDLE, r"inspect-blue\.json", r"inspect-green\.json", r"app-blue\.log"]:
        assert kit.named(files, pattern) is not None
    assert re.search(r"bluegreen-shop-\d{8}-\d{6}-[0-9a-z]+\.tar\.gz$", result.outputs["bundle-path"])
    assert b"app v2" in kit.named(files, r"app-blue\.log")


def test_bundle_of_a_failed_deployment_holds_the_log_of_the_app_that_failed(site):
    site.deploy("v1")
    files = kit.bundle(site.run("exits"), site)
    for pattern in BUNDLE:
        assert kit.named(files, pattern) is not None
    assert b"missing environment variable DATABASE_URL" in kit.named(files, r"app-candidate\.log")


def test_bundle_goes_where_bundle_path_says(site):
    result = site.deploy("v1", bundle_path="out/dir/evidence.tar.gz")
    assert result.outputs["bundle-path"].endswith("out/dir/evidence.tar.gz")
    assert kit.bundle(result, site)


def test_values_of_the_environment_are_redacted_in_the_bundle(site):
    result = site.deploy("v1", env="COLOUR=very-red", secret_env="TOKEN=hush-hush")
    files = kit.bundle(result, site)
    inspect = kit.named(files, r"inspect-blue\.json").decode()
    assert "COLOUR" in inspect and "TOKEN" in inspect
    assert "hush-hush" not in inspect and "very-red" not in inspect


def test_events_are_numbered_without_a_gap_and_end_with_the_outcome(site):
    told = kit.events(site.deploy("v1"), site)
    numbers = [e["seq"] for e in told if e["seq"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [e["kind"] for e in told if e["kind"] in ("outcome", "end")][0] == "outcome"
    assert all(e["v"] == 1 for e in told)


def test_health_samples_are_a_table(site):
    site.deploy("v1")
    rows = list(csv.DictReader(io.StringIO(kit.named(kit.bundle(site.run("never-healthy"), site),
                                                     r"health-samples\.csv").decode())))
    assert rows and any("503" in str(r) for r in rows)


def test_every_step_is_a_group_of_the_log(site):
    result = site.deploy("v1")
    titles = [g.title for g in result.log.groups]
    for event in kit.events(result, site):
        if event["kind"] == "step.start":
            assert any(event["title"] in t for t in titles), f"{event['title']}: {titles}"


def test_groups_are_closed(site):
    result = site.deploy("v1")
    depth = 0
    for line in result.log.shown:
        depth += line.startswith("##[group]") - line.startswith("##[endgroup]")
        assert depth in (0, 1)
    assert depth == 0


def test_a_good_deployment_has_one_notice_and_no_error(site):
    result = site.deploy("v1")
    assert not result.errors and not result.warnings, result.log.annotations
    assert len(result.log.of_level("notice")) >= 1


def test_a_failure_is_told_in_at_most_ten_errors_cause_first(site):
    site.deploy("v1")
    result = site.run("exits")
    assert 1 <= len(result.errors) <= 10
    assert re.search(r"exit code 3|DATABASE_URL|ended", result.errors[0].message + result.errors[0].title)


def test_summary_tells_what_changed_and_how_long_it_took(site):
    site.deploy("v1")
    summary = site.deploy("v2", env="NEW=1").summary
    for word in ("v2", "v1", "NEW", "|", "shop-blue", "bluegreen-shop-"):
        assert word in summary, f"{word} is missing in\n{summary}"
    assert re.search(r"target|Target", summary) and re.search(r"critical|Critical", summary)


def test_summary_of_a_rollback_tells_its_story(site):
    site.deploy("v1", strategy="recreate")
    summary = site.run("never-healthy", strategy="recreate").summary
    assert re.search(r"[Rr]olled back", summary)
    assert "503" in summary


def test_summary_file_is_the_summary(site):
    result = site.deploy("v1")
    path = site.outside(result.outputs["summary-path"])
    assert path.read_text().strip()[:200] == result.summary.strip()[:200]


def test_kpi_over_its_critical_value_is_an_error_annotation_without_failing(site):
    result = site.run("slow1", health_retries=40, kpi="total: 0.1/0.2/0.3")
    assert result.exit_code == 0, result
    assert any("otal" in a.message + a.title for a in result.errors), result.log.annotations


def test_kpi_over_its_warning_value_is_a_warning(site):
    result = site.deploy("v1", kpi="total: 0.001/0.002/900")
    assert any("otal" in a.message + a.title for a in result.warnings), result.log.annotations


def test_fail_on_kpi_fails_the_step_and_keeps_the_new_version(site):
    result = site.run("v1", kpi="total: 0.001/0.002/0.003", fail_on_kpi="true")
    assert result.exit_code == kit.EXIT["kpi"], result
    site.check_serves("v1")


def test_state_is_written_for_the_post_stage(site):
    result = site.deploy("v1")
    assert result.outputs["deployment-id"] in result.state.values()


def test_debug_run_works_and_says_more(site):
    quiet = site.deploy("v1")
    loud = site.run("v2", debug=True)
    assert loud.exit_code == 0
    assert len(loud.lines) >= len(quiet.lines) - 5


def test_files_of_the_workspace_are_readable_for_later_steps(site):
    site.deploy("v1")
    files = [p for p in site.steps[-1].job.workspace.rglob("*") if p.is_file()]
    assert files
    assert all(p.stat().st_mode & 0o044 == 0o044 for p in files), [oct(p.stat().st_mode) for p in files]


def test_env_file_of_the_workspace_reaches_the_container(site):
    step = site.step("v1", env_file="deploy/app.env")
    folder = step.job.workspace / "deploy"
    folder.mkdir()
    (folder / "app.env").write_text("# comment\nFROM_FILE='quoted value'\n")
    assert site.finish(step.start_main()).exit_code == 0
    assert "FROM_FILE=quoted value" in site.host.containers()["shop-blue"]["Config"]["Env"]


def test_old_logs_are_removed_and_newer_ones_kept(site):
    site.deploy("v1")
    path = f"/home/ec2-user/.bluegreen/apps/shop/deployments/{site.deployments()[0]}/outcome.json"
    site.host.exec(rf"""sed -i -E 's/("ended": *")[^"]*/\12026-01-02T03:04:05.000Z/' {path} && grep -q 2026-01-02 {path}""")
    site.deploy("v2")
    site.deploy("v3", keep_versions="2")  # v1 is old, and none of the last two good ones
    names = site.host.exec("ls /home/ec2-user/.bluegreen/apps/shop/deployments/*/deployment-2*.log").split()
    assert len(names) == 2, names
