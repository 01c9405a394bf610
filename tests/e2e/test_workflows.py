"""The workflows of this repository and the examples for users: they parse, ask for little, pin what they run, and name only
inputs and outputs that the action has."""

import os
import re
import subprocess

import pytest
import yaml

from testbed import actionyml, runner

REPOSITORY = runner.REPOSITORY
OWN = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.yml"))
COMPOSITES = sorted((REPOSITORY / ".github/actions").glob("*/action.yml"))
ACTION = "org/bluegreen-action"
# Stands in examples for the commit of a release of ours, which an example cannot know.
PLACEHOLDER = "0" * 40
PLACEHOLDER_FOR = (ACTION, "OWNER/workflows/")
# Who may write what, beyond reading the repository.
WRITERS = {
    ("codeql.yml", "analyze"): {"security-events"},
    ("scorecard.yml", "scorecard"): {"security-events", "id-token"},
    ("release.yml", "image"): {"packages", "id-token", "attestations"},
    ("release-image.yml", "image"): {"packages", "id-token", "attestations"},
    ("release.yml", "publish"): {"contents"},
    ("four-jobs.yml", "docker-build"): {"id-token"},
    ("four-jobs.yml", "deploy"): {"id-token"},
    ("keyless-aws.yml", "deploy"): {"id-token"},
}

each = pytest.mark.parametrize("path", OWN + EXAMPLES, ids=lambda p: p.name)
each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
each_file = pytest.mark.parametrize("path", OWN + EXAMPLES + COMPOSITES, ids=lambda p: f"{p.parent.name}/{p.name}")


class Plain(yaml.SafeLoader):
    """Takes `on` for a word, as GitHub does."""


Plain.yaml_implicit_resolvers = {
    first: [(tag, what) for tag, what in pairs if tag != "tag:yaml.org,2002:bool" or first not in "oOyYnN"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def load(path):
    return yaml.load(path.read_text(), Plain)  # noqa: S506 a subclass of the safe loader


def jobs(path):
    return load(path)["jobs"].items()


def steps(path):
    """(job, step) of a workflow, or of a composite action."""
    top = load(path)
    if "runs" in top:
        return [("", s) for s in top["runs"]["steps"]]
    return [(name, s) for name, job in top["jobs"].items() for s in job.get("steps", [])]


def ours(path):
    """The steps that run this action: (job's name, step)."""
    return [(job, s) for job, s in steps(path) if s.get("uses", "").startswith(ACTION + "@")]


@pytest.fixture(scope="module")
def action():
    return actionyml.load(REPOSITORY / "action.yml")


@pytest.fixture(scope="module")
def declared():
    return yaml.safe_load((REPOSITORY / "action.yml").read_text())


def test_there_is_a_workflow_and_an_example_for_each_use():
    assert {p.name for p in OWN} == {"ci.yml", "codeql.yml", "release-image.yml", "release.yml", "scorecard.yml"}
    assert {p.name for p in EXAMPLES} == {
        "minimal.yml", "four-jobs.yml", "environments.yml", "reusable-deploy.yml", "call-reusable.yml", "rollback.yml",
        "status.yml", "plan.yml", "two-hosts.yml", "keyless-aws.yml"}


@each
def test_actionlint_and_shellcheck_find_nothing(path):
    p = subprocess.run(["actionlint", "-no-color", "-shellcheck", "shellcheck", str(path)], cwd=REPOSITORY,
                       capture_output=True, text=True, timeout=120, check=False)
    assert p.returncode == 0, p.stdout + p.stderr


def test_actionlint_would_find_something(tmp_path):
    bad = tmp_path / "bad.yml"
    bad.write_text("on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
                   "      - run: echo ${{ github.event.head_commit.message }}; echo $unquoted\n")
    p = subprocess.run(["actionlint", "-no-color", "-shellcheck", "shellcheck", str(bad)], capture_output=True, text=True,
                       timeout=120, check=False)
    assert "potentially untrusted" in p.stdout and "SC2086" in p.stdout


def uses_lines():
    """(file, action, commit, comment) of everything that is run from elsewhere."""
    found = []
    for path in OWN + EXAMPLES + COMPOSITES:
        for line in path.read_text().splitlines():
            match = re.match(r"\s*(?:- )?uses:\s*(\S+)(.*)$", line)
            if match and not match[1].startswith("./"):
                name, _, ref = match[1].partition("@")
                found.append((path.name, name, ref, match[2].strip()))
    assert len(found) > 20
    return found


def test_everything_from_elsewhere_is_pinned_by_commit_and_says_its_version():
    wrong = [u for u in uses_lines() if not re.fullmatch(r"[0-9a-f]{40}", u[2]) or not re.fullmatch(r"# v\d+(\.\d+)+", u[3])]
    assert not wrong


def test_the_placeholder_stands_for_our_own_releases_only():
    for name, what, commit, _ in uses_lines():
        assert (commit == PLACEHOLDER) == what.startswith(PLACEHOLDER_FOR), f"{name}: {what}@{commit}"
    for page in ("examples/minimal.yml", "examples/call-reusable.yml", "README.md"):
        assert "forty zeros" in (REPOSITORY / page).read_text(), f"{page} does not explain the placeholder"


def test_one_version_of_each_action_everywhere():
    pins = {}
    for _, what, commit, comment in uses_lines():
        repository = "/".join(what.split("/")[:2])
        pins.setdefault(repository, set()).add((commit, comment))
    assert not {k: v for k, v in pins.items() if len(v) > 1}


def test_what_a_workflow_uses_from_here_is_here():
    for path in OWN + EXAMPLES + COMPOSITES:
        for local in re.findall(r"uses:\s*\./(\S+)", path.read_text()):
            where = REPOSITORY / local
            assert where.is_file() or (where / "action.yml").is_file(), f"{path.name}: {local}"
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.M))
    for path in OWN + COMPOSITES:
        for _, step in steps(path):
            text = step.get("run", "")
            assert set(re.findall(r"\bmake ([a-z]+)", text)) <= targets, path.name
            for script in re.findall(r"(?:\.github/scripts|tests/testbed)/[\w-]+\.sh", text):
                assert os.access(REPOSITORY / script, os.X_OK), f"{path.name}: {script}"


@each
def test_nothing_is_allowed_that_no_job_asks_for(path):
    assert load(path)["permissions"] == {}
    for name, job in jobs(path):
        allowed = job["permissions"]
        assert isinstance(allowed, dict), f"{name}: {allowed}"
        assert {k for k, v in allowed.items() if v == "write"} == WRITERS.get((path.name, name), set()), name
        assert set(allowed.values()) <= {"read", "write"} and {k for k, v in allowed.items() if v == "read"} <= {
            "contents", "actions"}, name


@each
def test_no_trigger_runs_strangers_code_with_our_secrets(path):
    triggers = load(path)["on"]
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(
        [triggers] if isinstance(triggers, str) else triggers)


@each_file
def test_no_expression_is_pasted_into_a_script(path):
    for job, step in steps(path):
        assert "${{" not in step.get("run", ""), f"{job}: {step['run']}"


@each_file
def test_a_checkout_keeps_no_credentials(path):
    for job, step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false" or step["with"]["persist-credentials"] is False, job


@each
def test_every_job_has_an_end_and_a_known_machine(path):
    for name, job in jobs(path):
        if "uses" in job:
            continue
        assert 0 < job["timeout-minutes"] <= 60, name
        assert job["runs-on"] == "ubuntu-24.04", name


@each
def test_every_workflow_says_what_may_run_at_once(path):
    top = load(path)
    called = set(top["on"]) == {"workflow_call"}
    grouped = [top] + list(top["jobs"].values())
    if (called or path.name == "call-reusable.yml") and not ours(path):
        return
    assert any("concurrency" in part for part in grouped)
    for job, _ in ours(path):
        group = top["jobs"][job].get("concurrency", top.get("concurrency"))
        assert group and group["cancel-in-progress"] is False, f"{job}: a deployment must not be cut off by the next one"


# ---- the action's own contract ----


@each_example
def test_an_example_deploys_or_calls_what_does(path):
    assert ours(path) or any("reusable-deploy.yml@" in job.get("uses", "") for _, job in jobs(path))


@each_example
def test_an_example_gives_only_inputs_that_exist(path, action):
    for job, step in ours(path):
        assert set(step["with"]) <= set(action.inputs), f"{job}: {set(step['with']) - set(action.inputs)}"


@each_example
def test_an_example_gives_all_inputs_that_are_wanted(path, declared):
    required = {k for k, v in declared["inputs"].items() if v["required"]}
    assert required == {"host", "app"}
    for job, step in ours(path):
        given = step["with"]
        assert required <= set(given), f"{job}: {required - set(given)}"
        if not given["host"].startswith(("i-", "tag:")):
            assert {"host-fingerprint", "known-hosts"} & set(given), f"{job}: no pin, no connection"
        assert ("ssh-key" in given) == (given.get("ssh-auth", "key") == "key"), f"{job}: no way to log in, or two"
        if given.get("command", "deploy") == "deploy":
            assert "image" in given, job


@each_example
def test_an_example_takes_secrets_only_from_where_they_are_kept(path, declared):
    secret = {k for k, v in declared["inputs"].items() if v["description"].endswith(" Secret.")}
    assert {"ssh-key", "registry-password", "secret-env", "notify-url"} <= secret
    for job, step in ours(path):
        for key in secret & set(step["with"]):
            for line in step["with"][key].strip().splitlines():
                assert re.fullmatch(r"(?:[A-Z_]+=)?\$\{\{ secrets\.[A-Z_]+ \}\}", line), line
        assert load(path)["jobs"][job].get("environment"), f"{job}: its secrets belong to an environment"


@each_example
def test_an_example_reads_only_outputs_that_exist(path, action):
    text = path.read_text()
    ids = {step["id"]: job for job, step in ours(path) if "id" in step}
    read = [(i, name) for i, name in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", text) if i in ids]
    assert not [r for r in read if r[1] not in action.outputs]
    for job, step in ours(path):
        if "id" in step:
            assert any(i == step["id"] for i, _ in read), f"{job}: {step['id']} is named for nothing"


@each_example
def test_an_example_says_what_it_is_for(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith("# ") and len(first) > 40


def test_the_pages_that_show_a_workflow_keep_to_the_contract(action):
    shown = 0
    for page in ["README.md", "SECURITY.md", *(f"docs/{p.name}" for p in (REPOSITORY / "docs").glob("*.md"))]:
        for block in re.findall(r"```yaml\n(.*?)```", (REPOSITORY / page).read_text(), re.S):
            top = yaml.safe_load(block)
            for job in (top.get("jobs", {}) if isinstance(top, dict) else {}).values():
                for step in job.get("steps", []):
                    if step.get("uses", "").startswith(ACTION + "@"):
                        shown += 1
                        assert set(step["with"]) <= set(action.inputs), page
    assert shown


def test_readme_names_every_example():
    text = (REPOSITORY / "README.md").read_text()
    assert not [p.name for p in EXAMPLES if f"examples/{p.name}" not in text]


# ---- what else guards the repository ----


def test_updates_are_watched_for_everything_that_is_pinned():
    updates = yaml.safe_load((REPOSITORY / ".github/dependabot.yml").read_text())["updates"]
    watched = {}
    for u in updates:
        for where in u.get("directories", [u.get("directory")]):
            hits = [REPOSITORY] if where == "/" else sorted(REPOSITORY.glob(where.lstrip("/")))
            assert hits, where
            watched.setdefault(u["package-ecosystem"], set()).update(hits)
    tracked = subprocess.run(["git", "-C", str(REPOSITORY), "ls-files", "-co", "--exclude-standard"], capture_output=True,
                             text=True, timeout=60, check=True).stdout.splitlines()
    files = [REPOSITORY / t for t in tracked if (REPOSITORY / t).exists()]
    assert {f.parent for f in files if f.name.endswith("Dockerfile")} <= watched["docker"]
    assert {f.parent for f in files if f.name == "package.json"} <= watched["npm"]
    assert {p.parent for p in COMPOSITES + EXAMPLES} | {REPOSITORY} <= watched["github-actions"]
    assert {f.parent for f in files if f.name == "requirements.txt"} <= watched["pip"]
    assert not [f for f in files if f.name in ("go.mod", "Cargo.toml", "Gemfile")], "watch these too"


def test_the_base_image_can_be_named_by_digest():
    froms = re.findall(r"^FROM (?:--platform=\S+ )?(\S+)(?: AS (\S+))?", (REPOSITORY / "Dockerfile").read_text(), re.M)
    stages = {name for _, name in froms if name}
    assert {f for f, _ in froms} - stages == {"${BASE_IMAGE}", "scratch"}
    build = (REPOSITORY / ".github/scripts/release-image.sh").read_text()
    assert "BASE_IMAGE=${base%%:*}@$digest" in build and '--build-arg "BASE_IMAGE=$BASE_IMAGE"' in build
    assert "base-image.txt" in build


def test_licence_and_security_policy_are_there():
    assert "MIT License" in (REPOSITORY / "LICENSE").read_text()
    policy = (REPOSITORY / "SECURITY.md").read_text()
    assert "Report" in policy and "private" in policy.lower()
