"""Set-up: once, into the same environment, repaired where it was interrupted."""

import errno
import json
import os
import shutil
import subprocess
import sys

import pytest
from clones import STAND_INS, sentence

import course
from helpers.launcher import installation, packages, places


def test_set_up_happens_once(ready):
    first = ready.first_run
    assert first.returncode == 0, first.stderr
    assert "Setting up the course in .venv, once" in first.stdout
    assert len(first.stdout.splitlines()) <= 7  # quiet
    log = (ready.root / ".venv" / "install.log").read_text()
    second = ready.run("test")
    assert second.returncode == 0
    assert len(second.stdout.splitlines()) == 1  # pytest's
    assert (ready.root / ".venv" / "install.log").read_text() == log


def test_setup_starts_nothing_and_learners_install_what_learning_needs(empty):
    clone = empty
    done = clone.run("setup")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "The course is ready: python3 course.py lab"
    assert "{" not in done.stdout  # no stand-in ran
    installed = {path.name for path in clone.site.glob("*.dist-info")}
    assert "standins-1.0.dist-info" in installed
    assert not {"teachers-1.0.dist-info", "proofs-1.0.dist-info"} & installed


def test_each_stage_stands_on_those_before(empty):
    clone = empty
    clone.run("setup")
    for option, arrives, not_yet in (
        ("--teachers", "teachers-1.0", "proofs-1.0"),
        ("--proofs", "proofs-1.0", "nothing"),
    ):
        assert not (clone.site / f"{arrives}.dist-info").exists()
        done = clone.run("setup", option)
        assert "Set-up is complete" in done.stdout, done.stderr
        assert (clone.site / f"{arrives}.dist-info").is_dir()
        assert not (clone.site / f"{not_yet}.dist-info").exists()
        # What was there before is still known to be there.
        for known in ([], ["--teachers"], [option]):
            assert "Set-up is complete" not in clone.run("setup", *known).stdout


def test_proofs_bring_what_teachers_need(empty):
    assert empty.run("lint").returncode == 0
    assert (empty.site / "teachers-1.0.dist-info").is_dir()


@pytest.mark.parametrize(
    ("stage", "again"),
    [("lessons", ["", "teachers", "proofs"]), ("teachers", ["teachers", "proofs"])],
)
def test_what_a_stage_asks_for_concerns_it_and_those_above(copied, stage, again):
    name = packages.STAGES[stage]
    (copied.root / name).write_text((copied.root / name).read_text() + "pip\n")
    for above in ("", "teachers", "proofs"):
        done = copied.run("setup", *[f"--{above}"] * bool(above))
        assert ("Set-up is complete" in done.stdout) == (above in again), done.stderr


def test_the_course_is_on_the_path_without_being_built(ready, tmp_path):
    say = "import helpers; print(helpers.__file__)"
    command = [ready.root / ".venv" / "bin" / "python", "-c", say]
    answer = subprocess.run(command, cwd=tmp_path, env=ready.env, capture_output=True, text=True)
    assert answer.stdout.strip() == str(ready.root / "helpers" / "__init__.py")
    assert not list(ready.site.glob("batch_norm_course-*"))
    assert not list(ready.root.glob("*.egg-info"))


def test_changed_requirements_are_installed_into_the_same_environment(copied):
    (copied.root / "requirements.txt").write_text("standins==2.0\n")
    (copied.root / "constraints.txt").write_text("standins==2.0\nproofs==1.0\n")
    done = copied.run("lab")
    assert done.returncode == 0, done.stderr
    assert "Setting up" not in done.stdout
    assert (copied.site / "standins-2.0.dist-info").is_dir()
    assert not (copied.site / "standins-1.0.dist-info").exists()


def test_what_asks_for_nothing_new_needs_no_pip(copied):
    requirements = copied.root / "requirements.txt"
    requirements.write_text("# Other words.\n" + requirements.read_text() + "\n")
    with open(copied.root / "pyproject.toml", "a") as file:
        file.write("\n[tool.else]\n")
    assert "Set-up is complete" not in copied.run("lab").stdout
    with open(requirements, "a") as file:
        file.write("proofs==1.0\n")
    assert "Set-up is complete" in copied.run("lab").stdout


def test_the_stamp_stays_until_something_is_changed(copied):
    stamp = copied.stamp.read_text()
    requirements = copied.root / "requirements.txt"
    before = requirements.read_text()
    requirements.write_text(before + "nosuchpackage==1\n")
    assert "nosuchpackage==1" in sentence(copied.run("lab"))
    assert copied.stamp.read_text() == stamp
    requirements.write_text(before)
    assert copied.run("lab", PIP_FIND_LINKS=os.devnull).returncode == 0


def test_importing_nbformat_takes_no_grammar_of_addresses(ready):
    say = "import sys; print(sys.modules['rfc3987_syntax'])"
    command = [ready.root / ".venv" / "bin" / "python", "-c", say]
    assert subprocess.check_output(command, text=True) == "None\n"


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
    done = clone.run("setup")
    assert done.returncode == 0, done.stderr
    if how != "no metadata":  # which pip notices by itself
        assert "Repairing standins-1.0" in done.stdout
    assert module.read_text() == STAND_INS["pytest/__main__.py"]
    assert clone.stamp.exists()


def test_whole_packages_are_not_repaired(half_ready):
    # Programs were rewritten after pip recorded their sizes.
    assert "Repairing" not in half_ready.run("setup").stdout


def test_two_set_ups_at_once_install_once(empty):
    both = [empty.popen("test"), empty.popen("test")]
    outputs = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("Set-up is complete" in out for out, _ in outputs) == 1


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS])
def test_a_drive_without_locks_is_no_obstacle(monkeypatch, tmp_path, code):
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(places, "ROOT", tmp_path)
    entered = []
    with installation.one_at_a_time():
        entered.append(True)
    assert entered


def test_errors_under_the_lock_are_not_taken_for_missing_locks(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "ROOT", tmp_path)
    with pytest.raises(OSError, match="from below"), installation.one_at_a_time():
        raise OSError("from below")


@pytest.mark.parametrize("version", [(3, 15, 0), (3, 16, 2)])
def test_a_newer_python_is_refused_before_anything_is_made(monkeypatch, tmp_path, capsys, version):
    for name in ("pyproject.toml", "constraints.txt", *packages.STAGES.values()):
        shutil.copy(places.ROOT / name, tmp_path)
    monkeypatch.setattr(places, "ROOT", tmp_path)
    monkeypatch.setattr(places, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(sys, "argv", ["course.py", "lint"])
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version_info", version)
        code = course.main()
    captured = capsys.readouterr()
    assert (code, captured.out) == (1, "")
    assert "3.11 to 3.14" in captured.err
    assert captured.err.count("\n") == 1
    assert not places.VENV.exists()


@pytest.fixture
def asked(monkeypatch):
    """What pip is asked for, instead of asking it."""
    calls = []
    monkeypatch.setattr(installation, "install", lambda arguments, _: calls.append(arguments))
    monkeypatch.setattr(packages, "why_no_pytorch", lambda: None)
    monkeypatch.setattr(packages, "pytorch_requirement", lambda: "torch==2.13.0")
    return calls


def test_the_small_build_of_pytorch_is_asked_for_alone_and_with_a_sentence(
    asked, monkeypatch, capsys
):
    chosen = ["--index-url", "https://index.example"]
    monkeypatch.setattr(packages, "index_arguments", lambda _: (chosen, "The small one."))
    installation.install_pytorch({})
    assert asked == [["--no-deps", *chosen, "torch==2.13.0"]]
    assert capsys.readouterr().out == "The small one.\n"


@pytest.mark.parametrize("why", [None, "PyTorch is not made for this."])
def test_where_pip_chooses_or_pytorch_is_not_made_nothing_is_asked_for_alone(
    asked, monkeypatch, capsys, why
):
    monkeypatch.setattr(packages, "index_arguments", lambda _: ([], ""))
    monkeypatch.setattr(packages, "why_no_pytorch", lambda: why)
    monkeypatch.setattr(installation, "warn_of_cuda", lambda: None)
    installation.install_pytorch({})
    assert asked == []
    assert capsys.readouterr().out == (f"{why}\n" if why else "")
