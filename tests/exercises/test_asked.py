"""The text of a question is found in the notebook that asks it."""

import json

import pytest

from helpers.contents import numbered
from helpers.exercises import asked, load_part_iii
from helpers.exercises.questions import QUESTIONS, Choice

load_part_iii()


def cells(markdown, code):
    """A notebook of two cells, below a title; lines of a source as files store them."""
    return [
        {"cell_type": "markdown", "source": ["# A title"]},
        {"cell_type": "markdown", "source": markdown.splitlines(keepends=True)},
        {"cell_type": "code", "source": code.splitlines(keepends=True)},
    ]


CHOICES = {"a": "", "b": ""}
PREDICTION = Choice("made-up", "forward", "a", CHOICES)

LIST = """\
## Recall

Three questions about [notebook 01](01_why_normalize_inputs.ipynb).

1. Which of these limits the learning rate?

   - a) the **largest** curvature
   - b) the smallest

2. How many?
   In steps.
3. Which one? a) this, b) that, c) neither

Write your answers below.
"""
THREE = 'recall("made-one", ...)\nrecall("made-two", ...)\nrecall("made-three", ...)'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("made-one", "Which of these limits the learning rate?\na) the largest curvature\n"
                     "b) the smallest"),
        ("made-two", "How many?\nIn steps."),
        ("made-three", "Which one? a) this, b) that, c) neither"),
    ],
)  # fmt: skip
def test_a_recall_is_an_item_of_the_list(name, text):
    question = Choice(name, "forward", "a", CHOICES, recalls="why_normalize_inputs")
    assert asked.text_in(cells(LIST, THREE), question) == text
    assert asked.text_in(cells("Nothing to see.", THREE), question) is None
    assert asked.text_in(cells(LIST, "print()"), question) is None


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("## Look\n\nSo far.\n\n**Predict first.** How many?\n\n- a) one\n- b) two\n\nRun it.",
         "How many?\na) one\nb) two"),
        ("Why?\n\nHow many?\n\n**Predict first.**\n\n- a) one\n- b) two",
         "How many?\na) one\nb) two"),
        ("**Predict first.** By how much?\n\nIn times.", "By how much?\nIn times."),
        ("### 7\n\nHow many?\n\n- a) one\n- b) two", "How many?\na) one\nb) two"),
        ("**Predict first.** How many?\n\n- a) one\n\n- b) two\n\nRun it.",
         "How many?\na) one\nb) two"),
    ],
)  # fmt: skip
def test_a_prediction_is_what_stands_above_it_up_to_the_choices(markdown, text):
    assert asked.text_in(cells(markdown, 'predict("made-up", ...)'), PREDICTION) == text


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_text_of_every_question_is_found(name):
    question = QUESTIONS[name]
    text = asked.text(question)
    assert text
    assert text.strip()
    letters = getattr(question, "explanations", None) or getattr(question, "labels", {})
    for letter in letters:
        assert f"{letter}) " in text


def test_it_is_read_from_the_file_of_the_notebook(tmp_path, monkeypatch):
    monkeypatch.setattr(asked, "FOLDER", tmp_path)
    file = tmp_path / f"{numbered('forward')}.ipynb"
    assert asked.text(PREDICTION) is None
    file.write_text("{", encoding="utf-8")
    assert asked.text(PREDICTION) is None
    file.write_text('{"cells": [{}]}', encoding="utf-8")
    assert asked.text(PREDICTION) is None
    notebook = {"cells": cells("How large is ŷ?", "predict('made-up', ...)")}
    file.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
    assert asked.text(PREDICTION) == "How large is ŷ?"
