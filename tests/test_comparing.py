"""What a comparison concludes: pairs, one margin per measure, rates inside their grids."""

import numpy as np
import pytest

from helpers.comparing import (
    MEASURES,
    choose_rate,
    compare_pairs,
    conclude,
    weaker_than_margin,
)

PLAIN = np.array([0.90, 0.80, 0.95, 0.85, 0.70])


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ([0.02, 0.03, 0.05, 0.02, 0.09], "better"),  # the margin itself is enough, rounding allowed
        ([-0.02, -0.03, -0.05, -0.02, -0.09], "worse"),
        ([0.0, 0.02, -0.02, 0.01, -0.01], "no difference"),
        ([0.02, 0.03, 0.05, 0.02, 0.01], "too close to call"),
        ([-0.03, 0.0, 0.0, 0.0, 0.0], "too close to call"),
        ([0.1, -0.1, 0.1, -0.1, 0.1], "too close to call"),
    ],
)
def test_seeds_are_compared_in_pairs_and_all_must_agree(more, word):
    assert conclude(PLAIN + np.array(more), PLAIN, "accuracy").word == word


@pytest.mark.parametrize(
    ("factor", "word"),
    [(1.5, "better"), (1 / 1.5, "worse"), (1.4, "no difference"), (0.7, "no difference")],
)
def test_steps_are_compared_as_factors_and_fewer_are_better(factor, word):
    steps = np.array([30.0, 60, 90, 120, 150])
    assert conclude(steps / factor, steps, "steps").word == word


def test_a_target_that_is_never_reached():
    steps, never = np.full(5, 100.0), np.full(5, np.inf)
    assert conclude(steps, never, "steps").word == "better"
    assert conclude(never, steps, "steps").word == "worse"
    assert conclude(never, never, "steps").word == "too close to call"
    one = np.array([100.0, 100, np.inf, 100, 100])
    assert conclude(one, np.full(5, 300.0), "steps").word == "too close to call"


@pytest.mark.parametrize("name", MEASURES)
def test_gain_and_harm_are_the_same_margin_seen_from_two_sides(name):
    measure = MEASURES[name]
    baseline = np.array([1.0, 2, 3, 4, 5])
    for size in (0.5, 1.01, 3.0):
        step = measure.margin**size if measure.ratio else measure.margin * size
        changed = baseline * step if measure.ratio else baseline + step
        there, back = conclude(changed, baseline, name), conclude(baseline, changed, name)
        opposite = {"better": "worse", "worse": "better", "no difference": "no difference"}
        assert there.word == opposite[back.word]
        assert (there.word == "no difference") == (size < 1)


@pytest.mark.parametrize(
    ("more", "better", "not_worse", "alike"),
    [
        ([0.03] * 5, "holds", "holds", "does not hold"),
        ([0.01] * 5, "does not hold", "holds", "holds"),
        ([0.0, 0.01, 0.03, 0.0, 0.0], "too close to call", "holds", "too close to call"),
        ([-0.05] * 5, "does not hold", "does not hold", "does not hold"),
        ([-0.05, 0.0, 0.0, 0.0, 0.0], "does not hold", "too close to call", "too close to call"),
        ([np.nan, 0.03, 0.03, 0.03, 0.03], *["too close to call"] * 3),
        ([np.nan] * 5, *["too close to call"] * 3),
    ],
)
def test_a_sentence_holds_in_every_seed_or_in_none(more, better, not_worse, alike):
    found, turned = (
        conclude(*pair, "accuracy")
        for pair in ((PLAIN + np.array(more), PLAIN), (PLAIN, PLAIN + np.array(more)))
    )
    assert [found.says(s) for s in ("better", "not worse", "alike")] == [better, not_worse, alike]
    assert turned.says("worse") == better


def test_it_says_numbers():
    said = str(conclude(PLAIN + np.array([0.02, 0.03, 0.05, 0.04, 0.09]), PLAIN, "accuracy"))
    assert said == "better (+0.04, range +0.02 to +0.09)"
    said = str(conclude(PLAIN / [2, 2, 3, 4, 5], PLAIN, "loss"))
    assert said == "better (factor 3, range 2 to 5)"


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(KeyError, match="no margin for 'beauty'"):
        conclude(PLAIN, PLAIN, "beauty")
    for changed in (PLAIN[:4], PLAIN[None]):
        with pytest.raises(ValueError, match="five or more seeds"):
            conclude(changed, PLAIN[: len(changed)], "accuracy")


def test_any_number_of_pairs_can_be_compared_though_it_is_no_finding():
    assert compare_pairs(PLAIN[:1] + 0.03, PLAIN[:1], "accuracy").word == "better"
    assert compare_pairs([0.9, 0.5], [0.5, 0.9], "accuracy").word == "too close to call"
    steps = np.array([30.0, 60])
    np.testing.assert_allclose(compare_pairs(steps / 2, steps, "steps").effects, [2, 2])


def test_of_five_pairs_it_says_what_the_course_concludes():
    changed = PLAIN + np.array([0.02, 0.03, 0.05, 0.04, 0.09])
    for name in MEASURES:
        found, course = (f(changed, PLAIN, name) for f in (compare_pairs, conclude))
        assert (found.word, str(found), found.measure) == (course.word, str(course), MEASURES[name])


@pytest.mark.parametrize(
    ("measure", "changed", "margin", "word"),
    [
        ("accuracy", 0.55, None, "better"),
        ("accuracy", 0.55, 0.1, "no difference"),
        ("accuracy", 0.505, 0.004, "better"),
        ("accuracy", 0.6, 0.1, "better"),  # the margin itself is enough
        ("loss", 0.47, None, "no difference"),
        ("loss", 0.47, 1.05, "better"),
        ("loss", 0.55, 1.05, "worse"),
    ],
)
def test_another_margin_may_be_given(measure, changed, margin, word):
    found = compare_pairs([changed] * 5, [0.5] * 5, measure, margin)
    assert found.word == word
    if margin is not None:
        says = f"{margin:g} of accuracy" if measure == "accuracy" else f"a factor of {margin:g}"
        assert (found.measure.margin, found.measure.says) == (margin, says)
        assert MEASURES[measure].margin != margin  # that of the course stays


def test_what_makes_no_pairs_is_refused():
    with pytest.raises(KeyError, match="no margin for 'beauty', but for accuracy, loss"):
        compare_pairs(PLAIN, PLAIN, "beauty")
    for changed in (PLAIN[:4], [], 0.5, PLAIN[None]):
        with pytest.raises(ValueError, match="as many numbers of one arm as of the other"):
            compare_pairs(changed, PLAIN, "accuracy")
    with pytest.raises(ValueError, match="as many numbers"):
        compare_pairs([], [], "accuracy")


def test_a_rate_is_chosen_by_the_median_over_the_seeds():
    rates = [0.1, 1.0, 10.0]
    scores = [[0.5] * 5, [0.8, 0.8, 0.8, 0.1, 0.1], [0.7, 0.7, 0.7, 0.9, 0.9]]
    choice = choose_rate(rates, scores, on="held-out")
    assert (choice.rate, choice.on, choice.inside) == (1.0, "held-out", True)
    lowest = choose_rate(rates, scores, on="test", lowest=True)
    assert (lowest.rate, lowest.inside) == (0.1, False)


def test_diverged_and_missing_runs_are_never_the_best():
    scores = [[0.5] * 5, [np.nan] * 5, [0.4] * 5]
    assert choose_rate([1, 2, 3], scores, on="held-out").rate == 1
    assert choose_rate([1, 2, 3], scores, on="held-out", lowest=True).rate == 3
    steps = [[np.inf] * 5, [50, 60, np.inf, np.inf, np.inf], [80, 90, 90, np.inf, 90]]
    assert choose_rate([1, 2, 3], steps, on="held-out", lowest=True).rate == 3


def test_scores_and_rates_must_fit():
    with pytest.raises(ValueError, match=r"\(3 rates, seeds\), not \(2, 5\)"):
        choose_rate([1, 2, 3], np.ones((2, 5)), on="held-out")


@pytest.mark.parametrize(
    ("measure", "at_least", "at_most", "weaker"),
    [
        ("accuracy", 0.02, None, False),
        ("accuracy", 0.15, None, False),
        ("accuracy", 0.01, None, True),
        ("accuracy", 0.0, None, True),
        ("accuracy", -0.02, 0.02, False),
        ("accuracy", None, 0.02, False),
        ("accuracy", None, 0.05, True),
        ("accuracy", None, -0.02, False),
        ("accuracy", -0.05, None, True),
        ("steps", 2.0, None, False),
        ("steps", 1.2, None, True),
        ("steps", None, 1.5, False),
        ("steps", 1 / 1.5, 1.5, False),
        ("loss", None, 0.9, False),
        ("loss", None, 0.95, True),
    ],
)
def test_bounds_below_the_margin_are_seen(measure, at_least, at_most, weaker):
    assert weaker_than_margin(measure, at_least, at_most) == weaker
