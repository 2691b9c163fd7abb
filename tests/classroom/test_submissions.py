"""Who handed in what, as platforms export it."""

import io
import json
import os
import zipfile

import pytest
from handed_in import notebook, original, put

from helpers.classroom.grading import submissions

FORWARD = notebook("def batch_statistics(x):\n    return 1, 2\n\n\ncheck(batch_statistics)")


def zipped(files):
    """A zip with these files, as bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def collected(folder):
    return {
        (learner.name, learner.identifier): {
            name: found.path for name, found in learner.latest().items()
        }
        for learner in submissions.collect(folder)
    }


def test_a_folder_per_learner(tmp_path):
    put(tmp_path / "Jürgen Groß" / "02_forward.ipynb", FORWARD)
    put(tmp_path / "Zoë" / "work" / "deep" / "02_forward (1).ipynb", FORWARD)
    assert collected(tmp_path) == {
        ("Jürgen Groß", ""): {"forward": "02_forward.ipynb"},
        ("Zoë", ""): {"forward": "work/deep/02_forward (1).ipynb"},
    }


def test_names_are_composed_so_that_one_learner_is_one(tmp_path):
    put(tmp_path / "Zoe\u0308" / "02_forward.ipynb", FORWARD)
    assert list(collected(tmp_path)) == [("Zoë", "")]


def test_moodle(tmp_path):
    put(tmp_path / "Ada Lovelace_4711_assignsubmission_file_" / "02_forward.ipynb", FORWARD)
    put(tmp_path / "Ada Lovelace_4712_assignsubmission_file" / "02_forward.ipynb", FORWARD)
    assert collected(tmp_path) == {
        ("Ada Lovelace", "4711"): {"forward": "02_forward.ipynb"},
        ("Ada Lovelace", "4712"): {"forward": "02_forward.ipynb"},
    }


def test_canvas_with_a_late_one_and_a_second_attempt(tmp_path):
    put(tmp_path / "lovelaceada_31_900_02_forward.ipynb", FORWARD)
    put(tmp_path / "lovelaceada_31_905_02_forward-1.ipynb", FORWARD)
    put(tmp_path / "turingalan_LATE_32_901_02_forward.ipynb", FORWARD)
    assert collected(tmp_path) == {
        ("lovelaceada", "31"): {"forward": "02_forward-1.ipynb"},
        ("turingalan", "32"): {"forward": "02_forward.ipynb"},
    }


def test_everything_in_one_zip_below_one_folder_with_zips_of_learners_in_it(tmp_path):
    inner = zipped({"my work/02_forward.ipynb": FORWARD, "__MACOSX/._02_forward.ipynb": "x"})
    files = {"export/Ada/work.zip": inner, "export/Alan/02_forward.ipynb": FORWARD}
    put(tmp_path / "submissions.zip", zipped(files))
    assert collected(tmp_path) == {
        ("Ada", ""): {"forward": "work/my work/02_forward.ipynb"},
        ("Alan", ""): {"forward": "02_forward.ipynb"},
    }


def test_the_latest_attempt_counts_and_the_others_are_named(tmp_path):
    for attempt, hours in (("attempt_1", 9), ("attempt_2", 3), ("attempt_10", 1)):
        path = put(tmp_path / "Ada" / attempt / "02_forward.ipynb", FORWARD)
        os.utime(path, (hours * 3600, hours * 3600))
    put(tmp_path / "Alan" / "02_forward.ipynb", FORWARD)
    ada, _ = submissions.collect(tmp_path)
    assert ada.latest()["forward"].path == "attempt_10/02_forward.ipynb"
    assert ada.left_out() == [
        "attempt_1/02_forward.ipynb: a later attempt counts",
        "attempt_2/02_forward.ipynb: a later attempt counts",
    ]


def test_without_numbers_the_newest_file_counts_unless_it_cannot_be_read(tmp_path):
    for name, hours in (("a.ipynb", 9), ("b.ipynb", 3)):
        os.utime(put(tmp_path / "Ada" / name, FORWARD), (hours * 3600, hours * 3600))
    os.utime(put(tmp_path / "Ada" / "02_forward.ipynb", "{"), (99 * 3600, 99 * 3600))
    (ada,) = submissions.collect(tmp_path)
    assert ada.latest()["forward"].path == "a.ipynb"


@pytest.mark.parametrize("name", ["forward", "your_layer", "bug_clinic"])
def test_a_notebook_is_known_by_its_exercises_whatever_its_name(name, tmp_path):
    put(tmp_path / "Ada" / "Kopie von Übung 3.ipynb", original(name))
    (ada,) = submissions.collect(tmp_path)
    assert list(ada.latest()) == [name]


def test_what_cannot_be_read_is_said_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "LARGEST", 10_000)
    files = {
        "broken.ipynb": "{",
        "list.ipynb": "[]",
        "deep.ipynb": "[" * 9000,
        "format 9.ipynb": json.dumps({"nbformat": 9, "pages": []}),
        "own.ipynb": notebook("print(1)"),
        "large.ipynb": " " * 10_001,
        "cells.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": 7}]}),
        "bad.zip": "PK",
    }
    for name, content in files.items():
        put(tmp_path / "Ada" / name, content)
    (ada,) = submissions.collect(tmp_path)
    assert ada.latest() == {}
    said = dict(line.split(": ", 1) for line in ada.left_out())
    assert set(said) == set(files)
    assert "not a notebook" in said["broken.ipynb"]
    assert said["own.ipynb"] == "no notebook of the course"
    assert "are read" in said["large.ipynb"]
    assert "cannot be read" in said["bad.zip"]


def test_a_notebook_with_a_hundred_thousand_cells_is_not_judged(tmp_path):
    put(tmp_path / "Ada" / "02_forward.ipynb", notebook(*["x = 1"] * 100_000))
    (ada,) = submissions.collect(tmp_path)
    assert ada.left_out() == ["02_forward.ipynb: 100,000 code cells"]


def test_format_3_is_read(tmp_path):
    cells = [{"cell_type": "code", "input": "check(batch_statistics)"}]
    content = {"nbformat": 3, "worksheets": [{"cells": cells}]}
    put(tmp_path / "Ada" / "x.ipynb", json.dumps(content))
    (ada,) = submissions.collect(tmp_path)
    assert ada.latest()["forward"].cells == ["check(batch_statistics)"]


def test_links_are_not_followed(tmp_path):
    secret = put(tmp_path / "elsewhere" / "02_forward.ipynb", FORWARD)
    folder = tmp_path / "handed in"
    put(folder / "Alan" / "02_forward.ipynb", FORWARD)
    (folder / "Ada").mkdir()
    (folder / "Ada" / "02_forward.ipynb").symlink_to(secret)
    (folder / "Bob").symlink_to(secret.parent)
    learners = submissions.collect(folder)
    assert [learner.name for learner in learners if learner.latest()] == ["Alan"]
    ada = next(learner for learner in learners if learner.name == "Ada")
    assert ada.left_out() == ["02_forward.ipynb: a link, which is not followed"]


def test_a_zip_leads_nowhere_and_what_it_says_of_sizes_is_not_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "LARGEST", 1_000_000)
    link = zipfile.ZipInfo("link.ipynb")
    link.external_attr = 0o120777 << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../evil/02_forward.ipynb", FORWARD)
        archive.writestr("/etc/03_backward.ipynb", notebook("x = 1"))
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.ipynb", b" " * 5_000_000)
    put(tmp_path / "in" / "Ada" / "work.zip", file.getvalue())
    put(tmp_path / "in" / "Alan" / "02_forward.ipynb", FORWARD)
    ada, _ = submissions.collect(tmp_path / "in")
    assert ada.latest()["forward"].path == "work/evil/02_forward.ipynb"
    said = " ".join(ada.left_out())
    assert "link.ipynb: a link" in said
    assert "bomb.ipynb: 1 MB or more" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_zips_in_zips_in_zips_end(tmp_path):
    content = {"02_forward.ipynb": FORWARD}
    for _ in range(6):
        content = {"more.zip": zipped(content)}
    put(tmp_path / "Ada" / "work.zip", content["more.zip"])
    put(tmp_path / "Alan" / "02_forward.ipynb", FORWARD)
    ada, _ = submissions.collect(tmp_path)
    assert ada.left_out()[0].endswith("a zip in a zip in a zip")


@pytest.mark.parametrize(
    ("given", "is_called"),
    [
        ("<script>alert(1)</script>", "scriptalert(1)script"),
        ("..", "nameless"),
        ("a\nb", "ab"),
        ("CON: x", "CON x"),
        ("é" * 300, "é" * 75),
        ("a\udc80b", "ab"),
    ],
)
def test_a_name_can_be_that_of_a_folder(given, is_called):
    assert submissions.plain(given) == is_called


def test_names_of_files_that_are_no_text_and_endless_numbers_are_borne(tmp_path):
    put(tmp_path / "Ada" / f"02_forward ({'9' * 200}).ipynb", FORWARD)
    os.makedirs(os.fsencode(tmp_path) + b"/Bob\xff")
    with open(os.fsencode(tmp_path) + b"/Bob\xff/02_forward\xfe.ipynb", "w") as file:
        file.write(FORWARD)
    for learner in submissions.collect(tmp_path):
        assert learner.latest()
        "".join([learner.name, *(n.path for n in learner.notebooks)]).encode()


def test_a_folder_without_notebooks_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no notebook"):
        submissions.collect(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        submissions.collect(tmp_path / "nowhere")
