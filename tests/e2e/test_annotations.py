"""Annotations: what the runner stores of them, in which order, and where in the workflow they point."""

import textwrap

from e2e import kit
from testbed import commands

FILE = ".github/workflows/deploy.yml"
WORKFLOW = textwrap.dedent("""\
    name: deploy
    on: push
    jobs:
      build:
        steps:
          - uses: octo/bluegreen@v1
      deploy:
        runs-on: ubuntu-latest
        steps:
          - uses: actions/checkout@v5
          - name: Deploy
            uses: octo/bluegreen@v1 # the one
            with:
              host: web1
              env: |
                port: 1
              port: nonsense
              app: shop
    """)
USES, PORT = (WORKFLOW.split("\n").index(line) + 1 for line in ("        uses: octo/bluegreen@v1 # the one",
                                                               "          port: nonsense"))
REMOTE = {"GITHUB_ACTION_REPOSITORY": "octo/bluegreen"}


def with_workflow(step, text=WORKFLOW):
    path = step.job.workspace / FILE
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return step


def annotations(result):
    """(level, title, file, line) of each, in order."""
    out = []
    for line in result.lines:
        c = commands.parse_command(line.text)
        if c and c.name in ("error", "warning", "notice"):
            p = c.properties
            out.append((c.name, p.get("title"), p.get("file"), p.get("line")))
    return out


def test_a_wrong_input_is_shown_at_its_line_of_the_workflow(site):
    step = with_workflow(site.step("v1", port="nonsense", memory="lots", step_env=REMOTE))
    result = site.finish(step.start_main())
    assert result.exit_code == kit.EXIT["input"]
    assert annotations(result) == [("error", "Wrong input", FILE, str(PORT)),
                                   ("error", "Wrong input", FILE, str(USES))]  # memory has no line there


def test_a_failed_deployment_is_shown_at_the_step_outcome_first(site):
    site.deploy("v1")
    step = with_workflow(site.step("exits", step_env=REMOTE, kpi="image_pull: 0.000001/0.000002/0.000003"))
    result = site.finish(step.start_main())
    told = annotations(result)
    assert [t[:2] for t in told] == [("error", "Deployment failed and production is untouched"), ("error", "Likely cause"),
                                     ("error", "KPI critical")]
    assert {t[2:] for t in told} == {(FILE, str(USES))}
    first, second = result.errors[:2]
    assert "Likely cause:" in first.message and "Next:" in first.message
    assert "Evidence:" in second.message and "DATABASE_URL" in second.message


def test_a_local_action_of_several_steps_points_at_the_file(site):
    text = "jobs:\n  deploy:\n    steps:\n      - uses: ./\n      - uses: ./other\n"
    result = site.finish(with_workflow(site.step("v1", port="nonsense"), text).start_main())
    assert annotations(result) == [("error", "Wrong input", FILE, None)]


def test_without_the_workflow_file_there_is_no_position(site):
    result = site.run("v1", port="nonsense", step_env=REMOTE)
    assert annotations(result) == [("error", "Wrong input", None, None)]


def test_the_post_step_points_at_the_same_step(site):
    site.deploy("v1")
    step = with_workflow(site.step("v2", step_env=REMOTE))
    assert site.finish(step.start_main()).exit_code == 0
    post = site.post("failure", step=step)
    assert annotations(post) == [("notice", "Rolled back", FILE, str(USES))]
