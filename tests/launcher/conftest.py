"""Clones to set up, and clones that are set up already."""

import shutil

import pytest
from clones import PROOFS, STAND_INS, Clone, make_wheel, notebook

from helpers.launcher import places


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        make_wheel(folder, "standins", version, STAND_INS)
    make_wheel(folder, "proofs", "1.0", PROOFS)
    return folder


@pytest.fixture
def clone(tmp_path, wheels):
    return Clone(tmp_path, wheels)


@pytest.fixture(scope="session")
def ready(tmp_path_factory, wheels):
    """A clone that is set up; tests must leave it so."""
    clone = Clone(tmp_path_factory.mktemp("clone"), wheels)
    clone.first_run = clone.run("test")
    return clone


@pytest.fixture
def copied(ready, tmp_path, wheels):
    """A copy, at another place, of a clone that is set up."""
    clone = Clone(tmp_path, wheels)
    shutil.copytree(ready.root / ".venv", tmp_path / ".venv", symlinks=True)
    return clone


@pytest.fixture
def half_ready(copied):
    """A clone with an environment and all packages, whose set-up is not marked as complete."""
    copied.stamp.unlink()
    return copied


@pytest.fixture
def empty(half_ready):
    """A clone whose environment holds nothing but pip."""
    shutil.rmtree(half_ready.site / "standins-1.0.dist-info")
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
