"""What goes wrong on the way: signals, kills, cut connections, two at once. The host ends consistent, the report true."""

import signal
import threading

import pytest
from e2e import kit



def under_way(site, stage):
    """Until the candidate of a slow app exists and boots on the host."""
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("strategy", ["handover", "recreate"])
def test_signal_in_mid_deploy_ends_consistent_within_ten_seconds(site, strategy, sig):
    site.deploy("v1", strategy=strategy)
    stage = site.step("slow1", strategy=strategy, health_retries=40).start_main()
    under_way(site, stage)
    began = kit.time.monotonic()
    stage.process.send_signal(sig)
    result = site.finish(stage)
    assert kit.time.monotonic() - began < 10
    assert result.exit_code in (kit.EXIT["cancel"], kit.EXIT["rolled_back"], kit.EXIT["failed_untouched"]), result
    kit.eventually(lambda: not site.host.agent_pids(), 10)
    site.check_serves("v1")
    assert site.post("cancelled").exit_code == 0
    site.check_serves("v1")


def test_cancelled_workflow_ends_without_the_runner_having_to_kill(site):
    site.deploy("v1")
    stage = site.step("slow1", health_retries=40).start_main()
    under_way(site, stage)
    stage.cancel()
    result = site.finish(stage)
    assert not result.killed
    site.post("cancelled")
    site.check_serves("v1")


def test_signal_while_connecting_ends_at_once(site, listener):
    silent = listener()
    stage = site.step("v1", host=silent.ip, ssh_port=silent.port, connect_timeout="30s").start_main()
    kit.eventually(lambda: silent.connections, 20)
    stage.process.send_signal(signal.SIGINT)
    result = site.finish(stage)
    assert result.exit_code == kit.EXIT["cancel"], result
    assert result.seconds < 10


def test_killed_action_is_finished_by_the_agent_alone(site):
    site.deploy("v1")
    stage = site.step("slow1", health_retries=40).start_main()
    under_way(site, stage)
    stage.kill_container()
    stage.wait()
    kit.eventually(lambda: site.host.version() == "slow1" and not site.host.agent_pids(), 20)
    site.check_serves("slow1")


def test_post_after_a_killed_action_rolls_back_what_the_agent_finished(site):
    site.deploy("v1")
    step = site.step("slow1", health_retries=40)
    stage = step.start_main()
    under_way(site, stage)
    stage.kill_container()
    stage.wait()
    post = site.post("failure", step=step)
    assert post.exit_code == 0, post
    kit.eventually(lambda: not site.host.agent_pids(), 20)
    site.check_serves("v1")


def test_killed_action_of_a_bad_version_is_rolled_back_by_the_agent_alone(site):
    site.bed.registry.push_app("slow-sick", env={"BOOT_MS": "2000", "HEALTH_STATUS": "503"})
    site.deploy("v1", strategy="recreate")
    stage = site.step("slow-sick", strategy="recreate", health_retries=20).start_main()
    under_way(site, stage)
    stage.kill_container()
    stage.wait()
    kit.eventually(lambda: not site.host.agent_pids(), 30)
    site.check_serves("v1")


def check_log_has_no_gap(site, result):
    told = kit.events(result, site)
    numbers = [e["seq"] for e in told if e["seq"]]
    assert numbers == list(range(1, len(numbers) + 1))
    steps = [e["title"] for e in told if e["kind"] == "step.start"]
    titles = [g.title for g in result.log.groups]
    for step in steps:
        assert sum(step in t for t in titles) == steps.count(step), f"{step}: {titles}"


def test_cut_connection_is_taken_up_again_without_a_gap_in_the_log(site):
    site.deploy("v1")
    stage = site.step("slow1", health_retries=40).start_main()
    under_way(site, stage)
    site.host.cut_sessions()
    result = site.finish(stage)
    assert (result.exit_code, result.outputs["outcome"]) == (0, "deployed"), result
    assert site.host.sshd_log().count("Accepted publickey") >= 3  # one of the first deployment, two of this one
    check_log_has_no_gap(site, result)
    site.check_serves("slow1")


def test_connection_cut_twice_is_taken_up_again_twice(site):
    site.deploy("v1")
    stage = site.step("slow1", health_retries=40).start_main()
    under_way(site, stage)
    for _ in range(2):
        before = site.host.sshd_log().count("Accepted publickey")
        site.host.cut_sessions()
        kit.eventually(lambda n=before: site.host.sshd_log().count("Accepted publickey") > n or stage.process.poll() is not None)
    result = site.finish(stage)
    assert (result.exit_code, result.outputs["outcome"]) == (0, "deployed"), result
    check_log_has_no_gap(site, result)


def test_connection_that_goes_silent_is_noticed_within_thirty_seconds(site):
    site.deploy("v1")
    stage = site.step("slow1", health_retries=60, warm_up="5s").start_main()
    under_way(site, stage)
    # The host's packets of this connection vanish; a new connection gets through.
    port = site.host.exec("ss -Htn state established '( sport = :22 )' | awk '{print $4}' | sed 's/.*://' | tail -n 1").strip()
    assert port, "no connection to cut"
    rules = [f"INPUT -p tcp --dport 22 --sport {port} -j DROP", f"OUTPUT -p tcp --sport 22 --dport {port} -j DROP"]
    began = kit.time.monotonic()
    for rule in rules:
        site.host.exec(f"iptables -I {rule}")
    try:
        kit.eventually(lambda: site.host.sshd_log().count("Accepted publickey") >= 3, 30)
        assert kit.time.monotonic() - began < 30
        result = site.finish(stage)
    finally:
        for rule in rules:
            site.host.exec(f"iptables -D {rule}")
    assert (result.exit_code, result.outputs["outcome"]) == (0, "deployed"), result
    check_log_has_no_gap(site, result)


def test_second_deploy_is_refused_while_the_first_holds_the_lock(site):
    site.deploy("v1")
    first_step = site.step("slow1", health_retries=40)
    first = first_step.start_main()
    under_way(site, first)
    second = site.run("v2", lock_timeout="0s")
    assert second.exit_code == kit.EXIT["locked"], second
    assert f"actions/runs/{first_step.job.number}" in kit.error_text(second) + second.shown()
    assert site.finish(first).outputs["outcome"] == "deployed"
    site.check_serves("slow1")


def test_second_deploy_waits_for_the_lock(site):
    site.deploy("v1")
    first = site.step("slow1", health_retries=40).start_main()
    under_way(site, first)
    second = site.run("v2", lock_timeout="30s")
    assert site.finish(first).outputs["outcome"] == "deployed"
    assert second.outputs["outcome"] == "deployed", second
    site.check_serves("v2")


def test_deploys_of_two_apps_run_at_the_same_time(site):
    stages = [site.step("slow1", health_retries=40).start_main(),
              site.step("v2", app="desk", port="9090").start_main()]
    done = []
    threads = [threading.Thread(target=lambda s=s: done.append(s.wait())) for s in stages]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [r.exit_code for r in done] == [0, 0], "\n".join(map(str, done))
    site.check_serves("slow1")
    site.check_serves("v2", app="desk", port=9090)


def test_four_deploys_at_once_leave_one_version_serving(site):
    site.deploy("v1")
    stages = [site.step(tag, lock_timeout="60s").start_main() for tag in ("v2", "v3", "v2", "v3")]
    results = [site.finish(s) for s in stages]
    assert {r.outputs["outcome"] for r in results} <= {"deployed", "unchanged"}, "\n".join(map(str, results))
    site.check_serves(site.host.version())


def test_engine_that_stops_in_mid_deploy_is_no_reason_to_lie(site):
    """The inner engine is frozen: the run must not claim success, and ends within its bounds once it goes on."""
    site.deploy("v1")
    stage = site.step("slow1", health_retries=40).start_main()
    under_way(site, stage)
    pid = site.host.exec("cat /var/run/docker.pid").strip()
    site.host.exec(f"kill -STOP {pid}")
    kit.pause(3)
    site.host.exec(f"kill -CONT {pid}")
    result = site.finish(stage)
    serving = site.host.version()
    assert (result.outputs["outcome"] == "deployed") == (serving == "slow1"), result
    site.check_serves(serving)
