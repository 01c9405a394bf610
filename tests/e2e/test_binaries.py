"""What is shipped: static, hardened, small, reproducible; and the rules of the source tree that a machine can check."""

import json
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

import pytest

from testbed import engine, runner

REPOSITORY = runner.REPOSITORY
AGENTS = {
    "x86_64": "usr/lib/bluegreen/bluegreen-agent-x86_64",
    "aarch64": "usr/lib/bluegreen/bluegreen-agent-aarch64",
}
BINARIES = {"action": "bin/bluegreen", **AGENTS}
PRESETS = {"x86_64": "release", "aarch64": "release-aarch64"}
STRIP = {"x86_64": "x86_64-linux-gnu-strip", "aarch64": "aarch64-linux-gnu-strip"}
EMULATOR = {"x86_64": [], "aarch64": ["qemu-aarch64"]}
AGENT_MAX_BYTES = 4_000_000
IMAGE_MAX_BYTES = 12_000_000

each_binary = pytest.mark.parametrize("which", BINARIES)
each_agent = pytest.mark.parametrize("arch", AGENTS)


def run(*args, check=True, **kwargs):
    p = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       timeout=600, check=False, **kwargs)
    if check:
        assert p.returncode == 0, f"{' '.join(map(str, args))}:\n{p.stdout[-4000:]}"
    return p.stdout if check else p


def tracked(*patterns):
    """Files of the repository: those under version control and those about to be."""
    out = run("git", "-C", REPOSITORY, "ls-files", "-co", "--exclude-standard", "--", *patterns)
    return [p for p in (REPOSITORY / line for line in out.splitlines()) if p.exists()]


@pytest.fixture(scope="module")
def scratch():
    engine.ROOT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=engine.ROOT) as folder:
        yield pathlib.Path(folder)


@pytest.fixture(scope="module")
def image(scratch):
    """The action image's files, unpacked; with the tar members by name."""
    root = scratch / "image"
    root.mkdir()
    container = engine.docker("create", runner.ACTION_IMAGE)
    try:
        archive = scratch / "image.tar"
        with archive.open("wb") as out:
            subprocess.run(["docker", "export", container], stdout=out, check=True, timeout=120)
    finally:
        engine.docker("rm", container)
    with tarfile.open(archive) as tar:
        members = {m.name.strip("/"): m for m in tar.getmembers()}
        for member in members.values():
            if member.isfile() and member.name.startswith(("bin/", "usr/", "etc/ssl")):
                tar.extract(member, root, filter="data")
    return root, members


@pytest.fixture(scope="module")
def rebuilt(scratch):
    """Both agents, and the action for arm64, built anew from a copy of the sources in another folder, not stripped."""
    copy = scratch / "a copy elsewhere"
    for path in tracked("CMakeLists.txt", "CMakePresets.json", "cmake", "shared", "agent", "cmd"):
        to = copy / path.relative_to(REPOSITORY)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, to)
    agents = {}
    for arch, preset in PRESETS.items():
        build = copy / "another build folder" / preset
        run("cmake", "--preset", preset, "-B", build, cwd=copy)
        targets = ["bluegreen-agent", *(["bluegreen"] if arch == "aarch64" else [])]
        run("cmake", "--build", build, "--target", *targets, cwd=copy)
        agents[arch] = build / "bluegreen-agent"
    return agents


def elf(path, *options):
    return run("readelf", "-W", *options, path)


# The shipped binaries


@each_binary
def test_file_calls_it_static(image, which):
    told = run("file", "-b", image[0] / BINARIES[which])
    assert "static-pie linked" in told and "dynamically linked" not in told and ", stripped" in told, told


@each_binary
def test_it_is_a_pie_without_interpreter_or_libraries(image, which):
    path = image[0] / BINARIES[which]
    assert "DYN (" in elf(path, "-h")
    assert "INTERP" not in elf(path, "-l")
    assert "(NEEDED)" not in elf(path, "-d") and "TEXTREL" not in elf(path, "-d")


@each_binary
def test_it_has_full_relro(image, which):
    path = image[0] / BINARIES[which]
    assert "GNU_RELRO" in elf(path, "-l")
    assert "BIND_NOW" in elf(path, "-d")


@each_binary
def test_no_segment_is_writable_and_executable(image, which):
    segments = re.findall(r"^\s+(\w+)\s+(?:0x\w+\s+){5}([R ][W ][E ])\s", elf(image[0] / BINARIES[which], "-l"), re.M)
    assert [kind for kind, _ in segments].count("LOAD") >= 3
    assert not [s for s in segments if "W" in s[1] and "E" in s[1]]


@each_binary
def test_the_stack_is_not_executable(image, which):
    stack = re.search(r"GNU_STACK\s+(?:0x\w+\s+){5}([R ][W ][E ])", elf(image[0] / BINARIES[which], "-l"))
    assert stack and stack.group(1) == "RW "


@each_binary
def test_it_has_no_build_id_and_no_build_path(image, which):
    path = image[0] / BINARIES[which]
    assert "Build ID" not in elf(path, "-n")
    data = path.read_bytes()
    for trace in (b"/tree/", b"/tmp/tmp.", str(REPOSITORY).encode()):
        assert trace not in data, trace


@each_binary
def test_it_was_made_for_the_right_machine(image, which):
    machine = {"aarch64": "AArch64"}.get(which, "X86-64")
    assert machine in elf(image[0] / BINARIES[which], "-h")


@each_agent
def test_an_agent_is_small(image, arch):
    assert (image[0] / AGENTS[arch]).stat().st_size <= AGENT_MAX_BYTES


@each_agent
def test_an_agent_says_its_version(image, arch):
    version = re.search(r"project\(bluegreen VERSION ([\d.]+)", (REPOSITORY / "CMakeLists.txt").read_text()).group(1)
    assert version in run(*EMULATOR[arch], image[0] / AGENTS[arch], "version")


@each_agent
def test_an_agent_checks_itself(image, arch):
    told = run(*EMULATOR[arch], image[0] / AGENTS[arch], "self-check")
    assert told.strip()


@each_agent
def test_two_builds_give_the_same_bytes(image, rebuilt, scratch, arch):
    stripped = scratch / f"stripped-{arch}"
    run(STRIP[arch], "-o", stripped, rebuilt[arch])
    shipped = image[0] / AGENTS[arch]
    assert run("sha256sum", stripped).split()[0] == run("sha256sum", shipped).split()[0]


def test_the_action_itself_runs_on_arm64_too(rebuilt):
    action = rebuilt["aarch64"].parent / "bluegreen"
    assert "AArch64" in elf(action, "-h")
    assert re.fullmatch(r"bluegreen \d+\.\d+\.\d+\n", run(*EMULATOR["aarch64"], action, "--version"))


@each_agent
def test_the_stack_protector_is_on(rebuilt, arch):
    """In the unstripped twin of the shipped agent: our own objects call it, not only the libraries."""
    assert re.search(r" T __stack_chk_fail$", run("nm", rebuilt[arch]), re.M)
    objects = sorted((rebuilt[arch].parent / "CMakeFiles" / "bgagent.dir").rglob("*.o"))
    calling = [o for o in objects if "__stack_chk_fail" in run("nm", "-u", o)]
    assert len(calling) > len(objects) / 2


# The image


def test_the_image_is_small():
    assert int(engine.docker("image", "inspect", "-f", "{{.Size}}", runner.ACTION_IMAGE)) <= IMAGE_MAX_BYTES


def test_the_image_holds_what_it_needs_and_no_more(image):
    ours = {name for name, m in image[1].items() if not m.isdir()}
    # Docker adds these to every container it makes.
    ours -= {".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"}
    assert ours == {*BINARIES.values(), "bin/bluegreen-post", "etc/ssl/certs/ca-certificates.crt"}


def test_post_is_the_same_program_under_another_name(image):
    link = image[1]["bin/bluegreen-post"]
    assert link.issym() and link.linkname == "bluegreen"


def test_the_image_has_a_tmp_for_everyone(image):
    assert image[1]["tmp"].isdir() and image[1]["tmp"].mode & 0o7777 == 0o1777


def test_the_image_starts_the_action_as_it_is():
    config = json.loads(engine.docker("image", "inspect", "-f", "{{json .Config}}", runner.ACTION_IMAGE))
    assert config["Entrypoint"] == ["/bin/bluegreen"]
    assert not config["Cmd"] and not config["User"] and not config.get("ExposedPorts")


def test_the_ca_bundle_is_one(image):
    text = (image[0] / "etc/ssl/certs/ca-certificates.crt").read_text()
    assert text.count("BEGIN CERTIFICATE") > 50


# The rules of the source tree

LAYERS = {
    "shared": re.compile(r'#include "(?:agent|cmd)/'),
    "agent": re.compile(r'#include "(cmd/|shared/(xml|aws_query)\.h)'),
    "cmd": re.compile(r'#include "agent/'),
}


@pytest.mark.parametrize("folder", LAYERS)
def test_layers_are_kept(folder):
    wrong = [f"{p.relative_to(REPOSITORY)}: {line}" for p in tracked(f"{folder}/*.[ch]")
             for line in p.read_text().splitlines() if LAYERS[folder].search(line)]
    assert not wrong


DOORS = {
    "libssh2.h": r"cmd/ssh/ssh\w*\.[ch]",
    "curl/curl.h": r"shared/http\w*\.c",
    "cjson/cJSON.h": r"shared/json\w*\.c",
    "archive.h": r"shared/bundle\w*\.c",
    "archive_entry.h": r"shared/bundle\w*\.c",
    "openssl/": r"shared/crypto\w*\.c",
    "libxml/": r"shared/xml\w*\.c",
}


@pytest.mark.parametrize("header", DOORS)
def test_each_library_has_one_door(header):
    include = re.compile(r"^\s*#\s*include\s*<" + re.escape(header), re.M)
    users = [str(p.relative_to(REPOSITORY)) for p in tracked("shared/*.[ch]", "agent/*.[ch]", "cmd/*.[ch]")
             if include.search(p.read_text())]
    assert users
    assert not [u for u in users if not re.fullmatch(DOORS[header], u)]


BANNED = {
    "strcpy": "strcpy(b, a)", "strcat": "strcat(b, a)", "sprintf": 'sprintf(b, "%s", a)', "strtok": "strtok(b, a)",
    "atoi": "atoi(a)", "atol": "atol(a)", "system": "system(a)", "popen": 'popen(a, "r")', "mktemp": "mktemp(b)",
}


def compiles(scratch, call):
    source = scratch / "banned.c"
    source.write_text(f'#include "shared/banned.h"\nvoid f(char *b, const char *a);\n'
                      f"void f(char *b, const char *a)\n{{\n    (void)a;\n    (void)b;\n    (void){call};\n}}\n")
    return run("gcc", "-std=gnu17", "-D_GNU_SOURCE", f"-I{REPOSITORY}", "-fsyntax-only", source, check=False)


@pytest.mark.parametrize("function", BANNED)
def test_a_banned_function_does_not_compile(scratch, function):
    p = compiles(scratch, BANNED[function])
    assert p.returncode != 0 and "poisoned" in p.stdout, p.stdout


def test_what_is_not_banned_compiles(scratch):
    p = compiles(scratch, 'snprintf(b, 2, "%s", a)')
    assert p.returncode == 0, p.stdout


def test_each_header_stands_alone(scratch):
    source = scratch / "header.c"
    headers = [p.relative_to(REPOSITORY) for p in tracked("shared/*.h", "agent/*.h", "cmd/*.h")]
    assert len(headers) > 10
    for header in headers:
        source.write_text(f'#include "{header}"\nint header_end;\n')
        run("gcc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{REPOSITORY}", "-fsyntax-only", source)


def test_sources_include_their_own_header_first():
    wrong = []
    for path in tracked("shared/*.c", "agent/*.c", "cmd/*.c"):
        if path.with_suffix(".h").exists():
            first = re.search(r'^#include (.*)$', path.read_text(), re.M)
            own = f'"{path.relative_to(REPOSITORY).with_suffix(".h")}"'
            if not first or first.group(1) != own:
                wrong.append(f"{path.relative_to(REPOSITORY)}: {first and first.group(1)}")
    assert not wrong


def test_sources_are_formatted():
    run("clang-format", "--dry-run", "-Werror", *tracked("*.c", "*.h"), cwd=REPOSITORY)


def test_shell_scripts_are_clean():
    scripts = [p for p in tracked("*.sh", ".ci/run") if p.is_file()]
    assert len(scripts) >= 8
    run("shellcheck", "-x", *scripts, cwd=REPOSITORY)


def test_no_binary_is_in_the_repository():
    magic = (b"\x7fELF", b"!<arch>", b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
    wrong = []
    for path in tracked():
        corpus = "tests/fuzz/corpus/" in str(path) or "tests/corpus/" in str(path)
        data = path.read_bytes() if path.is_file() else b""
        if data.startswith(magic[:2]) or (not corpus and (data.startswith(magic) or b"\0" in data[:8192])):
            wrong.append(str(path.relative_to(REPOSITORY)))
        assert len(data) < 512 * 1024, path
    assert not wrong
