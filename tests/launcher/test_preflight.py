"""The day before a workshop: what is well, and a sentence for each thing that is left to do."""

import errno
import io
import os
import shutil
import socket
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
from clones import notebook

from helpers import kernel_trial
from helpers.launcher import machine, memory, packages, places, preflight, venv, workspace
from helpers.launcher.reasons import Stop

# `course.py preflight` itself, on a workspace of the test's own and in the environment of the
# tests.
COMMAND = """
import pathlib, sys, course
from helpers.launcher import places, preflight
places.WORKSPACE = pathlib.Path(sys.argv[1])
places.venv_python = lambda: pathlib.Path(sys.executable)
preflight.set_up = lambda: None
sys.argv[:] = ["course.py", "preflight"]
sys.exit(course.main())
"""
READY = "✓ Ready for the workshop: nothing is left to do."


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The learner's folder, which is not made yet, with the Python of the tests."""
    monkeypatch.setattr(places, "WORKSPACE", tmp_path / "workspace")
    monkeypatch.setattr(places, "venv_python", lambda: sys.executable)
    return places.WORKSPACE


def line(check):
    """The only line of a check."""
    (only,) = preflight.lines(check)
    return only


def test_the_command_passes_on_a_computer_where_all_is_well(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, tmp_path / "workspace"],
        cwd=places.ROOT, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    _, *lines = done.stdout.splitlines()
    without = packages.why_no_pytorch()
    others = [line for line in lines if not line.startswith("✓ ")]
    assert others == ([f"? {without}"] if without else []), done.stderr
    assert lines[-1] == READY
    assert done.returncode == 0
    assert len(lines) == 15
    originals = {path.name for path in places.NOTEBOOKS.glob("*.ipynb")}
    assert {path.name for path in (tmp_path / "workspace").glob("*")} == {
        ".originals.json", *originals,
    }  # fmt: skip


def test_a_clone_is_set_up_first_and_every_check_is_made(half_ready):
    # Its packages are stand-ins without versions, and nothing tries a kernel there.
    done = half_ready.run("preflight")
    assert "Set-up is complete." in done.stdout, done.stderr
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "✓ The course is set up." in lines
    assert "✓ workspace/ can be written, and has your copies of 2 notebooks." in lines
    (kernel,) = (line for line in lines if line.startswith("✗ No kernel can be tried"))
    assert "No module named helpers.kernel_trial" in kernel
    assert "delete the folder .venv" in kernel
    assert lines[-1].endswith(" things are left to do; they are marked above.")


# ------------------------------------------------------------------- the report


@pytest.fixture
def answers(monkeypatch):
    """Let every check pass, in a line of its name, but those that are given other answers."""

    def answer(**others):
        for name in [name for name in vars(preflight) if name.startswith("check_")]:
            lines = others.get(name, [(True, name)])
            monkeypatch.setattr(preflight, name, lambda lines=lines: iter(lines))

    return answer


def test_every_check_is_made_even_when_one_fails(answers, capsys):
    bad = [(False, "Free some.")]
    answers(check_disk=bad, check_workspace=bad, check_memory=[(None, "Not told.")])
    assert preflight.preflight() == 1
    _, *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [
        "✓ check_set_up",
        "✓ check_python",
        "✗ Free some.",
        "? Not told.",
        "✗ Free some.",
        "✓ check_port",
        "✓ check_packages",
        "✓ check_kernel",
    ]
    assert last == "✗ 2 things are left to do; they are marked above."


def test_what_cannot_be_told_is_nothing_to_do(answers, capsys):
    answers(check_memory=[(None, "Not told.")])
    assert preflight.preflight() == 0
    assert capsys.readouterr().out.splitlines()[-1] == READY


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (Stop("The name of the index cannot be resolved."), "The name of the index cannot be"),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full: free some space"),
    ],
)
def test_without_packages_all_else_is_looked_at(answers, monkeypatch, capsys, problem, told):
    def stop():
        raise problem

    setting_up = preflight.check_set_up
    answers()
    monkeypatch.setattr(preflight, "check_set_up", setting_up)
    monkeypatch.setattr(preflight, "set_up", stop)
    assert preflight.preflight() == 1
    _, first, second, *lines, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"✗ {told}")
    assert second == "? Not tried before the course is set up: its packages, and a kernel."
    assert len(lines) == 5
    assert last == "✗ 1 thing is left to do; it is marked above."


class Terminal(io.TextIOWrapper):
    """A terminal, or none, that shows some letters."""

    def __init__(self, encoding, is_terminal):
        super().__init__(io.BytesIO(), encoding=encoding)
        self.isatty = lambda: is_terminal


@pytest.mark.parametrize(
    ("encoding", "is_terminal", "good", "line"),
    [
        ("utf-8", False, True, "✓ It is."),
        ("utf-8", True, True, "\033[32m✓ It is.\033[0m"),
        ("utf-8", True, False, "\033[31m✗ It is.\033[0m"),
        ("utf-8", True, None, "\033[33m? It is.\033[0m"),
        ("cp1252", False, True, "[ok] It is."),
        ("ascii", True, False, "\033[31m[to do] It is.\033[0m"),
    ],
)
def test_a_line_has_a_sign_and_on_a_terminal_a_colour(
    monkeypatch, encoding, is_terminal, good, line
):
    terminal = Terminal(encoding, is_terminal)
    monkeypatch.setenv("WT_SESSION", "a terminal of Windows that knows colours")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        preflight.show(good, "It is.")
    assert terminal.buffer.getvalue().decode(encoding).rstrip("\r\n") == line


# ------------------------------------------------------------------ the machine


def test_a_python_that_a_package_excludes_is_told(monkeypatch):
    old = venv.Interpreter((3, 14, 1), places.VENV, sys.executable)
    monkeypatch.setattr(venv, "interpreter", lambda: old)
    good, told = line(preflight.check_python)
    assert good is False
    assert told.endswith(
        "excludes Python 3.14.1: start the course with another Python 3.11 to 3.14."
    )


@pytest.mark.parametrize("python", [None, venv.Interpreter((3, 12, 9), places.VENV, "")])
def test_the_python_of_the_environment_counts(monkeypatch, python):
    monkeypatch.setattr(venv, "interpreter", lambda: python)
    version = "3.12.9" if python else ".".join(map(str, sys.version_info[:3]))
    assert line(preflight.check_python) == (True, f"Python {version} can run the course.")


def test_a_full_disk_is_told_with_its_folder(here, monkeypatch):
    seen = []

    def usage(folder):
        seen.append(folder)
        return shutil._ntuple_diskusage(9, 9, 300_000_000)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    told = "0.3 GB of disk are free in {}, copies and figures need 1 GB: free some."
    assert line(preflight.check_disk) == (False, told.format(places.ROOT))
    here.mkdir()  # perhaps a link to another drive
    assert line(preflight.check_disk) == (False, told.format(here))
    assert seen == [places.ROOT, here]


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (2_000_000_000, (True, "2.0 GB of memory are free.")),
        (
            1_900_000_000,
            (False, "1.9 GB of memory are free, the course needs 2 GB: close other programs."),
        ),
        (None, (None, "How much memory is free cannot be told here: the course needs 2 GB.")),
    ],
)
def test_memory_is_enough_or_too_little_or_cannot_be_told(monkeypatch, free, expected):
    monkeypatch.setattr(memory, "available", lambda: free)
    assert line(preflight.check_memory) == expected


@pytest.mark.parametrize("name", ["create_server", "create_connection"])
def test_a_port_that_is_refused_is_told(monkeypatch, name):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, name, refuse)
    assert line(preflight.check_port) == (
        False,
        "No port of 127.0.0.1 can be opened and reached (Permission denied), which JupyterLab "
        "needs: ask who looks after this computer what forbids it, such as a firewall.",
    )


def test_a_port_that_nothing_reaches_is_told(monkeypatch):
    # The connection goes elsewhere: nothing arrives at the server.
    monkeypatch.setattr(machine, "PORT_PATIENCE", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        connect, address = socket.create_connection, elsewhere.getsockname()
        monkeypatch.setattr(socket, "create_connection", lambda *_: connect(address))
        good, told = line(preflight.check_port)
    assert good is False
    assert "(timed out)" in told


# ------------------------------------------------------------------- the course


def test_packages_that_are_broken_or_others_are_named(here, monkeypatch, tmp_path):
    monkeypatch.setattr(places, "ROOT", tmp_path)  # what lies there is imported first
    names = "numpy", "matplotlib", "jupyterlab", "torch"
    (tmp_path / "constraints.txt").write_text("".join(f"{name}==2.0\n" for name in names))
    (tmp_path / "numpy.py").write_text("raise ImportError('DLL load failed')\n")
    (tmp_path / "matplotlib.py").write_text("__version__ = '1.9'\n")
    (tmp_path / "jupyterlab.py").write_text("__version__ = '2.0'\n")
    (tmp_path / "torch.py").write_text("__version__ = '2.0+cpu'\n")
    monkeypatch.setattr(packages, "why_no_pytorch", lambda: None)
    mend = "delete the folder .venv and run this command again."
    lines = list(preflight.lines(preflight.check_packages))
    assert lines == [
        (False, f"numpy cannot be imported (ImportError: DLL load failed): {mend}"),
        (False, f"matplotlib is 1.9 and should be 2.0: {mend}"),
        (True, "jupyterlab 2.0 can be imported."),
        (True, "torch 2.0+cpu can be imported."),
    ]
    monkeypatch.setattr(packages, "why_no_pytorch", lambda: "It is not made for this.")
    lines = list(preflight.lines(preflight.check_packages))
    assert lines[3:] == [(None, "It is not made for this.")]


def test_copies_are_made_and_those_that_are_there_stay_as_they_are(folders, here):
    originals, _ = folders
    workspace.copy_notebooks(here, with_outputs=True)
    (here / "00_start_here.ipynb").write_bytes(notebook("mine", output="my own"))
    before = {path.name: path.read_bytes() for path in here.glob("*.ipynb")}
    (originals / "05_inference.ipynb").write_bytes(notebook("new"))
    told = "workspace/ can be written, and has your copies of 3 notebooks."
    assert line(preflight.check_workspace) == (True, told)
    after = {path.name: path.read_bytes() for path in here.glob("*.ipynb")}
    assert b"stored" not in after.pop("05_inference.ipynb")
    assert after == before


def test_what_lab_would_say_about_new_versions_is_said(folders, here, capsys):
    originals, _ = folders
    workspace.copy_notebooks(here)
    (here / "03_backward.ipynb").write_bytes(notebook("mine"))
    (originals / "03_backward.ipynb").write_bytes(notebook("next edition"))
    good, _ = line(preflight.check_workspace)
    assert good
    assert "03_backward.ipynb has a new version. Yours was kept" in capsys.readouterr().out


def test_a_file_in_the_place_of_the_workspace_is_told(folders, here):
    here.write_text("not a folder")
    told = f"{here} is no folder, and your copies go there: rename it."
    assert line(preflight.check_workspace) == (False, told)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EACCES, "You have no permission for {}: copy the course to a folder of your own."),
        (errno.EROFS, "The drive of {} is read-only: copy the course to a folder of your own."),
        (errno.ENOSPC, "The disk is full: free some space, then run this command again."),
    ],
)
def test_a_workspace_that_cannot_be_written_is_told(folders, here, monkeypatch, number, told):
    def refuse(_, target):
        raise OSError(number, os.strerror(number), str(target))

    monkeypatch.setattr(workspace, "put", refuse)
    told = told.format(here / "00_start_here.ipynb")
    assert line(preflight.check_workspace) == (False, told)


def test_a_clone_without_notebooks_is_told(folders, here):
    originals, _ = folders
    shutil.rmtree(originals)
    told = f"There are no notebooks in {originals}: the clone is not complete."
    assert line(preflight.check_workspace) == (False, told)
    assert not here.exists()


# --------------------------------------------------------------------- a kernel

WELL = [(True, well) for well, _ in preflight.KERNEL.values()]
NOT_TRIED = [(None, f"Not tried, as the kernel has failed: {well}") for _, well in WELL]
AGAIN = (
    "run this command again; if that does not help, delete the folder .venv and run this command "
    "again."
)


def kernel_lines(folder, **files):
    """The lines about a kernel whose folder holds these modules: it imports them first."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return list(preflight.lines(preflight.check_kernel))


def test_a_kernel_that_does_not_start_is_told(here):
    first, *others = kernel_lines(here, ipykernel_launcher="raise SystemExit(3)\n")
    assert first == (
        False,
        "No kernel starts and computes 1 + 1 (Kernel died before replying to kernel_info): "
        + AGAIN,
    )
    assert others == NOT_TRIED[1:]


def test_a_kernel_that_dies_is_told_at_what(here):
    lines = kernel_lines(here, helpers="import os\nos._exit(9)\n")
    assert lines == [
        WELL[0],
        (False, f"The kernel cannot import the course and its packages (Kernel died): {AGAIN}"),
        *NOT_TRIED[2:],
    ]


HANG = "import threading\nthreading.Event().wait()\n"


def test_a_kernel_that_never_answers_is_told(here, monkeypatch):
    monkeypatch.setattr(preflight, "KERNEL_PATIENCE", 0)
    first, *others = kernel_lines(here, ipykernel_launcher=HANG)
    assert first == (
        False,
        f"No kernel starts and computes 1 + 1 (Kernel didn't respond in 0 seconds): {AGAIN}",
    )
    assert others == NOT_TRIED[1:]


def test_a_cell_that_never_ends_is_told(tmp_path, monkeypatch):
    (tmp_path / "helpers.py").write_text(HANG)
    # At the start, at the first cell, and at the second, when all time is spent.
    ticks = iter([0, 1, 60])
    monkeypatch.setattr(kernel_trial, "time", SimpleNamespace(monotonic=ticks.__next__))
    assert list(kernel_trial.trial(tmp_path, 60)) == [
        ("computes", None),
        ("imports", "it takes more than 60 seconds"),
    ]
    assert list(ticks) == []  # what one cell takes, the next does not have


def test_packages_that_the_kernel_cannot_import_are_told(here):
    lines = kernel_lines(here, matplotlib="raise ImportError('not\\nthis one')\n")
    because = f"(ImportError: not this one): {AGAIN}"
    assert lines == [
        WELL[0],
        (False, f"The kernel cannot import the course and its packages {because}"),
        (False, f"The kernel draws no figure {because}"),
        WELL[3],
    ]


def test_damaged_digits_are_told_with_what_restores_them(here):
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(places.ROOT / "helpers", here / "helpers", ignore=ignore)
    (here / "data").mkdir()
    digits = here / "data" / "digits.npz"
    whole = (places.ROOT / "data" / "digits.npz").read_bytes()
    digits.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    *others, (good, told) = kernel_lines(here)
    assert others == WELL[:3]
    assert good is False
    assert told.startswith(f"data/digits.npz cannot be used: {digits} is not the course's ")
    assert told.endswith("restore it from the repository with `git checkout -- data/digits.npz`.")


def test_a_cell_that_shows_something_else_has_failed():
    _, two = kernel_trial.CELLS["computes"]
    _, picture = kernel_trial.CELLS["draws"]
    shown = nbformat.v4.new_output("execute_result", {"text/plain": "3"})
    assert kernel_trial.why_not([shown], two) == "it shows text/plain"
    assert kernel_trial.why_not([], picture) == "it shows nothing"
