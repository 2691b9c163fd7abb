"""What the user has set for Python, pytest, Jupyter and matplotlib decides nothing."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from clones import posix_only

from helpers.launcher import environment, places

# What a notebook prints, and what it shows, under anybody's settings.
CELLS = {
    "import sys, numpy\nprint(sys.flags.optimize)": "0\n",
    "import warnings\nwarnings.simplefilter('default')\n1; 2": "2",
    "import matplotlib.pyplot as plt\nplt.figure(figsize=(1, 1)); plt.text(0, 0, 'x');": "figure",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The variables of someone who has set everything that could be in the way."""
    folder = tmp_path_factory.mktemp("settings")
    profile = folder / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "ipython_config.py").write_text(
        "c.InteractiveShell.ast_node_interactivity = 'all'\n"
        "c.InlineBackend.figure_formats = {'svg'}\n"
    )
    (profile / "startup" / "mine.py").write_text("print('good morning')\n")
    (folder / "matplotlibrc").write_text("font.family: Helvetica\nnonsense: 1\n")
    (folder / "numpy.py").write_text("raise SystemExit(3)\n")
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text('{"argv": ["/nowhere"], "display_name": "mine"}')
    return {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_PATH": str(folder),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "MPLBACKEND": "Agg",
        "PYTHONPATH": str(folder),
        "PYTHONSTARTUP": str(folder / "numpy.py"),
        "PYTHONWARNINGS": "error",
    }


def output(count, printed):
    """The stored output of a cell."""
    if printed == "figure":
        data = {"image/png": "", "text/plain": "<Figure size 100x100 with 1 Axes>"}
        return nbformat.v4.new_output("display_data", data)
    if printed.endswith("\n"):
        return nbformat.v4.new_output("stream", text=printed)
    return nbformat.v4.new_output("execute_result", {"text/plain": printed}, execution_count=count)


def notebook(path):
    """Write a notebook with the outputs that these cells have for everybody."""
    cells = []
    for count, (source, printed) in enumerate(CELLS.items(), 1):
        cell = nbformat.v4.new_code_cell(source, execution_count=count)
        cell.outputs = [output(count, printed)]
        cells.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


@posix_only
def test_proofs_give_the_same_verdict_under_any_settings(settings, tmp_path):
    notebook(tmp_path / "sample.ipynb")
    variables = {k: v for k, v in os.environ.items() if not k.startswith("BN_COURSE_")}
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", "-p", "conftest", f"--rootdir={tmp_path}"]
    for workers in ([], ["-n", "1"]):
        answer = subprocess.run(
            [*command, *workers, tmp_path / "sample.ipynb"],
            cwd=places.ROOT, env=variables | settings, capture_output=True, text=True,
        )  # fmt: skip
        assert "3 passed" in answer.stdout, answer.stdout + answer.stderr


def test_commands_start_without_what_a_user_has_set(settings, monkeypatch):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    seen = "import os, sys, numpy; sys.exit(sorted(os.environ).count('MPLBACKEND'))"
    assert environment.run([sys.executable, "-c", seen], environment.environment(proof=False)) == 0


def test_the_environment_of_learners_keeps_what_is_theirs(monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", "mine")
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    variables = environment.clean_environment() | environment.environment(proof=False)
    assert variables["IPYTHONDIR"] == "mine"
    assert variables["PYTHONUNBUFFERED"] == variables["PYTHONDONTWRITEBYTECODE"] == "1"
    of_proofs = environment.environment(proof=True)
    assert of_proofs["IPYTHONDIR"] != "mine"
    assert not of_proofs["PYTHONDONTWRITEBYTECODE"]


def test_without_a_home_programs_get_a_folder_of_their_own(monkeypatch):
    def none():
        raise RuntimeError("Could not determine home directory.")

    assert environment.home_is_usable() == ("HOME" not in environment.environment(proof=False))
    monkeypatch.setattr(Path, "home", none)
    folder = Path(environment.environment(proof=False)["HOME"])
    assert folder.is_dir()
    assert os.access(folder, os.W_OK)


def test_a_matplotlibrc_in_the_working_directory_does_not_style_the_figures(tmp_path):
    # matplotlib reads it before any other, whatever MATPLOTLIBRC says.
    (tmp_path / "matplotlibrc").write_text("axes.facecolor: red\ntext.usetex: True\n")
    say = "from helpers.plotting import plt; print(*map(plt.rcParams.get, sys.argv[2:]))"
    command = [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1]); " + say]
    answer = subprocess.check_output(
        [*command, places.ROOT, "axes.facecolor", "text.usetex"], cwd=tmp_path, text=True
    )
    assert answer.split() == ["white", "False"]
