"""The docker command of the machine the tests run on, and how the test bed's own images are made."""

import hashlib
import io
import os
import pathlib
import subprocess
import tarfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = pathlib.Path(os.environ.get("BLUEGREEN_TEST_DIR", "/tmp/bluegreen-test"))
LABEL = "io.bluegreen.testbed"


class Problem(Exception):
    """Something the test bed needs is missing or does not work."""


def docker(*args, stdin=None, check=True, timeout=120, env=None):
    """Run docker; returns its output as text. With check=False: the CompletedProcess."""
    try:
        p = subprocess.run(["docker", *map(str, args)], input=stdin, capture_output=True, timeout=timeout, env=env)
    except subprocess.TimeoutExpired as e:
        raise Problem(f"docker {' '.join(map(str, args))[:200]}: no end within {timeout} s") from e
    if not check:
        return p
    if p.returncode != 0:
        raise Problem(f"docker {' '.join(map(str, args))[:300]}: {p.stderr.decode(errors='replace').strip()}")
    return p.stdout.decode(errors="replace").strip()


def wait_for(what, condition, timeout=30.0, every=0.05):
    """Poll until condition() is true and return its value; Problem after the deadline."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Problem(f"{what}: not within {timeout} s")
        time.sleep(every)


def has_image(ref):
    return docker("image", "inspect", ref, check=False).returncode == 0


def _digest_of(paths):
    h = hashlib.sha256()
    for path in paths:
        h.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return h.hexdigest()[:12]


def built_image(name, dockerfile, *files):
    """The image of a Dockerfile beside this module; built when its text or its files changed."""
    base = "debian:trixie-slim"
    paths = [HERE / dockerfile, *(HERE / f for f in files)]
    ref = f"bluegreen-test-{name}:{_digest_of(paths)}"
    if has_image(ref):
        return ref
    if not has_image(base):
        raise Problem(f"the image {base} is missing: run tests/testbed/base-image.sh")
    for buildkit in ("0", "1"):
        p = docker("build", "-q", "-t", ref, "--label", f"{LABEL}.image=1", "-f", HERE / dockerfile, HERE,
                   check=False, timeout=900, env={**os.environ, "DOCKER_BUILDKIT": buildkit})
        if p.returncode == 0:
            return ref
    raise Problem(f"docker build of {dockerfile}: {p.stderr.decode(errors='replace')[-2000:]}")


def compiled(source):
    """Path of the static x86_64 program made of a C file beside this module."""
    path = HERE / source
    out = ROOT / "cache" / f"{path.stem}-{_digest_of([path])}"
    if out.exists():
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    tmp = out.with_suffix(f".{os.getpid()}")
    errors = []
    for cc in ("x86_64-linux-musl-gcc", "musl-gcc", "gcc"):
        try:
            p = subprocess.run([cc, "-static", "-Os", "-s", "-Wall", "-Wextra", "-o", str(tmp), str(path)],
                               capture_output=True)
        except FileNotFoundError:
            continue
        if p.returncode == 0:
            tmp.rename(out)
            return out
        errors.append(f"{cc}: {p.stderr.decode(errors='replace')}")
    raise Problem("no compiler made a static program of " + source + ": " + ("".join(errors) or "install gcc"))


def tar_of(files):
    """An uncompressed tar of {name: bytes}, the same bytes for the same content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, data in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), 0o755, 0
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def program_image(name, source):
    """An image with nothing but the static program of a C file, as /NAME."""
    program = compiled(source)
    ref = f"bluegreen-test-{name}:{program.name.rsplit('-', 1)[1]}"
    if not has_image(ref):
        docker("import", "-c", f'ENTRYPOINT ["/{name}"]', "-", ref, stdin=tar_of({name: program.read_bytes()}))
    return ref
