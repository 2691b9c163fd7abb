"""Clones to set up, and clones that are set up already."""

import shutil

import pytest
from clones import Clone, make_wheel, notebook

from helpers.launcher import places


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        make_wheel(folder, version)
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
