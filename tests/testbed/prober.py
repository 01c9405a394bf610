"""Load on a port from outside: new connections at a fixed rate and a few keep-alive clients; every answer is recorded.

A process of its own, so that the tests' work does not hold up its clock. Attempts overlap: one that hangs does not hide
that the next already gets through.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field

REQUEST = b"GET / HTTP/1.1\r\nHost: probe\r\nConnection: %s\r\n\r\n"


@dataclass
class Report:
    samples: list = field(default_factory=list)  # (begun, ended, status, version), monotonic seconds; status 0: no answer
    kept: list = field(default_factory=list)  # the same of the keep-alive clients

    @property
    def good(self):
        return sorted((s for s in self.samples if s[2] == 200), key=lambda s: s[1])

    @property
    def failed(self):
        return sum(1 for s in self.samples if s[2] != 200)

    @property
    def outage(self):
        """Longest time between two good answers, in seconds."""
        ends = [s[1] for s in self.good]
        return max((b - a for a, b in zip(ends, ends[1:])), default=float("inf"))

    @property
    def versions(self):
        """Versions in the order they answered, repetitions folded: ["v1", "v2"]."""
        out = []
        for s in sorted(self.good, key=lambda s: s[0]):
            if not out or out[-1] != s[3]:
                out.append(s[3])
        return out

    def __str__(self):
        return (f"{len(self.samples)} requests, {self.failed} failed, longest gap {self.outage * 1000:.0f} ms, "
                f"versions {' -> '.join(self.versions) or 'none'}")


class Prober:
    """with Prober(ip, 8080) as p: …; then p.report."""

    def __init__(self, ip, port=8080, rate=100, keep_alive=2):
        self.args = [ip, str(port), str(rate), str(keep_alive)]
        self.report = None

    def __enter__(self):
        self._p = subprocess.Popen([sys.executable, __file__, *self.args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._p.stdout.readline()  # it is under way
        return self

    def stop(self):
        if self.report is None:
            out, _ = self._p.communicate(b"", timeout=30)
            data = json.loads(out)
            self.report = Report([tuple(s) for s in data["samples"]], [tuple(s) for s in data["kept"]])
        return self.report

    def __exit__(self, *exc):
        self.stop()


async def _read_answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return status, (await reader.readexactly(length)).decode(errors="replace").strip()


async def _once(ip, port, samples):
    begun, writer = time.monotonic(), None
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_connection(ip, port)
            writer.write(REQUEST % b"close")
            status, version = await _read_answer(reader)
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError, IndexError) as e:
        status, version = 0, type(e).__name__
    samples.append((begun, time.monotonic(), status, version))
    if writer:
        writer.close()


async def _keep(ip, port, samples):
    reader = writer = None
    while True:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(2.0):
                if writer is None:
                    reader, writer = await asyncio.open_connection(ip, port)
                writer.write(REQUEST % b"keep-alive")
                status, version = await _read_answer(reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError, IndexError) as e:
            status, version = 0, type(e).__name__
            if writer:
                writer.close()
            writer = None
        samples.append((begun, time.monotonic(), status, version))
        await asyncio.sleep(0.05)


async def _probe(ip, port, rate, keep_alive):
    samples, kept, tasks = [], [], set()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), stop.set)
    background = [asyncio.ensure_future(_keep(ip, port, kept)) for _ in range(keep_alive)]
    print("ready", flush=True)
    due = loop.time()
    while not stop.is_set():
        task = asyncio.ensure_future(_once(ip, port, samples))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        due += 1 / rate
        if due < loop.time() - 1:
            due = loop.time()
        try:
            await asyncio.wait_for(stop.wait(), max(due - loop.time(), 0))
        except TimeoutError:
            pass
    for b in background:
        b.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps({"samples": samples, "kept": kept}))


if __name__ == "__main__":
    asyncio.run(_probe(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
