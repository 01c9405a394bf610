"""The test bed's own reading of GitHub's rules: a test that judges by it must be able to trust it."""

import pytest
from testbed import actionyml, commands

RECOGNISED = {
    "plain form": ("::error title=T::text", "error"),
    "after blanks": ("   \t::warning::x", "warning"),
    "upper case": ("::ERROR::x", "error"),
    "old form at the start": ("##[error]x", "error"),
    "old form in the middle": ("words ##[set-output name=a]b", "set-output"),
    "no properties": ("::endgroup::", "endgroup"),
}
ORDINARY = ["error::x", "x ::error::y", "::nonsense::x", "::error:x", "##[nonsense]x", "##[error", "# #[error]x", ":: error::"]


@pytest.mark.parametrize("case", RECOGNISED)
def test_command_is_recognised(case):
    line, name = RECOGNISED[case]
    assert commands.parse_command(line).name == name


@pytest.mark.parametrize("line", ORDINARY)
def test_line_is_ordinary_text(line):
    assert commands.parse_command(line) is None


def test_escapes_are_undone_once():
    assert commands.parse_command("::error::a%0Ab%250A").data == "a\nb%0A"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends(end):
    assert commands.split_lines(b"a" + end + b"b" + end) == ["a", "b"]


def test_masks_hold_for_each_line_of_a_value():
    log = commands.interpret(["::add-mask::one%0Atwo", "one and two"])
    assert log.shown == ["*** and ***"]


def test_stopped_commands_are_text_until_the_token():
    log = commands.interpret(["::stop-commands::tok", "::error::no", "::tok::", "::error::yes"])
    assert [a.message for a in log.annotations] == ["yes"]


def test_eleventh_error_is_not_stored():
    assert len(commands.interpret(["::error::x"] * 12).annotations) == 10


FILES = {
    "a=b\n": {"a": "b"}, "a=\n": {"a": ""}, "a<<E\nx\ny\nE\n": {"a": "x\ny"}, "a<<E\nE\n": {"a": ""}, "": {},
    "a=x<<y\n": {"a": "x<<y"}, "a<<E\nb=c\nE\nd=e\n": {"a": "b=c", "d": "e"},
}
BAD_FILES = ["nothing\n", "a<<E\nx\n", "=b\n", "a<<\nx\n"]


@pytest.mark.parametrize("text", FILES, ids=repr)
def test_file_command(text):
    assert commands.parse_file_command(text) == FILES[text]


@pytest.mark.parametrize("text", BAD_FILES, ids=repr)
def test_bad_file_command_fails_the_step(text):
    with pytest.raises(commands.BadFile):
        commands.parse_file_command(text)


def test_action_file_is_read():
    top = actionyml.parse("name: 'a: b'\ninputs:\n  one:\n    description: >-\n      some\n      words # kept\n"
                          "    default: \"x\\ny\"\n  two:\n    required: true\nruns:\n  using: docker\n  args:\n    - a\n    - 'b'\n")
    assert top == {"name": "a: b", "inputs": {"one": {"description": "some words # kept", "default": "x\ny"},
                                              "two": {"required": "true"}},
                   "runs": {"using": "docker", "args": ["a", "b"]}}
