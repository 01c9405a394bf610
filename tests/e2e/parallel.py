"""Runs the collected tests in a few processes, each with a test bed of its own: most of a test is waiting for engines.

The first process hands out numbers of tests, one ahead of what each worker does, and reports for all of them. Hooks for
conftest.py. BLUEGREEN_E2E_WORKERS (default 3); 1 runs everything in one process.
"""

import json
import os
import selectors
import subprocess
import sys

import pytest

WORKER = "BLUEGREEN_E2E_WORKER"


def worker_count(items):
    """Processes worth their start: a few tests, or a debugging run, need one."""
    wanted = int(os.environ.get("BLUEGREEN_E2E_WORKERS", "3"))
    return max(1, min(wanted, len(items) // 4))


class _Worker:
    def __init__(self, number, args):
        # Two pipes of their own: pytest takes the standard streams of a test away.
        numbers_out, numbers_in = os.pipe()
        reports_out, reports_in = os.pipe()
        self.process = subprocess.Popen([sys.executable, "-m", "pytest", *args], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, pass_fds=[numbers_out, reports_in],
                                        env={**os.environ, WORKER: f"{numbers_out} {reports_in}"})
        os.close(numbers_out)
        os.close(reports_in)
        self.numbers = os.fdopen(numbers_in, "wb", buffering=0)
        self.reports = os.fdopen(reports_out, "rb", buffering=0)
        self.number, self.pending, self.running = number, b"", []

    def send(self, index):
        if index is not None:
            self.running.append(index)
        try:
            self.numbers.write(f"{-1 if index is None else index}\n".encode())
        except BrokenPipeError:
            pass  # it ended; its open tests are told when its pipe closes

    def lines(self):
        """Whole lines that have arrived; None at the end."""
        data = self.reports.read(1 << 20)
        if not data:
            return None
        *whole, self.pending = (self.pending + data).split(b"\n")
        return [json.loads(line) for line in whole]


def _options(config):
    """The worker's arguments: what to collect, without what writes results or stops early."""
    args = ["-p", "no:cacheprovider", "-q", *config.args]
    for name, flag in (("keyword", "-k"), ("markexpr", "-m")):
        if config.getoption(name):
            args += [flag, config.getoption(name)]
    return args


def _hand_out(session, workers):
    queue = list(range(len(session.items)))
    config = session.config
    ready = selectors.DefaultSelector()
    for w in workers:
        ready.register(w.reports, selectors.EVENT_READ, w)
        for _ in range(2):
            w.send(queue.pop(0) if queue else None)
    while ready.get_map():
        for key, _ in ready.select():
            w = key.data
            messages = w.lines()
            if messages is None:
                ready.unregister(w.reports)
                w.process.wait(60)
                for index in w.running:
                    item = session.items[index]
                    report = pytest.TestReport(item.nodeid, item.location, {}, "failed", f"worker {w.number} ended", "call")
                    config.hook.pytest_runtest_logreport(report=report)
                continue
            for message in messages:
                if "done" in message:
                    w.running.remove(message["done"])
                    w.send(queue.pop(0) if queue and not (session.shouldfail or session.shouldstop) else None)
                    continue
                report = config.hook.pytest_report_from_serializable(config=config, data=message)
                config.hook.pytest_runtest_logreport(report=report)


class _Reporter:
    """Sends a worker's reports to the first process."""

    def __init__(self, config, stream):
        self.config, self.stream = config, stream

    def send(self, data):
        self.stream.write(json.dumps(data).encode() + b"\n")
        self.stream.flush()

    def pytest_runtest_logreport(self, report):
        self.send(self.config.hook.pytest_report_to_serializable(config=self.config, report=report))


def _work(session, numbers, stream):
    reporter = _Reporter(session.config, stream)
    session.config.pluginmanager.register(reporter)
    current = int(numbers.readline() or -1)
    while current >= 0:
        following = int(numbers.readline() or -1)
        # pytest keeps the session's fixtures as long as it knows that another test follows.
        session.config.hook.pytest_runtest_protocol(item=session.items[current],
                                                    nextitem=session.items[following] if following >= 0 else None)
        reporter.send({"done": current})
        current = following


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    if session.config.option.collectonly or session.testsfailed:
        return None
    if WORKER in os.environ:
        numbers, reports = (int(fd) for fd in os.environ[WORKER].split())
        with os.fdopen(numbers) as incoming, os.fdopen(reports, "wb") as stream:
            _work(session, incoming, stream)
        return True
    count = worker_count(session.items)
    if count == 1:
        return None
    workers = [_Worker(i, _options(session.config)) for i in range(count)]
    try:
        _hand_out(session, workers)
    finally:
        # No more numbers: each ends after its test and takes its test bed down, also when this process is interrupted.
        for w in workers:
            w.numbers.close()
        for w in workers:
            w.process.wait(120)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    return True
