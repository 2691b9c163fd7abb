"""A question whose answer is not what its notebook measures turns the notebook red."""

import dataclasses
import re
import subprocess
import sys
import types

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from measured_answers import complaints, evaluated, measurable

from helpers.contents import NOTEBOOKS
from helpers.exercises import load_part_iii
from helpers.exercises.questions import QUESTIONS, Number, Order
from helpers.launcher import places

load_part_iii()

RATIO = Number("made-ratio", "forward", 16.9, "So.", "times", 1.5, None, "steps[0] / steps[1]", 0.1)
ZERO = dataclasses.replace(RATIO, answer=0, within_absolute=0.5, tolerance=0.05)
LOSSES = Order("made-losses", "forward", "cab", "So.", dict.fromkeys("abc", ""), "losses")


@pytest.mark.parametrize(
    ("question", "value", "complaint"),
    [
        (RATIO, [16.9], None),
        (RATIO, [18.5], None),
        (RATIO, [15.3], None),
        (RATIO, [18.7], "gives 18.7, but the answer says 16.9: off by more than 10%"),
        (RATIO, [15.1], "gives 15.1, but"),
        (RATIO, [-16.9], "gives -16.9, but"),
        (dataclasses.replace(RATIO, tolerance=0.5), [24], None),
        (RATIO, [16.9, 16.9], "gives [16.9, 16.9], not 1 finite number"),
        (RATIO, [float("nan")], "gives [nan], not 1"),
        (RATIO, "NameError: name 'steps' is not defined", "fails with NameError: name 'steps'"),
        (ZERO, [0.05], None),
        (ZERO, [-0.06], "gives -0.06, but the answer says 0: off by more than 0.05"),
        (LOSSES, [2, 3, 1], None),
        (LOSSES, [1, 2, 3], "a < b < c, but the answer says 'cab'"),
        (LOSSES, [2, 3, 2], "but the answer says 'cab'"),
        (LOSSES, [2, 3], "not 3 finite numbers"),
        (LOSSES, [2, 3, float("inf")], "not 3 finite numbers"),
    ],
)
def test_an_answer_must_be_what_is_measured(question, value, complaint):
    found = list(complaints(question, value))
    assert len(found) == (complaint is not None)
    assert all(line.startswith(f"{question.name}: {question.measured_by} ") for line in found)
    assert complaint is None or complaint in found[0]


def test_expressions_are_evaluated_in_the_kernel():
    manager, client = start_new_kernel()
    try:
        client.execute("import numpy as np\nx = np.float32(0.5)", store_history=False)
        asked = {"one": "x", "three": "[x, 1, np.array(2)]", "wrong": "y / 2", "text": "'one'",
                 "many": "np.arange(1000)", "not a number": "np.nan"}  # fmt: skip
        found = evaluated(types.SimpleNamespace(kc=client), asked)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert found["one"] == [0.5]
    assert found["three"] == [0.5, 1, 2]
    assert found["wrong"] == "NameError: name 'y' is not defined"
    assert found["text"].startswith("ValueError")
    assert found["many"] == list(range(1000))
    assert str(found["not a number"]) == "[nan]"
    assert evaluated(None, {}) == {}


# A plugin that registers these, and no others, in a pytest that runs a notebook made up for it.
PLUGIN = """\
from helpers.exercises.questions import QUESTIONS, Number
import helpers.exercises
QUESTIONS.clear()
for name, notebook, recalls in [
    ("made-ratio", "forward", None), ("made-recall", "training", "forward"),
    ("made-elsewhere", "inference", None),
]:
    QUESTIONS[name] = Number(
        name, notebook, {answer}, "So.", "times", 1.5, None, "steps[0] / steps[1]", 0.1,
        recalls=recalls,
    )
"""


@pytest.mark.parametrize(("answer", "passes"), [(17, True), (12, False)])
def test_a_notebook_turns_red_at_its_last_cell(tmp_path, answer, passes):
    (tmp_path / "made_up.py").write_text(PLUGIN.replace("{answer}", str(answer)))
    cells = [
        nbformat.v4.new_code_cell(source, execution_count=count)
        for count, source in enumerate(["steps = [169]", "steps.append(10);"], start=1)
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "02_forward.ipynb")
    code = f"import sys, pytest; sys.path.append({str(tmp_path)!r}); sys.exit(pytest.main())"
    command = [sys.executable, "-c", code, "-q", "-rA", "--nbval", "-p", "no:cacheprovider"]
    command += ["-c", "pyproject.toml", "-p", "conftest", "-p", "made_up", "--color=no"]
    run = subprocess.run(
        [*command, tmp_path / "02_forward.ipynb"], cwd=places.ROOT, capture_output=True, text=True
    )
    verdicts = re.findall(r"(?m)^(PASSED|FAILED) .*::Cell (\d+)", run.stdout)
    assert dict(verdicts) == ({"PASSED": "1"} if passes else {"PASSED": "0", "FAILED": "1"})
    if not passes:
        assert "Answers of questions are not as measured" in run.stdout
        for name in ("made-ratio", "made-recall"):
            said = f"{name}: steps[0] / steps[1] gives 16.9, but the answer says 12: off by more"
            assert said in run.stdout
        assert "made-elsewhere" not in run.stdout


def test_every_measurement_is_made():
    """Whoever runs a notebook of Parts I and II does not import the questions of Part III."""
    part_iii = NOTEBOOKS[NOTEBOOKS.index("pytorch") :]
    for notebook in NOTEBOOKS:
        for question in measurable(notebook):
            assert (question.notebook in part_iii) <= (notebook in part_iii), question.name


def test_every_number_and_order_that_is_no_recall_is_measured():
    measured = {question.name for notebook in NOTEBOOKS for question in measurable(notebook)}
    expected = {
        question.name
        for question in QUESTIONS.values()
        if isinstance(question, Number | Order) and question.recalls is None
    }
    assert expected <= measured
