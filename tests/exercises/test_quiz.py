"""The quiz counts first answers, and names what to read again."""

from collections import Counter

import pytest

from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises import predict
from helpers.exercises.questions import QUESTIONS, Choice, Number, Order
from helpers.exercises.quiz import quiz_score
from helpers.exercises.verdicts.questions import QUIZ

FIRST, SECOND, *OTHERS = QUIZ


@pytest.fixture
def score(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BN_COURSE_PROGRESS", str(tmp_path / "progress.json"))

    def printed():
        capsys.readouterr()
        quiz_score()
        return capsys.readouterr().out

    return printed


def right(name):
    question = QUESTIONS[name]
    return question.right if isinstance(question, Choice) else question.answer


def wrong(name):
    question = QUESTIONS[name]
    if isinstance(question, Number):
        return question.answer + 1000 * (1 + abs(question.answer))
    if isinstance(question, Order):
        return question.answer[::-1]
    return next(choice for choice in question.explanations if choice != question.right)


def test_before_the_first_answer(score):
    assert score() == "Answered 0 of 16 questions, right at the first try: 0.\n"


def test_the_first_answer_counts(score):
    predict(FIRST, wrong(FIRST))
    predict(FIRST, right(FIRST))
    predict(SECOND, right(SECOND))
    predict(SECOND, wrong(SECOND))
    assert score() == (
        "Answered 2 of 16 questions, right at the first try: 1.\n"
        f"Worth reading again: {numbered(QUIZ[FIRST]).replace('_', ' ')}.\n"
    )


def test_a_notebook_is_named_once(score):
    for name in QUIZ:
        predict(name, wrong(name))
    first, second = score().split("\n", 1)
    assert first == "Answered 16 of 16 questions, right at the first try: 0."
    for notebook in set(QUIZ.values()):
        assert " ".join(second.split()).count(numbered(notebook).replace("_", " ")) == 1


def test_all_right(score):
    for name in QUIZ:
        predict(name, right(name))
    assert score().endswith("right at the first try: 16.\nNothing in it needs to be read again.\n")


def test_other_predictions_do_not_count(score):
    predict("verdicts-count", 0.5)
    assert score().startswith("Answered 0 of 16")


def test_questions_go_back_to_notebooks():
    assert set(QUIZ.values()) <= set(NOTEBOOKS)


def test_no_letter_can_be_trusted():
    choices = [QUESTIONS[name] for name in QUIZ if isinstance(QUESTIONS[name], Choice)]
    letters = Counter(question.right for question in choices)
    assert set(letters) == set("abc")
    assert max(letters.values()) <= len(choices) / 2
