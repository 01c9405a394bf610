"""A person's laptop: the bluegreen program in a home of its own, run by hand, on a terminal or not."""

import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
from dataclasses import dataclass

from . import engine, runner


@dataclass
class Done:
    """How a command ended; on a terminal everything is in out."""
    code: int
    out: str
    err: str = ""

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out[-6000:]}\n--- stderr\n{self.err[-6000:]}"


def unpack(folder):
    """The program and its agents out of the action's image, laid out as README says."""
    container = engine.docker("create", runner.ACTION_IMAGE)
    try:
        for part in ("bin", "lib"):
            (folder / part).mkdir()
        engine.docker("cp", f"{container}:/bin/bluegreen", str(folder / "bin"))
        engine.docker("cp", f"{container}:/usr/lib/bluegreen", str(folder / "lib"))
    finally:
        engine.docker("rm", container)


class Laptop:
    def __init__(self, folder, program):
        self.home = folder / "home"
        self.work = folder / "work"
        self.program = program / "bin/bluegreen"
        self.env = {"HOME": str(self.home), "USER": "alice", "PATH": os.environ["PATH"], "TERM": "xterm-256color",
                    "LANG": "C.UTF-8"}
        self._agent = None
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self.work.mkdir()

    def close(self):
        if self._agent:
            self._agent.terminate()
            self._agent.wait(10)

    # ---- what is on it ----

    def key(self, key, name="deploy_key"):
        path = self.home / ".ssh" / name
        shutil.copyfile(key.path, path)
        path.chmod(0o600)
        return path

    def ssh_agent(self, *keys):
        """A real ssh-agent that holds these keys; from now on the environment names it."""
        socket = self.home / "agent.sock"
        self._agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
        engine.wait_for("ssh-agent", socket.exists, 10)
        self.env["SSH_AUTH_SOCK"] = str(socket)
        for i, key in enumerate(keys):
            subprocess.run(["ssh-add", "-q", str(self.key(key, f"for-agent-{i}"))], env=self.env, check=True, timeout=20)
            (self.home / ".ssh" / f"for-agent-{i}").unlink()

    def config(self, settings, name="bluegreen.json"):
        (self.work / name).write_text(json.dumps(settings, indent=2))

    # ---- running ----

    def start(self, *args, **kwargs):
        return subprocess.Popen([str(self.program), *map(str, args)], env=self.env | kwargs.pop("env", {}), cwd=self.work,
                                stdin=kwargs.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **kwargs)

    def run(self, *args, stdin=None, env=None, timeout=120):
        p = self.start(*args, env=env or {}, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        out, err = p.communicate(stdin, timeout)
        return Done(p.returncode, out, err)

    def run_on_terminal(self, *args, typed=(), stdin=None, env=None, columns=100, rows=40, timeout=120):
        """typed: (text that is waited for, text that is then typed), in order. stdin: a file in place of the keyboard."""
        typed = list(typed)
        pid, tty = pty.fork()
        if pid == 0:
            os.chdir(self.work)
            if stdin:
                os.dup2(os.open(stdin, os.O_RDONLY), 0)
            os.execve(self.program, ["bluegreen", *map(str, args)], self.env | (env or {}))
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        out, end = b"", time.monotonic() + timeout
        while time.monotonic() < end:
            if not select.select([tty], [], [], 1)[0]:
                continue
            try:
                piece = os.read(tty, 65536)
            except OSError:
                piece = b""
            if not piece:
                break
            out += piece
            if typed and typed[0][0].encode() in out:
                os.write(tty, typed.pop(0)[1].encode())
        else:
            os.kill(pid, signal.SIGKILL)
        os.close(tty)
        return Done(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode(errors="replace"))


def programs(folder):
    folder = pathlib.Path(folder)
    unpack(folder)
    return folder
