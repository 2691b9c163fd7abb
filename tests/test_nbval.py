"""The comparison itself: strict nbval lets through what may differ, and nothing else."""

import subprocess
import sys

import nbformat
import pytest

from helpers.authoring.refresh import SANITIZE_FILE

ROOT = SANITIZE_FILE.parents[1]
SOURCE = "print('share 0.1234 (measured 31.1)')"


def notebook(stored):
    cell = nbformat.v4.new_code_cell(SOURCE, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=stored)]
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("stored", "code"),
    [
        ("share 0.1234 (measured 31.1)\n", 0),
        ("share 0.1234 (measured 99.9)\n", 0),
        ("share 0.1235 (measured 31.1)\n", 1),
        ("share 0.1234 (31.1)\n", 1),
    ],
    ids=["as stored", "measured value differs", "a digit differs", "not marked as measured"],
)
def test_only_measured_values_may_differ(tmp_path, stored, code):
    path = tmp_path / "sample.ipynb"
    nbformat.write(notebook(stored), path)
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", f"--nbval-sanitize-with={SANITIZE_FILE}"]
    answer = subprocess.run(
        [*command, f"--rootdir={tmp_path}", path], cwd=ROOT, capture_output=True, text=True
    )
    assert answer.returncode == code, answer.stdout
