"""Two exercises about comparing: the ratio of two tuned arms, and what paired seeds say."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, same, slip

# Seeds in rows, rates in columns; lower is better. The best rates differ, and lie inside.
BASELINE = np.array(
    [
        [9.0, 5.0, 2.9, 6.0, np.inf],
        [8.0, 4.6, 4.0, 1.5, np.inf],
        [9.5, 6.0, 3.5, 8.0, 7.0],
        [7.0, 4.0, 9.0, 9.5, np.inf],
        [8.5, 5.5, 3.2, 7.0, np.inf],
    ]
)
CHANGED = np.array(
    [
        [7.0, 2.0, 4.0, 5.0, 6.0],
        [6.5, 1.6, 3.0, 5.5, 0.7],
        [7.5, 9.0, 2.5, 6.0, 8.0],
        [6.0, 1.8, 3.5, 4.0, np.inf],
        [8.0, 2.2, 2.0, 7.0, 9.0],
    ]
)


def _medians(grid):
    return np.median(grid, axis=0)


@exercise(
    "For each arm by itself: the median over the seeds at every rate, then the rate whose median "
    "is lowest. Then look whether that rate has neighbours on both sides.",
    "medians = np.median(grid, axis=0) and best = np.argmin(medians). The optimum is inside if "
    "0 < best < len(medians) - 1.",
    "Do this for both grids; return np.nan if either optimum is at an edge, otherwise the best "
    "median of `changed` divided by that of `baseline`.",
)
def tuned_ratio(baseline, changed):
    best = []
    for grid in (baseline, changed):
        medians = np.median(grid, axis=0)
        rate = np.argmin(medians)
        if rate in (0, len(medians) - 1):
            return np.nan
        best.append(medians[rate])
    return best[1] / best[0]


@tuned_ratio.expect
def each_at_its_best():
    """Each arm counts with its median over the seeds at its own best rate: changed / baseline."""
    ratio = array_like((yield (BASELINE, CHANGED), {}), "the ratio", shape=())
    right, base, change = tuned_ratio(BASELINE, CHANGED), _medians(BASELINE), _medians(CHANGED)
    slip(ratio, 1 / right, "this is baseline / changed: turn it over")
    says = "you compare both at the baseline's best rate; each arm has a best rate of its own"
    slip(ratio, change[base.argmin()] / base.min(), says)
    says = "you compare both at the changed arm's best rate; each arm has a best rate of its own"
    slip(ratio, change.min() / base[change.argmin()], says)
    slip(ratio, CHANGED.min() / BASELINE.min(), "that is the luckiest single run of each arm")
    per_seed = np.median(CHANGED.min(axis=1)) / np.median(BASELINE.min(axis=1))
    slip(ratio, per_seed, "you pick a rate for every seed: choose one rate per arm, for all seeds")
    means = CHANGED.mean(axis=0).min() / BASELINE.mean(axis=0).min()
    slip(ratio, means, "this is the mean over the seeds: one bad run rules it; take the median")
    pairs = np.median(CHANGED[:, change.argmin()] / BASELINE[:, base.argmin()])
    slip(ratio, pairs, "the ratio of the two medians is wanted, not the median of ratios")
    over_rates = [np.median(grid, axis=1).min() for grid in (BASELINE, CHANGED)]
    says = "you take the median over the rates: it runs over the seeds, axis 0"
    slip(ratio, over_rates[1] / over_rates[0], says)
    worst = CHANGED.max(axis=0).min() / BASELINE.max(axis=0).min()
    slip(ratio, worst, "you judge a rate by its worst seed: take the median")
    says = "you look at the first seed alone: take the median over all of them"
    slip(ratio, CHANGED[0].min() / BASELINE[0].min(), says)
    slip(ratio, change.max() / base.max(), "lower is better: look for the smallest median")
    slip(ratio, change.min() - base.min(), "a ratio, not a difference")
    if np.isnan(ratio):
        raise AssertionError(
            "it is nan, although the lowest median of each arm, taken over the seeds, has "
            "neighbours on both sides (np.median can deal with np.inf, np.quantile cannot)"
        )
    same(ratio, right, "the ratio")


@tuned_ratio.expect
def an_optimum_at_the_edge():
    """If the best rate of either arm is the first or the last of the grid, there is no answer."""
    for where, columns in (("last", slice(None, 3)), ("first", slice(2, None))):
        ratio = array_like((yield (BASELINE[:, columns], CHANGED), {}), "the ratio", shape=())
        if not np.isnan(ratio):
            raise AssertionError(
                f"the baseline is best at the {where} rate of its grid, so it may be better still "
                f"beyond: return np.nan instead of {float(ratio):.3g}"
            )
    for where, columns in (("last", slice(None, 2)), ("first", slice(1, None))):
        ratio = array_like((yield (BASELINE, CHANGED[:, columns]), {}), "the ratio", shape=())
        if not np.isnan(ratio):
            raise AssertionError(
                f"the changed arm is best at the {where} rate of its grid, so it may be better "
                f"still beyond: return np.nan instead of {float(ratio):.3g}"
            )


@tuned_ratio.expect
def runs_that_failed():
    """Runs that never arrived are np.inf: they count as the worst, they are not left out."""
    failing = CHANGED.copy()
    failing[[0, 1, 2], 1] = np.inf  # most seeds fail at what was the best rate
    ratio = array_like((yield (BASELINE, failing), {}), "the ratio", shape=())
    kept = np.ma.masked_invalid(failing)
    left_out = np.ma.median(kept, axis=0).min() / _medians(BASELINE).min()
    says = "you leave the failed runs out: a rate at which most seeds fail then looks good"
    slip(ratio, left_out, says)
    same(ratio, tuned_ratio(BASELINE, failing), "the ratio where most seeds fail at one rate")
    nan = np.where(np.isinf(failing), np.nan, failing)  # as a loss that has become one
    ratio = array_like((yield (BASELINE, nan), {}), "the ratio", shape=())
    says = "you leave runs that ended in nan out: a rate at which most seeds fail then looks good"
    slip(ratio, left_out, says)
    if not np.isnan(ratio):  # that is an answer too
        same(ratio, tuned_ratio(BASELINE, failing), "the ratio where most seeds end in nan")
    ratio = yield (BASELINE, np.full((5, 4), np.inf)), {}
    if not np.isnan(array_like(ratio, "the ratio", shape=())):
        raise AssertionError("an arm that fails at every rate has no best rate: return np.nan")


@tuned_ratio.expect
def grids_of_any_size():
    """It works for any number of seeds, and for grids of different lengths."""
    for baseline, changed in ((BASELINE[:3, 1:4], CHANGED[:3]), (CHANGED, BASELINE[:4])):
        ratio = yield (baseline, changed), {}
        what = f"the ratio for grids of shapes {baseline.shape} and {changed.shape}"
        same(ratio, tuned_ratio(baseline, changed), what)
    steps = np.array([[90, 47, 31, 60], [80, 46, 40, 15], [95, 60, 36, 80], [70, 40, 33, 95]])
    ratio = yield (steps, steps[:, ::-1] // 2), {}
    same(ratio, tuned_ratio(steps, steps[:, ::-1] // 2), "the ratio of two grids of whole numbers")
    ratio = yield (BASELINE, CHANGED[:, 1:2]), {}
    if not np.isnan(array_like(ratio, "the ratio", shape=())):
        raise AssertionError("with a single rate, which is the first and the last: return np.nan")


ALIKE = np.full(5, 0.3)  # seeds that do not differ,
PLAIN = np.array([0.30, 0.10, 0.22, 0.15, 0.26])  # and seeds that do


@exercise(
    "The seeds are paired: seed by seed, by how much is `changed` lower than `baseline`?",
    "gains = baseline - changed. Now there are three cases: all gains reach the margin, none "
    "does, or some do.",
    "Before that, two reasons to refuse: fewer than five seeds, and a result that is not a finite "
    "number (np.isfinite). And for the rounding: reached = gains >= margin - 1e-9.",
)
def judge_claim(baseline, changed, margin):
    gains = baseline - changed
    if len(gains) < 5 or not np.isfinite(gains).all():
        return "cannot tell"
    reached = gains >= margin - 1e-9  # 40/500 - 35/500 falls short of 0.01, by rounding
    if reached.all():
        return "holds"
    if not reached.any():
        return "does not hold"
    return "cannot tell"


def _word(answer):
    words = ("holds", "does not hold", "cannot tell")
    if not isinstance(answer, str) or answer not in words:
        raise AssertionError(f"return one of {', '.join(map(repr, words))}; got {answer!r}")
    return answer


def _expect_word(answer, wanted, why):
    got = _word(answer)
    if got != wanted:
        raise AssertionError(f"{why}: {wanted!r}, not {got!r}")


@judge_claim.expect
def holds_in_every_seed():
    """It holds if `changed` is lower than `baseline` by at least the margin in every seed."""
    answer = yield (ALIKE, ALIKE - np.array([0.05, 0.06, 0.05, 0.09, 0.07]), 0.04), {}
    why = "lower is better; `changed` is lower by 0.05 or more in every seed, the margin is 0.04"
    _expect_word(answer, "holds", why)
    gains = np.array([0.25, 0.5, 0.25, 0.75, 0.25])
    answer = yield (1 + gains, np.ones(5), 0.25), {}
    _expect_word(answer, "holds", "a gain of exactly the margin is enough")


@judge_claim.expect
def holds_in_no_seed():
    """It does not hold if no seed gains as much as the margin, even if all gain a little."""
    answer = yield (ALIKE, ALIKE + 0.05, 0.04), {}
    _expect_word(answer, "does not hold", "every seed is worse by 0.05")
    answer = yield (ALIKE, ALIKE - np.array([0.01, 0.02, 0.01, 0.03, 0.02]), 0.04), {}
    _expect_word(answer, "does not hold", "every seed gains, but at most 0.03 of a margin of 0.04")
    answer = yield (ALIKE, ALIKE - 0.0399, 0.04), {}
    _expect_word(answer, "does not hold", "every gain is 0.0399: allow for rounding, not for more")


@judge_claim.expect
def seeds_that_disagree():
    """If some seeds reach the margin and others do not, one cannot tell."""
    answer = yield (ALIKE, ALIKE - np.array([0.2, 0.2, 0.01, 0.2, 0.2]), 0.04), {}
    _expect_word(answer, "cannot tell", "one seed of five gains less than the margin")
    answer = yield (ALIKE, ALIKE - np.array([-0.02, 0.0, 0.3, 0.01, 0.02]), 0.04), {}
    _expect_word(answer, "cannot tell", "one seed of five gains more than the margin")


@judge_claim.expect
def pairs_of_the_same_seed():
    """Seeds are compared in pairs: what differs between seeds must not hide the gain."""
    answer = yield (PLAIN, PLAIN - 0.05, 0.04), {}
    _expect_word(answer, "holds", "every seed gains 0.05, though seeds differ by more than that")
    answer = yield (PLAIN, np.sort(PLAIN) - 0.05, 0.04), {}
    _expect_word(answer, "cannot tell", "entry i of both arrays belongs to seed i: do not sort")


@judge_claim.expect
def too_few_seeds():
    """With fewer than five seeds one cannot tell, whatever they say."""
    for sign in (1, -1):
        answer = yield (PLAIN[:4], PLAIN[:4] - sign * 0.2, 0.04), {}
        _expect_word(answer, "cannot tell", "four seeds are too few, even if they agree")
    answer = yield (np.append(PLAIN, 0.2), np.append(PLAIN, 0.2) - 0.2, 0.04), {}
    _expect_word(answer, "holds", "six seeds are enough")
    steps = np.array([90, 80, 95, 70, 85, 60, 75])
    answer = yield (steps, steps - 30, 20), {}
    _expect_word(answer, "holds", "seven seeds, and each needs 30 steps less")
    answer = yield (steps, np.append(steps[:-1] - 30, 74), 20), {}
    _expect_word(answer, "cannot tell", "the last of seven seeds gains a single step")


@judge_claim.expect
def failed_runs():
    """A result that is nan or infinite is no result: one cannot tell."""
    for broken, value in (
        *(("changed", np.nan), ("changed", np.inf)),
        *(("baseline", np.inf), ("baseline", np.nan)),
    ):
        baseline, changed = PLAIN.copy(), PLAIN + (0.2 if broken == "changed" else -0.2)
        (baseline if broken == "baseline" else changed)[2] = value
        answer = yield (baseline, changed, 0.04), {}
        _expect_word(answer, "cannot tell", f"a seed of `{broken}` ended in {value}")


@judge_claim.expect
def a_margin_below_zero():
    """A margin below zero asks for no harm: worse by less than that is allowed."""
    answer = yield (PLAIN, PLAIN + np.array([0.01, -0.02, 0.02, 0.0, 0.01]), -0.03), {}
    _expect_word(answer, "holds", "no seed is worse by more than 0.02, and 0.03 is allowed")
    answer = yield (PLAIN, PLAIN + 0.05, -0.03), {}
    _expect_word(answer, "does not hold", "every seed is worse by 0.05, and 0.03 is allowed")
    answer = yield (PLAIN, PLAIN - 0.05, -0.03), {}
    _expect_word(answer, "holds", "every seed is better by 0.05: that is no harm, too")


@judge_claim.expect
def gains_that_are_rounded():
    """A gain that misses the margin by nothing but rounding reaches it."""
    wrong = np.array([40, 55, 20, 40, 55])  # of 500 images; five fewer are 0.01 fewer
    answer = yield (wrong / 500, (wrong - 5) / 500, 0.01), {}
    why = (
        f"every seed gains 5 of 500 images, which is 0.01; 40/500 - 35/500 is {40 / 500 - 35 / 500}"
    )
    _expect_word(answer, "holds", why)
    answer = yield (wrong / 500, (wrong - [5, 4, 4, 4, 4]) / 500, 0.01), {}
    _expect_word(answer, "cannot tell", "one seed of five gains 5 of 500 images, which is 0.01")
