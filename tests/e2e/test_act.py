"""Whole workflows under act: a real runner reads action.yml, starts both stages and hands outputs on. No network."""

import hashlib
import io
import json
import pathlib
import tarfile
import zipfile

import pytest
from e2e import kit
from testbed import act
from testbed.engine import docker, wait_for
from testbed.testbed import host_image

WORKFLOWS = pathlib.Path(__file__).resolve().parent / "workflows"
DOWNLOAD = act.REPOSITORY / "tests" / "tools" / "download.mjs"
JOB_STATUS = "          job-status: ${{ job.status }}\n"


@pytest.fixture
def make(site):
    """make("deploy.yml") is a repository with that workflow and the settings that it needs; edit changes its text."""
    if not act.available():
        pytest.fail("act is missing: it is in the development image", pytrace=False)

    def one(name, edit=None, **kwargs):
        text = (WORKFLOWS / name).read_text()
        secrets, more = act.settings(site)
        variables = {**more, **kwargs.pop("variables", {})}
        return act.Act(site.bed, {name: edit(text) if edit else text}, secrets, variables, **kwargs)
    return one


def deploy(repository, tag, then="true", **kwargs):
    return repository.run("workflow_dispatch", inputs={"tag": tag, "then": then}, **kwargs)


def with_job_status(text):
    """As the README tells users of act to write it."""
    out = text.replace("          app: shop\n", "          app: shop\n" + JOB_STATUS)
    assert out != text
    return out


def bundle_in(repository, name):
    """The bundle in an artifact of act's server: the one file of the zip, in bytes."""
    with zipfile.ZipFile(repository.artifact(name)) as z:
        assert z.testzip() is None
        (only,) = z.namelist()
        assert only.endswith(".tar.gz")
        return z.read(only)


def check_nothing_left(site):
    assert act.containers(site.bed) == []


def check_no_state_file(repository):
    assert not [p for w in repository.workspaces() for p in w.glob(".bluegreen-state-*")]


def test_deploy_hands_its_outputs_to_the_next_step(site, make):
    repository = make("deploy.yml")
    result = deploy(repository, "v1")
    assert result.exit_code == 0, result
    assert result.jobs() == {"deploy": "success"}
    main, post = result.step("deploy"), result.step("deploy", "Post")
    assert (main.result, post.result) == ("success", "success"), result
    assert main.outputs["outcome"] == "deployed"
    told = dict(line.split("=", 1) for line in result.step("told").text.splitlines())
    assert told["outcome"] == "deployed"
    assert told["digest"] == main.outputs["image-digest"] and told["digest"].startswith("sha256:")
    assert "Deployed" in main.summary and "serves as shop" in main.summary
    assert ("notice", "Deployed") in [a[:2] for a in main.annotations]
    assert "The job succeeded" in post.text
    site.check_serves("v1")
    check_nothing_left(site)
    bundle = bundle_in(repository, f"bluegreen-shop-{main.outputs['deployment-id']}")
    assert hashlib.sha256(bundle).hexdigest() == told["bundle"]
    with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as t:
        assert any(n.endswith("events.ndjson") for n in t.getnames())


def test_githubs_own_client_fetches_the_artifact_from_the_runners_service(make):
    repository = make("artifact.yml", variables={"DOWNLOAD": str(DOWNLOAD)})
    result = repository.run("workflow_dispatch")
    assert result.exit_code == 0, result
    outputs = result.step("deploy").outputs
    found = json.loads(result.step("fetch").text.splitlines()[-1])
    assert found["listed"] == ["the-bundle"]
    assert str(found["artifact"]["id"]) == outputs["artifact-id"]
    fetched, ours = result.step("sums").text.split()
    assert fetched == ours == hashlib.sha256(bundle_in(repository, "the-bundle")).hexdigest()
    zipped = repository.artifact("the-bundle").read_bytes()
    assert outputs["artifact-digest"] == "sha256:" + hashlib.sha256(zipped).hexdigest()


@pytest.mark.parametrize("written", ["job-status written", "job-status left out"])
def test_failing_later_step_takes_the_new_version_back(site, make, written):
    site.deploy("v1")
    repository = make("deploy.yml", with_job_status if written == "job-status written" else None)
    result = deploy(repository, "v2", then="false")
    assert result.exit_code != 0
    assert result.step("deploy").outputs["outcome"] == "deployed", result
    post = result.step("deploy", "Post")
    assert post.result == "success", result
    assert "The job failed after this deployment" in post.text
    assert "outcome: rolled_back" in post.text
    assert ("notice", "Rolled back") in [a[:2] for a in post.annotations]
    assert "Rolled back" in post.summary
    site.check_serves("v1")
    check_no_state_file(repository)
    check_nothing_left(site)


def test_job_in_a_container_of_its_own_rolls_back_as_well(site, make):
    """act's other way, and that of the runners made from it: the workspace is a volume, the network that of the job."""
    site.deploy("v1")
    try:
        result = deploy(make("deploy.yml"), "v2", then="false", job_image=host_image())
    finally:
        docker("volume", "rm", "act-toolcache", check=False)
    assert result.step("deploy").outputs["outcome"] == "deployed", result
    assert "outcome: rolled_back" in result.step("deploy", "Post").text, result
    site.check_serves("v1")
    check_nothing_left(site)


def test_step_that_fails_over_a_good_version_keeps_it(site, make):
    more = "          kpi: 'total: 0.001/0.002/0.003'\n          fail-on-kpi: true\n"
    repository = make("deploy.yml", lambda text: text.replace("          app: shop\n", "          app: shop\n" + more))
    result = deploy(repository, "v1")
    assert result.exit_code != 0
    assert result.step("deploy").result == "failure", result
    assert "its deployment stays" in result.step("deploy", "Post").text, result
    site.check_serves("v1")


def test_failed_deployment_fails_the_job_and_post_has_nothing_to_do(site, make):
    site.deploy("v1")
    repository = make("deploy.yml")
    result = deploy(repository, "exits")
    assert result.jobs() == {"deploy": "failure"}
    assert result.step("deploy").outputs["outcome"] == "failed_untouched", result
    assert "nothing to roll back" in result.step("deploy", "Post").text, result
    assert any(a[0] == "error" for a in result.step("deploy").annotations)
    site.check_serves("v1")


def test_cancel_after_the_deployment_takes_it_back(site, make):
    site.deploy("v1")
    repository = make("deploy.yml")
    run = repository.start("workflow_dispatch", inputs={"tag": "v2", "then": "echo later step; sleep 60"})
    run.wait_line("^later step$")
    run.cancel()
    result = run.wait()
    assert "The job was cancelled after this deployment" in result.step("deploy", "Post").text, result
    site.check_serves("v1")
    check_nothing_left(site)


def test_cancel_in_mid_deployment_ends_with_the_old_version(site, make):
    """act takes the main stage's container away by force; the agent goes on, and post waits for it and rolls back."""
    site.deploy("v1")
    repository = make("deploy.yml")
    run = repository.start("workflow_dispatch", inputs={"tag": "slow1"})
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    run.cancel()
    result = run.wait()
    post = result.step("deploy", "Post")
    assert "cancelled" in post.text and "Rolling back" in post.text, result
    assert post.result == "success", result
    kit.eventually(lambda: not site.host.agent_pids(), 20)
    site.check_serves("v1")
    check_nothing_left(site)


def test_runner_that_dies_in_mid_deployment_leaves_a_whole_version(site, make):
    """No post stage at all; the container of the main stage lives on and ends its work."""
    site.deploy("v1")
    repository = make("deploy.yml")
    run = repository.start("workflow_dispatch", inputs={"tag": "slow1"})
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    run.kill()
    left = act.containers(site.bed)
    if left:
        docker("kill", *left, check=False)
        docker("rm", "-f", *left, check=False)
    run.wait()
    wait_for("end of the agent's work", lambda: site.host.version() == "slow1" and not site.host.agent_pids(), 20)
    site.check_serves("slow1")


def test_matrix_of_two_hosts_deploys_both(site, make):
    other = site.bed.extra_host("web2")
    other.reset()
    known = "\n".join(h.known_hosts() for h in (site.host, other))
    repository = make("matrix.yml", variables={"KNOWN_HOSTS": known})
    result = repository.run("workflow_dispatch")
    assert result.exit_code == 0, result
    ids = {}
    for host in ("web1", "web2"):
        told = result.step("told", matrix={"host": host}).text.split()
        assert told[0] == host and told[2] == "deployed", result
        ids[host] = told[1]
        assert "The job succeeded" in result.step("deploy", "Post", matrix={"host": host}).text
    assert ids["web1"] != ids["web2"]
    for one in ids.values():
        bundle_in(repository, f"bluegreen-shop-{one}")
    site.check_serves("v1")
    assert other.version() == "v1"


def test_status_tells_and_changes_nothing(site, make):
    site.deploy("v1")
    before = site.host.snapshot(files=False)
    result = make("status.yml").run("workflow_dispatch")
    assert result.exit_code == 0, result
    assert result.step("told").text == f"outcome=reported serves={site.deployments()[-1]}"
    assert "shop-blue" in result.step("status").text
    assert site.host.snapshot(files=False) == before


def test_action_of_the_same_repository_is_built_from_its_dockerfile(site, make):
    """`uses: ./`: act builds the Dockerfile beside action.yml, as GitHub's runner does."""
    text = (act.REPOSITORY / "action.yml").read_text()
    repository = make("deploy.yml", lambda t: t.replace("octo/bluegreen-action@v1", "./"),
                      files={"action.yml": text, "Dockerfile": f"FROM {act.runner.ACTION_IMAGE}\n"})
    try:
        result = deploy(repository, "v1")
        assert result.exit_code == 0, result
        site.check_serves("v1")
    finally:
        docker("rmi", "-f", "act-dockeraction:latest", check=False)
