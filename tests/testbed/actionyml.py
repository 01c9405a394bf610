"""Reads action.yml: the part of YAML that such files are written in (nested keys, lists, quoted and block text)."""

import re
from dataclasses import dataclass, field


class Malformed(ValueError):
    """Text this reader does not take; write action.yml more plainly."""


def _scalar(text):
    text = text.strip()
    if text[:1] == "'":
        match = re.fullmatch(r"'((?:[^']|'')*)'\s*(#.*)?", text)
        if not match:
            raise Malformed(text)
        return match[1].replace("''", "'")
    if text[:1] == '"':
        match = re.fullmatch(r'"((?:[^"\\]|\\.)*)"\s*(#.*)?', text)
        if not match:
            raise Malformed(text)
        escapes = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
        return re.sub(r"\\(.)", lambda m: escapes[m[1]], match[1])
    if text[:1] in ("{", "&", "*", "!"):
        raise Malformed(text)
    text = re.sub(r"(^|\s)#.*", "", text).strip()
    if text.startswith("["):
        inner = text[1:-1].strip()
        return [_scalar(t) for t in inner.split(",")] if inner else []
    return text


class _Lines:
    def __init__(self, text):
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.at = 0

    def peek(self):
        """(indentation, text) of the next line that says something, or None."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and not line.lstrip().startswith("#"):
                return len(line) - len(line.lstrip()), line.strip()
            self.at += 1
        return None

    def block(self, parent, style):
        """The lines of a | or > text, deeper than its key."""
        taken = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and len(line) - len(line.lstrip()) <= parent:
                break
            taken.append(line)
            self.at += 1
        depth = min((len(t) - len(t.lstrip()) for t in taken if t.strip()), default=0)
        body = [t[depth:] for t in taken]
        while body and not body[-1].strip():
            body.pop()
        if style[0] == "|":
            text = "\n".join(body)
        else:
            text = re.sub(r"(?<!\n)\n(?!\n)", " ", "\n".join(b.strip() for b in body)).replace("\n\n", "\n")
        return text + ("" if style.endswith("-") or not text else "\n")


def _node(lines, depth):
    first = lines.peek()
    if first is None or first[0] < depth:
        return ""
    depth = first[0]
    if first[1].startswith("- ") or first[1] == "-":
        items = []
        while (p := lines.peek()) and p[0] == depth and p[1].startswith("-"):
            lines.at += 1
            items.append(_scalar(p[1][1:]))
        return items
    out = {}
    while (p := lines.peek()) and p[0] == depth:
        match = re.match(r"""("[^"]*"|'[^']*'|[^\s:'"#][^:]*?)\s*:(?:\s+(.*))?$""", p[1])
        if not match:
            raise Malformed(p[1])
        key, rest = match[1].strip("'\""), (match[2] or "").strip()
        lines.at += 1
        if key in out:
            raise Malformed(f"{key} is there twice")
        if rest[:1] in ("|", ">"):
            out[key] = lines.block(depth, rest.split("#")[0].strip())
        elif rest == "" or rest.startswith("#"):
            out[key] = _node(lines, depth + 1)
        else:
            more = []
            while (q := lines.peek()) and q[0] > depth and rest[:1] not in "'\"[":
                more.append(q[1])
                lines.at += 1
            out[key] = _scalar(" ".join([rest, *more]))
    return out


def parse(text):
    lines = _Lines(text)
    top = _node(lines, 0)
    if lines.peek():
        raise Malformed(lines.peek()[1])
    return top


@dataclass
class Action:
    name: str
    inputs: dict = field(default_factory=dict)  # id -> default text ("" when there is none)
    outputs: list = field(default_factory=list)
    image: str = ""
    entrypoint: str = ""
    post_entrypoint: str = ""
    post_if: str = "always()"
    args: list = field(default_factory=list)
    env: dict = field(default_factory=dict)


def load(path):
    top = parse(path.read_text())
    runs = top["runs"]
    if runs["using"].lower() != "docker":
        raise Malformed("not a container action")
    return Action(
        name=top["name"],
        inputs={k: (v.get("default", "") if isinstance(v, dict) else "") for k, v in top.get("inputs", {}).items()},
        outputs=list(top.get("outputs", {})), image=runs["image"], entrypoint=runs.get("entrypoint", ""),
        post_entrypoint=runs.get("post-entrypoint", ""), post_if=runs.get("post-if", "always()"),
        args=runs.get("args", []) or [], env=runs.get("env", {}) or {})
