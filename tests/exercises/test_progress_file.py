"""What a learner has solved and predicted survives other kernels, other programs and bad drives."""

import errno
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from datetime import date

import filelock
import pytest

import helpers
from helpers import exercises
from helpers.exercises import boxes, progress_file
from helpers.exercises.questions import QUESTIONS, Number
from helpers.exercises.renamed import NEW_NAMES

FULL = {
    "exercises": ["batch_statistics", "batch_norm_forward"],
    "predictions": {"forward-axis": "b", "forward-relu": "a"},
    "review": {"forward-axis": [1, "2027-01-01"], "forward-relu": [3, "2027-02-28"]},
}
ENTRY = [1, "2027-01-01"]
TEXT = json.dumps(FULL, indent=1)


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "workspace" / "progress.json"
    path.parent.mkdir()
    monkeypatch.setenv("BN_COURSE_PROGRESS", str(path))
    monkeypatch.setattr(boxes, "today", lambda: date(2027, 1, 1))
    return path


def others(file):
    """What lies beside the progress file."""
    return sorted(path.name for path in file.parent.iterdir() if path != file)


def counted(state):
    return {key: state[key] for key in FULL}


def test_what_is_recorded_is_there_with_the_edition(file):
    progress_file.add_exercise("batch_statistics")
    progress_file.add_exercise("batch_statistics")
    exercises.predict("forward-axis", "b")
    exercises.predict("forward-axis", "a")
    assert json.loads(file.read_text()) == {
        "edition": helpers.__version__,
        "exercises": ["batch_statistics"],
        "predictions": {"forward-axis": "b"},
        "review": {"forward-axis": ENTRY},
    }
    assert others(file) == []


def test_without_a_file_nothing_is_done_yet_and_none_is_made(file):
    assert progress_file.load() == {"exercises": [], "predictions": {}, "review": {}}
    assert list(file.parent.iterdir()) == []


def test_what_is_known_already_is_not_written_again(file):
    file.write_text(TEXT)
    progress_file.add_exercise("batch_statistics")
    exercises.predict("forward-axis", "c")
    assert file.read_text() == TEXT


# ----------------------------------------------------------- several kernels at once

ADD_SIXTY = """
import errno, fcntl, sys
from helpers.exercises import boxes, progress_file
def none(*_):
    raise OSError(errno.ENOLCK, "No locks available")
if "without locks" in sys.argv:
    fcntl.flock = fcntl.lockf = none
print("ready", flush=True)
sys.stdin.readline()
for number in range(60):
    progress_file.add_exercise(f"{sys.argv[1]}_{number}")
"""


@pytest.mark.skipif(os.name != "posix", reason="takes fcntl away")
@pytest.mark.parametrize("drive", ["with locks", "without locks"])
def test_two_kernels_lose_nothing(file, drive):
    file.write_text(TEXT)
    kernels = [
        subprocess.Popen(
            [sys.executable, "-c", ADD_SIXTY, name, drive],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    for kernel in kernels:
        assert kernel.stdout.readline() == "ready\n"
    for kernel in kernels:
        kernel.stdin.write("\n")
        kernel.stdin.flush()
    assert [kernel.communicate(timeout=60)[0] for kernel in kernels] == ["", ""]
    solved = Counter(name.partition("_")[0] for name in progress_file.load()["exercises"])
    assert solved == {"batch": 2, "one": 60, "two": 60}
    assert others(file) == []


def test_threads_lose_nothing(file):
    def work(name):
        for number in range(20):
            progress_file.add_exercise(f"{name}_{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(progress_file.load()["exercises"]) == 80


@pytest.mark.parametrize("holder", ["999999999\nan-ended-pod\n", ""])
def test_a_lock_that_nobody_takes_away_is_ended(file, monkeypatch, holder):
    monkeypatch.setattr(progress_file, "PATIENCE", 0.02)
    lock = file.with_name(".progress.json.lock")
    lock.write_text(holder)
    progress_file.add_exercise("batch_statistics")
    assert progress_file.load()["exercises"] == ["batch_statistics"]
    assert not lock.exists()


def test_where_no_lock_can_be_made_progress_is_kept_all_the_same(file, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(filelock.SoftFileLock, "_acquire", refuse)
    progress_file.add_exercise("batch_statistics")
    assert progress_file.load()["exercises"] == ["batch_statistics"]


# ------------------------------------------------------------- other programs' traces


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_what_editors_save_is_read(file, encoding, capsys):
    file.write_bytes(TEXT.encode(encoding))
    assert progress_file.load() == FULL
    progress_file.add_exercise("normalize")
    assert json.loads(file.read_text())["exercises"] == [*FULL["exercises"], "normalize"]
    assert others(file) == []
    assert capsys.readouterr().out == ""


CONFLICT = """{
 "exercises": [
<<<<<<< HEAD
  "batch_statistics"
=======
  "batch_norm_forward"
>>>>>>> laptop
 ],
 "predictions": {
  "forward-axis": "b",
  "forward-relu": "a"
 },
 "review": {
  "forward-axis": [
   1,
   "2027-01-01"
  ],
  "forward-relu": [3, "2027-02-28"]
 }
}
"""
DAMAGED = {
    "a comma too many": TEXT.replace('"\n ]', '",\n ]').encode(),
    "on one line": json.dumps(FULL).replace("}", ",}").encode(),
    "with an edition": json.dumps(FULL | {"edition": "2.0"}).replace("}", ",}").encode(),
    "cut": TEXT[:-4].encode(),
    "cut, in UTF-16": TEXT[:-4].encode("utf-16"),
    "conflict markers": CONFLICT.encode(),
    "not UTF-8": TEXT.replace("[", "[\n// gelöst", 1).encode("latin-1"),
    "exercises as text": TEXT.replace("[", '"', 1).replace("]", '"', 1).encode(),
    "a list around it": f"[{TEXT}]".encode(),
    "numbers among the names": TEXT.replace("[", "[1, null, ", 1).encode(),
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_put_aside_and_what_it_says_still_counts(file, capsys, raw):
    file.write_bytes(raw)
    assert counted(progress_file.load()) == FULL
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Your progress file cannot be read (")
    assert f"It is kept as {file.with_name('progress.unreadable-1.json')}." in said
    assert said.endswith("still counted: exercises 2, predictions 2.")
    assert file.with_name("progress.unreadable-1.json").read_bytes() == raw
    progress_file.add_exercise("normalize")
    assert progress_file.load()["exercises"] == [*FULL["exercises"], "normalize"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "raw", [b"", b"\0\0\0", b"null", b"7", b"[]", b'{"exercises": 1}', b'{"predictions": ["a"]}',
            b"[" * 100_000]
)  # fmt: skip
def test_a_file_that_says_nothing_is_put_aside_too(file, capsys, raw):
    file.write_bytes(raw)
    progress_file.add_exercise("normalize")
    assert "normalize" in progress_file.load()["exercises"]
    assert file.with_name("progress.unreadable-1.json").read_bytes() == raw
    assert "you start anew" in " ".join(capsys.readouterr().out.split()) or b"a" in raw


def test_every_damaged_file_is_kept(file):
    for text in ("one", "two"):
        file.write_text(text)
        progress_file.load()
    kept = ["progress.unreadable-1.json", "progress.unreadable-2.json"]
    assert others(file) == kept
    assert [file.with_name(name).read_text() for name in kept] == ["one", "two"]


def test_a_folder_in_its_place_is_put_aside(file, capsys):
    file.mkdir()
    (file / "mine").write_text("work")
    progress_file.add_exercise("normalize")
    assert progress_file.load()["exercises"] == ["normalize"]
    assert (file.with_name("progress.unreadable-1.json") / "mine").read_text() == "work"
    assert "cannot be read" in capsys.readouterr().out


def test_a_file_that_may_not_be_read_is_put_aside(file, monkeypatch):
    file.write_text(TEXT)

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(type(file), "read_bytes", refuse)
        progress_file.add_exercise("normalize")
    assert file.with_name("progress.unreadable-1.json").read_text() == TEXT
    assert progress_file.load()["exercises"] == ["normalize"]


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_stays_a_link(file, tmp_path):
    file.symlink_to(tmp_path / "elsewhere.json")
    progress_file.add_exercise("normalize")
    assert file.is_symlink()
    assert "normalize" in (tmp_path / "elsewhere.json").read_text()


# -------------------------------------------------------------------- other editions


def test_a_file_of_the_first_edition_is_carried_over(file, capsys):
    old = {"exercises": ["batch_statistics"], "predictions": dict.fromkeys(NEW_NAMES, "b")}
    file.write_text(json.dumps(old, indent=1))
    assert progress_file.load()["predictions"] == dict.fromkeys(NEW_NAMES.values(), "b")
    exercises.predict("forward-axis", "a")
    progress_file.add_exercise("normalize")
    written = json.loads(file.read_text())
    assert written["predictions"] == dict.fromkeys(NEW_NAMES.values(), "b")
    assert written["exercises"] == ["batch_statistics", "normalize"]
    capsys.readouterr()
    exercises.progress()
    counted = sum(int(n) for n in re.findall(r"questions +(\d+)/", capsys.readouterr().out))
    still = [QUESTIONS[name] for name in NEW_NAMES.values() if name in QUESTIONS]
    assert counted == sum(question.knows("b") for question in still) > 0


def test_what_was_asked_by_letters_and_is_now_asked_by_a_number_is_asked_anew(file, monkeypatch):
    now = Number("forward-axis", "forward", 5, "So.", "", 1.5, None, None, 0.1)
    monkeypatch.setitem(QUESTIONS, "forward-axis", now)
    file.write_text(TEXT)
    assert now not in boxes.answered(progress_file.load(), QUESTIONS)
    exercises.predict("forward-axis", 4)
    exercises.predict("forward-axis", 40)
    assert now in boxes.answered(progress_file.load(), QUESTIONS)
    assert progress_file.load()["predictions"] == {"forward-axis": "4", "forward-relu": "a"}
    assert progress_file.load()["review"]["forward-axis"] == [2, "2027-01-01"]


def test_the_review_of_earlier_names_goes_on_under_the_new_ones(file):
    old = {"02-axis": [4, "2027-01-01"], "forward-relu": [2, "2027-01-02"], "gone": ENTRY}
    file.write_text(json.dumps(FULL | {"review": old}))
    expected = {
        "forward-axis": [4, "2027-01-01"],
        "forward-relu": old["forward-relu"],
        "gone": ENTRY,
    }
    assert progress_file.load()["review"] == expected
    progress_file.add_exercise("normalize")
    assert json.loads(file.read_text())["review"] == expected


@pytest.mark.parametrize("review", [7, None, "lost", [], {"forward-axis": "?", "forward-relu": 1}])
def test_a_damaged_review_loses_nothing_else(file, review, capsys):
    file.write_text(json.dumps(FULL | {"review": review}))
    state = progress_file.load()
    assert counted(state) | {"review": FULL["review"]} == FULL
    progress_file.add_exercise("normalize")
    assert json.loads(file.read_text())["predictions"] == FULL["predictions"]
    assert others(file) == []
    assert capsys.readouterr().out == ""


def test_longer_answers_are_made_out_too(file, capsys):
    answers = {"made-up": "16.9", "made-up-too": "the mean", "forward-axis": "b"}
    file.write_text(json.dumps(FULL | {"predictions": answers}, indent=1)[:-4])
    assert progress_file.load()["predictions"] == answers
    assert "still counted: exercises 2, predictions 3." in " ".join(capsys.readouterr().out.split())


def test_what_a_later_edition_keeps_stays(file):
    later = FULL | {"confidence": {"forward-axis": [2, "sure"]}, "edition": "99.0"}
    later["predictions"] = {"forward-axis": 0.25, "forward-relu": ["b", "a"]}
    file.write_text(json.dumps(later))
    progress_file.add_exercise("normalize")
    exercises.progress()
    written = json.loads(file.read_text())
    assert written["confidence"] == later["confidence"]
    assert written["predictions"] == later["predictions"]


# ---------------------------------------------------------- where nothing can be kept


def refuse_to_replace(source, target):
    raise OSError(errno.EROFS, "Read-only file system", str(target))


def test_a_drive_that_cannot_be_written_stops_nobody_and_is_told_once(file, monkeypatch, capsys):
    monkeypatch.setattr(os, "replace", refuse_to_replace)
    exercises.predict("forward-axis", "a")
    said = capsys.readouterr().out
    assert "cannot be kept (Read-only file system: " in " ".join(said.split())
    assert "✓ a: " in said
    exercises.predict("inference-cause", "b")
    exercises.progress()
    assert "cannot be kept" not in capsys.readouterr().out
    assert list(file.parent.iterdir()) == []


def test_a_damaged_file_on_a_drive_that_cannot_be_written_stays(file, monkeypatch, capsys):
    file.write_bytes(DAMAGED["cut"])
    monkeypatch.setattr(os, "rename", refuse_to_replace)
    assert counted(progress_file.load()) == FULL
    assert "cannot be kept" in capsys.readouterr().out
    assert file.read_bytes() == DAMAGED["cut"]
    assert others(file) == []


def test_a_folder_that_vanished_is_made_again(file):
    progress_file.add_exercise("batch_statistics")
    file.unlink()
    file.parent.rmdir()
    assert progress_file.load()["exercises"] == []
    progress_file.add_exercise("normalize")
    assert progress_file.load()["exercises"] == ["normalize"]


def test_a_file_in_place_of_the_folder_stops_nobody(tmp_path, monkeypatch, capsys):
    (tmp_path / "workspace").write_text("")
    monkeypatch.setenv("BN_COURSE_PROGRESS", str(tmp_path / "workspace" / "progress.json"))
    progress_file.add_exercise("batch_statistics")
    assert progress_file.load() == {"exercises": [], "predictions": {}, "review": {}}
    assert capsys.readouterr().out.count("cannot be kept") == 1
