"""Clones to set up, and clones that are set up already."""

import os
import pickle
import shutil
from pathlib import Path

import pytest
from clones import PROOFS, STAND_INS, TEACHERS, Clone, make_wheel, notebook
from filelock import FileLock

from helpers.launcher import places


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        make_wheel(folder, "standins", version, STAND_INS)
    make_wheel(folder, "teachers", "1.0", TEACHERS)
    make_wheel(folder, "proofs", "1.0", PROOFS)
    return folder


@pytest.fixture
def clone(tmp_path, wheels):
    return Clone(tmp_path, wheels)


@pytest.fixture(scope="session")
def set_up_once(tmp_path_factory, wheels):
    """The folder of a clone that was set up, and what that printed; for all workers of pytest."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    result = folder / "set-up.pickle"
    with FileLock(folder / "set-up.lock"):
        if not result.exists():
            clone = Clone(tmp_path_factory.mktemp("clone"), wheels)
            result.write_bytes(pickle.dumps((str(clone.root), clone.run("test"))))
    root, first_run = pickle.loads(result.read_bytes())
    return Path(root), first_run


def copy_environment(root, clone):
    shutil.copytree(root / ".venv", clone.root / ".venv", symlinks=True)
    return clone


@pytest.fixture(scope="session")
def ready(set_up_once, tmp_path_factory, wheels):
    """A clone that is set up; tests must leave it so."""
    root, first_run = set_up_once
    clone = copy_environment(root, Clone(tmp_path_factory.mktemp("clone"), wheels))
    clone.first_run = first_run
    clone.run("setup", "--proofs")  # after which nothing names the place that it was copied from
    return clone


@pytest.fixture
def copied(ready, tmp_path, wheels):
    """A copy, at another place, of a clone that is set up."""
    return copy_environment(ready.root, Clone(tmp_path, wheels))


@pytest.fixture
def half_ready(copied):
    """A clone with an environment and all packages, whose set-up is not marked as complete."""
    copied.stamp.unlink()
    return copied


@pytest.fixture
def empty(half_ready):
    """A clone whose environment holds nothing but pip."""
    for name in ("standins", "teachers", "proofs"):
        shutil.rmtree(half_ready.site / f"{name}-1.0.dist-info")
    shutil.rmtree(half_ready.site / "pytest")
    return half_ready


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Originals and an empty place for the learner's copies."""
    originals = tmp_path / "notebooks"
    originals.mkdir()
    for name in ("00_start_here.ipynb", "03_backward.ipynb"):
        (originals / name).write_bytes(notebook(name))
    (originals / "draft.ipynb").write_bytes(notebook("not part of the course"))
    monkeypatch.setattr(places, "NOTEBOOKS", originals)
    return originals, tmp_path / "workspace"
