"""The services behind a GitHub runner's artifacts, strict: the results service (Twirp) and the blob store behind its URLs.

Written from the toolkit's generated client and from the pages on Put Block and Put Block List; nothing here knows the action.
What a request does against the rules lands in `problems`. Two kinds of store: "azure" keeps blocks by their ids and makes a
file of them when the block list comes; "append" is what act has: it adds what comes, as it comes.
"""

import base64
import contextlib
import datetime
import hashlib
import http.server
import json
import pathlib
import re
import secrets
import socket
import threading
import time
import urllib.parse
import xml.etree.ElementTree
from dataclasses import dataclass, field

SERVICE = "/twirp/github.actions.results.api.v1.ArtifactService/"
BLOCK_MAX = 4000 * 1024 * 1024
COPY = 1024 * 1024
FORBIDDEN_IN_NAMES = '":<>|*?\r\n\\/'
FIELDS = {
    "CreateArtifact": {"name", "version", "expires_at", "mime_type"},
    "FinalizeArtifact": {"name", "size", "hash"},
    "ListArtifacts": {"name_filter", "id_filter"},
    "GetSignedArtifactURL": {"name"},
    "DeleteArtifact": {"name"},
}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(run, job, scope=None):
    """A runtime token as the runner has it. Nobody checks its signature."""
    scp = scope if scope is not None else f"Actions.ExampleScope Actions.Results:{run}:{job} Actions.Other:x"
    claims = {"nameid": "dddddddd-dddd-dddd-dddd-dddddddddddd", "scp": scp, "iss": "vstoken.actions.githubusercontent.com",
              "nbf": 1700000000, "exp": 4000000000, "orchid": secrets.token_hex(8)}
    return ".".join([b64url(b'{"typ":"JWT","alg":"RS256"}'), b64url(json.dumps(claims).encode()),
                     b64url(secrets.token_bytes(64))])


@dataclass
class Fault:
    """What goes wrong, `times` times, from the `after`th request on, with requests of one kind: a method's name, block,
    blocklist. what: status, drop (the connection ends in the middle of the body), lost (done, but not answered), silent,
    text (the answer's body), slow (seconds)."""
    kind: str
    what: str
    times: int = 1
    after: int = 0
    status: int = 503
    retry_after: int | None = None
    body: bytes = b""
    seconds: float = 0.0


@dataclass
class Request:
    kind: str
    at: float
    length: int
    status: int = 0  # 0: not answered


@dataclass
class Artifact:
    id: int
    name: str
    blob: str
    expires_at: datetime.datetime | None
    size: int = 0
    hash: str = ""
    finalized: bool = False


@dataclass
class Blob:
    """Staged blocks by id, in files; the file itself once the list came."""
    folder: pathlib.Path
    name: str
    signature: str
    staged: dict = field(default_factory=dict)
    committed: bool = False
    content_type: str = ""

    @property
    def path(self):
        return self.folder / f"{self.name}.zip"


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class _Gone(Exception):
    """The connection is to be left as it is, without an answer."""


class Service:
    """with Service(folder, ip) as s: …; s.offers() is what a runner would put into the environment."""

    def __init__(self, folder, ip="127.0.0.1", store="azure", camel=False, numbers=False, retention_days=90):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store, self.camel, self.numbers, self.retention_days = store, camel, numbers, retention_days
        self.run, self.job = secrets.token_hex(8), secrets.token_hex(8)
        self.token = token(self.run, self.job)
        self.artifacts, self.blobs = {}, {}
        self.requests, self.problems, self.faults, self.signatures = [], [], [], []
        self._next_id = 1_000_000 + secrets.randbelow(1000)
        self._lock, self._changed = threading.RLock(), threading.Condition()
        self.released = threading.Event()
        self._open = set()
        handler = type("Handler", (_Handler,), {"service": self})
        self._server = http.server.ThreadingHTTPServer((ip, 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://{ip}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def offers(self, **over):
        """The runner's variables; the path of the URL is not to be used."""
        env = {"ACTIONS_RESULTS_URL": f"{self.url}/some/path/", "ACTIONS_RUNTIME_TOKEN": self.token,
               "GITHUB_RETENTION_DAYS": str(self.retention_days)}
        env.update(over)
        return env

    def fault(self, kind, what, **kwargs):
        with self._lock:
            self.faults.append(Fault(kind, what, **kwargs))

    def content(self, name):
        """The path of a finalized artifact's bytes."""
        a = self.artifacts[name]
        assert a.finalized, f"artifact {name} is not finalized"
        return self.blobs[a.blob].path

    def secrets(self):
        """Everything of this service that nobody but the runner may see."""
        out = [self.token]
        for s in self.signatures:
            out += [s, urllib.parse.unquote(s)]
        return out

    def count(self, kind):
        return sum(r.kind == kind for r in self.requests)

    def wait_request(self, kind, count=1, timeout=30.0):
        """Until so many requests of a kind have come."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.count(kind) >= count, timeout):
                raise AssertionError(f"no {kind} number {count} within {timeout} s: {[r.kind for r in self.requests]}")

    # ---- used by the handler ----

    def began(self, kind, length):
        request = Request(kind, time.monotonic(), length)
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        return request

    def take_fault(self, kind):
        with self._lock:
            for f in self.faults:
                if f.kind == kind and f.after > 0:
                    f.after -= 1
                elif f.kind == kind and f.times > 0:
                    f.times -= 1
                    return f
        return None

    def problem(self, text):
        with self._lock:
            self.problems.append(text)

    def call(self, method, body):
        with self._lock:
            if method not in FIELDS:
                raise Refused(404, "bad_route", f"no method {method}")
            unknown = set(body) - FIELDS[method] - {"workflow_run_backend_id", "workflow_job_run_backend_id"}
            if self.store == "append":
                unknown |= {"mime_type"} & set(body)
            if unknown:
                self.problem(f"{method}: unknown fields {sorted(unknown)}")
                raise Refused(500, "internal", f"unknown field {sorted(unknown)[0]}")
            if (body.get("workflow_run_backend_id"), body.get("workflow_job_run_backend_id")) != (self.run, self.job):
                self.problem(f"{method}: wrong ids")
                raise Refused(403, "permission_denied", "ids do not fit the token")
            return getattr(self, "_" + method)(body)

    def _name(self, body):
        name = body.get("name")
        if not isinstance(name, str) or not name or any(c in FORBIDDEN_IN_NAMES for c in name):
            self.problem(f"name {name!r}")
            raise Refused(400, "invalid_argument", "bad name")
        return name

    def _CreateArtifact(self, body):
        name, expires = self._name(body), body.get("expires_at")
        if body.get("version") not in (4, 7) or (body.get("version") == 4) != ("mime_type" not in body):
            self.problem(f"version {body.get('version')!r} and mime_type {body.get('mime_type')!r}")
            raise Refused(400, "invalid_argument", "version and mime_type do not fit")
        if expires is not None:
            expires = datetime.datetime.fromisoformat(expires.replace("Z", "+00:00"))
            most = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=self.retention_days, minutes=5)
            if expires > most:
                raise Refused(400, "invalid_argument", "expires_at is beyond what the repository allows")
        if name in self.artifacts and self.store == "azure":
            raise Refused(409, "already_exists", "an artifact with this name already exists on the workflow run")
        self._next_id += 1
        blob = Blob(self.folder, secrets.token_hex(12), urllib.parse.quote(base64.b64encode(secrets.token_bytes(29) + b"\xfb\xff\xfe")))
        self.blobs[blob.name] = blob
        self.artifacts[name] = Artifact(self._next_id, name, blob.name, expires)
        if self.store == "append":
            blob.path.write_bytes(b"")
        self.signatures.append(blob.signature)
        return {"ok": True, "signed_upload_url": self.signed(blob, "cw")}

    def signed(self, blob, permission):
        path = f"{self.url}/container/{blob.name}.zip"
        if self.store == "append":
            return f"{path}?sig={blob.signature}&expires=2099-01-01+00%3A00%3A00&artifactName=x&taskID=1"
        return (f"{path}?se=2099-01-01T00%3A00%3A00Z&sig={blob.signature}&ske=2099-01-01T12%3A00%3A00Z&sp={permission}&spr=https"
                "&sr=b&st=2026-01-01T00%3A00%3A00Z&sv=2025-11-05")

    def _FinalizeArtifact(self, body):
        a = self.artifacts.get(self._name(body))
        if a is None:
            raise Refused(404, "not_found", "no such artifact")
        if a.finalized:
            raise Refused(409, "already_exists", "finalized already")
        blob = self.blobs[a.blob]
        if not isinstance(body.get("size"), str) or not re.fullmatch(r"\d+", body["size"]):
            self.problem(f"size {body.get('size')!r} is not a decimal string")
        if not blob.committed and self.store == "azure":
            self.problem("finalized before the block list came")
            raise Refused(400, "invalid_argument", "no content")
        size, digest = blob.path.stat().st_size, file_hash(blob.path)
        if int(body["size"]) != size or body.get("hash") != digest:
            self.problem(f"{body['size']} bytes of {body.get('hash')} are told, {size} of {digest} are there")
            raise Refused(400, "invalid_argument", "size or hash do not fit")
        a.size, a.hash, a.finalized = size, digest, True
        return {"ok": True, "artifact_id": str(a.id)}

    def _listed(self, body):
        for a in self.artifacts.values():
            if not a.finalized and self.store == "azure":
                continue
            if "name_filter" in body and a.name != body["name_filter"] or "id_filter" in body and str(a.id) != body["id_filter"]:
                continue
            yield a

    def _ListArtifacts(self, body):
        return {"artifacts": [{"workflow_run_backend_id": self.run, "workflow_job_run_backend_id": self.job,
                               "database_id": str(a.id), "name": a.name, "size": str(a.size),
                               "created_at": "2026-01-29T03:10:02Z", "digest": a.hash} for a in self._listed(body)]}

    def _GetSignedArtifactURL(self, body):
        a = self.artifacts.get(self._name(body))
        if a is None or not a.finalized:
            raise Refused(404, "not_found", "no such artifact")
        return {"signed_url": self.signed(self.blobs[a.blob], "r")}

    def _DeleteArtifact(self, body):
        a = self.artifacts.pop(self._name(body), None)
        if a is None:
            raise Refused(404, "not_found", "no such artifact")
        return {"ok": True, "artifact_id": str(a.id)}


def file_hash(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(COPY):
            h.update(chunk)
    return "sha256:" + h.hexdigest()


def _camel(value):
    if isinstance(value, dict):
        return {re.sub(r"_(.)", lambda m: m[1].upper(), k): _camel(v) for k, v in value.items()}
    return [_camel(v) for v in value] if isinstance(value, list) else value


def _numbers(value):
    """64-bit numbers not as text."""
    if isinstance(value, dict):
        return {k: _numbers(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return int(value) if isinstance(value, str) and value.isdigit() else value


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    service = None

    def log_message(self, *args):
        pass

    def _length(self, kind):
        s = self.service
        if "Transfer-Encoding" in self.headers:
            s.problem(f"{kind}: Transfer-Encoding {self.headers['Transfer-Encoding']}")
        if "Expect" in self.headers:
            s.problem(f"{kind}: Expect {self.headers['Expect']}")
        if not self.headers.get("Content-Length", "").isdigit():
            s.problem(f"{kind}: no Content-Length")
            raise Refused(411, "MissingContentLengthHeader", "Content-Length is needed")
        if not self.headers.get("User-Agent"):
            s.problem(f"{kind}: no User-Agent")
        return int(self.headers["Content-Length"])

    def _copy(self, length, out):
        """The body, `length` bytes of it, into a file."""
        while length > 0:
            chunk = self.rfile.read(min(COPY, length))
            if not chunk:
                raise _Gone
            out.write(chunk)
            length -= len(chunk)

    def _hang_up(self):
        """End the connection so that the peer notices at once."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status, body=b"", kind="application/json", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for k, v in headers:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)
        if self.request_log:
            self.request_log.status = status

    def _before(self, fault, length, sink):
        """Faults that take the place of the real work. True: it is over."""
        if fault is None or fault.what == "lost":
            return False
        if fault.what == "drop":
            self._copy(length // 2, sink)
            raise _Gone
        if fault.what in ("slow", "silent"):
            self.service.released.wait(fault.seconds or 60)
            if fault.what == "silent":
                raise _Gone
            return False
        self._copy(length, _Nowhere())
        headers = [("Retry-After", str(fault.retry_after))] if fault.retry_after is not None else []
        self._answer(200 if fault.what == "text" else fault.status, fault.body, headers=headers)
        return True

    def _guarded(self, kind, work):
        self.request_log = None
        try:
            length = self._length(kind)
            self.request_log = self.service.began(kind, length)
            work(self.service.take_fault(kind), length)
        except Refused as e:
            self.close_connection = True
            if kind in FIELDS:
                self._answer(e.status, json.dumps({"code": e.code, "msg": str(e)}).encode())
            else:
                self._answer(e.status, f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{e.code}</Code></Error>'.encode(),
                             "application/xml")
        except (_Gone, OSError):
            self._hang_up()
        except (ValueError, KeyError, TypeError, xml.etree.ElementTree.ParseError) as e:
            self.service.problem(f"{kind}: {e!r}")
            self._hang_up()

    # ---- the results service ----

    def do_POST(self):
        method = self.path.removeprefix(SERVICE) if self.path.startswith(SERVICE) else self.path
        self._guarded(method, lambda fault, length: self._twirp(method, fault, length))

    def _twirp(self, method, fault, length):
        s = self.service
        if self._before(fault, length, _Nowhere()):
            return
        body = self.rfile.read(length)
        if self.headers.get("Authorization") != f"Bearer {s.token}":
            s.problem(f"{method}: wrong Authorization")
            raise Refused(401, "unauthenticated", "token")
        if self.headers.get("Content-Type") != "application/json":
            s.problem(f"{method}: Content-Type {self.headers.get('Content-Type')!r}")
        answer = s.call(method, json.loads(body))
        if fault and fault.what == "lost":
            raise _Gone
        answer = _camel(answer) if s.camel else answer
        self._answer(200, json.dumps(_numbers(answer) if s.numbers else answer).encode())

    # ---- the store ----

    def _blob(self, permission):
        """The blob of a signed URL and what follows the signed part; the signed part must come back as it was given."""
        s = self.service
        name = self.path.partition("?")[0].removeprefix("/container/").removesuffix(".zip")
        blob = s.blobs.get(name)
        signed = blob and s.signed(blob, permission).removeprefix(s.url)
        if not blob or not self.path.startswith(signed):
            s.problem(f"{self.command}: not a signed URL")
            raise Refused(403, "AuthenticationFailed", "signature")
        if "Authorization" in self.headers:
            s.problem(f"{self.command}: Authorization towards the store")
        rest = self.path.removeprefix(signed)
        if permission == "cw" and not rest.startswith("&"):
            s.problem(f"{self.command} without comp")
        return blob, urllib.parse.parse_qs(rest[1:], strict_parsing=len(rest) > 1)

    def do_PUT(self):
        comp = re.search(r"[?&]comp=(\w+)", self.path)
        kind = comp[1] if comp else "blob"
        work = {"block": self._block, "blocklist": self._block_list}.get(kind)
        if work is None:
            self.service.problem(f"PUT with comp {kind}")
            work = self._unknown
        self._guarded(kind, work)

    def _unknown(self, fault, length):
        raise Refused(400, "InvalidQueryParameterValue", "comp")

    def _block(self, fault, length):
        s = self.service
        blob, query = self._blob("cw")
        if s.store == "append":
            with open(blob.path, "ab") as out:
                if not self._before(fault, length, out):
                    self._copy(length, out)
                    self._done(fault, 201)
            return
        block = base64.b64decode(query["blockid"][0], validate=True)
        if not 0 < len(block) <= 64 or any(len(block) != len(b) for b in blob.staged):
            s.problem(f"block id of {len(block)} bytes beside {[len(b) for b in blob.staged]}")
            raise Refused(400, "InvalidBlobOrBlock", "block id")
        if not 0 < length <= BLOCK_MAX:
            raise Refused(413, "RequestBodyTooLarge", "block")
        if self._before(fault, length, _Nowhere()):
            return
        path = s.folder / f"{blob.name}.{secrets.token_hex(4)}"
        with open(path, "wb") as out:
            self._copy(length, out)
        old = blob.staged.pop(block, None)
        if old:
            old.unlink()
        blob.staged[block] = path
        self._done(fault, 201)

    def _done(self, fault, status):
        if fault and fault.what == "lost":
            raise _Gone
        self._answer(status, headers=[("x-ms-version", "2025-11-05"), ("x-ms-request-server-encrypted", "true")])

    def _block_list(self, fault, length):
        s = self.service
        blob, _ = self._blob("cw")
        if self._before(fault, length, _Nowhere()):
            return
        text = self.rfile.read(length)
        if s.store == "append":
            self._done(fault, 201)
            return
        ids = [base64.b64decode(e.text, validate=True) for e in xml.etree.ElementTree.fromstring(text) if e.tag == "Latest"]
        missing = [i for i in ids if i not in blob.staged]
        if (missing or not ids) and not blob.committed:
            s.problem(f"block list with unknown ids {missing}")
            raise Refused(400, "InvalidBlockList", "ids")
        blob.content_type = self.headers.get("x-ms-blob-content-type", "")
        if blob.content_type != "application/zip":
            s.problem(f"x-ms-blob-content-type {blob.content_type!r}")
        if not blob.committed:
            with open(blob.path, "wb") as out:
                for i in ids:
                    with open(blob.staged[i], "rb") as block:
                        while chunk := block.read(COPY):
                            out.write(chunk)
                    blob.staged[i].unlink()
            blob.staged, blob.committed = {}, True
        self._done(fault, 201)

    def do_GET(self):
        self.request_log = None
        try:
            blob, _ = self._blob("r")
            size = blob.path.stat().st_size
            self.send_response(200)
            for k, v in (("Content-Type", blob.content_type or "application/zip"), ("Content-Length", str(size)),
                         ("Content-Disposition", 'attachment; filename="artifact.zip"')):
                self.send_header(k, v)
            self.end_headers()
            with open(blob.path, "rb") as f:
                while chunk := f.read(COPY):
                    self.wfile.write(chunk)
        except Refused as e:
            self._answer(e.status)


class _Nowhere:
    @staticmethod
    def write(data):
        return len(data)
