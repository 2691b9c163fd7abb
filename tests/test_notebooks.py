"""Every notebook keeps the rules, and each rule catches a notebook that breaks it."""

import copy
import re

import pytest
from notebook_rules import FOLDER, code_cells, complaints, notebooks, read

from helpers.claims import all_claims
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises.engine import EXERCISES, PREDICTIONS

PATHS = notebooks()
NAMES = [path.stem for path in PATHS]


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_notebook_keeps_the_rules(path):
    assert complaints(path.stem, read(path), NAMES) == []


def test_notebooks_are_numbered_in_the_order_of_the_course():
    assert [numbered(name) for name in NOTEBOOKS] == NAMES


def test_nothing_in_helpers_knows_the_number_of_a_notebook():
    # So that a notebook can move. The launcher's help shows learners how numbers are written.
    number = re.compile(rf"[Nn]otebooks? \d\d|\b\d\d_({'|'.join(NOTEBOOKS)})\b")
    helpers = FOLDER.parent / "helpers"
    files = {*helpers.rglob("*.py"), *helpers.rglob("*.toml")}
    files -= {helpers / "contents.py", *helpers.glob("launcher/*"), *helpers.glob("authoring/*")}
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted(files)
        for line in path.read_text(encoding="utf-8").splitlines()
        if number.search(line)
    ]
    assert found == []


def test_everything_registered_belongs_to_a_notebook():
    assert {entry["notebook"] for entry in all_claims().values()} <= set(NOTEBOOKS)
    assert {item.notebook for item in (*EXERCISES.values(), *PREDICTIONS.values())} <= set(
        NOTEBOOKS
    )


# What must not pass. Each breaks a copy of a good notebook in one way.

GOOD = "02_forward"


def cell_with(notebook, text):
    return next(cell for cell in notebook.cells if text in cell.source)


def no_outputs(notebook):
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None


def cell_run_twice(notebook):
    code_cells(notebook)[3].execution_count = 99


def filled_in(notebook):
    cell = cell_with(notebook, "def batch_norm_forward")
    cell.source = cell.source.replace("...  # your code here", "return x")


def solved_output(notebook):
    cell_with(notebook, "def batch_norm_forward").outputs[0].text = "✓ all 8 checks passed\n"


def exercise_removed(notebook):
    notebook.cells.remove(cell_with(notebook, "def batch_norm_forward"))


def other_signature(notebook):
    cell = cell_with(notebook, "def batch_norm_forward")
    cell.source = cell.source.replace("eps=1e-5", "eps=1e-3")


def answered_prediction(notebook):
    cell = cell_with(notebook, 'predict("forward-axis"')
    cell.source = cell.source.replace('"forward-axis", ...', '"forward-axis", "a"')


def telling_id(notebook):
    cell = cell_with(notebook, "- a) down the columns")
    cell.source = cell.source.replace("down the columns", "along the axis of the batch")


def no_choices(notebook):
    cell = cell_with(notebook, "- a) down the columns")
    cell.source = cell.source.replace("- ", "* ")


def unregistered_claim(notebook):
    code_cells(notebook)[-1].source += '\nclaim("pigs-fly", measured=1, at_least=0)'


def untested_claim(notebook):
    cell = cell_with(notebook, 'claim("undo", measured=same_batch')
    cell.source = "print()"


def limit_never_tested(notebook):
    cell = cell_with(notebook, 'claim("undo", measured=same_batch')
    cell.source = cell.source.splitlines()[0]


def broken_next_link(notebook):
    notebook.cells[0].source = re.sub(
        r"\(03_\w+\.ipynb\)", "(03_sideways.ipynb)", notebook.cells[0].source
    )


def no_previous_link(notebook):
    notebook.cells[0].source = notebook.cells[0].source.replace("(01_why", "(00_why")


def link_with_another_number(notebook):
    cell = cell_with(notebook, "[notebook 05](05_inference.ipynb)")
    cell.source = cell.source.replace("[notebook 05](05", "[notebook 06](05")


def ignored_without_reason(notebook):
    code_cells(notebook)[2].metadata["tags"] = ["nbval-ignore-output"]


def warning_on_stderr(notebook):
    output = copy.deepcopy(cell_with(notebook, "def batch_statistics").outputs[0])
    output.name = "stderr"
    code_cells(notebook)[2].outputs.append(output)


@pytest.mark.parametrize(
    ("breakage", "complaint"),
    [
        (no_outputs, "no cell has an output"),
        (cell_run_twice, "execution counts are"),
        (filled_in, "batch_norm_forward is filled in"),
        (solved_output, "expected ○"),
        (exercise_removed, "in the notebook"),
        (other_signature, "in its reference"),
        (answered_prediction, "forward-axis is filled in"),
        (telling_id, "'axis' stands in the right choice"),
        (no_choices, "no choices stand above the prediction forward-axis"),
        (unregistered_claim, "pigs-fly"),
        (untested_claim, "are registered"),
        (limit_never_tested, "must be called 2 time"),
        (broken_next_link, "03_sideways.ipynb, which does not exist"),
        (no_previous_link, "does not link to 01_"),
        (link_with_another_number, "the link 'notebook 06' leads to notebook 05"),
        (ignored_without_reason, "gives no reason"),
        (warning_on_stderr, "wrote to stderr"),
    ],
)
def test_a_broken_notebook_is_caught(breakage, complaint):
    notebook = read(next(path for path in PATHS if path.stem == GOOD))
    breakage(notebook)
    assert any(complaint in line for line in complaints(GOOD, notebook, NAMES))


# In the bug clinic the exercises are code to repair: they must stay as sick as they were.

CLINIC = "18_bug_clinic"


def repaired(notebook):
    cell = cell_with(notebook, "def moving_average")
    cell.source = cell.source.replace(
        "momentum * stored + (1 - momentum) * batch", "(1 - momentum) * stored + momentum * batch"
    )


def another_bug(notebook):
    cell = cell_with(notebook, "def feature_variance")
    cell.source = cell.source.replace("(x**2).mean(axis=0)", "(x**2).sum(axis=0)")


def bug_left_out(notebook):
    cell = cell_with(notebook, "def feature_variance")
    cell.source = cell.source.replace(
        "return (x**2).mean(axis=0) - x.mean(axis=0) ** 2", "...  # your code here"
    )


def healed_output(notebook):
    cell_with(notebook, "def moving_average").outputs[0].text = "✓ all 4 checks passed\n"


def blank_output(notebook):
    cell_with(notebook, "def moving_average").outputs[0].text = "○ not attempted yet\n"


def other_default(notebook):
    cell = cell_with(notebook, "def moving_average")
    cell.source = cell.source.replace("momentum=0.1", "momentum=0.9")


def bug_not_checked(notebook):
    cell = cell_with(notebook, "def moving_average")
    cell.source = cell.source.replace("check(moving_average)", "")


@pytest.mark.parametrize(
    ("breakage", "complaint"),
    [
        (repaired, "moving_average is not the code to repair"),
        (another_bug, "feature_variance is not the code to repair"),
        (bug_left_out, "feature_variance is not the code to repair"),
        (healed_output, "expected ✗"),
        (blank_output, "expected ✗"),
        (other_default, "in its reference"),
        (bug_not_checked, "moving_average is not checked"),
    ],
)
def test_a_broken_clinic_is_caught(breakage, complaint):
    notebook = read(next(path for path in PATHS if path.stem == CLINIC))
    before = complaints(CLINIC, notebook, NAMES)
    breakage(notebook)
    assert any(complaint in line for line in set(complaints(CLINIC, notebook, NAMES)) - set(before))
