"""Runs workflows with `act`, offline, in its host mode: a temporary repository, with act's own folders beside it.

What it needs so that a container action works there (act 0.2.89): the file commands (GITHUB_OUTPUT and the others) and
the workspace are paths below --action-cache-path, and act does not mount them for a container action:
--container-options mounts that folder at its own path. Everything is below the test bed's folder, which the engine sees
at the same path.
"""

import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field

import yaml

from . import runner
from .engine import LABEL, Problem, docker

REPOSITORY = runner.REPOSITORY
ACTION = "octo/bluegreen-action@v1"  # how the tests' own workflows call the action
JSON_MARK = "{"
_numbers = itertools.count(1)


def available():
    return shutil.which("act") is not None


def released_action_yml(image):
    """action.yml as a release has it: the image by name, not a Dockerfile."""
    text = (REPOSITORY / "action.yml").read_text()
    out, count = re.subn(r"(?m)^  image: Dockerfile$", f"  image: docker://{image}", text)
    if count != 1:
        raise Problem("action.yml has no line 'image: Dockerfile'")
    return out


@dataclass
class Line:
    """One line that act printed. kind: text (of a step), the name of a workflow command, or act (its own words)."""
    at: float
    job: str
    matrix: dict
    step: str
    stage: str
    kind: str
    text: str
    raw: dict


@dataclass
class StepResult:
    job: str
    step: str
    stage: str
    result: str = ""  # success, failure; "" never told
    lines: list = field(default_factory=list)

    @property
    def text(self):
        return "\n".join(line.text for line in self.lines if line.kind == "text")

    @property
    def outputs(self):
        return {line.raw["name"]: line.raw["arg"] for line in self.lines if line.kind == "set-output"}

    @property
    def summary(self):
        return "".join(line.raw["content"] for line in self.lines if line.kind == "summary")

    @property
    def annotations(self):
        """[(level, title, message)]"""
        return [(line.kind, line.raw.get("kvPairs", {}).get("title", ""), line.raw["arg"]) for line in self.lines
                if line.kind in ("notice", "warning", "error")]


@dataclass(repr=False)
class Result:
    exit_code: int
    seconds: float
    lines: list
    noise: str  # what was no JSON: act's standard error

    def jobs(self):
        """{name of the job, with a number for each further one of a matrix: "success" or "failure"}"""
        ends = [line for line in self.lines if "jobResult" in line.raw]
        return {line.job.partition("/")[2].strip(): line.raw["jobResult"] for line in ends}

    def step(self, step, stage="Main", job=None, matrix=None):
        """The one step with this id (of this job and matrix entry)."""
        out = StepResult(job or "", step, stage)
        for line in self.lines:
            if (line.step, line.stage) != (step, stage) or (job and line.raw.get("jobID") != job):
                continue
            if matrix is not None and line.matrix != matrix:
                continue
            out.lines.append(line)
            out.result = line.raw.get("stepResult", out.result)
        return out

    @property
    def text(self):
        return "\n".join(line.text for line in self.lines)

    def shown(self):
        return "\n".join(f"[{line.job} {line.stage} {line.step}] {line.kind}: {line.text}" for line in self.lines
                         if line.kind != "add-mask")

    def __repr__(self):
        lines = [line[:400] for line in self.shown().splitlines()]
        if len(lines) > 150:
            lines[75:-75] = [f"… {len(lines) - 150} lines …"]
        head = f"\n--- act: exit code {self.exit_code} after {self.seconds:.1f} s"
        return "\n".join([head, *lines, self.noise[-3000:]])


def _line(raw):
    msg = raw.get("msg", "")
    kind = raw.get("command") or ("text" if raw.get("raw_output") else "act")
    return Line(time.monotonic(), raw.get("job", ""), raw.get("matrix") or {}, (raw.get("stepID") or [""])[0],
                raw.get("stage", ""), kind, (raw.get("arg", msg) if raw.get("command") else msg).rstrip("\n"), raw)


class Run:
    """act, started. wait() gives the Result."""

    def __init__(self, argv, cwd, env):
        self.began = time.monotonic()
        self.lines, self._noise = [], []
        self._lock = threading.Lock()
        self.process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
        self._readers = [threading.Thread(target=self._read, args=(stream,), daemon=True)
                         for stream in (self.process.stdout, self.process.stderr)]
        for r in self._readers:
            r.start()

    def _read(self, stream):
        for text in stream:
            try:
                raw = json.loads(text) if text.startswith(JSON_MARK) else None
            except ValueError:
                raw = None
            with self._lock:
                if isinstance(raw, dict):
                    self.lines.append(_line(raw))
                else:
                    self._noise.append(text)

    def wait_line(self, pattern, timeout=60.0):
        """Until a line's text matches; returns the match. Problem when act ends without it."""
        seen, deadline = 0, time.monotonic() + timeout
        while True:
            ended = self.process.poll() is not None
            with self._lock:
                new, seen = self.lines[seen:], len(self.lines)
            for line in new:
                if match := re.search(pattern, line.text):
                    return match
            if (ended and not new) or time.monotonic() > deadline:
                raise Problem(f"no line like {pattern!r}: {self._result(-1)!r}")
            time.sleep(0.01)

    def cancel(self):
        """Ctrl-C: act takes the running step's container away by force and runs the post steps."""
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        """The runner dies: nothing else of the job happens. The container of a running step lives on."""
        os.killpg(self.process.pid, signal.SIGKILL)

    def _result(self, code):
        with self._lock:
            return Result(code, time.monotonic() - self.began, list(self.lines), "".join(self._noise))

    def wait(self, timeout=120.0):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Problem(f"act did not end within {timeout} s: {self._result(-1)!r}") from None
        for r in self._readers:
            r.join(10)
        return self._result(code)


class Act:
    """A repository with workflows ({file name: text}).

    action: how they call the action. actions: {"owner/name@ref": {file: text}}, other repositories that they use.
    files: {path: text} of the repository. commands: {name: shell script}, found first when a `run:` step asks for them.
    """

    def __init__(self, bed, workflows, secrets=None, variables=None, image=None, action=ACTION, actions=None,
                 files=None, commands=None):
        self.bed = bed
        self.folder = bed.folder / f"act-{next(_numbers)}"
        self.repository, self.cache = self.folder / "repository", self.folder / "cache"
        self.artifacts, self.home, self.bin = self.folder / "artifacts", self.folder / "home", self.folder / "bin"
        for d in (self.repository, self.cache, self.artifacts, self.home, self.bin):
            d.mkdir(parents=True)
        released = {"action.yml": released_action_yml(image or runner.ACTION_IMAGE)}
        self.actions = {}
        for number, (name, content) in enumerate({action: released, **(actions or {})}.items()):
            self.actions[name] = self.folder / f"action-{number}"
            _write(self.actions[name], content)
        _write(self.repository, {f".github/workflows/{f}": self._unique_name(t) for f, t in workflows.items()})
        _write(self.repository, files or {}, 0o755)
        _write(self.bin, commands or {}, 0o755)
        self._git("init", "-q", "-b", "main")
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "State of the test")
        self.sha = self._git("rev-parse", "HEAD")
        self._settings = []
        for kind, values in (("secret", secrets or {}), ("var", variables or {})):
            path = self.folder / f"{kind}s.yml"
            path.touch(mode=0o600)
            path.write_text(yaml.safe_dump(values) if values else "{}\n")
            self._settings += [f"--{kind}-file", path]

    def _unique_name(self, text):
        """act calls containers after workflow, job and step, and removes what has such a name already."""
        mark = f"{self.folder.parent.name} {self.folder.name}"
        out, count = re.subn(r"(?m)^name: *(.*)$", rf"name: \1 {mark}", text, count=1)
        if count != 1:
            raise Problem("a workflow here needs a line 'name: …'")
        return out

    def _git(self, *args):
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "HOME": str(self.home)}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": "octocat", f"GIT_{who}_EMAIL": "octocat@example.com"}
        p = subprocess.run(["git", *args], cwd=self.repository, env=env, check=True, capture_output=True, text=True)
        return p.stdout.strip()

    def start(self, event="push", workflow=None, job=None, inputs=None, job_image=None):
        """job_image: jobs run in containers of it, as act has it by default; container actions share their network."""
        gateway = self.bed.gateway()
        label = f"--label {LABEL}={self.bed.run_id}"
        argv = ["act", event, "--json", "--pull=false", "--action-offline-mode", "--no-cache-server",
                "--action-cache-path", self.cache, "--artifact-server-path", self.artifacts,
                "--artifact-server-addr", gateway, "--artifact-server-port", _free_port(gateway), *self._settings]
        for system in ("ubuntu-latest", "ubuntu-24.04"):
            argv += ["-P", f"{system}={job_image or '-self-hosted'}"]
        if job_image:
            argv += ["--rm", "--network", self.bed.network, "--container-options", label]
        else:
            argv += ["--container-options", f"-v {self.folder}:{self.folder} --network {self.bed.network} {label}"]
        if workflow:
            argv += ["-W", f".github/workflows/{workflow}"]
        if job:
            argv += ["-j", job]
        for name, folder in self.actions.items():
            argv += ["--local-repository", f"{name}={folder}"]
        for key, value in (inputs or {}).items():
            argv += ["--input", f"{key}={value}"]
        # A clean environment: act hands its own on to every step.
        env = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.home),
               "XDG_CACHE_HOME": str(self.folder / "xdg"),
               **({"NODE_PATH": os.environ["NODE_PATH"]} if "NODE_PATH" in os.environ else {})}
        return Run([str(a) for a in argv], self.repository, env)

    def run(self, event="push", timeout=90.0, **kwargs):
        return self.start(event, **kwargs).wait(timeout)

    def workspaces(self):
        """Workspaces that act left behind: it keeps those of jobs that failed."""
        return [p / "hostexecutor" for p in self.cache.iterdir() if (p / "hostexecutor").is_dir()]

    def artifact(self, name, run_id=1):
        """The zip of an artifact, as act's server keeps it."""
        path = pathlib.Path(self.artifacts, str(run_id), name, f"{name}.zip")
        if not path.exists():
            raise Problem(f"no artifact {name}: {sorted(str(p) for p in self.artifacts.rglob('*'))}")
        return path


def _write(folder, content, mode=0o644):
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)


def settings(site):
    """Secrets and variables that say how to reach a site's host, under the names that the examples have."""
    bed, host = site.bed, site.host
    secrets = {"SSH_KEY": bed.keys["ed25519"].text, "REGISTRY_PASSWORD": bed.registry.password}
    variables = {"HOST": host.name, "HOST_FINGERPRINT": host.fingerprint(), "APP_URL": f"http://{host.ip}:8080",
                 "REGISTRY_USER": bed.registry.user, "IMAGE": bed.registry.ref("x").rpartition(":")[0]}
    return secrets, variables


def _free_port(address):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def containers(bed):
    """Containers of the action that exist."""
    return docker("ps", "-aq", "--filter", f"label={LABEL}={bed.run_id}", "--filter", "name=act-").split()
