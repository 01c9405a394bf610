"""docs/operations.md, executed: each section's commands on a host that is in the state which the section speaks of.

A section is a heading, a scene (how the host is before), and blocks: `sh host` or `sh laptop`, and behind it `text`, whose lines
must be found in what the commands print, in this order; `…` stands for anything.
"""

import pathlib
import re
import subprocess
from dataclasses import dataclass, field

import pytest
from e2e import kit
from testbed.laptop import Laptop, programs

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/operations.md"
EXAMPLE_ID = "20260129-031002-a1b2c3"
EXAMPLE_REGISTRY = "registry.example.com"
ENDLESS = re.compile(r"--(follow|watch)")
EXIT_CODE = re.compile(r"#.*exit code (\d+)")


@dataclass
class Block:
    place: str
    commands: list
    expected: list = field(default_factory=list)


@dataclass
class Section:
    title: str
    scene: str
    blocks: list


def sections(text):
    found = []
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        scene = re.search(r"<!-- scene: ([a-z-]+) -->", part)
        blocks = []
        for info, body in re.findall(r"^```([^\n]*)\n(.*?)^```$", part, re.M | re.S):
            lines = [line for line in body.splitlines() if line.strip()]
            if info.startswith("sh "):
                blocks.append(Block(info.split()[1], lines))
            elif info == "text":
                blocks[-1].expected = lines
            else:
                raise AssertionError(f"a block of another kind: {info}")
        found.append(Section(part.splitlines()[0], scene and scene[1], blocks))
    return found


SECTIONS = sections(PAGE.read_text())


# ---- scenes: what the host is like; each returns the id that stands for the example's ----


def push(site):
    for tag in ("1.4.0", "1.4.1", "1.4.2", "1.4.3"):
        site.bed.registry.push_app(tag, repo="shop")


def deploy(site, tag, **over):
    return site.deploy(None, image=site.bed.registry.ref(tag, "shop"), **over).outputs["deployment-id"]


def well(site):
    push(site)
    first = deploy(site, "1.4.1")
    deploy(site, "1.4.2")
    return first


def no_green(site):
    first = well(site)
    site.host.docker("rm", "-f", "shop-green")
    return first


def nothing_left(site):
    push(site)
    deploy(site, "1.4.1")
    deploy(site, "1.4.2")
    site.host.docker("rm", "-f", "shop-blue", "shop-green")


def stopped(site):
    first = well(site)
    site.host.docker("stop", "shop-blue")
    return first


def crashes(site):
    push(site)
    site.bed.registry.push_app("1.4.2", {"DIE_AFTER_MS": "2500"}, repo="shop")
    deploy(site, "1.4.1")
    deploy(site, "1.4.2")
    kit.eventually(lambda: site.host.containers()["shop-blue"]["RestartCount"] > 2, 60)


def under_way(site):
    push(site)
    site.bed.registry.push_app("1.4.2", {"BOOT_MS": "60000"}, repo="shop")
    deploy(site, "1.4.1")
    site.step(None, image=site.bed.registry.ref("1.4.2", "shop"), health_retries="500").start_main()
    kit.eventually(lambda: "shop-next" in site.host.docker("ps", "--format", "{{.Names}}").split(), 30)
    return site.deployments()[-1]


def old_versions(site):
    push(site)
    for tag in ("1.4.0", "1.4.1", "1.4.2"):
        deploy(site, tag, keep_hours="0", keep_versions="1")


def green_runs(site):
    first = well(site)
    site.host.docker("start", "shop-green")
    return first


def rebooted(site):
    first = well(site)
    site.host.reboot()
    kit.eventually(lambda: site.host.version() == "1.4.2", 30)
    return first


SCENES = {f.__name__.replace("_", "-"): f for f in (well, no_green, nothing_left, stopped, crashes, under_way, old_versions,
                                                    green_runs, rebooted)}


# ---- running ----


def at_host(site, command, secrets):
    """As the user that deploys would type it; the secrets are in its shell's environment only."""
    exports = "".join(f"{k}='{v}'; " for k, v in secrets.items())
    script = f'{exports}PATH="$HOME/.bluegreen/bin:$PATH"; cd; {command}\n'
    return subprocess.run(site.host.ssh_command("bash -s"), input=script.encode(), capture_output=True, timeout=90)


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    return programs(tmp_path_factory.mktemp("program"))


def at_laptop(site, program, command, tmp_path):
    """In a folder with bluegreen.json, and the key where SSH looks for it."""
    laptop = Laptop(tmp_path, program)
    laptop.config({"host": site.host.ip, "user": "ec2-user", "app": kit.APP, "host-fingerprint": site.host.fingerprint()})
    laptop.key(site.bed.keys["ed25519"], "id_ed25519")
    env = laptop.env | {"PATH": f"{program}/bin:{laptop.env['PATH']}"}
    return subprocess.run(["bash", "-c", command], cwd=laptop.work, env=env, capture_output=True, timeout=90)


def bounded(command):
    """A command that goes on by itself is stopped after a moment, as a person would with Ctrl-C."""
    if not ENDLESS.search(command):
        return command
    return f"timeout --signal=INT 8 {command}"


def pattern(line):
    return ".*".join(re.escape(part.strip()) for part in line.split("…"))


def check_output(section, block, output):
    at = 0
    lines = output.splitlines()
    for wanted in block.expected:
        hits = [i for i in range(at, len(lines)) if re.search(pattern(wanted), lines[i])]
        assert hits, f"{section.title}: {block.commands}: no line like {wanted!r} from line {at} on in\n{output}"
        at = hits[0] + 1


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: re.sub(r"[^a-z]+", "-", s.title.lower()).strip("-"))
def test_the_section_is_true(site, section, tmp_path, request):
    real_id = SCENES[section.scene](site)
    secrets = {"REGISTRY_PASSWORD": site.bed.registry.password, "DATABASE_URL": kit.canary("operations")}
    for block in section.blocks:
        output = ""
        for line in block.commands:
            command = line.replace(EXAMPLE_ID, real_id or "none").replace(EXAMPLE_REGISTRY, site.bed.registry.name)
            if block.place == "laptop":
                p = at_laptop(site, request.getfixturevalue("program"), bounded(command), tmp_path)
            else:
                p = at_host(site, bounded(command), secrets)
            told = (p.stdout + p.stderr).decode(errors="replace").replace(site.bed.registry.name, EXAMPLE_REGISTRY)
            code = EXIT_CODE.search(line)
            assert ENDLESS.search(line) or p.returncode == int(code[1] if code else 0), f"{command}: {p.returncode}\n{told}"
            output += told
        check_output(section, block, output)


# ---- the page itself ----


def test_every_section_has_a_scene_and_commands_and_every_command_is_checked():
    assert len(SECTIONS) > 12
    for section in SECTIONS:
        assert section.scene in SCENES, section.title
        assert section.blocks, section.title
        for block in section.blocks:
            assert block.place in ("host", "laptop") and block.commands and block.expected, section.title


def test_no_scene_is_unused():
    assert {s.scene for s in SECTIONS} == set(SCENES)
