"""The learner's copies of the notebooks: up to date, found again, and never overwritten."""

import hashlib
import json
import os

import pytest
from clones import notebook, sentence

from helpers.launcher import places
from helpers.launcher import workspace as copies
from helpers.launcher.notebooks import select
from helpers.launcher.reasons import Stop

BACKWARD = "03_backward.ipynb"


def cells(path):
    """What stands in a notebook's cells."""
    return ["".join(cell["source"]) for cell in json.loads(path.read_bytes())["cells"]]


def outputs(path):
    return [
        (cell["outputs"], cell["execution_count"])
        for cell in json.loads(path.read_bytes())["cells"]
        if cell["outputs"] or cell["execution_count"] is not None
    ]


def work(path, *sources):
    """A learner writes into the copy, runs it and saves."""
    path.write_bytes(notebook(*(sources or ("my answers",)), output="mine"))
    return path.read_bytes()


def run_only(path):
    """A learner runs everything, gets an empty cell at the end, and saves."""
    path.write_bytes(notebook(*cells(path), "", output="mine"))


def update(originals, name=BACKWARD, text="new version"):
    (originals / name).write_bytes(notebook(text))


def first_edition(originals, workspace):
    """A workspace as the first edition made it: whole copies, known by the digest of the file."""
    workspace.mkdir()
    digests = {}
    for original in originals.glob("[0-9]*.ipynb"):
        (workspace / original.name).write_bytes(original.read_bytes())
        digests[original.name] = hashlib.sha256(original.read_bytes()).hexdigest()
    (workspace / ".originals.json").write_text(json.dumps(digests))


# -------------------------------------------------------------------- fresh copies


def test_copies_hold_no_outputs_and_originals_stay(folders):
    originals, workspace = folders
    before = [path.read_bytes() for path in sorted(originals.iterdir())]
    assert copies.copy_notebooks(workspace) == []
    names = sorted(path.name for path in workspace.glob("*.ipynb"))
    assert names == ["00_start_here.ipynb", BACKWARD]
    for name in names:
        assert cells(workspace / name) == cells(originals / name)
        assert outputs(workspace / name) == []
        assert outputs(originals / name) != []
    assert [path.read_bytes() for path in sorted(originals.iterdir())] == before


def test_every_copy_of_the_course_differs_in_outputs_alone(tmp_path):
    copies.copy_notebooks(tmp_path)
    for original in places.NOTEBOOKS.glob("*.ipynb"):
        wanted = json.loads(original.read_bytes())
        for cell in wanted["cells"]:
            if cell["cell_type"] == "code":
                cell |= {"outputs": [], "execution_count": None}
        assert json.loads((tmp_path / original.name).read_bytes()) == wanted


def test_readers_get_outputs_where_they_have_not_worked(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    mine = work(workspace / "00_start_here.ipynb")
    assert copies.copy_notebooks(workspace, with_outputs=True) == []
    assert (workspace / BACKWARD).read_bytes() == (originals / BACKWARD).read_bytes()
    assert (workspace / "00_start_here.ipynb").read_bytes() == mine
    update(originals)
    (message,) = copies.copy_notebooks(workspace, with_outputs=True)
    assert "untouched" in message
    assert (workspace / BACKWARD).read_bytes() == (originals / BACKWARD).read_bytes()
    assert copies.copy_notebooks(workspace) == []
    assert outputs(workspace / BACKWARD) == []


def test_an_original_that_is_no_notebook_is_copied_as_it_is(folders):
    originals, workspace = folders
    (originals / BACKWARD).write_text("<<<<<<< HEAD")
    assert copies.copy_notebooks(workspace) == []
    assert (workspace / BACKWARD).read_text() == "<<<<<<< HEAD"
    update(originals)
    copies.copy_notebooks(workspace)
    assert cells(workspace / BACKWARD) == ["new version"]


def test_a_deleted_copy_and_a_new_notebook_are_copied(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    (workspace / "00_start_here.ipynb").unlink()
    (originals / "04_training.ipynb").write_bytes(notebook("new"))
    assert copies.copy_notebooks(workspace) == []
    assert (workspace / "00_start_here.ipynb").exists()
    assert cells(workspace / "04_training.ipynb") == ["new"]


# ------------------------------------------------------------------------- updates


def test_a_learners_work_is_never_overwritten_nor_named_without_need(folders):
    _, workspace = folders
    copies.copy_notebooks(workspace)
    mine = work(workspace / BACKWARD)
    assert copies.copy_notebooks(workspace) == []
    assert (workspace / BACKWARD).read_bytes() == mine


def test_a_changed_original_is_named_with_both_ways_out(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    mine = work(workspace / BACKWARD)
    update(originals)
    for _ in range(2):  # as long as the learner has not decided
        (message,) = copies.copy_notebooks(workspace)
        assert message.startswith("03_backward.ipynb has a new version. Yours was kept; old cells")
        assert "may not fit the course's new helpers" in message
        assert "python3 course.py reset 03." in message
        assert message.endswith("python3 course.py keep 03")
        assert (workspace / BACKWARD).read_bytes() == mine


def test_several_changed_originals_are_one_sentence(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    for name in ("00_start_here.ipynb", BACKWARD):
        work(workspace / name)
        update(originals, name)
    (message,) = copies.copy_notebooks(workspace)
    assert message.startswith("00_start_here.ipynb, 03_backward.ipynb have new versions.")
    assert message.endswith("python3 course.py keep 00 03")


@pytest.mark.parametrize("use", [None, run_only], ids=["never opened", "only run"])
def test_an_untouched_copy_follows_its_original(folders, use):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    if use:
        use(workspace / BACKWARD)
    update(originals)
    (message,) = copies.copy_notebooks(workspace)
    assert message == "03_backward.ipynb has a new version; yours was untouched: replaced."
    assert cells(workspace / BACKWARD) == ["new version"]
    assert outputs(workspace / BACKWARD) == []
    assert copies.copy_notebooks(workspace) == []


def test_new_outputs_alone_are_no_new_version(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    work(workspace / BACKWARD)
    (originals / BACKWARD).write_bytes(notebook(BACKWARD, output="stored anew"))
    assert copies.copy_notebooks(workspace) == []


def test_what_was_run_keeps_its_outputs_while_nothing_is_new(folders):
    _, workspace = folders
    copies.copy_notebooks(workspace)
    run_only(workspace / BACKWARD)
    before = (workspace / BACKWARD).read_bytes()
    for wish in (False, True):
        assert copies.copy_notebooks(workspace, with_outputs=wish) == []
        assert (workspace / BACKWARD).read_bytes() == before


def test_keep_ends_the_questions_until_a_reset(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    mine = work(workspace / BACKWARD)
    for text in ("second version", "third version"):
        update(originals, text=text)
        if text == "second version":
            copies.keep(workspace, originals / BACKWARD)
        assert copies.copy_notebooks(workspace) == []
        assert (workspace / BACKWARD).read_bytes() == mine
    copies.reset(workspace, originals / BACKWARD)
    work(workspace / BACKWARD)
    update(originals, text="fourth version")
    assert "keep 03" in copies.copy_notebooks(workspace)[0]


def test_a_copy_that_is_not_there_cannot_be_kept(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    (workspace / BACKWARD).unlink()
    with pytest.raises(Stop, match="no copy of 03_backward"):
        copies.keep(workspace, originals / BACKWARD)


# --------------------------------------------------------------- the first edition


def test_a_workspace_of_the_first_edition_is_carried_over(folders):
    originals, workspace = folders
    first_edition(originals, workspace)
    mine = work(workspace / "00_start_here.ipynb")
    for name in ("00_start_here.ipynb", BACKWARD):
        update(originals, name)
    replaced, kept = copies.copy_notebooks(workspace)
    assert replaced == "03_backward.ipynb has a new version; yours was untouched: replaced."
    assert "reset 00" in kept
    assert cells(workspace / BACKWARD) == ["new version"]
    assert outputs(workspace / BACKWARD) == []
    assert (workspace / "00_start_here.ipynb").read_bytes() == mine
    (kept,) = copies.copy_notebooks(workspace)
    assert "reset 00" in kept


def test_where_nothing_is_new_only_the_answers_go(folders):
    originals, workspace = folders
    first_edition(originals, workspace)
    mine = work(workspace / "00_start_here.ipynb")
    assert copies.copy_notebooks(workspace) == []
    assert outputs(workspace / BACKWARD) == []
    assert (workspace / "00_start_here.ipynb").read_bytes() == mine


# ------------------------------------------------------------------------- renames


def rename(originals, old=BACKWARD, new="05_backward.ipynb"):
    os.rename(originals / old, originals / new)
    return originals / new


@pytest.mark.parametrize("edition", ["first", "this"])
@pytest.mark.parametrize("changed", [False, True], ids=["only moved", "moved and changed"])
def test_a_worked_notebook_moves_with_its_original(folders, edition, changed):
    originals, workspace = folders
    if edition == "first":
        first_edition(originals, workspace)
    else:
        copies.copy_notebooks(workspace)
    mine = work(workspace / BACKWARD)
    moved = rename(originals)
    if changed:
        update(originals, moved.name)
    (originals / "03_your_layer.ipynb").write_bytes(notebook("another notebook"))
    message, *others = copies.copy_notebooks(workspace)
    assert message == (
        "03_backward.ipynb is called 05_backward.ipynb from now on; yours was renamed."
    )
    assert ["keep 05" in other for other in others] == [True] * changed
    assert (workspace / moved.name).read_bytes() == mine
    assert not (workspace / BACKWARD).exists()
    assert cells(workspace / "03_your_layer.ipynb") == ["another notebook"]
    assert copies.copy_notebooks(workspace) == others


def test_an_untouched_notebook_moves_and_is_brought_up_to_date(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    moved = rename(originals)
    update(originals, moved.name)
    _, message = copies.copy_notebooks(workspace)
    assert "untouched" in message
    assert cells(workspace / moved.name) == ["new version"]
    assert not (workspace / BACKWARD).exists()


def test_what_resets_have_kept_moves_along(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    for text in ("first try", "second try"):
        work(workspace / BACKWARD, text)
        copies.reset(workspace, originals / BACKWARD)
    moved = rename(originals)
    copies.copy_notebooks(workspace)
    kept = [workspace / f"05_backward.before-reset-{n}.ipynb" for n in (1, 2)]
    assert [cells(path) for path in kept] == [["first try"], ["second try"]]
    assert list(workspace.glob("03_*")) == []
    work(workspace / moved.name, "third try")
    assert copies.reset(workspace, moved).name == "05_backward.before-reset-3.ipynb"


def test_an_interrupted_move_ends_right(folders, monkeypatch):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    mine = work(workspace / BACKWARD)
    moved = rename(originals)
    update(originals, moved.name)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copies, "write_originals", interrupt)
        with pytest.raises(KeyboardInterrupt):
            copies.copy_notebooks(workspace)
    (message,) = copies.copy_notebooks(workspace)
    assert "05_backward.ipynb has a new version. Yours was kept" in message
    assert (workspace / moved.name).read_bytes() == mine
    assert list(workspace.glob("03_*")) == []


def test_an_interrupted_copy_ends_right(folders, monkeypatch):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    update(originals)

    def interrupt(source, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            copies.copy_notebooks(workspace)
    assert cells(workspace / BACKWARD) == [BACKWARD]
    copies.copy_notebooks(workspace)
    assert cells(workspace / BACKWARD) == ["new version"]


def test_work_under_the_old_number_takes_the_place_of_a_blank_copy(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    mine = work(workspace / BACKWARD)
    moved = rename(originals)
    (workspace / moved.name).write_bytes(moved.read_bytes())
    (message,) = copies.copy_notebooks(workspace)
    assert "yours was renamed" in message
    assert (workspace / moved.name).read_bytes() == mine
    assert not (workspace / BACKWARD).exists()


def test_work_under_both_numbers_stays_under_both(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    moved = rename(originals)
    both = {workspace / BACKWARD: "old work", workspace / moved.name: "new work"}
    for path, text in both.items():
        work(path, text)
    assert copies.copy_notebooks(workspace) == []
    assert {path: cells(path)[0] for path in both} == both


# -------------------------------------------------------------- the memory of copies

DAMAGED = ["", "[1", "[]", '{"backward": 3}', '{"backward": null}', "7", "\0", "[" * 100_000]


@pytest.mark.parametrize("damage", [None, *DAMAGED])
def test_without_its_memory_nothing_is_lost(folders, capsys, damage):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    mine = work(workspace / BACKWARD)
    memory = workspace / ".originals.json"
    memory.unlink() if damage is None else memory.write_text(damage)
    (message,) = copies.copy_notebooks(workspace)
    assert "03_backward.ipynb" in message
    assert (workspace / BACKWARD).read_bytes() == mine
    # The untouched one is known again, and follows.
    update(originals, "00_start_here.ipynb")
    copies.copy_notebooks(workspace)
    assert cells(workspace / "00_start_here.ipynb") == ["new version"]
    said = capsys.readouterr().out
    aside = workspace / ".originals.unreadable-1.json"
    assert said.count("\n") == aside.exists() == (damage is not None)
    if damage is not None:
        assert aside.name in said
        assert aside.read_text() == damage


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_memory_that_an_editor_saved_is_read(folders, encoding):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    memory = workspace / ".originals.json"
    memory.write_bytes(memory.read_text().encode(encoding))
    update(originals)
    assert "untouched" in copies.copy_notebooks(workspace)[0]


# --------------------------------------------------------------------------- resets


def test_reset_keeps_every_old_copy(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    original = originals / BACKWARD
    kept = []
    for answers in ("first try", "second try"):
        work(workspace / original.name, answers)
        kept.append(copies.reset(workspace, original).name)
        assert cells(workspace / original.name) == cells(original)
        assert outputs(workspace / original.name) == []
    assert kept == ["03_backward.before-reset-1.ipynb", "03_backward.before-reset-2.ipynb"]
    assert [cells(workspace / name) for name in kept] == [["first try"], ["second try"]]
    assert copies.copy_notebooks(workspace) == []


def test_reset_is_the_way_out_after_a_changed_original(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    work(workspace / BACKWARD)
    update(originals)
    copies.reset(workspace, originals / BACKWARD)
    assert copies.copy_notebooks(workspace) == []
    assert cells(workspace / BACKWARD) == ["new version"]


def test_reset_finds_the_copy_under_its_old_number(folders):
    originals, workspace = folders
    copies.copy_notebooks(workspace)
    mine = work(workspace / BACKWARD)
    kept = copies.reset(workspace, rename(originals))
    assert kept.name == "05_backward.before-reset-1.ipynb"
    assert kept.read_bytes() == mine
    assert not (workspace / BACKWARD).exists()


def test_reset_needs_no_set_up(clone):
    done = clone.run("reset", "03")
    assert done.returncode == 0
    assert done.stdout == "03_backward.ipynb is fresh.\n"
    done = clone.run("reset", "backward")
    assert "Your old copy: 03_backward.before-reset-1.ipynb" in done.stdout
    assert not (clone.root / ".venv").exists()


def test_keep_needs_no_set_up(clone):
    clone.run("reset", "03")
    done = clone.run("keep", "03")
    assert done.returncode == 0
    assert done.stdout.startswith("03_backward.ipynb stays yours;")
    assert "00_start_here.ipynb" in sentence(clone.run("keep", "00"))
    assert not (clone.root / ".venv").exists()


def test_an_unknown_notebook_is_one_sentence(clone):
    told = sentence(clone.run("reset", "07"))
    assert told == "There is no notebook '07'; the course has: 00, 03."


@pytest.mark.parametrize(
    "name", ["03", "3", "backward", "03_backward", "notebooks/03_backward.ipynb"]
)
def test_notebooks_are_found_by_number_or_name(folders, name):
    assert [path.name for path in select([name])] == [BACKWARD]
