"""`status --watch` as people see it: both command lines in a real terminal, through what happens to an app and to the connection."""

import pathlib
import re
import shutil
import subprocess

import pytest
from e2e import kit
from testbed import engine, runner
from testbed.engine import wait_for
from testbed.terminal import Terminal

CLOCK = re.compile(r"every (\d+) s, 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC(, waiting for an answer since \d+ s)? \(q ends\)")
LOST = re.compile(r"NO ANSWER since (.+); last answer (.+) ago; (next try in .+|trying again|still waiting) \(q ends\)(: .+)?")
REFUSE = "INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The folder with what the image ships: bin/bluegreen, usr/lib/bluegreen."""
    root = tmp_path_factory.mktemp("shipped")
    container = engine.docker("create", runner.ACTION_IMAGE)
    try:
        for path in ("bin/bluegreen", "usr/lib/bluegreen"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            engine.docker("cp", f"{container}:/{path}", root / path)
    finally:
        engine.docker("rm", container)
    yield root
    shutil.rmtree(root, ignore_errors=True)


class Watch:
    """`status --watch` in a terminal: on the host over `ssh -t`, or on this machine as on a laptop."""

    def __init__(self, site, terminal, where, seconds=1):
        self.site, self.terminal, self.where, self.seconds = site, terminal, where, seconds

    def start(self):
        words = ["status", f"--watch={self.seconds}", "--app", kit.APP]
        if self.where == "host":
            ssh = self.site.host.ssh_command(" ".join([".bluegreen/bin/bluegreen-agent", *words]))
            self.terminal.command(ssh[0], "-t", *ssh[1:])
        else:
            host = self.site.host
            self.terminal.command("bluegreen", *words, "--host", host.ip, "--user", "ec2-user", "--identity",
                                  self.site.bed.keys["ed25519"].path, "--known-hosts-file", host._known_hosts)
        return self.until(lambda line: True, "the first report")

    def until(self, verdict, what, timeout=30.0):
        """The first whole picture whose first line of the report fits."""
        return self.terminal.wait_for(what, lambda s: is_picture(s) and verdict(s[2]), timeout)

    def end(self):
        self.terminal.key("q")
        self.check_ended()

    def check_ended(self):
        """The shell has its terminal back as it was: echo, lines, cursor, the ordinary screen."""
        self.terminal.wait_for("the prompt", self.terminal.at_prompt)
        assert self.terminal.state("alternate_on") == "0" and self.terminal.state("cursor_flag") == "1"
        self.terminal.key("C-l")
        self.terminal.command("stty", "-a")
        modes = " ".join(self.terminal.wait_for("the modes", lambda s: any("echoctl" in line for line in s)))
        for mode in ("icanon", "echo", "isig", "ixon", "icrnl", "opost"):
            assert re.search(rf"(?<![-\w]){mode}\b", modes), f"{mode} is off: {modes}"


@pytest.fixture(params=["host", "laptop"])
def watch(request, site, shipped):
    path = f"{shipped / 'bin'}:/usr/bin:/bin"
    with Terminal(110, 60, env={"PATH": path, "BLUEGREEN_AGENT_DIR": str(shipped / "usr/lib/bluegreen")}) as terminal:
        site.deploy("v1")
        yield Watch(site, terminal, request.param)


def is_picture(screen):
    """The line with the time, an empty one, and what the report comes to: nothing of an earlier picture above it."""
    return len(screen) > 3 and CLOCK.fullmatch(screen[0]) and not screen[1] and screen[2].startswith(f"{kit.APP} on web1: ")


def labels(screen):
    """Words in the first column, in order."""
    return [line.split()[0] for line in screen[4:] if re.match(r"[a-z]", line)]


def check_facts(screen, blue, green):
    text = "\n".join(screen)
    assert re.search(rf"^blue       {blue}, runs for (\d+ s|\d+ min.*), healthy, answers in [\d.]+ ms$", text, re.M), text
    assert re.search(rf"^green      {green}, exited for (\d+ s|\d+ min.*), exit code \d+, kept until 20", text, re.M), text
    assert text.count("\nblue ") == text.count("\ngreen ") == text.count("\nengine ") == 1
    order = [name for name in labels(screen) if name in ("blue", "green", "keeper", "deployment", "engine", "disk")]
    assert order == ["blue", "green", "keeper", "deployment", "engine", "disk"], text
    assert all(len(line) <= 110 for line in screen)


def test_through_a_deployment_and_a_rollback(watch):
    site = watch.site
    screen = watch.start()
    assert screen[2].startswith("shop on web1: well. v1 serves since ")
    assert "\ngreen      none" in "\n".join(screen)

    stage = site.step("slow1", health_retries="60", run_link=None).start_main()
    screen = watch.until(lambda line: "a deployment is running: step warm_up since" in line, "the warm-up", 60)
    assert re.search(r"well\. v1 serves since .*, answers in [\d.]+ ms$", " ".join([screen[2], screen[3].strip()]).strip())
    text = "\n".join(screen)
    assert re.search(r"^candidate  slow1, runs for \d+ s", text, re.M), text
    assert re.search(r"^running    deploy \d{8}-\d{6}-\w+ since ", text, re.M), text
    assert site.finish(stage).outputs["outcome"] == "deployed"
    screen = watch.until(lambda line: re.match(r"shop on web1: well\. slow1 serves since \d+ s, answers in", line), "the new version")
    check_facts(screen, "slow1", "v1")
    text = "\n".join(screen)
    assert "candidate" not in text and "\nrunning " not in text
    assert [line.split()[1:3] for line in screen if re.match(r"\d{8}-\d{6}-", line)] == [["deploy", "deployed"]] * 2

    assert site.run(command="rollback").outputs["outcome"] == "rolled_back"
    screen = watch.until(lambda line: re.match(r"shop on web1: well\. v1 serves since \d+ s, answers in", line), "the old version")
    check_facts(screen, "v1", "slow1")
    rows = [line.split()[1:3] for line in screen if re.match(r"\d{8}-\d{6}-", line)]
    assert rows == [["rollback", "rolled_back"], ["deploy", "deployed"], ["deploy", "deployed"]]
    watch.end()
    assert "shop on web1: well. v1 serves" in watch.terminal._tmux("capture-pane", "-p", "-S", "-200")


def test_a_new_size_is_taken_at_once(watch):
    watch.seconds = 3600  # nothing but the new size is a reason to draw
    watch.start()
    terminal = watch.terminal
    terminal.resize(60, 12)
    screen = terminal.wait_for("the small picture", lambda s: is_picture(s) and re.fullmatch(r"… \d+ more lines", s[-1]), 5)
    assert len(screen) == 12 and all(len(line) <= 60 for line in screen)
    terminal.resize(200, 60)
    screen = terminal.wait_for("the large picture", lambda s: is_picture(s) and "more lines" not in s[-1] and any(
        line.startswith("disk ") for line in s), 5)
    assert any("cutover" in line and "outage" in line for line in screen), "room for the wide table"
    terminal.resize(12, 3)
    terminal.wait_for("the tiny picture", lambda s: s[0].startswith("every 3600…") or s[0] == "every 3600 …", 5)
    terminal.resize(110, 60)
    terminal.wait_for("the picture of before", lambda s: is_picture(s) and any(line.startswith("disk ") for line in s), 5)
    watch.end()


def test_ctrl_c_ends_it_and_ctrl_z_lets_it_wait(watch):
    watch.start()
    terminal = watch.terminal
    if watch.where == "laptop":  # over ssh -t the shell that knows jobs is on the other side
        terminal.key("C-z")
        terminal.wait_for("the shell", lambda s: terminal.at_prompt(s) and any("Stopped" in line for line in s))
        assert terminal.state("alternate_on") == "0" and terminal.state("cursor_flag") == "1"
        terminal.command("fg")
        watch.until(lambda line: "well" in line, "the picture again")
    terminal.key("C-c")
    watch.check_ended()


def test_an_answer_that_does_not_come_is_told_until_it_comes(watch):
    """The engine is stopped: the host is there and says so, the last report stays."""
    watch.start()
    pid = watch.site.host.exec("pidof dockerd").split()[0]
    watch.site.host.exec(f"kill -STOP {pid}")
    try:
        watch.terminal.wait_for("the waiting", lambda s: ", waiting for an answer since " in s[0] or LOST.fullmatch(s[0]), 20)
        assert watch.terminal.screen()[2].startswith("shop on web1: well. v1 serves")
    finally:
        watch.site.host.exec(f"kill -CONT {pid}")
    watch.until(lambda line: "well. v1 serves" in line, "the answer", 60)
    watch.end()


def test_a_cut_connection_is_told_and_taken_up_again(watch):
    """A laptop connects anew by itself. Over `ssh -t` there is nobody to do so: ssh ends, and nothing stays on the host."""
    site, terminal = watch.site, watch.terminal
    watch.start()
    if watch.where == "host":
        assert site.host.cut_sessions() > 0
        terminal.wait_for("the end of ssh", lambda s: "READY>" in s[-1])
        wait_for("end of the agent", lambda: not site.host.agent_pids(), 10)
        return
    site.host.exec(f"iptables -I {REFUSE}")
    try:
        assert site.host.cut_sessions() > 0
        screen = terminal.wait_for("the loss", lambda s: LOST.fullmatch(s[0]), 30)
        assert screen[2].startswith("shop on web1: well. v1 serves since")
        report = terminal.coloured().split("\n", 2)[2]
        assert report.startswith("\033[2mshop on web1"), "what is no longer sure is dimmed"
        first = LOST.fullmatch(screen[0])
        later = terminal.wait_for("the time to go on", lambda s: (m := LOST.fullmatch(s[0])) and m[1] != first[1], 10)
        assert later[2] == screen[2]
    finally:
        site.host.exec(f"iptables -D {REFUSE}")
    watch.until(lambda line: "well. v1 serves" in line, "the connection", 60)
    assert "\033[2mshop on web1" not in terminal.coloured()
    watch.end()


def test_it_costs_next_to_nothing(watch):
    """At most 1 % of a core, once it has started: processor time over some of its turns."""
    watch.seconds = 5
    watch.start()

    def ticks():
        """Hundredths of a second that the process has used."""
        if watch.where == "host":
            stat = watch.site.host.exec("cat /proc/$(pgrep -o -f '^[^ ]*bluegreen-agent status')/stat")
        else:
            shell = watch.terminal.state("pane_pid")
            child = pathlib.Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
            assert len(child) == 1
            stat = pathlib.Path(f"/proc/{child[0]}/stat").read_text()
        return sum(map(int, stat.rpartition(")")[2].split()[11:15]))

    def clock(screen):
        return is_picture(screen) and screen[0]
    begin, seen = ticks(), {clock(watch.terminal.screen())}
    watch.terminal.wait_for("five turns", lambda s: clock(s) and (seen.add(s[0]) or len(seen) >= 6), 60)
    assert ticks() - begin <= 25, "hundredths of a second in 25 s"
    watch.end()


def test_into_a_pipe_it_appends(watch):
    """No control sequence, each report below its time."""
    watch.start()
    watch.end()
    site = watch.site
    command = site.host.ssh_command(f".bluegreen/bin/bluegreen-agent status --watch=1 --app {kit.APP} | head -c 4000")
    if watch.where == "laptop":
        command = ["bash", "-c", f"bluegreen status --watch=1 --app {kit.APP} --host {site.host.ip} --user ec2-user --identity "
                   f"{site.bed.keys['ed25519'].path} --known-hosts-file {site.host._known_hosts} | head -c 4000"]
    out = subprocess.run(command, capture_output=True, timeout=60, text=True, check=False, env=watch.terminal._env).stdout
    heads = re.findall(r"^--- 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC ---$", out, re.M)
    assert len(heads) >= 2 and len(set(heads)) == len(heads)
    assert out.startswith("--- 20") and "\033" not in out and "\r" not in out
    assert out.count("\nshop on web1: well. v1 serves since") >= 2
