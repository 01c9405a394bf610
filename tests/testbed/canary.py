"""
Secrets that are let loose on purpose, and whether they come out again, in any of the encodings that tools write.

The table is made with Python's own libraries, so it shares nothing with the program's. Where the neighbours of a value
change its text (base64), what is looked for is found by encoding it between two kinds of neighbours and taking what stays.
"""

import base64
import gzip
import html
import io
import json
import pathlib
import re
import secrets
import shlex
import subprocess
import tarfile
import urllib.parse
import zipfile
import xml.sax.saxutils

LINE_MIN = 8     # a shorter line of a secret is no secret by itself
HEAD = 8         # a form is looked up by its first bytes
FOLDED_MIN = 16  # of the lines of a folded form: a shorter rest says little
WINDOW = 12      # so many bytes from the unguessable parts of a secret are a leak too

# ---- from value to text; bytes to bytes ----


def text(f):
    """An encoder of text as one of bytes."""
    return lambda b: f(b.decode()).encode()


def b64(b):
    return base64.b64encode(b)


def b64url(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=")


def each(fmt, of=bytes):
    """Every byte (or character) by itself."""
    if of is bytes:
        return lambda b: b"".join(fmt % c for c in b)
    return lambda b: "".join(fmt % ord(c) for c in b.decode()).encode()


def joined(sep, fmt=b"%02x"):
    return lambda b: sep.join(fmt % c for c in b)


def quoted(safe):
    return text(lambda s: urllib.parse.quote(s, safe=safe))


def lower_quoted(b):
    out, i = b"", 0
    plain = urllib.parse.quote(b, safe="").encode()
    while i < len(plain):
        step = 3 if plain[i:i + 1] == b"%" else 1
        out, i = out + (plain[i:i + step].lower() if step == 3 else plain[i:i + step]), i + step
    return out


def json_of(ascii_only, replaced=()):
    def encode(s):
        s = json.dumps(s, ensure_ascii=ascii_only)[1:-1]
        for old, new in replaced:
            s = s.replace(old, new)
        return s
    return text(encode)


GO = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))
json_plain = json_of(False)


def bash_quoted(how):
    """printf %q and ${x@Q}: only bash knows."""
    script = {"q": 'printf %q "$1"', "Q": 'printf %s "${1@Q}"'}[how]

    def encode(b):
        if re.fullmatch(rb"[\w/+=.:-]+", b):  # nothing to quote, and no reason to start a shell
            return b
        return subprocess.run(["bash", "-c", script, "-", b.decode()], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}).stdout
    return encode


def folded(f, width):
    def lines(b):
        whole = f(b)
        return b"\n".join(whole[i:i + width] for i in range(0, len(whole), width))
    return lines


def chain(*steps):
    def run(b):
        for s in steps:
            b = s(b)
        return b
    return run


html_all = text(lambda s: html.escape(s, quote=True))
xml_all = text(lambda s: xml.sax.saxutils.escape(s, {'"': "&quot;", "'": "&apos;"}))
uri = quoted("")


def utf16le(b):
    return b.decode().encode("utf-16-le")


# name: (encoder, in how many places of a group the value may begin)
ENCODINGS = {
    "raw": (lambda b: b, 1),
    "base64": (b64, 3),
    "base64url": (b64url, 3),
    "base64, 76 a line": (folded(b64, 76), 1),
    "base64, 64 a line": (folded(b64, 64), 1),
    "base32": (base64.b32encode, 5),
    "hex": (each(b"%02x"), 1),
    "HEX": (each(b"%02X"), 1),
    "hex, 60 a line": (folded(each(b"%02x"), 60), 1),
    "hex with colons": (joined(b":"), 1),
    "HEX with colons": (joined(b":", b"%02X"), 1),
    "hex with blanks": (joined(b" "), 1),
    "hex escapes": (each(b"\\x%02x"), 1),
    "hex list": (joined(b", ", b"0x%02x"), 1),
    "octal escapes": (each(b"\\%03o"), 1),
    "URI": (uri, 1),
    "uri, lower case": (lower_quoted, 1),
    "form": (text(urllib.parse.quote_plus), 1),
    "encodeURIComponent": (quoted("!'()*"), 1),
    "encodeURI": (quoted(";,/?:@&=+$!*'()#"), 1),
    "URI, every byte": (each(b"%%%02X"), 1),
    "JSON": (json_plain, 1),
    "JSON of Go": (json_of(False, GO), 1),
    "JSON in ASCII": (json_of(True), 1),
    "JSON with escaped slashes": (json_of(True, (("/", "\\/"),)), 1),
    "JSON, every character": (each("\\u%04x", str), 1),
    "XML": (xml_all, 1),
    "XML text": (text(xml.sax.saxutils.escape), 1),
    "HTML": (html_all, 1),
    "HTML of Go": (text(lambda s: xml.sax.saxutils.escape(s, {'"': "&#34;", "'": "&#39;"})), 1),
    "HTML, every character": (each("&#%d;", str), 1),
    "HTML, every character in hex": (each("&#x%x;", str), 1),
    "shlex": (text(lambda s: shlex.quote(s).strip("'")), 1),
    "single quotes": (text(lambda s: s.replace("'", "'\\''")), 1),
    "printf %q": (bash_quoted("q"), 1),
    "bash @Q": (bash_quoted("Q"), 1),
    "double quotes": (text(lambda s: "".join("\\" + c if c in '"\\$`' else c for c in s)), 1),
    "repr": (text(lambda s: repr(s)[1:-1]), 1),
    "repr of bytes": (lambda b: repr(b)[2:-1].encode(), 1),
    "CSV": (text(lambda s: s.replace('"', '""')), 1),
    "SQL": (text(lambda s: s.replace("'", "''")), 1),
    "UTF-16LE": (utf16le, 1),
    "base64 of UTF-16LE": (chain(utf16le, b64), 1),
    "base64 of base64": (chain(b64, b64), 1),
    "base64 of JSON": (chain(json_plain, b64), 3),
    "base64 of URI": (chain(uri, b64), 3),
    "base64 of hex": (chain(each(b"%02x"), b64), 3),
    "hex of base64": (chain(b64, each(b"%02x")), 1),
    "URI of base64": (chain(b64, uri), 1),
    "URI of URI": (chain(uri, uri), 1),
    "URI of JSON": (chain(json_plain, uri), 1),
    "JSON of JSON": (chain(json_plain, json_plain), 1),
    "HTML of JSON": (chain(json_plain, html_all), 1),
    "JSON of HTML": (chain(html_all, json_plain), 1),
}


# Two neighbours whose text differs in the bits that a value's own digits share with theirs.
NEIGHBOURS = {"base64 of JSON": (b"1", b"z"), "base64 of URI": (b"1", b"z"), "base64 of hex": (b"\x31", b"\xfb")}


def core(name, value, before):
    """What of the encoded value does not depend on its neighbours."""
    encode, _ = ENCODINGS[name]
    one, other = NEIGHBOURS.get(name, (b"\x00", b"\xff"))
    a, b = (encode(n * before + value + n * 5) for n in (one, other))
    best, start = b"", 0
    for i in range(min(len(a), len(b)) + 1):
        if i == min(len(a), len(b)) or a[i] != b[i]:
            if i - start > len(best):
                best = a[start:i]
            start = i + 1
    return best


def forms(name, value):
    """What must not be seen of a value in one encoding."""
    encode, places = ENCODINGS[name]
    if places > 1:
        return [core(name, value, k) for k in range(places)]
    whole = encode(value)
    if "a line" not in name:
        return [whole]
    return [line for line in whole.split(b"\n") if len(line) >= FOLDED_MIN]


def texts(name, value):
    """What a program that prints a value so would print, once for each place."""
    encode, places = ENCODINGS[name]
    return [encode(b"abcd"[:k] + value + b"zz" * (places > 1)) for k in range(places)]


# ---- looking for them ----


def parts(value):
    """A secret, and its lines as far as they are secrets by themselves; not what all keys of a kind begin with."""
    lines = [line.strip() for line in value.split("\n")]
    if len(lines) == 1:
        return [lines[0]]
    return [value.strip(), *(line for line in lines if len(line) >= LINE_MIN and "-----" not in line and not line.startswith("b3BlbnNzaC1"))]


class Watch:
    """Knows every form of some secrets: hits(data) tells which of them stand in it."""

    def __init__(self, values):
        self.values = list(values)
        self._heads = {}
        for value in self.values:
            for part in parts(value):
                self._add_part(part.encode())

    def _add_part(self, part):
        shown = part[:24].decode(errors="replace")
        for name in ENCODINGS:
            for form in forms(name, part):
                self._add(form, f"{shown}… as {name}")
        for run in [] if b"\n" in part else re.findall(rb"[0-9a-f]{16,}|[0-9A-Za-z/+]{40,}", part):
            for i in range(len(run) - WINDOW + 1):
                self._add(run[i:i + WINDOW], f"{shown}…, a part of it")

    def _add(self, form, label):
        if len(form) >= HEAD:
            known = self._heads.setdefault(form[:HEAD], {})
            known.setdefault(form, label)

    def __len__(self):
        return sum(len(v) for v in self._heads.values())

    def hits(self, data):
        heads = self._heads
        found = set()
        for i in range(len(data) - HEAD + 1):
            if data[i:i + HEAD] in heads:
                found |= {label for form, label in heads[data[i:i + HEAD]].items() if data.startswith(form, i)}
        return sorted(found)


def unpacked(name, data):
    """(name, bytes) of a file and of everything packed in it."""
    if data[:2] == b"\x1f\x8b":
        yield name, data
        yield from unpacked(f"{name}|gunzip", gzip.decompress(data))
    elif data[:2] == b"PK":
        yield name, data
        with zipfile.ZipFile(io.BytesIO(data)) as z:
            for member in z.namelist():
                yield from unpacked(f"{name}|{member}", z.read(member))
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as t:
            for member in t.getmembers():
                yield f"{name}|{member.name} (its entry)", (member.name + member.linkname).encode()
                if member.isreg():
                    yield from unpacked(f"{name}|{member.name}", t.extractfile(member).read())
    else:
        yield name, data


# ---- where they could come out ----


def of_result(result):
    """What a stage gave the runner: its output as it came, without the masks, and what is made of it."""
    lines = [line.text for line in result.lines if not line.text.startswith("::add-mask::")]
    yield f"output of {result.stage}", "\n".join(lines).encode()
    yield f"summary of {result.stage}", result.summary.encode()
    yield f"outputs of {result.stage}", "\n".join([*result.outputs.values(), *result.state.values()]).encode()
    for a in result.log.annotations:
        yield f"annotation of {result.stage}", f"{a.title}\n{a.message}".encode()


def of_folder(folder):
    """Every file, as it is and unpacked."""
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file():
            yield from unpacked(str(path.relative_to(folder)), path.read_bytes())


HOST_PLACES = "home tmp var/tmp var/log run etc root"
# The engine keeps the configuration of containers there, secrets included; the agent's programs hold no words of a run.
HOST_APART = "run/docker run/containerd home/*/.bluegreen/bin home/*/.ssh root/.ssh etc/ssh"


def of_host(host, since):
    """Every file of the host outside the engine's own data that was written since then (Unix time)."""
    apart = " ".join(f"--exclude='{p}'" for p in HOST_APART.split())
    p = subprocess.run(["docker", "exec", host.container, "sh", "-c", f"tar -C / {apart} --newer=@{int(since)} --warning=none -cf - {HOST_PLACES} || true"],
                       capture_output=True, timeout=60)
    with tarfile.open(fileobj=io.BytesIO(p.stdout)) as t:
        for member in t.getmembers():
            if member.isreg():
                yield from unpacked(f"{host.name}:/{member.name}", t.extractfile(member).read())


def fresh(what):
    """A secret with everything in it that some encoding treats in its own way."""
    return f"canary-{what}-{secrets.token_hex(8)} \"q\" 'r' <s> &t; $u `v` \\w \u00e9/x+y=z?%41~#[{secrets.token_hex(8)}]"
