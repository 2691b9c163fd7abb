"""The command line, and what commands pass on to the programs that they run."""

import ast
import os
import signal
import subprocess
import sys

import pytest
from clones import posix_only

import course
from helpers.launcher import places
from helpers.launcher.environment import matrix_variables
from helpers.launcher.lab import lab_command
from helpers.launcher.proofs import SUITE


def test_the_bare_command_prints_what_it_can_do(clone):
    done = clone.run()
    assert done.returncode == 0
    for command in ("setup", "lab", "reset", "keep", "preflight", "test", "refresh", "lint"):
        assert f"\n    {command} " in done.stdout.replace("\n      ", " ")
    assert not (clone.root / ".venv").exists()


def test_an_older_python_gets_a_sentence(monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version_info", (3, 10, 4))
        code = course.main()
    assert code == 1
    said = capsys.readouterr().err
    assert said.startswith("The course runs on Python 3.11 to ")
    assert "Python 3.10.4" in said
    assert said.count("\n") == 1


def test_the_launcher_parses_on_an_older_python():
    # Otherwise the sentence above would be a SyntaxError.
    launcher = places.ROOT / "helpers" / "launcher"
    for path in (places.ROOT / "course.py", *launcher.glob("*.py")):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_misspelt_arguments_are_refused_before_anything_is_done(clone):
    done = clone.run("lint", "--fxi")
    assert done.returncode == 2
    assert "unrecognized arguments: --fxi" in done.stderr
    assert not (clone.root / ".venv").exists()


def test_lab_opens_the_first_notebook_of_the_workspace(ready):
    (report,), code = ready.reports("lab", "--port", "9999", "--no-browser")
    assert code == 0
    arguments = report["arguments"]
    assert report["module"] == "jupyterlab"
    assert f"--ServerApp.root_dir={ready.root / 'workspace'}" in arguments
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in arguments
    assert arguments[-3:] == ["--port", "9999", "--no-browser"]
    assert not any("token" in argument.lower() for argument in arguments)
    assert report["env"]["OMP_NUM_THREADS"] == "1"
    assert "CUDA_VISIBLE_DEVICES" not in report["env"]  # learners may use their GPU
    assert "TQDM_DELAY" not in report["env"]  # and see progress bars


@pytest.mark.parametrize("wish", [[], ["--with-outputs"]])
def test_lab_copies_with_or_without_outputs(ready, wish):
    original = ready.root / "notebooks" / "03_backward.ipynb"
    (report,), code = ready.reports("lab", *wish, "--no-browser")
    assert code == 0
    assert report["arguments"][-1] == "--no-browser"
    assert "--with-outputs" not in report["arguments"]
    copied = (ready.root / "workspace" / original.name).read_bytes()
    assert (copied == original.read_bytes()) == bool(wish)
    assert (b"stored" in copied) == bool(wish)


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_allow_root_is_for_root_alone(folders, monkeypatch, user, allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in lab_command(folders[1], [])) == allowed


def test_tests_pass_arguments_on_and_stay_on_the_cpu(ready):
    (report,), code = ready.reports("test", "-x", "-k", "norm", CUDA_VISIBLE_DEVICES="0")
    assert code == 0
    for argument in ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=120"):
        assert argument in report["arguments"]
    assert report["arguments"][-5:] == ["-m", SUITE, "-x", "-k", "norm"]
    assert report["env"]["CUDA_VISIBLE_DEVICES"] == ""
    assert report["env"]["OMP_NUM_THREADS"] == "1"


def test_the_matrix_repeats_the_notebooks_under_each_setting(ready):
    reports, code = ready.reports("test", "--matrix")
    assert code == 0
    settings = [report["env"]["BN_COURSE_SETTING"] for report in reports]
    assert settings == ["as it is", "older-cpu", "plain-numpy", "both", "two-threads", "core"]
    assert [report["arguments"][-1] == "notebooks" for report in reports] == [False] + [True] * 5
    by_name = {report["env"]["BN_COURSE_SETTING"]: report["env"] for report in reports}
    assert by_name["older-cpu"]["OPENBLAS_CORETYPE"] == "Nehalem"
    assert "NPY_DISABLE_CPU_FEATURES" not in by_name["older-cpu"]
    assert by_name["plain-numpy"]["NPY_DISABLE_CPU_FEATURES"] == "FAST FASTER"
    assert "ATEN_CPU_CAPABILITY" not in by_name["plain-numpy"]
    assert {"ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES"} <= by_name["both"].keys()
    assert by_name["two-threads"]["OMP_NUM_THREADS"] == "2"
    workers = [report["arguments"][report["arguments"].index("-n") + 1] for report in reports]
    assert workers == ["2", "2", "2", "2", "1", "2"]


def test_one_setting_can_be_chosen(ready):
    reports, _ = ready.reports("test", "--matrix", "older-cpu", "-q")
    settings = [report["env"]["BN_COURSE_SETTING"] for report in reports]
    assert settings == ["as it is", "older-cpu"]
    assert all("-q" in report["arguments"] for report in reports)


@pytest.mark.parametrize(("fails", "runs"), [("as it is", 1), ("plain-numpy", 3)])
def test_the_last_run_is_the_one_that_failed(ready, fails, runs):
    reports, code = ready.reports("test", "--matrix", FAIL_AT=fails)
    assert code == 1
    assert len(reports) == runs


def test_nothing_is_printed_after_pytest(ready):
    assert ready.run("test", "--matrix", "both").stdout.splitlines()[-1].startswith("{")


@posix_only
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_commands_end_with_the_launcher(ready, number, code):
    process = ready.popen("test", WAIT="1")
    process.stdout.readline()  # the command runs
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as Ctrl-C in a terminal does
    else:
        process.send_signal(number)
    process.communicate(timeout=60)  # ends when nothing holds its output any more
    assert process.returncode == code


def test_ablations_run_alone(ready):
    (report,), _ = ready.reports("test", "--ablations")
    assert report["arguments"][-3:] == ["-m", "ablation", "tests"]


@pytest.mark.parametrize(("matrix", "runs"), [(["both"], 2), ([], 6)])
def test_paths_replace_the_whole_suite(ready, matrix, runs):
    reports, _ = ready.reports("test", "--matrix", *matrix, "notebooks/03_backward.ipynb")
    assert [r["arguments"][-1] for r in reports] == ["notebooks/03_backward.ipynb"] * runs


@pytest.mark.parametrize("fails", ["ruff", "codespell"])
def test_lint_runs_every_check_even_when_one_fails(ready, fails):
    reports, code = ready.reports("lint", FAIL_AT=fails)
    assert code == 1
    assert [report["module"] for report in reports] == ["ruff", "ruff", "codespell"]
    assert ready.reports("lint")[1] == 0


def test_numpy_has_no_optional_features_left_in_the_plain_setting(monkeypatch):
    monkeypatch.setattr(places, "venv_python", lambda: sys.executable)
    left = (
        "from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__\n"
        "assert not any(__cpu_features__[name] for name in __cpu_dispatch__)\n"
    )
    # -W error: NumPy warns about a name that it cannot switch off.
    command = [sys.executable, "-W", "error", "-c", left]
    subprocess.run(command, env=os.environ | matrix_variables("both"), check=True)
