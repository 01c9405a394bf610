"""Peak memory and leaked words of processes, sampled from outside (apps/peek.c in a container that sees all of them)."""

import json
import subprocess

from . import engine


class Peek:
    """with Peek(words) as p: …; then p.peaks() and p.hits."""

    def __init__(self, words=(), bed=None):
        self.words = list(words)
        self.labels = bed.labels if bed else []
        self.records, self.hits = [], []

    def __enter__(self):
        image = engine.program_image("peek", "apps/peek.c")
        self._p = subprocess.Popen(
            ["docker", "run", "-i", "--rm", *self.labels, "--pid=host", "--network", "none", "--cap-add", "SYS_PTRACE",
             "--security-opt", "apparmor=unconfined", "--security-opt", "seccomp=unconfined", image],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._p.stdin.write("".join(w + "\n" for w in self.words).encode() + b"\n")
        self._p.stdin.flush()
        if b"ready" not in self._p.stdout.readline():
            raise engine.Problem("peek did not start")
        return self

    def __exit__(self, *exc):
        out, _ = self._p.communicate(timeout=30)
        for line in out.decode(errors="replace").splitlines():
            record = json.loads(line)
            if "hwm_kb" in record:
                self.records.append(record)
            else:
                record["word"] = self.words[record["word"]]
                self.hits.append(record)

    def peaks(self):
        """{"agent": KiB, "action": KiB} of the largest process of each."""
        out = {"agent": 0, "action": 0}
        for r in self.records:
            who = "agent" if "bluegreen-agent" in r["exe"] else "action"
            out[who] = max(out[who], r["hwm_kb"])
        return out
