"""The learner's copies of the notebooks: up to date, and never overwritten."""

import pytest
from clones import sentence

from helpers.launcher import workspace as copies
from helpers.launcher.notebooks import select


def test_copies_are_byte_for_byte(folders):
    originals, workspace = folders
    assert copies.copy_notebooks(workspace) == []
    names = sorted(path.name for path in workspace.glob("*.ipynb"))
    assert names == ["00_start_here.ipynb", "03_backward.ipynb"]
    for name in names:
        assert (workspace / name).read_bytes() == (originals / name).read_bytes()


def test_a_learners_work_is_never_overwritten_nor_named_without_need(folders):
    _, workspace = folders
    copies.copy_notebooks(workspace)
    (workspace / "03_backward.ipynb").write_text("my answers")
    assert copies.copy_notebooks(workspace) == []
    assert (workspace / "03_backward.ipynb").read_text() == "my answers"


def test_a_changed_original_is_named_with_the_way_out(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    (workspace / "03_backward.ipynb").write_text("my answers")
    (originals / "03_backward.ipynb").write_text("new version")
    for _ in range(2):  # as long as the learner has not decided
        (message,) = copies.copy_notebooks(workspace)
        assert "03_backward.ipynb has a new version" in message
        assert "python3 course.py reset 03" in message
        assert (workspace / "03_backward.ipynb").read_text() == "my answers"


def test_an_untouched_copy_follows_its_original(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    (originals / "03_backward.ipynb").write_text("new version")
    (message,) = copies.copy_notebooks(workspace)
    assert "untouched" in message
    assert (workspace / "03_backward.ipynb").read_text() == "new version"
    assert copies.copy_notebooks(workspace) == []


def test_a_deleted_copy_and_a_new_notebook_are_copied(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    (workspace / "00_start_here.ipynb").unlink()
    (originals / "04_training.ipynb").write_text("new")
    assert copies.copy_notebooks(workspace) == []
    assert (workspace / "00_start_here.ipynb").exists()
    assert (workspace / "04_training.ipynb").read_text() == "new"


@pytest.mark.parametrize("damage", [None, "", "[1"])
def test_without_its_memory_nothing_is_lost(folders, damage):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    (workspace / "03_backward.ipynb").write_text("my answers")
    memory = workspace / ".originals.json"
    memory.unlink() if damage is None else memory.write_text(damage)
    (message,) = copies.copy_notebooks(workspace)
    assert "03_backward.ipynb" in message
    assert (workspace / "03_backward.ipynb").read_text() == "my answers"
    # The untouched one is known again, and follows.
    (originals / "00_start_here.ipynb").write_text("new version")
    copies.copy_notebooks(workspace)
    assert (workspace / "00_start_here.ipynb").read_text() == "new version"


def test_reset_keeps_every_old_copy(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    original = originals / "03_backward.ipynb"
    kept = []
    for answers in ("first try", "second try"):
        (workspace / original.name).write_text(answers)
        kept.append(copies.reset(workspace, original).name)
        assert (workspace / original.name).read_bytes() == original.read_bytes()
    assert kept == ["03_backward.before-reset-1.ipynb", "03_backward.before-reset-2.ipynb"]
    assert [(workspace / name).read_text() for name in kept] == ["first try", "second try"]
    assert copies.copy_notebooks(workspace) == []


def test_reset_is_the_way_out_after_a_changed_original(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    (workspace / "03_backward.ipynb").write_text("my answers")
    (originals / "03_backward.ipynb").write_text("new version")
    copies.reset(workspace, originals / "03_backward.ipynb")
    assert copies.copy_notebooks(workspace) == []
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
    assert [path.name for path in select([name])] == ["03_backward.ipynb"]
