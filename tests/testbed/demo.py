#!/usr/bin/env python3
"""Shows the real thing on the test bed: deploys, a broken version, ways back. Exit code 1 when one ends otherwise."""

import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from testbed import engine, runner  # noqa: E402
from testbed.site import Site  # noqa: E402
from testbed.testbed import Testbed  # noqa: E402

OUT = runner.REPOSITORY / "build" / "demo"


def heading(text):
    print(f"\n{'=' * 110}\n{text}\n{'=' * 110}", flush=True)


def show(result):
    """The log as GitHub gets it; what the masks hold is not for a terminal's scrollback."""
    for line in result.lines:
        print(("::add-mask::***" if line.text.startswith("::add-mask::") else line.text))
    print(f"(exit code {result.exit_code} after {result.seconds:.1f} s)", flush=True)


class Demo:
    def __init__(self, bed):
        self.site = Site(bed, bed.host)
        self.rows, self.papers = [], []

    def keep(self, name, result):
        """Summary and bundle, where they stay after the test bed is gone."""
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "summary.md").write_text(result.summary)
        (folder / "log.txt").write_text("\n".join(result.log.shown) + "\n")
        self.papers.append(folder / "summary.md")
        bundle = result.outputs.get("bundle-path")
        if bundle and self.site.outside(bundle).exists():
            self.papers.append(pathlib.Path(shutil.copy(self.site.outside(bundle), folder)))

    def row(self, what, wanted, got, seconds, report):
        outage = f"{report.outage * 1000:.0f} ms" if report else "-"
        failed = f"{report.failed} of {len(report.samples)}" if report else "-"
        self.rows.append((what, wanted, got, f"{seconds:.1f} s", outage, failed, "ok" if wanted == got else "DIFFERS"))

    def act(self, what, name, tag, outcome, serves, load=True, **inputs):
        """One deployment: outcome and the version that answers afterwards must be these."""
        heading(f"{what}   (image {self.site.bed.registry.ref(tag)}"
                + "".join(f", {k.replace('_', '-')}: {v}" for k, v in inputs.items()) + ")")
        report = None
        if load:
            with self.site.load() as prober:
                time.sleep(0.5)
                result = self.site.run(tag, **inputs)
                time.sleep(0.5)
            report = prober.report
        else:
            result = self.site.run(tag, **inputs)
        show(result)
        if report:
            print(f"load from outside: {report}")
        self.keep(name, result)
        self.row(what, f"{outcome}, {serves} serves", f"{result.outputs.get('outcome', '?')}, "
                 f"{self.site.host.version() or 'nothing'} serves", result.seconds, report)

    def job_fails(self, what, name, serves):
        """A later step of the job failed: the runner calls the post stage."""
        heading(what)
        with self.site.load() as prober:
            time.sleep(0.5)
            result = self.site.post("failure")
            time.sleep(0.5)
        show(result)
        print(f"load from outside: {prober.report}")
        self.keep(name, result)
        self.row(what, f"exit code 0, {serves} serves",
                 f"exit code {result.exit_code}, {self.site.host.version() or 'nothing'} serves", result.seconds, prober.report)

    def table(self):
        heading("Result")
        head = ("what", "wanted", "got", "took", "longest gap", "failed requests", "")
        widths = [max(len(r[i]) for r in [head, *self.rows]) for i in range(len(head))]
        for r in [head, *self.rows]:
            print("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip())
        print("\nSummaries and bundles:")
        for p in self.papers:
            print(f"  {p}")
        differ = sum(r[-1] != "ok" for r in self.rows)
        print(f"\n{'every outcome as wanted' if not differ else f'{differ} outcomes differ'}")
        return 1 if differ else 0


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    if not engine.has_image(runner.ACTION_IMAGE):
        sys.exit(f"demo: the image {runner.ACTION_IMAGE} is missing: run make build")
    began = time.monotonic()
    with Testbed(key_names=["ed25519"]) as bed:
        print(f"test bed is up after {time.monotonic() - began:.1f} s: a host with OpenSSH and its own Docker Engine at "
              f"{bed.host.ip}, a registry with login at {bed.registry.address}")
        demo = Demo(bed)
        demo.act("First deploy on an empty host", "1-first", "v1", "deployed", "v1", load=False)
        demo.act("Second deploy under load", "2-second", "v2", "deployed", "v2")
        demo.act("Broken version, never reaches production", "3-broken-handover", "never-healthy", "failed_untouched", "v2")
        demo.act("Broken version, strategy recreate: rolls back", "4-broken-recreate", "exits", "rolled_back", "v2",
                 strategy="recreate")
        demo.act("Good deploy of a job that will fail", "5-good", "v3", "deployed", "v3")
        demo.job_fails("The job failed: the post step rolls back", "6-post", "v2")
        return demo.table()


if __name__ == "__main__":
    sys.exit(main())
