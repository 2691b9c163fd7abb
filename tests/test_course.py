"""course.py: set-up in a clean clone, the learner's copies, and what the commands pass on.

The clones install a tiny wheel that stands in for all packages. No test leaves this machine.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

import course

ROOT = Path(course.__file__).resolve().parent
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and links")

# Each stand-in prints what it was called with; pytest's fails where FAIL_AT says so.
REPORT = """
import json, os, sys
keep = ("BN_COURSE_", "OMP_", "OPENBLAS", "CUDA_", "NPY_", "ATEN_", "TQDM_")
env = {k: v for k, v in os.environ.items() if k.startswith(keep)}
print(json.dumps({"module": MODULE, "arguments": sys.argv[1:], "env": env}), flush=True)
if "WAIT" in os.environ:
    import signal
    signal.pause()
sys.exit(os.environ.get("FAIL_AT", "nowhere") in (MODULE, env.get("BN_COURSE_SETTING")))
"""
NUMPY = '__cpu_dispatch__ = ["FAST", "FASTER", "OTHER"]\n'
NUMPY += '__cpu_features__ = {"FAST": True, "FASTER": True, "OTHER": False, "BASE": True}\n'


def reporter(module):
    return REPORT.replace("MODULE", repr(module))


STAND_INS = {
    "pytest/__main__.py": reporter("pytest"),
    "jupyterlab/__main__.py": reporter("jupyterlab"),
    "ruff/__main__.py": reporter("ruff"),
    "codespell_lib/__main__.py": reporter("codespell"),
    "nbformat/sign.py": "import sys\nopen('trusted.txt', 'w').write(chr(10).join(sys.argv[1:]))\n",
    "numpy/_core/_multiarray_umath.py": NUMPY,
}


def make_wheel(folder, version):
    """Write the wheel of the stand-ins, with the sizes that pip records."""
    name = f"standins-{version}"
    metadata = f"Metadata-Version: 2.1\nName: standins\nVersion: {version}\n"
    tag = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = STAND_INS | {
        f"{name}.dist-info/METADATA": metadata,
        f"{name}.dist-info/WHEEL": tag,
    }
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        rows.append(f"{path},sha256={digest.decode()},{len(text)}")
    rows.append(f"{name}.dist-info/RECORD,,")
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{name}.dist-info/RECORD", "\n".join(rows) + "\n")


class Clone:
    """A bare clone in a temporary folder, and the environment of someone who has only Python."""

    def __init__(self, root, wheels):
        self.root = root
        shutil.copy(ROOT / "course.py", root)
        shutil.copy(ROOT / "pyproject.toml", root)
        (root / "requirements.txt").write_text("-c constraints.txt\nstandins==1.0\n")
        (root / "constraints.txt").write_text("standins==1.0\n")
        (root / "notebooks").mkdir()
        for name in ("00_start_here", "03_backward"):
            (root / "notebooks" / f"{name}.ipynb").write_bytes(f'{{"{name}":\r\n1}}'.encode())
        drop = ("PIP_", "BN_COURSE_", "PYTHON", "PYTEST", "VIRTUAL_ENV", "OMP_", "CUDA_", "TQDM_")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
        # A dead proxy too: nothing but 127.0.0.1 can be reached.
        self.env |= {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_CACHE_DIR": "1",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
        }

    @property
    def stamp(self):
        return self.root / ".venv" / "installed.txt"

    @property
    def site(self):
        (site,) = (self.root / ".venv").glob("lib/python*/site-packages")
        return site

    def popen(self, *arguments, **env):
        variables = {k: v for k, v in (self.env | env).items() if v is not None}
        return subprocess.Popen(
            [sys.executable, "course.py", *arguments],
            cwd=self.root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments, **env):
        process = self.popen(*arguments, **env)
        out, err = process.communicate(timeout=100)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def reports(self, *arguments, **env):
        """What each stand-in that the command ran was called with, and the exit code."""
        done = self.run(*arguments, **env)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines], done.returncode


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        make_wheel(folder, version)
    return folder


@pytest.fixture
def clone(tmp_path, wheels):
    return Clone(tmp_path, wheels)


@pytest.fixture(scope="module")
def ready(tmp_path_factory, wheels):
    """A clone that is set up; tests must leave it so."""
    clone = Clone(tmp_path_factory.mktemp("clone"), wheels)
    clone.first_run = clone.run("test")
    return clone


@pytest.fixture
def half_ready(ready, tmp_path, wheels):
    """A clone with an environment and all packages, whose set-up is not marked as complete."""
    clone = Clone(tmp_path, wheels)
    shutil.copytree(ready.root / ".venv", tmp_path / ".venv", symlinks=True)
    clone.stamp.unlink()
    return clone


@pytest.fixture
def empty(half_ready):
    """A clone whose environment holds nothing but pip."""
    shutil.rmtree(half_ready.site / "standins-1.0.dist-info")
    shutil.rmtree(half_ready.site / "pytest")
    return half_ready


# --------------------------------------------------------------- command line


def test_the_bare_command_prints_what_it_can_do(clone):
    done = clone.run()
    assert done.returncode == 0
    for command in ("lab", "reset", "test", "refresh", "lint"):
        assert f"\n    {command} " in done.stdout
    assert not (clone.root / ".venv").exists()


def test_an_older_python_gets_a_sentence(monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version_info", (3, 10, 4))
        code = course.main()
    assert code == 1
    assert capsys.readouterr().err == "The course needs Python 3.11 or later; this is 3.10.\n"


def test_course_py_parses_on_an_older_python():
    # Otherwise the sentence above would be a SyntaxError.
    import ast

    ast.parse((ROOT / "course.py").read_text(encoding="utf-8"), feature_version=(3, 7))


def test_misspelt_arguments_are_refused_before_anything_is_done(clone):
    done = clone.run("lint", "--fxi")
    assert done.returncode == 2
    assert "unrecognized arguments: --fxi" in done.stderr
    assert not (clone.root / ".venv").exists()


# --------------------------------------------------------------------- set-up


def test_set_up_happens_once(ready):
    first = ready.first_run
    assert first.returncode == 0, first.stderr
    assert "Setting up the course in .venv, once" in first.stdout
    assert "1.3 GB" in first.stdout
    assert len(first.stdout.splitlines()) <= 6  # quiet
    log = (ready.root / ".venv" / "install.log").read_text()
    second = ready.run("test")
    assert second.returncode == 0
    assert len(second.stdout.splitlines()) == 1  # pytest's
    assert (ready.root / ".venv" / "install.log").read_text() == log


def test_changed_requirements_are_installed_into_the_same_environment(half_ready):
    (half_ready.root / "requirements.txt").write_text("standins==2.0\n")
    done = half_ready.run("test")
    assert done.returncode == 0
    assert "Setting up" not in done.stdout
    assert (half_ready.site / "standins-2.0.dist-info").is_dir()
    assert not (half_ready.site / "standins-1.0.dist-info").exists()


def test_what_makes_a_set_up_out_of_date(ready):
    def fingerprint():
        command = [sys.executable, "-c", "import course; print(course.wanted())"]
        return subprocess.check_output(command, cwd=ready.root, text=True)

    now = fingerprint()
    for name, text, changes in [
        ("constraints.txt", "\nother==1\n", True),
        ("pyproject.toml", "\n[tool.setuptools.else]\n", True),
        ("pyproject.toml", "\n[tool.else]\n", False),
    ]:
        path = ready.root / name
        before = path.read_text()
        path.write_text(before + text)
        assert (fingerprint() != now) == changes, name
        path.write_text(before)
    assert fingerprint() == now


def test_tools_get_their_defaults_inside_the_environment(ready):
    settings = ready.root / ".venv/share/jupyter/lab/settings/overrides.json"
    plugin = "@jupyterlab/apputils-extension:notification"
    assert json.loads(settings.read_text())[plugin]["fetchNews"] == "false"


@pytest.mark.parametrize("how", ["file missing", "file cut short", "no record", "no metadata"])
def test_a_half_installed_package_is_repaired(half_ready, how):
    clone = half_ready
    module = clone.site / "pytest" / "__main__.py"
    information = clone.site / "standins-1.0.dist-info"
    if how == "file missing":
        module.unlink()
    elif how == "file cut short":
        module.write_text(module.read_text()[:20])
    elif how == "no record":
        module.unlink()
        (information / "RECORD").unlink()
    else:
        module.unlink()
        (information / "METADATA").unlink()
    done = clone.run("test")
    assert done.returncode == 0, done.stderr
    assert module.read_text() == STAND_INS["pytest/__main__.py"]
    assert clone.stamp.exists()


@posix_only
@pytest.mark.parametrize("how", ["empty folder", "no pip", "python gone"])
def test_an_environment_that_does_not_work_is_noticed(half_ready, monkeypatch, how):
    monkeypatch.setattr(course, "VENV", half_ready.root / ".venv")
    assert course.venv_works()
    if how == "empty folder":
        shutil.rmtree(course.VENV)
        course.VENV.mkdir()
    elif how == "no pip":
        shutil.rmtree(half_ready.site / "pip")
    else:
        uninstall_python(half_ready)
    assert not course.venv_works()


def uninstall_python(clone):
    """As when a newer Python replaces the one that made the environment."""
    for python in (clone.root / ".venv" / "bin").glob("python*"):
        python.unlink()
        python.symlink_to(clone.root / "uninstalled" / "python3")


@posix_only
def test_an_environment_that_does_not_work_is_made_anew(half_ready):
    uninstall_python(half_ready)
    done = half_ready.run("test")
    assert done.returncode == 0, done.stderr
    assert "Setting up" in done.stdout


def test_two_set_ups_at_once_install_once(empty):
    both = [empty.popen("test"), empty.popen("test")]
    outputs = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("Set-up is complete" in out for out, _ in outputs) == 1


# ------------------------------------------------------- set-ups that cannot be


def sentence(done):
    """The one line on stderr of a command that failed as it should."""
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_no_network_is_one_sentence_and_the_next_run_repairs(empty):
    index = f"http://127.0.0.1:{closed_port()}/simple"
    offline = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "PIP_INDEX_URL": index}
    done = empty.run("test", PIP_RETRIES="1", **offline)
    assert "cannot be reached" in sentence(done)
    assert not empty.stamp.exists()
    assert empty.run("test").returncode == 0
    assert empty.stamp.exists()


def test_a_package_that_does_not_exist_is_named(half_ready):
    (half_ready.root / "requirements.txt").write_text("nosuchpackage==1\n")
    assert "nosuchpackage==1" in sentence(half_ready.run("test"))


class Silence(http.server.BaseHTTPRequestHandler):
    """A package index that never answers."""

    def do_GET(self):
        self.server.asked.set()
        self.server.finished.wait(60)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def silent_index():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silence) as server:
        server.asked, server.finished = threading.Event(), threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.finished.set()
        server.shutdown()


@posix_only
def test_control_c_is_one_line_and_the_next_run_repairs(empty):
    with silent_index() as server:
        index = f"http://127.0.0.1:{server.server_port}/simple"
        process = empty.popen("test", PIP_NO_INDEX=None, PIP_FIND_LINKS=None, PIP_INDEX_URL=index)
        assert server.asked.wait(60)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "Stopped; run the command again to go on."
    assert empty.run("test").returncode == 0


def test_too_little_disk_space_is_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "STAMP", tmp_path / ".venv" / "installed.txt")
    monkeypatch.setattr(sys, "argv", ["course.py", "test"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 300_000_000))
    assert course.main() == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "needs about 2.5 GB, 0.3 GB are free" in captured.err
    assert not course.VENV.exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "The disk is full"),
        ("ERROR: Could not install: [WinError 112] There is not enough space", "The disk is full"),
        ("WARNING: Retrying after connection broken by 'X'\nERROR: none", "cannot be reached"),
        ("ERROR: No matching distribution found for torch==2.13.0", "torch==2.13.0"),
        ("", "no message"),
    ],
)
def test_what_pip_says_becomes_one_sentence(said, told):
    answer = course.why_pip_failed(said)
    assert told in answer
    assert "\n" not in answer


def test_a_python_that_cannot_make_environments_is_explained(monkeypatch, tmp_path):
    def refuse(command, **_):
        return subprocess.CompletedProcess(command, 1, "ensurepip is not available", "")

    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(course.Stop, match="apt install python3-venv"):
        course.make_venv()


# ------------------------------------------------------------------ notebooks


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Originals and an empty place for the learner's copies."""
    originals = tmp_path / "notebooks"
    originals.mkdir()
    for name in ("00_start_here.ipynb", "03_backward.ipynb"):
        (originals / name).write_bytes(name.encode() + b"\r\n")
    (originals / "draft.ipynb").write_text("not part of the course")
    monkeypatch.setattr(course, "NOTEBOOKS", originals)
    return originals, tmp_path / "workspace"


def test_copies_are_byte_for_byte(folders):
    originals, workspace = folders
    assert course.copy_notebooks(workspace) == []
    names = sorted(path.name for path in workspace.glob("*.ipynb"))
    assert names == ["00_start_here.ipynb", "03_backward.ipynb"]
    for name in names:
        assert (workspace / name).read_bytes() == (originals / name).read_bytes()


def test_a_learners_work_is_never_overwritten_nor_named_without_need(folders):
    _, workspace = folders
    course.copy_notebooks(workspace)
    (workspace / "03_backward.ipynb").write_text("my answers")
    assert course.copy_notebooks(workspace) == []
    assert (workspace / "03_backward.ipynb").read_text() == "my answers"


def test_a_changed_original_is_named_with_the_way_out(folders):
    originals, workspace = folders
    course.copy_notebooks(workspace)
    (workspace / "03_backward.ipynb").write_text("my answers")
    (originals / "03_backward.ipynb").write_text("new version")
    for _ in range(2):  # as long as the learner has not decided
        (message,) = course.copy_notebooks(workspace)
        assert "03_backward.ipynb has a new version" in message
        assert "python3 course.py reset 03" in message
        assert (workspace / "03_backward.ipynb").read_text() == "my answers"


def test_an_untouched_copy_follows_its_original(folders):
    originals, workspace = folders
    course.copy_notebooks(workspace)
    (originals / "03_backward.ipynb").write_text("new version")
    (message,) = course.copy_notebooks(workspace)
    assert "untouched" in message
    assert (workspace / "03_backward.ipynb").read_text() == "new version"
    assert course.copy_notebooks(workspace) == []


def test_a_deleted_copy_and_a_new_notebook_are_copied(folders):
    originals, workspace = folders
    course.copy_notebooks(workspace)
    (workspace / "00_start_here.ipynb").unlink()
    (originals / "04_training.ipynb").write_text("new")
    assert course.copy_notebooks(workspace) == []
    assert (workspace / "00_start_here.ipynb").exists()
    assert (workspace / "04_training.ipynb").read_text() == "new"


@pytest.mark.parametrize("damage", [None, "", "[1"])
def test_without_its_memory_nothing_is_lost(folders, damage):
    originals, workspace = folders
    course.copy_notebooks(workspace)
    (workspace / "03_backward.ipynb").write_text("my answers")
    memory = workspace / ".originals.json"
    memory.unlink() if damage is None else memory.write_text(damage)
    (message,) = course.copy_notebooks(workspace)
    assert "03_backward.ipynb" in message
    assert (workspace / "03_backward.ipynb").read_text() == "my answers"
    # The untouched one is known again, and follows.
    (originals / "00_start_here.ipynb").write_text("new version")
    course.copy_notebooks(workspace)
    assert (workspace / "00_start_here.ipynb").read_text() == "new version"


def test_reset_keeps_every_old_copy(folders):
    originals, workspace = folders
    course.copy_notebooks(workspace)
    original = originals / "03_backward.ipynb"
    kept = []
    for answers in ("first try", "second try"):
        (workspace / original.name).write_text(answers)
        kept.append(course.reset(workspace, original).name)
        assert (workspace / original.name).read_bytes() == original.read_bytes()
    assert kept == ["03_backward.before-reset-1.ipynb", "03_backward.before-reset-2.ipynb"]
    assert [(workspace / name).read_text() for name in kept] == ["first try", "second try"]
    assert course.copy_notebooks(workspace) == []


def test_reset_is_the_way_out_after_a_changed_original(folders):
    originals, workspace = folders
    course.copy_notebooks(workspace)
    (workspace / "03_backward.ipynb").write_text("my answers")
    (originals / "03_backward.ipynb").write_text("new version")
    course.reset(workspace, originals / "03_backward.ipynb")
    assert course.copy_notebooks(workspace) == []
    assert (workspace / "03_backward.ipynb").read_text() == "new version"


def test_reset_needs_no_set_up(clone):
    done = clone.run("reset", "03")
    assert done.returncode == 0
    assert done.stdout == "03_backward.ipynb is fresh.\n"
    done = clone.run("reset", "3")
    assert "Your old copy: 03_backward.before-reset-1.ipynb" in done.stdout
    assert not (clone.root / ".venv").exists()


def test_an_unknown_notebook_is_one_sentence(clone):
    told = sentence(clone.run("reset", "07"))
    assert told == "There is no notebook '07'; the course has: 00, 03."


@pytest.mark.parametrize("name", ["03", "3", "03_backward", "notebooks/03_backward.ipynb"])
def test_notebooks_are_found_by_number_or_name(folders, name):
    assert [path.name for path in course.select([name])] == ["03_backward.ipynb"]


# ------------------------------------------------------------------- commands


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


def test_lab_copies_and_trusts_what_is_untouched(ready):
    ready.run("lab")
    workspace = ready.root / "workspace"
    (workspace / "03_backward.ipynb").write_text("my answers")
    assert ready.run("lab").returncode == 0
    assert (workspace / "03_backward.ipynb").read_text() == "my answers"
    trusted = (ready.root / "trusted.txt").read_text().splitlines()
    assert trusted == [str(workspace / "00_start_here.ipynb")]


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_allow_root_is_for_root_alone(folders, monkeypatch, user, allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in course.lab_command(folders[1], [])) == allowed


def test_tests_pass_arguments_on_and_stay_on_the_cpu(ready):
    (report,), code = ready.reports("test", "-x", "-k", "norm", CUDA_VISIBLE_DEVICES="0")
    assert code == 0
    for argument in ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=120"):
        assert argument in report["arguments"]
    assert report["arguments"][-5:] == ["-m", "not ablation", "-x", "-k", "norm"]
    assert report["env"]["CUDA_VISIBLE_DEVICES"] == ""
    assert report["env"]["OMP_NUM_THREADS"] == "1"


def test_the_matrix_repeats_the_notebooks_under_each_setting(ready):
    reports, code = ready.reports("test", "--matrix")
    assert code == 0
    settings = [report["env"]["BN_COURSE_SETTING"] for report in reports]
    assert settings == ["as it is", "older-cpu", "plain-numpy", "both", "two-threads"]
    assert [report["arguments"][-1] == "notebooks" for report in reports] == [False] + [True] * 4
    by_name = {report["env"]["BN_COURSE_SETTING"]: report["env"] for report in reports}
    assert by_name["older-cpu"]["OPENBLAS_CORETYPE"] == "Nehalem"
    assert "NPY_DISABLE_CPU_FEATURES" not in by_name["older-cpu"]
    assert by_name["plain-numpy"]["NPY_DISABLE_CPU_FEATURES"] == "FAST FASTER"
    assert "ATEN_CPU_CAPABILITY" not in by_name["plain-numpy"]
    assert {"ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES"} <= by_name["both"].keys()
    assert by_name["two-threads"]["OMP_NUM_THREADS"] == "2"
    workers = [report["arguments"][report["arguments"].index("-n") + 1] for report in reports]
    assert workers == ["2", "2", "2", "2", "1"]


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


@pytest.mark.parametrize(("matrix", "runs"), [(["both"], 2), ([], 5)])
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
    monkeypatch.setattr(course, "venv_python", lambda: sys.executable)
    left = (
        "from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__\n"
        "assert not any(__cpu_features__[name] for name in __cpu_dispatch__)\n"
    )
    # -W error: NumPy warns about a name that it cannot switch off.
    command = [sys.executable, "-W", "error", "-c", left]
    subprocess.run(command, env=os.environ | course.matrix_variables("both"), check=True)
