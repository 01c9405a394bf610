#!/usr/bin/env python3
"""Compares deploys of the action with the same deploy done with the docker command over ssh, on the same host, in one run.

BENCH_ROUNDS (default 10): deployments behind each median of what the action adds; outages are medians of a third of that.
Exit code 1 when a bar is missed.
"""

import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from testbed import engine, runner  # noqa: E402
from testbed.engine import Problem, wait_for  # noqa: E402
from testbed.laptop import Laptop, programs  # noqa: E402
from testbed.prober import Prober  # noqa: E402
from testbed.site import Site  # noqa: E402
from testbed.testbed import Testbed  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "10"))
OUTAGE_ROUNDS = max(1, ROUNDS // 3)
GRACE_S = 2
RATE = 200
WATCH_S = 5
WATCHED_S = 30

# What a person would type; the login is done once beforehand.
SCRIPT = ("set -e; docker pull -q {image} >/dev/null; docker stop -t {grace} app >/dev/null; docker rename app app-old; "
          "docker run -d --name app --restart unless-stopped -p 8080:8080 {image} >/dev/null")
SCRIPT_BACK = ("set -e; docker stop -t {grace} app >/dev/null; docker rm app >/dev/null; docker rename app-old app; "
               "docker start app >/dev/null")


def measured(site, act, version):
    """(outage, seconds): act under load, until `version` answers on the port."""
    with Prober(site.host.ip, rate=RATE, keep_alive=0) as p:
        time.sleep(0.4)
        began = time.monotonic()
        act()
        took = time.monotonic() - began
        wait_for(f"{version} to answer", lambda: site.host.version() == version, 20, 0.02)
        time.sleep(0.4)
    if p.report.versions[-1:] != [version]:
        raise Problem(f"{version} should answer, but {p.report}")
    return p.report.outage, took


def over_ssh(site, script):
    subprocess.run(site.host.ssh_command(script), check=True, capture_output=True, timeout=120)


def by_hand(site, old, new):
    """{"there": (outage, seconds), "back": …} with the docker command."""
    site.host.reset()
    ref = site.bed.registry.ref
    auth = json.dumps({"auths": {site.bed.registry.name: {"auth": site.bed.registry.basic}}})
    site.host.ssh("mkdir -p -m 700 .docker; cat >.docker/config.json", stdin=auth.encode())
    site.host.ssh(f"docker run -d --name app --restart unless-stopped -p 8080:8080 {ref(old)} 2>/dev/null")
    wait_for("the app run by hand", lambda: site.host.version() == old, 20)
    there = measured(site, lambda: over_ssh(site, SCRIPT.format(image=ref(new), grace=GRACE_S)), new)
    back = measured(site, lambda: over_ssh(site, SCRIPT_BACK.format(grace=GRACE_S)), old)
    site.host.exec("rm -rf /home/ec2-user/.docker")
    return {"there": there, "back": back}


def good(result, outcome):
    if result.outputs.get("outcome") != outcome:
        raise Problem(f"outcome should be {outcome}:\n{result}")
    return result


def by_action(site, old, new, strategy):
    site.host.reset()
    over = {"strategy": strategy, "health_retries": 40, "stop_timeout": f"{GRACE_S}s"}
    good(site.run(old, **over), "deployed")
    there = measured(site, lambda: good(site.run(new, **over), "deployed"), new)
    back = measured(site, lambda: good(site.run(command="rollback", **over), "rolled_back"), old)
    return {"there": there, "back": back}


def seconds_of(site, result, steps):
    """Seconds of these steps, from the metrics in the bundle."""
    with tarfile.open(site.outside(result.outputs["bundle-path"])) as t:
        name = next(n for n in t.getnames() if "deployment-metrics-" in n)
        data = json.load(t.extractfile(name))
    return sum(data["steps"].get(s, {}).get("duration_seconds", 0) for s in steps)


def added(site, rounds, strategy, send_agent):
    """Seconds that the action adds to pull, boot (none here) and stop grace (none here), of each round."""
    site.host.reset()
    over = {"strategy": strategy}
    good(site.run("v1", **over), "deployed")
    out = []
    for i in range(rounds):
        if send_agent:
            site.host.exec("rm -f /home/ec2-user/.bluegreen/bin/*")
        result = good(site.run("v2" if i % 2 == 0 else "v1", **over), "deployed")
        out.append(result.seconds - seconds_of(site, result, ["image_pull"]))
    return out


def channels(site):
    """(connections, channels) of one deployment that also sends the agent, as sshd saw it."""
    site.host.reset()
    site.host.clear_sshd_log()
    good(site.run("v1"), "deployed")
    log = site.host.sshd_log()
    return log.count("Accepted publickey"), log.count("new session [server-session]")


# What somebody waits for on the host, and the processor time of a status that is watched, the asking and its children included.
STATUS = r"""
PATH=$HOME/.bluegreen/bin:$PATH
for i in $(seq ROUNDS); do a=$(date +%s%N); bluegreen-agent status >/dev/null; b=$(date +%s%N); echo $((b - a)); done
TIMEFORMAT='%U %S'
time { timeout --signal=INT WATCHED bluegreen-agent status --watch=EVERY >/dev/null || true; }
"""


def fifty_deployments(site):
    """In its records and in its audit log: two that changed something, and the same again by hand."""
    site.host.reset()
    good(site.run("v1"), "deployed")
    good(site.run("v2"), "deployed")
    secrets = json.dumps({"registry-password": site.bed.registry.password})
    site.host.exec(f"for i in $(seq 48); do echo '{secrets}' | ~/.bluegreen/bin/bluegreen-agent deploy --secrets-stdin "
                   f"--image {site.bed.registry.ref('v2')} >/dev/null; done", user="ec2-user", timeout=300)
    assert len(site.host.exec("ls /home/ec2-user/.bluegreen/apps/shop/deployments").split()) == 50


def status_on_host(site, rounds):
    """Seconds of each answer, and the share of a core that watching takes."""
    script = STATUS.replace("ROUNDS", str(rounds)).replace("WATCHED", str(WATCHED_S)).replace("EVERY", str(WATCH_S))
    out = site.host.exec("{ " + script + " } 2>&1", user="ec2-user", timeout=120).split()
    return [int(ns) / 1e9 for ns in out[:rounds]], sum(map(float, out[rounds:])) / WATCHED_S


def status_over_ssh(site, rounds):
    """The same from a laptop: program started, connected, logged in, asked, shown. Seconds of each, and with watching the CPU."""
    with tempfile.TemporaryDirectory(dir=engine.ROOT) as folder:
        folder = pathlib.Path(folder)
        (folder / "program").mkdir()
        laptop = Laptop(folder, programs(folder / "program"))
        laptop.config({"host": site.host.ip, "user": "ec2-user", "app": "shop", "host-fingerprint": site.host.fingerprint()})
        laptop.key(site.bed.keys["ed25519"], "id_ed25519")
        seconds = []
        for _ in range(rounds):
            began = time.monotonic()
            done = laptop.run("status")
            seconds.append(time.monotonic() - began)
            assert done.code == 0, done
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        p = laptop.start("status", f"--watch={WATCH_S}")
        try:
            p.communicate(timeout=WATCHED_S)
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGINT)
            p.communicate(timeout=10)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return seconds, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / WATCHED_S


class Table:
    def __init__(self):
        self.missed = 0

    def row(self, what, value, bar, note):
        ok = value <= bar
        self.missed += not ok
        print(f"  {what:<66} {value:8.3f}   bar {bar:<6}  {'ok' if ok else 'MISSED':<7} {note}", flush=True)


def median(runs, way, i):
    return statistics.median(r[way][i] for r in runs)


def compare(site, table, title, strategy, old, new, bar):
    hand = [by_hand(site, old, new) for _ in range(OUTAGE_ROUNDS)]
    ours = [by_action(site, old, new, strategy) for _ in range(OUTAGE_ROUNDS)]
    for way in ("there", "back"):
        h, o = median(hand, way, 0), median(ours, way, 0)
        table.row(f"{title}, {'way there' if way == 'there' else 'way back'}: outage ratio", o / h, bar,
                  f"{o * 1000:.0f} ms against {h * 1000:.0f} ms")
    h, o = median(hand, "there", 1), median(ours, "there", 1)
    print(f"  {'':<66} total time {o:.2f} s against {h:.2f} s (ratio {o / h:.2f})")


def main():
    if not engine.has_image(runner.ACTION_IMAGE):
        sys.exit(f"bench: the image {runner.ACTION_IMAGE} is missing: run make build")
    table = Table()
    with Testbed(key_names=["ed25519"]) as bed:
        site = Site(bed, bed.host)
        print(f"against docker stop/rename/run over ssh; medians of {OUTAGE_ROUNDS} (outage) and {ROUNDS} (added time); "
              f"{RATE} new connections a second; warm-up: 0s")
        compare(site, table, "handover, app boots at once", "handover", "v1", "v2", 0.2)
        compare(site, table, "handover, app needs 3 s to boot", "handover", "slow1", "slow2", 0.1)
        compare(site, table, "recreate, app boots at once", "recreate", "v1", "v2", 0.75)
        for strategy in ("handover", "recreate"):
            runs = added(site, ROUNDS, strategy, send_agent=False)
            table.row(f"{strategy}: added beyond pull, boot and grace, agent installed (s)", statistics.median(runs), 2.0,
                      f"{min(runs):.2f} to {max(runs):.2f}")
        runs = added(site, OUTAGE_ROUNDS, "handover", send_agent=True)
        table.row("handover: the same with the agent to be sent (s)", statistics.median(runs), 3.0,
                  f"{min(runs):.2f} to {max(runs):.2f}")
        fifty_deployments(site)
        answers, share = status_on_host(site, 3 * ROUNDS)
        table.row("status on the host with 50 past deployments (s)", statistics.median(answers), 0.3,
                  f"{min(answers):.2f} to {max(answers):.2f}")
        table.row(f"status --watch={WATCH_S} on the host: % of a core", share * 100, 1, f"over {WATCHED_S} s")
        answers, share = status_over_ssh(site, ROUNDS)
        table.row("status over SSH from a laptop (s)", statistics.median(answers), 1, f"{min(answers):.2f} to {max(answers):.2f}")
        table.row(f"status --watch={WATCH_S} on the laptop: % of a core", share * 100, 1, f"over {WATCHED_S} s")
        connections, opened = channels(site)
        table.row("SSH connections of one deployment", connections, 1, "")
        table.row("SSH channels on it", opened, 4, "")
        site.close()
    print("every bar is met" if not table.missed else f"{table.missed} bars are missed")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
