"""What users see agrees everywhere: action.yml, the tables of the code, README and docs/inputs.md."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/inputs.md"]
COLORS = {"white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"}


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


# ---- action.yml: the small part of YAML it is written in, anything else is an error ----


def scalar(text):
    if text.startswith('"'):
        value = ast.literal_eval(text)
        assert isinstance(value, str)
        return value
    assert not re.search(r"[#{}\[\]&*!|>%@`]|: ", text), f"quote this: {text}"
    return text


def load_action():
    """Nested mappings of text."""
    root = {}
    stack = [(-1, root)]
    for number, line in enumerate(text_of("action.yml").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(r"( *)([a-z0-9-]+):(?: (.+))?", line)
        assert match, f"action.yml line {number}: {line}"
        depth, key, value = len(match[1]), match[2], match[3]
        while stack[-1][0] >= depth:
            stack.pop()
        parent = stack[-1][1]
        assert key not in parent, f"action.yml line {number}: {key} is there twice"
        if value is None:
            parent[key] = {}
            stack.append((depth, parent[key]))
        else:
            parent[key] = scalar(value)
    return root


@pytest.fixture(scope="module")
def action():
    return load_action()


# ---- the tables of the code ----


def sections_of(path):
    """Name of a section -> its rows (id, default, PLAIN or SECRET), in order."""
    tables = re.findall(r"^static const struct settings_row (\w+)_rows\[\] = \{\n(.*?)^\};", text_of(path), re.M | re.S)
    row = re.compile(r'^ *\{ "([a-z0-9-]+)", "([^"]*)", (PLAIN|SECRET), \w+, ', re.M)
    return {name: row.findall(text) for name, text in tables}


def code_inputs():
    """id -> (default, is it secret), in the order of the table."""
    common = {f"settings_{name}": rows for name, rows in sections_of("shared/settings/settings.c").items()}
    sections = common | sections_of("cmd/inputs/inputs.c")
    table = re.search(r"^static settings_table table = \{(.*?)^\};", text_of("cmd/inputs/inputs.c"), re.M | re.S)
    names = re.findall(r"&(\w+),", table[1])
    assert sorted(names) == sorted(sections)
    rows = [row for name in names for row in sections[name]]
    found = {name: (default, kind == "SECRET") for name, default, kind in rows}
    assert len(found) == len(rows) > 50
    return found


def code_outputs():
    names = re.findall(r'\{ "([a-z-]+)", put_\w+ \}', text_of("cmd/report/outputs.c"))
    assert len(names) == len(set(names)) > 5
    return names


def code_exit_codes():
    """code -> names: kinds of errors, and how a run can end."""
    kinds = re.findall(r'\[ERR_\w+\] = \{ *"(\w+)", (\d+),', text_of("shared/err.c"))
    outcomes = re.findall(r'\[OUTCOME_\w+\] = \{ *"(\w+)", (\d+) *\}', text_of("shared/outcome.c"))
    assert len(kinds) > 25 and len(outcomes) == 7
    codes = {}
    for name, code in kinds + outcomes:
        if name != "ok":
            codes.setdefault(int(code), set()).add(name)
    return codes


# ---- the tables of the pages ----


def block(page, name):
    found = re.findall(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text_of(page), re.S)
    assert len(found) == 1, f"{page} needs one table between <!-- {name} --> and <!-- /{name} -->"
    return found[0]


def rows_of(page, name):
    """Cells of each row, head and rule left out."""
    lines = [line for line in block(page, name).splitlines() if line.strip()]
    assert re.fullmatch(r"\|(---\|)+", lines[1]), f"{page}: the table of {name} has no head"
    rows = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]
    width = lines[1].count("---")
    for row in rows:
        assert len(row) == width, f"{page}: a row of {name} has {len(row)} cells: {row}"
    return rows


def unquote(cell):
    match = re.fullmatch(r"`([^`]*)`", cell)
    assert match, f"not in back-ticks: {cell}"
    return match[1]


def documented_default(cell):
    return "" if cell in ("", "required") else unquote(cell)


# ---- inputs ----


def test_action_yml_has_the_inputs_of_the_code_in_the_same_order(action):
    assert list(action["inputs"]) == list(code_inputs())


def test_defaults_of_action_yml_are_those_of_the_code(action):
    of_action = {name: entry.get("default", "") for name, entry in action["inputs"].items()}
    assert of_action == {name: default for name, (default, _) in code_inputs().items()}


def test_each_input_has_a_description_and_says_whether_it_is_required(action):
    for name, entry in action["inputs"].items():
        assert len(entry.get("description", "")) > 15, name
        assert entry.get("required") in ("true", "false"), name
        assert set(entry) <= {"description", "required", "default"}, name


def test_no_required_input_has_a_default(action):
    for name, entry in action["inputs"].items():
        assert entry["required"] == "false" or "default" not in entry, name


def test_secret_inputs_say_so_and_have_no_default(action):
    for name, (default, secret) in code_inputs().items():
        assert action["inputs"][name]["description"].endswith(" Secret.") == secret, name
        assert not (secret and default), name


@pytest.mark.parametrize("page", PAGES)
def test_documented_inputs_are_those_of_action_yml_in_the_same_order(action, page):
    assert [unquote(row[0]) for row in rows_of(page, "inputs")] == list(action["inputs"])


@pytest.mark.parametrize("page", PAGES)
def test_documented_defaults_are_those_of_action_yml(action, page):
    documented = {unquote(row[0]): documented_default(row[1]) for row in rows_of(page, "inputs")}
    assert documented == {name: entry.get("default", "") for name, entry in action["inputs"].items()}


@pytest.mark.parametrize("page", PAGES)
def test_exactly_the_required_inputs_are_documented_as_required(action, page):
    documented = {unquote(row[0]) for row in rows_of(page, "inputs") if row[1] == "required"}
    assert documented == {name for name, entry in action["inputs"].items() if entry["required"] == "true"}


@pytest.mark.parametrize("page", PAGES)
def test_exactly_the_secret_inputs_are_documented_as_secret(page):
    documented = {unquote(row[0]) for row in rows_of(page, "inputs") if "**Secret.**" in row[2]}
    assert documented == {name for name, (_, secret) in code_inputs().items() if secret}


@pytest.mark.parametrize("page", PAGES)
def test_each_documented_input_has_a_meaning_and_an_example(page):
    for row in rows_of(page, "inputs"):
        assert len(row[2]) > 15, row
        assert unquote(row[3]), row


# ---- outputs ----


def test_action_yml_has_the_outputs_of_the_code_in_the_same_order(action):
    assert list(action["outputs"]) == code_outputs()


def test_each_output_has_a_description(action):
    for name, entry in action["outputs"].items():
        assert len(entry.get("description", "")) > 15, name


@pytest.mark.parametrize("page", PAGES)
def test_documented_outputs_are_those_of_action_yml_in_the_same_order(action, page):
    assert [unquote(row[0]) for row in rows_of(page, "outputs")] == list(action["outputs"])


# ---- exit codes ----


@pytest.mark.parametrize("page", PAGES)
def test_documented_exit_codes_are_those_of_the_code(page):
    documented = {}
    for code, names, _ in rows_of(page, "exit-codes"):
        assert int(code) not in documented, f"{code} is there twice"
        documented[int(code)] = {unquote(name) for name in names.split(", ")}
    assert documented == code_exit_codes()


@pytest.mark.parametrize("page", PAGES)
def test_documented_exit_codes_are_in_order_and_explained(page):
    rows = rows_of(page, "exit-codes")
    codes = [int(row[0]) for row in rows]
    assert codes == sorted(codes)
    assert all(len(row[2]) > 10 for row in rows)


@pytest.mark.parametrize("name", ["inputs", "outputs", "exit-codes"])
def test_both_pages_have_the_same_table(name):
    assert block(PAGES[0], name) == block(PAGES[1], name)


# ---- the rest of action.yml ----


def test_the_description_is_short_enough_for_the_marketplace(action):
    assert action["name"]
    assert 20 < len(action["description"]) < 125


def test_the_branding_is_valid(action):
    assert action["branding"]["color"] in COLORS
    assert re.fullmatch(r"[a-z0-9-]+", action["branding"]["icon"])


def test_the_action_runs_as_a_container(action):
    runs = action["runs"]
    assert runs["using"] == "docker"
    assert runs["image"] == "Dockerfile" or runs["image"].startswith("docker://")
    assert runs["image"] != "Dockerfile" or (ROOT / "Dockerfile").is_file()
    assert "entrypoint" not in runs and "args" not in runs, "the image's own entrypoint, and inputs from the environment"


def test_the_post_stage_always_runs_and_is_an_absolute_path(action):
    runs = action["runs"]
    assert runs["post-entrypoint"] == "/bin/bluegreen-post"
    assert runs["post-if"] == "always()"
    assert set(runs) == {"using", "image", "post-entrypoint", "post-if"}
