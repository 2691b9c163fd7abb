"""Questions come back: when, which, and what an answer does to their box."""

import json
from datetime import date, timedelta

import pytest

from helpers import exercises
from helpers.exercises import asked, boxes, progress_file
from helpers.exercises.questions import QUESTIONS, Choice, Matching
from helpers.wrapping import WIDTH

DAY = date(2027, 3, 1)


class Clock:
    """A day that tests move."""

    def __init__(self):
        self.day = DAY

    def __call__(self):
        return self.day

    def move(self, days):
        self.day += timedelta(days=days)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    now = Clock()
    monkeypatch.setattr(boxes, "today", now)
    return now


# A course of a few questions. Of all but one the right choice is a.
NOTEBOOKS = {
    "start-cells": "start_here", "inputs-outlier": "why_normalize_inputs",
    "forward-axis": "forward", "forward-moved-on": "forward", "forward-moved": "forward",
    "forward-second": "forward", "backward-one": "backward", "training-rate": "training",
    "inference-cause": "inference", "convolution-bias": "convolution",
}  # fmt: skip


@pytest.fixture(autouse=True)
def course(monkeypatch):
    for name in list(QUESTIONS):
        monkeypatch.delitem(QUESTIONS, name)
    for name, notebook in NOTEBOOKS.items():
        choices = {letter: f"Because of {letter}." for letter in "abc"}
        right = "b" if name == "forward-moved-on" else "a"
        monkeypatch.setitem(QUESTIONS, name, Choice(name, notebook, right, choices))
    monkeypatch.setattr(asked, "text", lambda question: f"What is {question.name}?")


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    path = tmp_path / "progress.json"
    monkeypatch.setenv("BN_COURSE_PROGRESS", str(path))
    return path


def kept(file, predictions=None, review=None):
    """Write a progress file; what is reviewed has been answered."""
    answers = dict.fromkeys(review or {}, "a") if predictions is None else predictions
    file.write_text(json.dumps({"predictions": answers, "review": review or {}}))


def entry(name):
    return progress_file.load()["review"].get(name)


def printed(capsys, *arguments):
    capsys.readouterr()
    exercises.review(*arguments)
    return capsys.readouterr().out


def names_asked(text):
    """The names in the order in which a review asks them."""
    return [line.split(" ", 1)[0] for line in text.splitlines() if line[:1].islower()]


# ------------------------------------------------------------------------------- boxes


def test_first_answers_start_in_box_2_or_1():
    exercises.predict("forward-axis", "a")
    exercises.predict("forward-axis", "b")
    exercises.predict("forward-moved-on", "a")
    exercises.predict("forward-moved-on", "b")
    assert entry("forward-axis") == [2, "2027-03-01"]
    assert entry("forward-moved-on") == [1, "2027-03-01"]


@pytest.mark.parametrize(("box", "rest"), [(1, 1), (2, 3), (3, 7), (4, 21), (5, 60)])
def test_a_question_rests_for_the_days_of_its_box(file, clock, box, rest):
    kept(file, review={"forward-axis": [box, "2027-03-01"]})
    clock.move(rest - 1)
    assert boxes.due(progress_file.load(), QUESTIONS) == []
    assert boxes.next_day(progress_file.load(), QUESTIONS) == DAY + timedelta(days=rest)
    clock.move(1)
    assert boxes.due(progress_file.load(), QUESTIONS) == [QUESTIONS["forward-axis"]]
    exercises.review("forward-axis", "a")
    assert entry("forward-axis") == [min(box + 1, 5), clock.day.isoformat()]


@pytest.mark.parametrize("box", [1, 3, 5])
def test_wrong_falls_back_to_box_1(file, clock, box, capsys):
    kept(file, predictions={"forward-axis": "a"}, review={"forward-axis": [box, "2027-01-01"]})
    out = printed(capsys, "forward-axis", "b")
    assert out.startswith("✗ not b: ")
    assert "It is a: " in out
    assert entry("forward-axis") == [1, "2027-03-01"]
    assert progress_file.load()["predictions"] == {"forward-axis": "a"}, "the first one counts"


def test_what_is_not_due_does_not_move_up_but_may_fall(file, capsys):
    kept(file, review={"forward-axis": [3, "2027-02-26"]})
    assert printed(capsys, "forward-axis", "a").startswith("✓ a: ")
    assert entry("forward-axis") == [3, "2027-02-26"]
    exercises.review("forward-axis", "c")
    assert entry("forward-axis") == [1, "2027-03-01"]
    exercises.review("forward-axis", "a")
    assert entry("forward-axis") == [1, "2027-03-01"], "right at once is no memory"


def test_a_question_never_asked_gets_its_first_answer():
    exercises.review("forward-axis", "b")
    exercises.review("forward-moved-on", "b")
    assert progress_file.load()["predictions"] == {"forward-axis": "b", "forward-moved-on": "b"}
    assert (entry("forward-axis"), entry("forward-moved-on")) == ([1, str(DAY)], [2, str(DAY)])


def test_nonsense_moves_nothing(file, capsys):
    kept(file, review={"forward-axis": [3, "2027-01-01"]})
    assert "'z' is not a choice" in printed(capsys, "forward-axis", "z")
    assert entry("forward-axis") == [3, "2027-01-01"]
    with pytest.raises(KeyError, match="no question is called 'zz'"):
        exercises.review("zz", "a")


def test_a_clock_that_was_wrong_does_no_harm(file, clock):
    kept(file, review={"forward-axis": [2, "2027-03-02"], "forward-moved-on": [2, "2126-01-01"]})
    state = progress_file.load()
    assert boxes.due(state, QUESTIONS) == [QUESTIONS["forward-moved-on"]], "not lost for 99 years"
    exercises.review("forward-moved-on", "b")
    assert entry("forward-moved-on") == [3, "2027-03-01"]
    kept(file, review={"forward-axis": [2, "2027-03-02"]})
    assert boxes.next_day(progress_file.load(), QUESTIONS) == date(2027, 3, 4)
    clock.move(-30)
    exercises.review("forward-axis", "a")
    exercises.review()
    exercises.progress()


@pytest.mark.parametrize(
    "damaged",
    [None, "x", 3, [], [2], [2, 3], [0, "2027-01-01"], [6, "2027-01-01"], [True, "2027-01-01"],
     ["2", "2027-01-01"], [2, "2027-02-30"], [2, "soon"], [2.0, "2027-01-01"], {"box": 2}],
)  # fmt: skip
def test_what_has_no_readable_box_is_asked_and_gets_one(file, damaged, capsys):
    kept(file, predictions={"forward-axis": "a"}, review={"forward-axis": damaged, "gone": "x"})
    assert "Due for review: 1." in printed(capsys)
    assert entry("forward-axis") == damaged
    exercises.review("forward-axis", "a")
    assert entry("forward-axis") == [3, "2027-03-01"]
    assert entry("gone") == "x"


def test_answers_from_before_there_were_boxes_are_asked(file, capsys):
    kept(file, predictions={"forward-axis": "b", "06-bias": "a"})
    assert names_asked(printed(capsys)) == ["forward-axis", "convolution-bias"]
    exercises.review("forward-axis", "a")
    exercises.review("convolution-bias", "a")
    assert (entry("forward-axis"), entry("convolution-bias")) == ([2, str(DAY)], [3, str(DAY)])


def test_what_the_course_no_longer_has_stays_and_is_not_asked(file, capsys):
    gone = {"forward-gone": [1, "2020-01-01"]}
    kept(file, predictions={"forward-gone": "a"}, review=gone)
    assert printed(capsys).startswith("Nothing is due for review: questions come back")
    exercises.predict("forward-axis", "a")
    assert entry("forward-gone") == gone["forward-gone"]


# ------------------------------------------------------------------------ what is asked


def test_nothing_due_says_when_the_next_is(capsys):
    assert printed(capsys) == (
        "Nothing is due for review: questions come back some days after you answered them.\n"
    )
    exercises.predict("forward-moved-on", "b")
    assert printed(capsys) == "Nothing is due for review until 2027-03-04.\n"
    exercises.predict("forward-axis", "b")
    assert printed(capsys) == "Nothing is due for review until 2027-03-02.\n"


def test_a_due_question_is_asked_with_its_text_and_how_to_answer(file, capsys, monkeypatch):
    text = f"{'How large is it? ' * 9}\na) large\nb) small"
    monkeypatch.setattr(asked, "text", lambda question: text)
    kept(file, review={"start-cells": [1, "2027-01-01"]})
    out = printed(capsys)
    assert out.splitlines()[:3] == ["Due for review: 1.", "", "start-cells (00 start_here)"]
    assert out.splitlines()[-3:] == [
        "  a) large", "  b) small",
        '  To answer: review("start-cells", ...), where ... is "a", "b" or "c".',
    ]  # fmt: skip
    assert max(map(len, out.splitlines())) <= WIDTH
    assert printed(capsys, "start-cells") == out.split("\n\n", 1)[1]


def test_five_at_a_time_longest_overdue_and_lowest_boxes_first(file, capsys):
    days = {
        "forward-axis": [1, "2027-02-20"],  # 8 days over
        "inputs-outlier": [2, "2027-02-20"],  # 6 days
        "backward-one": [1, "2027-02-22"],  # 6 days, in a lower box
        "training-rate": [2, "2027-02-26"],  # today
        "start-cells": [1, "2027-02-28"],  # today, in a lower box
        "inference-cause": [3, "2027-02-22"],  # today, in a higher box
        "convolution-bias": [3, "2027-02-23"],  # tomorrow
    }
    kept(file, review=days)
    text = printed(capsys)
    assert text.startswith("Due for review: 6. Here are 5 of them.\n\n")
    assert names_asked(text) == [
        "forward-axis", "backward-one", "inputs-outlier", "start-cells", "training-rate",
    ]  # fmt: skip
    exercises.progress()
    assert capsys.readouterr().out.endswith("\nDue for review: 6. Run review()\n")


def test_they_are_spread_over_notebooks(file, capsys):
    old, later = [1, "2027-01-01"], [1, "2027-02-01"]
    forward = ["forward-axis", "forward-moved", "forward-moved-on", "forward-second"]
    kept(
        file,
        review=dict.fromkeys(forward, old) | {"inputs-outlier": later, "backward-one": later},
    )
    assert names_asked(printed(capsys)) == [
        "forward-axis", "inputs-outlier", "backward-one", *forward[1:3],
    ]  # fmt: skip


def test_a_question_without_text_is_skipped(file, capsys, monkeypatch):
    monkeypatch.setattr(asked, "text", lambda q: "?" if q.name == "forward-moved-on" else None)
    kept(file, review={"forward-axis": [1, "2026-01-01"], "forward-moved-on": [1, "2027-01-01"]})
    assert names_asked(printed(capsys)) == ["forward-moved-on"]
    monkeypatch.setattr(asked, "text", lambda question: None)
    assert printed(capsys) == (
        "Due for review: 2. But their text cannot be found in the notebooks.\n"
    )


def test_only_what_is_due_is_looked_up(file, monkeypatch):
    kept(file, review={"forward-axis": [5, "2027-02-28"], "forward-moved-on": [1, "2027-01-01"]})
    looked_up = []
    monkeypatch.setattr(asked, "text", lambda question: looked_up.append(question.name) or "?")
    exercises.review()
    assert looked_up == ["forward-moved-on"]


def test_what_has_to_be_looked_at_is_not_asked_again(file, clock, capsys, monkeypatch):
    curves = Matching("your-layer-curves", "your_layer", "ba", "So.", {"a": "", "b": ""}, "curve")
    monkeypatch.setitem(QUESTIONS, curves.name, curves)
    exercises.predict("your-layer-curves", "ab")
    clock.move(100)
    assert printed(capsys).startswith("Nothing is due for review")
