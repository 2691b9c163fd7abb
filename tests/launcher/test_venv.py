"""The environment in .venv: mended without a network where folder or Python have moved."""

import os
import shutil
import subprocess
import sys

import pytest
from clones import posix_only

from helpers.launcher import places, venv

pytestmark = posix_only

# Nothing to install from: pip would fail.
NOWHERE = {"PIP_FIND_LINKS": os.devnull}


@pytest.fixture
def environment(copied, monkeypatch):
    """The environment of a copied clone, seen from this process."""
    monkeypatch.setattr(places, "ROOT", copied.root)
    monkeypatch.setattr(places, "VENV", copied.root / ".venv")
    return copied


def uninstall_python(clone):
    """As when another Python replaces the one that made the environment."""
    for python in (clone.root / ".venv" / "bin").glob("python*"):
        python.unlink()
        python.symlink_to(clone.root / "uninstalled" / "python3")


def is_ready_without_pip(clone):
    """Whether the next command finds all packages, and asks pip for nothing."""
    done = clone.run("lab", **NOWHERE)
    assert done.returncode == 0, done.stderr
    return "Setting up" not in done.stdout and "Set-up is complete" not in done.stdout


@pytest.mark.parametrize("name", ["renamed", "with a space and ü"])
def test_a_renamed_folder_heals_without_a_network(copied, tmp_path_factory, name):
    old = copied.root
    copied.root = tmp_path_factory.mktemp("elsewhere") / name
    shutil.move(old, copied.root)
    assert is_ready_without_pip(copied)
    scripts = copied.root / ".venv" / "bin"
    here = str(copied.root / ".venv")
    assert subprocess.check_output([scripts / "program"], text=True).strip() == here
    assert here in (scripts / "activate").read_text()
    say = "import helpers; print(helpers.__file__)"
    command = [scripts / "python", "-c", say]
    answer = subprocess.check_output(command, cwd="/", env=copied.env, text=True)
    assert answer.strip() == str(copied.root / "helpers" / "__init__.py")
    assert is_ready_without_pip(copied)


def test_a_python_updated_within_its_minor_version_heals_without_a_network(copied):
    uninstall_python(copied)
    assert is_ready_without_pip(copied)
    assert copied.run("lab", **NOWHERE).returncode == 0


def test_an_environment_without_its_configuration_heals_without_a_network(copied):
    # Its Python would run, and look for packages in the system's folders.
    (copied.root / ".venv" / "pyvenv.cfg").unlink()
    assert is_ready_without_pip(copied)


def test_an_environment_of_another_minor_version_is_made_anew(copied):
    uninstall_python(copied)
    library = copied.site.parent
    library.rename(library.with_name("python3.1"))
    done = copied.run("lab")
    assert done.returncode == 0, done.stderr
    assert "Setting up" in done.stdout
    assert not library.with_name("python3.1").exists()


@pytest.mark.parametrize("how", ["no folder", "empty folder", "python gone", "packages gone"])
def test_an_environment_that_does_not_work_is_noticed(environment, how):
    assert venv.interpreter().version == sys.version_info[:3]
    if how == "python gone":
        uninstall_python(environment)
    elif how == "packages gone":
        shutil.rmtree(environment.site)
    else:
        shutil.rmtree(places.VENV)
    if how == "empty folder":
        places.VENV.mkdir()
    assert venv.interpreter() is None


def test_an_environment_without_pip_is_given_one_without_a_network(half_ready):
    shutil.rmtree(half_ready.site / "pip")
    done = half_ready.run("lab")
    assert done.returncode == 0, done.stderr
    assert "Setting up" not in done.stdout
    assert (half_ready.site / "pip").is_dir()


def test_a_link_to_another_drive_stays_a_link(environment, monkeypatch, tmp_path_factory):
    monkeypatch.setattr(venv, "ensure_pip", lambda: None)
    elsewhere = tmp_path_factory.mktemp("drive") / "environment"
    shutil.move(places.VENV, elsewhere)
    places.VENV.symlink_to(elsewhere)
    python = venv.interpreter()
    venv.tidy(python)
    (line,) = (python.packages / "batch_norm_course.pth").read_text().splitlines()
    assert line == str(environment.root)
    venv.make()
    assert places.VENV.is_symlink()
    assert (elsewhere / "pyvenv.cfg").exists()


def test_programs_of_every_form_are_relocated_once(environment):
    long = "#!/bin/sh\n'''exec' \"/old place/.venv/bin/python\" \"$0\" \"$@\"\n' '''\nprint(1)\n"
    other = "#!/bin/sh\necho no Python\n"
    texts = {"a": "#!/old/.venv/bin/python3\nprint(1)\n", "b": long, "c": other, "d": "\x7fELF"}
    for name, text in texts.items():
        path = places.scripts() / name
        path.write_text(text)
        path.chmod(0o755)
    for _ in range(2):
        venv.relocate_programs()
        for name in "ab":
            path = places.scripts() / name
            assert path.read_bytes() == venv.RELOCATABLE + b"print(1)\n"
            assert subprocess.check_output([path], text=True) == "1\n"
        assert (places.scripts() / "c").read_text() == other
        assert (places.scripts() / "d").read_text() == texts["d"]
    through_a_link = environment.root / "link"
    through_a_link.symlink_to(places.scripts() / "a")
    assert subprocess.check_output([through_a_link], text=True) == "1\n"
