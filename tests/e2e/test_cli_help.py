"""The words about both command lines: help, exit codes, manual page, completion in real shells, as the shipped programs print them."""

import pathlib
import re
import shlex
import subprocess
import tempfile

import pytest
from testbed import engine, runner

REPOSITORY = runner.REPOSITORY
PROGRAMS = {"bluegreen": "bin/bluegreen", "bluegreen-agent": "usr/lib/bluegreen/bluegreen-agent-x86_64"}
COMMANDS = {"deploy", "rollback", "status", "history", "logs", "bundle", "diagnose", "plan", "prune", "version", "help"}
HIDDEN = {"completion", "man"}

each_program = pytest.mark.parametrize("name", PROGRAMS)


@pytest.fixture(scope="module")
def programs():
    """{name: path} of the shipped programs, each under the name that people type."""
    engine.ROOT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=engine.ROOT) as folder:
        container = engine.docker("create", runner.ACTION_IMAGE)
        try:
            for name, path in PROGRAMS.items():
                engine.docker("cp", "-L", f"{container}:/{path}", f"{folder}/{name}")
        finally:
            engine.docker("rm", container)
        yield {name: pathlib.Path(folder) / name for name in PROGRAMS}


def run(program, *args, code=0, stdin=None):
    p = subprocess.run([str(program), *args], capture_output=True, text=True, timeout=30, check=False, input=stdin)
    assert p.returncode == code, (args, p.returncode, p.stdout, p.stderr)
    return p.stdout if code == 0 else p.stderr


def listed(text):
    """Names in the list of commands of the program's own help."""
    block = text.partition("\nCommands:\n")[2].partition("\n\n")[0]
    return set(re.findall(r"^  ([a-z-]+)", block, re.M))


@each_program
def test_help_lists_the_commands(programs, name):
    text = run(programs[name], "help")
    assert text == run(programs[name], "--help")
    own = {"self-check"} if name == "bluegreen-agent" else set()
    assert listed(text) - own == COMMANDS


@each_program
def test_every_command_has_help_with_an_example(programs, name):
    for command in listed(run(programs[name], "help")) | HIDDEN:
        text = run(programs[name], command, "--help")
        assert text == run(programs[name], "help", command) == run(programs[name], command, "-h")
        assert text.startswith(f"Usage: {name} {command} ")
        examples = re.findall(rf"^  {name} (\S+)", text.partition("\nExamples:\n")[2], re.M)
        assert examples and set(examples) == {command}, text


def quoted(line):
    """Words of an example up to a pipe or a redirection, as a shell would see them."""
    return shlex.split(line.split(" | ")[0].split(" > ")[0].split(" < ")[0])


@each_program
def test_the_line_of_each_example_is_understood(programs, name):
    """With --help behind it, which is looked at last: everything before it was taken."""
    examples = re.findall(rf'^\.It Li "{name} (.*)"$', run(programs[name], "man"), re.M)
    assert len(examples) > 20
    for example in examples:
        words = quoted(example.replace('""', '"'))
        text = run(programs[name], *words, "--help")
        assert text.startswith("Usage: "), example


@each_program
def test_a_line_that_is_not_understood_is_exit_code_2_and_says_what_is_near(programs, name):
    assert "Did you mean 'status'?" in run(programs[name], "statuss", code=2)
    assert "Did you mean '--json'?" in run(programs[name], "status", "--jsonn", code=2)
    told = run(programs[name], "deploy", "--registry-password=hunter2hunter2", code=2)
    assert "--secrets-stdin" in told and "hunter2" not in told


def readme_codes():
    block = (REPOSITORY / "README.md").read_text().partition("<!-- exit-codes -->")[2].partition("<!-- /exit-codes -->")[0]
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", block.replace("`", ""), re.M)
    assert len(rows) > 30
    return rows


@each_program
def test_each_exit_code_is_documented_once_and_as_in_the_readme(programs, name):
    help_text = run(programs[name], "help", "exit-codes")
    page = run(programs[name], "man").partition(".Sh EXIT STATUS")[2].partition(".Sh ")[0]
    codes = readme_codes()
    assert re.findall(r"^  +(\d+)  \w", help_text, re.M) == [code for code, _, _ in codes]
    assert re.findall(r"^\.It (\d+) Pq (.*)$", page, re.M) == [(code, names) for code, names, _ in codes]
    told = " ".join(help_text.split())
    for code, names, meaning in codes:
        assert told.count(f" {code} {names} {meaning}") == 1, (code, names, meaning)


@each_program
def test_the_manual_page_is_clean(programs, name, tmp_path):
    page = tmp_path / f"{name}.1"
    page.write_text(run(programs[name], "man"))
    lint = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page], capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")
    shown = subprocess.run(["mandoc", "-Tutf8", page], capture_output=True, text=True, check=True).stdout
    text = re.sub(r".\x08", "", shown)
    for command in COMMANDS | HIDDEN:
        assert re.search(rf"^   {command}\b", text, re.M), command
    for option in set(re.findall(r"--[a-z][a-z-]+", run(programs[name], "deploy", "--help").partition("\nOptions:")[2].partition("\nExamples:")[0])):
        assert option in text, option


BASH = r"""
set -eu
source <("$PROGRAM" completion bash)
complete -p "$NAME" >/dev/null
set +e
COMP_WORDS=("$NAME" "$@") COMP_CWORD=$#
"$FUNCTION"
printf '%s\n' "${COMPREPLY[@]}"
"""


def function(name):
    return "_" + name.replace("-", "_")


@pytest.fixture
def bash(programs, tmp_path):
    """What bash offers for the last of the words; in a folder with one file called `a-file`."""
    (tmp_path / "a-file").touch()

    def complete(name, *words):
        p = subprocess.run(["bash", "-c", BASH, "bash", *words], capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path,
                           env={"PATH": "/usr/bin:/bin", "PROGRAM": programs[name], "NAME": name, "FUNCTION": function(name)})
        assert p.returncode == 0, p.stderr
        return set(p.stdout.split())
    return complete


@each_program
def test_bash_completes_commands_options_and_arguments(bash, name):
    assert COMMANDS <= bash(name, "") and not HIDDEN & bash(name, "")
    assert bash(name, "ro") == {"rollback"}
    assert bash(name, "rollback", "--t") == {"--to"}
    assert {"--image", "--port", "--health-path", "--secrets-stdin"} <= bash(name, "deploy", "--")
    assert "--registry-password" not in bash(name, "deploy", "--")
    assert bash(name, "status", "--w") == {"--watch"} and not bash(name, "status", "--image")
    assert bash(name, "logs", "") == {"blue", "green", "next"}
    assert bash(name, "logs", "--follow", "gr") == {"green"}
    assert bash(name, "history", "") == {"verify"}
    assert bash(name, "completion", "") == {"bash", "zsh"}
    assert {"rollback", "exit-codes", "man"} <= bash(name, "help", "")


@each_program
def test_bash_leaves_values_alone_and_completes_files(bash, name):
    assert not bash(name, "rollback", "--to", "")
    assert not bash(name, "bundle", "")
    assert not bash(name, "logs", "--lines", "")
    assert not bash(name, "deploy", "--image", "")
    assert bash(name, "bundle", "--output", "a-") == {"a-file"}
    assert bash(name, "bundle", "-o", "a-") == {"a-file"}


# Keys as a person presses them, in a zsh of its own; what is on the screen afterwards comes back.
ZSH = r"""
zmodload zsh/zpty
export PS1='> ' TERM=dumb
zpty z zsh -f -i
zpty -w z "PS1='> '; autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-prompt ''; zstyle ':completion:*' verbose yes; LISTMAX=10000; setopt nozle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste"
zpty -w z "path=($FOLDER \$path); source <($PROGRAM completion zsh); print rea''dy"
zpty -r -m z out '*ready*'
zpty -w -n z "$LINE"$'\t'$'\t'
sleep_until=$((SECONDS + 20)); seen=
while (( SECONDS < sleep_until )); do
    if zpty -r -t z chunk; then seen+=$chunk; [[ $seen == *"$WANTED"* ]] && break; else zselect -t 5 2>/dev/null || read -t 0.05 <> <(:); fi
done
print -r -- "$seen"
zpty -d z
"""


@pytest.fixture
def zsh(programs, tmp_path):
    def complete(name, line, wanted):
        p = subprocess.run(["zsh", "-f", "-c", "zmodload zsh/zselect; " + ZSH], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
                           env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PROGRAM": str(programs[name]), "LINE": line, "WANTED": wanted,
                                "FOLDER": str(programs[name].parent)})
        assert p.returncode == 0, p.stderr
        return p.stdout
    return complete


@each_program
def test_zsh_offers_the_commands_with_their_summaries(zsh, name):
    text = zsh(name, f"{name} ", "Version of this program")
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b +-- ", text), (command, text)


@each_program
def test_zsh_completes_what_is_begun(zsh, name):
    assert "rollback" in zsh(name, f"{name} rollb", "rollback")
    assert "--secrets-stdin" in zsh(name, f"{name} deploy --secr", "--secrets-stdin")
    assert "green" in zsh(name, f"{name} logs gr", "green")
