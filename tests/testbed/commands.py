"""What GitHub's runner makes of a step's output and file commands, written from the runner's rules, not from the action.

Both command forms ("::name k=v::data" after blanks at the start of a line, "##[name k=v]data" anywhere in it), line ends
LF, CRLF and lone CR, masking, groups, stop-commands; and the strict reading of GITHUB_OUTPUT and GITHUB_STATE.
"""

import re
from dataclasses import dataclass, field

KNOWN = {"notice", "warning", "error", "group", "endgroup", "debug", "add-mask", "stop-commands", "echo", "add-matcher",
         "remove-matcher", "set-output", "save-state", "set-env", "add-path", "internal-set-repo-path"}
# No step of ours has a reason to use these: seeing one means that text of a host got through.
FORBIDDEN = {"set-output", "save-state", "set-env", "add-path", "add-matcher", "remove-matcher", "internal-set-repo-path"}
PER_STEP = 10


@dataclass
class Command:
    name: str
    properties: dict
    data: str


@dataclass
class Annotation:
    level: str
    message: str
    title: str = ""


@dataclass
class Group:
    title: str
    lines: list = field(default_factory=list)


def split_lines(data):
    """Lines of a stream as the runner's reader sees them."""
    lines = re.split(r"\r\n|\n|\r", data.decode("utf-8", errors="replace"))
    return lines[:-1] if lines and lines[-1] == "" else lines


def _unescape(text, pairs):
    for escaped, plain in pairs:
        text = text.replace(escaped, plain)
    return text.replace("%25", "%")


def parse_command(line):
    """The command the runner would recognise in a line, or None."""
    text = line.lstrip()
    if text.startswith("::"):
        end = text.find("::", 2)
        if end >= 0:
            name, _, rest = text[2:end].partition(" ")
            if name.lower() in KNOWN:
                pairs = [p.partition("=") for p in rest.strip().split(",")]
                values = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")]
                return Command(name.lower(), {k.strip(): _unescape(v, values) for k, _, v in pairs if v},
                               _unescape(text[end + 2:], values[:2]))
    start = line.find("##[")
    if start >= 0:
        end = line.find("]", start)
        if end >= 0:
            name, _, rest = line[start + 3:end].partition(" ")
            if name.lower() in KNOWN:
                pairs = [p.partition("=") for p in rest.strip().split(";")]
                values = [("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]")]
                return Command(name.lower(), {k.strip(): _unescape(v, values) for k, _, v in pairs if v},
                               _unescape(line[end + 1:], values))
    return None


@dataclass
class StepLog:
    """A step's output, interpreted."""
    shown: list = field(default_factory=list)  # lines as GitHub shows them, masked
    plain: list = field(default_factory=list)  # raw lines that are no command
    annotations: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    masks: list = field(default_factory=list)
    forbidden: list = field(default_factory=list)
    fails_step: bool = False

    def of_level(self, level):
        return [a for a in self.annotations if a.level == level]


def mask(text, masks):
    for m in sorted(masks, key=len, reverse=True):
        text = text.replace(m, "***")
    return text


def interpret(lines):
    """StepLog of raw lines."""
    log, group, stop = StepLog(), None, None
    stored = {}
    for line in lines:
        command = parse_command(line)
        if stop is not None:
            if line.strip() == f"::{stop}::":
                stop = None
            else:
                log.plain.append(line)
                log.shown.append(mask(line, log.masks))
            continue
        if command is None:
            log.plain.append(line)
            shown = mask(line, log.masks)
            log.shown.append(shown)
            if group:
                group.lines.append(shown)
            continue
        if command.name in FORBIDDEN:
            log.forbidden.append(line)
            log.fails_step |= command.name in ("set-env", "add-path")
        elif command.name == "add-mask":
            log.masks += [p for p in {command.data, *(t.strip() for t in re.split(r"[\r\n]+", command.data))} if p]
        elif command.name == "stop-commands":
            stop = command.data
        elif command.name == "group":
            group = Group(mask(command.data, log.masks))
            log.groups.append(group)
            log.shown.append("##[group]" + group.title)
        elif command.name == "endgroup":
            group = None
            log.shown.append("##[endgroup]")
        elif command.name in ("notice", "warning", "error"):
            message = mask(command.data, log.masks)[:4096]
            log.shown.append(f"{command.name.capitalize()}: {message}")
            stored[command.name] = stored.get(command.name, 0) + 1
            if stored[command.name] <= PER_STEP:
                log.annotations.append(Annotation(command.name, message, command.properties.get("title", "")))
    return log


class BadFile(ValueError):
    """A file command the runner would fail the step for."""


def parse_file_command(text):
    """{name: value} of a GITHUB_OUTPUT or GITHUB_STATE file."""
    out, lines = {}, text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
        complete = True
    else:
        complete = not text
    i = 0
    while i < len(lines):
        line = lines[i]
        i += 1
        if not line:
            continue
        equals, here = line.find("="), line.find("<<")
        if equals >= 0 and (here < 0 or equals < here):
            if equals == 0:
                raise BadFile(f"no name: {line!r}")
            out[line[:equals]] = line[equals + 1:]
        elif here > 0:
            name, delimiter, value = line[:here], line[here + 2:], []
            if not delimiter:
                raise BadFile(f"no delimiter: {line!r}")
            while True:
                if i >= len(lines):
                    raise BadFile(f"delimiter {delimiter!r} is missing")
                if lines[i] == delimiter:
                    i += 1
                    break
                value.append(lines[i])
                i += 1
            out[name] = "\n".join(value)
        else:
            raise BadFile(f"neither form: {line!r}")
    if not complete and "<<" in text:
        raise BadFile("the last line has no end")
    return out
