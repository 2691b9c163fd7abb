"""Questions of every kind: what an answer may look like, and what is said to it."""

import numpy as np
import pytest

from helpers import exercises
from helpers.claims import all_claims
from helpers.exercises import progress_file, questions
from helpers.exercises.questions import (
    QUESTIONS,
    Unreadable,
    matching,
    number,
    order,
    prediction,
    shown,
    word,
)


@pytest.fixture(autouse=True)
def own_questions(tmp_path, monkeypatch):
    """Nothing that a test registers, and no answer that it gives, outlives it."""
    monkeypatch.setenv("BN_COURSE_PROGRESS", str(tmp_path / "progress.json"))
    before = dict(QUESTIONS)
    yield
    QUESTIONS.clear()
    QUESTIONS.update(before)


def said(name, answer, capsys, ask=exercises.predict):
    ask(name, answer)
    return " ".join(capsys.readouterr().out.split())


def times(**more):
    number("made-up", **{"answer": 16.9, "reason": "So it is.", "unit": "times",
                         "measured_by": "a / b"} | more)  # fmt: skip
    return QUESTIONS["made-up"]


# ----------------------------------------------------------------------------- numbers


def test_a_guess_within_a_factor_is_right(capsys):
    times()
    assert said("made-up", 15, capsys) == "✓ you said 15, measured 16.9 times. So it is."
    assert said("made-up", 3, capsys) == (
        "✗ you said 3, measured 16.9 times: too small by a factor of 5.6. So it is."
    )
    assert "too large by a factor of 1.6. " in said("made-up", 16.9 * 1.6, capsys)
    assert progress_file.load()["predictions"] == {"made-up": "15"}


@pytest.mark.parametrize(
    ("guess", "right"),
    [(16.9 * 1.5, True), (16.9 / 1.5, True), (25.4, False), (11.2, False), (0, False), (-16.9,
     False)],
)  # fmt: skip
def test_the_factor_counts_both_ways(guess, right):
    question = times()
    assert question.is_right(question.read(guess)) is right
    assert question.reply(question.read(guess)).startswith("✓" if right else "✗")


def test_no_factor_leads_away_from_zero(capsys):
    times()
    assert "16.9 times: too small, and no factor makes up for that. " in said("made-up", 0, capsys)
    assert "no factor" in said("made-up", -2, capsys)


def test_a_distance_serves_where_zero_is_an_answer(capsys):
    times(answer=0, within_absolute=0.1, unit="")
    assert said("made-up", 0, capsys) == "✓ you said 0, measured 0. So it is."
    assert said("made-up", -0.1, capsys).startswith("✓ you said -0.1, measured 0. ")
    assert said("made-up", 0.4, capsys).startswith("✗ you said 0.4, measured 0: too large by 0.4. ")
    times(answer=-3, within_absolute=0.5)
    assert "too small by 2" in said("made-up", -5, capsys)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (15, "15"), (15.0, "15"), (np.float32(0.5), "0.5"), (np.int64(7), "7"), (1 / 3,
        "0.333333333333"),
        (np.array([2.5]), "2.5"), ("16.9", "16.9"), (" 16.9 ", "16.9"), ("1e-3", "0.001"),
        ("1E3", "1000"), ("15 %", "0.15"), ("15%", "0.15"), ("15 percent", "0.15"), ("1/3",
        "0.333333333333"),
        ("1 / 4", "0.25"), ("-2", "-2"), ("−2", "-2"), ("+2", "2"), (".5", "0.5"), ("1,297",
        "1297"),
        ("16,9", "16.9"), ("1_000", "1000"), ("~20", "20"), ("20 times", "20"), ("20x", "20"),
        (10**20, "1e+20"),
    ],
)  # fmt: skip
def test_a_number_may_be_written_in_many_ways(answer, kept):
    assert times().read(answer) == kept


@pytest.mark.parametrize(
    "answer",
    [True, np.True_, "a", "", "many", float("nan"), "nan", "inf", np.inf, 1j, [1, 2], np.ones(2),
     {},
     "1/0", "1/2/3", "1.2.3", 10**400, "9e999", "3 apples", "two", print, "1e", "-", "..", "%"],
)  # fmt: skip
def test_what_is_no_number_is_told_what_to_write(answer, capsys):
    times()
    text = said("made-up", answer, capsys)
    assert text.startswith("✗ ")
    assert text.endswith(" is not a number: write a number (unit: times)")
    assert progress_file.load()["predictions"] == {}


@pytest.mark.parametrize(
    ("unit", "answer", "kept"),
    [("%", 15, "15"), ("%", "15 %", "15"), ("%", "15", "15"), ("%", "1/4", "25"),
     ("% of the images", "15 %", "15"), ("share", "15 %", "0.15"), ("share", 0.15, "0.15"),
     ("share", "3/20", "0.15"), ("share", 0, "0"), ("share", 1, "1")],
)  # fmt: skip
def test_percent_and_shares(unit, answer, kept):
    assert times(unit=unit, answer=0.5).read(answer) == kept


def test_units_are_said_clearly(capsys):
    times(unit="share", answer=0.169)
    assert "15 is not a share: write a share, a number from 0 to 1, or a percentage" in said(
        "made-up", 15, capsys
    )
    assert said("made-up", "15 %", capsys).startswith("✓ you said 0.15, measured a share of 0.169.")
    times(unit="%", answer=16.9)
    assert said("made-up", ..., capsys) == (
        '○ no prediction yet: replace ... by a number of percent, such as 5 or "5 %" (unit: %)'
    )
    assert "you said 15, measured 16.9 %." in said("made-up", 15, capsys)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (16.9, "16.9"), (1297, "1,297"), (12345.678, "12,346"), (0.00123, "0.00123"),
     (-0.5, "-0.5"),
     (1 / 3, "0.3333"), (3e-9, "3e-9"), (1.5e12, "1.5e12"), (100, "100"), (99.999, "100"),
     (2.0000001, "2")],
)  # fmt: skip
def test_numbers_are_shown_as_one_reads_them(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    "broken",
    [{"answer": 0}, {"answer": -1}, {"within": 1}, {"within_absolute": 0}, {"measured_by": None},
     {"recalls": "nowhere"}],
)  # fmt: skip
def test_a_number_that_cannot_be_judged_is_not_registered(broken):
    with pytest.raises(ValueError, match="made-up"):
        times(**broken)
    assert "made-up" not in QUESTIONS


# --------------------------------------------------------------------------- matchings


def curves(**more):
    matching("made-up", **{"answer": "cab", "things": "curve", "reason": "So it is.",
                           "a": "plain", "b": "twice", "c": "half"} | more)  # fmt: skip
    return QUESTIONS["made-up"]


@pytest.mark.parametrize("answer", ["cab", "c a b", "C, A, B", ["c", "a", "b"]])
def test_a_matching_may_be_written_in_many_ways(answer):
    assert curves().read(answer) == "cab"


@pytest.mark.parametrize("answer", ["ca", "caa", "", "abz", 3, [1, 2, 3], True])
def test_what_is_no_matching_is_told_what_to_write(answer, capsys):
    curves()
    assert said("made-up", answer, capsys).endswith(
        'does not match them: write 3 letters in quotes, that of curve 1 first, such as "abc"'
    )
    assert progress_file.load()["predictions"] == {}


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("cab", "✓ c a b: all 3 right. So it is."),
        ("cba", "✗ you said c b a: 1 of 3 right. So it is.\n  Curve 1 is c (half), 2 is a (plain), "
                "3 is b (twice)."),
        ("abc", "✗ you said a b c: 0 of 3 right. So it is."),
    ],
)  # fmt: skip
def test_a_matching_says_how_many_are_right(answer, reply):
    assert curves().reply(answer).startswith(reply)
    assert curves().is_right(answer) == reply.startswith("✓")


@pytest.mark.parametrize("broken", [{"answer": "caa"}, {"answer": "ca"}, {"d": "whole"}])
def test_a_matching_that_cannot_be_judged_is_not_registered(broken):
    with pytest.raises(ValueError, match="made-up"):
        curves(**broken)
    assert "made-up" not in QUESTIONS


# ------------------------------------------------------------------------------ orders


def losses(**more):
    order("made-up", **{"answer": "cab", "reason": "So it is.", "measured_by": "[1, 2, 0]",
                        "a": "plain", "b": "twice", "c": "half"} | more)  # fmt: skip
    return QUESTIONS["made-up"]


@pytest.mark.parametrize(
    "answer",
    ["cab", "c a b", "C, A, B", "c<a<b", "c < a < b", ["c", "a", "b"], ("C", "a", "b"), "c-a-b",
     "b > a > c", "(c) (a) (b)"],
)  # fmt: skip
def test_an_order_may_be_written_in_many_ways(answer):
    assert losses().read(answer) == "cab"


@pytest.mark.parametrize(
    "answer",
    ["ca", "caba", "", "abz", "c=a<b", "c<a>b", 3, None.__class__, [1, 2, 3], True, np.nan],
)
def test_what_is_no_order_is_told_what_to_write(answer, capsys):
    losses()
    assert said("made-up", answer, capsys).endswith(
        "is not an order: write the letters a, b and c from smallest to largest, in quotes, "
        'such as "a b c"'
    )
    assert progress_file.load()["predictions"] == {}


def test_the_reply_to_an_order_counts_pairs(capsys):
    losses()
    assert said("made-up", "c a b", capsys) == (
        "✓ you said c < a < b, measured c < a < b. So it is."
    )
    assert said("made-up", "b a c", capsys) == (
        "✗ you said b < a < c, measured c < a < b: 3 of the 3 pairs stand the wrong way round. "
        "So it is. From smallest to largest: c (half), a (plain), b (twice)."
    )
    assert "1 of the 3 pairs stands the wrong way" in said("made-up", "acb", capsys)
    assert progress_file.load()["predictions"] == {"made-up": "cab"}


@pytest.mark.parametrize("broken", [{"answer": "ca"}, {"answer": "caab"}, {"measured_by": None}])
def test_an_order_that_cannot_be_judged_is_not_registered(broken):
    with pytest.raises(ValueError, match="made-up"):
        losses(**broken)


# ------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    "answer",
    ["mean", "the mean", "Mean.", " a  mean ", '"mean"', "THE MEAN!", "running-mean",
     "running_mean",
     "the Running  Mean"],
)  # fmt: skip
def test_words_are_compared_leniently(answer):
    word("made-up", answers=("mean", "running mean"), reason="So it is.", recalls="forward")
    question = QUESTIONS["made-up"]
    assert question.is_right(question.read(answer))


def test_a_wrong_word_and_none(capsys):
    word("made-up", answers=("1/N", "1 / n"), reason="So it is.", recalls="forward")
    ask = exercises.recall
    assert said("made-up", ..., capsys, ask) == (
        "○ no answer yet: replace ... by a word or two, or a symbol, in quotes"
    )
    assert said("made-up", " . ", capsys, ask).startswith("✗ ' . ' is not an answer: write a word")
    assert said("made-up", True, capsys, ask).startswith("✗ True is not an answer")
    assert said("made-up", "N", capsys, ask) == "✗ not N, but 1/N: So it is."
    assert said("made-up", "1/n", capsys, ask) == "✓ 1/n: So it is."
    assert progress_file.load()["predictions"] == {"made-up": "N"}


@pytest.mark.parametrize("answers", [(), ("",), ("mean", " . ")])
def test_a_word_needs_answers(answers):
    with pytest.raises(ValueError, match="made-up"):
        word("made-up", answers=answers, reason="So it is.", recalls="forward")


# ----------------------------------------------------------------------------- choices


def test_whichever_function_asks_it_works(capsys):
    assert said("forward-axis", "A)", capsys, exercises.recall).startswith("✓ a: ")
    assert said("forward-axis", ..., capsys, exercises.recall) == (
        '○ no answer yet: replace ... by "a", "b" or "c"'
    )


def test_the_reply_names_who_says_what_is_wrong(capsys, monkeypatch):
    monkeypatch.setattr(
        questions,
        "beliefs",
        lambda: {
            "all-alike": {"said": "All are alike.", "by": "A. Nybody 2020", "where": "page 1"}
        },
    )
    claimed = next(iter(all_claims()))
    prediction(
        "made-up", right="a", a="One.", b="Two.", c="Three.", d="Four.",
        believed={"b": "quote: all-alike", "c": f"claim: {claimed}", "d": "mutant: standardize.x"},
    )  # fmt: skip
    assert said("made-up", "b", capsys) == (
        "✗ not b: Two. It is a: One. So one reads: “All are alike.” (A. Nybody 2020)."
    )
    by = all_claims()[claimed]["by"]
    assert said("made-up", "c", capsys).endswith(f"” ({by}).")
    assert said("made-up", "d", capsys) == "✗ not d: Four. It is a: One."
    assert said("made-up", "a", capsys) == "✓ a: One."


@pytest.mark.parametrize("believed", [{"b": "claim: x"}, {"a": "", "b": "", "c": ""}, {}])
def test_what_is_believed_is_about_all_wrong_choices(believed):
    with pytest.raises(ValueError, match=r"believed must be about \['b', 'c'\]"):
        prediction("made-up", right="a", a="One.", b="Two.", c="Three.", believed=believed)


def test_names_are_unique(monkeypatch):
    with pytest.raises(ValueError, match="two questions are called forward-axis"):
        prediction("forward-axis", right="a", a="One.", b="Two.")


def test_a_question_that_is_no_answer_is_unreadable():
    with pytest.raises(Unreadable, match="'d' is not a choice"):
        QUESTIONS["forward-axis"].read("d")
