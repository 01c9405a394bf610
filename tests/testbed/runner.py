"""GitHub's runner as a container action meets it: the docker run, the environment, file commands, state, cancellation.

Written after actions/runner (Handlers/ContainerActionHandler, DockerCommandManager, ProcessInvoker); nothing here knows
the action beyond its action.yml.
"""

import json
import os
import pathlib
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass, field

from . import actionyml, commands
from .engine import LABEL, Problem, docker

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ACTION_IMAGE = os.environ.get("BLUEGREEN_ACTION_IMAGE", "bluegreen-action:dev")
SUMMARY_MAX = 1024 * 1024
SHOWN_MAX = 200  # lines of a log that a message shows

# After a cancel: what the runner sends the docker command, and how long it waits before the next.
CANCEL_STEPS = ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, 10.0))


@dataclass
class Line:
    at: float  # time.monotonic() of arrival
    stream: str
    text: str


@dataclass(repr=False)
class Result:
    stage: str
    exit_code: int
    seconds: float
    lines: list
    log: commands.StepLog
    outputs: dict
    state: dict
    summary: str
    bad_files: list
    command: str = ""
    killed: bool = False  # the docker command had to be killed; the container may still run

    @property
    def text(self):
        """The raw log."""
        return "\n".join(line.text for line in self.lines)

    @property
    def failed(self):
        return self.exit_code != 0 or self.log.fails_step or bool(self.bad_files)

    @property
    def errors(self):
        return self.log.of_level("error")

    @property
    def warnings(self):
        return self.log.of_level("warning")

    def shown(self):
        return "\n".join(self.log.shown)

    def __repr__(self):
        lines = [line[:500] for line in self.log.shown]
        if len(lines) > SHOWN_MAX:
            lines[SHOWN_MAX // 2:-SHOWN_MAX // 2] = [f"… {len(lines) - SHOWN_MAX} lines …"]
        return "\n".join([f"\n--- {self.stage}: exit code {self.exit_code} after {self.seconds:.1f} s", *lines, ""])


@dataclass
class Job:
    """Folders and identity that the steps of one job share."""
    folder: pathlib.Path
    network: str
    run_id: str
    repository: str = "octo/shop"
    number: str = field(default_factory=lambda: str(1_000_000 + secrets.randbelow(9_000_000)))

    def __post_init__(self):
        self.temp = self.folder / "_temp"
        self.workspace = self.folder / "shop" / "shop"
        self.home = self.temp / "_github_home"
        self.workflow = self.temp / "_github_workflow"
        self.file_commands = self.temp / "_runner_file_commands"
        for d in (self.temp, self.workspace, self.home, self.workflow, self.file_commands):
            d.mkdir(parents=True, exist_ok=True)
        (self.workflow / "event.json").write_text(json.dumps({"ref": "refs/heads/main"}))

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Step:
    """One `uses:` of the action in a job: main, then post, with the state between them."""

    def __init__(self, job, with_, action_yml=None, image=None, env=None, debug=False, offers=None):
        self.job, self.with_, self.env, self.debug = job, dict(with_), dict(env or {}), debug
        self.offers = dict(offers or {})  # variables of the runner itself, such as those of its artifact service
        self.action = actionyml.load(action_yml or REPOSITORY / "action.yml")
        self.image = image or ACTION_IMAGE
        self.state = {}
        unknown = set(self.with_) - set(self.action.inputs) - {"args", "entryPoint"}
        if unknown:
            raise Problem(f"inputs that action.yml does not have: {sorted(unknown)}")

    def main(self, **kwargs):
        return self.start_main().wait(**kwargs)

    def post(self, job_status="success", **kwargs):
        return self.start_post(job_status).wait(**kwargs)

    def start_main(self):
        return Stage(self, "main", self.action.entrypoint, "success")

    def start_post(self, job_status="success"):
        if self.action.post_if.replace(" ", "") not in ("always()", "${{always()}}"):
            raise Problem(f"post-if is {self.action.post_if}, not always()")
        return Stage(self, "post", self.action.post_entrypoint, job_status)

    def _evaluate(self, text, job_status):
        values = {"job.status": job_status, "github.token": "ghs_" + "t" * 36, "github.actor": "octocat",
                  "github.repository": self.job.repository, "github.run_id": self.job.number,
                  "github.sha": "5" * 40, "github.server_url": "https://github.com", "runner.arch": "X64",
                  "github.workspace": "/github/workspace"}

        def one(match):
            name = match[1].strip()
            if name not in values:
                raise Problem(f"action.yml: no idea how to evaluate {match[0]}")
            return values[name]
        return re.sub(r"\$\{\{(.*?)\}\}", one, text)

    def inputs(self, job_status):
        """INPUT_* as the runner makes them: every declared input, defaults evaluated at each stage anew."""
        out = {k: self._evaluate(v, job_status) for k, v in self.action.inputs.items()}
        out.update({k: str(v) for k, v in self.with_.items()})
        return {"INPUT_" + k.replace(" ", "_").upper(): v for k, v in out.items()}


class Stage:
    """A container of the action, started. wait() gives the Result."""

    def __init__(self, step, name, entrypoint, job_status):
        self.step, self.name = step, name
        job = step.job
        self.began = time.monotonic()
        self.container = f"{uuid.uuid4().hex[:12]}_{job.run_id}"
        self._files = {n: job.file_commands / f"{n.lower()}_{uuid.uuid4()}"
                       for n in ("OUTPUT", "STATE", "ENV", "PATH", "STEP_SUMMARY")}
        for f in self._files.values():
            f.touch()
        env = self._environment(job_status)
        self.argv = self._docker_run(env, entrypoint)
        self.lines = []
        self._lock = threading.Lock()
        self._killed = False
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env={**os.environ, **env})
        self._readers = [threading.Thread(target=self._read, args=(stream, name), daemon=True)
                         for stream, name in ((self.process.stdout, "stdout"), (self.process.stderr, "stderr"))]
        for r in self._readers:
            r.start()

    def _environment(self, job_status):
        step, job = self.step, self.step.job
        env = dict(step.env)
        env.update({"STATE_" + k: v for k, v in step.state.items()})
        env.update(step.inputs(job_status))
        for k, v in step.action.env.items():
            env.setdefault(k, v)
        env["HOME"] = "/github/home"
        github = {
            "ACTION": "__deploy", "ACTOR": "octocat", "ACTOR_ID": "583231", "API_URL": "https://api.github.com",
            "BASE_REF": "", "EVENT_NAME": "push", "EVENT_PATH": "/github/workflow/event.json",
            "GRAPHQL_URL": "https://api.github.com/graphql", "HEAD_REF": "", "JOB": "deploy", "REF": "refs/heads/main",
            "REF_NAME": "main", "REF_PROTECTED": "false", "REF_TYPE": "branch", "REPOSITORY": job.repository,
            "REPOSITORY_ID": "1296269", "REPOSITORY_OWNER": job.repository.split("/")[0],
            "REPOSITORY_OWNER_ID": "583231", "RETENTION_DAYS": "90", "RUN_ATTEMPT": "1", "RUN_ID": job.number,
            "RUN_NUMBER": "7", "SERVER_URL": "https://github.com", "SHA": "5" * 40, "TRIGGERING_ACTOR": "octocat",
            "WORKFLOW": "deploy", "WORKFLOW_REF": f"{job.repository}/.github/workflows/deploy.yml@refs/heads/main",
            "WORKFLOW_SHA": "5" * 40, "WORKSPACE": "/github/workspace",
            **{n: f"/github/file_commands/{f.name}" for n, f in self._files.items()},
        }
        env.update({"GITHUB_" + k: v for k, v in github.items()})
        env.update({"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_NAME": "testbed",
                    "RUNNER_ENVIRONMENT": "self-hosted", "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
                    "RUNNER_TEMP": "/github/runner_temp", "RUNNER_WORKSPACE": str(job.folder / "shop")})
        if step.debug:
            env["RUNNER_DEBUG"] = "1"
        env.update({"ACTIONS_RUNTIME_URL": "https://pipelines.invalid/", "ACTIONS_RUNTIME_TOKEN": "rt-" + "0" * 20})
        env.update(step.offers)
        return env

    def _docker_run(self, env, entrypoint):
        job = self.step.job
        argv = ["docker", "run", "--name", self.container, "--label", f"{LABEL}={job.run_id}",
                "--workdir", "/github/workspace", "--rm"]
        for name in env:
            argv += ["-e", name]
        argv += ["-e", "GITHUB_ACTIONS=true", "-e", "CI=true"]
        if entrypoint:
            argv += ["--entrypoint", entrypoint]
        if job.network:
            argv += ["--network", job.network]
        for outside, inside in (("/var/run/docker.sock", "/var/run/docker.sock"), (job.temp, "/github/runner_temp"),
                                (job.home, "/github/home"), (job.workflow, "/github/workflow"),
                                (job.file_commands, "/github/file_commands"), (job.workspace, "/github/workspace")):
            argv += ["-v", f"{outside}:{inside}"]
        return [*argv, self.step.image, *(str(a) for a in self.step.action.args)]

    def _read(self, stream, name):
        """Lines in arrival order; CRLF split over two reads is one line end, as the runner's reader has it."""
        pending, skip_lf = b"", False
        while chunk := stream.read1(65536):
            if skip_lf and chunk[:1] == b"\n":
                chunk = chunk[1:]
            skip_lf = chunk.endswith(b"\r")
            *whole, pending = re.split(rb"\r\n|\n|\r", pending + chunk)
            now = time.monotonic()
            with self._lock:
                self.lines += [Line(now, name, w.decode("utf-8", errors="replace")) for w in whole]
        if pending:
            with self._lock:
                self.lines.append(Line(time.monotonic(), name, pending.decode("utf-8", errors="replace")))

    def cancel(self):
        """What the runner does to a step when the workflow is cancelled. Blocks until the docker command ended."""
        for sig, patience in CANCEL_STEPS:
            self._killed = sig == signal.SIGKILL
            self.process.send_signal(sig)
            try:
                self.process.wait(patience)
                return
            except subprocess.TimeoutExpired:
                continue

    def kill_container(self):
        """kill -9 of the action itself."""
        docker("kill", "-s", "KILL", self.container, check=False)

    def pid(self):
        """The action's process on this machine."""
        return int(docker("inspect", "-f", "{{.State.Pid}}", self.container))

    def wait(self, timeout=150.0):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill_container()
            self.process.kill()
            raise Problem(f"{self.name} did not end within {timeout} s:\n"
                          + "\n".join(line.text for line in self.lines[-80:])) from None
        for r in self._readers:
            r.join(10)
        seconds = time.monotonic() - self.began
        bad, parsed = [], {}
        for kind in ("OUTPUT", "STATE", "ENV"):
            try:
                parsed[kind] = commands.parse_file_command(self._files[kind].read_text(errors="replace"))
            except commands.BadFile as e:
                bad.append(f"{kind}: {e}")
                parsed[kind] = {}
        summary = self._files["STEP_SUMMARY"].read_text(errors="replace")
        if len(summary.encode()) > SUMMARY_MAX:
            bad.append("STEP_SUMMARY: over 1 MiB")
        self.step.state.update(parsed["STATE"])
        return Result(stage=self.name, exit_code=code, seconds=seconds, lines=self.lines,
                      log=commands.interpret([line.text for line in self.lines]), outputs=parsed["OUTPUT"],
                      state=parsed["STATE"], summary=summary, bad_files=bad, command=shlex.join(self.argv),
                      killed=self._killed)
