"""Letters that cannot be guessed, and enough questions that have none.

`python -m pytest tests/test_questions_balance.py -s -k course` prints how the course stands.
"""

from collections import Counter
from itertools import groupby

import pytest
from notebook_rules import first_strings, notebooks, read

from helpers.exercises.questions import QUESTIONS, Choice, Number, Order, Question
from helpers.exercises.verdicts.questions import QUIZ

# Of three letters, each should be right about a third of the time.
FEWEST, MOST = 0.28, 0.39
LONGEST_RUN = 3
NUMBERS_AND_ORDERS = 1 / 3


def in_course_order() -> list[Question]:
    """Every prediction of the course, the final quiz with them, as they are asked; no recalls."""
    names = [name for path in notebooks() for name in first_strings(read(path), "predict")]
    return [QUESTIONS[name] for name in names if name in QUESTIONS]


def letters(questions: list[Question]) -> str:
    """The right letters of the choices, in order."""
    return "".join(question.right for question in questions if isinstance(question, Choice))


def uneven(right: str) -> list[str]:
    """What tells a guesser something about the next letter: a letter too rare or too frequent, or a
    run of equal ones."""
    found = []
    for letter in "abc":
        share = right.count(letter) / len(right)
        if not FEWEST <= share <= MOST:
            found.append(f"{letter} is right in {share:.0%}, not {FEWEST:.0%} to {MOST:.0%}")
    if other := sorted(set(right) - set("abc")):
        found.append(f"{', '.join(other)} is right too: choices have three letters")
    place = 0
    for letter, run in groupby(right):
        length = len(list(run))
        if length > LONGEST_RUN:
            found.append(f"{letter} is right {length} times running, from choice {place + 1} on")
        place += length
    return found


def too_few_numbers(questions: list[Question]) -> list[str]:
    """Whether too few predictions are numbers or orders."""
    count = sum(not isinstance(question, Choice) for question in questions)
    if count >= NUMBERS_AND_ORDERS * len(questions):
        return []
    return [f"{count} of {len(questions)} predictions are numbers or orders: less than a third"]


def state(questions: list[Question]) -> str:
    """How the course stands, to be printed."""
    right = letters(questions)
    kinds = Counter(type(question).__name__.lower() for question in questions)
    lines = [f"{kind:7} {count}" for kind, count in sorted(kinds.items())]
    lines += [f"letters {right}"]
    lines += [
        f"{letter:7} {n} ({n / len(right):.0%})" for letter, n in sorted(Counter(right).items())
    ]
    return "\n".join([*lines, *uneven(right), *too_few_numbers(questions)])


EVEN = "abcbcacababcacb"


@pytest.mark.parametrize(
    ("right", "complaint"),
    [
        (EVEN, None),
        ("aaabbbccc", None),
        ("aabbc", "a is right in 40%, not 28% to 39%"),
        ("aabbc", "c is right in 20%"),
        ("abab", "c is right in 0%"),
        ("bccc" + "cab" + "abab", "c is right 4 times running, from choice 2 on"),
        (EVEN + "d", "d is right too"),
    ],
)
def test_letters_that_can_be_guessed_are_caught(right, complaint):
    found = uneven(right)
    assert found == [] if complaint is None else any(complaint in line for line in found)


def choice(right):
    return Choice("made", "forward", right, dict.fromkeys("abc", ""))


NUMBER = Number("made", "forward", 2, "So.", "", 1.5, None, "x", 0.1)
ORDER = Order("made", "forward", "abc", "So.", dict.fromkeys("abc", ""), "x")


@pytest.mark.parametrize(
    ("questions", "enough"),
    [
        ([choice("a"), choice("b"), NUMBER], True),
        ([choice("a"), choice("b"), ORDER], True),
        ([choice("a"), choice("b"), choice("c"), NUMBER], False),
        ([choice("a")], False),
    ],
)
def test_too_few_numbers_and_orders_are_caught(questions, enough):
    assert (too_few_numbers(questions) == []) is enough


def test_letters_are_those_of_the_choices():
    assert letters([choice("a"), NUMBER, choice("c"), ORDER, choice("b")]) == "acb"


def test_the_state_can_be_printed():
    text = state([choice("a"), choice("a"), choice("b"), choice("a")])
    assert "choice  4" in text
    assert "letters aaba" in text
    assert "a       3 (75%)" in text
    assert "c is right in 0%" in text
    assert "0 of 4 predictions are numbers or orders" in text


def test_the_quiz_is_counted_with_the_others():
    asked = [question.name for question in in_course_order()]
    assert set(QUIZ) <= set(asked)
    assert asked.index("forward-axis") < min(map(asked.index, QUIZ))
    assert set(asked) == {q.name for q in QUESTIONS.values() if q.recalls is None}
    assert len(asked) == len(set(asked))


def test_the_letters_of_the_course_cannot_be_guessed():
    course = in_course_order()
    print(f"\n{state(course)}")
    assert uneven(letters(course)) == []


def test_a_third_of_the_course_asks_for_a_number_or_an_order():
    assert too_few_numbers(in_course_order()) == []
