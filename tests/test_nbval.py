"""The comparison itself: strict nbval lets through what may differ, and nothing else."""

import re
import subprocess
import sys
from unittest import mock

import nbformat

from helpers import cards
from helpers.authoring.refresh import SANITIZE_FILE

ROOT = SANITIZE_FILE.parents[1]
PRINT = "print('share 0.1234 (measured 31.1)')"
CURVE = """\
from helpers import plotting
ax = plotting.panels(1)[0]
lines = ax.plot([0, 1], [2, 3])"""
TIMED = f"{CURVE}\nplotting.mark_measured(ax)"
BOX = "from helpers import cards; cards.say('✓ share 0.1234 (measured 31.1)')"
SAID = {"text/plain": "✓ share 0.1234 (measured 31.1)"}
with mock.patch.multiple(cards, get_ipython=object, display=lambda both, raw: SAID.update(both)):
    cards.say(SAID["text/plain"])
PNG = "iVBORw0KGgo="  # nbval compares no pixels
DRAWN = """\
A figure with one panel.
x: without label, from -0.05 to 1.05. y: without label, from 1.95 to 3.05.
Blue line: 2 points; 2 at 0, 3 at 1."""
MEASURED = """\
A figure with one panel.
x: without label, from (measured 1) to (measured 2). y: without label, from (measured 3) to \
(measured 4).
Blue line: 2 points; (measured 4 at 0, 5 at 1)."""

# A cell, what is stored under it, and whether that passes.
CELLS = {
    "printed as stored": (PRINT, "share 0.1234 (measured 31.1)\n", True),
    "a measured value differs": (PRINT, "share 0.1234 (measured 99.9)\n", True),
    "a digit differs": (PRINT, "share 0.1235 (measured 31.1)\n", False),
    "not marked as measured": (PRINT, "share 0.1234 (31.1)\n", False),
    "drawn as stored": (CURVE, DRAWN, True),
    "another picture": (CURVE, DRAWN.replace("3 at 1", "4 at 1"), False),
    "a figure without description": (CURVE, "<Figure size 403x326 with 1 Axes>", False),
    "a measured curve differs": (TIMED, MEASURED, True),
    "a box as stored": (BOX, SAID, True),
    "a measured value in a box differs": (
        BOX,
        {kind: text.replace("31.1", "99.9") for kind, text in SAID.items()},
        True,
    ),
    "a digit in the HTML alone differs": (
        BOX,
        SAID | {"text/html": SAID["text/html"].replace("0.1234", "0.1235")},
        False,
    ),
    "a box that was printed": (BOX, "share 0.1234 (measured 31.1)\n", False),
    "a mark is missing beside it": (TIMED, MEASURED.replace("Blue", "Orange"), False),
}


def output(text):
    """What a cell has stored: a printed line, a card, or a picture and its description."""
    if isinstance(text, dict):
        return nbformat.v4.new_output("display_data", data=text)
    if text.startswith("share"):
        return nbformat.v4.new_output("stream", name="stdout", text=text)
    data = {"image/png": PNG, "text/plain": text}
    return nbformat.v4.new_output("display_data", data=data)


def test_only_measured_values_may_differ_in_text_and_in_figures(tmp_path):
    cells = []
    for count, (source, stored, _) in enumerate(CELLS.values(), start=1):
        cells.append(nbformat.v4.new_code_cell(source, execution_count=count))
        cells[-1].outputs = [output(stored)]
    path = tmp_path / "sample.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--nbval", "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", f"--nbval-sanitize-with={SANITIZE_FILE}"]
    answer = subprocess.run(
        [*command, f"--rootdir={tmp_path}", path], cwd=ROOT, capture_output=True, text=True
    )
    verdicts = {
        int(number): verdict == "PASSED"
        for verdict, number in re.findall(r"(?m)^(PASSED|FAILED) .*::Cell (\d+)", answer.stdout)
    }
    got = {name: verdicts.get(number) for number, name in enumerate(CELLS)}
    assert got == {name: passes for name, (_, _, passes) in CELLS.items()}, answer.stdout
