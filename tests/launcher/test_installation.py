"""Set-up: once, into the same environment, repaired where it was interrupted."""

import json
import shutil
import subprocess
import sys

import pytest
from clones import STAND_INS, posix_only

from helpers.launcher import places
from helpers.launcher.installation import venv_works


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
        say = "from helpers.launcher.installation import wanted; print(wanted())"
        command = [sys.executable, "-c", say]
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
    monkeypatch.setattr(places, "VENV", half_ready.root / ".venv")
    assert venv_works()
    if how == "empty folder":
        shutil.rmtree(places.VENV)
        places.VENV.mkdir()
    elif how == "no pip":
        shutil.rmtree(half_ready.site / "pip")
    else:
        uninstall_python(half_ready)
    assert not venv_works()


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
