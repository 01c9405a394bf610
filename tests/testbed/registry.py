"""The registry of the test bed, and how sample images get into it: through its HTTP API, made byte by byte here.

Made so, a hundred versions of an app cost a hundred small JSON texts and one layer, any architecture can be claimed, and
the engine of this machine keeps none of them.
"""

import base64
import gzip
import hashlib
import json
import secrets
import struct
import urllib.error
import urllib.parse
import urllib.request

from . import engine

CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

# The sample apps by the tag they are pushed under: environment of the image (apps/app.c has the list).
VARIANTS = {
    "v1": {},
    "v2": {},
    "v3": {},
    "slow1": {"BOOT_MS": "3000"},
    "slow2": {"BOOT_MS": "3000"},
    "never-healthy": {"HEALTH_STATUS": "503"},
    "exits": {"EXIT_CODE": "3"},
    "ignore-sigterm": {"IGNORE_TERM": "1"},
    "dies-after": {"DIE_AFTER_MS": "1500"},
    "huge-log": {"LOG_MB": "100"},
}


def arm64_exit():
    """A valid aarch64 program that ends with status 0: an ELF header, one segment, three instructions."""
    code = struct.pack("<III", 0xD2800000, 0xD2800BA8, 0xD4000001)  # mov x0,#0; mov x8,#93; svc #0
    base, start = 0x400000, 64 + 56
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, base + start, 64, 0, 0, 64,
                                                             56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, start + len(code), start + len(code), 0x1000)
    return header + segment + code


class Registry:
    """Talks to a running registry from outside; `name` is what the hosts call it."""

    def __init__(self, address, name, user, password):
        self.address, self.name, self.user, self.password = address, name, user, password
        self.basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._blobs = set()

    def _call(self, method, path, body=None, content_type=None, ok=(200, 201, 202)):
        url = path if path.startswith("http") else f"http://{self.address}{path}"
        headers = {"Authorization": "Basic " + self.basic}
        if content_type:
            headers["Content-Type"] = content_type
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                if answer.status not in ok:
                    raise engine.Problem(f"registry: {method} {path}: {answer.status}")
                return answer.headers
        except urllib.error.HTTPError as e:
            raise engine.Problem(f"registry: {method} {path}: {e.code} {e.read(300)!r}") from e

    def answers(self):
        try:
            self._call("GET", "/v2/")
            return True
        except (OSError, engine.Problem):
            return False

    def _blob(self, repo, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if (repo, digest) not in self._blobs:
            where = self._call("POST", f"/v2/{repo}/blobs/uploads/", body=b"")["Location"]
            mark = "&" if "?" in where else "?"
            self._call("PUT", f"{where}{mark}digest={urllib.parse.quote(digest)}", data, "application/octet-stream")
            self._blobs.add((repo, digest))
        return {"digest": digest, "size": len(data)}

    def push(self, repo, tag, layers, env=None, entrypoint=("/app",), arch="amd64", labels=None, extra=None):
        """Push an image of uncompressed tar layers; returns its digest."""
        packed = [gzip.compress(t, 1, mtime=0) for t in layers]
        config = {
            "architecture": arch, "os": "linux", "created": "2026-01-01T00:00:00Z",
            "config": {"Env": [f"{k}={v}" for k, v in (env or {}).items()], "Entrypoint": list(entrypoint),
                       "ExposedPorts": {"8080/tcp": {}}, "Labels": labels or {}, **(extra or {})},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(t).hexdigest() for t in layers]},
            "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "testbed"} for _ in layers],
        }
        manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, **self._blob(repo, json.dumps(config).encode())},
            "layers": [{"mediaType": LAYER, **self._blob(repo, data)} for data in packed],
        }
        body = json.dumps(manifest).encode()
        self._call("PUT", f"/v2/{repo}/manifests/{tag}", body, MANIFEST)
        return "sha256:" + hashlib.sha256(body).hexdigest()

    def ref(self, tag, repo="app"):
        return f"{self.name}/{repo}:{tag}"

    def push_app(self, tag, env=None, repo="app", filler=0, **kwargs):
        """Push the sample app under a tag; filler: bytes of random data in a layer of its own. Returns the reference."""
        layers = [engine.tar_of({"app": engine.compiled("apps/app.c").read_bytes()})]
        if filler:
            layers.append(engine.tar_of({"filler": secrets.token_bytes(filler)}))
        self.push(repo, tag, layers, {"APP_VERSION": tag, **(env or {})}, **kwargs)
        return self.ref(tag, repo)

    def push_samples(self):
        for tag, env in VARIANTS.items():
            self.push_app(tag, env)
        self.push("app", "wrong-arch", [engine.tar_of({"app": arm64_exit()})], arch="arm64")
