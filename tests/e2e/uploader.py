"""The action's upload code as a program of its own (testbed/upload.c), for files that no host of a test has."""

import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

from testbed import engine

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SYSROOT = pathlib.Path("/opt/sysroot/x86_64-linux-musl")
TOOLS = REPOSITORY / "tests" / "tools"
# One kind of error per exit code, as enum err_kind counts them (shared/err.h).
KINDS = re.findall(r"^    ERR_(\w+)(?: = 0)?,", (REPOSITORY / "shared" / "err.h").read_text(), re.M)


def program():
    """Built like the released binary: the same sources, the same static libraries."""
    sources = [REPOSITORY / "tests" / "testbed" / "upload.c", *sorted((REPOSITORY / "cmd").glob("**/artifact*.c")),
               *sorted(p for p in (REPOSITORY / "shared").glob("**/*.c") if p.name != "bundle.c")]
    headers = sorted((REPOSITORY / "shared").glob("**/*.h")) + sorted((REPOSITORY / "cmd").glob("**/artifact*.h"))
    mark = hashlib.sha256(b"".join(p.read_bytes() for p in sources + headers)).hexdigest()[:12]
    out = engine.ROOT / "cache" / f"upload-{mark}"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        tmp = out.with_suffix(f".{os.getpid()}")
        subprocess.run(["x86_64-linux-musl-gcc", "-std=gnu17", "-D_GNU_SOURCE", "-DCURL_STATICLIB", "-O2", "-static",
                        f"-I{REPOSITORY}", "-isystem", SYSROOT / "include", "-isystem", SYSROOT / "include/libxml2", "-o", tmp,
                        *sources, f"-L{SYSROOT}/lib", "-lcjson", "-lcurl", "-lxml2", "-lssl", "-lcrypto", "-lz"], check=True)
        tmp.rename(out)
    return out


def environment(service, **over):
    env = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "octo/shop", "GITHUB_RUN_ID": "42",
           "PATH": os.environ["PATH"], **service.offers(), **over}
    return {k: v for k, v in env.items() if v is not None}


@dataclass
class Upload:
    """What the program told."""
    code: int
    lines: list
    ended: float  # time.monotonic()
    facts: dict = field(default_factory=dict)

    def __post_init__(self):
        for line in self.lines:
            key, _, value = line.partition(" ")
            if key not in ("progress", "secret"):
                self.facts[key] = value

    def of(self, key):
        return [line.partition(" ")[2] for line in self.lines if line.startswith(key + " ")]

    @property
    def kind(self):
        return KINDS[self.code].lower() if self.code < len(KINDS) else str(self.code)

    @property
    def error(self):
        return self.facts.get("error", "")

    @property
    def peak_kb(self):
        return int(next(line for line in self.lines if line.startswith("peak")).split()[1])


class Running:
    def __init__(self, service, path, name, *options, **env):
        self.process = subprocess.Popen([program(), path, name, *options], env=environment(service, **env),
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._lines = []
        self._reader = threading.Thread(target=lambda: self._lines.extend(l.rstrip("\n") for l in self.process.stdout))
        self._reader.start()

    def cancel(self):
        self.process.send_signal(signal.SIGTERM)
        return time.monotonic()

    def wait(self, timeout=120):
        try:
            code = self.process.wait(timeout)
        finally:
            self.process.kill()
        ended = time.monotonic()
        self._reader.join(5)
        return Upload(code, self._lines, ended)


def upload(service, path, name, *options, **env):
    return Running(service, path, name, *options, **env).wait()


def download(service, name, folder, digest, **over):
    """With GitHub's own client; returns what it found."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {**environment(service, **over), "GITHUB_WORKSPACE": str(folder), "HOME": str(folder),
           "NODE_PATH": os.environ.get("NODE_PATH", str(TOOLS / "node_modules"))}
    p = subprocess.run(["node", TOOLS / "download.mjs", name, folder, digest], env=env, capture_output=True, text=True,
                       timeout=120)
    assert p.returncode == 0, p.stdout + p.stderr
    return json.loads(p.stdout.strip().splitlines()[-1])
