"""Counts the named cases of a test run and closes it with one line: N passed, N failed.

usage: tally.py RESULTS     a folder with JUnit files and `broken`, a list of suites that gave no result

A ctest entry counts by its TAP lines (one for each case); under sanitizers it counts as one case for each executable.
Exit status: 0 when something passed and nothing failed.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TAP = re.compile(r"^(?:\d+: )?(not ok|ok) \d+ - (.*?)\s*$", re.MULTILINE)
DETAIL_LINES = 25


class Suite:
    """What one JUnit file says: names of passed and failed cases, with what the failed ones printed."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.skipped = []
        self.failed = []  # (case, text)

    def add_ctest(self, case, per_case):
        name = case.get("name")
        output = case.findtext("system-out") or ""
        good = case.get("status") == "run" and case.find("failure") is None
        cases = TAP.findall(output) if per_case else []
        bad = [f"{name}: {text}" for verdict, text in cases if verdict == "not ok"]
        self.passed += sum(verdict == "ok" for verdict, _ in cases)
        self.failed += [(text, output if i == 0 else "") for i, text in enumerate(bad)]
        if not good and not bad:  # died between two cases, or timed out
            self.failed.append((name, output))
        elif good and not cases:
            self.passed += 1

    def add_pytest(self, case):
        name = f"{case.get('classname')}::{case.get('name')}"
        problem = case.find("failure")
        if problem is None:
            problem = case.find("error")
        if problem is not None:
            self.failed.append((name, problem.text or problem.get("message") or ""))
        elif case.find("skipped") is not None:
            self.skipped.append(name)
        else:
            self.passed += 1


def read_suite(path):
    suite = Suite(path.stem)
    for case in ElementTree.parse(path).iter("testcase"):
        if path.stem in ("dev", "asan"):
            suite.add_ctest(case, per_case=path.stem == "dev")
        else:
            suite.add_pytest(case)
    return suite


def main(results):
    suites = [read_suite(path) for path in sorted(results.glob("*.xml"))]
    broken = results / "broken"
    for name in broken.read_text().split() if broken.exists() else []:
        suite = Suite(name)
        suite.failed.append((f"{name} gave no result", ""))
        suites.append(suite)
    for suite in suites:
        for name, text in suite.failed:
            print(f"FAILED {suite.name}: {name}")
            for line in text.splitlines()[-DETAIL_LINES:]:
                print(f"    {line}")
        for name in suite.skipped:
            print(f"skipped {suite.name}: {name}")
    for suite in suites:
        skipped = f", {len(suite.skipped)} skipped" if suite.skipped else ""
        print(f"{suite.name}: {suite.passed} passed, {len(suite.failed)} failed{skipped}")
    passed = sum(suite.passed for suite in suites)
    failed = sum(len(suite.failed) for suite in suites)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
