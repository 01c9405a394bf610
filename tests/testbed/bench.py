#!/usr/bin/env python3
"""Compares deploys of the action with the same deploy done with the docker command over ssh, on the same host, in one run.

BENCH_ROUNDS (default 10): deployments behind each median of what the action adds; outages are medians of a third of that.
Exit code 1 when a bar is missed.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from testbed import engine, runner  # noqa: E402
from testbed.engine import Problem, wait_for  # noqa: E402
from testbed.prober import Prober  # noqa: E402
from testbed.site import Site  # noqa: E402
from testbed.testbed import Testbed  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "10"))
OUTAGE_ROUNDS = max(1, ROUNDS // 3)
GRACE_S = 2
RATE = 200
WATCH_S = 5

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


# What somebody on the host waits for, and what a status that is watched costs: answers one after another on one channel.
STATUS = r"""
agent=$(ls /home/ec2-user/.bluegreen/bin/bluegreen-agent-*-*); request='{"v":1,"op":"status","app":"shop"}'
printf '%s\n%s' ${#request} "$request" >/tmp/question
for i in $(seq ROUNDS); do a=$(date +%s%N); $agent serve </tmp/question >/dev/null; b=$(date +%s%N); echo $((b - a)); done
TIMEFORMAT='%U %S'
time (for i in $(seq ROUNDS); do cat /tmp/question; sleep 0.2; done | exec $agent serve >/dev/null) 2>&1
rm /tmp/question
"""


def status(site, rounds):
    """(seconds of each answer on the host, CPU seconds of an answer on a channel that asks again) with 50 past deployments."""
    site.host.reset()
    good(site.run("v1"), "deployed")
    good(site.run("v2"), "deployed")
    site.host.exec("cd /home/ec2-user/.bluegreen/apps/shop/deployments; one=$(ls | head -1); "
                   "for i in $(seq 10 57); do cp -a $one 20250101-0000$i-aaaaaa; done")
    out = site.host.exec("{ " + STATUS.replace("ROUNDS", str(rounds)) + " } 2>&1", user="ec2-user").split()
    return [int(ns) / 1e9 for ns in out[:rounds]], sum(map(float, out[rounds:])) / rounds


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
        answers, cpu = status(site, 3 * ROUNDS)
        table.row("status on the host with 50 past deployments (s)", statistics.median(answers), 0.3,
                  f"{min(answers):.2f} to {max(answers):.2f}")
        table.row("status asked every 5 s: % of a core, with the asking", cpu / WATCH_S * 100, 1,
                  f"{cpu * 1000:.1f} ms an answer")
        connections, opened = channels(site)
        table.row("SSH connections of one deployment", connections, 1, "")
        table.row("SSH channels on it", opened, 4, "")
        site.close()
    print("every bar is met" if not table.missed else f"{table.missed} bars are missed")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
