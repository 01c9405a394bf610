"""What makes a release: the scripts that pin and tag it, and the document of what is inside."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile

import pytest

from testbed import actionyml, engine, runner

REPOSITORY = runner.REPOSITORY
SCRIPTS = REPOSITORY / ".github/scripts"
DIGEST = "sha256:" + "ab" * 32
IMAGE = f"ghcr.io/org/bluegreen-action@{DIGEST}"
DEPS_IMAGE = "bluegreen-deps"


def run(*args, cwd=None, ok=True, **env):
    p = subprocess.run([str(a) for a in args], cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
                       env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", **env})
    if ok:
        assert p.returncode == 0, p.stdout + p.stderr
        return p.stdout.strip()
    assert p.returncode != 0, p.stdout
    return p.stderr


# ---- pin-action.sh ----


@pytest.fixture
def action_yml(tmp_path):
    copy = tmp_path / "action.yml"
    copy.write_bytes((REPOSITORY / "action.yml").read_bytes())
    return copy


def test_a_release_runs_the_image_by_digest_and_is_the_same_otherwise(action_yml):
    before = actionyml.load(action_yml)
    run(SCRIPTS / "pin-action.sh", action_yml, IMAGE)
    after = actionyml.load(action_yml)
    assert after.image == f"docker://{IMAGE}"
    assert (after.inputs, after.outputs, after.post_entrypoint) == (before.inputs, before.outputs, before.post_entrypoint)
    old, new = (p.splitlines() for p in ((REPOSITORY / "action.yml").read_text(), action_yml.read_text()))
    assert [(a, b) for a, b in zip(old, new, strict=True) if a != b] == [("  image: Dockerfile", f"  image: docker://{IMAGE}")]


@pytest.mark.parametrize("image", [
    "ghcr.io/org/bluegreen-action:v1", "ghcr.io/org/bluegreen-action", f"ghcr.io/org/bluegreen-action:v1@{DIGEST}",
    "ghcr.io/org/bluegreen-action@sha256:abc", f"ghcr.io/Org/bluegreen-action@{DIGEST}", f"bluegreen-action@{DIGEST}",
    f"ghcr.io/org/x|y@{DIGEST}", f"ghcr.io/org/a\n@{DIGEST}", f"docker://{IMAGE}", ""])
def test_anything_but_a_name_with_a_digest_is_refused(action_yml, image):
    before = action_yml.read_bytes()
    run(SCRIPTS / "pin-action.sh", action_yml, image, ok=False)
    assert action_yml.read_bytes() == before


@pytest.mark.parametrize("runs", [
    f"  image: docker://{IMAGE}", "  image: Dockerfile\n  image: Dockerfile", "  image: docker/Dockerfile"])
def test_an_action_that_does_not_build_its_dockerfile_is_refused(action_yml, runs):
    action_yml.write_text(action_yml.read_text().replace("  image: Dockerfile", runs))
    assert "must have the line" in run(SCRIPTS / "pin-action.sh", action_yml, IMAGE, ok=False)


# ---- release-version.sh, tag-release.sh, release-notes.sh ----


class Clone:
    """A repository with what the scripts touch, its origin, and one commit on main."""

    def __init__(self, folder):
        self.origin, self.here = folder / "origin.git", folder / "here"
        run("git", "init", "-q", "--bare", "-b", "main", self.origin)
        run("git", "clone", "-q", self.origin, self.here)
        self.git("config", "user.name", "a maintainer")
        self.git("config", "user.email", "maintainer@example.com")
        (self.here / "action.yml").write_bytes((REPOSITORY / "action.yml").read_bytes())
        scripts = self.here / ".github/scripts"
        scripts.mkdir(parents=True)
        for script in SCRIPTS.glob("*.sh"):
            (scripts / script.name).write_bytes(script.read_bytes())
            (scripts / script.name).chmod(0o755)
        self.set_version("1.2.3")

    def git(self, *args):
        return run("git", "-C", self.here, *args)

    def script(self, name, *args, ok=True, **env):
        return run(self.here / ".github/scripts" / name, *args, cwd=self.here, ok=ok, **env)

    def set_version(self, version):
        self.git("checkout", "-q", "-B", "main")
        (self.here / "CMakeLists.txt").write_text(f"project(bluegreen VERSION {version} LANGUAGES C)\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"version {version}")
        self.git("push", "-q", "-f", "origin", "main")

    def release(self, version):
        self.script("tag-release.sh", version, IMAGE, "origin")
        self.git("checkout", "-q", "main")

    def at(self, tag):
        return run("git", "-C", self.origin, "rev-parse", f"refs/tags/{tag}^{{commit}}")


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def test_the_version_is_that_of_the_tag_and_the_build(clone):
    assert clone.script("release-version.sh", "source/v1.2.3") == "1.2.3"
    assert "CMakeLists.txt 1.2.3" in clone.script("release-version.sh", "source/v1.2.4", ok=False)
    for tag in ("v1.2.3", "source/1.2.3", "source/v1.2", "source/v1.2.3-rc1", "source/v01.2.3"):
        assert "is not like" in clone.script("release-version.sh", tag, ok=False)


def test_a_version_is_released_once_and_only_from_main(clone):
    clone.release("1.2.3")
    assert "released already" in clone.script("release-version.sh", "source/v1.2.3", ok=False)
    clone.git("checkout", "-q", "-b", "side")
    clone.git("commit", "-q", "--allow-empty", "-m", "not on main")
    assert "not on main" in clone.script("release-version.sh", "source/v1.2.3", ok=False)


def test_a_release_is_one_commit_that_changes_action_yml_only(clone):
    source = clone.git("rev-parse", "main")
    clone.release("1.2.3")
    release = clone.at("v1.2.3")
    assert run("git", "-C", clone.origin, "rev-parse", f"{release}^") == source
    assert run("git", "-C", clone.origin, "diff", "--name-only", source, release) == "action.yml"
    assert f"image: docker://{IMAGE}" in run("git", "-C", clone.origin, "show", f"{release}:action.yml")
    assert clone.at("v1") == release
    assert run("git", "-C", clone.origin, "rev-parse", "main") == source, "the branch stays"


def test_the_major_tag_follows_the_newest_release_only(clone):
    clone.release("1.2.3")
    clone.set_version("1.10.0")
    clone.release("1.10.0")
    assert clone.at("v1") == clone.at("v1.10.0") != clone.at("v1.2.3")
    clone.set_version("1.9.1")
    clone.release("1.9.1")
    assert clone.at("v1") == clone.at("v1.10.0"), "an older line's repair must not take users back"
    clone.set_version("2.0.0")
    clone.release("2.0.0")
    assert clone.at("v2") == clone.at("v2.0.0") and clone.at("v1") == clone.at("v1.10.0")


def test_a_released_tag_is_never_moved(clone):
    clone.release("1.2.3")
    first = clone.at("v1.2.3")
    clone.git("commit", "-q", "--allow-empty", "-m", "later")
    other = IMAGE.replace("ab", "cd")
    assert "runs another image" in clone.script("tag-release.sh", "1.2.3", other, "origin", ok=False)
    assert clone.at("v1.2.3") == first


def test_a_release_that_was_cut_off_goes_on(clone):
    clone.release("1.2.3")
    release = clone.at("v1.2.3")
    run("git", "-C", clone.origin, "update-ref", "-d", "refs/tags/v1")
    clone.git("tag", "-d", "v1.2.3")
    clone.release("1.2.3")
    assert clone.at("v1.2.3") == clone.at("v1") == release


def test_a_changed_checkout_is_not_released(clone):
    (clone.here / "action.yml").write_text("name: another\n")
    assert "has changes" in clone.script("tag-release.sh", "1.2.3", IMAGE, "origin", ok=False)


def test_the_notes_say_how_to_pin_and_verify(clone, tmp_path):
    (tmp_path / "base-image.txt").write_text(f"debian@{DIGEST}\n")
    (tmp_path / "SHA256SUMS").write_text("00  bluegreen-linux-amd64\n")
    clone.script("tag-release.sh", "1.2.3", IMAGE, "origin")
    notes = clone.script("release-notes.sh", "1.2.3", IMAGE, tmp_path, GITHUB_REPOSITORY="org/bluegreen-action")
    assert f"uses: org/bluegreen-action@{clone.at('v1.2.3')} # v1.2.3" in notes
    assert f"gh attestation verify oci://{IMAGE}" in notes
    assert f"debian@{DIGEST}" in notes and "bluegreen-linux-amd64" in notes


# ---- cmake/sbom.pl ----


@pytest.fixture(scope="module")
def scratch():
    engine.ROOT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=engine.ROOT) as folder:
        yield pathlib.Path(folder)


@pytest.fixture(scope="module")
def root(scratch):
    """The action image's files."""
    container = engine.docker("create", runner.ACTION_IMAGE)
    try:
        with (scratch / "image.tar").open("wb") as out:
            subprocess.run(["docker", "export", container], stdout=out, check=True, timeout=120)
    finally:
        engine.docker("rm", container)
    with tarfile.open(scratch / "image.tar") as tar:
        wanted = [m for m in tar.getmembers() if m.isfile() and m.name.startswith(("bin/", "usr/lib/", "etc/ssl/"))]
        tar.extractall(scratch / "root", wanted, filter="data")
    return scratch / "root"


def generate(scratch, root, arch, table=None):
    """Runs the generator where the Dockerfile does: beside the unpacked sources, after the release presets' link lines
    are known."""
    script = (REPOSITORY / "cmake/sbom.pl").read_text()
    (scratch / "sbom.pl").write_text(script if table is None else table(script))
    return subprocess.run(
        ["docker", "run", "--rm", "-v", f"{REPOSITORY}:/repository:ro", "-v", f"{scratch}:{scratch}:ro", "-e",
         "SOURCE_DATE_EPOCH=1767225600", DEPS_IMAGE, "bash", "-ec",
         "mkdir /tree; cd /repository; cp -r CMakeLists.txt CMakePresets.json cmake shared agent cmd /tree; cd /tree; "
         "for p in release release-aarch64; do cmake --preset $p >/dev/null; done; "
         f"perl {scratch}/sbom.pl /tree /src {root} {arch}"],
        capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module", params=["amd64", "arm64"])
def sbom(request, scratch, root):
    p = generate(scratch, root, request.param)
    assert p.returncode == 0, p.stderr
    return json.loads(p.stdout)


ID = r"SPDXRef-[A-Za-z0-9.-]+"
LICENCE = r"NOASSERTION|[A-Za-z0-9.+-]+(?: WITH [A-Za-z0-9.-]+)?"


def test_the_document_is_valid_spdx(sbom):
    assert (sbom["spdxVersion"], sbom["dataLicense"], sbom["SPDXID"]) == ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert re.fullmatch(r"https://[\w./-]+", sbom["documentNamespace"]) and "#" not in sbom["documentNamespace"]
    assert sbom["creationInfo"]["created"] == "2026-01-01T00:00:00Z"
    assert all(re.match(r"(Tool|Organization|Person): .", c) for c in sbom["creationInfo"]["creators"])
    elements = sbom["packages"] + sbom["files"]
    ids = [e["SPDXID"] for e in elements]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(ID, i) for i in ids)
    for p in sbom["packages"]:
        assert p["name"] and p["versionInfo"] and p["downloadLocation"], p
        assert re.fullmatch(r"NOASSERTION|https://\S+", p["downloadLocation"])
        assert re.fullmatch(LICENCE, p["licenseDeclared"]) and re.fullmatch(LICENCE, p["licenseConcluded"])
        assert ("packageVerificationCode" in p) == p["filesAnalyzed"]
        assert p["supplier"] == "NOASSERTION" or p["supplier"].startswith("Organization: ")
    for r in sbom["relationships"]:
        assert {r["spdxElementId"], r["relatedSpdxElement"]} <= {*ids, "SPDXRef-DOCUMENT"}, r
        assert r["relationshipType"] in ("DESCRIBES", "CONTAINS", "STATIC_LINK", "GENERATED_FROM"), r
    assert [r for r in sbom["relationships"] if r["relationshipType"] == "DESCRIBES"]


def test_the_files_are_those_of_the_image_with_their_sums(sbom, root):
    assert {f["fileName"] for f in sbom["files"]} == {
        f"./{p.relative_to(root)}" for p in root.rglob("*") if p.is_file()}
    for f in sbom["files"]:
        data = (root / f["fileName"]).read_bytes()
        sums = {c["algorithm"]: c["checksumValue"] for c in f["checksums"]}
        assert sums == {"SHA1": hashlib.sha1(data).hexdigest(), "SHA256": hashlib.sha256(data).hexdigest()}
    sha1 = sorted(c["checksumValue"] for f in sbom["files"] for c in f["checksums"] if c["algorithm"] == "SHA1")
    [image] = [p for p in sbom["packages"] if p["filesAnalyzed"]]
    assert image["packageVerificationCode"]["packageVerificationCodeValue"] == hashlib.sha1("".join(sha1).encode()).hexdigest()


def linked(sbom, name):
    """Packages linked into a file of the image."""
    by_id = {p["SPDXID"]: p for p in sbom["packages"]}
    [file] = [f["SPDXID"] for f in sbom["files"] if f["fileName"] == f"./{name}"]
    return {by_id[r["relatedSpdxElement"]]["name"]: by_id[r["relatedSpdxElement"]] for r in sbom["relationships"]
            if r["relationshipType"] == "STATIC_LINK" and r["spdxElementId"] == file}


def test_every_library_of_the_build_is_listed(sbom):
    """cmake/libraries.cmake says what is linked statically; what sources.sh fetches is what it is built from."""
    text = (REPOSITORY / "cmake/libraries.cmake").read_text()
    static = text[text.index("if(BLUEGREEN_STATIC)\n    bluegreen_dependency"):text.index("else()\n    bluegreen_dependency")]
    names = {n for line in re.findall(r"bluegreen_dependency\(\w+ \S+ (.*?)\)", static) for n in line.split()} | {"cjson"}
    assert names == {"crypto", "ssl", "curl", "archive", "z", "ssh2", "xml2", "cjson"}
    packages = re.search(r"^packages=\((.*)\)", (REPOSITORY / "cmake/deps/sources.sh").read_text(), re.M)[1].split()
    sources = {re.search(r"pkg:deb/debian/([^@]+)@", ref["referenceLocator"])[1] for p in sbom["packages"]
               for ref in p.get("externalRefs", []) if ref["referenceType"] == "purl"}
    assert set(packages) <= sources
    everywhere = {"OpenSSL", "libcurl", "cJSON", "libarchive", "zlib", "musl", "libgcc"}
    assert set(linked(sbom, "bin/bluegreen")) == everywhere | {"libssh2", "libxml2"}
    for agent in ("x86_64", "aarch64"):
        assert set(linked(sbom, f"usr/lib/bluegreen/bluegreen-agent-{agent}")) == everywhere


def test_the_versions_are_those_in_the_program(sbom, root):
    """Libraries that carry their version in their text carry the one that is listed."""
    program = (root / "bin/bluegreen").read_bytes()
    for name, text in {"OpenSSL": "OpenSSL {} ", "libssh2": "SSH-2.0-libssh2_{}\0", "libcurl": "\0{}\0"}.items():
        [cpe] = [r["referenceLocator"] for r in linked(sbom, "bin/bluegreen")[name]["externalRefs"]
                 if r["referenceType"] == "cpe23Type"]
        version = cpe.split(":")[5]
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert text.format(version).encode() in program, f"{name} {version}"


def test_a_library_without_licence_and_source_ends_the_build(scratch, root):
    p = generate(scratch, root, "amd64", lambda script: script.replace("'libssh2.a' => 'libssh2', ", ""))
    assert p.returncode != 0 and "libssh2.a is linked, but not in the table" in p.stderr
